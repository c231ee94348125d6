"""The replay: a written day that goes by now."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from connectors import Batch, ConnectorError, Nonsense, Request
from connectors.replay import SAMPLE, Replay, Settings

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
WHOLE = timedelta(minutes=10)


def request(after: float = 0, cursor: str = "", allowance: int | None = None) -> Request:
    """A read so many seconds after the beginning."""
    return Request("sample", ("trundlewick",), cursor, NOW + timedelta(seconds=after), NOW, allowance)


def written(tmp_path: Path, *lines: object) -> str:
    """A file with these lines: objects as JSON, text as it is."""
    file = tmp_path / "day.jsonl"
    file.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines), "utf-8")
    return str(file)


def line(number: int, at: str, **more: object) -> dict[str, object]:
    return {"id": f"p{number}", "author": f"author{number}", "text": f"post {number}", "at": at, **more}


def walk(replay: Replay, after: float, cursor: str = "") -> tuple[list[Batch], str]:
    """Read until the source says that this is all for now. Without a cursor, a first read begins the day at NOW."""
    pages: list[Batch] = [] if cursor else [replay.fetch(request(0))]
    cursor = cursor or pages[0].cursor
    for _ in range(100):
        page = replay.fetch(request(after, cursor))
        pages.append(page)
        cursor = page.cursor
        if page.complete:
            return pages, cursor
    raise AssertionError("the walk never ended")


def test_the_day_goes_by_and_every_post_is_played_once() -> None:
    """Read once a second for the whole span: all posts of customers, none twice, in the order of the day."""
    replay, cursor, seen = Replay(Settings(day_in="1m")), "", []
    for second in range(62):
        pages, cursor = walk(replay, second, cursor)
        seen += [post.native_id for page in pages for post in page.posts]
    rows = [json.loads(text) for text in SAMPLE.read_text("utf-8").splitlines()]
    assert seen == [row["id"] for row in rows if not row.get("own")]


def test_posts_look_as_if_they_had_just_been_written() -> None:
    """Never later than the read that brings them, at most a few seconds before they were due, never out of order."""
    replay, cursor, last = Replay(Settings(day_in="1m")), "", NOW - timedelta(hours=1)
    for second in range(62):
        now = NOW + timedelta(seconds=second)
        page = replay.fetch(request(second, cursor))
        cursor = page.cursor
        for post in page.posts:
            assert now - timedelta(seconds=7) <= post.posted_at <= now
            assert last <= post.posted_at
            last = post.posted_at


def test_the_first_seconds_already_hold_calm_posts_and_a_complaint() -> None:
    pages, _ = walk(Replay(Settings()), 6)
    texts = " ".join(post.text for page in pages for post in page.posts)
    assert len([post for page in pages for post in page.posts]) >= 8
    assert "charged me TWICE" in texts
    assert "Morning." in texts


def test_after_the_end_the_day_is_over_and_quiet() -> None:
    replay = Replay(Settings(day_in="1m"))
    _, cursor = walk(replay, 61)
    later = replay.fetch(request(3600, cursor))
    assert (later.posts, later.complete) == ((), True)


def test_a_restart_goes_on_where_the_cursor_says() -> None:
    """Another instance with the saved cursor brings the rest, and nothing again."""
    first, cursor = walk(Replay(Settings(day_in="1m")), 20)
    second, _ = walk(Replay(Settings(day_in="1m")), 61, cursor)
    before = [post.native_id for page in first for post in page.posts]
    after = [post.native_id for page in second for post in page.posts]
    assert not set(before) & set(after)
    rows = [json.loads(text) for text in SAMPLE.read_text("utf-8").splitlines()]
    whole = [row["id"] for row in rows if not row.get("own")]
    assert before + after == whole


def test_the_allowance_bounds_a_page_and_nothing_is_lost() -> None:
    replay, cursor, seen = Replay(Settings(day_in="at_once")), "", []
    for _ in range(1000):
        page = replay.fetch(request(0, cursor, allowance=7))
        assert len(page.posts) <= 7
        seen += [post.native_id for post in page.posts]
        cursor = page.cursor
        if page.complete:
            break
    assert len(seen) == len(set(seen)) == 294


def test_played_at_once_the_day_keeps_its_distances_and_ends_now(tmp_path: Path) -> None:
    file = written(tmp_path, line(1, "09:00"), line(2, "09:30"), line(3, "12:00:30"))
    page = Replay(Settings(file=file, day_in="at_once")).fetch(request())
    assert [NOW - post.posted_at for post in page.posts] == [
        timedelta(hours=3, seconds=30),
        timedelta(hours=2, minutes=30, seconds=30),
        timedelta(),
    ]


def test_iso_times_are_moved_to_now_as_well(tmp_path: Path) -> None:
    file = written(tmp_path, line(1, "2024-02-01T10:00:00+02:00"), line(2, "2024-02-01T09:00:00Z"))
    page = Replay(Settings(file=file, day_in="at_once")).fetch(request())
    assert [post.posted_at for post in page.posts] == [NOW - timedelta(hours=1), NOW]


def test_an_answer_belongs_to_the_thread_of_what_it_answers(tmp_path: Path) -> None:
    """A post that answers nobody begins its own thread, as it does on the networks."""
    lines = [line(1, "09:00"), line(2, "09:01", parent="p1"), line(3, "09:02", parent="p2", thread="p1")]
    page = Replay(Settings(file=written(tmp_path, *lines), day_in="at_once")).fetch(request())
    assert [(post.parent_id, post.thread_id) for post in page.posts] == [("", "p1"), ("p1", "p1"), ("p2", "p1")]


def test_a_file_out_of_order_is_played_in_the_order_of_its_times(tmp_path: Path) -> None:
    file = written(tmp_path, line(1, "12:00"), line(2, "9:05"), line(3, "10:00"))
    page = Replay(Settings(file=file, day_in="at_once")).fetch(request())
    assert [post.native_id for post in page.posts] == ["p2", "p3", "p1"]


def test_a_broken_line_is_set_aside_with_its_bytes_and_its_number(tmp_path: Path) -> None:
    """One reason each; the sound lines around them are played."""
    file = written(
        tmp_path,
        line(1, "09:00"),
        '{"id": "half',
        "[1, 2]",
        {"id": "x", "author": "a", "at": "09:01"},
        line(5, "25:00"),
        line(6, "09:02", text=None),
        line(7, "09:03", reach="many"),
        line(8, "09:04", rating=2**70),
        line(9, "09:05", id=["x"]),
        "[" * 100_000,
        line(11, "09:06"),
    )
    page = Replay(Settings(file=file, day_in="at_once")).fetch(request())
    assert [post.native_id for post in page.posts] == ["p1", "p11"]
    assert [re.sub(r".*line (\d+).*", r"\1", aside.reason) for aside in page.aside] == [str(n) for n in range(2, 11)]
    assert page.aside[0].raw.startswith(b'{"id": "half')
    assert all(aside.reason.startswith("day.jsonl, line ") for aside in page.aside)


def test_broken_lines_are_reported_once(tmp_path: Path) -> None:
    file = written(tmp_path, line(1, "09:00"), "nonsense", line(2, "09:10"))
    replay = Replay(Settings(file=file, day_in="at_once"))
    first = replay.fetch(request(allowance=1))
    assert len(first.aside) == 1
    assert replay.fetch(request(0, first.cursor)).aside == ()


def test_hostile_text_is_cleaned_and_its_links_are_checked(tmp_path: Path) -> None:
    bad = line(1, "09:00", text="a\x00b\ud800c\u2028d", url="javascript:alert(1)", author_name="x\x1b[31m")
    page = Replay(Settings(file=written(tmp_path, bad), day_in="at_once")).fetch(request())
    (post,) = page.posts
    assert not re.search("[\x00\u2028\ud800-\udfff]", post.text)
    assert "\x1b" not in post.author_name
    assert post.url == ""


def test_a_missing_file_says_which_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConnectorError) as caught:
        Replay(Settings(file=str(tmp_path / "nowhere.jsonl"))).fetch(request())
    assert "nowhere.jsonl" in caught.value.message
    assert "file" in caught.value.remedy


def test_a_file_of_another_kind_is_nonsense_and_says_what_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(Nonsense) as caught:
        Replay(Settings(file=written(tmp_path, "<!doctype html>", "<p>hello</p>"))).fetch(request())
    assert "line 1: not JSON" in caught.value.message
    assert "id, author, text and at" in caught.value.remedy


def test_an_empty_file_is_a_day_without_posts(tmp_path: Path) -> None:
    page = Replay(Settings(file=written(tmp_path, ""))).fetch(request())
    assert (page.posts, page.complete) == ((), True)


def test_the_brand_s_own_answers_come_by_their_own_way_and_after_their_question() -> None:
    """Customers' posts and own answers never mix; each answer names its question and is dated after it."""
    replay = Replay(Settings(day_in="1m"))
    posts = {post.native_id: post for page in walk(replay, 70)[0] for post in page.posts}
    answers = replay.fetch_own(("@Trundlewick",), request(70)).posts  # the same beginning as the walk's
    assert len(answers) == 13
    assert not {answer.native_id for answer in answers} & set(posts)
    for answer in answers:
        assert answer.author == "trundlewick"
        assert posts[answer.parent_id].posted_at < answer.posted_at


