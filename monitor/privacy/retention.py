"""What is forgotten because its time is over: posts of each source, and what else is kept for a while only."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from monitor.privacy.forgetting import forget
from monitor.settings.models import Settings
from monitor.store import arrived, assistant, competitors, key_values, post_keys, to_forget, unjudged
from monitor.store import forgetting as store
from monitor.store.database import Database

log = logging.getLogger("earful.forgetting")

COPIES = timedelta(days=30)  # those that Earful makes of the whole database; after these nobody goes back to them
PRESSES = timedelta(days=30)  # Slack tells a press again within minutes; a program may repeat itself for days
_CAUGHT_UP = "forgetting: caught up"


def retain(database: Database, settings: Settings, now: datetime, stopping: Callable[[], bool] = lambda: False) -> int:
    """Forget what is older than its source keeps it, in small batches; how many posts."""
    forgotten = _catch_up(database, now, stopping)
    post_keys.catch_up(database, now, stopping)
    for source in to_forget.sources_with_posts(database):
        before = now - settings.retention_of(source)
        while posts := to_forget.aged(database, source, before):
            _forget(database, posts, now)
            forgotten += len(posts)
            if stopping():
                return forgotten
    names = [each.name for each in settings.competitors]
    while posts := competitors.without_purpose(database, names):
        _forget(database, posts, now)
        forgotten += len(posts)
        if stopping():
            return forgotten
    while posts := to_forget.strangers(database):
        _forget(database, posts, now)
        forgotten += len(posts)
        if stopping():
            return forgotten
    store.trim(database, now - PRESSES)
    arrived.trim(database, now)
    assistant.trim(database, now)
    for source in to_forget.sources_with_unread(database):
        before = now - settings.retention_of(source)
        store.trim_aside(database, source, before)
        arrived.trim_unread(database, source, before)
        unjudged.trim(database, source, before)
    old = [name for name, until in copies_until(database).items() if until <= now]
    if old and not database.delete_copies(old):
        log.info("deleted after %d days: %s", COPIES.days, ", ".join(old))
    return forgotten


def copies_until(database: Database) -> dict[str, datetime]:
    """The copies that Earful made of the whole database by itself, and when each is deleted."""
    return {name: made + COPIES for name, made in database.copies().items()}


def _forget(database: Database, posts: list[str], now: datetime) -> None:
    with database.transaction():
        forget(database, posts, (), now, "purged_at")


def _catch_up(database: Database, now: datetime, stopping: Callable[[], bool]) -> int:
    """Once: what versions before this one left of posts and cases that they emptied."""
    if key_values.fact(database, _CAUGHT_UP):
        return 0
    found = 0
    while not stopping():
        posts, cases = to_forget.left_behind(database)
        with database.transaction():
            store.forget(database, posts, cases, now, "purged_at")
            if not posts and not cases:
                key_values.remember(database, _CAUGHT_UP, "yes", now)
                break
        found += len(posts)
    return found
