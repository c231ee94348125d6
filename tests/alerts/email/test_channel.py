"""Mail by a real smtplib to a real server on this machine: what arrives, and what every failure is taken for."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from alerts import Alert, ChannelError, Entry, Letter
from alerts.email import Email, Settings
from tests.alerts.hostile import HOSTILE
from tests.fakes.certificates import Certificate, signed_by_itself
from tests.fakes.smtp import DRIP, DROP, HANG, FakeSmtp

SECRET = "correct horse 2 battery"
ALERT = Alert(
    key="case:12/1",
    reason="overdue",
    title="Overdue since 15:02",
    entries=(
        Entry(
            case_id="12",
            headline="@customer on X, third time in 30 days · posted 14:02",
            excerpt="Charged twice again — cancelling if nobody replies",
            facts=("says: cancelling",),
            url="https://social.example/customer/status/1",
        ),
    ),
    thread="case:12",
    priority="urgent",
)
LETTER = Letter(
    key="digest:2026-W48/1",
    subject="Harbour Tea, week 48",
    html="<p>Three people wait.</p>",
    text="Three people wait.\n.and a line with a dot\n",
    headers={
        "List-Unsubscribe": "<https://earful.example.org/stop/" + "AbC-_" * 40 + ">, <mailto:stop@example.org>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    },
)


def channel_to(server: FakeSmtp, **given: Any) -> Email:
    """The real channel in front of a server of this machine, with little patience."""
    options: dict[str, Any] = {"security": "none", "sender": "Earful <earful@example.org>", "timeout": 1.0} | given
    return Email(Settings(host=server.host, port=server.port, **options))


def failure(channel: Email, message: Alert | Letter = ALERT, target: str = "care@example.org") -> ChannelError:
    """Send what must not go through."""
    with pytest.raises(ChannelError) as caught:
        channel.send(message, target)
    return caught.value


def flags(error: ChannelError) -> set[str]:
    """Name the flags that are set."""
    names = ("permanent", "channel_broken", "target_broken", "outcome_unknown", "too_large")
    return {name for name in names if getattr(error, name)}


@pytest.fixture
def server() -> Iterator[FakeSmtp]:
    with FakeSmtp() as opened:
        yield opened


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return signed_by_itself(tmp_path_factory.mktemp("certificate"))


# What arrives


def test_an_alert_arrives_as_text_and_html_and_says_that_a_machine_wrote_it(server: FakeSmtp) -> None:
    channel_to(server).send(ALERT, "care@example.org")
    (mail,) = server.ledger
    assert (mail.recipient, mail.sender) == ("care@example.org", "earful@example.org")
    assert mail.subject == "Overdue since 15:02 · @customer on X"
    assert mail.header("From") == ["Earful <earful@example.org>"]
    assert mail.header("To") == ["care@example.org"]
    assert mail.header("Auto-Submitted") == ["auto-generated"]
    assert mail.header("X-Auto-Response-Suppress") == ["All"]
    assert len(mail.header("Date")) == 1
    assert "Charged twice again — cancelling" in mail.text
    assert "Charged twice again — cancelling" in mail.html
    assert 'href="https://social.example/customer/status/1"' in mail.html
    assert b"Content-Transfer-Encoding: quoted-printable" in mail.raw
    assert mail.raw.isascii()
    assert max(map(len, mail.raw.splitlines())) <= 998


def test_every_attempt_has_the_same_message_id_and_every_delivery_another(server: FakeSmtp) -> None:
    """So that a mail program shows a repeated one once."""
    channel = channel_to(server)
    receipts = [
        channel.send(message, "care@example.org") for message in (ALERT, ALERT, replace(ALERT, key="case:12/2"))
    ]
    ids = [mail.message_id for mail in server.ledger]
    assert ids[0] == ids[1] != ids[2]
    assert [receipt.reference for receipt in receipts] == ids
    assert ids[0].endswith("@example.org>")


def test_mails_of_one_thread_point_at_the_same_root(server: FakeSmtp) -> None:
    """Mail programs keep together what refers to the same id and has the same subject."""
    channel = channel_to(server)
    for message in (
        ALERT,
        replace(ALERT, key="case:12/2"),
        replace(ALERT, thread="case:13"),
        replace(ALERT, thread=""),
    ):
        channel.send(message, "care@example.org")
    roots = [mail.header("References") for mail in server.ledger]
    assert roots[0] == roots[1] == server.ledger[0].header("In-Reply-To")
    assert roots[2] not in ([], roots[0])
    assert roots[3] == []
    assert len({mail.subject for mail in server.ledger}) == 1
    assert re.fullmatch(r"<[A-Za-z0-9.-]+@example\.org>", roots[0][0])


def test_a_letter_arrives_with_the_headers_that_end_it(server: FakeSmtp) -> None:
    """The address is long and must stand in the mail as it is: no encoded words, no broken lines."""
    channel_to(server).send(LETTER, "boss@example.org")
    (mail,) = server.ledger
    assert mail.subject == LETTER.subject
    assert mail.text.replace("\r\n", "\n") == LETTER.text
    assert "Three people wait." in mail.html
    for name, value in LETTER.headers.items():
        assert f"{name}: {value}\r\n".encode() in mail.raw


def test_a_letter_cannot_replace_our_headers_or_add_lines(server: FakeSmtp) -> None:
    headers = {
        "Bcc": "everybody@example.org",
        "To": "other@example.org",
        "auto-submitted": "no",
        "X-Line\r\nBcc": "everybody@example.org",
        "List-Id": "fine\r\nBcc: everybody@example.org",
        "X-Long": "a" * 5000,
    }
    channel_to(server).send(replace(LETTER, headers=headers), "boss@example.org")
    (mail,) = server.ledger
    assert mail.recipient == "boss@example.org"
    assert mail.header("To") == ["boss@example.org"]
    assert mail.header("Auto-Submitted") == ["auto-generated"]
    assert mail.header("Bcc") == mail.header("X-Long") == []
    assert mail.header("List-Id") == ["fine Bcc: everybody@example.org"]


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_hostile_words_make_one_mail_with_one_subject(server: FakeSmtp, number: int) -> None:
    """In the title, the name, the words, the key and the thread at once, in mails and in letters."""
    text = HOSTILE[number]
    entry = replace(ALERT.entries[0], headline=text, excerpt=text, url=text, facts=(text,))
    alert = replace(ALERT, title=text, entries=(entry,), key=text[:5000], thread=text[:5000] or "t", footer=text)
    letter = replace(LETTER, subject=text, text=text[:20_000], html=text[:20_000], key=text[:5000])
    channel = channel_to(server, timeout=5.0)
    for message in (alert, letter):
        channel.send(message, "care@example.org")
    for mail in server.ledger:
        assert mail.recipient == "care@example.org"
        assert [len(mail.header(name)) for name in ("Subject", "From", "To", "Message-ID")] == [1, 1, 1, 1]
        assert mail.header("Bcc") == []
        assert 0 < len(mail.subject) <= 200
        assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]", mail.subject + mail.text + mail.html)
    assert len(server.ledger) == 2


def test_subjects_in_any_script_survive(server: FakeSmtp) -> None:
    channel_to(server).send(replace(LETTER, subject="Grüße 日本語 \U0001f375 " * 8), "care@example.org")
    assert server.ledger[0].subject == ("Grüße 日本語 \U0001f375 " * 8).strip()


def test_one_recipient_gets_one_mail(server: FakeSmtp) -> None:
    """Anything that is not exactly one address reaches nobody."""
    channel = channel_to(server)
    bad = [
        "",
        "care",
        "a@b.example, c@d.example",
        "<a@b.example>",
        "a@b.example\r\nRCPT TO:<c@d.example>",
        "a@@b.example",
    ]
    bad += ["a b@c.example", "@c.example", "a@", "email:a@b.example", "a@b..example", "\x00@b.example", "ä@b.example"]
    for target in bad:
        assert flags(failure(channel, target=target)) == {"target_broken"}, target
    assert server.heard == []
    channel.send(ALERT, "care@bücher.example")
    assert [mail.recipient for mail in server.ledger] == ["care@xn--bcher-kva.example"]


# What every failure is taken for


def test_greylisting_is_waited_for_and_then_goes_through(server: FakeSmtp) -> None:
    """In the server's own words where it says for how long."""
    server.answer("RCPT", "451 4.7.1 Greylisted, try again in 5 minutes", "450 4.2.0 Greylisted")
    channel = channel_to(server)
    first, second = failure(channel), failure(channel)
    assert flags(first) == flags(second) == set()
    assert (first.retry_after, second.retry_after) == (300.0, 60.0)
    assert server.ledger == []
    channel.send(ALERT, "care@example.org")
    assert len(server.ledger) == 1


