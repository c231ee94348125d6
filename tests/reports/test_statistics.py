"""The numbers: every wait is counted once, from the network's own times, and agrees with figures computed elsewhere."""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy
import pytest
from typer.testing import CliRunner

from connectors import Post
from monitor.cases import actions
from monitor.cases.reply_kinds import KINDS, kind_of
from monitor.cli import app
from monitor.privacy import retention
from monitor.reports import formatting, statistics
from monitor.settings.loading import load
from monitor.store.database import at
from monitor.store.postgresql import Postgresql
from monitor.store.schema import migrate
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.helpers import (
    AGAIN,
    ANGRY,
    ASKING,
    DAY,
    HOUR,
    INJURY,
    LATE,
    MINUTE,
    NOW,
    THANKS,
    Clock,
    assembly_of,
    case,
    count,
    deliver,
    lines,
    post,
    settings_from,
    take,
)

DATA = Path(__file__).parents[3] / "shared" / "data"
PEOPLE = '[[people]]\nname = "Ana"\n[[people]]\nname = "Ben"\n'


@pytest.fixture
def acme(database: Sqlite | Postgresql, tmp_path: Path) -> Assembly:
    """Acme's desk in UTC, open Monday to Friday 9 to 17; NOW is a Wednesday at 10."""
    return assembly_of(database, settings_from(tmp_path, tables=PEOPLE, alerts='group_wait = "0s"\n'))


def of_week(acme: Assembly, until: datetime = NOW + DAY) -> statistics.Report:
    """The report of the seven days before `until`."""
    return statistics.of_span(acme.database, acme.rules, until - 7 * DAY, until)


def say(acme: Assembly, verb: str, *, who: str, now: datetime, case_id: str = "1", **detail: Any) -> None:
    actions.say(acme.database, acme.rules, case_id, verb, who=who, way="test", now=now, detail=detail)


def reply(acme: Assembly, to: str, *, at: datetime, words: str = "Sorry! The refund is on its way to you.") -> int:
    """The brand answers a post, and that is seen a minute later."""
    own = post(words, author="acme_care", parent_id=to, thread_id=f"thread of {to}", at=at)
    with acme.database.transaction():
        return acme.answers.take([own], at + MINUTE)


def write(
    acme: Assembly, native_id: str, *, at: datetime, words: str = ANGRY, seen: timedelta = MINUTE, **more: Any
) -> None:
    """Somebody writes, and that is seen a minute later."""
    root = more.pop("thread_id", f"thread of {native_id}")
    take(acme, post(words, native_id=native_id, thread_id=root, at=at, **more), now=at + seen)


# What came of it


def closed(acme: Assembly, author: str, *, at: datetime, then: str = "", outcome: str = "solved") -> None:
    """Somebody's case is closed an hour after they wrote; an hour later they write again, if `then` is given."""
    write(acme, f"{author}{at:%d%H}", at=at, author=author)
    (number,) = (row["n"] for row in acme.database.rows("SELECT max(n) AS n FROM cases"))
    say(acme, "close", who="Ana", now=at + HOUR, case_id=str(number), outcome=outcome, why="not_us")
    if then:
        write(acme, f"{author}{at:%d%H}-then", at=at + 2 * HOUR, words=then, author=author)


def test_of_the_people_whose_case_was_closed_so_many_wrote_again_and_so_many_of_them_kinder(acme: Assembly) -> None:
    closed(acme, "olga", at=NOW, then=THANKS)
    closed(acme, "mira", at=NOW, then=AGAIN)
    closed(acme, "joon", at=NOW, then=THANKS, outcome="could_not_be_solved")
    closed(acme, "silent", at=NOW)
    closed(acme, "never", at=NOW, then=THANKS, outcome="no_answer_needed")  # nobody was helped there
    closed(acme, "long-ago", at=NOW - 10 * DAY, then=AGAIN)
    found = of_week(acme)
    assert found.after == statistics.Aftermath(people=4, wrote=3, kinder=2)
    assert formatting.aftermath_words(found.after) == (
        "Of 4 people whose case was closed, 3 wrote again, 2 of them more kindly. Too few to draw conclusions."
    )
    assert formatting.as_json(found)["after_closing"] == {"people": 4, "wrote": 3, "kinder": 2}


