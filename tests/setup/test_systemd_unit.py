"""The unit that `earful service` prints: watched, started again, held to one folder, and told apart by layout."""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import subprocess
from pathlib import Path

import pytest

from monitor.notify.spool import spool_folder
from monitor.settings.loading import load
from monitor.settings.models import Settings
from monitor.setup.commands import InstallError, init
from monitor.setup.systemd_unit import troubles, unit_of

PROGRAM = Path("/opt/earful/.venv/bin/earful")
INSTALLED = Path("/etc/earful/settings.toml")
ANAS = Path("/home") / "ana" / "my care"


def settings_at(path: Path, url: str, tmp_path: Path, **earful: object) -> Settings:
    """Sound settings, as if they were read from `path`."""
    init("Acme", tmp_path / "made.toml", zone="UTC")
    read = load(tmp_path / "made.toml", {})
    (tmp_path / "made.toml").unlink()
    database = read.database.model_copy(update={"url": type(read.database.url)(url)})
    update = {"file": path, "database": database, "earful": read.earful.model_copy(update=earful)}
    return read.model_copy(update=update)


def lines_of(text: str) -> dict[str, list[str]]:
    pairs: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            pairs.setdefault(name, []).append(value)
    return pairs


@pytest.fixture
def installed(tmp_path: Path) -> dict[str, list[str]]:
    """The unit of the installation that README describes."""
    settings = settings_at(INSTALLED, "sqlite:/var/lib/earful/earful.sqlite", tmp_path)
    return lines_of(unit_of(settings, PROGRAM, "earful", python=Path("/usr")))


def test_the_unit_is_watched_and_started_again_but_for_settings_that_need_a_person(
    installed: dict[str, list[str]],
) -> None:
    expected = {
        "Type": "notify", "WatchdogSec": "60", "Restart": "always", "RestartSec": "5", "RestartPreventExitStatus": "78",
        "TimeoutStopSec": "30", "User": "earful", "WantedBy": "multi-user.target",
        "ExecStart": '"/opt/earful/.venv/bin/earful" --settings "/etc/earful/settings.toml" run',
    }  # fmt: skip
    assert {name: installed[name] for name in expected} == {name: [value] for name, value in expected.items()}
    assert installed["MemoryMax"]


def test_it_writes_in_its_state_folder_alone_and_gets_its_secrets_as_a_credential(
    installed: dict[str, list[str]],
) -> None:
    assert installed["StateDirectory"] == ["earful"]
    assert installed["StateDirectoryMode"] == ["0700"]
    assert installed["WorkingDirectory"] == ["/var/lib/earful"]
    assert installed["ProtectSystem"] == ["strict"]
    assert installed["ProtectHome"] == ["yes"]
    assert installed["LoadCredential"] == ["earful.env:/etc/earful/earful.env"]
    assert not {"ReadWritePaths", "EnvironmentFile", "Environment"} & set(installed)


def test_with_postgresql_its_own_files_go_where_settings_say(tmp_path: Path) -> None:
    settings = settings_at(
        INSTALLED, "postgresql://earful:x@localhost/earful", tmp_path, state_folder=Path("/var/lib/earful")
    )
    unit = lines_of(unit_of(settings, PROGRAM, "earful"))
    assert unit["StateDirectory"] == ["earful"]
    assert "ReadWritePaths" not in unit


def test_files_of_our_own_go_where_settings_say_else_beside_the_database(tmp_path: Path) -> None:
    postgresql = "postgresql://earful:x@localhost/earful"
    assert settings_at(INSTALLED, "sqlite:/var/lib/earful/e", tmp_path).state_folder == Path("/var/lib/earful")
    assert settings_at(INSTALLED, postgresql, tmp_path).state_folder == Path("/etc/earful")
    said = settings_at(INSTALLED, postgresql, tmp_path, state_folder=Path("/var/lib/earful"))
    assert spool_folder(said) == Path("/var/lib/earful/presses")
    file = tmp_path / "settings.toml"
    init("Acme", file, zone="UTC")
    text = file.read_text("utf-8").replace("[earful]", '[earful]\nstate_folder = "state"')
    file.write_text(text + '\n[database]\nurl = { env = "DB" }\n', "utf-8")
    assert load(file, {"DB": postgresql}).state_folder == tmp_path / "state"


def test_where_database_and_settings_share_a_folder_the_settings_stay_read_only(tmp_path: Path) -> None:
    settings = settings_at(ANAS / "s.toml", f"sqlite:{ANAS}/e.sqlite", tmp_path)
    unit = lines_of(unit_of(settings, PROGRAM, "ana"))
    assert unit["ReadWritePaths"] == [f'"{ANAS}"']
    assert unit["ReadOnlyPaths"] == [f'"{ANAS}/s.toml" "{ANAS}/earful.env"']
    assert unit["ProtectHome"] == ["read-only"], "hidden, it would not find its own files"
    assert "StateDirectory" not in unit


def test_a_database_elsewhere_is_the_folder_that_may_be_written(tmp_path: Path) -> None:
    settings = settings_at(Path("/srv/care/s.toml"), "sqlite:/data/earful/e.sqlite", tmp_path)
    unit = lines_of(unit_of(settings, PROGRAM, "earful"))
    assert unit["ReadWritePaths"] == ['"/data/earful"']
    assert "ReadOnlyPaths" not in unit


