"""What connectors over a listing have in common: hostile words, endless pages, and a server that ignores pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connectors import Request
from connectors.http import Http
from connectors.stackexchange import Settings, StackExchange
from tests.connectors import contract_appstore as appstore
from tests.connectors import contract_discourse as discourse
from tests.connectors import contract_github as github
from tests.connectors import contract_googleplay as googleplay
from tests.connectors import contract_lemmy as lemmy
from tests.connectors import contract_stackexchange as stackexchange
from tests.connectors import contract_youtube as youtube
from tests.connectors.contracts import first_request, walk
from tests.fakes.server import FakeServer

NASTY = "\x00<script>alert(1)</script> \ud800 \u202eAcme\u2028<!channel> " + "\u0301" * 500 + "'; DROP TABLE posts; --"
ASKED = first_request("one")
Routes = Callable[[FakeServer, str], None]


def _appstore(server: FakeServer, words: str) -> None:
    review = appstore.review(1, title=words, body=words, reviewerNickname=words)
    server.route(appstore.PATH, appstore.page(review, cursor="again"))


def _googleplay(server: FakeServer, words: str) -> None:
    server.route("/token", googleplay.TOKEN)
    review = {**googleplay.review(1, text=words, reply=words), "authorName": words}
    server.route(googleplay.PATH, googleplay.page(review, token="again"))


def _youtube(server: FakeServer, words: str) -> None:
    said = youtube.thread(1, textDisplay=words, authorDisplayName=words)
    server.route("/commentThreads", youtube.listed(said, token="again"))


def _github(server: FakeServer, words: str) -> None:
    issues = [github.issue(number, title=words, body_text=words, user={"login": words}) for number in range(1, 101)]
    server.route("/search/issues", {"items": issues})


def _stackexchange(server: FakeServer, words: str) -> None:
    found = stackexchange.question(1, title=words, body=words, owner={"user_id": 1, "display_name": words})
    server.route("/search/advanced", stackexchange.page(found, more=True))


def _discourse(server: FakeServer, words: str) -> None:
    post = discourse.post(1, cooked=words, username=words, name=words, topic_title=words)
    server.route("/posts.json", {"latest_posts": [post]})


def _lemmy(server: FakeServer, words: str) -> None:
    server.route("/api/v3/post/list", {"posts": []})
    many = [lemmy.comment(number, content=words) for number in range(1, lemmy.PAGE + 1)]
    for each in many:
        each["creator"]["name"] = words
    server.route("/api/v3/comment/list", {"comments": many})


KINDS: dict[str, tuple[Any, Routes, Request]] = {
    "appstore": (appstore.make, _appstore, ASKED),
    "googleplay": (googleplay.make, _googleplay, ASKED),
    "youtube": (youtube.make, _youtube, replace(youtube.REQUEST)),
    "github": (github.make, _github, ASKED),
    "stackexchange": (stackexchange.make, _stackexchange, ASKED),
    "discourse": (discourse.make, _discourse, ASKED),
    "lemmy": (lemmy.make, _lemmy, ASKED),
}


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as running:
        yield running


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_words_come_out_clean_and_a_page_that_repeats_itself_ends_the_walk(
    server: FakeServer, kind: str
) -> None:
    make, route, request = KINDS[kind]
    route(server, NASTY)
    batches = walk(make(server, 20), request)
    posts = [post for batch in batches for post in batch.posts]
    assert posts
    for post in posts:
        for text in (post.text, post.title, post.author, post.author_name, post.reply_text, post.raw):
            assert "\x00" not in text
            text.encode("utf-8")
        assert "\u0301" * 31 not in post.text
        assert post.url.startswith("http")
    assert len(server.ledger) <= 5, "a server that knows no pages, or always has another one, is not asked for ever"


def test_a_gap_says_what_stays_unread_when_pages_repeat_themselves(server: FakeServer) -> None:
    _stackexchange(server, "Acme leaks")
    batches = walk(stackexchange.make(server, 20), ASKED)
    (gap,) = [gap for batch in batches for gap in batch.gaps]
    assert gap.start == ASKED.since
    assert "same page" in gap.reason
    later = replace(ASKED, cursor=batches[-1].cursor, now=ASKED.now + timedelta(minutes=5))
    assert len(walk(stackexchange.make(server, 20), later)) == 2


def test_one_post_with_a_wrong_date_does_not_end_a_listing() -> None:
    """A review dated 2001 at the end of a page hid every page behind it."""
    with FakeServer() as server:
        wrong = appstore.review(3, createdDate="2001-09-09T01:46:40Z")
        pages = [appstore.review(1), appstore.review(2), wrong], [appstore.review(4), appstore.review(5)]
        first = appstore.page(*pages[0], cursor="second")
        server.route(appstore.PATH, lambda seen: appstore.page(*pages[1]) if seen.one("cursor") else first)
        found = [post.native_id for batch in walk(appstore.make(server, 20.0), ASKED) for post in batch.posts]
    assert len(found) == 4


def test_one_malformed_item_alone_on_a_page_does_not_hold_up_the_listings_behind_it(server: FakeServer) -> None:
    """A question whose fields were odd, alone in its listing, was the failure of the whole source, again and again."""
    odd = stackexchange.question(7, body=None)
    server.route("/questions", stackexchange.page(odd))
    server.route("/search/advanced", stackexchange.page(stackexchange.question(8)))
    connector = StackExchange(Settings(api_url=server.url, tagged=("acme",)), Http(trusted=[server.host]))
    batches = walk(connector, ASKED)
    assert [post.native_id for batch in batches for post in batch.posts] == ["8"]
    assert [each.reason for batch in batches for each in batch.aside] == ["body is missing or not a text"]
