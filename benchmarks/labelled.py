"""Texts labelled by hand with the real question: does this post need an answer from the brand it is about?

The guide is `docs/labelling.md`. Texts that were drawn from public data are kept as hash and label only, and joined
here with the data beside the checkout; texts written for this are kept whole. `held` texts are never trained on.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared" / "data"
FOLDER = Path(__file__).resolve().parent / "labels"
DRAWN = FOLDER / "drawn.tsv"  # dataset, hash, grade, kind, held
WRITTEN = FOLDER / "written.tsv"  # language, text, grade, kind, held, mood
BRANDS = FOLDER / "brands.txt"  # whom the English ones among them speak of, a name a line
OTHER_BRANDS = FOLDER / "brands.tsv"  # language, names: whom the others speak of, each with all its spellings
RIVALS = ("Globex", "Globex Mobile", "Globix", "Globitel", "Globalfon", "جلوبتل", "ग्लोबटेल")  # of all of them
MEASURED = FOLDER / "measured.tsv"  # as DRAWN; only ever measured
TRADES = FOLDER / "trades.tsv"  # trade, side, brand, language, grade, kind, text: written for it, only ever measured
SECOND = FOLDER / "second.tsv"  # dataset (or "written"), hash, grade, kind: what a second reader said; may be absent
SECOND_MOODS = FOLDER / "second_moods.tsv"  # hash, mood: the same of how writers feel
DRAWN_COLUMNS = ("dataset", "hash", "grade", "kind", "held")
WRITTEN_COLUMNS = ("language", "text", "grade", "kind", "held", "mood")

GRADES = ("must", "look", "no")
KINDS = (
    "complaint",
    "question",
    "request",
    "churn",
    "safety",
    "personal data",
    "press",
    "legal",
    "praise",
    "none",
)
# How the writer feels; of the English written texts alone.
MOODS = ("negative", "mixed", "unlucky", "neutral", "positive")
# dataset -> its files below the data folder, and the column of the text
PERMITTED = {
    "google_play": ("reviews/google_play/*.csv", "content"),
    "goemotions": ("mentions/goemotions_reddit_train.csv", "text"),
}
ONLY_MEASURED = {
    "airline": ("mentions/airline.csv", "text"),
    "sanders": ("mentions/sanders.csv", "TweetText"),
    "sxsw": ("mentions/sxsw_brands.csv", "tweet_text"),
}
DATASETS = PERMITTED | ONLY_MEASURED
_HINDI = re.compile("[\u0904-\u0939\u0958-\u0961]")


@dataclass(frozen=True, slots=True)
class Labelled:
    """One text with its label. `dataset` is "written" for texts of our own."""

    dataset: str
    language: str
    text: str
    grade: str
    kind: str
    held: bool
    mood: str = ""  # only of what was written in English


@dataclass(frozen=True, slots=True)
class Day:
    """A day of posts about made-up brands, labelled in the order of the day. Only ever measured."""

    name: str
    brands: dict[str, tuple[str, ...]]  # with the words that posts are found by; of several, each post names its own
    posts: Path  # JSON lines, as a replay reads them
    labels: Path  # id, grade, kind of every post but the brand's own
    second: Path | None = None  # the same of a second reading

    def rows(self) -> list[dict[str, Any]]:
        """Read its posts."""
        return [json.loads(line) for line in self.posts.read_text(encoding="utf-8").splitlines()]

    def brand_of(self, row: dict[str, Any]) -> str:
        """Return the brand that a post is about."""
        return str(row["brand"]) if len(self.brands) > 1 else next(iter(self.brands))

    def label_of(self) -> dict[str, tuple[str, str]]:
        """Return grade and kind of every labelled post, by its id."""
        return labels_by_id(self.labels)

    def hashes(self) -> set[str]:
        """Return the hashes of its posts, with their titles and without."""
        return {hash_of(text) for row in self.rows() for text in (row["text"], f"{row.get('title', '')} {row['text']}")}


SAMPLE_DAY = Day(
    "sample day",
    {"Trundlewick": ("Trundlewick", "TrundleCare")},
    ROOT / "connectors" / "samples" / "day.jsonl",
    FOLDER / "sample_day.tsv",
)
# Other trades, each day written by a reader who had not read the judge: two to develop with, and the fresh and the far
# one, which nobody who works on the judge reads.
DEV_DAY, ASIDE_DAY, FRESH_DAY, FAR_DAY, LATE_DAY = (
    Day(
        f"{side} day",
        {brand: (brand,) for brand in brands},
        FOLDER / f"{side}_day.jsonl",
        FOLDER / f"{side}_day.tsv",
        FOLDER / f"{side}_day_second.tsv",
    )
    for side, brands in (
        ("dev", ("Ostrel",)),
        ("aside", ("Pellgate",)),
        ("fresh", ("Fennimore", "Gatehop", "Tuckbowl")),
        ("far", ("Marlune", "Ondrelle", "Solobrook", "Wortling")),
        ("late", ("Kelvanto", "Lumbrix", "Nordvane", "Skarvig")),
    )
)
DAYS = (SAMPLE_DAY, DEV_DAY, ASIDE_DAY, FRESH_DAY, FAR_DAY, LATE_DAY)


class DataAbsent(Exception):
    """The folder with the public data is not beside the checkout; the message says where it was looked for."""


def normalised(text: str) -> str:
    """Return the text as it is hashed: one form of every character, small letters, single spaces."""
    one = text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()
    return " ".join(one.split())


def hash_of(text: str) -> str:
    """Return the name of a text: 16 hex digits."""
    return hashlib.sha256(normalised(text).encode("utf-8", "replace")).hexdigest()[:16]


def is_held(name: str) -> bool:
    """Whether the text of this hash belongs to the fifth that is never trained on."""
    return int(name, 16) % 5 == 0


def language_of(text: str) -> str:
    """Say in which language a drawn text is: its letters tell Hindi from English, and nothing else is drawn."""
    letters = sum(map(str.isalpha, text))
    hindi = len(_HINDI.findall(text))
    return "hi" if hindi > 1 and hindi * 2 >= letters else "en"


def rows_of(dataset: str, data: Path = DATA) -> Iterator[tuple[str, dict[str, str]]]:
    """Give every text of a data set, with its whole row and the name of its file."""
    pattern, column = DATASETS[dataset]
    files = sorted(data.glob(pattern))
    if not files:
        raise DataAbsent(f"{data / pattern} is not there: the texts of {dataset} are not part of this repository")
    for path in files:
        with path.open(encoding="utf-8", errors="replace", newline="") as file:
            for row in csv.DictReader(file):
                if text := (row[column] or "").strip():
                    yield text, {**row, "file": path.stem}


def table(path: Path) -> list[dict[str, str]]:
    """Read a file of labels; its first line names the columns, nothing in it is quoted."""
    first, *lines = path.read_text(encoding="utf-8").splitlines()
    columns = first.split("\t")
    return [dict(zip(columns, line.split("\t"), strict=True)) for line in lines]


def written() -> list[Labelled]:
    """Return the texts written for this, with their labels."""
    return [
        Labelled("written", row["language"], row["text"], row["grade"], row["kind"], row["held"] == "1", row["mood"])
        for row in table(WRITTEN)
    ]


def brands() -> list[str]:
    """Return the made-up companies that written texts speak of."""
    return BRANDS.read_text(encoding="utf-8").splitlines()


def brand_of(text: str, language: str) -> tuple[str, ...]:
    """Return the names of the made-up company that a written text speaks of: of several whom it calls, or the first.

    Empty where it names none.
    """
    found = _names_of(language)
    said = text.casefold()
    for calls in (True, False):
        places = [
            (match.start(), names)
            for names, called, named in found
            if (match := (called if calls else named).search(said)) is not None
        ]
        if places:
            return min(places)[1]
    return ()


@lru_cache(maxsize=16)
def _names_of(language: str) -> list[tuple[tuple[str, ...], re.Pattern[str], re.Pattern[str]]]:
    """Return every company of a language: its names, where it is called, and where it is named."""
    if language == "en":
        every = [(name,) for name in brands()]
    else:
        rows = [row for row in table(OTHER_BRANDS) if row["language"] == language]
        every = [tuple(row["names"].split(", ")) for row in rows]
    out = []
    for names in every:
        spelled = "|".join(re.escape(name.casefold()) for name in names)
        together = "|".join(re.escape(name.casefold().replace(" ", "")) for name in names)
        out.append((names, re.compile(rf"@(?:{together})"), re.compile(rf"(?<![\w@])(?:{spelled})(?!\w)")))
    return out


def drawn(path: Path = DRAWN, data: Path = DATA) -> list[Labelled]:
    """Return the drawn texts with their labels, in the order of the file; `DataAbsent` where the data is not there."""
    labels = table(path)
    texts: dict[tuple[str, str], str] = {}
    for dataset in sorted({row["dataset"] for row in labels}):
        for text, _ in rows_of(dataset, data):
            texts.setdefault((dataset, hash_of(text)), text)
    found = []
    for row in labels:
        known = texts.get((row["dataset"], row["hash"]))
        if known is None:
            raise DataAbsent(f"{row['dataset']} in {data} has no text {row['hash']}: it is another edition of the data")
        found.append(Labelled(row["dataset"], language_of(known), known, row["grade"], row["kind"], row["held"] == "1"))
    return found


def measured(data: Path = DATA) -> list[Labelled]:
    """Return the labelled posts of sets that are never trained on."""
    return drawn(MEASURED, data)


def never_trained() -> frozenset[str]:
    """Return the hashes of all texts that no training may see, whatever else is known of them: held, or measured."""
    held = {row["hash"] for row in table(DRAWN) if row["held"] == "1"}
    held |= {hash_of(row["text"]) for row in table(WRITTEN) if row["held"] == "1"}
    held |= {hash_of(row["text"]) for row in table(TRADES)}
    return frozenset(held.union({row["hash"] for row in table(MEASURED)}, *(day.hashes() for day in DAYS)))


def labels_by_id(path: Path) -> dict[str, tuple[str, str]]:
    """Return grade and kind by the id of a post, in the order of the file."""
    return {row["id"]: (row["grade"], row["kind"]) for row in table(path)}
