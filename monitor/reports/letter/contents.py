"""The letter of one brand's week, for one reader: their zone, and the languages that they speak."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.email.digest import DigestView
from monitor.reports.letter import decisions, sections, sentence, week
from monitor.reports.letter.health import day_of
from monitor.settings.rules import Rules
from monitor.store.database import Database

LONG_AGO = timedelta(days=1)  # a letter that is this late tells of other open cases than its week ended with


@dataclass(frozen=True, slots=True)
class Reader:
    """Whom a letter is for, as far as it matters to what it says."""

    zone: ZoneInfo
    speaks: tuple[str, ...] = ("en",)


def reader_of(rules: Rules, target: str) -> Reader:
    """The person whom a target of the letter reaches, else somebody at the desk."""
    address = target.partition(":")[2]
    for person in rules.settings.people:
        if target in person.targets or (address and address in {person.email, person.slack}):
            zone = ZoneInfo(person.zone) if person.zone else rules.settings.zone
            return Reader(zone, person.speaks or ("en",))
    return Reader(rules.settings.zone)


def view(
    database: Database,
    rules: Rules,
    until: datetime,
    *,
    brand: str = "",
    reader: Reader | None = None,
    now: datetime | None = None,
) -> DigestView:
    """What the letter about the week that ended at `until` says of a brand; of all of them where none is named.

    Of a week that is past by `now` it says that what is open is as of now, for cases know only their latest state.
    """
    reader = reader or Reader(rules.settings.zone)
    found = week.of(database, rules, until, reader.zone, brand)
    page = rules.settings.earful.page_url
    about = sections.About(database, rules, found, page, reader.zone, reader.speaks)
    told = sections.of(about)
    return DigestView(
        brand=brand or ", ".join(each.name for each in rules.settings.brands),
        sentence=sentence.of(found),
        period_words=_period(found.since, until, reader.zone) + _as_of(until, now, reader.zone),
        decisions=decisions.of(found, page),
        sections=told,
        page_url=page,
        more_url=page.rstrip("/") + found.insights if page else "",
        posts=tuple(sorted(about.posts)),
    )


def _period(since: datetime, until: datetime, zone: ZoneInfo) -> str:
    start, end = since.astimezone(zone), (until - timedelta(seconds=1)).astimezone(zone)
    return f"{start:%a} {day_of(start)} to {end:%a} {day_of(end)} {end:%Y}"


def _as_of(until: datetime, now: datetime | None, zone: ZoneInfo) -> str:
    if now is None or now - until < LONG_AGO:
        return ""
    day = now.astimezone(zone)
    return f"; open cases as of {day:%a} {day_of(day)} {day:%Y}"


def brands_of(rules: Rules) -> Sequence[str]:
    """The brands that have a letter of their own."""
    return tuple(brand.name for brand in rules.settings.brands)
