"""The door: other programs bring what customers say; from there on it goes like anything that a network showed."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from alerts.case import Case
from monitor.reports import digest
from monitor.store import arrived, cases
from monitor.store.database import stamp
from monitor.web.server import WebServer
from tests.helpers import count
from tests.story.world import TABLES, World, moment, world

SECRET, TOKEN = "a-secret-that-both-sides-share", "a-token-for-those-who-cannot-sign"
DOORS = """
[[sources]]
name = "reviews"
kind = "inbound"
secret = {{ file = "door.secret" }}
about = "Harbour Tea"

[[sources]]
name = "survey"
kind = "inbound"
token = {{ file = "door.token" }}
preset = "survey"
"""
ONE_STAR = {
    "id": "r-1", "author": "Nadia", "rating": 1, "title": "Never again", "text": "Two weeks and no parcel.",
    "url": "https://reviews.example/r-1", "posted_at": "2026-11-16T10:00:00Z",
}  # fmt: skip


class Outside:
    """Who brings posts to the page of a world."""

    def __init__(self, earful: World) -> None:
        self.earful = earful
        self.server = WebServer(lambda: earful.assembly, earful.clock)
        self.server.port = 0
        assert self.server.start()
        self.http = httpx2.Client(base_url=self.server.address, verify=False, timeout=20, trust_env=False)

    def signs(self, name: str, body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        raw = json.dumps(body).encode()
        stamp = str(int(self.earful.now.timestamp()))
        proof = hmac.new(SECRET.encode(), f"{stamp}.".encode() + raw, hashlib.sha256).hexdigest()
        return self._sends(name, raw, {"Earful-Signature": f"t={stamp},v1={proof}"})

    def bears(self, name: str, body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        return self._sends(name, json.dumps(body).encode(), {"Authorization": f"Bearer {TOKEN}"})

    def _sends(self, name: str, raw: bytes, proof: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        answer = self.http.post(f"/in/{name}", content=raw, headers={"Content-Type": "application/json", **proof})
        return answer.status_code, answer.json()

    def close(self) -> None:
        self.http.close()
        self.server.stop()


@pytest.fixture
def outside(tmp_path: Path, database_url: str) -> Iterator[Outside]:
    """A world whose sources were read before anybody brought anything; it is ten o'clock on Monday."""
    (tmp_path / "door.secret").write_text(SECRET)
    (tmp_path / "door.token").write_text(TOKEN)
    for each in tmp_path.glob("door.*"):
        each.chmod(0o600)
    tables = TABLES.replace('mastodon = ["harbourtea"]', 'mastodon = ["harbourtea"], reviews = ["care"]')
    with world(tmp_path, database_url, start="Mon 09:59", tables=tables + DOORS) as earful:
        earful.until("Mon 10:00")
        made = Outside(earful)
        try:
            yield made
        finally:
            made.close()


def case_on(earful: World, source: str) -> Case:
    (row,) = earful.database.rows("SELECT id FROM cases WHERE source = :source", {"source": source})
    found = cases.one(earful.database, row["id"])
    assert found is not None
    return found


def test_a_review_comes_in_and_calls_people_and_the_reply_inside_it_stops_the_clock(outside: Outside) -> None:
    """The process dies between 202 and the reading; the reply comes with the same id, at its own time."""
    earful = outside.earful
    assert outside.signs("reviews", ONE_STAR) == (202, {"accepted": True, "repeated": False})
    assert outside.signs("reviews", ONE_STAR) == (200, {"accepted": True, "repeated": True}), "said twice, kept once"
    assert count(earful.database, "posts") == 0, "nothing of it is read before it is answered"
    earful.forget()
    earful.until("Mon 10:02")
    (message,) = earful.messages()
    assert "Two weeks and no parcel" in earful.slack.reads(message)
    assert "1 star" in earful.slack.reads(message)
    case = case_on(earful, "reviews")
    assert (case.priority, case.answered_at) == ("urgent", None)
    assert arrived.backlog(earful.database, "reviews") == (0, 0)
    assert count(earful.database, "arrived", "body IS NOT NULL") == 0, "what was read is not kept a second time"

    earful.now = moment("Mon 10:20")
    reply = {"reply": "Sorry, your parcel was lost. We sent a new one today.", "replied_at": "2026-11-16T10:15:00Z"}
    assert outside.signs("reviews", {**ONE_STAR, **reply})[0] == 202
    earful.until("Mon 10:21")
    assert case_on(earful, "reviews").answered_at == moment("Mon 10:15")
    assert count(earful.database, "posts") == 1


