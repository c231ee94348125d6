"""Has the page served, at the start or once its address is free, and tells the operator while it is not.

Without it no link in an alert leads anywhere, and what other programs send arrives nowhere.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from monitor.notify.system_notices import queue_notice, settle
from monitor.service.scheduler import Engine
from monitor.store.database import stamp
from monitor.web.server import WebServer

log = logging.getLogger("earful.daemon")

EVERY = 10.0  # seconds between two attempts
PATIENCE = timedelta(minutes=2)  # whoever had the address may be ending


class Serving:
    """The page of a process that has one. `look` is called again and again, by one thread."""

    def __init__(self, page: WebServer, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._page = page
        self._engine = engine
        self._clock = clock
        self._last_try = float("-inf")
        self._told = ""  # under which key, while it is not served

    def begin(self) -> bool:
        """Serve the page, if its address is free."""
        self._last_try = time.monotonic()
        return self._page.start()

    def look(self) -> None:
        """Where the page is not served, try again, and tell the operator once if that lasts."""
        if self._page.serves or self._page.context.stopping.is_set():
            return
        database, rules = self._engine.assembly.database, self._engine.assembly.rules
        now = self._clock()
        if not self._told:
            key = f"page:{stamp(now)}"
            title = f"The page can't be served: {self._page.why_not}"
            remedy = "Stop the program that listens there, or set another page_listen; Earful keeps trying."
            with database.transaction():
                queue_notice(database, rules, key, title, remedy, now, due_at=now + PATIENCE)
            self._told = key
        if time.monotonic() - self._last_try < EVERY:
            return
        if self.begin():
            log.info("the page is at %s", self._page.address)
            with database.transaction():
                settle(database, self._told, f"served again since {now.astimezone(rules.settings.zone):%H:%M}", now)
            self._told = ""
