"""What of all that is due for a target leaves now, and in which message: the measure of `alerts.noise`, asked of rows.

Rows of one story that have a thread share one line there, a story that has reached a milestone is one message, and
what is too much becomes one brief. What waits is put off until the measure is to be asked again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts import Channel, Editor, noise
from alerts.noise import Answer, Heard, Measure, Sending
from monitor.people import duty
from monitor.people.identity import settings_name
from monitor.settings.rules import Rules
from monitor.store import cases, deliveries
from monitor.store.database import Database, Row
from monitor.store.deliveries import Delivery
from monitor.text.similarity import bands

_ARRIVED = frozenset({"sent", "inflight", "unknown"})  # it was told, or may have been
SHARED = ("lines", "calls", "growth", "brief")  # messages that carry other rows: decided when they were made


@dataclass(frozen=True, slots=True)
class StoryTold:
    """What one target knows of a story. `root` is its first message there, the one that carried it included."""

    root: Delivery | None = None
    told: frozenset[str] = frozenset()  # ids of cases
    critical_told: bool = False
    people: int = 1
    heard_of: int = 0
    own_words: frozenset[str] = frozenset()  # ids of the cases that do not only repeat what somebody said before
    repeated: bool = False  # whether anybody did
    hurt: frozenset[str] = frozenset()
    critical: frozenset[str] = frozenset()

    @property
    def stands(self) -> bool:
        """Whether there is a message that can be answered in a thread."""
        return self.root is not None and self.root.state == "sent" and bool(self.root.receipt)


NOTHING_TOLD = StoryTold()


@dataclass(frozen=True, slots=True)
class _Unit:
    """Rows that would be one message."""

    what: noise.What
    rows: list[Delivery]


class Gathering:
    """One look at the rows of a target, inside the transaction of whoever claims one of them."""

    def __init__(
        self,
        database: Database,
        rules: Rules,
        channels: Mapping[str, Channel],
        target: str,
        rows: Sequence[Delivery],
        now: datetime,
    ) -> None:
        self.database = database
        self.rules = rules = duty.aware(database, rules, now)
        self.now = now
        self.target = target
        self.channel = target.partition(":")[0]
        self.edits = isinstance(channels[self.channel], Editor)
        self._silent = frozenset(name for name, channel in channels.items() if not isinstance(channel, Editor))
        self.rows = rows
        self.stories = told_of(database, rules, target, [row.story_id for row in rows if row.story_id])
        self.heard = heard(database, rules, target, now, told_anew=self._silent)
        settings = rules.settings.alerts
        self.measure = Measure(settings.messages_per_hour, rules.brief_over)

    def leaving(self) -> list[Delivery]:
        """The rows that may leave now, the most urgent first; all others are put off, carried or dropped."""
        self._join_owed_brief()
        units = self._units()
        together = sum(1 for unit in units if unit.what in {"first", "message"})
        chosen: list[Delivery] = []
        briefed: list[Delivery] = []
        shared: dict[tuple[str, str], list[Delivery]] = {}
        for unit in units:
            first, what = unit.rows[0], unit.what
            answer = noise.decide(self.sending(first, what, together), self.heard, self.measure, self.now)
            if answer.how == "thread" or answer.reached:
                shared.setdefault(("growth" if answer.reached else "lines", first.story_id), []).extend(unit.rows)
            elif answer.how == "message" and len(unit.rows) > 1:
                shared.setdefault(("calls", first.story_id), []).extend(unit.rows)
            elif answer.how == "message" or (answer.how == "brief" and first.action == "edit"):
                chosen.append(first)  # an edit, where nothing can be edited, is told anew on its own
            elif answer.how == "brief":
                briefed += unit.rows
            elif answer.until is not None:
                for row in unit.rows:
                    deliveries.put_off(self.database, row.id, answer.until)
            if answer.how == "message" and what in {"first", "message"}:
                self._count_one()
        made = [self._share(how, story, rows) for (how, story), rows in shared.items()]
        brief = self._brief(briefed) if briefed else []
        return sorted(
            [*made, *brief, *chosen], key=lambda row: (row.action != "edit" or not row.urgent, not row.urgent)
        )

    def _join_owed_brief(self) -> None:
        """What came while a brief could not be sent travels in it: on a channel's return one message says it all."""
        owed = next((row for row in self.rows if row.about.startswith("brief:") and row.state != "unknown"), None)
        if owed is None:
            return
        joining = {row.id for row in self._ordinary()}
        deliveries.carry(self.database, owed.id, sorted(joining))
        self.rows = [row for row in self.rows if row.id not in joining]

    def _count_one(self) -> None:
        people = {name: had + 1 for name, had in self.heard.people.items()}
        self.heard = replace(self.heard, target=self.heard.target + 1, people=people)

    def _units(self) -> list[_Unit]:
        """The rows as they would be sent: reminders of one story, where they have a thread, are one."""
        units: list[_Unit] = []
        reminders: dict[tuple[str, str], _Unit] = {}
        for row in self.rows:
            what = self._kind(row)
            if what is None:
                continue
            known = self.stories.get(row.story_id, NOTHING_TOLD)
            together = row.step > 0 and row.about.startswith("case:") and self.edits and known.stands
            place = (row.story_id, what)
            if together and row.state != "unknown" and place in reminders:
                reminders[place].rows.append(row)
                continue
            unit = _Unit(what, [row])
            units.append(unit)
            if together and row.state != "unknown":
                reminders[place] = unit
        return units

    # -- what a row is ------------------------------------------------------------------------------------------

    def _kind(self, row: Delivery) -> noise.What | None:
        """What a row is to the measure; None for one that is not sent now."""
        about, _, key = row.about.partition(":")
        if row.action == "edit":
            return "appointment" if self.edits or row.urgent else self._told_anew(row)
        if about in {"notice", "digest", "list"} or about in SHARED or row.state == "unknown" or row.plain:
            return "appointment"
        if about == "incident":
            return self._of_incident(row)
        if about == "join":
            return self._join(row, key)
        if about == "case" and row.urgent:
            return "call"
        return "first" if about == "story" else "message"

    def _of_incident(self, row: Delivery) -> noise.What | None:
        """Its first message, the milestones where nothing can be edited, and its end; the rest is for its thread."""
        if row.step > 0 and not self.edits and "held" in row.payload:
            deliveries.drop(self.database, row.id, "this channel has no threads")
            return None
        if row.step > 0 and self.edits and "milestone" in row.payload:
            deliveries.drop(self.database, row.id, "its message counts on in place")
            return None
        return "appointment"

    def _told_anew(self, row: Delivery) -> noise.What | None:
        """A story has grown where nothing can be edited. Who joined in words of their own has a row of their own."""
        known = self.stories.get(row.story_id, NOTHING_TOLD)
        if row.reason == "grown" and known.people > 1 and not known.repeated:
            deliveries.drop(self.database, row.id, "they get a message of their own")
            return None
        return "message"

    def _join(self, row: Delivery, case: str) -> noise.What | None:
        known = self.stories.get(row.story_id, NOTHING_TOLD)
        if case in known.told:
            deliveries.drop(self.database, row.id, "already alerted with its story")
            return None
        if case not in known.own_words and case not in known.hurt:
            deliveries.drop(self.database, row.id, "a repost: the existing message is edited")
            return None
        root = known.root
        if root is not None and root.state in {"pending", "retry"}:  # it will name them too
            deliveries.carry(self.database, root.id, [row.id])
            return None
        if root is not None and root.state in {"inflight", "unknown"}:
            deliveries.put_off(self.database, row.id, max(root.due_at, self.now) + timedelta(seconds=1))
            return None
        return "join" if root is not None and root.state == "sent" else "message"

    def sending(self, row: Delivery, what: noise.What, together: int) -> Sending:
        """A row as the measure sees it."""
        known = self.stories.get(row.story_id, NOTHING_TOLD)
        case = row.about.partition(":")[2]
        critical = row.priority == "critical" or (what == "first" and bool(known.critical - known.told))
        return Sending(
            what=what,
            since=row.created_at,
            critical=critical,
            critical_told=known.critical_told,
            hurt=case in known.hurt or bool(row.payload.get("hurt")),
            people=known.people,
            heard_of=known.heard_of,
            threads=self.edits and known.stands,
            together=together,
        )

    # -- messages that several rows share -----------------------------------------------------------------------

    def _share(self, how: str, story: str, rows: Sequence[Delivery]) -> Delivery:
        """One message for rows of one story: lines of its thread, its calls, or what it has grown to."""
        known = self.stories.get(story, NOTHING_TOLD)
        if how != "calls":  # whoever else has joined is named with them
            named = {row.about.partition(":")[2] for row in rows}
            rows = [
                row
                for row in self._waiting()
                if row.about.startswith("join:")
                and row.story_id == story
                and (row.about.partition(":")[2] in named or self._is_line(row, known))
            ]
        return self._carrier(f"{how}:{story}:{self.now.isoformat()}", rows, story)

    @staticmethod
    def _is_line(row: Delivery, known: StoryTold) -> bool:
        case = row.about.partition(":")[2]
        critical = row.priority == "critical" and not known.critical_told
        return case in known.own_words and case not in known.told and case not in known.hurt and not critical

    def _brief(self, rows: list[Delivery]) -> list[Delivery]:
        """The brief that these travel in; what waits for the next one anyway leaves with it."""
        newest = max(row.due_at for row in self._ordinary())
        oldest = min(row.created_at for row in rows)
        settled = min(newest, oldest + noise.SETTLE)
        if settled > self.now:  # more is on its way: a page of posts is read in several bites
            for row in rows:
                deliveries.put_off(self.database, row.id, settled)
            return []
        recent = deliveries.last_brief(self.database, self.target, self.now - noise.REPEAT)
        gathered = list({row.id: row for row in (*rows, *self._ordinary())}.values())
        if recent is not None and recent.state in {"pending", "retry"}:
            deliveries.carry(self.database, recent.id, [row.id for row in gathered])
            return []  # it is among the rows as soon as it may be tried again
        return [self._carrier(f"brief:{self.target}:{self.now.isoformat()}", gathered, "")]

    def _ordinary(self) -> list[Delivery]:
        """What waits for this target and may travel in a brief: nothing critical, nothing of a thread."""
        found = []
        for row in self._waiting():
            about = row.about.partition(":")[0]
            if row.action != "post" or row.plain or row.state == "unknown" or about not in {"story", "case", "join"}:
                continue
            known = self.stories.get(row.story_id, NOTHING_TOLD)
            always = row.urgent and (row.step > 0 or not known.critical_told)
            if not always and not (about == "join" and self.edits and known.root is not None):
                found.append(row)
        return found

    def _waiting(self) -> list[Delivery]:
        return deliveries.due(self.database, self.target, self.now + noise.REPEAT)

    def _carrier(self, about: str, rows: Sequence[Delivery], story: str) -> Delivery:
        order = {"critical": 0, "urgent": 1, "normal": 2, "gentle": 3}
        first = min(rows, key=lambda row: order.get(row.priority, 2))
        made = deliveries.new_row(
            about=about,
            target=self.target,
            now=self.now,
            due_at=self.now,
            reason=first.reason if story else "several at once",
            story_id=story,
            step=first.step,
            priority=first.priority,
            urgent=first.urgent,
        )
        deliveries.queue(self.database, [made])
        deliveries.carry(self.database, made["id"], [row.id for row in rows])
        found = deliveries.one(self.database, made["id"])
        assert found is not None
        return found


