"""Mastodon: tag feeds of one server, late posts, closed feeds, the brand's own replies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from connectors import Batch, Closed, ConnectorError, Nonsense, RateLimited, Refused, Request
from connectors.http import Http
from connectors.mastodon import Mastodon, Settings
from connectors.pagination import MOST_TURNS, Walk
from tests.connectors import reply_mastodon
from tests.connectors.contracts import CANARY, NOW, again, first_request, walk
from tests.fakes.mastodon import FakeMastodon, status, status_id
from tests.fakes.server import FakeServer, Reply

SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "recorded"
FIRST = first_request("social")


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as running:
        yield running


@pytest.fixture
def fake(server: FakeServer) -> FakeMastodon:
    return FakeMastodon(server)


def reader(server: FakeServer, **options: Any) -> Mastodon:
    return Mastodon(Settings(api_url=server.url, **options), Http(trusted=[server.host], total_seconds=20))


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def ids(batches: list[Batch]) -> list[str]:
    return [post.native_id for batch in batches for post in batch.posts]


def walk_own(connector: Mastodon, accounts: tuple[str, ...], request: Request) -> list[Batch]:
    batches: list[Batch] = []
    while not batches or not batches[-1].complete:
        batches.append(connector.fetch_own(accounts, request))
        request = again(request, batches[-1].cursor)
    return batches


@pytest.mark.parametrize(
    ("account", "marked"),
    [
        ({}, False),
        ({"note": "<p>gardens, tea <a href='/tags/NoBot'>#<span>NoBot</span></a></p>"}, True),
        ({"note": "<p>I build #nobotany tools, and no bots</p>"}, False),
        ({"discoverable": False}, True),
        ({"discoverable": None, "indexable": True}, False),
        ({"indexable": False}, False),  # of the search for words only, and off until somebody turns it on
        ({"note": 7, "discoverable": "no"}, False),
    ],
)
def test_who_does_not_want_to_be_found_is_marked_where_a_search_found_them(
    server: FakeServer, fake: FakeMastodon, account: dict[str, Any], marked: bool
) -> None:
    fake.tags["acme"] = [status(ago(5), "#acme", account=account)]
    (post,) = walk(reader(server), FIRST)[0].posts
    assert post.unsearchable is marked


def test_the_search_for_words_leaves_out_who_is_not_in_it_and_a_conversation_marks_nobody(
    server: FakeServer, fake: FakeMastodon
) -> None:
    one = status(ago(5), "acme", account={"indexable": False, "note": "#nobot"})
    connector = reader(server)
    assert [post.unsearchable for post, _ in connector._read([one], "m", "search")[0]] == [True]
    for lane in ("mentions", "own", ""):
        assert [post.unsearchable for post, _ in connector._read([one], "m", lane)[0]] == [False]
    two = status(ago(5), "acme", account={"indexable": False})
    assert [post.unsearchable for post, _ in connector._read([two], "m", "search")[0]] == [True]


def test_a_status_becomes_a_post_in_plain_words(server: FakeServer, fake: FakeMastodon) -> None:
    """Field by field: tags and entities gone, the content warning kept, the author with the server's name."""
    one = status(
        ago(5),
        'Acme &lt;3 <a href="https://x.example">link</a></p><p>second',
        spoiler_text="rant",
        in_reply_to_id="500",
        edited_at="2026-11-20T11:58:00.000Z",
        account={"acct": "bob", "display_name": "Bob", "followers_count": 77},
    )
    fake.tags["acme"] = [one]
    (post,) = walk(reader(server), FIRST)[0].posts
    assert post.text == "rant\nAcme <3 link\n\nsecond"
    assert (post.author, post.author_name, post.reach, post.lang) == ("bob@127.0.0.1", "Bob", 77, "en")
    assert (post.parent_id, post.thread_id) == ("500", "500")
    assert post.posted_at == ago(5)
    assert post.edited_at == datetime(2026, 11, 20, 11, 58, tzinfo=UTC)
    assert post.url == one["url"]
    assert json.loads(post.raw)["id"] == one["id"]


