"""Two faces of one database: files and modes, transactions under two writers, roles, and a connection that is lost."""

from __future__ import annotations

import os
import re
import shutil
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from itertools import takewhile
from pathlib import Path

import psycopg
import pytest
import sqlite_utils.utils

from monitor.extras import how_to_install
from monitor.store import key_values
from monitor.store.connect import Error, holder_of, open_database
from monitor.store.database import DatabaseBusy, DatabaseUnusable, RoleTaken, at, instant, sought, stamp
from monitor.store.postgresql import Postgresql
from monitor.store.schema import PARTS, STEPS, migrate, version_of
from monitor.store.sqlite import Sqlite, wal_is_safe
from tests.helpers import NOW, count

Base = Sqlite | Postgresql
ROOT = Path(__file__).resolve().parents[2]
TERMINATE = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
sqlite3 = sqlite_utils.utils.sqlite3  # the one SQLite of this process


# -- times ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("year", [1, 900, 1969, 1970, 2026, 9999])
def test_times_are_text_of_one_width_that_sorts_as_time_does(year: int) -> None:
    moment = datetime(year, 3, 4, 5, 6, 7, 8, tzinfo=UTC)
    assert len(stamp(moment)) == 27
    assert at(stamp(moment)) == moment
    assert stamp(moment) < stamp(moment + timedelta(microseconds=1))


def test_a_time_of_another_zone_is_stored_in_utc_and_no_time_is_empty() -> None:
    assert stamp(datetime(2026, 3, 4, 12, 0, tzinfo=timezone(timedelta(hours=2)))) == stamp(NOW)
    assert (stamp(None), instant("")) == ("", None)


# -- the file -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ("3.6.23", False),
        ("3.7.0", False),
        ("3.40.1", False),
        ("3.44.5", False),
        ("3.44.6", True),
        ("3.45.0", False),
        ("3.50.6", False),
        ("3.50.7", True),
        ("3.51.2", False),
        ("3.51.3", True),
        ("3.52.0", True),
        ("4.0.0", True),
    ],
)
def test_the_write_ahead_log_is_used_only_where_it_cannot_lose_commits(version: str, safe: bool) -> None:
    assert wal_is_safe(version) is safe


def test_the_journal_mode_follows_the_version(sqlite: Sqlite) -> None:
    row = sqlite.row("PRAGMA journal_mode")
    assert row is not None
    assert row[0] == ("wal" if wal_is_safe(sqlite.version) else "truncate")
    synchronous = sqlite.row("PRAGMA synchronous")
    assert synchronous is not None
    assert synchronous[0] == (2 if sqlite.wal else 3)


def test_nobody_else_can_read_the_file_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        database = Sqlite(tmp_path / "new" / "earful.sqlite")
        migrate(database, NOW)
        role = database.hold_role("daemon", NOW)
        database.backup_to(tmp_path / "new" / "copy.sqlite")
        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in (tmp_path / "new").iterdir()}
        role.release()
        database.close()
    finally:
        os.umask(before)
    assert set(modes.values()) == {0o600}
    assert {"earful.sqlite", "copy.sqlite", "earful.sqlite.daemon"} <= modes.keys()
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_a_file_that_is_no_database_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear Sir or Madam, " * 1000)
    before = path.read_bytes()
    with pytest.raises(DatabaseUnusable, match=r"letter\.txt.*\[database\] url.*earful restore"):
        Sqlite(path)
    assert path.read_bytes() == before


def test_a_file_that_another_program_holds_is_no_damaged_file(tmp_path: Path) -> None:
    """It used to be told to restore a backup, with an exit code after which systemd never tries again."""
    path = tmp_path / "earful.sqlite"
    Sqlite(path).close()
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("PRAGMA locking_mode=EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(DatabaseBusy, match=r"another program has locked it for 0\.1 seconds\. Try again") as caught:
        Sqlite(path, timeout=0.1)
    assert "restore" not in str(caught.value)
    holder.close()
    Sqlite(path).close()


def test_a_folder_is_refused_with_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnusable, match="is a folder; set"):
        Sqlite(tmp_path)


