"""Commands about what staff teach: what was learned from it, and taking that back."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from alerts.wording import count_words
from monitor.cli import mutes
from monitor.cli.base import (
    As,
    AsJson,
    BrandName,
    Failed,
    app,
    brand_of,
    console,
    opened,
    print_json,
    speaker,
)
from monitor.learning import feedback
from monitor.learning.feedback import Taught
from monitor.service.scheduler import utc_now
from monitor.store import key_values
from monitor.store.database import at
from monitor.text.complaint_signals import BRAND
from monitor.text.model.trained import Learned, strongest_words
from monitor.text.normalize import safe_line
from monitor.wiring import Assembly

model = typer.Typer(help="Show what staff's answers have taught the judge.", context_settings=app.info.context_settings)
app.add_typer(model, name="model")

ANSWERS = {"yes": "needed an answer", "not_a_complaint": "not a complaint", "not_us": "not us", "spam": "spam"}
_WORDS = 12


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
        names = [brand_of(assembly, brand)] if brand else [each.name for each in assembly.settings.brands]
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
        name = brand_of(assembly, brand)
        typer.echo(feedback.undo(assembly.database, name, speaker(assembly, as_, "desk").name, utc_now()))


@model.command("learn")
def model_learn(brand: BrandName = "") -> None:
    """Learn again from all answers, including undone ones.

    The daemon learns by itself as answers arrive. You need this only after `undo` or if a version is damaged.
    """
    with opened() as assembly:
        name = brand_of(assembly, brand)
        feedback.hear_again(assembly.database, name, utc_now())
        taught = feedback.learn(assembly.database, assembly.settings, assembly.intake.judge, name, utc_now())
        if taught is None:
            raise Failed("someone undid a version at the same moment; run this again")
        _show(assembly, name, taught)


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
        "mutes": [mutes.mute_json(each) for each in mutes.mutes_of(assembly, name)],
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
    told = ", ".join(f"{kinds[key]} {words}" for key, words in ANSWERS.items() if kinds.get(key))
    console.print(Text(f"  answers: {told or 'none yet'}"))
    for each in feedback.left_out(assembly.database, name):
        words = f"undone by {each['by']} on {each['at'][:10]}: the answers of that version are ignored"
        console.print(Text(f"  {safe_line(words)}", "yellow"))
    if feedback.waiting(assembly.database, assembly.intake.judge, [name]):
        console.print(Text("  some answers have not been learned from yet", "yellow"))
    if row is not None and taught is None:
        console.print(Text("  this version cannot be read; the built-in judge is used", "red"))
    if taught is not None:
        _show_learned("does it need an answer?", taught.complaint)
        _show_learned("is it about us?", taught.about_us)
    muted = mutes.mutes_of(assembly, name)
    if muted:
        console.print()
        mutes.show_mutes(muted)


def _show_learned(question: str, learned: Learned) -> None:
    figures = learned.figures
    console.print()
    head = Text(f"  {question} ", "bold")
    if not figures.answers:
        head.append("nothing learned yet", "dim")
    elif learned.blend:
        share = "" if learned.blend == 1 else f" at {learned.blend:.0%}"  # as versions before this one learned it
        head.append(f"used{share}, from {_people(learned)}", "green")
    else:
        head.append(f"not used yet: {figures.why_off}", "yellow")
    console.print(head)
    if figures.loss_before:
        better = f"area under ROC {figures.area_before:.3f} before, {figures.area_after:.3f} after"
        loss = f"loss {figures.loss_before:.3f} before, {figures.loss_after:.3f} after"
        console.print(Text(f"  on held-out answers: {better} · {loss}"))
    if not learned.blend:
        return
    lines = [f"{lane} from {line:.2f}" for lane, line in (("ping", learned.ping), ("sweep", learned.sweep)) if line]
    if lines:
        console.print(Text(f"  its own thresholds: {', '.join(lines)}"))
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


# -- earful backtest --------------------------------------------------------------------------------------------------
