"""Connections: one for each thread that lives, used again when it ends, so that months of short threads stay flat."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from sqlite_utils.utils import sqlite3  # type: ignore[attr-defined]

from monitor.store import postgresql
from monitor.store import postgresql_connections as connections
from monitor.store.columns import personal_tables
from monitor.store.database import Database
from monitor.store.sqlite import Sqlite
from tests.helpers import assembly_of, count, post, settings_from, take
from tests.machines.proxy import Line
from tests.service.test_scheduler import until


def _in_a_thread(work: Callable[[], object]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()


def test_the_connection_of_a_thread_that_ended_is_used_again(database: Database) -> None:
    """The daemon reads and sends in threads that live for seconds; each must not leave its files open."""
    ask = "SELECT count(*) AS n FROM cases"
    _in_a_thread(lambda: database.row(ask))
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        _in_a_thread(lambda: database.row(ask))
    assert len(os.listdir("/proc/self/fd")) <= before


def test_few_connections_are_kept_on_a_server_once_their_threads_have_ended(new_postgresql: str) -> None:
    """Twenty sources that were read at once would hold a fifth of what the server has for everybody."""
    opened = postgresql.Postgresql(new_postgresql)
    watching = postgresql.Postgresql(new_postgresql)
    ask = "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database()"
    together, ends = threading.Barrier(12), threading.Event()

    def work() -> None:
        opened.row("SELECT 1")
        together.wait(10)
        ends.wait(10)

    threads = [threading.Thread(target=work) for _ in range(11)]
    for each in threads:
        each.start()
    together.wait(10)
    assert watching.rows(ask)[0]["n"] >= 13
    ends.set()
    for each in threads:
        each.join(10)
    _in_a_thread(lambda: opened.row("SELECT 1"))
    until(lambda: watching.rows(ask)[0]["n"] <= 7)
    opened.close()
    watching.close()


def test_what_a_thread_left_open_is_rolled_back_before_the_connection_is_used_again(database: Database) -> None:
    """A thread that died in the middle of a transaction holds nothing, and nothing of it is kept."""
    beginning = "BEGIN IMMEDIATE" if isinstance(database, Sqlite) else "BEGIN"

    def leave() -> None:
        database.run(beginning)
        database.run("INSERT INTO facts (key, value) VALUES ('left', 'behind')")

    _in_a_thread(leave)
    found: list[object] = []

    def come() -> None:
        with database.transaction():
            database.run("INSERT INTO facts (key, value) VALUES ('came', 'after')")
        found.extend(row["key"] for row in database.rows("SELECT key FROM facts WHERE key IN ('left', 'came')"))

    _in_a_thread(come)
    assert found == ["came"]


def test_threads_at_the_same_time_have_connections_of_their_own(database: Database) -> None:
    """A transaction of one is not seen by another before it is committed."""
    written, looked = threading.Event(), threading.Event()
    seen: list[object] = []

    def write() -> None:
        with database.transaction():
            database.run("INSERT INTO facts (key, value) VALUES ('half', 'written')")
            written.set()
            looked.wait(10)

    def look() -> None:
        written.wait(10)
        seen.append(database.row("SELECT value FROM facts WHERE key = 'half'"))
        looked.set()

    threads = [threading.Thread(target=each) for each in (write, look)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert seen == [None]
    assert database.row("SELECT value FROM facts WHERE key = 'half'") is not None


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="NOT TESTED: this system does not list open files")
def test_closing_closes_every_connection(sqlite: Sqlite) -> None:
    """After the end no file of the database is open."""
    _in_a_thread(lambda: sqlite.row("SELECT 1"))
    sqlite.row("SELECT 1")
    sqlite.close()
    names = [os.readlink(f"/proc/self/fd/{each}") for each in os.listdir("/proc/self/fd") if _open(each)]
    assert not [name for name in names if name.startswith(str(sqlite.path))]


def _open(number: str) -> bool:
    return os.path.lexists(f"/proc/self/fd/{number}")


def test_a_transaction_whose_machine_stands_still_holds_up_the_others_for_seconds_only(
    new_postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its server cannot see that a machine is gone, or frozen, and would have kept the locks for hours."""
    monkeypatch.setattr(postgresql, "SILENT", timedelta(milliseconds=300))
    gone, other = (postgresql.Postgresql(new_postgresql) for _ in range(2))

    def go_on() -> None:
        with other.transaction():
            other.run("INSERT INTO facts (key, value, at) VALUES ('other', 'goes on', '')")

    with pytest.raises(postgresql.Error), gone.transaction():  # noqa: PT012
        gone.run("INSERT INTO facts (key, value, at) VALUES ('gone', 'half', '')")
        _in_a_thread(go_on)
        gone.run("INSERT INTO facts (key, value, at) VALUES ('gone too', 'half', '')")
    assert [row["key"] for row in gone.rows("SELECT key FROM facts ORDER BY key")] == ["other"]
    gone.close()
    other.close()


