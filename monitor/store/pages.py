"""What the page asks for: rows in the order in which people want to see them, a page at a time."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitor.store import authorship, finding
from monitor.store.database import Database, Row, instant, marks, stamp
from monitor.store.mentions import HOUR, SELECT_BOTH, mention_of, post_key
from monitor.store.report_queries import heard
from monitor.types import Mention

CANDIDATES = 600  # mentions that a search with operators looks through after the index has chosen them
_IN_CASES = "mentions_in_cases"
_INBOX = "cases_inbox"  # every open case by what the inbox asks of it
NEWEST = 2000  # posts that a search on a page finds, those that came last
FURTHER = 20_000  # of each word, where somebody filters or turns the page of a search with operators


def last_audit(database: Database) -> tuple[datetime | None, str]:
    """When the auditor last came (None: never), and what it found."""
    row = database.row("SELECT value, at FROM facts WHERE key = 'audit'")
    return (instant(row["at"]), row["value"]) if row else (None, "")


def has_mentions(database: Database) -> bool:
    """Whether any post was ever about a brand."""
    return database.row("SELECT 1 AS one FROM mentions LIMIT 1") is not None


def live_mark(database: Database) -> str:
    """Changes whenever something on a page of cases or mentions may have changed.

    Of several who store, one with lower numbers may end later: it is seen by the sum of the newest.
    """
    row = database.row(
        "SELECT (SELECT coalesce(sum(n), 0) FROM (SELECT n FROM case_log ORDER BY n DESC LIMIT 200) AS newest) AS log, "
        "(SELECT coalesce(max(n), 0) FROM posts) AS posts"
    )
    return f"{row['log']}-{row['posts']}" if row else ""


@dataclass(frozen=True, slots=True)
class Words:
    """What to look for: any of `any_of` by the index (words beginning with them); or, plainly, all of `plain`."""

    plain: str = ""
    any_of: tuple[str, ...] = ()


def _search(database: Database, words: Words, newest: int = NEWEST) -> tuple[str, dict[str, Any]]:
    """A question for the ids of posts, with its values; "" where there is no word to look up."""
    if words.plain:
        return database.search_matches(newest), {"search": database.search_words(words.plain)}
    questions, values = [], {}
    for number, term in enumerate(words.any_of[:40]):
        one = database.search_matches(newest).replace(":search", f":search{number}")
        questions.append(f"SELECT id FROM ({one}) AS f{number}")
        typed = database.search_words(term)
        values[f"search{number}"] = f"{typed} *" if database.dialect == "sqlite" else typed
    return " UNION ".join(questions), values  # one list: beside an OR, no plan begins with what was found


SECTIONS = ("waiting", "taken", "later", "answered", "private", "closed", "sweep", "unread")
_OPEN = "c.closed_at = ''"
_AND_OPEN = f"{_OPEN} AND "
_UNANSWERED = "(c.answered_at = '' OR c.answered_at < c.last_posted_at)"
_AWAKE = "c.snoozed_until <= :now AND c.waiting_until <= :now"
_SECTION = {
    "waiting": f"c.closed_at = '' AND c.lane = 'ping' AND c.owner = '' AND {_UNANSWERED} AND {_AWAKE}",
    "taken": f"c.closed_at = '' AND c.lane = 'ping' AND c.owner <> '' AND {_UNANSWERED} AND {_AWAKE}",
    "later": f"c.closed_at = '' AND c.lane = 'ping' AND {_UNANSWERED} AND NOT ({_AWAKE})",
    "answered": f"c.closed_at = '' AND NOT {_UNANSWERED} AND c.sent_on = 0",
    "private": f"c.closed_at = '' AND NOT {_UNANSWERED} AND c.sent_on = 1",
    "closed": "c.closed_at <> ''",
    "sweep": f"c.closed_at = '' AND c.lane = 'sweep' AND c.unread = 0 AND {_UNANSWERED}",
    "unread": f"c.closed_at = '' AND c.lane = 'sweep' AND c.unread = 1 AND {_UNANSWERED}",
}
_RANK = "CASE c.priority WHEN 'critical' THEN 0 WHEN 'urgent' THEN 1 WHEN 'normal' THEN 2 ELSE 3 END"
_RANKS = {"critical": 0, "urgent": 1, "normal": 2}
_NEVER_DUE = "CASE WHEN c.due_at = '' THEN 1 ELSE 0 END"
_URGENT = f"{_RANK}, {_NEVER_DUE}, c.due_at, c.n"
_ORDER = {
    "answered": "c.answered_at DESC, c.n DESC",
    "private": "c.answered_at, c.n",
    "closed": "c.closed_at DESC, c.n DESC",
    "sweep": "c.need DESC, c.n",  # stays what it is while people look: who turns a page misses nothing
    "unread": "c.language, c.n",
}
# The columns by which a row has its place in that order (its number is the last of them), and what stands behind one.
_PLACE = {
    "answered": (("answered_at",), "(c.answered_at, c.n) < (:p_answered_at, :p_n)"),
    "private": (("answered_at",), "(c.answered_at, c.n) > (:p_answered_at, :p_n)"),
    "closed": (("closed_at",), "(c.closed_at, c.n) < (:p_closed_at, :p_n)"),
    "sweep": (("need",), "(c.need < :p_need OR (c.need = :p_need AND c.n > :p_n))"),
    "unread": (("language",), "(c.language, c.n) > (:p_language, :p_n)"),
}
_URGENT_PLACE = (
    ("priority", "due_at"),
    f"({_RANK}, {_NEVER_DUE}, c.due_at, c.n) > (:p_rank, :p_never_due, :p_due_at, :p_n)",
)
_PLACE_TEXTS = re.compile(r"([A-Za-z0-9:.+-]{0,40}_){1,2}[0-9]{1,18}", re.ASCII)


def place_of(section: str, row: Row) -> str:
    """Where a row stands in the order of its section, as the word of an address: the next page begins behind it.

    By what it was ordered by and not by how many stand before it: who takes some of them passes nobody over.
    """
    columns, _ = _PLACE.get(section, _URGENT_PLACE)
    return "_".join(str(row[column]) for column in (*columns, "n"))


def _behind(section: str, place: str) -> tuple[str, dict[str, Any]]:
    columns, condition = _PLACE.get(section, _URGENT_PLACE)
    *texts, number = place.split("_")
    if len(texts) != len(columns) or not _PLACE_TEXTS.fullmatch(place):
        raise ValueError("no place in this list")
    values: dict[str, Any] = {f"p_{column}": text for column, text in zip(columns, texts, strict=True)}
    if "p_priority" in values:
        values["p_rank"] = _RANKS.get(values.pop("p_priority"), len(_RANKS))
        values["p_never_due"] = int(not values["p_due_at"])
    if "p_need" in values:
        values["p_need"] = float(values["p_need"])
        if not math.isfinite(values["p_need"]):
            raise ValueError("no place in this list")
    return condition, {**values, "p_n": int(number)}


# What a person looks at: every open case with a clock, their own, what is late, what nobody has taken.
VIEWS = ("all", "mine", "overdue", "unassigned")
_LATE = "c.due_at <> '' AND c.due_at <= :now"
_VIEW = {
    "all": f"c.lane = 'ping' AND {_UNANSWERED}",
    "mine": f"c.lane = 'ping' AND {_UNANSWERED} AND {{mine}}",
    "overdue": f"c.lane = 'ping' AND {_UNANSWERED} AND {_AWAKE} AND {_LATE}",
    "unassigned": _SECTION["waiting"],
}


@dataclass(frozen=True, slots=True)
class Inbox:
    """Which cases to list. Empty fields do not filter; `ids` (from a search) do, where given.

    `mine` are the ids under which one person takes cases; `overdue` keeps what is past its target.
    """

    brand: str = ""
    source: str = ""
    owner: str = ""
    language: str = ""
    priority: str = ""
    ids: tuple[str, ...] | None = None
    tag: str = ""
    mine: tuple[str, ...] = ()
    overdue: bool = False
    after: str = ""  # only what stands behind this place of a section, as `place_of` gives it; else ValueError


def _filters(wanted: Inbox) -> tuple[list[str], dict[str, Any]]:
    conditions: list[str] = []
    values: dict[str, Any] = {}
    for column in ("brand", "source", "owner", "language", "priority"):
        if value := getattr(wanted, column):
            conditions.append(
                "(c.owner_id = :owner OR c.owner = :owner)" if column == "owner" else f"c.{column} = :{column}"
            )
            values[column] = value
    if wanted.ids is not None:
        clause, found = marks("i", wanted.ids[:900])
        conditions.append(f"c.id IN {clause}")
        values.update(found)
    if wanted.tag:  # tags hold letters, digits and hyphens: nothing that a pattern would read
        conditions.append("c.own_tags LIKE :tag")
        values["tag"] = f"% {wanted.tag} %"
    if wanted.mine:
        clause, found = marks("mine", wanted.mine)
        conditions.append(f"c.owner_id IN {clause}")
        values.update(found)
    if wanted.overdue:
        conditions.append(_LATE)
    return conditions, values


def _open(database: Database, wanted: Inbox) -> str:
    """The table to look for open cases in: by the index that holds all that is asked of them, or by ids where given."""
    return f"cases c{database.by_index(_INBOX) if wanted.ids is None else ''}"


def _inbox(section: str, wanted: Inbox, now: datetime) -> tuple[str, dict[str, Any]]:
    conditions, values = _filters(wanted)
    if wanted.overdue or ":now" in _SECTION[section]:
        values["now"] = stamp(now)
    if wanted.after:
        behind, place = _behind(section, wanted.after)
        conditions.append(behind)
        values.update(place)
    return " AND ".join([_SECTION[section], *conditions]), values


def inbox(
    database: Database, section: str, wanted: Inbox, now: datetime, limit: int = 50, offset: int = 0
) -> list[Row]:
    """One section of the inbox with every column: the most urgent first, or what was done last."""
    condition, values = _inbox(section, wanted, now)
    order = _ORDER.get(section, _URGENT)
    values.update(limit=limit, offset=offset)
    if section == "sweep" and wanted.ids is None:  # kept in this order: the first of many thousand are soon found
        table = f"cases c{database.by_index('cases_listed')}"
    elif section == "closed" or wanted.ids is not None:
        table = "cases c"
    else:  # chosen by the index alone; only those that are shown are read
        chosen = f"SELECT c.n FROM {_open(database, wanted)} WHERE {condition} ORDER BY {order}"
        return database.rows(
            f"SELECT c.* FROM cases c WHERE c.n IN ({chosen} LIMIT :limit OFFSET :offset) ORDER BY {order}", values
        )
    return database.rows(
        f"SELECT c.* FROM {table} WHERE {condition} ORDER BY {order} LIMIT :limit OFFSET :offset", values
    )


def count(database: Database, section: str, wanted: Inbox, now: datetime) -> int:
    """How many cases a section holds."""
    condition, values = _inbox(section, wanted, now)
    table = "cases c" if section == "closed" else _open(database, wanted)
    row = database.row(f"SELECT count(*) AS n FROM {table} WHERE {condition}", values)
    return int(row["n"]) if row else 0


def counts(database: Database, wanted: Inbox, now: datetime) -> dict[str, int]:
    """How many cases each section holds: one look at the open ones, one at the closed."""
    conditions, values = _filters(wanted)
    still = [section for section in SECTIONS if section != "closed"]
    sums = ", ".join(
        f"sum(CASE WHEN {_SECTION[section].removeprefix(_AND_OPEN)} THEN 1 ELSE 0 END) AS {section}"  # all are open
        for section in still
    )
    row = database.row(
        f"SELECT {sums}, count(*) AS open FROM {_open(database, wanted)} WHERE {' AND '.join([_OPEN, *conditions])}",
        {**values, "now": stamp(now)},
    )
    found = {section: int(row[section] or 0) if row is not None else 0 for section in still}
    if conditions or row is None:
        return {**found, "closed": count(database, "closed", wanted, now)}
    every = database.row("SELECT count(*) AS n FROM cases")  # by the smallest index that there is
    return {**found, "closed": int(every["n"]) - int(row["open"]) if every is not None else 0}


def views(database: Database, wanted: Inbox, mine: Sequence[str], now: datetime) -> dict[str, int]:
    """How many cases each view holds, under the same filters: one look at the open ones."""
    conditions, values = _filters(wanted)
    clause, ids = marks("mine", mine)
    sums = ", ".join(
        f"sum(CASE WHEN {_VIEW[view].format(mine=f'c.owner_id IN {clause}')} THEN 1 ELSE 0 END) AS {view}_count"
        for view in VIEWS
    )
    row = database.row(
        f"SELECT {sums} FROM {_open(database, wanted)} WHERE {' AND '.join([_OPEN, *conditions])}",
        {**values, **ids, "now": stamp(now)},
    )
    return {view: int(row[f"{view}_count"] or 0) if row is not None else 0 for view in VIEWS}


def next_waiting(database: Database, languages: Sequence[str], now: datetime) -> str | None:
    """The most urgent case that nobody has, in one of these languages (none named: in any), for one person to take.

    Inside the transaction that takes it: nobody else sees it as free in between.
    """
    clause, values = marks("l", languages)
    among = f" AND c.language IN {clause}" if languages else ""
    row = database.row(
        f"SELECT c.id FROM cases c WHERE c.n IN (SELECT c.n FROM {_open(database, Inbox())} "
        f"WHERE {_SECTION['waiting']}{among} ORDER BY {_URGENT} LIMIT 1)",
        {**(values if languages else {}), "now": stamp(now)},
    )
    return str(row["id"]) if row is not None else None


def own_tags(database: Database) -> list[str]:
    """The tags that staff put on open cases, those of most cases first; they are offered again."""
    found = Counter(
        tag
        for row in database.rows(
            f"SELECT c.own_tags FROM {_open(database, Inbox())} WHERE c.closed_at = '' AND c.own_tags <> '' LIMIT 5000"
        )
        for tag in row["own_tags"].split()
    )
    return sorted(found, key=lambda tag: (-found[tag], tag))[:40]


def unread_languages(database: Database, wanted: Inbox, now: datetime) -> dict[str, int]:
    """language -> how many entries of the list stand in it that nobody here reads, the most first."""
    condition, values = _inbox("unread", wanted, now)
    rows = database.rows(
        f"SELECT c.language, count(*) AS n FROM {_open(database, wanted)} WHERE {condition} "
        "GROUP BY c.language ORDER BY 2 DESC, 1",
        values,
    )
    return {row["language"]: int(row["n"]) for row in rows}


def found_cases(database: Database, words: Words, limit: int = 900) -> list[str]:
    """The cases whose words the index finds, those that were written last first."""
    posts, values = _search(database, words)
    table = f"({posts}) AS f CROSS JOIN mentions m{database.by_index(_IN_CASES)}" if posts else "mentions m"
    among = "m.post_id = f.id AND " if posts else ""
    rows = database.rows(
        f"SELECT m.case_id, max(m.posted_at) AS at FROM {table} WHERE {among}m.case_id <> '' "
        "GROUP BY m.case_id ORDER BY 2 DESC LIMIT :limit",
        {**values, "limit": limit},
    )
    return [row["case_id"] for row in rows]


def candidates(
    database: Database, words: Words, *, with_case: bool, wanted: finding.Filter | None = None
) -> list[Mention]:
    """The newest mentions that the index finds for `words` and the filters let through, CANDIDATES at most.

    For a search that Python finishes; whoever goes on gives the last of them as `before` of `wanted`.
    """
    posts, values = _search(database, words, NEWEST if wanted is None or wanted.newest else FURTHER)
    conditions = ["m.case_id <> ''"] if with_case else []
    table, order = "mentions m", "m.posted_at"
    if wanted is not None:
        filtered, further = finding.conditions_of(wanted)
        conditions += filtered
        values = {**values, **further}
    if posts:  # from what was found to the mentions; the order is written so that no index seems to serve it
        by_case = database.by_index(_IN_CASES) if with_case else ""
        table, order = f"({posts}) AS f CROSS JOIN mentions m{by_case}", "m.posted_at || ''"
        conditions.append("m.post_id = f.id")
    where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
    chosen = f"SELECT m.id FROM {table} {where}ORDER BY {order} DESC, m.id LIMIT :limit"
    return [
        mention_of(row)
        for row in database.rows(
            f"SELECT {SELECT_BOTH} FROM mentions m JOIN posts p ON p.id = m.post_id WHERE m.id IN ({chosen}) "
            "ORDER BY m.posted_at DESC, m.id",
            {**values, "limit": CANDIDATES},
        )
    ]


def languages(database: Database) -> list[str]:
    """The languages of open cases."""
    rows = database.rows(
        f"SELECT DISTINCT c.language FROM {_open(database, Inbox())} WHERE c.closed_at = '' AND c.language <> ''"
    )
    return sorted(row["language"] for row in rows)[:40]


def by_author(database: Database, source: str, author: str, limit: int = 60) -> list[Mention]:
    """What an author wrote about us on one network, newest first."""
    rows: list[Row] = []
    for among, part in authorship.each_part(database):
        conditions = [*among, "m.author = :author", "m.source = :source", "p.deleted_at = ''"]
        rows += database.rows(
            f"SELECT {SELECT_BOTH} FROM mentions m{authorship.index(database)} JOIN posts p ON p.id = m.post_id "
            f"WHERE {' AND '.join(conditions)} "
            "ORDER BY m.posted_at DESC, m.id LIMIT :limit",
            {**part, "source": source, "author": author, "limit": limit - len(rows)},
        )
        if len(rows) >= limit:
            break
    return [mention_of(row) for row in rows]


def cases_of_author(database: Database, source: str, author: str, limit: int = 20) -> list[Row]:
    """An author's cases on one network, newest first."""
    return database.rows(
        "SELECT * FROM cases WHERE source = :source AND author = :author ORDER BY opened_at DESC LIMIT :limit",
        {"source": source, "author": author, "limit": limit},
    )


