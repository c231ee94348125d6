"""Somebody is hurt at night: the pager calls, it is acknowledged there, and what is done here is told there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from alerts.pager_webhook import case_key
from monitor.store import case_log
from monitor.web.server import WebServer
from tests.alerts.contract_pager import KEY
from tests.alerts.test_pager import event, signature
from tests.fakes.server import Reply, Seen
from tests.story.world import TABLES, World, world

SECRET = SecretStr("a-secret-of-the-webhook")
BURNT = "#harbourtea your kettle exploded and burned my daughter's hand, we are in hospital."
PAGED = (
    TABLES.replace('notify = ["slack:#care"]', 'notify = ["slack:#care", "duty"]')
    + """
[[channels]]
name = "duty"
kind = "pager"
routing_key = {{ file = "pager.key" }}
webhook_secret = {{ file = "pager.secret" }}
api_key = {{ file = "pager.read" }}
api_url = "{network}"
"""
)


class Duty:
    """The pager: the incidents that it has open, and whoever holds the telephone."""

    def __init__(self, earful: World) -> None:
        self.earful = earful
        self.incidents: dict[str, str] = {}
        self.rang: list[str] = []
        network = earful.far.network
        network.route("/v2/enqueue", self._enqueue)
        network.route("/users/PLH1HKV", {"user": {"email": "BEN@harbourtea.example"}})
        self.server = WebServer(lambda: earful.assembly, earful.clock)
        self.server.port = 0
        assert self.server.start()

    def _enqueue(self, seen: Seen) -> Reply:
        said: dict[str, Any] = seen.json
        assert said["routing_key"] == KEY
        key, action = said["dedup_key"], said["event_action"]
        if action == "trigger":
            if self.incidents.setdefault(key, "triggered") == "triggered":  # an acknowledged one keeps silent
                self.rang.append(said["payload"]["summary"])
        elif key in self.incidents and action == "resolve":
            del self.incidents[key]
        elif key in self.incidents:
            self.incidents[key] = "acknowledged"
        return Reply(202, json={"status": "success", "dedup_key": key})

    def acknowledges(self, key: str) -> int:
        """Ben presses on his telephone; the service tells us by its webhook, twice, as it may."""
        self.incidents[key] = "acknowledged"
        body = event(occurred_at=self.earful.now.isoformat(), data={"id": "PGR0VU2", "incident_key": key})
        headers = {"x-pagerduty-signature": signature(body, SECRET)}
        with httpx2.Client(base_url=self.server.address, verify=False, timeout=20, trust_env=False) as http:
            return max(http.post("/pager/duty", content=body, headers=headers).status_code for _ in range(2))


@pytest.fixture
def night(tmp_path: Path) -> Iterator[tuple[World, Duty]]:
    for name, value in (("key", KEY), ("secret", SECRET.get_secret_value()), ("read", "read-only")):
        (tmp_path / f"pager.{name}").write_text(value, "utf-8")
        (tmp_path / f"pager.{name}").chmod(0o600)
    with world(tmp_path, "sqlite:earful.sqlite", start="Fri 22:00", tables=PAGED) as earful:
        earful.forgetful = True
        made = Duty(earful)
        yield earful, made
        made.server.stop()


def test_a_page_is_acknowledged_at_the_pager_and_the_clock_stops_there_and_here(night: tuple[World, Duty]) -> None:
    earful, duty = night
    complaint = earful.posts("olga", BURNT, at="Fri 22:05")
    earful.until("Fri 22:09")
    olga = earful.case_of("olga")
    key = case_key(olga.id)
    assert olga.priority == "critical"
    assert duty.incidents == {key: "triggered"}
    assert "burned my daughter's hand" in duty.rang[0]
    earful.scene()

    # Ben acknowledges on his telephone: the case is his here, Slack shows it, and nobody is called any more.
    assert duty.acknowledges(key) == 204
    earful.until("Fri 22:10")
    assert earful.case_of("olga").owner == "Ben"
    assert "taken by Ben" in earful.reads("burned my daughter's hand")
    lines = [(line.what, line.who, line.way) for line in case_log.of_case(earful.database, olga.id)]
    assert lines.count(("take", "Ben", "pager")) == 1
    rang = len(duty.rang)
    earful.scene()
    earful.until("Fri 22:40", step=timedelta(minutes=1))
    assert len(duty.rang) == rang
    assert duty.incidents == {key: "acknowledged"}

    # The brand answers in public: the next read sees it, the clock stops once, and the incident is over.
    earful.answers("We are so sorry. Please tell us where you are; we have called you.", at="Fri 22:41", to=complaint)
    earful.until("Fri 22:50")
    answered = earful.case_of("olga")
    assert answered.answered_at is not None
    assert [line.what for line in case_log.of_case(earful.database, olga.id)].count("answered") == 1
    assert duty.incidents == {}


def test_whoever_lets_it_go_is_called_again(night: tuple[World, Duty]) -> None:
    earful, duty = night
    earful.posts("olga", BURNT, at="Fri 22:05")
    earful.until("Fri 22:09")
    olga = earful.case_of("olga")
    assert duty.acknowledges(case_key(olga.id)) == 204
    earful.until("Fri 22:11")
    rang = len(duty.rang)
    earful.press(olga, "release", who="Ben")
    earful.until("Fri 22:40")
    assert earful.case_of("olga").owner == ""
    assert len(duty.rang) > rang, "the incident was resolved, so that the next call rings"
