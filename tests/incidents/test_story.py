"""An incident through a week: from the first posts above the habit to its end, as people hear of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from alerts.slack.payloads import Press
from monitor.cases.actions import say
from monitor.cases.brand_replies import Answers
from monitor.incidents import acting, statements
from monitor.incidents.watch import Watch
from monitor.notify import incident_messages
from monitor.notify.interactions import Interactions
from monitor.notify.spool import Spool
from monitor.service.ticks import ACTS
from monitor.store import case_log, incidents
from monitor.store.database import Row
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.alerting_helpers import channels, posted
from tests.fakes.slack import FakeSlack
from tests.fakes.smtp import FakeSmtp
from tests.helpers import (
    DAY,
    HOUR,
    INJURY,
    MINUTE,
    NOW,
    Clock,
    assembly_of,
    case,
    deliver,
    messages,
    post,
    settings_from,
    take,
)

WEEKS = timedelta(days=29)
BEGIN = NOW - timedelta(days=2)
TABLES = """
[desk.targets]
urgent = { first = "40m", next = "1h", resolve = "8h" }
normal = { first = "40m", next = "4h", resolve = "16h" }
"""
PLACES = ("Leeds", "York", "Hull", "Bath", "Ayr", "Wells", "Derby", "Ripon", "Truro", "Fife")
FAULTS = (
    "cannot reach the server, useless",
    "shows an error and nothing else, terrible",
    "throws me out at once, awful",
    "says wrong password although it is right, ridiculous",
)


def quiet_weeks(acme: Assembly) -> None:
    """Four weeks and a day in which somebody mentions Acme every six hours, read day by day."""
    for day in range(29):
        start = BEGIN - WEEKS + day * DAY
        said = [
            post(f"Walked past the Acme shop in {PLACES[hour % 10]} today", author=f"calm{day}x{hour}",
                 at=start + hour * HOUR + 7 * MINUTE, ago=MINUTE)
            for hour in range(0, 24, 6)
        ]  # fmt: skip
        take(acme, *said, now=start + DAY)


def outage(number: int, at: datetime) -> str:
    """A complaint about the same outage, in words of its own."""
    return f"Acme login fails since {at:%H:%M} in {PLACES[number % 10]}, it {FAULTS[number % 4]} {number * 7919}"


class Desk:
    """The house, the watch beside it, and the clock."""

    def __init__(self, acme: Assembly) -> None:
        self.acme = acme
        self.watch = Watch(acme.database, acme.rules)
        self.clock = Clock(BEGIN)

    def until(self, end: datetime, step: timedelta = MINUTE) -> None:
        while self.clock() < end:
            self.clock.forward(min(step, end - self.clock()))
            self.watch.look(self.clock())
            deliver(self.acme, self.clock, forward=timedelta(seconds=0))

    def voices(self, first: int, many: int, every: timedelta = MINUTE) -> list[str]:
        """So many people write, one after another; their cases."""
        opened = []
        for number in range(first, first + many):
            now = self.clock()
            opened += take(self.acme, post(outage(number, now), author=f"cust{number}", at=now), now=now)
            self.until(now + every)
        return opened

    def incident(self) -> Row:
        (row,) = incidents.latest(self.acme.database)
        return row


def pressed(it: Desk, folder: Path, verb: str, note: str = "", user: str = "U0ANA00001") -> list[str]:
    """Somebody presses below the incident's message; what they alone are told."""
    spool, said = Spool(folder / "presses"), []
    given = dict.fromkeys(("value", "channel", "message_ts", "at_text"), "")
    spool.keep(
        Press(case_id="incident:1", verb=verb, user_id=user, user_name="ana", team_id="T0CARE0001",
              envelope_id=f"{verb}{user}", note=note, **given),
        "slack",
    )  # fmt: skip
    whisper = lambda _press, words: said.append(words)  # noqa: E731
    Interactions(it.acme.database, it.acme.rules, spool, whisper, acts=ACTS).work_off(it.clock())
    it.until(it.clock() + MINUTE)
    return said


def presses(message: Mapping[str, Any]) -> list[str]:
    """What can be pressed below a message."""
    rows = [each for block in message["blocks"] if block["type"] == "actions" for each in block["elements"]]
    return [each["text"]["text"] for each in rows]


