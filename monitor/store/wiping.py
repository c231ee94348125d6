"""Overwriting what was emptied: until then the words stand in free pages, the index of the search and the log.

An erasure owes it (`owe`); whoever erased does it (`wipe`), else the daemon within a minute. It does so once a day
in any case: retention and deletions leave words in the index of the search until its parts are merged.
"""

from __future__ import annotations

import logging
from datetime import datetime

from monitor.store import key_values
from monitor.store.columns import personal_tables
from monitor.store.database import Database, DatabaseBusy, instant, stamp

log = logging.getLogger("earful.forgetting")

_OWED = "wiping: owed"
_WHOLE = "wiping: whole file"


def owe(database: Database, now: datetime) -> None:
    """Words were emptied that are to be overwritten soon. Inside the transaction that emptied them."""
    key_values.remember(database, _OWED, stamp(now), now)


def owed(database: Database) -> datetime | None:
    """Since when something is to be overwritten; None for nothing."""
    return instant(key_values.fact(database, _OWED))


def wipe(database: Database, now: datetime, seconds: float = 20.0) -> bool:
    """Overwrite what was emptied; whether nothing of it is left. Others may hold it up, for `seconds` at most."""
    since = key_values.fact(database, _OWED)
    if not key_values.fact(database, _WHOLE):  # what earlier versions emptied was never overwritten
        try:
            database.overwrite_all(personal_tables())
            key_values.remember(database, _WHOLE, "yes", now)
        except DatabaseBusy as error:
            log.warning("data deleted by earlier versions is not overwritten yet: %s", error)
    done = database.overwrite(personal_tables(), seconds)
    if done and since:
        with database.transaction():
            if key_values.fact(database, _OWED) == since:  # else somebody has erased meanwhile
                key_values.remember(database, _OWED, "", now)
        database.checkpoint()
    return done
