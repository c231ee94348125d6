"""Reddit through the real praw, against a loopback server with Reddit's ways."""

from __future__ import annotations

import json
import logging
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic import ValidationError

from connectors import Batch, Closed, ConnectorError, Nonsense, RateLimited, Refused, Request
from connectors.pagination import Walk
from connectors.reddit.connector import Reddit, Settings
from connectors.reddit.responses import Elsewhere
from tests.connectors.contracts import CANARY, NOW, again, first_request, walk
from tests.fakes.reddit import FakeReddit
from tests.fakes.server import FakeServer, Reply, Seen

RECORDED = Path(__file__).parents[3] / "shared/data/recorded"


@pytest.fixture
def site():
    with FakeReddit(NOW, CANARY) as server:
        yield server


def reader(server: FakeServer, **changes: Any) -> Reddit:
    given = {
        "client_id": "app", "client_secret": CANARY, "user_agent": "linux:earful-test:0.1", "subreddits": ("shops",),
        "search": False, "api_url": server.url,
    }  # fmt: skip
    bounds = {name: changes.pop(name) for name in ("total_seconds",) if name in changes}
    return Reddit(Settings(**{**given, **changes}), **bounds)


def names(batches: list[Batch]) -> list[str]:
    return [post.native_id for batch in batches for post in batch.posts]


def fill(site: FakeReddit, count: int, newest: timedelta = timedelta(minutes=2)) -> list[str]:
    return [site.comment(f"Acme {number}", at=NOW - newest - timedelta(seconds=30 * number)) for number in range(count)]


# --- walking -----------------------------------------------------------------------------------------------------


def test_all_pages_are_read_and_only_then_the_high_water_moves(site: FakeReddit) -> None:
    posted = fill(site, 330)
    batches = walk(reader(site), first_request("reddit"))
    assert sorted(names(batches)) == sorted(posted)
    assert [batch.complete for batch in batches] == [False, False, False, True]
    assert all(not Walk.load(batch.cursor).marks for batch in batches[:-1])
    assert not any(batch.gaps for batch in batches)


def test_a_deleted_anchor_in_the_middle_of_a_walk_loses_nothing(site: FakeReddit) -> None:
    """The last posts of a page are deleted before the next page is asked for."""
    posted = fill(site, 250)
    first = reader(site).fetch(first_request("reddit"))
    for name in posted[97:100]:
        site.delete(name)
    rest = walk(reader(site), again(first_request("reddit"), first.cursor))
    assert set(names([first, *rest])) == set(posted)


def test_a_deleted_newest_post_does_not_hide_what_came_after_it(site: FakeReddit) -> None:
    posted = fill(site, 30)
    end = walk(reader(site), first_request("reddit"))[-1].cursor
    for name in posted[:5]:
        site.delete(name)
    new = [site.comment(f"Acme, later {number}", at=NOW + timedelta(seconds=number)) for number in range(250)]
    found = names(walk(reader(site), again(first_request("reddit"), end, timedelta(minutes=10))))
    assert set(new) <= set(found)


def test_a_walk_that_was_cut_goes_on_at_its_page_while_new_posts_push_in(site: FakeReddit) -> None:
    posted = fill(site, 250)
    first = reader(site).fetch(first_request("reddit"))
    fresh = site.comment("Acme, meanwhile", at=NOW + timedelta(minutes=1))
    rest = walk(reader(site), again(first_request("reddit"), first.cursor, timedelta(minutes=2)))
    assert set(posted) <= set(names([first, *rest]))
    after = walk(reader(site), again(first_request("reddit"), rest[-1].cursor, timedelta(minutes=4)))
    assert fresh in names(after)


def test_an_error_on_the_third_page_loses_nothing(site: FakeReddit) -> None:
    posted = fill(site, 450)
    connector = reader(site)
    request = first_request("reddit")
    kept: list[Batch] = []
    for _ in range(2):
        kept.append(connector.fetch(request))
        request = again(request, kept[-1].cursor)
    site.mode = "503"
    for _ in range(2):
        with pytest.raises(ConnectorError, match="503"):
            connector.fetch(request)
    site.mode = "ok"
    kept += walk(connector, request)
    assert set(names(kept)) == set(posted)


