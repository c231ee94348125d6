"""What somebody says between the moment at which cases were read and the one at which they are changed stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from monitor.cases import handing_over
from monitor.cases.actions import say
from monitor.cases.own_lists import PRIVATE_ENDS
from monitor.cases.recording import close_sent_on
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from tests.helpers import ANGRY, HOUR, LATE, MINUTE, NOW, assembly_of, case, post, settings_from, take

Base = Sqlite | Postgresql
Act = Callable[[], object]
OTHERS = '[[people]]\nname = "Ben"\n\n[[people]]\nname = "Cat"\n'
PEOPLE = f'{OTHERS}\n[[people]]\nname = "Ana"\n'


class _Overtaken:
    """A process that is overtaken by another one just before its first transaction."""

    first: Act | None = None

    def transaction(self, *given: Any, **named: Any) -> AbstractContextManager[None]:
        first, self.first = self.first, None
        if first is not None:
            first()
        return super().transaction(*given, **named)  # type: ignore[misc, no-any-return]


class _OvertakenSqlite(_Overtaken, Sqlite):
    pass


class _OvertakenPostgresql(_Overtaken, Postgresql):
    pass


@pytest.fixture
def slow(database_url: str) -> Iterator[_OvertakenSqlite | _OvertakenPostgresql]:
    """Another process on the database of the test, which is overtaken by whatever is set as `first`."""
    kind, _, path = database_url.partition(":")
    opened = _OvertakenSqlite(Path(path)) if kind == "sqlite" else _OvertakenPostgresql(database_url)
    yield opened
    opened.close()


def test_how_a_case_ended_stands_though_it_was_said_just_before_it_closed_by_itself(
    database: Base, slow: _OvertakenSqlite | _OvertakenPostgresql, tmp_path: Path
) -> None:
    """Said "solved" while the cases of five days ago were being closed, it was "outcome unknown" in every figure."""
    acme = assembly_of(database, settings_from(tmp_path, tables=PEOPLE))
    for number, words in enumerate((ANGRY, LATE), 1):
        take(acme, post(words, author=f"a{number}", native_id=f"n{number}", at=NOW - HOUR))
        sent_on = post("Please DM us your number.", author="acme_care", parent_id=f"n{number}", at=NOW)
        with database.transaction():
            acme.answers.take([sent_on], NOW)
    over = NOW + PRIVATE_ENDS + MINUTE

    def solved() -> None:
        say(database, acme.rules, "2", "close", who="Ana", way="page", now=over, detail={"outcome": "solved"})

    slow.first = solved
    assert close_sent_on(slow, over - PRIVATE_ENDS, over) == 1
    ended = [case(database, each) for each in "12"]
    assert [(each.outcome, each.closed_by) for each in ended] == [("went_private", "Earful"), ("solved", "Ana")]


def test_a_case_that_is_given_to_somebody_as_its_owner_leaves_stays_theirs(
    database: Base, slow: _OvertakenSqlite | _OvertakenPostgresql, tmp_path: Path
) -> None:
    """Given to a colleague at that very moment, it was let go, and the log said that its old owner had left."""
    acme = assembly_of(database, settings_from(tmp_path, tables=PEOPLE))
    take(acme, post(ANGRY, at=NOW), post(LATE, author="mira", at=NOW))
    for each in "12":
        say(database, acme.rules, each, "take", who="Ana", way="cli", now=NOW)
    left = assembly_of(database, settings_from(tmp_path, tables=OTHERS)).rules

    def given() -> None:
        said = say(database, left, "1", "assign", who="Cat", way="cli", now=NOW + MINUTE, detail={"owner": "Ben"})
        assert said.changed

    slow.first = given
    assert handing_over.people_left(slow, left, NOW + MINUTE) == 1
    assert [case(database, each).owner for each in "12"] == ["Ben", ""]
