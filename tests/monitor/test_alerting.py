"""Telling people: the real Slack and mail channels in front of loopback servers, on both databases.

The clock is the test's. What was told is read from the ledgers of the far sides, never from our own books alone.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor import cases as verbs
from monitor import escalation
from monitor.assembly import Assembly
from monitor.cases import say
from monitor.notices import queue_notice
from monitor.outbox import resend_dead
from monitor.settings import Settings
from monitor.store import cases, deliveries, mentions
from monitor.store.database import stamp
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from tests.fakes.slack import FakeSlack
from tests.fakes.smtp import DROP, FakeSmtp
from tests.hall import (
    AGAIN,
    ANGRY,
    BROKEN,
    CALM,
    DAY,
    HOUR,
    INJURY,
    LATE,
    MINUTE,
    NOW,
    Clock,
    assembly_of,
    case,
    count,
    deliver,
    messages,
    notices,
    post,
    settings_from,
    take,
)

Base = Sqlite | Postgresql
SECOND = timedelta(seconds=1)


def channels(slack: FakeSlack | None = None, mail: FakeSmtp | None = None) -> str:
    """The channels' tables of settings.toml."""
    text = '[[channels]]\nname = "console"\nkind = "console"\n'
    if slack is not None:
        text += f'[[channels]]\nname = "slack"\nkind = "slack"\ntoken = {{ env = "T" }}\napi_url = "{slack.api_url}"\n'
        text += "timeout = 2.0\n"
    if mail is not None:
        text += f'[[channels]]\nname = "mail"\nkind = "email"\nhost = "{mail.host}"\nport = {mail.port}\n'
        text += 'security = "none"\nsender = "earful@example.org"\ntimeout = 2.0\n'
    return text


def house(
    database: Base, folder: Path, slack: FakeSlack | None = None, mail: FakeSmtp | None = None, **more: Any
) -> Assembly:
    """Acme, told in Slack's #care (or whatever `notify` says)."""
    settings: Settings = settings_from(
        folder,
        channels=channels(slack, mail),
        notify=more.pop("notify", ("slack:#care",)),
        environ={"T": slack.token if slack else ""},
        **more,
    )
    return assembly_of(database, settings)


def posted(slack: FakeSlack) -> list[dict[str, Any]]:
    """Messages that were posted (not edits)."""
    return [each for each in slack.accepted if each["method"] == "chat.postMessage"]


def edited(slack: FakeSlack) -> list[dict[str, Any]]:
    return [each for each in slack.accepted if each["method"] == "chat.update"]


def named(slack: FakeSlack) -> set[str]:
    """The mentions that accepted messages say they speak of."""
    found: set[str] = set()
    for message in slack.accepted:
        listed = message["metadata"]["event_payload"].get("mentions", ())
        found.update(listed if isinstance(listed, list) else str(listed).split())
    return found


def flagged(database: Base) -> set[str]:
    return {row["id"] for row in database.rows("SELECT id FROM mentions WHERE case_id <> '' AND lane = 'ping'")}


def distinct(number: int) -> str:
    """A complaint unlike the others."""
    things = ("kettle", "toaster", "router", "blender", "lamp", "printer", "heater", "drill", "scale", "mixer")
    faults = ("leaks everywhere", "never arrived", "stopped working", "is broken again", "arrived smashed")
    places = ("Leeds", "York", "Hull", "Bath", "Ely", "Ayr", "Wells")
    thing, fault, place = things[number % 10], faults[number % 5], places[number % 7]
    return f"My Acme {thing} {number} {fault} in {place}, nobody answers, I am angry, terrible service {number * 7919}"


# -- grouping -------------------------------------------------------------------------------------------------------


