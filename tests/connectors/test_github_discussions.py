"""Where an answer in a discussion stands, and what GraphQL's errors mean."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.github.connector import graphql_of
from connectors.github.discussions import Place, place_of
from connectors.github.reply import GitHubReply
from connectors.writing import NotWritten, Unsure
from tests.connectors.reply_contracts import KEY, NOW, TEXT
from tests.connectors.reply_github import CONTRACT as ISSUES
from tests.connectors.reply_github import make
from tests.connectors.reply_github_discussion import CONTRACT, DISCUSSION, Server, comment, refused
from tests.fakes.server import FakeServer, Reply

POST = CONTRACT.post


@pytest.fixture
def talk() -> Iterator[tuple[Server, GitHubReply]]:
    with FakeServer() as server:
        yield Server(server), make(server, 20.0)


def test_an_answer_stands_below_the_comment_that_it_answers_and_never_deeper() -> None:
    assert place_of(POST) == Place("acme", "kettle", 7, "DC_kwDOada")
    assert place_of(replace(POST, native_id="DC_kwDObo", parent_id="DC_kwDOada")) == place_of(POST)
    itself = replace(POST, native_id=DISCUSSION, parent_id="", thread_id="")
    assert place_of(itself) == Place("acme", "kettle", 7, "")
    assert place_of(ISSUES.post) is None


def test_what_is_neither_issue_nor_discussion_is_not_answered(talk: tuple[Server, GitHubReply]) -> None:
    network, writer = talk
    stray = replace(POST, parent_id="", thread_id="")
    assert "only issues and discussions" in writer.refusal(stray)
    with pytest.raises(NotWritten):
        writer.reply(stray, TEXT, KEY, NOW)
    assert network.server.ledger == []


@pytest.mark.parametrize("kind", ["", "INTERNAL", "SERVICE_UNAVAILABLE"])
def test_an_error_of_githubs_own_leaves_it_open(talk: tuple[Server, GitHubReply], kind: str) -> None:
    network, writer = talk
    network.refuses = refused(kind, "Something went wrong while executing your query")
    with pytest.raises(Unsure):
        writer.reply(POST, TEXT, KEY, NOW)


def test_what_was_written_is_written_whatever_else_went_wrong(talk: tuple[Server, GitHubReply]) -> None:
    network, writer = talk
    made = comment("DC_kwDOours", TEXT, ours=True)
    said = {"data": {"addDiscussionComment": {"comment": made}}, "errors": [{"type": "FORBIDDEN", "message": "other"}]}
    network.refuses = Reply(json=said)
    assert writer.reply(POST, TEXT, KEY, NOW).native_id == "DC_kwDOours"


def test_the_empty_place_of_an_answered_comment_is_gone(talk: tuple[Server, GitHubReply]) -> None:
    network, writer = talk
    network.posted = [comment("DC_kwDOours", "", ours=True) | {"deletedAt": "2026-03-04T10:01:00Z"}]
    assert writer.answers("DC_kwDOours", NOW) is None


def test_the_same_words_of_somebody_else_are_not_ours(talk: tuple[Server, GitHubReply]) -> None:
    network, writer = talk
    network.posted = [comment("DC_kwDOcopy", TEXT)]
    assert writer.look_up(POST, TEXT, KEY, NOW, NOW) is None


def test_the_same_words_of_ours_from_before_are_not_this_reply(talk: tuple[Server, GitHubReply]) -> None:
    network, writer = talk
    network.posted = [comment("DC_kwDOours", TEXT, ours=True)]
    assert writer.look_up(POST, TEXT, KEY, NOW, NOW) is not None
    later = NOW + timedelta(hours=1)
    assert writer.look_up(POST, TEXT, KEY, later, later) is None


def test_graphql_is_beside_the_rest_api_of_a_server_of_one_s_own_too() -> None:
    assert graphql_of("https://api.github.com/") == "https://api.github.com/graphql"
    assert graphql_of("https://git.example/api/v3") == "https://git.example/api/graphql"
