"""What a route is, who may use it, and what its function is given.

Every route says its least role; none is reachable without saying so. Handlers are plain functions that run in the
page's own threads: `RequestContext` in, a response out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from monitor.notify import account_notices
from monitor.people import audit
from monitor.people.identity import NOBODY, Actor, Directory
from monitor.settings.models import Settings
from monitor.settings.rules import Rules
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.web.context import WebContext
from monitor.web.forms import Form
from monitor.web.identity import Identity, Role
from monitor.web.security import client_of
from monitor.wiring import Assembly

# "signed": the address itself proves who may; mail providers POST to it without a page before, cookies or origin.
Kind = Literal["page", "public", "signed", "api"]


@dataclass(slots=True)
class RequestContext:
    """One request, with who asks and everything it may need."""

    request: Request
    site: WebContext
    assembly: Assembly
    now: datetime
    form: Form = field(default_factory=Form)
    identity: Identity | None = None
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
    def who(self) -> Identity:
        """Who asks, on a route that nobody reaches without having said so."""
        assert self.identity is not None
        return self.identity

    @property
    def zone(self) -> ZoneInfo:
        """The reader's zone: their own, else the desk's."""
        if self.identity is not None and self.identity.zone:
            return ZoneInfo(self.identity.zone)
        return self.settings.zone

    @property
    def directory(self) -> Directory:
        """The list of people as it is now."""
        return Directory(self.database, self.settings)

    @property
    def looks(self) -> bool:
        """Whether one of the staff opened this: no viewer, and no page that stands open and follows by itself."""
        by_itself = self.request.headers.get("x-live") == "1"
        return self.identity is not None and self.identity.may("staff") and not by_itself

    @property
    def address(self) -> str:
        """From where it is asked."""
        return client_of(self.request, self.settings)

    def note(self, event: audit.Event, about: str = "", *, who: Actor = NOBODY, **detail: str | int) -> None:
        """Write a line of the audit log, inside the transaction of what it tells of; `who` where nobody asks yet."""
        if self.identity is not None:
            who = self.identity.actor
        way = self.identity.way if self.identity is not None else "page"
        audit.note(self.database, event, self.now, who=who, way=way, address=self.address, about=about, **detail)

    def tell(self, name: str, change: str) -> None:
        """Mail a person that something about their access changed, inside its transaction."""
        by = self.identity.name if self.identity is not None else ""
        account_notices.tell(self.database, self.rules, name, change, self.now, by=by, address=self.address)

    def path(self, name: str) -> str:
        """A part of the address."""
        return str(self.request.path_params[name])

    def query(self, name: str, default: str = "") -> str:
        """A filter of the address, bounded."""
        return self.request.query_params.get(name, default).strip()[:500]


Handler = Callable[[RequestContext], Response]
Check = Callable[[RequestContext], object]  # raises Refusal


@dataclass(frozen=True, slots=True)
class Route:
    """One address, one method, one function, and the least role that may use it."""

    path: str
    method: str
    role: Role
    kind: Kind
    handle: Handler
    fresh: bool = False  # asks again who it is, where the login is older than fifteen minutes
    hashes: bool = False  # passwords: in threads of its own
    before: Check | None = None  # of a signed address: refuses a bad one before any body is read


ROUTES: list[Route] = []


def get(path: str, role: Role = "viewer", kind: Kind = "page", *, fresh: bool = False) -> Callable[[Handler], Handler]:
    """Serve GET of `path` to everybody of at least `role`."""
    return _route(path, "GET", role, kind, fresh, hashes=False)


def post(
    path: str,
    role: Role = "staff",
    kind: Kind = "page",
    *,
    fresh: bool = False,
    hashes: bool = False,
    before: Check | None = None,
) -> Callable[[Handler], Handler]:
    """Serve POST of `path` to everybody of at least `role`, with the form's secret checked."""
    return _route(path, "POST", role, kind, fresh, hashes, before)


def _route(
    path: str, method: str, role: Role, kind: Kind, fresh: bool, hashes: bool, before: Check | None = None
) -> Callable[[Handler], Handler]:
    def keep(handle: Handler) -> Handler:
        ROUTES.append(Route(path, method, role, kind, handle, fresh, hashes, before))
        return handle

    return keep