def test_an_answer_shows_only_after_its_question_was_played() -> None:
    """Read both ways every half second: when an answer arrives, its question has arrived before."""
    replay, cursor, own_cursor, seen, answered = Replay(Settings(day_in="30s")), "", "", set(), 0
    for step in range(80):
        own = replay.fetch_own(("trundlewick",), request(step / 2, own_cursor))
        own_cursor = own.cursor
        for answer in own.posts:
            assert answer.parent_id in seen
            answered += 1
        pages, cursor = walk(replay, step / 2, cursor)
        seen |= {post.native_id for page in pages for post in page.posts}
    assert answered == 13


def test_answers_of_accounts_that_are_not_ours_are_not_given() -> None:
    assert Replay(Settings(day_in="at_once")).fetch_own(("somebody_else",), request()).posts == ()


def test_several_sources_that_play_parts_of_one_file_keep_step() -> None:
    """The news of the day comes when the others are as far, not all at the beginning."""
    news = Replay(Settings(day_in="1m", only=("news",)))
    early, cursor = walk(news, 10)
    late, _ = walk(news, 61, cursor)
    assert 0 < sum(len(page.posts) for page in early) < 5
    everything = [post for page in (*early, *late) for post in page.posts]
    assert len(everything) == 14
    assert all(post.native_id.startswith("news-") for post in everything)


