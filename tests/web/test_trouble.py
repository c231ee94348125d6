"""What the page says while people are not alerted, sources are not read, or nothing can be stored."""

from __future__ import annotations

import re
from datetime import datetime

import pytest

from monitor.cases import actions
from monitor.ingest import source_health
from monitor.store import channel_health, disk, key_values, sources
from tests.helpers import HOUR, MINUTE, post
from tests.web.office import Office

CALM = "Everything is answered or assigned"


def read(office: Office, *names: str) -> None:
    """These sources were read a moment ago, and the daemon runs."""
    now = office.clock()
    with office.database.transaction():
        key_values.remember(office.database, "audit", "", now)
        for name in names:
            sources.succeeded(office.database, name, now, new=False)


def inbox(office: Office) -> str:
    return office.person("Ana").get("/").text


def test_an_empty_inbox_is_good_news_only_where_everything_is_read(office: Office) -> None:
    assert CALM not in inbox(office), "nothing has matched yet"
    (case_id,) = office.take(post())
    actions.say(
        office.database, office.assembly.rules, case_id, "dismiss", who="Ana", way="page", now=office.clock(),
        detail={"why": "spam"},
    )  # fmt: skip
    assert "Nothing has been read yet" in inbox(office)
    assert CALM not in inbox(office)
    read(office, "forum", "chirp", "news")
    assert CALM in inbox(office)
    assert "Nobody is waiting" in inbox(office)


def test_an_empty_inbox_names_what_is_not_read(office: Office) -> None:
    read(office, "forum", "chirp", "news")
    with office.database.transaction():
        sources.failed(office.database, "chirp", office.clock(), "503", "", refused=False)
        sources.pause(office.database, "news", office.clock(), "Ana")
    text = inbox(office)
    assert "chirp, news are not read at the moment" in text
    assert CALM not in text
    assert "Nobody is waiting" not in text


def test_an_empty_inbox_without_a_daemon_says_so(office: Office) -> None:
    read(office, "forum", "chirp", "news")
    office.clock.forward(HOUR)
    assert "Earful is not running" in inbox(office)


def test_a_channel_that_takes_nothing_stands_at_the_head_of_every_page(office: Office) -> None:
    office.take(post())
    assert "Nobody is being alerted" not in inbox(office)
    with office.database.transaction():
        channel_health.failed(
            office.database, "console", office.clock(), "503 from its server", "wait", None, broken=False
        )
    office.clock.forward(11 * MINUTE)
    for path in ("/", "/mentions", "/sources"):
        text = office.person("Ana").get(path).text
        assert "console has been down since" in text
        assert "Nobody is being alerted" in text
    assert "Nobody is being alerted" not in office.browser().get("/login").text


def test_the_banner_tells_since_when_by_the_readers_clock(office: Office) -> None:
    with office.database.transaction():
        channel_health.failed(
            office.database, "console", office.clock(), "503 from its server", "wait", None, broken=False
        )
    office.clock.forward(11 * MINUTE)
    nele = office.person("Nele")
    here = re.findall(r"has been down since (\d+ \w+ [\d:]+)", nele.get("/").text)
    nele.post("/you", {"zone": "Asia/Tokyo"})
    there = re.findall(r"has been down since (\d+ \w+ [\d:]+)", nele.get("/").text)
    assert (here, there) == (["4 Mar 10:00"], ["4 Mar 19:00"])


@pytest.mark.parametrize("noted", ["the disk is full", "the disk cannot be written to"])
def test_ready_says_that_nothing_can_be_stored(office: Office, noted: str) -> None:
    read(office, "forum", "chirp", "news")
    assert office.browser().get("/ready").status_code == 200
    with office.database.transaction():
        key_values.remember(office.database, disk.NOT_STORED, noted, office.clock())
    answer = office.browser().get("/ready")
    assert answer.status_code == 503
    assert noted in answer.json()["fault"]


def test_ready_tries_a_write(office: Office) -> None:
    read(office, "forum", "chirp", "news")
    assert office.browser().get("/ready").status_code == 200
    with office.database.transaction():
        office.database.script(
            [
                "CREATE TRIGGER no_room BEFORE UPDATE ON facts WHEN new.key = 'written' "
                "BEGIN SELECT raise(ABORT, 'database or disk is full'); END"
            ]
        )
    assert "the disk is full" in office.browser().get("/ready").json()["fault"]


def test_what_is_told_of_little_space_and_none_is_what_the_disk_says(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system's own answer is replaced: a disk cannot be filled for a test."""
    left = {"free": source_health.LITTLE_SPACE}
    monkeypatch.setattr("shutil.disk_usage", lambda _path: type("Usage", (), left)())
    assert notices_at(office, office.clock()) == []
    left["free"] = source_health.LITTLE_SPACE - 1
    assert [each for each in notices_at(office, office.clock()) if "only 199 MB free" in each]
    assert disk.fault(office.database, office.clock()) == ""
    left["free"] = disk.NO_ROOM - 1
    assert disk.fault(office.database, office.clock()) == "the disk is full"


def notices_at(office: Office, now: datetime) -> list[str]:
    from tests.helpers import notices

    source_health.look(office.database, office.assembly.rules, now)
    return notices(office.database)
