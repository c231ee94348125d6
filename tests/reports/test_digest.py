"""The managers' letter: exactly one a week and recipient, about those who still wait, and honest about the rest."""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import signal
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from alerts.email.digest import MOST_WORDS
from alerts.email.digest import count as count_of
from connectors import Gap
from monitor.cases import actions
from monitor.cli import app
from monitor.learning import feedback
from monitor.privacy import forgetting as privacy_forgetting
from monitor.reports import digest
from monitor.reports.letter import contents, sections, week
from monitor.settings.loading import load
from monitor.settings.models import Settings
from monitor.settings.rules import Rules
from monitor.store import deliveries, forgetting, key_values, mentions, pages, sources, web
from monitor.store.connect import open_database
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.types import Mention, Verdict
from monitor.web import links
from monitor.wiring import Assembly
from tests.fakes.smtp import DROP, FakeSmtp
from tests.helpers import (
    ANGRY,
    BROKEN,
    CALM,
    CHURN,
    DAY,
    HOUR,
    INJURY,
    LATE,
    MINUTE,
    Clock,
    assembly_of,
    count,
    post,
    settings_from,
    take,
)

MONDAY = datetime(2026, 3, 9, 8, 0, tzinfo=UTC)  # the moment of the letter about 2 to 9 March 2026
WEEK = 7 * DAY
BOSSES = '[digest]\nto = ["console:ana", "console:ben"]\n'


def with_one_brand(folder: Path, **more: Any) -> Settings:
    """Settings of Acme alone."""
    file = settings_from(folder, **more).file
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace('[[brands]]\nname = "Globex"\nquery = "globex"\n', ""), encoding="utf-8")
    return load(file, {})


def in_zone(folder: Path, zone: str, digest_table: str = BOSSES, **more: Any) -> Settings:
    """Settings whose desk is in another zone than UTC."""
    file = with_one_brand(folder, tables=digest_table, **more).file
    file.write_text(file.read_text(encoding="utf-8").replace('zone = "UTC"', f'zone = "{zone}"'), encoding="utf-8")
    return load(file, {})


def installed(assembly: Assembly, at: datetime) -> None:
    """Earful was first started then."""
    with assembly.database.transaction():
        key_values.remember(assembly.database, "installed_at", at.isoformat(), at)


@pytest.fixture
def acme(database: Sqlite | Postgresql, tmp_path: Path) -> Assembly:
    """An installation that has run for a month."""
    made = assembly_of(database, with_one_brand(tmp_path, tables=BOSSES))
    installed(made, MONDAY - 30 * DAY)
    return made


def write(acme: Assembly, words: str = ANGRY, *, at: datetime, seen: timedelta = MINUTE, **more: Any) -> list[str]:
    """Somebody writes, and that is seen a minute later; the cases that this opens."""
    return take(acme, post(words, at=at, **more), now=at + seen)


def letters(database: Sqlite | Postgresql) -> list[tuple[str, str]]:
    """(week, recipient) of every letter in the outbox."""
    rows = database.rows("SELECT about, target FROM deliveries WHERE about LIKE 'digest:%' ORDER BY created_at, target")
    return [(row["about"].partition(":")[2], row["target"]) for row in rows]


# Exactly one


@pytest.mark.parametrize(
    ("zone", "at", "first", "weeks"),
    [
        ("America/New_York", "02:30", datetime(2026, 2, 20, tzinfo=UTC), 6),  # 02:30 does not exist on 8 March
        ("Europe/Berlin", "02:30", datetime(2026, 10, 9, tzinfo=UTC), 5),  # 02:30 comes twice on 25 October
        ("Australia/Lord_Howe", "08:00", datetime(2026, 12, 15, tzinfo=UTC), 5),  # 2026 has a week 53
    ],
)
def test_every_week_has_one_letter_whatever_the_clocks_do(
    zone: str, at: str, first: datetime, weeks: int, sqlite: Sqlite, tmp_path: Path
) -> None:
    """Asked every seven hours, so at every hour of the day, forgetting everything in between."""
    settings = in_zone(tmp_path, zone, f'[digest]\nto = ["console"]\nweekday = "sun"\nat = "{at}"\n')
    installed(assembly_of(sqlite, settings), first)
    now = first
    while now < first + weeks * WEEK:
        digest.queue_due(sqlite, assembly_of(sqlite, settings).rules, now)
        now += 7 * HOUR
    keys = [key for key, _to in letters(sqlite)]
    assert len(keys) == len(set(keys)) == weeks
    sundays = [first + timedelta(days=(6 - first.weekday()) % 7) + number * WEEK for number in range(weeks)]
    assert keys == [f"{year}-W{week:02}" for year, week, _day in (day.isocalendar() for day in sundays)]


def test_after_days_of_downtime_the_letter_comes_late_and_once(acme: Assembly) -> None:
    """Down from Sunday evening until the next Sunday evening; the following Monday has its own."""
    for now in (MONDAY - 12 * HOUR, MONDAY + 6 * DAY + 12 * HOUR, MONDAY + 6 * DAY + 13 * HOUR, MONDAY + WEEK):
        digest.queue_due(acme.database, acme.rules, now)
    assert [key for key, _to in letters(acme.database)] == ["2026-W10"] * 2 + ["2026-W11"] * 2 + ["2026-W12"] * 2


def test_every_recipient_has_one(acme: Assembly) -> None:
    assert digest.queue_due(acme.database, acme.rules, MONDAY) == 2
    assert digest.queue_due(acme.database, acme.rules, MONDAY + MINUTE) == 0
    assert letters(acme.database) == [("2026-W11", "console:ana"), ("2026-W11", "console:ben")]


