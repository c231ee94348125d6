"""What a draft says that somebody has to stand for: promises, dates, claims, courtesy, and how it says "you".

The phrases are in `words/draft.<language>.toml`, written by us for the nine languages that the judge reads. Those of
all are asked at once, so that a promise in a second language is not missed. Pure: text in, findings out.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from pathlib import Path

from monitor.text.normalize import APOSTROPHES, fold, without_invisible

LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "ar", "hi")
_WORDS = Path(__file__).parent / "words"
# Letters as \w knows them, and the signs that Arabic and Hindi write on them; the stops of Hindi are none.
_LETTER = "\\w\u064b-\u0652\u0900-\u0963\u0966-\u097f"
_TOKEN = re.compile(f"[{_LETTER}]+")
_SENTENCE = re.compile(
    r"(?<=[!?…।؟;])\s+|(?<=(?<!\d)\.)\s+|[\n\r]+"
    r"|(?<=\d\.)\s+(?=[A-ZÀ-Þ])(?!(?:Jan|Feb|Mär|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Nov|Dez))"
)
_ARABIC = str.maketrans("أإآٱىة", "ااااىه", "ًٌٍَُِّْـ")
_APOSTROPHE = re.compile(f"[{APOSTROPHES}]")
_ARTICLE = re.compile("^(?:[وفبلك]{0,2}ال|لل)(?=.{3})")
_STEM = 4  # letters that two words begin with, at the least, to be of one stem
_SHARE = 0.55  # and that much of the longer one
_ENDING = re.compile(r"(?:['’]s|s|es|ed|ing|en|e|n)$")


@dataclass(frozen=True, slots=True)
class _Phrases:
    """The phrases of all languages together, and by language where they differ in kind."""

    small: frozenset[str]
    courtesy: re.Pattern[str]
    us: re.Pattern[str]
    promises: dict[str, re.Pattern[str]]
    will: dict[str, re.Pattern[str]]
    claims: dict[str, re.Pattern[str]]
    days: dict[str, re.Pattern[str]]
    by: re.Pattern[str]
    orders: re.Pattern[str]
    machine: re.Pattern[str]
    forms: dict[str, dict[str, re.Pattern[str]]]


def plain(text: str) -> str:
    """Small letters, straight apostrophes, single blanks, and one way to write Arabic letters; accents stay."""
    text = unicodedata.normalize("NFC", _APOSTROPHE.sub("'", without_invisible(text)).lower())
    return " ".join(text.translate(_ARABIC).split())


def folded(text: str) -> str:
    """The same with accents folded away."""
    return fold(text).translate(_ARABIC)


def _joined(phrases: Iterable[str]) -> re.Pattern[str]:
    # A phrase in a file may be written with signs that compose: it is brought to the form of the text.
    alternatives = "|".join(f"(?:{unicodedata.normalize('NFC', each).translate(_ARABIC)})" for each in phrases)
    return re.compile(f"(?<![{_LETTER}])(?:{alternatives})(?![{_LETTER}])")


@lru_cache(maxsize=1)
def _phrases() -> _Phrases:
    tables = {
        language: tomllib.loads((_WORDS / f"draft.{language}.toml").read_text(encoding="utf-8"))
        for language in LANGUAGES
    }
    small: set[str] = set()
    for table in tables.values():
        small.update(tokens(table["small"]))

    def all_of(section: str, key: str) -> re.Pattern[str]:
        return _joined(phrase for table in tables.values() for phrase in table[section][key])

    return _Phrases(
        small=frozenset(small),
        courtesy=_joined(phrase for table in tables.values() for phrase in table["courtesy"]),
        us=_joined(phrase for table in tables.values() for phrase in table["us"]),
        promises={kind: all_of("promise", kind) for kind in tables["en"]["promise"] if kind != "will"},
        will={language: _joined(table["promise"]["will"]) for language, table in tables.items()},
        claims={kind: all_of("claim", kind) for kind in tables["en"]["claim"]},
        days={language: _joined(table["date"]["days"]) for language, table in tables.items()},
        by=re.compile(f"(?<![{_LETTER}])(?:{'|'.join(table['date']['by'] for table in tables.values())})\\W*$"),
        orders=all_of("order", "begins"),
        machine=all_of("order", "machine"),
        forms={
            language: {name: re.compile(unicodedata.normalize("NFC", each)) for name, each in table["form"].items()}
            for language, table in tables.items()
            if "form" in table
        },
    )


def sentences(text: str) -> list[str]:
    """The sentences of a text, as they are written; "20. November" is not cut."""
    return [each.strip() for each in _SENTENCE.split(text) if _TOKEN.search(each)]


def tokens(text: str) -> list[str]:
    """The words of a text, folded, with the vowel signs that Hindi needs."""
    return _TOKEN.findall(folded(text))


def matters(text: str, without: Iterable[str] = ()) -> list[str]:
    """The words of a text that may name a matter: no small words, greetings or courtesy, and none of `without`."""
    phrases = _phrases()
    names = {token for name in without for token in tokens(name)}
    return [
        token
        for token in tokens(text)
        if token not in phrases.small
        and token not in names
        and (len(token) > 2 or token.isdigit())
        and not phrases.courtesy.fullmatch(token)
    ]


def same_stem(one: str, other: str) -> bool:
    """Whether two words are forms of one: "export" and "exports", "abgemeldet" and "Abmeldung" are not."""
    one, other = _ARTICLE.sub("", one), _ARTICLE.sub("", other)
    if one == other or _ENDING.sub("", one) == _ENDING.sub("", other) != "":
        return True
    if one.isdigit() or other.isdigit():
        return False
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
    least = 3 if not one.isascii() else _STEM
    return shared >= least and shared >= _SHARE * max(len(one), len(other))


def in_common(text: str, other: Collection[str]) -> list[str]:
    """The words of `text` that name a matter which one of the words `other` names as well."""
    return [word for word in matters(text) if any(same_stem(word, each) for each in other)]


def _all(pattern: re.Pattern[str], text: str) -> list[re.Match[str]]:
    """Every place where a pattern stands, as it is written and with accents folded away."""
    written, bare = plain(text), folded(text)
    found = list(pattern.finditer(written))
    return found if bare == written else found + list(pattern.finditer(bare))


def first(pattern: re.Pattern[str], text: str) -> str:
    """The words that a pattern finds first, "" for none."""
    found = _all(pattern, text)
    return found[0][0].strip() if found else ""


def promises(text: str, language: str) -> dict[str, str]:
    """What a sentence promises, by kind: "money", "gift", "guarantee", "will"; each with the words that say so.

    What is to come is looked for in its language and in English: "sera" is the future in French, an evening in Italian.
    """
    found = {kind: words for kind, pattern in _phrases().promises.items() if (words := first(pattern, text))}
    will = next((words for pattern in _of(_phrases().will, language) if (words := first(pattern, text))), "")
    return {**found, "will": will} if will else found


def _of(patterns: dict[str, re.Pattern[str]], language: str) -> list[re.Pattern[str]]:
    """Those of a language and of English; all where the language is not known."""
    return (
        [patterns[each] for each in dict.fromkeys((language, "en"))] if language in patterns else [*patterns.values()]
    )


def claims(text: str) -> dict[str, str]:
    """What a sentence says has been done, by kind ("fixed", "sent", ...), with the words that say so.

    What the person is asked ("did you call us?") is no claim; a question that says what we have done is.
    """
    if asks(text) and not first(_phrases().us, text):
        return {}
    return {kind: words for kind, pattern in _phrases().claims.items() if (words := first(pattern, text))}


def dates(text: str, language: str) -> list[tuple[str, bool]]:
    """The days and spans that a sentence names, folded, each with whether a word before it makes a deadline of it.

    Asked for in its language and in English only: "mai" is May in German, and never in Italian.
    """
    phrases = _phrases()
    return [
        (folded(match[0]), bool(phrases.by.search(match.string[: match.start()])))
        for pattern in _of(phrases.days, language)
        for match in _all(pattern, text)
    ]


def asks(sentence: str) -> bool:
    """Whether a sentence is a question."""
    return sentence.rstrip(" \"'”»)").endswith(("?", "؟"))


def is_courtesy(text: str) -> bool:
    """Whether it thanks or says sorry."""
    return bool(first(_phrases().courtesy, text))


def machine(text: str) -> str:
    """The words by which a program speaks of itself, or says of us what only somebody hostile would have it say."""
    return first(_phrases().machine, text)


def orders_of(text: str) -> str:
    """The part of a post that tells a program what to do, from the first word of it to the end; "" for none."""
    found = min(_all(_phrases().orders, text), key=lambda match: match.start(), default=None)
    return found.string[found.start() :] if found is not None else ""


def form_of(text: str, language: str) -> frozenset[str]:
    """How a text says "you" in its language: "formal", "familiar" ("middle" for você); empty where it does not say."""
    text = unicodedata.normalize("NFC", _APOSTROPHE.sub("'", text))
    return frozenset(name for name, pattern in _phrases().forms.get(language, {}).items() if pattern.search(text))
