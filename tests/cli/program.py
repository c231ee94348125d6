"""`earful` as a person calls it: in this process, which is quick, or in one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path
from unittest.mock import patch

from monitor.cli import main

ROOT = Path(__file__).resolve().parents[2]
Ran = subprocess.CompletedProcess[str]


def earful(settings: Path, *words: str, encoding: str = "utf-8", **environ: str) -> Ran:
    """Run the program with its own exit codes and its one place for errors, its output in `encoding`."""
    stdout, stderr = (TextIOWrapper(BytesIO(), encoding=encoding) for _ in range(2))
    called = ["earful", "--settings", str(settings), *words]
    with patch.dict(os.environ, environ), patch.multiple(sys, argv=called, stdout=stdout, stderr=stderr):
        try:
            main()
        except SystemExit as ended:
            code = ended.code
    said = []
    for stream in (stdout, stderr):
        stream.flush()
        assert isinstance(stream.buffer, BytesIO)
        said.append(stream.buffer.getvalue().decode(encoding))
    assert isinstance(code, int)
    return subprocess.CompletedProcess(called, code, *said)


def started(settings: Path, *words: str, stdout: int = subprocess.PIPE, **environ: str) -> Ran:
    """The same in a process of its own: for what only a new one shows, or only a real file as its output."""
    return subprocess.run(
        [sys.executable, "-c", "from monitor.cli import main; main()", "--settings", str(settings), *words],
        cwd=ROOT, env={**os.environ, **environ}, stdout=stdout, stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL, text=True, errors="replace", timeout=60, check=False,
    )  # fmt: skip
