"""Reading sources: pages, cursors, walks that are cut, failures that are told once, and one slow source among others.

The far side is a connector that plays a script: a page, or something it raises.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors import (
    Account,
    Aside,
    Batch,
    Closed,
    ConnectorError,
    Gap,
    NoCredit,
    Nonsense,
    Post,
    Quota,
    RateLimited,
    Refused,
    Request,
    room,
)
from monitor.ingest.collector import ENDLESS, Collector
from monitor.ingest.notices import noticed
from monitor.notify.system_notices import queue_notice
from monitor.store import finding, sources
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly, know_sources
from tests.helpers import (
    ANGRY,
    BROKEN,
    CHURN,
    DAY,
    HOUR,
    LATE,
    MINUTE,
    NOW,
    Clock,
    assembly_of,
    case,
    count,
    deliver,
    notices,
    post,
    settings_from,
)

Base = Sqlite | Postgresql
Step = Batch | BaseException | Callable[[Request], Batch]


class Scripted:
    """A network that answers by a script, and writes down what it was asked."""

    def __init__(self, *steps: Step, own: tuple[Step, ...] = ()) -> None:
        self.steps = list(steps)
        self.own = list(own)
        self.asked: list[str] = []
        self.requests: list[Request] = []

    def fetch(self, request: Request) -> Batch:
        self.asked.append(request.cursor)
        self.requests.append(request)
        return self._play(self.steps, request)

    def fetch_own(self, accounts: tuple[str, ...], request: Request) -> Batch:
        assert "acme_care" in accounts
        return self._play(self.own, request)

    @staticmethod
    def _play(steps: list[Step], request: Request) -> Batch:
        step = steps.pop(0) if len(steps) > 1 else steps[0]
        if isinstance(step, BaseException):
            raise step
        return step if isinstance(step, Batch) else step(request)


def page(*posts: Post, cursor: str = "end", complete: bool = True, **more: Any) -> Batch:
    return Batch(posts=posts, cursor=cursor, complete=complete, **more)


class Reading:
    """A collector over scripted sources, with the test's clock."""

    def __init__(self, acme: Assembly, **connectors: Scripted) -> None:
        self.acme, self.clock = acme, Clock()
        self.database = acme.database
        others = {source.name: Scripted(page()) for source in acme.settings.sources}

        def tell(key: str, title: str, remedy: str, now: Any) -> None:
            queue_notice(acme.database, acme.rules, key, title, remedy, now)

        self.collector = Collector(
            acme.database, acme.rules, acme.intake, acme.answers, {**others, **connectors}, acme.queries, tell
        )

    def visit(self, name: str = "forum", what: str = "posts") -> Any:
        found = self.collector.visit(name, what, self.clock)
        assert found is not None
        return found

    def health(self, name: str = "forum") -> sources.Health:
        found = sources.health(self.database, name)
        assert found is not None
        return found

    def cursor(self) -> str:
        return sources.cursor(self.database, "forum", "posts")


# -- pages and cursors ----------------------------------------------------------------------------------------------


def test_a_walk_is_read_to_its_end_page_by_page(acme: Assembly) -> None:
    forum = Scripted(
        page(post(ANGRY), cursor="p2", complete=False),
        page(post(BROKEN), cursor="p3", complete=False),
        page(post(LATE)),
    )
    reading = Reading(acme, forum=forum)
    visit = reading.visit()
    assert (visit.pages, visit.taken.new, forum.asked) == (3, 3, ["", "p2", "p3"])
    assert reading.cursor() == "end"
    assert reading.health().next_due_at == NOW + 5 * MINUTE


def test_the_first_read_looks_back_a_day(acme: Assembly) -> None:
    forum = Scripted(page())
    Reading(acme, forum=forum).visit()
    assert forum.requests[0].since == NOW - DAY
    assert "acme" in {term.casefold() for term in forum.requests[0].terms}


def test_a_page_that_fails_keeps_what_came_before_and_the_walk_goes_on_there(acme: Assembly) -> None:
    forum = Scripted(page(post(ANGRY), cursor="p2", complete=False), Nonsense("half a document"), page(post(BROKEN)))
    reading = Reading(acme, forum=forum)
    assert "half a document" in reading.visit().error
    assert (reading.cursor(), count(acme.database, "mentions")) == ("p2", 1)
    reading.clock.forward(HOUR)
    assert reading.visit().error == ""
    assert forum.asked == ["", "p2", "p2"]
    assert (reading.cursor(), count(acme.database, "mentions")) == ("end", 2)


