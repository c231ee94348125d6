"""The real daemon for an hour while its clock goes 24 times as fast: does anything grow that should not?

    python -m tests.faults.soak --minutes 60

People complain on five networks, staff take and answer, messages break off now and then. Once a minute memory, threads,
open files, the write-ahead log and how late the latest complaint was told are written down. Nothing may grow from the
tenth minute on: the table ends with the slope of each, and it fails where one is not flat. A run of less than a quarter
of an hour shows no slope, and says so. It stops by itself.
"""

from __future__ import annotations

import argparse
import re
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from tests.faults.networks import NAMES
from tests.faults.outside import Outside

RATE = 24.0  # times as fast as real time: a day in an hour
SETTLED = 10  # minutes in which caches fill
SHORTEST = 15  # minutes that show a slope
EVERY = 15.0  # real seconds between two complaints: 240 an hour
# How much an hour may add to what the minutes say. What is within this is noise or a cache that is still filling.
MOST_SLOPE = {"memory": 20.0, "threads": 5.0, "files": 10.0, "wal": 20.0, "late": 10.0}


@dataclass(frozen=True)
class Minute:
    """What one minute looked like: megabytes, numbers, and real seconds from a complaint to its alert."""

    memory: float
    threads: float
    files: float
    wal: float
    late: float


def slope(values: Sequence[float]) -> float:
    """How much a series of minutes grows in an hour: Theil's median of all slopes, which a few spikes do not move."""
    rises = sorted(
        (later - earlier) / (j - i) for i, earlier in enumerate(values) for j, later in enumerate(values) if j > i
    )
    return rises[len(rises) // 2] * 60 if rises else 0.0


def too_steep(minutes: Sequence[Minute]) -> dict[str, float]:
    """What grows more in an hour than it may, and by how much."""
    return {name: found for name, found in slopes(minutes).items() if found > MOST_SLOPE[name]}


def slopes(minutes: Sequence[Minute]) -> dict[str, float]:
    """The slope of each figure, after the minutes in which caches fill; none where there are too few."""
    if len(minutes) < SHORTEST:
        return {}
    return {each.name: slope([getattr(minute, each.name) for minute in minutes[SETTLED:]]) for each in fields(Minute)}


class Soak:
    """A daemon among people who write, and what it needs meanwhile."""

    def __init__(self, made: Outside) -> None:
        self.made = made
        self.daemon = made.begin()
        made.clock.set(made.clock(), RATE)
        self._asked: list[tuple[str, float]] = []  # what was written, and when by the steady clock
        self._late = 0.0

    def minute(self, end: float) -> Minute:
        """Let people write until a moment of the steady clock, and look."""
        next_at = time.monotonic()
        while time.monotonic() < end and self.daemon.poll() is None:
            if time.monotonic() >= next_at:
                next_at += EVERY
                self._write()
            self._hear()
            time.sleep(0.2)
        late = max([self._late, *(time.monotonic() - at for _mark, at in self._asked)])
        self._late = 0.0
        process = Path(f"/proc/{self.daemon.pid}")
        status = (process / "status").read_text("ascii")
        wal = self.made.database.with_name(f"{self.made.database.name}-wal")
        return Minute(
            memory=_figure(status, "VmRSS") / 1024,
            threads=_figure(status, "Threads"),
            files=len(list((process / "fd").iterdir())),
            wal=wal.stat().st_size / 1e6 if wal.exists() else 0.0,
            late=late,
        )

    def _write(self) -> None:
        network = NAMES[len(self.made.written) % len(NAMES)]
        self.made.write_on(network)
        self._asked.append((self.made.written[-1], time.monotonic()))

    def _hear(self) -> None:
        if not self._asked:
            return
        shown = "\n".join(self.made.shown("#care")[-50:])
        told = [(mark, at) for mark, at in self._asked if re.search(rf"\b{mark}\b", shown)]
        for mark, at in told:
            self._late = max(self._late, time.monotonic() - at)
            self._asked.remove((mark, at))


def _figure(status: str, name: str) -> float:
    found = re.search(rf"^{name}:\s+(\d+)", status, re.MULTILINE)
    return float(found[1]) if found else 0.0


def main() -> None:
    """Soak, print a line a minute and the slopes; exit 1 where one is not flat or the daemon ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=60)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="earful-soak-"))
    minutes: list[Minute] = []
    print("minute  memory MB  threads  files  WAL MB  latest s", flush=True)
    with Outside(folder) as made:
        soak = Soak(made)
        began = time.monotonic()
        for number in range(given.minutes):
            if soak.daemon.poll() is not None:
                break
            now = soak.minute(began + (number + 1) * 60)
            minutes.append(now)
            figures = f"{now.memory:>11.0f}{now.threads:>9.0f}{now.files:>7.0f}{now.wal:>8.1f}{now.late:>10.1f}"
            print(f"{number + 1:>6}{figures}", flush=True)
        ended = soak.daemon.poll()
        code = made.stop(soak.daemon)
        lost = made.lost(made.shown() + made.mailed())
    adds = ", ".join(f"{name} {value:+.1f}" for name, value in slopes(minutes).items())
    print(f"an hour adds: {adds or f'too short a run to say, {SHORTEST} minutes would do'}", flush=True)
    wrong = [f"{name} grows by {value:.1f} an hour" for name, value in too_steep(minutes).items()]
    wrong += [f"the daemon ended by itself ({ended})"] if ended is not None else []
    wrong += [f"it ended with {code}"] if ended is None and code != 0 else []
    wrong += [f"{lost} of {len(made.written)} complaints were never told"] if lost else []
    for words in wrong:
        print(f"NOT WELL: {words} (see {folder})", flush=True)
    if not wrong:
        print(f"well: {len(made.written)} complaints in {len(minutes)} minutes, all told", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main()
