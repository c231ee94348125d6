"""What is known of each source: when it is due, its cursor, its health, its gaps, what it cost, what was set aside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from connectors import Aside, Gap, Quota
from monitor.store.database import Database, Row, at, instant, marks, stamp

OUTAGE = timedelta(minutes=10)  # a source that could not be read for longer is told of in the letter
READ_AGAIN = "; read again since"  # ends the reason of an outage that is over: what was written then came late


@dataclass(frozen=True, slots=True)
class Health:
    """How a source stands. `failing_since` is None while it works."""

    name: str
    next_due_at: datetime | None
    own_next_due_at: datetime | None
    talk_next_due_at: datetime | None
    last_read_at: datetime | None
    last_success_at: datetime | None
    last_new_at: datetime | None
    last_error: str
    remedy: str
    failures: int
    failing_since: datetime | None
    refused: bool
    closed: bool
    announced_at: datetime | None
    quiet_announced_at: datetime | None
    paused_at: datetime | None
    quota_remaining: int | None
    spent: float
    spent_month: str

    def spent_in(self, now: datetime) -> float:
        """What it cost in this month (of UTC) so far, in US dollars."""
        return self.spent if self.spent_month == f"{now:%Y-%m}" else 0.0


def _health(row: Row) -> Health:
    return Health(
        name=row["name"],
        next_due_at=instant(row["next_due_at"]),
        own_next_due_at=instant(row["own_next_due_at"]),
        talk_next_due_at=instant(row["talk_next_due_at"]),
        last_read_at=instant(row["last_read_at"]),
        last_success_at=instant(row["last_success_at"]),
        last_new_at=instant(row["last_new_at"]),
        last_error=row["last_error"],
        remedy=row["remedy"],
        failures=row["failures"],
        failing_since=instant(row["failing_since"]),
        refused=bool(row["refused"]),
        closed=row["refused"] == 2,
        announced_at=instant(row["announced_at"]),
        quiet_announced_at=instant(row["quiet_announced_at"]),
        paused_at=instant(row["paused_at"]),
        quota_remaining=row["quota_remaining"],
        spent=row["spent"] or 0.0,
        spent_month=row["spent_month"],
    )


def know(database: Database, name: str, kind: str, mark: str) -> None:
    """Make sure that a configured source has its row; changed settings end a refusal and make it due at once."""
    database.run(
        "INSERT INTO sources (name, kind, settings_mark, spent) VALUES (:name, :kind, :mark, 0) "
        "ON CONFLICT (name) DO NOTHING",
        {"name": name, "kind": kind, "mark": mark},
    )
    database.run(
        "UPDATE sources SET refused = 0, next_due_at = '', own_next_due_at = '', settings_mark = :mark, kind = :kind "
        "WHERE name = :name AND settings_mark <> :mark",
        {"name": name, "kind": kind, "mark": mark},
    )


def health(database: Database, name: str) -> Health | None:
    """How one source stands."""
    row = database.row("SELECT * FROM sources WHERE name = :name", {"name": name})
    return _health(row) if row else None


def all_health(database: Database) -> dict[str, Health]:
    """How every source stands that was ever configured."""
    return {row["name"]: _health(row) for row in database.rows("SELECT * FROM sources ORDER BY name")}


def due(database: Database, now: datetime, own: Sequence[str], opens: datetime) -> list[tuple[str, bool]]:
    """(name, whether its posts are due, else its own account) of what is to be read now; nothing of a paused source.

    `own` are the sources whose own account is read. Where both are due, what has been due for longer comes first: of a
    source whose posts take longer to read than `every`, the own account would never be read, and answers would stop no
    clock. A closed place is due again if it was last asked before `opens`; a source that was read in times to come is
    due at once: the clock has stepped back. This is asked twice a second, so sources that are not due are not even
    fetched.
    """
    listed, names = marks("own", own)
    rows = database.rows(
        "SELECT name, next_due_at, own_next_due_at, "
        "CASE WHEN next_due_at <= :now OR last_read_at > :now THEN 1 ELSE 0 END AS posts, "
        f"CASE WHEN own_next_due_at <= :now AND name IN {listed} THEN 1 ELSE 0 END AS own FROM sources "
        "WHERE paused_at = '' AND (refused = 0 OR (refused = 2 AND last_read_at <> '' AND last_read_at <= :opens)) "
        f"AND (next_due_at <= :now OR last_read_at > :now OR (own_next_due_at <= :now AND name IN {listed})) "
        "ORDER BY name",
        {"now": stamp(now), "opens": stamp(opens), **names},
    )
    found: list[tuple[str, bool]] = []
    for row in rows:
        both = [(row["name"], True)] * bool(row["posts"]) + [(row["name"], False)] * bool(row["own"])
        found += both[::-1] if row["own_next_due_at"] < row["next_due_at"] else both
    return found


def talk_due(database: Database, now: datetime, talking: Sequence[str]) -> list[str]:
    """Which of these sources are to be read for the conversations of their cases, if they have any."""
    listed, names = marks("talking", talking)
    rows = database.rows(
        "SELECT name FROM sources WHERE paused_at = '' AND refused = 0 AND talk_next_due_at <= :now "
        f"AND name IN {listed} ORDER BY name",
        {"now": stamp(now), **names},
    )
    return [row["name"] for row in rows]


def set_due(database: Database, name: str, what: str, moment: datetime) -> None:
    """When the source is to be read next: `what` is "posts", "own" or "talk" (the conversations of open cases)."""
    column = {"posts": "next_due_at", "talk": "talk_next_due_at"}.get(what, "own_next_due_at")
    database.run(f"UPDATE sources SET {column} = :at WHERE name = :name", {"name": name, "at": stamp(moment)})


def succeeded(database: Database, name: str, now: datetime, *, new: bool) -> bool:
    """Write down a read that worked; whether that ended a failure that had been announced.

    A failure that lasted is kept among the gaps.
    """
    before = health(database, name)
    database.run(
        "UPDATE sources SET last_read_at = :now, last_success_at = :now, failures = 0, failing_since = '', "
        "refused = 0, "
        "remedy = '', announced_at = '' WHERE name = :name",
        {"name": name, "now": stamp(now)},
    )
    if before is not None and before.failing_since is not None and now - before.failing_since >= OUTAGE:
        add_gaps(database, name, [Gap(before.failing_since, now, before.last_error + READ_AGAIN)], now)
    if new:
        brought(database, name, now)
    return before is not None and before.announced_at is not None


def brought(database: Database, name: str, now: datetime) -> None:
    """Something new came of what was read."""
    database.run(
        "UPDATE sources SET last_new_at = :now, quiet_announced_at = '' WHERE name = :name",
        {"name": name, "now": stamp(now)},
    )


def failed(
    database: Database, name: str, now: datetime, error: str, remedy: str, *, refused: bool, closed: bool = False
) -> Health:
    """Write down a read that failed; how the source stands after it. `closed`: refused as a place, not as a key."""
    database.run(
        "UPDATE sources SET last_read_at = :now, failures = failures + 1, last_error = :error, last_error_at = :now, "
        "remedy = :remedy, refused = :refused, "
        "failing_since = CASE WHEN failing_since = '' THEN :now ELSE failing_since END WHERE name = :name",
        {"name": name, "now": stamp(now), "error": error, "remedy": remedy, "refused": int(refused) + int(closed)},
    )
    found = health(database, name)
    assert found is not None
    return found


def none_answers_since(known: Iterable[Health]) -> datetime | None:
    """Since when nothing that was asked has answered: two sources at least have begun to fail, and one did so twice.

    Those that failed long before, while others answered, and those that refuse our keys say nothing about it. None
    while anything answers, and where it cannot be told (a single source).
    """
    standing = [each for each in known if not each.refused]
    last = max((each.last_success_at for each in standing if each.last_success_at is not None), default=None)
    fresh = [
        each for each in standing if each.failing_since is not None and (last is None or each.failing_since > last)
    ]
    if len(fresh) < 2 or max(each.failures for each in fresh) < 2:
        return None
    return min(each.failing_since for each in fresh if each.failing_since is not None)


def announced(database: Database, name: str, now: datetime) -> None:
    """The failure of this source has been told."""
    database.run("UPDATE sources SET announced_at = :now WHERE name = :name", {"name": name, "now": stamp(now)})


def quiet_announced(database: Database, name: str, now: datetime) -> None:
    """That this source is quieter than its habit has been told."""
    database.run("UPDATE sources SET quiet_announced_at = :now WHERE name = :name", {"name": name, "now": stamp(now)})


def pause(database: Database, name: str, now: datetime | None, who: str) -> None:
    """Leave a source alone until it is resumed (`now` None resumes it)."""
    database.run(
        "UPDATE sources SET paused_at = :at, paused_by = :who WHERE name = :name",
        {"name": name, "at": stamp(now), "who": who},
    )


def read_now(database: Database, name: str, now: datetime) -> None:
    """Make a source due at once, also after a refusal."""
    database.run(
        "UPDATE sources SET next_due_at = :now, own_next_due_at = :now, refused = 0 WHERE name = :name",
        {"name": name, "now": stamp(now)},
    )


def note_quota(database: Database, name: str, quota: Quota, now: datetime) -> None:
    """What the network said is left, and what this read cost."""
    month = f"{now:%Y-%m}"
    database.run(
        "UPDATE sources SET quota_remaining = :remaining, quota_reset_at = :reset, "
        "spent = CASE WHEN spent_month = :month THEN spent + :cost ELSE :cost END, spent_month = :month "
        "WHERE name = :name",
        {
            "name": name,
            "remaining": quota.remaining,
            "reset": stamp(quota.reset_at),
            "cost": quota.cost,
            "month": month,
        },
    )


def note_cost(database: Database, name: str, cost: float, now: datetime) -> None:
    """What was asked beside the reading of pages, and cost money too."""
    database.run(
        "UPDATE sources SET spent = CASE WHEN spent_month = :month THEN spent + :cost ELSE :cost END, "
        "spent_month = :month WHERE name = :name",
        {"name": name, "cost": cost, "month": f"{now:%Y-%m}"},
    )


def cursor(database: Database, source: str, what: str) -> str:
    """Where the last read stopped; empty before the first."""
    row = database.row(
        "SELECT cursor FROM walks WHERE source = :source AND what = :what", {"source": source, "what": what}
    )
    return row["cursor"] if row else ""


def is_under_way(database: Database, source: str, what: str) -> bool:
    """Whether the last read stopped at a page that has another behind it."""
    row = database.row(
        "SELECT complete FROM walks WHERE source = :source AND what = :what", {"source": source, "what": what}
    )
    return row is not None and not row["complete"]


def save_cursor(database: Database, source: str, what: str, text: str, now: datetime, *, complete: bool) -> None:
    """Save a cursor: in the same transaction as the last rows of its page."""
    database.run(
        "INSERT INTO walks (source, what, cursor, complete, started_at, saved_at) "
        "VALUES (:source, :what, :cursor, :complete, :now, :now) ON CONFLICT (source, what) DO UPDATE SET "
        "cursor = excluded.cursor, complete = excluded.complete, saved_at = excluded.saved_at",
        {"source": source, "what": what, "cursor": text, "complete": int(complete), "now": stamp(now)},
    )


def add_gaps(database: Database, source: str, gaps: Sequence[Gap], now: datetime) -> None:
    """Spans that were not seen."""
    database.run_many(
        "INSERT INTO gaps (source, start_at, end_at, reason, noted_at) VALUES (:source, :start, :end, :reason, :now)",
        [
            {"source": source, "start": stamp(g.start), "end": stamp(g.end), "reason": g.reason, "now": stamp(now)}
            for g in gaps
        ],
    )


def gaps_since(database: Database, since: datetime) -> list[Row]:
    """Gaps that reach beyond `since`, oldest first."""
    return database.rows("SELECT * FROM gaps WHERE end_at >= :since ORDER BY start_at", {"since": stamp(since)})


def set_aside(database: Database, source: str, asides: Sequence[Aside], now: datetime, keep: int = 1000) -> None:
    """Keep malformed items with their bytes (64 kB each at most), the newest `keep` of a source."""
    database.run_many(
        "INSERT INTO aside (source, at, reason, raw) VALUES (:source, :now, :reason, :raw)",
        [{"source": source, "now": stamp(now), "reason": each.reason, "raw": each.raw[:65536]} for each in asides],
    )
    database.run(
        "DELETE FROM aside WHERE source = :source AND n <= (SELECT coalesce(max(n), 0) FROM (SELECT n FROM aside "
        "WHERE source = :source ORDER BY n DESC LIMIT 1 OFFSET :keep) AS older)",
        {"source": source, "keep": keep},
    )


def aside_counts(database: Database) -> dict[str, int]:
    """How many malformed items are kept, by source."""
    return {
        row["source"]: int(row["n"]) for row in database.rows("SELECT source, count(*) AS n FROM aside GROUP BY source")
    }


def aside_reasons(database: Database, source: str, most: int = 3) -> list[tuple[str, int]]:
    """Why items of a source were set aside, and how many for each reason: the latest reasons first."""
    rows = database.rows(
        "SELECT reason, count(*) AS n FROM aside WHERE source = :source "
        "GROUP BY reason ORDER BY max(at) DESC, reason LIMIT :most",
        {"source": source, "most": most},
    )
    return [(row["reason"], int(row["n"])) for row in rows]


def usual_gap(database: Database, name: str, least: int = 30) -> timedelta | None:
    """The 95th percentile of the time between two new mentions of a source; None while there are too few to say."""
    rows = database.rows(
        "SELECT seen_at FROM mentions WHERE source = :name ORDER BY posted_at DESC, id LIMIT 500", {"name": name}
    )
    moments = sorted((at(row["seen_at"]) for row in rows), reverse=True)
    gaps = sorted(later - earlier for later, earlier in pairwise(moments) if later > earlier)
    return gaps[int(len(gaps) * 0.95)] if len(gaps) >= least else None
