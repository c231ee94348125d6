"""What the outbox gives out: which message leaves next, claimed and written from the cases as they stand.

State is looked at again at this moment, so that an answer in between cancels what is no longer needed; quiet hours and
the hour's measure put off, and many at once become one brief.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from alerts import Alert, Channel, Editor, Letter, LooksUp
from monitor.notify import rendering
from monitor.settings.rules import Rules
from monitor.store import cases, deliveries
from monitor.store.database import Database
from monitor.store.deliveries import Delivery

log = logging.getLogger("earful.outbox")

LEASE = timedelta(minutes=5)
LOOK_UPS = 5  # unsure answers before an unknown message is sent again, marked as a possible repeat


@dataclass(frozen=True, slots=True)
class Job:
    """One claimed message. `carried` are the rows that share its fate; `earlier` is what its last attempt spoke of."""

    delivery: Delivery
    fence: int
    message: Alert | Letter
    carried: tuple[str, ...]
    cases: tuple[str, ...]
    root: Delivery
    unsure: bool
    earlier: tuple[str, ...]


class Outbox:
    """Gives out what is owed, for a set of rules. May serve several threads: a claim holds against all others."""

    def __init__(
        self, database: Database, rules: Rules, channels: Mapping[str, Channel], link: rendering.SignedLink
    ) -> None:
        self.database = database
        self.rules = rules
        self.channels = channels
        self.link = link

    def in_place(self, row: Delivery) -> bool:
        """An edit that a person waits for. It does not count against new messages; one that only counts on does."""
        return row.action == "edit" and row.urgent and isinstance(self.channels[row.channel], Editor)

    def claim(self, target: str, now: datetime, *, only_edits: bool = False) -> Job | None:
        """Choose the next message for a target and mark it in flight; None when nothing has to leave now."""
        with self.database.transaction():
            rows = [
                row
                for row in deliveries.due(self.database, target, now)
                if (self.in_place(row) or not only_edits) and self._still_needed(row, now)
            ]
            gathered = self._gather(rows, target, now)
            for row in gathered:
                job = self._prepare(row, now)
                if job is not None:
                    return job
        return None

    def _still_needed(self, row: Delivery, now: datetime) -> bool:
        """Drop what an answer has overtaken; put off what quiet hours or the hour's measure hold back."""
        kind, _, key = row.about.partition(":")
        if row.action == "post" and kind == "story":
            found = [each for each in cases.of_story(self.database, key) if each.lane == "ping" and not each.quiet]
            if all(case.state_at(now) in {"answered", "closed"} for case in found):
                deliveries.drop(self.database, row.id, "answered or closed before it was told")
                return False
        if row.action == "post" and kind == "case":
            case = cases.one(self.database, key)
            overtaken = {"answered", "closed"}
            if row.step > 0:  # a reminder; what is new of a case is told to whoever has it, too
                overtaken |= {"snoozed", "waiting"} | (set() if row.payload.get("owner") else {"taken"})
            if case is None or case.state_at(now) in overtaken:
                deliveries.drop(self.database, row.id, "somebody has it")
                return False
        edits = row.action == "edit" and isinstance(self.channels[row.channel], Editor)
        if edits or kind in {"notice", "digest"} or (row.urgent and row.action == "post"):
            return True
        if self.rules.quiet_target(row.target) and self.rules.quiet.is_quiet(now):
            deliveries.put_off(self.database, row.id, self.rules.quiet.quiet_until(now))
            return False
        return True

    def _gather(self, rows: list[Delivery], target: str, now: datetime) -> list[Delivery]:
        """Many at once become one brief; a brief that was sent a moment ago is edited instead of a second one."""
        firsts = [
            row
            for row in rows
            if row.action == "post"
            and row.about.startswith(("story:", "case:"))
            and row.state in {"pending", "retry"}  # what may have arrived is looked up under its own key
            and not row.plain
        ]
        settings = self.rules.settings.alerts
        if len(firsts) <= settings.brief_over:
            return [row for row in rows if not self._over_the_hour(row, target, now)]
        others = [row for row in rows if row not in firsts]
        urgent = [row for row in firsts if row.urgent][: settings.brief_over]
        gathered = [row for row in firsts if row not in urgent]
        recent = deliveries.last_brief(self.database, target, now - settings.edit_every)
        if recent is not None and recent.state in {"pending", "retry", "unknown"}:
            deliveries.carry(self.database, recent.id, [row.id for row in gathered])
            return [*urgent, *others] if recent in others else [*urgent, recent, *others]
        if recent is not None:
            if isinstance(self.channels[target.partition(":")[0]], Editor) and recent.receipt:
                deliveries.carry(self.database, recent.id, [row.id for row in gathered])
                deliveries.queue_edit(self.database, recent, now, now, "grown")
            return [*urgent, *others]  # without edits they wait for the next brief
        row = deliveries.new_row(
            about=f"brief:{target}:{now.isoformat()}",
            target=target,
            now=now,
            due_at=now,
            reason="several at once",
            priority=gathered[0].priority,
        )
        deliveries.queue(self.database, [row])
        deliveries.carry(self.database, row["id"], [each.id for each in gathered])
        brief = deliveries.one(self.database, row["id"])
        assert brief is not None
        return [*urgent, brief, *others]

    def _over_the_hour(self, row: Delivery, target: str, now: datetime) -> bool:
        """Reminders beyond the hour's measure are put off, and so gather into one brief."""
        told_anew = row.action == "edit" and not isinstance(self.channels[row.channel], Editor)
        if not told_anew and (row.urgent or row.step == 0 or row.action != "post"):
            return False
        most = self.rules.settings.alerts.messages_per_hour
        if deliveries.sent_since(self.database, target, now - timedelta(hours=1), edits=told_anew) < most:
            return False
        deliveries.put_off(self.database, row.id, now + timedelta(minutes=10))
        return True

    def _prepare(self, row: Delivery, now: datetime) -> Job | None:
        channel = self.channels[row.channel]
        root = row
        if row.action == "edit":
            found = deliveries.one(self.database, row.thread_of)
            if found is None or found.state in {"pending", "retry", "dead"}:
                deliveries.drop(self.database, row.id, "the message itself is still to be sent")
                return None
            if found.state != "sent":
                deliveries.put_off(self.database, row.id, now + timedelta(seconds=2))
                return None
            root = found
            if not isinstance(channel, Editor) and row.reason != "grown":
                deliveries.drop(self.database, row.id, "this channel cannot change what it has said")
                return None
        message, carried, about = self._message(row, root, now)
        payload = (
            {**row.payload}
            if isinstance(message, Letter) or message.kind == "notice"
            else {**_kept(row), "carried": [each.id for each in carried], "told": list(about)}
        )
        fence = deliveries.claim(self.database, row, now, now + LEASE, payload)
        if fence is None:
            return None
        return Job(
            delivery=row,
            fence=fence,
            message=message,
            carried=tuple(each.id for each in carried if each.state in {"pending", "retry", "unknown"}),
            cases=about,
            root=root,
            unsure=row.state == "unknown",
            earlier=tuple(row.payload.get("carried", ())),
        )

    def _message(
        self, row: Delivery, root: Delivery, now: datetime
    ) -> tuple[Alert | Letter, list[Delivery], tuple[str, ...]]:
        kind = root.about.partition(":")[0]
        if kind == "digest":
            letter = row.payload
            return Letter(row.id, letter["subject"], letter["html"], letter["text"], letter.get("headers", {})), [], ()
        if kind == "notice":
            return rendering.notice(row), [], ()
        carried = deliveries.carried_by(self.database, root.id) if kind == "brief" else []
        try:
            made = rendering.compose(
                self.database, self.rules, root, carried or [root], now, link=self.link, revision=row.revision
            )
        except Exception as error:  # noqa: BLE001 - one case that cannot be shown must not hold up the others
            log.error("delivery %s cannot be composed (%s); a plain line is sent instead", row.id, type(error).__name__)
            plain = Alert(
                key=root.id,
                reason=row.reason,
                title=f"A case could not be shown ({root.about}); look at it with: earful cases",
                entries=(),
                thread=root.story_id or root.about,
                revision=row.revision,
            )
            return plain, carried, ()
        alert = made.alert
        looks_up = isinstance(self.channels[row.channel], LooksUp)
        if row.state == "unknown" and (row.attempts >= LOOK_UPS or not looks_up):
            alert = replace(alert, footer="possible repeat: it is not known whether this arrived before")
        return alert, carried, tuple(case.id for case in made.cases)


def _kept(row: Delivery) -> dict[str, Any]:
    return {key: value for key, value in row.payload.items() if key in {"ping", "cases", "footer", "owner"}}


def resend_dead(database: Database, now: datetime) -> int:
    """Send dead letters once more; how many."""
    with database.transaction():
        for name in deliveries.channel_health(database):
            deliveries.channel_mended(database, name)
        return deliveries.revive(database, now)
