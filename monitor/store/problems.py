"""Problems: a cause that several people share, with one owner, until the last of them has been told that it is over.

What a problem counts is asked anew each time (`counted`): it holds no copy of anybody's name or words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from monitor.store import key_values
from monitor.store.causes import UNANSWERED, of_cases, within
from monitor.store.database import Database, Row, marks, stamp
from monitor.store.persons import person, voice

_USUAL = "usual people of a cause:{}"
_LEFT = "problem:{}:posts to count"
_VOICE = voice("m", "w")
# The mentions of each problem: of its cause and what was merged into that, from its first post to its fix.
_OF_PROBLEMS = (  # CROSS: SQLite would begin with all that was ever found
    "FROM problems p CROSS JOIN causes k CROSS JOIN caused x JOIN mentions m ON m.id = x.mention_id "
    "JOIN posts w ON w.id = m.post_id"
)
_THEIRS = (
    "(k.id = p.cause_id OR k.merged_into = p.cause_id) AND x.cause_id = k.id AND x.posted_at >= p.first_at "
    "AND (p.fixed_at = '' OR x.posted_at <= p.fixed_at) AND p.joined = 0"
)
_TOLD = "LEFT JOIN problem_told t ON t.problem = p.n AND t.mention_id = m.id"
_HIT = "p.fixed_at <> '' AND m.author <> ''"
# Whoever was told of one of their posts was told: another one may be found later.
_UNTOLD = (
    f"count(DISTINCT CASE WHEN {_HIT} THEN {_VOICE} END) "
    f"- count(DISTINCT CASE WHEN {_HIT} AND t.mention_id IS NOT NULL THEN {_VOICE} END)"
)


def counted(database: Database, brand: str = "", *, open_only: bool = True) -> list[Row]:
    """Problems, the newest first: what several people wrote of one cause, from its first post to the fix.

    id, cause_id, name, brand, team, issue_url, owner, owner_id, opened_at, first_at, last_at, people, heard_before
    (cases), unanswered (of these), fixed_at, fixed_by, untold (people), loud, told_at, told_people, back_of.
    With `open_only` those that are not fixed, and those that are while anybody affected has not been told.
    """
    only = "AND p.brand = :brand " if brand else ""
    heard = "m.case_id <> '' THEN m.case_id END"
    rows = database.rows(
        f"WITH theirs AS (SELECT p.n, count(DISTINCT {_VOICE}) AS people, max(x.posted_at) AS last_at, "
        f"count(DISTINCT CASE WHEN {heard}) AS heard_before, "
        f"count(DISTINCT CASE WHEN {UNANSWERED} AND {heard}) AS unanswered, "
        f"{_UNTOLD} AS untold "
        f"{_OF_PROBLEMS} LEFT JOIN cases c ON c.id = m.case_id "
        f"{_TOLD} WHERE {_THEIRS} {only}GROUP BY p.n) "
        "SELECT p.n AS id, p.cause_id, s.name, p.brand, s.team, s.issue_url, p.owner, p.owner_id, p.opened_at, "
        "p.first_at, p.fixed_at, p.fixed_by, p.loud, p.told_at, p.told_people, p.back_of, "
        "coalesce(theirs.people, 0) AS people, coalesce(theirs.last_at, '') AS last_at, "
        "coalesce(theirs.heard_before, 0) AS heard_before, coalesce(theirs.unanswered, 0) AS unanswered, "
        "coalesce(theirs.untold, 0) AS untold "
        "FROM problems p JOIN causes s ON s.id = p.cause_id LEFT JOIN theirs ON theirs.n = p.n "
        f"WHERE p.joined = 0 AND s.gone_at = '' {only}ORDER BY p.n DESC",
        {"brand": brand},
    )
    return [row for row in rows if not open_only or not row["fixed_at"] or row["untold"]]


def known(database: Database, brand: str = "") -> list[Row]:
    """The problems that are open, and those that are fixed while anybody affected has not been told; the newest first.

    cause_id, name, issue_url, first_at, fixed_at, untold: what a report says of them. The posts of those that are open
    are not counted, so this stays quick with a year of them.
    """
    only = "AND p.brand = :brand " if brand else ""
    rows = database.rows(
        f"WITH theirs AS (SELECT p.n, {_UNTOLD} AS untold "
        f"{_OF_PROBLEMS} {_TOLD} WHERE {_THEIRS} AND p.fixed_at <> '' {only}GROUP BY p.n) "
        "SELECT p.cause_id, s.name, s.issue_url, p.first_at, p.fixed_at, coalesce(theirs.untold, 0) AS untold "
        "FROM problems p JOIN causes s ON s.id = p.cause_id LEFT JOIN theirs ON theirs.n = p.n "
        f"WHERE p.joined = 0 AND s.gone_at = '' {only}ORDER BY p.n DESC",
        {"brand": brand},
    )
    return [row for row in rows if not row["fixed_at"] or row["untold"]]


def one(database: Database, problem: int) -> Row | None:
    """A problem's own row."""
    return database.row("SELECT * FROM problems WHERE n = :n", {"n": problem})


