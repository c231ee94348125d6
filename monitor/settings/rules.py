"""The settings as rules that can be asked: which channels, which target, which hours, who is on duty."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from alerts import case_policy, hours, ladder, roster
from alerts.case import Case, Priority
from connectors import Post
from monitor.settings import alone
from monitor.settings.accounts import Accounts
from monitor.settings.models import (
    KEYWORDS,
    Person,
    Route,
    Settings,
    Source,
    StepSetting,
    Targets,
    step_after,
)
from monitor.text import names
from monitor.text.similarity import alike
from monitor.types import Verdict

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HISTORY = timedelta(days=30)
_LEADS_FIRST = StepSetting(after="15m", notify=("leads",))
_QUIET_START, _QUIET_END = time(20), time(8)  # where settings give only one of the two
_EARLIEST = time(6)  # a desk that opens at midnight begins no morning


@dataclass(frozen=True, slots=True)
class Recipients:
    """One target, and the people to mention there by their address in that channel."""

    target: str
    ping: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Routed:
    """Which rule decided where a case goes, and what it said."""

    rule: str
    notify: tuple[str, ...]
    owner: str
    priority: Priority | None


@dataclass(frozen=True, slots=True)
class Clock:
    """The moments of one case: first answer, resolution, and its escalation."""

    due_at: datetime
    resolve_due_at: datetime
    chain: tuple[ladder.Link, ...]


class Rules:
    """Made once from sound settings; replaced as a whole when settings change."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.alike = alike
        self.sources: dict[str, Source] = {source.name: source for source in settings.sources}
        self.people: dict[str, Person] = {person.name: person for person in settings.people}
        self.accounts = Accounts(settings)
        self.absences: tuple[roster.Absence, ...] = ()  # monitor/people/duty.py adds them

    @cached_property
    def opening(self) -> hours.OpeningHours:
        """The desk's opening hours."""
        desk = self.settings.desk
        return hours.OpeningHours(
            tuple((frozenset(_DAYS.index(day) for day in block.days), block.start, block.end) for block in desk.hours),
            frozenset(desk.holidays),
            self.settings.zone,
        )

    @cached_property
    def always(self) -> hours.OpeningHours:
        """Around the clock."""
        return hours.around_the_clock(self.settings.zone)

    @cached_property
    def without_shifts(self) -> hours.OpeningHours:
        """When people without shifts are called: in the desk's hours.

        For one more release `quiet_start` and `quiet_end` say it instead, where they are set: daily, between the two.
        """
        start, end = self.settings.alerts.quiet_start, self.settings.alerts.quiet_end
        if start is None and end is None:
            return self.opening
        return hours.every_day(end or _QUIET_END, start or _QUIET_START, self.settings.zone)

    @cached_property
    def members(self) -> tuple[roster.Member, ...]:
        """Everybody who may be called, with their hours."""
        return tuple(
            roster.Member(person.name, self._hours_of(person), bool(person.shifts), frozenset(person.speaks))
            for person in self.settings.people
            if person.role != "viewer"
        )

    def _hours_of(self, person: Person) -> hours.OpeningHours:
        if not person.shifts:
            return self.without_shifts
        blocks = tuple((frozenset(shift.days), shift.start, shift.end) for shift in person.shifts)
        return hours.OpeningHours(blocks, frozenset(), self.zone_of(person.name))

    def zone_of(self, name: str) -> ZoneInfo:
        """The zone of a person, the installation's where they have none of their own."""
        person = self.people.get(name)
        return ZoneInfo(person.zone) if person is not None and person.zone else self.settings.zone

    @cached_property
    def quiet(self) -> hours.QuietHours:
        """When only what is critical calls people: while the desk is closed and nobody is on shift."""
        dawn = min(start for _, start, _ in self.without_shifts.blocks)
        shifts = tuple(member.hours for member in self.members if member.own_hours)
        return hours.QuietHours(
            (self.without_shifts, *shifts), self.settings.zone, dawn if dawn >= _EARLIEST else _QUIET_END
        )

    def knowing(self, absences: Sequence[roster.Absence]) -> Rules:
        """These rules, and who is away."""
        if tuple(absences) == self.absences:
            return self
        aware = copy.copy(self)
        aware.absences = tuple(absences)
        return aware

    @cached_property
    def alone(self) -> Person | None:
        """The one person who answers, if all that is told is told to them; None for a team."""
        return alone.one_person(self.settings)

    @property
    def one_list(self) -> bool:
        """Whether a day has one list, in the evening: for one person who has not asked for others."""
        return self.alone is not None and self.settings.where("alerts.sweep_at") == "default"

    @property
    def brief_over(self) -> int:
        """More cases than this at once are one message; for one person, whatever is due at once is."""
        one = self.alone is not None and self.settings.where("alerts.brief_over") == "default"
        return 1 if one else self.settings.alerts.brief_over

    def _steps(self, priority: Priority, *, leads: bool) -> tuple[StepSetting, ...]:
        """Whom to call when nobody comes: as settings say, else as is usual for a team or for one person."""
        if self.alone is not None and self.settings.where(f"alerts.escalation.{priority}") == "default":
            return alone.steps(self.alone, priority)
        steps = self.settings.alerts.escalation.get(priority, ())
        return (_LEADS_FIRST, *steps) if leads and priority != "critical" else steps

    def clock_of(self, case: Case, start: datetime, *, again: bool = False) -> Clock:
        """The moments of an open case whose clock starts anew: what is for leads is told to them first once more."""
        return self.clock(case.priority, start, again=again, leads=case_policy.for_leads(case.tags))

    def hours_for(self, priority: str) -> hours.OpeningHours:
        """Opening hours, or around the clock for the priorities that settings name."""
        return self.always if priority in self.settings.desk.around_the_clock else self.opening

    def targets_for(self, priority: Priority) -> Targets:
        """How soon a case of this priority wants its answers."""
        return self.settings.desk.targets[priority]

    def clock(self, priority: Priority, start: datetime, *, again: bool = False, leads: bool = False) -> Clock:
        """The moments of a case whose clock starts at `start`; `again` for the next answer instead of the first.

        `leads`: it is for them (law, press), who are told before anybody else is called.
        """
        targets = self.targets_for(priority)
        opening = self.hours_for(priority)
        target = targets.next if again else targets.first
        steps = self._steps(priority, leads=leads)
        return Clock(
            due_at=hours.add(start, target, opening),
            resolve_due_at=hours.add(start, targets.resolve, opening),
            chain=ladder.chain(steps, start, target, opening, step_after),
        )

    def anybody_on(self, day: date) -> bool:
        """Whether the desk opens on this local day, or somebody has a shift that begins on it; nobody on a holiday.

        Shifts go by the week: who has one every Monday may well be away on a holiday.
        """
        return day not in self.opening.holidays and any(each.spans_of(day) for each in self.quiet.called)

    def opening_brief_of(self, day: date) -> datetime | None:
        """When what still waits is told on this local day: with the desk's first opening, after quiet hours.

        One person has one list a day: it names this too.
        """
        if self.one_list:
            return alone.evening_of(day, self.opening)
        spans = self.opening.spans_of(day)
        return self.quiet.quiet_until(spans[0][0]) if spans else None

    def list_of(self, day: date) -> datetime | None:
        """When the list of normal cases is told on this local day; None where the desk is closed, or there is none."""
        at = self.settings.alerts.normal_list_at
        if self.one_list and self.settings.where("alerts.normal_list_at") == "default":
            return alone.evening_of(day, self.opening)
        return hours.moment_of(day, at, self.settings.zone) if at is not None and self.opening.spans_of(day) else None

    def in_list(self, case: Case) -> bool:
        """Whether an open case is named in the list of normal cases, since settings give it no steps of its own."""
        has_list = self.settings.alerts.normal_list_at is not None
        return has_list and case.priority in {"normal", "gentle"} and not ladder.chain_of(case.chain)

    def next_step_at(self, case: Case, now: datetime, step: int | None = None) -> datetime | None:
        """When something has to be done about a case again: its ladder's next step, else the list that names it.

        `step`: as if so many steps were behind it.
        """
        moment = ladder.next_step_at(case, now, step)
        listed = case.lane == "ping" and not case.quiet and case.state_at(now) == "open"
        if moment is not None or not listed:
            return moment
        of_day = self.list_of if self.in_list(case) else self.opening_brief_of
        day = now.astimezone(self.settings.zone).date() - timedelta(days=1)
        while (moment := of_day(day)) is None or moment <= now:
            day += timedelta(days=1)
        return moment

    def claim_expiry(self, priority: Priority, now: datetime) -> datetime:
        """When "I have it" without an answer is asked about."""
        return hours.add(now, self.settings.alerts.claim_expires[priority], self.hours_for(priority))

    def quiet_target(self, target: str) -> bool:
        """Whether quiet hours hold this target: mail and direct messages, never a channel's record."""
        channel, _, address = target.partition(":")
        kind = next((each.kind for each in self.settings.channels if each.name == channel), "")
        return kind in {"email", "apprise", "pager"} or (kind == "slack" and address.startswith(("@", "U")))

    def wakes(self, target: str) -> bool:
        """Whether settings say that this target can wake a person at night."""
        name = target.partition(":")[0]
        options = next((each.options for each in self.settings.channels if each.name == name), None)
        return bool(getattr(options, "wakes", False))

    def every_target(self) -> tuple[str, ...]:
        """Every target that settings name, once each: of the alerts, their steps, people, the operator, the letter."""
        alerts, known = self.settings.alerts, {channel.name for channel in self.settings.channels}
        mail = next((channel.name for channel in self.settings.channels if channel.kind == "email"), "")
        named = [*alerts.notify, *alerts.fallback, *(target for rule in alerts.routes for target in rule.notify)]
        named += [name for steps in alerts.escalation.values() for step in steps for name in step.notify]
        for person in self.settings.people:
            named += person.targets or ([f"{mail}:{person.email}"] if mail and person.email else [])
        named += [*self.settings.operator, *self.settings.digest.to]
        return tuple(dict.fromkeys(name for name in named if name.partition(":")[0] in known))

    @cached_property
    def targets(self) -> tuple[str, ...]:
        """Every target at which settings let somebody be told, those first who are told when one of the others fails.

        That is the operator, then whoever is alerted, then people by themselves. A console reaches whoever happens to
        look at it, and comes last.
        """
        settings = self.settings
        words = [*settings.operator, *settings.alerts.fallback, *settings.alerts.notify]
        words += [word for route in settings.alerts.routes for word in route.notify]
        words += [word for steps in settings.alerts.escalation.values() for step in steps for word in step.notify]
        words += [person.name for person in settings.people]
        channels = {channel.name for channel in settings.channels}
        found: list[str] = []
        for word in words:
            if word.partition(":")[0] in channels:
                found.append(word)
            elif word in self.people:
                pings: dict[str, list[str]] = {}
                self._add_people(pings, [self.people[word]], ())
                found += pings
        return tuple(sorted(dict.fromkeys(found), key=lambda target: target.partition(":")[0] in self.unwatched))

    @cached_property
    def unwatched(self) -> frozenset[str]:
        """Channels that print where perhaps nobody looks; none where there is no other kind: then somebody does."""
        consoles = frozenset(channel.name for channel in self.settings.channels if channel.kind == "console")
        return consoles if len(consoles) < len(self.settings.channels) else frozenset()

    def is_own(self, post: Post) -> bool:
        """Whether the brand wrote this itself."""
        return bool(self.accounts.brand_of(post))

    @cached_property
    def _our_names(self) -> tuple[str, ...]:
        accounts = [name for brand in self.settings.brands for names in brand.accounts.values() for name in names]
        return (*(brand.name for brand in self.settings.brands), *accounts)

    def name_warning(self, source: str, author: str) -> str:
        """What a reader should know of an author's name: made to look like ours, invisible letters, mixed alphabets."""
        return "" if self.accounts.owns(source, author) else names.warning(author, self._our_names)

    def is_ignored(self, post: Post) -> bool:
        """Whether the author is one whom settings ignore (staff, bots)."""
        return self.accounts.is_ignored(post)

    def route(self, post: Post, brand: str, verdict: Verdict) -> Routed:
        """The first rule that matches; without one, [alerts] notify."""
        for number, rule in enumerate(self.settings.alerts.routes, 1):
            if _matches(rule, post, brand, verdict):
                return Routed(
                    rule.name or f"alerts.routes[{number}]",
                    rule.notify or self.settings.alerts.notify,
                    rule.owner,
                    rule.priority,
                )
        return Routed("alerts.notify", self.settings.alerts.notify, "", None)

    def reads(self, language: str, routed: Routed) -> bool:
        """Whether a rule sends this language somewhere: whoever is there reads it."""
        return any(
            language in rule.language and routed.rule == (rule.name or f"alerts.routes[{number}]")
            for number, rule in enumerate(self.settings.alerts.routes, 1)
        )

    def on_duty(self, now: datetime) -> list[Person]:
        """Who is on now: in their own shift, without shifts in the desk's hours, and not away."""
        return [self.people[each.name] for each in roster.on_at(self.members, self.absences, now)]

    def is_away(self, name: str, now: datetime) -> bool:
        """Whether somebody has said that they are away."""
        return name in roster.away_at(self.absences, now)

    def within_reach(self, now: datetime) -> list[Person]:
        """Whom a step calls that names no person: who is on; where nobody is, the leads.

        What is critical and comes in quiet hours reaches those first who have no shifts of their own.
        """
        on = self.on_duty(now)
        if on or not self.quiet.is_quiet(now):
            return on or self.leads(now)
        away = roster.away_at(self.absences, now)
        return [self.people[each.name] for each in self.members if not each.own_hours and each.name not in away]

    def leads(self, now: datetime) -> list[Person]:
        """The leads who are not away."""
        leads = [person for person in self.settings.people if person.role in {"lead", "admin"}]
        return [person for person in leads if not self.is_away(person.name, now)]

    def people_called(self, name: str, now: datetime, told: Collection[str] = ()) -> list[Person]:
        """Whom a name of a step means: a person, "on_duty", "leads", or "next": one in reach who was not yet `told`.

        Nobody who is away is called.
        """
        if name == "on_duty":
            return self.within_reach(now)
        if name == "next":
            return [person for person in self.within_reach(now) if person.name not in told][:1]
        if name == "leads":
            return self.leads(now)
        return [self.people[name]] if name in self.people and not self.is_away(name, now) else []

    def targets_of(self, person: Person) -> tuple[str, ...]:
        """How a person alone is reached: as settings say, else by mail."""
        mail = next((channel.name for channel in self.settings.channels if channel.kind == "email"), "")
        theirs = person.targets or ((f"{mail}:{person.email}",) if person.email and mail else ())
        return self.settings.alerts.notify if not theirs and person is self.alone else theirs

    def on_again(self, target: str, now: datetime) -> datetime:
        """When the one person whom a target reaches is in their hours: now, or when they come on."""
        theirs = [one for one in self.members if target in self.targets_of(self.people[one.name])]
        return hours.next_opening(now, theirs[0].hours) if len(theirs) == 1 else now

    def tell(
        self, names: Iterable[str], route: Sequence[str], now: datetime, told: Collection[str] = ()
    ) -> list[Recipients]:
        """Who is reached, where, by these names: targets, people, "channel", "on_duty", "next", "leads".

        `told` are the names of those who were told of this case before.
        """
        pings: dict[str, list[str]] = {}
        for name in names:
            if name == "channel":
                for target in route:
                    pings.setdefault(target, [])
            elif name in KEYWORDS or name in self.people:
                self._add_people(pings, self.people_called(name, now, told), route)
            elif ":" in name or name in {channel.name for channel in self.settings.channels}:
                pings.setdefault(name, [])
        if not pings:  # nobody by that name is left: the channel hears it rather than nobody
            pings = {target: [] for target in route}
        return [Recipients(target, tuple(dict.fromkeys(people))) for target, people in pings.items()]

    def _add_people(self, pings: dict[str, list[str]], people: Sequence[Person], route: Sequence[str]) -> None:
        kinds = {channel.name: channel.kind for channel in self.settings.channels}
        for person in people:
            for target in self.targets_of(person):
                pings.setdefault(target, [])
            for target in route:
                kind = kinds.get(target.partition(":")[0])
                if kind == "slack" and person.slack:
                    pings.setdefault(target, []).append(person.slack)
                elif kind in {"console", "teams", "webhook"}:
                    pings.setdefault(target, []).append(person.name)


def _matches(rule: Route, post: Post, brand: str, verdict: Verdict) -> bool:
    folded = f"{post.title} {post.text}".casefold()
    return (
        (not rule.source or post.source in rule.source)
        and (not rule.brand or brand in rule.brand)
        and (not rule.language or verdict.language in rule.language)
        and (not rule.words or any(word.casefold() in folded for word in rule.words))
        and (rule.stars_at_most is None or (post.rating is not None and post.rating <= rule.stars_at_most))
        and (rule.reach_at_least is None or (post.reach or 0) >= rule.reach_at_least)
    )


def domain_of(url: str) -> str:
    """The host of an address without "www.", for mutes and filters; empty where it has none that can be read."""
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:  # "http://[": brackets without an address in them
        return ""
