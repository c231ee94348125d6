"""What sources cost: this month so far, what it comes to at this pace, and what may be spent at most."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from connectors.budget import forecast
from monitor.settings.competitors import costs, reads
from monitor.settings.models import Settings, Source
from monitor.store import key_values, sources
from monitor.store.connect import Error, open_database
from monitor.store.database import Database, DatabaseUnusable, instant
from monitor.store.sources import Health


def budget_of(source: Source) -> float | None:
    """The most that a source may cost in a month, None where it has no such bound or costs nothing."""
    found = getattr(source.options, "monthly_budget", None)
    return float(found) if found is not None else None


def foreseen(database: Database, health: Health, now: datetime) -> float:
    """What this month comes to at the pace so far."""
    return forecast(health.spent_in(now), now, instant(key_values.fact(database, "installed_at")))


def cost_line(source: Source, spent: float, ahead: float, now: datetime) -> str:
    """Where a month's bill stands, in a sentence."""
    budget = budget_of(source)
    bound = f"{source.name} may cost ${budget:.2f} a month" if budget is not None else f"{source.name} has no budget"
    if not spent:
        return f"{bound}; nothing was spent in {now:%B} so far"
    line = f"{bound}; ${spent:.2f} spent in {now:%B} so far, about ${ahead:.2f} by its end at this pace"
    if budget is not None and ahead > budget:
        line += f": reading is spread over the month, and stops at ${budget:.2f}"
    return line


def lines(settings: Settings, now: datetime) -> list[str]:
    """One line for each source that costs money, from the database where there is one already."""
    paid = [source for source in settings.sources if source.enabled and costs(source)]
    known: dict[str, tuple[float, float]] = {}
    url = settings.database.url.get_secret_value()
    if paid and (not url.startswith("sqlite:") or Path(url.removeprefix("sqlite:")).is_file()):
        try:
            database = open_database(url)
            try:
                health = sources.all_health(database) if database.has_table("sources") else {}
                known = {name: (each.spent_in(now), foreseen(database, each, now)) for name, each in health.items()}
            finally:
                database.close()
        except (*Error, DatabaseUnusable):
            known = {}  # `earful status` says what is wrong with it
    found = [cost_line(source, *known.get(source.name, (0.0, 0.0)), now) for source in paid]
    return [*found, *_of_competitors(settings, paid)]


def _of_competitors(settings: Settings, paid: Sequence[Source]) -> list[str]:
    """What reading competitors costs, a sentence a source; what it would, where they are not read."""
    names = ", ".join(each.name for each in settings.competitors)
    found = []
    for source in paid if names else ():
        price = getattr(getattr(source.options, "prices", None), "post", None)
        each = f"${price:g} a post" if price is not None else "as much as your own"
        if reads(settings, source):
            found.append(f"{source.name} is also searched for {names}: {each}, within the same budget")
        else:
            found.append(f"{source.name} is not searched for {names}; with competitors = true it is, at {each}")
    return found
