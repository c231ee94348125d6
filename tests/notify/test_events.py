"""Programs are told of cases: the real webhook before a loopback receiver that keeps a ledger, on both databases."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.cases.actions import say
from monitor.notify import event_sender
from monitor.notify.event_sender import EventSender
from monitor.store import case_log, events
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.alerting_helpers import Base
from tests.alerts.test_helpdesks import RECIPES
from tests.fakes.helpdesks import KEYS, PATHS, Helpdesks
from tests.fakes.server import FakeServer, Reply
from tests.helpers import (
    ANGRY,
    ASKING,
    BROKEN,
    DAY,
    HOUR,
    INJURY,
    LATE,
    MINUTE,
    NOW,
    Clock,
    assembly_of,
    notices,
    post,
    settings_from,
    take,
)

SECRET = "correct-horse-battery-staple"
PROGRAMS = Path(__file__).parents[2] / "docs" / "programs.md"


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as running:
        running.route("/hook", Reply(status=204))
        yield running


def desk(database: Base, folder: Path, server: FakeServer, **more: Any) -> Assembly:
    """Acme with one webhook, which no alert goes to."""
    channels = '[[channels]]\nname = "console"\nkind = "console"\n[[channels]]\nname = "helpdesk"\nkind = "webhook"\n'
    channels += 'url = { env = "HOOK" }\nsecret = { env = "SECRET" }\ntimeout = 1.0\n'
    environ = {"HOOK": server.url + "/hook", "SECRET": SECRET}
    return assembly_of(database, settings_from(folder, channels=channels, environ=environ, **more))


def serve(acme: Assembly, clock: Clock) -> int:
    """Tell every program what it is owed now."""
    acme.events.tick(clock())
    return sum(acme.events.serve(name, clock) for name in acme.events.due(clock()))


def names(server: FakeServer, case: str = "") -> list[str]:
    """The events that arrived, of one case or of all."""
    said = [seen.json for seen in server.ledger]
    return [each["event"] for each in said if not case or each.get("case", {}).get("id") == case]


def samples() -> dict[str, dict[str, Any]]:
    """The samples of the documentation, by event."""
    found = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PROGRAMS.read_text("utf-8"), re.DOTALL)]
    return {each["event"]: each for each in found}


def shape(value: Any) -> Any:
    """A document with types in place of values."""
    return {key: shape(each) for key, each in value.items()} if isinstance(value, dict) else type(value).__name__


def test_every_event_of_a_case_comes_once_in_order_as_the_documentation_says(
    database: Base, tmp_path: Path, server: FakeServer
) -> None:
    acme = desk(database, tmp_path, server)
    take(acme, post(ANGRY, thread_id="t"))
    clock = Clock(NOW)
    for verb, detail in (
        ("take", {}),
        ("release", {}),
        ("answered", {}),
        ("close", {"outcome": "solved"}),
        ("reopen", {}),
    ):
        say(database, acme.rules, "1", verb, who="ANA", way="cli", now=clock.forward(MINUTE), detail=detail)
        serve(acme, clock)
    assert names(server) == [
        "case.opened", "case.taken", "case.reopened", "case.answered", "case.closed", "case.reopened",
    ]  # fmt: skip
    assert serve(acme, clock) == 0
    said = [seen.json for seen in server.ledger]
    assert len({each["id"] for each in said}) == 6
    assert [seen.headers["earful-delivery"] for seen in server.ledger] == [each["id"] for each in said]
    assert [each["sequence"] for each in said] == sorted(each["sequence"] for each in said)
    assert [each["why"] for each in said] == ["", "", "released", "", "", "reopened"]
    sample = samples()["case.taken"]
    assert all(shape(each) == shape(sample) for each in said)
    assert said[1]["case"]["owner"] == said[1]["who"] == "ANA"
    assert said[1]["case"]["words"] == ANGRY
    told = set(re.findall(r"`(case\.\w+)` +\|", PROGRAMS.read_text("utf-8")))
    assert told == {name for name, _why in events._NAMES.values()}


def test_a_case_is_overdue_once_for_each_time_that_it_was_due(
    database: Base, tmp_path: Path, server: FakeServer
) -> None:
    acme = desk(database, tmp_path, server)
    take(acme, post(LATE, thread_id="t"))
    (row,) = database.rows("SELECT due_at FROM cases")
    clock = Clock(NOW + 6 * HOUR)
    assert row["due_at"] <= clock().isoformat()
    serve(acme, clock)
    clock.forward(HOUR)
    serve(acme, clock)
    assert names(server) == ["case.opened", "case.overdue"]
    say(database, acme.rules, "1", "answered", who="ANA", way="cli", now=clock.forward(MINUTE))
    take(
        acme, post("Acme this is still terrible, still waiting!", thread_id="t", at=clock.forward(MINUTE)), now=clock()
    )
    serve(acme, clock)
    clock.forward(3 * DAY)
    serve(acme, clock)
    assert names(server)[2:] == ["case.answered", "case.reopened", "case.overdue"]


def test_a_program_that_is_down_is_told_everything_in_order_once_it_is_back(
    database: Base, tmp_path: Path, server: FakeServer
) -> None:
    acme = desk(database, tmp_path, server)
    server.mode = "503"
    clock = Clock(NOW)
    take(acme, post(ANGRY))
    serve(acme, clock)
    assert serve(acme, clock) == 0
    assert len(server.ledger) == 1  # nobody hammers it
    take(acme, post(BROKEN, author="joon"))
    say(database, acme.rules, "1", "take", who="ANA", way="cli", now=clock.forward(MINUTE))
    server.mode = "ok"
    server.ledger.clear()
    clock.forward(HOUR)
    serve(acme, clock)
    assert names(server) == ["case.opened", "case.opened", "case.taken"]
    assert events.readers(database)[0].failures == 0


def test_an_answer_that_was_lost_is_sent_again_under_the_same_id(
    database: Base, tmp_path: Path, server: FakeServer
) -> None:
    acme = desk(database, tmp_path, server)
    take(acme, post(ANGRY))
    server.misbehave("drop", at=1)
    clock = Clock(NOW)
    serve(acme, clock)
    clock.forward(MINUTE)
    serve(acme, clock)
    first, second = (seen.json["id"] for seen in server.ledger)
    assert first == second


def test_an_event_that_is_refused_holds_back_its_case_alone(database: Base, tmp_path: Path, server: FakeServer) -> None:
    acme = desk(database, tmp_path, server)
    server.misbehave("422", at=1)
    clock = Clock(NOW)
    take(acme, post(ANGRY))
    take(acme, post(BROKEN, author="joon"))
    say(database, acme.rules, "1", "take", who="ANA", way="cli", now=clock())
    serve(acme, clock)
    assert names(server, "1") == ["case.opened"]
    assert names(server, "2") == ["case.opened"]
    assert any("helpdesk refuses the event case.opened of case 1" in each for each in notices(database))
    clock.forward(2 * MINUTE)
    serve(acme, clock)
    assert names(server, "1") == ["case.opened", "case.opened", "case.taken"]


def test_an_old_post_opens_no_event_and_what_a_person_does_with_it_is_one(
    database: Base, tmp_path: Path, server: FakeServer
) -> None:
    acme = desk(database, tmp_path, server)
    take(acme, post(ANGRY, at=NOW - 30 * DAY))
    clock = Clock(NOW)
    serve(acme, clock)
    assert names(server) == []
    say(database, acme.rules, "1", "take", who="ANA", way="cli", now=clock())
    serve(acme, clock)
    assert names(server) == ["case.taken"]


@pytest.mark.parametrize("bound", ["age", "number"])
def test_what_is_beyond_the_bounds_is_one_event_lost_and_the_operator_hears_at_a_tenth(
    database: Base, tmp_path: Path, server: FakeServer, bound: str
) -> None:
    acme = desk(database, tmp_path, server)
    sender = EventSender(
        database, acme.rules, acme.alerting.channels, most=10 if bound == "number" else event_sender.MOST
    )
    server.mode = "503"
    clock = Clock(NOW)
    (case,) = take(acme, post(INJURY))
    sender.tick(clock())
    assert bool(notices(database)) == (bound == "number")  # one of ten
    for number in range(14):
        case_log.note(database, case, clock.forward(MINUTE), "take" if number % 2 == 0 else "release", who="ANA")
    clock.forward(event_sender.KEPT / 10)
    sender.tick(clock())
    assert any("helpdesk is behind by" in each for each in notices(database))
    if bound == "age":
        clock.forward(event_sender.KEPT)
    sender.tick(clock())
    server.mode = "ok"
    server.ledger.clear()
    sender.serve("helpdesk", clock)
    lost = server.ledger[0].json
    assert shape(lost) == shape(samples()["events.lost"])
    owed = 15 + 1  # opened, 14 verbs, overdue
    kept = 10 if bound == "number" else 1  # it was noted as overdue a day after the others
    assert lost["count"] == owed - kept
    assert (lost["to"] - lost["from"] + 1, len(server.ledger) - 1) == (owed - kept, kept)
    server.ledger.clear()
    clock.forward(timedelta(hours=1))
    sender.serve("helpdesk", clock)
    assert server.ledger == []


def test_who_wants_events_alone_is_not_sent_what_people_are_told(
    database: Base, tmp_path: Path, server: FakeServer
) -> None:
    for wanted, expected in (("true", ["case.opened", "case.new"]), ("false", ["case.opened"])):
        server.ledger.clear()
        text = (
            '[[channels]]\nname = "helpdesk"\nkind = "webhook"\nurl = { env = "HOOK" }\nsecret = { env = "SECRET" }\n'
        )
        acme = assembly_of(
            database,
            settings_from(
                tmp_path,
                channels=f"{text}old_names = {wanted}\n",
                notify=("helpdesk",),
                operator=("helpdesk",),
                environ={"HOOK": server.url + "/hook", "SECRET": SECRET},
            ),
        )
        take(acme, post(ANGRY, author=f"olga{wanted}"))
        clock = Clock(NOW + MINUTE)
        serve(acme, clock)
        for name in acme.alerting.due(clock()):
            acme.alerting.serve(name, clock)
        assert names(server) == expected


def test_a_program_that_leaves_the_settings_is_owed_nothing(database: Base, tmp_path: Path, server: FakeServer) -> None:
    acme = desk(database, tmp_path, server)
    take(acme, post(ANGRY))
    assert events.waiting(database, "helpdesk")[0] == 1
    assembly_of(database, settings_from(tmp_path))
    take(acme, post(BROKEN, author="joon"))
    assert events.waiting(database, "helpdesk")[0] == 0
    assert events.readers(database) == []


def test_a_helpdesk_is_given_what_needs_an_answer_once(sqlite: Sqlite, tmp_path: Path, server: FakeServer) -> None:
    """From the post to the ticket, by the recipe of the page; what may need an answer stays on the list."""
    desks = Helpdesks(server)
    environ = {"ZENDESK_URL": server.url + PATHS["zendesk"], "ZENDESK_KEY": KEYS["zendesk"]}
    channels = '[[channels]]\nname = "console"\nkind = "console"\n' + RECIPES["zendesk"]
    acme = assembly_of(sqlite, settings_from(tmp_path, channels=channels, environ=environ))
    take(acme, post(ANGRY, author="olga", native_id="1", thread_id="1"))
    take(acme, post(ASKING, author="bo", native_id="2", thread_id="2"))
    lanes = [row["lane"] for row in sqlite.rows("SELECT lane FROM cases ORDER BY id")]
    clock = Clock(NOW)
    say(sqlite, acme.rules, "1", "take", who="Ana", way="page", now=NOW, detail={})
    for _ in range(2):
        serve(acme, clock)
    assert [each["external_id"] for each in desks.made["zendesk"]] == ["earful-1"]
    assert lanes == ["ping", "sweep"]
    (ticket,) = desks.made["zendesk"]
    assert "olga wrote on" in ticket["comment"]["body"]
