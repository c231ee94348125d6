"""The browser of the distribution; the offices of the page's other tests; a demo that has heard the sample day."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from monitor.store.sqlite import Sqlite
from tests.browser.days import SampleDay
from tests.browser.seat import CHROMIUM, Seat
from tests.web.conftest import demo, office

__all__ = ["chromium", "day", "demo", "office", "seats"]


@pytest.fixture(scope="package")
def chromium() -> Iterator[Any]:
    """The browser, or a loud word that this was not tested."""
    if not CHROMIUM:
        pytest.skip("NOT TESTED IN A BROWSER: there is no Chromium here; apt-get install chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        pytest.skip("NOT TESTED IN A BROWSER: pip install playwright (it is in the extra 'dev')")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def seats(chromium: Any) -> Iterator[list[Seat]]:
    """The people of a test; who is put in here goes home at its end."""
    made: list[Seat] = []
    yield made
    for each in made:
        each.context.close()


@pytest.fixture
def day(tmp_path: Path, sqlite: Sqlite) -> Iterator[SampleDay]:
    """A demo that has heard the whole sample day."""
    made = SampleDay(tmp_path, sqlite)
    yield made
    made.close()
