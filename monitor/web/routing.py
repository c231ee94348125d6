"""What a route is, who may use it, and what its function is given.

Every route says its least role; none is reachable without saying so. Handlers are plain functions that run in the
page's own threads: `Ask` in, a response out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from monitor.settings.models import Settings
from monitor.settings.rules import Rules
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly

if TYPE_CHECKING:
    from monitor.web.server import WebFace

Role = Literal["nobody", "viewer", "staff", "lead", "admin"]
# "signed": the address itself proves who may; mail providers POST to it without a page before, cookies or origin.
Kind = Literal["page", "public", "signed", "api"]
RANK: Mapping[str, int] = {"nobody": 0, "viewer": 1, "staff": 2, "lead": 3, "admin": 4}
ROLES: tuple[Role, ...] = ("viewer", "staff", "lead", "admin")


class Refusal(Exception):
    """This is not done; the person sees `text` on a page with this status."""

    def __init__(self, status: int, title: str, text: str = "", *, wait: int = 0) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.text = text
        self.wait = wait  # seconds, for Retry-After


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks. `session` is the stored (hashed) id of their session, empty where there is none."""

    name: str
    role: Role
    csrf: str
    zone: str = ""
    session: str = ""
    way: str = "page"

    def may(self, role: str) -> bool:
        """Whether this person may do what asks for `role`."""
        return RANK[self.role] >= RANK[role]


class Form:
    """The fields of a posted form; a field may come several times."""

    def __init__(self, fields: Mapping[str, Sequence[str]] | None = None, body: bytes = b"") -> None:
        self._fields = fields or {}
        self.body = body

    def get(self, name: str, default: str = "") -> str:
        """The last value of a field, without white space around it."""
        found = self._fields.get(name)
        return found[-1].strip() if found else default

    def raw(self, name: str) -> str:
        """The last value of a field as it was typed (a password)."""
        found = self._fields.get(name)
        return found[-1] if found else ""

    def all(self, name: str) -> list[str]:
        """Every value of a field."""
        return list(self._fields.get(name, ()))


@dataclass(slots=True)
class Ask:
    """One request, with who asks and everything it may need."""

    request: Request
    face: WebFace
    assembly: Assembly
    now: datetime
    form: Form = field(default_factory=Form)
    visitor: Visitor | None = None
    csrf: str = ""

    @property
    def database(self) -> Sqlite | Postgresql:
        """The one database."""
        return self.assembly.database

    @property
    def rules(self) -> Rules:
        """The rules as they stand."""
        return self.assembly.rules

    @property
    def settings(self) -> Settings:
        """The settings as they stand."""
        return self.assembly.settings

    @property
    def who(self) -> Visitor:
        """Who asks, on a route that nobody reaches without having said so."""
        assert self.visitor is not None
        return self.visitor

    @property
    def zone(self) -> ZoneInfo:
        """The reader's zone: their own, else the desk's."""
        if self.visitor is not None and self.visitor.zone:
            return ZoneInfo(self.visitor.zone)
        return self.settings.zone

    def path(self, name: str) -> str:
        """A part of the address."""
        return str(self.request.path_params[name])

    def query(self, name: str, default: str = "") -> str:
        """A filter of the address, bounded."""
        return self.request.query_params.get(name, default).strip()[:500]


Handler = Callable[[Ask], Response]


@dataclass(frozen=True, slots=True)
class Route:
    """One address, one method, one function, and the least role that may use it."""

    path: str
    method: str
    role: Role
    kind: Kind
    handle: Handler


ROUTES: list[Route] = []


def get(path: str, role: Role = "viewer", kind: Kind = "page") -> Callable[[Handler], Handler]:
    """Serve GET of `path` to everybody of at least `role`."""
    return _route(path, "GET", role, kind)


def post(path: str, role: Role = "staff", kind: Kind = "page") -> Callable[[Handler], Handler]:
    """Serve POST of `path` to everybody of at least `role`, with the form's secret checked."""
    return _route(path, "POST", role, kind)


def _route(path: str, method: str, role: Role, kind: Kind) -> Callable[[Handler], Handler]:
    def keep(handle: Handler) -> Handler:
        ROUTES.append(Route(path, method, role, kind, handle))
        return handle

    return keep