def test_a_person_with_several_cases_counts_once_by_the_last_of_them(acme: Assembly) -> None:
    """Closed, angry again, closed again, and now content: that is one person who was helped in the end."""
    closed(acme, "olga", at=NOW, then=AGAIN)
    say(acme, "close", who="Ana", now=NOW + 3 * HOUR, case_id="2", outcome="solved")
    write(acme, "thanks", at=NOW + 4 * HOUR, words=THANKS, author="olga")
    assert of_week(acme).after == statistics.Aftermath(people=1, wrote=1, kinder=1)


def test_what_was_heard_after_the_span_is_not_known_in_it(acme: Assembly) -> None:
    closed(acme, "olga", at=NOW, then=THANKS)
    assert of_week(acme, until=NOW + 90 * MINUTE).after == statistics.Aftermath(people=1, wrote=0, kinder=0)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (statistics.Aftermath(), ""),
        (statistics.Aftermath(1), "Of 1 person whose case was closed, none has written again so far."),
        (
            statistics.Aftermath(1400, 10, 4),
            "Of 1,400 people whose case was closed, 10 wrote again, 4 of them more kindly.",
        ),
        (
            statistics.Aftermath(1400, 9, 4),
            "Of 1,400 people whose case was closed, 9 wrote again, 4 of them more kindly. Too few to draw conclusions.",
        ),
    ],
)
def test_what_came_of_it_in_words(found: statistics.Aftermath, said: str) -> None:
    assert formatting.aftermath_words(found) == said


# What is counted


def test_every_stage_has_a_time_of_its_own(acme: Assembly) -> None:
    """Posted 10:00, seen 10:04, told 10:05, taken 10:12, answered 10:40, closed 12:00."""
    write(acme, "p", at=NOW, seen=4 * MINUTE)
    clock = Clock(NOW + 5 * MINUTE)
    assert deliver(acme, clock) == 1
    say(acme, "take", who="Ana", now=NOW + 12 * MINUTE)
    reply(acme, "p", at=NOW + 40 * MINUTE)
    say(acme, "close", who="Ana", now=NOW + 2 * HOUR, outcome="solved")
    found = of_week(acme)
    medians = {name: getattr(found, name).median for name in formatting.SPREADS}
    assert medians == {
        "lag": 4 * MINUTE,
        "alert_lag": MINUTE,
        "to_take": 7 * MINUTE,
        "to_take_wall": 7 * MINUTE,
        "after_taking": 28 * MINUTE,
        "to_answer": 40 * MINUTE,
        "to_answer_wall": 40 * MINUTE,
        "to_resolve": 2 * HOUR,
        "to_resolve_wall": 2 * HOUR,
    }
    assert (found.cases, found.turns, found.answered, found.again, found.backdated) == (1, 1, 1, 0, 0)
    assert found.in_target == 1.0
    assert formatting.slowest(found) == "after_taking"


def test_opening_hours_and_wall_clock_stand_beside_each_other(acme: Assembly) -> None:
    """Written on Friday at 16:45, answered on Monday at 9:15: half an hour of opening hours."""
    friday = NOW + 2 * DAY + 6 * HOUR + 45 * MINUTE
    write(acme, "p", at=friday)
    reply(acme, "p", at=friday + 2 * DAY + 16 * HOUR + 30 * MINUTE)
    found = of_week(acme, NOW + 6 * DAY)
    assert found.to_answer.median == 30 * MINUTE
    assert found.to_answer_wall.median == 2 * DAY + 16 * HOUR + 30 * MINUTE


def test_a_case_that_comes_back_counts_again(acme: Assembly) -> None:
    """Answered after 10 minutes; the customer writes again an hour later and is answered after 30."""
    write(acme, "p", at=NOW)
    reply(acme, "p", at=NOW + 10 * MINUTE)
    write(acme, "q", at=NOW + HOUR, words=AGAIN, thread_id="thread of p")
    reply(acme, "q", at=NOW + HOUR + 30 * MINUTE)
    assert lines(acme.database, "1") == ["open", "answered", "again", "answered"]
    found = of_week(acme)
    assert (found.cases, found.turns, found.again, found.answered) == (1, 2, 1, 2)
    assert (found.to_answer.n, found.to_answer.median, found.to_answer.p90) == (2, 10 * MINUTE, 30 * MINUTE)


