"""settings.toml -> frozen models. All faults at once, each with file, key, what was found and what to write.

Every leaf (a source's kind, a channel's kind) brings its own `Settings`; here stands what is common to all, with the
defaults that ship. The reason of each default stands beside it in the shipped settings.toml, and a test holds the two
together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

import connectors
from alerts.case import Priority
from connectors.durations import span
from monitor.settings.addresses import is_loopback
from monitor.text.trades import Trade

EXIT = 78  # EX_CONFIG of sysexits.h: systemd is told not to try again

_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]|24(?=:00)):([0-5][0-9])")
_LISTEN = r"(\[[0-9a-fA-F:]+\]|[\w.-]+):([0-9]{1,5})"
_SHARE = re.compile(r"([0-9]{1,4})%")


def clock(text: object) -> time:
    """Read a time of day such as "09:00"; TOML's own 09:00:00 is understood too, and "24:00" for midnight."""
    if isinstance(text, time) and text.tzinfo is None:
        return text
    found = _CLOCK.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        raise ValueError('write a time of day such as "09:00"')
    return time(int(found[1]) % 24, int(found[2]))


# Beyond these a zone's offset leads out of what a date can be: nothing that people write is taken from there.
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def day(text: object) -> date:
    """Read a day such as 2026-12-25, with or without quotes."""
    try:
        plain = isinstance(text, date) and not isinstance(text, datetime)
        found = text if plain else date.fromisoformat(text if isinstance(text, str) else "")
    except ValueError:
        raise ValueError("write a day such as 2026-12-25") from None
    assert isinstance(found, date)
    if not EARLIEST.year <= found.year < LATEST.year:
        raise ValueError("write a day between 2000 and 2100, such as 2026-12-25")
    return found


def after(text: object) -> str:
    """Read when a step comes: a share of the target ("75%") or a span ("5m")."""
    if isinstance(text, str) and _SHARE.fullmatch(text.strip()):
        return text.strip()
    try:
        span(text)
    except ValueError:
        raise ValueError('write a share of the target such as "75%", or a duration such as "5m"') from None
    return str(text).strip()


def step_after(text: str, target: timedelta) -> timedelta:
    """How long after a case's start a step comes: "75%" of `target`, or the span itself."""
    share = _SHARE.fullmatch(text)
    return target * int(share[1]) / 100 if share else span(text)


def network(text: object) -> str:
    """Read a network such as "10.0.0.0/8", or one address."""
    try:
        return str(ip_network(text.strip(), strict=False)) if isinstance(text, str) else str(ip_network(""))
    except ValueError:
        raise ValueError('write a network such as "10.0.0.0/8", or one address') from None


Wait = Annotated[timedelta, BeforeValidator(span), Field(le=timedelta(days=3660))]
Period = Annotated[timedelta, BeforeValidator(span), Field(ge=timedelta(seconds=1), le=timedelta(days=3660))]
Clock = Annotated[time, BeforeValidator(clock)]
Day = Annotated[date, BeforeValidator(day)]
Network = Annotated[str, BeforeValidator(network)]
After = Annotated[str, BeforeValidator(after)]
Name = Annotated[str, Field(pattern=r"^[^\s:\x00-\x1f][^:\x00-\x1f]{0,63}$")]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

WORKING_WEEK: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri")