def asked(
    database: Database, rules: Rules, channels: Mapping[str, Channel], case: Row, target: str, now: datetime
) -> Answer:
    """What the measure answers now for the next message of a case to a target; nothing is changed."""
    story = case["story_id"]
    waiting = [row for row in deliveries.due(database, target, now) if row.action == "post"]
    mine = next((row for row in waiting if row.about in {f"story:{story}", f"case:{case['id']}"}), None)
    known = told_of(database, rules, target, [story])[story]
    critical = case["priority"] == "critical"
    what: noise.What = "call" if critical else "message"
    if known.root is None or known.root.state in {"pending", "retry"}:
        what = "first"
    elif case["id"] not in known.told:
        what = "join"
    silent = frozenset(name for name, channel in channels.items() if not isinstance(channel, Editor))
    sending = Sending(
        what=what,
        since=mine.created_at if mine is not None else now,
        critical=critical,
        critical_told=known.critical_told,
        hurt=case["id"] in known.hurt,
        people=known.people,
        heard_of=known.heard_of,
        threads=target.partition(":")[0] not in silent and known.stands,
        together=sum(1 for row in waiting if row.about.partition(":")[0] in {"story", "case"}) or 1,
    )
    settings = rules.settings.alerts
    had = heard(database, rules, target, now, told_anew=silent)
    return noise.decide(sending, had, Measure(settings.messages_per_hour, rules.brief_over), now)


