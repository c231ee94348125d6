"""Who somebody is: names are shown and never compared; whoever was never listed cannot have left."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from monitor.cases import escalation, handing_over
from monitor.cases.actions import say
from monitor.people.actors import NotPossible
from monitor.people.identity import (
    Actor,
    Directory,
    of_assistant,
    of_demo,
    of_mail,
    of_name,
    of_page,
    of_settings,
    of_shell,
    of_slack,
    of_token,
)
from monitor.people.upgrade import give_ids
from monitor.reports import statistics
from monitor.store import case_log, cases, web
from monitor.store.postgresql import Postgresql
from monitor.store.schema import STEPS, migrate
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly, open_store
from tests.helpers import CHURN, DAY, HOUR, MINUTE, NOW, assembly_of, case, messages, post, settings_from, take

Base = Sqlite | Postgresql
ANA = """
[[people]]
name = "Ana"
slack = "UANA"
email = "ana@example.org"
"""
BEN = """
[[people]]
name = "Ben"
role = "lead"
"""
SLACK = """
[[channels]]
name = "slack"
kind = "slack"
token = { env = "BOT" }
team = "T1"
"""


def house(database: Base, folder: Path, tables: str = ANA + BEN, **more: object) -> Assembly:
    """One urgent case under these people, opened once."""
    made = assembly_of(database, settings_from(folder, tables=tables, **more))  # type: ignore[arg-type]
    if cases.one(database, "1") is None:
        take(made, post(CHURN, at=NOW))
    return made


def say_it(made: Assembly, verb: str, who: Actor | str, now=NOW, **detail: object) -> str:  # type: ignore[no-untyped-def]
    return say(made.database, made.rules, "1", verb, who=who, way="page", now=now, detail=detail).text


def token_of(database: Base) -> Actor:
    """A token of the API, as the page makes one."""
    web.add_token(database, "secret", "helpdesk", "api", NOW, role="staff", until=None)
    return of_token(web.api_tokens(database)[0]["id"], "helpdesk")


def user_of(database: Base, name: str = "Tom") -> Actor:
    web.add_user(database, name, "staff", NOW)
    return of_page(name)


STRANGERS: dict[str, Callable[[Base], Actor]] = {
    "page": user_of,
    "slack": lambda _: of_slack("T1", "UTOM", "tom (Slack, not in people)"),
    "mail": lambda _: of_mail("email:care@example.org", "Tom, unproven (shared address)"),
    "token": token_of,
    "shell": lambda _: of_shell("root"),
    "assistant": lambda _: of_assistant("an assistant"),
    "demo": lambda _: of_demo("You"),
    "name": lambda _: of_name("Tom"),
}


@pytest.mark.parametrize("way", list(STRANGERS))
def test_whoever_is_not_in_settings_keeps_a_case(database: Base, tmp_path: Path, way: str) -> None:
    """Each of them used to lose every case within two seconds, as somebody who had left."""
    acme = house(
        database, tmp_path, channels=SLACK + "unknown_may_press = true\n", notify=("slack:#care",),
        operator=("slack:#ops",), environ={"BOT": "xoxb-1"},
    )  # fmt: skip
    who = STRANGERS[way](database)
    assert say_it(acme, "take", who) == f"taken by {who.name}, 10:00"
    for moment in (NOW, NOW + MINUTE, NOW + HOUR):
        assert handing_over.people_left(database, acme.rules, moment) == 0
    assert (case(database, "1").owner, case(database, "1").owner_id) == (who.name, who.id)


def test_whoever_was_known_and_is_gone_loses_cases_and_the_log_says_why(database: Base, tmp_path: Path) -> None:
    tom, token = user_of(database), token_of(database)
    acme = house(database, tmp_path)
    without = house(database, tmp_path, BEN)

    def released(who: Actor, rules, leave: Callable[[], object] = lambda: None) -> str:  # type: ignore[no-untyped-def]
        say_it(acme, "take", who)
        leave()
        assert handing_over.people_left(database, rules, NOW + MINUTE) == 1
        assert handing_over.people_left(database, rules, NOW + MINUTE) == 0
        assert (case(database, "1").owner, case(database, "1").owner_id) == ("", "")
        assert case(database, "1").next_step_at is not None, "somebody is called again"
        return str(case_log.of_case(database, "1")[-1].detail["reason"])

    assert released(of_settings("Ana"), without.rules) == "Ana is no longer in the settings"
    assert released(tom, acme.rules, lambda: web.disable_user(database, "Tom", NOW)) == "Tom can no longer log in"
    assert released(token, acme.rules, lambda: web.drop_token(database, token.key)) == "helpdesk's token was revoked"


def test_one_person_who_is_known_twice_is_one_person(database: Base, tmp_path: Path) -> None:
    acme = house(database, tmp_path)
    user_of(database, "Ana")
    assert say_it(acme, "take", of_slack("T1", "UANA", "ana.example")) == "taken by Ana, 10:00"
    for other in (of_page("Ana"), of_settings("Ana"), of_mail("email:Ana@Example.org"), of_name("Ana")):
        assert say_it(acme, "take", other) == "Ana already has it"
    without = house(database, tmp_path, BEN)
    assert handing_over.people_left(database, without.rules, NOW) == 0, "she still has her login"
    assert case(database, "1").owner_id == "page:Ana"
    assert handing_over.people_left(database, acme.rules, NOW) == 0
    assert case(database, "1").owner_id == "settings:Ana"
    listed = [(each.id, each.name) for each in Directory(database, acme.settings).everyone]
    assert listed == [("settings:Ana", "Ana"), ("settings:Ben", "Ben")]


def test_two_people_of_one_name_are_two(database: Base, tmp_path: Path) -> None:
    """Whoever only bears a colleague's name has not their cases, is not called for them, and is told apart."""
    acme = house(
        database, tmp_path, channels=SLACK + "unknown_may_press = true\n", notify=("slack:#care",),
        operator=("slack:#ops",), environ={"BOT": "xoxb-1"},
    )  # fmt: skip
    other = of_slack("T1", "UOTHER", "Ana")
    say_it(acme, "take", other)
    assert say_it(acme, "take", of_settings("Ana")).startswith("Ana (Slack, not in people) already took it")
    shown = [each.name for each in Directory(database, acme.settings).everyone]
    assert shown == ["Ana", "Ben", "Ana (Slack, not in people)"]
    escalation.escalate(database, acme.rules, NOW + 2 * HOUR)  # the claim has expired: its owner is asked, nobody else
    asked = [row for row in messages(database) if "not answered yet" in row.reason]
    assert [(row.target, row.payload["ping"]) for row in asked] == [("slack:#care", ["UOTHER"])]
    say_it(acme, "release", other)
    say_it(acme, "assign", of_settings("Ben"), owner="Ana")
    assert case(database, "1").owner_id == "settings:Ana"
    found = statistics.load(database, acme.rules, NOW - DAY, NOW + DAY)
    assert [(each.name, each.taken) for each in found] == [("Ana", 1), ("Ana (Slack, not in people)", 1)]


