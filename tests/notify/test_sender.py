"""Sending: the real Slack and mail channels in front of loopback servers, on both databases.

The clock is the test's. What was told is read from the ledgers of the far sides, never from our own books alone.
"""

from __future__ import annotations

import itertools
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.cases import actions
from monitor.cases.actions import say
from monitor.notify import fallback, repeats
from monitor.notify.outbox import resend_dead
from monitor.notify.system_notices import queue_notice
from monitor.store import channel_health, deliveries, deliveries_owed
from monitor.store.sqlite import Sqlite
from tests.alerting_helpers import Base, distinct, edited, flagged, house, named, posted
from tests.fakes.slack import FakeSlack
from tests.fakes.smtp import DROP, FakeSmtp
from tests.helpers import (
    ANGRY,
    BROKEN,
    HOUR,
    INJURY,
    LATE,
    MINUTE,
    NOW,
    Clock,
    assembly_of,
    deliver,
    messages,
    notices,
    post,
    settings_from,
    take,
)

SECOND = timedelta(seconds=1)


# -- what may have arrived ------------------------------------------------------------------------------------------


def test_a_line_that_breaks_after_slack_took_the_message_makes_no_second_one(
    database: Base, tmp_path: Path, slack: FakeSlack
) -> None:
    acme = house(database, tmp_path, slack)
    take(acme, post(ANGRY))
    slack.misbehave("drop")
    clock = Clock(NOW + MINUTE)
    deliver(acme, clock, 5 * SECOND)
    clock.forward(MINUTE)
    deliver(acme, clock, 5 * SECOND)
    assert len(posted(slack)) == 1
    assert [row.state for row in messages(database) if row.action == "post"] == ["sent"]


def test_a_line_that_breaks_before_slack_read_anything_loses_nothing(
    database: Base, tmp_path: Path, slack: FakeSlack
) -> None:
    acme = house(database, tmp_path, slack)
    take(acme, post(ANGRY))
    slack.misbehave("lose")
    clock = Clock(NOW + MINUTE)
    for _ in range(4):
        deliver(acme, clock, 5 * SECOND)
        clock.forward(MINUTE)
    assert len(posted(slack)) == 1


def test_a_sender_that_died_in_flight_is_looked_up_and_shown_anew(
    database: Base, tmp_path: Path, slack: FakeSlack
) -> None:
    """The message left, the process died before it wrote that down, and the case was taken meanwhile."""
    acme = house(database, tmp_path, slack)
    take(acme, post(ANGRY))
    clock = Clock(NOW + MINUTE)
    deliver(acme, clock)
    database.run("UPDATE deliveries SET state = 'inflight', receipt = '', sent_at = '', lease_until = claimed_at")
    say(database, acme.rules, "1", "take", who="ANA", way="cli", now=clock())
    with database.transaction():
        assert deliveries.recover(database, clock(), all_of_them=True) == 1
    clock.forward(MINUTE)
    deliver(acme, clock)
    assert len(posted(slack)) == 1
    assert "taken by ANA" in slack.reads(slack.messages[0])


def test_where_it_cannot_be_looked_up_there_is_at_most_one_repeat_and_it_says_so(
    database: Base, tmp_path: Path, slack: FakeSlack
) -> None:
    slack.scopes = ("chat:write",)
    acme = house(database, tmp_path, slack)
    take(acme, post(ANGRY))
    slack.misbehave("drop")
    clock = Clock(NOW + MINUTE)
    for _ in range(30):
        deliver(acme, clock, 5 * SECOND)
        clock.forward(MINUTE)
    assert len(posted(slack)) == 2
    assert "this may be a repeat" in slack.reads(slack.messages[1])
    assert "this may be a repeat" not in slack.reads(slack.messages[0])


def test_a_mail_that_may_have_arrived_is_repeated_once_under_the_same_id_and_says_so(
    database: Base, tmp_path: Path, mail: FakeSmtp
) -> None:
    acme = house(database, tmp_path, mail=mail, notify=("mail:care@example.org",))
    take(acme, post(ANGRY))
    mail.answer("DATA", DROP)
    clock = Clock(NOW + MINUTE)
    for _ in range(5):
        deliver(acme, clock, 5 * SECOND)
        clock.forward(MINUTE)
    first, second = mail.ledger
    assert first.message_id == second.message_id
    assert "this may be a repeat" in second.text
    assert "this may be a repeat" not in first.text


