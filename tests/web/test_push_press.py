"""A call at night on a telephone's push: the link below it that ends the night's calls, pressed as a person would."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from monitor.cases import escalation
from monitor.store import case_log
from monitor.store.sqlite import Sqlite
from monitor.web import links
from monitor.web.server import WebServer
from monitor.wiring import assemble, know_sources
from tests.fakes.server import FakeServer, Reply
from tests.helpers import INJURY, MINUTE, Clock, case, deliver, post, settings_from, take

pytest.importorskip("apprise", reason="NOT TESTED: the apprise channel, for apprise is not installed")

EVENING = datetime(2026, 3, 4, 21, 0, tzinfo=UTC)
MORNING = datetime(2026, 3, 5, 9, 0, tzinfo=UTC)  # the desk opens
PHONE = """
[[channels]]
name = "phone"
kind = "apprise"
url = { env = "PUSH" }
wakes = true
"""
BEN = '[[people]]\nname = "Ben"\ntargets = ["phone:ben"]\n'
LINK = re.compile(r"It can wait until morning: (https?://\S+)")


def test_it_can_wait_until_morning_is_one_press_from_a_push_and_ends_the_nights_calls(
    tmp_path: Path, sqlite: Sqlite
) -> None:
    """The real service code posts to a loopback receiver; the link that it shows is opened and pressed on the page."""
    with FakeServer() as push:
        push.route("/key", Reply(status=200))
        clock = Clock(EVENING)
        settings = settings_from(
            tmp_path, channels=PHONE, notify=("phone:ben",), operator=("phone:ben",), tables=BEN,
            earful='page_listen = "127.0.0.1:0"', environ={"PUSH": push.url.replace("http://", "json://") + "/key"},
        )  # fmt: skip
        acme = assemble(settings, sqlite, links.make(settings, sqlite, clock))
        know_sources(sqlite, settings)
        server = WebServer(lambda: acme, clock)
        assert server.start()
        try:
            take(acme, post(INJURY, at=EVENING), now=EVENING)
            take(acme, post(f"{INJURY} badly", author="mira", thread_id="m", at=EVENING), now=EVENING)
            for _ in range(7):
                escalation.escalate(sqlite, acme.rules, clock())
                deliver(acme, clock)
                clock.forward(MINUTE)
            called = push.ledger[-1].json["message"]
            assert "burned my hand" in called
            (address, *_) = LINK.findall(called)
            path = address.removeprefix(settings.earful.page_url)
            with httpx2.Client(base_url=server.address, verify=False, timeout=20, trust_env=False) as reader:
                shown = reader.get(path).text
                assert case(sqlite, "1").state_at(clock()) == "open", "a preview that opens the link presses nothing"
                fields = {
                    name: re.search(rf'name="{name}" value="([^"]*)"', shown)[1]  # type: ignore[index]
                    for name in ("csrf", "proof")
                }
                assert reader.post(path, data={**fields, "verb": "morning"}).status_code == 200
            before = len(push.ledger)
            while clock() < MORNING - MINUTE:
                escalation.escalate(sqlite, acme.rules, clock())
                deliver(acme, clock)
                clock.forward(20 * MINUTE)
            assert len(push.ledger) == before, "nobody is called again tonight, for neither of what was named"
            for number in ("1", "2"):
                assert case(sqlite, number).snoozed_until == MORNING
                (line,) = [each for each in case_log.of_case(sqlite, number) if each.what == "morning"]
                assert (line.who, line.way) == ("Ben", "mail link")
            escalation.escalate(sqlite, acme.rules, MORNING)
            deliver(acme, Clock(MORNING))
            assert len(push.ledger) > before, "in the morning it calls as by day"
        finally:
            server.stop()
