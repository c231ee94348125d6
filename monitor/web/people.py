"""People and settings: who may see the page and as what, tokens of the API; every effective value and its origin."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr
from starlette.responses import Response

from monitor.store import web
from monitor.web import auth
from monitor.web.html import page
from monitor.web.routing import ROLES, Ask, Refusal, get, post
from monitor.web.team_settings import short_span


@get("/people", role="admin")
def show_people(ask: Ask) -> Response:
    """Everybody: the page's users and the people of the settings, in one table."""
    return _show(ask)


def _show(ask: Ask, *, said: str = "", secret: str = "", fault: str = "") -> Response:
    users = {user.name: user for user in web.users(ask.database)}
    listed = {person.name: person for person in ask.settings.people}
    names = sorted({*users, *listed}, key=str.casefold)
    return page(
        ask, "people.html", title="People", rows=[(name, users.get(name), listed.get(name)) for name in names],
        roles=ROLES, tokens=web.api_tokens(ask.database), said=said, secret=secret, fault=fault,
        status=400 if fault else 200,
    )  # fmt: skip


@post("/people", role="admin")
def change_people(ask: Ask) -> Response:
    """Add somebody, send a new link, change a role, shut out, let in."""
    verb, name = ask.form.get("verb"), ask.form.get("name")
    role = ask.form.get("role")
    known = web.user(ask.database, name)
    if verb in {"add", "role"} and role not in ROLES:
        raise Refusal(400, "Choose a role")
    if verb != "add" and known is None:
        raise Refusal(404, "There is nobody of that name")
    if name == ask.who.name and verb in {"disable", "role"}:
        return _show(ask, fault="You cannot take your own role or shut yourself out; ask another admin.")
    with ask.database.transaction():
        if verb == "add":
            if not 1 <= len(name) <= 64 or any(ord(letter) < 32 for letter in name):
                raise Refusal(400, "A name has 1 to 64 characters")
            if not web.add_user(ask.database, name, role, ask.now):
                return _show(ask, fault=f"{name} stands already.")
            link = auth.welcome_link(ask.database, ask.settings, name, ask.now)
            return _show(ask, said=f"{name} is added. Give them this link; it works once, for three days:", secret=link)
        if verb == "link":
            link = auth.welcome_link(ask.database, ask.settings, name, ask.now)
            return _show(ask, said=f"A new link for {name}; it works once, for three days:", secret=link)
        if verb == "role":
            web.set_role(ask.database, name, role)
        elif verb == "disable":
            web.disable_user(ask.database, name, ask.now)
        elif verb == "enable":
            web.disable_user(ask.database, name, None)
        else:
            raise Refusal(400, "Choose what to do")
    words = {"role": f"is {role} now", "disable": "is shut out", "enable": "may log in again"}[verb]
    return _show(ask, said=f"{name} {words}.")


@post("/people/tokens", role="admin")
def change_tokens(ask: Ask) -> Response:
    """Make a token of the API, told once; or end one."""
    if ask.form.get("verb") == "drop":
        with ask.database.transaction():
            web.drop_token(ask.database, ask.form.get("id"))
        return _show(ask, said="That token opens nothing any more.")
    name, role = ask.form.get("name")[:64], ask.form.get("role")
    if not name or role not in ROLES:
        raise Refusal(400, "A token needs a name and a role")
    secret = f"earful_{secrets.token_urlsafe(32)}"
    with ask.database.transaction():
        web.add_token(ask.database, secret, name, "api", ask.now, role=role, until=None)
    return _show(ask, said=f"The token for {name}. It is shown now and never again:", secret=secret)


@get("/settings", role="lead")
def show_settings(ask: Ask) -> Response:
    """Every effective value and where it came from; a secret is only ever "set"."""
    changed = web.desk_values(ask.database)
    groups: dict[str, list[tuple[str, str, str]]] = {}
    for key, value in values_of(ask.settings):
        table = key.partition(".")[0].partition("[")[0]
        origin = "file" if any(each == key or each.startswith(f"{key}.") for each in ask.settings.given) else "default"
        if any(each == key or key.startswith(f"{each}.") for each in changed):
            origin = "desk"
        groups.setdefault(table, []).append((key, value, origin))
    return page(ask, "settings.html", title="Settings", groups=groups, warnings=ask.settings.warnings)


_HIDDEN = {"file", "fingerprint", "given", "warnings"}


def values_of(settings: BaseModel, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every key with its value in words, in the order of the file."""
    for name in type(settings).model_fields:
        if not prefix and name in _HIDDEN:
            continue
        key = f"{prefix}.{name}" if prefix else name
        if name == "options":  # a kind's own keys stand beside the common ones
            key = prefix
        yield from _value_of(getattr(settings, name), key)


def _value_of(value: Any, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, BaseModel):
        yield from values_of(value, key)
    elif isinstance(value, (tuple, list)) and value and all(isinstance(each, BaseModel) for each in value):
        for number, each in enumerate(value):
            yield from values_of(each, f"{key}[{number}]")
    elif isinstance(value, dict) and value and not all(isinstance(each, SecretStr) for each in value.values()):
        for name, each in value.items():
            yield from _value_of(each, f"{key}.{name}")
    else:
        yield key, words_of(value)


def words_of(value: Any) -> str:  # noqa: PLR0911 - one line a type
    """A value in words. Whatever is a secret is "set" or "not set"."""
    if isinstance(value, SecretStr):
        return "set" if value.get_secret_value() else "not set"
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, timedelta):
        return short_span(value)
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, (date, Path)):
        return str(value)
    if isinstance(value, dict):
        return ", ".join(value) or "none"
    if isinstance(value, (tuple, list, set, frozenset)):
        return ", ".join(words_of(each) for each in value) or "none"
    return str(value)
