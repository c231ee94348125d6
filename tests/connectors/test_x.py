"""X through the real tweepy, against a loopback server with X's rules."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic import ValidationError

from connectors import Batch, Closed, ConnectorError, Conversation, NoCredit, Nonsense, RateLimited, Refused, Request
from connectors.budget import Ledger, budget_state, forecast
from connectors.pagination import Walk
from connectors.terms import any_of
from connectors.x.connector import QUERY_LIMIT, X
from connectors.x.responses import reset_at
from connectors.x.settings import Settings
from tests.connectors.contracts import CANARY, NOW, again, first_request, walk
from tests.fakes.server import FakeServer, Reply
from tests.fakes.x import PROBLEMS, FakeX

RECORDED = Path(__file__).parents[3] / "shared/data/recorded"
OWN = "5001"


@pytest.fixture
def x():
    with FakeX(NOW, f"AAAA{CANARY}") as server:
        yield server


def reader(server: FakeServer, **changes: Any) -> X:
    given = {"bearer_token": f"AAAA{CANARY}", "api_url": server.url, "monthly_budget": None}
    bounds = {"page_size": 10} | {name: changes.pop(name) for name in ("page_size", "total_seconds") if name in changes}
    return X(Settings(**{**given, **changes}), **bounds)


def ids(batches: list[Batch]) -> list[str]:
    return [post.native_id for batch in batches for post in batch.posts]


def fill(server: FakeX, count: int, start: datetime = NOW - timedelta(minutes=1)) -> list[str]:
    return [server.post(f"Acme {number}", at=start - timedelta(seconds=10 * number)) for number in range(count)]


# --- walking -----------------------------------------------------------------------------------------------------


def test_all_pages_are_read_and_only_then_the_high_water_moves(x: FakeX) -> None:
    posted = fill(x, 35)
    batches = walk(reader(x), first_request("x"))
    assert sorted(ids(batches)) == sorted(posted)
    assert [batch.complete for batch in batches] == [False, False, False, True]
    assert all(not Walk.load(batch.cursor).marks for batch in batches[:-1])
    assert Walk.load(batches[-1].cursor).marks


def test_the_next_walk_overlaps_by_two_minutes_and_brings_what_is_new(x: FakeX) -> None:
    old = fill(x, 30)
    end = walk(reader(x), first_request("x"))[-1].cursor
    x.now += timedelta(minutes=5)
    new = x.post("Acme again", at=NOW + timedelta(minutes=4))
    late = x.post("Acme, indexed late", at=NOW - timedelta(minutes=2))
    found = ids(walk(reader(x), again(first_request("x"), end, timedelta(minutes=5))))
    assert {new, late} <= set(found)
    assert len(set(found) & set(old)) < 15


def test_a_walk_that_was_cut_goes_on_at_its_page_in_another_process(x: FakeX) -> None:
    """New posts that arrive in between are found by the walk after it."""
    posted = fill(x, 45)
    first = reader(x).fetch(first_request("x"))
    second = reader(x).fetch(again(first_request("x"), first.cursor))
    x.now += timedelta(minutes=3)
    fresh = x.post("Acme, meanwhile", at=NOW + timedelta(minutes=2))
    rest = walk(reader(x), again(first_request("x"), second.cursor, timedelta(minutes=3)))
    assert sorted(ids([first, second, *rest])) == sorted(posted)
    after = walk(reader(x), again(first_request("x"), rest[-1].cursor, timedelta(minutes=6)))
    assert fresh in ids(after)


def test_an_error_on_the_third_page_loses_nothing(x: FakeX) -> None:
    posted = fill(x, 65)
    connector = reader(x)
    request = first_request("x")
    kept: list[Batch] = []
    for _ in range(2):
        kept.append(connector.fetch(request))
        request = again(request, kept[-1].cursor)
    x.mode = "500"
    for _ in range(3):
        with pytest.raises(ConnectorError):
            connector.fetch(request)
    x.mode = "ok"
    kept += walk(connector, request)
    assert sorted(ids(kept)) == sorted(posted)


def test_many_terms_become_several_queries_within_the_limit_and_all_are_walked(x: FakeX) -> None:
    terms = tuple(f"brand number {number}" for number in range(60))
    posted = [x.post(f"I hate {term}", at=NOW - timedelta(minutes=3)) for term in terms]
    found = ids(walk(reader(x), first_request("x", terms)))
    queries = {seen.one("query") for seen in x.ledger}
    assert set(found) == set(posted)
    assert len(queries) > 2
    assert all(len(query) <= QUERY_LIMIT and query.endswith(" -is:retweet") for query in queries)


def test_words_that_x_would_read_as_syntax_are_quoted() -> None:
    [query] = any_of(
        ["has:links", "AND", 'say "no"', "@acme", "#acme", "Acme", "\ud800", "..."], limit=512, handles=True
    )
    assert query == '("and" OR "has:links" OR "say no" OR #acme OR @acme OR acme)'
    assert any_of(["word " * 400], limit=100, suffix="-is:retweet")[0].endswith('word" -is:retweet')


def test_a_term_that_is_new_looks_back_as_far_as_nothing_is_lost(x: FakeX) -> None:
    x.post("Acme one", at=NOW - timedelta(hours=1))
    other = x.post("Zenith one", at=NOW - timedelta(hours=3))
    end = walk(reader(x), first_request("x"))[-1].cursor
    changed = Request("x", ("Acme", "Zenith"), end, NOW, NOW - timedelta(hours=24))
    assert other in ids(walk(reader(x), changed))


def test_each_conversation_is_read_from_where_it_was_read_however_new_another_one_is(x: FakeX) -> None:
    """More than twelve take turns; what is new in one of them said how far back the others were read."""
    quiet, busy = "1990000000000000001", "1990000000000000002"

    def read(thread: str, cursor: str, at: datetime, since: datetime) -> Batch:
        x.now = at
        asked = Request("x", (), cursor, at, since)
        return reader(x).fetch_conversations((Conversation(thread, (), since),), asked)

    first = read(quiet, "", NOW, NOW - timedelta(hours=1))
    answer = x.post("Still nothing", at=NOW + timedelta(minutes=2), conversation_id=quiet)
    x.post("And another", at=NOW + timedelta(minutes=10), conversation_id=busy)
    second = read(busy, first.cursor, NOW + timedelta(minutes=11), NOW - timedelta(hours=1))
    assert len(second.posts) == 1
    third = read(quiet, second.cursor, NOW + timedelta(minutes=12), NOW - timedelta(hours=1))
    assert ids([third]) == [answer]


def test_other_conversations_are_read_from_their_newest_post_though_a_walk_is_under_way(x: FakeX) -> None:
    quiet, busy = "1990000000000000001", "1990000000000000002"
    answer = x.post("Still nothing", at=NOW - timedelta(minutes=1), conversation_id=quiet)
    many = [x.post("More", at=NOW - timedelta(minutes=2 + each), conversation_id=busy) for each in range(15)]
    asked = Request("x", (), "", NOW, NOW - timedelta(hours=1))
    first = reader(x, page_size=10).fetch_conversations((Conversation(busy, (), asked.since),), asked)
    assert (len(first.posts), first.complete) == (10, False)
    both = (Conversation(busy, (), asked.since), Conversation(quiet, (), asked.since))
    second = reader(x, page_size=100).fetch_conversations(both, replace(asked, cursor=first.cursor))
    assert set(ids([second])) == {answer, *many}


def test_a_page_token_that_repeats_ends_the_walk_with_a_gap() -> None:
    with FakeServer() as server:
        page = {"data": [post_of("Acme", 1)], "meta": {"result_count": 1, "next_token": "same"}}
        server.route("/2/tweets/search/recent", page)
        batches = walk(reader(server), first_request("x"))
        assert len(server.ledger) == 2
    assert [gap.reason for batch in batches for gap in batch.gaps] == ["X keeps sending the same page"]


def test_after_eight_days_of_silence_reading_goes_on_and_the_gap_is_told(x: FakeX) -> None:
    x.post("Acme", at=NOW - timedelta(minutes=9))
    end = walk(reader(x), first_request("x"))[-1].cursor
    later = timedelta(days=8)
    x.now += later
    fresh = x.post("Acme again", at=x.now - timedelta(days=2))
    batches = walk(reader(x), again(first_request("x"), end, later))
    [gap] = [gap for batch in batches for gap in batch.gaps]
    assert fresh in ids(batches)
    assert gap.start == NOW
    assert timedelta(0) <= gap.end - (x.now - timedelta(days=7)) <= timedelta(minutes=15)
    assert not walk(reader(x), again(first_request("x"), batches[-1].cursor, later))[-1].gaps


def test_a_since_id_that_x_finds_too_old_is_replaced_by_a_time(x: FakeX) -> None:
    """X's clock is an hour ahead of ours, so that only its refusal tells."""
    x.post("Acme", at=NOW - timedelta(minutes=9))
    end = walk(reader(x), first_request("x"))[-1].cursor
    x.now += timedelta(days=7)
    fresh = x.post("Acme again", at=x.now - timedelta(days=2))
    batches = walk(reader(x), again(first_request("x"), end, timedelta(days=6, hours=23)))
    assert fresh in ids(batches)
    assert [seen.one("since_id") != "" for seen in x.ledger] == [False, True, False]
    assert len([gap for batch in batches for gap in batch.gaps]) == 1


