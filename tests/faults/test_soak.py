"""What the soak makes of its minutes: it passes what is flat and fails what grows. The soak itself: `make soak`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.faults.soak import Minute, slope, slopes, too_steep

FLAT = [Minute(150 + number % 3, 30 + number % 2, 60, 4 + number % 4, 5 + number % 2) for number in range(40)]


def test_what_goes_up_and_down_is_flat_and_so_is_a_start_that_fills_caches() -> None:
    warm = [replace(each, memory=each.memory - 10 * max(9 - number, 0)) for number, each in enumerate(FLAT)]
    assert too_steep(FLAT) == too_steep(warm) == {}


@pytest.mark.parametrize(("name", "each_minute"), [("memory", 0.5), ("threads", 0.2), ("files", 0.5), ("wal", 0.5)])
def test_what_grows_a_little_every_minute_is_found(name: str, each_minute: float) -> None:
    grown = [replace(each, **{name: getattr(each, name) + each_minute * number}) for number, each in enumerate(FLAT)]
    assert list(too_steep(grown)) == [name]


def test_a_spike_is_no_slope() -> None:
    assert slope([5.0] * 20 + [90.0] + [5.0] * 20) == 0


def test_a_few_minutes_show_no_slope() -> None:
    assert slopes(FLAT[:14]) == {}
    assert slopes(FLAT[:15])
