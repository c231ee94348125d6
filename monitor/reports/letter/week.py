"""One brand's week as values: what sentence, decisions and sections are made of. Counts only, and no names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote
from zoneinfo import ZoneInfo

from alerts import hours
from monitor.reports import goodwill, outcomes, share_of_voice, statistics, surveys
from monitor.reports.definitions import Share, negative_share
from monitor.reports.letter import health, stories
from monitor.reports.statistics import Aftermath, Figures
from monitor.reports.surveys import Surveys
from monitor.settings.rules import Rules
from monitor.store import cases, causes, key_values, report_queries, requeue
from monitor.store.database import Database, Row, instant, stamp
from monitor.text.complaint_signals import JUDGED

AFTERMATH = timedelta(weeks=4)  # people who were helped write again within weeks, if at all
MOST_OPEN = 200  # cases that are read for their ages


@dataclass(frozen=True, slots=True)
class Leaving:
    """People who say that they are leaving, how many of them have an answer, and over which causes, the most first."""

    people: int = 0
    answered: int = 0
    reasons: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Volume:
    """How much was said, and how negative."""

    mentions: int
    share: Share


@dataclass(frozen=True, slots=True)
class Week:
    """What happened from `since` to `until`. What speaks of the week before is None where that was not whole."""

    brand: str  # "" for all of them
    since: datetime
    until: datetime
    first: bool  # nothing was read before
    installed: datetime | None
    brand_since: datetime | None  # the first mention of a brand that came in the week before; others were read earlier
    volume: Volume
    volume_before: Volume | None
    waiting: Mapping[str, int]  # as report_queries.count_unanswered counts
    open: tuple[Row, ...]  # critical and overdue cases, the first of them
    figures: Figures
    figures_before: Figures | None
    alerts: int
    acted: int  # alerts that somebody took, answered or dismissed: only they say whether they were right
    wrong: int
    looked_at: int
    missed: int
    leaving: Leaving
    leaving_before: Leaving | None
    problems: tuple[stories.Problem, ...]
    outbreaks: tuple[stories.Outbreak, ...]
    goodwill: goodwill.Goodwill
    ratings: Surveys
    ratings_before: Surveys | None
    voice: share_of_voice.ShareOfVoice  # empty where settings name no competitor
    outcomes: outcomes.Outcomes | None  # as the operator's last file of them said
    failing: tuple[health.Failing, ...]
    not_seen: tuple[str, ...]
    offers: int  # mutes that wait for a yes or a no
    unjudged: Mapping[str, int]  # posts by language
    aftermath: Aftermath
    unnamed: tuple[tuple[str, int], ...] = ()  # brands that settings do not name, and how many cases of each wait

    @property
    def insights(self) -> str:
        """Where the page shows the figures of this very week: its last seven days begin and end elsewhere."""
        until = self.until.astimezone(UTC).replace(tzinfo=None)
        moment = until.isoformat(timespec="seconds" if until.second else "minutes")
        return self.of_brand(f"/insights?until={moment}Z")

    def of_brand(self, path: str) -> str:
        """The address of a list on the page, of this brand alone."""
        return f"{path}{'&' if '?' in path else '?'}brand={quote(self.brand)}" if self.brand else path

    @property
    def oldest_untaken(self) -> timedelta | None:
        """How long the oldest critical case has waited that nobody has taken."""
        found = [
            self.until - cases.case_of(row).waits_since
            for row in self.open
            if row["priority"] == "critical"
            and not row["owner"]
            and max(row["snoozed_until"], row["waiting_until"]) <= stamp(self.until)
        ]
        return max(found, default=None)


def before(moment: datetime, zone: ZoneInfo) -> datetime:
    """A week earlier by the clocks of `zone`, so that weeks meet without a gap also when these change."""
    local = moment.astimezone(zone)
    return hours.moment_of(local.date() - timedelta(days=7), local.time(), zone)


def of(database: Database, rules: Rules, until: datetime, zone: ZoneInfo, brand: str = "") -> Week:
    """The week that ended at `until`, of one brand or of all."""
    since = before(until, zone)
    earlier = before(since, zone)
    first = instant(report_queries.first_mention_at(database))
    first_week = first is None or first >= since
    installed = instant(key_values.fact(database, "installed_at"))
    whole = not first_week and (installed is None or installed <= earlier)  # a part of a week is no measure
    installed = None if whole else installed
    came = instant(report_queries.first_written_at(database, brand)) if brand and whole else None
    if came is not None and came > earlier and first is not None and first <= earlier:
        whole, first_week = False, came >= since
    called, acted, wrong = report_queries.called_between(database, since, until, brand)
    looked, missed = report_queries.looked_at_between(database, since, until, brand)
    broken = health.failing(database, rules, until)
    return Week(
        brand=brand, since=since, until=until, first=first_week, installed=installed,
        brand_since=None if whole or first_week else came,
        volume=_volume(database, since, until, brand),
        volume_before=_volume(database, earlier, since, brand) if whole else None,
        waiting=report_queries.count_unanswered(database, since, until, brand),
        open=tuple(report_queries.still_open(database, until, MOST_OPEN, brand)),
        figures=statistics.whole_span(database, rules, since, until, brand),
        figures_before=statistics.whole_span(database, rules, earlier, since, brand, seen=until) if whole else None,
        alerts=called, acted=acted, wrong=wrong, looked_at=looked, missed=missed,
        leaving=leaving(database, since, until, brand),
        leaving_before=leaving(database, earlier, since, brand) if whole else None,
        problems=stories.problems(database, since, until, earlier if whole else None, brand),
        outbreaks=stories.outbreaks(database, since, until, brand),
        goodwill=goodwill.of_span(database, since, until, brand),
        ratings=surveys.of_span(database, rules, since, until, brand),
        ratings_before=surveys.of_span(database, rules, earlier, since, brand) if whole else None,
        voice=share_of_voice.of_span(database, rules, since, until, brand),
        outcomes=outcomes.kept(database, brand),
        failing=broken, not_seen=health.not_seen(database, broken, since, until, zone),
        offers=sum(not brand or row["brand"] in {"", brand} for row in key_values.mutes(database, offered=True)),
        unjudged=requeue.unjudged_languages(database, since, JUDGED, brand, until=until),
        aftermath=statistics.aftermath(database, until - AFTERMATH, until, brand),
        unnamed=_unnamed(database, rules, until, brand),
    )  # fmt: skip


def _unnamed(database: Database, rules: Rules, until: datetime, brand: str) -> tuple[tuple[str, int], ...]:
    """What no letter is about: told in the letter of the brand that settings name first."""
    names = [each.name for each in rules.settings.brands]
    return tuple(report_queries.of_other_brands(database, until, names)) if brand in ("", *names[:1]) else ()


def _volume(database: Database, since: datetime, until: datetime, brand: str) -> Volume:
    rows = report_queries.by_source(database, since, until, brand)
    total = {name: sum(int(row[name]) for row in rows) for name in ("mentions", "negative", "known")}
    return Volume(total["mentions"], negative_share(total["negative"], total["known"]))


def leaving(database: Database, since: datetime, until: datetime, brand: str) -> Leaving:
    """Who says in a span that they are leaving: each person once, however often they say it.

    An answer that came before they said it last is none to that. Why is said by the brand's causes, as all of the
    letter does.
    """
    said: dict[str, str] = {}
    answered: dict[str, str] = {}
    named: dict[str, set[str]] = {}
    rows = report_queries.leaving(database, since, until, brand)
    causes_of = causes.names_of(database, [row["id"] for row in rows])
    for row in rows:
        person = row["person"]
        said[person] = row["posted_at"]
        answered[person] = max(answered.get(person, ""), row["answered_at"])
        named.setdefault(person, set()).update(causes_of.get(row["id"], ()))
    counted = Counter(cause for each in named.values() for cause in sorted(each))
    have = sum(answered[person] >= moment for person, moment in said.items())
    return Leaving(len(said), have, tuple(counted.most_common(3)))