def test_the_next_walk_overlaps_and_once_a_day_goes_deep(site: FakeReddit) -> None:
    """What a moderator lets through hours later appears under its old time."""
    fill(site, 150)
    end = walk(reader(site), first_request("reddit"))[-1].cursor
    ten_minutes_late = site.comment("Acme, ten minutes late", at=NOW - timedelta(minutes=10))
    hours_late = site.comment("Acme, let through hours later", at=NOW - timedelta(hours=9))
    soon = walk(reader(site), again(first_request("reddit"), end, timedelta(minutes=5)))
    assert ten_minutes_late in names(soon)
    assert hours_late not in names(soon)
    tomorrow = walk(reader(site), again(first_request("reddit"), soon[-1].cursor, timedelta(hours=25)))
    assert hours_late in names(tomorrow)
    assert not any(batch.gaps for batch in [*soon, *tomorrow])


def test_a_listing_that_ends_before_the_last_read_is_a_gap(site: FakeReddit) -> None:
    fill(site, 10)
    end = walk(reader(site), first_request("reddit"))[-1].cursor
    for number in range(1300):
        site.comment(f"Acme storm {number}", at=NOW + timedelta(seconds=number))
    batches = walk(reader(site), again(first_request("reddit"), end, timedelta(hours=1)))
    [gap] = [gap for batch in batches for gap in batch.gaps]
    assert len(names(batches)) == 1000
    assert gap.end == NOW + timedelta(seconds=300)
    assert gap.start < NOW
    assert "1000" in gap.reason


def test_a_small_listing_that_ends_is_no_gap(site: FakeReddit) -> None:
    fill(site, 7)
    [batch] = walk(reader(site), first_request("reddit"))
    assert (len(batch.posts), batch.gaps) == (7, ())


def test_search_and_comments_are_walked_one_after_the_other(site: FakeReddit) -> None:
    submission = site.submission("Acme is down", "since noon")
    site.submission("Something else")
    comment = site.comment("Acme never answers")
    elsewhere = site.comment("Acme", subreddit="elsewhere")
    batches = walk(reader(site, search=True), first_request("reddit"))
    found = names(batches)
    assert found == [submission, comment]
    assert [len(Walk.load(batch.cursor).marks) for batch in batches] == [0, 2]
    assert elsewhere not in found
    assert [path for path in site.paths() if path.startswith("/r/")] == ["/r/all/search", "/r/shops/comments"]
    walk(reader(site, search="subreddits"), first_request("reddit", ('Acme "X" OR', "zen")))
    [asked] = [seen for seen in site.ledger if seen.path == "/r/shops/search"]
    assert asked.one("q") == '("acme x or" OR zen)'
    assert asked.one("restrict_sr") == "1"


# --- what a post becomes -----------------------------------------------------------------------------------------


def test_a_submission_joins_title_and_text_and_a_comment_knows_its_thread(site: FakeReddit) -> None:
    top = site.submission("Acme is down & out", "since <noon>", edited=NOW.timestamp())
    site.comment("Acme!", link=top, parent_id="t1_zz9", link_title="Acme is down &amp; out")
    submission, comment = walk(reader(site, search=True), first_request("reddit"))
    [one], [two] = submission.posts, comment.posts
    assert one.text == "Acme is down & out\n\nsince <noon>"
    assert (one.title, one.thread_id, one.parent_id, one.edited_at) == ("Acme is down & out", "", "", NOW)
    assert (two.thread_id, two.parent_id, two.edited_at) == (top, "t1_zz9", None)
    assert two.parent_text
    assert one.url == f"https://www.reddit.com/r/shops/comments/{top[3:]}/words/"


@pytest.mark.parametrize(
    "fields",
    [
        {"author": None}, {"author": "[deleted]"}, {"author": "[deleted]", "body": "[deleted]"}, {"body": "[removed]"},
        {"body": "[ Removed by Reddit ]"},
    ],
)  # fmt: skip
def test_what_was_taken_away_is_reported_and_not_kept(site: FakeReddit, fields: dict[str, Any]) -> None:
    gone = site.comment("Acme", **fields)
    stays = site.comment("Acme")
    [batch] = walk(reader(site), first_request("reddit"))
    assert batch.deleted == (gone,)
    assert names([batch]) == [stays]
    assert not batch.aside


