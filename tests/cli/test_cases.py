"""`earful case ID close` and `earful erase`, as a person calls them."""

from __future__ import annotations

import getpass
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from monitor.cases import handing_over
from monitor.cases.actions import say
from monitor.cli import app
from monitor.cli.base import Failed
from monitor.people.actors import NotPossible
from monitor.settings.loading import load
from monitor.store import key_values
from monitor.store.database import stamp
from monitor.store.sqlite import Sqlite
from tests.fakes.smtp import FakeSmtp
from tests.helpers import (
    ANGRY,
    ASKING,
    LATE,
    MINUTE,
    NOW,
    assembly_of,
    case,
    count,
    post,
    settings_from,
    settings_on,
    take,
)


@pytest.fixture
def folder(tmp_path: Path, sqlite: Sqlite) -> Path:
    """Settings and a database in which Olga and Mira wait."""
    file = settings_on(tmp_path, sqlite)
    now = datetime.now(UTC)
    acme = assembly_of(sqlite, load(file, {}))
    take(acme, post(ANGRY, at=now - MINUTE), now=now)
    take(acme, post(LATE, author="mira", at=now - MINUTE), now=now)
    return tmp_path


def call(folder: Path, *words: str, said: str = "") -> Result:
    return CliRunner().invoke(
        app, ["--settings", str(folder / "settings.toml"), *words], input=said, catch_exceptions=False
    )


def test_do_not_contact_is_set_shown_and_ended_by_a_command(folder: Path, sqlite: Sqlite) -> None:
    said = call(folder, "case", "1", "do-not-contact").output
    assert "is not to be contacted; end it with: earful case 1 may-contact" in said
    assert "already set" in call(folder, "case", "1", "do-not-contact").output
    assert "contact" in call(folder, "mute", "list").output
    assert case(sqlite, "1").closed_at is None
    assert "may be contacted again" in call(folder, "case", "1", "may-contact").output
    with pytest.raises(Failed):
        call(folder, "case", "999", "do-not-contact")


@pytest.mark.parametrize(
    ("verb", "choices"),
    [
        ("close", ("--outcome solved", "--outcome could_not_be_solved", "--outcome no_answer_needed")),
        ("dismiss", ("--why not_us", "--why not_a_complaint", "--why spam", "--why handled_elsewhere")),
    ],
)
def test_how_a_case_ended_is_asked_for_with_the_words_to_choose_from(
    folder: Path, sqlite: Sqlite, verb: str, choices: tuple[str, ...]
) -> None:
    with pytest.raises(Failed) as refused:
        call(folder, "case", "1", verb, "--as", "Ana")
    for each in choices:
        assert f"case 1 {verb} {each}" in str(refused.value)
    assert case(sqlite, "1").closed_at is None
    assert call(folder, "case", "1", verb, "--as", "Ana", *choices[0].split()).exit_code == 0
    assert case(sqlite, "1").closed_by == "Ana"


def test_a_conversation_is_shown_in_the_order_in_which_it_was_written(folder: Path, sqlite: Sqlite) -> None:
    """All of ours used to stand below all of theirs; and an address in the log was cut, so that it led nowhere."""
    now = datetime.now(UTC)
    acme = assembly_of(sqlite, load(folder / "settings.toml", {}))
    (zoe,) = take(acme, post(ANGRY, author="zoe", at=now - MINUTE, thread_id="t9"), now=now)
    address = "https://forum.example/a-thread-with-a-long-name/and-an-answer/0123456789"
    own = dict.fromkeys(("brand", "thread_id", "parent_id"), "")
    own |= {"source": "forum", "native_id": "r1", "author": "acme", "text": "We are sorry.", "url": address}
    own |= {"posted_at": stamp(now - MINUTE / 2), "seen_at": stamp(now), "case_id": zoe}
    with sqlite.transaction():
        key_values.add_own_posts(sqlite, [{**own, "automatic": 0, "sent_on": 0}])
    assert not take(acme, post("Acme failed me again!", author="zoe", at=now - MINUTE / 4, thread_id="t9"), now=now)
    say(sqlite, acme.rules, zoe, "answered", who="Ana", way="page", now=now, detail={"url": address})
    shown = call(folder, "case", zoe).stdout
    order = [shown.index(words) for words in ("charged me for the wrong box", "We are sorry.", "failed me again")]
    assert order == sorted(order)
    assert address in "".join(shown.split())


