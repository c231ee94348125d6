"""Discourse, Lemmy and Stack Exchange: own replies and what they answer, deletions, and each one's own rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connectors import Account, Closed, ConnectorError, Conversation, RateLimited, Refused, Request
from tests.connectors import contract_discourse as forum
from tests.connectors import contract_lemmy as lemmy
from tests.connectors import contract_stackexchange as stack
from tests.connectors.contracts import CANARY, NOW, again, first_request, walk
from tests.fakes.server import FakeServer, Reply

ASKED = first_request("forum")
HOUR = timedelta(hours=1)


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as running:
        yield running


# ── Discourse ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_forum_post_says_what_it_answers_and_a_first_one_its_title(server: FakeServer) -> None:
    first = forum.post(3, post_number=1)
    answer = forum.post(2, reply_to_post_number=1, version=2, updated_at=NOW.isoformat())
    forum.serve_posts(server, forum.post(1, reply_to_post_number=None), answer, first)
    one, two, three = forum.make(server, 20).fetch(ASKED).posts
    assert (one.native_id, one.parent_id, one.thread_id, one.title) == ("7/99", "7/1", "7/1", "")
    assert (two.parent_id, two.edited_at, two.author_id) == ("7/1", NOW, "502")
    assert (three.parent_id, three.thread_id, three.title) == ("", "", "Kettles & lids")
    assert one.text == "Acme & me: it leaks"
    assert one.url == f"{server.url}/t/7/99"
    assert one.addressed == ()
    assert forum.make(server, 20, own=True).fetch(ASKED).posts[0].addressed == ("*",)
    assert server.ledger[0].headers["api-key"] == CANARY
    assert server.ledger[0].headers["api-username"] == "system"


def test_windows_without_a_public_post_do_not_end_the_reading(server: FakeServer) -> None:
    forum.serve_posts(server, forum.post(1), forum.post(2))
    server.route("/posts.json", lambda seen: {"latest_posts": _window(int(seen.one("before", "1000")))})
    found = [post.native_id for batch in walk(forum.make(server, 20), ASKED) for post in batch.posts]
    assert found == ["7/99", "7/98"]
    assert len(server.ledger) < 30  # and no forum of private posts alone is read to its beginning


def _window(before: int) -> list[dict[str, Any]]:
    listed = [forum.post(1, id=1000), forum.post(2, id=850)]
    return [each for each in listed if before - 50 < each["id"] <= before]


def test_our_own_replies_come_from_our_activity(server: FakeServer) -> None:
    def action(hours: int, **changes: Any) -> dict[str, Any]:
        return {
            "action_type": 5,
            "created_at": (NOW - hours * HOUR).isoformat(),
            "topic_id": 8,
            "user_id": 9,
            **changes,
        }

    actions = [
        action(1, topic_id=7, post_number=12, reply_to_post_number=3, excerpt="Sorry! <b>Mended</b>", username="ana"),
        action(2, post_number=2, excerpt="Hi"), action(3, post_number=4, deleted=True),
    ]  # fmt: skip
    server.route("/user_actions.json", lambda seen: {"user_actions": actions if seen.one("offset") == "0" else []})
    batches = walk_own(forum.make(server, 20), ("@acme", "no name!"))
    posts = [post for batch in batches for post in batch.posts]
    assert [(post.native_id, post.parent_id, post.author, post.text) for post in posts] == [
        ("7/12", "7/3", "acme", "Sorry! Mended"), ("8/2", "8/1", "acme", "Hi"),
    ]  # fmt: skip
    assert next(batch.deleted for batch in batches) == ("8/4",)
    with pytest.raises(ConnectorError, match="user name"):
        forum.make(server, 20).fetch_own(("no name!",), ASKED)


def walk_own(connector: Any, accounts: tuple[str, ...]) -> list[Any]:
    request, batches = ASKED, []
    while not batches or not batches[-1].complete:
        batches.append(connector.fetch_own(accounts, request))
        request = replace(request, cursor=batches[-1].cursor)
        assert len(batches) < 9
    return batches


def test_a_forum_post_that_was_deleted_is_gone(server: FakeServer) -> None:
    server.route("/posts/by_number/7/1.json", forum.post(1))
    server.route("/posts/by_number/7/2.json", Reply(404, json={"errors": ["not found"]}))
    server.route("/posts/by_number/7/3.json", forum.post(3, user_deleted=True))
    server.route("/site/basic-info.json", {"title": "Talk"})
    connector = forum.make(server, 20)
    assert connector.refresh(("7/1", "7/2", "7/3", "../admin"), ASKED).deleted == ("7/2", "7/3")
    assert connector.refresh(("7/2",), ASKED).deleted == ("7/2",)
    server.route("/site/basic-info.json", Reply(404, json={}))
    with pytest.raises(Closed):
        connector.refresh(("7/2",), ASKED)


def test_a_forum_for_members_only_says_what_to_set(server: FakeServer) -> None:
    server.route("/posts.json", Reply(403, json={"errors": ["not_logged_in"]}))
    connector = forum.make(server, 20)
    with pytest.raises(Refused) as caught:
        connector.fetch(ASKED)
    assert "scopes" in caught.value.remedy
    connector._settings = connector._settings.model_copy(update={"api_key": None})
    with pytest.raises(Refused) as caught:
        connector.fetch(ASKED)
    assert "api_key" in caught.value.remedy


# ── Lemmy ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_lemmy_is_searched_for_posts_and_comments(server: FakeServer) -> None:
    listed = [
        lemmy.submission(7),
        lemmy.submission(9, body=None, url="https://e.org/a"),
        lemmy.submission(8, removed=True),
    ]
    server.route("/api/v3/search", lambda seen: {
        "posts": listed if seen.one("type_") == "Posts" else [],
        "comments": [lemmy.comment(12)] if seen.one("type_") == "Comments" else [],
    })  # fmt: skip
    batches = walk(lemmy.make(server, 20, search=True, communities=()), ASKED)
    posts = {post.native_id: post for batch in batches for post in batch.posts}
    assert sorted(posts) == ["c12", "p7", "p9"]
    assert [each for batch in batches for each in batch.deleted] == ["p8"]
    assert (posts["c12"].parent_id, posts["c12"].thread_id, posts["c12"].author) == (
        "c3",
        "p7",
        "person12@talk.example",
    )
    assert (posts["p7"].title, posts["p7"].thread_id, posts["p9"].text) == ("Acme 7", "", "https://e.org/a")
    assert posts["c12"].url == f"{server.url}/comment/12"
    assert {post.addressed for post in posts.values()} == {()}
    assert {seen.one("q") for seen in server.ledger} == {"Acme"}


def test_our_own_comments_on_lemmy_are_read_under_the_name_of_the_settings(server: FakeServer) -> None:
    server.route("/api/v3/user", {"posts": [], "comments": [lemmy.comment(5, path="0.5")]})
    (batch,) = walk_own(lemmy.make(server, 20), ("@acme@talk.example",))
    assert [(post.author, post.parent_id) for post in batch.posts] == [("acme@talk.example", "p7")]
    assert server.ledger[0].one("username") == "acme@talk.example"


def test_what_lemmy_says_is_deleted_or_does_not_know_is_gone(server: FakeServer) -> None:
    server.route("/api/v3/comment", lambda seen: {
        "1": {"comment_view": lemmy.comment(1)},
        "2": {"comment_view": lemmy.comment(2, deleted=True)},
        "3": Reply(404, json={"error": "couldnt_find_comment"}),
        "4": {"something": "else"},
    }[seen.one("id")])  # fmt: skip
    server.route("/api/v3/post", {"post_view": lemmy.submission(7, removed=True)})
    batch = lemmy.make(server, 20).refresh(("c1", "c2", "c3", "c4", "p7", "x9"), ASKED)
    assert batch.deleted == ("c2", "c3", "p7")


@pytest.mark.parametrize(
    ("reply", "kind", "remedy"),
    [
        (Reply(400, json={"error": "rate_limit_error"}), RateLimited, "retry"),
        (Reply(400, json={"error": "couldnt_find_community"}), Closed, "name@server"),
        (Reply(400, json={"error": "instance_is_private"}), Refused, "token"),
        (Reply(404, body="<html>not here</html>"), Refused, "/api/v4"),
        (Reply(502, body="<html>bad gateway</html>"), ConnectorError, "retry"),
    ],
)
def test_what_lemmy_refuses_says_what_to_do(
    server: FakeServer, reply: Reply, kind: type[ConnectorError], remedy: str
) -> None:
    server.route("/api/v3/*", reply)
    with pytest.raises(kind) as caught:
        walk(lemmy.make(server, 20), ASKED)
    assert remedy in caught.value.remedy


# ── Stack Exchange ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_backoff_ends_the_reading_for_so_long_and_it_goes_on_then(server: FakeServer) -> None:
    server.route("/search/advanced", [
        stack.page(stack.question(1), more=True, backoff=30), stack.page(stack.question(2)),
    ])  # fmt: skip
    connector = stack.make(server, 20)
    first = connector.fetch(ASKED)
    assert (first.not_before, first.complete) == (NOW + timedelta(seconds=30), False)
    assert first.quota is not None
    assert first.quota.remaining == 9_990
    rest = connector.fetch(again(ASKED, first.cursor, timedelta(seconds=30)))
    assert rest.complete
    assert [seen.one("page") for seen in server.ledger] == ["1", "2"]


def test_a_rest_after_the_last_page_does_not_make_the_next_read_come_sooner(server: FakeServer) -> None:
    """`not_before` of a whole walk would stand in for the source's own pace: it is kept, and said when it matters."""
    server.route("/search/advanced", stack.page(stack.question(1), backoff=600))
    connector = stack.make(server, 20)
    whole = connector.fetch(ASKED)
    assert (whole.complete, whole.not_before) == (True, None)
    early = connector.fetch(again(ASKED, whole.cursor, timedelta(minutes=5)))
    assert (early.posts, early.not_before) == ((), NOW + timedelta(minutes=10))
    assert len(server.ledger) == 1
    later = connector.fetch(again(ASKED, early.cursor, timedelta(minutes=10)))
    assert (later.complete, len(server.ledger)) == (True, 2)


