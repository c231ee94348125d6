"""A new installation says what it waits for, and shows what its query would catch without storing any of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.store import sources
from monitor.store.sqlite import Sqlite
from monitor.web import waiting
from tests.browser.days import SampleDay
from tests.helpers import MINUTE, count
from tests.web.office import Browser, Office

LOST = '[[sources]]\nname = "lost"\nkind = "replay"\nfile = "no-such-file.jsonl"\n'


@pytest.fixture
def fresh(tmp_path: Path, sqlite: Sqlite) -> Iterator[SampleDay]:
    """An installation that has read nothing yet."""
    made = SampleDay(tmp_path, sqlite, heard=False, more=LOST)
    yield made
    made.close()


def test_a_new_page_says_what_it_waits_for_and_shows_twenty_posts_that_are_not_stored(fresh: SampleDay) -> None:
    visitor = Browser(fresh.address)
    now = fresh.clock()
    with fresh.database.transaction():
        sources.failed(fresh.database, "reviews", now, "Can't resolve reviews.example", "Check it.", refused=False)
        fresh.database.run(
            "UPDATE sources SET last_success_at = :at, next_due_at = :due WHERE name = 'chirp'",
            {"at": f"{now - 3 * MINUTE:%Y-%m-%dT%H:%M:%S.%fZ}", "due": f"{now + 5 * MINUTE:%Y-%m-%dT%H:%M:%S.%fZ}"},
        )
    shown = visitor.get("/").text
    for words in ("Waiting for the first post", "Nothing about Trundlewick has matched yet", "3 minutes ago",
                  "in 5 minutes", "reviews.example", "not yet"):  # fmt: skip
        assert words in shown, words
    assert "Waiting for the first post" not in visitor.get("/?q=refund").text
    looked = visitor.post("/try")
    assert looked.status_code == 200
    assert len(re.findall(r"<li>\n<div class=\"head\">", looked.text)) == waiting.SHOWN
    assert "matched: " in looked.text
    assert "lost: the file no-such-file.jsonl can&#39;t be read" in looked.text
    assert "Nothing was stored" in looked.text
    assert (count(fresh.database, "posts"), count(fresh.database, "mentions")) == (0, 0)
    with waiting._ONE_AT_A_TIME:
        assert visitor.post("/try").status_code == 409
    fresh.assembly.collector.visit("chirp", "posts", fresh.clock)
    assert "Waiting for the first post" not in visitor.get("/").text
    visitor.close()


def test_only_leads_may_look(office: Office) -> None:
    olle = office.person("Olle")
    assert "Waiting for the first post" in olle.get("/").text
    assert "Show what the query finds now" not in olle.get("/").text
    assert olle.post("/try").status_code == 403
