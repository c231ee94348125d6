"""The page of sources lists who works where there are several, and /ready says what nobody does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.store import unjudged
from monitor.store.unjudged import Page
from tests.helpers import ANGRY, NOW, post
from tests.web.office import Office
from tests.web.test_metrics import told
from tests.worker_rows import Crew


@pytest.fixture
def office(tmp_path: Path, crew: Crew) -> Iterator[Office]:
    made = Office(tmp_path, crew.database)
    yield made
    made.close()


def test_the_page_lists_several_workers_and_keeps_quiet_of_one(office: Office, crew: Crew) -> None:
    viewer = office.person("Vera", "viewer")
    crew.add("app-1")
    assert "Workers" not in viewer.get("/sources").text
    assert viewer.get("/ready").json() == {"ok": True}
    crew.add("app-2", "judge", unseen=timedelta(minutes=7))
    with crew.database.transaction():
        unjudged.add(crew.database, "forum", Page((post(ANGRY),)), NOW)
    shown = " ".join(viewer.get("/sources").text.split())
    assert "<h2>Workers</h2>" in shown
    assert "everything" in shown
    assert 'gone</span> <span class="small soft">for 7 minutes' in shown
    assert "1 page is waiting to be judged: forum 1" in shown


def test_what_nobody_does_makes_it_not_ready(office: Office, crew: Crew) -> None:
    crew.add("app-1", "collect", "notify", "page")
    answer = office.browser().get("/ready")
    assert answer.status_code == 503
    fault = "nothing is judged: no worker has the role judge. Start one: earful run --roles judge"
    assert answer.json() == {"ok": False, "fault": fault}
    assert fault in office.person("Vera", "viewer").get("/sources").text


def test_metrics_count_workers_by_role_and_pages_by_source(office: Office, crew: Crew) -> None:
    crew.add("app-1", "collect", "notify", "page")
    crew.add("app-2", "judge")
    crew.add("app-3", "judge")
    crew.add("app-4", "judge", alive=False)
    with crew.database.transaction():
        unjudged.add(crew.database, "forum", Page((post(ANGRY),)), NOW)
    found = {key: value for key, value in told(office).items() if key[0] in {"earful_workers", "earful_pages_to_judge"}}
    assert found == {
        ("earful_workers", ("collect",)): 1,
        ("earful_workers", ("judge",)): 2,
        ("earful_workers", ("notify",)): 1,
        ("earful_workers", ("page",)): 1,
        ("earful_pages_to_judge", ("forum",)): 1,
        ("earful_pages_to_judge", ("chirp",)): 0,
        ("earful_pages_to_judge", ("news",)): 0,
    }
