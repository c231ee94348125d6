"""What leaves next: grouped into stories and briefs, held back at night and beyond the hour's measure, the worst first.

What was told is read from the ledgers of a loopback Slack and a loopback mail server, on both databases.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitor.cases.actions import say
from monitor.store import cases, deliveries, deliveries_owed, mentions
from monitor.store.database import stamp
from tests.alerting_helpers import Base, distinct, edited, flagged, house, named, posted
from tests.fakes.slack import FakeSlack
from tests.fakes.smtp import FakeSmtp
from tests.helpers import (
    AGAIN,
    ANGRY,
    BROKEN,
    CALM,
    DAY,
    HOUR,
    INJURY,
    MINUTE,
    NOW,
    Clock,
    case,
    count,
    deliver,
    messages,
    post,
    take,
)

SECOND = timedelta(seconds=1)


# -- grouping -------------------------------------------------------------------------------------------------------


def test_a_case_is_told_once_when_its_group_has_waited(database: Base, tmp_path: Path, slack: FakeSlack) -> None:
    acme = house(database, tmp_path, slack)
    take(acme, post(ANGRY))
    clock = Clock(NOW + timedelta(seconds=59))
    assert deliver(acme, clock) == 0
    clock.forward(SECOND)
    assert deliver(acme, clock) == 1
    (message,) = slack.messages
    assert "charged me for the wrong box" in slack.reads(message)
    assert named(slack) == flagged(database)
    clock.forward(DAY)
    assert deliver(acme, clock) == 0
    assert len(slack.accepted) == 1


def test_a_critical_case_is_told_at_once(database: Base, tmp_path: Path, slack: FakeSlack) -> None:
    acme = house(database, tmp_path, slack)
    take(acme, post(INJURY))
    assert deliver(acme, Clock()) == 1


def test_a_burst_is_one_brief_with_the_worst_five_a_count_and_every_mention_named(
    database: Base, tmp_path: Path, slack: FakeSlack
) -> None:
    acme = house(database, tmp_path, slack)
    take(acme, *(post(distinct(n), author=f"c{n}") for n in range(60)))
    called = count(database, "cases", "lane = 'ping'")
    assert count(database, "stories") > 15
    clock = Clock(NOW + MINUTE)
    deliver(acme, clock)
    (brief,) = posted(slack)
    assert int(brief["text"].partition(" cases")[0]) >= called > 30
    assert named(slack) >= flagged(database)
    problems = count(database, "problems")  # what several people share is one message for all of it, an hour later
    assert problems > 1
    assert deliver(acme, clock.forward(HOUR) and clock) == 1
    assert f"{problems} problems, {problems} not taken" in posted(slack)[1]["text"]
    assert slack.reads(posted(slack)[1]).count("people in 24 hours") == problems
    assert deliver(acme, clock.forward(HOUR) and clock) == 0
    assert {row.state for row in messages(database)} == {"sent"}


def test_what_comes_after_a_brief_comes_in_one_of_its_own_with_only_what_is_new(
    database: Base, tmp_path: Path, slack: FakeSlack
) -> None:
    acme = house(database, tmp_path, slack)
    take(acme, *(post(distinct(n), author=f"c{n}") for n in range(10)))
    clock = Clock(NOW + MINUTE)
    deliver(acme, clock)
    take(acme, *(post(distinct(n), author=f"c{n}") for n in range(10, 20)), now=clock())
    before = named(slack)
    while clock() < NOW + 10 * MINUTE:
        clock.forward(MINUTE)
        deliver(acme, clock)
    first, second = posted(slack)
    assert named(slack) == flagged(database)
    assert not set(second["metadata"]["event_payload"]["mentions"]) & before
    assert first["ts"] != second["ts"]
    assert {row.state for row in messages(database)} == {"sent"}


def test_a_story_that_grows_is_edited_in_place_and_at_most_every_five_minutes(
    database: Base, tmp_path: Path, slack: FakeSlack
) -> None:
    acme = house(database, tmp_path, slack)
    words = "Acme cancelled my order without a word and kept the money for three weeks"
    take(acme, post(words, author="first"))
    clock = Clock(NOW + MINUTE)
    deliver(acme, clock)
    for minute in range(1, 10):
        clock.now = NOW + MINUTE + minute * MINUTE
        take(acme, post(f"RT @first: {words}", author=f"r{minute}", at=clock()), now=clock())
        deliver(acme, clock)
    clock.forward(5 * MINUTE)
    deliver(acme, clock)
    assert len(posted(slack)) == 1
    assert len(edited(slack)) <= 3
    assert "10 people, one story" in slack.reads(slack.messages[0])
    assert len(named(slack)) == 10


def test_an_answer_in_between_cancels_what_was_not_yet_told(database: Base, tmp_path: Path, slack: FakeSlack) -> None:
    acme = house(database, tmp_path, slack)
    take(acme, post(ANGRY, native_id="first"))
    with database.transaction():
        acme.answers.take(
            [
                post(
                    "The second charge is on its way back to you, sorry!", author="acme_care", parent_id="first", at=NOW
                )
            ],
            NOW,
        )
    deliver(acme, Clock(NOW + HOUR))
    assert slack.requests == []
    assert deliveries_owed.dead(database) == []


def test_an_answer_edits_the_message_that_was_told(database: Base, tmp_path: Path, slack: FakeSlack) -> None:
    acme = house(database, tmp_path, slack)
    take(acme, post(ANGRY, native_id="first"))
    clock = Clock(NOW + MINUTE)
    deliver(acme, clock)
    with database.transaction():
        acme.answers.take(
            [
                post(
                    "The second charge is on its way back to you, sorry!",
                    author="acme_care",
                    parent_id="first",
                    at=NOW + 2 * MINUTE,
                )
            ],
            clock(),
        )
    deliver(acme, clock)
    assert len(slack.messages) == 1
    assert "answered 10:02" in slack.reads(slack.messages[0])


def test_writing_again_is_told_below_the_first_message_unless_it_was_answered_before_it_left(
    database: Base, tmp_path: Path, slack: FakeSlack
) -> None:
    acme = house(database, tmp_path, slack)
    take(acme, post(ANGRY, native_id="first", thread_id="t"))
    clock = Clock(NOW + MINUTE)
    deliver(acme, clock)
    say(database, acme.rules, "1", "answered", who="ANA", way="cli", now=clock())
    clock.forward(HOUR)
    take(acme, post(AGAIN, thread_id="t", at=clock()), now=clock())
    deliver(acme, clock)
    assert [bool(each.get("thread_ts")) for each in posted(slack)] == [False, True]
    say(database, acme.rules, "1", "answered", who="ANA", way="cli", now=clock())
    take(acme, post(AGAIN, thread_id="t", at=clock.forward(HOUR)), now=clock())
    say(database, acme.rules, "1", "answered", who="ANA", way="cli", now=clock())
    deliver(acme, clock)
    assert len(posted(slack)) == 2


def test_calm_posts_are_told_to_nobody(database: Base, tmp_path: Path, slack: FakeSlack) -> None:
    acme = house(database, tmp_path, slack)
    take(acme, post(CALM))
    deliver(acme, Clock(NOW + DAY))
    assert slack.requests == []


def test_the_outbox_says_of_each_row_what_became_of_it(database: Base, tmp_path: Path, slack: FakeSlack) -> None:
    acme = house(database, tmp_path, slack)
    take(acme, post(ANGRY))
    deliver(acme, Clock(NOW + MINUTE))
    row = cases.row_of(database, "1")
    assert row is not None
    told = deliveries.of_cases(database, {"1": row["story_id"]})["1"]
    assert [(each.channel, each.state, each.attempts) for each in told] == [("slack", "sent", 1)]
    assert told[0].sent_at is not None
    assert stamp(told[0].sent_at) >= stamp(NOW)
    assert json.loads(told[0].receipt)
    assert mentions.count_orphans(database, NOW + DAY) == 0


# -- quiet hours, measure, order ------------------------------------------------------------------------------------


def test_quiet_hours_hold_mail_but_not_the_channels_record_and_end_in_one_brief(
    database: Base, tmp_path: Path, slack: FakeSlack, mail: FakeSmtp
) -> None:
    night = datetime(2026, 3, 4, 22, 0, tzinfo=UTC)
    acme = house(database, tmp_path, slack, mail, notify=("slack:#care", "mail:care@example.org"))
    take(acme, *(post(distinct(n), author=f"c{n}", at=night) for n in range(8)), now=night)
    clock = Clock(night + MINUTE)
    deliver(acme, clock)
    assert len(slack.messages) == 1
    assert mail.ledger == []
    clock.now = datetime(2026, 3, 5, 8, 59, tzinfo=UTC)
    deliver(acme, clock)
    assert mail.ledger == []
    clock.now = datetime(2026, 3, 5, 9, 0, 1, tzinfo=UTC)
    deliver(acme, clock)
    brief, problem = mail.ledger
    assert f"{count(database, 'cases', 'quiet = 0')} cases" in brief.subject + brief.text
    assert "8 people in 24 hours" in problem.subject


def test_a_critical_case_goes_through_quiet_hours(database: Base, tmp_path: Path, mail: FakeSmtp) -> None:
    night = datetime(2026, 3, 4, 22, 0, tzinfo=UTC)
    acme = house(database, tmp_path, mail=mail, notify=("mail:care@example.org",))
    take(acme, post(INJURY, at=night), now=night)
    deliver(acme, Clock(night))
    assert len(mail.ledger) == 1


def test_a_story_that_grows_at_night_mails_nobody_before_morning(
    database: Base, tmp_path: Path, mail: FakeSmtp
) -> None:
    evening = datetime(2026, 3, 4, 16, 50, tzinfo=UTC)
    acme = house(database, tmp_path, mail=mail, notify=("mail:care@example.org",))
    words = "Acme cancelled my order without a word and kept the money for three weeks"
    take(acme, post(words, author="first", at=evening), now=evening)
    clock = Clock(evening + MINUTE)
    deliver(acme, clock)
    for hour in range(5):
        clock.now = evening + HOUR + hour * HOUR
        take(acme, post(f"RT @first: {words}", author=f"r{hour}", at=clock()), now=clock())
        deliver(acme, clock)
    assert len(mail.ledger) == 1
    clock.now = datetime(2026, 3, 5, 9, 1, tzinfo=UTC)
    deliver(acme, clock)
    _, grown = mail.ledger
    assert "6 people, one story" in grown.subject, "and reposts make no problem of several people"


def test_at_most_six_messages_reach_a_channel_in_an_hour_and_then_a_brief(
    database: Base, tmp_path: Path, slack: FakeSlack
) -> None:
    acme = house(database, tmp_path, slack)
    opened = take(acme, *(post(distinct(n), author=f"c{n}") for n in range(12)))
    clock = Clock(NOW + MINUTE)
    deliver(acme, clock)
    told = len(posted(slack))
    for number, each in enumerate(opened):
        found = case(database, each)
        deliveries.queue(
            database,
            [
                deliveries.new_row(
                    about=f"case:{each}", target="slack:#care", now=clock(), due_at=NOW + (3 + 2 * number) * MINUTE,
                    reason="nobody has taken it yet", story_id=found.story_id, step=1,
                )
            ],
        )  # fmt: skip
    while clock() < NOW + HOUR:
        deliver(acme, clock, most=3)
        clock.forward(MINUTE)
    own, briefs = [], []
    for each in posted(slack):
        (briefs if " cases, " in each["text"] else own).append(each)
    assert told == 1
    assert len(own) + told <= 6
    assert len(briefs) <= 1 + told
    for _ in range(30):
        deliver(acme, clock)
        clock.forward(10 * MINUTE)
    assert {row.state for row in messages(database)} == {"sent"}


def test_the_most_urgent_leaves_first(database: Base, tmp_path: Path, slack: FakeSlack) -> None:
    acme = house(database, tmp_path, slack)
    take(acme, post(BROKEN, author="joon"))
    take(acme, post(INJURY, author="mira"), now=NOW + 50 * SECOND)
    deliver(acme, Clock(NOW + MINUTE))
    texts = [slack.reads(each) for each in slack.messages]
    assert "burned my hand" in texts[0]
    assert "crashes every time" in texts[1]