def test_one_refused_recipient_of_three_costs_the_others_nothing(server: FakeSmtp) -> None:
    server.refused["gone@example.org"] = "550 5.1.1 No such user"
    channel = channel_to(server)
    channel.send(ALERT, "ana@example.org")
    assert flags(failure(channel, target="gone@example.org")) == {"target_broken"}
    channel.send(ALERT, "ben@example.org")
    assert [mail.recipient for mail in server.ledger] == ["ana@example.org", "ben@example.org"]


@pytest.mark.parametrize(
    ("step", "answer", "expected"),
    [
        ("EHLO", "421 4.3.2 Too many connections", set()),
        ("MAIL", "421 4.3.2 Closing", set()),
        ("MAIL", "451 4.3.0 Try later", set()),
        ("MAIL", "550 5.1.8 Bad sender", {"channel_broken"}),
        ("MAIL", "530 5.7.0 Authentication required", {"channel_broken"}),
        ("MAIL", "552 5.3.4 Too big", {"too_large"}),
        ("RCPT", "452 4.2.2 Mailbox full", set()),
        ("RCPT", "550 5.1.1 No such user", {"target_broken"}),
        ("RCPT", "550 5.2.1 Mailbox disabled", {"target_broken"}),
        ("RCPT", "552 5.2.2 Mailbox full", set()),
        ("DATA", "552 5.2.2 Mailbox full", set()),
        ("RCPT", "552 Mailbox full", set()),
        ("RCPT", "552 Requested mail action aborted: exceeded storage allocation", set()),
        ("RCPT", "550 Sorry, this account is over quota", set()),
        ("RCPT", "552 gone@example.org has a full mailbox", set()),
        ("RCPT", "550 5.1.1 Mailbox not found, its quota is 0", {"target_broken"}),
        ("DATA", "552 Requested mail action aborted: exceeded storage allocation", {"too_large"}),
        ("DATA", "554 The mailbox of this user is full", set()),
        ("DATA", "552 Message size exceeds maximum permitted", {"too_large"}),
        ("DATA", "550 5.4.5 Daily user sending limit exceeded", {"channel_broken"}),
        ("MAIL", "550 5.4.5 Daily sending quota exceeded", {"channel_broken"}),
        ("RCPT", "554 5.7.1 Relay access denied", {"target_broken"}),
        ("RCPT", "530 5.7.1 Client was not authenticated", {"channel_broken"}),
        ("RCPT", "999 what", set()),
        ("DATA", "451 4.3.0 Disk full", set()),
        ("DATA", "421 4.3.2 Closing", set()),
        ("DATA", "552 5.3.4 Too big", {"too_large"}),
        ("DATA", "554 5.7.1 Looks like spam", {"permanent"}),
        ("DATA", "<html>what</html>", {"outcome_unknown"}),
    ],
)
def test_an_answer_is_judged_by_its_step(server: FakeSmtp, step: str, answer: str, expected: set[str]) -> None:
    """An unknown code is never permanent; one of the 500s is for the words, and breaks a recipient."""
    server.answer(step, answer, answer)  # smtplib greets a second time in the old way
    error = failure(channel_to(server))
    assert flags(error) == expected, error.message
    assert f"{server.host}:{server.port}" in error.message
    assert bool(error.remedy) == bool(expected & {"channel_broken", "target_broken"})
    assert server.ledger == []