def test_a_post_that_answers_nobody_begins_its_own_thread(server: FakeServer, fake: FakeMastodon) -> None:
    fake.tags["acme"] = [status(ago(5), "Acme")]
    (post,) = walk(reader(server), FIRST)[0].posts
    assert (post.parent_id, post.thread_id) == ("", post.native_id)
    assert post.author == "ada@far.example"


def test_tags_come_from_the_terms_without_spaces_and_signs(server: FakeServer, fake: FakeMastodon) -> None:
    request = first_request("social", terms=("Acme Widgets", "#acme", "2024", "!!"))
    walk(reader(server), request)
    asked = [path for path in server.paths() if "/tag/" in path]
    assert asked == ["/api/v1/timelines/tag/acme", "/api/v1/timelines/tag/acmewidgets"]


def test_tags_in_the_settings_replace_the_terms(server: FakeServer, fake: FakeMastodon) -> None:
    walk(reader(server, tags=("widgets",)), FIRST)
    assert [path for path in server.paths() if "/tag/" in path] == ["/api/v1/timelines/tag/widgets"]


def test_terms_that_make_no_tag_say_what_to_write(server: FakeServer) -> None:
    with pytest.raises(ConnectorError) as caught:
        reader(server).fetch(first_request("social", terms=("!!",)))
    assert "tags" in caught.value.remedy
    assert server.ledger == []


def test_the_first_read_looks_back_no_further_than_since(server: FakeServer, fake: FakeMastodon) -> None:
    fake.tags["acme"] = [status(ago(60 * hours), "Acme") for hours in (1, 23, 25, 400)]
    assert ids(walk(reader(server), FIRST)) == [status_id(ago(60)), status_id(ago(60 * 23))]


def test_every_page_of_a_busy_tag_is_read(server: FakeServer, fake: FakeMastodon) -> None:
    """Three hundred posts between two reads: eight pages, none lost, none twice."""
    fake.tags["acme"] = [status(ago(number), "Acme") for number in range(1, 301)]
    found = ids(walk(reader(server), FIRST))
    assert len(found) == len(set(found)) == 300


def test_a_late_post_with_an_old_id_is_still_found(server: FakeServer, fake: FakeMastodon) -> None:
    """It federates forty minutes late: its id is older than the newest one that was read."""
    fake.tags["acme"] = [status(ago(10), "Acme on time")]
    connector = reader(server)
    cursor = walk(connector, FIRST)[-1].cursor
    fake.tags["acme"].append(status(ago(50), "Acme late"))
    assert status_id(ago(50)) in ids(walk(connector, again(FIRST, cursor, timedelta(minutes=5))))


def test_once_a_day_the_walk_goes_three_days_deep(server: FakeServer, fake: FakeMastodon) -> None:
    """A post that arrives two days late is out of reach of the hourly overlap, and found a day later at the latest."""
    fake.tags["acme"] = [status(ago(10), "Acme on time")]
    connector = reader(server)
    first = first_request("social", back=timedelta(days=3))  # what the first look-back left out would never come
    cursor = walk(connector, first)[-1].cursor
    late = status(ago(60 * 30), "Acme, thirty hours late")
    fake.tags["acme"].append(late)
    soon = walk(connector, again(first, cursor, timedelta(hours=2)))
    assert late["id"] not in ids(soon)
    day_after = walk(connector, again(first, soon[-1].cursor, timedelta(hours=25)))
    assert late["id"] in ids(day_after)
    again_shallow = walk(connector, again(first, day_after[-1].cursor, timedelta(hours=26)))
    assert late["id"] not in ids(again_shallow)


