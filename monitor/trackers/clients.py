"""The trackers of the settings: loaded at the first use, each call under a total deadline."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeVar

import connectors
from connectors import ConnectorError
from connectors.http import Http, hosts_written
from connectors.trackers import Tracker, Unseen
from connectors.writing import Unsure
from monitor.people.actors import NotAllowed, is_person, require
from monitor.people.identity import Actor, Directory
from monitor.settings.models import Settings
from monitor.settings.rules import Rules
from monitor.store.database import Database
from monitor.timeouts import Overran, within

log = logging.getLogger("earful.trackers")

DEADLINE = 20.0  # seconds of one call: a person waits for it
T = TypeVar("T")


class Trackers:
    """The trackers that settings name. They may be used by several threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = {each.name: each for each in settings.trackers}
        self._made: dict[str, Tracker] = {}
        self._guard = threading.Lock()

    def __bool__(self) -> bool:
        return bool(self._settings)

    def names(self) -> list[str]:
        """Every tracker, as settings list them."""
        return list(self._settings)

    def of(self, name: str) -> Tracker | None:
        """The tracker of this name; None where settings name none."""
        with self._guard:
            found = self._settings.get(name)
            if found is None:
                return None
            if name not in self._made:
                module, _, called = connectors.TRACKERS[found.kind].partition(":")
                made: Any = getattr(import_module(module), called)
                http = Http(trusted=hosts_written(found.options), total_seconds=DEADLINE * 0.75)
                self._made[name] = made(found.options, http)
            return self._made[name]

    def ask(self, name: str, call: Callable[[Tracker], T], seconds: float = DEADLINE) -> T:
        """Make one call under a total deadline. Whatever goes wrong is Unseen or a ConnectorError."""
        tracker = self.of(name)
        if tracker is None:
            raise ConnectorError(f"{name} is not a tracker of these settings", "Add it to [[trackers]], reload.")
        try:
            return within(seconds, lambda: call(tracker), f"tracker-{name}")
        except (ConnectorError, Unseen):
            raise
        except Overran as error:
            raise Unsure(f"{name}: {error}") from error
        except Exception as error:
            log.error("%s failed: %s", name, type(error).__name__)
            log.debug("%s failed", name, exc_info=error)
            raise Unsure(f"unexpected {type(error).__name__}", "please report this, with the log") from error


@dataclass(frozen=True, slots=True)
class Tracking:
    """The parts that issues are created and followed with."""

    database: Database
    rules: Rules
    trackers: Trackers


@dataclass(frozen=True, slots=True)
class Subject:
    """What an issue is of: a case, or a problem."""

    case_id: str = ""
    problem: int = 0

    @property
    def words(self) -> str:
        """As people call it."""
        return f"case {self.case_id}" if self.case_id else f"problem {self.problem}"

    @property
    def path(self) -> str:
        """Its page."""
        return f"/cases/{self.case_id}" if self.case_id else f"/problems/{self.problem}"


def address_of(rules: Rules, subject: Subject) -> str:
    """The address of its page, behind the login."""
    return f"{rules.settings.earful.page_url.rstrip('/')}{subject.path}"


def person(tracking: Tracking, who: Actor | str, way: str) -> Actor:
    """Whoever says something of an issue, if it is a person who may; NotAllowed for everybody else."""
    actor = require(Directory(tracking.database, tracking.rules.settings), who, way, "issue")
    if not is_person(actor):
        raise NotAllowed("only a person can create an issue, on the page or at a terminal")
    return actor
