"""What closes by itself, so that retention reaches it: answered cases, entries of the list, old cases of a file."""

from __future__ import annotations

from datetime import timedelta

import pytest

from monitor.cases import expiry
from monitor.cases.actions import say
from monitor.privacy import retention
from monitor.reports import statistics
from monitor.store import case_log, key_values, list_entries
from monitor.wiring import Assembly
from tests.helpers import (
    ANGRY,
    ASKING,
    CHURN,
    DAY,
    HOUR,
    MINUTE,
    NOW,
    case,
    count,
    post,
    take,
)


def close(acme: Assembly, after: timedelta) -> int:
    return expiry.close_over(acme.database, acme.settings.earful, NOW + after)


def entry(acme: Assembly, author: str = "mira", **more: object) -> str:
    (opened,) = take(acme, post(ASKING, author=author, at=NOW, **more))  # type: ignore[arg-type]
    assert case(acme.database, opened).lane == "sweep"
    return opened


def test_an_answered_case_closes_after_its_time_and_says_nothing_of_how_it_ended(acme: Assembly) -> None:
    (answered,) = take(acme, post(ANGRY, at=NOW))
    (waiting,) = take(acme, post(CHURN, author="ida", at=NOW))
    say(acme.database, acme.rules, answered, "answered", who="Ana", way="page", now=NOW + HOUR)
    labels = count(acme.database, "labels")
    assert close(acme, 14 * DAY) == 0
    assert close(acme, 14 * DAY + 2 * HOUR) == 1
    assert close(acme, 14 * DAY + 2 * HOUR) == 0
    found = case(acme.database, answered)
    assert (found.closed_by, found.outcome, found.why) == ("Earful", "answered", "")
    assert case_log.of_case(acme.database, answered)[-1].detail["reason"] == "answered, with no follow-up"
    assert case(acme.database, waiting).closed_at is None, "whoever waits for an answer waits"
    assert count(acme.database, "labels") == labels, "it teaches nothing"
    figures = statistics.of_span(acme.database, acme.rules, NOW - DAY, NOW + 20 * DAY)
    assert figures.to_resolve.n == 0, "closing by time is no solution"
    text = say(acme.database, acme.rules, answered, "reopen", who="Ana", way="page", now=NOW + 15 * DAY).text
    assert text == "reopened by Ana"


def test_a_customer_who_wrote_again_keeps_a_case_open(acme: Assembly) -> None:
    (answered,) = take(acme, post(ANGRY, at=NOW, thread_id="t"))
    say(acme.database, acme.rules, answered, "answered", who="Ana", way="page", now=NOW + HOUR)
    again = post("Acme it still does not work, terrible!", at=NOW + 2 * HOUR, thread_id="t")
    take(acme, again, now=NOW + 2 * HOUR)
    assert close(acme, 100 * DAY) == 0
    assert case(acme.database, answered).closed_at is None


def test_an_entry_closes_a_day_after_somebody_saw_it_or_at_the_latest_after_thirty(acme: Assembly) -> None:
    seen, unseen = entry(acme), entry(acme, "ida", thread_id="other")
    expiry.looked_at(acme.database, [seen], NOW + HOUR)
    assert close(acme, DAY) == 0, "whoever saw it may still take it today"
    assert close(acme, DAY + 2 * HOUR) == 1
    assert (case(acme.database, seen).outcome, case(acme.database, unseen).closed_at) == ("listed", None)
    assert close(acme, 30 * DAY - MINUTE) == 0
    assert close(acme, 30 * DAY + MINUTE) == 1
    reasons = [case_log.of_case(acme.database, each)[-1].detail["reason"] for each in (seen, unseen)]
    assert reasons == ["listed and seen, but nobody took it", "listed, but nobody took it"]


def test_an_entry_that_somebody_has_or_put_off_stays(acme: Assembly) -> None:
    taken, later = entry(acme), entry(acme, "ida", thread_id="other")
    expiry.looked_at(acme.database, [taken, later], NOW)
    say(acme.database, acme.rules, taken, "take", who="Ana", way="page", now=NOW)
    until = {"until": NOW + 60 * DAY}
    say(acme.database, acme.rules, later, "snooze", who="Ana", way="page", now=NOW, detail=until)
    assert close(acme, 50 * DAY) == 0
    assert close(acme, 91 * DAY) == 1
    assert case(acme.database, taken).closed_at is None


def test_nothing_of_a_file_of_old_posts_stands_for_ever(acme: Assembly) -> None:
    """Three of three posts stood after 800 days of 365: one answered, one listed, one that was old when it came."""
    (answered,) = take(acme, post(ANGRY, at=NOW))
    say(acme.database, acme.rules, answered, "answered", who="Ana", way="page", now=NOW)
    entry(acme)
    take(acme, post(CHURN, author="old", at=NOW - 100 * DAY))
    assert close(acme, 800 * DAY) == 3
    assert retention.retain(acme.database, acme.settings, NOW + 800 * DAY) == 3
    assert count(acme.database, "posts", "text <> ''") == 0


def test_many_are_closed_batch_after_batch(acme: Assembly, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiry, "_BATCH", 2)
    for n in range(5):
        entry(acme, f"m{n}", thread_id=f"t{n}")
    assert close(acme, 31 * DAY) == 5
    assert not key_values.has_period(acme.database, f"{list_entries.LOOKED}1")
