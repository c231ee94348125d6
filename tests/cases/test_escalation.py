"""Keeping at it: each step once, claims that run out, pauses that end, the lists of the day, and who is next."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerts import ladder
from monitor.cases import escalation, expiry, growth, handing_over, list_of_the_day
from monitor.cases.actions import say
from monitor.store import cases, deliveries_owed
from monitor.store.database import stamp
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.store.stories import growing_stories
from monitor.wiring import Assembly
from tests.helpers import (
    ANGRY,
    ASKING,
    CHURN,
    DAY,
    HOUR,
    INJURY,
    LATE,
    MINUTE,
    NOW,
    assembly_of,
    case,
    lines,
    messages,
    post,
    settings_from,
    take,
)

Base = Sqlite | Postgresql

PEOPLE = """
[[people]]
name = "ANA"
email = "ana@example.org"

[[people]]
name = "BEN"

[[people]]
name = "CAT"

[[people]]
name = "LEA"
role = "lead"
"""


def house(database: Base, folder: Path, tables: str = PEOPLE, **more: object) -> Assembly:
    return assembly_of(database, settings_from(folder, tables=tables, **more))  # type: ignore[arg-type]


def reminders(database: Base) -> list[tuple[str, int, str, list[str]]]:
    """(minute after NOW, step, reason, people) of every reminder in the outbox."""
    return [
        (f"{(row.due_at - NOW) / MINUTE:g}", row.step, row.reason, row.payload.get("ping", []))
        for row in messages(database)
        if row.about.startswith("case:")
    ]


def walk(acme: Assembly, until: datetime, step: timedelta = MINUTE, start: datetime = NOW) -> None:
    """Escalate every minute."""
    now = start
    while now <= until:
        escalation.escalate(acme.database, acme.rules, now)
        now += step


# -- the chain ------------------------------------------------------------------------------------------------------


def test_an_urgent_case_nobody_takes_is_told_at_each_step_once_and_then_heads_each_opening_brief(
    database: Base, tmp_path: Path
) -> None:
    acme = house(database, tmp_path)
    take(acme, post(CHURN, at=NOW))
    walk(acme, NOW + 5 * HOUR)
    walk(acme, NOW + 5 * HOUR)  # and again: a restart asks the same questions
    assert [(minute, step, reason) for minute, step, reason, _ in reminders(database)] == [
        ("45", 1, "nobody has taken it yet"),
        ("60", 2, "due now, nobody has taken it"),
        ("90", 3, "overdue, nobody has taken it"),
    ]
    opening = datetime(2026, 3, 5, 9, 0, tzinfo=UTC)
    assert case(database, "1").next_step_at == opening
    for day in range(2):
        assert list_of_the_day.queue_lists(database, acme.rules, opening + day * DAY) == 1
    briefs = [row for row in messages(database) if row.about.startswith("list:opening")]
    assert [(row.about, row.payload["cases"]) for row in briefs] == [
        ("list:opening:2026-03-05", ["1"]),
        ("list:opening:2026-03-06", ["1"]),
    ]


def test_the_next_person_is_one_who_was_not_told_of_this_case_before(database: Base, tmp_path: Path) -> None:
    steps = """
