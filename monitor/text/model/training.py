"""What staff teach the judge: an online logistic regression per brand, heard only where it has proved itself.

Every answer is a lesson with its author and time. A learned judge begins where the shipped one stands. First it learns
how much staff go by what needs an answer and how much by the mood, its two scores (`calibration.py`); then it moves
from there by words, word pairs and signals, and by the figures of an encoder where there is one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from operator import mul

from monitor.text.model.calibration import sigmoid
from monitor.text.model.fitting import Stands, cases_of, evidence, fit, held_aside, lines_of
from monitor.text.model.trained import Figures, Learned, Lesson, features
from monitor.types import Mention

FEWEST = 20  # answers before anything is learned
FEWEST_OF_A_KIND = 5  # of both yes and no


def learn(lessons: Iterable[Lesson], encoder: str = "", stream: Sequence[Lesson] = ()) -> Learned:
    """Build what one brand's staff have taught from all their answers. The order of the lessons does not matter.

    `encoder` names the model that made their vectors; they are heard where answers held aside lose less by it. `stream`
    are the brand's last posts, answered or not (nobody asks what their answer is): by them the lines are drawn.
    """
    kept = newest(lessons)
    found = _learned(kept, encoder, stream)
    if not found.vector:
        return found
    plain = _learned([replace(each, vector=()) for each in kept], "", [replace(each, vector=()) for each in stream])
    return min(found, plain, key=lambda each: (not each.blend, each.figures.loss_after))


def _learned(kept: Sequence[Lesson], encoder: str, stream: Sequence[Lesson]) -> Learned:
    cases = cases_of(kept)
    figures = Figures(len(kept), sum(lesson.answer == "yes" for lesson in kept), len({lesson.by for lesson in kept}))
    yes = sum(case.target >= 0.5 for case in cases)
    if len(cases) < FEWEST or min(yes, len(cases) - yes) < FEWEST_OF_A_KIND:
        return Learned(figures=replace(figures, why_off=_too_few(len(cases), yes)))
    aside = held_aside(cases)
    heard, figures = evidence(cases, aside, figures)
    learned = replace(fit(cases), blend=float(heard), figures=figures, encoder=encoder)
    if not heard:
        return learned
    known = {case.key: odds for case, odds in zip(cases, aside, strict=True)}
    ping, sweep = lines_of(cases, aside, [_stands(each, learned, known) for each in stream])
    return replace(learned, ping_move=ping, sweep_move=sweep)


def _stands(post: Lesson, learned: Learned, known: Mapping[str, float]) -> Stands:
    """Say where a post stands; one that was answered is judged by a fit that never saw its answer."""
    odds = known.get(post.key)
    if odds is None:
        odds = learned.odds(post.odds, post.tokens, post.signals, post.vector)
    lines = (post.ping_at, post.sweep_at)
    before, after = (tuple(value - line for line in lines) for value in (post.odds, odds))
    return Stands((before[0], before[1]), (after[0], after[1]), sigmoid(odds))


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
        return f"{cases} of {FEWEST} answers"
    return f"{yes} yes and {cases - yes} no so far, at least {FEWEST_OF_A_KIND} of each needed"


def update(learned: Learned, lesson: Lesson) -> Learned:
    """Take one more answer in at once: one step, no new evidence. `learn` over all answers comes later, and decides."""
    found = features(lesson.tokens, lesson.signals)
    target = 1.0 if lesson.answer == "yes" else 0.0
    odds = max(-15.0, min(15.0, lesson.odds))
    total = learned.slope * odds + learned.bias
    total += sum(learned.weights.get(name, 0.0) * value for name, value in found)
    total += sum(map(mul, learned.vector, lesson.vector))
    error = sigmoid(total) - target
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
