"""What is matched: a post, made ready to be asked by many queries."""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import cached_property

from connectors import Post
from connectors.text import SPACELESS
from connectors.values import value_class
from monitor.text.normalize import APOSTROPHES, MARKS, fold, without_entities, without_invisible

_HEAD, _TAIL = 16_384, 8_192  # of a longer text, these first and last characters are looked at
_TITLE = 1_024
_letter = r"[\w\u24b6-\u24e9]"  # circled letters are signs to Python, and letters to those who dodge filters
TOKEN = re.compile(rf"{_letter}[\w\u24b6-\u24e9{MARKS}]*(?:[{APOSTROPHES}]{_letter}[\w\u24b6-\u24e9{MARKS}]*)*")
# People glue a Latin name to words of these scripts: "acmeのケトル", "用acme写". So one begins where the other ends.
_APART = f"{SPACELESS}\u0590-\u0dff\ufb1d-\ufdff\ufe70-\ufefc"
_apart = re.compile(f"[{_APART}]")
_of_one_script = re.compile(f"[{_APART}]+|[^{_APART}]+")
_ascii_token = re.compile(r"\w+(?:['`]\w+)*", re.ASCII)
# French and Italian: l'acme, d'acme, dell'acme, jusqu'acme.
_ELIDED = """
    l d j n m t s c qu jusqu lorsqu puisqu presqu quoiqu
    dell all nell dall sull coll un quest quell com anch nessun ciascun qualcun bell sant
"""
_elision = frozenset(_ELIDED.split())


@value_class(frozen=True, slots=True)
class Subject:
    """What is matched: a post, reduced to what a query can ask about."""

    text: str
    title: str = ""
    author: str = ""
    source: str = ""
    lang: str = ""
    url: str = ""


def subject_of(post: Post) -> Subject:
    """What queries can ask about a post."""
    return Subject(
        text=post.text, title=post.title, author=post.author, source=post.source, lang=post.lang, url=post.url
    )


def haystack_of(text: str) -> str:
    """A text as words are looked for in it first: folded, without apostrophes."""
    return fold(without_entities(text)).replace("'", "")


class View:
    """One subject made ready for many queries; each part is worked out when it is first asked for."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.title = without_entities(subject.title[:_TITLE])
        text = subject.text
        if len(text) > _HEAD + _TAIL:
            text = f"{text[:_HEAD]}\n{text[-_TAIL:]}"
        self.text = text = without_entities(text)
        self.folded = f"{fold(self.title)}\n{fold(text)}" if self.title else fold(text)
        self.haystack = self.folded.replace("'", "")  # as `haystack_of` makes it

    @cached_property
    def own(self) -> str:
        """The text as written, less what is unseen."""
        return without_invisible(f"{self.title}\n{self.text}" if self.title else self.text)

    @cached_property
    def joined(self) -> str:
        """The folded text with each run of white space as one blank."""
        return " ".join(self.folded.split())

    @cached_property
    def spans(self) -> list[tuple[int, int]]:
        """Where each word stands in the folded text."""
        return spans_of(self.folded, len(fold(self.title)))

    @cached_property
    def own_spans(self) -> list[tuple[int, int]]:
        """Where each word stands in the text as written; empty where folding changed the number of words."""
        spans = spans_of(self.own, len(without_invisible(self.title)))
        return spans if len(spans) == len(self.spans) else []

    @cached_property
    def positions(self) -> dict[str, list[int]]:
        """Every form of every word, and its number among the words."""
        folded = self.folded
        positions: dict[str, list[int]] = {}
        for number, (start, end) in enumerate(self.spans):
            word = folded[start:end]
            if "'" in word:
                for form in _forms(word):
                    positions.setdefault(form, []).append(number)
            elif word in positions:
                positions[word].append(number)
            else:
                positions[word] = [number]
        return positions

    def cut(self, at: int, word: str) -> list[str]:
        """Return the text's own spelling of `word`, which stands at `at` in the folded text."""
        own = self.own[at : at + len(word)]
        if fold(own) == word:
            return [own]
        number = bisect_left(self.spans, (at, 0))
        return [self.spelled(number, number)]

    def spelled(self, first: int, last: int) -> str:
        """Return the text's own spelling of the words from `first` to `last`."""
        spans, text = (self.own_spans, self.own) if self.own_spans else (self.spans, self.folded)
        return text[spans[first][0] : spans[last][1]]


def spans_of(text: str, title_ends: int) -> list[tuple[int, int]]:
    """Cut into words; one empty word stands between title and text, so that no phrase runs from one into the other."""
    spans = [found.span() for found in (_ascii_token if text.isascii() else TOKEN).finditer(text)]
    if not text.isascii() and _apart.search(text) is not None:
        spans = [piece for start, end in spans for piece in _pieces(text, start, end)]
    if title_ends:
        at = bisect_left(spans, (title_ends, 0))
        spans.insert(at, (title_ends, title_ends))
    return spans


def _pieces(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Cut a word where its script changes."""
    pieces = []
    for found in _of_one_script.finditer(text, start, end):
        first, last = found.span()
        while first < last and text[first] in APOSTROPHES:
            first += 1
        while first < last and text[last - 1] in APOSTROPHES:
            last -= 1
        if first < last:
            pieces.append((first, last))
    return pieces


def _forms(word: str) -> set[str]:
    """Return the ways in which a word with an apostrophe may be asked for: acme's as acme, l'acme as acme."""
    forms = {word.replace("'", "")}
    before, _, after = word.rpartition("'")
    if after == "s":
        forms.add(before.replace("'", ""))
    before, _, after = word.partition("'")
    if before in _elision:
        forms.add(after.removesuffix("'s").replace("'", ""))
    return forms
