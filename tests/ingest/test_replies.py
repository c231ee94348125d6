"""Replies are judged with what they answer: their author's own complaint, or somebody else's."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors import Post
from monitor.cases import growth
from monitor.cases.actions import say
from monitor.notify import case_words
from monitor.store import cases, mentions
from monitor.store.mentions import SAME_TROUBLE
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.store.stories import growing_stories
from monitor.text.same_trouble import only_same_trouble
from monitor.wiring import Assembly
from tests.helpers import ANGRY, CALM, HOUR, LATE, MINUTE, NOW, assembly_of, case, count, post, settings_from, take

Base = Sqlite | Postgresql
THREAD = "root"


@pytest.fixture
def acme(database: Base, tmp_path: Path) -> Assembly:
    """Olga complains at nine; our account answers at half past nine; it is ten now."""
    made = assembly_of(database, settings_from(tmp_path))
    take(made, post(ANGRY, native_id=THREAD, thread_id=THREAD, at=NOW - HOUR))
    return made


def answered(acme: Assembly) -> None:
    own = post("We have replaced it.", native_id="ours", author="acme_care", parent_id=THREAD, thread_id=THREAD,
               at=NOW - 30 * MINUTE)  # fmt: skip
    with acme.database.transaction():
        acme.answers.take([own], NOW)
    assert case(acme.database, "1").state_at(NOW) == "answered"


def reply(text: str, author: str = "olga", **more: object) -> Post:
    more = {"native_id": f"{author}:{text}"[:60], "thread_id": THREAD, "parent_id": THREAD, "at": NOW, **more}
    return post(text, author=author, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "any news?",
        "hello??",
        "And?",
        "gibt es was Neues?",
        "des nouvelles ?",
        "¿alguna novedad?",
        "novità?",
        "al nieuws?",
    ],
)
@pytest.mark.parametrize("parent", [THREAD, "ours", ""])
def test_a_question_without_the_name_after_our_answer_waits_for_another(acme: Assembly, text: str, parent: str) -> None:
    answered(acme)
    take(acme, reply(text, parent_id=parent), now=NOW)
    assert case(acme.database, "1").state_at(NOW) == "open"
    assert mentions.of_case(acme.database, "1")[-1].verdict.reasons


@pytest.mark.parametrize("text", ["ok thanks", "it works now, thank you!", "lol"])
def test_thanks_below_our_answer_wait_for_nothing(acme: Assembly, text: str) -> None:
    answered(acme)
    take(acme, reply(text, parent_id="ours"), now=NOW)
    assert case(acme.database, "1").state_at(NOW) == "answered"


def test_what_is_asked_of_a_third_person_is_not_asked_of_us(acme: Assembly) -> None:
    answered(acme)
    take(acme, reply("any news?", parent_id="elsewhere", parent_author="helper"), now=NOW)
    assert case(acme.database, "1").state_at(NOW) == "answered"


def test_a_follow_up_in_the_batch_of_the_complaint_is_judged_with_it(database: Base, tmp_path: Path) -> None:
    acme = assembly_of(database, settings_from(tmp_path))
    take(acme, post(ANGRY, native_id="a", thread_id="a", at=NOW - HOUR),
         post("acme any news?", native_id="b", thread_id="a", parent_id="a", at=NOW))  # fmt: skip
    told = mentions.of_case(database, "1")
    assert [each.verdict.lane for each in told] == ["ping", "sweep"] or [each.verdict.lane for each in told] == [
        "ping"
    ] * 2
    assert case(database, "1").last_posted_at == NOW


def test_after_the_case_was_closed_it_is_a_case_of_its_own(acme: Assembly) -> None:
    solved = {"outcome": "solved"}
    say(acme.database, acme.rules, "1", "close", who="Ana", way="page", now=NOW - MINUTE, detail=solved)
    assert take(acme, reply("any news?"), now=NOW) == ["2"]
    assert mentions.of_case(acme.database, "2")[0].verdict.reasons == ("writes again",)


@pytest.mark.parametrize("text", ["+1", "Same here!", "same here @acme", "me too, acme", "bei mir auch", "moi aussi"])
def test_who_only_says_that_it_is_the_same_counts_in_the_story_and_has_no_case(acme: Assembly, text: str) -> None:
    take(acme, reply(text, author="mira"), now=NOW)
    assert count(acme.database, "cases") == 1
    (mira,) = [each for each in mentions.of_case(acme.database, "1") if each.post.author == "mira"]
    assert (mira.suppressed, mira.verdict.lane) == (SAME_TROUBLE, "none")
    row = cases.row_of(acme.database, "1")
    assert row is not None
    told = mentions.of_case(acme.database, "1")
    shown = case_words.facts_of(
        acme.rules, row, case(acme.database, "1"), told[0], [], NOW, same=case_words.same_trouble(told)
    )
    assert "1 other says the same" in shown


def test_who_says_more_than_that_to_us_has_a_case_in_the_story(acme: Assembly) -> None:
    take(acme, reply("same here @acme, since Monday it leaks, never again", author="mira"), now=NOW)
    assert case(acme.database, "2").story_id == case(acme.database, "1").story_id


def test_in_the_same_batch_too(database: Base, tmp_path: Path) -> None:
    acme = assembly_of(database, settings_from(tmp_path))
    take(acme, post(ANGRY, native_id=THREAD, thread_id=THREAD, at=NOW - HOUR), reply("+1 acme", author="mira"),
         reply("same here", author="joon"), reply("@acme me too", author="zoe"))  # fmt: skip
    assert count(database, "cases") == 1
    assert {each.post.author for each in mentions.of_case(database, "1")} == {"olga", "mira", "joon", "zoe"}


def test_a_trouble_told_under_a_complaint_counts_and_what_is_dangerous_is_a_case(acme: Assembly) -> None:
    take(acme, reply("Mine never arrived either, awful, and they ignore me", author="mira"), now=NOW)
    assert count(acme.database, "cases") == 1
    assert [each.suppressed for each in mentions.of_case(acme.database, "1")] == ["", SAME_TROUBLE]
    (hurt,) = take(acme, reply("Mine caught fire and burned my hand, I am in hospital", author="joon"), now=NOW)
    found = case(acme.database, hurt)
    assert (found.priority, found.story_id) == ("critical", case(acme.database, "1").story_id)


@pytest.mark.parametrize(
    "said",
    [
        reply("Lovely weather in Lisbon today.", author="stranger"),
        reply("Did you get it solved?", author="stranger"),
        reply("same here", author="stranger", parent_id="unknown", parent_author="somebody"),
        reply("same here", author="stranger", thread_id="another", parent_id="another"),
        reply("same here", author="acme_care"),
    ],
    ids=["weather", "asks her", "answers a third", "another talk", "ours"],
)
def test_what_is_no_business_of_ours_is_not_stored(acme: Assembly, said: Post) -> None:
    take(acme, said, now=NOW)
    assert count(acme.database, "posts") == 1
    assert count(acme.database, "mentions") == 1


def test_under_a_case_that_is_closed_nobody_is_counted(acme: Assembly) -> None:
    say(acme.database, acme.rules, "1", "close", who="Ana", way="page", now=NOW, detail={"outcome": "solved"})
    take(acme, reply("+1", author="mira"), now=NOW)
    assert count(acme.database, "posts") == 1


def test_whoever_joins_makes_the_story_grow_so_that_its_case_becomes_urgent(database: Base, tmp_path: Path) -> None:
    acme = assembly_of(database, settings_from(tmp_path))
    take(acme, post("@acme my parcel never arrived", native_id=THREAD, thread_id=THREAD, at=NOW - HOUR))
    assert case(database, "1").priority == "normal"
    for number in range(7):
        take(acme, reply("+1", author=f"c{number}", native_id=f"n{number}"), now=NOW)
    take(acme, reply("me too", author="c0", native_id="again"), now=NOW)  # one person, however often
    sizes = growing_stories(database, NOW - HOUR)
    assert list(sizes.values()) == [8]
    assert growth.thread_growth(database, acme.rules, sizes, NOW) == 1
    found = case(database, "1")
    assert (found.priority, found.priority_reasons[-1]) == ("urgent", "8 people write about this")


def test_two_brands_keep_their_own_conversations(database: Base, tmp_path: Path) -> None:
    acme = assembly_of(database, settings_from(tmp_path))
    take(acme, post(ANGRY, native_id=THREAD, thread_id=THREAD, at=NOW - HOUR))
    take(acme, reply("Globex same here", author="mira"), now=NOW)
    take(acme, reply("any news?"), now=NOW)
    assert {each.brand for each in mentions.of_case(database, "1")} == {"Acme"}


@pytest.mark.parametrize(
    "text", ["+1", "@acme same here!!", "Me too :(", "bei mir auch.", "moi aussi...", "anch'io", "+1 please"]
)
def test_only_the_same(text: str) -> None:
    assert only_same_trouble(text)


@pytest.mark.parametrize(
    "text", ["same here, since Monday it leaks", "+1 for the blue one over the red one", "", "What a day"]
)
def test_more_than_the_same(text: str) -> None:
    assert not only_same_trouble(text)


# -- what came along of the post above -------------------------------------------------------------------------------


def test_a_reply_is_judged_with_what_it_answers_where_that_came_along(database: Base, tmp_path: Path) -> None:
    acme = assembly_of(database, settings_from(tmp_path))
    words = "the same with my acme since monday, no idea why"
    alone, calm, below = acme.intake.judge_posts(
        [
            post(words, author="a", thread_id="t1", parent_id="p1"),
            post(words, author="b", thread_id="t2", parent_id="p2", parent_text=CALM),
            post(words, author="c", thread_id="t3", parent_id="p3", parent_text=ANGRY),
        ]
    )
    assert below.verdict.needs_answer > alone.verdict.needs_answer
    assert calm.verdict.needs_answer == alone.verdict.needs_answer


def test_what_a_post_answers_is_neither_stored_nor_a_mention(database: Base, tmp_path: Path) -> None:
    acme = assembly_of(database, settings_from(tmp_path))
    secret = f"{ANGRY} zanzibar"
    take(acme, post(LATE, parent_id="p1", thread_id="t1", parent_text=secret),
         post("nothing of ours", author="zoe", parent_id="p9", thread_id="t9", parent_text=secret))  # fmt: skip
    assert count(database, "posts") == count(database, "mentions") == 1
    stored = [dict(row) for row in database.rows("SELECT * FROM posts")]
    assert "zanzibar" not in str(stored)