def open_for(database: Database, cause: str) -> Row | None:
    """The problem that is open for a cause."""
    return database.row(
        "SELECT * FROM problems WHERE cause_id = :cause AND fixed_at = '' AND joined = 0", {"cause": cause}
    )


def open_of(database: Database, causes: Iterable[str]) -> dict[str, Row]:
    """The problems that are open for these causes, by cause."""
    clause, values = marks("k", sorted(causes))
    rows = database.rows(f"SELECT * FROM problems WHERE cause_id IN {clause} AND fixed_at = '' AND joined = 0", values)
    return {row["cause_id"]: row for row in rows}


def standing(database: Database) -> list[Row]:
    """Every problem that is not fixed, of causes that stand."""
    return database.rows(
        "SELECT p.* FROM problems p JOIN causes k ON k.id = p.cause_id "
        "WHERE p.fixed_at = '' AND p.joined = 0 AND k.gone_at = '' ORDER BY p.n"
    )


def last_fixed(database: Database, cause: str) -> Row | None:
    """The problem of a cause that was fixed last."""
    return database.row(
        "SELECT * FROM problems WHERE cause_id = :cause AND fixed_at <> '' AND joined = 0 "
        "ORDER BY fixed_at DESC LIMIT 1",
        {"cause": cause},
    )


def open_(database: Database, brand: str, cause: str, first_at: str, back_of: int, now: datetime) -> Row | None:
    """Open one, from its first post on; None where one is open already."""
    database.run(
        "INSERT INTO problems (brand, cause_id, opened_at, first_at, back_of) "
        "VALUES (:brand, :cause, :now, :first, :back) ON CONFLICT DO NOTHING",
        {"brand": brand, "cause": cause, "now": stamp(now), "first": first_at, "back": back_of},
    )
    return open_for(database, cause)


_CHANGED = (
    "cause_id", "first_at", "owner", "owner_id", "loud", "told_at", "told_people", "joined", "fixed_at", "fixed_by",
)  # fmt: skip


def change(database: Database, problem: int, **values: Any) -> None:
    """Set columns of a problem."""
    assert set(values) <= set(_CHANGED)
    new = {key: stamp(each) if isinstance(each, datetime) else each for key, each in values.items()}
    assigned = ", ".join(f"{key} = :{key}" for key in new)
    database.run(f"UPDATE problems SET {assigned} WHERE n = :n", {**new, "n": problem})


def people(database: Database, cause: str, since: str, until: str) -> int:
    """How many people wrote of a cause after `since`, until `until`."""
    clause, values = marks("k", within(database, cause))
    row = database.row(
        f"SELECT count(DISTINCT {voice()}) AS n FROM caused x JOIN mentions m ON m.id = x.mention_id "
        "JOIN posts p ON p.id = m.post_id "
        f"WHERE x.cause_id IN {clause} AND x.posted_at > :since AND x.posted_at <= :until",
        {**values, "since": since, "until": until},
    )
    return int(row["n"]) if row else 0