def test_a_clock_that_is_a_day_behind_is_told(x: FakeX) -> None:
    x.post("Acme", at=NOW - timedelta(minutes=9))
    end = walk(reader(x), first_request("x"))[-1].cursor
    x.now += timedelta(days=8)
    with pytest.raises(ConnectorError) as caught:
        reader(x).fetch(again(first_request("x"), end, timedelta(days=6, hours=20)))
    assert "clock" in caught.value.remedy


def test_a_page_token_that_x_no_longer_takes_starts_the_listing_anew(x: FakeX) -> None:
    posted = fill(x, 25)
    first = reader(x).fetch(first_request("x"))
    cursor = first.cursor.replace('"token":"p', '"token":"odd')
    assert cursor != first.cursor
    assert set(ids(walk(reader(x), again(first_request("x"), cursor)))) == set(posted)


def test_a_quiet_brand_for_weeks_is_no_gap(x: FakeX) -> None:
    x.post("Acme", at=NOW - timedelta(minutes=9))
    cursor = ""
    for day in range(0, 21, 3):
        x.now = NOW + timedelta(days=day)
        batch = walk(reader(x), again(first_request("x"), cursor, timedelta(days=day)))[-1]
        assert not batch.gaps
        cursor = batch.cursor


# --- what a post becomes -----------------------------------------------------------------------------------------


