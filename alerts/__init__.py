"""How staff are told: one file a channel, its settings in it, and the rules of cases.

This package owns `Case`, `Alert`, `Letter`, `ChannelError`, `KINDS` and the rules (`case_policy`, `noise`,
`hours`: pure). It imports nothing of ours. A channel sends once; waiting and trying again are alerting's.

To add a channel: one file here with a `Settings` and a class with `send`, and one line in `KINDS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

from alerts.case import Priority

# kind -> "module:class". A library that nobody configured is never imported.
KINDS: dict[str, str] = {
    "console": "alerts.console:Console",
    "slack": "alerts.slack:Slack",
    "teams": "alerts.teams:Teams",
    "email": "alerts.email:Email",
    "webhook": "alerts.webhook:Webhook",
    "apprise": "alerts.apprise:Apprise",
    "pager": "alerts.pager:Pager",
}
TOLD_OF_CASES = frozenset({"webhook", "pager"})  # kinds that `TellsPrograms`: known by settings alone


@dataclass(frozen=True, slots=True)
class Action:
    """Something a person can do where the alert is shown. `url` is a signed link, where there is one.

    `case_id` is what it is done about: a case, or "incident:12", "problem:4".
    """

    verb: str
    label: str
    case_id: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One case in an alert, in the fewest words: who and where, the words themselves, why now, one link to answer.

    Without a `case_id` it speaks of several cases in one line, and `page_url` is where all of them are.

    For example: `@customer on X, third time in 30 days · posted 14:02` / `"Charged twice again, cancelling"` /
    `says: cancelling · 3 Nov never answered`. All text is foreign and unescaped: the channel escapes.
    """

    case_id: str
    headline: str
    excerpt: str
    facts: tuple[str, ...] = ()
    url: str = ""
    page_url: str = ""
    priority: Priority = "normal"
    standing: str = ""  # "taken by ANNA, 09:16"; empty while nobody has it
    actions: tuple[Action, ...] = ()
    point: tuple[str, ...] = ()  # the words that decided: what is cut of the excerpt keeps them


@dataclass(frozen=True, slots=True)
class ReplyWindow:
    """What somebody has before their eyes as they answer a case in public: what was said, who posts, how much fits.

    `said` are (who and when, words), oldest first. `carried` comes back with what was written: what was seen.
    """

    case_id: str
    network: str
    account: str
    longest: int
    opening: str
    said: tuple[tuple[str, str], ...]
    needs_lead: bool
    carried: Mapping[str, str]
    price: str = ""  # what it costs, in words
    drafts: bool = False  # whether a model may be asked for a draft
    told: str = ""  # what came of that
    box: str = "reply"  # the box's id: under the same one, what was written in it stays
    waits: bool = False  # a draft is being written: no box meanwhile, so that nothing typed into it can be lost


@dataclass(frozen=True, slots=True)
class Line:
    """One case in one line, with where to answer and its page."""

    text: str
    url: str = ""
    page_url: str = ""
    case_id: str = ""


@dataclass(frozen=True, slots=True)
class Alert:
    """What a person is told. One entry is one case; several are a story or a brief, the most urgent first.

    `key` is the same at every attempt of one delivery (and differs between deliveries), so that what was sent can be
    found again. `revision` counts edits; key and revision together name one thing said, at every attempt.
    `mentions` are the ids of every mention this message speaks of, listed or not; `more` is how many cases stand
    behind it beyond `entries`, and `page_url` is where all of them are. `ping` are people to mention by their address
    in that channel. `quiet` asks the channel not to make a sound where it can.
    """

    key: str
    reason: str
    title: str
    entries: tuple[Entry, ...]
    more: int = 0
    also: tuple[Line, ...] = ()  # one short line each for cases beyond `entries`, as many as the channel can carry
    mentions: tuple[str, ...] = ()
    ping: tuple[str, ...] = ()
    footer: str = ""
    thread: str = ""  # a root key that keeps follow-ups together (mail threading)
    revision: int = 0
    kind: Literal["case", "story", "brief", "notice"] = "case"
    priority: Priority = "normal"
    urgent: bool = False
    page_url: str = ""
    actions: tuple[Action, ...] = ()  # what can be done about the whole, not about one entry