[[alerts.escalation.critical]]
after = "5m"
notify = ["next"]
[[alerts.escalation.critical]]
after = "10m"
notify = ["next"]
[[alerts.escalation.critical]]
after = "15m"
notify = ["next", "leads"]
"""
    acme = house(database, tmp_path, tables=steps + PEOPLE)
    take(acme, post(INJURY, at=NOW))
    walk(acme, NOW + 16 * MINUTE)
    assert [people for *_, people in reminders(database) if people] == [["ANA"], ["BEN"], ["CAT", "LEA"]]


def test_people_are_mentioned_by_the_priorities_that_settings_name_and_owners_always(
    database: Base, tmp_path: Path
) -> None:
    """A name in every message soon means nothing; and whoever has a case is asked by name, whatever its priority."""
    acme = house(database, tmp_path, alerts='mention_people = ["critical"]')
    take(acme, post(CHURN, at=NOW), post(INJURY, author="ike", at=NOW, thread_id="other"))
    walk(acme, NOW + 2 * HOUR)
    named = {
        row.priority: row.payload["ping"]
        for row in messages(database)
        if row.about.startswith("case:") and row.step == 2
    }
    assert named == {"urgent": [], "critical": ["LEA"]}
    say(database, acme.rules, "1", "take", who="ANA", way="cli", now=NOW + 2 * HOUR)
    walk(acme, NOW + 4 * HOUR + MINUTE)
    asked = [row.payload["ping"] for row in messages(database) if "not answered yet" in row.reason]
    assert asked[0] == ["ANA"]


def test_when_everybody_was_told_the_channel_hears_it_rather_than_nobody(database: Base, tmp_path: Path) -> None:
    acme = house(database, tmp_path, tables='[[people]]\nname = "ANA"\n')
    rules = acme.rules
    assert [each.name for each in rules.people_called("next", NOW)] == ["ANA"]
    assert [(each.target, each.ping) for each in rules.tell(["next"], ["console"], NOW, {"ANA"})] == [("console", ())]


def test_a_running_chain_survives_a_change_of_settings(database: Base, tmp_path: Path) -> None:
    take(house(database, tmp_path), post(CHURN, at=NOW))
    later = house(database, tmp_path, alerts="escalation = { urgent = [] }")
    walk(later, NOW + 50 * MINUTE)
    assert [step for _, step, _, _ in reminders(database)] == [1]


def test_taking_stops_the_chain_and_the_step_that_waits_in_the_outbox(database: Base, tmp_path: Path) -> None:
    acme = house(database, tmp_path)
    take(acme, post(CHURN, at=NOW))
    walk(acme, NOW + 45 * MINUTE)
    say(database, acme.rules, "1", "take", who="ANA", way="cli", now=NOW + 46 * MINUTE)
    walk(acme, NOW + 2 * HOUR)
    acme.alerting.serve("console", lambda: NOW + 46 * MINUTE)
    assert [(row.step, row.state) for row in messages(database) if row.about == "case:1"] == [(1, "dead")]
    assert deliveries_owed.dead(database) == []


def test_nobody_is_reminded_of_a_case_outside_opening_hours_unless_it_is_critical(
    database: Base, tmp_path: Path
) -> None:
    friday = datetime(2026, 3, 6, 16, 45, tzinfo=UTC)
    acme = house(database, tmp_path)
    take(acme, post(CHURN, at=friday), post(INJURY, author="mira", at=friday), now=friday)
    walk(acme, datetime(2026, 3, 9, 8, 59, tzinfo=UTC), 5 * MINUTE, friday)
    told = {row.about for row in messages(database) if row.step > 0}
    critical = next(row["id"] for row in database.rows("SELECT id FROM cases WHERE priority = 'critical'"))
    assert told == {f"case:{critical}"}
    walk(acme, datetime(2026, 3, 9, 9, 31, tzinfo=UTC), MINUTE, datetime(2026, 3, 9, 9, 0, tzinfo=UTC))
    assert len({row.about for row in messages(database) if row.step > 0}) == 2


@pytest.mark.parametrize(
    ("zone", "evening"),
    [
        ("Europe/Berlin", datetime(2026, 3, 27, 15, 45, tzinfo=UTC)),  # clocks go forward on Sunday
        ("Europe/Berlin", datetime(2026, 10, 23, 14, 45, tzinfo=UTC)),  # and back
        ("America/New_York", datetime(2026, 3, 6, 21, 45, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2026, 4, 3, 5, 45, tzinfo=UTC)),  # half an hour
    ],
)
def test_a_target_across_the_night_when_clocks_change_is_met_in_local_opening_hours(
    database: Base, tmp_path: Path, zone: str, evening: datetime
) -> None:
    """Friday 16:45 and an hour of opening hours is Monday 9:45 on the wall, whatever the night between did."""
    from zoneinfo import ZoneInfo

    settings = settings_from(tmp_path)
    moved = settings.model_copy(update={"earful": settings.earful.model_copy(update={"zone": zone})})
    acme = assembly_of(database, moved)
    (opened,) = take(acme, post(CHURN, at=evening), now=evening)
    due = case(database, opened).due_at
    assert due is not None
    local = due.astimezone(ZoneInfo(zone))
    assert (local.isoweekday(), f"{local:%H:%M}") == (1, "09:45")


def test_a_clock_that_steps_back_an_hour_neither_skips_nor_doubles_a_step(database: Base, tmp_path: Path) -> None:
    acme = house(database, tmp_path)
    take(acme, post(CHURN, at=NOW))
    walk(acme, NOW + 46 * MINUTE)
    walk(acme, NOW + 95 * MINUTE, MINUTE, NOW - 14 * MINUTE)
    assert [step for _, step, _, _ in reminders(database)] == [1, 2, 3]


def test_a_case_that_cannot_be_read_holds_up_no_other(database: Base, tmp_path: Path) -> None:
    acme = house(database, tmp_path)
    take(acme, post(CHURN, at=NOW), post(CHURN, author="mira", at=NOW, thread_id="other"))
    database.run("UPDATE cases SET chain = 'not json', next_step_at = :at WHERE id = '1'", {"at": stamp(NOW)})
    walk(acme, NOW + 46 * MINUTE)
    assert {row.about for row in messages(database) if row.step > 0} == {"case:2"}
    row = cases.row_of(database, "1")
    assert row is not None
    assert row["next_step_at"] > stamp(NOW + 46 * MINUTE)


# -- claims, pauses, people -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("first", "then"), [(LATE, CHURN), (LATE, INJURY), (CHURN, INJURY)])
def test_raising_never_moves_a_due_time_later(database: Base, tmp_path: Path, first: str, then: str) -> None:
    """The same person writes on, worse, three hours later: what was promised at first still holds."""
    acme = house(database, tmp_path)
    take(acme, post(first, at=NOW, thread_id="t"))
    before = case(database, "1")
    later = NOW + 3 * HOUR + 45 * MINUTE
    take(acme, post(then, at=later, thread_id="t"), now=later)
    after = case(database, "1")
    assert after.priority != before.priority
    assert before.due_at is not None
    assert after.due_at is not None
    assert after.due_at <= before.due_at


def test_a_thread_that_grows_never_moves_a_due_time_later(database: Base, tmp_path: Path) -> None:
    acme = house(database, tmp_path)
    take(acme, *(post(f"{LATE} {n} {n * 31}", author=f"c{n}", thread_id="loud") for n in range(8)))
    before = case(database, "1").due_at
    assert before is not None
    later = before - MINUTE
    growth.thread_growth(database, acme.rules, growing_stories(database, NOW - DAY), later)
    found = case(database, "1")
    assert found.priority == "urgent"
    assert found.due_at is not None
    assert found.due_at <= before


def test_a_claim_without_an_answer_is_asked_about_and_then_open_again_every_time(
    database: Base, tmp_path: Path
) -> None:
    acme = house(database, tmp_path)
    take(acme, post(CHURN, at=NOW - HOUR))
    for turn in range(2):
        start = NOW + turn * DAY
        say(database, acme.rules, "1", "take", who="ANA", way="cli", now=start)
        before = len(reminders(database))
        walk(acme, start + 2 * HOUR, 10 * MINUTE, start)
        asked = [(reason, people) for _, _, reason, people in reminders(database)[before:]]
        assert {reason for reason, _ in asked} == {"taken by ANA, but not answered yet"}
        assert ["ANA"] in [people for _, people in asked]
        assert case(database, "1").owner == "ANA"
        walk(acme, start + 4 * HOUR, 10 * MINUTE, start + 2 * HOUR)
        assert case(database, "1").owner == ""
        later = [reason for _, _, reason, _ in reminders(database)[before:]]
        assert later.count("ANA took it but did not answer; open again") == 1
    assert lines(database, "1").count("claim_expired") == 2


def test_a_pause_that_ends_wakes_the_case(database: Base, tmp_path: Path) -> None:
    acme = house(database, tmp_path)
    take(acme, post(CHURN, at=NOW))
    say(database, acme.rules, "1", "snooze", who="ANA", way="cli", now=NOW, detail={"until": NOW + 3 * HOUR})
    walk(acme, NOW + 3 * HOUR - MINUTE, 5 * MINUTE)
    assert reminders(database) == []
    walk(acme, NOW + 3 * HOUR, MINUTE, NOW + 3 * HOUR)
    assert [reason for _, _, reason, _ in reminders(database)] == ["the snooze is over"]
    assert lines(database, "1")[-1] == "wake"


def test_a_case_of_old_posts_that_somebody_took_or_paused_is_not_forgotten(database: Base, tmp_path: Path) -> None:
    """Nobody is called for what was found late: but whoever says that they have it, or will come back to it, is."""
    acme = house(database, tmp_path)
    take(acme, *(post(words, author=words[-5:], at=NOW - 3 * DAY) for words in (CHURN, LATE)))
    walk(acme, NOW + HOUR, 10 * MINUTE)
    assert reminders(database) == [], "nobody is called"
    say(database, acme.rules, "1", "take", who="ANA", way="cli", now=NOW)
    say(database, acme.rules, "2", "snooze", who="ANA", way="cli", now=NOW, detail={"until": NOW + 3 * HOUR})
    walk(acme, NOW + DAY, 10 * MINUTE)
    acme.alerting.serve("console", lambda: NOW + DAY)
    told = [(row.about, row.reason) for row in messages(database) if row.about.startswith("case:")]
    assert told == [
        ("case:1", "taken by ANA, but not answered yet"),
        ("case:2", "the snooze is over"),
        ("case:1", "ANA took it but did not answer; open again"),
    ]
    assert "dead" not in {row.state for row in messages(database) if row.about.startswith("case:")}
    assert [case(database, each).next_step_at for each in ("1", "2")] == [None, None], "and rests as before"


def test_whoever_has_a_case_is_told_when_what_they_waited_for_has_not_come(database: Base, tmp_path: Path) -> None:
    acme = house(database, tmp_path)
    take(acme, post(CHURN, at=NOW))
    say(database, acme.rules, "1", "take", who="ANA", way="cli", now=NOW)
    detail = {"on": "the courier", "until": NOW + 3 * HOUR}
    say(database, acme.rules, "1", "wait", who="ANA", way="cli", now=NOW, detail=detail)
    walk(acme, NOW + 3 * HOUR, 5 * MINUTE)
    woken = [(reason, people) for _, _, reason, people in reminders(database)]
    assert ("the wait is over", ["ANA"]) in woken
    assert {reason for reason, _ in woken} == {"the wait is over"}
    acme.alerting.serve("console", lambda: NOW + 3 * HOUR)
    assert "dead" not in {row.state for row in messages(database) if row.about == "case:1"}
    assert case(database, "1").claim_expires_at == NOW + 5 * HOUR


def test_the_cases_of_somebody_who_left_are_open_again(database: Base, tmp_path: Path) -> None:
    acme = house(database, tmp_path)
    take(acme, post(CHURN, at=NOW))
    say(database, acme.rules, "1", "take", who="ANA", way="cli", now=NOW)
    assert handing_over.people_left(database, acme.rules, NOW) == 0
    without = house(database, tmp_path, tables='[[people]]\nname = "BEN"\n')
    assert handing_over.people_left(database, without.rules, NOW + MINUTE) == 1
    assert handing_over.people_left(database, without.rules, NOW + MINUTE) == 0
    found = case(database, "1")
    assert (found.owner, found.state_at(NOW + MINUTE)) == ("", "open")
    assert found.next_step_at is not None


def test_only_who_is_on_duty_is_called(database: Base, tmp_path: Path) -> None:
    people = '[[people]]\nname = "ANA"\nshifts = [{ days = ["wed"], start = "09:00", end = "12:00" }]\n'
    rules = house(database, tmp_path, tables=people).rules
    on = [hour for hour in range(-24, 48) if rules.people_called("on_duty", NOW + hour * HOUR)]
    assert on == [-1, 0, 1]


# -- lists ----------------------------------------------------------------------------------------------------------


def test_what_only_may_need_an_answer_comes_in_a_list_and_not_in_the_next_once_somebody_looked(
    database: Base, tmp_path: Path
) -> None:
    acme = house(database, tmp_path)
    assert list_of_the_day.queue_lists(database, acme.rules, NOW) == 0  # the morning's list, with nothing in it
    take(acme, *(post(ASKING, author=f"c{n}", thread_id=f"t{n}") for n in range(3)))
    nine, three = NOW + 5 * HOUR, NOW + 23 * HOUR  # 15:00 today, 9:00 tomorrow
    assert list_of_the_day.queue_lists(database, acme.rules, NOW + 4 * HOUR) == 0
    assert list_of_the_day.queue_lists(database, acme.rules, nine) == 1
    assert list_of_the_day.queue_lists(database, acme.rules, nine + MINUTE) == 0
    expiry.looked_at(database, ["1", "2", "3"], nine + HOUR)
    assert list_of_the_day.queue_lists(database, acme.rules, three) == 0
    (row,) = [each for each in messages(database) if each.about.startswith("list:")]
    assert sorted(row.payload["cases"]) == ["1", "2", "3"]


def test_normal_cases_that_still_wait_come_in_one_list_at_four_on_working_days_only(
    database: Base, tmp_path: Path
) -> None:
    acme = house(database, tmp_path)
    take(acme, post(ANGRY, at=NOW), post(LATE, author="mira", at=NOW), now=NOW)
    for hour in range(7 * 24):
        list_of_the_day.queue_lists(database, acme.rules, NOW + hour * HOUR)
    days = [row.about.partition("normal:")[2][:10] for row in messages(database) if "normal:" in row.about]
    assert days == ["2026-03-04", "2026-03-05", "2026-03-06", "2026-03-09", "2026-03-10"]


@pytest.mark.parametrize("verb", ["snooze", "wait"])
def test_what_is_paused_is_in_the_list_of_normal_cases_once_the_pause_is_over(
    database: Base, tmp_path: Path, verb: str
) -> None:
    acme = house(database, tmp_path)
    take(acme, post(ANGRY, at=NOW))
    say(database, acme.rules, "1", verb, who="ANA", way="cli", now=NOW, detail={"until": NOW + 2 * DAY})
    for hour in range(4 * 24):
        list_of_the_day.queue_lists(database, acme.rules, NOW + hour * HOUR)
    days = [row.about.partition("normal:")[2][:10] for row in messages(database) if "normal:" in row.about]
    assert days == ["2026-03-06"]


def test_a_list_missed_by_a_day_is_not_sent_late(database: Base, tmp_path: Path) -> None:
    acme = house(database, tmp_path)
    take(acme, post(ASKING))
    assert list_of_the_day.queue_lists(database, acme.rules, datetime(2026, 3, 5, 4, 0, tzinfo=UTC)) == 0


def test_the_lists_of_the_nights_when_clocks_change_come_once_a_day(database: Base, tmp_path: Path) -> None:
    always = '[desk]\nhours = [{ days = ["fri", "sat", "sun", "mon"], start = "00:00", end = "00:00" }]'
    settings = settings_from(tmp_path, alerts='sweep_at = ["02:30"]', tables=always)
    moved = settings.model_copy(update={"earful": settings.earful.model_copy(update={"zone": "Europe/Berlin"})})
    acme = assembly_of(database, moved)
    for number, night in enumerate((datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 10, 24, tzinfo=UTC))):
        sent = 0
        for half in range(2, 2 * 24 * 2):
            now = night + half * 30 * MINUTE
            take(acme, post(ASKING, author=f"c{number}-{half}", thread_id=f"t{number}-{half}", at=now), now=now)
            sent += list_of_the_day.queue_lists(database, acme.rules, now)
        days = {row.about for row in messages(database) if row.about.startswith("list:sweep")}
        assert sent <= 3
        assert len(days) >= 2 * (number + 1)


# -- a conversation that grows --------------------------------------------------------------------------------------


def test_a_thread_that_doubles_raises_its_open_cases_once_for_each_doubling(database: Base, tmp_path: Path) -> None:
    acme = house(database, tmp_path)
    take(acme, *(post(f"{LATE} {n} {n * 31}", author=f"c{n}", thread_id="loud") for n in range(8)))
    sizes = growing_stories(database, NOW - DAY)
    assert list(sizes.values()) == [8]
    raised = growth.thread_growth(database, acme.rules, sizes, NOW)
    assert raised == 8
    assert growth.thread_growth(database, acme.rules, sizes, NOW) == 0
    assert growing_stories(database, NOW - DAY) == {}
    found = case(database, "1")
    assert found.priority == "urgent"
    assert "8 people write about this" in found.priority_reasons
    assert found.step == 0
    assert found.next_step_at == ladder.next_step_at(found, NOW), "by its new steps, not by the old ones"
    assert found.chain == ladder.chain_text(acme.rules.clock("urgent", NOW).chain)


# -- many -----------------------------------------------------------------------------------------------------------


def test_two_thousand_open_cases_are_moved_on_in_one_round(database: Base, tmp_path: Path) -> None:
    acme = house(database, tmp_path)
    take(acme, post(CHURN, at=NOW))
    row = cases.row_of(database, "1")
    assert row is not None
    plain = {key: row[key] for key in cases.COLUMNS}
    with database.transaction():
        cases.add(database, [{**plain, "id": str(n), "n": n, "author": f"c{n}"} for n in range(2, 2001)])
    assert escalation.escalate(database, acme.rules, NOW + 45 * MINUTE) == 2000
    assert escalation.escalate(database, acme.rules, NOW + 45 * MINUTE) == 0
    assert len([each for each in messages(database) if each.step == 1]) == 2000


def test_no_open_case_is_ever_without_a_next_step(database: Base, tmp_path: Path) -> None:
    """Whatever people say of an urgent case: it is done, or something will remind of it."""
    acme = house(database, tmp_path)
    take(acme, post(CHURN, at=NOW))
    now = NOW
    for verb in ("take", "release", "take", "undo", "snooze", "take", "wait", "assign", "answered", "undo", "note"):
        now += MINUTE
        detail = {"owner": "BEN", "text": "called", "until": now + HOUR}
        say(database, acme.rules, "1", verb, who="ANA", way="cli", now=now, detail=detail)
        found = case(database, "1")
        assert found.next_step_at is not None or found.state_at(now) in {"answered", "closed"}, verb
        assert json.loads(found.chain) != []
