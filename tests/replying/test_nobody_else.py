"""Nothing but a person's press posts: every route, link, tool and tick is walked. What is off is not even loaded."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from monitor.mcp_server import Desk, server_of
from monitor.replying import drafts
from monitor.service.scheduler import Engine
from monitor.store import incidents, replies, web
from monitor.store.sqlite import Sqlite
from monitor.web import links
from monitor.web.openapi import OPERATIONS
from monitor.web.routing import ROUTES
from tests.connectors.reply_contracts import CANARY
from tests.connectors.reply_mastodon import Server
from tests.fakes.server import FakeServer
from tests.helpers import LATE, NOW, post
from tests.house.reading import ROOT
from tests.replying.world import PEOPLE, SOURCE, TEXT, World, complaint, settings
from tests.web.office import Office

TICKS_READ_ONLY = 3  # rounds of every tick


@pytest.fixture
def office(tmp_path: Path, sqlite: Sqlite) -> Iterator[tuple[Office, Server, str]]:
    with FakeServer() as server:
        network = Server(server)
        source = SOURCE.format(url=server.url, more="")
        environ = {"REPLY_TOKEN": CANARY}
        made = Office(tmp_path, sqlite, tables=PEOPLE, sources=source, earful="mcp_verbs = true", environ=environ)
        (case_id,) = made.take(complaint())
        row = drafts.propose(made.assembly.replying, case_id, TEXT, who="Ana", way="api", now=NOW)
        drafts.ask_lead(made.assembly.replying, row.id, who="Ana", way="page", now=NOW)
        yield made, network, case_id
        made.close()


def test_a_token_reaches_every_call_of_the_api_and_posts_nothing(office: tuple[Office, Server, str]) -> None:
    made, network, case_id = office
    token = "a-token-of-a-program-0123456789"
    with made.database.transaction():
        web.add_token(made.database, token, "robot", "api", NOW, role="admin")
    browser = made.browser()
    (draft,) = replies.of_case(made.database, case_id)
    body = {
        "verb": "answered", "text": TEXT, "reply": TEXT, "reply_id": draft.id, "draft": draft.id, "answer": "yes",
    }  # fmt: skip
    headers = {"authorization": f"Bearer {token}"}
    tried = set()
    for each in OPERATIONS:
        given = {field.name: body[field.name] for field in each.body if field.name in body}
        path = "/api/v1" + each.path.replace("{id}", case_id)
        said = browser.http.request(each.method, path, headers=headers, json=given or None)
        tried.add((each.method, each.path, said.status_code))
    for verb in ("post", "reply", "approve", "send"):
        browser.http.post(f"/api/v1/cases/{case_id}", headers=headers, json={"verb": verb, "text": TEXT})
    for route in ROUTES:  # the page's own, with a token in place of a session
        path = route.path.replace("{id}", case_id)
        if route.method == "POST" and "{" not in path:
            browser.http.post(path, headers=headers, data={**body, "verb": "post"})
    assert any(status < 300 for _, path, status in tried if path == "/cases/{id}/drafts"), tried
    assert network.writes() == 0


def test_no_link_of_a_mail_posts(office: tuple[Office, Server, str]) -> None:
    made, network, case_id = office
    for purpose in (*links.PURPOSES, links.ALL_SOLVED):
        browser = made.browser()
        path = made.link(case_id, "console", purpose)
        if path:
            browser.get(path)
            browser.post(path, {"verb": "post", "reply": TEXT, "name": "Ana", "who": "Ana"})
    with made.database.transaction():
        incidents.begin(made.database, NOW, brand="Acme", kind="volume", start_at=NOW, people=9)
    made.take(*(post(LATE, author=f"c{number}", native_id=f"n{number}") for number in range(3)))  # one problem
    shown = []
    for purpose, what in links.SHARED.items():
        path = made.link(f"{what}:1", purpose=purpose)
        browser = made.browser()
        shown.append(browser.get(path).status_code)
        given = {"reply": TEXT, "text": TEXT, "name": "Ana", "who": "Ana", "url": "https://example.org/1"}
        proof = links.proof_of(path.rpartition("/")[2])
        for verb in ("post", "reply", "approve", "send", "said", "end", "take", "release"):
            browser.post(path, {**given, "proof": proof, "verb": verb})
    assert shown == [200, 200]
    (row, *_) = replies.of_case(made.database, case_id)
    assert row.state == "waiting"
    assert network.writes() == 0


def test_no_tick_posts_and_an_approved_looking_draft_stays(here: World) -> None:
    row = drafts.ask_lead(here.replying, here.draft().id, who="Ana", way="page", now=NOW)
    engine = Engine(here.assembly, here.clock, beside=False)
    for _ in range(TICKS_READ_ONLY):
        for tick in engine.ticks():
            if tick.name not in {"audit"}:
                tick.work()
        here.forward(30)
    assert here.row(row.id).state == "waiting"
    assert here.network.writes() == 0


async def _every_tool(server: Any, case_id: str) -> list[str]:
    called = []
    for tool in await server.list_tools():
        known = {"case": case_id, "text": TEXT, "verb": "answered", "query": "kettle"}
        wanted = tool.input_schema.get("properties", {})
        await server.call_tool(tool.name, {name: known[name] for name in wanted if name in known})
        called.append(tool.name)
    return called


def test_no_tool_of_an_assistant_posts(office: tuple[Office, Server, str]) -> None:
    pytest.importorskip("mcp")
    import asyncio

    made, network, case_id = office
    desk = Desk(lambda: made.assembly, made.clock, "Ana's assistant")
    called = asyncio.run(_every_tool(server_of(desk), case_id))
    assert "propose_reply" in called
    assert {row.way for row in replies.of_case(made.database, case_id)} == {"api", "mcp"}
    assert network.writes() == 0


CHILD = """
import json, os, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from monitor.settings.loading import load
from monitor.service.scheduler import Engine
from monitor.wiring import assemble, know_sources, open_store
now = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
settings = load(Path(sys.argv[1]), os.environ)
database = open_store(settings, now)
know_sources(database, settings)
assembly = assemble(settings, database)
engine = Engine(assembly, lambda: now, beside=False)
for minute in range(3):
    engine.collect_due(); engine.replies_due(); engine.refresh_due(); engine.deliver_due()
    now += timedelta(minutes=6)
