"""YouTube: own channels by their accounts, videos within the day's searches, own replies, and what its errors mean."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors import Account, Batch, Closed, ConnectorError, Conversation, RateLimited, Refused, Request
from tests.connectors.contract_youtube import CHANNEL, REQUEST, VIDEO, comment, listed, make, thread
from tests.connectors.contracts import CANARY, NOW, again, first_request, walk
from tests.fakes.server import FakeServer, Reply

HOUR = timedelta(hours=1)
SEARCHED = first_request("youtube", ("Acme", "acme air", 'a"b|c'))


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as running:
        yield running


def video(name: str, hours: int = 1, **changes: Any) -> dict[str, Any]:
    held = {
        "publishedAt": (NOW - hours * HOUR).isoformat(), "channelId": "UC" + "b" * 22, "channelTitle": "Tests &amp; Co",
        "title": "Acme kettle &amp; lid", "description": "It leaks", **changes,
    }  # fmt: skip
    return {"kind": "youtube#searchResult", "id": {"kind": "youtube#video", "videoId": name}, "snippet": held}


def error(status: int, reason: str) -> Reply:
    return Reply(status, json={"error": {"code": status, "message": CANARY, "errors": [{"reason": reason}]}})


def test_a_thread_brings_its_replies_and_only_its_comment_speaks_to_us(server: FakeServer) -> None:
    reply = comment(1, parentId=comment(2)["id"], authorChannelId={"value": CHANNEL}, updatedAt=NOW.isoformat())
    server.route("/commentThreads", listed(thread(2, replies=[reply, {"id": "odd"}])))
    top, answer = make(server, 20).fetch(REQUEST).posts
    assert (top.addressed, top.thread_id, top.parent_id) == ((CHANNEL, "*"), "", "")
    assert (answer.addressed, answer.thread_id, answer.parent_id) == ((), top.native_id, top.native_id)
    assert (answer.parent_author, answer.author_id, answer.edited_at) == ("@person2", CHANNEL, NOW)
    assert top.url == f"https://www.youtube.com/watch?v={VIDEO}&lc={top.native_id}"
    seen = server.ledger[0]
    assert seen.one("allThreadsRelatedToChannelId") == CHANNEL
    assert (seen.headers["x-goog-api-key"], seen.query.get("key")) == (CANARY, None)  # no secret in an address


def test_without_an_account_no_channel_is_read_and_without_search_nothing(server: FakeServer) -> None:
    assert make(server, 20).fetch(first_request("youtube")).complete
    assert server.ledger == []


def test_videos_are_found_by_one_search_for_all_words_and_their_comments_read(server: FakeServer) -> None:
    server.route("/search", listed(video("aaaaaaaaaaa"), video("bbbbbbbbbbb", 2)))
    server.route("/commentThreads", lambda seen: listed(thread(3, videoId=seen.one("videoId"))))
    connector = make(server, 20, search=True)
    (found,) = walk(connector, SEARCHED)
    assert [(post.native_id, post.title, post.author) for post in found.posts] == [
        ("aaaaaaaaaaa", "Acme kettle & lid", "Tests & Co"), ("bbbbbbbbbbb", "Acme kettle & lid", "Tests & Co"),
    ]  # fmt: skip
    assert server.ledger[0].one("q") == 'Acme|"acme air"|"a b c"'
    later = again(SEARCHED, found.cursor, timedelta(minutes=17))
    posts = [post for batch in walk(connector, later) for post in batch.posts if post.addressed == ()]
    assert {seen.one("videoId") for seen in server.ledger if seen.path == "/commentThreads"} == {
        "aaaaaaaaaaa", "bbbbbbbbbbb",
    }  # fmt: skip
    assert len(posts) == 4


def test_searches_are_spread_over_the_day_and_end_with_it(server: FakeServer) -> None:
    """Google's day ends at midnight in California; what is not due costs nothing."""
    server.route("/search", listed())
    connector = make(server, 20, search=True, searches_per_day=3, videos=0)
    request = replace(SEARCHED, now=datetime(2026, 11, 20, 8, 30, tzinfo=UTC), since=NOW - 24 * HOUR)
    at: list[float] = []
    for hour in range(26):
        asked = len(server.ledger)
        batch = walk(connector, again(request, request.cursor, HOUR if hour else timedelta()))[-1]
        request = again(request, batch.cursor, HOUR if hour else timedelta())
        at += [hour] * (len(server.ledger) - asked)
    assert at == [0, 8, 16, 24]


def test_what_a_walk_cost_is_rested_for_so_that_the_days_units_last(server: FakeServer) -> None:
    server.route("/commentThreads", listed(thread(1)))
    connector, request = make(server, 20), REQUEST
    for minute in range(3):  # asked every second for three minutes, each walk of one unit rests 14.4 seconds
        for second in range(60):
            now = NOW + timedelta(minutes=minute, seconds=second)
            batch = connector.fetch(replace(request, now=now))
            request = replace(request, cursor=batch.cursor)
    assert len(server.ledger) == 12
    server.route("/comments", listed(kind="comment"))
    asked = tuple(Conversation(comment(number)["id"], (), NOW) for number in range(5))
    assert connector.fetch_conversations(asked, REQUEST).not_before == NOW + timedelta(seconds=5 * 28.8)


