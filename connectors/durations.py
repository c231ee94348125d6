"""Spans of time as settings write them: "30s", "15m", "4h", "2d"."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator

_SPAN = re.compile(r"^(\d{1,9})\s*(ms|s|m|h|d|w)$")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def span(value: object) -> timedelta:
    """Read a span; a ValueError says how to write one."""
    if isinstance(value, timedelta):
        return value
    found = _SPAN.match(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError('write a span such as "30s", "15m", "4h" or "2d"')
    return timedelta(seconds=int(found[1]) * _SECONDS[found[2]])


Span = Annotated[timedelta, BeforeValidator(span)]
