"""Faults of the database, its disk and the process itself."""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg

from tests.faults.outside import MARKS, Found, Outside

HELD = 35.0  # seconds: longer than the daemon waits for a lock
DAMAGED = 4096
SMALL = "8m"  # a disk that is soon full
OLDER = Path(__file__).resolve().parents[1] / "store" / "databases"
KILLS = 3


@contextlib.contextmanager
def _held(made: Outside) -> Iterator[None]:
    """Another program holds what the daemon wants to write."""
    if made.url.startswith("sqlite:"):
        other = sqlite3.connect(made.database, isolation_level=None, timeout=60)
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")
        other.close()
        return
    with psycopg.connect(made.url) as holding:
        holding.execute("LOCK TABLE facts, sources, posts, deliveries IN ACCESS EXCLUSIVE MODE")
        yield
        holding.rollback()


def reload_while_held(made: Outside, *, held: float = HELD) -> Found:
    """SIGHUP while another program holds the write lock: it waits, takes the settings after, and loses nothing."""
    found = Found()
    daemon = made.begin()
    made.write(2)
    found.expect(made.until(lambda: made.told() == 2, daemon), "the first complaints were not told")
    with _held(made):
        daemon.send_signal(signal.SIGHUP)
        made.until(lambda: "not taken yet" in made.log, daemon, held)
    found.expect(made.until(lambda: "settings reloaded" in made.log, daemon), "the settings were never taken")
    made.write(1)
    found.expect(made.until(lambda: made.told() == 3, daemon), "nothing was read after it")
    code = made.stop(daemon)
    found.expect(code == 0, f"it ended with {code}")
    found.told = "log: not taken yet, tried again" if "not taken yet" in made.log else "waited, then reloaded"
    return made.counted(found)


def output_full(made: Outside) -> Found:
    """stdout on a full disk, with somebody looking on: alerts go on."""
    found = Found()
    with Path("/dev/full").open("wb") as full:
        daemon = made.begin("run", "--watch", stdout=full)
    made.until(lambda: "no longer showing posts" in made.log, daemon)
    made.write(2)
    found.expect(made.until(lambda: made.told() == 2, daemon), "it ended, or told nobody")
    code = made.stop(daemon)
    found.expect(code == 0, f"it ended with {code}")
    found.expect("no longer showing posts" in made.log, "nothing was said of it")
    found.told = "log: not shown any more"
    return made.counted(found)


def _ends_unusable(made: Outside, what: Callable[[], None], words: str) -> Found:
    """The file is harmed while two complaints are told: it is said once by Slack and by mail, and the daemon stops."""
    found = Found()
    daemon = made.begin()
    made.write(2)
    found.expect(made.until(lambda: made.told() == 2, daemon), "the first complaints were not told")
    what()
    made.write(1)  # makes it look into every table
    code = made.code(daemon)
    found.expect(code == 78, f"it ended with {code}")
    found.expect("stopped" in made.log, "it did not stop in order")
    slack, mail = made.notices("Earful has stopped: its database earful.sqlite")
    found.expect((slack, mail) == (1, 1), f"told {slack} times by Slack and {mail} times by mail")
    found.expect(words in made.log, f"the log does not say {words!r}")
    found.told = f"Slack {slack}, mail {mail}, exit {code}"
    made.counted(found)
    said = made.words()
    found.lost = sum(not said[mark] for mark in MARKS[:2])  # the third is read again after a restore
    return found


def database_deleted(made: Outside) -> Found:
    """Its file is deleted."""
    return _ends_unusable(made, made.database.unlink, "was deleted")


def database_replaced(made: Outside) -> Found:
    """Another file is put in its place."""

    def replace() -> None:
        other = made.folder / "other"
        shutil.copyfile(made.database, other)
        other.replace(made.database)

    return _ends_unusable(made, replace, "was replaced by another file")


