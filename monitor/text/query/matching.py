"""A query that was read: what it joins, whether a post is what it asks for, and by which words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from connectors.words import Words
from monitor.text.normalize import fold
from monitor.text.query.subject import Subject, View, haystack_of
from monitor.text.query.terms import Term

_host = re.compile(r"https?://(?:[^/\s@]*@)?([\w.\-]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Field:
    """author:, source:, lang: or domain: with a value; the value may end in a star."""

    name: str
    value: str
    quoted: bool = False

    def __str__(self) -> str:
        return f'{self.name}:"{self.value}"' if self.quoted else f"{self.name}:{self.value}"

    def holds(self, view: View) -> bool:
        """Whether the subject's field is this value."""
        subject, wanted = view.subject, fold(self.value).strip()
        if self.name == "author":
            return _same(fold(subject.author).strip().lstrip("@"), wanted.lstrip("@"))
        if self.name == "source":
            return _same(fold(subject.source).strip(), wanted)
        if self.name == "lang":
            lang = fold(subject.lang).strip().replace("_", "-")
            return _same(lang, wanted) or lang.startswith(f"{wanted}-")
        hosts = [host.lower() for host in _host.findall(f"{subject.url} {view.text}")]
        return any(_same(host, wanted) or host.endswith(f".{wanted}") for host in hosts)


def _same(value: str, wanted: str) -> bool:
    return value.startswith(wanted[:-1]) if wanted.endswith("*") else value == wanted


@dataclass(frozen=True, slots=True)
class Near:
    """Two terms, or groups of alternatives, at most `distance` words apart."""

    left: tuple[Term, ...]
    right: tuple[Term, ...]
    distance: int

    def __str__(self) -> str:
        return f"{_group(self.left)} NEAR/{self.distance} {_group(self.right)}"

    def found(self, view: View) -> list[str]:
        """Return the spellings of the nearest pair of each place, empty when none is near enough."""
        left = sorted({place for term in self.left for place in term.places(view)})
        right = sorted({place for term in self.right for place in term.places(view)})
        if not left or not right:
            return []
        nearest = 0
        for start, end in left:
            # Both lists rise, so what lies too far before this place lies too far before all later ones.
            while nearest < len(right) and right[nearest][1] < start - self.distance:
                nearest += 1
            at = nearest
            while at < len(right) and right[at][0] <= end + self.distance:
                other_start, other_end = right[at]
                if other_end < start or other_start > end:  # a word is not near itself
                    return [view.spelled(start, end), view.spelled(other_start, other_end)]
                at += 1
        return []


def _group(terms: tuple[Term, ...]) -> str:
    return str(terms[0]) if len(terms) == 1 else f"({' OR '.join(map(str, terms))})"


@dataclass(frozen=True, slots=True)
class Not:
    """What must not hold."""

    child: Node

    def __str__(self) -> str:
        return f"-({self.child})" if isinstance(self.child, Joined) else f"-{self.child}"


@dataclass(frozen=True, slots=True)
class Joined:
    """Children of which all (AND) or at least one (OR) must hold."""

    operator: Literal["AND", "OR"]
    children: tuple[Node, ...]

    def __str__(self) -> str:
        if self.operator == "OR":
            return " OR ".join(map(str, self.children))
        return " ".join(f"({child})" if isinstance(child, Joined) else str(child) for child in self.children)


Node = Term | Field | Near | Not | Joined


def _evaluate(node: Node, view: View, words: list[str]) -> bool:
    """Whether `node` holds; the spellings that made it hold are added to `words`."""
    if isinstance(node, Term | Near):
        found = node.found(view)
        words.extend(found)
        return bool(found)
    if isinstance(node, Field):
        return node.holds(view)
    if isinstance(node, Not):
        return not _evaluate(node.child, view, [])
    if node.operator == "OR":
        holds = False
        for child in node.children:  # all are asked: each may add words
            holds = _evaluate(child, view, words) or holds
        return holds
    mine: list[str] = []
    if not all(_evaluate(child, view, mine) for child in node.children):
        return False
    words.extend(mine)
    return True


def needed(node: Node) -> tuple[Term, ...]:
    """Return the fewest terms of which every match holds at least one; empty when a match may hold none."""
    if isinstance(node, Term):
        return (node,)
    if isinstance(node, Near):
        return min(node.left, node.right, key=len)
    if isinstance(node, Joined):
        parts = [needed(child) for child in node.children]
        if node.operator == "OR":
            return tuple(term for part in parts for term in part) if all(parts) else ()
        return min((part for part in parts if part), key=len, default=())
    return ()


