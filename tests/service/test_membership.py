"""Several processes on one PostgreSQL: each says that it is there, and one that does not fit is refused by name.

Here they are several connections of one process, each with a worker's name of its own.
"""

from __future__ import annotations

import logging
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from monitor.service import membership
from monitor.service.membership import BEATS, LATE, Membership, WorkerRefused
from monitor.service.roles import ALL
from monitor.settings.models import Settings
from monitor.settings.rules import Rules
from monitor.store import deliveries_owed, forgotten, key_values, workers
from monitor.store.connect import served_by
from monitor.store.database import Role, RoleTaken, stamp
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from tests.helpers import NOW, count, settings_from
from tests.store.test_leases import Steady


@dataclass
class Process:
    """One of them: its database, its role, its settings, and a steady clock that the test moves."""

    database: Postgresql
    role: Role
    member: Membership
    settings: Settings
    steady: Steady

    def joins(self, host: str = "") -> Process:
        self.member.join(host)
        return self

    def dies(self) -> None:
        """As by kill -9: the server sees its sessions end, and nothing is written."""
        self.role.release()


Start = Callable[..., Process]


@pytest.fixture
def start(new_postgresql: str, tmp_path: Path) -> Iterator[Start]:
    """Begin another process with a folder of its own, the key of erasures in it unless `key` says otherwise."""
    made: list[Process] = []

    def another(*, key: bool = True, roles: frozenset[str] = ALL, machine: object = None, **written: Any) -> Process:
        folder = tmp_path / f"machine-{len(made)}"
        folder.mkdir()
        settings = settings_from(folder, **written)
        opened = Postgresql(new_postgresql, **({"machine": machine} if machine else {}))  # type: ignore[arg-type]
        opened.beside = folder / "earful"
        name = f"worker-{len(made)}"
        if key and made:
            path, here = forgotten.key_file(made[0].database), forgotten.key_file(opened)
            assert path is not None
            assert here is not None
            shutil.copyfile(path, here)
        steady = Steady()
        member = Membership(opened, settings, roles, name=name, steady=steady)
        role = opened.hold_role("daemon", NOW, worker=name, alone=False)
        made.append(Process(opened, role, member, settings, steady))
        return made[-1]

    yield another
    for each in made:
        each.role.release()
        each.database.close()