@pytest.mark.parametrize(("left", "minutes"), [(250, 0), (140, 18), (20, 720), (0, 720)])
def test_the_last_calls_of_a_day_are_spread_over_it(server: FakeServer, left: int, minutes: int) -> None:
    server.route("/search/advanced", stack.page(stack.question(1), more=True, quota_remaining=left))
    found = stack.make(server, 20).fetch(ASKED).not_before
    assert found == (NOW + timedelta(minutes=minutes) if minutes else None)


def test_a_tag_speaks_to_us_and_a_search_need_not(server: FakeServer) -> None:
    server.route("/questions", stack.page(stack.question(1, last_edit_date=int(NOW.timestamp()))))
    server.route("/search/advanced", stack.page(stack.question(2)))
    batches = walk(stack.make(server, 20, tagged=("Acme-Kettle",)), ASKED)
    found = {post.native_id: post for batch in batches for post in batch.posts}
    assert (found["1"].addressed, found["2"].addressed, found["1"].edited_at) == (("*",), (), NOW)
    assert (found["2"].title, found["2"].text, found["2"].author) == ("Acme kettle & lid", "Acme leaks", "person & 2")
    assert [(seen.path, seen.one("tagged"), seen.one("q")) for seen in server.ledger] == [
        ("/search/advanced", "", '"Acme"'), ("/questions", "acme-kettle", ""),
    ] or [seen.path for seen in server.ledger] == ["/questions", "/search/advanced"]  # fmt: skip


