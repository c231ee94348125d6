"""What staff teach the judge: an online logistic regression per brand, blended in only as far as it has proved itself.

Every answer is a lesson with its author and time. A learned judge begins exactly where the shipped one stands (its log
odds are a feature of weight one) and moves from there by words, word pairs and signals. Answers held aside decide how
much of it is heard: it must lose less than the judge that it replaces, or it stays off.

`Learned` is a plain value: the store keeps it as JSON with a version, and undo is an older one. It can always be built
again from the lessons, which are the truth.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise
from operator import mul
from typing import Any, Literal

from monitor.model import Mention
from monitor.text.measures import roc_area

Answer = Literal["yes", "not_a_complaint", "not_us", "spam"]

FORMAT = 1
FEWEST = 20  # answers before anything is learned
FEWEST_OF_A_KIND = 5  # of both yes and no
FOLDS = 5
_STEPS = 30_000  # lessons read in one fit, all rounds together: bounds the time (about a second)
_RATE = 0.25
_PENALTY = 0.02
_SIGNAL_SHARE = 0.15  # a signal's step beside a word's
_VECTOR_RATE, _VECTOR_PENALTY = 4.0, 0.0005  # an encoder's figures move together, by one step
_MOST_WORDS = 20_000
_SPREE = 50  # answers of one person on one day that count in full; further ones count ever less
_LARGEST_SHARE = 0.6  # of the weight of all answers, when several people answer
_BLENDS = (0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True)
class Lesson:
    """One answer of staff about one post. `odds` are the log odds of the judge without anything learned.

    `key` names the post: a later answer of the same person about it replaces the earlier one. `vector` is the text as
    the operator's own encoder sees it (length 1), empty where there is none.
    """

    key: str
    tokens: tuple[str, ...]
    signals: Mapping[str, float]
    odds: float
    answer: Answer
    by: str
    at: datetime
    vector: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Figures:
    """What the answers held aside said: mean loss and area of the judge alone (`before`) and with what was learned."""

    answers: int = 0
    yes: int = 0
    people: int = 0
    loss_before: float = 0.0
    loss_after: float = 0.0
    area_before: float = 0.5
    area_after: float = 0.5
    why_off: str = "no answers yet"


@dataclass(frozen=True, slots=True)
class Learned:
    """What one brand's staff have taught. `blend` is how much of it is heard: 0 is off, 1 is all.

    `ping` and `sweep` are this brand's own lines for the lanes, None where the shipped ones stand. `vector` weighs what
    the encoder of that name says of a text; both are empty where it was learned without one.
    """

    weights: Mapping[str, float] = field(default_factory=dict)
    slope: float = 1.0
    bias: float = 0.0
    blend: float = 0.0
    ping: float | None = None
    sweep: float | None = None
    figures: Figures = field(default_factory=Figures)
    vector: tuple[float, ...] = ()
    encoder: str = ""

    def odds(
        self, before: float, tokens: Sequence[str], signals: Mapping[str, float], vector: Sequence[float] = ()
    ) -> float:
        """Return the log odds of the blend; exactly `before` while it is off, or `vector` is not what it learned by."""
        if not self.blend or len(vector) != len(self.vector):
            return before
        return before + self.blend * (self._own(before, tokens, signals, vector) - before)

    def _own(
        self, before: float, tokens: Sequence[str], signals: Mapping[str, float], vector: Sequence[float]
    ) -> float:
        weights = self.weights
        total = self.slope * before + self.bias + float(sum(map(mul, self.vector, vector)))
        for name, value in features(tokens, signals):
            weight = weights.get(name)
            if weight is not None:
                total += weight * value
        return total

    def to_json(self) -> str:
        """Return it as text for the store; the same value gives the same text."""
        figures = {name: getattr(self.figures, name) for name in Figures.__slots__}
        return json.dumps(
            {
                "format": FORMAT,
                "weights": {name: round(weight, 5) for name, weight in self.weights.items()},
                "slope": self.slope,
                "bias": self.bias,
                "blend": self.blend,
                "ping": self.ping,
                "sweep": self.sweep,
                "figures": figures,
                "encoder": self.encoder,
                "vector": [round(weight, 5) for weight in self.vector],
            },
            sort_keys=True,
        )

    @staticmethod
    def from_json(text: str) -> Learned:
        """Read what `to_json` wrote; ValueError when it is damaged or of another format."""
        try:
            read: dict[str, Any] = json.loads(text)
            known = read["format"]
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"what was learned cannot be read ({type(error).__name__}): learn it again") from None
        if known != FORMAT:
            raise ValueError(f"what was learned is of format {known}, wanted {FORMAT}: learn it again")
        try:
            learned = Learned(
                {str(name): float(weight) for name, weight in read["weights"].items()},
                float(read["slope"]),
                float(read["bias"]),
                float(read["blend"]),
                None if read["ping"] is None else float(read["ping"]),
                None if read["sweep"] is None else float(read["sweep"]),
                Figures(**read["figures"]),
                tuple(map(float, read.get("vector", ()))),
                str(read.get("encoder", "")),
            )
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(f"what was learned cannot be read ({type(error).__name__}): learn it again") from None
        numbers = (*learned.weights.values(), *learned.vector, learned.slope, learned.bias, learned.blend)
        if not all(map(math.isfinite, numbers)):
            raise ValueError("what was learned holds a number that is none: learn it again")
        return learned


def features(tokens: Sequence[str], signals: Mapping[str, float]) -> list[tuple[str, float]]:
    """Return the words, word pairs and signals of a post with their sizes; a long post does not count more."""
    names = dict.fromkeys(tokens)
    names.update(dict.fromkeys(f"{before} {word}" for before, word in pairwise(tokens)))
    size = 1.0 / math.sqrt(len(names) or 1)
    found = [(name, size) for name in names]
    found.extend((f"signal:{name}", _SIGNAL_SHARE * min(value, 4.0)) for name, value in signals.items())
    return found


@dataclass(slots=True)
class Case:
    """A post with everybody's answers about it made one: what to learn, and how much it weighs."""

    key: str
    features: list[tuple[str, float]]
    odds: float
    target: float
    weight: float
    last: datetime
    vector: Sequence[float] = ()