@contextmanager
def desk(
    sqlite: Sqlite | Postgresql, tmp_path: Path, slack: FakeSlack | None, mail: FakeSmtp | None = None
) -> Iterator[Desk]:
    notify = ("slack:#care",) if slack else ("mail:care@acme.example",)
    table = channels(slack, mail) + ('signing_secret = { env = "S" }\n' if slack else "")
    environ = {"T": slack.token, "S": "secret"} if slack else {}
    acme = assembly_of(sqlite, settings_from(tmp_path, channels=table, notify=notify, tables=TABLES, environ=environ))
    quiet_weeks(acme)
    yield Desk(acme)


def test_an_incident_from_its_first_posts_to_its_end(sqlite: Sqlite, tmp_path: Path, slack: FakeSlack) -> None:
    with desk(sqlite, tmp_path, slack) as it:
        it.until(it.clock() + HOUR, 10 * MINUTE)
        assert incidents.latest(sqlite) == [], "a quiet morning has none"
        opened = it.voices(0, 16)
        row = it.incident()
        assert row["people"] >= 8
        assert "login" in row["words"]
        before = len(posted(slack))
        opened += it.voices(16, 36)
        more = [slack.reads(each) for each in posted(slack)[before:]]
        assert len(more) <= 4, "36 more voices are no 36 messages"
        assert not [each for each in more if "doubled" in each], "the incident speaks for their problem, too"
        (said,) = [each for each in posted(slack) if "incident," in slack.reads(each)]
        it.until(it.clock() + 6 * MINUTE)
        shown = slack.reads(next(each for each in slack.messages if "incident," in slack.reads(each)))
        count = re.search(r"incident, (\d+) people", shown)
        assert count is not None
        assert int(count[1]) >= 50, "its one message counts on in place"
        assert said["asked"] == "#care"
        assert "/incidents/1" in str(said["blocks"]), "it leads to its page"
        below = [slack.reads(each) for each in slack.messages if each.get("thread_ts")]
        assert any("without an alert of their own" in each for each in below)
        assert set(incidents.cases_of(sqlite, row["id"])) >= set(opened[2:])

        (hurt,) = take(it.acme, post(INJURY, author="mira", at=it.clock()), now=it.clock())
        it.until(it.clock() + 2 * MINUTE)
        assert "burned my hand" in slack.reads(posted(slack)[-1]), "whoever is hurt is told of at once"
        assert case(sqlite, hurt).priority == "critical"

        acting.act(sqlite, it.acme.rules, row["id"], "take", who="Ana", way="cli", now=it.clock())
        it.until(it.clock() + MINUTE)
        assert any("taken by Ana" in slack.reads(each) for each in slack.messages)
        it.until(it.clock() + 8 * HOUR, 10 * MINUTE)
        row = incidents.one(sqlite, row["id"])
        assert row is not None
        assert row["ended_by"] == "Earful"
        assert "52 people wrote 52 posts" in row["summary"]
        told = [slack.reads(each) for each in slack.messages]
        assert any("incident over" in each for each in told)
        for one in opened:
            about = case_log.of_case(sqlite, one)
            assert any(line.what in {"told", "remind"} for line in about), f"nobody was told of case {one}"


def test_whoever_waits_past_the_target_is_told_of_although_the_incident_is_open(
    sqlite: Sqlite, tmp_path: Path, slack: FakeSlack
) -> None:
    with desk(sqlite, tmp_path, slack) as it:
        opened = it.voices(0, 20)
        held = [one for one in opened if not [line for line in case_log.of_case(sqlite, one) if line.what == "told"]]
        assert held, "some are held back"
        due = case(sqlite, held[-1]).due_at
        assert due is not None
        number = 100
        while it.clock() < due + 5 * MINUTE:  # it goes on all the time
            it.voices(number, 3, every=5 * MINUTE)
            number += 3
        assert it.incident()["ended_at"] == ""
        told = [line for line in case_log.of_case(sqlite, held[-1]) if line.what == "told"]
        assert told


def test_our_own_post_in_public_is_the_first_word_for_everybody_of_it_there(
    sqlite: Sqlite, tmp_path: Path, slack: FakeSlack
) -> None:
    with desk(sqlite, tmp_path, slack) as it:
        opened = it.voices(0, 18)
        ours = post(
            "We know that login fails for many of you and are working on it.", author="acme_care", at=it.clock()
        )
        with sqlite.transaction():
            Answers(sqlite, it.acme.rules).take([ours], it.clock())
        it.until(it.clock() + MINUTE)
        row = it.incident()
        assert row["said_publicly_at"]
        assert row["said_url"] == ours.url
        members = incidents.cases_of(sqlite, row["id"])
        assert members
        assert all(case(sqlite, one).held for one in members)
        assert set(opened) & set(members)
        later = it.voices(50, 2)
        it.until(it.clock() + MINUTE)
        assert all(case(sqlite, one).held for one in later)


