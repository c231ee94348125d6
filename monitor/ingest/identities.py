"""Looks up what the handles in settings stand for: once for each source, kept in the database, asked again never.

A handle that the network does not know is asked for again once a day: it may be made tomorrow. What another process
has found out is taken over before posts are read or judged.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from connectors import Account, ConnectorError, Quota, Refused, Request
from monitor.ingest.turns import Turn
from monitor.settings.rules import Rules
from monitor.store import failures, key_values, sources
from monitor.store.database import Database, at, stamp
from monitor.timeouts import Overran

log = logging.getLogger("earful.collect")

ASK_AGAIN = timedelta(days=1)  # for a handle that nobody had
FAILS_AT_MOST = 3  # reads that wait for the look-up; then posts are read without it
TRIED_AGAIN = timedelta(hours=1)
_FACT, _FAILED = "accounts:{source}", "accounts"


class Identities:
    """What is known of each source's handles. One is made for a set of rules, which it teaches."""

    def __init__(self, database: Database, rules: Rules) -> None:
        self.database = database
        self.rules = rules
        self._known: dict[str, dict[str, dict[str, str]]] = {}
        self._read: dict[str, str] = {}
        self.take_over()

    def take_over(self) -> None:
        """Learn what is known by now, whoever has looked it up: one small question."""
        for key, text in key_values.facts(self.database, _FACT.format(source="")).items():
            source = key.removeprefix(_FACT.format(source=""))
            if source in self.rules.sources and self._read.get(source) != text:
                self._read[source] = text
                self._known[source] = _read(text)
                self._teach(source)

    def look_up(self, source: str, connector: Any, request: Request, turn: Turn, seconds: float) -> None:
        """Ask a source's connector for those handles that are not known yet.

        Raises what the connector raises, a few times; after that posts are rather read than waited for.
        """
        self.take_over()
        wanted = self._wanted(source, request.now) if hasattr(connector, "identify") else ()
        if not wanted:
            return
        count = failures.standing(self.database, _FAILED, source)
        last = failures.last(self.database, _FAILED, source) or request.now
        if count < FAILS_AT_MOST or request.now - last >= TRIED_AGAIN:
            ask: Callable[[], tuple[dict[str, Account], Quota]] = partial(connector.identify, wanted, request)
            try:
                found, quota = turn.read(seconds, ask, f"accounts-{source}")
            except Exception as error:
                said = str(error) if isinstance(error, ConnectorError | Overran) else type(error).__name__
                log.warning("%s: can't look up the accounts in the settings: %s", source, said)
                with self.database.transaction():
                    count = failures.one_more(self.database, _FAILED, source, request.now)
                # A key that may not do this may still read posts; one that may do nothing is refused there as well.
                if count < FAILS_AT_MOST and not isinstance(error, Refused):
                    raise
                if count < FAILS_AT_MOST:
                    self._give_up(source, request.now)
            else:
                self._keep(source, wanted, found, quota, request.now)

    def _give_up(self, source: str, now: datetime) -> None:
        with self.database.transaction():
            while failures.one_more(self.database, _FAILED, source, now) < FAILS_AT_MOST:
                pass

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
        known = self._known.setdefault(source, {})
        for handle in asked:
            account = found.get(handle, Account(""))
            known[handle] = {"id": account.id, "name": account.name, "at": stamp(now)}
        with self.database.transaction():
            key_values.remember(self.database, _FACT.format(source=source), json.dumps(known), now)
            failures.over(self.database, _FAILED, source, now)
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