def test_a_nought_without_words_is_a_case_and_two_of_them_are_two(outside: Outside) -> None:
    """Nobody says who they are, and the tool repeats no id: two customers may well say the same."""
    earful = outside.earful
    for _ in range(2):
        assert outside.bears("survey", {"nps": 0})[0] == 202
    assert outside.bears("survey", {"nps": 9})[0] == 202
    earful.until("Mon 10:02")
    found = earful.database.rows("SELECT * FROM cases WHERE source = 'survey' ORDER BY n")
    assert [(row["lane"], row["rating"]) for row in found] == [("ping", 1.0), ("ping", 1.0)]
    assert count(earful.database, "posts", "source = 'survey'") == 3
    told = " ".join(earful.slack.reads(each) for each in earful.messages())
    assert "0 of 10" in told
    assert "was not answered before" not in told, "who gave no name is not the one before"


def test_what_a_survey_scored_is_in_the_letter_of_the_week(outside: Outside) -> None:
    earful = outside.earful
    for score, words in ((10, "Lovely tea, I tell everybody."), (9, ""), (3, "Two weeks for a parcel.")):
        assert outside.bears("survey", {"nps": score, "comment": words, "customer": f"person {score}"})[0] == 202
    earful.until("Mon 10:02")
    letter = digest.letter_of(earful.database, earful.assembly.rules, earful.now, key="k").text
    assert "survey: NPS 33 (only 3 ratings)." in letter
    assert "person 3" not in letter
    assert case_on(earful, "survey").author == "person 3", "who gave three waits for an answer"


def test_our_own_reply_comes_by_the_same_door_and_what_is_deleted_there_is_forgotten(outside: Outside) -> None:
    earful = outside.earful
    other = {**ONE_STAR, "id": "r-2", "author": "Timo", "text": "The teapot leaks.", "thread": "r-2"}
    outside.signs("reviews", ONE_STAR)
    outside.signs("reviews", other)
    earful.until("Mon 10:05")
    ours = {"id": "r-3", "author": "care", "text": "We have sent you a new one today, sorry.", "parent": "r-1"}
    outside.signs("reviews", {**ours, "thread": "r-1", "posted_at": "2026-11-16T10:04:00Z"})
    outside.signs("reviews", {"id": "r-2", "deleted": True})
    earful.until("Mon 10:07")
    rows = earful.database.rows("SELECT * FROM cases WHERE source = 'reviews' ORDER BY answered_at")
    assert [row["answered_at"] for row in rows] == ["", stamp(moment("Mon 10:04"))]
    assert [bool(row["closed_at"]) for row in rows] == [True, False]
    assert count(earful.database, "posts", "text LIKE '%teapot%'") == 0


def test_what_arrives_while_its_source_is_read_waits_for_half_a_minute_at_most(outside: Outside) -> None:
    """The end of a visit says when the next one is due, whatever came during it."""
    earful = outside.earful
    due = earful.database.row("SELECT next_due_at FROM sources WHERE name = 'reviews'")
    assert due is not None
    earful.until("Mon 10:00:30")
    assert outside.signs("reviews", ONE_STAR)[0] == 202
    earful.database.run("UPDATE sources SET next_due_at = '2026-11-16T10:01:00.000000Z' WHERE name = 'reviews'")
    earful.now += timedelta(seconds=30)
    earful.tick()
    assert count(earful.database, "cases", "source = 'reviews'") == 1