def test_a_page_that_fails_for_ever_loses_nothing_once_it_heals(acme: Assembly) -> None:
    steps: list[Step] = [page(post(ANGRY), cursor="p2", complete=False), *[Nonsense("no")] * 6, page(post(BROKEN))]
    reading = Reading(acme, forum=Scripted(*steps))
    for _ in range(7):
        reading.visit()
        reading.clock.forward(HOUR)
    assert (reading.cursor(), count(acme.database, "mentions")) == ("end", 2)


def test_a_fault_of_the_database_does_not_move_the_cursor(acme: Assembly) -> None:
    """The table is gone in the middle of the page: its posts come again, and the source is not blamed."""
    reading = Reading(acme, forum=Scripted(page(post(ANGRY, native_id="a"), cursor="p2")))
    acme.database.run("ALTER TABLE walks RENAME TO walks_away")
    acme.database.run("CREATE TABLE walks (source TEXT, what TEXT, cursor TEXT)")  # reading works, saving does not
    visit = reading.visit()
    assert "not stored" in visit.error
    assert count(acme.database, "posts") == 0
    assert reading.health().failures == 0
    assert reading.health().next_due_at == NOW + timedelta(seconds=30)
    acme.database.run("DROP TABLE walks")
    acme.database.run("ALTER TABLE walks_away RENAME TO walks")
    assert reading.visit().error == ""
    assert count(acme.database, "posts") == 1


def test_malformed_items_are_set_aside_with_their_bytes_and_the_others_go_on(acme: Assembly) -> None:
    bad = Aside(b'{"id": [1]}\x00\xff', "the id is a list")
    reading = Reading(acme, forum=Scripted(page(*(post(f"{LATE} {n}") for n in range(99)), aside=(bad,))))
    visit = reading.visit()
    assert (visit.taken.new, visit.aside) == (99, 1)
    (row,) = acme.database.rows("SELECT * FROM aside")
    assert (bytes(row["raw"]), row["reason"]) == (bad.raw, bad.reason)
    assert sources.aside_reasons(acme.database, "forum") == [("the id is a list", 1)]


def test_a_gap_is_written_down_and_told_once(acme: Assembly) -> None:
    gap = Gap(NOW - DAY, NOW - HOUR, "the listing ends at 1,000 posts")
    reading = Reading(acme, forum=Scripted(page(gaps=(gap,))))
    reading.visit()
    reading.visit()
    assert len(sources.gaps_since(acme.database, NOW - 2 * DAY)) == 2
    told = [each for each in notices(acme.database) if "was not read from" in each]
    assert len(told) == 1
    assert "1,000 posts" in told[0]


def test_what_a_read_cost_and_left_is_kept(acme: Assembly) -> None:
    reading = Reading(acme, forum=Scripted(page(quota=Quota(remaining=17, reset_at=NOW + HOUR, cost=0.25))))
    reading.visit()
    reading.visit()
    health = reading.health()
    assert (health.quota_remaining, health.spent) == (17, 0.5)


def test_a_source_that_asks_to_be_left_alone_is(acme: Assembly) -> None:
    reading = Reading(acme, forum=Scripted(page(complete=False, not_before=NOW + 3 * HOUR)))
    assert reading.visit().pages == 1
    assert reading.health().next_due_at == NOW + 3 * HOUR


def test_a_walk_without_end_is_left_for_the_others_sake_told_and_goes_on_at_its_turn(acme: Assembly) -> None:
    reading = Reading(acme, forum=Scripted(page(cursor="again", complete=False)))
    assert reading.visit().pages == 200
    assert reading.health().next_due_at == NOW + 5 * MINUTE
    assert [each for each in notices(acme.database) if "endless" in each] == [f"forum: {ENDLESS}"]
    assert noticed(acme.database, "forum") == [ENDLESS]
    reading.clock.forward(5 * MINUTE)
    reading.visit()
    assert len([each for each in notices(acme.database) if "endless" in each]) == 1


def test_a_visit_has_a_share_of_the_time_however_slow_its_pages_are(acme: Assembly) -> None:
    def slow(request: Request) -> Batch:
        reading.clock.forward(timedelta(seconds=40))
        return page(cursor=f"{request.cursor}x", complete=False)

    reading = Reading(acme, forum=Scripted(slow))
    assert reading.visit().pages == 4, "half of its five minutes"
    assert noticed(acme.database, "forum") == [ENDLESS]


