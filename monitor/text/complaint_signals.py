"""Does this post need an answer from us, and why? The signals, each in words that staff can read.

Cues ("never arrived", "charged twice") stand in `words/complaint.<language>.toml`, written by us; settings extend them
per brand and language. Everything else here is said by the shape of the post: a question put to us, a handle in front,
shouting, how often it says no. Signals are numbers by name; the judge weighs them.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

from connectors.values import value_class
from monitor.text.coming import less_coming
from monitor.text.negation import denials
from monitor.text.normalize import fold, has_run, without_entities
from monitor.text.remembered import Remembered

LANGUAGES = ("en", "de", "es", "fr", "it", "pt", "nl")
HEARD = (*LANGUAGES, "ar", "hi")  # cues and a lexicon, and no more: replies are not told apart in the last two
JUDGED = (*HEARD, "und", "")  # a post in any other language is shown, and not judged
_WORDS = Path(__file__).parent / "words"
CONCRETE = 1.1  # the weight from which a kind of cue tells of something that went wrong
_GAPS = {"*": 3, "**": 8}  # how many words a gap may stand for; the long one ends with its sentence

# Signs that stand above and below letters of Hindi and its kin are part of the word.
_WORD = r"[\w\u0900-\u0903\u093a-\u094f\u0951-\u0957\u0962\u0963]+"
_token = re.compile(
    rf"https?://\S+|\{{link\}}|www\.\S+|[@#]?{_WORD}(?:'\w+)*"
    r"|[!?]+|\.{2,}|\.(?=\s|$)|[…;]|[:;=]['-]?[()\[\]dp/|*]+|<3|[\u2600-\u27bf\U0001f000-\U0001faff]"
)
# Arabic is written with and without its small signs, and one letter in several ways; both have marks of their own.
_WAYS = str.maketrans(
    {"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "؟": "?", "¿": "?", "؛": ";", "।": ".", "۔": "."}
    | dict.fromkeys([*map(chr, range(0x64B, 0x660)), "\u0670", "\u0640"])
)
_stretched = re.compile(r"([^\W\d_])\1{2,}")
_capitals = re.compile("[A-Z]{3}")
_capital_word = re.compile(r"\b[A-Z]{3,}\b")
_any_word = re.compile(r"\b[A-Za-z]{3,}\b")

LINK, PERSON, NUMBER = "<link>", "<person>", "<number>"
_CLASS = "%"  # before the name of a class of words in a cue
RIVAL = "thisrival"  # what cues write where a competitor of the settings is named
BRAND = "thisbrand"  # what the judge writes in place of the brand's own name: a plain word to every scorer
_SAD = frozenset("😡😠🤬😤😭😢😞😔😒🙄😩😫🤦💩👎😣😖😑🤮🤢😾💔☹") | {":(", ":/", ":'(", ":-(", "=(", ":[", ":|", ":-/"}
_HAPPY = frozenset("😀😁😂😃😄😊😍😘🥰🤗🙌👏👍💕💙💚💛💜🎉✨🙏😎🤩☺❤♥") | {
    ":)",
    ":d",
    ":-)",
    "=)",
    ";)",
    ";-)",
    "<3",
    ":-d",
    "=d",
}
_SHAPE_WORDS = {
    name: frozenset(fold(words).translate(_WAYS).split())
    for name, words in tomllib.loads((_WORDS / "shapes.toml").read_text(encoding="utf-8")).items()
}
NEGATORS = _SHAPE_WORDS["negations"]
_ENDS = frozenset({"!", "!!", "?", "??", "?!", ".", "..", "…", ";"})  # of a sentence
OF_THEMSELVES = _SHAPE_WORDS["first_person"] - {"were"}  # who is "we're" without its apostrophe, and much else
_CLASSES: tuple[tuple[str, frozenset[str]], ...] = (
    *_SHAPE_WORDS.items(),
    ("question", frozenset({"?", "??", "?!"})),
    ("exclaims", frozenset({"!", "!!", "?!"})),
    ("link", frozenset({LINK})),
    ("many_people", frozenset({PERSON})),
    ("numbers", frozenset({NUMBER})),
    ("dots", frozenset({"..", "…"})),
    ("sad_face", _SAD),
    ("happy_face", _HAPPY),
)
_CLASS_OF: dict[str, tuple[str, ...]] = {}
for _name, _members in _CLASSES:
    for _member in _members:
        _CLASS_OF[_member] = (*_CLASS_OF.get(_member, ()), _name)

# The shape of a post, in the order in which the shipped model was trained. Kinds of cues follow it.
SHAPES = (
    "question", "exclaims", "direct", "first_person", "second_person", "link", "many_people", "hashtags", "negations",
    "shouting", "times", "numbers", "wants", "dots", "sad_face", "happy_face", "repost", "length", "asks_us",
    "negated_praise", "contrast", "starts_mine", "states", "why", "compares", "points", "kinds", "mixed",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of cue: what staff read when it is found, its weight in the rules, and what it says of the case."""

    name: str
    says: str
    weight: float
    stage: str = ""
    tag: str = ""
    churn: bool = False
    calm: bool = False


