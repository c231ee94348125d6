"""When one person answers everything, and what follows: whom a step calls, and when their list comes."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from monitor.settings import alone
from monitor.settings.rules import Rules
from tests.helpers import NOW, settings_from
from tests.settings.test_loading import SECRET

MAIL = '[[channels]]\nname = "mail"\nkind = "email"\nhost = "h"\nsender = "earful@example.org"\n'
CONSOLE = '[[channels]]\nname = "console"\nkind = "console"\n'
SLACK = '[[channels]]\nname = "slack"\nkind = "slack"\ntoken = { env = "TOKEN" }\n'
ANA = '[[people]]\nname = "Ana"\n'


def rules(folder: Path, people: str, *, alerts: str = "", notify: tuple[str, ...] = ("console",)) -> Rules:
    environ = {SECRET["env"]: "a-secret-value-1234567890abcdef"}
    made = settings_from(
        folder, channels=CONSOLE + MAIL + SLACK, tables=people, notify=notify, alerts=alerts, environ=environ
    )
    return Rules(made)


@pytest.mark.parametrize(
    ("people", "notify", "holds"),
    [
        (ANA, ("console",), True),
        (ANA + 'role = "admin"\n', ("console",), True),
        (ANA + 'email = "ana@example.org"\n', ("mail:ana@example.org",), True),
        (ANA + 'targets = ["slack:@U0123ABCD"]\n', ("slack:@U0123ABCD",), True),
        (ANA + '[[people]]\nname = "Boss"\nrole = "viewer"\n', ("console",), True),
        ("", ("console",), False),
        (ANA + '[[people]]\nname = "Ben"\n', ("console",), False),
        (ANA, ("slack:#care",), False),  # others read along, and may be in Slack alone
        (ANA + 'email = "ana@example.org"\n', ("mail:care@example.org",), False),
        (ANA + 'email = "ana@example.org"\n', ("mail:ana@example.org", "console"), False),
    ],
)
def test_one_person_is_alone_where_every_alert_is_theirs(
    tmp_path: Path, people: str, notify: tuple[str, ...], holds: bool
) -> None:
    made = rules(tmp_path, people, notify=notify)
    assert (made.alone is not None) is holds
    assert made.one_list is holds
    assert made.brief_over == (1 if holds else 3)


def test_a_rule_that_tells_somebody_else_ends_it(tmp_path: Path) -> None:
    shop = '[[alerts.routes]]\nwords = ["shop"]\nnotify = ["slack:#shop"]\n'
    assert rules(tmp_path, shop + ANA).alone is None


def test_nobody_is_next_and_there_are_no_leads(tmp_path: Path) -> None:
    made = rules(tmp_path, ANA)
    steps = {
        priority: [link.notify for link in made.clock(priority, NOW, leads=leads).chain]
        for priority, leads in (("critical", False), ("urgent", True), ("normal", False), ("gentle", False))
    }  # fmt: skip
    assert steps == {"critical": [("Ana",), ("Ana",)], "urgent": [("Ana",)], "normal": [], "gentle": []}
    urgent = made.clock("urgent", NOW)
    assert urgent.chain[0].at == urgent.due_at
    assert [each.target for each in made.tell(["Ana"], ["console"], NOW)] == ["console"]


def test_what_the_file_says_is_kept(tmp_path: Path) -> None:
    made = rules(
        tmp_path,
        ANA,
        alerts='sweep_at = ["07:00"]\nbrief_over = 2\nescalation.urgent = [{ after = "5m", notify = ["channel"] }]\n',
    )
    assert made.alone is not None
    assert (made.one_list, made.brief_over) == (False, 2)
    assert [link.notify for link in made.clock("urgent", NOW).chain] == [("channel",)]


def test_the_list_comes_an_hour_before_the_desk_closes(tmp_path: Path) -> None:
    blocks = [("mon", "09:00", "12:00"), ("mon", "14:00", "20:00"), ("tue", "09:00", "09:30")]
    written = ", ".join(f'{{ days = ["{day}"], start = "{start}", end = "{end}" }}' for day, start, end in blocks)
    hours = f"[desk]\nhours = [{written}]\n"
    opening = rules(tmp_path, ANA + hours).opening
    assert alone.evening_of(date(2026, 3, 2), opening) == datetime(2026, 3, 2, 19, tzinfo=UTC)
    assert alone.evening_of(date(2026, 3, 3), opening) == datetime(2026, 3, 3, 9, tzinfo=UTC)
    assert alone.evening_of(date(2026, 3, 4), opening) is None
