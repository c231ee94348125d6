"""A database of every released version goes on; one that other steps made is refused by name and left alone.

`databases/` holds what the code of a version wrote, as text: 0.1.0 as its `STEPS` were two, empty and in use, and one
from before it, whose first step was another. They are never written anew.
"""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from monitor.store import cases, key_values
from monitor.store.connect import open_database
from monitor.store.database import DatabaseBusy, DatabaseUnusable
from monitor.store.postgresql import Postgresql
from monitor.store.schema import STEPS, hash_of, migrate, version_of
from monitor.store.sqlite import Sqlite
from tests.helpers import LATE, NOW, assembly_of, count, lines, post, settings_from, take
from tests.service.test_scheduler import until

Base = Sqlite | Postgresql
WRITTEN = Path(__file__).parent / "databases"
# The steps as they were when they came in. A new one is added at the end; nothing here ever changes.
HASHES = (
    "ac3431c3986baa4b2ebbca25528fad24",
    "d0ac8c37efec02af94aed80eb69261ac",
    "ab75d1e16b79408c41fcf608e6d3c3d7",
    "bc63a0c9a2440c84c449b5543305fea0",
    "b82154b7850e72f1dd3191918b053e8a",
    "91682a2dc41d65d8a01c357a5483d571",
    "d53b91e3008d95fcd03ffb49a011b995",
    "009d79d268f60d75333e1300be004fe2",
    "4b1126ad87fb82eef65208a4c6620434",
    "917c63739d13481b75f0f17226c44377",
    "938a18f47d6edc3f07e60369185ef69b",
    "dac1fec227138826c7736b8e0f8ce096",
    "c514db9a53c9d12fa005a0fb9ee9ffd8",
    "2ea1fc92cafde94e017161183e9c10b7",
    "b005aae3d2f258deb6165465860aefde",
    "b5cbda44e4935e52289796d34167cd32",
    "f2005368fbff8a28db492fab461f23f8",
    "72bc134d2ea94834b884698152eec6a9",
    "9be5ec192ef91278f69d260ab2427696",
    "5c9473cd6927b7172657b2ac85e16fe5",
    "4ce90a5a31d66299180ff27e37a82051",
    "b28702a687983bdea43a19d4edd2af76",
    "68ffea09a8812c7740c883a1cd90ba3d",
    "c0d95fba77f9a616f12d2667c8fe4ed3",
    "45054cc23cef98e9d6784cbc9599b670",
    "79756e3320e01c07eb47d75193a52f0d",
    "2480aad12e400793af3887cda021db50",
    "39375d75627b4a2281b0aec8a9fc1026",
    "19fea11aa0b54a715ba54cca97d30b5f",
    "7e420ac0fc808881a45e41760d7b76bb",
    "499fdf4e65355cca64476327ddbbf684",
    "e7c74352161251aa74fbf1af24517818",
    "89c706a22554ace9db94a1f44aaceaa9",
    "617565437caf4b6f86a60a811a36012c",
    "1977f1c9a3c8033db52e2175faf8b7d4",
    "70cefa608801b3ee6617d2ae1e75b89c",
    "81e1f80afe75cb173d5d6c7fab2f0132",
    "af4d713a61e0307acccce08e731e0438",
    "8ec30d032da81d1c458905c1b356dbfc",
    "a3d07aba168908f07c21a023c04f9ece",
    "cf980af0ddf4f90e5651025af97d2f64",
)


@pytest.fixture(params=["sqlite", "postgresql"])
def written(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Base, str]]:
    """A database without any table, and its address."""
    if request.param == "postgresql":
        address = request.getfixturevalue("new_postgresql")
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
    else:
        address = f"sqlite:{tmp_path / 'older.sqlite'}"
    opened = open_database(address)
    yield opened, address
    opened.close()


def fill(database: Base, name: str, address: str = "") -> None:
    """Write what lies in a file, statement by statement, as it was."""
    text = (WRITTEN / name).read_text(encoding="utf-8")
    if isinstance(database, Postgresql):
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(text)  # type: ignore[arg-type]  # one script of ours
        return
    with database.transaction():
        database.script(line.rstrip(";") for line in text.splitlines())


