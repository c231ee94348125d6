"""What a network answered, and which error its status stands for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from connectors import ConnectorError, NoCredit, RateLimited, Refused, bot_check
from connectors.text import parse_time

SHORTEST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whole: `headers` have lower-case keys, `body` is decompressed, `url` is the last one asked."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str


_KEY = "Check this source's key or token in the settings, then reload."
_ADDRESS = "Check the address in this source's settings, then reload."
_REFUSALS: dict[int, tuple[type[Refused | NoCredit], str, str]] = {
    401: (Refused, "access refused", _KEY),
    403: (Refused, "access refused", _KEY),
    402: (NoCredit, "no credit left", "Add credit to the account, or raise its cap, then reload."),
    404: (Refused, "not found", _ADDRESS),
    410: (Refused, "gone for good", _ADDRESS),
}


def error_for(answer: Answer, where: str, now: datetime) -> ConnectorError | None:
    """Turn a status into the error that fits it, or None below 400. `where` names the source for people."""
    status = answer.status
    if status < 400:
        return None
    said = f"{where} answered {status}"
    guard = bot_check.guard_of(answer.headers, answer.body)
    if guard and status != 429:
        return ConnectorError(f"{said}: a bot check ({guard}) keeps programs out", bot_check.REMEDY)
    if status == 429:
        at = retry_after(answer.headers, now)
        return RateLimited(f"{said}: too many requests", at, "Nothing to do; Earful will retry.")
    if status >= 500:
        return ConnectorError(f"{said}: the server has an internal error", "Nothing to do; Earful will retry.")
    if status not in _REFUSALS:
        return ConnectorError(f"{said}: the request was rejected", "Check this source's options in the settings.")
    kind, what, remedy = _REFUSALS[status]
    return kind(f"{said}: {what}", remedy)


def retry_after(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """When a limited caller may come back, held between one second and fifteen minutes from now; None if not said.

    Reads `Retry-After` (seconds or an HTTP date), then `X-RateLimit-Reset` in the three shapes seen in the wild:
    seconds to go, seconds since 1970, or an ISO time. A reset in the past or in ten years is clamped.
    """
    for name in ("retry-after", "x-ratelimit-reset", "x-rate-limit-reset", "ratelimit-reset"):
        at = _moment(headers.get(name, "").strip(), now)
        if at is not None:
            return min(max(at, now + SHORTEST_WAIT), now + LONGEST_WAIT)
    return None


def _moment(text: str, now: datetime) -> datetime | None:
    try:
        number = float(text)
    except ValueError:
        return parse_time(text)
    if not math.isfinite(number):
        return None
    try:
        # Past a thousand million it is a date: in seconds since 1970, or in milliseconds.
        since_1970 = number / 1000 if number > 1e12 else number
        return datetime.fromtimestamp(since_1970, UTC) if number > 1e9 else now + timedelta(seconds=number)
    except (OverflowError, ValueError, OSError):
        return now + LONGEST_WAIT if number > 0 else now
