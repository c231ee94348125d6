"""The calls of the night: what one names, whom it rings, how often, and what ends it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.cases import escalation, list_of_the_day, night_calls
from monitor.cases.actions import say
from monitor.people.actors import NotPossible
from monitor.store import deliveries
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.helpers import CHURN, HOUR, INJURY, MINUTE, assembly_of, case, lines, messages, post, settings_from, take

Base = Sqlite | Postgresql
EVENING = datetime(2026, 3, 4, 21, 0, tzinfo=UTC)
MORNING = datetime(2026, 3, 5, 9, 0, tzinfo=UTC)
CHANNELS = """
[[channels]]
name = "console"
kind = "console"

[[channels]]
name = "phone"
kind = "webhook"
url = { env = "RING_URL" }
secret = { env = "RING" }
wakes = true
"""
BEN = '[[people]]\nname = "BEN"\ntargets = ["phone:ben"]\n'
LEA = '[[people]]\nname = "LEA"\nrole = "lead"\ntargets = ["phone:lea"]\n'
OFF = (
    '[[people]]\nname = "OFF"\ntargets = ["phone:off"]\nshifts = [{ days = ["wed"], start = "09:00", end = "12:00" }]\n'
)


def house(database: Base, folder: Path, people: str = BEN, **more: str) -> Assembly:
    environ = {"RING": "correct-horse-battery-staple", "RING_URL": "http://127.0.0.1:9/ring"}
    return assembly_of(database, settings_from(folder, channels=CHANNELS, tables=people, environ=environ, **more))


def walk(acme: Assembly, start: datetime, until: datetime, step: timedelta = MINUTE) -> None:
    while start <= until:
        escalation.escalate(acme.database, acme.rules, start)
        start += step


def rung(database: Base, target: str = "phone:ben") -> list[tuple[float, list[str]]]:
    """(minute after the evening began, cases named) of every call to a telephone."""
    return [
        ((row.created_at - EVENING) / MINUTE, sorted(row.payload["cases"]))
        for row in messages(database)
        if row.target == target and row.about.startswith("list:night")
    ]


def test_one_person_is_called_four_times_a_night_at_most_and_again_when_it_ends(database: Base, tmp_path: Path) -> None:
    acme = house(database, tmp_path)
    take(acme, post(INJURY, at=EVENING), now=EVENING)
    walk(acme, EVENING, MORNING - MINUTE, MINUTE)
    assert [minute for minute, _ in rung(database)] == [5, 15, 30, 60]
    assert case(database, "1").next_step_at == MORNING
    walk(acme, MORNING, MORNING)
    assert rung(database)[4:] == []
    by_day = [row for row in messages(database) if row.created_at == MORNING]
    assert ("case:1", "phone:ben") in [(row.about, row.target) for row in by_day]


def test_the_measure_is_of_one_person_and_others_are_called_in_turn(database: Base, tmp_path: Path) -> None:
    acme = house(database, tmp_path, BEN + LEA)
    take(acme, post(INJURY, at=EVENING), now=EVENING)
    walk(acme, EVENING, MORNING - MINUTE)
    ben, lea = rung(database, "phone:ben"), rung(database, "phone:lea")
    assert (len(ben), len(lea)) == (4, 4)
    assert [minute for minute, _ in sorted(ben + lea)] == [5, 15, 30, 60, 120, 240, 360, 480]


def test_who_is_off_duty_is_not_woken_while_somebody_else_can_be(database: Base, tmp_path: Path) -> None:
    acme = house(database, tmp_path, OFF + BEN)
    take(acme, post(INJURY, at=EVENING), now=EVENING)
    walk(acme, EVENING, MORNING - MINUTE)
    assert rung(database, "phone:off") == []


def test_whoever_is_left_is_called_where_the_others_were_called_often_enough(database: Base, tmp_path: Path) -> None:
    acme = house(database, tmp_path, BEN + LEA.replace('role = "lead"', ""))
    take(acme, post(INJURY, at=EVENING), now=EVENING)
    walk(acme, EVENING, EVENING + 20 * MINUTE)
    before = len(rung(database, "phone:lea"))
    only_ben = house(database, tmp_path)
    walk(only_ben, EVENING + 21 * MINUTE, EVENING + 5 * HOUR)  # Ben has had his four
    assert len(rung(database)) == 4
    both = house(database, tmp_path, BEN + LEA.replace('role = "lead"', ""))
    late = EVENING + 6 * HOUR
    take(both, post(f"{INJURY} badly", author="mira", thread_id="m", at=late), now=late)
    walk(both, late, late + 5 * MINUTE)
    assert len(rung(database, "phone:lea")) == before + 1


def test_where_nobody_is_on_duty_at_night_and_there_is_no_lead_somebody_is_called_all_the_same(
    database: Base, tmp_path: Path
) -> None:
    acme = house(database, tmp_path, OFF)
    take(acme, post(INJURY, at=EVENING), now=EVENING)
    walk(acme, EVENING, EVENING + 5 * MINUTE)
    assert len(rung(database, "phone:off")) == 1


def test_one_call_names_all_that_is_critical_and_nothing_else(database: Base, tmp_path: Path) -> None:
    acme = house(database, tmp_path)
    take(acme, post(INJURY, at=EVENING), post(CHURN, author="carl", at=EVENING), now=EVENING)
    take(acme, post(f"{INJURY} badly", author="mira", thread_id="m", at=EVENING + MINUTE), now=EVENING + MINUTE)
    critical = sorted(row["id"] for row in database.rows("SELECT id FROM cases WHERE priority = 'critical'"))
    assert len(critical) == 2
    walk(acme, EVENING, EVENING + 5 * HOUR)
    assert {tuple(named) for _, named in rung(database)} == {tuple(critical)}
    assert len(rung(database)) == 4


def test_a_channel_that_wakes_nobody_gets_one_line_a_night_which_names_who_was_called(
    database: Base, tmp_path: Path
) -> None:
    acme = house(database, tmp_path, '[[people]]\nname = "BEN"\n')
    take(acme, post(INJURY, at=EVENING), now=EVENING)
    walk(acme, EVENING, EVENING + 40 * MINUTE)
    rows = [row for row in messages(database) if row.about.startswith("list:night")]
    assert [(row.target, row.payload["footer"]) for row in rows] == [("console", "Alerted at 21:30: BEN.")]
    assert [row.payload["ping"] for row in rows] == [["BEN"]]  # once: an edit makes no sound


def test_it_can_wait_ends_the_night_for_all_that_was_named_and_can_be_taken_back(
    database: Base, tmp_path: Path
) -> None:
    acme = house(database, tmp_path)
    take(acme, post(INJURY, at=EVENING), post(f"{INJURY} badly", author="mira", thread_id="m", at=EVENING), now=EVENING)
    walk(acme, EVENING, EVENING + 6 * MINUTE)
    said = say(database, acme.rules, "1", "morning", who="BEN", way="slack", now=EVENING + 7 * MINUTE)
    assert said.changed
    for number in ("1", "2"):
        assert case(database, number).snoozed_until == MORNING
        assert lines(database, number)[-1] == "morning"
    walk(acme, EVENING + 7 * MINUTE, MORNING - MINUTE, 5 * MINUTE)
    assert len(rung(database)) == 1
    later = house(database, tmp_path)
    take(later, post(f"{INJURY} too", author="zara", thread_id="z", at=EVENING + 8 * MINUTE), now=EVENING + 8 * MINUTE)
    walk(later, EVENING + 8 * MINUTE, EVENING + 14 * MINUTE)
    assert rung(database)[-1][1] == ["3"]  # what is new was never named: it calls
    say(database, acme.rules, "1", "undo", who="BEN", way="slack", now=EVENING + 15 * MINUTE)
    assert case(database, "1").state_at(EVENING + 15 * MINUTE) == "open"


def test_by_day_nothing_can_wait_until_morning(database: Base, tmp_path: Path) -> None:
    acme = house(database, tmp_path)
    take(acme, post(INJURY, at=MORNING), now=MORNING)
    with pytest.raises(NotPossible, match="these are not quiet hours"):
        say(database, acme.rules, "1", "morning", who="BEN", way="slack", now=MORNING)


def test_a_call_that_could_not_be_made_at_night_is_not_made_by_day(database: Base, tmp_path: Path) -> None:
    acme = house(database, tmp_path)
    take(acme, post(INJURY, at=EVENING), now=EVENING)
    walk(acme, EVENING, EVENING + 6 * MINUTE)
    night = night_calls.night_of(acme.rules, EVENING)
    acme.alerting.serve("phone", lambda: MORNING)  # nobody listened there until now
    assert [
        (row.state, deliveries.NOT_NEEDED in row.error)
        for row in deliveries.about(database, night)
        if row.target == "phone:ben"
    ] == [("dead", True)]


def test_a_case_that_cannot_be_read_neither_stops_the_night_nor_is_left_out_of_the_opening(
    database: Base, tmp_path: Path
) -> None:
    acme = house(database, tmp_path)
    take(acme, post(INJURY, at=EVENING), post(f"{INJURY} badly", author="mira", thread_id="m", at=EVENING), now=EVENING)
    with database.transaction():
        database.run("UPDATE cases SET chain = 'not json' WHERE id = '1'")
    walk(acme, EVENING, EVENING + 6 * MINUTE)
    assert len(rung(database)) == 1
    assert list_of_the_day.queue_lists(database, acme.rules, MORNING + HOUR) >= 1
    (brief,) = [row for row in messages(database) if row.about.startswith("list:opening")]
    assert "1" in brief.payload["cases"]