@value_class(frozen=True, slots=True)
class Found:
    """A cue that stands in a post: its kind, the words themselves, and where (token positions, end excluded)."""

    kind: Kind
    words: str
    start: int
    end: int


@value_class(frozen=True, slots=True)
class Signals:
    """Everything that the rules see in one post. `values` holds every non-zero signal by name."""

    tokens: tuple[str, ...]
    values: Mapping[str, float]
    cues: tuple[Found, ...] = ()
    elsewhere: tuple[Found, ...] = ()  # complaint cues whose anger is at a competitor

    def stages(self) -> tuple[str, ...]:
        """Return the stages of the customer's way that the complaint cues speak of, the first said first."""
        return tuple(dict.fromkeys(cue.kind.stage for cue in self.cues if cue.kind.stage and not cue.kind.calm))


def tokens_of(text: str) -> list[str]:
    """Cut a text into the words that cues and model share: folded, no apostrophes, links and people as classes."""
    return _tokens(fold(without_entities(text)))


def token_of(written: str) -> str:
    """Return a word of our lists as it stands in tokens; most stand so already."""
    return written if _is_its_own_token(written) else "".join(tokens_of(written))


def stem_of(written: str) -> str:
    """Return the beginning of a word as it stands in tokens."""
    return _one_way(fold(written)).replace("'", "")


def _one_way(folded: str) -> str:
    return folded if folded.isascii() else folded.translate(_WAYS)


def _tokens(folded: str) -> list[str]:
    """Cut at blanks first: no token runs over one, and most pieces between them were cut before."""
    return list(chain.from_iterable(map(_CUT_BEFORE.__getitem__, folded.split())))


def _cut(folded: str) -> tuple[str, ...]:
    folded = _one_way(folded)
    if has_run(folded, 3):
        folded = _stretched.sub(r"\1\1", folded)
    if folded.isalpha():
        return (folded,)
    out: list[str] = []
    for word in _token.findall(folded):
        first = word[0]
        if first == "@":
            out.append(PERSON)
        elif first == "#":
            out.append(word[1:])
        elif first.isdigit():
            out.append(("zero" if word == "0" else NUMBER) if word.isdigit() else word)
        elif first == "{" or (word.startswith(("http", "www.")) and ("://" in word or first == "w")):
            out.append(LINK)
        elif "'" in word and len(word) > 3:
            out.append(word.replace("'", ""))
        elif first in "!?":
            out.append("?!" if "?" in word and "!" in word else first if len(word) == 1 else first * 2)
        elif first == ".":
            out.append("." if len(word) == 1 else "..")
        else:
            out.append(word)
    return tuple(out)


_CUT_BEFORE = Remembered(_cut)


