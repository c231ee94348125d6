"""Finding mentions by what they are and by their words, newest first, over however many there are.

A search with few matches begins with them. One with many goes back through the mentions and asks of each handful which
of them match; it stops after so many, because of words and filters that hardly ever meet it would look at millions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from monitor.store import authorship
from monitor.store.database import Database, Row, Step, marks, stamp
from monitor.store.mentions import SELECT_BOTH, mention_of
from monitor.types import Mention


@dataclass(frozen=True, slots=True)
class Filter:
    """What to list. Empty fields do not filter; `search` is words for full-text search."""

    brand: str = ""
    source: str = ""
    author: str = ""
    language: str = ""
    lane: str = ""
    label: str = ""
    flagged: bool = False
    leaving: bool = False
    cause: str = ""  # an id; with what was merged into it
    incident: str = ""  # an id
    since: datetime | None = None
    until: datetime | None = None
    search: str = ""
    before: str = ""  # posted_at of the last row of the page before
    before_id: str = ""  # and its id: posts of one second are parted by it
    limit: int = 50
    newest: int = 0  # search only so many posts, those that came last: quick for any word


@dataclass(frozen=True, slots=True)
class Found:
    """Mentions, newest first. `reached` is set where a search stopped before it knew whether there are more: the last
    mention that it looked at, as `before` and `before_id` of whoever goes on."""

    rows: list[Mention]
    reached: tuple[str, str] | None = None


FEW = 5_000  # posts that match a search: so many are looked up one by one
_OF_A_KIND = 2  # times as many where filters stand beside the words: going back might find nothing for long
PATIENCE = 10_000  # mentions that a search for a page looks at
_FIRST, _WINDOW = 125, 2_000  # of them at a time: few at first, for most words are common or rare
RARE = 2_000  # mentions that pass a filter
_KINDS = ("author", "language", "label", "source", "brand")  # that rows may be filtered by, the rarest first
_INDEX = {
    "language": "mentions_of_language",
    "label": "mentions_of_label",
    "source": "mentions_of_source",
    "brand": "mentions_by_time",
}


def find(database: Database, wanted: Filter, *, few: int | None = None) -> list[Mention]:
    """All that is wanted up to the limit, newest first, however far back it stands.

    Whether more than `few` posts match a search decides the way, never what is found.
    """
    return look(database, wanted, few=few, patience=0).rows


def look(database: Database, wanted: Filter, *, few: int | None = None, patience: int | None = None) -> Found:
    """As `find`, but a search looks at no more than `patience` mentions before it says how far it came (0: at all)."""
    few, patience = FEW if few is None else few, PATIENCE if patience is None else patience
    conditions, values = conditions_of(wanted)
    if not wanted.search:
        index = index_for(database, wanted)
        table = f"mentions m{index} JOIN posts p ON p.id = m.post_id"
        conditions.append("p.deleted_at = ''")
        if _by_author_in_parts(database, wanted, index):
            return Found(_of_ids(database, [row["id"] for row in _by_author(database, wanted, table, conditions)]))
        chosen = _question(table, conditions)
    else:  # a post that was deleted has no words left to be found by
        values["search"] = database.search_words(wanted.search)
        if wanted.newest or _are_few(database, wanted, values["search"], few):
            # From what matches to the mentions; the order is written so that no index seems to serve it.
            conditions.append("m.post_id = f.id")
            matches = f"({database.search_matches(wanted.newest)}) AS f CROSS JOIN mentions m"
            chosen = _question(matches, conditions, order="m.posted_at || ''")
        else:
            ids, reached = _walked(database, wanted, patience)
            return Found(_of_ids(database, ids), reached)
    return Found(_rows(database, f"({chosen})", values))


def _of_ids(database: Database, ids: Sequence[str]) -> list[Mention]:
    pieces = (marks("m", ids[start : start + 500]) for start in range(0, len(ids), 500))
    return [each for chosen, listed in pieces for each in _rows(database, chosen, listed)]


def _rows(database: Database, chosen: str, values: dict[str, Any]) -> list[Mention]:
    return [
        mention_of(row)
        for row in database.rows(
            f"SELECT {SELECT_BOTH} FROM mentions m JOIN posts p ON p.id = m.post_id WHERE m.id IN {chosen} "
            "ORDER BY m.posted_at DESC, m.id",
            values,
        )
    ]


def _question(table: str, conditions: list[str], *, columns: str = "m.id", order: str = "m.posted_at") -> str:
    return f"SELECT {columns} FROM {table} WHERE {' AND '.join(conditions)} ORDER BY {order} DESC, m.id LIMIT :limit"


def _by_author(
    database: Database, wanted: Filter, table: str, conditions: list[str], columns: str = "m.id"
) -> list[Row]:
    """What an author wrote, by the index on authors: newest first, up to the limit."""
    rows: list[Row] = []
    _, values = conditions_of(wanted)
    last = min(filter(None, (stamp(wanted.until), wanted.before)), default="")
    for among, part in authorship.each_part(database, stamp(wanted.since), last):
        question = _question(table, [*among, *conditions], columns=columns)
        rows += database.rows(question, {**values, **part, "limit": wanted.limit - len(rows)})
        if len(rows) >= wanted.limit:
            break
    return rows


def _walked(database: Database, wanted: Filter, patience: int) -> tuple[list[str], tuple[str, str] | None]:
    """The ids of what is found by going back, and where it stopped for want of patience."""
    index = index_for(database, wanted)
    table, columns = f"mentions m{index} CROSS JOIN posts p", f"m.id, m.posted_at, {database.searched_column}"
    of_author = _by_author_in_parts(database, wanted, index)
    found: list[str] = []
    looked_at, on = 0, replace(wanted, limit=_FIRST)
    while True:
        conditions, values = conditions_of(on)
        conditions.append("p.id = m.post_id")
        if of_author:
            rows = _by_author(database, on, table, conditions, "m.id, m.posted_at, p.n")
            step = Step.of(rows, database.search_among([row["n"] for row in rows], wanted.search))
        else:
            step = database.search_step(_question(table, conditions, columns=columns), values, wanted.search)
        found += step.ids
        looked_at += step.looked_at
        if len(found) >= wanted.limit or step.looked_at < on.limit or step.last is None:
            return found[: wanted.limit], None
        on = replace(on, before=step.last["posted_at"], before_id=step.last["id"], limit=min(4 * on.limit, _WINDOW))
        if patience and looked_at >= patience:
            return found, (on.before, on.before_id)


def conditions_of(wanted: Filter) -> tuple[list[str], dict[str, Any]]:
    """What mentions `m` must fulfil, with its values and the limit; the words of a search are not among it."""
    conditions: list[str] = []
    values: dict[str, Any] = {"limit": wanted.limit}
    for column in ("brand", "source", "author", "language", "lane", "label"):
        if value := getattr(wanted, column):
            conditions.append(f"m.{column} = :{column}")
            values[column] = value
    if wanted.lane and wanted.lane != "none":
        conditions.append("m.lane <> 'none'")  # what the index of lanes holds
    if wanted.flagged:
        conditions.append("m.flagged = 1")
    if wanted.leaving:
        conditions.append("m.churn <> '[]'")  # what the index of who leaves holds
    if wanted.cause:
        conditions.append(
            "m.id IN (SELECT x.mention_id FROM caused x JOIN causes k ON k.id = x.cause_id "
            "WHERE k.id = :cause OR k.merged_into = :cause)"
        )
        values["cause"] = wanted.cause
    if wanted.incident:
        conditions.append("m.id IN (SELECT i.mention_id FROM incident_mentions i WHERE i.incident_id = :incident)")
        values["incident"] = wanted.incident
    if wanted.since is not None:
        conditions.append("m.posted_at >= :since")
        values["since"] = stamp(wanted.since)
    if wanted.until is not None:
        conditions.append("m.posted_at < :until")
        values["until"] = stamp(wanted.until)
    if wanted.before:
        further = " OR m.id > :before_id" if wanted.before_id else ""
        conditions.append(f"m.posted_at <= :before AND (m.posted_at < :before{further})")
        values.update(before=wanted.before, before_id=wanted.before_id)
    return conditions, values


def _are_few(database: Database, wanted: Filter, words: str, few: int) -> bool:
    """Whether the posts that match are so few that each may be looked up; else the newest are soon found by walking."""
    kinds = wanted.flagged or wanted.lane or any(getattr(wanted, column) for column in _KINDS)
    most = few * _OF_A_KIND if kinds else few
    newest = not (wanted.before or wanted.until)
    row = database.row(database.search_count(most + 1, newest=newest), {"search": words})
    return row is None or int(row["n"]) <= most


def index_for(database: Database, wanted: Filter, rare: int = RARE) -> str:
    """The index to go by: of a filter that few rows pass, else one that holds more than one of the filters."""
    kinds = [column for column in _KINDS if getattr(wanted, column)]
    several = len(kinds) + wanted.flagged + bool(wanted.lane) > 1
    if not database.by_index("any") or not (kinds or wanted.flagged or wanted.lane):
        return ""
    for column in kinds if several else ():
        if _how_many(database, column, getattr(wanted, column), rare) < rare:
            return _index_of(database, column)
    if wanted.flagged:
        return database.by_index("mentions_flagged")
    if wanted.label:
        return _index_of(database, "label")
    if wanted.lane in {"ping", "sweep"}:
        return database.by_index("mentions_of_lane")
    return _index_of(database, kinds[0]) if kinds else ""


def _index_of(database: Database, column: str) -> str:
    return authorship.index(database) if column == "author" else database.by_index(_INDEX[column])


def _by_author_in_parts(database: Database, wanted: Filter, index: str) -> bool:
    return bool(wanted.author) and database.authors_in_parts and index == authorship.index(database)


def _how_many(database: Database, column: str, value: str, most: int) -> int:
    """How many mentions pass a filter, counting to `most` and no further."""
    if column == "author":
        return len(authorship.of_authors(database, [value], "1", f"1 = 1 LIMIT {int(most)}", {}))
    row = database.row(
        f"SELECT count(*) AS n FROM (SELECT 1 FROM mentions WHERE {column} = :value LIMIT {int(most)}) AS f",
        {"value": value},
    )
    return int(row["n"]) if row is not None else 0
