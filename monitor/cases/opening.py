"""What follows once it is known where a post belongs: a case is opened or grows, and what is to be told is queued.

Cases of this chunk are kept in memory until all of it is written at once, inside the transaction of whoever calls.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from alerts import case_policy, ladder
from alerts.case import Case, Contact, Priority, never_answered
from monitor.cases import verbs
from monitor.cases.grouping import Stories
from monitor.people.identity import of_settings
from monitor.settings.rules import HISTORY, Routed, Rules
from monitor.store import case_log, cases, deliveries, key_values
from monitor.store.database import Database, listed, stamp
from monitor.store.stories import add_stories
from monitor.text.explanations import is_unread
from monitor.text.need import with_history
from monitor.text.similarity import repeats
from monitor.types import Judged

WRITES_AGAIN = "writes again"  # why a case is told once more, whose message then quotes the new words

Person = tuple[str, str, str]  # brand, source, author
NO_FIRST_READS: Mapping[str, datetime] = {}
STILL_CALLS = timedelta(hours=1)  # a critical post of a first read that is younger is called for at once


def urgency(gravity: case_policy.Gravity, routed: Routed) -> tuple[Priority, tuple[str, ...]]:
    """How urgent a new case is, and why: a rule may set it, and never lowers what is critical."""
    priority, reasons = case_policy.priority(gravity)
    if routed.priority is not None and not gravity.critical:
        return routed.priority, (*reasons, f"rule {routed.rule}")
    return priority, reasons


class CaseOpener:
    """The cases of one chunk of posts: `cases` are the open ones by person, `new_cases` the rows of those opened."""

    def __init__(
        self,
        database: Database,
        rules: Rules,
        stories: Stories,
        now: datetime,
        first_reads: Mapping[str, datetime] = NO_FIRST_READS,
    ) -> None:
        """`first_reads`: sources that have never been read whole, and when the one brief of what they bring is due."""
        self.database = database
        self.rules = rules
        self.stories = stories
        self.now = now
        self.cases: dict[Person, list[Case]] = {}
        self.history: dict[Person, list[Mapping[str, Any]]] = {}
        self.new_cases: dict[str, dict[str, Any]] = {}
        self.log: list[dict[str, Any]] = []
        self.outbox: list[dict[str, Any]] = []
        self.first_reads = first_reads
        self.repeating: set[str] = set()  # ids of mentions that only repeat the first words of their story
        self.numbers: Iterator[int] = iter(())  # of the next cases; looked up by whoever may open one

    def look_up(self, fresh: Iterable[Judged]) -> None:
        """Look up, at once for all, the cases of those who wrote these posts."""
        authors = [(e.post.source, e.post.author) for e in fresh if e.post.author]
        for row in cases.of_authors(self.database, authors, self.now - HISTORY):
            person = (row["brand"], row["source"], row["author"])
            self.history.setdefault(person, []).append(row)
            if not row["closed_at"]:
                self.cases.setdefault(person, []).append(cases.case_of(row))

    def next_words(self, each: Judged, person: Person) -> None:
        """Whether an outcome held: the same person's first words after their case was closed, better or not."""
        posted = stamp(each.post.posted_at)
        for row in self.history.get(person, ()):
            if row["outcome"] not in {"solved", "could_not_be_solved"} or posted <= row["closed_at"]:
                continue
            if key_values.take_period(self.database, f"next-words:{row['id']}:{row['closed_at']}", self.now):
                better = each.verdict.lane != "ping" and each.verdict.sentiment > row["worst"]
                self.log.append(case_log.new_row(row["id"], self.now, "next words", way="intake", better=better))

    def open(self, each: Judged, contact: Contact, person: Person) -> str:
        """Open a case for one mention, in the story that it belongs to; the case's id."""
        rules, post, verdict = self.rules, each.post, each.verdict
        routed = rules.route(post, each.brand, verdict)
        priority, reasons = urgency(self._gravity(each, person), routed)
        quiet = self.now - post.posted_at > rules.settings.alerts.alert_not_older_than
        tells = verdict.lane == "ping" and not quiet
        # A post dated in the future, or one found late, must not make a clock that nobody can keep or understand.
        start = min(max(post.posted_at, self.now - rules.settings.alerts.alert_not_older_than), self.now)
        # What only may need an answer has no clock until somebody takes it.
        leads = case_policy.for_leads(verdict.tags)
        clock = rules.clock(priority, start, leads=leads) if verdict.lane == "ping" else None
        number = next(self.numbers)
        case_id = str(number)
        story = case_policy.joins_story(
            contact, self.stories.near(contact), rules.alike, rules.settings.alerts.group_join
        ) or self.stories.of_harm(each, rules.settings.alerts.group_join)
        joined = story is not None
        if story is not None and repeats(post.text or post.title, contact.fingerprint, story.fingerprint):
            self.repeating.add(each.mention_id)
        if story is None:
            story = self.stories.begin(case_id, contact, self.now)
        if verdict.critical and tells:
            self.stories.is_critical(each, story)
        chain = clock.chain if clock is not None and tells else ()
        owner = of_settings(routed.owner if tells else "")
        row = cases.new_row(
            id=case_id,
            n=number,
            brand=each.brand,
            source=post.source,
            thread=contact.thread,
            author=post.author,
            lane=verdict.lane,
            priority=priority,
            priority_reasons=listed(reasons),
            opened_at=stamp(self.now),
            first_posted_at=stamp(post.posted_at),
            last_posted_at=stamp(post.posted_at),
            story_id=story.id,
            fingerprint=each.fingerprint,
            due_at=stamp(clock.due_at) if clock else "",
            resolve_due_at=stamp(clock.resolve_due_at) if clock else "",
            owner=owner.name,
            owner_id=owner.id,
            chain=ladder.chain_text(chain) if chain else "[]",
            quiet=int(quiet),
            praise=int(verdict.praise),
            targets=listed(routed.notify),
            route=routed.rule,
            tags=listed(verdict.tags),
            worst=verdict.sentiment,
            reach=post.reach,
            rating=post.rating,
            language=verdict.language,
            need=self._need(each, person),
            unread=int(is_unread(verdict) and not rules.reads(verdict.language, routed)),
        )
        if row["owner"]:
            row.update(acknowledged_at="", claim_expires_at=stamp(rules.claim_expiry(priority, self.now)))
        if each.post.source in self.first_reads and not self._calls(row):
            row["step"] = ladder.behind(chain, self.now, goes_on=priority == "critical")
        case = cases.case_of(row)
        row["next_step_at"] = stamp(rules.next_step_at(case, self.now))
        self.new_cases[case_id] = row
        self.stories.grew(story.id, post.posted_at)
        self.cases.setdefault(person, []).append(case)
        self.history.setdefault(person, []).append(row)
        self.log.append(
            case_log.new_row(
                case_id, self.now, "open", way="intake", lane=verdict.lane, priority=priority, route=routed.rule
            )
        )
        if tells:
            self._tell(row, routed.notify)
            if joined and not rules.alike(contact.fingerprint, story.fingerprint):
                self._tell_joined(row, routed.notify)
        return case_id

    def attach(self, each: Judged, case: Case, person: Person, *, edited: bool = False) -> None:
        """A further mention of a case. Only one that needs an answer moves its clocks; thanks for ours does not.

        `edited`: it is none, but new words of one that the case has.
        """
        more = 0 if edited else 1
        post, verdict = each.post, each.verdict
        from_private = self._comes_back_from_private(case, each)
        if verdict.praise or not (each.needs_case or from_private):
            self._change(case, person, mentions=more)
            return
        reply = case.answered_at is not None and post.posted_at > case.answered_at
        came_back = case.answered_at is not None and case.last_posted_at <= case.answered_at < post.posted_at
        priority, reasons = case_policy.priority(self._gravity(each, person, case.id))
        order = {"critical": 0, "urgent": 1, "normal": 2, "gentle": 3}
        if from_private and order[priority] > order["urgent"]:
            priority, reasons = "urgent", (*reasons, "writes in public again after we moved them to private messages")
        changes: dict[str, Any] = {"mentions": more, "last_posted_at": max(post.posted_at, case.last_posted_at)}
        tags = tuple(dict.fromkeys([*case.tags, *verdict.tags]))
        if tags != case.tags:
            changes["tags"] = json.dumps(tags, ensure_ascii=False)
        if case.lane == "sweep":
            changes |= self._listed_again(case, self._need(each, person, case.id))
        if came_back:
            changes |= {"asked_at": post.posted_at, "held": 0, "first_word_at": None, "sent_on": 0}
        if order[priority] < order[case.priority]:
            changes.update(priority=priority, priority_reasons=json.dumps(reasons, ensure_ascii=False))
        else:
            priority = case.priority
        first_telling = case.lane != "ping" and verdict.lane == "ping"
        fresh = self.now - post.posted_at <= self.rules.settings.alerts.alert_not_older_than
        calls = verdict.lane == "ping" and (first_telling or case.quiet)
        worse = order[priority] < order[case.priority] and order[priority] < 2  # now urgent, or critical
        # The clock of a wait runs from its first word on, however often they write before they are answered.
        waits_anew = came_back or (reply and case.due_at is None)
        came = fresh and self._waited_for(case, post.posted_at)
        if waits_anew and not fresh:
            changes["due_at"] = None  # nobody is called for it: the clock begins with the first word that calls
        elif fresh and (calls or waits_anew or worse):
            leads = case_policy.for_leads(tags)
            clock = self.rules.clock(priority, post.posted_at, again=reply, leads=leads)
            lane = "ping" if from_private or "ping" in {case.lane, verdict.lane} else case.lane
            chain = ladder.chain_text(clock.chain) if lane == "ping" else "[]"
            due_at = clock.due_at if waits_anew or case.due_at is None else min(case.due_at, clock.due_at)
            changes.update(lane=lane, quiet=0, praise=0, due_at=due_at, chain=chain, step=0)
        if case.owner and fresh and (calls or waits_anew or worse or came):
            changes["claim_expires_at"] = self.rules.claim_expiry(priority, self.now)
        if came or (fresh and (waits_anew or worse)):
            changes |= {"snoozed_until": None, "waiting_until": None, "waiting_on": ""}
        self._change(case, person, **changes)
        what = "again" if reply else "more"
        self.log.append(case_log.new_row(case.id, self.now, what, way="intake", posted_at=post.posted_at.isoformat()))
        self.stories.grew(case.story_id, post.posted_at)
        self._tell_of_more(
            next(one for one in self.cases[person] if one.id == case.id),
            WRITES_AGAIN if reply or came else "critical now" if worse and priority == "critical" else "",
            hurt="hurt" in verdict.tags,
        )

    def _tell_of_more(self, case: Case, news: str, *, hurt: bool) -> None:
        """Queue what is told of a case that grew: its story's message, and below it what is news about it."""
        if case.lane != "ping" or case.quiet:
            return
        row = self.new_cases.get(case.id) or cases.row_of(self.database, case.id)
        assert row is not None
        self._tell(row, json.loads(row["targets"] or "[]") or self.rules.settings.alerts.notify)
        if news == WRITES_AGAIN or (news and case.id not in self.new_cases):
            self._tell_again(row, news, hurt=hurt)

    def _waited_for(self, case: Case, posted_at: datetime) -> bool:
        """Whether somebody waits for these very words: the case rests until its author writes, and now they did."""
        if case.waiting_until is None or case.waiting_until <= self.now or not verbs.waits_on_customer(case):
            return False
        lines = case_log.of_case(self.database, case.id)
        said = [line.at for line in lines if line.what == "wait" and line.undone_at is None]
        return not said or posted_at > said[-1]  # what stood there before, whoever pressed has read

    def _need(self, each: Judged, person: Person, case_id: str = "") -> float:
        """How much a mention needs us, with what is known of its author."""
        gravity = self._gravity(each, person, case_id)
        if each.verdict.praise:
            return 0.0
        return with_history(each.verdict.order, contacts=gravity.contacts, unanswered=gravity.unanswered_before)

    def _listed_again(self, case: Case, need: float) -> dict[str, Any]:
        """What changes in an entry of the list that something came to: the next list names it as a new one."""
        row = self.new_cases.get(case.id) or cases.row_of(self.database, case.id)
        before = float(row["need"] or 0.0) if row is not None else 0.0
        return {"need": max(need, before), "named": 0}

    @staticmethod
    def _comes_back_from_private(case: Case, each: Judged) -> bool:
        """Whether somebody whom we sent on writes in public again: that did not end well, whatever they say."""
        return case.sent_on and case.answered_at is not None and each.post.posted_at > case.answered_at

    def _change(self, case: Case, person: Person, **changes: Any) -> None:
        """Change a case: in memory while its row is not written yet, else in the store."""
        more = changes.pop("mentions", 0)
        row = self.new_cases.get(case.id)
        if row is not None:
            row["mentions"] += more
            row.update({k: stamp(v) if v is None or isinstance(v, datetime) else v for k, v in changes.items()})
            after = cases.case_of(row)
            row["next_step_at"] = stamp(self.rules.next_step_at(after, self.now))
        else:
            current = cases.row_of(self.database, case.id)
            assert current is not None
            cases.change(self.database, case.id, mentions=current["mentions"] + more, **changes)
            stored = cases.one(self.database, case.id)
            assert stored is not None
            after = stored
            if len(changes) > 0:
                cases.change(self.database, case.id, next_step_at=self.rules.next_step_at(after, self.now))
        self.cases[person] = [after if one.id == case.id else one for one in self.cases[person]]

    def _gravity(self, each: Judged, person: Person, case_id: str = "") -> case_policy.Gravity:
        """What is known of a mention that opens a case, or joins `case_id`: that one is no earlier contact."""
        theirs = self.history.get(person, ()) if each.post.author else ()  # who gave no name is somebody else
        earlier = [row for row in theirs if row["id"] != case_id and row["lane"] == "ping"]
        verdict = each.verdict
        return case_policy.Gravity(
            critical=verdict.critical,
            sentiment=verdict.sentiment,
            needs_answer=verdict.needs_answer,
            churn=verdict.churn,
            matters=verdict.tags,
            stars=each.post.rating,
            reach=each.post.reach,
            contacts=len(earlier) + 1,
            unanswered_before=sum(1 for row in earlier if never_answered(row["answered_at"], row["outcome"])),
            praise=verdict.praise,
        )

    def _tell(self, row: Mapping[str, Any], targets: Sequence[str]) -> None:
        """Queue the first telling of a case's story; where its story was told before, that message is edited later."""
        critical = row["priority"] == "critical" and (row["source"] not in self.first_reads or self._calls(row))
        wait = self.rules.settings.alerts.group_wait
        for target in targets:
            self.outbox.append(
                deliveries.new_row(
                    about=f"story:{row['story_id']}",
                    target=target,
                    now=self.now,
                    due_at=self.now if critical else self.now + wait,
                    reason="new",
                    story_id=row["story_id"],
                    priority=row["priority"],
                    urgent=critical,
                )
            )

    def _tell_joined(self, row: Mapping[str, Any], targets: Sequence[str]) -> None:
        """Another person has joined a story: where it was told before, the measure decides how they are told of it."""
        critical = row["priority"] == "critical" and (row["source"] not in self.first_reads or self._calls(row))
        for target in targets:
            self.outbox.append(
                deliveries.new_row(
                    about=f"join:{row['id']}",
                    target=target,
                    now=self.now,
                    due_at=self.now if critical else self.now + self.rules.settings.alerts.group_wait,
                    reason="joined",
                    story_id=row["story_id"],
                    priority=row["priority"],
                    urgent=critical,
                )
            )

    def _calls(self, row: Mapping[str, Any]) -> bool:
        """Whether a case of a first read is called for at once, and not named in its brief."""
        return bool(row["priority"] == "critical" and row["first_posted_at"] > stamp(self.now - STILL_CALLS))

    def _tell_first_reads(self) -> None:
        """One brief for each target names all that the first read of a source brings, in however many visits."""
        loads: dict[tuple[str, str], list[str]] = {}
        by_story = {
            row["story_id"]: row["source"]
            for row in self.new_cases.values()
            if row["source"] in self.first_reads and not self._calls(row)
        }
        for row in self.outbox:
            if row["about"].startswith(("story:", "join:")) and not row["urgent"] and row["story_id"] in by_story:
                loads.setdefault((by_story[row["story_id"]], row["target"]), []).append(row["id"])
        for (source, target), rows in loads.items():
            brief = deliveries.new_row(
                about=f"brief:{target}:first:{source}",
                target=target,
                now=self.now,
                due_at=self.first_reads[source],
                reason="the first read",
            )
            deliveries.queue(self.database, [brief])
            standing = deliveries.one(self.database, brief["id"])
            if standing is not None and standing.state in {"pending", "retry"}:
                deliveries.put_off(self.database, brief["id"], self.first_reads[source])
                deliveries.carry(self.database, brief["id"], rows)

    def _tell_again(self, row: Mapping[str, Any], reason: str, *, hurt: bool) -> None:
        """An answered customer writes again, or it has become critical: that is news, below the same message."""
        for target in json.loads(row["targets"] or "[]"):
            self.outbox.append(
                deliveries.new_row(
                    about=f"case:{row['id']}",
                    target=target,
                    now=self.now,
                    due_at=self.now,
                    reason=reason,
                    story_id=row["story_id"],
                    priority=row["priority"],
                    urgent=row["priority"] == "critical",
                    payload={"hurt": True} if hurt else None,
                    key=f"again{row['mentions']}:{row['last_posted_at']}",
                )
            )

    def _edit_told(self, told: list[deliveries.Delivery]) -> None:
        """Stories that were told before and have grown are shown anew, at most every `edit_every`."""
        every = self.rules.settings.alerts.edit_every
        shown: dict[str, tuple[deliveries.Delivery, str]] = {}
        for delivery in told:
            if not delivery.about.startswith("story:"):
                continue
            root = deliveries.one(self.database, delivery.carrier) if delivery.carrier else delivery
            if root is not None and root.state in {"sent", "inflight", "unknown"}:
                shown.setdefault(root.id, (root, delivery.story_id))
        for _, (root, story) in sorted(shown.items()):  # in one order, as `deliveries.queue` does
            last = deliveries.last_edit_at(self.database, root.id) or root.sent_at or self.now
            urgent = any(row["priority"] == "critical" and row["story_id"] == story for row in self.new_cases.values())
            deliveries.queue_edit(
                self.database,
                root,
                self.now,
                self.now if urgent else max(self.now, last + every),
                "grown",
                urgent=urgent,
            )

    def write(self) -> None:
        """Write all of it: stories and cases, their log, and what is to be told."""
        database, grown = self.database, self.stories.grown
        told = deliveries.messages_of_stories(database, list(grown)) if grown else []
        add_stories(database, self.stories.rows)
        cases.add(database, self.new_cases.values())
        self.stories.touch()
        case_log.add(database, self.log)
        if self.outbox:
            deliveries.queue(database, self.outbox)
        if self.first_reads:
            self._tell_first_reads()
        self._edit_told(told)
