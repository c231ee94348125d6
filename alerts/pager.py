"""A pager: PagerDuty by its Events API v2, and services that take the same form.

Each message is one event whose deduplication key is the case's: what calls again about a case adds to the incident that
is open there. Taken here, the incident is acknowledged; answered or closed here, it is resolved; open again here, it is
resolved as well, since an acknowledged one keeps silent and the next call has to ring.
https://developer.pagerduty.com/docs/events-api-v2/trigger-events/
https://developer.pagerduty.com/docs/events-api-v2/overview/ (202 is taken; 429 and 5xx are tried again)

An acknowledgement there comes back as a webhook (alerts/pager_webhook.py), which names the person by id and name alone,
and may leave out our key; `email_of` and `case_of` ask for the rest, where `api_key` is set.
"""

from __future__ import annotations

import hashlib
import json
import re
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from alerts import Alert, CaseEvent, ChannelError, Letter, Receipt, wording
from alerts.http import Answer, WireError, exchange
from alerts.pager_webhook import case_key, case_of_key

_SUMMARY = 500  # characters; the service cuts at 1,024
_DETAILS = 20_000  # characters; an event may have 512 KB
_LINKS = 10
_SEVERITY = {"critical": "critical", "urgent": "error", "normal": "warning", "gentle": "info"}
_ACTIONS = {
    "case.taken": "acknowledge",
    "case.answered": "resolve",
    "case.closed": "resolve",
    "case.reopened": "resolve",
}
_LOOK_UP = 2.0  # seconds, for each of two questions: PagerDuty waits five for the answer to its webhook
_REMEDY = "check `routing_key` and `api_url` of that channel"