@dataclass(frozen=True, slots=True)
class Letter:
    """A whole letter that was written elsewhere (the digest): subject, HTML and text. `key` becomes its Message-ID."""

    key: str
    subject: str
    html: str
    text: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a channel gave back: `reference` is enough to edit or thread on that message later (JSON, opaque)."""

    reference: str = ""


@dataclass(frozen=True, slots=True)
class CaseEvent:
    """What happened to a case, for a program. `id` is the same at every attempt, `sequence` grows with every event.

    `case` is the case as it stands when this is sent. `lost` (from, to, count) speaks of events that were given up.
    """

    id: str
    name: str
    sequence: int
    at: datetime
    who: str = ""
    why: str = ""
    case: Mapping[str, object] = field(default_factory=dict)
    lost: Mapping[str, int] = field(default_factory=dict)


class ChannelError(Exception):
    """The message did not verifiably arrive. Never holds a secret.

    `permanent`: this message will never go through as it is. `target_broken`: nothing will reach this target until a
    person has acted (`remedy`), whatever becomes of others. `channel_broken`: nothing will reach any target of the
    channel: it is the key, or what stands before all of them. `retry_after`: seconds the channel asks us to wait.
    `outcome_unknown`: it may have arrived. `too_large`: send it again shorter and plainer. `gone`: the message that was
    to be changed is not there any more, so that nobody reads in it what is no longer true.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        channel_broken: bool = False,
        target_broken: bool = False,
        retry_after: float | None = None,
        outcome_unknown: bool = False,
        too_large: bool = False,
        gone: bool = False,
        remedy: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.permanent = permanent
        self.channel_broken = channel_broken
        self.target_broken = target_broken
        self.retry_after = retry_after
        self.outcome_unknown = outcome_unknown
        self.too_large = too_large
        self.gone = gone
        self.remedy = remedy


class Channel(Protocol):
    """One configured channel. Made without touching the network; `send` may be called from several threads."""

    seconds_between: float  # least time between two messages to one target
    wakes: bool  # can it wake a person (a phone call, a push at night)?

    def send(self, message: Alert | Letter, target: str, *, plain: bool = False) -> Receipt:
        """Send once, or raise ChannelError. `plain` asks for the shortest, plainest form (after `too_large`)."""
        ...

    def check(self) -> str:
        """Ask the far side once, without telling anybody anything; return one line, or raise ChannelError."""
        ...


@runtime_checkable
class Editor(Protocol):
    """A channel whose messages can be changed in place and answered in a thread."""

    def edit(self, alert: Alert, target: str, receipt: Receipt) -> Receipt:
        """Replace the message of `receipt`."""
        ...

    def follow_up(self, alert: Alert, target: str, receipt: Receipt) -> Receipt:
        """Say something more below the message of `receipt`."""
        ...


@runtime_checkable
class TellsPrograms(Protocol):
    """A channel whose far side is a program: it is told of every event of a case.

    With `only_called`, only of cases about which this channel called people.
    """

    only_called: bool

    def tell(self, event: CaseEvent) -> None:
        """Say once what happened, or raise ChannelError; the receiver drops an id that it has seen."""
        ...


@runtime_checkable
class LooksUp(Protocol):
    """A channel that can say whether a message of which we heard nothing has arrived."""

    def look_up(
        self, key: str, revision: int, target: str, since: datetime, within: Receipt | None = None
    ) -> Receipt | None:
        """Return the receipt of the message sent under `key`, None if it is not there; raise ChannelError if unsure.

        `within`: it was said below the message of this receipt.
        """
        ...