def notes_of_author(database: Database, source: str, author: str, limit: int = 20) -> list[Row]:
    """(case_id, at, who, detail) of what colleagues noted on an author's cases, newest first."""
    return database.rows(
        "SELECT l.case_id, l.at, l.who, l.detail FROM case_log l JOIN cases c ON c.id = l.case_id "
        "WHERE c.source = :source AND c.author = :author AND l.what = 'note' AND l.undone_at = '' "
        "ORDER BY l.n DESC LIMIT :limit",
        {"source": source, "author": author, "limit": limit},
    )


OF_THREAD = 60  # posts of a conversation that are shown
_OF_THREAD = (
    "FROM posts p WHERE p.id IN (SELECT id FROM posts WHERE source = :source AND thread_id = :thread UNION "
    "SELECT id FROM posts WHERE id = :first) AND p.deleted_at = '' "
    "AND p.purged_at = '' AND EXISTS (SELECT 1 FROM mentions m WHERE m.post_id = p.id)"  # of us, not of others
)


def thread_size(database: Database, source: str, thread: str) -> int:
    """How many posts of a conversation there are."""
    if not thread:
        return 0
    row = database.row(
        f"SELECT count(*) AS n {_OF_THREAD}",
        {"source": source, "thread": thread, "first": post_key(database, source, thread)},
    )
    return int(row["n"]) if row else 0