def told_of(database: Database, rules: Rules, target: str, stories: Iterable[str]) -> dict[str, StoryTold]:
    """What a target knows of these stories."""
    wanted = list(dict.fromkeys(stories))
    if not wanted:
        return {}
    by_story: dict[str, list[Delivery]] = {}
    for each in deliveries.messages_of_stories(database, wanted, target):
        by_story.setdefault(each.story_id, []).append(each)
    carriers = deliveries.by_ids(
        database, [each.carrier for rows in by_story.values() for each in rows if each.carrier]
    )
    rows_of: dict[str, list[Row]] = {}
    for row in cases.rows_of_stories(database, wanted):
        rows_of.setdefault(row["story_id"], []).append(row)
    return {story: _told(rules, story, by_story.get(story, []), carriers, rows_of.get(story, [])) for story in wanted}


def _told(
    rules: Rules, story: str, messages: Sequence[Delivery], carriers: Mapping[str, Delivery], rows: Sequence[Row]
) -> StoryTold:
    root: Delivery | None = None
    told: set[str] = set()
    heard_of = 0
    critical_told = False
    for each in messages:
        message = carriers.get(each.carrier, each) if each.carrier else each
        if each.about.startswith("story:") and not message.error.startswith(deliveries.NOT_NEEDED):
            root = message
        if message.state in _ARRIVED:
            told.update(message.payload.get("told", ()))
            critical_told = critical_told or story in message.payload.get("critical", ())
            if not message.about.startswith("lines:"):
                heard_of = max(heard_of, int(message.payload.get("people", {}).get(story, 0)))
    called = [row for row in sorted(rows, key=lambda row: int(row["n"])) if row["lane"] == "ping" and not row["quiet"]]
    own_words = _in_own_words(rules, called)
    said = {row["id"] for row in own_words}
    return StoryTold(
        root=root,
        told=frozenset(told),
        critical_told=critical_told,
        people=len({(row["source"], row["author"] or row["id"]) for row in own_words}),
        heard_of=heard_of,
        own_words=frozenset(said),
        repeated=any(row["id"] not in said for row in rows if not row["quiet"]),
        hurt=frozenset(row["id"] for row in called if "hurt" in json.loads(row["tags"] or "[]")),
        critical=frozenset(row["id"] for row in called if row["priority"] == "critical"),
    )