def test_a_mail_server_that_always_dies_after_the_mail_is_asked_ever_more_rarely(
    database: Base, tmp_path: Path, mail: FakeSmtp
) -> None:
    acme = house(database, tmp_path, mail=mail, notify=("mail:care@example.org",))
    take(acme, post(ANGRY))
    mail.answer("DATA", *[DROP] * 50)
    clock = Clock(NOW + MINUTE)
    for _ in range(120):
        deliver(acme, clock, SECOND, most=1)
        clock.forward(30 * SECOND)
    assert len(mail.ledger) < 12


def test_a_slack_that_takes_all_and_never_answers_gets_few_repeats_ever_further_apart_and_loses_nothing(
    database: Base, tmp_path: Path, slack: FakeSlack
) -> None:
    """Messages and history alike, for a day; then it answers again. Broken lines cost a test less than silent ones."""
    acme = house(database, tmp_path, slack, alerts="fallback_after = '30d'")
    take(acme, post(ANGRY))
    clock = Clock(NOW + MINUTE)
    times: list[Any] = []
    while clock() < NOW + 24 * HOUR:
        before = len(posted(slack))
        slack.mode = "drop"  # accepted, and no word of it
        deliver(acme, clock, most=1)
        if len(posted(slack)) > before:
            times.append(clock())
        clock.forward(5 * MINUTE)
    assert len(posted(slack)) == 1 + len(repeats.GAPS)
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert all(gap >= least for gap, least in zip(gaps, repeats.GAPS, strict=True))
    assert gaps[0] < gaps[2]
    assert ["this may be a repeat" in slack.reads(each) for each in posted(slack)] == [False, True, True, True]
    slack.mode = "ok"
    for _ in range(10):
        deliver(acme, clock)
        clock.forward(HOUR)
    assert len(posted(slack)) == 1 + len(repeats.GAPS)
    assert [row.state for row in messages(database) if row.action == "post"] == ["sent"]


def test_a_mail_that_is_never_confirmed_is_given_up_after_a_few_repeats_and_told(
    database: Base, tmp_path: Path, mail: FakeSmtp
) -> None:
    acme = house(database, tmp_path, mail=mail, notify=("mail:care@example.org",))
    take(acme, post(ANGRY))
    mail.answer("DATA", *[DROP] * 50)
    clock = Clock(NOW + MINUTE)
    for _ in range(60):
        deliver(acme, clock, SECOND, most=1)
        clock.forward(10 * MINUTE)
    assert len(mail.ledger) == 1 + len(repeats.GAPS)
    assert [row.target for row in deliveries_owed.dead(database)] == ["mail:care@example.org"]
    assert any("without confirmation that it arrived" in each for each in notices(database))


# -- waiting and refusing -------------------------------------------------------------------------------------------


def test_a_429_is_waited_out_in_order_and_mail_goes_on(
    database: Base, tmp_path: Path, slack: FakeSlack, mail: FakeSmtp
) -> None:
    acme = house(database, tmp_path, slack, mail, notify=("slack:#care", "mail:care@example.org"))
    take(acme, post(ANGRY))
    take(acme, post(BROKEN, author="joon"), now=NOW + SECOND)
    slack.misbehave("429:30")
    clock = Clock(NOW + MINUTE + SECOND)
    deliver(acme, clock)
    assert len(mail.ledger) == 2
    assert len(slack.requests) == 1
    clock.now = NOW + MINUTE + 29 * SECOND
    deliver(acme, clock)
    assert len(slack.requests) == 1
    clock.now = NOW + MINUTE + 40 * SECOND
    deliver(acme, clock)
    texts = [slack.reads(each) for each in slack.messages]
    assert ["charged me for the wrong box" in texts[0], "crashes every time" in texts[1]] == [True, True]