def test_a_folder_that_cannot_be_made_is_refused_with_its_path_and_no_owner_is_blamed(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "earful.sqlite", tmp_path / ("long" * 100) / "earful.sqlite"):
        with pytest.raises(DatabaseUnusable, match=r"earful\.sqlite: .*set \[database\] url") as caught:
            Sqlite(path)
        assert "chown" not in str(caught.value)


def test_a_read_only_file_is_refused_with_path_user_and_remedy(tmp_path: Path, sqlite_template: Path) -> None:
    """In a process of another user, since root may write everything."""
    path = tmp_path / "earful.sqlite"
    shutil.copyfile(sqlite_template, path)
    path.chmod(0o444)
    if os.getuid() == 0:
        ours = list(takewhile(lambda folder: not folder.stat().st_mode & stat.S_ISVTX, (tmp_path, *tmp_path.parents)))
        assert Path("/") not in ours, "it stands below no folder that is everybody's, as /tmp is"
        for folder in ours:
            folder.chmod(0o755)
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from monitor.store.database import DatabaseUnusable\nfrom monitor.store.sqlite import Sqlite\n"
        "if os.getuid() == 0: os.setuid(65534)\n"
        "try: Sqlite(Path(sys.argv[1]))\n"
        "except DatabaseUnusable as error: print(error)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(path)], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert "earful.sqlite" in ran.stdout, ran.stderr
    assert "chown" in ran.stdout
    assert path.stat().st_size == sqlite_template.stat().st_size


def test_an_address_of_no_known_kind_says_what_to_write() -> None:
    with pytest.raises(DatabaseUnusable, match='write "sqlite:FILE" or "postgresql:'):
        open_database("mysql://localhost/x")


def test_a_postgresql_that_is_not_there_is_named_without_its_password() -> None:
    with pytest.raises(DatabaseBusy) as caught:
        open_database("postgresql://earful:tell-nobody@127.0.0.1:1/none?connect_timeout=2")
    assert "127.0.0.1" in str(caught.value)
    assert "tell-nobody" not in str(caught.value)


# -- the schema -----------------------------------------------------------------------------------------------------


def test_migrating_twice_changes_nothing(database: Base) -> None:
    assert version_of(database) == len(STEPS)
    migrate(database, NOW)
    assert count(database, "schema_steps") == len(STEPS)


def test_a_new_step_is_taken_once_and_on_sqlite_after_a_backup(database: Base) -> None:
    steps = (*STEPS, ("ALTER TABLE facts ADD COLUMN colour {text}", "CREATE INDEX facts_by_colour ON facts (colour)"))
    key_values.remember(database, "a", "1", NOW)
    migrate(database, NOW, steps)
    migrate(database, NOW, steps)
    row = database.row("SELECT * FROM facts WHERE key = 'a'")
    assert row is not None
    assert (row["value"], row["colour"]) == ("1", "")
    if isinstance(database, Sqlite):
        kept = Sqlite(database.path.with_name(f"earful.sqlite.before-schema-{len(steps)}"))
        assert version_of(kept) == len(STEPS)
        assert key_values.fact(kept, "a") == "1"
        kept.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def older(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Base]:
    """A database that has taken only the steps before the letters of some scripts were parted."""
    if request.param == "postgresql":
        address = request.getfixturevalue("new_postgresql")
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
        opened = open_database(address)
    else:
        opened = open_database(f"sqlite:{tmp_path / 'older.sqlite'}")
    migrate(opened, NOW, STEPS[: STEPS.index(PARTS)])
    yield opened
    opened.close()


