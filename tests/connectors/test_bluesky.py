"""Bluesky: a stream read in pages, what it may do to us, and the brand's own replies."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors import Batch, ConnectorError, Nonsense, Request
from connectors.bluesky import Bluesky, Settings
from connectors.http import Http
from monitor.text.query.matching import wanted_by
from monitor.text.query.parsing import parse
from tests.connectors.contracts import NOW, again, first_request, walk
from tests.fakes.bluesky import DID, FakeJetstream, deletion, event, microseconds
from tests.fakes.server import FakeServer, Reply, Seen

SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "recorded"
FIRST = first_request("sky")
FEED = "/xrpc/app.bsky.feed.getAuthorFeed"


@pytest.fixture
def server() -> Iterator[FakeJetstream]:
    with FakeJetstream() as running:
        yield running


@pytest.fixture
def appview() -> Iterator[FakeServer]:
    with FakeServer() as running:
        yield running


def reader(server: FakeJetstream, appview: FakeServer | None = None, **options: Any) -> Bluesky:
    chosen = {"quiet_seconds": 0.1, "page_seconds": 20, "resolve_handles": appview is not None, **options}
    if appview is not None:
        chosen["appview_url"] = appview.url
    trusted = [appview.host] if appview else []
    return Bluesky(Settings(api_url=server.url, **chosen), Http(trusted=trusted, total_seconds=10))


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def bounded(allowance: int, terms: tuple[str, ...] = ("Acme",), cursor: str = "") -> Request:
    return Request("sky", terms, cursor, NOW, NOW - timedelta(hours=24), allowance)


def texts(batches: list[Batch]) -> list[str]:
    return [post.text for batch in batches for post in batch.posts]


def asked(server: FakeJetstream) -> list[int]:
    """The cursors of all handshakes, as microseconds before NOW."""
    return [microseconds(NOW) - int(seen.one("cursor")) for seen in server.ledger]


def test_an_event_becomes_a_post(server: FakeJetstream) -> None:
    """Field by field, with the reply's parent and root, the card's title and the tags below the text."""
    parent, root = "at://did:plc:bob/app.bsky.feed.post/1", "at://did:plc:bob/app.bsky.feed.post/0"
    server.events = [
        event(
            ago(60),
            "Acme is slow",
            "3kx",
            langs=["de", "en"],
            reply={"parent": {"uri": parent, "cid": "b"}, "root": {"uri": root, "cid": "b"}},
            embed={"$type": "app.bsky.embed.external", "external": {"uri": "https://x.example", "title": "News"}},
            tags=["late"],
        )
    ]
    (post,) = walk(reader(server), FIRST)[0].posts
    assert post.native_id == f"at://{DID}/app.bsky.feed.post/3kx"
    assert post.url == f"https://bsky.app/profile/{DID}/post/3kx"
    assert (post.author, post.text, post.title, post.lang) == (DID, "Acme is slow #late", "News", "de")
    assert (post.parent_id, post.thread_id) == (parent, root)
    assert post.posted_at == ago(60)
    assert json.loads(post.raw)["did"] == DID


def test_only_posts_with_one_of_the_terms_are_kept(server: FakeJetstream) -> None:
    """Whatever the case, in a hashtag, a handle, a phrase over two lines, or where JSON writes a sign as an escape."""
    server.events = [
        event(ago(90), "nothing to see"),
        event(ago(80), "ACME again"),
        event(ago(70), "#acmefail"),
        event(ago(60), "the Turbo\nWidget broke"),
        event(ago(50), "H&M & co"),
        event(ago(40), "Café Ünique is shut"),
        event(ago(30), "see this", did="did:web:acme.example"),
        event(ago(20), "see this", embed={"external": {"uri": "https://acme.example/x", "title": "Hello"}}),
    ]
    request = first_request("sky", terms=("acme", "turbo widget", "H&M", "CAFÉ ÜNIQUE"))
    found = texts(walk(reader(server), request))
    assert found == ["ACME again", "#acmefail", "the Turbo\nWidget broke", "H&M & co", "Café Ünique is shut"]


def test_whoever_asks_for_it_hears_what_the_queries_would_match(server: FakeJetstream) -> None:
    """By folded words, as the query looks later: with or without accents, wide letters, unseen signs, look-alikes."""
    wants = wanted_by([parse("zurich OR Nescafé"), parse('"acme air" -jobs'), parse("AT&T")])
    server.events = [
        event(ago(90), "Zürich again"),
        event(ago(80), "nescafe, ＮＥＳＣＡＦＥ"),
        event(ago(70), "ac\u200bme\nAÏR"),
        event(ago(60), "\u0410cme by air"),  # of the phrase all words stand there: the query decides
        event(ago(50), "acme"),
        event(ago(40), "see", embed={"images": [{"alt": "the shop in zu\u0308rich"}]}),
        event(ago(30), "at AT&amp;T"),
        event(ago(20), "see", did="did:web:zurich.example", tags=["Zürich"]),
        event(ago(10), "see", did="did:web:zurich.example"),
    ]
    request = replace(first_request("sky", terms=("zurich",)), wants=wants)
    batches = walk(reader(server), request)
    assert [each.partition("\n")[0] for each in texts(batches)] == [
        "Zürich again", "nescafe, ＮＥＳＣＡＦＥ", "ac\u200bme", "\u0410cme by air", "see", "at AT&amp;T", "see #Zürich"
    ]  # fmt: skip


def test_what_others_wrote_by_hand_is_no_reason_to_call_the_server_wrong(server: FakeJetstream) -> None:
    """The network checks no record: some odd ones go by in each hour, and none of them is ours."""
    server.events = [event(ago(200 - number), "nothing to see") for number in range(30)]
    server.events += [event(ago(150 - number), ["odd"]) for number in range(10)]
    server.events += [event(ago(100 - number), "odd", key="../../x") for number in range(10)]
    (batch,) = walk(reader(server), FIRST)
    assert (batch.posts, batch.aside) == ((), ())
    assert batch.complete


def test_without_a_word_to_listen_for_nothing_is_asked(server: FakeJetstream) -> None:
    with pytest.raises(ConnectorError, match="no word"):
        reader(server).fetch(first_request("sky", terms=("", " ")))
    assert server.ledger == []


def test_the_first_read_looks_back_a_quarter_of_an_hour(server: FakeJetstream) -> None:
    walk(reader(server), FIRST)
    assert asked(server) == [15 * 60 * 1_000_000]
    assert server.ledger[0].one("wantedCollections") == "app.bsky.feed.post"


def test_the_first_read_never_looks_back_beyond_since(server: FakeJetstream) -> None:
    walk(reader(server, look_back="10h"), first_request("sky", back=timedelta(minutes=2)))
    assert asked(server) == [2 * 60 * 1_000_000]


def test_the_next_read_overlaps_by_seconds(server: FakeJetstream) -> None:
    server.events = [event(ago(60), "Acme one")]
    cursor = walk(reader(server), FIRST)[-1].cursor
    server.events.append(event(ago(62), "Acme, a little late"))
    assert "Acme, a little late" in texts(walk(reader(server), again(FIRST, cursor)))
    assert asked(server)[1] == 65 * 1_000_000


def test_a_storm_is_read_page_by_page_and_whole(server: FakeJetstream) -> None:
    """Three hundred matches, seven to a page, many in the same microsecond: none lost, none twice."""
    server.events = [event(ago(300 - number // 3), f"Acme {number}", f"k{number}") for number in range(300)]
    batches = []
    request = bounded(7)
    for _ in range(200):
        batches.append(reader(server).fetch(request))
        request = again(request, batches[-1].cursor)
        if batches[-1].complete:
            break
    found = texts(batches)
    assert len(found) == len(set(found)) == 300
    assert all(len(batch.posts) <= 9 for batch in batches)


def test_deleted_posts_are_told(server: FakeJetstream) -> None:
    server.events = [deletion(ago(20), "3gone"), deletion(ago(10), "3like", collection="app.bsky.feed.like")]
    (batch,) = walk(reader(server), FIRST)
    assert batch.deleted == (f"at://{DID}/app.bsky.feed.post/3gone",)


def test_a_flood_of_deletions_is_bounded_and_goes_on_in_the_next_page(server: FakeJetstream) -> None:
    server.events = [deletion(ago(600 - number / 10), f"k{number}") for number in range(2500)]
    batches = walk(reader(server), FIRST)
    assert [len(batch.deleted) for batch in batches] == [2000, 500]


def test_what_went_by_while_we_were_away_too_long_is_a_gap(server: FakeJetstream) -> None:
    """The server would start later than asked without saying so."""
    cursor = json.dumps({"reached": microseconds(NOW - timedelta(hours=50)), "walking": False})
    (batch,) = walk(reader(server), again(FIRST, cursor))
    (gap,) = batch.gaps
    assert (gap.start, gap.end) == (NOW - timedelta(hours=50), NOW - timedelta(hours=36))
    assert asked(server) == [36 * 3600 * 1_000_000]
    (later,) = walk(reader(server), again(FIRST, batch.cursor))
    assert later.gaps == ()


def test_a_silent_server_that_answers_a_ping_has_nothing_new(server: FakeJetstream) -> None:
    server.events = [event(ago(500), "Acme")]
    (batch,) = walk(reader(server), FIRST)
    assert (texts([batch]), batch.complete) == (["Acme"], True)


def test_events_up_to_now_end_the_page_without_waiting(server: FakeJetstream) -> None:
    """A server that would never answer a ping: the last event's time is enough."""
    server.mode = "deaf"
    server.events = [event(ago(1), "Acme")]
    (batch,) = walk(reader(server, quiet_seconds=5), FIRST)
    assert texts([batch]) == ["Acme"]


