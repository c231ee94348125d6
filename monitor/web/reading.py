"""Whether an empty inbox means anything: what is not read at the moment, in one sentence."""

from __future__ import annotations

from datetime import timedelta

from monitor.ingest import failing_sources
from monitor.store import pages
from monitor.web.routing import RequestContext

NAMED = 5
STOPPED = timedelta(minutes=5)  # without an audit: the daemon does not run


def not_read(context: RequestContext) -> str:
    """What is not read, or was never read; empty where every source is."""
    enabled = [source.name for source in context.settings.sources if source.enabled]
    if not enabled:
        return "No source is enabled, so nothing is read."
    known = failing_sources.asked(context.database, context.rules)
    read = [name for name in enabled if name in known and known[name].last_success_at is not None]
    if not read:
        return "Nothing has been read yet, so somebody may be waiting."
    audited_at, _findings = pages.last_audit(context.database)
    if audited_at is None or context.now - audited_at > STOPPED:
        return "Earful is not running, so nothing new is read. Start it with: earful run."
    waiting = [
        name
        for name in enabled
        if name not in known or known[name].last_success_at is None or known[name].failing_since is not None
    ]
    if not waiting:
        return ""
    more = f" and {len(waiting) - NAMED} more" if len(waiting) > NAMED else ""
    verb = "is" if len(waiting) == 1 else "are"
    return f"{', '.join(waiting[:NAMED])}{more} {verb} not read at the moment, so somebody may be waiting there."
