"""The judge: sentiment, cues, the shipped model and what staff have taught, made into one verdict.

"Negative" and "needs an answer" are different questions; staff need the second. Every voice is heard as log odds and
summed, so that `explain` can show what each one gave. Pure and free of locks: one judge may serve many threads.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from alerts.case import Lane
from connectors import Post
from monitor.model import Label, Verdict
from monitor.text.complaint import (
    BRAND,
    JUDGED,
    LANGUAGES,
    OWN,
    Aim,
    Cues,
    Found,
    Kind,
    Signals,
    cues_for,
    kinds_of,
    signal_names,
    signals_of,
    tokens_of,
)
from monitor.text.feelings import LANGUAGES as FEELING_LANGUAGES
from monitor.text.feelings import feelings, told_by_words
from monitor.text.language import UNKNOWN as UNTOLD
from monitor.text.language import detect
from monitor.text.learning import Answer, Learned, Lesson
from monitor.text.linear import Model, ModelRefused, Thresholds, read
from monitor.text.own_models import NO_MODELS, OwnModels
from monitor.text.relevance import relevance
from monitor.text.sentiment import NAME as SENTIMENT
from monitor.text.sentiment import UNKNOWN as UNFELT
from monitor.text.sentiment import Scorer, Sentiment

_CRITICAL_FILE = Path(__file__).parent / "words" / "critical.toml"
_HEAD, _TAIL = 3000, 800  # of a very long post these many characters from either end are judged
_STRONG = 1.5  # the weight of a cue that five stars do not outvote
RULES_ONLY = Thresholds(ping=0.60, ping_aside=0.75, sweep=0.14)  # where the rules alone draw the lines
# Where VADER is silent, cues and feelings speak: one strong word calls people. In Spanish every "no" makes VADER frown,
# so that hearing twice as much as it does takes a low line; Italian papers and politics use strong words every day.
_CUES_ONLY = Thresholds(ping=0.50, ping_aside=0.60, sweep=0.28)
_CUES_ONLY_OF = {
    "es": Thresholds(ping=0.42, ping_aside=0.42, sweep=0.28),
    "it": Thresholds(ping=0.70, ping_aside=0.76, sweep=0.28),
}
MODEL_FILE = Path(__file__).parent / "models" / "judge.model"
_MODELLED = frozenset({"en", "und", ""})  # languages that the shipped model has learned


@dataclass(frozen=True, slots=True)
class BrandVoice:
    """What the judge must know of a brand: its own words (masked, never sentiment), its competitors, its words."""

    name: str
    words: tuple[str, ...] = ()
    competitors: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    complaint_words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sentiment_words: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """A post to be judged for a brand, with the words by which it was found. `answers_us`: it replies to our own."""

    post: Post
    brand: str
    matched: tuple[str, ...] = ()
    answers_us: bool = False


@dataclass(frozen=True, slots=True)
class Explanation:
    """A verdict with every voice that was heard: what it said, and the log odds it gave."""

    verdict: Verdict
    voices: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class _Ear:
    """A brand made ready for judging."""

    voice: BrandVoice
    mask: re.Pattern[str] | None
    aim: Aim
    scorer: Scorer


@dataclass(frozen=True, slots=True)
class Heard:
    """Everything that was read in one post, before it is weighed."""

    language: str
    sentiment: Sentiment
    signals: Signals
    critical: tuple[Found, ...]
    values: Mapping[str, float]  # the signals with the sentiment beside them, as the model knows them
    text: str  # bounded, the brand's own names masked
    classified: float | None  # what the operator's own classifier says, as log odds

    @property
    def wordless(self) -> bool:
        """Whether nothing is said at all: handles, links, signs."""
        return not any(token.isalpha() and token != BRAND for token in self.signals.tokens)


class Judge:
    """Judges posts for the brands it was made for; an unknown brand ("") is judged by the general ear.

    `model` is a file of another linear model, None for the shipped one; `own_models` are the operator's own beside it.
    What is refused leaves `trouble` saying so by name, and everything else goes on without it.
    """

    NAME = "earful"
    VERSION = "1"

    def __init__(
        self,
        brands: Iterable[BrandVoice],
        critical_words: Iterable[str] = (),
        learned: Mapping[str, Learned] | None = None,
        model: Path | None = None,
        about_us: Mapping[str, Learned] | None = None,
        own_models: OwnModels = NO_MODELS,
    ) -> None:
        self._own_models = own_models
        self._relevance = dict(about_us or {})
        self._learned = {
            brand: value
            for brand, value in (learned or {}).items()
            if value.blend and value.encoder in ("", own_models.encoder)
        }
        self._brands = {brand.name: _ear(brand) for brand in brands}
        self._general = _ear(BrandVoice(""))
        self._critical_words = tuple(critical_words)
        self._model: Model | None = None
        trouble = [*own_models.trouble]
        try:
            self._model = _read_model(model or MODEL_FILE)
        except ModelRefused as refusal:
            trouble.append(str(refusal))
        self.trouble = tuple(trouble)
        with_model = f"{self._model.name}/{self._model.version}" if self._model else "rules"
        others = "".join(f", {name}" for name in own_models.names)
        self.scorer = f"{self.NAME}/{self.VERSION} ({SENTIMENT}, {with_model}{others})"
        self.rules_scorer = f"{self.NAME}/{self.VERSION} ({SENTIMENT}, rules{others})"

    def warm(self) -> None:
        """Load what waits for its first post: word lists of seven languages and the model that tells them apart."""
        at = datetime.fromtimestamp(0, UTC)
        posts = [Post("", "", "", "", "one two three four five six", at, lang=code) for code in ("", *LANGUAGES)]
        self._hear(posts, [""] * len(posts))
        told_by_words(("one",))

    def verdict(self, post: Post, brand: str, matched: tuple[str, ...] = (), *, answers_us: bool = False) -> Verdict:
        """Judge one post for one brand. `answers_us`: it replies to a post of our own."""
        (found,) = self.verdicts([Asked(post, brand, matched, answers_us)])
        return found

    def verdicts(self, asked: Sequence[Asked]) -> list[Verdict]:
        """Judge many posts, each as if it were alone.

        Each step is done for all of them before the next one: a processor has its tables at hand then, which is a fifth
        quicker than one post after the other.
        """
        every = self._hear([each.post for each in asked], [each.brand for each in asked])
        odds = [self._odds(heard, each.answers_us) for heard, each in zip(every, asked, strict=True)]
        found = []
        for each, heard, before in zip(asked, every, odds, strict=True):
            taught = self._taught(each.brand, heard, before)
            weighed = self._weigh(
                each.post, heard, taught, each.matched, each.answers_us, self._learned.get(each.brand)
            )
            found.append(self._about_us(each.post, each.brand, weighed))
        return found

    def _about_us(self, post: Post, brand: str, found: Verdict) -> Verdict:
        """Keep away what is not about us: stored and searchable, never told."""
        learned = self._relevance.get(brand)
        if learned is None or not learned.blend:
            return found
        weighed = relevance(post, self._brands.get(brand, self._general).voice.context, learned, found.language)
        if weighed.kept:
            return found
        return replace(found, lane="none", praise=False, critical=False, reasons=(weighed.reason,), tags=("not_us",))

    def lesson(self, post: Post, brand: str, answer: Answer, by: str, at: datetime) -> Lesson:
        """Return what staff's answer about a post teaches, to be given to `learning.learn` with all the others."""
        (heard,) = self._hear([post], [brand])
        key, vector = f"{post.source}:{post.native_id}", self._own_models.vector(heard.text)
        odds = self._odds(heard, answers_us=False)
        return Lesson(key, heard.signals.tokens, heard.values, odds, answer, by, at, vector)

    @property
    def encoder(self) -> str:
        """The name of the operator's own encoder, by which lessons have their vectors; empty without one."""
        return self._own_models.encoder

    def _taught(self, brand: str, heard: Heard, odds: float) -> float:
        learned = self._learned.get(brand)
        if learned is None:
            return odds
        vector = self._own_models.vector(heard.text) if learned.vector else ()
        return learned.odds(odds, heard.signals.tokens, heard.values, vector)

    def explain(
        self, post: Post, brand: str, matched: tuple[str, ...] = (), *, answers_us: bool = False
    ) -> Explanation:
        """Judge as `verdict` does and show every voice with its weight, the loudest first."""
        (heard,) = self._hear([post], [brand])
        odds = self._odds(heard, answers_us)
        taught = self._taught(brand, heard, odds)
        verdict = self._weigh(post, heard, taught, matched, answers_us, self._learned.get(brand))
        verdict = self._about_us(post, brand, verdict)
        model = self._model_for(heard)
        if model is None:
            voices = rule_voices(heard)
        else:
            spoken = model.voices(heard.signals.tokens, heard.values)
            voices = [(in_words(name), weight) for name, weight in spoken] + _extra_voices(heard)
        if heard.classified is not None:
            shipped = sum(weight for _, weight in voices)
            voices.append((f"your own model {self._own_models.classifier}", (heard.classified - shipped) / 2))
        if answers_us:
            voices.append(("replies to us", _REPLY_ODDS))
        if taught != odds:
            voices.append(("what your own answers taught", taught - odds))
        return Explanation(verdict, tuple(sorted(voices, key=lambda voice: -abs(voice[1]))))

    def _scorer_name(self, model: Model | None, learned: Learned | None) -> str:
        name = self.scorer if model else self.rules_scorer
        return f"{name[:-1]}, learned/{learned.figures.answers})" if learned else name

    def _model_for(self, heard: Heard) -> Model | None:
        return self._model if heard.language in _MODELLED else None

    def _odds(self, heard: Heard, answers_us: bool) -> float:
        model = self._model_for(heard)
        if model is None:
            odds = sum(weight for _, weight in rule_voices(heard))
        else:
            odds = model.score(heard.signals.tokens, heard.values) + sum(weight for _, weight in _extra_voices(heard))
        if heard.classified is not None:
            odds = (odds + heard.classified) / 2  # two judges of equal standing
        return odds + (_REPLY_ODDS if answers_us else 0.0)

    def _hear(self, posts: Sequence[Post], brands: Sequence[str]) -> list[Heard]:
        """Read each post for its brand, step by step for all of them."""
        ears = [self._brands.get(brand, self._general) for brand in brands]
        texts = [_heard_text(post, ear) for post, ear in zip(posts, ears, strict=True)]
        languages = [detect(text, post.lang) for text, post in zip(texts, posts, strict=True)]
        if UNTOLD in languages:
            languages = [
                (told_by_words(tokens_of(text)) or language) if language == UNTOLD else language
                for text, language in zip(texts, languages, strict=True)
            ]
        spoken = [language if language in LANGUAGES else "en" for language in languages]
        signals = [
            signals_of(text, cues_for(code, tuple(ear.voice.complaint_words.get(code, ()))), ear.aim)
            for text, ear, code in zip(texts, ears, spoken, strict=True)
        ]
        # Too short to tell the language, yet an English cue stands in it: "Acme sucks", "love it".
        sentiments = [
            ear.scorer.score(text, "en" if language == UNTOLD and seen.cues else language)
            for text, ear, language, seen in zip(texts, ears, languages, signals, strict=True)
        ]
        critical = [
            _critical_cues(code, self._critical_words).find(list(seen.tokens))
            for code, seen in zip(spoken, signals, strict=True)
        ]
        classified = self._own_models.odds(texts)
        return [
            Heard(
                language,
                sentiment,
                seen,
                tuple(cue for cue in cues if cue.kind.name != "harmless") if cues else (),
                # Where part of the anger is at somebody else, the sentiment of the whole says nothing about us.
                with_sentiment(seen.values, UNFELT if seen.elsewhere else sentiment),
                text,
                other,
            )
            for language, sentiment, seen, cues, text, other in zip(
                languages, sentiments, signals, critical, texts, classified, strict=True
            )
        ]

    def _weigh(
        self,
        post: Post,
        heard: Heard,
        odds: float,
        matched: tuple[str, ...],
        answers_us: bool,
        learned: Learned | None,
    ) -> Verdict:
        model = self._model_for(heard)
        lines = model.thresholds if model else rule_lines(heard)
        if learned is not None:
            lines = Thresholds(
                learned.ping or lines.ping, learned.ping or lines.ping_aside, learned.sweep or lines.sweep
            )
        needs = 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, odds))))
        needs, star_reason = by_stars(needs, post.rating, heard, lines)
        to_us = answers_us or post.rating is not None or (speaks_to_us(heard) if model else tells_of_trouble(heard))
        ping = lines.ping if to_us else lines.ping_aside
        lane: Lane = "ping" if needs >= ping else "sweep" if needs >= lines.sweep else "none"
        if lane == "sweep" and needs < lines.sweep_calm and not to_us and is_calm(heard):
            lane = "none"
        if heard.wordless and not star_reason:
            lane = "sweep" if heard.values.get("sad_face") else "none"
        if heard.critical and lane != "ping":
            values = heard.signals.values
            personal = values.get("first_person") or values.get("direct") or values.get("second_person")
            lane = "ping" if lane == "sweep" or personal else "sweep"
        unheard = heard.sentiment.label == "unknown" and heard.language not in JUDGED
        if unheard and not star_reason and not heard.critical:
            lane = "sweep"  # nothing is known of it: somebody who reads that language has a look, nobody is woken
        return Verdict(
            sentiment=heard.sentiment.score,
            label=heard.sentiment.label,
            needs_answer=round(needs, 4),
            lane=lane,
            reasons=reasons_of(heard, lane, star_reason, unheard),
            scorer=self._scorer_name(model, learned),
            language=heard.language,
            critical=bool(heard.critical),
            praise=lane == "none" and is_praise(post, heard),
            churn=tuple(dict.fromkeys(cue.words for cue in heard.signals.cues if cue.kind.churn)),
            tags=tags_of(heard) if lane != "none" else (),
            words=matched,
        )


