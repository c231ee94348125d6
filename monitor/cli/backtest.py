"""The command that says what other settings would have told of the posts that are here."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from alerts.wording import count_words, excerpt
from monitor.cli.base import AsJson, Failed, app, console, opened, print_json, settings_path
from monitor.cli.learning import ANSWERS
from monitor.learning.backtest import Change, Sums, backtest
from monitor.service.scheduler import utc_now
from monitor.settings.loading import load
from monitor.store import requeue
from monitor.text.normalize import safe_line
from monitor.wiring import Assembly, assemble


@app.command("backtest")
def backtest_(
    settings: Annotated[
        Path, typer.Option("--settings", "--settings-file", help="The settings to compare with today's.")
    ],
    days: Annotated[int, typer.Option("--days", min=1, max=3660, help="How many days to look back.")] = 30,
    limit: Annotated[int, typer.Option("--limit", min=0, help="Show this many of each kind.")] = 20,
    as_if_fresh: Annotated[
        bool, typer.Option("--as-if-fresh", help="Treat old posts, such as an imported year, as if they were new.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compare alerts under other settings: gained and lost.

    Judges the stored posts under both. Nothing is sent or stored.
    """
    if settings.resolve() == settings_path().resolve():
        raise Failed(f"{settings} is the file in use today; give the other one: earful backtest --settings OTHER")
    others = load(settings, os.environ)
    with opened() as assembly:
        now = utc_now()
        since = now - timedelta(days=days)
        after = assemble(others, assembly.database)
        total = sum(requeue.count(assembly.database, since, now).values())
        quiet = as_json or not console.is_terminal
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True, disable=quiet) as bar:
            task = bar.add_task("judging twice", total=total)
            sums = backtest(
                assembly.intake, after.intake, since, now, lambda many: bar.update(task, advance=many),
                as_if_fresh=as_if_fresh,
            )  # fmt: skip
        if as_json:
            print_json(_backtest_json(sums, days))
            return
        _show_backtest(sums, days, limit, assembly)


def _backtest_json(sums: Sums, days: int) -> dict[str, Any]:
    return {
        "days": days,
        "posts": sums.posts,
        "alerts": {"before": sums.alerts_before, "after": sums.alerts_after},
        "sweep": {"before": sums.sweep_before, "after": sums.sweep_after},
        **{what: [_change_json(change) for change in sums.of(what)] for what in ("gained", "lost", "moved")},
    }


def _change_json(change: Change) -> dict[str, Any]:
    post = change.mention.post
    return {
        "brand": change.brand, "mention": change.mention.id, "source": post.source, "author": post.author,
        "url": post.url, "posted_at": post.posted_at.isoformat(), "text": post.text or post.title,
        "why": change.why, "answer": change.answer or None, "case": change.mention.case_id or None,
    }  # fmt: skip


def _show_backtest(sums: Sums, days: int, limit: int, assembly: Assembly) -> None:
    posts = count_words(sums.posts, "stored post")
    console.print(f"{posts} of the last {days} days, judged under both settings. Nothing was sent or stored.")
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2))
    for name in ("", "today", "with the others", "gained", "lost"):
        table.add_column(name, justify="left" if not name else "right")
    won, lost = len(sums.of("gained")), len(sums.of("lost"))
    table.add_row("alerts", str(sums.alerts_before), str(sums.alerts_after), f"+{won}", f"-{lost}")
    table.add_row("may need an answer", str(sums.sweep_before), str(sums.sweep_after), "", "")
    console.print(table)
    for what, words in (("gained", "Gained"), ("lost", "Lost"), ("moved", "Sent elsewhere, or with another urgency")):
        changes = sums.of(what)  # type: ignore[arg-type]
        if not changes:
            continue
        said: dict[str, int] = {}
        for change in changes:
            if change.answer:
                said[change.answer] = said.get(change.answer, 0) + 1
        known = ", ".join(f"{many} {ANSWERS.get(answer, answer)}" for answer, many in said.items())
        head = f"\n{words}: {len(changes)}" + (f"; of these, people answered: {known}" if known else "")
        console.print(Text(head, "bold"))
        for change in changes[:limit]:
            _show_change(change, assembly)
        if len(changes) > limit:
            console.print(Text(f"  and {len(changes) - limit} more; use --limit to see them, or --json for all", "dim"))
    console.print(Text("\nA wider query can't be tested here: posts that no query matched were never stored.", "dim"))


def _show_change(change: Change, assembly: Assembly) -> None:
    post = change.mention.post
    moment = f"{post.posted_at.astimezone(assembly.settings.zone):%d %b %H:%M}"
    answer = f"  ({ANSWERS.get(change.answer, change.answer)})" if change.answer else ""
    console.print(Text(f"  {moment}  {safe_line(post.author)} on {post.source}{answer}"))
    console.print(Text(f"      {excerpt(post.text or post.title, 160)}"))
    console.print(Text(f"      {safe_line(change.why)}", "dim"))
