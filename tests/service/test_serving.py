"""The page whose address is taken: told once, and served when it is free."""

from __future__ import annotations

import socket
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from monitor.service import serving
from monitor.service.scheduler import Engine
from monitor.service.serving import Serving
from monitor.store import notices
from monitor.store.database import stamp
from monitor.web.server import WebServer
from tests.helpers import Clock, assembly_of, settings_from
from tests.service.test_scheduler import Base, until


def test_a_page_whose_address_is_taken_is_told_once_and_served_when_it_is_free(
    database: Base, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Links in alerts led nowhere, and what other programs sent arrived nowhere, until the next start."""
    clock = Clock()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        settings = settings_from(tmp_path, earful=f'page_listen = "127.0.0.1:{port}"')
        engine = Engine(assembly_of(database, settings))
        page = WebServer(lambda: engine.assembly, clock)
        kept = Serving(page, engine, clock)
        assert not kept.begin()
        monkeypatch.setattr(serving, "EVERY", 0.0)
        for _ in range(3):
            kept.look()
    assert not page.serves
    (row,) = database.rows("SELECT id, about, due_at, payload FROM deliveries")
    assert f"can't listen on 127.0.0.1:{port} (Address already in use)" in row["payload"]
    assert row["due_at"] == stamp(clock.now + serving.PATIENCE)
    clock.forward(timedelta(minutes=1))
    kept.look()
    try:
        until(lambda: page.serves and httpx2.get(f"http://127.0.0.1:{port}/health").status_code == 200)
        kept.look()
        assert [each.state for each in notices.of(database, row["about"].partition(":")[2])] == ["dead"], (
            "nobody need be told"
        )
    finally:
        page.stop()