def page_damaged(made: Outside) -> Found:
    """The pages of the table of sources are overwritten; a second start says it to nobody again."""

    def damage() -> None:
        with sqlite3.connect(made.database) as reading:
            rows = reading.execute("SELECT rootpage FROM sqlite_master WHERE tbl_name IN ('posts', 'sources', 'facts')")
            pages = [row[0] for row in rows if row[0]]
        with made.database.open("r+b") as file:
            for page in pages:
                file.seek((page - 1) * DAMAGED)
                file.write(b"\xa5" * DAMAGED)
            file.flush()
            os.fsync(file.fileno())
            file.seek(24)  # the change counter: so that what is kept in memory is read anew
            counter = int.from_bytes(file.read(4), "big") + 1
            file.seek(24)
            file.write(counter.to_bytes(4, "big"))

    found = _ends_unusable(made, damage, "is damaged")
    again = made.start()
    code = made.code(again)
    slack, mail = made.notices("Earful has stopped: its database earful.sqlite")
    found.expect(code == 78, f"the second start ended with {code}")
    found.expect((slack, mail) == (1, 1), f"told {slack} and {mail} times after two starts")
    return found


def killed_while_stopping(made: Outside) -> Found:
    """SIGTERM, and again at once: nothing is lost at the next start."""
    found = Found()
    daemon = made.begin()
    made.write(3)
    made.until(lambda: made.told() >= 1, daemon)
    daemon.send_signal(signal.SIGTERM)
    time.sleep(0.05)
    made.stop(daemon)
    again = made.start()
    found.expect(made.until(lambda: made.told() == 3, again), "not all were told after the second start")
    code = made.stop(again)
    found.expect(code == 0, f"it ended with {code}")
    found.told = "-"
    return made.counted(found)


def copy_harmed(made: Outside) -> Found:
    """Copies with one wrong byte each: none passes."""
    found = Found()
    copy = made.folder / "copy.sqlite"
    found.expect(made.code(made.start("backup", str(copy))) == 0, "no copy was made")
    body = copy.read_bytes()
    for number in range(5):
        at = (len(body) - 1) * number // 4
        copy.write_bytes(body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :])
        code = made.code(made.start("restore", "--verify", str(copy)))
        found.expect(code != 0, f"a copy with a wrong byte at {at} passed")
    copy.write_bytes(body)
    found.expect(made.code(made.start("restore", "--verify", str(copy))) == 0, "the whole copy was refused")
    found.told = "refused by name"
    return found


def restore_beside_page(made: Outside) -> Found:
    """A copy is put back while `earful web` runs: refused."""
    found = Found()
    copy = made.folder / "copy.sqlite"
    found.expect(made.code(made.start("backup", str(copy))) == 0, "no copy was made")
    page = made.start("web", "--listen", "127.0.0.1:0")
    lock = made.database.with_name("earful.sqlite.in-use")
    found.expect(made.until(lambda: _is_held(lock), page), "the page never said that it uses the file")
    found.expect(made.code(made.start("restore", str(copy))) == 1, "a copy was put back under a running page")
    made.stop(page)
    found.expect(made.code(made.start("restore", str(copy))) == 0, "it was refused with nobody there")
    found.told = "refused: in use by a running `earful web`"
    return found


def _is_held(lock: Path) -> bool:
    if not lock.exists():
        return False
    with lock.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def killed_anywhere(made: Outside) -> Found:
    """kill -9 at any moment while it reads and tells: nothing is lost, Slack is told nothing twice."""
    found = Found()
    daemon = made.begin()
    for _ in range(KILLS):
        made.write(3)
        time.sleep(random.uniform(0, 5))
        made.stop(daemon, signal.SIGKILL)
        daemon = made.start()
    number = len(made.written)
    found.expect(made.until(lambda: made.told() == made.told(made.mailed()) == number, daemon), "not all were told")
    found.expect(made.stop(daemon) == 0, "it did not stop well")
    ids = [(each.recipient, each.message_id) for each in made.far.smtp.ledger]
    repeats = len(ids) - len(set(ids))
    found.expect(repeats <= KILLS, f"{repeats} mails came again")
    found.told = f"{KILLS} kills; {repeats} mails again, under their own ids"
    return made.counted(found)


