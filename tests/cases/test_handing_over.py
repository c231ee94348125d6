"""Away and off shift: what somebody has is offered once to whoever is on, stays theirs until taken, calls nobody."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from monitor.cases import escalation, handing_over
from monitor.cases.actions import say
from monitor.people import duty
from monitor.people.actors import NotAllowed, NotPossible
from monitor.people.identity import of_settings
from monitor.store.deliveries import Delivery
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.helpers import (
    AGAIN,
    BROKEN,
    CHURN,
    DAY,
    HOUR,
    LATE,
    MINUTE,
    NOW,
    assembly_of,
    case,
    messages,
    notices,
    post,
    settings_from,
    take,
)

Base = Sqlite | Postgresql
EVERYBODY = """
[[people]]
name = "ANA"
[[people]]
name = "BEN"
[[people]]
name = "LEA"
role = "lead"
shifts = [{ days = ["sun"], start = "01:00", end = "02:00" }]
"""
SHIFTS = """
[[people]]
name = "ANA"
shifts = [{ start = "09:00", end = "13:00" }]
[[people]]
name = "BEN"
shifts = [{ start = "14:00", end = "17:00" }]
"""


def house(database: Base, folder: Path, tables: str = EVERYBODY) -> Assembly:
    return assembly_of(database, settings_from(folder, tables=tables))


def with_two_cases(acme: Assembly) -> None:
    """Ana has two open cases."""
    take(acme, post(CHURN, author="cy"), post(LATE, author="lu", thread_id="other"))
    for number in ("1", "2"):
        say(acme.database, acme.rules, number, "take", who="ANA", way="cli", now=NOW)


def away(acme: Assembly, name: str, until: str = "mon", now: datetime = NOW) -> str:
    with acme.database.transaction():
        return handing_over.go_away(acme.database, acme.rules, of_settings(name), until, way="command line", now=now)


def offers(database: Base) -> list[Delivery]:
    return [row for row in messages(database) if row.about.startswith("list:offer") and row.action == "post"]


def tick(acme: Assembly, now: datetime) -> None:
    escalation.escalate(acme.database, acme.rules, now)
    handing_over.hand_over(acme.database, acme.rules, now)
    handing_over.tell_of_the_week(acme.database, acme.rules, now)


def test_whoever_goes_away_offers_all_they_have_in_one_message_and_keeps_it_until_it_is_taken(
    database: Base, tmp_path: Path
) -> None:
    acme = house(database, tmp_path)
    with_two_cases(acme)
    assert away(acme, "ANA") == "ANA is away until Mon; 2 open cases offered to BEN"
    (offer,) = offers(database)
    assert (offer.payload["cases"], offer.payload["ping"], offer.target) == (["1", "2"], ["BEN"], "console")
    assert case(database, "1").owner == "ANA"
    tick(acme, NOW + MINUTE)
    assert len(offers(database)) == 1
    assert say(database, acme.rules, "1", "take", who="BEN", way="slack", now=NOW + HOUR).changed
    assert (case(database, "1").owner, case(database, "1").offered_at) == ("BEN", None)
    late = say(database, acme.rules, "1", "take", who="LEA", way="slack", now=NOW + HOUR)
    assert (late.changed, case(database, "2").owner) == (False, "ANA")


def test_more_than_one_message_can_name_is_offered_in_several_the_oldest_first(database: Base, tmp_path: Path) -> None:
    acme = house(database, tmp_path)
    many = handing_over.MOST + 2
    take(acme, *(post(CHURN, author=f"cy{n}", thread_id=f"thread {n}") for n in range(many)))
    numbers = [str(n) for n in range(1, many + 1)]
    for number in reversed(numbers):  # the row that was changed last stands last on PostgreSQL
        say(acme.database, acme.rules, number, "take", who="ANA", way="cli", now=NOW)
    assert away(acme, "ANA") == f"ANA is away until Mon; {many} open cases offered to BEN"
    named = sorted((offer.payload["cases"] for offer in offers(database)), key=len, reverse=True)
    assert [len(some) for some in named] == [handing_over.MOST, 2]
    assert [number for some in named for number in some] == numbers
    tick(acme, NOW + MINUTE)
    assert len(offers(database)) == 2


def test_nobody_who_is_away_is_called_and_the_backup_is_somebody_else(database: Base, tmp_path: Path) -> None:
    acme = house(database, tmp_path)
    away(acme, "ANA")
    aware = duty.aware(database, acme.rules, NOW)
    assert [one.name for one in aware.people_called("next", NOW)] == ["BEN"]
    assert aware.people_called("ANA", NOW) == []
    monday = NOW + 5 * DAY
    assert [one.name for one in duty.aware(database, acme.rules, monday).on_duty(monday)] == ["ANA", "BEN"]


def test_what_comes_back_to_somebody_who_is_away_is_offered_as_well(database: Base, tmp_path: Path) -> None:
    """The customer writes again, a pause is over, a rule names them: theirs for days, and nobody could take it."""
    rule = '[[alerts.routes]]\nwords = ["crashes"]\nowner = "ANA"\n'
    acme = house(database, tmp_path, EVERYBODY + rule)
    with_two_cases(acme)
    say(database, acme.rules, "1", "answered", who="ANA", way="cli", now=NOW)
    say(database, acme.rules, "2", "snooze", who="ANA", way="cli", now=NOW, detail={"until": NOW + HOUR})
    away(acme, "ANA")
    tick(acme, NOW + MINUTE)
    assert offers(database) == []
    first = case(database, "1")  # of either of them: they wrote at the same moment
    again = post(AGAIN, author=first.author, thread_id=first.thread, at=NOW + 2 * MINUTE)
    take(acme, again, now=NOW + 2 * MINUTE)
    for minute in (3, 4, 59, 60, 61, 62):
        tick(acme, NOW + minute * MINUTE)
    take(acme, post(BROKEN, author="ed", at=NOW + HOUR), now=NOW + HOUR)
    for minute in (63, 64):
        tick(acme, NOW + minute * MINUTE)
    assert [offer.payload["cases"] for offer in offers(database)] == [["1"], ["2"], ["3"]]
    assert {offer.reason for offer in offers(database)} == {"ANA is away until Mon"}
    assert say(database, acme.rules, "1", "take", who="BEN", way="slack", now=NOW + 2 * HOUR).changed


def test_what_somebody_takes_who_is_away_or_is_given_then_stays_theirs(database: Base, tmp_path: Path) -> None:
    acme = house(database, tmp_path)
    with_two_cases(acme)
    say(database, acme.rules, "2", "release", who="ANA", way="cli", now=NOW)
    away(acme, "ANA")
    say(database, acme.rules, "2", "take", who="ANA", way="cli", now=NOW + MINUTE)
    say(database, acme.rules, "1", "assign", who="LEA", way="cli", now=NOW + MINUTE, detail={"owner": "BEN"})
    say(database, acme.rules, "1", "assign", who="LEA", way="cli", now=NOW + MINUTE, detail={"owner": "ANA"})
    tick(acme, NOW + 2 * MINUTE)
    assert [offer.payload["cases"] for offer in offers(database)] == [["1"]], "before"


def test_one_press_brings_somebody_back_and_ends_their_offers(database: Base, tmp_path: Path) -> None:
    acme = house(database, tmp_path)
    with_two_cases(acme)
    away(acme, "ANA")
    with database.transaction():
        said = handing_over.come_back(database, acme.rules, of_settings("ANA"), way="command line", now=NOW + HOUR)
        again = handing_over.come_back(database, acme.rules, of_settings("ANA"), way="command line", now=NOW + HOUR)
    assert (said, again) == ("ANA is back", "ANA is not away")
    assert [case(database, number).offered_at for number in ("1", "2")] == [None, None]
    assert not say(database, acme.rules, "1", "take", who="BEN", way="slack", now=NOW + HOUR).changed
    assert duty.aware(database, acme.rules, NOW + HOUR).absences == ()


def test_only_a_lead_says_it_of_somebody_else_and_no_time_is_guessed(database: Base, tmp_path: Path) -> None:
    acme = house(database, tmp_path)
    with database.transaction():
        with pytest.raises(NotAllowed, match="BEN is staff; this needs lead to say it of somebody else"):
            handing_over.go_away(
                database, acme.rules, of_settings("BEN"), "mon", way="page", now=NOW, whom=of_settings("ANA")
            )
        with pytest.raises(NotPossible, match="write mon, tomorrow"):
            handing_over.go_away(database, acme.rules, of_settings("ANA"), "soon", way="page", now=NOW)
        said = handing_over.go_away(
            database, acme.rules, of_settings("LEA"), "tomorrow", way="page", now=NOW, whom=of_settings("ANA")
        )
    assert said == "ANA is away until Thu"


def test_what_a_shift_leaves_is_offered_once_when_somebody_comes_on(database: Base, tmp_path: Path) -> None:
    """Ana's shift ends at 13:00 and Ben's begins at 14:00: nobody hears of it in between."""
    acme = house(database, tmp_path, SHIFTS)
    with_two_cases(acme)
    one = NOW.replace(hour=13)
    for minute in range(0, 60, 10):
        tick(acme, one + minute * MINUTE)
    assert offers(database) == []
    for minute in range(0, 90, 10):
        tick(acme, one + HOUR + minute * MINUTE)
    (offer,) = offers(database)
    assert (offer.reason, offer.payload["ping"], sorted(offer.payload["cases"])) == (
        "ANA's shift is over", ["BEN"], ["1", "2"]
    )  # fmt: skip


def test_with_the_only_person_away_clocks_run_and_the_lead_is_told(database: Base, tmp_path: Path) -> None:
    acme = house(database, tmp_path, EVERYBODY.replace('[[people]]\nname = "BEN"\n', ""))
    take(acme, post(CHURN, author="cy", at=NOW))
    due = case(database, "1").due_at
    assert away(acme, "ANA", "tomorrow") == "ANA is away until Thu"
    assert notices(database) == ["Nobody is on duty: Wed 10-17"]
    tick(acme, NOW + HOUR)
    assert case(database, "1").due_at == due == NOW + HOUR
    (called,) = [row for row in messages(database) if row.about == "case:1" and row.payload["ping"]]
    assert called.payload["ping"] == ["LEA"]  # for Ana, the backup
    assert notices(database) == ["Nobody is on duty: Wed 10-17"]


def test_an_hour_that_nobody_covers_every_week_is_told_once(database: Base, tmp_path: Path) -> None:
    acme = house(database, tmp_path, SHIFTS.replace('start = "14:00"', 'days = ["mon", "wed"], start = "13:00"'))
    for day in range(9):
        tick(acme, NOW + day * DAY)
    assert notices(database) == ["Nobody is on duty: Thu 13-17, Fri 13-17, Tue 13-17"]


def test_whoever_is_off_shift_is_asked_about_their_case_without_a_mention(database: Base, tmp_path: Path) -> None:
    acme = house(database, tmp_path, SHIFTS)
    with_two_cases(acme)
    for minute in range(0, 200, 5):
        escalation.escalate(database, acme.rules, NOW + HOUR + minute * MINUTE)
    asked = {row.created_at: row.payload["ping"] for row in messages(database) if "not answered yet" in row.reason}
    assert asked == {NOW + 2 * HOUR: ["ANA"]}
    assert case(database, "1").owner == ""
