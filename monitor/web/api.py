"""The JSON API behind tokens: read what was heard and what waits, say something of a case, correct a verdict.

Every answer is JSON; what is refused says {"error", "detail"}. `earful token add NAME` makes a token.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from alerts.case import PRIORITIES
from connectors.text import clean
from monitor.cases import actions, verbs
from monitor.replying import drafts
from monitor.store import cases, finding, key_values, mentions, pages, problems
from monitor.store.database import Row
from monitor.types import Mention
from monitor.web import search, serializers
from monitor.web.causes import as_json, causes_as_json
from monitor.web.identity import Refusal
from monitor.web.mentions import ANSWERS, LABELS, next_page
from monitor.web.openapi import OPERATIONS, Field, document, operation
from monitor.web.routing import RequestContext

MOST = 200  # of one answer
_CURSOR = re.compile(r"([0-9T:.Z+ -]{10,40})_([0-9a-f]{8,64})", re.ASCII)
_LIMIT = Field("limit", "how many at most", "whole", least=1, most=MOST, default=50)
_SEARCH = Field("q", 'words, or the query language: "two weeks" AND refund NOT author:bot')
_WHAT = (
    Field("brand", "of this brand"),
    Field("source", "from this source, as the settings name it"),
    Field("language", "in this language, two letters"),
)
_SPAN = (
    Field("since", "not before", "time"),
    Field("until", "before", "time"),
)


@operation("GET", "/openapi.json", "This description", role="viewer")
def openapi(_ask: RequestContext, _values: dict[str, Any]) -> Any:
    """The description of all calls."""
    return _document()


@cache
def _document() -> dict[str, Any]:
    try:
        return document(version("earful"))
    except PackageNotFoundError:
        return document("0")


@operation(
    "GET", "/mentions", "Mentions, newest first", role="viewer",
    takes=(
        _SEARCH, *_WHAT, Field("author", "by this author"),
        Field("lane", "ping needs an answer, sweep may need one", "choice", ("ping", "sweep", "none")),
        Field("label", "the sentiment", "choice", LABELS), Field("flagged", "only posts that alerted people", "yes"),
        *_SPAN, Field("cursor", "`next` from the previous page"), _LIMIT,
    ),
    gives={"type": "object", "required": ["mentions", "next"]},
)  # fmt: skip
def list_mentions(context: RequestContext, values: dict[str, Any]) -> Any:
    """A page of mentions, and where the next one begins."""
    before, before_id = "", ""
    if values["cursor"]:
        cursor = _CURSOR.fullmatch(values["cursor"])
        if cursor is None:
            raise Refusal(400, "Invalid request", "cursor: use `next` from the previous page")
        before, before_id = cursor.groups()
    looked = search.read(values["q"] or "")
    wanted = finding.Filter(
        brand=values["brand"] or "", source=values["source"] or "", language=values["language"] or "",
        author=values["author"] or "", lane=values["lane"] or "", label=values["label"] or "",
        flagged=bool(values["flagged"]), since=values["since"], until=values["until"],
        search=looked.words.plain if looked.query is None else "",
        before=before, before_id=before_id, limit=values["limit"] + 1,
    )  # fmt: skip
    found = search.find(context.database, wanted, looked)
    return {
        "mentions": [serializers.mention(each) for each in found.rows[: values["limit"]]],
        "next": next_page(found, values["limit"]) or None,
        **({"note": looked.fault} if looked.fault else {}),
    }


def _mention(context: RequestContext) -> Mention:
    found = mentions.one(context.database, clean(context.path("id"))[:64])
    if found is None:
        raise Refusal(404, "There is no such mention")
    return found


@operation(
    "GET", "/causes", "What people write about, this week beside the last", role="viewer",
    takes=(Field("brand", "of this brand"),), gives={"type": "object", "required": ["causes"]},
)  # fmt: skip
def list_causes(context: RequestContext, values: dict[str, Any]) -> Any:
    """The list of one brand, or of all."""
    names = [values["brand"]] if values["brand"] else [each.name for each in context.settings.brands]
    return {"causes": [each for name in names for each in causes_as_json(context.database, name, context.now)]}


@operation(
    "GET", "/problems", "Causes that several people share, until all are told", role="viewer",
    takes=(Field("brand", "of this brand"), Field("all", "those that are over, too", "yes")),
    gives={"type": "object", "required": ["problems"]},
)  # fmt: skip
def list_problems(context: RequestContext, values: dict[str, Any]) -> Any:
    """The problems, the newest first."""
    rows = problems.counted(context.database, values["brand"] or "", open_only=not values["all"])
    return {"problems": [as_json(row) for row in rows]}


@operation("GET", "/mentions/{id}", "One mention, with every contribution to its verdict", role="viewer")
def get_mention(context: RequestContext, _values: dict[str, Any]) -> Any:
    """One mention, explained."""
    return serializers.explained(context.database, context.assembly.intake.judge, _mention(context))


@operation(
    "POST", "/mentions/{id}/label", "Correct a mention; Earful learns from it", role="staff",
    body=(Field("answer", "what it is; undo removes your correction", "choice", (*ANSWERS, "undo"), needed=True),),
    gives={"type": "object", "required": ["changed", "mention"]},
)  # fmt: skip
def label_mention(context: RequestContext, values: dict[str, Any]) -> Any:
    """Keep a label, once: what stands already is not kept again."""
    found, answer = _mention(context), values["answer"]
    by = context.directory.resolve(context.who.actor)
    with context.database.transaction():
        mine = [
            row["answer"]
            for row in pages.labels_of_mention(context.database, found.id)
            if not row["undone_at"] and row["who_id"] == by.id
        ]
        changed = bool(mine) if answer == "undo" else mine[:1] != [answer]
        if changed and answer == "undo":
            key_values.undo_labels(context.database, [found.id], by.id, context.now - timedelta(days=3650), context.now)
        elif changed:
            key_values.add_label(
                context.database, found.brand, found.id, answer, by.name, context.who.way, context.now, who_id=by.id
            )
    return {
        "changed": changed,
        "mention": serializers.explained(context.database, context.assembly.intake.judge, found),
    }


@operation(
    "GET", "/cases", "Cases, most urgent first; answered and closed ones, latest first", role="viewer",
    takes=(
        Field("state", "which of them", "choice", pages.SECTIONS, default="waiting"), _SEARCH, *_WHAT,
        Field("owner", "its owner"), Field("priority", "how urgent", "choice", PRIORITIES),
        Field("cursor", "`next_cursor` from the previous page"),
        Field("offset", "how many to skip; passes over cases that others move meanwhile", "whole", most=1_000_000,
              default=0),
        _LIMIT,
    ),
    gives={"type": "object", "required": ["cases", "total", "next", "next_cursor"]},
)  # fmt: skip
def list_cases(context: RequestContext, values: dict[str, Any]) -> Any:
    """A page of cases, and where the next one begins: by a cursor, or by an offset for programs that count."""
    looked = search.read(values["q"] or "")
    owner = context.directory.find(values["owner"] or "")
    wanted = pages.Inbox(
        brand=values["brand"] or "", source=values["source"] or "", language=values["language"] or "",
        priority=values["priority"] or "",
        owner=owner.id if owner is not None else values["owner"] or "",
        ids=search.case_ids(context.database, looked),
    )  # fmt: skip
    database, state, now, limit = context.database, values["state"], context.now, values["limit"]
    total = pages.count(database, state, wanted, now)
    try:
        from_here = replace(wanted, after=values["cursor"] or "")
        found = pages.inbox(database, state, from_here, now, limit + 1, values["offset"])
    except ValueError:
        raise Refusal(400, "Invalid request", "cursor: use `next_cursor` from the previous page") from None
    rows, after = found[:limit], values["offset"] + limit
    more = len(found) > limit
    return {
        "cases": serializers.case_list(database, context.rules, rows, now),
        "total": total,
        "next": after if more and not values["cursor"] else None,
        "next_cursor": pages.place_of(state, rows[-1]) if more else None,
    }


def _case(context: RequestContext) -> Row:
    found = cases.row_of(context.database, clean(context.path("id"))[:40])
    if found is None:
        raise Refusal(404, "There is no such case")
    return found


@operation("GET", "/cases/{id}", "One case with its posts and log", role="viewer")
def get_case(context: RequestContext, _values: dict[str, Any]) -> Any:
    """One case with its conversation and its log."""
    return serializers.whole_case(context.database, context.rules, _case(context), context.now)


@operation(
    "POST", "/cases/{id}", "Act on a case, as a button does; nothing is posted in public", role="staff",
    body=(
        Field("verb", "the action", "choice", verbs.VERBS, needed=True),
        Field("owner", "assign: the new owner", most=64),
        Field("outcome", "required with close: the outcome", "choice", verbs.OUTCOMES),
        Field("why", "dismiss or close: why no answer was needed", "choice", verbs.WHYS),
        Field("until", "snooze or wait: until when", "time"),
        Field("on", "wait: who you are waiting for", most=200),
        Field("text", "note, wants or tag: the text", most=2000),
        Field("url", "answered: the address of the answer", most=2000),
    ),
    gives={"type": "object", "required": ["changed", "text", "case"]},
)  # fmt: skip
def say(context: RequestContext, values: dict[str, Any]) -> Any:
    """Say it in the name of the token; said twice it changes nothing the second time."""
    row = _case(context)
    verb = values.pop("verb")
    detail = {name: value for name, value in values.items() if value is not None}
    if detail.get("url") and not str(detail["url"]).startswith(("https://", "http://")):
        raise Refusal(400, "Invalid request", "url: write an address that begins with https://")
    key = clean(context.request.headers.get("idempotency-key", ""))[:200]
    with context.database.transaction():
        first = not key or key_values.first_press(context.database, f"api:{context.who.actor.id}:{key}", context.now)
        if first:
            said = actions.say_within(
                context.database, context.rules, row["id"], verb,
                who=context.who.actor, way=context.who.way, now=context.now, detail=detail,
            )  # fmt: skip
    after = _case(context)
    return {
        "changed": said.changed if first else False,
        "text": said.text if first else "this request was already carried out",
        "case": serializers.whole_case(context.database, context.rules, after, context.now),
    }


@operation(
    "POST", "/cases/{id}/drafts", "Propose a reply: it stays a draft until a person posts it", role="staff",
    body=(Field("text", "the text of the reply", most=20_000, needed=True),),
    gives={"type": "object", "required": ["draft", "text"]},
)  # fmt: skip
def propose_reply(context: RequestContext, values: dict[str, Any]) -> Any:
    """Keep a text beside the case, with its origin. No program can post it, with any token."""
    row = drafts.propose(
        context.assembly.replying, _case(context)["id"], values["text"],
        who=context.who.actor, way=context.who.way, now=context.now,
    )  # fmt: skip
    return {"draft": row.id, "text": "kept as a draft; a person has to read it and post it"}


@operation("GET", "/sources", "State of each source", role="viewer", gives={"type": "object", "required": ["sources"]})
def list_sources(context: RequestContext, _values: dict[str, Any]) -> Any:
    """Every source of the settings."""
    return {"sources": serializers.source_list(context.database, context.settings, context.now)}


LONGEST = timedelta(days=400)


@operation("GET", "/report", "Figures for a period, by default the last seven days", role="viewer", takes=_SPAN)
def get_report(context: RequestContext, values: dict[str, Any]) -> Any:
    """Time to answer and the rest; durations in seconds."""
    until = values["until"] or context.now
    since = values["since"] or until - timedelta(days=7)
    if not timedelta(0) < until - since <= LONGEST:
        raise Refusal(400, "Invalid period", f"until must be after since, by at most {LONGEST.days} days")
    return serializers.span_report(context.database, context.rules, since, until, context.now)


__all__ = ["OPERATIONS"]
