"""The auditor: every minute it proves that nothing is forgotten, and mends what it can.

Each flagged mention has a case or a recorded reason why not; each open case a next step; each delivery a future; each
source was heard of or is declared failing. Only then are systemd's watchdog and an outside dead-man address told.
"""

from __future__ import annotations

import logging
import os
import shutil
import socket
from collections.abc import Callable
from datetime import datetime, timedelta

from connectors.http import Http
from monitor.alerting import queue_notice
from monitor.assembly import Assembly
from monitor.deadline import Overran, within
from monitor.store import cases, deliveries, mentions, records, sources
from monitor.store.database import Error, Sqlite

log = logging.getLogger("earful.audit")

LITTLE_SPACE = 200_000_000
QUIET_FACTOR = 8


def tell_systemd(state: str) -> None:
    """Say `READY=1`, `WATCHDOG=1` or `STOPPING=1` to systemd, where it listens (sd_notify(3))."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.connect("\0" + address[1:] if address.startswith("@") else address)
            notify.sendall(state.encode())
    except OSError as error:
        log.warning("systemd could not be told %s: %s", state, error.strerror)


class Audit:
    """Runs over an assembly; remembers what it found, for `status` and the health page."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.findings: tuple[str, ...] = ()

    def run(self, assembly: Assembly) -> bool:
        """Audit once; whether all is well."""
        now = self.clock()
        try:
            self.findings = tuple(self._find(assembly, now))
            with assembly.database.transaction():
                records.remember(assembly.database, "audit", "; ".join(self.findings), now)
        except Error as error:
            self.findings = (f"the database does not answer ({type(error).__name__})",)
        for finding in self.findings:
            log.error("audit: %s", finding)
        if not self.findings:
            tell_systemd("WATCHDOG=1")
            self._tell_outside(assembly)
        return not self.findings

    def _find(self, assembly: Assembly, now: datetime) -> list[str]:
        database = assembly.database
        found = []
        orphans = [each for each in mentions.orphans(database) if now - each.seen_at > timedelta(minutes=1)]
        if orphans:
            found.append(f"{len(orphans)} flagged mentions have neither a case nor a reason why not")
        for row in cases.without_next_step(database):  # mended: looked at again at once
            with database.transaction():
                cases.change(database, row["id"], next_step_at=now)
        oldest = deliveries.oldest_waiting(database)
        held = any(health.failing_since for health in deliveries.channel_health(database).values())
        if oldest is not None and now - oldest > timedelta(minutes=15) and not held:
            found.append(f"a delivery has waited since {oldest:%Y-%m-%d %H:%M} UTC and no channel is known to be down")
        for name, health in sources.all_health(database).items():
            source = assembly.rules.sources.get(name)
            if source is None or not source.enabled or health.paused_at is not None or health.failing_since is not None:
                continue
            last = health.last_success_at
            if last is not None and now - last > 5 * max(source.every, timedelta(minutes=1)) and not health.next_due_at:
                found.append(f"{name} was last read at {last:%H:%M} UTC and is not known to fail")
            self._notice_silence(assembly, name, now)
        self._notice_space(assembly, now)
        return found

    @staticmethod
    def _notice_silence(assembly: Assembly, name: str, now: datetime) -> None:
        """A source that is far quieter than its habit: a rotten query looks like a happy brand."""
        database = assembly.database
        health = sources.health(database, name)
        if health is None or health.last_new_at is None or health.quiet_announced_at is not None:
            return
        habit = sources.usual_gap(database, name)
        if habit is not None and now - health.last_new_at > max(habit * QUIET_FACTOR, timedelta(hours=2)):
            queue_notice(
                database,
                assembly.rules,
                f"quiet:{name}:{health.last_new_at.isoformat()}",
                f"{name} has brought nothing new since {health.last_new_at:%d %b %H:%M} UTC, which is unusual for it",
                f"see whether the query still finds posts: earful try; earful check --online asks {name} once",
                now,
            )
            with database.transaction():
                sources.quiet_announced(database, name, now)

    @staticmethod
    def _notice_space(assembly: Assembly, now: datetime) -> None:
        database = assembly.database
        if not isinstance(database, Sqlite):
            return
        free = shutil.disk_usage(database.path.parent).free
        if free < LITTLE_SPACE:
            queue_notice(
                database,
                assembly.rules,
                f"disk:{now:%Y-%m-%d}",
                f"only {free // 1_000_000} MB are free on the disk of {database.path}",
                "free some space; nothing is lost as long as the database can be written",
                now,
            )

    @staticmethod
    def _tell_outside(assembly: Assembly) -> None:
        secret = assembly.settings.earful.dead_man_url
        if secret is None:
            return
        url = secret.get_secret_value()
        client = Http(trusted=(url.split("/")[2],), total_seconds=10)
        try:
            within(12, lambda: client.get(url), "dead-man")
        except (Overran, Exception) as error:  # noqa: BLE001 - the outside watch must never stop the inside
            log.warning("the dead-man address was not reached: %s", type(error).__name__)
        finally:
            client.close()
