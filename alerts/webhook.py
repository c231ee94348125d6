"""A signed JSON webhook to a helpdesk or a script of one's own: a case was opened, taken, answered, closed.

With `preset` it makes a ticket in a helpdesk of each case that needs an answer (`helpdesks`), and tells nobody else.

`tell` says what happened to a case under a stable name and id (docs/programs.md); `send` and `edit` say what people are
told, under the names of before, until the next release.

The header `Earful-Signature: t=1767225600,v1=HEX` holds an HMAC-SHA256, under the shared secret, of the time, a dot,
and the body as it is sent. A receiver computes the same, compares in constant time, refuses what is older than five
minutes, and drops an `Earful-Delivery` that it has seen: what timed out is sent again under the same one.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
import urllib.request
from typing import Any, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, JsonValue, SecretStr, model_validator

from alerts import Alert, CaseEvent, ChannelError, Entry, Letter, Receipt, wording
from alerts.helpdesks import NEEDED, Preset, needs_ticket, ticket_of
from alerts.http import Answer, WireError, exchange

FRESH = 300  # seconds that a signature is good for
_WORDS = 10_000  # characters of somebody's words: a helpdesk wants them whole, but not a megabyte
_LISTED = 1_000  # mention ids


class Settings(BaseModel):
    """[[channels]] of kind "webhook". Its host is the operator's own, so it may be a private address."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: SecretStr = Field(description="the address to post to; a secret, since it often holds a key")
    secret: SecretStr | None = Field(
        None, description="shared with the receiver, at least 16 characters: signs each body; needed without preset"
    )
    preset: Preset | None = Field(
        None, description="makes tickets instead, in zendesk, freshdesk, zammad or chatwoot: docs/handover.md"
    )
    fields: dict[str, JsonValue] = Field(default_factory=dict, description="with preset: more values of each ticket")
    headers: dict[str, SecretStr] = Field(default_factory=dict, description="more headers, such as an API key")
    proxy: SecretStr | None = Field(
        None, description="a proxy for all calls; proxies set in the environment are ignored"
    )
    timeout: float = Field(15.0, gt=0, le=120, description="time limit in seconds for one call")
    pause: float = Field(0.0, ge=0, le=60, description="minimum seconds between two calls, if the receiver is slow")
    wakes: bool = Field(False, description="true if the receiver can wake someone at night")
    old_names: bool = Field(True, description="also send the old event names; removed in the next release")

    @model_validator(mode="after")
    def _usable(self) -> Self:
        try:
            parts = urlsplit(self.url.get_secret_value())
            sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        except ValueError:
            sound = False
        if not sound or not self.url.get_secret_value().isascii() or " " in self.url.get_secret_value():
            raise ValueError("url is not an http(s) address; copy it from the receiver")
        if self.secret is None and self.preset is None:
            raise ValueError("secret is missing; write at least 16 characters (openssl rand -hex 32)")
        if self.secret is not None and len(self.secret.get_secret_value()) < 16:
            raise ValueError("secret is too short; write at least 16 characters (openssl rand -hex 32)")
        missing = [name for name in NEEDED[self.preset] if name not in self.fields] if self.preset else []
        if missing:
            raise ValueError(f"fields needs {' and '.join(missing)} for {self.preset} (docs/handover.md)")
        if self.fields and self.preset is None:
            raise ValueError("fields has a meaning with preset only")
        for name, value in self.headers.items():
            if not re.fullmatch(r"[\w-]{1,100}", name, re.ASCII) or not value.get_secret_value().isprintable():
                raise ValueError(f"headers: {name!r} is not a valid header")
        return self