def test_many_conversations_are_one_call_each_for_answers_and_comments(server: FakeServer) -> None:
    server.route("/questions/7;8/answers", stack.page(stack.below(21, "answer", 7, NOW - HOUR)))
    comments = [stack.below(31, "comment", 21, NOW - HOUR), stack.below(32, "comment", 8, NOW - 9 * HOUR)]
    server.route("/posts/7;8;21/comments", stack.page(*comments))
    asked = tuple(Conversation(each, (each, "c9"), NOW - 5 * HOUR) for each in ("7", "8"))
    found = stack.make(server, 20).fetch_conversations(asked, Request("stack", (), "", NOW, NOW)).posts
    assert [(post.native_id, post.parent_id, post.thread_id) for post in found] == [
        ("21", "7", "7"),
        ("c31", "21", "7"),
    ]
    assert len(server.ledger) == 2


@pytest.mark.parametrize(
    ("site", "host"),
    [
        ("stackoverflow", "stackoverflow.com"), ("es.stackoverflow", "es.stackoverflow.com"),
        ("unix", "unix.stackexchange.com"), ("unix.meta", "unix.meta.stackexchange.com"),
        ("mathoverflow.net", "mathoverflow.net"), ("unix.stackexchange.com", "unix.stackexchange.com"),
    ],
)  # fmt: skip
def test_what_comes_without_a_link_has_the_sites_short_address(server: FakeServer, site: str, host: str) -> None:
    """Answers and comments come without `link` by default: nobody could go from the message to what was said."""
    answer, comment = stack.below(21, "answer", 7, NOW - HOUR), stack.below(31, "comment", 21, NOW - HOUR)
    bare = [{name: value for name, value in each.items() if name != "link"} for each in (answer, comment)]
    server.route("/questions/7/answers", stack.page(bare[0]))
    server.route("/posts/7;21/comments", stack.page(bare[1]))
    connector = stack.make(server, 20, site=site)
    asked = Conversation("7", ("7",), NOW - 5 * HOUR)
    found = connector.fetch_conversations((asked,), Request("stack", (), "", NOW, NOW)).posts
    assert [post.url for post in found] == [f"https://{host}/q/21", f"https://{host}/posts/comments/31"]