print(json.dumps(sorted(name for name in sys.modules if name.endswith(".reply"))))
"""


@pytest.mark.parametrize("on", [False, True])
def test_without_the_setting_nothing_that_writes_is_loaded_and_only_reads_leave(tmp_path: Path, on: bool) -> None:
    with FakeServer() as server:
        network = Server(server)
        server.route("/api/v1/timelines/tag/*", [[]])
        made = settings(tmp_path, server)
        text = made.file.read_text("utf-8").replace("sqlite:unused.sqlite", f"sqlite:{tmp_path / 'child.sqlite'}")
        text = text.replace('kind = "hackernews"', f'kind = "hackernews"\napi_url = "{server.url}/hn"')
        made.file.write_text(text if on else text.replace("reply = true", "reply = false"), "utf-8")
        ran = subprocess.run(
            [sys.executable, "-c", CHILD, str(made.file)], cwd=ROOT, capture_output=True, text=True, timeout=120,
            check=False, env={"PATH": "/usr/bin", "REPLY_TOKEN": CANARY},
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        loaded = json.loads(ran.stdout.splitlines()[-1])
        assert loaded == (["connectors.mastodon.reply"] if on else [])
        assert len(server.ledger) > 2
        assert {seen.method for seen in server.ledger} == {"GET"}
        sent_secret = [seen for seen in server.ledger if CANARY in str(seen.headers)]
        assert sent_secret == [], "the credentials for writing are no use for reading"
        assert network.writes() == 0
