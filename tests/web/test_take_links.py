"""Links in mails that take an incident or a problem: opening one does nothing, and each does only what it is for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.causes import problems
from monitor.notify import incident_messages, problem_messages
from monitor.people.identity import of_page
from monitor.store import incidents
from monitor.store import problems as kept
from monitor.store.sqlite import Sqlite
from monitor.web import links
from tests.helpers import LATE, NOW, post
from tests.web.office import PEOPLE, Office

INCIDENT, PROBLEM = incident_messages.TAKE, problem_messages.TAKE
SHARED = "email:care@example.org"
VIC = '[[people]]\nname = "Vic"\nrole = "viewer"\nemail = "vic@example.org"\n'


@pytest.fixture
def office(tmp_path: Path, sqlite: Sqlite) -> Iterator[Office]:
    made = Office(tmp_path, sqlite, tables=f"{PEOPLE}\n{VIC}")
    made.take(*(post(LATE, author=f"c{number}", native_id=f"n{number}") for number in range(3)))
    with sqlite.transaction():
        incidents.begin(sqlite, NOW, brand="Acme", kind="volume", start_at=NOW, people=9, words=("<i>app",))
    yield made
    made.close()


def owners(office: Office) -> tuple[str, str]:
    """Who has the incident, and who the problem."""
    return incidents.one(office.database, "1")["owner"], kept.one(office.database, 1)["owner"]  # type: ignore[index]


def proof_of(shown: str) -> str:
    return shown.split('name="proof" value="')[1].split('"', maxsplit=1)[0]


@pytest.mark.parametrize(("subject", "purpose"), [("incident:1", INCIDENT), ("problem:1", PROBLEM)])
def test_one_press_on_the_page_behind_it_takes_it_and_undo_gives_it_back(
    office: Office, subject: str, purpose: str
) -> None:
    path = office.link(subject, purpose=purpose)
    assert path.startswith(f"/take/{subject.partition(':')[0]}/")
    scanner = office.browser()
    for _ in range(5):
        assert scanner.get(path).status_code == 200
    assert scanner.http.head(path).status_code == 200
    assert owners(office) == ("", "")
    reader = office.browser()
    shown = reader.get(path).text
    assert "I have it" in shown
    assert "<i>app" not in shown, "its words are somebody else's"
    assert reader.http.post(path, data={"csrf": reader.csrf}).status_code == 403, "not from its own page"
    taken = reader.post(path, {"proof": proof_of(shown), "verb": "take"})
    assert "Done: taken by Ana." in taken.text
    assert sorted(owners(office)) == ["", "Ana"]
    assert reader.post(path, {"proof": proof_of(shown), "verb": "end"}).status_code == 403, "not for that"
    assert "released" in reader.post(path, {"proof": proof_of(shown), "verb": "release"}).text
    assert owners(office) == ("", "")


def test_a_shared_address_takes_unproven_and_gives_nothing_back(office: Office) -> None:
    path = office.link("incident:1", SHARED, INCIDENT)
    reader = office.browser()
    proof = proof_of(reader.get(path).text)
    assert reader.post(path, {"proof": proof, "verb": "take"}).status_code == 400
    assert reader.post(path, {"proof": proof, "verb": "take", "who": "Ana"}).status_code == 200
    assert owners(office)[0] == "Ana, unproven (shared address)"
    assert reader.post(path, {"proof": proof, "verb": "release", "who": "Ana"}).status_code == 403
    second = office.browser()
    other = office.link("incident:1", purpose=INCIDENT)
    answer = second.post(other, {"proof": links.proof_of(other.rpartition("/")[2]), "verb": "take"})
    assert answer.status_code in {403, 409}
    assert owners(office)[0] == "Ana, unproven (shared address)"


def test_a_shared_address_only_leads_to_the_page_where_people_have_logins(office: Office) -> None:
    ida = office.person("Ida", "admin")
    path = office.link("problem:1", SHARED, PROBLEM)
    assert office.browser().get(path).headers["location"] == "/login?next=%2Fproblems%2F1"
    assert ida.get(path).headers["location"] == "/problems/1"
    stranger = office.browser()
    stranger.get("/login")
    proof = links.proof_of(path.rpartition("/")[2])
    assert stranger.post(path, {"verb": "take", "who": "Ana", "proof": proof}).status_code == 303
    assert owners(office) == ("", "")


def test_a_viewer_gets_no_link_and_cannot_use_one_of_before(office: Office) -> None:
    make = links.make(office.settings, office.database, office.clock)
    assert make("incident:1", "email:vic@example.org", INCIDENT) == ""
    path = f"/take/incident/{office.token('incident:1', 'email:vic@example.org', INCIDENT)}"
    reader = office.browser()
    assert "can view this incident but not take it" in reader.get(path).text
    proof = links.proof_of(path.rpartition("/")[2])
    assert reader.post(path, {"proof": proof, "verb": "take"}).status_code == 403
    assert owners(office) == ("", "")


def test_a_link_of_one_kind_opens_no_other(office: Office) -> None:
    ana = "email:ana@example.org"
    incident, case = office.token("incident:1", ana, INCIDENT), office.token("1", ana, "take")
    for path in (
        f"/act/take/{incident}", f"/act/take_incident/{incident}", f"/take/problem/{incident}", f"/take/x/{incident}",
        f"/take/incident/{case}", f"/take/incident/{incident[:-1]}", "/take/problem/%C3%A9%00",
        f"/take/incident/{office.token('incident:99', ana, INCIDENT)}",
        f"/take/problem/{office.token('problem:x', ana, PROBLEM)}",
        f"/take/problem/{office.token('incident:1', ana, PROBLEM)}",
    ):  # fmt: skip
        reader = office.browser()
        assert reader.get(path).status_code == 403, path
        reader.get("/login")
        assert reader.post(path, {"verb": "take", "proof": "x"}).status_code == 403
    assert owners(office) == ("", "")


def test_what_is_over_has_no_button(office: Office) -> None:
    incidents.change(office.database, "1", ended_at=NOW, ended_by="Ana")
    problems.fix(office.database, 1, of_page("Ana"), NOW)
    for subject, purpose, said in (("incident:1", INCIDENT, "It is over"), ("problem:1", PROBLEM, "marked as fixed")):
        path = office.link(subject, purpose=purpose)
        reader = office.browser()
        shown = reader.get(path).text
        assert said in shown
        assert "I have it" not in shown
        reader.get("/login")
        proof = links.proof_of(path.rpartition("/")[2])
        assert reader.post(path, {"proof": proof, "verb": "take"}).status_code == 409