def test_messages_to_one_slack_channel_are_a_second_apart(database: Base, tmp_path: Path, slack: FakeSlack) -> None:
    acme = house(database, tmp_path, slack)
    take(acme, post(ANGRY), post(BROKEN, author="joon"), post(LATE, author="mira"))
    clock = Clock(NOW + MINUTE)
    assert acme.alerting.serve("slack", clock) == 1
    assert acme.alerting.serve("slack", clock) == 0
    clock.forward(SECOND)
    assert acme.alerting.serve("slack", clock) == 1


def test_who_pressed_sees_it_at_once_although_a_message_has_just_left(
    database: Base, tmp_path: Path, slack: FakeSlack
) -> None:
    """Slack allows one new message a second and channel; changing one that stands is counted apart."""
    acme = house(database, tmp_path, slack)
    (case,) = take(acme, post(BROKEN, author="joon"))
    take(acme, post(distinct(1), author="olga"))
    clock = Clock(NOW + MINUTE)
    assert acme.alerting.serve("slack", clock) == 1
    first = "joon" if "joon" in slack.reads(slack.messages[0]) else "olga"
    taken = case if first == "joon" else str(int(case) + 1)
    actions.say(database, acme.rules, taken, "take", who="Ana", way="slack", now=clock())
    acme.alerting.serve("slack", clock)
    assert len(posted(slack)) == 1  # the next new message waits its second
    assert len(edited(slack)) == 1
    assert "taken by Ana" in slack.reads(slack.messages[0])


@pytest.mark.parametrize(
    ("code", "named_as"),
    [
        ("invalid_auth", "slack has refused all messages"),
        ("token_revoked", "slack has refused all messages"),
        ("channel_not_found", "slack:#care has refused all messages"),
        ("is_archived", "slack:#care has refused all messages"),
        ("not_in_channel", "slack:#care has refused all messages"),
    ],
)
def test_a_channel_that_refuses_is_told_on_the_fallback_and_to_the_operator_and_keeps_its_rows(
    database: Base, tmp_path: Path, slack: FakeSlack, mail: FakeSmtp, code: str, named_as: str
) -> None:
    acme = house(database, tmp_path, slack, mail, fallback=("mail:care@example.org",))
    slack.mode = f"error:{code}"
    take(acme, post(ANGRY), post(BROKEN, author="joon"))
    clock = Clock(NOW + MINUTE)
    for _ in range(6):
        deliver(acme, clock)
        fallback.fall_back(database, acme.rules, clock.forward(10 * SECOND))
    assert len(slack.requests) <= 3  # nobody hammers a closed door
    told = " ".join(each.text for each in mail.ledger)
    assert "charged me for the wrong box" in told
    assert "crashes every time" in told
    assert f"{named_as.partition(' ')[0]} has been down" in told
    assert [each.partition(" since")[0] for each in notices(database)] == [named_as]
    assert {row.state for row in messages(database) if row.channel == "slack"} <= {"pending", "retry"}
    slack.mode = "ok"
    resend_dead(database, clock())
    clock.forward(HOUR)
    deliver(acme, clock)
    assert named(slack) == flagged(database)


def test_a_channel_that_is_down_for_ten_minutes_falls_back_what_was_tried_too(
    database: Base, tmp_path: Path, slack: FakeSlack, mail: FakeSmtp
) -> None:
    acme = house(database, tmp_path, slack, mail, fallback=("mail:care@example.org",))
    slack.mode = "500"
    take(acme, post(ANGRY))
    clock = Clock(NOW + MINUTE)
    while clock() < NOW + 11 * MINUTE:
        deliver(acme, clock, most=1)
        assert fallback.fall_back(database, acme.rules, clock()) == 0
        clock.forward(20 * SECOND)
    for _ in range(6):
        clock.forward(MINUTE)
        deliver(acme, clock, most=1)
        fallback.fall_back(database, acme.rules, clock())
    deliver(acme, clock)
    assert len(mail.ledger) == 1
    assert "slack has been down" in mail.ledger[0].text
    slack.mode = "ok"
    clock.forward(HOUR)
    deliver(acme, clock)
    assert len(slack.messages) == 1