def test_a_walk_that_fails_on_a_page_goes_on_there(server: FakeServer, fake: FakeMastodon) -> None:
    """Page two fails twice: page one is kept, the cursor stands, nothing is lost when the server is well again."""
    fake.tags["acme"] = [status(ago(number), "Acme") for number in range(1, 101)]
    connector = reader(server)
    first = connector.fetch(FIRST)
    server.misbehave("500", at=2)
    server.misbehave("cut", at=3)
    for _ in range(2):
        with pytest.raises(ConnectorError):
            connector.fetch(again(FIRST, first.cursor))
    rest = walk(connector, again(FIRST, first.cursor))
    assert len(set(ids([first, *rest]))) == 100


def test_a_server_that_repeats_a_page_is_left_with_a_gap(server: FakeServer) -> None:
    """The same page for ever: a few requests, then the walk ends and says what was not seen."""
    page = [status(ago(number), "Acme") for number in range(1, 6)]
    server.route("/api/v1/timelines/tag/acme", Reply(json=page))
    batches = walk(reader(server), FIRST)
    assert len(server.ledger) == 2
    assert batches[-1].complete
    (gap,) = batches[-1].gaps
    assert (gap.start, gap.end) == (FIRST.since, ago(5))


@pytest.mark.parametrize("code", ["401", "403", "422"])
def test_feeds_for_members_only_say_what_to_do(server: FakeServer, fake: FakeMastodon, code: str) -> None:
    server.mode = code
    with pytest.raises(Refused) as caught:
        reader(server).fetch(FIRST)
    assert "access_token" in caught.value.remedy
    assert "127.0.0.1" in caught.value.message


@pytest.mark.parametrize(
    ("access", "token", "closed"),
    [
        ({"local": "disabled", "remote": "disabled"}, None, True),
        ({"local": "authenticated", "remote": "authenticated"}, None, True),
        ({"local": "authenticated", "remote": "authenticated"}, "token", False),
        ({"local": "public", "remote": "disabled"}, None, False),
        ({"local": "disabled", "remote": "disabled"}, "token", True),
    ],
)
def test_an_empty_feed_of_a_closed_server_is_not_taken_for_silence(
    server: FakeServer, fake: FakeMastodon, access: dict[str, str], token: str | None, closed: bool
) -> None:
    """Since 4.5 a closed feed is an empty list with status 200; the server's own page tells which it is."""
    fake.open = access
    connector = reader(server, access_token=SecretStr(token) if token else None)
    if closed:
        with pytest.raises(Refused, match="closed its tag feeds"):
            walk(connector, FIRST)
    else:
        assert ids(walk(connector, FIRST)) == []


def test_an_empty_feed_of_a_server_without_that_page_is_silence(server: FakeServer) -> None:
    server.route("/api/v1/timelines/tag/acme", Reply(json=[]))
    assert ids(walk(reader(server), FIRST)) == []


def test_the_token_turns_the_search_on_and_is_told_nowhere(server: FakeServer, fake: FakeMastodon) -> None:
    """Search finds posts without the tag; the token travels in its header only."""
    fake.found = [status(ago(3), "what a day with Acme")]
    connector = reader(server, access_token=SecretStr(CANARY))
    assert ids(walk(connector, first_request("social", terms=("Acme Widgets",)))) == [status_id(ago(3))]
    search = next(seen for seen in server.ledger if seen.path == "/api/v2/search")
    assert (search.one("q"), search.one("type")) == ('"Acme Widgets"', "statuses")
    assert search.headers["authorization"] == f"Bearer {CANARY}"
    assert CANARY not in repr(connector._settings)


def test_without_a_token_nothing_secret_is_sent_and_search_is_off(server: FakeServer, fake: FakeMastodon) -> None:
    walk(reader(server), FIRST)
    assert all("authorization" not in seen.headers for seen in server.ledger)
    assert "/api/v2/search" not in server.paths()


