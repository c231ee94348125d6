"""Where somebody is reached about a case of theirs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from monitor.people.identity import settings_name, slack_user
from monitor.settings.rules import Recipients, Rules


def reached(rules: Rules, person_id: str, route: Sequence[str], now: datetime) -> list[Recipients]:
    """Where settings reach a person, or Slack does where a case's `route` leads there; empty for everybody else."""
    name = settings_name(person_id)
    if name in rules.people:
        return rules.tell([name], route, now)
    team, user = slack_user(person_id)
    if not user:
        return []
    teams = {each.name: each.options.team for each in rules.settings.channels if each.kind == "slack"}
    names = [target.partition(":")[0] for target in route]
    return [
        Recipients(target, (user,))
        for target, channel in zip(route, names, strict=True)
        if channel in teams and (not teams[channel] or not team or teams[channel] == team)
    ]
