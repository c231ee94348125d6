"""Everything held of one person: complete, of nobody else, an admin's to take, and logged without the name."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from monitor.cli import app
from monitor.privacy import export, forgetting, retention
from monitor.store import arrived, audit, columns
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.helpers import ANGRY, DAY, HOUR, LATE, NOW, assembly_of, count, post, settings_from, settings_on, take
from tests.privacy.test_what_is_left import PARTED, WORD, plant


def test_it_holds_all_that_forgetting_would_empty(acme: Assembly) -> None:
    plant(acme)
    take(acme, post(f"somebody else {LATE}", author="mira"))
    lines = list(export.held_of(acme.database, "forum", "@OlgaPetrova", NOW))
    assert lines[0] == {
        "table": "person", "source": "forum", "names": ["olgapetrova"], "ids": ["olgapetrova-id"], "posts": 1,
        "cases": 1, "at": lines[0]["at"],
    }  # fmt: skip
    by_table: dict[str, list[dict[str, object]]] = {}
    for line in lines[1:]:
        by_table.setdefault(str(line["table"]), []).append(line)
    not_theirs = {
        "stories",
        "incidents",
        "models",
        "presses",
        "arrived",
        "desk_changes",
        "holds",
        "sealed",
        "held_requests",
    }  # of many people, or of none
    personal_tables = {name for name, table in columns.TABLES.items() if table.personal}
    assert personal_tables - not_theirs - {"mutes"} <= set(by_table)
    text = json.dumps(lines, ensure_ascii=False)
    planted = [f"lives in quartzlane, {WORD}", f"wants {WORD}", f"the bank of {WORD}", f"mind the {WORD}", PARTED]
    planted += [f"sorry about {WORD}", f"of no case: {WORD}", "olga-quartzlane", "olgapetrova/2"]
    assert [each for each in planted if each not in text] == []
    assert "mira" not in text
    for table, rows in by_table.items():
        held = acme.database.rows(f"SELECT * FROM {table}")
        personal = [each for each in columns.TABLES[table].personal if each not in {"parted"}]
        assert all(each in row for row in rows for each in personal if dict(held[0])[each] and len(held) == 1)


def test_what_waits_to_be_read_is_exported_and_erased_and_that_of_others_stays(acme: Assembly) -> None:
    """Paused, a source leaves what came in at its door unread; a name inside somebody else's words is no author."""
    take(acme, post(ANGRY, author="olga"))
    hers, other = {"id": 1, "author": "@Olga", "text": "mine"}, {"id": 2, "author": "mira", "text": "olga is right"}
    lines = "\n".join(json.dumps(each) for each in (other, hers)).encode()
    bodies = [json.dumps(hers), json.dumps([hers, other]), json.dumps({"events": [other, hers]}), json.dumps(other)]
    brought = [arrived.Brought("forum", body, "") for body in (*map(str.encode, bodies), lines, b"not JSON, olga")]
    brought.append(arrived.Brought("chirp", json.dumps(hers).encode(), ""))
    with acme.database.transaction():
        arrived.add(acme.database, brought, NOW)
    told = [line for line in export.held_of(acme.database, "forum", "olga", NOW) if line["table"] == "arrived"]
    assert len(told) == 4
    assert "mine" in json.dumps(told)
    forgetting.erase(acme.database, acme.rules, "forum", "olga", who="Ana", way="page", now=NOW + HOUR)
    left = [each.body for each in arrived.waiting(acme.database, "forum", 0)]
    assert [body.count(b"mine") for body in left] == [0] * 6
    assert [body.count(b"olga is right") for body in left] == [0, 1, 1, 1, 1, 0]
    assert b"mine" in arrived.waiting(acme.database, "chirp", 0)[0].body, "another network's, where names are others'"


def test_what_nobody_reads_goes_with_its_time_and_so_do_marks(acme: Assembly) -> None:
    database = acme.database
    with database.transaction():
        arrived.add(database, [arrived.Brought("forum", b"{}", ""), arrived.Brought("forum", b"{}", "one")], NOW)
        arrived.add(database, [arrived.Brought("chirp", b"{}", "")], NOW)
    arrived.let_go(database, "chirp", 3, NOW)
    arrived.let_go(database, "forum", 2, NOW)
    assert count(database, "arrived") == 1, "of what may come twice no mark is kept"
    with database.transaction():
        arrived.add(database, [arrived.Brought("forum", b"{}", "two")], NOW)
    retention.retain(database, acme.settings, NOW + DAY)
    assert count(database, "arrived") == 2
    retention.retain(database, acme.settings, NOW + DAY + HOUR)
    assert [row["body"] is None for row in database.rows("SELECT body FROM arrived")] == [False]
    retention.retain(database, acme.settings, NOW + 366 * DAY)
    assert count(database, "arrived") == 0


def test_nobody_of_that_name_is_nobody(acme: Assembly) -> None:
    take(acme, post(ANGRY))
    assert list(export.held_of(acme.database, "forum", "nobody", NOW)) == []
    assert list(export.held_of(acme.database, "chirp", "olga", NOW)) == []


def call(file: Path, *words: str, given: str = "") -> tuple[int, str]:
    result = CliRunner().invoke(app, ["--settings", str(file), *words], input=given)
    said = result.output if result.exit_code == 0 or not result.exception else str(result.exception)
    return result.exit_code, said


def test_the_commands_read_the_name_from_standard_input_and_log_without_it(sqlite: Sqlite, tmp_path: Path) -> None:
    file = settings_on(tmp_path, sqlite)
    acme = assembly_of(sqlite, settings_from(tmp_path))
    file = settings_on(tmp_path, sqlite)
    take(acme, post(ANGRY), post(LATE, author="mira"), post(LATE, author="kim", source="a file"))
    code, said = call(file, "export-person", "--source", "forum", "--author", "-", given="@olga\n")
    assert code == 0
    assert {json.loads(line)["table"] for line in said.splitlines()} >= {"person", "posts", "mentions", "cases"}
    assert call(file, "export-person", "--source", "forum", "--author", "nobody")[0] == 1
    assert call(file, "export-person", "--source", "nowhere", "--author", "olga")[0] == 1
    code, said = call(file, "erase", "--source", "forum", "--author", "-", "--yes", given="olga\n")
    assert (code, said.splitlines()[0]) == (0, "Erased: 1 post, 1 case (1 of them open).")
    code, said = call(file, "erase", "--source", "forum", "--yes", given="mira\n")
    assert (code, said.splitlines()[0]) == (0, "Erased: 1 post, 1 case (1 of them open).")
    code, said = call(file, "erase", "--source", "forum", "--yes")
    assert code == 1
    assert "name the author" in said
    assert call(file, "erase", "--source", "a file", "--author", "kim", "--yes")[0] == 0, "what a file brought, too"
    logged = audit.lines(sqlite, audit.Filter(), 10)
    assert [line.event for line in logged] == ["erasure", "erasure", "erasure", "export"]
    assert not [line for line in logged if "olga" in str(line) or "mira" in str(line)]
