"""The browser of the distribution, an empty demo, and one that has heard the sample day."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from monitor.store.database import Sqlite
from tests.browser.days import SampleDay
from tests.web.office import Office
from tests.web.test_browser import CHROMIUM


@pytest.fixture(scope="module")
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
def demo(tmp_path: Path, sqlite: Sqlite) -> Iterator[Office]:
    """An open demo that has heard nothing yet."""
    made = Office(tmp_path, sqlite, open_demo=True)
    yield made
    made.close()


@pytest.fixture
def day(tmp_path: Path, sqlite: Sqlite) -> Iterator[SampleDay]:
    """A demo that has heard the whole sample day."""
    made = SampleDay(tmp_path, sqlite)
    yield made
    made.close()