def test_a_day_without_searches_left_does_not_stop_the_comments(server: FakeServer) -> None:
    server.route("/search", error(403, "quotaExceeded"))
    server.route("/commentThreads", listed(thread(1)))
    batches = walk(make(server, 20, search=True), replace(REQUEST, terms=("Acme",)))
    assert [len(batch.posts) for batch in batches] == [1, 0]
    assert any("no more searches today" in notice for batch in batches for notice in batch.notices)


def test_a_video_without_comments_is_left_out_quietly(server: FakeServer) -> None:
    server.route("/search", listed(video("aaaaaaaaaaa")))
    server.route("/commentThreads", error(403, "commentsDisabled"))
    connector = make(server, 20, search=True)
    (found,) = walk(connector, SEARCHED)
    later = walk(connector, again(SEARCHED, found.cursor, timedelta(minutes=5)))
    assert [notice for batch in later for notice in batch.notices] == []
    asked = len(server.ledger)
    walk(connector, again(SEARCHED, later[-1].cursor, timedelta(minutes=10)))
    assert len(server.ledger) == asked


def test_handles_are_looked_up_and_what_is_none_is_left(server: FakeServer) -> None:
    there = {"id": CHANNEL, "snippet": {"title": "Acme", "customUrl": "@acme"}}
    server.route("/channels", lambda seen: listed(there) if seen.one("forHandle") == "@acme" else listed())
    found, _ = make(server, 20).identify(("acme", "nobody", "no handle!"), REQUEST)
    assert found == {"acme": Account(CHANNEL, "@acme"), "nobody": Account("")}
    server.route("/channels", {"kind": "youtube#channelListResponse"})  # as it really answers where there is none
    assert make(server, 20).identify(("acme",), REQUEST)[0] == {"acme": Account("")}


def test_what_is_not_in_the_answer_is_gone(server: FakeServer) -> None:
    one, two = comment(1)["id"], comment(2)["id"]
    server.route("/comments", listed({"id": one}, kind="comment"))
    server.route("/videos", listed({"id": VIDEO}, kind="video"))
    batch = make(server, 20).refresh((one, two, VIDEO, "aaaaaaaaaaa", "no id"), REQUEST)
    assert set(batch.deleted) == {two, "aaaaaaaaaaa"}
    assert [seen.one("id") for seen in server.ledger] == [f"{VIDEO},aaaaaaaaaaa", f"{one},{two}"]


def test_a_reply_answers_whom_it_names_and_not_whoever_began_the_thread(server: FakeServer) -> None:
    """YouTube hangs every reply under the first comment: our answer to Ana would stop the clock of Bo, who began."""
    top = comment(9)["id"]
    ours = comment(1, parentId=top, textDisplay="@person2 sorry, it is on its way", authorDisplayName="@acme")
    theirs, stranger = comment(2, parentId=top), comment(3, parentId=top, textDisplay="@nobody-here what?")
    server.route("/comments", listed(ours, theirs, stranger, kind="comment"))
    batch = make(server, 20).fetch_conversations((Conversation(top, (), NOW - HOUR),), REQUEST)
    assert [(post.author, post.parent_id, post.parent_author) for post in batch.posts] == [
        ("@acme", theirs["id"], "@person2"),
    ]  # fmt: skip
    every = make(server, 20).fetch_conversations((Conversation(top, (), NOW - 9 * HOUR),), REQUEST).posts
    assert [post.parent_id for post in every] == [top, top, theirs["id"]]


def test_a_videos_conversation_is_what_is_said_below_it(server: FakeServer) -> None:
    server.route("/commentThreads", listed(thread(1), thread(30)))
    server.route("/comments", error(404, "notFound"))
    asked = (Conversation(VIDEO, (), NOW - 5 * HOUR), Conversation(comment(9)["id"], (), NOW - 5 * HOUR))
    batch: Batch = make(server, 20).fetch_conversations(asked, Request("youtube", (), "", NOW, NOW))
    assert [(post.author, post.thread_id) for post in batch.posts] == [("@person1", VIDEO)]


@pytest.mark.parametrize(
    ("status", "reason", "kind", "remedy"),
    [
        (400, "API_KEY_INVALID", Refused, "key"),
        (403, "accessNotConfigured", Refused, "enabled"),
        (403, "quotaExceeded", RateLimited, "retry"),
        (404, "channelNotFound", Closed, "channel"),
        (500, "backendError", ConnectorError, "retry"),
    ],
)
def test_what_youtube_refuses_says_what_to_do(
    server: FakeServer, status: int, reason: str, kind: type[ConnectorError], remedy: str
) -> None:
    server.route("/commentThreads", error(status, reason))
    with pytest.raises(kind) as caught:
        make(server, 20).fetch(REQUEST)
    assert remedy in caught.value.remedy
    assert CANARY not in str(caught.value)
    if isinstance(caught.value, RateLimited):  # until midnight in California
        assert caught.value.retry_at == datetime(2026, 11, 21, 8, 5, tzinfo=UTC)
