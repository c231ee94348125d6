"""Which sources are read for competitors, too, and what that may cost. Off until one is named."""

from __future__ import annotations

from monitor.settings.models import Settings, Source

# Where people speak to us alone: what is said of others there would be measured against nothing.
OUR_PLACES = frozenset({"inbound", "imap", "appstore", "googleplay"})


def costs(source: Source) -> bool:
    """Whether reading this source costs money."""
    return hasattr(source.options, "monthly_budget")


def reads(settings: Settings, source: Source) -> bool:
    """Whether a source is read for competitors: as it says itself, else where that costs nothing.

    Never in places of our own: a source whose posts are all about one brand, or that only our customers write to.
    """
    if not settings.competitors or source.about or source.kind in OUR_PLACES:
        return False
    return not costs(source) if source.competitors is None else source.competitors


def sources_of(settings: Settings) -> tuple[str, ...]:
    """The sources that are read for competitors."""
    return tuple(each.name for each in settings.sources if each.enabled and reads(settings, each))
