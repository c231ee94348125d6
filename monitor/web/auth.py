"""Who somebody is: passwords, sessions, one-time links, and how often one may try.

A session's secret is random, kept as a hash, new at every login, and rides in a cookie that scripts cannot read.
"""

from __future__ import annotations

import hmac
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import cast

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from starlette.requests import Request
from starlette.responses import Response

from monitor.people.actors import admit
from monitor.people.audit import Event, note
from monitor.people.identity import Directory, of_demo, of_page, of_token
from monitor.settings.models import Settings
from monitor.store import page_state, web
from monitor.store.database import Database, at, instant
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.web import factor, passwords
from monitor.web.alone import end, is_alone
from monitor.web.identity import RANK, Identity, Refusal, Role
from monitor.web.security import client_of, is_trusted, same_client

IDLE = timedelta(days=7)  # a session that nobody uses ends
TOUCH_EVERY = timedelta(minutes=10)
WELCOME = timedelta(days=3)  # how long a one-time link waits for its person
FACTOR_WAIT = timedelta(minutes=5)  # how long a login waits for the code of the second factor
LEAST_PASSWORD = passwords.LEAST
SESSION_LIFE = timedelta(days=14)  # whatever it is used for
ALONE_LIFE = timedelta(days=3650)  # while its person is alone on this machine: it does not end
COOKIE_LIFE = timedelta(days=400)  # browsers keep no cookie for longer; it is given again
COOKIE = "earful_session"
FORM_COOKIE = "earful_form"

_HASHER = PasswordHasher()


@cache
def _nobody() -> str:
    """What a name that nobody has is compared with, so that the answer takes as long; no command waits for its hash."""
    return _HASHER.hash(secrets.token_urlsafe(16))


@dataclass(frozen=True, slots=True)
class Shared:
    """A database on which several processes let people in, and the key under which they write down who failed."""

    database: Database
    seal: bytes


class Throttle:
    """Counts failures by key within a window; the counts of the longest silent keys are forgotten first.

    With a `database` that several processes work on they count together, by hashes of their keys under `seal`.
    """

    def __init__(self, most: int, window: timedelta, keys: int = 10_000) -> None:
        self.most = most
        self.window = window
        self._keys = keys
        self._failed: OrderedDict[str, list[datetime]] = OrderedDict()
        self._guard = threading.Lock()

    def wait(self, key: str, now: datetime, shared: Shared | None = None) -> timedelta:
        """How long this key must wait; nothing while it may try."""
        if shared is not None:
            failures = page_state.failures(shared.database, self._mark(key, shared), now - self.window, self.most)
        else:
            with self._guard:
                failures = [each for each in self._failed.get(key, ()) if now - each < self.window]
        return timedelta(0) if len(failures) < self.most else failures[-self.most] + self.window - now

    def _mark(self, key: str, shared: Shared) -> str:
        made_of = f"{self.most} {self.window} {key}".encode("utf-8", "replace")
        return hmac.new(shared.seal, made_of, "sha256").hexdigest()

    def failed(self, key: str, now: datetime, shared: Shared | None = None) -> None:
        """Count one failure."""
        if shared is not None:
            page_state.note_failure(shared.database, self._mark(key, shared), now)
            return
        with self._guard:
            failures = [each for each in self._failed.pop(key, []) if now - each < self.window]
            self._failed[key] = [*failures, now][-self.most :]
            while len(self._failed) > self._keys:
                self._failed.popitem(last=False)

    def forget(self, key: str, shared: Shared | None = None) -> None:
        """It went well."""
        if shared is not None:
            page_state.forget_failures(shared.database, self._mark(key, shared))
            return
        with self._guard:
            self._failed.pop(key, None)


