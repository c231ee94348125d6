"""Whether two posts say the same in nearly the same words: reposts, quotes with a word before, cross-posts.

A fingerprint is sixteen small minimum hashes over word pairs, four bits each. Two texts agree in each of the sixteen as
often as they share word pairs (their Jaccard similarity), so counting agreements measures likeness, and a band of three
can be looked up in an index: at a likeness of .8 one of the four bands is equal in 94 of 100 cases. (In a SimHash a few
words before a repost turn some eight of the 64 bits, wherever they stand, and a band must be equal in all of its own.)

The hash is CRC-32, the same in every process and for ever: fingerprints are stored.
"""

from __future__ import annotations

import re
from itertools import pairwise
from zlib import crc32

from monitor.text.normal import fold, for_scoring

# Below eleven of sixteen the words are other words. Of real reposts with three words before them 95 in 100 keep eleven;
# of a million pairs of real complaints about six airlines one kept eleven by chance.
MOST_DIFFERENCES = 5
_SHORTEST = 4  # words; anything shorter is alike only when it is equal
_LONGEST = 150  # words that are looked at

_MASK = 0xFFFFFFFF
_SCATTER = 0x9E3779B1  # an odd number near 2**32 / 1.618: spreads what CRC leaves close together
# Each of the sixteen picks, of all word pairs, the one whose hash is nearest to its own point.
_POINTS = tuple((number * 0x85EBCA6B + 0x27D4EB2F) * _SCATTER & _MASK for number in range(1, 17))

# Both are looked for after @handles are gone: "RT @bob: so true" is "RT : so true" by then.
_repost = re.compile(r"^\W{0,20}(?:(?:RT|MT|QT|via)\b[\s:]*)+")
_credit = re.compile(r"\s[\W_]{0,5}(?:via|h/t|hat tip)\b[^\n]{0,40}$", re.IGNORECASE)
_last_tags = re.compile(r"(?:\s+#\w+)+\s*$")
_words = re.compile(r"\w+(?:'\w+)*")
_spaceless = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0002ffff]")


def _said(text: str) -> list[str]:
    """Return the words that a text itself says: no repost mark, credit, handle, link or run of tags at the end."""
    text = text[:6_000]
    words = _words.findall(fold(_core(_last_tags.sub("", text) if "#" in text else text)))
    if len(words) < _SHORTEST:  # nothing but tags and a credit: then they are what is said
        words = _words.findall(fold(for_scoring(text)))
    return words[:_LONGEST]


def _core(text: str) -> str:
    return _credit.sub("", _repost.sub("", for_scoring(text).strip()))


def _hash(shingle: str) -> int:
    return crc32(shingle.encode("utf-8", "replace")) * _SCATTER & _MASK


def fingerprint(text: str) -> int:
    """Return 64 bits that are much the same for much the same words, as a signed number (SQLite's INTEGER).

    0 means that nothing is said; it is like nothing.
    """
    words = _said(text)
    if not words:
        whole = " ".join(fold(text[:6_000]).split())
        words = [whole] if whole else []
        if not words:
            return 0
    if _spaceless.search(words[0]) is not None or (len(words) < _SHORTEST and _spaceless.search("".join(words))):
        letters = "".join(words)
        shingles = {letters[at : at + 3] for at in range(max(1, len(letters) - 2))}
    elif len(words) < _SHORTEST:
        shingles = set()
    else:
        shingles = {f"{one} {other}" for one, other in pairwise(words)}
    if len(shingles) < _SHORTEST - 1:
        return _signed(_hash(" ".join(words)) << 32 | _hash(" ".join(words[::-1]) + "\n"))
    hashes = [_hash(shingle) for shingle in shingles]
    value = 0
    for point in _POINTS:
        value = value << 4 | (min(map(point.__xor__, hashes)) & 15)
    return _signed(value)


def _signed(value: int) -> int:
    value = value or 1  # 0 is kept for nothing at all
    return value - (1 << 64) if value >> 63 else value


def bands(fingerprint: int) -> tuple[int, int, int, int]:
    """Return four numbers from 0 to 4095 to look up: two texts that are alike nearly always share one at its place.

    Each is three of a quarter's four parts: all four would miss twice as many, and two would find too many strangers.
    """
    return (
        fingerprint >> 48 & 0xFFF,
        fingerprint >> 32 & 0xFFF,
        fingerprint >> 16 & 0xFFF,
        fingerprint & 0xFFF,
    )


def distance(one: int, other: int) -> int:
    """Return in how many of the sixteen parts two fingerprints differ, 0 to 16."""
    differing = (one ^ other) & 0xFFFFFFFFFFFFFFFF
    differing |= differing >> 2
    differing |= differing >> 1
    return (differing & 0x1111111111111111).bit_count()


def alike(one: int, other: int) -> bool:
    """Whether two fingerprints are of texts in nearly the same words."""
    return one != 0 and other != 0 and distance(one, other) <= MOST_DIFFERENCES