@pytest.mark.parametrize(
    "fields",
    [
        {"author": 5}, {"author": {}}, {"author": ""}, {"body": None}, {"body": []}, {"name": 7},
        {"name": "t1_../x"}, {"name": "t5_abc"}, {"created_utc": "soon"}, {"created_utc": True}, {"created_utc": 1e300},
    ],
)  # fmt: skip
def test_one_malformed_comment_among_a_hundred_is_set_aside(fields: dict[str, Any]) -> None:
    with FakeReddit(NOW) as plain:
        good = [plain.comment(f"Acme {n}", at=NOW - timedelta(minutes=n + 1)) for n in range(99)]
        children: list[Any] = list(plain.things)
        children.insert(40, {"kind": "t1", "data": {**children[0]["data"], "name": "t1_odd", **fields}})
    with listing(children) as server:
        [batch] = walk(reader(server), first_request("reddit"))
    assert sorted(names([batch])) == sorted(good)
    assert len(batch.aside) == 1
    assert batch.aside[0].reason
    assert not batch.deleted


def listing(children: list[Any], headers: dict[str, str] | None = None) -> FakeServer:
    server = FakeServer()
    server.route(
        "/api/v1/access_token", {"access_token": "t", "token_type": "bearer", "expires_in": 3600, "scope": "*"}
    )
    body = {"kind": "Listing", "data": {"children": children, "after": None}}
    server.route("/*", Reply(json=body, headers=headers or {}))
    return server


# --- errors ------------------------------------------------------------------------------------------------------


def api(status: int, body: str, headers: dict[str, str] | None = None) -> Any:
    """Give tokens, and this answer to everything else."""

    def answer(server: FakeServer) -> None:
        token = {"access_token": "t", "token_type": "bearer", "expires_in": 3600, "scope": "*"}
        server.route("/api/v1/access_token", token)
        server.route("/*", Reply(status, body=body, headers=headers or {}))

    return answer


PARDNER = "<html>whoa there, pardner! Your request has been blocked due to a network policy.</html>"


@pytest.mark.parametrize(
    ("status", "body", "kind", "remedy"),
    [
        (401, '{"message": "Unauthorized"}', Refused, "no longer given"),
        (403, '{"message": "Forbidden"}', Refused, "no longer given"),
        (403, '{"reason": "private", "message": "Forbidden"}', Closed, "subreddits"),
        (403, PARDNER, Refused, "user_agent"),
        (404, '{"message": "Not Found"}', Closed, "subreddits"),
        (451, "gone", ConnectorError, "options"),
        (500, "", ConnectorError, "retry"),
        (502, "<html>bad gateway</html>", ConnectorError, "retry"),
        (520, "", ConnectorError, "retry"),
        (302, "", Elsewhere, "subreddits"),
        (200, "<html>sign in</html>", Nonsense, "login page"),
        (200, "", Nonsense, "login page"),
        (204, "", Nonsense, "login page"),
        (200, '{"kind": "Listing", "data": {"chil', Nonsense, "login page"),
        (200, "[]", Nonsense, "login page"),
        (200, "null", Nonsense, "login page"),
        (200, '{"kind": "Listing", "data": {"children": {}}}', Nonsense, "login page"),
        (200, '{"data": []}', Nonsense, "login page"),
    ],
)
def test_every_odd_answer_is_the_right_error(status: int, body: str, kind: type[ConnectorError], remedy: str) -> None:
    with FakeServer() as server:
        api(status, body)(server)
        with pytest.raises(ConnectorError) as caught:
            reader(server).fetch(first_request("reddit"))
        assert len(server.ledger) <= 4
    assert type(caught.value) is kind
    assert remedy in caught.value.remedy


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 60), ({"retry-after": "4"}, 4), ({"retry-after": "0.2"}, 1), ({"retry-after": "-5"}, 60),
        ({"retry-after": "99999999"}, 900), ({"retry-after": "soon"}, 60), ({"retry-after": "inf"}, 60),
        ({"retry-after": "Fri, 20 Nov 2026 12:02:00 GMT"}, 120), ({"x-ratelimit-reset": "30"}, 30),
    ],
)  # fmt: skip
def test_a_rate_limit_is_waited_for_within_bounds_and_without_asking(headers: dict[str, str], seconds: int) -> None:
    with FakeServer() as server:
        api(429, "<html>Too Many Requests</html>", headers)(server)
        connector = reader(server)
        for _ in range(3):
            with pytest.raises(RateLimited) as caught:
                connector.fetch(first_request("reddit"))
            assert caught.value.retry_at == NOW + timedelta(seconds=seconds)
        assert server.paths() == ["/api/v1/access_token", "/r/shops/comments"]


