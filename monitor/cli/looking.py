"""Commands that show what is there, and the one that says something of a case."""

from __future__ import annotations

import getpass
import json
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from alerts import hours
from alerts.wording import excerpt, span_words
from connectors import Post
from monitor import cases as verbs
from monitor import compose, digest, report
from monitor.cli.base import Failed, app, console, load_settings, opened, print_json
from monitor.engine import utc_now
from monitor.model import Mention
from monitor.settings import span
from monitor.store import cases, deliveries, mentions, records, sources
from monitor.store.database import Row, at, stamp
from monitor.text.normal import safe_line

Brand = Annotated[str, typer.Option("--brand", help="Only this brand.")]
SourceName = Annotated[str, typer.Option("--source", help="Only this source.")]
Since = Annotated[str, typer.Option("--since", help='How far back: "24h", "7d", or a day such as 2026-11-20.')]
Limit = Annotated[int, typer.Option("--limit", help="How many at most.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
Flagged = Annotated[bool, typer.Option("--flagged", help="Only those that people are called for.")]
_STYLES = {"ping": "bold red", "sweep": "yellow", "none": ""}


def _since(text: str) -> Any:
    if not text:
        return None
    try:
        return utc_now() - span(text)
    except ValueError:
        pass
    try:
        from datetime import UTC, datetime

        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except ValueError:
        raise Failed(f'--since {text!r}: write a span such as "7d", or a day such as 2026-11-20') from None


def mention_json(mention: Mention) -> dict[str, Any]:
    """A mention as the JSON object that scripts read."""
    post, verdict = mention.post, mention.verdict
    return {
        "id": mention.id,
        "source": post.source,
        "native_id": post.native_id,
        "url": post.url,
        "author": post.author,
        "text": post.text,
        "title": post.title,
        "posted_at": post.posted_at.isoformat(),
        "seen_at": mention.seen_at.isoformat(),
        "brand": mention.brand,
        "sentiment": round(verdict.sentiment, 4),
        "label": verdict.label,
        "language": verdict.language,
        "needs_answer": round(verdict.needs_answer, 4),
        "lane": verdict.lane,
        "flagged": mention.flagged,
        "critical": verdict.critical,
        "reasons": list(verdict.reasons),
        "rating": post.rating,
        "scorer": verdict.scorer,
        "case": mention.case_id or None,
        "suppressed": mention.suppressed or None,
    }


@app.command("mentions")
def mentions_(
    brand: Brand = "",
    source: SourceName = "",
    flagged: Flagged = False,
    since: Since = "",
    search: Annotated[str, typer.Option("--search", help="Words to look for.")] = "",
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List what was heard, newest first."""
    with opened() as assembly:
        wanted = mentions.Filter(
            brand=brand, source=source, flagged=flagged, since=_since(since), search=search, limit=limit
        )
        found = mentions.find(assembly.database, wanted)
        if as_json:
            for mention in found:
                print_json(mention_json(mention))
            return
        zone = assembly.settings.zone
        table = Table(box=None, pad_edge=False, header_style="dim")
        for name, options in (
            ("posted", {"no_wrap": True}),
            ("source", {"no_wrap": True}),
            ("author", {"max_width": 18, "no_wrap": True}),
            ("", {}),
            ("says", {"ratio": 1}),
            ("case", {"justify": "right"}),
        ):
            table.add_column(name, **options)
        for mention in found:
            verdict = mention.verdict
            says = Text(excerpt(mention.post.text or mention.post.title, 160))
            if mention.flagged:
                says.append("\n" + " · ".join(verdict.reasons), "dim")
            mark = {"ping": "!", "sweep": "?", "none": ""}[verdict.lane]
            table.add_row(
                f"{mention.post.posted_at.astimezone(zone):%d %b %H:%M}", mention.post.source,
                Text(safe_line(mention.post.author)), Text(mark, _STYLES[verdict.lane]), says, mention.case_id,
            )  # fmt: skip
        console.print(table)
        console.print(f"[dim]{len(found)} shown[/]")


def case_json(assembly: Any, row: Row, told: list[deliveries.Delivery]) -> dict[str, Any]:
    """A case as the JSON object that scripts read."""
    case = cases.case_of(row)
    moments = (
        "opened_at", "first_posted_at", "last_posted_at", "due_at", "acknowledged_at", "answered_at", "closed_at",
        "snoozed_until", "waiting_until", "next_step_at", "claim_expires_at",
    )  # fmt: skip
    return {
        "id": case.id,
        "brand": case.brand,
        "source": case.source,
        "author": case.author,
        "thread": case.thread,
        "state": case.state_at(utc_now()),
        "lane": case.lane,
        "priority": case.priority,
        "priority_reasons": list(case.priority_reasons),
        **{name: row[name] or None for name in moments},
        "owner": case.owner or None,
        "answered_by": case.answered_by or None,
        "sent_on": case.sent_on,
        "outcome": case.outcome or None,
        "why": case.why or None,
        "wants": case.wants or None,
        "story": case.story_id,
        "quiet": case.quiet,
        "mentions": [mention.id for mention in mentions.of_case(assembly.database, case.id)],
        "deliveries": [
            {
                "channel": each.channel,
                "target": each.target,
                "step": each.step,
                "state": each.state,
                "attempts": each.attempts,
                "sent_at": stamp(each.sent_at) or None,
                "error": each.error or None,
            }
            for each in told
        ],
    }


@app.command("cases")
def cases_(
    brand: Brand = "",
    source: SourceName = "",
    flagged: Annotated[bool, typer.Option("--flagged", help="Only those that people are called for.")] = False,
    only_open: Annotated[bool, typer.Option("--open", help="Only those that are open.")] = False,
    owner: Annotated[str, typer.Option("--owner", help="Only this person's.")] = "",
    since: Since = "",
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List cases, the most urgent unanswered one first."""
    with opened() as assembly:
        wanted = cases.Filter(
            brand=brand, source=source, lane="ping" if flagged else "", owner=owner, only_open=only_open,
            since=_since(since), limit=limit,
        )  # fmt: skip
        rows = cases.find(assembly.database, wanted)
        if as_json:
            told = deliveries.of_cases(assembly.database, {row["id"]: row["story_id"] for row in rows})
            for row in rows:
                print_json(case_json(assembly, row, told[row["id"]]))
            return
        _case_table(assembly, rows)


def _case_table(assembly: Any, rows: list[Row]) -> None:
    now, zone = utc_now(), assembly.settings.zone
    words = mentions.of_cases(assembly.database, [row["id"] for row in rows])
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("case", justify="right", no_wrap=True)
    table.add_column("urgency", no_wrap=True)
    table.add_column("state", no_wrap=True, max_width=18)
    table.add_column("since", no_wrap=True)
    table.add_column("due", no_wrap=True)
    table.add_column("who", no_wrap=True, max_width=26)
    table.add_column("says", ratio=1)
    styles = {"critical": "bold red", "urgent": "red", "normal": "", "gentle": "dim"}
    for row in rows:
        case = cases.case_of(row)
        told = [each for each in words.get(case.id, []) if each.verdict.lane != "none"] or words.get(case.id, [])
        state = case.state_at(now)
        late = case.due_at is not None and case.due_at < now and state in {"open", "taken"}
        due = (
            ""
            if case.due_at is None or state in {"answered", "closed"}
            else f"{case.due_at.astimezone(zone):%d %b %H:%M}"
        )
        table.add_row(
            case.id,
            Text(
                "sweep" if case.lane == "sweep" else case.priority,
                styles[case.priority] if case.lane == "ping" else "dim",
            ),
            f"{state}{' ' + case.owner if state == 'taken' else ''}",
            f"{case.first_posted_at.astimezone(zone):%d %b %H:%M}",
            Text(due, "red" if late else ""),
            Text(safe_line(f"{case.author} · {case.source}")),
            Text(excerpt(told[-1].post.text or told[-1].post.title, 120) if told else "(deleted)"),
        )
    console.print(table)
    console.print(f"[dim]{len(rows)} shown; look into one with: earful case ID[/]")


@app.command()
def case(
    case_id: Annotated[str, typer.Argument(metavar="ID", help="The case's number.")],
    verb: Annotated[str, typer.Argument(metavar="[VERB]", help=f"What to say of it: {', '.join(verbs.VERBS)}.")] = "",
    as_: Annotated[str, typer.Option("--as", help="Who says it.")] = "",
    outcome: Annotated[str, typer.Option(help=f"With close: {', '.join(verbs.OUTCOMES)}.")] = "",
    why: Annotated[str, typer.Option(help=f"With close or dismiss: {', '.join(verbs.WHYS)}.")] = "",
    until: Annotated[str, typer.Option(help='With snooze or wait: a span ("2h") or a time with its zone.')] = "",
    on: Annotated[str, typer.Option(help="With wait: whom you wait for.")] = "",
    owner: Annotated[str, typer.Option(help="With assign: who is to have it.")] = "",
    text: Annotated[str, typer.Option(help="With note or wants: the words.")] = "",
    as_json: AsJson = False,
) -> None:
    """Show a case with everything that happened to it, or say something of it."""
    with opened() as assembly:
        now = utc_now()
        if verb:
            who = as_ or getpass.getuser()
            moment: Any = until
            if until and until[-1:].isalpha() and "T" not in until:
                try:
                    moment = now + span(until)
                except ValueError as error:
                    raise Failed(f"--until: {error}") from None
            detail = {"outcome": outcome, "why": why, "until": moment, "on": on, "owner": owner, "text": text}
            said = verbs.say(
                assembly.database, assembly.rules, case_id, verb, who=who, way="command line", now=now,
                detail={key: value for key, value in detail.items() if value},
            )  # fmt: skip
            typer.echo(f"case {case_id}: {said.text}")
            return
        row = cases.row_of(assembly.database, case_id)
        if row is None:
            raise Failed(f"there is no case {case_id}; earful cases lists them")
        if as_json:
            told = deliveries.of_cases(assembly.database, {row["id"]: row["story_id"]})
            print_json(case_json(assembly, row, told[row["id"]]))
            return
        _one_case(assembly, row)


def _one_case(assembly: Any, row: Row) -> None:
    now, zone, one = utc_now(), assembly.settings.zone, cases.case_of(row)
    head = f"case {one.id} · {one.brand} · {safe_line(one.author)} on {one.source}"
    console.print(Text(head, "bold"))
    how = compose.standing(assembly.rules, one, now) or "open: nobody has it"
    console.print(
        Text(f"{one.priority}{': ' + ', '.join(one.priority_reasons) if one.priority_reasons else ''} · {how}")
    )
    if one.due_at is not None and one.state_at(now) in {"open", "taken"}:
        left = hours.elapsed(now, one.due_at, assembly.rules.hours_for(one.priority)) if one.due_at > now else None
        console.print(
            Text(
                f"answer by {one.due_at.astimezone(zone):%a %d %b %H:%M}"
                + (f", {span_words(left)} left" if left else ", overdue"),
                "" if left else "red",
            )
        )
    console.print()
    for mention in mentions.of_case(assembly.database, one.id):
        console.print(
            Text(f"{mention.post.posted_at.astimezone(zone):%d %b %H:%M}  {safe_line(mention.post.author)}", "bold")
        )
        console.print(Text("  " + excerpt(mention.post.text or mention.post.title, 1000)))
        console.print(Text("  " + " · ".join(mention.verdict.reasons), "dim"))
        console.print(Text("  " + mention.post.url, "dim"))
    for own in records.own_posts_of_case(assembly.database, one.id):
        console.print(
            Text(f"{at(own['posted_at']).astimezone(zone):%d %b %H:%M}  {safe_line(own['author'])} (us)", "bold green")
        )
        console.print(Text("  " + excerpt(own["text"], 1000)))
    console.print()
    for line in cases.log_of(assembly.database, one.id):
        undone = " (taken back)" if line.undone_at else ""
        detail = ", ".join(f"{key} {value}" for key, value in line.detail.items() if key != "before" and value)
        words = f"{line.at.astimezone(zone):%d %b %H:%M:%S}  {line.what:<9} {line.who or '-':<14} {line.way:<14} "
        console.print(Text(words + safe_line(detail)[:80] + undone, "dim"), soft_wrap=True)


@app.command()
def explain(
    text: Annotated[str, typer.Argument(help="The words to judge.")],
    brand: Annotated[str, typer.Option("--brand", help="For this brand; without it, the first.")] = "",
    as_json: AsJson = False,
) -> None:
    """Say how the judge sees a text, and every voice that was heard."""
    settings = load_settings()
    from monitor.assembly import judge_of, queries_of
    from monitor.text.query import Subject, brands_in

    queries = queries_of(settings)
    now = utc_now()
    post = Post("command line", "-", "", "", text, now)
    name = brand or settings.brands[0].name
    found = brands_in(Subject(text), queries)
    explanation = judge_of(settings, queries).explain(post, name, found.get(name, ()))
    verdict = explanation.verdict
    if as_json:
        print_json(
            {
                "brand": name, "matches": {key: list(words) for key, words in found.items()},
                "sentiment": verdict.sentiment, "label": verdict.label, "language": verdict.language,
                "needs_answer": verdict.needs_answer, "lane": verdict.lane, "flagged": verdict.lane == "ping",
                "critical": verdict.critical, "reasons": list(verdict.reasons), "tags": list(verdict.tags),
                "scorer": verdict.scorer, "voices": [list(voice) for voice in explanation.voices],
            }
        )  # fmt: skip
        return
    lanes = {
        "ping": "needs an answer: people are called",
        "sweep": "may need an answer: it goes into the sweep list",
        "none": "needs no answer",
    }
    console.print(Text(lanes[verdict.lane], _STYLES[verdict.lane] or "bold"))
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_row("sentiment", f"{verdict.sentiment:+.2f} ({verdict.label})")
    table.add_row("language", verdict.language)
    table.add_row("needs an answer", f"{verdict.needs_answer:.2f}")
    table.add_row("because", Text(" · ".join(verdict.reasons) or "nothing stands out"))
    table.add_row(
        "about",
        Text(", ".join(f"{key} ({', '.join(words)})" for key, words in found.items()) or "no brand of these settings"),
    )
    table.add_row("judged by", verdict.scorer)
    console.print(table)
    console.print()
    voices = Table(box=None, pad_edge=False, header_style="dim")
    voices.add_column("voice")
    voices.add_column("weight", justify="right")
    for voice, weight in explanation.voices:
        voices.add_row(Text(voice), Text(f"{weight:+.2f}", "red" if weight > 0 else "green"))
    console.print(voices)


@app.command()
def route(case_id: Annotated[str, typer.Argument(metavar="CASE")]) -> None:
    """Say which rule decides where a case goes, and why."""
    with opened() as assembly:
        row = cases.row_of(assembly.database, case_id)
        told = mentions.of_case(assembly.database, case_id)
        if row is None or not told:
            raise Failed(f"there is no case {case_id}; earful cases lists them")
        routed = assembly.rules.route(told[0].post, row["brand"], told[0].verdict)
        then = ", ".join(json.loads(row["targets"] or "[]"))
        typer.echo(f"when it opened: {row['route']} -> {then}")
        typer.echo(
            f"by today's settings: {routed.rule} -> {', '.join(routed.notify)}"
            + (f", owner {routed.owner}" if routed.owner else "")
        )


@app.command()
def status(as_json: AsJson = False) -> None:
    """Say how every source and channel stands, what waits, and what was not seen."""
    with opened() as assembly:
        database, now = assembly.database, utc_now()
        health = sources.all_health(database)
        aside = sources.aside_counts(database)
        waiting = deliveries.waiting(database)
        gaps = sources.gaps_since(database, now - timedelta(days=7))
        dead = deliveries.dead(database)
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
                            "quota_remaining": health[source.name].quota_remaining, "spent": health[source.name].spent,
                            "aside": aside.get(source.name, 0),
                        }
                        for source in assembly.settings.sources
                    ],
                    "channels": [
                        {
                            "name": c.name, "failing_since": stamp(c.failing_since) or None,
                            "error": c.error or None, "remedy": c.remedy or None,
                        }
                        for c in deliveries.channel_health(database).values()
                    ],
                    "queue": waiting,
                    "dead": [{"target": d.target, "about": d.about, "error": d.error} for d in dead],
                    "gaps": [
                        {"source": g["source"], "from": g["start_at"], "to": g["end_at"], "reason": g["reason"]}
                        for g in gaps
                    ],
                    "mentions": mentions.counts(database), "open_cases": cases.count_open(database),
                    "audit": records.fact(database, "audit"),
                }
            )  # fmt: skip
            return
        _status_tables(assembly, health, aside, gaps, dead)


