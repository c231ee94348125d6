"""The language in which a brand's query is written, and the matching of posts against it.

    acme                    the whole word, in any case, with or without accents; also #acme, @acme and acme's
    acme refund             both (AND is understood between neighbours)
    acme OR "acme air"      either; a phrase stands in quotes
    target -shooting        without the word; NOT shooting is the same
    (target OR tgt) store   parentheses group
    acme*                   words that begin so, #AcmeFail among them
    =Target                 exactly so spelled; case:Target is the same
    acme NEAR/5 refund      at most five words apart, in either order
    @acme  #acme            only the handle, only the tag
    author:bob  source:reddit  lang:en  domain:example.com

Operators are in capitals. Every match must hold at least one word that a source can be asked for, so a query made of
NOT and fields alone is refused. Words of scripts written without spaces (Japanese, Chinese, Thai, Korean particles)
match anywhere inside the text; a term with a sign of its own (AT&T, C++) matches with that sign.

No regular expression is made from what a person wrote.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from monitor.text.normal import APOSTROPHES, MARKS, fold, without_invisible

MAXIMUM_LENGTH = 2_000  # characters of a query
MAXIMUM_DEPTH = 50  # parentheses and NOT inside each other
MAXIMUM_WORDS = 20  # of one phrase
MAXIMUM_DISTANCE = 100  # of NEAR
_HEAD, _TAIL = 16_384, 8_192  # of a longer text, these first and last characters are looked at
_TITLE = 1_024

_FIELDS = ("author", "source", "lang", "domain")
_letter = r"[\w\u24b6-\u24e9]"  # circled letters are signs to Python, and letters to those who dodge filters
_token = re.compile(rf"{_letter}[\w\u24b6-\u24e9{MARKS}]*(?:[{APOSTROPHES}]{_letter}[\w\u24b6-\u24e9{MARKS}]*)*")
_ascii_token = re.compile(r"\w+(?:['`]\w+)*", re.ASCII)
_spaceless = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3040-\u30ff\u3130-\u318f\u31f0-\u31ff"
                        "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]")  # fmt: skip
# Signs that people write or leave out as they like; any other sign in a term must stand in the text too.
_loose_signs = re.compile(r"[\s\-\u2010-\u2015_.,;:!?'\u2018\u2019\"\u201c\u201d()]+")
_elision = frozenset({"l", "d", "j", "n", "m", "t", "s", "c", "qu"})  # French and Italian: l'acme, d'acme
_host = re.compile(r"https?://(?:[^/\s@]*@)?([\w.\-]+)", re.IGNORECASE)
_word_end = re.compile(rf"[\w{MARKS}]")


class QueryError(ValueError):
    """The query cannot be read. `position` counts characters from 1; `remedy` says what to write instead."""

    def __init__(self, message: str, position: int, remedy: str) -> None:
        super().__init__(f"{message} (at character {position}): {remedy}")
        self.position = position
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Subject:
    """What is matched: a post, reduced to what a query can ask about."""

    text: str
    title: str = ""
    author: str = ""
    source: str = ""
    lang: str = ""
    url: str = ""


class _View:
    """One subject made ready for many queries; each part is worked out when it is first asked for."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.title = subject.title[:_TITLE]
        self.text = text = subject.text
        if len(text) > _HEAD + _TAIL:
            self.text = text = f"{text[:_HEAD]}\n{text[-_TAIL:]}"
        self.folded = f"{fold(self.title)}\n{fold(text)}" if self.title else fold(text)
        self.haystack = self.folded.replace("'", "")

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
        return _spans(self.folded, len(fold(self.title)))

    @cached_property
    def own_spans(self) -> list[tuple[int, int]]:
        """Where each word stands in the text as written; empty where folding changed the number of words."""
        spans = _spans(self.own, len(without_invisible(self.title)))
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


def _spans(text: str, title_ends: int) -> list[tuple[int, int]]:
    """Cut into words; one empty word stands between title and text, so that no phrase runs from one into the other."""
    spans = [found.span() for found in (_ascii_token if text.isascii() else _token).finditer(text)]
    if title_ends:
        at = bisect_left(spans, (title_ends, 0))
        spans.insert(at, (title_ends, title_ends))
    return spans


