"""Posts from a file: times as people write them, encodings, and files that are broken in every way."""

from __future__ import annotations

import gzip
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from connectors import Post
from monitor.cli import app
from monitor.ingest.file_import import Columns, FileUnreadable, Reading, labelled, moment_of
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from tests.hall import ANGRY, DAY, LATE, NOW, assembly_of, count, messages, settings_from, settings_on

COLUMNS = Columns(id="id", text="text", author="author", posted_at="at", rating="stars", url="url")
HEAD = "id,text,author,at,stars,url\n"


def read(path: Path, columns: Columns = COLUMNS) -> tuple[list[Post], list[str]]:
    """The posts of a file, and why the other rows were set aside."""
    reading = Reading(path, "import", columns, NOW)
    posts = list(reading.posts())
    return posts, [each.reason for each in reading.aside]


def file(folder: Path, body: str | bytes, name: str = "posts.csv") -> Path:
    path = folder / name
    path.write_bytes(body if isinstance(body, bytes) else body.encode())
    return path


@pytest.mark.parametrize(
    "written",
    [
        "2015-02-24 11:35:52 -0800",
        "2015-02-24T19:35:52Z",
        "2015-02-24T11:35:52-08:00",
        "2015-02-24 19:35:52",
        "2015-02-24 19:35:52+00:00",
        "Tue Feb 24 19:35:52 +0000 2015",
        "Tue, 24 Feb 2015 19:35:52 GMT",
        "24.02.2015 19:35:52",
        "24/02/2015 19:35:52",
        "1424806552",
        " 2015-02-24T19:35:52.000Z ",
    ],
)
def test_a_time_is_read_as_people_and_programs_write_it(written: str) -> None:
    assert moment_of(written) == datetime(2015, 2, 24, 19, 35, 52, tzinfo=UTC)


@pytest.mark.parametrize("written", ["", "   ", "yesterday", "2015-13-45", "\x00", "9" * 400, "24:61", "\ud800"])
def test_what_is_no_time_is_none_and_never_a_traceback(written: str) -> None:
    assert moment_of(written) is None


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("utf-8", "Köln – très fâché 😡"),
        ("utf-8-sig", "Köln – très fâché 😡"),
        ("utf-16", "Köln – très fâché 😡"),
        ("utf-16-le", "Köln – très fâché 😡"),
        ("cp1252", "Köln – très fâché"),
    ],
)
def test_the_encoding_is_told_from_the_bytes(tmp_path: Path, encoding: str, words: str) -> None:
    body = (HEAD + f"1,{words},olga,2026-03-01,2,https://a.example/1\n").encode(encoding)
    if encoding == "utf-16-le":
        body = b"\xff\xfe" + body
    posts, aside = read(file(tmp_path, body))
    assert ([each.text for each in posts], aside) == ([words], [])


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_told_from_the_first_line(tmp_path: Path, delimiter: str) -> None:
    body = (HEAD + "1,words,olga,2026-03-01,2,https://a.example/1\n").replace(",", delimiter)
    (one,), aside = read(file(tmp_path, body))
    assert (one.author, one.rating, aside) == ("olga", 2.0, [])


def test_quoted_cells_hold_commas_and_lines(tmp_path: Path) -> None:
    (one,), _ = read(file(tmp_path, HEAD + '1,"first, second\nthird ""quoted""",olga,2026-03-01,,\n'))
    assert one.text == 'first, second\nthird "quoted"'


def test_a_column_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    path = file(tmp_path, "a,b\n1,2\n")
    with pytest.raises(FileUnreadable, match=r"posts\.csv has no such column: --text text.*It has: a, b"):
        Reading(path, "import", Columns(id="id", text="text"), NOW)


def test_a_million_columns_are_not_read_out(tmp_path: Path) -> None:
    """What is no table of posts used to fill the screen with all that it holds."""
    path = file(tmp_path, ",".join(f"c{number}" for number in range(1_000_000)) + "\n")
    with pytest.raises(FileUnreadable, match=r"It has: c0, c1, .*c29 and 999,970 more$"):
        Reading(path, "import", Columns(id="id", text="text"), NOW)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (gzip.compress(b"id,text\n1,words\n", mtime=0), "is compressed (gzip): unpack it"),
        (gzip.compress(b"id,text\n1,words\n", mtime=0)[:15], "is compressed (gzip): unpack it"),
        (b"PK\x03\x04...", "is a ZIP archive or a workbook: unpack it, or save it as CSV"),
        (b'[{"id": 1, "text": "words"}]', "is one JSON list: write one object a line"),
    ],
)
def test_a_file_of_another_kind_says_what_to_make_of_it(tmp_path: Path, body: bytes, said: str) -> None:
    with pytest.raises(FileUnreadable, match=re.escape(said)):
        Reading(file(tmp_path, body), "import", COLUMNS, NOW)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_that_does_not_say_so_is_read(tmp_path: Path, encoding: str) -> None:
    (one,), _ = read(file(tmp_path, (HEAD + "1,words,olga,2026-03-01,,\n").encode(encoding)))
    assert (one.text, one.author) == ("words", "olga")


