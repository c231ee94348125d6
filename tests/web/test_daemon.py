"""The page in a real daemon, and alone beside one: started as people start it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import psycopg
import pytest
from typer.testing import CliRunner

from monitor.cli import app
from monitor.store.postgresql_roles import DAEMON
from tests.web.office import Browser

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 90.0  # seconds; only a daemon that never gets there waits so long


def free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


def until(what: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + PATIENCE
    while not what():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < end, "it never came"
        time.sleep(0.1)


def hear(words: str, process: subprocess.Popen[str]) -> str:
    """Read what the process says, until it says these words: what it does first may be seen before it is said."""
    assert process.stdout is not None
    giving_up = threading.Timer(PATIENCE, process.kill)
    giving_up.start()
    said = ""
    for line in process.stdout:
        said += line
        if words in line:
            break
    giving_up.cancel()
    assert words in said, said
    return said


class Installation:
    """Settings in a folder, and processes of the command line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        text = (ROOT / "settings.toml").read_text(encoding="utf-8")
        text = text.replace("sqlite:var/demo/earful.sqlite", f"sqlite:{folder}/earful.sqlite")
        text = text.replace('#day_in      = "4m"', 'day_in = "20s"')
        self.file = folder / "settings.toml"
        self.file.write_text(
            text.replace('#page_listen     = "127.0.0.1:8321"', f'page_listen = "127.0.0.1:{self.port}"')
        )
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, *words: str) -> subprocess.Popen[str]:
        made = subprocess.Popen(
            [sys.executable, "-c", "from monitor.cli import main; main()", "--settings", str(self.file), *words],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, "COLUMNS": "100"},
        )  # fmt: skip
        self.processes.append(made)
        return made

    def says(self, *words: str) -> str:
        """What a command prints, while the others run."""
        ran = CliRunner().invoke(app, ["--settings", str(self.file), *words], catch_exceptions=False)
        assert ran.exit_code == 0, ran.output
        return ran.output

    def answers(self, port: int, path: str = "/health") -> bool:
        try:
            return httpx2.get(f"http://127.0.0.1:{port}{path}", verify=False, timeout=3).status_code == 200
        except httpx2.HTTPError:
            return False

    def close(self) -> None:
        for each in self.processes:
            if each.poll() is None:
                each.kill()
            each.communicate()


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path)
    yield made
    made.close()


def test_a_daemon_serves_its_page_takes_what_a_lead_changes_and_stops(installation: Installation) -> None:
    elsewhere = f'page_listen = "127.0.0.1:{free_port()}"'
    installation.file.write_text(re.sub(r'page_listen = ".*"', elsewhere, installation.file.read_text()))
    daemon = installation.start("run", "--no-watch", "--debug", "--listen", f"127.0.0.1:{installation.port}")
    until(lambda: installation.answers(installation.port, "/ready"), daemon)
    daemon.send_signal(signal.SIGHUP)  # settings that are read again do not move the page
    alone_at = free_port()
    alone = installation.start("web", "--listen", f"127.0.0.1:{alone_at}")
    person = Browser(f"http://127.0.0.1:{installation.port}")
    until(lambda: 'href="/cases/' in person.get("/").text, daemon)
    case_id = re.findall(r'href="/cases/(\d+)"', person.get("/").text)[0]
    assert person.post(f"/cases/{case_id}", {"verb": "take"}).status_code == 303
    until(lambda: installation.answers(alone_at), alone)
    other = Browser(f"http://127.0.0.1:{alone_at}")
    assert "taken by You" in other.get(f"/cases/{case_id}").text
    other.get("/desk")
    assert other.post("/desk", {"key": "desk.holidays", "value": "2026-12-25"}).status_code == 303
    until(lambda: "2026-12-25" in person.get("/settings").text, daemon)
    person.close()
    other.close()
    for process in (alone, daemon):
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=PATIENCE)[0]
        assert process.returncode == 0, said
        assert "Traceback" not in said
    assert "desk settings loaded" in said


def test_a_person_is_added_on_the_command_line_and_lets_themselves_in(installation: Installation) -> None:
    text = installation.file.read_text().replace("throwaway = true", "throwaway = false")
    installation.file.write_text(
        text.replace('#page_url        = "http://127.0.0.1:8321"', f'page_url = "http://127.0.0.1:{installation.port}"')
    )
    (link,) = re.findall(r"http://\S+/welcome/\S+", installation.says("user", "add", "Ana", "--role", "admin"))
    page = installation.start("web")
    until(lambda: installation.answers(installation.port), page)
    stranger = Browser(f"http://127.0.0.1:{installation.port}")
    assert stranger.get("/").status_code == 303
    ana = Browser(f"http://127.0.0.1:{installation.port}")
    ana.get(link)
    answer = ana.post(link, {"password": "a sentence is a good password", "again": "a sentence is a good password"})
    assert answer.status_code == 303
    assert "Ana" in ana.get("/people").text
    assert "can log in" in installation.says("user", "list")
    installation.says("user", "disable", "Ana")
    assert ana.get("/").status_code == 303
    stranger.close()
    ana.close()


def test_a_daemon_on_postgresql_takes_its_lost_role_again_and_stops_where_another_has_it(
    installation: Installation, new_postgresql: str
) -> None:
    text = installation.file.read_text().replace(f"sqlite:{installation.folder}/earful.sqlite", new_postgresql)
    installation.file.write_text(text.replace("throwaway = true", "throwaway = false"))
    held = "SELECT l.pid FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE l.locktype = 'advisory' "
    held += "AND l.objid = %s AND l.granted AND d.datname = current_database()"
    daemon = installation.start("run", "--no-watch")
    with psycopg.connect(new_postgresql, autocommit=True) as server:

        def holder() -> int:
            row = server.execute(held, (DAEMON,)).fetchone()
            return row[0] if row else 0

        until(lambda: bool(holder()), daemon)
        first = holder()
        until(lambda: installation.answers(installation.port, "/ready"), daemon)
        server.execute("SELECT pg_terminate_backend(%s, 10000)", (first,))
        said = hear("a new one holds it again", daemon)
        assert holder() not in {0, first}
        # Asked for before the session ends, the lock goes to who waits for it.
        with psycopg.connect(new_postgresql, autocommit=True) as other:
            waiting = threading.Thread(target=other.execute, args=("SELECT pg_advisory_lock(%s)", (DAEMON,)))
            waiting.start()
            waits = held.replace("l.granted", "NOT l.granted")
            until(lambda: server.execute(waits, (DAEMON,)).fetchone() is not None, daemon)
            server.execute("SELECT pg_terminate_backend(%s, 10000)", (holder(),))
            waiting.join(PATIENCE)
            said += daemon.communicate(timeout=PATIENCE)[0]
    assert daemon.returncode == 75, said
    assert "stopping: another process has taken over as the daemon" in said
    assert "Traceback" not in said
