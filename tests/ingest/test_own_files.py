"""Two machines: a source that needs a file of its machine is read where the file is, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connectors import Request
from monitor.ingest.collector import Collector
from monitor.ingest.own_files import PATIENCE, lease_of
from monitor.service.scheduler import Engine
from monitor.store import sources
from monitor.store.leases import Leases
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly, file_of, sign_ins
from tests.cli.program import earful
from tests.helpers import MINUTE, NOW, Clock, Steady, assembly_of, let_end, settings_from
from tests.ingest.test_collector import Scripted, page


class Machine:
    """A machine with a folder of its own, and a collector over scripted sources of which "forum" needs a file."""

    def __init__(self, address: str, folder: Path, name: str) -> None:
        self.database = Postgresql(address)
        self.steady = Steady()
        self.acme: Assembly = assembly_of(self.database, settings_from(folder), name, self.steady)
        self.file = folder / f"{name}.json"
        self.forum = Scripted(page())
        others = {source.name: Scripted(page()) for source in self.acme.settings.sources}
        self.collector = Collector(
            self.database, self.acme.rules, self.acme.intake, self.acme.answers, {**others, "forum": self.forum},
            self.acme.queries, lambda *_: None, self.acme.leases, {"forum": self.file},
        )  # fmt: skip

    @property
    def due(self) -> set[str]:
        return {name for name, _ in self.collector.due(NOW, here=True)}


@pytest.fixture
def machine(new_postgresql: str, tmp_path: Path) -> Iterator[Callable[[str], Machine]]:
    made: list[Machine] = []

    def another(name: str) -> Machine:
        made.append(Machine(new_postgresql, tmp_path, name))
        return made[-1]

    yield another
    for each in made:
        each.database.close()


def test_it_is_read_where_its_file_is(machine: Callable[[str], Machine]) -> None:
    a, b = machine("a"), machine("b")
    a.file.write_text("{}")
    assert (a.due, b.due) == ({"forum"}, set())
    for each in (a, b):
        assert "forum" not in each.collector.names(here=False), "whoever looks for all hands it to nobody"
        assert {"chirp", "news"} == {name for name, _ in each.collector.due(NOW)}
        assert each.collector.refresh("forum", Clock()) == 0
    assert b.collector.visit("forum", "posts", Clock()) is None, "whoever calls a command there is told so"
    health = sources.health(b.database, "forum")
    assert health is not None
    assert health.failures == 0
    assert b.collector.conversations_due(NOW, here=True) == []
    visit = a.collector.visit("forum", "posts", Clock())
    assert visit is not None
    assert visit.error == ""


def test_of_one_that_died_with_its_file_people_hear_and_it_goes_on_by_itself(
    machine: Callable[[str], Machine],
) -> None:
    a, b = machine("a"), machine("b")
    a.file.write_text("{}")
    assert (a.due, b.due) == ({"forum"}, set())
    let_end(a.database)
    assert b.due == set(), "it may only be starting"
    b.steady.seconds += PATIENCE.total_seconds()
    assert b.due == {"forum"}
    visit = b.collector.visit("forum", "posts", Clock())
    assert visit is not None
    assert visit.error == "b.json is on no machine that reads sources"
    assert b.forum.asked == []
    health = sources.health(b.database, "forum")
    assert health is not None
    assert (health.refused, health.failures) == (False, 1), "no person has to switch it on again"
    b.database.run("UPDATE sources SET next_due_at = ''")
    a.steady.seconds += PATIENCE.total_seconds()
    assert (a.due, b.due) == ({"forum"}, set())


def test_a_folder_that_both_have_is_read_by_either(machine: Callable[[str], Machine]) -> None:
    a, b = machine("a"), machine("b")
    for each in (a, b):
        each.file.mkdir()
    assert (a.due, b.due) == ({"forum"}, {"forum"})
    seen: list[object] = []

    def read(_request: Request) -> object:
        seen.append(b.collector.visit("forum", "posts", Clock()))
        return page()

    a.forum.steps = [read]  # type: ignore[list-item]
    assert a.collector.visit("forum", "posts", Clock()) is not None
    assert seen == [None], "by one at a time"


def test_a_sign_in_of_which_both_have_a_copy_is_used_by_one_as_long_as_it_lives(
    machine: Callable[[str], Machine],
) -> None:
    """Who renews it gets another one: the copy of the other is worth nothing from then on."""
    a, b = machine("a"), machine("b")
    for each in (a, b):
        each.file.write_text("{}")
    assert (a.due, b.due, a.due) == ({"forum"}, set(), {"forum"})
    let_end(a.database)
    assert b.due == {"forum"}
    a.steady.seconds += PATIENCE.total_seconds()
    assert a.due == set()


def test_the_tick_of_each_machine_reads_its_own(machine: Callable[[str], Machine]) -> None:
    a, b = machine("a"), machine("b")
    b.file.write_text("{}")
    for each in (a, b):
        engine = Engine(each.acme, Clock(NOW), beside=False)
        object.__setattr__(each.acme, "collector", each.collector)
        engine.collect_here_due()
        engine.refresh_here_due()
    assert (len(a.forum.asked), len(b.forum.asked)) == (0, 1)


def test_one_daemon_on_a_file_reads_all(sqlite: Sqlite, tmp_path: Path) -> None:
    made = assembly_of(sqlite, settings_from(tmp_path))
    network = Scripted(page())
    collector = Collector(
        sqlite, made.rules, made.intake, made.answers, {"forum": network}, made.queries, lambda *_: None,
        files={"forum": tmp_path / "nothing.json"},
    )  # fmt: skip
    assert {name for name, _ in collector.due(NOW)} == {"forum"}
    assert collector.due(NOW, here=True) == []
    assert collector.visit("forum", "posts", Clock(NOW + MINUTE)) is not None
    assert len(network.asked) == 1


def test_a_sign_in_and_a_folder_are_such_files(tmp_path: Path) -> None:
    folder = tmp_path / "drop"
    folder.mkdir()
    settings = settings_from(
        tmp_path,
        sources=f'[[sources]]\nname = "drop"\nkind = "inbound"\nfolder = "{folder}"\n',
    )
    found = {source.name: file_of(settings, source) for source in settings.sources}
    assert found == {"forum": None, "chirp": None, "news": None, "drop": folder}


def test_status_says_of_a_sign_in_that_it_is_on_another_machine(new_postgresql: str, tmp_path: Path) -> None:
    database = Postgresql(new_postgresql)
    text = '[[sources]]\nname = "x"\nkind = "x"\nclient_id = "app"\n'
    settings = settings_from(tmp_path, sources=text)
    assembly_of(database, settings, "here")
    assert sign_ins(settings, NOW, database)["x"].wrong
    assert Leases(database, "web-1-17-abc").take(lease_of("x"), MINUTE) is not None
    found = sign_ins(settings, NOW, database)["x"]
    said = "x: signed in on another machine, where it is read (web-1-17-abc)"
    assert (found.wrong, found.words) == (False, said)
    text = settings.file.read_text("utf-8")
    settings.file.write_text(text.replace('"sqlite:unused.sqlite"', f'"{new_postgresql}"'), "utf-8")
    assert f"ok {said}" in earful(settings.file, "check").stdout
    database.close()
