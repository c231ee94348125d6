"""Commands about what staff teach: what was learned, whom to mute, and what other settings would have told."""

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
from monitor.cli.base import AsJson, Failed, app, console, one_line, opened, print_json, settings_path, speaker
from monitor.learning import feedback
from monitor.learning.backtest import Change, Sums, backtest
from monitor.learning.feedback import Taught
from monitor.service.scheduler import utc_now
from monitor.settings.loading import load
from monitor.store import key_values, requeue
from monitor.store.database import Row, at
from monitor.text.complaint_signals import BRAND
from monitor.text.model.trained import Learned, strongest_words
from monitor.text.normalize import safe_line
from monitor.wiring import Assembly, assemble

model = typer.Typer(help="Show what staff's answers have taught the judge.", context_settings=app.info.context_settings)
mute = typer.Typer(
    help="Mute authors, threads or domains.", no_args_is_help=True, context_settings=app.info.context_settings
)
app.add_typer(model, name="model")
app.add_typer(mute, name="mute")

BrandName = Annotated[str, typer.Option("--brand", help="The brand. Required if there are several.")]
As = Annotated[str, typer.Option("--as", help="Act as this person. Default: you.")]
_ANSWERS = {"yes": "needed an answer", "not_a_complaint": "not a complaint", "not_us": "not us", "spam": "spam"}
_WORDS = 12
_KINDS = ("author", "community", "contact", "domain", "thread")  # contact: not to be contacted


# -- earful model -----------------------------------------------------------------------------------------------------


@model.callback(invoke_without_command=True)
def model_(
    context: typer.Context,
    brand: Annotated[str, typer.Option("--brand", help="Only this brand.")] = "",
    as_json: AsJson = False,
) -> None:
    """Show what staff's answers have taught the judge: how many, with what effect, and by which words."""
    if context.invoked_subcommand is not None:
        return
    with opened() as assembly:
        names = [_brand(assembly, brand)] if brand else [each.name for each in assembly.settings.brands]
        known = feedback.load(assembly.database, names)
        for number, name in enumerate(names):
            taught = known.get(name)
            if as_json:
                print_json(_model_json(assembly, name, taught))
                continue
            if number:
                console.print()
            _show(assembly, name, taught)


@model.command("undo")
def model_undo(brand: BrandName = "", as_: As = "") -> None:
    """Go back to the previous version.

    Answers given since then are ignored until you run `earful model learn`.
    """
    with opened() as assembly:
        name = _brand(assembly, brand)
        typer.echo(feedback.undo(assembly.database, name, speaker(assembly, as_, "desk").name, utc_now()))


@model.command("learn")
def model_learn(brand: BrandName = "") -> None:
    """Learn again from all answers, including undone ones.

    The daemon learns by itself as answers arrive. You need this only after `undo` or if a version is damaged.
    """
    with opened() as assembly:
        name = _brand(assembly, brand)
        feedback.hear_again(assembly.database, name, utc_now())
        taught = feedback.learn(assembly.database, assembly.settings, assembly.intake.judge, name, utc_now())
        if taught is None:
            raise Failed("someone undid a version at the same moment; run this again")
        _show(assembly, name, taught)


def _brand(assembly: Assembly, brand: str) -> str:
    names = [each.name for each in assembly.settings.brands]
    if not brand and len(names) == 1:
        return names[0]
    if brand not in names:
        what = f"no brand named {brand}" if brand else "say which brand with --brand"
        raise Failed(f"{what}; the settings have: {', '.join(names)}")
    return brand


def _model_json(assembly: Assembly, name: str, taught: Taught | None) -> dict[str, Any]:
    row = key_values.model_of(assembly.database, name)
    return {
        "brand": name,
        "version": row["n"] if row else None,
        "learned_at": row["at"] if row else None,
        "answers": _by_kind(assembly, name),
        "waiting": bool(feedback.waiting(assembly.database, assembly.intake.judge, [name])),
        "left_out": feedback.left_out(assembly.database, name),
        **{
            key: _learned_json(each)
            for key, each in (
                ("complaint", taught.complaint if taught else None),
                ("about_us", taught.about_us if taught else None),
            )
        },
        "mutes": [_mute_json(each) for each in _mutes(assembly, name)],
    }


def _learned_json(learned: Learned | None) -> dict[str, Any] | None:
    if learned is None:
        return None
    towards, against = strongest_words(learned, _WORDS)
    return {
        "heard": learned.blend,
        "why_off": learned.figures.why_off or None,
        "answers": learned.figures.answers,
        "yes": learned.figures.yes,
        "people": learned.figures.people,
        "area_before": learned.figures.area_before,
        "area_after": learned.figures.area_after,
        "loss_before": learned.figures.loss_before,
        "loss_after": learned.figures.loss_after,
        "ping": learned.ping,
        "sweep": learned.sweep,
        "towards": [list(word) for word in towards],
        "against": [list(word) for word in against],
    }


