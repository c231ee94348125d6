"""The steps of the image, run as its Dockerfile writes them in a small root of its own; `test_image.py` starts it.

Two things are stood in for. The base image: by the programs and the Python of this machine, seen through `empty_root`.
What is downloaded: pip, and of each lock that a step installs the packages that the test itself runs with, no others.
Everything else is run as it stands: the wheel is built and installed, the user made, the program started as that user
on a root that is read-only but for /data and /tmp, and asked for its health as the image says.
"""

from __future__ import annotations

import json
import os
import pwd
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from tests.setup.empty_root import NO_ROOT, make_root, mount, own_network

BASE = "/stand-ins:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
HEALTHY_WITHIN = 60.0


def packages(lock: Path, into: Path) -> None:
    """Stand in for the download of a lock: links to what is installed here of the packages that it names."""
    into.mkdir(parents=True, exist_ok=True)
    for line in lock.read_text("utf-8").splitlines():
        name, equals, version = line.split(";")[0].rstrip(" \\").partition("==")
        if line.startswith(" ") or not equals:
            continue
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue  # of another system or Python: test_lock.py says which must be there
        if found.version != version.strip():
            sys.exit(f"{lock.name} wants {name} {version}, and {found.version} is installed here")
        for top in {file.parts[0] for file in found.files or () if not file.parts[0].startswith("..")}:
            if top != "__pycache__" and not (into / top).exists():
                (into / top).symlink_to(Path(str(found.locate_file(top))).resolve())


def build(steps: list[tuple[str, str]], sent: list[str]) -> tuple[dict[str, str], str]:
    """Run the instructions of all stages; the environment and the user that the image ends with."""
    environ, folder, stages = {"PATH": BASE, "HOME": "/root"}, Path("/"), 0
    user = "root"
    for word, rest in steps:
        if word == "FROM":
            stages += 1
            environ, folder, user = {"PATH": BASE, "HOME": "/root"}, Path("/"), "root"
            if stages > 1:  # what the first stage made is gone, but for what is copied from it
                Path("/stage").mkdir()
                for made in (Path("/opt"), Path("/build")):
                    shutil.move(made, Path("/stage") / made.name)
                Path("/opt").mkdir()
        elif word == "ENV":
            for pair in shlex.split(rest):
                name, _, value = pair.partition("=")
                environ[name] = value.replace("$PATH", environ["PATH"])
        elif word == "WORKDIR":
            folder = Path(rest)
            folder.mkdir(parents=True, exist_ok=True)
        elif word == "USER":
            user = rest
        elif word == "COPY":
            copy(rest.split(), sent)
        elif word == "RUN":
            run(rest, environ, folder)
    return environ, user


def copy(words: list[str], sent: list[str]) -> None:
    """COPY: files of the checkout that Docker is sent, or a folder of the first stage."""
    *sources, target = [word for word in words if not word.startswith("--")]
    if words[0].startswith("--from="):
        shutil.copytree(f"/stage{sources[0]}", target, symlinks=True)
        return
    for source in sources:
        within = [file for file in sent if file == source or file.startswith(f"{source}/")]
        if not within:
            sys.exit(f"COPY {source}: Docker is not sent it")
        for file in within:
            name = Path(file).name if file == source else Path(file).relative_to(source)
            place = Path(target) / name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(Path("/checkout") / file, place)


