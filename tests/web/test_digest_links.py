"""The link that ends the managers' letters: one click of a mail program, and only for who got that letter."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from typer.testing import CliRunner

from alerts import Alert, Entry
from alerts.email import Email, Settings
from monitor.cli import app
from monitor.reports import digest
from monitor.settings import overrides
from monitor.store import web
from monitor.store.sqlite import Sqlite
from monitor.web import links
from tests.fakes.smtp import FakeSmtp
from tests.helpers import DAY, NOW, assembly_of, settings_from
from tests.web.office import PEOPLE, Office

BOSS = "email:boss@example.org"
MAIL = '[[channels]]\nname = "email"\nkind = "email"\nhost = "127.0.0.1"\nport = 1\nsender = "earful@example.org"\n'


@pytest.fixture
def office(tmp_path: Path, sqlite: Sqlite) -> Iterator[Office]:
    """An installation whose letter goes to two people."""
    tables = f'{PEOPLE}[digest]\nto = ["{BOSS}", "console:ana"]\n{MAIL}'
    made = Office(tmp_path, sqlite, tables=tables)
    yield made
    made.close()


def path_of(office: Office, target: str = BOSS) -> str:
    """The path of the link in somebody's letter."""
    made = links.make(office.settings, office.database, office.clock)("", target, "letters")
    return made.removeprefix(office.settings.earful.page_url)


def one_click(office: Office, path: str) -> httpx2.Response:
    """What a mail provider sends for its reader (RFC 8058, section 3.1): no cookie, no page before."""
    with httpx2.Client(base_url=office.address, verify=False, timeout=20) as provider:
        return provider.post(path, data={"List-Unsubscribe": "One-Click"})


def gets_it(office: Office) -> tuple[str, ...]:
    return digest.recipients(office.database, office.assembly.rules)


def test_one_click_ends_the_letters_of_this_recipient_only(office: Office) -> None:
    path = path_of(office)
    assert one_click(office, path).status_code == 200
    assert gets_it(office) == ("console:ana",)
    assert one_click(office, path).status_code == 200, "a second click is no error"
    assert len(web.desk_changes(office.database)) == 1


def test_a_link_that_is_only_opened_ends_nothing(office: Office) -> None:
    scanner = office.browser()
    path = path_of(office)
    for _ in range(20):
        assert scanner.get(path).status_code == 200
    assert scanner.http.head(path).status_code == 200
    assert gets_it(office) == (BOSS, "console:ana")


def test_who_ended_them_by_mistake_can_have_them_again(office: Office) -> None:
    reader, path = office.browser(), path_of(office)
    assert "Unsubscribe" in reader.get(path).text
    assert "Subscribe again" in reader.post(path, {"verb": "end"}).text
    assert gets_it(office) == ("console:ana",)
    assert "Unsubscribe" in reader.post(path, {"verb": "resume"}).text
    assert gets_it(office) == (BOSS, "console:ana")


def test_every_link_that_is_not_ours_gets_the_same_page_and_does_nothing(office: Office) -> None:
    good = path_of(office).removeprefix("/letters/")
    bad = [
        f"/letters/{good[:-1]}",
        f"/letters/{good}x",
        f"/letters/{office.token('12', BOSS, 'take')}",
        f"/letters/{office.token('', BOSS, 'letters', -DAY)}",
        "/letters/%C3%A9%00%FF",
        f"/letters/{'A' * 20_000}",
    ]
    for path in bad:
        assert one_click(office, path).status_code == 403, path[:60]
    assert len({office.browser().get(path).text for path in bad}) == 1
    assert gets_it(office) == (BOSS, "console:ana")


def test_a_link_that_ends_letters_takes_no_case(office: Office) -> None:
    token = path_of(office).removeprefix("/letters/")
    assert office.browser().get(f"/act/take/{token}").status_code == 403


def test_a_link_of_somebody_whom_settings_do_not_name_any_more_says_so(office: Office) -> None:
    assert (
        "is not subscribed to the weekly digest" in office.browser().get(path_of(office, "email:gone@example.org")).text
    )


def test_the_desk_lists_who_asked_for_no_more_and_a_lead_can_undo_it(office: Office) -> None:
    one_click(office, path_of(office))
    lead = office.person("Ana", "lead")
    shown = lead.get("/desk").text
    assert "unsubscribed" in shown
    assert "weekly digest for email:boss@example.org" in shown
    assert "boss@example.org" in shown.split("<h2>Changes</h2>")[1], "who did it"
    answer = lead.post("/desk/letters", {"target": BOSS, "verb": "resume"})
    assert answer.status_code == 303
    assert gets_it(office) == (BOSS, "console:ana")
    assert lead.post("/desk/letters", {"target": "console:ana", "verb": "end"}).status_code == 303
    assert gets_it(office) == (BOSS,)
    lead.get("/desk")
    (row,) = (row for row in web.desk_changes(office.database, ["letter.console:ana"]))
    lead.post("/desk/undo", {"n": row["n"]})
    assert gets_it(office) == (BOSS, "console:ana")
    assert lead.post("/desk/letters", {"target": "email:new@example.org", "verb": "end"}).status_code == 400


def test_staff_may_look_and_not_change(office: Office) -> None:
    staff = office.person("Bea", "staff")
    assert "</strong> subscribed" in staff.get("/desk").text
    assert staff.post("/desk/letters", {"target": BOSS, "verb": "end"}).status_code == 403
    assert gets_it(office) == (BOSS, "console:ana")


def test_status_tells_of_it_and_a_command_takes_it_back(tmp_path: Path) -> None:
    settings = settings_from(tmp_path, tables=f'[digest]\nto = ["{BOSS}"]\n{MAIL}')
    arguments = ["--settings", str(settings.file)]
    run = CliRunner(env={"COLUMNS": "200"})
    assert json.loads(run.invoke(app, [*arguments, "status", "--json"]).output)["no_letters_to"] == []
    database = Sqlite(Path(settings.database.url.get_secret_value().removeprefix("sqlite:")))
    with database.transaction():
        web.add_desk_change(database, overrides.LETTER + BOSS, '"no more"', "", "boss@example.org", NOW)
    assert digest.recipients(database, assembly_of(database, settings).rules) == ()
    database.close()
    assert json.loads(run.invoke(app, [*arguments, "status", "--json"]).output)["no_letters_to"] == [BOSS]
    assert "has unsubscribed from the weekly digest" in run.invoke(app, [*arguments, "status"]).output
    sent = run.invoke(app, [*arguments, "digest", "--send"]).output
    assert "not sent to email:boss@example.org: unsubscribed" in sent
    said = [run.invoke(app, [*arguments, "digest", "--resume", who]).output for who in ("boss@example.org", BOSS)]
    assert said == [f"{BOSS} is subscribed again\n", f"{BOSS} is already subscribed\n"]
    assert run.invoke(app, [*arguments, "digest", "--resume", "nobody@example.org"]).exit_code != 0


def test_an_alert_is_never_ended_by_a_click() -> None:
    with FakeSmtp() as server:
        channel = Email(Settings(host="127.0.0.1", port=server.port, security="none", sender="earful@example.org"))
        entry = Entry("12", "@customer on X", "Charged twice", (), "https://social.example/1")
        channel.send(Alert(key="case:12/1", reason="new", title="Harbour Tea", entries=(entry,)), "care@example.org")
        (mail,) = server.ledger
    assert mail.header("List-Unsubscribe") == mail.header("List-Unsubscribe-Post") == []
    assert "No more of these" not in mail.text
