"""`earful eval`: how well the judge does on posts that people have labelled."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from alerts.wording import excerpt
from connectors import Post
from monitor.cli.base import AsJson, Failed, app, console, load_settings, opened, print_json
from monitor.cli.database import must_be_a_file, progress_bar
from monitor.ingest import file_import
from monitor.service.scheduler import utc_now
from monitor.text.judge import Judge
from monitor.text.model import evaluation
from monitor.text.model.grades import OPEN, by_language, queue_of, summary
from monitor.text.normalize import safe_line
from monitor.wiring import judge_of, queries_of

NEGATIVE = "negative"  # the label of what needs an answer, where nothing else is said


@app.command("eval")
def eval_(
    file: Annotated[Path, typer.Argument(help="A labelled CSV or JSON-lines file.")],
    text: Annotated[str, typer.Option("--text", help="Column with the text.")] = "text",
    label: Annotated[str, typer.Option("--label", help="Column with the label.")] = "label",
    negative: Annotated[str, typer.Option("--negative", help="The label that means it needs an answer.")] = NEGATIVE,
    brand: Annotated[str, typer.Option("--brand", help="Judge as for this brand, including what it has learned.")] = "",
    language: Annotated[str, typer.Option("--language", help="Column to break the figures down by.")] = "",
    source: Annotated[str, typer.Option("--source", help="Another column to break them down by.")] = "",
    precision: Annotated[
        float, typer.Option("--precision", min=0, max=1, help="Find the threshold with at least this precision.")
    ] = 0.0,
    recall: Annotated[
        float, typer.Option("--recall", min=0, max=1, help="Find the threshold with at least this recall.")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Measure the judge on labelled posts. There are two labels, or three grades: must, look and no.

    A label that begins with "negative" says how a writer feels, so the areas are then of how negative each is found;
    alerts and list go by who needs an answer all the same.
    """
    must_be_a_file(file)
    judge = _judge_for(brand)
    texts, labels = file_import.labelled(file, text, label, negative)
    grades = file_import.grades_of(file, text, label)
    if grades and negative == NEGATIVE:  # whatever is graded must or look needs somebody
        labels = [grade != "no" for grade in grades]
    groups = file_import.groups_of(file, text, label, {"language": language, "source": source})
    if not texts:
        raise Failed(f"{file}: no row has text in column {text}")
    if not any(labels) and not grades:
        raise Failed(f"{file}: no row has {negative!r} in column {label}; name the right label with --negative LABEL")
    started = time.perf_counter()
    now = utc_now()
    with progress_bar(as_json) as bar:
        posts = (Post("eval", "-", "", "", words, now) for words in bar.track(texts, description="judging"))
        verdicts = [judge.verdict(post, brand) for post in posts]
    seconds = time.perf_counter() - started
    moods = not grades and negative.strip().casefold().startswith(NEGATIVE)
    result: dict[str, Any] = evaluation.evaluate(texts, labels, verdicts, moods=moods)
    result["posts_per_second"] = round(len(texts) / seconds)
    result["lines"] = _lines(labels, evaluation.scores_of(verdicts, moods=moods), precision, recall)
    result["groups"] = {option: evaluation.by_group(labels, verdicts, values) for option, values in groups.items()}
    graded = list(zip(grades or ["must" if yes else "no" for yes in labels], verdicts, strict=True))
    queue = queue_of(graded)
    result["queue"] = summary(queue, graded=bool(grades))
    languages = groups.get("language") or [verdict.language for verdict in verdicts]
    result["languages"] = by_language(graded, languages, graded=bool(grades))
    if as_json:
        print_json(result)
        return
    _print_evaluation(result, texts, labels, verdicts)


def _judge_for(brand: str) -> Judge:
    """The judge as it ships; for a brand, with what that has learned."""
    if not brand:
        settings = load_settings()
        return judge_of(settings, queries_of(settings))
    with opened() as assembly:
        if brand not in assembly.queries:
            raise Failed(f"no brand named {brand}; the settings have: {', '.join(assembly.queries)}")
        return assembly.intake.judge


def _lines(labels: list[bool], scores: list[float], precision: float, recall: float) -> list[dict[str, Any]]:
    """Where the line would have to be for what was asked; "threshold" is None where no line does it."""
    wanted = (
        ("precision", precision, evaluation.threshold_for_precision),
        ("recall", recall, evaluation.threshold_for_recall),
    )
    lines = []
    for name, least, find in wanted:
        if not least:
            continue
        point = find(labels, scores, least)
        found = (point.threshold, point.precision, point.recall, point.flagged) if point else (None,) * 4
        lines.append(
            {
                "wanted": name,
                "at_least": least,
                **dict(zip(("threshold", "precision", "recall", "n"), found, strict=True)),
            }
        )
    return lines


