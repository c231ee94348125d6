"""The settings as rules: who is told where, which rule decides, and what quiet hours hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.settings.models import Settings
from monitor.settings.rules import Rules, domain_of
from monitor.settings.warnings import worth_a_look
from monitor.wiring import judge_of, queries_of
from tests.helpers import ANGRY, HOUR, MINUTE, NOW, post, settings_from

CHANNELS = """
[[channels]]
name = "console"
kind = "console"
[[channels]]
name = "slack"
kind = "slack"
token = { env = "T" }
[[channels]]
name = "mail"
kind = "email"
host = "127.0.0.1"
security = "none"
sender = "earful@example.org"
"""
PEOPLE = """
[[people]]
name = "ANA"
email = "ana@example.org"
slack = "U0ANA00001"
[[people]]
name = "BEN"
targets = ["mail:ben@example.org"]
[[people]]
name = "LEA"
role = "lead"
slack = "U0LEA00001"
[[people]]
name = "VIC"
role = "viewer"
"""
ADA = """
[[people]]
name = "ADA"
role = "admin"
"""
ROUTES = """
[[alerts.routes]]
name = "press"
words = ["journalist"]
notify = ["mail:press@example.org"]
priority = "critical"
[[alerts.routes]]
name = "loud"
reach_at_least = 1000
notify = ["slack:#loud"]
owner = "ANA"
[[alerts.routes]]
name = "bad reviews"
source = ["forum"]
stars_at_most = 2
notify = ["slack:#reviews"]
[[alerts.routes]]
brand = ["Globex"]
notify = ["slack:#globex"]
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_from(
        tmp_path, channels=CHANNELS, tables=ROUTES + PEOPLE, notify=("slack:#care",), environ={"T": "xoxb-1"}
    )


@pytest.fixture
def rules(settings: Settings) -> Rules:
    return Rules(settings)


def told(rules: Rules, *names: str, route: tuple[str, ...] = ("slack:#care",)) -> dict[str, tuple[str, ...]]:
    return {each.target: each.ping for each in rules.tell(names, route, NOW)}


def test_the_channel_is_told_without_a_ping(rules: Rules) -> None:
    assert told(rules, "channel") == {"slack:#care": ()}


def test_people_are_pinged_in_the_channel_and_told_at_their_own_address(rules: Rules) -> None:
    assert told(rules, "ANA") == {"slack:#care": ("U0ANA00001",), "mail:ana@example.org": ()}
    assert told(rules, "BEN") == {"mail:ben@example.org": ()}


def test_leads_are_told_and_viewers_never_on_duty(rules: Rules) -> None:
    assert told(rules, "leads") == {"slack:#care": ("U0LEA00001",)}
    assert [person.name for person in rules.on_duty(NOW)] == ["ANA", "BEN", "LEA"]


def test_the_next_person_is_the_first_on_duty_who_was_not_told(rules: Rules) -> None:
    assert [person.name for person in rules.people_called("next", NOW)] == ["ANA"]
    assert [person.name for person in rules.people_called("next", NOW, {"ANA"})] == ["BEN"]
    assert rules.people_called("next", NOW, {"ANA", "BEN", "LEA"}) == []


def test_where_nobody_is_left_by_a_name_the_channel_hears_it(rules: Rules) -> None:
    assert told(rules, "GONE") == {"slack:#care": ()}


def test_targets_may_be_named_as_they_are(rules: Rules) -> None:
    assert told(rules, "mail:boss@example.org", "console") == {"mail:boss@example.org": (), "console": ()}


@pytest.mark.parametrize(
    ("change", "rule", "notify"),
    [
        ({}, "alerts.notify", "slack:#care"),
        ({"text": "A JOURNALIST asks about Acme"}, "press", "mail:press@example.org"),
        ({"text": "A journalist asks about Acme", "reach": 5000}, "press", "mail:press@example.org"),
        ({"reach": 1000}, "loud", "slack:#loud"),
        ({"reach": 999}, "alerts.notify", "slack:#care"),
        ({"rating": 2.0}, "bad reviews", "slack:#reviews"),
        ({"rating": 3.0}, "alerts.notify", "slack:#care"),
        ({"rating": 1.0, "source": "chirp"}, "alerts.notify", "slack:#care"),
    ],
)
def test_the_first_rule_that_matches_decides(
    settings: Settings, rules: Rules, change: dict[str, object], rule: str, notify: str
) -> None:
    one = replace(post(ANGRY), **change)  # type: ignore[arg-type]
    verdict = judge_of(settings, queries_of(settings)).verdict(one, "Acme", ("acme",))
    routed = rules.route(one, "Acme", verdict)
    assert (routed.rule, routed.notify) == (rule, (notify,))


@pytest.mark.parametrize("query", ["target", "(target OR tgt) store", "store NEAR/9 (target OR tgt)"])
def test_a_question_that_names_a_brand_calls_people_whatever_else_its_query_asks_for(
    tmp_path: Path, query: str
) -> None:
    settings = settings_from(tmp_path, brands=f'[[brands]]\nname = "Target"\nquery = "{query}"\n')
    one = post("Why is Target always closed? the store in Hull I mean")
    assert judge_of(settings, queries_of(settings)).verdict(one, "Target", ("Target", "store")).lane == "ping"


def test_a_rule_without_a_name_is_called_by_its_place(settings: Settings, rules: Rules) -> None:
    verdict = judge_of(settings, queries_of(settings)).verdict(post(ANGRY), "Globex", ("globex",))
    assert rules.route(post(ANGRY), "Globex", verdict).rule == "alerts.routes[4]"