def test_a_name_that_nobody_bears_is_refused_with_the_nearest(folder: Path) -> None:
    """A slip in the name used to be accepted, and undone two seconds later as somebody who had left."""
    with (folder / "settings.toml").open("a", encoding="utf-8") as settings:
        settings.write('\n[[people]]\nname = "Olga"\n\n[[people]]\nname = "Ben"\n')
    for slip in (["take", "--as", "Olag"], ["assign", "--owner", "Olag", "--as", "Ben"]):
        with pytest.raises((Failed, NotPossible), match=r"there is nobody named 'Olag': did you mean \"Olga\"\?"):
            call(folder, "case", "1", *slip)
    with pytest.raises(Failed, match="there is nobody named 'Zacharias': the people are Olga, Ben"):
        call(folder, "case", "1", "take", "--as", "Zacharias")
    assert "taken by" not in call(folder, "case", "1").stdout
    known = call(folder, "case", "1", "assign", "--owner", "Olga", "--as", "Ben")
    assert (known.exit_code, known.stderr) == (0, "")
    (mine,) = [json.loads(line) for line in call(folder, "cases", "--owner", "Olga", "--json").stdout.splitlines()]
    assert (mine["owner"], mine["owner_id"]) == ("Olga", "settings:Olga")


def test_the_account_that_runs_a_command_is_somebody_too(folder: Path, sqlite: Sqlite) -> None:
    with (folder / "settings.toml").open("a", encoding="utf-8") as settings:
        settings.write('\n[[people]]\nname = "Olga"\n')
    assert call(folder, "case", "1", "take").exit_code == 0
    acme = assembly_of(sqlite, load(folder / "settings.toml", {}))
    assert handing_over.people_left(sqlite, acme.rules, datetime.now(UTC)) == 0
    assert case(sqlite, "1").owner_id == f"shell:{getpass.getuser()}"


def test_an_author_is_erased_with_what_was_removed_and_what_stays(folder: Path, sqlite: Sqlite) -> None:
    with (folder / "settings.toml").open("a", encoding="utf-8") as settings:
        settings.write('\n[[people]]\nname = "Ana"\nrole = "admin"\n')
    told = call(folder, "erase", "--source", "forum", "--author", "@Olga", "--as", "Ana", "--yes").stdout
    assert "Erased: 1 post, 1 case (1 of them open)." in told
    assert "backups made before now" in told
    assert count(sqlite, "posts", "author = 'olga' OR text LIKE '%charged%'") == 0
    assert count(sqlite, "posts", "author = 'mira'") == 1
    listed = call(folder, "erase", "--list").stdout
    assert "Ana" in listed
    assert "forum" in listed
    assert "olga" not in listed.casefold()
    (row,) = [json.loads(line) for line in call(folder, "erase", "--list", "--json").stdout.splitlines()]
    assert (row["who"], row["way"], row["posts"], row["cases"]) == ("Ana", "command line", 1, 1)


def test_a_case_whose_author_was_erased_says_so(folder: Path) -> None:
    """Blank lines looked as if something were broken, and "closed by root: deleted" as if root had deleted it."""
    with (folder / "settings.toml").open("a", encoding="utf-8") as settings:
        settings.write('\n[[people]]\nname = "Ana"\nrole = "admin"\n')
    call(folder, "erase", "--source", "forum", "--author", "olga", "--as", "Ana", "--yes")
    shown = call(folder, "case", "1").stdout
    assert "case 1 · Acme · somebody on forum" in shown
    assert "normal · closed: its author was erased by Ana" in shown
    assert "  (no longer shown)" in shown
    assert not re.search(r"\n\s*\n\s*\n", shown)
    assert re.search(r"(?m)^ +1 .*closed .*somebody .*\(no longer shown\)", call(folder, "cases").stdout)
    assert re.search(r"somebody +! +\(no longer shown\) +1", call(folder, "mentions").stdout)
    with pytest.raises(NotPossible, match="nobody is left to answer"):
        call(folder, "case", "1", "reopen")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "name the author"),
        (("--source", "forum"), "name the author"),
        (("--source", "nowhere", "--author", "olga"), "write one of"),
        (("--author", "olga"), "write one of"),
        (("--source", "forum", "--author", "nobody", "--yes"), "posted until now will not be stored"),
        (("--source", "forum", "--author", "olga"), "--yes"),
    ],
)
def test_what_cannot_be_erased_is_refused_with_the_way_out(
    folder: Path, sqlite: Sqlite, words: tuple[str, ...], why: str
) -> None:
    """The last: there is nobody at a terminal to say yes. Without a name, one is read from standard input."""
    with pytest.raises(Failed, match=why):
        call(folder, "erase", *words, said="" if why == "name the author" else "y\n")
    assert count(sqlite, "posts", "author = 'olga'") == 1
    assert count(sqlite, "erasures") == 0


