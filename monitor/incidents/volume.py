"""The volumes of a brand as the detection asks for them: by hour, and in the last minutes, of sources that are known.

A source counts from a day after it was first read: what a first read brings was written before anybody looked. Sources
that were read for four weeks have a habit; younger ones are counted apart from them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from monitor.incidents.detection import (
    HOUR,
    KNOWN_AFTER,
    SEEN_FIRST,
    WINDOWS,
    Habit,
    Heard,
    Spread,
    habit_of,
    number_of,
    spread_of,
)
from monitor.store import causes, sources, volume
from monitor.store.database import Database, Row, at

BACK = KNOWN_AFTER + 2 * HOUR


@dataclass(frozen=True, slots=True)
class Signal:
    """One volume that is watched: all posts of a brand or the negative ones, or those of one cause."""

    kind: str
    cause: str = ""
    known: bool = True  # of sources that have a habit


@dataclass(frozen=True, slots=True)
class Now:
    """A signal as it is now: what its last spans brought, its habit, and the mentions of the last hour."""

    signal: Signal
    spans: tuple[Heard, ...]
    habit: Habit | None
    rows: tuple[Row, ...]

    @property
    def hour(self) -> Heard:
        """The last hour."""
        return next(each for each in self.spans if each.span == HOUR)


@dataclass
class _Kept:
    """What is asked of the store once an hour for a brand, and what follows from it."""

    hour: int
    counts: dict[Signal, dict[int, int]]
    since: dict[Signal, datetime]
    known: frozenset[str]
    young: frozenset[str]
    left_out: frozenset[int]
    first: dict[str, datetime]
    habits: dict[Signal, Habit | None] = field(default_factory=dict)


class Volumes:
    """Knows the volumes of brands; keeps between two looks what changes once an hour."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._kept: dict[str, _Kept] = {}
        self._spreads: dict[tuple[str, Signal], tuple[int, Spread]] = {}

    def of(self, brand: str, now: datetime) -> list[Now]:
        """Every signal of a brand of which anything was written in the last hour, causes first."""
        kept = self._kept.get(brand)
        if kept is None or kept.hour != number_of(now):
            kept = self._kept[brand] = self._look_up(brand, now)
        rows = [
            row
            for row in volume.lately(self.database, brand, now - HOUR, now)
            if row["source"] in kept.first and at(row["posted_at"]) > kept.first[row["source"]]
        ]
        if not rows:
            return []
        of_cause = volume.causes_of(self.database, brand, now - HOUR)
        found: dict[Signal, list[Row]] = {}
        for row in rows:
            known = row["source"] in kept.known
            for signal in _signals(row, of_cause.get(row["id"], ()), known=known):
                found.setdefault(signal, []).append(row)
        order = sorted(found, key=lambda each: (each.cause == "", each.cause, each.kind, not each.known))
        return [self._now(brand, kept, signal, found[signal], now) for signal in order]

    def _now(self, brand: str, kept: _Kept, signal: Signal, rows: list[Row], now: datetime) -> Now:
        if signal not in kept.habits:
            kept.habits[signal] = self._habit(brand, kept, signal, now)
        return Now(signal, _spans(rows, now), kept.habits[signal], tuple(rows))

    def _habit(self, brand: str, kept: _Kept, signal: Signal, now: datetime) -> Habit | None:
        counts, since = kept.counts.get(signal, {}), kept.since.get(signal)
        if since is None:
            return None
        if now - since < KNOWN_AFTER:
            return habit_of(counts, since, now, kept.left_out)
        day = kept.hour // 24
        before = self._spreads.get((brand, signal))
        if before is None or before[0] != day:
            before = self._spreads[brand, signal] = (day, spread_of(counts, now, kept.left_out))
        return habit_of(counts, since, now, kept.left_out, before[1])

    def _look_up(self, brand: str, now: datetime) -> _Kept:
        since = now - BACK
        rows = volume.by_hour(self.database, brand, since)
        first: dict[str, datetime] = {}
        for source in dict.fromkeys(row["source"] for row in rows):
            if seen := volume.read_since(self.database, source, now):
                first[source] = at(seen)
        known = frozenset(name for name, began in first.items() if now - began >= KNOWN_AFTER)
        young = frozenset(name for name, began in first.items() if SEEN_FIRST <= now - began < KNOWN_AFTER)
        counts: dict[Signal, dict[int, int]] = {}
        for row in rows:
            if row["source"] in known or row["source"] in young:
                hour = _hour(row["hour"])
                for kind, n in (("volume", row["n"]), ("negative", row["negative"])):
                    _add(counts, Signal(kind, known=row["source"] in known), hour, int(n))
        starts = {
            Signal(kind, known=is_known): now - KNOWN_AFTER if is_known else max(first[name] for name in young)
            for kind in ("volume", "negative")
            for is_known in (True, False)
            if (known if is_known else young)
        }
        if first:
            self._add_causes(brand, now, counts, starts, min(first.values()))
        return _Kept(
            number_of(now), counts, starts, known, young, self._left_out(known, now), {
                name: began for name, began in first.items() if name in known or name in young
            },
        )  # fmt: skip

    def _add_causes(
        self,
        brand: str,
        now: datetime,
        counts: dict[Signal, dict[int, int]],
        starts: dict[Signal, datetime],
        since: datetime,
    ) -> None:
        """Causes of all sources together: how much there was of one is known since any were told apart."""
        rows = causes.by_hour(self.database, now - BACK, now, brand)
        if not rows:
            return
        began = max(since, datetime.fromtimestamp(min(_hour(row["hour"]) for row in rows) * 3600, UTC))
        for row in rows:
            signal = Signal("cause", row["cause_id"])
            _add(counts, signal, _hour(row["hour"]), int(row["n"]))
            starts[signal] = min(began, now - KNOWN_AFTER) if now - began >= KNOWN_AFTER else began

    def _left_out(self, names: Collection[str], now: datetime) -> frozenset[int]:
        """Hours of which is known that a source of the habit was not read in them."""
        found: set[int] = set()
        for gap in sources.gaps_since(self.database, now - BACK):
            if gap["source"] in names and not gap["reason"].endswith(sources.READ_AGAIN):
                start = max(at(gap["start_at"]), now - BACK)
                found.update(range(number_of(start), number_of(max(at(gap["end_at"]), start)) + 1))
        return frozenset(found)


def _signals(row: Row, of_causes: Iterable[str], *, known: bool) -> list[Signal]:
    found = [Signal("cause", cause) for cause in of_causes]
    found.append(Signal("volume", known=known))
    if row["label"] == "negative":
        found.append(Signal("negative", known=known))
    return found


def _spans(rows: list[Row], now: datetime) -> tuple[Heard, ...]:
    found = []
    for span in WINDOWS:
        within = [row for row in rows if at(row["posted_at"]) > now - span]
        found.append(Heard(span, len(within), len(people_of(within))))
    return tuple(found)


def people_of(rows: Iterable[Row]) -> set[str]:
    """The people who wrote these; who only repeated somebody is none of them."""
    return {row["person"] for row in rows if row["person"]}


def _add(counts: dict[Signal, dict[int, int]], signal: Signal, hour: int, n: int) -> None:
    found = counts.setdefault(signal, {})
    found[hour] = found.get(hour, 0) + n


def _hour(text: str) -> int:
    """The number of an hour that is written "2026-03-04T09"."""
    return number_of(datetime.fromisoformat(f"{text}:00:00+00:00"))
