"""The ladder as a table: who is called, when, and what comes after its last step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from alerts import hours, ladder
from alerts.case import Case, Priority

START = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)  # a Friday
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@dataclass(frozen=True)
class Step:
    after: str
    notify: tuple[str, ...]


CRITICAL = (Step("5m", ("next",)), Step("15m", ("leads",)))
URGENT = (Step("75%", ("channel",)), Step("100%", ("next",)), Step("150%", ("leads",)))


def amount(after: str, target: timedelta) -> timedelta:
    return target * int(after[:-1]) / 100 if after.endswith("%") else int(after[:-1]) * MINUTE


def links(steps: tuple[Step, ...], target: timedelta = HOUR) -> tuple[ladder.Link, ...]:
    return ladder.chain(steps, START, target, hours.around_the_clock(hours.ZoneInfo("UTC")), amount)


def case(priority: Priority = "critical", steps: tuple[Step, ...] = CRITICAL, **more: object) -> Case:
    made = Case(
        id="1", brand="Acme", source="forum", thread="t", author="olga", lane="ping", priority=priority,
        priority_reasons=(), opened_at=START, first_posted_at=START, last_posted_at=START, story_id="1",
        chain=ladder.chain_text(links(steps)),
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


def minutes(moment: datetime | None) -> float | None:
    return None if moment is None else (moment - START) / MINUTE


def test_a_critical_case_is_called_for_without_an_end_and_its_gaps_grow_to_two_hours() -> None:
    steps = islice(ladder.steps_from(links(CRITICAL), 0, goes_on=True), 8)
    assert [minutes(link.at) for _, link in steps] == [5, 15, 30, 60, 120, 240, 360, 480]


@pytest.mark.parametrize(
    ("priority", "steps", "step", "expected"),
    [
        ("critical", CRITICAL, 0, 5),
        ("critical", CRITICAL, 1, 15),
        ("critical", CRITICAL, 2, 30),
        ("critical", CRITICAL, 3, 60),
        ("critical", CRITICAL, 40, 120 + 36 * 120),
        ("critical", CRITICAL[:1], 1, 20),
        ("critical", (), 0, None),
        ("urgent", URGENT, 0, 45),
        ("urgent", URGENT, 2, 90),
        ("urgent", URGENT, 3, None),
        ("normal", (), 0, None),
    ],
)
def test_the_next_step_of_an_open_case(
    priority: Priority, steps: tuple[Step, ...], step: int, expected: float | None
) -> None:
    assert minutes(ladder.next_step_at(case(priority, steps, step=step), START)) == expected


@pytest.mark.parametrize(
    ("priority", "steps", "step", "minute", "expected"),
    [
        ("critical", CRITICAL, 0, 4, None),
        ("critical", CRITICAL, 0, 5, (1, ("next",))),
        ("critical", CRITICAL, 0, 20, (2, ("next", "leads"))),  # two that are overdue are one
        ("critical", CRITICAL, 0, 130, (5, ("next", "leads", "anybody"))),
        ("critical", CRITICAL, 2, 29, None),
        ("critical", CRITICAL, 2, 30, (3, ("anybody",))),
        ("urgent", URGENT, 0, 300, (3, ("channel", "next", "leads"))),
        ("urgent", URGENT, 3, 100_000, None),
    ],
)
def test_what_is_due(
    priority: Priority, steps: tuple[Step, ...], step: int, minute: int, expected: tuple[int, tuple[str, ...]] | None
) -> None:
    found = ladder.due(case(priority, steps, step=step), START + minute * MINUTE)
    assert (found and (found.step, found.notify)) == expected


def test_the_end_of_a_night_calls_before_the_step_s_own_moment_and_takes_what_is_near_with_it() -> None:
    morning = START + 14 * HOUR
    waits = case(step=11, next_step_at=morning)  # its own moment is 16:00 after the start
    assert minutes(ladder.next_step_at(waits, START)) == 900 + 60
    found = ladder.due(waits, morning)
    assert found is not None
    assert (found.step, found.notify) == (11, ("anybody",))
    near = ladder.due(replace(waits, next_step_at=morning + 90 * MINUTE), morning + 90 * MINUTE)
    assert near is not None
    assert near.step == 12
    on_time = ladder.due(case(step=2, next_step_at=START + 30 * MINUTE), START + 30 * MINUTE)
    assert on_time is not None
    assert on_time.step == 3  # the step of half an hour later stays


@pytest.mark.parametrize("over", ["owner", "answered_at", "closed_at", "snoozed_until", "waiting_until", "quiet"])
def test_nobody_is_called_for_what_somebody_has_or_has_done(over: str) -> None:
    value = {"owner": "Ana", "quiet": True}.get(over, START + 3 * HOUR)
    assert ladder.due(case(**{over: value}), START + HOUR) is None


def test_what_a_pause_held_back_is_one_step_at_its_end() -> None:
    found = ladder.due(case(snoozed_until=START + HOUR), START + HOUR)
    assert found == ladder.Due("wake", 4, "the snooze is over", ("next", "leads", "anybody"))
    waited = ladder.due(case(waiting_until=START + HOUR), START + HOUR)
    assert waited == ladder.Due("wake", 4, "the wait is over", ("next", "leads", "anybody"))


@pytest.mark.parametrize(
    ("duty", "leads", "others", "called", "tired", "expected"),
    [
        (("Ana", "Ben"), ("Lea",), ("Oli",), (), (), "Ana"),
        (("Ana", "Ben"), ("Lea",), ("Oli",), ("Ana",), (), "Ben"),
        (("Ana", "Ben"), ("Lea",), ("Oli",), ("Ana", "Ben"), (), "Lea"),
        (("Ana", "Ben"), ("Lea",), ("Oli",), ("Ana", "Ben", "Lea"), (), "Oli"),
        (("Ana", "Ben"), ("Lea",), ("Oli",), ("Ana", "Ben", "Lea", "Oli"), (), "Ana"),
        (("Ana", "Ben"), ("Lea",), ("Oli",), ("Ben", "Ana", "Lea", "Oli"), (), "Ben"),
        (("Ana", "Ben"), ("Lea",), (), ("Ana", "Ben", "Lea", "Ana"), (), "Ben"),
        (("Ana", "Ben"), ("Lea",), (), ("Ana", "Ben", "Lea", "Ana"), ("Ben",), "Lea"),
        ((), (), ("Oli", "Pia"), ("Oli", "Pia"), (), "Oli"),
        (("Ana",), (), (), ("Ana",), ("Ana",), ""),
        ((), (), (), (), (), ""),
    ],
)
def test_whoever_was_not_called_yet_comes_before_anybody_is_called_twice(
    duty: tuple[str, ...],
    leads: tuple[str, ...],
    others: tuple[str, ...],
    called: tuple[str, ...],
    tired: tuple[str, ...],
    expected: str,
) -> None:
    assert ladder.whom(duty, leads, others, called, tired) == expected
