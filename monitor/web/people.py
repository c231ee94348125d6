"""People and settings: who may see the page and as what, tokens of the API; every effective value and its origin."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr
from starlette.responses import Response

from connectors.durations import span_text
from monitor.people.audit import Event
from monitor.settings.models import Settings
from monitor.store import web
from monitor.store.database import Row
from monitor.web import auth
from monitor.web.html import page
from monitor.web.identity import ROLES, Refusal
from monitor.web.routing import RequestContext, get, post

TOKEN_DAYS = ("30", "90", "365")  # how long a token may live


@get("/people", role="admin")
def show_people(context: RequestContext) -> Response:
    """Everybody: the page's users and the people of the settings, in one table."""
    return _show(context)


def _show(context: RequestContext, *, said: str = "", secret: str = "", fault: str = "") -> Response:
    users = {user.name: user for user in web.users(context.database)}
    listed = {person.name: person for person in context.settings.people}
    names = sorted({*users, *listed}, key=str.casefold)
    return page(
        context, "people.html", title="People", rows=[(name, users.get(name), listed.get(name)) for name in names],
        roles=ROLES, tokens=_tokens(context), days=TOKEN_DAYS, owners=context.directory.everyone, said=said,
        secret=secret, fault=fault, status=400 if fault else 200,
    )  # fmt: skip


def _tokens(context: RequestContext) -> list[tuple[Row, str]]:
    """The tokens of the API, each with the name of its owner."""
    names = {actor.id: actor.name for actor in context.directory.everyone}
    rows = web.api_tokens(context.database)
    return [(row, names.get(row["owner"], row["owner"].partition(":")[2] or "unknown")) for row in rows]


@post("/people", role="admin", fresh=True)
def change_people(context: RequestContext) -> Response:
    """Add somebody, send a new link, change a role, shut out, let in."""
    verb, name = context.form.get("verb"), context.form.get("name")
    role = context.form.get("role")
    known = web.user(context.database, name)
    if verb in {"add", "role"} and role not in ROLES:
        raise Refusal(400, "Choose a role")
    if verb != "add" and known is None:
        raise Refusal(404, "There is no one with that name")
    if name == context.who.name and verb in {"disable", "role"}:
        return _show(context, fault="You can't change your own role or revoke your own access; ask another admin.")
    with context.database.transaction():
        if verb == "add":
            if not 1 <= len(name) <= 64 or any(ord(letter) < 32 for letter in name):
                raise Refusal(400, "A name has 1 to 64 characters")
            if not web.add_user(context.database, name, role, context.now):
                return _show(context, fault=f"{name} already exists.")
            context.note(Event.USER_ADDED, name, role=role)
            link = auth.welcome_link(context.database, context.settings, name, context.now)
            return _show(
                context, said=f"{name} is added. Send them this link; it works once, for three days:", secret=link
            )
        if verb == "link":
            context.note(Event.LINK_MADE, name)
            context.tell(name, "A link to set a new Earful password for you was made")
            link = auth.welcome_link(context.database, context.settings, name, context.now)
            return _show(context, said=f"A new link for {name}; it works once, for three days:", secret=link)
        if verb == "role":
            web.set_role(context.database, name, role)
            context.note(Event.ROLE, name, role=role, before=known.role if known else "")
            context.tell(name, f"Your Earful role is now {role}; it was changed")
        elif verb == "disable":
            web.disable_user(context.database, name, context.now)
            context.note(Event.ACCESS_REVOKED, name)
            context.tell(name, "Your Earful login was disabled")
        elif verb == "factor":
            web.set_factor(context.database, name, "", ())
            context.note(Event.FACTOR, name, change="removed by an admin")
            context.tell(name, "Your second factor was removed")
        elif verb == "enable":
            web.disable_user(context.database, name, None)
            context.note(Event.ACCESS_RESTORED, name)
            context.tell(name, "Your Earful login was enabled again")
        else:
            raise Refusal(400, "Choose what to do")
    words = {
        "role": f"is now {role}",
        "disable": "can no longer log in",
        "enable": "can log in again",
        "factor": "now logs in without a second factor",
    }[verb]
    return _show(context, said=f"{name} {words}.")


