"""Whether those who were answered stayed: a file is counted, never kept, and says nothing of small groups."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from monitor.cases import actions
from monitor.ingest.file_rows import table_of
from monitor.reports import outcomes
from monitor.settings.loading import load
from monitor.settings.rules import Rules
from monitor.store import key_values
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.cli.program import Ran, earful
from tests.helpers import ANGRY, DAY, HOUR, MINUTE, NOW, assembly_of, count, post, settings_from, settings_on, take

COLUMNS = {name: name for name in outcomes.COLUMNS}
CHECKED = "2026-03-20"
TODAY = date(2026, 4, 1)


@pytest.fixture
def acme(database: Sqlite | Postgresql, tmp_path: Path) -> Assembly:
    """Acme's desk in UTC, open Monday to Friday 9 to 17, urgent cases within an hour; NOW is a Wednesday at 10."""
    return assembly_of(database, settings_from(tmp_path, alerts='group_wait = "0s"\n'))


def complain(acme: Assembly, name: str, *, answered: timedelta | None, at: datetime = NOW, brand: str = "Acme") -> str:
    """Somebody complains, and is answered so long after; the case's number."""
    words = f"{ANGRY} {name}".replace("Acme", brand)
    (case,) = take(acme, post(words, author=name, native_id=name, at=at), now=at + MINUTE)
    if answered is not None:
        reply(acme, name, at + answered)
    return case


def reply(acme: Assembly, to: str, at: datetime) -> None:
    words = "Sorry! The refund is on its way to you."
    own = post(words, author="acme_care", parent_id=to, at=at, native_id=f"to {to}")
    with acme.database.transaction():
        acme.answers.take([own], at + MINUTE)


def counted(acme: Assembly, *rows: tuple[str, str, str]) -> dict[str, outcomes.Outcomes]:
    table = [(number, dict(zip(outcomes.COLUMNS, row, strict=True))) for number, row in enumerate(rows, 2)]
    return outcomes.count(acme.database, acme.rules, outcomes.read(table, COLUMNS, TODAY), NOW)


def test_each_case_is_in_time_late_or_never_answered_as_it_stood_on_that_day(acme: Assembly) -> None:
    soon = complain(acme, "soon", answered=30 * MINUTE)
    late = complain(acme, "late", answered=5 * HOUR)
    never = complain(acme, "never", answered=None)
    after = complain(acme, "after", answered=20 * DAY)
    found = counted(acme, *((case, CHECKED, "left") for case in (soon, late, never, after)))[""]
    assert (found.in_time.n, found.late.n, found.never.n, found.not_due) == (1, 1, 2, 0)
    before = counted(acme, (soon, "2026-03-03", "stayed"))[""]
    assert (before.in_time.n, before.not_due) == (0, 1), "that day was before they wrote"


def test_a_case_that_was_closed_later_without_an_answer_had_none_on_that_day(acme: Assembly) -> None:
    never = complain(acme, "never", answered=None)
    close = {"outcome": "could_not_be_solved", "why": ""}
    at = NOW + 25 * DAY
    actions.say(acme.database, acme.rules, never, "close", who="Ana", way="test", now=at, detail=close)
    assert counted(acme, (never, CHECKED, "left"))[""].never == outcomes.Group(1, 1)


def test_brands_are_counted_apart_and_together_and_praise_in_none(acme: Assembly) -> None:
    acmes = complain(acme, "olga", answered=30 * MINUTE)
    globex = complain(acme, "mira", answered=None, brand="Globex")
    warm = "I love my Acme kettle, thank you so much for making it! Best purchase I ever made, wonderful people."
    (praise,) = take(acme, post(warm, author="joon"))
    found = counted(acme, (acmes, CHECKED, "stayed"), (globex, CHECKED, "LEFT"), (praise, CHECKED, "stayed"))
    assert (found["Acme"].in_time, found["Acme"].never) == (outcomes.Group(1, 0), outcomes.Group())
    assert found["Globex"].never == outcomes.Group(1, 1)
    assert (found[""].in_time.n, found[""].never.n, found[""].not_due) == (1, 1, 1)


