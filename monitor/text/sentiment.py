"""How a post feels, by VADER behind a guard, in English; in any other language "unknown", never "neutral".

VADER is called by its parts, one sentiment-laden word at a time with only the words around it that it looks at. The
score is VADER's own to the last digit (a test holds it to that), its quadratic parts are gone (200 kB take 87 s in
`polarity_scores`), and the words that decided are known. Where nothing near a word can turn it, it is worth what the
lexicon says, and VADER is not asked. https://github.com/cjhutto/vaderSentiment
"""

from __future__ import annotations

import copy
import string
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from vaderSentiment.vaderSentiment import (
    BOOSTER_DICT,
    C_INCR,
    NEGATE,
    SPECIAL_CASES,
    SentimentIntensityAnalyzer,
    normalize,
)

from connectors.values import value_class
from monitor.text.language import ENGLISH_WORDS
from monitor.text.normalize import for_scoring, windows
from monitor.text.remembered import Remembered
from monitor.types import Label

NAME = "vader+guard/1"
NEGATIVE_AT = -0.05  # VADER's own thresholds for its compound score
POSITIVE_AT = 0.05
BITTER_FROM = 0.4  # how likely unhappy who speaks warmly of something that went wrong
MOST_WORDS = 300  # of one window; VADER was made for sentences
_WEIGHT_LIMIT = 4.0  # VADER's lexicon runs from -4 to 4
_NO_WORD = "brandname"  # stands in the place of a brand's name, and in no lexicon
_EDGES = string.punctuation
_NEGATIONS = frozenset({*NEGATE, "no"})
# Words near which VADER changes a word's weight: negations, boosters, "no", "least", "never so", "never this", and one
# or more words of each of its idioms ("the", "to", "of", "for" and "bad" alone make none).
_TURNING = frozenset(
    word
    for phrase in (*NEGATE, *BOOSTER_DICT, *SPECIAL_CASES, "no", "least", "so", "this")
    for word in phrase.split()
    if word not in {"the", "to", "of", "for", "bad"}
)
# All that VADER looks for around a word, beside those of its lexicon and whatever holds "n't".
_LOOKED_FOR = _TURNING | {"the", "to", "of", "for", "bad", "or", "nor", "at", "very", "never", "without", "doubt"}


@value_class(frozen=True, slots=True)
class Sentiment:
    """`score` runs from -1 to 1; `words` are the at most five that decided it, strongest first, with their negation."""

    score: float
    label: Label
    words: tuple[str, ...]


UNKNOWN = Sentiment(0.0, "unknown", ())


def mood_of(vader: Sentiment, unhappy: float, *, wrong: bool = False) -> Sentiment:
    """Return how a post feels by VADER and by the model, which says how likely its writer is unhappy (0 to 1).

    Whether it is negative says the model: a word can be cross and its writer content. Of all others VADER says which
    are positive. Warm words about something `wrong` are bitter more often than not where the model doubts them.
    """
    if vader.label == "unknown":
        return vader
    score = min(1 - 2 * unhappy, 0.99)
    if wrong and unhappy >= BITTER_FROM and vader.score >= POSITIVE_AT:
        score = min(score, NEGATIVE_AT)
    if score <= NEGATIVE_AT:
        return Sentiment(score, "negative", vader.words)
    if vader.score >= POSITIVE_AT:
        return Sentiment(max(POSITIVE_AT, score), "positive", vader.words)
    return Sentiment(score * POSITIVE_AT, "neutral", vader.words)


@dataclass(frozen=True, slots=True)
class _Words:
    words: dict[str, float]
    phrases: dict[str, float]
    emoji: dict[str, float]


@cache
def _own_words() -> _Words:
    table = tomllib.loads((Path(__file__).parent / "words" / "sentiment.toml").read_text(encoding="utf-8"))
    return _Words(table["words"], table["phrases"], table["emoji"])


@cache
def _vader() -> Any:
    """One analyzer a process: its two word files are read once."""
    return SentimentIntensityAnalyzer()


@cache
def _emoji() -> dict[int, str]:
    """VADER's own names for emoji, keyed by code point, for `str.translate`; those that we weigh stay themselves."""
    plain = {sign.replace("\ufe0f", ""): name for sign, name in _vader().emojis.items()}
    plain |= {sign: sign for sign in _own_words().emoji}
    return {ord(sign): f" {name} " for sign, name in plain.items() if len(sign) == 1 and not sign.isascii()}


def label_of(score: float) -> Label:
    """Return the label of a score; a score between the two thresholds is neutral."""
    if score <= NEGATIVE_AT:
        return "negative"
    return "positive" if score >= POSITIVE_AT else "neutral"


