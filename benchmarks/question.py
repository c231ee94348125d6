"""How well the judge knows the real question: `make quality` prints it for the labelled posts at hand.

Every figure is on posts that the model never saw: tweets about brands (dev and aside halves apart; the lines between
the lanes were chosen on dev), the fifth of the labelled reviews and written texts that is held, the sample day, and
four days of other trades: the dev day and the aside day to develop with, and the fresh and the far day, whose posts
nobody who works on the judge reads; and short posts of thirteen trades, half of the trades to develop with.
"Right" is a post of grade must or look; see `docs/labelling.md`.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import day_run, labelled  # noqa: E402
from connectors import Post  # noqa: E402
from monitor.text.features import BrandProfile  # noqa: E402
from monitor.text.judge import Judge  # noqa: E402
from monitor.text.model.grades import OPEN, Graded, Queue, queue_of, right  # noqa: E402
from monitor.types import Verdict  # noqa: E402

MOMENT = datetime(2026, 11, 3, tzinfo=UTC)
_ANOTHER = ("Trundlewick", "تراندلويك", "ट्रंडलविक")  # no written text speaks of it


def figures(queue: Queue) -> str:
    """Write the figures of graded posts in one line."""
    must = queue.placed["must"]
    parts = (
        f"n={queue.posts:4} area {queue.area:.3f}",
        f"ping {len(queue.pings):3}, right {share(right(queue.pings), len(queue.pings))}",
        f"list {len(queue.listed):3} ({share(len(queue.listed), queue.posts)}), "
        f"right {share(right(queue.listed), len(queue.listed))}, "
        f"its first quarter {share(right(queue.front), len(queue.front))}",
        f"must {must.posts:3}: ping {must.ping}, first {OPEN} {must.open}, further down {must.further}, "
        f"nowhere {must.nowhere}",
    )
    return " | ".join(parts)


def queue_line(queue: Queue) -> str:
    """Write what people find who read one queue, pings first and then the list, in one line."""
    must, shown = queue.placed["must"], queue.shown
    first20, first80, listed = shown[:20], shown[:80], queue.listed
    parts = (
        f"first 20: {share(first20.count('must'), len(first20))} must",
        f"first 80 hold {first80.count('must')} of {must.posts} ({share(first80.count('must'), must.posts)})",
        f"pings hold {share(must.ping, must.posts)}",
        f"ping and list {share(must.posts - must.nowhere, must.posts)}",
        f"list {len(listed)}, no {share(listed.count('no'), len(listed))}",
        f"must in its first {OPEN} {must.open}, further down {must.further}, nowhere {must.nowhere}",
    )
    return " | ".join(parts)


def seen_line(seen: day_run.Seen) -> str:
    """Write what people find at the end of a day, case by case, in one line."""
    called, listed, first80 = seen.called, seen.listed, seen.queue[:80]
    parts = (
        f"{len(called)} called for, right {share(day_run.right(called), len(called))}",
        f"the first 80 hold {day_run.held(first80)} of {seen.musts} ({share(day_run.held(first80), seen.musts)})",
        f"{len(listed)} in the list, right {share(day_run.right(listed), len(listed))}",
    )
    return " | ".join(parts)


def made_day(posts: Sequence[Graded], size: int = 3_000) -> list[Graded]:
    """Make a day of this size of graded posts: all of them as often as they fit whole, then every so many-th."""
    if not posts:
        return []
    rounds, rest = divmod(size, len(posts))
    return [*posts] * rounds + [posts[place * len(posts) // rest] for place in range(rest)]


def share(part: int, whole: int) -> str:
    """Write a share as ".85"; "-" of nothing."""
    return f"{part / whole:.2f}".replace("0.", ".", 1) if whole else "-"


def judged_day(day: labelled.Day = labelled.SAMPLE_DAY) -> list[Graded]:
    """Judge a day as it was written, with its stars and with what answers the brand's own posts."""
    judge = Judge([BrandProfile(brand, words) for brand, words in day.brands.items()])
    labels = day.label_of()
    rows = day.rows()
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
            verdict = judge.verdict(post, day.brand_of(row), answers_us=row.get("parent") in ours)
            found.append((labels[row["id"]][0], verdict))
    return found


