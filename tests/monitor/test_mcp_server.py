"""The tools that an assistant calls, through the official package's own client."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from monitor.cases import actions
from monitor.mcp_server import Desk, NoSuch, server_of
from monitor.people.identity import of_assistant
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.fakes.language_model import FakeModel
from tests.fakes.server import FakeServer
from tests.helpers import CALM, INJURY, LATE, NOW, Clock, assembly_of, case, lines, post, settings_from, take

READS = {
    "list_unanswered",
    "list_causes",
    "get_case",
    "search_mentions",
    "week_report",
    "list_incidents",
    "explain_text",
}


@pytest.fixture(scope="module", autouse=True)
def mcp() -> Any:
    """The package, loaded by the one worker that runs these tests and not by each that collects them."""
    return pytest.importorskip("mcp", reason="NOT TESTED: the mcp package is not installed (pip install -e '.[mcp]')")


def made(folder: Path, database: Sqlite | Postgresql, earful: str = "") -> tuple[Assembly, Desk]:
    assembly = assembly_of(database, settings_from(folder, earful=earful))
    return assembly, Desk(lambda: assembly, Clock(), "Ana's assistant")


def ask(desk: Desk, *calls: tuple[str, Mapping[str, Any]]) -> list[Any]:
    """Call tools one after the other through a client; an answer, or the words of the fault."""

    from mcp import Client

    async def talk() -> list[Any]:
        found = []
        async with Client(server_of(desk)) as client:
            for name, values in calls:
                result = await client.call_tool(name, dict(values))
                text = result.content[0].text
                found.append(text if result.is_error else json.loads(text))
        return found

    return asyncio.run(talk())


def tools(desk: Desk) -> dict[str, Any]:
    from mcp import Client

    async def talk() -> dict[str, Any]:
        async with Client(server_of(desk)) as client:
            return {tool.name: tool for tool in (await client.list_tools()).tools}

    return asyncio.run(talk())


def test_an_assistant_finds_the_most_urgent_first_and_why(tmp_path: Path, database: Sqlite | Postgresql) -> None:
    assembly, desk = made(tmp_path, database)
    (late,) = take(assembly, post(LATE, author="olga"))
    (hurt,) = take(assembly, post(INJURY, author="nils"))
    (answer,) = ask(desk, ("list_unanswered", {}))
    assert [each["id"] for each in answer["cases"]] == [hurt, late]
    assert answer["cases"][0]["priority"] == "critical"
    assert answer["cases"][0]["reasons"]
    assert answer["totals"]["waiting"] == 2
    whole, found, report, incidents, listed, explained = ask(
        desk, ("get_case", {"case": late}), ("search_mentions", {"query": "awful AND NOT kettle"}),
        ("week_report", {"days": 7}), ("list_incidents", {}), ("list_causes", {}), ("explain_text", {"text": LATE}),
    )  # fmt: skip
    assert incidents["incidents"] == []
    assert whole["mentions"][0]["text"] == LATE
    assert [each["text"] for each in found["mentions"]] == [LATE]
    assert report["cases"] == 2
    assert next(each for each in listed["causes"] if each["name"].startswith("Late"))["people"] == 1
    assert listed["problems"] == []
    assert (explained["brand"], explained["lane"]) == ("Acme", "ping")
    assert explained["voices"]


def test_the_list_keeps_to_its_limit_over_all_states(tmp_path: Path, sqlite: Sqlite) -> None:
    assembly, desk = made(tmp_path, sqlite)
    take(assembly, *(post(f"{LATE} {n * 104729}", author=f"a{n}", thread_id=f"t{n}") for n in range(6)))
    for limit in (1, 3, 6, 50):
        assert len(desk.list_unanswered("", "", limit)["cases"]) == min(limit, 6)
    assert len(desk.list_unanswered("", "", -5)["cases"]) == 1
    assert desk.list_unanswered("Nobody", "", 5)["cases"] == []
    actions.say(sqlite, assembly.rules, "2", "take", who=of_assistant("Ana"), way="mcp", now=NOW)
    assert desk.list_unanswered("", "", 1)["totals"] == {"waiting": 5, "taken": 1, "later": 0}, "of all, not of a part"


def test_it_only_reads_unless_the_settings_allow_more(tmp_path: Path, sqlite: Sqlite) -> None:
    assembly, desk = made(tmp_path, sqlite)
    (case_id,) = take(assembly, post(LATE))
    offered = tools(desk)
    assert set(offered) == READS
    assert all(tool.annotations.read_only_hint for tool in offered.values())
    before = lines(sqlite, case_id)
    for name in READS:
        ask(desk, (name, {"case": case_id} if name == "get_case" else {"text": LATE} if name == "explain_text" else {}))
    assert lines(sqlite, case_id) == before
    (said,) = ask(desk, ("say", {"case": case_id, "verb": "take"}))
    assert isinstance(said, str)
    assert case(sqlite, case_id).owner == ""
    with pytest.raises(NoSuch, match="mcp_verbs"):
        desk.say(case_id, "take")


def test_allowed_it_says_what_a_button_would_say(tmp_path: Path, database: Sqlite | Postgresql) -> None:
    assembly, desk = made(tmp_path, database, "mcp_verbs = true")
    (case_id,) = take(assembly, post(LATE))
    assert set(tools(desk)) == READS | {"say"}
    first, again, how, why, gone = ask(
        desk, ("say", {"case": case_id, "verb": "take"}), ("say", {"case": case_id, "verb": "take"}),
        ("say", {"case": case_id, "verb": "close"}), ("say", {"case": case_id, "verb": "dismiss"}),
        ("say", {"case": case_id, "verb": "dismiss", "why": "spam"}),
    )  # fmt: skip
    assert "one of solved, could_not_be_solved" in how
    assert (first["changed"], again["changed"], gone["changed"]) == (True, False, True)
    assert "say why" in why
    found = case(database, case_id)
    assert (found.owner, found.closed_by, found.why) == ("Ana's assistant", "Ana's assistant", "spam")
    assert lines(database, case_id).count("take") == 1
    (solved,) = ask(desk, ("say", {"case": case_id, "verb": "close", "outcome": "solved"}))
    assert solved["changed"]
    assert case(database, case_id).outcome == "solved"


def test_odd_words_are_answered(tmp_path: Path, database: Sqlite | Postgresql) -> None:
    assembly, desk = made(tmp_path, database, "mcp_verbs = true")
    (case_id,) = take(assembly, post(LATE), post(CALM))[:1]
    for odd in ("\0", "\u2028<script>", "'; DROP TABLE cases; --", "x" * 5000, '"', "((", "*"):
        wrong, found, explained, said, listed = ask(
            desk, ("get_case", {"case": odd}), ("search_mentions", {"query": odd}), ("explain_text", {"text": odd}),
            ("say", {"case": case_id, "verb": odd}), ("list_unanswered", {"brand": odd}),
        )  # fmt: skip
        assert "no such case" in wrong, odd
        assert isinstance(found["mentions"], list), odd
        assert explained["lane"] in {"none", "sweep", "ping"}, odd
        assert "unknown action" in said, odd
        assert listed["cases"] == [] or odd == "\0"  # nothing is left of it to filter by


def test_the_command_speaks_over_standard_input_and_output(tmp_path: Path) -> None:
    settings_from(tmp_path)
    from mcp import Client, StdioServerParameters

    started = StdioServerParameters(
        command=sys.executable,
        args=["-c", "from monitor.cli import main; main()", "--settings", str(tmp_path / "settings.toml"), "mcp"],
        env={"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        cwd=tmp_path,
    )

    async def talk() -> Any:
        async with asyncio.timeout(60), Client(started) as client:
            return json.loads((await client.call_tool("list_unanswered", {})).content[0].text)

    answer = asyncio.run(talk())
    assert answer["cases"] == []


def test_an_assistant_has_the_model_of_the_settings_answer_with_its_posts(tmp_path: Path, sqlite: Sqlite) -> None:
    claim = {"text": "The parcel never arrived.", "posts": [1], "quote": "my order never arrived"}
    with FakeServer() as server:
        model = FakeModel(server, {"enough": True, "claims": [claim, {**claim, "posts": [5]}]})
        assembly = assembly_of(sqlite, settings_from(tmp_path, tables=model.settings()))
        desk = Desk(lambda: assembly, Clock(), "Ana's assistant")
        take(assembly, post(LATE, author="olga"))
        asked = {"question": "What about the order?", "brand": "Acme"}
        found, nothing = ask(desk, ("ask_mentions", asked), ("ask_mentions", {"question": "What about bicycles?"}))
        server.mode = "500"
        (refused,) = ask(desk, ("ask_mentions", {"question": "Where is the order?", "days": 5}))
    assert (found["enough"], found["left_out"]) == (True, 1)
    (told,) = found["claims"]
    assert (told["claim"], told["quote"], told["posts"][0]["author"]) == (claim["text"], claim["quote"], "olga")
    assert (nothing["enough"], nothing["claims"]) == (False, [])
    assert "bicycles" in nothing["words"]
    assert "refused the question" in refused
    assert set(tools(desk)) == READS | {"ask_mentions"}
