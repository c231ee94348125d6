"""How good is the judge? Precision, recall, areas, thresholds: plain Python, quick for a hundred thousand rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from monitor.types import Verdict


@dataclass(frozen=True, slots=True)
class Counts:
    """What was flagged against what should have been. Shares are 0.0 where nothing could be shared out."""

    right: int
    wrong: int
    missed: int
    left: int

    @property
    def flagged(self) -> int:
        """How many were flagged."""
        return self.right + self.wrong

    @property
    def precision(self) -> float:
        """Of those flagged, the share that should have been."""
        return self.right / self.flagged if self.flagged else 0.0

    @property
    def recall(self) -> float:
        """Of those that should have been flagged, the share that was."""
        return self.right / (self.right + self.missed) if self.right + self.missed else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of both."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def count(labels: Sequence[bool], flags: Sequence[bool]) -> Counts:
    """Compare flags with labels, row by row."""
    right = sum(1 for label, flag in zip(labels, flags, strict=True) if label and flag)
    flagged, wanted = sum(map(bool, flags)), sum(map(bool, labels))
    return Counts(right, flagged - right, wanted - right, len(labels) - flagged - wanted + right)


@dataclass(frozen=True, slots=True)
class Point:
    """One place on the curve: flag everything that scores at least `threshold`."""

    threshold: float
    precision: float
    recall: float
    flagged: int


def curve(labels: Sequence[bool], scores: Sequence[float]) -> list[Point]:
    """Return the curve of precision and recall, from the highest threshold down; equal scores stand together."""
    wanted = sum(map(bool, labels))
    points: list[Point] = []
    right = flagged = 0
    for score, rows in groupby(sorted(zip(scores, labels, strict=True), key=lambda row: -row[0]), lambda row: row[0]):
        for _, label in rows:
            flagged += 1
            right += bool(label)
        points.append(Point(score, right / flagged, right / wanted if wanted else 0.0, flagged))
    return points


def roc_area(labels: Sequence[bool], scores: Sequence[float]) -> float:
    """Return the area under the ROC curve: how often a complaint scores above another post (ties count half).

    It is 0.5 when one of the two is missing: nothing can be told then.
    """
    wanted = sum(map(bool, labels))
    others = len(labels) - wanted
    if not wanted or not others:
        return 0.5
    below = 0
    sum_of_wins = 0.0
    for _, rows in groupby(sorted(zip(scores, labels, strict=True), key=lambda row: row[0]), lambda row: row[0]):
        group = [bool(label) for _, label in rows]
        yes = sum(group)
        no = len(group) - yes
        sum_of_wins += yes * (below + no / 2)
        below += no
    return sum_of_wins / (wanted * others)


def average_precision(labels: Sequence[bool], scores: Sequence[float]) -> float:
    """Return the mean precision over the steps in recall (the area under the precision-recall curve, by steps)."""
    area = before = 0.0
    for point in curve(labels, scores):
        area += point.precision * (point.recall - before)
        before = point.recall
    return area


def threshold_for_precision(labels: Sequence[bool], scores: Sequence[float], precision: float) -> Point | None:
    """Return the point of most recall whose precision is at least the wanted one, None when there is none."""
    fit = [point for point in curve(labels, scores) if point.precision >= precision]
    return max(fit, key=lambda point: (point.recall, point.precision), default=None)


def threshold_for_recall(labels: Sequence[bool], scores: Sequence[float], recall: float) -> Point | None:
    """Return the point of most precision whose recall is at least the wanted one, None when there is none."""
    fit = [point for point in curve(labels, scores) if point.recall >= recall]
    return max(fit, key=lambda point: (point.precision, point.recall), default=None)


def scores_of(verdicts: Sequence[Verdict], *, moods: bool = False) -> list[float]:
    """Return how much each post needs an answer, or how unhappy its writer is found, if that is what labels say."""
    return moods_of(verdicts) if moods else [verdict.needs_answer for verdict in verdicts]


def moods_of(verdicts: Sequence[Verdict]) -> list[float]:
    """Return how unhappy each writer is found, or how much the post needs an answer where no model tells the mood."""
    return [verdict.unhappy if verdict.unhappy >= 0 else verdict.needs_answer for verdict in verdicts]


def evaluate(
    texts: Sequence[str], labels: Sequence[bool], verdicts: Sequence[Verdict], *, moods: bool = False
) -> dict[str, Any]:
    """Return the figures of `earful eval` as one JSON-ready object. `labels`: True where an answer was needed.

    `flagged` means the lane "ping": people would be called. `lanes` gives both lanes: "ping" alone and "both"
    together, and the share of all posts that the sweep holds. `worst` are the rows furthest off. Areas and `points`
    are of how much a post needs an answer; with `moods` of how unhappy its writer is, if that is what labels say.
    """
    scores = scores_of(verdicts, moods=moods)
    ping = count(labels, [verdict.lane == "ping" for verdict in verdicts])
    both = count(labels, [verdict.lane != "none" for verdict in verdicts])
    sweep = sum(verdict.lane == "sweep" for verdict in verdicts)
    total = len(labels)
    roc, mean_precision = roc_area(labels, scores), average_precision(labels, scores)
    return {
        "n": total,
        "negatives": sum(map(bool, labels)),
        "flagged": ping.flagged,
        "precision": round(ping.precision, 4),
        "recall": round(ping.recall, 4),
        "f1": round(ping.f1, 4),
        "roc_auc": round(roc, 4),
        "average_precision": round(mean_precision, 4),
        "asked": "negative" if moods else "needs an answer",
        "lanes": {
            "ping": _lane(ping),
            "both": _lane(both),
            "sweep_share": round(sweep / total, 4) if total else 0.0,
        },
        "areas": {"roc": round(roc, 4), "average_precision": round(mean_precision, 4)},
        "points": _points(labels, scores),
        "worst": worst(texts, labels, verdicts),
    }


def _lane(counts: Counts) -> dict[str, Any]:
    return {
        "n": counts.flagged,
        "precision": round(counts.precision, 4),
        "recall": round(counts.recall, 4),
        "f1": round(counts.f1, 4),
    }


def _points(labels: Sequence[bool], scores: Sequence[float]) -> dict[str, Any]:
    points: dict[str, Any] = {}
    for wanted in (0.67, 0.85, 0.95):
        points[f"precision>={wanted}"] = _point(threshold_for_precision(labels, scores, wanted))
    for wanted in (0.4, 0.75, 0.9, 0.97):
        points[f"recall>={wanted}"] = _point(threshold_for_recall(labels, scores, wanted))
    return points


def _point(point: Point | None) -> dict[str, float] | None:
    if point is None:
        return None
    return {
        "threshold": round(point.threshold, 4),
        "precision": round(point.precision, 4),
        "recall": round(point.recall, 4),
    }


def worst(
    texts: Sequence[str], labels: Sequence[bool], verdicts: Sequence[Verdict], most: int = 10
) -> dict[str, list[dict[str, Any]]]:
    """Return the mistakes that were surest of themselves: wrong alarms, and complaints that were left alone."""
    rows = list(zip(texts, labels, verdicts, strict=True))
    alarms = sorted((row for row in rows if not row[1] and row[2].lane == "ping"), key=lambda row: -row[2].needs_answer)
    missed = sorted((row for row in rows if row[1] and row[2].lane != "ping"), key=lambda row: row[2].needs_answer)
    return {"wrong_alarms": [_row(*row) for row in alarms[:most]], "missed": [_row(*row) for row in missed[:most]]}


def _row(text: str, label: bool, verdict: Verdict) -> dict[str, Any]:
    return {
        "text": text[:280],
        "label": bool(label),
        "needs_answer": verdict.needs_answer,
        "lane": verdict.lane,
        "reasons": list(verdict.reasons),
    }


def by_group(labels: Sequence[bool], verdicts: Sequence[Verdict], groups: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the short figures per group (a language, a source), the largest group first."""
    rows: dict[str, list[int]] = {}
    for place, group in enumerate(groups):
        rows.setdefault(group, []).append(place)
    out: dict[str, dict[str, Any]] = {}
    for group, places in sorted(rows.items(), key=lambda row: (-len(row[1]), row[0])):
        some = [labels[place] for place in places]
        theirs = [verdicts[place] for place in places]
        flagged = count(some, [verdict.lane != "none" for verdict in theirs])
        out[group] = {
            "n": len(places),
            "negatives": sum(map(bool, some)),
            "precision": round(flagged.precision, 4),
            "recall": round(flagged.recall, 4),
            "ping": _lane(count(some, [verdict.lane == "ping" for verdict in theirs])),
            "roc_auc": round(roc_area(some, [verdict.needs_answer for verdict in theirs]), 4),
        }
    return out