def _print_evaluation(result: dict[str, Any], texts: list[str], labels: list[bool], verdicts: list[Any]) -> None:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("", "posts", "precision", "recall"):
        table.add_column(name, justify="left" if not name else "right")
    lanes = result.get("lanes", {})
    for name, words in (("ping", "alerts"), ("both", "alerts and list")):
        lane = lanes.get(name)
        if lane:
            table.add_row(words, str(lane["n"]), f"{lane['precision']:.2f}", f"{lane['recall']:.2f}")
    for line in result["lines"]:
        words = f"{line['wanted']} of at least {line['at_least']:g}"
        if line["threshold"] is None:
            table.add_row(words, "not reachable", "", "")
        else:
            words += f": threshold {line['threshold']:.3f}"
            table.add_row(words, str(line["n"]), f"{line['precision']:.2f}", f"{line['recall']:.2f}")
    console.print(table)
    console.print(
        f"{result['n']:,} posts, {sum(labels):,} labelled as {_labelled_as(result)} · "
        f"area under ROC {result['roc_auc']:.3f} · "
        f"average precision {result['average_precision']:.3f} · F1 {result['f1']:.2f} · "
        f"{result['posts_per_second']:,} posts a second",
    )
    _print_queue(result["queue"], result["languages"])
    for option, rows in result["groups"].items():
        _print_groups(option, rows)
    wrong = sorted(
        (
            (v.needs_answer if not y else 1 - v.needs_answer, t, y, v)
            for t, y, v in zip(texts, labels, verdicts, strict=True)
        ),
        key=lambda each: -each[0],
    )[:8]
    console.print("\nWorst mistakes", style="dim")
    for _size, words, expected, verdict in wrong:
        console.print(Text(f"  {'missed' if expected else 'wrong '}  {excerpt(words, 110)}"))
        console.print(Text(f"          {' · '.join(verdict.reasons) or 'nothing stood out'}", "dim"))


def _labelled_as(result: dict[str, Any]) -> str:
    return "negative" if result["asked"] == "negative" else "needing an answer"


def _print_queue(queue: dict[str, Any], languages: dict[str, dict[str, Any]]) -> None:
    """How long the list is and what stands at its front, where each grade was found, and all of it per language."""
    called, listed = queue["ping"], queue["list"]
    front = listed["first_quarter"]
    console.print(
        f"\nlist: {listed['n']:,} posts, a share of {_share(listed['share'])} · right {_share(listed['precision'])}, "
        f"of its first quarter {_share(front['precision'])} · "
        f"pings: {called['n']:,}, right {_share(called['precision'])}",
    )
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("grade" if len(queue["grades"]) > 2 else "label", no_wrap=True)
    for name in ("posts", "ping", f"first {OPEN} of the list", "further down", "nowhere"):
        table.add_column(name, justify="right", no_wrap=True)
    for grade, row in queue["grades"].items():
        table.add_row(grade, *(f"{row[key]:,}" for key in ("n", "ping", "list_open", "list_further", "nowhere")))
    console.print(table)
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("language", max_width=24, no_wrap=True)
    for name in ("posts", "area", "pings", "right", "list share", "right", "first quarter", "lost"):
        table.add_column(name, justify="right", no_wrap=True)
    for language, each in list(languages.items())[:30]:
        first = next(iter(each["grades"].values()))  # what must be answered
        table.add_row(
            Text(safe_line(language)), f"{each['n']:,}", f"{each['area']:.3f}", f"{each['ping']['n']:,}",
            _share(each["ping"]["precision"]), _share(each["list"]["share"]), _share(each["list"]["precision"]),
            _share(each["list"]["first_quarter"]["precision"]), f"{first['nowhere']:,} of {first['n']:,}",
        )  # fmt: skip
    console.print()
    console.print(table)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _print_groups(option: str, rows: dict[str, dict[str, Any]]) -> None:
    """Short figures for each language or source; a share of few posts says little."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(f"by {option}", max_width=24, no_wrap=True)
    for name in ("posts", "need one", "alerts", "precision", "recall", "both recall", "ROC area"):
        table.add_column(name, justify="right", no_wrap=True)
    for group, row in list(rows.items())[:30]:
        ping = row["ping"]
        table.add_row(
            Text(safe_line(group)), str(row["n"]), str(row["negatives"]), str(ping["n"]), f"{ping['precision']:.2f}",
            f"{ping['recall']:.2f}", f"{row['recall']:.2f}", f"{row['roc_auc']:.3f}",
        )  # fmt: skip
    console.print()
    console.print(table)
    if len(rows) > 30:
        console.print(Text(f"and {len(rows) - 30} more; --json lists all", "dim"))