def _heard_text(post: Post, ear: _Ear) -> str:
    text = bounded(post.text if not post.title or post.title in post.text else f"{post.title}. {post.text}")
    return text if ear.mask is None else ear.mask.sub(BRAND, text)


def bounded(text: str) -> str:
    """Return what is judged of a text: all of it, or both ends of a very long one."""
    return text if len(text) <= _HEAD + _TAIL else f"{text[:_HEAD]} {text[-_TAIL:]}"


def rule_lines(heard: Heard) -> Thresholds:
    """Return where the lanes begin when the rules are alone."""
    if heard.sentiment.label != "unknown":
        return RULES_ONLY
    return _CUES_ONLY_OF.get(heard.language, _CUES_ONLY)


def with_sentiment(values: Mapping[str, float], sentiment: Sentiment) -> dict[str, float]:
    """Return the signals with the sentiment beside them, as the model knows them."""
    score = sentiment.score
    return {**values, "feeling": score, "bad_feeling": max(0.0, -score)}


def in_words(name: str) -> str:
    """Return the name of a signal as people would say it; a word in quotes stays what it is."""
    if not name.startswith("signal "):
        return name
    plain = name.removeprefix("signal ")
    return _SIGNAL_WORDS.get(plain) or next((kind.says for kind, _ in kinds_of("en") if kind.name == plain), plain)


