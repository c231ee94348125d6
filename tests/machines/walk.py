"""What may happen to workers on one PostgreSQL, one thing after the other, with real processes and fresh ledgers.

    python -m tests.machines.walk                        all of it, with three workers
    python -m tests.machines.walk --only judge_killed --workers 3 --tries 5

It prints a line for each: workers, how many complaints were lost and doubled, how long until the work was taken up, and
the seconds that it took. Bounded: each wait has an end, whatever was started is ended, and after --minutes nothing new
begins. Nothing leaves 127.0.0.1.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.faults.outside import Found
from tests.machines import scenarios
from tests.machines.installation import Machines
from tests.machines.older import NoHistoryError, installed, last_release
from tests.machines.server import NotHereError, Server

MINUTES = 25.0
SCENARIOS: dict[str, Callable[[Machines], Found]] = {
    each.__name__: each
    for each in (
        scenarios.reader_killed,
        scenarios.judge_killed,
        scenarios.sender_killed_before,
        scenarios.sender_killed_after,
        scenarios.page_killed,
        scenarios.listener_killed,
        scenarios.killed_anywhere,
        scenarios.sender_frozen,
        scenarios.frozen_anywhere,
        scenarios.cut_off,
        scenarios.line_held,
        scenarios.once_however_many,
        scenarios.by_role,
        scenarios.each_role_killed,
        scenarios.database_restarted,
        scenarios.disk_full,
    )
}


def old_beside_new(made: Machines) -> Found:
    """The last release, as a wheel out of the history of this checkout."""
    try:
        old = installed(last_release(), made.folder / "old")
    except NoHistoryError as error:
        return Found(untried=str(error))
    return scenarios.old_beside_new(made, old)


SCENARIOS["old_beside_new"] = old_beside_new
WORKERS = (3,)


def tried(name: str, folder: Path, server: Server, workers: int, *, hurry: bool = False) -> Found:
    """One try, in a folder of its own, which stays where something was wrong.

    With `hurry` leases of the dead end at once, where they really last for up to a minute.
    """
    disk = server.small_disk() if name == "disk_full" else None
    database = server.fresh(disk[0]) if disk else server.fresh()
    with Machines(folder, server, workers, database) as made:
        made.hurry = hurry
        made.disk = disk[1] if disk else None
        try:
            found = SCENARIOS[name](made)
        except Exception as error:  # the other scenarios are tried all the same
            found = made.counted(Found(wrong=[f"{type(error).__name__}: {error}"]))
    if not bad(found):
        shutil.rmtree(folder, ignore_errors=True)
    return found


def bad(found: Found) -> int:
    """How much was not as it should be."""
    return found.lost + found.doubled + len(found.wrong)


def main() -> None:
    """Walk, print the table, and end with 1 where anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=sorted(SCENARIOS), default=[])
    parser.add_argument("--workers", action="append", type=int, default=[])
    parser.add_argument("--tries", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=MINUTES)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="earful-machines-walk-"))
    began, wrong = time.monotonic(), 0
    print(f"{'what happens':<24}{'workers':>8}{'lost':>6}{'doubled':>9}{'seconds':>9}  what came of it", flush=True)
    try:
        with Server() as server:
            for number in given.workers or WORKERS:
                for name in (given.only or list(SCENARIOS)) * given.tries:
                    if time.monotonic() - began > given.minutes * 60:
                        print(f"{name:<24}{number:>8}  NOT TRIED: the time is over", flush=True)
                        continue
                    wrong += _line(name, folder, server, number)
    except NotHereError as error:
        print(f"NOT TRIED: no PostgreSQL could be started here ({error})", flush=True)
        raise SystemExit(2) from None
    print(f"{time.monotonic() - began:.0f} s in all, {wrong} wrong", flush=True)
    if not wrong:
        shutil.rmtree(folder, ignore_errors=True)
    raise SystemExit(1 if wrong else 0)


def _line(name: str, folder: Path, server: Server, number: int) -> int:
    started = time.monotonic()
    found = tried(name, folder / f"{name}-{number}-{started:.0f}", server, number)
    seconds = round(time.monotonic() - started)
    said = f"NOT TRIED: {found.untried}" if found.untried else found.told
    print(f"{name:<24}{number:>8}{found.lost:>6}{found.doubled:>9}{seconds:>9}  {said}", flush=True)
    for words in dict.fromkeys(found.wrong):
        print(f"  WRONG: {words} (see {folder})", flush=True)
    return bad(found)


if __name__ == "__main__":
    main()
