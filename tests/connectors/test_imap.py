"""Notices by mail: whose mails are read, once, in which folder; links without a detour; a server that lies of sizes."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import timedelta

import pytest
from pydantic import SecretStr, ValidationError

from connectors import Batch, Nonsense, Refused
from connectors.imap import Imap, Settings
from tests.connectors.contract_imap import CONTRACT, SENDER, mail, make
from tests.connectors.contracts import NOW, again
from tests.fakes.imap import FakeImap

FIRST = CONTRACT.request


@pytest.fixture
def server() -> Iterator[FakeImap]:
    with FakeImap() as running:
        yield running


def read(server: FakeImap, cursor: str = "") -> Batch:
    return make(server, 20.0).fetch(again(FIRST, cursor, timedelta(minutes=5)))


def test_each_link_of_a_notice_is_a_post_at_its_own_address(server: FakeImap) -> None:
    server.mails = {4: mail(10)}
    (post,) = read(server).posts
    assert (post.native_id, post.url) == ("https://news.example/10", "https://news.example/10")
    assert (post.author, post.title) == ("news.example", "Acme & parcel 10")
    assert post.text == "Acme lost my order & more"
    assert post.posted_at == NOW - timedelta(minutes=10)


def test_a_mail_without_links_is_a_post_itself(server: FakeImap) -> None:
    server.mails = {4: mail(10, body="Acme is down =E2=98=83", kind="text/plain")}
    (post,) = read(server).posts
    assert (post.native_id, post.author, post.title, post.url) == ("<10@notices.example>", "Notices", "Notice 10", "")
    assert post.text.startswith("Acme is down")
    broken = '<script data-scope="inboxmarkup" type="application/json">{"cards": [7]}</script><p>Acme &amp; co</p>'
    server.mails = {4: mail(10, body=broken)}
    (post,) = read(server).posts
    assert post.text == "Acme & co"


def test_only_the_senders_that_are_named_are_read(server: FakeImap) -> None:
    """A server's search looks for parts of words; a private letter that slips through it is no post."""
    server.mails = {1: mail(3, sender=f"not-{SENDER}"), 2: mail(2, sender="customer@example.org"), 3: mail(1)}
    batch = read(server)
    assert [post.url for post in batch.posts] == ["https://news.example/1"]
    assert batch.aside == ()
    assert not any("FETCH 1,2" in each for each in server.said)
    assert [each for each in server.said if "SELECT" in each or "STORE" in each] == [], "nothing there is changed"
    with pytest.raises(ValidationError):
        Settings(host="h", username="u", password=SecretStr("p"), senders=('a" OR ALL "@b',))


def test_what_was_read_is_not_read_again_until_the_server_numbers_anew(server: FakeImap) -> None:
    server.mails = {4: mail(10), 5: mail(9)}
    cursor = read(server).cursor
    assert read(server, cursor).posts == ()
    server.mails[6] = mail(1)
    batch = read(server, cursor)
    assert [post.url for post in batch.posts] == ["https://news.example/1"]
    server.validity, server.mails = 8, {1: mail(10), 2: mail(1)}
    assert len(read(server, batch.cursor).posts) == 2


def test_a_size_that_nobody_asked_for_is_not_read(server: FakeImap) -> None:
    server.mails, server.announced = {4: mail(10)}, 4_000_000_000
    with pytest.raises(Nonsense):
        read(server)


def test_a_folder_that_is_not_there_is_refused_by_name(server: FakeImap) -> None:
    settings = make(server, 20.0)._settings.model_copy(update={"folder": 'Alerts "x"'})
    with pytest.raises(Refused, match="no folder Alerts"):
        Imap(settings, seconds=20.0).fetch(FIRST)


def test_a_password_beyond_ascii_is_given_by_another_command(server: FakeImap) -> None:
    settings = make(server, 20.0)._settings.model_copy(update={"password": SecretStr("pässword")})
    server.mails = {4: mail(10)}
    assert len(Imap(settings, seconds=20.0).fetch(FIRST).posts) == 1
    assert base64.b64encode("\0me\0pässword".encode()).decode() in server.said


@pytest.mark.parametrize("header", ["Message-ID: <x@[y>", "Message-ID: <>", f"From: Notices <{SENDER}>, a:b;"])
def test_a_header_that_python_cannot_parse_loses_no_mail_and_stops_nothing(server: FakeImap, header: str) -> None:
    """One mail with such a header was asked for again and again, and nothing behind it was ever read."""
    name = header.partition(":")[0]
    sound = mail(10, body="Acme is down", kind="text/plain").decode().split("\n")
    odd = "\n".join([header, *(line for line in sound if not line.startswith(f"{name}:"))]).encode()
    server.mails = {4: odd, 5: mail(9)}
    batch = read(server)
    assert [post.text.partition("\n")[0] for post in batch.posts] == ["Acme is down", "Acme lost my order & more"]
    assert batch.aside == ()


def test_a_character_set_that_nobody_knows_loses_no_mail(server: FakeImap) -> None:
    """A sender's program writes "utf8mb4", say: the mail was set aside."""
    server.mails = {4: mail(10, body="Acme is döwn", kind="text/plain").replace(b"charset=utf-8", b"charset=utf8mb4")}
    batch = read(server)
    assert [post.text.strip() for post in batch.posts] == ["Acme is döwn"]
    assert batch.aside == ()


def test_one_mail_alone_that_cannot_be_read_is_set_aside_and_what_comes_later_is_read(server: FakeImap) -> None:
    """It was the source that failed, until a sound mail happened to come; nothing told why."""
    server.mails = {4: mail(10, date="soon")}
    first = read(server)
    assert (len(first.aside), first.complete) == (1, True)
    server.mails[5] = mail(9)
    assert [post.url for post in read(server, first.cursor).posts] == ["https://news.example/9"]