def test_two_processes_at_once_queue_one(database_url: str, tmp_path: Path) -> None:
    """Four of them, each with a database of its own, at the same moment."""
    settings = with_one_brand(tmp_path, tables=BOSSES)
    opened = [open_database(database_url) for _ in range(4)]
    made = [assembly_of(each, settings) for each in opened]
    installed(made[0], MONDAY - 30 * DAY)
    start = threading.Barrier(4)
    queued: list[int] = []

    def ask(assembly: Assembly) -> None:
        start.wait(20)
        queued.append(digest.queue_due(assembly.database, assembly.rules, MONDAY))

    threads = [threading.Thread(target=ask, args=(each,)) for each in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(queued) in ([0, 0, 0, 2], [0, 0, 1, 1])
    assert len(letters(opened[0])) == 2
    for each in opened:
        each.close()


def test_there_is_no_letter_about_the_time_before_the_installation(acme: Assembly) -> None:
    installed(acme, MONDAY + HOUR)
    assert digest.queue_due(acme.database, acme.rules, MONDAY + 2 * HOUR) == 0
    assert digest.queue_due(acme.database, acme.rules, MONDAY + WEEK) == 2


def test_another_day_in_the_settings_gives_no_second_letter_of_the_week(acme: Assembly, tmp_path: Path) -> None:
    digest.queue_due(acme.database, acme.rules, MONDAY)
    friday = assembly_of(acme.database, with_one_brand(tmp_path, tables=BOSSES + 'weekday = "fri"\n'))
    assert digest.queue_due(acme.database, friday.rules, MONDAY + 5 * DAY) == 0
    assert digest.queue_due(acme.database, friday.rules, MONDAY + 12 * DAY) == 2


def queued_by_a_process_that_dies(file: Path, settings: Path, at: int) -> int:
    """Queue in a fork that kills itself before its `at`-th statement (0: never); how many it came to, or -9."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:  # nothing of this test may go on in it, whatever happens
        try:
            database = Sqlite(file)
            done = itertools.count(1)

            def trace(_statement: str) -> None:
                if next(done) == at:
                    os.kill(os.getpid(), signal.SIGKILL)

            database._connection().set_trace_callback(trace)
            digest.queue_due(database, Rules(load(settings, {})), MONDAY)
            os.write(write, str(next(done) - 1).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as said:
        told = said.read()
    _pid, status = os.waitpid(child, 0)
    return -9 if os.waitstatus_to_exitcode(status) == -signal.SIGKILL else int(told)


def test_killed_at_any_step_each_letter_is_queued_once_by_the_next_process(sqlite: Sqlite, tmp_path: Path) -> None:
    """kill -9 before every statement of the transaction, and before some that gather what the letter says."""
    settings = with_one_brand(tmp_path, tables=BOSSES)
    acme = assembly_of(sqlite, settings)
    installed(acme, MONDAY - 30 * DAY)
    write(acme, at=MONDAY - 2 * DAY)
    sqlite.checkpoint()
    template = tmp_path / "template.sqlite"
    sqlite.backup_to(template)

    def fresh(name: str) -> Path:
        shutil.copyfile(template, tmp_path / name)
        return tmp_path / name

    whole = queued_by_a_process_that_dies(fresh("whole.sqlite"), settings.file, 0)
    points = [*range(2, whole - 12, 24), *range(whole - 12, whole + 1)]
    killed = 0
    for point in points:
        file = fresh(f"at{point}.sqlite")
        killed += queued_by_a_process_that_dies(file, settings.file, point) == -9
        database = Sqlite(file)
        digest.queue_due(database, acme.rules, MONDAY + MINUTE)
        assert letters(database) == [("2026-W11", "console:ana"), ("2026-W11", "console:ben")], point
        assert digest.queue_due(database, acme.rules, MONDAY + 2 * MINUTE) == 0
        database.close()
    assert killed == len(points) > 12


@pytest.fixture
def smtp() -> Iterator[FakeSmtp]:
    """A real mail server on loopback."""
    with FakeSmtp() as server:
        yield server


def by_mail(smtp: FakeSmtp, to: str = "email:boss@example.org") -> dict[str, Any]:
    channel = (
        f'[[channels]]\nname = "email"\nkind = "email"\nhost = "127.0.0.1"\nport = {smtp.port}\nsecurity = "none"\n'
        'sender = "Earful <earful@acme.example>"\n[[channels]]\nname = "console"\nkind = "console"\n'
    )
    return {"channels": channel, "tables": f'[digest]\nto = ["{to}"]\n'}


def test_a_letter_that_may_not_have_arrived_is_sent_again_under_the_same_message_id(
    database: Sqlite | Postgresql, tmp_path: Path, smtp: FakeSmtp
) -> None:
    """The server takes the mail and hangs up; then the process is another one. What is said stays the same."""
    settings = with_one_brand(tmp_path, **by_mail(smtp))
    acme = assembly_of(database, settings)
    installed(acme, MONDAY - 30 * DAY)
    write(acme, at=MONDAY - 2 * DAY)
    smtp.answer("DATA", DROP)
    digest.queue_due(database, acme.rules, MONDAY)
    clock = Clock(MONDAY)
    acme.alerting.serve("email", clock)
    (row,) = deliveries.about(database, "digest:2026-W11")
    assert row.state == "unknown"
    again = assembly_of(database, settings)
    clock.forward(2 * HOUR)
    write(again, BROKEN, at=clock(), author="later")
    digest.queue_due(database, again.rules, clock())
    again.alerting.serve("email", clock)
    first, second = (mail for mail in smtp.ledger if mail.recipient == "boss@example.org")
    assert first.message_id == second.message_id != ""
    assert (first.subject, first.text, first.html) == (second.subject, second.text, second.html)
    assert deliveries.about(database, "digest:2026-W11")[0].state == "sent"
    assert again.alerting.serve("email", clock) == 0


def test_a_mail_program_can_offer_to_end_the_letters(sqlite: Sqlite, tmp_path: Path, smtp: FakeSmtp) -> None:
    """RFC 8058: an https link of this recipient's own, for one click."""
    words = by_mail(smtp)
    shown = with_one_brand(tmp_path, **words, earful='page_url = "https://earful.acme.example"\n')
    acme = assembly_of(sqlite, shown)
    installed(acme, MONDAY - 30 * DAY)
    clock = Clock(MONDAY)
    digest.queue_due(sqlite, acme.rules, MONDAY, links.make(shown, sqlite, clock))
    acme.alerting.serve("email", clock)
    (mail,) = smtp.ledger
    (header,) = mail.header("List-Unsubscribe")
    token = header.removeprefix("<https://earful.acme.example/letters/").removesuffix(">")
    claim = links.signer_of(sqlite, MONDAY + 29 * DAY).read(token, "letters", MONDAY + 29 * DAY)
    assert claim.recipient == "email:boss@example.org"
    assert mail.header("List-Unsubscribe-Post") == ["List-Unsubscribe=One-Click"]
    assert f"Unsubscribe: https://earful.acme.example/letters/{token}" in mail.text
    assert f"https://earful.acme.example/letters/{token}" in mail.html


@pytest.mark.parametrize(
    ("more", "address", "said"),
    [
        ({"operator": ("email:ops@acme.example",)}, "ops@acme.example", "write to ops@acme.example, who"),
        ({"tables": '[[people]]\nname = "Ana"\nrole = "lead"\nemail = "ana@acme.example"\n'}, "ana@acme.example",
         "ask Ana (ana@acme.example), who"),
        ({}, "earful@acme.example", "ask whoever runs Earful for you; your address is in its settings"),
    ],
)  # fmt: skip
def test_without_a_page_that_others_reach_the_letter_says_whom_to_ask(
    more: dict[str, Any], address: str, said: str, sqlite: Sqlite, tmp_path: Path, smtp: FakeSmtp
) -> None:
    words = by_mail(smtp)
    words["tables"] += more.get("tables", "")
    settings = with_one_brand(tmp_path, **{**more, **words})
    acme = assembly_of(sqlite, settings)
    installed(acme, MONDAY - 30 * DAY)
    clock = Clock(MONDAY)
    digest.queue_due(sqlite, acme.rules, MONDAY, links.make(settings, sqlite, clock))
    acme.alerting.serve("email", clock)
    (mail,) = smtp.ledger
    assert mail.header("List-Unsubscribe") == [f"<mailto:{address}?subject=unsubscribe>"]
    assert mail.header("List-Unsubscribe-Post") == []
    assert f"To unsubscribe, {said}" in " ".join(mail.text.split())


def test_a_letter_that_goes_to_a_channel_has_no_link_that_anybody_there_could_press(acme: Assembly) -> None:
    def link(_case: str, target: str, _purpose: str) -> str:
        return f"https://earful.acme.example/letters/{target}"

    digest.queue_due(acme.database, acme.rules, MONDAY, link)
    rows = acme.database.rows("SELECT payload FROM deliveries WHERE about LIKE 'digest:%'")
    assert len(rows) == 2
    assert not any("nsubscribe" in row["payload"] for row in rows)


def test_who_asked_for_no_more_gets_none_and_the_others_do(acme: Assembly) -> None:
    with acme.database.transaction():
        web.add_desk_change(acme.database, "letter.console:ana", '"no more"', "", "ana", MONDAY - DAY)
    assert digest.queue_due(acme.database, acme.rules, MONDAY) == 1
    assert letters(acme.database) == [("2026-W11", "console:ben")]
    with acme.database.transaction():
        web.add_desk_change(acme.database, "letter.console:ana", "", '"no more"', "ana", MONDAY + DAY)
    assert digest.queue_due(acme.database, acme.rules, MONDAY + WEEK) == 2


# What it says


def words_of(acme: Assembly, until: datetime = MONDAY, **more: Any) -> str:
    """The text of the letter in one line, after a look that its HTML says the same sentences."""
    letter = digest.letter_of(acme.database, acme.rules, until, key="k", **more)
    text = " ".join(letter.text.split())
    shown = visible(letter.html)
    for line in contents.view(acme.database, acme.rules, until, **more).sections:
        assert all(each.text in text or count_of(text) >= 340 for each in line.lines)
        assert all(each.text in shown or count_of(text) >= 340 for each in line.lines)
    return text


def test_the_first_week_has_nothing_to_compare_with(acme: Assembly) -> None:
    write(acme, at=MONDAY - 2 * DAY)
    words = words_of(acme)
    assert "1 mention (none before this week)" in words, "it has run for a month"
    assert "the week before" not in words
    installed(acme, MONDAY - 3 * DAY)
    assert "1 mention (first week, nothing to compare yet)" in words_of(acme)


def test_a_calm_week_does_not_claim_that_everybody_was_answered(acme: Assembly) -> None:
    (case,) = write(acme, at=MONDAY - 2 * DAY)
    closed = {"outcome": "could_not_be_solved"}
    actions.say(acme.database, acme.rules, case, "close", who="Ana", way="test", now=MONDAY - DAY, detail=closed)
    assert contents.view(acme.database, acme.rules, MONDAY).sentence == "Nobody is waiting for an answer"
    write(acme, "Acmeのアプリが動きません", at=MONDAY - DAY, author="one")
    assert contents.view(acme.database, acme.rules, MONDAY).sentence == "Nothing urgent, 1 post may need an answer"


def test_the_letter_says_whether_people_were_kinder_once_their_case_was_closed(acme: Assembly) -> None:
    """Closed two weeks ago, thanked in this one: people do not hurry, so the letter looks at four weeks."""
    assert "whose case was closed" not in words_of(acme)
    for author, then in (("olga", "thanks Acme, all good now"), ("mira", "")):
        (case_id,) = write(acme, at=MONDAY - 15 * DAY, author=author)
        solved = {"outcome": "solved"}
        actions.say(
            acme.database, acme.rules, case_id, "close", who="Ana", way="page", now=MONDAY - 14 * DAY, detail=solved
        )
        if then:
            write(acme, then, at=MONDAY - 2 * DAY, author=author)
    said = "Of 2 people whose case was closed in the last four weeks, 1 wrote again, 1 of them more kindly."
    assert f"{said} Too few to draw conclusions." in words_of(acme)


def test_a_week_is_not_compared_with_a_part_of_one(acme: Assembly) -> None:
    """Installed on the Thursday of the week before."""
    installed(acme, MONDAY - 11 * DAY)
    write(acme, at=MONDAY - 10 * DAY)
    write(acme, at=MONDAY - 2 * DAY, author="mia")
    words = words_of(acme)
    assert "1 mention, 100% negative of 1 judged." in words
    assert "No comparison with the week before, which was incomplete: Earful started on Thu 26 Feb." in words


def test_a_week_is_compared_with_the_week_before(acme: Assembly) -> None:
    for number in range(3):
        write(acme, LATE, at=MONDAY - 10 * DAY, author=f"a{number}")
    write(acme, "Acme is lovely, thank you", at=MONDAY - 2 * DAY)
    said = "1 mention (3 the week before), 0% negative of 1 judged (100% the week before)."
    assert said in words_of(acme)


def test_shares_of_answers_name_what_they_are_of_now_and_the_week_before(acme: Assembly) -> None:
    """Two of three were answered in time, and one of one the week before."""
    for days, author, answered in ((10, "old", True), (5, "a", True), (4, "b", True), (3, "c", False)):
        at = MONDAY - days * DAY + 2 * HOUR
        (case_id,) = write(acme, at=at, author=author)
        if answered:
            actions.say(acme.database, acme.rules, case_id, "answered", who="Ana", way="test", now=at + 20 * MINUTE)
    words = words_of(acme)
    kept = "Answered within the target: 67% of 3 cases due (the week before: 100% of 1)"
    assert f"{kept}; 2 answered, 1 unanswered." in words
    assert "Median time to answer: 20 minutes of opening hours (only 2 answers, 20 minutes the week before)." in words


def test_whom_nobody_answered_after_sunday_night_is_counted_in_the_next_letter(acme: Assembly) -> None:
    """Two wrote on Sunday at 23:50, when the letter is not due to count them: one was answered on Monday, one never."""
    sunday = MONDAY - 8 * HOUR - 10 * MINUTE
    for author in ("olga", "mia"):
        write(acme, at=sunday, author=author)
    actions.say(acme.database, acme.rules, "1", "answered", who="Ana", way="test", now=MONDAY + 2 * HOUR)
    write(acme, at=MONDAY + DAY, author="zoe")
    actions.say(acme.database, acme.rules, "3", "answered", who="Ana", way="test", now=MONDAY + DAY + 3 * HOUR)
    kept = "Answered within the target: 100% of 1 case due (the week before: 50% of 2)."
    assert kept in words_of(acme, MONDAY + WEEK)


def test_small_numbers_are_marked(acme: Assembly) -> None:
    for number in range(sections.SMALL):
        write(acme, "Acme has a shop in Leeds", at=MONDAY - DAY, author=f"a{number}")
    assert "Small numbers" not in words_of(acme)
    assert "Small numbers" not in words_of(acme, MONDAY - DAY - MINUTE), "none at all"
    write(acme, "Acme has a shop in Leeds", at=MONDAY + DAY, author="one")
    assert "Small numbers: one person more or less changes these shares a lot." in words_of(acme, MONDAY + WEEK)


def test_critical_and_overdue_cases_come_first_with_their_age_and_the_way_to_them(acme: Assembly) -> None:
    """Somebody was hurt yesterday; six are overdue, of whom one has an answer; one is not due yet."""
    for number in range(6):
        write(acme, at=MONDAY - 3 * DAY - (7 - number) * 12 * HOUR, author=f"a{number}", thread_id=f"t{number}")
    actions.say(acme.database, acme.rules, "1", "answered", who="Ana", way="test", now=MONDAY - 80 * HOUR)
    actions.say(acme.database, acme.rules, "3", "take", who="Ana", way="test", now=MONDAY - 40 * HOUR)
    write(acme, INJURY, at=MONDAY - 20 * HOUR, author="hurt")
    write(acme, LATE, at=MONDAY - 5 * MINUTE, author="young")
    view = contents.view(acme.database, acme.rules, MONDAY)
    assert view.sentence == "1 critical still open, 5 cases overdue"
    (section,) = [each for each in view.sections if each.heading == "Critical and overdue"]
    assert [(line.text, line.url.rpartition("/")[2]) for line in section.lines] == [
        ("Critical, waiting 20 hours, nobody has taken it", "7"),
        ("Overdue, waiting 6 days, nobody has taken it", "2"),
        ("Overdue, waiting 5 days 12 h, taken", "3"),
    ]
    assert (section.more, section.url) == (3, "http://127.0.0.1:8321/?view=overdue")
    letter = digest.letter_of(acme.database, acme.rules, MONDAY, key="k")
    assert letter.subject == "Acme: 1 critical still open, 5 cases overdue"
    assert letter.text.index("Acme's kettle burned my hand") < letter.text.index("THE WEEK IN NUMBERS")
    assert "and 3 more" in letter.text
    assert "Ana" not in letter.text, "the team, never a person"


def test_the_letter_counts_as_overdue_what_the_list_it_leads_to_shows(acme: Assembly) -> None:
    """Of five that are late one is snoozed and one waits on the customer; of two critical ones one is snoozed."""
    for number in range(5):
        write(acme, LATE, at=MONDAY - 4 * DAY, author=f"late{number}")
    for number in range(2):
        write(acme, INJURY, at=MONDAY - (3 + number) * DAY, author=f"hurt{number}", thread_id=f"h{number}")
    until = {"until": (MONDAY + HOUR).isoformat()}
    for case, verb in (("1", "snooze"), ("2", "wait"), ("7", "snooze")):
        actions.say(acme.database, acme.rules, case, verb, who="Ana", way="test", now=MONDAY - HOUR, detail=until)
    view = contents.view(acme.database, acme.rules, MONDAY)
    listed = pages.views(acme.database, pages.Inbox(), ["console"], MONDAY)
    assert view.sentence == "2 critical still open, 3 cases overdue"
    assert listed["overdue"] == 4, "the list shows the critical case that is awake, too"
    (section,) = [each for each in view.sections if each.heading == "Critical and overdue"]
    assert [line.text for line in section.lines] == [
        "Critical, waiting 4 days, snoozed",
        "Critical, waiting 3 days, nobody has taken it",
        "Overdue, waiting 4 days, nobody has taken it",
    ]
    assert section.more == 2
    assert [(line.text, line.by) for line in view.decisions[:1]] == [
        ("Who takes the critical case nobody has taken?", "It has waited 3 days.")
    ]
    words = words_of(acme)
    assert "3 cases are snoozed or waiting on someone, 3 of them past the target." in words
    assert pages.count(acme.database, "later", pages.Inbox(), MONDAY) == 3
    assert "http://127.0.0.1:8321/?state=later" in words


def test_a_case_is_told_in_the_words_that_made_it_urgent_what_needs_us_most_first(acme: Assembly) -> None:
    """What somebody adds kindly, or wrote before they came to harm, is not what the case is about."""
    write(acme, BROKEN, at=MONDAY - 6 * DAY, author="older")
    for number, words in enumerate((CALM, ANGRY, "Acme, thank you, I am still waiting for your kind answer")):
        write(acme, words, at=MONDAY - 3 * DAY + number * HOUR, author="olga", thread_id="t")
    for number, words in enumerate((LATE, INJURY, BROKEN)):
        write(acme, words, at=MONDAY - 2 * DAY + number * HOUR, author="hurt", thread_id="h")
    view = contents.view(acme.database, acme.rules, MONDAY)
    (section,) = [each for each in view.sections if each.heading == "Critical and overdue"]
    assert [line.quote for line in section.lines] == [INJURY, BROKEN, ANGRY]


def test_of_a_case_the_critical_post_is_told_then_what_called_people_in_the_wait_under_way() -> None:
    def said(words: str, day: int, *, flagged: bool = True, critical: bool = False, need: float = 0.5) -> Mention:
        verdict = Verdict(-0.5, "negative", need, "ping", (), "t-1", "en", critical=critical)
        return Mention(words, "Acme", post(words, at=MONDAY - day * DAY), verdict, MONDAY, "1", flagged)

    posts = [
        said("old", 6, need=0.9),
        said("again", 3),
        said("worse", 2, need=0.7),
        said("adds", 1, flagged=False, need=1),
    ]
    told = [sections._telling([*posts, *more], MONDAY - 4 * DAY) for more in ([], [said("fire", 7, critical=True)])]
    assert [each.id for each in told if each is not None] == ["worse", "fire"]
    assert sections._telling([], MONDAY) is None


def test_the_urgent_are_told_before_what_is_older_and_reviews_last(acme: Assembly) -> None:
    for number, priority in enumerate(("gentle", "normal", "urgent", "critical")):
        (case,) = write(acme, LATE, at=MONDAY - (6 - number) * DAY, author=priority, thread_id=priority)
        acme.database.run("UPDATE cases SET priority = :to WHERE id = :id", {"to": priority, "id": case})
    found = week.of(acme.database, acme.rules, MONDAY, acme.settings.zone).open
    assert [row["priority"] for row in found] == ["critical", "urgent", "normal", "gentle"]


def test_of_alerts_that_nobody_acted_on_nobody_says_that_they_were_relevant(acme: Assembly) -> None:
    """What its author deleted, and what was closed by itself, says nothing of the alert either."""
    write(acme, at=MONDAY - DAY, author="a0", native_id="a0")
    assert "Nobody has acted on the one alert yet, so nobody knows whether it was relevant." in words_of(acme)
    write(acme, at=MONDAY - DAY, author="a1")
    with acme.database.transaction():
        privacy_forgetting.deleted(acme.database, "forum", ["a0"], [], MONDAY - HOUR)
    assert "Nobody has acted on any of the 2 alerts yet" in words_of(acme)
    actions.say(acme.database, acme.rules, "2", "take", who="Ana", way="test", now=MONDAY - HOUR)
    assert "The one alert that somebody acted on was relevant; nobody has acted on 1 more." in words_of(acme)


def test_how_many_alerts_were_relevant_is_said_with_what_was_missed(acme: Assembly) -> None:
    """Two of four were not; of three quiet posts that were looked at, one needed an answer after all."""
    for number in range(4):
        write(acme, at=MONDAY - DAY, author=f"a{number}")
    write(acme, at=MONDAY - 9 * DAY, author="earlier")
    for case_id, why in (("1", "not_us"), ("2", "spam"), ("3", "handled_elsewhere"), ("5", "not_us")):
        actions.say(
            acme.database, acme.rules, case_id, "dismiss", who="Ana", way="test", now=MONDAY - HOUR,
            detail={"why": why},
        )  # fmt: skip
    assert "1 of 3 alerts that somebody acted on was relevant; nobody has acted on 1 more." in words_of(acme)
    assert "quiet post" not in words_of(acme)
    for number in range(3):
        write(acme, CALM, at=MONDAY - DAY, author=f"calm{number}")
    rows = acme.database.rows("SELECT id FROM mentions WHERE lane = 'none' ORDER BY id")
    standing = [mention for row in rows if (mention := mentions.one(acme.database, row["id"])) is not None]
    with acme.database.transaction():
        offered = acme.intake.offer(standing, feedback.OFFERED, "offered", MONDAY - 2 * HOUR)
    for case_id, verb in zip(offered, ("answered", "dismiss", "dismiss"), strict=True):
        detail = {"why": "not_a_complaint"} if verb == "dismiss" else {}
        actions.say(acme.database, acme.rules, case_id, verb, who="Ana", way="test", now=MONDAY - HOUR, detail=detail)
    assert "Of 3 quiet posts your team looked at, 1 should have been an alert." in words_of(acme)


def test_a_mute_that_is_offered_is_to_be_decided_and_names_nobody(acme: Assembly) -> None:
    """Once somebody has said yes or no, the letter is silent about it."""
    for kind, value in (("author", "forum/bugs"), ("domain", "toons.example")):
        key_values.add_mute(acme.database, "Acme", kind, value, "marked “not us” 3 times", MONDAY, offered=True)
    (decision,) = contents.view(acme.database, acme.rules, MONDAY).decisions
    assert decision.text == "Accept or decline 2 suggested mutes?"
    assert decision.url == "http://127.0.0.1:8321/desk"
    assert "bugs" not in words_of(acme)
    offered = key_values.mutes(acme.database, offered=True)
    key_values.accept_mute(acme.database, offered[0]["n"], "Ana", MONDAY)
    key_values.undo_mute(acme.database, offered[1]["n"], MONDAY)
    assert contents.view(acme.database, acme.rules, MONDAY).decisions == ()


def test_what_was_found_too_late_to_call_anybody_is_told(acme: Assembly) -> None:
    """A source could not be read for two days."""
    write(acme, at=MONDAY - 4 * DAY, seen=2 * DAY)
    assert "1 complaint was found too late to alert anyone and is still open." in words_of(acme)
    assert contents.view(acme.database, acme.rules, MONDAY).sentence == "1 complaint found too late to alert anyone"


def test_how_many_more_may_need_an_answer_is_told(acme: Assembly) -> None:
    write(acme, "Acmeのアプリが動きません", at=MONDAY - DAY, author="one")
    assert "1 more post may need an answer; it is listed, and nobody is alerted." in words_of(acme)
    write(acme, "Acmeの荷物がまだ届きません", at=MONDAY - DAY, author="two")
    assert "2 more posts may need an answer; they are listed, and nobody is alerted." in words_of(acme)


def test_who_leaves_is_counted_once_with_how_many_have_an_answer(acme: Assembly) -> None:
    for number in range(4):
        write(acme, f"{CHURN} {number}", at=MONDAY - DAY, author=f"gone{number}", thread_id=f"g{number}")
    write(acme, CHURN, at=MONDAY - DAY + HOUR, author="gone0", thread_id="g0")
    write(acme, CHURN, at=MONDAY - 9 * DAY, author="earlier")
    actions.say(acme.database, acme.rules, "1", "answered", who="Ana", way="test", now=MONDAY - 20 * HOUR)
    words = words_of(acme)
    assert (
        "4 people say they are leaving (1 the week before). Most often about: Can't reach us (4), Contracts and "
        "cancelling (4). 1 of them has an answer."
    ) in words
    assert "Who calls back the 3 people who say they are leaving and have no answer?" in words


def test_of_one_person_it_is_said_as_of_one(acme: Assembly) -> None:
    """ "1 person says they are leaving. 0 of them have an answer" """
    write(acme, CHURN, at=MONDAY - DAY, author="gone")
    write(acme, INJURY, at=MONDAY - DAY, author="hurt")
    words = words_of(acme)
    assert "1 person says they are leaving. It is about: Can't reach us, Contracts and cancelling. " in words
    assert "They have no answer." in words
    assert "Who takes the critical case nobody has taken? It has waited 1 day." in words


def test_a_decision_says_how_long_the_critical_cases_wait_that_nobody_has_taken(acme: Assembly) -> None:
    """Ana has the oldest one; another was answered a week ago, and its author was hurt again an hour ago."""
    write(acme, INJURY, at=MONDAY - 9 * DAY, author="old", thread_id="old")
    actions.say(acme.database, acme.rules, "1", "take", who="Ana", way="test", now=MONDAY - 8 * DAY)
    write(acme, INJURY, at=MONDAY - 8 * DAY, author="hurt", thread_id="hurt", native_id="hurt")
    actions.say(acme.database, acme.rules, "2", "answered", who="Ana", way="test", now=MONDAY - 7 * DAY)
    write(acme, f"{INJURY} Again!", at=MONDAY - HOUR, author="hurt", thread_id="hurt", parent_id="hurt")
    view = contents.view(acme.database, acme.rules, MONDAY)
    (section,) = [each for each in view.sections if each.heading == "Critical and overdue"]
    assert [line.text for line in section.lines] == [
        "Critical, waiting 9 days, taken",
        "Critical, waiting 1 hour, nobody has taken it",
    ]
    assert [(line.text, line.by) for line in view.decisions] == [
        ("Who takes the critical case nobody has taken?", "It has waited 1 hour.")
    ]


def test_whoever_leaves_over_our_answer_has_none(acme: Assembly) -> None:
    """Olga wrote that she leaves after we had answered her complaint: nobody has spoken to her since."""
    write(acme, LATE, at=MONDAY - 3 * DAY, author="olga", thread_id="t", native_id="olga")
    actions.say(acme.database, acme.rules, "1", "answered", who="Ana", way="test", now=MONDAY - 2 * DAY)
    write(acme, CHURN, at=MONDAY - DAY, author="olga", thread_id="t", parent_id="olga")
    assert "They have no answer." in words_of(acme)
    actions.say(acme.database, acme.rules, "1", "answered", who="Ana", way="test", now=MONDAY - HOUR)
    assert "They have an answer." in words_of(acme)


def test_what_was_not_seen_is_said_in_the_desks_zone(database: Sqlite | Postgresql, tmp_path: Path) -> None:
    """New York in winter is five hours behind UTC."""
    acme = assembly_of(database, in_zone(tmp_path, "America/New_York"))
    tuesday = datetime(2026, 3, 3, 7, 10, tzinfo=UTC)
    with database.transaction():
        gaps = [
            Gap(tuesday, tuesday + 3 * HOUR + 30 * MINUTE, "the server keeps only a day"),
            Gap(tuesday + DAY, tuesday + 3 * DAY, "the walk was cut"),
            Gap(tuesday - 30 * DAY, tuesday - 29 * DAY, "long ago"),
            Gap(tuesday + 20 * DAY, tuesday + 21 * DAY, "later"),
        ]
        sources.add_gaps(database, "forum", gaps, tuesday)
        sources.failed(database, "chirp", tuesday + 2 * DAY, "503 from the server", "wait", refused=False)
    words = words_of(acme)
    for said in (
        "forum not read Tue 02:10-05:40: the server keeps only a day",
        "forum not read Wed 02:10-Fri 02:10: the walk was cut",
        "chirp not read since Thu 5 Mar 02:10: 503 from the server",
        "Repair chirp or turn it off?",
    ):
        assert said in words
    assert "long ago" not in words
    assert "later" not in words


def test_an_outage_that_is_over_is_told_unless_the_network_says_better_what_is_missing(acme: Assembly) -> None:
    tuesday = datetime(2026, 3, 3, 2, 10, tzinfo=UTC)
    with acme.database.transaction():
        for name, span in (("forum", 3 * HOUR + 30 * MINUTE), ("chirp", 5 * HOUR), ("news", 5 * MINUTE)):
            sources.failed(acme.database, name, tuesday, "503 from the server", "wait", refused=False)
            sources.succeeded(acme.database, name, tuesday + span, new=True)
        gap = Gap(tuesday + HOUR, tuesday + 2 * HOUR, "the server keeps only an hour")
        sources.add_gaps(acme.database, "chirp", [gap], tuesday + 5 * HOUR)
    (section,) = [
        each
        for each in contents.view(acme.database, acme.rules, MONDAY).sections
        if each.heading == "What was not seen"
    ]
    assert [line.text for line in section.lines] == [
        "forum not read Tue 02:10-05:40: 503 from the server; read again since",
        "chirp not read Tue 03:10-04:10: the server keeps only an hour",
    ]


def test_a_quiet_week_says_so_and_which_sources_were_read(acme: Assembly) -> None:
    assert digest.letter_of(acme.database, acme.rules, MONDAY, key="k").subject == "Acme: A quiet week: nobody wrote"
    words = words_of(acme)
    assert "All sources were read: forum, chirp, news." in words
    assert "Small numbers" not in words


def test_silence_is_not_called_quiet_when_a_source_was_not_read(acme: Assembly) -> None:
    with acme.database.transaction():
        sources.failed(acme.database, "chirp", MONDAY - DAY, "503 from the server", "wait", refused=False)
    words = words_of(acme)
    assert "quiet week" not in words
    assert "Nobody wrote, as far as we could see" in words


def test_weeks_meet_without_a_gap_when_the_clocks_change(sqlite: Sqlite, tmp_path: Path) -> None:
    """New York loses an hour on 8 March 2026: what is written in every half hour is in one letter."""
    acme = assembly_of(sqlite, in_zone(tmp_path, "America/New_York"))
    first = datetime(2026, 3, 2, 13, 0, tzinfo=UTC)  # Monday 08:00 in New York
    second = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)
    third = second + WEEK
    written = first - 3 * HOUR  # of the week before: not of this letter
    while written < third:
        write(acme, "Acme has a shop in Leeds", at=written, author=f"{written:%d%H%M}")
        written += 30 * MINUTE
    zone = acme.settings.zone
    counts = [week.of(sqlite, acme.rules, moment, zone).volume.mentions for moment in (second, third)]
    assert counts == [2 * 167, 2 * 168]
    assert sum(counts) == count(sqlite, "mentions") - 6


