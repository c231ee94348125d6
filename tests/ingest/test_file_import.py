"""Posts from a file: times as people write them, encodings, and files that are broken in every way."""

from __future__ import annotations

import gzip
import json
import re
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from connectors import Post, dates
from monitor.cli import app
from monitor.ingest.file_import import ORDERS, Columns, FileUnreadable, Reading, labelled, moment_of
from monitor.store import mentions
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from tests.helpers import ANGRY, DAY, LATE, NOW, assembly_of, count, messages, settings_from, settings_on

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
        (b"PK\x03\x04...", "is a ZIP archive or a workbook: unpack it or save it as CSV"),
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
    assert unsaid.stderr == "! without --posted-at, all posts count as new, and your team is alerted\n"
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


# ── dates ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def dated(folder: Path, *written: str, order: dates.Order | None = None) -> tuple[dict[str, str], list[str], list[str]]:
    """The days that a column's dates are read as, by the date; why the others were set aside; what is told."""
    rows = [f'{number},words {number},u{number},"{date}",,' for number, date in enumerate(written)]
    reading = Reading(file(folder, HEAD + "\n".join(rows) + "\n"), "import", COLUMNS, LATER, order=order)
    read = {written[int(post.native_id)]: f"{post.posted_at:%Y-%m-%d %H:%M}" for post in reading.posts()}
    return read, [each.reason for each in reading.aside], reading.notes()


LATER = datetime(2026, 11, 29, 12, tzinfo=UTC)


def test_a_column_of_dates_is_read_in_one_order_and_the_order_is_named(tmp_path: Path) -> None:
    days = ("11/03/2026", "11/05/2026 02:15 PM", "11/09/2026", "11/17/2026", "11/25/2026 09:01 AM")
    read, aside, told = dated(tmp_path, *days)
    assert list(read.values()) == [
        "2026-11-03 00:00", "2026-11-05 14:15", "2026-11-09 00:00", "2026-11-17 00:00", "2026-11-25 09:01",
    ]  # fmt: skip
    assert aside == []
    assert told == ["column at: dates such as 11/03/2026 are read month first (--dates mdy)"]


def test_where_nothing_tells_the_order_the_rows_are_set_aside_until_somebody_does(tmp_path: Path) -> None:
    read, aside, told = dated(tmp_path, "11/03/2026", "2026-11-04", "04/05/2026")
    assert list(read) == ["2026-11-04"]
    assert len(aside) == 2
    assert "--dates dmy or --dates mdy" in aside[0]
    assert "2 dates could be day first or month first" in told[0]
    for order, first in (("dmy", "2026-03-11"), ("mdy", "2026-11-03")):
        read, aside, _ = dated(tmp_path, "11/03/2026", "2026-11-04", "04/05/2026", order=ORDERS[order])
        assert (read["11/03/2026"][:10], aside) == (first, [])


def test_a_column_that_contradicts_itself_is_not_guessed_at(tmp_path: Path) -> None:
    read, aside, _ = dated(tmp_path, "12/01/2026", "11/28/26", "28/11/2026 14:15:10")
    assert read == {"11/28/26": "2026-11-28 00:00", "28/11/2026 14:15:10": "2026-11-28 14:15"}
    assert len(aside) == 1


@pytest.mark.parametrize("written", ["", "  ", "soon", "Nov 2026", "2031-01-01", "28/11"])
def test_a_row_whose_time_is_missing_half_or_ahead_is_set_aside_and_never_told_as_new(
    tmp_path: Path, written: str
) -> None:
    read, aside, _ = dated(tmp_path, written, "2026-11-01")
    assert (list(read), len(aside)) == (["2026-11-01"], 1)
    assert "posts.csv, line 2: column at" in aside[0]


@pytest.mark.parametrize("written", ["46354.59375", "46354,59375"])
def test_a_spreadsheets_count_of_days_is_a_time(written: str) -> None:
    assert moment_of(written) == datetime(2026, 11, 28, 14, 15, tzinfo=UTC)


