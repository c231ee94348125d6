"""Looks up what the handles in settings stand for: once for each source, kept in the database, asked again never.

A handle that the network does not know is asked for again once a day: it may be made tomorrow.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from connectors import Account, ConnectorError, Quota, Refused, Request
from monitor.settings.rules import Rules
from monitor.store import key_values, sources
from monitor.store.database import Database, at, stamp
from monitor.timeouts import Overran, within

log = logging.getLogger("earful.collect")

ASK_AGAIN = timedelta(days=1)  # for a handle that nobody had
FAILS_AT_MOST = 3  # reads that wait for the look-up; then posts are read without it
TRIED_AGAIN = timedelta(hours=1)


class Identities:
    """What is known of each source's handles. One is made for a set of rules, which it teaches."""

    def __init__(self, database: Database, rules: Rules) -> None:
        self.database = database
        self.rules = rules
        self._known: dict[str, dict[str, dict[str, str]]] = {}
        self._failed: dict[str, tuple[int, datetime]] = {}
        for source in rules.sources:
            self._known[source] = _read(key_values.fact(database, f"accounts:{source}"))
            self._teach(source)

    def look_up(self, source: str, connector: Any, request: Request, seconds: float) -> None:
        """Ask a source's connector for those handles that are not known yet.

        Raises what the connector raises, a few times; after that posts are rather read than waited for.
        """
        wanted = self._wanted(source, request.now) if hasattr(connector, "identify") else ()
        failures, last = self._failed.get(source, (0, request.now))
        if wanted and (failures < FAILS_AT_MOST or request.now - last >= TRIED_AGAIN):
            ask: Callable[[], tuple[dict[str, Account], Quota]] = partial(connector.identify, wanted, request)
            try:
                found, quota = within(seconds, ask, f"accounts-{source}")
            except Exception as error:
                self._failed[source] = (failures + 1, request.now)
                said = str(error) if isinstance(error, ConnectorError | Overran) else type(error).__name__
                log.warning("%s: can't look up the accounts in the settings: %s", source, said)
                # A key that may not do this may still read posts; one that may do nothing is refused there as well.
                if failures + 1 < FAILS_AT_MOST and not isinstance(error, Refused):
                    raise
                self._failed[source] = (FAILS_AT_MOST, request.now)
            else:
                self._failed.pop(source, None)
                self._keep(source, wanted, found, quota, request.now)

    def _wanted(self, source: str, now: datetime) -> tuple[str, ...]:
        known = self._known.setdefault(source, {})
        return tuple(
            handle
            for handle in self.rules.accounts.handles(source)
            if handle not in known
            or (not known[handle]["id"] and not timedelta() <= now - _at(known[handle]) < ASK_AGAIN)
        )

    def _keep(
        self, source: str, asked: tuple[str, ...], found: Mapping[str, Account], quota: Quota, now: datetime
    ) -> None:
        known = self._known[source]
        for handle in asked:
            account = found.get(handle, Account(""))
            known[handle] = {"id": account.id, "name": account.name, "at": stamp(now)}
        with self.database.transaction():
            key_values.remember(self.database, f"accounts:{source}", json.dumps(known), now)
            if quota.cost:
                sources.note_cost(self.database, source, quota.cost, now)
        self._teach(source)

    def _teach(self, source: str) -> None:
        found = {handle: Account(each["id"], each["name"]) for handle, each in self._known[source].items()}
        self.rules.accounts.learn(source, found)


def _at(held: Mapping[str, str]) -> datetime:
    return at(held["at"])


def _read(text: str) -> dict[str, dict[str, str]]:
    held = json.loads(text or "{}")
    return {
        str(handle): {key: str(each.get(key, "")) for key in ("id", "name", "at")}
        for handle, each in held.items()
        if isinstance(each, dict) and each.get("at")
    }
