"""An incident is shown above every page, has a page of its own, and is taken, held and ended there and by programs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from monitor.cli import app
from monitor.incidents.watch import Watch
from monitor.mcp_server import Desk
from monitor.store import incidents, mentions
from monitor.store.database import stamp
from monitor.store.sqlite import Sqlite
from tests.helpers import BROKEN, HOUR, LATE, NOW, case, post
from tests.web.office import Office


@pytest.fixture
def office(tmp_path: Path, sqlite: Sqlite) -> Iterator[Office]:
    made = Office(tmp_path, sqlite)
    yield made
    made.close()


def opened(office: Office) -> tuple[str, list[str]]:
    """An incident of three people, and their cases."""
    database = office.database
    said = [post(f"{words} <b>&", author=who, native_id=who) for words, who in
            ((BROKEN, "ana"), (f"{LATE} app", "bo"), ("Acme app is down, awful", "cy"))]  # fmt: skip
    made = office.take(*said)
    keys = [
        mentions.mention_key(database, "Acme", mentions.post_key(database, "forum", who)) for who in ("ana", "bo", "cy")
    ]
    with database.transaction():
        incident = incidents.begin(
            database,
            NOW,
            brand="Acme",
            kind="volume",
            start_at=NOW - HOUR,
            words=("app", "<i>down"),
            people=3,
            peak=3,
            mentions=9,  # of which few stand
        )
        incidents.join(database, incident, keys, NOW)
    return incident, made


def test_the_navigation_says_that_incidents_are_among_the_insights(office: Office) -> None:
    ana = office.person("Ana")
    incident, _ = opened(office)
    marked = [
        [place for place in ("/insights", "/causes", "/") if f'<a href="{place}" aria-current=' in ana.get(path).text]
        for path in ("/incidents", f"/incidents/{incident}", "/insights", "/causes")
    ]
    assert marked == [["/insights"], ["/insights"], ["/insights"], ["/causes"]]


def test_it_stands_above_every_page_until_it_is_over(office: Office) -> None:
    ana = office.person("Ana")
    assert "Incident:" not in ana.get("/").text
    incident, _ = opened(office)
    for path in ("/", "/mentions", "/sources", "/incidents"):
        text = ana.get(path).text
        assert f'href="/incidents/{incident}">Acme, 3 people since' in text, path
        assert "nobody has taken it" in text
        assert "&lt;i&gt;down" in text, "its words are somebody else's"
    ana.post(f"/incidents/{incident}", {"verb": "take"})
    assert "taken by Ana" in ana.get("/mentions").text
    answer = ana.post(f"/incidents/{incident}", {"verb": "end"}, follow_redirects=True)
    assert "Done: ended." in answer.text
    assert "ended by Ana" in answer.text
    assert "Incident:" not in ana.get("/").text
    assert ana.post(f"/incidents/{incident}", {"verb": "take"}).status_code == 409


def test_its_page_shows_the_posts_and_who_waits_and_one_press_says_that_we_said_so(office: Office) -> None:
    incident, made = opened(office)
    ana = office.person("Ana")
    text = ana.get(f"/incidents/{incident}").text
    assert "3 of 3 cases without an answer" in text
    assert "&lt;b&gt;&amp;" in text
    assert all(f'href="/cases/{one}"' in text for one in made)
    assert ana.post(f"/incidents/{incident}", {"verb": "said", "url": "javascript:alert(1)"}).status_code == 409
    answer = ana.post(
        f"/incidents/{incident}", {"verb": "said", "url": "https://forum.example/ours", "source": "forum"},
        follow_redirects=True,
    )  # fmt: skip
    assert "the first word for 3 cases" in answer.text
    assert all(case(office.database, one).held for one in made)
    assert ana.get("/incidents/99").status_code == 404
    viewer = office.person("Vera", "viewer")
    assert 'value="end"' not in viewer.get(f"/incidents/{incident}").text
    assert viewer.post(f"/incidents/{incident}", {"verb": "end"}).status_code == 403


def test_the_assistant_and_the_command_line_tell_the_same(office: Office, tmp_path: Path) -> None:
    incident, _ = opened(office)
    desk = Desk(lambda: office.assembly, lambda: NOW, "Ana")
    (told,) = desk.list_incidents(10)["incidents"]
    assert (told["id"], told["state"], told["people"], told["words"]) == (incident, "open", 3, ["app", "<i>down"])


def call(file: Path, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["--settings", str(file), *words])
    return result.exit_code, result.output if not result.exception else f"{result.output}{result.exception}"


def test_the_command_lists_shows_and_acts(sqlite: Sqlite, tmp_path: Path) -> None:
    from tests.helpers import assembly_of, settings_from, settings_on, take

    acme = assembly_of(sqlite, settings_from(tmp_path))
    take(acme, *(post("Acme kettle caught fire in my kitchen, unacceptable", author=f"c{one}") for one in range(3)))
    file = settings_on(tmp_path, sqlite)
    assert call(file, "incidents")[1].strip() == "no incidents so far"
    Watch(sqlite, acme.rules).look(NOW)
    code, said = call(file, "incidents")
    assert code == 0
    assert "Acme" in said
    assert "open" in said
    assert '"kind": "critical"' in call(file, "incidents", "--json")[1]
    assert "a critical story" in call(file, "incidents", "1")[1]
    assert call(file, "incidents", "1", "end")[0] == 0
    assert call(file, "incidents", "1", "end")[0] == 1
    assert call(file, "incidents", "7")[0] == 1


def test_the_facts_of_an_incident_are_told_by_the_readers_clock(office: Office) -> None:
    incident, _ = opened(office)
    said = NOW - 2 * HOUR
    office.database.run("UPDATE incidents SET peak_at = :at, said_publicly_at = :at", {"at": stamp(said)})
    nele = office.person("Nele")
    nele.post("/you", {"zone": "Asia/Tokyo"})
    text = nele.get(f"/incidents/{incident}").text
    there = said.astimezone(ZoneInfo("Asia/Tokyo"))
    assert f"we said so publicly: {there:%H:%M}" in text
    assert f"in an hour, {there:%H:%M}" in text
