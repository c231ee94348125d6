"""Looks at each brand again and again: opens incidents, lets new posts join them, ends them after quiet.

What is told of them is queued in the same transaction, and leaves by the outbox like any other message.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.wording import count_words
from monitor.incidents import statements, telling
from monitor.incidents.detection import HOUR, PEOPLE, QUIET, Leap, decide, number_of
from monitor.incidents.stars import LOW, fallen
from monitor.incidents.volume import Now, Volumes, people_of
from monitor.settings.rules import Rules
from monitor.store import cases, incidents, volume
from monitor.store.database import Database, Row, at, instant
from monitor.text.standing_out import says, standing_out

log = logging.getLogger("earful.incidents")

PEOPLE_OF_HARM = 3  # in one critical story
QUIET_OF_HARM = timedelta(hours=6)
OVERLAP = timedelta(minutes=2)  # a transaction may show what it has seen a little later


@dataclass(frozen=True, slots=True)
class _Begins:
    """An incident that is to be opened: of what, since when, and what made it."""

    kind: str
    brand: str
    mentions: tuple[str, ...]
    people: int
    cause: str = ""
    story: str = ""
    usual: float = 0.0


class Watch:
    """One look is `look`; what a look can use again at the next is kept."""

    def __init__(self, database: Database, rules: Rules) -> None:
        self.database = database
        self.rules = rules
        self._volumes = Volumes(database)
        self._stars_at: dict[str, int] = {}

    def look(self, now: datetime) -> None:
        """Look at every brand now."""
        for brand in self.rules.settings.brands:
            self._look_at(brand.name, now)
        self._harm(now)
        for row in incidents.open_now(self.database):
            self._go_on(row, now)

    # -- volume -------------------------------------------------------------------------------------------------

    def _look_at(self, brand: str, now: datetime) -> None:
        standing = {(row["cause_id"], row["kind"]): row for row in incidents.open_now(self.database, brand)}
        for each in self._volumes.of(brand, now):
            cause = each.signal.cause
            row = next(
                (
                    row
                    for (of, kind), row in standing.items()
                    if of == cause and kind in {"volume", "negative", "cause"}
                ),
                None,
            )
            state, leap = decide(
                each.spans,
                each.habit,
                now,
                open_since=at(row["start_at"]) if row is not None else None,
                last_at=at(row["last_at"]) if row is not None else None,
                ended_at=instant(incidents.last_end(self.database, brand, cause)),
            )
            if row is not None and state == "goes on":
                self._above(row, each, now)
            elif state == "begins" and leap is not None:
                begins = self._begins(brand, each, leap, now)
                if begins is not None and self._open(begins, now):
                    standing = {(row["cause_id"], row["kind"]): row for row in incidents.open_now(self.database, brand)}
        self._look_at_stars(brand, now)

    def _begins(self, brand: str, each: Now, leap: Leap, now: datetime) -> _Begins | None:
        """What leaps now, unless it is of an incident that is open already."""
        rows = [row for row in each.rows if at(row["posted_at"]) > now - leap.span]
        taken = incidents.joined(self.database, [row["id"] for row in rows])
        if len(taken) * 2 >= len(rows):
            return None
        free = [row for row in rows if row["id"] not in taken]
        people = len(people_of(free))
        if people < PEOPLE:
            return None
        usual = each.habit.usual if each.habit is not None else 0.0
        return _Begins(
            each.signal.kind,
            brand,
            tuple(row["id"] for row in free),
            people,
            each.signal.cause,
            usual=usual,
        )

    def _above(self, row: Row, each: Now, now: datetime) -> None:
        """An open incident is above its habit still: perhaps as high as never before."""
        changes: dict[str, object] = {"last_at": now}
        if each.hour.posts > row["peak"]:
            changes |= {"peak": each.hour.posts, "peak_at": now}
        incidents.change(self.database, row["id"], **changes)

    def _look_at_stars(self, brand: str, now: datetime) -> None:
        """Once an hour: whether the stars of reviews have dropped."""
        if self._stars_at.get(brand) == number_of(now):
            return
        self._stars_at[brand] = number_of(now)
        if any(row["kind"] == "stars" for row in incidents.open_now(self.database, brand)):
            return
        since = fallen(volume.stars_by_day(self.database, brand, now - timedelta(days=29)), now)
        if since is None:
            return
        low = volume.low_stars(self.database, brand, since)
        taken = incidents.joined(self.database, low)
        free = tuple(each for each in low if each not in taken)
        if len(taken) * 2 < len(low):
            self._open(_Begins("stars", brand, free, len(free)), now)

    # -- harm ---------------------------------------------------------------------------------------------------

    def _harm(self, now: datetime) -> None:
        """A critical story of three people, or one in which somebody was hurt."""
        rows = volume.critical_stories(self.database, now - self.rules.settings.alerts.group_join)
        wanted = [row for row in rows if row["people"] >= PEOPLE_OF_HARM or row["hurt"]]
        had = incidents.of_stories(self.database, [row["story_id"] for row in wanted])
        for row in wanted:
            if row["story_id"] not in had:
                made = tuple(volume.of_story(self.database, row["story_id"]))
                self._open(_Begins("critical", row["brand"], made, row["people"], story=row["story_id"]), now)

    # -- all ----------------------------------------------------------------------------------------------------

    def _open(self, begins: _Begins, now: datetime) -> bool:
        """Open an incident, and queue what is told of it; whether there was anything to open."""
        made_by = volume.texts_of(self.database, list(begins.mentions))
        if not made_by:
            return False
        first = min(volume.times_of(self.database, list(begins.mentions)), default=now)
        words = self._words(begins, made_by, first)
        with self.database.transaction():
            if self._is_open(begins):
                return False
            incident = incidents.begin(
                self.database, now, brand=begins.brand, kind=begins.kind, start_at=min(first, now),
                cause_id=begins.cause, story_id=begins.story, words=words, usual=begins.usual,
            )  # fmt: skip
            incidents.join(self.database, incident, _members(begins, made_by, words), now)
            counted = incidents.counted(self.database, incident)
            incidents.change(self.database, incident, **counted, peak=counted["mentions"], peak_at=now)
            row = incidents.one(self.database, incident)
            assert row is not None
            telling.opened(self.database, self.rules, row, now)
        people = count_words(counted["people"], "person", "people")
        log.warning("incident %s of %s: %s, %s", incident, begins.brand, begins.kind, people)
        return True

    def _is_open(self, begins: _Begins) -> bool:
        """Whether another process has opened it since this one looked. Inside a transaction."""
        if begins.story:
            return bool(incidents.of_stories(self.database, [begins.story]))
        return bool(incidents.joined(self.database, list(begins.mentions)))

    def _words(self, begins: _Begins, made_by: Sequence[Row], first: datetime) -> tuple[str, ...]:
        before = [f"{row['title']} {row['text']}" for row in volume.texts_before(self.database, begins.brand, first)]
        said = [(row["person"], f"{row['title']} {row['text']}") for row in made_by if row["person"]]
        return standing_out(said, before, (begins.brand,))

    def _go_on(self, row: Row, now: datetime) -> None:
        """New posts join, what was said in public is seen, the count is shown, and after quiet it ends."""
        with self.database.transaction():
            self._join(row, now)
            counted = incidents.counted(self.database, row["id"])
            changed = {name: value for name, value in counted.items() if value > row[name] or name == "answered"}
            incidents.change(self.database, row["id"], **changed)
            statements.seen(self.database, self.rules, row, now)
            after = incidents.one(self.database, row["id"])
            assert after is not None
            if self._is_over(after, now):
                telling.end(self.database, self.rules, after, now)
            else:
                telling.grown(self.database, self.rules, row, after, now)

    def _join(self, row: Row, now: datetime) -> None:
        """Posts of the same story, cause or words are of it."""
        since, opened = at(row["start_at"]), at(row["opened_at"])
        # At first all since its beginning: what made it may be only the negative half of what is said of it.
        seen = since if now - opened <= OVERLAP else max(opened, now - HOUR) - OVERLAP
        new = volume.unjoined(self.database, row["brand"], since, seen)
        of_cause = volume.causes_of(self.database, row["brand"], since) if row["cause_id"] else {}
        words = json.loads(row["words"] or "[]")
        found = [
            each["id"]
            for each in new
            if (row["story_id"] and each["story_id"] == row["story_id"])
            or (row["cause_id"] and row["cause_id"] in of_cause.get(each["id"], ()))
            or (not row["story_id"] and _is_of(each, row["kind"], words))
        ]
        if found:
            incidents.join(self.database, row["id"], found, now)
            if row["kind"] in {"critical", "stars"}:
                incidents.change(self.database, row["id"], last_at=now)

    def _is_over(self, row: Row, now: datetime) -> bool:
        last = at(row["last_at"])
        if row["kind"] == "critical":
            stories = cases.rows_of_stories(self.database, [row["story_id"]])
            done = all(each["closed_at"] or each["answered_at"] >= each["last_posted_at"] for each in stories)
            return done or now - last >= QUIET_OF_HARM
        if row["kind"] == "stars":
            return now - last >= 2 * timedelta(days=1)
        return now - last >= QUIET


def _members(begins: _Begins, made_by: Sequence[Row], words: Sequence[str]) -> Iterable[str]:
    """Which of what was written in the leap is of it: what says its words, all where none stands out."""
    if not words or begins.kind in {"cause", "critical", "stars"}:
        return begins.mentions
    found = [row["id"] for row in made_by if says(f"{row['title']} {row['text']}", words)]
    return found if len(found) * 2 >= len(made_by) else begins.mentions


def _is_of(each: Row, kind: str, words: Sequence[str]) -> bool:
    """Whether a post is of an incident by what it says; one without words takes whatever is of its kind."""
    if each["praise"] or kind == "cause":
        return False
    if kind == "stars":
        return each["rating"] is not None and each["rating"] <= LOW
    if words:
        return says(f"{each['title']} {each['text']}", words)
    return kind == "volume" or each["label"] == "negative"
