"""The box that a draft goes into: it never takes the place of words that a person wrote, and is kept as a draft of the
case, with the hash of what the model wrote, before anybody changes it."""

from __future__ import annotations

from datetime import datetime

from alerts.case import Case
from monitor.assistant.draft import Draft
from monitor.people.identity import Actor
from monitor.replying import drafts
from monitor.replying.context import Replying, parent_of
from monitor.store import replies
from monitor.store.replies import ReplyRow

FULL = "the box isn't empty: clear it first, then press Draft again"


def asked_before(replying: Replying, case: Case) -> int:
    """How many drafts were kept of a case: the next one is to be another."""
    return sum(1 for row in replies.of_case(replying.database, case.id) if row.drafted)


def may_be_replaced(replying: Replying, case: Case, reply_id: str, text: str) -> bool:
    """Whether what stands in a box is nobody's words: empty, how the network begins a reply, or an unchanged draft."""
    text = text.strip()
    if not text:
        return True
    row = replies.one(replying.database, reply_id)
    if row is not None and row.case_id == case.id and row.text == text:
        return row.is_unchanged
    parent = parent_of(replying.database, case)
    if parent is None or not replying.is_on(case.source):
        return False
    return text == replying.writers.of(case.source).opening(parent).strip()


def keep(
    replying: Replying, case: Case, found: Draft, *, before: str = "", who: Actor | str, way: str, now: datetime
) -> ReplyRow:
    """Keep it as a draft of the case; the unchanged one `before` (its id) that it replaces is dropped.

    Raises NotPossible as `drafts.keep` does.
    """
    old = replies.one(replying.database, before)
    if old is not None and old.case_id == case.id and old.state == "draft" and old.is_unchanged:
        drafts.drop(replying, old.id, who=who, way=way, now=now)
    return drafts.keep(replying, case.id, drafts.new_id(), found.text, who=who, way=way, now=now, drafted=True)
