"""Whether leaps of volume are found: on labelled weeks of real mentions, and on quiet weeks that were made up.

`python benchmarks/incidents.py [FOLDER]` reads FOLDER (../shared/data/volume): mentions of five brands per five
minutes, with the windows that people labelled (Numenta Anomaly Benchmark, realTweets). It prints precision, recall and
delay, and NAB's own score, beside a plain three-sigma rule in the same run; then how often quiet weeks are taken for
incidents, and how soon three times as much is seen, in all posts and in the negative ones.

NAB's score, as published (Lavin and Ahmad, "Evaluating Real-time Anomaly Detection Algorithms", ICMLA 2015, section
III; https://arxiv.org/abs/1510.03336; weights of the standard profile in its repository, config/profiles.json): the
first detection in a window counts by how early it is, each outside by how far it is behind a window, a window without
one counts -1; the first 15 % of 5,000 rows are for learning. 0 is a detector that says nothing, 100 a perfect one. What
a detector that says nothing scores on each file is published too (results/null/null_standard_scores.csv), and must come
out here.
"""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from statistics import median

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from monitor.incidents import detection  # noqa: E402
from monitor.incidents.detection import Heard  # noqa: E402

FOLDER = ROOT.parent / "shared" / "data" / "volume"
STEP = timedelta(minutes=5)
A_DAY = 288  # steps
NEGATIVE = 0.2  # of the posts of a quiet week
FALSE_ALARM = 0.11  # what one outside of all windows costs in the standard profile
# file -> (score, rows outside of windows, rows in windows) of the detector that says nothing, as published
PUBLISHED_NULL = {
    "AAPL": (-4.0, 13564, 1588),
    "CRM": (-3.0, 13559, 1593),
    "FB": (-2.0, 13501, 1582),
    "IBM": (-2.0, 13553, 1590),
    "PFE": (-4.0, 13520, 1588),
}


@dataclass(frozen=True, slots=True)
class Series:
    """Mentions per five minutes, and the windows that people labelled: first and last row of each."""

    name: str
    start: datetime
    counts: tuple[int, ...]
    windows: tuple[tuple[int, int], ...]

    @property
    def learning(self) -> int:
        """Rows at the beginning that are not scored."""
        return min(int(0.15 * len(self.counts)), 750)


@dataclass(frozen=True, slots=True)
class Score:
    """What became of one series."""

    raw: float
    found: int
    windows: int
    right: int  # detections inside of windows
    wrong: int
    delays: tuple[int, ...]  # rows from the beginning of each window that was found
    inside: int  # rows in windows that are scored
    outside: int


