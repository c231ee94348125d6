"""Answering in public from Slack: the button opens a window, and what is sent off in it is a person's press.

The window carries what its writer saw, as the form of the page does, and the id of the reply: a press that Slack says
again, or that was kept before a crash, is the same reply.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from alerts import ReplyWindow
from connectors import ConnectorError
from monitor.assistant import draft_box
from monitor.assistant.answers import Assistant
from monitor.assistant.draft import NoDraft, draft_of
from monitor.people.actors import PERSONS_PROOFS, NotPossible, refusal, require
from monitor.people.identity import Actor, Directory, of_slack
from monitor.replying import drafts, press
from monitor.replying.context import Replying, Seen, parent_mark, parent_of, said_so_far, why_not
from monitor.store import cases, key_values, mentions, replies
from monitor.store.database import at
from monitor.store.replies import mark_of

WRITE, WRITTEN = "write", "write_sent"  # the button; the window that was sent off
DRAFT = "draft"  # the button in the window
VERBS = frozenset({WRITE, WRITTEN, DRAFT})
WRITING = "The assistant is writing. This can take a minute."
WAY = "slack"
# Opens the window for a press, or changes the one that it was made in; why not, "" where it stands so.
Opens = Callable[[Mapping[str, Any], ReplyWindow], str]


def pressed(
    replying: Replying, given: Mapping[str, Any], opens: Opens, now: datetime, assistant: Assistant | None = None
) -> str:
    """Open the window, have a draft written into it, or post what stands in it; "" where they see it."""
    who = of_slack(str(given.get("team_id", "")), str(given["user_id"]), str(given["user_name"]))
    try:
        if given["verb"] == WRITE:
            window = window_of(replying, str(given["case_id"]), who, now)
            window = replace(window, drafts=assistant is not None and assistant.is_on)
            return opens(given, replace(window, carried={**window.carried, "channel": str(given["channel"])}))
        if given["verb"] == DRAFT:
            return _draft(assistant, replying, given, who, opens, now)
        return _post(replying, given, who, now)
    except NotPossible as error:
        return str(error)


def _draft(
    assistant: Assistant | None, replying: Replying, given: Mapping[str, Any], who: Actor, opens: Opens, now: datetime
) -> str:
    """Have a draft written into the open window; what stands in it is only changed where nobody wrote it."""
    about, text = _carried(str(given.get("about", ""))), str(given.get("note", ""))
    window = window_of(replying, str(given["case_id"]), who, now)
    case = cases.one(replying.database, window.case_id)
    if assistant is None or case is None:
        raise NotPossible("no assistant is set up; see [assistant] in the settings")
    kept: dict[str, str] = {name: about[name] for name in ("reply", "was", "channel", "box") if name in about}
    box = kept.get("box", window.box)
    window = replace(window, drafts=True, opening=text, box=box, carried={**window.carried, **kept})
    if not draft_box.may_be_replaced(replying, case, kept.get("reply", ""), text):
        return opens(given, replace(window, told=_sentence(draft_box.FULL)))
    if why := opens(given, replace(window, told=WRITING, waits=True)):
        return why
    again = draft_box.asked_before(replying, case)
    found = draft_of(assistant, replying, case, name=who.name, now=now, limit=window.longest, again=again)
    if isinstance(found, NoDraft):
        anew = f"{box}-"  # its box was away meanwhile
        return opens(
            given,
            replace(window, told=_sentence(found.words), box=anew, carried={**window.carried, "box": anew}),
        )
    row = draft_box.keep(replying, case, found, before=kept.get("reply", ""), who=who, way=WAY, now=now)
    made: dict[str, str] = {"reply": row.id, "was": row.mark, "box": f"reply{again + 1}"}
    told = f"{_sentence(found.origin)} Read it, and change what isn't right."
    return opens(
        given,
        replace(window, told=told, opening=row.text, box=made["box"], carried={**window.carried, **made}),
    )


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def window_of(replying: Replying, case_id: str, who: Actor, now: datetime) -> ReplyWindow:
    """What the window shows and carries; raises NotPossible, in words for whoever pressed."""
    database = replying.database
    actor = require(Directory(database, replying.rules.settings), who, WAY, "reply")
    if actor.proof not in PERSONS_PROOFS:
        raise NotPossible("only people in [[people]] of the settings can reply in public; ask an admin to add you")
    case = cases.one(database, case_id)
    if case is None:
        raise NotPossible(f"there is no case {case_id}")
    parent = parent_of(database, case)
    if why := why_not(replying, case, parent):
        raise NotPossible(why)
    assert parent is not None
    try:
        standing = replying.writers.standing(case.source, now)
    except ConnectorError as error:
        raise NotPossible(f"can't tell which account would post: {error.message}. {error.remedy}") from error
    told = [(each.post.posted_at, each.post.author, each.post.text or each.post.title) for each in
            mentions.of_case(database, case.id)]  # fmt: skip
    told += [(at(own["posted_at"]), f"{own['author']} (us)", own["text"])
             for own in key_values.own_posts_of_case(database, case.id)]  # fmt: skip
    zone = replying.rules.settings.zone
    writer = replying.writers.of(case.source)
    lead = replying.needs_lead(case.source) and refusal(actor, "approve reply") != ""
    rows = replies.of_case(database, case.id)
    waiting = next((row for row in rows if row.state == "waiting"), None) if not lead else None
    return ReplyWindow(
        case_id=case.id,
        network=writer.network,
        account=standing.account,
        longest=standing.longest,
        opening=waiting.text if waiting is not None else writer.opening(parent),
        said=tuple((f"{author} · {when.astimezone(zone):%d %b %H:%M}", text) for when, author, text in sorted(told)),
        needs_lead=lead,
        price=writer.price,
        carried={
            "case": case.id,
            "reply": waiting.id if waiting is not None else drafts.new_id(),
            "was": waiting.mark if waiting is not None else "",
            "parent": parent_mark(parent),
            "account": standing.account,
            "said": str(said_so_far(database, case.id)),
        },
    )


def _post(replying: Replying, given: Mapping[str, Any], who: Actor, now: datetime) -> str:
    about = _carried(str(given.get("about", "")))
    case_id, reply_id = about.get("case", ""), about.get("reply", "")
    if not case_id or not reply_id:
        raise NotPossible("this window is too old; press Reply again")
    row = drafts.keep(
        replying, case_id, reply_id, str(given.get("note", "")), was=about.get("was", ""), who=who, way=WAY, now=now
    )
    actor = require(Directory(replying.database, replying.rules.settings), who, WAY, "reply")
    if replying.needs_lead(row.source) and refusal(actor, "approve reply"):
        drafts.ask_lead(replying, row.id, who=who, way=WAY, now=now)
        return f"your reply to case {case_id} waits for a lead"
    number = about.get("said", "")
    seen = Seen(
        mark_of(row.text), about.get("parent", ""), about.get("account", ""),
        int(number) if number.isascii() and number.isdigit() else -1,
    )  # fmt: skip
    try:
        done = press.press(replying, row.id, seen, who=who, way=WAY, now=now)
    except NotPossible as error:
        page = f"{replying.rules.settings.earful.page_url.rstrip('/')}/cases/{case_id}?draft={row.id}#help"
        raise NotPossible(f"not posted: {error}. Your text is kept: {page}") from error
    return f"case {case_id}: {done.words} {done.url}".rstrip()


def _carried(text: str) -> dict[str, str]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return {str(name): str(value)[:200] for name, value in found.items()} if isinstance(found, dict) else {}