def test_bots_are_left_out_when_the_settings_say_so(server: FakeServer, fake: FakeMastodon) -> None:
    fake.tags["acme"] = [status(ago(1), "Acme", account={"bot": True}), status(ago(2), "Acme")]
    assert ids(walk(reader(server, skip_bots=True), FIRST)) == [status_id(ago(2))]
    assert len(ids(walk(reader(server), FIRST))) == 2


def test_a_boost_is_not_a_post_of_its_own(server: FakeServer, fake: FakeMastodon) -> None:
    fake.tags["acme"] = [status(ago(1), "", reblog={"id": "1"}), status(ago(2), "Acme")]
    batches = walk(reader(server), FIRST)
    assert ids(batches) == [status_id(ago(2))]
    assert batches[0].aside == ()


def test_hostile_fields_do_no_harm(server: FakeServer, fake: FakeMastodon) -> None:
    """Half characters, controls, a script, odd links and odd types: cleaned, or set aside alone."""
    fake.tags["acme"] = [
        status(ago(1), "a\x00\u2028<script>alert(1)</script>\ud800 Acme", url="javascript:alert(1)", uri="x"),
        status(ago(2), "Acme", account={"followers_count": 2**70, "display_name": None}),
        status(ago(3), "Acme", created_at="yesterday"),
        status(ago(4), "Acme", id=["1"]),
        status(ago(5), "Acme", id="../../etc"),
        {**status(ago(6), "Acme"), "account": None},
        "nonsense",
        status(ago(7), "Acme" * 50_000),
    ]
    batches = walk(reader(server), FIRST)
    posts = [post for batch in batches for post in batch.posts]
    assert len(posts) == 3
    assert len(batches[0].aside) == 5
    assert posts[0].url == f"{server.url}/@ada%40far.example/{posts[0].native_id}"
    assert "alert" not in posts[0].text
    assert not set(posts[0].text) & set("\x00\u2028\ud800")
    assert posts[1].reach is None
    assert len(posts[2].raw.encode()) <= 65_536


def test_an_error_object_with_status_200_is_nonsense(server: FakeServer) -> None:
    server.route("/api/v1/timelines/tag/acme", Reply(json={"error": "This is not a list"}))
    with pytest.raises(Nonsense):
        reader(server).fetch(FIRST)


def test_one_unreadable_post_alone_does_not_hold_the_walk_for_ever(server: FakeServer, fake: FakeMastodon) -> None:
    fake.tags["acme"] = [status(ago(1), "Acme", created_at=None)]
    (first, *_) = walk(reader(server), FIRST)
    assert (len(first.aside), first.posts) == (1, ())


def test_the_rate_limit_is_handed_on(server: FakeServer, fake: FakeMastodon) -> None:
    fake.tags["acme"] = [status(ago(1), "Acme")]
    quota = reader(server).fetch(FIRST).quota
    assert quota is not None
    assert (quota.remaining, quota.reset_at) == (299, datetime(2026, 11, 20, 12, 5, tzinfo=UTC))
    server.mode = Reply(429, json={"error": "Too many"}, headers={"X-RateLimit-Reset": "2036-01-01T00:00:00Z"})
    with pytest.raises(RateLimited) as caught:
        reader(server).fetch(FIRST)
    assert caught.value.retry_at is not None


def test_the_allowance_bounds_a_page(server: FakeServer, fake: FakeMastodon) -> None:
    fake.tags["acme"] = [status(ago(number), "Acme") for number in range(1, 20)]
    request = Request("social", ("Acme",), "", NOW, FIRST.since, allowance=5)
    assert len(reader(server).fetch(request).posts) == 5