@lru_cache(maxsize=4_096)
def _key(word: str) -> str:
    """Return a word as phrases are compared: small letters, no apostrophes, no signs around it, no possessive."""
    return word.lower().strip(_EDGES).removesuffix("'s").replace("'", "")


# first word -> (all words, what stands in the text in their place), names first, then the longest
_Phrases = dict[str, list[tuple[tuple[str, ...], str]]]


def _names_then_longest(phrase: tuple[tuple[str, ...], str]) -> tuple[bool, int]:
    return bool(phrase[1]), -len(phrase[0])


def _add_phrase(phrases: _Phrases, phrase: str, stands_in: str) -> None:
    words = tuple(word for part in for_scoring(phrase).split() if (word := _key(part)))
    if words:
        phrases.setdefault(words[0], []).append((words, stands_in))


@lru_cache(maxsize=64)
def _weighed(extra: tuple[tuple[str, float], ...]) -> tuple[dict[str, float], _Phrases]:
    """VADER's lexicon with our words and `extra`, and the phrases among them; nobody changes what this returns.

    One for all brands that weigh words alike: a lexicon is 200 kB, and most brands have no words of their own.
    """
    own = _own_words()
    lexicon = {**_vader().lexicon, **own.words, **own.emoji}
    phrases: _Phrases = {}
    for phrase, weight in {**own.phrases, **dict(extra)}.items():
        if " " not in phrase and _key(phrase) == phrase.replace("'", ""):
            lexicon[phrase] = weight
        else:
            _add_phrase(phrases, phrase, phrase.replace(" ", "_"))
            lexicon[phrase.replace(" ", "_")] = weight
    for found in phrases.values():
        found.sort(key=_names_then_longest)
    # A word of weight 0 would still be shouted or negated by VADER: it is no word of sentiment at all.
    return {word: weight for word, weight in lexicon.items() if weight}, phrases


