"""The measure of noise in the outbox: whom it counts for, and what a line of a thread is not."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from monitor.cases.actions import say
from monitor.notify.gathering import asked
from monitor.store import cases
from tests.alerting_helpers import Base, house, posted
from tests.fakes.slack import FakeSlack
from tests.helpers import HOUR, INJURY, MINUTE, NOW, Clock, count, deliver, post, take

SAID = (
    "Acme kettle leaks all over my kitchen, awful",
    "My Acme parcel never arrived and I want my money back",
    "Acme charged me for the wrong box this month, this is a joke",
    "Terrible: the Acme app logs me out every morning",
    "Acme sent me a broken lamp, useless packing",
    "Acme hotline hung up on me twice, disgusting",
    "The Acme toaster burns every slice, rubbish",
    "Acme lost the repair that I paid for, unacceptable",
)
TABLES = """
[[people]]
name = "ANA"
slack = "U0ANA00001"

[[people]]
name = "BEN"
slack = "U0BEN00001"
"""
ROUTES = """
[[alerts.routes]]
source = ["chirp"]
notify = ["slack:#eu"]
"""


def channel(slack: FakeSlack, name: str) -> int:
    """How many messages were posted there, lines of threads not among them."""
    return sum(1 for each in posted(slack) if each["asked"] == name and not each.get("thread_ts"))


def test_who_has_cases_in_two_channels_has_one_measure_for_both(
    database: Base, tmp_path: Path, slack: FakeSlack
) -> None:
    """Ana alone has cases in both; after six messages over both a seventh waits, though either channel had fewer."""
    acme = house(database, tmp_path, slack, tables=TABLES + ROUTES)
    clock = Clock(NOW)
    for number, words in enumerate(SAID[:6]):
        source = ("forum", "chirp")[number % 2]
        (case,) = take(acme, post(words, author=f"c{number}", source=source, at=clock()), now=clock())
        clock.forward(2 * MINUTE)
        deliver(acme, clock)
        if number < 2:
            say(database, acme.rules, case, "take", who="ANA", way="cli", now=clock())
    assert (channel(slack, "#care"), channel(slack, "#eu")) == (3, 3)
    (case,) = take(acme, post(SAID[6], author="c6", at=clock()), now=clock())
    clock.forward(2 * MINUTE)
    deliver(acme, clock)
    assert channel(slack, "#care") == 3
    row = cases.row_of(database, case)
    assert row is not None
    answer = asked(database, acme.rules, acme.alerting.channels, row, "slack:#care", clock())
    assert answer.how == "wait"
    assert "ANA had 6 messages" in answer.why
    clock.forward(5 * MINUTE)
    deliver(acme, clock)
    assert channel(slack, "#care") == 4  # the brief


def test_a_critical_case_is_told_at_once_however_full_the_hour_is(
    database: Base, tmp_path: Path, slack: FakeSlack
) -> None:
    acme = house(database, tmp_path, slack, alerts="messages_per_hour = 1")
    take(acme, post(SAID[0], author="c0"))
    clock = Clock(NOW + MINUTE)
    deliver(acme, clock)
    take(acme, post(SAID[1], author="c1", at=clock()), now=clock())
    take(acme, post(INJURY, author="mira", at=clock()), now=clock())
    deliver(acme, clock)
    assert channel(slack, "#care") == 2
    assert "burned my hand" in slack.reads(posted(slack)[-1])


def test_lines_of_a_thread_do_not_count_and_a_milestone_is_heard_in_the_channel(
    database: Base, tmp_path: Path, slack: FakeSlack
) -> None:
    acme = house(database, tmp_path, slack, alerts="messages_per_hour = 2")
    clock = Clock(NOW)
    for number, words in enumerate(SAID[:4]):
        take(acme, post(words, author=f"c{number}", thread_id="t", at=clock()), now=clock())
        clock.forward(2 * MINUTE)
        deliver(acme, clock)
    said = [(bool(each.get("thread_ts")), slack.reads(each)) for each in posted(slack)]
    assert [threaded for threaded, _ in said] == [False, True, False, True]
    assert "3 people write about this now" in said[2][1]
    assert count(database, "deliveries", "about LIKE 'lines:%'") == 2
    (case,) = take(acme, post(SAID[5], author="other", at=clock()), now=clock())
    row = cases.row_of(database, case)
    assert row is not None
    answer = asked(
        database, acme.rules, acme.alerting.channels, row, "slack:#care", clock.forward(timedelta(minutes=2))
    )
    assert (answer.how, answer.why.partition(" messages")[0]) == ("wait", "2")
    clock.forward(HOUR)
    deliver(acme, clock)
    assert "hotline hung up" in slack.reads(posted(slack)[-1])


def test_the_command_says_how_the_next_message_would_leave(database: Base, tmp_path: Path, slack: FakeSlack) -> None:
    acme = house(database, tmp_path, slack)
    (case,) = take(acme, post(SAID[0], author="c0"))
    row = cases.row_of(database, case)
    assert row is not None
    target = "slack:#care"
    answer = asked(database, acme.rules, acme.alerting.channels, row, target, NOW + MINUTE)
    assert (answer.how, answer.why) == ("message", "message 1 of 6 this hour")
    deliver(acme, Clock(NOW + MINUTE))
    answer = asked(database, acme.rules, acme.alerting.channels, row, target, NOW + 2 * MINUTE)
    assert answer.why == "message 2 of 6 this hour"
