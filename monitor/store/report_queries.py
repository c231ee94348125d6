"""Counts and rows that reports are made of; percentiles are worked out in Python, not in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from monitor.store.database import Database, Row, marks, stamp
from monitor.store.persons import person

OF_A_CASE = (
    "('answered', 'answered earlier', 'answered in public', 'first word', 'first word earlier', 'not_answered', "
    "'again', 'told', 'take', 'assign', 'close', 'dismiss', 'reopen')"
)
_WAITS = "closed_at = '' AND (answered_at = '' OR answered_at < last_posted_at)"
_CALLED = "lane = 'ping' AND quiet = 0"
_CRITICAL = "priority = 'critical'"
_AWAKE = "snoozed_until <= :until AND waiting_until <= :until"  # as in the inbox: who waits on purpose is no alarm
_LATE = "due_at <> '' AND due_at <= :until"
_OVERDUE = f"({_LATE} AND {_AWAKE})"
# Those whose first post was written in the span, and those that came back in it.
# Praise waits for nothing: thanks for it would make every time to answer look better than it was for the unhappy.
_IN_SPAN = (
    "c.praise = 0 AND ((c.first_posted_at >= :since AND c.first_posted_at < :until) OR c.id IN "
    "(SELECT case_id FROM case_log WHERE at >= :since AND what IN ('again', 'reopen', 'answered', 'not_answered')))"
)


def heard(database: Database, since: datetime, until: datetime, brand: str = "") -> list[dict[str, Any]]:
    """(hour, source, mentions, negative, known) of posts written in a span, by hour of UTC ("2026-11-22T06").

    Whole hours come from the sums that are kept of them; what is left at both ends is counted.
    """
    first = _hour(since + timedelta(hours=1) - timedelta(microseconds=1))
    last = max(_hour(until), first)
    only = "AND brand = :brand " if brand else ""
    counted = (
        "SELECT substr(posted_at, 1, 13) AS hour, source, 1 AS n, CASE WHEN label = 'negative' THEN 1 ELSE 0 END, "
        "CASE WHEN label <> 'unknown' THEN 1 ELSE 0 END FROM mentions WHERE "
    )
    rows = database.rows(
        "SELECT hour, source, sum(n) AS mentions, sum(negative) AS negative, sum(known) AS known FROM ("
        f"SELECT hour, source, n, negative, known FROM heard WHERE hour >= :first AND hour < :last {only}"
        f"UNION ALL {counted}posted_at >= :since AND posted_at < :head {only}"
        f"UNION ALL {counted}posted_at >= :tail AND posted_at < :until {only}"
        ") AS parts GROUP BY hour, source ORDER BY hour, source",
        {
            "first": stamp(first)[:13],
            "last": stamp(last)[:13],
            "since": stamp(since),
            "head": stamp(min(first, until)),
            "tail": stamp(max(last, since)),
            "until": stamp(until),
            **({"brand": brand} if brand else {}),
        },
    )
    return [{"hour": row["hour"], "source": row["source"], **{name: int(row[name]) for name in _SUMS}} for row in rows]


_SUMS = ("mentions", "negative", "known")


def _hour(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def by_source(database: Database, since: datetime, until: datetime, brand: str = "") -> list[Row]:
    """(source, mentions, negative, known) of posts written in a span, the source with the most first."""
    found: dict[str, dict[str, Any]] = {}
    for row in heard(database, since, until, brand):
        source = found.setdefault(row["source"], {"source": row["source"], **dict.fromkeys(_SUMS, 0)})
        for name in _SUMS:
            source[name] += row[name]
    return sorted(found.values(), key=lambda each: (-each["mentions"], each["source"]))


def first_mention_at(database: Database) -> str:
    """When the first mention was seen, "" before any."""
    row = database.row("SELECT min(seen_at) AS at FROM mentions")
    return (row["at"] or "") if row else ""


def first_written_at(database: Database, brand: str) -> str:
    """When the first mention of a brand was written, "" before any."""
    row = database.row("SELECT min(posted_at) AS at FROM mentions WHERE brand = :brand", {"brand": brand})
    return (row["at"] or "") if row else ""


def still_open(database: Database, until: datetime, limit: int, brand: str = "") -> list[Row]:
    """Unanswered cases that are critical, or past their target at `until` and not put off; what needs us most first.

    That is the critical, then the urgent, and reviews last; of one urgency those that need us more, then the oldest.
    """
    only, values = _of_brand(brand, "")
    return database.rows(
        f"SELECT * FROM cases WHERE {_WAITS} AND {_CALLED} AND opened_at < :until "
        f"AND ({_CRITICAL} OR {_OVERDUE}){only} "
        "ORDER BY CASE priority WHEN 'critical' THEN 0 WHEN 'urgent' THEN 1 WHEN 'gentle' THEN 3 ELSE 2 END, "
        "need DESC, first_posted_at, n LIMIT :limit",
        {"until": stamp(until), "limit": limit, **values},
    )


def count_unanswered(database: Database, since: datetime, until: datetime, brand: str = "") -> dict[str, int]:
    """How many unanswered cases are open, by what they are.

    "called": people were alerted; of these "critical", "untaken" (critical, and nobody has taken it) and "overdue"
    (not critical, past the target), the latter two as the inbox lists them: without what is snoozed or waits on
    someone, which is "later", with how much of it is past its target. "sweep": may need an answer. "praise" and "late"
    are of the span; nobody was called for what was found late: it was older than [alerts] alert_not_older_than when it
    was seen.
    """
    only, values = _of_brand(brand, "")
    counted = {
        "called": _CALLED,
        "critical": f"{_CALLED} AND {_CRITICAL}",
        "untaken": f"{_CALLED} AND {_CRITICAL} AND owner = '' AND {_AWAKE}",
        "overdue": f"{_CALLED} AND NOT {_CRITICAL} AND {_OVERDUE}",
        "later": f"lane = 'ping' AND NOT ({_AWAKE})",
        "later_late": f"lane = 'ping' AND NOT ({_AWAKE}) AND {_LATE}",
        "sweep": "lane <> 'ping' AND quiet = 0 AND praise = 0",
        "praise": "lane <> 'ping' AND praise = 1 AND opened_at >= :since",
        "late": "lane = 'ping' AND quiet = 1 AND opened_at >= :since",
    }
    sums = ", ".join(
        f"coalesce(sum(CASE WHEN {condition} THEN 1 ELSE 0 END), 0) AS {name}" for name, condition in counted.items()
    )
    row = database.row(
        f"SELECT {sums} FROM cases WHERE {_WAITS} AND opened_at < :until{only}",
        {"since": stamp(since), "until": stamp(until), **values},
    )
    return {name: int(row[name]) for name in counted} if row else dict.fromkeys(counted, 0)


def of_other_brands(database: Database, until: datetime, names: Sequence[str]) -> list[tuple[str, int]]:
    """(brand, how many cases that people were alerted to wait) of brands that are not among `names`, the most first."""
    clause, values = marks("b", names)
    rows = database.rows(
        f"SELECT brand, count(*) AS n FROM cases WHERE {_WAITS} AND {_CALLED} AND opened_at < :until "
        f"AND brand NOT IN {clause} GROUP BY brand ORDER BY n DESC, brand",
        {"until": stamp(until), **values},
    )
    return [(row["brand"], int(row["n"])) for row in rows]


def cases_between(database: Database, since: datetime, until: datetime, brand: str = "") -> list[Row]:
    """Cases whose first post was written in a span, or that came back in it."""
    only, values = _of_brand(brand)
    return database.rows(
        "SELECT c.id, c.source, c.lane, c.priority, c.opened_at, c.first_posted_at, c.closed_at, c.quiet, c.targets "
        f"FROM cases c WHERE {_IN_SPAN}{only} ORDER BY c.n",
        {"since": stamp(since), "until": stamp(until), **values},
    )


def log_between(database: Database, since: datetime, until: datetime, brand: str = "") -> list[Row]:
    """What happened to these cases, from their beginning, oldest first, without what was taken back."""
    only, values = _of_brand(brand)
    return database.rows(
        f"SELECT l.case_id, l.at, l.what, l.who, l.way, l.detail FROM case_log l JOIN cases c ON c.id = l.case_id "
        f"WHERE {_IN_SPAN}{only} AND l.what IN {OF_A_CASE} AND l.undone_at = '' ORDER BY l.n",
        {"since": stamp(since), "until": stamp(until), **values},
    )


def _of_brand(brand: str, table: str = "c.") -> tuple[str, dict[str, Any]]:
    """A condition that keeps one brand, with its value; "" keeps all."""
    return (f" AND {table}brand = :brand", {"brand": brand}) if brand else ("", {})


def said_between(database: Database, since: datetime, until: datetime) -> list[Row]:
    """(who, who_id, way, what, detail, the case's owner and owner_id) of what was taken, answered, closed in a span."""
    return database.rows(
        "SELECT l.who, l.who_id, l.way, l.what, l.detail, c.owner, c.owner_id "
        "FROM case_log l JOIN cases c ON c.id = l.case_id WHERE l.at >= :since AND l.at < :until AND l.undone_at = '' "
        "AND l.what IN ('take', 'assign', 'answered', 'close', 'dismiss')",
        {"since": stamp(since), "until": stamp(until)},
    )


def helped_between(database: Database, since: datetime, until: datetime, brand: str = "") -> list[Row]:
    """(brand, source, author, next words or None) of cases closed in a span with an outcome, oldest first.

    The next words are the detail of that line of the log: what the same person said first after it was closed.
    """
    only, values = _of_brand(brand)
    return database.rows(
        "SELECT c.brand, c.source, c.author, (SELECT l.detail FROM case_log l WHERE l.case_id = c.id "
        "AND l.what = 'next words' AND l.at >= c.closed_at AND l.at < :until ORDER BY l.n LIMIT 1) AS next_words "
        "FROM cases c WHERE c.closed_at >= :since AND c.closed_at < :until AND c.closed_at <> '' AND c.author <> '' "
        f"AND c.outcome IN ('solved', 'could_not_be_solved'){only} ORDER BY c.closed_at, c.n",
        {"since": stamp(since), "until": stamp(until), **values},
    )


def open_by_owner(database: Database) -> dict[tuple[str, str], int]:
    """(owner_id, owner) -> how many unanswered cases each person has now."""
    rows = database.rows(
        f"SELECT owner_id, owner, count(*) AS n FROM cases WHERE {_WAITS} AND owner <> '' GROUP BY owner_id, owner"
    )
    return {(row["owner_id"], row["owner"]): int(row["n"]) for row in rows}


def called_between(database: Database, since: datetime, until: datetime, brand: str = "") -> tuple[int, int, int]:
    """How many cases people were called for in a span, on how many they acted, and how many of these were not for us.

    To act is to take, answer or close one. What closed by itself, or with its post, says nothing of the alert.
    """
    only, values = _of_brand(brand, "")
    row = database.row(
        "SELECT count(*) AS n, coalesce(sum(CASE WHEN acknowledged_at <> '' OR answered_at <> '' OR outcome IN "
        "('solved', 'could_not_be_solved', 'no_answer_needed') THEN 1 ELSE 0 END), 0) AS acted, "
        "coalesce(sum(CASE WHEN outcome = 'no_answer_needed' AND "
        "why IN ('not_us', 'not_a_complaint', 'spam') THEN 1 ELSE 0 END), 0) AS wrong FROM cases "
        f"WHERE opened_at >= :since AND opened_at < :until AND {_CALLED}{only}",
        {"since": stamp(since), "until": stamp(until), **values},
    )
    return (int(row["n"]), int(row["acted"]), int(row["wrong"])) if row else (0, 0, 0)


def looked_at_between(database: Database, since: datetime, until: datetime, brand: str = "") -> tuple[int, int]:
    """How many quiet posts, shown to staff as a sample, were answered in a span, and how many of these needed it.

    "Needed it" is what was said last of each; answers that were taken back do not count.
    """
    only, values = _of_brand(brand, "l.")
    rows = database.rows(
        "SELECT l.mention_id, l.answer FROM labels l JOIN mentions m ON m.id = l.mention_id "
        f"WHERE l.at >= :since AND l.at < :until AND l.undone_at = '' AND m.tags LIKE :sample{only} ORDER BY l.n",
        {"since": stamp(since), "until": stamp(until), "sample": '%"offered"%', **values},
    )
    last = {row["mention_id"]: row["answer"] for row in rows}
    return len(last), sum(answer == "yes" for answer in last.values())


def leaving(database: Database, since: datetime, until: datetime, brand: str = "") -> list[Row]:
    """(id, person, posted_at, answered_at) of posts of a span whose author says that they are leaving.

    The oldest first. The last answer to its case is "" where there is none.
    """
    only, values = _of_brand(brand, "m.")
    return database.rows(
        f"SELECT m.id, {person()} AS person, m.posted_at, coalesce(c.answered_at, '') AS answered_at "
        f"FROM mentions m{database.by_index('mentions_leaving')} JOIN posts p ON p.id = m.post_id "
        "LEFT JOIN cases c ON c.id = m.case_id WHERE m.posted_at >= :since AND m.posted_at < :until "
        f"AND m.churn <> '[]' AND m.suppressed = ''{only} ORDER BY m.posted_at, m.id",
        {"since": stamp(since), "until": stamp(until), **values},
    )


def voices(
    database: Database, since: datetime, until: datetime, *, praise: bool, limit: int, brand: str = "", cause: str = ""
) -> list[Row]:
    """People's own words of a span: the loudest complaints, or the praise that gives a reason, the warmest first.

    Praise is what the judge called so (said warmly, in words of one's own, with nothing wrong in it); a good mood alone
    is not enough, for a curse may sound warm. What staff closed as needing no answer is quoted as neither. `cause`
    keeps what is of one cause.
    """
    condition = "m.praise = 1 AND m.label = 'positive'" if praise else "m.flagged = 1"
    order = "m.sentiment DESC" if praise else "m.needs_answer DESC"
    only, values = _of_brand(brand, "m.")
    if cause:
        only += (
            " AND m.id IN (SELECT x.mention_id FROM caused x JOIN causes k ON k.id = x.cause_id "
            "WHERE k.id = :cause OR k.merged_into = :cause)"
        )
        values["cause"] = cause
    return database.rows(
        "SELECT p.text, p.title, p.author, p.author_name, p.source, m.id, m.case_id, m.language, m.post_id, "
        "coalesce(c.answered_at, '') AS answered_at FROM mentions m JOIN posts p ON p.id = m.post_id "
        "LEFT JOIN cases c ON c.id = m.case_id "
        f"WHERE m.posted_at >= :since AND m.posted_at < :until AND m.suppressed = '' AND p.deleted_at = '' "
        f"AND p.purged_at = '' AND ({condition}){only} AND coalesce(c.outcome, '') <> 'no_answer_needed' "
        f"ORDER BY {order}, m.id LIMIT :limit",
        {"since": stamp(since), "until": stamp(until), "limit": limit, **values},
    )
