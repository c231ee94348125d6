"""What a source that asks no network reads: what came in at the door, and the files that were put into its folder."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from connectors import Arrival, Waiting
from monitor.ingest import watched_folder
from monitor.settings.models import Source
from monitor.store import arrived
from monitor.store.database import Database


def waiting_for(database: Database, source: Source) -> Waiting:
    """What the connector of a source asks for what waits; wiring hands it over."""
    return partial(_waiting, database, source)


def _waiting(
    database: Database, source: Source, after: int, now: datetime
) -> tuple[Sequence[Arrival], tuple[str, ...]]:
    """What waits behind that number; what was read up to there is let go of."""
    arrived.let_go(database, source.name, after, now)
    folder = getattr(source.options, "folder", None)
    notices = watched_folder.take(database, source.name, folder, now) if folder is not None else ()
    return arrived.waiting(database, source.name, after), notices
