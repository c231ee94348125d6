"""What a care lead changes without the engineer: values kept in the database, laid over those of the file.

A change names its key, who and when; it can be taken back, and a key can be reset to settings.toml. A stored value
that no longer fits (a person or brand that left the file) is passed over, never an error.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from monitor.settings.models import Block, Brand, Clock, Day, Person, Settings, Shift, Targets

T = TypeVar("T", Person, Brand)
REPLIES = "saved_replies"
LETTER = "letter."  # and the target that asked for no more of the managers' letters


@dataclass(frozen=True, slots=True)
class SavedReply:
    """Words to begin a reply with. {name}, {brand} and {me} are filled in."""

    name: str
    text: str


SHIPPED_REPLIES = (
    SavedReply(
        "Sorry, I'm on it",
        "{name}, I'm sorry: that should not have happened. I'm taking care of this myself and will get back "
        "to you by noon tomorrow. – {me}, {brand}",
    ),
    SavedReply(
        "Wrong charge",
        "{name}, I'm sorry we charged you incorrectly. I'm refunding you today; there is nothing you need to do. "
        "– {me}, {brand}",
    ),
    SavedReply(
        "It's fixed",
        "{name}, it's fixed. Thank you for telling us, and sorry for the trouble. If it comes "
        "back, just reply here and I'll see it. – {me}, {brand}",
    ),
    SavedReply(
        "Thank you", "{name}, thank you, that made our day! I've passed it on to the people behind it. – {me}, {brand}"
    ),
)
_ADAPTERS: dict[str, TypeAdapter[Any]] = {
    "desk.hours": TypeAdapter(tuple[Block, ...]),
    "desk.holidays": TypeAdapter(tuple[Day, ...]),
    "desk.targets": TypeAdapter(dict[str, Targets]),
    "alerts.quiet_start": TypeAdapter(Clock),  # kept before people were called in their own hours
    "alerts.quiet_end": TypeAdapter(Clock),
    "shifts": TypeAdapter(tuple[Shift, ...]),
    "ignore_authors": TypeAdapter(tuple[str, ...]),
    "context": TypeAdapter(tuple[str, ...]),
}


def _adapter(key: str) -> TypeAdapter[Any] | None:
    if key.startswith(("people.", "brands.")):
        return _ADAPTERS.get(key.rpartition(".")[2])
    return _ADAPTERS.get(key)


def read(key: str, text: str) -> Any:
    """The value of a key from its JSON text, or raise ValueError with what is wrong in words for people."""
    adapter = _adapter(key)
    if adapter is None:
        raise ValueError(f"{key} can't be changed here")
    try:
        value = adapter.validate_python(json.loads(text))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = " ".join(str(part) for part in first["loc"])
        raise ValueError(f"{where}: {first['msg'].removeprefix('Value error, ')}".lstrip(": ")) from None
    if key == "desk.hours" and not value:
        raise ValueError("opening hours need at least one block")
    return value


def overlay(settings: Settings, changes: Mapping[str, str]) -> Settings:
    """The settings with what stands on the desk laid over them."""
    desk: dict[str, Any] = {}
    alerts: dict[str, Any] = {}
    people: dict[str, dict[str, Any]] = {}
    brands: dict[str, dict[str, Any]] = {}
    for key, text in changes.items():
        try:
            value = read(key, text)
        except ValueError:
            continue
        table, _, rest = key.partition(".")
        if table == "desk":
            desk[rest] = {**settings.desk.targets, **value} if rest == "targets" else value
        elif table == "alerts":
            alerts[rest] = value
        else:
            name, _, field = rest.rpartition(".")
            (people if table == "people" else brands).setdefault(name, {})[field] = value
    if not (desk or alerts or people or brands):
        return settings
    return settings.model_copy(
        update={
            "desk": settings.desk.model_copy(update=desk),
            "alerts": settings.alerts.model_copy(update=alerts),
            "people": tuple(_with(person, people.get(person.name)) for person in settings.people),
            "brands": tuple(_with(brand, brands.get(brand.name)) for brand in settings.brands),
        }
    )


def _with(table: T, changes: dict[str, Any] | None) -> T:
    return table.model_copy(update=changes) if changes else table


def replies(changes: Mapping[str, str]) -> tuple[SavedReply, ...]:
    """The saved replies that stand: those of the desk, else those that ship."""
    text = changes.get(REPLIES, "")
    if not text:
        return SHIPPED_REPLIES
    return tuple(SavedReply(str(each["name"]), str(each["text"])) for each in json.loads(text))


def ended_letters(changes: Mapping[str, str]) -> frozenset[str]:
    """The targets that asked for no more of the managers' letters."""
    return frozenset(key.removeprefix(LETTER) for key in changes if key.startswith(LETTER))


_MUTED = {"author": "the author", "community": "everything in", "domain": "links to", "thread": "the thread"}


def mute_words(kind: str, value: str) -> str:
    """What a mute is about, in words: "the author forum/bugs", "links to toons.example"."""
    return f"{_MUTED.get(kind, kind)} {value}"


def filled(reply: SavedReply, *, name: str, brand: str, me: str) -> str:
    """A saved reply with its names filled in; other braces stay as they are."""
    text = reply.text
    for key, value in (("name", name), ("brand", brand), ("me", me)):
        text = text.replace("{" + key + "}", value)
    return text.strip()
