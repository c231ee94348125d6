"""Commands that say how it went: the week's letter, and the figures."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.table import Table
from rich.text import Text

from alerts.email.templates import percent
from alerts.wording import count_words, span_words
from monitor.cli.base import AsJson, Failed, app, console, line, opened, print_json
from monitor.reports import digest, formatting, further_figures, statistics
from monitor.reports.letter import contents
from monitor.reports.statistics import Figures, Report, Spread
from monitor.service.scheduler import utc_now
from monitor.settings import overrides
from monitor.store import deliveries, web
from monitor.text.normalize import safe_line
from monitor.wiring import Assembly


@app.command("digest")
def digest_(
    preview: Annotated[Path | None, typer.Option("--preview", help="Write it to this file as HTML instead.")] = None,
    week: Annotated[str, typer.Option("--week", help="A past week such as 2026-W48. Default: the last 7 days.")] = "",
    brand: Annotated[str, typer.Option("--brand", help="Only this brand's. Default: each brand's.")] = "",
    send: Annotated[bool, typer.Option("--send", help="Send it now to everyone under [digest] to.")] = False,
    resume: Annotated[str, typer.Option("--resume", help="Re-subscribe someone who opted out.")] = "",
) -> None:
    """Print the weekly digest, of now or of a past week."""
    with opened() as assembly:
        now = utc_now()
        if resume:
            typer.echo(_resume(assembly, resume, now))
        elif send:
            if week or brand:
                raise Failed("--send always sends the last seven days of every brand; leave out --week and --brand")
            _send(assembly, now)
        else:
            _show(assembly, _brands(assembly, brand), _until(assembly, week, now), now, preview)


def _brands(assembly: Assembly, brand: str) -> tuple[str, ...]:
    named = tuple(contents.brands_of(assembly.rules))
    if brand and brand not in named:
        raise Failed(f"no brand named {brand}; the settings have: {', '.join(named)}")
    return (brand,) if brand else named


def _until(assembly: Assembly, week: str, now: datetime) -> datetime:
    """The end of the seven days that are asked for."""
    if not week:
        return now
    end = digest.end_of_week(assembly.rules, week, assembly.settings.zone)
    if end is None:
        raise Failed(f"--week {week!r}: write a week such as 2026-W48")
    if end > now:
        local = end.astimezone(assembly.settings.zone)
        raise Failed(f"--week {week}: that week's digest is due on {local:%a} {local.day} {local:%b} {local:%H:%M}")
    return end


def _show(assembly: Assembly, brands: tuple[str, ...], until: datetime, now: datetime, preview: Path | None) -> None:
    """Print each brand's digest, or write each to a file of its own."""
    for number, brand in enumerate(brands):
        key = f"digest-{until:%Y%m%dT%H%M%S}-{number}"
        letter = digest.letter_of(assembly.database, assembly.rules, until, key=key, brand=brand, now=now)
        if preview is None:
            typer.echo(("\n" if number else "") + letter.text)
            continue
        slug = re.sub(r"[^\w]+", "-", brand.casefold()).strip("-") or str(number)
        file = preview.with_stem(f"{preview.stem}-{slug}") if len(brands) > 1 else preview
        try:
            file.write_text(letter.html, encoding="utf-8")
        except OSError as error:
            raise Failed(f"{file}: {error.strerror}") from error
        typer.echo(f"Wrote {file}")


def _send(assembly: Assembly, now: datetime) -> None:
    """Send the digest of the last seven days to every recipient, and say what came of it."""
    if not assembly.settings.digest.to:
        raise Failed('[digest] to is empty; write to = ["email:boss@example.org"]')
    targets = digest.recipients(assembly.database, assembly.rules)
    from monitor.web import links  # with the page's libraries: only where a letter leaves

    link = links.make(assembly.settings, assembly.database, utc_now)
    owed = digest.now_for(assembly.rules, targets, now)
    letters = {each: digest.letter_to(assembly.database, assembly.rules, each, now, link=link) for each in owed}
    with assembly.database.transaction():
        digest.queue(assembly.database, letters, now)
    for name in dict.fromkeys(target.partition(":")[0] for target in targets):
        assembly.alerting.serve(name, utc_now)
    abouts = dict.fromkeys(each.about for each in owed)
    sent = [row for about in abouts for row in deliveries.about(assembly.database, about) if row.state == "sent"]
    typer.echo(
        f"{len(sent)} of {count_words(len(owed), 'digest')} sent"
        + ("" if len(sent) == len(owed) else "; the daemon sends the rest")
    )
    if ended := [to for to in assembly.settings.digest.to if to not in targets]:
        typer.echo(f"not sent to {', '.join(ended)}: unsubscribed (--resume re-subscribes them)")


def _resume(assembly: Assembly, target: str, now: datetime) -> str:
    """Send letters again to who asked for no more; what came of it, in words."""
    named = [to for to in assembly.settings.digest.to if target in {to, to.partition(":")[2]}]
    if not named:
        raise Failed(f"{target} is not in [digest] to. Listed there: {', '.join(assembly.settings.digest.to)}")
    key, database = overrides.LETTER + named[0], assembly.database
    with database.transaction():
        before = web.desk_values(database).get(key, "")
        if not before:
            return f"{named[0]} is already subscribed"
        web.add_desk_change(database, key, "", before, "the command line", now)
    return f"{named[0]} is subscribed again"


