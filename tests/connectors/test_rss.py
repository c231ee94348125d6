"""Feeds: what an entry becomes, one bad feed beside good ones, and feeds made to hurt."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote

import pytest
from pydantic import SecretStr, ValidationError

from connectors import Batch, Closed, ConnectorError, Nonsense, RateLimited, Refused
from connectors.http import Http
from connectors.rss.connector import Rss, Settings
from connectors.rss.parsing import MOST_ENTRIES, read_feed
from tests.connectors.contract_rss import feed, item, served
from tests.connectors.contracts import CANARY, NOW, again, first_request, walk
from tests.fakes.server import FakeServer, Reply

REAL_FEEDS = Path(__file__).parents[3] / "shared" / "data" / "feeds"


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as running:
        yield running


def reader(
    server: FakeServer, *paths: str, parse_seconds: float = 10.0, start_seconds: float = 5.0, **options: Any
) -> Rss:
    settings = Settings(feeds=tuple(server.url + path for path in paths), api_url=server.url, **options)
    http = Http(trusted=[server.host], total_seconds=3.0)
    return Rss(settings, http, parse_seconds=parse_seconds, start_seconds=start_seconds)


def only(batch: Batch) -> Any:
    (post,) = batch.posts
    return post


def test_an_entry_becomes_a_post(server: FakeServer) -> None:
    server.route("/a", served(feed(item(9, extra="<dc:creator>Ann Ames</dc:creator>"))))
    post = only(reader(server, "/a").fetch(first_request("news")))
    assert (post.title, post.text) == ("Acme & parcel 9", "Acme lost my order & this page is empty.\n\nNo 9")
    assert (post.native_id, post.url) == ("https://example.org/entry/9", "https://example.org/9")
    assert (post.author, post.lang) == ("Ann Ames", "en")
    assert post.posted_at == datetime(2026, 11, 20, 9, tzinfo=UTC)
    assert post.edited_at is None
    assert json.loads(post.raw)["id"] == post.native_id


def test_an_atom_entry_becomes_a_post_with_its_time_of_edit(server: FakeServer) -> None:
    server.route(
        "/a",
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>Shop talk</title><entry><id>tag:e.org,2026:1</id>'
        "<title type='html'>It &lt;b&gt;broke&lt;/b&gt;</title><link href='/posts/1'/>"
        "<author><name>/u/ann</name></author>"
        "<published>2026-11-20T08:00:00+02:00</published><updated>2026-11-20T09:30:00Z</updated>"
        "<summary>short</summary><content type='html'>the &lt;i&gt;long&lt;/i&gt; story</content></entry></feed>",
    )
    post = only(reader(server, "/a").fetch(first_request("news")))
    assert (post.title, post.text, post.author) == ("It broke", "the long story", "ann")
    assert post.url == f"{server.url}/posts/1"
    assert post.posted_at == datetime(2026, 11, 20, 6, tzinfo=UTC)
    assert post.edited_at == datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


def test_an_entry_without_author_is_the_sites_and_without_date_is_of_now(server: FakeServer) -> None:
    bare = "<item><title>Acme down</title><link>https://example.org/x</link></item>"
    server.route("/a", served(feed(bare, title="Parcel & Post")))
    post = only(reader(server, "/a").fetch(first_request("news")))
    assert (post.author, post.posted_at, post.text) == ("Parcel & Post", NOW, "Acme down")


def test_an_entry_without_guid_keeps_one_key_over_all_reads(server: FakeServer) -> None:
    bare = "<item><title>Acme down</title><link>https://example.org/x</link><pubDate>{}</pubDate></item>"
    dated = bare.format("Fri, 20 Nov 2026 09:00:00 GMT")
    server.route("/a", [served(feed(dated), '"1"'), served(feed(item(1), dated), '"2"')])
    first = reader(server, "/a").fetch(first_request("news"))
    second = reader(server, "/a").fetch(again(first_request("news"), first.cursor, timedelta(hours=1)))
    assert only(first).native_id in {post.native_id for post in second.posts}
    assert len({post.native_id for post in second.posts}) == 2


def test_entries_that_all_carry_one_guid_are_told_apart(server: FakeServer) -> None:
    server.route("/a", served(feed(*(item(number, guid="the-same-for-all-of-them") for number in range(1, 4)))))
    batch = reader(server, "/a").fetch(first_request("news"))
    assert len({post.native_id for post in batch.posts}) == 3


def test_a_short_guid_is_only_its_own_sites(server: FakeServer) -> None:
    server.route("/a", served(feed(item(1, guid="17"))))
    assert only(reader(server, "/a").fetch(first_request("news"))).native_id == "127.0.0.1:17"


@pytest.mark.parametrize("link", ["javascript:alert(1)", "file:///etc/passwd", "data:text/html,x"])
def test_a_link_that_is_no_web_address_is_not_passed_on(server: FakeServer, link: str) -> None:
    server.route("/a", served(feed(item(1, link=link, guid="no-link-of-any-kind-in-here"))))
    assert only(reader(server, "/a").fetch(first_request("news"))).url == "https://example.org/"


def test_history_before_the_first_look_back_stays_out_for_good(server: FakeServer) -> None:
    """A feed shows old entries at every read: they must not come in as news one poll later."""
    old = item(1, date="Mon, 02 Nov 2026 09:00:00 GMT")
    server.route("/a", [served(feed(old, item(2)), '"1"'), served(feed(old, item(2), item(3)), '"2"')])
    first = reader(server, "/a").fetch(first_request("news"))
    second = reader(server, "/a").fetch(again(first_request("news"), first.cursor, timedelta(days=3)))
    assert {post.native_id[-1] for post in first.posts} == {"2"}
    assert {post.native_id[-1] for post in second.posts} == {"2", "3"}


def test_an_unchanged_feed_is_not_sent_again_and_not_parsed_again(server: FakeServer) -> None:
    def answer(seen: Any) -> Reply:
        if seen.headers.get("if-none-match") == '"one"':
            return Reply(304)
        return served(feed(item(1)))

    server.route("/a", answer)
    first = reader(server, "/a").fetch(first_request("news"))
    second = reader(server, "/a").fetch(again(first_request("news"), first.cursor, timedelta(minutes=5)))
    assert (len(first.posts), len(second.posts), second.complete) == (1, 0, True)
    assert server.ledger[1].headers["if-none-match"] == '"one"'


def test_a_feed_is_read_whole_every_six_hours_whatever_its_etag_says(server: FakeServer) -> None:
    """Some servers keep the ETag although the content changed."""
    server.route("/a", lambda seen: Reply(304) if "if-none-match" in seen.headers else served(feed(item(1))))
    cursor = reader(server, "/a").fetch(first_request("news")).cursor
    later = reader(server, "/a").fetch(again(first_request("news"), cursor, timedelta(hours=7)))
    assert len(later.posts) == 1


def test_not_modified_without_having_asked_is_nonsense(server: FakeServer) -> None:
    server.route("/a", Reply(304))
    with pytest.raises(Nonsense):
        reader(server, "/a").fetch(first_request("news"))


def test_one_failing_feed_never_hides_the_others(server: FakeServer) -> None:
    """It is told once while it fails, and once when it is back."""
    server.route("/a", [Reply(500), Reply(500), served(feed(item(1)))])
    server.route("/b", served(feed(item(2))))
    server.route("/c", [served(feed(item(3)), '"1"'), served(feed(item(3), item(4)), '"2"')])
    request = first_request("news")
    told, seen = [], set()
    for hours in range(3):
        batches = walk(reader(server, "/a", "/b", "/c"), request)
        told.append([notice for batch in batches for notice in batch.notices])
        seen |= {post.native_id[-1] for batch in batches for post in batch.posts}
        request = again(request, batches[-1].cursor, timedelta(hours=hours + 1))
    assert seen == {"1", "2", "3", "4"}
    assert [len(notices) for notices in told] == [1, 0, 1]
    assert "500" in told[0][0]
    assert "readable again" in told[2][0]


def test_a_feed_that_comes_and_goes_is_told_once_a_day(server: FakeServer) -> None:
    """Down at 0, up at 1, down from 2 on: told at 0 and 1, and again when the day is over; the return is told too."""
    down, up = Reply(500), served(feed(item(1)))
    server.route("/a", [down, up, down, down, up])
    server.route("/b", served(feed(item(2))))
    request, told = first_request("news"), []
    for hours in (0, 1, 2, 25, 26):
        request = again(first_request("news"), request.cursor, timedelta(hours=hours))
        batches = walk(reader(server, "/a", "/b"), request)
        told.append([notice for batch in batches for notice in batch.notices])
        request = again(request, batches[-1].cursor)
    assert [len(each) for each in told] == [1, 1, 0, 1, 1]
    assert told[0] == told[3]
    assert told[1] != told[4], "each return says when it was"


def test_when_every_feed_fails_the_source_fails(server: FakeServer) -> None:
    server.route("/a", Reply(410))
    server.route("/b", Reply(500))
    with pytest.raises(ConnectorError) as caught:
        walk(reader(server, "/b", "/a"), first_request("news"))
    assert not isinstance(caught.value, Refused), "one of them may come back by itself"


def test_feeds_that_failed_together_are_all_asked_again_later(server: FakeServer) -> None:
    """The cursor of a walk in which nothing could be read must not keep its first feeds from being tried again."""
    server.mode = "500"
    first = reader(server, "/a", "/b").fetch(first_request("news"))
    with pytest.raises(ConnectorError):
        reader(server, "/a", "/b").fetch(again(first_request("news"), first.cursor))
    server.mode = "ok"
    server.route("/a", served(feed(item(1))))
    server.route("/b", Reply(500))
    back = walk(reader(server, "/a", "/b"), again(first_request("news"), first.cursor, timedelta(minutes=10)))
    assert [post.native_id[-1] for batch in back for post in batch.posts] == ["1"]


def test_a_feed_that_is_gone_is_refused_with_what_to_do_and_not_hammered(server: FakeServer) -> None:
    server.route("/a", Reply(410))
    with pytest.raises(Refused, match="gone for good") as caught:
        reader(server, "/a").fetch(first_request("news"))
    assert "address" in caught.value.remedy
    server.route("/b", served(feed(item(1))))
    request = first_request("news")
    for hours in (1, 2, 3):
        request = again(request, walk(reader(server, "/a", "/b"), request)[-1].cursor, timedelta(hours=hours))
    assert server.paths().count("/a") == 2


def test_a_feed_that_is_not_found_may_come_back(server: FakeServer) -> None:
    with pytest.raises(ConnectorError) as caught:
        reader(server, "/nowhere").fetch(first_request("news"))
    assert type(caught.value) is ConnectorError


def test_a_feed_that_moved_is_followed(server: FakeServer) -> None:
    server.route("/a", Reply(301, headers={"Location": "/new"}))
    server.route("/new", served(feed(item(1))))
    assert len(reader(server, "/a").fetch(first_request("news")).posts) == 1


def test_a_feed_that_asks_for_patience_is_left_alone_while_others_are_read(server: FakeServer) -> None:
    server.route("/a", Reply(429, headers={"Retry-After": "600"}))
    server.route("/b", served(feed(item(1))))
    batches = walk(reader(server, "/a", "/b"), first_request("news"))
    soon = again(first_request("news"), batches[-1].cursor, timedelta(minutes=-1))
    walk(reader(server, "/a", "/b"), soon)
    assert server.paths() == ["/a", "/b", "/b"]


def test_a_single_limited_feed_says_until_when(server: FakeServer) -> None:
    server.route("/a", Reply(429, headers={"Retry-After": "60"}))
    with pytest.raises(RateLimited) as caught:
        reader(server, "/a").fetch(first_request("news"))
    assert caught.value.retry_at == NOW + timedelta(seconds=60)


def test_google_news_is_asked_for_the_brands_words(server: FakeServer) -> None:
    server.route("/rss/search", served(feed(item(1, extra="<source url='https://p.example'>The Post</source>"))))
    post = only(reader(server, google_news=True).fetch(first_request("news", ("Acme", "Acme Post"))))
    (asked,) = server.ledger
    assert asked.one("q") == '("acme post" OR acme) when:1d'
    assert (asked.one("hl"), asked.one("gl"), asked.one("ceid")) == ("en-US", "US", "US:en")
    assert post.author == "The Post"


def test_searches_of_ones_own_are_asked_as_they_are(server: FakeServer) -> None:
    server.route("/rss/search", served(feed(item(1))))
    walk(reader(server, google_news=("acme outage", "acme strike"), hl="de", gl="DE", ceid="DE:de"), first_request("n"))
    assert [(seen.one("q"), seen.one("ceid")) for seen in server.ledger] == [
        ("acme outage", "DE:de"),
        ("acme strike", "DE:de"),
    ]


def test_the_token_of_a_personal_feed_stays_out_of_everything(server: FakeServer) -> None:
    relative = item(1, link="https://example.org/1") + item(2, link="#top")
    server.route("/.rss", served(feed(relative)))
    secret = SecretStr(f"{server.url}/.rss?feed={CANARY}")
    batch = reader(server, reddit_feed=secret).fetch(first_request("news"))
    assert parse_qs(f"feed={server.ledger[0].one('feed')}") == {"feed": [CANARY]}
    assert len(batch.posts) == 2
    assert CANARY not in repr(batch)
    server.mode = "500"
    with pytest.raises(ConnectorError) as caught:
        reader(server, reddit_feed=secret).fetch(first_request("news"))
    assert CANARY not in caught.value.message + caught.value.remedy


@pytest.mark.parametrize("answer", [Reply(403), Reply(404), Reply(410), Reply(200, body="<html>Log in</html>")])
def test_where_reddit_ended_its_feeds_that_is_said_and_the_others_are_read(server: FakeServer, answer: Reply) -> None:
    server.route("/.rss", answer)
    server.route("/a", served(feed(item(1))))
    secret = SecretStr(f"{server.url}/.rss?feed=x")
    batches = walk(reader(server, "/a", reddit_feed=secret), first_request("news"))
    assert [len(batch.posts) for batch in batches] == [1, 0]
    assert "Reddit ended its feeds on 13 November 2026" in batches[1].notices[0]
    with pytest.raises(Closed) as caught:  # asked again once a day, in case that it comes back
        reader(server, reddit_feed=secret).fetch(first_request("news"))
    assert "docs/connect-reddit.md" in caught.value.remedy


def test_a_google_alert_leads_to_the_page_itself(server: FakeServer) -> None:
    there = "https://www.reddit.com/r/shops/comments/1abc/acme/?x=1&y=2"
    detour = f"https://www.google.com/url?rct=j&sa=t&url={quote(there, safe='')}&ct=ga&cd=CAIyGg"
    server.route("/a", served(feed(item(1, link=detour), item(2, link="https://www.google.com/url?rct=j"))))
    posts = reader(server, "/a").fetch(first_request("news")).posts
    assert [post.url for post in posts] == [there, "https://example.org/"]


@pytest.mark.parametrize(
    "options",
    [{"google_news": False}, {"feeds": ("file:///etc/passwd",)}, {"feeds": ("/etc/passwd",)}, {"feeds": ("ftp://e.org/f",)},
     {"feeds": ("javascript:alert(1)",)}, {"reddit_feed": "reddit.com/.rss"}, {"feeds": ("https://e.org/",), "x": 1}],
)  # fmt: skip
def test_settings_that_cannot_work_are_refused_before_anything_is_read(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings(**options)


# ── feeds made to hurt ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_feed_that_holds_the_parser_is_cut_and_the_others_go_on(server: FakeServer) -> None:
    """128 kB of author takes feedparser's pattern for e-mail addresses over a minute."""
    server.route("/a", served(feed(item(1, extra=f"<author>{'a' * 128_000}</author>"))))
    server.route("/b", served(feed(item(2))))
    batches = walk(reader(server, "/a", "/b", parse_seconds=1.0), first_request("news"))
    assert [post.native_id[-1] for batch in batches for post in batch.posts] == ["2"]
    assert "takes too long" in batches[0].notices[0]


