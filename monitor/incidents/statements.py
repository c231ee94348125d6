"""What we have said in public of an incident: the holding word for everybody of it on that network.

It is seen where our own post on a network says the incident's words, or linked by one press.
"""

from __future__ import annotations

import json
from datetime import datetime

from monitor.cases.recording import Reply, record_reply
from monitor.settings.rules import Rules
from monitor.store import cases, incidents, volume
from monitor.store.database import Database, Row, at
from monitor.text.standing_out import words_of

REASON = "we said so publicly"


def seen(database: Database, rules: Rules, row: Row, now: datetime) -> None:
    """Look for our own post of this incident, and let it hold for whoever is of it by now. Inside a transaction."""
    if row["said_publicly_at"]:
        hold(database, rules, row, now)
        return
    words = set(json.loads(row["words"] or "[]"))
    for ours in volume.our_statements(database, row["brand"], at(row["start_at"])) if words else ():
        if words & words_of(ours["text"]):
            said(database, rules, row, source=ours["source"], url=ours["url"], at_=at(ours["posted_at"]), now=now)
            return


def said(database: Database, rules: Rules, row: Row, *, source: str, url: str, at_: datetime, now: datetime) -> int:
    """Note that we have said so on a network, and let it hold; for how many cases. Inside a transaction."""
    incidents.change(database, row["id"], said_publicly_at=at_, said_url=url, said_source=source)
    after = incidents.one(database, row["id"])
    assert after is not None
    return hold(database, rules, after, now)


def hold(database: Database, rules: Rules, row: Row, now: datetime) -> int:
    """The holding word for those of that network who wait and had none; how many.

    Whoever had an answer and writes again after what was said to everybody waits for one of their own.
    """
    held = 0
    moment = at(row["said_publicly_at"])
    for case_row in cases.rows_of(database, incidents.cases_of(database, row["id"])).values():
        case = cases.case_of(case_row)
        waits = case.state_at(now) in {"open", "taken", "snoozed"} and not case.held
        anew = case.asked_at is not None and case.asked_at > moment
        if case.source == row["said_source"] and waits and not anew and not case.quiet and case.lane == "ping":
            # Whoever wrote afterwards could read it when they wrote.
            reply = Reply("holding", REASON, max(moment, case.waits_since), row["brand"], row["said_url"])
            record_reply(database, rules, case, reply, now)
            held += 1
    return held
