"""earful.env is read as systemd reads it, by every command; what needs no secret runs without one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.settings.environment import is_kept_from, with_secrets_file
from monitor.settings.errors import SettingsError
from monitor.settings.loading import load
from tests.cli.program import earful as called
from tests.house.reading import ROOT

FILE = """# secrets
; old ones
PLAIN=abc def
 SPACED = x y \t
SINGLE='it is "so" \\n $HOME'
DOUBLE="say \\"yes\\" \\$HOME \\n"
TWO="a""b"' c'
MIDDLE=it's
LONG=one \\
two
BACK=a\\ b\\\\c
WIDE="first
second"
HASH=a#b
EMPTY=
nonsense
9BAD=1
export OTHER=2
LAST=z"""


def test_it_is_read_as_systemd_reads_it(tmp_path: Path) -> None:
    """systemd.exec(5), EnvironmentFile=: quotes only where a value begins, joined lines, nothing expanded."""
    file = tmp_path / "earful.env"
    file.write_text(FILE, encoding="utf-8")
    file.chmod(0o600)
    found = dict(with_secrets_file(tmp_path / "settings.toml", {"LAST": "of the environment"}))
    assert found == {
        "PLAIN": "abc def", "SPACED": "x y", "SINGLE": 'it is "so" \\n $HOME', "DOUBLE": 'say "yes" $HOME \\n',
        "TWO": "ab c", "MIDDLE": "it's", "LONG": "one two", "BACK": "a b\\c", "WIDE": "first\nsecond", "HASH": "a#b",
        "EMPTY": "", "LAST": "of the environment",
    }  # fmt: skip


@pytest.mark.parametrize("line", ["export TOKEN=xoxb-1", "  export  TOKEN = 'xoxb-1'"])
def test_a_secret_behind_export_is_said_to_be_so(tmp_path: Path, line: str) -> None:
    """A shell reads such a line and systemd passes it over: whoever wrote it believes that it is set."""
    file = tmp_path / "earful.env"
    file.write_text(f"# secrets\nOTHER=1\n{line}\n", encoding="utf-8")
    file.chmod(0o600)
    settings = tmp_path / "settings.toml"
    settings.write_text(
        '[[brands]]\nname = "Acme"\nquery = "acme"\n[[sources]]\nkind = "hackernews"\n[[channels]]\nkind = "console"\n'
        '[[channels]]\nkind = "slack"\ntoken = { env = "TOKEN" }\n',
        encoding="utf-8",
    )
    with pytest.raises(SettingsError) as caught:
        load(settings, {})
    (fault,) = caught.value.faults
    assert fault.found == 'an environment variable that is unset, "TOKEN"'
    assert fault.write == f"write TOKEN=... into {file} without export, as systemd reads it"


def test_a_quote_that_never_ends_takes_the_rest_and_stops(tmp_path: Path) -> None:
    (tmp_path / "earful.env").write_text('A="never\nB=1\n', encoding="utf-8")
    (tmp_path / "earful.env").chmod(0o600)
    assert with_secrets_file(tmp_path / "settings.toml", {}) == {"A": "never\nB=1\n"}


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "earful.env"
    file.write_text("A=1\n", encoding="utf-8")
    file.chmod(mode)
    with pytest.raises(SettingsError) as refused:
        with_secrets_file(tmp_path / "settings.toml", {})
    (fault,) = refused.value.faults
    assert fault.file == str(file)
    assert "others can write" in fault.found
    assert "chmod 600" in fault.write


SETTINGS = """
[database]
url = "sqlite:earful.sqlite"
[[brands]]
name = "Acme"
query = "acme"
[[sources]]
name = "x"
kind = "x"
bearer_token = { env = "X_TOKEN_OF_THE_TEST" }
[[sources]]
name = "old"
kind = "x"
enabled = false
bearer_token = { env = "NEVER_SET_ANYWHERE" }
[[channels]]
name = "console"
kind = "console"
[[channels]]
name = "hook"
kind = "webhook"
url = { env = "HOOK_OF_THE_TEST" }
secret = { env = "SIGN_OF_THE_TEST" }
[alerts]
notify = ["console", "hook"]
"""


def earful(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Start a command as cron would: with next to no environment."""
    program = "from monitor.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, "--settings", str(folder / "settings.toml"), *words],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_the_nightly_backup_runs_in_cron_and_what_needs_a_secret_names_it(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text(SETTINGS, encoding="utf-8")
    done = earful(tmp_path, "backup", str(tmp_path / "copy.sqlite"))
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "copy.sqlite").exists()
    file = tmp_path / "settings.toml"
    assert called(file, "cases").returncode == 0
    refused = called(file, "check")
    assert refused.returncode == 78
    assert "X_TOKEN_OF_THE_TEST" in refused.stderr
    assert "NEVER_SET_ANYWHERE" not in refused.stderr, "a source that is switched off needs no secret"
    secrets = tmp_path / "earful.env"
    secrets.write_text(
        "X_TOKEN_OF_THE_TEST=t\nHOOK_OF_THE_TEST=http://127.0.0.1:9/\nSIGN_OF_THE_TEST=0123456789abcdef\n",
        encoding="utf-8",
    )
    secrets.chmod(0o600)
    assert called(file, "check").returncode == 0