def test_the_first_process_finds_a_database_without_any_table(new_postgresql: str, tmp_path: Path) -> None:
    """It looks before anything is written, the tables too; the first start on PostgreSQL ended there."""
    database = Postgresql(new_postgresql)
    database.beside = tmp_path / "earful"
    with psycopg.connect(new_postgresql, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    Membership(database, settings_from(tmp_path)).look()
    assert not database.has_table("facts")
    database.close()


def test_those_who_fit_are_listed_and_who_leaves_is_not(start: Start, new_postgresql: str) -> None:
    first = start(roles=frozenset({"judge", "collect"})).joins()
    second = start(roles=frozenset({"page"})).joins("web-2")
    found = workers.all_of(first.database)
    assert [(each.host, each.pid, each.roles, each.alive) for each in found] == [
        (socket.gethostname(), os.getpid(), ("collect", "judge"), True),
        ("web-2", os.getpid(), ("page",), True),
    ]
    assert found[0].version
    assert first.member.first
    assert not second.member.first
    assert served_by(new_postgresql) == found[0].words
    second.member.leave()
    assert [each.name for each in workers.living(first.database)] == ["worker-0"]


def test_one_that_was_killed_is_dead_at_once_and_its_row_goes_after_a_day(start: Start) -> None:
    first, second = start().joins(), start(roles=frozenset({"judge"})).joins()
    second.dies()
    rules = Rules(first.settings)
    assert [(each.name, each.alive) for each in workers.all_of(first.database)] == [
        ("worker-0", True),
        ("worker-1", False),
    ]
    first.member.beat(rules, NOW)
    assert count(first.database, "workers") == 2
    yesterday = stamp(first.database.time() - timedelta(hours=25))
    first.database.run("UPDATE workers SET seen_at = :at WHERE name = 'worker-1'", {"at": yesterday})
    first.steady.seconds += 10
    first.member.beat(rules, NOW)
    assert [each.name for each in workers.all_of(first.database)] == ["worker-0"]


def test_whoever_takes_the_place_of_a_dead_one_is_shown_instead_of_it(start: Start) -> None:
    start().joins()
    start(roles=frozenset({"judge"})).joins().dies()
    third = start(roles=frozenset({"judge"})).joins()
    assert [each.name for each in workers.all_of(third.database)] == ["worker-0", "worker-2"]


def test_a_beat_is_one_row_every_ten_seconds(start: Start) -> None:
    only = start().joins()
    rules = Rules(only.settings)
    only.member.beat(rules, NOW)
    (first,) = workers.all_of(only.database)
    only.steady.seconds += 9
    only.member.beat(rules, NOW)
    assert workers.all_of(only.database) == [first]
    only.steady.seconds += 1
    only.member.beat(rules, NOW)
    (second,) = workers.all_of(only.database)
    assert second.seen > first.seen
    assert second.since == first.since


# -- who is refused -------------------------------------------------------------------------------------------------


def refused(process: Process) -> str:
    """The words of the refusal; nothing was written before it."""
    before = process.database.rows("SELECT * FROM workers ORDER BY name")
    with pytest.raises(WorkerRefused) as looked:
        process.member.look()
    with pytest.raises(WorkerRefused) as joined:
        process.member.join()
    assert str(looked.value) == str(joined.value)
    assert process.database.rows("SELECT * FROM workers ORDER BY name") == before
    return str(looked.value)


def test_other_settings_are_refused_with_the_tables_that_differ(start: Start) -> None:
    start().joins("web-1")
    said = refused(start(alerts='group_wait = "5s"', brands='context = ["kettles"]'))
    assert said.startswith(f"web-1, process {os.getpid()}, since ")
    assert ": [alerts] and [[brands]] differ. Put the same settings.toml on all machines" in said
    assert "if this one is the new one, then run: earful reload" in said
    assert "kettles" not in said
    one = refused(start(alerts='group_wait = "5s"'))
    assert "[alerts] differs. " in one


def test_what_belongs_to_one_machine_may_differ(start: Start) -> None:
    start(earful='page_url = "https://earful.example"\npage_listen = "127.0.0.1:8321"').joins()
    start(earful='page_url = "https://earful.example"\npage_listen = "0.0.0.0:80"\nlog = "json"').joins()


def test_a_default_that_is_written_out_is_the_same_settings(start: Start) -> None:
    start().joins()
    start(alerts='group_wait = "60s"').joins()


def test_with_nobody_alive_other_settings_are_the_new_ones(start: Start) -> None:
    start().joins().dies()
    second = start(alerts='group_wait = "5s"').joins()
    assert workers.agreed(second.database).generation == 2
    assert refused(start()).startswith(socket.gethostname())


def test_another_key_of_erasures_is_refused_and_so_is_none(start: Start) -> None:
    first = start().joins("web-1")
    none = start(key=False)
    said = refused(none)
    assert said.startswith("web-1, process ")
    assert "its key of erasures is missing here: whoever was erased there would be stored again here. Copy " in said
    assert str(forgotten.key_file(none.database)) in said
    other = start(key=False)
    path = forgotten.key_file(other.database)
    assert path is not None
    path.write_text("ab" * 32 + "\n", "ascii")
    assert "its key of erasures is another one here" in refused(other)
    key = forgotten.own_key(first.database)
    assert key.hex() not in "".join(map(str, first.database.rows("SELECT * FROM workers")))
    path.write_text(f"{key.hex()}\n{'ab' * 32}\n", "ascii")  # further ones below it are those of older machines
    other.joins()


def test_a_folder_that_takes_no_key_stops_no_daemon_that_works_alone(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    only = start()
    only.database.beside = Path("/proc/nowhere/earful")
    with caplog.at_level(logging.WARNING):
        only.joins()
    assert "can't store the key of erasures there" in caplog.text
    other = start(key=False)
    path = forgotten.key_file(other.database)
    assert path is not None
    path.write_text("ab" * 32 + "\n", "ascii")
    assert "runs on this database without a key of erasures: it could not write one" in refused(other)


def test_other_secrets_are_said_and_refuse_nobody(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    """They are renewed machine by machine; the old and the new one both hold for a while."""
    channel = '[[channels]]\nname = "console"\nkind = "console"\n[[channels]]\nname = "hook"\nkind = "webhook"\n'
    channel += 'url = { env = "HOOK" }\nsecret = { env = "SIGN" }\n'
    one, other = ({"HOOK": f"https://one.example/secret-{n}", "SIGN": "s" * 16} for n in (1, 2))
    start(channels=channel, environ=one).joins("web-1")
    second = start(channels=channel, environ=other)
    with caplog.at_level(logging.WARNING):
        second.joins()
    assert "has other secrets than this process, in [[channels]]" in caplog.text
    kept = "".join(map(str, second.database.rows("SELECT * FROM workers")))
    assert "secret-" not in kept


def test_a_daemon_that_wants_it_alone_and_those_who_share_it_refuse_each_other(
    start: Start, new_postgresql: str
) -> None:
    """An older version knows nothing of others beside it."""
    only = start().joins()
    older = Postgresql(new_postgresql)
    with pytest.raises(RoleTaken, match=f"in use by {socket.gethostname()}, process {os.getpid()}"):
        older.hold_role("daemon", NOW)
    only.dies()
    held = older.hold_role("daemon", NOW)
    with pytest.raises(RoleTaken, match="in use by"):
        start()
    held.release()
    older.close()


# -- new settings ---------------------------------------------------------------------------------------------------


def test_new_settings_are_offered_by_one_and_taken_by_the_others_whose_file_is_the_same(
    start: Start, tmp_path: Path
) -> None:
    first, second = start().joins(), start().joins()
    assert second.member.newer() is None
    new = settings_from(tmp_path, alerts='group_wait = "5s"')
    with first.database.transaction():
        first.member.offer(new)
    assert second.member.newer() is None, "it looks once a second"
    second.steady.seconds += 1
    agreed = second.member.newer()
    assert agreed is not None
    assert second.member.differing(second.settings, agreed) == ["[alerts]"]
    assert second.member.differing(new, agreed) == []
    second.member.take(new, agreed)
    second.steady.seconds += 1
    assert second.member.newer() is None
    assert {each.generation for each in workers.living(first.database)} == {agreed.generation}
    assert "[alerts] differs" in refused(start()), "whoever starts with the old file now is late"
    start(alerts='group_wait = "5s"').joins()


def test_whose_file_stays_the_old_one_says_so_once_and_has_to_stop_after_a_while(start: Start, tmp_path: Path) -> None:
    first, second = start().joins(), start().joins()
    with first.database.transaction():
        first.member.offer(settings_from(tmp_path, alerts='group_wait = "5s"'))
    second.steady.seconds += 1
    agreed = second.member.newer()
    assert agreed is not None
    said = second.member.left_behind(["[alerts]"], agreed)
    assert "the file here is another: [alerts]. Put the same file here; in 5 minutes this process stops" in said
    second.steady.seconds += LATE - 1
    assert second.member.left_behind(["[alerts]"], agreed) == ""
    assert not second.member.has_to_stop()
    second.steady.seconds += 1
    assert second.member.left_behind(["[alerts]"], agreed).startswith("stopping: all work by new settings")
    assert second.member.has_to_stop()


def test_an_old_file_that_is_read_once_more_does_not_become_the_new_one(start: Start, tmp_path: Path) -> None:
    """Somebody reloads on a machine to which the new file has not come."""
    first, second = start().joins(), start().joins()
    with first.database.transaction():
        first.member.offer(settings_from(tmp_path, alerts='group_wait = "5s"'))
    agreed = workers.agreed(first.database)
    with second.database.transaction():
        second.member.offer(second.settings)
    assert workers.agreed(first.database) == agreed
    second.steady.seconds += 1
    assert second.member.newer() == agreed


# -- clocks ---------------------------------------------------------------------------------------------------------


def test_a_clock_that_is_off_is_told_once_and_so_is_that_it_is_right_again(start: Start) -> None:
    shift = timedelta(minutes=3)

    def machine() -> datetime:
        return only.database.time() + shift

    only = start(machine=machine)
    only.joins("web-1")
    rules = Rules(only.settings)

    def beats(times: int) -> None:
        for _ in range(times):
            only.steady.seconds += membership.EVERY
            only.member.beat(rules, NOW)

    def told() -> list[str]:
        rows = only.database.rows("SELECT payload FROM deliveries WHERE about LIKE 'notice:clock of %'")
        return [row["payload"] for row in rows]

    beats(BEATS - 1)
    assert told() == []
    beats(3)
    (said,) = told()
    assert "The clock of web-1 is 3 minutes ahead of the database's" in said
    (row,) = workers.all_of(only.database)
    assert abs(row.skew - shift) < timedelta(seconds=1)
    shift = timedelta(seconds=1)
    beats(1)
    assert deliveries_owed.waiting(only.database).get("pending", 0) == 0, "it was right again before anybody was told"


def test_on_sqlite_nobody_joins_and_nothing_is_written(sqlite: Sqlite, tmp_path: Path) -> None:
    member = Membership(sqlite, settings_from(tmp_path))
    member.look()
    member.join()
    member.beat(Rules(settings_from(tmp_path)), NOW)
    with sqlite.transaction():
        member.offer(settings_from(tmp_path, alerts='group_wait = "5s"'))
    assert member.newer() is None
    member.leave()
    assert count(sqlite, "workers") == 0
    assert key_values.fact(sqlite, "settings: agreed") == ""
    assert forgotten.own_key(sqlite) == b""


def test_an_empty_database_has_nobody_to_fit_to(new_postgresql: str, tmp_path: Path) -> None:
    """It is looked at before its tables are made: the first start on a new PostgreSQL failed."""
    opened = Postgresql(new_postgresql)
    opened.script(["DROP SCHEMA public CASCADE", "CREATE SCHEMA public"])
    Membership(opened, settings_from(tmp_path)).look()
    assert not opened.has_table("facts")
    opened.close()
