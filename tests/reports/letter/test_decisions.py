"""What a manager is asked to decide: at most three things, the most urgent first, each with what it rests on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from monitor.reports.definitions import Share
from monitor.reports.goodwill import Goodwill
from monitor.reports.letter import decisions
from monitor.reports.letter.health import Failing
from monitor.reports.letter.stories import Outbreak, Problem
from monitor.reports.letter.week import Leaving, Volume, Week
from monitor.reports.share_of_voice import ShareOfVoice
from monitor.reports.statistics import Aftermath, Figures, Spread
from monitor.reports.surveys import Surveys
from tests.helpers import DAY, NOW

NONE_WAITS = dict.fromkeys(
    ("called", "critical", "untaken", "overdue", "later", "later_late", "sweep", "praise", "late"), 0
)
CALM = Week(
    brand="Acme", since=NOW - 7 * DAY, until=NOW, first=False, installed=None, brand_since=None,
    volume=Volume(100, Share(10, 90)), volume_before=None, waiting=NONE_WAITS,
    open=(), figures=Figures(), figures_before=None, alerts=40, acted=40, wrong=3, looked_at=0, missed=0,
    leaving=Leaving(),
    problems=(), outbreaks=(), goodwill=Goodwill(), ratings=Surveys(), ratings_before=None,
    voice=ShareOfVoice(), outcomes=None, leaving_before=None,
    failing=(), not_seen=(), offers=0, unjudged={}, aftermath=Aftermath(),
)  # fmt: skip


def asked(**changes: Any) -> list[str]:
    return [line.text for line in decisions.of(replace(CALM, **changes), "https://e.example")]


def in_time(share: float, due: int, **more: Any) -> Figures:
    return Figures(in_target=share, to_answer=Spread(due, timedelta(hours=1), None, share, due), **more)


def test_a_week_in_which_all_is_well_asks_for_nothing() -> None:
    assert asked() == []
    assert asked(figures=in_time(0.9, 40), figures_before=in_time(0.95, 40)) == []


def test_no_more_than_three_and_the_most_urgent_first() -> None:
    found = asked(
        waiting={**CALM.waiting, "critical": 2, "untaken": 2},
        leaving=Leaving(9, 2, (("delivery", 5),)),
        figures=in_time(0.4, 30),
        failing=(Failing("chirp", NOW - 3 * DAY, "503"),),
        wrong=20, offers=3,
    )  # fmt: skip
    assert found == [
        "Who takes the 2 critical cases nobody has taken?",
        "Who calls back the 7 people who say they are leaving and have no answer?",
        "More people, or other hours?",
    ]


def test_answers_are_a_question_when_few_are_in_time_or_fewer_than_the_week_before() -> None:
    assert asked(figures=in_time(0.69, 10)) == ["More people, or other hours?"]
    assert asked(figures=in_time(0.69, 9)) == [], "nine cases decide nothing"
    assert asked(figures=in_time(0.8, 40), figures_before=in_time(0.96, 40)) == ["More people, or other hours?"]
    assert asked(figures=in_time(0.8, 40), figures_before=in_time(0.96, 5)) == []
    slow = Spread(10, timedelta(hours=5))
    (line,) = decisions.of(replace(CALM, figures=in_time(0.5, 20, to_take_wall=slow)), "")
    assert line.by == "50% of 20 due answers were in time. The slowest stage is from alerted to taken."
    assert (line.url, line.seen) == ("", "")


def test_a_source_that_fails_since_today_is_no_decision_yet() -> None:
    assert asked(failing=(Failing("chirp", NOW - DAY / 2, "503"),)) == []
    assert asked(failing=(Failing("chirp", NOW - DAY, "503"),)) == ["Repair chirp or turn it off?"]


def test_alerts_that_are_often_wrong_ask_for_a_narrower_query() -> None:
    assert asked(wrong=12) == ["Narrow what you watch for?"]
    assert asked(wrong=11) == []
    assert asked(alerts=40, acted=9, wrong=9) == []


def test_what_grows_needs_somebody_who_fixes_it_and_a_fix_somebody_who_tells_of_it() -> None:
    crashes = Problem("c", "App crashes", 8, 4, None)
    late = Problem("d", "Late delivery", 0, 6, None, fixed=True, untold=1)
    assert asked(problems=(crashes, late)) == [
        "Who fixes “App crashes”, and by when?",
        "Who tells the 1 person affected that “Late delivery” is fixed?",
    ]
    assert asked(problems=(replace(crashes, issue_url="https://a.example/1"), replace(late, untold=0))) == []


def test_an_incident_asks_for_a_public_word_while_it_is_open_and_nobody_has_said_one() -> None:
    fire = Outbreak("1", "fire", NOW - DAY, None, 17, 9, 40_000, 3, None)
    assert asked(outbreaks=(fire,)) == ["Say publicly what happened?"]
    assert asked(outbreaks=(replace(fire, said_publicly=NOW),)) == []
    assert asked(outbreaks=(replace(fire, end=NOW),)) == []