def test_the_commands_at_the_head_install_it(tmp_path: Path) -> None:
    settings = settings_at(Path("/srv/my care/settings.toml"), "sqlite:/srv/my care/e.sqlite", tmp_path)
    text = unit_of(settings, Path("/opt/earful"), "earful")
    commands = [line.removeprefix("#   ") for line in text.splitlines() if line.startswith("#   ")]
    assert commands[:2] == [
        "sudo touch '/srv/my care/earful.env' && sudo chmod o= '/srv/my care/earful.env'",
        "sudo /opt/earful --settings '/srv/my care/settings.toml' service --user earful"
        " | sudo tee /etc/systemd/system/earful.service",
    ]
    assert [command.split()[:3] for command in commands[2:4]] == [
        ["sudo", "systemctl", "daemon-reload"],
        ["sudo", "systemctl", "enable"],
    ]


def test_signs_that_systemd_would_read_are_doubled(tmp_path: Path) -> None:
    settings = settings_at(Path('/srv/100% $HOME "x"/s.toml'), 'sqlite:/srv/100% $HOME "x"/e', tmp_path)
    unit = lines_of(unit_of(settings, Path("/opt/$e/earful"), "earful"))
    assert unit["ExecStart"] == ['"/opt/$e/earful" --settings "/srv/100%% $$HOME \\"x\\"/s.toml" run']
    assert unit["WorkingDirectory"] == ['/srv/100%% $HOME "x"']
    assert unit["LoadCredential"] == ['earful.env:/srv/100%% $HOME "x"/earful.env']


@pytest.mark.parametrize(
    ("path", "user"), [("/srv/a\nUser=root/s.toml", "earful"), ("/srv/s.toml", "a b"), ("/srv/s.toml", "")]
)
def test_names_that_would_break_out_of_their_line_are_refused(path: str, user: str, tmp_path: Path) -> None:
    with pytest.raises(InstallError):
        unit_of(settings_at(Path(path), "sqlite:/srv/e.sqlite", tmp_path), Path("/opt/earful"), user)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed here")
def test_systemd_itself_finds_nothing_to_say_about_the_unit(tmp_path: Path) -> None:
    program = tmp_path / "my bin" / "earful"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    written = tmp_path / "earful.service"
    folder = tmp_path / "100% care"
    settings = settings_at(folder / "settings.toml", f"sqlite:{folder}/earful.sqlite", tmp_path)
    written.write_text(unit_of(settings, program, getpass.getuser()))
    command = ["systemd-analyze", "verify", str(written)]
    told = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)
    ours = [line for line in (told.stdout + told.stderr).splitlines() if "earful.service" in line]
    assert ours == []


# --- what would keep it from starting ---------------------------------------------------------------------------------


@pytest.fixture
def nobody() -> str:
    """A user that is not us and owns nothing of these tests."""
    name = "nobody"
    try:
        pwd.getpwnam(name)
    except KeyError:
        pytest.skip("this machine has no user nobody")
    return name


def test_a_user_that_is_not_there_is_told_with_the_command_that_makes_it(tmp_path: Path) -> None:
    (told,) = troubles(settings_at(INSTALLED, "sqlite:/var/lib/earful/e", tmp_path), PROGRAM, "no-such-user-here")
    assert told == "there is no user no-such-user-here yet; run: sudo useradd --system --user-group no-such-user-here"


def test_what_the_user_may_not_reach_is_told_before_systemd_fails(tmp_path: Path, nobody: str) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    program = home / "earful"
    program.touch(0o755)
    settings = settings_at(home / "settings.toml", f"sqlite:{home}/e.sqlite", tmp_path)
    told = troubles(settings, program, nobody)
    assert [line.split(":")[0].split(" /")[0] for line in told] == [
        "nobody cannot run", "nobody cannot read", "nobody cannot write in",
    ]  # fmt: skip
    assert "such as /opt/earful" in told[0]


def test_who_may_reach_everything_hears_nothing(tmp_path: Path) -> None:
    me = pwd.getpwuid(os.getuid()).pw_name
    program = tmp_path / "earful"
    program.touch(0o755)
    (tmp_path / "settings.toml").touch(0o600)
    assert troubles(settings_at(tmp_path / "settings.toml", f"sqlite:{tmp_path}/e", tmp_path), program, me) == []


def test_a_unit_for_some_roles_has_its_own_name_and_shares_the_folder(tmp_path: Path) -> None:
    settings = settings_at(INSTALLED, "postgresql://earful@db/earful", tmp_path, state_folder=Path("/var/lib/earful"))
    text = unit_of(settings, PROGRAM, "earful", python=Path("/usr"), roles=("judge",))
    unit = lines_of(text)
    start = '"/opt/earful/.venv/bin/earful" --settings "/etc/earful/settings.toml" run --roles judge'
    assert unit["ExecStart"] == [start]
    assert unit["StateDirectory"] == ["earful"]
    assert "service --user earful --roles judge | sudo tee /etc/systemd/system/earful-judge.service" in text
    assert "enable --now earful-judge" in text