def test_settings_without_their_secrets_say_so(tmp_path: Path) -> None:
    """Whoever works with them must not believe that a source has changed its settings."""
    file = tmp_path / "settings.toml"
    file.write_text(SETTINGS, encoding="utf-8")
    assert not load(file, {}, secrets=False).whole
    given = {"X_TOKEN_OF_THE_TEST": "t", "HOOK_OF_THE_TEST": "http://127.0.0.1:9/", "SIGN_OF_THE_TEST": "0" * 16}
    assert load(file, given, secrets=False).whole


def test_a_file_that_is_roots_alone_is_read_as_systemd_hands_it_over(tmp_path: Path) -> None:
    """LoadCredential=earful.env:...: the daemon reads systemd's copy where it may not read the file itself."""
    file, handed = tmp_path / "earful.env", tmp_path / "credentials"
    handed.mkdir()
    (handed / "earful.env").write_text("A=handed over\n", encoding="utf-8")
    (handed / "earful.env").chmod(0o400)
    given = {"CREDENTIALS_DIRECTORY": str(handed)}
    assert with_secrets_file(tmp_path / "settings.toml", given)["A"] == "handed over"
    file.write_text("A=beside\n", encoding="utf-8")
    file.chmod(0o600)
    assert with_secrets_file(tmp_path / "settings.toml", given)["A"] == "beside", "a reload reads what was changed"
    assert with_secrets_file(tmp_path / "settings.toml", {**given, "A": "set"})["A"] == "set"
    (handed / "earful.env").chmod(0o666)
    file.unlink()
    with pytest.raises(SettingsError):
        with_secrets_file(tmp_path / "settings.toml", given)


def test_credentials_of_another_service_change_nothing(tmp_path: Path) -> None:
    given = {"CREDENTIALS_DIRECTORY": str(tmp_path / "none")}
    assert with_secrets_file(tmp_path / "settings.toml", given) == given


@pytest.mark.parametrize(("mode", "user", "kept"), [(0o600, 4321, True), (0o640, 4321, False), (0o600, 0, False)])
def test_who_reads_only_the_copy_of_the_start_is_known(tmp_path: Path, mode: int, user: int, kept: bool) -> None:
    assert not is_kept_from(tmp_path / "settings.toml", user), "there is no such file"
    (tmp_path / "earful.env").touch()
    (tmp_path / "earful.env").chmod(mode)
    assert is_kept_from(tmp_path / "settings.toml", user) is kept
    assert not is_kept_from(tmp_path / "settings.toml", os.getuid())
