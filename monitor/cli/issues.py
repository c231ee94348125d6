"""`earful case ID issue`: a person at a terminal reads title and text, and types yes to create that issue."""

from __future__ import annotations

import sys
from datetime import datetime

import typer
from rich.text import Text

from connectors.text import clean
from monitor.cli.base import Failed, console, speaker
from monitor.text.normalize import safe_line
from monitor.trackers import creating, prefill
from monitor.trackers.clients import Subject, address_of
from monitor.wiring import Assembly

WAY = "command line"


def issue(assembly: Assembly, case_id: str, name: str, text: str, now: datetime) -> None:
    """Create an issue of a case; `text` stands in place of the proposed one. Without a terminal nothing is created."""
    tracking, subject = assembly.tracking, Subject(case_id=clean(case_id)[:40])
    if not name:
        raise Failed("name who creates it: earful case ID issue --as NAME")
    who = speaker(assembly, name, "issue")
    trackers = tracking.trackers.names()
    tracker = tracking.trackers.of(trackers[0]) if trackers else None
    if tracker is None:
        raise Failed("no tracker is set up: add one under [[trackers]] in the settings")
    proposed = prefill.of(assembly.database, assembly.rules, subject)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Failed(f"an issue is created at a terminal, or on its page: {address_of(assembly.rules, subject)}/issue")
    text = text or proposed.text
    console.print(Text(safe_line(proposed.title), "bold"))
    for line in text.splitlines():
        console.print(Text(safe_line(line)), soft_wrap=True)
    sys.stdout.write(f"Create this issue in {tracker.place} on {tracker.network}? Type yes to create it: ")
    sys.stdout.flush()
    if sys.stdin.readline().strip().casefold() != "yes":
        typer.echo("Nothing was created.")
        return
    pressed = creating.create(
        tracking, subject, creating.new_id(), trackers[0], proposed.title, text, who=who, way=WAY, now=now
    )
    if pressed.state != "open":
        raise Failed(pressed.words)
    typer.echo(f"case {subject.case_id}: {pressed.words} {pressed.url}".rstrip())
