"""Spam that offers a telephone number: "cancel Acme? Call +1-800-555-0199 (OTA) for a full refund".

It comes in hundreds, by as many accounts, in fancy letters, often dressed as a question; it speaks of refunds and lost
bags, so it reads like a complaint. What gives it away: a number that one is told to call, and nobody in it who tells
of themselves. "I called 0800 123 4567 three times" and "call me on 0171 1234567" are people.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path

from monitor.text.normalize import fold

_WORDS = tomllib.loads((Path(__file__).parent / "words" / "spam.toml").read_text(encoding="utf-8"))
_BEFORE, _BEHIND = 40, 25  # characters around a number in which it is offered
_FEWEST_DIGITS, _MOST_DIGITS = 8, 15
# Groups of digits with at most three signs between them, as "+1 (800) 555-0199" or "1•800•555•0199".
_number = re.compile(r"\+?\(?\d(?:[^\w\n+]{0,3}\d){7,14}")
_word = re.compile(r"\w+")
_date = re.compile(r"\d{4}[-/.]\d\d?[-/.]\d\d?|\d\d?[-/.]\d\d?[-/.]\d{4}|\d\d?:\d\d")
_SIGNS = (
    "☎",
    "☏",
    "📞",
    "📲",
    "📱",
    "(ota)",
    "{ota}",
    "[ota]",
    "ota)",
    "toll free",
    "help line",
    "tollfree",
    "toll-free",
)
_OFFERS = frozenset(_WORDS["offers"].split())
_REFERENCES = frozenset(_WORDS["references"].split())
_COUNTING = frozenset(_WORDS["counting"].split())
_DOUBTS = frozenset(_WORDS["doubts"].split())
_BIDS = frozenset(_WORDS["bids"].split())
_NOTS = frozenset(_WORDS["nots"].split())
_BIDDEN_WITHIN = 4  # words before the number
_call_centre = re.compile(r"\bcall (?:cent(?:re|er)s?|handlers?)\b")
# Who speaks of themselves; the questions in which such spam is dressed are taken away before.
_OWN = frozenset(_WORDS["own"].split())
_OWNED = frozenset({"my", "our"})  # of a ticket, in a question that nobody asks
_dressed = re.compile(r"\b(?:how|when|where|what|why|can|could|do|does|should|may|will|if)(?: \w+)? (?:i|we)\b")


def offers_number(text: str, tokens: Sequence[str]) -> bool:
    """Whether a post offers a telephone number to call, and is no person's own story."""
    if _number.search(text) is None:
        return False
    folded = fold(text)
    folded = _date.sub(" ", folded)
    numbers = [
        found.span()
        for found in _number.finditer(folded)
        if _is_telephone(found[0]) and not _is_a_reference(found[0], folded[: found.start()])
    ]
    if not numbers:
        return False
    near = " ".join(folded[max(0, start - _BEFORE) : end + _BEHIND] for start, end in numbers)
    near = _call_centre.sub(" ", near)
    sure = len(numbers) > 1 or any(sign in near for sign in _SIGNS)
    if not sure and _is_doubted(folded, numbers[0][0]):
        return False
    words = _dressed.sub(" ", " ".join(tokens)).split()
    return _OWN.isdisjoint(words if not sure else [word for word in words if word not in _OWNED]) and (
        sure or not _OFFERS.isdisjoint(_word.findall(near))
    )


def _is_doubted(folded: str, start: int) -> bool:
    """Whether a number is told of as dead or as a fraud, and nobody is bidden to call it."""
    before = _word.findall(folded[:start].replace("'", ""))
    for place in range(max(0, len(before) - _BIDDEN_WITHIN), len(before)):
        if before[place] in _BIDS and _COUNTING.isdisjoint(before[place + 1 : place + 2]):  # no "phone number"
            return not _NOTS.isdisjoint(before[max(0, place - 2) : place])
    return not _DOUBTS.isdisjoint(_word.findall(folded))


def _is_a_reference(number: str, before: str) -> bool:
    """Whether a number is said to be an order's, an account's or the like."""
    words = _word.findall(before[-_BEFORE:])
    while words and words[-1] in _COUNTING:
        words.pop()
    return number[0] != "+" and bool(words) and words[-1] in _REFERENCES


def _is_telephone(found: str) -> bool:
    """A row of digits alone may be an order: a telephone number has a plus before it, or comes in groups."""
    digits = sum(map(str.isdigit, found))
    return _FEWEST_DIGITS <= digits <= _MOST_DIGITS and (found[0] == "+" or len(re.findall(r"\d+", found)) > 2)
