"""E-mail: one recipient, one message, one Message-ID at every attempt. `conversation` talks to the server."""

from __future__ import annotations

import hashlib
import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import formatdate
from typing import Any

from alerts import Alert, ChannelError, Letter, Receipt
from alerts.email.conversation import WRONG_RECIPIENT, Conversation
from alerts.email.settings import HEADER_UNWANTED, Settings, header, recipient_of, sender_of
from alerts.email.templates import render_alert
from alerts.wording import alert_lines

_BODY_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_PLAIN_LETTER = 6_000  # characters of a letter that was too large in full
_OWN_HEADERS = frozenset({"subject", "from", "to", "cc", "bcc", "date", "message-id", "mime-version", "reply-to"})


class Email:
    """Sends alerts and letters to one mail address each. A target is that address."""

    seconds_between = 0.2
    wakes = False

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._sender = sender_of(settings.sender)

    def __repr__(self) -> str:
        return f"Email({self._settings.host}:{self._settings.port})"

    def send(self, message: Alert | Letter, target: str, *, plain: bool = False) -> Receipt:
        """Send once. The receipt's reference is the Message-ID."""
        recipient = recipient_of(target)
        if recipient is None:
            raise ChannelError("not a valid mail address", target_broken=True, remedy=WRONG_RECIPIENT)
        mail = self._compose(message, recipient, plain)
        conversation = Conversation(self._settings)
        conversation.run(lambda: conversation.deliver(self._sender.addr_spec, recipient, mail.as_bytes()))
        return Receipt(reference=str(mail["Message-ID"]))

    def check(self) -> str:
        """Connect, encrypt and sign in as for a mail, and send none."""
        conversation = Conversation(self._settings)
        conversation.run(conversation.greet_only)
        how = {"starttls": "encrypted (STARTTLS)", "tls": "encrypted (TLS)", "none": "unencrypted"}
        signed = "logged in" if self._settings.username else "no login"
        return f"{self._settings.host}:{self._settings.port} accepts mail, {how[self._settings.security]}, {signed}"

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
        mail["Subject"] = header(subject)
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


def _add_header(mail: EmailMessage, name: str, value: str) -> None:
    """Add a header of a letter; what cannot stand in one line of a mail is left out rather than damaged."""
    clean = HEADER_UNWANTED.sub(" ", value).strip()
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