class Cues:
    """Cues of one language as a tree of words, so that a post is read once however many cues there are."""

    def __init__(self, cues: Iterable[tuple[str, Kind]], language: str = "en") -> None:
        self.language = language
        self._classes = classes_of(language)
        self._tree: dict[str, Any] = {}
        self._prefixes: dict[str, list[tuple[str, dict[str, Any]]]] = {}
        for cue, kind in cues:
            self._add(cue, kind)
        # For reading, branches of dictionaries become nodes, once a word leads to them: most are never asked for.
        self._nodes: dict[int, _Node] = {}
        self._begins = Remembered(self._beginning, 8_000)

    def _add(self, cue: str, kind: Kind) -> None:
        # Most are words of feeling, of which there are thousands.
        nodes = [self._tree.setdefault(cue, {})] if _is_its_own_token(cue) else self._nodes_for(cue)
        for node in nodes:
            if kind not in node.setdefault("$", []):
                node["$"].append(kind)

    def _nodes_for(self, cue: str) -> list[dict[str, Any]]:
        """Return the ends of all ways in which a cue may be said."""
        nodes = [self._tree]
        for place, written in enumerate(cue.split()):
            following: list[dict[str, Any]] = []
            for choice in written.split("/"):
                for node in nodes:
                    if choice in _GAPS:
                        following.append(node.setdefault(choice, {}))
                    elif choice in self._classes.names:
                        following.append(node.setdefault(_CLASS, {}).setdefault(choice, {}))
                    elif choice.endswith("~"):
                        stem = stem_of(choice[:-1])
                        branch: dict[str, Any] = {}
                        if place == 0:
                            self._prefixes.setdefault(stem[:4], []).append((stem, branch))
                        else:
                            node.setdefault("~", []).append((stem, branch))
                        following.append(branch)
                    else:
                        following.append(_descend(node, choice))
            nodes = following
        return nodes

    def find(self, tokens: Sequence[str]) -> list[Found]:
        """Return the cues in order; a longer cue silences the shorter ones inside it ("no complaints" "complaints")."""
        found: list[Found] = []
        covered = calmed = 0
        # Most words that begin a cue go on as none.
        after = [*tokens[1:], ""]
        beginnings = [
            (start, begins)
            for start, begins in enumerate(map(self._begins.__getitem__, tokens))
            if begins is not None and (begins[1] or after[start] in begins[2])
        ]
        for start, (nodes, _, _) in beginnings:
            best: tuple[int, list[Kind]] | None = None
            for node in nodes:
                best = _better(best, _longest(node, tokens, start + 1, self._classes.of))
            if best is not None and best[0] > covered and start >= calmed:
                end, kinds = best
                if end - start > 1:
                    covered = end
                    if kinds[0].calm:
                        calmed = end  # "never had a problem" is not the beginning of "problem with"
                found.extend(Found(kind, " ".join(tokens[start:end]), start, end) for kind in kinds)
        return found

    def begins_with(self, token: str) -> bool:
        """Whether a cue begins with this word."""
        return self._begins[token] is not None

    def _beginning(self, token: str) -> _Beginning | None:
        """Return the nodes that a word leads to when a cue begins with it, and what must follow for one to go on."""
        prefixes = self._prefixes.get(token[:4], ())
        if not (prefixes or token in self._tree or token in self._classes.of):
            return None  # nearly every word that is new
        classes = self._tree.get(_CLASS, {})
        branches = [
            *((self._tree[token],) if token in self._tree and token not in _MARKS else ()),
            *(classes[name] for name in self._classes.of.get(token, ()) if name in classes),
            *(branch for stem, branch in prefixes if token.startswith(stem)),
        ]
        if not branches:
            return None
        nodes = tuple(map(self._node_of, branches))
        return (
            nodes,
            any(ending is not None or bool(gaps) or bool(stems) for ending, gaps, stems, _, _ in nodes),
            frozenset(
                chain(
                    chain.from_iterable(words for *_, words in nodes),
                    chain.from_iterable(self._classes.names[name] for *_, classes, _ in nodes for name in classes),
                )
            ),
        )

    def _node_of(self, branch: dict[str, Any]) -> _Node:
        node = self._nodes.get(id(branch))
        if node is None:
            node = self._nodes[id(branch)] = _node(branch)
        return node