def test_the_first_post_of_a_thread_is_asked_for_when_wanted(server: FakeServer, fake: FakeMastodon) -> None:
    """A reply to a reply belongs to the conversation's first post; if that cannot be asked, to the post it answers."""
    deep, lost = status(ago(1), "Acme", in_reply_to_id="300"), status(ago(2), "Acme", in_reply_to_id="400")
    fake.tags["acme"] = [deep, lost]
    fake.roots[deep["id"]] = "100"
    posts = walk(reader(server, find_roots=True), FIRST)[0].posts
    assert [(post.parent_id, post.thread_id) for post in posts] == [("300", "100"), ("400", "400")]


def roots_asked(server: FakeServer) -> list[str]:
    return [path for path in server.paths() if path.endswith("/context")]


def test_the_thread_of_a_reply_is_asked_for_once(server: FakeServer, fake: FakeMastodon) -> None:
    """Each read goes an hour below the newest post: the same replies come again with every one."""
    deep = status(ago(1), "Acme", in_reply_to_id="300")
    fake.tags["acme"] = [deep]
    fake.roots[deep["id"]] = "100"
    connector = reader(server, find_roots=True)
    request = FIRST
    for minute in range(1, 4):
        batches = walk(connector, request)
        assert [post.thread_id for batch in batches for post in batch.posts] == ["100"]
        request = again(FIRST, batches[-1].cursor, timedelta(minutes=minute))
    assert len(roots_asked(server)) == 1


def test_many_busy_tags_leave_most_of_the_calls_to_reading(server: FakeServer, fake: FakeMastodon) -> None:
    """A server takes 300 calls in five minutes."""
    tags = tuple(f"acme{number}" for number in range(12))
    for number, tag in enumerate(tags):
        fake.tags[tag] = [status(ago(each), "Acme", 100 * number + each, in_reply_to_id="300") for each in range(1, 11)]
    connector = reader(server, tags=tags, find_roots=True)
    batches = walk(connector, FIRST)
    assert len(ids(batches)) == 120
    assert len(roots_asked(server)) == 60
    fake.tags[tags[0]] = [status(ago(-4), "Acme", in_reply_to_id="300")]
    walk(connector, again(FIRST, batches[-1].cursor, timedelta(minutes=4)))
    assert len(roots_asked(server)) == 60
    fake.tags[tags[0]] = [status(ago(-6), "Acme", in_reply_to_id="300")]
    walk(connector, again(FIRST, batches[-1].cursor, timedelta(minutes=6)))
    assert len(roots_asked(server)) == 61


def test_the_brand_s_own_replies_name_what_they_answer(server: FakeServer, fake: FakeMastodon) -> None:
    fake.accounts["acme"] = ("9", [status(ago(1), "@ada sorry, fixed", in_reply_to_id="55", account={"acct": "acme"})])
    fake.accounts["help@far.example"] = ("10", [status(ago(2), "hello", 1)])
    # Named as they were asked for: the settings may leave the server out.
    batches = walk_own(reader(server), ("@Acme", "help@far.example"), FIRST)
    posts = [post for batch in batches for post in batch.posts]
    assert [(post.author, post.parent_id) for post in posts] == [("Acme", "55"), ("help@far.example", "")]
    assert all(seen.one("exclude_reblogs") == "true" for seen in server.ledger if seen.path.endswith("/statuses"))


def test_an_account_is_looked_up_once(server: FakeServer, fake: FakeMastodon) -> None:
    fake.accounts["acme"] = ("9", [status(ago(1), "sorry")])
    batches = walk_own(reader(server), ("acme",), FIRST)
    walk_own(reader(server), ("acme",), again(FIRST, batches[-1].cursor, timedelta(minutes=5)))
    assert server.paths().count("/api/v1/accounts/lookup") == 1


def test_an_account_that_is_not_there_is_named(server: FakeServer, fake: FakeMastodon) -> None:
    with pytest.raises(Refused, match="no account acme"):
        reader(server).fetch_own(("acme",), FIRST)


def test_without_accounts_nothing_is_asked(server: FakeServer) -> None:
    assert reader(server).fetch_own((), FIRST).posts == ()
    assert server.ledger == []