@pytest.mark.parametrize("mode", ["deaf", "cut", "farewell"])
def test_what_was_read_before_the_line_broke_is_kept(server: FakeJetstream, mode: str) -> None:
    """The page is handed over unfinished; the next one goes on behind it and, if nothing comes, is the error."""
    server.mode = mode
    server.events = [event(ago(500 - number), f"Acme {number}") for number in range(8)]
    connector = reader(server, page_seconds=1)
    batch = connector.fetch(FIRST)
    assert not batch.complete
    assert "Acme 3" in texts([batch])
    server.mode = "ok"
    rest = walk(connector, again(FIRST, batch.cursor))
    assert texts([batch, *rest]) == [f"Acme {number}" for number in range(8)]


@pytest.mark.parametrize("mode", ["hang", "drip", "drip-frames", "deaf", "drop", "farewell"])
def test_a_server_that_never_gets_anywhere_is_cut_at_the_deadline(server: FakeJetstream, mode: str) -> None:
    """Each is an error that may pass, and says which host."""
    server.mode = mode
    server.events = [event(ago(500), "Acme" * 100)] if mode == "drip-frames" else []
    caught: list[BaseException] = []

    def read() -> None:
        try:
            reader(server, page_seconds=1).fetch(FIRST)
        except BaseException as error:
            caught.append(error)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(15)
    assert not thread.is_alive()
    assert type(caught[0]) is ConnectorError
    assert "127.0.0.1" in str(caught[0])


