"""The signed webhook, against a loopback receiver."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from alerts import Alert, ChannelError, Entry, Line, Receipt
from alerts.webhook import Settings, Webhook, signature
from tests.alerts.hostile import HOSTILE
from tests.fakes.certificates import Authority
from tests.fakes.server import FakeServer, Reply

SECRET = "correct-horse-battery-staple"
ALERT = Alert(
    key="case:12/1",
    reason="opened",
    title="Harbour Tea",
    entries=(Entry("12", "@customer on X", "Charged twice", ("says: cancelling",), "https://social.example/1"),),
    mentions=("m1",),
)


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as running:
        running.route("/hook", Reply(status=204))
        yield running


def webhook(server: FakeServer, **options: object) -> Webhook:
    given = {"url": server.url + "/hook", "secret": SECRET, "timeout": 1.0} | options
    return Webhook(Settings.model_validate(given))


def test_the_body_says_what_happened_to_which_case(server: FakeServer) -> None:
    webhook(server).send(ALERT, "helpdesk")
    said = server.ledger[0].json
    assert (said["event"], said["key"], said["target"], said["mentions"]) == (
        "case.opened",
        "case:12/1",
        "helpdesk",
        ["m1"],
    )
    assert said["cases"] == [
        {
            "id": "12",
            "headline": "@customer on X",
            "words": "Charged twice",
            "facts": ["says: cancelling"],
            "url": "https://social.example/1",
            "page_url": "",
            "priority": "normal",
            "standing": "",
        }
    ]


def test_an_edit_is_a_change_of_the_same_case(server: FakeServer) -> None:
    channel = webhook(server)
    entry = replace(ALERT.entries[0], standing="taken by Ana, 09:16")
    channel.edit(replace(ALERT, revision=1, entries=(entry,)), "helpdesk", Receipt())
    said = server.ledger[0].json
    assert (said["event"], said["revision"], said["cases"][0]["standing"]) == ("case.changed", 1, "taken by Ana, 09:16")


def test_the_signature_covers_the_time_and_every_byte(server: FakeServer) -> None:
    webhook(server).send(ALERT, "")
    seen = server.ledger[0]
    stamp, _, given = seen.headers["earful-signature"].removeprefix("t=").partition(",v1=")
    assert given == signature(SecretStr(SECRET), stamp, seen.body)
    assert given != signature(SecretStr(SECRET), str(int(stamp) + 1), seen.body)
    assert given != signature(SecretStr(SECRET), stamp, seen.body + b" ")
    assert given != signature(SecretStr(SECRET + "x"), stamp, seen.body)


def test_what_is_sent_again_carries_the_same_delivery(server: FakeServer) -> None:
    channel = webhook(server)
    channel.send(ALERT, "")
    channel.send(ALERT, "")
    channel.send(replace(ALERT, key="case:12/2"), "")
    first, again, other = (seen.headers["earful-delivery"] for seen in server.ledger)
    assert first == again != other


@pytest.mark.parametrize(
    ("mode", "flags"),
    [
        ("301", {"channel_broken"}),
        ("401", {"channel_broken"}),
        ("404", {"channel_broken"}),
        ("400", {"permanent"}),
        ("422", {"permanent"}),
        ("413", {"too_large"}),
        ("418", set()),
        ("429", set()),
        ("500", set()),
        ("504", {"outcome_unknown"}),
        ("drop", {"outcome_unknown"}),
    ],
)
def test_each_answer_has_its_meaning(server: FakeServer, mode: str, flags: set[str]) -> None:
    server.misbehave(mode, at=1)
    with pytest.raises(ChannelError) as caught:
        webhook(server).send(ALERT, "")
    names = ("permanent", "channel_broken", "outcome_unknown", "too_large")
    assert {name for name in names if getattr(caught.value, name)} == flags


def test_it_waits_as_long_as_it_is_asked_to(server: FakeServer) -> None:
    server.misbehave(Reply(status=429, headers={"Retry-After": "17"}), at=1)
    with pytest.raises(ChannelError) as caught:
        webhook(server).send(ALERT, "")
    assert caught.value.retry_after == 17


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("sound", {}, ""),
        ("old", {"days": -1}, "going by this machine's clock"),
        ("stray", {"names": "DNS:shop.example"}, "for another name"),
    ],
)
def test_a_company_s_own_authority_is_trusted_where_the_environment_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, options: dict[str, Any], said: str
) -> None:
    """And what it signed is still looked at: its time, its name."""
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    server = FakeServer()
    server.secure(authority.issue(name, **options))
    server.route("/hook", Reply(status=204))
    with server:
        if not said:
            webhook(server).send(ALERT, "")
        else:
            with pytest.raises(ChannelError, match=said) as caught:
                webhook(server).send(ALERT, "")
            assert not caught.value.outcome_unknown, "nothing had left"
            assert not caught.value.permanent, "others mend it: it is tried again"
    assert len(server.ledger) == (0 if said else 1)


def test_an_authority_that_nobody_knows_names_the_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    server = FakeServer()
    server.secure(Authority(tmp_path).issue("unknown"))
    with server, pytest.raises(ChannelError, match="SSL_CERT_FILE") as caught:
        webhook(server).send(ALERT, "")
    assert not caught.value.outcome_unknown
    assert server.ledger == []


def test_a_redirect_is_not_followed(server: FakeServer) -> None:
    server.misbehave(Reply(status=302, headers={"Location": server.url + "/elsewhere"}), at=1)
    with pytest.raises(ChannelError):
        webhook(server).send(ALERT, "")
    assert server.paths() == ["/hook"]


def test_a_drip_does_not_hold_the_sender(server: FakeServer) -> None:
    server.misbehave("drip-headers", at=1)
    with pytest.raises(ChannelError) as caught:
        webhook(server, timeout=1.5).send(ALERT, "")  # each single read is over within a second
    assert caught.value.outcome_unknown
    assert "within 1.5 seconds" in caught.value.message


@pytest.mark.parametrize("text", HOSTILE)
def test_any_words_make_sound_json_of_a_bounded_size(server: FakeServer, text: str) -> None:
    entry = Entry(text, text, text, (text,), text, text, standing=text)
    webhook(server).send(replace(ALERT, key=text, reason=text, title=text, entries=(entry,), also=(Line(text),)), text)
    raw = server.ledger[0].body
    assert json.loads(raw)["event"].startswith("case.")
    assert len(raw) < 200_000


def test_its_own_headers_go_along(server: FakeServer) -> None:
    webhook(server, headers={"X-Api-Key": "k-1"}).send(ALERT, "")
    assert server.ledger[0].headers["x-api-key"] == "k-1"


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "ftp://secret-host"},
        {"url": "secret-host"},
        {"url": "http://"},
        {"url": "http://secret-host:99999/"},
        {"secret": "short"},
        {"headers": {"Bad\r\nName": "x"}},
        {"headers": {"X-Key": "a\r\nb-secret-host"}},
        {"extra": 1},
    ],
)
def test_settings_that_cannot_work_are_refused_without_their_secrets(wrong: dict[str, object]) -> None:
    given = {"url": "http://127.0.0.1:9/hook", "secret": SECRET} | wrong
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate(given)
    assert "secret-host" not in str(caught.value)
    assert SECRET not in str(caught.value)
