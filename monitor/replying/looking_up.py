"""Finding out what became of replies that nobody knows of: by looking, and never by sending again.

A process may have been killed at any point of a press. What it left in flight is looked up here once its time is over,
as is what was unsure. Found: the clock stops with the network's own time. Not there, again and again for a quarter of
an hour: a draft once more, which somebody has to press. Where nobody can look, its writer is told to.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from connectors import ConnectorError
from connectors.writing import Written
from monitor.people.actors import NotPossible, require
from monitor.people.identity import Actor, Directory
from monitor.replying import outcome, taking_back
from monitor.replying.context import Replying, parent_of
from monitor.store import cases, replies
from monitor.store.database import by_its_clock
from monitor.store.replies import ReplyRow

log = logging.getLogger("earful.replies")

GIVES_UP = timedelta(minutes=15)  # after the press: what was not there by then did not arrive
LOOKS_FOR = timedelta(hours=24)  # where the network can't be asked meanwhile
_BETWEEN = (timedelta(minutes=1), timedelta(minutes=3), timedelta(minutes=10))


def anything(replying: Replying) -> bool:
    """Whether replies of a source that was switched off since are still unsettled."""
    return replies.any_unsettled(replying.database)


def look(replying: Replying, now: datetime) -> int:
    """Look up what is due; how many replies that were."""
    now = by_its_clock(replying.database, now)
    due = replies.to_look_up(replying.database, now)
    for row in due:
        if row.state == "withdrawing":
            taking_back.look(replying, row, now)
        else:
            _look(replying, row, now)
    return len(due)


def _look(replying: Replying, row: ReplyRow, now: datetime) -> None:
    found = outcome.posted_elsewhere(replying, row)
    if found is not None:
        outcome.sent(replying, row, found, now)
        return
    if not replying.is_on(row.source) or not replying.writers.of(row.source).looks_up or not row.text:
        _left_to_its_writer(replying, row, "it can't be looked up from here", now)
        return
    try:
        written = _asked(replying, row, now)
    except ConnectorError as error:
        _left_to_its_writer(replying, row, error.message, now)
        return
    if written is not None:
        if outcome.sent(replying, row, written, now):
            with replying.database.transaction():
                outcome.tell_writer(replying, row, f"your reply was posted after all: {written.url}", now)
    elif now - (row.pressed_at or row.changed_at) >= GIVES_UP:
        words = "it did not arrive: press again to post it"
        if outcome.not_there(replying, row, now, words=words):
            with replying.database.transaction():
                outcome.tell_writer(replying, row, f"your reply did not arrive on {row.source}; post it again", now)
    else:
        _later(replying, row, row.note or "not found yet", now)


def _asked(replying: Replying, row: ReplyRow, now: datetime) -> Written | None:
    post = replies.parent_of(replying.database, row)
    if post is None:
        case = cases.one(replying.database, row.case_id)
        post = parent_of(replying.database, case) if case is not None else None
    if post is None:
        raise ConnectorError("the post that it answers is gone")
    since = row.pressed_at or row.created_at
    asked = post
    return replying.writers.ask(row.source, lambda writer: writer.look_up(asked, row.text, row.key, since, now))


def _left_to_its_writer(replying: Replying, row: ReplyRow, why: str, now: datetime) -> None:
    """Say once that somebody has to look; go on looking for a day where that can be done at all."""
    database = replying.database
    first = row.state == "inflight" or not row.note.startswith("look on")
    over = now - (row.pressed_at or row.changed_at) >= LOOKS_FOR
    can = replying.is_on(row.source) and replying.writers.of(row.source).looks_up and bool(row.text)
    with database.transaction():
        due = now + _BETWEEN[-1] if can and not over else None
        note = f"look on {row.source}: {why}"[:500]
        told = {"state": "unsure", "note": note, "next_look_at": due}
        if replies.change(database, row.id, ("inflight", "unsure"), now, **told) and first:
            words = f"your reply was perhaps posted on {row.source}, perhaps not: look, then say so on the case"
            outcome.tell_writer(replying, row, words, now)


def _later(replying: Replying, row: ReplyRow, why: str, now: datetime) -> None:
    age = now - (row.pressed_at or row.changed_at)
    wait = next((each for each in _BETWEEN if age < each * 2), _BETWEEN[-1])
    with replying.database.transaction():
        replies.change(
            replying.database, row.id, ("inflight", "unsure"), now, state="unsure", note=why, next_look_at=now + wait
        )


def settle(replying: Replying, reply_id: str, *, stands: bool, who: Actor | str, way: str, now: datetime) -> str:
    """A person has looked: it is there, or it is not. Words for them; raises NotPossible."""
    database = replying.database
    actor = require(Directory(database, replying.rules.settings), who, way, "reply")
    row = replies.one(database, reply_id)
    if row is None or row.state != "unsure":
        raise NotPossible("this reply is settled already; load the case again")
    if stands:
        outcome.there(replying, row, actor, now)
        case = cases.one(database, row.case_id)
        answered = case is not None and case.state_at(now) == "answered"
        return f"noted by {actor.name}: it is there{'; the case counts as answered' if answered else ''}"
    outcome.not_there(
        replying, row, now, words=f"{actor.name} looked: it is not there", who=actor.name, who_id=actor.id
    )
    return "it is a draft again; post it when you are ready"
