"""Who acts, by each way: one role for one person, asked for at every verb, and nobody acts under a colleague's name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from monitor.cases import handing_over, verbs
from monitor.cases.actions import say
from monitor.cli import app
from monitor.mcp_server import Desk, NoSuch
from monitor.notify.interactions import Interactions
from monitor.notify.listening import Listening
from monitor.notify.spool import Spool, spool_folder
from monitor.people import slack_staff
from monitor.people.actors import WAYS, NotAllowed, NotPossible, admit, require
from monitor.people.identity import Actor, Directory, of_assistant, of_mail, of_page, of_settings, of_slack, of_token
from monitor.people.roles import LEAST, RANK, ROLES, least
from monitor.store import case_log, cases, web
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.fakes.slack import TEAM, TOKEN, FakeSlack, block_actions
from tests.helpers import (
    CHURN,
    DAY,
    HOUR,
    MINUTE,
    NOW,
    Clock,
    assembly_of,
    case,
    count,
    lines,
    post,
    settings_from,
    take,
)

Base = Sqlite | Postgresql
PEOPLE = "".join(
    f'[[people]]\nname = "{role}"\nrole = "{role}"\nslack = "U{role.upper()}"\nemail = "{role}@example.org"\n'
    for role in ROLES
)
SLACK = '[[channels]]\nname = "slack"\nkind = "slack"\ntoken = { env = "BOT" }\nteam = "T1"\n'


def house(database: Base, folder: Path, tables: str = PEOPLE, slack: str = SLACK, **more: str) -> Assembly:
    made = assembly_of(
        database,
        settings_from(
            folder, tables=tables, channels=slack, notify=("slack:#care",), operator=("slack:#care",),
            environ={"BOT": TOKEN}, **more,
        ),  # type: ignore[arg-type]
    )  # fmt: skip
    if cases.one(database, "1") is None:
        take(made, post(CHURN, at=NOW))
    return made


def token_of(database: Base, role: str) -> Actor:
    web.add_token(database, f"of {role}", "helpdesk", "api", NOW, role=role, until=NOW + DAY)
    return of_token(web.hashed(f"of {role}"), "helpdesk")


def user_of(database: Base, role: str) -> Actor:
    web.add_user(database, f"user {role}", role, NOW)
    return of_page(f"user {role}")


# Somebody of a role, as each way knows them.
COMERS: dict[str, Callable[[Base, str], Actor]] = {
    "page": user_of,
    "slack": lambda _, role: of_slack("T1", f"U{role.upper()}", "whatever they call themselves"),
    "mail link": lambda _, role: of_mail(f"email:{role}@example.org"),
    "pager": lambda _, role: of_settings(role),  # by the address that the pager knows of them
    "api": token_of,
    "mcp": lambda _, role: of_assistant(f"{role}'s assistant"),
    "command line": lambda _, role: of_settings(role),
}
DETAILS: dict[str, dict[str, str]] = {
    "close": {"outcome": "solved"}, "dismiss": {"why": "spam"}, "assign": {"owner": "lead"}, "note": {"text": "x"},
    "wants": {"text": "her money back"},
}  # fmt: skip


def test_every_way_has_somebody_in_the_table() -> None:
    assert set(COMERS) == set(WAYS)


@pytest.mark.parametrize("way", WAYS)
def test_each_verb_asks_for_its_role_by_every_way(database: Base, tmp_path: Path, way: str) -> None:
    """All verbs of a case and what changes people, against all roles: below the least role it is refused."""
    acme = house(database, tmp_path)
    wrong = []
    comers = {role: COMERS[way](database, role) for role in ROLES}
    for role, who in comers.items():
        highest = "staff" if way == "mcp" and role in {"lead", "admin"} else role  # an assistant is no lead
        for verb in (*verbs.VERBS, *LEAST):
            allowed = RANK[highest] >= RANK[least(verb)]
            try:
                actor = require(Directory(database, acme.settings), who, way, verb)
                said = (actor.way, actor.role)
            except NotAllowed:
                said = ("", "")
            if said != ((way, highest) if allowed else ("", "")):
                wrong.append((role, verb, said))
    assert wrong == []
    viewer = comers["viewer"]
    for verb in verbs.VERBS:
        with pytest.raises(NotAllowed):
            say(database, acme.rules, "1", verb, who=viewer, way=way, now=NOW, detail=DETAILS.get(verb, {}))
    assert count(database, "labels") == 0
    assert not set(lines(database, "1")) & set(verbs.VERBS)


def test_one_person_has_one_role_by_every_way_that_of_the_login(database: Base, tmp_path: Path) -> None:
    acme = house(database, tmp_path)
    web.add_user(database, "staff", "viewer", NOW)
    for who, way in ((of_slack("T1", "USTAFF"), "slack"), (of_mail("email:staff@example.org"), "mail link")):
        with pytest.raises(NotAllowed, match="staff is a viewer"):
            say(database, acme.rules, "1", "take", who=who, way=way, now=NOW)
    web.disable_user(database, "lead", NOW)  # nobody: the login is not there
    web.add_user(database, "lead", "lead", NOW)
    web.disable_user(database, "lead", NOW)
    with pytest.raises(NotAllowed, match="no longer has access here"):
        say(database, acme.rules, "1", "take", who=of_slack("T1", "ULEAD"), way="slack", now=NOW)


def test_whoever_is_shut_out_or_only_looks_has_no_case(database: Base, tmp_path: Path) -> None:
    acme = house(database, tmp_path)
    say(database, acme.rules, "1", "take", who=of_settings("staff"), way="page", now=NOW)
    owner = {"owner": of_slack("T1", "UVIEWER")}
    with pytest.raises(NotPossible, match="their role is viewer"):
        say(database, acme.rules, "1", "assign", who=of_settings("lead"), way="slack", now=NOW, detail=owner)
    web.add_user(database, "staff", "staff", NOW)
    assert handing_over.people_left(database, acme.rules, NOW) == 0
    web.disable_user(database, "staff", NOW)
    assert handing_over.people_left(database, acme.rules, NOW) == 1
    assert case(database, "1").owner == ""


def test_a_name_in_slack_is_not_a_colleague(database: Base, tmp_path: Path) -> None:
    """Another user id with a colleague's name took, closed and taught as that colleague."""
    acme = house(database, tmp_path)
    forged = of_slack("T1", "UEVIL", "lead")
    for verb in verbs.VERBS:
        with pytest.raises(NotAllowed, match=r"lead \(Slack, not in people\) is not known here"):
            say(database, acme.rules, "1", verb, who=forged, way="slack", now=NOW, detail=DETAILS.get(verb, {}))
    elsewhere = of_slack("T2", "ULEAD", "lead")
    with pytest.raises(NotAllowed):
        say(database, acme.rules, "1", "take", who=elsewhere, way="slack", now=NOW)
    assert case(database, "1").owner == ""


