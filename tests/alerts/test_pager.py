"""The pager: one incident a case there, whose words are proved and read."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from alerts import CaseEvent, ChannelError
from alerts.pager import Pager, Settings
from alerts.pager_webhook import acknowledged, case_key, case_of_key, signed
from tests.alerts.contract_pager import KEY
from tests.alerts.test_contract import ALERT, LETTER
from tests.fakes.server import FakeServer, Reply

SECRET = SecretStr("a-secret-of-the-webhook")
AT = datetime(2026, 11, 29, 9, 30, tzinfo=UTC)


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as running:
        running.route("/v2/enqueue", Reply(status=202))
        yield running


@pytest.fixture
def pager(server: FakeServer) -> Pager:
    return Pager(Settings(routing_key=SecretStr(KEY), api_key=SecretStr("read-only"), api_url=server.url, timeout=1.0))


def happened(name: str, case: str = "12") -> CaseEvent:
    return CaseEvent(id="e1", name=name, sequence=1, at=AT, case={"id": case})


def event(**changes: Any) -> bytes:
    """An acknowledgement in the documented shape."""
    said: dict[str, Any] = {
        "id": "01ABC",
        "event_type": "incident.acknowledged",
        "resource_type": "incident",
        "occurred_at": "2026-11-29T09:30:00.169Z",
        "agent": {"id": "PLH1HKV", "summary": "Ana of Acme", "type": "user_reference"},
        "client": None,
        "data": {"id": "PGR0VU2", "type": "incident", "status": "acknowledged", "incident_key": case_key("12")},
    }
    return json.dumps({"event": {**said, **changes}}).encode()


def signature(body: bytes, secret: SecretStr = SECRET) -> str:
    return "v1=" + hmac.new(secret.get_secret_value().encode(), body, hashlib.sha256).hexdigest()


def test_all_calls_about_a_case_have_one_key_and_how_grave_it_is(pager: Pager, server: FakeServer) -> None:
    pager.send(ALERT, "pager")
    pager.send(replace(ALERT, key="case:12/2", priority="critical"), "pager")
    first, second = (seen.json for seen in server.ledger)
    assert first["dedup_key"] == second["dedup_key"] == case_key("12")
    assert [each["payload"]["severity"] for each in (first, second)] == ["error", "critical"]
    assert first["event_action"] == "trigger"


def test_what_is_of_no_case_has_a_key_of_its_own(pager: Pager, server: FakeServer) -> None:
    pager.send(replace(ALERT, kind="notice"), "pager")
    pager.send(LETTER, "pager")
    keys = {seen.json["dedup_key"] for seen in server.ledger}
    assert len(keys) == 2
    assert case_key("12") not in keys
    assert all(not case_of_key(key) for key in keys)


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("case.taken", "acknowledge"),
        ("case.answered", "resolve"),
        ("case.closed", "resolve"),
        ("case.reopened", "resolve"),
    ],
)
def test_what_happens_here_is_told_under_the_same_key(pager: Pager, server: FakeServer, name: str, action: str) -> None:
    pager.tell(happened(name))
    (said,) = [seen.json for seen in server.ledger]
    assert (said["event_action"], said["dedup_key"]) == (action, case_key("12"))


def test_what_changes_nothing_there_is_not_told(pager: Pager, server: FakeServer) -> None:
    for name in ("case.opened", "case.overdue", "events.lost"):
        pager.tell(happened(name))
    pager.tell(CaseEvent(id="e1", name="case.taken", sequence=1, at=AT))
    assert server.ledger == []


def test_a_wrong_key_stops_the_channel_and_a_wrong_event_only_itself(pager: Pager, server: FakeServer) -> None:
    server.route("/v2/enqueue", Reply(status=400, json={"errors": ["Length of 'routing_key' is incorrect"]}))
    with pytest.raises(ChannelError) as refused:
        pager.send(ALERT, "pager")
    assert refused.value.channel_broken
    assert "routing_key" in refused.value.remedy
    server.route("/v2/enqueue", Reply(status=400, json={"errors": ["'payload.severity' is invalid"]}))
    with pytest.raises(ChannelError) as refused:
        pager.send(ALERT, "pager")
    assert refused.value.permanent
    assert not refused.value.channel_broken


def test_a_web_page_in_place_of_an_answer_is_not_taken_for_a_call(pager: Pager, server: FakeServer) -> None:
    """A proxy's sign-in page, or the service's web site in `api_url`: with status 200, and nobody is called."""
    server.mode = "html"
    with pytest.raises(ChannelError) as refused:
        pager.send(ALERT, "pager")
    assert refused.value.channel_broken
    assert "api_url" in refused.value.remedy
    with pytest.raises(ChannelError):
        pager.check()


def test_an_address_is_asked_for_with_the_key_and_no_answer_is_no_address(pager: Pager, server: FakeServer) -> None:
    server.route("/users/PLH1HKV", {"user": {"email": "ana@example.org"}})
    assert pager.email_of("PLH1HKV") == "ana@example.org"
    assert server.ledger[-1].headers["authorization"] == "Token token=read-only"
    asked = len(server.ledger)
    assert pager.email_of("../v2/enqueue") == ""
    assert len(server.ledger) == asked, "only an id is put into the address"
    for answer in (Reply(status=404), Reply(json={"user": None}), Reply(json=[1]), Reply(body="<html>")):
        server.route("/users/PLH1HKV", answer)
        assert pager.email_of("PLH1HKV") == ""


def test_one_good_signature_of_several_proves_the_raw_body() -> None:
    body = event()
    good, other = signature(body), signature(body, SecretStr("the-secret-of-before"))
    assert signed(body, good, SECRET)
    assert signed(body, f"{other}, {good}", SECRET)
    for header in ("", other, good.replace("v1=", "v2="), good.upper(), "v1=é", ",".join([other] * 20 + [good])):
        assert not signed(body, header, SECRET)
    assert not signed(body + b" ", good, SECRET)


def test_only_a_person_s_acknowledgement_of_a_case_is_one() -> None:
    found = acknowledged(event())
    assert found is not None
    assert (found.id, found.case_id, found.user_id, found.user_name) == ("01ABC", "12", "PLH1HKV", "Ana of Acme")
    assert found.at == datetime(2026, 11, 29, 9, 30, 0, 169000, tzinfo=UTC)
    others: list[dict[str, Any]] = [
        {"event_type": "incident.resolved"},
        {"agent": None},
        {"agent": {"id": "PX", "summary": "Events API", "type": "events_api_v2_inbound_integration_reference"}},
    ]
    for changes in others:
        assert acknowledged(event(**changes)) is None


@pytest.mark.parametrize("key", ["disk-full", "d3640fbd41094207a1c11e58e46b1662", "", None, 7, ["earful-case-12"]])
def test_an_incident_whose_key_is_not_ours_is_known_by_its_id_alone(key: object) -> None:
    found = acknowledged(event(data={"id": "PGR0VU2", "incident_key": key}))
    assert found is not None
    assert (found.case_id, found.incident_id) == ("", "PGR0VU2")


def test_the_keys_of_an_incident_s_alerts_name_the_case(pager: Pager, server: FakeServer) -> None:
    keys = ["disk-full", case_key("12"), case_key("13")]
    server.route("/incidents/PGR0VU2/alerts", {"alerts": [None, {}, *({"alert_key": key} for key in keys)]})
    assert pager.case_of("PGR0VU2") == "12"
    assert server.ledger[-1].headers["authorization"] == "Token token=read-only"
    asked = len(server.ledger)
    assert pager.case_of("PGR0VU2/../users") == ""
    assert Pager(pager.settings.model_copy(update={"api_key": None})).case_of("PGR0VU2") == ""
    assert len(server.ledger) == asked, "only an id is asked for, and only with a key"
    for answer in (Reply(status=404), Reply(json={"alerts": None}), Reply(json=[1]), Reply(body="<html>")):
        server.route("/incidents/PGR0VU2/alerts", answer)
        assert pager.case_of("PGR0VU2") == ""


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b"\xff", b'{"event": null}', event(occurred_at="soon"), event(occurred_at=7),
     event(data=None), event(agent="Ana"), b"[" * 100_000],
)  # fmt: skip
def test_what_is_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        acknowledged(body)


def test_a_short_key_is_refused_and_not_shown() -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(routing_key=SecretStr("hunter2"))
    assert "hunter2" not in str(refused.value)