def test_a_reply_to_what_came_before_leaves_the_later_words_waiting(acme: Assembly) -> None:
    """Olga wrote at 10:00 and at 10:30; a reply of 10:20 is read at 10:50. She waits again since 10:30."""
    write(acme, "p", at=NOW)
    write(acme, "q", at=NOW + 30 * MINUTE, words=AGAIN, thread_id="thread of p")
    with acme.database.transaction():
        acme.answers.take(
            [
                post(
                    "So sorry! It was our mistake and is repaired.",
                    author="acme_care",
                    parent_id="p",
                    at=NOW + 20 * MINUTE,
                )
            ],
            NOW + 50 * MINUTE,
        )
    reply(acme, "q", at=NOW + 90 * MINUTE)
    found = of_week(acme)
    assert (found.turns, found.to_answer.n) == (2, 2)
    assert (found.to_answer.median, found.to_answer.p90) == (20 * MINUTE, HOUR)


def test_an_answer_that_was_taken_back_is_no_answer(acme: Assembly) -> None:
    write(acme, "p", at=NOW)
    say(acme, "answered", who="Ana", now=NOW + 10 * MINUTE)
    say(acme, "undo", who="Ana", now=NOW + 11 * MINUTE)
    assert of_week(acme).answered == 0
    say(acme, "answered", who="Ana", now=NOW + 50 * MINUTE)
    assert of_week(acme).to_answer.median == 50 * MINUTE


def test_an_automatic_reply_is_no_answer(acme: Assembly) -> None:
    write(acme, "p", at=NOW)
    assert reply(acme, "p", at=NOW + MINUTE, words="Thank you for contacting us. We will get back to you.") == 0
    assert of_week(acme).answered == 0
    reply(acme, "p", at=NOW + 3 * HOUR)
    assert of_week(acme).to_answer.median == 3 * HOUR


def test_a_reply_dated_before_its_post_counts_as_no_time_and_is_marked(acme: Assembly) -> None:
    """A review that was edited after it had been answered."""
    write(acme, "p", at=NOW, rating=1.0, replied_at=NOW - 30 * DAY, reply_text="Thanks, version 5 mends it.")
    write(
        acme, "q", at=NOW, author="mia", rating=1.0, replied_at=NOW + MINUTE, reply_text="Thanks, version 5 mends it."
    )
    found = of_week(acme)
    assert (found.answered, found.backdated) == (2, 1)
    assert (found.to_answer.median, found.to_answer_wall.median) == (timedelta(0), timedelta(0))
    assert (found.to_answer.p90, found.to_answer_wall.p90) == (MINUTE, MINUTE)


def test_who_was_called_for_and_had_no_answer_in_time_counts_against_the_share(acme: Assembly) -> None:
    """Two answered in time, one late, one not at all; one whose time still runs counts neither way."""
    for name, author in (("a", "ann"), ("b", "bob"), ("c", "cem"), ("d", "dora")):
        write(acme, name, at=NOW, author=author)
    target = acme.rules.targets_for(case(acme.database, "1").priority).first
    for name, waited in (("a", target), ("b", target / 2), ("c", target + MINUTE)):
        reply(acme, name, at=NOW + waited)
    later = NOW + 7 * HOUR
    write(acme, "e", at=later - MINUTE, author="eve")
    assert (of_week(acme, later).turns, of_week(acme, later).in_target) == (5, 0.5)


def test_whoever_wrote_last_in_a_span_and_was_never_answered_is_late_once_their_time_is_over(acme: Assembly) -> None:
    """An answer after the end of the span counted, and none at all did not: to say nothing made the share better. Seen
    from its end, what came later is not known, so that what was said then can be said again."""
    until = NOW + HOUR
    for name in ("a", "b", "c"):
        write(acme, name, at=until - 10 * MINUTE, author=f"author {name}")
    reply(acme, "a", at=until + 10 * MINUTE)
    found = [
        statistics.of_span(acme.database, acme.rules, NOW - DAY, until, seen=seen) for seen in (until, until + 5 * DAY)
    ]
    assert [(each.to_answer.due, each.never, each.in_target) for each in found] == [(0, 0, None), (3, 2, 1 / 3)]


def test_what_needed_no_answer_is_neither_late_nor_resolved(acme: Assembly) -> None:
    write(acme, "p", at=NOW)
    say(acme, "dismiss", who="Ana", now=NOW + 5 * HOUR, why="not_us")
    found = of_week(acme)
    assert found.in_target is None
    assert found.to_resolve.n == 0


