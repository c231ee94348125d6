"""From a post to a case: who shares a case, who shares a message, what opens nothing, and what hostile posts can do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors import Post
from monitor.cases import expiry
from monitor.cases.actions import say
from monitor.store import cases, deliveries_owed, finding, key_values, mentions
from monitor.store.case_log import of_case
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.helpers import (
    AGAIN,
    ANGRY,
    ASKING,
    BROKEN,
    CALM,
    CHURN,
    DAY,
    HOUR,
    INJURY,
    LATE,
    MINUTE,
    NOW,
    THANKS,
    Clock,
    case,
    count,
    deliver,
    lines,
    messages,
    post,
    take,
)

Base = Sqlite | Postgresql
HOSTILE = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "hostile"
LONG_THREAD = {"thread_id": "thread-1"}


def suppressed(acme: Assembly) -> dict[str, str]:
    """Author -> why there is no case."""
    return {row["author"]: row["suppressed"] for row in acme.database.rows("SELECT author, suppressed FROM mentions")}


# -- one case, several cases, one message ---------------------------------------------------------------------------


def test_one_author_in_one_conversation_is_one_case(acme: Assembly) -> None:
    assert take(acme, post(ANGRY, **LONG_THREAD), post(LATE, **LONG_THREAD), post(BROKEN, **LONG_THREAD)) == ["1"]
    row = cases.row_of(acme.database, "1")
    assert row is not None
    assert row["mentions"] == 3
    assert len(messages(acme.database)) == 1


def test_three_customers_in_one_thread_are_three_cases_and_one_message(
    acme: Assembly, capsys: pytest.CaptureFixture[str]
) -> None:
    opened = take(
        acme,
        post(ANGRY, author="olga", **LONG_THREAD),
        post(LATE, author="mira", **LONG_THREAD),
        post(BROKEN, author="joon", **LONG_THREAD),
    )
    assert opened == ["1", "2", "3"]
    assert {case(acme.database, each).story_id for each in opened} == {"1"}
    # Each joined with words of their own, so each has a row: while the story's message waits, it names them all.
    assert sorted(row.about for row in messages(acme.database)) == ["join:2", "join:3", "story:1"]
    deliver(acme, Clock(NOW + HOUR))
    assert {row.state for row in messages(acme.database)} == {"sent"}
    (story,) = [row for row in messages(acme.database) if not row.carrier]
    assert {row.carrier for row in messages(acme.database)} == {"", story.id}
    heard = capsys.readouterr().out
    assert (heard.count("one story"), *(heard.count(f"@{who} on forum") for who in ("olga", "mira", "joon"))) == (
        1,
    ) * 4


def test_reposts_and_cross_posts_are_one_story_and_another_complaint_has_its_own(acme: Assembly) -> None:
    """Forty reposts and three cross-posts: one message that speaks of 43; a different complaint is not drowned."""
    words = "Acme cancelled my order without a word and kept the money for three weeks, unacceptable"
    reposts = [post(f"RT @olga: {words}", author=f"reader{n}", source="chirp") for n in range(40)]
    crossed = [post(words, author=f"olga{n}", source="forum") for n in range(3)]
    other = post(BROKEN, author="zoe", source="chirp")
    opened = take(acme, *reposts, other, *crossed)
    assert len(opened) == 44
    stories = acme.database.rows("SELECT story_id, count(*) AS n FROM cases GROUP BY story_id ORDER BY n")
    assert [row["n"] for row in stories] == [1, 43]
    assert len(messages(acme.database)) == 2


def test_reposts_that_come_in_later_pages_join_the_story_that_stands(acme: Assembly) -> None:
    words = "Acme cancelled my order without a word and kept the money for three weeks, unacceptable"
    for page in range(4):
        take(acme, *(post(f"RT @olga: {words}", author=f"r{page}-{n}") for n in range(5)), now=NOW + page * MINUTE)
    assert count(acme.database, "cases") == 20
    assert count(acme.database, "stories") == 1
    assert len(messages(acme.database)) == 1


FIRE = "Acme my charger caught fire last night, smoke everywhere"


def test_while_a_critical_story_is_open_other_voices_of_the_same_harm_join_it(acme: Assembly) -> None:
    take(acme, post(FIRE, author="olga"), post("the Acme charger melted as well", author="kim", source="chirp"))
    take(acme, post("@acme same here, mine smokes too", author="zoe"), now=NOW + MINUTE)
    said = ("Acme charger in flames at no. {}", "mine is smoking too @acme, no. {}", "my acme charger melted, {}")
    take(acme, *(post(said[n % 3].format(n), author=f"c{n}") for n in range(40)), now=NOW + MINUTE)
    (own,) = take(acme, post("@acme my charger burned my hand too, it caught fire", author="mira"), now=NOW + MINUTE)
    take(acme, post("Acme charger arrived broken, awful", author="joon"), now=NOW + MINUTE)
    stories = {row["author"]: row["story_id"] for row in acme.database.rows("SELECT author, story_id FROM cases")}
    assert len(stories) == 45
    assert {who for who, story in stories.items() if story != stories["olga"]} == {"joon"}
    # Whoever is hurt has a case and an alert of their own, which waits for nothing.
    assert case(acme.database, own).priority == "critical"
    assert f"join:{own}" in {row.about for row in messages(acme.database) if row.due_at <= NOW + MINUTE}
    deliver(acme, Clock(NOW + 5 * MINUTE))
    assert len([row for row in messages(acme.database) if row.state == "sent" and not row.carrier]) <= 4


def test_once_a_critical_story_is_answered_or_closed_the_next_such_post_calls_anew(acme: Assembly) -> None:
    melted = ("the Acme charger melted as well", "my Acme charger is in flames, too")
    (first,) = take(acme, post(FIRE, author="olga"))
    cases.change(acme.database, first, answered_at=NOW, answered_by="ANA")
    (second,) = take(acme, post(melted[0], author="kim"), now=NOW + HOUR)
    assert case(acme.database, second).story_id == second
    for each in (first, second):
        cases.change(acme.database, each, closed_at=NOW + HOUR, closed_by="ANA", outcome="solved")
    (third,) = take(acme, post(melted[1], author="zoe", ago=-HOUR), now=NOW + 2 * HOUR)
    assert case(acme.database, third).story_id == third


def test_twenty_identical_posts_by_one_author_are_one_case(acme: Assembly) -> None:
    assert len(take(acme, *(post(ANGRY, native_id=f"same{n}") for n in range(20)))) == 1
    assert count(acme.database, "mentions", "case_id = '1'") == 20


def test_two_strangers_who_both_hide_their_names_have_a_case_each(acme: Assembly) -> None:
    assert len(take(acme, post(ANGRY, author=""), post(BROKEN, author=""))) == 2


def test_a_post_about_two_brands_is_a_mention_and_a_case_of_each(acme: Assembly) -> None:
    opened = take(acme, post("Acme and Globex both charged me for the wrong box, terrible, nobody answers"))
    assert sorted(case(acme.database, each).brand for each in opened) == ["Acme", "Globex"]
    assert count(acme.database, "posts") == 1
    assert count(acme.database, "mentions") == 2


def test_the_same_author_in_another_conversation_with_other_words_has_another_case(acme: Assembly) -> None:
    assert take(acme, post(ANGRY, thread_id="a"), post(BROKEN, thread_id="b")) == ["1", "2"]


def test_what_is_written_after_a_case_was_closed_opens_a_new_one(acme: Assembly) -> None:
    take(acme, post(ANGRY, **LONG_THREAD))
    cases.change(acme.database, "1", closed_at=NOW, closed_by="ANA", outcome="solved")
    assert take(acme, post(LATE, ago=-MINUTE, **LONG_THREAD), now=NOW + HOUR) == ["2"]


def test_somebody_who_writes_again_need_not_name_the_brand_again(acme: Assembly) -> None:
    take(acme, post(ANGRY, **LONG_THREAD))
    again = acme.intake.take([post("Hello? I am still waiting, this is ridiculous", **LONG_THREAD)], NOW + HOUR)
    assert (again.matched, again.new, again.opened) == (1, 1, [])
    stranger = acme.intake.take([post("Lovely weather in Leeds today", author="zoe", **LONG_THREAD)], NOW + HOUR)
    assert stranger.matched == 0
    waits_too = acme.intake.take([post("Hello? still waiting", author="kim", **LONG_THREAD)], NOW + HOUR)
    assert (waits_too.matched, waits_too.opened) == (1, []), "it counts with the complaint above it"


# -- twice ----------------------------------------------------------------------------------------------------------


def test_the_same_page_three_times_leaves_nothing_twice(acme: Assembly) -> None:
    page = [post(ANGRY, author="olga"), post(CALM, author="paul"), post(INJURY, author="mira"), post("nothing of ours")]
    clock = Clock(NOW)
    seen = []
    for _ in range(3):
        acme.intake.take(page, clock())
        deliver(acme, clock, MINUTE)
        clock.forward(HOUR)
        tables = ("posts", "mentions", "cases", "stories", "case_log", "deliveries")
        seen.append({table: count(acme.database, table) for table in tables})
    assert seen[0]["mentions"] == 3
    assert seen[0] == seen[1] == seen[2]


def test_a_post_that_stands_twice_on_one_page_is_kept_once(acme: Assembly) -> None:
    one = post(ANGRY, native_id="dup")
    taken = acme.intake.take([one, one, replace(one, text=LATE)], NOW)
    assert (taken.new, count(acme.database, "posts"), count(acme.database, "mentions")) == (1, 1, 1)


def test_an_edit_that_changes_nothing_for_us_refreshes_the_words(acme: Assembly) -> None:
    calm = post(CALM, native_id="edited")
    take(acme, calm)
    assert take(acme, replace(calm, text=CALM.replace("Leeds", "Ghent"), edited_at=NOW), now=NOW + MINUTE) == []
    assert [each.post.text for each in finding.find(acme.database, finding.Filter(search="Ghent"))]


# -- what opens nothing, and why ------------------------------------------------------------------------------------


def test_every_unhappy_post_without_a_case_has_its_reason(acme: Assembly) -> None:
    with acme.database.transaction():
        key_values.add_mute(acme.database, "Acme", "author", "forum/muted_one", "ANA", NOW)
        key_values.add_mute(acme.database, "", "thread", "forum/loud", "ANA", NOW)
        key_values.add_mute(acme.database, "Acme", "domain", "spam.example", "ANA", NOW)
    opened = take(
        acme,
        post(ANGRY, author="@Acme_Staff"),
        post(ANGRY, author="acme_care"),
        post(ANGRY, author="editor", source="news"),
        post(ANGRY, author="muted_one"),
        post(ANGRY, author="in_thread", thread_id="loud"),
        post(ANGRY, author="spammer", url="https://www.spam.example/1"),
    )
    assert opened == []
    assert suppressed(acme) == {
        "@Acme_Staff": "an ignored author",
        "acme_care": "our own post",
        "editor": "for your information",
        "muted_one": "author muted",
        "in_thread": "thread muted",
        "spammer": "domain muted",
    }
    assert mentions.count_orphans(acme.database, NOW + DAY) == 0
    assert messages(acme.database) == []


def test_a_calm_post_is_kept_and_opens_nothing(acme: Assembly) -> None:
    assert take(acme, post(THANKS)) == []
    assert count(acme.database, "mentions") == 1


def test_old_posts_open_quiet_cases_and_nobody_is_told(acme: Assembly) -> None:
    (opened,) = take(acme, post(ANGRY, ago=3 * DAY))
    old = case(acme.database, opened)
    assert old.quiet
    assert old.next_step_at is None
    assert messages(acme.database) == []


def test_somebody_whose_case_was_quiet_history_and_who_writes_now_is_told(acme: Assembly) -> None:
    take(acme, post(ANGRY, ago=3 * DAY, **LONG_THREAD))
    take(acme, post(LATE, **LONG_THREAD))
    assert not case(acme.database, "1").quiet
    assert [row.about for row in messages(acme.database)] == ["story:1"]


def test_what_only_may_need_an_answer_is_a_case_that_pings_nobody(acme: Assembly) -> None:
    (opened,) = take(acme, post(ASKING))
    assert case(acme.database, opened).lane == "sweep"
    assert messages(acme.database) == []


# -- writing again --------------------------------------------------------------------------------------------------


def answered(acme: Assembly, at: datetime) -> None:
    """The brand has answered case 1."""
    parent = acme.database.rows("SELECT native_id FROM posts ORDER BY posted_at, native_id")[0]["native_id"]
    reply = post("So sorry! Fixed now.", author="acme_care", parent_id=parent, at=at)
    with acme.database.transaction():
        assert acme.answers.take([reply], at) == 1


def test_an_answered_customer_who_writes_again_starts_the_next_clock_and_is_told(acme: Assembly) -> None:
    take(acme, post(ANGRY, **LONG_THREAD))
    answered(acme, NOW + HOUR)
    assert case(acme.database, "1").state_at(NOW + HOUR) == "answered"
    assert take(acme, post(AGAIN, at=NOW + 2 * HOUR, **LONG_THREAD), now=NOW + 2 * HOUR) == []
    again = case(acme.database, "1")
    assert again.state_at(NOW + 2 * HOUR) == "open"
    assert again.due_at == NOW + 6 * HOUR  # the target of a next answer, from the new post on
    assert [row.reason for row in messages(acme.database) if row.action == "post"] == ["new", "writes again"]
    assert lines(acme.database, "1")[-1] == "again"


def test_thanks_after_an_answer_starts_no_clock_and_tells_nobody(acme: Assembly) -> None:
    take(acme, post(ANGRY, **LONG_THREAD))
    answered(acme, NOW + HOUR)
    before = len(messages(acme.database))
    take(acme, post(THANKS, at=NOW + 2 * HOUR, **LONG_THREAD), now=NOW + 2 * HOUR)
    assert case(acme.database, "1").state_at(NOW + 2 * HOUR) == "answered"
    assert len(messages(acme.database)) == before


@pytest.mark.parametrize(("words", "better"), [(THANKS, True), (AGAIN, False)])
def test_the_first_words_after_a_closed_case_say_whether_its_outcome_held(
    acme: Assembly, words: str, better: bool
) -> None:
    take(acme, post(ANGRY, **LONG_THREAD))
    say(acme.database, acme.rules, "1", "close", who="Ana", way="page", now=NOW + HOUR, detail={"outcome": "solved"})
    take(acme, post(words, at=NOW + 2 * HOUR, **LONG_THREAD), now=NOW + 2 * HOUR)
    take(acme, post(CALM, at=NOW + 3 * HOUR, **LONG_THREAD), now=NOW + 3 * HOUR)  # only the first ones count
    told = [line.detail["better"] for line in of_case(acme.database, "1") if line.what == "next words"]
    assert told == [better]


def test_a_normal_case_that_turns_critical_is_told_again_at_once_and_gets_the_critical_chain(acme: Assembly) -> None:
    take(acme, post(ANGRY, **LONG_THREAD))
    clock = Clock(NOW + 2 * MINUTE)
    deliver(acme, clock)
    assert case(acme.database, "1").priority == "normal"
    take(acme, post(INJURY, at=NOW + 5 * MINUTE, **LONG_THREAD), now=NOW + 5 * MINUTE)
    worse = case(acme.database, "1")
    assert worse.priority == "critical"
    assert worse.next_step_at == NOW + 10 * MINUTE  # the next person five minutes after the post
    told = [row for row in messages(acme.database) if row.reason == "critical now"]
    assert [(row.urgent, row.due_at) for row in told] == [(True, NOW + 5 * MINUTE)]


def test_a_reply_that_was_seen_before_its_post_answers_it_as_soon_as_it_comes(acme: Assembly) -> None:
    reply = post("Sorry to hear that, fixed.", author="acme_care", parent_id="late-one", at=NOW + MINUTE)
    with acme.database.transaction():
        assert acme.answers.take([reply], NOW + MINUTE) == 0
    take(acme, post(ANGRY, native_id="late-one", at=NOW), now=NOW + 2 * MINUTE)
    found = case(acme.database, "1")
    assert found.answered_at == NOW + MINUTE
    clock = Clock(NOW + HOUR)
    deliver(acme, clock)
    assert [row.state for row in messages(acme.database)] == ["dead"]  # overtaken: nobody is told
    assert deliveries_owed.dead(acme.database) == []


def test_a_reply_inside_a_review_stops_its_clock(acme: Assembly) -> None:
    review = post(ANGRY, rating=1.0, at=NOW - 2 * HOUR, reply_text="Sorry, version 5 mends it", replied_at=NOW - HOUR)
    (opened,) = take(acme, review)
    assert case(acme.database, opened).answered_at == NOW - HOUR


def test_a_reply_dated_before_its_review_counts_zero_and_is_marked(acme: Assembly) -> None:
    review = post(ANGRY, rating=1.0, at=NOW - HOUR, reply_text="Sorry, version 5 mends it", replied_at=NOW - DAY)
    (opened,) = take(acme, review)
    row = cases.row_of(acme.database, opened)
    assert row is not None
    assert (row["backdated"], row["answered_at"]) == (1, row["first_posted_at"])


def test_a_review_that_is_answered_later_is_answered_when_it_is_read_again(acme: Assembly) -> None:
    review = post(ANGRY, rating=1.0)
    take(acme, review)
    assert case(acme.database, "1").answered_at is None
    take(acme, replace(review, reply_text="Sorry, version 5 mends it", replied_at=NOW + HOUR), now=NOW + 2 * HOUR)
    assert case(acme.database, "1").answered_at == NOW + HOUR


def test_a_changed_review_is_the_next_word_of_its_author(acme: Assembly) -> None:
    """Answered, then changed for the worse: the clock runs again from the change, once, until it is answered again."""
    review = post(ANGRY, rating=2.0, at=NOW - DAY, reply_text="Sorry, version 5 mends it", replied_at=NOW - HOUR)
    (opened,) = take(acme, review)
    assert case(acme.database, opened).answered_at == NOW - HOUR
    worse = replace(review, text=BROKEN, rating=1.0, edited_at=NOW + HOUR)
    for later in (2, 3):
        assert take(acme, worse, now=NOW + later * HOUR) == []
        waiting = case(acme.database, opened)
        assert (waiting.last_posted_at, waiting.answered_at) == (NOW + HOUR, NOW - HOUR)
        assert waiting.due_at is not None
        assert waiting.due_at > NOW + HOUR
    again = replace(worse, reply_text="Version 6 is out and mends it, please update", replied_at=NOW + 4 * HOUR)
    take(acme, again, now=NOW + 5 * HOUR)
    assert case(acme.database, opened).answered_at == NOW + 4 * HOUR
    assert count(acme.database, "mentions") == 1
    assert [each.case_id for each in finding.find(acme.database, finding.Filter())] == [opened]


@pytest.mark.parametrize("told", [True, False])
def test_stars_taken_away_after_the_case_was_closed_are_not_answered_by_the_reply_of_before(
    acme: Assembly, told: bool
) -> None:
    """The network goes on showing it. `told`: it says when a review was changed, beside when it was written."""
    review = post(ANGRY, rating=2.0, at=NOW - DAY, reply_text="Sorry, version 5 mends it", replied_at=NOW - HOUR)
    (first,) = take(acme, review)
    expiry.close_over(acme.database, acme.rules.settings.earful, NOW + 20 * DAY)
    assert case(acme.database, first).outcome == "answered"
    changed = NOW + 30 * DAY
    moment = {"edited_at": changed} if told else {"posted_at": changed}
    worse = replace(review, text=BROKEN, rating=1.0, **moment)
    (second,) = take(acme, worse, now=changed)
    take(acme, worse, now=changed + HOUR)
    assert case(acme.database, second).state_at(changed + HOUR) == "open"
    again = replace(worse, reply_text="Version 6 is out and mends it", replied_at=changed + 2 * HOUR)
    take(acme, again, now=changed + 3 * HOUR)
    assert case(acme.database, second).answered_at == changed + 2 * HOUR


def test_stars_taken_away_open_a_case_where_there_was_none(acme: Assembly) -> None:
    """And the network's own time of the change is taken, or the moment when it is seen."""
    kind, blunt, late = (post(CALM, rating=5.0, author=name, at=NOW - 3 * DAY) for name in ("kim", "bo", "lu"))
    assert take(acme, kind, blunt, late) == []
    moved = replace(blunt, rating=1.0, posted_at=NOW + 2 * MINUTE)
    changed = (replace(kind, rating=1.0, edited_at=NOW + MINUTE), moved, replace(late, rating=1.0))
    opened = take(acme, *changed, now=NOW + HOUR)
    times = [case(acme.database, each).first_posted_at for each in opened]
    assert times == [NOW + MINUTE, NOW + 2 * MINUTE, NOW + HOUR]
    found = {each.post.author: each for each in finding.find(acme.database, finding.Filter())}
    assert [(found[name].verdict.lane, found[name].flagged) for name in ("kim", "bo")] == [("ping", True)] * 2
    assert [found[name].case_id for name in ("kim", "bo", "lu")] == opened
    assert found["kim"].post.rating == 1.0