def judged_trades(side: str) -> list[Graded]:
    """Judge the posts of thirteen trades, each for its brand: of those to develop with, or of those kept aside."""
    rows = [row for row in labelled.table(labelled.TRADES) if row["side"] == side]
    judge = Judge([BrandProfile(brand, (brand,), ("Globex",)) for brand in sorted({row["brand"] for row in rows})])
    return [(row["grade"], _verdict(judge, row["text"], row["language"], row["brand"])) for row in rows]


def judged_written(texts: Sequence[labelled.Labelled]) -> list[Graded]:
    """Judge written texts, each for the brand that it names, or for one that it does not name."""
    names = [labelled.brand_of(each.text, each.language) or _ANOTHER for each in texts]
    judge = Judge([BrandProfile(each[0], each, labelled.RIVALS) for each in sorted(set(names))])
    return [
        (each.grade, _verdict(judge, each.text, each.language, brand[0]))
        for each, brand in zip(texts, names, strict=True)
    ]


def judged(judge: Judge, texts: Sequence[labelled.Labelled]) -> list[Graded]:
    """Judge labelled texts, with nothing known but the text and its language."""
    return [(each.grade, _verdict(judge, each.text, each.language, "")) for each in texts]


def _verdict(judge: Judge, text: str, language: str, brand: str) -> Verdict:
    return judge.verdict(Post("q", "1", "", "a", text, MOMENT, lang=language), brand)


def half(text: str) -> str:
    """Say to which half a text belongs."""
    return "dev" if hashlib.sha256(text.encode("utf-8", "replace")).digest()[0] & 1 else "aside"


def main() -> None:
    """Print the figures of every labelled set that is at hand."""
    judge = Judge([])
    print("Does this post need an answer from us? Labelled posts that the model never saw.\n")
    days = [(day, judged_day(day)) for day in labelled.DAYS]
    for each_day, graded in days:
        print(f"{each_day.name:18}", figures(queue_of(graded)))
    for side in ("dev", "aside"):
        print(f"{f'trades {side}':18}", figures(queue_of(judged_trades(side))))
    made: list[Graded] = [*days[0][1]]
    for language in sorted({each.language for each in labelled.written()}):
        held = [each for each in labelled.written() if each.held and each.language == language]
        made += (found := judged_written(held))
        print(f"{f'written {language} held':18}", figures(queue_of(found)))
    try:
        measured, drawn = labelled.measured(), labelled.drawn()
    except labelled.DataAbsent as absent:
        print(f"NOT MEASURED on real posts: {absent}")
        print_queues(days, made)
        return
    for dataset in labelled.ONLY_MEASURED:
        for side in ("dev", "aside"):
            some = [each for each in measured if each.dataset == dataset and half(each.text) == side]
            made += (found := judged(judge, some))
            print(f"{f'{dataset} {side}':18}", figures(queue_of(found)))
    reviews = [each for each in drawn if each.held and each.dataset == "google_play"]
    made += (found := judged(judge, reviews))
    print(f"{'reviews held':18}", figures(queue_of(found)))
    print_queues(days, made)


def print_queues(days: Sequence[tuple[labelled.Day, Sequence[Graded]]], made: Sequence[Graded]) -> None:
    """Print what people find who read each day as one queue, and a day of 3,000 made of `made`."""
    print("\nAs one queue, pings first, then the list by how much each post needs us:\n")
    for day, graded in days:
        print(f"{day.name:18}", queue_line(queue_of(graded)))
        print(f"{'':18} as people see it:", seen_line(day_run.seen(day)))
    print(f"{'made day of 3,000':18}", queue_line(queue_of(made_day(made))))
    print("(made of the sample day and every set above that is not a day)\n")


if __name__ == "__main__":
    main()
