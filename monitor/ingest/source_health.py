"""What is not heard at the moment, told once: the remedy to the operator, one line to staff, and when it is over.

A silent monitor looks like a happy brand. The collector tells of a source that fails; here stands what takes a look at
all of them: that none answers (then it is most likely we who are offline, told once instead of once a source), that one
is far quieter than its habit, that the disk fills, and what staff should know while they do not see everything.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from connectors import Gap
from monitor.ingest import failing_sources
from monitor.ingest.failing_sources import asked
from monitor.notify.system_notices import patience, queue_notice, settle, tell_staff, tell_what_has_no_list
from monitor.settings.rules import Rules
from monitor.store import disk, key_values, pages, sources
from monitor.store.database import Database, instant, stamp
from monitor.store.sources import Health
from monitor.store.sqlite import Sqlite

LITTLE_SPACE = 200_000_000  # bytes
QUIET_FACTOR = 8  # times its usual gap, and two hours at least
STOPPED = timedelta(minutes=15)  # without an audit: the daemon did not run
EVERYTHING = "every source"


def look(database: Database, rules: Rules, now: datetime) -> None:
    """Tell what is new about what is not heard. Runs with every audit; asking again tells nothing twice."""
    health = asked(database, rules)
    with database.transaction():
        offline = _offline(database, rules, health, now)
        failing_sources.close_group(database, rules, now)
        if not offline:
            _unread(database, rules, health, now)
        for name, each in health.items():
            _quiet(database, rules, name, each, now)
        _space(database, rules, now)
        tell_what_has_no_list(database, rules, now)


def note_stop(database: Database, now: datetime) -> None:
    """If the daemon did not run for a while, that is a gap of every source. Called once, before its first audit."""
    last, _findings = pages.last_audit(database)
    if last is not None and now - last > STOPPED:
        with database.transaction():
            reason = "Earful did not run" + sources.READ_AGAIN
            sources.add_gaps(database, EVERYTHING, [Gap(last, now, reason)], now)


def _offline(database: Database, rules: Rules, health: dict[str, Health], now: datetime) -> bool:
    """Whether no source answers; told when it begins and when it ends."""
    since = sources.none_answers_since(health.values())
    told = instant(key_values.fact(database, "offline"))
    zone = rules.settings.zone
    if since is not None and told is None:
        key_values.remember(database, "offline", since.isoformat(), now)
        due_at = since + patience(database, "offline:", now)
        said = "; ".join(f"{name}: {each.last_error}" for name, each in health.items() if each.failing_since)
        queue_notice(
            database,
            rules,
            f"offline:{since.isoformat()}",
            f"no source has answered since {since.astimezone(zone):%d %b %H:%M}; this machine is probably offline",
            f"check this machine's network and its name server. Errors: {said[:600]}",
            now,
            due_at=due_at,
        )
        if key_values.take_period(database, f"offline:{now.astimezone(zone):%Y-%m-%d}", now):
            line = f"No source can be read since {since.astimezone(zone):%H:%M}"
            tell_staff(database, rules, f"staff:offline:{since.isoformat()}", line, now, due_at=due_at)
    elif since is None and told is not None:
        key_values.remember(database, "offline", "", now)
        key_values.remember(database, failing_sources.ONLINE_AT, stamp(now), now)
        key, over = f"online:{told.isoformat()}", f"working again since {_clock(now, now, rules)}"
        settle(database, f"offline:{told.isoformat()}", over, now)
        queue_notice(database, rules, key, "sources answer again: back online", "", now, quiet=True)
        if settle(database, f"staff:offline:{told.isoformat()}", over, now):
            tell_staff(database, rules, f"staff:{key}", "Sources are working again", now, quiet=True)
    return since is not None


def _unread(database: Database, rules: Rules, health: dict[str, Health], now: datetime) -> None:
    """Staff hear of a failure once the operator has, of each source once a day at most; then how it ends."""
    zone = rules.settings.zone
    together = failing_sources.in_group(database)
    unread: dict[str, str] = {}
    began: list[datetime] = []
    for name, each in health.items():
        told = key_values.fact(database, f"unread:{name}")
        since = each.failing_since
        if since is None and told and name not in together:
            _read_again(database, rules, name, told, now)
        elif since is None or each.announced_at is None or told or not rules.sources[name].answerable:
            continue
        elif key_values.take_period(database, f"unread:{name}:{now.astimezone(zone):%Y-%m-%d}", now):
            unread[name] = f"{name} unread since {_clock(since, now, rules)}"
            began.append(since)
    if not began:
        return
    many = "{count} sources unread since " + _clock(min(began), now, rules) + ": {names}"
    for names, line in failing_sources.staff_lines(unread, many):
        key = f"staff:unread:{names}:{min(began).isoformat()}"
        of = [names] if names in unread else list(unread)
        refused = any(health[name].refused for name in of)
        due_at = now if refused else min(began) + patience(database, f"staff:unread:{names}:", now)
        tell_staff(database, rules, key, line, now, due_at=due_at)
        for name in of:
            key_values.remember(database, f"unread:{name}", key, now)


def _read_again(database: Database, rules: Rules, name: str, key: str, now: datetime) -> None:
    """A source that staff were to hear of is read again; what was told of several says so when the last of them is."""
    key_values.remember(database, f"unread:{name}", "", now)
    named = [each for each in rules.sources if key_values.fact(database, f"unread:{each}") == key]
    if named:
        return
    if settle(database, key, f"working again since {_clock(now, now, rules)}", now):
        said = key.removeprefix("staff:unread:").partition(":")[0]
        names = [said] if said in rules.sources else said.split(",")
        many = "{count} sources are working again: {names}"
        for of, line in failing_sources.staff_lines({each: f"{each} is working again" for each in names}, many):
            tell_staff(database, rules, f"staff:read:{of}:{key}", line, now, quiet=True)


def _clock(moment: datetime, now: datetime, rules: Rules) -> str:
    """ "14:02" today, "3 Nov 14:02" before, in the desk's zone."""
    zone = rules.settings.zone
    local, today = moment.astimezone(zone), now.astimezone(zone).date()
    return f"{local:%H:%M}" if local.date() == today else f"{local.day} {local:%b %H:%M}"