@pytest.mark.parametrize("edited_at", [NOW + MINUTE, None])
def test_a_post_that_is_edited_into_a_complaint_opens_a_case(acme: Assembly, edited_at: datetime | None) -> None:
    """Whoever posts a picture and adds an hour later what is wrong with it was heard by nobody."""
    said = post(CALM, at=NOW - 3 * DAY)
    assert take(acme, said) == []
    worse = replace(said, text=f"{CALM}\nEDIT: {ANGRY}", edited_at=edited_at)
    (opened,) = take(acme, worse, now=NOW + HOUR)
    assert case(acme.database, opened).first_posted_at == (edited_at or NOW + HOUR)
    assert take(acme, worse, now=NOW + 2 * HOUR) == [], "once"
    (mention,) = finding.find(acme.database, finding.Filter())
    assert (mention.verdict.lane, mention.case_id, count(acme.database, "mentions")) == ("ping", opened, 1)
    assert case(acme.database, opened).due_at is not None
    assert len(messages(acme.database)) == 1


@pytest.mark.parametrize("ours", [False, True])
@pytest.mark.parametrize(
    ("text", "again"),
    [
        (ANGRY.replace("terrible", "terible"), False),
        (f"{ANGRY} EDIT: it is sorted now, thank you!", False),
        (f"{ANGRY} Edit: spelling.", False),
        (f"{ANGRY}\n\nUPDATE: still nothing after three days, nobody answers me.", True),
    ],
)
def test_what_is_added_to_a_complaint_is_its_authors_next_word(
    acme: Assembly, text: str, *, again: bool, ours: bool
) -> None:
    """After our answer the clock runs again; a corrected word, and thanks, are none."""
    said = post(ANGRY)
    (opened,) = take(acme, said)
    if ours:
        say(acme.database, acme.rules, opened, "answered", who="Ana", way="page", now=NOW + MINUTE)
    before = case(acme.database, opened)
    for later in (1, 2):
        assert take(acme, replace(said, text=text, edited_at=NOW + HOUR / 2), now=NOW + later * HOUR) == []
    after = case(acme.database, opened)
    assert after.last_posted_at == (NOW + HOUR / 2 if again else before.last_posted_at)
    assert (after.state_at(NOW + HOUR) == "answered") == (ours and not again)
    assert (after.due_at != before.due_at) == (ours and again)
    assert finding.find(acme.database, finding.Filter())[0].verdict.lane == "ping"


