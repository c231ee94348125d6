"""Replies that are not sent: kept by their writer, proposed by a program, waiting for a lead. Nothing here leaves."""

from __future__ import annotations

import secrets
from datetime import datetime

from alerts.case import Case
from connectors.text import clean
from monitor.people.actors import NotAllowed, NotPossible, require
from monitor.people.identity import Actor, Directory
from monitor.replying import outcome
from monitor.replying.context import Replying, parent_of
from monitor.store import case_log, cases, replies
from monitor.store.replies import ReplyRow, mark_of

LONGEST = 20_000  # characters of a text, whatever the network takes
MOST_OPEN = 20  # drafts of one case; more are no work for anybody


class AsksAgain(NotPossible):
    """What was pressed is no longer what stands there: the person looks, and presses again."""


def new_id() -> str:
    """An id for a reply, made when its form is shown: pressed twice, it is one reply."""
    return secrets.token_hex(12)


def keep(
    replying: Replying,
    case_id: str,
    reply_id: str,
    text: str,
    *,
    was: str = "",
    who: Actor | str,
    way: str,
    now: datetime,
    drafted: bool = False,
) -> ReplyRow:
    """Keep a text as a draft, or change one: `was` is the hash of the text that its writer began with.

    `drafted`: a model wrote it, and whoever asked for it is its writer; this stays known when a person changes it.

    Raises NotPossible for a case that is not there, an empty text, and a reply that is no draft any more; AsksAgain
    where somebody else has changed it meanwhile.
    """
    database = replying.database
    text = _plain(text)
    with database.transaction():
        actor = require(Directory(database, replying.rules.settings), who, way, "reply")
        case = _case(replying, case_id)
        row = replies.one(database, reply_id)
        if row is None:
            _add(replying, case, reply_id, text, actor, way, now, mark_of(text) if drafted else "")
        elif row.case_id != case.id:
            raise NotPossible("this draft belongs to another case")
        elif row.state not in {"draft", "waiting", "refused"}:
            raise NotPossible(_settled(row))
        elif row.text != text:
            if row.mark != was:
                raise AsksAgain("somebody changed this draft meanwhile: look at it, then press again")
            replies.change(database, row.id, (row.state,), now, text=text, state="draft", key="", tries=0)
        found = replies.one(database, reply_id)
    assert found is not None
    return found


def propose(replying: Replying, case_id: str, text: str, *, who: Actor | str, way: str, now: datetime) -> ReplyRow:
    """A program proposes a text: it stands on the case with its origin, until a person takes it or drops it."""
    row = keep(replying, case_id, new_id(), text, who=who, way=way, now=now)
    with replying.database.transaction():
        case_log.note(
            replying.database, row.case_id, now, "reply proposed", who=row.writer, who_id=row.writer_id, way=way
        )
    return row


def ask_lead(replying: Replying, reply_id: str, *, who: Actor | str, way: str, now: datetime) -> ReplyRow:
    """Have a lead look at it: they post it, change it, or say why not. The leads are alerted."""
    row = _move(replying, reply_id, "waiting", "reply for approval", who=who, way=way, now=now, note="")
    with replying.database.transaction():
        outcome.tell_leads(replying, row, f"{row.writer}'s reply waits for your approval", now)
    return row


def send_back(replying: Replying, reply_id: str, why: str, *, who: Actor | str, way: str, now: datetime) -> ReplyRow:
    """A lead says why it is not posted; its writer goes on from there."""
    why = " ".join(clean(why).split())[:500]
    if not why:
        raise NotPossible("say why it is not posted, so that its writer can change it")
    verb = "approve reply"
    return _move(replying, reply_id, "draft", "reply sent back", who=who, way=way, now=now, note=why, verb=verb)


def drop(replying: Replying, reply_id: str, *, who: Actor | str, way: str, now: datetime) -> ReplyRow:
    """Nobody wants this one any more."""
    return _move(replying, reply_id, "dropped", "reply dropped", who=who, way=way, now=now)


def _move(
    replying: Replying,
    reply_id: str,
    state: str,
    what: str,
    *,
    who: Actor | str,
    way: str,
    now: datetime,
    verb: str = "reply",
    note: str | None = None,
) -> ReplyRow:
    database = replying.database
    with database.transaction():
        actor = require(Directory(database, replying.rules.settings), who, way, verb)
        row = replies.one(database, reply_id)
        if row is None:
            raise NotPossible("there is no such draft any more")
        told = {"state": state} if note is None else {"state": state, "note": note}
        if not replies.change(database, row.id, ("draft", "waiting", "refused"), now, **told):
            raise NotPossible(_settled(row))
        detail = {"text": note} if note else {}
        case_log.note(database, row.case_id, now, what, who=actor.name, who_id=actor.id, way=way, **detail)
        found = replies.one(database, reply_id)
    assert found is not None
    return found


def _add(
    replying: Replying, case: Case, reply_id: str, text: str, actor: Actor, way: str, now: datetime, drafted: str
) -> None:
    waiting = [each for each in replies.of_case(replying.database, case.id) if each.state in {"draft", "waiting"}]
    if len(waiting) >= MOST_OPEN:
        raise NotPossible(f"this case has {MOST_OPEN} drafts already; drop one first")
    parent = parent_of(replying.database, case)
    replies.add(
        replying.database, reply_id, now, case_id=case.id, source=case.source, text=text, writer=actor.name,
        writer_id=actor.id, way=way, parent_id=parent.native_id if parent else "",
        parent_url=parent.url if parent else "", drafted=drafted,
    )  # fmt: skip


def _case(replying: Replying, case_id: str) -> Case:
    case = cases.one(replying.database, clean(case_id)[:40])
    if case is None:
        raise NotPossible(f"there is no case {clean(case_id)[:40]}; earful cases lists all cases")
    if not replying.is_on(case.source):
        raise NotAllowed(f"replies are off for {case.source}; answer there, or set reply = true for this source")
    return case


def _plain(text: str) -> str:
    text = clean(text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if not text:
        raise NotPossible("the reply is empty")
    if len(text) > LONGEST:
        raise NotPossible(f"the reply has {len(text):,} characters; at most {LONGEST:,} are kept")
    return text


def _settled(row: ReplyRow) -> str:
    """What became of a reply that is no draft any more."""
    words = {
        "inflight": "is being sent at this moment",
        "unsure": "may have been posted: look on the network first",
        "sent": f"was already posted: {row.url}",
        "withdrawing": "is being withdrawn",
        "withdrawn": "was withdrawn; write a new one",
        "dropped": "was dropped; write a new one",
    }
    return f"this reply {words.get(row.state, row.state)}"