def test_a_loud_week_still_makes_a_letter_of_350_words_that_mail_programs_show_whole(
    sqlite: Sqlite, tmp_path: Path
) -> None:
    """Gmail cuts what is longer than 102 kB; a thousand angry people, long words and many gaps do not get there."""
    acme = assembly_of(sqlite, with_one_brand(tmp_path, tables=BOSSES))
    posts = [
        post(f"{ANGRY} {number:x} " + "and again " * 200, author=f"a{number}" * 20, at=MONDAY - 3 * DAY)
        for number in range(1000)
    ]
    take(acme, *posts, now=MONDAY - 3 * DAY + MINUTE)
    with sqlite.transaction():
        gaps = [Gap(MONDAY - DAY + number * MINUTE, MONDAY - HOUR, "why " * 100) for number in range(500)]
        sources.add_gaps(sqlite, "forum", gaps, MONDAY)
    letter = digest.letter_of(sqlite, acme.rules, MONDAY, key="k")
    assert "1,000 cases overdue" in letter.text
    assert re.search(r"and \d+ more in Insights: http", letter.text)
    assert count_of(letter.text) <= MOST_WORDS
    assert len(letter.html.encode()) < 100_000


@pytest.mark.parametrize(
    ("wrong", "right", "open_", "said"),
    [
        (1, 0, 0, "The one alert was not relevant."),
        (3, 0, 0, "None of 3 alerts was relevant."),
        (1, 2, 0, "2 of 3 alerts were relevant."),
        (0, 1, 2, "The one alert that somebody acted on was relevant; nobody has acted on 2 more."),
        (1, 0, 2, "The one alert that somebody acted on was not relevant; nobody has acted on 2 more."),
        (2, 0, 1, "None of 2 alerts that somebody acted on was relevant; nobody has acted on 1 more."),
    ],
)
def test_of_few_alerts_it_is_said_as_people_say_it(
    wrong: int, right: int, open_: int, said: str, sqlite: Sqlite, tmp_path: Path
) -> None:
    """ "0 of 1 alert were relevant." """
    acme = assembly_of(sqlite, with_one_brand(tmp_path))
    for number in range(wrong + right + open_):
        write(acme, at=MONDAY - DAY, author=f"a{number}")
    for number in range(wrong + right):
        verb, detail = ("dismiss", {"why": "not_us"}) if number < wrong else ("answered", {})
        actions.say(sqlite, acme.rules, str(number + 1), verb, who="Ana", way="test", now=MONDAY - HOUR, detail=detail)
    assert said in words_of(acme)


