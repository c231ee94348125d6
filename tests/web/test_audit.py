"""Who did what: every change of access and data leaves a line, and admins alone see them, filter them, export them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.people import audit as writing
from monitor.people.identity import of_page
from monitor.store import audit, web
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from tests.helpers import DAY, count, post
from tests.web.office import PASSWORD, Office

MAIL = '[[channels]]\nname = "email"\nkind = "email"\nhost = "127.0.0.1"\nsender = "earful@example.org"\n'


def events(office: Office) -> list[tuple[str, str, str]]:
    """(event, who, about) of every line, oldest first."""
    found = audit.lines(office.database, audit.Filter(), 100)[::-1]
    return [(line.event, line.who, line.about) for line in found]


@pytest.fixture
def everywhere(tmp_path: Path, database: Sqlite | Postgresql) -> Iterator[Office]:
    """An office on each kind of database, with mail."""
    made = Office(tmp_path, database, earful="", tables=MAIL + '[[people]]\nname = "Ana"\nemail = "ana@example.org"\n')
    yield made
    made.close()


def test_every_change_of_access_leaves_a_line(everywhere: Office) -> None:
    office = everywhere
    ida, ana = office.newcomer("Ida", "admin"), office.newcomer("Ana")
    begun = len(events(office))
    ida.get("/people")
    ida.post("/people", {"verb": "add", "name": "Olle", "role": "staff"})
    ida.post("/people", {"verb": "link", "name": "Olle"})
    ida.post("/people", {"verb": "role", "name": "Ana", "role": "lead"})
    ida.post("/people", {"verb": "disable", "name": "Olle"})
    ida.post("/people", {"verb": "enable", "name": "Olle"})
    ida.post("/people/tokens", {"name": "reports", "role": "viewer"})
    kept = web.api_tokens(office.database)[0]["id"]
    ida.post("/people/tokens", {"verb": "drop", "id": kept})
    ida.post("/people/tokens", {"verb": "drop", "id": kept})
    ana.get("/you")
    ana.post("/you", {"old": PASSWORD, "password": "another long sentence"})
    ana.get("/you")
    ana.post("/logout", {"everywhere": "1"})
    assert events(office)[begun:] == [
        ("user added", "Ida", "Olle"),
        ("login link made", "Ida", "Olle"),
        ("role changed", "Ida", "Ana"),
        ("access revoked", "Ida", "Olle"),
        ("access restored", "Ida", "Olle"),
        ("token made", "Ida", "reports"),
        ("token revoked", "Ida", "reports"),
        ("password changed", "Ana", "Ana"),
        ("logged out everywhere", "Ana", ""),
    ]
    (line,) = audit.lines(office.database, audit.Filter(event="role changed"), 5)
    assert (line.detail, line.address, line.way) == ({"role": "lead", "before": "staff"}, "127.0.0.1", "page")
    told = office.database.rows("SELECT target, payload FROM deliveries WHERE about LIKE 'notice:account:Ana:%'")
    assert [row["target"] for row in told] == ["email:ana@example.org"] * 3
    for words in ("role is now lead; it was changed by Ida on", "password was changed on", "from 127.0.0.1"):
        assert any(words in row["payload"] for row in told), words


def test_logins_and_refusals_leave_a_line_and_never_what_was_typed(office: Office) -> None:
    office.person("Ana")
    somebody = office.browser()
    somebody.get("/login")
    for _ in range(6):
        somebody.post("/login", {"name": "Ana", "password": "wrong wrong wrong"})
    somebody.post("/login", {"name": "my password, by mistake", "password": "x"})
    somebody.get("/welcome/nothing")
    office.clock.forward(DAY)
    somebody.get("/login")
    somebody.post("/login", {"name": "Ana", "password": PASSWORD})
    assert events(office)[-9:] == [
        *[("login refused", "", "Ana")] * 5,
        ("locked out", "", "Ana"),
        ("login refused", "", ""),
        ("login link refused", "", ""),
        ("login", "Ana", ""),
    ]
    assert count(office.database, "audit", "detail LIKE '%mistake%' OR about LIKE '%mistake%'") == 0


def test_a_wrong_token_leaves_a_line_and_none_at_all_does_not(office: Office) -> None:
    somebody = office.browser()
    assert somebody.get("/api/v1/mentions").status_code == 401
    assert events(office) == []
    assert somebody.get("/api/v1/mentions", headers={"authorization": "Bearer earful_guess"}).status_code == 401
    assert events(office) == [("token refused", "", "")]


def test_exports_and_changes_of_settings_leave_a_line_without_anybodys_words(office: Office) -> None:
    office.take(post(author="olga"))
    lea = office.person("Lea", "lead")
    lea.get("/desk")
    begun = len(events(office))
    assert lea.get("/mentions.csv?author=olga").status_code == 200
    assert lea.get("/mentions.jsonl").status_code == 200
    lea.get("/desk")
    lea.post("/desk", {"key": "desk.holidays", "value": "2026-12-25"})
    lea.get("/desk")
    lea.post("/desk/mutes", {"kind": "author", "value": "forum/olga"})
    lea.get("/desk")
    lea.post("/desk/mutes", {"verb": "undo", "n": "1"})
    lea.get("/desk")
    lea.post("/desk/undo", {"n": "1"})
    assert events(office)[begun:] == [
        ("export", "Lea", "mentions"),
        ("export", "Lea", "mentions"),
        ("settings changed", "Lea", "holidays"),
        ("settings changed", "Lea", "mutes"),
        ("settings changed", "Lea", "mutes"),
        ("settings changed", "Lea", "holidays"),
    ]
    assert count(office.database, "audit", "detail LIKE '%olga%' OR about LIKE '%olga%'") == 0


def test_admins_see_the_log_filter_it_and_turn_its_pages(office: Office) -> None:
    ida, lea = office.person("Ida", "admin"), office.person("Lea", "lead")
    assert lea.get("/audit").status_code == 403
    assert lea.get("/audit.csv").status_code == 403
    for number in range(120):
        writing.note(office.database, writing.Event.ROLE, office.clock(), who=of_page("Olle"), way="page",
                     about=f"person-{number}-")  # fmt: skip
    first = ida.get("/audit?event=role+changed").text
    assert first.count("person-") == 100
    older = first.split('rel="next"')[0].rpartition('href="')[2].split('"')[0].replace("&amp;", "&")
    assert ida.get(older).text.count("person-") == 20
    assert ida.get("/audit?who=Olle&to=2026-03-03").text.count("person-") == 0
    assert ida.get("/audit?who=Olle&from=2026-03-04").text.count("person-") == 100
    for bad in ("?from=yesterday", "?to=9999-12-31", "?from=0001-01-01"):
        assert ida.get(f"/audit{bad}").status_code == 400, bad
        assert ida.get(f"/audit.csv{bad}").status_code == 400, bad
    assert ida.get("/audit?before=x&who=%00").status_code == 200


def test_the_export_is_whole_safe_for_spreadsheets_and_itself_a_line(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    from monitor.web import audit as shown

    monkeypatch.setattr(shown, "BATCH", 4)
    ida = office.person("Ida", "admin")
    for number in range(9):
        writing.note(office.database, writing.Event.TOKEN_MADE, office.clock(), way="page", about=f"=cmd|{number}")
    answer = ida.get("/audit.csv?event=token+made")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [row["about"] for row in rows] == [f"'=cmd|{number}" for number in reversed(range(9))]
    assert events(office)[-1] == ("export", "Ida", "audit log")
