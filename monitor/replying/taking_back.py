"""Deleting a reply of ours on its network, within ten minutes and while nobody has answered it."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from connectors import ConnectorError
from connectors.writing import NotWritten
from monitor.cases import actions, showing
from monitor.people.actors import NotAllowed, NotPossible
from monitor.people.identity import Actor
from monitor.replying import outcome
from monitor.replying.context import Replying
from monitor.replying.press import SETTLES, Pressed, person
from monitor.store import case_log, cases, key_values, mentions, replies
from monitor.store.replies import ReplyRow

log = logging.getLogger("earful.replies")

WITHIN = timedelta(minutes=10)
LOOKS_FOR = timedelta(hours=24)  # where the network can't be asked


def can(replying: Replying, row: ReplyRow, now: datetime) -> bool:
    """Whether to offer it: what is not known here is asked of the network when somebody presses."""
    young = row.posted_at is not None and now - row.posted_at <= WITHIN and row.native_id != ""
    return row.state == "sent" and young and replying.is_on(row.source) and replying.writers.of(row.source).takes_back


def take_back(replying: Replying, reply_id: str, *, who: Actor | str, way: str, now: datetime) -> Pressed:
    """Delete it on the network; the case is open again with its first clock. Raises NotPossible."""
    database = replying.database
    row = replies.one(database, reply_id)
    if row is None or row.state != "sent":
        raise NotPossible("there is no such reply to withdraw")
    actor = person(replying, who, way, row.source)
    if actor.id not in {row.approver_id, row.writer_id} and actor.role not in {"lead", "admin"}:
        raise NotAllowed(f"{row.approver} posted it; they or a lead can withdraw it")
    if not can(replying, row, now):
        raise NotPossible("a reply can be withdrawn for ten minutes, on networks that delete; answer again instead")
    _nobody_answered(replying, row, now)
    with database.transaction():
        if not replies.change(database, row.id, ("sent",), now, state="withdrawing", next_look_at=now + SETTLES):
            raise NotPossible("it is being withdrawn already")
        case_log.note(database, row.case_id, now, "withdraw", who=actor.name, who_id=actor.id, way=way)
    try:
        replying.writers.ask(row.source, lambda writer: writer.take_back(row.native_id, now))
    except NotWritten as error:
        _stands(replying, row, error.message, now)
        return Pressed("sent", f"not deleted: {error.message}. {error.remedy}".strip(), row.url)
    except ConnectorError as error:
        words = f"can't tell whether it was deleted ({error.message}); Earful looks in a minute"
        return Pressed("withdrawing", words, row.url)
    _gone(replying, row, now)
    return Pressed("withdrawn", "withdrawn; the case is open again")


def look(replying: Replying, row: ReplyRow, now: datetime) -> None:
    """What a process left behind in the middle of it: the network says whether the reply stands."""
    try:
        answers = replying.writers.ask(row.source, lambda writer: writer.answers(row.native_id, now))
    except (ConnectorError, KeyError) as error:
        log.warning("%s: can't tell whether a reply was withdrawn (%s)", row.source, type(error).__name__)
        if now - (row.posted_at or row.changed_at) >= LOOKS_FOR:
            _given_up(replying, row, now)
            return
        with replying.database.transaction():
            replies.change(replying.database, row.id, ("withdrawing",), now, next_look_at=now + WITHIN)
        return
    if answers is None:
        _gone(replying, row, now)
    else:
        _stands(replying, row, "the network still shows it", now)


def _nobody_answered(replying: Replying, row: ReplyRow, now: datetime) -> None:
    case = cases.one(replying.database, row.case_id)
    told = mentions.of_case(replying.database, row.case_id)
    heard = any(each.post.parent_id == row.native_id for each in told)
    if heard or (case is not None and row.posted_at is not None and case.last_posted_at > row.posted_at):
        raise NotPossible("somebody has answered it, so it stays; answer them instead")
    try:
        answers = replying.writers.ask(row.source, lambda writer: writer.answers(row.native_id, now))
    except ConnectorError as error:
        raise NotPossible(f"can't tell whether anybody answered it: {error.message}; try again") from error
    if answers:
        raise NotPossible("somebody has answered it, so it stays; answer them instead")


def _stands(replying: Replying, row: ReplyRow, why: str, now: datetime) -> None:
    with replying.database.transaction():
        replies.change(
            replying.database, row.id, ("withdrawing",), now, state="sent", note=f"not deleted: {why}"[:500],
            next_look_at=None,
        )  # fmt: skip


def _given_up(replying: Replying, row: ReplyRow, now: datetime) -> None:
    """Nobody could be asked: it was posted, so it counts as that, and whoever withdrew it is told to look."""
    note = f"perhaps deleted, perhaps not: look on {row.source}"
    words = f"your reply was perhaps deleted on {row.source}: look, and press Not answered on the case if it is gone"
    with replying.database.transaction():
        if replies.change(replying.database, row.id, ("withdrawing",), now, state="sent", note=note, next_look_at=None):
            outcome.tell_writer(replying, row, words, now)


def _gone(replying: Replying, row: ReplyRow, now: datetime) -> None:
    """It stands no more: what it changed in the case is put back as it was."""
    database = replying.database
    with database.transaction():
        changed = replies.change(
            database, row.id, ("withdrawing",), now, state="withdrawn", taken_back_at=now, next_look_at=None
        )
        if not changed:
            return
        key_values.settle_own_post(
            database, row.source, row.native_id, case=row.case_id, kind="withdrawn", reason="deleted on the network"
        )
        _reopen(replying, row, now)


def _reopen(replying: Replying, row: ReplyRow, now: datetime) -> None:
    """The case as it was before this reply answered it: with its first clock, even if it was closed since."""
    database = replying.database
    case = cases.row_of(database, row.case_id)
    if case is None:
        return
    line = next(
        (
            each
            for each in reversed(case_log.of_case(database, row.case_id))
            if each.what in actions.SEEN_REPLIES
            and each.undone_at is None
            and each.detail.get("url") == row.url
            and "before" in each.detail
        ),
        None,
    )
    if line is not None and case["answer_url"] in {row.url, ""}:
        closed = {"closed_at": None, "closed_by": "", "outcome": "", "why": ""} if case["closed_at"] else {}
        cases.change(database, row.case_id, **{**line.detail["before"], **closed})
        restored = cases.one(database, row.case_id)
        assert restored is not None
        cases.change(database, row.case_id, next_step_at=replying.rules.next_step_at(restored, now))
        case_log.mark_undone(database, line.n, now)
    case_log.note(database, row.case_id, now, "reply withdrawn", who=row.approver, who_id=row.approver_id, way=row.way)
    after = cases.one(database, row.case_id)
    assert after is not None
    showing.show_again(database, after, now, "reply withdrawn")
