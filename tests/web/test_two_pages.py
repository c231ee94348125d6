"""Two processes that serve the page, on one PostgreSQL: whoever is turned away by one is turned away by both."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.people.identity import of_page
from monitor.service.scheduler import Engine
from monitor.store import page_state, web
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.web import auth
from monitor.web.auth import Authenticator, Throttle
from monitor.web.identity import Refusal
from monitor.web.presence import STAYS, Presence
from tests.helpers import MINUTE, NOW, Clock, assembly_of, count, settings_from

Base = Sqlite | Postgresql
WRONG = "a wrong sentence of words"


def status(guard: Authenticator, database: Postgresql, name: str, address: str) -> int:
    with pytest.raises(Refusal) as told:
        guard.verify(database, name, WRONG, address, guard.clock())
    return told.value.status


def test_guesses_are_counted_over_both(opened: Callable[[], Postgresql]) -> None:
    a, b, clock = opened(), opened(), Clock()
    guards = [(Authenticator(clock), a), (Authenticator(clock), b)]
    said = [status(*guards[number % 2], "Ana", "192.0.2.7") for number in range(6)]
    assert said == [403] * 5 + [429]
    assert [status(*each, "Olle", "192.0.2.7") for each in guards] == [403, 403]
    clock.forward(16 * MINUTE)
    assert status(*guards[0], "Ana", "192.0.2.7") == 403
    text = str([tuple(dict(row).values()) for row in a.rows("SELECT * FROM login_failures")])
    assert "ana" not in text.casefold()
    assert "192.0.2.7" not in text


def test_what_went_well_on_one_is_forgotten_by_both_and_old_failures_go(opened: Callable[[], Postgresql]) -> None:
    a, b = opened(), opened()
    seal = page_state.sealing_key(a, NOW)
    assert page_state.sealing_key(b, NOW) == seal
    throttle, other = Throttle(2, 5 * MINUTE), Throttle(2, 5 * MINUTE)
    mine, theirs = auth.Shared(a, seal), auth.Shared(b, seal)
    for _ in range(2):
        throttle.failed("ana", NOW, mine)
    assert other.wait("ana", NOW, theirs) == 5 * MINUTE
    assert other.wait("olle", NOW, theirs) == timedelta(0)
    other.forget("ana", theirs)
    assert throttle.wait("ana", NOW, mine) == timedelta(0)
    throttle.failed("ana", NOW, mine)
    throttle.failed("olle", NOW + page_state.COUNTED, mine)
    page_state.trim(a, NOW + page_state.COUNTED + MINUTE)
    assert count(a, "login_failures") == 1


def test_nobody_fills_the_database_by_guessing(database: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_state, "MOST_FAILURES", 3)
    for number in range(7):
        page_state.note_failure(database, f"mark {number}", NOW)
    rows = database.rows("SELECT mark FROM login_failures ORDER BY n")
    assert [row["mark"] for row in rows] == ["mark 4", "mark 5", "mark 6"]


def test_failures_go_after_an_hour_also_where_nobody_fails_again(database: Base, tmp_path: Path) -> None:
    acme = assembly_of(database, settings_from(tmp_path))
    page_state.note_failure(database, "mark", NOW)
    Engine(acme, Clock(NOW + page_state.COUNTED), beside=False).keep_house()
    assert count(database, "login_failures") == 1
    Engine(acme, Clock(NOW + page_state.COUNTED + MINUTE), beside=False).keep_house()
    assert count(database, "login_failures") == 0


def test_what_one_has_sealed_the_other_opens(opened: Callable[[], Postgresql]) -> None:
    """The cookie of a sign-on that began on one comes back to the other; so does a form behind a proxy that logs in."""
    a, b, clock = opened(), opened(), Clock()
    first, second = Authenticator(clock), Authenticator(clock)
    assert first.sealing(a) == second.sealing(b)
    with a.transaction():
        web.add_user(a, "Ana", "staff", NOW)
    mine, theirs = first._of_header(a, "Ana"), second._of_header(b, "Ana")
    assert mine is not None
    assert theirs is not None
    assert mine.csrf == theirs.csrf


def test_who_has_a_case_open_at_one_is_seen_at_the_other(opened: Callable[[], Postgresql]) -> None:
    a, b = opened(), opened()
    here, there = Presence(lambda: a), Presence(lambda: b)
    ana, olle = of_page("Ana").id, of_page("Olle").id
    here.come("1", ana, "Ana", NOW)
    there.come("1", olle, "Olle", NOW)
    for each in (here, there):
        each.look(NOW)
    assert (here.others(ana, NOW), there.others(olle, NOW)) == ({"1": ("Olle",)}, {"1": ("Ana",)})
    there.go("1", ana)
    there.look(NOW)
    here.look(NOW)
    assert there.others(olle, NOW) == {}
    assert here.others("", NOW) == {"1": ("Olle",)}
    here.look(NOW + STAYS)
    assert here.others("", NOW + STAYS) == {}
    here.come("2", ana, "Ana", NOW + STAYS)
    assert count(a, "case_readers") == 1, "nothing of it is kept"


def test_on_a_file_both_stay_in_memory(sqlite: Sqlite) -> None:
    guard, presence = Authenticator(Clock()), Presence(lambda: sqlite)
    assert guard._shared(sqlite) is None
    presence.come("1", "page:Ana", "Ana", NOW)
    presence.look(NOW)
    assert presence.others("", NOW) == {"1": ("Ana",)}
    presence.go("1", "page:Ana")
    assert (count(sqlite, "case_readers"), count(sqlite, "login_failures")) == (0, 0)