@pytest.mark.parametrize("mode", ["html", "empty", "nonsense"])
def test_an_answer_that_is_no_stream_is_nonsense(server: FakeJetstream, mode: str) -> None:
    server.mode = mode
    with pytest.raises(Nonsense) as caught:
        reader(server, page_seconds=5).fetch(FIRST)
    assert "api_url" in caught.value.remedy


def test_an_address_that_is_no_stream_s_says_what_to_write() -> None:
    with pytest.raises(ConnectorError) as caught:
        Bluesky(Settings(api_url="https://jetstream.example"), Http()).fetch(FIRST)
    assert "wss://" in caught.value.remedy


def test_a_secure_address_of_a_server_without_tls_is_an_error_in_time(server: FakeJetstream) -> None:
    server.mode = "hang"
    address = server.url.replace("ws://", "wss://")
    with pytest.raises(ConnectorError, match=r"127\.0\.0\.1") as caught:
        Bluesky(Settings(api_url=address, page_seconds=1), Http()).fetch(FIRST)
    assert not isinstance(caught.value, Nonsense)


def test_nobody_there_is_an_error_that_may_pass() -> None:
    with FakeJetstream() as gone:
        url = gone.url
    with pytest.raises(ConnectorError, match="no connection"):
        Bluesky(Settings(api_url=url), Http()).fetch(FIRST)


def test_a_record_that_somebody_wrote_by_hand_is_set_aside_alone(server: FakeJetstream) -> None:
    """Records are not checked by the network: a page full of odd ones must not stop the source."""
    server.events = [event(ago(50 - number), ["Acme"]) for number in range(6)]
    server.events += [event(ago(30), "Acme", reply="x"), event(ago(29), "Acme", langs=7, tags=3, embed=[1])]
    (batch,) = walk(reader(server), FIRST)
    assert len(batch.aside) == 7
    assert texts([batch]) == ["Acme"]
    assert b"Acme" in batch.aside[0].raw


