"""What a feed's entries become: whose words they are, when they were written, and which of them are one post."""

# ruff: noqa: E501 (what one site writes stays in one line)

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors import ConnectorError, Nonsense, Post, Refused
from connectors.http import Http
from connectors.rss.connector import Rss, Settings
from connectors.rss.entries import posts_of
from connectors.rss.identity import Memory
from connectors.rss.parsing import read_feed
from connectors.rss.wording import title_of, words_of
from tests.connectors.contract_rss import feed, item, served
from tests.connectors.contracts import NOW, first_request, walk
from tests.fakes.server import FakeServer, Reply

HOME = "https://home.example"
AT = "Fri, 20 Nov 2026 08:00:00 GMT"


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as running:
        yield running


def reader(server: FakeServer, *paths: str) -> Rss:
    settings = Settings(feeds=tuple(server.url + path for path in paths or ("/a",)), api_url=server.url)
    return Rss(settings, Http(trusted=[server.host], total_seconds=3.0))


def over_time(*documents: str) -> dict[str, list[Post]]:
    """Each document is what the feed shows at one reading: the posts by their ids. In this process, since it is quicker."""
    memory, found = Memory(), dict[str, list[Post]]()
    for document in documents:
        read = read_feed(document.encode(), f"{HOME}/feeds/a.xml", "application/xml")
        memory = Memory.load(json.loads(json.dumps(memory.dump())))
        for post in posts_of(read, "key", f"{HOME}/feeds/a.xml", memory, (), first_request("news")).posts:
            found.setdefault(post.native_id, []).append(post)
    return found


def entry(title: str, words: str = "", *, guid: str = "", link: str = "", date: str = AT, author: str = "") -> str:
    fields = {"title": title, "description": words, "guid": guid, "link": link, "pubDate": date, "dc:creator": author}
    return "<item>" + "".join(f"<{key}>{value}</{key}>" for key, value in fields.items() if value) + "</item>"


def at(minute: int) -> str:
    return f"Fri, 20 Nov 2026 07:{minute:02}:00 GMT"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("&#xD83D;&#xDE00;", "\U0001f600"),
        ("&#55357;&#56832;&#xd83d;&#xde01;", "\U0001f600\U0001f601"),
        ("&#xD83D;", "\ufffd"),
        ("&#xDE00;&#xD83D;x", "\ufffd\ufffdx"),
        ("&#55296; &#57343;", "\ufffd \ufffd"),
        ("&#x110000; &#99999999999999;", "\ufffd \ufffd"),
        ("&#65;&#x42;&#8217;", "AB\u2019"),
    ],
)
def test_a_number_that_no_character_has_costs_no_entry(written: str, read: str) -> None:
    """One emoji that a program had written as two halves took all of its feed along, for as long as it stood there."""
    found = over_time(feed(entry(f"Acme {written} first", "words"), entry("Acme second", "words")))
    assert sorted(each.title for (each,) in found.values()) == sorted([f"Acme {read} first", "Acme second"])


# ── which entries are one post ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("all_at_once", [True, False])
@pytest.mark.parametrize("guid", ["https://talk.example/board/feed-item", "item", "tag:talk.example,2026:constant"])
def test_a_guid_that_all_entries_share_is_no_id(guid: str, all_at_once: bool) -> None:
    """Whether the feed shows them beside each other or only the newest: three complaints are three posts."""
    entries = [
        entry(
            f"Acme kettle {n} leaks",
            f"kettle {n} leaks, I want a refund",
            guid=guid,
            link=f"https://e.org/p/{n}",
            date=at(n),
        )
        for n in range(3)
    ]
    shown = [feed(*reversed(entries[: n + 1])) if all_at_once else feed(entries[n]) for n in range(3)]
    found = over_time(*shown, shown[-1].replace("Parcel News", "Parcel News again"))
    assert sorted(posts[-1].title for posts in found.values()) == [f"Acme kettle {n} leaks" for n in range(3)]


def test_entries_of_one_day_under_one_guid_are_apart_even_without_links() -> None:
    entries = [entry(f"Kettle {n}", f"it leaks, says number {n}", guid="https://e.org/board") for n in range(3)]
    assert len(over_time(feed(*entries))) == 3
    assert len(over_time(*(feed(each) for each in entries))) == 3
    assert len(over_time(feed(*entries), feed(*entries[1:]), feed(*entries))) == 3