class Table(BaseModel):
    """A table of settings.toml: unknown keys are faults, values do not change after loading."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True)


_KEPT = Field(ge=timedelta(days=30), le=timedelta(days=3660))


class Earful(Table):
    """[earful]: what belongs to the whole installation."""

    zone: str = "UTC"
    page_url: str = Field(default="http://127.0.0.1:8321", pattern=r"^https?://[^\s/?#@]+[^\s?#]*$")
    page_listen: str = Field(default="127.0.0.1:8321", pattern=f"^{_LISTEN}$")
    metrics_listen: str = Field(default="", pattern=f"^({_LISTEN})?$")  # /metrics alone, without a token
    trusted_proxies: tuple[Network, ...] = ()  # whose X-Forwarded-For is believed
    operator: tuple[str, ...] | None = None  # None: where the alerts go
    retention: Annotated[timedelta, BeforeValidator(span), Field(ge=timedelta(days=1))] = timedelta(days=365)
    audit_retention: Annotated[
        timedelta, BeforeValidator(span), Field(ge=timedelta(days=30), le=timedelta(days=3660))
    ] = timedelta(days=365)
    close_answered_after: Period = timedelta(days=14)
    close_listed_after: Period = timedelta(days=30)
    first_look_back: Wait = timedelta(hours=24)
    dead_man_url: SecretStr | None = None
    log: Literal["text", "json"] = "text"
    mcp_verbs: bool = False
    state_folder: Path | None = None
    user_header: str = Field(default="", pattern=r"^([A-Za-z][A-Za-z0-9-]*)?$")  # of trusted_proxies alone
    admin_factor: bool = False  # admins need a second factor to log in

    @model_validator(mode="before")
    @classmethod
    def _address_follows_listen(cls, given: Any) -> Any:
        """Without a page_url, links lead to where the page listens on this machine, not to the default's port."""
        if not isinstance(given, dict) or "page_url" in given:
            return given
        found = re.fullmatch(_LISTEN, str(given.get("page_listen")))
        if not found or not int(found[2]):
            return given
        host = "127.0.0.1" if found[1] in {"0.0.0.0", "[::]"} else found[1]  # noqa: S104 - compared, not listened on
        return {**given, "page_url": f"http://{host}:{found[2]}"}


class Database(Table):
    """[database]: one SQLite file beside the settings, or a PostgreSQL address."""

    url: SecretStr = SecretStr("sqlite:earful.sqlite")
    throwaway: bool = False  # the demo's: begin with an empty database at every start


class Brand(Table):
    """[[brands]]: what is listened for."""

    name: Name
    was: tuple[Name, ...] = ()  # former names: what stands under them is this brand's
    query: str
    accounts: dict[str, tuple[str, ...]] = {}
    ignore_authors: tuple[str, ...] = ()
    competitors: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    complaint_words: dict[str, tuple[str, ...]] = {}
    sentiment_words: dict[str, Annotated[float, Field(ge=-4, le=4)]] = {}
    trade: Trade = "general"  # whose list its causes begin with
    voice: str = Field(default="", max_length=500)  # how it speaks to people, for the assistant's drafts


class Competitor(Table):
    """[[competitors]]: somebody else's brand, whose share of what is said is measured. Nobody is ever alerted of it."""

    name: Name
    was: tuple[Name, ...] = ()  # former names: what was said under them is this competitor's
    query: str


class Source(Table):
    """[[sources]]: one configured place to read. `options` is the kind's own `Settings`."""

    name: Name = ""  # never empty once it is read: without one it is the kind
    was: tuple[Name, ...] = ()  # former names: what stands under them is this source's
    kind: str
    every: Period = timedelta(minutes=5)
    own_every: Period = timedelta(minutes=2)
    about: str = ""  # the brand that every post of it is about; "": whichever the posts name
    answerable: bool = True
    competitors: bool | None = None  # whether it is asked for competitors, too; None: if that costs nothing
    enabled: bool = True
    retention: Annotated[timedelta, BeforeValidator(span), Field(ge=timedelta(days=1))] | None = None
    deadline: Period = timedelta(seconds=60)
    reply: bool = False  # people may answer from here, in public, with credentials made for that
    reply_approval: bool = False  # what staff write there is posted by a lead
    options: Any = None
    reply_options: Any = None  # the writing half's own `ReplySettings`; None where replies are off


class Tracker(Table):
    """[[trackers]]: where a case or a problem can become an issue. `options` is the kind's own `Settings`."""

    name: Name = ""  # never empty once it is read: without one it is the kind
    kind: str
    options: Any = None


class Channel(Table):
    """[[channels]]: one configured way to tell people. `options` is the kind's own `Settings`."""

    name: Name = ""  # never empty once it is read: without one it is the kind
    kind: str
    # A channel is held that long, and a hold of ten minutes counts as one of a clock that was wrong.
    deadline: Annotated[Period, Field(le=timedelta(minutes=5))] = timedelta(seconds=30)
    options: Any = None


