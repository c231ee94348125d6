"""A watched folder: each whole file is read once and moved away, a broken one is named, a half one waits."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest

from connectors import ConnectorError
from monitor.ingest import watched_folder
from monitor.store import arrived
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.helpers import NOW, Clock, assembly_of, count, notices, settings_from

SOURCE = """
[[sources]]
name = "drop"
kind = "inbound"
folder = "drop"
about = "Acme"
fields = { id = "Number", text = "What happened", author = "Who", rating = "Stars", posted_at = "When" }
"""
CSV = (
    "Number;Who;Stars;What happened;When\n"
    "1;Nadia;1;Never arrived;2026-03-04 09:50\n2;Olga;5;All well;2026-03-04 09:51\n"
)


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    folder = tmp_path / "drop"
    folder.mkdir()
    return folder


@pytest.fixture
def acme(tmp_path: Path, sqlite: Sqlite, drop: Path) -> Assembly:
    return assembly_of(sqlite, settings_from(tmp_path, sources=SOURCE))


def put(folder: Path, name: str, body: str | bytes, ago: timedelta = timedelta(minutes=1)) -> Path:
    path = folder / name
    path.write_bytes(body if isinstance(body, bytes) else body.encode())
    moment = (NOW - ago).timestamp()
    os.utime(path, (moment, moment))
    return path


def visit(acme: Assembly, clock: Clock | None = None) -> str:
    found = acme.collector.visit("drop", "posts", clock or Clock())
    assert found is not None
    return found.error


def lies(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_file_of_rows_is_read_once_by_the_mapping_and_moved_away(acme: Assembly, drop: Path) -> None:
    put(drop, "march.csv", CSV)
    assert visit(acme) == ""
    posts = acme.database.rows("SELECT native_id, author, text, rating FROM posts ORDER BY native_id")
    assert [tuple(dict(row).values()) for row in posts] == [
        ("1", "Nadia", "Never arrived", 1.0), ("2", "Olga", "All well", 5.0),
    ]  # fmt: skip
    assert count(acme.database, "cases", "source = 'drop'") == 1
    assert lies(drop) == ["read/march.csv"]
    put(drop, "march.csv", CSV.replace("Never arrived", "Never arrived, and nobody answers"))
    assert visit(acme) == ""
    assert lies(drop) == ["read/march-1.csv", "read/march.csv"]
    assert count(acme.database, "posts") == 2, "the same post, edited"


def test_json_comes_in_as_the_door_takes_it(acme: Assembly, drop: Path) -> None:
    one = {"Number": 7, "Who": "Ana", "What happened": "Broken", "When": "2026-03-04T09:00:00Z"}
    put(drop, "one.json", json.dumps(one))
    put(drop, "more.jsonl", "".join(json.dumps({**one, "Number": number}) + "\n" for number in range(10, 1210)))
    assert visit(acme) == ""
    assert count(acme.database, "posts") == 1201
    assert lies(drop) == ["read/more.jsonl", "read/one.json"]


def test_a_broken_file_is_set_aside_and_named_and_a_broken_row_takes_no_other_with_it(
    acme: Assembly, drop: Path
) -> None:
    put(drop, "a.zip", b"PK\x03\x04")
    put(drop, "empty.csv", "Number;Who\n")
    put(drop, "rows.jsonl", json.dumps({"Number": 1, "What happened": "Late"}) + "\n{\n")
    put(drop, "well.csv", CSV)
    assert visit(acme) == ""
    assert lies(drop) == ["broken/a.zip", "broken/empty.csv", "read/rows.jsonl", "read/well.csv"]
    reasons = [row["reason"] for row in acme.database.rows("SELECT reason FROM aside ORDER BY n")]
    assert "a.zip is a ZIP archive or a workbook: unpack it or save it as CSV first" in reasons
    assert any(reason.startswith("rows.jsonl, line 2: not JSON") for reason in reasons)
    told = [each for each in notices(acme.database) if "a.zip" in each]
    assert told == [
        "drop: the file a.zip could not be read and is now in broken: "
        "a.zip is a ZIP archive or a workbook: unpack it or save it as CSV first"
    ]
    assert count(acme.database, "posts") == 2


def test_what_is_not_whole_yet_waits(acme: Assembly, drop: Path) -> None:
    """Whoever moves a file in has it read at once it is at rest; whoever copies is given time."""
    put(drop, ".hidden.csv", CSV)
    put(drop, "half.csv.part", CSV)
    put(drop, "fresh.csv", CSV, ago=timedelta(seconds=1))
    (drop / "a folder").mkdir()
    (drop / "link.csv").symlink_to(drop / ".hidden.csv")
    assert visit(acme) == ""
    assert count(acme.database, "posts") == 0
    clock = Clock()
    clock.forward(timedelta(seconds=10))
    assert visit(acme, clock) == ""
    assert lies(drop) == [".hidden.csv", "half.csv.part", "link.csv", "read/fresh.csv"]


def test_a_process_that_dies_before_it_moves_the_file_reads_it_again_and_keeps_it_once(
    acme: Assembly, drop: Path
) -> None:
    path = put(drop, "march.csv", CSV)
    watched_folder._keep(acme.database, "drop", path, NOW)
    assert arrived.backlog(acme.database, "drop")[0] == 1
    assert visit(acme) == ""
    assert count(acme.database, "posts") == 2
    assert count(acme.database, "arrived") == 1, "known by its mark, though it was read meanwhile"
    assert lies(drop) == ["read/march.csv"]


def test_a_folder_that_is_not_there_or_not_ours_is_told_and_nothing_is_read(acme: Assembly, drop: Path) -> None:
    drop.rmdir()
    assert "the folder drop can't be used (No such file or directory)" in visit(acme)
    drop.write_text("a file")
    with pytest.raises(ConnectorError, match="can't be used"):
        watched_folder.take(acme.database, "drop", drop, NOW)


def test_a_file_that_is_too_large_and_more_than_can_be_read_are_bounded(acme: Assembly, drop: Path) -> None:
    with put(drop, "huge.csv", "a").open("r+b") as opened:
        opened.truncate(watched_folder.LARGEST + 1)
    moment = (NOW - timedelta(minutes=1)).timestamp()
    os.utime(drop / "huge.csv", (moment, moment))
    (said,) = watched_folder.take(acme.database, "drop", drop, NOW)
    assert "larger than 20 MB" in said
    with acme.database.transaction():
        full = [arrived.Brought("drop", b"{}", "") for _ in range(watched_folder.MOST_WAITING)]
        arrived.add(acme.database, full, NOW)
    put(drop, "march.csv", CSV)
    assert watched_folder.take(acme.database, "drop", drop, NOW) == ()
    assert "march.csv" in lies(drop), "it waits until what was taken is read"


def test_a_file_dated_ahead_is_read_and_does_not_wait_for_its_time(acme: Assembly, drop: Path) -> None:
    """Copied from a machine an hour ahead it lay there for an hour, and one dated 2038 for ever; nobody was told."""
    put(drop, "march.csv", CSV, ago=timedelta(hours=-1))
    put(drop, "april.csv", CSV.replace("\n1;", "\n3;").replace("\n2;", "\n4;"), ago=timedelta(days=-4_000))
    assert visit(acme) == ""
    assert lies(drop) == ["read/april.csv", "read/march.csv"]
    put(drop, "half.csv", CSV, ago=timedelta(seconds=-1))
    assert visit(acme) == ""
    assert "half.csv" in lies(drop), "it may still be being written"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "cp1252", "utf-8-sig"])
def test_a_document_in_another_encoding_is_read_as_rows_in_it_are(acme: Assembly, drop: Path, encoding: str) -> None:
    one = {"Number": 7, "Who": "Zoë", "What happened": "Broken, très déçu", "When": "2026-03-04T09:00:00Z"}
    put(drop, "one.json", json.dumps(one, ensure_ascii=False).encode(encoding))
    assert visit(acme) == ""
    assert [row["text"] for row in acme.database.rows("SELECT text FROM posts")] == ["Broken, très déçu"]
