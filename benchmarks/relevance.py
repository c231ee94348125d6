"""What "not us" teaches: how many posts about something else of that name are kept away, and how many of ours lost.

Each brand's first answers teach, its other posts are judged. The labelled data is not part of the repository; without
it this says so and ends well.

    python benchmarks/relevance.py [folder of the data]
"""

from __future__ import annotations

import csv
import random
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from connectors import Post  # noqa: E402
from monitor.text.relevance import learn_relevance, lesson_of, relevance  # noqa: E402

DATA = ROOT.parent / "shared" / "data" / "mentions"
NOW = datetime(2026, 3, 4, 8, 0, tzinfo=UTC)
SEEDS = (1, 2, 3)
# file, column of the brand, of the words, of the label; how many answers a brand gives
SETS = (
    ("sanders.csv", "Topic", "TweetText", "Sentiment", (50, 100, 200, 400)),
    ("brands_32_relevance.csv", "entity", "text", "sentiment", (20, 30)),
)


def read(path: Path, brand: str, text: str, label: str) -> dict[str, list[tuple[str, bool]]]:
    """The posts of each brand, with whether each is about something else."""
    found: dict[str, dict[str, bool]] = {}
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        for row in csv.DictReader(file):
            if (row.get(text) or "").strip():
                found.setdefault(row[brand], {})[row[text]] = row[label].strip().casefold() == "irrelevant"
    return {name: list(rows.items()) for name, rows in found.items()}


def measure(brands: dict[str, list[tuple[str, bool]]], answers: int, seed: int) -> tuple[int, int, int, int]:
    """Kept away and all of the others; lost and all of ours."""
    away = others = lost = ours = 0
    for name, rows in brands.items():
        mixed = random.Random(seed).sample(rows, len(rows))
        posts = [Post("posts", str(n), "", "a", text, NOW) for n, (text, _) in enumerate(mixed)]
        learned = learn_relevance(
            lesson_of(post, (name,), "not_us" if other else "yes", f"p{n % 3}", NOW + timedelta(hours=n))
            for n, (post, (_, other)) in enumerate(zip(posts[:answers], mixed[:answers], strict=True))
        )
        for post, (_, other) in zip(posts[answers:], mixed[answers:], strict=True):
            kept = relevance(post, (name,), learned).kept
            others, ours = others + other, ours + (not other)
            away, lost = away + (other and not kept), lost + (not other and not kept)
    return away, others, lost, ours


def main() -> None:
    """Print one table."""
    data = Path(sys.argv[1]) if len(sys.argv) > 1 else DATA
    print('What "not us" teaches (mean of 3 draws; posts that nobody answered)')
    print(f"{'set':<26}{'answers a brand':>16}{'others kept away':>18}{'of ours lost':>14}")
    for file, brand, text, label, numbers in SETS:
        if not (data / file).is_file():
            print(f"{file}: NOT MEASURED, it is not here")
            continue
        brands = read(data / file, brand, text, label)
        for answers in numbers:
            away, others, lost, ours = (
                sum(each) for each in zip(*(measure(brands, answers, seed) for seed in SEEDS), strict=True)
            )
            print(f"{file:<26}{answers:>16}{away / max(1, others):>17.0%} {lost / max(1, ours):>13.1%}")


if __name__ == "__main__":
    main()
