"""The auditor: twice a minute it proves that nothing is forgotten, and mends what it can.

Each flagged mention has a case or a recorded reason why not; each open case a next step; each delivery a future; each
alert reached somebody; each source was heard of or is declared failing. Only then is an outside dead-man address told.
systemd asks something else, whether the loop lives: see heartbeat.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from alerts.case import Case
from alerts.wording import count_words
from connectors.http import Http
from monitor.ingest import failing_sources, source_health
from monitor.notify.system_notices import queue_notice, settle
from monitor.reports.at_work import undone
from monitor.service.sparing_log import spare
from monitor.store import (
    case_log,
    cases,
    channel_health,
    deliveries,
    deliveries_owed,
    disk,
    key_values,
    mentions,
    watchdog_queries,
)
from monitor.store.connect import Away, Error, reason
from monitor.store.database import Row, at, by_its_clock, stamp
from monitor.timeouts import Overran, within
from monitor.wiring import Assembly

log = logging.getLogger("earful.audit")

GRACE = timedelta(minutes=1)  # what is that young may still be on its way
LATE = timedelta(minutes=15)
UNDONE = timedelta(minutes=3)  # after which the operator is told of a role that no process has
_UNDONE = "without a worker: since"


class Audit:
    """Runs over an assembly; remembers what it found, for `status` and the health page.

    What it can mend it mends within the same run and counts; what is left are findings, and while there are any,
    nobody outside is told that all is well.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.findings: tuple[str, ...] = ()
        self.mended = 0
        self._began: datetime | None = None

    def run(self, assembly: Assembly) -> bool:
        """Audit once; whether all is well."""
        now = self.clock()
        try:
            if self._began is None:
                self._began = now
                source_health.note_stop(assembly.database, now)
            self.findings = tuple(self._find(assembly, now))
            source_health.look(assembly.database, assembly.rules, now)
            with assembly.database.transaction():
                key_values.remember(assembly.database, "audit", "; ".join(self.findings), now)
        except Error as error:
            said = f"the database does not answer ({disk.why(error)})"
            self.findings = (Away(said) if isinstance(reason(error), Away) else said,)
        spare(any("the disk is full" in finding for finding in self.findings))
        for finding in self.findings:
            log.error("audit: %s", finding)
        if not self.findings:
            self._tell_outside(assembly)
        return not self.findings

    def _find(self, assembly: Assembly, now: datetime) -> list[str]:
        database = assembly.database
        with database.transaction():
            mended = [line for line in self._mend(assembly, now) if line]
            found = list(self._left_alone(assembly, now))
        for line in mended:
            log.warning("audit: mended: %s", line)
        if not_stored := disk.fault(database, now):
            found.append(f"can't store anything: {not_stored}")
        orphans = mentions.count_orphans(database, now - GRACE)
        if orphans:
            found.append(f"{orphans} flagged mentions have neither a case nor a reason for not having one")
        owed, since = watchdog_queries.owed_alerts(database, now - LATE, assembly.rules.unwatched)
        if owed and since is not None:
            alerts = count_words(owed, "alert has", "alerts have")
            found.append(f"{alerts} reached nobody since {since:%Y-%m-%d %H:%M} UTC")
        oldest = deliveries_owed.oldest_waiting(database)
        standing = channel_health.standing(database)
        held = owed > 0 or bool(standing.down_channels() or standing.failing_targets())
        if oldest is not None and now - oldest > LATE and not held:
            found.append(
                f"a message has been waiting since {oldest:%Y-%m-%d %H:%M} UTC although all channels seem to work"
            )
        found += self._not_read(assembly, now)
        with database.transaction():
            found += self._undone(assembly, now)
        return found

    def _mend(self, assembly: Assembly, now: datetime) -> Iterator[str]:
        """Give a future again to what has lost it; what was mended, in words. Inside a transaction."""
        database, rules = assembly.database, assembly.rules
        idle = self._mend_each(
            lambda: watchdog_queries.cases_without_next_step(database),
            lambda row: self._remind_again(assembly, cases.case_of(row), now),
        )
        yield self._counted(idle, "open case without a next step", "open cases without a next step")
        untold = self._mend_each(
            lambda: watchdog_queries.cases_never_told(database, now - GRACE), lambda row: self._tell(assembly, row, now)
        )
        yield self._counted(untold, "case nobody was alerted about", "cases nobody was alerted about")
        left = watchdog_queries.left_in_flight(database, by_its_clock(database, now) - GRACE)
        if left:
            deliveries.recover(database, now, all_of_them=False)
        yield self._counted(left, "delivery left in flight", "deliveries left in flight")
        for name, number in watchdog_queries.end_without_channel(database, assembly.alerting.channels).items():
            queue_notice(
                database,
                rules,
                f"gone:{name}:{now:%Y-%m-%d}",
                f"{count_words(number, 'message')} for the channel {name} can't be sent: it is not in the settings",
                f"add the channel {name} again and run earful alert resend; earful cases lists what is open",
                now,
                not_on=name,
            )
            yield self._counted(number, f"delivery for {name}", f"deliveries for {name}")

    def _left_alone(self, assembly: Assembly, now: datetime) -> Iterator[str]:
        """Cases that people are called for and that nobody would ever be told of again. Each gets a step, and yet it is
        a finding: it was left alone for nobody knows how long. Inside a transaction.
        """
        alone = self._mend_each(
            lambda: watchdog_queries.cases_left_alone(assembly.database),
            lambda row: self._remind_again(assembly, cases.case_of(row), now),
        )
        if alone:
            yield f"{count_words(alone, 'untaken case')} had no next step"
        late = watchdog_queries.steps_not_done(assembly.database, now - LATE)
        if late:
            yield f"{count_words(late, 'case')} should have had a reminder at least {LATE // GRACE} minutes ago"

    @staticmethod
    def _mend_each(ask: Callable[[], list[Row]], mend: Callable[[Row], None]) -> int:
        """Mend whatever the question finds, and ask again until it finds nothing new; how many that were."""
        mended: set[str] = set()
        while rows := [row for row in ask() if row["id"] not in mended]:
            for row in rows:
                mend(row)
                mended.add(row["id"])
        return len(mended)

    def _counted(self, number: int, one: str, many: str) -> str:
        self.mended += number
        return count_words(number, one, many) if number else ""

    @staticmethod
    def _remind_again(assembly: Assembly, case: Case, now: datetime) -> None:
        """The next step that its rules give; one that has none left although somebody has the case: ask about it."""
        moment = assembly.rules.next_step_at(case, now)
        if moment is None and case.owner:
            moment = assembly.rules.claim_expiry(case.priority, now)
            cases.change(assembly.database, case.id, claim_expires_at=moment)
        cases.change(assembly.database, case.id, next_step_at=moment or now)
        case_log.note(assembly.database, case.id, now, "mended", way="audit", part="next step")

    @staticmethod
    def _tell(assembly: Assembly, row: Row, now: datetime) -> None:
        targets = json.loads(row["targets"] or "[]") or assembly.rules.settings.alerts.notify
        deliveries.queue(
            assembly.database,
            [
                deliveries.new_row(
                    about=f"story:{row['story_id']}",
                    target=target,
                    now=now,
                    due_at=now,
                    reason="new",
                    story_id=row["story_id"],
                    priority=row["priority"],
                    urgent=row["priority"] == "critical",
                )
                for target in targets
            ],
        )
        case_log.note(assembly.database, row["id"], now, "mended", way="audit", part="alert")

    @staticmethod
    def _undone(assembly: Assembly, now: datetime) -> Iterator[str]:
        """A role that no process has. Inside a transaction: the next to look may be another process."""
        database, left = assembly.database, undone(assembly.database)
        kept = key_values.fact(database, _UNDONE)
        if bool(left) != bool(kept):
            key_values.remember(database, _UNDONE, stamp(now) if left else "", now)
        if not left:
            if kept:
                settle(database, f"undone:{kept}", "somebody does it again", now)
            return
        lasted = now - at(kept) if kept else timedelta()
        if lasted >= GRACE:  # else one of them is being started anew
            yield left
        if lasted >= UNDONE:
            what, _, remedy = left.partition(". ")
            queue_notice(database, assembly.rules, f"undone:{kept}", what[:1].upper() + what[1:], remedy, now)

    def _not_read(self, assembly: Assembly, now: datetime) -> Iterator[str]:
        """Sources that should have been read long ago and are not known to fail: nobody is reading them."""
        for name, health in failing_sources.asked(assembly.database, assembly.rules).items():
            if health.refused or health.failing_since is not None or self._began is None:
                continue
            due = max(health.next_due_at or self._began, self._began)  # what was due before we ran is no fault of ours
            if now - due > max(5 * assembly.rules.sources[name].every, LATE):
                yield f"{name} was due to be read at {due:%Y-%m-%d %H:%M} UTC, and is not known to be failing"

    @staticmethod
    def _tell_outside(assembly: Assembly) -> None:
        secret = assembly.settings.earful.dead_man_url
        if secret is None:
            return
        url = secret.get_secret_value()
        client = Http(trusted=(url.split("/")[2],), total_seconds=10)
        try:
            within(12, lambda: client.get(url), "dead-man")
        except (Overran, Exception) as error:  # noqa: BLE001 - the outside watch must never stop the inside
            log.warning("can't reach dead_man_url: %s", type(error).__name__)
        finally:
            client.close()
