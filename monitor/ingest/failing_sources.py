"""Sources that fail are told of once, by name: each by itself, or all in one notice where many fail at once.

A machine that is busy, a network that is down for a minute, a name server: what they do to a dozen sources is one
thing, and a dozen notices would hide it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from alerts.wording import count_words, excerpt
from connectors import ConnectorError, NoCredit, Nonsense, RateLimited, Refused
from monitor.notify.system_notices import patience, queue_notice, settle
from monitor.settings.models import Source
from monitor.settings.rules import Rules
from monitor.store import key_values, sources
from monitor.store.database import Database, at, instant, stamp
from monitor.store.sources import Health
from monitor.timeouts import Overran

log = logging.getLogger("earful.collect")

ANNOUNCE_AFTER = 2  # reads that failed
MANY = 3  # that fail at once
TOGETHER = timedelta(minutes=15)  # what begins to fail within this belongs together
NAMED = 12  # sources in one sentence
ONLINE_AT = "online since"  # when sources answered again, after none did
_FACT = "failing together"
_TOLD = "failure told:"  # with a source's name: under which key, so that its end finds it
_TOLD_TOGETHER = "failures told together"


def asked(database: Database, rules: Rules) -> dict[str, Health]:
    """How those sources stand that are to be read."""
    return {
        name: each
        for name, each in sources.all_health(database).items()
        if (source := rules.sources.get(name)) is not None and source.enabled and each.paused_at is None
    }


def announce(database: Database, rules: Rules, name: str, now: datetime) -> None:
    """Tell of a source that has just failed, if it is to be told of; and with it of those that fail beside it."""
    known = asked(database, rules)
    failing = {each.name: each for each in known.values() if each.failing_since is not None}
    health = failing.get(name)
    if health is None or health.announced_at is not None:
        return
    offline = sources.none_answers_since(known.values()) is not None  # which is told once, for all of them
    if not health.refused and (health.failures < ANNOUNCE_AFTER or offline):
        return
    fresh = {
        each.name: each for each in failing.values() if each.announced_at is None and _failed_since(database, each)
    }
    lately = [each for each in failing.values() if each.announced_at and now - each.announced_at < TOGETHER]
    with database.transaction():
        if offline or len(fresh) + len(lately) < MANY:
            _tell_one(database, rules, name, health, now)
        elif not (told := _group(database)) or now - at(told["at"]) >= TOGETHER:
            _tell_many(database, rules, {**fresh, name: health}, told, now)


def _failed_since(database: Database, health: Health) -> bool:
    """Whether a source has failed since we were offline ourselves: one that was not asked again yet may well answer."""
    online = instant(key_values.fact(database, ONLINE_AT))
    return online is None or (health.last_read_at is not None and health.last_read_at >= online)


def _tell_one(database: Database, rules: Rules, name: str, health: Health, now: datetime) -> None:
    since = health.failing_since or now
    title = f"{name} has not been read since {since:%d %b %H:%M} UTC: {health.last_error}"
    key = f"failing:{name}:{since.isoformat()}"
    # Where nobody is answered nobody goes unheard; a refused key waits for a person, and gets no better by itself.
    quiet = not rules.sources[name].answerable and not health.refused
    due_at = now if health.refused else since + patience(database, f"failing:{name}:", now)
    queue_notice(database, rules, key, title, health.remedy, now, due_at=due_at, quiet=quiet)
    key_values.remember(database, f"{_TOLD}{name}", key, now)
    sources.announced(database, name, now)


def _tell_many(
    database: Database, rules: Rules, fresh: Mapping[str, Health], told: Mapping[str, Any], now: datetime
) -> None:
    since = min(each.failing_since for each in fresh.values() if each.failing_since is not None)
    said = "; ".join(f"{name}: {excerpt(each.last_error, 100)}" for name, each in fresh.items())
    due_at = since + patience(database, "failing together:", now)
    key_values.remember(database, _TOLD_TOGETHER, f"failing together:{now.isoformat()}", now)
    queue_notice(
        database,
        rules,
        f"failing together:{now.isoformat()}",
        f"{count_words(len(fresh), 'source')} have not been read since {since:%d %b %H:%M} UTC: {_listed(fresh)}",
        "so many failures at once probably have one cause, perhaps here: check this machine's load, its network and "
        f"its name server. Errors: {said[:700]}",
        now,
        due_at=due_at,
    )
    for name in fresh:
        sources.announced(database, name, now)
    members = [*told.get("sources", ()), *fresh]
    _remember(database, {"at": stamp(now), "sources": list(dict.fromkeys(members)), "back": ""}, now)


def mended(database: Database, rules: Rules, name: str, now: datetime) -> None:
    """A source whose failure was told is read again; one of many waits for the others. Inside no transaction."""
    with database.transaction():
        group = _group(database)
        if name not in group.get("sources", ()):
            key = key_values.fact(database, f"{_TOLD}{name}")
            since = key.partition(f"failing:{name}:")[2][11:16]
            settle(database, key, f"working again since {now:%H:%M} UTC", now)
            key_values.remember(database, f"{_TOLD}{name}", "", now)
            why = f"it was not read since {since} UTC" if since else ""
            queue_notice(
                database, rules, f"mended:{name}:{now:%Y-%m-%d}", f"{name} is working again", why, now, quiet=True
            )
        elif not group["back"]:
            _remember(database, {**group, "back": stamp(now)}, now)


def close_group(database: Database, rules: Rules, now: datetime) -> None:
    """Tell once that those which failed at once are read again: when all are, or after a while which are not."""
    group = _group(database)
    if not group:
        return
    known = asked(database, rules)
    still = [name for name in group["sources"] if name in known and known[name].failing_since is not None]
    back = [name for name in group["sources"] if name not in still]
    if still and (not group["back"] or now - at(group["back"]) < TOGETHER):
        return
    title = f"{count_words(len(back), 'source')} are working again: {_listed(back)}" if len(back) > 1 else ""
    title = title or f"{_listed(back)} is working again"
    if still:
        title += f"; still not read: {_listed(still)}"
    if not still:
        settle(database, key_values.fact(database, _TOLD_TOGETHER), f"all are working again since {now:%H:%M} UTC", now)
    if back:
        queue_notice(database, rules, f"mended together:{group['at']}:{group['back']}", title, "", now, quiet=True)
    _remember(database, {**group, "sources": still, "back": ""} if still else {}, now)


def in_group(database: Database) -> set[str]:
    """Sources that fail together, whose end is told for all of them."""
    return set(_group(database).get("sources", ()))


def _group(database: Database) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(key_values.fact(database, _FACT) or "{}")
    return found


def _remember(database: Database, group: Mapping[str, Any], now: datetime) -> None:
    key_values.remember(database, _FACT, json.dumps(group) if group else "", now)


def _listed(names: Mapping[str, Any] | list[str]) -> str:
    """The first dozen by name, and how many more."""
    listed = list(names)
    more = f" and {len(listed) - NAMED} more" if len(listed) > NAMED else ""
    return ", ".join(listed[:NAMED]) + more


def staff_lines(named: Mapping[str, str], many: str) -> list[tuple[str, str]]:
    """(names, line) for staff: a line each, or one of `many` where they are too many for that."""
    if len(named) < MANY:
        return list(named.items())
    return [(",".join(named), many.format(count=len(named), names=_listed(named)))]


def reading(error: Exception, source: Source, now: datetime) -> tuple[str, str, datetime | None, bool]:
    """An error as (what happened, what to do, when to try again, whether trying again is useless)."""
    match error:
        case RateLimited():
            least, most = now + timedelta(seconds=1), now + timedelta(minutes=15)
            retry_at = (
                min(max(error.retry_at, least), most)
                if error.retry_at
                else now + max(source.every, timedelta(minutes=1))
            )
            return error.message, error.remedy or "nothing; Earful will retry", retry_at, False
        case NoCredit():
            return error.message, error.remedy or "top up the account or raise its cap", now + timedelta(hours=1), False
        case Refused():
            return error.message, error.remedy or "check this source's keys in settings.toml", None, True
        case Nonsense() | ConnectorError():
            return error.message, error.remedy, None, False
        case Overran():
            return (
                f"{error}: the server keeps the connection open without answering",
                f"if this continues, raise `deadline` of source {source.name} or ask the server's owner",
                None,
                False,
            )
        case _:
            # A fault of ours or of a library: its kind is told, its text might hold a post or a secret.
            log.debug("%s failed", source.name, exc_info=error)
            return f"unexpected {type(error).__name__} while reading", "please report this, with the log", None, False
