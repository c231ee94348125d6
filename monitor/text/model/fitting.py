"""From answers to weights: what each answer counts for, a fit from where the shipped judge stands, whether to hear it.

Answers held aside decide: what was learned must lose less than the judge that it replaces, or it stays off.
"""

from __future__ import annotations

import hashlib
import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import accumulate
from operator import mul

from monitor.text.model.calibration import calibrated, sigmoid
from monitor.text.model.evaluation import roc_area
from monitor.text.model.trained import MOOD, MOOD_SHARE, Figures, Learned, Lesson, features

FOLDS = 5
_STEPS = 30_000  # lessons read in one fit, all rounds together: bounds the time (about a second)
_RATE = 0.25
_PENALTY = 0.02
_VECTOR_RATE, _VECTOR_PENALTY = 4.0, 0.0005  # an encoder's figures move together, by one step
_MOST_WORDS = 20_000
_SPREE = 50  # answers of one person on one day that count in full; further ones count ever less
_LARGEST_SHARE = 0.6  # of the weight of all answers, when several people answer


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
    ping_at: float = 0.0
    sweep_at: float = 0.0


def cases_of(lessons: Sequence[Lesson]) -> list[Case]:
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
        words = features(first.tokens, first.signals)
        cases.append(Case(key, words, odds, target, weight, last, first.vector, first.ping_at, first.sweep_at))
    cases.sort(key=lambda case: hashlib.sha256(case.key.encode("utf-8", "replace")).digest())
    return cases


def _weights(lessons: Sequence[Lesson]) -> list[float]:
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


