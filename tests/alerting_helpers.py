"""A desk for tests of telling: Acme before a loopback Slack and a loopback mail server, and what these have heard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from monitor.settings.models import Settings
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.fakes.slack import FakeSlack
from tests.fakes.smtp import FakeSmtp
from tests.helpers import assembly_of, settings_from

Base = Sqlite | Postgresql


def channels(slack: FakeSlack | None = None, mail: FakeSmtp | None = None) -> str:
    """The channels' tables of settings.toml."""
    text = '[[channels]]\nname = "console"\nkind = "console"\n'
    if slack is not None:
        text += f'[[channels]]\nname = "slack"\nkind = "slack"\ntoken = {{ env = "T" }}\napi_url = "{slack.api_url}"\n'
        text += "timeout = 2.0\n"
    if mail is not None:
        text += f'[[channels]]\nname = "mail"\nkind = "email"\nhost = "{mail.host}"\nport = {mail.port}\n'
        text += 'security = "none"\nsender = "earful@example.org"\ntimeout = 2.0\n'
    return text


def house(
    database: Base, folder: Path, slack: FakeSlack | None = None, mail: FakeSmtp | None = None, **more: Any
) -> Assembly:
    """Acme, told in Slack's #care (or whatever `notify` says); as one of several processes, where one is named."""
    process = {key: more.pop(key) for key in ("worker", "steady") if key in more}
    settings: Settings = settings_from(
        folder,
        channels=channels(slack, mail),
        notify=more.pop("notify", ("slack:#care",)),
        environ={"T": slack.token if slack else ""},
        **more,
    )
    return assembly_of(database, settings, **process)


def posted(slack: FakeSlack) -> list[dict[str, Any]]:
    """Messages that were posted (not edits)."""
    return [each for each in slack.accepted if each["method"] == "chat.postMessage"]


def edited(slack: FakeSlack) -> list[dict[str, Any]]:
    return [each for each in slack.accepted if each["method"] == "chat.update"]


def named(slack: FakeSlack) -> set[str]:
    """The mentions that accepted messages say they speak of."""
    found: set[str] = set()
    for message in slack.accepted:
        listed = message["metadata"]["event_payload"].get("mentions", ())
        found.update(listed if isinstance(listed, list) else str(listed).split())
    return found


def flagged(database: Base) -> set[str]:
    return {row["id"] for row in database.rows("SELECT id FROM mentions WHERE case_id <> '' AND lane = 'ping'")}


def distinct(number: int) -> str:
    """A complaint unlike the others."""
    things = ("kettle", "toaster", "router", "blender", "lamp", "printer", "heater", "drill", "scale", "mixer")
    faults = ("leaks everywhere", "never arrived", "stopped working", "is broken again", "arrived smashed")
    places = ("Leeds", "York", "Hull", "Bath", "Ely", "Ayr", "Wells")
    thing, fault, place = things[number % 10], faults[number % 5], places[number % 7]
    return f"My Acme {thing} {number} {fault} in {place}, nobody answers, I am angry, terrible service {number * 7919}"
