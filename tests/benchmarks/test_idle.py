"""The installation that is measured while nobody writes: twenty sources of many kinds, that load and can be read."""

from __future__ import annotations

from pathlib import Path

from benchmarks.idle import KINDS, SOURCES, nothing_new, settings_of
from connectors import Request
from monitor.settings.loading import load
from monitor.store.sqlite import Sqlite
from monitor.wiring import connector_of
from tests.connectors.contracts import NOW
from tests.fakes.server import FakeServer


def test_its_sources_load_and_find_nothing_without_an_error(tmp_path: Path, sqlite: Sqlite) -> None:
    with FakeServer() as server:
        nothing_new(server)
        (tmp_path / "settings.toml").write_text(settings_of(server.url, SOURCES, "sqlite:earful.sqlite"), "utf-8")
        settings = load(tmp_path / "settings.toml", {"KEY": "a-key-of-the-benchmark"})
        assert len(settings.sources) == SOURCES
        assert {source.kind for source in settings.sources} == set(KINDS)
        for source in settings.sources[: len(KINDS)]:
            request = Request(source.name, ("Harbour Tea",), "", NOW, NOW)
            assert connector_of(settings, source, sqlite).fetch(request).posts == ()
