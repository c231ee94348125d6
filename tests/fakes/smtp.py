"""A mail server on 127.0.0.1 that keeps a ledger of what it took and can be told to misbehave. Real SMTP, by aiosmtpd.

    with FakeSmtp() as server:
        server.answer("RCPT", "451 4.7.1 Greylisted, try again in 300 seconds")      # once
        server.answer("DATA", DROP)                                                  # takes the mail, then hangs up
        ...
        server.ledger[0].recipient

By itself: `python -m tests.fakes.smtp --port 0 --ledger FILE` prints `127.0.0.1:PORT` and serves until it is ended.
`--answer "DATA=DROP"` may be given several times, for the first mails in that order.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import ssl
import threading
import time
from collections import defaultdict, deque
from dataclasses import asdict, dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.fakes.certificates import Certificate

DROP = "DROP"  # hang up without a word
HANG = "HANG"  # stay silent for ever
DRIP = "DRIP"  # begin an answer that does not end, a byte every tenth of a second; hang up after five seconds
STEPS = ("EHLO", "AUTH", "MAIL", "RCPT", "DATA", "QUIT")


@dataclass(frozen=True)
class Mail:
    """What arrived: one line of the ledger."""

    recipient: str
    sender: str
    message_id: str
    subject: str
    text: str
    html: str
    headers: tuple[tuple[str, str], ...]
    raw: bytes = field(repr=False)

    def header(self, name: str) -> list[str]:
        """Return every value of a header, so that a forged second one is seen."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


class FakeSmtp:
    """The server. `heard` are the commands it got, in order; `ledger` the mails it accepted, also if it then failed."""

    def __init__(
        self,
        *,
        port: int = 0,
        tls: Certificate | None = None,
        implicit_tls: bool = False,
        login: tuple[str, str] | None = None,
        size_limit: int = 33_554_432,
        announce_size: bool = True,
        ledger_file: Path | None = None,
    ) -> None:
        logging.getLogger("mail.log").setLevel(logging.ERROR)  # the far side's log, which is none of ours
        self.host, self.port = "127.0.0.1", port
        self.ledger: list[Mail] = []
        self.heard: list[str] = []
        self.refused: dict[str, str] = {}  # recipient -> the answer it always gets
        self._tls, self._implicit_tls, self._login = tls, implicit_tls, login
        self._size_limit, self._announce_size, self._ledger_file = size_limit, announce_size, ledger_file
        self._answers: dict[str, deque[str]] = defaultdict(deque)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="fake smtp", daemon=True)
        self._ready = threading.Event()
        self._server: asyncio.Server | None = None

    def __enter__(self) -> FakeSmtp:
        self._thread.start()
        assert self._ready.wait(10), "the mail server did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def answer(self, step: str, *answers: str) -> None:
        """Give these answers, one each time, the next times this step comes: a reply line, or DROP, HANG, DRIP."""
        assert step in STEPS
        self._answers[step].extend(answers)

    def close(self) -> None:
        """Stop listening: the next connection is refused."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        context = self._tls.server_context() if self._tls is not None else None
        self._server = self._loop.run_until_complete(
            self._loop.create_server(
                lambda: self._conversation(context),
                self.host,
                self.port,
                ssl=context if self._implicit_tls else None,
            )
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        self._server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    def _conversation(self, context: ssl.SSLContext | None) -> SMTP:
        return SMTP(
            self,
            hostname="mail.test",
            loop=self._loop,
            data_size_limit=self._size_limit,
            tls_context=None if self._implicit_tls else context,
            auth_require_tls=False,
            authenticator=self._authenticate,
            auth_exclude_mechanism=["LOGIN"],
        )

    # What follows are aiosmtpd's hooks; it finds them by their names.

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Greet, leaving out what this server shall not offer."""
        session.host_name = hostname
        if self._login is None:
            responses = [line for line in responses if "AUTH" not in line]
        if not self._announce_size:
            responses = [line for line in responses if "SIZE" not in line]
        said = await self._say("EHLO", server)
        return [said] if said else responses

    async def handle_HELO(self, server: SMTP, session: Session, envelope: Envelope, hostname: str) -> str:
        """Greet an old client."""
        session.host_name = hostname
        return await self._say("HELO", server) or "250 mail.test"

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Hear the sender."""
        said = await self._say("MAIL", server)
        if said:
            return said
        if self._login is not None and not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Hear a recipient, and refuse the one that is to be refused."""
        said = await self._say("RCPT", server) or self.refused.get(address, "")
        if said:
            return said
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Take the mail. With DROP, HANG and DRIP it is taken although the sender never hears so."""
        said = self._next("DATA")
        if not said or said in {DROP, HANG, DRIP}:
            self._keep(envelope)
        return await self._act(said, server) or "250 OK"

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Say goodbye."""
        return await self._say("QUIT", server) or "221 Bye"

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        said = self._next("AUTH")
        given = (data.login.decode(), data.password.decode()) if isinstance(data, LoginPassword) else None
        if said:
            return AuthResult(success=False, handled=False, message=said)
        return AuthResult(success=given == self._login, handled=False)

    async def _say(self, step: str, server: SMTP) -> str:
        return await self._act(self._next(step), server)

    def _next(self, step: str) -> str:
        self.heard.append(step)
        waiting = self._answers[step]
        return waiting.popleft() if waiting else ""

    async def _act(self, said: str, server: SMTP) -> str:
        if said == DRIP:
            for _ in range(50):
                server.transport.write(b"2")
                await asyncio.sleep(0.1)
        if said in {DROP, DRIP}:
            server.transport.abort()
        if said in {DROP, DRIP, HANG}:
            await asyncio.Event().wait()  # until aiosmtpd ends this conversation
        return said

    def _keep(self, envelope: Envelope) -> None:
        content = envelope.original_content
        assert isinstance(content, bytes)
        for recipient in envelope.rcpt_tos:
            mail = _read(content, str(envelope.mail_from), recipient)
            self.ledger.append(mail)
            if self._ledger_file is not None:
                line = {key: value for key, value in asdict(mail).items() if key not in {"raw", "html"}}
                with self._ledger_file.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(line) + "\n")


def _read(content: bytes, sender: str, recipient: str) -> Mail:
    message = message_from_bytes(content, policy=default)
    assert isinstance(message, EmailMessage)
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    return Mail(
        recipient=recipient,
        sender=sender,
        message_id=str(message["Message-ID"]),
        subject=str(message["Subject"]),
        text=plain.get_content() if plain is not None else "",
        html=html.get_content() if html is not None else "",
        headers=tuple((key, str(value)) for key, value in message.items()),
        raw=content,
    )


def main() -> None:
    """Serve until ended."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--port", type=int, default=0)
    arguments.add_argument("--ledger", type=Path)
    arguments.add_argument("--answer", action="append", default=[], metavar="STEP=ANSWER")
    given = arguments.parse_args()
    server = FakeSmtp(port=given.port, ledger_file=given.ledger)
    for answer in given.answer:
        step, _, said = answer.partition("=")
        server.answer(step, said)
    with server:
        print(f"{server.host}:{server.port}", flush=True)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