def _naming(node: Node, name: str) -> tuple[Term, ...]:
    """Return terms as `needed` does, but of what must stand together those that are most like `name`."""
    if isinstance(node, Near):
        return _most_like(name, (node.left, node.right))
    if not isinstance(node, Joined):
        return needed(node)
    parts = [_naming(child, name) for child in node.children]
    if node.operator == "OR":
        return tuple(term for part in parts for term in part) if all(parts) else ()
    return _most_like(name, [part for part in parts if part])


def _most_like(name: str, parts: Sequence[tuple[Term, ...]]) -> tuple[Term, ...]:
    """The part that holds a brand's name, or else the beginning of one; of equals the shortest, and the first."""
    return min(parts, key=lambda part: (-max(_likeness(term, name) for term in part), len(part)), default=())


def _likeness(term: Term, name: str) -> int:
    own, whole = _letters(term.own), _letters(name)
    if not own or not whole:
        return 0
    return 2 if own == whole else int(own.startswith(whole) or whole.startswith(own))


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, fold(text)))


@dataclass(frozen=True, slots=True)
class Query:
    """A query that was read and is sound. `str(query)` is the query again; equal queries ask the same."""

    root: Node
    # Every match holds one of these keys, and beside it all words of its term.
    _keys: tuple[tuple[str, tuple[str, ...]], ...] = field(default=(), compare=False, repr=False)

    def __str__(self) -> str:
        return str(self.root)

    def match(self, subject: Subject) -> tuple[str, ...] | None:
        """Return the words that matched, in the text's own spelling, or None when the subject does not match."""
        return self._match(View(subject))

    def _match(self, view: View) -> tuple[str, ...] | None:
        haystack = view.haystack
        for key, rest in self._keys:
            if key in haystack and (not rest or _all_in(rest, haystack)):
                break
        else:
            return None
        words: list[str] = []
        if not _evaluate(self.root, view, words):
            return None
        if len(words) == 1:
            return (words[0],)
        unique = {fold(word): word for word in reversed(words)}
        return tuple(reversed(unique.values()))[:20]

    def terms(self) -> tuple[str, ...]:
        """Return what to ask a source for: the fewest words and phrases of which every match holds at least one.

        Of words that must all stand together only one is given; the rest is matched here. A star is dropped, since
        few networks search by beginnings; a leading # or @ is kept.
        """
        return _written(needed(self.root))

    def names(self, brand: str) -> tuple[str, ...]:
        """Return what a brand is called here: as `terms`, but of words that must stand together those like its name.

        Of `(target OR tgt) store` a source is asked for "store", and nobody who says "the store" names Target.
        """
        return _written(_naming(self.root, brand))


def _written(terms: tuple[Term, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f"{term.sigil}{term.own}" for term in terms))


def _all_in(words: tuple[str, ...], haystack: str) -> bool:
    return all(word in haystack for word in words)


class _Keys:
    """The keys of many queries, looked for at once: what it costs grows with the text, not with their number."""

    def __init__(self, queries: Iterable[Query]) -> None:
        askers: dict[str, list[tuple[int, tuple[str, ...]]]] = {}
        for number, query in enumerate(queries):
            for key, rest in query._keys:
                askers.setdefault(key, []).append((number, rest))
        self._words = Words(askers)
        self._askers = tuple(tuple(askers[word]) for word in self._words.words)

    def askers(self, haystack: str) -> set[int]:
        """The numbers of the queries that can match."""
        return {
            asker
            for number in self._words.numbers(haystack)
            for asker, rest in self._askers[number]
            if not rest or _all_in(rest, haystack)
        }


class Queries(dict[str, Query]):
    """The queries of many brands, asked together: of a post only those are asked whose words stand in it.

    Never changed once made.
    """

    def __init__(self, queries: Mapping[str, Query]) -> None:
        super().__init__(queries)
        self._listed = tuple(self.items())
        self._keys = _Keys(self.values())

    def among(self, view: View) -> Sequence[tuple[str, Query]]:
        """The queries that can match, with their brands, in the order of all."""
        return [self._listed[number] for number in sorted(self._keys.askers(view.haystack))]


def wanted_by(queries: Iterable[Query]) -> Callable[[str], bool]:
    """What says of a text whether one of these queries can match it: never no where one does, and quick.

    For a reader of a stream, which leaves out nearly all of what goes by before it is made a post.
    """
    keys = _Keys(queries)
    return lambda text: bool(keys.askers(haystack_of(text)))


def brands_in(subject: Subject, queries: Mapping[str, Query]) -> dict[str, tuple[str, ...]]:
    """Return each brand whose query matches, with the words that matched. The subject is made ready once for all."""
    view = View(subject)
    found: dict[str, tuple[str, ...]] = {}
    for brand, query in queries.among(view) if isinstance(queries, Queries) else queries.items():
        words = query._match(view)
        if words is not None:
            found[brand] = words
    return found
