"""The managers' letter: exactly one a week and recipient, about those who still wait, and honest about the rest."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from connectors import Gap
from monitor.cases import actions as verbs
from monitor.cli import app
from monitor.reports import digest
from monitor.settings.loading import load
from monitor.settings.models import Settings
from monitor.store import deliveries, key_values, sources, web
from monitor.store.connect import open_database
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.web import links
from monitor.wiring import Assembly
from tests.fakes.smtp import DROP, FakeSmtp
from tests.helpers import (
    AGAIN,
    ANGRY,
    BROKEN,
    CHURN,
    DAY,
    HOUR,
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


def in_zone(folder: Path, zone: str, digest_table: str = BOSSES, **more: Any) -> Settings:
    """Settings whose desk is in another zone than UTC."""
    file = settings_from(folder, tables=digest_table, **more).file
    file.write_text(file.read_text(encoding="utf-8").replace('zone = "UTC"', f'zone = "{zone}"'), encoding="utf-8")
    return load(file, {})


def installed(assembly: Assembly, at: datetime) -> None:
    """Earful was first started then."""
    with assembly.database.transaction():
        key_values.remember(assembly.database, "installed_at", at.isoformat(), at)


@pytest.fixture
def acme(database: Sqlite | Postgresql, tmp_path: Path) -> Assembly:
    """An installation that has run for a month."""
    made = assembly_of(database, settings_from(tmp_path, tables=BOSSES))
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
    settings = settings_from(tmp_path, tables=BOSSES)
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
    friday = assembly_of(acme.database, settings_from(tmp_path, tables=BOSSES + 'weekday = "fri"\n'))
    assert digest.queue_due(acme.database, friday.rules, MONDAY + 5 * DAY) == 0
    assert digest.queue_due(acme.database, friday.rules, MONDAY + 12 * DAY) == 2


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
    settings = settings_from(tmp_path, **by_mail(smtp))
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
    shown = settings_from(tmp_path, **words, earful='page_url = "https://earful.acme.example"\n')
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
    settings = settings_from(tmp_path, **{**more, **words})
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


def test_the_first_week_has_nothing_to_compare_with(acme: Assembly) -> None:
    write(acme, at=MONDAY - 2 * DAY)
    letter = digest.letter_of(acme.database, acme.rules, MONDAY, key="k")
    for words in (letter.text, visible(letter.html)):
        assert "first week, nothing to compare yet" in words
        assert "week before" not in words


def test_the_letter_says_whether_people_were_kinder_once_their_case_was_closed(acme: Assembly) -> None:
    """Closed two weeks ago, thanked in this one: people do not hurry, so the letter looks at four weeks."""
    assert not any("whose case was closed" in note for note in digest.view(acme.database, acme.rules, MONDAY).notes)
    for author, then in (("olga", "thanks Acme, all good now"), ("mira", "")):
        (case_id,) = write(acme, at=MONDAY - 15 * DAY, author=author)
        solved = {"outcome": "solved"}
        verbs.say(
            acme.database, acme.rules, case_id, "close", who="Ana", way="page", now=MONDAY - 14 * DAY, detail=solved
        )
        if then:
            write(acme, then, at=MONDAY - 2 * DAY, author=author)
    said = "Of 2 people whose case was closed in the last four weeks, 1 wrote again, 1 of them more kindly."
    said += " Too few to draw conclusions."
    assert said in digest.view(acme.database, acme.rules, MONDAY).notes
    letter = digest.letter_of(acme.database, acme.rules, MONDAY, key="k")
    for words in (letter.text, visible(letter.html)):
        assert " ".join(said.split()) in " ".join(words.split())


def test_a_week_is_not_compared_with_a_part_of_one(acme: Assembly) -> None:
    """Installed on the Thursday of the week before."""
    installed(acme, MONDAY - 11 * DAY)
    write(acme, at=MONDAY - 10 * DAY)
    write(acme, at=MONDAY - 2 * DAY, author="mia")
    view = digest.view(acme.database, acme.rules, MONDAY)
    assert (view.mentions_before, view.negative_share_before) == (None, None)
    assert "No comparison with the week before, which was incomplete: Earful started on Thu 26 Feb." in view.notes


def test_a_week_is_compared_with_the_week_before(acme: Assembly) -> None:
    for number in range(3):
        write(acme, LATE, at=MONDAY - 10 * DAY, author=f"a{number}")
    write(acme, "Acme is lovely, thank you", at=MONDAY - 2 * DAY)
    view = digest.view(acme.database, acme.rules, MONDAY)
    assert (view.mentions, view.mentions_before, view.negative_share, view.negative_share_before) == (1, 3, 0.0, 1.0)
    assert "1 mention (down from 3)" in digest.letter_of(acme.database, acme.rules, MONDAY, key="k").text


def test_small_numbers_are_marked(acme: Assembly) -> None:
    for number in range(digest.SMALL):
        write(acme, "Acme has a shop in Leeds", at=MONDAY - DAY, author=f"a{number}")
    assert not digest.view(acme.database, acme.rules, MONDAY).small
    assert "Small numbers" not in digest.letter_of(acme.database, acme.rules, MONDAY, key="k").text
    before = digest.letter_of(acme.database, acme.rules, MONDAY - DAY - MINUTE, key="k")
    assert "Small numbers" not in before.text  # none at all
    write(acme, "Acme has a shop in Leeds", at=MONDAY + DAY, author="one")
    after = digest.letter_of(acme.database, acme.rules, MONDAY + WEEK, key="k")
    assert "Small numbers: one person more or less changes these shares a lot." in after.text


def test_those_who_wait_longest_come_first_five_with_links_and_the_count(acme: Assembly) -> None:
    """Seven wait; one of them had an answer and wrote again; the one who was answered is not among them."""
    for number in range(7):
        at = MONDAY - (7 - number) * 12 * HOUR
        write(acme, at=at, author=f"a{number}", native_id=f"p{number}", thread_id=f"t{number}")
    verbs.say(acme.database, acme.rules, "1", "answered", who="Ana", way="test", now=MONDAY - 80 * HOUR)
    verbs.say(acme.database, acme.rules, "2", "answered", who="Ana", way="test", now=MONDAY - 60 * HOUR)
    write(acme, AGAIN, at=MONDAY - 50 * HOUR, author="a1", thread_id="t1", native_id="again")
    verbs.say(acme.database, acme.rules, "3", "take", who="Ana", way="test", now=MONDAY - 40 * HOUR)
    view = digest.view(acme.database, acme.rules, MONDAY)
    assert view.unanswered_count == 6
    assert [(line.headline, line.age_words, line.owner) for line in view.unanswered] == [
        ("a1 on forum", "2 days 2 h", ""),
        ("a2 on forum", "2 days 12 h", "Ana"),
        ("a3 on forum", "2 days", ""),
        ("a4 on forum", "1 day 12 h", ""),
        ("a5 on forum", "1 day", ""),
    ]
    assert [line.url for line in view.unanswered][:2] == ["https://forum.example/again", "https://forum.example/p2"]
    letter = digest.letter_of(acme.database, acme.rules, MONDAY, key="k")
    assert letter.subject.endswith("6 people still without an answer")
    assert letter.text.index("a1 on forum") < letter.text.index("THE WEEK IN NUMBERS")
    assert "and 1 more" in letter.text


def test_alerts_that_were_not_for_us_are_counted_among_those_of_the_week(acme: Assembly) -> None:
    for number in range(4):
        write(acme, at=MONDAY - DAY, author=f"a{number}")
    write(acme, at=MONDAY - 9 * DAY, author="earlier")
    for case_id, why in (("1", "not_us"), ("2", "spam"), ("3", "handled_elsewhere"), ("5", "not_us")):
        verbs.say(
            acme.database, acme.rules, case_id, "dismiss", who="Ana", way="test", now=MONDAY - HOUR,
            detail={"why": why},
        )  # fmt: skip
    assert "2 of 4 alerts were not relevant." in digest.view(acme.database, acme.rules, MONDAY).notes


def test_mutes_that_are_offered_are_told_with_the_reason_and_the_place_to_answer(acme: Assembly) -> None:
    """Once somebody has said yes or no, the letter is silent about it."""
    key_values.add_mute(acme.database, "Acme", "author", "forum/bugs", "marked “not us” 3 times", MONDAY, offered=True)
    key_values.add_mute(
        acme.database, "Acme", "domain", "toons.example", "marked “not us” 4 times", MONDAY, offered=True
    )
    notes = digest.view(acme.database, acme.rules, MONDAY).notes
    assert "Mute the author forum/bugs? marked “not us” 3 times." in notes
    assert "Mute links to toons.example? marked “not us” 4 times." in notes
    assert any(note.startswith("Accept or decline on the page Desk") for note in notes)
    offered = key_values.mutes(acme.database, offered=True)
    key_values.accept_mute(acme.database, offered[0]["n"], "Ana", MONDAY)
    key_values.undo_mute(acme.database, offered[1]["n"], MONDAY)
    assert not any("Mute" in note for note in digest.view(acme.database, acme.rules, MONDAY).notes)


def test_what_was_found_too_late_to_call_anybody_is_told(acme: Assembly) -> None:
    """A source could not be read for two days."""
    write(acme, at=MONDAY - 4 * DAY, seen=2 * DAY)
    notes = digest.view(acme.database, acme.rules, MONDAY).notes
    assert "1 complaint was found too late to alert anyone; earful cases lists what is open." in notes


def test_how_many_more_may_need_an_answer_is_told(acme: Assembly) -> None:
    write(acme, "Acmeのアプリが動きません", at=MONDAY - DAY, author="one")
    said = "1 more post may need an answer; it is in the sweep list."
    assert said in digest.view(acme.database, acme.rules, MONDAY).notes
    write(acme, "Acmeの荷物がまだ届きません", at=MONDAY - DAY, author="two")
    notes = digest.view(acme.database, acme.rules, MONDAY).notes
    assert "2 more posts may need an answer; they are in the sweep list." in notes


def test_people_are_heard_in_their_own_words_once_each(acme: Assembly) -> None:
    """Ten copies of one text, two texts of one person, and the brand's own praise are one, one and none."""
    for number in range(10):
        write(acme, CHURN, at=MONDAY - DAY, author=f"copy{number}")
    for words in (LATE, BROKEN):
        write(acme, words, at=MONDAY - DAY, author="olga")
    write(acme, "Acme is wonderful, the best, I love it, thank you so much!", at=MONDAY - DAY, author="acme_care")
    write(acme, "I love Acme, wonderful people, thank you so much!", at=MONDAY - DAY, author="mia")
    voices = digest.view(acme.database, acme.rules, MONDAY).voices
    assert sorted((voice.kind, voice.who.partition(" ")[0].rstrip("0123456789")) for voice in voices) == [
        ("complaint", "copy"),
        ("complaint", "olga"),
        ("praise", "mia"),
    ]


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
    assert digest.view(database, acme.rules, MONDAY).not_seen == (
        "forum not read Tue 02:10-05:40: the server keeps only a day",
        "forum not read Wed 02:10-Fri 02:10: the walk was cut",
        "chirp not read since Thu 5 Mar 02:10: 503 from the server",
    )


