"""How the contract tries a mailbox: a server of its own that speaks IMAP."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from email.utils import format_datetime

from pydantic import SecretStr

from connectors.imap import Imap, Settings
from tests.connectors.contracts import NOW, Contract, first_request
from tests.fakes.imap import PASSWORD, FakeImap

SENDER = "alerts@notices.example"


def mail(number: int, *, body: str = "", sender: str = SENDER, date: str = "", kind: str = "text/html") -> bytes:
    """One notice with one link in it, that many minutes ago."""
    link = f"https://news.example/{number}"
    html = (
        '<script data-scope="inboxmarkup" type="application/json">{"cards": [{"widgets": [{"type": "LINK", '
        f'"title": "Acme &amp; parcel {number}", "url": "https://www.google.com/url?rct=j&url={link}&ct=ga", '
        '"description": "<p>Acme lost <a href=\\"https://x.example\\">my order</a> &amp; more</p>"}]}]}</script>'
    )
    head = {
        "From": f"Notices <{sender}>",
        "Subject": f"Notice {number}",
        "Message-ID": f"<{number}@notices.example>",
        "Date": date or format_datetime(NOW - timedelta(minutes=number)),
        "MIME-Version": "1.0",
        "Content-Type": f"{kind}; charset=utf-8",
    }
    return ("\n".join(f"{name}: {value}" for name, value in head.items()) + "\n\n" + (body or html)).encode()


def make(server: FakeImap, seconds: float) -> Imap:
    settings = Settings(
        host=server.host.partition(":")[0],
        port=server.port,
        security="none" if server.url.startswith("imap:") else "tls",
        username="me",
        password=SecretStr(PASSWORD),
        senders=(SENDER,),
    )
    return Imap(settings, seconds=seconds)


def serve(server: FakeImap) -> None:
    server.mails = {number: mail(60 - number) for number in range(1, 26)}


def spoil(server: FakeImap) -> int:
    server.mails = {number: mail(60 - number) for number in range(1, 7)} | {3: mail(3, date="soon")}
    return 5


def ruin(server: FakeImap) -> None:
    server.mails = {number: mail(number, date="soon") for number in range(1, 4)}


def dated(server: FakeImap, times: Sequence[datetime]) -> None:
    server.mails = {number: mail(number, date=format_datetime(at)) for number, at in enumerate(times, start=1)}


CONTRACT = Contract(
    make=make,
    request=first_request("notices"),
    serve=serve,
    spoil=spoil,
    ruin=ruin,
    dated=dated,
    only_new=lambda requests: requests == [],
    server=FakeImap,
)
