"""What follows from an attempt: the clock stops once, the log has text, link and person, a refusal has its words."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from connectors.writing import NotWritten, Written
from monitor.cases import brand_replies
from monitor.cases.recording import Reply, record_reply
from monitor.cases.reply_kinds import same_words
from monitor.people.identity import Actor
from monitor.people.reach import reached
from monitor.replying.context import Replying
from monitor.settings.rules import Recipients
from monitor.store import case_log, cases, deliveries, key_values, replies
from monitor.store.database import stamp
from monitor.store.replies import ReplyRow, State

FIRST_LOOK = timedelta(minutes=1)
_UNKNOWN: tuple[State, ...] = ("inflight", "unsure")


def sent(replying: Replying, row: ReplyRow, written: Written, now: datetime) -> bool:
    """It stands in public: stop the clock with the network's own time. False where that was known already."""
    database = replying.database
    with database.transaction():
        changed = replies.change(
            database, row.id, _UNKNOWN, now, state="sent", native_id=written.native_id, url=written.url,
            posted_at=written.at, next_look_at=None, note="",
        )  # fmt: skip
        if not changed:
            return False
        case = cases.one(database, row.case_id)
        if case is None or not row.text:  # forgotten meanwhile
            return True
        approved = {"approved_by": row.approver} if row.approver_id != row.writer_id else {}
        if row.drafted:
            approved["drafted"] = "unchanged" if row.is_unchanged else "changed"
        case_log.note(
            database, case.id, now, "reply", who=row.approver, who_id=row.approver_id, way=row.way, text=row.text,
            url=written.url, account=row.account, written_by=row.writer, **approved,
        )  # fmt: skip
        if not key_values.known_own_posts(database, row.source, [written.native_id]):
            _stop_the_clock(replying, row, written, now)
    return True


def _stop_the_clock(replying: Replying, row: ReplyRow, written: Written, now: datetime) -> None:
    """As if the next read had seen it, which then finds that it is known."""
    database = replying.database
    case = cases.one(database, row.case_id)
    assert case is not None
    key_values.add_own_posts(
        database,
        [
            {
                "source": row.source, "native_id": written.native_id, "brand": case.brand,
                "author": row.account.lstrip("@"), "url": written.url, "text": row.text, "parent_id": row.parent_id,
                "parent_author": brand_replies.person_mark(row.source, case.author), "thread_id": case.thread,
                "posted_at": stamp(written.at), "seen_at": stamp(now),
                "words": sha256(same_words(row.text).encode("utf-8", "replace")).hexdigest()[:32],
            }
        ],
    )  # fmt: skip
    (own,) = key_values.own_posts_by_id(database, row.source, [written.native_id])
    brand_replies.settle(database, replying.rules, own, case, now, person=row.approver)


def there(replying: Replying, row: ReplyRow, who: Actor, now: datetime) -> bool:
    """A person has looked, and it stands: what follows is what follows from a reply that was said as they pressed.

    The next read of our account brings its address and the network's time.
    """
    database = replying.database
    with database.transaction():
        said = row.pressed_at or now
        if not replies.change(database, row.id, ("unsure",), now, state="sent", posted_at=said, next_look_at=None):
            return False
        case_log.note(
            database, row.case_id, now, "reply", who=row.approver, who_id=row.approver_id, way=row.way, text=row.text,
            account=row.account, seen_by=who.name,
        )  # fmt: skip
        case = cases.one(database, row.case_id)
        if case is not None and row.text:
            decided = brand_replies.decide_pressed(database, row.text, case)
            stands = Reply(decided.kind, decided.reason, said, row.approver, row.url, row.text)
            record_reply(database, replying.rules, case, stands, now)
    return True


def refused(replying: Replying, row: ReplyRow, error: NotWritten, now: datetime) -> None:
    """The network said no, and nothing stands: its writer has the text back, with what was said."""
    database, said = replying.database, error.message[:500]
    with database.transaction():
        if replies.change(database, row.id, _UNKNOWN, now, state="refused", note=said, next_look_at=None, tries=0):
            _noted(replying, row, "reply refused", now, text=said)


def unsure(replying: Replying, row: ReplyRow, why: str, now: datetime) -> None:
    """Nobody can tell: whoever wrote it is told to look, and so is whoever opens the case."""
    database = replying.database
    with database.transaction():
        looks_up = replying.writers.of(row.source).looks_up
        due = now + FIRST_LOOK if looks_up else None
        if replies.change(database, row.id, _UNKNOWN, now, state="unsure", note=why[:500], next_look_at=due):
            _noted(replying, row, "reply unsure", now, text=why[:500])


def not_there(replying: Replying, row: ReplyRow, now: datetime, *, words: str, who: str = "", who_id: str = "") -> bool:
    """It did not arrive: a draft again, under the same key, for a person to press once more."""
    database = replying.database
    with database.transaction():
        if not replies.change(database, row.id, _UNKNOWN, now, state="draft", note=words, next_look_at=None):
            return False
        by = {"who": who, "who_id": who_id} if who else {"who": "Earful"}
        case_log.note(database, row.case_id, now, "reply not there", way="network", **by)
    return True


def tell_writer(replying: Replying, row: ReplyRow, words: str, now: datetime) -> None:
    """Say to whoever pressed what came of it later, where settings reach them. Inside a transaction."""
    whom = row.approver_id or row.writer_id
    _tell(replying, row, words, now, lambda route: reached(replying.rules, whom, route, now))


def tell_leads(replying: Replying, row: ReplyRow, words: str, now: datetime) -> None:
    """Say to the leads that a reply waits for them. Inside a transaction."""
    _tell(replying, row, words, now, lambda route: replying.rules.tell(["leads"], route, now))


def _tell(
    replying: Replying, row: ReplyRow, words: str, now: datetime, whom: Callable[[list[str]], Sequence[Recipients]]
) -> None:
    case = cases.row_of(replying.database, row.case_id)
    if case is None:
        return
    route = json.loads(case["targets"] or "[]") or list(replying.rules.settings.alerts.notify)
    deliveries.queue(
        replying.database,
        [
            deliveries.new_row(
                about=f"case:{row.case_id}",
                target=each.target,
                now=now,
                due_at=now,
                reason=words,
                story_id=case["story_id"],
                step=1,
                priority=case["priority"],
                payload={"ping": list(each.ping), "owner": True, "footer": words},
                key=f"{row.id}:{stamp(now)}",
            )
            for each in whom(route)
        ],
    )


def posted_elsewhere(replying: Replying, row: ReplyRow) -> Written | None:
    """Whether a read has seen this reply meanwhile: it answers the same post in the same words."""
    words = sha256(same_words(row.text).encode("utf-8", "replace")).hexdigest()[:32]
    for own in key_values.own_posts_of_case(replying.database, row.case_id):
        fits = own["parent_id"] == row.parent_id and own["words"] == words and own["source"] == row.source
        if fits and row.pressed_at is not None and own["posted_at"] >= stamp(row.pressed_at - timedelta(minutes=5)):
            return Written(own["native_id"], own["url"], datetime.fromisoformat(own["posted_at"]))
    return None


def _noted(replying: Replying, row: ReplyRow, what: str, now: datetime, text: str) -> None:
    case_log.note(
        replying.database, row.case_id, now, what, who=row.approver, who_id=row.approver_id, way=row.way, text=text
    )
