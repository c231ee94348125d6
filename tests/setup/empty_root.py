"""A small root folder of its own, in which the steps of README are run as written; `test_install.py` starts it.

It is started with mounts, processes and a network of its own (unshare), makes a root folder with a fresh /etc, /opt,
/var and /home over the system's programs, enters it, and prints what it found as JSON. What cannot be had there is
stood in for: sudo (we are root), git (the files of this checkout), the download of packages (those that the test itself
runs with), and systemd: its unit is read, and its ExecStart run as its user, on a root that is read-only but for its
own folder.
"""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import re
import shlex
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import Any

NO_ROOT = 77  # this machine does not let us make one
SYSTEM = ("usr", "bin", "sbin", "lib", "lib64", "lib32", "nix")
ETC = ("login.defs", "nsswitch.conf", "ld.so.cache", "alternatives", "localtime", "pam.d", "security")
PASSWD = "root:x:0:0:root:/:/bin/sh\nana:x:1000:1000::/people/ana:/bin/sh\n"
GROUP = "root:x:0:\nana:x:1000:\n"
FOLDERS = (
    "etc/systemd/system",
    "opt",
    "var/lib",
    "people/ana/earful",
    "root",
    "tmp",
    "run",
    "proc",
    "dev",
    "stand-ins",
)
SETTINGS = """
[earful]
dead_man_url = { env = "DEAD_MAN_URL" }
[[brands]]
name = "Trundlewick"
query = "trundlewick*"
[[sources]]
name = "day"
kind = "replay"
[[channels]]
name = "console"
kind = "console"
"""
STAND_INS = {
    "sudo": '#!/bin/sh\nexec "$@"\n',
    "git": '#!/bin/sh\n[ "$1" != archive ] || exec tar -C {checkout} -c --null -T /files\n',
    "systemctl": '#!/bin/sh\necho "$@" >> /systemctl\n',
    "make": """#!/bin/sh
set -eu
[ "$1" = -C ] && [ "$3" = setup ] && cd "$2" && grep -q '^setup:' Makefile
[ -d .venv ] || {python} -m venv --without-pip .venv
printf '%s\\n' "$PWD" {packages} > .venv/lib/python{version}/site-packages/earful.pth
printf '#!%s/.venv/bin/python\\nfrom monitor.cli import main\\nmain()\\n' "$PWD" > .venv/bin/earful
chmod 0755 .venv/bin/earful
""",
}


def mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True, capture_output=True)


def bind(path: Path, root: Path) -> None:
    """Show a folder of the machine at the same place below the root, to be read only."""
    bind_as(path, root / path.relative_to("/"))


def bind_as(path: Path, inside: Path) -> None:
    """Show a folder of the machine at another place, to be read only."""
    inside.mkdir(parents=True, exist_ok=True)
    mount("--rbind", str(path), str(inside))
    mount("-o", "remount,bind,ro", str(inside))


