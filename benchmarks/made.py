"""Posts that are made up: about 110 characters each, all about the brand, a share of them complaints."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

BRAND = "Harbour Tea"
_THINGS = (
    "the assam", "a tin of earl grey", "their new teapot", "the spring box", "two bags of sencha", "the usual order",
    "the gift card", "a pound of darjeeling", "the travel mug", "the tasting set", "a box of chai", "the loose leaf",
)  # fmt: skip
PLACES = (
    "in Leith", "at the station", "near the bridge", "on Friday", "this morning", "before work", "with a friend",
    "for the office", "after lunch", "in the rain", "on the way home", "for a neighbour", "at the fair", "in Oban",
)  # fmt: skip
# Nearly all are warm, and few of them are praise put to the brand (some 7 in 100, as among real mentions of airlines).
_GOOD = (
    "lovely cup", "great staff", "thank you all", "best in town", "so happy", "really enjoyed it", "a wonderful smell",
    "warm and friendly", "perfect for winter", "good value", "love the tin", "brilliant as always", "delicious",
    "smooth and strong", "pretty ribbon", "fresh scones", "cheerful music", "generous cups", "a fine blend",
    "nice window", "clean tables", "good light", "friendly corner", "nice and quiet", "rich and dark", "good scones",
)  # fmt: skip
BAD = (
    "charged me twice", "nobody answers my mails", "three weeks late", "arrived broken", "I want a refund",
    "terrible service", "they ignore me", "never again", "rude on the phone", "cancelled without a word",
    "still waiting", "lost my parcel", "worst support ever", "so angry",
)  # fmt: skip
_SYLLABLES = ("ka", "lo", "mi", "ter", "van", "su", "pel", "dro", "ni", "quo", "bas", "rem", "ti", "gol", "ha", "wex")


def texts(number: int, *, unhappy: float, seed: int = 7) -> Iterator[tuple[str, bool]]:
    """So many texts, and whether each is a complaint. No two are alike word for word."""
    chance = random.Random(seed)
    for _ in range(number):
        bad = chance.random() < unhappy
        first, second = chance.sample(BAD if bad else _GOOD, 2)
        thing, place, other = chance.choice(_THINGS), chance.choice(PLACES), chance.choice(PLACES)
        words = " ".join("".join(chance.choices(_SYLLABLES, k=chance.randint(2, 4))) for _ in range(3))
        parts = [f"{BRAND} {place}", f"{thing} {other}", f"{first} and {second}"]
        chance.shuffle(parts)
        yield f"{', '.join(parts)}. {words.capitalize()}", bad


def write(file: Path, number: int, now: datetime, *, unhappy: float) -> list[str]:
    """A JSON-lines file of so many posts of the last two hours; their texts."""
    written = []
    with file.open("w", encoding="utf-8") as lines:
        for place, (text, _bad) in enumerate(texts(number, unhappy=unhappy)):
            at = now - timedelta(seconds=7200 * (number - place) / number)
            line = {"id": f"m{place}", "author": f"author{place}", "text": text, "at": at.isoformat()}
            lines.write(json.dumps(line) + "\n")
            written.append(text)
    return written


def hit(number: int, text: str, at: float) -> dict[str, Any]:
    """A comment as Hacker News' search shows it."""
    return {
        "objectID": str(number),
        "created_at_i": int(at),
        "author": f"author{number}",
        "comment_text": text,
        "story_id": number + 50_000_000,
        "parent_id": 78,
    }