def test_posts_that_stood_before_a_search_knew_their_script_are_found_by_parts(older: Base) -> None:
    older.run_many(
        "INSERT INTO posts (id, source, native_id, text, posted_at, seen_at) VALUES (:id, 'x', :id, :text, '', '')",
        [{"id": "a", "text": "acmeのケトルが壊れた"}, {"id": "b", "text": "plain acme"}],
    )
    migrate(older, NOW)
    for words, keys in (("ケトル", {"a"}), ("acme", {"a", "b"})):
        rows = older.rows(older.search_matches(), {"search": older.search_words(words)})
        assert {row["id"] for row in rows} == keys
    older.run("DELETE FROM posts WHERE id = 'a'")
    assert older.rows(older.search_matches(), {"search": older.search_words("ケトル")}) == []


def test_a_step_that_fails_leaves_the_old_schema_whole(database: Base) -> None:
    steps = (*STEPS, ("ALTER TABLE facts ADD COLUMN colour {text}", "CREATE TABLE facts (again {text})"))
    with pytest.raises(Error):
        migrate(database, NOW, steps)
    assert version_of(database) == len(STEPS)
    with pytest.raises(Error):
        database.row("SELECT colour FROM facts")


def test_the_schema_of_a_newer_earful_is_refused_and_left_alone(database: Base) -> None:
    database.run("INSERT INTO schema_steps (n, at) VALUES (999, '')")
    with pytest.raises(DatabaseUnusable, match="newer Earful"):
        migrate(database, NOW)
    assert count(database, "schema_steps") == len(STEPS) + 1


DYING = """
import os, signal, sys
from pathlib import Path
from monitor.store.connect import open_database
from monitor.store.schema import STEPS, migrate
from tests.helpers import NOW

after = int(sys.argv[2])
base = type(open_database(sys.argv[1]))

class Dying(base):
    def script(self, statements):
        for number, statement in enumerate(statements):
            if number == after:
                os.kill(os.getpid(), signal.SIGKILL)
            super().script([statement])

opened = Dying(Path(sys.argv[1].removeprefix("sqlite:")) if sys.argv[1].startswith("sqlite:") else sys.argv[1])
migrate(opened, NOW, (*STEPS, tuple("CREATE TABLE extra%d (a {text})" % n for n in range(4))))
"""


def test_a_kill_in_the_middle_of_a_migration_leaves_the_old_schema(database: Base, database_url: str) -> None:
    """Before the last of its four statements, when the most is written that must not stay."""
    key_values.remember(database, "a", "1", NOW)
    ran = subprocess.run(
        [sys.executable, "-c", DYING, database_url, "3"], cwd=ROOT, capture_output=True, timeout=60, check=False
    )
    assert ran.returncode == -9, ran.stderr
    again = open_database(database_url)
    assert version_of(again) == len(STEPS)
    assert not any(again.has_table(f"extra{n}") for n in range(4))
    assert key_values.fact(again, "a") == "1"
    assert again.is_sound() == ""
    again.close()


# -- two writers ----------------------------------------------------------------------------------------------------


def add_one(database: Base, times: int) -> None:
    """Read and then write, as every decision does."""
    for _ in range(times):
        with database.transaction():
            value = int(key_values.fact(database, "counter", "0"))
            key_values.remember(database, "counter", str(value + 1), NOW)


ADDING = """
import sys
from monitor.store.connect import open_database
from tests.store.test_database import add_one
database = open_database(sys.argv[1])
add_one(database, int(sys.argv[2]))
database.close()
"""


