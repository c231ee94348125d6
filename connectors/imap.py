"""Notices that come by mail (Google Alerts and the like), from a mailbox by IMAP4rev1. Nothing there is changed.

https://www.rfc-editor.org/rfc/rfc3501: the folder is opened with EXAMINE, mails are known by UID, and UIDs only as long
as UIDVALIDITY stays. Only mails of the senders that settings name are read: this is for notices, not a support box, for
private letters have another legal basis than public posts.

The cursor holds UIDVALIDITY and the last UID that was read. imaplib waits as long as each answer comes a byte at a time
and takes whatever size is announced, so a clock of ours cuts the line, and a size has a bound.
"""

from __future__ import annotations

import contextlib
import imaplib
import json
import re
import ssl
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage, MIMEPart
from email.policy import default as policy
from email.utils import parseaddr
from typing import Annotated, Any, Literal, cast
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr

from connectors import Aside, Batch, ConnectorError, Nonsense, Post, RateLimited, Refused, Request
from connectors.about import About
from connectors.http import Http
from connectors.listing import MANY
from connectors.pagination import CLOCK_IS_BEHIND, clock_is_behind
from connectors.text import clean, parse_time, plain, raw_of, safe_url, without_detour
from connectors.tls import authorities, handshake_failed, handshake_late

ABOUT = About(
    reads="notices that come by mail, of the senders that you name: Google Alerts and the like",
    key="your mail server's address, and the name and password of the mailbox; better, an app password",
    misses="letters to you: a mailbox for customers belongs in a help desk; and Microsoft 365, which wants OAuth",
    page="connect/imap.md",
)
PAGE = 20  # mails
LARGEST = 500_000  # bytes of a mail that are looked at
_MOST_BYTES = 2_000_000  # of one literal that a server announces
_MOST_LINKS = 50  # of one notice
_CARDS = re.compile(r'<script[^>]*data-scope="inboxmarkup"[^>]*>(.*?)</script>', re.DOTALL | re.IGNORECASE)


Address = Annotated[str, Field(pattern=r"^[^\s\"\\@]+@[^\s\"\\@]+$")]


class Settings(BaseModel, frozen=True, extra="forbid"):
    """A source of kind "imap"."""

    host: str = Field(pattern=r"^[A-Za-z0-9.-]+$", description="the mail server, such as imap.example.org")
    username: str = Field(min_length=1, description="the mailbox's name, often its address")
    password: SecretStr = Field(description="its password; better, an app password")
    senders: tuple[Address, ...] = Field(min_length=1, description="addresses of the senders whose mails are read")
    folder: str = Field("INBOX", pattern=r"^[ -~]{1,200}$", description="the folder to read")
    port: int = Field(993, ge=1, le=65535, description="the server's port")
    security: Literal["tls", "none"] = Field("tls", description="encryption; none only on a machine of your own")


class _Client(imaplib.IMAP4):
    """imaplib's client with the bounds it lacks: of a literal's size, and of all that it does together."""

    def __init__(self, settings: Settings, seconds: float) -> None:
        self._settings = settings
        self._cut = False
        self._clock = threading.Timer(seconds, self._cut_off)
        self._clock.daemon = True
        self._seconds = seconds
        self._clock.start()
        try:
            super().__init__(settings.host, settings.port, timeout=seconds)
        except BaseException:
            self.end()  # nobody else has it to end
            raise

    @property
    def cut(self) -> bool:
        """Whether our clock has ended it."""
        return self._cut

    def _create_socket(self, timeout: float | None = None) -> Any:
        if self._settings.security != "tls":
            return super()._create_socket(timeout)  # type: ignore[misc]
        host, trusted = self._settings.host, authorities()
        plain_line = super()._create_socket(timeout)  # type: ignore[misc]
        # From here on the clock can cut it: a handshake may drip as an answer may.
        self.sock = secure = trusted.wrap_socket(plain_line, server_hostname=host, do_handshake_on_connect=False)
        try:
            secure.do_handshake()
        except OSError as error:
            secure.close()
            if self._cut or isinstance(error, TimeoutError):
                raise handshake_late(host, self._seconds) from error
            raise handshake_failed(host, error) from error
        return secure

    def _cut_off(self) -> None:
        self._cut = True
        with contextlib.suppress(OSError, AttributeError):
            self.sock.shutdown(2)

    def read(self, size: int) -> bytes:
        """Read a literal, if it is not announced larger than anything that we asked for."""
        if size > _MOST_BYTES:
            raise self.abort("a literal that is too large")
        return super().read(size)

    def end(self) -> None:
        """Hang up, whatever state it is in."""
        self._clock.cancel()
        with contextlib.suppress(OSError, AttributeError, imaplib.IMAP4.error):
            self.shutdown()


