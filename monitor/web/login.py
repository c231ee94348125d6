"""Coming in and going out: login in one or two steps, the one-time link with which a person sets their password."""

from __future__ import annotations

import hmac
import secrets

from starlette.responses import RedirectResponse, Response

from monitor.people.audit import Event
from monitor.people.identity import of_page
from monitor.store import web
from monitor.web import auth
from monitor.web.html import page
from monitor.web.identity import Refusal
from monitor.web.known_browser import known_browser, remember
from monitor.web.routing import RequestContext, get, post


def own_address(target: str) -> str:
    """Where to go after a login: an address of this page and nothing else."""
    if not target.startswith("/") or target.startswith(("//", "/\\")) or any(c in target for c in "\\\r\n\t\0"):
        return "/"
    return target if not target.startswith(("/login", "/logout", "/welcome")) else "/"


@get("/login", role="nobody", kind="public")
def show_login(context: RequestContext) -> Response:
    """The form."""
    if context.identity is not None and context.identity.proof != "header":
        return RedirectResponse(own_address(context.query("next", "/")), 303)
    return page(
        context, "login.html", title="Log in", fault="", name="", target=own_address(context.query("next", "/")),
        nobody=not web.users(context.database),
    )  # fmt: skip


@post("/login", role="nobody", kind="public", hashes=True)
def log_in(context: RequestContext) -> Response:
    """Begin a session, or show the form again."""
    name, target = context.form.get("name")[:64], own_address(context.form.get("next", "/"))
    try:
        user = context.site.authenticator.verify(
            context.database,
            name,
            context.form.raw("password"),
            context.address,
            context.now,
            known_browser(context.request, context.database, context.settings, name),
        )
    except Refusal as refusal:
        response = page(
            context, "login.html", title="Log in", status=refusal.status, name=name, target=target, nobody=False,
            fault=f"{refusal.title}. {refusal.text}".strip(),
        )  # fmt: skip
        if refusal.wait:
            response.headers["retry-after"] = str(refusal.wait)
        return response
    return _log_in(context, name, target, asks_code=bool(user.factor))


def _log_in(context: RequestContext, name: str, target: str, *, asks_code: bool) -> Response:
    """Begin a session, or ask for the code of the second factor first."""
    if not asks_code:
        return _let_in(context, name, target)
    step = secrets.token_urlsafe(32)
    with context.database.transaction():
        web.add_token(context.database, step, name, "factor", context.now, until=context.now + auth.FACTOR_WAIT)
    return _ask_code(context, step, target)


def _let_in(context: RequestContext, name: str, target: str, way: str = "password", **detail: str) -> Response:
    with context.database.transaction():
        context.note(Event.LOGIN, who=of_page(name), **detail)
        secret = auth.new_session(context.database, name, context.now, way)
        answer = RedirectResponse(target, 303)
        remember(answer, context.database, context.settings, name, context.now)
    auth.set_cookie(answer, context.settings, secret)
    return answer


def _ask_code(context: RequestContext, step: str, target: str, fault: str = "", status: int = 200) -> Response:
    return page(context, "code.html", title="Log in", step=step, target=target, fault=fault, status=status)


@post("/login/code", role="nobody", kind="public")
def log_in_with_code(context: RequestContext) -> Response:
    """The second half of a login: the code of the app, or one of the recovery codes."""
    step, target = context.form.get("step")[:200], own_address(context.form.get("next", "/"))
    row = web.token(context.database, step, "factor", context.now)
    user = web.user(context.database, row["name"]) if row is not None else None
    if user is None or user.disabled_at is not None:
        raise Refusal(403, "That took too long", "Log in again and enter the code within five minutes.")
    if user.factor:
        try:
            used = context.site.authenticator.check_code(
                context.database, user, context.form.get("code")[:40], context.address, context.now
            )
        except Refusal as refusal:
            response = _ask_code(context, step, target, f"{refusal.title}. {refusal.text}", refusal.status)
            if refusal.wait:
                response.headers["retry-after"] = str(refusal.wait)
            return response
    with context.database.transaction():
        if not web.use_token(context.database, step, context.now):
            raise Refusal(403, "That took too long", "Log in again.")
    return _let_in(context, user.name, target, factor=used if user.factor else "removed meanwhile")


