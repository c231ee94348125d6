"""A mail server that speaks as much of IMAP4rev1 as reading needs, on 127.0.0.1, and misbehaves on demand.

`mails` are what lies in its folder, by UID; `said` the commands it got. A `mode` of tests/fakes/server.py is kept to:
"429" and "401" refuse the login, "500" says BYE, "html" greets with a page, "empty" gives no mail, "truncated" and
"cut" half.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import struct
import threading
from typing import Any

from tests.fakes.certificates import Certificate

PASSWORD = "canary-7f3a9-secret"
_HALVES = ("truncated", "cut")


class FakeImap:
    """The server; a context manager."""

    def __init__(self) -> None:
        self.mode = "ok"
        self.mails: dict[int, bytes] = {}
        self.validity = 7
        self.said: list[str] = []
        self.announced = 0  # a size to announce in place of the true one
        self.stopping = threading.Event()
        self._context: ssl.SSLContext | None = None
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.host, self.port = "127.0.0.1", int(self._listening.getsockname()[1])
        self.url = f"imap://{self.host}:{self.port}"

    def secure(self, certificate: Certificate) -> None:
        """Speak TLS from now on. A handshake that fails is the client's to tell."""
        self._context = certificate.server_context()
        self.url = f"imaps://{self.host}:{self.port}"

    @property
    def ledger(self) -> list[Any]:
        """What tells of reading: every FETCH."""
        return [each for each in self.said if " FETCH " in each]

    def __enter__(self) -> FakeImap:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._listening.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _ = self._listening.accept()
                threading.Thread(target=self._talk, args=(line,), daemon=True).start()

    def _talk(self, line: socket.socket) -> None:
        if self._context is not None:
            try:
                line = self._context.wrap_socket(line, server_side=True)
            except OSError:
                return
        with line, contextlib.suppress(OSError):
            if self.mode == "hang":
                self.stopping.wait(30)
                return
            if self.mode == "drop":
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            if self.mode == "drip":
                while not self.stopping.wait(0.2):
                    line.sendall(b"*")
                return
            if self.mode == "html":
                line.sendall(b"<!doctype html>\r\n<p>Sign in</p>\r\n")
                return
            if self.mode == "500":
                line.sendall(b"* BYE [UNAVAILABLE] try later\r\n")
                return
            line.sendall(b"* OK ready\r\n")
            proves = ""  # the command whose other half is still to come
            for said in line.makefile("rb"):
                words = said.decode().strip()
                self.said.append(words)
                tag, _, command = words.partition(" ")
                if proves or command.startswith("AUTHENTICATE"):
                    line.sendall(f"{proves} OK done\r\n".encode() if proves else b"+ \r\n")
                    proves = "" if proves else tag
                    continue
                answer = self._answer(tag, command)
                line.sendall(answer)
                if self.mode in _HALVES and " FETCH " in words:
                    return

    def _answer(self, tag: str, command: str) -> bytes:
        word = command.partition(" ")[0].upper()
        done = f"{tag} OK done\r\n".encode()
        if word == "CAPABILITY":
            return b"* CAPABILITY IMAP4rev1\r\n" + done
        if word == "LOGIN":
            refused = {"429": "NO [LIMIT] Too many logins", "401": "NO [AUTHENTICATIONFAILED] Invalid credentials"}
            return f"{tag} {refused[self.mode]}\r\n".encode() if self.mode in refused else done
        if word == "EXAMINE":
            if '"INBOX"' not in command:
                return f"{tag} NO no such folder\r\n".encode()
            return f"* {len(self.mails)} EXISTS\r\n* OK [UIDVALIDITY {self.validity}] valid\r\n".encode() + done
        if " SEARCH " in f" {command} ":
            return self._search(command) + done
        if " FETCH " in f" {command} ":
            return self._fetch(command) + (b"" if self.mode in _HALVES else done)
        return done

    def _search(self, command: str) -> bytes:
        sender = re.search(r'FROM "([^"]*)"', command)
        first = re.search(r"UID (\d+):\*", command)
        found = [
            uid
            for uid, mail in sorted(self.mails.items())
            if sender and sender[1].encode() in mail.split(b"\n\n")[0]
            and (first is None or uid >= int(first[1]) or uid == max(self.mails))
        ]  # fmt: skip
        return f"* SEARCH {' '.join(map(str, found))}\r\n".encode()

    def _fetch(self, command: str) -> bytes:
        if self.mode == "empty":
            return b""
        out = b""
        listed = re.search(r"FETCH ([\d,]+)", command)
        assert listed is not None
        for uid in map(int, listed[1].split(",")):
            mail = self.mails[uid]
            size = self.announced or len(mail)
            body = mail[: len(mail) // 2] if self.mode in _HALVES else mail
            out += f"* {uid} FETCH (UID {uid} BODY[]<0> {{{size}}}\r\n".encode() + body + b")\r\n"
        return out
