"""Jobs that stay in one process, and of which processes die: after three in a row such a job rests for an hour.

While one is being done, a file of this machine says so, and is held by whoever does it; nothing is forced to the disk.
A file that nobody holds was left by a process that died. So whatever kills the process, by memory or by a crash of a
library, takes along everything else three times and not for ever. Jobs that any process may do are looked after by
their queue, in the database.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

from monitor.settings.models import Settings
from monitor.store.database import instant, stamp
from monitor.store.ownership import as_its_folder

log = logging.getLogger("earful.engine")

_FOLDER = "under-way"
DEATHS = 3  # processes in a row
REST = timedelta(hours=1)


def folder_of(settings: Settings) -> Path:
    """Where it stands, in the folder of our own files; with SQLite under the name of its file."""
    url = settings.database.url.get_secret_value()
    name = f"{Path(url).name}.{_FOLDER}" if url.startswith("sqlite:") else _FOLDER
    return settings.state_folder / name


class Unfinished:
    """What is under way, in `folder`. `tell` is given the name of a job that rests from now on."""

    def __init__(self, folder: Path, tell: Callable[[str], None] = lambda _job: None) -> None:
        self._folder = folder
        self._tell = tell
        self._held: dict[str, tuple[int, Path, int]] = {}  # job -> its open file, where that is, how often it was begun
        self._rests: dict[str, datetime] = {}

    def rests(self, job: str, now: datetime) -> bool:
        """Whether it is known to rest: nothing is read for that."""
        until = self._rests.get(job)
        return until is not None and now < until <= now + REST  # further ahead, and the clock was set back

    def begin(self, job: str, now: datetime) -> bool:
        """Note that it is being done; False where it rests. Where nothing can be noted it is done all the same."""
        path = self._folder / f"{sha256(job.encode('utf-8', 'replace')).hexdigest()[:32]}.json"
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            as_its_folder(self._folder)
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            log.debug("what is under way can't be noted in %s: %s", self._folder, error.strerror)
            return True
        try:
            as_its_folder(path)
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            begun, until = _noted(handle)
            if begun >= DEATHS and until is None:
                self._tell(job)
                until = now + REST
                log.error("%s was left by %d processes in a row, and rests for an hour; please report it", job, DEATHS)
                _note(handle, job, begun, until)
            if until is not None:
                self._rests[job] = until
                if self.rests(job, now):
                    os.close(handle)
                    return False
            _note(handle, job, begun + 1)
        except OSError as error:  # another process of this machine does the same; or the disk is full
            os.close(handle)
            log.debug("%s is not noted in %s: %s", job, self._folder, error.strerror)
            return True
        except BaseException:
            os.close(handle)
            raise
        self._held[job] = handle, path, begun
        return True

    def end(self, job: str) -> None:
        """It has ended, whatever came of it: no process died of it."""
        if (held := self._held.pop(job, None)) is not None:
            handle, path, _ = held
            with suppress(OSError):
                path.unlink()
            os.close(handle)

    def leave(self) -> None:
        """This process ends in order; what it could not wait for counts as not begun."""
        for job in list(self._held):
            if (held := self._held.pop(job, None)) is not None:
                handle, _, begun = held
                with suppress(OSError):
                    _note(handle, job, begun)
                os.close(handle)


def _noted(handle: int) -> tuple[int, datetime | None]:
    """How many processes have begun it and did not come to its end, and until when it rests."""
    try:
        found = json.loads(os.pread(handle, 4096, 0) or b"{}")
        return int(found.get("begun", 0)), instant(str(found.get("rests_until", "")))
    except (ValueError, AttributeError, TypeError):  # its process died while it wrote
        return 1, None


def _note(handle: int, job: str, begun: int, until: datetime | None = None) -> None:
    found = {"job": job, "begun": begun, "rests_until": stamp(until)}
    os.ftruncate(handle, 0)
    os.pwrite(handle, json.dumps(found).encode(), 0)
