"""The sample day as `make run` would have heard it, all at once, and its page."""

from __future__ import annotations

import re
from pathlib import Path

from monitor.settings.loading import load
from monitor.store.sqlite import Sqlite
from monitor.web.server import WebServer
from monitor.wiring import assemble, know_sources
from tests.helpers import Clock

ROOT = Path(__file__).resolve().parents[2]


class SampleDay:
    """The shipped settings, with the whole day heard at once by the real collector (or nothing yet), and its page."""

    def __init__(self, folder: Path, database: Sqlite, *, heard: bool = True, more: str = "") -> None:
        text = (ROOT / "settings.toml").read_text(encoding="utf-8")
        text = re.sub(r'(?m)^kind +?= "replay"', 'kind = "replay"\nday_in = "at_once"', text)
        text = text.replace("[earful]\n", '[earful]\npage_listen = "127.0.0.1:0"\n', 1)
        (folder / "settings.toml").write_text(text + more, encoding="utf-8")
        self.database = database
        self.clock = Clock()
        settings = load(folder / "settings.toml", {})
        know_sources(database, settings)
        self.assembly = assemble(settings, database)
        for source in settings.sources if heard else ():
            self.assembly.collector.visit(source.name, "posts", self.clock)
        self.server = WebServer(lambda: self.assembly, self.clock, open_demo=True)
        assert self.server.start()
        self.address = self.server.address

    def close(self) -> None:
        self.server.stop()
