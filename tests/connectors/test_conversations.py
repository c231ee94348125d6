"""Each network's way to show what is said in a conversation, whether or not a word of it is looked for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from connectors import Batch, ConnectorError, Conversation, Nonsense, Post, RateLimited, Request
from connectors.bluesky import Bluesky
from connectors.bluesky import Settings as BlueskySettings
from connectors.conversations import one_by_one
from connectors.hackernews import HackerNews
from connectors.hackernews import Settings as HackerNewsSettings
from connectors.http import Http
from connectors.mastodon import Mastodon
from connectors.mastodon import Settings as MastodonSettings
from connectors.reddit import Reddit
from connectors.reddit import Settings as RedditSettings
from connectors.x import Settings as XSettings
from connectors.x import X
from tests.connectors import contract_github as github
from tests.connectors import contract_lemmy as lemmy
from tests.connectors import contract_stackexchange as stack
from tests.connectors import contract_youtube as youtube
from tests.connectors.contracts import CANARY, NOW
from tests.fakes.server import FakeServer, Reply

ASKED = Request("talk", (), "", NOW, NOW - timedelta(days=1))
HOUR = timedelta(hours=1)
SAID = str((int((NOW - HOUR).timestamp() * 1000) - 1288834974657) << 22)  # an id of X says when it was made


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as made:
        yield made


def status(number: int, words: str, *, ago: timedelta, answers: str = "", to: str = "") -> dict[str, Any]:
    return {
        "id": str(number), "created_at": (NOW - ago).isoformat(), "content": f"<p>{words}</p>",
        "account": {"id": f"id-{number}", "acct": f"author{number}"}, "in_reply_to_id": answers or None,
        "in_reply_to_account_id": to or None, "mentions": [{"id": "id-1", "acct": "author1"}],
    }  # fmt: skip


class Talk:
    """One network: how its reader is made, what its conversation is called, and what its server answers."""

    def __init__(self, server: FakeServer) -> None:
        self.server = server

    thread = "1"
    path = ""
    answer: Any = None
    authors: tuple[str, ...] = ()

    def reader(self) -> Any:
        raise NotImplementedError

    def read(self, since: timedelta = timedelta(hours=5)) -> Batch:
        asked = (Conversation(self.thread, ("first",), NOW - since),)
        found: Batch = self.reader().fetch_conversations(asked, ASKED)
        return found

    def http(self) -> Http:
        return Http(trusted=[self.server.host], total_seconds=3)


class OnMastodon(Talk):
    path = "/api/v1/statuses/first/context"
    answer = {
        "ancestors": [status(1, "My parcel!", ago=4 * HOUR)],
        "descendants": [
            status(2, "Where is it?", ago=2 * HOUR, answers="1", to="id-1"),
            status(3, "Old words", ago=30 * HOUR, answers="1"),
        ],
    }
    authors = ("author1@127.0.0.1", "author2@127.0.0.1")

    def reader(self) -> Any:
        return Mastodon(MastodonSettings(api_url=self.server.url), self.http())


class OnHackerNews(Talk):
    path = "/search_by_date"
    answer = {
        "hits": [
            {"objectID": "7", "created_at_i": int((NOW - HOUR).timestamp()), "author": "ann", "comment_text": "still!",
             "story_id": 1, "parent_id": 1},
            {"objectID": "8", "created_at_i": int(NOW.timestamp()), "author": "bob", "comment_text": "me too",
             "story_id": 1, "parent_id": 7},
        ]
    }  # fmt: skip
    authors = ("ann", "bob")

    def reader(self) -> Any:
        return HackerNews(HackerNewsSettings(api_url=self.server.url), self.http())


def view(key: str, handle: str, words: str, *replies: Any, ago: timedelta = HOUR) -> dict[str, Any]:
    did = f"did:plc:{handle.partition('.')[0]}"
    uri = f"at://{did}/app.bsky.feed.post/{key}"
    record = {"text": words, "createdAt": (NOW - ago).isoformat()}
    post = {
        "uri": uri,
        "author": {"did": did, "handle": handle},
        "record": record,
        "indexedAt": (NOW - ago).isoformat(),
    }
    return {"post": post, "replies": list(replies)}


class OnBluesky(Talk):
    thread = "at://did:plc:olga/app.bsky.feed.post/a"
    path = "/xrpc/app.bsky.feed.getPostThread"
    answer = {
        "thread": view(
            "a", "olga.example", "My parcel!",
            view("b", "acme.example", "Sorry!", view("c", "olga.example", "Still nothing", ago=HOUR), ago=2 * HOUR),
            {"$type": "app.bsky.feed.defs#blockedPost", "uri": "x", "blocked": True},
            view("d", "old.example", "Old", ago=30 * HOUR),
        )
    }  # fmt: skip
    authors = ("acme.example", "olga.example")

    def reader(self) -> Any:
        return Bluesky(BlueskySettings(api_url="ws://127.0.0.1:9", appview_url=self.server.url), self.http())


def comment(name: str, author: str, parent: str, *replies: Any, ago: timedelta = HOUR) -> dict[str, Any]:
    return {
        "kind": "t1",
        "data": {
            "name": name, "author": author, "body": "words", "created_utc": (NOW - ago).timestamp(),
            "parent_id": parent,
            "link_id": "t3_abc", "permalink": f"/r/x/comments/abc/_/{name[3:]}",
            "replies": {"kind": "Listing", "data": {"children": list(replies)}} if replies else "",
        },
    }  # fmt: skip


class OnReddit(Talk):
    thread = "t3_abc"
    path = "/comments/abc"
    answer = [
        {"kind": "Listing", "data": {"children": [{"kind": "t3", "data": {"name": "t3_abc", "author": "olga"}}]}},
        {"kind": "Listing", "data": {"children": [
            comment("t1_1", "acme", "t3_abc", comment("t1_2", "olga", "t1_1"), ago=2 * HOUR),
            comment("t1_3", "old", "t3_abc", ago=30 * HOUR),
            {"kind": "more", "data": {"name": "t1__", "children": ["x"]}},
        ]}},
    ]  # fmt: skip
    authors = ("acme", "olga")

    def reader(self) -> Any:
        self.server.route(
            "/api/v1/access_token", {"access_token": "t", "expires_in": 3600, "token_type": "bearer", "scope": "*"}
        )
        return Reddit(RedditSettings(client_id=CANARY, client_secret=CANARY, api_url=self.server.url), total_seconds=3)


class OnX(Talk):
    thread = "1990000000000000001"
    path = "/2/tweets/search/recent"
    answer = {
        "data": [
            {"id": SAID, "text": "still nothing", "author_id": "77", "conversation_id": thread,
             "created_at": (NOW - HOUR).isoformat(), "in_reply_to_user_id": "55",
             "referenced_tweets": [{"type": "replied_to", "id": "1990000000000000005"}]},
        ],
        "meta": {"result_count": 1},
    }  # fmt: skip
    authors = ("77",)

    def reader(self) -> Any:
        return X(XSettings(bearer_token=CANARY, api_url=self.server.url), total_seconds=3)


class OnYouTube(Talk):
    thread = "UgxKREWxIgDrw8w2e_0009"
    path = "/comments"
    answer = youtube.listed(
        youtube.comment(1, parentId=thread), youtube.comment(2, parentId=thread), youtube.comment(30, parentId=thread),
        kind="comment",
    )  # fmt: skip
    authors = ("@person1", "@person2")

    def reader(self) -> Any:
        return youtube.make(self.server, 3)


class OnGitHub(Talk):
    thread = "acme/kettle#7"
    path = "/repos/acme/kettle/issues/7/comments"
    answer = [github.comment(60, 7), github.comment(120, 7), github.comment(1800, 7)]
    authors = ("person60", "person120")

    def reader(self) -> Any:
        return github.make(self.server, 3)


class OnLemmy(Talk):
    thread = "p7"
    path = "/api/v3/comment/list"
    answer = {"comments": [lemmy.comment(60), lemmy.comment(120), lemmy.comment(1800)]}
    authors = ("person60@talk.example", "person120@talk.example")

    def reader(self) -> Any:
        return lemmy.make(self.server, 3)


class OnStackExchange(Talk):
    thread = "7"
    path = "/questions/7/answers"
    answer = stack.page(stack.below(21, "answer", 7, NOW - HOUR), stack.below(22, "answer", 7, NOW - 30 * HOUR))
    authors = ("user5", "user6")

    def reader(self) -> Any:
        said = stack.page(stack.below(31, "comment", 21, NOW - HOUR, user=6))
        self.server.route("/posts/7;21;22/comments", said)
        return stack.make(self.server, 3)


KINDS = [OnMastodon, OnHackerNews, OnBluesky, OnReddit, OnX, OnYouTube, OnGitHub, OnLemmy, OnStackExchange]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def talk(request: pytest.FixtureRequest, server: FakeServer) -> Talk:
    made: Talk = request.param(server)
    server.route(made.path, lambda _seen, made=made: Reply(json=made.answer))
    return made


def test_what_is_said_in_a_conversation_comes_with_its_thread(talk: Talk) -> None:
    found = talk.read()
    assert {post.thread_id for post in found.posts} == {talk.thread}
    assert tuple(sorted({post.author for post in found.posts})) == tuple(sorted(talk.authors))
    assert all(post.posted_at >= NOW - timedelta(hours=5) for post in found.posts)
    assert all(post.posted_at.tzinfo is not None for post in found.posts)
    assert found.aside == (), "what is not ours to keep is not kept as bytes either"


def test_nothing_is_asked_where_there_is_no_such_conversation(talk: Talk) -> None:
    if isinstance(talk, OnMastodon):
        pytest.skip("any id may be one of a post here")
    reader = talk.reader()
    reader.fetch_conversations((Conversation("no id of this network", (), NOW),), ASKED)
    assert [seen for seen in talk.server.ledger if "access_token" not in seen.path] == []


def test_one_call_a_conversation_and_no_more_than_it_says(talk: Talk) -> None:
    reader = talk.reader()
    many = tuple(Conversation(talk.thread, ("first",), NOW - HOUR) for _ in range(reader.most_conversations + 5))
    reader.fetch_conversations(many, ASKED)
    calls = [seen for seen in talk.server.ledger if seen.path == talk.path]
    assert len(calls) == (1 if isinstance(talk, OnX | OnStackExchange) else reader.most_conversations)


def test_a_refusal_is_one_of_the_few_errors(talk: Talk) -> None:
    talk.server.route(talk.path, Reply(429, json={}))
    with pytest.raises(RateLimited):
        talk.read()
    talk.server.route(talk.path, Reply(500, json={}))
    with pytest.raises(ConnectorError):
        talk.read()


def test_one_conversation_that_cannot_be_read_hides_none_of_the_others(talk: Talk) -> None:
    """A thread too large to be sent, say: it was the first to be asked for at each turn, and the last."""
    if isinstance(talk, OnX | OnStackExchange):
        pytest.skip("one call asks for all")
    reader, before = talk.reader(), 1 if isinstance(talk, OnReddit) else 0  # its token
    asked = tuple(Conversation(talk.thread, ("first",), NOW - 5 * HOUR) for _ in range(2))
    talk.server.misbehave("html", at=before + 1)
    found = reader.fetch_conversations(asked, ASKED)
    assert {post.author for post in found.posts} == set(talk.authors)
    assert found.unread == (talk.thread,), "it is read from the same moment the next time"


def test_what_was_read_before_a_limit_is_kept(talk: Talk) -> None:
    if isinstance(talk, OnX | OnStackExchange):
        pytest.skip("one call asks for all")
    talk.read()
    reader, calls = talk.reader(), len(talk.server.ledger)
    asked = tuple(Conversation(talk.thread, ("first",), NOW - 5 * HOUR) for _ in range(2))
    talk.server.misbehave("429", at=2 * calls + 1)
    found = reader.fetch_conversations(asked, ASKED)
    assert {post.author for post in found.posts} == set(talk.authors)
    assert found.unread == (talk.thread,)


GONE = {
    "OnBluesky": Reply(400, json={"error": "NotFound", "message": "Post not found"}),
    "OnReddit": Reply(403, json={"reason": "private", "message": "Forbidden", "error": 403}),
    "OnLemmy": Reply(404, json={"error": "couldnt_find_post"}),
    "OnMastodon": Reply(404, json={"error": "Record not found"}),
    "OnGitHub": Reply(410, json={"message": "This issue was deleted"}),
}


@pytest.mark.parametrize("kind", [OnBluesky, OnReddit, OnLemmy, OnMastodon, OnGitHub], ids=lambda kind: kind.__name__)
def test_a_conversation_that_is_gone_is_no_fault_of_the_source(server: FakeServer, kind: type[Talk]) -> None:
    talk = kind(server)
    server.route(talk.path, GONE[kind.__name__])
    found = talk.read()
    assert (found.posts, found.unread) == ((), ())


def test_of_many_conversations_on_a_slow_network_some_are_read_and_the_others_are_next() -> None:
    """All twenty had to be read within the source's deadline, or none was, at each turn."""
    seconds = 0.0

    def slowly(_one: Conversation) -> tuple[Post, ...]:
        nonlocal seconds
        seconds += 6
        return ()

    many = tuple(Conversation(str(number), (), NOW) for number in range(20))
    found = one_by_one(many, slowly, lambda: seconds)
    assert found.unread == tuple(str(number) for number in range(3, 20))


