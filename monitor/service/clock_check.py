"""Whether the clock may be trusted with what cannot be undone: retention.

A clock that is far ahead for a few seconds at one start would empty posts for good. So wall clock and steady clock are
written down each minute, and retention waits after a step of more than an hour between the two, or against the dates
that sources answer with, until the clock has run evenly for a day, or an admin says `earful clock accept`.
Erasures and deletions that people or networks ask for are done at once; only what goes by age waits.

Of several machines on one PostgreSQL each has clocks of its own, which are written down apart, and are held against the
database's as well.
"""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from alerts.wording import span_words
from connectors import server_dates
from monitor.notify.system_notices import queue_notice
from monitor.settings.rules import Rules
from monitor.store import key_values, pages
from monitor.store.database import Database

log = logging.getLogger("earful.clock")

STEP = timedelta(hours=1)
EVEN = timedelta(hours=24)  # how long it has to run evenly after a step
GONE = timedelta(days=1)  # a machine whose clock was not written down for so long is gone
UNSURE = timedelta(minutes=10)  # after a boot sources have so long to confirm the clock before anybody is told
REMEDY = (
    "check this machine's clock (NTP). Deleting resumes by itself once the clock has run steadily for a day, "
    "or at once after: earful clock accept"
)
_READING, _WAITS, _AHEAD, _ACCEPTED = "clock", "clock waits", "clock ahead", "clock accepted"


@dataclass(frozen=True, slots=True)
class Reading:
    """Both clocks at one moment. Steady seconds compare within one `boot` only."""

    wall: datetime
    steady: float
    boot: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why retention waits, and the reading that a later one has to agree with."""

    why: str
    since: Reading
    began: datetime
    unsure: bool = False  # the machine was started anew: nobody knows how long it was off
    told: bool = False


def boot_id() -> str:
    """Names this start of the machine; steady seconds begin anew with each."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


class ClockCheck:
    """Looks at the clock once a minute, and before anything is removed for its age."""

    def __init__(
        self,
        steady: Callable[[], float],
        boot: str,
        ahead: Callable[[datetime], timedelta | None] = lambda _now: None,
        machine: str = "",
    ) -> None:
        self._steady = steady
        self._boot = boot
        self._ahead = ahead
        self._machine = machine

    @classmethod
    def of_machine(cls) -> ClockCheck:
        """By this machine's steady clock and the dates of what sources answer."""
        return cls(server_dates.steady, boot_id(), server_dates.ahead, socket.gethostname())

    @classmethod
    def of_clock(cls, clock: Callable[[], datetime]) -> ClockCheck:
        """For whoever lets time pass by hand: that clock is the only one there is."""
        return cls(lambda: clock().timestamp(), "by hand")

    def look(self, database: Database, rules: Rules, now: datetime) -> str:
        """Write the clocks down and compare them; why retention waits, "" where it may go on."""
        waits = _of(database, _WAITS, self._machine)
        with database.transaction():
            before = _waiting(database, waits)
            found = self._found(database, before, now)
            if found is not None and not found.told and (not found.unsure or now - found.began >= UNSURE):
                key = f"{_of(database, _READING, self._machine)}:{found.began:%Y-%m-%dT%H:%M}"
                queue_notice(database, rules, key, title(found.why), REMEDY, now)
                found = replace(found, told=True)
            if found != before:
                key_values.remember(database, waits, _as_json(found) if found else "", now)
        if found is not None and before is None:
            log.warning("%s; %s", title(found.why), REMEDY)
        if found is None and before is not None:
            log.info("old posts are deleted again: the clock has run steadily, or was accepted")
        return found.why if found else ""

    def _found(self, database: Database, before: Waiting | None, now: datetime) -> Waiting | None:
        reading = Reading(now, self._steady(), self._boot)
        keep = partial(key_values.remember, database, now=now)
        reads, aheads = (_of(database, name, self._machine) for name in (_READING, _AHEAD))
        last = _last_reading(database, reads)
        keep(reads, _as_json(reading))
        ahead, of = self._ahead(now), "the clocks of the sources"
        if ahead is None and abs(skew := database.skew()) > STEP:
            ahead, of = timedelta(seconds=-round(skew.total_seconds())), "the database's clock"
        keep(aheads, str(ahead.total_seconds()) if ahead is not None else "")
        named = f"the clock of {self._machine}" if self._machine and not database.one_writer else ""
        its = named or "this machine's clock"
        began = before.began if before else now
        if ahead is not None and abs(ahead - _accepted(database, self._machine)) > STEP:
            why = f"{its} is {_words(ahead)} {of}"
            return Waiting(why, reading, began, told=before.told if before and before.why == why else False)
        step, sure = _step(last, reading)
        if abs(step) > STEP and (sure or ahead is None):
            its = named or "the clock"
            why = (
                f"{its} has jumped {'forward' if step > timedelta() else 'back'} by {span_words(abs(step))}"
                if sure
                else f"the machine was restarted, and {its} is {_words(step)} the last time recorded"
            )
            return Waiting(why, reading, now, unsure=not sure)
        return before and _still(before, reading, confirmed=ahead is not None)


