"""GitHub: own repositories whole and cheaply, discussions, deletions, and limits that call themselves a refusal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors import Closed, ConnectorError, Conversation, Nonsense, RateLimited, Refused, Request
from tests.connectors.contract_github import REPOSITORY, comment, issue, make
from tests.connectors.contracts import CANARY, NOW, again, first_request, walk
from tests.fakes.server import FakeServer, Reply

ASKED = first_request("github")
OWN = {"repositories": (REPOSITORY,), "search": False}
HOUR = timedelta(hours=1)
PATH = f"/repos/{REPOSITORY}/issues"


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as running:
        running.route("/rate_limit", {"resources": {}})
        yield running


def said(number: int, hours: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"D_{number}", "number": number, "title": "Kettle?", "bodyText": "Acme leaks", "lastEditedAt": None,
        "url": f"https://github.com/{REPOSITORY}/discussions/{number}", "createdAt": (NOW - hours * HOUR).isoformat(),
        "author": {"login": f"person{number}", "databaseId": number}, "repository": {"nameWithOwner": REPOSITORY},
        **changes,
    }  # fmt: skip


def test_an_own_repository_is_read_whole_and_asked_with_its_etag(server: FakeServer) -> None:
    """What is not new costs nothing of the hour's calls; pull requests are work on the code."""
    issues = [issue(1), issue(2, pull_request={"url": "x"}), issue(3, body_text=None, user=None)]
    pull = comment(9, 2, html_url=f"https://github.com/{REPOSITORY}/pull/2#issuecomment-9")
    server.route(PATH, [Reply(json=issues, headers={"ETag": 'W/"one"'}), Reply(304)])
    comments = [comment(5, 1, updated_at=NOW.isoformat()), pull]
    server.route(f"{PATH}/comments", [Reply(json=comments, headers={"ETag": '"two"'}), Reply(304)])
    connector = make(server, 20, **OWN)
    batches = walk(connector, ASKED)
    posts = {post.native_id: post for batch in batches for post in batch.posts}
    assert sorted(posts) == ["acme/kettle#1", "acme/kettle#1/5", "acme/kettle#3"]
    assert {post.addressed for post in posts.values()} == {("*",)}
    answer = posts["acme/kettle#1/5"]
    assert (answer.parent_id, answer.thread_id, answer.edited_at) == ("acme/kettle#1", "acme/kettle#1", NOW)
    assert (posts["acme/kettle#3"].author, posts["acme/kettle#3"].text) == ("ghost", "Kettle & lid")
    walk(connector, again(ASKED, batches[-1].cursor, HOUR))
    assert {seen.headers.get("if-none-match") for seen in server.ledger[2:]} == {'W/"one"', '"two"'}
    assert {seen.headers["accept"] for seen in server.ledger} == {"application/vnd.github.text+json"}


def test_a_search_goes_on_where_github_shows_no_more(server: FakeServer) -> None:
    """After a day away a busy word has more than the 1,000 hits that a search shows."""
    many = [issue(number) for number in range(1, 1_251)]

    def page(seen: Any) -> Any:
        span = re.search(r"created:(?:>=)?([\dT:Z-]+?)(?:\.\.([\dT:Z-]+))?$", seen.one("q"))
        assert span
        first, last = span[1], span[2] or "9999"
        fitting = [each for each in many if first <= each["created_at"].replace("+00:00", "Z") <= last][:1_000]
        number = int(seen.one("page"))
        return {"items": fitting[100 * number - 100 : 100 * number]}

    server.route("/search/issues", page)
    batches = walk(make(server, 20), ASKED)
    assert len({post.native_id for batch in batches for post in batch.posts}) == 1_250
    assert [gap for batch in batches for gap in batch.gaps] == []


def test_what_a_search_had_no_time_to_find_is_looked_for_again(server: FakeServer) -> None:
    """GitHub answers 200 with what it has found so far, and says so."""
    newest, older = issue(1), issue(180)
    server.route("/search/issues", {"incomplete_results": True, "items": [newest]})
    connector = make(server, 20)
    batches = walk(connector, ASKED)
    assert [post.native_id for post in batches[-1].posts] == ["acme/kettle#1"]
    server.route("/search/issues", {"incomplete_results": False, "items": [newest, older]})
    later = walk(connector, again(ASKED, batches[-1].cursor, timedelta(minutes=5)))
    assert "acme/kettle#180" in {post.native_id for batch in later for post in batch.posts}
    walk(connector, again(ASKED, later[-1].cursor, timedelta(minutes=10)))
    asked = [seen.one("q").rpartition(">=")[2] for seen in server.ledger]
    assert asked[:2] == ["2026-11-19T12:00:00Z"] * 2
    assert asked[2] > asked[1]


def test_a_search_that_shows_the_same_for_ever_ends_with_a_gap(server: FakeServer) -> None:
    def page(seen: Any) -> Any:
        first = 100 * int(seen.one("page"))
        return {"total_count": 5000, "items": [issue(first + number, NOW) for number in range(100)]}

    server.route("/search/issues", page)
    connector = make(server, 20)
    batches = walk(connector, ASKED)
    assert len(batches) == 20
    assert batches[-1].gaps
    assert server.ledger[0].one("q") == '"Acme" is:issue created:>=2026-11-19T12:00:00Z'


