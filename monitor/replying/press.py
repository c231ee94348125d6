"""The press: the one place from which anything is posted in public.

Somebody who is known, by the page, Slack or a terminal, presses for exactly one text. Everything that they saw travels
with the press and is compared with what stands; then the row is marked in flight, and only after that the network is
spoken to. What may have arrived is looked up, and never sent again blindly.

Another process may look once the time of a press is over, by the database's clock. One that stood still for so long
that it might still be sending then, sends nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors import ConnectorError, Post, server_dates
from connectors.writing import NotWritten, Standing, Writer, Written
from monitor.people.actors import NotAllowed, NotPossible, is_person, require
from monitor.people.identity import Actor, Directory
from monitor.replying import outcome
from monitor.replying.context import (
    Replying,
    Seen,
    in_the_way,
    parent_mark,
    parent_of,
    said_so_far,
    same_as,
    same_to_others,
    why_not,
)
from monitor.replying.drafts import AsksAgain
from monitor.replying.writers import DEADLINE
from monitor.store import cases, replies
from monitor.store.database import by_its_clock
from monitor.store.replies import ReplyRow, State

SETTLES = timedelta(seconds=DEADLINE + 40)  # after which a press is over, whatever became of it
LEAVES_WITHIN = SETTLES - timedelta(seconds=DEADLINE)


@dataclass(frozen=True, slots=True)
class Pressed:
    """What came of a press, in words for whoever pressed."""

    state: State
    words: str
    url: str = ""


def press(
    replying: Replying,
    reply_id: str,
    seen: Seen,
    *,
    who: Actor | str,
    way: str,
    now: datetime,
    steady: Callable[[], float] = server_dates.steady,
) -> Pressed:
    """Post this reply in public, or say why not.

    Raises NotAllowed for whoever may not, AsksAgain where what they saw has changed, NotPossible for the rest.
    """
    now = by_its_clock(replying.database, now)
    standing = _standing(replying, reply_id, now)
    leaves_by = steady() + LEAVES_WITHIN.total_seconds()
    with replying.database.transaction():
        row, parent = _claim(replying, reply_id, seen, standing, who, way, now)
    return _send(replying, row, parent, now, lambda: steady() < leaves_by)


def person(replying: Replying, who: Actor | str, way: str, source: str) -> Actor:
    """Whoever presses, if it is a person who may post there."""
    verb = "approve reply" if replying.needs_lead(source) else "reply"
    actor = require(Directory(replying.database, replying.rules.settings), who, way, verb)
    if not is_person(actor):
        raise NotAllowed("only a person can post a reply, on the page, in Slack or at a terminal; it stays a draft")
    return actor


def _standing(replying: Replying, reply_id: str, now: datetime) -> Standing:
    """Who would write, as the network says: asked outside any transaction."""
    row = replies.one(replying.database, reply_id)
    if row is None:
        raise NotPossible("there is no such draft any more")
    if not replying.is_on(row.source):
        raise NotAllowed(f"replies are off for {row.source}")
    try:
        return replying.writers.standing(row.source, now)
    except ConnectorError as error:
        raise NotPossible(f"can't tell which account would post: {error.message}. {error.remedy}".strip()) from error


def _claim(
    replying: Replying, reply_id: str, seen: Seen, standing: Standing, who: Actor | str, way: str, now: datetime
) -> tuple[ReplyRow, Post]:
    """Hold what was seen against what stands, and mark the row in flight. Inside a transaction."""
    database = replying.database
    row = replies.one(database, reply_id)
    case = cases.one(database, row.case_id) if row is not None else None
    if row is None or case is None:
        raise NotPossible("there is no such draft any more")
    actor = person(replying, who, way, row.source)
    parent = parent_of(database, case)
    if why := why_not(replying, case, parent):
        raise NotPossible(why)
    assert parent is not None
    if row.mark != seen.mark:
        raise AsksAgain("the text was changed meanwhile: read it, then press again")
    if parent_mark(parent) != seen.parent:
        raise AsksAgain("the post you answer was changed, or there is a newer one: read it, then press again")
    if standing.account != seen.account:
        raise AsksAgain(f"the reply would be posted as {standing.account}: press again if that is right")
    if said_so_far(database, case.id) != seen.said:
        raise AsksAgain("somebody answered meanwhile: read their reply, then press again")
    others = replies.of_case(database, case.id)
    if words := in_the_way(others, row.id) or same_as(others, row, parent, now):
        raise NotPossible(words)
    if words := same_to_others(replying, row, case, now):
        raise NotPossible(words)
    _fits(replying, row, standing)
    chosen = row.key or f"{int(now.timestamp() * 1_000_000):x}-{secrets.token_hex(8)}"
    marked = replies.change(
        database, row.id, ("draft", "waiting", "refused"), now, state="inflight", pressed_at=now,
        account=standing.account, approver=actor.name, approver_id=actor.id, way=way, parent_id=parent.native_id,
        parent_url=parent.url, key=chosen, tries=row.tries + 1, note="", next_look_at=now + SETTLES,
    )  # fmt: skip
    if not marked:
        raise NotPossible("this reply was settled meanwhile; load the case again")
    found = replies.one(database, row.id)
    assert found is not None
    return found, parent


def _fits(replying: Replying, row: ReplyRow, standing: Standing) -> None:
    length = replying.writers.of(row.source).length(row.text)
    if length > standing.longest:
        raise NotPossible(f"the reply has {length:,} characters; {row.source} takes at most {standing.longest:,}")


def _send(replying: Replying, row: ReplyRow, parent: Post, now: datetime, in_time: Callable[[], bool]) -> Pressed:
    """Speak to the network, and write down what it said."""

    def reply(writer: Writer) -> Written:
        if not in_time():
            raise NotWritten("Earful stood still for too long, and sent nothing", "Press again.")
        return writer.reply(parent, row.text, row.key, now)

    try:
        written = _before(replying, row, parent, now) or replying.writers.ask(row.source, reply)
    except NotWritten as error:
        outcome.refused(replying, row, error, now)
        return Pressed("refused", f"not posted: {error.message}. {error.remedy}".strip())
    except ConnectorError as error:
        return _unsure(replying, row, parent, error.message, now)
    outcome.sent(replying, row, written, now)
    return Pressed("sent", f"posted as {row.account}", written.url)


def _before(replying: Replying, row: ReplyRow, parent: Post, now: datetime) -> Written | None:
    """What was tried before is looked up first; where that can't be done, its writer has looked."""
    if row.tries < 2 or not replying.writers.of(row.source).looks_up:
        return None
    since = row.created_at
    return replying.writers.ask(row.source, lambda writer: writer.look_up(parent, row.text, row.key, since, now))


def _unsure(replying: Replying, row: ReplyRow, parent: Post, why: str, now: datetime) -> Pressed:
    """Nobody knows whether it arrived: look at once, and leave it as unsure where that says nothing."""
    outcome.unsure(replying, row, why, now)
    if replying.writers.of(row.source).looks_up:
        since = row.pressed_at or now
        try:
            found = replying.writers.ask(
                row.source, lambda writer: writer.look_up(parent, row.text, row.key, since, now)
            )
        except ConnectorError:
            found = None
        if found is not None:
            outcome.sent(replying, row, found, now)
            return Pressed("sent", f"posted as {row.account}", found.url)
    return Pressed("unsure", f"perhaps posted, perhaps not ({why}): look on {row.source} before you do anything")
