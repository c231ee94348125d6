"""Who somebody is on the page, what their role may do, and how they are told that it may not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.people.identity import NOBODY, Actor
from monitor.people.roles import RANK, ROLES, Role

__all__ = ["RANK", "ROLES", "Identity", "Refusal", "Role"]


FRESH = timedelta(minutes=15)


class Refusal(Exception):
    """This is not done; the person sees `text` on a page with this status."""

    def __init__(self, status: int, title: str, text: str = "", *, wait: int = 0) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.text = text
        self.wait = wait  # seconds, for Retry-After


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks. `session` is the stored (hashed) id of their session, empty where there is none.

    `name` is shown; what they do is done by `actor`.
    """

    name: str
    role: Role
    csrf: str
    zone: str = ""
    session: str = ""
    way: str = "page"
    actor: Actor = NOBODY
    proven_at: datetime | None = None  # when they last showed who they are, by `proof`
    proof: str = ""  # "password", "provider"; "" where there is no session of their own
    needs_factor: bool = False  # settings demand a second factor of them, and they have none yet
    unasked: bool = False  # nothing asks them again: one person, on this machine alone
    renew: str = ""  # the secret of a session whose cookie is to be given once more

    def may(self, role: str) -> bool:
        """Whether this person may do what asks for `role`."""
        return RANK[self.role] >= RANK[role]

    def is_fresh(self, now: datetime) -> bool:
        """Whether they showed who they are just now, as what cannot be undone asks for."""
        return self.unasked or (self.proven_at is not None and now - self.proven_at <= FRESH)