def test_of_two_new_entries_only_one_can_be_the_one_that_has_left() -> None:
    """And a link that several entries have makes none of them another."""
    title = "Acme kettle for everybody"
    named = [
        entry(title, f"words of number {n}", guid=f"g-{n}", link=f"https://e.org/k?id={n}", date=at(7))
        for n in range(3)
    ]
    assert len(over_time(feed(named[0]), feed(named[1], named[2]))) == 2
    reviews = [entry("A kettle for everybody", guid=f"g-{n}", link=f"https://e.org/r?id={n}") for n in range(3)]
    assert len(over_time(feed(*reviews), feed(*reviews[1:]))) == 3
    listed = [
        entry(f"Review {n}", f"words {n}", guid=f"g-{n}", link="https://e.org/reviews", date=at(n // 2))
        for n in range(3)
    ]
    assert len(over_time(feed(listed[0], listed[2]), feed(listed[1], listed[2]))) == 3


def test_an_entry_under_a_guid_of_many_may_be_corrected() -> None:
    one, two = (
        entry(f"Kettle {n}", f"leaks, says {n}", guid="g", link=f"https://e.org/{n}", date=at(n)) for n in (1, 2)
    )
    assert len(over_time(feed(one, two), feed(one.replace("Kettle", "Kettles"), two), feed(one, two))) == 2


def test_replies_under_the_guid_of_their_thread_are_their_writers_own() -> None:
    replies = [
        entry(
            "Re: Acme kettle",
            words,
            guid="https://e.org/thread/7",
            link="https://e.org/thread/7",
            date=at(n),
            author=who,
        )
        for n, (who, words) in enumerate([("ana", "mine leaks"), ("bo", "mine burns"), ("ana", "and no refund")])
    ]
    found = over_time(*(feed(reply) for reply in replies))
    assert [(post.author, post.text) for posts in found.values() for post in posts] == [
        ("ana", "mine leaks"), ("bo", "mine burns"), ("ana", "and no refund"),
    ]  # fmt: skip


def test_reviews_without_ids_of_one_day_under_one_link_are_all_heard() -> None:
    reviews = [
        entry("Bad", words, link="https://e.org/reviews", author=who)
        for who, words in [("ana", "it leaks"), ("bo", "it burns"), ("cy", "it leaks")]
    ]
    found = over_time(feed(*reviews), feed(*reviews, entry("Good", "fine", link="https://e.org/reviews")))
    assert sorted(posts[0].author for posts in found.values()) == ["Parcel News", "ana", "bo", "cy"]


@pytest.mark.parametrize(
    ("first", "then"),
    [
        # another guid and another link at each request, as news searches give
        ({"guid": "CBMiA1", "link": "https://n.org/a/CBMiA1?oc=5"}, {"guid": "CBMiB2", "link": "https://n.org/a/CBMiB2?oc=5"}),
        # no guid: the title is corrected
        ({"link": "https://n.org/a/1"}, {"link": "https://n.org/a/1", "title": "Acme recalls 40,000 kettles after three fires"}),
        # no guid: the link has another session in it
        ({"link": "https://n.org/a/2?sid=000"}, {"link": "https://n.org/a/2?sid=111"}),
        ({"link": "https://n.org/a/2;jsessionid=0A"}, {"link": "https://n.org/a/2;jsessionid=0B"}),
        # no guid: the title is corrected, and the time with it
        ({"link": "https://n.org/a/2"}, {"link": "https://n.org/a/2", "title": "Acme calls kettles back", "date": at(59)}),
        # a guid made of the headline
        ({"guid": "n.org/3-five", "link": "https://n.org/3"}, {"guid": "n.org/3-six", "link": "https://n.org/3", "title": "Six"}),
        # one guid: words corrected, then the time moved too
        ({"guid": "tag:n.org,2026:4"}, {"guid": "tag:n.org,2026:4", "words": "other words, with more in them"}),
        ({"guid": "tag:n.org,2026:5", "link": "https://n.org/5"}, {"guid": "tag:n.org,2026:5", "link": "https://n.org/5", "date": at(59)}),
        # one guid, one moment: everything else is corrected
        ({"guid": "x-7", "date": at(7)}, {"guid": "x-7", "date": at(7), "title": "Acme calls back", "words": "all of them"}),
        # a new guid at each request, and nothing else changes, not even a date
        ({"guid": "a-1", "link": "https://n.org/6", "date": ""}, {"guid": "b-2", "link": "https://n.org/6", "date": ""}),
    ],
)  # fmt: skip
def test_one_article_under_many_guids_is_one_post(first: Any, then: Any) -> None:
    usual = {"title": "Acme recalls 40,000 kettles after fires", "words": "the kettles burn, and nobody answers"}
    found = over_time(
        feed(entry(**{**usual, **first})), feed(entry(**{**usual, **then})), feed(entry(**{**usual, **first}))
    )
    assert len(found) == 1


def test_an_article_that_stands_in_two_feeds_is_one_post(server: FakeServer) -> None:
    words = "the kettles burn, and nobody answers"
    server.route("/a", served(feed(entry("Acme recalls kettles", words, guid="a-1", link="https://n.org/1"))))
    server.route(
        "/b", served(feed(entry("Acme recalls kettles", words, guid="b-9", link="https://n.org/1?utm_source=rss")))
    )
    batches = walk(reader(server, "/a", "/b"), first_request("news"))
    assert len({post.native_id for batch in batches for post in batch.posts}) == 1


def test_people_who_write_the_same_are_not_one() -> None:
    """Ids of their own in one reading are the site's own word that these are two."""
    same = [entry("Great", "works", guid=f"https://e.org/r/{n}", link=f"https://e.org/r/{n}") for n in range(4)]
    assert len(over_time(feed(*same), feed(*same[2:]))) == 4


def test_the_cursor_holds_no_words(server: FakeServer) -> None:
    """What is erased from the store must not live on in a cursor."""
    server.route(
        "/a", served(feed(entry("Acme kettle leaks", "my street is Elm 7", guid="x" * 30, author="Zoë Zander")))
    )
    cursor = reader(server).fetch(first_request("news")).cursor
    assert not any(word in cursor for word in ("kettle", "Elm", "Zander"))


# ── when they were written ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "written",
    ["2026/11/20 08:00:00", "2026/11/20 8:00", "Fr, 20 Nov 2026 08:00:00", "20.11.2026 08:00", "November 20, 2026 8:00 AM",
     "Fri, 20 Nov 26 08:00:00 +0000", "2026-11-20 08:00:00 UTC", "20/11/2026 08:00", "11/20/2026 08:00 AM", "1795161600",
     "2026年11月20日 8:00", "Fri, 20 Nov 2026 09:00:00 CET", "20 ноября 2026, 08:00"],
)  # fmt: skip
def test_a_feeds_dates_are_read_in_the_shapes_that_feeds_have(written: str) -> None:
    (posts,) = over_time(feed(entry("Acme", "leaks", date=written))).values()
    assert posts[0].posted_at == datetime(2026, 11, 20, 8, tzinfo=UTC)


def test_the_dates_of_one_feed_are_read_in_one_order() -> None:
    found = over_time(feed(*(entry(f"Acme {day}", "x", date=f"11/{day}/2026 07:00") for day in ("09", "12", "20"))))
    assert sorted(posts[0].posted_at.day for posts in found.values()) == [9, 12, 20]
    found = over_time(feed(entry("Acme", "x", date="03/11/2026"), entry("Acme 2", "x", date="11/18/2026")))
    assert sorted(posts[0].posted_at.month for posts in found.values()) == [3, 11]
    late = over_time(feed(entry("Acme", "x", date="11/20/2026"), entry("Acme 2", "x", date="11/19/2026")))
    assert sorted(posts[0].posted_at.day for posts in late.values()) == [19, 20]


def test_a_date_that_cannot_be_read_loses_nobody_and_is_told(server: FakeServer) -> None:
    server.route("/a", served(feed(entry("Acme kettle leaks", date="the other day"))))
    batch = reader(server).fetch(first_request("news"))
    assert [post.posted_at for post in batch.posts] == [NOW]
    assert "unreadable dates" in batch.notices[0]


# ── whose words they are ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("<p>lamp dead</p><p>3 posts - 2 participants</p><p><a href='https://f.example/t/9/1'>Read full topic</a></p>", "lamp dead"),
        ("<p>kaputt</p><p>1 Beitrag - 1 Teilnehmer</p><p><a href='https://f.example/t/9'>Vollständiges Thema lesen</a></p>", "kaputt"),
        ("<p>died</p><p>The post <a href='x'>Acme update bricked my lamp</a> appeared first on <a href='y'>Acme Fans</a>.</p>", "died"),
        ("<p>tot</p><p>Der Beitrag <a>Acme update bricked my lamp</a> erschien zuerst auf <a>Acme Fans</a>.</p>", "tot"),
        ("<p>x</p><p>Zzz Acme update bricked my lamp zzz Kettle Forum zz.</p>", "x"),
        ("Refund. &#32; submitted by &#32; <a> /u/acme_x </a> &#32; to &#32; <a> r/c </a> <br/> <span><a>[link]</a></span> &#32; "
         "<span><a>[comments]</a></span>", "Refund."),
        (" &#32; submitted by &#32; <a> /u/acme_x </a> <br/> <span><a>[link]</a></span> &#32; <span><a>[12 comments]</a></span>", ""),
        ("<p>In reply to <a href='#c76'>Acme Fan</a>.</p><p>Mine broke too.</p>", "Mine broke too."),
        ("<p>Article URL: <a>https://a.b/acme</a></p><p>Comments URL: <a>https://n</a></p><p>Points: 1</p><p># Comments: 3</p>", ""),
        ("My lamp… <a href='https://f.example/t/9'>Continue reading <span>Acme</span> →</a>", "My lamp…"),
        ("My lamp broke [&#8230;]", "My lamp broke"),
        ("<p>boo</p><p>Share this:</p><ul><li>Twitter</li><li>Facebook</li></ul>", "boo"),
        ("<p>x</p><hr/><p>Statistics: Posted by <a>acme_fan</a> — Fri Nov 27, 2026</p>", "x"),
        ("submitted by <a href='u'>acme_fan</a> to <a href='c'>acme</a><br>12 points | <a>4 comments</a><br><p>It leaks.</p>", "It leaks."),
        ("acme_fan posted a photo:<br/><img src=x>", ""),
        ("Comments", ""),
        ("<p>boo</p><img src=x alt='Acme kettle in flames'>", "boo\n\nAcme kettle in flames"),
        # people's own words
        ("<p>I keep reading about it.</p><p>Read more reviews before you buy acme</p>", None),
        ("<p>I submitted my claim to acme. Comments?</p>", None),
        ("<p>Two lamps - 2 burns</p>", None),
        ("<p>Kettle Forum helped me, acme did not.</p>", None),
    ],
)  # fmt: skip
def test_what_programs_write_around_a_persons_words_is_dropped_and_nothing_else(
    written: str, words: str | None
) -> None:
    context = {"title": "Acme update bricked my lamp", "site": "Kettle Forum", "link": "https://f.example/t/9"}
    found = words_of(written, publisher="", **context)
    assert found == (words if words is not None else "\n\n".join(re.findall(r"<p>(.*?)</p>", written)))