_SIGNAL_WORDS = {
    "question": "a question mark", "exclaims": "an exclamation mark", "direct": "a handle in front",
    "first_person": "tells of themselves", "second_person": "says you", "link": "carries a link",
    "many_people": "names handles", "hashtags": "hashtags", "negations": "says no", "shouting": "capital letters",
    "times": "speaks of hours or days", "numbers": "numbers", "wants": "says please or help", "dots": "full stops",
    "sad_face": "an unhappy face", "happy_face": "a happy face", "repost": "repeats somebody", "length": "its length",
    "asks_us": "asks us something", "negated_praise": "praise behind a 'not'", "contrast": "a but",
    "starts_mine": "begins with my", "states": "states things (is, was, has)", "why": "asks why",
    "compares": "compares (than, like, too)", "points": "points at things (the, this, it)",
    "kinds": "tells of something gone wrong", "mixed": "warm words beside a complaint", "feeling": "sentiment",
    "bad_feeling": "bad sentiment",
}  # fmt: skip


def tells_of_trouble(heard: Heard) -> bool:
    """Whether a cue of something gone wrong stands in the post."""
    values = heard.signals.values
    return bool(values.get("kinds") or values.get("negated_praise"))


def speaks_to_us(heard: Heard) -> bool:
    """Whether the post is put to somebody, or tells of something gone wrong: such a one waits for an answer.

    The others grumble in passing, or repeat what somebody said; far more certainty is asked before they call people.
    """
    values = heard.signals.values
    if values.get("direct") or (values.get("second_person") and values.get("many_people")):
        return True
    return bool(values.get("kinds") and not values.get("link") and not values.get("repost"))