def test_a_closed_place_is_asked_again_after_a_day_and_refused_keys_are_not(acme: Assembly) -> None:
    reading = Reading(acme, forum=Scripted(Closed("the feed is gone (410)")), chirp=Scripted(Refused("401")))
    for name in ("forum", "chirp"):
        reading.visit(name)
    for forward, due in ((timedelta(hours=23), False), (timedelta(hours=1), True)):
        reading.clock.forward(forward)
        found = [name for name, _ in reading.collector.due(reading.clock())]
        assert ("forum" in found, "chirp" in found) == (due, False)


def test_everything_of_an_account_that_is_gone_is_removed(acme: Assembly) -> None:
    by = {"author": "olga", "author_id": "did:plc:olga"}
    forum = Scripted(
        page(post(ANGRY, **by), post(LATE, **by), post(BROKEN, author="ben", author_id="did:plc:ben")),
        page(gone=("did:plc:olga", "did:plc:nobody")),
    )
    reading = Reading(acme, forum=forum)
    reading.visit()
    reading.clock.forward(5 * MINUTE)
    reading.visit()
    assert count(acme.database, "posts", "deleted_at <> '' AND text = '' AND author = '' AND author_id = ''") == 2
    assert count(acme.database, "posts", "deleted_at = '' AND author = 'ben'") == 1
    assert count(acme.database, "cases", "closed_at <> '' AND outcome = 'deleted'") == 2
    assert count(acme.database, "cases", "closed_at = ''") == 1


# -- who is ours, and who is spoken to -----------------------------------------------------------------------------


class Knowing(Scripted):
    """A network where authors are shown by id."""

    accounts: Mapping[str, str] = {"acme_care": "777", "acme_staff": "888"}

    def __init__(self, *steps: Step) -> None:
        super().__init__(*steps)
        self.looked_up: list[str] = []
        self.fails: list[Exception] = []

    def identify(self, handles: tuple[str, ...], request: Request) -> tuple[dict[str, Account], Quota]:
        if self.fails:
            raise self.fails.pop(0)
        self.looked_up += handles
        return {name: Account(self.accounts.get(name, ""), name) for name in handles}, Quota(cost=0.01)


def open_cases(acme: Assembly) -> list[str]:
    return [row["author"] for row in acme.database.rows("SELECT author FROM cases WHERE closed_at = '' ORDER BY n")]


def test_own_and_ignored_authors_are_known_by_the_ids_behind_their_handles(acme: Assembly, tmp_path: Path) -> None:
    shown = page(
        post(ANGRY, author="777", author_id="777"), post(LATE, author="888", author_id="888"),
        post(BROKEN, author="999", author_id="999"),
        post(CHURN, author="acme_staff", author_id="555"),  # who took the name after them
    )  # fmt: skip
    forum = Knowing(shown)
    reading = Reading(acme, forum=forum)
    reading.visit()
    assert sorted(open_cases(acme)) == ["999", "acme_staff"]
    assert sorted(forum.looked_up) == ["acme_care", "acme_staff"]
    assert forum.requests[0].accounts == {"acme_care": "777"}
    assert reading.health().spent_in(NOW) == pytest.approx(0.01)
    again = Reading(assembly_of(acme.database, settings_from(tmp_path)), forum=Knowing(shown))
    again.visit()
    assert again.collector.connectors["forum"].looked_up == [], "once, whatever is restarted"  # type: ignore[attr-defined]


def test_a_handle_that_nobody_has_is_asked_for_again_the_next_day(acme: Assembly) -> None:
    forum = Knowing(page())
    forum.accounts = {"acme_care": "777"}
    reading = Reading(acme, forum=forum)
    for forward in (MINUTE, HOUR, DAY):
        reading.visit()
        reading.clock.forward(forward)
    reading.visit()
    assert forum.looked_up == ["acme_care", "acme_staff", "acme_staff"]


@pytest.mark.parametrize(
    ("error", "waits"),
    [(ConnectorError("500"), 2), (RateLimited("429"), 2), (Refused("403"), 0), (ValueError("odd"), 2)],
)
def test_a_look_up_that_fails_is_waited_for_and_then_posts_are_read_without_it(
    acme: Assembly, error: Exception, waits: int
) -> None:
    forum = Knowing(page(post(BROKEN, author="999")))
    forum.fails = [error] * 10
    reading = Reading(acme, forum=forum)
    failed = 0
    while reading.visit().error:
        failed += 1
        reading.clock.forward(HOUR)
        assert failed < 5
    assert failed == waits
    assert open_cases(acme) == ["999"]