def test_a_refresh_tells_what_is_gone_and_what_was_edited(server: FakeServer, fake: FakeMastodon) -> None:
    """At most twenty calls, whatever is asked."""
    here = status(ago(1), "Acme, edited", edited_at="2026-11-20T11:59:30.000Z")
    fake.tags["acme"] = [here]
    batch = reader(server).refresh((here["id"], "404404", *(str(number) for number in range(60))), FIRST)
    assert [post.text for post in batch.posts] == ["Acme, edited"]
    assert batch.deleted[0] == "404404"
    assert len(server.ledger) == 20


def test_a_post_is_not_gone_because_a_proxy_has_no_page(server: FakeServer, fake: FakeMastodon) -> None:
    """What is believed to be gone is emptied for good."""
    server.route("/api/v1/statuses/*", Reply(404, body="<html>404 Not Found</html>"))
    with pytest.raises(Nonsense):
        reader(server).refresh(("1",), FIRST)


@pytest.mark.shared_data
@pytest.mark.skipif(not SHARED.is_dir(), reason="the real recorded answers are not beside this checkout")
def test_real_recorded_answers_are_read_whole(server: FakeServer) -> None:
    """Every tag feed and every status that a real server gave, walked and read without one set aside."""
    lines = [json.loads(text) for text in (SHARED / "mastodon.jsonl").read_text("utf-8").strip().split("\n")]
    feeds = [line["body"] for line in lines if "timelines/tag" in line["url"] and "max_id" not in line["url"]]
    singles = [line["body"] for line in lines if "/api/v1/statuses/" in line["url"] and line["url"][-1].isdigit()]
    statuses = [each for feed in feeds for each in feed] + [one for one in singles if "content" in one]
    statuses.sort(key=lambda each: -int(each["id"]))
    assert len(statuses) > 20
    fake = FakeMastodon(server)
    fake.tags["acme"] = list({each["id"]: each for each in statuses}.values())
    request = Request("social", ("Acme",), "", NOW, datetime(2010, 1, 1, tzinfo=UTC))
    batches = walk(reader(server), request)
    assert len(ids(batches)) == len(fake.tags["acme"])
    assert not [aside for batch in batches for aside in batch.aside]


@pytest.mark.shared_data
@pytest.mark.skipif(not SHARED.is_dir(), reason="the real recorded answers are not beside this checkout")
def test_a_real_answer_that_lost_its_middle_is_nonsense_and_its_sound_posts_are_read(server: FakeServer) -> None:
    """A server once sent half a status in the middle of a list: the list is refused, each whole status reads well."""
    lines = (SHARED / "mastodon_malformed_toot.json").read_text("utf-8").strip().split("\n")
    server.route("/api/v1/timelines/tag/acme", Reply(body=f"[{','.join(lines)}]"))
    with pytest.raises(Nonsense):
        reader(server).fetch(FIRST)
    sound = []
    for text in lines:
        try:
            sound.append(json.loads(text))
        except ValueError:
            continue
    with FakeServer() as other:
        FakeMastodon(other).tags["acme"] = sound
        request = Request("social", ("Acme",), "", NOW, datetime(2010, 1, 1, tzinfo=UTC))
        found = ids(walk(reader(other), request))
        assert len(sound) == 49
        assert set(found) == {each["id"] for each in sound}


# -- what else people write, whom they speak to, and places that are closed ------------------------------------------


def mention(at: datetime, content: str, number: int = 0, **more: Any) -> dict[str, Any]:
    """One notification that somebody named the account whose token reads."""
    return {
        "id": str(9000 - number),
        "type": "mention",
        "created_at": "x",
        "status": status(at, content, number, **more),
    }