def is_calm(heard: Heard) -> bool:
    """Whether a post speaks to nobody, and nothing in it is wrong, asked, or bitter.

    Teachers never saw such a post as one of two answers: reviews are for or against, and what is merely told ("fog over
    the harbour, bread in the basket") stays in the middle between them. So it takes more to be shown to staff.
    """
    return not any(map(heard.values.get, _NOT_CALM))


# What makes a post more than calm: each is a signal that is absent or more than nothing.
_NOT_CALM = (
    "kinds", "negated_praise", "direct", "many_people", "hashtags", "link", "repost", "sad_face",
    "asks_us", "question", "wants", "why", "again", "maybe_bitter", "bad_feeling",
)  # fmt: skip
_REPLY_ODDS = 0.6


def _extra_voices(heard: Heard) -> list[tuple[str, float]]:
    """Return what the shipped model cannot know: the brand's own complaint words, and anger at somebody else."""
    voices = []
    own = [cue.words for cue in heard.signals.cues if cue.kind is OWN]
    if own:
        voices.append((f"{OWN.says}: {', '.join(dict.fromkeys(own))}", OWN.weight))
    if heard.signals.elsewhere:
        voices.append((f"the anger is at somebody else: {heard.signals.elsewhere[0].words}", -1.5))
    return voices


