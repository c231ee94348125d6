"""What runs by itself: it ticks, survives what fails, takes new settings on the way, and stops clean."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.people.audit import Event, note
from monitor.service.scheduler import Engine, utc_now
from monitor.service.work import POOLS, ROLES, WATCHED, Role
from monitor.store import deliveries, leases, sources, unjudged
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.store.unjudged import Page
from monitor.wiring import Assembly, assemble
from tests.fakes.slack import FakeSlack
from tests.helpers import ANGRY, BROKEN, MINUTE, assembly_of, count, post, settings_from

Base = Sqlite | Postgresql


def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait for something that will be so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came to be"
        threading.Event().wait(0.02)


def slack_house(database: Base, folder: Path, slack: FakeSlack, **more: Any) -> Assembly:
    channel = f'[[channels]]\nname = "slack"\nkind = "slack"\ntoken = {{ env = "T" }}\napi_url = "{slack.api_url}"\n'
    settings = settings_from(
        folder,
        channels=channel + '[[channels]]\nname = "console"\nkind = "console"\n',
        notify=("slack:#care",),
        alerts='group_wait = "0s"',
        environ={"T": slack.token},
        **more,
    )
    # No source is read here: these tests put posts in themselves.
    still = [source.model_copy(update={"enabled": False}) for source in settings.sources]
    return assembly_of(database, settings.model_copy(update={"sources": tuple(still)}))


@pytest.fixture
def engine(database: Base, tmp_path: Path, slack: FakeSlack) -> Any:
    made = Engine(slack_house(database, tmp_path, slack))
    yield made
    made.stop(10)


def test_what_is_queued_is_told_while_it_runs(engine: Engine, slack: FakeSlack) -> None:
    engine.start()
    engine.assembly.intake.take([post(ANGRY, at=utc_now())], utc_now())
    until(lambda: len(slack.accepted) == 1)


def test_what_a_former_process_left_in_flight_is_looked_up_at_the_start(
    engine: Engine, database: Base, slack: FakeSlack
) -> None:
    engine.assembly.intake.take([post(ANGRY, at=utc_now())], utc_now())
    (row,) = deliveries.due(database, "slack:#care", utc_now() + MINUTE)
    # Where others may send as well, what is in flight is theirs until its claim is over.
    deliveries.claim(database, row, utc_now(), utc_now() + (5 * MINUTE if database.one_writer else -MINUTE), {})
    engine.start()
    until(lambda: len(slack.accepted) == 1)
    until(lambda: count(database, "deliveries", "state = 'sent'") == 1)
    methods = [method for method, _ in slack.requests]
    assert methods.index("conversations.history") < methods.index("chat.postMessage")


def test_a_tick_that_fails_is_tried_again_at_its_next_turn(engine: Engine, database: Base, slack: FakeSlack) -> None:
    """The table of the outbox is away for a moment; nothing stops for good."""
    engine.assembly.intake.take([post(ANGRY, at=utc_now())], utc_now())
    database.run("ALTER TABLE channels RENAME TO channels_away")
    engine.start()
    threading.Event().wait(0.6)
    assert slack.accepted == []
    database.run("ALTER TABLE channels_away RENAME TO channels")
    until(lambda: len(slack.accepted) == 1)


def test_it_stops_clean_and_sends_nothing_afterwards(engine: Engine, database: Base, slack: FakeSlack) -> None:
    engine.start()
    engine.assembly.intake.take([post(ANGRY, at=utc_now())], utc_now())
    until(lambda: len(slack.accepted) == 1)
    assert engine.stop(10)
    engine.assembly.intake.take([post(BROKEN, author="joon", at=utc_now())], utc_now())
    engine.deliver_due()
    engine.collect_due()
    assert not [each for each in threading.enumerate() if each.name.startswith(("tell-", "read-"))]
    assert len(slack.accepted) == 1


def test_a_hung_far_side_does_not_hold_up_the_end_for_longer_than_it_may(
    engine: Engine, slack: FakeSlack, database: Base
) -> None:
    slack.misbehave("hang")
    engine.start()
    engine.assembly.intake.take([post(ANGRY, at=utc_now())], utc_now())
    until(lambda: len(slack.requests) == 1)
    assert engine.stop(0.2) is False  # says truly that something was still in flight
    (row,) = [deliveries.of_row(each) for each in database.rows("SELECT * FROM deliveries")]
    assert row.state in {"inflight", "unknown"}
    slack.stopping.set()


def test_new_settings_keep_what_is_in_flight_and_speak_from_the_next_tick_on(
    engine: Engine, database: Base, tmp_path: Path, slack: FakeSlack
) -> None:
    engine.start()
    engine.assembly.intake.take([post(ANGRY, at=utc_now())], utc_now())
    until(lambda: len(slack.accepted) == 1)
    other = tmp_path / "other"
    other.mkdir()
    renewed = slack_house(database, other, slack).settings
    alerts = renewed.alerts.model_copy(update={"notify": ("slack:#elsewhere",)})
    engine.replace(assemble(renewed.model_copy(update={"alerts": alerts}), database))
    engine.assembly.intake.take([post(BROKEN, author="joon", at=utc_now())], utc_now())
    until(lambda: len(slack.accepted) == 2)
    assert [each["asked"] for each in slack.accepted] == ["#care", "#elsewhere"]
    until(lambda: count(database, "deliveries", "state <> 'sent'") == 0)


def test_keeping_house_and_the_audit_leave_an_empty_installation_in_peace(engine: Engine) -> None:
    engine.keep_house()
    engine.audit_due()
    engine.growth_due()
    engine.escalate_due()
    engine.digest_due()
    assert engine.audit.findings == ()


def test_the_audit_log_is_kept_its_own_time(engine: Engine, database: Base) -> None:
    for days in (364, 366):
        note(database, Event.LOGIN, utc_now() - timedelta(days=days), way="page")
    engine.keep_house()
    assert count(database, "audit") == 1


def test_every_tick_that_there_is_runs_and_so_does_the_world_of_the_stories(engine: Engine) -> None:
    """The stories run what `ticks` lists: something that is due and not in it would be tried by nobody."""
    due = {name for name in dir(Engine) if name.endswith("_due")} | {"keep_house"}
    assert {tick.work.__name__ for tick in engine.ticks()} == due


def test_the_audit_waits_for_nothing_else_and_every_pool_says_that_it_turns(engine: Engine) -> None:
    """Whatever else is late, the audit has to come; and systemd is told by those without which the daemon is dead."""
    pools = [tick.pool for tick in engine.ticks()]
    assert [tick.name for tick in engine.ticks() if tick.pool == "audit"] == ["audit", "abandoned"]
    assert set(pools) == set(POOLS)
    assert engine.heartbeat.hung() == []
    engine.start()
    many = isinstance(engine.assembly.database, Postgresql)
    assert set(engine.heartbeat._last) - ({"jobs"} if many else set()) == set(WATCHED)


UNLOCKED = {
    "collect-here", "refresh-here", "press", "listen", "judge", "learn", "follow", "second-look", "abandoned", "clock",
    "erasures", "presses-aside",
}  # fmt: skip


UNLOCKED_JOBS = {"read-here", "talk-here", "refresh-here", "judge", "learn", "follow", "second-look"}


def test_every_tick_and_job_says_whose_it_is_and_what_must_be_one(engine: Engine) -> None:
    """What has no lock each process does for itself: what is of its machine, and what it claims or leases itself."""
    ticks, jobs = engine.ticks(), engine.jobs()
    assert {each.role for each in (*ticks, *jobs)} == {*ROLES, None}
    assert {tick.name for tick in ticks if not tick.lock} == UNLOCKED
    assert {job.name for job in jobs if not job.lock} == UNLOCKED_JOBS
    named = [each.name for each in ticks]
    assert len(named) == len(set(named))
    read, tell = (next(job for job in jobs if job.name == name) for name in ("read", "tell"))
    assert read.named(("forum{0}", "own")) == "read-forum{0}-own"
    assert read.locked(("forum{0}", "own")) == "source:forum{0}"
    assert tell.locked(("slack",)) == "channel:slack"


def test_three_processes_by_role_judge_and_tell_what_was_read(
    new_postgresql: str, tmp_path: Path, slack: FakeSlack
) -> None:
    """One that only reads judges nothing, one that only judges tells nobody; together they are one daemon."""
    made: dict[Role, Engine] = {}
    opened = [Postgresql(new_postgresql) for _ in range(3)]
    try:
        for role, database in zip(("collect", "judge", "notify"), opened, strict=True):
            folder = tmp_path / role
            folder.mkdir()
            still = slack_house(database, folder, slack)
            made[role] = Engine(assembly_of(database, still.settings, role), roles=(role,))  # type: ignore[index]
        assert made["collect"].assembly.collector.judging.elsewhere
        with opened[0].transaction():
            sources.succeeded(opened[0], "forum", utc_now(), new=False)  # else it is of a first read, and told later
            unjudged.add(opened[0], "forum", Page((post(ANGRY, at=utc_now()),)), utc_now())
        made["collect"].start()
        made["notify"].start()
        until(lambda: {each.name for each in leases.standing(opened[0])} >= {"lead:collect", "lead:notify"})
        assert count(opened[0], "unjudged") == 1
        made["judge"].start()
        until(lambda: len(slack.accepted) == 1)
        assert count(opened[0], "unjudged") == 0
        made["notify"].replace(made["notify"].assembly)
        assert made["notify"].assembly.collector.judging.elsewhere
        assert not made["judge"].assembly.collector.judging.elsewhere
        made["notify"].read("a source that only the others have heard of", "posts")
        made["notify"].tell("and a channel")
    finally:
        for each in made.values():
            each.stop(10)
        for database in opened:
            database.close()
