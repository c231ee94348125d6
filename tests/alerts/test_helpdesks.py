"""The recipes of docs/handover.md as they stand there, against helpdesks as strict as their documentation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from alerts import CaseEvent, ChannelError
from alerts.helpdesks import NEEDED, Preset, ticket_of
from alerts.webhook import Settings, Webhook
from monitor.settings.errors import SettingsError
from tests.alerts.test_contract import ALERT
from tests.fakes.helpdesks import KEYS, PATHS, Helpdesks
from tests.fakes.server import FakeServer
from tests.helpers import settings_from
from tests.house.reading import ROOT

PAGE = (ROOT / "docs/handover.md").read_text("utf-8")
RECIPES = dict(re.findall(r"```toml\n(\[\[channels\]\]\nname    = \"(\w+)\".*?)```", PAGE, re.DOTALL))
RECIPES = {name: table for table, name in RECIPES.items()}
CONSOLE = '[[channels]]\nname = "console"\nkind = "console"\n'
CASE: dict[str, object] = {
    "id": "12", "brand": "Harbour Tea", "source": "mastodon", "author": "olga@far.example",
    "words": "My parcel never arrived, and nobody answers.", "post_url": "https://far.example/@olga/109",
    "page_url": "https://earful.example/cases/12", "priority": "urgent", "needs_answer": True,
    "posted_at": "2026-11-27T08:45:00+00:00", "due_at": "2026-11-27T10:00:00+00:00",
}  # fmt: skip
OPENED = CaseEvent("e1", "case.opened", 1042, datetime(2026, 11, 27, 9, 16, tzinfo=UTC), case=CASE)


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as running:
        yield running


def options_of(folder: Path, server: FakeServer, table: str, **keys: str) -> Settings:
    environ = {f"{name.upper()}_URL": server.url + path for name, path in PATHS.items()}
    environ |= {f"{name.upper()}_KEY": keys.get(name, key) for name, key in KEYS.items()}
    settings = settings_from(folder, channels=CONSOLE + table, environ=environ)
    found: Settings = settings.channels[-1].options
    return found


@pytest.fixture(params=sorted(NEEDED))
def desk(request: pytest.FixtureRequest, tmp_path: Path, server: FakeServer) -> tuple[str, Webhook, Helpdesks]:
    made = Webhook(options_of(tmp_path, server, RECIPES[request.param]).model_copy(update={"timeout": 1.0}))
    return request.param, made, Helpdesks(server)


def words_of(ticket: dict[str, Any]) -> str:
    held = ticket.get("comment", {}).get("body") or ticket.get("article", {}).get("body")
    return str(held or ticket.get("description") or ticket["message"]["content"])


def test_a_recipe_hands_a_case_over_as_the_helpdesk_documents_it(desk: tuple[str, Webhook, Helpdesks]) -> None:
    name, channel, desks = desk
    channel.tell(OPENED)
    (ticket,) = desks.made[name]
    said = words_of(ticket)
    parts = (
        "olga@far.example wrote on mastodon, 2026-11-27 08:45 UTC", "My parcel never arrived, and nobody",
        "by 2026-11-27 10:00 UTC", "https://far.example/@olga/109", "https://earful.example/cases/12",
    )  # fmt: skip
    assert [part for part in parts if part not in said] == []
    subject = ticket.get("subject") or ticket.get("title")
    assert subject is None or subject.startswith("Harbour Tea: olga@far.example on mastodon: My parcel")


def test_only_a_case_that_was_opened_and_needs_an_answer_is_one(desk: tuple[str, Webhook, Helpdesks]) -> None:
    name, channel, desks = desk
    for event in ("case.taken", "case.answered", "case.reopened", "case.closed", "case.overdue"):
        channel.tell(replace(OPENED, name=event))
    channel.tell(replace(OPENED, case={**CASE, "needs_answer": False}))
    channel.tell(replace(OPENED, case={}))
    channel.tell(replace(OPENED, case={**CASE, "state": "closed"}))
    channel.tell(replace(OPENED, case={**CASE, "author": "", "words": ""}))  # forgotten before its turn came
    channel.tell(replace(OPENED, name="events.lost", case={}, lost={"from": 1, "to": 9, "count": 9}))
    assert desks.made[name] == []
    assert desks.server.ledger == []


def test_check_asks_for_a_ticket_and_makes_none(desk: tuple[str, Webhook, Helpdesks], tmp_path: Path) -> None:
    name, channel, desks = desk
    assert channel.check().startswith(f"{name} answers")
    assert [seen.method for seen in desks.server.ledger] == ["GET"]
    assert desks.made[name] == []
    wrong = Webhook(options_of(tmp_path, desks.server, RECIPES[name], **{name: "Basic wrong"}))
    with pytest.raises(ChannelError) as refused:
        wrong.check()
    assert refused.value.channel_broken
    assert "`headers`" in refused.value.remedy


def test_one_whose_answer_was_lost_is_sent_again_under_the_same_key(desk: tuple[str, Webhook, Helpdesks]) -> None:
    name, channel, desks = desk
    desks.loses = True
    with pytest.raises(ChannelError) as lost:
        channel.tell(OPENED)
    assert lost.value.outcome_unknown
    desks.loses = False
    channel.tell(OPENED)
    assert {seen.headers["idempotency-key"] for seen in desks.server.ledger} == {"e1"}
    assert len(desks.made[name]) == (1 if name == "zendesk" else 2), "only one of them knows the key: the page says so"


def test_a_ticket_that_is_refused_holds_up_only_itself(desk: tuple[str, Webhook, Helpdesks]) -> None:
    _name, channel, desks = desk
    desks.server.misbehave("422", at=1)
    with pytest.raises(ChannelError) as refused:
        channel.tell(OPENED)
    assert refused.value.permanent


def test_a_web_page_in_place_of_an_answer_is_no_ticket(desk: tuple[str, Webhook, Helpdesks]) -> None:
    _name, channel, desks = desk
    desks.server.mode = "html"
    for ask in (lambda: channel.tell(OPENED), channel.check):
        with pytest.raises(ChannelError) as refused:
            ask()
        assert refused.value.channel_broken


def test_each_priority_has_its_name_there() -> None:
    cases = [{**CASE, "priority": each} for each in ("critical", "urgent", "normal", "gentle", "new")]
    desks: tuple[Preset, ...] = ("zendesk", "freshdesk", "zammad")
    found = {name: [ticket_of(name, each, {}) for each in cases] for name in desks}
    assert [each["ticket"]["priority"] for each in found["zendesk"]] == ["urgent", "high", "normal", "low", "normal"]
    assert [each["priority"] for each in found["freshdesk"]] == [4, 3, 2, 1, 2]
    assert [each["priority"] for each in found["zammad"]] == ["3 high", "3 high", "2 normal", "1 low", "2 normal"]


def test_strangers_words_stay_words_where_html_or_markdown_is_read() -> None:
    evil = {
        **CASE,
        "words": '<img src=x onerror=alert(1)> [your bank](https://evil.example) **now** "\ud800\x00',
        "author": "<b>",
    }
    fresh = ticket_of("freshdesk", evil, {})["description"]
    assert "<img" not in fresh
    assert "&lt;img src=x onerror=alert(1)&gt;" in fresh
    chat = ticket_of("chatwoot", evil, {})["message"]["content"]
    assert r"\[your bank\]\(https://evil.example\)" in chat
    assert r"\<img" in chat
    assert r"\*\*now\*\*" in chat
    for name in NEEDED:
        assert "\x00" not in str(ticket_of(name, evil, {}))
        assert "\ud800" not in str(ticket_of(name, evil, {}))


def test_nothing_is_sent_on_to_the_customer_where_that_can_be_said() -> None:
    assert ticket_of("zendesk", CASE, {})["ticket"]["comment"]["public"] is False
    assert ticket_of("zammad", CASE, {})["article"]["internal"] is True


def test_fields_are_laid_over_the_ticket() -> None:
    ticket = ticket_of("zendesk", CASE, {"group_id": 7, "tags": ["vip"], "comment": {"public": True}})["ticket"]
    assert (ticket["group_id"], ticket["tags"]) == (7, ["vip"])
    assert ticket["comment"]["public"] is True
    assert ticket["comment"]["body"]


def test_it_alerts_nobody_and_settings_do_not_let_it_be_asked_to(tmp_path: Path, server: FakeServer) -> None:
    made = Webhook(options_of(tmp_path, server, RECIPES["zendesk"]))
    with pytest.raises(ChannelError, match="alerts nobody"):
        made.send(ALERT, "zendesk")
    assert server.ledger == []
    environ = {"ZENDESK_URL": server.url, "ZENDESK_KEY": "Basic"}
    with pytest.raises(SettingsError, match="makes tickets and alerts nobody"):
        settings_from(tmp_path, channels=CONSOLE + RECIPES["zendesk"], notify=("zendesk",), environ=environ)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"preset": "freshdesk"}, "fields needs email for freshdesk"),
        ({"preset": "zammad", "fields": {"group": "Users"}}, "fields needs customer_id for zammad"),
        ({"preset": "chatwoot"}, "inbox_id and contact_id and source_id"),
        ({"fields": {"group": "Users"}, "secret": "correct-horse-battery"}, "with preset only"),
        ({}, "secret is missing"),
        ({"preset": "osticket"}, "preset"),
        ({"preset": "zendesk", "secret": "short"}, "secret is too short"),
    ],
)
def test_what_is_missing_is_said(options: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Settings.model_validate({"url": "https://desk.example/api", **options})
