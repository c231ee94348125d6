"""The files in which sign-ins are kept: tokens/SOURCE.json in the state folder, and nowhere else.

Not in the database: a copy of it, an export or a look at its tables must not hold what reads somebody's account. A file
is 0600 in a folder of 0700; it is replaced in one step, on the disk before anybody uses what is in it, by one process
at a time.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

FOLDER = "tokens"
MOST_BYTES = 100_000
_AGAIN = 0.05  # seconds between two looks whether another process is done


class TokenFileError(Exception):
    """A file cannot be read or written; the message names it and what to do, and holds nothing of what is in it."""


@dataclass(frozen=True, slots=True)
class Held:
    """A sign-in. Times are as the database writes them, "" for never.

    `spent_at` is when the token that renews was last sent and no answer was saved since. `ended` says why nothing can
    be renewed any more: it was "spent" and what came of it is lost, it was "refused", or a "permission" is missing.
    """

    client_id: str
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: str
    scopes: tuple[str, ...] = ()
    account_id: str = ""
    account_name: str = ""
    owns_app: bool = False
    connected_at: str = ""
    renewed_at: str = ""
    spent_at: str = ""
    ended: str = ""


class TokenFile:
    """The file of one source."""

    def __init__(self, state_folder: Path, source: str) -> None:
        """Touch nothing."""
        self.folder = state_folder / FOLDER
        self.path = self.folder / f"{source.replace('%', '%25').replace('/', '%2F')}.json"

    def read(self) -> Held | None:
        """What is held; None where nobody has signed in yet."""
        try:
            with self.path.open("rb") as opened:
                text = opened.read(MOST_BYTES)
            return _held(json.loads(text))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise TokenFileError(
                f"can't read {self.path} ({error.strerror}); it must belong to the account that runs Earful"
            ) from None
        except (ValueError, TypeError, KeyError, RecursionError):
            raise TokenFileError(f"{self.path} is damaged") from None

    def take_over(self, former: tuple[str, ...]) -> None:
        """Take what is held under a former name of the source, unless something is held under this one."""
        for name in former:
            before = TokenFile(self.folder.parent, name).path
            if before.exists() and not self.path.exists():
                try:
                    before.rename(self.path)
                except OSError:  # then it is read under its own name, and that says that nobody has signed in
                    return

    def write(self, held: Held) -> None:
        """Put it on the disk, whole, before this returns. Only whoever has the lock may call this."""
        # One name, so that what a killed process left behind is overwritten and never lies about.
        fresh = self.path.with_name(f".{self.path.name}.new")
        try:
            self._make_folder()
            fresh.unlink(missing_ok=True)
            handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(handle, "wb") as opened:
                _give_to_owner(handle, self.folder)
                opened.write(json.dumps(asdict(held), indent=1).encode())
                opened.flush()
                os.fsync(handle)
            os.replace(fresh, self.path)
            self._sync_folder()
        except OSError as error:
            raise TokenFileError(f"can't write {self.path} ({error.strerror})") from None

    @contextmanager
    def locked(self, seconds: float) -> Iterator[None]:
        """Be the only one, of all processes, that renews this sign-in. TokenFileError after `seconds` of waiting."""
        try:
            self._make_folder()
            handle = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            _give_to_owner(handle, self.folder)
        except OSError as error:
            raise TokenFileError(f"can't write into {self.folder} ({error.strerror})") from None
        try:
            end = time.monotonic() + seconds
            while not _taken(handle):
                if time.monotonic() >= end:
                    raise TokenFileError(f"another process has been renewing {self.path.name} for {seconds:g} s")
                time.sleep(_AGAIN)
            yield
        finally:
            os.close(handle)  # gives the lock back; the system does so too for a process that is killed

    def others_can_read(self) -> bool:
        """Whether somebody changed its rights so that others on this machine can read it."""
        try:
            return bool(self.path.stat().st_mode & 0o077)
        except OSError:
            return False

    def _make_folder(self) -> None:
        if not self.folder.is_dir():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _give_to_owner(self.folder, self.folder.parent)
        if self.folder.stat().st_mode & 0o077:
            self.folder.chmod(0o700)

    def _sync_folder(self) -> None:
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def kept(state_folder: Path) -> list[str]:
    """The names of all files that hold a sign-in."""
    return sorted(each.name for each in (state_folder / FOLDER).glob("*.json"))


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _give_to_owner(made: int | Path, folder: Path) -> None:
    """What root makes belongs to whoever the folder belongs to: the service must be able to renew it."""
    found = folder.stat()
    if os.geteuid() == 0 and found.st_uid != 0:
        os.chown(made, found.st_uid, found.st_gid)


def _held(found: object) -> Held:
    """Read what was written, of another version too; anything else is a TypeError."""
    if not isinstance(found, dict):
        raise TypeError("not a table")
    known = {name: value for name, value in found.items() if name in Held.__slots__}
    known["scopes"] = tuple(map(str, known.get("scopes", ())))
    held = Held(**known)
    texts = (getattr(held, name) for name in Held.__slots__ if name not in ("scopes", "owns_app"))
    if not all(isinstance(each, str) for each in texts) or not isinstance(held.owns_app, bool):
        raise TypeError("not a sign-in")
    return held
