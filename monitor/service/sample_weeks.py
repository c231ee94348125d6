"""The sample weeks, played through to now on a clock of their own: so that a digest, trends and Insights can be seen.

The ticks are those of the daemon; only what needs the world outside or looks after the file is left out. Two made-up
colleagues work meanwhile, from eight to six: what is waiting they take, then answer, then close, and not all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from datetime import datetime, time, timedelta
from typing import Any, TextIO

from alerts import hours
from monitor.cases import actions
from monitor.people.actors import NotPossible
from monitor.service.scheduler import Engine
from monitor.store import key_values, pages
from monitor.wiring import Assembly

DAYS = 14  # of which the last was yesterday
PEOPLE = ("Mira", "Jonas")
_LEFT_OUT = {
    "press", "listen", "events", "staff", "audit", "learn", "follow", "second-look", "refresh", "clock", "insights",
    "wipe", "tidy", "keep",
}  # fmt: skip
_NIGHT, _DAY = timedelta(hours=2), timedelta(minutes=30)
_A_MOMENT = timedelta(minutes=2)
_OPEN, _CLOSED = time(8), time(18)


class _Clock:
    """The time that it is in the play."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def moments(until: datetime, assembly: Assembly, days: int = DAYS) -> list[datetime]:
    """When the play looks around: every two hours, and every half hour in the days of the second week.

    It begins with the day that was `days` before today, by the desk's clock.
    """
    zone = assembly.settings.zone
    today = until.astimezone(zone).date()
    found = [hours.moment_of(today - timedelta(days=days), time(), zone)]
    while found[-1] < until:
        local = found[-1].astimezone(zone)
        busy = local.hour >= 6 and local.date() >= today - timedelta(days=days - DAYS // 2)
        found.append(found[-1] + (_DAY if busy else _NIGHT))
    return [*found[:-1], until]


def play(assembly: Assembly, until: datetime, alerts: TextIO, each: Callable[[], None], days: int = DAYS) -> None:
    """Play everything up to `until`; what the console is told goes to `alerts`, and `each` is called at each moment."""
    clock = _Clock(until)
    engine = Engine(assembly, clock, beside=False)
    ticks = [tick for tick in engine.ticks() if tick.name not in _LEFT_OUT]
    steps = moments(until, assembly, days)
    with assembly.database.transaction():
        key_values.remember(assembly.database, "installed_at", steps[0].isoformat(), steps[0])
    with redirect_stdout(alerts):
        for turn, step in enumerate(steps):
            clock.now = step
            engine.collect_due()  # a source's posts come first; its own replies, then, with the ticks
            for tick in ticks:
                tick.work()
            clock.now = min(step + _A_MOMENT, until)
            engine.deliver_due()  # what waited for more of its kind; only then does somebody see it
            _work(assembly, clock.now, turn, until)
            each()


def _work(assembly: Assembly, now: datetime, turn: int, until: datetime) -> None:
    """What somebody at the desk does in a turn: a little, from the top of each list; on the last two days, hardly."""
    zone = assembly.settings.zone
    local = now.astimezone(zone)
    left = (until.astimezone(zone).date() - local.date()).days
    if left < 2 or not _OPEN <= local.time() < _CLOSED:
        return
    who = PEOPLE[turn % len(PEOPLE)]
    for case, verb, detail in _todo(assembly, now, turn, 1 if left == 2 else 3):
        try:
            actions.say(assembly.database, assembly.rules, case, verb, who=who, way="page", now=now, detail=detail)
        except NotPossible:
            pass  # somebody was faster, as on any day


def _todo(assembly: Assembly, now: datetime, turn: int, at_once: int) -> Iterator[tuple[str, str, dict[str, Any]]]:
    def at(state: str, most: int) -> list[str]:
        return [row["id"] for row in pages.inbox(assembly.database, state, pages.Inbox(), now, most)]

    for case in at("answered", 5):
        yield case, "close", {"outcome": "solved"}
    for case in at("taken", at_once):
        yield case, "answered", {}
    for number, case in enumerate(at("waiting", at_once)):
        if number or turn % 7:
            yield case, "take", {}
        else:
            yield case, "dismiss", {"why": "not_a_complaint"}
    for case in at("sweep", 2)[1:]:
        if turn % 6:
            yield case, "dismiss", {"why": "not_a_complaint"}
        else:
            yield case, "answered", {}