def test_of_praise_that_was_thanked_for_it_is_said_how_many_it_was(acme: Assembly) -> None:
    """ "1 post of praise, all of them thanked or closed." """
    told = ("1 post of praise, thanked or closed.", "2 posts of praise, all thanked or closed.")
    for number, said in enumerate(told):
        write(acme, "I love Acme, wonderful people, thank you so much!", at=MONDAY - DAY, author=f"fan{number}")
        (row,) = acme.database.rows("SELECT id FROM cases WHERE answered_at = ''")
        actions.say(acme.database, acme.rules, row["id"], "answered", who="Ana", way="test", now=MONDAY - HOUR)
        assert said in words_of(acme)


def test_what_nobody_judges_is_of_the_week_even_where_the_letter_comes_late(acme: Assembly) -> None:
    for number, at in enumerate((MONDAY - DAY, MONDAY + DAY, MONDAY + DAY)):
        write(acme, "Acme siparişim gelmedi", at=at, author=f"p{number}", lang="tr")
    said = "1 post of the week in a language Earful can't judge (tr): it is listed, and nobody is alerted."
    assert said in words_of(acme)
    assert "2 posts of the week in languages Earful can't judge (tr 2)" in words_of(acme, MONDAY + WEEK)


# For whom it is


def test_each_brand_has_a_letter_of_its_own_for_each_recipient(database: Sqlite | Postgresql, tmp_path: Path) -> None:
    """What is said of one brand is not in the other's; a letter of the whole week before that counts for both."""
    acme = assembly_of(database, settings_from(tmp_path, tables=BOSSES))
    installed(acme, MONDAY - 30 * DAY)
    write(acme, at=MONDAY - DAY)
    assert digest.queue_due(database, acme.rules, MONDAY) == 4
    assert digest.queue_due(database, acme.rules, MONDAY + MINUTE) == 0
    rows = database.rows("SELECT about, target, payload FROM deliveries WHERE about LIKE 'digest:%'")
    told = {(row["about"].rpartition(":")[2], row["target"]): json.loads(row["payload"])["text"] for row in rows}
    assert sorted(told) == [(brand, to) for brand in ("Acme", "Globex") for to in ("console:ana", "console:ben")]
    assert "wrong box" in told["Acme", "console:ana"]
    assert "A quiet week" in told["Globex", "console:ana"]
    with database.transaction():
        for to in ("console:ana", "console:ben"):
            key_values.take_period(database, f"digest:2026-W12:{to}", MONDAY + WEEK)
    assert digest.queue_due(database, acme.rules, MONDAY + WEEK) == 0


