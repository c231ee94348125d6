"""A seat: a process in a copy of the tree that tries one mutant after another, each in a child forked from it.

What tests need of other people's libraries is imported once, before the first fork; of ours nothing is. It is run in
the copy as `python -m tests.mutants.seat MODULES`, with the modules of ours whose imports are meant; it reads a JSON
line for each try and answers with one.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

OURS = {"monitor", "connectors", "alerts", "tests"}
FOLDER = Path("..").resolve() / f"{Path.cwd().name}-out"  # beside the copy: what a child says
UNDER_WAY: list[int] = []  # the child that runs
SHOWN = 2000  # characters of a run that went wrong


class Watch:
    """In the child: a deadline for each test, and the name of the one that noticed."""

    def __init__(self, seconds: Mapping[str, float], said: Path) -> None:
        self._seconds, self._said = seconds, said
        self._stuck = (FOLDER / "stuck").open("w")

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A mutant that never ends ends its process; the test that was running stands in the file."""
        self._said.write_text(json.dumps(["stuck", nodeid]))
        faulthandler.dump_traceback_later(self._seconds.get(nodeid, 5.0), exit=True, file=self._stuck)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """The first that fails is the one."""
        if report.failed:
            self._said.write_text(json.dumps(["noticed", report.nodeid]))

    def pytest_runtest_logfinish(self) -> None:
        """That test is over."""
        faulthandler.cancel_dump_traceback_later()


def warm_up(modules: Sequence[str]) -> None:
    """Import every library that these modules of ours import, and nothing of ours."""
    said = "; ".join(["import sys", *(f"import {name}" for name in modules), "print(*sys.modules)"])
    listed = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True, timeout=120)
    for name in listed.stdout.split():
        if name.partition(".")[0] not in OURS and not name.startswith(("_", "numpy", "onnx")):
            with contextlib.suppress(Exception):  # a name that is no module of its own; the child imports it again
                importlib.import_module(name)


def attempt(task: Mapping[str, Any]) -> dict[str, Any]:
    """Run tests in a child until one fails: "noticed", "stuck" (it did not end), or "survived"."""
    said, log = FOLDER / "said", FOLDER / "log"
    said.unlink(missing_ok=True)
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        _run(task, said, log)
    UNDER_WAY.append(child)
    status = _wait(child, began + float(task["deadline"]))
    UNDER_WAY.clear()
    with contextlib.suppress(ProcessLookupError):  # what its tests have started and left
        os.killpg(child, signal.SIGKILL)
    seconds = round(time.monotonic() - began, 1)
    heard, test = json.loads(said.read_text()) if said.exists() else ("", "")
    if status == pytest.ExitCode.OK:
        return {"outcome": "survived", "test": "", "seconds": seconds}
    if status is None or heard == "stuck":
        return {"outcome": "stuck", "test": test, "seconds": seconds}
    told = log.read_text(errors="replace")[-SHOWN:]
    broken = status in {pytest.ExitCode.INTERRUPTED, pytest.ExitCode.USAGE_ERROR} and "Error" in told  # on import
    if heard == "noticed" or broken:
        return {"outcome": "noticed", "test": test, "seconds": seconds}
    return {"outcome": "error", "test": "", "seconds": seconds, "told": told}


def _run(task: Mapping[str, Any], said: Path, log: Path) -> None:
    """The child; it never returns."""
    os.setpgid(0, 0)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for number, file in ((0, os.open(os.devnull, os.O_RDONLY)), (1, out), (2, out)):
        os.dup2(file, number)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # other people's plugins take longer than most tests
    seconds: dict[str, float] = task["tests"]
    options = ["-q", "-x", "--tb=line", "-p", "no:faulthandler", f"--basetemp={FOLDER / 'tmp'}"]
    try:
        code = int(pytest.main([*options, *seconds], plugins=[Watch(seconds, said)]))
    except BaseException:
        code = int(pytest.ExitCode.INTERNAL_ERROR)
    os._exit(code)


def _wait(child: int, deadline: float) -> int | None:
    """How the child ended; None where it had to be ended."""
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def _give_up(*_: object) -> None:
    """The walk was ended: so is what is under way."""
    for child in UNDER_WAY:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
    os._exit(0)


def main() -> None:
    """Try what is read, until nothing more is."""
    signal.signal(signal.SIGTERM, _give_up)
    FOLDER.mkdir(exist_ok=True)
    warm_up(sys.argv[1:])
    for line in sys.stdin:
        print(json.dumps(attempt(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