# Nodes that a word leads to; whether one of them needs no certain word next; what words one of them could go on with.
_Beginning = tuple[tuple["_Node", ...], bool, frozenset[str]]
# Kinds of a cue that ends here, gaps with what follows each, beginnings of words with what follows them, classes of
# words that follow, words that follow.
_Gaps = tuple[tuple[str, Any], ...]
_Node = tuple[list[Kind] | None, _Gaps, tuple[tuple[str, Any], ...], dict[str, Any], dict[str, Any]]


_MARKS = frozenset({"$", "~", _CLASS, *_GAPS})  # keys of a branch that are no words


def _node(branch: dict[str, Any]) -> _Node:
    return (
        branch.get("$"),
        tuple((gap, _node(branch[gap])) for gap in _GAPS if gap in branch),
        tuple((stem, _node(after)) for stem, after in branch.get("~", ())),
        {name: _node(after) for name, after in branch.get(_CLASS, {}).items()},
        {word: _node(after) for word, after in branch.items() if word not in _MARKS},
    )


_cue_tokens = lru_cache(maxsize=8_192)(tokens_of)  # of thousands of cues nearly all are made of the same words


def _is_its_own_token(written: str) -> bool:
    """Whether this is one word that the cutting into tokens would leave as it is."""
    return written.isascii() and written.isalpha() and written.islower() and not has_run(written, 3)


def _descend(node: dict[str, Any], choice: str) -> dict[str, Any]:
    for token in _cue_tokens(choice):
        node = node.setdefault(token, {})
    return node


def _better(one: tuple[int, list[Kind]] | None, other: tuple[int, list[Kind]] | None) -> tuple[int, list[Kind]] | None:
    if one is None or other is None:
        return one or other
    return other if other[0] > one[0] else one


def _longest(
    node: _Node, tokens: Sequence[str], at: int, classes_of_word: Mapping[str, tuple[str, ...]]
) -> tuple[int, list[Kind]] | None:
    """Return the end and the kinds of the longest cue that goes on from here."""
    best: tuple[int, list[Kind]] | None = None
    while True:
        kinds, gaps, stems, classes, words = node
        if kinds is not None:
            best = (at, kinds)
        if at >= len(tokens):
            return best
        token = tokens[at]
        for gap, after in gaps:
            best = _better(best, _over_gap(gap, after, tokens, at, classes_of_word))
        for stem, branch in stems:
            if token.startswith(stem):
                best = _better(best, _longest(branch, tokens, at + 1, classes_of_word))
        if classes:
            for name in classes_of_word.get(token, ()):
                if name in classes:
                    best = _better(best, _longest(classes[name], tokens, at + 1, classes_of_word))
        following = words.get(token)
        if following is None:
            return best
        node, at = following, at + 1


def _over_gap(
    gap: str, after: _Node, tokens: Sequence[str], at: int, classes_of_word: Mapping[str, tuple[str, ...]]
) -> tuple[int, list[Kind]] | None:
    _, _, _, classes, words = after
    for place in range(at, min(at + _GAPS[gap] + 1, len(tokens))):
        token = tokens[place]
        following = words.get(token)
        best = None if following is None else _longest(following, tokens, place + 1, classes_of_word)
        if classes:
            for name in classes_of_word.get(token, ()):
                if name in classes:
                    best = _better(best, _longest(classes[name], tokens, place + 1, classes_of_word))
        if best is not None:
            return best
        if following is not None or token in NEGATORS:  # "my account was never hacked"
            return None
        if gap == "**" and token in _ENDS:
            return None
    return None


@dataclass(frozen=True, slots=True)
class Classes:
    """Classes of words that stand for each other in a cue ("%unit"): the words of each, and the classes of a word."""

    names: Mapping[str, frozenset[str]]
    of: Mapping[str, tuple[str, ...]]


@lru_cache(maxsize=16)
def classes_of(language: str) -> Classes:
    """Return the classes of words of a language; none where nobody wrote them down."""
    tables = tomllib.loads((_WORDS / "classes.toml").read_text(encoding="utf-8"))
    names = {
        _CLASS + name: frozenset(tokens_of(table[language])) for name, table in tables.items() if language in table
    }
    of: dict[str, tuple[str, ...]] = {}
    for name, words in names.items():
        for word in words:
            of[word] = (*of.get(word, ()), name)
    return Classes(names, of)