def connections_lost(made: Outside) -> Found:
    """The database server ends all connections, twice: it goes on with new ones."""
    found = Found()
    if made.url.startswith("sqlite:"):
        found.untried = "a file has no connections to lose"
        return found
    daemon = made.begin()
    for number in (1, 2):
        made.write(2)
        with psycopg.connect(made.url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        found.expect(made.until(lambda number=number: made.told() == 2 * number, daemon), "not all were told")  # type: ignore[misc]
    code = made.stop(daemon)
    found.expect(code == 0, f"it ended with {code}")
    found.told = "log"
    return made.counted(found)


def disk_full(made: Outside) -> Found:
    """The disk fills up under the database: it is said, and what people wrote meanwhile is told once there is room."""
    found = Found()
    disk = made.folder / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "none", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        found.untried = "no small disk can be made here"
        return found
    try:
        made.change('"sqlite:earful.sqlite"', f'"sqlite:{disk / "earful.sqlite"}"')
        made.database = disk / "earful.sqlite"
        return _filled(made, found, disk / "filler")
    finally:
        made.end()
        subprocess.run(["umount", "-l", str(disk)], check=False)


def _filled(made: Outside, found: Found, filler: Path) -> Found:
    daemon = made.begin()
    made.write(2)
    found.expect(made.until(lambda: made.told() == 2, daemon), "the first complaints were not told")
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    made.write(3)
    found.expect(made.until(lambda: "the disk is full" in made.log, daemon), "the log does not say it")
    found.expect("the disk is full" in made.says("status"), "status does not say it")
    alive = made.alive()
    made.until(lambda: "audit: nothing can be stored" in made.log, daemon, 45)
    found.expect(made.alive() <= alive + 1, "the outside watch was told that all is well")
    filler.unlink()
    found.expect(made.until(lambda: made.told() == 5, daemon), "not all were told once there was room")
    found.expect(made.stop(daemon) == 0, "it did not stop well")
    found.told = "log, status, outside watch"
    return made.counted(found)


def older_schema(made: Outside) -> Found:
    """A database of 0.1.0 in use: it is upgraded, keeps what it has, and works."""
    found = Found()
    kind = made.url.partition(":")[0]
    script = (OLDER / f"0.1.0-full.{kind}.sql").read_text("utf-8")
    if kind == "sqlite":
        with contextlib.closing(sqlite3.connect(made.database)) as older:
            older.executescript(script)
    else:
        with psycopg.connect(made.url, autocommit=True) as older_server:
            older_server.execute("DROP SCHEMA public CASCADE")
            older_server.execute("CREATE SCHEMA public")
            older_server.execute(script.encode())
    daemon = made.begin()
    made.write(5)
    found.expect(made.until(lambda: made.told() == 5, daemon), "it does not work on it")
    found.expect(made.stop(daemon) == 0, "it did not stop well")
    kept = made.ask("SELECT count(*) FROM posts")
    found.expect(kept == 10, f"{kept} posts instead of five old and five new ones")
    found.told = "upgraded"
    return made.counted(found)


def oldest_schema(made: Outside) -> Found:
    """A database from before 0.1.0: refused by what it lacks, and not touched."""
    found = Found()
    if not made.url.startswith("sqlite:"):
        found.untried = "there never was one"
        return found
    with contextlib.closing(sqlite3.connect(made.database)) as older:
        older.executescript((OLDER / "before-0.1.0.sqlite.sql").read_text("utf-8"))
    before = _dump(made.database)
    code = made.code(made.start())
    found.expect(code not in {0, None}, f"it ended with {code}")
    found.expect("it lacks the table heard; nothing was changed" in made.log, "it is not said what is wrong")
    found.expect(_dump(made.database) == before, "the file was changed")
    found.told = f"refused by name, exit {code}"
    return found


def _dump(database: Path) -> list[str]:
    """All that a file holds, as statements."""
    with contextlib.closing(sqlite3.connect(database)) as reading:
        return list(reading.iterdump())
