"""What people rated: each scale by its own figure, counted from what came by the door and from reviews."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.reports import surveys
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.helpers import DAY, MINUTE, NOW, assembly_of, post, settings_from, take

DOOR = """
[[sources]]
name = "survey"
kind = "inbound"
token = "a-token-for-those-who-cannot-sign"
preset = "survey"
about = "Acme"
"""


@pytest.fixture
def acme(database: Sqlite | Postgresql, tmp_path: Path) -> Assembly:
    """Acme's desk with a survey beside its forum."""
    return assembly_of(database, settings_from(tmp_path, sources=DOOR.replace('"a-token-for', '{ env = "T" } #'),
                                               environ={"T": "a-token-for-those-who-cannot-sign"}))  # fmt: skip


def rate(acme: Assembly, *ratings: float, source: str = "survey", out_of: float | None = None) -> None:
    posts = [post("Acme", author="", source=source, rating=rating, out_of=out_of) for rating in ratings]
    take(acme, *posts, now=NOW)


def of_week(acme: Assembly, brand: str = "") -> surveys.Surveys:
    return surveys.of_span(acme.database, acme.rules, NOW - 7 * DAY, NOW + MINUTE, brand)


def test_a_scale_of_ten_is_nps_one_of_five_in_a_survey_is_csat_and_a_review_has_stars(acme: Assembly) -> None:
    rate(acme, 5, 5, 5, 4, 1, out_of=10)
    rate(acme, 5, 4, 3, 1)
    rate(acme, 5, 1, 3.5, source="forum")
    found = of_week(acme)
    assert found.nps == (surveys.Nps("survey", promoters=3, passives=1, detractors=1),)
    assert found.nps[0].score == 40
    assert found.csat == (surveys.Csat("survey", satisfied=2, n=4),)
    assert found.stars == (surveys.Stars("forum", (1, 0, 0, 1, 1)),)
    assert found.stars[0].mean == pytest.approx(10 / 3)
    assert all(each.few for each in (*found.nps, *found.csat, *found.stars))
    interval = found.csat[0].interval
    assert interval is not None
    assert (round(interval.low, 2), round(interval.high, 2)) == (0.15, 0.85)


def test_only_the_span_and_the_brand_are_counted(acme: Assembly) -> None:
    rate(acme, 5)
    assert of_week(acme, "Globex").empty
    assert surveys.of_span(acme.database, acme.rules, NOW - 7 * DAY, NOW - DAY).empty


def test_what_is_forgotten_of_a_person_leaves_their_score_in_the_figures(acme: Assembly) -> None:
    rate(acme, 5, out_of=10)
    acme.database.run("UPDATE posts SET title = '', text = '', purged_at = 'x'")
    assert of_week(acme).nps[0].n == 1