def _less_possessive(own: str) -> str:
    return own[:-2] if len(own) > 3 and own[-1] in "sS" and own[-2] in APOSTROPHES else own


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

    def __str__(self) -> str:
        body = f'"{self.text}"' if self.quoted else self.text
        return f"={body}" if self.exact else body

    def places(self, view: _View) -> list[tuple[int, int]]:
        """Return the first and last word of each place where the term stands."""
        if not all(word in view.haystack for word in self.words):
            return []
        places = self._folded_places(view)
        if self.sigil:
            places = [place for place in places if _has_sigil(view, place[0], self.sigil)]
        if self.exact:
            places = [place for place in places if self.own in _exact_forms(view.spelled(*place))]
        return places

    def _folded_places(self, view: _View) -> list[tuple[int, int]]:
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

    def _plain_phrase(self, view: _View) -> str:
        """A phrase mostly stands as it was asked for; only otherwise is the text cut into words."""
        if len(self.words) < 2 or self.sigil or self.prefix or self.exact:
            return ""
        phrase = " ".join(self.words)
        at = _plainly_at(phrase, view.folded)
        own = view.own[at : at + len(phrase)] if at is not None and at >= 0 else ""
        return own if fold(own) == phrase else ""

    def found(self, view: _View) -> list[str]:
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

    def _literally(self, view: _View) -> list[str]:
        """For terms with signs or emoji: as they stand, not inside a longer word."""
        if self.exact:
            return [self.own] if _stands_in(self.sigil + self.own, view.own) else []
        if not _stands_in(self.literal, view.joined):
            return []
        lowered = view.own.lower()
        at = lowered.find(self.own.lower()) if len(lowered) == len(view.own) else -1
        return [view.own[at : at + len(self.own)] if at >= 0 else self.own]


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


def _exact_forms(own: str) -> tuple[str, str]:
    return own, _less_possessive(own)


def _has_sigil(view: _View, word: int, sigil: str) -> bool:
    at, text = view.spans[word][0], view.folded
    return at > 0 and text[at - 1] == sigil and (at == 1 or not text[at - 2].isalnum())


def _stands_in(needle: str, text: str) -> bool:
    """Whether `needle` stands in `text`, not inside a longer word (scripts without spaces have no such bounds)."""
    open_start, open_end = not _bounded(needle[0]), not _bounded(needle[-1])
    at = text.find(needle)
    while at >= 0:
        end = at + len(needle)
        if (open_start or at == 0 or not _bounded(text[at - 1])) and (
            open_end or end == len(text) or not _bounded(text[end])
        ):
            return True
        at = text.find(needle, at + 1)
    return False


def _bounded(letter: str) -> bool:
    return _word_end.match(letter) is not None and _spaceless.match(letter) is None


@dataclass(frozen=True, slots=True)
class Field:
    """author:, source:, lang: or domain: with a value; the value may end in a star."""

    name: str
    value: str
    quoted: bool = False

    def __str__(self) -> str:
        return f'{self.name}:"{self.value}"' if self.quoted else f"{self.name}:{self.value}"

    def holds(self, view: _View) -> bool:
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

    def found(self, view: _View) -> list[str]:
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


def _evaluate(node: Node, view: _View, words: list[str]) -> bool:
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


def _needed(node: Node) -> tuple[Term, ...]:
    """Return the fewest terms of which every match holds at least one; empty when a match may hold none."""
    if isinstance(node, Term):
        return (node,)
    if isinstance(node, Near):
        return min(node.left, node.right, key=len)
    if isinstance(node, Joined):
        parts = [_needed(child) for child in node.children]
        if node.operator == "OR":
            return tuple(term for part in parts for term in part) if all(parts) else ()
        return min((part for part in parts if part), key=len, default=())
    return ()


@dataclass(frozen=True, slots=True)
class Query:
    """A query that was read and is sound. `str(query)` is the query again; equal queries ask the same."""

    root: Node
    _keys: tuple[str, ...] = field(default=(), compare=False, repr=False)

    def __str__(self) -> str:
        return str(self.root)

    def match(self, subject: Subject) -> tuple[str, ...] | None:
        """Return the words that matched, in the text's own spelling, or None when the subject does not match."""
        return self._match(_View(subject))

    def _match(self, view: _View) -> tuple[str, ...] | None:
        haystack = view.haystack
        for key in self._keys:
            if key in haystack:
                break
        else:
            return None
        words: list[str] = []
        if not _evaluate(self.root, view, words):
            return None
        unique = {fold(word): word for word in reversed(words)}
        return tuple(reversed(unique.values()))[:20]

    def terms(self) -> tuple[str, ...]:
        """Return what to ask a source for: the fewest words and phrases of which every match holds at least one.

        Of words that must all stand together only one is given; the rest is matched here. A star is dropped, since
        few networks search by beginnings; a leading # or @ is kept.
        """
        return tuple(dict.fromkeys(f"{term.sigil}{term.own}" for term in _needed(self.root)))


def brands_in(subject: Subject, queries: Mapping[str, Query]) -> dict[str, tuple[str, ...]]:
    """Return each brand whose query matches, with the words that matched. The subject is made ready once for all."""
    view = _View(subject)
    found: dict[str, tuple[str, ...]] = {}
    for brand, query in queries.items():
        words = query._match(view)
        if words is not None:
            found[brand] = words
    return found