def test_a_brand_that_was_renamed_has_no_second_letter_of_the_week(sqlite: Sqlite, tmp_path: Path) -> None:
    acme = assembly_of(sqlite, settings_from(tmp_path, tables=BOSSES))
    installed(acme, MONDAY - 30 * DAY)
    assert digest.queue_due(sqlite, acme.rules, MONDAY) == 4
    file = settings_from(tmp_path, tables=BOSSES).file
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace('name = "Globex"', 'name = "Globular"\nwas = ["Globex"]'), encoding="utf-8")
    assert digest.queue_due(sqlite, Rules(load(file, {})), MONDAY + HOUR) == 0


def test_a_brand_that_was_removed_is_not_in_the_letter_of_the_one_that_is_left(
    database: Sqlite | Postgresql, tmp_path: Path
) -> None:
    """What is sent is what `earful digest` prints: Acme's week, under Acme's name."""
    both = assembly_of(database, settings_from(tmp_path, tables=BOSSES))
    installed(both, MONDAY - 30 * DAY)
    for number in range(3):
        write(both, f"Globex is terrible, my order {number} never arrived", at=MONDAY - 2 * DAY, author=f"g{number}")
    write(both, "Acme has a shop in Leeds", at=MONDAY - DAY)
    acme = assembly_of(database, with_one_brand(tmp_path, tables=BOSSES))
    assert digest.queue_due(database, acme.rules, MONDAY) == 2
    rows = database.rows("SELECT payload FROM deliveries WHERE about LIKE 'digest:%'")
    sent = {json.loads(row["payload"])["text"] for row in rows}
    assert sent == {digest.letter_of(database, acme.rules, MONDAY, key="k", brand="Acme").text}
    assert "Nobody is waiting for an answer" in str(sent)


