"""What can write in public: loaded for sources with `reply = true` and for no others, at the first use."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any, TypeVar

import connectors
from connectors import ConnectorError
from connectors.http import Http, hosts_written
from connectors.writing import Standing, Unsure, Writer
from monitor.settings.models import Settings, Source
from monitor.timeouts import Overran, within

log = logging.getLogger("earful.replies")

DEADLINE = 20.0  # seconds of one call to a network: a person waits for it
PATIENCE = 5.0  # seconds to find out who would write: a page waits for it, once an hour
STANDS = timedelta(hours=1)  # so long an account that was asked for is believed
AGAIN = timedelta(minutes=1)  # after one that could not be had
T = TypeVar("T")


class Writers:
    """The writing halves of the sources that have one. They may be used by several threads."""

    def __init__(self, settings: Settings) -> None:
        self._sources = {source.name: source for source in settings.sources if source.enabled and source.reply}
        self._made: dict[str, Writer] = {}
        self._standing: dict[str, tuple[datetime, Standing | ConnectorError]] = {}
        self._guard = threading.Lock()

    def __bool__(self) -> bool:
        return bool(self._sources)

    def source(self, name: str) -> Source | None:
        """The source of this name, where replies are switched on for it."""
        return self._sources.get(name)

    def names(self) -> list[str]:
        """The sources that can be answered from here."""
        return list(self._sources)

    def of(self, name: str) -> Writer:
        """The writing half of a source that has one."""
        with self._guard:
            if name not in self._made:
                self._made[name] = _made(self._sources[name])
            return self._made[name]

    def ask(self, name: str, call: Callable[[Writer], T], seconds: float = DEADLINE) -> T:
        """Make one call to a network under a total deadline. Whatever goes wrong is a ConnectorError."""
        writer = self.of(name)
        try:
            return within(seconds, lambda: call(writer), f"reply-{name}")
        except ConnectorError:
            raise
        except Overran as error:
            raise Unsure(f"{name}: {error}") from error
        except Exception as error:
            log.error("replying on %s failed: %s", name, type(error).__name__)
            log.debug("replying on %s failed", name, exc_info=error)
            raise Unsure(f"unexpected {type(error).__name__}", "please report this, with the log") from error

    def standing(self, name: str, now: datetime) -> Standing:
        """Who would write, asked for once an hour; raises a ConnectorError, which is remembered for a minute."""
        known = self._standing.get(name)
        if known is not None:
            asked, said = known
            if timedelta(0) <= now - asked < (AGAIN if isinstance(said, ConnectorError) else STANDS):
                if isinstance(said, ConnectorError):
                    raise said
                return said
        try:
            found: Standing | ConnectorError = self.ask(name, lambda writer: writer.standing(now), PATIENCE)
        except ConnectorError as error:
            found = error
        self._standing[name] = (now, found)
        if isinstance(found, ConnectorError):
            raise found
        return found


def _made(source: Source) -> Writer:
    module, _, name = connectors.WRITERS[source.kind].partition(":")
    made: Any = getattr(import_module(module), name)
    trusted = (*hosts_written(source.options), *hosts_written(source.reply_options))
    writer: Writer = made(source.reply_options, source.options, Http(trusted=trusted, total_seconds=DEADLINE * 0.75))
    return writer