@lru_cache(maxsize=16)
def kinds_of(language: str) -> tuple[tuple[Kind, tuple[str, ...]], ...]:
    """Read the cue file of a language; empty when there is none."""
    file = _WORDS / f"complaint.{language}.toml"
    if language not in HEARD:
        return ()
    tables = tomllib.loads(file.read_text(encoding="utf-8"))
    english = {} if language == "en" else {kind.name: kind for kind, _ in kinds_of("en")}
    out = []
    for name, table in tables.items():
        base = english.get(name)
        out.append(
            (
                Kind(
                    name=name,
                    says=table.get("says", base.says if base else name),
                    weight=table.get("weight", base.weight if base else 1.0),
                    stage=table.get("stage", base.stage if base else ""),
                    tag=table.get("tag", base.tag if base else ""),
                    churn=table.get("churn", base.churn if base else False),
                    calm=table.get("calm", base.calm if base else False),
                ),
                tuple(table["cues"]),
            )
        )
    return tuple(out)


OWN = Kind("own_words", "one of your own complaint words", 2.2)


@lru_cache(maxsize=256)
def cues_for(language: str, own: tuple[str, ...] = ()) -> Cues:
    """Return the cues of a language, with a brand's own from the settings."""
    pairs = [(cue, kind) for kind, cues in kinds_of(language) for cue in cues]
    return Cues([*pairs, *((cue, OWN) for cue in own)], language)


@lru_cache(maxsize=1)
def signal_names() -> tuple[str, ...]:
    """Return every signal's name in the fixed order that the shipped model relies on."""
    return (*SHAPES, *(kind.name for kind, _ in kinds_of("en")))


@dataclass(frozen=True, slots=True)
class Aim:
    """Who a post may be about: folded words of the brand and of its competitors, each a row of tokens."""

    brand: frozenset[str] = field(default_factory=frozenset)
    competitors: frozenset[str] = field(default_factory=frozenset)


def signals_of(text: str, cues: Cues, aim: Aim | None = None) -> Signals:
    """Read one bounded text and return everything that the rules see in it."""
    folded = fold(without_entities(text))
    tokens = _tokens(folded)
    rivals = aim.competitors if aim is not None else frozenset()
    cues_said = less_coming(_found(cues, tokens, rivals), tokens, cues.language)
    found, spent = _less_denied(cues_said, tokens, cues.language)
    values: dict[str, float] = {}
    kept, elsewhere, said = found, list[Found](), tokens
    if aim is not None and aim.competitors:
        kept, elsewhere, said = _aimed(found, tokens, aim)
    negated = _count(kept, tokens, values, spent, cues.language)
    _shape(text, folded, said, values)
    if spent:
        left = sum(token in NEGATORS for place, token in enumerate(tokens) if place not in spent)
        values["negations"] = float(min(left, 4))
    if negated:
        values["negated_praise"] = float(min(negated, 2))
    kinds = {cue.kind.name for cue in kept if not cue.kind.calm and cue.kind.weight >= CONCRETE}
    if kinds:
        values["kinds"] = float(min(len(kinds), 4))
        if values.get("praise") or values.get("maybe_bitter"):
            values["mixed"] = 1.0  # warm words beside a complaint: bitter, or a thank-you for help
    asks = values.get("question", 0) and (values.get("second_person") or values.get("direct"))
    if asks or (values.get("ask") and (values.get("direct") or values.get("second_person"))):
        values["asks_us"] = 1.0
    return Signals(tuple(said), values, tuple(kept), tuple(elsewhere))


def _found(cues: Cues, tokens: list[str], rivals: frozenset[str]) -> list[Found]:
    """Find the cues; a competitor's name stands for all of them, as in "switching to thisrival"."""
    if rivals.isdisjoint(tokens):
        return cues.find(tokens)
    found = cues.find([RIVAL if token in rivals else token for token in tokens])
    return [_as(cue.kind, cue.start, cue.end, tokens) for cue in found]