def test_a_reply_whose_time_cannot_be_read_is_said(tmp_path: Path) -> None:
    path = file(tmp_path, "id,text,reply,when\n1,words,sorry,the other day\n2,words,sorry,2026-03-02\n3,words,,\n")
    posts, aside = read(path, Columns("id", "text", reply="reply", replied_at="when"))
    assert [each.native_id for each in posts] == ["2", "3"]
    assert "column when" in aside[0]


# ── ids ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "shared",
    ["5.70306E+17", "5,70306E+17", "1294030472427830000", "com.acme.app", "#######", "#N/A", "1", "nan"],
)
def test_rows_that_share_an_id_and_nothing_else_are_kept_apart(tmp_path: Path, shared: str) -> None:
    rows = [f'"{shared}",words {number},u{number},2026-03-0{number + 1},,' for number in range(4)]
    posts, aside = read(file(tmp_path, HEAD + "\n".join(rows) + "\n"))
    again, _ = read(file(tmp_path, HEAD + "\n".join(reversed(rows)) + "\n"))
    assert (len({each.native_id for each in posts}), aside) == (4, [])
    assert {each.native_id for each in posts} == {each.native_id for each in again}


@pytest.mark.parametrize("nothing", ["", " ", "#####", "#N/A", "nan", "None", "-"])
def test_what_stands_for_no_id_is_none(tmp_path: Path, nothing: str) -> None:
    (one,), _ = read(file(tmp_path, HEAD + f"{nothing},words,u,2026-03-01,,\n"))
    assert len(one.native_id) == 32


def test_one_author_under_one_id_at_two_times_is_two_posts_and_without_both_the_words_tell(tmp_path: Path) -> None:
    posts, _ = read(file(tmp_path, HEAD + "7,words,u,2026-03-01,,\n7,words,u,2026-03-02,,\n"))
    assert len({each.native_id for each in posts}) == 2
    posts, _ = read(file(tmp_path, "id,text\n7,one\n7,two\n7,one\n"), Columns("id", "text"))
    assert [each.text for each in posts] == ["two", "one"]
    assert len({each.native_id for each in posts}) == 2


def test_what_was_decided_is_told(tmp_path: Path) -> None:
    rows = [f"5.70306E+17,words {number},u{number},2026-03-0{number + 1},," for number in range(3)]
    reading = Reading(file(tmp_path, HEAD + "\n".join([*rows, rows[0]]) + "\n"), "import", COLUMNS, NOW)
    assert (len(list(reading.posts())), reading.repeated) == (3, 1)
    shared, repeated = reading.notes()
    assert "3 rows share an id with other posts, such as 5.70306E+17 (a spreadsheet has rounded them)" in shared
    assert "1 rows repeat" in repeated or "1 row repeats" in repeated


def test_an_id_under_which_the_store_has_another_post_is_no_id(database: Sqlite | Postgresql, tmp_path: Path) -> None:
    """Of one file and the next: the first post stays, the second is not taken for an edit of it."""
    acme = assembly_of(database, settings_from(tmp_path))

    def take(*rows: str) -> None:
        path = file(tmp_path, HEAD + "\n".join(rows) + "\n")
        reading = Reading(path, "import", COLUMNS, NOW, known=partial(mentions.written_under, database, "import"))
        acme.intake.take(reading.posts(), NOW, brand="Acme")

    first, second = "com.acme,it leaks,ana,2026-03-01,,", "com.acme,it burns,bo,2026-03-02,,"
    for rows in ([first], [second], [first, second], [second], [first]):
        take(*rows)
    assert count(database, "mentions") == 2
    apart = first.replace("acme", "both"), second.replace("acme", "both")
    for rows in (apart, [apart[1]], [apart[0]]):
        take(*rows)
    assert count(database, "mentions") == 4
    take("com.acme,it leaks again,ana,2026-03-01,,".replace("03-01", "03-05"))
    assert count(database, "mentions") == 5
    take("com.acme,it leaks and burns,ana,2026-03-01,,")
    assert count(database, "posts", "text = 'it leaks and burns'") == 1
    assert count(database, "mentions") == 5


# ── shapes of files ─────────────────────────────────────────────────────────────────────────────────────────────────