def learn(lessons: Iterable[Lesson], encoder: str = "") -> Learned:
    """Build what one brand's staff have taught from all their answers. The order of the lessons does not matter.

    `encoder` names the model that made their vectors.
    """
    kept = newest(lessons)
    cases = cases_of(kept)
    figures = Figures(len(kept), sum(lesson.answer == "yes" for lesson in kept), len({lesson.by for lesson in kept}))
    yes = sum(case.target >= 0.5 for case in cases)
    if len(cases) < FEWEST or min(yes, len(cases) - yes) < FEWEST_OF_A_KIND:
        return Learned(figures=replace(figures, why_off=_too_few(len(cases), yes)))
    aside = held_aside(cases)
    blend, figures = _evidence(cases, aside, figures)
    learned = replace(_fit(cases), blend=blend, figures=figures, encoder=encoder)
    if not blend:
        return learned
    ping, sweep = _lines(cases, [case.odds + blend * (own - case.odds) for case, own in zip(cases, aside, strict=True)])
    return replace(learned, ping=ping, sweep=sweep)


def newest(lessons: Iterable[Lesson]) -> list[Lesson]:
    """Return each person's last answer about each post, in a fixed order."""
    last: dict[tuple[str, str], Lesson] = {}
    for lesson in lessons:
        known = last.get((lesson.key, lesson.by))
        if known is None or (lesson.at, lesson.answer) >= (known.at, known.answer):
            last[(lesson.key, lesson.by)] = lesson
    return sorted(last.values(), key=lambda lesson: (lesson.key, lesson.by))


def _too_few(cases: int, yes: int) -> str:
    if cases < FEWEST:
        return f"{cases} answers so far, {FEWEST} are needed"
    return f"{yes} yes and {cases - yes} no so far, {FEWEST_OF_A_KIND} of both are needed"


def cases_of(lessons: list[Lesson]) -> list[Case]:
    """Return one case a post, in an order that no one chose: contradictions settled, sprees bounded."""
    weights = _weights(lessons)
    by_key: dict[str, list[tuple[Lesson, float]]] = {}
    for lesson, weight in zip(lessons, weights, strict=True):
        by_key.setdefault(lesson.key, []).append((lesson, weight))
    cases = []
    for key, given in by_key.items():
        whole = sum(weight for _, weight in given)
        target = sum(weight for lesson, weight in given if lesson.answer == "yes") / whole
        # People who contradict each other teach less: at one against one, a fifth of one answer.
        weight = min(whole, 2.0) * max(0.2, abs(2 * target - 1))
        first = given[0][0]
        odds = max(-15.0, min(15.0, first.odds))
        last = max(lesson.at for lesson, _ in given)
        cases.append(Case(key, features(first.tokens, first.signals), odds, target, weight, last, first.vector))
    cases.sort(key=lambda case: hashlib.sha256(case.key.encode("utf-8", "replace")).digest())
    return cases


