"""Turn plain words and phrases into the search syntax that X and Reddit share: quoted, joined by OR, cut to fit."""

from __future__ import annotations

import re
from collections.abc import Iterable

_BARE = re.compile(r"\w+")
_HANDLE = re.compile(r"[@#$]\w+")
_OPERATORS = frozenset({"and", "or", "not"})


def any_of(terms: Iterable[str], *, limit: int, suffix: str = "", handles: bool = False) -> list[str]:
    """Give the queries that together find any of `terms`, none longer than `limit` characters, `suffix` in each.

    Sorted, so that the same terms always make the same queries. `handles` leaves @name, #tag and $sign unquoted.
    A phrase too long for one query is cut at a word: it then finds more than it should, never less.
    """
    tail = f" {suffix}" if suffix else ""
    room = limit - len(tail) - 2
    written = sorted({one for one in (_written(term, room, handles) for term in terms) if one})
    queries: list[str] = []
    group: list[str] = []
    for one in written:
        if group and len(" OR ".join([*group, one])) > room:
            queries.append(_grouped(group) + tail)
            group = []
        group.append(one)
    if group:
        queries.append(_grouped(group) + tail)
    return queries


def _grouped(group: list[str]) -> str:
    return f"({' OR '.join(group)})" if len(group) > 1 else group[0]


def _written(term: str, room: int, handles: bool) -> str:
    """Quote whatever the network could read as syntax; empty if nothing in it can be searched for."""
    words = re.sub(r'["\\\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff“”]', " ", term).casefold().split()
    plain = " ".join(words)
    if not re.search(r"\w", plain):
        return ""
    if _BARE.fullmatch(plain) and plain not in _OPERATORS and len(plain) <= room:
        return plain
    if handles and _HANDLE.fullmatch(plain) and len(plain) <= room:
        return plain
    if len(plain) > room - 2:
        plain = plain[: room - 2].rsplit(" ", 1)[0]
    return f'"{plain}"'