class Shift(Table):
    """When a person is on: weekdays and hours on their own clock; an end at 00:00 is the end of the day."""

    days: tuple[Weekday, ...] = WORKING_WEEK
    start: Clock = time(9)
    end: Clock = time(17)


class Person(Table):
    """[[people]]: somebody who answers. One table for Slack, mail and page names."""

    name: Name
    role: Literal["viewer", "staff", "lead", "admin"] = "staff"
    email: str = ""
    slack: str = ""
    targets: tuple[str, ...] = ()  # how this person alone is reached: "email:ana@example.org", "slack:@U123"
    shifts: tuple[Shift, ...] = ()  # empty: in the desk's hours
    zone: str = ""  # whose clocks the shifts follow; empty: the installation's
    speaks: tuple[str, ...] = ()  # codes of languages, such as "de": whoever speaks a post's is called first


class Route(Table):
    """[[alerts.routes]]: the first rule that matches decides. An empty condition matches everything."""

    name: str = ""
    source: tuple[str, ...] = ()
    brand: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    stars_at_most: float | None = Field(default=None, ge=1, le=5)
    reach_at_least: int | None = Field(default=None, ge=0)
    notify: tuple[str, ...] = ()
    owner: str = ""
    priority: Priority | None = None


class StepSetting(Table):
    """One step of an escalation: after this share of the target, or after this span, tell these."""

    after: After  # "75%" of the target, or a span such as "5m"
    notify: tuple[str, ...] = Field(min_length=1)  # targets, people, or one of KEYWORDS


# What a step's `notify` may say beside targets and people: the route's channel again, who is on duty, the next person
# of the rota (the backup), the leads (the managers).
KEYWORDS = ("channel", "on_duty", "next", "leads")

ESCALATION: dict[Priority, tuple[StepSetting, ...]] = {
    "critical": (StepSetting(after="5m", notify=("next",)), StepSetting(after="15m", notify=("leads",))),
    "urgent": (
        StepSetting(after="75%", notify=("channel",)),
        StepSetting(after="100%", notify=("next",)),
        StepSetting(after="150%", notify=("leads",)),
    ),
    "normal": (),  # told in one list at `normal_list_at`
    "gentle": (),
}
CLAIM_EXPIRES: dict[Priority, timedelta] = {
    "critical": timedelta(minutes=30),
    "urgent": timedelta(hours=2),
    "normal": timedelta(hours=2),
    "gentle": timedelta(hours=2),
}

AUTOMATIC_REPLIES = (
    "we have received your message",
    "we received your message",
    "thank you for contacting us",
    "thanks for contacting us",
    "this is an automated reply",
    "this is an automatic reply",
    "out of office",
    "wir haben Ihre Nachricht erhalten",
    "wir haben deine Nachricht erhalten",
    "nous avons bien reçu votre message",
    "hemos recibido tu mensaje",
    "hemos recibido su mensaje",
    "abbiamo ricevuto il tuo messaggio",
    "recebemos a sua mensagem",
    "recebemos sua mensagem",
    "we hebben je bericht ontvangen",
    "we hebben uw bericht ontvangen",
)


def _over(defaults: Mapping[Any, Any]) -> BeforeValidator:
    """A table per priority: what the file leaves out keeps its default."""
    return BeforeValidator(lambda given: {**defaults, **given} if isinstance(given, dict) else given)