class Settings(BaseModel):
    """[[channels]] of kind "pager"."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    routing_key: SecretStr = Field(
        min_length=16, description="the integration key of an Events API v2 integration of one service"
    )
    webhook_secret: SecretStr | None = Field(
        None, min_length=16, description="of the V3 webhook: an acknowledgement there takes the case here"
    )
    api_key: SecretStr | None = Field(
        None, description="a read-only REST API key, to learn who acknowledged, and which case"
    )
    api_url: str = Field(
        "https://events.pagerduty.com",
        pattern=r"^https?://[^\s/?#@]+/?$",
        description="where events go; EU accounts: https://events.eu.pagerduty.com",
    )
    proxy: SecretStr | None = Field(
        None, description="a proxy for all calls; proxies set in the environment are ignored"
    )
    timeout: float = Field(15.0, gt=0, le=120, description="time limit in seconds for one call")
    wakes: bool = Field(True, description="false if this service calls nobody at night")


class Pager:
    """Whoever is on call is told, by one service there; `target` says nothing."""

    seconds_between = 0.5  # about 120 events a minute are taken from one key
    only_called = True  # it is told of a case only where it called people about it

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.wakes = settings.wakes

    def send(self, message: Alert | Letter, target: str, *, plain: bool = False) -> Receipt:  # noqa: ARG002
        """Open an incident, or add to the one that is open under the same key."""
        key, said = _key(message), _event(message, plain=plain)
        self._post("trigger", key, said)
        return Receipt(json.dumps({"key": key}))

    def tell(self, event: CaseEvent) -> None:
        """Acknowledge or resolve the incident of a case; where none is open, the service drops it."""
        action, case_id = _ACTIONS.get(event.name, ""), str(event.case.get("id", ""))
        if action and case_id:
            self._post(action, case_key(case_id), {})

    def check(self) -> str:
        """Resolve what was never opened: the service takes that and does nothing."""
        self._post("resolve", "earful-check", {})
        return "the service answers; only the first call shows whether its key reaches anybody"

    def email_of(self, user_id: str) -> str:
        """The address of somebody there, "" where it cannot be known: no key, no such person, or no answer in time.

        GET /users/ID at the host beside that of the events; the form of the key: docs/REST-API/02-Authentication.md of
        https://github.com/PagerDuty/developer-docs.
        """
        found = self._ask("/users/", user_id, "").get("user")
        address = found.get("email") if isinstance(found, dict) else None
        return wording.clean_line(address[:200]) if isinstance(address, str) else ""

    def case_of(self, incident_id: str) -> str:
        """The case of an incident by the keys of its alerts, the first one's; "" where there is none or no answer.

        GET /incidents/ID/alerts, which tells `alert_key`:
        https://developer.pagerduty.com/api-reference/4bc42e7ac0c59-list-alerts-for-an-incident
        """
        listed = self._ask("/incidents/", incident_id, "/alerts").get("alerts")
        alerts = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
        return next((case for each in alerts if (case := case_of_key(each.get("alert_key")))), "")

    def _ask(self, before: str, number: str, after: str) -> dict[str, Any]:
        """What the REST API says of something there; nothing without a key, an id of theirs, or an answer in time."""
        if self.settings.api_key is None or not re.fullmatch(r"[A-Za-z0-9]{1,40}", number, re.ASCII):
            return {}
        parts = urlsplit(self.settings.api_url)
        host = "api." + parts.netloc.removeprefix("events.") if parts.netloc.startswith("events.") else parts.netloc
        headers = {
            "Authorization": f"Token token={self.settings.api_key.get_secret_value()}",
            "Accept": "application/vnd.pagerduty+json;version=2",
            "User-Agent": "Earful",
        }
        address = f"{parts.scheme}://{host}{before}{number}{after}"
        request = urllib.request.Request(address, headers=headers)  # noqa: S310
        try:
            answer = exchange(request, min(_LOOK_UP, self.settings.timeout), proxy=self._proxy)
            found = json.loads(answer.body) if answer.status == 200 else {}
        except (WireError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def _proxy(self) -> str:
        return self.settings.proxy.get_secret_value() if self.settings.proxy else ""

    def _post(self, action: str, key: str, more: dict[str, Any]) -> None:
        secret = self.settings.routing_key.get_secret_value()
        body = json.dumps({"routing_key": secret, "event_action": action, "dedup_key": key, **more}).encode()
        headers = {"Content-Type": "application/json", "User-Agent": "Earful"}
        address = self.settings.api_url.rstrip("/") + "/v2/enqueue"
        request = urllib.request.Request(address, body, headers)  # noqa: S310
        try:
            answer = exchange(request, self.settings.timeout, proxy=self._proxy)
        except WireError as error:
            raise ChannelError(f"pager: {error.reason}", outcome_unknown=error.left, remedy=error.remedy) from None
        if not 200 <= answer.status < 300:
            raise _refused(answer)
        if answer.is_web_page:  # a proxy's sign-in page, or a web site: nobody would be called
            raise ChannelError("pager: a web page answered, not the service", channel_broken=True, remedy=_REMEDY)


def _key(message: Alert | Letter) -> str:
    """The key of the worst case that a message names, else one of the message itself."""
    if isinstance(message, Alert) and message.kind != "notice" and message.entries and message.entries[0].case_id:
        return case_key(message.entries[0].case_id)
    return "earful-" + hashlib.sha256(message.key.encode("utf-8", "replace")).hexdigest()[:32]


def _event(message: Alert | Letter, *, plain: bool) -> dict[str, Any]:
    """What is said of an incident: its title, how grave it is, the words below, and where to go."""
    links: list[tuple[str, str]] = []
    if isinstance(message, Letter):
        title, severity, page = wording.excerpt(message.subject, 300), "info", ""
        lines = [wording.clean_line(line) for line in message.text[:_DETAILS].splitlines()]
    else:
        title, severity = wording.summary(message), _SEVERITY[message.priority]
        lines = wording.alert_lines(message, budget=500 if plain else _DETAILS)
        page = wording.link(message.page_url)
        for entry in message.entries:
            page = f"Case {entry.case_id}" if entry.case_id else "The cases"
            links += [(entry.page_url, page), (entry.url, "The post")]
    shown = [
        {"href": address, "text": wording.excerpt(words, 60)} for url, words in links if (address := wording.link(url))
    ]
    return {
        "payload": {
            "summary": wording.excerpt(title, _SUMMARY) or "Earful",
            "source": "Earful",
            "severity": severity,
            "custom_details": {"message": "\n".join(lines)[:_DETAILS]},
        },
        "client": "Earful",
        **({"client_url": page} if page else {}),
        "links": shown[: 1 if plain else _LINKS],
    }


def _refused(answer: Answer) -> ChannelError:
    """Why an event was not taken. A wrong key is a 400 that names it, like any event that cannot be read."""
    status = answer.status
    said = f"pager: the service answered {status}"
    if status == 429:
        asked = answer.headers.get("retry-after", "")
        wait = float(asked[:6]) if asked.isascii() and asked.isdigit() else 60.0
        return ChannelError(f"{said}: too many events", retry_after=wait)
    if status == 413:
        return ChannelError(said, too_large=True)
    if 300 <= status < 400 or status in {401, 403, 404, 405, 410} or (status == 400 and b"routing" in answer.body):
        return ChannelError(said, channel_broken=True, remedy=_REMEDY)
    return ChannelError(said, permanent=status in {400, 422})