def test_the_choices_of_a_poll_and_what_a_picture_shows_are_words(server: FakeServer, fake: FakeMastodon) -> None:
    fake.tags["acme"] = [
        status(ago(1), "Which one?", 1, poll={"options": [{"title": "acme &amp; co"}, {"title": None}, "odd"]}),
        status(ago(2), "Their answer:", 2,
               media_attachments=[{"type": "image", "description": "A mail by acme"}, {"type": "gifv"}, 7]),
        status(ago(3), "Odd ones", 3, poll=["no"], media_attachments={"description": "no"}),
    ]  # fmt: skip
    posts = [post for batch in walk(reader(server, tags=("acme",)), FIRST) for post in batch.posts]
    assert sorted((post.pictures, post.videos) for post in posts) == [(0, 0), (0, 0), (1, 1)]
    texts = [post.text for post in posts]
    assert sorted(texts) == ["Odd ones", "Their answer:\nA mail by acme", "Which one?\nacme & co"]


def test_mentions_of_the_account_are_read_with_its_token(server: FakeServer, fake: FakeMastodon) -> None:
    """ "@acme" without the tag stands in no feed. Page by page, by the notifications' own ids; no direct messages."""
    told = [mention(ago(5 * number), f"@acme {number}", number) for number in range(1, 60)]
    told[3]["type"] = "favourite"
    told[4]["status"]["visibility"] = "direct"
    told[5]["status"] = None

    def notifications(seen: Any) -> Reply:
        assert seen.query["types[]"] == ["mention"]
        below = int(seen.one("max_id", "99999"))
        return Reply(json=[each for each in told if int(each["id"]) < below][: int(seen.one("limit"))])

    server.route("/api/v1/notifications", notifications)
    batches = walk(reader(server, tags=("acme",), access_token=SecretStr(CANARY)), FIRST)
    posts = [post for batch in batches for post in batch.posts]
    assert len(posts) == 56
    assert all("*" in post.addressed for post in posts)
    assert len([each for batch in batches for each in batch.aside]) == 1
    asked = len(server.ledger)
    walk(reader(server, tags=("acme",), access_token=SecretStr(CANARY)), again(FIRST, batches[-1].cursor))
    pages = [seen.one("max_id") for seen in server.ledger[asked:] if seen.path.endswith("/notifications")]
    assert pages == [""]


@pytest.mark.parametrize(("me", "read"), [("77", True), ("12", False), ("", True)])
def test_notifications_are_read_for_the_brands_own_account_only(
    server: FakeServer, fake: FakeMastodon, me: str, read: bool
) -> None:
    server.route("/api/v1/accounts/verify_credentials", Reply(json={"id": me}) if me else Reply(403, json={}))
    server.route("/api/v1/notifications", [[mention(ago(1), "@acme hello")], []])
    request = replace(FIRST, accounts={"acme": "77"})
    walk(reader(server, tags=("acme",), access_token=SecretStr(CANARY)), request)
    assert any(seen.path.endswith("/notifications") for seen in server.ledger) == read


def test_whom_a_status_speaks_to_is_told_by_the_servers_ids(server: FakeServer, fake: FakeMastodon) -> None:
    named = [{"id": "77", "acct": "acme"}, {"id": "78", "acct": "Bob@far.example"}, {"id": 7}, "odd"]
    fake.tags["acme"] = [status(ago(1), "hello", mentions=named, in_reply_to_account_id="99", in_reply_to_id="5")]
    [post] = [post for batch in walk(reader(server, tags=("acme",)), FIRST) for post in batch.posts]
    assert set(post.addressed) == {"99", "77", f"acme@{server.host.partition(':')[0]}", "78", "bob@far.example", "7"}
    assert post.author_id == "77"


def test_handles_stand_for_the_servers_ids(server: FakeServer, fake: FakeMastodon) -> None:
    fake.accounts = {"acme": ("11", []), "acme@far.example": ("12", [])}
    handles = ("@acme", "acme@far.example", "nobody", "not a handle")
    found, _ = reader(server).identify(handles, FIRST)
    assert {handle: account.id for handle, account in found.items()} == {
        "@acme": "11", "acme@far.example": "12", "nobody": "",
    }  # fmt: skip


