"""Which messages show a case: they are edited where it changes."""

from __future__ import annotations

from datetime import datetime, timedelta

from alerts.case import Case
from monitor.cases import night_calls
from monitor.store import deliveries
from monitor.store.database import Database

OFFERED = timedelta(days=14)  # so long a message that offers cases is kept true

# The messages that show how their cases stand, edited when that changes; a reminder is said once.
_SHOWN = ("story", "brief", "join", "lines", "growth")


def show_again(database: Database, case: Case, now: datetime, reason: str) -> None:
    """Have every message that shows this case edited in place, at once."""
    for line in night_calls.lines_with(database, case, now):
        if line.state in {"sent", "inflight", "unknown"}:
            deliveries.queue_edit(database, line, now, now, reason, urgent=True)
    for delivery in deliveries.messages_of_stories(database, [case.story_id]):
        about, _, key = delivery.about.partition(":")
        if (about in {"case", "join"} and key != case.id) or about in {"lines", "growth", "calls"}:
            continue  # what several share is found by the row of this case that it carries
        root = delivery
        if delivery.carrier:
            carrier = deliveries.one(database, delivery.carrier)
            root = carrier or delivery
        if root.state in {"sent", "inflight", "unknown"} and root.about.partition(":")[0] in _SHOWN:
            deliveries.queue_edit(database, root, now, now, reason, urgent=True)


def show_to_all(database: Database, before: Case, after: Case, now: datetime, reason: str) -> None:
    """Have every message edited that shows this case, those that offered it among them."""
    show_again(database, after, now, reason)
    if before.offered_at is not None:
        show_offers(database, after.id, now, reason)


def show_offers(database: Database, case_id: str, now: datetime, reason: str) -> None:
    """Have the messages edited that offered a case to whoever is on."""
    for offer in deliveries.offers_naming(database, case_id, now - OFFERED):
        if offer.state in {"sent", "inflight", "unknown"}:
            deliveries.queue_edit(database, offer, now, now, reason, urgent=True)