@pytest.mark.parametrize(
    ("title", "author", "left"),
    [
        ("/u/acme_x on Which stove?", "/u/acme_x", "Which stove?"),
        ("By: Zoë", "Zoë", ""),
        ("Von: Zoë", "Zoë", ""),
        ("Comment on Kettle review by Acme Fan", "Acme Fan", "Kettle review"),
        ("Commentaires sur Bouilloire par Acme", "Acme", "Bouilloire"),
        ("acme_fan commented on issue #1", "acme_fan", "issue #1"),
        ("Acme recalls kettles", "Acme", "Acme recalls kettles"),
        ("Stand by acme", "acme", "Stand by acme"),
        ("Re: Kettle", "Bo", "Re: Kettle"),
    ],
)
def test_a_users_name_in_a_title_is_no_word_of_the_title(title: str, author: str, left: str) -> None:
    assert title_of(title, author, "") == left


def test_the_publishers_name_in_a_news_search_is_no_word() -> None:
    news = entry(
        "Kettles burn - Acme Tribune",
        "&lt;a href='x'>Kettles burn&lt;/a>&amp;nbsp;&lt;font>Acme Tribune&lt;/font>",
        guid="a" * 30,
    )
    document = feed(news.replace("</item>", "<source url='https://t.example'>Acme Tribune</source></item>"))
    (posts,) = over_time(document).values()
    assert (posts[0].title, posts[0].text, posts[0].author) == ("Kettles burn", "Kettles burn", "Acme Tribune")