def test_the_latest_line_of_a_case_counts_and_a_contradiction_is_named() -> None:
    rows = [
        (2, {"case": "7", "date": "2026-03-10", "outcome": "stayed"}),
        (3, {"case": "#7", "date": "2026-03-20", "outcome": "left"}),
        (4, {"case": "7", "date": "2026-03-01", "outcome": "stayed"}),
        (5, {"case": "007", "date": "2026-03-20", "outcome": "stayed"}),
    ]
    found = outcomes.read(rows, COLUMNS, TODAY)
    assert found.said == {"7": (date(2026, 3, 20), True)}
    assert (found.repeated, [number for number, _ in found.faults]) == (3, [5])


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("@olga", CHECKED, "left"), "case: not the number"),
        (("", CHECKED, "left"), "case: not the number"),
        (("1" * 400, CHECKED, "left"), "case: not the number"),
        (("٧", CHECKED, "left"), "case: not the number"),
        (("7", "20.03.2026", "left"), "date: not a day"),
        (("7", "2999-01-01", "left"), "date: not a day"),
        (("7", "2026-04-02", "left"), "date: a day that has not come"),
        (("7", CHECKED, "churned"), "outcome: write left or stayed"),
        (("7", CHECKED, "=cmd|' /C calc'!A0"), "outcome: write left or stayed"),
    ],
)
def test_a_line_with_a_fault_is_named_by_its_number_and_never_quoted(row: tuple[str, str, str], said: str) -> None:
    found = outcomes.read([(9, dict(zip(outcomes.COLUMNS, row, strict=True)))], COLUMNS, TODAY)
    assert found.said == {}
    ((number, words),) = found.faults
    assert (number, words.startswith(said)) == (9, True)
    assert "olga" not in words
    assert "calc" not in words


def test_a_share_is_said_of_twenty_cases_and_of_nineteen_only_how_many() -> None:
    found = outcomes.Outcomes(in_time=outcomes.Group(61, 4), late=outcomes.Group(20, 9), never=outcomes.Group(19, 12))
    assert outcomes.sentences(found) == [
        "Answered in time: 4 of 61 left (7%; 95% interval 3% to 16%).",
        "Answered late: 9 of 20 left (45%; 95% interval 26% to 66%).",
        "Never answered: 19 cases, too few for a share (20 needed).",
        outcomes.NOT_THE_CAUSE,
        outcomes.GARTNER,
    ]
    assert found.stands
    assert outcomes.as_json(found)["never"] == {"n": 19}
    small = outcomes.Outcomes(in_time=outcomes.Group(19, 1), late=outcomes.Group(400, 9))
    assert not small.stands
    assert outcomes.GARTNER not in outcomes.sentences(small)


def test_only_counts_are_kept(acme: Assembly) -> None:
    case = complain(acme, "olga", answered=None)
    found = counted(acme, (case, CHECKED, "left"))
    with acme.database.transaction():
        outcomes.keep(acme.database, found, NOW)
    kept = json.loads(key_values.fact(acme.database, "outcomes"))
    assert kept["Acme"]["never"] == {"n": 1, "left": 1}
    assert outcomes.kept(acme.database, "Acme") == found["Acme"]
    assert outcomes.kept(acme.database, "Globex") is None
    with acme.database.transaction():
        outcomes.keep(acme.database, {}, NOW)
    assert outcomes.kept(acme.database) is None


# --- The command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def desk(sqlite: Sqlite, tmp_path: Path) -> Path:
    """Settings whose database has two cases."""
    acme = assembly_of(sqlite, settings_from(tmp_path))
    complain(acme, "olga", answered=30 * MINUTE)
    complain(acme, "mira", answered=None)
    return settings_on(tmp_path, sqlite)


def run(desk: Path, text: str | bytes, *more: str) -> Ran:
    file = desk.with_name("churn.csv")
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return earful(desk, "outcomes", str(file), *more)


