"""One's own page: the zone, the password, the second factor, and where one is logged in."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from monitor.people.audit import Event
from monitor.reports import statistics
from monitor.store import web
from monitor.web import auth, factor
from monitor.web.html import page
from monitor.web.identity import Refusal
from monitor.web.routing import RequestContext, get, post

OWN_DAYS = 30


@cache
def _zones() -> tuple[str, ...]:
    """The zones that there are, in order; looking for them means walking through some 600 files."""
    return tuple(sorted(available_timezones()))


def _mine(context: RequestContext) -> statistics.Load | None:
    """What one has done oneself lately: nobody else is shown it here."""
    me = context.directory.resolve(context.who.actor).id
    since = context.now - timedelta(days=OWN_DAYS)
    every = statistics.load(context.database, context.rules, since, context.now)
    return next((each for each in every if each.id == me), None)


def _show(context: RequestContext, *, said: str = "", fault: str = "", status: int = 400) -> Response:
    user = web.user(context.database, context.who.name)
    return page(
        context, "you.html", title="You", status=status if fault else 200, said=said, fault=fault,
        sessions=web.sessions_of(context.database, context.who.name), zones=_zones(),
        least=auth.LEAST_PASSWORD, user=user, mine=_mine(context), days=OWN_DAYS,
    )  # fmt: skip


@get("/you", role="viewer")
def you(context: RequestContext) -> Response:
    """One's own page."""
    return _show(context, said=context.query("said"))


@post("/you", role="viewer", hashes=True)
def change_you(context: RequestContext) -> Response:
    """Another zone, another password, or the end of one session."""
    if context.site.open_demo:
        return _show(context)
    if context.form.raw("password"):
        return _change_password(context)
    if context.form.get("end"):
        with context.database.transaction():
            ended = web.end_session_of(context.database, context.who.name, context.form.get("end")[:64])
        return _show(context, said="That browser is logged out." if ended else "That session had already ended.")
    zone = context.form.get("zone")
    if zone and zone not in _zones():
        return _show(context, fault="There is no such time zone.")
    with context.database.transaction():
        web.set_zone(context.database, context.who.name, zone)
    return _show(context, said=f"Times are shown in {ZoneInfo(zone) if zone else context.settings.zone} from now on.")


def _change_password(context: RequestContext) -> Response:
    name = context.who.name
    try:
        context.site.authenticator.verify(
            context.database, name, context.form.raw("old"), context.address, context.now, context.who.session
        )
    except Refusal as refusal:
        if refusal.wait:
            return _show(context, fault=f"{refusal.title}. {refusal.text}", status=429)
        return _show(context, fault="The old password is wrong.")
    try:
        kept = auth.hash_password(context.form.raw("password"), name, context.settings)
    except Refusal as refusal:
        return _show(context, fault=f"{refusal.title}. {refusal.text}")
    with context.database.transaction():
        web.set_password(context.database, name, kept)
        web.end_sessions(context.database, name)
        context.note(Event.PASSWORD, name)
        context.tell(name, "Your Earful password was changed")
        secret = auth.new_session(context.database, name, context.now)
    answer = RedirectResponse("/you", 303)  # the old session is gone, and its form's secret with it
    auth.set_cookie(answer, context.settings, secret)
    return answer


@get("/you/factor", role="viewer", fresh=True)
def show_factor(context: RequestContext) -> Response:
    """Whether there is a second factor; else a secret for an app, which counts once a code of it was typed."""
    return _factor(context, factor.new_secret())


def _factor(
    context: RequestContext, secret: str, *, fault: str = "", codes: tuple[str, ...] = (), status: int = 200
) -> Response:
    user = web.user(context.database, context.who.name)
    brand = context.settings.brands[0].name if context.settings.brands else ""
    address = factor.address_of(secret, context.who.name, brand)
    return page(
        context, "factor.html", title="Second factor", user=user, secret=secret, fault=fault, codes=codes,
        status=status, picture=Markup(factor.picture_of(address)),  # noqa: S704 - segno draws, it repeats no letter
        demanded=context.settings.earful.admin_factor and context.who.role == "admin",
    )  # fmt: skip


@post("/you/factor", role="viewer", fresh=True)
def change_factor(context: RequestContext) -> Response:
    """Begin with a second factor, make new recovery codes, or do without it again."""
    user = web.user(context.database, context.who.name)
    if user is None or context.site.open_demo:
        raise Refusal(409, "There is no login here to protect with a second factor")
    verb = context.form.get("verb")
    if verb == "end":
        if context.settings.earful.admin_factor and context.who.role == "admin":
            return _factor(context, factor.new_secret(), fault="Admins need a second factor here.", status=409)
        return _keep(context, "", (), "Your second factor was turned off")
    if verb == "codes" and user.factor:
        return _keep(context, user.factor, tuple(factor.new_recovery_codes()), "Your recovery codes were replaced")
    secret = context.form.get("secret")[:64]
    try:
        right = not user.factor and factor.right_step(secret, context.form.get("code"), context.now) is not None
    except ValueError:  # no secret of ours
        right = False
    if not right:
        return _factor(
            context, secret if secret.isalnum() and secret.isascii() else factor.new_secret(), status=400,
            fault="That code is wrong. Enter the one the app shows now.",
        )  # fmt: skip
    return _keep(context, secret, tuple(factor.new_recovery_codes()), "A second factor was turned on for you")


def _keep(context: RequestContext, secret: str, codes: tuple[str, ...], change: str) -> Response:
    name = context.who.name
    with context.database.transaction():
        web.set_factor(context.database, name, secret, factor.kept(list(codes)))
        context.note(Event.FACTOR, name, change=change.removeprefix("Your ").removeprefix("A "))
        context.tell(name, change)
    return _factor(context, factor.new_secret(), codes=codes)
