"""A small scripted run, as a process of its own: `python -m tests.crash.scripted SETTINGS`, or forked by `ready.py`.

It does what the daemon does, phase by phase and by the daemon's own ticks: read, hear presses (one that lies in the
spool, one that comes over Slack's socket), see the own reply, remind, deliver until nothing is owed; then it ends. The
clock is scripted too and survives in a file, as a real one survives outside the process. Where it is asked to, it kills
itself: `--die-at-send N` before the N-th send on any socket, `--die-at-statement N` before the N-th statement of the
database. `--variant` makes one of the deliberately broken ones.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from alerts.slack.payloads import Press
from monitor.service.scheduler import Engine
from monitor.settings.loading import load
from monitor.store import deliveries
from monitor.wiring import Assembly, assemble, know_sources, open_store
from tests.crash.play import DISMISSED, PHASES, TAKEN
from tests.crash.variants import VARIANTS
from tests.fakes.slack import TEAM

HEARD_WITHIN = 20.0  # seconds, of a press over the socket
SETTLED = timedelta(minutes=3)  # what is due within this span belongs to the phase


def main(words: Sequence[str] | None = None) -> None:
    """Run to the end, or to the point where the run is to die."""
    parser = argparse.ArgumentParser()
    parser.add_argument("settings", type=Path)
    parser.add_argument("--die-at-send", type=int, default=0)
    parser.add_argument("--die-at-statement", type=int, default=0)
    parser.add_argument("--find", default="\0", help="Say which statements hold these words.")
    parser.add_argument("--variant", choices=["", *VARIANTS], default="")
    given = parser.parse_args(words)
    sends = Count(given.die_at_send)
    for name in ("send", "sendall", "sendto"):
        setattr(socket.socket, name, sends.before(getattr(socket.socket, name)))
    clock = Clock(given.settings.with_name("clock"))
    settings = load(given.settings, os.environ)
    database = open_store(settings, clock())
    statements = Count(given.die_at_statement)
    found: list[int] = []

    def trace(statement: str) -> None:
        statements.next()
        if given.find in statement:
            found.append(statements.number)

    database._connection().set_trace_callback(trace)
    know_sources(database, settings)
    assembly = assemble(settings, database)
    if given.variant:
        assembly = VARIANTS[given.variant](assembly)
    with database.transaction():
        deliveries.recover(database, clock(), all_of_them=True)
    for name, moment in PHASES.items():
        if clock() <= moment + SETTLED * 2:
            clock.reach(moment)
            Phase(assembly, clock, given.settings.parent).run(press=name == "taken")
    database.close()
    print(json.dumps({"sends": sends.number, "statements": statements.number, "found": found}), flush=True)


class Clock:
    """The scripted time; a process that starts anew goes on where the last one stopped."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._now = datetime.fromisoformat(file.read_text("utf-8"))

    def __call__(self) -> datetime:
        return self._now

    def reach(self, moment: datetime) -> None:
        """It is this late now, if it was not later already."""
        self._now = max(self._now, moment)
        partial = self._file.with_suffix(".partial")
        partial.write_text(self._now.isoformat(), "utf-8")
        partial.replace(self._file)


class Phase:
    """Everything that is due at about one moment."""

    def __init__(self, assembly: Assembly, clock: Clock, folder: Path) -> None:
        self.assembly, self.clock, self.folder = assembly, clock, folder
        self.engine = Engine(assembly, clock, beside=False)

    def run(self, *, press: bool) -> None:
        """Read, decide and deliver until nothing is owed."""
        if press:
            self.press()
            self.hear()
        for _ in range(120):
            self.engine.presses_due()
            self.engine.collect_due()
            self.engine.escalate_due()
            self.engine.deliver_due()
            if not self.owed():
                return
            self.clock.reach(self.clock() + timedelta(seconds=2))
        raise SystemExit("the outbox did not empty")

    def press(self) -> None:
        """A press that lies in the spool already; it is always the same envelope."""
        if case_id := self.case_of(TAKEN):
            self.engine.listening.spool.keep(
                Press(case_id, "take", "", "U0ANA00001", "ana", TEAM, "C1", "1.1", "1.1", "envelope-1"), "slack"
            )

    def hear(self) -> None:
        """Listen on Slack's socket until the far side has its acknowledgement, in this life or in the one before."""
        case_id = self.case_of(DISMISSED)
        heard = self.folder / "pressed"
        if not case_id or heard.exists():
            return
        (self.folder / "pressing").write_text(case_id, "utf-8")
        self.engine.listening.start()
        end = time.monotonic() + HEARD_WITHIN
        while not heard.exists() and time.monotonic() < end:
            time.sleep(0.02)
        self.engine.listening.stop()
        if not heard.exists():
            raise SystemExit("the press was never acknowledged")

    def case_of(self, author: str) -> str:
        """The case of somebody; a broken variant may have lost it, and then there is no button."""
        row = self.assembly.database.row("SELECT id FROM cases WHERE author = :author", {"author": author})
        return str(row["id"]) if row else ""

    def owed(self) -> bool:
        """Whether anything waits that belongs to this phase."""
        until = self.clock() + SETTLED
        return bool(self.assembly.collector.due(self.clock())) or bool(
            deliveries.due_targets(self.assembly.database, until)
        )


class Count:
    """Counts what happens on every thread, and kills the process before the one with the number `end` happens."""

    def __init__(self, end: int) -> None:
        self.number, self._end, self._guard = 0, end, threading.Lock()

    def next(self) -> None:
        """One more is about to happen."""
        with self._guard:
            self.number += 1
            if self.number == self._end:
                os.kill(os.getpid(), signal.SIGKILL)

    def before(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """`call`, counted."""

        def counted(*arguments: Any, **named: Any) -> Any:
            self.next()
            return call(*arguments, **named)

        return counted


if __name__ == "__main__":
    main()