class Authenticator:
    """Lets people in, keeps their sessions, slows down who guesses."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.demo_csrf = secrets.token_urlsafe(32)
        self.elsewhere = ""  # why somebody was not on this machine, since this process began
        self._sealing = b""
        # By name and address: few, so that guessing is hopeless. By name or address alone: more, so that nobody can
        # lock a colleague out for long from elsewhere, and an office behind one address can still log in.
        self._by_both = Throttle(5, timedelta(minutes=15))
        self._by_name = Throttle(50, timedelta(hours=1))
        self._by_address = Throttle(50, timedelta(minutes=15))

    def sealing(self, database: Database) -> bytes:
        """The key for what rides in a cookie of ours: one for all processes that serve the page."""
        if not self._sealing:
            self._sealing = page_state.sealing_key(database, self.clock())
        return self._sealing

    def _shared(self, database: Database) -> Shared | None:
        return None if database.one_writer else Shared(database, self.sealing(database))

    def identity(
        self, request: Request, database: Sqlite | Postgresql, settings: Settings, now: datetime, *, open_demo: bool
    ) -> Identity | None:
        """Who asks, by the session cookie; in the open demo everybody is its lead."""
        if open_demo:
            return Identity("You", "admin", self.demo_csrf, actor=of_demo("You"), unasked=True)
        session = self._of_session(request, database, settings, now)
        told = told_name(request, settings)
        if told and (session is None or session.name != told):  # who stands before the proxy now
            return self._of_header(database, told)
        return session

    def _of_header(self, database: Database, name: str) -> Identity | None:
        """Somebody whom a trusted proxy names. That is no login: what asks for a fresh one asks a password."""
        user = web.user(database, name)
        if user is None or user.disabled_at is not None or user.role not in RANK:
            return None
        csrf = hmac.new(self.sealing(database), name.encode(), "sha256").hexdigest()
        return Identity(user.name, cast(Role, user.role), csrf, user.zone, actor=of_page(user.name), proof="header")

    def _of_session(
        self, request: Request, database: Sqlite | Postgresql, settings: Settings, now: datetime
    ) -> Identity | None:
        """Who asks, by the session cookie."""
        secret = request.cookies.get(cookie_name(settings, COOKIE), "")
        if not secret or len(secret) > 200:
            return None
        row = web.session(database, secret, now)
        if row is None or row["role"] not in RANK:
            return None
        alone = self._is_alone(database, settings, now)
        until = min(at(row["seen_at"]) + IDLE, at(row["created_at"]) + SESSION_LIFE)
        if not alone and now >= until:  # it was kept while its person was alone
            return None
        touched = now - at(row["seen_at"]) > TOUCH_EVERY
        if touched or (alone and at(row["expires_at"]) - now < ALONE_LIFE / 2):
            web.touch_session(database, row["id"], now, ends(at(row["created_at"]), now, alone=alone))
        role, name = cast(Role, row["role"]), row["name"]
        demanded = settings.earful.admin_factor and role == "admin" and row["way"] == "password"
        return Identity(
            name, role, row["csrf"], row["zone"], row["id"], actor=of_page(name), proven_at=instant(row["proven_at"]),
            proof=row["way"], needs_factor=demanded and not row["factor"], unasked=alone,
            renew=secret if alone and touched else "",
        )  # fmt: skip

    def _is_alone(self, database: Sqlite | Postgresql, settings: Settings, now: datetime) -> bool:
        if self.elsewhere:
            end(database, settings, self.elsewhere, now)
            return False
        return is_alone(database, settings, now)

    def verify(
        self, database: Sqlite | Postgresql, name: str, password: str, address: str, now: datetime, browser: str = ""
    ) -> web.User:
        """Whose password this is, or raise Refusal; the answer is the same whatever was wrong.

        `browser` is one in which this name has logged in before: it is counted alone, whoever else guesses meanwhile.
        """
        client, folded = same_client(address), name.casefold()
        keys = [
            (self._by_both, f"{folded}\0{client}", "name and address"),
            (self._by_name, folded, "name"),
            (self._by_address, client, "address"),
        ]
        if browser:
            keys = [(self._by_both, f"{folded}\0browser {browser}", "browser")]
        shared = self._shared(database)
        for throttle, key, _what in keys:
            wait = throttle.wait(key, now, shared)
            if wait > timedelta(0):
                minutes = max(1, round(wait.total_seconds() / 60))
                raise Refusal(
                    429, "Too many attempts", f"Try again in {minutes} minutes.", wait=int(wait.total_seconds()) + 1
                )
        known, nobody = web.user(database, name), _nobody()  # made by the first login, whoever that is
        usable = known is not None and known.password and known.disabled_at is None
        good = check_password(known.password if known is not None and usable else nobody, password)
        if not (usable and good):
            locked = []
            for throttle, key, what in keys:
                throttle.failed(key, now, shared)
                locked += [what] if throttle.wait(key, now, shared) else []
            about = known.name if known is not None else ""  # never what was typed: it may be a password
            note(database, Event.LOGIN_REFUSED, now, way="page", address=address, about=about)
            if locked:
                note(database, Event.LOCKED_OUT, now, way="page", address=address, about=about, by=", ".join(locked))
            raise Refusal(403, "Name or password is wrong")
        for throttle, key, _what in keys:
            if throttle is not self._by_address:  # one who knows a password makes no other guess less one
                throttle.forget(key, shared)
        assert known is not None
        return known

    def check_code(self, database: Sqlite | Postgresql, user: web.User, code: str, address: str, now: datetime) -> str:
        """Which code of the second factor this was, used up from now on; Refusal for a wrong one, as for passwords."""
        key = f"{user.name.casefold()}\0second factor"  # by name: whoever gets here knows the password
        shared = self._shared(database)
        wait = self._by_both.wait(key, now, shared)
        if wait > timedelta(0):
            minutes = max(1, round(wait.total_seconds() / 60))
            raise Refusal(
                429, "Too many attempts", f"Try again in {minutes} minutes.", wait=int(wait.total_seconds()) + 1
            )
        with database.transaction():
            used = factor.use(database, user, code, now)
            if not used:
                note(
                    database, Event.LOGIN_REFUSED, now, way="page", address=address, about=user.name, by="second factor"
                )
        if not used:
            self._by_both.failed(key, now, shared)
            raise Refusal(403, "That code is wrong", "Use the one your app shows now; each works once.")
        self._by_both.forget(key, shared)
        return used


def ends(began: datetime, now: datetime, *, alone: bool) -> datetime:
    """When a session ends that is used now."""
    return now + ALONE_LIFE if alone else min(now + IDLE, began + SESSION_LIFE)


def new_session(database: Database, name: str, now: datetime, way: str = "password") -> str:
    """Begin a session; its secret is told once, to the browser. `way` is how the person proved who they are."""
    secret = secrets.token_urlsafe(32)
    web.add_session(database, secret, name, secrets.token_urlsafe(32), now, now + IDLE, way)
    return secret


def hash_password(password: str, name: str, settings: Settings) -> str:
    """The argon2id hash of a new password; Refusal for one that is too short, or that somebody would guess."""
    passwords.check(password, name=name, brands=[brand.name for brand in settings.brands])
    return _HASHER.hash(password.encode("utf-8", "replace"))


def check_password(kept: str, password: str) -> bool:
    """Whether this is the password of a kept hash."""
    if len(password) > passwords.MOST:
        return False
    try:
        return _HASHER.verify(kept, password.encode("utf-8", "replace"))
    except (Argon2Error, InvalidHashError):
        return False


def welcome_link(database: Database, settings: Settings, name: str, now: datetime) -> str:
    """A link by which a person sets their password, once; older ones of theirs end. Inside the caller's transaction."""
    secret = secrets.token_urlsafe(32)
    web.drop_links(database, name)
    web.add_token(database, secret, name, "welcome", now, until=now + WELCOME)
    return f"{settings.earful.page_url.rstrip('/')}/welcome/{secret}"


