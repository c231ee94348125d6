"""What the writing half of a network speaks: a reply in public, written because a person pressed for exactly that text.

A writing half is `connectors/<network>/reply.py`, named in `connectors.WRITERS`. It is loaded for a source with
`reply = true` alone, and has credentials of its own. It knows no case, person or store. Of each attempt it says one of
three things: it is written (`Written`), it is not (`NotWritten`), or nobody can tell (`Unsure`), and then it is looked
up before anything is tried again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from connectors import ConnectorError, Nonsense, Post, Refused, Unreached
from connectors.answers import Answer, error_for
from connectors.http import Http, host_of, json_of
from connectors.text import clean, plain

CLOCKS = timedelta(minutes=5)  # by which a network's clock may differ from ours
# A link as networks count it: it ends where letters of other scripts go on without a blank, as in Japanese.
COUNTED_LINK = re.compile(r"https?://[!-~]*[\w/&=#%+~-]", re.ASCII)
_LONGEST_WORDS = 200  # characters of what a network says about a refusal
_SAYS = (
    "error_description", "message", "error", "detail", "errorMessages", "errors", "errorMessage", "title", "reason",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Standing:
    """Who would write, as the network knows it: the account as people write it, and how many characters fit."""

    account: str
    longest: int


@dataclass(frozen=True, slots=True)
class Written:
    """A reply that stands in public: its id and address there, and the network's own time."""

    native_id: str
    url: str
    at: datetime


class NotWritten(ConnectorError):
    """Nothing was written. The message holds what the network said, `remedy` what a person can do."""


class Unsure(ConnectorError):
    """Whether it was written is not known: the answer never came, or could not be read."""


class Writer(Protocol):
    """The writing half of one configured source. It is made without touching the network."""

    network: str  # its name, for people
    price: str  # what a reply costs, in words to read before the press; "" where it is free
    looks_up: bool  # whether it can find its own reply again
    takes_back: bool  # whether the network lets it delete one

    def standing(self, now: datetime, /) -> Standing:
        """Ask who would write; raises a ConnectorError."""
        ...

    def opening(self, post: Post, /) -> str:
        """How a reply to this post begins, so that its author hears of it; "" where the network sees to that."""
        ...

    def refusal(self, post: Post, /) -> str:
        """Why the network's rules let nobody answer this post by this way, in words for people; "" where they do."""
        ...

    def length(self, text: str, /) -> int:
        """How many characters a text has as this network counts."""
        ...

    def reply(self, post: Post, text: str, key: str, now: datetime, /) -> Written:
        """Answer `post` in public with `text`, once for a `key`. Raises NotWritten or Unsure."""
        ...

    def look_up(self, post: Post, text: str, key: str, since: datetime, now: datetime, /) -> Written | None:
        """Whether the reply of this key stands, written after `since`; a ConnectorError where nobody can tell."""
        ...

    def answers(self, native_id: str, now: datetime, /) -> int | None:
        """How many posts answer this reply of ours; None where it stands no more. Raises a ConnectorError."""
        ...

    def take_back(self, native_id: str, now: datetime, /) -> None:
        """Delete a reply of ours; one that is gone is gone. NotWritten: it stands; Unsure: nobody can tell."""
        ...


def send(
    http: Http, method: str, url: str, headers: Mapping[str, str], body: bytes = b"", *, refuses: str = ""
) -> tuple[Any, Answer]:
    """Send what changes something in public, and read the JSON that comes back.

    A status that says no is NotWritten in the network's words, with `refuses` as what to do. All after which nobody
    can tell (no answer, half of one, a fault of the server) is Unsure.
    """
    where = host_of(url)
    try:
        answer = http.send(method, url, headers={"Accept": "application/json", **headers}, body=body or None)
    except Unreached as error:
        raise NotWritten(f"{error.message}; nothing was sent", error.remedy) from error
    except ConnectorError as error:
        raise Unsure(error.message) from error
    status = answer.status
    if status >= 500 or status == 408 or 300 <= status < 400:
        raise Unsure(f"{where} answered {status}")
    if status >= 400:
        raise NotWritten(f"{where} answered {status}{_said(answer)}", _remedy(status, refuses))
    if not answer.body.strip():
        return None, answer
    try:
        return json_of(answer), answer
    except Nonsense as error:
        raise Unsure(error.message) from error


def sound(answer: Answer, where: str, now: datetime, renew: str) -> Any:
    """The JSON of an answer, or the error that fits it; `renew` is what to do where the credentials are refused."""
    error = error_for(answer, where, now)
    if isinstance(error, Refused):
        raise Refused(error.message, renew)
    if error is not None:
        raise error
    return json_of(answer)


def sound_object(answer: Answer, where: str, now: datetime, renew: str) -> dict[str, Any]:
    """As `sound`, where only an object will do."""
    found = sound(answer, where, now, renew)
    if not isinstance(found, dict):
        raise Nonsense(f"{where} answered with something that is not an object", "Check api_url.")
    return found


@contextmanager
def nothing_sent_yet() -> Iterator[None]:
    """Around what is asked before a reply leaves: whatever fails there, nothing was written."""
    try:
        yield
    except NotWritten:
        raise
    except ConnectorError as error:
        raise NotWritten(f"{error.message}; nothing was sent", error.remedy) from error


def delete(call: Callable[[], object], answers: Callable[[], int | None]) -> None:
    """Delete a reply by `call`. A network that says no may mean that it is gone: `answers` says whether it stands.

    It is over where the network has said that it is gone, by one or the other. NotWritten: it stands, or nothing left
    this machine. Unsure: the network said no, and can't be asked; whoever calls has to look later.
    """
    try:
        call()
    except NotWritten as refused:
        if refused.__cause__ is not None:  # it never left
            raise
        try:
            stands = answers() is not None
        except ConnectorError as error:
            raise Unsure(f"{refused.message}; then {error.message}") from error
        if stands:
            raise


def bare(text: object) -> str:
    """A text as it is compared with what a network shows: however its lines and spaces are."""
    return " ".join(clean(text).split()) if isinstance(text, str) else ""


def _remedy(status: int, refuses: str) -> str:
    if status == 401:
        return "The credentials for replies are refused: renew them in this source's settings, then reload."
    if status == 403 and not refuses:
        return "This account may not do that here: check the rights of the credentials for replies, or answer there."
    if status == 429:
        return "The network asks for patience: press again in a few minutes."
    return refuses or "Change the text, or answer on the network itself."


def _said(answer: Answer) -> str:
    """What the network says about its refusal, in one short line, or nothing."""
    try:
        words = _words(json.loads(answer.body.decode("utf-8", "replace")), 0)
    except (ValueError, RecursionError):
        return ""
    words = " ".join(plain(clean(words)).split())
    return f': "{words[:_LONGEST_WORDS]}"' if words else ""


def _words(value: Any, depth: int) -> str:
    """The first words in an answer that are meant for people."""
    if isinstance(value, str):
        return value
    if depth > 4:
        return ""
    if isinstance(value, list):
        return "; ".join(filter(None, (_words(each, depth + 1) for each in value[:3])))
    if isinstance(value, dict):
        for name in _SAYS:
            if found := _words(value.get(name), depth + 1):
                return found
        told = value.get("errors")  # by field, as Jira has them
        if isinstance(told, dict):
            return "; ".join(f"{name}: {words}" for name, words in list(told.items())[:3] if isinstance(words, str))
    return ""
