"""One press of a reply, in a process that dies where it is told: `python -m tests.crash.reply_run SETTINGS`.

It loads everything once, and forks for each line on its input: {"database": FILE, "kind": ..., "at": N}. "press" runs
until the `at`-th send on a socket ("sends") or statement of the database ("statements"), and is killed there; "after"
is what the next process does, minute by minute, until nothing is unsettled. The answer is one JSON object per line.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from monitor.replying import looking_up, press, taking_back
from monitor.replying.context import Replying, Seen, parent_mark, parent_of, said_so_far
from monitor.replying.writers import Writers
from monitor.settings.loading import load
from monitor.settings.models import Settings
from monitor.settings.rules import Rules
from monitor.store import case_log, cases, replies
from monitor.store.sqlite import Sqlite
from monitor.text import reply_phrases
from tests.crash.scripted import Count
from tests.helpers import NOW

MINUTES = 30  # until nothing can be unsettled any more


def main() -> None:
    """Serve until the input ends."""
    settings = load(Path(sys.argv[1]), os.environ)
    looking_up.look(_parts(settings, Path(sys.argv[2])), NOW)
    reply_phrases.read("We are sorry, it is on its way.")  # what is loaded late
    for line in sys.stdin:
        asked = json.loads(line)
        read, write = os.pipe()
        run = os.fork()
        if run == 0:
            os.close(read)
            _live(settings, asked, write)
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
        sends, statements = (
            Count(asked["at"] if asked["kind"] == "sends" else 0),
            Count(asked["at"] if asked["kind"] == "statements" else 0),
        )
        replying = _parts(settings, Path(asked["database"]))
        database = replying.database
        row = replies.of_case(database, "1")[0]
        if asked["do"] != "after":
            for name in ("send", "sendall", "sendto"):
                setattr(socket.socket, name, sends.before(getattr(socket.socket, name)))
            replying.database._connection().set_trace_callback(lambda _statement: statements.next())
        if asked["do"] == "press":
            _press(replying, row.id)
        elif asked["do"] == "withdraw":
            taking_back.take_back(replying, row.id, who="Ana", way="page", now=NOW + timedelta(minutes=1))
        else:
            for minute in range(1, MINUTES):
                looking_up.look(replying, _at(asked) + timedelta(minutes=minute))
        case = cases.one(database, "1")
        assert case is not None
        said = {
            "sends": sends.number,
            "statements": statements.number,
            "state": replies.of_case(database, "1")[0].state,
            "answered": case.answered_at is not None,
            "lines": [line.what for line in case_log.of_case(database, "1") if line.undone_at is None],
        }
        os.write(write, json.dumps(said).encode())
        code = 0
    finally:
        os._exit(code)


def _at(asked: dict[str, Any]) -> datetime:
    return NOW + timedelta(minutes=1) if asked.get("later") else NOW


def _parts(settings: Settings, path: Path) -> Replying:
    return Replying(Sqlite(path), Rules(settings), Writers(settings))


def _press(replying: Replying, reply_id: str) -> None:
    database = replying.database
    case, row = cases.one(database, "1"), replies.one(database, reply_id)
    assert case is not None
    assert row is not None
    parent = parent_of(database, case)
    assert parent is not None
    account = replying.writers.standing("social", NOW).account
    seen = Seen(row.mark, parent_mark(parent), account, said_so_far(database, "1"))
    press.press(replying, row.id, seen, who="Ana", way="page", now=NOW)


if __name__ == "__main__":
    main()
