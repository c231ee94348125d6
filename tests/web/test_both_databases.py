"""Every page and every search on both databases."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.store import finding, key_values, web
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from tests.helpers import ANGRY, CHURN, HOUR, INJURY, MINUTE, case, post
from tests.web.office import Office
from tests.web.test_api import caller
from tests.web.test_cases import order


@pytest.fixture
def anywhere(tmp_path: Path, database: Sqlite | Postgresql) -> Iterator[Office]:
    """An office on each database."""
    made = Office(tmp_path, database)
    yield made
    made.close()


def test_every_page_shows_the_same_on_both(anywhere: Office) -> None:
    (old,) = anywhere.take(post(ANGRY, author="olga", ago=5 * HOUR))
    ids = [old, *anywhere.take(post(CHURN, author="olga", thread_id="t"), post(INJURY, author="ike"))]
    anywhere.take(post("Acme is fine, lovely", author="may"))
    key_values.remember(anywhere.database, "audit", "", anywhere.clock())
    admin = anywhere.person("Ida", "admin")
    states = [f"/?state={each}" for each in ("waiting", "taken", "later", "answered", "closed", "sweep")]
    filters = [
        "/?owner=Ida&brand=Acme&language=en&priority=urgent", "/mentions?label=negative&flagged=1",
        "/mentions?from=2026-03-01&to=2026-03-05", "/insights?days=365&brand=Acme",
    ]  # fmt: skip
    names = ["", "mentions", "insights", "sources", "desk", "settings", "people", "you", "ready", "mentions.csv"]
    for path in [*states, *filters, *(f"/{name}" for name in names)]:
        assert admin.get(path).status_code == 200, path
    for each in ids:
        assert admin.get(f"/cases/{each}").status_code == 200
    for row in anywhere.database.rows("SELECT id FROM mentions"):
        assert admin.get(f"/mentions/{row['id']}").status_code == 200


def test_a_search_that_stops_on_its_way_back_says_how_far_it_came(
    anywhere: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page, and a page of the API, take no longer the more there is."""
    monkeypatch.setattr(finding, "FEW", 0)
    monkeypatch.setattr(finding, "PATIENCE", 100)
    mugs = [post(f"Acme mugs are lovely {n}", author=f"a{n}", ago=(n + 1) * MINUTE) for n in range(250)]
    anywhere.take(post("Acme kettles are lovely", author="kit", ago=5 * HOUR), *mugs)
    admin = anywhere.person("Ida", "admin")
    first = admin.get("/mentions?q=lovely+kettles&source=forum").text
    assert "No matching mentions back to" in first
    (further,) = re.findall(r'href="([^"]*)" rel="next">Search further back', first)
    second = admin.get(html.unescape(further)).text
    while "Search further back" in second:
        (further,) = re.findall(r'href="([^"]*)" rel="next">Search further back', second)
        second = admin.get(html.unescape(further)).text
    assert "Acme kettles are lovely" in second
    program, found, cursor = caller(anywhere, "viewer"), [], ""
    while cursor is not None:
        answer = program.get("/mentions", params={"q": "kettles", **({"cursor": cursor} if cursor else {})}).json()
        found, cursor = found + [each["author"] for each in answer["mentions"]], answer["next"]
    assert found == ["kit"]


def test_a_search_with_operators_finds_what_the_filters_let_through_however_far_back(anywhere: Office) -> None:
    """On the page, over the API and in an export; what is not shown at once is offered as older."""
    mugs = [post(f"Acme mugs are lovely {n}", author=f"a{n}", ago=(n + 1) * MINUTE) for n in range(650)]
    old = post("Acme kettles never arrived, awful", author="kit", source="chirp", ago=200 * HOUR)
    anywhere.take(old, post("Acme kettles are lovely", author="lea", ago=100 * HOUR), *mugs)
    admin = anywhere.person("Ida", "admin")
    asked = "q=mugs+OR+kettles"
    assert "kettles never arrived" in admin.get(f"/mentions?{asked}&source=chirp").text
    assert "kettles never arrived" in admin.get(f"/mentions?{asked}&to=2026-02-26").text
    (cause,) = {row["cause_id"] for row in anywhere.database.rows("SELECT cause_id FROM caused")}
    shown = admin.get(f"/mentions?{asked}&cause={cause}").text
    assert re.findall(r'class="says" [^>]*>([^<]*)<', shown) == ["Acme kettles never arrived, awful"]
    assert len(admin.get(f"/mentions.csv?{asked}").text.splitlines()) == 653
    program, found, cursor = caller(anywhere, "viewer"), [], ""
    while cursor is not None:
        more = {"cursor": cursor} if cursor else {}
        answer = program.get("/mentions", params={"q": "mugs OR kettles", "limit": 200, **more}).json()
        found, cursor = found + [each["author"] for each in answer["mentions"]], answer["next"]
    assert found == [*(f"a{n}" for n in range(650)), "lea", "kit"]
    shown = admin.get("/mentions?q=kettles+NOT+mugs+AND+Acme").text
    while 'rel="next"' in shown and "never arrived" not in shown:
        (further,) = re.findall(r'href="([^"]*)" rel="next"', shown)
        shown = admin.get(html.unescape(further)).text
    assert "kettles never arrived" in shown


def test_the_verbs_the_search_and_the_desk_work_on_both(anywhere: Office) -> None:
    (twice,) = anywhere.take(post("Acme charged me for the wrong box, terrible", author="a"))
    (late,) = anywhere.take(post("Acme my parcel never arrived, awful service", author="b"))
    lead = anywhere.person("Lea", "lead")
    assert order(lead.get("/?q=charged").text) == [twice]
    assert order(lead.get("/", params={"q": '"charged me" OR parcel'}).text) in ([twice, late], [late, twice])
    assert order(lead.get("/", params={"q": "acme author:b"}).text) == [late]
    lead.get(f"/cases/{twice}")
    lead.post(f"/cases/{twice}", {"verb": "take"})
    assert case(anywhere.database, twice).owner == "Lea"
    lead.get("/desk")
    lead.post("/desk", {"key": "desk.holidays", "value": "2026-12-25"})
    assert web.desk_values(anywhere.database) == {"desk.holidays": '["2026-12-25"]'}
    before = web.desk_revision(anywhere.database)
    lead.post("/desk/undo", {"n": web.desk_changes(anywhere.database)[0]["n"]})
    assert web.desk_revision(anywhere.database) != before
    path = anywhere.link(late)
    reader = anywhere.browser()
    proof = reader.get(path).text.split('name="proof" value="')[1].split('"')[0]
    assert reader.post(path, {"proof": proof, "verb": "take"}).status_code == 200
    assert case(anywhere.database, late).owner == "Ana"
    assert len(lead.get("/mentions.jsonl").text.splitlines()) == 2