def _quiet(database: Database, rules: Rules, name: str, health: Health, now: datetime) -> None:
    """A source that is far quieter than its habit: a rotten query looks like a happy brand."""
    fact = f"quiet:{name}"
    told = key_values.fact(database, fact)
    if told and health.quiet_announced_at is None:  # it has brought something new since
        key_values.remember(database, fact, "", now)
        queue_notice(database, rules, f"loud:{name}:{told}", f"{name} has new posts again", "", now, quiet=True)
        return
    if health.last_new_at is None or health.quiet_announced_at is not None or health.failing_since is not None:
        return
    habit = sources.usual_gap(database, name)
    if habit is not None and now - health.last_new_at > max(habit * QUIET_FACTOR, timedelta(hours=2)):
        since = health.last_new_at.astimezone(rules.settings.zone)
        queue_notice(
            database,
            rules,
            f"quiet:{name}:{health.last_new_at.isoformat()}",
            f"{name} has had no new posts since {since.day} {since:%b %H:%M}, which is unusual for it",
            f"check whether the query still finds posts with earful try, and contact {name} with earful check --online",
            now,
            quiet=True,
        )
        sources.quiet_announced(database, name, now)
        key_values.remember(database, fact, health.last_new_at.isoformat(), now)


def _space(database: Database, rules: Rules, now: datetime) -> None:
    """Told once a day while little is left."""
    room = disk.free(database)
    if room is not None and room < LITTLE_SPACE and isinstance(database, Sqlite):
        queue_notice(
            database,
            rules,
            f"disk:{now:%Y-%m-%d}",
            f"only {room // 1_000_000} MB free on the disk of {database.path}",
            "free some space; nothing is lost as long as the database can still be written",
            now,
        )