def test_a_feed_that_shows_other_words_at_every_read_is_no_next_word(acme: Assembly) -> None:
    """Excerpts and "5 hours ago" change without anybody writing; harm is heard all the same."""
    said = post(ANGRY)
    (opened,) = take(acme, said)
    say(acme.database, acme.rules, opened, "answered", who="Ana", way="page", now=NOW + MINUTE)
    for number, words in enumerate((LATE, BROKEN, LATE), 1):
        take(acme, replace(said, text=f"{ANGRY} {words}"), now=NOW + number * HOUR)
    assert case(acme.database, opened).state_at(NOW + 4 * HOUR) == "answered"
    take(acme, replace(said, text=f"{ANGRY} {INJURY}"), now=NOW + 5 * HOUR)
    assert case(acme.database, opened).priority == "critical"


def test_harm_that_is_added_to_a_complaint_calls_people(acme: Assembly) -> None:
    said = post(ANGRY)
    (opened,) = take(acme, said)
    take(acme, replace(said, text=f"{ANGRY} EDIT: {INJURY}", edited_at=NOW + HOUR), now=NOW + HOUR)
    assert case(acme.database, opened).priority == "critical"


def test_harm_that_is_added_within_a_sentence_without_end_calls_people(acme: Assembly) -> None:
    """Who writes without full stops adds no sentence: then what the whole says now is graver than what it said."""
    said = post(f"{ANGRY.replace('.', ' and')} i have written to them about it again and again all this week and last")
    (opened,) = take(acme, said)
    take(acme, replace(said, text=f"{said.text} and {INJURY}", edited_at=NOW + HOUR), now=NOW + HOUR)
    assert case(acme.database, opened).priority == "critical"