def _still(before: Waiting, reading: Reading, *, confirmed: bool) -> Waiting | None:
    """What is left of a wait now that this reading shows no step."""
    if before.unsure and confirmed:
        return None
    if reading.boot != before.since.boot or not reading.boot:
        return replace(before, since=reading)
    step, _sure = _step(before.since, reading)
    if abs(step) > STEP:
        return replace(before, since=reading)
    passed = timedelta(seconds=reading.steady - before.since.steady)
    return None if passed >= EVEN and reading.wall - before.since.wall >= EVEN else before


def _step(last: Reading | None, reading: Reading) -> tuple[timedelta, bool]:
    """How far the wall clock moved beyond the steady one since then, and whether that is sure."""
    if last is None:
        return timedelta(), True
    moved = reading.wall - last.wall
    if reading.boot and reading.boot == last.boot:
        return moved - timedelta(seconds=reading.steady - last.steady), True
    return moved, moved < timedelta()  # time never runs back, however long the machine was off


def title(why: str) -> str:
    """What people are told."""
    return f"Old posts are not being deleted at the moment: {why}"


def waiting(database: Database) -> Waiting | None:
    """Why retention waits, on whichever machine; None where it does not."""
    return next(
        (found for name in _machines(database) if (found := _waiting(database, _of(database, _WAITS, name)))), None
    )


def _machines(database: Database) -> list[str]:
    """The machines whose clocks were written down lately: one that is gone has nothing to wait for."""
    if database.one_writer:
        return [""]
    read = {
        key.removeprefix(f"{_READING}:"): _reading_of(_of_json(text))
        for key, text in key_values.facts(database, f"{_READING}:").items()
    }
    walls = {name: reading.wall for name, reading in read.items() if reading is not None}
    newest = max(walls.values(), default=None)
    return [name for name, wall in walls.items() if newest is not None and newest - wall < GONE]


def _of(database: Database, name: str, machine: str) -> str:
    """The fact of this name, of this machine where there are several."""
    return name if database.one_writer else f"{name}:{machine}"


def _waiting(database: Database, fact: str) -> Waiting | None:
    said = _of_json(key_values.fact(database, fact))
    if not said:
        return None
    since = _reading_of(said["since"])
    began = datetime.fromisoformat(said["began"])
    return Waiting(said["why"], since, began, said["unsure"], said["told"]) if since else None


def accept(database: Database, who: str, now: datetime) -> str:
    """An admin says that the clock is right as it is: what retention waited for, "" for nothing."""
    with database.transaction():
        found = waiting(database)
        for name in _machines(database):
            ahead = key_values.fact(database, _of(database, _AHEAD, name))
            key_values.remember(database, _of(database, _WAITS, name), "", now)
            accepted = json.dumps({"ahead": float(ahead or 0), "by": who})
            key_values.remember(database, _of(database, _ACCEPTED, name), accepted, now)
        if database.one_writer:  # else each machine's own reading stands as it is
            key_values.remember(database, _READING, _as_json(Reading(now, server_dates.steady(), boot_id())), now)
    return found.why if found else ""


def _accepted(database: Database, machine: str) -> timedelta:
    """The distance to other machines' dates that an admin has called right."""
    accepted = key_values.fact(database, _of(database, _ACCEPTED, machine))
    return timedelta(seconds=float(_of_json(accepted).get("ahead", 0)))


def _last_reading(database: Database, fact: str) -> Reading | None:
    """What was written down last; of a version that wrote nothing down, the moment of its last audit."""
    written = _reading_of(_of_json(key_values.fact(database, fact)))
    if written is not None:
        return written
    audited_at, _findings = pages.last_audit(database)
    return Reading(audited_at, 0.0, "") if audited_at else None


def _words(ahead: timedelta) -> str:
    return f"{span_words(abs(ahead))} {'ahead of' if ahead > timedelta() else 'behind'}"


def _as_json(value: Reading | Waiting) -> str:
    if isinstance(value, Reading):
        return json.dumps({"wall": value.wall.isoformat(), "steady": value.steady, "boot": value.boot})
    said: dict[str, Any] = {"why": value.why, "began": value.began.isoformat(), "unsure": value.unsure}
    return json.dumps({**said, "told": value.told, "since": json.loads(_as_json(value.since))})


def _of_json(text: str) -> dict[str, Any]:
    return dict(json.loads(text)) if text else {}


def _reading_of(said: Mapping[str, Any]) -> Reading | None:
    return Reading(datetime.fromisoformat(said["wall"]), said["steady"], said["boot"]) if said else None