def post_of(text: str, number: int, **fields: Any) -> dict[str, Any]:
    at = NOW - timedelta(minutes=number)
    native_id = str((round(at.timestamp() * 1000) - 1_288_834_974_657) << 22)
    return {"id": native_id, "text": text, "author_id": "77", "created_at": at.isoformat(), **fields}


def test_a_long_post_keeps_all_its_words_and_entities_are_gone(x: FakeX) -> None:
    whole = "Acme " + "never answers " * 40 + "&lt;angry&gt; &amp; tired"
    x.post("Acme never answers never…", note_tweet={"text": whole}, lang="qme")
    [post] = walk(reader(x), first_request("x"))[0].posts
    assert post.text.endswith("<angry> & tired")
    assert len(post.text) > 500
    assert post.lang == ""


def test_a_reply_knows_its_parent_and_its_thread_and_links_without_a_paid_name(x: FakeX) -> None:
    top = x.post("Acme?", conversation_id=None)
    reply = x.post("Acme!", conversation_id=top, referenced_tweets=[{"type": "replied_to", "id": top}])
    posts = {post.native_id: post for post in walk(reader(x), first_request("x"))[0].posts}
    assert (posts[reply].parent_id, posts[reply].thread_id) == (top, top)
    assert (posts[top].parent_id, posts[top].thread_id) == ("", "")
    assert posts[reply].url == f"https://x.com/i/status/{reply}"
    assert posts[reply].author == "1001"


def test_names_and_followers_come_along_when_they_are_paid_for(x: FakeX) -> None:
    x.users["1001"] = "angry_ann"
    native_id = x.post("Acme")
    batch = walk(reader(x, expand=("authors",)), first_request("x"))[0]
    assert (batch.posts[0].author, batch.posts[0].author_name, batch.posts[0].reach) == ("angry_ann", "Angry_Ann", 4200)
    assert batch.posts[0].url == f"https://x.com/angry_ann/status/{native_id}"
    assert batch.quota is not None
    assert batch.quota.cost == pytest.approx(0.015)


def test_alt_texts_and_polls_are_words_when_they_are_paid_for(x: FakeX) -> None:
    x.media |= {"3_1": {"alt_text": "A melted Acme charger &amp; a burnt desk"}, "3_2": {}, "3_3": {"alt_text": ["?"]}}
    x.polls["77"] = [{"position": 1, "label": "Acme lies"}, {"position": 2, "label": 7}, "no option"]
    x.post("Acme, look", attachments={"media_keys": ["3_1", "3_2", "3_3"], "poll_ids": ["77"]})
    x.post("Acme again", attachments={"media_keys": "3_1", "poll_ids": [7]})
    batch = walk(reader(x, expand=("media",)), first_request("x"))[0]
    assert {post.text for post in batch.posts} == {
        "Acme, look\nAcme lies\nA melted Acme charger & a burnt desk",
        "Acme again",
    }
    assert batch.quota is not None
    assert batch.quota.cost == pytest.approx(x.bill + 0.005)  # the poll: X does not say what one costs
    without = walk(reader(x), first_request("x"))[0]
    assert {post.text for post in without.posts} == {"Acme, look", "Acme again"}
    assert sorted(post.pictures for post in without.posts) == [0, 3], "how many is known without paying for them"
    x.post("Acme moves", attachments={"media_keys": ["7_1", "16_2", "3_3", 3]})
    (moves,) = [post for post in walk(reader(x), first_request("x"))[0].posts if post.text == "Acme moves"]
    assert (moves.pictures, moves.videos) == (1, 2)


def test_what_a_reply_answers_comes_along_when_it_is_paid_for(x: FakeX) -> None:
    above = x.post("your charger melted &amp; burned my desk", author="1002")
    reply = x.post("Acme same here", referenced_tweets=[{"type": "replied_to", "id": above}])
    batch = walk(reader(x, expand=("parents",)), first_request("x"))[0]
    assert {post.native_id: post.parent_text for post in batch.posts} == {reply: "your charger melted & burned my desk"}
    assert batch.quota is not None
    assert batch.quota.cost == pytest.approx(x.bill) == pytest.approx(0.010)
    without = walk(reader(x), first_request("x"))[0]
    assert [post.parent_text for post in without.posts] == [""]


def test_what_comes_along_when_posts_are_looked_up_is_paid_for_too(x: FakeX) -> None:
    x.users["1001"] = "ann"
    x.media["3_1"] = {"alt_text": "A melted charger"}
    first = x.post("Acme", at=NOW - timedelta(minutes=30))
    second = x.post("Acme!", at=NOW - timedelta(minutes=10), attachments={"media_keys": ["3_1"]})
    x.posts[first]["edit_history_tweet_ids"] = x.posts[second]["edit_history_tweet_ids"] = [first, second]
    batch = reader(x, expand=("authors", "media")).refresh((first,), first_request("x"))
    assert [(post.native_id, post.author, post.text) for post in batch.posts][-1] == (
        first, "ann", "Acme!\nA melted charger",
    )  # fmt: skip
    assert batch.quota is not None
    assert batch.quota.cost >= x.bill