def test_a_corrected_word_is_none_however_the_judge_of_today_hears_the_rest(acme: Assembly) -> None:
    """A judge that learned since would open a case, dated now, for each old post whose network counts its views."""
    said = post(ANGRY, at=NOW - 20 * DAY)
    take(acme, replace(said, text=CALM))
    acme.database.run("UPDATE posts SET text = :text", {"text": said.text})
    assert take(acme, replace(said, text=ANGRY.replace("terrible.", "terrible!"))) == []


@pytest.mark.parametrize("edited_at", [NOW - HOUR, None])
def test_a_post_that_is_shown_now_in_part_and_now_as_a_whole_is_written_anew_once(
    acme: Assembly, edited_at: datetime | None
) -> None:
    """Two feeds of one site do: harm in its second half would have called people at each reading."""
    part = post(ANGRY, at=NOW - DAY)
    whole = replace(part, text=f"{ANGRY}\n\n{INJURY}", edited_at=edited_at)
    (opened,) = take(acme, part)
    take(acme, whole, now=NOW + MINUTE)
    say(acme.database, acme.rules, opened, "answered", who="Ana", way="page", now=NOW + 2 * MINUTE)
    before = case(acme.database, opened)
    for number in range(1, 9):
        take(acme, part if number % 2 else whole, now=NOW + number * HOUR / 2)
    assert case(acme.database, opened) == before


