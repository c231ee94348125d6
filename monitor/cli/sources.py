"""Commands that read the sources: one round of reading, and a look at what a query would find."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Annotated

import typer

from alerts import ChannelError
from alerts.wording import count_words, with_remedy
from connectors import Batch, ConnectorError
from monitor.cli.base import Failed, app, console, line, load_settings
from monitor.ingest import preview
from monitor.service.scheduler import utc_now
from monitor.settings.competitors import costs
from monitor.settings.models import Settings, Source
from monitor.store import sources
from monitor.timeouts import Overran, within
from monitor.wiring import connector_of, know_sources, open_store, queries_of

DAY = timedelta(hours=24)


def ask(call: Callable[[], str], seconds: float) -> tuple[str, bool]:
    """One call to the outside under a deadline: what came of it in one line, and whether it went well."""
    try:
        return within(seconds, call, "check"), True
    except (ConnectorError, ChannelError) as error:
        return with_remedy(error.message, error.remedy), False
    except Overran as error:
        return str(error), False
    except Exception as error:  # noqa: BLE001 - a client library may raise anything
        return f"unexpected {type(error).__name__}", False


def first_page(settings: Settings, source: Source, back: timedelta = DAY) -> Batch:
    """Read the first page that says anything; what that costs counts against the month like anything else.

    `back` is how far it looks back.
    """
    queries = queries_of(settings)
    if not costs(source):
        return preview.first_page(connector_of(settings, source), source, queries, utc_now(), back=back)[0]
    database = open_store(settings, utc_now())
    try:
        know_sources(database, settings)
        health = sources.health(database, source.name)
        spent = health.spent_in(utc_now()) if health is not None else 0.0
        batch, cost = preview.first_page(connector_of(settings, source), source, queries, utc_now(), spent, back=back)
        if cost:
            with database.transaction():
                sources.note_cost(database, source.name, cost, utc_now())
        return batch
    finally:
        database.close()


def ask_source(settings: Settings, source: Source) -> str:
    """Read a source's first page, as one line."""
    batch = first_page(settings, source)
    return f"works; {count_words(len(batch.posts), 'post')} on the first page"


@app.command("try")
def try_(
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many posts to show.")] = 20,
) -> None:
    """Show recent posts that the query would catch. Nothing is stored."""
    settings = load_settings()
    queries = queries_of(settings)
    shown = reached = 0
    for source in settings.sources:
        if not source.enabled or shown >= limit:
            continue
        said = ""
        try:
            batch = within(source.deadline.total_seconds(), partial(first_page, settings, source), "try")
        except Exception as error:  # noqa: BLE001 - told in one line, and the next source is tried
            said = getattr(error, "message", "") or f"unexpected {type(error).__name__}"
            said = with_remedy(said, getattr(error, "remedy", ""))
        if said:
            console.print(line(("no", "red"), f" {source.name}: {said}"))
            continue
        reached += 1
        for each in preview.caught(batch, queries)[: limit - shown]:
            shown += 1
            said_by = (each.post.author, "bold")
            console.print(line((source.name, "dim"), " ", said_by, (f" ({', '.join(each.words)})", "dim")))
            console.print(line("  ", (each.post.text or each.post.title)[:200]))
    console.print(f"{count_words(shown, 'post')} shown; nothing was stored.")
    if not reached:
        raise Failed("no source could be read; see the lines above")
