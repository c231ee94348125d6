"""What comes to the door: any JSON made posts by a mapping, the services' own shapes, and what cannot be read."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from connectors import Batch, Post
from connectors.inbound.connector import Inbound, Settings
from connectors.inbound.mapping import Unfit, compiled
from tests.connectors.contract_inbound import Waits
from tests.connectors.contracts import NOW, first_request, walk

SECRET = SecretStr("a-secret-that-both-sides-share")


def read(*bodies: object, **chosen: Any) -> Batch:
    """Everything of these bodies, as one batch."""
    waits = Waits()
    waits.brings(*bodies)
    proof = {"token": SECRET} if chosen.get("preset") == "trustpilot" else {"secret": SECRET}
    made = Inbound(Settings(**proof, **chosen))
    made.receive_from(waits.waiting)
    batches = walk(made, first_request("door"))
    assert waits.arrivals == [], "what was read is let go of"
    return replace(
        batches[-1],
        posts=tuple(post for batch in batches for post in batch.posts),
        aside=tuple(each for batch in batches for each in batch.aside),
        deleted=tuple(each for batch in batches for each in batch.deleted),
    )


def one(body: object, **chosen: Any) -> Post:
    found = read(body, **chosen)
    assert found.aside == ()
    (post,) = found.posts
    return post


def test_one_post_a_list_of_them_lines_of_them_and_those_inside_an_object_are_all_read() -> None:
    first, second = {"id": 1, "text": "one"}, {"id": 2, "text": "two"}
    lines = f"{json.dumps(first)}\n\n{json.dumps(second)}\n".encode()
    for body in ([first, second], {"posts": [first, second]}, lines, b"\xef\xbb\xbf" + lines):
        assert [post.text for post in read(body).posts] == ["one", "two"]
    assert [post.text for post in read(first, second).posts] == ["one", "two"]


def test_a_mention_of_another_installation_comes_with_all_that_it_says() -> None:
    """Of the keys that `earful mentions --json` prints. The same id on two of its sources is two posts."""
    printed = {
        "id": "m-77", "source": "mastodon", "native_id": "109", "url": "https://far.example/@olga/109",
        "author": "olga@far.example", "text": "Acme never answers", "title": "",
        "posted_at": "2026-11-20T11:00:00+00:00",
        "brand": "Acme", "language": "en", "rating": 2.0, "thread_id": "108", "parent_id": "108",
        "reply_text": "On it", "replied_at": "2026-11-20T11:30:00+00:00",
    }  # fmt: skip
    post = one(printed)
    assert (post.source, post.native_id, post.author, post.lang) == ("door", "mastodon/109", "olga@far.example", "en")
    assert (post.rating, post.thread_id, post.parent_id) == (2.0, "108", "108")
    assert (post.reply_text, post.replied_at) == ("On it", datetime(2026, 11, 20, 11, 30, tzinfo=UTC))
    assert one({**printed, "source": "chirp"}).native_id == "chirp/109"
    assert post.addressed == (), "the brand's words decide"


def test_a_reply_without_a_time_was_made_when_it_came_and_one_without_words_counts() -> None:
    assert one({"id": 1, "text": "a", "reply": "Sorry"}).replied_at == NOW
    assert one({"id": 1, "text": "a", "replied_at": "2026-11-20T10:00:00Z"}).replied_at is not None
    assert one({"id": 1, "text": "a", "reply": " "}).replied_at is None


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\xff\xfe", "not UTF-8"),
        (b"{", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"id": 1, "rating": NaN}', "not JSON"),
        (b'"a word"', "not an object"),
        (b"[[1]]", "not an object"),
        ({"id": 1}, "neither text nor rating"),
        ({"id": 1, "text": ["", " "]}, "neither text nor rating"),
        ({"id": 1, "text": "a", "posted_at": "soon"}, "posted_at is not a time"),
        ({"id": 1, "text": "a", "posted_at": True}, "posted_at is not a time"),
        ({"id": 1, "text": "a", "replied_at": "soon"}, "replied_at is not a time"),
        ({"id": 1, "text": "a", "rating": "many"}, "rating is not a number"),
        ({"id": 1, "text": "a", "rating": [3]}, "rating is not a number"),
        ({"id": 1, "text": "a", "rating": 6}, "rating 6 is not between 0 and 5"),
        ({"id": 1, "text": "a", "rating": -1}, "rating -1 is not between 0 and 5"),
        ({"id": 1, "rating": 1, "out_of": 0}, "rating 1 is not between 0 and 0"),
        ({"text": "a", "deleted": True}, "it is deleted, but its id is missing"),
    ],
)
def test_what_cannot_be_read_is_set_aside_with_the_reason_and_the_next_one_is_read(body: object, reason: str) -> None:
    found = read(body, {"id": 2, "text": "two"})
    assert [each.reason for each in found.aside] == [reason]
    assert [post.text for post in found.posts] == ["two"]


def test_a_line_that_is_broken_takes_no_other_with_it() -> None:
    found = read(b'{"id": 1, "text": "one"}\n{"id": \n{"id": 3, "text": "three"}')
    assert [post.text for post in found.posts] == ["one", "three"]
    assert [(each.raw, each.reason) for each in found.aside] == [(b'"{\\"id\\": "', "not JSON")]


def test_hostile_values_become_plain_ones() -> None:
    body = {
        "id": "1\x00", "text": "a\x00b", "author": "a\u202e" * 3, "url": "javascript:alert(1)", "lang": ["en"],
        "reach": "lots", "thread": {"a": 1}, "title": 7,
    }  # fmt: skip
    post = one(body)
    assert (post.native_id, post.text, post.url, post.lang, post.reach) == ("1", "ab", "", "", None)
    assert (post.thread_id, post.title) == ("", "7")
    assert one({"id": 1, "html": "<p>Two &amp; <b>two</b></p><script>alert(1)</script>"}).text == "Two & two"


def test_who_gives_no_id_is_told_apart_by_what_came_and_in_which_place() -> None:
    found = read([{"nps": 0}, {"nps": 0}], {"nps": 0}, preset="survey")
    assert len({post.native_id for post in found.posts}) == 3


# --- Scores -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "stars", "title"),
    [
        ({"nps": 0}, 1, "0 of 10"),
        ({"nps": 4}, 2, "4 of 10"),
        ({"nps": "6"}, 3, "6 of 10"),
        ({"nps": 8}, 4, "8 of 10"),
        ({"nps": 10}, 5, "10 of 10"),
        ({"csat": 0}, 1, ""),
        ({"stars": 4.5}, 4.5, ""),
        ({"score": 17, "out_of": 100}, 1, "17 of 100"),
        ({"score": False, "out_of": 1}, 1, ""),
        ({"score": True, "out_of": 1}, 5, ""),
    ],
)
def test_a_score_is_stars_and_shown_as_it_was_given(body: dict[str, Any], stars: float, title: str) -> None:
    post = one(body, preset="survey")
    assert (post.rating, post.title, post.addressed) == (stars, title, ("*",))
    assert f"{post.out_of:g}" == title.rpartition(" of ")[2] if title else post.out_of is None


# --- The services' own shapes -----------------------------------------------------------------------------------------


def test_typeform() -> None:
    """As https://www.typeform.com/developers/webhooks/example-payload/ describes it."""
    body = {
        "event_id": "01", "event_type": "form_response",
        "form_response": {
            "form_id": "f", "token": "t-1", "submitted_at": "2026-11-20T11:00:00Z",
            "definition": {"title": "How was it?", "fields": []},
            "answers": [
                {"type": "number", "number": 2, "field": {"type": "nps", "ref": "score"}},
                {"type": "text", "text": "Nobody answers.", "field": {"type": "long_text", "ref": "why"}},
                {"type": "text", "text": "Still waiting.", "field": {"type": "long_text", "ref": "more"}},
                {"type": "number", "number": 41, "field": {"type": "number", "ref": "age"}},
                {"type": "email", "email": "ana@example.org", "field": {"type": "email", "ref": "mail"}},
            ],
        },
    }  # fmt: skip
    post = one(body, preset="typeform")
    assert (post.native_id, post.author, post.rating) == ("t-1", "ana@example.org", 1)
    assert post.text == "Nobody answers.\n\nStill waiting."
    assert post.posted_at == datetime(2026, 11, 20, 11, tzinfo=UTC)
    assert read({"event_type": "form_response_partial"}, preset="typeform").posts == ()
    chosen = one(body, preset="typeform", fields={"text": "form_response.answers[?field.ref == 'why'].text | [0]"})
    assert chosen.text == "Nobody answers."