def test_strangers_whom_a_setting_lets_press_are_marked_and_teach_nothing(database: Base, tmp_path: Path) -> None:
    acme = house(database, tmp_path, slack=SLACK + "unknown_may_press = true\n")
    stranger = of_slack("T1", "UEVIL", "lead")
    assert say(database, acme.rules, "1", "take", who=stranger, way="slack", now=NOW).changed
    found = case(database, "1")
    assert (found.owner, found.owner_id) == ("lead (Slack, not in people)", "slack:T1/UEVIL")
    say(database, acme.rules, "1", "close", who=stranger, way="slack", now=NOW, detail={"outcome": "solved"})
    assert count(database, "labels") == 0
    say(database, acme.rules, "1", "reopen", who=of_settings("lead"), way="page", now=NOW)
    say(database, acme.rules, "1", "answered", who=of_settings("lead"), way="page", now=NOW)
    assert count(database, "labels") == 1
    assert {line.who for line in case_log.of_case(database, "1") if line.who_id == "slack:T1/UEVIL"} == {
        "lead (Slack, not in people)"
    }
    with pytest.raises(NotAllowed):
        say(database, acme.rules, "1", "note", who=of_slack("T2", "UEVIL", "x"), way="slack", now=NOW)


def test_the_user_group_is_the_staff_list_read_hourly_and_kept_while_slack_is_away(
    database: Base, tmp_path: Path
) -> None:
    with FakeSlack() as slack:
        group = f'may_press = "S0CARE0001"\napi_url = "{slack.api_url}"\nsigning_secret = {{ env = "BOT" }}\n'
        acme = house(database, tmp_path, slack=SLACK.replace("T1", TEAM) + group, earful='page_listen = "127.0.0.1:0"')
        slack.scopes = (*slack.scopes, "usergroups:read")
        listening = Listening(acme.settings, acme.alerting.channels, Spool(spool_folder(acme.settings)))

        def asked() -> int:
            return sum(1 for method, _ in slack.requests if method == "usergroups.users.list")

        clock = Clock()
        listening.ask_slack(database, clock())
        listening.ask_slack(database, clock.forward(59 * MINUTE))
        assert asked() == 1
        ana, ben, eve = (of_slack(TEAM, f"U0{name}00001", name.title()) for name in ("ANA", "BEN", "EVE"))
        assert say(database, acme.rules, "1", "take", who=ana, way="slack", now=clock()).text.startswith("taken by Ana")
        assert count(database, "labels") == 1, "they are staff, and teach"
        with pytest.raises(NotAllowed):
            say(database, acme.rules, "1", "note", who=eve, way="slack", now=clock(), detail={"text": "x"})
        slack.mode = "500"
        listening.ask_slack(database, clock.forward(2 * MINUTE))
        listening.ask_slack(database, clock.forward(MINUTE))
        assert asked() == 2, "while Slack is away it is not asked at each look"
        assert say(database, acme.rules, "1", "note", who=ben, way="slack", now=clock(), detail={"text": "x"}).changed
        slack.mode = "ok"
        slack.group_members = ["U0BEN00001"]
        listening.ask_slack(database, clock.forward(6 * MINUTE))
        with pytest.raises(NotAllowed):
            say(database, acme.rules, "1", "close", who=ana, way="slack", now=clock(), detail={"outcome": "solved"})
        for later in (timedelta(0), 5 * HOUR):  # until the desk closes, and over night
            assert handing_over.people_left(database, acme.rules, clock() + later) == 0
        assert case(database, "1").owner == "Ana"
        assert handing_over.people_left(database, acme.rules, NOW.replace(hour=9) + DAY) == 1
        assert case_log.of_case(database, "1")[-1].detail["reason"] == "Ana is no longer in Slack's user group"
        assert "may press: Ana Example (U0BEN00001)" in acme.alerting.channels["slack"].check()