def test_whoever_has_waited_long_for_a_lock_gives_up_and_holds_nothing(
    new_postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a machine that stood still one session after the other got its lock, and each held up everybody anew."""
    monkeypatch.setattr(postgresql, "WAITS", timedelta(milliseconds=200))
    first, other = (postgresql.Postgresql(new_postgresql) for _ in range(2))
    failed: list[str] = []

    def wait() -> None:
        try:
            with other.transaction():
                other.run("INSERT INTO facts (key, value, at) VALUES ('other', '', '')")
        except postgresql.Error as error:
            failed.append(type(error).__name__)

    with first.transaction():
        _in_a_thread(wait)
    assert failed == ["LockNotAvailable"]
    wait()
    assert [row["key"] for row in first.rows("SELECT key FROM facts ORDER BY key")] == ["other"]
    first.close()
    other.close()


def test_whoever_gave_up_waiting_ends_the_session_that_holds_the_lock_and_says_nothing(
    new_postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that has heard half a request waits for the rest of it, and its own limit does not count."""
    monkeypatch.setattr(postgresql, "WAITS", timedelta(milliseconds=200))
    monkeypatch.setattr(postgresql, "SILENT", timedelta(milliseconds=100))
    other = postgresql.Postgresql(new_postgresql)
    with psycopg.connect(new_postgresql) as silent:
        silent.execute("SELECT pg_advisory_xact_lock(%s)", (postgresql._LOCK,))
        with pytest.raises(postgresql.Error), other.transaction():
            pass
        with other.transaction():
            other.run("INSERT INTO facts (key, value, at) VALUES ('other', '', '')")
        with pytest.raises(psycopg.OperationalError):
            silent.execute("SELECT 1")
    assert [row["key"] for row in other.rows("SELECT key FROM facts ORDER BY key")] == ["other"]
    other.close()


def test_whoever_reads_a_long_answer_slowly_is_not_cut_off(
    new_postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds no lock that anybody waits for."""
    monkeypatch.setattr(postgresql, "SILENT", timedelta(milliseconds=100))
    database = postgresql.Postgresql(new_postgresql)
    pieces = database.batches("SELECT generate_series(1, 4)", 2)
    assert next(pieces) == [(1,), (2,)]
    other = postgresql.Postgresql(new_postgresql)
    other.row("SELECT pg_sleep(0.4)")  # four times as long, by the clock that counts
    assert list(pieces) == [[(3,), (4,)]]
    other.close()
    database.close()


@pytest.fixture
def over_a_line(new_postgresql: str) -> Iterator[tuple[str, Line]]:
    """The address of a fresh database behind a line that can be cut."""
    said = psycopg.conninfo.conninfo_to_dict(new_postgresql)
    with Line(f"{said['host']}/.s.PGSQL.5432") as line:
        yield f"postgresql://{said['user']}@127.0.0.1:{line.port}/{said['dbname']}?sslmode=disable", line


@pytest.mark.skipif(sys.platform != "linux", reason="NOT TESTED: a socket takes no filter here")
@pytest.mark.parametrize("asked_before", [False, True])
def test_a_network_that_is_cut_in_silence_is_noticed(
    over_a_line: tuple[str, Line], monkeypatch: pytest.MonkeyPatch, *, asked_before: bool
) -> None:
    """Nothing is acknowledged any more, nor refused: half an hour, or for ever, by the system's own patience."""
    soon = {"keepalives_idle": 1, "keepalives_interval": 1, "keepalives_count": 2, "tcp_user_timeout": 2000}
    assert soon.keys() == connections.NOTICE.keys()
    monkeypatch.setattr(connections, "NOTICE", soon)
    address, line = over_a_line
    database = postgresql.Postgresql(address)
    failed: list[str] = []

    def ask(seconds: int) -> None:
        try:
            database.row(f"SELECT pg_sleep({seconds})")
        except postgresql.Error as error:
            failed.append("away" if postgresql.is_away(error) else type(error).__name__)

    if asked_before:  # its answer would come
        waits = threading.Thread(target=ask, args=(20,), daemon=True)
        waits.start()
        watching = postgresql.Postgresql(address)
        asleep = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"
        until(lambda: watching.row(asleep) is not None)
        line.swallow()
        waits.join(60)
    else:
        line.swallow()
        ask(0)
    assert failed == ["away"]
    ask(0)  # by this thread's connection, which may be cut off as well
    failed.clear()
    ask(0)
    assert failed == []
    database.close()


def test_a_server_that_takes_what_is_asked_and_never_answers_is_given_up(
    over_a_line: tuple[str, Line], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy or a tunnel that hangs acknowledges everything: whoever asked would have waited for ever."""
    monkeypatch.setattr(connections, "DEADLINE", 0.2)
    monkeypatch.setattr(connections, "_MORE", 0.1)
    address, line = over_a_line
    database = postgresql.Postgresql(address)
    line.hold()
    with pytest.raises(postgresql.Error) as raised, database.transaction():
        pass
    assert postgresql.is_away(raised.value)
    line.mend()
    assert database.row("SELECT 1 AS one") == {"one": 1}
    database.close()


def test_the_server_ends_a_statement_that_takes_too_long_but_not_the_schema_and_copies(
    new_postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "DEADLINE", 0.1)
    database = postgresql.Postgresql(new_postgresql)
    with pytest.raises(psycopg.errors.QueryCanceled):
        database.row("SELECT pg_sleep(30)")
    with database.transaction():
        database.script(["SELECT pg_sleep(0.3)"])
    with database.transaction(long=True):
        database.row("SELECT pg_sleep(0.3)")
    assert list(database.batches("SELECT 1 FROM pg_sleep(0.3)", 2)) == [[(1,)]]
    assert database.overwrite(["posts"], 1.0)
    for again in ("SELECT pg_sleep(30)", "SELECT pg_sleep(20)"):
        with pytest.raises(psycopg.errors.QueryCanceled):
            database.row(again)
    database.close()


def test_what_was_emptied_counts_as_overwritten_only_once_nobody_sees_it_any_more(new_postgresql: str) -> None:
    """A copy that somebody makes for an hour keeps the words in the database for as long."""
    database = postgresql.Postgresql(new_postgresql)
    with psycopg.connect(new_postgresql) as copies:
        copies.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        copies.execute("SELECT 1")
        assert not database.overwrite(["posts"], 0.1)
    assert database.overwrite(["posts"], 1.0)
    with psycopg.connect(new_postgresql) as holds:
        holds.execute("LOCK TABLE posts")
        holds.commit()
        holds.execute("LOCK TABLE ONLY posts IN SHARE UPDATE EXCLUSIVE MODE")
        assert not database.overwrite(["posts"], 0.2)
    database.close()


def test_what_was_planned_for_empty_tables_is_planned_anew_as_they_fill(new_postgresql: str, tmp_path: Path) -> None:
    """The server has just looked through its tables, and reads one that is nearly empty from end to end.

    Its check that a mention's post is there is planned once in a session: every post would read all others.
    """
    database = postgresql.Postgresql(new_postgresql)
    acme = assembly_of(database, settings_from(tmp_path))
    assert database.overwrite(personal_tables(), 10)
    for page in range(40):
        take(acme, *(post(f"Acme has a parcel for number {page}-{each}") for each in range(50)))
    database.row("SELECT pg_stat_force_next_flush()")
    read = database.row("SELECT sum(seq_tup_read) AS n FROM pg_stat_user_tables WHERE relname IN ('posts', 'mentions')")
    assert read is not None
    assert count(database, "posts") == 2000
    assert read["n"] < 500_000, "two million where each post reads all others"
    database.close()


def used() -> int:
    """How many bytes the SQLite of this process holds, by its own account (https://sqlite.org/c3ref/memory_highwater.html)."""
    library = ctypes.CDLL(sys.modules[sqlite3.connect.__module__].__file__)
    library.sqlite3_memory_used.restype = ctypes.c_int64
    return int(library.sqlite3_memory_used())


def test_what_a_large_page_stored_is_kept_by_no_statement(sqlite: Sqlite) -> None:
    """Each statement keeps the values that it was given last: thirty sources with the largest pages took 474 MB."""
    sqlite.run("CREATE TABLE said (text TEXT)")
    sqlite.keep_little()
    before = used()
    for words in ("INSERT INTO said VALUES (:text)", "INSERT INTO said SELECT :text", "UPDATE said SET text = :text"):
        sqlite.run(words, {"text": "x" * 2_000_000})
    assert used() - before > 6_000_000
    sqlite.keep_little()
    assert used() - before < 1_000_000
    assert [row["n"] for row in sqlite.rows("SELECT count(*) AS n FROM said")] == [2]
