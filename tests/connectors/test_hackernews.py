"""Hacker News: what a hit becomes, how a walk goes on, and what late or strange answers do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors import ConnectorError, Nonsense
from connectors.hackernews import HackerNews, Settings
from connectors.http import Http
from tests.connectors.contract_hackernews import PATH, START, comment, searching
from tests.connectors.contracts import NOW, again, first_request, walk
from tests.fakes.server import FakeServer, Reply

RECORDED = Path(__file__).parents[3] / "shared" / "data" / "recorded" / "hackernews_algolia.jsonl"


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as running:
        yield running


def reader(server: FakeServer, **options: Any) -> HackerNews:
    return HackerNews(Settings(api_url=f"{server.url}/api/v1", **options), Http(trusted=[server.host]))


def test_a_comment_says_whom_it_answers_and_in_which_thread(server: FakeServer) -> None:
    server.route(PATH, searching([comment(0)]))
    (post,) = reader(server).fetch(first_request("hn")).posts
    assert (post.native_id, post.parent_id, post.thread_id) == ("4000", "78", "77")
    assert post.parent_text == "Ask HN: parcels"
    assert post.url == "https://news.ycombinator.com/item?id=4000"
    assert post.text == "Acme lost my order & it is gone\n\nNo 0"
    assert "_highlightResult" not in json.loads(post.raw)


def test_a_story_that_only_links_has_its_title_and_its_link(server: FakeServer) -> None:
    story = comment(
        0, comment_text=None, title="Acme raises prices", url="https://example.org/a", story_id=4000, points=12
    )
    server.route(PATH, searching([{**story, "parent_id": None}]))
    (post,) = reader(server).fetch(first_request("hn")).posts
    assert (post.title, post.text, post.reach) == ("Acme raises prices", "https://example.org/a", 12)
    assert (post.parent_id, post.thread_id) == ("", "")


def test_words_are_searched_as_phrases_and_only_since_the_look_back(server: FakeServer) -> None:
    server.route(PATH, searching([]))
    walk(reader(server), first_request("hn", ("Acme Post", 'say "Acme"')))
    asked = server.ledger
    assert [seen.one("query") for seen in asked] == ['"Acme Post"', '"say Acme"']
    assert {seen.one("tags") for seen in asked} == {"(story,comment)"}
    assert {seen.one("numericFilters") for seen in asked} == {f"created_at_i>{int(NOW.timestamp()) - 86400}"}


def test_more_hits_than_the_search_can_list_are_all_read(server: FakeServer) -> None:
    """The listing ends after 1,000 hits; windows of time go on."""
    server.route(PATH, searching([comment(number, created_at_i=START - 7 * number) for number in range(2_345)]))
    batches = walk(reader(server), first_request("hn"), most=60)
    assert len({post.native_id for batch in batches for post in batch.posts}) == 2_345
    assert max(int(seen.one("page")) for seen in server.ledger) == 0


def test_many_hits_within_one_second_are_all_read(server: FakeServer) -> None:
    hits = [comment(number, created_at_i=START - number // 40) for number in range(120)]
    server.route(PATH, searching(hits))
    batches = walk(reader(server, page_size=10), first_request("hn"), most=60)
    assert len({post.native_id for batch in batches for post in batch.posts}) == 120


def test_the_same_page_for_ever_stops_and_is_told_as_a_gap(server: FakeServer) -> None:
    same = [comment(number) for number in range(5)]
    server.route(PATH, {"hits": same, "hitsPerPage": 5})
    batches = walk(reader(server, page_size=5), first_request("hn"))
    assert len(server.ledger) <= 5
    assert batches[-1].gaps


def test_a_walk_cut_in_the_middle_keeps_its_place_and_the_high_water_stays(server: FakeServer) -> None:
    """The second page fails for a while: the first is not asked again, and nothing is lost."""
    server.route(PATH, searching([comment(number) for number in range(15)]))
    request = first_request("hn")
    first = reader(server, page_size=6).fetch(request)
    server.mode = "500"
    for _ in range(3):
        with pytest.raises(ConnectorError):
            reader(server, page_size=6).fetch(again(request, first.cursor))
    server.mode = "ok"
    rest = walk(reader(server, page_size=6), again(request, first.cursor, timedelta(hours=2)))
    assert {post.native_id for batch in [first, *rest] for post in batch.posts} == {str(4000 - n) for n in range(15)}


def test_what_the_index_shows_late_is_found_by_the_overlap_and_the_daily_deep_read(server: FakeServer) -> None:
    hits = [comment(0)]
    server.route(PATH, searching(hits))
    request = first_request("hn", back=timedelta(days=3))  # what the first look-back left out would never come
    cursor = walk(reader(server), request)[-1].cursor
    hits += [comment(1, created_at_i=START - 5 * 3600), comment(2, created_at_i=START - 40 * 3600)]
    soon = walk(reader(server), again(request, cursor, timedelta(minutes=5)))
    assert {post.native_id for post in soon[-1].posts} == {"4000", "3999"}
    next_day = walk(reader(server), again(request, soon[-1].cursor, timedelta(hours=25)))
    assert {post.native_id for post in next_day[-1].posts} == {"4000", "3999", "3998"}


def test_a_word_that_is_new_in_the_settings_gets_its_own_look_back(server: FakeServer) -> None:
    server.route(PATH, searching([comment(0)]))
    cursor = walk(reader(server), first_request("hn"))[-1].cursor
    before = len(server.ledger)
    walk(reader(server), again(first_request("hn", ("Acme", "Bolt")), cursor, timedelta(hours=1)))
    floors = {seen.one("query"): seen.one("numericFilters") for seen in server.ledger[before:]}
    assert floors['"Bolt"'] == f"created_at_i>{int(NOW.timestamp()) - 86400}"


def test_a_post_of_the_year_3554_does_not_carry_the_high_water_away(server: FakeServer) -> None:
    server.route(PATH, searching([comment(0, created_at_i=50_000_000_000), comment(1)]))
    cursor = walk(reader(server), first_request("hn"))[-1].cursor
    before = len(server.ledger)
    walk(reader(server), again(first_request("hn"), cursor, timedelta(minutes=5)))
    assert server.ledger[before].one("numericFilters") == f"created_at_i>{START - 60 - 6 * 3600}"


@pytest.mark.parametrize("body", ["[]", "null", '{"errors": ["x"]}', "{}", '{"hits": null}', '"x"', "[" * 100_000])
def test_an_answer_without_hits_is_nonsense_not_silence(server: FakeServer, body: str) -> None:
    server.route(PATH, Reply(body=body))
    with pytest.raises(Nonsense):
        reader(server).fetch(first_request("hn"))


@pytest.mark.parametrize(
    "changes",
    [
        {"objectID": None}, {"objectID": ["1"]}, {"objectID": "1 OR 1"}, {"created_at_i": 2**70, "created_at": None},
        {"created_at_i": "x", "created_at": {}}, {"author": None}, {"comment_text": 7}, {"comment_text": None},
    ],
)  # fmt: skip
def test_a_malformed_hit_is_set_aside_with_its_bytes(server: FakeServer, changes: dict[str, Any]) -> None:
    server.route(PATH, {"hits": [comment(0), comment(1, **changes), 17]})
    batch = reader(server).fetch(first_request("hn"))
    assert [post.native_id for post in batch.posts] == ["4000"]
    assert [json.loads(each.raw) for each in batch.aside][-1] == 17
    assert len(batch.aside) == 2


def test_hostile_text_arrives_clean(server: FakeServer) -> None:
    words = "<script>alert(1)</script>Acme \x00\ud800 <!channel>&lt;b&gt; \u2028" + "x" * 200_000
    server.route(PATH, searching([comment(0, comment_text=words, author="a\x00b")]))
    (post,) = reader(server).fetch(first_request("hn")).posts
    assert post.text.startswith("Acme \ufffd")
    assert "alert" not in post.text
    assert (post.author, len(post.raw.encode()) <= 65_536) == ("ab", True)


def test_our_own_answers_are_read_by_user_name(server: FakeServer) -> None:
    server.route(PATH, searching([comment(0)]))
    batch = reader(server).fetch_own(("acme_care",), first_request("hn"))
    assert server.ledger[0].one("tags") == "comment,author_acme_care"
    assert "query" not in server.ledger[0].query
    assert batch.posts[0].parent_id == "78"
    with pytest.raises(ConnectorError, match="user name"):
        reader(server).fetch_own(("a,story",), first_request("hn"))


@pytest.mark.shared_data
def test_recorded_answers_are_read_whole(server: FakeServer) -> None:
    """Every hit that the real search gave becomes a post with words, a time and a link."""
    if not RECORDED.exists():
        pytest.skip(f"no recorded answers at {RECORDED}")
    bodies = [json.loads(line)["body"] for line in RECORDED.read_text().splitlines()]
    pages = [body for body in bodies if isinstance(body, dict) and "hits" in body]
    assert pages
    for body in pages:
        server.route(PATH, {**body, "hitsPerPage": len(body["hits"]) + 1})
        batch = reader(server).fetch(first_request("hn", back=timedelta(days=20_000)))
        assert len(batch.posts) == len(body["hits"])
        assert not batch.aside
        assert all(post.text or post.title for post in batch.posts)


def test_items_that_are_gone_are_found_by_asking(server: FakeServer) -> None:
    server.route("/api/v1/items/*", Reply(404, json={"status": 404}))
    server.route("/api/v1/items/1", {"id": 1, "author": "ann", "text": "Acme", "children": []})
    server.route("/api/v1/items/2", {"id": 2, "author": None, "text": None, "title": None, "url": None})
    server.route("/api/v1/items/4", Reply(body="<html>busy</html>"))
    request = first_request("hn")
    assert reader(server).refresh(("1", "2", "3", "4", "odd"), request).deleted == ("2", "3")
    assert reader(server).refresh(("11", "12", "13", "14"), request).deleted == ("11", "12", "13", "14")
    server.route("/api/v1/items/1", Reply(404, json={"status": 404}))
    with pytest.raises(Nonsense):
        reader(server).refresh(("11",), request)
    server.route("/api/v1/items/*", Reply(503))
    with pytest.raises(ConnectorError):
        reader(server).refresh(("11",), request)


def test_an_item_is_not_gone_because_a_proxy_has_no_page(server: FakeServer) -> None:
    """What is believed to be gone is emptied for good."""
    server.route("/api/v1/items/1", {"id": 1, "author": "pg", "title": "Y Combinator", "children": []})
    server.route("/api/v1/items/*", Reply(404, body="<html>404 Not Found</html>"))
    with pytest.raises(Nonsense):
        reader(server).refresh(("11", "1"), first_request("hn"))


def test_one_malformed_hit_alone_on_a_page_does_not_hold_up_the_words_behind_it(server: FakeServer) -> None:
    """It was the failure of the whole source, until another post with the same word happened to come."""
    odd, sound = comment(1, author=None), comment(2)
    server.route(PATH, lambda seen: searching([odd if seen.one("query") == '"Acme"' else sound])(seen))
    batches = walk(reader(server), first_request("hn", ("Acme", "Zephyr")))
    assert [post.native_id for batch in batches for post in batch.posts] == [sound["objectID"]]
    assert [each.reason for batch in batches for each in batch.aside] == ["author is missing or not a text"]


def test_a_story_with_too_much_below_it_hides_no_deletion_of_another(server: FakeServer) -> None:
    """They are asked after together, each day: what was deleted beside it was never found out."""
    server.route("/api/v1/items/8", Reply(404, json={"error": "Not Found"}))
    server.route("/api/v1/items/1", {"id": 1, "author": "pg"})
    server.misbehave("bomb", at=1)
    assert reader(server).refresh(("7", "8"), first_request("hn")).deleted == ("8",)
