"""`earful case ID reply`: a person at a terminal writes, sees who would post it where, and types yes for that text."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime

import typer
from rich.text import Text

from alerts.case import Case
from connectors import ConnectorError
from connectors.text import clean
from monitor.cli.base import Failed, console, speaker
from monitor.people.actors import refusal
from monitor.people.identity import Actor
from monitor.replying import drafts, press
from monitor.replying.context import Replying, Seen, parent_mark, parent_of, said_so_far, why_not
from monitor.store import cases
from monitor.store.replies import ReplyRow
from monitor.text.normalize import safe_line
from monitor.wiring import Assembly

WAY = "command line"


def reply(assembly: Assembly, case_id: str, name: str, text: str, now: datetime, show: Callable[[], None]) -> None:
    """Write a reply to a case; `show` prints its conversation. Without a terminal it only leaves a draft."""
    if not name:
        raise Failed("name who replies: earful case ID reply --as NAME")
    who, replying = speaker(assembly, name, "reply"), assembly.replying
    case = cases.one(assembly.database, clean(case_id)[:40])
    if case is None:
        raise Failed(f"there is no case {safe_line(case_id)[:40]}; earful cases lists all cases")
    parent = parent_of(assembly.database, case)
    if why := why_not(replying, case, parent):
        raise Failed(why)
    assert parent is not None
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    if not terminal:
        row = _kept(replying, case, text or sys.stdin.read(), who, now)
        typer.echo(f"case {case.id}: kept as draft {row.id[:8]}; nothing was posted. A person posts it, on the page")
        return
    try:
        standing = replying.writers.standing(case.source, now)
    except ConnectorError as error:
        raise Failed(f"can't tell which account would post: {error.message}. {error.remedy}") from error
    seen_so_far = said_so_far(assembly.database, case.id)
    show()
    writer = replying.writers.of(case.source)
    row = _kept(replying, case, text or _typed(writer.opening(parent)), who, now)
    console.print()
    console.print(Text(row.text))
    length = writer.length(row.text)
    console.print(Text(f"{length:,} of {standing.longest:,} characters, in reply to {safe_line(parent.url)}", "dim"))
    if writer.price:
        console.print(Text(f"{writer.price}.", "dim"))
    if replying.needs_lead(case.source) and refusal(who, "approve reply"):
        drafts.ask_lead(replying, row.id, who=who, way=WAY, now=now)
        typer.echo("Nothing was posted: a lead has to approve it, on the page.")
        return
    if not _agreed(standing.account, writer.network):
        typer.echo("Nothing was posted; it is kept as a draft on the case.")
        return
    seen = Seen(row.mark, parent_mark(parent), standing.account, seen_so_far)
    pressed = press.press(replying, row.id, seen, who=who, way=WAY, now=now)
    if pressed.state != "sent":
        raise Failed(pressed.words)
    typer.echo(f"case {case.id}: {pressed.words} {pressed.url}".rstrip())


def _kept(replying: Replying, case: Case, text: str, who: Actor, now: datetime) -> ReplyRow:
    return drafts.keep(replying, case.id, drafts.new_id(), text, who=who, way=WAY, now=now)


def _typed(opening: str) -> str:
    """What is typed until a line with nothing but a dot; `opening` stands before it, so that its author hears of it."""
    begins = f" It begins with {opening.strip()}" if opening else ""
    typer.echo(f"Write the reply; a line with only a dot ends it.{begins}")
    lines: list[str] = []
    for line in sys.stdin:
        if line.rstrip("\r\n") == ".":
            break
        lines.append(line)
    typed = "".join(lines).strip()
    return f"{opening}{typed}" if typed and not typed.startswith(opening.strip()) else typed


def _agreed(account: str, network: str) -> bool:
    """Whether whoever sits there types yes; there is no option that says it for them."""
    sys.stdout.write(f"Post publicly as {safe_line(account)} on {network}? Type yes to post: ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().casefold() == "yes"