def test_at_the_end_of_the_limit_the_thread_does_not_sleep(site: FakeReddit) -> None:
    """prawcore would sleep ten minutes here; the walk waits in the cursor instead, and nobody is asked meanwhile."""
    posted = fill(site, 250)
    site.limits = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "590", "x-ratelimit-used": "600"}
    connector = reader(site)
    first = connector.fetch(first_request("reddit"))
    assert (first.complete, first.not_before) == (False, NOW + timedelta(seconds=590))
    assert first.quota is not None
    assert (first.quota.remaining, first.quota.reset_at) == (0, NOW + timedelta(seconds=590))
    asked = len(site.ledger)
    with pytest.raises(RateLimited):
        connector.fetch(again(first_request("reddit"), first.cursor, timedelta(minutes=5)))
    assert len(site.ledger) == asked
    site.limits = {"x-ratelimit-remaining": "600", "x-ratelimit-reset": "600", "x-ratelimit-used": "1"}
    rest: list[Batch] = []
    request = again(first_request("reddit"), first.cursor, timedelta(minutes=10))
    thread = threading.Thread(target=lambda: rest.extend(walk(connector, request)), daemon=True)
    thread.start()
    thread.join(60)
    assert not thread.is_alive(), "the reader sleeps"
    assert set(names([first, *rest])) == set(posted)


@pytest.mark.parametrize(
    "headers",
    [
        {"x-ratelimit-remaining": "5.0"}, {"x-ratelimit-remaining": "nan", "x-ratelimit-reset": "x"},
        {"x-ratelimit-remaining": "600", "x-ratelimit-used": "1.0", "x-ratelimit-reset": "9.5"},
        {"x-ratelimit-remaining": "", "x-ratelimit-used": "", "x-ratelimit-reset": ""},
    ],
)  # fmt: skip
def test_missing_or_odd_rate_headers_do_no_harm(headers: dict[str, str]) -> None:
    with listing([], headers) as server:
        assert reader(server).fetch(first_request("reddit")).complete


def test_a_token_that_reddit_took_back_is_renewed_once(site: FakeReddit) -> None:
    fill(site, 3)
    connector = reader(site)
    cursor = connector.fetch(first_request("reddit")).cursor
    site.revoked.add("token1")
    assert connector.fetch(again(first_request("reddit"), cursor)).complete
    assert site.tokens == 2


@pytest.mark.parametrize(
    "answer",
    [
        Reply(401, json={"message": "Unauthorized", "error": 401}), Reply(400, json={"error": 400}),
        Reply(json={"error": "invalid_grant"}), Reply(403, body=PARDNER),
    ],
)  # fmt: skip
def test_a_refused_app_says_that_reddit_must_approve_it(answer: Reply) -> None:
    with FakeServer() as server:
        server.route("/api/v1/access_token", answer)
        with pytest.raises(Refused) as caught:
            reader(server).fetch(first_request("reddit"))
        assert len(server.ledger) <= 2
    assert caught.value.remedy


@pytest.mark.parametrize("mode", ["hang", "drip", "drip-headers"])
@pytest.mark.parametrize("at", [1, 2])
def test_a_server_that_never_ends_is_cut_at_the_deadline(site: FakeReddit, mode: str, at: int) -> None:
    """The token's request as well as the listing's."""
    site.misbehave(mode, at=at)
    with pytest.raises(ConnectorError, match="in time"):
        reader(site, total_seconds=0.5).fetch(first_request("reddit"))


