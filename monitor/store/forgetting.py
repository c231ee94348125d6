"""Taking what is known of people out of every table that holds some: the one place where rows are emptied.

Which column is emptied says monitor/store/columns.py. Times, counts and verdicts stay, so that past figures still add
up. That somebody was erased is recorded, and never who it was.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from connectors.text import bare_name
from monitor.store import arrived, assistant, incidents, key_values, unjudged
from monitor.store.columns import TABLES, emptied
from monitor.store.database import Database, Row, encode, marks, stamp
from monitor.store.deliveries import FORGOTTEN
from monitor.store.to_forget import NAMED_IN, NAMES_SOMEBODY, in_batches, in_bytes

Why = Literal["deleted_at", "purged_at"]  # the network said so; its time was over, or its author asked
_PART = re.compile(r"[^\s\"'<>()“”„«»&;]+")
# Of a line of a case's log the figures need these; whatever else stands in it may be somebody's words.
KEPT_OF_A_LINE = frozenset(
    {
        "lane", "priority", "route", "outcome", "why", "kind", "answered_at", "said_at", "next_since", "posted_at",
        "until", "owner", "owner_id", "undone", "part", "action", "step", "beside", "better", "people", "size",
        "sent_on", "backdated", "unanswered",
    }
)  # fmt: skip
# Nothing is done any more with a reply of which nothing is left.
_LET_GO = (
    "next_look_at = '', state = CASE WHEN state IN ('draft', 'waiting', 'refused', 'unsure') THEN 'dropped' "
    "ELSE state END"
)
# Nobody is left to be told that it is fixed.
_FOLLOWED_NO_MORE = (
    "next_look_at = '', state = CASE WHEN state IN ('inflight', 'unsure', 'refused', 'missing') THEN 'dropped' "
    "ELSE state END"
)


def forget(
    database: Database,
    posts: Sequence[str],
    cases: Sequence[str],
    now: datetime,
    why: Why,
    *,
    names: Sequence[str] = (),
) -> None:
    """Empty these posts and these cases, and whatever was made of them. Inside a transaction.

    `names` are those of a person who is erased: where staff's own columns hold them, they go there too.
    """
    for some in in_batches(posts):
        _forget_posts(database, some, now, why, names)
    for some in in_batches(cases):
        _forget_cases(database, some, names)


def _forget_posts(database: Database, posts: Sequence[str], now: datetime, why: Why, names: Sequence[str]) -> None:
    clause, values = marks("id", posts)
    rows = database.rows(
        f"SELECT id, source, native_id, author, url, text, title FROM posts WHERE id IN {clause}", values
    )
    labels = database.rows(
        "SELECT l.brand, min(l.n) AS n FROM labels l JOIN mentions m ON m.id = l.mention_id "
        f"WHERE m.post_id IN {clause} GROUP BY l.brand",
        values,
    )
    for label in labels:
        _unlearn(database, label["brand"], int(label["n"]), now)
    moment = {**values, "now": stamp(now)}
    theirs = f"SELECT id FROM mentions WHERE post_id IN {clause}"
    database.run(f"UPDATE labels SET undone_at = :now WHERE undone_at = '' AND mention_id IN ({theirs})", moment)
    _unname(database, "labels", ("who",), f"mention_id IN ({theirs})", values, names, ("who_id",))
    incidents.forget(database, theirs, values)
    assistant.forget(database, "post", posts)
    database.run(f"UPDATE posts SET {emptied('posts')}, {why} = :now WHERE id IN {clause}", moment)
    for table in NAMED_IN:
        database.run(f"UPDATE {table} SET {emptied(table)} WHERE post_id IN {clause}", values)
    _unname(database, "competitor_mentions", ("done_by",), f"post_id IN {clause}", values, names)
    by_source: dict[str, list[Row]] = {}
    for row in rows:
        by_source.setdefault(row["source"], []).append(row)
    for source, each in by_source.items():
        natives, own = marks("n", [row["native_id"] for row in each if row["native_id"]])
        database.run(
            f"UPDATE own_posts SET {emptied('own_posts')} WHERE source = :source AND parent_id IN {natives}",
            {**own, "source": source},
        )
        database.run(
            f"UPDATE replies SET {emptied('replies')}, {_LET_GO} WHERE source = :source AND parent_id IN {natives}",
            {**own, "source": source},
        )
        if why == "deleted_at" or names:  # what is kept no longer goes by its own age
            _forget_aside(database, source, [row["native_id"] for row in each])
    forget_letters(database, rows)


def _forget_cases(database: Database, cases: Sequence[str], names: Sequence[str]) -> None:
    clause, values = marks("c", cases)
    for row in database.rows(f"SELECT n, what, detail FROM case_log WHERE case_id IN {clause}", values):
        kept = encode(without_words(row["what"], json.loads(row["detail"] or "{}")))
        if kept != row["detail"]:
            database.run("UPDATE case_log SET detail = :kept WHERE n = :n", {"kept": kept, "n": row["n"]})
    _unname(database, "case_log", ("who",), f"case_id IN {clause}", values, names, ("who_id",))
    _unname(database, "events", ("who",), f"case_id IN {clause}", values, names)
    _unname(database, "cause_answers", ("who",), f"case_id IN {clause}", values, names, ("who_id",))
    staff = ("acknowledged_by", "answered_by", "closed_by")
    for column in staff:
        _unname(database, "cases", (column,), f"id IN {clause}", values, names)
    _unname(database, "cases", ("owner",), f"id IN {clause}", values, names, ("owner_id",))
    places = database.rows(f"SELECT DISTINCT source, thread, story_id FROM cases WHERE id IN {clause}", values)
    database.run(f"UPDATE own_posts SET {emptied('own_posts')} WHERE case_id IN {clause}", values)
    database.run(f"UPDATE replies SET {emptied('replies')}, {_LET_GO} WHERE case_id IN {clause}", values)
    database.run(f"UPDATE issues SET {emptied('issues')}, {_FOLLOWED_NO_MORE} WHERE case_id IN {clause}", values)
    database.run(f"UPDATE cases SET {emptied('cases')} WHERE id IN {clause}", values)
    database.run(f"DELETE FROM read_marks WHERE case_id IN {clause}", values)
    assistant.forget(database, "case", cases)
    _forget_stories(database, [row["story_id"] for row in places])
    _forget_footers(database, cases)
    _forget_reasons(database, [row["story_id"] for row in places], names)
    _forget_talk(database, places)


def _forget_stories(database: Database, stories: Sequence[str]) -> None:
    """A story of which nobody is left is like nothing any more."""
    clause, values = marks("s", list(dict.fromkeys(stories)))
    database.run(
        f"UPDATE stories SET {emptied('stories')} WHERE id IN {clause} AND NOT EXISTS "
        "(SELECT 1 FROM cases c WHERE c.story_id = stories.id AND c.thread <> '')",
        values,
    )


def without_words(what: str, detail: dict[str, Any]) -> dict[str, Any]:
    """Of the detail of a line of a log, what the figures need."""
    kept = {key: value for key, value in detail.items() if key in KEPT_OF_A_LINE}
    # We wrote the reasons of these; that of an edit quotes what somebody has just said of the case.
    if "reason" in detail and (what == "expired" or (what == "told" and detail.get("action") == "post")):
        kept["reason"] = detail["reason"]
    before = detail.get("before")
    if isinstance(before, dict):
        personal = set(TABLES["cases"].personal)
        kept["before"] = {key: value for key, value in before.items() if key not in personal}
    return kept


def _unname(
    database: Database,
    table: str,
    columns: Sequence[str],
    where: str,
    values: Mapping[str, Any],
    names: Sequence[str],
    ids: Sequence[str] = (),
) -> None:
    """Take a person's own names out of columns that name staff: whoever wrote in a mail's page could call himself so.

    Somebody of the settings or the page who bears the same name is not them.
    """
    bare = {bare_name(each) for each in names}
    others = "".join(f" AND {each} NOT LIKE 'settings:%' AND {each} NOT LIKE 'page:%'" for each in ids)
    for column in columns if bare else ():
        cleared = ", ".join(f"{each} = ''" for each in (column, *ids))
        for row in database.rows(f"SELECT DISTINCT {column} AS name FROM {table} WHERE {where}", values):
            # A name that nobody has proven is followed by ", unproven ..." or " (Slack ...".
            called = bare_name(row["name"])
            if any(called == one or called.startswith((f"{one}, ", f"{one} (")) for one in bare):
                database.run(
                    f"UPDATE {table} SET {cleared} WHERE {where} AND {column} = :called{others}",
                    {**values, "called": row["name"]},
                )


def _unlearn(database: Database, brand: str, label: int, now: datetime) -> None:
    """Every version that heard this label goes; the brand is learned anew from what still stands."""
    gone = 0
    for row in database.rows("SELECT n, body FROM models WHERE brand = :brand", {"brand": brand}):
        try:
            knew = int(json.loads(row["body"])["upto"]) >= label
        except (ValueError, TypeError, KeyError):
            knew = True
        if knew:
            gone += database.run("DELETE FROM models WHERE n = :n", {"n": row["n"]})
    if gone:
        key_values.count_teaching(database, now)


def forget_letters(database: Database, posts: Sequence[Row]) -> None:
    """The managers' letters that named or quoted them: the copies kept here go; what was sent cannot be called back.

    A letter of today names nobody and says which posts it quotes; those of former versions are found by their words.
    """
    quoted = {row["id"] for row in posts}
    told = {f"{row['author']} on {row['source']}" for row in posts if row["author"]}
    told |= {row["url"] for row in posts if row["url"]}
    told |= {words for row in posts if len(words := " ".join((row["text"] or row["title"]).split())[:40]) > 15}
    parts = {each: _parts(each)[:-1] or _parts(each) for each in told}  # the last of them may be cut
    for row in database.rows("SELECT id, about, target, state, payload FROM deliveries WHERE about LIKE 'digest:%'"):
        payload = json.loads(row["payload"] or "{}")
        text = " ".join(f"{payload.get('text', '')} {payload.get('html', '')}".split())
        there = set(_parts(text))  # so that a year of letters need not be read through for each of 500 posts
        named = any(there.issuperset(parts[each]) and each in text for each in told)
        if not named and quoted.isdisjoint(payload.get("posts", ())):
            continue
        if row["state"] == "sent":
            database.run("UPDATE deliveries SET payload = '{}' WHERE id = :id", {"id": row["id"]})
            continue
        # It is not sent with these words: while its time is, it is written once more, without them.
        database.run("DELETE FROM deliveries WHERE id = :id", {"id": row["id"]})
        database.run("DELETE FROM periods WHERE key = :key", {"key": f"{row['about']}:{row['target']}"})


def _parts(text: str) -> list[str]:
    return _PART.findall(text)


def _forget_footers(database: Database, cases: Sequence[str]) -> None:
    """What a colleague noted when a case was handed over stands below its message."""
    about = [f"{kind}:{case}" for case in cases for kind in ("case", "join")]
    clause, values = marks("k", about)
    for row in database.rows(f"SELECT id, payload FROM deliveries WHERE about IN {clause}", values):
        payload = json.loads(row["payload"] or "{}")
        if payload.pop("footer", ""):
            database.run(
                "UPDATE deliveries SET payload = :payload WHERE id = :id", {"id": row["id"], "payload": encode(payload)}
            )


def _forget_reasons(database: Database, stories: Sequence[str], names: Sequence[str]) -> None:
    """Why a message was shown anew quotes what was said of its case; who called somebody may bear the same name."""
    clause, values = marks("s", list(dict.fromkeys(stories)))
    plain = {**values, "reason": FORGOTTEN}
    database.run(f"UPDATE deliveries SET reason = :reason WHERE action = 'edit' AND story_id IN {clause}", plain)
    bare = {bare_name(name) for name in names}
    if bare:
        for row in database.rows(f"SELECT id, reason FROM deliveries WHERE story_id IN {clause}", values):
            if any(name in row["reason"].casefold() for name in bare):
                told = {"id": row["id"], "reason": FORGOTTEN}
                database.run("UPDATE deliveries SET reason = :reason WHERE id = :id", told)


def _forget_talk(database: Database, places: Sequence[Row]) -> None:
    """How far their conversations were read."""
    by_source: dict[str, set[str]] = {}
    for row in places:
        by_source.setdefault(row["source"], set()).add(row["thread"])
    for source, threads in by_source.items():
        key = f"talk:{source}"
        read: dict[str, str] = json.loads(key_values.fact(database, key) or "{}")
        if threads & read.keys():
            left = {thread: moment for thread, moment in read.items() if thread not in threads}
            database.run("UPDATE facts SET value = :value WHERE key = :key", {"key": key, "value": json.dumps(left)})


def _forget_aside(database: Database, source: str, told: Iterable[str]) -> None:
    """Items that could not be read are kept as bytes: those that hold a name or an id of theirs go."""
    marked = in_bytes(told)
    for row in database.rows("SELECT n, raw FROM aside WHERE source = :source", {"source": source}):
        if any(each in bytes(row["raw"] or b"") for each in marked):
            database.run("DELETE FROM aside WHERE n = :n", {"n": row["n"]})


def forget_name(database: Database, source: str, names: Sequence[str], marked: Sequence[str] = ()) -> None:
    """What stands under a name alone: what is set aside or not yet read, mutes that do not stand, former lists of
    ignored authors.

    `marked` are the marks by which our own replies know whom they spoke to.
    """
    clause, values = marks("k", marked)
    database.run(
        f"UPDATE own_posts SET {emptied('own_posts')} WHERE source = :source AND parent_author IN {clause}",
        {**values, "source": source},
    )
    _forget_aside(database, source, names)
    arrived.forget(database, source, names)
    unjudged.forget(database, source, names)
    for name in names:  # a mute that stands is somebody's decision: it is named to who erases, not taken back
        database.run(
            f"DELETE FROM mutes WHERE {NAMES_SOMEBODY} AND value = :value AND (undone_at <> '' OR offered = 1)",
            {"value": f"{source}/{name}"},
        )
    bare = {bare_name(each) for each in names}
    standing: dict[str, int] = {}
    changes = database.rows("SELECT * FROM desk_changes WHERE key LIKE '%.ignore_authors' ORDER BY n")
    for row in changes:
        if not row["undone_at"]:
            standing[row["key"]] = row["n"]
    for row in changes:  # the list that stands is named to who erases
        value = row["value"] if standing.get(row["key"]) == row["n"] else _without_names(row["value"], bare)
        before = _without_names(row["before"], bare)
        if (value, before) != (row["value"], row["before"]):
            database.run(
                "UPDATE desk_changes SET value = :value, before = :before WHERE n = :n",
                {"n": row["n"], "value": value, "before": before},
            )


def _without_names(listed: str, bare: set[str]) -> str:
    try:
        names = json.loads(listed) if listed else None
    except ValueError:
        return listed
    if not isinstance(names, list):
        return listed
    return encode([each for each in names if bare_name(str(each)) not in bare])


def trim(database: Database, before: datetime) -> None:
    """What is kept for a while only: presses that were worked off, items that could not be read."""
    database.run("DELETE FROM presses WHERE at < :before", {"before": stamp(before)})


def trim_aside(database: Database, source: str, before: datetime) -> None:
    """Items of a source that could not be read are kept as long as its posts."""
    database.run(
        "DELETE FROM aside WHERE source = :source AND at < :before", {"source": source, "before": stamp(before)}
    )


# -- what is told of it ----------------------------------------------------------------------------------------------


def note(database: Database, source: str, who: str, way: str, posts: int, cases: int, now: datetime) -> None:
    """Keep that somebody was erased: where, by whom, when, how much. Not who it was."""
    database.run(
        "INSERT INTO erasures (source, who, way, at, posts, cases) VALUES (:source, :who, :way, :now, :posts, :cases)",
        {"source": source, "who": who, "way": way, "now": stamp(now), "posts": posts, "cases": cases},
    )


def noted(database: Database, limit: int = 100) -> list[Row]:
    """(source, who, way, at, posts, cases) of what was erased, the latest first."""
    return database.rows("SELECT * FROM erasures ORDER BY n DESC LIMIT :limit", {"limit": limit})