PREAMBLE = '"Report:","Mentions"\n"Brand:","Acme, Inc."\n"From:",""\n\n'


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("pre.csv", PREAMBLE + "id,text,author\n1,words,ana\n"),
        ("pre.csv", "Report;of;many;more;cells;than;columns\n\nid\ttext\tauthor\n1\twords\tana\n"),
        ("sep.csv", "sep=;\r\nid;text;author\r\n1;words;ana\r\n"),
        ("bom.csv", "\ufeffid;text;author\n1;words;ana\n"),
        ("mac.csv", "id,text,author\r1,words,ana\r"),
        ("cells.csv", " ID , Text ,AUTHOR\n1,words,ana\n"),
        ("formula.csv", 'id,text,author\n="1",words,="ana"\n'),
        ("list.json", '[{"id": 1, "text": "words", "author": "ana"}]'),
        ("list.csv", '[\n  {\n    "id": 1,\n    "text": "words",\n    "author": "ana"\n  }\n]'),
        ("deep.json", '{"n": [1], "users": [{"id": 9}], "data": [{"id": "1", "text": "words", "author": "ana"}]}'),
        ("deep.json", '{\n "result": {\n  "tweets": [\n   {"id": "1", "text": "words", "author": "ana"}\n]}}'),
        ("one.json", '{\n "id": 1,\n "text": "words",\n "author": "ana"\n}'),
        ("cut.json", '[\n {\n "id": 1,\n "text": "words",\n "author": "ana"\n },\n {\n "id": 2,\n "te'),
        ("row.json", '{\n "id": 1,\n "text": "words",\n "author": "ana"\n}\n{\n "te'),
    ],
)  # fmt: skip
def test_what_stands_around_the_rows_does_not_matter(tmp_path: Path, name: str, body: str) -> None:
    for encoding in ("utf-8", "utf-16"):
        posts, _ = read(file(tmp_path, body.encode(encoding), name), Columns("id", "text", "author"))
        assert [(each.native_id, each.text, each.author) for each in posts] == [("1", "words", "ana")]


def test_a_line_is_counted_from_the_top_of_the_file(tmp_path: Path) -> None:
    _, aside = read(file(tmp_path, PREAMBLE + "id,text\n1,words\n2,\n"), Columns("id", "text"))
    assert aside == ["posts.csv, line 7: nothing in column text"]


def test_a_json_object_without_such_rows_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match=r"without a list of objects that have text: .*jq"):
        read(file(tmp_path, '{"data": [{"id": 1, "body": "words"}]}', "obj.json"), Columns("id", "text"))


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("cp1251", "Посылка потеряна и никто не отвечает"),
        ("cp932", "荷物が届きません。返金してください"),
        ("euc_jp", "荷物が届きません。返金してください"),
        ("cp949", "택배가 오지 않아요. 환불해 주세요"),
        ("gb18030", "包裹丢了，没有人回复我，请退款"),
        ("big5", "包裹不見了，沒有人回覆我，請退款"),
        ("cp1252", "Das Päckchen für Zoë – très fâché"),
    ],
)
def test_the_encodings_of_older_spreadsheets_are_told_apart(tmp_path: Path, encoding: str, words: str) -> None:
    (one,), _ = read(file(tmp_path, f"id,text\n1,Acme: {words}\n".encode(encoding)), Columns("id", "text"))
    assert one.text == f"Acme: {words}"


def test_the_command_says_what_it_did(tmp_path: Path, sqlite: Sqlite) -> None:
    settings = settings_on(tmp_path, sqlite)
    rows = [f'5.70306E+17,"{ANGRY}",u{number},0{number}/03/2026,,' for number in (1, 2)]
    path = file(tmp_path, HEAD + "\n".join([*rows, "9,words,u,,,"]) + "\n")
    words = ["--settings", str(settings), "import", str(path), "--author", "author", "--posted-at", "at"]
    unsure = CliRunner().invoke(app, words)
    assert "0 read" in unsure.output.replace(",", "")
    assert "--dates dmy or --dates mdy" in unsure.output
    sure = CliRunner().invoke(app, [*words, "--dates", "dmy"])
    assert "2 read, 2 about a brand (0 not kept), 2 new" in sure.output
    assert "1 set aside" in sure.output
    assert "share an id" in sure.output
    wrong = CliRunner().invoke(app, [*words, "--dates", "us"])
    assert "mdy (month first)" in str(wrong.exception)