def test_an_edited_post_keeps_its_first_id(x: FakeX) -> None:
    first = x.post("Acme is bad", at=NOW - timedelta(minutes=30))
    second = x.post("Acme is very bad", at=NOW - timedelta(minutes=10))
    x.posts[second]["edit_history_tweet_ids"] = [first, second]
    del x.posts[first]
    [post] = walk(reader(x), first_request("x"))[0].posts
    assert (post.native_id, post.text) == (first, "Acme is very bad")
    assert post.edited_at is not None
    assert post.edited_at - post.posted_at == timedelta(minutes=20)


@pytest.mark.parametrize(
    "fields",
    [
        {"id": None}, {"id": ["1"]}, {"id": 2**70}, {"id": "9" * 5000}, {"id": "../7"}, {"text": None}, {"text": {}},
        {"author_id": None}, {"author_id": "x"}, {"id": "12", "created_at": "soon"},
    ],
)  # fmt: skip
def test_one_malformed_post_among_a_hundred_is_set_aside(fields: dict[str, Any]) -> None:
    good = [post_of(f"Acme {number}", number) for number in range(1, 100)]
    bad = {key: value for key, value in {**post_of("Acme", 200), **fields}.items() if value is not None}
    with FakeServer() as server:
        data = [*good[:50], bad, *good[50:]]
        server.route("/2/tweets/search/recent", {"data": data, "meta": {"result_count": 100}})
        batch = reader(server).fetch(first_request("x"))
    assert len(batch.posts) == 99
    assert len(batch.aside) == 1
    assert batch.aside[0].raw
    assert batch.complete


def test_odd_parts_of_a_good_post_do_no_harm() -> None:
    odd = post_of(
        "Acme\x00 \ud800 <!channel> <script>", 1,
        public_metrics=[1], referenced_tweets={"no": 1}, lang=7, conversation_id=["?"], note_tweet="no",
        edit_history_tweet_ids="no", entities=[[[]]],
    )  # fmt: skip
    with FakeServer() as server:
        server.route("/2/tweets/search/recent", {"data": [odd], "includes": [], "meta": {}})
        [post] = reader(server).fetch(first_request("x")).posts
    assert post.text == "Acme \ufffd <!channel> <script>"
    assert (post.reach, post.parent_id, post.lang, post.thread_id) == (None, "", "", "")


# --- errors ------------------------------------------------------------------------------------------------------

BODIES = [
    (403, {"reason": "client-not-enrolled", "title": "Client Forbidden"}, Refused, "not enrolled", "enrol"),
    (429, {"title": "UsageCapExceeded", "period": "Monthly"}, NoCredit, "monthly cap", "not a rate limit"),
    (403, {"type": "https://api.twitter.com/2/problems/usage-capped"}, NoCredit, "monthly cap", "not a rate limit"),
    (402, None, NoCredit, "no credit", "Buy credit"),
    (402, {"title": "CreditsDepleted"}, NoCredit, "no credit", "Buy credit"),
    (401, {"title": "Unauthorized"}, Refused, "bearer token", "bearer_token"),
    (403, {"title": "Forbidden"}, Refused, "403", "console"),
    (403, ["a list"], Refused, "403", "console"),
    (400, {"errors": "odd"}, ConnectorError, "400", "mentions_of"),
    (503, "<html>busy</html>", ConnectorError, "503", "retry"),
]


@pytest.mark.parametrize(("status", "body", "kind", "told", "remedy"), BODIES)
def test_refusals_that_share_a_status_are_told_apart(
    status: int, body: Any, kind: type[ConnectorError], told: str, remedy: str
) -> None:
    with FakeServer() as server:
        server.mode = Reply(status, body=body) if isinstance(body, str) else Reply(status, body=json.dumps(body))
        with pytest.raises(ConnectorError) as caught:
            reader(server).fetch(first_request("x"))
    assert type(caught.value) is kind
    assert told in caught.value.message
    assert remedy in caught.value.remedy


def epoch(seconds: float) -> str:
    return str(int(NOW.timestamp() + seconds))


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, timedelta(minutes=1)),
        ({"x-rate-limit-reset": epoch(300)}, timedelta(minutes=5)),
        ({"x-rate-limit-reset": epoch(0)}, timedelta(minutes=1)),
        ({"x-rate-limit-reset": epoch(-3600)}, timedelta(minutes=1)),
        ({"x-rate-limit-reset": epoch(10 * 365 * 86_400)}, timedelta(minutes=15)),
        ({"x-rate-limit-reset": "9" * 400}, timedelta(minutes=1)),
        ({"x-rate-limit-reset": "soon"}, timedelta(minutes=1)),
        ({"x-rate-limit-reset": "nan"}, timedelta(minutes=1)),
        # Our clock is an hour fast: by X's own clock there are two minutes to wait.
        ({"x-rate-limit-reset": epoch(-3480), "date": "Fri, 20 Nov 2026 11:00:00 GMT"}, timedelta(minutes=2)),
        ({"x-rate-limit-reset": epoch(300), "date": "yesterday"}, timedelta(minutes=5)),
    ],
)
def test_the_wait_for_a_rate_limit_has_bounds(headers: dict[str, str], wait: timedelta) -> None:
    assert reset_at(headers, NOW) == NOW + wait


