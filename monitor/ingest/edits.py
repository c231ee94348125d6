"""What a person adds to a post that they wrote before: "EDIT: still nothing" is their next word, a comma is none."""

from __future__ import annotations

import re

MOST = 50  # sentences that are compared
LONGEST = 200  # characters of one that are
CORRECTED = 0.7  # so many pairs of letters stood in one sentence before: it was corrected, and says nothing new

_END = re.compile(r"(?<=[.!?…。！？])\s+|(?<=[。！？])|\n+")


def words_added(before: str, after: str) -> str:
    """The sentences of a text that were not in it before, in their order; one that was only corrected is none."""
    known = {_bare(each): None for each in _END.split(before)}  # in their order, so that the same ones are compared
    said = {_bare(each): each.strip() for each in _END.split(after)}
    gone = [_pairs(each) for each in known if each and each not in said][:MOST]
    fresh = [(_pairs(bare), each) for bare, each in said.items() if bare and bare not in known][:MOST]
    return "\n".join(each for pairs, each in fresh if not any(_alike(pairs, other) for other in gone))


def _bare(sentence: str) -> str:
    return re.sub(r"[\W_]+", " ", sentence[: 2 * LONGEST]).strip().casefold()[:LONGEST]


def _pairs(sentence: str) -> set[str]:
    """Two letters each: how many two sentences share takes time in proportion to their length, whatever they say."""
    return {sentence[place : place + 2] for place in range(len(sentence))}


def _alike(one: set[str], other: set[str]) -> bool:
    return 2 * len(one & other) >= CORRECTED * (len(one) + len(other))
