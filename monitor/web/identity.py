"""Who somebody is on the page, what their role may do, and how they are told that it may not."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.people.identity import NOBODY, Actor
from monitor.people.roles import RANK, ROLES, Role

__all__ = ["RANK", "ROLES", "Identity", "Refusal", "Role"]


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

    def may(self, role: str) -> bool:
        """Whether this person may do what asks for `role`."""
        return RANK[self.role] >= RANK[role]