def test_an_outage_that_is_over_is_told_unless_the_network_says_better_what_is_missing(acme: Assembly) -> None:
    tuesday = datetime(2026, 3, 3, 2, 10, tzinfo=UTC)
    with acme.database.transaction():
        for name, span in (("forum", 3 * HOUR + 30 * MINUTE), ("chirp", 5 * HOUR), ("news", 5 * MINUTE)):
            sources.failed(acme.database, name, tuesday, "503 from the server", "wait", refused=False)
            sources.succeeded(acme.database, name, tuesday + span, new=True)
        gap = Gap(tuesday + HOUR, tuesday + 2 * HOUR, "the server keeps only an hour")
        sources.add_gaps(acme.database, "chirp", [gap], tuesday + 5 * HOUR)
    assert digest.view(acme.database, acme.rules, MONDAY).not_seen == (
        "forum not read Tue 02:10-05:40: 503 from the server; read again since",
        "chirp not read Tue 03:10-04:10: the server keeps only an hour",
    )


def test_a_quiet_week_says_so_and_which_sources_were_read(acme: Assembly) -> None:
    letter = digest.letter_of(acme.database, acme.rules, MONDAY, key="k")
    assert letter.subject.endswith("A quiet week: nobody wrote")
    for words in (letter.text, visible(letter.html)):
        assert "All sources were read: forum, chirp, news." in words
        assert "Small numbers" not in words


