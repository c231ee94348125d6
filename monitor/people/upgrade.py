"""Databases from before people had ids, and tokens owners: the names that stand there get theirs, once."""

from __future__ import annotations

from datetime import datetime, timedelta

from monitor.people.identity import Directory, of_name
from monitor.settings.models import Settings
from monitor.store import key_values, people, web
from monitor.store.database import Database

FACT = "people have ids"
TOKENS = "tokens have owners"
OLD_TOKENS = timedelta(days=30)  # how long a token that nobody owns goes on


def give_ids(database: Database, settings: Settings, now: datetime) -> None:
    """Give the names of cases, log and labels the ids of the people who bear them; whoever else is known by name."""
    if key_values.fact(database, FACT):
        return
    directory = Directory(database, settings)
    names = [person.name for person in settings.people] + [user.name for user in web.users(database)]
    with database.transaction():
        people.give_ids(database, {name: directory.resolve(of_name(name)).id for name in names})
        key_values.remember(database, FACT, "yes", now)


def end_old_tokens(database: Database, now: datetime) -> int:
    """Tokens that were made before tokens had owners end in thirty days, once; how many there are."""
    if key_values.fact(database, TOKENS):
        return 0
    with database.transaction():
        key_values.remember(database, TOKENS, "yes", now)
        return web.end_old_tokens(database, now + OLD_TOKENS)
