"""Reviews of one's own apps: who asks is signed, our answer comes with its time, and refusals say what to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from pydantic import SecretStr

from connectors import ConnectorError, Nonsense, RateLimited, Refused
from connectors.google import ServiceAccount
from connectors.http import Http
from tests.connectors import contract_appstore as apple
from tests.connectors import contract_googleplay as google
from tests.connectors.contracts import CANARY, NOW, again, first_request, walk
from tests.fakes.server import FakeServer, Reply

ASKED = first_request("reviews")
HOUR = timedelta(hours=1)
REPLIED = NOW - timedelta(minutes=5)


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as running:
        running.route("/token", google.TOKEN)
        yield running


def bearer(headers: dict[str, str]) -> str:
    return headers["authorization"].removeprefix("Bearer ")


# ── App Store Connect ───────────────────────────────────────────────────────────────────────────────────────────────


def response(name: str, **changes: Any) -> dict[str, Any]:
    held = {"responseBody": "Version 5 mends it", "lastModifiedDate": REPLIED.isoformat(), "state": "PUBLISHED"}
    return {"type": "customerReviewResponses", "id": name, "attributes": {**held, **changes}}


def test_the_token_is_signed_for_twenty_minutes_at_most_and_says_who_asks(server: FakeServer) -> None:
    server.route(apple.PATH, apple.page())
    apple.make(server, 20).fetch(ASKED)
    apple.make(server, 20, issuer_id="").fetch(ASKED)
    key = ECKey.import_key(apple.private_key())
    team, own = (jwt.decode(bearer(seen.headers), key, algorithms=["ES256"]) for seen in server.ledger)
    assert (team.header["alg"], team.header["kid"], team.header["typ"]) == ("ES256", "ABC1234567", "JWT")
    assert (team.claims["iss"], team.claims["aud"]) == ("57246542-96fe-1a63", "appstoreconnect-v1")
    assert team.claims["iat"] == int(NOW.timestamp())
    assert team.claims["exp"] - team.claims["iat"] <= 20 * 60
    assert ("iss" in own.claims, own.claims["sub"]) == (False, "user")
    assert server.ledger[0].query == {"include": ["response"], "sort": ["-createdDate"], "limit": ["200"]}


def test_our_published_response_comes_inside_its_review(server: FakeServer) -> None:
    included = [response("a"), response("b", state="PENDING_PUBLISH"), response("c", lastModifiedDate="soon"), "odd"]
    reviews = [apple.review(1, answer="a"), apple.review(2, answer="b"), apple.review(3, answer="c"), apple.review(4)]
    server.route(apple.PATH, apple.page(*reviews, included=included))
    batch = apple.make(server, 20).fetch(ASKED)
    assert [(post.reply_text, post.replied_at) for post in batch.posts] == [
        ("Version 5 mends it", REPLIED), ("", None), ("", None), ("", None),
    ]  # fmt: skip
    first = batch.posts[0]
    assert (first.rating, first.title, first.addressed) == (1.0, "Broken 1", (apple.APP, "*"))
    assert first.url == f"https://apps.apple.com/app/id{apple.APP}?see-all=reviews"


def test_each_read_looks_back_for_answers_and_once_a_day_further(server: FakeServer) -> None:
    listed = [apple.review(1), apple.review(4 * 48), apple.review(20 * 48), apple.review(40 * 48)]
    server.route(apple.PATH, apple.page(*listed))
    connector = apple.make(server, 20, overlap=timedelta(days=3))
    long_ago = replace(ASKED, since=NOW - timedelta(days=60))
    (whole,) = walk(connector, long_ago)
    (soon,) = walk(connector, again(long_ago, whole.cursor, HOUR))
    (next_day,) = walk(connector, again(long_ago, soon.cursor, timedelta(days=1)))
    assert [len(batch.posts) for batch in (whole, soon, next_day)] == [4, 1, 3]


def test_without_apps_in_settings_those_that_the_key_shows_are_read(server: FakeServer) -> None:
    server.route("/v1/apps", {"data": [{"type": "apps", "id": apple.APP}, {"id": "../v1/users"}, "odd"]})
    server.route(apple.PATH, apple.page(apple.review(1)))
    connector = apple.make(server, 20, apps=())
    (first,) = walk(connector, ASKED)
    walk(connector, again(ASKED, first.cursor, HOUR))
    assert server.paths() == ["/v1/apps", apple.PATH, apple.PATH]
    server.route("/v1/apps", {"data": []})
    with pytest.raises(Refused, match="no app") as refused:
        connector.fetch(ASKED)
    assert "Customer Support" in refused.value.remedy


def test_the_link_to_the_next_page_is_never_followed_itself(server: FakeServer) -> None:
    first = apple.page(apple.review(1), cursor="Mg")
    first["links"]["next"] = "https://elsewhere.example/steal?cursor=Mg"
    server.route(apple.PATH, [first, apple.page(apple.review(2))])
    assert len(walk(apple.make(server, 20), ASKED)) == 2
    assert [seen.one("cursor") for seen in server.ledger] == ["", "Mg"]
    server.route(apple.PATH, {**apple.page(apple.review(1)), "links": {"next": "http://[broken"}})
    assert len(walk(apple.make(server, 20), ASKED)) == 1


def test_pages_without_end_are_given_up_with_a_gap(server: FakeServer) -> None:
    server.route(apple.PATH, lambda seen: apple.page(apple.review(seen.number % 2), cursor="same"))
    batches = walk(apple.make(server, 20), ASKED)
    assert batches[-1].gaps
    assert len(batches) < 4


def test_a_review_that_is_gone_is_deleted_and_a_server_that_knows_none_says_nothing(server: FakeServer) -> None:
    gone = Reply(404, json={"errors": [{"status": "404", "code": "NOT_FOUND", "title": "The resource does not exist"}]})
    server.route("/v1/customerReviews/one", {"data": apple.review(1)})
    server.route("/v1/customerReviews/two", gone)
    connector = apple.make(server, 20)
    assert connector.refresh(("one", "two", "../../v1/users"), ASKED).deleted == ("two",)
    with pytest.raises(Refused):
        connector.refresh(("two",), ASKED)  # neither is the list of apps there
    server.route("/v1/apps", {"data": []})
    assert connector.refresh(("two",), ASKED).deleted == ("two",)


def test_what_is_left_of_the_hour_is_told(server: FakeServer) -> None:
    limits = {"X-Rate-Limit": "user-hour-lim:3500;user-hour-rem:500;"}
    server.route(apple.PATH, Reply(json=apple.page(), headers=limits))
    quota = apple.make(server, 20).fetch(ASKED).quota
    assert quota is not None
    assert quota.remaining == 500


@pytest.mark.parametrize(
    ("status", "code", "kind", "remedy"),
    [
        (401, "NOT_AUTHORIZED", Refused, "clock"),
        (403, "FORBIDDEN_ERROR", Refused, "Customer Support"),
        (404, "NOT_FOUND", Refused, "apps"),
        (429, "RATE_LIMIT_EXCEEDED", RateLimited, "retry"),
        (402, "", ConnectorError, "credit"),
        (503, "UNEXPECTED_ERROR", ConnectorError, "retry"),
    ],
)
def test_what_apple_refuses_says_what_to_do(
    server: FakeServer, status: int, code: str, kind: type[ConnectorError], remedy: str
) -> None:
    server.route(apple.PATH, Reply(status, json={"errors": [{"status": str(status), "code": code}] if code else []}))
    with pytest.raises(kind) as caught:
        apple.make(server, 20).fetch(ASKED)
    assert str(status) in caught.value.message
    assert remedy in caught.value.remedy


def test_a_key_that_is_none_is_refused_without_showing_it(server: FakeServer) -> None:
    for key in (CANARY, RSAKey.generate_key(2048).as_pem(private=True).decode(), ""):
        connector = apple.make(server, 20)
        connector._settings = connector._settings.model_copy(update={"private_key": SecretStr(key)})
        with pytest.raises(Refused, match="private_key") as refused:
            connector.fetch(ASKED)
        assert CANARY not in str(refused.value)
    assert server.ledger == []


# ── Google Play ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_account_signs_once_for_an_hour_and_reads_with_its_token(server: FakeServer) -> None:
    server.route(google.PATH, google.page(google.review(1)))
    connector = google.make(server, 20)
    for minutes in (0, 30, 70):
        connector.fetch(again(ASKED, "", timedelta(minutes=minutes)))
    assert [seen.path for seen in server.ledger] == ["/token", google.PATH, google.PATH, "/token", google.PATH]
    form = parse_qs(server.ledger[0].body.decode())
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    told = jwt.decode(form["assertion"][0], RSAKey.import_key(google.private_key()), algorithms=["RS256"])
    assert told.header["kid"] == "0a1b2c"
    assert told.claims == {
        "iss": "earful@acme.iam.gserviceaccount.com", "aud": f"{server.url}/token", "iat": int(NOW.timestamp()),
        "scope": "https://www.googleapis.com/auth/androidpublisher", "exp": int(NOW.timestamp()) + 3600,
    }  # fmt: skip
    assert bearer(server.ledger[1].headers) == f"token-{CANARY}"


def test_a_developers_reply_comes_with_its_time_and_a_title_apart(server: FakeServer) -> None:
    odd = {**google.review(2, text="only words", reviewerLanguage=7), "authorName": ""}
    server.route(google.PATH, google.page(google.review(1, reply="Version 5 mends it", replied=REPLIED), odd))
    one, two = google.make(server, 20).fetch(ASKED).posts
    assert (one.title, one.text, one.lang) == ("Broken again", "Acme lost my photos & my patience", "en")
    assert (one.reply_text, one.replied_at) == ("Version 5 mends it", REPLIED)
    assert (one.rating, one.addressed) == (1.0, (google.PACKAGE, "*"))
    assert one.url == "https://play.google.com/store/apps/details?id=com.example.acme&reviewId=gp%3A0001"
    assert (two.title, two.text, two.lang, two.author) == ("", "only words", "", "Google user p:0002")


def test_one_app_that_is_closed_to_us_hides_no_other(server: FakeServer) -> None:
    """It is asked again once a day: Google takes up to a day until it knows of a permission."""
    server.route(
        "/androidpublisher/v3/applications/com.example.other/reviews", Reply(403, json={"error": {"code": 403}})
    )
    server.route(google.PATH, google.page(google.review(1)))
    batches = walk(google.make(server, 20, packages=(google.PACKAGE, "com.example.other")), ASKED)
    assert [len(batch.posts) for batch in batches] == [1, 0]
    assert any("403" in notice for batch in batches for notice in batch.notices)
    gone = Reply(404, json={"errors": [{"status": "404", "code": "NOT_FOUND"}]})
    server.route("/v1/apps/1/customerReviews", gone)
    server.route(apple.PATH, apple.page(apple.review(1)))
    batches = walk(apple.make(server, 20, apps=("1", apple.APP)), ASKED)
    assert [len(batch.posts) for batch in batches] == [0, 1]
    no_role = Reply(403, json={"errors": [{"status": "403", "code": "FORBIDDEN_ERROR"}]})
    server.route("/v1/apps/1/customerReviews", no_role)
    batches = walk(apple.make(server, 20, apps=("1", apple.APP)), ASKED)
    assert [len(batch.posts) for batch in batches] == [0, 1]
    assert any("403" in notice and "Customer Support" in notice for batch in batches for notice in batch.notices)
    server.route("/v1/apps/1/customerReviews", Reply(401, json={"errors": [{"code": "NOT_AUTHORIZED"}]}))
    with pytest.raises(Refused, match="401"):
        walk(apple.make(server, 20, apps=("1", apple.APP)), ASKED)  # that is the key, and so all apps


def test_a_week_that_was_not_read_is_told_as_a_gap(server: FakeServer) -> None:
    server.route(google.PATH, google.page(google.review(1)))
    connector = google.make(server, 20)
    cursor = connector.fetch(ASKED).cursor
    later = again(ASKED, cursor, timedelta(days=10))
    (gap,) = connector.fetch(later).gaps
    assert (gap.start, gap.end) == (NOW, later.now - timedelta(days=7))
    assert "seven days" in gap.reason
    assert connector.fetch(again(ASKED, cursor, timedelta(days=5))).gaps == ()


def test_no_reviews_are_an_empty_object_and_anything_else_is_nonsense(server: FakeServer) -> None:
    server.route(google.PATH, {})
    assert google.make(server, 20).fetch(ASKED).complete
    server.route(google.PATH, {"status": "ok"})
    with pytest.raises(Nonsense):
        google.make(server, 20).fetch(ASKED)


@pytest.mark.parametrize(
    ("status", "reason", "kind", "remedy"),
    [
        (401, "UNAUTHENTICATED", Refused, "Reply to reviews"),
        (403, "PERMISSION_DENIED", Refused, "Reply to reviews"),
        (403, "quotaExceeded", RateLimited, "retry"),
        (429, "RESOURCE_EXHAUSTED", RateLimited, "retry"),
        (404, "NOT_FOUND", Refused, "address"),
        (500, "INTERNAL", ConnectorError, "retry"),
    ],
)
def test_what_google_refuses_says_what_to_do(
    server: FakeServer, status: int, reason: str, kind: type[ConnectorError], remedy: str
) -> None:
    server.route(google.PATH, Reply(status, json={"error": {"code": status, "status": reason, "message": CANARY}}))
    with pytest.raises(kind) as caught:
        google.make(server, 20).fetch(ASKED)
    assert remedy in caught.value.remedy
    assert CANARY not in str(caught.value)
    if isinstance(caught.value, RateLimited):
        assert caught.value.retry_at == NOW + timedelta(minutes=15)


@pytest.mark.parametrize(
    ("credentials", "answer", "kind"),
    [
        (SecretStr(CANARY), None, Refused),
        (SecretStr('{"client_email": "x"}'), None, Refused),
        (None, Reply(400, json={"error": "invalid_grant", "error_description": CANARY}), Refused),
        (None, Reply(503, json={"error": "backend"}), ConnectorError),
        (None, Reply(json={"access_token": 7}), Nonsense),
        (None, Reply(body="<html>sign in</html>"), Nonsense),
    ],
)
def test_an_account_that_gets_no_token_says_why(
    server: FakeServer, credentials: SecretStr | None, answer: Any, kind: type[ConnectorError]
) -> None:
    server.route("/token", answer)
    account = ServiceAccount(credentials or google.key_file(server), "scope", Http(trusted=[server.host]))
    with pytest.raises(kind) as caught:
        account.headers(NOW)
    assert CANARY not in str(caught.value)
    assert caught.value.remedy
