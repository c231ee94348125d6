"""Who is on now, who is away, and which hours nobody covers: what staff said, laid beside their shifts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from alerts import hours, roster
from alerts.roster import Absence, Gap
from connectors.durations import span
from monitor.people.identity import settings_name
from monitor.settings.models import clock
from monitor.settings.rules import Rules
from monitor.store import absences
from monitor.store.database import Database, Row, at

AHEAD = timedelta(days=7)  # how far ahead an hour without anybody is told
LONGEST = timedelta(days=366)
HOW = 'write mon, tomorrow, 2026-12-07, "2026-12-07 13:00" or 3h'
_DAY = timedelta(days=1)


def aware(database: Database, rules: Rules, now: datetime) -> Rules:
    """The rules, knowing who is away."""
    return rules.knowing(_absences(absences.standing(database, now)))


def _absences(rows: Sequence[Row]) -> tuple[Absence, ...]:
    named = ((settings_name(row["person"]), row) for row in rows)
    return tuple(Absence(name, at(row["since_at"]), at(row["until_at"])) for name, row in named if name)


def until_of(text: str, zone: ZoneInfo, now: datetime) -> datetime:
    """Read until when somebody is away, on their own clock; a day means its beginning. ValueError: what to write."""
    words = " ".join(text.casefold().split()).removeprefix("until ")
    moment = _moment(words, zone, now)
    if not now < moment <= now + LONGEST:
        raise ValueError(f"{text!r} is not within the next year; {HOW}")
    return moment


def _moment(words: str, zone: ZoneInfo, now: datetime) -> datetime:
    today = now.astimezone(zone).date()
    day = next((number for number, name in enumerate(hours.WEEKDAYS) if words[:3] == name), None)
    if day is not None and words in {hours.WEEKDAYS[day], f"{date(2024, 1, 1 + day):%A}".lower()}:
        return hours.moment_of(today + timedelta(days=(day - today.weekday() - 1) % 7 + 1), time(), zone)
    if words == "tomorrow":
        return hours.moment_of(today + _DAY, time(), zone)
    for read in (date.fromisoformat, datetime.fromisoformat):
        try:
            found = read(words)
        except ValueError:
            continue
        if not isinstance(found, datetime):
            return hours.moment_of(found, time(), zone)
        return found if found.tzinfo else hours.moment_of(found.date(), found.time(), zone)
    try:
        moment = hours.moment_of(today, clock(words), zone)
        return moment if moment > now else hours.moment_of(today + _DAY, clock(words), zone)
    except ValueError:
        pass
    try:
        return now + span(words)
    except (ValueError, OverflowError):
        raise ValueError(f"can't read {words!r} as a time; {HOW}") from None


def until_words(until: datetime, zone: ZoneInfo, now: datetime) -> str:
    """ "Mon" within a week, "Mon 7 Dec" later; with the time where it is not the beginning of a day."""
    local = until.astimezone(zone)
    day = f"{local:%a}" if local.date() - now.astimezone(zone).date() < AHEAD else f"{local:%a} {local.day} {local:%b}"
    if local.date() == now.astimezone(zone).date():
        return f"{local:%H:%M}"
    return day if local.time() == time() else f"{day} {local:%H:%M}"


def gaps_ahead(rules: Rules, now: datetime) -> list[Gap]:
    """The hours of the desk in the coming week in which nobody is on; none where nobody is listed at all."""
    if not rules.members:
        return []
    # A day further, so that whole hours stand of what begins in the week: "Tue 9-9:14" is told by nobody.
    found = roster.gaps(rules.opening, rules.members, rules.absences, now, now + AHEAD + timedelta(days=1))
    return [gap for gap in found if gap.since < now + AHEAD]


def gap_words(gap: Gap, zone: ZoneInfo) -> str:
    """ "Tue 9-12"."""
    begins, ends = gap.since.astimezone(zone), gap.until.astimezone(zone)
    return f"{begins:%a} {_hour(begins)}-{'24' if ends.time() == time() else _hour(ends)}"


def _hour(moment: datetime) -> str:
    return f"{moment.hour}:{moment:%M}" if moment.minute else f"{moment.hour}"


@dataclass(frozen=True, slots=True)
class Away:
    """Somebody who is away: the id by which they said so, and until when in words."""

    person: str
    name: str
    until: str


@dataclass(frozen=True, slots=True)
class OnNow:
    """Who is on now and who is away; `uncovered` are the coming week's hours without anybody, such as "Tue 9-12"."""

    on: tuple[str, ...]
    away: tuple[Away, ...]
    uncovered: tuple[str, ...]
    closed: bool  # only what is critical alerts anybody now
    listed: bool  # whether settings list anybody


def on_now(database: Database, rules: Rules, now: datetime, zone: ZoneInfo) -> OnNow:
    """What the page and the command show."""
    rows = absences.standing(database, now)
    rules = rules.knowing(_absences(rows))
    return OnNow(
        on=tuple(person.name for person in rules.on_duty(now)),
        away=tuple(Away(row["person"], row["name"], until_words(at(row["until_at"]), zone, now)) for row in rows),
        uncovered=tuple(gap_words(gap, zone) for gap in gaps_ahead(rules, now)),
        closed=rules.quiet.is_quiet(now),
        listed=bool(rules.members),
    )