class Imap:
    """Reads the notices in one folder."""

    def __init__(self, settings: Settings, http: Http | None = None, *, seconds: float = 45.0) -> None:  # noqa: ARG002
        self._settings = settings
        self._seconds = seconds

    def fetch(self, request: Request) -> Batch:
        """Read one page of mails, the oldest first."""
        client: _Client | None = None
        failure: ConnectorError
        try:
            client = _Client(self._settings, self._seconds)
            return self._page(client, request)
        except ConnectorError:
            raise
        except (imaplib.IMAP4.error, OSError, ValueError, IndexError, TypeError) as error:
            failure = self._reading(error, client)
        finally:
            if client is not None:
                client.end()
        raise failure  # outside of the handler: what imaplib says may hold what was sent

    def _reading(self, error: Exception, client: _Client | None) -> ConnectorError:
        host = self._settings.host
        if (client is not None and client.cut) or isinstance(error, TimeoutError):
            return ConnectorError(f"{host}: the server did not answer in time", "Earful will retry.")
        if isinstance(error, ssl.SSLError):
            return ConnectorError(f"{host}: no secure connection", "Check host and port; 993 speaks TLS.")
        if isinstance(error, imaplib.IMAP4.abort) and str(error).endswith("EOF"):
            return Nonsense(f"{host} cut its answer off", "Earful will retry.")
        if isinstance(error, imaplib.IMAP4.error):
            return Nonsense(f"{host}: this is not an answer of a mail server", "Check host and port.")
        if isinstance(error, OSError):
            return ConnectorError(f"{host}: no connection ({error.strerror or type(error).__name__})", "Check host.")
        return Nonsense(f"{host}: the answer can't be read", "Earful will retry.")

    def _page(self, client: _Client, request: Request) -> Batch:
        self._log_in(client)
        validity = self._open(client)
        known, last = _place(request.cursor)
        again = known != validity
        uids = self._search(client, request.since, 0 if again else last)
        posts: list[Post] = []
        aside: list[Aside] = []
        page = uids[:PAGE]
        for uid, raw in self._bodies(client, page):
            try:
                posts += self._posts(raw, f"{validity}-{uid}", request)
            except Exception as error:  # noqa: BLE001 - Python's reader of mails raises anything on malformed ones
                reason = str(error) if isinstance(error, ValueError | LookupError) else type(error).__name__
                aside.append(Aside(raw[:LARGEST], reason[:200]))
        # A few alone are set aside: refusing them would hold the reading there for ever.
        if not posts and len(aside) == len(page) and len(aside) >= MANY:
            raise Nonsense(f"{self._settings.host}: no mail could be read: {aside[0].reason}", "Earful will retry.")
        told = (CLOCK_IS_BEHIND,) if clock_is_behind((post.posted_at for post in posts), request.now) else ()
        cursor = json.dumps([validity, page[-1] if page else (0 if again else last)])
        kept = tuple(post for post in posts if post.posted_at >= request.since or not again)
        return Batch(kept, cursor, complete=len(uids) <= PAGE, aside=tuple(aside), notices=told)

    def _log_in(self, client: _Client) -> None:
        host, user = self._settings.host, self._settings.username
        password = self._settings.password.get_secret_value()
        try:
            if f"{user}{password}".isascii():
                client.login(_quoted(user), password)
            else:  # LOGIN takes letters of ASCII alone
                client.authenticate("PLAIN", lambda _: f"\0{user}\0{password}".encode())
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            said = str(error)
        else:
            return
        if re.search(r"\[(LIMIT|UNAVAILABLE|INUSE)\]|too many|rate", said, re.IGNORECASE):
            raise RateLimited(f"{host}: too many logins", None, "Earful will retry.")
        raise Refused(f"{host} refuses the login", "Check username and password; many providers want an app password.")

    def _open(self, client: _Client) -> int:
        """Open the folder to read only; its UIDVALIDITY."""
        status, _ = client.select(_quoted(self._settings.folder), readonly=True)
        if status != "OK":
            raise Refused(f"{self._settings.host} has no folder {self._settings.folder[:60]}", "Check folder.")
        _, found = client.response("UIDVALIDITY")
        if not found or found[0] is None:
            raise Nonsense(f"{self._settings.host}: the folder has no UIDVALIDITY", "Use a server with IMAP4rev1.")
        return int(cast(bytes, found[0]))

    def _search(self, client: _Client, since: datetime, last: int) -> list[int]:
        """The UIDs of mails to read, in order: those behind `last`, or at first those since that day."""
        found: set[int] = set()
        when = f"UID {last + 1}:*" if last else f"SINCE {since.day}-{_MONTHS[since.month - 1]}-{since.year}"
        for sender in self._settings.senders:
            status, listed = client.uid("SEARCH", f'{when} FROM "{sender}"')
            if status != "OK":
                raise Nonsense(f"{self._settings.host}: the search was refused", "Earful will retry.")
            found |= {int(each) for each in (listed[0] or b"").split()}
        return sorted(uid for uid in found if uid > last)  # "n:*" names the last mail, whatever its number

    def _bodies(self, client: _Client, uids: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        if not uids:
            return
        status, answers = client.uid("FETCH", ",".join(map(str, uids)), f"(UID BODY.PEEK[]<0.{LARGEST}>)")
        found: dict[int, bytes] = {}
        for each in answers or ():
            if isinstance(each, tuple) and (named := re.search(rb"UID (\d+)", each[0])):
                found[int(named[1])] = bytes(each[1])
        if status != "OK" or not found:
            raise Nonsense(f"{self._settings.host}: mails were listed, but none was given", "Earful will retry.")
        yield from sorted(found.items())

    def _posts(self, raw: bytes, uid: str, request: Request) -> list[Post]:
        """The posts in one mail: its links, where it is a list of them, else the mail itself."""
        mail = message_from_bytes(raw, policy=policy)
        name, address = parseaddr(_header(mail, "From"))
        if address.casefold() not in {each.casefold() for each in self._settings.senders}:
            return []  # a server's search looks for parts of words
        at = parse_time(_header(mail, "Date"))
        if at is None:
            raise ValueError("the date is missing or not a time")
        text, html = _words(mail)
        subject = clean(_header(mail, "Subject"))
        told = raw_of({"from": address, "subject": subject, "date": _header(mail, "Date")})
        posts = [
            Post(
                source=request.source,
                native_id=url,
                url=url,
                author=clean(urlsplit(url).hostname or address),
                text=plain(str(each.get("description") or "")),
                title=plain(str(each.get("title") or "")),
                posted_at=at,
                raw=told,
            )
            for each in _links(html)
            if (url := without_detour(safe_url(each.get("url"))))
        ]
        if posts:
            return posts
        words = text or plain(html)
        if not words.strip() and not subject:
            raise ValueError("the mail has no words")
        native = clean(_header(mail, "Message-ID").strip()) or uid
        return [Post(request.source, native, "", clean(name) or address, clean(words), at, title=subject, raw=told)]


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _quoted(text: str) -> str:
    """A text as IMAP quotes it."""
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def _place(cursor: str) -> tuple[int, int]:
    try:
        validity, last = json.loads(cursor)
        return int(validity), int(last)
    except (ValueError, TypeError):
        return 0, 0


def _header(mail: EmailMessage, name: str) -> str:
    """A header as text; as it was sent where Python's parser fails on it (with IndexError, AttributeError and more)."""
    try:
        return str(mail.get(name, ""))
    except Exception:  # noqa: BLE001
        return next((str(value) for key, value in mail.raw_items() if key.casefold() == name.casefold()), "")


def _words(mail: EmailMessage) -> tuple[str, str]:
    """The mail's plain text and its HTML; either may be missing."""
    found = []
    for kind in ("plain", "html"):
        part = mail.get_body((kind,))
        found.append(_text(part) if part is not None else "")
    return found[0], found[1]


def _text(part: MIMEPart) -> str:
    """The text of a part; where it names a character set that nobody knows, what UTF-8 makes of it."""
    try:
        return str(part.get_content())
    except LookupError:
        body = part.get_payload(decode=True)
        return body.decode("utf-8", "replace") if isinstance(body, bytes) else ""


def _links(html: str) -> list[dict[str, Any]]:
    """What a notice lists, where it tells mail programs: cards with widgets of type LINK, as Google Alerts has."""
    card = _CARDS.search(html)
    if card is None:
        return []
    try:
        cards = json.loads(card[1]).get("cards", [])
        listed = [each for one in cards for each in one.get("widgets", [])]
    except (ValueError, AttributeError, TypeError, RecursionError):
        return []
    return [each for each in listed if isinstance(each, dict) and each.get("type") == "LINK"][:_MOST_LINKS]