def test_a_pictures_description_stands_beside_the_words_and_never_in_their_place() -> None:
    described = (
        "<media:content url='https://e.org/a.jpg'><media:description>a burnt lamp</media:description></media:content>"
    )
    for order in ("{0}{1}", "{1}{0}"):
        inside = order.format("<description>Acme broke it</description>", described)
        document = feed(f"<item><guid>tag:e.org,2026:1</guid><title>Look</title>{inside}</item>")
        document = document.replace("<rss ", "<rss xmlns:media='http://search.yahoo.com/mrss/' ")
        (posts,) = over_time(document).values()
        assert set(posts[0].text.split("\n\n")) == {"Acme broke it", "a burnt lamp"}


def test_enclosed_pictures_are_counted_once_each() -> None:
    inside = (
        "<enclosure url='https://e.org/a.jpg' type='image/jpeg' length='1'/>"
        "<media:content url='https://e.org/a.jpg' medium='image'/><media:content url='https://e.org/b' type='image/png'/>"
        "<enclosure url='https://e.org/c.mp4' type='video/mp4' length='1'/>"
        "<enclosure url='https://e.org/d.mp3' type='audio/mpeg' length='1'/>"
    )
    document = feed(f"<item><guid>tag:e.org,2026:1</guid><title>Look</title>{inside}</item>")
    document = document.replace("<rss ", "<rss xmlns:media='http://search.yahoo.com/mrss/' ")
    (posts,) = over_time(document).values()
    assert (posts[0].pictures, posts[0].videos) == (2, 1)


