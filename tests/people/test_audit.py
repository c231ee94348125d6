"""What is written of a change: one line in the database and one in the log, bounded where strangers can cause it."""

from __future__ import annotations

import ast
import logging

import pytest

from monitor.people import audit as writing
from monitor.people.audit import Event, note
from monitor.people.identity import of_page
from monitor.store import audit
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from tests.helpers import HOUR, NOW, count
from tests.house.reading import imports, modules

Base = Sqlite | Postgresql


def test_a_change_is_told_in_the_database_and_in_the_log(database: Base, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "earful.audit"), database.transaction():
        note(database, Event.ROLE, NOW, who=of_page("Ida"), way="page", address="192.0.2.7", about="Olle", role="lead")
    (line,) = audit.lines(database, audit.Filter(), 5)
    assert (line.event, line.who, line.who_id, line.about) == ("role changed", "Ida", "page:Ida", "Olle")
    assert (line.way, line.address, line.detail, line.at) == ("page", "192.0.2.7", {"role": "lead"}, NOW)
    assert caplog.messages == ["role changed (page) by Ida on Olle from 192.0.2.7 role: lead"]


def test_what_is_undone_leaves_no_line(database: Base) -> None:
    def fail() -> None:
        with database.transaction():
            note(database, Event.ROLE, NOW, way="page")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert count(database, "audit") == 0


def test_no_text_breaks_a_line_of_the_log_or_is_longer_than_one(
    database: Base, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "earful.audit"):
        note(database, Event.TOKEN_MADE, NOW, way="api", about="a\nlogin (page) by Ida\x1b[2J", name="x" * 5000)
    (line,) = audit.lines(database, audit.Filter(), 5)
    assert "\n" not in caplog.messages[0] + line.about
    assert "\x1b" not in caplog.messages[0] + line.about
    assert len(line.detail["name"]) == 200


def test_strangers_cause_so_many_lines_an_hour_and_no_more(database: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "MOST_REFUSED", 4)
    for number in range(10):
        note(database, Event.LOGIN_REFUSED if number % 2 else Event.TOKEN_REFUSED, NOW, way="page")
    assert count(database, "audit") == 4
    assert "more refusals this hour" in str(audit.lines(database, audit.Filter(), 1)[0].detail)
    note(database, Event.LOGIN, NOW, way="page")
    note(database, Event.LOGIN_REFUSED, NOW + HOUR + HOUR, way="page")
    assert count(database, "audit") == 6, "who gets in is written all the same, and so is the next hour"


def test_nothing_but_the_log_itself_reads_the_audit_log() -> None:
    """It feeds no figure about a person: who may read its table is listed here."""
    readers = {
        path
        for path, tree in modules().items()
        if "monitor.store.audit" in imports(tree)
    }  # fmt: skip
    assert readers <= {"monitor/people/audit.py", "monitor/web/audit.py", "monitor/service/ticks.py"}
    naming = {
        path
        for path, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " audit " in f" {node.value} "
        and any(word in node.value for word in ("SELECT", "INSERT", "DELETE", "UPDATE", "FROM"))
    }  # fmt: skip
    assert naming == {"monitor/store/audit.py", "monitor/store/schema.py"}
