"""One press of an issue, in a process that dies where it is told: `python -m tests.crash.issue_run SETTINGS`.

As `tests.crash.reply_run`: it loads everything once, and forks for each line on its input. "press" runs until the
`at`-th send on a socket ("sends") or statement of the database ("statements"), and is killed there; "after" is what the
next process does, minute by minute, until nothing is unsettled. The answer is one JSON object per line.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from monitor.people.actors import NotPossible
from monitor.settings.loading import load
from monitor.settings.models import Settings
from monitor.settings.rules import Rules
from monitor.store import case_log, issues
from monitor.store.sqlite import Sqlite
from monitor.trackers import creating, following
from monitor.trackers.clients import Subject, Trackers, Tracking
from tests.crash.scripted import Count
from tests.helpers import NOW

MINUTES = 30  # until nothing can be unsettled any more


def main() -> None:
    """Serve until the input ends."""
    settings = load(Path(sys.argv[1]), os.environ)
    Trackers(settings).of("kettles")  # what is loaded late
    for line in sys.stdin:
        read, write = os.pipe()
        run = os.fork()
        if run == 0:
            os.close(read)
            _live(settings, json.loads(line), write)
        os.close(write)
        with os.fdopen(read, "rb") as said:
            told = said.read()
        _pid, status = os.waitpid(run, 0)
        answer = {"code": os.waitstatus_to_exitcode(status), **(json.loads(told) if told else {})}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _live(settings: Settings, asked: dict[str, Any], write: int) -> None:
    """In the fork: do what was asked, say what there is to say, and never come back."""
    code = 1
    try:
        database = Sqlite(Path(asked["database"]))
        tracking = Tracking(database, Rules(settings), Trackers(settings))
        sends, statements = (Count(asked["at"] if asked["kind"] == kind else 0) for kind in ("sends", "statements"))
        if asked["do"] == "after":
            for minute in range(1, MINUTES):
                following.look(tracking, NOW + timedelta(minutes=minute))
        else:
            for name in ("send", "sendall", "sendto"):
                setattr(socket.socket, name, sends.before(getattr(socket.socket, name)))
            database._connection().set_trace_callback(lambda _statement: statements.next())
            _press(tracking, asked["form"])
        said = {
            "sends": sends.number,
            "statements": statements.number,
            "states": [row.state for row in issues.about(database, "1")],
            "lines": [line.what for line in case_log.of_case(database, "1")],
        }
        os.write(write, json.dumps(said).encode())
        code = 0
    finally:
        os._exit(code)


def _press(tracking: Tracking, form: str) -> None:
    try:
        creating.create(
            tracking, Subject(case_id="1"), form, "kettles", "The lid", "It melts", who="Ana", way="page", now=NOW
        )
    except NotPossible:  # it is there already
        return


if __name__ == "__main__":
    main()