def _in_own_words(rules: Rules, called: Sequence[Row]) -> list[Row]:
    """The cases that do not only repeat an earlier one; compared by bands, so that 400 voices are not 80,000 pairs."""
    found: list[Row] = []
    near: dict[tuple[int, int], list[int]] = {}
    for row in called:
        places = list(enumerate(bands(row["fingerprint"])))
        if not any(rules.alike(row["fingerprint"], other) for place in places for other in near.get(place, ())):
            found.append(row)
            for place in places:
                near.setdefault(place, []).append(row["fingerprint"])
    return found


def heard(
    database: Database, rules: Rules, target: str, now: datetime, *, told_anew: frozenset[str] = frozenset()
) -> Heard:
    """What a target has had in the last hour, and the people on duty whom it concerns, over all that reaches them."""
    theirs: dict[str, set[str]] = {person.name: set(rules.targets_of(person)) for person in rules.on_duty(now)}
    for row in cases.owned(database):
        name = settings_name(row["owner_id"])
        if name in theirs:
            theirs[name].update(json.loads(row["targets"] or "[]") or rules.settings.alerts.notify)
    concerned = {name: targets for name, targets in theirs.items() if target in targets}
    every = {target}.union(*concerned.values()) if concerned else {target}
    had = deliveries.sent_since(database, sorted(every), now - noise.HOUR, told_anew=sorted(told_anew))
    brief = deliveries.last_brief(database, target, now - noise.REPEAT)
    return Heard(
        target=had.get(target, 0),
        people={name: sum(had.get(each, 0) for each in targets) for name, targets in concerned.items()},
        last_brief=brief.created_at if brief is not None and brief.state in _ARRIVED else None,
    )