def _weights(lessons: list[Lesson]) -> list[float]:
    """Bound what one person can do: a spree counts ever less, and nobody outweighs the others together by far."""
    days: dict[tuple[str, str], int] = {}
    for lesson in lessons:
        day = (lesson.by, lesson.at.date().isoformat())
        days[day] = days.get(day, 0) + 1
    weights = []
    people: dict[str, float] = {}
    for lesson in lessons:
        said = days[(lesson.by, lesson.at.date().isoformat())]
        weight = 1.0 if said <= _SPREE else _SPREE * (1 + math.log(said / _SPREE)) / said
        weights.append(weight)
        people[lesson.by] = people.get(lesson.by, 0.0) + weight
    whole = sum(people.values())
    if len(people) < 2:
        return weights
    most = {}
    for person, theirs in people.items():
        allowed = max(float(_SPREE), (whole - theirs) * _LARGEST_SHARE / (1 - _LARGEST_SHARE))
        most[person] = min(1.0, allowed / theirs)
    return [weight * most[lesson.by] for lesson, weight in zip(lessons, weights, strict=True)]


def _fit(cases: Sequence[Case]) -> Learned:
    """Fit by AdaGrad from where the shipped judge stands. Rare answers of one kind are given more weight."""
    yes = sum(case.weight * case.target for case in cases)
    no = sum(case.weight for case in cases) - yes
    lift = {True: 1.0, False: 1.0}
    if yes and no:
        lift[yes < no] = min(4.0, math.sqrt(max(yes, no) / min(yes, no)))
    weights: dict[str, float] = {}
    squares: dict[str, float] = {}
    slope, bias, slope_squares, bias_squares = 1.0, 0.0, 1.0, 1.0
    size = min((len(case.vector) for case in cases), default=0)
    vector, vector_squares = [0.0] * size, 1.0
    rounds = max(1, min(12, _STEPS // max(1, len(cases))))
    for _ in range(rounds):
        for case in cases:
            total = slope * case.odds + bias + sum(map(mul, vector, case.vector))
            for name, value in case.features:
                total += weights.get(name, 0.0) * value
            share = case.weight * (lift[True] * case.target + lift[False] * (1 - case.target))
            error = share * (_sigmoid(total) - case.target)
            for name, value in case.features:
                weight = weights.get(name, 0.0)
                push = error * value + _PENALTY * weight
                square = squares.get(name, 0.1) + push * push
                squares[name] = square
                weights[name] = weight - _RATE * push / math.sqrt(square)
            if size:
                vector_squares += error * error
                step = _VECTOR_RATE / math.sqrt(vector_squares)
                kept, moved = 1 - _VECTOR_PENALTY * step, step * error
                vector = [kept * weight - moved * value for weight, value in zip(vector, case.vector, strict=False)]
            push = error * case.odds / 3 + 0.01 * (slope - 1)
            slope_squares += push * push
            slope = max(0.2, min(3.0, slope - 0.1 * push / math.sqrt(slope_squares)))
            bias_squares += error * error
            bias -= 0.3 * error / math.sqrt(bias_squares)
    if len(weights) > _MOST_WORDS:
        loudest = sorted(weights, key=lambda name: (-abs(weights[name]), name))[:_MOST_WORDS]
        weights = {name: weights[name] for name in sorted(loudest)}
    # The lift made one kind of answer look more frequent than it is: taken back here.
    return Learned(weights, slope, bias - math.log(lift[True] / lift[False]), 1.0, vector=tuple(vector))


def _sigmoid(odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, odds))))


def held_aside(cases: list[Case]) -> list[float]:
    """Return for each case the log odds of a fit that never saw it."""
    odds = [0.0] * len(cases)
    for fold in range(FOLDS):
        fitted = _fit([case for place, case in enumerate(cases) if place % FOLDS != fold])
        for place in range(fold, len(cases), FOLDS):
            case = cases[place]
            total = fitted.slope * case.odds + fitted.bias + sum(map(mul, fitted.vector, case.vector))
            odds[place] = total + sum(fitted.weights.get(name, 0.0) * value for name, value in case.features)
    return odds


def _loss(case: Case, odds: float) -> float:
    chance = min(1 - 1e-6, max(1e-6, _sigmoid(odds)))
    return -(case.target * math.log(chance) + (1 - case.target) * math.log(1 - chance))