def test_a_feed_that_our_own_machine_did_not_get_to_is_not_called_hostile(
    server: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The child gets no time on the processor: it sleeps."""
    asleep = tmp_path / "asleep"
    asleep.write_text("#!/bin/sh\nexec sleep 60\n")
    asleep.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(asleep))
    server.route("/a", served(feed(item(1))))
    with pytest.raises(ConnectorError) as caught:
        reader(server, "/a", parse_seconds=1.0, start_seconds=0.1).fetch(first_request("news"))
    assert "this machine is too busy" in caught.value.message
    assert "hostile" not in caught.value.message + caught.value.remedy


def test_entities_that_multiply_are_harmless(server: FakeServer) -> None:
    lines = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY l0 "ha">{lines}]>'
    document = feed(item(1), "<item><title>&l9;</title><guid>https://example.org/entry/2</guid></item>")
    server.route("/a", served(bomb + document.partition("?>")[2]))
    batch = reader(server, "/a").fetch(first_request("news"))
    assert sum(len(post.text) + len(post.title) for post in batch.posts) < 1_000_000


def test_entities_from_outside_are_neither_read_nor_fetched(server: FakeServer, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(CANARY)
    outside = (
        '<?xml version="1.0"?><!DOCTYPE rss ['
        f'<!ENTITY f SYSTEM "file://{tmp_path}/secret"><!ENTITY h SYSTEM "{server.url}/leak">]>'
    )
    document = feed("<item><title>Acme &f; &h;</title><guid>https://example.org/entry/2</guid></item>", item(1))
    server.route("/a", served(outside + document.partition("?>")[2]))
    assert CANARY not in repr(reader(server, "/a").fetch(first_request("news")))
    assert server.paths() == ["/a"]


def test_of_6_000_entries_the_newest_2_000_are_read(server: FakeServer) -> None:
    items = (
        f"<item><guid>https://e.org/{n}</guid><title>n{n}</title>"
        f"<pubDate>{(NOW - timedelta(seconds=6_000 - n)).strftime('%a, %d %b %Y %H:%M:%S GMT')}</pubDate></item>"
        for n in range(6_000)
    )
    server.route("/a", served(feed(*items)))
    batch = reader(server, "/a", parse_seconds=20.0).fetch(first_request("news"))
    assert len(batch.posts) == MOST_ENTRIES
    assert {post.native_id for post in batch.posts} == {f"https://e.org/{n}" for n in range(4_000, 6_000)}


def test_more_than_five_megabytes_are_not_read(server: FakeServer) -> None:
    server.route("/a", served(feed(item(1, text="x" * 6_000_000))))
    with pytest.raises(Nonsense, match="more than 5,000,000 bytes"):
        reader(server, "/a").fetch(first_request("news"))


def test_hostile_words_arrive_as_plain_words(server: FakeServer) -> None:
    words = "<script>alert(1)</script>Acme <img src=x onerror=alert(1)>&lt;!channel&gt; \u2028 end"
    server.route("/a", served(feed(item(1, title="<b>Acme</b>\u2028Bcc: x", text=words), title="<!channel>\u0085")))
    post = only(reader(server, "/a").fetch(first_request("news")))
    assert "alert" not in post.text
    assert post.text.startswith("Acme <!channel>")
    assert "\n" not in post.title + post.author


@pytest.mark.parametrize(
    ("encoding", "declared", "words", "read"),
    [
        ("utf-16", "utf-16", "Päckchen 包裹 weg", "Päckchen 包裹 weg"),
        ("windows-1251", "windows-1251", "Посылка потеряна", "Посылка потеряна"),
        ("utf-8", "us-ascii", "Päckchen 包裹 weg", "Päckchen 包裹 weg"),
        ("latin-1", "utf-8", "Päckchen weg", "Päckchen weg"),
        ("utf-8-sig", "utf-8", "Päckchen weg", "Päckchen weg"),
    ],
)
def test_odd_encodings_are_readable(server: FakeServer, encoding: str, declared: str, words: str, read: str) -> None:
    """Whatever the document says of itself."""
    document = feed(item(1, text=words)).replace("utf-8", declared)
    server.route("/a", Reply(body=document.encode(encoding), headers={"Content-Type": "text/xml"}))
    assert only(reader(server, "/a").fetch(first_request("news"))).text == read


@pytest.mark.parametrize(
    "body",
    ["<html><body>Sign in</body></html>", "[]", '{"errors": []}', "just words", "<?xml version='1.0'?>", "\x00" * 99],
)
def test_what_is_no_feed_is_nonsense_not_silence(server: FakeServer, body: str) -> None:
    server.route("/a", Reply(body=body))
    with pytest.raises(Nonsense):
        reader(server, "/a").fetch(first_request("news"))


@pytest.mark.parametrize("many", [1, 2])
def test_a_feed_of_a_few_empty_entries_is_read(server: FakeServer, many: int) -> None:
    """Whoever deleted the words of their only entry has a feed that works all the same."""
    server.route("/a", served(feed(*["<item><guid>https://example.org/1</guid></item>"] * many)))
    batch = reader(server, "/a").fetch(first_request("news"))
    assert (batch.complete, len(batch.posts), len(batch.aside), batch.notices) == (True, 0, many, ())


def test_an_empty_feed_is_no_news(server: FakeServer) -> None:
    server.route("/a", served(feed()))
    batch = reader(server, "/a").fetch(first_request("news"))
    assert (batch.posts, batch.complete) == ((), True)


@pytest.mark.parametrize(
    "cursor", ["nonsense", "[]", "{}", '{"feeds": 1}', '{"feeds": {}, "walk": {"todo": 7}}', "null"]
)
def test_a_cursor_that_cannot_be_read_counts_as_none(server: FakeServer, cursor: str) -> None:
    server.route("/a", served(feed(item(1))))
    assert len(reader(server, "/a").fetch(again(first_request("news"), cursor)).posts) == 1


@pytest.mark.shared_data
def test_real_and_broken_feeds_never_stop_the_reader() -> None:
    """Malformed feeds, odd encodings, script in feeds: at least 97 in 100 are read as feeds, and none raises."""
    files = sorted(REAL_FEEDS.rglob("*.xml"))
    if not files:
        pytest.skip(f"no feeds at {REAL_FEEDS}")
    read = 0
    for file in files:
        document = read_feed(file.read_bytes(), "https://example.org/feed", "")
        json.dumps(document)
        read += bool(document["entries"] or document["version"])
    assert read / len(files) > 0.97
