"""The tables of jobs: made with ours, brought up step by step, and none of them on SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from monitor.service.scheduler import Engine
from monitor.store import job_tables
from monitor.store.database import DatabaseBusy, DatabaseUnusable
from monitor.store.postgresql import Postgresql
from monitor.store.schema import migrate
from monitor.store.sqlite import Sqlite
from tests.helpers import NOW, assembly_of, count, settings_from

JOBS = "procrastinate_jobs"


@pytest.fixture
def postgresql(new_postgresql: str) -> Iterator[Postgresql]:
    opened = Postgresql(new_postgresql)
    yield opened
    opened.close()


def steps(folder: Path, *names: str) -> list[Path]:
    """Steps of a library to come, each of which makes a table."""
    made = [folder / f"{name}.sql" for name in ("99.00.00_00_pre_last", *names)]
    for step in made:
        step.write_text(f"CREATE TABLE made_{step.stem.split('_')[-1]} (n BIGINT); SELECT '%';", "utf-8")
    return made


def alive(database: Postgresql, seconds: int = 0) -> None:
    database.run(
        "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (clock_timestamp() - make_interval(secs => :ago))",
        {"ago": seconds},
    )


def test_they_stand_once_ours_do_and_nothing_is_done_twice(database: Sqlite | Postgresql) -> None:
    assert database.has_table(JOBS) == isinstance(database, Postgresql)
    migrate(database, NOW)
    migrate(database, NOW)
    assert job_tables.queues(database) == []


def test_a_database_from_before_there_were_jobs_gets_them(postgresql: Postgresql) -> None:
    tables = "procrastinate_events, procrastinate_periodic_defers, procrastinate_jobs, procrastinate_workers"
    postgresql.script([f"DROP TABLE {tables} CASCADE"])
    postgresql.script(
        ["DROP TYPE procrastinate_job_status, procrastinate_job_event_type, procrastinate_job_to_defer_v1 CASCADE"]
    )
    for row in postgresql.rows("SELECT oid::regprocedure AS name FROM pg_proc WHERE proname LIKE 'procrastinate%'"):
        postgresql.script([f"DROP FUNCTION {row['name']} CASCADE"])
    migrate(postgresql, NOW)
    assert count(postgresql, JOBS) == 0


def test_what_a_later_version_needs_is_taken_in_order_and_once(postgresql: Postgresql, tmp_path: Path) -> None:
    wanted = steps(tmp_path, "99.00.00_01_pre_one", "99.00.00_50_post_two")
    job_tables.bring_up(postgresql, wanted)
    assert all(postgresql.has_table(f"made_{name}") for name in ("last", "one", "two"))
    job_tables.bring_up(postgresql, wanted)


def test_what_the_older_version_does_not_know_waits_until_nobody_works(postgresql: Postgresql, tmp_path: Path) -> None:
    wanted = steps(tmp_path, "99.00.00_01_pre_one", "99.00.00_50_post_two")
    alive(postgresql)
    job_tables.bring_up(postgresql, wanted)
    assert (postgresql.has_table("made_one"), postgresql.has_table("made_two")) == (True, False)
    postgresql.run("UPDATE procrastinate_workers SET last_heartbeat = last_heartbeat - interval '61 seconds'")
    job_tables.bring_up(postgresql, wanted)
    assert postgresql.has_table("made_two")


def test_it_is_refused_where_another_step_behind_it_is_needed(postgresql: Postgresql, tmp_path: Path) -> None:
    wanted = steps(tmp_path, "99.00.00_50_post_two", "99.01.00_01_pre_three")
    alive(postgresql)
    with pytest.raises(DatabaseBusy, match="processes of an older Earful work here"):
        job_tables.bring_up(postgresql, wanted)
    assert not postgresql.has_table("made_three")


def test_a_job_waits_once_and_whoever_waits_for_its_role_hears_of_it(postgresql: Postgresql) -> None:
    given = ("read", "collect", "source:forum", "read-forum-posts", {"names": ["forum", "posts"]})
    with psycopg.connect(postgresql.address, autocommit=True) as connection:
        connection.execute('LISTEN "procrastinate_queue_v1#collect"')
        assert not job_tables.stands(postgresql, "read-forum-posts")
        assert job_tables.defer(postgresql, *given)
        assert not job_tables.defer(postgresql, *given)
        assert job_tables.stands(postgresql, "read-forum-posts")
        assert len(list(connection.notifies(timeout=5, stop_after=1))) == 1
    assert count(postgresql, JOBS) == 1


def test_without_the_library_nothing_is_made_and_the_daemon_is_told_what_to_do(
    sqlite: Sqlite, new_postgresql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Postgresql(new_postgresql)
    acme = assembly_of(opened, settings_from(tmp_path))
    monkeypatch.setattr(job_tables, "find_spec", lambda _name: None)
    job_tables.bring_up(opened, [])
    with pytest.raises(DatabaseUnusable, match=r"procrastinate\) is not installed; run: "):
        Engine(acme)
    Engine(assembly_of(sqlite, settings_from(tmp_path)))
    opened.close()


def test_a_turn_is_taken_once_by_the_clock_of_the_database(postgresql: Postgresql) -> None:
    hour = timedelta(hours=1)
    assert job_tables.take_turn(postgresql, "tick-keep", hour, "1")
    assert not job_tables.take_turn(postgresql, "tick-keep", hour, "11")
    assert not job_tables.take_turn(postgresql, "tick-keep", hour, "2")
    assert job_tables.take_turn(postgresql, "tick-keep", hour, "1")  # its process died in the middle of it
    assert job_tables.take_turn(postgresql, "tick-audit", hour, "2")
    ago = (
        "UPDATE facts SET value = to_char(clock_timestamp() + make_interval(mins => :minutes), :form) WHERE key = :key"
    )
    form = 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'
    for minutes in (-1, 61):  # it is over; the server's clock was ahead by as much
        postgresql.run(ago, {"minutes": minutes, "form": form, "key": "turn:tick-keep"})
        assert job_tables.take_turn(postgresql, "tick-keep", hour, "1")
    postgresql.run(ago, {"minutes": -1, "form": form, "key": "turn:tick-keep"})
    job_tables.rest(postgresql, "tick-keep", hour)
    assert not job_tables.take_turn(postgresql, "tick-keep", hour, "1")
    postgresql.run(ago, {"minutes": -1, "form": form, "key": "rests:tick-keep"})
    assert job_tables.take_turn(postgresql, "tick-keep", hour, "1")
