"""What the case page shows of answering from here: who would post, drafts, what is on its way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from alerts.case import Case
from connectors import ConnectorError
from monitor.replying import drafts, taking_back
from monitor.replying.context import parent_mark, parent_of, said_so_far, why_not
from monitor.store import replies
from monitor.store.replies import ReplyRow
from monitor.web.routing import RequestContext

_ORIGINS = {"api": "proposed by a program", "mcp": "proposed by an assistant", "command line": "written at a terminal"}
_STATES = {
    "draft": "draft",
    "waiting": "waits for a lead",
    "refused": "refused by the network",
    "inflight": "being posted",
    "unsure": "perhaps posted: look",
    "sent": "posted",
    "withdrawing": "being withdrawn",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One reply of the case, as it is shown."""

    row: ReplyRow
    state: str
    origin: str
    may_take_back: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    """The form. Its fields travel with the press: what somebody sees is what they post."""

    network: str = ""
    account: str = ""
    price: str = ""
    longest: int = 0
    trouble: str = ""  # why nothing can be posted now
    needs_lead: bool = False  # of whoever looks
    reply_id: str = ""
    was: str = ""
    parent: str = ""
    said: int = 0
    text: str = ""
    drafted: bool = False  # what stands in it began as a model's
    again: int = 0  # how many times a model has drafted for this case
    lines: tuple[Line, ...] = ()


def box_of(context: RequestContext, case: Case, *, text: str = "", typed: Any = None) -> Box | None:
    """The box of a case; None where replies are off for its source. `typed` is a form that is shown once more."""
    replying = context.assembly.replying
    if not replying.is_on(case.source):
        return None
    database, now = context.database, context.now
    rows = replies.of_case(database, case.id)
    chosen = next((row for row in rows if row.id == context.query("draft") and row.state in _STATES), None)
    reply_id = typed.get("reply_id")[:40] if typed is not None else ""
    parent = parent_of(database, case)
    writer = replying.writers.of(case.source)
    trouble = why_not(replying, case, parent)
    account, longest = "", 0
    if not trouble:
        try:
            standing = replying.writers.standing(case.source, now)
            account, longest = standing.account, standing.longest
        except ConnectorError as error:
            trouble = f"can't tell which account would post: {error.message}. {error.remedy}"
    kept = next((row for row in rows if row.id == reply_id), chosen)
    opening = writer.opening(parent) if parent is not None and not trouble else ""
    return Box(
        network=writer.network,
        account=account,
        price=writer.price,
        longest=longest,
        trouble=trouble,
        needs_lead=replying.needs_lead(case.source) and not context.who.may("lead"),
        reply_id=reply_id or (chosen.id if chosen is not None else drafts.new_id()),
        was=kept.mark if kept is not None else "",
        parent=parent_mark(parent) if parent is not None else "",
        said=said_so_far(database, case.id),
        text=text or (chosen.text if chosen is not None else opening),
        drafted=kept is not None and kept.drafted != "",
        again=sum(1 for row in rows if row.drafted),
        lines=tuple(_lines(context, rows)),
    )


def _lines(context: RequestContext, rows: list[ReplyRow]) -> list[Line]:
    replying, found = context.assembly.replying, []
    for row in rows:
        back = taking_back.can(replying, row, context.now)
        if row.state in _STATES and (row.state != "sent" or back):
            found.append(Line(row, _STATES[row.state], _origin(row), back))
    return found


def _origin(row: ReplyRow) -> str:
    if row.drafted:
        return "drafted by the assistant" + ("" if row.is_unchanged else ", then changed")
    return _ORIGINS.get(row.way, "")