def test_a_case_that_was_opened_again_is_resolved_twice(acme: Assembly) -> None:
    write(acme, "p", at=NOW)
    say(acme, "close", who="Ana", now=NOW + HOUR, outcome="solved")
    say(acme, "reopen", who="Ben", now=NOW + 2 * HOUR)
    say(acme, "close", who="Ben", now=NOW + 5 * HOUR, outcome="could_not_be_solved")
    found = of_week(acme)
    assert (found.to_resolve.n, found.to_resolve.median, found.to_resolve.p90) == (2, HOUR, 3 * HOUR)


def test_a_wait_belongs_to_the_week_in_which_it_began(acme: Assembly) -> None:
    """A case of last week that comes back this week counts in both, each time once."""
    write(acme, "p", at=NOW - 7 * DAY)
    reply(acme, "p", at=NOW - 7 * DAY + HOUR)
    write(acme, "q", at=NOW, words=AGAIN, thread_id="thread of p")
    reply(acme, "q", at=NOW + 2 * HOUR)
    this = statistics.of_span(acme.database, acme.rules, NOW - DAY, NOW + DAY)
    before = statistics.of_span(acme.database, acme.rules, NOW - 8 * DAY, NOW - 6 * DAY)
    assert (this.turns, this.again, this.to_answer.median) == (1, 1, 2 * HOUR)
    assert (before.turns, before.again, before.to_answer.median) == (1, 0, HOUR)


def test_many_spans_read_at_once_say_what_each_says_alone(acme: Assembly) -> None:
    """Open, answered, back again, late, resolved twice: the same by days in one reading as by a reading for each."""
    for day, name in enumerate(("p", "q", "r", "s")):
        write(acme, name, at=NOW - day * DAY, author=f"author {name}")
    say(acme, "take", who="Ana", now=NOW + HOUR, case_id="1")
    reply(acme, "q", at=NOW - DAY + HOUR)
    write(acme, "t", at=NOW, words=AGAIN, author="author q", thread_id="thread of q")
    say(acme, "close", who="Ana", now=NOW - 2 * DAY + HOUR, case_id="3", outcome="solved")
    say(acme, "reopen", who="Ben", now=NOW, case_id="3")
    say(acme, "close", who="Ben", now=NOW + 5 * HOUR, case_id="3", outcome="solved")
    bounds = [NOW + n * DAY / 2 for n in range(-9, 4)]
    seen = bounds[-1]
    alone = [
        statistics.whole_span(acme.database, acme.rules, since, until, seen=seen)
        for since, until in itertools.pairwise(bounds)
    ]
    told = statistics.read(acme.database, bounds[0], seen)
    assert statistics.of_spans(acme.rules, bounds, told) == alone
    for since, until in itertools.pairwise(bounds):
        again = statistics.of_span(acme.database, acme.rules, since, until, told, seen=seen)
        assert again == statistics.of_span(acme.database, acme.rules, since, until, seen=seen)
    assert sum(each.turns for each in alone) == 5
    assert sum(each.to_resolve.n for each in alone) == 2


# By whom and what


def test_it_is_told_by_source_priority_hour_and_team(database: Sqlite | Postgresql, tmp_path: Path) -> None:
    """The hour is the desk's, not UTC; the injury goes to its own channel by a rule."""
    settings_from(
        tmp_path,
        channels='[[channels]]\nname = "console"\nkind = "console"\n[[channels]]\nname = "safety"\nkind = "console"\n',
        alerts='[[alerts.routes]]\nname = "harm"\nwords = ["injured"]\nnotify = ["safety"]\n',
    )
    file = tmp_path / "settings.toml"
    file.write_text(file.read_text(encoding="utf-8").replace('zone = "UTC"', 'zone = "Asia/Tokyo"'), encoding="utf-8")
    made = assembly_of(database, load(file, {}))
    write(made, "p", at=NOW, author="ann")  # 19:00 in Tokyo
    write(made, "q", at=NOW, author="bob", source="chirp", words=LATE)
    write(made, "r", at=NOW + HOUR, author="cem", words=INJURY)
    reply(made, "p", at=NOW + 20 * MINUTE)
    found = of_week(made)
    assert {name: each.turns for name, each in found.by_source.items()} == {"chirp": 1, "forum": 2}
    assert found.by_priority["critical"].turns == 1
    assert {name: each.turns for name, each in found.by_hour.items()} == {"19": 2, "20": 1}
    assert {name: each.turns for name, each in found.by_team.items()} == {"console": 2, "safety": 1}
    assert found.by_source["forum"].answered == 1
    assert found.by_source["chirp"].answered == 0