class Alerts(Table):
    """[alerts]: who is told, how messages are gathered, what is urgent."""

    notify: tuple[str, ...] = ("console",)
    fallback: tuple[str, ...] = ()
    fallback_after: Wait = timedelta(minutes=10)
    alert_not_older_than: Period = timedelta(hours=24)
    group_wait: Wait = timedelta(seconds=60)  # critical cases never wait
    group_join: Wait = timedelta(hours=24)
    edit_every: Wait = timedelta(minutes=5)
    messages_per_hour: int = Field(default=6, ge=1, le=1000)
    brief_over: int = Field(default=3, ge=1, le=1000)
    critical_words: tuple[str, ...] = ()
    routes: tuple[Route, ...] = ()
    escalation: Annotated[dict[Priority, tuple[StepSetting, ...]], _over(ESCALATION)] = ESCALATION
    claim_expires: Annotated[dict[Priority, Period], _over(CLAIM_EXPIRES)] = CLAIM_EXPIRES
    # Taken for one more release, as daily hours of whoever has no shifts (monitor/settings/rules.py); then they go.
    quiet_start: Clock | None = None
    quiet_end: Clock | None = None
    mention_people: tuple[Priority, ...] = ("critical", "urgent")
    sweep_at: tuple[Clock, ...] = (time(9), time(15))
    offer_quiet: int = Field(default=5, ge=0, le=100)  # a day, all brands together; 0: none
    normal_list_at: Clock | None = time(16)
    automatic_replies: tuple[str, ...] = AUTOMATIC_REPLIES


class Block(Table):
    """One block of opening hours: these weekdays, from start to end; an end before the start is on the next day."""

    days: tuple[Weekday, ...] = Field(min_length=1)
    start: Clock
    end: Clock


class Targets(Table):
    """How soon: in opening hours, except critical, which runs around the clock."""

    first: Period
    next: Period
    resolve: Period


def _hours(first: float, following: float, resolve: float) -> Targets:
    return Targets(first=timedelta(hours=first), next=timedelta(hours=following), resolve=timedelta(hours=resolve))


TARGETS: dict[Priority, Targets] = {
    "critical": _hours(0.5, 0.5, 4),
    "urgent": _hours(1, 1, 8),
    "normal": _hours(4, 4, 16),
    "gentle": _hours(8, 8, 40),
}


def _targets(given: object) -> object:
    """What [desk.targets] leaves out, whole priorities or single spans, keeps its default."""
    if not isinstance(given, dict):
        return given
    whole: dict[Any, Any] = dict(TARGETS)
    for priority, spans in given.items():
        known = TARGETS.get(priority)
        whole[priority] = {**known.model_dump(), **spans} if known and isinstance(spans, dict) else spans
    return whole


class Desk(Table):
    """[desk]: opening hours, holidays and targets."""

    hours: tuple[Block, ...] = Field(default=(Block(days=WORKING_WEEK, start=time(9), end=time(17)),), min_length=1)
    holidays: tuple[Day, ...] = ()
    targets: Annotated[dict[Priority, Targets], BeforeValidator(_targets)] = TARGETS
    around_the_clock: tuple[Priority, ...] = ("critical",)


class Digest(Table):
    """[digest]: the managers' letter."""

    to: tuple[str, ...] = ()
    weekday: Weekday = "mon"
    at: Clock = time(8)


class Judge(Table):
    """[judge]: models beside the one that ships: the reader, and folders of the operator's own.

    The [reader] extra runs the first two, the [onnx] extra the others.
    """

    reader: bool = False  # a second look at the list
    reader_teaches: bool = False  # it reads every post, and staff teach over its figures, unless an encoder is named
    encoder: Path | None = None  # sentences as figures: features of what staff teach
    classifier: Path | None = None
    negative_labels: tuple[str, ...] = ()  # of the classifier's; empty: those whose names say so


