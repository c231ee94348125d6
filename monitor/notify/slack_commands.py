"""What /earful does: how all stands, one case, a mute, who is on, and being away. Each as the page does it, by role."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from alerts.case import Case
from alerts.wording import count_words, excerpt, span_words
from monitor.cases import actions, handing_over
from monitor.people import audit, duty
from monitor.people.actors import NotPossible, require
from monitor.people.identity import Actor, Directory
from monitor.settings.rules import Rules, domain_of
from monitor.store import cases, key_values, mentions, report_queries, sources
from monitor.store.database import Database

# As alerts/slack/commands.py says it; that file is loaded only where Slack is configured.
COMMAND, MAKE_CASE = "command", "make_case"
WAY = "slack"
MOST_NAMED = 5  # critical and overdue cases
HELP = """Ask me:
/earful status - what waits, what is not read, who is on
/earful case 12 - one case; behind it take, release, answered or solved; issue leads to the form for one
/earful mute 12 - stop alerts about the author of case 12; or: mute domain example.org
/earful on duty - who is on now, who is away
/earful away until mon - you are away; /earful back - you are back"""
_VERBS = {"take": {}, "release": {}, "answered": {}, "solved": {"outcome": "solved"}}


def answer(database: Database, rules: Rules, who: Actor, text: str, now: datetime) -> str:
    """Do what was asked and say it, for whoever asked alone. Inside a transaction; raises NotPossible, in words."""
    words = text.split()
    asked, rest = (words[0].casefold(), words[1:]) if words else ("help", [])
    known: dict[str, Callable[[Database, Rules, Actor, Sequence[str], datetime], str]] = {
        "status": _status, "case": _case, "mute": _mute, "on": _on_duty, "duty": _on_duty, "away": _away, "back": _back,
    }  # fmt: skip
    if asked not in known:
        require(Directory(database, rules.settings), who, WAY, "read")
        return HELP
    return known[asked](database, rules, who, rest, now)


def _status(database: Database, rules: Rules, who: Actor, _rest: Sequence[str], now: datetime) -> str:
    require(Directory(database, rules.settings), who, WAY, "read")
    waiting = report_queries.count_unanswered(database, now - timedelta(days=1), now)
    lines = [
        f"{count_words(waiting['called'], 'case')} waiting, {waiting['critical']:,} critical, "
        f"{waiting['overdue']:,} overdue; {waiting['sweep']:,} in the list"
    ]
    for row in report_queries.still_open(database, now, MOST_NAMED):
        case = cases.case_of(row)
        owner = case.owner or "unassigned"
        lines.append(f"Case {case.id}: {case.priority}, waiting for {span_words(now - case.waits_since)}, {owner}")
    for name, health in sources.all_health(database).items():
        since = health.failing_since or health.paused_at
        if name in rules.sources and rules.sources[name].enabled and since is not None:
            why = "paused" if health.failing_since is None else excerpt(health.last_error, 120)
            lines.append(f"{name} has not been read for {span_words(now - since)}: {why}")
    return "\n".join([*lines, *_on(database, rules, now), rules.settings.earful.page_url])


def _on(database: Database, rules: Rules, now: datetime) -> list[str]:
    found = duty.on_now(database, rules, now, rules.settings.zone)
    if not found.listed:
        return []
    lines = [f"On now: {', '.join(found.on) or 'nobody'}"]
    lines += [f"{each.name} is away until {each.until}" for each in found.away]
    return [*lines, f"Nobody is on: {', '.join(found.uncovered)}"] if found.uncovered else lines


def _on_duty(database: Database, rules: Rules, who: Actor, _rest: Sequence[str], now: datetime) -> str:
    require(Directory(database, rules.settings), who, WAY, "read")
    return "\n".join(_on(database, rules, now)) or "Nobody is listed under [[people]] in the settings."


def _named_case(database: Database, rest: Sequence[str], usage: str) -> Case:
    number = rest[0].removeprefix("#")[:40] if rest else ""
    if not number:
        raise NotPossible(f"name a case: {usage}")
    found = cases.one(database, number)
    if found is None:
        raise NotPossible(f"there is no case {number}")
    return found


def _case(database: Database, rules: Rules, who: Actor, rest: Sequence[str], now: datetime) -> str:
    require(Directory(database, rules.settings), who, WAY, "read")
    found = _named_case(database, rest, "/earful case 12")
    verb = rest[1].casefold() if len(rest) > 1 else ""
    if verb == "issue":
        return _issue(database, rules, who, found)
    if verb and verb not in _VERBS:
        raise NotPossible(f"behind a case write {', '.join((*_VERBS, 'issue'))}")
    if verb:
        said = actions.say_within(
            database, rules, found.id, "close" if verb == "solved" else verb,
            who=who, way=WAY, now=now, detail=dict(_VERBS[verb]),
        )  # fmt: skip
        return f"case {found.id}: {said.text}" if said.text else f"case {found.id}: done"
    told = [each.post for each in mentions.of_case(database, found.id)]
    words = next((post.text or post.title for post in reversed(told) if post.text or post.title), "")
    owner = f"{found.owner} has it" if found.owner else "unassigned"
    head = f"Case {found.id}: {found.brand}, {found.priority}, {found.state_at(now)}, {owner}"
    seen = f"{found.author or 'somebody'} on {found.source}, waiting for {span_words(now - found.waits_since)}"
    quoted = [f"> {excerpt(words, 240)}"] if words else []
    page = f"{rules.settings.earful.page_url.rstrip('/')}/cases/{found.id}"
    return "\n".join([head, seen if found.answered_at is None else seen.partition(", ")[0], *quoted, page])


def _issue(database: Database, rules: Rules, who: Actor, found: Case) -> str:
    """Where an issue is created: its text has to be read before it is sent, so nothing is created from here."""
    require(Directory(database, rules.settings), who, WAY, "issue")
    if not rules.settings.trackers:
        raise NotPossible("no tracker is set up: add one under [[trackers]] in the settings")
    page = f"{rules.settings.earful.page_url.rstrip('/')}/cases/{found.id}/issue"
    return f"Read the issue for case {found.id}, then create it: {page}"


def _mute(database: Database, rules: Rules, who: Actor, rest: Sequence[str], now: datetime) -> str:
    actor = require(Directory(database, rules.settings), who, WAY, "mute")
    if len(rest) > 1 and rest[0].casefold() == "domain":
        brand, kind, value = "", "domain", domain_of(f"https://{rest[1].casefold()}")
        if "." not in value:
            raise NotPossible("write a domain such as example.org")
    else:
        found = _named_case(database, rest, "/earful mute 12")
        if not found.author:
            raise NotPossible(f"nobody is named in case {found.id}")
        brand, kind, value = found.brand, "author", f"{found.source}/{found.author}"
    standing = {(row["brand"], row["kind"], row["value"]) for row in key_values.mutes(database)}
    if (brand, kind, value) in standing:
        return f"{value} is already muted"
    key_values.add_mute(database, brand, kind, value, actor.name, now)
    # Not whom: people ask to be forgotten.
    audit.note(database, audit.Event.SETTINGS, now, who=actor, way=WAY, about="mutes", change=f"{kind} added")
    return f"{value} is muted: posts are stored, but nobody is alerted. Unmute on {rules.settings.earful.page_url}/desk"


def _away(database: Database, rules: Rules, who: Actor, rest: Sequence[str], now: datetime) -> str:
    return handing_over.go_away(database, rules, who, " ".join(rest) or "mon", way=WAY, now=now)


def _back(database: Database, rules: Rules, who: Actor, _rest: Sequence[str], now: datetime) -> str:
    return handing_over.come_back(database, rules, who, way=WAY, now=now)
