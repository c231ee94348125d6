"""How well the judge knows the real question: `make quality` prints it for the labelled posts at hand.

Every figure is on posts that the model never saw: tweets about brands (dev and aside halves apart; the lines between
the lanes were chosen on dev), the fifth of the labelled reviews and written texts that is held, and the sample day.
"Right" is a post of grade must or look; see `docs/labelling.md`.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import labelled  # noqa: E402
from connectors import Post  # noqa: E402
from monitor.text.features import BrandProfile  # noqa: E402
from monitor.text.judge import Judge  # noqa: E402
from monitor.text.model.evaluation import roc_area  # noqa: E402
from monitor.types import Verdict  # noqa: E402

MOMENT = datetime(2026, 11, 3, tzinfo=UTC)
SAMPLE = ROOT / "connectors" / "samples" / "day.jsonl"
OPEN = 30  # entries of the list that stand open before "show more"
Graded = tuple[str, Verdict]


@dataclass(frozen=True, slots=True)
class Figures:
    """What became of graded posts. Praise stands in a lane of its own, and counts as not shown."""

    posts: int
    area: float  # must and look against no
    pings: int
    pings_right: int
    listed: int
    listed_right: int
    front: int  # of the list, by how much each needs an answer: the first quarter
    front_right: int
    musts: int
    musts_by_ping: int
    musts_open: int  # among the first 30 of the list
    musts_further: int  # further down in it

    @property
    def musts_nowhere(self) -> int:
        """How many posts that must be answered are shown to nobody."""
        return self.musts - self.musts_by_ping - self.musts_open - self.musts_further

    def __str__(self) -> str:
        parts = (
            f"n={self.posts:4} area {self.area:.3f}",
            f"ping {self.pings:3}, right {share(self.pings_right, self.pings)}",
            f"list {self.listed:3} ({share(self.listed, self.posts)}), right {share(self.listed_right, self.listed)}",
            f"its first quarter {share(self.front_right, self.front)}",
            f"must {self.musts:3}: ping {self.musts_by_ping}, first {OPEN} {self.musts_open}",
            f"further down {self.musts_further}, nowhere {self.musts_nowhere}",
        )
        return " | ".join(parts[:3]) + f", {parts[3]} | {parts[4]}, {parts[5]}"


def share(part: int, whole: int) -> str:
    """Write a share as ".85"; "-" of nothing."""
    return f"{part / whole:.2f}".replace("0.", ".", 1) if whole else "-"


def figures_of(day: Sequence[Graded]) -> Figures:
    """Count what became of graded posts."""
    pings = [grade for grade, verdict in day if verdict.lane == "ping"]
    listed = [each for each in day if each[1].lane == "sweep" and not each[1].praise]
    ordered = [grade for grade, _ in sorted(listed, key=lambda each: -each[1].needs_answer)]
    front = ordered[: (len(ordered) + 3) // 4]
    return Figures(
        posts=len(day),
        area=roc_area([grade != "no" for grade, _ in day], [verdict.needs_answer for _, verdict in day]),
        pings=len(pings),
        pings_right=len(pings) - pings.count("no"),
        listed=len(ordered),
        listed_right=len(ordered) - ordered.count("no"),
        front=len(front),
        front_right=len(front) - front.count("no"),
        musts=sum(grade == "must" for grade, _ in day),
        musts_by_ping=pings.count("must"),
        musts_open=ordered[:OPEN].count("must"),
        musts_further=ordered[OPEN:].count("must"),
    )


def judged_day() -> list[Graded]:
    """Judge the sample day as it is shipped, with its stars and with what answers our own posts."""
    judge = Judge([BrandProfile("Trundlewick", ("Trundlewick", "TrundleCare"))])
    labels = labelled.sample_day()
    rows = [json.loads(line) for line in SAMPLE.read_text(encoding="utf-8").splitlines()]
    ours = {row["id"] for row in rows if row.get("own")}
    found = []
    for row in rows:
        if row["id"] in labels:
            title, stars = row.get("title", ""), row.get("rating")
            post = Post(
                row["source"],
                row["id"],
                "",
                row["author"],
                row["text"],
                MOMENT,
                title=title,
                lang=row.get("lang", ""),
                rating=stars,
            )
            verdict = judge.verdict(post, "Trundlewick", answers_us=row.get("parent") in ours)
            found.append((labels[row["id"]][0], verdict))
    return found


def judged(judge: Judge, texts: Sequence[labelled.Labelled]) -> list[Graded]:
    """Judge labelled texts, with nothing known but the text and its language."""
    return [
        (each.grade, judge.verdict(Post("q", "1", "", "a", each.text, MOMENT, lang=each.language), ""))
        for each in texts
    ]


def half(text: str) -> str:
    """Say to which half a text belongs."""
    return "dev" if hashlib.sha256(text.encode("utf-8", "replace")).digest()[0] & 1 else "aside"


def main() -> None:
    """Print the figures of every labelled set that is at hand."""
    judge = Judge([])
    print("Does this post need an answer from us? Labelled posts that the model never saw.\n")
    print(f"{'sample day':18}", figures_of(judged_day()))
    for language in sorted({each.language for each in labelled.written()}):
        held = [each for each in labelled.written() if each.held and each.language == language]
        print(f"{f'written {language} held':18}", figures_of(judged(judge, held)))
    try:
        measured, drawn = labelled.measured(), labelled.drawn()
    except labelled.DataAbsent as absent:
        print(f"NOT MEASURED on real posts: {absent}")
        return
    for dataset in labelled.ONLY_MEASURED:
        for side in ("dev", "aside"):
            some = [each for each in measured if each.dataset == dataset and half(each.text) == side]
            print(f"{f'{dataset} {side}':18}", figures_of(judged(judge, some)))
    reviews = [each for each in drawn if each.held and each.dataset == "google_play"]
    print(f"{'reviews held':18}", figures_of(judged(judge, reviews)))
    print()


if __name__ == "__main__":
    main()