@pytest.mark.parametrize(
    "spoken",
    [
        post("three weeks and nobody answers, no refund", addressed=("*",)),
        post("three weeks and nobody answers, no refund", addressed=("4711", "777")),
        post("@acme_care three weeks and nobody answers, no refund"),
        post("Hey @ACME_Care, three weeks, no refund"),
        post("/u/acme_care three weeks, no refund"),
        post("three weeks and nobody answers, no refund", parent_id="ours1"),
    ],
)
def test_what_speaks_to_our_account_is_about_us_whatever_its_words(acme: Assembly, spoken: Post) -> None:
    own = post("sorry, a reply", author="acme_care", native_id="ours1")
    forum = Knowing(page(spoken, post("@acme_career fair, and u/acme_carer", author="else")))
    forum.own = [page(own)]
    reading = Reading(acme, forum=forum)
    reading.visit(what="own")
    reading.visit()
    rows = acme.database.rows("SELECT brand, author FROM mentions")
    assert [(row["brand"], row["author"]) for row in rows] == [("Acme", "olga")]


# -- failing --------------------------------------------------------------------------------------------------------


def test_a_source_that_fails_is_announced_once_after_two_reads_and_once_when_it_recovers(acme: Assembly) -> None:
    reading = Reading(acme, forum=Scripted(*[Nonsense("a login page", "check its address")] * 6, page()))
    told = []
    for _ in range(7):
        reading.visit()
        told.append(len(notices(acme.database)))
        reading.clock.forward(HOUR)
    assert told == [0, 1, 1, 1, 1, 1, 2]
    first, second = notices(acme.database)
    assert "forum has not been read since" in first
    assert "a login page" in first
    assert "forum is working again" in second
    assert reading.health().failing_since is None


def test_what_a_connector_noticed_is_told_once_while_it_lasts_and_again_when_it_comes_back(acme: Assembly) -> None:
    """At most once a day, though: a thing that comes and goes must not fill the operator's channel."""
    full = page(notices=("80 % of the budget is used",))
    forum = Scripted(full, full, page(), full, page(), full, full, page())
    reading = Reading(acme, forum=forum)
    told = []
    for hours in (1, 1, 1, 24, 1, 1, 24, 1):
        reading.visit()
        told.append(len(notices(acme.database)))
        reading.clock.forward(hours * HOUR)
    assert told == [1, 1, 1, 1, 1, 2, 2, 2]
    assert set(notices(acme.database)) == {"forum: 80 % of the budget is used"}


def test_a_notice_that_every_page_of_a_long_walk_brings_is_told_once(acme: Assembly) -> None:
    pages = [page(cursor=f"p{n}", complete=False, notices=("the server is old",) if n == 0 else ()) for n in range(3)]
    forum = Scripted(*pages, page(), *pages, page())
    reading = Reading(acme, forum=forum)
    reading.visit()
    reading.clock.forward(2 * DAY)
    reading.visit()
    assert len(notices(acme.database)) == 1


def test_what_keeps_coming_is_told_as_soon_as_a_day_has_passed(acme: Assembly) -> None:
    """It went away and came back within the day, and has stayed since."""
    old = page(notices=("the server is old",))
    reading = Reading(acme, forum=Scripted(old, page(), old, old, old))
    told = []
    for hours in (1, 1, 1, 24, 1):
        reading.visit()
        told.append(len(notices(acme.database)))
        reading.clock.forward(hours * HOUR)
    assert told == [1, 1, 1, 1, 2]


def test_it_is_asked_ever_more_rarely_and_at_least_every_half_hour(acme: Assembly) -> None:
    reading = Reading(acme, forum=Scripted(Nonsense("502")))
    waits = []
    for _ in range(6):
        reading.visit()
        due = reading.health().next_due_at
        assert due is not None
        waits.append((due - reading.clock()) / MINUTE)
        reading.clock.now = due
    assert waits == [5, 10, 20, 30, 30, 30]


