"""Where presses are kept until they are worked off: a folder of this machine, one file each, mode 0600.

Several processes of a machine may share it. Each press is worked off by one of them, which holds its file meanwhile.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alerts.wording import count_words
from monitor.settings.models import Settings

if TYPE_CHECKING:
    from alerts.slack.payloads import Press

log = logging.getLogger("earful.presses")

SPOOL = "presses"  # the folder of them
FIRST_WAIT = timedelta(seconds=1)  # after a press failed; twice as long after each failure more
LONGEST_WAIT = timedelta(minutes=1)  # a database that is locked for long fails every press, and all are to go on soon
GIVES_UP = timedelta(days=1)  # after its first failure: it is put aside
ASIDE_FOR, MOST_ASIDE = timedelta(days=30), 100  # a reply that somebody wrote may be in one that was put aside
MOST = 10_000  # files; beyond it a press is not acknowledged, and Slack says it again


@dataclass(frozen=True, slots=True)
class _Failed:
    since: datetime
    times: int
    not_before: datetime


class Spool:
    """A folder of presses that were heard and are still to be worked off; one file each, mode 0600.

    What failed is known to the process alone: after a start, or new settings, each is tried again at once.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._failed: dict[Path, _Failed] = {}

    def keep(self, press: Press, channel: str) -> None:
        """Write a press that came by `channel`; returns when it would survive a power cut. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if sum(1 for _ in self.folder.iterdir()) > MOST:
            raise OSError("too many presses in the queue")
        name = sha256(press.envelope_id.encode()).hexdigest()[:32]
        partial = self.folder / f"{name}.partial"
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump({**asdict(press), "by": channel}, file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self.folder / f"{name}.json")
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def waiting(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        """What was kept and not worked off, oldest first; a file that cannot be read is put aside and told."""
        if not self.folder.is_dir():
            return
        paths = sorted(self.folder.glob("*.json"), key=lambda each: (_kept_at(each), each.name))
        for gone in self._failed.keys() - set(paths):
            self._failed.pop(gone, None)  # another process has worked it off
        for path in paths:
            try:
                yield path, json.loads(path.read_text(encoding="utf-8"))
            except FileNotFoundError:
                continue  # another process of this machine has worked it off
            except (OSError, ValueError) as error:
                log.error("can't read a press (%s); kept as %s.bad", type(error).__name__, path.name)
                path.replace(path.with_suffix(".bad"))

    def is_due(self, path: Path, now: datetime) -> bool:
        """Whether to try a press: not soon after it has failed."""
        failed = self._failed.get(path)
        return failed is None or now >= failed.not_before

    def failed(self, path: Path, now: datetime) -> bool:
        """Have a press that failed wait; whether that was for the last time, and it is put aside."""
        before = self._failed.get(path)
        since, times = (before.since, before.times) if before is not None else (now, 0)
        if now - since >= GIVES_UP:
            path.replace(path.with_suffix(".bad"))
            self._failed.pop(path, None)
            return True
        wait = min(FIRST_WAIT * 2 ** min(times, 20), LONGEST_WAIT)
        self._failed[path] = _Failed(since, times + 1, now + wait)
        return False

    def trim(self, now: datetime) -> None:
        """Delete what was put aside long ago, the oldest of very many, and what was half written by a dead process."""
        aside = sorted(self.folder.glob("*.bad"), key=_kept_at, reverse=True)
        old = [path for path in aside[:MOST_ASIDE] if now.timestamp() - _kept_at(path) > ASIDE_FOR.total_seconds()]
        gone = [*old, *aside[MOST_ASIDE:]]
        for path in gone:
            path.unlink(missing_ok=True)
        for path in self.folder.glob("*.partial"):
            if now.timestamp() - _kept_at(path) > GIVES_UP.total_seconds():
                path.unlink(missing_ok=True)
        if gone:
            log.warning("%s that could not be done long ago deleted", count_words(len(gone), "press", "presses"))

    def done(self, path: Path) -> None:
        """It was worked off."""
        path.unlink(missing_ok=True)
        self._failed.pop(path, None)

    @contextmanager
    def held(self, path: Path) -> Iterator[bool]:
        """Hold a press while it is worked off; False where another process of this machine does, or has.

        What a process held that was killed, is free at once.
        """
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            yield False
            return
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                free = path.exists()  # else it came to its end before this got hold of it
            except BlockingIOError:
                free = False
            yield free
        finally:
            os.close(handle)


def _kept_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def spool_folder(settings: Settings) -> Path:
    """Where presses are kept, in the folder of our own files; with SQLite under the name of its file."""
    url = settings.database.url.get_secret_value()
    name = f"{Path(url).name}.{SPOOL}" if url.startswith("sqlite:") else SPOOL
    return settings.state_folder / name
