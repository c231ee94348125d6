"""What a running process asks the database for its own sake: whether its role is still its own, for new settings.

By a thread of its own: a server that is silent may take half a minute, and whoever stops the process, or watches over
it, must not wait for that.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from monitor.service.membership import Membership
from monitor.service.reloading import Reloading
from monitor.service.scheduler import Engine
from monitor.service.serving import Serving
from monitor.store.connect import Error, reason
from monitor.store.database import Role, RoleTaken

log = logging.getLogger("earful.daemon")

TURN = 0.3  # seconds
POOL = "upkeep"


class Upkeep:
    """Keeps the role, takes new settings and says that this process is there, from `start` to `stop`.

    `over` is called where the process may not go on: `replaced`, because somebody else has the role, or `failed`.
    """

    def __init__(
        self,
        engine: Engine,
        role: Role,
        member: Membership,
        reloading: Reloading,
        clock: Callable[[], datetime],
        over: Callable[[], None],
        serving: Serving | None = None,
    ) -> None:
        self.replaced = False
        self.failed = False
        self._engine = engine
        self._role = role
        self._member = member
        self._reloading = reloading
        self._clock = clock
        self._over = over
        self._serving = serving
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, name=POOL, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, within_seconds: float = 5.0) -> bool:
        """Look no more; whether the last look came back in time."""
        self._ends.set()
        if self._thread.is_alive():
            self._thread.join(within_seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while not self._ends.wait(TURN) and self._keep_role():
                self._turn()
                self._engine.heartbeat.beat(POOL)
        except Exception as error:
            self.failed = True
            log.critical("stopping because looking after this process failed: %s", reason(error))
            log.debug("looking after this process failed", exc_info=error)
        self._over()

    def _keep_role(self) -> bool:
        """Whether this process may go on: two daemons on one database would tell people everything twice."""
        try:
            said = self._role.keep(self._clock())
        except RoleTaken as error:
            log.critical("stopping: another process has taken over as the daemon: %s", error)
            self.replaced = True
            return False
        if said:
            log.warning("%s", said)
        return True

    def _turn(self) -> None:
        """Look once at what was asked for. A database that is held or full is no reason to stop: the next turn asks."""
        try:
            self._reloading.turn()
        except Error as error:
            log.error("the new settings are not in use yet: %s; Earful will retry", reason(error))
        try:
            if self._serving is not None:
                self._serving.look()
        except Error as error:
            log.debug("can't tell that the page is not served: %s", reason(error))
        try:
            self._member.beat(self._engine.assembly.rules, self._clock())
        except Error as error:
            log.debug("can't say that this process is there: %s", reason(error))