def test_open_cases_of_a_brand_that_settings_do_not_name_any_more_are_told(
    database: Sqlite | Postgresql, tmp_path: Path
) -> None:
    """No letter is about that brand. They are told once, in the letter of the brand that settings name first."""
    tables = f'{BOSSES}[[brands]]\nname = "Initech"\nquery = "initech"\n'
    before = assembly_of(database, settings_from(tmp_path, tables=tables))
    installed(before, MONDAY - 30 * DAY)
    for number in range(3):
        write(before, f"Globex is terrible, my order {number} never arrived", at=MONDAY - 2 * DAY, author=f"g{number}")
    write(before, "Initech is terrible, my order never arrived", at=MONDAY - 2 * DAY, author="i")
    actions.say(database, before.rules, "3", "answered", who="Ana", way="test", now=MONDAY - DAY)
    assert "no longer name" not in words_of(before, brand="Acme")
    after = assembly_of(database, with_one_brand(tmp_path, tables=tables))
    words = words_of(after, brand="Acme")
    assert (
        "2 cases of Globex, which the settings no longer name, still wait: answer or close them, or, if the brand "
        'was renamed, have its new entry say was = ["Globex"].'
    ) in words
    assert "http://127.0.0.1:8321/?brand=Globex" in words
    assert "Globex" not in words_of(after, brand="Initech"), "once is enough"
    assert "2 cases of Globex" in words_of(after)
    file = after.settings.file
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace('query = "initech"', 'query = "initech"\nwas = ["Globex"]'), encoding="utf-8")
    mended = assembly_of(database, load(file, {}))
    assert "no longer name" not in words_of(mended), "what the line says helps"


def test_a_brand_that_came_in_mid_week_is_not_compared_with_a_part_of_one(
    database: Sqlite | Postgresql, tmp_path: Path
) -> None:
    """Acme is read for a month, Globex since the Thursday of the week before; two weeks later there is a whole one."""
    acme = assembly_of(database, settings_from(tmp_path, tables=BOSSES))
    installed(acme, MONDAY - 30 * DAY)
    write(acme, CALM, at=MONDAY - 29 * DAY, author="old")
    thursday = MONDAY - 11 * DAY
    for days in (0, 7, 14):
        write(acme, "Globex has a shop in Leeds", at=thursday + days * DAY, author=f"g{days}")
    weeks = [words_of(acme, MONDAY + days * DAY, brand="Globex") for days in (-7, 0, 7)]
    assert "1 mention (none before this week)" in weeks[0]
    assert "1 mention, 0% negative" in weeks[1]
    assert "No comparison with the week before: nothing about Globex was seen before Thu 26 Feb." in weeks[1]
    assert "1 mention (1 the week before)" in weeks[2]
    assert "No comparison" not in weeks[0] + weeks[2]


