"""Presses of buttons: kept durably before they are acknowledged, then worked off, whatever the database does meanwhile.

Slack waits three seconds for an acknowledgement. Writing and syncing a small file takes milliseconds even while the
database is locked; what is on disk is worked off at the next tick, once, however often Slack tells the same press.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from connectors.durations import span
from monitor.assistant.answers import Assistant
from monitor.cases import actions, handing_over, verbs
from monitor.cases.own_lists import all_solved
from monitor.notify import slack_commands, slack_replies
from monitor.notify.beside import Beside
from monitor.notify.slack_commands import COMMAND, MAKE_CASE
from monitor.notify.spool import Spool
from monitor.people.actors import NotPossible
from monitor.people.identity import Actor, Directory, of_slack
from monitor.replying.context import Replying
from monitor.settings.rules import Rules
from monitor.store import key_values
from monitor.store.connect import Away, Error, reason
from monitor.store.database import Database

log = logging.getLogger("earful.presses")

_VERBS = {"waiting": "wait", "hand_over": "release"}  # what Slack's menus call them, or once did

Whisper = Callable[[Mapping[str, Any], str], None]  # (press, words): told to the person who pressed, to nobody else
Refused = Callable[[Mapping[str, Any]], str]  # why this press is not heard, "" where it is
Makes = Callable[[Mapping[str, Any], datetime], str]  # makes a case of a message; what came of it, in words
# (database, rules, which one, verb, who=, way=, now=, url=): does it to an incident or a problem
Acts = Callable[..., actions.Said]
Named = Callable[[str, str], str]  # (channel, Slack's id of a person) -> what colleagues call them
_NONE_OPEN = "none of the cases you moved to private messages is open"


@dataclass(frozen=True, slots=True)
class Interactions:
    """What the presses of a spool are worked off with; what has a default is for whoever cannot do it."""

    database: Database
    rules: Rules
    spool: Spool
    whisper: Whisper
    refused: Refused = lambda _press: ""
    named: Named = lambda _channel, user: user
    replying: Replying | None = None
    opens: slack_replies.Opens = lambda _press, _window: ""
    makes: Makes | None = None
    beside: Beside = field(default_factory=Beside)
    acts: Mapping[str, Acts] = field(default_factory=dict)
    assistant: Assistant | None = None

    def work_off(self, now: datetime) -> int:
        """Say of cases what was pressed; how many presses that were. One that was worked off before is only cleared.

        What speaks to a network, outside of transactions, goes `beside`: one that hangs must not hold up the others.
        Raises what a press raised; that one is tried again ever later, so the next call goes on with the others.
        """
        done = 0
        for path, press in self.spool.waiting():
            if not self.spool.is_due(path, now):
                continue
            if self.replying is not None and press.get("verb") in slack_replies.VERBS:
                done += self.beside.take(path, partial(self._reply, self.replying, path, press, now))
                continue
            with self.spool.held(path) as ours:
                if not ours:
                    continue
                with self._failing(path, press, now):
                    words = self._answer(press, now)
                self.spool.done(path)
            done += 1
            if words:
                self.whisper(press, words)
        return done

    @contextmanager
    def _failing(self, path: Path, press: Mapping[str, Any], now: datetime) -> Iterator[None]:
        """Have a press that fails wait before it is tried again; whoever pressed is told where it never will be."""
        try:
            yield
        except Exception as error:
            if isinstance(error, Error) and isinstance(reason(error), Away):
                raise  # it is nothing of this press, and all go on as soon as the database answers
            if self.spool.failed(path, now):
                aside = path.with_suffix(".bad").name
                log.error(
                    "gave up on a press (%s) after a day (%s); kept as %s", press.get("verb"), reason(error), aside
                )
                self.whisper(press, "this could not be done; use the web page, and tell whoever runs Earful")
            raise

    def _answer(self, press: Mapping[str, Any], now: datetime) -> str:
        """Do what was pressed; what to tell whoever pressed."""
        words, why = "", self.refused(press)  # may ask Slack: outside the transaction
        if press["verb"] == MAKE_CASE:  # takes a post in, in transactions of its own; said twice it is the same
            return why or self._make(press, now)
        owner = self._owner(press) if press["verb"] == "assign" and not why else None
        with self.database.transaction():
            if key_values.first_press(self.database, press["envelope_id"], now):
                words = why or self._say(press, owner, now)
        return words

    def _reply(self, replying: Replying, path: Path, press: Mapping[str, Any], now: datetime) -> None:
        """Open the window of a reply, or post what was written in it; a crash before the end has it done once more."""
        with self.spool.held(path) as ours:
            if not ours:
                return
            with self._failing(path, press, now):
                words = self.refused(press) or slack_replies.pressed(replying, press, self.opens, now, self.assistant)
            self.spool.done(path)
        if words:
            self.whisper(press, words)

    def _make(self, press: Mapping[str, Any], now: datetime) -> str:
        """Make a case of a message; what came of it, in words."""
        if self.makes is None:
            return "no case can be made here; ask whoever runs Earful"
        try:
            return self.makes(press, now)
        except NotPossible as error:
            return str(error)

    def _owner(self, press: Mapping[str, Any]) -> Actor:
        """Whom a case is given to, out of Slack's menu of people; Slack is asked what it calls whom nobody knows."""
        directory, user = Directory(self.database, self.rules.settings), press["value"]
        chosen = directory.resolve(of_slack(str(press.get("team_id", "")), user))
        return replace(chosen, name=self.named(str(press.get("by", "")), user)) if chosen.kind == "slack" else chosen

    def _say(self, press: Mapping[str, Any], owner: Actor | None, now: datetime) -> str:
        """Say it; the words for the person who pressed, empty when the edited message says enough."""
        database, rules = self.database, self.rules
        who = of_slack(str(press.get("team_id", "")), press["user_id"], press["user_name"])
        verb = _VERBS.get(press["verb"], press["verb"])
        detail = _detail(verb, press, now) if owner is None else {"owner": owner, "note": str(press.get("note", ""))}
        try:
            if verb == COMMAND:
                return slack_commands.answer(database, rules, who, str(press["value"]), now)
            if verb == "all_solved":
                count = all_solved(database, rules, who, "slack", now, owner_id=press["case_id"])
                return f"{count:,} closed as solved" if count else _NONE_OPEN
            if verb == "away":
                return handing_over.go_away(database, rules, who, press["value"], way="slack", now=now)
            if verb == "back":
                return handing_over.come_back(database, rules, who, way="slack", now=now)
            kind, _, one = str(press["case_id"]).partition(":")
            if one and kind in self.acts:
                url = str(press.get("note", ""))
                said = self.acts[kind](database, rules, one, verb, who=who, way="slack", now=now, url=url)
            else:
                said = actions.say_within(
                    database, rules, press["case_id"], verb, who=who, way="slack", now=now, detail=detail
                )
        except NotPossible as error:
            return str(error)
        return "" if said.changed else said.text


def _detail(verb: str, press: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    value = press["value"]
    if verb == "snooze":
        try:
            return {"until": now + span(value)}
        except (ValueError, OverflowError):
            return {"until": now + timedelta(hours=1)}
    if verb in {"dismiss", "close"}:
        return {"why": value} if value in verbs.WHYS else {}
    named = {"wait": "on", "wants": "text"}.get(verb)
    return {named: verbs.THE_CUSTOMER if value == "customer" else value} if named else {}
