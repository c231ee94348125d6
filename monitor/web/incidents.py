"""Incidents on the page and in the API: what is open, what each was, and what people do about it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from connectors.text import clean
from monitor.incidents import acting
from monitor.notify import incident_messages
from monitor.people.actors import NotPossible
from monitor.store import cases, incidents
from monitor.store.connect import Error
from monitor.store.database import Row
from monitor.web import inbox, serializers
from monitor.web.html import environment, page
from monitor.web.identity import Refusal
from monitor.web.openapi import Field, operation
from monitor.web.routing import RequestContext, get, post

LATEST = 50
POSTS = 20
CASES = 50  # of those that wait


def open_incidents(context: RequestContext) -> list[dict[str, Any]]:
    """What the banner of every page shows, for whoever is logged in."""
    if context.identity is None:
        return []
    try:
        return [_shown(context, row) for row in incidents.open_now(context.database)]
    except Error:  # a page of an error needs no database
        return []


def _shown(context: RequestContext, row: Row) -> dict[str, Any]:
    return {
        **row,
        "name": incident_messages.name_of(context.database, row),
        "kind_words": incident_messages.kind_words(row),
        "says": incident_messages.told_words(context.database, row),
    }


@get("/incidents")
def show_incidents(context: RequestContext) -> Response:
    """The open ones, then the latest."""
    rows = [_shown(context, row) for row in incidents.latest(context.database, LATEST)]
    return page(context, "incidents.html", title="Incidents", rows=rows)


def _one(context: RequestContext) -> Row:
    row = incidents.one(context.database, clean(context.path("id"))[:40])
    if row is None:
        raise Refusal(404, "There is no such incident")
    return row


@get("/incidents/{id}")
def show_incident(context: RequestContext) -> Response:
    """One incident: its figures, the posts that made it, and whoever of it waits."""
    row, database = _one(context), context.database
    of_it = list(cases.rows_of(database, incidents.cases_of(database, row["id"])).values())
    waiting = [each for each in of_it if cases.case_of(each).state_at(context.now) not in {"answered", "closed"}]
    waiting.sort(key=lambda each: (each["due_at"] or "9", each["n"]))  # who is late first
    return page(
        context, "incident.html", title=f"Incident {row['id']}", row=_shown(context, row),
        facts=incident_messages.facts_of(context.database, context.rules, row, context.now, context.zone),
        posts=incidents.posts_of(database, row["id"], POSTS), sources=acting.sources_of(database, row["id"]),
        lines=inbox.lines(database, context.rules, waiting[:CASES], context.now, context.zone),
        waiting=len(waiting), every=len(of_it), said=context.query("said"),
    )  # fmt: skip


@post("/incidents/{id}", role="staff")
def act(context: RequestContext) -> Response:
    """Take it, say that we have said so publicly, end it."""
    row = _one(context)
    said = acting.act(
        context.database, context.rules, row["id"], context.form.get("verb") or "", who=context.who.actor,
        way=context.who.way, now=context.now, url=(context.form.get("url") or "").strip(),
        source=context.form.get("source") or "",
    )  # fmt: skip
    return RedirectResponse(f"/incidents/{row['id']}?" + urlencode({"said": f"Done: {said}."}), 303)


@operation(
    "GET", "/incidents", "Incidents, the open ones first", role="viewer",
    takes=(Field("limit", "how many at most", "whole", least=1, most=200, default=50),),
    gives={"type": "object", "required": ["incidents"]},
)  # fmt: skip
def list_incidents(context: RequestContext, values: dict[str, Any]) -> Any:
    """The open ones, then the latest."""
    return {"incidents": serializers.incident_list(context.database, values["limit"])}


@operation(
    "POST", "/incidents/{id}", "Act on an incident, as its page does; nothing is posted in public", role="staff",
    body=(
        Field("verb", "the action", "choice", acting.VERBS, needed=True),
        Field("url", "said: the address of our public post", most=2000),
        Field("source", "said: the source it was said on, if its people wrote on several"),
    ),
    gives={"type": "object", "required": ["text", "incident"]},
)  # fmt: skip
def act_on_incident(context: RequestContext, values: dict[str, Any]) -> Any:
    """Do it in the name of the token."""
    row = _one(context)
    try:
        text = acting.act(
            context.database, context.rules, row["id"], values["verb"], who=context.who.actor, way=context.who.way,
            now=context.now, url=values["url"] or "", source=values["source"] or "",
        )  # fmt: skip
    except NotPossible as error:
        raise Refusal(409, "Not possible now", str(error)) from error
    return {"text": text, "incident": serializers.incident(context.database, _one(context))}


environment().globals.update(open_incidents=open_incidents)
