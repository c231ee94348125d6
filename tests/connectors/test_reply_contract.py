"""One contract over all writing halves: every kind in connectors.WRITERS."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from connectors import WRITERS, ConnectorError, Refused
from connectors.writing import NotWritten, Unsure, Writer, Written
from tests.connectors.reply_contracts import CANARY, KEY, NOW, TEXT, Network, ReplyContract, contract_of
from tests.fakes.server import FakeServer, Reply

PATIENCE, BOUND = 0.5, 20.0  # seconds: until a client gives up; where it is not to give up
LATER = NOW + timedelta(minutes=1)


@dataclass
class Tried:
    """One network with one writing half before it."""

    contract: ReplyContract
    network: Network
    writer: Writer

    def reply(self, text: str = TEXT, key: str = KEY) -> Written:
        return self.writer.reply(self.contract.post, text, key, NOW)

    def look(self) -> Written | None:
        return self.writer.look_up(self.contract.post, TEXT, KEY, NOW, LATER)

    def impatient(self) -> Writer:
        return self.contract.make(self.network.server, PATIENCE)


# Discussions on GitHub are written by another API than issues: their own contract.
@pytest.fixture(params=[*sorted(WRITERS), "github_discussion"])
def tried(request: pytest.FixtureRequest) -> Iterator[Tried]:
    contract = contract_of(request.param)
    with FakeServer() as server:
        network = contract.serve(server)
        yield Tried(contract, network, contract.make(server, BOUND))


def test_it_says_who_would_write_and_how_much_fits(tried: Tried) -> None:
    standing = tried.writer.standing(NOW)
    assert (standing.account, standing.longest) == (tried.contract.account, tried.contract.longest)
    assert tried.network.writes() == 0


def test_a_reply_is_written_once_with_the_networks_id_address_and_time(tried: Tried) -> None:
    written = tried.reply()
    assert len(tried.network.posted) == tried.network.writes() == 1
    assert written.native_id
    assert written.url.startswith("http")
    assert abs(written.at - NOW) < timedelta(minutes=1)
    assert written.at.utcoffset() == timedelta(0)


def test_a_reply_is_found_again_and_another_is_not_taken_for_it(tried: Tried) -> None:
    if not tried.writer.looks_up:
        pytest.skip("this network can't be asked")
    assert tried.look() is None
    written = tried.reply()
    assert tried.look() == written
    assert tried.contract.make(tried.network.server, BOUND).look_up(tried.contract.post, TEXT, KEY, NOW, LATER)
    other = tried.writer.look_up(tried.contract.post, "We never wrote this", KEY.replace("-00", "-ff"), NOW, LATER)
    assert other is None


@pytest.mark.parametrize("mode", ["hang", "drop", "cut", "html", "empty", "ok"])
def test_what_was_taken_and_whose_answer_was_lost_is_unsure_and_can_be_looked_up(tried: Tried, mode: str) -> None:
    """Accepted, but lost: "ok" stands for a gateway that gives up on a server that did not."""
    tried.network.accepts_but = mode
    with pytest.raises(Unsure):
        tried.impatient().reply(tried.contract.post, TEXT, KEY, NOW)
    assert tried.network.writes() == 1, "it was tried again blindly"
    assert len(tried.network.posted) == 1
    if tried.writer.looks_up:
        assert tried.look() is not None


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_fault_of_the_server_leaves_it_open(tried: Tried, status: int) -> None:
    tried.network.refuses = Reply(status, json={"error": "later"})
    with pytest.raises(Unsure):
        tried.reply()
    assert tried.network.writes() == 1
    if tried.writer.looks_up:
        assert tried.look() is None


@pytest.mark.parametrize("refusal", ["too_long", "expired", "duplicate"])
def test_a_refusal_says_what_the_network_said(tried: Tried, refusal: str) -> None:
    answer: Reply = getattr(tried.contract, refusal)
    tried.network.refuses = answer
    with pytest.raises(NotWritten) as raised:
        tried.reply()
    assert answer.status == 200 or str(answer.status) in raised.value.message
    said = next((answer.json[name] for name in ("message", "detail", "error") if name in answer.json), None)
    said = said or answer.json["errors"][0]
    words = said if isinstance(said, str) else said.get("message") or said["title"]
    assert raised.value.message.rstrip('"').endswith(words[-30:])
    assert raised.value.remedy
    assert tried.network.posted == []


def test_too_many_requests_is_a_refusal(tried: Tried) -> None:
    tried.network.refuses = Reply(429, json={"error": "Too many requests"})
    with pytest.raises(NotWritten, match="429"):
        tried.reply()


def test_a_post_that_was_deleted_meanwhile_is_not_answered(tried: Tried) -> None:
    tried.network.gone = True
    with pytest.raises(NotWritten):
        tried.reply()
    assert tried.network.posted == []


def test_where_nobody_can_be_reached_nothing_was_written(tried: Tried) -> None:
    with FakeServer() as closed:
        pass
    with pytest.raises(NotWritten, match="nothing was sent"):
        tried.contract.make(closed, BOUND).reply(tried.contract.post, TEXT, KEY, NOW)


def test_a_reply_that_nobody_answered_is_taken_back(tried: Tried) -> None:
    if not tried.writer.takes_back:
        pytest.skip("this network deletes nothing")
    written = tried.reply()
    assert tried.writer.answers(written.native_id, LATER) == 0
    tried.network.answered = 2
    assert tried.writer.answers(written.native_id, LATER) == (2 if tried.contract.counts_answers else 0)
    tried.writer.take_back(written.native_id, LATER)
    assert tried.network.posted == []
    assert tried.writer.answers(written.native_id, LATER) is None
    tried.writer.take_back(written.native_id, LATER)  # gone is gone


def test_a_refused_deletion_is_told(tried: Tried) -> None:
    if not tried.writer.takes_back:
        pytest.skip("this network deletes nothing")
    written = tried.reply()
    tried.network.refuses = Reply(403, json={"error": "not yours"})
    with pytest.raises(NotWritten, match="not yours"):
        tried.writer.take_back(written.native_id, LATER)
    tried.network.refuses = Reply(500, json={"error": "later"})
    with pytest.raises(Unsure):
        tried.writer.take_back(written.native_id, LATER)


@pytest.mark.parametrize("status", [403, 404])
def test_a_deletion_is_claimed_by_nobody_who_cannot_see_it(tried: Tried, status: int) -> None:
    """The network says no, and not whether the reply stands: whoever asked has to look later, in all networks alike."""
    if not tried.writer.takes_back:
        pytest.skip("this network deletes nothing")
    written, server = tried.reply(), tried.network.server
    tried.network.refuses = Reply(status, json={"error": "no"})
    began, writes = len(server.ledger), tried.network.writes()
    with pytest.raises(NotWritten):  # it can be seen to stand
        tried.writer.take_back(written.native_id, LATER)
    changing = [seen for seen in server.ledger[began:] if seen.method != "GET" and b'"query($' not in seen.body]
    assert tried.network.writes() == writes + 1
    for number in range(len(server.ledger) + changing[-1].number - began + 1, len(server.ledger) + 40):
        server.misbehave("503", at=number)
    with pytest.raises(Unsure, match=str(status)):
        tried.writer.take_back(written.native_id, LATER)


@pytest.mark.parametrize(
    ("kind", "native_id"),
    [("appstore", "reply to ../apps"), ("github", "acme/kettle"), ("x", "../users/1"), ("youtube", "dQw4w9WgXcQ")],
)
def test_what_is_no_reply_of_ours_is_neither_deleted_nor_said_to_be(kind: str, native_id: str) -> None:
    contract = contract_of(kind)
    with FakeServer() as server:
        network = contract.serve(server)
        with pytest.raises(NotWritten, match="not a"):
            contract.make(server, BOUND).take_back(native_id, LATER)
        assert network.writes() == 0


def test_a_deletion_that_never_left_is_none(tried: Tried) -> None:
    if not tried.writer.takes_back:
        pytest.skip("this network deletes nothing")
    written = tried.reply()
    with FakeServer() as closed:
        pass
    with pytest.raises(NotWritten, match="nothing was sent"):
        tried.contract.make(closed, BOUND).take_back(written.native_id, LATER)


def test_no_secret_stands_in_an_error_or_in_what_is_shown(tried: Tried) -> None:
    assert CANARY not in repr(vars(tried.writer))
    tried.network.server.mode = "401"
    with pytest.raises(Refused) as refused:
        tried.writer.standing(NOW)
    assert refused.value.remedy
    tried.network.server.mode = "html"
    found: list[BaseException] = [refused.value]
    for call in (lambda: tried.writer.standing(NOW), tried.reply):
        with pytest.raises(ConnectorError) as raised:
            call()
        found.append(raised.value)
    for error in found:
        told = "".join(traceback.format_exception(error)) + str(getattr(error, "remedy", ""))
        assert CANARY not in told
        assert TEXT not in told


def test_the_opening_and_the_length_are_the_networks(tried: Tried) -> None:
    assert tried.writer.length("word") == 4
    assert tried.writer.refusal(tried.contract.post) == ""
    assert tried.writer.length(tried.writer.opening(tried.contract.post)) <= 40
