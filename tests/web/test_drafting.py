"""Asking for a draft on the page of a case: where it stands, what it says of itself, and what a dead model changes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from monitor.store import replies
from monitor.store.sqlite import Sqlite
from tests.connectors.reply_contracts import CANARY
from tests.connectors.reply_mastodon import Server
from tests.fakes.language_model import FakeModel
from tests.fakes.server import FakeServer, Reply
from tests.helpers import post
from tests.replying.world import PEOPLE, SOURCE, complaint
from tests.web.office import Browser, Office

TEXT = "I'm sorry that the kettle arrived broken. Is it the glass or the base?"
POST = "@acme the kettle arrived broken and nobody answers me. Terrible, I want it replaced. #acme"
OPENING = "@ada@far.example "


class Place:
    """An office with a case that may be answered from it, one that may not, and a model."""

    def __init__(self, folder: Path, database: Sqlite, network: FakeServer, other: FakeServer, on: bool = True) -> None:
        self.network, self.server = Server(network), other
        self.model = FakeModel(other, {"kind": "question", "text": TEXT})
        tables = PEOPLE + (self.model.settings() if on else "")
        source = SOURCE.format(url=network.url, more="")
        self.office = Office(folder, database, tables=tables, sources=source, environ={"REPLY_TOKEN": CANARY})
        written = complaint()
        self.case_id, self.read_only = (
            self.office.take(each)[0]
            for each in (
                post(POST, author=written.author, source="social", native_id=written.native_id, url=written.url),
                post(POST, author="olga"),
            )
        )

    def fields(self, page: str) -> dict[str, str]:
        form = page[page.index("data-reply") :]
        return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))

    def ask(self, who: Browser, case_id: str = "", reply: str = "", page: str = "") -> Any:
        path = f"/cases/{case_id or self.case_id}"
        fields = {**self.fields(page or who.get(path).text), "verb": "draft", "reply": reply}
        return who.post(f"{path}/draft", fields)

    def rows(self) -> list[replies.ReplyRow]:
        return replies.of_case(self.office.database, self.case_id)


def box(page: str) -> str:
    found = re.search(r'<textarea id="reply"[^>]*>(.*?)</textarea>', page, re.DOTALL)
    assert found is not None
    return found[1].replace("&#39;", "'")


@pytest.fixture
def place(tmp_path: Path, sqlite: Sqlite) -> Iterator[Place]:
    with FakeServer() as network, FakeServer() as other:
        made = Place(tmp_path, sqlite, network, other)
        yield made
        made.office.close()


def test_without_an_assistant_nothing_of_it_is_shown(tmp_path: Path, sqlite: Sqlite) -> None:
    with FakeServer() as network, FakeServer() as other:
        made = Place(tmp_path, sqlite, network, other, on=False)
        ana = made.office.person("Ana")
        assert ">Draft<" not in ana.get(f"/cases/{made.case_id}").text
        answer = made.ask(ana)
        assert (answer.status_code, "No draft: no assistant is set up" in answer.text) == (409, True)
        made.office.close()


def test_a_draft_stands_in_the_box_and_is_posted_by_a_press_like_any_other(place: Place) -> None:
    ana = place.office.person("Ana")
    page = ana.get(f"/cases/{place.case_id}").text
    assert box(page) == OPENING
    assert ">Draft<" in page
    assert place.model.asked == []
    answer = place.ask(ana, reply=OPENING)
    assert answer.status_code == 303
    page = ana.get(answer.headers["location"]).text
    assert box(page) == OPENING + TEXT
    assert "Done: drafted by the assistant; no next step is known, so it asks." in page
    assert "The assistant drafted this. Read it, change what isn&#39;t right, then post it." in page.replace(
        "isn't", "isn&#39;t"
    )
    assert ">Another draft<" in page
    assert place.network.writes() == 0
    (row,) = place.rows()
    assert (row.state, row.writer, row.is_unchanged) == ("draft", "Ana", True)
    fields = {**place.fields(page), "verb": "post", "reply": OPENING + TEXT.replace("Is it", "Which part,")}
    assert ana.post(f"/cases/{place.case_id}/reply", fields).status_code == 303
    (row,) = place.rows()
    assert (row.state, row.is_unchanged, row.drafted != "") == ("sent", False, True)
    assert place.network.writes() == 1


def test_another_draft_takes_the_place_of_one_that_nobody_changed(place: Place) -> None:
    ana = place.office.person("Ana")
    page = ana.get(place.ask(ana).headers["location"]).text
    place.model.says = {"kind": "question", "text": TEXT.replace("glass", "lid")}
    page = ana.get(place.ask(ana, reply=box(page), page=page).headers["location"]).text
    assert box(page) == OPENING + TEXT.replace("glass", "lid")
    assert [row.state for row in place.rows()] == ["dropped", "draft"]


def test_what_somebody_wrote_is_never_replaced(place: Place) -> None:
    ana = place.office.person("Ana")
    answer = place.ask(ana, reply="my own words")
    assert (answer.status_code, box(answer.text)) == (409, "my own words")
    assert "clear it first" in answer.text
    page = ana.get(place.ask(ana).headers["location"]).text
    changed = place.ask(ana, reply=f"{box(page)} Hm.", page=page)
    assert (changed.status_code, box(changed.text)) == (409, f"{OPENING}{TEXT} Hm.")
    assert len(place.model.asked) == 1


def test_a_draft_that_somebody_wrote_or_changed_is_kept(place: Place) -> None:
    ana = place.office.person("Ana")
    path = f"/cases/{place.case_id}"
    saved = {**place.fields(ana.get(path).text), "verb": "save", "reply": "my own words"}
    ana.post(f"{path}/reply", saved)
    (own,) = place.rows()
    page = ana.get(f"{path}?draft={own.id}").text
    assert place.ask(ana, reply="my own words", page=page).status_code == 409
    page = ana.get(place.ask(ana).headers["location"]).text
    changed = {**place.fields(page), "verb": "save", "reply": f"{box(page)} Hm."}
    ana.post(f"{path}/reply", changed)
    drafted = place.rows()[-1]
    page = ana.get(f"{path}?draft={drafted.id}").text
    assert place.ask(ana, page=page).status_code == 303
    assert [row.state for row in place.rows()] == ["draft", "draft", "draft"]


def test_where_earful_only_reads_the_draft_is_there_to_be_copied(place: Place) -> None:
    ana = place.office.person("Ana")
    answer = place.ask(ana, place.read_only)
    assert (answer.status_code, box(answer.text)) == (200, TEXT)
    assert "Drafted by the assistant; no next step is known, so it asks. Read it" in answer.text
    assert replies.of_case(place.office.database, place.read_only) == []
    again = place.ask(ana, place.read_only, reply=TEXT, page=answer.text)
    assert again.status_code == 200
    assert len(place.model.asked) == 2
    assert place.ask(ana, place.read_only, reply=f"{TEXT} Hm.", page=answer.text).status_code == 409


@pytest.mark.parametrize("dead", ["500", "gone", "bad draft"])
def test_with_a_dead_or_useless_model_the_page_works_as_before_and_says_so(place: Place, dead: str) -> None:
    ana = place.office.person("Ana")
    page = ana.get(f"/cases/{place.case_id}").text
    if dead == "gone":
        place.server.mode = "drop"
    else:
        place.model.says = Reply(500) if dead == "500" else {"kind": "step", "text": "We will refund you on Friday."}
    answer = place.ask(ana, reply=OPENING, page=page)
    assert answer.status_code == 409
    assert "No draft: " in answer.text
    assert box(answer.text).strip() == OPENING.strip()
    assert place.rows() == []
    fields = {**place.fields(answer.text), "verb": "post", "reply": f"{OPENING}{TEXT}"}
    assert ana.post(f"/cases/{place.case_id}/reply", fields).status_code == 303
    assert place.network.writes() == 1


def test_viewers_and_strangers_get_no_draft(place: Place) -> None:
    vik = place.office.person("Vik", "viewer")
    page = vik.get(f"/cases/{place.case_id}").text
    assert ">Draft<" not in page
    assert vik.post(f"/cases/{place.case_id}/draft", {"verb": "draft"}).status_code == 403
    assert place.office.browser().post(f"/cases/{place.case_id}/draft").status_code in {302, 303, 401, 403}
    assert place.model.asked == []


def test_a_case_that_is_not_there_is_404(place: Place) -> None:
    ana = place.office.person("Ana")
    ana.get(f"/cases/{place.case_id}")
    assert ana.post("/cases/999/draft", {"verb": "draft"}).status_code == 404


def test_insights_say_how_many_drafts_went_out_unchanged(place: Place) -> None:
    ana = place.office.person("Ana")
    assert "assistant&#39;s draft" not in ana.get("/insights?days=7").text
    page = ana.get(place.ask(ana).headers["location"]).text
    fields = {**place.fields(page), "verb": "post", "reply": OPENING + TEXT}
    assert ana.post(f"/cases/{place.case_id}/reply", fields).status_code == 303
    said = ana.get("/insights?days=7").text.replace("&#39;", "'")
    assert "1 reply began as the assistant's draft; 1 (100%) went out unchanged." in said