@pytest.mark.parametrize(
    ("target", "held"),
    [
        ("slack:#care", False),
        ("slack:U0ANA00001", True),
        ("slack:@ana", True),
        ("mail:a@example.org", True),
        ("console", False),
    ],
)
def test_quiet_hours_hold_mail_and_direct_messages_and_no_channels_record(
    rules: Rules, target: str, held: bool
) -> None:
    assert rules.quiet_target(target) is held


def test_critical_runs_around_the_clock_and_the_rest_in_opening_hours(rules: Rules) -> None:
    friday = datetime.fromisoformat("2026-03-06T16:45:00+00:00")
    assert rules.clock("critical", friday).due_at == friday + 30 * MINUTE
    assert rules.clock("urgent", friday).due_at == datetime.fromisoformat("2026-03-09T09:45:00+00:00")
    assert rules.clock("normal", NOW, again=True).due_at == NOW + 4 * HOUR
    assert rules.claim_expiry("critical", friday) == friday + 30 * MINUTE


def test_a_chain_rises_and_holds_the_configured_steps_only(rules: Rules) -> None:
    """What follows the last step (calls of a critical case, else the opening brief) is no part of the chain."""
    chain = rules.clock("urgent", NOW).chain
    assert [link.at - NOW for link in chain] == [timedelta(minutes=each) for each in (45, 60, 90)]


@pytest.mark.parametrize("handle", ["acme_care", "@acme_care", "Acme_Care"])
def test_our_own_account_is_known_however_it_is_spelled(rules: Rules, handle: str) -> None:
    assert rules.is_own(post(ANGRY, author=handle))
    assert not rules.is_own(post(ANGRY, author=handle, source="news"))


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("https://www.a.example/x", "a.example"),
        ("http://B.example:80", "b.example"),
        ("", ""),
        ("javascript:x", ""),
        ("http://[bad", ""),
    ],
)
def test_the_domain_of_an_address(url: str, domain: str) -> None:
    assert domain_of(url) == domain


def test_a_shift_that_ends_at_midnight_lasts_until_then(tmp_path: Path) -> None:
    shift = '[[people]]\nname = "ANA"\nshifts = [{ days = ["sun"], start = "18:00", end = "24:00" }]\n'
    rules = Rules(settings_from(tmp_path, tables=shift))
    sunday = datetime(2026, 11, 22, tzinfo=rules.settings.zone)
    on = [hour for hour in range(28) if rules.on_duty((sunday + timedelta(hours=hour)).astimezone(UTC))]
    assert on == [18, 19, 20, 21, 22, 23]


TWO_ZONES = """
[[people]]
name = "ANA"
shifts = [{ start = "09:00", end = "13:00" }]
[[people]]
name = "CLEO"
zone = "Australia/Sydney"
shifts = [{ start = "09:00", end = "17:00" }]
[[people]]
name = "LEA"
role = "lead"
shifts = [{ days = ["mon"], start = "09:00", end = "10:00" }]
"""


def test_shifts_run_on_their_own_clock_and_what_nobody_covers_is_the_leads(tmp_path: Path) -> None:
    rules = Rules(settings_from(tmp_path, tables=TWO_ZONES))
    called = {hour: [one.name for one in rules.people_called("next", NOW.replace(hour=hour))] for hour in (2, 10, 14)}
    assert called == {2: ["CLEO"], 10: ["ANA"], 14: ["LEA"]}
    assert not rules.quiet.is_quiet(NOW.replace(hour=2))  # it is noon in Sydney: her mail is not held
    assert rules.quiet.is_quiet(NOW.replace(hour=19))


def test_quiet_start_and_quiet_end_still_say_when_people_without_shifts_are_called(tmp_path: Path) -> None:
    """For one release; and `check` says that it is the last."""
    settings = settings_from(tmp_path, alerts='quiet_end = "07:00"')
    rules = Rules(settings)
    on = [hour for hour in range(24) if not rules.quiet.is_quiet(NOW.replace(hour=hour))]
    assert on == list(range(7, 20))
    (said,) = [each for each in worth_a_look(settings) if "quiet_end will" in each]
    assert "people are alerted in their own shifts" in said
    never = Rules(settings_from(tmp_path, alerts='quiet_start = "00:00"\nquiet_end = "00:00"'))
    assert not never.quiet.is_quiet(NOW.replace(hour=3))


def test_leads_are_those_of_the_role_and_admins(tmp_path: Path) -> None:
    """An installation whose only manager is its admin used to be able to lose the last step of its ladder."""
    rules = Rules(settings_from(tmp_path, tables=PEOPLE + ADA, channels=CHANNELS, environ={"T": "xoxb-1"}))
    assert [person.name for person in rules.people_called("leads", NOW)] == ["LEA", "ADA"]


def test_a_route_asks_for_the_language_that_was_heard(tmp_path: Path) -> None:
    tables = """
[[alerts.routes]]
name = "german"
language = ["de", "nl"]
notify = ["console:germans"]
"""
    settings = settings_from(tmp_path, tables=tables)
    rules, judge = Rules(settings), judge_of(settings, queries_of(settings))
    heard = {
        "Acme, meine Bestellung ist nie angekommen und niemand antwortet mir": "german",
        "Acme mijn bestelling is nooit aangekomen en niemand antwoordt mij": "german",
        ANGRY: "alerts.notify",
    }
    for words, rule in heard.items():
        one = post(words)
        assert rules.route(one, "Acme", judge.verdict(one, "Acme")).rule == rule