@pytest.mark.parametrize("headers", [{}, {"x-rate-limit-reset": "soon"}, {"x-rate-limit-reset": "99999999999999"}])
def test_a_rate_limit_is_not_asked_again_at_once(headers: dict[str, str]) -> None:
    """tweepy's own waiting would loop without a pause here, or sleep for years."""
    with FakeServer() as server:
        server.mode = Reply(429, json={"title": "Too Many Requests"}, headers=headers)
        with pytest.raises(RateLimited) as caught:
            reader(server).fetch(first_request("x"))
        assert len(server.ledger) == 1
    assert caught.value.retry_at is not None
    assert timedelta(seconds=1) <= caught.value.retry_at - NOW <= timedelta(minutes=15)


@pytest.mark.parametrize(
    "body", [[], None, "text", 7, {}, {"errors": []}, {"errors": [{"title": "Odd"}]}, {"data": {}}]
)
def test_an_answer_without_data_is_no_silence(body: Any) -> None:
    with FakeServer() as server:
        server.mode = Reply(body=json.dumps(body))
        with pytest.raises(Nonsense):
            reader(server).fetch(first_request("x"))


def test_nothing_found_is_fine() -> None:
    with FakeServer() as server:
        server.mode = Reply(json={"meta": {"result_count": 0}})
        batch = reader(server).fetch(first_request("x"))
    assert batch.complete
    assert not batch.posts


@pytest.mark.parametrize("mode", ["hang", "drip", "drip-headers"])
def test_a_server_that_never_ends_is_cut_at_the_deadline(x: FakeX, mode: str) -> None:
    x.mode = mode
    with pytest.raises(ConnectorError, match="in time"):
        reader(x, total_seconds=0.5).fetch(first_request("x"))


@pytest.mark.parametrize("mode", ["bomb", "cut", "html", "truncated", "empty"])
def test_rubbish_is_nonsense(x: FakeX, mode: str) -> None:
    fill(x, 3)
    x.mode = mode
    with pytest.raises(Nonsense):
        reader(x).fetch(first_request("x"))


def test_brackets_without_end_are_nonsense() -> None:
    with FakeServer() as server:
        server.mode = Reply(body="[" * 1_000_000)
        with pytest.raises(Nonsense):
            reader(server).fetch(first_request("x"))


def test_the_token_goes_nowhere_else(x: FakeX) -> None:
    """A redirect to another host is followed without the token."""
    with FakeServer() as other:
        x.mode = Reply(302, headers={"Location": f"{other.url}/2/tweets/search/recent"})
        with pytest.raises(ConnectorError):
            reader(x).fetch(first_request("x"))
        assert all("authorization" not in seen.headers for seen in other.ledger)


def test_no_secret_and_no_post_reaches_the_log_even_at_debug(x: FakeX, caplog: pytest.LogCaptureFixture) -> None:
    x.post("Acme: a very private complaint")
    for name in ("", "tweepy", "tweepy.client", "urllib3", "httpx2", "httpcore2"):
        caplog.set_level(logging.DEBUG, logger=name)
    walk(reader(x), first_request("x"))
    x.mode = "401"
    with pytest.raises(Refused):
        reader(x).fetch(first_request("x"))
    assert x.ledger[0].headers["authorization"] == f"Bearer AAAA{CANARY}"
    assert CANARY not in caplog.text
    assert "private complaint" not in caplog.text
    assert CANARY not in repr(Settings(bearer_token=CANARY))


# --- mentions, own posts, look-up --------------------------------------------------------------------------------


def test_mentions_of_our_account_are_booked_as_what_they_cost_with_the_apps_token(x: FakeX) -> None:
    x.users[OWN] = "acme"
    found = [x.post(f"@acme where is order {number}?") for number in range(3)]
    x.post("@acme RT", referenced_tweets=[{"type": "retweeted", "id": found[0]}])
    connector = reader(x, search=False, mentions_of=("@Acme",))
    batches = walk(connector, first_request("x"))
    assert sorted(ids(batches)) == sorted(found)
    assert batches[0].quota is not None
    assert batches[0].quota.cost == pytest.approx(4 * 0.005 + 0.010), "with the look-up of the handle"
    assert all("*" in post.addressed for batch in batches for post in batch.posts)
    asked = len([path for path in x.paths() if "by/username" in path])
    walk(reader(x, search=False, mentions_of=("@Acme",)), again(first_request("x"), batches[-1].cursor))
    assert len([path for path in x.paths() if "by/username" in path]) == asked == 1


@pytest.mark.parametrize("given", [{}, {"bearer_token": "a", "client_id": "b"}, {"client_id": "a b"}])
def test_one_way_in_is_wanted_by_token_or_as_a_person(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match=r"write bearer_token .* or client_id|should match pattern"):
        Settings(**given)


def test_what_the_store_knows_was_spent_counts_against_the_budget(x: FakeX) -> None:
    """Refreshes and look-ups are in no cursor of a process that was started anew."""
    fill(x, 30)
    request = replace(first_request("x"), spent=19.97)
    with pytest.raises(NoCredit):
        reader(x, monthly_budget=20.0).fetch(request)
    assert not x.ledger