def _felt_voices(heard: Heard) -> list[tuple[str, float]]:
    """Return what is felt in a post of a language that VADER does not know, and what speaks against trouble there."""
    if heard.language not in FEELING_LANGUAGES:
        return []
    values = heard.signals.values
    felt = feelings(heard.signals.tokens, heard.language, heard.signals.cues)
    voices = [(f"feelings: {', '.join(felt.words)}", felt.odds)] if felt.odds else []
    if values.get("question") and felt.odds < _FELT and not tells_of_trouble(heard):
        voices.append(("a question, and nothing is wrong", -1.5))
    elif not felt.unhappy and not any(map(values.get, _UNHAPPY)):
        voices.append(("nothing unhappy is said", -1.1))
    return voices


_FELT = 1.0  # from here on a post is felt to be unhappy: one plain word of sorrow, or two uneasy ones
_UNHAPPY = ("kinds", "negated_praise", "negations", "shouting", "sad_face")


def rule_voices(heard: Heard) -> list[tuple[str, float]]:
    """Return what the rules say, as log odds with words for people."""
    values = heard.signals.values
    voices: list[tuple[str, float]] = []
    if heard.sentiment.label == "unknown":
        voices.append(("every post, to begin with", -0.2))
        voices.extend(_felt_voices(heard))
    else:
        voices.append(("every post, to begin with", -1.6))
        voices.append((f"sentiment {heard.sentiment.score:+.2f}", -2.2 * heard.sentiment.score))
    said: dict[str, list[Found]] = {}
    for cue in heard.signals.cues:
        said.setdefault(cue.kind.name, []).append(cue)
    for cues in said.values():
        kind = cues[0].kind
        if not values.get(kind.name) and kind.name != "own_words":
            continue
        words = ", ".join(dict.fromkeys(cue.words for cue in cues))
        voices.append((f"{kind.says}: {words}", kind.weight * min(2.0, 1.0 + 0.4 * (len(cues) - 1))))
    voices.extend((words, weight * values[name]) for name, words, weight in _RULES if values.get(name))
    if heard.signals.elsewhere:
        voices.append((f"the anger is at somebody else: {heard.signals.elsewhere[0].words}", -1.5))
    return voices


_RULES: tuple[tuple[str, str, float], ...] = (
    ("asks_us", "asks us something", 0.5),
    ("negated_praise", "praise behind a 'not'", 1.6),
    ("direct", "speaks to us", 0.3),
    ("first_person", "tells of themselves", 0.1),
    ("negations", "says no", 0.25),
    ("shouting", "shouts", 0.7),
    ("sad_face", "an unhappy face", 0.9),
    ("happy_face", "a happy face", -0.7),
    ("link", "carries a link", -0.5),
    ("repost", "repeats somebody", -0.5),
    ("times", "speaks of hours or days", 0.2),
)


def by_stars(needs: float, rating: float | None, heard: Heard, lines: Thresholds) -> tuple[float, str]:
    """Let stars outvote words: one or two always call people, five mild ones never do."""
    if rating is None:
        return needs, ""
    ping, sweep = lines.ping, lines.sweep
    stars = f"{rating:g} star{'' if rating == 1 else 's'}"
    if rating <= 2:
        return max(needs, ping + (1 - ping) * 0.75), stars
    if rating <= 3:
        return min(max(needs, sweep + 0.01), 0.97), stars
    if needs >= ping and any(not cue.kind.calm and cue.kind.weight >= _STRONG for cue in heard.signals.cues):
        return min(needs, max(sweep, ping - 0.01)) if rating >= 5 else needs, ""
    return min(needs, sweep * 0.5), ""


