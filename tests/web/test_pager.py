"""POST /pager/NAME, end to end: a critical case rings at a loopback pager and is acknowledged there, or here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from alerts.pager_webhook import case_key
from monitor.cases import actions, escalation
from monitor.store import case_log
from monitor.store.sqlite import Sqlite
from monitor.web.failures import MOST_FAILURES
from monitor.web.server import WebServer
from tests.alerts.contract_pager import KEY
from tests.alerts.test_pager import event, signature
from tests.fakes.server import FakeServer, Reply
from tests.helpers import HOUR, INJURY, MINUTE, Clock, assembly_of, case, deliver, lines, post, settings_from, take

SECRET = SecretStr("a-secret-of-the-webhook")
PEOPLE = '[[people]]\nname = "Ana"\nemail = "ana@example.org"\n'
TABLE = """
[[channels]]
name = "duty"
kind = "pager"
routing_key = { env = "KEY" }
webhook_secret = { env = "SECRET" }
api_key = { env = "READ" }
api_url = "%s"
timeout = 1.0
"""


class OnCall:
    """An installation that pages, and is reached by the pager's webhook."""

    def __init__(self, folder: Path, database: Sqlite, service: FakeServer) -> None:
        self.clock, self.service, self.database = Clock(), service, database
        service.route("/v2/enqueue", Reply(status=202))
        service.route("/users/PLH1HKV", {"user": {"email": "Ana@example.org"}})
        self.settings = settings_from(
            folder, channels=TABLE % service.url, notify=("duty",), operator=("duty",), tables=PEOPLE,
            earful='page_listen = "127.0.0.1:0"',
            environ={"KEY": KEY, "SECRET": SECRET.get_secret_value(), "READ": "read-only"},
        )  # fmt: skip
        self.assembly = assembly_of(database, self.settings)
        self.server = WebServer(lambda: self.assembly, self.clock)
        assert self.server.start()
        self.http = httpx2.Client(base_url=self.server.address, verify=False, timeout=10, trust_env=False)

    def call(self) -> str:
        """A critical case that rings at the pager; its number."""
        (number,) = take(self.assembly, post(INJURY))
        deliver(self.assembly, self.clock)
        return number

    def body(self, number: str, at: datetime | None = None, **changes: Any) -> bytes:
        told = {"occurred_at": (at or self.clock()).isoformat(), "data": {"incident_key": case_key(number)}}
        return event(**{**told, **changes})

    def told(self, body: bytes, header: str | None = None, name: str = "duty") -> int:
        headers = {"x-pagerduty-signature": signature(body, SECRET) if header is None else header}
        return self.http.post(f"/pager/{name}", content=body, headers=headers).status_code

    def heard(self) -> list[tuple[str, str]]:
        """What the service was told, after everything that is owed has been sent."""
        self.assembly.events.tick(self.clock())
        for name in self.assembly.events.due(self.clock()):
            self.assembly.events.serve(name, self.clock)
        sent = [seen.json for seen in self.service.ledger if seen.path == "/v2/enqueue"]
        return [(said["event_action"], said["dedup_key"]) for said in sent]

    def close(self) -> None:
        self.http.close()
        self.server.stop()


@pytest.fixture
def duty(tmp_path: Path, sqlite: Sqlite) -> Iterator[OnCall]:
    with FakeServer() as service:
        made = OnCall(tmp_path, sqlite, service)
        yield made
        made.close()


def test_an_acknowledgement_there_takes_the_case_here_and_reminders_stop(duty: OnCall) -> None:
    number = duty.call()
    assert duty.heard() == [("trigger", case_key(number))]
    before = case(duty.database, number).next_step_at
    assert before is not None
    assert duty.told(duty.body(number)) == 204
    found = case(duty.database, number)
    assert (found.owner, found.owner_id) == ("Ana", "settings:Ana"), "known by the address, whatever its case"
    (line,) = [line for line in case_log.of_case(duty.database, number) if line.what == "take"]
    assert (line.who, line.way) == ("Ana", "pager")
    assert found.next_step_at is not None
    assert found.next_step_at > before
    duty.clock.now = before + MINUTE
    escalation.escalate(duty.database, duty.assembly.rules, duty.clock())
    deliver(duty.assembly, duty.clock)
    assert duty.heard() == [("trigger", case_key(number)), ("acknowledge", case_key(number))]