def columns(database: Base) -> dict[str, frozenset[str]]:
    tables = ("posts", "mentions", "cases", "case_log", "deliveries", "sources", "schema_steps", "labels", "own_posts")
    return {table: database.columns_of(table) for table in tables}


@pytest.mark.parametrize("size", ["small", "full"])
def test_a_database_of_0_1_0_takes_every_later_step_and_works(
    written: tuple[Base, str], database: Base, size: str, tmp_path: Path
) -> None:
    older, address = written
    fill(older, f"0.1.0-{size}.{address.partition(':')[0]}.sql", address)
    assert version_of(older) == 2
    migrate(older, NOW)
    assert version_of(older) == len(STEPS)
    if isinstance(older, Sqlite) == isinstance(database, Sqlite):
        assert columns(older) == columns(database)
    migrate(older, NOW)
    if size == "full":
        assert count(older, "posts") == 5
        assert key_values.fact(older, "a fact") == "kept"
        found = cases.one(older, "1")
        assert found is not None
        assert found.owner == "Ana"
        assert lines(older, "1")
    acme = assembly_of(older, settings_from(tmp_path))
    assert take(acme, post(LATE, author="later", native_id="n99"))
    assert older.rows(older.search_matches(), {"search": older.search_words("awful")})


def test_a_database_from_before_0_1_0_is_refused_by_what_it_lacks(tmp_path: Path) -> None:
    older = Sqlite(tmp_path / "older.sqlite")
    fill(older, "before-0.1.0.sqlite.sql")
    with pytest.raises(DatabaseUnusable, match="it lacks the table heard; nothing was changed"):
        migrate(older, NOW)
    assert "hash" not in older.columns_of("schema_steps")
    assert not older.has_table("people")
    older.close()


def test_a_database_that_other_steps_made_is_refused(database: Base) -> None:
    database.run("UPDATE schema_steps SET hash = 'other' WHERE n = 1")
    with pytest.raises(DatabaseUnusable, match="its schema step 2 is not the one that this Earful knows"):
        migrate(database, NOW)


def test_a_step_never_changes() -> None:
    assert tuple(hash_of(step) for step in STEPS[: len(HASHES)]) == HASHES
    assert len(STEPS) == len(HASHES), "a new step: add its hash at the end"


ONE_VERSION_ONLY = 31  # steps before several versions could work on one database at once
_EXPANDS = re.compile(
    r"CREATE TABLE \w+ \(.*\)\{strict\}|CREATE INDEX .*|ALTER TABLE \w+ ADD COLUMN \w+ \{(count|number|text)\}"
    r"|INSERT INTO .*|SELECT .*",
    re.DOTALL,
)


@pytest.mark.parametrize("step", STEPS[ONE_VERSION_ONLY:], ids=range(ONE_VERSION_ONLY + 1, len(STEPS) + 1))
def test_a_step_takes_nothing_from_the_version_before_it(step: Sequence[str]) -> None:
    """That one goes on working while a newer one has taken the step: see docs/upkeep.md.

    A new table, an index that refuses nothing, a column that fills itself. A table that a step makes may have unique
    indexes: nobody else writes into it. What goes, goes with a release after the one that no longer needs it.
    """
    made = {found[1] for statement in step if (found := re.match(r"CREATE TABLE (\w+)", statement))}
    for statement in step:
        unique = re.match(r"CREATE UNIQUE INDEX \w+ ON (\w+)", statement)
        assert _EXPANDS.fullmatch(statement) or (unique and unique[1] in made), statement


def test_what_takes_something_away_is_seen() -> None:
    for statement in (
        "DROP TABLE cases",
        "ALTER TABLE cases DROP COLUMN why",
        "ALTER TABLE cases RENAME COLUMN why TO reason",
        "ALTER TABLE cases ADD COLUMN must {whole}",
        "CREATE UNIQUE INDEX one_case ON cases (author)",
        "DELETE FROM facts",
    ):
        assert not _EXPANDS.fullmatch(statement)