@pytest.mark.parametrize("answer", [403, 404, 410, 422, 451, 500, 503])
def test_one_closed_place_stops_no_other(server: FakeServer, fake: FakeMastodon, answer: int) -> None:
    """A tag that is hidden, a search that the token may not use: the rest is read, and the closed one is named."""
    fake.tags["acme"] = [status(ago(1), "acme is late")]
    closed = {"closed": True}

    def hidden(_: Any) -> Reply:
        return Reply(answer, json={"error": "no"}) if closed["closed"] else Reply(json=[status(ago(2), "here", 2)])

    server.route("/api/v1/timelines/tag/hidden", hidden)
    connector = reader(server, tags=("acme", "hidden"))
    cursor = ""
    for turn in range(2):
        batches = walk(connector, again(FIRST, cursor, timedelta(minutes=5 * turn)))
        assert len(ids(batches)) == 1
        cursor = batches[-1].cursor
    asked = len([seen for seen in server.ledger if seen.path.endswith("/hidden")])
    assert any("hidden" in notice or str(answer) in notice for notice in batches[-1].notices)
    assert asked == (1 if answer < 500 else 2)
    closed["closed"] = False
    batches = walk(connector, again(FIRST, cursor, timedelta(hours=26)))
    assert status_id(ago(2), 2) in ids(batches), "a day later it is asked again, from where it was left"
    assert any("working again" in notice for batch in batches for notice in batch.notices)


def test_where_every_place_fails_it_is_the_source(server: FakeServer, fake: FakeMastodon) -> None:
    server.route("/api/v1/timelines/tag/*", Reply(503))
    with pytest.raises(ConnectorError):
        walk(reader(server, tags=("a", "b", "c")), FIRST)
    server.route("/api/v1/timelines/tag/*", Reply(404, json={}))
    with pytest.raises(Closed):
        walk(reader(server, tags=("a", "b", "c")), FIRST)


def test_a_server_that_shows_ever_more_is_given_up_with_a_gap(server: FakeServer) -> None:
    def endless(seen: Any) -> Reply:
        newest = int(seen.one("max_id", status_id(ago(1)))) - 1
        return Reply(json=[{**status(ago(1), "acme"), "id": str(newest)}])

    server.route("/api/v1/timelines/tag/acme", endless)
    batch = reader(server, tags=("acme",)).fetch(FIRST)
    state = Walk.load(batch.cursor)
    state.turns = MOST_TURNS
    batch = reader(server, tags=("acme",)).fetch(again(FIRST, state.dump()))
    assert batch.complete
    assert [gap.reason for gap in batch.gaps] == [f"127.0.0.1 always has another page; {MOST_TURNS} were read"]


@pytest.mark.parametrize("left_out", [{"visibility": "direct"}, {"reblog": {"id": "1"}}])
def test_a_walk_ends_at_its_floor_whatever_kind_of_posts_are_there(
    server: FakeServer, fake: FakeMastodon, left_out: dict[str, Any]
) -> None:
    """A brand that answers in private messages had all of them paged through, back to its first, at each read."""
    private = [status(ago(minutes), "@ada hello", **left_out) for minutes in range(2_000, 9_000, 20)]
    fake.accounts["acme"] = ("9", [status(ago(5), "@ada sorry"), *private])
    found = walk_own(reader(server), ("acme",), FIRST)
    assert len([post for batch in found for post in batch.posts]) == 1
    assert len(found) == 1


def test_a_link_in_a_reply_counts_for_23_and_what_follows_it_without_a_blank_for_itself() -> None:
    with FakeServer() as server:
        writer = reply_mastodon.CONTRACT.make(server, 20)
        assert writer.length(f"See https://acme.example/help?id=1{'あ' * 10}") == 37
