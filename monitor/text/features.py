"""Everything that is read in a post before anything is weighed: its language, its signals, its sentiment.

A post is heard for a brand: the brand's own names are masked, so that they are never words of feeling themselves.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from connectors import Post
from connectors.values import value_class
from monitor.text.complaint_signals import (
    BRAND,
    HEARD,
    JUDGED,
    NUMBER,
    PERSON,
    Aim,
    Cues,
    Found,
    Kind,
    Signals,
    cues_for,
    signals_of,
    tokens_of,
)
from monitor.text.critical import meant
from monitor.text.language import UNKNOWN as UNTOLD
from monitor.text.language import detect
from monitor.text.lexicon import NOTHING, Felt, feelings, told_by_words
from monitor.text.local_models.operator_models import OwnModels
from monitor.text.manner import PLAIN, Manner, manner_of
from monitor.text.normalize import APOSTROPHES, fold, without_entities
from monitor.text.own_names import as_handle, in_text
from monitor.text.sentiment import UNKNOWN as UNFELT
from monitor.text.sentiment import Scorer, Sentiment
from monitor.text.spam import offers_number

_CRITICAL_FILE = Path(__file__).parent / "words" / "critical.toml"
_other_letters = re.compile("[\u0600-\u06ff\u0900-\u097f]")  # of Arabic and Hindi
_signs = re.compile(r"[\W_]+")  # that no hashtag holds
_elision = re.compile(rf"(?<=\w)([{APOSTROPHES}])(?={BRAND})")  # "dell'Acme", "d'Acme": two words
_HEAD, _TAIL = 3000, 800  # of a very long post these many characters from either end are judged


@dataclass(frozen=True, slots=True)
class BrandProfile:
    """What the judge must know of a brand: its own words (masked, never sentiment), its competitors, its words."""

    name: str
    words: tuple[str, ...] = ()
    competitors: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    complaint_words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sentiment_words: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PreparedProfile:
    """A brand made ready for judging."""

    profile: BrandProfile
    mask: re.Pattern[str] | None
    handle: re.Pattern[str] | None
    aim: Aim
    scorer: Scorer
    tags: frozenset[str] = frozenset()  # its words as hashtags write them
    in_other_letters: bool = False  # one of its words is written in letters of Arabic or Hindi
    rivals: re.Pattern[str] | None = None  # names of competitors that are several words


@value_class(frozen=True, slots=True)
class Features:
    """Everything that was read in one post, before it is weighed."""

    language: str
    sentiment: Sentiment
    signals: Signals
    critical: tuple[Found, ...]
    values: Mapping[str, float]  # the signals with the sentiment beside them, as the model knows them
    felt: Felt  # in a language that VADER does not know
    text: str  # bounded, the brand's own names masked
    classified: float | None  # what the operator's own classifier says, as log odds
    spam: bool  # offers a telephone number to call
    rivals: frozenset[str]  # the competitors' names, as words
    called: bool  # names a handle that is the brand's name
    named: bool = False  # our name stands in it, or a hashtag of it
    to_others: bool = False  # begins with a handle, and none of ours is named: a talk with somebody else about us
    manner: Manner = PLAIN
    known: dict[str, bool] = field(default_factory=dict, compare=False)  # what was found out of it once
    tagged: bool = False  # begins with the brand's own tag, as others begin with a handle
    astray: bool = False  # where no model speaks: of the brand's words none stands in it, and it is no reply or review

    @property
    def wordless(self) -> bool:
        """Whether nothing is said at all: handles, links, signs."""
        return not any(token[0].isalpha() and token != BRAND for token in self.signals.tokens)

    @property
    def unread(self) -> bool:
        """Whether it is in a language that nobody here reads."""
        return self.sentiment.label == "unknown" and self.language not in JUDGED


def prepare(profile: BrandProfile) -> PreparedProfile:
    """Make a brand ready for judging."""
    words = [word.strip() for word in profile.words if word.strip()]
    aim = Aim(
        brand=frozenset(found[0] for word in words if len(found := _named_by(word)) == 1),
        competitors=frozenset(_as_one_word(word) for word in profile.competitors if _named_by(word)),
    )
    # A rival whose name is a part of ours is not looked for: it would be found in our own.
    ours = " ".join(map(fold, words))
    rivals = in_text(word for word in profile.competitors if len(_named_by(word)) > 1 and fold(word) not in ours)
    tags = frozenset(tag for word in words if (tag := _as_one_word(word)))
    other = any(_other_letters.search(word) is not None for word in words)
    mask, handle = in_text(words), as_handle(words)
    return PreparedProfile(profile, mask, handle, aim, Scorer(dict(profile.sentiment_words)), tags, other, rivals)


def _as_one_word(name: str) -> str:
    """A name as a hashtag writes it, and as a competitor's stands in tokens."""
    return _signs.sub("", fold(name))


def _named_by(word: str) -> list[str]:
    """A name as it stands in tokens; nothing of one that stands there as any handle, or any number, does."""
    found = tokens_of(word)
    return [] if {PERSON, NUMBER}.issuperset(found) else found


