"""A plugin of pytest that writes down which lines each test runs, by coverage.py, one JSON line a test.

`EARFUL_LINES_OF` names the files that are looked at, `EARFUL_LINES` the folder that is written into.
"""

from __future__ import annotations

import json
import os
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import coverage
import pytest

LEAST = 0.05  # seconds: what pytest itself takes for a test


class Lines:
    """Keeps, under each test, what it ran, how long it took, and whether it passed."""

    def __init__(self, of: list[str], folder: Path) -> None:
        self._folder = folder
        self._seconds: dict[str, float] = {}
        self._unfit: set[str] = set()
        self._coverage = coverage.Coverage(data_file=None, include=of, config_file=False)
        self._coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """One test is one context. Its time is that of the processor: how busy the machine is changes nothing of it."""
        self._coverage.switch_context(item.nodeid)
        began = time.process_time()
        try:
            return (yield)
        finally:
            self._seconds[item.nodeid] = round(time.process_time() - began + LEAST, 3)
            self._coverage.switch_context("")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Setting up and taking down are part of it."""
        if report.outcome != "passed":
            self._unfit.add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        """Write all of it."""
        self._coverage.stop()
        data = self._coverage.get_data()
        ran: dict[str, dict[str, list[int]]] = defaultdict(dict)
        for file in data.measured_files():
            path = Path(file).relative_to(Path.cwd()).as_posix()
            for line, tests in data.contexts_by_lineno(file).items():
                for test in tests:
                    ran[test].setdefault(path, []).append(line)
        with (self._folder / f"{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}.jsonl").open("w") as file:
            for test, seconds in self._seconds.items():
                fit = test not in self._unfit
                file.write(json.dumps({"test": test, "seconds": seconds, "fit": fit, "lines": ran[test]}) + "\n")


def pytest_configure(config: pytest.Config) -> None:
    """In the workers of xdist, not in the process that hands out the tests."""
    if "EARFUL_LINES" in os.environ and (hasattr(config, "workerinput") or not config.getoption("numprocesses", None)):
        config.pluginmanager.register(
            Lines(json.loads(os.environ["EARFUL_LINES_OF"]), Path(os.environ["EARFUL_LINES"]))
        )
