"""The managers' letter: one row a week and recipient, so never none and never two.

It leads with the people who still wait. It says what was not seen, and marks small numbers as small.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from alerts import Letter, hours
from alerts.letters import DigestView, FigureLine, SourceLine, UnansweredLine, VoiceLine, digest_letter
from alerts.wording import count_words, excerpt, span_words
from monitor import report
from monitor.rules import Rules
from monitor.store import deliveries, figures, mentions, records, sources
from monitor.store.database import Database, Row, at, instant

WEEK = timedelta(days=7)
OLDEST = 5
SMALL = 30  # fewer mentions than this, and a share says little
LATEST = timedelta(days=6)  # a letter that is later than this gives way to the next


def queue_due(database: Database, rules: Rules, now: datetime) -> int:
    """Queue this week's letter for every recipient who has not had it, once its moment has come; how many."""
    settings = rules.settings.digest
    period, moment = hours.due_period(now, settings.weekday, settings.at, rules.settings.zone)
    installed = records.fact(database, "installed_at")
    if not settings.to or now - moment > LATEST or not installed or at(installed) > moment:
        return 0
    missing = [to for to in settings.to if not records.has_period(database, f"digest:{period}:{to}")]
    if not missing:
        return 0
    letter = letter_of(database, rules, moment, key=f"digest-{period}")
    with database.transaction():
        mine = [to for to in missing if records.take_period(database, f"digest:{period}:{to}", now)]
        queue(database, letter, period, mine, now)
    return len(mine)


def queue(database: Database, letter: Letter, period: str, targets: list[str], now: datetime) -> None:
    """Put a letter into the outbox, one delivery a recipient."""
    deliveries.queue(
        database,
        [
            deliveries.new_row(
                about=f"digest:{period}",
                target=target,
                now=now,
                due_at=now,
                reason="the week",
                payload={
                    "subject": letter.subject,
                    "html": letter.html,
                    "text": letter.text,
                    "headers": letter.headers,
                },
            )
            for target in targets
        ],
    )


def letter_of(database: Database, rules: Rules, until: datetime, *, key: str) -> Letter:
    """The letter about the week that ended at `until`."""
    return digest_letter(view(database, rules, until), key)


def view(database: Database, rules: Rules, until: datetime) -> DigestView:
    """What the letter says, as plain values."""
    since, before = until - WEEK, until - 2 * WEEK
    now_rows, before_rows = figures.by_source(database, since, until), figures.by_source(database, before, since)
    first = instant(figures.first_mention_at(database))
    first_week = first is None or first >= since
    waiting = figures.unanswered(database, until)
    called = [row for row in waiting if row["lane"] == "ping"]
    zone = rules.settings.zone
    mentions_now, mentions_before = _total(now_rows, "mentions"), _total(before_rows, "mentions")
    start, end = since.astimezone(zone), (until - timedelta(seconds=1)).astimezone(zone)
    return DigestView(
        title="The week of " + ", ".join(brand.name for brand in rules.settings.brands),
        period_words=f"{start:%a} {start.day} {start:%b} to {end:%a} {end.day} {end:%b %Y}",
        brands=tuple(brand.name for brand in rules.settings.brands),
        unanswered=_unanswered(database, called[:OLDEST], until),
        unanswered_count=len(called),
        mentions=mentions_now,
        negative_share=_share(now_rows),
        mentions_before=None if first_week else mentions_before,
        negative_share_before=None if first_week else _share(before_rows),
        small=mentions_now < SMALL,
        by_source=tuple(
            SourceLine(row["source"], int(row["mentions"]), int(row["negative"]), row["negative"] / row["mentions"])
            for row in now_rows
        ),
        voices=_voices(database, since, until),
        figures=_figures(database, rules, since, until, first_week=first_week),
        not_seen=_not_seen(database, rules, since, until),
        notes=_notes(database, since, until, len(waiting) - len(called)),
        first_week=first_week,
        page_url=rules.settings.earful.page_url,
    )


def _total(rows: list[Row], column: str) -> int:
    return sum(int(row[column]) for row in rows)


def _share(rows: list[Row]) -> float:
    total = _total(rows, "mentions")
    return _total(rows, "negative") / total if total else 0.0


def _unanswered(database: Database, rows: list[Row], until: datetime) -> tuple[UnansweredLine, ...]:
    told = mentions.of_cases(database, [row["id"] for row in rows])
    lines = []
    for row in rows:
        all_posts = told.get(row["id"], [])
        posts = [mention for mention in all_posts if mention.verdict.lane != "none"] or all_posts
        last = posts[-1].post if posts else None
        who = row["author"] or "somebody"
        lines.append(
            UnansweredLine(
                age_words=span_words(until - at(row["first_posted_at"])),
                headline=f"{who} on {row['source']}",
                excerpt=(last.text or last.title) if last else "",
                url=last.url if last else "",
                owner=row["owner"],
            )
        )
    return tuple(lines)


def _voices(database: Database, since: datetime, until: datetime) -> tuple[VoiceLine, ...]:
    found = [
        VoiceLine(
            excerpt(row["text"] or row["title"], 240),
            f"{row['author'] or 'somebody'} on {row['source']}",
            row["url"],
            kind,
        )
        for praise, kind, limit in ((False, "complaint", 3), (True, "praise", 2))
        for row in figures.voices(database, since, until, praise=praise, limit=limit)
    ]
    return tuple(found)


def _figures(
    database: Database, rules: Rules, since: datetime, until: datetime, *, first_week: bool
) -> tuple[FigureLine, ...]:
    now = report.of_span(database, rules, since, until)
    earlier = None if first_week else report.of_span(database, rules, since - WEEK, since)
    return report.lines(now, earlier)


def _not_seen(database: Database, rules: Rules, since: datetime, until: datetime) -> tuple[str, ...]:
    """What was not read in this span: gaps that the networks left, and sources that failed at its end."""
    zone = rules.settings.zone
    lines = []
    for row in sources.gaps_since(database, since):
        start, end = at(row["start_at"]).astimezone(zone), at(row["end_at"]).astimezone(zone)
        if start < until:
            last = f"{end:%H:%M}" if end.date() == start.date() else f"{end:%a %H:%M}"
            lines.append(f"{row['source']} not read {start:%a %H:%M}-{last}: {row['reason']}")
    for name, health in sources.all_health(database).items():
        if health.failing_since is not None and health.failing_since < until and name in rules.sources:
            begun = health.failing_since.astimezone(zone)
            lines.append(f"{name} not read since {begun:%a %d %b %H:%M}: {health.last_error}")
    return tuple(lines)


def _notes(database: Database, since: datetime, until: datetime, swept: int) -> tuple[str, ...]:
    notes = []
    called = figures.told_between(database, since, until)
    wrong = sum(
        int(row["n"])
        for row in figures.closed_between(database, since, until)
        if row["why"] in {"not_us", "not_a_complaint", "spam"}
    )
    if called:
        notes.append(f"{wrong} of {count_words(called, 'alert')} {'was' if wrong == 1 else 'were'} not for us.")
    if swept:
        notes.append(f"{count_words(swept, 'further post')} may need an answer; they stand in the sweep list.")
    return tuple(notes)