def test_a_case_is_told_once_when_its_group_has_waited(database: Base, tmp_path: Path, slack: FakeSlack) -> None:
    acme = house(database, tmp_path, slack)
    take(acme, post(ANGRY))
    clock = Clock(NOW + timedelta(seconds=59))
    assert deliver(acme, clock) == 0
    clock.forward(SECOND)
    assert deliver(acme, clock) == 1
    (message,) = slack.messages
    assert "charged me twice" in slack.reads(message)
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
    assert deliver(acme, clock.forward(HOUR) and clock) == 0
    assert {row.state for row in messages(database)} == {"sent"}


def test_what_comes_after_a_brief_is_added_to_it_in_place(database: Base, tmp_path: Path, slack: FakeSlack) -> None:
    acme = house(database, tmp_path, slack)
    take(acme, *(post(distinct(n), author=f"c{n}") for n in range(10)))
    clock = Clock(NOW + MINUTE)
    deliver(acme, clock)
    take(acme, *(post(distinct(n), author=f"c{n}") for n in range(10, 20)), now=clock())
    clock.forward(MINUTE)
    deliver(acme, clock)
    assert (len(posted(slack)), len(slack.messages)) == (1, 1)
    assert named(slack) == flagged(database)
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
        acme.answers.take([post("Sorry!", author="acme_care", parent_id="first", at=NOW)], NOW)
    deliver(acme, Clock(NOW + HOUR))
    assert slack.requests == []
    assert deliveries.dead(database) == []


def test_an_answer_edits_the_message_that_was_told(database: Base, tmp_path: Path, slack: FakeSlack) -> None:
    acme = house(database, tmp_path, slack)
    take(acme, post(ANGRY, native_id="first"))
    clock = Clock(NOW + MINUTE)
    deliver(acme, clock)
    with database.transaction():
        acme.answers.take([post("Sorry!", author="acme_care", parent_id="first", at=NOW + 2 * MINUTE)], clock())
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
    assert "possible repeat" in slack.reads(slack.messages[1])
    assert "possible repeat" not in slack.reads(slack.messages[0])


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
    assert "possible repeat" in second.text
    assert "possible repeat" not in first.text


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
    assert ["charged me twice" in texts[0], "crashes every time" in texts[1]] == [True, True]


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
    verbs.say(database, acme.rules, taken, "take", who="Ana", way="slack", now=clock())
    acme.alerting.serve("slack", clock)
    assert len(posted(slack)) == 1  # the next new message waits its second
    assert len(edited(slack)) == 1
    assert "taken by Ana" in slack.reads(slack.messages[0])


@pytest.mark.parametrize(
    "code", ["invalid_auth", "token_revoked", "channel_not_found", "is_archived", "not_in_channel"]
)
def test_a_channel_that_refuses_is_told_on_the_fallback_and_to_the_operator_and_keeps_its_rows(
    database: Base, tmp_path: Path, slack: FakeSlack, mail: FakeSmtp, code: str
) -> None:
    acme = house(database, tmp_path, slack, mail, fallback=("mail:care@example.org",))
    slack.mode = f"error:{code}"
    take(acme, post(ANGRY), post(BROKEN, author="joon"))
    clock = Clock(NOW + MINUTE)
    for _ in range(6):
        deliver(acme, clock)
        escalation.fall_back(database, acme.rules, clock.forward(10 * SECOND))
    assert len(slack.requests) <= 3  # nobody hammers a closed door
    told = " ".join(each.text for each in mail.ledger)
    assert "charged me twice" in told
    assert "crashes every time" in told
    assert "slack is down" in told
    assert any("slack refuses everything" in each for each in notices(database))
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
        assert escalation.fall_back(database, acme.rules, clock()) == 0
        clock.forward(20 * SECOND)
    for _ in range(6):
        clock.forward(MINUTE)
        deliver(acme, clock, most=1)
        escalation.fall_back(database, acme.rules, clock())
    deliver(acme, clock)
    assert len(mail.ledger) == 1
    assert "slack is down" in mail.ledger[0].text
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
    acme = house(database, tmp_path, mail=mail, notify=("mail:gone@example.org", "mail:here@example.org"))
    mail.refused["gone@example.org"] = "550 5.1.1 No such user"
    take(acme, post(ANGRY))
    clock = Clock(NOW + MINUTE)
    deliver(acme, clock)
    assert [each.recipient for each in mail.ledger] == ["here@example.org"]
    assert [row.target for row in deliveries.dead(database)] == ["mail:gone@example.org"]
    assert any("refused one message" in each for each in notices(database))
    del mail.refused["gone@example.org"]
    assert resend_dead(database, clock()) == 1
    assert resend_dead(database, clock()) == 0
    deliver(acme, clock)
    assert [each.recipient for each in mail.ledger] == ["here@example.org", "gone@example.org"]
    assert deliveries.dead(database) == []


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
    assert "could not be shown" in texts
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
    from monitor.alerting import Alerting

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
    clock.now = datetime(2026, 3, 5, 7, 59, tzinfo=UTC)
    deliver(acme, clock)
    assert mail.ledger == []
    clock.now = datetime(2026, 3, 5, 8, 0, 1, tzinfo=UTC)
    deliver(acme, clock)
    assert len(mail.ledger) == 1
    assert f"{count(database, 'cases', 'quiet = 0')} cases" in mail.ledger[0].subject + mail.ledger[0].text


