"""The kinds of sources, with what each says of itself and how it has gone here: for a command and for the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import connectors
from connectors.about import About, about_of
from connectors.http import hosts_written
from monitor.settings.addresses import is_loopback
from monitor.settings.models import Settings, Source
from monitor.store.sources import Health


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind. `sources` are those of these settings; `worked_at` is when the real service last answered one of them.

    A door has no service: what counts there is that somebody sent something. A stand-in on this machine does not count.
    """

    name: str
    about: About
    sources: tuple[str, ...] = ()
    worked_at: datetime | None = None

    @property
    def needs_key(self) -> str:
        """What has to be had from the network, in words."""
        return self.about.key or "none"


def _worked_at(source: Source, about: About, health: Mapping[str, Health]) -> datetime | None:
    known = health.get(source.name)
    stands_in = any(is_loopback(_host(each)) for each in hosts_written(source.options))
    if known is None or source.kind == "replay" or stands_in:
        return None
    return known.last_new_at if about.brought else known.last_success_at


def _host(written: str) -> str:
    """The host of `host:port`, or of an address with colons in it."""
    return urlsplit(f"//{written}").hostname or ""


def all_kinds(settings: Settings | None, health: Mapping[str, Health]) -> list[Kind]:
    """Every kind, those without a key first. Nothing is loaded of those that nobody configured."""
    found = []
    for name in connectors.KINDS:
        about = about_of(name)
        ours = [each for each in (settings.sources if settings else ()) if each.kind == name]
        read = [_worked_at(each, about, health) for each in ours]
        found.append(
            Kind(name, about, tuple(each.name for each in ours), max((each for each in read if each), default=None))
        )
    found.sort(key=lambda kind: (bool(kind.about.key_from), kind.name == "replay", kind.name))
    return found