def test_after_72_hours_of_silence_what_waited_goes_out_in_order_as_one_brief(
    database: Base, tmp_path: Path, slack: FakeSlack
) -> None:
    acme = house(database, tmp_path, slack)
    slack.mode = "503"
    clock = Clock(NOW)
    for n in range(10):
        take(acme, post(distinct(n), author=f"c{n}", at=clock()), now=clock())
        clock.forward(2 * MINUTE)
        deliver(acme, clock, most=2)
        clock.forward(6 * HOUR)
    slack.mode = "ok"
    for _ in range(20):
        deliver(acme, clock)
        clock.forward(30 * MINUTE)
    assert named(slack) == flagged(database)
    assert len(posted(slack)) <= 4


def test_a_message_that_is_refused_for_good_is_listed_announced_and_resent_once(
    database: Base, tmp_path: Path, mail: FakeSmtp
) -> None:
    acme = house(database, tmp_path, mail=mail, notify=("mail:care@example.org", "mail:here@example.org"))
    mail.answer("DATA", "554 5.7.1 Looks like spam")
    take(acme, post(ANGRY))
    clock = Clock(NOW + MINUTE)
    deliver(acme, clock)
    assert [each.recipient for each in mail.ledger] == ["here@example.org"]
    assert [row.target for row in deliveries_owed.dead(database)] == ["mail:care@example.org"]
    (notice,) = notices(database)
    assert notice.startswith("mail:care@example.org refused a message permanently")
    assert resend_dead(database, clock()) == 1
    assert resend_dead(database, clock()) == 0
    deliver(acme, clock)
    assert [each.recipient for each in mail.ledger] == ["here@example.org", "care@example.org"]
    assert deliveries_owed.dead(database) == []


def test_a_message_that_somebody_deleted_in_slack_is_no_dead_letter_and_no_trouble(
    database: Base, tmp_path: Path, slack: FakeSlack
) -> None:
    """What had to be changed in it is read by nobody; the operator was told that the channel refuses messages."""
    acme = house(database, tmp_path, slack)
    take(acme, post(ANGRY))
    clock = Clock(NOW + MINUTE)
    deliver(acme, clock)
    slack.messages.clear()
    say(database, acme.rules, "1", "take", who="Ana", way="web", now=clock())
    deliver(acme, clock)
    (edit,) = [row for row in messages(database) if row.action == "edit"]
    assert (edit.state, edit.error) == ("dead", "not needed: Slack: message_not_found")
    assert notices(database) == []
    assert deliveries_owed.dead(database) == []
    assert resend_dead(database, clock()) == 0


def test_what_is_too_large_is_said_shorter_and_not_dropped(database: Base, tmp_path: Path, slack: FakeSlack) -> None:
    acme = house(database, tmp_path, slack)
    slack.misbehave("error:msg_blocks_too_long")
    take(acme, post(ANGRY))
    deliver(acme, Clock(NOW + MINUTE))
    assert len(slack.messages) == 1


def test_a_proxys_page_is_not_taken_for_sent(database: Base, tmp_path: Path, slack: FakeSlack) -> None:
    acme = house(database, tmp_path, slack)
    slack.misbehave("html")
    take(acme, post(ANGRY))
    clock = Clock(NOW + MINUTE)
    deliver(acme, clock)
    clock.forward(5 * MINUTE)
    deliver(acme, clock)
    assert len(slack.messages) == 1


def test_a_zombie_that_comes_back_after_its_lease_changes_nothing(
    database: Base, tmp_path: Path, slack: FakeSlack
) -> None:
    acme = house(database, tmp_path, slack)
    take(acme, post(ANGRY))
    (row,) = deliveries.due(database, "slack:#care", NOW + HOUR)
    with database.transaction():
        old = deliveries.claim(database, row, NOW, NOW + 5 * MINUTE, {})
    with database.transaction():
        assert deliveries.recover(database, NOW + 10 * MINUTE, all_of_them=False) == 1
    clock = Clock(NOW + 10 * MINUTE)
    deliver(acme, clock)
    assert old is not None
    with database.transaction():
        assert not deliveries.finish(database, row.id, old, "retry", error="I was away")
    assert [each.state for each in messages(database)] == ["sent"]
    assert len(posted(slack)) == 1


