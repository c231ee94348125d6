"""Deliberately broken variants of the daemon. Each must be caught by the walk, or the walk proves nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import datetime

from alerts import Receipt
from connectors import Batch
from monitor.cases.assignment import IngestResult
from monitor.ingest.collector import Collector
from monitor.ingest.turns import Turn
from monitor.notify.outbox import Job
from monitor.notify.sender import Alerting
from monitor.settings.models import Source
from monitor.store import sources
from monitor.wiring import Assembly


class CursorFirst(Collector):
    """Commits the cursor before the posts of its page."""

    def _keep(self, source: Source, what: str, batch: Batch, turn: Turn, clock: Callable[[], datetime]) -> IngestResult:
        with self.database.transaction():
            sources.save_cursor(self.database, source.name, what, batch.cursor, clock(), complete=batch.complete)
        return super()._keep(source, what, batch, turn, clock)


class MarkedBeforeSent(Alerting):
    """Writes "sent" before it sends."""

    def _attempt(self, job: Job, clock: Callable[[], datetime]) -> bool:
        self._sent(job, Receipt(), clock(), looked_up=False)
        receipt = self._send(self.channels[job.delivery.channel], job)
        self.database.run(
            "UPDATE deliveries SET receipt = :receipt WHERE id = :id",
            {"receipt": receipt.reference, "id": job.delivery.id},
        )
        return True


class SentBeforeMarked(Alerting):
    """Sends while the row still stands as pending, and only then marks it in flight."""

    def _attempt(self, job: Job, clock: Callable[[], datetime]) -> bool:
        self._mark(job, "pending")
        receipt = self._send(self.channels[job.delivery.channel], job)
        self._mark(job, "inflight")
        self._sent(job, receipt, clock(), looked_up=False)
        return True

    def _mark(self, job: Job, state: str) -> None:
        self.database.run(
            "UPDATE deliveries SET state = :state WHERE id = :id", {"state": state, "id": job.delivery.id}
        )


def _collecting(assembly: Assembly) -> Assembly:
    old = assembly.collector
    return dataclasses.replace(
        assembly,
        collector=CursorFirst(
            old.database, old.rules, old.intake, old.answers, old.connectors, assembly.queries, old.tell_operator
        ),
    )


def _telling(kind: type[Alerting]) -> Callable[[Assembly], Assembly]:
    def broken(assembly: Assembly) -> Assembly:
        old = assembly.alerting
        return dataclasses.replace(assembly, alerting=kind(old.database, old.rules, old.channels, old.link))

    return broken


VARIANTS: dict[str, Callable[[Assembly], Assembly]] = {
    "cursor-first": _collecting,
    "marked-before-sent": _telling(MarkedBeforeSent),
    "sent-before-marked": _telling(SentBeforeMarked),
}