@pytest.mark.parametrize(
    ("asked", "waits"),
    [
        (NOW + timedelta(seconds=90), timedelta(seconds=90)),
        (None, 5 * MINUTE),
        (NOW - HOUR, timedelta(seconds=1)),
        (NOW + 3650 * DAY, 15 * MINUTE),
    ],
    ids=["good", "none", "past", "in ten years"],
)
def test_a_rate_limit_is_honoured_within_reason(acme: Assembly, asked: Any, waits: timedelta) -> None:
    reading = Reading(acme, forum=Scripted(RateLimited("429", asked)))
    reading.visit()
    assert reading.health().next_due_at == NOW + waits


def test_refused_credentials_are_not_asked_again_until_settings_change(acme: Assembly, tmp_path: Path) -> None:
    reading = Reading(acme, forum=Scripted(Refused("401", "write a new token")))
    reading.visit()
    assert any("401" in each for each in notices(acme.database))
    reading.clock.forward(30 * DAY)
    assert ("forum", "posts") not in reading.collector.due(reading.clock())
    know_sources(acme.database, acme.settings)
    assert ("forum", "posts") not in reading.collector.due(reading.clock())
    text = (tmp_path / "settings.toml").read_text().replace('every = "5m"', 'every = "4m"')
    (tmp_path / "settings.toml").write_text(text)
    from monitor.settings.loading import load

    know_sources(acme.database, load(tmp_path / "settings.toml", {}))
    assert ("forum", "posts") in reading.collector.due(reading.clock())


def test_an_account_without_credit_is_asked_once_an_hour(acme: Assembly) -> None:
    reading = Reading(acme, forum=Scripted(NoCredit("402")))
    reading.visit()
    assert reading.health().next_due_at == NOW + HOUR


