"""Before a commit returns, what it wrote is on the disk: seen from outside, by the calls that the process makes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.store.sqlite import Sqlite
from tests.crash.walk import can_trace
from tests.house.reading import ROOT

COMMITS = """
import os, sys
from pathlib import Path
from monitor.store.sqlite import Sqlite
database = Sqlite(Path(sys.argv[1]))
for number in range(5):
    with database.transaction():
        database.run(f"INSERT INTO t (x) VALUES ({number})")
    os.write(1, b"stored %d\\n" % number)  # what another program might now rely on
os._exit(0)
"""


def test_nothing_is_called_stored_before_the_disk_was_told_to_keep_it(tmp_path: Path) -> None:
    if not can_trace():
        pytest.skip("NOT TESTED: strace is not here, so nobody sees when a commit is on the disk")
    path = tmp_path / "earful.sqlite"
    made = Sqlite(path)
    with made.transaction():
        made.run("CREATE TABLE t (x)")
    made.close()
    log = tmp_path / "calls"
    command = ["strace", "-f", "-qq", "-y", "-e", "trace=write,pwrite64,fsync,fdatasync", "-o", str(log)]
    done = subprocess.run(
        [*command, sys.executable, "-c", COMMITS, str(path)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.count("stored") == 5
    unsynced: set[str] = set()  # files of the database that were written since they were last synced
    spans, synced = 0, False
    for line in log.read_text("utf-8", "replace").splitlines():
        if found := re.search(r"\b(pwrite64|fsync|fdatasync|write)\(\d+<([^>]*)>", line):
            call, file = found[1], found[2]
            ours = file.startswith(str(path)) and not file.endswith("-shm")
            if ours and call in {"pwrite64", "write"}:
                unsynced.add(file)
            elif ours:
                unsynced.discard(file)
                synced = True
            elif '"stored ' in line:
                assert not unsynced, f"said to be stored before {unsynced} was synced"
                assert synced, "nothing was synced for it"
                spans, synced = spans + 1, False
    assert spans == 5
