"""The kinds of sources, with what each says of itself and how it has gone here: for a command and for the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import connectors
from connectors.about import About, about_of
from monitor.settings.models import Settings
from monitor.store.sources import Health


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind. `sources` are those of these settings; `worked_at` is when one of them was last read well."""

    name: str
    about: About
    sources: tuple[str, ...] = ()
    worked_at: datetime | None = None

    @property
    def needs_key(self) -> str:
        """What has to be had from the network, in words."""
        return self.about.key or "none"


def all_kinds(settings: Settings | None, health: Mapping[str, Health]) -> list[Kind]:
    """Every kind, those without a key first. Nothing is loaded of those that nobody configured."""
    found = []
    for name in connectors.KINDS:
        named = tuple(each.name for each in (settings.sources if settings else ()) if each.kind == name)
        read = [health[each].last_success_at for each in named if each in health]
        found.append(Kind(name, about_of(name), named, max((each for each in read if each), default=None)))
    found.sort(key=lambda kind: (bool(kind.about.key_from), kind.name == "replay", kind.name))
    return found