def test_nobody_erased_is_said(folder: Path) -> None:
    assert "Nobody has been erased." in call(folder, "erase", "--list").stdout


def test_resending_says_what_waits_where_nothing_was_refused(folder: Path, sqlite: Sqlite) -> None:
    """ "0 messages queued" read as if the two that a closed channel held back were lost."""
    waiting = "No message was undeliverable. 2 messages were waiting already and will be tried at once.\n"
    assert call(folder, "alert", "resend").stdout == waiting
    sqlite.run("UPDATE deliveries SET state = 'dead', error = 'no' WHERE id = (SELECT min(id) FROM deliveries)")
    said = call(folder, "alert", "resend").stdout
    assert said.startswith("1 message queued for resending. 1 message was waiting already")


def test_alert_test_reaches_every_target_that_settings_name(tmp_path: Path, sqlite: Sqlite, mail: FakeSmtp) -> None:
    """Whoever would be told by a step, the fallback or the letter alone is told now, once."""
    channels = f"""
[[channels]]
name = "console"
kind = "console"

[[channels]]
name = "mail"
kind = "email"
host = "{mail.host}"
port = {mail.port}
security = "none"
sender = "earful@example.org"
"""
    tables = """
[[people]]
name = "ANA"
email = "ana@example.org"

[[people]]
name = "LEA"
role = "lead"
targets = ["mail:lea@example.org"]

[[alerts.routes]]
words = ["kettle"]
notify = ["mail:kettles@example.org"]

[digest]
to = ["mail:boss@example.org"]

[[alerts.escalation.critical]]
after = "5m"
notify = ["next", "mail:pager@example.org"]
"""
    file = settings_from(tmp_path, channels=channels, tables=tables, fallback=("mail:fallback@example.org",)).file
    text = file.read_text(encoding="utf-8").replace("sqlite:unused.sqlite", f"sqlite:{sqlite.path.name}")
    file.write_text(text, encoding="utf-8")
    result = call(tmp_path, "alert", "test")
    assert result.exit_code == 0, result.output
    names = ("ana", "boss", "fallback", "kettles", "lea", "pager")
    assert sorted(each.recipient for each in mail.ledger) == [f"{name}@example.org" for name in names]


