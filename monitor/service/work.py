"""What is done by itself, whoever has it done: ticks, again and again, and the jobs that they hand on.

Both say to which role they belong and what has to be one over all processes. Which of the engines runs them, and how it
sees to that, they do not know.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from monitor.store.workers import ROLES, Role

__all__ = ["POOLS", "ROLES", "WATCHED", "Job", "Role", "Tick"]

# A pool has one thread. What may take long has one of its own: retention over a year of posts, and the audit, which
# has to come even while everything else is late.
POOLS = ("default", "collect", "deliver", "escalate", "press", "audit", "incidents", "keep")
WATCHED = ("default", "collect", "deliver", "escalate", "press")  # those without which the daemon does not live


@dataclass(frozen=True, slots=True)
class Tick:
    """Something that is done every so many `seconds`, in one of the pools of threads, at first `after` some more.

    It is done by one process at a time under `lock`, by each process for itself where that is empty, and only where its
    role is played (any, where it has none).
    """

    name: str
    seconds: float
    work: Callable[[], None]
    pool: str = "default"
    role: Role | None = None
    lock: str = ""
    after: float = 0.0

    def is_for(self, roles: Collection[str]) -> bool:
        """Whether a process with these roles has to see to it."""
        return self.role is None or self.role in roles


@dataclass(frozen=True, slots=True)
class Job:
    """What a tick hands on, so that it waits for nobody: `work` is called with a few names.

    Handed on with the same names it is waiting once at most. Jobs with one `lock` ("source:{0}", with the first of the
    names in it) never run at the same time; one without a lock stays in the process that hands it on.

    One of which three processes died in a row rests for an hour, unless what it `works_off` counts that by itself.
    """

    name: str
    work: Callable[..., object]
    role: Role
    lock: str = ""
    works_off: bool = False

    def named(self, names: Collection[str] = ()) -> str:
        """The name of this job with these names."""
        return "-".join([self.name, *names])

    def locked(self, names: Collection[str] = ()) -> str:
        """The name of its lock with these names."""
        return self.lock.format(*names)