# ── links and stars ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("inside", "url"),
    [
        ("<link>https://e.org/a b</link>", "https://e.org/a%20b"),
        ("<link>\n  https://e.org/a\n</link>", "https://e.org/a"),
        ("<link>/posts/1?a=1&amp;b=2</link>", "{home}/posts/1?a=1&b=2"),
        ("<guid>https://e.org/four</guid>", "https://e.org/four"),
        ("<guid>90000000001</guid>", "https://example.org/"),
        ("<guid>forum-topic-9-of-the-day</guid>", "https://example.org/"),
        ("<guid isPermaLink='false'>https://e.org/five</guid>", "https://e.org/five"),
    ],
)
def test_a_link_leads_to_the_post_and_an_id_that_is_no_address_makes_none(
    server: FakeServer, inside: str, url: str
) -> None:
    (posts,) = over_time(feed(f"<item><title>Acme</title>{inside}</item>")).values()
    assert posts[0].url == url.format(home=HOME)


def test_a_related_link_is_taken_where_there_is_no_better_one() -> None:
    links = (
        "<link rel='self' href='https://e.org/api'/><link rel='related' href='https://e.org/review?id=1&amp;t=a b'/>"
    )
    document = f"<feed xmlns='http://www.w3.org/2005/Atom'><title>R</title><entry><id>90000000001</id><title>Bad</title>{links}</entry></feed>"
    (posts,) = over_time(document).values()
    assert posts[0].url == "https://e.org/review?id=1&t=a%20b"


