"""What is told of problems: all that wait for one target at once in one message, each with whose it is by now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from alerts import Action, Alert, Line
from alerts.wording import count_words
from monitor.notify import holding
from monitor.settings.rules import Rules
from monitor.store import causes, deliveries, notices, problems
from monitor.store.database import Database, Row
from monitor.store.deliveries import QUIET, Delivery
from monitor.types import SignedLink

PRESSES = 5  # problems of one message that can be taken there; the page has all
TAKE = "take_problem"  # the purpose of the link in a mail


def number_of(row: Delivery) -> int:
    """The number of the problem that a row tells of."""
    return int(row.about.removeprefix(holding.PROBLEM).partition(":")[0])


def together(database: Database, rows: Sequence[Delivery], target: str, now: datetime) -> list[Delivery]:
    """Of several problems that wait for a target the first carries the others, those that are due later too.

    What an open incident holds back, and what waits for the next list, goes on waiting.
    """
    first = next((row for row in rows if _waits(row)), None)
    if first is None:
        return list(rows)
    others = [row for row in notices.waiting_for(database, holding.PROBLEM, target) if row.id != first.id]
    others = [row for row in others if _waits(row) and not holding.overtaken(database, row)]
    held = holding.held_until(database, others, now)
    joining = {row.id for row in others if row.id not in held}
    deliveries.carry(database, first.id, sorted(joining))
    return [row for row in rows if row.id not in joining]


def _waits(row: Delivery) -> bool:
    told = row.about.startswith(holding.PROBLEM) and row.action == "post" and row.reason != QUIET
    return told and row.state in {"pending", "retry"}


def problem_message(
    database: Database, rules: Rules, root: Delivery, carried: Sequence[Delivery], link: SignedLink, revision: int = 0
) -> Alert:
    """The message of `root` with what it carries: one line for each problem, the newest word of each."""
    told = {number_of(row): row for row in sorted((root, *carried), key=lambda row: (row.created_at, row.id))}
    rows = {number: problems.one(database, number) for number in told}
    free = [number for number, row in rows.items() if row is not None and _is_free(row)]
    base = rules.settings.earful.page_url.rstrip("/")
    lines, actions = [], []
    for number, row in rows.items():
        words, page = str(told[number].payload.get("title", "")), f"{base}/problems/{number}"
        standing = _standing(row)
        lines.append(Line(standing if len(told) == 1 else f"{words} · {standing}", page))
        if number in free[:PRESSES]:
            label = "I have it" if len(told) == 1 else f"I have it: {_name(database, row)}"
            subject = f"problem:{number}"
            actions.append(Action("take", label, subject, link(subject, root.target, TAKE)))
    title = str(root.payload.get("title", ""))
    if len(told) > 1:
        title = f"{count_words(len(told), 'problem')}, {f'{len(free):,} not taken' if free else 'none of them open'}"
    return Alert(
        key=root.id,
        reason=root.reason,
        title=title,
        entries=(),
        also=tuple(lines),
        actions=tuple(actions),
        thread=root.about,
        revision=revision,
        kind="notice",
    )


def _is_free(row: Row) -> bool:
    return not (row["owner"] or row["fixed_at"] or row["joined"])


def _standing(row: Row | None) -> str:
    if row is None:
        return "no longer listed"
    if row["joined"]:
        return f"now part of problem {row['joined']}"
    if row["fixed_at"]:
        return f"fixed by {row['fixed_by']}" if row["fixed_by"] else "fixed"
    return f"taken by {row['owner']}" if row["owner"] else "nobody has taken it"


def _name(database: Database, row: Row | None) -> str:
    cause = causes.one(database, row["cause_id"]) if row is not None else None
    return str(cause["name"]) if cause is not None else "this problem"