_CURLY = str.maketrans("\u201c\u201d\u201e\u201f\uff02", '"' * 5)
_lexeme = re.compile(
    r"""(?P<space>\s+)|(?P<bracket>[()])|(?P<minus>-(?=[^\s)]))|(?P<near>NEAR/\d+(?=[\s()"]|$))|(?P<operator>AND|OR|NOT)(?=[\s()"]|$)
    |(?P<exact>=|case:)(?=[^\s()])|(?P<field>[A-Za-z_]+):(?P<value>"[^"]*"|[^\s()"]+)?|(?P<phrase>"[^"]*")|(?P<word>[^\s()"]+)""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class _Lexeme:
    kind: str
    text: str
    at: int  # from 1
    value: str = ""


def _lexemes(text: str) -> Iterator[_Lexeme]:
    at = 0
    while at < len(text):
        found = _lexeme.match(text, at)
        if found is None:
            raise QueryError("a quotation mark is not closed", at + 1, 'write the phrase between two "')
        kind = found.lastgroup or ""
        if kind in ("field", "value"):
            yield _Lexeme("field", found["field"], at + 1, found["value"] or "")
        elif kind != "space":
            yield _Lexeme(kind, found[0], at + 1)
        at = found.end()


class _Parser:
    """Reads `or > and > not > near > term`, one method each."""

    def __init__(self, text: str) -> None:
        self.lexemes = list(_lexemes(text))
        self.end = len(text) + 1
        self.next = 0
        self.depth = 0

    def peek(self) -> _Lexeme:
        return self.lexemes[self.next] if self.next < len(self.lexemes) else _Lexeme("end", "", self.end)

    def take(self) -> _Lexeme:
        lexeme = self.peek()
        self.next += 1
        return lexeme

    def deeper(self, lexeme: _Lexeme) -> None:
        self.depth += 1
        if self.depth > MAXIMUM_DEPTH:
            raise QueryError("too many things inside each other", lexeme.at, f"keep to {MAXIMUM_DEPTH} levels")

    def whole(self) -> Node:
        node = self.either()
        lexeme = self.peek()
        if lexeme.kind != "end":
            raise QueryError('")" closes nothing', lexeme.at, 'remove it, or write "(" before')
        return node

    def either(self) -> Node:
        children = [self.both()]
        while self.peek().text == "OR" and self.peek().kind == "operator":
            self.take()
            children.append(self.both())
        return _join("OR", children)

    def both(self) -> Node:
        children = [self.negated()]
        while True:
            lexeme = self.peek()
            if lexeme.kind == "operator" and lexeme.text == "AND":
                self.take()
            elif lexeme.kind == "end" or (lexeme.text in (")", "OR") and lexeme.kind in ("bracket", "operator")):
                return _join("AND", children)
            children.append(self.negated())

    def negated(self) -> Node:
        lexeme = self.peek()
        if lexeme.kind == "minus" or (lexeme.kind == "operator" and lexeme.text == "NOT"):
            self.take()
            self.deeper(lexeme)
            node = Not(self.negated())
            self.depth -= 1
            return node
        return self.near()

    def near(self) -> Node:
        at = self.peek().at
        node = self.primary()
        lexeme = self.peek()
        if lexeme.kind != "near":
            return node
        self.take()
        distance = int(lexeme.text[5:9])
        if not 1 <= distance <= MAXIMUM_DISTANCE or len(lexeme.text) > 8:
            raise QueryError("NEAR is out of range", lexeme.at, f"write NEAR/1 to NEAR/{MAXIMUM_DISTANCE}")
        other = self.peek().at
        result = Near(_alternatives(node, at), _alternatives(self.primary(), other), distance)
        if self.peek().kind == "near":
            raise QueryError("NEAR joins two only", self.peek().at, "write (a NEAR/5 b) AND (b NEAR/5 c)")
        return result

    def primary(self) -> Node:
        lexeme = self.take()
        if lexeme.text == "(" and lexeme.kind == "bracket":
            return self.bracketed(lexeme)
        if lexeme.kind == "exact":
            follower = self.take()
            if follower.kind not in ("word", "phrase") or follower.at != lexeme.at + len(lexeme.text):
                raise QueryError(f"{lexeme.text} stands before nothing", lexeme.at, 'write =Target or ="The Gap"')
            return _term(follower, exact=True)
        if lexeme.kind == "field":
            return _field(lexeme)
        if lexeme.kind in ("word", "phrase"):
            return _term(lexeme)
        what = f'found "{lexeme.text}"' if lexeme.text else "the query ends"
        raise QueryError(f"{what} where a word was expected", lexeme.at, 'write a word, a "phrase" or ( ... )')

    def bracketed(self, opening: _Lexeme) -> Node:
        self.deeper(opening)
        node = self.either()
        self.depth -= 1
        if self.take().text != ")":
            raise QueryError('"(" is not closed', opening.at, 'write ")" where the group ends')
        return node


def _join(operator: Literal["AND", "OR"], children: list[Node]) -> Node:
    flat: list[Node] = []
    for child in children:
        if isinstance(child, Joined) and child.operator == operator:
            flat.extend(child.children)
        else:
            flat.append(child)
    return flat[0] if len(flat) == 1 else Joined(operator, tuple(flat))


def _alternatives(node: Node, at: int) -> tuple[Term, ...]:
    children = node.children if isinstance(node, Joined) and node.operator == "OR" else (node,)
    terms = tuple(child for child in children if isinstance(child, Term))
    if len(terms) != len(children):
        raise QueryError("NEAR joins words", at, 'write words, "phrases" or (this OR that) on its two sides')
    if any(term.literal for term in terms):
        raise QueryError("NEAR counts words, and this term has none that are set apart", at, "write AND instead")
    return terms


def _field(lexeme: _Lexeme) -> Field:
    name, quoted = lexeme.text.lower(), lexeme.value.startswith('"')
    value = lexeme.value.strip('"').strip()
    if name not in _FIELDS:
        known = ", ".join(f"{known}:" for known in (*_FIELDS, "case"))
        remedy = f'write one of {known} or put the words in quotes: "{lexeme.text} {value}"'
        raise QueryError(f"{lexeme.text}: is not something to ask for", lexeme.at, remedy)
    if not value.strip("*@ ") or not fold(value).strip():
        raise QueryError(f"{name}: stands before nothing", lexeme.at, f"write {name}:something, without a blank")
    return Field(name, value, quoted)


def _term(lexeme: _Lexeme, exact: bool = False) -> Term:
    quoted = lexeme.kind == "phrase"
    text = " ".join((lexeme.text[1:-1] if quoted else lexeme.text).split())
    if not quoted and text.lower() in ("and", "or", "not", "near"):
        remedy = f'write {text.upper()} in capitals to join, or "{text}" in quotes to look for the word'
        raise QueryError(f'"{text}" could be a word or an operator', lexeme.at, remedy)
    sigil = text[0] if text[:1] in ("#", "@") else ""
    own = text[len(sigil) :]
    prefix = own.endswith("*")
    own = without_invisible(own.rstrip("*").strip())
    words = tuple(word for found in _token.finditer(own) if (word := fold(found[0]).replace("'", "")))
    folded = " ".join(fold(own).split())
    signs = _loose_signs.sub("", _token.sub("", own))
    literal = sigil + folded if signs or not words or _spaceless.search(own) else ""
    nothing = not words and (not signs or own.isascii())
    if nothing or not folded.replace("'", ""):
        raise QueryError("there is no letter or digit to look for", lexeme.at, "write a word")
    if "*" in own:
        raise QueryError("a star stands inside a word", lexeme.at, "write it at the end: acme*")
    if prefix and (literal or len(words[-1]) < 2):
        raise QueryError("a star needs a beginning to go by", lexeme.at, "write two letters or more before it: acme*")
    if prefix and exact:
        raise QueryError("= asks for one spelling, a star for many", lexeme.at, "leave one of them out")
    if len(words) > MAXIMUM_WORDS:
        raise QueryError("the phrase is too long", lexeme.at, f"keep to {MAXIMUM_WORDS} words, or join two with AND")
    key = (literal or max(reversed(words), key=len)).replace("'", "")
    if literal:
        key = key.split(" ")[0]  # the text may have more white space between
    plain = len(words) == 1 and fold(own) == key and not (sigil or prefix or exact or literal)
    return Term(text, quoted, exact, words, own, sigil, prefix, literal, key, plain)


def parse(text: str) -> Query:
    """Read a query, or raise `QueryError` saying where it goes wrong and what to write."""
    if len(text) > MAXIMUM_LENGTH:
        raise QueryError(
            f"the query has {len(text)} characters", MAXIMUM_LENGTH, f"keep to {MAXIMUM_LENGTH}; split the brand in two"
        )
    text = text.translate(_CURLY)
    if not text.strip():
        raise QueryError("the query is empty", 1, 'write the brand\'s name, such as acme OR "acme air"')
    root = _Parser(text).whole()
    needed = _needed(root)
    if not needed:
        remedy = "give every alternative a word that must stand in the post, such as acme -jobs"
        raise QueryError("a post could match without any word of the query", 1, remedy)
    return Query(root, tuple(dict.fromkeys(term.key for term in needed)))