def test_the_command_counts_a_file_and_shows_the_counts_later(desk: Path) -> None:
    ran = run(desk, "Case;Date;Outcome\n1;2026-03-20;stayed\n2;2026-03-20;left\n77;2026-03-20;left\nx;y;z\n")
    assert ran.returncode == 0
    assert "! line 5: case: not the number" in ran.stderr
    assert "4 lines, 2 cases counted, 1 not known here, 1 wrong" in ran.stderr
    assert "Answered in time: 1 case, too few for a share (20 needed)." in ran.stdout
    assert earful(desk, "outcomes").stdout == ran.stdout
    assert json.loads(earful(desk, "outcomes", "--json").stdout)["in_time"] == {"n": 1}
    assert "deleted" in earful(desk, "outcomes", "--forget").stdout
    assert earful(desk, "outcomes").returncode == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("case,date,outcome,handle\n1,2026-03-20,left,@olga\n", "columns that are not needed: handle"),
        ("case,date\n1,2026-03-20\n", "has no such column: outcome. It has: case, date"),
        ("case,date,outcome\n99,2026-03-20,left\n", "no line names a case"),
        (b"PK\x03\x04", "a ZIP archive or a workbook"),
        ("", "has no such column"),
        ("case,date,outcome\n", "no line names a case"),
        ('[{"case": 1, "date": "2026-03-20", "outcome": "left", "handle": "@olga"}]', "not needed: handle"),
        ("case,date,outcome,case\n1,2026-03-20,left,2\n", "has the column case twice"),
    ],
)
def test_a_file_that_cannot_be_counted_is_refused_and_changes_nothing(
    desk: Path, sqlite: Sqlite, text: str | bytes, said: str
) -> None:
    ran = run(desk, text)
    assert (ran.returncode, said in ran.stderr) == (1, True), ran.stderr
    assert count(sqlite, "facts", "key = 'outcomes'") == 0


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("case,date,outcome\n1,2026-03-20,left,@olga\n2,2026-03-20,left\n", 2, "has more than case, date and outcome"),
        ("case,date,outcome\n1,2026-03-20\n2,2026-03-20,left\n", 2, "outcome: write left or stayed"),
        ('case,date,outcome\n2,2026-03-20,left\n"1,2026-03-20,left', 3, "case: not the number"),
        ("case,date,outcome\n\0,2026-03-20,left\n2,2026-03-20,left\n", 2, "case: not the number"),
        ("\ufeffcase,date,outcome\n1,20/03/2026,left\n2,2026-03-20,left\n", 2, "date: not a day"),
    ],
)
def test_a_line_that_cannot_be_counted_is_named_and_the_others_count(
    desk: Path, text: str, line: int, said: str
) -> None:
    ran = run(desk, text)
    assert (ran.returncode, "1 case counted" in ran.stderr) == (0, True), ran.stderr
    assert f"! line {line}: {said}" in ran.stderr
    assert "olga" not in ran.stderr


def test_a_late_row_of_json_that_names_somebody_is_not_counted(desk: Path) -> None:
    rows = [{"case": 2, "date": "2026-03-20", "outcome": "left"}] * 60
    ran = run(desk, json.dumps([*rows, {"case": 1, "date": "2026-03-20", "outcome": "left", "handle": "@olga"}]))
    assert "! line 61: has more than case, date and outcome" in ran.stderr
    assert "1 case counted" in ran.stderr


@pytest.mark.parametrize(("name", "said"), [("gone.csv", "no such file"), (".", "not a file")])
def test_a_file_that_is_none_is_refused(desk: Path, name: str, said: str) -> None:
    ran = earful(desk, "outcomes", str(desk.with_name("churn.csv").parent / name))
    assert (ran.returncode, said in ran.stderr) == (1, True), ran.stderr


def test_a_hundred_thousand_lines_are_counted(desk: Path, sqlite: Sqlite) -> None:
    file = desk.with_name("churn.csv")
    file.write_text("case,date,outcome\n" + "".join(f"{n},2026-03-20,left\n" for n in range(1, 100_001)))
    reading = outcomes.read(table_of(file, COLUMNS).rows(), COLUMNS, TODAY)
    found = outcomes.count(sqlite, Rules(load(desk, {})), reading, NOW)
    assert (reading.rows, reading.unknown, found[""].never) == (100_000, 99_998, outcomes.Group(1, 1))
