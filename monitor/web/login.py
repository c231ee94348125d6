"""Coming in and going out: login, the one-time link with which a person sets their password, logout, one's own page."""

from __future__ import annotations

import hmac
from zoneinfo import ZoneInfo, available_timezones

from starlette.responses import RedirectResponse, Response

from monitor.people.audit import Event
from monitor.people.identity import of_page
from monitor.store import web
from monitor.web import auth
from monitor.web.html import page
from monitor.web.identity import Refusal
from monitor.web.routing import RequestContext, get, post


def own_address(target: str) -> str:
    """Where to go after a login: an address of this page and nothing else."""
    if not target.startswith("/") or target.startswith(("//", "/\\")) or any(c in target for c in "\\\r\n\t\0"):
        return "/"
    return target if not target.startswith(("/login", "/logout", "/welcome")) else "/"


@get("/login", role="nobody", kind="public")
def show_login(context: RequestContext) -> Response:
    """The form."""
    if context.identity is not None:
        return RedirectResponse("/", 303)
    return page(
        context, "login.html", title="Log in", fault="", name="", target=own_address(context.query("next", "/")),
        nobody=not web.users(context.database),
    )  # fmt: skip


@post("/login", role="nobody", kind="public")
def log_in(context: RequestContext) -> Response:
    """Begin a session, or show the form again."""
    name, target = context.form.get("name")[:64], own_address(context.form.get("next", "/"))
    try:
        secret = context.site.authenticator.log_in(
            context.database,
            name,
            context.form.raw("password"),
            context.address,
            context.now,
        )
    except Refusal as refusal:
        response = page(
            context, "login.html", title="Log in", status=refusal.status, name=name, target=target, nobody=False,
            fault=f"{refusal.title}. {refusal.text}".strip(),
        )  # fmt: skip
        if refusal.wait:
            response.headers["retry-after"] = str(refusal.wait)
        return response
    answer = RedirectResponse(target, 303)
    auth.set_cookie(answer, context.settings, secret)
    return answer


@get("/welcome/{token}", role="nobody", kind="public")
def show_welcome(context: RequestContext) -> Response:
    """The page on which a person sets their password; the link is not used up by looking."""
    row = _welcome(context)
    return page(context, "welcome.html", title="Welcome", name=row, fault="", least=auth.LEAST_PASSWORD)


@post("/welcome/{token}", role="nobody", kind="public")
def set_password(context: RequestContext) -> Response:
    """Set the password, end what was open under the old one, and log in."""
    name = _welcome(context)
    first, second = context.form.raw("password"), context.form.raw("again")
    try:
        if not hmac.compare_digest(first.encode("utf-8", "replace"), second.encode("utf-8", "replace")):
            raise Refusal(400, "The two are not the same")
        kept = auth.hash_password(first)
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
        context.note(Event.LOGIN, who=of_page(name))
        context.tell(name, "Your Earful password was set by a login link")
        secret = auth.new_session(context.database, name, context.now)
    answer = RedirectResponse("/", 303)
    auth.set_cookie(answer, context.settings, secret)
    return answer


def _welcome(context: RequestContext) -> str:
    row = web.token(context.database, context.path("token")[:200], "welcome", context.now)
    person = web.user(context.database, row["name"]) if row is not None else None
    if person is None or person.disabled_at is not None:
        context.note(Event.LINK_REFUSED)
        raise _old_link()
    return person.name


def _old_link() -> Refusal:
    return Refusal(403, "This link does not work", "It was used, or it is too old. Ask for a new one.")


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


@get("/you", role="viewer")
def you(context: RequestContext) -> Response:
    """One's own page: zone, sessions, password, logout."""
    return page(
        context, "you.html", title="You", sessions=web.sessions_of(context.database, context.who.name), fault="",
        zones=sorted(available_timezones()), said="", least=auth.LEAST_PASSWORD,
    )  # fmt: skip


@post("/you", role="viewer")
def change_you(context: RequestContext) -> Response:
    """Another zone, or another password."""
    said = fault = ""
    answer_secret = ""
    if context.form.raw("password"):
        said, fault, answer_secret = _change_password(context)
    elif not context.site.open_demo:
        zone = context.form.get("zone")
        if zone and zone not in available_timezones():
            fault = "There is no such zone."
        else:
            with context.database.transaction():
                web.set_zone(context.database, context.who.name, zone)
            said = f"Times are shown in {ZoneInfo(zone) if zone else context.settings.zone} from now on."
    if answer_secret:  # the old session is gone, and its form's secret with it
        answer = RedirectResponse("/you", 303)
        auth.set_cookie(answer, context.settings, answer_secret)
        return answer
    return page(
        context, "you.html", title="You", status=400 if fault else 200, fault=fault, said=said,
        sessions=web.sessions_of(context.database, context.who.name), zones=sorted(available_timezones()),
        least=auth.LEAST_PASSWORD,
    )  # fmt: skip


def _change_password(context: RequestContext) -> tuple[str, str, str]:
    person = web.user(context.database, context.who.name)
    if person is None or not auth.check_password(person.password, context.form.raw("old")):
        return "", "The old password is not right.", ""
    try:
        kept = auth.hash_password(context.form.raw("password"))
    except Refusal as refusal:
        return "", f"{refusal.title}. {refusal.text}", ""
    with context.database.transaction():
        web.set_password(context.database, person.name, kept)
        web.end_sessions(context.database, person.name)
        context.note(Event.PASSWORD, person.name)
        context.tell(person.name, "Your Earful password was changed")
        secret = auth.new_session(context.database, person.name, context.now)
    return "Your password is changed; every other browser is logged out.", "", secret
