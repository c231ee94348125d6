"""The list: ordered by how much each post needs us, named until somebody looks, and no must of it lost."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from alerts import Alert
from monitor.cases import expiry, list_of_the_day
from monitor.cases.actions import say
from monitor.notify import rendering
from monitor.store import cases, deliveries_owed, key_values, list_entries
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.helpers import ASKING, DAY, HOUR, MINUTE, NOW, messages, post, settings_from, take
from tests.helpers import assembly_of as assembled

Base = Sqlite | Postgresql

MUST = "I wish Acme had a shop in Norway, 4471 people would come @acme"
LOOK = "any of you folks seen the Acme ad? #tv"  # asked of others, in passing
JAPANESE = "Acmeの傘を買いました。雨の日に使います。"
WORDS = [
    "round", "square", "wooden", "woollen", "tall", "blue", "garden", "kitchen", "travel",
    "desk", "yellow", "grey", "kettle", "lamp", "clock", "radio", "chair", "pan",
    "tent", "scale", "drill", "bell", "mirror", "basket", "table",
]  # fmt: skip
FRIDAY = datetime(2026, 3, 6, 10, 0, tzinfo=UTC)


@pytest.fixture
def acme(database: Base, tmp_path: Path) -> Assembly:
    return assembled(database, settings_from(tmp_path))


def at(hour: int, day: int = 4) -> datetime:
    return datetime(2026, 3, day, hour, 0, tzinfo=UTC)


def listed(acme: Assembly, kind: str = "sweep") -> list[list[str]]:
    """The cases that each list of a kind named, in its order."""
    return [row.payload["cases"] for row in messages(acme.database) if row.about.startswith(f"list:{kind}")]


def told(acme: Assembly, kind: str, now: datetime) -> Alert:
    """What the last list of a kind says."""
    row = [row for row in messages(acme.database) if row.about.startswith(f"list:{kind}")][-1]
    return rendering.compose(acme.database, acme.rules, row, [row], now).alert


def test_the_list_is_ordered_by_how_much_a_post_needs_us_and_each_says_why(acme: Assembly) -> None:
    (calm,) = take(acme, post(LOOK, author="calm", thread_id="a"))
    (asks,) = take(acme, post(MUST, author="asks", thread_id="b"))
    (plain,) = take(acme, post(ASKING, author="plain", thread_id="c"))
    list_of_the_day.queue_lists(acme.database, acme.rules, at(15))
    assert listed(acme) == [[asks, plain, calm]]
    alert = told(acme, "sweep", at(15))
    assert alert.title == "3 posts that may need an answer"
    assert [entry.case_id for entry in alert.entries] == [asks, plain, calm]
    assert alert.entries[0].facts[0].startswith("wishes for something")
    assert all(entry.facts for entry in alert.entries)
    assert [row["id"] for row in cases.find(acme.database, cases.Filter())] == [asks, plain, calm]


def test_what_nobody_looked_at_stands_first_in_the_next_list_and_is_not_named_for_ever(acme: Assembly) -> None:
    (calm,) = take(acme, post(LOOK, author="calm", thread_id="a"))
    (seen,) = take(acme, post(ASKING, author="seen", thread_id="b"))
    list_of_the_day.queue_lists(acme.database, acme.rules, at(15))
    expiry.looked_at(acme.database, [seen], at(16))
    (fresh,) = take(acme, post(MUST, author="fresh", thread_id="c", at=at(17)), now=at(17))
    for hour in (9, 15):
        list_of_the_day.queue_lists(acme.database, acme.rules, at(hour, 5))
    assert listed(acme) == [[seen, calm], [calm, fresh], [fresh]]
    list_of_the_day.queue_lists(acme.database, acme.rules, at(9, 6))
    assert len(listed(acme)) == 3


@pytest.mark.parametrize(
    ("people", "days"),
    [
        ("", [6, 6, 10, 10]),  # Monday is a holiday
        (
            """
[[people]]
name = "Sam"
shifts = [{ days = ["sat"], start = "10:00", end = "14:00" }]
[[people]]
name = "Tom"
""",
            [6, 6, 7, 7],
        ),
        (
            """