def test_a_bill_never_passes_the_budget_whatever_is_read(x: FakeX) -> None:
    """X bills what it returns. Mentions, own posts, look-ups of handles and of posts all count, over restarts too."""
    x.now = datetime(2026, 11, 30, 12, tzinfo=UTC)
    x.users |= {OWN: "acme", "1001": "ann"}
    x.media = {f"3_{number}": {"alt_text": "a broken lid"} for number in range(40)}
    for number in range(400):
        attached = {"media_keys": [f"3_{number % 40}"]} if number % 10 == 0 else {}
        x.post(f"@acme Acme {number}", at=x.now - timedelta(minutes=number), attachments=attached)
        x.post(f"sorry {number}", author=OWN, at=x.now - timedelta(minutes=number))
    start = Request("x", ("Acme",), "", x.now, x.now - timedelta(days=1))
    cursors, spent = {"fetch": "", "own": ""}, 0.0
    for turn in range(60):
        connector = reader(
            x,
            monthly_budget=1.0,
            mentions_of=("acme", "ann", "nobody"),
            expand=[what for what, often in (("authors", 2), ("media", 3)) if turn % often == 0],
        )
        for what in ("own", "fetch", "refresh"):
            request = replace(start, cursor=cursors.get(what, ""), spent=spent)
            try:
                if what == "refresh":
                    batch = connector.refresh(tuple(x.posts)[:20], request)
                else:
                    batch = connector.fetch(request) if what == "fetch" else connector.fetch_own(("acme",), request)
            except NoCredit:
                continue
            if what in cursors:
                cursors[what] = batch.cursor
            spent += batch.quota.cost if batch.quota else 0.0
    assert 0.9 < spent <= 1.0 + 1e-9
    assert 0.3 < x.bill <= spent + 1e-9


def test_our_own_replies_say_whom_they_answer(x: FakeX) -> None:
    x.users[OWN] = "acme"
    question = x.post("Acme never answers")
    reply = x.post(
        "@ann sorry!", author=OWN, conversation_id=question, referenced_tweets=[{"type": "replied_to", "id": question}]
    )
    for account in ("acme", OWN):
        [post] = reader(x).fetch_own((account,), first_request("x")).posts
        assert (post.native_id, post.parent_id, post.thread_id) == (reply, question, question)
        assert post.author == account


def test_an_account_that_does_not_exist_is_told(x: FakeX) -> None:
    for account in ("nobody", "../../2/users", "a b"):
        with pytest.raises(Closed) as caught:
            reader(x).fetch_own((account,), first_request("x"))
        assert "accounts" in caught.value.remedy


def test_an_account_that_does_not_exist_stops_neither_the_search_nor_the_others(x: FakeX) -> None:
    x.users[OWN] = "acme"
    fill(x, 3)
    asked_at_all = x.post("@acme where is it?")
    connector = reader(x, mentions_of=("nobody", "acme"))
    batches = walk(connector, first_request("x"))
    assert asked_at_all in ids(batches)
    assert any("@nobody" in notice for notice in batches[-1].notices)
    asked = len([path for path in x.paths() if path.endswith("/nobody")])
    later = again(first_request("x"), batches[-1].cursor, timedelta(hours=1))
    walk(reader(x, mentions_of=("nobody", "acme")), later)
    assert len([path for path in x.paths() if path.endswith("/nobody")]) == asked == 1
    x.users["55"] = "nobody"
    later = again(first_request("x"), batches[-1].cursor, timedelta(hours=25))
    assert not any("nobody" in notice for batch in walk(connector, later) for notice in batch.notices)


@pytest.mark.parametrize(
    "answer",
    [
        Reply(404, json={"title": "Not Found"}),
        Reply(403, json={"title": "Forbidden"}),
        Reply(json={"errors": [{"type": f"{PROBLEMS}not-authorized-for-resource"}]}),
    ],
)
def test_a_timeline_that_is_gone_or_locked_is_left_out_for_a_day(x: FakeX, answer: Reply) -> None:
    x.users |= {OWN: "acme", "55": "locked"}
    x.post("@acme where is it?")
    x.route("/2/users/55/mentions", answer)
    connector = reader(x, search=False, mentions_of=("55", "acme"))
    batches = walk(connector, first_request("x"))
    assert len(ids(batches)) == 1
    assert any("timeline of 55" in notice for notice in batches[-1].notices)
    walk(connector, again(first_request("x"), batches[-1].cursor, timedelta(hours=2)))
    assert len([path for path in x.paths() if "/55/" in path]) == 1
    with pytest.raises(Closed):
        reader(x, search=False, mentions_of=("55",)).fetch(first_request("x"))


def test_handles_are_looked_up_once_and_stand_for_ids(x: FakeX) -> None:
    x.users |= {OWN: "acme", "55": "acme_jobs"}
    connector = reader(x)
    found, quota = connector.identify(
        ("@Acme", "acme_jobs", "nobody", "12345", "ann@mastodon.example"), first_request("x")
    )
    assert {handle: account.id for handle, account in found.items()} == {
        "@Acme": OWN, "acme_jobs": "55", "nobody": "", "12345": "12345",
    }  # fmt: skip
    assert quota.cost == pytest.approx(0.020)
    asked = len(x.ledger)
    assert connector.identify(("acme",), first_request("x"))[1].cost == 0
    assert len(x.ledger) == asked


