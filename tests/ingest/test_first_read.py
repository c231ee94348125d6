"""A first read of several visits is one brief: of all that it brings, and not only of what its first visit brings."""

from __future__ import annotations

from datetime import timedelta

from monitor.ingest import first_read
from monitor.store import deliveries
from monitor.store.deliveries import Delivery
from monitor.wiring import Assembly
from tests.alerting_helpers import distinct
from tests.helpers import DAY, HOUR, INJURY, MINUTE, NOW, messages, post
from tests.ingest.test_collector import Reading, Scripted, page

POLL = 5 * MINUTE


def rest(*, after: timedelta = POLL) -> dict[str, object]:
    """A page after which the network wants to be left alone: the walk goes on at the next visit."""
    return {"complete": False, "not_before": NOW + after}


def briefs(acme: Assembly) -> list[Delivery]:
    return [row for row in messages(acme.database) if row.about.startswith("brief:")]


def alone(acme: Assembly) -> list[Delivery]:
    """What is told outside the brief."""
    return [row for row in messages(acme.database) if row.about.startswith(("story:", "join:")) and not row.carrier]


def old(number: int, **more: object) -> object:
    return post(distinct(number), author=f"c{number}", at=NOW - 3 * HOUR - number * MINUTE, **more)


def test_pages_over_several_visits_are_one_brief_that_waits_for_the_last(acme: Assembly) -> None:
    forum = Scripted(
        page(old(1), old(2), cursor="p2", **rest()),
        page(old(3), cursor="p3", **rest(after=2 * POLL)),
        page(old(4), old(5)),
        page(old(6)),
    )
    reading = Reading(acme, forum=forum)
    for visit in range(3):
        reading.visit()
        (brief,) = briefs(acme)
        assert alone(acme) == [], f"visit {visit}"
        if visit < 2:
            assert brief.due_at == NOW + first_read.LONGEST, "it waits for the rest"
            reading.clock.forward(POLL)
    assert brief.due_at == NOW + 2 * POLL + first_read.AFTER, "the source was read whole: it leaves"
    assert len(deliveries.carried_by(acme.database, brief.id)) == 5
    reading.clock.forward(POLL)
    reading.visit()
    assert len(alone(acme)) == 1, "the read after it is like any other"
    assert len(briefs(acme)) == 1


def test_a_last_visit_that_brings_nothing_lets_the_brief_leave_too(acme: Assembly) -> None:
    reading = Reading(acme, forum=Scripted(page(old(1), old(2), cursor="p2", **rest()), page()))
    reading.visit()
    reading.clock.forward(POLL)
    reading.visit()
    (brief,) = briefs(acme)
    assert brief.due_at == NOW + POLL + first_read.AFTER


def test_what_is_critical_and_fresh_calls_at_each_of_its_visits(acme: Assembly) -> None:
    reading = Reading(
        acme,
        forum=Scripted(
            page(old(1), old(2), cursor="p2", **rest()),
            page(old(3), post(INJURY, author="ike", at=NOW - MINUTE)),
        ),
    )
    reading.visit()
    reading.clock.forward(POLL)
    reading.visit()
    (call,) = alone(acme)
    assert (call.urgent, call.priority, call.due_at) == (True, "critical", NOW + POLL)
    (brief,) = briefs(acme)
    assert len(deliveries.carried_by(acme.database, brief.id)) == 3


def test_a_first_read_without_an_end_holds_its_brief_for_an_hour_and_no_longer(acme: Assembly) -> None:
    pages = [page(old(number), cursor=f"p{number}", **rest(after=DAY)) for number in range(4)]
    reading = Reading(acme, forum=Scripted(*pages, page(old(9))))
    reading.visit()
    reading.clock.forward(HOUR - MINUTE)
    reading.visit()
    (brief,) = briefs(acme)
    assert (brief.due_at, len(deliveries.carried_by(acme.database, brief.id))) == (NOW + HOUR, 2)
    reading.clock.forward(MINUTE)
    reading.visit()
    assert len(alone(acme)) == 1, "its later pages are told like any other"
    reading.clock.forward(DAY)
    reading.visit()
    assert len(briefs(acme)) == 1


def test_a_source_that_was_read_whole_before_never_has_a_first_read_again(acme: Assembly) -> None:
    reading = Reading(acme, forum=Scripted(page(), page(old(1), cursor="p2", **rest()), page(old(2))))
    for _ in range(3):
        reading.visit()
        reading.clock.forward(POLL)
    assert briefs(acme) == []
    assert len(alone(acme)) == 2