def test_two_threads_and_another_process_that_read_and_write_lose_nothing(database: Base, database_url: str) -> None:
    failed: list[BaseException] = []

    def work() -> None:
        try:
            add_one(database, 40)
        except BaseException as error:
            failed.append(error)

    other = subprocess.Popen(
        [sys.executable, "-c", ADDING, database_url, "40"], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    _out, error = other.communicate(timeout=60)
    assert (failed, other.returncode, error) == ([], 0, "")
    assert key_values.fact(database, "counter") == "120"


class Deferred(Sqlite):
    """The broken variant: a transaction that begins by reading, as sqlite-utils' own `atomic()` does."""

    def transaction(self):  # type: ignore[no-untyped-def]
        connection = self._connection()
        connection.execute("BEGIN DEFERRED")
        return connection  # commits or rolls back at the end of `with`


def test_deferred_transactions_would_fail_under_two_writers(sqlite: Sqlite) -> None:
    """Why BEGIN IMMEDIATE: who has read and then wants to write fails at once, whatever the time-out says."""
    broken = Deferred(sqlite.path)
    with pytest.raises(sqlite3.OperationalError, match="locked"), broken.transaction():  # noqa: PT012
        before = int(key_values.fact(broken, "counter", "0"))
        add_one(sqlite, 1)  # another writer is quicker
        key_values.remember(broken, "counter", str(before + 1), NOW)
    broken.close()
    assert key_values.fact(sqlite, "counter") == "1"


def test_a_transaction_that_fails_leaves_nothing(database: Base) -> None:
    with pytest.raises(RuntimeError), database.transaction():  # noqa: PT012
        key_values.remember(database, "a", "1", NOW)
        raise RuntimeError
    assert key_values.fact(database, "a") == ""
    add_one(database, 1)


def test_a_writer_waits_for_another_one_that_takes_its_time(database: Base) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def slow() -> None:
        with database.transaction():
            key_values.remember(database, "first", "slow", NOW)
            begun.set()
            may_end.wait(30)

    thread = threading.Thread(target=slow)
    thread.start()
    assert begun.wait(30)
    threading.Timer(0.2, may_end.set).start()
    with database.transaction():
        seen = key_values.fact(database, "first")
    thread.join(30)
    assert seen == "slow"


# -- one daemon a database ------------------------------------------------------------------------------------------


def test_a_second_daemon_is_refused_with_host_and_process(database: Base, database_url: str) -> None:
    role = database.hold_role("daemon", NOW)
    other = open_database(database_url)
    with pytest.raises(RoleTaken, match=f"{socket.gethostname()}, process {os.getpid()}"):
        other.hold_role("daemon", NOW)
    assert holder_of(database_url) == os.getpid()
    role.release()
    assert holder_of(database_url) is None
    other.hold_role("daemon", NOW).release()
    other.close()


def test_the_role_of_a_killed_daemon_is_free(database: Base, database_url: str) -> None:
    code = (
        "import os, signal, sys\n"
        "from monitor.store.connect import open_database\nfrom tests.helpers import NOW\n"
        "role = open_database(sys.argv[1]).hold_role('daemon', NOW)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, database_url], cwd=ROOT, timeout=60, capture_output=True, check=False
    )
    assert ran.returncode == -9, ran.stderr
    for _ in range(100):  # PostgreSQL notices the end of a connection a moment later
        try:
            database.hold_role("daemon", NOW).release()
            return
        except RoleTaken:
            threading.Event().wait(0.05)
    pytest.fail("the role of a killed process was never free")


def test_without_its_driver_postgresql_is_refused_by_name_and_sqlite_works(tmp_path: Path) -> None:
    settings = (ROOT / "settings.toml").read_text("utf-8")
    url = 'url = "postgresql://earful@127.0.0.1:1/earful"'
    settings = settings.replace("throwaway = true", "throwaway = false")
    (tmp_path / "sqlite.toml").write_text(settings)
    (tmp_path / "postgresql.toml").write_text(re.sub(r"(?m)^url +=.*$", url, settings, count=1))
    code = "import sys; sys.modules['psycopg'] = None; from monitor.cli import main; main()"
    for name, exit_code, said in (
        ("sqlite.toml", 0, ""),
        (
            "postgresql.toml",
            78,
            f"driver is not installed; run: {how_to_install('postgres')}",
        ),
    ):
        command = [sys.executable, "-c", code, "--settings", str(tmp_path / name), "cases"]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert ran.returncode == exit_code, ran.stderr
        assert said in " ".join(ran.stderr.split())
        assert "Traceback" not in ran.stderr


TERMINATE_ROLE = (
    "SELECT pg_terminate_backend(l.pid, 10000) FROM pg_locks l JOIN pg_database d ON d.oid = l.database "
    "WHERE l.locktype = 'advisory' AND l.granted AND d.datname = current_database()"
)


def end_the_session_of_the_role(address: str) -> None:
    with psycopg.connect(address, autocommit=True) as killer:
        assert len(killer.execute(TERMINATE_ROLE).fetchall()) == 1


def test_a_role_that_stands_is_kept_without_a_word(database: Base, database_url: str) -> None:
    role = database.hold_role("daemon", NOW)
    assert role.keep(NOW) == ""
    assert holder_of(database_url) == os.getpid()
    role.release()


def test_a_role_whose_session_has_ended_is_taken_again(new_postgresql: str) -> None:
    database, other = Postgresql(new_postgresql), Postgresql(new_postgresql)
    role = database.hold_role("daemon", NOW)
    end_the_session_of_the_role(new_postgresql)
    assert "AdminShutdown" in role.keep(NOW)
    assert role.keep(NOW) == ""
    with pytest.raises(RoleTaken):
        other.hold_role("daemon", NOW)
    role.release()
    other.hold_role("daemon", NOW).release()
    database.close()
    other.close()


def test_a_role_that_somebody_else_took_meanwhile_is_lost(new_postgresql: str) -> None:
    database, other = Postgresql(new_postgresql), Postgresql(new_postgresql)
    role = database.hold_role("daemon", NOW)
    end_the_session_of_the_role(new_postgresql)
    others = other.hold_role("daemon", NOW)
    for _ in range(2):
        with pytest.raises(RoleTaken, match=f"{socket.gethostname()}, process {os.getpid()}"):
            role.keep(NOW)
    role.release()
    assert others.keep(NOW) == ""
    others.release()
    database.close()
    other.close()


def test_a_server_that_cannot_be_reached_is_told_once_and_the_role_is_held_again_when_it_comes_back(
    postgresql_server: str, new_postgresql: str
) -> None:
    database = Postgresql(new_postgresql)
    role = database.hold_role("daemon", NOW)
    name = psycopg.conninfo.conninfo_to_dict(new_postgresql)["dbname"]
    with psycopg.connect(postgresql_server, autocommit=True) as server:
        server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
        server.execute("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = %s", (name,))
        assert "has ended" in role.keep(NOW)
        assert role.keep(NOW) == ""
        server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())
    assert "a new one holds it again" in role.keep(NOW)
    assert holder_of(new_postgresql) == os.getpid()
    role.release()
    database.close()


