"""Reviews of one's own places: what was written, our reply and its state, who is gone, and what Google refuses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from pydantic import SecretStr, ValidationError

from connectors import ConnectorError, Nonsense, RateLimited, Refused
from connectors.google import PersonsAccess
from connectors.googlebusiness import Settings
from connectors.http import Http
from tests.connectors.contract_googlebusiness import PATH, PLACE, TOKEN, credentials, make, page, review
from tests.connectors.contracts import CANARY, NOW, again, first_request, walk
from tests.fakes.server import FakeServer, Reply

ASKED = first_request("places")
REPLIED = NOW - timedelta(minutes=5)
ALL = "https://business.google.com/reviews"


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as running:
        running.route("/token", TOKEN)
        yield running


def test_the_refresh_token_gives_a_token_for_an_hour_and_is_not_shown_elsewhere(server: FakeServer) -> None:
    server.route(PATH, page(review(1)))
    connector = make(server, 20)
    for minutes in (0, 30, 70):
        connector.fetch(again(ASKED, "", timedelta(minutes=minutes)))
    assert [seen.path for seen in server.ledger] == ["/token", PATH, PATH, "/token", PATH]
    assert parse_qs(server.ledger[0].body.decode()) == {
        "grant_type": ["refresh_token"], "client_id": ["1.apps.googleusercontent.com"], "client_secret": [CANARY],
        "refresh_token": [f"1//{CANARY}"],
    }  # fmt: skip
    assert server.ledger[1].headers["authorization"] == f"Bearer token-{CANARY}"
    assert server.ledger[1].query == {"pageSize": ["50"], "orderBy": ["updateTime desc"]}


def test_a_review_is_read_with_its_stars_and_our_reply_once_the_customer_sees_it(server: FakeServer) -> None:
    reply = {"comment": "We sent a new one", "updateTime": REPLIED.isoformat()}
    server.route(
        PATH,
        page(
            review(1, reviewReply={**reply, "reviewReplyState": "APPROVED"}, reviewReplyUrl="https://example.org/r/1"),
            review(2, reviewReply={**reply, "reviewReplyState": "PENDING"}, starRating="FIVE"),
            review(3, reviewReply=reply, reviewMediaItems=[{"thumbnailUrl": "x"}, {"videoUrl": "y"}, 7]),
            {**review(4, reviewer={"isAnonymous": True}, reviewReply=7, reviewMediaItems=7), "comment": ""},
        ),
    )
    one, two, three, four = make(server, 20).fetch(ASKED).posts
    assert (one.native_id, one.url, one.author) == (
        f"{PLACE}/reviews/AbCd-0001",
        "https://example.org/r/1",
        "reviewer1",
    )
    assert (one.text, one.rating, one.addressed) == ("Acme lost my parcel & my patience", 1.0, (PLACE, "*"))
    assert (one.reply_text, one.replied_at) == ("We sent a new one", REPLIED)
    assert (two.rating, two.reply_text, two.replied_at) == (5.0, "", None)
    assert (three.replied_at, three.pictures, three.videos) == (REPLIED, 1, 1)
    assert (four.author, four.text, four.rating, four.url) == ("Google user d-0004", "", 1.0, ALL)


@pytest.mark.parametrize(
    "sent",
    [
        "(Translated by Google) They lost it.\n\n(Original)\nSie haben es verloren.",
        "Sie haben es verloren.\n\n(Translated by Google)\nThey lost it.",
        "Sie haben es verloren.",
    ],
)
def test_what_the_person_wrote_is_kept_without_the_translation(server: FakeServer, sent: str) -> None:
    server.route(PATH, page(review(1, comment=sent)))
    assert make(server, 20).fetch(ASKED).posts[0].text == "Sie haben es verloren."


def test_each_read_looks_back_for_replies_and_once_a_day_further(server: FakeServer) -> None:
    server.route(PATH, page(review(1), review(3 * 48), review(20 * 48)))
    connector = make(server, 20, overlap=timedelta(days=7))
    (whole,) = walk(connector, first_request("places", back=timedelta(days=90)))
    assert len(whole.posts) == 3
    soon = again(first_request("places", back=timedelta(days=90)), whole.cursor, timedelta(hours=1))
    assert len(connector.fetch(soon).posts) == 2
    tomorrow = again(soon, whole.cursor, timedelta(days=1))
    assert len(connector.fetch(tomorrow).posts) == 3


def test_a_review_that_is_gone_is_deleted_and_a_server_that_knows_none_says_nothing(server: FakeServer) -> None:
    missing = Reply(
        404, json={"error": {"code": 404, "status": "NOT_FOUND", "message": "Requested entity was not found"}}
    )
    known = [f"{PLACE}/reviews/AbCd-{number:04}" for number in (1, 2)]
    server.route(f"/v4/{known[0]}", review(1))
    server.route("/v4/*", missing)
    connector = make(server, 20)
    assert connector.refresh((*known, "odd id"), ASKED).deleted == (known[1],)
    server.route(f"/v4/{known[0]}", missing)
    with pytest.raises(Refused):
        connector.refresh(tuple(known), ASKED)


def test_one_place_that_is_closed_to_us_hides_no_other(server: FakeServer) -> None:
    other = "accounts/111222333444/locations/2"
    server.route(f"/v4/{other}/reviews", Reply(403, json={"error": {"code": 403, "status": "PERMISSION_DENIED"}}))
    server.route(PATH, page(review(1)))
    batches = walk(make(server, 20, locations=(PLACE, other)), ASKED)
    assert sorted(len(batch.posts) for batch in batches) == [0, 1]
    assert any("PERMISSION_DENIED" in notice for batch in batches for notice in batch.notices)


def test_no_reviews_are_an_empty_object_and_anything_else_is_nonsense(server: FakeServer) -> None:
    server.route(PATH, {})
    assert make(server, 20).fetch(ASKED).complete
    server.route(PATH, {"status": "ok"})
    with pytest.raises(Nonsense):
        make(server, 20).fetch(ASKED)


@pytest.mark.parametrize(
    ("status", "reason", "kind", "remedy"),
    [
        (401, "UNAUTHENTICATED", Refused, "owner or manager"),
        (403, "PERMISSION_DENIED", Refused, "owner or manager"),
        (429, "RESOURCE_EXHAUSTED", RateLimited, "not approved yet"),
        (404, "NOT_FOUND", Refused, "locations"),
        (500, "INTERNAL", ConnectorError, "retry"),
    ],
)
def test_what_google_refuses_says_what_to_do(
    server: FakeServer, status: int, reason: str, kind: type[ConnectorError], remedy: str
) -> None:
    server.route(PATH, Reply(status, json={"error": {"code": status, "status": reason, "message": CANARY}}))
    with pytest.raises(kind) as caught:
        make(server, 20).fetch(ASKED)
    assert remedy in caught.value.remedy
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    ("held", "answer", "kind", "remedy"),
    [
        (SecretStr(CANARY), None, Refused, "one file"),
        (SecretStr('{"client_id": "x"}'), None, Refused, "one file"),
        (None, Reply(400, json={"error": "invalid_grant", "error_description": CANARY}), Refused, "seven days"),
        (None, Reply(json={"access_token": 7}), Nonsense, "retry"),
    ],
)
def test_a_person_who_gets_no_token_is_told_why(
    server: FakeServer, held: SecretStr | None, answer: Any, kind: type[ConnectorError], remedy: str
) -> None:
    server.route("/token", answer)
    with pytest.raises(kind) as caught:
        PersonsAccess(held or credentials(server), Http(trusted=[server.host])).headers(NOW)
    assert remedy in caught.value.remedy
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("place", ["locations/1", "accounts/1/locations/x", "accounts/1/locations/2/../3"])
def test_a_place_that_is_none_is_refused_in_settings(place: str) -> None:
    with pytest.raises(ValidationError):
        Settings(credentials=SecretStr("{}"), locations=(place,))