def test_a_case_is_given_only_to_somebody_of_the_list(database: Base, tmp_path: Path) -> None:
    acme = house(database, tmp_path, ANA + BEN + '[[people]]\nname = "Vera"\nrole = "viewer"\n')
    user_of(database)
    with pytest.raises(NotPossible, match=r"there is nobody named 'Anna': did you mean \"Ana\"\?"):
        say_it(acme, "assign", of_settings("Ben"), owner="Anna")
    for nobody in ("Vera", "slack:T1/UANY", "page:Nobody"):
        with pytest.raises(NotPossible, match="the people are Ana, Ben, Tom"):
            say_it(acme, "assign", of_settings("Ben"), owner=nobody)
    assert case(database, "1").owner == ""
    for owner in ("Tom", "page:Tom", "settings:Ana"):
        say_it(acme, "assign", of_settings("Ben"), owner=owner)
        assert case(database, "1").owner in owner


def test_a_database_whose_people_were_names_goes_on_working(tmp_path: Path) -> None:
    """Names get ids at the first start: of settings, of the page, or of a name alone, which loses nothing."""
    settings = settings_from(tmp_path, tables=ANA)
    path = tmp_path / "unused.sqlite"
    old = Sqlite(path)
    migrate(old, NOW, STEPS[:2])
    with old.transaction():
        old.run("INSERT INTO stories (id, brand, source, opened_at, last_at) VALUES ('s', 'Acme', 'forum', '', '')")
        old.run("INSERT INTO users (name, role, created_at) VALUES ('Tom', 'staff', :now)", {"now": NOW.isoformat()})
        for n, owner in enumerate(("Ana", "Tom", "ghost"), 1):
            old.run(
                "INSERT INTO cases (id, n, brand, source, lane, priority, priority_reasons, opened_at, "
                "first_posted_at, last_posted_at, story_id, owner, chain, targets) VALUES (:id, :n, 'Acme', 'forum', "
                "'ping', 'urgent', '[]', :now, :now, :now, 's', :owner, '[]', '[]')",
                {"id": str(n), "n": n, "owner": owner, "now": NOW.isoformat()},
            )
            for way in ("page", "network"):
                old.run(
                    "INSERT INTO case_log (case_id, at, who, way, what, detail) "
                    "VALUES (:id, :now, :who, :way, 'take', :detail)",
                    {"id": str(n), "who": owner, "way": way, "now": NOW.isoformat(), "detail": json.dumps({})},
                )
    old.close()
    database = open_store(settings, NOW)
    try:
        acme = assembly_of(database, settings)
        assert handing_over.people_left(database, acme.rules, NOW) == 0
        assert [case(database, str(n)).owner_id for n in (1, 2, 3)] == ["settings:Ana", "page:Tom", "name:ghost"]
        assert [line.who_id for line in case_log.of_case(database, "1")] == ["settings:Ana", ""]
        without = assembly_of(database, settings_from(tmp_path, tables=BEN))
        assert handing_over.people_left(database, without.rules, NOW) == 1
        assert [case(database, str(n)).owner for n in (1, 2, 3)] == ["", "Tom", "ghost"]
        with database.transaction():
            cases.change(database, "1", owner="Ana")
        give_ids(database, settings, NOW)
        assert case(database, "1").owner_id == "", "names are given ids once, not compared for ever"
    finally:
        database.close()
