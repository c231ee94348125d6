"""From what a person wrote to a query, or to a `QueryError` that says where it goes wrong and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from monitor.text.normalize import fold, without_invisible
from monitor.text.query.matching import Field, Joined, Near, Node, Not, Query, needed
from monitor.text.query.subject import TOKEN, spans_of
from monitor.text.query.terms import Term, is_spaceless

MAXIMUM_LENGTH = 2_000  # characters of a query
MAXIMUM_DEPTH = 50  # parentheses and NOT inside each other
MAXIMUM_WORDS = 20  # of one phrase
MAXIMUM_DISTANCE = 100  # of NEAR

_FIELDS = ("author", "source", "lang", "domain")
# Signs that people write or leave out as they like; any other sign in a term must stand in the text too.
_loose_signs = re.compile(r"[\s\-\u2010-\u2015_.,;:!?\u00a1\u00bf'\u2018\u2019\"\u201c\u201d()\u2122\u2120\u00ae]+")
_begins_with_sign = re.compile(r"[.!:]\w")  # .NET, !K7: without it, the name would be a plain word
_CURLY = str.maketrans("\u201c\u201d\u201e\u201f\uff02", '"' * 5)
_lexeme = re.compile(
    r"""(?P<space>\s+)|(?P<bracket>[()])|(?P<minus>-(?=[^\s)]))|(?P<near>NEAR/\d+(?=[\s()"]|$))|(?P<operator>AND|OR|NOT)(?=[\s()"]|$)
    |(?P<exact>=|case:)(?=[^\s()])|(?P<field>[A-Za-z_]+):(?P<value>"[^"]*"|[^\s()"]+)?|(?P<phrase>"[^"]*")|(?P<word>[^\s()"]+)""",
    re.VERBOSE,
)


class QueryError(ValueError):
    """The query cannot be read. `position` counts characters from 1; `remedy` says what to write instead."""

    def __init__(self, message: str, position: int, remedy: str) -> None:
        super().__init__(f"{message} (at character {position}): {remedy}")
        self.position = position
        self.remedy = remedy


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
    words = tuple(word for start, end in spans_of(own, 0) if (word := fold(own[start:end]).replace("'", "")))
    folded = " ".join(fold(own).split())
    signs = _loose_signs.sub("", TOKEN.sub("", own))
    signs += own[:1] if _begins_with_sign.match(own) else ""
    literal = sigil + folded if signs or not words or is_spaceless(own) else ""
    nothing = not words and (not signs or own.isascii())
    if nothing or not folded.replace("'", ""):
        raise QueryError("there is no letter or digit to look for", lexeme.at, "write a word")
    if "*" in own and not quoted:
        remedy = f'write it at the end: acme*, or put a name that holds one in quotes: "{text}"'
        raise QueryError("a star stands inside a word", lexeme.at, remedy)
    if prefix and (literal or len(words[-1]) < 2):
        raise QueryError("a star needs a beginning to go by", lexeme.at, "write two letters or more before it: acme*")
    if prefix and exact:
        raise QueryError("= asks for one spelling, a star for many", lexeme.at, "leave one of them out")
    if len(words) > MAXIMUM_WORDS:
        raise QueryError("the phrase is too long", lexeme.at, f"keep to {MAXIMUM_WORDS} words, or join two with AND")
    key = (literal or max(reversed(words), key=len)).replace("'", "")
    if literal:
        # The text may have more white space between, and some or none around an "&".
        key = max(("&", *literal.replace("&", " ").split()), key=len) if "&" in literal[1:-1] else key.split(" ")[0]
        key = key.replace("'", "")
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
    held = needed(root)
    if not held:
        remedy = "give every alternative a word that must stand in the post, such as acme -jobs"
        raise QueryError("a post could match without any word of the query", 1, remedy)
    return Query(root, tuple(dict.fromkeys((term.key, term.rest) for term in held)))