def test_a_hash_sees_every_letter_and_no_white_space() -> None:
    assert hash_of(("A  b\n c",)) == hash_of(("A b c",))
    assert hash_of(("A b c",)) != hash_of(("A b C",))
    assert hash_of(("A", "b")) != hash_of(("A b",))


def test_a_server_that_does_not_fit_is_refused_before_anything_is_written(
    postgresql_server: str, new_postgresql: str
) -> None:
    """It was only once a post held a letter that the server did not have, or by "InsufficientPrivilege"."""
    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE narrow ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
        connection.execute("CREATE ROLE nobody_there LOGIN")
    head, mark, options = new_postgresql.partition("?")
    server, _, name = head.rpartition("/")
    with psycopg.connect(new_postgresql, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    before, _, rest = f"{server}/{name}{mark}{options}".partition("postgres:")
    try:
        for address, said in (
            (f"{server}/narrow{mark}{options}", "its encoding is LATIN1, which can't hold every letter. Create one"),
            (f"{before}nobody_there:{rest}", "its user may not create tables there. As an administrator"),
        ):
            database = Postgresql(address)
            with pytest.raises(DatabaseUnusable, match=said):
                migrate(database, NOW)
            assert version_of(database) == 0
            database.close()
    finally:
        with psycopg.connect(postgresql_server, autocommit=True) as connection:
            connection.execute("DROP DATABASE narrow WITH (FORCE)")
            connection.execute("DROP ROLE nobody_there")


A_STEP: Sequence[Sequence[str]] = (("ALTER TABLE cases ADD COLUMN tried {text}",),)


@pytest.fixture
def copied(new_postgresql: str) -> Iterator[tuple[Postgresql, psycopg.Connection[tuple[object, ...]]]]:
    """A database that a copy of everything is being made of, and the session of that copy."""
    database = Postgresql(new_postgresql)
    database.change_waits, database.change_pause = timedelta(seconds=0.1), timedelta(seconds=0.1)
    with psycopg.connect(new_postgresql, application_name="pg_dump") as copy:
        copy.execute("LOCK TABLE cases IN ACCESS SHARE MODE")
        yield database, copy
    database.close()


def test_a_step_that_has_to_wait_for_a_copy_says_whose_it_is_and_changes_nothing(
    copied: tuple[Postgresql, psycopg.Connection[tuple[object, ...]]],
) -> None:
    database, _ = copied
    with pytest.raises(DatabaseBusy, match=r"to this version, but pg_dump \(process \d+ of the server, since"):
        migrate(database, NOW, (*STEPS, *A_STEP))
    assert version_of(database) == len(STEPS)
    assert database.row("SELECT count(*) AS n FROM cases") == {"n": 0}


def test_a_step_goes_on_once_the_copy_is_made_and_keeps_nobody_waiting_meanwhile(
    copied: tuple[Postgresql, psycopg.Connection[tuple[object, ...]]], caplog: pytest.LogCaptureFixture
) -> None:
    database, copy = copied
    database.change_tries = 1_000
    migration = threading.Thread(target=migrate, args=(database, NOW, (*STEPS, *A_STEP)))
    migration.start()
    until(lambda: "waiting for that to end" in caplog.text)
    with psycopg.connect(database.address) as other:
        other.execute("SET lock_timeout = '20s'")
        for _ in range(3):
            assert other.execute("SELECT count(*) FROM cases").fetchone() == (0,)
            other.rollback()
    copy.rollback()
    migration.join(30)
    assert not migration.is_alive()
    assert "tried" in database.columns_of("cases")
    assert caplog.text.count("pg_dump") == 1, "said once"


def test_the_file_of_another_program_is_left_to_it(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.sqlite"
    with closing(sqlite3.connect(theirs)) as opened:
        opened.execute("CREATE TABLE invoices (total INTEGER)")
    database = Sqlite(theirs)
    with pytest.raises(DatabaseUnusable, match=r"theirs\.sqlite is the database of another program.* table invoices"):
        migrate(database, NOW)
    database.close()
    with closing(sqlite3.connect(theirs)) as opened:
        assert opened.execute("SELECT name FROM sqlite_master").fetchall() == [("invoices",)]