def posts(database: Database, cause: str, since: str, until: str) -> int:
    """How many posts were written of a cause after `since`, until `until`: no fewer than people, by an index alone."""
    clause, values = marks("k", within(database, cause))
    row = database.row(
        f"SELECT count(*) AS n FROM caused x WHERE x.cause_id IN {clause} AND x.posted_at > :since "
        "AND x.posted_at <= :until",
        {**values, "since": since, "until": until},
    )
    return int(row["n"]) if row else 0


def usual(database: Database, causes: Iterable[str]) -> dict[str, tuple[str, float]]:
    """How many people usually write of each of these causes in a day, and in which hour that was counted last."""
    keys = {_USUAL.format(cause): cause for cause in causes}
    found = key_values.facts_of(database, list(keys))
    counted = {keys[key]: value.partition(" ") for key, value in found.items()}
    return {cause: (hour, float(mean)) for cause, (hour, _, mean) in counted.items()}


def keep_usual(database: Database, cause: str, hour: str, mean: float, now: datetime) -> None:
    """Remember that so many do, counted in this hour."""
    key_values.remember(database, _USUAL.format(cause), f"{hour} {mean!r}", now)


def posts_to_count(database: Database, problems: Iterable[int]) -> dict[int, int]:
    """How many posts must come before the people of each are worth counting again, where `count_after` wrote it."""
    keys = {_LEFT.format(problem): problem for problem in problems}
    found = key_values.facts_of(database, list(keys))
    return {keys[key]: int(value) for key, value in found.items()}


def count_after(database: Database, posts: Mapping[int, int], now: datetime) -> None:
    """Problem -> how many posts of its cause must come before its people need counting: that reads all of its posts."""
    key_values.remember_all(
        database, {_LEFT.format(problem): str(number) for problem, number in sorted(posts.items())}, now
    )


def count_all_anew(database: Database) -> None:
    """Posts went from one cause to another: the people of every problem are counted at its next post."""
    for key in (_LEFT, _USUAL):
        database.run("DELETE FROM facts WHERE key LIKE :like", {"like": key.format("%")})


def first_post(database: Database, cause: str, since: str) -> str:
    """When the first post of a cause after `since` was written, "" for none."""
    clause, values = marks("k", within(database, cause))
    row = database.row(
        f"SELECT min(posted_at) AS at FROM caused WHERE cause_id IN {clause} AND posted_at > :since",
        {**values, "since": since},
    )
    return str(row["at"] or "") if row else ""


def heard(database: Database, cause: str, but: str, since: str = "", beside: Sequence[str] = ()) -> Row:
    """What is known of a cause beside one case, of cases before it: n cases, first_at, unanswered of these.

    `beside` are cases that are told of together with it: whoever reads of them all has not heard of any before.
    """
    clause, values = marks("k", within(database, cause))
    apart, named = marks("b", [but, *beside])
    row = database.row(
        "SELECT count(DISTINCT c.id) AS n, coalesce(min(c.first_posted_at), '') AS first_at, "
        f"count(DISTINCT CASE WHEN {UNANSWERED} THEN c.id END) AS unanswered FROM caused x "
        f"JOIN mentions m ON m.id = x.mention_id JOIN cases c ON c.id = m.case_id WHERE x.cause_id IN {clause} "
        f"AND x.posted_at >= :since AND c.id NOT IN {apart} AND c.n < (SELECT n FROM cases WHERE id = :but)",
        {**values, **named, "but": but, "since": since},
    )
    assert row is not None
    return row