def _by_kind(assembly: Assembly, name: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in key_values.labels_of(assembly.database, name):
        found[row["answer"]] = found.get(row["answer"], 0) + 1
    return found


def _show(assembly: Assembly, name: str, taught: Taught | None) -> None:
    zone = assembly.settings.zone
    row = key_values.model_of(assembly.database, name)
    versions = key_values.models_of(assembly.database, name)
    head = Text(name, "bold")
    if row is not None:
        head.append(f" · version {row['n']}, started {at(row['at']).astimezone(zone):%d %b %H:%M}", "dim")
        undone = sum(1 for each in versions if each["undone_at"])
        head.append(f" · {count_words(undone, 'version')} undone" if undone else "", "dim")
    console.print(head)
    kinds = _by_kind(assembly, name)
    told = ", ".join(f"{kinds[key]} {words}" for key, words in _ANSWERS.items() if kinds.get(key))
    console.print(Text(f"  answers: {told or 'none yet'}"), soft_wrap=one_line)
    for each in feedback.left_out(assembly.database, name):
        words = f"undone by {each['by']} on {each['at'][:10]}: the answers of that version are ignored"
        console.print(Text(f"  {safe_line(words)}", "yellow"), soft_wrap=one_line)
    if feedback.waiting(assembly.database, assembly.intake.judge, [name]):
        console.print(Text("  some answers have not been learned from yet", "yellow"), soft_wrap=one_line)
    if row is not None and taught is None:
        console.print(Text("  this version cannot be read; the built-in judge is used", "red"), soft_wrap=one_line)
    if taught is not None:
        _show_learned("does it need an answer?", taught.complaint)
        _show_learned("is it about us?", taught.about_us)
    mutes = _mutes(assembly, name)
    if mutes:
        console.print()
        _mute_table(mutes)


def _show_learned(question: str, learned: Learned) -> None:
    figures = learned.figures
    console.print()
    head = Text(f"  {question} ", "bold")
    if not figures.answers:
        head.append("nothing learned yet", "dim")
    elif learned.blend:
        head.append(f"used at {learned.blend:.0%}, from {_people(learned)}", "green")
    else:
        head.append(f"not used yet: {figures.why_off}", "yellow")
    console.print(head, soft_wrap=one_line)
    if figures.loss_before:
        better = f"area under ROC {figures.area_before:.3f} before, {figures.area_after:.3f} after"
        loss = f"loss {figures.loss_before:.3f} before, {figures.loss_after:.3f} after"
        console.print(Text(f"  on held-out answers: {better} · {loss}"), soft_wrap=one_line)
    if not learned.blend:
        return
    lines = [f"{lane} from {line:.2f}" for lane, line in (("ping", learned.ping), ("sweep", learned.sweep)) if line]
    if lines:
        console.print(Text(f"  its own thresholds: {', '.join(lines)}"), soft_wrap=one_line)
    towards, against = strongest_words(learned, _WORDS)
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2))
    table.add_column("  points to yes", no_wrap=True, max_width=28)
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("points to no", no_wrap=True, max_width=28)
    table.add_column("", justify="right", no_wrap=True)
    for place in range(max(len(towards), len(against))):
        left = towards[place] if place < len(towards) else ("", 0.0)
        right = against[place] if place < len(against) else ("", 0.0)
        table.add_row(
            Text("  " + _shown(left[0])), Text(f"{left[1]:+.2f}" if left[0] else "", "red"),
            Text(_shown(right[0])), Text(f"{right[1]:+.2f}" if right[0] else "", "green"),
        )  # fmt: skip
    console.print(table)


def _shown(word: str) -> str:
    """A feature as people read it: the brand's own words were masked before judging."""
    return safe_line(word).replace(BRAND, "<brand>")


def _people(learned: Learned) -> str:
    people = count_words(learned.figures.people, "person", "people")
    return f"{count_words(learned.figures.answers, 'answer')} of {people}, {learned.figures.yes} of them yes"


# -- earful mute ------------------------------------------------------------------------------------------------------


@mute.command("list")
def mute_list(
    brand: Annotated[str, typer.Option("--brand", help="Only this brand.")] = "", as_json: AsJson = False
) -> None:
    """List mutes and suggested mutes."""
    with opened() as assembly:
        rows = _mutes(assembly, _brand(assembly, brand) if brand else "")
        if as_json:
            for row in rows:
                print_json(_mute_json(row))
            return
        if not rows:
            typer.echo("Nobody is muted. No suggestions.")
            return
        _mute_table(rows)


@mute.command("add")
def mute_add(
    kind: Annotated[str, typer.Argument(help=f"One of {', '.join(_KINDS)}.")],
    value: Annotated[str, typer.Argument(help='A domain, "source/name", or "source/id" for a thread.')],
    brand: Annotated[str, typer.Option("--brand", help="Only for this brand. Default: all brands.")] = "",
    as_: As = "",
) -> None:
    """Stop alerts about an author, community, domain or thread.

    Muted posts are still stored and can be searched.
    """
    with opened() as assembly:
        name = _brand(assembly, brand) if brand else ""
        stored, contact = _mute_value(assembly, kind, value), kind == "contact"
        standing = {(row["brand"], row["kind"], row["value"]) for row in key_values.mutes(assembly.database)}
        if (name, kind, stored) in standing:
            typer.echo(f"{stored} is already not to be contacted" if contact else f"{kind} {stored} is already muted")
            return
        key_values.add_mute(assembly.database, name, kind, stored, speaker(assembly, as_, "mute").name, utc_now())
        number = key_values.mutes(assembly.database)[-1]["n"]
        what = f"{stored} is not to be contacted about" if contact else f"{kind} {stored} is muted for"
        typer.echo(f"{what} {name or 'every brand'}; undo with: earful mute undo {number}")