def make_root(root: Path, checkout: Path, files: list[str]) -> None:
    root.mkdir()
    mount("-t", "tmpfs", "-o", "mode=0755", "root", str(root))
    for name in SYSTEM:
        path = Path("/", name)
        if path.is_symlink():
            (root / name).symlink_to(os.readlink(path))
        elif path.is_dir():
            bind(path, root)
    for folder in FOLDERS:
        (root / folder).mkdir(parents=True, exist_ok=True)
    for path in {Path(sys.prefix), Path(sys.base_prefix), checkout}:
        if not path.is_relative_to("/usr"):
            bind(path, root)
    # What is installed for all goes there: a folder of this root, that shows the machine's own programs as well.
    own = root / "usr/local/bin"
    bind_as(own, root / "machine")
    mount("-t", "tmpfs", "-o", "mode=0755", "own", str(own))
    for program in (root / "machine").iterdir():
        (own / program.name).symlink_to(f"/machine/{program.name}")
    for name in ETC:
        source = Path("/etc", name)
        if source.is_dir():
            shutil.copytree(source, root / "etc" / name, symlinks=True)
        elif source.exists():
            shutil.copy(source, root / "etc" / name)
    (root / "etc/passwd").write_text(PASSWD)
    (root / "etc/group").write_text(GROUP)
    (root / "etc/shadow").write_text("root:*:1::::::\nana:*:1::::::\n")
    (root / "etc/gshadow").write_text("root:*::\nana:*::\n")
    mount("-t", "proc", "proc", str(root / "proc"))
    mount("--rbind", "/dev", str(root / "dev"))
    # In place of `make run BRAND=...` and steps 1 to 4: settings of a person, with a secret, in her own folder.
    (root / "people/ana").chmod(0o700)
    (root / "people/ana/earful/settings.toml").write_text(SETTINGS)
    (root / "people/ana/earful/settings.toml").chmod(0o600)
    for path in (root / "people/ana", *(root / "people/ana").rglob("*")):
        os.chown(path, 1000, 1000)
    (root / "files").write_text("\0".join(files))
    for name, template in STAND_INS.items():
        text = template
        for word, value in (
            ("checkout", checkout),
            ("python", sys.executable),
            ("packages", next(each for each in sys.path if each.endswith("site-packages"))),
            ("version", "{}.{}".format(*sys.version_info[:2])),
        ):
            text = text.replace("{" + word + "}", str(value))
        (root / "stand-ins" / name).write_text(text)
        (root / "stand-ins" / name).chmod(0o755)