def test_hostile_text_is_cleaned(server: FakeJetstream) -> None:
    """Half characters, controls, deep brackets, a very long post, and words that look like the envelope."""
    odd = event(ago(40), "Acme TEXT", "a")
    server.events = [
        json.dumps(odd).replace("TEXT", r"\ud800\u0000\u2028 \"time_us\":99999999999999999"),
        "[" * 50_000 + "Acme",
        event(ago(30), "Acme <!channel> " + "x" * 200_000),
        event(ago(20), "Acme", key="../../x"),
    ]
    (batch,) = walk(reader(server), FIRST)
    assert len(batch.posts) == 2
    assert not set("".join(texts([batch]))) & set("\ud800\x00\u2028")
    assert len(batch.aside) == 2
    assert all(len(post.raw.encode()) <= 65_536 for post in batch.posts)


def test_times_that_cannot_be_do_not_move_the_cursor(server: FakeJetstream) -> None:
    """An event from the year 4000 is read, and what comes after it today is not lost."""
    server.events = [{**event(ago(50), "Acme odd"), "time_us": 64_000_000_000_000_000}, event(ago(40), "Acme two")]
    (batch,) = walk(reader(server), FIRST)
    assert json.loads(batch.cursor)["reached"] == microseconds(ago(40))
    assert "Acme two" in texts([batch])


def test_a_post_dated_in_the_future_counts_from_when_it_was_seen(server: FakeJetstream) -> None:
    server.events = [
        event(ago(50), "Acme a", createdAt="2999-01-01T00:00:00Z"),
        event(ago(40), "Acme b", createdAt="whenever"),
        event(ago(30), "Acme c", createdAt="2015-01-01T00:00:00Z"),
    ]
    (batch,) = walk(reader(server), FIRST)
    assert [post.posted_at for post in batch.posts] == [ago(50), ago(40), datetime(2015, 1, 1, tzinfo=UTC)]


def test_who_asks_to_be_shown_only_to_people_who_are_logged_in_is_marked(
    server: FakeJetstream, appview: FakeServer
) -> None:
    label = {"src": DID, "uri": f"at://{DID}/app.bsky.actor.profile/self", "val": "!no-unauthenticated"}
    profiles = [
        {"did": DID, "handle": "ada.example", "labels": labels}
        for labels in ([label], [{**label, "neg": True}], [{**label, "val": "porn"}], "odd", None)
    ]
    appview.route("/xrpc/app.bsky.actor.getProfile", profiles)
    marked = []
    for _ in profiles:
        server.events = [event(ago(30), "Acme")]
        (batch,) = walk(reader(server, appview), FIRST)
        marked.append(batch.posts[0].unsearchable)
    assert marked == [True, False, False, False, False]


@pytest.mark.parametrize("cursor", ["x", "[]", '{"reached": "soon", "walking": 1}', '{"reached": -1, "walking": true}'])
def test_a_cursor_that_cannot_be_read_begins_with_the_look_back(server: FakeJetstream, cursor: str) -> None:
    walk(reader(server), again(FIRST, cursor))
    assert asked(server) == [15 * 60 * 1_000_000]


def test_handles_stand_where_dids_stood_and_are_asked_once(server: FakeJetstream, appview: FakeServer) -> None:
    appview.route("/xrpc/app.bsky.actor.getProfile", {"did": DID, "handle": "Ada.example", "followersCount": 41})
    server.events = [event(ago(30), "Acme"), event(ago(20), "Acme again")]
    (batch,) = walk(reader(server, appview), FIRST)
    assert [(post.author, post.reach) for post in batch.posts] == [("ada.example", 41)] * 2
    assert [seen.one("actor") for seen in appview.ledger] == [DID]


@pytest.mark.parametrize("mode", ["500", "html", "429", "drop"])
def test_a_handle_that_cannot_be_looked_up_costs_no_post(server: FakeJetstream, appview: FakeServer, mode: str) -> None:
    """One failed call a page, then the rest stay as they are."""
    appview.mode = mode
    server.events = [event(ago(30 - number), "Acme", did=f"did:plc:x{number}") for number in range(5)]
    (batch,) = walk(reader(server, appview), FIRST)
    assert [post.author for post in batch.posts] == [f"did:plc:x{number}" for number in range(5)]
    assert len(appview.ledger) == 1