def trustpilot(name: str, **data: Any) -> dict[str, Any]:
    return {"eventName": name, "version": "1", "eventData": {"id": "5f", **data}}


def test_trustpilot() -> None:
    """As its support page describes it: several events in one body, one of them a deletion."""
    said = {
        "language": "en", "title": "Never again", "text": "No parcel.", "stars": 1, "isVerified": True,
        "createdAt": "2026-11-20T09:34:44.000Z", "consumer": {"id": "c-1", "name": "Nadia", "link": "https://x"},
    }  # fmt: skip
    events = [
        trustpilot("service-review-created", **said),
        trustpilot("service-review-deleted"),
        {"eventName": "other"},
    ]
    found = read({"events": events}, preset="trustpilot")
    (post,) = found.posts
    assert (post.native_id, post.author, post.author_id, post.rating) == ("5f", "Nadia", "c-1", 1)
    assert post.url == "https://www.trustpilot.com/reviews/5f"
    assert (found.deleted, found.aside) == (("5f",), ())
    with pytest.raises(ValidationError, match="trustpilot can't sign: write a token"):
        Settings(secret=SECRET, preset="trustpilot")


def test_discourse() -> None:
    """As meta.discourse.org describes it; a topic's event holds no post, and a ping none either."""
    post = {
        "id": 900, "username": "nadia", "name": "Nadia", "user_id": 5, "created_at": "2026-11-20T11:00:00.000Z",
        "cooked": "<p>Acme <b>never</b> answers</p>", "post_number": 3, "post_type": 1, "topic_id": 40,
        "topic_title": "Parcels", "reply_to_post_number": 2, "reply_to_user": {"username": "olga"},
    }  # fmt: skip
    found = one({"post": post}, preset="discourse")
    assert (found.native_id, found.parent_id, found.thread_id) == ("40#3", "40#2", "40")
    assert (found.author, found.parent_author, found.text, found.title) == ("nadia", "olga", "Acme never answers", "")
    first = {**post, "post_number": 1, "reply_to_post_number": None, "raw": "As typed"}
    found = one({"post": first}, preset="discourse")
    assert (found.native_id, found.parent_id, found.title, found.text) == ("40#1", "", "Parcels", "As typed")
    gone = read({"post": {**post, "deleted_at": "2026-11-20T11:01:00Z"}}, preset="discourse")
    assert gone.deleted == ("40#3",)
    for other in ({"topic": {"id": 40}}, {"ping": "OK"}, {"post": {**post, "post_type": 3}}):
        assert read(other, preset="discourse").posts == ()


