"""A network that hangs while somebody answers from Slack holds up no other press."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest

from alerts.slack.payloads import Press
from monitor.notify import slack_replies
from monitor.notify.beside import Beside
from monitor.notify.interactions import Interactions, Refused
from monitor.notify.spool import FIRST_WAIT
from monitor.people.identity import of_slack
from monitor.service.scheduler import Engine
from monitor.store import replies
from monitor.store.sqlite import Sqlite
from tests.connectors.reply_mastodon import Server
from tests.fakes.server import FakeServer, Reply, Seen
from tests.helpers import LATE, NOW, Clock, assembly_of, case, post, take
from tests.replying.world import PEOPLE, TEXT, complaint, settings

BOUND = 20.0  # seconds after which a test gives up
TEAM, ANA = "T0CARE0001", "U0ANA00001"
KNOWN = PEOPLE.replace('name = "Ana"', f'name = "Ana"\nslack = "{ANA}"')


class Desk:
    """An engine with threads, before a network that keeps what is written until it is let go."""

    def __init__(self, folder: Path, database: Sqlite, server: FakeServer) -> None:
        self.network, self.database = Server(server), database
        self.asked, self.let_go = threading.Event(), threading.Event()
        server.route("/api/v1/statuses", self._post)
        self.assembly = assembly_of(database, settings(folder, server, tables=KNOWN))
        (self.hers,) = take(self.assembly, complaint())
        (self.other,) = take(self.assembly, post(LATE, author="mira", native_id="m", thread_id="m"))
        self.engine = Engine(self.assembly, Clock(NOW))

    def _post(self, seen: Seen) -> Reply:
        self.asked.set()
        self.let_go.wait(BOUND)
        return self.network._post(seen)

    def press(self, verb: str, case_id: str, envelope: str, note: str = "", about: str = "") -> None:
        made = Press(
            case_id=case_id, verb=verb, value="", user_id=ANA, user_name="ana", team_id=TEAM, channel="", message_ts="",
            at_text="1", envelope_id=envelope, note=note, about=about,
        )  # fmt: skip
        self.engine.listening.spool.keep(made, "care")

    def answer(self) -> None:
        """What Ana sends off in the window."""
        window = slack_replies.window_of(self.assembly.replying, self.hers, of_slack(TEAM, ANA, "ana"), NOW)
        self.press(slack_replies.WRITTEN, self.hers, "e1", TEXT, json.dumps(dict(window.carried)))

    def waiting(self) -> list[str]:
        return [press["verb"] for _, press in self.engine.listening.spool.waiting()]


@contextmanager
def opened(folder: Path, database: Sqlite) -> Iterator[Desk]:
    with FakeServer() as server:
        made = Desk(folder, database, server)
        try:
            yield made
        finally:
            made.let_go.set()
            made.engine.stop(BOUND)


@pytest.fixture
def desk(tmp_path: Path, sqlite: Sqlite) -> Iterator[Desk]:
    with opened(tmp_path, sqlite) as made:
        yield made


def test_a_second_press_is_worked_off_while_a_network_hangs(desk: Desk) -> None:
    desk.answer()
    desk.engine.presses_due()
    assert desk.asked.wait(BOUND)
    desk.press("take", desk.other, "e2")
    desk.press("take", desk.hers, "e3")
    desk.engine.presses_due()
    assert [case(desk.database, each).owner for each in (desk.other, desk.hers)] == ["Ana", "Ana"]
    assert desk.waiting() == [slack_replies.WRITTEN], "it is kept until it is known what came of it"
    assert not desk.let_go.is_set()
    desk.let_go.set()
    assert desk.engine.stop(BOUND)
    (row,) = replies.of_case(desk.database, desk.hers)
    assert (row.state, desk.network.writes(), desk.waiting()) == ("sent", 1, [])
    assert case(desk.database, desk.hers).answered_by == "Ana"


def test_each_is_begun_once_however_often_the_tick_comes_and_the_settings_are_reloaded(desk: Desk) -> None:
    desk.answer()
    for _ in range(3):
        desk.engine.presses_due()
        assert desk.asked.wait(BOUND)
        desk.engine.replace(desk.assembly)
    desk.let_go.set()
    assert desk.engine.stop(BOUND)
    assert (desk.network.writes(), len(desk.network.posted)) == (1, 1)


def test_only_so_many_run_at_once_and_the_others_wait_their_turn(tmp_path: Path) -> None:
    begun: list[str] = []
    held: list[Callable[[], object]] = []
    beside = Beside(lambda _name, work: held.append(work), most=2)
    files = [tmp_path / f"{number}.json" for number in range(3)]
    for each in files:
        each.write_text("{}")

    def work(each: Path) -> None:
        begun.append(each.stem)
        each.unlink()

    first, second, third = files
    assert [beside.take(each, partial(work, each)) for each in (first, first, second, third)] == [
        True, False, True, False,
    ]  # fmt: skip
    held[0]()
    assert not files[0].exists()
    assert beside.take(files[2], lambda: work(files[2]))
    for run in held[1:]:
        run()
    assert begun == ["0", "1", "2"]
    assert beside.take(files[0], lambda: work(files[0]))
    held[-1]()
    assert begun == ["0", "1", "2"], "one that came to its end is not begun again"


def test_what_failed_is_begun_again(desk: Desk) -> None:
    """As a crash leaves it: the file is there, and the reply is the same one by its id."""
    desk.let_go.set()
    desk.answer()
    failing = Beside()
    said: list[str] = []

    def refused(_press: object) -> str:
        raise OSError("the disk is full")

    def once(refuses: Refused, now: datetime = NOW) -> None:
        spool, rules = desk.engine.listening.spool, desk.assembly.rules
        Interactions(
            desk.database, rules, spool, lambda _press, words: said.append(words), refuses,
            replying=desk.assembly.replying, beside=failing,
        ).work_off(now)  # fmt: skip

    with pytest.raises(OSError, match="disk"):
        once(refused)
    assert desk.waiting() == [slack_replies.WRITTEN]
    once(refused)
    assert desk.waiting() == [slack_replies.WRITTEN], "not at every tick"
    once(lambda _press: "", NOW + FIRST_WAIT)
    assert (desk.network.writes(), desk.waiting()) == (1, [])
    assert f"case {desk.hers}: posted as @acme@127.0.0.1" in said[0]


def test_a_press_for_which_there_was_no_thread_is_taken_at_a_later_tick(tmp_path: Path) -> None:
    kept, done = tmp_path / "one.json", []
    kept.touch()
    answers = iter([False, True])

    def spawn(_name: str, work: Callable[[], object]) -> bool:
        if is_free := next(answers):
            work()
        return is_free

    beside = Beside(spawn, most=1)
    assert not beside.take(kept, lambda: done.append(1))
    assert beside.take(kept, lambda: done.append(2))
    assert done == [2]
