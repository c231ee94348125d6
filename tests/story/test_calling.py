"""Calling people: until somebody has it, through nights and weekends, and in the right order after an outage."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from monitor.store import case_log
from tests.story.world import TABLES, World, labels, moment, world

LEAK = "#harbourtea you have leaked my data: my card details are on the web for everyone to see. Data breach!"
CHURN = "#harbourtea my parcel never arrived, nobody answers. Cancelling my subscription."
PEOPLE = """
[[people]]
name = "Lea"
role = "lead"
email = "lea@harbourtea.example"

[[channels]]
name = "phone"
kind = "slack"
token = {{ env = "SLACK_TOKEN" }}
api_url = "{slack}"
wakes = true
"""
HALF_HOUR = timedelta(minutes=30)


@contextmanager
def calling(folder: Path, start: str, more: str = PEOPLE, ben: str = "") -> Iterator[World]:
    """The world of the stories with a lead, a telephone that wakes, and whatever `ben` has of his own."""
    tables = TABLES.replace('email = "ben@harbourtea.example"', f'email = "ben@harbourtea.example"\n{ben}')
    with world(folder, f"sqlite:{folder}/earful.sqlite", start, tables + more) as made:
        yield made


def calls(earful: World) -> list[tuple[datetime, tuple[str, ...]]]:
    """When somebody was called about the only case, and who."""
    (row,) = earful.database.rows("SELECT id FROM cases")
    lines = case_log.of_case(earful.database, row["id"])
    return [(line.at, tuple(line.detail.get("people", ()))) for line in lines if line.what in {"remind", "wake"}]


def minutes(earful: World, start: str) -> list[int]:
    return [round((at - moment(start)) / timedelta(minutes=1)) for at, _ in calls(earful)]


def rung(earful: World, name: str) -> list[str]:
    """What a telephone was told."""
    number = earful.slack.channel_id(name)
    return [earful.slack.reads(each) for each in earful.slack.messages if each["channel"] == number]


def test_a_data_leak_of_friday_evening_is_called_for_until_somebody_has_it(tmp_path: Path) -> None:
    with calling(tmp_path, "Fri 17:50", ben='targets = ["phone:#ben"]') as earful:
        earful.posts("olga", LEAK, at="Fri 18:00")
        earful.until("Fri 18:00")
        earful.until("Fri 19:59")
        opened = earful.case_of("olga")
        assert opened.priority == "critical"

        # The desk is closed: who has no shifts of their own, the lead, and from then on in turn.
        assert minutes(earful, "Fri 18:00")[:4] == [5, 15, 30, 60]
        assert [people for _, people in calls(earful)][:3] == [("Ben",), ("Lea",), ("Ben",)]

        # Until the morning Ben's telephone rings at most four times; the channel has one line, which is edited.
        earful.until("Sat 08:59", step=HALF_HOUR)
        at_night = rung(earful, "#ben")
        assert 1 <= len(at_night) <= 4
        assert all("critical case" in words or "my card details" in words for words in at_night)
        lines = [words for words in map(earful.slack.reads, earful.messages()) if "Alerted at" in words]
        assert len(lines) == 1
        assert len([mail for mail in earful.mails_to_staff() if mail.recipient == "lea@harbourtea.example"]) <= 3

        # The weekend goes on, with a measure for each day, and no gap is longer than a night.
        earful.until("+1 Mon 08:30", step=HALF_HOUR)
        moments = [at for at, _ in calls(earful)]
        gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
        assert max(gaps) <= timedelta(hours=12)
        assert any(at.isoweekday() == 7 and at.hour == 9 for at in moments)
        for night in ("Fri", "Sat", "Sun"):
            start = moment(f"{night} 09:00")
            inside = [who for at, who in calls(earful) if start <= at < start + timedelta(hours=24)]
            assert sum("Ben" in who for who in inside) <= 4

        # Whoever takes it ends the calls.
        earful.press(earful.case_of("olga"), "take", who="Ben")
        earful.until("+1 Mon 08:50")
        assert earful.case_of("olga").owner == "Ben"


def test_it_can_wait_until_morning_ends_the_calls_of_the_night_for_all_that_was_named(tmp_path: Path) -> None:
    with calling(tmp_path, "Tue 21:00", ben='targets = ["phone:#ben"]') as earful:
        earful.posts("olga", LEAK, at="Tue 21:30")
        earful.posts("timo", "#harbourtea sold me broken glass, my child is injured and bleeding", at="Tue 21:31")
        earful.until("Tue 22:40", step=timedelta(minutes=1))
        calls_before = len(rung(earful, "#ben"))
        assert calls_before >= 1
        last = rung(earful, "#ben")[-1]
        assert "card details" in last
        assert "broken glass" in last
        (line,) = [each for each in earful.messages() if "Alerted at" in earful.slack.reads(each)]
        assert labels(line).count("It can wait until morning") == 2
        earful.press(earful.case_of("olga"), "morning", who="Ben")
        earful.until("Wed 08:50", step=timedelta(minutes=10))
        assert len(rung(earful, "#ben")) == calls_before
        for author in ("olga", "timo"):
            case = earful.case_of(author)
            assert (case.state_at(earful.now), case.snoozed_until) == ("snoozed", moment("Wed 09:00"))
            (line,) = [line for line in case_log.of_case(earful.database, case.id) if line.what == "morning"]
            assert (line.who, line.way) == ("Ben", "slack")
        earful.until("Wed 09:01", step=timedelta(minutes=1))
        assert len(rung(earful, "#ben")) + len(earful.mails_to_staff()) > calls_before
        assert earful.case_of("olga").state_at(earful.now) == "open"


def test_with_slack_dead_from_the_start_the_next_person_is_called_at_five_minutes_and_the_lead_at_fifteen(
    tmp_path: Path,
) -> None:
    with calling(tmp_path, "Wed 10:00") as earful:  # Ana comes at noon: Ben is the next person
        earful.trouble_expected = True
        earful.slack.mode = "503"
        earful.posts("olga", LEAK, at="Wed 10:01")
        earful.until("Wed 10:20")
        assert earful.messages() == []
        mails = earful.mails_to_staff()
        first = {}
        for mail in mails:
            first.setdefault(mail.recipient, mail)
        assert list(first)[:2] == ["ben@harbourtea.example", "lea@harbourtea.example"]
        for mail in first.values():  # each carries the whole alert
            assert "card details are on the web" in mail.text
            assert re.search(r"https?://far\.example/\S+", mail.text)
        assert minutes(earful, "Wed 10:01")[:2] == [5, 15]

        # Slack comes back: one message says it, with whoever was to be called, and no reminder before it.
        earful.slack.mode = "ok"
        earful.until("Wed 10:50")
        assert len([each for each in earful.messages() if "card details" in earful.slack.reads(each)]) == 1
        posted = [each for each in earful.slack.accepted if each["method"] == "chat.postMessage"]
        assert not posted[0].get("thread_ts")
        assert "U0BEN00001" in earful.pings()


def test_the_first_read_of_a_new_installation_is_one_brief_and_calls_only_for_what_is_fresh(tmp_path: Path) -> None:
    with calling(tmp_path, "Wed 13:58") as earful:
        for number, author in enumerate(("olga", "timo", "zara", "mira", "joon")):
            earful.posts(author, f"{CHURN} Order {number * 7919}.", at=f"Wed 0{number + 5}:00")
        earful.posts("carl", "#harbourtea the kettle burned my hand, I was injured", at="Wed 05:30")
        earful.posts("nina", LEAK, at="Wed 13:50")
        earful.until("Wed 14:10")
        words = [earful.slack.reads(each) for each in earful.messages()]
        assert len(words) == 2
        (fresh,) = [each for each in words if "card details" in each]
        (brief,) = [each for each in words if each is not fresh]
        assert "6 cases" in brief
        posted = [each for each in earful.slack.accepted if each["method"] == "chat.postMessage"]
        reminders = [each for each in posted if each.get("thread_ts")]
        assert len(reminders) <= 1  # nina's second step: the first was overdue and went with the alert
        assert earful.case_of("nina").step >= 1


def test_after_an_outage_one_old_case_is_told_once_with_all_that_was_overdue(tmp_path: Path) -> None:
    with calling(tmp_path, "Wed 10:00") as earful:
        earful.until("Wed 10:00")
        earful.posts("olga", CHURN, at="Wed 10:05")
        earful.now = moment("Wed 11:50")  # nothing ran for nearly two hours
        earful.forget()
        earful.until("Wed 11:58")
        posted = [each for each in earful.slack.accepted if each["method"] == "chat.postMessage"]
        about = [each for each in posted if "parcel never arrived" in earful.slack.reads(each)]
        assert len(about) == 1
        assert not about[0].get("thread_ts")
        assert "U0BEN00001" in earful.pings()
        assert len([mail for mail in earful.mails_to_staff() if mail.recipient == "ben@harbourtea.example"]) == 1


def test_a_pause_of_the_daemon_folds_the_steps_it_missed_into_one(tmp_path: Path) -> None:
    with calling(tmp_path, "Wed 10:00") as earful:
        earful.until("Wed 10:00")
        earful.posts("olga", CHURN, at="Wed 10:05")
        earful.until("Wed 10:10")
        earful.now = moment("Wed 12:00")
        earful.forget()
        earful.until("Wed 12:10")
        assert len(earful.thread()) == 1
        assert [people for _, people in calls(earful)] == [("Ana", "Lea")]


def test_a_late_list_never_names_a_case_before_its_first_alert(tmp_path: Path) -> None:
    with calling(tmp_path, "Wed 15:50") as earful:
        earful.until("Wed 15:55")
        earful.posts(
            "olga",
            "#harbourtea my third box of tea tastes of nothing, nobody answers, very disappointed",
            at="Wed 16:43",
        )
        earful.now = moment("Wed 16:44")  # the daemon was down at four
        earful.forget()
        earful.until("Wed 16:48")
        texts = [earful.slack.reads(each) for each in earful.messages()]
        assert [("still waiting" in each) for each in texts if "tastes of nothing" in each] == [False]


def test_who_is_not_called_at_night_is_not_mentioned_in_a_channel_either(tmp_path: Path) -> None:
    with world(tmp_path, f"sqlite:{tmp_path}/earful.sqlite", "Wed 16:00") as earful:
        earful.until("Wed 16:00")
        earful.posts("olga", CHURN, at="Wed 16:50")
        earful.posts("timo", "#harbourtea charged me three times! Useless support, closing my account", at="Wed 16:52")
        earful.until("Wed 17:10")
        before = len(earful.messages()) + len(earful.thread())
        earful.until("Thu 08:59", step=HALF_HOUR)
        assert (earful.pings(), earful.mails_to_staff()) == ([], [])
        assert len(earful.messages()) + len(earful.thread()) == before
        earful.until("Thu 09:24")
        assert earful.pings() == ["U0BEN00001"]
        mailed = "".join(mail.text for mail in earful.mails_to_staff())
        assert "parcel never arrived" in mailed
        assert "charged me three times" in mailed


def test_a_colleague_whom_settings_do_not_name_keeps_what_they_take_and_calls_end(tmp_path: Path) -> None:
    with calling(tmp_path, "Wed 10:00") as earful:
        earful.until("Wed 10:00")
        earful.posts("olga", LEAK, at="Wed 10:01")
        earful.until("Wed 10:02")
        earful.press(earful.case_of("olga"), "take", who="Cleo")
        earful.until("Wed 10:29")
        case = earful.case_of("olga")
        assert case.owner == "cleo (Slack, not in people)"
        assert earful.mails_to_staff() == []
        assert earful.thread() == []
