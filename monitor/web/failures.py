"""Whoever sends what can't be proved, again and again, has to wait: at the door and where a pager tells.

Each refused request has cost a body that was read and a signature that was worked out; the wait bounds both, and how
many guesses a minute has.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from monitor.web.identity import Refusal

MOST_FAILURES = 30  # of one client in a minute
FORGIVEN = timedelta(minutes=1)
MOST_CLIENTS = 10_000  # whose failures are counted


class Failures:
    """Who sent what could not be proved, how often, since when. For the one loop of the page: it takes no lock."""

    def __init__(self) -> None:
        self._since: dict[str, tuple[datetime, int]] = {}

    def bear(self, client: str, now: datetime) -> None:
        """Turn a client away that has to wait, before anything of it is read. Raises Refusal."""
        if self.too_many(client, now):
            raise Refusal(429, "Too many requests that could not be proved", "Try again in a minute.", wait=60)

    def too_many(self, client: str, now: datetime) -> bool:
        """Whether a client has to wait."""
        since, count = self._since.get(client, (now, 0))
        return count >= MOST_FAILURES and timedelta() <= now - since < FORGIVEN

    def note(self, client: str, now: datetime) -> None:
        """One more."""
        if len(self._since) >= MOST_CLIENTS:
            self._since.clear()
        since, count = self._since.get(client, (now, 0))
        self._since[client] = (since, count + 1) if timedelta() <= now - since < FORGIVEN else (now, 1)
