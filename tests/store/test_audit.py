"""The audit log: lines are added, listed by what they say, and go by age alone, whoever asks the database."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.store import audit, key_values
from monitor.store.connect import Error
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from tests.helpers import DAY, MINUTE, NOW, count

Base = Sqlite | Postgresql


def write(database: Base, event: str = "login", ago: Any = MINUTE, who: str = "Ida", about: str = "") -> None:
    audit.add(
        database, event, NOW - ago, who=who, who_id=f"page:{who}", way="page", address="192.0.2.7", about=about,
        detail={"role": "lead"} if about else {},
    )  # fmt: skip


def test_lines_are_listed_newest_first_by_what_is_asked(database: Base) -> None:
    write(database, "login", 3 * DAY)
    write(database, "role changed", 2 * DAY, about="Olle")
    write(database, "login", DAY, who="Olle")
    newest, middle, oldest = audit.lines(database, audit.Filter(), 10)
    assert (newest.who, middle.detail, oldest.at) == ("Olle", {"role": "lead"}, NOW - 3 * DAY)

    def found(**wanted: Any) -> list[int]:
        return [line.n for line in audit.lines(database, audit.Filter(**wanted), 10)]

    assert found(event="login") == [newest.n, oldest.n]
    assert found(who="page:Olle") == found(who="Olle") == [newest.n]
    assert found(about="Olle") == [middle.n]
    assert found(since=NOW - 2 * DAY) == [newest.n, middle.n]
    assert found(until=NOW - 2 * DAY) == [oldest.n]
    assert found(before=newest.n) == [middle.n, oldest.n]
    assert len(audit.lines(database, audit.Filter(), 1)) == 1
    assert audit.names(database) == ["Ida", "Olle"]


def test_no_line_is_changed_or_deleted_by_any_statement(database: Base) -> None:
    write(database)
    for statement in ("UPDATE audit SET who = 'somebody else'", "DELETE FROM audit"):
        with pytest.raises(Error), database.transaction():
            database.run(statement)
    assert [line.who for line in audit.lines(database, audit.Filter(), 10)] == ["Ida"]


def test_age_takes_lines_away_in_batches_and_never_younger_ones(database: Base) -> None:
    for days in (5, 4, 3, 2, 1):
        write(database, ago=days * DAY)
    before = NOW - 2 * DAY - MINUTE
    assert audit.purge(database, before, NOW, limit=2) == 2
    assert audit.purge(database, before, NOW, limit=2) == 1
    assert audit.purge(database, before, NOW, limit=2) == 0
    assert count(database, "audit") == 2
    with pytest.raises(Error), database.transaction():
        database.run("DELETE FROM audit")
    assert audit.purge(database, NOW - 9 * DAY, NOW) == 0, "a longer time in the settings"
    assert key_values.fact(database, audit.KEPT_FROM), "the moment stands, and does not go back"


def test_counting_ends_at_what_is_asked(database: Base) -> None:
    for _ in range(5):
        write(database, "login refused")
    write(database, "login refused", 2 * DAY)
    assert audit.count_since(database, ["login refused"], NOW - DAY, 100) == 5
    assert audit.count_since(database, ["login refused"], NOW - DAY, 3) == 3
    assert audit.count_since(database, ["login"], NOW - DAY, 3) == 0
