"""A source or a brand under another name keeps its history, and nothing comes in a second time."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from monitor.cases.actions import say
from monitor.cli import app
from monitor.privacy import forgetting
from monitor.settings.errors import SettingsError
from monitor.settings.loading import load
from monitor.store import key_values, sources
from monitor.store.database import Database
from monitor.store.mentions import post_id, post_key
from monitor.store.postgresql import Postgresql
from monitor.store.renames import know_names
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.helpers import (
    ANGRY,
    CALM,
    CHURN,
    HOUR,
    NOW,
    assembly_of,
    case,
    count,
    post,
    settings_from,
    settings_on,
    take,
)

Base = Sqlite | Postgresql
TABLES = {
    "source": ("posts", "mentions", "stories", "cases", "walks", "heard", "gaps", "own_posts"),
    "brand": ("mentions", "stories", "cases", "heard", "labels", "own_posts"),
}


def renamed(database: Base, folder: Path, *changes: tuple[str, str]) -> Assembly:
    """The same installation after these lines of its settings were changed."""
    file = settings_from(folder).file
    text = file.read_text(encoding="utf-8")
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    file.write_text(text, encoding="utf-8")
    database.id_names = {}  # a process of its own
    return assembly_of(database, load(file, {}))


def test_a_new_file_makes_its_ids_in_order_and_one_that_holds_posts_goes_on_as_it_began(
    sqlite: Sqlite, tmp_path: Path
) -> None:
    """Of another id each post that stands would come in again, as new."""
    first, second = post(ANGRY, native_id="41000000"), post(CALM, native_id="41500000")
    acme = assembly_of(sqlite, settings_from(tmp_path))
    assert sqlite.ids_in_order
    take(acme, first)
    again = renamed(sqlite, tmp_path)
    take(again, first, second)
    (older, newer) = (row["id"] for row in sqlite.rows("SELECT id FROM posts ORDER BY n"))
    assert older[:8] < newer[:8]
    with sqlite.transaction():  # as if a version before this one had made it
        sqlite.run("DELETE FROM facts WHERE key = 'ids in order'")
    know_names(sqlite)
    assert not sqlite.ids_in_order
    assert post_key(sqlite, "forum", "41000000") == post_id("forum", "41000000")


def test_on_postgresql_ids_go_on_as_older_versions_make_them_that_work_beside_this_one(new_postgresql: str) -> None:
    """One that only this version has made is begun as a file is: an older one refuses to start there."""
    database = Postgresql(new_postgresql)
    know_names(database)
    assert database.ids_in_order
    with database.transaction():  # as if an older version had made it, and was at work there
        database.run("DELETE FROM facts WHERE key = 'ids in order'")
        database.run("UPDATE schema_steps SET at = '' WHERE n = 0")
    know_names(database)
    assert not database.ids_in_order
    with database.transaction():
        database.run("INSERT INTO facts (key, value, at) VALUES ('ids in order', 'yes', '')")  # moved there
    know_names(database)
    assert database.ids_in_order
    database.close()


def board(database: Base, folder: Path, was: str = 'was = ["forum"]') -> Assembly:
    return renamed(database, folder, ('name = "forum"', f'name = "board"\n{was}'), ("forum = [", "board = ["))


def megacorp(database: Base, folder: Path, was: str = 'was = ["Acme"]') -> Assembly:
    return renamed(database, folder, ('name = "Acme"', f'name = "Megacorp"\n{was}'))


@pytest.fixture
def history(database: Base, tmp_path: Path) -> Base:
    """An open case, an answered one, a cursor, a gap, a mute and what staff taught, under the first names."""
    acme = assembly_of(database, settings_from(tmp_path))
    take(
        acme,
        post(ANGRY, native_id="a", thread_id="t"),
        post(CHURN, native_id="b", author="mira"),
        post(CALM, native_id="c"),
    )
    say(database, acme.rules, "2", "take", who="Ana", way="page", now=NOW)
    with database.transaction():
        sources.save_cursor(database, "forum", "posts", "how far", NOW, complete=True)
        sources.add_gaps(database, "forum", [], NOW)
        key_values.add_mute(database, "Acme", "author", "forum/bugs", "Ana", NOW)
        own = dict.fromkeys(("url", "parent_id", "thread_id", "case_id"), "")
        own |= {"source": "forum", "native_id": "own", "brand": "Acme", "author": "acme_care", "text": "Sorry!"}
        own |= {"posted_at": "2026", "seen_at": "2026", "automatic": 0, "sent_on": 0}
        key_values.add_own_posts(database, [own])
    return database


def standing(database: Database, what: str, name: str) -> dict[str, int]:
    return {table: count(database, table, f"{what} = '{name}'") for table in TABLES[what]}


def test_a_source_under_another_name_keeps_its_history(history: Base, tmp_path: Path) -> None:
    before = standing(history, "source", "forum")
    acme = board(history, tmp_path)
    assert standing(history, "source", "board") == before
    assert set(standing(history, "source", "forum").values()) == {0}
    assert sources.cursor(history, "board", "posts") == "how far"
    assert [row["value"] for row in key_values.mutes(history)] == ["board/bugs"]
    again = [post(ANGRY, source="board", native_id="a", thread_id="t"), post(CALM, source="board", native_id="c")]
    assert take(acme, *again, now=NOW + HOUR) == []
    assert count(history, "posts") == 3, "what was read under the old name does not come in again as new"
    more = post("Acme it still does not work!", source="board", native_id="d", thread_id="t", at=NOW + HOUR)
    assert take(acme, more, now=NOW + HOUR) == [], "it is the same person in the same conversation"
    assert case(history, "1").source == "board"
    with history.transaction():
        assert forgetting.deleted(history, "board", ["a"], (), NOW), "the network speaks of the same post"


def test_ids_are_made_of_the_first_name_however_often_it_changes(history: Base, tmp_path: Path) -> None:
    board(history, tmp_path)
    lines = ('name = "forum"', 'name = "agora"\nwas = ["board"]'), ("forum = [", "agora = [")
    acme = renamed(history, tmp_path, *lines)
    assert take(acme, post(ANGRY, source="agora", native_id="a", thread_id="t"), now=NOW + HOUR) == []
    acme = renamed(history, tmp_path, *lines)  # started again: everything was moved before
    assert take(acme, post(CHURN, source="agora", native_id="b", author="mira"), now=NOW + HOUR) == []
    assert count(history, "posts") == count(history, "posts", "source = 'agora'") == 3


def test_a_brand_under_another_name_keeps_its_history(history: Base, tmp_path: Path) -> None:
    before = standing(history, "brand", "Acme")
    acme = megacorp(history, tmp_path)
    assert standing(history, "brand", "Megacorp") == before
    assert set(standing(history, "brand", "Acme").values()) == {0}
    assert take(acme, post(ANGRY, native_id="a", thread_id="t"), now=NOW + HOUR) == []
    assert count(history, "mentions") == 3
    assert (case(history, "2").brand, case(history, "2").owner) == ("Megacorp", "Ana")


def test_a_name_that_was_given_up_can_be_given_to_something_else(history: Base, tmp_path: Path) -> None:
    """The first posts of the new forum would have counted as those that the old one had, and been lost."""
    board(history, tmp_path)
    changes = ('name = "chirp"', 'name = "board"'), ("chirp = [", "board = [")
    acme = renamed(history, tmp_path, *changes)
    for _ in range(2):  # and again after a restart
        take(acme, post(ANGRY, source="forum", native_id="a", author="new"), now=NOW + HOUR)
        assert count(history, "posts", "source = 'forum'") == 1
        acme = renamed(history, tmp_path, *changes)
    assert count(history, "posts", "source = 'board'") == 3
    assert take(acme, post(ANGRY, source="board", native_id="a", thread_id="t"), now=NOW + HOUR) == []


def test_without_was_a_new_name_begins_anew(history: Base, tmp_path: Path) -> None:
    acme = board(history, tmp_path, "")
    assert len(take(acme, post(ANGRY, source="board", native_id="a", thread_id="t"), now=NOW + HOUR)) == 1
    assert sources.cursor(history, "board", "posts") == ""


def test_what_came_under_both_names_is_one_history(history: Base, tmp_path: Path) -> None:
    """Renamed first, told of it later: what the new name has stays, and its ids are those that go on."""
    acme = board(history, tmp_path, "")
    take(acme, post(CHURN, source="board", native_id="z", author="zoe"), now=NOW + HOUR)
    with history.transaction():
        sources.save_cursor(history, "board", "posts", "further", NOW, complete=True)
    acme = board(history, tmp_path)
    assert count(history, "posts", "source = 'board'") == count(history, "posts") == 4
    assert sources.cursor(history, "board", "posts") == "further"
    assert take(acme, post(CHURN, source="board", native_id="z", author="zoe"), now=NOW + 2 * HOUR) == []
    assert count(history, "heard", "source = 'forum'") == 0


@pytest.mark.parametrize("was", ['was = ["chirp"]', 'was = ["forum"]', 'was = ["old", "old"]'])
def test_a_former_name_that_something_has_is_refused(tmp_path: Path, was: str) -> None:
    file = settings_from(tmp_path).file
    text = file.read_text(encoding="utf-8").replace('name = "forum"', f'name = "forum"\n{was}')
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match="is or was the name of another source"):
        load(file, {})


def test_check_warns_of_open_cases_that_belong_to_nothing(sqlite: Sqlite, tmp_path: Path) -> None:
    file = settings_on(tmp_path, sqlite)
    text = file.read_text(encoding="utf-8")
    acme = assembly_of(sqlite, load(file, {}))
    take(acme, post(ANGRY), post(CHURN, author="mira"), post(ANGRY, source="import", author="ida"))

    def check() -> str:
        return CliRunner().invoke(app, ["--settings", str(file), "check"], catch_exceptions=False).stdout

    assert "open case" not in check(), "what a file brought belongs to its brand"
    file.write_text(
        text.replace('name = "forum"', 'name = "board"').replace("forum = [", "board = ["), encoding="utf-8"
    )
    assert "! 2 open cases of the source 'forum', which is not in these settings" in check()
    assert 'write under its new name was = ["forum"]' in check()
    both = text.replace('name = "forum"', 'name = "board"\nwas = ["forum"]').replace("forum = [", "board = [")
    file.write_text(both, encoding="utf-8")
    assert "open case" not in check()
    file.write_text(text.replace('name = "Acme"', 'name = "Megacorp"'), encoding="utf-8")
    assert "! 3 open cases of the brand 'Acme'" in check()