def test_people_are_counted_and_not_timed(acme: Assembly) -> None:
    """Ben comes after Ana because of their names; an answer seen on the network is of whoever has the case."""
    for name, author in (("a", "ann"), ("b", "bob"), ("c", "cem")):
        write(acme, name, at=NOW, author=author)
    say(acme, "take", who="Ben", now=NOW + MINUTE, case_id="1")
    say(acme, "take", who="Ben", now=NOW + MINUTE, case_id="2")
    say(acme, "assign", who="Ben", now=NOW + MINUTE, case_id="3", owner="Ana")
    reply(acme, "a", at=NOW + 2 * MINUTE)
    say(acme, "close", who="Ben", now=NOW + HOUR, case_id="1", outcome="solved")
    found = statistics.load(acme.database, acme.rules, NOW - DAY, NOW + DAY)
    assert [(each.name, each.taken, each.answered, each.closed, each.has) for each in found] == [
        ("Ana", 1, 0, 0, 1), ("Ben", 2, 1, 1, 1),
    ]  # fmt: skip
    report = formatting.as_json(of_week(acme))
    assert not {"Ana", "Ben"} & {*str(report).replace("'", " ").split()}, "a report counts the team, never a person"


def test_what_a_file_brought_says_nothing_about_how_soon_we_see(acme: Assembly) -> None:
    """Posts of a source that is not read lie years back."""
    write(acme, "p", at=NOW - 2 * DAY, source="archive", seen=2 * DAY)
    write(acme, "q", at=NOW, source="forum")
    assert (of_week(acme).turns, of_week(acme).lag.n, of_week(acme).lag.median) == (2, 1, MINUTE)


def test_percentiles_are_values_that_occurred() -> None:
    """The nearest rank, as numpy's inverted_cdf."""
    for size in range(1, 60):
        seconds = [(index * 7919) % 1000 for index in range(size)]
        found = statistics.spread([timedelta(seconds=each) for each in seconds])
        expected = numpy.percentile(seconds, [50, 90], method="inverted_cdf")
        assert found.median is not None and found.p90 is not None  # noqa: PT018
        assert [found.median.total_seconds(), found.p90.total_seconds()] == list(expected)


# Checked against figures that were computed in another way, from real data


def in_opening_hours(start: datetime, end: datetime) -> timedelta:
    """Monday to Friday, 9 to 17, in UTC: day by day, without any of our code."""
    total, day = timedelta(0), start.date()
    while day <= end.date():
        if day.weekday() < 5:
            opens = datetime.combine(day, time(9), UTC)
            total += max(min(end, opens + 8 * HOUR) - max(start, opens), timedelta(0))
        day += DAY
    return total


def nearest_ranks(waits: Sequence[timedelta]) -> list[float]:
    """Median and p90 in seconds, by numpy."""
    return list(numpy.percentile([wait.total_seconds() for wait in waits], [50, 90], method="inverted_cdf"))


def told(spread: dict[str, Any]) -> list[float]:
    return [spread["median"], spread["p90"]]