def test_a_clock_that_is_behind_is_told_and_nothing_is_paid_for_ever(x: FakeX) -> None:
    """Everything that X shows is dated ahead of us then: the ids of what was read say where to go on."""
    for number in range(10):
        x.post(f"Acme {number}", at=NOW - timedelta(minutes=number))
    slow = replace(first_request("x"), now=NOW - timedelta(hours=3), since=NOW - timedelta(hours=27))
    first = walk(reader(x), slow)
    assert any("clock" in notice for notice in first[-1].notices)
    costs = []
    cursor = first[-1].cursor
    for turn in range(1, 5):
        batches = walk(reader(x), again(slow, cursor, timedelta(minutes=5 * turn)))
        costs.append(sum(batch.quota.cost for batch in batches if batch.quota))
        cursor = batches[-1].cursor
    assert costs == [0, 0, 0, 0], "what X returns twice in a day is billed once"
    newest = [int(seen.one("since_id")) for seen in x.ledger[-1:]]
    assert newest[0] > int(sorted(x.posts, key=int)[4])
    late = x.post("Acme is late", at=NOW + timedelta(minutes=1))
    assert late in ids(walk(reader(x), again(slow, cursor, timedelta(minutes=30))))
    right = walk(reader(x), again(slow, cursor, timedelta(hours=3, minutes=10)))
    assert late in ids(right)
    assert not any("clock" in notice for batch in right for notice in batch.notices)


def test_posts_that_are_gone_or_edited_are_found_by_looking_them_up(x: FakeX) -> None:
    stays, goes, changes = (x.post(f"Acme {number}", at=NOW - timedelta(hours=2)) for number in range(3))
    newer = x.post("Acme, corrected", at=NOW - timedelta(hours=1))
    for one in (changes, newer):
        x.posts[one]["edit_history_tweet_ids"] = [changes, newer]
    del x.posts[goes]
    batch = reader(x).refresh((stays, goes, changes, "not-an-id"), first_request("x"))
    assert batch.deleted == (goes,)
    assert {(post.native_id, post.text) for post in batch.posts} >= {(changes, "Acme, corrected")}
    assert stays not in {post.native_id for post in batch.posts}
    assert reader(x).refresh((goes,), first_request("x")).deleted == (goes,)


# --- money -------------------------------------------------------------------------------------------------------


def at_day(day: int) -> datetime:
    return datetime(2026, 11, day, 0, 0, tzinfo=UTC)


def test_the_budget_is_earned_over_the_month() -> None:
    """30 USD in a month of 30 days: a dollar a day, one day ahead."""
    assert budget_state(0, 30, at_day(1)).allowance_posts == 200
    assert budget_state(0, 30, at_day(16)).allowance_posts == 16 * 200
    assert budget_state(10, 30, at_day(10)) == (10 / 30, 0, at_day(10) + timedelta(seconds=4320), False)
    assert budget_state(29.99, 30, at_day(10)).not_before == datetime(2026, 12, 1, tzinfo=UTC)
    assert budget_state(30, 30, at_day(30)).used_up
    assert budget_state(0, 0, at_day(1)).used_up
    assert budget_state(1, 30, at_day(30), post_price=0).allowance_posts > 1000


def test_after_the_wait_a_page_can_be_read() -> None:
    state = budget_state(12.345, 30, at_day(10))
    assert state.not_before is not None
    assert budget_state(12.345, 30, state.not_before).allowance_posts >= 10


def test_the_same_post_is_billed_once_a_utc_day() -> None:
    ledger = Ledger(None, NOW)
    assert ledger.book(["1", "2", "2"], 0.005) == pytest.approx(0.01)
    assert Ledger(ledger.held(), NOW).book(["1", "3"], 0.005) == pytest.approx(0.005)
    tomorrow = Ledger(ledger.held(), NOW + timedelta(days=1))
    assert tomorrow.book(["1"], 0.005) == pytest.approx(0.005)
    assert tomorrow.spent == pytest.approx(0.015)
    assert Ledger(ledger.held(), NOW + timedelta(days=20)).spent == 0
    assert Ledger({"month": "2026-11", "spent": "nan", "ids": 7}, NOW).spent == 0


def test_reading_waits_when_the_months_money_runs_ahead_and_goes_on_where_it_was(x: FakeX) -> None:
    posted = fill(x, 60)
    request = first_request("x")
    connector = reader(x, monthly_budget=0.30)  # 60 posts in the month; 40 of them by now
    batches = []
    while not batches or not batches[-1].not_before:
        batches.append(connector.fetch(request))
        request = again(request, batches[-1].cursor)
    assert len(ids(batches)) == 40
    assert not batches[-1].complete
    assert NOW < batches[-1].not_before < NOW + timedelta(days=11)
    assert len(x.ledger) == 4
    later = Request("x", request.terms, request.cursor, datetime(2026, 11, 30, tzinfo=UTC), request.since)
    rest = walk(connector, later)
    assert sorted(ids([*batches, *rest])) == sorted(posted)


