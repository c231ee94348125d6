"""What is kept cheap among millions: stories by parts of months, what is merged later, the inbox by an index alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.store import finding, pages
from monitor.store.database import stamp
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.store.stories import add_stories, candidate_stories
from tests.helpers import ANGRY, DAY, HOUR, NOW, assembly_of, post, settings_from, take

Base = Sqlite | Postgresql


def _story(name: str, band: int, moment: datetime) -> dict[str, object]:
    return {
        "id": name, "brand": "Acme", "source": "forum", "thread": name, "opened_at": stamp(moment),
        "last_at": stamp(moment), "fingerprint": band, "band0": band, "band1": -2, "band2": -3, "band3": -4,
    }  # fmt: skip


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 1, 1, 0, 30, tzinfo=UTC), datetime(2026, 3, 9, 23, 0, tzinfo=UTC),
        datetime(2026, 3, 10, 1, 0, tzinfo=UTC), datetime(2024, 2, 29, 12, 0, tzinfo=UTC), NOW,
        datetime(2026, 3, 20, 2, 0, tzinfo=UTC).astimezone(),
    ],
)  # fmt: skip
@pytest.mark.parametrize("within", [HOUR, DAY, 45 * DAY])
def test_alike_stories_are_found_over_the_edges_of_months(database: Base, moment: datetime, within: timedelta) -> None:
    steps = [step * within / 2 for step in range(-4, 5)]
    with database.transaction():
        add_stories(database, [_story(f"s{n}", 7, moment + step) for n, step in enumerate(steps)])
        add_stories(database, [_story(f"other{n}", 70, moment + step) for n, step in enumerate(steps)])
    found = candidate_stories(database, [], [((7, 1, 1, 1), moment), ((), moment)], within)
    assert [row["id"] for row in found] == [f"s{n}" for n, step in enumerate(steps) if abs(step) <= within]
    assert candidate_stories(database, ["s0"], [((), moment)], 3 * within)[0]["id"] == "s0"
    assert candidate_stories(database, ["s0"], [], within) == []


def _parts_of_the_search(database: Sqlite) -> int:
    row = database.row("SELECT count(DISTINCT id >> 37) AS n FROM posts_fts_data WHERE id > 10")  # as FTS5 numbers them
    assert row is not None
    return int(row["n"])


def test_parts_of_the_search_are_merged_later_and_find_the_same(sqlite: Sqlite, tmp_path: Path) -> None:
    """Whoever stores leaves parts of their own; they are put together by what comes round every few seconds."""
    assembly = assembly_of(sqlite, settings_from(tmp_path))
    for page in range(20):
        take(assembly, *(post(f"Acme kettle{page} steams", native_id=f"{page}.{n}") for n in range(3)))
    assert _parts_of_the_search(sqlite) == 40, "two statements insert three posts"
    wanted = [finding.Filter(search=f"kettle{page}") for page in (0, 17, 19)]
    before = [[each.id for each in finding.find(sqlite, each)] for each in wanted]
    assert [len(each) for each in before] == [3, 3, 3]
    assert not sqlite.tidy(0), "no time at all is too little"
    assert sqlite.tidy(60)
    assert _parts_of_the_search(sqlite) < 16
    assert [[each.id for each in finding.find(sqlite, each)] for each in wanted] == before
    assert sqlite.tidy(0), "and nothing is left to do"
    assert sqlite.is_sound(every_page=True) == ""


def test_the_inbox_counts_and_chooses_without_reading_cases(sqlite: Sqlite, tmp_path: Path) -> None:
    """Of many thousand open cases only those are read that are shown."""
    assembly = assembly_of(sqlite, settings_from(tmp_path))
    assert take(assembly, *(post(ANGRY, author=f"a{n}") for n in range(5)))
    asked: list[str] = []
    sqlite._connection().set_trace_callback(asked.append)
    everything = pages.Inbox()
    assert pages.counts(sqlite, everything, NOW)["waiting"] == 5
    assert pages.views(sqlite, everything, ["page:ana"], NOW)["unassigned"] == 5
    assert len(pages.inbox(sqlite, "waiting", everything, NOW, 3)) == 3
    pages.languages(sqlite), pages.own_tags(sqlite), pages.unread_languages(sqlite, everything, NOW)
    sqlite._connection().set_trace_callback(None)
    assert len(asked) == 7
    for statement in asked:
        plan = [row["detail"] for row in sqlite.rows(f"EXPLAIN QUERY PLAN {statement}")]
        assert any("COVERING INDEX" in line for line in plan), (statement, plan)
