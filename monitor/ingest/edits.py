"""What a person adds to a post that they wrote before: "EDIT: still nothing" is their next word, a comma is none."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

MOST = 100  # sentences that are compared
LONGEST = 300  # characters of one that are
CORRECTED = 0.7  # so much of a sentence was there before: it was corrected, and says nothing new

_END = re.compile(r"(?<=[.!?…。！？])\s+|(?<=[。！？])|\n+")


def words_added(before: str, after: str) -> str:
    """The sentences of a text that were not in it before, in their order; one that was only corrected is none."""
    known = {_bare(each): None for each in _END.split(before)}
    fresh = [each.strip() for each in _END.split(after) if _bare(each) and _bare(each) not in known][:MOST]
    still = {_bare(each) for each in _END.split(after)}
    replaced = [each for each in known if each and each not in still][:MOST]
    return "\n".join(each for each in fresh if not any(_corrects(_bare(each), other) for other in replaced))


def _bare(sentence: str) -> str:
    return re.sub(r"[\W_]+", " ", sentence).strip().casefold()[:LONGEST]


def _corrects(one: str, other: str) -> bool:
    likeness = SequenceMatcher(None, one, other, autojunk=False)
    return likeness.quick_ratio() >= CORRECTED and likeness.ratio() >= CORRECTED
