"""Posts and mentions on both databases: added once, refreshed, emptied with their keys kept, and found again."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from connectors import Post
from monitor.privacy import forgetting, retention
from monitor.store import cases, finding, mentions, pages, report_queries
from monitor.store.database import stamp
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.types import Mention, Verdict
from monitor.wiring import Assembly
from tests.helpers import (
    ANGRY,
    BROKEN,
    CALM,
    DAY,
    HOUR,
    LATE,
    MINUTE,
    NOW,
    case,
    count,
    post,
    take,
)

Base = Sqlite | Postgresql


def found(acme: Assembly, **wanted: object) -> list[str]:
    return [each.post.native_id for each in finding.find(acme.database, finding.Filter(**wanted))]  # type: ignore[arg-type]


def test_a_post_comes_back_as_it_went_in(acme: Assembly) -> None:
    full = post(
        ANGRY,
        native_id="full",
        author_name="Olga",
        title="A title",
        lang="en",
        reach=12,
        rating=2.5,
        parent_id="p",
        thread_id="t",
        edited_at=NOW,
        raw='{"a": 1}',
        reply_text="Sorry",
        replied_at=NOW,
    )
    take(acme, full)
    (one,) = finding.find(acme.database, finding.Filter())
    assert one.post == full
    assert mentions.one(acme.database, one.id) == one
    assert mentions.one(acme.database, "unknown") is None


def test_rows_that_stand_already_stay_as_they_are(acme: Assembly) -> None:
    row = mentions.post_row(post(ANGRY, native_id="a"), stamp(NOW))
    with acme.database.transaction():
        mentions.add_posts(acme.database, [row, {**row, "text": "other"}])
        mentions.add_posts(acme.database, [row])
        mentions.add_posts(acme.database, [])
    assert [each["text"] for each in acme.database.rows("SELECT text FROM posts")] == [ANGRY]


@pytest.mark.parametrize(
    "ids",
    [
        ("99998", "99999", "100000", "41000000", "41000002"),
        ("1790000000000000000", "1790000200000000000", "2000000000000000000"),
        ("c/77777776", "c/77777780"),
        ("t3_zzzzzz", "t3_1aaaaaa", "t3_1aab000"),
        ("at://did:plc:zed/app.bsky.feed.post/3kaaaaaaaaaaa", "at://did:plc:abc/app.bsky.feed.post/3kabaaaaaaaaa"),
    ],
)
def test_ids_come_in_the_order_of_those_of_the_network(ids: Sequence[str]) -> None:
    posts = [mentions.post_id("forum", each, in_order=True) for each in ids]
    of_brand = [mentions.mention_id("Acme", each) for each in posts]
    assert (posts, of_brand) == (sorted(posts), sorted(of_brand))
    assert len({*posts, *of_brand}) == 2 * len(ids)
    assert {len(each) for each in (*posts, *of_brand)} == {24}
    assert posts[0] != mentions.post_id("board", ids[0], in_order=True)


@pytest.mark.parametrize(
    "native", ["", "olga", "a/b/c", "9" * 26, "urn:uuid:5f0d", "٣٣٣٣٣٣", "at://x/3KAAAAAAAAAAA", "t3_"]
)
def test_an_id_that_says_nothing_of_when_it_was_given_is_only_hashed(native: str) -> None:
    assert mentions.post_id("forum", native, in_order=True) == mentions.post_id("forum", native)


def test_posts_of_a_page_are_written_into_the_index_of_the_search_together(sqlite: Sqlite) -> None:
    """Each post a part of its own: a third of what storing it took went into merging them."""
    rows = [mentions.post_row(post(f"{ANGRY} {number}", native_id=str(number)), stamp(NOW)) for number in range(100)]
    with sqlite.transaction():
        mentions.add_posts(sqlite, rows)
    (parts,) = sqlite.rows("SELECT count(DISTINCT segid) AS n FROM posts_fts_idx")
    assert parts["n"] <= 3
    found = [row["id"] for row in sqlite.rows(sqlite.search_matches(), {"search": sqlite.search_words("99")})]
    assert found == [rows[99]["id"]]


@pytest.mark.parametrize("many", [1, 63, 64, 65, 200])
def test_however_many_rows_come_each_is_there_once(acme: Assembly, many: int) -> None:
    rows = [mentions.post_row(post(ANGRY, native_id=str(number)), stamp(NOW)) for number in range(many)]
    with acme.database.transaction():
        assert acme.database.insert("posts", mentions.POST_COLUMNS, rows[: many // 2]) == many // 2
        assert acme.database.insert("posts", mentions.POST_COLUMNS, rows) == many - many // 2
    assert [row["id"] for row in acme.database.rows("SELECT id FROM posts ORDER BY n")] == [row["id"] for row in rows]


def test_mentions_are_found_by_what_they_are(acme: Assembly) -> None:
    take(
        acme,
        post(ANGRY, native_id="a", author="olga", ago=3 * MINUTE),
        post("Globex lights are lovely, love them", native_id="b", author="paul", source="chirp", ago=2 * MINUTE),
        post(CALM, native_id="c", author="mira", ago=MINUTE),
    )
    assert found(acme) == ["c", "b", "a"]
    assert found(acme, limit=1) == ["c"]
    assert found(acme, brand="Globex") == ["b"]
    assert found(acme, source="forum") == ["c", "a"]
    assert found(acme, author="olga") == ["a"]
    assert found(acme, since=NOW - 2 * MINUTE) == ["c", "b"]
    assert found(acme, until=NOW - 2 * MINUTE) == ["a"]
    assert found(acme, before=stamp(NOW - MINUTE)) == ["b", "a"]
    assert found(acme, search="CHARGED wrong") == ["a"]
    assert found(acme, search="wrong unheard-of") == []


@pytest.mark.parametrize(
    "words",
    ['"', "*", "NEAR(", "a AND", "^x", "title:x", "'; DROP TABLE posts; --", "\x00", "\ud800", "%", "\\", "()", "-",
     "a" * 100_000, "word " * 20_000, "\u202e\u2028", ":name", "%(name)s", "{0}", "🙂", "!!!"],
    ids=lambda words: ascii(words[:12]),
)  # fmt: skip
def test_whatever_people_type_into_a_search_is_only_words(acme: Assembly, words: str) -> None:
    take(acme, post(ANGRY, native_id="a"))
    assert found(acme, search=words) in ([], ["a"])
    assert count(acme.database, "posts") == 1


GLUED = {
    "ja": "アクメ acme のケトルが壊れた",
    "half": "ｱｸﾒのｹﾄﾙ、ＡＣＭＥ最悪",
    "zh": "用acme的水壶总是漏水，客服不回复",
    "ko": "acme를 샀는데 주전자가 고장났어요",
    "th": "กาน้ำacmeพังแล้ว ใครช่วยได้บ้าง",
    "en": "acme kettle AT&T C++ under_score test-case",
}


PARTS = (
    ("ケトル", "ja half"),
    ("ｹﾄﾙ", "ja half"),
    ("ケトルが", "ja"),
    ("壊れ", "ja"),
    ("ト", "ja half"),
    ("トケル", ""),
    ("ケトル acme", "ja half"),
    ("ケトル refund", ""),
    ("水壶", "zh"),
    ("漏水 客服", "zh"),
    ("壶水", ""),
    ("주전자", "ko"),
    ("고장났", "ko"),
    ("กาน้ำ", "th"),
    ("ช่วย", "th"),
    ("acme", "ja half zh ko th en"),
    ("ACME", "ja half zh ko th en"),
    ("ＡＣＭＥ", "ja half zh ko th en"),
    ("acmeの", "ja"),
    ("acme的", "zh"),
    ("kettle", "en"),
    ("AT&T", "en"),
    ("C++", "en"),
    ("under_score", "en"),
    ("test-case", "en"),
)


def test_a_search_finds_parts_of_texts_without_spaces(acme: Assembly) -> None:
    database = acme.database
    with database.transaction():
        rows = [mentions.post_row(post(text, native_id=key), stamp(NOW)) for key, text in GLUED.items()]
        mentions.add_posts(database, rows)
    for words, keys in PARTS:
        search = {"search": database.search_words(words)}
        ids = database.search_matches()
        found_keys = {
            row["native_id"] for row in database.rows(f"SELECT native_id FROM posts WHERE id IN ({ids})", search)
        }
        assert found_keys == set(keys.split()), words
        (counted,) = database.rows(database.search_count(10), search)
        assert counted["n"] == len(found_keys), words
        by_number = {row["n"]: row["native_id"] for row in database.rows("SELECT n, native_id FROM posts")}
        among = database.search_among(list(by_number), words)
        assert {by_number[n] for n in among} == found_keys, words
        assert database.search_among([], words) == set()


def test_parts_of_a_text_are_found_no_more_once_it_is_edited_or_deleted(acme: Assembly) -> None:
    first = post(f"{ANGRY} ケトル", native_id="a")
    take(acme, first)
    assert (found(acme, search="トル"), found(acme, search="漏水")) == (["a"], [])
    take(acme, replace(first, text=f"{ANGRY} 漏水"))
    assert (found(acme, search="トル"), found(acme, search="水")) == ([], ["a"])
    with acme.database.transaction():
        forgetting.deleted(acme.database, "forum", ["a"], (), NOW)
    assert found(acme, search="水") == []
    assert acme.database.rows("SELECT n FROM posts WHERE parted <> ''") == []


def test_an_edited_post_is_found_by_its_new_words_only(acme: Assembly) -> None:
    first = post(ANGRY, native_id="a")
    take(acme, first)
    take(acme, replace(first, text=LATE))
    assert (found(acme, search="charged"), found(acme, search="arrived")) == ([], ["a"])


def test_deleting_empties_the_words_and_keeps_the_row(acme: Assembly) -> None:
    take(acme, post(ANGRY, native_id="a", author_name="Olga"), post(BROKEN, native_id="b", author="mira"))
    with acme.database.transaction():
        assert len(forgetting.deleted(acme.database, "forum", ["a", "unknown"], (), NOW)) == 1
    assert found(acme) == ["b"]
    assert found(acme, search="charged") == []
    (gone,) = acme.database.rows("SELECT * FROM posts WHERE deleted_at <> ''")
    kept = (gone["text"], gone["author"], gone["author_name"], gone["url"], gone["raw"], gone["native_id"])
    assert kept == ("", "", "", "", "", "")
    assert gone["id"] != mentions.post_id("forum", "a"), "see test_post_keys"
    with acme.database.transaction():
        assert forgetting.deleted(acme.database, "forum", ["a"], (), NOW) == []


def test_retention_empties_old_posts_keeps_their_keys_and_leaves_open_cases_alone(acme: Assembly) -> None:
    old = NOW - 400 * DAY
    done, waiting, calm, young = (
        post(ANGRY, native_id="done", author="a", at=old),
        post(BROKEN, native_id="waiting", author="b", at=old),
        post(CALM, native_id="calm", author="c", at=old),
        post(LATE, native_id="young", author="d"),
    )
    take(acme, done, waiting, calm, young)
    closed = next(each.case_id for each in finding.find(acme.database, finding.Filter(author="a")))
    cases.change(acme.database, closed, closed_at=NOW, outcome="solved")
    emptied = retention.retain(acme.database, acme.settings, NOW)
    left = {row["id"]: bool(row["text"]) for row in acme.database.rows("SELECT id, text FROM posts")}
    states = {name: left[mentions.post_id("forum", name)] for name in ("done", "waiting", "calm", "young")}
    assert states["done"] is False
    assert (states["waiting"], states["young"]) == (True, True)
    assert emptied == sum(not words for words in states.values())
    assert take(acme, done, calm, now=NOW + HOUR) == []  # they do not come in again
    assert count(acme.database, "posts") == 4
    assert found(acme, search="charged") == []


def test_what_one_author_wrote_can_be_removed(acme: Assembly) -> None:
    take(acme, post(ANGRY, native_id="a"), post(CALM, native_id="b"), post(BROKEN, native_id="c", author="mira"))
    erased = [
        forgetting.erase(acme.database, acme.rules, "forum", "olga", who="Ana", way="page", now=NOW).posts for _ in "12"
    ]
    assert erased == [2, 0]
    assert count(acme.database, "posts", "author = 'olga' OR text LIKE '%charged%'") == 0
    assert count(acme.database, "posts") == 3


def test_open_cases_come_first_then_the_most_urgent_then_the_longest_waiting(acme: Assembly) -> None:
    take(acme, *(post(f"{LATE} {n} {n * 37}", author=f"c{n}", at=NOW - timedelta(minutes=9 - n)) for n in range(5)))
    by_author = {row["author"]: row["id"] for row in acme.database.rows("SELECT id, author FROM cases")}
    cases.change(acme.database, by_author["c0"], closed_at=NOW, outcome="solved")
    cases.change(acme.database, by_author["c1"], answered_at=NOW)
    cases.change(acme.database, by_author["c4"], priority="critical")
    order = [row["author"] for row in cases.find(acme.database, cases.Filter())]
    assert order == ["c4", "c2", "c3", "c1", "c0"]
    assert len(cases.find(acme.database, cases.Filter(only_open=True))) == 4
    assert len(cases.find(acme.database, cases.Filter(limit=2, offset=4))) == 1
    assert cases.find(acme.database, cases.Filter(brand="'; DROP TABLE cases; --")) == []


def test_an_unknown_column_is_refused_before_sql(acme: Assembly) -> None:
    with pytest.raises(KeyError):
        cases.change(acme.database, "1", **{"owner = '' --": "x"})
    with pytest.raises(KeyError):
        cases.new_row(nonsense=1)


def test_case_numbers_go_on_where_they_stopped(acme: Assembly) -> None:
    assert take(acme, post(ANGRY)) == ["1"]
    assert take(acme, post(BROKEN, author="mira")) == ["2"]
    assert case(acme.database, "2").author == "mira"


# -- sums by hour ------------------------------------------------------------------------------------------------------


def _counted(database: Base, since: datetime, until: datetime, brand: str = "") -> list[tuple[Any, ...]]:
    """What `figures.heard` must say, counted one by one."""
    sums: Counter[tuple[str, str, str]] = Counter()
    for row in database.rows("SELECT brand, source, posted_at, label FROM mentions"):
        if stamp(since) <= row["posted_at"] < stamp(until) and brand in {"", row["brand"]}:
            hour = (row["posted_at"][:13], row["source"])
            sums[*hour, "mentions"] += 1
            sums[*hour, "negative"] += row["label"] == "negative"
            sums[*hour, "known"] += row["label"] != "unknown"
    return sorted(
        (hour, source, n, sums[hour, source, "negative"], sums[hour, source, "known"])
        for (hour, source, what), n in sums.items()
        if what == "mentions"
    )


def _heard(database: Base, since: datetime, until: datetime, brand: str = "") -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in report_queries.heard(database, since, until, brand)]


def _scatter(database: Base, seed: int, *, again: Sequence[dict[str, Any]] = ()) -> list[dict[str, Any]]:
    """Mentions at the beginnings of hours, just before and in between; some that stand already among them."""
    chance = random.Random(seed)
    posts, kept = [], list(again)
    for place in range(120):
        off = chance.choice((timedelta(0), -timedelta(microseconds=1), chance.random() * HOUR))
        at = NOW.replace(minute=0, second=0, microsecond=0) + chance.randrange(-8, 8) * HOUR + off
        one = Post(chance.choice(("forum", "chirp")), f"{seed}.{place}", "", "olga", "words", at)
        brand, label = chance.choice(("Acme", "Globex")), chance.choice(("negative", "neutral", "unknown"))
        row = mentions.post_row(one, stamp(NOW))
        verdict = Verdict(0.0, label, 0.1, "none", (), "test-1", "en")
        mention = Mention(mentions.mention_id(brand, row["id"]), brand, one, verdict, NOW, "", False)
        posts.append(row)
        kept.append(mentions.mention_row(mention, row["id"]))
    chance.shuffle(kept)
    with database.transaction():
        mentions.add_posts(database, posts)
        mentions.add_mentions(database, kept)
    return kept


def test_the_sums_of_a_span_are_what_counting_finds(database: Base) -> None:
    """Ends within an hour, on it, in the same one; a brand alone; and what is added twice counts once."""
    first = _scatter(database, 1)
    _scatter(database, 2, again=first[:50])
    with database.transaction():
        mentions.add_mentions(database, first)
        mentions.add_mentions(database, [])
    hour = NOW.replace(minute=0, second=0, microsecond=0)
    ends = [hour + n * HOUR + off for n in (-9, -3, 0, 4) for off in (timedelta(0), 17 * MINUTE, 40 * MINUTE)]
    for since, until in itertools.product(ends, ends):
        assert _heard(database, since, until) == _counted(database, since, until), (since, until)
    assert _heard(database, ends[1], ends[-1], "Acme") == _counted(database, ends[1], ends[-1], "Acme") != []
    sources = report_queries.by_source(database, NOW - DAY, NOW + DAY)
    assert sum(row["mentions"] for row in sources) == count(database, "mentions") == 240
    volume = pages.volume(database, ends[1], ends[-1])
    assert sum(row["known"] for row in volume) == sum(row[4] for row in _counted(database, ends[1], ends[-1]))
    assert [row["hour"] for row in volume] == sorted({row["hour"] for row in volume})


def test_sums_that_were_rolled_back_are_gone(database: Base) -> None:
    before = _scatter(database, 3)
    with pytest.raises(RuntimeError), database.transaction():  # noqa: PT012
        mentions.add_mentions(database, [{**before[0], "id": "other"}])
        raise RuntimeError
    since, until = NOW - DAY, NOW + DAY
    assert _heard(database, since, until) == _counted(database, since, until)
