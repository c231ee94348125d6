"""What Prometheus is told, by whom it may be asked, and that it never holds a stranger's words."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from connectors import Quota
from monitor.store import key_values, sources, web
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from tests.helpers import CALM, LATE, deliver, post
from tests.web.office import Office

SECRET = "earful_a_token_of_prometheus"


def asked(office: Office) -> httpx2.Response:
    """What Prometheus gets, which has a token."""
    with office.database.transaction():
        if web.token(office.database, SECRET, "api", office.clock()) is None:
            web.add_token(office.database, SECRET, "prometheus", "api", office.clock(), role="viewer", until=None)
    return httpx2.get(
        f"{office.address}/metrics", headers={"authorization": f"Bearer {SECRET}"}, verify=False, timeout=20
    )


def told(office: Office) -> dict[tuple[str, tuple[str, ...]], float]:
    answer = asked(office)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_what_was_heard_what_waits_and_how_sources_stand_is_told(tmp_path: Path, database: Sqlite | Postgresql) -> None:
    office = Office(tmp_path, database)  # type: ignore[arg-type]
    try:
        office.take(post(LATE), post(CALM))
        with database.transaction():
            sources.succeeded(database, "forum", office.clock(), new=True)
            sources.failed(database, "chirp", office.clock(), "it answers 500", "wait", refused=False)
            sources.note_quota(database, "forum", Quota(remaining=17), office.clock())
        key_values.remember(database, "audit", "", office.clock())
        office.clock.forward(timedelta(minutes=2))
        found = told(office)
        assert found["earful_mentions", ()] == 2
        assert found["earful_flagged", ()] == 1
        assert found["earful_open_cases", ("ping",)] == 1
        assert found["earful_waiting_cases", ("waiting",)] == 1
        assert found["earful_source_last_success_age_seconds", ("forum",)] == 120
        assert ("earful_source_last_success_age_seconds", ("news",)) not in found
        assert found["earful_source_failing", ("chirp",)] == 1
        assert found["earful_source_failures", ("chirp",)] == 1
        assert found["earful_source_quota_left", ("forum",)] == 17
        assert found["earful_deliveries", ("pending",)] >= 1
        assert found["earful_oldest_delivery_age_seconds", ()] >= 60
        assert found["earful_audit_sound", ()] == 1
        assert found["earful_audit_age_seconds", ()] == 120
        deliver(office.assembly, office.clock)
        assert told(office)["earful_deliveries", ("pending",)] == 0
        key_values.remember(database, "audit", "a case has no next step", office.clock())
        assert told(office)["earful_audit_sound", ()] == 0
    finally:
        office.close()


def test_an_installation_that_has_heard_nothing_yet_answers_too(office: Office) -> None:
    assert told(office)["earful_mentions", ()] == 0


def test_a_token_is_needed_from_everywhere_and_a_host_of_ours(office: Office) -> None:
    for headers in ({}, {"x-forwarded-for": "127.0.0.1"}, {"authorization": "Bearer earful_wrong"}):
        assert httpx2.get(f"{office.address}/metrics", headers=headers, verify=False, timeout=20).status_code == 401
    assert asked(office).status_code == 200
    assert (
        httpx2.get(f"{office.address}/metrics", headers={"host": "evil.example"}, verify=False, timeout=20).status_code
        == 400
    )


def test_a_port_of_its_own_answers_metrics_without_a_token_and_nothing_else(tmp_path: Path, sqlite: Sqlite) -> None:
    office = Office(tmp_path, sqlite, earful='metrics_listen = "127.0.0.1:0"')
    try:
        alone = f"http://127.0.0.1:{office.server.metrics_port}"
        assert office.server.metrics_port not in {0, office.server.port}
        answer = httpx2.get(f"{alone}/metrics", headers={"host": "prometheus.internal"}, verify=False, timeout=20)
        assert "earful_mentions 0" in answer.text
        for path in ("/", "/login", "/health", "/api/v1/mentions", "/metrics/", "/static/app.css"):
            assert httpx2.get(alone + path, verify=False, timeout=20).status_code == 404, path
        assert httpx2.post(f"{alone}/metrics", verify=False, timeout=20).status_code == 405
        assert httpx2.get(f"{office.address}/metrics", verify=False, timeout=20).status_code == 401
    finally:
        office.close()


def test_a_port_that_is_taken_costs_the_metrics_alone(
    office: Office, tmp_path: Path, sqlite: Sqlite, caplog: pytest.LogCaptureFixture
) -> None:
    other = Office(tmp_path, sqlite, earful=f'metrics_listen = "127.0.0.1:{office.server.port}"')
    try:
        assert "can't serve /metrics" in caplog.text
        assert httpx2.get(f"{other.address}/health", verify=False, timeout=20).status_code == 200
        assert other.server.metrics_port == 0
    finally:
        other.close()


def test_no_label_holds_what_a_stranger_wrote_or_a_secret(office: Office) -> None:
    with office.database.transaction():
        sources.failed(office.database, "chirp", office.clock(), "MARKER in an error", "MARKER", refused=True)
    office.take(post(f"{LATE} MARKER", author="MARKER", url="https://x.example/MARKER", thread_id="MARKER"))
    text = asked(office).text
    assert "MARKER" not in text
    assert SECRET not in text
    labels = {key for family in text_string_to_metric_families(text) for s in family.samples for key in s.labels}
    assert labels == {"lane", "state", "source", "channel"}
