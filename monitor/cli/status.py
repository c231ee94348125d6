"""The command that says how all stands: sources, channels, what waits, what was not seen."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.table import Table
from rich.text import Text

from alerts.wording import span_words
from monitor.assistant import standing as assistant
from monitor.cases import second_look
from monitor.cli import at_work
from monitor.cli.base import AsJson, app, console, opened, print_json, settings_path
from monitor.cli.costs import budget_of, cost_line, foreseen
from monitor.ingest import asking, wishes
from monitor.ingest.access_tokens import Standing
from monitor.ingest.conversations import spent_on_conversations
from monitor.ingest.notices import noticed
from monitor.notify import trouble
from monitor.privacy import retention
from monitor.privacy.carrying_over import key_missing
from monitor.reports import formatting
from monitor.reports.at_work import notes as notes_of
from monitor.service import clock_check
from monitor.service.console_view import command
from monitor.service.scheduler import utc_now
from monitor.settings import overrides
from monitor.settings.competitors import costs
from monitor.settings.models import Source
from monitor.store import (
    asked,
    cases,
    channel_health,
    deliveries_owed,
    disk,
    forgotten,
    key_values,
    mentions,
    requeue,
    sources,
    web,
)
from monitor.store.channel_health import Health
from monitor.store.connect import served_by
from monitor.store.database import Database, at, stamp
from monitor.text.complaint_signals import JUDGED
from monitor.text.normalize import safe_line
from monitor.wiring import sign_ins


@app.command()
def status(
    as_json: AsJson = False,
    here: Annotated[
        bool, typer.Option("--here", help="Only say whether a process on this host is working; exit with 1 if not.")
    ] = False,
) -> None:
    """Show the state of sources, channels, queues and workers."""
    if here:
        at_work.say_here()
        return
    with opened() as assembly:
        database, now = assembly.database, utc_now()
        health = sources.all_health(database)
        signed_in = sign_ins(assembly.settings, now, database)
        aside = sources.aside_counts(database)
        waiting = deliveries_owed.waiting(database)
        gaps = sources.gaps_since(database, now - timedelta(days=7))
        dead = deliveries_owed.dead(database)
        standing = channel_health.standing(database)
        if as_json:
            print_json(
                {
                    "sources": [
                        {
                            "name": source.name, "kind": source.kind,
                            "last_read_at": stamp(health[source.name].last_read_at) or None,
                            "last_success_at": stamp(health[source.name].last_success_at) or None,
                            "failing_since": stamp(health[source.name].failing_since) or None,
                            "last_error": health[source.name].last_error or None,
                            "remedy": health[source.name].remedy or None,
                            "failures": health[source.name].failures,
                            "next_due_at": stamp(health[source.name].next_due_at) or None,
                            "paused": health[source.name].paused_at is not None, "refused": health[source.name].refused,
                            "quota_remaining": health[source.name].quota_remaining,
                            "spent": health[source.name].spent_in(now), "monthly_budget": budget_of(source),
                            "spent_on_conversations": spent_on_conversations(database, source.name, now),
                            "forecast": round(foreseen(database, health[source.name], now), 2),
                            "notices": noticed(database, source.name),
                            "signed_in": _signed_in(signed_in.get(source.name)),
                            "left_out": wishes.left_out(database, source.name)[0],
                            "aside": aside.get(source.name, 0),
                            "aside_reasons": dict(sources.aside_reasons(database, source.name)),
                        }
                        for source in assembly.settings.sources
                    ],
                    "channels": [
                        _failing(each.name, standing.down(each.name)) for each in assembly.settings.channels
                    ],
                    "targets": [_failing(each.name, each) for each in standing.failing_targets()],
                    "retention_waits": _retention_waits(database) or None,
                    "asked_in_24_hours": {
                        name: {"posts": standing, "asked": recent}
                        for name, (standing, recent) in asked.shares(database, now - asking.EVERY).items()
                        if name in assembly.settings.asked_after()
                    },
                    "erasures_without_key": forgotten.without_key(database),
                    "copies": {name: stamp(until) for name, until in retention.copies_until(database).items()},
                    "not_stored": disk.fault(database, now) or None,
                    "not_alerted": trouble.lines(database, assembly.rules, now),
                    "daemon": served_by(assembly.settings.database.url.get_secret_value()) or None,
                    "queue": waiting,
                    **at_work.as_json(database),
                    "dead": [{"target": d.target, "about": d.about, "error": d.error} for d in dead],
                    "gaps": [
                        {"source": g["source"], "from": g["start_at"], "to": g["end_at"], "reason": g["reason"]}
                        for g in gaps
                    ],
                    "mentions": mentions.counts(database), "open_cases": cases.count_open(database),
                    "unjudged_languages": requeue.unjudged_languages(database, now - timedelta(days=7), JUDGED),
                    "judge": assembly.intake.judge.scorer, "judge_trouble": _judge_trouble(assembly),
                    "assistant": assistant.as_json(database, assembly.settings, now),
                    "audit": key_values.fact(database, "audit"), "no_letters_to": _no_letters(assembly),
                }
            )  # fmt: skip
            return
        _status_tables(assembly, health, aside, gaps, dead)


def _signed_in(found: Standing | None) -> dict[str, str | None] | None:
    """The sign-in of a source for programs: as whom, until when without being renewed, and what is wrong with it."""
    if found is None:
        return None
    trouble = found.words if found.wrong else None
    return {"account": found.account or None, "token_ends_at": stamp(found.ends_at) or None, "trouble": trouble}


def _failing(name: str, health: Health | None) -> dict[str, str | None]:
    """A channel or a target for programs: since when it takes nothing, and why."""
    return {
        "name": name,
        "failing_since": (stamp(health.failing_since) or None) if health else None,
        "error": (health.error or None) if health else None,
        "remedy": (health.remedy or None) if health else None,
    }


def _retention_waits(database: Database) -> str:
    """Why posts are not removed for their age at the moment."""
    found = clock_check.waiting(database)
    return found.why if found else ""


def _no_letters(assembly: Any) -> list[str]:
    """Who of those whom settings name asked for no more of the managers' letters."""
    ended = overrides.ended_letters(web.desk_values(assembly.database))
    return [target for target in assembly.settings.digest.to if target in ended]