def test_github() -> None:
    """As docs.github.com describes issues, comments and discussions; labels, stars and pings hold no post."""
    who = {"login": "nadia", "id": 5}
    issue = {
        "node_id": "I_1", "title": "Crashes", "body": "It crashes.", "user": who, "created_at": "2026-11-20T11:00:00Z",
        "html_url": "https://github.com/acme/acme/issues/1",
    }  # fmt: skip
    comment = {
        "node_id": "C_1", "body": "Here too.", "user": who, "created_at": "2026-11-20T11:05:00Z",
        "html_url": "https://github.com/acme/acme/issues/1#issuecomment-1",
    }  # fmt: skip
    opened = one({"action": "opened", "issue": issue, "repository": {}}, preset="github")
    assert (opened.native_id, opened.title, opened.text, opened.thread_id) == ("I_1", "Crashes", "It crashes.", "I_1")
    said = one({"action": "created", "issue": issue, "comment": comment}, preset="github")
    assert (said.native_id, said.parent_id, said.thread_id, said.title) == ("C_1", "I_1", "I_1", "")
    assert (said.author, said.author_id, said.text) == ("nadia", "5", "Here too.")
    started = one({"action": "created", "discussion": {**issue, "node_id": "D_1"}}, preset="github")
    assert (started.native_id, started.title) == ("D_1", "Crashes")
    assert read({"action": "deleted", "issue": issue, "comment": comment}, preset="github").deleted == ("C_1",)
    for other in (
        {"action": "labeled", "issue": issue},
        {"zen": "Keep it simple.", "hook_id": 1},
        {"action": "opened"},
    ):
        assert read(other, preset="github").posts == ()


