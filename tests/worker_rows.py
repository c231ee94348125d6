"""Workers on a PostgreSQL, as they would write themselves down: each that is alive holds a session of its own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from monitor.store import workers
from monitor.store.database import Role
from monitor.store.postgresql import Postgresql
from monitor.store.workers import ROLES, Worker
from tests.helpers import NOW


class Crew:
    """Those who work; `close` ends all of them."""

    def __init__(self, database: Postgresql) -> None:
        self.database = database
        self._held: dict[str, Role] = {}

    def add(
        self,
        host: str,
        *roles: str,
        running: timedelta = timedelta(hours=2),
        unseen: timedelta = timedelta(),
        skew: timedelta = timedelta(),
        settings: str = "one",
        secrets: str = "one",
        version: str = "1",
        alive: bool = True,
    ) -> str:
        """Somebody with these roles (all where none is named); the name that they go by."""
        now, name = self.database.time(), f"{host}-{len(self._held)}"
        said: Mapping[str, str] = {"brands": settings}
        row = Worker(
            name, host, 100 + len(self._held), roles or ROLES, version, now - running, now, 1, said,
            {"channels": secrets}, "key", skew,
        )  # fmt: skip
        workers.write(self.database, row, now - unseen)
        if alive:
            self._held[name] = self.database.hold_role("daemon", NOW, worker=name, alone=False)
        return name

    def close(self) -> None:
        for each in self._held.values():
            each.release()