def run(*arguments: str) -> list[Any]:
    """What a command prints, read as JSON lines."""
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.output.splitlines() if line.startswith("{")]


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["com.instantpay.in", "akudo.technologies"])
def test_the_report_of_real_reviews_agrees_with_numpy(name: str, tmp_path: Path) -> None:
    """Real reviews with the developer's replies, through `earful import` and `earful report`."""
    file = DATA / "reviews" / "google_play" / f"{name}.csv"
    if not file.is_file():
        pytest.skip(f"NOT TESTED against real reviews: {file} is not here")
    made = settings_from(tmp_path, tables="[desk]\naround_the_clock = []\n")
    settings = str(tmp_path / "settings.toml")
    options = dict(
        id="reviewId", text="content", author="userName", rating="score", reply="replyContent", brand="Acme",
        source="play", **{"posted-at": "at", "replied-at": "repliedAt"},
    )  # fmt: skip
    words = [word for option, value in options.items() for word in (f"--{option}", value)]
    (imported,) = run("--settings", settings, "import", str(file), *words, "--json")
    assert imported["aside"] == 0
    with file.open(newline="", encoding="utf-8") as rows:
        reviews = {row["reviewId"]: row for row in csv.DictReader(rows)}
    database = Sqlite(Path(made.database.url.get_secret_value().removeprefix("sqlite:")))
    assert count(database, "cases") == imported["cases"] > 40
    opened = [
        reviews[row["thread"]] for row in database.rows("SELECT thread FROM cases WHERE lane = 'ping' AND praise = 0")
    ]
    database.close()
    ended: dict[str, list[tuple[datetime, datetime]]] = {kind: [] for kind in KINDS}
    for row in opened:
        if row["repliedAt"]:
            posted, replied = (datetime.fromisoformat(row[key]).replace(tzinfo=UTC) for key in ("at", "repliedAt"))
            ended[kind_of(row["replyContent"], made.alerts.automatic_replies).kind].append((posted, replied))
    pairs = ended["answer"]
    backdated = sum(answered < posted for posted, answered in [*pairs, *ended["sent_on"]])
    wall = [max(answered - posted, timedelta(0)) for posted, answered in pairs]
    desk = [in_opening_hours(posted, answered) if answered > posted else timedelta(0) for posted, answered in pairs]

    (found,) = run("--settings", settings, "report", "--days", "9000", "--json")
    assert (found["turns"], found["answered"], found["backdated"]) == (len(opened), len(pairs), backdated)
    assert found["private"] == len(ended["sent_on"])
    assert told(found["to_answer_wall"]) == nearest_ranks(wall)
    assert told(found["to_answer"]) == nearest_ranks(desk)
    by_hour = {hour: each["answered"] for hour, each in found["by"]["hour"].items() if each["answered"]}
    hours = [f"{posted:%H}" for posted, _ in pairs]
    assert by_hour == {hour: hours.count(hour) for hour in sorted(set(hours))}
    assert sum(each["backdated"] for each in found["by"]["priority"].values()) == backdated


def threads() -> Iterator[dict[str, Any]]:
    """Tweets of customers and of brands, oldest first, each with the id of the tweet that began its thread."""
    file = DATA / "replies" / "customer_support_on_twitter.csv"
    if not file.is_file():
        pytest.skip(f"NOT TESTED against real threads: {file} is not here")
    with file.open(newline="", encoding="utf-8") as rows:
        tweets = {row["tweet_id"]: row for row in csv.DictReader(rows)}
    for tweet in tweets.values():
        root = tweet
        while (parent := tweets.get(root["in_response_to_tweet_id"].split(".")[0])) is not None:
            root = parent
        tweet["root"] = root["tweet_id"]
    moment = "%a %b %d %H:%M:%S %z %Y"
    return iter(sorted(tweets.values(), key=lambda row: datetime.strptime(row["created_at"], moment)))


@pytest.mark.shared_data
def test_the_report_of_real_threads_agrees_with_a_plain_walk_over_them(sqlite: Sqlite, tmp_path: Path) -> None:
    """Customer, the brand's reply, the customer again: who waited how long, read from the tweets alone."""
    acme = assembly_of(sqlite, settings_from(tmp_path))
    tweets = list(threads())[:900]
    events: dict[str, tuple[Post, bool]] = {}
    for row in tweets:
        made = Post(
            source="forum", native_id=row["tweet_id"], url="", author=row["author_id"], text=row["text"],
            posted_at=datetime.strptime(row["created_at"], "%a %b %d %H:%M:%S %z %Y"), thread_id=row["root"],
            parent_id=row["in_response_to_tweet_id"].split(".")[0],
        )  # fmt: skip
        ours = row["inbound"] != "True"
        events[made.native_id] = (made, ours)
        if ours:
            with sqlite.transaction():
                acme.answers.take([made], made.posted_at)
        else:
            acme.intake.take([made], made.posted_at, brand="Acme")
    case_of = {
        row["native_id"]: (row["case_id"], row["lane"], row["praise"])
        for row in sqlite.rows(
            "SELECT p.native_id, m.case_id, m.lane, m.praise FROM mentions m JOIN posts p ON p.id = m.post_id"
        )
    }
    # Praise waits for no answer, and the list is nobody's task until it is taken.
    praised = {row["id"] for row in sqlite.rows("SELECT id FROM cases WHERE praise = 1 OR lane <> 'ping'")}
    known: set[str] = set()

    waits: list[tuple[datetime, datetime | None]] = []
    waiting: dict[str, datetime] = {}
    private: dict[str, datetime] = {}
    sent_on = 0
    for made, ours in events.values():
        case_id, lane, praise = case_of.get(made.parent_id if ours else made.native_id, ("", "", 0))
        if case_id in praised or (praise and case_id in known and not ours):
            continue
        known.add(case_id)
        kind = kind_of(made.text, acme.settings.alerts.automatic_replies).kind if ours else ""
        if kind == "answer" and case_id in waiting | private:
            waits.append((waiting.pop(case_id, None) or private.pop(case_id), made.posted_at))
        elif kind == "sent_on" and case_id in waiting:
            private[case_id] = waiting.pop(case_id)
        elif not ours and case_id and (lane != "none" or case_id in private):
            sent_on += private.pop(case_id, None) is not None
            waiting.setdefault(case_id, made.posted_at)
    sent_on += len(private)
    answered = [end - start for start, end in waits if end is not None]
    assert len(answered) > 60

    first, last = tweets[0], tweets[-1]
    begin = events[first["tweet_id"]][0].posted_at - DAY
    found = statistics.of_span(sqlite, acme.rules, begin, events[last["tweet_id"]][0].posted_at + DAY)
    assert found.again > 0
    assert found.private == sent_on > 10
    assert (found.turns, found.answered) == (len(answered) + len(waiting) + sent_on, len(answered))
    assert found.to_answer_wall.median is not None and found.to_answer_wall.p90 is not None  # noqa: PT018
    ranks = [found.to_answer_wall.median.total_seconds(), found.to_answer_wall.p90.total_seconds()]
    assert ranks == nearest_ranks(answered)