def _ago(moment: Any, now: Any) -> str:
    return f"{span_words(now - moment)} ago" if moment else "never"


def _status_tables(assembly: Any, health: Any, aside: Any, gaps: Any, dead: Any) -> None:
    database, now, zone = assembly.database, utc_now(), assembly.settings.zone
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("source", "state", "last read", "next", "set aside", "quota", "spent"):
        table.add_column(name, no_wrap=True, justify="right" if name in {"set aside", "quota", "spent"} else "left")
    notes = []
    for source in assembly.settings.sources:
        each = health[source.name]
        state = (
            Text("failing", "red")
            if each.failing_since
            else Text("reading", "green")
            if each.last_success_at
            else Text("not read yet", "dim")
        )
        if not source.enabled:
            state = Text("switched off", "dim")
        elif each.paused_at:
            state = Text("paused", "yellow")
        elif each.refused:
            state = Text("refused", "red")
        due = (
            "now" if each.next_due_at is None or each.next_due_at <= now else f"in {span_words(each.next_due_at - now)}"
        )
        table.add_row(source.name, state, _ago(each.last_read_at, now), "" if each.refused else due,
                      str(aside.get(source.name, 0) or ""),
                      str(each.quota_remaining if each.quota_remaining is not None else ""),
                      f"${each.spent:.2f}" if each.spent else "")  # fmt: skip
        if each.failing_since:
            notes.append(f"{source.name}: {each.last_error}" + (f" - {each.remedy}" if each.remedy else ""))
    console.print(table)
    for name, channel in deliveries.channel_health(database).items():
        if channel.failing_since:
            notes.append(f"{name}: {channel.error}" + (f" - {channel.remedy}" if channel.remedy else ""))
    for note in notes:
        console.print(Text(f"! {safe_line(note)}", "yellow"))
    console.print()
    waiting, total, open_cases = deliveries.waiting(database), mentions.counts(database), cases.count_open(database)
    counts = Table(box=None, pad_edge=False, show_header=False)
    counts.add_row("mentions", f"{total['mentions']:,}", f"{total['flagged']:,} flagged")
    counts.add_row("open cases", str(open_cases.get("ping", 0)), f"{open_cases.get('sweep', 0)} in the sweep list")
    queue = sum(waiting.get(state, 0) for state in ("pending", "inflight", "retry", "unknown"))
    counts.add_row("messages", str(queue) + " waiting", f"{waiting.get('sent', 0)} sent, {len(dead)} not deliverable")
    console.print(counts)
    for each in dead[:10]:
        console.print(Text(f"! {each.target}: {safe_line(each.error)} (earful alert resend sends it once more)", "red"))
    for gap in gaps:
        start, end = at(gap["start_at"]).astimezone(zone), at(gap["end_at"]).astimezone(zone)
        console.print(
            Text(
                f"! {gap['source']} not seen {start:%d %b %H:%M} to {end:%d %b %H:%M}: {safe_line(gap['reason'])}",
                "yellow",
            )
        )
    audit = records.fact(database, "audit")
    if audit:
        console.print(Text(f"! audit: {audit}", "red"))