def test_an_answer_of_another_shape_is_nonsense(talk: Talk) -> None:
    talk.server.route(talk.path, {"something": "else"})
    with pytest.raises(Nonsense):
        talk.read()


def test_whom_a_reply_answers_is_known_where_the_network_says_so(server: FakeServer) -> None:
    named = {}
    for kind in KINDS:
        made = kind(server)
        server.route(made.path, lambda _seen, made=made: Reply(json=made.answer))
        named[kind.__name__] = {post.parent_author for post in made.read().posts} - {""}
    assert named == {
        "OnMastodon": {"author1@127.0.0.1"}, "OnHackerNews": set(), "OnBluesky": {"olga.example", "acme.example"},
        "OnReddit": {"olga", "acme"}, "OnX": {"55"}, "OnYouTube": set(), "OnGitHub": set(), "OnLemmy": set(),
        "OnStackExchange": set(),
    }  # fmt: skip


def test_everybody_who_answered_one_post_on_mastodon_is_followed(server: FakeServer) -> None:
    """Two customers below our own post: the context of one holds nothing of what is said below the other."""
    ours, olga, mira = (status(number, words, ago=4 * HOUR) for number, words in enumerate(("News", "No!", "Why?"), 1))
    below = {
        "1": {"ancestors": [], "descendants": [olga, mira]},  # cut short, as it is without a token
        "2": {"ancestors": [ours], "descendants": [status(20, "Still no", ago=HOUR, answers="2")]},
        "3": {"ancestors": [ours], "descendants": [status(30, "And why", ago=HOUR, answers="3")]},
    }
    for number, context in below.items():
        server.route(f"/api/v1/statuses/{number}/context", context)
    asked = (Conversation("1", ("3", "2"), NOW - 2 * HOUR),)
    found = OnMastodon(server).reader().fetch_conversations(asked, ASKED)
    assert {post.text for post in found.posts} == {"Still no", "And why"}


def test_of_very_many_who_answered_one_post_on_mastodon_what_they_answer_is_asked_for(server: FakeServer) -> None:
    crowd = [status(number, "No!", ago=HOUR, answers="1") for number in range(10, 60)]
    server.route("/api/v1/statuses/*", {"ancestors": [], "descendants": []})
    server.route("/api/v1/statuses/1/context", {"ancestors": [], "descendants": crowd})
    asked = (Conversation("1", tuple(each["id"] for each in crowd), NOW - 2 * HOUR),)
    found = OnMastodon(server).reader().fetch_conversations(asked, ASKED)
    assert (len(found.posts), len(server.ledger)) == (50, 5)


def test_a_conversation_on_x_comes_out_of_the_budget(server: FakeServer) -> None:
    made = OnX(server)
    server.route(made.path, lambda _seen, made=made: Reply(json=made.answer))
    found = made.read()
    assert found.quota is not None
    assert found.quota.cost == pytest.approx(0.005)
    (seen,) = [seen for seen in server.ledger if seen.path == made.path]
    assert seen.one("query") == f"(conversation_id:{made.thread}) -is:retweet"
