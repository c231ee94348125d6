"""One talk with a mail server, by smtplib under one deadline, and what each of its refusals means.

smtplib has no time limit of its own, gives some refusals as a value and calls a line that died after the mail was taken
the same as one that died before. So here one deadline stands over the whole conversation, the steps are walked one by
one, and every failure is told by how far it came: before the words were sent they cannot have arrived, afterwards
nobody knows. RFC 5321 says what the codes mean, https://docs.python.org/3/library/smtplib.html what the library does.
"""

from __future__ import annotations

import contextlib
import io
import re
import smtplib
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from alerts import ChannelError
from alerts.email.settings import Settings
from alerts.wording import clean_line

_WAIT = re.compile(r"(\d{1,5})\s*(s|seconds?|m|min|minutes?)\b", re.IGNORECASE)
# What servers say of a mailbox that is full and leave out RFC 3463's code for it (5.2.2); of a mail that was read they
# say "storage allocation" as well, where it is too large.
_FULL = re.compile(r"quota|\bfull mailbox|mailbox\b.{0,40}\bfull\b", re.IGNORECASE)
_STORAGE = "storage allocation"
_GREYLIST = 60.0  # seconds; what most greylisting servers ask for, if they do not say
_LONGEST_TALK = 1_000_000  # bytes that a server may say about one mail

Step = Literal["connect", "greeting", "encryption", "sign-in", "sender", "recipient", "message", "content"]


@dataclass
class Conversation:
    """One talk with the server, from connecting to hanging up, under one deadline. `step` is how far it came."""

    settings: Settings
    step: Step = "connect"
    client: _Client | None = None

    def run(self, talk: Callable[[], object]) -> None:
        """Hold it to its end; raise what went wrong outside of every handler: smtplib's errors may hold secrets."""
        failure: ChannelError | None = None
        try:
            talk()
        except ChannelError as error:
            failure = error
        except (OSError, smtplib.SMTPException, ValueError) as error:
            failure = self.judge(error)
        finally:
            self.hang_up()
        if failure is not None:
            raise failure

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
        if words.startswith("5.4.5"):  # what Google says of the mails that one account may send in a day
            return ChannelError(message, channel_broken=True, remedy=_TOO_MANY)
        full = "5.2.2" in words or (not words.startswith("5.") and self._is_full(words))
        if (code in {523, 552} and not full) or words.startswith(("5.3.4", "5.2.3")):
            return ChannelError(message, too_large=True)
        if final and (self.step == "recipient" or full):
            remedy = "" if full else WRONG_RECIPIENT  # a full mailbox is emptied some day, whatever it is called
            return ChannelError(message, target_broken=not full, remedy=remedy)
        if final or later:
            remedy = _REFUSED.get(self.step, "") if final else ""
            wait = self._wait(code, words) if later else None
            permanent = final and not remedy
            return ChannelError(
                message, permanent=permanent, channel_broken=bool(remedy), retry_after=wait, remedy=remedy
            )
        message = f"{self._where()} answered the {self.step} with something that is not SMTP"
        return ChannelError(message, outcome_unknown=self.step == "content")

    def _is_full(self, words: str) -> bool:
        """Whether one mailbox is full, in the words of a server that gives no code for it."""
        if self.step not in {"recipient", "content"}:
            return False
        return bool(_FULL.search(words)) or (self.step == "recipient" and _STORAGE in words)

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
WRONG_RECIPIENT = (
    "Correct that address in settings.toml, or have its mailbox reopened. Other recipients are not affected."
)
_TOO_MANY = (
    "The provider accepts no more mail from this account for now, up to a day. If that happens often, send through "
    "another `host`."
)
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