@get("/again", role="viewer")
def show_again(context: RequestContext) -> Response:
    """What cannot be undone asks once more who it is."""
    return _again(context, own_address(context.query("next", "/")))


def _again(context: RequestContext, target: str, fault: str = "", status: int = 200) -> Response:
    return page(
        context, "again.html", title="Log in again", target=target, fault=fault, status=status,
        by=context.who.proof or "password",
    )  # fmt: skip


@post("/again", role="viewer", hashes=True)
def prove_again(context: RequestContext) -> Response:
    """The password again, for the session that is there."""
    target = own_address(context.form.get("next", "/"))
    if context.who.proof != "password":
        raise Refusal(409, "Log in again first", "Use your usual way of logging in.")
    try:
        context.site.authenticator.verify(
            context.database, context.who.name, context.form.raw("password"), context.address, context.now,
            context.who.session,
        )  # fmt: skip
    except Refusal as refusal:
        status = 429 if refusal.wait else 400  # 403 is for a role
        fault = refusal.title if refusal.wait else "That password is wrong"
        return _again(context, target, f"{fault}. {refusal.text}".strip(), status)
    with context.database.transaction():
        web.prove_session(context.database, context.who.session, context.now)
    return RedirectResponse(target, 303)


@get("/welcome/{token}", role="nobody", kind="public")
def show_welcome(context: RequestContext) -> Response:
    """The page on which a person sets their password; the link is not used up by looking."""
    row = _welcome(context)
    return page(context, "welcome.html", title="Welcome", name=row, fault="", least=auth.LEAST_PASSWORD)


@post("/welcome/{token}", role="nobody", kind="public", hashes=True)
def set_password(context: RequestContext) -> Response:
    """Set the password, end what was open under the old one, and log in."""
    name = _welcome(context)
    first, second = context.form.raw("password"), context.form.raw("again")
    try:
        if not hmac.compare_digest(first.encode("utf-8", "replace"), second.encode("utf-8", "replace")):
            raise Refusal(400, "The passwords don't match")
        kept = auth.hash_password(first, name, context.settings)
    except Refusal as refusal:
        return page(
            context, "welcome.html", title="Welcome", status=refusal.status, name=name, least=auth.LEAST_PASSWORD,
            fault=f"{refusal.title}. {refusal.text}".strip(),
        )  # fmt: skip
    with context.database.transaction():
        if not web.use_token(context.database, context.path("token"), context.now):
            raise _old_link()
        web.set_password(context.database, name, kept)
        web.end_sessions(context.database, name)
        context.note(Event.PASSWORD, name, who=of_page(name), by="login link")
        context.tell(name, "Your Earful password was set by a login link")
    person = web.user(context.database, name)
    return _log_in(context, name, "/", asks_code=person is not None and bool(person.factor))


def _welcome(context: RequestContext) -> str:
    row = web.token(context.database, context.path("token")[:200], "welcome", context.now)
    person = web.user(context.database, row["name"]) if row is not None else None
    if person is None or person.disabled_at is not None:
        context.note(Event.LINK_REFUSED)
        raise _old_link()
    return person.name


def _old_link() -> Refusal:
    return Refusal(403, "This link does not work", "It was already used or has expired. Ask for a new one.")


@post("/logout", role="viewer")
def log_out(context: RequestContext) -> Response:
    """End this session, or every session of this person."""
    with context.database.transaction():
        if context.form.get("everywhere"):
            web.end_sessions(context.database, context.who.name)
            context.note(Event.LOGOUT_EVERYWHERE)
        else:
            web.end_session(context.database, context.who.session)
    answer = RedirectResponse("/login", 303)
    auth.drop_cookie(answer)
    return answer