def hear(
    posts: Sequence[Post], profiles: Sequence[PreparedProfile], critical_words: tuple[str, ...], own_models: OwnModels
) -> list[Features]:
    """Read each post by its brand's profile, step by step for all of them."""
    texts = [_heard_text(post, profile) for post, profile in zip(posts, profiles, strict=True)]
    languages = [detect(text, post.lang) for text, post in zip(texts, posts, strict=True)]
    if UNTOLD in languages:
        languages = [
            (told_by_words(tokens_of(text)) or language) if language == UNTOLD else language
            for text, language in zip(texts, languages, strict=True)
        ]
    spoken = [language if language in HEARD else "en" for language in languages]
    signals = [
        signals_of(text, cues_for(code, tuple(profile.profile.complaint_words.get(code, ()))), profile.aim)
        for text, profile, code in zip(texts, profiles, spoken, strict=True)
    ]
    # Too short to tell the language, yet an English cue stands in it: "Acme sucks", "love it".
    sentiments = [
        profile.scorer.score(text, "en" if language == UNTOLD and seen.cues else language)
        for text, profile, language, seen in zip(texts, profiles, languages, signals, strict=True)
    ]
    critical = [
        _critical_cues(code, critical_words).find(seen.tokens) for code, seen in zip(spoken, signals, strict=True)
    ]
    felts = [
        feelings(seen.tokens, language, seen.cues) if sentiment.label == "unknown" else NOTHING
        for language, sentiment, seen in zip(languages, sentiments, signals, strict=True)
    ]
    classified = own_models.odds(texts)
    calls = [
        bool(seen.values.get("many_people") and profile.handle is not None and profile.handle.search(text))
        for seen, text, profile in zip(signals, texts, profiles, strict=True)
    ]
    return [
        Features(
            language,
            sentiment,
            seen,
            meant(
                cues,
                seen,
                code,
                sentiment,
                felt,
                called=called,
                ours=post.rating is not None
                or bool(post.parent_author or post.parent_id)
                or not profile.tags.isdisjoint(seen.tokens),
                rivals=profile.aim.competitors,
            ),
            # Where part of the anger is at somebody else, the sentiment of the whole says nothing about us.
            with_sentiment(seen.values, UNFELT if seen.elsewhere else sentiment),
            felt,
            text,
            other,
            bool(seen.values.get("numbers")) and offers_number(text, seen.tokens),
            profile.aim.competitors,
            called,
            named=_is_named(seen, profile),
            to_others=_is_put_to_others(post, seen, profile, called),
            manner=manner_of(text, seen.tokens, seen.values),
            tagged=bool(seen.tokens) and seen.tokens[0] in profile.tags,
            astray=sentiment.label == "unknown" and _is_astray(post, seen, profile, called),
        )
        for post, language, code, sentiment, felt, seen, cues, text, other, profile, called in zip(
            posts,
            languages,
            spoken,
            sentiments,
            felts,
            signals,
            critical,
            texts,
            classified,
            profiles,
            calls,
            strict=True,
        )
    ]


def _is_named(seen: Signals, profile: PreparedProfile) -> bool:
    return BRAND in seen.tokens or not profile.tags.isdisjoint(seen.tokens)


def _is_put_to_others(post: Post, seen: Signals, profile: PreparedProfile, called: bool) -> bool:
    """Whether it begins with a handle that is none of ours and only names us; unknown of a reply.

    What does not name us was taken in for another reason, such as an account of ours that settings do not tell: then
    the handle may well be ours.
    """
    if called or profile.handle is None or post.rating is not None or post.parent_author or post.parent_id:
        return False
    return bool(seen.values.get("direct")) and _is_named(seen, profile)


def _is_astray(post: Post, seen: Signals, profile: PreparedProfile, called: bool) -> bool:
    if called or profile.mask is None or post.rating is not None or post.parent_author or post.parent_id:
        return False
    if _other_letters.search(post.text) is not None and not profile.in_other_letters:
        return False  # our name may stand in it as those letters write it
    return not _is_named(seen, profile)


def _heard_text(post: Post, profile: PreparedProfile) -> str:
    text = bounded(post.text if not post.title or post.title in post.text else f"{post.title}. {post.text}")
    if profile.rivals is not None:
        text = profile.rivals.sub(lambda found: _as_one_word(found[0]), without_entities(text))
    if profile.mask is None:
        return text
    return _elision.sub(r"\1 ", profile.mask.sub(BRAND, without_entities(text)))


def bounded(text: str) -> str:
    """Return what is judged of a text: all of it, or both ends of a very long one."""
    return text if len(text) <= _HEAD + _TAIL else f"{text[:_HEAD]} {text[-_TAIL:]}"


def with_sentiment(values: Mapping[str, float], sentiment: Sentiment) -> dict[str, float]:
    """Return the signals with the sentiment beside them, as the model knows them."""
    score = sentiment.score
    return {**values, "feeling": score, "bad_feeling": max(0.0, -score)}


@lru_cache(maxsize=64)
def _critical_cues(language: str, own: tuple[str, ...]) -> Cues:
    tables = tomllib.loads(_CRITICAL_FILE.read_text(encoding="utf-8"))
    pairs = [
        (cue, Kind(name, table.get("says", ""), 0.0))
        for name, table in tables.items()
        for cue in table.get(language, ())
    ]
    return Cues([*pairs, *((word, Kind("own", "one of your critical words", 0.0)) for word in own)])
