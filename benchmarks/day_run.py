"""A labelled day as people see it: taken in by the real intake, post by post, with what the brand itself wrote.

A person's posts in one conversation are one case there, and what is said in the same words stands once in the list.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from benchmarks import labelled
from connectors import Post, Request
from connectors.replay import Replay
from connectors.replay import Settings as ReplaySettings
from monitor.notify.said_once import shown_once
from monitor.settings.loading import load
from monitor.store import list_entries
from monitor.store.database import Database
from monitor.text.model.grades import GRADES
from monitor.wiring import Assembly, assemble, open_store

NIGHT = datetime(2026, 11, 3, 23, 30, tzinfo=UTC)
AT_ONCE = 25  # posts of one intake, as a source gives them
SETTINGS = """
[database]
url = "sqlite:day.sqlite"
{brands}
{sources}
[[channels]]
name = "console"
kind = "console"
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """What people find at the end of a day: the grades of the posts of each called case and of each entry of the list.

    Both begin with what needs us most. `musts` is how many posts must be answered, wherever they are.
    """

    called: tuple[tuple[str, ...], ...]
    listed: tuple[tuple[str, ...], ...]
    musts: int

    @property
    def queue(self) -> tuple[tuple[str, ...], ...]:
        """The one queue that they read."""
        return self.called + self.listed


def best(grades: Sequence[str]) -> str:
    """Return what a case is: what the post in it is that needs us most."""
    return min(grades, key=GRADES.index)


def held(queue: Sequence[Sequence[str]]) -> int:
    """Return how many posts that must be answered stand in these cases."""
    return sum(grades.count("must") for grades in queue)


def right(queue: Sequence[Sequence[str]]) -> int:
    """Return in how many of these cases somebody is needed."""
    return sum(best(grades) != "no" for grades in queue)


def seen(day: labelled.Day) -> Seen:
    """Take in a day and return what people find."""
    with tempfile.TemporaryDirectory() as folder:
        networks = sorted({row["source"] for row in day.rows()})
        written = SETTINGS.format(
            brands="".join(_brand(day, name) for name in day.brands),
            sources="".join(f'[[sources]]\nname = "{name}"\nkind = "replay"\n' for name in networks),
        )
        (Path(folder) / "settings.toml").write_text(written, encoding="utf-8")
        settings = load(Path(folder) / "settings.toml", {})
        database = open_store(settings, NIGHT)
        try:
            _take(assemble(settings, database), day)
            return _found(database, day.label_of())
        finally:
            database.close()


def _brand(day: labelled.Day, name: str) -> str:
    accounts: dict[str, set[str]] = {}
    for row in day.rows():
        if row.get("own") and day.brand_of(row) == name:
            accounts.setdefault(row["source"], set()).add(row["author"])
    written = ", ".join(f"{network} = {json.dumps(sorted(names))}" for network, names in accounts.items())
    query = " OR ".join(day.brands[name])
    return f'[[brands]]\nname = "{name}"\nquery = "{query}"\naccounts = {{ {written} }}\n'


def _take(assembly: Assembly, day: labelled.Day) -> None:
    rows = {row["id"]: row for row in day.rows()}
    replay = Replay(ReplaySettings(file=str(day.posts), day_in="at_once"))
    own = tuple({row["author"] for row in rows.values() if row.get("own")})
    posts = [(False, post) for post in _read(replay, None)] + [(True, post) for post in _read(replay, own)]
    posts.sort(key=lambda each: each[1].posted_at)
    for ours, some in groupby(posts, key=lambda each: each[0]):
        written = [post for _, post in some]
        for start in range(0, len(written), AT_ONCE):
            chunk = written[start : start + AT_ONCE]
            if ours:
                with assembly.database.transaction():
                    assembly.collector.answers.take(chunk, chunk[-1].posted_at)
                continue
            for brand, theirs in groupby(chunk, key=lambda post: day.brand_of(rows[post.native_id])):
                about = list(theirs)
                assembly.intake.take(about, about[-1].posted_at, brand=brand)


def _read(replay: Replay, own: tuple[str, ...] | None) -> Iterator[Post]:
    cursor, complete = "", False
    while not complete:
        request = Request("day", (), cursor, NIGHT, NIGHT)
        page = replay.fetch(request) if own is None else replay.fetch_own(own, request)
        yield from page.posts
        cursor, complete = page.cursor, page.complete


def _found(database: Database, labels: Mapping[str, tuple[str, str]]) -> Seen:
    grades: dict[str, list[str]] = {}
    for row in database.rows(
        "SELECT m.case_id, p.native_id FROM mentions m JOIN posts p ON p.id = m.post_id WHERE m.case_id <> ''"
    ):
        if row["native_id"] in labels:
            grades.setdefault(row["case_id"], []).append(labels[row["native_id"]][0])
    called = database.rows("SELECT id FROM cases WHERE lane = 'ping' AND praise = 0 ORDER BY need DESC, n")
    listed = [row for row in list_entries.to_list(database, NIGHT) if not (row["praise"] or row["unread"])]
    listed.sort(key=lambda row: (-row["need"], row["n"]))
    return Seen(
        tuple(tuple(grades[row["id"]]) for row in called if row["id"] in grades),
        tuple(tuple(grades[row["id"]]) for row in shown_once(listed)[0] if row["id"] in grades),
        sum(grade == "must" for grade, _ in labels.values()),
    )