@pytest.mark.parametrize("how", [DROP, HANG, DRIP])
@pytest.mark.parametrize("step", ["EHLO", "MAIL", "RCPT", "DATA"])
def test_a_line_that_dies_is_judged_by_whether_the_words_had_left(server: FakeSmtp, step: str, how: str) -> None:
    """Also with a server that drips a byte every tenth of a second: the deadline is one for the whole conversation."""
    server.answer(step, how)
    error = failure(channel_to(server, timeout=0.6))
    assert flags(error) == ({"outcome_unknown"} if step == "DATA" else set()), error.message
    assert error.message.endswith("it hung up" if how == DROP else "no answer in time")
    assert len(server.ledger) == (1 if step == "DATA" else 0)


@pytest.mark.parametrize("how", [DROP, HANG, DRIP, "500 what"])
def test_a_mail_that_was_taken_is_sent_whatever_the_goodbye(server: FakeSmtp, how: str) -> None:
    """Or it would be sent twice."""
    server.answer("QUIT", how)
    channel_to(server, timeout=0.6).send(ALERT, "care@example.org")
    assert len(server.ledger) == 1


def test_a_size_limit_is_seen_before_a_word_is_sent_and_the_short_form_fits() -> None:
    with FakeSmtp(size_limit=3_000) as server:
        channel = channel_to(server)
        assert flags(failure(channel)) == {"too_large"}
        assert "DATA" not in server.heard
        channel.send(ALERT, "care@example.org", plain=True)
        assert "https://social.example/customer/status/1" in server.ledger[0].text
        assert server.ledger[0].html == ""