@app.command("digest")
def digest_(
    preview: Annotated[Path | None, typer.Option("--preview", help="Write the HTML to this file instead.")] = None,
    send: Annotated[bool, typer.Option("--send", help="Send it now to everybody whom settings name.")] = False,
) -> None:
    """Print the letter of the last seven days."""
    with opened() as assembly:
        now = utc_now()
        letter = digest.letter_of(assembly.database, assembly.rules, now, key=f"digest-{now:%Y%m%dT%H%M%S}")
        if preview is not None:
            preview.write_text(letter.html, encoding="utf-8")
            typer.echo(f"Wrote {preview}")
            return
        if not send:
            typer.echo(letter.text)
            return
        targets = list(assembly.settings.digest.to)
        if not targets:
            raise Failed('[digest] to names nobody; write to = ["email:boss@example.org"]')
        period = f"now-{now:%Y%m%dT%H%M%S}"
        with assembly.database.transaction():
            digest.queue(assembly.database, letter, period, targets, now)
        for name in dict.fromkeys(target.partition(":")[0] for target in targets):
            assembly.alerting.serve(name, utc_now)
        sent = [each for each in (deliveries.about(assembly.database, f"digest:{period}")) if each.state == "sent"]
        typer.echo(
            f"{len(sent)} of {len(targets)} letters sent"
            + ("" if len(sent) == len(targets) else "; the others are tried again by the daemon")
        )


@app.command("report")
def report_(
    days: Annotated[int, typer.Option("--days", help="How many days back.")] = 7,
    as_json: AsJson = False,
) -> None:
    """Print how long everything took: median and 90th percentile."""
    with opened() as assembly:
        now = utc_now()
        figures = report.of_span(assembly.database, assembly.rules, now - timedelta(days=days), now)
        if as_json:
            print_json(report.as_json(figures))
            return
        table = Table(box=None, pad_edge=False, show_header=False)
        for line in report.lines(figures, None):
            table.add_row(line.name, Text(line.value, "bold"), Text(line.note, "dim"))
        console.print(table)