[[people]]
name = "Sam"
shifts = [{ days = ["mon", "tue"], start = "10:00", end = "14:00" }]
[[people]]
name = "Tom"
""",
            [6, 6, 10, 10],
        ),
    ],
)
def test_no_list_goes_to_an_empty_office(database: Base, tmp_path: Path, people: str, days: list[int]) -> None:
    """Two lists of a Saturday that nobody read named Friday's last posts, and Tuesday's named them no more."""
    tables = f"[desk]\nholidays = [2026-03-09]\n{people}"
    acme = assembled(database, settings_from(tmp_path, tables=tables))
    take(acme, post(ASKING, author="early", at=FRIDAY))
    moments = []
    now = FRIDAY + 2 * HOUR  # the list of the morning is late, and sent
    while now < FRIDAY + 5 * DAY:
        before = len(listed(acme))
        list_of_the_day.queue_lists(acme.database, acme.rules, now)
        moments += [now.day] * (len(listed(acme)) - before)
        if now == FRIDAY + 7 * HOUR:
            take(acme, post(LOOK, author="late", thread_id="b", at=now), now=now)
        now += HOUR
    assert moments == days


@pytest.mark.parametrize("verb", ["note", "snooze", "take", "wants"])
def test_whoever_does_something_with_an_entry_has_looked_at_it(acme: Assembly, verb: str) -> None:
    (entry,) = take(acme, post(ASKING))
    list_of_the_day.queue_lists(acme.database, acme.rules, at(15))
    say(acme.database, acme.rules, entry, verb, who="Ana", way="slack", now=at(16), detail={"text": "see manual"})
    if verb == "take":
        say(acme.database, acme.rules, entry, "release", who="Ana", way="slack", now=at(16) + MINUTE)
    list_of_the_day.queue_lists(acme.database, acme.rules, at(9, 5))
    assert len(listed(acme)) == 1


def test_what_comes_to_an_entry_makes_it_new(acme: Assembly) -> None:
    (entry,) = take(acme, post(ASKING, thread_id="t"))
    list_of_the_day.queue_lists(acme.database, acme.rules, at(15))
    expiry.looked_at(acme.database, [entry], at(16))
    take(acme, post("Acme?", thread_id="t", at=at(17)), now=at(17))
    list_of_the_day.queue_lists(acme.database, acme.rules, at(9, 5))
    assert listed(acme) == [[entry], [entry]]
    expiry.looked_at(acme.database, [entry], at(10, 5))
    list_of_the_day.queue_lists(acme.database, acme.rules, at(15, 5))
    assert len(listed(acme)) == 2


def test_what_two_lists_named_in_vain_is_named_again_once_something_comes_to_it(acme: Assembly) -> None:
    (entry,) = take(acme, post(ASKING, thread_id="t"))
    for moment in (at(15), at(9, 5), at(15, 5)):
        list_of_the_day.queue_lists(acme.database, acme.rules, moment)
    assert listed(acme) == [[entry]] * 2
    take(acme, post("Acme?", thread_id="t", at=at(17, 5)), now=at(17, 5))
    list_of_the_day.queue_lists(acme.database, acme.rules, at(9, 6))
    assert listed(acme) == [[entry]] * 3


def test_the_second_list_has_passed_when_the_next_opening_comes_and_not_at_the_same_moment(acme: Assembly) -> None:
    (must,) = take(acme, post(MUST))
    for moment in (at(15), at(9, 5), at(9, 6)):
        list_of_the_day.queue_lists(acme.database, acme.rules, moment)
    briefs = [row for row in messages(acme.database) if row.about.startswith("list:opening")]
    assert [(row.due_at, row.payload["cases"]) for row in briefs] == [(at(9, 6), [must])]


def test_a_must_that_two_lists_passed_heads_the_next_opening_brief_until_somebody_looks(acme: Assembly) -> None:
    (must,) = take(acme, post(MUST, author="asks", thread_id="a", at=FRIDAY), now=FRIDAY)
    (calm,) = take(acme, post(LOOK, author="calm", thread_id="b", at=FRIDAY), now=FRIDAY)
    moment = FRIDAY
    while moment < FRIDAY + 5 * DAY:
        list_of_the_day.queue_lists(acme.database, acme.rules, moment)
        moment += 30 * MINUTE
        if moment == at(10, 10):
            expiry.looked_at(acme.database, [must], moment)
    assert listed(acme) == [[must, calm]] * 2
    briefs = [row for row in messages(acme.database) if row.about.startswith("list:opening")]
    assert [(row.due_at, row.payload["cases"]) for row in briefs] == [(at(9, 9), [must]), (at(9, 10), [must])]
    alert = rendering.compose(acme.database, acme.rules, briefs[0], [briefs[0]], at(9, 9)).alert
    assert alert.entries[0].facts[0] == "in two lists, and nobody looked"
    assert alert.entries[0].facts[1].startswith("wishes for something")


def test_an_opening_brief_begins_with_it_and_only_what_is_critical_stands_above(acme: Assembly) -> None:
    (must,) = take(acme, post(MUST, author="asks", thread_id="a"))
    for moment in (at(15), at(9, 5), at(15, 5)):
        list_of_the_day.queue_lists(acme.database, acme.rules, moment)
    late = at(22, 5)
    (angry,) = take(acme, post("@acme this is broken again, awful", author="mira", thread_id="b", at=late), now=late)
    (hurt,) = take(acme, post("Acme kettle burned my hand", author="olga", thread_id="c", at=late), now=late)
    list_of_the_day.queue_lists(acme.database, acme.rules, at(9, 6))
    alert = told(acme, "opening", at(9, 6))
    assert [entry.case_id for entry in alert.entries] == [hurt, must, angry]


def test_two_lists_that_were_late_are_one(acme: Assembly) -> None:
    take(acme, post(ASKING))
    queued = list_of_the_day.queue_lists(acme.database, acme.rules, at(15))
    assert queued == 1, "the list of 9:00 named it, a minute late or hours"
    assert listed(acme) == [["1"]]


def test_a_language_that_nobody_reads_has_a_list_of_its_own_once(acme: Assembly) -> None:
    (mine,) = take(acme, post(ASKING, author="plain", thread_id="a"))
    others = take(acme, *(post(f"{JAPANESE}{n}", author=f"c{n}", thread_id=f"t{n}", lang="ja") for n in range(3)))
    for moment in (at(15), at(9, 5), at(15, 5)):
        list_of_the_day.queue_lists(acme.database, acme.rules, moment)
    assert listed(acme) == [[mine], [mine]]
    assert [sorted(each) for each in listed(acme, "languages")] == [sorted(others)]
    alert = told(acme, "languages", at(15))
    assert alert.title == "3 posts in Japanese, which nobody here reads"
    assert [line.text for line in alert.also] == ["Japanese: 3 posts"]
    assert alert.also[0].url.endswith("/?state=unread&language=ja")


def test_a_language_that_a_rule_sends_to_its_readers_is_in_their_list(database: Base, tmp_path: Path) -> None:
    rule = '[[alerts.routes]]\nname = "tokyo"\nlanguage = ["ja"]\nnotify = ["console"]\n'
    acme = assembled(database, settings_from(tmp_path, tables=rule))
    (theirs,) = take(acme, post(JAPANESE, author="yuki", lang="ja"))
    list_of_the_day.queue_lists(acme.database, acme.rules, at(15))
    assert (listed(acme), listed(acme, "languages")) == ([[theirs]], [])


def test_praise_is_named_last_and_once_and_not_counted_as_what_may_need_an_answer(acme: Assembly) -> None:
    (warm,) = take(acme, post("Thank you @acme, I love my kettle, you are great!", author="warm", thread_id="a"))
    (calm,) = take(acme, post(LOOK, author="calm", thread_id="b"))
    for moment in (at(15), at(9, 5)):
        list_of_the_day.queue_lists(acme.database, acme.rules, moment)
    assert listed(acme) == [[calm, warm], [calm]]
    row = next(row for row in messages(acme.database) if row.about.startswith("list:sweep"))
    alert = rendering.compose(acme.database, acme.rules, row, [row], at(15)).alert
    assert alert.title == "1 post that may need an answer and 1 post worth thanks"


def test_of_a_long_list_a_message_shows_thirty_and_says_how_many_there_are(acme: Assembly) -> None:
    hostile = "</a><script>alert(1)</script> & *bold* <!channel>"
    models = [" ".join(Random(n).sample(WORDS, len(WORDS))) for n in range(145)]  # no two in like order
    take(
        acme,
        *(
            post(
                f"Acme {'' if n % 15 else hostile} anyone know how to reset the {model}?",
                author=f"c{n}",
                thread_id=f"t{n}",
            )
            for n, model in enumerate(models)
        ),
    )
    list_of_the_day.queue_lists(acme.database, acme.rules, at(15))
    alert = told(acme, "sweep", at(15))
    assert (alert.title, len(alert.entries), len(alert.also), alert.more) == (
        "145 posts that may need an answer", 5, 25, 140,
    )  # fmt: skip
    assert all(" asks you a question · " in line.text for line in alert.also)
    assert alert.page_url.endswith("/?state=sweep")


def test_one_text_of_several_is_one_entry_that_says_how_many_there_are(acme: Assembly) -> None:
    words = "Acme lamp of the hall: does anybody know which bulb fits it, and whether shops in Norway have that one?"
    (first,) = take(acme, post(words, author="first", thread_id="a"))
    take(acme, *(post(words, author=f"c{n}", thread_id=f"t{n}") for n in range(3)))
    (other,) = take(acme, post(MUST, author="other", thread_id="b"))
    list_of_the_day.queue_lists(acme.database, acme.rules, at(15))
    assert len(listed(acme)[0]) == 5
    alert = told(acme, "sweep", at(15))
    assert (alert.title, [entry.case_id for entry in alert.entries], alert.more) == (
        "5 posts that may need an answer", [other, first], 0,
    )  # fmt: skip
    assert "3 others say the same" in alert.entries[1].facts
    assert not any("the same" in fact for fact in alert.entries[0].facts)
    assert len(alert.mentions) == 5


def test_of_several_brands_each_entry_says_which(acme: Assembly) -> None:
    (first,) = take(acme, post(ASKING, author="plain", thread_id="a"))
    things = [" ".join(WORDS[n * 4 : n * 4 + 4]) for n in range(6)]
    take(
        acme,
        *(post(f"Globex do you ship the {what}?", author=f"c{n}", thread_id=f"t{n}") for n, what in enumerate(things)),
    )
    list_of_the_day.queue_lists(acme.database, acme.rules, at(15))
    alert = told(acme, "sweep", at(15))
    shown = [entry.headline for entry in alert.entries] + [line.text for line in alert.also]
    assert sum("on forum about Globex" in each for each in shown) == 6
    assert sum("on forum about Acme" in each for each in shown) == len([first])


def test_history_lifts_whoever_was_not_answered_before(acme: Assembly) -> None:
    (angry,) = take(acme, post("@acme never arrived, awful!", author="olga", thread_id="a", at=NOW - 6 * DAY), now=NOW)
    unsolved = {"outcome": "could_not_be_solved"}
    say(acme.database, acme.rules, angry, "close", who="Ana", way="page", now=NOW, detail=unsolved)
    (again,) = take(acme, post(LOOK, author="olga", thread_id="b"))
    (first,) = take(acme, post(LOOK, author="mira", thread_id="c"))
    needs = {row["id"]: row["need"] for row in cases.rows_of(acme.database, [again, first]).values()}
    assert needs[again] > needs[first] > 0


def test_a_look_is_kept_at_its_first_time_so_that_it_ends_a_day_later(acme: Assembly) -> None:
    (entry,) = take(acme, post(ASKING))
    for hours in (1, 5, 20):
        expiry.looked_at(acme.database, [entry], NOW + hours * HOUR)
    assert key_values.has_period(acme.database, list_entries.LOOKED + entry)
    assert [row["id"] for row in list_entries.looked_at_before(acme.database, NOW + 2 * HOUR, 10)] == [entry]


def test_an_entry_that_is_done_when_the_list_leaves_stands_last(acme: Assembly) -> None:
    (first,) = take(acme, post(MUST, author="asks", thread_id="a"))
    (second,) = take(acme, post(ASKING, author="plain", thread_id="b"))
    list_of_the_day.queue_lists(acme.database, acme.rules, at(15))
    say(acme.database, acme.rules, first, "answered", who="Ana", way="page", now=at(15) + MINUTE)
    assert [entry.case_id for entry in told(acme, "sweep", at(16)).entries] == [second, first]
    assert deliveries_owed.waiting(acme.database)