class Webhook:
    """Another system is told. It is sent to one address; `target` goes along as a word."""

    only_called = False

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.seconds_between = settings.pause
        self.wakes = settings.wakes

    def send(self, message: Alert | Letter, target: str, *, plain: bool = False) -> Receipt:
        """Post once. 2xx is taken; 408, 429 and 5xx come back later; other 4xx want a person."""
        if self.settings.preset is not None:  # settings refuse it as a target
            raise ChannelError("webhook: this one makes tickets, and alerts nobody", permanent=True)
        if self._is_old(message):
            return Receipt(json.dumps({"key": message.key}))
        said = _letter(message) if isinstance(message, Letter) else _alert(message, plain=plain)
        self._post({**said, "target": wording.clean_line(target)[:200]})
        return Receipt(json.dumps({"key": message.key}))

    def edit(self, alert: Alert, target: str, receipt: Receipt) -> Receipt:
        """Say that something has changed: the same key, a higher revision, how each case stands now."""
        if self._is_old(alert) or self.settings.preset is not None:
            return receipt
        self._post({**_alert(alert, event="case.changed"), "target": wording.clean_line(target)[:200]})
        return receipt

    def follow_up(self, alert: Alert, target: str, receipt: Receipt) -> Receipt:
        """Say more about the same cases."""
        self.send(alert, target)
        return receipt

    def tell(self, event: CaseEvent) -> None:
        """Say what happened to a case; the receiver drops an id that it has seen."""
        if self.settings.preset is not None:
            if event.name == "case.opened" and needs_ticket(event.case):
                self._exchange(_encoded(ticket_of(self.settings.preset, event.case, self.settings.fields)), event.id)
            return
        said: dict[str, Any] = {
            "event": event.name,
            "id": event.id,
            "sequence": event.sequence,
            "at": event.at.isoformat(),
        }
        if event.lost:
            said |= event.lost
        else:
            case = {key: _clean(key, value) for key, value in event.case.items()}
            said |= {"who": wording.excerpt(event.who, 200), "why": event.why, "case": case}
        self._post(said, event.id)

    def _is_old(self, message: Alert | Letter) -> bool:
        """Whether this is of cases, and the receiver wants events alone."""
        return not self.settings.old_names and isinstance(message, Alert) and message.kind != "notice"

    def check(self) -> str:
        """Send an event that says nothing happened; a helpdesk is asked for one ticket, and given none."""
        if self.settings.preset is not None:
            self._exchange(None)
            return f"{self.settings.preset} answers; a case that needs an answer becomes a ticket there"
        self._post({"event": "check", "key": "check"})
        return "the receiver answers"

    def _post(self, said: dict[str, Any], delivery: str = "") -> None:
        self._exchange(_encoded(said), delivery or _delivery(said), said["event"])

    def _exchange(self, body: bytes | None, delivery: str = "", event: str = "") -> None:
        """Post a body, signed where there is a secret; without one, look whether we would be let in."""
        settings, url = self.settings, self.settings.url.get_secret_value()
        headers = {
            **{name: value.get_secret_value() for name, value in settings.headers.items()},
            "Accept": "application/json",
            "User-Agent": "Earful",
        }
        if body is None:
            url += ("&" if urlsplit(url).query else "?") + "per_page=1"
        else:
            headers |= {"Content-Type": "application/json; charset=utf-8", "Idempotency-Key": delivery}
            headers |= {"Earful-Delivery": delivery, **({"Earful-Event": event} if event else {})}
        if body is not None and settings.secret is not None:
            stamp = str(int(time.time()))
            headers["Earful-Signature"] = f"t={stamp},v1={signature(settings.secret, stamp, body)}"
        request = urllib.request.Request(url, body, headers)  # noqa: S310
        proxy = settings.proxy.get_secret_value() if settings.proxy else ""
        try:
            answer = exchange(request, settings.timeout, proxy=proxy)
        except WireError as error:
            raise ChannelError(f"webhook: {error.reason}", outcome_unknown=error.left, remedy=error.remedy) from None
        if not 200 <= answer.status < 300:
            raise _refused(answer)
        if settings.preset is not None and answer.is_web_page:  # a sign-in page: no ticket was made
            remedy = "check `url` of that channel, and whether a proxy asks for a sign-in"
            raise ChannelError("webhook: a web page answered, not the helpdesk", channel_broken=True, remedy=remedy)


