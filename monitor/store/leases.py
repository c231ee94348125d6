"""Leases: what one process at a time may do (read a source, serve a channel), until when, and who has it.

A lease ends by the clock of the database, whatever the clocks of the machines show. Its holder counts on its own steady
clock, which goes on while its machine sleeps, from before it asked, and stops a second early: so it knows that it may
go on without asking, and ends in time where it is cut from the database, or was frozen. Whoever stores something under
a lease proves it in the same transaction. A file has one daemon: there every lease is granted, and nothing is written.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from connectors import server_dates
from monitor.store.database import Database, at, stamp

LONGEST = timedelta(minutes=10)  # one that lies further ahead was taken before the server's clock stepped back
MARGIN = timedelta(seconds=1)  # by which a holder stops before others may begin
_NEVER = float("inf")


class LeaseLostError(Exception):
    """The lease is over, or somebody else's by now: nothing that was to be stored under it is stored."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease that was granted. `ends` are seconds of the holder's steady clock; `fence` tells it from later ones."""

    name: str
    fence: int
    ends: float


@dataclass(frozen=True, slots=True)
class Standing:
    """Who holds what, since when and until when by the clock of the database."""

    name: str
    holder: str
    since: datetime
    until: datetime


class Leases:
    """The leases of one process (`holder`, a name that no other process ever had). Several threads may use it."""

    def __init__(self, database: Database, holder: str = "", steady: Callable[[], float] = server_dates.steady) -> None:
        self.database = database
        self.holder = holder or this_worker()
        self.steady = steady

    @property
    def needed(self) -> bool:
        """Whether there may be other processes that do the same."""
        return not self.database.one_writer

    def take(self, name: str, lasts: timedelta) -> Lease | None:
        """Take a lease, or go on with one that is ours already; None where another process holds it.

        Outside a transaction: what others wait for is not held until the end of one.
        """
        if self.database.one_writer:
            return Lease(name, 0, _NEVER)
        began, now = self.steady(), self.database.time()
        # Of one holder it is the same lease while it lasts. Once it has ended it is a new one, also for its holder: a
        # thread of ours that comes back late must not store under it.
        goes_on = "leases.holder = excluded.holder AND leases.until_at > :now"
        taken = self.database.run(
            "INSERT INTO leases (name, holder, fence, since_at, until_at) VALUES (:name, :holder, 1, :now, :until) "
            "ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until_at = excluded.until_at, "
            f"fence = CASE WHEN {goes_on} THEN leases.fence ELSE leases.fence + 1 END, "
            f"since_at = CASE WHEN {goes_on} THEN leases.since_at ELSE excluded.since_at END "
            "WHERE leases.holder = excluded.holder OR leases.until_at <= :now OR leases.until_at > :longest",
            {
                "name": name, "holder": self.holder, "now": stamp(now), "until": stamp(now + lasts),
                "longest": stamp(now + LONGEST),
            },
        )  # fmt: skip
        if not taken:
            return None
        row = self.database.row(
            "SELECT fence FROM leases WHERE name = :name AND holder = :holder", {"name": name, "holder": self.holder}
        )
        return Lease(name, row["fence"], began + (lasts - MARGIN).total_seconds()) if row is not None else None

    def holds(self, lease: Lease, yet: timedelta = timedelta()) -> bool:
        """Whether it is surely ours still, and for so long `yet`: nobody is asked, so the database may be away."""
        return self.steady() + yet.total_seconds() < lease.ends

    def go_on(self, name: str, held: Lease | None, lasts: timedelta, yet: timedelta) -> Lease | None:
        """The lease that is `held`, if it is surely ours for so long `yet`; else it is taken, as by `take`."""
        return held if held is not None and self.holds(held, yet) else self.take(name, lasts)

    def keep(self, lease: Lease, lasts: timedelta) -> Lease:
        """Make it last on, and prove that it is ours; inside a transaction nobody takes it before the end of that.

        Raises LeaseLostError where it is not ours any more.
        """
        if self.database.one_writer:
            return lease
        began, now = self.steady(), self.database.time()
        kept = self.database.run(
            "UPDATE leases SET until_at = :until WHERE name = :name AND holder = :holder AND fence = :fence "
            "AND until_at > :now",
            {
                "name": lease.name, "holder": self.holder, "fence": lease.fence, "now": stamp(now),
                "until": stamp(now + lasts),
            },
        )  # fmt: skip
        if not kept:
            raise LeaseLostError(lease.name)
        return Lease(lease.name, lease.fence, began + (lasts - MARGIN).total_seconds())

    def release(self, lease: Lease, rest: timedelta = timedelta()) -> None:
        """Let it go; others may take it after `rest`."""
        if self.database.one_writer:
            return
        self.database.run(
            "UPDATE leases SET until_at = :until WHERE name = :name AND holder = :holder AND fence = :fence "
            "AND until_at > :until",
            {
                "name": lease.name, "holder": self.holder, "fence": lease.fence,
                "until": stamp(self.database.time() + rest),
            },
        )  # fmt: skip

    def release_all(self) -> None:
        """Let go whatever this process still holds and nothing rests under: it ends, and another may go on at once."""
        if self.database.one_writer:
            return
        self.database.run(
            "UPDATE leases SET until_at = :now WHERE holder = :holder AND until_at > :now "
            "AND name NOT LIKE 'channel:%'",
            {"holder": self.holder, "now": stamp(self.database.time())},
        )

    def others(self) -> frozenset[str]:
        """The names of what other processes hold now: one small question, for whoever looks for work."""
        if self.database.one_writer:
            return frozenset()
        now = self.database.time()
        rows = self.database.rows(
            "SELECT name FROM leases WHERE holder <> :holder AND until_at > :now AND until_at <= :longest",
            {"holder": self.holder, "now": stamp(now), "longest": stamp(now + LONGEST)},
        )
        return frozenset(row["name"] for row in rows)


def standing(database: Database) -> list[Standing]:
    """Every lease that somebody holds now, by name."""
    rows = database.rows("SELECT * FROM leases WHERE until_at > :now ORDER BY name", {"now": stamp(database.time())})
    return [Standing(row["name"], row["holder"], at(row["since_at"]), at(row["until_at"])) for row in rows]


def trim(database: Database) -> None:
    """What nobody has held for a day: its source or channel may be gone."""
    database.run("DELETE FROM leases WHERE until_at < :before", {"before": stamp(database.time() - timedelta(days=1))})


def this_worker() -> str:
    """The name of this process, which no other ever had: its host, its number, and a word that chance chose."""
    return _named(os.getpid())


@lru_cache(maxsize=1)
def _named(process: int) -> str:
    return f"{socket.gethostname()}-{process}-{secrets.token_hex(3)}"