def test_the_lists_that_a_brands_letter_leads_to_are_of_that_brand(sqlite: Sqlite, tmp_path: Path) -> None:
    """ "and 3 more" led to what is overdue of every brand."""
    acme = assembly_of(sqlite, settings_from(tmp_path, tables=BOSSES))
    installed(acme, MONDAY - 30 * DAY)
    for number in range(4):
        write(acme, LATE, at=MONDAY - 4 * DAY, author=f"late{number}")
    write(acme, INJURY, at=MONDAY - 3 * DAY, author="hurt")
    write(acme, at=MONDAY - 4 * DAY, seen=2 * DAY, author="found late")
    write(acme, "Acmeのアプリが動きません", at=MONDAY - DAY, author="listed")
    write(acme, "I love Acme, wonderful people, thank you so much!", at=MONDAY - DAY, author="fan")
    words = words_of(acme, brand="Acme")
    page = "http://127.0.0.1:8321"
    for path in ("/?view=overdue&", "/?view=unassigned&", "/?", "/?state=sweep&", "/mentions/thanks?"):
        assert f"{page}{path}brand=Acme" in words
    assert "?brand" not in words_of(acme)


def test_brands_that_come_and_go_in_mid_week_bring_no_letter_outside_its_day(
    database: Sqlite | Postgresql, tmp_path: Path
) -> None:
    """Two brands had theirs on Monday. On Wednesday one goes, or a third comes: the next ones are Monday's."""
    both = settings_from(tmp_path, tables=BOSSES).file.read_text(encoding="utf-8")
    globex = '[[brands]]\nname = "Globex"\nquery = "globex"\n'
    three = tmp_path / "three.toml"
    three.write_text(both.replace(globex, f'{globex}[[brands]]\nname = "Initech"\nquery = "initech"\n'), "utf-8")
    one = tmp_path / "one.toml"
    one.write_text(both.replace(globex, ""), "utf-8")
    acme = assembly_of(database, settings_from(tmp_path, tables=BOSSES))
    installed(acme, MONDAY - 30 * DAY)
    assert digest.queue_due(database, acme.rules, MONDAY) == 4
    assert digest.queue_due(database, Rules(load(three, {})), MONDAY + 2 * DAY) == 0
    assert digest.queue_due(database, Rules(load(one, {})), MONDAY + 2 * DAY) == 0
    assert digest.queue_due(database, Rules(load(three, {})), MONDAY + WEEK) == 6
    assert digest.queue_due(database, Rules(load(one, {})), MONDAY + WEEK + MINUTE) == 0
    assert digest.queue_due(database, Rules(load(one, {})), MONDAY + 2 * WEEK) == 2


def test_a_letter_is_about_the_week_of_its_reader(database: Sqlite | Postgresql, tmp_path: Path) -> None:
    """Kenji's Monday begins eight hours before Ana's in Lisbon; each has one letter, about their own seven days."""
    people = (
        '[[people]]\nname = "Kenji"\ntargets = ["console:kenji"]\nzone = "Asia/Singapore"\n'
        '[[people]]\nname = "Ana"\ntargets = ["console:ana"]\nzone = "Europe/Lisbon"\n'
    )
    acme = assembly_of(
        database, with_one_brand(tmp_path, tables=f'{people}[digest]\nto = ["console:kenji", "console:ana"]\n')
    )
    installed(acme, MONDAY - 3 * DAY)
    write(acme, at=MONDAY - 2 * HOUR)  # after Kenji's letter, before Ana's
    queued = [digest.queue_due(database, acme.rules, MONDAY + hours * HOUR) for hours in (-9, -8, -1, 0, 1)]
    assert queued == [0, 1, 0, 1, 0]
    texts = {
        row["target"]: json.loads(row["payload"])["text"]
        for row in database.rows("SELECT target, payload FROM deliveries WHERE about = 'digest:2026-W11'")
    }
    assert "A quiet week" in texts["console:kenji"]
    assert "wrong box" in texts["console:ana"]


def test_words_in_the_readers_language_come_first_and_others_say_which_they_are_in(acme: Assembly) -> None:
    """The German complaint is as loud; whoever reads German has it first."""
    german = "Acme hat mir das falsche Paket geschickt und niemand antwortet. Furchtbar schlechter Service!"
    write(acme, german, at=MONDAY - HOUR, author="hans", lang="de")
    write(acme, at=MONDAY - HOUR, author="olga")
    zone = acme.settings.zone
    found = {}
    for speaks in (("en",), ("de", "en"), ("de",)):
        view = contents.view(acme.database, acme.rules, MONDAY, reader=contents.Reader(zone, speaks))
        (section,) = [each for each in view.sections if each.heading == "In their own words"]
        found[speaks] = [line.by for line in section.lines]
    assert found["en",] == ["a customer on forum", "a customer on forum, in German"]
    assert found["de", "en"] == ["a customer on forum"] * 2
    assert found["de",] == ["a customer on forum", "a customer on forum, in English"]


def test_a_letter_names_no_customer_not_even_inside_their_words(acme: Assembly) -> None:
    write(
        acme, "@acme @lena.w and I, Olga Sommer, are furious: order 20931 never came, write to olga@mail.example. "
        "Terrible service!", at=MONDAY - 2 * DAY, author="olga_sommer", author_name="Olga Sommer", source="chirp",
    )  # fmt: skip
    letter = digest.letter_of(acme.database, acme.rules, MONDAY, key="k")
    for words in (letter.text, letter.html):
        for name in ("olga", "Sommer", "lena", "20931", "mail.example"):
            assert name.casefold() not in words.casefold()
        assert "@acme" in words, "our own account names nobody"


def test_whose_words_a_letter_quotes_can_be_forgotten(acme: Assembly) -> None:
    """The words in the letter are masked, so that they are not found by themselves."""
    write(acme, "@acme order 20931 never came and nobody answers, terrible", at=MONDAY - DAY, native_id="o1")
    digest.queue_due(acme.database, acme.rules, MONDAY)
    with acme.database.transaction():
        acme.database.run("UPDATE deliveries SET state = 'sent' WHERE target = 'console:ana'")
        forgetting.forget(
            acme.database, [mentions.post_key(acme.database, "forum", "o1")], [], MONDAY + HOUR, "deleted_at"
        )
    rows = acme.database.rows("SELECT target, payload FROM deliveries WHERE about LIKE 'digest:%'")
    assert [(row["target"], row["payload"]) for row in rows] == [("console:ana", "{}")]
    assert digest.queue_due(acme.database, acme.rules, MONDAY + 2 * HOUR) == 1, "written again, without the words"


def test_people_are_quoted_once_each_and_praise_needs_a_reason(acme: Assembly) -> None:
    """Ten copies of one text, two texts of one person, the brand's own praise, a curse that sounds warm."""
    for number in range(10):
        write(acme, CHURN, at=MONDAY - DAY, author=f"copy{number}")
    for words in (LATE, BROKEN):
        write(acme, words, at=MONDAY - DAY, author="olga")
    write(acme, "Acme is wonderful, the best, I love it, thank you so much!", at=MONDAY - DAY, author="acme_care")
    write(acme, "Oh great, I just love it when Acme loses my parcel. Wonderful. Thanks a lot!", at=MONDAY - DAY,
          author="irony")  # fmt: skip
    write(acme, "I love Acme, wonderful people, thank you so much!", at=MONDAY - DAY, author="mia")
    view = contents.view(acme.database, acme.rules, MONDAY)
    told = {each.heading: [line.quote for line in each.lines if line.quote] for each in view.sections}
    assert told["Worth a thank-you"] == ["I love Acme, wonderful people, thank you so much!"]
    every = [quote for quotes in told.values() for quote in quotes]
    assert len(every) == len(set(every))
    assert sum(quote in (LATE, BROKEN) for quote in every) <= 1


# The whole of it


