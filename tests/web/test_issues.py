"""Issues on the page and at the door: a problem becomes an issue, is closed there, and everybody to tell is listed."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from monitor.service.scheduler import Engine
from monitor.store import issues
from monitor.store.sqlite import Sqlite
from tests.fakes.server import FakeServer, Reply
from tests.fakes.trackers import FakeGitHub, FakeJira
from tests.helpers import ANGRY, HOUR, LATE, MINUTE, count, post
from tests.trackers.world import ENVIRON, GITHUB, JIRA
from tests.web.office import PEOPLE, Browser, Office
from tests.web.test_api import caller
from tests.web.test_causes import said


class Seat:
    """An office whose problems can become issues of a loopback GitHub."""

    def __init__(self, office: Office, there: FakeGitHub) -> None:
        self.office, self.there = office, there
        self.engine = Engine(office.assembly, office.clock, beside=False)

    def problem(self) -> None:
        for author in ("olga", "mira", "kay"):
            self.office.take(post(LATE, author=author, at=self.office.clock()))

    def create(self, browser: Browser, path: str, **fields: str) -> httpx2.Response:
        """Open the form, and press with what stands in it."""
        shown = browser.get(path).text
        return browser.post(path, {**typed(shown), "verb": "create", **fields})

    def tick(self) -> None:
        self.office.clock.forward(MINUTE)
        self.engine.issues_due()

    def door(self, body: bytes, headers: dict[str, str], name: str = "kettles") -> httpx2.Response:
        return httpx2.post(f"{self.office.address}/in/{name}", content=body, headers=headers, verify=False)


def typed(shown: str) -> dict[str, str]:
    """The fields of the form, as a browser would send them."""
    found = re.findall(r'<input[^>]*name="(issue_id|tracker|title)"[^>]*value="([^"]*)"', shown)
    fields = {name: html.unescape(value) for name, value in found}
    text = re.search(r'<textarea id="text"[^>]*>(.*?)</textarea>', shown, re.DOTALL)
    assert text is not None
    return {**fields, "text": html.unescape(text[1])}


@pytest.fixture
def seat(tmp_path: Path, sqlite: Sqlite) -> Iterator[Seat]:
    with FakeServer() as server:
        there = FakeGitHub(server)
        office = Office(tmp_path, sqlite, tables=PEOPLE + GITHUB.format(url=server.url), environ=ENVIRON)
        yield Seat(office, there)
        office.close()


def test_from_a_problem_to_its_issue_closed_there_fixed_here_and_the_list_of_people_to_tell(seat: Seat) -> None:
    seat.problem()
    staff = seat.office.person("Olle")
    shown = staff.get("/problems/1").text
    assert '<a class="button" href="/problems/1/issue">Create an issue</a>' in shown
    form = staff.get("/problems/1/issue").text
    assert "Create the issue in acme/kettle on GitHub" in form
    assert typed(form)["title"] == "Late or missing delivery: 3 people since 4 Mar 2026"
    answer = seat.create(staff, "/problems/1/issue", title="Parcels get lost")
    assert answer.status_code == 303, answer.text
    shown = staff.get(answer.headers["location"]).text
    assert "created acme/kettle#1" in shown
    assert seat.there.texts()[0][0] == "Parcels get lost"
    for author in ("olga", "mira", "kay"):
        assert author not in seat.there.texts()[0][1]
    assert ">acme/kettle#1</a>" in shown
    assert '<span class="tag urgent">open</span>' in shown
    assert "Create an issue</a>" not in shown
    assert "Linked issue" in shown

    # Closed there: the webhook comes in at the door, and the issue is asked after at the next tick.
    seat.there.close()
    body, headers = seat.there.webhook()
    told = seat.door(body, headers)
    assert (told.status_code, told.json()) == (202, {"accepted": True})
    assert "open</span>" in staff.get("/problems/1").text
    seat.tick()
    shown = staff.get("/problems/1").text
    assert "by acme/kettle#1</span>" in shown
    assert "issue</a></p>" not in shown, "what is fixed needs no other one"
    assert "This problem is marked as fixed" in staff.get("/problems/1/issue").text
    assert "3 not told yet" in shown
    assert shown.count("Hello @") == 3, "everybody to tell is listed with a draft"
    for left in ("2 not told yet", "1 not told yet", "everybody has been told"):
        mention = re.findall(r'name="mention" value="(\w+)"><button name="verb" value="told">', shown)[0]
        shown = said(staff, "/problems/1", {"verb": "told", "mention": mention})
        assert left in shown


def test_a_webhook_that_is_forged_played_again_or_of_something_else_does_nothing(seat: Seat) -> None:
    seat.problem()
    staff = seat.office.person("Olle")
    seat.create(staff, "/problems/1/issue")
    body, headers = seat.there.webhook()
    (name,) = set(headers) - {"content-type"}
    for proof in ("", "sha256=" + "0" * 64, headers[name][:-1], headers[name].upper()):
        assert seat.door(body, {**headers, name: proof}).status_code == 401
    assert seat.door(body + b" ", headers).status_code == 401
    assert seat.door(body, headers, name="nobody").status_code == 404
    form = {**headers, "content-type": "application/x-www-form-urlencoded"}
    assert seat.door(body, form).status_code == 415
    (row,) = issues.about(seat.office.database, problem=1)
    assert row.next_look_at is not None
    assert row.next_look_at > seat.office.clock(), "nothing of it was believed"

    # A true one that says "closed" of an issue that is open: it is asked after, and found open.
    assert seat.door(body, headers).status_code == 202
    seat.tick()
    (row,) = issues.about(seat.office.database, problem=1)
    assert (row.state, row.next_look_at) == ("open", seat.office.clock() + HOUR)
    assert '<span class="tag urgent">open</span>' in staff.get("/problems/1").text
    seat.there.close()
    for _ in range(3):
        assert seat.door(body, headers).status_code == 202
        seat.tick()
    assert count(seat.office.database, "deliveries", "about LIKE 'notice:issue:%'") == 1
    for other in (seat.there.webhook(2), seat.there.webhook(issue=5), seat.there.webhook(repository={})):
        assert seat.door(*other).status_code == 204
    assert seat.door(b"", headers).status_code == 401
    assert count(seat.office.database, "arrived") == 0, "nothing of a webhook is kept"


def test_a_case_becomes_an_issue_and_what_was_typed_stays_when_the_tracker_refuses(seat: Seat) -> None:
    seat.office.take(post(f"{ANGRY} <script>alert(1)</script>", author="@zara_9"))
    staff = seat.office.person("Olle")
    form = staff.get("/cases/1/issue").text
    assert "<script>alert" not in form
    assert "zara_9" not in typed(form)["text"]
    seat.there.refuses = Reply(403, json={"message": "Resource not accessible by <b>token</b>"})
    answer = seat.create(staff, "/cases/1/issue", title="My <b>own</b> title", text="my own\nwords")
    assert answer.status_code == 409
    assert "not created: " in answer.text
    assert "Resource not accessible by" in answer.text
    assert "<b>token" not in answer.text
    again = typed(answer.text)
    assert (again["title"], again["text"]) == ("My <b>own</b> title", "my own\nwords")
    assert "refused" in staff.get("/cases/1").text
    seat.there.refuses = None
    answer = staff.post("/cases/1/issue", {**again, "verb": "create"})
    assert answer.status_code == 303
    shown = staff.get("/cases/1").text
    assert "issue created: acme/kettle#1" in shown
    assert "My &lt;b&gt;own&lt;/b&gt; title" in shown
    assert caller(seat.office, "viewer").get("/cases/1").json()["issues"] == [
        {"name": "acme/kettle#1", "url": "https://github.com/acme/kettle/issues/1", "state": "open", "closed_at": None}
    ]
    assert ">refused</span>" not in shown, "what came to nothing is news only until the next attempt"
    (row,) = [each for each in issues.about(seat.office.database, "1") if each.state == "open"]
    assert "no longer followed" in said(staff, "/cases/1/issue", {"verb": "unlink", "issue_id": row.id})
    address = f"{seat.there.server.url}/acme/kettle/issues/"
    refused = staff.post("/cases/1/issue", {"verb": "link", "url": f"{address}7"})
    assert (refused.status_code, f'value="{address}7"' in refused.text) == (409, True)
    assert "linked with acme/kettle#1" in said(staff, "/cases/1/issue", {"verb": "link", "url": f"{address}1"})
    assert "linked with an issue: acme/kettle#1" in staff.get("/cases/1").text
    assert "settled already" in staff.post("/cases/1/issue", {"verb": "not_there", "issue_id": row.id}).text


def test_who_may_not_or_asks_for_nothing_creates_nothing(seat: Seat) -> None:
    seat.problem()
    viewer = seat.office.person("Vic", "viewer")
    assert "Create an issue</a>" not in viewer.get("/problems/1").text
    assert viewer.get("/problems/1/issue").status_code == 403
    assert viewer.post("/problems/1/issue", {"verb": "create"}).status_code == 403
    staff = seat.office.person("Olle")
    for path in ("/problems/99/issue", "/problems/x/issue"):
        assert staff.get(path).status_code == 404
    assert staff.get("/cases/99/issue").status_code == 409
    assert staff.post("/problems/1/issue", {"verb": "create"}).status_code == 409
    assert staff.post("/problems/1/issue", {}).status_code == 400
    assert seat.there.writes() == 0


def test_without_a_tracker_the_pages_say_nothing_of_it(office: Office) -> None:
    office.take(post(ANGRY))
    staff = office.person("Olle")
    assert "issue" not in staff.get("/cases/1").text.lower().replace("known issue", "")
    assert staff.get("/cases/1/issue").status_code == 404
    assert httpx2.post(f"{office.address}/in/kettles", json={}, verify=False).status_code == 404


def test_a_tracker_without_a_secret_has_no_door(tmp_path: Path, sqlite: Sqlite) -> None:
    with FakeServer() as server:
        there = FakeGitHub(server)
        table = GITHUB.format(url=server.url).replace("webhook_secret", "# webhook_secret")
        office = Office(tmp_path, sqlite, tables=PEOPLE + table, environ=ENVIRON)
        body, headers = there.webhook()
        for sent in (headers, {**headers, "authorization": "Bearer x"}):
            answer = httpx2.post(f"{office.address}/in/kettles", content=body, headers=sent, verify=False)
            assert answer.status_code == 404
        office.close()


def test_several_trackers_are_offered_and_one_that_left_is_named(tmp_path: Path, sqlite: Sqlite) -> None:
    with FakeServer() as server:
        FakeGitHub(server)
        jira = FakeJira(server)
        tables = PEOPLE + GITHUB.format(url=server.url) + JIRA.format(url=server.url).replace("kettles", "board")
        office = Office(tmp_path, sqlite, tables=tables, environ=ENVIRON)
        office.take(post(ANGRY))
        staff = office.person("Olle")
        shown = staff.get("/cases/1/issue").text
        assert '<option value="board">KET on Jira</option>' in shown
        assert staff.post("/cases/1/issue", {**typed(shown), "tracker": "board", "verb": "create"}).status_code == 303
        assert ">KET-1</a>" in staff.get("/cases/1").text
        body, headers = jira.webhook()
        door = f"{office.address}/in/board"
        assert httpx2.post(door, content=body + b" ", headers=headers, verify=False).status_code == 401
        assert httpx2.post(door, content=body, headers=headers, verify=False).status_code == 202
        jira.close()
        Engine(office.assembly, office.clock, beside=False).issues_due()
        assert "issue closed as fixed: KET-1" in staff.get("/cases/1").text
        office.database.run("UPDATE issues SET tracker = 'gone'")
        assert "gone is no longer in the settings" in staff.get("/cases/1").text
        office.close()