def test_no_secret_and_no_post_reaches_the_log_even_at_debug(
    site: FakeReddit, caplog: pytest.LogCaptureFixture
) -> None:
    site.comment("Acme: a very private complaint")
    for name in ("", "praw", "prawcore", "urllib3", "httpx2", "httpcore2"):
        caplog.set_level(logging.DEBUG, logger=name)
    walk(reader(site), first_request("reddit"))
    for mode in ("401", "hang", "html"):
        site.mode = mode
        with pytest.raises(ConnectorError) as caught:
            reader(site, total_seconds=0.3).fetch(first_request("reddit"))
        assert CANARY not in caught.value.message + caught.value.remedy
    assert CANARY not in caplog.text
    assert "private complaint" not in caplog.text
    assert CANARY not in repr(Settings(client_id="app", client_secret=CANARY))


@pytest.mark.parametrize(
    "planted", ["[DEFAULT]\noauth_url=THIEF\nreddit_url=THIEF\nusername=me\npassword=x\n", "]]] = ["]
)
def test_a_planted_praw_ini_changes_nothing(
    site: FakeReddit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, planted: str
) -> None:
    """praw reads praw.ini of the working directory: it could send our secret elsewhere or log in as somebody."""
    with FakeServer() as thief:
        (tmp_path / "praw.ini").write_text(planted.replace("THIEF", thief.url))
        # As in a fresh process: praw reads its files once and keeps them.
        monkeypatch.setattr("praw.config.Config.CONFIG", None)
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("praw_site", "elsewhere")
        monkeypatch.setenv("praw_refresh_token", "x")
        fill(site, 2)
        assert len(names(walk(reader(site), first_request("reddit")))) == 2
        assert not thief.ledger
    asked = next(seen for seen in site.ledger if seen.path.endswith("access_token"))
    assert asked.body == b"grant_type=client_credentials"


def test_the_two_addresses_can_differ() -> None:
    with listing([]) as tokens, listing([]) as data:
        settings = Settings(client_id="a", client_secret="b")
        assert Reddit(settings, urls=(data.url, tokens.url)).fetch(first_request("reddit")).complete
        assert (tokens.paths(), data.paths()) == (["/api/v1/access_token"], ["/r/all/search"])


# --- our own comments, look-up -----------------------------------------------------------------------------------


def test_our_own_comments_say_whom_they_answer(site: FakeReddit) -> None:
    question = site.comment("Acme never answers")
    reply = site.comment("We are sorry", author="acme_help", parent_id=question)
    [batch] = [reader(site).fetch_own(("u/acme_help",), first_request("reddit"))]
    assert [(post.native_id, post.parent_id, post.author) for post in batch.posts] == [(reply, question, "acme_help")]
    assert batch.complete


@pytest.mark.parametrize("account", ["../../api", "", "a b", "x" * 40])
def test_an_account_that_cannot_be_one_is_refused_without_asking(site: FakeReddit, account: str) -> None:
    with pytest.raises(Refused):
        reader(site).fetch_own((account,), first_request("reddit"))
    assert not site.ledger


def test_posts_that_are_gone_or_edited_are_found_by_looking_them_up(site: FakeReddit) -> None:
    stays, goes, removed, edited = (site.comment(f"Acme {number}") for number in range(4))
    site.delete(goes)
    for thing in site.things:
        if thing["data"]["name"] == removed:
            thing["data"] |= {"author": "[deleted]", "body": "[deleted]"}
        if thing["data"]["name"] == edited:
            thing["data"] |= {"body": "Acme, better now", "edited": NOW.timestamp()}
    batch = reader(site).refresh((stays, goes, removed, edited, "../x"), first_request("reddit"))
    assert set(batch.deleted) == {goes, removed}
    assert [(post.native_id, post.text) for post in batch.posts] == [(edited, "Acme, better now")]


def test_a_look_up_that_knows_nothing_at_all_is_not_believed(site: FakeReddit) -> None:
    with pytest.raises(Nonsense):
        reader(site).refresh(("t1_aa", "t1_bb", "t1_cc"), first_request("reddit"))
    assert reader(site).refresh(("t1_aa",), first_request("reddit")).deleted == ("t1_aa",)


def test_settings_refuse_what_cannot_be_a_subreddit() -> None:
    for name in ("r/shops", "a/../b", "", "a b"):
        with pytest.raises(ValidationError):
            Settings(client_id="a", client_secret="b", subreddits=(name,))
    assert all(field.description for field in Settings.model_fields.values())


