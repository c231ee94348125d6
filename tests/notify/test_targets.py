"""One bad target holds back nobody else, and a channel that is down is never silence: on both databases.

What was told is read from the ledgers of a loopback Slack and a loopback mail server.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from monitor.cases import escalation
from monitor.cases.actions import say
from monitor.notify import fallback, trouble
from monitor.service.watchdog import Audit
from monitor.store import deliveries, deliveries_owed, sources
from monitor.wiring import Assembly
from tests.alerting_helpers import Base, distinct, flagged, house, named, posted
from tests.fakes.slack import FakeSlack
from tests.fakes.smtp import FakeSmtp
from tests.helpers import (
    AGAIN,
    ANGRY,
    BROKEN,
    CHURN,
    DAY,
    HOUR,
    MINUTE,
    NOW,
    Clock,
    deliver,
    messages,
    notices,
    post,
    take,
)

SECOND = MINUTE / 60
CODES = ("is_archived", "user_not_found", "a_code_of_next_year")  # the last one may pass by itself


def close(slack: FakeSlack, name: str, code: str) -> None:
    slack.closed_channels[slack.channel_id(name)] = code


def told_in(slack: FakeSlack, name: str) -> set[str]:
    """The mentions that were told in one place."""
    return {
        mention
        for message in slack.accepted
        if message["channel"] == slack.channel_id(name)
        for mention in message["metadata"]["event_payload"].get("mentions", ())
    }


def live(acme: Assembly, clock: Clock, span: timedelta, step: timedelta = 10 * SECOND) -> None:
    """What the daemon does about messages, for a while."""
    end = clock() + span
    while clock() < end:
        deliver(acme, clock, SECOND, most=5)
        fallback.fall_back(acme.database, acme.rules, clock())
        clock.forward(step)


def reading(acme: Assembly, clock: Clock) -> None:
    """Every source was read just now: what an audit finds is not theirs."""
    with acme.database.transaction():
        for name in acme.rules.sources:
            sources.succeeded(acme.database, name, clock(), new=False)
            sources.set_due(acme.database, name, "posts", clock() + MINUTE)


def findings(acme: Assembly, clock: Clock) -> tuple[str, ...]:
    reading(acme, clock)
    auditor = Audit(clock)
    auditor.run(acme)
    return auditor.findings


# -- one bad target -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", CODES)
def test_a_dead_target_delays_no_other_and_is_told_elsewhere_once_by_name(
    database: Base, tmp_path: Path, slack: FakeSlack, mail: FakeSmtp, code: str
) -> None:
    acme = house(
        database, tmp_path, slack, mail, notify=("slack:#gone", "slack:#care"), operator=("mail:ops@example.org",)
    )
    close(slack, "#gone", code)
    clock = Clock(NOW)
    for number in range(4):
        take(acme, post(distinct(number), author=f"c{number}", at=clock()), now=clock())
        clock.forward(MINUTE)
        started = clock()
        live(acme, clock, 40 * SECOND)
        assert told_in(slack, "#care") == flagged(database)
        clock.now = started + 10 * MINUTE
    live(acme, clock, 20 * MINUTE, 2 * MINUTE)
    assert len(slack.requests) < 40  # a closed door is not hammered
    down = [each for each in notices(database) if "slack" in each]
    assert len(down) == 1
    assert down[0].startswith("slack:#gone ")
    assert code in down[0]
    assert [each.subject for each in mail.ledger if "slack:#gone" in each.text or "slack:#gone" in each.subject]
    slack.closed_channels.clear()
    live(acme, clock, HOUR, MINUTE)
    assert told_in(slack, "#gone") == flagged(database)
    assert notices(database)[-1] == "slack:#gone is working again"


@pytest.mark.parametrize("answer", ["550 5.1.1 No such user", "552 5.2.2 Mailbox full"])
def test_a_colleague_who_left_holds_back_no_mail_of_the_others(
    database: Base, tmp_path: Path, mail: FakeSmtp, answer: str
) -> None:
    acme = house(database, tmp_path, mail=mail, notify=("mail:gone@example.org", "mail:here@example.org"))
    mail.refused["gone@example.org"] = answer
    clock = Clock(NOW)
    for number in range(3):
        take(acme, post(distinct(number), author=f"c{number}", at=clock()), now=clock())
        clock.forward(2 * MINUTE)
        deliver(acme, clock)
        assert len([each for each in mail.ledger if each.recipient == "here@example.org"]) == number + 1
    live(acme, clock, 30 * MINUTE, MINUTE)
    assert [row.state for row in messages(database) if row.target == "mail:gone@example.org"].count("dead") == 0
    assert [each for each in notices(database) if each.startswith("mail:gone@example.org")]
    assert not [each for each in notices(database) if each.startswith("mail ")]
    del mail.refused["gone@example.org"]
    live(acme, clock, HOUR, MINUTE)
    assert [each for each in mail.ledger if each.recipient == "gone@example.org"]


def test_that_a_target_works_again_is_read_however_long_its_error_was(
    database: Base, tmp_path: Path, slack: FakeSlack, mail: FakeSmtp
) -> None:
    """Titles are cut, and what they end with was cut off: an alarm of yesterday read as one of today."""
    acme = house(database, tmp_path, slack, mail, notify=("mail:full@example.org",), operator=("slack:#operators",))
    mail.refused["full@example.org"] = (
        "552 5.2.2 " + "The mailbox of whom you write to has no room for what you send. " * 3
    )
    clock = Clock(NOW)
    take(acme, post(author="ada", at=clock()), now=clock())
    live(acme, clock, 30 * MINUTE, MINUTE)
    (told,) = [each for each in map(slack.reads, slack.messages) if "refused the recipient" in each]
    assert "(1 message waiting)" in told
    mail.refused.clear()
    live(acme, clock, HOUR, MINUTE)
    (told,) = [each for each in map(slack.reads, slack.messages) if "refused the recipient" in each]
    assert "working again since" in told


def test_a_refused_key_is_the_whole_channels(database: Base, tmp_path: Path, slack: FakeSlack, mail: FakeSmtp) -> None:
    acme = house(
        database, tmp_path, slack, mail, notify=("slack:#one", "slack:#two"), operator=("mail:ops@example.org",)
    )
    slack.mode = "error:token_revoked"
    take(acme, post(ANGRY))
    clock = Clock(NOW + MINUTE)
    live(acme, clock, 4 * MINUTE)
    assert len(slack.requests) == 1
    assert [each.partition(" since")[0] for each in notices(database)] == ["slack has refused all messages"]


# -- where else it is told ------------------------------------------------------------------------------------------


def test_a_fallback_is_never_on_the_channel_that_is_down(
    database: Base, tmp_path: Path, slack: FakeSlack, mail: FakeSmtp
) -> None:
    acme = house(
        database, tmp_path, slack, mail, fallback=("slack:#backup", "mail:care@example.org"), operator=("slack:#ops",)
    )
    slack.mode = "503"
    take(acme, post(ANGRY))
    live(acme, Clock(NOW + MINUTE), 20 * MINUTE, 30 * SECOND)
    assert {row.target for row in messages(database)} == {"slack:#care", "mail:care@example.org"}
    assert "charged me for the wrong box" in " ".join(each.text for each in mail.ledger)


def test_an_archived_place_falls_back_to_another_place_of_its_channel(
    database: Base, tmp_path: Path, slack: FakeSlack
) -> None:
    acme = house(database, tmp_path, slack, notify=("slack:#gone",), fallback=("slack:#backup",))
    close(slack, "#gone", "is_archived")
    take(acme, post(ANGRY))
    live(acme, Clock(NOW + MINUTE), 2 * MINUTE)
    (message,) = posted(slack)
    assert message["channel"] == slack.channel_id("#backup")
    assert "slack:#gone has been down" in slack.reads(message)


def test_what_is_refused_for_good_is_told_on_the_fallback(
    database: Base, tmp_path: Path, slack: FakeSlack, mail: FakeSmtp
) -> None:
    acme = house(database, tmp_path, slack, mail, notify=("mail:care@example.org",), fallback=("slack:#backup",))
    mail.answer("DATA", "554 5.7.1 Looks like spam")
    take(acme, post(ANGRY))
    live(acme, Clock(NOW + MINUTE), 2 * MINUTE)
    assert "charged me for the wrong box" in slack.reads(posted(slack)[0])


@pytest.mark.parametrize(
    ("operator", "notify"),
    [("mail:ops@example.org", ("slack:#care",)), ("slack:#ops", ("slack:#care", "mail:care@example.org"))],
)
def test_a_channel_that_is_down_without_a_fallback_is_told_on_any_other(
    database: Base, tmp_path: Path, slack: FakeSlack, mail: FakeSmtp, operator: str, notify: tuple[str, ...]
) -> None:
    acme = house(database, tmp_path, slack, mail, operator=(operator,), notify=notify)
    slack.mode = "503"
    clock = Clock(NOW)
    take(acme, post(ANGRY), post(BROKEN, author="joon"))
    live(acme, clock, 20 * MINUTE, 20 * SECOND)
    told = " ".join(f"{each.subject} {each.text}" for each in mail.ledger)
    assert "charged me for the wrong box" in told
    assert "crashes every time" in told
    assert "slack has not accepted messages since" in told
    assert len([each for each in notices(database) if each.startswith("slack has not accepted messages")]) == 1
    assert findings(acme, clock) == ()
    (line,) = trouble.lines(database, acme.rules, clock())
    assert line.startswith("slack has been down since 4 Mar 10:0")
    assert line.endswith("meanwhile.")


def test_what_a_dead_place_owes_is_not_told_to_the_operator_where_a_colleague_has_it(
    database: Base, tmp_path: Path, slack: FakeSlack, mail: FakeSmtp
) -> None:
    acme = house(
        database, tmp_path, slack, mail, notify=("slack:#gone", "slack:#care"), operator=("mail:ops@example.org",)
    )
    close(slack, "#gone", "is_archived")
    take(acme, post(ANGRY))
    clock = Clock(NOW + MINUTE)
    live(acme, clock, 30 * MINUTE, MINUTE)
    assert len(mail.ledger) == 1  # the notice alone
    assert findings(acme, clock) == ()


def test_with_one_channel_only_nobody_outside_hears_that_all_is_well(
    database: Base, tmp_path: Path, slack: FakeSlack
) -> None:
    """Whatever is known of the channel: 24 complaints have reached nobody."""
    acme = house(database, tmp_path, slack, operator=("slack:#care",))
    slack.mode = "503"
    clock = Clock(NOW)
    for number in range(8):
        take(acme, post(distinct(number), author=f"c{number}", at=clock()), now=clock())
        live(acme, clock, 4 * MINUTE, MINUTE)
    (finding,) = [each for each in findings(acme, clock) if "reached nobody" in each]
    assert "alerts have reached nobody since 2026-03-04 10:0" in finding
    line, nobody = trouble.lines(database, acme.rules, clock())
    assert line.startswith("slack has been down since 4 Mar 10:0")
    assert nobody.startswith("Nobody is being alerted")
    slack.mode = "ok"
    live(acme, clock, HOUR, MINUTE)
    assert findings(acme, clock) == ()
    assert trouble.lines(database, acme.rules, clock()) == []
    assert named(slack) == flagged(database)


def test_quiet_hours_owe_nothing_before_their_end(database: Base, tmp_path: Path, mail: FakeSmtp) -> None:
    acme = house(database, tmp_path, mail=mail, notify=("mail:care@example.org",))
    evening = NOW.replace(hour=16, minute=50)
    mail.refused["care@example.org"] = "451 4.3.0 Later"
    take(acme, post(ANGRY, at=evening), now=evening)
    clock = Clock(evening + MINUTE)
    live(acme, clock, 5 * MINUTE, MINUTE)
    clock.now = NOW.replace(hour=23)
    live(acme, clock, 5 * MINUTE, MINUTE)
    assert findings(acme, clock) == ()
    clock.now = NOW.replace(hour=9, minute=30) + DAY
    assert len(findings(acme, clock)) == 1


def test_what_travels_in_a_brief_that_waits_for_the_morning_is_not_owed_before(
    database: Base, tmp_path: Path, mail: FakeSmtp
) -> None:
    acme = house(database, tmp_path, mail=mail, notify=("mail:care@example.org",))
    take(acme, post(ANGRY), now=NOW)
    brief = deliveries.new_row(
        about="brief:night", target="mail:care@example.org", now=NOW, due_at=NOW + 12 * HOUR, reason="several at once"
    )
    with database.transaction():
        deliveries.queue(database, [brief])
        deliveries.carry(database, brief["id"], [row.id for row in messages(database) if row.story_id])
    assert not [each for each in findings(acme, Clock(NOW + 3 * HOUR)) if "reached nobody" in each]
    assert [each for each in findings(acme, Clock(NOW + 13 * HOUR)) if "1 alert has reached nobody" in each]


# -- give-up times, and the way back --------------------------------------------------------------------------------


def test_after_a_week_nothing_is_given_up_and_one_brief_says_what_is_still_open(
    database: Base, tmp_path: Path, slack: FakeSlack
) -> None:
    acme = house(database, tmp_path, slack, alerts="sweep_at = []\nnormal_list_at = '16:00'\n")
    slack.mode = "503"
    clock = Clock(NOW)
    opened: list[str] = []
    for number in range(12):
        opened += take(acme, post(distinct(number), author=f"c{number}", at=clock()), now=clock())
        for _ in range(4):
            deliver(acme, clock, SECOND, most=2)
            clock.forward(4 * HOUR)
    for each in opened[:4]:
        say(database, acme.rules, each, "answered", who="Ana", way="test", now=clock())
    assert {row.state for row in messages(database)} <= {"pending", "retry"}
    slack.mode = "ok"
    for _ in range(12):
        deliver(acme, clock)
        clock.forward(10 * MINUTE)
    assert {row.state for row in messages(database) if row.action == "post"} <= {"sent", "dead"}
    assert deliveries_owed.dead(database) == []
    first, *others = posted(slack)
    assert f"{len(opened) - 4} cases" in slack.reads(first)
    assert not others


def test_lists_that_waited_are_one_list(database: Base, tmp_path: Path, slack: FakeSlack) -> None:
    acme = house(database, tmp_path, slack)
    opened = take(acme, *(post(distinct(n), author=f"c{n}") for n in range(3)))
    deliver(acme, Clock(NOW + MINUTE))
    before = len(posted(slack))
    for day, each in enumerate(opened):
        row = deliveries.new_row(
            about=f"list:normal:2026-03-0{day + 1}",
            target="slack:#care",
            now=NOW + day * DAY,
            due_at=NOW + day * DAY,
            reason="the daily list",
            payload={"cases": [each]},
            key="slack:#care",
        )
        deliveries.queue(database, [row])
    deliver(acme, Clock(NOW + 3 * DAY))
    (listed,) = posted(slack)[before:]
    assert "3 cases" in slack.reads(listed)


LEA = '[[people]]\nname = "Lea"\nrole = "lead"\nemail = "lea@example.org"\n'


def test_whoever_heard_of_a_case_last_week_is_told_again_where_its_channel_is_down_now(
    database: Base, tmp_path: Path, slack: FakeSlack, mail: FakeSmtp
) -> None:
    """What they had been told of the former wait counted, and nobody was told that the customer writes again."""
    acme = house(database, tmp_path, slack, mail, tables=LEA, operator=("console",))
    clock = Clock(NOW)
    take(acme, post(CHURN, author="olga", thread_id="t", at=NOW))
    while clock() < NOW + 2 * HOUR:
        clock.forward(MINUTE)
        escalation.escalate(database, acme.rules, clock())
        deliver(acme, clock, SECOND, most=3)
    called = len(mail.ledger)
    assert called, "the lead heard of the first wait"
    say(database, acme.rules, "1", "answered", who="Lea", way="web", now=clock())
    deliver(acme, clock)
    close(slack, "#care", "is_archived")
    clock.now = NOW + 2 * DAY
    take(acme, post(AGAIN, author="olga", thread_id="t", at=clock()), now=clock())
    live(acme, clock, 20 * MINUTE, MINUTE)
    assert ["ridiculous" in each.text for each in mail.ledger[called:]] == [True]


def test_a_fallback_that_is_told_anyway_is_told_once(database: Base, tmp_path: Path, slack: FakeSlack) -> None:
    acme = house(database, tmp_path, slack, notify=("slack:#gone", "slack:#care"), fallback=("slack:#care",))
    close(slack, "#gone", "is_archived")
    clock = Clock(NOW)
    take(acme, post(CHURN))
    while clock() < NOW + 70 * MINUTE:  # the first message, and the reminders at 75% and 100%
        clock.forward(MINUTE)
        escalation.escalate(database, acme.rules, clock())
        live(acme, clock, SECOND)
    texts = [slack.reads(each) for each in posted(slack)]
    assert len(texts) == 3
    assert not any("Sent here because" in text for text in texts)


def test_an_owners_reminder_that_does_not_reach_them_is_told_elsewhere(
    database: Base, tmp_path: Path, slack: FakeSlack, mail: FakeSmtp
) -> None:
    """It was dropped there, since somebody had the case: the very person who was to be reminded."""
    people = '[[people]]\nname = "Ana"\nslack = "U0ANA00001"\n[[people]]\nname = "Ben"\nslack = "U0BEN00001"\n'
    acme = house(
        database, tmp_path, slack, mail, tables=people, fallback=("mail:lead@example.org",), operator=("console",)
    )
    clock = Clock(NOW)
    take(acme, post(CHURN))
    live(acme, clock, 2 * MINUTE)
    say(database, acme.rules, "1", "take", who="Ana", way="web", now=clock())
    live(acme, clock, MINUTE)
    close(slack, "#care", "is_archived")
    while mail.ledger == [] and clock() < NOW + 6 * HOUR:
        clock.forward(10 * MINUTE)
        escalation.escalate(database, acme.rules, clock())
        live(acme, clock, SECOND)
    assert "taken by Ana, but not answered yet" in mail.ledger[0].text