def test_edits_of_those_of_whom_nobody_is_told_open_nothing(acme: Assembly) -> None:
    ours, staff = post(CALM, author="acme_care"), post(CALM, author="acme_staff")
    take(acme, ours, staff)
    edited = [replace(each, text=f"{CALM} EDIT: {ANGRY}", edited_at=NOW + MINUTE) for each in (ours, staff)]
    assert take(acme, *edited, now=NOW + HOUR) == []
    assert suppressed(acme) == {"acme_care": "our own post", "acme_staff": "an ignored author"}


def test_the_third_contact_in_thirty_days_is_urgent_and_says_so(acme: Assembly) -> None:
    for days, words in ((20, ANGRY), (10, LATE), (0, BROKEN)):
        moment = NOW - days * DAY
        take(acme, post(words, thread_id=f"t{days}", at=moment), now=moment)
    third = case(acme.database, "3")
    assert third.priority == "urgent"
    assert "third contact in 30 days" in third.priority_reasons


def test_a_second_post_in_the_same_case_is_no_second_contact(acme: Assembly) -> None:
    take(acme, post(ANGRY, **LONG_THREAD))
    take(acme, post(LATE, **LONG_THREAD), now=NOW + MINUTE)
    assert case(acme.database, "1").priority == "normal"


def test_churn_words_make_a_case_urgent(acme: Assembly) -> None:
    (opened,) = take(acme, post(CHURN))
    assert case(acme.database, opened).priority == "urgent"


