"""Sources that need a file of the machine that reads them: the sign-in that they renew, the folder that they watch.

Of several processes only those read such a source that have its file: of a folder each, for the files in it are its
machine's; of a sign-in one as long as it lives, for a copy of it that another machine has is worth nothing once the
network has given a new one. A lease says who; where nobody has it, whoever looks tries, so that people hear what is
missing. A database that is a file has one daemon, which reads everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from connectors import ConnectorError
from monitor.store.leases import Lease, Leases

LEASE = timedelta(seconds=60)
PATIENCE = timedelta(minutes=2)  # before a process says that nobody has a file: who has it may be starting


class OwnFiles:
    """Knows of each such source where its file would be on this machine."""

    def __init__(self, leases: Leases, files: Mapping[str, Path]) -> None:
        self._leases = leases
        self._files = files if leases.needed else {}
        self._held: dict[str, Lease] = {}
        self._began = leases.steady()

    def needed(self, source: str) -> bool:
        """Whether a source is read only where its file is."""
        return source in self._files

    def ours(self) -> frozenset[str]:
        """Those that this process is to read; says to the others that it has their files."""
        found = {name: path for name, path in self._files.items() if path.exists()}
        here = [name for name, path in found.items() if self._says_so(name) or path.is_dir()]
        away = self._files.keys() - found.keys()
        if not away or self._leases.steady() - self._began < PATIENCE.total_seconds():
            return frozenset(here)
        elsewhere = self._leases.others()
        return frozenset([*here, *(name for name in away if lease_of(name) not in elsewhere)])

    def _says_so(self, name: str) -> bool:
        """Whether it is this process that says to the others that there is the file."""
        held = self._leases.go_on(lease_of(name), self._held.get(name), LEASE, LEASE / 2)
        if held is None:
            self._held.pop(name, None)
            return False
        self._held[name] = held
        return True

    def are_elsewhere(self, source: str) -> bool:
        """Whether the file of a source is on another machine that reads, and not here."""
        path = self._files.get(source)
        return path is not None and not path.exists() and lease_of(source) in self._leases.others()

    def look(self, source: str) -> None:
        """Before a source is read: raises ConnectorError where its file is on no machine that reads."""
        path = self._files.get(source)
        if path is not None and not path.exists():
            raise ConnectorError(
                f"{path.name} is on no machine that reads sources",
                f"sign in, or make the folder, on one of them, or mount it there as {path}",
            )


def lease_of(source: str) -> str:
    """The name of the lease by which a process says that it has the file of a source."""
    return f"files:{source}"