def test_a_member_who_bears_the_name_of_somebody_listed_is_told_apart(database: Base, tmp_path: Path) -> None:
    acme = house(database, tmp_path, slack=SLACK + 'may_press = "S1"\n')
    slack_staff.keep(database, "slack", team="T1", group="S1", members={"UX"}, now=NOW)
    actor = admit(Directory(database, acme.settings), of_slack("T1", "UX", "Lead"), "slack")
    assert (actor.name, actor.role, actor.teaches) == ("Lead (Slack)", "staff", True)


def test_a_press_from_another_workspace_is_not_heard_though_settings_name_none(sqlite: Sqlite, tmp_path: Path) -> None:
    """The workspace is then that of the token, as Slack says."""
    with FakeSlack() as slack:
        acme = house(
            sqlite, tmp_path, tables="", slack=SLACK.replace('team = "T1"', f'api_url = "{slack.api_url}"')
            + 'signing_secret = { env = "BOT" }\n',
        )  # fmt: skip
        spool = Spool(spool_folder(acme.settings))
        listening = Listening(acme.settings, acme.alerting.channels, spool)
        from alerts.slack.payloads import PressRefused, read_press

        shared = block_actions("1", "take", "U0EVE00001", "Ana", TEAM, "", None)
        shared["user"]["team_id"] = "T0OTHER001"
        with pytest.raises(PressRefused, match="workspace"):
            read_press(shared, "e0")
        for number, team in enumerate(("T0OTHER001", TEAM)):
            press = read_press(block_actions("1", "take", "U0EVE00001", "Eve", team, "", None), f"e{number}")
            assert press is not None
            spool.keep(press, "slack")
            listening.work_off(sqlite, acme.rules, NOW)
            assert case(sqlite, "1").owner == ("" if team != TEAM else "Eve")