def test_whoever_was_answered_and_writes_again_is_not_held_by_what_was_said_to_everybody(
    database: Sqlite | Postgresql, tmp_path: Path, slack: FakeSlack
) -> None:
    """At the next look it read "first reply" once more, and their reminders stopped, though nobody had replied."""
    with desk(database, tmp_path, slack) as it:
        first, second, *_ = it.voices(0, 12)
        with database.transaction():
            statements.said(
                database, it.acme.rules, it.incident(), source="forum", url="https://acme.example/status",
                at_=it.clock(), now=it.clock(),
            )  # fmt: skip
        assert [case(database, each).held for each in (first, second)] == [True, True]
        say(database, it.acme.rules, first, "answered", who="Ana", way="cli", now=it.clock())
        now = it.clock.forward(MINUTE)
        take(it.acme, post(outage(0, now), author="cust0", at=now), now=now)
        waits = case(database, first)
        assert (waits.asked_at, waits.held) == (now, False)
        it.watch.look(now + MINUTE)
        assert case(database, first) == waits
        assert case(database, second).held


def test_it_is_taken_said_publicly_and_ended_from_its_message(sqlite: Sqlite, tmp_path: Path, slack: FakeSlack) -> None:
    with desk(sqlite, tmp_path, slack) as it:
        it.voices(0, 12)
        shown = next(each for each in slack.messages if "incident," in slack.reads(each))
        assert presses(shown) == ["I have it", "We have said so publicly …", "It is over"]
        assert pressed(it, tmp_path, "take") == []
        shown = next(each for each in slack.messages if "incident," in slack.reads(each))
        assert "taken by ana" in slack.reads(shown)
        assert presses(shown) == ["Release", "We have said so publicly …", "It is over"]
        assert pressed(it, tmp_path, "take", user="U0BEN00001") == ["ana already took it"]
        assert pressed(it, tmp_path, "said", "https://elsewhere.example/1") == []
        assert it.incident()["said_source"] == "forum", "all of it stands there"
        assert pressed(it, tmp_path, "said", "no address", user="U0BEN00001") != []
        shown = next(each for each in slack.messages if "incident," in slack.reads(each))
        assert presses(shown) == ["Release", "It is over"]
        (end,) = [each for block in shown["blocks"] if block["type"] == "actions" for each in block["elements"]
                  if each["action_id"] == "earful:end"]  # fmt: skip
        assert end["confirm"], "nothing brings it back, so it is asked for twice"
        assert pressed(it, tmp_path, "end") == []
        assert it.incident()["ended_by"] == "ana"
        told = [each for each in slack.messages if "incident over" in slack.reads(each)]
        assert len(told) == 2
        assert [presses(each) for each in told] == [[], []]


def test_without_slack_it_is_told_by_mail_at_its_beginning_as_it_grows_and_at_its_end(
    sqlite: Sqlite, tmp_path: Path, mail: FakeSmtp
) -> None:
    with desk(sqlite, tmp_path, None, mail) as it:
        it.voices(0, 36)
        it.until(it.clock() + 4 * HOUR, 10 * MINUTE)
        told = [each for each in messages(sqlite) if each.about.startswith("incident:") and each.state == "sent"]
        assert [each.reason for each in told] == ["an incident", "it has grown", "it has grown", "it is over"]


def test_on_a_later_day_its_moments_are_told_with_their_day(sqlite: Sqlite, tmp_path: Path, slack: FakeSlack) -> None:
    """An incident of yesterday read "since 10:05", as if it had just begun."""
    with desk(sqlite, tmp_path, slack) as it:
        it.voices(0, 12)
        row, root = it.incident(), next(each for each in messages(sqlite) if each.about.startswith("incident:"))
        today, later = (
            incident_messages.incident_message(sqlite, it.acme.rules, root, it.clock() + span, 0)
            for span in (timedelta(0), DAY)
        )
        since = f"{datetime.fromisoformat(row['start_at']):%H:%M}"
        assert today.title.endswith(f"people since {since}")
        assert later.title.endswith(f"people since 2 Mar {since}")
        (peak,) = [line.text for line in later.also if line.text.startswith("peak: ")]
        assert " in an hour, 2 Mar " in peak
