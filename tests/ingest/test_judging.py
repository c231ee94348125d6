"""What was read waits on PostgreSQL until it is judged: in order, once, and nothing of it is lost or kept too long."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors import Post
from monitor.cases.assignment import IngestResult
from monitor.cases.locks import source_lock
from monitor.ingest import judging as judging_module
from monitor.ingest import pipeline
from monitor.ingest.judging import CLAIMS, LEASE, LONGEST, MANY, MOST_WAITING, REST, SPAN, TRIES
from monitor.people.identity import of_name
from monitor.privacy import forgetting, retention
from monitor.store import unjudged
from monitor.store.connect import Error
from monitor.store.database import Database as Base
from monitor.store.database import Locks, stamp
from monitor.store.postgresql import Postgresql
from monitor.store.unjudged import Page
from monitor.types import Judged
from monitor.wiring import Assembly
from tests.helpers import ANGRY, BROKEN, DAY, LATE, MINUTE, NOW, Clock, assembly_of, count, notices, post, settings_from
from tests.service.test_scheduler import until

THREAD: dict[str, Any] = {"thread_id": "thread-1"}


@pytest.fixture
def office(new_postgresql: str, tmp_path: Path) -> Iterator[Assembly]:
    database = Postgresql(new_postgresql)
    yield assembly_of(database, settings_from(tmp_path))
    database.close()


def keep(office: Assembly, *posts: Post, source: str = "forum", **more: tuple[str, ...]) -> None:
    with office.database.transaction():
        unjudged.add(office.database, source, Page(posts, **more), NOW)  # type: ignore[arg-type]


def test_a_page_comes_back_as_it_was_read(office: Assembly) -> None:
    full = post(
        ANGRY, author_name="Olga", lang="en", reach=7, rating=2.5, edited_at=NOW, raw='{"a": 1}', out_of=10.0,
        addressed=("a", "*"), unsearchable=True, parent_text="above", **THREAD,
    )  # fmt: skip
    keep(office, full, post(BROKEN), deleted=("x",), gone=("y",))
    claimed = unjudged.claim(office.database, NOW, LEASE)
    assert claimed is not None
    page = claimed.page()
    assert page.posts[0] == full
    assert (page.deleted, page.gone, page.complete) == (("x",), ("y",), True)


def test_pages_of_a_source_are_taken_one_after_the_other_and_those_of_others_beside_them(office: Assembly) -> None:
    for source in ("forum", "forum", "chirp"):
        keep(office, post(ANGRY, source=source), source=source)
    other, first = (unjudged.claim(office.database, NOW, LEASE) for _ in range(2))
    assert first is not None
    assert other is not None
    assert (first.source, other.source) == ("forum", "chirp")
    assert unjudged.claim(office.database, NOW, LEASE) is None
    assert unjudged.done(office.database, first)
    second = unjudged.claim(office.database, NOW, LEASE)
    assert second is not None
    assert second.n > first.n


def test_what_is_written_on_a_quiet_source_does_not_wait_behind_a_loud_one(office: Assembly) -> None:
    for _ in range(5):
        keep(office, post(ANGRY))
    first = unjudged.claim(office.database, NOW, LEASE)
    assert first is not None
    keep(office, post(BROKEN, source="chirp"), source="chirp")
    assert unjudged.done(office.database, first)
    turns = [unjudged.claim(office.database, NOW, LEASE) for _ in range(3)]
    assert [each and each.source for each in turns] == ["chirp", "forum", None]


def test_what_waits_is_judged_and_gone(office: Assembly) -> None:
    keep(office, post(ANGRY, **THREAD))
    keep(office, post(LATE, **THREAD))
    judging = office.collector.judging
    assert judging.due()
    taken = judging.work_off(Clock(NOW))
    assert (taken.new, taken.opened) == (2, ["1"])
    assert not judging.due()
    assert count(office.database, "unjudged") == 0
    assert count(office.database, "sources", "name = 'forum' AND last_new_at <> ''") == 1


def test_whoever_comes_back_after_the_lease_stores_nothing(office: Assembly) -> None:
    keep(office, post(ANGRY))
    late = unjudged.claim(office.database, NOW, LEASE)
    assert late is not None
    assert unjudged.claim(office.database, NOW + LEASE, LEASE) is None
    assert unjudged.claim(office.database, NOW + LEASE + MINUTE, LEASE) is not None
    assert office.collector.judging._one(late, Clock(NOW + LEASE + MINUTE)).new == 0  # type: ignore[union-attr]
    assert count(office.database, "posts") == 0


def in_a_thread(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_a_page_is_kept_for_as_long_as_it_is_being_judged(office: Assembly, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who stores it waits for a lock; another judge must not begin with the same page."""
    monkeypatch.setattr(judging_module, "RENEW", 0.05)
    keep(office, post(ANGRY))
    clock, taken = Clock(NOW), list[IngestResult]()
    with office.database.transaction(Locks(alone=frozenset({source_lock("forum")}))):
        judge = in_a_thread(lambda: taken.append(office.collector.judging.work_off(clock)))
        until(lambda: count(office.database, "unjudged", "claims = 1") == 1)
        clock.now = NOW + LEASE - MINUTE / 60
        until(lambda: count(office.database, "unjudged", f"lease_until > '{stamp(NOW + LEASE)}'") == 1)
        assert unjudged.claim(office.database, NOW + LEASE + MINUTE / 60, LEASE) is None
    judge.join(60)
    assert [each.new for each in taken] == [1]


