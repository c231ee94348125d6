"""A new installation: what it waits for, and what its queries would catch now."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Any

from starlette.responses import Response

from connectors import ConnectorError
from monitor.ingest.preview import Caught, caught, first_page
from monitor.settings.competitors import costs
from monitor.settings.models import Settings, Source
from monitor.store import pages, sources
from monitor.timeouts import Overran, within
from monitor.web.html import page
from monitor.web.identity import Refusal
from monitor.web.routing import RequestContext, post
from monitor.wiring import connector_of, queries_of

SHOWN = 20
SECONDS = 20.0  # for one source; all are asked at once
MOST_SOURCES = 12
_ONE_AT_A_TIME = threading.Lock()  # of one process: each look is read from the networks, and may cost money


def waits_for(context: RequestContext) -> list[dict[str, Any]]:
    """While nothing has matched yet: every enabled source, when it was read and is read next; else nothing."""
    if pages.has_mentions(context.database):
        return []
    known = sources.all_health(context.database)
    return [
        {"source": source, "health": known.get(source.name)} for source in context.settings.sources if source.enabled
    ]


@post("/try", role="lead")
def try_now(context: RequestContext) -> Response:
    """Read the first page of each source now and show what the queries catch. Nothing of it is stored."""
    if not _ONE_AT_A_TIME.acquire(blocking=False):
        raise Refusal(409, "Someone is looking already", "Try again in half a minute.", wait=20)
    try:
        found, faults = _look(context)
    finally:
        _ONE_AT_A_TIME.release()
    return page(
        context, "try.html", title="What your query finds now", found=found[:SHOWN], more=len(found) - SHOWN,
        faults=faults, brands=[brand.name for brand in context.settings.brands],
    )  # fmt: skip


def _look(context: RequestContext) -> tuple[list[Caught], list[tuple[str, str]]]:
    """(what is caught, the newest first, (source, why it could not be read))."""
    asked = [source for source in context.settings.sources if source.enabled][:MOST_SOURCES]
    known = sources.all_health(context.database)
    queries = queries_of(context.settings)
    found: list[Caught] = []
    faults: list[tuple[str, str]] = []
    with ThreadPoolExecutor(len(asked) or 1, thread_name_prefix="try") as pool:
        reading = {
            source.name: pool.submit(
                _read, context.settings, source, queries, context.now, _spent(known.get(source.name), context.now)
            )
            for source in asked
        }
        for source in asked:
            try:
                batch, cost = reading[source.name].result()
            except (ConnectorError, Overran) as error:
                faults.append((source.name, getattr(error, "message", "") or str(error)))
                continue
            except Exception as error:  # noqa: BLE001 - a client library may raise anything; its words may hold a key
                faults.append((source.name, f"unexpected {type(error).__name__}"))
                continue
            found += caught(batch, queries)
            if cost and costs(source):
                with context.database.transaction():
                    sources.note_cost(context.database, source.name, cost, context.now)
    return sorted(found, key=lambda each: each.post.posted_at, reverse=True), faults


def _read(settings: Settings, source: Source, queries: Any, now: datetime, spent: float) -> Any:
    return within(SECONDS, partial(first_page, connector_of(settings, source), source, queries, now, spent), "try")


def _spent(health: sources.Health | None, now: datetime) -> float:
    return health.spent_in(now) if health is not None else 0.0