def test_what_is_gone_from_the_site_is_deleted_and_users_are_numbers(server: FakeServer) -> None:
    server.route("/posts/1;2", stack.page({"post_id": 1}))
    server.route("/comments/5", stack.page())
    server.route("/users/9", stack.page({"user_id": 9, "display_name": "Acme &amp; Co"}))
    connector = stack.make(server, 20)
    assert connector.refresh(("1", "2", "c5", "x"), ASKED).deleted == ("2", "c5")
    assert connector.identify(("9", "acme"), ASKED)[0] == {"9": Account("9", "Acme & Co")}


@pytest.mark.parametrize(
    ("said", "kind", "wait"),
    [
        ({"error_id": 502, "error_name": "throttle_violation",
          "error_message": "too many requests from this IP, more requests available in 4000 seconds"},
         RateLimited, 4000),
        ({"error_id": 502, "error_name": "throttle_violation", "error_message": CANARY}, RateLimited, 900),
        ({"error_id": 403, "error_name": "access_denied"}, Refused, None),
        ({"error_id": 400, "error_name": "bad_parameter"}, Refused, None),
        ({"error_id": 500, "error_name": "internal_error"}, ConnectorError, None),
    ],
)  # fmt: skip
def test_an_error_of_the_site_is_told_by_its_id(
    server: FakeServer, said: dict[str, Any], kind: type[ConnectorError], wait: int | None
) -> None:
    server.route("/search/advanced", Reply(400, json=said))
    with pytest.raises(kind) as caught:
        stack.make(server, 20).fetch(ASKED)
    assert CANARY not in str(caught.value)
    if isinstance(caught.value, RateLimited):
        assert caught.value.retry_at == NOW + timedelta(seconds=wait or 0)


@pytest.mark.parametrize("changes", [{"owner": None}, {"owner": {"user_type": "does_not_exist"}}])
def test_what_somebody_wrote_who_left_stack_exchange_is_read(server: FakeServer, changes: dict[str, Any]) -> None:
    """The fields of a user, and the user, may be absent there: https://api.stackexchange.com/docs/types/question"""
    server.route("/search/advanced", stack.page(stack.question(1, **changes)))
    (batch,) = walk(stack.make(server, 20), ASKED)
    assert [(post.author, post.author_id, post.text) for post in batch.posts] == [("deleted user", "", "Acme leaks")]
    assert batch.aside == ()