def test_a_judge_that_hangs_keeps_its_page_no_longer(office: Assembly, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging_module, "RENEW", 0.05)
    keep(office, post(ANGRY))
    clock = Clock(NOW)
    with office.database.transaction(Locks(alone=frozenset({source_lock("forum")}))):
        judge = in_a_thread(lambda: office.collector.judging.work_off(clock))
        until(lambda: count(office.database, "unjudged", "claims = 1") == 1)
        clock.now = NOW + LONGEST + MINUTE
        assert unjudged.claim(office.database, clock.now, LEASE) is not None
    judge.join(60)
    assert count(office.database, "posts") == 0


def test_whoever_comes_back_late_takes_back_no_edit_that_was_read_meanwhile(
    office: Assembly, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page of several chunks is several transactions, and the first of them is stored before its end is reached."""
    monkeypatch.setattr(pipeline, "CHUNK", 1)
    keep(office, post(ANGRY, native_id="n-1"), post(BROKEN, native_id="n-2"))
    late = unjudged.claim(office.database, NOW, LEASE)
    assert late is not None
    keep(office, post(LATE, native_id="n-1"))
    after = Clock(NOW + LEASE + MINUTE)
    office.collector.judging.work_off(after)
    assert office.collector.judging._one(late, after).new == 0  # type: ignore[union-attr]
    rows = office.database.rows("SELECT text FROM posts WHERE native_id = 'n-1'")
    assert [row["text"] for row in rows] == [LATE]


def test_a_page_that_cannot_be_judged_is_set_aside_after_three_tries_and_the_rest_goes_on(office: Assembly) -> None:
    keep(office, post(ANGRY))
    office.database.run("UPDATE unjudged SET body = :body", {"body": b"damaged"})
    keep(office, post(BROKEN, author="mira"))
    for _ in range(TRIES):
        office.collector.judging.work_off(Clock(NOW))
    assert count(office.database, "posts") == 1
    assert count(office.database, "unjudged", "aside_at <> '' AND error = 'error'") == 1
    assert [each for each in notices(office.database) if "forum" in each] == [
        "forum: 1 post could not be judged after 3 tries (error); set aside"
    ]


def test_what_was_set_aside_is_tried_again_on_demand_and_by_each_new_version(office: Assembly) -> None:
    judging = office.collector.judging
    keep(office, post(ANGRY))
    keep(office, post(LATE, source="chirp"), source="chirp")

    def sets_aside() -> None:
        for claimed in filter(None, (unjudged.claim(office.database, NOW, LEASE) for _ in range(2))):
            assert unjudged.set_aside(office.database, claimed, "error", NOW)

    sets_aside()
    assert [(each.source, each.pages, each.posts, each.error) for each in unjudged.aside(office.database)] == [
        ("chirp", 1, 1, "error"),
        ("forum", 1, 1, "error"),
    ]
    assert judging.try_again("chirp") == 1
    assert [*unjudged.waiting(office.database)] == ["chirp"]
    sets_aside()
    judging.try_again_with("2", NOW)
    assert [*unjudged.waiting(office.database)] == ["chirp", "forum"]
    sets_aside()
    judging.try_again_with("2", NOW)
    assert not judging.due(), "this version has had its try"
    judging.try_again_with("3", NOW)
    assert judging.work_off(Clock(NOW)).new == 2
    assert unjudged.aside(office.database) == []


def test_a_page_that_ends_whoever_judges_it_is_set_aside_too(office: Assembly) -> None:
    keep(office, post(ANGRY))
    for turn in range(CLAIMS):
        assert unjudged.claim(office.database, NOW + turn * 2 * LEASE, LEASE) is not None
    office.collector.judging.work_off(Clock(NOW + DAY))
    assert count(office.database, "unjudged", "aside_at <> ''") == 1
    assert "forum: 1 post could not be judged after 3 tries (whoever judged it ended); set aside" in [
        *notices(office.database)
    ]


def is_set_aside_alone(office: Assembly, others: tuple[str, ...]) -> None:
    """The page that waits is set aside once it was tried so often; those of others that come behind it are stored."""
    for author in others:
        keep(office, post(BROKEN, source="chirp", author=author), source="chirp")
    for _ in range(TRIES):
        office.collector.judging.work_off(Clock(NOW))
    assert count(office.database, "unjudged", "aside_at = ''") == 0
    assert count(office.database, "unjudged", "aside_at <> ''") == 1
    assert count(office.database, "posts") == len(others)


def test_a_page_of_which_the_database_refuses_a_value_is_set_aside_and_the_rest_goes_on(office: Assembly) -> None:
    keep(office, gone=("of a network\0that writes anything",))
    is_set_aside_alone(office, others=("olga", "mira"))


def refused_where_posts_are_stored(database: Base, code: str) -> None:
    """Have the server refuse a post of mira's with this code, as it may for reasons of its own."""
    database.run(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF NEW.author = 'mira' THEN RAISE EXCEPTION 'refused' USING ERRCODE = '{code}'; END IF; RETURN NEW; "
        "END $$"
    )
    database.run("CREATE TRIGGER refuse BEFORE INSERT ON posts FOR EACH ROW EXECUTE FUNCTION refuse()")


@pytest.mark.parametrize("code", ["XX000", "54001", "42804", "21000", "57014", "22021"])
def test_whatever_the_database_refuses_of_one_page_alone_sets_that_aside(office: Assembly, code: str) -> None:
    refused_where_posts_are_stored(office.database, code)
    keep(office, post(BROKEN, author="mira"))
    is_set_aside_alone(office, others=("olga", "ivo"))


@pytest.mark.parametrize("code", ["53100", "58030", "57P01", "40P01", "55P03", "25006", "42501", "XX001"])
def test_what_the_whole_database_suffers_from_sets_no_page_aside_and_the_others_come_first(
    office: Assembly, code: str
) -> None:
    refused_where_posts_are_stored(office.database, code)
    keep(office, post(BROKEN, author="mira"))
    for author in ("olga", "ivo"):
        keep(office, post(BROKEN, source="chirp", author=author), source="chirp")
    clock = Clock(NOW)
    for _ in range(2 * TRIES):
        with pytest.raises(Error):
            office.collector.judging.work_off(clock)
        office.collector.judging.work_off(clock)
        clock.forward(2 * REST)
    assert count(office.database, "posts") == 2
    assert count(office.database, "unjudged", "aside_at = '' AND tries = 0 AND claims = 0") == 1
    office.database.run("DROP TRIGGER refuse ON posts")
    assert office.collector.judging.work_off(clock).new == 1


def test_a_page_that_could_not_be_let_go_is_let_go_later(office: Assembly) -> None:
    """A server that went away three times while the same page was being stored is no fault of the page."""
    keep(office, post(BROKEN, author="mira"))
    clock = Clock(NOW)
    refused_where_posts_are_stored(office.database, "57P01")
    for _ in range(CLAIMS + 1):
        office.database.run("ALTER TABLE unjudged ADD CONSTRAINT no CHECK (claims > 0) NOT VALID")
        with pytest.raises(Error):
            office.collector.judging.work_off(clock)
        office.database.run("ALTER TABLE unjudged DROP CONSTRAINT no")
        office.collector.judging.work_off(clock)
        clock.forward(LEASE + MINUTE)
    assert count(office.database, "unjudged", "aside_at = '' AND tries = 0") == 1


def test_an_erasure_reaches_a_page_that_waits_and_holds_for_it(office: Assembly) -> None:
    keep(office, post(ANGRY, author="olga"), post(BROKEN, author="mira", parent_author="olga", parent_text="her words"))
    forgetting.erase(office.database, office.rules, "forum", "@Olga", who=of_name("Ana"), way="cli", now=NOW)
    claimed = unjudged.claim(office.database, NOW, LEASE)
    assert claimed is not None
    assert [(each.author, each.parent_author, each.parent_text) for each in claimed.page().posts] == [("mira", "", "")]
    assert office.intake.take([post(ANGRY, author="olga")], NOW).forgotten == 1


def test_an_erasure_reaches_a_page_that_is_being_judged(office: Assembly, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(office, post(ANGRY, author="olga"), post(BROKEN, author="mira"))
    judged = office.intake.judge_posts

    def and_erased(*given: Any, **more: Any) -> list[Judged]:
        found = judged(*given, **more)
        forgetting.erase(office.database, office.rules, "forum", "olga", who=of_name("Ana"), way="cli", now=NOW)
        return found

    monkeypatch.setattr(office.intake, "judge_posts", and_erased)
    assert office.collector.judging.work_off(Clock(NOW)).forgotten == 1
    assert [row["author"] for row in office.database.rows("SELECT author FROM posts")] == ["mira"]
    assert count(office.database, "unjudged") == 0


def test_what_the_network_deletes_later_is_deleted_in_its_turn(office: Assembly) -> None:
    keep(office, post(ANGRY, native_id="n-1"))
    keep(office, deleted=("n-1",))
    office.collector.judging.work_off(Clock(NOW))
    assert count(office.database, "posts", "native_id = 'n-1'") == 0


def test_retention_reaches_what_nobody_judges(office: Assembly) -> None:
    keep(office, post(ANGRY))
    retention.retain(office.database, office.settings, NOW + timedelta(days=4000), lambda: False)
    assert count(office.database, "unjudged") == 0


def test_a_queue_that_grows_is_told_with_its_slope_and_stops_its_source(office: Assembly) -> None:
    judging = office.collector.judging
    for turn in range(3):
        for _ in range(MANY):
            keep(office, post(ANGRY))
        judging.watch(NOW + turn * SPAN / 2)
    (title,) = [each for each in notices(office.database) if "faster" in each]
    assert "60 pages wait, 4.0 more each minute" in title
    assert not judging.is_full("forum")
    for _ in range(MOST_WAITING - 3 * MANY):
        keep(office, post(ANGRY))
    assert judging.is_full("forum")
