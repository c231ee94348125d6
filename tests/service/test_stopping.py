"""The one order of stopping: nothing that is used is closed, whatever fails on the way."""

from __future__ import annotations

import threading
from datetime import datetime
from pathlib import Path

import pytest

from monitor.service.scheduler import Engine, utc_now
from monitor.service.stopping import stop_in_order
from monitor.store import key_values
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.web.server import WebServer
from tests.helpers import assembly_of, settings_from


class Part:
    """Page, engine, database and role in one, which write down when they are asked, and may fail."""

    def __init__(self, *failing: str, late: str = "") -> None:
        self.done: list[str] = []
        self.failing = failing
        self.late = late

    def _did(self, what: str) -> None:
        self.done.append(what)
        if what in self.failing:
            raise OSError(28, "No space left on device")

    def checkpoint(self) -> None:
        self._did("checkpoint")

    def close(self) -> None:
        self._did("close")

    def release(self) -> None:
        self._did("release")

    def keep(self, _now: datetime, /) -> str:
        return ""

    def last_words(self) -> None:
        self._did("the last messages")

    def named(self, name: str) -> Stopping:
        return Stopping(self, name)

    def stopped(self) -> bool:
        upkeep, page, engine = (self.named(each) for each in ("upkeep", "page", "engine"))
        return stop_in_order(upkeep, page, engine, self, self, self.last_words, 1.0)


class Stopping:
    """One of those that run in threads."""

    def __init__(self, part: Part, name: str) -> None:
        self.part, self.name = part, name

    def stop(self, within_seconds: float = 0.0) -> bool:
        self.part._did(self.name)
        return self.part.late != self.name


ORDER = ["upkeep", "page", "engine", "the last messages", "checkpoint", "release", "close"]


def test_what_begins_work_stops_first_and_the_connections_go_last() -> None:
    part = Part()
    assert part.stopped()
    assert part.done == ORDER


@pytest.mark.parametrize("failing", ["the last messages", "checkpoint", "release", "close"])
def test_a_part_that_fails_keeps_no_other_from_its_turn(failing: str, caplog: pytest.LogCaptureFixture) -> None:
    part = Part(failing)
    assert part.stopped()
    assert part.done == ORDER
    assert "No space left on device" in caplog.text


@pytest.mark.parametrize("late", ["upkeep", "page", "engine"])
@pytest.mark.parametrize("failing", ["", "engine", "page"])
def test_nothing_is_closed_while_something_still_runs(late: str, failing: str) -> None:
    part = Part(failing, late=late)
    assert not part.stopped()
    assert part.done == ["upkeep", "page", "engine", "the last messages"]


def test_a_tick_in_the_middle_of_a_transaction_is_waited_for(database: Sqlite | Postgresql, tmp_path: Path) -> None:
    """The scheduler used to go on while role and connections went."""
    before = set(threading.enumerate())
    settings = settings_from(tmp_path, earful='page_listen = "127.0.0.1:0"')
    still = tuple(source.model_copy(update={"enabled": False}) for source in settings.sources)
    acme = assembly_of(database, settings.model_copy(update={"sources": still}))
    engine = Engine(acme)
    inside, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        with database.transaction():
            inside.set()
            go_on.wait(20)
            key_values.remember(database, "whole", "yes", utc_now())

    engine.digest_due = slow  # type: ignore[method-assign]
    engine.start()
    assert inside.wait(20)
    page = WebServer(lambda: acme, utc_now)
    page.start()
    role = database.hold_role("daemon", utc_now())
    seen: list[str] = []
    ending = threading.Timer(0.3, go_on.set)
    ending.start()
    last = lambda: seen.append(key_values.fact(database, "whole"))  # noqa: E731
    assert stop_in_order(Part().named("upkeep"), page, engine, database, role, last, 20.0)
    assert seen == ["yes"]
    ours = set(threading.enumerate()) - before
    assert [thread.name for thread in ours if "ThreadPoolExecutor" in thread.name] == []
    database.hold_role("daemon", utc_now()).release()
