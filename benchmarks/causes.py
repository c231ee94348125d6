"""How well named causes fit real complaints: `make quality` prints it.

The labels are nine reasons that people gave to posts about airlines (`negativereason`; "Can't Tell" is none). Half of
the posts, by the hash of their ids, was looked at while the list of the trade was written; the other half is aside and
only measured. Data that is not beside the checkout is said to be absent.

    python -m benchmarks.causes [file of the labelled posts]
"""

from __future__ import annotations

import csv
import hashlib
import random
import re
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from monitor.text.causes import Answer, Cause, Classifier
from monitor.text.trades import seeds

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "mentions" / "airline.csv"
ANSWERS, SEEDS = 200, (1, 2, 3)
# What the labels call the causes of the trade's list; what they call the same is merged, as staff would.
REASONS = {
    "Delays": "Late Flight",
    "Cancellations": "Cancelled Flight",
    "Lost or late luggage": "Lost Luggage",
    "Damaged luggage": "Damaged Luggage",
    "Booking and changes": "Flight Booking Problems",
    "Comfort on board": "Bad Flight",
    "Staff behaviour": "Flight Attendant Complaints",
    "Queues and boarding": "longlines",
    "Can't reach customer service": "Customer Service Issue",
    "Website or app": "Customer Service Issue",
    "Refunds and charges": "Customer Service Issue",
}
# What somebody writes in five minutes: the first that fits decides.
PLAIN = tuple(
    (reason, re.compile(pattern, re.IGNORECASE))
    for reason, pattern in (
        ("Damaged Luggage", r"damag|broken bag|broke my|ruined"),
        ("Lost Luggage", r"\bbags?\b|luggage|baggage|suitcase"),
        ("Cancelled Flight", r"cancel"),
        ("Late Flight", r"delay|\blate\b|late flight|waiting|runway|tarmac|connection|hours"),
        ("longlines", r"\blines?\b|queue"),
        ("Flight Attendant Complaints", r"rude|attendant|\bcrew\b|staff|agent|stewardess"),
        ("Flight Booking Problems", r"book|reserv|website|\bapp\b|ticket|change my"),
        ("Bad Flight", r"seat|wifi|food|dirty|legroom|entertainment|uncomfortable"),
        ("Customer Service Issue", r"service|on hold|call|phone|help|answer|respon|reply|email|refund"),
    )
)
Row = tuple[str, str]


def read(path: Path) -> tuple[list[Row], list[Row]]:
    """(looked at, aside): texts with their reasons, each text once."""
    halves: tuple[list[Row], list[Row]] = ([], [])
    known: set[str] = set()
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        for row in csv.DictReader(file):
            if row["negativereason"] in REASONS.values() and row["text"] not in known:
                known.add(row["text"])
                aside = int(hashlib.sha256(row["tweet_id"].encode()).hexdigest(), 16) % 2
                halves[aside].append((row["text"], row["negativereason"]))
    return halves


def listed() -> list[Cause]:
    """The trade's list, each cause under the label's name."""
    words: dict[str, list[str]] = {}
    examples: dict[str, list[str]] = {}
    for each in seeds("travel"):
        words.setdefault(REASONS[each.name], []).extend(each.words)
        examples.setdefault(REASONS[each.name], []).extend(each.examples)
    return [Cause(reason, reason, tuple(words[reason]), tuple(examples[reason])) for reason in words]


def figures(found: Sequence[str], wanted: Sequence[str]) -> tuple[float, float]:
    """Accuracy, and the mean F of the reasons; a post of which nothing was found counts as wrong."""
    scores = []
    for reason in sorted(set(wanted)):
        both = sum(a == b == reason for a, b in zip(found, wanted, strict=True))
        scores.append(2 * both / ((found.count(reason) + wanted.count(reason)) or 1))
    right = sum(a == b for a, b in zip(found, wanted, strict=True))
    return right / len(wanted), sum(scores) / len(scores)


def _named(classifier: Classifier, rows: Sequence[Row]) -> list[str]:
    return [(classifier.of(text) or ("",))[0] for text, _ in rows]


def _guessed(classifier: Classifier, rows: Sequence[Row]) -> list[str]:
    return [(classifier.guesses(text) or ("",))[0] for text, _ in rows]


def measure(rows: Sequence[Row]) -> dict[str, tuple[float, float]]:
    """Plain patterns, and the list alone and after 200 corrections drawn from the same rows (mean of three).

    "first offered" is the cause that somebody is offered first to choose, also where too little speaks for it to be
    put on the post; "on the post" is what stands there by itself.
    """
    wanted = [reason for _, reason in rows]
    plain = [next((name for name, pattern in PLAIN if pattern.search(text)), "") for text, _ in rows]
    alone = Classifier(listed())
    found = {
        "plain patterns": figures(plain, wanted),
        "first offered": figures(_guessed(alone, rows), wanted),
        "on the post": figures(_named(alone, rows), wanted),
    }
    taught: dict[str, list[tuple[float, float]]] = {}
    for seed in SEEDS:
        mixed = random.Random(seed).sample(list(rows), len(rows))
        classifier = Classifier(listed(), [Answer(text, (reason,)) for text, reason in mixed[:ANSWERS]])
        rest = mixed[ANSWERS:]
        wanted = [reason for _, reason in rest]
        taught.setdefault("first offered", []).append(figures(_guessed(classifier, rest), wanted))
        taught.setdefault("on the post", []).append(figures(_named(classifier, rest), wanted))
    for what, each in taught.items():
        accuracy, mean = (sum(column) / len(each) for column in zip(*each, strict=True))
        found[f"{what}, {ANSWERS} corrections"] = (accuracy, mean)
    return found


def scale(rows: Sequence[Row]) -> list[tuple[int, float, int]]:
    """(posts, seconds of processor, peak of memory in MB) for finding the causes of 25,000, 50,000 and 100,000."""
    classifier = Classifier(listed(), [Answer(text, (reason,)) for text, reason in rows[:ANSWERS]])
    measured = []
    for count in (25_000, 50_000, 100_000):
        began = time.process_time()
        for number in range(count):
            classifier.of(f"{number} {rows[number % len(rows)][0]}")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        measured.append((count, time.process_time() - began, peak))
    return measured


def main() -> None:
    """Print the figures."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else DATA
    if not path.exists():
        print("causes: NOT MEASURED, the labelled posts are not beside the checkout")
        return
    looked_at, aside = read(path)
    for name, rows in (("looked at", looked_at), ("aside", aside)):
        print(f"causes, posts {name}: {len(rows)} (accuracy, mean F of nine reasons)")
        for what, (accuracy, mean) in measure(rows).items():
            print(f"  {what:32} {accuracy:.3f}  {mean:.3f}")
    for count, seconds, peak in scale(looked_at):
        print(f"  {count:>7,} posts: {seconds:5.1f} s of processor, {seconds / count * 1e6:.0f} us each, {peak} MB")


if __name__ == "__main__":
    sys.exit(main())
