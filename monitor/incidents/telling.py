"""What is told of an incident: one message that counts on, one thread below it, and its end.

A critical story has its message and its thread already (alerts/noise.py): its incident adds none of its own.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from alerts.noise import MILESTONES
from alerts.wording import count_words, peak_words, span_words
from monitor.settings.rules import Rules
from monitor.store import cases, deliveries, incidents
from monitor.store.database import Database, Row, at, instant, listed_in, stamp

THREAD_EVERY = timedelta(minutes=15)  # the held cases are listed at most so often
KINDS_TOLD = frozenset({"volume", "negative", "cause", "stars"})


def targets_of(database: Database, rules: Rules, row: Row) -> list[str]:
    """Where it is told: where its cases are, and where alerts go by default."""
    found = dict.fromkeys(rules.settings.alerts.notify)
    for case in cases.rows_of(database, incidents.cases_of(database, row["id"])).values():
        if case["lane"] == "ping":
            found |= dict.fromkeys(listed_in(case["targets"]))
    return list(found)


def opened(database: Database, rules: Rules, row: Row, now: datetime) -> None:
    """Queue its one message for each target."""
    if row["kind"] not in KINDS_TOLD:
        return
    _queue(database, targets_of(database, rules, row), row, now, reason="an incident", key="")
    _note_told(database, row)


def grown(database: Database, rules: Rules, before: Row, row: Row, now: datetime) -> None:
    """Show the count anew in place, list who is held below it, and tell where nothing can be edited that it grew."""
    if row["kind"] not in KINDS_TOLD:
        return
    shown = ("people", "mentions", "answered", "owner", "said_publicly_at")
    roots = roots_of(database, row["id"])
    for root in roots:
        last = deliveries.last_edit_at(database, root.id) or root.sent_at
        if root.state == "sent" and any(before[name] != row[name] for name in shown) and last is not None:
            due = max(now, last + rules.settings.alerts.edit_every)
            deliveries.queue_edit(database, root, now, due, "the incident's count")
    reached = max((mark for mark in MILESTONES if row["told"] < mark <= row["people"]), default=0)
    if reached:
        _queue(database, [root.target for root in roots], row, now, reason="it has grown", key=f"grown{reached}",
               payload={"milestone": reached})  # fmt: skip
        _note_told(database, row)
    _list_held(database, roots, row, now)


def shown_again(database: Database, row: Row, now: datetime) -> None:
    """Somebody has said something of it: show its messages anew at once."""
    for root in roots_of(database, row["id"]):
        if root.state == "sent":
            deliveries.queue_edit(database, root, now, now, "said of the incident", urgent=True)


def end(database: Database, rules: Rules, row: Row, now: datetime, by: str = "Earful") -> None:
    """End it: write the summary, tell it below its message, and let what was held leave. Inside a transaction."""
    ended = now if by != "Earful" else max(at(row["last_at"]), at(row["opened_at"]))
    incidents.change(database, row["id"], ended_at=now, ended_by=by, summary=summary_of(rules, row, ended))
    after = incidents.one(database, row["id"])
    assert after is not None
    roots = roots_of(database, row["id"])
    for root in roots:
        if root.state in {"pending", "retry"}:
            deliveries.drop(database, root.id, "the incident is over")
    sent = [root for root in roots if root.state not in {"pending", "retry"}]
    _queue(database, [root.target for root in sent], after, now, reason="it is over", key="end", payload={"end": True})
    shown_again(database, after, now)
    incidents.release(database, row["id"], now)


def summary_of(rules: Rules, row: Row, ended: datetime) -> str:
    """What it was, in two sentences of figures: no word of anybody is in it."""
    started = at(row["start_at"])
    zone = rules.settings.zone
    peak = instant(row["peak_at"])
    posts = peak_words(row["peak"], row["mentions"], row["brand"])
    height = f" At its peak, {posts} came in an hour" if row["kind"] in KINDS_TOLD else ""
    when = f" ({peak.astimezone(zone):%H:%M})" if height and peak is not None else ""
    publicly = " We have said so publicly." if row["said_publicly_at"] else ""
    return (
        f"{count_words(row['people'], 'person', 'people')} wrote {count_words(row['mentions'], 'post')} in "
        f"{span_words(ended - started)}.{height}{when}{'.' if height else ''} "
        f"{row['answered']:,} of {row['people']:,} have had an answer.{publicly}"
    )


def roots_of(database: Database, incident: str) -> list[deliveries.Delivery]:
    """Its one message at each target."""
    found = deliveries.about(database, f"incident:{incident}")
    return [each for each in found if each.action == "post" and each.step == 0]


def _list_held(database: Database, roots: list[deliveries.Delivery], row: Row, now: datetime) -> None:
    """Below its message, the cases that are held back and were not listed there before."""
    for root in roots:
        if root.state != "sent":
            continue
        below = [
            each
            for each in deliveries.about(database, f"incident:{row['id']}")
            if each.target == root.target and each.payload.get("held")
        ]
        last = max((each.created_at for each in below), default=root.created_at)
        if now - last < THREAD_EVERY:
            continue
        listed = {case for each in below for case in each.payload["held"]}
        waiting = incidents.held_back(database, row["id"], root.target)
        new = [case for case in waiting if case not in listed]
        if new:
            _queue(database, [root.target], row, now, reason="held back", key=f"held{stamp(now)}",
                   payload={"held": new})  # fmt: skip


def _queue(
    database: Database,
    targets: list[str],
    row: Row,
    now: datetime,
    *,
    reason: str,
    key: str,
    payload: dict[str, object] | None = None,
) -> None:
    deliveries.queue(
        database,
        [
            deliveries.new_row(
                about=f"incident:{row['id']}", target=target, now=now, due_at=now, reason=reason,
                step=1 if key else 0, priority="urgent", payload=payload, key=key,
            )
            for target in targets
        ],
    )  # fmt: skip


def _note_told(database: Database, row: Row) -> None:
    incidents.change(database, row["id"], told=row["people"])
