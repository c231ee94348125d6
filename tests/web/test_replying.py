"""Answering from the page of a case: what it shows, what a press does, and who may press."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from monitor.store import cases, replies
from monitor.store.sqlite import Sqlite
from tests.connectors.reply_contracts import CANARY
from tests.connectors.reply_mastodon import Server
from tests.fakes.server import FakeServer, Reply
from tests.helpers import MINUTE, post
from tests.replying.world import PEOPLE, SOURCE, TEXT, complaint
from tests.web.office import Browser, Office

BUTTON = "Post publicly as @acme@127.0.0.1 on Mastodon"


class Place:
    """An office with one case that may be answered from it."""

    def __init__(self, folder: Path, database: Sqlite, server: FakeServer, more: str = "") -> None:
        self.network = Server(server)
        source = SOURCE.format(url=server.url, more=more)
        self.office = Office(folder, database, tables=PEOPLE, sources=source, environ={"REPLY_TOKEN": CANARY})
        (self.case_id,) = self.office.take(complaint())
        self.path = f"/cases/{self.case_id}"

    def fields(self, page: str) -> dict[str, str]:
        """What travels with a press, as the page has it."""
        form = page[page.index("data-reply") :]
        found = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))
        return {name: found[name] for name in ("reply_id", "was", "parent", "account", "said")}

    def press(self, who: Browser, verb: str = "post", text: str = TEXT, **changes: str) -> Any:
        fields = {**self.fields(who.get(self.path).text), "verb": verb, "reply": text, **changes}
        return who.post(f"{self.path}/reply", fields)

    def rows(self) -> list[replies.ReplyRow]:
        return replies.of_case(self.office.database, self.case_id)


@pytest.fixture
def place(tmp_path: Path, sqlite: Sqlite) -> Iterator[Place]:
    with FakeServer() as server:
        made = Place(tmp_path, sqlite, server)
        yield made
        made.office.close()


@pytest.fixture
def led(tmp_path: Path, sqlite: Sqlite) -> Iterator[Place]:
    with FakeServer() as server:
        made = Place(tmp_path, sqlite, server, "reply_approval = true")
        yield made
        made.office.close()


def test_the_button_names_account_and_network_and_a_press_posts(place: Place) -> None:
    ana = place.office.person("Ana")
    page = ana.get(place.path).text
    assert BUTTON in page
    assert "At most 600 characters" in page
    assert "@ada@far.example " in page, "only whoever is named hears of it"
    answer = place.press(ana)
    assert answer.status_code == 303
    assert "posted as @acme" in ana.get(answer.headers["location"]).text
    case = cases.one(place.office.database, place.case_id)
    assert case is not None
    assert (len(place.network.posted), case.answered_by) == (1, "Ana")


def test_the_same_press_sent_twice_posts_once(place: Place) -> None:
    """A double click, or a browser that sends a form again."""
    ana = place.office.person("Ana")
    fields = {**place.fields(ana.get(place.path).text), "verb": "post", "reply": TEXT}
    assert ana.post(f"{place.path}/reply", fields).status_code == 303
    again = ana.post(f"{place.path}/reply", fields)
    assert again.status_code == 409
    assert "already posted" in again.text
    assert place.network.writes() == 1


def test_what_changed_is_shown_and_asked_again_with_the_text_in_place(place: Place) -> None:
    ana = place.office.person("Ana")
    fields = {**place.fields(ana.get(place.path).text), "verb": "post", "reply": TEXT}
    place.office.take(complaint(native_id="99", ago=MINUTE, thread_id=complaint().native_id))
    answer = ana.post(f"{place.path}/reply", fields)
    assert answer.status_code == 409
    assert "there is a newer one" in answer.text
    assert TEXT in answer.text
    assert place.network.writes() == 0
    again = {**place.fields(answer.text), "verb": "post", "reply": TEXT}
    assert again["parent"] != fields["parent"]
    place.network.server.route("/api/v1/statuses/99", Reply(json={"visibility": "public"}))
    assert ana.post(f"{place.path}/reply", again).status_code == 303
    assert place.network.posted[0]["in_reply_to_id"] == "99"


def test_a_refusal_is_shown_with_the_text_in_place(place: Place) -> None:
    place.network.refuses = Reply(422, json={"error": "Validation failed: Text is <b>wrong</b>"})
    answer = place.press(place.office.person("Ana"))
    assert answer.status_code == 409
    assert "Text is wrong" in answer.text
    assert "<b>wrong" not in answer.text
    assert TEXT in answer.text
    place.network.refuses = None
    ana = place.office.person("Ana")
    fields = {**place.fields(answer.text), "verb": "post", "reply": f"{TEXT} Sorry!"}
    ana.get(place.path)
    assert ana.post(f"{place.path}/reply", fields).status_code == 303


def test_two_writers_see_each_other_and_each_others_drafts(place: Place) -> None:
    ana, lea = place.office.person("Ana"), place.office.person("Lea", "lead")
    ana.get(place.path)
    assert "Ana has this open" in lea.get(place.path).text
    assert place.press(ana, "save").status_code == 303
    page = lea.get(place.path).text
    assert TEXT in page
    (row,) = place.rows()
    chosen = lea.get(f"{place.path}?draft={row.id}").text
    fields = place.fields(chosen)
    assert (fields["reply_id"], fields["was"]) == (row.id, row.mark)
    place.press(ana, "save", "Changed by Ana", reply_id=row.id, was=row.mark)
    answer = lea.post(f"{place.path}/reply", {**fields, "verb": "post", "reply": f"{TEXT} Lea"})
    assert answer.status_code == 409
    assert "changed this draft meanwhile" in answer.text
    assert place.network.writes() == 0


def test_where_a_lead_approves_staff_can_only_ask(led: Place) -> None:
    ana, lea = led.office.person("Ana"), led.office.person("Lea", "lead")
    page = ana.get(led.path).text
    assert BUTTON not in page
    assert "Ask a lead to approve" in page
    assert led.press(ana, "post").status_code == 409
    (row,) = led.rows()
    assert led.press(ana, "ask", reply_id=row.id, was=row.mark).status_code == 303
    assert "Read and approve" in lea.get(led.path).text
    assert "Read and approve" not in ana.get(led.path).text
    fields = {**led.fields(lea.get(f"{led.path}?draft={row.id}").text), "verb": "post", "reply": TEXT}
    assert lea.post(f"{led.path}/reply", fields).status_code == 303
    assert len(led.network.posted) == 1
    assert "written by Ana, approved" in lea.get(led.path).text


def test_a_lead_sends_back_with_a_reason(led: Place) -> None:
    ana, lea = led.office.person("Ana"), led.office.person("Lea", "lead")
    led.press(ana, "ask")
    (row,) = led.rows()
    lea.get(led.path)
    assert lea.post(f"{led.path}/reply", {"verb": "send_back", "reply_id": row.id}).status_code == 409
    fields = {"verb": "send_back", "reply_id": row.id, "why": "say when it arrives"}
    assert lea.post(f"{led.path}/reply", fields).status_code == 303
    assert "say when it arrives" in ana.get(led.path).text


def test_taking_back_within_ten_minutes(place: Place) -> None:
    ana = place.office.person("Ana")
    place.press(ana)
    assert "Take back" in ana.get(place.path).text
    (row,) = place.rows()
    assert ana.post(f"{place.path}/reply", {"verb": "take_back", "reply_id": row.id}).status_code == 303
    assert place.network.posted == []
    page = ana.get(place.path).text
    assert "reply deleted on the network; open again" in page
    assert "deleted on the network</span>" in page
    place.press(ana, text="Another text")
    place.office.clock.forward(11 * MINUTE)
    assert "Take back" not in ana.get(place.path).text


def test_perhaps_posted_asks_a_person_to_look(place: Place) -> None:
    ana = place.office.person("Ana")
    place.network.refuses = Reply(503, json={"error": "later"})
    answer = place.press(ana)
    assert answer.status_code == 409
    assert "look on social" in answer.text
    page = ana.get(place.path).text
    assert "It is not there" in page
    (row,) = place.rows()
    assert ana.post(f"{place.path}/reply", {"verb": "there", "reply_id": row.id}).status_code == 303
    assert cases.one(place.office.database, place.case_id).answered_at is not None  # type: ignore[union-attr]


def test_a_viewer_neither_sees_the_box_nor_may_press(place: Place) -> None:
    vik = place.office.person("Vik", "viewer")
    page = vik.get(place.path).text
    assert BUTTON not in page
    assert vik.post(f"{place.path}/reply", {"verb": "post", "reply": TEXT, "reply_id": "x"}).status_code == 403
    assert place.network.writes() == 0


def test_a_network_that_is_down_delays_no_page_and_says_so(place: Place) -> None:
    place.network.server.mode = "503"
    page = place.office.person("Ana").get(place.path).text
    assert "Nothing can be posted from here now" in page
    assert BUTTON not in page
    assert "Copy" in page


def test_where_replies_are_off_the_page_is_as_ever(place: Place) -> None:
    (other,) = place.office.take(post(source="forum"))
    ana = place.office.person("Ana")
    page = ana.get(f"/cases/{other}").text
    assert "Post publicly" not in page
    assert "Earful only reads forum" in page
    assert ana.post(f"/cases/{other}/reply", {"verb": "post", "reply": TEXT, "reply_id": "x"}).status_code == 409
