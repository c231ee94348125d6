"""Whose a mention is, by each of the two indexes on authors: over years, newest first, and never by reading all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.store import finding, pages, schema, to_forget
from monitor.store.database import stamp
from monitor.store.postgresql import Postgresql
from monitor.store.schema import AT_SIZE, STEPS, migrate
from monitor.store.sqlite import Sqlite
from tests.helpers import DAY, NOW, assembly_of, post, settings_from, take

Base = Sqlite | Postgresql
EARLIER = (0, 1, 3, 4, 5, 9, 28, 60, 61, 130, 380)  # days before NOW


def _with_index(database: Base, folder: Path, made: str, monkeypatch: pytest.MonkeyPatch) -> Base:
    if made == "as before":
        monkeypatch.setattr(schema, "_SOON_BUILT", -1)
    migrate(database, NOW)
    assert database.authors_in_parts == (made == "in parts")
    assembly = assembly_of(database, settings_from(folder))
    posts = [
        post(
            f"Acme {name} {days}", author=name, source=source, native_id=f"{name}-{days}-{source}", at=NOW - days * DAY
        )
        for name in ("olga", "Mira", "\N{SNOWMAN}", "olga ")
        for days in EARLIER
        for source in ("forum", "own")
    ]
    take(assembly, *posts)
    return database


@pytest.fixture(params=["in parts", "as before"])
def on_sqlite(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sqlite]:
    """A file with each of the two indexes on authors: that of a new one, and what a large one has had before."""
    database = Sqlite(tmp_path / "authors.sqlite")
    _with_index(database, tmp_path, request.param, monkeypatch)
    yield database
    database.close()


@pytest.fixture(params=["in parts", "as before", "in parts, on postgresql"])
def by_author(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Base]:
    """As above, and a new database on the other server."""
    made, _, server = request.param.partition(", on ")
    database: Base = (
        Postgresql(request.getfixturevalue("new_postgresql")) if server else Sqlite(tmp_path / "authors.sqlite")
    )
    yield _with_index(database, tmp_path, made, monkeypatch)
    database.close()


def _found(database: Base, **wanted: object) -> list[str]:
    return [each.post.native_id for each in finding.find(database, finding.Filter(**wanted))]  # type: ignore[arg-type]


def test_what_an_author_wrote_is_found_over_years_newest_first(by_author: Base) -> None:
    sources = {each["source"] for each in by_author.rows("SELECT DISTINCT source FROM mentions")}
    assert len(sources) == 2
    for name in ("olga", "Mira", "\N{SNOWMAN}", "olga "):
        rows = by_author.rows(
            "SELECT p.native_id FROM mentions m JOIN posts p ON p.id = m.post_id WHERE m.author || '' = :name "
            "ORDER BY m.posted_at DESC, m.id",
            {"name": name},
        )
        expected = [row["native_id"] for row in rows]
        assert _found(by_author, author=name) == expected
        assert _found(by_author, author=name, limit=5) == expected[:5]
        assert _found(by_author, author=name, search="acme", limit=7) == expected[:7]
        for source in sources:
            theirs = [each for each in expected if each.endswith(f"-{source}")]
            assert _found(by_author, author=name, source=source) == theirs
            assert [each.post.native_id for each in pages.by_author(by_author, source, name)] == theirs
            assert [each.post.native_id for each in pages.by_author(by_author, source, name, 3)] == theirs[:3]
        inside = finding.find(by_author, finding.Filter(author=name, since=NOW - 61 * DAY, until=NOW - DAY))
        assert [each.post.native_id for each in inside] == [
            each for each in expected if 1 < int(each.split("-")[1]) <= 61
        ]
        sixth = finding.find(by_author, finding.Filter(author=name, limit=6))[-1]
        after = {"before": stamp(sixth.post.posted_at), "before_id": sixth.id}
        assert _found(by_author, author=name, limit=4, **after) == expected[6:10]
    assert _found(by_author, author="nobody") == []


def test_a_walk_through_an_authors_posts_finds_what_a_look_up_does(by_author: Base) -> None:
    wanted = finding.Filter(author="Mira", search="acme", limit=9)
    one_by_one = [each.id for each in finding.find(by_author, wanted, few=1000)]
    assert len(one_by_one) == 9
    assert [each.id for each in finding.find(by_author, wanted, few=0)] == one_by_one


def test_whoever_is_to_be_forgotten_is_found_over_years(by_author: Base) -> None:
    assert to_forget.names_of(by_author, "forum", "@mira") == ["Mira"]
    assert to_forget.names_of(by_author, "elsewhere", "mira") == []
    theirs = to_forget.posts_of_person(by_author, "forum", ["Mira"])
    assert len(theirs) == len(set(theirs)) == len(EARLIER)
    assert sorted(to_forget.posts_of_account(by_author, "forum", "Mira")) == sorted(theirs)


def test_an_author_is_looked_for_by_an_index(on_sqlite: Sqlite) -> None:
    """Each third of a month with a look of its own; a search for a name never reads all that was written."""
    asked: list[str] = []
    on_sqlite._connection().set_trace_callback(asked.append)
    _found(on_sqlite, author="olga")
    pages.by_author(on_sqlite, "forum", "olga")
    to_forget.posts_of_person(on_sqlite, "forum", ["olga"])
    on_sqlite._connection().set_trace_callback(None)
    of_authors = [each for each in asked if each.startswith("SELECT") and "author" in each and "m.posted_at" in each]
    assert of_authors
    for statement in of_authors:
        plan = [row["detail"] for row in on_sqlite.rows(f"EXPLAIN QUERY PLAN {statement}")]
        assert any("author=?" in line for line in plan) or "m.author" not in statement, (statement, plan)


def test_an_older_small_file_gets_the_new_index(tmp_path: Path) -> None:
    database = Sqlite(tmp_path / "older.sqlite")
    migrate(database, NOW, STEPS[: STEPS.index(AT_SIZE)])
    migrate(database, NOW)
    assert database.has_table("mentions_by_author")
    assert not database.has_table("mentions_of_author")
    database.close()
