"""What a message says of its cases as they stand when it leaves: title, facts, and what can be pressed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from alerts import Alert
from monitor.cases.actions import say
from monitor.notify import case_words, rendering
from monitor.privacy import forgetting
from monitor.store import mentions
from monitor.store.deliveries import Delivery
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.alerting_helpers import distinct
from tests.helpers import (
    ANGRY,
    BROKEN,
    DAY,
    HOUR,
    INJURY,
    LATE,
    MINUTE,
    NOW,
    assembly_of,
    case,
    messages,
    post,
    settings_from,
    take,
)

NIGHT = datetime(2026, 3, 4, 22, 0, tzinfo=UTC)


@pytest.fixture
def acme(sqlite: Sqlite, tmp_path: Path) -> Assembly:
    return assembly_of(sqlite, settings_from(tmp_path))


def root_of(acme: Assembly, story: str = "1") -> Delivery:
    """The row of a story's first message."""
    return next(row for row in messages(acme.database) if row.about == f"story:{story}")


def alert(acme: Assembly, row: Delivery, now: datetime = NOW) -> Alert:
    return rendering.compose(acme.database, acme.rules, row, [row], now).alert


def reminder(acme: Assembly, reason: str = "nobody has taken it yet", number: str = "1") -> Delivery:
    return replace(root_of(acme), about=f"case:{number}", step=1, reason=reason)


def labels(acme: Assembly, now: datetime = NOW) -> list[str]:
    return [action.label for action in alert(acme, root_of(acme), now).entries[0].actions]


def tell(acme: Assembly, verb: str, **detail: object) -> None:
    say(acme.database, acme.rules, "1", verb, who="Ana", way="page", now=NOW, detail=detail)


def test_what_can_be_pressed_is_what_helps_as_the_case_stands(acme: Assembly) -> None:
    take(acme, post(ANGRY))
    assert labels(acme) == ["I have it", "No answer needed"]
    tell(acme, "take")
    assert labels(acme) == ["Answered", "More"]
    tell(acme, "answered")
    assert labels(acme) == ["Not answered"]
    tell(acme, "close", outcome="solved")
    assert labels(acme) == []


def test_what_was_dismissed_asks_why_not(acme: Assembly) -> None:
    take(acme, post(ANGRY))
    tell(acme, "dismiss")
    assert labels(acme) == ["Why not?"]


@pytest.mark.parametrize(
    ("words", "now", "second"),
    [
        (INJURY, NOW, "No answer needed"),
        (ANGRY, NIGHT, "No answer needed"),
        (INJURY, NIGHT, "It can wait until morning"),
    ],
)
def test_only_what_is_critical_and_only_at_night_can_wait_until_morning(
    acme: Assembly, words: str, now: datetime, second: str
) -> None:
    take(acme, post(words, at=now), now=now)
    assert labels(acme, now) == ["I have it", second]


def test_a_title_says_how_unhappy_and_a_reminders_how_long(acme: Assembly) -> None:
    take(acme, post(ANGRY, at=NOW))
    assert alert(acme, root_of(acme)).title == "Acme: complaint"
    assert alert(acme, reminder(acme), NOW + HOUR).title == "Acme: waiting for 1 hour · nobody has taken it yet"


def test_a_plain_question_is_not_called_a_complaint(acme: Assembly) -> None:
    take(acme, post("@acme do you ship spare parts to islands?", thread_id="t", author="ivo"))
    assert alert(acme, root_of(acme)).title == "Acme: question"
    wrong = "@acme still nothing, my order never arrived"
    take(acme, post(wrong, thread_id="t", author="ivo", at=NOW))
    assert alert(acme, root_of(acme)).title == "Acme: complaint"


def test_a_message_of_what_is_done_or_gone_asks_for_nothing_any_more(acme: Assembly) -> None:
    """Of a post that its author had deleted it still said "nobody has taken it yet", and "0 cases not taken yet"."""
    take(acme, post(ANGRY, native_id="gone"))
    brief, evening = (
        replace(root_of(acme), about=f"list:{kind}", payload={"cases": ["1"]}) for kind in ("opening:1", "afternoon:1")
    )
    assert alert(acme, brief).title == "1 case not taken yet"
    assert alert(acme, evening).title == "1 case still waiting today"
    with acme.database.transaction():
        forgetting.deleted(acme.database, "forum", ["gone"], [], NOW)
    assert alert(acme, root_of(acme)).title == alert(acme, reminder(acme)).title == "Acme: the post was deleted"
    assert alert(acme, brief).title == "Every case is taken"
    assert alert(acme, evening).title == "Nobody is waiting any more"


