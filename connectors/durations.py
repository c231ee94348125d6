"""Spans of time as settings write them: "30s", "15m", "4h", "2d"."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator

_SPAN = re.compile(r"([0-9]{1,9}) ?(ms|s|m|h|d|w)")
_NEAR = re.compile(r"\s*([0-9]{1,4})\s*(\w)\w*\s*")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def span(value: object) -> timedelta:
    """Read a span; a ValueError says how to write one."""
    if isinstance(value, timedelta):
        return value
    found = _SPAN.fullmatch(value.strip()) if isinstance(value, str) else None
    try:
        if found is not None:
            return timedelta(seconds=int(found[1]) * _SECONDS[found[2]])
    except OverflowError:
        pass  # longer than the calendar: no span that anybody meant
    near = _NEAR.fullmatch(value) if isinstance(value, str) else None
    example = f'"{near[1]}{near[2]}"' if near and near[2] in _SECONDS else '"30s", "15m", "4h" or "2d"'
    raise ValueError(f"write a duration such as {example}")


def span_text(value: timedelta) -> str:
    """Write a span as settings do, in the largest unit that holds it exactly."""
    seconds = value.total_seconds()
    for unit in ("w", "d", "h", "m"):
        if seconds and seconds % _SECONDS[unit] == 0:
            return f"{int(seconds // _SECONDS[unit])}{unit}"
    return f"{seconds:.0f}s" if seconds % 1 == 0 else f"{seconds * 1000:.0f}ms"


Span = Annotated[timedelta, BeforeValidator(span)]