@mute.command("accept")
def mute_accept(number: Annotated[int, typer.Argument(help="Its number in the list.")], as_: As = "") -> None:
    """Accept a suggested mute."""
    with opened() as assembly:
        if not key_values.accept_mute(assembly.database, number, speaker(assembly, as_, "desk").name, utc_now()):
            raise Failed(f"there is no suggestion number {number}; see earful mute list")
        typer.echo(f"mute {number} is active; undo with: earful mute undo {number}")


@mute.command("undo")
def mute_undo(number: Annotated[int, typer.Argument(help="Its number in the list.")]) -> None:
    """Remove a mute, or decline a suggestion.

    A declined suggestion does not come back.
    """
    with opened() as assembly:
        if not key_values.undo_mute(assembly.database, number, utc_now()):
            raise Failed(f"there is no mute number {number}; see earful mute list")
        typer.echo(f"mute {number} is undone")


def _mute_value(assembly: Assembly, kind: str, value: str) -> str:
    if kind not in _KINDS:
        raise Failed(f"{kind!r} cannot be muted; write one of: {', '.join(_KINDS)}")
    value = value.strip()
    if kind == "domain":
        host = value.lower().split("://")[-1].split("/")[0].removeprefix("www.")
        if "." not in host:
            raise Failed(f"{value!r} is not a domain; write one such as example.org")
        return host
    source, slash, name = value.partition("/")
    if not slash or not name or source not in assembly.rules.sources:
        known = ", ".join(assembly.rules.sources)
        raise Failed(f'{value!r}: write "source/name" with one of the sources: {known}')
    return f"{source}/{name.lower() if kind == 'community' else name}"


def _mutes(assembly: Assembly, brand: str) -> list[Row]:
    rows = [*key_values.mutes(assembly.database), *key_values.mutes(assembly.database, offered=True)]
    return [row for row in rows if not brand or row["brand"] in {brand, ""}]


def _mute_json(row: Row) -> dict[str, Any]:
    return {
        "number": row["n"], "brand": row["brand"] or None, "kind": row["kind"], "value": row["value"],
        "offered": bool(row["offered"]), "by": row["who"], "at": row["at"],
    }  # fmt: skip


def _mute_table(rows: list[Row]) -> None:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2))
    table.add_column("mute", justify="right", no_wrap=True)
    for name in ("", "kind", "value", "brand", "by"):
        table.add_column(name, overflow="fold")
    for row in rows:
        state = Text("suggested", "yellow") if row["offered"] else Text("active")
        table.add_row(
            str(row["n"]), state, row["kind"], Text(safe_line(row["value"])), Text(row["brand"] or "all"),
            Text(safe_line(row["who"])),
        )  # fmt: skip
    console.print(table)
    if any(row["offered"] for row in rows):
        console.print(Text("accept with: earful mute accept NUMBER; decline with: earful mute undo NUMBER", "dim"))


# -- earful backtest --------------------------------------------------------------------------------------------------


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
    table.add_row("sweep list", str(sums.sweep_before), str(sums.sweep_after), "", "")
    console.print(table)
    for what, words in (("gained", "Gained"), ("lost", "Lost"), ("moved", "Sent elsewhere, or with another urgency")):
        changes = sums.of(what)  # type: ignore[arg-type]
        if not changes:
            continue
        said: dict[str, int] = {}
        for change in changes:
            if change.answer:
                said[change.answer] = said.get(change.answer, 0) + 1
        known = ", ".join(f"{many} {_ANSWERS.get(answer, answer)}" for answer, many in said.items())
        head = f"\n{words}: {len(changes)}" + (f"; of these, people answered: {known}" if known else "")
        console.print(Text(head, "bold"), soft_wrap=one_line)
        for change in changes[:limit]:
            _show_change(change, assembly)
        if len(changes) > limit:
            console.print(Text(f"  and {len(changes) - limit} more; use --limit to see them, or --json for all", "dim"))
    console.print(Text("\nA wider query can't be tested here: posts that no query matched were never stored.", "dim"))


def _show_change(change: Change, assembly: Assembly) -> None:
    post = change.mention.post
    moment = f"{post.posted_at.astimezone(assembly.settings.zone):%d %b %H:%M}"
    answer = f"  ({_ANSWERS.get(change.answer, change.answer)})" if change.answer else ""
    console.print(Text(f"  {moment}  {safe_line(post.author)} on {post.source}{answer}"), soft_wrap=one_line)
    console.print(Text(f"      {excerpt(post.text or post.title, 160)}"), soft_wrap=one_line)
    console.print(Text(f"      {safe_line(change.why)}", "dim"), soft_wrap=one_line)