def told_name(request: Request, settings: Settings) -> str:
    """The name that a proxy of `trusted_proxies` gives in `user_header`; "" from anybody else, or where it is twice."""
    header, peer = settings.earful.user_header, request.client.host if request.client is not None else ""
    if not header or not settings.earful.trusted_proxies or not is_trusted(peer, settings):
        return ""
    given = request.headers.getlist(header)
    return given[0].strip()[:64] if len(given) == 1 else ""


def cookie_name(settings: Settings, name: str) -> str:
    """What a cookie of ours is called: by https with the prefix that no other host, and no plain http, can set."""
    return f"__Host-{name}" if is_secure(settings) else name


def is_secure(settings: Settings) -> bool:
    """Whether people reach the page by https: cookies then travel by nothing else."""
    return settings.earful.page_url.startswith("https:")


def set_cookie(response: Response, settings: Settings, secret: str, *, alone: bool = False) -> None:
    """Give the browser its session."""
    secure = is_secure(settings)
    response.set_cookie(
        cookie_name(settings, COOKIE),
        secret,
        max_age=int((COOKIE_LIFE if alone else SESSION_LIFE).total_seconds()),
        httponly=True,
        samesite="lax",
        secure=secure,
        path="/",
    )


def drop_cookie(response: Response) -> None:
    """Take the session from the browser."""
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")
    response.delete_cookie(f"__Host-{COOKIE}", path="/", httponly=True, samesite="lax", secure=True)


def caller(request: Request, database: Database, settings: Settings, now: datetime) -> Identity:
    """Who calls the API, by the token in its Authorization header; Refusal without a living one."""
    kind, _, secret = request.headers.get("authorization", "").partition(" ")
    row = web.token(database, secret.strip()[:200], "api", now) if kind.casefold() == "bearer" else None
    if row is None or row["role"] not in RANK:
        if secret.strip():
            note(database, Event.TOKEN_REFUSED, now, way="api", address=client_of(request, settings))
        raise Refusal(
            401, "A token is needed", "Send it as: Authorization: Bearer TOKEN. Create tokens on the page People."
        )
    actor = admit(Directory(database, settings), of_token(row["id"], row["name"]), "api")
    if actor.role == "nobody":
        note(database, Event.TOKEN_REFUSED, now, way="api", address=client_of(request, settings), about=row["name"])
        raise Refusal(
            401, "A token is needed", "The owner of this token no longer has access; ask an admin for a new one."
        )
    used = instant(row["used_at"])
    if used is None or now - used > TOUCH_EVERY:
        web.note_token(database, row["id"], now)
    return Identity(actor.name, actor.role, "", way="api", actor=actor)