def test_a_critical_case_goes_through_quiet_hours(database: Base, tmp_path: Path, mail: FakeSmtp) -> None:
    night = datetime(2026, 3, 4, 22, 0, tzinfo=UTC)
    acme = house(database, tmp_path, mail=mail, notify=("mail:care@example.org",))
    take(acme, post(INJURY, at=night), now=night)
    deliver(acme, Clock(night))
    assert len(mail.ledger) == 1


def test_a_story_that_grows_at_night_mails_nobody_before_morning(
    database: Base, tmp_path: Path, mail: FakeSmtp
) -> None:
    evening = datetime(2026, 3, 4, 19, 50, tzinfo=UTC)
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
    clock.now = datetime(2026, 3, 5, 8, 1, tzinfo=UTC)
    deliver(acme, clock)
    assert len(mail.ledger) == 2


def test_at_most_five_reminders_reach_a_channel_in_an_hour(database: Base, tmp_path: Path, slack: FakeSlack) -> None:
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
                    reason="nobody has it yet", story_id=found.story_id, step=1,
                )
            ],
        )  # fmt: skip
    while clock() < NOW + HOUR:
        deliver(acme, clock, most=3)
        clock.forward(MINUTE)
    assert len(posted(slack)) - told <= 5
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


def test_a_notice_is_told_once_for_its_key(database: Base, tmp_path: Path, slack: FakeSlack) -> None:
    acme = house(database, tmp_path, slack, operator=("slack:#ops",))
    for _ in range(3):
        queue_notice(database, acme.rules, "failing:x:1", "x has not been read", "look at its key", NOW)
    clock = Clock()
    deliver(acme, clock)
    (message,) = slack.messages
    assert "look at its key" in slack.reads(message)


def test_calm_posts_are_told_to_nobody(database: Base, tmp_path: Path, slack: FakeSlack) -> None:
    acme = house(database, tmp_path, slack)
    take(acme, post(CALM))
    deliver(acme, Clock(NOW + DAY))
    assert slack.requests == []


def test_a_channel_taken_out_of_the_settings_leaves_what_it_owed_to_the_others(
    database: Base, tmp_path: Path, slack: FakeSlack, mail: FakeSmtp
) -> None:
    take(house(database, tmp_path, slack, mail), post(ANGRY))
    without = house(database, tmp_path, None, mail, notify=("mail:care@example.org",))
    assert escalation.channels_left(database, without.rules, NOW) == 1
    assert escalation.channels_left(database, without.rules, NOW) == 0
    deliver(without, Clock(NOW + MINUTE))
    assert len(mail.ledger) == 1
    assert slack.requests == []
    assert deliveries.dead(database) == []


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
    assert mentions.orphans(database) == []
