"""What a channel or a target cannot deliver is told where something gets through, once, and by name.

Which fails, and since when, the sender writes down; here it is decided whom that concerns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.wording import count_words
from monitor.notify.system_notices import queue_notice, settle
from monitor.settings.rules import Rules
from monitor.store import channel_health, deliveries, deliveries_owed, key_values
from monitor.store.channel_health import Health, Standing, channel
from monitor.store.database import Database
from monitor.store.deliveries import Delivery

BATCH = 500
RECENT = timedelta(days=7)  # what was refused for good before that is history


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why a target's alerts are told elsewhere: `name` is the target, or its channel where it is the whole of it."""

    name: str
    health: Health | None

    def words(self) -> str:
        if self.health is None or self.health.failing_since is None:
            return f"{self.name} did not accept it"
        return f"{self.name} has been down since {self.health.failing_since:%d %b %H:%M} UTC"


def fall_back(database: Database, rules: Rules, now: datetime) -> int:
    """Tell elsewhere what targets have owed for too long; how many messages that makes."""
    known = {each.name for each in rules.settings.channels}
    queued = 0
    for target in deliveries_owed.owing_targets(database, now - RECENT):
        if channel(target) in known:
            queued += _fall_back(database, rules, target, now)
    _say_what_is_down(database, rules, now)
    return queued


def _fall_back(database: Database, rules: Rules, target: str, now: datetime) -> int:
    """Tell elsewhere what one target has owed for too long, or refused for good."""
    standing = channel_health.standing(database)
    failure = _failure(standing, target)
    waits = rules.settings.alerts.fallback_after
    if failure.health is None or not _long_enough(failure.health, waits, now):
        before = None  # only what was refused for good
    else:
        before = now - (timedelta(0) if failure.health.broken else waits) + timedelta(microseconds=1)
    fallback = [each for each in rules.settings.alerts.fallback if _may_take(standing, each, target)]
    others = [each for each in rules.targets if _may_take(standing, each, target)]
    if not fallback and not others:
        return 0  # nobody is left to tell: the auditor finds it, and the outside watch is not called
    people = {each for each in others if channel(each) not in rules.unwatched}
    queued = 0
    while rows := deliveries_owed.overdue(database, target, before, now - RECENT, BATCH):
        made = []
        for row in rows:
            # Without a fallback in the settings: the first who can be reached, unless it has reached somebody.
            known = bool(deliveries_owed.reached(database, row.about, row.created_at) & people)
            instead = fallback or ([] if known else others[:1])
            theirs = deliveries_owed.reached(database, row.about, row.created_at, or_will_be=True)
            made += [_copy(row, each, failure, now) for each in instead if each not in theirs]
        with database.transaction():
            deliveries.queue(database, made)
            deliveries_owed.told_elsewhere(database, [row.id for row in rows], now)
        queued += len(made)
    return queued


def _failure(standing: Standing, target: str) -> _Failure:
    """Whether the target fails by itself, or with its channel."""
    own, whole = standing.of(target), standing.down(channel(target))
    if whole is not None and (own is None or not own.broken):
        return _Failure(channel(target), whole)
    return _Failure(target, own if own is not None and own.failing_since is not None else None)


def _long_enough(health: Health, waits: timedelta, now: datetime) -> bool:
    return health.failing_since is not None and (health.broken or now - health.failing_since >= waits)


def _may_take(standing: Standing, candidate: str, target: str) -> bool:
    """Whether a message for `target` may go to this one instead: never on a channel that is down itself."""
    return candidate != target and standing.reachable(candidate)


def _copy(row: Delivery, target: str, failure: _Failure, now: datetime) -> dict[str, object]:
    return _same_for(row, target, now, now, {**_of_its_case(row), "footer": f"Sent here because {failure.words()}."})


def _of_its_case(row: Delivery) -> dict[str, object]:
    """Whose case it is, of what a row says: a reminder to whoever has it is dropped elsewhere without it."""
    return {key: value for key, value in row.payload.items() if key in {"owner", "hurt"}}


def _same_for(
    row: Delivery, target: str, now: datetime, due_at: datetime, payload: Mapping[str, object], key: str = ""
) -> dict[str, object]:
    """A row about the same for another target."""
    return deliveries.new_row(
        about=row.about,
        target=target,
        now=now,
        due_at=due_at,
        reason=row.reason,
        story_id=row.story_id,
        step=row.step,
        payload=payload,
        priority=row.priority,
        urgent=row.urgent,
        key=key,
    )