def run(command: str, environ: dict[str, str], folder: Path) -> None:
    """RUN, in a shell; what installs a lock is given its packages instead, and a new environment this machine's pip."""
    if "--require-hashes" in command:
        words = shlex.split(command)
        into = Path(words[words.index("--target") + 1]) if "--target" in words else site_packages(Path(words[0]))
        packages(Path(words[words.index("-r") + 1]), into)
        return
    made = re.fullmatch(r"python -m venv (\S+)", command)
    done = subprocess.run(
        ["sh", "-c", f"{command} --without-pip" if made else command],
        env=environ, cwd=folder, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"exit code {done.returncode} of RUN {command}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    if made:
        pip = Path(made[1], "bin/pip")
        pip.write_text(f"#!{made[1]}/bin/python\nfrom pip._internal.cli.main import main\nraise SystemExit(main())\n")
        pip.chmod(0o755)
        (site_packages(pip) / "pip").symlink_to(Path(str(distribution("pip").locate_file("pip"))).resolve())


def site_packages(pip: Path) -> Path:
    """Where the environment of a pip keeps its packages."""
    [found] = (pip.parent.parent / "lib").glob("python3*/site-packages")
    return found


def in_container(user: str, environ: dict[str, str], words: list[str]) -> subprocess.Popen[str]:
    """Start a program as the container would: its user, its folder, /data and /tmp to write in and nothing else."""
    who = pwd.getpwnam(user)
    script = (
        "mount --bind /data /data && mount -t tmpfs tmpfs /tmp && mount -o remount,bind,ro / && cd /data && exec "
        f"setpriv --reuid {who.pw_uid} --regid {who.pw_gid} --clear-groups --no-new-privs --bounding-set=-all "
        f"--inh-caps=-all -- {shlex.join(words)}"
    )
    return subprocess.Popen(
        ["unshare", "-m", "sh", "-euc", script], env={**environ, "HOME": "/data"}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def main() -> None:
    root, checkout = Path(sys.argv[1]), Path(sys.argv[2])
    asked = json.load(sys.stdin)
    steps = [(word, rest) for word, rest in asked["steps"]]
    try:
        mount("--make-rprivate", "/")
        make_root(root, checkout, [])
        (root / "checkout").mkdir()
        mount("--bind", str(checkout), str(root / "checkout"))
        (root / "stand-ins/python").symlink_to(os.path.realpath(sys.executable))
        for stand_in in ("sudo", "git", "systemctl", "make"):  # the image's base has none of them
            (root / "stand-ins" / stand_in).unlink()
        own_network()
    except (OSError, subprocess.CalledProcessError) as error:
        sys.stderr.write(f"{error} {(getattr(error, 'stderr', None) or b'').decode()}")
        sys.exit(NO_ROOT)
    os.chroot(root)
    os.chdir("/")
    environ, user = build(steps, asked["sent"])
    last = dict(steps)
    shutil.rmtree("/stage")
    entry, arguments = json.loads(last["ENTRYPOINT"]), json.loads(last["CMD"])
    found: dict[str, Any] = {"user": pwd.getpwnam(user)[2:7:1], "commands": []}
    for words in asked["first"]:  # docker compose run: the words stand in the place of CMD
        with in_container(user, environ, [*entry, *words]) as ran:
            said, _ = ran.communicate(timeout=60)
        found["commands"].append([ran.returncode, said])
    daemon = in_container(user, environ, [*entry, *arguments])
    check = json.loads(last["HEALTHCHECK"].partition("CMD ")[2])
    end = time.monotonic() + HEALTHY_WITHIN
    while (well := in_container(user, environ, check).wait(30)) and daemon.poll() is None and time.monotonic() < end:
        time.sleep(0.2)
    found["healthy"] = well == 0
    with suppress(ProcessLookupError):
        found["uid"] = Path(f"/proc/{daemon.pid}").stat().st_uid
    for words in asked["inside"]:  # docker compose exec: no entry point before them
        with in_container(user, environ, words) as ran:
            said, _ = ran.communicate(timeout=60)
        found["commands"].append([ran.returncode, said])
    daemon.send_signal(getattr(signal, last["STOPSIGNAL"]))
    found["said"], _ = daemon.communicate(timeout=60)
    found["exit"] = daemon.returncode
    found["data"] = {
        path.name: [pwd.getpwuid(path.stat().st_uid).pw_name, oct(path.stat().st_mode & 0o777)]
        for path in Path("/data").iterdir()
    }
    found["mode of /data"] = oct(Path("/data").stat().st_mode & 0o777)
    found["installed"] = sorted(path.name for path in site_packages(Path("/opt/earful/bin/pip")).iterdir())
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