def view(at: datetime, key: str, text: Any = "sorry!", **more: Any) -> dict[str, Any]:
    """One entry of an author's feed."""
    record = event(at, text, **more.pop("record", {}))["commit"]["record"]
    author = {"did": "did:plc:acme", "handle": "acme.example", "displayName": "Acme"}
    post = {"uri": f"at://did:plc:acme/app.bsky.feed.post/{key}", "author": author, "record": record}
    return {"post": {**post, "indexedAt": at.isoformat()}, **more}


def walk_own(connector: Bluesky, request: Request, *accounts: str) -> list[Batch]:
    batches: list[Batch] = []
    while not batches or not batches[-1].complete:
        batches.append(connector.fetch_own(accounts, request))
        request = again(request, batches[-1].cursor)
        assert len(batches) < 20
    return batches


def test_the_brand_s_own_replies_name_what_they_answer(server: FakeJetstream, appview: FakeServer) -> None:
    """Reposts and what is older than the look-back are left out; the walk ends there."""
    parent = {"uri": f"at://{DID}/app.bsky.feed.post/q"}
    first = [view(ago(60), "a", record={"reply": {"parent": parent, "root": parent}})]
    first += [view(ago(70), "r", reason={"$type": "app.bsky.feed.defs#reasonRepost"}), view(ago(80), "b")]
    second = [view(ago(90), "c"), view(NOW - timedelta(days=3), "old")]
    appview.route(FEED, [Reply(json={"feed": first, "cursor": "next"}), Reply(json={"feed": second, "cursor": "more"})])
    batches = walk_own(reader(server, appview), FIRST, "@Acme.example")
    posts = [post for batch in batches for post in batch.posts]
    assert [post.native_id.rpartition("/")[2] for post in posts] == ["a", "b", "c"]
    assert (posts[0].parent_id, posts[0].author, posts[0].author_name) == (parent["uri"], "Acme.example", "Acme")
    assert [seen.one("cursor") for seen in appview.ledger] == ["", "next"]
    assert appview.ledger[0].one("actor") == "Acme.example"
    assert server.ledger == []


def test_an_account_that_gets_another_handle_is_read_on(server: FakeJetstream, appview: FakeServer) -> None:
    """A brand takes its own domain for a handle: the old one stands for nobody, and its replies count as before."""

    def feed(seen: Seen) -> Reply:
        if seen.one("actor") not in known:
            return Reply(400, json={"error": "InvalidRequest", "message": "Profile not found"})
        return Reply(json={"feed": [view(ago(60), "a")]})

    appview.route(FEED, feed)
    known = {"acme.bsky.social", "did:plc:acme"}
    connector = reader(server, appview)
    first = walk_own(connector, FIRST, "acme.bsky.social")[-1]
    known.remove("acme.bsky.social")
    again_read = walk_own(connector, again(FIRST, first.cursor), "acme.bsky.social")
    assert [(post.author, post.author_id) for batch in again_read for post in batch.posts] == [
        ("acme.bsky.social", "did:plc:acme")
    ]
    known = {"acme.bsky.social"}  # the account was made anew under its old handle
    assert walk_own(connector, again(FIRST, first.cursor), "acme.bsky.social")[0].posts


def test_a_feed_that_repeats_its_cursor_ends_with_a_gap(server: FakeJetstream, appview: FakeServer) -> None:
    appview.route(FEED, {"feed": [view(ago(60), "a")], "cursor": "same"})
    batches = walk_own(reader(server, appview), FIRST, "acme.example")
    assert len(appview.ledger) == 2
    assert len(batches[-1].gaps) == 1


def test_odd_entries_of_a_feed_are_set_aside_and_a_page_of_them_is_nonsense(
    server: FakeJetstream, appview: FakeServer
) -> None:
    appview.route(FEED, {"feed": [view(ago(60), "a"), {"post": None}, "x", view(ago(50), "b", text=5)]})
    (batch,) = walk_own(reader(server, appview), FIRST, "acme.example")
    assert (len(batch.posts), len(batch.aside)) == (1, 3)
    appview.route(FEED, {"feed": [{"entry": number} for number in range(6)]})
    with pytest.raises(Nonsense):
        reader(server, appview).fetch_own(("acme.example",), FIRST)
    appview.route(FEED, {"error": "odd"})
    with pytest.raises(Nonsense):
        reader(server, appview).fetch_own(("acme.example",), FIRST)


