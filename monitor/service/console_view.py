"""What a person sees who runs the daemon in a terminal: posts as they arrive, the unhappy ones flagged, and why.

It reads the database beside the daemon, so that what is shown is what is stored. Logs never hold a post's text; this
does, which is why it is only for a terminal that somebody looks at.
"""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path
from typing import TextIO, cast

from rich.console import Console
from rich.text import Text

from alerts.tracked_stream import TrackedStream
from alerts.wording import clean_line, count_words, excerpt, with_remedy
from monitor.notify.case_words import words_of
from monitor.service.roles import ALL, in_order
from monitor.service.scheduler import utc_now
from monitor.settings.models import Settings
from monitor.store import cases, mentions, sources
from monitor.store.database import Database
from monitor.types import Mention


def program() -> str:
    """How a person calls this program here: what is suggested can be pasted."""
    here = Path(sys.argv[0])
    found = shutil.which("earful")
    return "earful" if found and Path(found).resolve() == here.resolve() else shlex.quote(sys.argv[0] or "earful")


def command(settings: Path) -> str:
    """The same with the settings named, unless they are those that it takes by itself."""
    if settings.absolute() == Path("settings.toml").absolute():
        return program()
    place = settings.absolute()
    near = place.relative_to(Path.cwd()) if place.is_relative_to(Path.cwd()) else place
    return f"{program()} --settings {shlex.quote(str(near))}"


_MARKS = {"ping": ("!", "bold red"), "sweep": ("?", "yellow"), "none": ("·", "dim")}
_PRAISE = ("+", "green")


class Show:
    """Prints new mentions, failing sources and what was closed or answered, a line each."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database = database
        self.settings = settings
        stream = cast(TextIO, TrackedStream(sys.stdout))
        self.console = Console(
            file=stream, highlight=False, soft_wrap=not sys.stdout.isatty(), markup=False, emoji=False
        )
        self.since = utc_now()
        self.shown: set[str] = set()
        self.failing: set[str] = set()

    def begin(self, page: str, roles: Collection[str] = ALL) -> None:
        """Say what is going on, how to read it, and where the page is ("" where none is served)."""
        names = ", ".join(brand.name for brand in self.settings.brands)
        print_ = self.console.print
        sources_read = ", ".join(source.name for source in self.settings.sources if source.enabled)
        doing = "is watching" if roles == ALL else f"works as {', '.join(in_order(roles))}"
        print_(Text.assemble(("Earful", "bold"), f" {doing} for ", (names, "bold"), f" on {sources_read}"))
        print_(
            Text.assemble(
                ("  · mention   ", "dim"), ("i for information", "cyan"), "   ", ("+ praise", "green"), "   ",
                ("? may need an answer", "yellow"), "   ", ("! needs one", "bold red"), ("\nCtrl-C stops", "dim"),
            )
        )  # fmt: skip
        if page:
            print_(Text.assemble("Web page: ", (page, "bold")))
        print_()

    def step(self) -> None:
        """Print what is new since the last step."""
        now = utc_now()
        for mention in reversed(mentions.newest_seen(self.database, self.since, 200)):
            if mention.id not in self.shown:
                self.shown.add(mention.id)
                self._mention(mention)
        self.since = now - timedelta(seconds=10)  # a transaction that began earlier may end later
        if len(self.shown) > 20000:
            self.shown.clear()
        self._sources()

    def _mention(self, mention: Mention) -> None:
        mark, style = _PRAISE if mention.verdict.praise else _MARKS[mention.verdict.lane]
        if mention.suppressed:
            mark, style = "i", "cyan"
        width = max(self.console.width, 60)
        zone = self.settings.zone
        head = Text.assemble(
            (f"{_clock(mention.post.posted_at, zone)} ", "dim"),
            (f"{mark} ", style),
            (f"{excerpt(mention.post.author, 16):<16} ", "bold" if mention.flagged else ""),
        )
        head.append(excerpt(words_of(mention), width - 26), "" if mention.flagged else "dim")
        self.console.print(head)
        if mention.flagged:
            why = " · ".join(mention.verdict.reasons) or "may need an answer"
            case = f"case {mention.case_id}" if mention.case_id else f"no case: {mention.suppressed}"
            self.console.print(Text(f"{'':9}{excerpt(f'{case}: {why}', width - 10)}", style))

    def _sources(self) -> None:
        for name, health in sources.all_health(self.database).items():
            if health.failing_since is not None and name not in self.failing:
                self.failing.add(name)
                line = clean_line(with_remedy(f"Can't read {name}: {health.last_error}", health.remedy))
                again = "" if "will retry" in line else " Earful will retry."
                self.console.print(Text(f"{line.rstrip('.')}.{again}", "yellow"))
            elif health.failing_since is None and name in self.failing:
                self.failing.discard(name)
                self.console.print(Text(f"{name} is working again", "green"))

    def end(self) -> None:
        """Say what the run came to."""
        total = mentions.counts(self.database)
        open_cases = cases.count_open(self.database)
        self.console.print()
        self.console.print(
            f"Stopped. {count_words(total['mentions'], 'mention')} found, {total['flagged']} flagged, "
            f"{count_words(open_cases.get('ping', 0), 'case')} still open.",
            markup=False,
        )
        self.console.print(f"See them with: {command(self.settings.file)} cases", markup=False, soft_wrap=True)


def _clock(moment: datetime, zone: object) -> str:
    return f"{moment.astimezone(zone):%H:%M:%S}"[:5]  # type: ignore[arg-type]