def test_a_critical_post_waits_for_no_group(acme: Assembly) -> None:
    take(acme, post(INJURY))
    (row,) = messages(acme.database)
    assert (row.urgent, row.due_at) == (True, NOW)


# -- hostile --------------------------------------------------------------------------------------------------------

NASTY = [
    "\x00Acme\x00 is terrible and broken\x00",
    "Acme \ud800 broken \udfff terrible \ud83d",
    "Acme\u2028broken\u2029terrible\x85worst",
    "<!channel> <@U1> <script>alert(1)</script> Acme is broken and terrible",
    "'; DROP TABLE posts; -- Acme terrible %s %(x)s :name ? {0} {{7*7}}",
    "Acme terrible " + "\u0301" * 10_000,
    "\u202eAcme terrible broken\u202c \ufeff",
    "Acme terrible " * 14_000,
    "Acme " + "x" * 200_000 + " terrible",
]


def hostile(text: str, number: int) -> Post:
    """The text in every field that a network fills."""
    return Post(
        source="forum",
        native_id=f"{text}{number}",
        url=text,
        author=text,
        text=text,
        posted_at=NOW - MINUTE,
        author_name=text,
        title=text,
        lang=text,
        reach=2**70,
        rating=float("nan"),
        parent_id=text,
        thread_id=text,
        raw=text,
        reply_text=text,
    )


