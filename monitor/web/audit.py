"""The audit log, for admins: who did what to access and data, when and from where, with filters and an export."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from starlette.responses import Response

from monitor.people.audit import Event
from monitor.store import audit
from monitor.web.dates import day_of
from monitor.web.downloads import download, safe_cell
from monitor.web.html import page
from monitor.web.routing import RequestContext, get

PAGE = 100
BATCH = 1000
COLUMNS = ("at", "event", "who", "who_id", "way", "address", "about", "detail")


def _wanted(context: RequestContext) -> audit.Filter:
    before = context.query("before")
    return audit.Filter(
        event=context.query("event"), who=context.query("who"), about=context.query("about"),
        since=day_of(context, "from"), until=day_of(context, "to", whole=True),
        before=int(before) if before.isdecimal() and len(before) < 19 else 0,
    )  # fmt: skip


@get("/audit", role="admin")
def show_audit(context: RequestContext) -> Response:
    """A page of the log, newest first."""
    lines = audit.lines(context.database, _wanted(context), PAGE + 1)
    before = lines[PAGE - 1].n if len(lines) > PAGE else ""
    return page(
        context, "audit.html", title="Audit log", lines=lines[:PAGE], before=before,
        events=[each.value for each in Event], names=audit.names(context.database), detail_words=detail_words,
    )  # fmt: skip


def detail_words(line: audit.Line) -> str:
    """The facts of a line: "role: lead, before: staff"."""
    return ", ".join(f"{name}: {value}" for name, value in line.detail.items())


@get("/audit.csv", role="admin")
def export_audit(context: RequestContext) -> Response:
    """What the filters let through, for a spreadsheet; that it was exported is a line of the log itself."""
    wanted = _wanted(context)
    context.note(Event.EXPORT, "audit log", format="csv")
    parts = _csv(context, wanted)
    return download(context, parts, "text/csv; charset=utf-8", f"audit-{context.now:%Y-%m-%d}.csv")


def _csv(context: RequestContext, wanted: audit.Filter) -> Iterator[bytes]:
    from dataclasses import replace

    heading = True
    while heading or wanted.before:
        lines = audit.lines(context.database, wanted, BATCH)
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\r\n")
        if heading:
            text.write("\ufeff")  # spreadsheets read UTF-8 by this mark only
            writer.writerow(COLUMNS)
        for line in lines:
            values = {name: getattr(line, name) for name in COLUMNS}
            values |= {"at": line.at.isoformat(), "detail": detail_words(line)}
            writer.writerow([safe_cell(values[name]) for name in COLUMNS])
        yield text.getvalue().encode("utf-8", "replace")
        heading, wanted = False, replace(wanted, before=lines[-1].n if len(lines) == BATCH else 0)
