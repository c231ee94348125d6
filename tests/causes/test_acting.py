"""A problem is taken where it is told of: by a button in Slack, and everybody there sees whose it is by now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alerts.slack.payloads import Press
from monitor.causes import acting, problems
from monitor.notify.interactions import Interactions
from monitor.notify.spool import Spool
from monitor.people.actors import NotPossible
from monitor.people.identity import of_page, of_settings
from monitor.service.ticks import ACTS
from monitor.store import problems as kept
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.alerting_helpers import channels, edited, posted
from tests.fakes.slack import FakeSlack
from tests.helpers import BROKEN, HOUR, LATE, MINUTE, NOW, Clock, assembly_of, deliver, post, settings_from, take

ANA = of_page("Ana")
PEOPLE = '[[people]]\nname = "Ana"\nslack = "U0ANA00001"\n'


def told(sqlite: Sqlite, folder: Path, slack: FakeSlack, tables: str = "") -> tuple[Assembly, Clock]:
    """Two problems of six people each, told in one message."""
    table = channels(slack) + 'signing_secret = { env = "S" }\n'
    settings = settings_from(folder, channels=table, notify=("slack:#care",), tables=tables,
                             environ={"T": slack.token, "S": "secret"})  # fmt: skip
    acme = assembly_of(sqlite, settings)
    for number, words in enumerate((LATE, BROKEN)):
        take(acme, *(post(f"{words} {each * 7919}", author=f"c{number}{each}") for each in range(6)))
    clock = Clock(NOW + MINUTE)
    deliver(acme, clock)
    clock.forward(HOUR)
    deliver(acme, clock)
    return acme, clock


def press(acme: Assembly, folder: Path, about: str, verb: str, user: str = "U0ANA00001", note: str = "") -> list[str]:
    """Somebody presses in Slack; what they alone are told."""
    spool, said = Spool(folder / "presses"), []
    given = dict.fromkeys(("value", "channel", "message_ts", "at_text"), "")
    spool.keep(
        Press(case_id=about, verb=verb, user_id=user, user_name="ana", team_id="T0CARE0001",
              envelope_id=f"{about}{verb}{user}", note=note, **given),
        "slack",
    )  # fmt: skip
    whisper = lambda _press, words: said.append(words)  # noqa: E731
    Interactions(acme.database, acme.rules, spool, whisper, acts=ACTS).work_off(NOW)
    return said


def buttons(message: dict[str, Any]) -> dict[str, str]:
    """What can be pressed below a message: label -> what it is about."""
    rows = [each for block in message["blocks"] if block["type"] == "actions" for each in block["elements"]]
    return {each["text"]["text"]: each.get("value", each.get("url", "")) for each in rows}


def test_two_problems_are_one_message_and_each_has_its_button(sqlite: Sqlite, tmp_path: Path, slack: FakeSlack) -> None:
    acme, clock = told(sqlite, tmp_path, slack)
    message = posted(slack)[-1]
    assert "2 problems, 2 not taken" in slack.reads(message)
    assert set(buttons(message).values()) == {"problem:1", "problem:2"}
    assert all(label.startswith("I have it: ") for label in buttons(message))
    assert press(acme, tmp_path, "problem:1", "take") == []
    deliver(acme, clock)
    shown = edited(slack)[-1]
    assert "2 problems, 1 not taken" in slack.reads(shown)
    assert "taken by ana" in slack.reads(shown)
    assert list(buttons(shown).values()) == ["problem:2"]
    problems.fix(sqlite, 2, ANA, NOW)
    deliver(acme, clock)
    assert "fixed by Ana" in slack.reads(edited(slack)[-1])
    assert buttons(edited(slack)[-1]) == {}


def test_who_comes_second_hears_who_was_first_and_strangers_that_they_are_none_of_ours(
    sqlite: Sqlite, tmp_path: Path, slack: FakeSlack
) -> None:
    acme, _ = told(sqlite, tmp_path, slack, PEOPLE)
    (why,) = press(acme, tmp_path, "problem:1", "take", user="U0STRANGE1")
    assert "is not known here" in why
    assert kept.one(sqlite, 1)["owner"] == ""  # type: ignore[index]
    press(acme, tmp_path, "problem:1", "take")
    assert kept.one(sqlite, 1)["owner"] == "Ana"  # type: ignore[index]
    assert press(acme, tmp_path, "problem:99", "take") != []
    assert press(acme, tmp_path, "problem:1", "end") != []


def test_it_is_taken_once_and_given_back(acme: Assembly) -> None:
    take(acme, *(post(f"{LATE} {each * 7919}", author=f"c{each}") for each in range(3)))

    def act(verb: str, who: str = "Ana", problem: str = "1") -> str:
        with acme.database.transaction():
            return acting.act_within(acme.database, acme.rules, problem, verb, who=who, way="page", now=NOW).text

    assert act("take") == "taken by Ana"
    assert act("take") == "Ana already has it"
    with pytest.raises(NotPossible, match="Ana already took it"):
        act("take", "Ben")
    assert act("release", "Ben") == "released: nobody has taken it"
    assert act("release") == "nobody has taken it"
    for wrong in (("end", "Ana", "1"), ("take", "Ana", "x"), ("take", "Ana", "2")):
        with pytest.raises(NotPossible):
            act(*wrong)
    problems.fix(acme.database, 1, ANA, NOW)
    with pytest.raises(NotPossible, match="marked as fixed"):
        act("take")


def test_a_problem_of_somebody_who_left_has_nobody_again(database: Sqlite | Postgresql, tmp_path: Path) -> None:
    """As their cases: nobody else could take it, since they had it already, until somebody gave it back for them."""
    acme = assembly_of(database, settings_from(tmp_path, tables=f'{PEOPLE}[[people]]\nname = "Ben"\n'))
    take(
        acme,
        *(post(f"{words} {each * 7919}", author=f"{words}{each}") for each in range(3) for words in (LATE, BROKEN)),
    )
    for problem, who in (("1", "Ana"), ("2", "Ben")):
        with database.transaction():
            acting.act_within(database, acme.rules, problem, "take", who=of_settings(who), way="page", now=NOW)
    assert acting.owners_left(database, acme.rules, NOW) == 0
    rules = assembly_of(database, settings_from(tmp_path, tables='[[people]]\nname = "Ben"\n')).rules
    assert [acting.owners_left(database, rules, NOW) for _ in range(2)] == [1, 0]
    assert [kept.one(database, number)["owner"] for number in (1, 2)] == ["", "Ben"]  # type: ignore[index]