def test_silence_is_not_called_quiet_when_a_source_was_not_read(acme: Assembly) -> None:
    with acme.database.transaction():
        sources.failed(acme.database, "chirp", MONDAY - DAY, "503 from the server", "wait", refused=False)
    letter = digest.letter_of(acme.database, acme.rules, MONDAY, key="k")
    assert "quiet week" not in letter.text
    assert "Nobody wrote, as far as we could see." in letter.text


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
    counts = [digest.view(sqlite, acme.rules, moment).mentions for moment in (second, third)]
    assert counts == [2 * 167, 2 * 168]
    assert sum(counts) == count(sqlite, "mentions") - 6


def test_a_loud_week_still_makes_a_letter_that_mail_programs_show_whole(sqlite: Sqlite, tmp_path: Path) -> None:
    """Gmail cuts what is longer than 102 kB; a thousand angry people, long words and many gaps do not get there."""
    acme = assembly_of(sqlite, settings_from(tmp_path, tables=BOSSES))
    posts = [
        post(f"{ANGRY} {number:x} " + "and again " * 200, author=f"a{number}" * 20, at=MONDAY - DAY)
        for number in range(1000)
    ]
    take(acme, *posts, now=MONDAY - DAY + MINUTE)
    with sqlite.transaction():
        gaps = [Gap(MONDAY - DAY + number * MINUTE, MONDAY - HOUR, "why " * 100) for number in range(500)]
        sources.add_gaps(sqlite, "forum", gaps, MONDAY)
    letter = digest.letter_of(sqlite, acme.rules, MONDAY, key="k")
    assert "1,000 people still without an answer" in letter.text
    assert "and 488 more; earful status lists them" in letter.text
    assert len(letter.html.encode()) < 102_000


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
    verbs.say(
        acme.database, acme.rules, of_zoe, "dismiss", who="Ana", way="test", now=MONDAY - 3 * DAY,
        detail={"why": "not_us"},
    )  # fmt: skip
    write(acme, "I love Acme, wonderful people, thank you so much!", at=MONDAY - DAY, author="noor", native_id="noor")


