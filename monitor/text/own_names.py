"""How people write a brand's name: with a curly apostrophe or none, without accents, wide, with another dash.

What a query finds (`monitor/text/query`) must be known here as our name too, or a question that names us is nobody's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from monitor.text.normalize import APOSTROPHES, INVISIBLE, fold, without_entities

# Letters that fold to one of ours, or to two: of Latin, Greek and Cyrillic, small figures, circled and wide ones.
_LETTERS = ((0xAA, 0x530), (0x1E00, 0x2000), (0x2070, 0x20A0), (0x2460, 0x2500), (0xFB00, 0xFB07), (0xFF10, 0xFF5B))
_marks = f"\u0300-\u036f{INVISIBLE}"
_INSIDE = f"[{_marks}{APOSTROPHES}]*"  # may stand behind any letter but the last
_BEHIND = f"[{_marks}]*"
_gap = re.compile(r"[\s\-\u2010-\u2015_.,:;]+")
_and = re.compile(r"\s*&\s*")
_GAP = r"[\s\-\u2010-\u2015_.,:;]{1,3}"
_HANDLE_GAP = r"[\s._\-]?"
_AND = r"\s?&\s?"
_HANDLE_AND = r"[\s._\-]?(?:&|and|und|et|y|e|en)?[\s._\-]?"
_END_SIGNS = "!."
_SHORT = 3  # letters: so short a handle is the beginning of many names
# What brands put behind their name: where they are, or what the account is for.
_BEHIND_NAMES = (
    "official|support|service|services|help|helps|care|cares|team|news|app|hq|inc|group|jobs|global|world|europe|hilft|"
    "uk|gb|us|usa|ie|de|at|ch|fr|es|it|pt|nl|be|ca|au|nz|in|eu|dk|se|no|fi|pl|br|mx"
)


def in_text(words: Iterable[str]) -> re.Pattern[str] | None:
    """What finds these names in prose, however spelled. A name that is asked for as a handle or a tag is none there."""
    names = [spelled for word in _longest_first(words) if word[0] not in "@#" and (spelled := _spelled(word))]
    return re.compile(rf"(?<![\w@#])(?:{'|'.join(names)})(?!\w)", re.IGNORECASE) if names else None


def as_handle(words: Iterable[str]) -> re.Pattern[str] | None:
    """What finds these names as handles, which begin so: "Harbour Tea" is "@harbourtea" and "@harbourtea_uk"."""
    names = [found for word in _longest_first(words) if word[0] != "#" and (found := _handle(word.lstrip("@")))]
    return re.compile(rf"@(?:ask|team)?(?:{'|'.join(names)})", re.IGNORECASE) if names else None


def as_handle_alone(words: Iterable[str]) -> re.Pattern[str] | None:
    """What finds these names as handles that go on at most as a brand's own do: "@shell_uk", and not "@shelley"."""
    names = [found for word in _longest_first(words) if (found := _handle(word.lstrip("@#"), alone=True))]
    return re.compile(rf"(?<!\w)@(?:ask|team)?(?:{'|'.join(names)})", re.IGNORECASE) if names else None


def _longest_first(words: Iterable[str]) -> list[str]:
    return sorted({word.strip() for word in words if word.strip()}, key=lambda word: (-len(word), word))


def _handle(word: str, *, alone: bool = False) -> str:
    spelled = _spelled(word, gap=_HANDLE_GAP, both=_HANDLE_AND)
    if not spelled or (sum(map(str.isalnum, word)) > _SHORT and not alone):
        return spelled
    return rf"{spelled}(?:_?(?:{_BEHIND_NAMES}))?(?![^\W_])"


def _spelled(word: str, gap: str = _GAP, both: str = _AND) -> str:
    """A name as a pattern that all its spellings fit; as it is where no letter stands in it."""
    folded = fold(without_entities(word)).replace("'", "").strip()
    if not any(map(str.isalnum, folded)):
        return re.escape(word)
    end = len(folded.rstrip(_END_SIGNS))
    parts: list[str] = []
    at = 0
    while at < end:
        letters = folded[at : at + 2] if folded[at : at + 2] in _ways() and at + 1 < end else folded[at]
        if (found := _and.match(folded, at, end)) is not None:
            parts.append(both)
        elif parts and (found := _gap.match(folded, at, end)) is not None:  # ".NET" begins with its sign
            parts.append(gap)
        elif letters.isalnum():
            parts.append(f"{_written(letters)}{_INSIDE if at + len(letters) < end else _BEHIND}")
        else:
            parts.append(re.escape(letters))
        at = found.end() if found is not None else at + len(letters)
    parts.extend(f"{re.escape(sign)}?" for sign in folded[end:])
    return "".join(parts)


def _written(letters: str) -> str:
    """A letter of a name with all that fold to it; of two, such as "ss", also what is one sign for both."""
    ways = _ways()
    if len(letters) == 1:
        return f"[{re.escape(letters)}{ways.get(letters, '')}]"
    return f"(?:[{ways[letters]}]|{_written(letters[0])}{_INSIDE}{_written(letters[1])})"


@cache
def _ways() -> dict[str, str]:
    """The letters that fold to others, by what they fold to."""
    found: dict[str, str] = {}
    for low, high in _LETTERS:
        for letter in map(chr, range(low, high)):
            folded = fold(letter)
            if folded != letter and len(folded) < 3 and folded.isalnum():
                found[folded] = found.get(folded, "") + letter
    return found