# --- the recorded exchanges --------------------------------------------------------------------------------------


def recorded(name: str) -> list[dict[str, Any]]:
    path = RECORDED / name
    if not path.exists():
        pytest.skip(f"needs {name} in ../shared/data/recorded beside the checkout")
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def replay(each: dict[str, Any]) -> FakeServer:
    server = listing([])
    headers = {key: value for key, value in each["headers"].items() if key.lower() in {"retry-after", "content-type"}}
    body = each["body"] if isinstance(each["body"], str) else json.dumps(each["body"])

    def answer(_: Seen) -> Reply:
        return Reply(each["status"], body=body, headers=headers)

    server.route("/*", answer)
    return server


@pytest.mark.shared_data
def test_every_recorded_listing_is_read_item_by_item() -> None:
    read = 0
    for each in recorded("reddit.jsonl"):
        body = each["body"]
        path = urlsplit(each["url"]).path
        wanted = ("/comments/", "/comments", "/search/", "/hot", "/new", "/api/info/", "/overview")
        if (
            each["status"] != 200
            or not isinstance(body, dict)
            or body.get("kind") != "Listing"
            or not path.endswith(wanted)
        ):
            continue
        children = body["data"]["children"]
        if any(child["kind"] not in {"t1", "t3"} for child in children) or path.startswith("/comments/"):
            continue
        with replay(each) as server:
            request = Request("reddit", (), "", NOW, NOW.replace(year=2005))
            batch = reader(server).fetch(request)
        assert len(batch.posts) + len(batch.deleted) == len(children)
        assert not batch.aside
        read += len(batch.posts)
    assert read > 500


@pytest.mark.shared_data
def test_every_recorded_fault_is_an_error_of_ours() -> None:
    kinds = set()
    for each in recorded("reddit_faults.jsonl"):
        if each["method"] != "GET" or (each["status"] == 200 and "Listing" in str(each["body"])):
            continue
        with replay(each) as server:
            with pytest.raises(ConnectorError) as caught:
                reader(server).fetch(first_request("reddit"))
            kinds.add((each["status"], type(caught.value).__name__))
    assert {(429, "RateLimited"), (401, "Refused"), (502, "ConnectorError"), (404, "Closed")} <= kinds


# --- places that are closed, and words outside a post's own text ---------------------------------------------------


def closing(site: FakeReddit, names: set[str], answer: Reply) -> None:
    """Refuse every listing that asks for one of `names`, as Reddit does for subreddits that are asked for together."""
    listing = site._listing

    def refuse(seen: Seen) -> Reply:
        asked = set(seen.path.split("/")[2].split("+")) if seen.path.startswith("/r/") else set()
        return answer if asked & names else listing(seen)

    site.route("/r/*", refuse)


@pytest.mark.parametrize(
    "answer",
    [
        Reply(403, json={"reason": "private", "message": "Forbidden", "error": 403}),
        Reply(403, json={"reason": "quarantined", "message": "Forbidden", "error": 403}),
        Reply(403, json={"reason": "gold_only", "message": "Forbidden", "error": 403}),
        Reply(404, json={"reason": "banned", "message": "Not Found", "error": 404}),
        Reply(404, json={"message": "Not Found", "error": 404}),
        Reply(403, json={"message": "Forbidden", "error": 403}),
        Reply(302, headers={"Location": "/subreddits/search?q=blackout"}),
        Reply(451, body="unavailable"),
        Reply(500, body=""),
    ],
)
@pytest.mark.parametrize("inside", [False, True])
def test_one_closed_subreddit_stops_no_other_and_no_search(site: FakeReddit, answer: Reply, inside: bool) -> None:
    subreddits = ("travel", "camping", "blackout", "shops", "tents")
    connector = reader(site, subreddits=subreddits, search="subreddits" if inside else True)
    names_seen, cursor = [], ""
    for turn in range(3):
        names_seen.append(site.submission(f"Acme {turn}", at=NOW - timedelta(minutes=3 - turn)))
        names_seen += [site.comment(f"Acme {turn}", subreddit=each) for each in ("shops", "tents")]
        closing(site, {"blackout"}, answer)
        batches = walk(connector, again(first_request("reddit"), cursor, timedelta(minutes=5 * turn)))
        assert set(names_seen) <= set(names(batches))
        cursor = batches[-1].cursor
    assert any("r/blackout" in notice for notice in batches[-1].notices)
    asked = [seen.path for seen in site.ledger if "blackout" in seen.path]
    walk(connector, again(first_request("reddit"), cursor, timedelta(minutes=20)))
    assert [seen.path for seen in site.ledger if "blackout" in seen.path] == asked, "it is left alone for a while"
    closing(site, set(), answer)
    late = site.comment("Acme is back", at=NOW - timedelta(minutes=1), subreddit="blackout")
    batches = walk(connector, again(first_request("reddit"), cursor, timedelta(hours=25)))
    assert late in names(batches)
    assert any("r/blackout can be read again" in notice for batch in batches for notice in batch.notices)


