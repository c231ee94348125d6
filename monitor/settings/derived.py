"""What a settings file leaves out because the rest of it says so: nobody is asked for what can be known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Kinds whose channel is the place: no "channel:address".
NO_ADDRESS = frozenset({"console", "apprise", "pager", "teams", "webhook"})


def completed(table: Mapping[str, Any]) -> dict[str, Any]:
    """The parsed file with what follows from it; what it writes itself is left alone, sound or not.

    A source, a channel and a tracker without a name are called as their kind. Whoever is alerted is alerted on the only
    channel there is, if that is a place by itself.
    """
    whole = dict(table)
    for plural in ("sources", "channels", "trackers"):
        entries = table.get(plural)
        if isinstance(entries, list):
            whole[plural] = [_named(entry) if isinstance(entry, dict) else entry for entry in entries]
    only, told = _only_place(whole.get("channels")), table.get("alerts", {})
    if only and isinstance(told, dict) and "notify" not in told:
        whole["alerts"] = {"notify": [only], **told}
    return whole


def _named(entry: dict[str, Any]) -> dict[str, Any]:
    kind = entry.get("kind")
    return entry if "name" in entry or not isinstance(kind, str) else {"name": kind, **entry}


def _only_place(channels: object) -> str:
    """The name of the only channel, where nothing more is needed to reach people there; else empty."""
    if not isinstance(channels, list) or len(channels) != 1 or not isinstance(channels[0], dict):
        return ""
    name, kind = channels[0].get("name"), channels[0].get("kind")
    return name if isinstance(name, str) and isinstance(kind, str) and kind in NO_ADDRESS else ""