def test_the_list_of_cases_is_one_line_a_case_on_80_columns_and_the_list_stands_apart(
    tmp_path: Path, sqlite: Sqlite
) -> None:
    file = settings_on(tmp_path, sqlite)
    acme = assembly_of(sqlite, load(file, {}))
    long = "Acme charged me for the wrong box and nobody answers. " * 5
    take(
        acme, post(long, author="olga"), post(long, author="piet", source="chirp"), post(ASKING, author="quin"), now=NOW
    )
    listed = count(sqlite, "cases", "lane = 'sweep'")
    assert (count(sqlite, "cases"), listed) == (3, 1)
    shown = CliRunner().invoke(app, ["--settings", str(file), "cases"], env={"COLUMNS": "80"}).output
    printed = shown.splitlines()
    assert all(len(line) <= 80 for line in printed[:-2]), shown
    rows = [line.split()[0] for line in printed if line.split()[:1] and line.split()[0].isdigit()]
    assert sorted(rows[:3]) == ["1", "2", "3"], shown
    assert "May need an answer (1):" in shown
    assert shown.index("olga") < shown.index("May need an answer") < shown.index("quin")
    heads = [line.split() for line in printed if line.startswith("case ") and "state" in line]
    assert heads == [["case", "urgency", "state", "due", "source", "who", "says"], ["case", "state", "who", "says"]], (
        "a column that is empty from top to bottom says nothing: nothing of the list is urgent or due"
    )
    (asked,) = sqlite.rows("SELECT id FROM cases WHERE lane = 'sweep'")
    say(sqlite, acme.rules, asked["id"], "take", who="quin", way="page", now=NOW)
    whole = CliRunner().invoke(app, ["--settings", str(file), "cases"], env={"COLUMNS": "80"}).output
    assert "May need an answer" not in whole, "what somebody took is called for"


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        (("cases", "--brand", "Acne"), "--brand 'Acne': write one of Acme"),
        (("cases", "--source", "forun", "--json"), "--source 'forun': write one of forum"),
        (("mentions", "--brand", "Acne", "--json"), "--brand 'Acne': write one of Acme"),
        (("mentions", "--source", "forun"), "--source 'forun': write one of forum"),
        (("ask", "where is my parcel", "--brand", "Acne"), "--brand 'Acne': write one of Acme"),
        (("cases", "--owner", "Anna"), "--owner: there is nobody named 'Anna'"),
    ],
)
def test_a_list_of_a_name_that_nothing_has_is_refused(folder: Path, words: tuple[str, ...], refusal: str) -> None:
    """A slip in a name looked like a quiet day."""
    with (folder / "settings.toml").open("a", encoding="utf-8") as settings:
        settings.write('\n[[people]]\nname = "Olga"\n')
    with pytest.raises(Failed, match=refusal):
        call(folder, *words)


def test_what_was_removed_from_the_settings_and_still_has_cases_is_listed(folder: Path) -> None:
    file = folder / "settings.toml"
    text = file.read_text().replace('"Acme"', '"Umbrella"')
    file.write_text(text.replace('"forum"', '"board"').replace("forum =", "board ="))
    for words in (("--brand", "Acme"), ("--source", "forum"), ("--brand", "Umbrella"), ("--source", "board")):
        for command in ("cases", "mentions"):
            listed = call(folder, command, *words).output
            assert ("2 shown" in listed) is (words[1] in {"Acme", "forum"}), listed


def test_an_answer_that_was_none_is_turned_by_one_word(folder: Path, sqlite: Sqlite) -> None:
    assert call(folder, "case", "1", "answered", "--as", "Ana").exit_code == 0
    assert case(sqlite, "1").answered_at is not None
    assert call(folder, "case", "1", "not answered", "--as", "Ana").exit_code == 0
    assert case(sqlite, "1").answered_at is None
    assert call(folder, "case", "1", "answered", "--as", "Ana").exit_code == 0
    assert call(folder, "case", "1", "reopen", "--as", "Ana").exit_code == 0
    assert case(sqlite, "1").answered_at is None


def test_what_happened_is_told_in_words_the_oldest_first(folder: Path) -> None:
    call(folder, "case", "1", "take", "--as", "Ana")
    call(folder, "case", "1", "note", "--text", "called her", "--as", "Ana")
    call(folder, "case", "1", "snooze", "--until", "2d", "--as", "Ana")
    call(folder, "case", "1", "undo", "--as", "Ana")
    told = " ".join(call(folder, "case", "1").stdout.split())
    for words in ("taken by Ana (command line)", "note by Ana (command line)", "called her"):
        assert words in told
    assert (
        told.index("opened")
        < told.index("taken by Ana (c")
        < told.index("note by")
        < told.index("“snoozed” undone by Ana")
    )
    assert re.search(r"snoozed by Ana until \d\d \w+ [\d:]+ \(command line\) \(undone\)", told)


def test_a_case_says_that_what_is_left_are_opening_hours(folder: Path) -> None:
    shown = call(folder, "case", "1").stdout
    assert " of opening hours left" in shown
    with (folder / "settings.toml").open("a", encoding="utf-8") as settings:
        days = '["mon", "tue", "wed", "thu", "fri", "sat", "sun"]'
        settings.write(f'\n[desk]\nhours = [{{ days = {days}, start = "00:00", end = "00:00" }}]\n')
    assert "opening hours" not in call(folder, "case", "1").stdout, "a desk that never closes has none"
