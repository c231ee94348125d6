"""The systemd unit of an installation: what it runs, where alone it may write, and the commands that install it.

Every line is explained in systemd.exec(5) and systemd.service(5); `systemd-analyze security` reads the sandbox.
"""

from __future__ import annotations

import os
import pwd
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from monitor.settings.environment import NAME as SECRETS
from monitor.settings.models import Settings
from monitor.setup.commands import InstallError

NAME = "earful"
STATE = Path("/var/lib")  # where systemd keeps the folders that StateDirectory names
_HOMES = tuple(map(Path, ("/home", "/root", "/run/user")))

UNIT = """\
# To install, run these commands. Secrets go into {secrets_plain} as NAME=VALUE lines; it may be empty.
#   {touch}
#   {command} | sudo tee /etc/systemd/system/{name}.service
#   sudo systemctl daemon-reload
#   sudo systemctl enable --now {name}
#   systemctl status {name}        (and its log: journalctl -fu {name})

[Unit]
Description=Earful: finds complaints and keeps at it until somebody answers
Wants=network-online.target
After=network-online.target

[Service]
Type=notify
NotifyAccess=main
ExecStart={start}
ExecReload=/bin/kill -HUP $MAINPID
User={user}
WorkingDirectory={folder}
# systemd reads it as root and passes it on as a file no other user can see. After a change: systemctl restart {name}.
LoadCredential={secrets_id}:{secrets}

# Earful reports that it is alive. If it goes silent or ends, systemd restarts it; only `systemctl stop` stops it.
# Invalid settings (exit code 78) are not retried.
WatchdogSec=60
Restart=always
RestartSec=5
RestartPreventExitStatus=78
# An upgrade backs up the database first, which takes minutes if it is large.
TimeoutStartSec=15min
TimeoutStopSec=30

# It processes untrusted text: it may write only in its own folder, and only read settings and secrets.
{writes}
ProtectSystem=strict
ProtectHome={homes}
PrivateTmp=yes
PrivateDevices=yes
PrivateIPC=yes
PrivateUsers=yes
DevicePolicy=closed
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectProc=invisible
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RemoveIPC=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
KeyringMode=private
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
SystemCallErrorNumber=EPERM
UMask=0077
LimitCORE=0
MemoryMax=768M
TasksMax=128
LimitNOFILE=4096

[Install]
WantedBy=multi-user.target
"""


def unit_of(
    settings: Settings,
    executable: Path,
    user: str,
    python: Path = Path(sys.base_prefix),
    roles: Sequence[str] = (),
) -> str:
    """A hardened unit for this installation; the commands that install it are at its head.

    With `roles` it is one of several on this machine, named for what it does. `python` is where the interpreter is.
    Raises InstallError for names that a unit cannot hold.
    """
    path, program, state = settings.file.absolute(), executable.absolute(), settings.state_folder.absolute()
    for text in (str(path), str(program), user, str(state)):
        if not text or any(ord(letter) < 32 or ord(letter) == 127 for letter in text):
            raise InstallError("a systemd unit can't contain an empty name or control characters; rename it")
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*\$?", user):
        raise InstallError(f'"{user[:60]}" is not a valid user for a systemd unit; write the name of a system user')
    secrets = path.with_name(SECRETS)
    quoted = shlex.quote(str(secrets))
    only = ["--roles", ",".join(roles)] if roles else []
    return UNIT.format(
        name="-".join((NAME, *roles)),
        touch=f"sudo touch {quoted} && sudo chmod o= {quoted}",
        command=f"sudo {shlex.join([str(program), '--settings', str(path), 'service', '--user', user, *only])}",
        start=" ".join((_word(program), "--settings", _word(path, argument=True), "run", *only)),
        folder=_line(state),
        user=user,
        secrets_plain=secrets,
        secrets_id=SECRETS,
        secrets=_line(secrets),
        writes=_writes(path, state),
        homes="read-only" if _in_a_home(path, program, state, python) else "yes",
    )


def troubles(settings: Settings, executable: Path, user: str) -> list[str]:
    """What on this machine would keep the unit from starting: each with what to do."""
    try:
        account = pwd.getpwnam(user)
    except (KeyError, ValueError):
        return [f"there is no user {user} yet; run: sudo useradd --system --user-group {user}"]
    groups = {account.pw_gid, *os.getgrouplist(user, account.pw_gid)}
    told = []
    for path, needed, what in (
        (executable.resolve(), 0o5, "run"),
        (settings.file.absolute(), 0o4, "read"),
        (settings.state_folder.absolute(), 0o7, "write in"),
    ):
        if what == "write in" and path.parent == STATE:
            continue  # systemd makes it, and gives it to the user
        shut = next((each for each in reversed(path.parents) if not _may(each, 0o1, account.pw_uid, groups)), None)
        if shut is not None:
            told.append(
                f"{user} cannot {what} {path}: it has no access to {shut}. Put it elsewhere, such as {_else(what)}"
            )
        elif not _may(path, needed, account.pw_uid, groups):
            told.append(f"{user} cannot {what} {path}: {_grant(path, what, user)}")
    return told


def _else(what: str) -> str:
    return {"run": "/opt/earful", "read": "/etc/earful", "write in": f"{STATE / NAME}"}[what]


def _grant(path: Path, what: str, user: str) -> str:
    if what == "write in" and path.is_relative_to("/etc"):
        return f'write [database] url = "sqlite:{STATE / NAME}/earful.sqlite"'
    if what == "write in":
        return f"sudo install -d -o {user} -g {user} -m 0700 {shlex.quote(str(path))}"
    rights = "0750" if what == "run" else "0640"
    return f"sudo chgrp {user} {shlex.quote(str(path))} && sudo chmod {rights} {shlex.quote(str(path))}"


def _may(path: Path, needed: int, user: int, groups: set[int]) -> bool:
    """Whether a user has these rights by the mode of one path; what this process cannot see is taken for granted."""
    try:
        found = path.stat()
    except PermissionError:
        return True
    except OSError:
        return False
    if user == 0:
        return True
    shift = 6 if found.st_uid == user else 3 if found.st_gid in groups else 0
    return (found.st_mode >> shift) & needed == needed


def _writes(settings: Path, state: Path) -> str:
    """The one folder that may be written: systemd's own below /var/lib, else the database's, settings left out."""
    if state.parent == STATE and re.fullmatch(r"[\w.-]+", state.name):
        return f"StateDirectory={state.name}\nStateDirectoryMode=0700"
    lines = [f"ReadWritePaths={_word(state)}"]
    if settings.is_relative_to(state):
        lines.append(f"ReadOnlyPaths={_word(settings)} {_word(settings.with_name(SECRETS))}")
    return "\n".join(lines)


def _in_a_home(*paths: Path) -> bool:
    return any(path.is_relative_to(home) for path in paths for home in _HOMES)


def _line(path: Path) -> str:
    """A path that takes the whole line: systemd reads only % in it."""
    return str(path).replace("%", "%%")


def _word(path: Path, *, argument: bool = False) -> str:
    """One word of a line, quoted as systemd.syntax(7) says; an argument of ExecStart doubles the dollar sign too."""
    text = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return '"' + (text.replace("$", "$$") if argument else text) + '"'