def test_what_was_done_before_a_list_or_a_brief_left_is_not_counted_as_open(acme: Assembly) -> None:
    """They said "3 cases, 0 not taken, 3 done", and "3 posts that may need an answer" of what was dismissed."""
    take(acme, *(post(ANGRY, author=name, thread_id=name) for name in ("olga", "mira", "piet")))
    brief, listed, evening = (
        replace(root_of(acme), about=about, payload={"cases": ["1", "2", "3"]})
        for about in ("brief:console:1", "list:sweep:1", "list:evening:1")
    )

    def titles() -> list[str]:
        composed = rendering.compose(acme.database, acme.rules, brief, [root_of(acme)], NOW)
        return [composed.alert.title, alert(acme, listed).title]

    assert titles() == ["3 cases, none taken", "3 posts that may need an answer"]
    tell(acme, "dismiss")
    assert titles() == ["3 cases, 2 not taken, 1 done", "2 posts that may need an answer, 1 done"]
    assert alert(acme, root_of(acme)).title == "Acme: 3 people, one story · answered 0 of 3, 1 closed"
    for number in ("2", "3"):
        say(acme.database, acme.rules, number, "take", who="Ana", way="page", now=NOW)
    assert titles()[0] == "3 cases, all in hand, 1 done"
    for number in ("2", "3"):
        say(acme.database, acme.rules, number, "answered", who="Ana", way="page", now=NOW)
    assert titles() == ["3 cases, all done", "3 posts, all done"]
    acme.database.run("UPDATE cases SET lane = 'sweep'")
    assert alert(acme, evening).title == "Your daily list"


WORDLESS = ((LATE, "stars", 1.0), (BROKEN, "gone", None))


def test_the_short_line_of_a_post_without_words_says_what_it_has_instead(acme: Assembly) -> None:
    """It ended in "on forum:"."""
    named = take(acme, *(post(distinct(n), author=f"c{n}", thread_id=f"t{n}") for n in range(5)))
    named += take(acme, *(post(words, author=who, thread_id=who, rating=stars) for words, who, stars in WORDLESS))
    acme.database.run("UPDATE posts SET text = '', title = '' WHERE author IN ('stars', 'gone')")
    every = replace(root_of(acme), about="list:sweep:1", payload={"cases": named})
    assert sorted(line.text.rpartition(" · ")[2] for line in alert(acme, every).also) == [
        "@gone on forum about Acme", "@stars on forum about Acme: 1 of 5 stars, no words",
    ]  # fmt: skip


def test_a_story_of_several_counts_them_and_its_reminder_says_why(acme: Assembly) -> None:
    take(acme, *(post(ANGRY, author=name) for name in ("olga", "mira", "piet")))
    assert alert(acme, root_of(acme)).title == "Acme: 3 people, one story · answered 0 of 3"
    tell(acme, "answered")
    assert alert(acme, root_of(acme)).title == "Acme: 3 people, one story · answered 1 of 3"
    late = replace(root_of(acme), step=1, reason="overdue, nobody has taken it")
    assert alert(acme, late).title == "Acme: 3 people, one story · overdue, nobody has taken it"


def test_the_time_is_said_once_ahead_as_a_target_and_behind_as_overdue(acme: Assembly) -> None:
    take(acme, post(ANGRY))
    due = case(acme.database, "1").due_at
    assert due is not None
    (entry,) = alert(acme, root_of(acme)).entries
    assert f"answer by {due:%H:%M}" in entry.facts
    (entry,) = alert(acme, root_of(acme), due + MINUTE).entries
    assert f"was due {due:%H:%M}" in entry.facts
    told = alert(acme, reminder(acme, "overdue, nobody has taken it"), due + MINUTE)
    assert told.title == f"Overdue since {due:%H:%M}: Acme · nobody has taken it"
    assert not [fact for fact in told.entries[0].facts if "was due" in fact], "the title has said it"