@pytest.mark.parametrize(
    ("inside", "stars"),
    [
        ("<im:rating>1</im:rating>", 1),
        ("<media:starRating average='1.50' count='1' min='1' max='5'/>", 1.5),
        ("<media:starRating average='4' max='10'/>", 2),
        ("<review:rating>2</review:rating>", 2),
        ("<review:rating>2</review:rating><review:maximum>10</review:maximum>", 1),
        ("<s:ratingValue>3</s:ratingValue><s:bestRating>5</s:bestRating>", 3),
        ("<s:reviewRating><s:ratingValue>8,0</s:ratingValue><s:bestRating>10</s:bestRating></s:reviewRating>", 4),
        ("<rating>2/5</rating>", 2),
        ("<description>★★☆☆☆ Meh</description>", 2),
        ("<description>&lt;span itemprop='ratingValue' content='2'>&lt;/span> bad</description>", 2),
        ("<media:rating>nonadult</media:rating>", None),
        ("<media:rating scheme='urn:simple'>nonadult</media:rating><im:rating>1</im:rating>", 1),
        ("<s:ratingValue content='2'/>", 2),
        ("<description>&lt;meta content='2' itemprop='ratingValue'> bad</description>", 2),
        ("<rating>9</rating>", None),
        ("<im:rating>0</im:rating>", None),
        ("<description>★ news ★</description>", None),
    ],
)  # fmt: skip
def test_the_stars_of_a_review_are_known(inside: str, stars: float | None) -> None:
    spaces = " ".join(f"xmlns:{name}='http://{name}.example/'" for name in ("im", "review", "s"))
    document = feed(f"<item><title>Acme</title><guid>tag:e.org,2026:1</guid>{inside}</item>")
    document = document.replace("<rss ", f"<rss {spaces} xmlns:media='http://search.yahoo.com/mrss/' ")
    (posts,) = over_time(document).values()
    assert posts[0].rating == stars


def test_a_review_that_comes_in_two_dresses_is_read_in_the_plain_one() -> None:
    """And the app's own entry at the head of such a feed is no review."""
    dressed = "&lt;table>&lt;tr>&lt;td>&lt;b>Since the last version&lt;/b>&lt;br/>There is a grey page.&lt;/td>&lt;/tr>&lt;/table>"
    review = (
        "<entry><id>900</id><title>Since the last version</title><content type='text'>There is a grey page.</content>"
        f"<im:rating>1</im:rating><author><name>ana</name></author><content type='html'>{dressed}</content></entry>"
    )
    app = "<entry><id>100</id><title>Acme - Acme Inc.</title><im:price>Free</im:price><summary>The Acme app</summary></entry>"
    space = "xmlns='http://www.w3.org/2005/Atom' xmlns:im='http://itunes.apple.com/rss'"
    (posts,) = over_time(f"<feed {space}><title>Reviews</title>{app}{review}</feed>").values()
    assert [(post.author, post.text, post.rating) for post in posts] == [("ana", "There is a grey page.", 1)]


def test_reviews_of_the_app_store_are_read_as_json_too() -> None:
    def said(**texts: str) -> dict[str, Any]:
        return {name.replace("im_", "im:"): {"label": text} for name, text in texts.items()}

    review = {
        **said(id="90000000001", title="Since <b> the last version", content="a < b, grey page", im_rating="1"),
        **said(updated="2026-11-20T01:00:00-07:00"),
        "author": {"name": {"label": "ana"}, "uri": {"label": "https://store.example/ana"}, "label": ""},
        "link": {"attributes": {"rel": "related", "href": "https://store.example/review?id=1&type=Purple%20Software"}},
    }
    app = {**said(id="1", title="Acme"), "im:price": {"label": "Free"}}
    whole = {"feed": {**said(title="Customer Reviews"), "entry": [app, review, "no entry"]}}
    ((post,),) = over_time(json.dumps(whole)).values()
    assert (post.author, post.title, post.text, post.rating) == (
        "ana", "Since <b> the last version", "a < b, grey page", 1,
    )  # fmt: skip
    assert post.url == "https://store.example/review?id=1&type=Purple%20Software"
    assert post.posted_at == datetime(2026, 11, 20, 8, tzinfo=UTC)
    alone = {"feed": {**said(title="Customer Reviews"), "entry": review}}
    assert len(over_time(json.dumps(alone))) == 1
    assert over_time(json.dumps({"feed": said(id="https://store.example/reviews")})) == {}