def test_eighty_percent_is_told_once_and_at_the_end_reading_stops(x: FakeX) -> None:
    fill(x, 100)
    x.now = datetime(2026, 11, 30, 12, tzinfo=UTC)
    request = Request("x", ("Acme",), "", x.now, NOW - timedelta(hours=24))
    x.posts = {}
    fill(x, 100, x.now - timedelta(minutes=1))
    notices: list[str] = []
    for _ in range(6):
        batch = reader(x, monthly_budget=0.30).fetch(request)
        notices += batch.notices
        request = again(request, batch.cursor)
    with pytest.raises(NoCredit) as caught:
        reader(x, monthly_budget=0.30).fetch(request)
    assert len(x.ledger) == 6
    assert notices == ["X: 80% of the monthly budget of 0.3 USD is used; at 100% reading stops until the 1st."]
    assert caught.value.message == "X: the monthly budget of 0.3 USD is used up"
    assert "1 December" in caught.value.remedy.replace("01", "1")


def test_a_months_bill_is_foreseen_from_its_pace() -> None:
    half = datetime(2026, 11, 16, tzinfo=UTC)
    assert forecast(10.0, half) == pytest.approx(20.0)
    assert forecast(1.0, half, half - timedelta(days=3)) == pytest.approx(1 + 5.0), "reading began three days ago"
    assert forecast(1.0, datetime(2026, 11, 1, 0, 10, tzinfo=UTC)) < 31.0, "ten minutes are no pace"
    assert forecast(0.0, half) == 0


def test_own_timeline_search_and_look_up_share_one_budget(x: FakeX) -> None:
    x.now = datetime(2026, 11, 30, 12, tzinfo=UTC)
    for number in range(12):
        x.post(f"sorry {number}", author=OWN)
    request = Request("x", ("Acme",), "", x.now, x.now - timedelta(days=1))
    connector = reader(x, monthly_budget=0.15, prices={"owned": 0.005})
    own = connector.fetch_own((OWN,), request)
    asked = tuple(x.posts)[:10]
    connector.refresh(asked, request)
    cursor = connector.fetch(request).cursor
    assert connector.fetch_own((OWN,), again(request, own.cursor)).posts
    with pytest.raises(NoCredit):
        connector.fetch(again(request, cursor))
    next_month = Request("x", ("Acme",), cursor, x.now + timedelta(days=1), request.since)
    assert connector.fetch(next_month).not_before is not None


def test_settings_refuse_what_they_do_not_know() -> None:
    with pytest.raises(ValidationError):
        Settings(bearer_token="x", monthly_budgte=5)  # type: ignore[call-arg]
    assert all(field.description for field in Settings.model_fields.values())


# --- the recorded exchanges --------------------------------------------------------------------------------------


def recorded(name: str) -> list[dict[str, Any]]:
    path = RECORDED / name
    if not path.exists():
        pytest.skip(f"needs {name} in ../shared/data/recorded beside the checkout")
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.mark.shared_data
def test_every_recorded_search_is_read_whole() -> None:
    """What X really answered to full searches, as if it were recent search."""
    exchanges = [each for each in recorded("x_v2_search.jsonl") if urlsplit(each["url"]).path == "/2/tweets/search/all"]
    read = 0
    for each in exchanges:
        with FakeServer() as server:
            headers = {key: value for key, value in each["headers"].items() if key.startswith("x-rate")}
            server.route("/2/tweets/search/recent", Reply(each["status"], json=each["body"], headers=headers))
            request = Request("x", ("kfc",), "", datetime(2021, 6, 15, tzinfo=UTC), datetime(2021, 6, 14, tzinfo=UTC))
            if each["status"] != 200:
                with pytest.raises(ConnectorError):
                    reader(server).fetch(request)
                continue
            batch = reader(server).fetch(request)
        assert len(batch.posts) == len(each["body"]["data"])
        assert not batch.aside
        read += len(batch.posts)
    assert read > 50


@pytest.mark.shared_data
def test_every_recorded_timeline_and_look_up_is_read_whole() -> None:
    for each in recorded("x_v2_search.jsonl"):
        path = urlsplit(each["url"]).path
        if each["status"] != 200 or not (path == "/2/tweets" or path.endswith(("/tweets", "/mentions"))):
            continue
        with FakeServer() as server:
            server.route("/2/*", each["body"])
            request = Request("x", (), "", datetime(2021, 6, 15, tzinfo=UTC), datetime(2021, 6, 14, tzinfo=UTC))
            if path == "/2/tweets":
                asked = tuple(post["id"] for post in each["body"].get("data", []))
                gone = tuple(error["value"] for error in each["body"].get("errors", []) if error["parameter"] == "ids")
                batch = reader(server).refresh((*asked, *gone)[:100], request)
                assert set(batch.deleted) == set(gone) & set((*asked, *gone)[:100])
            else:
                batch = reader(server).fetch_own((path.split("/")[3],), request)
                own = [p for p in each["body"]["data"] if "retweeted" not in str(p.get("referenced_tweets"))]
                assert len(batch.posts) == len(own)
            assert not batch.aside


@pytest.mark.shared_data
def test_every_recorded_refusal_is_told_apart() -> None:
    bodies = json.loads((RECORDED / "error_bodies.json").read_text()) if RECORDED.exists() else pytest.skip("no data")
    kinds = []
    for each in bodies[:3]:
        with FakeServer() as server:
            server.mode = Reply(each["status"], body=json.dumps(each["body"]), headers={"x-rate-limit-remaining": "9"})
            with pytest.raises(ConnectorError) as caught:
                reader(server).fetch(first_request("x"))
        kinds.append(type(caught.value))
    assert kinds == [Refused, NoCredit, NoCredit]
