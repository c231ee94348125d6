"""Which posts a network is asked about: all where it is free, by their turn where it costs, and never too many."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest

import connectors
from connectors import Batch, ConnectorError, Nonsense, Quota, Request
from monitor.cases.actions import say
from monitor.ingest import asking
from monitor.ingest.turns import Turn
from monitor.reports import digest
from monitor.settings.models import Source
from monitor.store import asked, finding, sources
from monitor.store.database import stamp
from monitor.store.leases import Leases
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.timeouts import Overran
from monitor.wiring import Assembly
from tests.helpers import (
    ANGRY,
    CALM,
    DAY,
    HOUR,
    LATE,
    MINUTE,
    NOW,
    Clock,
    assembly_of,
    count,
    post,
    settings_from,
    take,
)

Base = Sqlite | Postgresql


@pytest.fixture
def acme(database: Base, tmp_path: Path) -> Assembly:
    tables = '[digest]\nto = ["console"]\nweekday = "mon"\nat = "08:00"\n'
    return assembly_of(database, settings_from(tmp_path, tables=tables))


class Network:
    """A network that answers what it is asked; what it was asked is kept."""

    asks_at_once = 25

    def __init__(self, *, gone: tuple[str, ...] = (), price: float = 0.0, fails: dict[str, Exception] | None = None):
        self.asked: list[tuple[str, ...]] = []
        self.gone, self.asking_price, self.fails = gone, price, fails or {}

    def refresh(self, ids: tuple[str, ...], _request: Request) -> Batch:
        self.asked.append(ids)
        for native in ids:
            if native in self.fails:
                raise self.fails[native]
        cost = self.asking_price * len(ids)
        return Batch((), "", quota=Quota(cost=cost), deleted=tuple(one for one in ids if one in self.gone))

    @property
    def all(self) -> list[str]:
        return [native for ids in self.asked for native in ids]


def turn(acme: Assembly, network: Network, clock: Clock, budget: float | None = None) -> asking.Turn:
    source = acme.rules.sources["forum"]
    if network.asking_price:
        source = source.model_copy(update={"options": SimpleNamespace(monthly_budget=budget)})
    request = Request("forum", (), "", clock.now, clock.now)
    turn = Turn(Leases(acme.database), source.name, threading.Lock())
    assert turn.begin()
    return asking.take_turn(acme.database, acme.intake, source, network, lambda: request, clock, turn)


def test_all_posts_are_asked_after_once_a_day_and_what_is_gone_is_forgotten(acme: Assembly) -> None:
    posts = [post(CALM, author=f"a{n}", native_id=f"p{n}", ago=n * MINUTE) for n in range(150)]
    take(acme, *posts)
    network, clock = Network(gone=("p3", "p77")), Clock(NOW + DAY + MINUTE)
    assert turn(acme, network, clock).asked == 150
    assert sorted(network.all) == sorted(each.native_id for each in posts)
    assert max(map(len, network.asked)) == 25
    assert count(acme.database, "posts", "deleted_at <> '' AND text = ''") == 2
    assert turn(acme, network, clock).asked == 0
    clock.forward(DAY + MINUTE)
    assert turn(acme, network, clock).asked == 148


def test_a_turn_has_an_end_and_the_next_goes_on(acme: Assembly) -> None:
    take(acme, *(post(CALM, author=f"a{n}", native_id=f"p{n}") for n in range(300)))
    network, clock = Network(), Clock(NOW + DAY + MINUTE)
    assert [turn(acme, network, clock).asked for _ in range(3)] == [250, 50, 0]
    assert len(set(network.all)) == 300


def test_a_slow_network_and_a_used_up_quota_end_a_turn(acme: Assembly) -> None:
    take(acme, *(post(CALM, author=f"a{n}", native_id=f"p{n}") for n in range(100)))
    clock = Clock(NOW + DAY + MINUTE)

    class Slow(Network):
        def refresh(self, ids: tuple[str, ...], request: Request) -> Batch:
            clock.forward(timedelta(seconds=20))
            return super().refresh(ids, request)

    assert turn(acme, Slow(), clock).asked == 50, "reading must not wait for it"

    class Counted(Network):
        def refresh(self, ids: tuple[str, ...], request: Request) -> Batch:
            return Batch((), "", quota=Quota(remaining=asking.LEFT - 1))

    assert turn(acme, Counted(), clock).asked == 25


def test_a_network_where_each_post_is_a_call_is_asked_less_at_a_time(acme: Assembly) -> None:
    take(acme, *(post(CALM, author=f"a{n}", native_id=f"p{n}") for n in range(150)))
    network = Network()
    network.asks_at_once = asking.AT_ONCE
    assert turn(acme, network, Clock(NOW + DAY + MINUTE)).asked == 100


def test_open_cases_come_first_then_what_is_shown_then_the_oldest_question(acme: Assembly) -> None:
    for number, (text, name) in enumerate(((CALM, "old"), (CALM, "shown"), (CALM, "young"))):
        take(acme, post(text, author=name, native_id=name), now=NOW + number * MINUTE)
    take(acme, post(ANGRY, author="olga", native_id="open"), now=NOW + 5 * MINUTE)
    (shown,) = finding.find(acme.database, finding.Filter(author="shown"))
    clock = Clock(NOW + DAY + HOUR)
    assert asking.show(acme.database, acme.settings, [shown.id], clock.now) == 1
    assert asking.show(acme.database, acme.settings, [shown.id], clock.now) == 0, "it is asked for already"
    network = Network()
    turn(acme, network, clock)
    assert network.all == ["open", "shown", "old", "young"]
    assert count(acme.database, "posts", "wanted_at <> ''") == 0
    assert asking.show(acme.database, acme.settings, [shown.id], clock.now) == 0, "it was asked after a moment ago"


def test_where_it_costs_a_tenth_of_the_budget_is_spread_over_the_month(acme: Assembly) -> None:
    take(acme, *(post(CALM, author=f"a{n}", native_id=f"p{n}") for n in range(60)))
    network, clock = Network(price=0.1), Clock(NOW + DAY + MINUTE)  # the 5th of March
    assert turn(acme, network, clock, budget=31.0).asked == 5
    assert turn(acme, network, clock, budget=31.0).asked == 0
    assert asking.spent_on_asking(acme.database, "forum", clock.now) == pytest.approx(0.5)
    health = sources.health(acme.database, "forum")
    assert health is not None
    assert health.spent_in(clock.now) == pytest.approx(0.5), "it is part of what the source costs"
    clock.forward(2 * DAY)
    assert turn(acme, network, clock, budget=31.0).asked == 2
    clock.now = NOW + timedelta(days=26)
    assert turn(acme, network, clock, budget=31.0).asked == 23, "30 of 31 days, 7 of them asked before"
    assert turn(acme, Network(price=0.1), clock, budget=None).asked == 0, "a tenth of what was spent is spent"


def test_where_it_costs_the_rest_is_asked_after_once_and_open_cases_daily(acme: Assembly) -> None:
    take(acme, post(CALM, author="mira", native_id="calm"), post(ANGRY, native_id="open"))
    network, clock = Network(price=0.001), Clock(NOW + DAY + MINUTE)
    for _ in range(3):
        turn(acme, network, clock, budget=100.0)
        clock.forward(DAY + MINUTE)
    assert sorted(network.all) == ["calm", "open", "open", "open"]


def test_what_was_edited_is_judged_again(acme: Assembly) -> None:
    """A post that is no longer on the pages that are read is seen again only when it is asked after."""
    take(acme, *(each := [post(CALM, author=name, native_id=name) for name in ("mira", "olga")]))
    mira, olga = each

    class Edited(Network):
        def refresh(self, ids: tuple[str, ...], request: Request) -> Batch:
            super().refresh(ids, request)
            return Batch((mira, replace(olga, text=f"{CALM} EDIT: {ANGRY}"), post(ANGRY, native_id="never-stored")), "")

    assert turn(acme, Edited(), Clock(NOW + DAY + MINUTE)).asked == 2
    (opened,) = acme.database.rows("SELECT author, lane, first_posted_at FROM cases")
    assert (opened["author"], opened["lane"]) == ("olga", "ping")
    assert opened["first_posted_at"] > stamp(NOW + DAY)
    assert count(acme.database, "posts") == 2


def test_an_edit_that_cannot_be_judged_holds_up_no_deletion(new_postgresql: str, tmp_path: Path) -> None:
    """The same posts would be asked after at each turn, and what the network deleted would stand for ever."""
    database = Postgresql(new_postgresql)
    acme = assembly_of(database, settings_from(tmp_path))
    take(acme, *(each := [post(CALM, author=name, native_id=name) for name in ("mira", "olga")]))
    database.run(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION 'refused' USING ERRCODE = '22021'; END $$"
    )
    database.run("CREATE TRIGGER refuse BEFORE INSERT ON cases FOR EACH ROW EXECUTE FUNCTION refuse()")

    class Edited(Network):
        def refresh(self, ids: tuple[str, ...], request: Request) -> Batch:
            found = super().refresh(ids, request)
            return replace(found, posts=(replace(each[1], text=f"{CALM} EDIT: {ANGRY}"),))

    network, clock = Edited(gone=("mira",)), Clock(NOW + DAY + MINUTE)
    assert [turn(acme, network, clock).asked for _ in range(2)] == [2, 0]
    assert count(database, "posts", "deleted_at <> ''") == 1
    assert count(database, "posts", "text LIKE '%EDIT%'") == 1
    database.close()


def test_an_answer_that_says_nothing_does_not_hold_up_the_others(acme: Assembly) -> None:
    take(acme, *(post(CALM, author=f"a{n}", native_id=f"p{n:03}") for n in range(50)))
    network, clock = Network(fails={"p001": Nonsense("none of 20 known posts exist")}), Clock(NOW + DAY + MINUTE)
    assert turn(acme, network, clock).asked == 25
    assert len(network.all) == 50
    down = Network(fails={"p001": ConnectorError("the network is down")})
    clock.forward(DAY + MINUTE)
    said = turn(acme, down, clock)
    assert (said.asked, said.error) == (0, "the network is down")
    assert turn(acme, Network(), clock).asked == 50, "they are asked after later"


def test_one_post_that_cannot_be_asked_after_does_not_hold_up_the_others(acme: Assembly) -> None:
    """It was among those asked after at every turn, and nothing that the network deleted was ever found out."""
    take(acme, *(post(CALM, author=f"a{n}", native_id=f"p{n:03}") for n in range(50)))
    network, clock = Network(gone=("p030",), fails={"p001": ConnectorError("500")}), Clock(NOW + DAY + MINUTE)
    for _ in range(12):
        turn(acme, network, clock)
        clock.forward(15 * MINUTE)
    assert {native for ids in network.asked if "p001" not in ids for native in ids} | {"p001"} == {
        f"p{n:03}" for n in range(50)
    }
    assert count(acme.database, "posts", "deleted_at <> ''") == 1


def test_where_a_whole_question_takes_longer_than_the_deadline_fewer_are_asked_after(acme: Assembly) -> None:
    take(acme, *(post(CALM, author=f"a{n}", native_id=f"p{n:03}") for n in range(50)))
    clock = Clock(NOW + DAY + MINUTE)

    class Slow(Network):
        def refresh(self, ids: tuple[str, ...], request: Request) -> Batch:
            if len(ids) > 6:
                self.asked.append(ids)
                raise Overran("refresh-forum")
            return super().refresh(ids, request)

    network = Slow(gone=("p030",))
    for _ in range(60):
        turn(acme, network, clock)
        clock.forward(15 * MINUTE)
    assert {native for ids in network.asked if len(ids) <= 6 for native in ids} == {f"p{n:03}" for n in range(50)}
    assert count(acme.database, "posts", "deleted_at <> ''") == 1


def test_while_a_network_is_down_no_post_counts_as_asked_after(acme: Assembly) -> None:
    take(acme, *(post(CALM, author=f"a{n}", native_id=f"p{n:03}") for n in range(50)))
    down = Network(fails={f"p{n:03}": ConnectorError("it is down") for n in range(50)})
    clock = Clock(NOW + DAY + MINUTE)
    for _ in range(12):
        assert turn(acme, down, clock) == asking.Turn(0, "it is down")
        clock.forward(15 * MINUTE)
    assert turn(acme, Network(), clock).asked == 50


def test_what_a_letter_may_quote_is_asked_after_in_the_hour_before(acme: Assembly) -> None:
    (mine,) = take(acme, post(ANGRY, native_id="quoted", at=NOW), now=NOW)
    say(acme.database, acme.rules, mine, "close", who="Ana", way="page", now=NOW, detail={"outcome": "solved"})
    moment = NOW + timedelta(days=4, hours=22)  # Monday, 08:00
    assert digest.about_to_be_quoted(acme.database, acme.rules, moment - 2 * HOUR) == []
    quoted = digest.about_to_be_quoted(acme.database, acme.rules, moment - HOUR / 2)
    assert quoted == [row["id"] for row in acme.database.rows("SELECT id FROM mentions")]
    assert digest.about_to_be_quoted(acme.database, acme.rules, moment - HOUR / 3) == [], "once for each letter"
    asking.show(acme.database, acme.settings, quoted, moment - HOUR / 2)
    assert [row["native_id"] for row in asked.wanted(acme.database, "forum", 9)] == ["quoted"]


def test_the_share_that_was_asked_in_a_day_is_said(acme: Assembly) -> None:
    take(acme, post(CALM, author="a"), post(LATE, author="b"), now=NOW)
    take(acme, post(CALM, author="c", source="chirp"), now=NOW + 2 * DAY)
    assert asking.words(acme.database, acme.settings, NOW + 2 * DAY) == [
        "forum: 0% of 2 posts read or asked after in the last 24 hours",
        "chirp: 100% of 1 posts read or asked after in the last 24 hours",
    ]


@pytest.mark.parametrize("kind", sorted(connectors.KINDS))
def test_every_network_that_is_said_to_be_asked_can_be(kind: str) -> None:
    module, _, name = connectors.KINDS[kind].partition(":")
    assert hasattr(getattr(import_module(module), name), "refresh") == (kind in connectors.ASKED_AFTER)
    assert Source(name="one", kind=kind).retention is None
