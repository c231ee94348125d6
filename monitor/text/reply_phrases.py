"""What a sentence of a public reply of ours says: courtesy, a receipt, "we look into it", "write to us", or more.

The phrases are in `words/replies.<language>.toml`, written by us for seven languages. All of them are asked at once:
a reply of four words is too short to tell its language, and a phrase of one language is hardly ever met in another.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from monitor.text.normalize import fold

LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl")
MOST = 2_000  # characters of a reply that are looked at; networks allow fewer, an answer inside a review has its point
Says = Literal["nothing", "receipt", "holding", "sent_on", "answer"]

_WORDS = Path(__file__).parent / "words"
_SENTENCE = re.compile(r"(?<=[.!?;…])\s+|[\n\r]+|(?<=[a-z])\.(?=[A-Z])")
_ADDRESS = re.compile(r"\S+@\S+\.\w+")
_LINK = re.compile(r"(?:https?://|www\.)\S+")
_CONTACT_LINK = re.compile(r"contact|kontakt|support|ticket|chat|/dm|messag|wa\.me|m\.me|contat|form")
_HANDLES = re.compile(r"^(?:[\s.,:]*@[\w.@-]+)+[\s,:]*")
_SIGNED = re.compile(
    r"(?:\s+|(?<=[.!?)]))(?:[\^~*/]\s?|[-–—]{1,2}\s?)"
    r"[A-Za-zÀ-ÿ]{1,15}(?:\s?[&+]?\s?[A-Za-zÀ-ÿ]{1,15}){0,3}\s*\.?\s*$"
)
_PURPOSE = re.compile(r"^\W*(?:in order to|so that|to|damit|um|afin d[e']|pour|para|per|om|zodat)\s[^,]*")
# What leads up to "write to us" is no instruction of its own: "you can", "kannst du", "the best way is".
_MODAL = re.compile(
    r"(?:(?:you|we) (?:can|could|may|should|must|need to|have to)|(?:can|could|would) you|kannst du|konnen sie"
    r"|konntest du|konnten sie|du kannst|sie konnen|bitte|vous pouvez|pouvez|pourriez|tu peux|peux|il faut|il suffit"
    r"|puedes?|podrias?|podeis|puoi|puo|potresti|potrebbe|podes?|poderia|voce pode|je kunt|kun je|kunt u|u kunt|zou je"
    r"|best way|quickest way|easiest way|beste weg|le mieux|lo mejor|il modo migliore|o melhor)\b[^,]*$"
)
_NEEDLESS = re.compile(
    r"(?:no need|no longer need|needn't|(?:don't|do not|won't) (?:have|need)|without|instead of|rather than"
    r"|mussen? (?:\w+ )?nicht|nicht notig|brauch\w* (?:\w+ )?nicht|ohne|pas besoin|inutile|sans|plus besoin"
    r"|no hace falta|no (?:es necesario|necesitas|tienes que|hay que)|sin"
    r"|non (?:serve|occorre|devi|c'e bisogno|e necessario)|senza|nao (?:e preciso|precisa|e necessario|ha necessidade)"
    r"|sem|hoef\w* (?:\w+ )?niet|niet nodig|zonder)\b"
)
_WORD = re.compile(r"[^\W\d_][\w'’-]*")
_FIGURE = re.compile(r"\d")
_FILLED = 2  # words beyond courtesy and small words from which a sentence says something
_FILLED_BESIDE = 5  # the same beside a phrase of courtesy: "sorry that the parcel took so long" has words, and no news


@dataclass(frozen=True, slots=True)
class _Phrases:
    """The phrases of all languages, by what they say."""

    filler: frozenset[str]
    thanked: tuple[re.Pattern[str], ...]
    courtesy: tuple[re.Pattern[str], ...]
    receipt: tuple[re.Pattern[str], ...]
    holding: tuple[re.Pattern[str], ...]
    sent_on: tuple[re.Pattern[str], ...]
    conditional: tuple[re.Pattern[str], ...]
    answers: tuple[re.Pattern[str], ...]


@dataclass(frozen=True, slots=True)
class Sentence:
    """What one sentence says, and the words by which that is known (our own words; empty where it is their number).

    `weight` is how many words a sentence has beyond courtesy, where nothing else makes it an answer.
    """

    says: Says
    words: str = ""
    weight: int = 0


@lru_cache(maxsize=1)
def _phrases() -> _Phrases:
    filler: set[str] = set()
    found: dict[str, list[re.Pattern[str]]] = {}
    for language in LANGUAGES:
        table = tomllib.loads((_WORDS / f"replies.{language}.toml").read_text(encoding="utf-8"))
        filler.update(fold(table["filler"]).split())
        clause = rf"(?:(?!\s(?:{table['stops']})\s)[^,;:()–—]){{0,120}}"
        for kind in ("thanked", "courtesy", "receipt", "holding", "sent_on", "conditional", "answers"):
            joined = "|".join(
                f"(?:{each})".replace("~~", ".{0,200}").replace("~", clause) for each in table.get(kind, ())
            )
            found.setdefault(kind, []).append(re.compile(rf"(?<!\w)(?:{joined})"))
    return _Phrases(frozenset(filler), **{kind: tuple(patterns) for kind, patterns in found.items()})


def sentences(text: str) -> list[str]:
    """The sentences of a reply without handles in front, signature and emoji, as they were written."""
    text = _HANDLES.sub("", text[:MOST]).strip()
    text = _SIGNED.sub("", text) if len(text) > 25 else text
    return [each.strip() for each in _SENTENCE.split(text) if _WORD.search(each) or _FIGURE.search(each)]


@lru_cache(maxsize=4096)  # what a team writes, it writes again and again
def read(sentence: str) -> Sentence:
    """What one sentence says."""
    phrases = _phrases()
    folded = fold(sentence[:600].replace("\u00b4", "'")).strip(" .!?;…")
    plain = _ADDRESS.sub("a@b.c", folded)
    link = _LINK.search(plain)
    words = _erase(phrases.thanked, _LINK.sub(" ", plain))
    conditional = _first(phrases.conditional, words)
    sent = _first(phrases.sent_on, words)
    if sent is not None and _NEEDLESS.search(words[max(sent.start() - 40, 0) : sent.end() + 10]) is None:
        return _sending(phrases, words, sent, conditional)
    if link is not None and _CONTACT_LINK.search(link[0]):
        return Sentence("sent_on", "a link to write to us")
    holding = _first(phrases.holding, words)
    receipt = _first(phrases.receipt, words)
    left = _erase(phrases.courtesy, _erase(phrases.receipt, _erase(phrases.holding, words)))
    left = left.lstrip(" ,.:")
    strong = _first(phrases.answers, left)
    if strong is not None:
        return Sentence("answer", strong[0].strip())
    if conditional is not None:  # "if it comes back, ...": only what is said on that condition counts
        left = left[: conditional.start()] + left[conditional.start() :].partition(",")[2]
    count = len([word for word in _WORD.findall(left) if word not in phrases.filler and len(word) > 1])
    trigger = holding or receipt
    if trigger is not None and count < _FILLED_BESIDE:
        return Sentence("holding" if holding is not None else "receipt", trigger[0].strip()[:60])
    polite = any(len(match[0].split()) >= 3 for pattern in phrases.courtesy for match in pattern.finditer(words))
    if count >= (_FILLED_BESIDE if polite else _FILLED) or link is not None or (count and _FIGURE.search(left)):
        return Sentence("answer", weight=count)
    return Sentence("nothing")


def _sending(phrases: _Phrases, words: str, sent: re.Match[str], conditional: re.Match[str] | None) -> Sentence:
    """A sentence that sends elsewhere says something only where it does so before, and not as a condition or a hope."""
    before = _MODAL.sub("", _PURPOSE.sub("", words[: sent.start()]))
    if conditional is not None and conditional.start() < sent.start():
        before = before[: conditional.start()]
    before = _erase(phrases.courtesy, _erase(phrases.receipt, _erase(phrases.holding, before)))
    strong = _first(phrases.answers, before)
    if strong is not None:
        return Sentence("answer", strong[0].strip())
    return Sentence("sent_on", sent[0].strip()[:60])


def _first(patterns: tuple[re.Pattern[str], ...], text: str) -> re.Match[str] | None:
    found = [match for pattern in patterns if (match := pattern.search(text)) is not None]
    return min(found, key=lambda match: match.start(), default=None)


def _erase(patterns: tuple[re.Pattern[str], ...], text: str) -> str:
    for pattern in patterns:
        text = pattern.sub(" , ", text)
    return text
