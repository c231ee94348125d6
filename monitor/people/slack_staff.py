"""Who may press in Slack, as Slack said last: the workspace of each channel, and the members of its user group.

`[[channels]] may_press` names a user group: it is the list of staff there. It is asked for once an hour, and what was
heard stands while Slack cannot be asked. Whoever left the group may not press any more, and keeps cases until the desk
opens again: nobody's work changes hands in the middle of a day because of a slip in Slack.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.settings.models import Channel, Settings
from monitor.store import key_values
from monitor.store.database import Database, at, stamp

ASK_EVERY = timedelta(hours=1)
_REMEMBERED = timedelta(days=90)  # how long it is known that somebody was in the group


@dataclass(frozen=True, slots=True)
class Heard:
    """What Slack said of one channel's workspace. `left` are former members, and since when they are missing."""

    team: str
    group: str
    members: frozenset[str]
    left: Mapping[str, datetime]
    asked_at: datetime

    def is_old(self, group: str, now: datetime) -> bool:
        """Whether it is time to ask again."""
        return group != self.group or now - self.asked_at >= ASK_EVERY or now < self.asked_at


def _key(channel: str) -> str:
    return f"slack_staff:{channel}"


def heard(database: Database, channel: str) -> Heard | None:
    """What Slack said last, None before it said anything."""
    text = key_values.fact(database, _key(channel))
    if not text:
        return None
    kept = json.loads(text)
    left = {user: at(since) for user, since in kept["left"].items()}
    return Heard(kept["team"], kept["group"], frozenset(kept["members"]), left, at(kept["asked_at"]))


def keep(database: Database, channel: str, *, team: str, group: str, members: Collection[str], now: datetime) -> Heard:
    """Keep what Slack said just now; whoever was a member before and is none now has left."""
    before = heard(database, channel)
    left: dict[str, datetime] = {}
    if before is not None and before.group:
        left = {user: since for user, since in before.left.items() if now - since < _REMEMBERED}
        left |= dict.fromkeys(before.members, now)
    left = {user: since for user, since in left.items() if user not in members}
    kept = {
        "team": team,
        "group": group,
        "members": sorted(members),
        "left": {user: stamp(since) for user, since in sorted(left.items())},
        "asked_at": stamp(now),
    }
    with database.transaction():
        key_values.remember(database, _key(channel), json.dumps(kept), now)
    return Heard(team, group, frozenset(members), left, now)


class Workspaces:
    """What settings and Slack together say of who belongs to us there."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._channels = [each for each in settings.channels if each.kind == "slack" and each.options is not None]
        self._heard = {each.name: heard(database, each.name) for each in self._channels}
        self.lists_people = any(person.slack for person in settings.people)
        self.strangers_may = any(each.options.unknown_may_press for each in self._channels)

    @property
    def has_group(self) -> bool:
        """Whether a user group is the list of staff."""
        return any(each.options.may_press for each in self._channels)

    def is_ours(self, team: str) -> bool:
        """Whether a workspace is one of ours; every one is while neither settings nor Slack have named any."""
        teams = {self._team_of(each) for each in self._channels} - {""}
        return not teams or team in teams

    def _team_of(self, channel: Channel) -> str:
        """A channel's workspace: as settings say, else as Slack said of the token."""
        heard = self._heard[channel.name]
        return channel.options.team or (heard.team if heard is not None else "")

    def is_member(self, team: str, user: str) -> bool:
        """Whether somebody is in a user group of ours."""
        return any(user in heard.members for heard in self._groups(team))

    def left_at(self, team: str, user: str) -> datetime | None:
        """Since when somebody who was in a user group of ours is in none any more."""
        if self.is_member(team, user):
            return None
        return max((heard.left[user] for heard in self._groups(team) if user in heard.left), default=None)

    def _groups(self, team: str) -> list[Heard]:
        found = []
        for each in self._channels:
            heard = self._heard[each.name]
            if heard is not None and heard.group == each.options.may_press != "" and team == self._team_of(each):
                found.append(heard)
        return found
