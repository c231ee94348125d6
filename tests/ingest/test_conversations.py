"""The conversations of open cases are read: what is kept of them, and that nothing else is."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors import Batch, ConnectorError, Conversation, Post, Quota, Request
from monitor.cases.actions import say
from monitor.ingest.conversations import FOLLOWED, Conversations, spent_on_conversations
from monitor.ingest.turns import Turn
from monitor.privacy import retention
from monitor.store import sources
from monitor.store.sqlite import Sqlite
from monitor.text.same_trouble import says_same_trouble
from monitor.wiring import Assembly
from tests.helpers import ANGRY, DAY, HOUR, LATE, MINUTE, NOW, assembly_of, case, count, post, settings_from, take


class Network:
    """A network that shows what is said in a conversation."""

    most_conversations = 2

    def __init__(self) -> None:
        self.said: dict[str, list[Post]] = {}
        self.asked: list[tuple[Conversation, ...]] = []
        self.fault: Exception | None = None
        self.unread: tuple[str, ...] = ()
        self.lost: set[str] = set()  # threads that can't be read
        self.complete = True

    def fetch_conversations(self, conversations: tuple[Conversation, ...], request: Request) -> Batch:
        self.asked.append(conversations)
        if self.fault is not None:
            raise self.fault
        lost = tuple(one.thread for one in conversations if one.thread in self.lost)
        if lost and len(lost) == len(conversations):
            raise ConnectorError("500")
        found = [
            replace(each, thread_id=one.thread)
            for one in conversations
            for each in self.said.get(one.thread, [])
            if each.posted_at >= one.since
        ]
        return Batch(
            tuple(found),
            request.cursor,
            quota=Quota(cost=0.005 * len(found)),
            unread=(*self.unread, *lost),
            complete=self.complete,
        )


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture
def acme(sqlite: Sqlite, tmp_path: Path) -> Assembly:
    """Olga complains at nine in the thread "thread"; it is ten now."""
    made = assembly_of(sqlite, settings_from(tmp_path))
    take(made, post(ANGRY, native_id="first", thread_id="thread", at=NOW - HOUR))
    return made


def reader(acme: Assembly, network: Network) -> Conversations:
    return Conversations(acme.database, acme.rules, acme.intake, acme.answers, {"forum": network})


def mine(acme: Assembly) -> Turn:
    turn = Turn(acme.leases, "forum", threading.Lock())
    assert turn.begin()
    return turn


def read(acme: Assembly, network: Network, *said: Post, now: datetime = NOW) -> Any:
    network.said.setdefault("thread", []).extend(said)
    return reader(acme, network).visit("forum", mine(acme), lambda: now)


def words(acme: Assembly) -> set[str]:
    return {row["text"] for row in acme.database.rows("SELECT text FROM posts")}


def test_a_customer_who_answers_us_without_the_name_is_heard_and_waits_again(acme: Assembly, network: Network) -> None:
    answer = post("We have replaced it.", author="acme_care", parent_id="first", thread_id="thread", at=NOW - MINUTE)
    with acme.database.transaction():
        acme.answers.take([answer], NOW)
    assert case(acme.database, "1").state_at(NOW) == "answered"
    read(acme, network, post("Still broken, this is terrible. Now what?", at=NOW + HOUR), now=NOW + 2 * HOUR)
    assert case(acme.database, "1").state_at(NOW + 2 * HOUR) == "open"


def test_our_answer_below_the_second_post_is_seen(acme: Assembly, network: Network) -> None:
    read(
        acme, network,
        post("Anybody there?", native_id="second", at=NOW - 30 * MINUTE),
        post("We have replaced it.", native_id="ours", author="acme_care", parent_id="second", at=NOW - 20 * MINUTE),
    )  # fmt: skip
    assert case(acme.database, "1").answered_at == NOW - 20 * MINUTE


def test_what_strangers_say_is_dropped_and_never_logged(
    acme: Assembly, network: Network, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        heard = read(
            acme, network,
            post("Lovely weather in Lisbon today.", author="stranger"),
            post("Try the blue one, it is cheaper.", author="helper"),
        )  # fmt: skip
    assert (heard.kept, heard.dropped) == (0, 2)
    assert count(acme.database, "posts") == 1
    assert "Lisbon" not in caplog.text
    assert "stranger" not in caplog.text
    for table in acme.database.rows(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'posts_fts%'"
    ):
        held = [dict(row) for row in acme.database.rows(f"SELECT * FROM {table['name']}")]
        assert "Lisbon" not in str(held), table["name"]
        assert "stranger" not in str(held), table["name"]


def test_the_same_trouble_is_a_mention_of_the_story_as_long_as_it_is_open(acme: Assembly, network: Network) -> None:
    assert read(acme, network, post("Same here!", author="mira", native_id="same")).kept == 1
    assert count(acme.database, "cases") == 1, "nobody is being called about it"
    assert "Same here!" in words(acme)
    assert retention.retain(acme.database, acme.settings, NOW) == 0
    told = post("We fixed it for everybody.", author="acme_care", parent_id="same", thread_id="thread")
    with acme.database.transaction():
        assert acme.answers.take([told], NOW) == 0, "an answer to mira is none to Olga"
    say(
        acme.database, acme.rules, "1", "close", who="Ana", way="page", now=NOW,
        detail={"outcome": "solved"},
    )  # fmt: skip
    assert retention.retain(acme.database, acme.settings, NOW) == 1
    assert "Same here!" not in words(acme)
    assert acme.database.rows("SELECT author FROM mentions WHERE author = 'mira'") == []


def test_who_names_the_brand_gets_a_case_of_their_own(acme: Assembly, network: Network) -> None:
    read(acme, network, post(LATE, author="joon", native_id="named"))
    assert case(acme.database, "2").author == "joon"


def test_nothing_is_told_twice_and_what_was_read_is_not_asked_for_again(acme: Assembly, network: Network) -> None:
    read(acme, network, post("Still nothing, awful.", native_id="second", at=NOW - 30 * MINUTE))
    read(acme, network, now=NOW + 3 * HOUR)
    assert count(acme.database, "posts") == 2
    (first,), (second,) = network.asked
    assert first.since == NOW - 2 * HOUR, "from the first of their posts, an hour more"
    assert second.since == NOW - HOUR


def test_a_conversation_that_could_not_be_read_is_read_from_the_same_moment(acme: Assembly, network: Network) -> None:
    network.unread = ("thread",)
    read(acme, network)
    network.unread = ()
    assert read(acme, network, post("Still nothing, awful.", at=NOW - 30 * MINUTE), now=NOW + 3 * HOUR).kept == 1
    (first,), (second,) = network.asked
    assert second.since == first.since


def test_open_cases_come_first_and_each_has_its_turn(acme: Assembly, network: Network) -> None:
    take(acme, *(post(LATE, author=name, native_id=name, thread_id=name, at=NOW - MINUTE) for name in ("mira", "joon")))
    say(acme.database, acme.rules, "2", "answered", who="Ana", way="page", now=NOW)
    talk = reader(acme, network)
    for minute in range(3):
        talk.visit("forum", mine(acme), lambda minute=minute: NOW + minute * MINUTE)  # type: ignore[misc]
    threads: Sequence[set[str]] = [{one.thread for one in asked} for asked in network.asked]
    open_ones = {case(acme.database, each).thread for each in "13"}
    assert threads[0] == open_ones, "two at a time on this network: those that wait"


@pytest.mark.parametrize("lost", [{"thread"}, {"thread", "mira"}])
def test_conversations_that_always_fail_hold_up_no_other(acme: Assembly, network: Network, lost: set[str]) -> None:
    """What was never read stood before all others at each turn: a whole turn of such was all that was ever asked."""
    names = ("mira", "joon", "ines", "yuki")
    take(acme, *(post(LATE, author=name, native_id=name, thread_id=name, at=NOW - MINUTE) for name in names))
    network.lost = lost
    talk = reader(acme, network)
    for minute in range(6):
        talk.visit("forum", mine(acme), lambda minute=minute: NOW + minute * MINUTE)  # type: ignore[misc]
    turns = [{one.thread for one in asked} for asked in network.asked]
    assert set.union(*turns[:3]) == {"thread", *names}, "two at a time on this network"
    assert set.union(*turns[3:]) == {"thread", *names}, "what failed is asked for again, in its turn"
    failing = [one.since for asked in network.asked for one in asked if one.thread == "thread"]
    assert set(failing) == {NOW - 2 * HOUR}, "and from the same moment"


def test_the_next_page_of_some_conversations_is_asked_for_with_the_same_ones(acme: Assembly, network: Network) -> None:
    take(acme, *(post(LATE, author=name, native_id=name, thread_id=name, at=NOW - MINUTE) for name in ("mira", "joon")))
    talk = reader(acme, network)
    network.complete = False
    talk.visit("forum", mine(acme), lambda: NOW)
    network.fault = ConnectorError("503")
    for minute in range(1, 3):
        talk.visit("forum", mine(acme), lambda minute=minute: NOW + minute * MINUTE)  # type: ignore[misc]
    first, *others = ([one.thread for one in asked] for asked in network.asked)
    assert others == [first, first]


def test_what_a_slow_network_had_no_time_for_comes_before_what_was_read(acme: Assembly, network: Network) -> None:
    take(acme, *(post(LATE, author=name, native_id=name, thread_id=name, at=NOW - MINUTE) for name in ("mira", "joon")))
    talk = reader(acme, network)
    network.unread = ("joon",)
    for minute in range(2):
        talk.visit("forum", mine(acme), lambda minute=minute: NOW + minute * MINUTE)  # type: ignore[misc]
    first, second = ({one.thread for one in asked} for asked in network.asked)
    assert first == {"mira", "joon"}
    assert second == {"joon", "thread"}


def test_seven_days_after_the_answer_nobody_is_followed_any_more(acme: Assembly, network: Network) -> None:
    talk = reader(acme, network)
    sources.know(acme.database, "forum", "rss", "mark") if hasattr(sources, "know") else None
    say(acme.database, acme.rules, "1", "answered", who="Ana", way="page", now=NOW)
    talk.visit("forum", mine(acme), lambda: NOW + FOLLOWED - MINUTE)
    assert len(network.asked) == 1
    talk.visit("forum", mine(acme), lambda: NOW + FOLLOWED + MINUTE)
    assert len(network.asked) == 1


def test_a_network_that_fails_is_asked_later_and_stops_nothing(acme: Assembly, network: Network) -> None:
    network.fault = ConnectorError("it is down")
    heard = read(acme, network, post("Still nothing, awful.", native_id="second"))
    assert heard.error == "it is down"
    network.fault = None
    assert read(acme, network).kept == 1


def test_what_it_cost_is_added_up_by_month(acme: Assembly, network: Network) -> None:
    read(acme, network, post("Still nothing.", native_id="second"), post("Hm.", author="x", native_id="third"))
    assert spent_on_conversations(acme.database, "forum", NOW) == pytest.approx(0.01)
    assert spent_on_conversations(acme.database, "forum", NOW + 40 * DAY) == 0


@pytest.mark.parametrize(
    "text",
    [
        "Same here",
        "@olga me too!",
        "bei mir auch",
        "moi aussi...",
        "a mí también",
        "anch'io",
        "comigo também",
        "hier ook",
        "+1",
        "I have the same problem",
        "I have this too",
        "getting exactly the same",
        "I'm also locked out",
        "happened to me last week",
        "not working for me either",
    ],
)
def test_the_same_trouble_in_seven_languages(text: str) -> None:
    assert says_same_trouble(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "What a day",
        "the same procedure as every year",
        "lol",
        "hier",
        "same " * 100,
        "I have this coat in red, love it",
        "we have the same sofa",
        "works for me too",
        "not down for me either",
        "look what happened to me today, a free upgrade",
        "I am also looking for a job there",
    ],
)
def test_other_words_are_not(text: str) -> None:
    assert not says_same_trouble(text)


def test_a_source_without_a_case_is_looked_at_again_ten_seconds_later(sqlite: Sqlite, tmp_path: Path) -> None:
    acme = assembly_of(sqlite, settings_from(tmp_path))
    talk = reader(acme, Network())
    assert talk.due(NOW) == []
    take(acme, post(ANGRY, native_id="first", thread_id="thread", at=NOW - HOUR))
    assert talk.due(NOW + timedelta(seconds=9)) == [], "all its cases are not gone through twice a second"
    assert talk.due(NOW + timedelta(seconds=10)) == ["forum"]
    assert talk.due(NOW - DAY) == ["forum"], "the clock has stepped back"