def test_viewers_press_nothing_in_slack_and_are_told_why(database: Base, tmp_path: Path) -> None:
    acme = house(database, tmp_path)
    from alerts.slack.payloads import read_press

    spool, said = Spool(tmp_path / "presses"), []
    press = read_press(block_actions("1", "take", "UVIEWER", "viewer", "T1", "", None), "e1", "T1")
    assert press is not None
    spool.keep(press, "slack")
    Interactions(database, acme.rules, spool, lambda _press, words: said.append(words)).work_off(NOW)
    assert said == ["viewer is a viewer; this needs staff"]
    assert case(database, "1").owner == ""


def test_an_assistant_and_a_command_speak_with_the_role_of_whom_they_name(sqlite: Sqlite, tmp_path: Path) -> None:
    acme = house(sqlite, tmp_path, earful="mcp_verbs = true")
    with pytest.raises(NoSuch, match="is a viewer"):
        Desk(lambda: acme, Clock(), "viewer").say("1", "take")
    assert Desk(lambda: acme, Clock(), "staff").say("1", "take")["changed"]
    file = acme.settings.file
    file.write_text(file.read_text().replace("sqlite:unused.sqlite", f"sqlite:{sqlite.path}"))

    def run(*words: str) -> str:
        result = CliRunner().invoke(app, ["--settings", str(file), *words], env={"BOT": TOKEN})
        return f"{result.output} {result.exception}"

    assert "viewer is a viewer" in run("case", "1", "note", "--text", "x", "--as", "viewer")
    assert "this needs admin" in run("erase", "--source", "forum", "--author", "olga", "--yes", "--as", "lead")
    assert "this needs staff" in run("mute", "add", "domain", "x.example", "--as", "viewer")


def test_somebody_of_a_shared_address_proves_nothing(database: Base, tmp_path: Path) -> None:
    """One holder of a shared address closed and taught as as many people as they liked."""
    acme = house(database, tmp_path)
    someone = of_mail("email:care@example.org", "lead")

    def press(verb: str, who: Actor = someone) -> str:
        return say(
            database, acme.rules, "1", verb, who=who, way="mail link", now=NOW, detail=DETAILS.get(verb, {})
        ).text

    for verb in ("close", "dismiss", "assign", "release", "answered", "not_answered", "reopen", "wants", "wait"):
        with pytest.raises(NotAllowed, match="log in"):
            press(verb)
    assert press("take") == "taken by lead, unproven (shared address), 10:00"
    assert case(database, "1").owner_id == "mail:email:care@example.org/lead"
    press("note")
    press("snooze")
    assert count(database, "labels") == 0
    with pytest.raises(NotAllowed, match="only their own actions"):
        press("undo", of_mail("email:care@example.org", "staff"))
    press("undo")
    say(database, acme.rules, "1", "close", who=of_settings("lead"), way="page", now=NOW, detail=DETAILS["close"])
    with pytest.raises(NotPossible):
        press("undo")
    assert case(database, "1").closed_at is not None


def test_where_nobody_is_listed_a_command_may_do_all(sqlite: Sqlite, tmp_path: Path) -> None:
    acme = house(sqlite, tmp_path, tables="")
    actor = admit(Directory(sqlite, acme.settings), "Ana", "command line")
    assert (actor.name, actor.role) == ("Ana", "admin")
    web.add_user(sqlite, "Ida", "admin", NOW)
    assert admit(Directory(sqlite, acme.settings), "Ana", "command line").role == "staff"


def test_two_people_of_one_address_are_no_proof_of_either(database: Base, tmp_path: Path) -> None:
    both = PEOPLE + '[[people]]\nname = "Bo"\nemail = "LEAD@example.org"\n'
    acme = house(database, tmp_path, tables=both)
    actor = admit(Directory(database, acme.settings), of_mail("email:lead@example.org", "Bo"), "mail link")
    assert (actor.proof, actor.name) == ("claimed", "Bo, unproven (shared address)")


def test_what_slack_said_is_kept_for_the_next_start(database: Base) -> None:
    slack_staff.keep(database, "slack", team="T1", group="S1", members={"UA", "UB"}, now=NOW)
    slack_staff.keep(database, "slack", team="T1", group="S1", members={"UB"}, now=NOW + HOUR)
    found = slack_staff.heard(database, "slack")
    assert found is not None
    assert (found.members, dict(found.left)) == (frozenset({"UB"}), {"UA": NOW + HOUR})
    assert not found.is_old("S1", NOW + 2 * HOUR - MINUTE)
    assert found.is_old("S2", NOW + HOUR)
