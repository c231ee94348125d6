"""A word or phrase of a query, and where in a post it stands. Nearly every query is made of these alone."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from connectors.text import SPACELESS
from monitor.text.normalize import APOSTROPHES, MARKS, fold
from monitor.text.query.subject import View

_spaceless = re.compile(f"[{SPACELESS}]")
_signs = re.compile(r"[\W_]+")
_and = re.compile(r" ?& ?")
_word_end = re.compile(rf"[\w{MARKS}]")


@dataclass(frozen=True, slots=True)
class Term:
    """A word or phrase. `text` is as written; the rest is worked out from it when the query is read."""

    text: str
    quoted: bool = False
    exact: bool = False
    words: tuple[str, ...] = field(default=(), compare=False)
    own: str = field(default="", compare=False)  # less sigil and star
    sigil: str = field(default="", compare=False)
    prefix: bool = field(default=False, compare=False)
    literal: str = field(default="", compare=False)
    key: str = field(default="", compare=False)  # must stand in the folded text, or the term cannot match
    plain: bool = field(default=False, compare=False)  # one word, whole, in any case: nearly every query

    @property
    def rest(self) -> tuple[str, ...]:
        """What must stand in the folded text as well; a term with signs is looked for as it is."""
        return () if self.literal else tuple(word for word in dict.fromkeys(self.words) if word not in self.key)

    def __str__(self) -> str:
        body = f'"{self.text}"' if self.quoted else self.text
        return f"={body}" if self.exact else body

    def places(self, view: View) -> list[tuple[int, int]]:
        """Return the first and last word of each place where the term stands."""
        if not all(word in view.haystack for word in self.words):
            return []
        places = self._folded_places(view)
        if self.sigil:
            places = [place for place in places if _has_sigil(view, place[0], self.sigil)]
        if self.exact:
            places = [place for place in places if self.own in _exact_forms(view.spelled(*place))]
        return places or self._as_one_word(view)

    def _as_one_word(self, view: View) -> list[tuple[int, int]]:
        """Where a phrase stands as a tag or a handle, which hold no blanks: "acme air" as #AcmeAir, @acmeair."""
        if len(self.words) < 2 or self.sigil:
            return []
        together = "".join(self.words)
        if together not in view.haystack:
            return []
        places = [
            (where, where)
            for form, found in view.positions.items()
            if form == together or (self.prefix and form.startswith(together))
            for where in found
            if any(_has_sigil(view, where, sigil) for sigil in "#@")
        ]
        if self.exact:
            own = _signs.sub("", self.own)
            places = [place for place in places if own in _exact_forms(view.spelled(*place))]
        return sorted(set(places))

    def _folded_places(self, view: View) -> list[tuple[int, int]]:
        positions, words = view.positions, self.words
        if self.prefix:
            last = words[-1]
            ends = [
                where for form, found in positions.items() if form.startswith(last) for where in found
            ]  # a word and its possessive may both begin so
            ends = sorted(set(ends))
        else:
            ends = positions.get(words[-1], [])
        if len(words) == 1:
            return [(end, end) for end in ends]
        # The rarest word leads, so that a long text of one word repeated stays cheap.
        others = [positions.get(word, []) for word in words[:-1]]
        rarest = min(range(len(others)), key=lambda at: len(others[at]))
        if len(others[rarest]) < len(ends):
            starts = [where - rarest for where in others[rarest]]
        else:
            starts = [end - len(words) + 1 for end in ends]
        sets = [set(found) for found in (*others, ends)]
        return [
            (start, start + len(words) - 1)
            for start in starts
            if all(start + offset in found for offset, found in enumerate(sets))
        ]

    def _plain_phrase(self, view: View) -> str:
        """A phrase mostly stands as it was asked for; only otherwise is the text cut into words."""
        if len(self.words) < 2 or self.sigil or self.prefix or self.exact:
            return ""
        phrase = " ".join(self.words)
        at = _plainly_at(phrase, view.folded)
        own = view.own[at : at + len(phrase)] if at is not None and at >= 0 else ""
        return own if fold(own) == phrase else ""

    def found(self, view: View) -> list[str]:
        """Return the spellings in the text, empty when the term does not stand in it."""
        if self.key not in view.haystack:
            return []
        if self.plain:
            at = _plainly_at(self.key, view.folded)
            if at is not None:
                return view.cut(at, self.key) if at >= 0 else []
        if not self.literal:
            if own := self._plain_phrase(view):
                return [own]
            spellings = [view.spelled(*place) for place in self.places(view)[: 5 if self.prefix else 1]]
            return spellings if self.own != _less_possessive(self.own) else [_less_possessive(own) for own in spellings]
        return self._literally(view)

    def _stands_by_its_and(self, view: View) -> bool:
        """Whether it stands there with another space around its "&": "C&A" as "C & A"."""
        return "&" in self.literal[1:-1] and _stands_in(_joined_by_and(self.literal), _joined_by_and(view.joined))

    def _literally(self, view: View) -> list[str]:
        """For terms with signs or emoji: as they stand, not inside a longer word."""
        if self.exact:
            return [self.own] if _stands_in(self.sigil + self.own, view.own) else []
        if not _stands_in(self.literal, view.joined):
            return [self.own] if self._stands_by_its_and(view) else []
        lowered = view.own.lower()
        at = lowered.find(self.own.lower()) if len(lowered) == len(view.own) else -1
        return [view.own[at : at + len(self.own)] if at >= 0 else self.own]


def _joined_by_and(text: str) -> str:
    return _and.sub("&", text)


def _plainly_at(word: str, text: str) -> int | None:
    """Return where `word` stands alone in a folded text, -1 where it does not, None where a closer look is needed.

    This saves cutting the whole text into words for the plainest of terms; apostrophes, sentences with accents of other
    scripts beside the word, and the like are left to the closer look.
    """
    at = text.find(word)
    while at >= 0:
        before, after = text[at - 1 : at], text[at + len(word) : at + len(word) + 1]
        if not (before.isascii() and after.isascii()) or before == "'" or after == "'":
            return None
        if not (before.isalnum() or after.isalnum() or before == "_" or after == "_"):
            return at
        at = text.find(word, at + 1)
    return None if "'" in text else -1


def _less_possessive(own: str) -> str:
    return own[:-2] if len(own) > 3 and own[-1] in "sS" and own[-2] in APOSTROPHES else own


def _exact_forms(own: str) -> tuple[str, str]:
    return own, _less_possessive(own)


def _has_sigil(view: View, word: int, sigil: str) -> bool:
    at, text = view.spans[word][0], view.folded
    return at > 0 and text[at - 1] == sigil and (at == 1 or not text[at - 2].isalnum())


def _stands_in(needle: str, text: str) -> bool:
    """Whether `needle` stands in `text`, not inside a longer word (scripts without spaces have no such bounds).

    A name that begins with a sign begins there: ".NET" does not stand in "example.net".
    """
    open_start, open_end = not (_bounded(needle[0]) or needle[0].isascii()), not _bounded(needle[-1])
    at = text.find(needle)
    while at >= 0:
        end = at + len(needle)
        if (open_start or at == 0 or not _bounded(text[at - 1])) and (
            open_end or end == len(text) or not _bounded(text[end])
        ):
            return True
        at = text.find(needle, at + 1)
    return False


def is_spaceless(text: str) -> bool:
    """Whether a letter of a script without spaces stands in a text."""
    return not text.isascii() and _spaceless.search(text) is not None


def _bounded(letter: str) -> bool:
    return _word_end.match(letter) is not None and not is_spaceless(letter)