def own_network() -> None:
    """Bring up the loopback of this network, which nobody else is in: the page's port is free."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14s", b"lo", 0x1 | 0x40, b""))  # SIOCSIFFLAGS: up, running


def run(script: str) -> str:
    """Run lines as a person would paste them, one failure ends them; returns what they printed."""
    done = subprocess.run(
        ["sh", "-euc", script], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        cwd="/opt", text=True, check=False,
        env={"PATH": "/stand-ins:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/people/ana", "USER": "ana"},
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"exit code {done.returncode} of:\n{script}\n{done.stdout}")
    return done.stdout


def unit_in(path: str) -> dict[str, str]:
    """The lines of a unit; the last of several."""
    return dict(re.findall(r"^(\w+)=(.*)$", Path(path).read_text(), re.MULTILINE))


def start(unit: dict[str, str]) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """Start a unit's program as systemd would, as far as that can be had without it."""
    user = pwd.getpwnam(unit["User"])
    state = Path("/var/lib", unit["StateDirectory"])
    state.mkdir(exist_ok=True)
    os.chown(state, user.pw_uid, user.pw_gid)
    state.chmod(int(unit["StateDirectoryMode"], 8))
    identity, _, place = unit["LoadCredential"].partition(":")
    handed = Path("/run/credentials")
    handed.mkdir(exist_ok=True)
    (handed / identity).write_bytes(Path(place).read_bytes())
    for path, mode in ((handed / identity, 0o400), (handed, 0o500)):
        path.chmod(mode)
        os.chown(path, user.pw_uid, user.pw_gid)
    told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    Path("/run/notify").unlink(missing_ok=True)
    told.bind("/run/notify")
    Path("/run/notify").chmod(0o666)
    sandbox = (
        f"mount --bind {state} {state} && mount -t tmpfs tmpfs /tmp && mount -o remount,bind,ro / && "
        f"cd {shlex.quote(unit['WorkingDirectory'])} && umask {unit['UMask']} && exec setpriv "
        f"--reuid {user.pw_uid} --regid {user.pw_gid} --clear-groups --no-new-privs --bounding-set=-all "
        f"--inh-caps=-all -- {unit['ExecStart']}"
    )
    daemon = subprocess.Popen(
        ["unshare", "-m", "sh", "-euc", sandbox],
        env={"PATH": "/usr/bin:/bin", "NOTIFY_SOCKET": "/run/notify", "CREDENTIALS_DIRECTORY": str(handed)},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return daemon, told


def older(path: Path, script: str) -> None:
    """Put the database of an older version in the place of the one that stands there, as the same user's."""
    owner = path.stat()
    for each in path.parent.glob("earful.sqlite*"):
        each.unlink()
    with closing(sqlite3.connect(path)) as written:
        written.executescript(script)
    os.chown(path, owner.st_uid, owner.st_gid)
    path.chmod(0o600)


def schema_of(path: Path) -> list[int]:
    """How many steps of the schema a database has taken, and how many posts it holds."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as read:
        return [read.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("schema_steps", "posts")]


def live(unit: dict[str, str]) -> dict[str, Any]:
    """From the start of the unit to an orderly stop, as at a reboot: what systemd and a browser see."""
    daemon, told = start(unit)
    found: dict[str, Any] = {}
    try:
        told.settimeout(60)
        found["ready"] = told.recv(100).decode()
        with urllib.request.urlopen("http://127.0.0.1:8321/health", timeout=20) as answered:
            found["health"] = json.load(answered)
        found["mounts"] = [
            line.split()[3].split(",")[0] for line in Path(f"/proc/{daemon.pid}/mounts").read_text().splitlines()
            if line.split()[1] == "/"
        ]  # fmt: skip
        found["uid"] = Path(f"/proc/{daemon.pid}").stat().st_uid
        found["environment"] = Path(f"/proc/{daemon.pid}/environ").read_bytes().decode().split("\0")
        daemon.send_signal(signal.SIGTERM)
        found["exit"] = daemon.wait(60)
    except Exception as error:
        daemon.kill()
        said = daemon.communicate()[0].decode()
        sys.exit(f"{type(error).__name__}: {error}\n{found}\n{said}")
    return found


def main() -> None:
    root, checkout = Path(sys.argv[1]), Path(sys.argv[2])
    asked = json.load(sys.stdin)
    try:
        mount("--make-rprivate", "/")
        make_root(root, checkout, asked["files"])
        own_network()
    except (OSError, subprocess.CalledProcessError) as error:
        sys.stderr.write(f"{error} {(getattr(error, 'stderr', None) or b'').decode()}")
        sys.exit(NO_ROOT)
    os.chroot(root)
    os.chdir("/")
    installed = [run(asked["install"][0])]
    Path("/etc/earful/earful.env").write_text('DEAD_MAN_URL="http://127.0.0.1:9/"\n')  # "write your secrets into it"
    installed += [run(block) for block in asked["install"][1:]]
    unit = unit_in("/etc/systemd/system/earful.service")
    run("sudo earful cases")  # before the first start, as root: the database is made by it
    # From here on as if 0.1.0 had run here until now: its database, and the steps of the page.
    database = Path(unit["WorkingDirectory"], "earful.sqlite")
    older(database, asked["0.1.0"])
    run(asked["upgrade"])
    found = live(unit)  # what `systemctl restart` starts
    found["upgraded"] = [schema_of(database), run("sudo earful case 1")]
    run("install -d -m 0700 /backups; earful backup /backups/copy.sqlite")
    user = pwd.getpwnam(unit["User"])
    found["user"] = [user.pw_uid, user.pw_dir, user.pw_shell]
    found["files"] = {
        str(path): [pwd.getpwuid(path.stat().st_uid).pw_name, oct(path.stat().st_mode & 0o777)]
        for folder in ("/etc/earful", "/var/lib/earful", "/backups")
        for path in (Path(folder), *Path(folder).iterdir())
    }
    found["written by others"] = [
        str(path) for path in Path("/opt/earful").rglob("*") if not path.is_symlink() and path.stat().st_uid != 0
    ]
    [copy] = (each for each in database.parent.glob("earful.sqlite.before-schema-*") if each.suffix != ".sha256")
    run(f"sudo earful restore {copy}")  # "to go back"
    found["back"] = schema_of(database)
    found["systemctl"] = Path("/systemctl").read_text().splitlines()
    found["installed"] = "".join(installed)
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