def reasons_of(heard: Heard, lane: Lane, star_reason: str, unheard: bool) -> tuple[str, ...]:
    """Say in words for people what decided it, the weightiest first; nothing is said of a post that is left alone."""
    if lane == "none":
        return ()
    values = heard.signals.values
    reasons: list[str] = []
    reasons.extend(dict.fromkeys(f"{cue.kind.says}: {cue.words}" for cue in heard.critical))
    if star_reason:
        reasons.append(star_reason)
    ours = [cue for cue in heard.signals.cues if not cue.kind.calm and cue.kind.name not in ("ask", "again")]
    ours.sort(key=lambda cue: (-cue.kind.weight, cue.start))
    words = list(dict.fromkeys(cue.words for cue in ours))[:3]
    if words:
        reasons.append(f"says: {', '.join(words)}")
    if any(cue.kind.churn for cue in ours):
        reasons.append("is leaving")
    if values.get("negated_praise"):
        reasons.append("praise behind a 'not'")
    if values.get("asks_us"):
        reasons.append("asks us a question")
    if values.get("shouting", 0) >= 1:
        reasons.append("shouts")
    if heard.sentiment.label == "negative":
        told = ", ".join(heard.sentiment.words[:3])
        reasons.append(f"sounds unhappy{f' ({told})' if told and not words else ''}")
    elif heard.sentiment.label == "unknown" and not words:
        felt = feelings(heard.signals.tokens, heard.language, heard.signals.cues)
        if felt.odds >= _FELT:
            reasons.append(f"sounds unhappy ({', '.join(felt.words)})")
    if unheard:
        reasons.append(f"in a language that is not read here ({heard.language})")
    return tuple(reasons) or (("reads like a complaint",) if lane == "ping" else ("worth a look",))


def is_praise(post: Post, heard: Heard) -> bool:
    """Is this praise worth a thank-you: said warmly, to us or with a face, and with nothing wrong in it?"""
    values = heard.signals.values
    if any(not cue.kind.calm and cue.kind.weight > 1 for cue in heard.signals.cues) or values.get("repost"):
        return False
    if post.rating is not None and post.rating >= 5 and values.get("praise"):
        return True
    warm = heard.sentiment.label == "positive" and heard.sentiment.score >= 0.4
    personal = values.get("direct") or values.get("second_person") or values.get("first_person")
    return bool(warm and values.get("praise") and personal and not values.get("news"))


def tags_of(heard: Heard) -> tuple[str, ...]:
    """Return the stage of the customer's way, and whether a promise was not kept."""
    tags = [f"stage:{stage}" for stage in heard.signals.stages()[:1]]
    tags.extend(dict.fromkeys(cue.kind.tag for cue in heard.signals.cues if cue.kind.tag))
    return tuple(tags)


def _ear(voice: BrandVoice) -> _Ear:
    words = sorted({word.strip() for word in voice.words if word.strip()}, key=len, reverse=True)
    mask = None
    if words:
        alternatives = "|".join(re.escape(word) for word in words)
        mask = re.compile(rf"(?<![\w@#])(?:{alternatives})(?!\w)", re.IGNORECASE)
    aim = Aim(
        brand=frozenset(found[0] for word in words if len(found := tokens_of(word)) == 1),
        competitors=frozenset("".join(tokens_of(word)) for word in voice.competitors if tokens_of(word)),
    )
    return _Ear(voice, mask, aim, Scorer(dict(voice.sentiment_words)))


@lru_cache(maxsize=4)
def _read_model(path: Path) -> Model:
    return read(path, ("feeling", "bad_feeling", *signal_names()))


@lru_cache(maxsize=64)
def _critical_cues(language: str, own: tuple[str, ...]) -> Cues:
    tables = tomllib.loads(_CRITICAL_FILE.read_text(encoding="utf-8"))
    pairs = [
        (cue, Kind(name, table.get("says", ""), 0.0))
        for name, table in tables.items()
        for cue in table.get(language, ())
    ]
    return Cues([*pairs, *((word, Kind("own", "one of your critical words", 0.0)) for word in own)])


__all__ = ["Asked", "BrandVoice", "Explanation", "Heard", "Judge", "Label"]
