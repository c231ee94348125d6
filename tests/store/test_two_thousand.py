"""Two thousand of everything: whatever asks for a few hundred rows at a time comes to their end, each told once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connectors import Aside
from monitor.cases import list_of_the_day
from monitor.notify import fallback
from monitor.notify.outbox import resend_dead
from monitor.service.watchdog import Audit
from monitor.store import channel_health, deliveries, deliveries_owed, sources
from monitor.wiring import Assembly
from tests.alerting_helpers import Base
from tests.helpers import ASKING, CHURN, HOUR, MINUTE, NOW, Clock, assembly_of, count, post, settings_from, take

MANY = 2000
TWO = '[[channels]]\nname = "care"\nkind = "console"\n[[channels]]\nname = "second"\nkind = "console"\n'


@pytest.fixture
def acme(database: Base, tmp_path: Path) -> Assembly:
    made = assembly_of(
        database,
        settings_from(tmp_path, channels=TWO, notify=("care",), fallback=("second",), operator=("second",)),
    )
    with database.transaction():
        for name in made.rules.sources:
            sources.succeeded(database, name, NOW, new=False)
            sources.set_due(database, name, "posts", NOW + HOUR)
    return made


def clone(database: Base, table: str, change: Callable[[int], dict[str, Any]]) -> None:
    """Two thousand rows like the one that is there."""
    first = database.row(f"SELECT * FROM {table} LIMIT 1")
    assert first is not None
    kept = {key: first[key] for key in first.keys()}  # noqa: SIM118 - a row of SQLite's iterates over its values
    columns = ", ".join(kept)
    names = ", ".join(f":{key}" for key in kept)
    with database.transaction():
        database.run_many(
            f"INSERT INTO {table} ({columns}) VALUES ({names})",
            [{**kept, **change(number)} for number in range(MANY - 1)],
        )


def stories(database: Base, target: str, **more: Any) -> None:
    """Two thousand alerts that one target owes."""
    with database.transaction():
        deliveries.queue(
            database,
            [
                deliveries.new_row(
                    about=f"story:{number}", target=target, now=NOW, due_at=NOW, reason="new", story_id=str(number)
                )
                | more
                for number in range(MANY)
            ],
        )


def test_the_fallback_tells_all_of_them_and_each_once(acme: Assembly) -> None:
    database = acme.database
    stories(database, "care")
    with database.transaction():
        channel_health.failed(database, "care", NOW, "503", "", None, broken=False)
    assert fallback.fall_back(database, acme.rules, NOW + 9 * MINUTE) == 0
    assert fallback.fall_back(database, acme.rules, NOW + 11 * MINUTE) == MANY
    assert fallback.fall_back(database, acme.rules, NOW + 12 * MINUTE) == 0
    assert count(database, "deliveries", "target = 'second' AND about LIKE 'story:%'") == MANY


def test_what_was_refused_for_good_is_told_whole_and_sent_again_whole(acme: Assembly) -> None:
    database = acme.database
    stories(database, "care")
    database.run("UPDATE deliveries SET state = 'dead', error = 'spam'")
    assert fallback.fall_back(database, acme.rules, NOW + MINUTE) == MANY
    assert deliveries_owed.waiting(database)["dead"] == MANY
    assert resend_dead(database, NOW + HOUR) == MANY


def test_a_channel_that_left_the_settings_leaves_nothing_behind(acme: Assembly) -> None:
    stories(acme.database, "fax:1")
    assert fallback.channels_left(acme.database, acme.rules, NOW) == MANY
    assert count(acme.database, "deliveries", "target = 'care'") == MANY
    assert fallback.channels_left(acme.database, acme.rules, NOW) == 0


def test_the_list_of_the_day_names_every_case_once(acme: Assembly) -> None:
    take(acme, post(ASKING))
    clone(acme.database, "cases", lambda n: {"id": str(n + 10), "n": n + 10, "lane": "sweep"})
    acme.database.run("UPDATE cases SET lane = 'sweep'")
    for hour in (15, 16):
        list_of_the_day.queue_lists(acme.database, acme.rules, NOW.replace(hour=hour, minute=1))
    listed = [
        case
        for row in acme.database.rows("SELECT payload FROM deliveries WHERE about LIKE 'list:sweep%'")
        for case in json.loads(row["payload"])["cases"]
    ]
    assert len(listed) == len(set(listed)) == MANY


def test_the_auditor_mends_and_counts_all_of_them_in_one_run(acme: Assembly) -> None:
    database = acme.database
    take(acme, post(CHURN), now=NOW)
    clone(database, "cases", lambda n: {"id": str(n + 10), "n": n + 10, "next_step_at": ""})
    clone(database, "mentions", lambda n: {"id": f"m{n}", "case_id": ""})
    database.run("UPDATE cases SET next_step_at = ''")
    database.run("UPDATE mentions SET case_id = ''")
    database.run("DELETE FROM deliveries")
    auditor = Audit(Clock(NOW + 5 * MINUTE))
    auditor.run(acme)
    assert count(database, "cases", "next_step_at = ''") == 0
    assert f"{MANY} flagged mentions have neither a case nor a reason for not having one" in auditor.findings
    assert auditor.mended >= MANY


def test_of_items_set_aside_the_newest_of_each_source_are_kept(database: Base) -> None:
    with database.transaction():
        for name in ("forum", "chirp"):
            sources.set_aside(database, name, [Aside(b"x", f"odd {number}") for number in range(MANY)], NOW)
    assert sources.aside_counts(database) == {"forum": 1000, "chirp": 1000}