def _say_what_is_down(database: Database, rules: Rules, now: datetime) -> None:
    """The operator hears once of a channel or a target that takes nothing for too long, where anything gets through."""
    standing = channel_health.standing(database)
    for each in (*standing.down_channels(), *standing.failing_targets()):
        key = down_key(each)
        if not _long_enough(each, rules.settings.alerts.fallback_after, now) or key_values.has_period(database, key):
            continue
        if not any(standing.reachable(target) for target in rules.targets):
            continue  # told to the dead channel it would only come late
        assert each.failing_since is not None
        since = each.failing_since.astimezone(rules.settings.zone)
        owed = deliveries_owed.count(database, each.name)
        waiting = f" ({count_words(owed, 'message')} waiting)" if owed else ""
        how = "has refused all messages" if each.broken else "has not accepted messages"
        remedy = (
            each.remedy
            or "nothing, if it recovers by itself; waiting messages are sent then. Check with: earful status"
        )
        with database.transaction():
            if key_values.take_period(database, key, now):
                title = f"{each.name} {how} since {since.day} {since:%b %H:%M}{waiting}: {each.error}"
                queue_notice(database, rules, key, title, remedy, now, not_on=each.name)


def down_key(health: Health) -> str:
    """Under which one failure is told, and its end."""
    return f"down:{health.name}:{health.failing_since.isoformat() if health.failing_since else ''}"


def say_what_works(database: Database, rules: Rules, standing: Standing, target: str, now: datetime) -> None:
    """Tell the end of a failure that was told. `standing` is how it was before this message went out."""
    for each in (standing.down(channel(target)), standing.of(target)):
        if each is not None and each.failing_since is not None and key_values.has_period(database, down_key(each)):
            settle(database, down_key(each), f"working again since {now.astimezone(rules.settings.zone):%H:%M}", now)
            key = f"works:{down_key(each)}"
            queue_notice(database, rules, key, f"{each.name} is working again", "", now, quiet=True)


def channels_left(database: Database, rules: Rules, now: datetime) -> int:
    """What is owed on channels that are no longer in the settings is told where settings say now; how many rows."""
    known = {each.name for each in rules.settings.channels}
    left = 0
    for name in deliveries_owed.owing_channels(database):
        while name not in known and (rows := deliveries_owed.owed_by(database, name, BATCH)):
            with database.transaction():
                for row in rows:
                    targets = [each for each in _now_told(rules, row) if channel(each) in known]
                    made = [_moved(row, each, now) for each in targets if not _said_there(database, row, each)]
                    deliveries.queue(database, made)
                    deliveries.drop_alone(database, row.id, f"{name} is no longer in the settings")
            left += len(rows)
    return left


def _now_told(rules: Rules, row: Delivery) -> tuple[str, ...]:
    """Who is told what was owed on a channel that is gone; nobody, where it was for one reader alone (a letter)."""
    alerts = rules.settings.alerts.notify
    if row.action != "post" or row.about.startswith("notice:account:"):
        return ()
    if row.about.startswith("notice:") and not row.about.startswith("notice:problem:"):
        return rules.settings.operator or alerts
    return alerts if row.story_id or row.about.startswith(("list:", "incident:", "notice:")) else ()


def _said_there(database: Database, row: Delivery, target: str) -> bool:
    """Whether this target has, or is owed, the same."""
    if row.story_id:
        return row.step == 0 and target in deliveries_owed.reached(database, row.about, row.created_at, or_will_be=True)
    return any(
        (each.target, each.action, each.step, each.reason) == (target, "post", row.step, row.reason)
        and _without_pings(each) == _without_pings(row)
        and each.state != "dead"
        for each in deliveries.about(database, row.about)
    )


def _moved(row: Delivery, target: str, now: datetime) -> dict[str, object]:
    """What was owed on a channel that is gone, for another target."""
    if row.story_id:  # the rest is written when it leaves
        return _same_for(row, target, now, row.due_at, _of_its_case(row), key=row.channel)
    return _same_for(row, target, now, row.due_at, _without_pings(row), key=row.id)  # of lists each names other cases


def _without_pings(row: Delivery) -> dict[str, object]:
    """What it says, without whom it mentions: an address in one channel is none in another."""
    return {key: value for key, value in row.payload.items() if key != "ping"}
