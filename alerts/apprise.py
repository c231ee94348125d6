"""A hundred other services (phone push, chat, SMS, pagers) through Apprise, the `[apprise]` extra: one address each.

Apprise says only whether it worked; what went wrong stands in its log. We read that log in memory, where it holds
addresses and payloads, and let none of it out. Addresses: https://github.com/caronc/apprise/wiki
"""

from __future__ import annotations

import logging
import re
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from alerts import Alert, ChannelError, Letter, Receipt, wording

_NOT_REACHED = (
    "NewConnectionError",
    "NameResolutionError",
    "ConnectTimeout",
    "Failed to establish",
    "Failed to resolve",
)
_BROKE_OFF = ("Connection aborted", "Read timed out", "ConnectionResetError", "RemoteDisconnected", "IncompleteRead")
_SERVICE = "update `url` with a working address and token (github.com/caronc/apprise/wiki)"


class Settings(BaseModel):
    """[[channels]] of kind "apprise". One address; make a channel for each person or place."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: SecretStr = Field(description="one Apprise address, such as ntfy://...; a secret, since it holds keys")
    timeout: float = Field(20.0, gt=0, le=120, description="time limit in seconds for one message")
    length: int = Field(1_400, ge=100, le=30_000, description="maximum length of a message, as the service allows")
    pause: float = Field(1.0, ge=0, le=60, description="minimum seconds between two messages")
    wakes: bool = Field(False, description="true if this service can wake someone at night: a call, a loud push")


class Apprise:
    """Staff are told by whatever service the address names."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.seconds_between = settings.pause
        self.wakes = settings.wakes

    def send(self, message: Alert | Letter, target: str, *, plain: bool = False) -> Receipt:  # noqa: ARG002
        """Notify once. The address is the place, so `target` says nothing."""
        budget = 300 if plain else self.settings.length
        if isinstance(message, Letter):
            title, loud = wording.excerpt(message.subject, 150), "info"
            lines = [wording.clean_line(line) for line in message.text[:60_000].splitlines()]
        else:
            title, loud = (
                wording.title(message),
                {"critical": "failure", "urgent": "warning"}.get(message.priority, "info"),
            )
            lines = wording.alert_lines(message, budget=budget, words=min(budget // 3, 280))
        body = "\n".join(lines).strip()
        if len(body) > budget:
            body = body[: budget - 1].rstrip() + wording.MARK
        self._notify(title or "Earful", body or title or "Earful", loud)
        return Receipt()

    def check(self) -> str:
        """Read the address, without sending anything: a service cannot be asked in any other way."""
        services = [type(service).__name__.removeprefix("Notify") for service in self._services()]
        return f"the address is for {', '.join(services)}; only the first message will show whether it works"

    def _services(self) -> Any:
        """Let Apprise read the address; it refuses a bad one without a word."""
        try:
            import apprise
        except ImportError:
            raise ChannelError(
                "apprise: the package is not installed",
                channel_broken=True,
                remedy="run in Earful's folder: .venv/bin/pip install -e '.[apprise]'",
            ) from None
        _hush()
        services = apprise.Apprise()
        try:
            read = services.add(self.settings.url.get_secret_value()) and len(services) > 0
        except Exception:  # noqa: BLE001 - a plugin's own parser may raise anything, and the text would hold the address
            read = False
        if not read:
            raise ChannelError("apprise: can't read the address", channel_broken=True, remedy=_SERVICE)
        return services

    def _notify(self, title: str, body: str, loud: str) -> None:
        services = self._services()
        try:
            result = services.notify(
                body=body,
                title=title,
                notify_type=loud,
                body_format="text",
                timeout=self.settings.timeout,
                log_level=logging.DEBUG,
            )
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything; its words may hold the address
            raise ChannelError(f"apprise: its code for this service failed ({type(error).__name__})") from None
        if not result:
            raise _failure(result)


def _hush() -> None:
    """Keep what Apprise and its HTTP client say to ourselves: it holds addresses, keys and payloads."""
    told = logging.getLogger("apprise")
    if told.propagate:
        told.propagate = False
        told.addHandler(logging.NullHandler())
        told.setLevel(logging.DEBUG)  # kept in memory by each result, printed by nobody
    logging.getLogger("urllib3").setLevel(logging.WARNING)


def _failure(result: Any) -> ChannelError:
    """Say what went wrong, from the status and the log of each service that did not take it."""
    failed = [service for service in result if not service]
    if not failed:
        return ChannelError("apprise: the address names no service", channel_broken=True, remedy=_SERVICE)
    name = wording.excerpt(str(failed[0].name), 40)
    logged = [(str(entry.level), str(entry.message)) for service in failed for entry in service.logs()]
    # Only these lines are the service's own verdict; others repeat our payload, which may say anything.
    verdicts = " ".join(text for level, text in logged if level in {"WARNING", "ERROR", "CRITICAL"})
    trouble = " ".join(text for _, text in logged if text.startswith("Socket Exception"))
    status = re.search(r"\berror=(\d{3})\b", verdicts)
    if status is not None:
        return _refusal(name, int(status[1]))
    if any(sign in trouble for sign in _NOT_REACHED):
        return ChannelError(f"apprise: {name} cannot be reached")
    if any(sign in trouble for sign in _BROKE_OFF) or any(service.status.name == "TIMEOUT" for service in failed):
        return ChannelError(f"apprise: {name} got the message but has not answered", outcome_unknown=True)
    return ChannelError(f"apprise: {name} did not accept it")


def _refusal(name: str, status: int) -> ChannelError:
    said = f"apprise: {name} answered {status}"
    if status in {401, 403, 404, 410}:
        return ChannelError(said, channel_broken=True, remedy=_SERVICE)
    if status == 413:
        return ChannelError(said, too_large=True)
    return ChannelError(said, outcome_unknown=status == 504)