# -- search, and connections ----------------------------------------------------------------------------------------


def test_what_people_type_becomes_few_short_words() -> None:
    assert sought('a "b" \x00c \ud800') == ["a", '"b"', "c", "?"]
    assert len(sought("word " * 5000)) <= 30


def test_postgresql_plans_a_question_for_the_values_it_is_asked_with(new_postgresql: str) -> None:
    """A plan that is kept after some askings suits what is common, and reads everything for what is rare."""
    database = Postgresql(new_postgresql)
    for number in range(12):
        assert database.row("SELECT count(*) AS n FROM posts WHERE source = :source", {"source": str(number)}) == {
            "n": 0
        }
    assert database.rows("SELECT name FROM pg_prepared_statements") == []
    database.close()


def test_a_lost_connection_to_postgresql_is_found_again(new_postgresql: str) -> None:
    database = Postgresql(new_postgresql)
    key_values.remember(database, "a", "1", NOW)
    with psycopg.connect(new_postgresql, autocommit=True) as killer:
        killer.execute(TERMINATE)
    with pytest.raises(Error):
        key_values.fact(database, "a")
    assert key_values.fact(database, "a") == "1"
    database.close()


def test_a_connection_that_dies_inside_a_transaction_leaves_nothing_and_is_replaced(new_postgresql: str) -> None:
    database = Postgresql(new_postgresql)
    with pytest.raises(Error), database.transaction():  # noqa: PT012
        key_values.remember(database, "a", "1", NOW)
        with psycopg.connect(new_postgresql, autocommit=True) as killer:
            killer.execute(TERMINATE)
        key_values.remember(database, "b", "2", NOW)
    assert key_values.fact(database, "a") == ""
    add_one(database, 1)
    database.close()
