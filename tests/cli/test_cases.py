"""`earful case ID close` and `earful erase`, as a person calls them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from monitor.cases.actions import say
from monitor.cli import app
from monitor.cli.base import Failed
from monitor.settings.loading import load
from monitor.store import key_values
from monitor.store.database import stamp
from monitor.store.sqlite import Sqlite
from tests.hall import ANGRY, LATE, MINUTE, assembly_of, case, count, post, settings_on, take


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
    order = [shown.index(words) for words in ("charged me twice", "We are sorry.", "failed me again")]
    assert order == sorted(order)
    assert address in "".join(shown.split())


def test_who_is_not_known_is_given_a_case_with_a_warning(folder: Path) -> None:
    """A slip in the name used to leave the case with nobody, and nobody knew."""
    with (folder / "settings.toml").open("a", encoding="utf-8") as settings:
        settings.write('\n[[people]]\nname = "Olga"\n')
    given = call(folder, "case", "1", "assign", "--owner", "Olag", "--as", "Ana")
    assert (given.exit_code, "given to Olag" in given.stdout) == (0, True)
    assert '! Olag does not stand in [[people]], and was not told: did you mean "Olga"?' in given.stderr
    known = call(folder, "case", "1", "assign", "--owner", "Olga", "--as", "Ben")
    assert (known.exit_code, known.stderr) == (0, "")


def test_an_author_is_erased_with_what_was_removed_and_what_stays(folder: Path, sqlite: Sqlite) -> None:
    told = call(folder, "erase", "--source", "forum", "--author", "@Olga", "--as", "Ana", "--yes").stdout
    assert "Erased: 1 post, 1 case (1 of them open)." in told
    assert "copies made by earful backup before now" in told
    assert count(sqlite, "posts", "author = 'olga' OR text LIKE '%charged%'") == 0
    assert count(sqlite, "posts", "author = 'mira'") == 1
    listed = call(folder, "erase", "--list").stdout
    assert "Ana" in listed
    assert "forum" in listed
    assert "olga" not in listed.casefold()
    (row,) = [json.loads(line) for line in call(folder, "erase", "--list", "--json").stdout.splitlines()]
    assert (row["who"], row["way"], row["posts"], row["cases"]) == ("Ana", "command line", 1, 1)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "say whom"),
        (("--source", "forum"), "say whom"),
        (("--source", "nowhere", "--author", "olga"), "write one of"),
        (("--author", "olga"), "write one of"),
        (("--source", "forum", "--author", "nobody", "--yes"), "nobody of that name"),
        (("--source", "forum", "--author", "olga"), "--yes"),
    ],
)
def test_what_cannot_be_erased_is_refused_with_the_way_out(
    folder: Path, sqlite: Sqlite, words: tuple[str, ...], why: str
) -> None:
    """The last: there is nobody at a terminal to say yes."""
    with pytest.raises(Failed, match=why):
        call(folder, "erase", *words, said="y\n")
    assert count(sqlite, "posts", "author = 'olga'") == 1
    assert count(sqlite, "erasures") == 0


def test_nobody_erased_is_said(folder: Path) -> None:
    assert "Nobody was erased." in call(folder, "erase", "--list").stdout
