"""The faults of the world around the daemon, one after the other, each with the real process and fresh ledgers.

    python -m tests.faults.walk              all of them, a few minutes
    python -m tests.faults.walk --only database-deleted --tries 3

It prints a table: fault, tries, how many complaints were lost and doubled, and how it was told. Bounded: each try has a
deadline, and whatever it started is ended with it.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import signal
import sqlite3
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from monitor.service.damage import mark_of
from tests.faults.outside import MARKS, Outside

HELD = 35.0  # seconds: longer than the daemon waits for a lock
DAMAGED = 4096


@dataclass
class Found:
    """What one try came to: `told` in words, `wrong` what should not be."""

    lost: int = 0
    doubled: int = 0
    told: str = ""
    wrong: list[str] = field(default_factory=list)

    def expect(self, well: bool, words: str) -> None:
        """Note what is not as it should be."""
        if not well:
            self.wrong.append(words)


def _count(made: Outside, found: Found) -> Found:
    found.lost, found.doubled = made.lost(), made.doubled()
    return found


def reload_while_held(made: Outside, *, held: float = HELD) -> Found:
    """SIGHUP while another program holds the write lock: it waits, takes the settings after, and loses nothing."""
    found = Found()
    daemon = made.begin()
    made.write(2)
    found.expect(made.until(lambda: made.told() == 2, daemon), "the first complaints were not told")
    other = sqlite3.connect(made.database, isolation_level=None, timeout=60)
    other.execute("BEGIN IMMEDIATE")
    daemon.send_signal(signal.SIGHUP)
    made.until(lambda: "not taken yet" in made.log, daemon, held)
    other.execute("ROLLBACK")
    other.close()
    found.expect(made.until(lambda: "settings reloaded" in made.log, daemon), "the settings were never taken")
    made.write(1)
    found.expect(made.until(lambda: made.told() == 3, daemon), "nothing was read after it")
    code = made.stop(daemon)
    found.expect(code == 0, f"it ended with {code}")
    found.told = "log: not taken yet, tried again" if "not taken yet" in made.log else "waited, then reloaded"
    return _count(made, found)


def output_full(made: Outside) -> Found:
    """stdout on a full disk, with somebody looking on: alerts go on."""
    found = Found()
    with Path("/dev/full").open("wb") as full:
        daemon = made.begin("run", "--watch", stdout=full)
    made.until(lambda: "posts are not shown any more" in made.log, daemon)
    made.write(2)
    found.expect(made.until(lambda: made.told() == 2, daemon), "it ended, or told nobody")
    code = made.stop(daemon)
    found.expect(code == 0, f"it ended with {code}")
    found.expect("posts are not shown any more" in made.log, "nothing was said of it")
    found.told = "log: not shown any more"
    return _count(made, found)


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
    _count(made, found)
    found.lost = sum(not made.words()[mark] for mark in MARKS[:2])  # the third is read again after a restore
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
    return _count(made, found)


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


FAULTS: dict[str, Callable[[Outside], Found]] = {
    "reload-while-held": reload_while_held,
    "output-full": output_full,
    "database-deleted": database_deleted,
    "database-replaced": database_replaced,
    "page-damaged": page_damaged,
    "stopped-twice": killed_while_stopping,
    "copy-harmed": copy_harmed,
    "restore-beside-page": restore_beside_page,
}


def tried(name: str, folder: Path) -> Found:
    """One try of a fault, in a folder of its own, which stays where something was wrong."""
    with Outside(folder) as made:
        found = FAULTS[name](made)
        mark_of(made.database).unlink(missing_ok=True)
    if not found.wrong:
        shutil.rmtree(folder)
    return found


def main() -> None:
    """Walk them all, and print the table; exit 1 where anything was lost, doubled or not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=sorted(FAULTS), default=[])
    parser.add_argument("--tries", type=int, default=1)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="earful-faults-"))
    bad = 0
    print(f"{'fault':<22}{'tries':>6}{'lost':>6}{'doubled':>9}  told how", flush=True)
    for name in given.only or FAULTS:
        tries = [tried(name, folder / f"{name}{number}") for number in range(given.tries)]
        lost, doubled = sum(each.lost for each in tries), sum(each.doubled for each in tries)
        print(f"{name:<22}{len(tries):>6}{lost:>6}{doubled:>9}  {tries[-1].told}", flush=True)
        for words in dict.fromkeys(words for each in tries for words in each.wrong):
            print(f"  WRONG: {words} (see {folder})", flush=True)
        bad += lost + doubled + sum(len(each.wrong) for each in tries)
    if not bad:
        shutil.rmtree(folder, ignore_errors=True)
    raise SystemExit(1 if bad else 0)


if __name__ == "__main__":
    main()