def thread(database: Database, source: str, thread: str, near: datetime, limit: int = OF_THREAD) -> list[Row]:
    """What was said in a conversation, oldest first; of a long one what was written next to that moment.

    (native_id, author, author_name, text, title, url, posted_at, case_id)
    """
    if not thread:
        return []
    question, values = (
        "SELECT p.native_id, p.author, p.author_name, p.text, p.title, p.url, p.posted_at, "
        "(SELECT max(m.case_id) FROM mentions m WHERE m.post_id = p.id) AS case_id "
        f"{_OF_THREAD} "
        "AND p.posted_at {0} :near ORDER BY p.posted_at {1}, p.id {1} LIMIT :limit",
        {
            "source": source, "thread": thread, "first": post_key(database, source, thread), "limit": limit,
            "near": stamp(near),
        },
    )  # fmt: skip
    before = database.rows(question.format("<=", "DESC"), values)
    after = database.rows(question.format(">", "ASC"), values)[: max(limit // 2, limit - len(before))]
    return [*before[: limit - len(after)][::-1], *after]


def labels_of_mention(database: Database, mention: str) -> list[Row]:
    """(answer, who, way, at, undone_at) of what people said of a mention, newest first."""
    return database.rows("SELECT * FROM labels WHERE mention_id = :id ORDER BY n DESC LIMIT 20", {"id": mention})


def volume(database: Database, since: datetime, until: datetime, brand: str = "", width: int = 13) -> list[Row]:
    """(hour, n, negative, known) of posts written in a span, by hour of UTC ("2026-11-22T06"); by minute for 16."""
    if width == HOUR:
        found: dict[str, dict[str, Any]] = {}
        for row in heard(database, since, until, brand):
            hour = found.setdefault(row["hour"], {"hour": row["hour"], "n": 0, "negative": 0, "known": 0})
            hour["n"] += row["mentions"]
            hour["negative"] += row["negative"]
            hour["known"] += row["known"]
        return list(found.values())
    clause, values = ("AND brand = :brand ", {"brand": brand}) if brand else ("", {})
    return database.rows(
        f"SELECT substr(posted_at, 1, {int(width)}) AS hour, count(*) AS n, "
        "sum(CASE WHEN label = 'negative' THEN 1 ELSE 0 END) AS negative, "
        "sum(CASE WHEN label <> 'unknown' THEN 1 ELSE 0 END) AS known FROM mentions "
        f"WHERE posted_at >= :since AND posted_at < :until {clause}GROUP BY substr(posted_at, 1, {int(width)}) "
        "ORDER BY 1",
        {"since": stamp(since), "until": stamp(until), **values},
    )


def first_posted_at(database: Database, since: datetime, brand: str = "") -> datetime | None:
    """When the first post of a span was written."""
    clause, values = ("AND brand = :brand ", {"brand": brand}) if brand else ("", {})
    row = database.row(
        f"SELECT min(posted_at) AS at FROM mentions WHERE posted_at >= :since {clause}",
        {"since": stamp(since), **values},
    )
    return instant(row["at"] or "") if row else None
