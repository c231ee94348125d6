"""What a tracker of issues speaks: an issue is created because a person pressed, and asked after until it is closed.

A tracker is neither a network that is read for posts nor a channel that alerts people: it is written to and asked, as
the writing half of a network is, and of each attempt it says the same three things (`connectors.writing`): created,
not created, or nobody can tell, and then it is looked up before anything is tried again. None has a key against doubles
of its own, so each issue bears a mark of ours by which it is found. `connectors.TRACKERS` names the kinds; none is
loaded that settings do not name.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from connectors.inbound.proof import Proof

# "declined": closed without having been done. Only "fixed" tells anybody that their trouble is over.
IssueState = Literal["open", "fixed", "declined"]


@dataclass(frozen=True, slots=True)
class Issue:
    """One issue as the tracker shows it: its name there ("acme/kettle#12", "KET-12"), and how it was closed."""

    native_id: str
    url: str
    state: IssueState
    said: str = ""  # the tracker's own word for how it was closed


class Unseen(Exception):
    """The tracker shows no such issue: it was deleted, or the token may no longer see it. It can't say which."""


class Tracker(Protocol):
    """One configured tracker. It is made without touching the network, and may be used by several threads."""

    network: str  # its name, for people
    place: str  # where issues are created: "acme/kettle", "KET"
    longest_title: int
    longest: int  # characters of the text

    def create(self, title: str, text: str, key: str, now: datetime, /) -> Issue:
        """Create an issue that bears the mark of `key`. Raises NotWritten or Unsure."""
        ...

    def look_up(self, key: str, since: datetime, now: datetime, /) -> Issue | None:
        """The issue with the mark of `key`, created after `since`; a ConnectorError where nobody can tell."""
        ...

    def ask(self, native_id: str, now: datetime, /) -> Issue:
        """How an issue stands. Raises Unseen, or a ConnectorError."""
        ...

    def name_of(self, url: str, /) -> str:
        """The issue of this tracker that an address leads to, by its name there; "" for none of this place."""
        ...

    def check(self, now: datetime, /) -> str:
        """Where issues would be created, as the tracker says; a ConnectorError where they can't."""
        ...

    @property
    def proof(self) -> Proof:
        """What a webhook has to show."""
        ...

    def named(self, body: bytes, /) -> str:
        """The issue that a webhook speaks of, by its name there; "" for none. Nothing else of it is believed."""
        ...


def mark(key: str) -> str:
    """The mark of a key: what an issue is found by. Nobody else knows it."""
    return f"earful-{key}"


def document_of(body: bytes) -> dict[str, Any]:
    """The object in a webhook's body; an empty one where there is none."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def inner(value: Any, *way: str) -> Any:
    """What lies in an object at the end of these keys; None where it is of another shape."""
    for name in way:
        value = value.get(name) if isinstance(value, dict) else None
    return value
