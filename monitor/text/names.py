"""Names of strangers that are made to look like something else: like the brand's own account, or like nothing at all.

Nobody is judged by this: whoever reads a name is told what the eye cannot see. Letters that look alike are compared by
one sign for all of them, after the idea of Unicode's UTS #39.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

NOT_OURS = "not your account"
UNSEEN = "invisible letters"
MIXED = "mixed alphabets"

# Letters of other alphabets that look like one of ours, in small and in large.
_ALIKE = {
    alike: ours
    for ours, letters in {
        "a": "аαɑΑА", "b": "ЬВΒβь", "c": "сϲСϹ", "d": "ԁɗ", "e": "еЕΕєҽ", "f": "ϝғ", "g": "ɡց", "h": "һНΗհ",
        "i": "іΙІɩιı",
        "j": "јЈϳ", "k": "кκКΚ", "l": "ӏΙІⅼ", "m": "мМΜ", "n": "ոпηΝ", "o": "оοОΟօσ", "p": "рρРΡ", "q": "ԛզ", "r": "гѓ",
        "s": "ѕЅտ", "t": "тτТΤ", "u": "υսц", "v": "ѵνѴ", "w": "ѡԝωա", "x": "хχХΧ", "y": "уγУΥү", "z": "ᴢΖ",
    }.items()
    for alike in letters
}  # fmt: skip
# In writing that is read fast these are one sign; the order matters: two letters before one.
_FAST = (("rn", "m"), ("vv", "w"), ("cl", "d"), ("0", "o"), ("1", "l"), ("i", "l"), ("|", "l"), ("5", "s"), ("3", "e"))
# Letters and signs that show nothing, though programs count them among letters.
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5\u180e")
_ALPHABETS = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE")
_JOINS_SIGNS = "\u200d\ufe0f"  # inside pictures of several signs
# What is unseen and belongs where it stands: the letters of a region's flag, the sign by which Persian and the scripts
# of India part two letters of a word, and the marks of direction that keyboards put beside Arabic and Hebrew.
_flag = re.compile("\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{2,6}\U000e007f")
_joined = re.compile("(?<=[\u0600-\u08ff\u0900-\u0dff])\u200c(?=[\u0600-\u08ff\u0900-\u0dff])")
_direction = re.compile("(?<=[\u0590-\u08ff])[\u200e\u200f\u061c]|[\u200e\u200f\u061c](?=[\u0590-\u08ff])")


@lru_cache(maxsize=4096)
def skeleton(name: str) -> str:
    """What a name looks like to somebody who reads it fast."""
    text = unicodedata.normalize("NFKD", "".join(letter for letter in name if not _is_unseen(letter)))
    text = "".join(_ALIKE.get(letter, letter) for letter in text if not unicodedata.combining(letter)).casefold()
    text = re.sub(r"[\W_]+", "", "".join(_ALIKE.get(letter, letter) for letter in text))
    for several, one in _FAST:
        text = text.replace(several, one)
    return text


def _is_unseen(letter: str) -> bool:
    return letter in _BLANK or (unicodedata.category(letter) == "Cf" and letter not in _JOINS_SIGNS)


def is_blank(name: str) -> bool:
    """Whether nothing of a name can be seen."""
    return not "".join(letter for letter in name if not _is_unseen(letter)).strip()


def warning(name: str, ours: Iterable[str]) -> str:
    """What a reader should know of a stranger's name, in two or three words; "" of nearly all. `ours` are our names."""
    mine = frozenset(skeleton(part) for each in ours for part in _parts(each))
    return _warning(name, mine - {each for each in mine if len(each) < 3})


def _parts(name: str) -> tuple[str, ...]:
    """A name, and what stands before the server in it: "@acme@example.social"."""
    bare = name.strip().removeprefix("u/").lstrip("@")
    return (bare, bare.partition("@")[0])


@lru_cache(maxsize=4096)
def _warning(name: str, mine: frozenset[str]) -> str:
    if not name:
        return ""
    if any(skeleton(part) in mine for part in _parts(name)):
        return NOT_OURS
    if any(map(_is_unseen, _less_written(name))) or not name.strip():
        return UNSEEN
    if name.isascii():
        return ""
    for word in re.findall(r"\w+", name):
        used = {alphabet for letter in word for alphabet in _ALPHABETS if _of(letter, alphabet)}
        if len(used) > 1:
            return MIXED
    return ""


def _less_written(name: str) -> str:
    """A name without what is unseen in it and hides nothing."""
    return name if name.isascii() else _direction.sub("", _joined.sub("", _flag.sub("", name)))


def _of(letter: str, alphabet: str) -> bool:
    return unicodedata.name(letter, "").startswith(alphabet)
