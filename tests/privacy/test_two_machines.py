"""Two machines on one PostgreSQL: what is erased on one holds on the other, whichever of their lists is left."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from monitor.privacy import forgetting
from monitor.privacy.carrying_over import carry_over
from monitor.service.membership import Membership
from monitor.service.scheduler import Engine
from monitor.store import forgotten, mentions
from monitor.store.database import DatabaseUnusable, Role
from monitor.store.postgresql import Postgresql
from monitor.wiring import Assembly
from tests.helpers import ANGRY, BROKEN, HOUR, LATE, NOW, Clock, assembly_of, count, post, settings_from, take
from tests.privacy.test_carrying_over import like_before

Machine = Callable[[str], Assembly]


@pytest.fixture
def machine(new_postgresql: str, tmp_path: Path) -> Iterator[Machine]:
    """Makes a machine of that name: a folder of its own, with the key of the first."""
    made: list[Postgresql] = []

    def another(name: str) -> Assembly:
        database = Postgresql(new_postgresql)
        (tmp_path / name).mkdir()
        database.beside = tmp_path / name / "earful"
        if made:
            shutil.copyfile(path_of(made[0], "key"), path_of(database, "key"))
        else:
            assert forgotten.make_key(database, NOW)
        made.append(database)
        return assembly_of(database, settings_from(tmp_path), name)

    yield another
    for each in made:
        each.close()


def path_of(database: Postgresql, what: str) -> Path:
    found = forgotten.key_file(database) if what == "key" else forgotten.list_file(database)
    assert found is not None
    return found


def erase(acme: Assembly, author: str) -> None:
    forgetting.erase(acme.database, acme.rules, "forum", author, who="Ana", way="page", now=NOW + HOUR)


def test_what_one_erases_the_other_does_not_take_in_again(machine: Machine) -> None:
    a, b = machine("a"), machine("b")
    take(a, post(ANGRY, author="olga", native_id="1"))
    erase(a, "olga")
    read = b.intake.take([post(ANGRY, author="olga", native_id="1"), post(BROKEN, author="olga")], NOW + HOUR)
    assert (read.forgotten, read.new) == (2, 0)


def test_each_list_has_what_the_others_erased_though_no_file_has_changed_its_size(machine: Machine) -> None:
    """Each erased one person: both lists are as long, and a size says nothing."""
    a, b = machine("a"), machine("b")
    for each, author in ((a, "olga"), (b, "mira")):
        take(each, post(ANGRY, author=author, native_id=author))
        erase(each, author)
    engines = [Engine(each, Clock(NOW), beside=False) for each in (a, b)]
    for _ in range(2):
        for engine in engines:
            engine.erasures_due()
    lines = [sorted(path_of(each.database, "list").read_text().splitlines()) for each in (a, b)]  # type: ignore[arg-type]
    assert lines[0] == lines[1]
    assert len(lines[0]) == count(a.database, "forgotten")


def test_after_an_older_copy_was_put_back_any_machines_list_erases_them_again(machine: Machine) -> None:
    """A erased her and is gone for good; B, which only heard of it, carries it over."""
    a, b = machine("a"), machine("b")
    take(a, post(ANGRY, author="olga", native_id="1"))
    erase(a, "olga")
    carry_over(b.database, NOW + HOUR)
    like_before(a)
    shutil.rmtree(path_of(a.database, "list").parent)  # type: ignore[arg-type]
    assert take(b, post(ANGRY, author="olga", native_id="1"), post(LATE, author="mira"))
    Engine(b, Clock(NOW), beside=False).erasures_due()
    assert {row["author"] for row in b.database.rows("SELECT author FROM posts WHERE native_id <> ''")} == {"mira"}
    assert b.intake.take([post(ANGRY, author="olga", native_id="1")], NOW + HOUR).forgotten == 1


def test_a_key_that_one_machine_has_besides_is_looked_for_once(machine: Machine) -> None:
    a, b = machine("a"), machine("b")
    path_of(a.database, "key").write_text(path_of(a.database, "key").read_text() + "ab" * 32 + "\n")  # type: ignore[arg-type]
    assert forgotten.newly_listed(a.database, NOW) == (0, True)
    for each in (a, b, a, b):
        assert forgotten.newly_listed(each.database, NOW) == (0, False)


def test_nobody_erases_under_a_key_that_those_who_work_do_not_have(machine: Machine, tmp_path: Path) -> None:
    """Somebody calls a command on a machine that was never handed the key: the others would store her again."""
    a, b = machine("a"), machine("b")
    take(a, post(ANGRY, author="olga", native_id="1"))
    member = Membership(a.database, a.settings, name="a")
    role: Role = a.database.hold_role("daemon", NOW, worker="a", alone=False)
    try:
        member.join("web-1")
        path_of(b.database, "key").unlink()  # type: ignore[arg-type]
        with pytest.raises(
            DatabaseUnusable, match=r"web-1, process \d+.*another key of erasures.*earful\.erasures-key"
        ):
            erase(b, "olga")
        assert not path_of(b.database, "key").exists()  # type: ignore[arg-type]
        assert count(a.database, "posts", "author = 'olga'") == 1
        erase(a, "olga")
        assert count(a.database, "posts", "author = 'olga'") == 0
    finally:
        role.release()


def test_what_goes_in_any_case_stays_known_to_those_who_have_another_key(machine: Machine) -> None:
    """Where a hold ends by a command on a machine with a key of its own, the others know the post by its id alone."""
    a, b = machine("a"), machine("b")
    said = post(ANGRY, author="olga", native_id="1")
    take(a, said)
    role: Role = a.database.hold_role("daemon", NOW, worker="a", alone=False)
    try:
        Membership(a.database, a.settings, name="a").join("web-1")
        path_of(b.database, "key").write_text("ab" * 32 + "\n")  # type: ignore[arg-type]
        with b.database.transaction():
            posts = [mentions.post_key(b.database, "forum", "1")]
            assert forgetting.forget(b.database, posts, (), NOW, "deleted_at", for_good=True) == []
        assert count(a.database, "posts", "text <> ''") == 0
        assert a.intake.take([said], NOW + HOUR).new == 0
        assert count(a.database, "posts") == 1
    finally:
        role.release()
