"""One set of events, and every place that shows a figure of it: page, letter, report, API and metrics say the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from monitor.reports import digest, formatting, statistics
from monitor.reports.definitions import negative_share
from monitor.store import web
from monitor.store.sqlite import Sqlite
from tests.helpers import ANGRY, CALM, CHURN, DAY, HOUR, LATE, MINUTE, NOW, THANKS, post, take
from tests.web.office import Office

FOREIGN = "Acme 配送が遅れて届かない 本当に困っています"  # in a language that nobody judges
LISTED = 6
DAYS = '["mon", "tue", "wed", "thu", "fri", "sat", "sun"]'
OPEN = f'[desk]\nhours = [{{ days = {DAYS}, start = "00:00", end = "00:00" }}]\n'


@pytest.fixture
def acme(tmp_path: Path, sqlite: Sqlite) -> Iterator[Office]:
    """A desk that is open around the clock, with what happened in a week; the figures below are counted by hand."""
    made = Office(tmp_path, sqlite, tables=OPEN)
    assembly, start = made.assembly, NOW - 2 * DAY

    def wrote(name: str, words: str, at: timedelta, **more: str) -> None:
        take(assembly, post(words, author=name, native_id=name, thread_id=name, at=start + at, **more), now=start + at)

    def reply(to: str, after: timedelta) -> None:
        words = "Sorry! We have refunded you today, it is on its way."
        own = post(words, author="acme_care", parent_id=to, thread_id=to, at=start + after)
        with assembly.database.transaction():
            assembly.answers.take([own], start + after + MINUTE)

    wrote("quick", ANGRY, timedelta(0))
    wrote("slow", LATE, MINUTE)
    wrote("never", CHURN, 2 * MINUTE)
    wrote("young", "Acme charged me for the wrong box, please refund me. Terrible.", 2 * DAY - MINUTE)
    for n in range(LISTED):
        wrote(f"calm{n}", CALM, timedelta(minutes=10 + n))
    wrote("glad", THANKS, 20 * MINUTE)
    wrote("jp", FOREIGN, 21 * MINUTE, lang="ja")
    reply("quick", 30 * MINUTE)
    reply("slow", 20 * HOUR)
    yield made
    made.close()


def test_page_letter_report_and_api_give_one_set_of_figures(acme: Office) -> None:
    """Four waited (one is not due yet), two were answered, one of three that were due in time."""
    database, rules = acme.database, acme.assembly.rules
    rows = list(database.rows("SELECT label FROM mentions"))
    judged = [row["label"] for row in rows if row["label"] != "unknown"]
    negative = judged.count("negative")
    assert 0 < negative < len(judged) < len(rows)
    report = statistics.of_span(database, rules, NOW - 7 * DAY, NOW)
    assert (report.turns, report.answered, report.to_answer.due) == (4, 2, 3)
    assert report.in_target == pytest.approx(1 / 3)
    assert formatting.as_json(report)["in_target"] == report.in_target
    letter = numbers(digest.letter_of(database, rules, NOW, key="k").text)
    assert f"{100 * negative / len(judged):.0f}% negative of {len(judged)} judged." in letter
    assert "Answered within the target: 33% of 3 cases due; 2 answered, 1 unanswered." in letter
    page = " ".join(re.sub(r"<[^>]+>", " ", acme.person("Ana", "admin").get("/insights?days=7").text).split())
    assert f"{100 * negative / len(judged):.0f}% negative ({negative} of {len(judged)} judged)" in page
    assert "2 of 4 waiting cases answered; praise excluded" in page
    assert "33% answered within the target (3 due)" in page
    with database.transaction():
        web.add_token(database, "secret-of-the-test", "test", "api", NOW, role="viewer", until=NOW + DAY)
    asked = {"since": f"{NOW - 7 * DAY:%Y-%m-%dT%H:%M:%SZ}", "until": f"{NOW:%Y-%m-%dT%H:%M:%SZ}"}
    headers = {"authorization": "Bearer secret-of-the-test"}
    found = acme.browser().get("/api/v1/report", params=asked, headers=headers).json()
    assert (found["turns"], found["answered"], found["in_target"]) == (4, 2, report.in_target)


def test_metrics_count_waiting_cases_as_the_report_and_the_page_do(acme: Office) -> None:
    """Every case that waits or waited stands in one state; what is only listed, and praise, in none of them."""
    assert metrics(acme) == {"waiting": 2, "taken": 0, "later": 0, "answered": 2, "private": 0}
    ana = acme.person("Ana")
    listed = next(row["id"] for row in acme.database.rows("SELECT id FROM cases WHERE lane = 'sweep' AND praise = 0"))
    ana.post(f"/cases/{listed}", {"verb": "take"})
    dm = post("Please DM us your order number.", author="acme_care", parent_id="never", thread_id="never", at=NOW)
    with acme.database.transaction():
        acme.assembly.answers.take([dm], NOW)
    assert metrics(acme) == {"waiting": 1, "taken": 1, "later": 0, "answered": 2, "private": 1}
    report = statistics.of_span(acme.database, acme.assembly.rules, NOW - 7 * DAY, NOW + MINUTE)
    now = metrics(acme)
    assert (report.turns, report.answered, report.private) == (sum(now.values()), now["answered"], now["private"])
    inbox = " ".join(re.sub(r"<[^>]+>", " ", ana.get("/").text).split())
    assert "2 answered but still open" in inbox
    assert "1 moved to private messages" in inbox


def test_what_went_on_in_private_stands_beside_the_answers_with_its_share_of_all_that_were_due(acme: Office) -> None:
    dm = post("Please DM us your order number.", author="acme_care", parent_id="never", thread_id="never", at=NOW)
    with acme.database.transaction():
        acme.assembly.answers.take([dm], NOW)
    report = statistics.of_span(acme.database, acme.assembly.rules, NOW - 7 * DAY, NOW + MINUTE)
    assert formatting.ended_words(report) == "2 answered, 1 in private, 0 unanswered, of 3"
    letter = numbers(digest.letter_of(acme.database, acme.assembly.rules, NOW + MINUTE, key="k").text)
    assert "Answered within the target: 33% of 3 cases due; 2 answered, 1 in private, 0 unanswered." in letter
    assert re.search(r"First reply within the target: \d+% of 3 cases due", letter), "like any other, in time or late"


def numbers(text: str) -> str:
    """A letter in one line."""
    return " ".join(text.split())


def metrics(office: Office) -> dict[str, int]:
    """How many cases Prometheus is told of, by where they stand."""
    headers = {"authorization": "Bearer secret-of-the-metrics"}
    with office.database.transaction():
        if web.token(office.database, "secret-of-the-metrics", "api", NOW) is None:
            web.add_token(office.database, "secret-of-the-metrics", "metrics", "api", NOW, role="viewer", until=None)
    told = office.browser().get("/metrics", headers=headers).text
    return {
        sample.labels["state"]: int(sample.value)
        for family in text_string_to_metric_families(told)
        for sample in family.samples
        if sample.name == "earful_waiting_cases"
    }


def test_an_entry_of_the_list_waits_once_somebody_took_it(acme: Office) -> None:
    """It was nobody's task before; whoever took it said that it is one."""
    before = statistics.of_span(acme.database, acme.assembly.rules, NOW - 7 * DAY, NOW).turns
    row = acme.database.row("SELECT id FROM cases WHERE lane = 'sweep' AND praise = 0 ORDER BY n LIMIT 1")
    assert row is not None
    acme.person("Ana").post(f"/cases/{row['id']}", {"verb": "take"})
    assert statistics.of_span(acme.database, acme.assembly.rules, NOW - 7 * DAY, NOW).turns == before + 1


def test_a_share_of_nothing_is_none() -> None:
    assert negative_share(0, 0).value is None
    assert negative_share(1, 4).value == pytest.approx(0.25)
