"""This process among those that work on its database: it says that it is there, and is refused where it does not fit.

All work by the same settings and erase under the same key. New settings are taken by all: whoever is told of them
(`earful reload`, SIGHUP) writes down what they come to, as the next generation; the others read their own file again
and go on with it if it comes to the same. Who has another file then stops after some minutes, and is refused at its
next start until the file is there. On SQLite one daemon works, and nothing of this is done.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from importlib.metadata import PackageNotFoundError, version

from monitor.notify.system_notices import queue_notice, settle
from monitor.reports.at_work import joined, skew_words
from monitor.service.roles import ALL, in_order
from monitor.settings.agreement import agreement, differing
from monitor.settings.models import Settings
from monitor.settings.rules import Rules
from monitor.store import forgotten, workers
from monitor.store.connect import Error
from monitor.store.database import Database, RoleTaken
from monitor.store.leases import this_worker
from monitor.store.workers import APART, Agreed, Worker

log = logging.getLogger("earful.daemon")

EVERY = 10.0  # seconds between two beats
LOOK = 1.0  # seconds between two looks at the generation, and at our file while it is behind
BEATS = 3  # in a row: a machine that was asleep is right again after a moment
LATE = 300.0  # seconds for the new file to come to every machine


class WorkerRefused(RoleTaken):
    """This process does not fit to those that work already; the message names one of them, and what to do."""


def our_version() -> str:
    """Of this program."""
    try:
        return version("earful")
    except PackageNotFoundError:
        return ""


class Membership:
    """One for each process. `steady` are seconds that only go on."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        roles: frozenset[str] = ALL,
        *,
        name: str = "",
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self.database = database
        self.name = name or this_worker()
        self.agreed = Agreed(0, {})
        self.first = True  # nobody else worked when this process joined
        self._settings = settings
        self._roles = roles
        self._steady = steady
        self._row: Worker | None = None
        self._beaten = self._looked = float("-inf")
        self._apart = 0  # beats in a row
        self._told = ""  # the key of the notice of our clock
        self._behind: float | None = None  # since when others have newer settings than our file

    def look(self) -> None:
        """Whether this process fits to those that work; nothing is written. Raises WorkerRefused."""
        if not self.database.one_writer and self.database.has_table("facts"):  # else it is new, and nobody works on it
            self._fit(forgotten.own_key(self.database))

    def join(self, host: str = "") -> None:
        """Be one of them from now on, in the session of the role that is held. Raises WorkerRefused."""
        database = self.database
        if database.one_writer:
            return
        with database.transaction():
            now = database.time()
            others = [each for each in workers.living(database) if each.name != self.name]
            key = forgotten.own_key(database) if others else forgotten.make_key(database, now)
            self._fit(key)
            ours, secrets = agreement(self._settings, key)
            agreed = workers.agreed(database)
            if not agreed.generation or differing(ours, agreed.settings):  # nobody else is there: see _fit
                agreed = workers.agree(database, ours, f"{socket.gethostname()}, process {os.getpid()}", now)
            self._row = Worker(
                self.name, host or socket.gethostname(), os.getpid(), in_order(self._roles), our_version(), now, now,
                agreed.generation, ours, secrets, forgotten.mark_of(key) if key else "",
            )  # fmt: skip
            workers.replace_dead(database, self._row)
            workers.trim(database, now)
            workers.write(database, self._row, now)
        self.agreed, self.first = agreed, not others
        for each in others:
            if other := differing(secrets, each.secrets):
                log.warning("%s has other secrets than this process, in %s", each.words, joined(other))

    def _fit(self, key: bytes) -> None:
        others = [each for each in workers.living(self.database) if each.name != self.name]
        if not others:  # a database without any table yet, for one
            return
        mark = forgotten.mark_of(key) if key else ""
        for each in others:
            if each.key != mark:
                raise WorkerRefused(_other_key(each, forgotten.key_file(self.database), missing=not mark))
        agreed = workers.agreed(self.database)
        other = differing(agreement(self._settings, key)[0], agreed.settings)
        if other:
            named = next((each for each in others if each.generation == agreed.generation), others[0])
            differ = "differs" if len(other) == 1 else "differ"
            raise WorkerRefused(
                f"{named.words}, runs on this database with other settings: {joined(other)} {differ}. Put the same "
                f"{self._settings.file.name} on all machines; if this one is the new one, then run: earful reload"
            )

    def beat(self, rules: Rules, now: datetime) -> None:
        """Every ten seconds: say that we are there, and look at the clocks; `now` is this machine's."""
        if self._row is None or self._steady() - self._beaten < EVERY:
            return
        database = self.database
        skew = -database.skew()
        self._beaten = self._steady()
        seen = database.time()
        self._row = replace(self._row, skew=skew, seen=seen)
        workers.write(database, self._row, seen)
        workers.trim(database, seen)
        self._look_at_clocks(rules, skew, now)

    def _look_at_clocks(self, rules: Rules, skew: timedelta, now: datetime) -> None:
        self._apart = self._apart + 1 if abs(skew) > APART else 0
        if self._row is None or bool(self._told) == (self._apart >= BEATS):
            return
        host = self._row.host
        with self.database.transaction():
            if self._told:
                if not self._apart:
                    settle(self.database, self._told, "right again", now)
                    self._told = ""
                return
            self._told = f"clock of {host}:{now:%Y-%m-%d}"
            remedy = "set it right (NTP); until then what is late is decided by the database's clock"
            queue_notice(self.database, rules, self._told, skew_words(host, skew), remedy, now)
        log.warning("%s; %s", skew_words(host, skew), remedy)

    def leave(self) -> None:
        """This process ends in order."""
        if self._row is None:
            return
        self._row = None
        try:
            workers.leave(self.database, self.name)
        except Error:
            pass  # what is left of it says that this process is gone

    # -- settings ---------------------------------------------------------------------------------------------------

    def newer(self) -> Agreed | None:
        """The settings that others work by and we do not, once a second."""
        if self._row is None or self._steady() - self._looked < LOOK:
            return None
        self._looked = self._steady()
        agreed = workers.agreed(self.database)
        return agreed if agreed.generation > self.agreed.generation else None

    def offer(self, settings: Settings) -> None:
        """What was read from the file here is what all are to work by, if it is new; inside a transaction."""
        if self._row is None:
            return
        ours, agreed = self._said(settings)[0], workers.agreed(self.database)
        if differing(ours, self._row.settings) and differing(ours, agreed.settings):
            agreed = workers.agree(self.database, ours, self._row.words, self.database.time())
        if not differing(ours, agreed.settings):  # else others have newer ones, and the file here is the old one
            self.take(settings, agreed)

    def differing(self, settings: Settings, agreed: Agreed) -> list[str]:
        """The tables of these settings that are not what others work by."""
        return differing(self._said(settings)[0], agreed.settings)

    def take(self, settings: Settings, agreed: Agreed) -> None:
        """This process works by these from now on."""
        assert self._row is not None
        said, secrets = self._said(settings)
        self._row = replace(self._row, generation=agreed.generation, settings=said, secrets=secrets)
        workers.write(self.database, self._row, self.database.time())
        self._settings, self.agreed, self._behind = settings, agreed, None

    def _said(self, settings: Settings) -> tuple[dict[str, str], dict[str, str]]:
        return agreement(settings, forgotten.own_key(self.database))

    @property
    def is_behind(self) -> bool:
        """Whether it is known that others work by newer settings than our file."""
        return self._behind is not None

    def left_behind(self, other: Sequence[str], agreed: Agreed) -> str:
        """Others work by newer settings than our file: what to say of it, once and when we have to stop."""
        first = not self.is_behind
        self._behind = self._steady() if self._behind is None else self._behind
        what = f"all work by new settings ({agreed.by}), and the file here is another"
        what += f": {joined(other)}" if other else ", or not sound"
        if self.has_to_stop():
            return f"stopping: {what}. Started again, this process waits for the file"
        return f"{what}. Put the same file here; in {LATE / 60:g} minutes this process stops" if first else ""

    def has_to_stop(self) -> bool:
        """Whether the file that others work by has not come for too long."""
        return self._behind is not None and self._steady() - self._behind >= LATE


def announce(database: Database, settings: Settings) -> Agreed:
    """From outside: all are to work by these, and read their files again even if they do so already."""
    with database.transaction():
        ours = agreement(settings, forgotten.own_key(database))[0]
        by = f"{socket.gethostname()}, earful reload"
        return workers.agree(database, ours, by, database.time())


def _other_key(other: Worker, path: object, *, missing: bool) -> str:
    if not other.key:
        return f"{other.words}, runs on this database without a key of erasures: it could not write one, see its log"
    what = "is missing here" if missing else "is another one here"
    return (
        f"{other.words}, runs on this database, and its key of erasures {what}: whoever was erased there would be "
        f"stored again here. Copy the file *.erasures-key of its state folder to {path}"
    )