def test_a_reason_is_said_once_with_the_words_that_it_is_known_by(acme: Assembly) -> None:
    take(acme, post("Acme charged me twice this month. Two emails, no answer. I want my money back."))
    assert "money taken wrongly" in case(acme.database, "1").priority_reasons
    (entry,) = alert(acme, root_of(acme)).entries
    assert [fact.partition(":")[0] for fact in entry.facts].count("money taken wrongly") == 1


def test_the_overdue_of_two_people_stays_beside_each_of_them(acme: Assembly) -> None:
    take(acme, post(ANGRY), post(ANGRY, author="mira"))
    due = case(acme.database, "1").due_at
    assert due is not None
    told = alert(acme, root_of(acme), due + MINUTE)
    assert [sum("was due" in fact for fact in entry.facts) for entry in told.entries] == [1, 1]


def test_who_came_before_within_a_month_is_counted(acme: Assembly) -> None:
    take(acme, post(LATE, native_id="old", thread_id="old", at=NOW - 5 * DAY), now=NOW - 5 * DAY)
    take(acme, post(ANGRY, native_id="new", thread_id="new"))
    (second,) = alert(acme, root_of(acme, "2")).entries
    assert ", second time in 30 days · posted" in second.headline
    (first,) = alert(acme, root_of(acme)).entries
    assert "time in 30 days" not in first.headline


def test_the_time_of_a_message_is_that_of_the_words_it_quotes(acme: Assembly) -> None:
    """And beside it, when they wrote again: a later "hello?" quotes nothing new."""
    take(acme, post(ANGRY, native_id="1", thread_id="1", at=NOW - HOUR))
    take(acme, post("Acme, hello? Any news?", native_id="2", thread_id="1", parent_id="1", at=NOW))
    (entry,) = alert(acme, root_of(acme)).entries
    assert entry.excerpt == ANGRY
    assert entry.headline.endswith(f"posted {NOW - HOUR:%H:%M}, again {NOW:%H:%M}")


def test_pictures_are_marked_where_people_read_who_wrote(acme: Assembly) -> None:
    take(acme, post(LATE, pictures=2, videos=1))
    (entry,) = alert(acme, root_of(acme)).entries
    assert " on forum · 2 pictures and 1 video · posted " in entry.headline


def test_beyond_the_worst_five_everybody_has_a_line_and_nobody_is_left_out(acme: Assembly) -> None:
    take(acme, *(post(ANGRY, author=f"p{n}") for n in range(8)))
    told = alert(acme, root_of(acme))
    assert (len(told.entries), len(told.also), told.more) == (5, 3, 3)
    assert len({entry.case_id for entry in told.entries} | {line.case_id for line in told.also}) == 8


def test_who_writes_again_is_said_in_the_title_and_nobody_else(acme: Assembly) -> None:
    take(acme, post(ANGRY))
    row = root_of(acme)
    assert alert(acme, replace(row, reason="writes again")).title == "Acme: complaint · writes again"
    assert alert(acme, row).title == "Acme: complaint"


def test_a_message_that_somebody_writes_again_quotes_the_new_words(acme: Assembly) -> None:
    """It quoted the worst post of the case: the older one, which everybody had read and answered."""
    take(acme, post(ANGRY, thread_id="t"))
    row = root_of(acme)
    tell(acme, "answered")
    take(acme, post("@acme ok thanks. and is your shop open on Friday?", thread_id="t", at=NOW))
    (entry,) = alert(acme, replace(row, about="case:1", reason="writes again")).entries
    assert (entry.excerpt, entry.facts[0]) == (
        "@acme ok thanks. and is your shop open on Friday?",
        "asks you a question",
    )
    assert alert(acme, row).entries[0].excerpt == ANGRY


def test_the_words_that_decided_are_the_point_of_a_message(acme: Assembly) -> None:
    take(acme, post(ANGRY))
    (told,) = mentions.of_case(acme.database, "1")
    point = case_words.point_of(told)
    assert point, told.verdict.reasons
    assert all(word.casefold() in ANGRY.casefold() for word in point)
    silent = replace(told, verdict=replace(told.verdict, reasons=("sounds negative",)))
    assert case_words.point_of(silent) == ()


def test_a_message_about_somebody_who_was_erased_says_that_and_not_that_they_deleted_it(acme: Assembly) -> None:
    take(acme, post(ANGRY))
    forgetting.erase(acme.database, acme.rules, "forum", "olga", who="Ana", way="page", now=NOW)
    assert alert(acme, root_of(acme)).title == "Acme: its author was erased by Ana"
