"""E-mail, by SMTP with the standard library: one recipient, one message, one Message-ID at every attempt.

smtplib has no time limit of its own, gives some refusals as a value and calls a line that died after the mail was taken
the same as one that died before. So here one deadline stands over the whole conversation, the steps are walked one by
one, and every failure is told by how far it came: before the words were sent they cannot have arrived, afterwards
nobody knows. RFC 5321 says what the codes mean, https://docs.python.org/3/library/smtplib.html what the library does.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import ipaddress
import re
import smtplib
import socket
import ssl
import time
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import formatdate
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from alerts import Alert, ChannelError, Letter, Receipt
from alerts.email.templates import render_alert
from alerts.wording import alert_lines, clean_line

_HEADER = 200  # characters of a subject; what is longer no list of mails shows
_HEADER_UNWANTED = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_BODY_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[^\s\x00-\x1f@<>,;:\"()\[\]\\]{1,250}")
_WAIT = re.compile(r"(\d{1,5})\s*(s|seconds?|m|min|minutes?)\b", re.IGNORECASE)
_GREYLIST = 60.0  # seconds; what most greylisting servers ask for, if they do not say
_LONGEST_TALK = 1_000_000  # bytes that a server may say about one mail
_PLAIN_LETTER = 6_000  # characters of a letter that was too large in full
_OWN_HEADERS = frozenset({"subject", "from", "to", "cc", "bcc", "date", "message-id", "mime-version", "reply-to"})

Step = Literal["connect", "greeting", "encryption", "sign-in", "sender", "recipient", "message", "content"]


class Settings(BaseModel):
    """[[channels]] of kind "email"."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    host: str = Field(description="The outgoing mail server, for example smtp.example.org.")
    port: int = Field(default=587, ge=1, le=65535, description="587 for starttls, 465 for tls, 25 for none.")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="How the connection is encrypted; nothing is sent if the server can't."
    )
    username: str = Field(default="", description="The user name; empty: no login.")
    password: SecretStr = Field(default=SecretStr(""), description="The password; better, an app password.")
    sender: str = Field(description='The sender: "earful@example.org" or "Earful <earful@example.org>".')
    ca_file: Path | None = Field(
        default=None, description="A PEM file of certificates to trust, in addition to the system's."
    )
    timeout: float = Field(default=30.0, gt=0, le=300, description="Time limit in seconds for one mail.")

    @field_validator("sender")
    @classmethod
    def _sender_is_an_address(cls, text: str) -> str:
        _sender_of(text)
        return text

    @model_validator(mode="after")
    def _no_password_in_clear(self) -> Settings:
        if self.username and self.security == "none" and not _is_loopback(self.host):
            raise ValueError(
                'with a username, write security = "starttls" or "tls"; otherwise the password is sent unencrypted'
            )
        if self.username and not self.password.get_secret_value():
            raise ValueError("a username needs a password")
        return self