def _less_denied(found: list[Found], tokens: list[str], language: str) -> tuple[list[Found], frozenset[int]]:
    """Put "there is no complaint" in the place of what a negation takes back, and the other way round.

    Returns the places of the negations that are spent so: they say no of nothing else.
    """
    denied, over = denials(found, tokens, language)
    if not denied and not over:
        return found, frozenset()
    kinds = {kind.name: kind for kind, _ in kinds_of(language)}
    gone = {id(denial.cue) for denial in denied} | {id(cue) for cue in over}
    said = [cue for cue in found if id(cue) not in gone]
    said.extend(_as(kinds["no_complaint"], denial.start, denial.end, tokens) for denial in denied)
    said.extend(_as(kinds["broken"], cue.start, cue.end, tokens) for cue in over)
    spent = frozenset(place for denial in denied for place in range(denial.start, denial.end))
    return sorted(said, key=lambda cue: (cue.start, cue.end)), spent


def _as(kind: Kind, start: int, end: int, tokens: list[str]) -> Found:
    return Found(kind, " ".join(tokens[start:end]), start, end)


def _count(
    found: list[Found], tokens: list[str], values: dict[str, float], spent: frozenset[int], language: str
) -> int:
    """Count cues by kind (at most three each); praise behind a "not" is counted as its opposite and returned.

    In Portuguese "no" is no negation, but "in the".
    """
    negated = 0
    for cue in found:
        name = cue.kind.name
        if name == "praise" and any(
            tokens[place] in NEGATORS and place not in spent and not (language == "pt" and tokens[place] == "no")
            for place in range(max(0, cue.start - 3), cue.start)
        ):
            negated += 1
            continue
        if values.get(name, 0.0) < 3:
            values[name] = values.get(name, 0.0) + 1.0
    return negated


def _shape(text: str, folded: str, tokens: list[str], values: dict[str, float]) -> None:
    counted: dict[str, int] = {}
    for name in chain.from_iterable(filter(None, map(_CLASS_OF.get, tokens))):
        counted[name] = counted.get(name, 0) + 1
    for name, number in counted.items():
        values[name] = float(min(number, 4))
    if tokens and tokens[0] == PERSON:
        values["direct"] = 1.0
    if tokens and tokens[0] in ("my", "our", "mein", "meine", "mi", "mon", "ma", "mes", "il", "meu", "minha", "mijn"):
        values["starts_mine"] = 1.0
    hashtags = folded.count("#")
    if hashtags:
        values["hashtags"] = float(min(hashtags, 4))
    if folded.startswith("rt ") or " rt @" in folded or (folded.startswith("via ") and ":" in folded[:40]):
        values["repost"] = 1.0
    values["length"] = math.log1p(min(len(tokens), 400))
    capitals = len(_capital_word.findall(text[:2000])) if _capitals.search(text) is not None else 0
    if capitals >= 3 and capitals * 2 >= len(_any_word.findall(text[:2000])):
        values["shouting"] = 1.0
    elif capitals:
        values["shouting"] = min(capitals, 4) * 0.1


_BREAKS = _ENDS | {"but", "while", "unlike", "whereas"}


def _aimed(found: list[Found], tokens: list[str], aim: Aim) -> tuple[list[Found], list[Found], list[str]]:
    """Part the complaint cues by whom they are at: where a clause names a competitor and not us, they are not ours.

    Who leaves for a competitor names it and means us. The words that are left are those of the other clauses.
    """
    clause_of: list[int] = []
    ours: set[int] = set()
    theirs: set[int] = set()
    clause = 0
    for token in tokens:
        if token in _BREAKS:
            clause += 1
        clause_of.append(clause)
        if token in aim.brand or token == BRAND:
            ours.add(clause)
        elif token in aim.competitors:
            theirs.add(clause)
    apart = theirs - ours
    kept: list[Found] = []
    elsewhere: list[Found] = []
    for cue in found:
        away = clause_of[cue.start] in apart and not cue.kind.calm and not cue.kind.churn
        (elsewhere if away else kept).append(cue)
    if not elsewhere:
        return found, [], tokens
    left = {clause_of[cue.start] for cue in kept if cue.kind.churn}
    said = [token for token, place in zip(tokens, clause_of, strict=True) if place not in apart or place in left]
    return kept, elsewhere, said