def _encoded(said: dict[str, Any]) -> bytes:
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _delivery(said: dict[str, Any]) -> str:
    return hashlib.sha256(f"{said['key']}#{said.get('revision', 0)}".encode()).hexdigest()[:32]


def _clean(key: str, value: object) -> object:
    """Foreign words as one clean line; an address is a link or nothing."""
    if not isinstance(value, str):
        return value
    return wording.link(value) if key.endswith("_url") else wording.excerpt(value, _WORDS)


def signature(secret: SecretStr, stamp: str, body: bytes) -> str:
    """Sign `body` as sent at `stamp` (seconds since 1970, as text)."""
    return hmac.new(secret.get_secret_value().encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def _refused(answer: Answer) -> ChannelError:
    status = answer.status
    said = f"webhook: the receiver answered {status}"
    if status in {408, 425, 429, 503} or status >= 500:
        wait = answer.headers.get("retry-after", "")
        after = float(min(max(int(wait), 1), 3600)) if wait.isdecimal() and len(wait) < 10 else None
        return ChannelError(said, retry_after=after, outcome_unknown=status == 504)
    if status == 413:
        return ChannelError(said, too_large=True)
    if 300 <= status < 400:
        return ChannelError(said, channel_broken=True, remedy="write the address it redirects to into `url`")
    if status in {401, 403, 404, 405, 410}:
        remedy = "check `url`, `secret`, `headers` and `fields` of that channel"
        return ChannelError(said, channel_broken=True, remedy=remedy)
    if status in {400, 409, 422}:
        return ChannelError(said, permanent=True)
    return ChannelError(said)


def _alert(alert: Alert, *, plain: bool = False, event: str = "") -> dict[str, Any]:
    words = 500 if plain else _WORDS
    entries = alert.entries[:1] if plain else alert.entries
    behind = len(alert.entries) - len(entries)
    said: dict[str, Any] = {
        "event": event or f"case.{_event(alert.reason)}",
        "key": _text(alert.key),
        "revision": alert.revision,
        "kind": alert.kind,
        "reason": wording.excerpt(alert.reason, 200),
        "title": wording.excerpt(alert.title, 300),
        "priority": alert.priority,
        "cases": [_case(entry, words) for entry in entries],
        "more": max(alert.more, len(alert.also)) + behind,
        "footer": wording.excerpt(alert.footer, 500),
    }
    if not plain:
        said["also"] = [wording.excerpt(line.text, 200) for line in alert.also[:200]]
        said["mentions"] = [_text(mention) for mention in alert.mentions[:_LISTED]]
        said["mentions_left_out"] = max(len(alert.mentions) - _LISTED, 0)
    return said


def _case(entry: Entry, words: int) -> dict[str, Any]:
    return {
        "id": _text(entry.case_id),
        "headline": wording.excerpt(entry.headline, 300),
        "words": wording.excerpt(entry.excerpt, words),
        "facts": [wording.excerpt(fact, 300) for fact in entry.facts[:20]],
        "url": wording.link(entry.url),
        "page_url": wording.link(entry.page_url),
        "priority": entry.priority,
        "standing": wording.excerpt(entry.standing, 300),
    }


def _letter(letter: Letter) -> dict[str, Any]:
    text = "\n".join(wording.clean_line(line) for line in letter.text[:200_000].splitlines())
    return {"event": "letter", "key": _text(letter.key), "subject": wording.excerpt(letter.subject, 300), "text": text}


def _event(reason: str) -> str:
    """Return the first word of a reason, fit for a name: "opened", "taken", "answered", "closed", "reminder"."""
    word = wording.clean_line(reason[:200]).partition(" ")[0].lower()
    return word if word.isidentifier() and word.isascii() else "told"


def _text(value: str) -> str:
    return wording.clean_line(value[:500])
