"""Where judged posts belong: into a case that stands, into a new one and its story, or into none.

Everything here runs inside one short transaction: mention, case, log and what is to be told stand together, or not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from alerts import policy
from alerts.case import Case, Contact
from connectors import Post
from monitor import cases as verbs
from monitor.model import Mention, Verdict
from monitor.rules import HISTORY, Rules
from monitor.store import cases, deliveries, looks, mentions, records
from monitor.store.database import Database, listed, stamp
from monitor.text.similar import bands


@dataclass(frozen=True, slots=True)
class Judged:
    """A post about a brand with its verdict, ready to be stored. `fingerprint` is 0 where nothing is flagged."""

    post: Post
    post_id: str
    mention_id: str
    brand: str
    verdict: Verdict
    fingerprint: int
    suppressed: str


@dataclass
class Taken:
    """What an intake did. `flagged` counts new mentions that people are called for (lane "ping")."""

    seen: int = 0
    matched: int = 0
    new: int = 0
    flagged: int = 0
    opened: list[str] = field(default_factory=list)

    def add(self, other: Taken) -> None:
        """Count another one in."""
        self.seen += other.seen
        self.matched += other.matched
        self.new += other.new
        self.flagged += other.flagged
        self.opened += other.opened


@dataclass(frozen=True, slots=True)
class _Tale:
    """A story in the chunk: enough for `policy.joins_story`."""

    id: str
    brand: str
    source: str
    thread: str
    last_at: datetime
    fingerprint: int


def _places(source: str, thread: str, fingerprint: int) -> Iterator[tuple[object, ...]]:
    if thread:
        yield source, thread
    yield from enumerate(bands(fingerprint)) if fingerprint else ()


class Placing:
    """One chunk of judged posts: looked up in a few queries, decided in memory, written at once."""

    def __init__(self, database: Database, rules: Rules, judged: list[Judged], now: datetime, taken: Taken) -> None:
        """Make it inside an open transaction; what comes of it is counted into `taken`."""
        self.database = database
        self.rules = rules
        self.now = now
        self.taken = taken
        self.judged = judged
        self.mention_rows: list[dict[str, Any]] = []
        self.new_cases: dict[str, dict[str, Any]] = {}
        self.cases: dict[tuple[str, str, str], list[Case]] = {}
        self.history: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
        self.tales: dict[tuple[object, ...], list[_Tale]] = {}  # by conversation, and by each band of the words
        self.story_rows: list[dict[str, Any]] = []
        self.grown: dict[str, datetime] = {}
        self.log: list[dict[str, Any]] = []
        self.outbox: list[dict[str, Any]] = []
        self.again: list[tuple[str, Mention]] = []
        self.number = 0

    def store(self) -> None:
        """Store what is new and let everything follow from it."""
        fresh = self._store_posts()
        if not fresh:
            return
        self._look_up(fresh)
        for each in sorted(fresh, key=lambda one: (one.post.posted_at, one.mention_id)):
            self._place(each)
        self._write()

    def store_standing(self) -> None:
        """Give mentions that stand already, and had no case, one of their own."""
        self._look_up(self.judged)
        for each in self.judged:
            key = (each.brand, each.post.source, each.post.author)
            if self.cases.get(key):
                continue
            post = each.post
            contact = Contact(
                each.brand, post.source, post.author, post.thread_id or post.native_id, post.posted_at, each.fingerprint
            )
            looks.reconsider(self.database, each.mention_id, each.verdict, self._open(each, contact, key))
        self._write()

    def _store_posts(self) -> list[Judged]:
        """Insert posts that are new, refresh those that were edited; which mentions are new."""
        by_post = {each.post_id: each for each in self.judged}
        known = mentions.known_posts(self.database, list(by_post))
        seen = stamp(self.now)
        mentions.add_posts(
            self.database,
            [mentions.post_row(each.post, seen) for key, each in by_post.items() if key not in known],
        )
        for key, row in known.items():
            post = by_post[key].post
            if row["deleted_at"] or row["purged_at"]:
                continue
            if (post.text, post.title) != (row["text"], row["title"]) or post.replied_at is not None:
                mentions.edit_post(self.database, mentions.post_row(post, seen))
                self._answer_inside(by_post[key])
        gone = {key for key, row in known.items() if row["deleted_at"] or row["purged_at"]}
        standing = mentions.known_mentions(self.database, [each.mention_id for each in self.judged])
        unique = {each.mention_id: each for each in self.judged}
        return [each for key, each in unique.items() if key not in standing and each.post_id not in gone]

    def _answer_inside(self, each: Judged) -> None:
        """A review that was read before has been answered inside it since."""
        if each.post.replied_at is None:
            return
        for case_id in cases.of_posts(self.database, [each.post_id]).get(each.post_id, []):
            case = cases.one(self.database, case_id)
            if case is not None and case.closed_at is None:
                self._record_reply(case, each.post)

    def _record_reply(self, case: Case, post: Post) -> None:
        assert post.replied_at is not None
        verbs.record_answer(
            self.database,
            self.rules,
            case,
            answered_at=post.replied_at,
            who=case.brand,
            url=post.url,
            sent_on=False,
            now=self.now,
        )

    def _look_up(self, fresh: list[Judged]) -> None:
        since = self.now - HISTORY
        for row in cases.of_authors(
            self.database, [(e.post.source, e.post.author) for e in fresh if e.post.author], since
        ):
            key = (row["brand"], row["source"], row["author"])
            self.history.setdefault(key, []).append(row)
            if not row["closed_at"]:
                self.cases.setdefault(key, []).append(cases.case_of(row))
        needing = [each for each in fresh if self._needs_case(each)]
        if not needing:
            return
        self.number = cases.next_number(self.database)
        join = self.rules.settings.alerts.group_join
        earliest = min(each.post.posted_at for each in needing)
        for each in needing:
            thread = each.post.thread_id or each.post.native_id
            for place in _places(each.post.source, thread, each.fingerprint):
                self.tales.setdefault(place, [])
        for story in cases.candidate_stories(
            self.database,
            [each.post.thread_id for each in needing],
            [bands(each.fingerprint) for each in needing],
            earliest - join,
        ):
            self._know(_Tale(story.id, story.brand, story.source, story.thread, story.last_at, story.fingerprint))

    def _know(self, tale: _Tale) -> None:
        for key in _places(tale.source, tale.thread, tale.fingerprint):
            if key in self.tales:  # the places that this chunk will ask about
                self.tales[key].append(tale)

    def _near(self, contact: Contact) -> list[_Tale]:
        """The stories that a contact may belong to: few, where comparing with all of a burst would take its square."""
        found = [
            tale
            for key in _places(contact.source, contact.thread, contact.fingerprint)
            for tale in self.tales.get(key, ())
        ]
        return list({tale.id: tale for tale in found}.values())

    @staticmethod
    def _needs_case(each: Judged) -> bool:
        return each.verdict.lane != "none" and not each.suppressed

    def _place(self, each: Judged) -> None:
        """Put one new mention where it belongs: into a case that stands, into a new one, or into none."""
        post = each.post
        contact = Contact(
            each.brand, post.source, post.author, post.thread_id or post.native_id, post.posted_at, each.fingerprint
        )
        key = (each.brand, post.source, post.author)
        case = None
        if post.author and not self.rules.is_own(post):
            self._next_words(each, key)
            case = policy.joins(
                contact, self.cases.get(key, ()), self._alike_if_flagged(each), self.rules.settings.alerts.group_join
            )
        case_id = ""
        self.taken.new += 1
        if each.verdict.lane == "ping":
            self.taken.flagged += 1
        if case is not None and not each.suppressed:
            case_id = case.id
            self._attach(each, case, key)
        elif self._needs_case(each):
            case_id = self._open(each, contact, key)
        mention = Mention(
            id=each.mention_id,
            brand=each.brand,
            post=post,
            verdict=each.verdict,
            seen_at=self.now,
            case_id=case_id,
            flagged=each.verdict.lane == "ping",
            suppressed=each.suppressed,
        )
        self.mention_rows.append(mentions.mention_row(mention, each.post_id))

    def _next_words(self, each: Judged, key: tuple[str, str, str]) -> None:
        """Whether an outcome held: the same person's first words after their case was closed, better or not."""
        posted = stamp(each.post.posted_at)
        for row in self.history.get(key, ()):
            if row["outcome"] not in {"solved", "could_not_be_solved"} or posted <= row["closed_at"]:
                continue
            if records.take_period(self.database, f"next-words:{row['id']}:{row['closed_at']}", self.now):
                better = each.verdict.lane != "ping" and each.verdict.sentiment > row["worst"]
                self.log.append(
                    cases.log_row(
                        row["id"], self.now, "next words", way="intake", better=better, mention=each.mention_id
                    )
                )

    def _alike_if_flagged(self, each: Judged) -> policy.Alike:
        return self.rules.alike if self._needs_case(each) else (lambda _one, _other: False)

    def _gravity(self, each: Judged, key: tuple[str, str, str], case_id: str = "") -> policy.Gravity:
        """What is known of a mention that opens a case, or joins `case_id`: that one is no earlier contact."""
        earlier = [row for row in self.history.get(key, ()) if row["id"] != case_id and row["lane"] == "ping"]
        verdict = each.verdict
        return policy.Gravity(
            critical=verdict.critical,
            sentiment=verdict.sentiment,
            needs_answer=verdict.needs_answer,
            churn=verdict.churn,
            stars=each.post.rating,
            reach=each.post.reach,
            contacts=len(earlier) + 1,
            unanswered_before=sum(
                1 for row in earlier if not row["answered_at"] and row["outcome"] != "no_answer_needed"
            ),
            praise=verdict.praise,
        )

    def _open(self, each: Judged, contact: Contact, key: tuple[str, str, str]) -> str:
        rules, post, verdict = self.rules, each.post, each.verdict
        priority, reasons = policy.priority(self._gravity(each, key))
        routed = rules.route(post, each.brand, verdict)
        if routed.priority is not None and not verdict.critical:
            priority, reasons = routed.priority, (*reasons, f"rule {routed.rule}")
        quiet = self.now - post.posted_at > rules.settings.alerts.alert_not_older_than
        tells = verdict.lane == "ping" and not quiet
        # A post dated in the future, or one found late, must not make a clock that nobody can keep or understand.
        start = min(max(post.posted_at, self.now - rules.settings.alerts.alert_not_older_than), self.now)
        # What only may need an answer has no clock until somebody takes it.
        clock = rules.clock(priority, start) if verdict.lane == "ping" else None
        case_id = str(self.number)
        story = policy.joins_story(contact, self._near(contact), rules.alike, rules.settings.alerts.group_join)
        if story is None:
            story = self._new_story(case_id, each, contact)
        chain = clock.chain if clock is not None and tells else ()
        row = cases.new_row(
            id=case_id,
            n=self.number,
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
            owner=routed.owner if tells else "",
            chain=policy.chain_text(chain) if chain else "[]",
            next_step_at=stamp(chain[0].at) if chain else "",
            quiet=int(quiet),
            praise=int(verdict.praise),
            targets=listed(routed.notify),
            route=routed.rule,
            tags=listed(verdict.tags),
            worst=verdict.sentiment,
            reach=post.reach,
            rating=post.rating,
            language=verdict.language,
        )
        if row["owner"]:
            row.update(acknowledged_at="", claim_expires_at=stamp(rules.claim_expiry(priority, self.now)))
            row["next_step_at"] = row["claim_expires_at"]
        self.number += 1
        self.new_cases[case_id] = row
        self.grown[story.id] = max(self.grown.get(story.id, post.posted_at), post.posted_at)
        case = cases.case_of(row)
        self.cases.setdefault(key, []).append(case)
        self.history.setdefault(key, []).append(row)
        self.log.append(
            cases.log_row(
                case_id, self.now, "open", way="intake", lane=verdict.lane, priority=priority, route=routed.rule
            )
        )
        self.taken.opened.append(case_id)
        if tells:
            self._tell(row, routed.notify)
        return case_id

    def _new_story(self, case_id: str, each: Judged, contact: Contact) -> _Tale:
        tale = _Tale(case_id, each.brand, contact.source, contact.thread, contact.at, each.fingerprint)
        four = bands(each.fingerprint)
        self._know(tale)
        self.story_rows.append(
            {
                "id": case_id,
                "brand": each.brand,
                "source": contact.source,
                "thread": contact.thread,
                "opened_at": stamp(self.now),
                "last_at": stamp(contact.at),
                "fingerprint": each.fingerprint,
                **{f"band{number}": four[number] for number in range(4)},
            }
        )
        return tale

    def _tell(self, row: Mapping[str, Any], targets: Sequence[str]) -> None:
        """Queue the first telling of a case's story; where its story was told before, that message is edited later."""
        critical = row["priority"] == "critical"
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

    def _attach(self, each: Judged, case: Case, key: tuple[str, str, str]) -> None:
        """A further mention of a case. Only one that needs an answer moves its clocks; thanks for ours does not."""
        post, verdict = each.post, each.verdict
        if not self._needs_case(each) or verdict.praise:
            self._change(case, key, mentions=1)
            return
        reply = case.answered_at is not None and post.posted_at > case.answered_at
        came_back = case.answered_at is not None and case.last_posted_at <= case.answered_at < post.posted_at
        priority, reasons = policy.priority(self._gravity(each, key, case.id))
        order = {"critical": 0, "urgent": 1, "normal": 2, "gentle": 3}
        changes: dict[str, Any] = {"mentions": 1, "last_posted_at": max(post.posted_at, case.last_posted_at)}
        if came_back:
            changes["asked_at"] = post.posted_at
        if order[priority] < order[case.priority]:
            changes.update(priority=priority, priority_reasons=json.dumps(reasons, ensure_ascii=False))
        else:
            priority = case.priority
        first_telling = case.lane != "ping" and verdict.lane == "ping"
        fresh = self.now - post.posted_at <= self.rules.settings.alerts.alert_not_older_than
        calls = verdict.lane == "ping" and (first_telling or case.quiet)
        worse = order[priority] < order[case.priority] and order[priority] < 2  # now urgent, or critical
        if (calls or reply or worse) and fresh:
            clock = self.rules.clock(priority, post.posted_at, again=reply)
            lane = "ping" if "ping" in {case.lane, verdict.lane} else case.lane
            chain = policy.chain_text(clock.chain) if lane == "ping" else "[]"
            changes.update(lane=lane, quiet=0, praise=0, due_at=clock.due_at, chain=chain, step=0)
            if case.owner:
                changes["claim_expires_at"] = self.rules.claim_expiry(priority, self.now)
        self._change(case, key, **changes)
        what = "again" if reply else "more"
        self.log.append(cases.log_row(case.id, self.now, what, way="intake", posted_at=post.posted_at.isoformat()))
        self.grown[case.story_id] = max(self.grown.get(case.story_id, post.posted_at), post.posted_at)
        after = next(one for one in self.cases[key] if one.id == case.id)
        if after.lane == "ping" and not after.quiet:
            row = self.new_cases.get(case.id) or cases.row_of(self.database, case.id)
            assert row is not None
            self._tell(row, json.loads(row["targets"] or "[]") or self.rules.settings.alerts.notify)
            if reply:
                self._tell_again(row, "writes again")
            elif worse and priority == "critical" and case.id not in self.new_cases:
                self._tell_again(row, "critical now")

    def _tell_again(self, row: Mapping[str, Any], reason: str) -> None:
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
                    key=f"again{row['mentions']}",
                )
            )

    def _change(self, case: Case, key: tuple[str, str, str], **changes: Any) -> None:
        """Change a case: in memory while its row is not written yet, else in the store."""
        more = changes.pop("mentions", 0)
        row = self.new_cases.get(case.id)
        if row is not None:
            row["mentions"] += more
            row.update({k: stamp(v) if isinstance(v, datetime) else v for k, v in changes.items()})
            after = cases.case_of(row)
            row["next_step_at"] = stamp(policy.next_step_at(after, self.now))
        else:
            current = cases.row_of(self.database, case.id)
            assert current is not None
            cases.change(self.database, case.id, mentions=current["mentions"] + more, **changes)
            stored = cases.one(self.database, case.id)
            assert stored is not None
            after = stored
            if len(changes) > 0:
                cases.change(self.database, case.id, next_step_at=policy.next_step_at(after, self.now))
        self.cases[key] = [after if one.id == case.id else one for one in self.cases[key]]

    def _write(self) -> None:
        database = self.database
        told = deliveries.messages_of_stories(database, list(self.grown)) if self.grown else []
        cases.add_stories(database, self.story_rows)
        cases.add(database, self.new_cases.values())
        cases.touch_stories(database, self.grown)
        cases.add_log(database, self.log)
        mentions.add_mentions(database, self.mention_rows)
        if self.outbox:
            deliveries.queue(database, self.outbox)
        self._edit_told(told)
        self._answers_seen_before()
        answered = [each for each in self.judged if each.post.replied_at is not None]
        for row in self.new_cases.values() if answered else ():
            self._reply_inside(row, answered)

    def _edit_told(self, told: list[deliveries.Delivery]) -> None:
        """Stories that were told before and have grown are shown anew, at most every `edit_every`."""
        every = self.rules.settings.alerts.edit_every
        seen: set[str] = set()
        for delivery in told:
            if not delivery.about.startswith("story:"):
                continue
            root = deliveries.one(self.database, delivery.carrier) if delivery.carrier else delivery
            if root is None or root.id in seen or root.state not in {"sent", "inflight", "unknown"}:
                continue
            seen.add(root.id)
            last = deliveries.last_edit_at(self.database, root.id) or root.sent_at or self.now
            urgent = any(
                row["priority"] == "critical" and row["story_id"] == delivery.story_id
                for row in self.new_cases.values()
            )
            deliveries.queue_edit(
                self.database,
                root,
                self.now,
                self.now if urgent else max(self.now, last + every),
                "grown",
                urgent=urgent,
            )

    def _answers_seen_before(self) -> None:
        """The brand's reply may have been read before the post that it answers."""
        natives: dict[str, list[str]] = {}
        for each in self.judged:
            if self._needs_case(each):
                natives.setdefault(each.post.source, []).append(each.post.native_id)
        for source, ids in natives.items():
            for own in records.unmatched_own_posts(self.database, source, ids):
                if own["automatic"]:
                    continue
                post = mentions.post_id(source, own["parent_id"])
                for case_id in cases.of_posts(self.database, [post]).get(post, []):
                    case = cases.one(self.database, case_id)
                    if case is not None and case.closed_at is None:
                        records.match_own_post(self.database, source, own["native_id"], case_id)
                        verbs.record_answer(
                            self.database,
                            self.rules,
                            case,
                            answered_at=datetime.fromisoformat(own["posted_at"]),
                            who=own["author"],
                            url=own["url"],
                            sent_on=bool(own["sent_on"]),
                            now=self.now,
                        )

    def _reply_inside(self, row: Mapping[str, Any], answered: list[Judged]) -> None:
        for each in answered:
            if (
                each.post.replied_at is not None
                and each.post.author == row["author"]
                and (each.post.thread_id or each.post.native_id) == row["thread"]
            ):
                case = cases.one(self.database, row["id"])
                if case is not None and case.answered_at is None:
                    self._record_reply(case, each.post)