class Oidc(Table):
    """[oidc]: logging in at your own provider of sign-on (OpenID Connect). The [oidc] extra speaks to it."""

    issuer: str = Field(
        default="", pattern=r"^(https://[^\s?#@]+|http://(127\.0\.0\.1|localhost|\[::1\])[^\s?#@]*)?$",
        description="The provider's address; without one, this login is off.",
    )  # fmt: skip
    client_id: str = Field(default="", description="The client id from the provider.")
    client_secret: SecretStr | None = Field(
        default=None, description="The client secret from the provider; none with PKCE only."
    )
    name_claim: str = Field(default="name", description="The claim with the name colleagues see.")
    role_claim: str = Field(default="groups", description='The claim with the groups; "a.b" if nested.')
    roles: dict[Literal["viewer", "staff", "lead", "admin"], tuple[str, ...]] = Field(
        default={}, description="The groups for each role."
    )
    otherwise: Literal["nobody", "viewer", "staff"] = Field(
        default="nobody", description='The role of people in none of them; "nobody" refuses them.'
    )
    label: str = Field(default="Log in with single sign-on", max_length=60, description="The button's label.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.issuer and not self.client_id:
            raise ValueError("write the client_id from the provider, or leave out issuer")
        return self


class Assistant(Table):
    """[assistant]: a language model of your own, for drafts, translation and questions. Off without an address."""

    address: str = Field(
        default="", pattern=r"^(https?://[^\s?#@]+)?$",
        description="The server's OpenAI-compatible base address; without one, the assistant is off.",
    )  # fmt: skip
    model: str = Field(default="", max_length=200, description="The model's name, as the server knows it.")
    key: SecretStr | None = Field(default=None, description="The server's API key, if it wants one.")
    daily_budget: int = Field(default=200, ge=1, le=100_000, description="At most this many answers a day.")
    deadline: Period = Field(default=timedelta(seconds=60), description="How long one answer may take.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.address and not self.model:
            raise ValueError("write the model's name, as the server knows it, or leave out address")
        return self

    @property
    def elsewhere(self) -> str:
        """The host that posts are sent to where that is not this machine; "" where it is, or nothing is sent."""
        host = urlsplit(self.address).hostname or ""
        return "" if is_loopback(host) else host


class Settings(Table):
    """Everything, sound and whole."""

    file: Path
    earful: Earful = Earful()
    database: Database = Database()
    brands: tuple[Brand, ...]
    sources: tuple[Source, ...]
    channels: tuple[Channel, ...]
    competitors: tuple[Competitor, ...] = ()
    trackers: tuple[Tracker, ...] = ()
    people: tuple[Person, ...] = ()
    alerts: Alerts = Alerts()
    desk: Desk = Desk()
    digest: Digest = Digest()
    judge: Judge = Judge()
    oidc: Oidc = Oidc()
    assistant: Assistant = Assistant()
    fingerprint: str = ""  # sha256 of the file's bytes: a reload knows whether anything changed
    given: frozenset[str] = frozenset()  # the keys that the file itself sets, as "alerts.group_wait"
    from_elsewhere: frozenset[str] = frozenset()  # the keys whose values are in the environment or a file: never shown
    warnings: tuple[str, ...] = ()  # sound, and yet worth a look
    whole: bool = True  # every secret was there; False only for commands that need none

    @property
    def zone(self) -> ZoneInfo:
        """The zone of opening hours, the digest, and of people without one of their own."""
        return ZoneInfo(self.earful.zone)

    @property
    def operator(self) -> tuple[str, ...]:
        """Who is told of failing sources and full disks: as set, else whoever is alerted."""
        return self.alerts.notify if self.earful.operator is None else self.earful.operator

    def retention_of(self, source: str) -> timedelta:
        """How long posts of a source are kept: as its settings say, else as is usual for its network, else as all."""
        usual = self.earful.retention
        for each in self.sources:
            if each.name == source:
                return each.retention or min(connectors.RETENTION.get(each.kind, usual), usual)
        return usual

    def asked_after(self) -> tuple[str, ...]:
        """The sources that can be asked whether a post still stands."""
        return tuple(each.name for each in self.sources if each.kind in connectors.ASKED_AFTER and each.enabled)

    @property
    def state_folder(self) -> Path:
        """Where Earful keeps files of its own: beside the SQLite file, else as set, else beside the settings."""
        kind, _, path = self.database.url.get_secret_value().partition(":")
        return Path(path).parent if kind == "sqlite" else self.earful.state_folder or self.file.parent

    def listening_on(self, address: str) -> Settings:
        """The same settings with the page at another address, "HOST:PORT"; "" leaves it."""
        if not address:
            return self
        return self.model_copy(update={"earful": self.earful.model_copy(update={"page_listen": address})})

    def where(self, key: str) -> Literal["file", "default"]:
        """Where a value comes from: `key` is written as in a fault, "sources[0].every"."""
        return "file" if key in self.given else "default"
