"""Everything that was heard, flagged or not: each verdict explained, each correctable, all of it to take away."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from starlette.responses import RedirectResponse, Response

from monitor.ingest import asking
from monitor.people.audit import Event
from monitor.store import cases, finding, key_values, mentions, pages
from monitor.store.database import at, stamp
from monitor.types import Mention
from monitor.web import search
from monitor.web.dates import day_of
from monitor.web.downloads import download, safe_cell
from monitor.web.html import page
from monitor.web.identity import Refusal
from monitor.web.routing import RequestContext, get, post

PAGE = 40
MOST_EXPORTED = 100_000
ANSWERS = {
    "yes": "needs an answer",
    "not_a_complaint": "is not a complaint",
    "not_us": "is not about us",
    "spam": "is spam",
}
LABELS = ("negative", "neutral", "positive", "unknown")


def filter_of(context: RequestContext, limit: int, newest: int = 0) -> tuple[finding.Filter, search.Search]:
    """The filters that stand in the address."""
    looked = search.read(context.query("q"))
    return (
        finding.Filter(
            brand=context.query("brand"),
            source=context.query("source"),
            author=context.query("author"),
            language=context.query("language"),
            lane=context.query("lane"),
            label=context.query("label"),
            flagged=bool(context.query("flagged")),
            leaving=bool(context.query("leaving")),
            cause=context.query("cause")[:64],
            incident=context.query("incident")[:64],
            since=day_of(context, "from"),
            until=day_of(context, "to", whole=True),
            search=looked.words.plain if looked.query is None else "",
            before=context.query("before").partition("_")[0],
            before_id=context.query("before").partition("_")[2],
            limit=limit,
            newest=newest,
        ),
        looked,
    )


_FILTERS = ("brand", "source", "author", "language", "lane", "label", "flagged", "leaving", "cause", "incident", "from",
            "to", "before")  # fmt: skip


def found(context: RequestContext, limit: int) -> tuple[finding.Found, search.Search]:
    """What the filters of the address let through, newest first, at most `limit`, and how far back that was looked for.

    The first page of words alone looks at what came last only; whoever turns the page, or filters, goes back in time.
    """
    wanted, looked = filter_of(context, limit, 0 if any(map(context.query, _FILTERS)) else pages.NEWEST)
    return search.find(context.database, wanted, looked), looked


@get("/mentions")
def show_mentions(context: RequestContext) -> Response:
    """A page of mentions."""
    there, looked = found(context, PAGE + 1)
    rows = there.rows[:PAGE]
    return page(
        context, "mentions.html", title="Mentions", rows=rows, looked=looked, labels=LABELS,
        before=next_page(there, PAGE), back_to=there.reached and at(there.reached[0]), said=context.query("said"),
        answers=ANSWERS,
    )  # fmt: skip


def next_page(there: finding.Found, size: int) -> str:
    """Where the page behind one of this size begins, as the word of an address; "" where there is none."""
    if len(there.rows) > size:
        last = there.rows[size - 1]
        return f"{stamp(last.post.posted_at)}_{last.id}"
    return "_".join(there.reached) if there.reached else ""


@get("/mentions/{id}")
def show_mention(context: RequestContext) -> Response:
    """One mention: its words, its verdict, every contribution to it, what people said of it."""
    mention = _one(context)
    said_of = pages.labels_of_mention(context.database, mention.id)
    return page(
        context, "mention.html", title="Mention", mention=mention, answers=ANSWERS,
        explanation=context.assembly.intake.judge.explain(mention.post, mention.brand, mention.verdict.words),
        said_of=said_of, mine=context.directory.resolve(context.who.actor).id, said=context.query("said"),
    )  # fmt: skip


def _one(context: RequestContext) -> Mention:
    mention = mentions.one(context.database, context.path("id")[:64])
    if mention is None:
        raise Refusal(404, "There is no such mention", "It may have been deleted by its author, or after a year.")
    return mention


@post("/mentions/{id}", role="staff")
def correct(context: RequestContext) -> Response:
    """Say what a mention really is. It teaches; it can be taken back."""
    mention, answer = _one(context), context.form.get("answer")
    by = context.directory.resolve(context.who.actor)
    if answer == "undo":
        with context.database.transaction():
            key_values.undo_labels(
                context.database, [mention.id], by.id, context.now - timedelta(days=3650), context.now
            )
        said = "Your correction was undone."
    elif answer in ANSWERS:
        with context.database.transaction():
            key_values.add_label(
                context.database, mention.brand, mention.id, answer, by.name, context.who.way, context.now, who_id=by.id
            )
        said = f"Saved: it {ANSWERS[answer]}. Earful learns from this."
        if mention.case_id and answer != "yes":
            case = cases.one(context.database, mention.case_id)
            if case is not None and case.closed_at is None:
                said += f" Case {case.id} is still open."
    else:
        raise Refusal(400, "Choose an answer")
    from urllib.parse import urlencode

    return RedirectResponse(f"/mentions/{mention.id}?" + urlencode({"said": said}), 303)


COLUMNS = (
    "id", "brand", "source", "author", "posted_at", "seen_at", "url", "title", "text", "language", "sentiment", "label",
    "needs_answer", "lane", "flagged", "reasons", "rating", "reach", "case",
)  # fmt: skip


def as_row(mention: Mention) -> dict[str, Any]:
    """A mention as flat values."""
    post, verdict = mention.post, mention.verdict
    return {
        "id": mention.id, "brand": mention.brand, "source": post.source, "author": post.author,
        "posted_at": post.posted_at.isoformat(), "seen_at": mention.seen_at.isoformat(), "url": post.url,
        "title": post.title, "text": post.text, "language": verdict.language,
        "sentiment": round(verdict.sentiment, 4), "label": verdict.label,
        "needs_answer": round(verdict.needs_answer, 4), "lane": verdict.lane, "flagged": mention.flagged,
        "reasons": list(verdict.reasons), "rating": post.rating,
        "reach": post.reach, "case": mention.case_id or None,
    }  # fmt: skip


def _shown(context: RequestContext, rows: Sequence[Mention]) -> None:
    """Somebody takes these along: their networks are asked soon whether they still stand."""
    asking.show(context.database, context.settings, [each.id for each in rows], context.now)


def _batches(context: RequestContext) -> Iterator[list[Mention]]:
    """The mentions of an export, a thousand at a time, so that a million need no memory.

    The filters are read at once: what is wrong with them is said before the first byte.
    """
    return _found(context, *filter_of(context, 1000))


def _found(context: RequestContext, wanted: finding.Filter, looked: search.Search) -> Iterator[list[Mention]]:
    from dataclasses import replace

    given = 0
    while given < MOST_EXPORTED:
        if looked.query is None:
            rows = finding.find(context.database, wanted)
            reached = (stamp(rows[-1].post.posted_at), rows[-1].id) if rows else None
        else:
            there = search.find(context.database, wanted, looked)
            rows, reached = there.rows, there.reached
        _shown(context, rows)
        yield rows
        given += len(rows)
        if reached is None:
            return
        wanted = replace(wanted, before=reached[0], before_id=reached[1])


def _csv(batches: Iterator[list[Mention]]) -> Iterator[bytes]:
    for number, rows in enumerate(_or_one(batches)):
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\r\n")
        if number == 0:
            text.write("\ufeff")  # spreadsheets read UTF-8 by this mark only
            writer.writerow(COLUMNS)
        for mention in rows:
            row = as_row(mention)
            writer.writerow([safe_cell(row[column]) for column in COLUMNS])
        yield text.getvalue().encode("utf-8", "replace")


def _or_one(batches: Iterator[list[Mention]]) -> Iterator[Sequence[Mention]]:
    """Also an empty export has its heading."""
    yield []
    yield from batches


def _json_lines(batches: Iterator[list[Mention]]) -> Iterator[bytes]:
    for rows in batches:
        yield "".join(json.dumps(as_row(each), ensure_ascii=False) + "\n" for each in rows).encode("utf-8", "replace")


def _note(context: RequestContext, form: str) -> None:
    """Who took posts away, and by which filters: their names only, for a filter may hold a person's."""
    filters = ", ".join(sorted({name for name, value in context.request.query_params.items() if value}))
    context.note(Event.EXPORT, "mentions", format=form, filters=filters)


@get("/mentions.csv")
def export_csv(context: RequestContext) -> Response:
    """What the filters let through, for a spreadsheet."""
    _note(context, "csv")
    return download(context, _csv(_batches(context)), "text/csv; charset=utf-8", f"mentions-{context.now:%Y-%m-%d}.csv")


@get("/mentions.jsonl")
def export_json_lines(context: RequestContext) -> Response:
    """What the filters let through, one JSON object a line."""
    _note(context, "json lines")
    return download(
        context, _json_lines(_batches(context)), "application/jsonl", f"mentions-{context.now:%Y-%m-%d}.jsonl"
    )
