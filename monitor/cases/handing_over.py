"""What somebody leaves behind: the open cases of whoever is away, or whose shift is over, are offered to whoever is on.

An offer is one message with all of them. Each stays with whoever has it until somebody takes it, by the same press as
ever. Who is away is not alerted; the hours that nobody covers then are told to the leads before they come. The cases of
people who are gone for good are open again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts import roster
from alerts.wording import count_words
from monitor.cases import actions, showing
from monitor.people import duty
from monitor.people.actors import NotAllowed, NotPossible, refusal, require
from monitor.people.identity import NOBODY, Actor, Directory, of_settings, settings_name
from monitor.settings.models import Person
from monitor.settings.rules import Recipients, Rules
from monitor.store import absences, case_log, cases, deliveries, key_values
from monitor.store.database import Database, at, stamp

OFFER = "list:offer:"
RECENT = timedelta(hours=16)  # a shift that ended longer ago is over: its cases were offered, or there was nobody
MOST = 200  # cases that one offer names


@dataclass(frozen=True, slots=True)
class _Leaver:
    """Somebody whose cases are to be offered, why in words, and the key under which all they have is offered once.

    Whoever is `away` may have more to offer afterwards: what comes back to them while nobody is there.
    """

    person: str
    name: str
    why: str
    key: str
    away: datetime | None = None  # since when
    offered: bool = False  # all they had


def go_away(
    database: Database,
    rules: Rules,
    who: Actor | str,
    until: str,
    *,
    way: str,
    now: datetime,
    whom: Actor | None = None,
) -> str:
    """Somebody is away until then; what came of it, in words. A lead may say it of `whom`. Inside a transaction.

    Raises NotPossible for a time that cannot be read, and NotAllowed for whoever may not.
    """
    directory = Directory(database, rules.settings)
    actor = require(directory, who, way, "take")
    person = _whom(directory, actor, whom)
    zone = rules.zone_of(settings_name(person.id))
    try:
        moment = duty.until_of(until, zone, now)
    except ValueError as error:
        raise NotPossible(str(error)) from None
    absences.add(database, person.id, person.name, now, moment, actor.name)
    offered, on = _offer_all(database, rules, now)
    tell_uncovered(database, rules, now)
    said = f"{person.name} is away until {duty.until_words(moment, zone, now)}"
    left = sum(1 for row in _theirs(database, directory, {person.id}, now))
    if offered:
        return f"{said}; {count_words(offered, 'open case')} offered to {', '.join(on)}"
    return f"{said}; {count_words(left, 'open case')} will be offered when someone comes on" if left else said


def come_back(
    database: Database, rules: Rules, who: Actor | str, *, way: str, now: datetime, whom: Actor | None = None
) -> str:
    """Somebody is back; what nobody took over is theirs as before. Inside a transaction."""
    directory = Directory(database, rules.settings)
    person = _whom(directory, require(directory, who, way, "take"), whom)
    if not absences.end(database, person.id, now):
        return f"{person.name} is not away"
    for row in _theirs(database, directory, {person.id}, now):
        if row["offered_at"]:
            cases.change(database, row["id"], offered_at=None)
            showing.show_offers(database, row["id"], now, f"{person.name} is back")
    return f"{person.name} is back"


def _whom(directory: Directory, actor: Actor, whom: Actor | None) -> Actor:
    """Of whom it is said: whoever says it, else somebody whom a lead names."""
    person = directory.resolve(whom or actor)
    if person.id != actor.id and (why := refusal(actor, "desk")):
        raise NotAllowed(f"{why} to say it of somebody else")
    return Actor(person.id, person.name)


def hand_over(database: Database, rules: Rules, now: datetime) -> int:
    """Offer what those have whose shift is over, and who are away, to whoever is on now; how many cases."""
    leavers = _leavers(database, duty.aware(database, rules, now), now)
    if not leavers or (all(each.offered for each in leavers) and not _to_offer(database, rules, leavers, now)):
        return 0  # as at nearly every tick while somebody is away
    with database.transaction():
        return _offer_all(database, rules, now)[0]


def _leavers(database: Database, rules: Rules, now: datetime) -> list[_Leaver]:
    """Whose cases are still to be offered."""
    found = []
    for row in absences.standing(database, now):
        zone = rules.zone_of(settings_name(row["person"]))
        why = f"{row['name']} is away until {duty.until_words(at(row['until_at']), zone, now)}"
        key = f"offer:away:{row['n']}"
        offered = key_values.has_period(database, key)
        found.append(_Leaver(row["person"], row["name"], why, key, at(row["since_at"]), offered))
    away = {each.name for each in found}
    for member in rules.members:
        ended = roster.shift_ended(member, now - RECENT, now)
        if ended is not None and member.name not in away:
            key = f"offer:shift:{member.name}:{stamp(ended)}"
            if not key_values.has_period(database, key):
                found.append(_Leaver(of_settings(member.name).id, member.name, f"{member.name}'s shift is over", key))
    return found


def _offer_all(database: Database, rules: Rules, now: datetime) -> tuple[int, list[str]]:
    """Offer once what every leaver has; how many cases, and to whom. Where nobody is on it waits."""
    rules = duty.aware(database, rules, now)
    found = _leavers(database, rules, now)
    leavers = {each.person: each for each in found}
    on = [person for person in rules.on_duty(now) if of_settings(person.name).id not in leavers]
    if not leavers or not on:
        return 0, []
    for each in leavers.values():
        if not each.offered:
            key_values.take_period(database, each.key, now)
    rows = _to_offer(database, rules, found, now)
    for first in range(0, len(rows), MOST):
        some = rows[first : first + MOST]
        why = " · ".join(leavers[person].why for person in dict.fromkeys(row["theirs"] for row in some))
        for row in some:
            cases.change(database, row["id"], offered_at=now)
        about = f"{OFFER}{now.isoformat()}" + (f":{first}" if first else "")
        _tell(database, rules, about, [row["id"] for row in some], on, why, now)
    return len(rows), [person.name for person in on]


def _to_offer(database: Database, rules: Rules, leavers: Sequence[_Leaver], now: datetime) -> list[dict[str, str]]:
    """What these people have that is to be offered: all of it once, then what comes back to whoever is away."""
    of = {each.person: each for each in leavers}
    return [
        row
        for row in _theirs(database, Directory(database, rules.settings), set(of), now)
        if not of[row["theirs"]].offered or _came_back(database, row, of[row["theirs"]].away)
    ]


def _came_back(database: Database, row: Mapping[str, str], away: datetime | None) -> bool:
    """Whether a case came to somebody who is away already: its author wrote again, a pause is over, a rule named them.

    What they took themselves while they are away, or were given by a person, is theirs.
    """
    if row["offered_at"] or away is None:
        return False  # as of nearly all, at each tick while somebody is away: their logs need not be read
    lines = case_log.of_case(database, row["id"])
    return not any(line.what in {"take", "assign"} and line.at > away for line in lines)


def _theirs(database: Database, directory: Directory, persons: set[str], now: datetime) -> list[dict[str, str]]:
    """The open cases of these people that they have taken and not answered; what rests is not handed on."""
    owned = [
        {**row, "theirs": directory.resolve(Actor(row["owner_id"], row["owner"])).id} for row in cases.owned(database)
    ]
    theirs = {row["id"]: row for row in owned if row["theirs"] in persons}
    stand = {key: cases.case_of(row) for key, row in cases.rows_of(database, list(theirs)).items()}
    return [row for key, row in theirs.items() if key in stand and stand[key].state_at(now) == "taken"]


def _tell(
    database: Database, rules: Rules, about: str, named: Sequence[str], on: Sequence[Person], why: str, now: datetime
) -> None:
    rows = [
        deliveries.new_row(
            about=about,
            target=each.target,
            now=now,
            due_at=now,
            reason=why,
            payload={"cases": list(named), "ping": list(each.ping)},
            key=each.target,
        )
        for each in _recipients(rules, on, now)
    ]
    deliveries.queue(database, rows)


def _recipients(rules: Rules, on: Sequence[Person], now: datetime) -> list[Recipients]:
    """Where these people read one message: mentioned in the channel; else at their own address, else in the channel."""
    pings: dict[str, list[str]] = {}
    for person in on:
        reached = rules.tell([person.name], rules.settings.alerts.notify, now)
        for each in [one for one in reached if one.ping] or reached:
            pings.setdefault(each.target, []).extend(each.ping)
    return [Recipients(target, tuple(dict.fromkeys(people))) for target, people in pings.items()]


def tell_of_the_week(database: Database, rules: Rules, now: datetime) -> None:
    """Once a day, while somebody is to be reached: which hours of the coming week nobody covers."""
    day = f"uncovered:{now.astimezone(rules.settings.zone):%Y-%m-%d}"
    if rules.quiet.is_quiet(now) or key_values.has_period(database, day):
        return
    with database.transaction():
        if key_values.take_period(database, day, now):
            tell_uncovered(database, rules, now)


def tell_uncovered(database: Database, rules: Rules, now: datetime) -> None:
    """Tell the leads which hours of the coming week nobody covers, each once. Inside a transaction."""
    rules = duty.aware(database, rules, now)
    zone = rules.settings.zone
    new = []
    for gap in duty.gaps_ahead(rules, now):
        ends = f"{gap.until.astimezone(zone):%a %H:%M}" if gap.usual else stamp(gap.until)
        if key_values.take_period(database, f"uncovered:{ends}", now):
            new.append(duty.gap_words(gap, zone))
    if not new:
        return
    leads = rules.leads(now)
    names = ["leads"] if leads else ["channel"]
    until_then = "alerts go to leads" if leads else "alerts go to the channel alone"
    for each in rules.tell(names, rules.settings.alerts.notify, now):
        row = deliveries.notice_row(
            f"uncovered:{stamp(now)}", each.target, f"Nobody is on duty: {', '.join(new)}",
            f"change the shifts, or ask someone to cover; until then {until_then}", now,
        )  # fmt: skip
        payload: Mapping[str, object] = {**json.loads(row["payload"]), "ping": list(each.ping)}
        deliveries.queue(database, [{**row, "payload": json.dumps(payload, ensure_ascii=False)}])


def people_left(database: Database, rules: Rules, now: datetime) -> int:
    """Cases of people who were known and are gone are open again; how many.

    Whoever is known under another id by now (a page user who has come into settings, say) has the case under that one.
    """
    directory = Directory(database, rules.settings)
    released = 0
    for row in cases.owned(database):
        kept = Actor(row["owner_id"], row["owner"])
        owner = directory.resolve(kept)
        why = directory.gone(owner, rules.opening, now)
        if why:
            with database.transaction():
                current = cases.one(database, row["id"])
                if current is None or current.owner_id != kept.id or current.state_at(now) in {"answered", "closed"}:
                    continue  # somebody took it meanwhile, or it has its answer
                actions.say_within(
                    database, rules, row["id"], "release", who=NOBODY, way="settings", now=now, detail={"reason": why}
                )
            released += 1
        elif owner != kept:
            with database.transaction():
                cases.rename_owner(database, row["id"], kept.id, owner.id, owner.name)
    return released
