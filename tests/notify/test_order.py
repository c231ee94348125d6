"""In which order one target is told: the first message before all that follows from it, and what is overdue as one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitor.cases import escalation, list_of_the_day
from monitor.cases.actions import say
from monitor.store import deliveries_owed
from monitor.wiring import Assembly
from tests.alerting_helpers import Base, distinct, house, posted
from tests.fakes.slack import FakeSlack
from tests.fakes.smtp import FakeSmtp
from tests.helpers import ANGRY, CHURN, HOUR, INJURY, MINUTE, NOW, Clock, case, deliver, messages, post, take

SECONDS = timedelta(seconds=5)
BEN = '[[people]]\nname = "BEN"\nslack = "U0BEN00001"\nemail = "ben@example.org"\n'


def test_overdue_steps_travel_in_the_first_message_with_whom_they_call(
    database: Base, tmp_path: Path, slack: FakeSlack, mail: FakeSmtp
) -> None:
    """A post that is found three hours late: its target is over before anybody heard of it."""
    acme = house(database, tmp_path, slack, mail, tables=BEN)
    take(acme, post(CHURN, at=NOW - 3 * HOUR), now=NOW)
    escalation.escalate(database, acme.rules, NOW)
    deliver(acme, Clock(NOW + MINUTE))
    (message,) = posted(slack)
    assert not message.get("thread_ts")
    assert "<@U0BEN00001>" in slack.control_sequences(message)
    assert [each.recipient for each in mail.ledger] == ["ben@example.org"]  # his own mail waits for nothing
    assert {row.state for row in messages(database)} == {"sent"}


def test_steps_that_are_overdue_after_the_first_message_are_one_reminder(
    database: Base, tmp_path: Path, slack: FakeSlack
) -> None:
    acme = house(database, tmp_path, slack, tables=BEN)
    take(acme, post(CHURN, at=NOW))
    clock = Clock(NOW + MINUTE)
    deliver(acme, clock)
    for minute in (45, 60, 90):  # each step in time; Slack alone was down
        escalation.escalate(database, acme.rules, NOW + minute * MINUTE)
    clock.now = NOW + 95 * MINUTE
    deliver(acme, clock)
    first, reminder = posted(slack)
    assert reminder["thread_ts"] == slack.messages[0]["ts"]
    assert "<@U0BEN00001>" in slack.control_sequences(reminder)
    assert "Overdue since" in slack.reads(reminder)
    assert not first.get("thread_ts")


def test_a_first_message_that_may_have_arrived_holds_back_its_own_target_only(
    database: Base, tmp_path: Path, slack: FakeSlack, mail: FakeSmtp
) -> None:
    acme = house(database, tmp_path, slack, mail, tables=BEN)
    take(acme, post(INJURY, at=NOW))
    database.run("UPDATE deliveries SET state = 'inflight', lease_until = '2026-03-04T11:00:00.000000Z'")
    escalation.escalate(database, acme.rules, NOW + 5 * MINUTE)
    deliver(acme, Clock(NOW + 5 * MINUTE), most=5)
    assert posted(slack) == []
    assert [each.recipient for each in mail.ledger] == ["ben@example.org"]
    assert "burned my hand" in mail.ledger[0].text


def test_a_critical_case_is_never_swallowed_by_a_brief(database: Base, tmp_path: Path, slack: FakeSlack) -> None:
    acme = house(database, tmp_path, slack)
    hurt = [
        f"{words} Number {n * 7919}, and nobody of Acme answers me"
        for n, words in enumerate(
            (
                "Acme's kettle burned my hand, I was injured.",
                "The Acme heater gave my son an electric shock, he is in hospital.",
                "Acme leaked my card details, this is a data breach.",
                "Acme's toaster caught fire in our kitchen.",
                "My lawyer will sue Acme over the drill that cut my finger.",
                "Acme stole 400 from my account, this is fraud.",
            )
        )
    ]
    take(
        acme,
        *(post(words, author=f"h{n}", at=NOW) for n, words in enumerate(hurt)),
        *(post(distinct(n), author=f"c{n}", at=NOW) for n in range(12)),
        now=NOW,
    )
    critical = [row["id"] for row in database.rows("SELECT id FROM cases WHERE priority = 'critical'")]
    assert len(critical) >= 5
    deliver(acme, Clock(NOW + MINUTE))
    alone = [each for each in posted(slack) if " cases" not in each["text"]]
    assert len(alone) >= len(critical)


def test_a_list_leaves_out_whoever_was_not_told_of_yet(database: Base, tmp_path: Path, slack: FakeSlack) -> None:
    acme = house(database, tmp_path, slack)
    at_four = NOW + 6 * HOUR
    take(acme, post(ANGRY, author="old", at=NOW), now=NOW)
    deliver(acme, Clock(NOW + MINUTE))
    take(acme, post(distinct(3), author="new", at=at_four - MINUTE), now=at_four - timedelta(seconds=5))
    assert list_of_the_day.queue_lists(database, acme.rules, at_four) == 1
    acme.alerting.serve("slack", lambda: at_four)
    (listed,) = posted(slack)[1:]
    assert "charged me for the wrong box" in slack.reads(listed)
    assert "kettle" not in slack.reads(listed)
    (row,) = [each for each in messages(database) if each.about.startswith("list:")]
    assert row.payload["told"] == ["1"]


def test_a_list_counts_those_whose_first_message_is_still_to_come(
    database: Base, tmp_path: Path, slack: FakeSlack
) -> None:
    acme = house(database, tmp_path, slack)
    at_four = NOW + 6 * HOUR
    take(acme, post(ANGRY, author="old", at=NOW), now=NOW)
    deliver(acme, Clock(NOW + MINUTE))
    for number in (3, 4):
        take(acme, post(distinct(number), author=f"new{number}", at=at_four - MINUTE), now=at_four - SECONDS)
    assert list_of_the_day.queue_lists(database, acme.rules, at_four) == 1
    acme.alerting.serve("slack", lambda: at_four)
    (listed,) = [each for each in posted(slack) if "still waiting today" in slack.reads(each)]
    assert "3 cases still waiting today" in slack.reads(listed)
    assert "2 cases not listed here have alerts of their own" in slack.reads(listed)


def test_a_list_that_would_say_nothing_is_not_sent(database: Base, tmp_path: Path, slack: FakeSlack) -> None:
    acme = house(database, tmp_path, slack)
    at_four = NOW + 6 * HOUR
    take(acme, post(ANGRY, at=at_four - MINUTE), now=at_four - timedelta(seconds=5))
    list_of_the_day.queue_lists(database, acme.rules, at_four)
    clock = Clock(at_four)
    deliver(acme, clock)
    clock.now = at_four + 2 * MINUTE
    deliver(acme, clock)
    (message,) = posted(slack)
    assert "still waiting" not in slack.reads(message)


def test_what_was_handed_over_at_night_calls_nobody_before_the_morning_and_then_in_one_list(
    database: Base, tmp_path: Path, slack: FakeSlack
) -> None:
    night = datetime(2026, 3, 4, 21, 0, tzinfo=UTC)
    acme = house(database, tmp_path, slack, tables=BEN + '[[people]]\nname = "ANA"\n')
    take(acme, post(CHURN, at=night), post(distinct(4), author="c", at=night), now=night)
    clock = Clock(night + MINUTE)
    deliver(acme, clock)
    before = len(posted(slack))
    for number in ("1", "2"):
        say(database, acme.rules, number, "assign", who="ANA", way="page", now=clock(), detail={"owner": "BEN"})
    clock.now = datetime(2026, 3, 5, 8, 59, tzinfo=UTC)
    deliver(acme, clock)
    assert len(posted(slack)) == before
    clock.now = datetime(2026, 3, 5, 9, 0, tzinfo=UTC)
    deliver(acme, clock)
    (listed,) = posted(slack)[before:]
    assert "<@U0BEN00001>" in slack.control_sequences(listed)
    assert case(database, "1").owner == case(database, "2").owner == "BEN"


def test_a_brief_whose_cases_are_all_done_is_not_sent(database: Base, tmp_path: Path, slack: FakeSlack) -> None:
    acme = house(database, tmp_path, slack)
    acme.intake.take([post(distinct(n), author=f"c{n}") for n in range(3)], NOW, first_reads={"forum": NOW + MINUTE})
    for number in ("1", "2", "3"):
        say(database, acme.rules, number, "answered", who="ANA", way="page", now=NOW)
    deliver(acme, Clock(NOW + 5 * MINUTE))
    assert posted(slack) == []
    assert deliveries_owed.dead(database) == []


def two_of_a_story_before_the_channel_closes(database: Base, folder: Path, slack: FakeSlack) -> Assembly:
    """Two people of one story were told of, and then the channel takes nothing more."""
    acme = house(database, folder, slack)
    other = "I am leaving Acme too, cancelled my contract, worst"
    take(acme, post(CHURN, author="a", thread_id="t"), post(other, author="b", thread_id="t"))
    deliver(acme, Clock(NOW + MINUTE))
    slack.closed_channels[slack.channel_id("#care")] = "a_code_of_next_year"
    return acme


def test_the_reminders_of_a_story_that_could_not_leave_come_as_one_and_name_only_who_still_waits(
    database: Base, tmp_path: Path, slack: FakeSlack
) -> None:
    acme = two_of_a_story_before_the_channel_closes(database, tmp_path, slack)
    clock = Clock(NOW)
    before = len(posted(slack))
    for _ in range(120):  # three steps of both
        clock.forward(MINUTE)
        escalation.escalate(database, acme.rules, clock())
        deliver(acme, clock, most=2)
    slack.closed_channels.clear()
    say(database, acme.rules, "1", "answered", who="Ana", way="web", now=clock())
    deliver(acme, Clock(clock.forward(HOUR)))
    (reminder,) = posted(slack)[before:]
    (waiting,) = [row for row in (case(database, "1"), case(database, "2")) if row.answered_at is None]
    assert "Overdue since 10:59: Acme · nobody has taken it" in slack.reads(reminder)
    assert f"cases/{waiting.id}|" in slack.reads(reminder)
    assert "answered" not in slack.reads(reminder)
    assert {row.state for row in messages(database)} == {"sent", "dead"}


def test_reminders_of_a_story_that_could_not_leave_are_not_sent_once_all_of_it_is_answered(
    database: Base, tmp_path: Path, slack: FakeSlack
) -> None:
    acme = two_of_a_story_before_the_channel_closes(database, tmp_path, slack)
    clock = Clock(NOW)
    before = len(posted(slack))
    clock.forward(HOUR)
    escalation.escalate(database, acme.rules, clock())
    deliver(acme, clock, most=2)
    for number in ("1", "2"):
        say(database, acme.rules, number, "answered", who="Ana", way="web", now=clock())
    slack.closed_channels.clear()
    deliver(acme, Clock(clock.forward(HOUR)))
    assert [each["text"] for each in posted(slack)[before:]] == []