def test_hostile_text_in_every_field_is_stored_told_and_found(acme: Assembly) -> None:
    posts = [hostile(text, number) for number, text in enumerate(NASTY)]
    taken = acme.intake.take(posts, NOW)
    assert (taken.seen, taken.new) == (len(NASTY), len(NASTY))
    again = acme.intake.take(posts, NOW + MINUTE)
    assert again.new == 0
    clock = Clock(NOW + 2 * MINUTE)
    deliver(acme, clock)
    assert {row.state for row in messages(acme.database)} == {"sent"}
    for each in finding.find(acme.database, finding.Filter()):
        assert "\x00" not in each.post.text
        each.post.text.encode("utf-8")


@pytest.mark.shared_data
def test_the_list_of_naughty_strings_goes_in_and_comes_out(acme: Assembly) -> None:
    file = HOSTILE / "naughty_strings.json"
    if not file.exists():
        pytest.skip(f"NOT TESTED: the list of naughty strings is not at {file}")
    words = [str(each) for each in json.loads(file.read_text("utf-8"))]
    posts = [
        post(f"Acme terrible broken {each}", author=each, native_id=f"{number}{each}", thread_id=each, title=each)
        for number, each in enumerate(words)
    ]
    taken = acme.intake.take(posts, NOW)
    assert (taken.seen, taken.new) == (len(words), len(words))


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2199, 1, 1, tzinfo=UTC),
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(1, 1, 1, tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
    ],
    ids=str,
)
def test_a_post_from_another_time_is_kept_and_can_still_be_answered(acme: Assembly, moment: datetime) -> None:
    (opened,) = take(acme, post(ANGRY, native_id="odd", at=moment))
    found = case(acme.database, opened)
    assert datetime(1970, 1, 1, tzinfo=UTC) <= found.first_posted_at <= NOW
    answered(acme, NOW + HOUR)
    assert case(acme.database, opened).state_at(NOW + HOUR) == "answered"
    assert take(acme, post(AGAIN, at=NOW + 2 * HOUR, thread_id="odd"), now=NOW + 2 * HOUR) == []
    assert case(acme.database, opened).state_at(NOW + 2 * HOUR) == "open"


