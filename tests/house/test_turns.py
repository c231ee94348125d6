"""What a whole run leaves to another day is run within four days."""

from __future__ import annotations

from tests.conftest import BY_TURNS, has_its_turn


def test_every_test_has_its_turn_on_postgresql_and_what_keeps_data_has_it_daily() -> None:
    names = [f"tests/cases/test_actions.py::test_{number}[postgresql]" for number in range(200)]
    days = [[name for name in names if has_its_turn(name, day)] for day in range(740_000, 740_000 + BY_TURNS)]
    assert sorted(name for day in days for name in day) == sorted(names)
    assert all(30 < len(day) < 70 for day in days)
    assert has_its_turn("tests/store/test_cases.py::test_1[postgresql]", 740_001)