@pytest.mark.parametrize("body", [b"", b"\n\n", b"\x00\x00\x00", b"\xff\xfe", b"\xef\xbb\xbf"], ids=repr)
def test_a_file_with_nothing_in_it_says_so(tmp_path: Path, body: bytes) -> None:
    with pytest.raises(FileUnreadable, match="no such column"):
        Reading(file(tmp_path, body), "import", COLUMNS, NOW)


def test_rows_that_cannot_be_read_are_set_aside_with_line_and_reason_and_the_others_go_on(tmp_path: Path) -> None:
    rows = [
        "1,good,olga,2026-03-01,5,",
        "2,,olga,2026-03-01,,",
        "3,bad time,olga,tomorrow,,",
        "4,bad stars,olga,2026-03-01,many,",
        "5",
        "6,good too,olga,2026-03-01,,,and,more,cells",
        "7,\x00nul\x00,olga,2026-03-01,,",
    ]
    posts, aside = read(file(tmp_path, HEAD + "\n".join(rows) + "\n"))
    assert [each.native_id for each in posts] == ["1", "6", "7"]
    assert len(aside) == 4
    assert all(each.startswith("posts.csv, line ") for each in aside)


def test_json_lines_are_read_and_broken_lines_set_aside(tmp_path: Path) -> None:
    good = {"id": 1, "text": "words", "author": None, "at": "2026-03-01", "stars": 4}
    lines = [json.dumps(good), "{broken", "[1, 2]", "", "[" * 100_000, json.dumps({**good, "id": 2})]
    posts, aside = read(file(tmp_path, "\n".join(lines), "posts.jsonl"), Columns("id", "text", "author", "at", "stars"))
    assert [each.native_id for each in posts] == ["1", "2"]
    assert not any("posts.jsonl" in each.partition(":")[2] for each in aside)
    assert [each.split(":")[0] for each in aside] == [
        "posts.jsonl, line 2",
        "posts.jsonl, line 3",
        "posts.jsonl, line 5",
    ]


def test_a_post_without_an_id_has_the_same_one_at_every_reading(tmp_path: Path) -> None:
    path = file(tmp_path, "text,author\nwords,olga\nwords,mira\n")
    columns = Columns(id="id", text="text", author="author")
    first, _ = read(path, columns)
    second, _ = read(path, columns)
    assert [each.native_id for each in first] == [each.native_id for each in second]
    assert first[0].native_id != first[1].native_id


def test_importing_the_same_file_twice_keeps_everything_once_and_tells_nobody_of_old_posts(
    database: Sqlite | Postgresql, tmp_path: Path
) -> None:
    body = HEAD + f'1,"{ANGRY}",olga,2015-02-24 11:35:52 -0800,1,\n2,"{LATE}",mira,2015-02-24 11:36:52 -0800,1,\n'
    path = file(tmp_path, body)
    acme = assembly_of(database, settings_from(tmp_path))
    for _ in range(2):
        acme.intake.take(Reading(path, "import", COLUMNS, NOW).posts(), NOW)
    assert (count(database, "mentions"), count(database, "cases")) == (2, 2)
    assert count(database, "cases", "quiet = 1") == 2
    assert messages(database) == []


def test_who_names_no_times_is_told_that_the_posts_count_as_new(tmp_path: Path, sqlite: Sqlite) -> None:
    """An old export without --posted-at calls people: that must not be a surprise."""
    settings = settings_on(tmp_path, sqlite)
    words = ["--settings", str(settings), "import", str(file(tmp_path, HEAD + f'1,"{ANGRY}",olga,2019-03-01,,\n'))]
    unsaid = CliRunner().invoke(app, words)
    said = CliRunner().invoke(app, [*words, "--posted-at", "at", "--source", "other"])
    assert (unsaid.exit_code, said.exit_code) == (0, 0), unsaid.output + said.output
    assert unsaid.stderr == "! without --posted-at all of these count as written now, and people are told of them\n"
    assert said.stderr == ""
    assert [each.state for each in messages(sqlite)] == ["pending"]


def test_a_named_brand_is_the_brand_whatever_the_words_say(database: Sqlite | Postgresql, tmp_path: Path) -> None:
    path = file(tmp_path, HEAD + f"1,They lost my parcel and nobody answers,olga,{NOW - DAY:%Y-%m-%d},1,\n")
    acme = assembly_of(database, settings_from(tmp_path))
    assert acme.intake.take(Reading(path, "import", COLUMNS, NOW).posts(), NOW, brand="Acme").new == 1
    assert acme.intake.take(Reading(path, "other", COLUMNS, NOW).posts(), NOW).matched == 0


def test_a_labelled_file_gives_words_and_labels(tmp_path: Path) -> None:
    path = file(tmp_path, "words,label\nbad,Negative\ngood,positive\n,negative\n")
    assert labelled(path, "words", "label", "negative") == (["bad", "good"], [True, False])
    with pytest.raises(FileUnreadable):
        labelled(path, "words", "nothing", "negative")
