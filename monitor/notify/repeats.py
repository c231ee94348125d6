"""How often a message is sent again of which nobody can say whether it arrived. Pure.

A channel that takes messages and never answers may hold every one of them. So the repeats are few, ever further apart
and marked; after the last one a channel that can look it up is only asked, and where nothing can be asked it is given
up and told to the operator.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

GAPS = (timedelta(seconds=3), timedelta(minutes=15), timedelta(hours=2))  # before each repeat, from the sending before
MARK = "this may be a repeat: the first copy may not have arrived"
GIVEN_UP = f"sent {len(GAPS) + 1} times, without confirmation that it arrived"


def sendings(payload: Mapping[str, Any]) -> list[datetime]:
    """When a message was sent without hearing what became of it, the first time first."""
    return [datetime.fromisoformat(moment) for moment in payload.get("sends", ())]


def noted(payload: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The payload once it was sent again without hearing of it."""
    return {**payload, "sends": [*payload.get("sends", ()), now.isoformat()]}


def next_at(payload: Mapping[str, Any], otherwise: datetime) -> datetime | None:
    """When it may be sent (again): None for never, `otherwise` where it was never sent."""
    sent = sendings(payload)
    if not sent:
        return otherwise
    return sent[-1] + GAPS[len(sent) - 1] if len(sent) <= len(GAPS) else None
