"""What Prometheus is told, by whom it may be asked, and that it never holds a stranger's words."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import httpx2
from prometheus_client.parser import text_string_to_metric_families

from connectors import Quota
from monitor.store import key_values, sources, web
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from tests.helpers import CALM, LATE, deliver, post
from tests.web.office import Office

SECRET = "earful_a_token_of_prometheus"


def told(office: Office) -> dict[tuple[str, tuple[str, ...]], float]:
    answer = httpx2.get(f"{office.address}/metrics", timeout=20)
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


def test_through_a_proxy_or_under_another_name_a_token_is_needed(office: Office) -> None:
    with office.database.transaction():
        web.add_token(office.database, SECRET, "prometheus", "api", office.clock(), role="viewer", until=None)
    named = office.settings.earful.page_url.partition("//")[2]
    for headers in ({"x-forwarded-for": "10.0.0.9"}, {"forwarded": "for=10.0.0.9"}, {"via": "1.1 x"}):
        assert httpx2.get(f"{office.address}/metrics", headers=headers, timeout=20).status_code == 401
        allowed = {**headers, "authorization": f"Bearer {SECRET}"}
        assert httpx2.get(f"{office.address}/metrics", headers=allowed, timeout=20).status_code == 200
    assert named.startswith("127.0.0.1")
    assert httpx2.get(f"{office.address}/metrics", headers={"host": "evil.example"}, timeout=20).status_code == 400


def test_a_published_page_wants_a_token_from_this_machine_too(tmp_path: Path, sqlite: Sqlite) -> None:
    """A proxy beside us that says nothing of itself still asks for the page's public name."""
    office = Office(tmp_path, sqlite, earful='page_url = "https://earful.example.org"')
    try:
        headers = {"host": "earful.example.org"}
        assert httpx2.get(f"{office.address}/metrics", headers=headers, timeout=20).status_code == 401
    finally:
        office.close()


def test_no_label_holds_what_a_stranger_wrote_or_a_secret(office: Office) -> None:
    with office.database.transaction():
        web.add_token(office.database, SECRET, "prometheus", "api", office.clock(), role="viewer", until=None)
        sources.failed(office.database, "chirp", office.clock(), "MARKER in an error", "MARKER", refused=True)
    office.take(post(f"{LATE} MARKER", author="MARKER", url="https://x.example/MARKER", thread_id="MARKER"))
    text = httpx2.get(f"{office.address}/metrics", timeout=20).text
    assert "MARKER" not in text
    assert SECRET not in text
    labels = {key for family in text_string_to_metric_families(text) for s in family.samples for key in s.labels}
    assert labels == {"lane", "state", "source", "channel"}
