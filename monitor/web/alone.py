"""One person on a page that only this machine reaches: they sign in once, and nothing asks them again.

It holds while the page listens on loopback and is linked to there, no proxy is trusted, exactly one person is known,
and nobody ever came by another Host or with a header that a proxy adds. The first of these ends it, and is told.
"""

from __future__ import annotations

import logging
from datetime import datetime
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from monitor.notify.system_notices import queue_notice
from monitor.people.identity import Directory, of_page, of_settings
from monitor.settings.addresses import is_loopback
from monitor.settings.models import Settings
from monitor.settings.rules import Rules
from monitor.store import key_values, web
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.web.security import FORWARDED, listen_of

log = logging.getLogger("earful.page")

ELSEWHERE = "page_reached_from_elsewhere"  # why, once somebody was not on this machine: that never ends by itself
ALONE = "page_alone"  # "yes" while it holds
REMEDY = "from now on logins end after 14 days, and actions that can't be undone ask for the password"


def may_be(settings: Settings) -> bool:
    """Whether settings keep the page on this machine."""
    page = urlsplit(settings.earful.page_url).hostname or ""
    return is_loopback(listen_of(settings)[0]) and is_loopback(page) and not settings.earful.trusted_proxies


def came_from_elsewhere(headers: Headers, hosts: frozenset[str]) -> str:
    """Why a request does not look like one of this machine's own, "" where it does."""
    found = next((name for name in FORWARDED if name in headers), "")
    if found:
        return f"a request came through a proxy (it has the header {found})"
    host = headers.get("host", "").lower()
    return "" if host in hosts else "a request asked for another host"


def is_alone(database: Sqlite | Postgresql, settings: Settings, now: datetime) -> bool:
    """Whether it holds now; where it has just ended, the log and the operator are told why."""
    if not may_be(settings):
        return False
    elsewhere, before = key_values.fact(database, ELSEWHERE), key_values.fact(database, ALONE)
    users = [of_page(user.name) for user in web.users(database) if user.disabled_at is None]
    directory = Directory(database, settings)
    people = {directory.resolve(one).id for one in (*users, *(of_settings(each.name) for each in settings.people))}
    alone = not elsewhere and len(users) == 1 and len(people) == 1
    if alone != (before == "yes"):
        with database.transaction():
            key_values.remember(database, ALONE, "yes" if alone else "no", now)
            if before == "yes" and not elsewhere:
                _tell(database, settings, "a second person has access now", now)
    return alone


def end(database: Sqlite | Postgresql, settings: Settings, why: str, now: datetime) -> None:
    """Somebody came from elsewhere: it has ended for good."""
    if key_values.fact(database, ELSEWHERE):
        return
    held = key_values.fact(database, ALONE) == "yes"
    with database.transaction():  # whoever sees that it has ended finds the notice of it too
        key_values.remember(database, ELSEWHERE, why, now)
        if held:
            _tell(database, settings, why, now)


def _tell(database: Sqlite | Postgresql, settings: Settings, why: str, now: datetime) -> None:
    """Say it in the log and to the operator; inside the transaction that writes it down."""
    log.warning("the page is no longer for one person on this machine: %s; %s", why, REMEDY)
    title = f"The page is no longer for one person on this machine: {why}"
    queue_notice(database, Rules(settings), f"page alone:{now.isoformat()}", title, REMEDY, now)
