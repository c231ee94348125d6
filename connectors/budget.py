"""What reading costs, and how a month's money is spread over the month. Pure: the clock is an argument."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

WARN_AT = 0.8
# What was read today is billed once; more ids than this are not remembered, so a repeat is rather counted twice.
REMEMBERED_IDS = 500
HEAD_START = timedelta(days=1)


class BudgetState(NamedTuple):
    """How a month's budget stands.

    `fraction` is the share used (1.0 is all), `allowance_posts` how many posts may be read now, `not_before` when a
    page may be read again if that is not now, `used_up` whether that is only next month.
    """

    fraction: float
    allowance_posts: int
    not_before: datetime | None
    used_up: bool


def budget_state(spent: float, budget: float, now: datetime, post_price: float = 0.005, least: int = 10) -> BudgetState:
    """Say what may be read now. Prices and the budget are US dollars; `least` is the smallest page worth asking for.

    The budget is earned evenly over the UTC month, a day ahead, and what was not used stays: a calm week pays for
    a storm, and a storm on the first day cannot eat the month.
    """
    start, end = month_of(now)
    fraction = spent / budget if budget > 0 else 1.0
    page = least * post_price
    whole = (end - start).total_seconds()
    earned = budget * min(1.0, ((now - start) + HEAD_START).total_seconds() / whole)
    # A hair more, so that a sum of many small prices does not fall short of a whole post.
    hair = 1e-9
    if budget - spent + hair < page:
        return BudgetState(fraction, 0, end, used_up=True)
    if post_price <= 0:
        return BudgetState(fraction, 1_000_000, None, used_up=False)
    allowance = max(0, math.floor((earned - spent + hair) / post_price))
    if allowance >= least:
        return BudgetState(fraction, allowance, None, used_up=False)
    earned_at = start - HEAD_START + timedelta(seconds=math.ceil(whole * (spent + page) / budget))
    return BudgetState(fraction, 0, min(max(earned_at, now + timedelta(seconds=1)), end), used_up=False)


def month_of(now: datetime) -> tuple[datetime, datetime]:
    """Give the first moments of this UTC month and of the next."""
    start = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return start, (start + timedelta(days=32)).replace(day=1)


def forecast(spent: float, now: datetime, since: datetime | None = None) -> float:
    """What this month comes to if it goes on as so far; `since` is when reading began, should that be later.

    The first day counts as a whole one: an hour's reading says little of a month.
    """
    start, end = month_of(now)
    began = max(start, since) if since is not None else start
    passed = max((now - began).total_seconds(), HEAD_START.total_seconds())
    left = max((end - now).total_seconds(), 0.0)
    return spent + spent / passed * left


class Ledger:
    """What was spent this month and what was already paid for today, kept in a cursor as plain JSON values."""

    def __init__(self, held: object, now: datetime) -> None:
        """Read what a cursor held; a new month begins at nothing, a new UTC day bills everything anew."""
        known: dict[str, Any] = held if isinstance(held, dict) else {}
        at = now.astimezone(UTC)
        self.month, self.day = f"{at:%Y-%m}", f"{at:%Y-%m-%d}"
        same = known.get("month") == self.month
        spent = known.get("spent", 0.0)
        usable = isinstance(spent, int | float) and math.isfinite(spent) and spent > 0
        self.spent = float(spent) if same and usable else 0.0
        self.warned = bool(known.get("warned")) if same else False
        ids = known.get("ids", [])
        today = known.get("day") == self.day and isinstance(ids, list)
        self._ids: list[str] = [str(one) for one in ids] if today else []

    def book(self, ids: Iterable[str], price: float) -> float:
        """Count what was read now and give its cost in US dollars; what was read today already costs nothing."""
        known = set(self._ids)
        new = [one for one in dict.fromkeys(ids) if one not in known]
        cost = len(new) * price
        self.spent += cost
        self._ids = [*self._ids, *new][-REMEMBERED_IDS:]
        return cost

    def held(self) -> dict[str, Any]:
        """Give the values that a cursor keeps."""
        return {
            "month": self.month,
            "spent": round(self.spent, 6),
            "warned": self.warned,
            "day": self.day,
            "ids": self._ids,
        }