@pytest.mark.parametrize("native", ["", "\x00", "a" * 100_000, "é\u0301/../..%2e?x=1&y='\"", "\ud800"], ids=repr)
def test_a_weird_id_is_a_key_that_holds(acme: Assembly, native: str) -> None:
    odd = replace(post(ANGRY), native_id=native)
    assert len(take(acme, odd, replace(odd, author="mira", text=BROKEN, native_id=f"{native}2"))) == 2
    assert take(acme, odd) == []
    assert count(acme.database, "posts") == 2


@pytest.mark.parametrize("url", ["http://[", "http://[::1", "https://a\x00b", "https://" + "a" * 100_000])
def test_an_address_that_is_none_loses_no_post(acme: Assembly, url: str) -> None:
    assert take(acme, replace(post(ANGRY), url=url)) == ["1"]


def test_the_chunks_of_a_long_page_are_all_stored_and_the_cursor_comes_with_the_last(acme: Assembly) -> None:
    seen: list[int] = []

    def endless() -> Iterator[Post]:
        for number in range(450):
            yield post(f"Acme shop number {number} has a lovely window", author=f"a{number}")

    taken = acme.intake.take(endless(), NOW, last=lambda: seen.append(count(acme.database, "mentions")))
    assert taken.new == 450
    assert seen == [450]  # inside the last transaction, after its rows


def test_a_fault_in_the_last_step_takes_its_chunk_with_it(acme: Assembly) -> None:
    """The cursor and the rows of its page stand or fall together."""

    def fail() -> None:
        raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError):
        acme.intake.take([post(ANGRY)], NOW, last=fail)
    assert [count(acme.database, table) for table in ("posts", "mentions", "cases", "deliveries")] == [0, 0, 0, 0]


def test_a_burst_of_two_thousand_from_one_page_is_stored_and_owes_one_message_a_story(acme: Assembly) -> None:
    words = "Acme lost my parcel again and support hangs up on me, this is a disgrace"
    taken = acme.intake.take(
        (post(words, author=f"a{n}", at=NOW - timedelta(seconds=n % 50)) for n in range(2_000)), NOW
    )
    assert taken.new == 2_000
    assert count(acme.database, "stories") == 1
    assert len(messages(acme.database)) == 1
