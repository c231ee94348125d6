"""Coming in and going out: login, the one-time link with which a person sets their password, logout, one's own page."""

from __future__ import annotations

import hmac
from zoneinfo import ZoneInfo, available_timezones

from starlette.responses import RedirectResponse, Response

from monitor.store import web
from monitor.web import auth
from monitor.web.html import page
from monitor.web.routing import Ask, Refusal, get, post
from monitor.web.security import client_of


def own_address(target: str) -> str:
    """Where to go after a login: an address of this page and nothing else."""
    if not target.startswith("/") or target.startswith(("//", "/\\")) or any(c in target for c in "\\\r\n\t\0"):
        return "/"
    return target if not target.startswith(("/login", "/logout", "/welcome")) else "/"


@get("/login", role="nobody", kind="public")
def show_login(ask: Ask) -> Response:
    """The form."""
    if ask.visitor is not None:
        return RedirectResponse("/", 303)
    return page(
        ask, "login.html", title="Log in", fault="", name="", target=own_address(ask.query("next", "/")),
        nobody=not web.users(ask.database),
    )  # fmt: skip


@post("/login", role="nobody", kind="public")
def log_in(ask: Ask) -> Response:
    """Begin a session, or show the form again."""
    name, target = ask.form.get("name")[:64], own_address(ask.form.get("next", "/"))
    try:
        secret = ask.face.door.log_in(
            ask.database, name, ask.form.raw("password"), client_of(ask.request, ask.settings), ask.now
        )
    except Refusal as refusal:
        response = page(
            ask, "login.html", title="Log in", status=refusal.status, name=name, target=target, nobody=False,
            fault=f"{refusal.title}. {refusal.text}".strip(),
        )  # fmt: skip
        if refusal.wait:
            response.headers["retry-after"] = str(refusal.wait)
        return response
    answer = RedirectResponse(target, 303)
    auth.set_cookie(answer, ask.settings, secret)
    return answer


@get("/welcome/{token}", role="nobody", kind="public")
def show_welcome(ask: Ask) -> Response:
    """The page on which a person sets their password; the link is not used up by looking."""
    row = _welcome(ask)
    return page(ask, "welcome.html", title="Welcome", name=row, fault="", least=auth.LEAST_PASSWORD)


@post("/welcome/{token}", role="nobody", kind="public")
def set_password(ask: Ask) -> Response:
    """Set the password, end what was open under the old one, and log in."""
    name = _welcome(ask)
    first, second = ask.form.raw("password"), ask.form.raw("again")
    try:
        if not hmac.compare_digest(first.encode("utf-8", "replace"), second.encode("utf-8", "replace")):
            raise Refusal(400, "The two are not the same")
        kept = auth.hash_password(first)
    except Refusal as refusal:
        return page(
            ask, "welcome.html", title="Welcome", status=refusal.status, name=name, least=auth.LEAST_PASSWORD,
            fault=f"{refusal.title}. {refusal.text}".strip(),
        )  # fmt: skip
    with ask.database.transaction():
        if not web.use_token(ask.database, ask.path("token"), ask.now):
            raise _old_link()
        web.set_password(ask.database, name, kept)
        web.end_sessions(ask.database, name)
        secret = auth.new_session(ask.database, name, ask.now)
    answer = RedirectResponse("/", 303)
    auth.set_cookie(answer, ask.settings, secret)
    return answer


def _welcome(ask: Ask) -> str:
    row = web.token(ask.database, ask.path("token")[:200], "welcome", ask.now)
    person = web.user(ask.database, row["name"]) if row is not None else None
    if person is None or person.disabled_at is not None:
        raise _old_link()
    return person.name


def _old_link() -> Refusal:
    return Refusal(403, "This link does not work", "It was used, or it is too old. Ask for a new one.")


@post("/logout", role="viewer")
def log_out(ask: Ask) -> Response:
    """End this session, or every session of this person."""
    with ask.database.transaction():
        if ask.form.get("everywhere"):
            web.end_sessions(ask.database, ask.who.name)
        else:
            web.end_session(ask.database, ask.who.session)
    answer = RedirectResponse("/login", 303)
    auth.drop_cookie(answer)
    return answer


@get("/you", role="viewer")
def you(ask: Ask) -> Response:
    """One's own page: zone, sessions, password, logout."""
    return page(
        ask, "you.html", title="You", sessions=web.sessions_of(ask.database, ask.who.name), fault="",
        zones=sorted(available_timezones()), said="", least=auth.LEAST_PASSWORD,
    )  # fmt: skip


@post("/you", role="viewer")
def change_you(ask: Ask) -> Response:
    """Another zone, or another password."""
    said = fault = ""
    answer_secret = ""
    if ask.form.raw("password"):
        said, fault, answer_secret = _change_password(ask)
    elif not ask.face.open_demo:
        zone = ask.form.get("zone")
        if zone and zone not in available_timezones():
            fault = "There is no such zone."
        else:
            with ask.database.transaction():
                web.set_zone(ask.database, ask.who.name, zone)
            said = f"Times are shown in {ZoneInfo(zone) if zone else ask.settings.zone} from now on."
    if answer_secret:  # the old session is gone, and its form's secret with it
        answer = RedirectResponse("/you", 303)
        auth.set_cookie(answer, ask.settings, answer_secret)
        return answer
    return page(
        ask, "you.html", title="You", status=400 if fault else 200, fault=fault, said=said,
        sessions=web.sessions_of(ask.database, ask.who.name), zones=sorted(available_timezones()),
        least=auth.LEAST_PASSWORD,
    )  # fmt: skip


def _change_password(ask: Ask) -> tuple[str, str, str]:
    person = web.user(ask.database, ask.who.name)
    if person is None or not auth.check_password(person.password, ask.form.raw("old")):
        return "", "The old password is not right.", ""
    try:
        kept = auth.hash_password(ask.form.raw("password"))
    except Refusal as refusal:
        return "", f"{refusal.title}. {refusal.text}", ""
    with ask.database.transaction():
        web.set_password(ask.database, person.name, kept)
        web.end_sessions(ask.database, person.name)
        secret = auth.new_session(ask.database, person.name, ask.now)
    return "Your password is changed; every other browser is logged out.", "", secret
