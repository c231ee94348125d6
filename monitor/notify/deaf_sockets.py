"""Sockets over which no press comes: told to the operator, and said on the page and by `earful status`.

Whoever presses a button then sees only that nothing happens; messages go out as ever, so nothing else tells of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from alerts.wording import with_remedy
from monitor.notify.system_notices import queue_notice, settle
from monitor.settings.rules import Rules
from monitor.store import key_values
from monitor.store.database import Database, at, stamp

_FACT = "deaf:"


class DeafSockets:
    """What this process knows of the sockets that it listens on."""

    def __init__(self) -> None:
        self._since: dict[str, datetime] = {}
        self._written: dict[str, bool] = {}  # whether the database says that it is deaf; a former process may have

    def look(self, database: Database, rules: Rules, troubles: Mapping[str, str], now: datetime) -> None:
        """Tell of a socket that was in trouble for too long, once, and of its end. `troubles`: "" where all is well."""
        for name, trouble in troubles.items():
            if trouble:
                since = self._since.setdefault(name, now)
                if now - since >= rules.settings.alerts.fallback_after and not self._is_written(database, name):
                    self._tell(database, rules, name, trouble, since, now)
            elif self._since.pop(name, None) is not None or name not in self._written:
                self._end(database, name, now)

    def _is_written(self, database: Database, name: str) -> bool:
        if name not in self._written:
            self._written[name] = bool(key_values.fact(database, _FACT + name))
        return self._written[name]

    def _tell(self, database: Database, rules: Rules, name: str, trouble: str, since: datetime, now: datetime) -> None:
        with database.transaction():
            kept = json.dumps({"since": stamp(since), "trouble": trouble})
            key_values.remember(database, _FACT + name, kept, now)
            why, _, remedy = trouble.partition(". ")
            title = f"{_words(rules, name, since)}: {why}"
            queue_notice(database, rules, f"{_FACT}{name}:{stamp(since)}", title, remedy, now)
        self._written[name] = True

    def _end(self, database: Database, name: str, now: datetime) -> None:
        if self._is_written(database, name):
            with database.transaction():
                kept = json.loads(key_values.fact(database, _FACT + name))
                key_values.remember(database, _FACT + name, "", now)
                settle(database, f"{_FACT}{name}:{kept['since']}", "they work again", now)
        self._written[name] = False


def lines(database: Database, rules: Rules) -> list[str]:
    """One sentence for each channel whose buttons do nothing."""
    named = {channel.name for channel in rules.settings.channels}
    found = []
    for key, value in sorted(key_values.facts(database, _FACT).items()):
        name = key.removeprefix(_FACT)
        if value and name in named:
            kept = json.loads(value)
            why, _, remedy = str(kept["trouble"]).partition(". ")
            said = with_remedy(f"{_words(rules, name, at(kept['since']))} ({why})", remedy)
            found.append(f"{said.rstrip('.')}. Until then, take cases on the page.")
    return found


def _words(rules: Rules, name: str, since: datetime) -> str:
    local = since.astimezone(rules.settings.zone)
    return f"{name}: the buttons have done nothing since {local.day} {local:%b %H:%M}"
