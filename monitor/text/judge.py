"""The judge: sentiment, cues, the shipped model and what staff have taught, made into one verdict.

"Negative" and "needs an answer" are different questions; staff need the second. Every contribution is log odds, and
all are summed, so that `explain` can show what each one gave. Pure and free of locks: one judge may serve many threads.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from connectors import Post
from connectors.values import value_class
from monitor.text import likely_harm
from monitor.text.asking import asks_on
from monitor.text.complaint_signals import HEARD, signal_names
from monitor.text.contributions import REPLY_ODDS, extra_contributions, in_words, rule_contributions
from monitor.text.critical import believed, rings
from monitor.text.explanations import PRAISE, SPAM, is_praise, readable, reasons_of, sentence, tags_of
from monitor.text.features import BrandProfile, Features, hear, prepare
from monitor.text.lexicon import told_by_words
from monitor.text.local_models.operator_models import NO_MODELS, OwnModels
from monitor.text.model.calibration import sigmoid
from monitor.text.model.linear import Model, ModelRefused, Thresholds, read
from monitor.text.model.trained import UNHAPPY, Answer, Learned, Lesson
from monitor.text.need import is_beneath_the_list, need_of
from monitor.text.relevance import has_learned, names_context, relevance, speaks_to
from monitor.text.sentiment import NAME as SENTIMENT
from monitor.text.sentiment import mood_of
from monitor.text.triage import begin, by_stars, lane_of, rule_lines, tells_of_trouble
from monitor.types import Verdict

MODEL_FILE = Path(__file__).parent / "model" / "judge.model"
_LISTED_NEVER = 0.999
NO_CONTEXT = "none of your context words"
MODELLED = frozenset({"en", "und", ""})  # languages that the shipped model has learned


@value_class(frozen=True, slots=True)
class JudgeInput:
    """A post to be judged for a brand, with the words by which it was found.

    What stands above it: `answers_us`: a post of our own; `follows`: what its author complained of, in whose
    conversation they write on, to us; `below`: somebody else's complaint.
    """

    post: Post
    brand: str
    matched: tuple[str, ...] = ()
    answers_us: bool = False
    follows: bool = False
    below: bool = False


@value_class(frozen=True, slots=True)
class _Odds:
    """Log odds that a post needs an answer, and those that its writer is unhappy; None where no model tells them."""

    needs: float
    unhappy: float | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """A verdict with every contribution to it: what it was, and the log odds it gave.

    `ping` and `sweep` are the lines that hold for this post, `sentence` says all of it to people.
    """

    verdict: Verdict
    contributions: tuple[tuple[str, float], ...]
    ping: float
    sweep: float
    sentence: str


class Judge:
    """Judges posts for the brands it was made for; an unknown brand ("") is judged by the general profile.

    `model` is a file of another linear model, None for the shipped one; `own_models` are the operator's own beside it.
    What is refused leaves `trouble` saying so by name, and everything else goes on without it.
    """

    NAME = "earful"
    VERSION = "1"

    def __init__(
        self,
        brands: Iterable[BrandProfile],
        critical_words: Iterable[str] = (),
        learned: Mapping[str, Learned] | None = None,
        model: Path | None = None,
        about_us: Mapping[str, Learned] | None = None,
        own_models: OwnModels = NO_MODELS,
    ) -> None:
        brands = tuple(brands)
        self._own_models = own_models
        # Without models of the operator's, what another process needs to make the same judge.
        self.made_of = (
            (brands, tuple(critical_words), dict(learned or {}), dict(about_us or {}))
            if model is None and not own_models.names
            else None
        )
        self._relevance = dict(about_us or {})
        self._learned = {
            brand: value
            for brand, value in (learned or {}).items()
            if value.blend and value.encoder in ("", own_models.encoder)
        }
        self._brands = {brand.name: prepare(brand) for brand in brands}
        self._general = prepare(BrandProfile(""))
        self._critical_words = tuple(critical_words)
        self._model: Model | None = None
        self._refused = ""
        try:
            self._model = _read_model(model or MODEL_FILE)
        except ModelRefused as refusal:
            self._refused = str(refusal)
        with_model = f"{self._model.name}/{self._model.version}" if self._model else "rules"
        others = "".join(f", {name}" for name in own_models.names)
        self.scorer = f"{self.NAME}/{self.VERSION} ({SENTIMENT}, {with_model}{others})"
        self.rules_scorer = f"{self.NAME}/{self.VERSION} ({SENTIMENT}, rules{others})"

    @property
    def trouble(self) -> tuple[str, ...]:
        """What was refused, at the start or since, each in a sentence for people."""
        return (*self._own_models.trouble, *filter(None, (self._refused, likely_harm.trouble())))

    def warm(self) -> None:
        """Load what waits for its first post: word lists of nine languages and the model that tells them apart."""
        at = datetime.fromtimestamp(0, UTC)
        posts = [Post("", "", "", "", "one two three four five six", at, lang=code) for code in ("", *HEARD)]
        self._hear(posts, [""] * len(posts))
        told_by_words(("one",))

    def verdict(self, post: Post, brand: str, matched: tuple[str, ...] = (), *, answers_us: bool = False) -> Verdict:
        """Judge one post for one brand. `answers_us`: it replies to a post of our own."""
        (found,) = self.verdicts([JudgeInput(post, brand, matched, answers_us)])
        return found

    def verdicts(self, asked: Sequence[JudgeInput]) -> list[Verdict]:
        """Judge many posts, each as if it were alone.

        Each step is done for all of them before the next one: a processor has its tables at hand then, which is a fifth
        quicker than one post after the other.
        """
        every = self._hear([each.post for each in asked], [each.brand for each in asked])
        odds = [
            self._odds(heard, each.answers_us or each.follows or each.below)
            for heard, each in zip(every, asked, strict=True)
        ]
        found = []
        for each, heard, before in zip(asked, every, odds, strict=True):
            taught = self._taught(each.brand, heard, before)
            ours = each.answers_us or each.follows
            weighed = self._weigh(
                each.post,
                heard,
                before,
                taught,
                each.matched,
                ours,
                self._learned.get(each.brand),
                follows=each.follows,
            )
            found.append(self._about_us(each.post, each.brand, weighed, ours))
        return found

    def _about_us(self, post: Post, brand: str, found: Verdict, answers_us: bool) -> Verdict:
        """Keep away what is not about us: stored and searchable, never told. What may not be is listed, not called."""
        learned = self._relevance.get(brand)
        context = self._brands.get(brand, self._general).profile.context
        # Stars, a reply to us, our handle, and who writes on in their case's conversation leave no doubt.
        if answers_us or post.rating is not None or speaks_to(post, found.words):
            return found
        if not has_learned(learned):
            if found.lane != "ping" or not context or not found.words:
                return found
            if names_context(post, context) or _stands_below(post, context):
                return found
            return replace(found, lane="sweep", reasons=(*found.reasons, NO_CONTEXT))
        weighed = relevance(post, context, learned, found.language)
        if weighed.kept:
            return found
        return replace(found, lane="none", praise=False, critical=False, reasons=(weighed.reason,), tags=("not_us",))

    def lesson(self, post: Post, brand: str, answer: Answer, by: str, at: datetime) -> Lesson:
        """Return what staff's answer about a post teaches, to be given to `learning.learn` with all the others."""
        (heard,) = self._hear([post], [brand])
        key, vector = f"{post.source}:{post.native_id}", self._own_models.vector(heard.text)
        odds = self._odds(heard, answers_us=False)
        model = self._model_for(heard)
        ours = post.rating is not None
        ping_at, sweep_at = map(logit, begin(self._lines(model, heard, None), heard, ours=ours, ruled=model is None))
        if not ours and is_beneath_the_list(sigmoid(odds.needs), heard):
            sweep_at = max(ping_at, logit(_LISTED_NEVER))  # however much it may come to need an answer
        signals = _taught_by(heard, odds)
        return Lesson(key, heard.signals.tokens, signals, odds.needs, answer, by, at, vector, ping_at, sweep_at)

    @property
    def encoder(self) -> str:
        """The name of the operator's own encoder, by which lessons have their vectors; empty without one."""
        return self._own_models.encoder

    def _taught(self, brand: str, heard: Features, odds: _Odds) -> float:
        learned = self._learned.get(brand)
        if learned is None:
            return odds.needs
        vector = self._own_models.vector(heard.text) if learned.vector else ()
        return learned.odds(odds.needs, heard.signals.tokens, _taught_by(heard, odds), vector)

    def explain(
        self, post: Post, brand: str, matched: tuple[str, ...] = (), *, answers_us: bool = False
    ) -> Explanation:
        """Judge as `verdict` does and show every contribution with its weight, the largest first."""
        (heard,) = self._hear([post], [brand])
        odds = self._odds(heard, answers_us)
        taught = self._taught(brand, heard, odds)
        verdict = self._weigh(post, heard, odds, taught, matched, answers_us, self._learned.get(brand))
        verdict = self._about_us(post, brand, verdict, answers_us)
        model = self._model_for(heard)
        if model is None:
            contributions = rule_contributions(heard)
        else:
            spoken = model.contributions(heard.signals.tokens, heard.values)
            contributions = [(in_words(name), weight) for name, weight in spoken] + extra_contributions(heard)
        if heard.classified is not None:
            shipped = sum(weight for _, weight in contributions)
            contributions.append((f"your own model {self._own_models.classifier}", (heard.classified - shipped) / 2))
        if answers_us:
            contributions.append(("replies to us", REPLY_ODDS))
        if taught != odds.needs:
            contributions.append(("what your own answers taught", taught - odds.needs))
        ours = answers_us or post.rating is not None
        lines = self._lines(model, heard, self._learned.get(brand))
        ping, sweep = begin(lines, heard, ours=ours, ruled=model is None)
        contributions.sort(key=lambda each: -abs(each[1]))
        return Explanation(verdict, tuple(contributions), ping, sweep, sentence(verdict, ping, sweep))

    @staticmethod
    def _lines(model: Model | None, heard: Features, learned: Learned | None) -> Thresholds:
        """Where the lanes begin: by the brand's own answers, the shipped model, or the rules alone."""
        lines = model.thresholds if model else rule_lines(heard)
        if learned is None:
            return lines
        if learned.ping is not None or learned.sweep is not None:  # an earlier version learned it
            return Thresholds(
                learned.ping or lines.ping, learned.ping or lines.ping_aside, learned.sweep or lines.sweep
            )
        return lines.moved(learned.ping_move, learned.sweep_move)

    def _scorer_name(self, model: Model | None, learned: Learned | None) -> str:
        name = self.scorer if model else self.rules_scorer
        return f"{name[:-1]}, learned/{learned.figures.answers})" if learned else name

    def _model_for(self, heard: Features) -> Model | None:
        return self._model if heard.language in MODELLED else None

    def _odds(self, heard: Features, answers_us: bool) -> _Odds:
        model = self._model_for(heard)
        unhappy = None
        if model is None:
            odds = sum(weight for _, weight in rule_contributions(heard))
        else:
            odds, unhappy = model.score(heard.signals.tokens, heard.values)
            odds += sum(weight for _, weight in extra_contributions(heard))
        read = self._own_models.mood(heard.text, heard.language)
        if read is not None:
            unhappy = ((odds if unhappy is None else unhappy) + read) / 2
        if heard.classified is not None:
            odds = (odds + heard.classified) / 2  # two judges of equal standing
        return _Odds(odds + (REPLY_ODDS if answers_us else 0.0), unhappy)

    def _hear(self, posts: Sequence[Post], brands: Sequence[str]) -> list[Features]:
        profiles = [self._brands.get(brand, self._general) for brand in brands]
        return hear(posts, profiles, self._critical_words, self._own_models)

    def _weigh(
        self,
        post: Post,
        heard: Features,
        odds: _Odds,
        taught: float,  # log odds that it needs an answer, with what staff taught
        matched: tuple[str, ...],
        answers_us: bool,
        learned: Learned | None,
        *,
        follows: bool = False,
    ) -> Verdict:
        model = self._model_for(heard)
        lines = self._lines(model, heard, learned)
        needs, star_reason = by_stars(sigmoid(taught), post.rating, heard, lines)
        unhappy = -1.0 if odds.unhappy is None else sigmoid(odds.unhappy)
        if heard.critical:
            heard = replace(heard, critical=believed(heard.critical, needs, unhappy))
        ours = answers_us or post.rating is not None
        lane = lane_of(needs, lines, heard, ours=ours, ruled=model is None, stars=bool(star_reason))
        if lane == "sweep" and not ours and is_beneath_the_list(sigmoid(odds.needs), heard):
            lane = "none"
        if lane == "none" and follows and asks_on(heard):
            lane = "sweep"
        praise = lane == "none" and is_praise(post, heard)
        if praise:
            lane = "sweep"  # worth a thank-you, when there is time
        if praise:
            need = 0.0
        elif lane == "none":
            need = -1.0  # nobody asks of what is left alone
        else:
            need = need_of(needs, heard, answers_us=answers_us, stars=bool(star_reason))
        feeling = heard.sentiment if unhappy < 0 else mood_of(heard.sentiment, unhappy, wrong=tells_of_trouble(heard))
        found = Verdict(
            sentiment=feeling.score,
            label=feeling.label,
            unhappy=round(unhappy, 4),
            needs_answer=round(needs, 4),
            lane=lane,
            reasons=PRAISE
            if praise
            else reasons_of(
                heard, lane, star_reason, negative=feeling.label == "negative", answers_us=answers_us, follows=follows
            ),
            scorer=self._scorer_name(model, learned),
            language=heard.language,
            critical=bool(heard.critical) and rings(heard.critical),
            praise=praise,
            churn=_churn(heard),
            tags=tags_of(heard) if lane != "none" and not praise else (),
            words=matched,
            need=need,
        )
        if heard.spam and post.rating is None and not answers_us:  # stored and searchable, never told
            return replace(found, lane="none", praise=False, critical=False, reasons=SPAM, tags=("spam",))
        return found


def _taught_by(heard: Features, odds: _Odds) -> Mapping[str, float]:
    """Return the signals that staff's answers teach by: those of the post, and how unhappy the model finds it.

    Where no model tells, words of feeling and cues are all there is, of the one and of the other.
    """
    return {**heard.values, UNHAPPY: odds.needs if odds.unhappy is None else odds.unhappy}


def _churn(heard: Features) -> tuple[str, ...]:
    """Return the words by which somebody says that they leave, as people read them, each once."""
    return tuple(dict.fromkeys([readable(cue.words, heard) for cue in heard.signals.cues if cue.kind.churn]))


def _stands_below(post: Post, context: tuple[str, ...]) -> bool:
    """Whether a context word stands in what a post answers."""
    return bool(post.parent_text) and names_context(replace(post, text=post.parent_text), context)


def logit(chance: float) -> float:
    """Return the log odds of a chance."""
    return math.log(chance / (1 - chance))


@lru_cache(maxsize=4)
def _read_model(path: Path) -> Model:
    return read(path, ("feeling", "bad_feeling", *signal_names()))
