"""What the assistant answered, kept for a while, and how often it was asked on each day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.store.database import Database, marks, stamp

KEPT = timedelta(days=30)  # a question that nobody asked again within a month is asked anew

BATCH = 500


@dataclass(frozen=True, slots=True)
class Day:
    """One day's questions: how many went out, how many of them failed, and the tokens that the server counted."""

    answers: int = 0
    failures: int = 0
    tokens: int = 0


def kept(database: Database, mark: str) -> str | None:
    """What was answered to exactly this question."""
    row = database.row("SELECT body FROM assistant_answers WHERE mark = :mark AND body <> ''", {"mark": mark})
    return row["body"] if row is not None else None


def expect(database: Database, mark: str, task: str, posts: Sequence[str], cases: Sequence[str], now: datetime) -> None:
    """Before a question leaves: what its answer is forgotten with, even on its way. Inside a transaction."""
    database.run(
        "INSERT INTO assistant_answers (mark, task, body, at) VALUES (:mark, :task, '', :now) "
        "ON CONFLICT (mark) DO UPDATE SET at = excluded.at",
        {"mark": mark, "task": task, "now": stamp(now)},
    )
    about = {("post", each) for each in posts} | {("case", each) for each in cases}
    database.run_many(
        "INSERT INTO assistant_about (mark, what, id) VALUES (:mark, :what, :id) ON CONFLICT DO NOTHING",
        [{"mark": mark, "what": what, "id": each} for what, each in sorted(about)],
    )


def keep(database: Database, mark: str, body: str, now: datetime) -> None:
    """Keep an answer that was expected, unless what it was made of was forgotten meanwhile. Inside a transaction."""
    database.run(
        "UPDATE assistant_answers SET body = :body, at = :now WHERE mark = :mark",
        {"mark": mark, "body": body, "now": stamp(now)},
    )


def expect_no_more(database: Database, mark: str) -> None:
    """No answer came. Inside a transaction."""
    database.run("DELETE FROM assistant_answers WHERE mark = :mark AND body = ''", {"mark": mark})


def forget(database: Database, what: str, ids: Sequence[str]) -> None:
    """Delete every answer that was made of these ("post" or "case"). Inside a transaction."""
    for start in range(0, len(ids), BATCH):
        clause, values = marks("i", ids[start : start + BATCH])
        theirs = f"SELECT mark FROM assistant_about WHERE what = :what AND id IN {clause}"
        database.run(f"DELETE FROM assistant_answers WHERE mark IN ({theirs})", {**values, "what": what})


def of_nobody_else(database: Database, posts: Sequence[str], cases: Sequence[str]) -> list[str]:
    """The answers (by their marks) that were made of these posts and cases, and of no others."""
    found: dict[str, None] = {}
    theirs = {("post", each) for each in posts} | {("case", each) for each in cases}
    for what, ids in (("post", posts), ("case", cases)):
        for start in range(0, len(ids), BATCH):
            clause, values = marks("i", ids[start : start + BATCH])
            rows = database.rows(
                f"SELECT DISTINCT mark FROM assistant_about WHERE what = :what AND id IN {clause}",
                {**values, "what": what},
            )
            found.update((row["mark"], None) for row in rows)
    return [mark for mark in found if _about(database, mark) <= theirs]


def _about(database: Database, mark: str) -> set[tuple[str, str]]:
    rows = database.rows("SELECT what, id FROM assistant_about WHERE mark = :mark", {"mark": mark})
    return {(row["what"], row["id"]) for row in rows}


def trim(database: Database, now: datetime) -> None:
    """Delete what is older than `KEPT`."""
    database.run("DELETE FROM assistant_answers WHERE at < :before", {"before": stamp(now - KEPT)})


def take(database: Database, day: str, budget: int) -> bool:
    """Whether one more may be asked on this day ("2026-03-04"); it is counted at once. Inside a transaction."""
    database.run(
        "INSERT INTO assistant_days (day, answers, failures, tokens) VALUES (:day, 0, 0, 0) ON CONFLICT DO NOTHING",
        {"day": day},
    )
    return (
        database.run(
            "UPDATE assistant_days SET answers = answers + 1 WHERE day = :day AND answers < :budget",
            {"day": day, "budget": budget},
        )
        == 1
    )


def count(database: Database, day: str, *, answers: int = 0, failures: int = 0, tokens: int = 0) -> None:
    """Add to the figures of a day on which something was taken."""
    database.run(
        "UPDATE assistant_days SET answers = answers + :answers, failures = failures + :failures, "
        "tokens = tokens + :tokens WHERE day = :day",
        {"day": day, "answers": answers, "failures": failures, "tokens": tokens},
    )


def day(database: Database, day: str) -> Day:
    """The figures of a day."""
    row = database.row("SELECT answers, failures, tokens FROM assistant_days WHERE day = :day", {"day": day})
    return Day(int(row["answers"]), int(row["failures"]), int(row["tokens"])) if row is not None else Day()