class _Words(HTMLParser):
    """The words of a page, without its style."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._hidden = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden = tag in {"style", "title"} or "display: none" in (dict(attrs).get("style") or "")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.found.append(data)


def visible(html: str) -> str:
    """What a reader sees of a page, in one line."""
    page = _Words()
    page.feed(html)
    return re.sub(r"\s+", " ", " ".join(page.found)).strip()


def a_week(acme: Assembly) -> None:
    """Olga waits, Mia was answered within twenty minutes, a post was not for us, and the forum failed on Tuesday."""
    tuesday = datetime(2026, 3, 3, 2, 10, tzinfo=UTC)
    with acme.database.transaction():
        sources.failed(acme.database, "forum", tuesday, "503 from the server", "wait", refused=False)
        sources.succeeded(acme.database, "forum", tuesday + 3 * HOUR + 30 * MINUTE, new=False)
    for number in range(2):
        write(acme, "I love Acme, great shop, thank you!", at=MONDAY - 9 * DAY, author=f"fan{number}")
    write(acme, at=MONDAY - 3 * DAY + 2 * HOUR, author="olga", native_id="olga")
    write(acme, LATE, at=MONDAY - 4 * DAY + 2 * HOUR, author="mia", native_id="mia", source="chirp")
    sorry, answered = "So sorry, a new one is on its way.", MONDAY - 4 * DAY + 2 * HOUR + 20 * MINUTE
    own = post(sorry, author="acme", source="chirp", parent_id="mia", at=answered)
    with acme.database.transaction():
        acme.answers.take([own], own.posted_at + MINUTE)
    (of_zoe,) = write(acme, BROKEN, at=MONDAY - 4 * DAY + 3 * HOUR, author="zoe", native_id="zoe")
    actions.say(
        acme.database, acme.rules, of_zoe, "dismiss", who="Ana", way="test", now=MONDAY - 3 * DAY,
        detail={"why": "not_us"},
    )  # fmt: skip
    write(acme, "I love Acme, wonderful people, thank you so much!", at=MONDAY - DAY, author="noor", native_id="noor")


TEXT = """\
1 case overdue
Acme · Mon 2 Mar to Mon 9 Mar 2026

Inbox: http://127.0.0.1:8321

CRITICAL AND OVERDUE

Overdue, waiting 2 days 22 h, nobody has taken it
  "Acme charged me for the wrong box and nobody answers. This is terrible."
  a customer on forum
  http://127.0.0.1:8321/cases/3

IN THEIR OWN WORDS

  "Acme my order never arrived, two weeks late, awful service"
  a customer on chirp
  http://127.0.0.1:8321/cases/4

THE WEEK IN NUMBERS

4 mentions (2 the week before), 75% negative of 4 judged (0% the week
before). Small numbers: one person more or less changes these shares a lot.
Answered within the target: 50% of 2 cases due; 1 answered, 1 unanswered.
Median time to answer: 20 minutes of opening hours (only 1 answer).

WORTH A THANK-YOU

1 post of praise, not thanked yet.
  http://127.0.0.1:8321/mentions/thanks

  "I love Acme, wonderful people, thank you so much!"
  a customer on forum
  http://127.0.0.1:8321/cases/6

WHAT WAS NOT SEEN

forum not read Tue 02:10-05:40: 503 from the server; read again since

HOW RIGHT EARFUL WAS

1 of 2 alerts that somebody acted on was relevant; nobody has acted on 1
more.

All figures: http://127.0.0.1:8321/insights?until=2026-03-09T08:00Z
"""


def test_the_letter_as_a_manager_gets_it(acme: Assembly) -> None:
    """The whole text, and all of its words in the HTML. Change it on purpose only."""
    a_week(acme)
    letter = digest.letter_of(acme.database, acme.rules, MONDAY, key="k")
    shown = visible(letter.html)
    for line in letter.text.splitlines():
        assert line.startswith(("  http", "Inbox:", "All figures:")) or line.strip().casefold() in shown.casefold()
    assert letter.text == TEXT


# The command


def test_the_letter_can_be_printed_looked_at_and_sent(tmp_path: Path, smtp: FakeSmtp) -> None:
    settings = settings_from(tmp_path, **by_mail(smtp))
    here = ["--settings", str(settings.file), "digest"]
    printed = CliRunner().invoke(app, here)
    assert printed.output.count("A quiet week: nobody wrote") == 2
    page = tmp_path / "out.html"
    assert CliRunner().invoke(app, [*here, "--preview", str(page), "--brand", "Acme"]).exit_code == 0
    assert "A quiet week: nobody wrote" in visible(page.read_text(encoding="utf-8"))
    both = CliRunner().invoke(app, [*here, "--preview", str(page)])
    assert both.output == f"Wrote {tmp_path}/out-acme.html\nWrote {tmp_path}/out-globex.html\n"
    sent = CliRunner().invoke(app, [*here, "--send"])
    assert sent.output == "1 of 2 digests sent; the daemon sends the rest\n", "one mail a second, no more"
    (mail,) = smtp.ledger
    assert mail.subject.endswith(": A quiet week: nobody wrote")


@pytest.mark.parametrize(
    ("weekday", "until"),
    [("mon", datetime(2026, 3, 9, 8, tzinfo=UTC)), ("fri", datetime(2026, 3, 6, 8, tzinfo=UTC))],
)
def test_a_past_week_is_the_seven_days_that_hold_its_thursday(weekday: str, until: datetime, tmp_path: Path) -> None:
    rules = Rules(with_one_brand(tmp_path, tables=f'{BOSSES}weekday = "{weekday}"\n'))
    assert digest.end_of_week(rules, "2026-W10", rules.settings.zone) == until


def test_a_letter_of_a_past_week_says_that_what_is_open_is_as_of_now(acme: Assembly) -> None:
    """What was answered since is not told as open, and what is open may have been taken since."""
    write(acme, LATE, at=MONDAY - 4 * DAY, author="late")
    actions.say(acme.database, acme.rules, "1", "answered", who="Ana", way="test", now=MONDAY + DAY)
    assert "Nobody is waiting" in words_of(acme), "the case is not open any more"
    for later, said in ((HOUR, False), (9 * DAY, True)):
        letter = digest.letter_of(acme.database, acme.rules, MONDAY, key="k", now=MONDAY + later)
        assert ("to Mon 9 Mar 2026; open cases as of Wed 18 Mar 2026" in letter.text) is said
        assert ("to Mon 9 Mar 2026; open cases as of Wed 18 Mar 2026" in visible(letter.html)) is said
    assert digest.queue_due(acme.database, acme.rules, MONDAY + 2 * DAY) == 2
    (payload, *_) = acme.database.rows("SELECT payload FROM deliveries WHERE about LIKE 'digest:%'")
    assert "; open cases as of Wed 11 Mar 2026" in payload["payload"], "it comes late, after days of downtime"


def test_a_past_week_can_be_printed_and_a_wrong_one_is_refused(tmp_path: Path) -> None:
    here = ["--settings", str(with_one_brand(tmp_path, tables=BOSSES).file), "digest", "--week"]
    printed = CliRunner().invoke(app, [*here, "2026-W10"]).output
    assert "Mon 2 Mar to Mon 9 Mar 2026; open cases as of " in printed
    for wrong, said in (
        ("2026-W60", "write a week such as 2026-W48"),
        ("last", "write a week such as 2026-W48"),
        ("9998-W10", "that week's digest is due on"),
    ):
        result = CliRunner().invoke(app, [*here, wrong])
        assert result.exit_code != 0
        assert said in str(result.exception)


def test_languages_that_nobody_judges_are_said_in_the_letter_and_by_name(acme: Assembly) -> None:
    """Such a post calls nobody: what is not understood stands in the list, and is said."""
    for number, (text, lang) in enumerate(
        [("Acme の荷物が届きません", "ja"), ("Acme の電話が通じない", "ja"), ("Acme siparişim gelmedi", "tr")]
    ):
        take(acme, post(text, author=f"p{number}", lang=lang, at=MONDAY - DAY), now=MONDAY - DAY)
    take(acme, post("Acme: mein Paket kam nie an", author="hans", lang="de", at=MONDAY - DAY), now=MONDAY - DAY)
    assert "3 posts of the week in languages Earful can't judge (ja 2, tr 1)" in words_of(acme)
