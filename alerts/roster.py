"""Who is on, who is called next, and which hours nobody covers: pure functions over people, their hours and the time.

The desk's hours and holidays run the customers' clocks. Who is called is another matter: each person's own shifts, on
their own clock, less the days on which they are away; without shifts, the desk's hours.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from alerts.hours import OpeningHours, is_open

_DAY = timedelta(days=1)
_NEVER = datetime.min.replace(tzinfo=UTC)
RECENT = timedelta(days=1)  # whoever was called least in it is next: nobody catches up on the calls of their holidays
REMEMBERED = timedelta(days=7)  # of two who were called as often, whoever was called longer ago is next


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who answers: when they are called, whether those hours are their own, and what they read."""

    name: str
    hours: OpeningHours
    own_hours: bool = False
    speaks: frozenset[str] = frozenset()  # language codes such as "de"


@dataclass(frozen=True, slots=True)
class Absence:
    """Somebody is away, from a moment until another."""

    name: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Gap:
    """Time in which the desk is open and nobody is on. `usual`: it is so every week, whoever is away."""

    since: datetime
    until: datetime
    usual: bool


def away_at(absences: Iterable[Absence], at: datetime) -> frozenset[str]:
    """The names of those who are away at this moment."""
    return frozenset(each.name for each in absences if each.since <= at < each.until)


def on_at(members: Iterable[Member], absences: Iterable[Absence], at: datetime) -> list[Member]:
    """Who is on at this moment."""
    away = away_at(absences, at)
    return [each for each in members if each.name not in away and is_open(at, each.hours)]


def reads(member: Member, language: str) -> bool:
    """Whether somebody reads a language, "pt" where it is "pt-br"."""
    plain = {each.partition("-")[0].casefold() for each in member.speaks}
    return bool(language) and language.partition("-")[0].casefold() in plain


def next_of(
    candidates: Sequence[Member],
    told: Collection[str],
    language: str,
    calls: Mapping[str, Sequence[datetime]],
    now: datetime,
) -> str:
    """The one to call now, empty if there is nobody: not `told` before, reading the language if anybody does.

    Of those whoever was called least in the last day, and of these whoever was called longest ago. `calls` are the
    moments at which each was called, about whatever case.
    """
    free = [each for each in candidates if each.name not in told]
    free = [each for each in free if reads(each, language)] or free

    def burden(member: Member) -> tuple[int, datetime]:
        made = calls.get(member.name, ())
        return sum(1 for each in made if each > now - RECENT), max(made, default=_NEVER)

    return min(free, key=burden).name if free else ""


def shift_ended(member: Member, since: datetime, now: datetime) -> datetime | None:
    """When the shift ended that somebody had last, if that was after `since` and they are not on again by now."""
    if not member.own_hours or is_open(now, member.hours):
        return None
    day = now.astimezone(member.hours.zone).date()
    ends = [end for back in range(3) for _, end in member.hours.spans_of(day - back * _DAY) if since < end <= now]
    return max(ends, default=None)


def gaps(
    desk: OpeningHours, members: Sequence[Member], absences: Sequence[Absence], since: datetime, until: datetime
) -> list[Gap]:
    """The time between two moments in which the desk is open and nobody is on, in order."""
    usual = list(_uncovered(desk, members, (), since, until))
    found = []
    for begins, ends in _uncovered(desk, members, absences, since, until):
        found.append(Gap(begins, ends, any(first <= begins and ends <= last for first, last in usual)))
    return found


def _uncovered(
    desk: OpeningHours, members: Sequence[Member], absences: Sequence[Absence], since: datetime, until: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """Spans of the desk in which nobody is on; two that touch are one."""
    day = since.astimezone(desk.zone).date() - _DAY
    standing: tuple[datetime, datetime] | None = None
    while day <= until.astimezone(desk.zone).date():
        for opens, closes in desk.spans_of(day):
            for begins, ends in _pieces(max(opens, since), min(closes, until), members, absences):
                if on_at(members, absences, begins):
                    continue
                if standing is not None and standing[1] >= begins:
                    standing = standing[0], max(ends, standing[1])
                    continue
                if standing is not None:
                    yield standing
                standing = begins, ends
        day += _DAY
    if standing is not None:
        yield standing


def _pieces(
    opens: datetime, closes: datetime, members: Sequence[Member], absences: Sequence[Absence]
) -> Iterator[tuple[datetime, datetime]]:
    """A span of the desk, cut wherever somebody comes or goes."""
    cuts = {opens, closes}
    for member in members:
        day = opens.astimezone(member.hours.zone).date() - _DAY
        while day <= closes.astimezone(member.hours.zone).date():
            cuts.update(moment for span in member.hours.spans_of(day) for moment in span)
            day += _DAY
    cuts.update(moment for each in absences for moment in (each.since, each.until))
    inside = sorted(each for each in cuts if opens <= each <= closes)
    yield from pairwise(inside)