def test_a_json_feed_says_stars_as_a_number_or_as_schema_org_does() -> None:
    items = [
        {"id": f"tag:e.org,2026:{number}", "content_text": f"Acme {number}", **stars}
        for number, stars in enumerate(
            [{"rating": 2}, {"reviewRating": {"ratingValue": "4", "bestRating": 10}}, {"rating": True}]
        )
    ]
    found = over_time(json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": items}))
    assert [post.rating for (post,) in found.values()] == [2, 2, None]


# ── JSON Feed, and what is none ─────────────────────────────────────────────────────────────────────────────────────

JSON_FEED: dict[str, Any] = {
    "version": "https://jsonfeed.org/version/1.1",
    "title": "Talk",
    "home_page_url": "https://talk.example/",
    "authors": [{"name": "The Talk"}],
    "items": [
        {"id": 17, "url": "https://talk.example/1", "title": "Kettle", "content_html": "<p>acme <b>leaks</b></p>",
         "date_published": "2026-11-20T08:00:00Z", "date_modified": "2026-11-20T09:00:00Z", "authors": [{"name": "ana"}]},
        {"id": "tag:talk.example,2026:two", "content_text": "x < y and\nacme burns", "external_url": "https://e.org/2"},
        {"id": "3", "author": {"name": "bo"}, "summary": "only this", "date_published": "2026-11-20T08:00:00Z"},
        "no entry",
    ],
}  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_json_feed_is_a_feed(server: FakeServer, encoding: str) -> None:
    server.route("/a", Reply(body=json.dumps(JSON_FEED, ensure_ascii=False).encode(encoding)))
    one, two, three = reader(server).fetch(first_request("news")).posts
    assert (one.author, one.text, one.url, one.native_id) == (
        "ana",
        "acme leaks",
        "https://talk.example/1",
        "127.0.0.1:17",
    )
    assert (one.posted_at.hour, one.edited_at and one.edited_at.hour) == (8, 9)
    assert (two.text, two.author, two.url) == ("x < y and\nacme burns", "The Talk", "https://e.org/2")
    assert (three.author, three.text, three.url) == ("bo", "only this", "https://talk.example/")


@pytest.mark.parametrize(
    "body", [json.dumps(JSON_FEED)[:-40], '{"version": "https:\\/\\/jsonfeed.org\\/version\\/1"', '{"items": [1]}']
)
def test_half_a_json_feed_and_other_json_are_no_feed(server: FakeServer, body: str) -> None:
    server.route("/a", Reply(body=body))
    with pytest.raises(Nonsense):
        reader(server).fetch(first_request("news"))


@pytest.mark.parametrize("status", [200, 403, 503])
@pytest.mark.parametrize(
    ("headers", "page"),
    [
        ({"cf-mitigated": "challenge"}, "<html><title>Just a moment...</title></html>"),
        ({}, "<!DOCTYPE html><html><title>Just a moment...</title></html>"),
        ({}, "<!doctype html><title>Making sure you&#39;re not a bot!</title>"),
        ({"x-datadome": "protected"}, "<html></html>"),
        ({}, "<html><script src='https://hcaptcha.com/1/api.js'></script></html>"),
    ],
)
def test_a_bot_check_is_named_and_nobody_is_sent_for_a_key(
    server: FakeServer, status: int, headers: dict[str, str], page: str
) -> None:
    server.route("/a", Reply(status, body=page, headers=headers))
    with pytest.raises(ConnectorError, match="bot check") as caught:
        reader(server).fetch(first_request("news"))
    assert "owner" in caught.value.remedy
    assert "Check this source's key" not in caught.value.remedy
    assert not isinstance(caught.value, Refused), "it may let us in tomorrow without anybody's doing"


def test_a_feed_that_refuses_needs_no_key(server: FakeServer) -> None:
    server.route("/a", Reply(403))
    with pytest.raises(Refused, match="403") as caught:
        reader(server).fetch(first_request("news"))
    assert "A feed needs no key" in caught.value.remedy


def test_a_web_page_is_said_to_be_one(server: FakeServer) -> None:
    server.route("/a", Reply(body="<!doctype html><html><title>Before you continue</title></html>"))
    with pytest.raises(Nonsense, match="a web page"):
        reader(server).fetch(first_request("news"))


def test_a_feed_that_is_deflated_without_a_head_is_read(server: FakeServer) -> None:
    bare = zlib.compress(feed(item(1)).encode())[2:-4]
    server.route("/a", Reply(body=bare, headers={"Content-Encoding": "deflate"}))
    assert len(reader(server).fetch(first_request("news")).posts) == 1