TEXT = """\
Acme, Globex: your week
Mon 2 Mar to Mon 9 Mar 2026

1 person still without an answer.
http://127.0.0.1:8321

* 2 days 22 h · nobody has taken it
  olga on forum
  "Acme charged me for the wrong box and nobody answers. This is terrible."
  https://forum.example/olga

THE WEEK IN NUMBERS

4 mentions (up from 2)
75% negative of 4 judged (up from 0%)
Small numbers: one person more or less changes these shares a lot.

BY SOURCE

forum                        3 mentions       67% negative
chirp                        1 mention       100% negative

IN THEIR OWN WORDS

"Acme charged me for the wrong box and nobody answers. This is terrible."
  olga on forum · complaint
  https://forum.example/olga

"Acme my order never arrived, two weeks late, awful service"
  mia on chirp · complaint
  https://chirp.example/mia

"Acme app crashes every time I open it, please fix"
  zoe on forum · complaint
  https://forum.example/zoe

"I love Acme, wonderful people, thank you so much!"
  noor on forum · praise
  https://forum.example/noor

RESPONSE TIMES

Answered within the target: 50%, of 2 cases due
Time to answer, median: 20 minutes, opening hours, only 1 case
Time to answer, 90th percentile: 20 minutes, opening hours, only 1 case
Time to answer, median: 20 minutes, wall clock, only 1 case
From post to found: 1 minute, median, only 3 cases

WHAT WE DID NOT SEE

forum not read Tue 02:10-05:40: 503 from the server; read again since

GOOD TO KNOW

1 of 3 alerts was not relevant.
1 post of praise this week without a thank-you yet.
"""
HTML = """\
Acme, Globex: your week Mon 2 Mar to Mon 9 Mar 2026 1 person still without an answer. 2 days 22 h · nobody
has taken it olga on forum "Acme charged me for the wrong box and nobody answers. This is terrible." https://forum.example/olga
Open Earful http://127.0.0.1:8321 The week in numbers 4 mentions up from 2 75% negative of 4 judged up from 0% Small
numbers: one person more or less changes these shares a lot. By source forum 3 mentions, 67% negative chirp 1
mention, 100% negative In their own words "Acme charged me for the wrong box and nobody answers. This is terrible." olga
on forum · complaint https://forum.example/olga "Acme my order never arrived, two weeks late, awful service"
mia on chirp · complaint https://chirp.example/mia "Acme app crashes every time I open it, please fix" zoe on
forum · complaint https://forum.example/zoe "I love Acme, wonderful people, thank you so much!" noor on forum
· praise https://forum.example/noor Response times Answered within the target of 2 cases due 50%
Time to answer, median opening hours, only 1 case 20 minutes Time to answer, 90th percentile opening hours, only 1 case
20 minutes Time to answer, median wall clock, only 1 case 20 minutes From post to found median, only 3 cases 1
minute What we did not see forum not read Tue 02:10-05:40: 503 from the server; read again since Good to know
1 of 3 alerts was not relevant. 1 post of praise this week without a thank-you yet.
"""