def test_where_every_subreddit_is_closed_the_search_goes_on(site: FakeReddit) -> None:
    found = site.submission("Acme is down")
    closing(site, {"one", "two"}, Reply(403, json={"reason": "private"}))
    batches = walk(reader(site, subreddits=("one", "two"), search=True), first_request("reddit"))
    assert names(batches) == [found]
    with pytest.raises(Closed):
        walk(reader(site, subreddits=("one", "two")), first_request("reddit"))


def test_a_limit_met_while_looking_for_the_closed_one_is_a_limit(site: FakeReddit) -> None:
    closing(site, {"one", "two"}, Reply(429, headers={"retry-after": "60"}))
    with pytest.raises(RateLimited):
        reader(site, subreddits=("one", "two", "shops")).fetch(first_request("reddit"))


def test_it_is_told_in_time_that_reddit_ends_its_api(site: FakeReddit) -> None:
    batches = walk(reader(site), first_request("reddit"))
    assert ["March 2027" in notice for notice in batches[-1].notices] == [True]
    late = replace(
        first_request("reddit"), now=datetime(2027, 4, 2, tzinfo=UTC), since=datetime(2027, 4, 1, tzinfo=UTC)
    )
    assert not walk(reader(site), late)[-1].notices


def test_words_outside_a_submissions_own_text_are_heard(site: FakeReddit) -> None:
    parent = {"title": "Acme, everyone", "selftext": "They charged me twice.", "author": "first"}
    site.submission("Acme, everyone", crosspost_parent_list=[parent])
    site.submission("Acme: look", crosspost_parent_list=[{"title": "Beware", "selftext": "[removed]"}, "odd"])
    site.submission("Acme: which?", poll_data={"options": [{"text": "It broke"}, {"text": 7}, "odd"]})
    site.submission("Acme: see", gallery_data={"items": [{"caption": "The hole"}, {"media_id": "x"}]})
    site.submission("Acme: odd", crosspost_parent_list={"no": 1}, poll_data=[], gallery_data="x")
    batches = walk(reader(site, search=True, subreddits=()), first_request("reddit"))
    assert sorted(post.text for batch in batches for post in batch.posts) == [
        "Acme, everyone\n\nThey charged me twice.", "Acme: look\n\nBeware", "Acme: odd", "Acme: see\n\nThe hole",
        "Acme: which?\n\nIt broke",
    ]  # fmt: skip


def test_how_many_pictures_a_submission_shows_is_known(site: FakeReddit) -> None:
    site.submission("Acme 2", gallery_data={"items": [{"caption": "The hole"}, {"media_id": "x"}]})
    site.submission("Acme 1", post_hint="image")
    site.submission("Acme film", is_video=True, post_hint="hosted:video")
    site.submission("Acme inside", media_metadata={"a": {}, "b": {}, "c": {}})
    site.submission("Acme 0", post_hint="link", gallery_data="x", media_metadata=[1])
    batches = walk(reader(site, search=True, subreddits=()), first_request("reddit"))
    shown = {post.title: (post.pictures, post.videos) for batch in batches for post in batch.posts}
    assert shown == {
        "Acme 2": (2, 0), "Acme 1": (1, 0), "Acme film": (0, 1), "Acme inside": (3, 0), "Acme 0": (0, 0),
    }  # fmt: skip