class Email:
    """Sends alerts and letters to one mail address each. A target is that address."""

    seconds_between = 0.2
    wakes = False

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._sender = _sender_of(settings.sender)

    def __repr__(self) -> str:
        return f"Email({self._settings.host}:{self._settings.port})"

    def send(self, message: Alert | Letter, target: str, *, plain: bool = False) -> Receipt:
        """Send once. The receipt's reference is the Message-ID."""
        recipient = _recipient_of(target)
        if recipient is None:
            raise ChannelError("not a valid mail address", target_broken=True, remedy=_RECIPIENT)
        mail = self._compose(message, recipient, plain)
        conversation = _Conversation(self._settings)
        self._converse(conversation, lambda: conversation.deliver(self._sender.addr_spec, recipient, mail.as_bytes()))
        return Receipt(reference=str(mail["Message-ID"]))

    def check(self) -> str:
        """Connect, encrypt and sign in as for a mail, and send none."""
        conversation = _Conversation(self._settings)
        self._converse(conversation, conversation.greet_only)
        how = {"starttls": "encrypted (STARTTLS)", "tls": "encrypted (TLS)", "none": "unencrypted"}
        signed = "logged in" if self._settings.username else "no login"
        return f"{self._settings.host}:{self._settings.port} accepts mail, {how[self._settings.security]}, {signed}"

    def _converse(self, conversation: _Conversation, talk: Any) -> None:
        """Run a conversation; raise what went wrong outside of every handler: smtplib's errors may hold secrets."""
        failure: ChannelError | None = None
        try:
            talk()
        except ChannelError as error:
            failure = error
        except (OSError, smtplib.SMTPException, ValueError) as error:
            failure = conversation.judge(error)
        finally:
            conversation.hang_up()
        if failure is not None:
            raise failure

    def _compose(self, message: Alert | Letter, recipient: str, plain: bool) -> EmailMessage:
        domain = self._sender.domain.encode("idna").decode()
        mail = EmailMessage(policy=_POLICY)
        mail["Message-ID"] = _message_id(_identity(message), domain)
        mail["Date"] = formatdate(usegmt=True)  # stdlib's own look at the clock: when this attempt left
        mail["From"] = self._sender
        mail["To"] = Address(addr_spec=recipient)
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"
        if isinstance(message, Letter):
            subject, html, text = message.subject, message.html, message.text
            for name, value in message.headers.items():
                _add_header(mail, name, value)
        else:
            subject, html, text = render_alert(message)
            if message.thread:
                # Nobody ever gets the root itself: mail programs only need that all point at the same one.
                mail["In-Reply-To"] = mail["References"] = _message_id(f"thread:{message.thread}", domain)
        mail["Subject"] = _header(subject)
        if plain:
            mail.set_content(_body(_shortened(message, text)), cte="quoted-printable")
            return mail
        mail.set_content(_body(text), cte="quoted-printable")
        mail.add_alternative(_body(html), subtype="html", cte="quoted-printable")
        return mail


class _Policy(EmailPolicy):
    """EmailMessage turns long ids and links into encoded words, which no mail program reads: they stay in one line."""

    def fold(self, name: str, value: Any) -> str:
        if name.lower() in {"message-id", "in-reply-to", "references", "list-unsubscribe", "to"}:
            return f"{name}: {value}{self.linesep}"
        return str(super().fold(name, value))

    def fold_binary(self, name: str, value: Any) -> bytes:
        return self.fold(name, value).encode("ascii", "replace")


_POLICY = _Policy(linesep="\r\n", cte_type="7bit")


