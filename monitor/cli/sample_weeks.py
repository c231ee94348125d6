"""`earful demo --week`: two weeks of the made-up brand within seconds, then their digest and the page."""

from __future__ import annotations

import os
from pathlib import Path

import typer
from rich.console import Console

from monitor.cli.base import Failed
from monitor.cli.database import progress_bar
from monitor.cli.page import serve
from monitor.reports import digest
from monitor.service import process, sample_weeks
from monitor.service.scheduler import utc_now
from monitor.settings.loading import load
from monitor.store.connect import served_by
from monitor.web import links
from monitor.wiring import assemble, know_sources, open_store


def show(path: Path) -> None:
    """Play, print the digest, and serve the page until a signal."""
    settings = load(path, os.environ)
    if served_by(settings.database.url.get_secret_value()):
        raise Failed("a demo of these weeks is already running; stop it first")
    process.throw_away(settings)
    now = utc_now()
    database = open_store(settings, now)
    try:
        know_sources(database, settings)
        assembly = assemble(settings, database, links.make(settings, database, utc_now))
        alerts, letter_file = path.with_name("alerts.txt"), path.with_name("digest.html")
        # What the console is told goes into a file meanwhile, so the bar is on stderr.
        with progress_bar(False, Console(stderr=True)) as bar, alerts.open("w", encoding="utf-8") as told:
            task = bar.add_task("two weeks", total=len(sample_weeks.moments(now, assembly)))
            sample_weeks.play(assembly, now, told, lambda: bar.advance(task))
        letter = digest.letter_of(database, assembly.rules, now, key=f"digest-{now:%Y%m%dT%H%M%S}")
        letter_file.write_text(letter.html, encoding="utf-8")
        typer.echo(f"{letter.text}\nThe digest as a mail: {letter_file}\nEvery alert of these weeks: {alerts}")
        serve(settings, database, "")
    finally:
        database.close()
