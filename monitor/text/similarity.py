"""Whether two posts say the same in nearly the same words: reposts, quotes with a word before, cross-posts.

A fingerprint is sixteen small minimum hashes over word pairs, four bits each. Two texts agree in each of the sixteen as
often as they share word pairs (their Jaccard similarity), so counting agreements measures likeness, and a band of three
can be looked up in an index: at a likeness of .8 one of the four bands is equal in 94 of 100 cases. (In a SimHash a few
words before a repost turn some eight of the 64 bits, wherever they stand, and a band must be equal in all of its own.)

The hash is CRC-32, the same in every process and for ever: fingerprints are stored.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from zlib import crc32

from monitor.text.normalize import fold, for_scoring

# Below ten of sixteen the words are other words. Of real complaints quoted with three to five words before them 95 to
# 99 in 100 keep ten; of a million pairs of real complaints that share less than half their word pairs, one kept ten.
MOST_DIFFERENCES = 6
_SHORTEST = 5  # words; anything shorter is alike only when it is equal
_LONGEST = 150  # words that are looked at
# So many words in the very same order are copied, where a dozen about an outage may be anybody's own. Whoever takes a
# voice of an outage for a copy may miss the outage; whoever takes a copy for a voice counts one too many.
_COPIED = 16
_COPIED_DIFFERENCES = 1

_MASK = 0x3FFFFFFF  # 30 bits: Python's integers are quickest within them
_SCATTER = 0x9E3779B1  # an odd number near 2**32 / 1.618: spreads what CRC leaves close together
# Each of the sixteen picks, of all word pairs, the one whose hash is nearest to its own point (by exclusive or), and
# keeps four of its bits. The points differ in their first four bits, so no pair of words is picked by all of them. Each
# takes its four bits in its own way, so that two strangers who agree at one point do not agree at the next.
_POINTS = tuple(
    (number << 26 | ((0x85EBCA6B * (number + 1) >> 5) & 0x3FFFFFF), (_SCATTER * (2 * number + 1) | 1) & _MASK)
    for number in range(16)
)

# Both are looked for after @handles are gone: "RT @bob: so true" is "RT : so true" by then.
_repost = re.compile(r"^\W{0,20}(?:(?:RT|MT|QT|via)\b[\s:]*)+")
# A bare "via" before words is a way as often as a credit: two people fly "via Amsterdam, case lost" and "via Rome".
_credit = re.compile(
    r"\s(?:[\W_]{0,5}(?:h/t|hat tip)\b[^\n]{0,40}|[\W_]{0,5}via[\W_]{0,5}|[(\[|\u2013\u2014~-]\s?via\b[^\n]{0,40})$",
    re.IGNORECASE,
)
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
    prepared = _repost.sub("", for_scoring(text).strip())
    lowered = prepared[-60:].lower()
    return _credit.sub("", prepared) if "via" in lowered or "h/t" in lowered or "hat tip" in lowered else prepared


def _pairs(words: list[str]) -> set[int]:
    """Return a hash of each word with the word after it."""
    encoded = " ".join(words).encode("utf-8", "replace").split(b" ")
    firsts = [crc32(word) ^ _SCATTER for word in encoded]
    return {crc32(word, first) * _SCATTER & _MASK for first, word in zip(firsts, encoded[1:], strict=False)}


def _whole(text: str) -> int:
    return crc32(text.encode("utf-8", "replace")) * _SCATTER & _MASK


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
    joined = "".join(words)
    if not joined.isascii() and len(_spaceless.findall(joined)) * 2 > len(joined):
        hashes = {_whole(joined[at : at + 3]) for at in range(len(joined) - 2)}
    else:
        hashes = _pairs(words)
    if len(hashes) < _SHORTEST - 1:
        return _signed(_whole(" ".join(words)) << 32 | _whole(" ".join(words[::-1]) + "\n"))
    return _signed(_nearest(hashes))


def _nearest(hashes: set[int]) -> int:
    """Return the sixteen times four bits."""
    # By their first four bits: what shares a point's own is nearer to it than what does not, and so on outward.
    quarters: list[list[int]] = [[] for _ in range(16)]
    for one in hashes:
        quarters[one >> 26].append(one)
    value = 0
    for number, (point, odd) in enumerate(_POINTS):
        outward = 0
        while not quarters[number ^ outward]:
            outward += 1
        value = value << 4 | (min([point ^ one for one in quarters[number ^ outward]]) * odd >> 20 & 15)
    return value


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


def passes_on(text: str) -> bool:
    """Whether a text says by itself that it repeats somebody: it begins with RT, MT, QT or via."""
    return _repost.match(text[:200]) is not None and len(_words.findall(text[:200])) > 1


def repeats(text: str, own: int, earlier: int) -> bool:
    """Whether a text only repeats an earlier one, by both fingerprints; the same few words are said by chance.

    What says that it passes something on need only be alike; all else is a copy if it is long and hardly changed.
    """
    if not alike(own, earlier):
        return False
    return passes_on(text) or (distance(own, earlier) <= _COPIED_DIFFERENCES and len(_said(text)) >= _COPIED)


def said_once(marks: Sequence[tuple[str, int]]) -> list[list[int]]:
    """Put what only says the same as something above it below that: places in groups, each led by its first.

    A mark is a story and a fingerprint: alike are those of one story in nearly the same words. Nobody is left out.
    """
    groups: list[list[int]] = []
    of_story: dict[str, list[list[int]]] = {}
    for place, (story, mark) in enumerate(marks):
        known = of_story.setdefault(story, [])
        group = next((each for each in known if alike(marks[each[0]][1], mark)), None)
        if group is None:
            group = []
            groups.append(group)
            known.append(group)
        group.append(place)
    return groups