# The command


def test_the_report_is_printed_as_aligned_tables_within_the_screen(tmp_path: Path) -> None:
    settings = settings_from(tmp_path, tables=PEOPLE)
    database = Sqlite(Path(settings.database.url.get_secret_value().removeprefix("sqlite:")))
    migrate(database, NOW)
    made = assembly_of(database, settings)
    now = datetime.now(UTC)
    take(made, post(ANGRY, native_id="p", at=now - HOUR), post(ASKING, author="mia", at=now - HOUR), now=now - HOUR)
    say(made, "take", who="Ana", now=now - 50 * MINUTE)
    say(made, "answered", who="Ana", now=now - 30 * MINUTE)
    say(made, "close", who="Ana", now=now - 20 * MINUTE, outcome="solved")
    helped = case(database, "1").author
    take(made, post(THANKS, author=helped, at=now - 10 * MINUTE), now=now - 5 * MINUTE)
    database.close()
    result = CliRunner(env={"COLUMNS": "80"}).invoke(app, ["--settings", str(settings.file), "report"])
    assert result.exit_code == 0, result.output
    shown = result.output.splitlines()
    tables = shown[: next(number for number, line in enumerate(shown) if line.startswith("Of 1 person"))]
    assert max(map(len, tables)) <= 80, "sentences are whole where no terminal reads them"
    wall = next(line for line in shown if "wall clock" in line and "30 min" in line)
    head = next(line for line in shown if "90th pct" in line)
    assert head.index("median") + len("median") == wall.index("30 min") + len("30 min")
    assert not any("Ana" in line for line in shown), "the team, never a person"
    said = " ".join(line.strip() for line in shown)
    assert said.endswith(
        "Of 1 person whose case was closed, 1 wrote again, 1 of them more kindly. Too few to draw conclusions.  "
        "1 person wrote kind words after you had answered their complaint."
    )


def test_without_a_wait_the_report_says_so(tmp_path: Path) -> None:
    settings_from(tmp_path)
    result = CliRunner().invoke(app, ["--settings", str(tmp_path / "settings.toml"), "report", "--days", "3"])
    assert result.output == "No cases waited for an answer in the last 3 days.\n"


def test_a_report_of_the_store_needs_no_post(sqlite: Sqlite, tmp_path: Path) -> None:
    """Posts that retention has emptied still count: their times stay."""
    acme = assembly_of(sqlite, settings_from(tmp_path))
    write(acme, "p", at=NOW)
    reply(acme, "p", at=NOW + HOUR)
    say(acme, "close", who="Ana", now=NOW + 2 * HOUR, outcome="solved")
    assert retention.retain(sqlite, acme.settings, NOW + 366 * DAY) == 1
    assert of_week(acme).to_answer.median == HOUR
    assert at(sqlite.rows("SELECT purged_at FROM posts")[0]["purged_at"]) == NOW + 366 * DAY
