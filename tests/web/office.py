"""An office for tests of the page: the real server on a free port, real settings, a real SQLite, a clock that stands.

`Browser` is a person with cookies who loads a page before pressing a button on it, as browsers do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
from argon2 import PasswordHasher

from alerts.links import LIFE
from monitor.store import web
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.web import auth, links
from monitor.web.server import WebServer
from monitor.wiring import Assembly
from tests.helpers import Clock, assembly_of, settings_from, take

PASSWORD = "a sentence is a good password"
PEOPLE = """
[[people]]
name = "Ana"
role = "lead"
email = "ana@example.org"
targets = ["console"]
"""
_CSRF = re.compile(r'name="csrf" value="([^"]*)"')


@cache
def _hash_of(password: str) -> str:
    return PasswordHasher().hash(password)


class Browser:
    """One person's browser: cookies, and the secret of the last form that was seen."""

    def __init__(self, address: str) -> None:
        self.http = httpx2.Client(base_url=address, timeout=20, verify=False)  # no TLS here: no authorities to read
        self.csrf = ""

    def get(self, path: str, **more: Any) -> httpx2.Response:
        answer = self.http.get(path, **more)
        if found := _CSRF.search(answer.text):
            self.csrf = found[1]
        return answer

    def post(self, path: str, fields: Mapping[str, Any] | None = None, **more: Any) -> httpx2.Response:
        """Press a button of the page that was seen last."""
        answer = self.http.post(path, data={"csrf": self.csrf, **(fields or {})}, **more)
        if found := _CSRF.search(answer.text):
            self.csrf = found[1]
        return answer

    def close(self) -> None:
        self.http.close()


class Office:
    """A page that is being served, with everything behind it."""

    def __init__(
        self,
        folder: Path,
        database: Sqlite | Postgresql,
        *,
        open_demo: bool = False,
        tables: str = PEOPLE,
        earful: str = "",
        environ: Mapping[str, str] | None = None,
        sources: str = "",
    ) -> None:
        self.clock = Clock()
        self.settings = settings_from(
            folder,
            tables=tables,
            earful=f'page_listen = "127.0.0.1:0"\n{earful}',
            environ=environ,
            sources=sources,
        )
        self.database = database
        self.assembly: Assembly = assembly_of(database, self.settings)
        self.server = WebServer(lambda: self.assembly, self.clock, open_demo=open_demo)
        assert self.server.start()
        self.browsers: list[Browser] = []

    @property
    def address(self) -> str:
        return self.server.address

    def browser(self) -> Browser:
        """Somebody who is not logged in."""
        made = Browser(self.address)
        self.browsers.append(made)
        return made

    def welcome(self, name: str, role: str = "staff") -> str:
        """The path of a fresh one-time link for a person, who is added if need be."""
        with self.database.transaction():
            web.add_user(self.database, name, role, self.clock())
            web.set_role(self.database, name, role)
            link = auth.welcome_link(self.database, self.settings, name, self.clock())
        return link.removeprefix(self.settings.earful.page_url)

    def newcomer(self, name: str, role: str = "staff") -> Browser:
        """Somebody who has chosen a password by their link and is logged in."""
        made = self.browser()
        path = self.welcome(name, role)
        made.get(path)
        answer = made.post(path, {"password": PASSWORD, "again": PASSWORD})
        assert answer.status_code == 303, answer.text
        made.get("/you")
        return made

    def person(self, name: str, role: str = "staff") -> Browser:
        """Somebody with a password who is logged in, without the third of a second that `newcomer` is hashing."""
        with self.database.transaction():
            web.add_user(self.database, name, role, self.clock())
            web.set_role(self.database, name, role)
            web.set_password(self.database, name, _hash_of(PASSWORD))
            web.end_sessions(self.database, name)
            session = auth.new_session(self.database, name, self.clock())
        made = self.browser()
        made.http.cookies.set(auth.cookie_name(self.settings, auth.COOKIE), session, domain="127.0.0.1")
        made.get("/you")
        return made

    def take(self, *posts: Any) -> list[str]:
        """Take posts in, as if a source had brought them."""
        return take(self.assembly, *posts, now=self.clock())

    def link(self, case_id: str, target: str = "email:ana@example.org", purpose: str = "take") -> str:
        """The path of a signed link, as a mail would hold it."""
        made = links.make(self.settings, self.database, self.clock)(case_id, target, purpose)
        return made.removeprefix(self.settings.earful.page_url)

    def token(self, case_id: str, target: str, purpose: str, life: Any = LIFE) -> str:
        """A bare token, to be put where it does not belong."""
        return links.signer_of(self.database, self.clock()).sign(case_id, target, purpose, self.clock() + life)

    def close(self) -> None:
        for each in self.browsers:
            each.close()
        self.server.stop()