def test_a_size_limit_that_nobody_announced_is_told_too() -> None:
    with FakeSmtp(size_limit=3_000, announce_size=False) as server:
        assert flags(failure(channel_to(server))) == {"too_large"}


def test_a_long_letter_is_cut_at_a_line_and_says_so(server: FakeSmtp) -> None:
    letter = replace(LETTER, text="https://earful.example.org/\n" + "one more line of the week\n" * 1000)
    channel_to(server).send(letter, "boss@example.org", plain=True)
    text = server.ledger[0].text
    assert text.startswith("https://earful.example.org/")
    assert len(text) < 7_000
    assert "the mail server accepts no more" in text


def test_a_server_that_never_ends_its_line_is_not_believed() -> None:
    """Not SMTP at all: kilobytes without a line end, before and after the words were sent."""
    for replies, expected in (([], set()), ([b"220 x", b"250 x", b"250 x", b"250 x", b"354 x"], {"outcome_unknown"})):
        with raw_server(replies) as (host, port):
            channel = Email(Settings(host=host, port=port, security="none", sender="a@example.org", timeout=2.0))
            assert flags(failure(channel)) == expected


@contextlib.contextmanager
def raw_server(replies: list[bytes]) -> Iterator[tuple[str, int]]:
    """A listener that gives these lines, each to one write of the client, and then a line that never ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            line, _ = listener.accept()
            with line:
                for number, reply in enumerate(replies):
                    if number:
                        line.recv(65_536)
                    line.sendall(reply + b"\r\n")
                if replies:
                    line.recv(65_536)
                with contextlib.suppress(ConnectionError):
                    line.sendall(b"2" * 20_000)
                    line.recv(65_536)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()
        thread.join(5)


def test_nobody_listening_is_transient_and_names_the_settings() -> None:
    with FakeSmtp() as server:
        server.close()
        error = failure(channel_to(server))
    assert flags(error) == set()
    assert "`host` and `port`" in error.remedy


def test_a_name_that_does_not_exist_is_transient() -> None:
    """Name servers fail more often than names are wrong."""
    channel = Email(Settings(host="mail.invalid", security="none", sender="a@example.org", timeout=5.0))
    error = failure(channel)
    assert flags(error) == set()
    assert "mail.invalid" in error.message


# Encryption and signing in


def test_over_starttls_the_password_and_the_words_are_encrypted(certificate: Certificate) -> None:
    with FakeSmtp(tls=certificate, login=("earful", SECRET)) as server:
        channel = channel_to(
            server, security="starttls", ca_file=certificate.certificate, username="earful", password=SECRET
        )
        channel.send(ALERT, "care@example.org")
        assert "STARTTLS" in channel.check()
        assert server.heard[:4] == ["EHLO", "EHLO", "AUTH", "MAIL"]
        assert len(server.ledger) == 1


def test_over_tls_from_the_first_byte(certificate: Certificate) -> None:
    with FakeSmtp(tls=certificate, implicit_tls=True, login=("earful", SECRET)) as server:
        channel = channel_to(
            server, security="tls", ca_file=certificate.certificate, username="earful", password=SECRET
        )
        channel.send(ALERT, "care@example.org")
        assert len(server.ledger) == 1


def test_nothing_is_sent_in_clear_where_starttls_is_not_offered(server: FakeSmtp) -> None:
    """Somebody on the line can take the offer away: then no name, no password, no words."""
    channel = channel_to(server, security="starttls", username="earful", password=SECRET)
    error = failure(channel)
    assert flags(error) == {"channel_broken"}
    assert "security" in error.remedy
    assert set(server.heard) <= {"EHLO", "QUIT"}


def test_a_certificate_that_nobody_vouches_for_stops_everything(certificate: Certificate) -> None:
    for implicit, security in ((False, "starttls"), (True, "tls")):
        with FakeSmtp(tls=certificate, implicit_tls=implicit) as server:
            error = failure(channel_to(server, security=security))
            assert flags(error) == {"channel_broken"}
            assert "ca_file" in error.remedy
            assert "MAIL" not in server.heard


@pytest.mark.parametrize("content", [None, b"", b"not a certificate"])
def test_certificates_that_cannot_be_read_name_the_setting(
    server: FakeSmtp, tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "authority.pem"
    if content is not None:
        file.write_bytes(content)
    error = failure(channel_to(server, security="tls", ca_file=file))
    assert flags(error) == {"channel_broken"}
    assert "ca_file" in error.remedy
    assert server.heard == []


def test_tls_to_a_port_that_speaks_plainly_names_the_setting(server: FakeSmtp) -> None:
    error = failure(channel_to(server, security="tls"))
    assert flags(error) == {"channel_broken"}
    assert "starttls" in error.remedy


@pytest.mark.parametrize("password", ["horse-battery-9", "pässwörd-9", "nul\x00and\r\nlines"])
def test_a_refused_password_is_told_without_telling_it(
    password: str, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with FakeSmtp(login=("earful", SECRET)) as server:
        server.answer("AUTH", f"535 5.7.8 not {password.splitlines()[0]}")
        channel = channel_to(server, username="earful", password=password)
        error = failure(channel)
        assert flags(error) == {"channel_broken"}
        assert "`password`" in error.remedy
        said = f"{error} {error!r} {error.__cause__!r} {error.__context__!r} {channel!r} {caplog.text}"
        assert password not in said + "".join(capsys.readouterr())
        assert "MAIL" not in server.heard
        with pytest.raises(ChannelError):
            channel.check()


def test_the_password_never_stands_in_what_the_server_is_quoted_with() -> None:
    with FakeSmtp(login=("earful", SECRET)) as server:
        server.answer("AUTH", f"535 5.7.8 {SECRET} is wrong for earful")
        error = failure(channel_to(server, username="earful", password=SECRET))
        assert SECRET not in error.message
        assert "***" in error.message


def test_a_server_without_sign_in_is_told_as_such(server: FakeSmtp) -> None:
    error = failure(channel_to(server, username="earful", password=SECRET))
    assert flags(error) == {"channel_broken"}


@pytest.mark.parametrize(
    "given",
    [
        {"host": "mail.example.org", "security": "none", "username": "a", "password": SECRET},
        {"host": "mail.example.org", "username": "a"},
        {"host": "mail.example.org", "sender": "nobody"},
        {"host": "mail.example.org", "sender": "A <a@b.example>, C <c@d.example>"},
        {"host": "mail.example.org", "sender": "A\r\nBcc: x <a@b.example"},
        {"host": "mail.example.org", "port": 0},
        {"host": "mail.example.org", "pasword": SECRET},
        {},
    ],
)
def test_settings_that_cannot_work_are_refused_and_no_secret_is_shown(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        Settings(**({"sender": "a@example.org"} | given))
    assert SECRET not in str(caught.value)


def test_a_password_in_clear_may_only_stay_on_this_machine() -> None:
    for host in ("127.0.0.1", "localhost", "::1", "[::1]"):
        settings = Settings(host=host, security="none", username="a", password=SecretStr("b"), sender="a@example.org")
        assert SECRET not in repr(settings)


def test_check_names_the_server_and_sends_nothing(server: FakeSmtp) -> None:
    assert channel_to(server).check() == f"{server.host}:{server.port} accepts mail, unencrypted, no login"
    assert server.heard == ["EHLO", "QUIT"]


# The stand-in itself, as other programs start it


def test_the_server_runs_by_itself_and_keeps_its_ledger_in_a_file(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    command = [sys.executable, "-m", "tests.fakes.smtp", "--port", "0", "--ledger", str(ledger)]
    command += ["--answer", "DATA=451 4.3.0 Once"]
    root = Path(__file__).parents[3]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            host, _, port = process.stdout.readline().strip().partition(":")
            channel = Email(Settings(host=host, port=int(port), security="none", sender="earful@example.org"))
            assert flags(failure(channel)) == set()
            channel.send(ALERT, "care@example.org")
        finally:
            process.terminate()
    (line,) = [json.loads(line) for line in ledger.read_text().splitlines()]
    assert (line["recipient"], line["subject"]) == ("care@example.org", "Overdue since 15:02 · @customer on X")


@pytest.mark.parametrize(
    ("said", "helps", "not_said"),
    [
        ("535 5.7.139 Authentication unsuccessful, basic authentication is disabled. [AM0]", "relay", "app password"),
        ("535 5.7.139 SmtpClientAuthentication is disabled for the Tenant.", "administrator", "app password"),
        ("535 5.7.139 the request did not meet the criteria to be authenticated", "rule", "app password"),
        ("535 5.7.8 Username and Password not accepted", "app password", "relay"),
        ("534 5.7.9 Application-specific password required", "app password", "relay"),
        ("534 5.7.14 Please log in via your web browser and then try again", "browser", "relay"),
        ("530 5.7.0 Must issue a STARTTLS command first", "starttls", "app password"),
        ("538 5.7.11 Encryption required for requested authentication mechanism", "starttls", "app password"),
    ],
)  # fmt: skip
def test_a_refused_sign_in_says_what_helps_with_this_refusal(said: str, helps: str, not_said: str) -> None:
    """In Microsoft 365 no password helps any more: sending people to make another one costs them a day."""
    with FakeSmtp(login=("earful", "correct horse 2")) as server:
        server.answer("AUTH", said)
        with pytest.raises(ChannelError) as caught:
            channel_to(server, username="earful", password="correct horse 2").check()
    assert caught.value.channel_broken
    assert helps in caught.value.remedy
    assert not_said not in caught.value.remedy