# --- A mapping of one's own -------------------------------------------------------------------------------------------


def test_any_json_is_read_by_a_mapping() -> None:
    body = {"data": {"items": [{"no": 5, "who": {"nick": "ana"}, "says": "Acme!", "mark": 3, "of": 6}]}}
    post = one(
        body,
        each="data.items[]",
        fields={"id": "no", "author": "who.nick", "text": "says", "rating": "mark", "out_of": "of"},
    )
    assert (post.native_id, post.author, post.text, post.rating) == ("5", "ana", "Acme!", 3)


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("a[", "not JMESPath"),
        ("a | map(&b, @)", "map"),
        ("sort_by(a, &b)", "sort_by"),
        ("[@, @] | [@, @] | [@, @]", "one list of chosen values"),
        ("{a: @, b: @}", "multi select dict"),
        ("[" + ", ".join("@" * 11) + "]", "at most 10 values"),
        ("a" + ".a" * 150, "at most 120 parts"),
        ("a" * 700, "at most 600 characters"),
        ("nothing_of_that_name(a)", "nothing_of_that_name"),
    ],
)
def test_an_expression_that_could_take_too_long_is_refused_when_settings_are_read(expression: str, reason: str) -> None:
    with pytest.raises(Unfit, match=reason):
        compiled(expression)
    with pytest.raises(ValidationError) as refused:
        Settings(secret=SECRET, fields={"text": expression})
    assert "fields.text: " in str(refused.value)


@given(
    st.sampled_from(["a[?b == c].d[]", "join('-', [a, b])", "to_number(a)", "sum(a)", "a[::-1] | [0]", "max(keys(@))"]),
    st.recursive(
        st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
        max_leaves=12,
    ),
)
@settings(max_examples=150, deadline=None)
def test_a_document_of_another_shape_never_raises(expression: str, document: Any) -> None:
    compiled(expression)(document)


@pytest.mark.parametrize(
    ("chosen", "reason"),
    [
        ({}, "write a secret, a token or a folder"),
        ({"secret": SecretStr("short")}, "secret is too short"),
        ({"token": SecretStr("short")}, "token is too short"),
        ({"token": SECRET, "fields": {"stars": "a"}}, "fields.stars is not known"),
    ],
)
def test_settings_that_nobody_could_use_are_refused(chosen: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Settings(**chosen)


def test_it_asks_to_be_read_again_in_half_a_minute_though_nobody_brought_anything() -> None:
    waits = Waits()
    made = Inbound(Settings(secret=SECRET))
    made.receive_from(waits.waiting)
    assert made.fetch(first_request("door")).not_before == NOW + timedelta(seconds=30)
    assert Inbound(Settings(secret=SECRET)).fetch(first_request("door")).complete, "of no daemon: nothing waits"