def _evidence(cases: list[Case], aside: list[float], figures: Figures) -> tuple[float, Figures]:
    """Choose how much to hear: the blend of least loss on answers held aside, if that beats the judge; else none.

    Answers are few and come from posts that were told, where the judge is hard to beat: to ask for more than winning
    there (a whole standard error, say) kept what helped everywhere else switched off.
    """
    whole = sum(case.weight for case in cases)
    labels = [case.target >= 0.5 for case in cases]
    before = _mean(cases, [_loss(case, case.odds) for case in cases], whole)
    best, least, after = 0.0, before, [case.odds for case in cases]
    for blend in _BLENDS:
        blended = [case.odds + blend * (own - case.odds) for case, own in zip(cases, aside, strict=True)]
        loss = _mean(cases, [_loss(case, odds) for case, odds in zip(cases, blended, strict=True)], whole)
        if loss < least:
            best, least, after = blend, loss, blended
    area_before, area_after = roc_area(labels, [case.odds for case in cases]), roc_area(labels, after)
    off = ""
    if not best:
        off = "it did no better than the judge alone on answers held aside"
    elif area_after < area_before - 0.02:
        off = "it put answers held aside into a worse order than the judge alone"
    figures = replace(
        figures,
        loss_before=round(before, 5),
        loss_after=round(least, 5),
        area_before=round(area_before, 4),
        area_after=round(area_after, 4),
        why_off=off,
    )
    return (0.0 if off else best), figures


def _mean(cases: Sequence[Case], values: Sequence[float], whole: float) -> float:
    return sum(case.weight * value for case, value in zip(cases, values, strict=True)) / whole


def _lines(cases: list[Case], blended: list[float]) -> tuple[float | None, float | None]:
    """Return this brand's lines: a ping is right two times in three, a sweep keeps 29 of 30 that need one."""
    rows = sorted(
        ((_sigmoid(odds), case.target >= 0.5) for case, odds in zip(cases, blended, strict=True)), reverse=True
    )
    yes = sum(label for _, label in rows)
    right = 0
    ping = None
    for place, (chance, label) in enumerate(rows, start=1):
        right += label
        if place >= 8 and right / place >= 0.67:
            ping = chance
    reached = sorted(chance for chance, label in rows if label)
    sweep = reached[len(reached) // 30]
    if ping is not None:
        ping = round(max(0.5, min(0.9, ping)), 4)
    return ping, round(max(0.01, min(0.3, sweep)), 4) if yes >= 10 else None


def update(learned: Learned, lesson: Lesson) -> Learned:
    """Take one more answer in at once: one step, no new evidence. `learn` over all answers comes later, and decides."""
    found = features(lesson.tokens, lesson.signals)
    target = 1.0 if lesson.answer == "yes" else 0.0
    odds = max(-15.0, min(15.0, lesson.odds))
    total = learned.slope * odds + learned.bias
    total += sum(learned.weights.get(name, 0.0) * value for name, value in found)
    total += sum(map(mul, learned.vector, lesson.vector))
    error = _sigmoid(total) - target
    weights = dict(learned.weights)
    for name, value in found:
        weights[name] = weights.get(name, 0.0) - 0.1 * error * value
    vector = learned.vector
    if len(vector) == len(lesson.vector):
        vector = tuple(weight - 0.1 * error * value for weight, value in zip(vector, lesson.vector, strict=True))
    figures = replace(
        learned.figures, answers=learned.figures.answers + 1, yes=learned.figures.yes + (lesson.answer == "yes")
    )
    return replace(learned, weights=weights, bias=learned.bias - 0.02 * error, figures=figures, vector=vector)


def strongest_words(learned: Learned, most: int = 10) -> tuple[list[tuple[str, float]], list[tuple[str, float]]]:
    """Return the words and pairs that speak loudest for needing an answer, and those that speak loudest against."""
    words = [(name, weight) for name, weight in learned.weights.items() if not name.startswith(("signal:", "<"))]
    words.sort(key=lambda word: (-word[1], word[0]))
    return (
        [word for word in words[:most] if word[1] > 0],
        [word for word in reversed(words[-most:]) if word[1] < 0],
    )


def quiet_candidates(mentions: Iterable[Mention], most: int) -> list[Mention]:
    """Return a few quiet mentions to offer for a look: half nearest to the line, half by lot, one an author.

    Answers from alerts alone are a biased sample: what was never told is never corrected. The lot is drawn by the
    mention's id, so that asking twice offers the same ones.
    """
    quiet = [mention for mention in mentions if mention.verdict.lane == "none" and not mention.case_id]
    near = sorted(quiet, key=lambda mention: (-mention.verdict.needs_answer, mention.id))
    lot = sorted(quiet, key=lambda mention: hashlib.sha256(mention.id.encode("utf-8", "replace")).digest())
    chosen: dict[str, Mention] = {}
    authors: set[tuple[str, str]] = set()
    for source, upto in ((near, (most + 1) // 2), (lot, most)):
        for mention in source:
            if len(chosen) >= upto:
                break
            author = (mention.post.source, mention.post.author)
            if mention.id not in chosen and author not in authors:
                chosen[mention.id] = mention
                authors.add(author)
    return list(chosen.values())