@app.command("report")
def report_(
    days: Annotated[int, typer.Option("--days", min=1, max=36_500, help="How many days to look back.")] = 7,
    month: Annotated[str, typer.Option("--month", help="A month such as 2026-11, instead of --days.")] = "",
    as_json: AsJson = False,
) -> None:
    """Print how long it took to find, alert and answer."""
    with opened() as assembly:
        now = utc_now()
        since, until = now - timedelta(days=days), now
        span = f"the last {count_words(days, 'day')}"
        if month:
            since, until = _month(month, now, assembly.settings.zone)
            span = f"{since.astimezone(assembly.settings.zone):%B %Y}" + (" so far" if until == now else "")
        found = statistics.of_span(assembly.database, assembly.rules, since, until, seen=now)
        if as_json:
            asked = {"month": month} if month else {"days": days}
            beside = further_figures.as_json(assembly.database, assembly.rules, since, until)
            span_of = {"since": since.isoformat(), "until": until.isoformat()}
            print_json({**asked, **span_of, **formatting.as_json(found), **beside})
            return
        if not found.turns:
            console.print(f"No cases waited for an answer in {span}.")
        else:
            _print_report(found, span)
        if held := formatting.aftermath_words(found.after):
            console.print(f"\n{held}")
        if beside_times := further_figures.sentences(assembly.database, assembly.rules, since, until):
            console.print()
            for sentence in beside_times:
                console.print(line(sentence))


def _month(text: str, now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The first moment of a month on the desk's clock, and its end; of the month that runs, now."""
    found = re.fullmatch(r"([1-9][0-9]{3})-(0[1-9]|1[0-2])", text)
    if found is None:
        raise Failed(f"--month {text!r}: write a month such as 2026-11")
    year, number = int(found[1]), int(found[2])
    since = datetime(year, number, 1, tzinfo=zone).astimezone(UTC)
    if since >= now:
        raise Failed(f"--month {text}: that month has not begun yet")
    following = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=zone)
    return since, min(following.astimezone(UTC), now)


_LINES = (
    ("From post to found", "lag", "wall clock"),
    ("From found to alerted", "alert_lag", "wall clock"),
    ("From alerted to taken", "to_take", "opening hours"),
    ("", "to_take_wall", "wall clock"),
    ("From taken to answered", "after_taking", "wall clock"),
    ("From post to first reply", "first_word", "opening hours"),
    ("From post to answer", "to_answer", "opening hours"),
    ("", "to_answer_wall", "wall clock"),
    ("From post to resolved", "to_resolve", "opening hours"),
    ("", "to_resolve_wall", "wall clock"),
)


def _print_report(found: Report, span: str) -> None:
    people = count_words(found.turns, "waiting case", "waiting cases")
    console.print(f"{span[0].upper()}{span[1:]}: {people}, {found.answered:,} answered", soft_wrap=True)
    notes = [f"{found.again:,} wrote again after an answer"] if found.again else []
    if found.backdated:
        notes.append(f"{count_words(found.backdated, 'reply', 'replies')} dated before the post, counted as zero time")
    if found.private:
        notes.append(f"Of all cases due: {formatting.ended_words(found)}")
    for note in notes:
        console.print(Text(note, "dim"), soft_wrap=True)
    console.print()
    table = _table("", "", "cases", "median", "90th pct", "in target")
    for name, field, unit in _LINES:
        spread: Spread = getattr(found, field)
        if spread.n or spread.within is not None:
            desk = unit == "opening hours"
            median, most = (_words(spread, p90=p90, desk=desk) for p90 in (False, True))
            table.add_row(name, Text(unit, "dim"), f"{spread.n:,}", median, most, _share(spread))
    console.print(table)
    if slow := formatting.slowest(found):
        console.print(f"\nSlowest stage: {formatting.STAGES[slow][1].lower()}.")
    for title, groups in (
        ("source", found.by_source), ("priority", found.by_priority), ("team", found.by_team), ("hour", found.by_hour),
    ):  # fmt: skip
        if groups:
            _print_groups(title, groups)


def _print_groups(title: str, groups: Mapping[str, Figures]) -> None:
    """The stages beside each other, so that one sees which is slow; the answer in opening hours."""
    console.print()
    table = _table(title, "cases", "found", "alerted", "taken", "answer", "90th pct", "in target")
    for name, each in groups.items():
        stages = (each.lag, each.alert_lag, each.to_take_wall)
        table.add_row(
            Text(safe_line(f"{name}:00" if title == "hour" else name)),
            f"{each.turns:,}",
            *(_words(stage, p90=False) for stage in stages),
            *(_words(each.to_answer, p90=p90, desk=True) for p90 in (False, True)),
            _share(each.to_answer),
        )
    console.print(table)


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in names:
        counted = name not in {"", "source", "priority", "team", "hour"}
        table.add_column(name, justify="right" if counted else "left", no_wrap=True)
    return table


def _words(spread: Spread, *, p90: bool, desk: bool = False) -> str:
    value = spread.p90 if p90 else spread.median
    if value is None:
        return ""
    words = formatting.desk_words(value) if desk else span_words(value)
    return words.replace("less than a minute", "< 1 min").replace("minutes", "min").replace("minute", "min")


def _share(spread: Spread) -> str:
    return "" if spread.within is None else percent(spread.within)