def test_the_letter_as_a_manager_gets_it(acme: Assembly) -> None:
    """The whole text, and every word that the HTML shows. Change both on purpose only."""
    a_week(acme)
    letter = digest.letter_of(acme.database, acme.rules, MONDAY, key="k")
    assert letter.text == TEXT
    assert visible(letter.html) == re.sub(r"\s+", " ", HTML).strip()


# The command


def test_the_letter_can_be_printed_looked_at_and_sent(tmp_path: Path, smtp: FakeSmtp) -> None:
    settings = settings_from(tmp_path, **by_mail(smtp))
    here = ["--settings", str(settings.file), "digest"]
    printed = CliRunner().invoke(app, here)
    assert printed.output.startswith("Acme, Globex: your week\n")
    page = tmp_path / "out.html"
    assert CliRunner().invoke(app, [*here, "--preview", str(page)]).exit_code == 0
    assert "Acme, Globex: your week" in visible(page.read_text(encoding="utf-8"))
    sent = CliRunner().invoke(app, [*here, "--send"])
    assert sent.output == "1 of 1 digests sent\n"
    (mail,) = smtp.ledger
    assert mail.subject.startswith("Acme, Globex: your week: ")


def test_languages_that_nobody_judges_are_said_in_the_letter_and_by_name(acme: Assembly) -> None:
    """Such a post calls nobody: what is not understood stands in the sweep list, and is said."""
    for number, (text, lang) in enumerate(
        [("Acme の荷物が届きません", "ja"), ("Acme の電話が通じない", "ja"), ("Acme siparişim gelmedi", "tr")]
    ):
        take(acme, post(text, author=f"p{number}", lang=lang, at=MONDAY - DAY), now=MONDAY - DAY)
    take(acme, post("Acme: mein Paket kam nie an", author="hans", lang="de", at=MONDAY - DAY), now=MONDAY - DAY)
    told = digest.view(acme.database, acme.rules, MONDAY).notes
    (line,) = [note for note in told if "can't judge" in note]
    assert line.startswith("3 posts of the week in languages Earful can't judge (ja 2, tr 1)")
