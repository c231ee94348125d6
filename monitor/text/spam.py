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
    numbers = [found.span() for found in _number.finditer(folded) if _is_telephone(found[0])]
    if not numbers:
        return False
    near = " ".join(folded[max(0, start - _BEFORE) : end + _BEHIND] for start, end in numbers)
    sure = len(numbers) > 1 or any(sign in near for sign in _SIGNS)
    words = _dressed.sub(" ", " ".join(tokens)).split()
    return _OWN.isdisjoint(words if not sure else [word for word in words if word not in _OWNED]) and (
        sure or not _OFFERS.isdisjoint(_word.findall(near))
    )


def _is_telephone(found: str) -> bool:
    """A row of digits alone may be an order: a telephone number has a plus before it, or comes in groups."""
    digits = sum(map(str.isdigit, found))
    return _FEWEST_DIGITS <= digits <= _MOST_DIGITS and (found[0] == "+" or len(re.findall(r"\d+", found)) > 2)
