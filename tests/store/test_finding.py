"""Searches and filters over more than a plan looks up one by one: the same is found by whichever way, and in bounds."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from connectors import Post
from monitor.store import finding, mentions, pages, postgresql
from monitor.store.database import runs, stamp
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.types import Mention, Verdict
from tests.helpers import MINUTE, NOW

Base = Sqlite | Postgresql


def _fill(database: Base, number: int) -> None:
    """So many posts, a minute apart: all say "kettle", every tenth "steam", every hundredth "brass"; every third is
    negative, every fifth of the source "chirp", every fourth in the lane of calls, every eighth flagged.
    """
    posts, kept = [], []
    for place in range(number):
        words = ["kettle", *(["steam"] if place % 10 == 0 else []), *(["brass"] if place % 100 == 0 else [])]
        source = "chirp" if place % 5 == 0 else "forum"
        at = NOW - (number - place) * MINUTE
        one = Post(source, f"p{place}", "", f"author{place % 7}", " ".join(words), at)
        row = mentions.post_row(one, stamp(NOW))
        verdict = Verdict(
            -0.5 if place % 3 == 0 else 0.5, "negative" if place % 3 == 0 else "positive", 0.5,
            "ping" if place % 4 == 0 else "none", (), "test-1", "de" if place % 50 == 0 else "en",
        )  # fmt: skip
        mention = Mention(mentions.mention_id("Acme", row["id"]), "Acme", one, verdict, NOW, "", place % 8 == 0)
        posts.append(row)
        kept.append(mentions.mention_row(mention, row["id"]))
    with database.transaction():
        mentions.add_posts(database, posts)
        mentions.add_mentions(database, kept)


def _places(database: Base, few: int = finding.FEW, **wanted: Any) -> list[int]:
    return [int(each.post.native_id[1:]) for each in finding.find(database, finding.Filter(**wanted), few=few)]


@pytest.mark.parametrize("few", [0, 15, finding.FEW], ids=["walked", "between", "looked up"])
def test_a_search_finds_the_same_by_whichever_way(database: Base, few: int) -> None:
    """Rare words are looked up post by post, common ones by walking back in time: both show all, newest first."""
    _fill(database, 1000)
    everything = range(999, -1, -1)
    assert _places(database, few, search="steam", limit=2000) == [n for n in everything if n % 10 == 0]
    assert _places(database, few, search="brass kettle", limit=3) == [900, 800, 700]
    assert _places(database, few, search="steam", label="negative", limit=4) == [990, 960, 930, 900]
    assert _places(database, few, search="steam", source="forum") == []
    assert (
        _places(database, few, search="kettle", author="author3", flagged=True, limit=2)
        == [n for n in everything if n % 7 == 3 and n % 8 == 0][:2]
    )
    assert _places(database, few, search="steam", until=NOW - 500 * MINUTE, limit=2) == [490, 480]
    first = finding.find(database, finding.Filter(search="steam", limit=3), few=few)[-1]
    after = {"before": stamp(first.post.posted_at), "before_id": first.id}
    assert _places(database, few, search="steam", limit=2, **after) == [960, 950]
    assert _places(database, few, search="kettle", newest=10, limit=2000) == list(range(999, 989, -1))
    assert _places(database, few, search="kettle", newest=300, source="chirp", limit=2) == [995, 990]
    assert _places(database, few, search="steam", newest=10, limit=2000) == [n for n in everything if n % 10 == 0][:10]


@pytest.mark.parametrize("common", [1, 20, 1000], ids=["walked back", "some way by the index", "by the index"])
@pytest.mark.parametrize("telling", [1, 1000], ids=["as far as it takes", "all of it"])
def test_the_newest_of_what_is_found_are_the_newest_by_whichever_way(
    database: Base, monkeypatch: pytest.MonkeyPatch, common: int, telling: int
) -> None:
    """Words may be common, rare, or of lately only: what the newest posts tell decides the way, never what is found."""
    _fill(database, 300)
    for name, value in {"_SAMPLE": 50, "_COMMON": common, "_TELLING": telling}.items():
        monkeypatch.setattr(postgresql, name, value)
    with database.transaction():  # all of the newest say it, few before them: fewer than the newest promise
        late = [Post("forum", f"p{300 + n}", "", "author1", "steam valve", NOW) for n in range(10)]
        mentions.add_posts(database, [mentions.post_row(each, stamp(NOW)) for each in late])
    for words, fits in {
        "kettle": list(range(299, -1, -1)),
        "steam": [*range(309, 299, -1), *range(290, -1, -10)],
        "brass": [200, 100, 0],
        "valve": list(range(309, 299, -1)),
        "nowhere": [],
    }.items():
        search = {"search": database.search_words(words)}
        found = database.rows(
            f"SELECT native_id FROM posts WHERE id IN ({database.search_matches(25)}) ORDER BY n DESC", search
        )
        assert [row["native_id"] for row in found] == [f"p{n}" for n in fits][:25], words
        (counted,) = database.rows(database.search_count(8), search)
        assert counted["n"] == min(8, len(fits)), words
        (guessed,) = database.rows(database.search_count(8, newest=True), search)
        assert guessed["n"] in {counted["n"], 8}, words


def test_every_two_filters_together_let_through_what_each_does(database: Base) -> None:
    """Whichever index a pair of filters goes by, none is forgotten, and the newest come first."""
    _fill(database, 400)
    tests: dict[str, tuple[Any, Callable[[int], bool]]] = {
        "brand": ("Acme", lambda n: True),
        "source": ("chirp", lambda n: n % 5 == 0),
        "author": ("author2", lambda n: n % 7 == 2),
        "language": ("de", lambda n: n % 50 == 0),
        "lane": ("none", lambda n: n % 4 != 0),
        "label": ("negative", lambda n: n % 3 == 0),
        "flagged": (True, lambda n: n % 8 == 0),
    }
    for (one, (first, is_first)), (two, (second, is_second)) in itertools.combinations(tests.items(), 2):
        wanted = {one: first, two: second}
        assert _places(database, **wanted, limit=500) == [
            n for n in range(399, -1, -1) if is_first(n) and is_second(n)
        ], wanted
    for lane in ("ping", "sweep"):
        expected = [n for n in range(399, -1, -1) if n % 4 == 0 and lane == "ping"]
        assert _places(database, lane=lane, limit=500) == expected
        assert _places(database, lane=lane, flagged=True, limit=500) == [n for n in expected if n % 8 == 0]


def test_filters_go_by_the_index_that_leaves_the_least_to_read(sqlite: Sqlite) -> None:
    """SQLite keeps no statistics, so it is told: by what few mentions are, else by an index that holds both filters."""
    _fill(sqlite, 100)
    for wanted, index in (
        ({"lane": "none", "flagged": True}, "mentions_flagged"),
        ({"lane": "none", "label": "negative"}, "mentions_of_label"),
        ({"label": "positive", "flagged": True}, "mentions_flagged"),
        ({"lane": "sweep"}, "mentions_of_lane"),
        ({"language": "fr", "label": "positive"}, "mentions_of_language"),
    ):
        assert finding.index_for(sqlite, finding.Filter(**wanted), rare=10).split()[-1] == index, wanted


class _Counting(Sqlite):
    """Counts the posts that are asked about."""

    asked = 0

    def search_among(self, numbers: Sequence[int], words: str) -> set[int]:
        """As ever."""
        self.asked += len(numbers)
        return super().search_among(numbers, words)


def test_a_search_for_a_page_stops_after_so_many_posts_and_goes_on_from_there(sqlite: Sqlite) -> None:
    """Words and a filter that hardly ever meet: over millions of posts it would look at them all for one page."""
    _fill(sqlite, 1000)
    counting = _Counting(sqlite.path)
    wanted = finding.Filter(search="brass", label="negative", limit=3)
    first = finding.look(counting, wanted, few=0, patience=100)
    assert [each.post.native_id for each in first.rows] == ["p900"]
    assert first.reached is not None
    assert counting.asked < 2 * 100
    places, reached = ["p900"], first.reached
    while reached is not None:
        wanted = finding.Filter(search="brass", label="negative", limit=3, before=reached[0], before_id=reached[1])
        found = finding.look(counting, wanted, few=0, patience=100)
        places, reached = places + [each.post.native_id for each in found.rows], found.reached
    assert places == ["p900", "p600", "p300", "p0"]
    assert counting.asked <= 334  # each once
    assert finding.look(counting, finding.Filter(search="kettle", limit=20), few=0).reached is None
    counting.close()


def test_a_search_in_the_inbox_reads_only_mentions_that_have_a_case(sqlite: Sqlite) -> None:
    """Few of the posts that it finds have one: the others end in an index that holds no others."""
    _fill(sqlite, 20)
    sqlite.run("UPDATE mentions SET case_id = '7' WHERE author = 'author3'")
    asked: list[str] = []
    sqlite._connection().set_trace_callback(asked.append)
    words = pages.Words(plain="kettle")
    assert pages.found_cases(sqlite, words) == ["7"]
    assert {each.post.author for each in pages.candidates(sqlite, words, with_case=True)} == {"author3"}
    sqlite._connection().set_trace_callback(None)
    ours = [each for each in asked if (each.startswith("SELECT") and "FROM mentions" in each) or "CROSS JOIN" in each]
    plans = [" ".join(row["detail"] for row in sqlite.rows(f"EXPLAIN QUERY PLAN {each}")) for each in ours]
    assert ["INDEX mentions_in_cases (post_id=?)" in plan for plan in plans] == [True, True]
    assert "COVERING INDEX mentions_in_cases" in plans[0]


def test_numbers_that_lie_near_each_other_are_one_span() -> None:
    assert runs([], 10) == []
    assert runs([30, 1, 2, 19, 9], 10) == [(1, 19), (30, 30)]
    assert runs(range(5), 1) == [(0, 4)]
    assert runs([1, 3], 1) == [(1, 1), (3, 3)]


def test_the_index_of_the_search_is_merged_sixteen_parts_at_a_time(sqlite: Sqlite) -> None:
    """By four, as FTS5 does by itself, each post was written over and over: more often the more there are."""
    for number in range(40):
        with sqlite.transaction():
            row = mentions.post_row(Post("forum", f"p{number}", "", "author", f"kettle {number}", NOW), stamp(NOW))
            mentions.add_posts(sqlite, [row])
    parts = sqlite.rows("SELECT DISTINCT segid FROM posts_fts_idx")
    assert len(parts) > 16
    assert len(sqlite.rows(sqlite.search_matches(), {"search": sqlite.search_words("kettle")})) == 40
    assert sqlite.overwrite(["posts"], 5)
    assert len(sqlite.rows("SELECT DISTINCT segid FROM posts_fts_idx")) == 1