@post("/people/tokens", role="admin", fresh=True)
def change_tokens(context: RequestContext) -> Response:
    """Make a token of the API, told once; or end one."""
    if context.form.get("verb") == "drop":
        with context.database.transaction():
            kept = context.form.get("id")
            token = next((row for row in web.api_tokens(context.database) if row["id"] == kept), None)
            if token is not None and web.drop_token(context.database, kept):
                context.note(Event.TOKEN_REVOKED, token["name"], role=token["role"])
                context.tell(context.who.name, f"The API token {token['name']!r} was revoked")
        return _show(context, said="The token is revoked.")
    name, role = context.form.get("name")[:64], context.form.get("role")
    if not name or role not in ROLES:
        raise Refusal(400, "A token needs a name and a role")
    days = int(context.form.get("days")) if context.form.get("days") in TOKEN_DAYS else int(TOKEN_DAYS[-1])
    owner = context.directory.find(context.form.get("owner") or context.who.name)
    if owner is None:
        raise Refusal(400, "A token needs an owner", "Choose one of the people.")
    until, secret = context.now + timedelta(days=days), f"earful_{secrets.token_urlsafe(32)}"
    with context.database.transaction():
        web.add_token(context.database, secret, name, "api", context.now, role=role, until=until, owner=owner.id)
        context.note(Event.TOKEN_MADE, name, role=role, owner=owner.name, days=days)
        context.tell(context.who.name, f"An API token for {name!r} with the role {role} was made")
    return _show(context, said=f"The token for {name}. It is shown only once:", secret=secret)


@get("/settings", role="lead")
def show_settings(context: RequestContext) -> Response:
    """Every effective value and where it came from; a secret is only ever "set"."""
    changed = web.desk_values(context.database)
    groups: dict[str, list[tuple[str, str, str]]] = {}
    for key, value in values_of(context.settings):
        table = key.partition(".")[0].partition("[")[0]
        origin = (
            "file" if any(each == key or each.startswith(f"{key}.") for each in context.settings.given) else "default"
        )
        if any(each == key or key.startswith(f"{each}.") for each in changed):
            origin = "desk"
        groups.setdefault(table, []).append((key, value, origin))
    return page(context, "settings.html", title="Settings", groups=groups, warnings=context.settings.warnings)


_HIDDEN = {"file", "fingerprint", "from_elsewhere", "given", "warnings", "whole"}  # what is of our making


def values_of(settings: Settings) -> Iterator[tuple[str, str]]:
    """Every key with its value in words, in the order of the file; what is a secret or came from elsewhere is "set"."""
    for key, value in _fields_of(settings, ""):
        yield key, _shown(value, key, settings.from_elsewhere)


def _shown(value: Any, key: str, hidden: frozenset[str]) -> str:
    if key in hidden:
        return "set"
    if isinstance(value, (tuple, list)) and value:
        return ", ".join(_shown(each, f"{key}[{number}]", hidden) for number, each in enumerate(value))
    return words_of(value)


def _fields_of(table: BaseModel, prefix: str) -> Iterator[tuple[str, Any]]:
    for name in type(table).model_fields:
        if not prefix and name in _HIDDEN:
            continue
        key = f"{prefix}.{name}" if prefix else name
        if name == "options":  # a kind's own keys stand beside the common ones
            key = prefix
        yield from _value_of(getattr(table, name), key)


def _value_of(value: Any, key: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, BaseModel):
        yield from _fields_of(value, key)
    elif isinstance(value, (tuple, list)) and value and all(isinstance(each, BaseModel) for each in value):
        for number, each in enumerate(value):
            yield from _fields_of(each, f"{key}[{number}]")
    elif isinstance(value, dict) and value and not all(isinstance(each, SecretStr) for each in value.values()):
        for name, each in value.items():
            yield from _value_of(each, f"{key}.{name}")
    else:
        yield key, value


# Where an address holds a key: before its host, and in its query.
_USER, _QUERY = re.compile(r"(?<=://)[^\s/?#@]+@"), re.compile(r"(?<=\?)\S+")


def words_of(value: Any) -> str:  # noqa: PLR0911 - one line a type
    """A value in words. Whatever is a secret is "set" or "not set"."""
    if isinstance(value, SecretStr):
        return "set" if value.get_secret_value() else "not set"
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, timedelta):
        return span_text(value)
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, (date, Path)):
        return str(value)
    if isinstance(value, dict):
        return ", ".join(value) or "none"
    if isinstance(value, (tuple, list, set, frozenset)):
        return ", ".join(words_of(each) for each in value) or "none"
    if isinstance(value, str) and "://" in value:
        return _QUERY.sub("(set)", _USER.sub("(set)@", value))
    return str(value)