@dataclass
class _Conversation:
    """One talk with the server, from connecting to hanging up, under one deadline. `step` is how far it came."""

    settings: Settings
    step: Step = "connect"
    client: _Client | None = None

    def greet_only(self) -> None:
        """Be ready to send, and ask for nothing more than an answer."""
        self._expect(self._open().noop())

    def deliver(self, sender: str, recipient: str, content: bytes) -> None:
        """Give over one mail; return only if the server has taken it."""
        client = self._open()
        limit = client.esmtp_features.get("size", "")
        if limit.isdigit() and 0 < int(limit) < len(content):
            raise ChannelError(
                f"{self._where()} accepts at most {limit} bytes, and this mail is larger", too_large=True
            )
        self.step = "sender"
        self._expect(client.mail(sender, [f"size={len(content)}"] if "size" in client.esmtp_features else []))
        self.step = "recipient"
        self._expect(client.rcpt(recipient))
        self.step = "message"
        code, said = client.docmd("DATA")
        if code != 354:
            raise smtplib.SMTPResponseException(code, said)
        self.step = "content"
        client.send(re.sub(rb"(?m)^\.", b"..", content) + b".\r\n")
        self._expect(client.getreply())

    def _open(self) -> _Client:
        settings = self.settings
        deadline = time.monotonic() + settings.timeout
        if settings.security == "tls":
            client: _Client = _TlsClient(settings.host, settings.port, deadline, context=_trusted(settings.ca_file))
        else:
            client = _Client(settings.host, settings.port, deadline)
        self.client = client
        self.step = "greeting"
        self._hello(client)
        if settings.security == "starttls":
            self.step = "encryption"
            if not client.has_extn("starttls"):
                raise ChannelError(
                    f"{self._where()} offers no encryption (STARTTLS); nothing was sent",
                    channel_broken=True,
                    remedy='Ask the provider for its encrypted port; for port 465, write security = "tls".',
                )
            self._expect(client.starttls(context=_trusted(settings.ca_file)))
            self._hello(client)
        if settings.username:
            self.step = "sign-in"
            self._expect(client.login(settings.username, settings.password.get_secret_value()))
        return client

    def _hello(self, client: _Client) -> None:
        """Greet with our address as a literal: looking up our own name may take minutes where DNS is broken."""
        address = client.own_address()
        name = f"[IPv6:{address}]" if ":" in address else f"[{address}]"
        code, said = client.ehlo(name)
        if 500 <= code < 600:
            code, said = client.helo(name)
        self._expect((code, said))

    @staticmethod
    def _expect(reply: tuple[int, bytes]) -> None:
        code, said = reply
        if not 200 <= code < 300:
            raise smtplib.SMTPResponseException(code, said)

    def hang_up(self) -> None:
        """Say goodbye if there is anybody to hear it; whatever comes of it changes nothing."""
        client = self.client
        if client is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                client.shorten(2.0)
                client.quit()
            client.close()

    def judge(self, error: Exception) -> ChannelError:
        """Say what a failure means for this mail and for this channel."""
        if isinstance(error, smtplib.SMTPResponseException):
            return self._refused(error.smtp_code, error.smtp_error)
        if self.step == "content":
            words = f"{self._where()} got the mail but did not confirm it: {_os_words(error)}"
            return ChannelError(words, outcome_unknown=True)
        broken, remedy = False, ""
        if isinstance(error, ssl.SSLCertVerificationError):
            words = f"the certificate of {self._where()} is not trusted: {clean_line(error.verify_message)[:100]}"
            broken, remedy = True, _TRUST
        elif isinstance(error, ssl.SSLError) and error.reason in _NO_TLS:
            words = f"{self._where()} does not use TLS on this port"
            broken, remedy = True, _SECURITY
        elif self.step == "sign-in" and (type(error) in _NO_SIGN_IN or isinstance(error, ValueError)):
            words = f"{self._where()} offers no login with a user name and password"
            broken, remedy = True, _SIGN_IN
        elif isinstance(error, socket.gaierror):
            words, remedy = f"the mail server's name {self.settings.host} was not found", _REACH
        elif self.step == "connect":
            words, remedy = f"{self._where()} cannot be reached: {_os_words(error)}", _REACH
        else:
            words = f"the connection to {self._where()} was lost at {self.step}: {_os_words(error)}"
        return ChannelError(words, channel_broken=broken, remedy=remedy)

    def _refused(self, code: int, said: object) -> ChannelError:
        words = self._quoted(said)
        message = f"{self._where()} refused the {self.step}: {code} {words}".rstrip()
        final, later = 500 <= code < 600, 400 <= code < 500
        if final and (self.step == "sign-in" or code in {530, 534, 535, 538}):
            return ChannelError(message, channel_broken=True, remedy=_sign_in_remedy(code, words))
        if (code in {523, 552} and "5.2.2" not in words) or words.startswith(("5.3.4", "5.2.3")):
            return ChannelError(message, too_large=True)
        if final and (self.step == "recipient" or "5.2.2" in words):
            gone = "5.2.2" not in words  # a full mailbox is emptied some day, whatever the server calls it
            return ChannelError(message, target_broken=gone, remedy=_RECIPIENT if gone else "")
        if final or later:
            remedy = _REFUSED.get(self.step, "") if final else ""
            wait = self._wait(code, words) if later else None
            permanent = final and not remedy
            return ChannelError(
                message, permanent=permanent, channel_broken=bool(remedy), retry_after=wait, remedy=remedy
            )
        message = f"{self._where()} answered the {self.step} with something that is not SMTP"
        return ChannelError(message, outcome_unknown=self.step == "content")

    def _wait(self, code: int, words: str) -> float | None:
        found = _WAIT.search(words)
        if found:
            seconds = float(found[1]) * (60 if found[2][0] in "mM" else 1)
            return min(max(seconds, 1.0), 3600.0)
        return _GREYLIST if self.step == "recipient" and code in {450, 451} else None

    def _quoted(self, said: object) -> str:
        """Return the server's words in one line, without what we told it in confidence."""
        words = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        for secret in (self.settings.password.get_secret_value(), self.settings.username):
            words = words.replace(secret, "***") if secret else words
        return clean_line(words[:1000])[:150]

    def _where(self) -> str:
        return f"{self.settings.host}:{self.settings.port}"


