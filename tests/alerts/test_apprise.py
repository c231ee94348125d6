"""Apprise, by its JSON service, against a loopback receiver."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from pydantic import SecretStr

from alerts import Alert, ChannelError, Entry
from alerts.apprise import Apprise, Settings
from tests.fakes.server import FakeServer, Reply

pytest.importorskip("apprise", reason="NOT TESTED: the apprise channel, for apprise is not installed")

ENTRY = Entry("12", "@customer on X", "Charged twice", ("says: cancelling",), "https://social.example/1")
ALERT = Alert(key="case:12/1", reason="opened", title="Harbour Tea", entries=(ENTRY,))


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as running:
        running.route("/key", Reply(status=200))
        yield running


def channel(server: FakeServer, **options: object) -> Apprise:
    address = server.url.replace("http://", "json://") + "/key?cto=1&rto=1"
    return Apprise(Settings.model_validate({"url": address, "timeout": 2.0} | options))


@pytest.mark.parametrize(
    ("priority", "loudness"), [("critical", "failure"), ("urgent", "warning"), ("normal", "info"), ("gentle", "info")]
)
def test_priority_becomes_the_services_own_loudness(server: FakeServer, priority: str, loudness: str) -> None:
    channel(server).send(replace(ALERT, priority=priority), "phone")
    assert server.ledger[0].json["type"] == loudness


def test_the_title_and_the_lines_are_plain_text(server: FakeServer) -> None:
    channel(server).send(ALERT, "phone")
    said = server.ledger[0].json
    assert said["title"] == "Harbour Tea"
    assert said["message"].splitlines()[:3] == ["@customer on X", '"Charged twice"', "says: cancelling"]


def test_a_message_is_as_long_as_the_service_can_show(server: FakeServer) -> None:
    many = replace(ALERT, entries=tuple(replace(ENTRY, excerpt="word " * 500) for _ in range(20)), more=900)
    channel(server, length=160).send(many, "phone")
    assert len(server.ledger[0].json["message"]) <= 160


@pytest.mark.parametrize("address", ["", "nonsense://key-secret", "%%%", "mailto://", "json://", "http//key-secret"])
def test_an_address_it_cannot_read_wants_a_person_at_check(address: str) -> None:
    broken = Apprise(Settings(url=SecretStr(address)))
    for attempt in (broken.check, lambda: broken.send(ALERT, "phone")):
        with pytest.raises(ChannelError) as caught:
            attempt()
        assert caught.value.channel_broken
        assert caught.value.remedy
        assert "key-secret" not in f"{caught.value!r} {caught.value.remedy} {caught.value.__context__!r}"


def test_check_names_the_service_and_sends_nothing(server: FakeServer) -> None:
    assert "JSON" in channel(server).check()
    assert server.ledger == []


def test_words_of_a_post_do_not_pass_for_the_services_verdict(server: FakeServer) -> None:
    """Apprise's log repeats what we send: a post that says "error=401" must not close the channel."""
    server.misbehave("500", at=1)
    entry = replace(ENTRY, excerpt="Socket Exception: NewConnectionError error=401 error=413")
    with pytest.raises(ChannelError) as caught:
        channel(server).send(replace(ALERT, entries=(entry,)), "phone")
    assert caught.value.message == "apprise: JSON answered 500"
    assert not caught.value.channel_broken


def test_whether_it_can_wake_a_person_is_a_setting(server: FakeServer) -> None:
    assert channel(server).wakes is False
    assert channel(server, wakes=True).wakes is True
