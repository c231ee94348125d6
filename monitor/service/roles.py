"""What a process may do for the others: read sources, judge what was read, tell people, serve the page."""

from __future__ import annotations

from collections.abc import Collection

from monitor.store.workers import ROLES, Role

ALL: frozenset[Role] = frozenset(ROLES)


class UnknownRoleError(ValueError):
    """No process can do that; the message says what there is."""


def read_roles(text: str) -> frozenset[Role]:
    """The roles that somebody wrote, such as "judge,page"; all for nothing. Raises UnknownRoleError."""
    named = [word.strip() for word in text.split(",")] if text.strip() else [*ROLES]
    for word in named:
        if word not in ALL:
            raise UnknownRoleError(f"{word!r} is not a role; write one or more of {','.join(ROLES)}")
    return frozenset(in_order(named))


def in_order(roles: Collection[str]) -> tuple[Role, ...]:
    """The roles as people are shown them."""
    return tuple(role for role in ROLES if role in roles)