class Scorer:
    """VADER with our words for customer service, this brand's own words, and its names masked.

    `extra_words` are words or phrases with a weight from -4 to 4 (settings: `sentiment_words`). `brand_words` are the
    brand's names and products: "The Killers" and "Fire TV" are never sentiment. Safe to use from several threads.
    """

    def __init__(self, extra_words: Mapping[str, float] | None = None, brand_words: Iterable[str] = ()) -> None:
        extra = {word.lower().strip(): _bounded(weight) for word, weight in (extra_words or {}).items()}
        extra.pop("", None)
        self._lexicon, phrases = _weighed(tuple(extra.items()))
        self._analyzer = copy.copy(_vader())  # its parts read `lexicon` from it; the shared one stays as it is
        self._analyzer.lexicon = self._lexicon
        self._phrases: _Phrases = {**phrases}
        named: _Phrases = {}
        for name in brand_words:
            _add_phrase(named, name, "")
        for word, found in named.items():
            self._phrases[word] = sorted([*found, *phrases.get(word, ())], key=_names_then_longest)
        self._triggers = frozenset(form for word in self._phrases for form in _spellings(word))
        self._valence = lru_cache(maxsize=4_096)(self._valence_of)

    def score(self, text: str, language: str) -> Sentiment:
        """Score one post; `language` is a code such as "en" or "und". Never raises, never takes long."""
        code = language.partition("-")[0].lower()
        if code not in ("en", "", "und"):
            return UNKNOWN
        prepared = for_scoring(text)
        if code != "en" and not self._sounds_english(prepared):
            return UNKNOWN
        strengths: dict[str, float] = {}
        scores = [self._window(window, strengths) for window in windows(prepared)]
        score = round(sum(scores) / len(scores), 4)
        label = label_of(score)
        if not strengths:
            return Sentiment(score, label, ())
        sign = {"negative": -1, "positive": 1}.get(label, 0)
        deciding = [word for word, strength in strengths.items() if strength * sign > 0 or sign == 0]
        deciding.sort(key=lambda word: -abs(strengths[word]))
        return Sentiment(score, label, tuple(deciding[:5]))

    def _sounds_english(self, prepared: str) -> bool:
        """Whether two English words stand in a text of which nobody knows the language."""
        lexicon = self._lexicon
        found: set[str] = set()
        for part in prepared[:1_000].split():
            word = part.lower().strip(_EDGES)
            # Short words of the lexicon are words of other languages too: die, war, bad.
            if word in ENGLISH_WORDS or (len(word) > 4 and word.isascii() and word.isalpha() and word in lexicon):
                found.add(word)
                if len(found) > 1:
                    return True
        return False

    def _window(self, text: str, strengths: dict[str, float]) -> float:
        """Return VADER's compound of one window, and add the strength of each word that had one."""
        if not text.isascii():
            text = text.translate(_emoji())
        words = list(map(_BARE.__getitem__, text.split()))
        shouts = 0 < sum(map(str.isupper, words)) < len(words)  # VADER: some are in capitals, and not all
        words = words[:MOST_WORDS]
        lowered = list(map(str.lower, words))
        shown: dict[str, str] = {}
        if not self._triggers.isdisjoint(lowered):
            replaced = self._with_phrases(words, lowered, shown)
            if replaced is not words:
                words, lowered = replaced, [word.lower() for word in replaced]
        contracted = "n't" in " ".join(lowered)
        lexicon, valences = self._lexicon, [0.0] * len(words)
        for at in [at for at, word in enumerate(lowered) if word in lexicon]:
            word = lowered[at]
            if word in BOOSTER_DICT or (word == "kind" and lowered[at + 1 : at + 2] == ["of"]):
                continue
            # VADER looks three words back and two ahead, and at nothing else.
            first = max(0, at - 3)
            weight = valence = lexicon[word]
            near = lowered[first : at + 3]
            if not _TURNING.isdisjoint(near) or (contracted and any("n't" in one for one in near)):
                # Words that VADER does not look for are one to it: so nearly all surroundings were met before.
                around = [
                    word if low in _LOOKED_FOR or low in lexicon or "n't" in low else ""
                    for word, low in zip(words[first : at + 3], near, strict=True)
                ]
                valence = self._valence(tuple(around), at - first, shouts)
            elif shouts and words[at].isupper():
                valence += C_INCR if valence > 0 else -C_INCR
            valences[at] = valence
            if valence:
                spelled = _spelled(words, at, shown, turned=valence * weight < 0)
                strengths[spelled] = max(valence, strengths.get(spelled, 0.0), key=abs)
        if "but" in lowered:
            valences = self._analyzer._but_check(words, valences)
        total = float(sum(valences))
        if total:
            emphasis = self._analyzer._punctuation_emphasis(text)
            total += emphasis if total > 0 else -emphasis
        return round(float(normalize(total)), 4)

    def _valence_of(self, words: tuple[str, ...], at: int, shouts: bool) -> float:
        """Return VADER's valence of the word at this place among these."""
        around = SimpleNamespace(words_and_emoticons=words, is_cap_diff=shouts)
        return float(self._analyzer.sentiment_valence(0, around, words[at], at, [])[0])

    def _with_phrases(self, words: list[str], lowered: list[str], shown: dict[str, str]) -> list[str]:
        """Put one token in the place of each phrase and each of the brand's names; `shown` keeps how it was spelled.

        Where there is none, `words` itself comes back.
        """
        triggers, result, taken = self._triggers, [], 0
        for at, word in enumerate(lowered):
            if word not in triggers or at < taken:
                continue
            length, stands_in = self._phrase_at(lowered, at)
            if length:
                own = words[at : at + length]
                token = stands_in.upper() if all(one.isupper() for one in own) else stands_in
                shown[token] = " ".join(own)
                result += [*words[taken:at], token]
                taken = at + length
        return result + words[taken:] if taken else words

    def _phrase_at(self, lowered: list[str], at: int) -> tuple[int, str]:
        """Return how many words a phrase that begins here has, and what stands in its place; 0 for none."""
        second = _key(lowered[at + 1]) if at + 1 < len(lowered) else ""
        for phrase, stands_in in self._phrases.get(_key(lowered[at]), ()):
            if len(phrase) > 1 and phrase[1] != second:
                continue
            if tuple(map(_key, lowered[at : at + len(phrase)])) == phrase:
                return len(phrase), stands_in or _NO_WORD
        return 0, ""


def _bare(word: str) -> str:
    """Return a word as VADER cuts it: without the signs around it; what is then too short was an emoticon."""
    return word if len(bare := word.strip(_EDGES)) <= 2 else bare


_BARE = Remembered(_bare)


def _spellings(word: str) -> tuple[str, ...]:
    """Return how a text may spell the first word of a phrase: "cant" also as "can't", "acme" also as "acme's"."""
    return (word, f"{word}'s", f"{word[:-1]}'t") if word.endswith("nt") else (word, f"{word}'s")


def _is_negated(lowered: str) -> bool:
    """Whether VADER takes a word for a negation."""
    return lowered in _NEGATIONS or "n't" in lowered


def _bounded(weight: float) -> float:
    return max(-_WEIGHT_LIMIT, min(_WEIGHT_LIMIT, float(weight))) if weight == weight else 0.0  # noqa: PLR0124 (NaN)


def _spelled(words: list[str], at: int, shown: Mapping[str, str], turned: bool) -> str:
    """Return a deciding word for people; one that a negation turned round comes with it ("not good")."""
    if not turned:
        return shown.get(words[at], words[at])[:60]
    negations = [back for back in range(max(0, at - 3), at) if _is_negated(words[back].lower())]
    first = negations[0] if negations else at
    return " ".join(shown.get(word, word) for word in words[first : at + 1])[:60]
