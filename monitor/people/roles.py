"""What each role may do, whichever way somebody comes: one table for the page, Slack, mails, API and commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Role = Literal["nobody", "viewer", "staff", "lead", "admin"]
RANK: Mapping[str, int] = {"nobody": 0, "viewer": 1, "staff": 2, "lead": 3, "admin": 4}
ROLES: tuple[Role, ...] = ("viewer", "staff", "lead", "admin")

# The least role for what is done; every verb of a case that is not named here asks for staff.
LEAST: Mapping[str, Role] = {
    "read": "viewer",
    "label": "staff",
    "mute": "staff",
    "desk": "lead",
    "approve reply": "lead",
    "erase": "admin",
    "export-person": "admin",
    "hold": "admin",
    "people": "admin",
    "tokens": "admin",
}
# What somebody may do who says who they are and cannot prove it: nothing that ends a case, moves it to others or
# teaches. Their own last word they may undo.
UNPROVEN = frozenset({"take", "note", "snooze", "undo"})


def least(verb: str) -> Role:
    """The least role that may do this."""
    return LEAST.get(verb, "staff")


def lower(one: Role, other: Role) -> Role:
    """The lower one of two roles."""
    return min(one, other, key=lambda role: RANK[role])