def fit(cases: Sequence[Case]) -> Learned:
    """Fit what a brand's answers go by: first the judge's two scores, then by AdaGrad words, signals and figures.

    How much of what needs us and how much of what is negative staff mean is two numbers, and some dozen answers tell
    them; word by word they would be found late. Rare answers of one kind are given more weight.
    """
    yes = sum(case.weight * case.target for case in cases)
    no = sum(case.weight for case in cases) - yes
    lift = {True: 1.0, False: 1.0}
    if yes and no:
        lift[yes < no] = min(4.0, math.sqrt(max(yes, no) / min(yes, no)))
    shares = [case.weight * (lift[True] * case.target + lift[False] * (1 - case.target)) for case in cases]
    slope, mood, bias = calibrated(
        [(case.odds, _mood(case), 1.0) for case in cases], [case.target for case in cases], shares
    )
    weights: dict[str, float] = {}
    squares: dict[str, float] = {}
    bias_squares = 1.0
    learning = [
        (case, share, slope * case.odds + mood * _mood(case), [each for each in case.features if each[0] != MOOD])
        for case, share in zip(cases, shares, strict=True)
    ]
    size = min((len(case.vector) for case in cases), default=0)
    vector, vector_squares = [0.0] * size, 1.0
    rounds = max(1, min(12, _STEPS // max(1, len(cases))))
    for _ in range(rounds):
        for case, share, scored, found in learning:
            total = scored + bias + sum(map(mul, vector, case.vector))
            for name, value in found:
                total += weights.get(name, 0.0) * value
            error = share * (sigmoid(total) - case.target)
            for name, value in found:
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
            bias_squares += error * error
            bias -= 0.3 * error / math.sqrt(bias_squares)
    if len(weights) >= _MOST_WORDS:
        loudest = sorted(weights, key=lambda name: (-abs(weights[name]), name))[: _MOST_WORDS - 1]
        weights = {name: weights[name] for name in sorted(loudest)}
    if mood:
        weights[MOOD] = mood / MOOD_SHARE
    # The lift made one kind of answer look more frequent than it is: taken back here.
    return Learned(weights, slope, bias - math.log(lift[True] / lift[False]), 1.0, vector=tuple(vector))


def _mood(case: Case) -> float:
    """Return how negative the model finds a post, in log odds within limits; 0 where nobody said."""
    return next((value / MOOD_SHARE for name, value in case.features if name == MOOD), 0.0)


def held_aside(cases: list[Case]) -> list[float]:
    """Return for each case the log odds of a fit that never saw it."""
    odds = [0.0] * len(cases)
    for fold in range(FOLDS):
        fitted = fit([case for place, case in enumerate(cases) if place % FOLDS != fold])
        for place in range(fold, len(cases), FOLDS):
            case = cases[place]
            total = fitted.slope * case.odds + fitted.bias + sum(map(mul, fitted.vector, case.vector))
            odds[place] = total + sum(fitted.weights.get(name, 0.0) * value for name, value in case.features)
    return odds


def _loss(case: Case, odds: float) -> float:
    chance = min(1 - 1e-6, max(1e-6, sigmoid(odds)))
    return -(case.target * math.log(chance) + (1 - case.target) * math.log(1 - chance))


def evidence(cases: list[Case], aside: list[float], figures: Figures) -> tuple[bool, Figures]:
    """Say whether what was learned is heard: where it loses less on answers held aside than the judge alone.

    Answers are few and come from posts that were told, where the judge is hard to beat: to ask for more than winning
    there (a whole standard error, say) kept what helped everywhere else switched off.
    """
    alone = [case.odds for case in cases]
    labels = [case.target >= 0.5 for case in cases]
    before, after = (_mean_loss(cases, odds) for odds in (alone, aside))
    area_before, area_after = roc_area(labels, alone), roc_area(labels, aside)
    off = ""
    if after >= before:
        off = "it did no better than the judge alone on answers held aside"
    elif area_after < area_before - 0.02:
        off = "it put answers held aside into a worse order than the judge alone"
    figures = replace(
        figures,
        loss_before=round(before, 5),
        loss_after=round(after, 5),
        area_before=round(area_before, 4),
        area_after=round(area_after, 4),
        why_off=off,
    )
    return not off, figures


def _mean_loss(cases: Sequence[Case], odds: Sequence[float]) -> float:
    whole = sum(case.weight for case in cases)
    return sum(case.weight * _loss(case, each) for case, each in zip(cases, odds, strict=True)) / whole


def lines_of(cases: Sequence[Case], learned: Sequence[float], stream: Sequence[Stands] = ()) -> tuple[float, float]:
    """Return how far this brand's lines for ping and list move from the shipped ones, in log odds.

    `stream` are posts as they come in, answered or not; without any, the answered ones stand for them. Of the stream as
    many are called for as the shipped lines do, and a little less is listed: in a better order, more of what needs an
    answer is among them. Answers alone can't say where lines belong: they are few, and nearly all about what was shown.
    Where answers held aside show that nothing is lost by it, and the stream is expected to hold no more of it below the
    lines, fewer are called for, and the list is shorter still.
    """
    answered = cases[:_MOST_CASES]
    rows = _weighed(answered, learned)
    stream = stream or rows
    before = _tallies(rows, 0.0, (0.0,), learned=False)[0]
    expected = sum(each.chance for each in stream if max(each.before) >= 0)
    wanted = min(_SURELY * before.shown, sum(row.yes for row in rows))
    for called in _SHARES:
        ping = _line([each.after[0] for each in stream], called * sum(each.before[0] >= 0 for each in stream))
        below = [each.after[1] for each in stream if each.after[0] < ping]
        listed = sum(each.before[0] < 0 <= each.before[1] for each in stream)
        sweeps = [_line(below, share * listed, _LIST_DOWN) for share in _LIST_SHARES]
        for sweep, after in zip(sweeps, _tallies(rows, ping, sweeps, learned=True), strict=True):
            if (
                after.shown >= wanted
                and after.called >= before.called
                and _expected(stream, ping, sweep) >= _KEPT * expected
            ):
                return ping, sweep
    return ping, sweep


def _expected(stream: Sequence[Stands], ping: float, sweep: float) -> float:
    """Return how many posts that need an answer are shown of these, by their chances."""
    return sum(each.chance for each in stream if each.after[0] >= ping or each.after[1] >= sweep)


_FURTHEST = 3.0  # log odds that a line moves at most


def _line(above: Sequence[float], many: float, lowest: float = _FURTHEST) -> float:
    """Return the line above which so many of these stand, half-way to the next one below; within limits."""
    order, count = sorted(above, reverse=True), int(many)
    if not order:
        return 0.0
    if count >= len(order):
        line = min(0.0, order[-1] - _ALONE)
    elif not count:
        line = max(0.0, order[0] + _ALONE)
    else:
        line = (order[count - 1] + order[count]) / 2
    return max(-lowest, min(_FURTHEST, line))


_KEPT = 0.96  # of what the stream is expected to show: chances of nothing add up, too
_SURELY = 1.05  # held aside, this much more must be shown than before: the fit that is used was seen less
_SHARES = tuple(share / 10 for share in range(1, 11))  # of the pings of before
_LIST_SHARES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.93)  # of the list of before: what is learned makes it no longer
_ALONE = 0.1  # log odds between a line and the last post, where none stands beyond it
_LIST_DOWN = 2.5  # log odds that the list's line sinks at most: lower, it lets in what staff pass over
_MOST_CASES = 1_000  # on which lines are tried: they stand in an order that no one chose


@dataclass(frozen=True, slots=True)
class Stands:
    """How far a post stands above the line of a ping and of the list: by the judge alone, and by what was learned.

    `chance` is how likely it needs an answer, by what was learned.
    """

    before: tuple[float, float]
    after: tuple[float, float]
    chance: float


@dataclass(frozen=True, slots=True)
class _Row(Stands):
    """An answered post; `yes` and `no` are for how many posts it stands."""

    yes: float
    no: float


@dataclass(frozen=True, slots=True)
class _Tally:
    """What became of the answered posts that need an answer: how many are shown, how many of these called for."""

    shown: float
    called: float


def _weighed(cases: Sequence[Case], learned: Sequence[float]) -> list[_Row]:
    """Make answers stand for all posts: nearly all are about what was shown, and the few quiet ones for the rest."""
    quiet = [case.odds < min(case.ping_at, case.sweep_at) for case in cases]
    share = max(1.0, (len(cases) - sum(quiet)) / sum(quiet)) if any(quiet) else 1.0
    return [
        _Row(
            (case.odds - case.ping_at, case.odds - case.sweep_at),
            (odds - case.ping_at, odds - case.sweep_at),
            sigmoid(odds),
            case.target * (share if silent else 1.0),
            (1 - case.target) * (share if silent else 1.0),
        )
        for case, odds, silent in zip(cases, learned, quiet, strict=False)
    ]


def _tallies(rows: Sequence[_Row], ping: float, sweeps: Sequence[float], *, learned: bool) -> list[_Tally]:
    """Count for one move of the line of a ping, and many of the list's."""
    called = 0.0
    below: list[tuple[float, float]] = []
    for row in rows:
        above_ping, above_sweep = row.after if learned else row.before
        if above_ping >= ping:
            called += row.yes
        else:
            below.append((above_sweep, row.yes))
    below.sort()
    above = [above_sweep for above_sweep, _ in below]
    left = list(accumulate((yes for _, yes in below), initial=0.0))
    return [_Tally(called + left[-1] - left[bisect_left(above, sweep)], called) for sweep in sweeps]