def test_without_an_acknowledgement_it_rings_again_under_the_same_key(duty: OnCall) -> None:
    number = duty.call()
    again = case(duty.database, number).next_step_at
    assert again is not None
    duty.clock.now = again + MINUTE
    escalation.escalate(duty.database, duty.assembly.rules, duty.clock())
    deliver(duty.assembly, duty.clock)
    assert duty.heard() == [("trigger", case_key(number))] * 2


def test_taken_answered_and_open_again_here_is_told_there(duty: OnCall) -> None:
    number = duty.call()
    for verb in ("take", "release", "answered"):
        actions.say(
            duty.database, duty.assembly.rules, number, verb, who="Ana", way="page", now=duty.clock.forward(MINUTE)
        )
    assert [action for action, _ in duty.heard()] == ["trigger", "acknowledge", "resolve", "resolve"]


def test_a_case_that_never_rang_is_not_told_there(duty: OnCall) -> None:
    (number,) = take(duty.assembly, post(INJURY))
    with duty.database.transaction():
        duty.database.run("DELETE FROM deliveries")
    actions.say(duty.database, duty.assembly.rules, number, "take", who="Ana", way="page", now=duty.clock())
    assert duty.heard() == []


def test_whoever_is_not_known_by_address_takes_it_as_somebody_at_the_pager(duty: OnCall) -> None:
    number = duty.call()
    duty.service.route("/users/PLH1HKV", Reply(status=404))
    assert duty.told(duty.body(number, agent={"id": "PLH1HKV", "summary": "Ana", "type": "user_reference"})) == 204
    assert case(duty.database, number).owner == "Ana (pager)", "a name of their own never looks like one of ours"
    (line,) = [line for line in case_log.of_case(duty.database, number) if line.what == "take"]
    assert line.who_id == "pager:duty/PLH1HKV"


def test_what_is_not_proved_changes_nothing(duty: OnCall) -> None:
    number = duty.call()
    body = duty.body(number)
    wrong = signature(body, SecretStr("another-secret-altogether"))
    for header in ("", wrong, "v1=", signature(body, SECRET)[:-1], "v1=" + "0" * 2_000):
        assert duty.told(body, header) == 401
    assert duty.told(body + b" ", signature(body, SECRET)) == 401
    assert duty.told(body, name="nobody") == 404
    assert duty.told(b"{" + b" " * 1_000_001) == 413
    assert duty.told(b"{}") == 400
    assert case(duty.database, number).owner == ""


def test_the_same_told_again_and_an_old_one_are_answered_and_change_nothing(duty: OnCall) -> None:
    number = duty.call()
    assert duty.told(duty.body(number, duty.clock() - 50 * HOUR)) == 400
    body = duty.body(number)
    assert [duty.told(body) for _ in range(3)] == [204] * 3
    assert lines(duty.database, number).count("take") == 1


def test_whoever_fails_again_and_again_has_to_wait_and_is_heard_later(duty: OnCall) -> None:
    """As at the door: a body without its signature costs one all the same, and what PagerDuty repeats is heard then."""
    number = duty.call()
    body = duty.body(number)
    for header in ["", signature(body, SecretStr("another-secret-altogether"))] * (MOST_FAILURES // 2):
        assert duty.told(body, header) == 401
    answer = duty.http.post("/pager/duty", content=body, headers={"x-pagerduty-signature": signature(body, SECRET)})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
    assert case(duty.database, number).owner == ""
    duty.clock.forward(2 * MINUTE)
    assert duty.told(body) == 204
    assert case(duty.database, number).owner == "Ana"


def test_an_incident_with_a_key_of_its_own_is_known_by_its_alerts(duty: OnCall) -> None:
    number = duty.call()
    alerts = [{"alert_key": None}, {"alert_key": "disk-full"}, {"alert_key": case_key(number)}]
    duty.service.route("/incidents/PGR0VU2/alerts", {"alerts": alerts})
    assert duty.told(duty.body(number, data={"id": "PGR0VU2", "incident_key": None})) == 204
    assert case(duty.database, number).owner == "Ana"


def test_an_incident_of_another_program_takes_nothing(duty: OnCall) -> None:
    number = duty.call()
    duty.service.route("/incidents/PGR0VU2/alerts", {"alerts": [{"alert_key": "disk-full"}]})
    for key in ("disk-full", None, 7):
        assert duty.told(duty.body(number, data={"id": "PGR0VU2", "incident_key": key})) == 204
    assert case(duty.database, number).owner == ""
    assert not any(path.startswith("/users") for path in duty.service.paths()), "whoever it was is not asked for"
