"""Comments on one's own Instagram posts: who wrote what below what, our reply, who is gone, what Meta refuses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from connectors import ConnectorError, Conversation, RateLimited, Refused
from tests.connectors.contract_instagram import ACCOUNT, COMMENTS, LINK, MEDIA, OURS, POST, comment, make, page
from tests.connectors.contracts import CANARY, NOW, again, first_request, walk
from tests.fakes.server import FakeServer, Reply

ASKED = first_request("instagram")


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as running:
        running.route(MEDIA, OURS)
        yield running


def fault(code: int, inner: int | None = None, status: int = 400) -> Reply:
    said = {"message": CANARY, "type": "OAuthException", "code": code, "fbtrace_id": "EJplcsCHuLu"}
    return Reply(status, json={"error": said if inner is None else {**said, "error_subcode": inner}})


def test_a_comment_comes_with_the_replies_below_it_and_whom_they_answer(server: FakeServer) -> None:
    first = comment(2)
    ours = comment(1, username="acme", text="@user2 Sorry, a new one is on its way", parent_id=first["id"])
    odd = {"id": "x"}
    server.route(COMMENTS, page({**first, "replies": {"data": [ours, odd]}}))
    one, two = make(server, 20).fetch(ASKED).posts
    assert (one.author, one.author_id, one.url, one.reach) == ("user2", "17841400002", LINK, 3)
    assert (one.addressed, one.thread_id, one.posted_at) == ((ACCOUNT, "*"), "", NOW - timedelta(hours=1))
    assert (two.author, two.parent_id, two.thread_id, two.parent_author) == (
        "acme",
        one.native_id,
        one.native_id,
        "user2",
    )
    assert two.addressed == ()
    assert server.ledger[1].one("fields").endswith("replies{id,text,timestamp,username,from,like_count,parent_id}")


def test_a_comment_without_words_or_name_is_one_all_the_same(server: FakeServer) -> None:
    bare = {key: value for key, value in comment(1).items() if key in {"id", "timestamp"}}
    server.route(COMMENTS, page(bare))
    (post,) = make(server, 20).fetch(ASKED).posts
    assert (post.author, post.text, post.author_id) == ("Instagram user 0001", "", "")


def test_our_posts_are_looked_up_now_and_then_and_one_that_is_gone_is_left_out(server: FakeServer) -> None:
    other = "17895695668004551"
    quiet = {"id": "17895695668004552", "comments_count": 0}
    server.route(MEDIA, {"data": [*OURS["data"], {"id": other}, quiet, {"id": "no"}, 7]})
    server.route(COMMENTS, page(comment(1)))
    server.route(f"/{other}/comments", fault(100, 33))
    connector = make(server, 20)
    batches = walk(connector, ASKED)
    assert [len(batch.posts) for batch in batches] == [1, 0]
    assert not [notice for batch in batches for notice in batch.notices]
    walk(connector, again(ASKED, batches[-1].cursor, timedelta(minutes=5)))
    assert server.paths().count(MEDIA) == 1
    assert server.paths().count(f"/{other}/comments") == 1
    walk(connector, again(ASKED, batches[-1].cursor, timedelta(minutes=10)))
    assert server.paths().count(MEDIA) == 2


def test_without_a_post_there_is_nothing_to_read(server: FakeServer) -> None:
    server.route(MEDIA, {"data": []})
    batch = make(server, 20).fetch(ASKED)
    assert (batch.posts, batch.complete) == ((), True)


def test_the_conversation_of_a_case_shows_our_reply(server: FakeServer) -> None:
    thread, old = comment(9)["id"], comment(8)
    server.route(f"/{thread}/replies", page(comment(1, username="acme"), comment(2), old))
    server.route("/17870913679159999/replies", fault(100, 33))
    asked = tuple(
        Conversation(each, (each,), NOW - timedelta(hours=2)) for each in (thread, "17870913679159999", "odd")
    )
    posts = make(server, 20).fetch_conversations(asked, ASKED).posts
    assert [(post.author, post.thread_id) for post in posts] == [("user2", thread), ("acme", thread)]


def test_a_comment_that_is_gone_is_deleted_unless_the_account_is_gone_too(server: FakeServer) -> None:
    known = [comment(number)["id"] for number in (1, 2)]
    server.route("/*", fault(100, 33))
    server.route(f"/{known[0]}", {"id": known[0]})
    connector = make(server, 20)
    assert connector.refresh((*known, "odd"), ASKED).deleted == (known[1],)
    server.route(f"/{known[0]}", fault(100, 33))
    with pytest.raises(Refused):
        connector.refresh(tuple(known), ASKED)
    server.route(f"/{ACCOUNT}", {"id": ACCOUNT})
    assert connector.refresh(tuple(known), ASKED).deleted == tuple(known)


@pytest.mark.parametrize(
    ("answer", "kind", "remedy"),
    [
        (fault(190, 460, 401), Refused, "new token"),
        (fault(10, status=403), Refused, "instagram_manage_comments"),
        (fault(200, status=403), Refused, "instagram_manage_comments"),
        (fault(4, status=403), RateLimited, "fewer posts"),
        (fault(80002), RateLimited, "fewer posts"),
        (fault(2, status=500), ConnectorError, "retry"),
    ],
)
def test_what_meta_refuses_says_what_to_do(
    server: FakeServer, answer: Any, kind: type[ConnectorError], remedy: str
) -> None:
    server.route(COMMENTS, answer)
    with pytest.raises(kind) as caught:
        make(server, 20).fetch(ASKED)
    assert remedy in caught.value.remedy
    assert CANARY not in str(caught.value)
    assert server.ledger[-1].path == f"/{POST}/comments"
