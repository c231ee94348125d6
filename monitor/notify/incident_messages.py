"""What the one message of an incident says, and what is said below it: by how it stands when it leaves."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from alerts import Action, Alert, Line
from alerts.wording import count_words, peak_words, quoted, span_words
from monitor.notify.case_words import clock_words
from monitor.settings.rules import Rules
from monitor.store import causes, deliveries, incidents
from monitor.store.database import Database, Row, at, instant
from monitor.store.deliveries import Delivery
from monitor.text.standing_out import words_of
from monitor.types import SignedLink

SHOWN = 3  # posts
TAKE = "take_incident"  # the purpose of the link in a mail
_LOOKED_AT = 500  # posts, for the words that most of them say
_UNTIL = 140  # characters of a post


def incident_message(
    database: Database,
    rules: Rules,
    root: Delivery,
    now: datetime,
    revision: int,
    held: Sequence[Line] = (),
    link: SignedLink = lambda _about, _target, _purpose: "",
) -> Alert:
    """The message of an incident, a line of its thread, or its end. `held` are the cases that the thread lists."""
    row = incidents.one(database, root.about.partition(":")[2])
    if row is None:
        return Alert(key=root.id, reason=root.reason, title="This incident is gone", entries=(), revision=revision)
    page_url = f"{rules.settings.earful.page_url.rstrip('/')}/incidents/{row['id']}"
    title, lines, footer = _said(database, rules, root, row, now, held, page_url)
    return Alert(
        key=root.id,
        reason=root.reason,
        title=title,
        entries=(),
        also=tuple(lines),
        footer=footer,
        thread=f"incident:{row['id']}",
        revision=revision,
        kind="story",
        priority="normal" if row["ended_at"] else "urgent",
        urgent=root.urgent,
        page_url=page_url,
        actions=() if {"held", "end"} & set(root.payload) else _actions(row, root.target, link),
    )


def _actions(row: Row, target: str, link: SignedLink) -> tuple[Action, ...]:
    """What can be done where it is told, while it is open: by a press in Slack, and taken by a link in a mail too."""
    if row["ended_at"]:
        return ()
    subject = f"incident:{row['id']}"
    take = Action("take", "I have it", subject, link(subject, target, TAKE))
    first = Action("release", "Release", subject) if row["owner"] else take
    said = () if row["said_publicly_at"] else (Action("said", "We have said so publicly …", subject),)
    return (first, *said, Action("end", "It is over", subject))


def _said(
    database: Database, rules: Rules, root: Delivery, row: Row, now: datetime, held: Sequence[Line], page_url: str
) -> tuple[str, list[Line], str]:
    name = name_of(database, row)
    if "held" in root.payload:
        return (
            f"{name}: {count_words(len(held), 'case')} of this incident without an alert of their own",
            list(held),
            "Each keeps its target; Earful alerts you when it passes, or when the incident ends.",
        )
    if "end" in root.payload:
        return f"{name}: incident over", [Line(row["summary"], page_url)], _owned(row)
    facts = facts_of(database, rules, row, now)
    lines = [Line(line, page_url if not index else "") for index, line in enumerate(facts)]
    lines += [
        Line(f"{quoted(post['text'] or post['title'], _UNTIL)} · {post['source']}", post["url"])
        for post in incidents.posts_of(database, row["id"], SHOWN)
        if post["text"] or post["title"]
    ]
    if row["ended_at"]:
        return f"{name}: incident over, {count_words(row['people'], 'person', 'people')}", lines, _owned(row)
    started = clock_words(rules, at(row["start_at"]), now)
    title = f"{name}: incident, {count_words(row['people'], 'person', 'people')} since {started}"
    return title, lines, "Alerts about its cases wait while it is open; critical and overdue ones do not."


def name_of(database: Database, row: Mapping[str, Any]) -> str:
    """What an incident is called: the brand, and its cause where that is known."""
    found = causes.one(database, row["cause_id"]) if row["cause_id"] else None
    return f"{row['brand']}, {found['name']}" if found is not None else str(row["brand"])


def told_words(database: Database, row: Mapping[str, Any]) -> list[str]:
    """Its words that at least half of its posts say: only by those is it told. All where too few posts stand to tell.

    Posts that say rarer ones join it all the same.
    """
    words: list[str] = json.loads(row["words"] or "[]")
    said = [words_of(text) for text in incidents.texts_of(database, row["id"], _LOOKED_AT)] if words else []
    if len(said) * 2 < min(row["mentions"], _LOOKED_AT):
        return words
    return [word for word in words if sum(word in each for each in said) * 2 >= len(said)]


def kind_words(row: Mapping[str, Any]) -> str:
    """What made it an incident, in a few words."""
    return {
        "volume": "far more posts than usual",
        "negative": "far more negative posts than usual",
        "cause": "far more posts about one cause than usual",
        "stars": "far more reviews with one or two stars than usual",
        "critical": "a critical story",
    }.get(row["kind"], "more than usual")


def facts_of(
    database: Database, rules: Rules, row: Mapping[str, Any], now: datetime, zone: ZoneInfo | None = None
) -> list[str]:
    """What is known of it, the most telling first; times in the desk's zone or in that of a reader."""
    words = told_words(database, row)
    facts = [kind_words(row) + (f" ({row['usual']:g} an hour)" if row["usual"] else "")]
    if words:
        facts.append(f"many say: {', '.join(words)}")
    facts.append(f"{count_words(row['people'], 'person', 'people')}, {count_words(row['mentions'], 'post')}")
    peak = instant(row["peak_at"])
    if peak is not None and row["kind"] not in {"critical", "stars"}:
        height = peak_words(row["peak"], row["mentions"], row["brand"])
        facts.append(f"peak: {height} in an hour, {clock_words(rules, peak, now, zone)}")
    facts.append(f"{row['answered']:,} of {row['people']:,} answered")
    publicly = instant(row["said_publicly_at"])
    if publicly is not None:
        facts.append(f"we said so publicly: {clock_words(rules, publicly, now, zone)}")
    if not row["ended_at"]:
        facts.append(_owned(row) or "nobody has taken it")
        facts.append(f"open for {span_words(now - at(row['start_at']))}")
    return facts


def _owned(row: Mapping[str, Any]) -> str:
    return f"taken by {row['owner']}" if row["owner"] else ""


def thread_of(database: Database, row: Delivery) -> str:
    """The receipt of an incident's message at the same target; "" where it was never sent there."""
    for each in deliveries.about(database, row.about):
        if each.target == row.target and each.step == 0 and each.state == "sent" and each.action == "post":
            return each.receipt
    return ""
