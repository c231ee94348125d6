"""What a process asks for its own sake, beside its main loop: it stops, and is stopped, whatever the server does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import psycopg
import pytest

from monitor.service.membership import Membership
from monitor.service.reloading import Reloading
from monitor.service.scheduler import Engine, utc_now
from monitor.service.upkeep import POOL, Upkeep
from monitor.settings.loading import load
from monitor.store.database import Role
from monitor.store.postgresql import Postgresql
from monitor.store.postgresql_roles import DAEMON
from tests.helpers import assembly_of, settings_from
from tests.service.test_scheduler import until

Kept = tuple[Upkeep, Engine, threading.Event]


class Silent:
    """A role on a server that takes the question, and answers once it is let."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.answers = threading.Event()

    def keep(self, _now: datetime, /) -> str:
        self.asked.set()
        self.answers.wait(30)
        return ""

    def release(self) -> None:
        pass


@pytest.fixture
def kept(new_postgresql: str, tmp_path: Path) -> Iterator[Callable[..., Kept]]:
    """Begins to look after a process that works on this address, and has no tick."""
    ends: list[Callable[[], object]] = []

    def begin(role: Role | None = None) -> Kept:
        database, settings, over = Postgresql(new_postgresql), settings_from(tmp_path), threading.Event()
        engine, member = Engine(assembly_of(database, settings)), Membership(database, settings)
        role = role or database.hold_role("daemon", utc_now(), worker=member.name, alone=False)
        reloading = Reloading(engine, member, lambda: load(settings.file, {}))
        upkeep = Upkeep(engine, role, member, reloading, utc_now, over.set)
        ends.extend([lambda: upkeep.stop(30), role.release, database.close])
        upkeep.start()
        return upkeep, engine, over

    yield begin
    for end in ends:
        end()


def test_whoever_stops_a_process_does_not_wait_for_a_server_that_is_silent(kept: Callable[..., Kept]) -> None:
    """It was asked in the main loop, which hears signals and tells systemd that the process lives."""
    role = Silent()
    upkeep, _, over = kept(role)
    assert role.asked.wait(30)
    assert not upkeep.stop(0.1), "it says truly that something still waits"
    role.answers.set()
    assert upkeep.stop(30)
    assert over.wait(30)
    assert (upkeep.replaced, upkeep.failed) == (False, False)


def test_whoever_is_replaced_while_it_was_cut_off_goes_on_no_more(
    kept: Callable[..., Kept], new_postgresql: str
) -> None:
    upkeep, engine, over = kept()
    until(lambda: POOL in engine.heartbeat._last)
    with psycopg.connect(new_postgresql, autocommit=True) as older:
        older.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND pid <> "
            "pg_backend_pid()",
            (DAEMON,),
        )
        older.execute("SELECT pg_advisory_lock(%s)", (DAEMON,))
        assert over.wait(30)
    assert upkeep.replaced


def test_a_fault_of_its_own_is_told_to_the_main_loop(kept: Callable[..., Kept]) -> None:
    upkeep, engine, over = kept()
    engine.assembly = None  # type: ignore[assignment]
    assert over.wait(30)
    assert upkeep.failed