def _ago(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return "never"
    return f"{span_words(now - moment)} ago" if now - moment >= timedelta(minutes=1) else "just now"


def _soon(moment: datetime | None, now: datetime) -> str:
    if moment is None or moment <= now:
        return "now"
    return f"in {span_words(moment - now)}" if moment - now >= timedelta(minutes=1) else "within a minute"


def _left_out(assembly: Any) -> list[str]:
    """How many posts of each source are not here because of what their authors wish."""
    found = [(source.name, *wishes.left_out(assembly.database, source.name)) for source in assembly.settings.sources]
    return [
        f"{name}: {number:,} {'post' if number == 1 else 'posts'} left out since {day}; their authors do not want "
        "to be found by a search"
        for name, number, day in found
        if number
    ]


def _state(source: Source, health: sources.Health) -> Text:
    """How a source stands, in a word."""
    if not source.enabled:
        return Text("switched off", "dim")
    if health.paused_at:
        return Text("paused", "yellow")
    if health.refused:
        return Text("refused", "red")
    if health.failing_since:
        return Text("failing", "red")
    return Text("reading", "green") if health.last_success_at else Text("not read yet", "dim")


def _status_tables(assembly: Any, health: Any, aside: Any, gaps: Any, dead: Any) -> None:
    database, now, zone = assembly.database, utc_now(), assembly.settings.zone
    headers = ["source", "state", "last read", "next", "set aside", "quota", "spent"]
    lines: list[list[Text | str]] = []
    notes: list[str] = []
    bills: list[str] = []
    if not served_by(assembly.settings.database.url.get_secret_value()):
        start = f"{command(settings_path())} run"
        notes.append(f"the daemon is not running: nothing is read and nobody is alerted. Start it: {start}")
    signed_in = sign_ins(assembly.settings, now, database)
    for source in assembly.settings.sources:
        each = health[source.name]
        waits = source.enabled and not each.refused and not each.paused_at
        lines.append(
            [
                source.name, _state(source, each), _ago(each.last_read_at, now),
                _soon(each.next_due_at, now) if waits else "",
                str(aside.get(source.name, 0) or ""),
                f"{each.quota_remaining:,}" if each.quota_remaining is not None else "",
                f"${each.spent_in(now):.2f}" if each.spent_in(now) else "",
            ]
        )  # fmt: skip
        if aside.get(source.name):
            why = ", ".join(f"{reason} ({n:,})" for reason, n in sources.aside_reasons(database, source.name))
            notes.append(f"{source.name}: set aside because it could not be read: {why}")
        notes += [f"{source.name}: {said}" for said in noticed(database, source.name)]
        if source.enabled and costs(source):
            bills.append(cost_line(source, each.spent_in(now), foreseen(database, each, now), now))
            if talk := spent_on_conversations(database, source.name, now):
                bills.append(f"{source.name}: ${talk:.2f} of it for following conversations")
        if found := signed_in.get(source.name):
            (notes if found.wrong else bills).append(found.words)
        if each.failing_since and not (found and each.last_error in found.words):
            notes.append(f"{source.name}: {each.last_error}" + (f" - {each.remedy}" if each.remedy else ""))
    notes += _left_out(assembly)
    notes += [
        f"{target} has unsubscribed from the weekly digest (earful digest --resume {target} re-subscribes them)"
        for target in _no_letters(assembly)
    ]
    unjudged = formatting.unjudged_words(database, now - timedelta(days=7), "the last seven days")
    notes += [*_judge_trouble(assembly), *([unjudged] if unjudged else [])]
    table = Table(box=None, pad_edge=False, header_style="dim")
    shown = [number for number in range(len(headers)) if number < 4 or any(line[number] for line in lines)]
    for number in shown:
        table.add_column(headers[number], no_wrap=True, justify="right" if number >= 4 else "left")
    for line in lines:
        table.add_row(*(line[number] for number in shown))
    console.print(table)
    at_work.table(database, console)
    if said := assistant.words(database, assembly.settings, now):
        (notes if assembly.settings.assistant.elsewhere else bills).append(said)
    for bill in bills:
        console.print(Text(bill, "dim"))
    _standing(assembly, zone, notes, gaps, dead)


def _judge_trouble(assembly: Any) -> list[str]:
    """What of the judge is not used and why, by name."""
    skipped = key_values.fact(assembly.database, second_look.TROUBLE) if assembly.settings.judge.reader else ""
    return [*assembly.intake.judge.trouble, *([skipped] if skipped else [])]


def _standing(assembly: Any, zone: ZoneInfo, notes: list[str], gaps: Any, dead: Any) -> None:
    database = assembly.database
    if not_stored := disk.fault(database, utc_now()):
        notes.insert(0, f"can't store anything, so sources are not read: {not_stored}. Free some disk space")
    if why := _retention_waits(database):
        notes.append(f"{clock_check.title(why)}. {clock_check.REMEDY}")
    for line in asking.words(database, assembly.settings, utc_now()):
        console.print(Text(line, "dim"))
    for name, until in retention.copies_until(database).items():
        line = f"{name}: a copy of the whole database; Earful deletes it on {until.astimezone(zone):%d %b}"
        console.print(Text(line, "dim"))
    if missing := forgotten.without_key(database):
        notes.append(key_missing(missing, str(forgotten.key_file(database))))
    notes += [*notes_of(database), *trouble.lines(database, assembly.rules, utc_now())]
    for note in notes:
        console.print(Text(f"! {safe_line(note)}", "yellow"))
    console.print()
    waiting = deliveries_owed.waiting(database)
    total, open_cases = mentions.counts(database), cases.count_open(database)
    counts = Table(box=None, pad_edge=False, show_header=False)
    counts.add_row("mentions", f"{total['mentions']:,}", f"{total['flagged']:,} flagged")
    counts.add_row("open cases", f"{open_cases.get('ping', 0):,}", f"{open_cases.get('sweep', 0):,} may need an answer")
    if judged := at_work.to_judge(database):
        counts.add_row(*judged)
    queue = deliveries_owed.on_their_way(waiting)
    sent = f"{waiting.get('sent', 0):,} sent, {waiting.get('dead', 0):,} undeliverable"
    counts.add_row("messages", f"{queue:,} waiting{at_work.to_send(database)}", sent)
    console.print(counts)
    for each in dead[:10]:
        console.print(Text(f"! {each.target}: {safe_line(each.error)} (retry with: earful alert resend)", "red"))
    for gap in gaps:
        start, end = at(gap["start_at"]).astimezone(zone), at(gap["end_at"]).astimezone(zone)
        console.print(
            Text(
                f"! {gap['source']} not read {start:%d %b %H:%M} to {end:%d %b %H:%M}: {safe_line(gap['reason'])}",
                "yellow",
            )
        )
    audit = key_values.fact(database, "audit")
    if audit:
        console.print(Text(f"! audit: {audit}", "red"))
