"""A process that has loaded everything and forks a scripted run whenever it is asked: most of a run is its start.

It hears one JSON object a line on its input: the run's words and environment, the files for what it says, and, where it
is to be traced, strace's options. It answers with the run's process id, and at its end with its exit code. The tracer
is attached before the run begins, so that it counts what the run does and nothing else.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import Any

from monitor.settings.loading import load
from monitor.text import reply_phrases
from monitor.wiring import channels_of, connector_of, judge_of, queries_of
from tests.crash import scripted
from tests.crash.installation import TABLES
from tests.world import COMMON

ATTACHED_WITHIN = 20.0  # seconds
_PR_SET_PTRACER, _ANYBODY = 0x59616D61, ctypes.c_ulong(-1)  # prctl(2): where only ancestors may trace


def main() -> None:
    """Serve until the input ends."""
    _warm()
    gc.freeze()
    for line in sys.stdin:
        asked = json.loads(line)
        begin, go = os.pipe()
        run = os.fork()
        if run == 0:
            os.close(go)
            _live(asked, begin)
        os.close(begin)
        _say({"pid": run})
        tracer = _traced(run, asked["trace"]) if asked["trace"] else None
        os.write(go, b"!")
        os.close(go)
        _pid, status = os.waitpid(run, 0)
        if tracer is not None:
            tracer.wait()
        _say({"code": os.waitstatus_to_exitcode(status)})


def _warm() -> None:
    """What the first post, the first message and the first reply would load; no thread and no network."""
    import_module("alerts.slack.socket_mode")
    reply_phrases.read("We are sorry, it is on its way.")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "settings.toml"
        nowhere = {"network": "http://127.0.0.1:1", "slack": "http://127.0.0.1:1/api/", "smtp": 1}
        file.write_text((COMMON + TABLES).format(database="sqlite:none", **nowhere), "utf-8")
        settings = load(file, {"SLACK_TOKEN": "xoxb-none", "SLACK_APP_TOKEN": "xapp-none"})
    channels_of(settings)
    for source in settings.sources:
        connector_of(settings, source)
    judge_of(settings, queries_of(settings)).warm()


def _say(said: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


def _traced(run: int, options: list[str]) -> subprocess.Popen[bytes]:
    tracer = subprocess.Popen(["strace", "-f", "-qq", *options, "-p", str(run)], stderr=subprocess.DEVNULL)
    end = time.monotonic() + ATTACHED_WITHIN
    while "TracerPid:\t0" in Path(f"/proc/{run}/status").read_text("ascii") and time.monotonic() < end:
        time.sleep(0.002)
    return tracer


def _live(asked: dict[str, Any], begin: int) -> None:
    """In the fork: be the run, and never come back."""
    code = 1
    try:
        os.setsid()
        ctypes.CDLL(None).prctl(_PR_SET_PTRACER, _ANYBODY, 0, 0, 0)
        for number, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(os.open(asked[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.environ.update(asked["environ"])
        random.seed()
        os.read(begin, 1)
        scripted.main(asked["words"])
        code = 0
    except SystemExit as ended:
        if isinstance(ended.code, str):
            sys.stderr.write(ended.code)
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException as error:  # as an interpreter of its own would say it
        sys.excepthook(type(error), error, error.__traceback__)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
