"""Whose a mention is: the index by author, in thirds of months, so that what comes in stands side by side.

By author alone each new post had a page of its own among millions, read from the disk first. A question by author asks
each third of a month: some thirty short looks a year. A large file of an older version keeps the index that it has, for
building another takes minutes; so does a PostgreSQL that held posts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from monitor.store.database import THIRD_OF_MONTH, Database, Row, marks

_PART = f"substr({{}}posted_at, 1, {THIRD_OF_MONTH})"


def index(database: Database) -> str:
    """Words after a table of mentions that name the index by author."""
    return database.by_index("mentions_by_author" if database.authors_in_parts else "mentions_of_author")


def parts(database: Database, since: str = "", until: str = "") -> list[str]:
    """The thirds of months in which mentions were written, the newest first; none where the index is not made so."""
    if not database.authors_in_parts:
        return []
    part = _PART.format("")
    newest = f"SELECT {part} FROM mentions{index(database)} {{}}ORDER BY {part} DESC LIMIT 1"
    rows = database.rows(
        f"WITH RECURSIVE found (part) AS (SELECT ({newest.format('')}) UNION ALL "
        f"SELECT ({newest.format(f'WHERE {part} < found.part ')}) FROM found WHERE found.part IS NOT NULL) "
        "SELECT part FROM found WHERE part IS NOT NULL"
    )
    first, last = since[:THIRD_OF_MONTH], (until or "~")[:THIRD_OF_MONTH]
    return [row["part"] for row in rows if first <= row["part"] <= last]


def each_part(database: Database, since: str = "", until: str = "") -> Iterator[tuple[list[str], dict[str, Any]]]:
    """Conditions on mentions `m`, with their values, from the newest part to the oldest: one where all stand together.

    Each is for a question that names `index` and one author.
    """
    if not database.authors_in_parts:
        yield [], {}
    for part in parts(database, since, until):
        yield [f"{_PART.format('m.')} = :part"], {"part": part}


def of_authors(database: Database, names: Sequence[str], columns: str, where: str, values: dict[str, Any]) -> list[Row]:
    """Columns of the mentions `m` that people of these names wrote, under one more condition; in any order."""
    clause, known = marks("author", names)
    among = ""
    if database.authors_in_parts:
        listed, found = database.among("parts", parts(database))
        among, known = f"{_PART.format('m.')} IN {listed} AND ", {**known, **found}
    return database.rows(
        f"SELECT {columns} FROM mentions m{index(database)} WHERE {among}m.author IN {clause} AND {where}",
        {**values, **known},
    )