def test_a_clock_that_steps_back_an_hour_stops_nothing_for_good(
    database: Base, tmp_path: Path, slack: FakeSlack
) -> None:
    acme = house(database, tmp_path, slack)
    take(acme, post(ANGRY))
    clock = Clock(NOW + MINUTE)
    deliver(acme, clock)
    clock.now -= HOUR
    take(acme, post(BROKEN, author="joon", at=clock()), now=clock())
    clock.forward(2 * MINUTE)
    deliver(acme, clock)
    assert len(posted(slack)) == 2


# -- one bad apple --------------------------------------------------------------------------------------------------


def test_a_case_that_cannot_be_shown_becomes_a_plain_line_and_holds_up_nobody(
    database: Base, tmp_path: Path, slack: FakeSlack
) -> None:
    acme = house(database, tmp_path, slack)
    take(acme, post(INJURY, author="poison"), post(BROKEN, author="joon"))
    database.run("UPDATE mentions SET reasons = 'not json' WHERE author = 'poison'")
    clock = Clock(NOW + MINUTE)
    deliver(acme, clock)
    texts = " ".join(slack.reads(each) for each in slack.messages)
    assert "Can't show a case here" in texts
    assert "crashes every time" in texts


class Fragile:
    """A channel whose library falls over on one message, whatever the urgency; it keeps a ledger."""

    seconds_between = 0.0
    wakes = False

    def __init__(self, poison: str) -> None:
        self.poison = poison
        self.ledger: list[str] = []
        self.tried = 0

    def send(self, message: Any, target: str, *, plain: bool = False) -> Any:
        from alerts import Receipt

        text = " ".join(entry.excerpt for entry in message.entries)
        if self.poison in text:
            self.tried += 1
            raise KeyError("emoji")
        self.ledger.append(text or message.title)
        return Receipt()

    def check(self) -> str:
        return "fine"


def test_a_message_on_which_the_library_falls_over_is_given_up_and_the_others_go_out(
    database: Base, tmp_path: Path
) -> None:
    from monitor.notify.sender import Alerting

    settings = settings_from(tmp_path)
    acme = assembly_of(database, settings)
    fragile = Fragile("burned my hand")
    alerting = Alerting(database, acme.rules, {"console": fragile})
    take(acme, post(INJURY, author="poison"), post(BROKEN, author="joon"))
    clock = Clock(NOW + MINUTE)
    alerting.serve("console", clock)
    assert any("crashes every time" in each for each in fragile.ledger)
    for _ in range(10):
        clock.forward(MINUTE)
        alerting.serve("console", clock)
    assert fragile.tried == 3
    assert [row.state for row in messages(database) if row.urgent] == ["dead"]


# -- the operator, and settings that changed ------------------------------------------------------------------------


def test_a_notice_is_told_once_for_its_key(database: Base, tmp_path: Path, slack: FakeSlack) -> None:
    acme = house(database, tmp_path, slack, operator=("slack:#ops",))
    for _ in range(3):
        queue_notice(database, acme.rules, "failing:x:1", "x has not been read", "look at its key", NOW)
    clock = Clock()
    deliver(acme, clock)
    (message,) = slack.messages
    assert "look at its key" in slack.reads(message)


def test_a_channel_taken_out_of_the_settings_leaves_what_it_owed_to_the_others(
    database: Base, tmp_path: Path, slack: FakeSlack, mail: FakeSmtp
) -> None:
    take(house(database, tmp_path, slack, mail), post(ANGRY))
    without = house(database, tmp_path, None, mail, notify=("mail:care@example.org",))
    assert fallback.channels_left(database, without.rules, NOW) == 1
    assert fallback.channels_left(database, without.rules, NOW) == 0
    deliver(without, Clock(NOW + MINUTE))
    assert len(mail.ledger) == 1
    assert slack.requests == []
    assert deliveries_owed.dead(database) == []


