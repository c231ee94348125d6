"""Whom X lets a program answer: whoever mentioned the account, or quoted a post of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from connectors import Nonsense, Post
from connectors.writing import NotWritten, Unsure
from connectors.x.reply import XReply
from tests.connectors.reply_contracts import KEY, NOW, TEXT
from tests.connectors.reply_x import CONTRACT, Server, make, number
from tests.fakes.server import FakeServer, Reply

OURS, THEIRS = number(-900), number(-800)


@pytest.fixture
def birds() -> Iterator[tuple[Server, XReply]]:
    """X, where one post is ours and one somebody else's."""
    with FakeServer() as server:
        network = Server(server)
        network.posted += [{"id": OURS, "author_id": "42"}, {"id": THEIRS, "author_id": "77"}]
        yield network, make(server, 20.0)


def quoting(native_id: str, text: str = "They say it never breaks") -> Post:
    raw = json.dumps({"id": CONTRACT.post.native_id, "referenced_tweets": [{"type": "quoted", "id": native_id}]})
    return replace(CONTRACT.post, text=text, raw=raw)


@pytest.mark.parametrize("text", ["@acme it broke", "It broke, @ACME.", "(@Acme)"])
def test_whoever_mentions_the_account_may_be_answered(birds: tuple[Server, XReply], text: str) -> None:
    assert birds[1].refusal(replace(CONTRACT.post, text=text)) == ""


@pytest.mark.parametrize("text", ["it broke", "@acme_fans it broke", "mail me@acme", "acme is bad"])
def test_whoever_does_not_is_answered_on_x_itself(birds: tuple[Server, XReply], text: str) -> None:
    network, writer = birds
    assert "mention or quote @acme" in writer.refusal(replace(CONTRACT.post, text=text))
    with pytest.raises(NotWritten, match="mention or quote @acme"):
        writer.reply(replace(CONTRACT.post, text=text), TEXT, KEY, NOW)
    assert network.server.ledger == []


def test_whoever_quotes_a_post_of_ours_may_be_answered(birds: tuple[Server, XReply]) -> None:
    network, writer = birds
    assert writer.refusal(quoting(OURS)) == ""
    assert writer.reply(quoting(OURS), TEXT, KEY, NOW).native_id
    assert network.writes() == 1


@pytest.mark.parametrize("native_id", [THEIRS, number(-700)])
def test_whoever_quotes_another_s_post_or_one_that_is_gone_is_not(birds: tuple[Server, XReply], native_id: str) -> None:
    network, writer = birds
    with pytest.raises(NotWritten, match="mention or quote @acme"):
        writer.reply(quoting(native_id), TEXT, KEY, NOW)
    assert network.writes() == 0


def test_a_mention_is_not_paid_for_once_more(birds: tuple[Server, XReply]) -> None:
    network, writer = birds
    writer.reply(quoting(THEIRS, "@acme look at this"), TEXT, KEY, NOW)
    assert [seen.method for seen in network.server.ledger] == ["POST"]


def test_what_x_does_not_call_deleted_is_looked_at(birds: tuple[Server, XReply]) -> None:
    """Of a deletion X says whether it came to pass; where it stands it is told, where nobody can tell it is unsure."""
    network, writer = birds
    network.refuses = Reply(json={"data": {"deleted": False}})
    with pytest.raises(NotWritten, match="does not say that the post is deleted"):
        writer.take_back(OURS, NOW)
    network.server.misbehave("503", at=len(network.server.ledger) + 2)
    with pytest.raises(Unsure):
        writer.take_back(OURS, NOW)


def test_only_a_post_that_x_cannot_find_is_gone(birds: tuple[Server, XReply]) -> None:
    network, writer = birds
    assert writer.answers(number(-700), NOW) is None
    busy = {"title": "Service Unavailable", "type": "https://api.twitter.com/2/problems/operational-disconnect"}
    network.server.misbehave(Reply(json={"errors": [busy]}), at=len(network.server.ledger) + 1)
    with pytest.raises(Nonsense):
        writer.answers(OURS, NOW)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("https://acme.example/help?id=1&x=2", 23),
        ("See (https://acme.example/help).", 30),
        (f"https://acme.example/help{'あ' * 10}", 43),
    ],
)
def test_a_link_counts_for_23_and_what_follows_it_without_a_blank_for_itself(
    birds: tuple[Server, XReply], text: str, length: int
) -> None:
    assert birds[1].length(text) == length