@pytest.mark.parametrize(
    "error",
    [KeyError("id"), RecursionError(), UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"), MemoryError(), OSError(5, "x")],
    ids=lambda error: type(error).__name__,
)
def test_whatever_a_connector_raises_is_a_failed_read_and_tells_no_secret(acme: Assembly, error: Exception) -> None:
    error.args = ("token=sesame",)
    reading = Reading(acme, forum=Scripted(error))
    visit = reading.visit()
    assert visit.error
    assert "sesame" not in visit.error + reading.health().last_error
    assert reading.health().failures == 1


def test_hostile_words_in_an_error_are_kept_clean(acme: Assembly) -> None:
    reading = Reading(acme, forum=Scripted(Nonsense("\x00bad\ud800" * 1000, "\x00do\udfff")))
    assert reading.visit().error
    assert len(reading.health().last_error) <= 500


def test_a_hung_source_is_cut_at_its_deadline_and_delays_no_other(database: Base, tmp_path: Path) -> None:
    more = '[[sources]]\nname = "slow"\nkind = "hackernews"\ndeadline = "1s"\n'
    acme = assembly_of(database, settings_from(tmp_path, sources=more))
    let_go = threading.Event()

    def hang(_request: Request) -> Batch:
        let_go.wait(60)
        return page()

    reading = Reading(acme, slow=Scripted(hang), forum=Scripted(page(post(ANGRY))))
    visits: list[Any] = []
    slow = threading.Thread(target=lambda: visits.append(reading.visit("slow")))
    slow.start()
    assert reading.visit("forum").taken.new == 1  # while the other one hangs
    assert reading.collector.visit("slow", "posts", reading.clock) is None or visits  # and nobody reads it twice
    slow.join(30)
    let_go.set()
    assert "keeps the connection open" in visits[0].error


# -- own replies ----------------------------------------------------------------------------------------------------


def test_own_replies_that_cannot_be_read_stop_nothing_and_are_told(acme: Assembly) -> None:
    forum = Scripted(page(post(ANGRY)), own=(Refused("403", "grant read access"),))
    reading = Reading(acme, forum=forum)
    reading.visit()
    reading.visit(what="own")
    reading.clock.forward(HOUR)
    assert not reading.health().refused
    assert ("forum", "posts") in reading.collector.due(reading.clock())
    assert any("can't see your own replies" in each for each in notices(acme.database))


def test_own_replies_that_work_do_not_hide_that_posts_fail(acme: Assembly) -> None:
    reading = Reading(acme, forum=Scripted(Nonsense("502"), own=(page(),)))
    for _ in range(3):
        reading.visit()
        reading.visit(what="own")
        reading.clock.forward(HOUR)
    assert reading.health().failures == 3
    assert len(notices(acme.database)) == 1


def test_own_replies_answer_within_the_transaction_of_their_cursor(acme: Assembly) -> None:
    said = post("Sorry! The refund reaches your account on Friday.", author="acme_care", parent_id="first", at=NOW)
    reading = Reading(acme, forum=Scripted(page(post(ANGRY, native_id="first")), own=(page(said, cursor="o1"),)))
    reading.visit()
    reading.visit(what="own")
    assert case(acme.database, "1").answered_at == NOW
    assert sources.cursor(acme.database, "forum", "own") == "o1"


# -- deleted --------------------------------------------------------------------------------------------------------


def test_what_the_network_deleted_is_removed_and_its_case_closed_as_such(acme: Assembly) -> None:
    first, second = post(ANGRY, native_id="a", thread_id="t"), post(LATE, native_id="b", thread_id="t")
    reading = Reading(acme, forum=Scripted(page(first, second), page(deleted=("a",)), page(deleted=("b", "unknown"))))
    reading.visit()
    reading.visit()
    assert case(acme.database, "1").closed_at is None  # one of its posts still stands
    reading.visit()
    found = case(acme.database, "1")
    assert (found.closed_by, found.outcome) == ("the network", "deleted")
    assert {row["text"] + row["author"] + row["url"] for row in acme.database.rows("SELECT * FROM posts")} == {""}
    assert finding.find(acme.database, finding.Filter()) == []
    deliver(acme, Clock(NOW + HOUR))
    assert {row["state"] for row in acme.database.rows("SELECT state FROM deliveries WHERE about = 'story:1'")} == {
        "dead"
    }


def test_a_deleted_post_that_is_shown_again_stays_deleted(acme: Assembly) -> None:
    first = post(ANGRY, native_id="a")
    reading = Reading(acme, forum=Scripted(page(first), page(deleted=("a",)), page(first)))
    for _ in range(3):
        reading.visit()
    assert count(acme.database, "cases", "closed_at = ''") == 0
    assert count(acme.database, "posts", "text <> ''") == 0


# -- the clock ------------------------------------------------------------------------------------------------------


def test_a_clock_that_steps_back_an_hour_does_not_stop_the_reading(acme: Assembly) -> None:
    reading = Reading(acme, forum=Scripted(page()))
    reading.visit()
    assert ("forum", "posts") not in reading.collector.due(NOW)
    assert ("forum", "posts") in reading.collector.due(NOW - HOUR)


def test_paused_sources_are_left_alone(acme: Assembly) -> None:
    reading = Reading(acme, forum=Scripted(page()), chirp=Scripted(page()), news=Scripted(page()))
    assert ("forum", "posts") in reading.collector.due(NOW)
    sources.pause(acme.database, "forum", NOW, "ANA")
    assert ("forum", "posts") not in reading.collector.due(NOW)
    sources.pause(acme.database, "forum", None, "ANA")
    assert ("forum", "posts") in reading.collector.due(NOW)


def test_the_room_of_a_large_page_is_held_until_its_posts_are_stored(acme: Assembly) -> None:
    """What is made of an answer is many times its size: the next large one is let in once this one is gone."""

    def large(_request: Request) -> Batch:
        with room.answer() as answer:
            assert answer.take(4_000_000, time.monotonic() + 5)
        return page(post(ANGRY), gaps=(Gap(NOW - HOUR, NOW, "too much"),))

    def broken(_request: Request) -> Batch:
        large(_request)
        raise ConnectorError("it broke off")

    reading = Reading(acme, forum=Scripted(large, broken))
    seen: list[tuple[int, int]] = []
    reading.collector.tell_operator = lambda *_: seen.append((room.SHARED.taken, count(acme.database, "posts")))
    reading.visit()
    assert seen == [(4_000_000, 1)]
    assert room.SHARED.taken == 0
    reading.visit()
    assert room.SHARED.taken == 0


def test_our_own_replies_are_read_however_long_the_posts_of_a_source_take(acme: Assembly) -> None:
    """Posts that were always due had every turn: no reply of ours was ever seen, and its clock ran on."""
    reading = Reading(acme, forum=Scripted(page(), own=(page(),)))
    read = []
    for _ in range(6):
        for name, what in reading.collector.due(reading.clock()):
            if name == "forum":
                reading.visit(name, what)
                read.append(what)
        reading.clock.forward(HOUR)  # longer than `every` and `own_every`
    assert (read.count("posts"), read.count("own")) == (6, 6)
