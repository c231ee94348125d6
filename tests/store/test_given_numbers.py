"""A copy of PostgreSQL that was put back gives no number anew that messages may bear."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from pydantic import SecretStr

from monitor.service.scheduler import Engine
from monitor.store import cases, given_numbers, incidents
from monitor.store.backup import FAR_AHEAD
from monitor.store.key_values import given
from monitor.store.postgresql import Postgresql
from monitor.wiring import open_store
from tests.helpers import NOW, Clock, assembly_of, settings_from


@pytest.fixture
def store(new_postgresql: str, tmp_path: Path) -> Iterator[Postgresql]:
    opened = Postgresql(new_postgresql)
    opened.beside = tmp_path / "earful"
    yield opened
    opened.close()


def give(store: Postgresql, number: int) -> list[int]:
    with store.transaction():
        return list(islice(cases.numbers(store), number))


def put_back(store: Postgresql, number: int) -> None:
    """As after `pg_restore` of a copy that was made when so many cases had been opened."""
    store.row("SELECT setval(pg_get_serial_sequence('cases', 'n'), :n)", {"n": number})


def test_numbers_go_on_far_ahead_of_what_was_given_since_the_copy(store: Postgresql, tmp_path: Path) -> None:
    assert give(store, 7) == [1, 2, 3, 4, 5, 6, 7]
    given_numbers.note(store)
    put_back(store, 3)
    settings = settings_from(tmp_path)
    address = settings.database.model_copy(update={"url": SecretStr(store.address)})
    opened = open_store(settings.model_copy(update={"database": address}), NOW)
    opened.close()
    assert give(store, 2) == [7 + FAR_AHEAD + 1, 7 + FAR_AHEAD + 2]


def test_of_what_is_not_behind_nothing_is_said(store: Postgresql) -> None:
    assert given_numbers.go_on(store, NOW) == ""  # nothing was ever written
    give(store, 7)
    given_numbers.note(store)
    assert given_numbers.go_on(store, NOW) == ""
    give(store, 1)
    assert given_numbers.go_on(store, NOW) == ""
    put_back(store, 6)
    assert "cases at 1008" in given_numbers.go_on(store, NOW)
    assert given_numbers.go_on(store, NOW) == ""


def test_incidents_go_on_behind_those_that_are_not_there_any_more(store: Postgresql) -> None:
    with store.transaction():
        incidents.begin(store, NOW, brand="Acme", kind="volume", start_at=NOW)
    given_numbers.note(store)
    store.run("DELETE FROM incidents")
    assert "incidents at 1002" in given_numbers.go_on(store, NOW)
    with store.transaction():
        assert incidents.begin(store, NOW, brand="Acme", kind="volume", start_at=NOW) == "1002"
    assert given(store, "incidents") == 1 + FAR_AHEAD


def test_what_stands_written_only_grows(store: Postgresql) -> None:
    """Another process of this machine may have written more, and a copy may have been put back under this one."""
    give(store, 7)
    given_numbers.note(store)
    put_back(store, 3)
    given_numbers.note(store)
    assert "cases at 1008" in given_numbers.go_on(store, NOW)


def test_a_file_that_cannot_be_read_is_written_anew(store: Postgresql) -> None:
    give(store, 2)
    path = given_numbers.file_of(store)
    assert path is not None
    path.write_text("[")
    given_numbers.note(store)
    assert path.stat().st_mode & 0o777 == 0o600
    put_back(store, 1)
    assert "cases at 1003" in given_numbers.go_on(store, NOW)


def test_each_process_writes_down_how_far_they_are(store: Postgresql, tmp_path: Path) -> None:
    give(store, 4)
    Engine(assembly_of(store, settings_from(tmp_path)), Clock(NOW), beside=False).clock_due()
    put_back(store, 2)
    assert "cases at 1005" in given_numbers.go_on(store, NOW)
