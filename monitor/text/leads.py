"""Whether somebody looks for something else than a competitor: "looking for an alternative to ...". Pure.

A lead is a line on the page, never an alert. So it may be missed; what it must not be is an advertisement: lists of ten
alternatives and makers of one are most of what is written in these words.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from monitor.text.normalize import fold

LONGEST = 2_000  # characters that are looked at
_NAME = "thisrival"  # how the lists write the competitor's name


@lru_cache(maxsize=1)
def _lists() -> dict[str, re.Pattern[str]]:
    file = Path(__file__).parent / "words" / "leads.toml"
    listed = tomllib.loads(file.read_text(encoding="utf-8"))
    return {name: re.compile("|".join(rf"(?<!\w)(?:{each})" for each in lines)) for name, lines in listed.items()}


@lru_cache(maxsize=64)
def _names(words: tuple[str, ...]) -> re.Pattern[str] | None:
    folded = sorted({fold(word).strip().rstrip("*") for word in words}, key=len, reverse=True)
    either = "|".join(re.escape(word) for word in folded if word)
    return re.compile(rf"[@#]?(?<!\w)(?:{either})\w{{0,3}}") if either else None


def is_lead(text: str, names: Iterable[str]) -> bool:
    """Whether these words look for something else than whoever is called by one of `names`."""
    pattern = _names(tuple(names))
    if pattern is None:
        return False
    words = " ".join(pattern.sub(f" {_NAME} ", fold(text[:LONGEST])).split())
    if _NAME not in words:
        return False
    lists = _lists()
    if lists["sells"].search(words):
        return False
    return bool(lists["asks"].search(words) or (lists["leaves"].search(words) and lists["wishes"].search(words)))
