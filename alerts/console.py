"""The terminal: an alert as a calm block of lines, for `make run` and for whoever watches the daemon's output.

An edit is one dim line, for paper cannot be changed in place. A colour means priority, and nothing else has one.
"""

from __future__ import annotations

import io
import json
import sys
import threading
from typing import Literal, TextIO

from pydantic import BaseModel, ConfigDict, Field
from rich.cells import cell_len
from rich.console import Console as Terminal
from rich.text import Text

from alerts import Alert, ChannelError, Entry, Letter, Receipt, wording
from alerts.tracked_stream import TrackedStream

_COLOURS = {"critical": "bold red", "urgent": "yellow"}
_BARS = {"critical": "█ ", "urgent": "▌ "}  # for eyes and terminals without colours
_WIDEST = 100  # beyond that an eye loses the line


class Settings(BaseModel):
    """[[channels]] of kind "console"."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stream: Literal["stdout", "stderr"] = Field("stdout", description="where to write")
    width: int = Field(0, ge=0, le=500, description="columns; 0: as wide as the terminal, or 80 without one")
    colour: bool | None = Field(None, description="true or false; default: colours on a terminal only")


class Console:
    """Staff are told where the daemon runs."""

    seconds_between = 0.0
    wakes = False

    def __init__(self, settings: Settings, stream: TextIO | None = None) -> None:
        """Write to `stream` where it is given, else to the one that the settings name, as it is at that moment."""
        self.settings = settings
        self._stream = stream
        self._lock = threading.Lock()

    def send(self, message: Alert | Letter, target: str, *, plain: bool = False) -> Receipt:  # noqa: ARG002
        """Write one block. The console has one place, so `target` says nothing."""
        if isinstance(message, Letter):
            self._write(_letter(message))
            return Receipt()
        self._write(_plain(message) if plain else _block(message))
        return Receipt(json.dumps({"cases": [entry.case_id for entry in message.entries]}))

    def edit(self, alert: Alert, target: str, receipt: Receipt) -> Receipt:  # noqa: ARG002
        """Say in one dim line what has changed."""
        self._write([Text("  " + _change(alert), style="dim")])
        return receipt

    def follow_up(self, alert: Alert, target: str, receipt: Receipt) -> Receipt:
        """Write another block: a terminal has no threads."""
        self.send(alert, target)
        return receipt

    def check(self) -> str:
        """Say where alerts will be seen."""
        return f"writes to {self.settings.stream}"

    def _write(self, lines: list[Text]) -> None:
        """Write whole lines at once, so that two threads never mix theirs."""
        stream = self._stream or (sys.stdout if self.settings.stream == "stdout" else sys.stderr)
        try:
            said = self._lines(lines, stream)
            encoding = getattr(stream, "encoding", None) or "utf-8"
            tracked = TrackedStream(stream)
            with self._lock:
                if tracked.is_blank:  # the block before ends with one already
                    said = said.removeprefix("\n")
                tracked.write(said.encode(encoding, "replace").decode(encoding))
                stream.flush()
        except (OSError, ValueError) as error:
            # A closed pipe, or a closed stream: nobody is reading any more.
            raise ChannelError(
                f"console: can't write to {self.settings.stream} ({type(error).__name__})",
                channel_broken=True,
                remedy="nothing reads this output any more; set up another channel in settings.toml",
            ) from None

    def _lines(self, lines: list[Text], stream: TextIO) -> str:
        """Paint and wrap for that stream."""
        written = io.StringIO()
        terminal = Terminal(
            file=written,
            highlight=False,
            markup=False,
            emoji=False,
            force_terminal=stream.isatty() if self.settings.colour is None else self.settings.colour,
            width=self.settings.width or None,
            legacy_windows=False,
        )
        width = max(min(terminal.width, _WIDEST), 20)
        for line in lines:
            _print(terminal, line, width)
        return written.getvalue()


def _print(terminal: Terminal, line: Text, width: int) -> None:
    """Print one logical line; what does not fit goes on below, beside the same bar. An address is never broken."""
    indent = len(line.plain) - len(line.plain.lstrip(" ▌█"))
    head, rest = line[:indent], line[indent:]
    if cell_len(line.plain) <= width or not rest.plain or rest.plain.startswith(("http://", "https://")):
        terminal.print(line, overflow="ignore", no_wrap=True, crop=False)
        return
    for part in rest.wrap(terminal, max(width - indent, 10), overflow="fold"):
        part.rstrip()
        terminal.print(head + part, overflow="ignore", no_wrap=True, crop=False)


def _block(alert: Alert) -> list[Text]:
    """One case: bar, who and where, the words, why. Several: a title, then each of them, then the short lines."""
    single = len(alert.entries) == 1 and not alert.more and not alert.also
    lines = [Text()]
    if not single:
        lines += [Text(wording.title(alert), style="bold"), Text()]
    for number, entry in enumerate(alert.entries):
        if number:
            lines.append(Text())
        lines += _entry(entry)
    also = wording.fitting(alert.also, 4_000)
    if also:
        lines.append(Text())
    for line in also:
        lines.append(Text("  " + line.text))
        lines += [Text("  " + address, style="dim") for address in (line.url or line.page_url,) if address]
    named = wording.numbered(alert.entries[0], wording.title(alert)) if single else ""
    foot = [wording.rest_line(alert, len(also)), named, wording.excerpt(alert.footer, 300)]
    foot += [wording.title(alert)] if single else []
    said = " · ".join(line for line in foot if line)
    return [*lines, *([Text("  " + said, style="dim")] if said else []), Text()]


def _entry(entry: Entry) -> list[Text]:
    bar = _BARS.get(entry.priority, "  ")
    colour = _COLOURS.get(entry.priority, "")
    standing = wording.excerpt(entry.standing, 200)
    said = wording.entry_lines(entry)
    lines = []
    for number, line in enumerate(said):
        quote = line.startswith(('"', "\u2068"))
        look = "bold" if number == 0 or line == standing else "" if quote else "dim"
        lines.append(Text.assemble((bar, colour), (line, look)))
    address = wording.link(entry.url) or wording.link(entry.page_url)
    if address:
        lines.append(Text.assemble((bar, colour), address))
    return lines


def _plain(alert: Alert) -> list[Text]:
    return [Text(line) for line in ["", *wording.alert_lines(alert, budget=1_200, words=140)]]


def _change(alert: Alert) -> str:
    """Put an edit into one line: "case 12 taken by Ana, 09:16"."""
    if len(alert.entries) == 1 and not alert.more:
        entry = alert.entries[0]
        standing = wording.excerpt(entry.standing, 200)
        return f"case {wording.excerpt(entry.case_id, 60)} {standing or 'is open'}"
    return wording.title(alert)


def _letter(letter: Letter) -> list[Text]:
    subject = wording.excerpt(letter.subject, 150)
    lines = [Text(), Text(subject, style="bold")] if subject else [Text()]
    return [*lines, Text(), *(Text("  " + wording.clean_line(line)) for line in letter.text[:100_000].splitlines())]
