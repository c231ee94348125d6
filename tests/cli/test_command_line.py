"""What a stranger meets at the command line: odd words, odd terminals, output that cannot be written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from typer.testing import CliRunner

from connectors import Aside
from monitor.cli import base
from monitor.settings.errors import SettingsError
from monitor.settings.loading import load
from monitor.store import sources
from monitor.store.sqlite import Sqlite
from tests.cli.program import ROOT, earful, started
from tests.helpers import ANGRY, assembly_of, post, settings_from, settings_on, take


@pytest.fixture
def settings(tmp_path: Path, sqlite: Sqlite) -> Path:
    """Settings with one case of today, and one from 2015."""
    file = settings_on(tmp_path, sqlite)
    now = datetime.now(UTC)
    acme = assembly_of(sqlite, load(file, {}))
    take(acme, post(ANGRY, author="ana", at=now), now=now)
    take(acme, post(ANGRY + " (2)", author="ben", at=datetime(2015, 2, 24, 19, 35, tzinfo=UTC)), now=now)
    return file


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("mentions --limit 99999999999999999999", 2, "earful: Invalid value for '--limit'"),
        ("cases --limit -1", 2, "earful: Invalid value for '--limit'"),
        ("mentions --since 999999999d", 1, "earful: --since '999999999d': that is too far back"),
        ("case 1 snooze --until 999999999d", 1, "earful: --until: write a shorter duration"),
        ("case 1 snooze --until 999999999w", 1, 'earful: --until: write a duration such as "30s"'),
        ("case 1 snooze --until 2020-01-01T00:00:00Z", 1, "earful: that time has passed"),
        ("case 1 wait --on billing --until 2020-01-01T00:00:00Z", 1, "earful: that time has passed"),
        ("mute", 2, "Usage: "),
        ("explain awful --brand Amce", 1, "earful: no brand named Amce; the settings have: Acme"),
        ("token create", 2, "earful: No such command 'create'. See: earful token --help"),
        ("case", 2, "earful: Missing argument 'ID'. See: earful case --help"),
        (
            "cases --opn",
            2,
            "earful: No such option: --opn (Possible options: --json, --open, --owner). See: ",
        ),
    ],
)
def test_an_odd_word_ends_in_one_line_that_says_what_to_write(settings: Path, words: str, code: int, said: str) -> None:
    ran = earful(settings, *words.split())
    assert ran.returncode == code, ran.stderr
    assert ran.stderr.startswith(said)


def test_a_copy_into_a_folder_is_refused_and_nothing_is_left_beside_it(settings: Path, tmp_path: Path) -> None:
    """`earful backup /backups` copied everything first, and left /backups.sha256."""
    folder = tmp_path / "backups"
    folder.mkdir()
    ran = earful(settings, "backup", str(folder))
    said = f"earful: {folder} is a folder; name a file in it, such as {folder}/earful.sqlite\n"
    assert (ran.returncode, ran.stderr) == (1, said)
    assert list(tmp_path.glob("backups*")) == [folder]


def test_what_cannot_be_reached_is_said_once_with_what_to_do(tmp_path: Path) -> None:
    """Posts and own replies fail for one reason; the remedy is a sentence, not a second pair of parentheses."""
    nowhere = "127.0.0.1:9"
    file = settings_from(
        tmp_path,
        sources=f'[[sources]]\nname = "toots"\nkind = "mastodon"\napi_url = "http://{nowhere}"\ntags = ["acme"]\n',
        channels='[[channels]]\nname = "care"\nkind = "slack"\nwebhook_url = { env = "HOOK" }\n',
        notify=("care:#care",), operator=("care:#care",), environ={"HOOK": f"http://{nowhere}/x"},
    ).file  # fmt: skip
    text = file.read_text("utf-8").replace("accounts = { forum", 'accounts = { toots = ["acme"], forum')
    file.write_text(text, "utf-8")
    refused = "toots: 127.0.0.1: the connection was refused. Check the address and this machine's network"
    collected = earful(file, "collect", "toots", HOOK=f"http://{nowhere}/x")
    assert collected.stdout.count(refused) == 1
    assert collected.returncode == 1
    tested = earful(file, "alert", "test", HOOK=f"http://{nowhere}/x").stdout
    assert "connection refused. Check the address of that channel in the settings, and this machine's network" in tested


@pytest.mark.parametrize("words", ["init", "init --brand Acme", "add", "add x"])
def test_a_question_that_nobody_can_answer_says_how_to_do_without_it(settings: Path, words: str) -> None:
    """A script that forgot an option ended with 130 and half a question."""
    ran = started(settings, *words.split())
    assert ran.returncode == 1
    assert ran.stderr.endswith("Give the answers as options (--help lists them) with --yes\n"), ran.stderr
    assert "no terminal to ask on" in ran.stderr


def test_the_kinds_that_can_be_added_stand_apart_from_what_they_read(settings: Path) -> None:
    shown = started(settings, "add").stdout
    assert "googlebusiness  reviews" in shown
    assert "x               public posts" in shown


def test_the_list_of_commands_is_whole_on_a_screen_of_80_columns(settings: Path) -> None:
    shown = earful(settings, "--help", COLUMNS="80").stdout.partition("Commands:")[2]
    assert shown.count("\n") > 25
    assert [line for line in shown.splitlines() if line.endswith("...")] == []


def test_output_that_cannot_be_written_is_said_in_words(settings: Path) -> None:
    with Path("/dev/full").open("w") as full:
        ran = started(settings, "cases", "--json", stdout=full.fileno())
    assert (ran.returncode, ran.stderr) == (74, "earful: what was to be read or written: No space left on device\n")


def as_another_user(settings: Path, *words: str) -> str:
    """What a command says on standard error to a user who owns nothing."""
    code = (  # what is imported is imported before: the interpreter may stand where only root looks
        "import contextlib, io, os, resource, sys\nimport connectors.rss\nfrom monitor.cli import main\n"
        "called = sys.argv[:]\nsys.argv[3:] = ['add']\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit): main()\n"
        "sys.argv = called\nos.setuid(65534)\nmain()\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, "--settings", str(settings), *words],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return ran.stderr


@pytest.mark.parametrize("barred", ["the database", "the settings"])
def test_another_user_is_told_what_to_do(barred: str) -> None:
    """Where they may not look into the folder of the database, or not write into that of the settings."""
    if os.getuid() != 0:
        pytest.skip("only root can become somebody else")
    with TemporaryDirectory() as name:  # pytest's own folder is root's alone
        folder = Path(name)
        folder.chmod(0o755)
        settings = settings_from(folder).file
        (folder / "state").mkdir(mode=0o700)
        settings.write_text(settings.read_text("utf-8").replace('"sqlite:', '"sqlite:state/'), "utf-8")
        settings.chmod(0o644)
        adding = ("add", "rss", "--name", "feed", "--set", "feeds=https://feed.example/a.xml", "--yes", "--untried")
        said = as_another_user(settings, *(adding if barred == "the settings" else ("cases",)))
    assert "Permission denied" in said
    assert "as user 65534" in said
    assert "or with sudo" in said
    assert ".settings-" not in said


@pytest.mark.parametrize("words", ["cases", "cases --json", "status", "mentions"])
def test_a_reader_that_has_seen_enough_is_no_failure(settings: Path, words: str) -> None:
    """`earful cases | head -1` ended with 1, which `set -o pipefail` takes for a failure."""
    reads, writes = os.pipe()
    os.close(reads)
    ran = started(settings, *words.split(), stdout=writes)
    os.close(writes)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_a_terminal_that_has_no_columns_is_written_to_all_the_same(settings: Path) -> None:
    """A serial console and some containers say 0: every table used to be empty there."""
    assert "ana" in started(settings, "cases", COLUMNS="0").stdout


def test_status_says_first_that_no_daemon_runs(settings: Path, sqlite: Sqlite) -> None:
    """A source that was read an hour ago is shown as read: who looks on Monday must see that all stands still."""
    said = "! the daemon is not running: nothing is read and nobody is alerted. Start it:"
    lines = earful(settings, "status").stdout.splitlines()
    (line,) = [each for each in lines if each.startswith(said)]
    assert line.endswith(" run"), "a script reads whole lines, however long they are"
    role = sqlite.hold_role("daemon", datetime.now(UTC))
    assert "daemon is not running" not in earful(settings, "status").stdout
    assert f"process {os.getpid()}" in json.loads(earful(settings, "status", "--json").stdout)["daemon"]
    role.release()
    assert json.loads(earful(settings, "status", "--json").stdout)["daemon"] is None


def test_status_says_why_items_were_set_aside(settings: Path, sqlite: Sqlite) -> None:
    with sqlite.transaction():
        sources.set_aside(sqlite, "forum", [Aside(b"{}", "no date"), Aside(b"[]", "no date")], datetime.now(UTC))
    said = " ".join(earful(settings, "status").stdout.split())
    assert "! forum: set aside because it could not be read: no date (2)" in said


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_an_output_without_every_letter_is_written_as_far_as_it_has_them(
    settings: Path, sqlite: Sqlite, encoding: str
) -> None:
    now = datetime.now(UTC)
    acme = assembly_of(sqlite, load(settings, {}))
    take(acme, post(f"{ANGRY} \u2603 caf\u00e9", author="zo\u00eb\u2603", at=now), now=now)
    ran = earful(settings, "mentions", "--limit", "1", encoding=encoding)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "charged me for the wrong box" in " ".join(ran.stdout.split())
    (line,) = earful(settings, "mentions", "--limit", "1", "--json", encoding=encoding).stdout.splitlines()
    assert json.loads(line)["author"] == "zo\u00eb\u2603"


def test_a_moment_of_another_year_says_its_year(settings: Path) -> None:
    shown = earful(settings, "mentions").stdout
    assert "24 Feb 2015" in shown


def test_a_tick_that_fails_is_one_line_in_the_log_and_no_traceback() -> None:
    code = (
        "import logging; from monitor.service.process import set_up_log; set_up_log('text', logging.INFO)\n"
        "try: raise OSError('no room')\n"
        "except OSError: logging.getLogger('apscheduler.executors.default').exception('Job raised an exception')\n"
        "logging.getLogger('earful.engine').error('keep failed: OSError')\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert ran.stderr.count("\n") == 1
    assert ran.stderr.endswith("ERROR   keep failed: OSError\n")


def test_without_settings_those_of_this_folder_are_taken_else_the_installed_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, installed = tmp_path / "here", tmp_path / "etc" / "settings.toml"
    for folder in (here, installed.parent):
        folder.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setattr(base, "INSTALLED", installed)

    def taken(*words: str) -> str:
        said = CliRunner().invoke(base.app, [*words, "reload"], env={"EARFUL_SETTINGS": None})
        assert isinstance(said.exception, SettingsError)
        return said.exception.faults[0].file

    assert taken() == "settings.toml"
    installed.write_text("")
    assert taken() == str(installed)
    assert taken("--settings", "other.toml") == "other.toml"
    (here / "settings.toml").write_text("")
    assert taken() == "settings.toml"


def test_the_sample_day_of_earfuls_own_folder_does_not_hide_what_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """README's steps are taken in that folder: `sudo earful restore` put the copy into the sample day's database."""
    checkout, installed = tmp_path / "earful", tmp_path / "etc" / "settings.toml"
    (checkout / "monitor" / "cli").mkdir(parents=True)
    (checkout / "monitor" / "cli" / "__init__.py").touch()
    (checkout / "settings.toml").write_text("")
    installed.parent.mkdir()
    installed.write_text("")
    monkeypatch.chdir(checkout)
    monkeypatch.setattr(base, "INSTALLED", installed)

    def taken(program: str) -> str:
        monkeypatch.setattr(sys, "argv", [program])
        said = CliRunner().invoke(base.app, ["reload"], env={"EARFUL_SETTINGS": None})
        assert isinstance(said.exception, SettingsError)
        return said.exception.faults[0].file

    assert taken("/usr/local/bin/earful") == str(installed)
    assert taken(".venv/bin/earful") == "settings.toml"  # of the sample day, which README tries with this program
    installed.unlink()
    assert taken("/usr/local/bin/earful") == "settings.toml"


@pytest.mark.parametrize("said", ["8321", "127.0.0.1:", ":8321", "127.0.0.1:99999", "host:name"])
def test_an_address_to_listen_on_that_is_none_is_refused(said: str) -> None:
    with pytest.raises(base.Failed, match="write an address and a port"):
        base.listen_address(said)


def test_a_hidden_case_that_waits_says_so_without_a_hole(settings: Path) -> None:
    for words in ("case 1 wait --on billing", "hold 1 --ground claim"):
        ran = earful(settings, *words.split())
        assert ran.returncode == 0, ran.stderr
    shown = earful(settings, "case", "1").stdout
    assert "waiting on somebody until " in shown
    assert "billing" not in shown


def test_a_page_that_can_not_listen_says_why(settings: Path) -> None:
    """An address of another machine was called "in use, perhaps by the daemon"."""
    ran = started(settings, "web", "--listen", "192.0.2.1:8322")  # https://www.rfc-editor.org/rfc/rfc5737
    assert ran.returncode == 1
    said = (
        "earful: can't listen on 192.0.2.1:8322 (Cannot assign requested address). If the daemon serves its page there"
    )
    assert said in ran.stderr
    assert "in use" not in ran.stderr


def test_on_a_file_one_daemon_does_everything(settings: Path) -> None:
    ran = earful(settings, "run", "--roles", "judge,page")
    assert ran.returncode == 78
    assert ran.stderr.startswith("earful: --roles: on an SQLite file one daemon does everything. Leave out --roles, or")
    ran = earful(settings, "run", "--roles", "judge,reader")
    said = "earful: --roles: 'reader' is not a role; write one or more of collect,judge,notify,page\n"
    assert (ran.returncode, ran.stderr) == (1, said)