def read(folder: Path) -> Iterator[Series]:
    """The labelled series of a folder."""
    labelled = json.loads((folder / "anomaly_windows.json").read_text(encoding="utf-8"))
    for name, said in labelled.items():
        with (folder / f"{name}.csv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        place = {row["timestamp"]: index for index, row in enumerate(rows)}
        windows = tuple((place[first[:19]], place[last[:19]]) for first, last in said["windows"])
        start = datetime.fromisoformat(rows[0]["timestamp"]).replace(tzinfo=UTC)
        yield Series(name, start, tuple(int(float(row["value"])) for row in rows), windows)


def scaled(position: float) -> float:
    """What a detection counts at this place: -1 is the beginning of a window, 0 its end, 1 as far behind it again."""
    return -1.0 if position > 3 else 2 / (1 + math.exp(5 * position)) - 1


def score(series: Series, detected: Sequence[int]) -> Score:
    """NAB's score of these detections (rows), unnormalised, and what it is made of."""
    said = sorted(row for row in set(detected) if row >= series.learning)
    raw, right, delays = 0.0, 0, []
    for first, last in series.windows:
        inside = [row for row in said if first <= row <= last]
        right += len(inside)
        if inside:
            delays.append(inside[0] - first)
            raw += scaled(-(last - inside[0] + 1) / (last - first + 1)) / scaled(-1.0)
        else:
            raw -= 1
    wrong = [row for row in said if not any(first <= row <= last for first, last in series.windows)]
    for row in wrong:
        before = [each for each in series.windows if each[1] < row]
        raw += FALSE_ALARM * (scaled((row - before[-1][1]) / (before[-1][1] - before[-1][0])) if before else -1.0)
    scored = range(series.learning, len(series.counts))
    inside_rows = sum(1 for row in scored if any(first <= row <= last for first, last in series.windows))
    return Score(
        raw, len(delays), len(series.windows), right, len(wrong), tuple(delays), inside_rows, len(scored) - inside_rows
    )


def normal(scores: Sequence[Score]) -> float:
    """0 for a detector that says nothing, 100 for one that finds each window at its beginning and nothing else."""
    windows = sum(each.windows for each in scores)
    return 100 * (sum(each.raw for each in scores) + windows) / (2 * windows)


def ours(start: datetime, counts: Sequence[int], begin: int = 0) -> list[int]:
    """The rows at which Earful says that an incident begins, asked after each from row `begin` on."""
    total = [0, *accumulate(counts)]
    by_hour: dict[int, int] = {}
    habit, spread, of_hour = None, None, -1
    opened = last = ended = None
    found = []
    for row, count in enumerate(counts):
        now = start + (row + 1) * STEP
        if row >= begin:
            if of_hour != detection.number_of(now):
                of_hour = detection.number_of(now)
                if spread is None or of_hour % 24 == 0:  # as often as the daemon does
                    spread = detection.spread_of(by_hour, now)
                habit = detection.habit_of(by_hour, start, now, spread=spread)
            spans = tuple(
                Heard(span, said, said)
                for span in detection.WINDOWS
                for said in (total[row + 1] - total[max(row + 1 - int(span / STEP), 0)],)
            )
            state, _ = detection.decide(spans, habit, now, open_since=opened, last_at=last, ended_at=ended)
            if state == "begins":
                found.append(row)
                opened = now
            if state in {"begins", "goes on"}:
                last = now
            if state == "over":
                opened, ended = None, now
        hour = detection.number_of(start + row * STEP)
        by_hour[hour] = by_hour.get(hour, 0) + count
    return found


def three_sigma(_start: datetime, counts: Sequence[int], begin: int = A_DAY) -> list[int]:
    """The rows that are three standard deviations above the mean of the week before."""
    sums, squares = [0, *accumulate(counts)], [0, *accumulate(each * each for each in counts)]
    found = []
    for row in range(max(begin, A_DAY), len(counts)):
        first = max(row - 7 * A_DAY, 0)
        mean = (sums[row] - sums[first]) / (row - first)
        spread = math.sqrt(max((squares[row] - squares[first]) / (row - first) - mean * mean, 0.0))
        if counts[row] > mean + 3 * spread:
            found.append(row)
    return found


def gathered(rows: Sequence[int]) -> list[int]:
    """Of rows that follow each other within two hours the first: as an incident that lasts is told once."""
    return [row for index, row in enumerate(rows) if index == 0 or row - rows[index - 1] > int(detection.QUIET / STEP)]


def quiet(per_hour: float, days: int, seed: int) -> list[int]:
    """Mentions per five minutes in which nothing happens: a day and a week have their shape, people come in groups.

    The rate drifts by itself, about a fifth up and down over hours, and each post brings others now and then.
    """
    chance = np.random.default_rng(seed)
    steps = np.arange(days * A_DAY)
    day = 0.35 + 0.65 * (1 + np.cos((steps / 12 % 24 - 15) / 24 * 2 * np.pi))
    week = np.where(steps // A_DAY % 7 >= 5, 0.6, 1.15)
    drift = np.zeros(days * 24)
    for hour in range(1, len(drift)):
        drift[hour] = 0.8 * drift[hour - 1] + chance.normal(0, 0.12)
    rate = day * week * np.exp(np.repeat(drift, 12))
    first = chance.poisson(rate * per_hour / 12 / rate.mean() * 0.85)
    followed = chance.negative_binomial(np.maximum(first, 1), 0.85) * (first > 0)
    return [int(each) for each in first + followed]


def stepped(per_hour: float, days: int, seed: int, at: int) -> list[int]:
    """The same, with three times as much from row `at` on."""
    more = quiet(2 * per_hour, days, seed + 1000)
    return [count + (more[row] if row >= at else 0) for row, count in enumerate(quiet(per_hour, days, seed))]


def turned(per_hour: float, days: int, seed: int, at: int) -> list[int]:
    """The negative posts of such weeks, one in five; from row `at` on complaints make all three times as much."""
    more = quiet(2 * per_hour, days, seed + 1000)
    return [count + (more[row] if row >= at else 0) for row, count in enumerate(quiet(NEGATIVE * per_hour, days, seed))]


MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
Rule = Callable[..., list[int]]
RULES: dict[str, Rule] = {
    "Earful": ours,
    "three sigma, each row": three_sigma,
    "three sigma, gathered": lambda start, counts, begin=A_DAY: gathered(three_sigma(start, counts, begin)),
}


def _labelled(folder: Path) -> None:
    every = list(read(folder))
    print("Labelled weeks (NAB realTweets): windows found, detections right and wrong, median delay, NAB's score")
    null = [score(each, ()) for each in every]
    same = all(
        (each.raw, each.outside, each.inside) == PUBLISHED_NULL[one.name] for each, one in zip(null, every, strict=True)
    )
    print(f"  {'says nothing':<24}{'as published' if same else 'NOT AS PUBLISHED'}: {normal(null):6.1f}")
    for name, rule in RULES.items():
        scores = [score(each, rule(each.start, each.counts)) for each in every]
        right, wrong = sum(each.right for each in scores), sum(each.wrong for each in scores)
        delays = [delay for each in scores for delay in each.delays]
        print(
            f"  {name:<24}{sum(each.found for each in scores)} of {sum(each.windows for each in scores)} found; "
            f"{right} right, {wrong} wrong (precision {right / max(right + wrong, 1):.2f}); "
            f"{median(delays) / 12:.1f} h after a window begins; score {normal(scores):6.1f}"
        )


def _made(seeds: range = range(4)) -> None:
    print("Made up: incidents in 28 quiet days, by seed; reads of five minutes until three times as much is seen")
    for per_hour in (4, 15, 60, 240, 600):
        for name in ("Earful", "three sigma, gathered"):
            rule, begin = RULES[name], 28 * A_DAY
            false = [len(rule(MONDAY, quiet(per_hour, 56, seed), begin)) for seed in seeds]
            reads = []
            for seed in seeds:
                at = begin + 120 + 16 * seed
                rows = [row for row in rule(MONDAY, stepped(per_hour, 30, 50 + seed, at), begin) if row >= at]
                reads.append(str(rows[0] - at + 1) if rows else "not")
            print(f"  {per_hour:>4} an hour, {name:<24}{false!s:<16}{', '.join(reads)}")


def _negative(seeds: range = range(4)) -> None:
    print("The same, as the negative posts alone show it: one in five, and all that is new")
    begin = 28 * A_DAY
    for per_hour in (4, 15, 60, 240):
        false = [len(ours(MONDAY, quiet(NEGATIVE * per_hour, 56, seed), begin)) for seed in seeds]
        reads = []
        for seed in seeds:
            at = begin + 120 + 16 * seed
            rows = [row for row in ours(MONDAY, turned(per_hour, 30, 50 + seed, at), begin) if row >= at]
            reads.append(str(rows[0] - at + 1) if rows else "not")
        print(f"  {per_hour:>4} an hour, {'Earful':<24}{false!s:<16}{', '.join(reads)}")


def main() -> None:
    """Print all of it."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    if folder.is_dir():
        _labelled(folder)
    else:
        print(f"no labelled weeks in {folder}")
    _made()
    _negative()


if __name__ == "__main__":
    main()
