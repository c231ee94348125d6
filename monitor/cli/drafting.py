"""`earful case ID draft`: what a model of your own would answer, kept as a draft of the case for a person to post."""

from __future__ import annotations

from datetime import datetime

import typer
from rich.text import Text

from connectors.text import clean
from monitor.assistant import draft_box
from monitor.assistant.draft import NoDraft, draft_of
from monitor.cli.base import Failed, console, speaker
from monitor.cli.replying import WAY
from monitor.store import cases
from monitor.text.normalize import safe_line
from monitor.wiring import Assembly


def draft(assembly: Assembly, case_id: str, name: str, now: datetime) -> None:
    """Print a draft for a case and keep it; where the source can't be answered from here, it is only printed."""
    if not name:
        raise Failed("name who asks: earful case ID draft --as NAME")
    who, replying = speaker(assembly, name, "reply"), assembly.replying
    case = cases.one(assembly.database, clean(case_id)[:40])
    if case is None:
        raise Failed(f"there is no case {safe_line(case_id)[:40]}; earful cases lists all cases")
    again = draft_box.asked_before(replying, case)
    found = draft_of(assembly.assistant, replying, case, name=who.name, now=now, again=again)
    if isinstance(found, NoDraft):
        raise Failed(found.words)
    console.print(Text(found.text), soft_wrap=True)
    console.print(Text(f"{safe_line(found.origin)}.", "dim"), soft_wrap=True)
    if not replying.is_on(case.source):
        typer.echo(f"Earful only reads {safe_line(case.source)}: copy it, and answer there.")
        return
    row = draft_box.keep(replying, case, found, who=who, way=WAY, now=now)
    typer.echo(f"case {case.id}: kept as draft {row.id[:8]}; nothing was posted. A person posts it, on the page")
