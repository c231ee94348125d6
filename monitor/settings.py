"""settings.toml -> frozen models. All faults at once, each with file, key, what was found and what to write.

Every leaf (a source's kind, a channel's kind) brings its own `Settings`; here stands what is common to all.
"""

from __future__ import annotations

import re
from datetime import date, time, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from alerts.case import PRIORITIES, Priority

_SPAN = re.compile(r"^(\d+)\s*(ms|s|m|h|d|w)$")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def span(text: object) -> timedelta:
    """Read a span such as "90s", "15m", "4h", "2d", "1w"."""
    if isinstance(text, timedelta):
        return text
    found = _SPAN.match(text.strip()) if isinstance(text, str) else None
    if found is None:
        raise ValueError('write a span such as "30s", "15m", "4h" or "2d"')
    return timedelta(seconds=int(found[1]) * _SECONDS[found[2]])


Span = Annotated[timedelta, BeforeValidator(span)]


class Table(BaseModel):
    """A table of settings.toml: unknown keys are faults, values do not change after loading."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Earful(Table):
    """[earful]: what belongs to the whole installation."""

    zone: str = "UTC"
    page_url: str = "http://127.0.0.1:8321"
    page_listen: str = "127.0.0.1:8321"
    operator: tuple[str, ...] = ("console",)
    retention: Span = timedelta(days=365)
    first_look_back: Span = timedelta(hours=24)
    dead_man_url: SecretStr | None = None
    log: Literal["text", "json"] = "text"


class Database(Table):
    """[database]: one SQLite file beside the settings, or a PostgreSQL address."""

    url: SecretStr = SecretStr("sqlite:earful.sqlite")


class Brand(Table):
    """[[brands]]: what is listened for."""

    name: str
    query: str
    accounts: dict[str, tuple[str, ...]] = {}
    ignore_authors: tuple[str, ...] = ()
    competitors: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    complaint_words: dict[str, tuple[str, ...]] = {}
    sentiment_words: dict[str, float] = {}


class Source(Table):
    """[[sources]]: one configured place to read. `options` is the kind's own `Settings`."""

    name: str
    kind: str
    every: Span = timedelta(minutes=5)
    own_every: Span = timedelta(minutes=2)
    answerable: bool = True
    enabled: bool = True
    deadline: Span = timedelta(seconds=60)
    options: Any = None


class Channel(Table):
    """[[channels]]: one configured way to tell people. `options` is the kind's own `Settings`."""

    name: str
    kind: str
    deadline: Span = timedelta(seconds=30)
    options: Any = None


class Shift(Table):
    """When a person is on: weekdays and hours in the desk's zone."""

    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = ("mon", "tue", "wed", "thu", "fri")
    start: time = time(9)
    end: time = time(17)


class Person(Table):
    """[[people]]: somebody who answers. One table for Slack, mail and page names."""

    name: str
    role: Literal["viewer", "staff", "lead", "admin"] = "staff"
    email: str = ""
    slack: str = ""
    targets: tuple[str, ...] = ()  # how this person alone is reached: "email:ana@example.org", "slack:@U123"
    shifts: tuple[Shift, ...] = ()  # empty: always on


class Route(Table):
    """[[alerts.routes]]: the first rule that matches decides. An empty condition matches everything."""

    name: str = ""
    source: tuple[str, ...] = ()
    brand: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    stars_at_most: float | None = None
    reach_at_least: int | None = None
    notify: tuple[str, ...] = ()
    owner: str = ""
    priority: Priority | None = None


class StepSetting(Table):
    """One step of an escalation: after this share of the target, or after this span, tell these."""

    after: str  # "75%" of the target, or a span such as "5m"
    notify: tuple[str, ...]  # targets, person names, "channel" (the route's), "on_duty", "next", "leads"


class Alerts(Table):
    """[alerts]: who is told, how messages are gathered, what is urgent."""

    notify: tuple[str, ...] = ("console",)
    fallback: tuple[str, ...] = ()
    fallback_after: Span = timedelta(minutes=10)
    alert_not_older_than: Span = timedelta(hours=24)
    group_wait: Span = timedelta(seconds=60)
    group_join: Span = timedelta(hours=24)
    edit_every: Span = timedelta(minutes=5)
    messages_per_hour: int = Field(default=5, ge=1)
    brief_over: int = Field(default=3, ge=1)
    critical_words: tuple[str, ...] = ()
    routes: tuple[Route, ...] = ()
    escalation: dict[Priority, tuple[StepSetting, ...]] = {}
    claim_expires: dict[Priority, Span] = {}
    quiet_start: time = time(20)
    quiet_end: time = time(8)
    mention_people: tuple[Priority, ...] = ("critical", "urgent")
    sweep_at: tuple[time, ...] = (time(9), time(15))
    normal_list_at: time | None = time(16)
    automatic_replies: tuple[str, ...] = ()


class Block(Table):
    """One block of opening hours: these weekdays, from start to end."""

    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...]
    start: time
    end: time


class Targets(Table):
    """How soon: in opening hours, except critical, which runs around the clock."""

    first: Span
    next: Span
    resolve: Span


class Desk(Table):
    """[desk]: opening hours, holidays and targets."""

    hours: tuple[Block, ...] = (Block(days=("mon", "tue", "wed", "thu", "fri"), start=time(9), end=time(17)),)
    holidays: tuple[date, ...] = ()
    targets: dict[Priority, Targets] = {}
    around_the_clock: tuple[Priority, ...] = ("critical",)


class Digest(Table):
    """[digest]: the managers' letter."""

    to: tuple[str, ...] = ()
    weekday: Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"] = "mon"
    at: time = time(8)


class Settings(Table):
    """Everything, sound and whole."""

    file: Path
    earful: Earful = Earful()
    database: Database = Database()
    brands: tuple[Brand, ...]
    sources: tuple[Source, ...]
    channels: tuple[Channel, ...]
    people: tuple[Person, ...] = ()
    alerts: Alerts = Alerts()
    desk: Desk = Desk()
    digest: Digest = Digest()

    @property
    def zone(self) -> ZoneInfo:
        """The zone of opening hours, quiet hours and the digest."""
        return ZoneInfo(self.earful.zone)


__all__ = ["PRIORITIES", "Settings"]
