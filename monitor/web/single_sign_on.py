"""Logging in at a provider of sign-on: there, back, and once more where something cannot be undone.

What was asked for rides in a cookie of the browser that asked, sealed, for ten minutes: an answer that another browser
asked for opens nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime, timedelta
from typing import Any

from starlette.responses import RedirectResponse, Response

from monitor.people.audit import Event
from monitor.people.identity import of_page
from monitor.settings.models import Settings
from monitor.store import web
from monitor.text.names import skeleton
from monitor.web import auth
from monitor.web.identity import Refusal
from monitor.web.login import own_address
from monitor.web.provider import Person, Provider, ProviderError
from monitor.web.routing import RequestContext, get

log = logging.getLogger("earful.page")

COOKIE = "earful_sign_on"
LIFE = timedelta(minutes=10)
_SKEW = timedelta(minutes=1)  # between our clock and the provider's
_providers: dict[str, Provider] = {}


def provider_of(settings: Settings) -> Provider | None:
    """The provider that settings name; one object for each, which remembers its keys."""
    if not settings.oidc.issuer:
        return None
    back = f"{settings.earful.page_url.rstrip('/')}/login/provider/back"
    mark = hashlib.sha256(repr((settings.oidc, back)).encode()).hexdigest()
    if mark not in _providers:
        _providers.clear()  # settings were reloaded: the one before is not asked again
        _providers[mark] = Provider(settings.oidc, back)
    return _providers[mark]


def _provider(context: RequestContext) -> Provider:
    found = provider_of(context.settings)
    if found is None:
        raise Refusal(404, "There is nothing here", "Single sign-on is not set up.")
    return found


def _seal(context: RequestContext, asked: dict[str, Any]) -> str:
    body = urlsafe_b64encode(json.dumps(asked).encode()).decode()
    return f"{body}.{_mark(context, body)}"


def _mark(context: RequestContext, body: str) -> str:
    return hmac.new(context.site.authenticator.sealing(context.database), body.encode(), hashlib.sha256).hexdigest()


def _opened(context: RequestContext) -> dict[str, Any] | None:
    """What this browser asked for, None where that is too old or not ours."""
    sealed = context.request.cookies.get(auth.cookie_name(context.settings, COOKIE), "")[:4000]
    body, _, mark = sealed.partition(".")
    if not hmac.compare_digest(_mark(context, body).encode(), mark.encode("utf-8", "replace")):
        return None
    asked: dict[str, Any] = json.loads(urlsafe_b64decode(body))
    return asked if context.now - datetime.fromisoformat(asked["at"]) <= LIFE else None


@get("/login/provider", role="nobody", kind="public")
def leave(context: RequestContext) -> Response:
    """To the provider."""
    provider = _provider(context)
    asked: dict[str, Any] = {
        "state": secrets.token_urlsafe(24), "nonce": secrets.token_urlsafe(24), "verifier": secrets.token_urlsafe(48),
        "next": own_address(context.query("next", "/")), "again": bool(context.query("again")),
        "at": context.now.isoformat(),
    }  # fmt: skip
    try:
        address = provider.address(
            state=asked["state"], nonce=asked["nonce"], verifier=asked["verifier"], again=asked["again"],
            now=context.now,
        )  # fmt: skip
    except ProviderError as error:
        raise _unusable(error) from None
    answer = RedirectResponse(address, 303)
    answer.set_cookie(
        auth.cookie_name(context.settings, COOKIE), _seal(context, asked), max_age=int(LIFE.total_seconds()),
        httponly=True, samesite="lax", secure=auth.is_secure(context.settings), path="/",
    )  # fmt: skip
    return answer


def _unusable(error: ProviderError) -> Refusal:
    log.warning("single sign-on: %s", error)
    return Refusal(502, "Login with your provider failed", "Try again in a moment, or tell an Earful admin.")


@get("/login/provider/back", role="nobody", kind="public")
def come_back(context: RequestContext) -> Response:
    """From the provider: whom it vouches for is let in with the role that it says, or has shown again who they are."""
    provider, asked = _provider(context), _opened(context)
    state = context.request.query_params.get("state", "")
    if asked is None or not hmac.compare_digest(str(asked["state"]).encode(), state.encode("utf-8", "replace")):
        raise Refusal(400, "That login has expired", "Start again from the login page.")
    if context.request.query_params.get("error"):
        log.warning("single sign-on: the provider refused: %s", context.query("error")[:80])
        raise Refusal(401, "Your provider refused the login", "Try again, or tell an Earful admin.")
    try:
        person = provider.person(
            context.request.query_params.get("code", "")[:4000], nonce=asked["nonce"], verifier=asked["verifier"],
            now=context.now,
        )  # fmt: skip
    except ProviderError as error:
        raise _unusable(error) from None
    answer = _again(context, person, asked) if asked["again"] else _let_in(context, person, asked["next"])
    answer.delete_cookie(auth.cookie_name(context.settings, COOKIE), path="/", secure=auth.is_secure(context.settings))
    return answer


def _again(context: RequestContext, person: Person, asked: dict[str, Any]) -> Response:
    """The one whose session this is has logged in there just now, and not before."""
    identity = context.identity
    user = web.user(context.database, identity.name) if identity is not None and identity.session else None
    if identity is None or user is None or user.subject != person.subject:
        raise Refusal(403, "That was someone else", "Log in again as the person who asked.")
    if person.authenticated_at is None or person.authenticated_at < datetime.fromisoformat(asked["at"]) - _SKEW:
        raise Refusal(403, "Your provider did not ask for a login", "Nothing was done. Log out there and try again.")
    with context.database.transaction():
        web.prove_session(context.database, identity.session, context.now)
    return RedirectResponse(own_address(asked["next"]), 303)


def _let_in(context: RequestContext, person: Person, target: str) -> Response:
    try:
        with context.database.transaction():
            name = _user(context, person)
            context.note(Event.LOGIN, who=of_page(name), by="provider")
            secret = auth.new_session(context.database, name, context.now, "provider")
    except Refusal:
        with context.database.transaction():
            context.note(Event.LOGIN_REFUSED, by="provider")
        raise
    answer = RedirectResponse(own_address(target), 303)
    auth.set_cookie(answer, context.settings, secret)
    return answer


def _names(context: RequestContext) -> list[str]:
    """The names of everybody who is known here."""
    return [*(user.name for user in web.users(context.database)), *(each.name for each in context.settings.people)]


def _user(context: RequestContext, person: Person) -> str:
    """The page's user whom the provider vouches for, made or brought up to date; Refusal for whoever may not come in.

    A name alone is never enough to become a user who is there already: people choose their names. An address that the
    provider has verified, and that settings give to that name, is.
    """
    database = context.database
    if person.role == "nobody":
        raise Refusal(403, "You have no role here yet", "Ask an Earful admin which group you need at your provider.")
    listed = [
        each.name
        for each in context.settings.people
        if person.email and each.email.casefold() == person.email.casefold()
    ]
    known = web.user_of_subject(database, person.subject)
    name = known.name if known is not None else (listed[0] if len(listed) == 1 else person.name)
    if not name:
        raise Refusal(403, "Your provider did not send your name", "It is read from the claim set as `name_claim`.")
    there = known or web.user(database, name)
    taken = there is not None and known is None and (there.subject or name not in listed)
    taken = taken or (known is None and name not in listed and name in {each.name for each in context.settings.people})
    if taken or (there is not None and there.disabled_at is not None):
        raise Refusal(403, "That name belongs to someone else here", "Ask an Earful admin to let you in.")
    if there is None and skeleton(name) in {skeleton(each) for each in _names(context) if each != name}:
        raise Refusal(403, "That name is too similar to someone else's here", "Ask an Earful admin to let you in.")
    if there is None:
        web.add_user(database, name, person.role, context.now)
        context.note(Event.USER_ADDED, name, role=person.role, by="provider")
    elif there.role != person.role:
        web.set_role(database, name, person.role)
        context.note(Event.ROLE, name, role=person.role, before=there.role, by="provider")
    if known is None:
        web.set_subject(database, name, person.subject)
    return name