def heard_before(
    database: Database, cases: Sequence[str], beside: Sequence[str] = ()
) -> dict[str, list[dict[str, Any]]]:
    """case id -> what is known of the open problems that it belongs to: name, n cases before, first_at, unanswered.

    `beside` are the cases of the message in which these are told of.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for case, theirs in of_cases(database, cases).items():
        for cause in theirs:
            problem = open_for(database, cause["id"])
            if problem is not None and (row := heard(database, cause["id"], case, problem["first_at"], beside))["n"]:
                known = {key: row[key] for key in ("n", "first_at", "unanswered")}
                found.setdefault(case, []).append({"name": cause["name"], "problem": problem["n"], **known})
    return found


def affected(database: Database, problem: int) -> list[Row]:
    """Everybody whom a problem hit, whoever was not told first: one row a person.

    mention_id (of their first post), case_id, source, author, url, text, title, rating, language, posted_at, told_at,
    told_by.
    Whoever was forgotten is not among them: nobody could tell them. Nor is who only repeated somebody: it hit them not.
    """
    row = one(database, problem)
    if row is None:
        return []
    clause, values = marks("k", within(database, row["cause_id"]))
    until = "AND x.posted_at <= :until " if row["fixed_at"] else ""
    rows = database.rows(
        f"SELECT m.id AS mention_id, {person()} AS person, m.case_id, m.source, m.author, p.author_name, p.url, "
        "p.text, p.title, p.rating, m.language, m.posted_at, coalesce(t.at, '') AS told_at, "
        "coalesce(t.who, '') AS told_by FROM caused x "
        "JOIN mentions m ON m.id = x.mention_id JOIN posts p ON p.id = m.post_id "
        "LEFT JOIN problem_told t ON t.problem = :problem AND t.mention_id = m.id "
        f"WHERE x.cause_id IN {clause} AND x.posted_at >= :first {until}AND m.author <> '' "
        "AND m.repeats = 0 ORDER BY m.posted_at, m.id",
        {**values, "problem": problem, "first": row["first_at"], "until": row["fixed_at"]},
    )
    told = {each["person"]: each for each in rows if each["told_at"]}
    people: dict[str, Row] = {}
    for each in rows:
        told_of = told.get(each["person"], each)
        people.setdefault(each["person"], {**each, "told_at": told_of["told_at"], "told_by": told_of["told_by"]})
    return sorted(people.values(), key=lambda each: bool(each["told_at"]))


def tell(database: Database, problem: int, mention: str, who: str, who_id: str, now: datetime) -> int:
    """Somebody told the person who wrote this mention: all that they wrote of the problem counts as told."""
    row = one(database, problem)
    if row is None:
        return 0
    clause, values = marks("k", within(database, row["cause_id"]))
    return database.run(
        "INSERT INTO problem_told (problem, mention_id, who, who_id, at) "
        f"SELECT DISTINCT :problem, m.id, :who, :who_id, :now FROM caused x JOIN mentions m ON m.id = x.mention_id "
        f"JOIN posts p ON p.id = m.post_id WHERE x.cause_id IN {clause} AND m.author <> '' AND {person()} IN "
        f"(SELECT {person('o', 'q')} FROM mentions o JOIN posts q ON q.id = o.post_id WHERE o.id = :mention) "
        "ON CONFLICT DO NOTHING",
        {**values, "problem": problem, "mention": mention, "who": who, "who_id": who_id, "now": stamp(now)},
    )


def untell(database: Database, problem: int, mentions: Sequence[str]) -> int:
    """Nobody told the people who wrote these after all."""
    clause, values = marks("m", mentions)
    return database.run(
        "DELETE FROM problem_told WHERE problem = :problem AND mention_id IN (SELECT m.id FROM problem_told t "
        "JOIN mentions m ON m.id = t.mention_id JOIN posts p ON p.id = m.post_id WHERE t.problem = :problem "
        f"AND {person()} IN (SELECT {person('o', 'q')} FROM mentions o JOIN posts q ON q.id = o.post_id "
        f"WHERE o.id IN {clause}))",
        {**values, "problem": problem},
    )
