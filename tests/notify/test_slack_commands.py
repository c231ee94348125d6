"""/earful: what it says and does, by the role of whoever asks."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.notify.slack_commands import HELP, answer
from monitor.people.actors import NotPossible
from monitor.people.identity import of_slack
from monitor.store import key_values, sources
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.helpers import ANGRY, HOUR, INJURY, MINUTE, NOW, assembly_of, case, post, settings_from, take

PEOPLE = """
[[people]]
name = "Ana"
slack = "U0ANA00001"
role = "staff"

[[people]]
name = "Ben"

[[people]]
name = "Vic"
slack = "U0VIC00001"
role = "viewer"
"""


@pytest.fixture
def acme(database: Sqlite | Postgresql, tmp_path: Path) -> Assembly:
    """A desk with one person of the staff and one who only looks."""
    return assembly_of(database, settings_from(tmp_path, tables=PEOPLE))


def ask(acme: Assembly, text: str, user: str = "U0ANA00001") -> str:
    with acme.database.transaction():
        return answer(acme.database, acme.rules, of_slack("T1", user, "somebody"), text, NOW)


def test_status_says_what_waits_what_is_not_read_and_who_is_on(acme: Assembly) -> None:
    (number,) = take(acme, post(INJURY, author="olga", ago=2 * HOUR), now=NOW - HOUR)
    with acme.database.transaction():
        sources.failed(acme.database, "forum", NOW - HOUR, "503 from the server", "", refused=False)
    lines = ask(acme, "status").splitlines()
    assert lines[0] == "1 case waiting, 1 critical, 0 overdue; 0 in the list"
    assert lines[1] == f"Case {number}: critical, waiting for 2 hours, unassigned"
    assert "forum has not been read for 1 hour: 503 from the server" in lines
    assert "On now: Ana, Ben" in lines
    assert lines[-1] == acme.settings.earful.page_url
    assert ask(acme, "") == ask(acme, "what now") == HELP


def test_a_case_is_shown_and_acted_on_by_role(acme: Assembly) -> None:
    (number,) = take(acme, post(ANGRY, author="olga"))
    shown = ask(acme, f"case #{number}", user="U0VIC00001")
    assert shown.startswith(f"Case {number}: Acme, normal, open, unassigned\nolga on forum, waiting for ")
    assert "> Acme charged me for the wrong box" in shown
    assert shown.endswith(f"/cases/{number}")
    with pytest.raises(NotPossible, match="viewer"):
        ask(acme, f"case {number} take", user="U0VIC00001")
    ask(acme, f"case {number} take")
    assert case(acme.database, number).owner == "Ana"
    ask(acme, f"Case {number} solved")
    assert case(acme.database, number).outcome == "solved"
    for wrong in ("case", "case 99", f"case {number} burn"):
        with pytest.raises(NotPossible):
            ask(acme, wrong)


def test_an_author_and_a_domain_are_muted_once(acme: Assembly) -> None:
    (number,) = take(acme, post(ANGRY, author="olga"))
    with pytest.raises(NotPossible, match="viewer"):
        ask(acme, f"mute {number}", user="U0VIC00001")
    assert ask(acme, f"mute {number}").startswith("forum/olga is muted: posts are stored, but nobody is alerted.")
    assert ask(acme, f"mute {number}") == "forum/olga is already muted"
    ask(acme, "mute domain Example.ORG")
    found = [(row["brand"], row["kind"], row["value"], row["who"]) for row in key_values.mutes(acme.database)]
    assert found == [("Acme", "author", "forum/olga", "Ana"), ("", "domain", "example.org", "Ana")]
    with pytest.raises(NotPossible, match="domain"):
        ask(acme, "mute domain nothing")
    assert take(acme, post(f"{ANGRY} again", author="olga", thread_id="t2", ago=MINUTE)) == []


def test_somebody_is_away_and_back_and_everybody_sees_it(acme: Assembly) -> None:
    assert "away" in ask(acme, "away until mon")
    assert ask(acme, "on duty", user="U0VIC00001").splitlines()[:2] == ["On now: Ben", "Ana is away until Mon"]
    ask(acme, "back")
    assert ask(acme, "duty").splitlines()[0] == "On now: Ana, Ben"
    with pytest.raises(NotPossible, match="time"):
        ask(acme, "away until whenever")


def test_a_stranger_is_told_nothing(acme: Assembly) -> None:
    (number,) = take(acme, post(ANGRY, author="olga"))
    for text in ("", "status", f"case {number}", "on duty", "away mon", "back", f"mute {number}"):
        with pytest.raises(NotPossible, match="is not known here"):
            ask(acme, text, user="U0OTHER001")


def test_an_issue_is_read_before_it_is_created(sqlite: Sqlite, tmp_path: Path) -> None:
    bare = assembly_of(sqlite, settings_from(tmp_path, tables=PEOPLE))
    (number,) = take(bare, post(ANGRY, author="olga"))
    with pytest.raises(NotPossible, match="no tracker is set up"):
        ask(bare, f"case {number} issue")
    tracker = '[[trackers]]\nkind = "github"\nrepository = "acme/kettle"\ntoken = { env = "T" }\n'
    acme = assembly_of(sqlite, settings_from(tmp_path, tables=PEOPLE + tracker, environ={"T": "a-token-0123456789"}))
    assert ask(acme, f"case {number} issue").endswith(f"create it: http://127.0.0.1:8321/cases/{number}/issue")
    with pytest.raises(NotPossible, match="Vic is a viewer"):
        ask(acme, f"case {number} issue", user="U0VIC00001")