class _Client(smtplib.SMTP):
    """smtplib under one deadline: a server that sends a byte a second cannot hold it longer."""

    def __init__(self, host: str, port: int, deadline: float, **options: Any) -> None:
        self._deadline = deadline
        super().__init__(host, port, local_hostname="localhost", timeout=self._left(), **options)

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("no answer in time")
        return left

    def shorten(self, seconds: float) -> None:
        """Leave at most this long from now on."""
        self._deadline = min(self._deadline, time.monotonic() + seconds)

    def own_address(self) -> str:
        """Return the address we speak from."""
        assert self.sock is not None
        return str(self.sock.getsockname()[0])

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = io.BufferedReader(_Reader(self))
        try:
            return super().getreply()
        except smtplib.SMTPResponseException:
            # smtplib's own way to say that a line had no end: not the server's word, so not to be judged as one.
            raise smtplib.SMTPServerDisconnected("a line that never ends") from None

    def send(self, s: Any) -> None:
        if self.sock is not None:
            self.sock.settimeout(self._left())
        super().send(s)


class _TlsClient(_Client, smtplib.SMTP_SSL):
    """The same, encrypted from the first byte."""


class _Reader(io.RawIOBase):
    """Reads from a client's socket with what is left of its time."""

    def __init__(self, client: _Client) -> None:
        self._client = client
        self._left = _LONGEST_TALK

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        sock = self._client.sock
        assert sock is not None
        sock.settimeout(self._client._left())
        count = int(sock.recv_into(buffer))
        self._left -= count
        if self._left < 0:
            raise OSError("the server's answer never ends")
        return count


_REACH = "Check `host` and `port` of this channel, and whether this machine may reach them (firewall)."
_TRUST = "Set `host` to the name in the certificate, or name your own certificate authority in `ca_file`."
_SECURITY = 'Write security = "starttls" for port 587, security = "tls" for port 465.'
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "UNSUPPORTED_PROTOCOL", "RECORD_LAYER_FAILURE"})
_NO_SIGN_IN = frozenset({smtplib.SMTPException, smtplib.SMTPNotSupportedError})
_SIGN_IN = "Check `username` and `password` of this channel; many providers require an app password."
# What the server's words say of a sign-in that it refuses -> what helps, where another password does not.
_RELAY = (
    "No password will work: this server only accepts OAuth, which Earful does not support. Send "
    "through a relay: in Microsoft 365 a connector for this machine's address (port = 25, no `username`), or another "
    "provider's outgoing server."
)
_SIGN_IN_REMEDIES: tuple[tuple[str, str], ...] = (
    (
        r"smtpclientauthentication is disabled|smtp_auth_disabled",
        "SMTP login is disabled for this mailbox or the whole organisation. Its administrator can allow it "
        "(authenticated SMTP); where that is no longer possible, send through a relay. Another password does not help.",
    ),
    (
        r"did not meet the criteria|conditional access|locked",
        "A rule of the organisation refuses this sign-in, whatever the password: its administrator can allow "
        "authenticated SMTP for this account; else send through a relay.",
    ),
    (
        r"basic auth\w* is (?:disabled|not supported)|5\.7\.139|auth\w* (?:method|mechanism) .{0,40}(?:disabled|not)",
        _RELAY,
    ),
    (
        r"web browser|5\.7\.14\b",
        "The provider wants you to sign in once in a browser. Do that, then set an app password.",
    ),
    (
        r"too many|\brate\b|try again later",
        "The provider has blocked logins for a while. Wait an hour, and check the password.",
    ),
    (r"starttls|encryption required|5\.7\.11\b", _SECURITY),
)
_RECIPIENT = "Correct that address in settings.toml, or have its mailbox reopened. Other recipients are not affected."
_REFUSED: dict[Step, str] = {
    "connect": "The mail server refuses this machine. Ask its operator, or use another `host`.",
    "greeting": "The mail server refuses this machine. Ask its operator, or use another `host`.",
    "encryption": "The mail server can't encrypt at the moment. Ask its operator.",
    "sender": "The mail server refuses mail from `sender`. Use an address of your own there.",
}