def test_what_a_channel_owed_besides_alerts_is_told_elsewhere_when_it_leaves_the_settings(
    database: Base, tmp_path: Path, slack: FakeSlack, mail: FakeSmtp
) -> None:
    before = house(database, tmp_path, slack, mail, operator=("slack:#ops",))
    take(before, post(ANGRY))
    deliver(before, Clock(NOW + MINUTE))
    queue_notice(database, before.rules, "failing:x:1", "x has not been read", "look at its key", NOW)
    queue_notice(database, before.rules, "y", "y was read again", "", NOW, quiet=True)
    for about, target, payload in (
        ("list:normal:2026-01-05", "slack:#care", {"cases": ["1"], "ping": ["U0ANA00001"]}),
        ("incident:1", "slack:#care", {}),
        ("notice:account:Ana:1", "slack:#care", {"title": "Your password was changed"}),
    ):
        row = deliveries.new_row(about=about, target=target, now=NOW, due_at=NOW, reason="told", payload=payload)
        with database.transaction():
            deliveries.queue(database, [row])
    care = "mail:care@example.org"
    without = house(database, tmp_path, None, mail, notify=(care,), operator=("mail:ops@example.org",))
    fallback.channels_left(database, without.rules, NOW + 2 * MINUTE)
    moved = [deliveries.of_row(row) for row in database.rows("SELECT * FROM deliveries WHERE channel = 'mail'")]
    assert {(row.about, row.target) for row in moved} == {
        ("list:normal:2026-01-05", care),
        ("incident:1", care),
        ("notice:failing:x:1", "mail:ops@example.org"),
        ("notice:y", "mail:ops@example.org"),
    }
    assert [row.payload for row in moved if row.about.startswith("list:")] == [{"cases": ["1"]}]
    assert [row.reason for row in moved if row.about == "notice:y"] == [deliveries.QUIET]
    deliver(without, Clock(NOW + 3 * MINUTE))
    assert len([each for each in mail.ledger if "x has not been read" in each.text]) == 1


def test_a_channel_that_leaves_the_settings_repeats_nothing_where_it_was_told_already(
    database: Base, tmp_path: Path, slack: FakeSlack, mail: FakeSmtp
) -> None:
    care = "mail:care@example.org"
    before = house(database, tmp_path, slack, mail, notify=("slack:#care", care))
    take(before, post(ANGRY))
    both = [
        deliveries.new_row(about=about, target=target, now=NOW, due_at=NOW, reason="told", payload={"cases": cases})
        for about, cases in (("list:normal:2026-01-05", ["1"]), ("incident:1", []))
        for target in ("slack:#care", care)
    ]
    with database.transaction():
        deliveries.queue(database, both)
    without = house(database, tmp_path, None, mail, notify=(care,))
    assert fallback.channels_left(database, without.rules, NOW + MINUTE) == 3
    owed = sorted(row.about for row in messages(database) if row.state == "pending")
    assert owed == sorted({row.about for row in messages(database)})


def test_a_reminder_to_an_owner_is_still_one_when_its_channel_leaves_the_settings(
    database: Base, tmp_path: Path, slack: FakeSlack, mail: FakeSmtp
) -> None:
    before = house(database, tmp_path, slack, mail)
    (case,) = take(before, post(ANGRY))
    deliver(before, Clock())
    say(database, before.rules, case, "take", who="ANA", way="cli", now=NOW)
    deliver(before, Clock(NOW + MINUTE))
    (first,) = [row for row in messages(database) if row.about.startswith("story:")]
    row = deliveries.new_row(
        about=f"case:{case}", target="slack:#care", now=NOW, due_at=NOW, reason="taken by ANA, but not answered yet",
        story_id=first.story_id, step=1, payload={"owner": True, "ping": ["U0ANA00001"]},
    )  # fmt: skip
    with database.transaction():
        deliveries.queue(database, [row])
    without = house(database, tmp_path, None, mail, notify=("mail:care@example.org",))
    fallback.channels_left(database, without.rules, NOW + MINUTE)
    deliver(without, Clock(NOW + 2 * MINUTE))
    assert [each.text.count("not answered yet") > 0 for each in mail.ledger] == [True]


def test_whoever_sends_again_what_was_refused_has_mended_the_channel(sqlite: Sqlite) -> None:
    """Otherwise what is sent again would be held back as what it was refused for."""
    with sqlite.transaction():
        channel_health.failed(sqlite, "slack", NOW, "invalid_auth", "write the token", None, broken=True)
    before = channel_health.standing(sqlite).down("slack")
    assert before is not None
    assert before.broken
    resend_dead(sqlite, NOW)
    after = channel_health.standing(sqlite).down("slack")
    assert after is None or not after.broken
