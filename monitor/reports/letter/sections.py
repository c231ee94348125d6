"""The letter's lines below its decisions, each only where there is something to say, in the order that matters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from alerts.email.digest import Line, Section
from alerts.email.templates import percent
from alerts.wording import count_words, span_words
from monitor.reports import formatting
from monitor.reports.letter import quotes
from monitor.reports.letter.health import day_of
from monitor.reports.letter.week import Volume, Week
from monitor.reports.statistics import Figures, Spread
from monitor.settings.rules import Rules
from monitor.store import cases, mentions
from monitor.store.database import Database, Row

MOST_OPEN = 4
MOST_QUOTES = 2
SMALL = 30  # fewer mentions than this, and a share says little


@dataclass(frozen=True, slots=True)
class About:
    """What the sections are made of. `shown` and `posts` gather which cases and posts are quoted."""

    database: Database
    rules: Rules
    week: Week
    page: str  # its address, "" where there is none
    zone: ZoneInfo
    speaks: tuple[str, ...]
    shown: set[str] = field(default_factory=set)
    posts: set[str] = field(default_factory=set)

    def way(self, path: str, seen: str) -> dict[str, str]:
        """Where something can be seen, and what that is called."""
        return {"url": self.page.rstrip("/") + path, "seen": seen} if self.page else {}

    def case(self, case_id: str) -> dict[str, str]:
        """The way to a case."""
        return self.way(f"/cases/{case_id}", f"Case {case_id}") if case_id else {}


def of(about: About) -> tuple[Section, ...]:
    """All sections that have something to say."""
    made: tuple[Callable[[About], Section], ...] = (
        _open, _voices, _leaving, _numbers, _praise, _not_seen, _accuracy, _more,
    )  # fmt: skip
    return tuple(section for make in made if (section := make(about)).lines)


def _open(about: About) -> Section:
    """Critical and overdue cases: how long they wait, whether somebody has them, what they say."""
    week = about.week
    rows = week.open[:MOST_OPEN]
    told = mentions.of_cases(about.database, [row["id"] for row in rows])
    lines = []
    for row in rows:
        posts = [each for each in told.get(row["id"], []) if each.verdict.lane != "none"] or told.get(row["id"], [])
        last = posts[-1] if posts else None
        about.shown.add(row["id"])
        about.posts.update(mentions.post_key(about.database, each.post.source, each.post.native_id) for each in posts)
        kind = "Critical" if row["priority"] == "critical" else "Overdue"
        waits = span_words(week.until - cases.case_of(row).waits_since)
        said = ""
        if last is not None:
            words = {"text": last.post.text or last.post.title, "title": "", "author": row["author"]}
            said = quotes.words_of(
                about.rules, {**words, "author_name": last.post.author_name, "source": row["source"]}, 100
            )
        by = quotes.by_of(row["source"], last.verdict.language if last else "", about.speaks)
        has = "taken" if row["owner"] else "nobody has taken it"
        lines.append(Line(f"{kind}, waiting {waits}, {has}", said, by, **about.case(row["id"])))
    more = week.waiting["critical"] + week.waiting["overdue"] - len(lines)
    return Section("Critical and overdue", tuple(lines), max(more, 0), about.way("/?view=overdue", "").get("url", ""))


def _quoted(about: About, *, praise: bool, limit: int) -> list[Line]:
    """What people said whose case is not quoted already."""
    found: list[tuple[Row, Line]] = quotes.quoted(
        about.database, about.rules, about.week.since, about.week.until, brand=about.week.brand, speaks=about.speaks,
        praise=praise, limit=limit + len(about.shown), link=lambda row: about.case(row["case_id"]),
    )  # fmt: skip
    fresh = [(row, line) for row, line in found if row["case_id"] not in about.shown][:limit]
    about.shown.update(row["case_id"] for row, _line in fresh if row["case_id"])
    about.posts.update(row["post_id"] for row, _line in fresh)
    return [line for _row, line in fresh]


def _voices(about: About) -> Section:
    return Section("In their own words", tuple(_quoted(about, praise=False, limit=MOST_QUOTES)))


def _leaving(about: About) -> Section:
    week = about.week
    now = week.leaving
    if not now.people:
        return Section("Leaving", ())
    than = f" ({week.leaving_before.people:,} the week before)" if week.leaving_before is not None else ""
    why = ", ".join(f"{name} {number:,}" for name, number in now.reasons)
    line = f"{count_words(now.people, 'person says', 'people say')} they are leaving{than}"
    line += f", about {why}. " if why else ". "
    line += f"{now.answered:,} of them {'has' if now.answered == 1 else 'have'} an answer."
    return Section("Leaving", (Line(line, **about.way("/insights?days=7#leaving", "Insights")),))


def _numbers(about: About) -> Section:
    week = about.week
    lines = (*_volume(week), *_answers(week.figures, week.figures_before))
    return Section("The week in numbers", lines)


def _volume(week: Week) -> tuple[Line, ...]:
    now, old = week.volume, week.volume_before
    if not now.mentions:
        return ()
    said = count_words(now.mentions, "mention")
    if old is not None:
        said += f" ({old.mentions:,} the week before)"
    elif week.first:
        said += " (first week, nothing to compare yet)"
    if now.share.value is not None:
        said += f", {percent(now.share.value)} negative of {now.share.base:,} judged{_than(old)}"
    small = now.mentions < SMALL
    return (Line(f"{said}.{' Small numbers: one person more or less changes these shares a lot.' if small else ''}"),)


def _than(old: Volume | None) -> str:
    if old is None or old.share.value is None:
        return ""
    return f" ({percent(old.share.value)} the week before)"


def _answers(now: Figures, old: Figures | None) -> tuple[Line, ...]:
    """First word and answer against the target and the week before, each share with what it is of."""
    lines = []
    first = _kept("First reply within the target", now.first_word, old.first_word if old else None)
    if first and (now.private or now.first_word.within != now.in_target):
        lines.append(Line(first))
    if answer := _kept("Answered within the target", now.to_answer, old.to_answer if old else None):
        ended = formatting.ended_words(now).rpartition(",")[0] if now.private or now.never else ""
        lines.append(Line(f"{answer[:-1]}; {ended}." if ended else answer))
    median = now.to_answer.median
    if median is not None:
        few = (
            f"only {count_words(now.to_answer.n, 'answer')}"
            if now.to_answer.n < formatting.FEW
            else (f"{now.to_answer.n:,} answers")
        )
        earlier = old.to_answer.median if old is not None else None
        than = f", {formatting.desk_words(earlier)} the week before" if earlier is not None else ""
        lines.append(Line(f"Median time to answer: {formatting.desk_words(median)} of opening hours ({few}{than})."))
    return tuple(lines)


def _kept(name: str, now: Spread, old: Spread | None) -> str:
    if now.within is None:
        return ""
    than = ""
    if old is not None and old.within is not None:
        than = f" (the week before: {percent(old.within)} of {old.due:,})"
    return f"{name}: {percent(now.within)} of {count_words(now.due, 'case')} due{than}."


def _praise(about: About) -> Section:
    n = about.week.waiting["praise"]
    if not n:
        return Section("Worth a thank-you", ())
    said = Line(
        f"{count_words(n, 'post')} of praise without a thank-you yet.", **about.way("/?state=sweep", "See them")
    )
    return Section("Worth a thank-you", (said, *_quoted(about, praise=True, limit=1)))


def _not_seen(about: About) -> Section:
    week, way = about.week, about.way("/sources", "Sources")
    if week.not_seen:
        lines = tuple(Line(each) for each in week.not_seen[:3])
        return Section("What was not seen", lines, len(week.not_seen) - len(lines), way.get("url", ""))
    if week.volume.mentions:
        return Section("What was not seen", ())
    names = [name for name, source in about.rules.sources.items() if source.enabled]
    return Section("Sources", (Line(f"All sources were read: {', '.join(names)}.", **way),))


def _accuracy(about: About) -> Section:
    week = about.week
    lines = []
    if week.alerts:
        right = week.alerts - week.wrong
        relevant = "was" if right == 1 else "were"
        lines.append(Line(
            "The one alert was relevant." if week.alerts == right == 1
            else f"{right:,} of {count_words(week.alerts, 'alert')} {relevant} relevant."
        ))  # fmt: skip
    if week.looked_at:
        lines.append(Line(
            f"Of {count_words(week.looked_at, 'quiet post')} your team looked at, {week.missed:,} should have been "
            f"{'an alert' if week.missed == 1 else 'alerts'}."
        ))  # fmt: skip
    return Section("How right Earful was", tuple(lines))


def _more(about: About) -> Section:
    """What else a manager should know."""
    week = about.week
    lines = []
    if week.waiting["late"]:
        late = count_words(week.waiting["late"], "complaint was", "complaints were")
        lines.append(Line(f"{late} found too late to alert anyone; earful cases lists what is open."))
    if week.waiting["sweep"]:
        n = week.waiting["sweep"]
        are = "it is" if n == 1 else "they are"
        said = f"{count_words(n, 'more post')} may need an answer; {are} in the sweep list."
        lines.append(Line(said, **about.way("/?state=sweep", "The list")))
    if week.unjudged:
        lines.append(Line(formatting.unjudged(week.unjudged, "the week")))
    if held := formatting.aftermath_words(week.aftermath, " in the last four weeks"):
        lines.append(Line(held))
    if week.installed is not None and not week.first:
        day = week.installed.astimezone(about.zone)
        since = f"{day:%a} {day_of(day)}"
        lines.append(Line(f"No comparison with the week before, which was incomplete: Earful started on {since}."))
    return Section("Good to know", tuple(lines))