def _sign_in_remedy(code: int, words: str) -> str:
    """What helps where the server refused to let us in."""
    if code == 538:
        return _SECURITY
    found = (remedy for said, remedy in _SIGN_IN_REMEDIES if re.search(said, words, re.IGNORECASE))
    return next(found, _SIGN_IN)


@cache
def _trusted(ca_file: Path | None) -> ssl.SSLContext:
    """Return whom we trust; read once, since the system's list takes longer than a mail."""
    context = ssl.create_default_context()
    try:
        if ca_file is not None:
            context.load_verify_locations(ca_file)
    except OSError as error:  # SSLError is one
        remedy = "Set `ca_file` to a readable PEM file of certificates, or leave it out."
        words = f"can't read the certificates in {ca_file}: {_os_words(error)}"
        raise ChannelError(words, channel_broken=True, remedy=remedy) from None
    return context


def _os_words(error: Exception) -> str:
    """Say in a few words what the system said; never what we sent."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return "no answer in time" if "timed out" in str(error) or "in time" in str(error) else "it hung up"
    if isinstance(error, OSError) and error.strerror:
        return clean_line(error.strerror)[:100]
    return type(error).__name__


def _header(text: str) -> str:
    return clean_line(_HEADER_UNWANTED.sub(" ", text))[:_HEADER].rstrip() or "Earful"


def _add_header(mail: EmailMessage, name: str, value: str) -> None:
    """Add a header of a letter; what cannot stand in one line of a mail is left out rather than damaged."""
    clean = _HEADER_UNWANTED.sub(" ", value).strip()
    named = re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,60}", name) and name.lower() not in _OWN_HEADERS and name not in mail
    if named and clean.isascii() and len(name) + len(clean) < 990:
        mail[name] = clean


def _body(text: str) -> str:
    return _SURROGATE.sub("\ufffd", _BODY_UNWANTED.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))


def _shortened(message: Alert | Letter, text: str) -> str:
    if isinstance(message, Alert):
        return "\n".join(alert_lines(message, budget=1_000, words=140)) + "\n"
    if len(text) <= _PLAIN_LETTER:
        return text
    return text[:_PLAIN_LETTER].rsplit("\n", 1)[0] + "\n\n(Cut off here: the mail server accepts no more.)\n"


def _identity(message: Alert | Letter) -> str:
    """Say which mail this is: the delivery and its revision, so that every attempt is one mail and a new state another.

    Mail systems drop a second mail of an id: what grew has to come under its own, or nobody reads of the next customer.
    """
    revision = message.revision if isinstance(message, Alert) else 0
    return f"{message.key}.{revision}" if revision else message.key


def _message_id(key: str, domain: str) -> str:
    """Return the id of a key: readable, the same for ever, and different for every other key."""
    readable = re.sub(r"[^A-Za-z0-9]+", "-", key[:200]).strip("-")[:24]
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:24]
    return f"<{readable}.{digest}@{domain}>" if readable else f"<{digest}@{domain}>"


def _sender_of(text: str) -> Address:
    """Read "a@b" or "Name <a@b>"."""
    found = re.fullmatch(r"\s*(?:(?P<name>[^<>]*?)\s*<(?P<inner>[^<>]+)>|(?P<bare>\S+))\s*", text)
    address = (found["inner"] or found["bare"]) if found else ""
    if found is None or _recipient_of(address) is None:
        raise ValueError('write an address such as "earful@example.org" or "Earful <earful@example.org>"')
    return Address(display_name=_header(found["name"].strip('" ')) if found["name"] else "", addr_spec=address)


def _recipient_of(target: str) -> str | None:
    """Return an address as SMTP takes it (its domain in ASCII), None if it is none."""
    if not _ADDRESS.fullmatch(target):
        return None
    local, _, domain = target.rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode()
        Address(addr_spec=f"{local}@{ascii_domain}")
    except ValueError:  # UnicodeError is one
        return None
    return f"{local}@{ascii_domain}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() in {"localhost", "localhost.localdomain"}