def test_without_accounts_nothing_is_asked(server: FakeJetstream, appview: FakeServer) -> None:
    assert reader(server, appview).fetch_own((), FIRST).posts == ()
    assert appview.ledger == []


@pytest.mark.shared_data
@pytest.mark.skipif(not SHARED.is_dir(), reason="the real recorded answers are not beside this checkout")
def test_a_real_author_s_feed_is_read_whole(server: FakeJetstream, appview: FakeServer) -> None:
    """Each of its own posts comes out, each repost is left out, nothing is set aside."""
    lines = [json.loads(text) for text in (SHARED / "bluesky_atrrr.jsonl").read_text("utf-8").strip().split("\n")]
    body = next(line["body"] for line in lines if "getAuthorFeed" in line["url"])
    appview.route(FEED, {"feed": body["feed"]})
    request = Request("sky", ("x",), "", NOW, datetime(2020, 1, 1, tzinfo=UTC))
    (batch,) = walk_own(reader(server, appview), request, "someone.example")
    assert batch.aside == ()
    assert len(batch.posts) == sum("reason" not in each for each in body["feed"]) > 5
    assert any(post.parent_id for post in batch.posts)


@pytest.mark.shared_data
@pytest.mark.skipif(not SHARED.is_dir(), reason="the real recorded answers are not beside this checkout")
def test_real_posts_are_read_when_they_come_by_the_stream(server: FakeJetstream) -> None:
    """The records of a real search, put into the stream: all are matched by their word and read."""
    lines = [json.loads(text) for text in (SHARED / "bluesky_atrrr.jsonl").read_text("utf-8").strip().split("\n")]
    found = next(line["body"]["posts"] for line in lines if "searchPosts?q=rstats" in line["url"])
    for number, post in enumerate(found):
        each = event(ago(800 - number), "", f"k{number}", post["author"]["did"])
        each["commit"]["record"] = post["record"]
        server.events.append(each)
    with_word = [post for post in found if "rstats" in post["record"]["text"].casefold()]
    batches = walk(reader(server), first_request("sky", terms=("rstats",)))
    assert [aside for batch in batches for aside in batch.aside] == []
    assert len(texts(batches)) >= len(with_word) > 50


# -- accounts that are gone, whom posts speak to, and what is asked after ---------------------------------------------

OURS = "did:plc:acme"


def account(at: datetime, status: str, *, did: str = DID, active: bool = False) -> dict[str, Any]:
    told = {"active": active, "did": did, "seq": 1, "status": status, "time": "2026-11-20T11:00:00Z"}
    return {"did": did, "time_us": microseconds(at), "kind": "account", "account": told}


@pytest.mark.parametrize(
    ("status", "gone"),
    [("deleted", True), ("takendown", True), ("deactivated", False), ("suspended", False), ("", False)],
)
def test_an_account_that_is_gone_is_told(server: FakeJetstream, status: str, gone: bool) -> None:
    server.events = [
        event(ago(30), "Acme is late"),
        account(ago(20), status),
        event(ago(10), "Acme again", did="did:plc:b"),
    ]
    batches = walk(reader(server), FIRST)
    assert len(texts(batches)) == 2
    assert [did for batch in batches for did in batch.gone] == ([DID] if gone else [])


@pytest.mark.parametrize("odd", [None, [], "deleted", {"status": ["deleted"]}, {"status": "deleted", "active": True}])
def test_an_odd_account_event_removes_nothing(server: FakeJetstream, odd: Any) -> None:
    server.events = [{**account(ago(20), "deleted"), "account": odd}, event(ago(10), "Acme")]
    batches = walk(reader(server), FIRST)
    assert len(texts(batches)) == 1
    assert not [did for batch in batches for did in batch.gone]


MENTIONING = {"facets": [{"features": [{"$type": "app.bsky.richtext.facet#mention", "did": OURS}]}]}
ANSWERING = {"reply": {"parent": {"uri": f"at://{OURS}/app.bsky.feed.post/1"}, "root": {"uri": "at://did:plc:x/a/2"}}}
QUOTING = {"embed": {"$type": "app.bsky.embed.record", "record": {"uri": f"at://{OURS}/app.bsky.feed.post/1"}}}
QUOTING_TOO = {
    "embed": {"media": {"images": []}, "record": {"record": {"uri": f"at://{OURS}/app.bsky.feed.post/1"}}},
}


