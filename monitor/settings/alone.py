"""One person who answers everything: whose alerts reach nobody else, and whose day has one list.

Nobody is next and there are no leads, so that there is one alert, one reminder when the target is reached, and a list
in the evening. A critical case goes on calling, as it does for a team. It follows from the settings and has no key.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from alerts import hours
from monitor.settings.models import Person, Settings, StepSetting

OWN = frozenset({"console", "apprise"})  # kinds of channel that may be one person's own: a terminal, a phone
BEFORE_CLOSING = timedelta(hours=1)
_CRITICAL = ("5m", "15m")  # then on and on: see `alerts.ladder`


def one_person(settings: Settings) -> Person | None:
    """The only person who answers, if every alert goes to an address of theirs; None for a team."""
    staff = [person for person in settings.people if person.role != "viewer"]
    if len(staff) != 1:
        return None
    (person,) = staff
    told = {*settings.alerts.notify, *(name for route in settings.alerts.routes for name in route.notify)}
    mails = [channel.name for channel in settings.channels if channel.kind == "email"]
    theirs = {person.name, *person.targets, *(f"{name}:{person.email}" for name in mails if person.email)}
    if not (person.targets or person.email or person.slack):  # without an address it can only be where they are
        theirs |= {channel.name for channel in settings.channels if channel.kind in OWN}
    return person if told <= theirs else None


def steps(person: Person, priority: str) -> tuple[StepSetting, ...]:
    """Whom to call after a first alert that brought nothing: the same person, once, or until it is taken."""
    after = {"critical": _CRITICAL, "urgent": ("100%",)}.get(priority, ())
    return tuple(StepSetting(after=each, notify=(person.name,)) for each in after)


def evening_of(day: date, opening: hours.OpeningHours) -> datetime | None:
    """When the list of a day comes: an hour before the desk closes, or as it opens; None on a day off."""
    spans = opening.spans_of(day)
    if not spans:
        return None
    opens, closes = spans[-1][0], max(closes for _, closes in spans)
    return max(opens, closes - BEFORE_CLOSING)
