"""What the report says beside times: in sentences, as JSON, by the command, the API and for an assistant alike."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from monitor.reports import further_figures, outcomes
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.web import serializers
from monitor.wiring import Assembly
from tests.cli.program import earful
from tests.helpers import ANGRY, DAY, HOUR, MINUTE, NOW, THANKS, assembly_of, post, settings_from, settings_on, take

NAMED = '[[competitors]]\nname = "Initech"\nquery = "initech"\n'
WARM = "I love my Acme kettle, thank you so much for making it! Best purchase I ever made, wonderful people."


@pytest.fixture
def acme(database: Sqlite | Postgresql, tmp_path: Path) -> Assembly:
    """A desk with praise, somebody who came back, ratings, and a competitor."""
    acme = assembly_of(database, settings_from(tmp_path, tables=NAMED))
    take(acme, post(WARM, author="mira"), post(ANGRY, author="olga", native_id="o1"), post("Initech again", author="b"))
    with acme.database.transaction():
        reply = post("Sorry! The refund is on its way to you.", author="acme_care", parent_id="o1", at=NOW + HOUR)
        acme.answers.take([reply], NOW + HOUR)
    take(acme, post(THANKS, author="olga", at=NOW + 2 * HOUR, rating=5), now=NOW + 2 * HOUR)
    take(acme, *(post("Acme", author="", rating=stars, out_of=10) for stars in (5, 5, 1)))
    return acme


def test_they_are_said_in_sentences_and_nothing_of_what_there_is_nothing_to_say(acme: Assembly) -> None:
    said = further_figures.sentences(acme.database, acme.rules, NOW - DAY, NOW + DAY)
    assert said == [
        "1 person wrote praise worth a thank-you; nobody got one.",
        "1 person wrote kind words after you had answered their complaint.",
        "forum: NPS +33, 3 answers, too few to draw conclusions.",
        "forum: 5.0 of 5 stars, 1 review, too few to draw conclusions.",
        "Share of voice: Acme 86%, Globex 0%, Initech 14%, of 7 mentions, too few to draw conclusions.",
    ]
    assert further_figures.sentences(acme.database, acme.rules, NOW - 9 * DAY, NOW - 8 * DAY) == []


def test_programs_get_the_same_and_none_for_what_was_never_measured(acme: Assembly, tmp_path: Path) -> None:
    report = serializers.span_report(acme.database, acme.rules, NOW - DAY, NOW + DAY)
    assert report["thanks"] == {"deserved": 1, "thanked": 0, "open": 1}
    assert report["came_back"] == 1
    (nps,) = report["ratings"]["nps"]
    assert (nps["score"], nps["n"], nps["promoters"]) == (33, 3, 2)
    assert [each["posts"] for each in report["share_of_voice"]["brands"]] == [6, 0, 1]
    assert report["outcomes"] is None
    left = outcomes.Outcomes(in_time=outcomes.Group(40, 2), never=outcomes.Group(20, 9))
    with acme.database.transaction():
        outcomes.keep(acme.database, {"": left}, NOW)
    assert serializers.span_report(acme.database, acme.rules, NOW, NOW + DAY)["outcomes"]["never"]["left"] == 9
    said = further_figures.sentences(acme.database, acme.rules, NOW - 9 * DAY, NOW - 8 * DAY)
    assert said == outcomes.sentences(left)
    plain = assembly_of(acme.database, settings_from(tmp_path))
    assert further_figures.as_json(plain.database, plain.rules, NOW, NOW + MINUTE)["share_of_voice"] is None


def test_the_command_prints_them_below_the_times(sqlite: Sqlite, tmp_path: Path) -> None:
    acme = assembly_of(sqlite, settings_from(tmp_path))
    take(acme, post(WARM, author="mira"))
    desk = settings_on(tmp_path, sqlite)
    asked = ("report", "--month", f"{NOW:%Y-%m}")
    assert "1 person wrote praise worth a thank-you; nobody got one." in earful(desk, *asked, COLUMNS="200").stdout
    assert json.loads(earful(desk, *asked, "--json").stdout)["thanks"]["deserved"] == 1