@pytest.mark.parametrize("record", [MENTIONING, ANSWERING, QUOTING, QUOTING_TOO])
def test_what_speaks_to_our_account_is_kept_whatever_its_words(server: FakeJetstream, record: dict[str, Any]) -> None:
    server.events = [
        event(ago(30), "three weeks and nobody answers", **record),
        event(ago(20), "three weeks", facets=["odd"], reply=7, embed=[OURS]),
        event(ago(10), "so do we", did=OURS, **record),
    ]
    request = replace(FIRST, accounts={"acme.bsky.social": OURS})
    posts = [post for batch in walk(reader(server), request) for post in batch.posts]
    assert [(post.text, post.addressed, post.author_id) for post in posts] == [
        ("three weeks and nobody answers", (OURS,), DID)
    ]
    assert not texts(walk(reader(server), FIRST)), "while we do not know our account it speaks to nobody"


def test_who_writes_our_handle_by_hand_is_kept(server: FakeJetstream) -> None:
    """Without the app's mark on it, which names the account; also while its DID is not known yet."""
    server.events = [event(ago(30), "hello @Care.Example"), event(ago(20), "hello care"), event(ago(10), f"hi {OURS}")]
    for did in ("", OURS):
        request = replace(FIRST, terms=("zebra",), accounts={"@care.example": did})
        assert texts(walk(reader(server), request)) == ["hello @Care.Example", f"hi {OURS}"][: 2 if did else 1]


def test_what_a_picture_shows_is_heard(server: FakeJetstream) -> None:
    pictures = {"$type": "app.bsky.embed.images", "images": [{"alt": "A mail by Acme"}, {"alt": None}, "odd"]}
    server.events = [
        event(ago(30), "Their answer:", embed=pictures),
        event(ago(20), "See", embed={"$type": "app.bsky.embed.recordWithMedia", "media": pictures}),
        event(ago(10), "Watch", embed={"$type": "app.bsky.embed.video", "alt": "Acme's kettle burns"}),
    ]
    batches = walk(reader(server), FIRST)
    shown = [(post.pictures, post.videos) for batch in batches for post in batch.posts]
    assert shown == [(2, 0), (2, 0), (0, 1)]
    assert texts(batches) == [
        "Their answer:\nA mail by Acme", "See\nA mail by Acme", "Watch\nAcme's kettle burns",
    ]  # fmt: skip


def test_handles_stand_for_dids(server: FakeJetstream, appview: FakeServer) -> None:
    appview.route("/xrpc/app.bsky.actor.getProfile", lambda seen: (
        Reply(json={"did": OURS}) if seen.one("actor") == "acme.bsky.social" else Reply(400, json={"error": "no"})
    ))  # fmt: skip
    appview.route("/xrpc/com.atproto.identity.resolveHandle", lambda seen: (
        Reply(json={"did": "did:plc:hidden"}) if seen.one("handle") == "taken.down.example" else Reply(400, json={})
    ))  # fmt: skip
    handles = ("@Acme.bsky.social", "taken.down.example", "no.body", "did:plc:Given", "acme_jobs")
    found, quota = reader(server, appview).identify(handles, FIRST)
    assert {handle: account.id for handle, account in found.items()} == {
        "@Acme.bsky.social": OURS, "taken.down.example": "did:plc:hidden", "no.body": "",
        "did:plc:Given": "did:plc:Given",
    }  # fmt: skip
    assert quota.cost == 0


def test_posts_that_are_gone_are_found_by_asking(server: FakeJetstream, appview: FakeServer) -> None:
    known = tuple(f"at://{DID}/app.bsky.feed.post/{number}" for number in range(60))

    def posts(seen: Any) -> Reply:
        assert len(seen.query["uris"]) <= 25
        return Reply(json={"posts": [{"uri": uri} for uri in seen.query["uris"] if not uri.endswith("/7")]})

    appview.route("/xrpc/app.bsky.feed.getPosts", posts)
    assert reader(server, appview).refresh((*known, "odd"), FIRST).deleted == (known[7],)
    appview.route("/xrpc/app.bsky.feed.getPosts", {"posts": []})
    with pytest.raises(Nonsense):
        reader(server, appview).refresh(known, FIRST)
    assert reader(server, appview).refresh(known[:1], FIRST).deleted == known[:1]