@pytest.mark.parametrize(
    "cursor", ["nonsense", "[]", '{"began": 1, "played": 2}', '{"began": "2026-11-22"}', "9" * 5000]
)
def test_a_cursor_that_cannot_be_read_begins_the_day_again(cursor: str) -> None:
    """Rather a repeat than a gap."""
    page = Replay(Settings()).fetch(request(5, cursor))
    assert [post.native_id for post in page.posts] == ["social-0001"]


def test_a_pace_that_is_no_span_is_refused() -> None:
    with pytest.raises(ValidationError, match="write a duration"):
        Settings(day_in="soon")


def test_the_bundled_day_is_what_it_promises() -> None:
    """About 300 posts, all of a brand that does not exist, with the parts that a first look should show."""
    rows = [json.loads(text) for text in SAMPLE.read_text("utf-8").splitlines()]
    ids = {row["id"] for row in rows}
    assert 290 <= len(rows) == len(ids) <= 320
    assert Counter(row["lang"] for row in rows)["en"] < len(rows) - 10
    for row in rows:
        assert re.fullmatch(r"https://[a-z]+\.example/\S+", row["url"])
        assert row.get("parent", row["id"]) in ids
        assert row.get("thread", row["id"]) in ids
        if not row.get("own"):
            assert re.search(r"\btrundle(wicks?|care)\b", row["text"] + row.get("title", ""), re.IGNORECASE)
    repeats = [row for row in rows if "please do not pedal. 14 minutes" in row["text"].casefold()]
    assert len(repeats) >= 12
    assert len({row["text"] for row in rows}) == len(rows)


def test_the_sample_weeks_hold_the_sample_day_and_are_played_in_their_own_time() -> None:
    """Fourteen days, the bundled day among them; each post comes as long after the first as it was written after it."""
    replay, cursor, posts = Replay(Settings(file="week", day_in="as_written")), "", []
    for hours in range(0, 14 * 24 + 1, 6):
        pages, cursor = walk(replay, hours * 3600, cursor)
        new = [post for page in pages for post in page.posts]
        assert all(post.posted_at <= NOW + timedelta(hours=hours) for post in new)
        posts += new
    assert 350 < len(posts) < 500
    assert len({post.native_id for post in posts}) == len(posts)
    fire = next(post for post in posts if "started SMOKING" in post.text)
    assert timedelta(0) <= NOW + timedelta(days=11, hours=19, minutes=22) - fire.posted_at < timedelta(seconds=6)
    assert {(post.posted_at - NOW + timedelta(minutes=1)).days for post in posts} == set(range(14))