def test_discussions_are_searched_by_graphql(server: FakeServer) -> None:
    found = [said(7), said(8, bodyText=7), {}, said(9, author=None, bodyText="")]
    server.route("/graphql", {"data": {"search": {"pageInfo": {"hasNextPage": False}, "nodes": found}}})
    (batch,) = walk(make(server, 20, search=False, discussions=True, repositories=()), ASKED)
    assert [(post.native_id, post.author, post.title, post.text) for post in batch.posts] == [
        ("acme/kettle/discussions/7", "person7", "Kettle?", "Acme leaks"),
        ("acme/kettle/discussions/9", "ghost", "Kettle?", "Kettle?"),
    ]  # fmt: skip
    assert len(batch.aside) == 1
    assert server.ledger[0].json["variables"]["words"].startswith('"Acme" created:>=2026-11-19')


def test_every_comment_since_is_read_and_answers_whom_it_names(server: FakeServer) -> None:
    many = [comment(200 - number, 7) for number in range(100)]  # the oldest first, as GitHub lists them
    last = [comment(5, 7, body_text="@person150 fixed in 2.1"), comment(4, 7, body_text="Fixed for all")]
    path = f"{PATH}/7/comments"
    server.route(path, lambda seen: Reply(json=many if seen.one("page") == "1" else last))
    asked = (Conversation("acme/kettle#7", (), NOW - 5 * HOUR),)
    found = make(server, 20).fetch_conversations(asked, Request("github", (), "", NOW, NOW)).posts
    assert len(found) == 102
    assert [(post.parent_id, post.parent_author) for post in found[-2:]] == [
        ("acme/kettle#7/150", "person150"), ("acme/kettle#7", ""),
    ]  # fmt: skip


def test_what_is_said_in_a_discussion_is_read_with_what_it_answers(server: FakeServer) -> None:
    reply = said(3, 1, author={"login": "acme-care"})
    nodes = [{**said(2, 2), "replies": {"nodes": [reply, None]}}, {**said(4, 30), "replies": {"nodes": []}}, "odd"]
    server.route("/graphql", {"data": {"repository": {"discussion": {"comments": {"nodes": nodes}}}}})
    thread = "acme/kettle/discussions/7"
    asked = (Conversation(thread, (), NOW - 5 * HOUR),)
    found = make(server, 20).fetch_conversations(asked, Request("github", (), "", NOW, NOW)).posts
    assert [(post.author, post.parent_id, post.thread_id) for post in found] == [
        ("person2", thread, thread), ("acme-care", "D_2", thread),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"data": None, "errors": [{"type": "RATE_LIMITED", "message": CANARY}]}, RateLimited),
        ({"data": None, "errors": [{"type": "FORBIDDEN"}]}, Closed),
        ({"message": "x"}, Nonsense),
    ],
)
def test_graphql_says_its_errors_with_status_200(server: FakeServer, answer: Any, kind: type[ConnectorError]) -> None:
    server.route("/graphql", answer)
    with pytest.raises(kind) as caught:
        walk(make(server, 20, search=False, discussions=True), ASKED)
    assert CANARY not in str(caught.value)


def test_without_a_token_the_hours_few_calls_are_for_reading(server: FakeServer) -> None:
    assert (make(server, 20).asks_at_once, make(server, 20, token=None).asks_at_once) == (20, 1)


def test_what_is_gone_is_deleted_and_discussions_are_left(server: FakeServer) -> None:
    server.route(f"{PATH}/1", issue(1))
    server.route(f"{PATH}/2", Reply(410, json={"message": "This issue was deleted"}))
    server.route(f"{PATH}/comments/5", Reply(404, json={"message": "Not Found"}))
    ids = ("acme/kettle#1", "acme/kettle#2", "acme/kettle#1/5", "acme/kettle/discussions/7", "../../user")
    assert make(server, 20).refresh(ids, ASKED).deleted == ("acme/kettle#2", "acme/kettle#1/5")
    server.route("/rate_limit", Reply(404, json={}))
    with pytest.raises(Closed):  # nothing is there at all: another server
        make(server, 20).refresh(("acme/kettle#2",), ASKED)


@pytest.mark.parametrize(
    ("reply", "kind", "again_at"),
    [
        (Reply(403, json={"message": "x"}, headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1795176300"}),
         RateLimited, datetime(2026, 11, 20, 12, 5, tzinfo=UTC)),
        (Reply(403, json={"message": "You have exceeded a secondary rate limit"}), RateLimited,
         NOW + timedelta(minutes=1)),
        (Reply(429, json={}, headers={"Retry-After": "60"}), RateLimited, NOW + timedelta(minutes=1)),
        (Reply(403, json={"message": "Resource not accessible by personal access token"}), Refused, None),
        (Reply(401, json={"message": "Bad credentials"}), Refused, None),
        (Reply(422, json={"message": "Validation Failed"}), Refused, None),
        (Reply(404, json={"message": "Not Found"}), Closed, None),
        (Reply(503, json={}), ConnectorError, None),
    ],
)  # fmt: skip
def test_a_limit_is_waited_for_and_a_refusal_is_not(
    server: FakeServer, reply: Reply, kind: type[ConnectorError], again_at: datetime | None
) -> None:
    server.route(PATH, reply)
    server.route(f"{PATH}/comments", reply)
    server.route("/search/issues", reply)
    for options in (OWN, {}):
        with pytest.raises(kind) as caught:
            walk(make(server, 20, **options), ASKED)
        assert caught.value.remedy
        assert getattr(caught.value, "retry_at", None) == again_at
