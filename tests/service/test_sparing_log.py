"""The log of a daemon in trouble: every fault is said, none of them eats the disk."""

from __future__ import annotations

import io
import logging
import time

import psycopg
import pytest

from monitor.service.sparing_log import EVERY, EVERY_FULL, LATE, Sparing, answers, spare
from monitor.store.connect import reason


class Log:
    """A handler as the daemon sets it up, and what it wrote."""

    def __init__(self) -> None:
        self.text = io.StringIO()
        self.handler = logging.StreamHandler(self.text)
        self.handler.addFilter(Sparing())
        self.now = 1_000_000.0

    def say(self, words: str, level: int = logging.ERROR, *values: object) -> None:
        record = logging.LogRecord("earful.engine", level, "", 0, words, values, None)
        record.created = self.now
        self.handler.handle(record)

    @property
    def lines(self) -> list[str]:
        return self.text.getvalue().splitlines()


@pytest.fixture
def log() -> Log:
    return Log()


def test_a_fault_that_repeats_is_said_once_a_minute_with_its_count(log: Log) -> None:
    for _ in range(600):  # ten minutes of a tick that fails once a second
        log.say("%s failed: %s", logging.ERROR, "deliver", "OperationalError")
        log.now += 1
    assert log.lines[0] == "deliver failed: OperationalError"
    assert log.lines[1] == "deliver failed: OperationalError (59 more times in the last minute)"
    assert len(log.lines) == 10


def test_different_faults_are_each_said(log: Log) -> None:
    for name in ("forum", "chirp", "news"):
        log.say("%s: not stored", logging.ERROR, name)
    log.say("forum: not stored", logging.WARNING)
    assert len(log.lines) == 4


def test_what_is_no_fault_is_never_held_back_while_there_is_room(log: Log) -> None:
    for _ in range(3):
        log.say("forum: 3 read", logging.INFO)
    assert len(log.lines) == 3


def test_a_full_disk_is_not_filled_by_what_is_said_of_it(log: Log) -> None:
    logging.getLogger().addHandler(log.handler)
    try:
        spare(full=True)
        for _ in range(int(EVERY_FULL / EVERY)):
            log.say("forum: not stored (the disk is full)")
            log.say("forum: 3 read", logging.INFO)
            log.now += EVERY
        assert log.lines == ["forum: not stored (the disk is full)"]
        spare(full=False)
        log.say("forum: 3 read", logging.INFO)
        assert len(log.lines) == 2
    finally:
        logging.getLogger().removeHandler(log.handler)


def test_it_remembers_no_more_than_it_may(log: Log) -> None:
    for number in range(5000):
        log.say("fault %d", logging.ERROR, number)
    assert len(log.lines) == 5000
    (sparing,) = log.handler.filters
    assert isinstance(sparing, Sparing)
    assert len(sparing._lines) <= 500


def test_a_server_that_is_away_is_said_once_whatever_fails_by_it_and_once_more_when_it_answers(log: Log) -> None:
    """Each tick said its own line every minute: twenty lines for one thing."""
    logging.getLogger().addHandler(log.handler)
    try:
        answers()  # nothing was the matter
        log.say("%s failed: %s", logging.ERROR, "deliver", reason(psycopg.errors.AdminShutdown()))
        for name in ("collect", "judge", "wipe") * 50:
            log.say("%s failed: %s", logging.ERROR, name, reason(psycopg.OperationalError("connection refused")))
            log.now += 10
        log.say("%s failed: %s", logging.ERROR, "judge", reason(psycopg.errors.UniqueViolation()))
        answers()
        answers()
    finally:
        logging.getLogger().removeHandler(log.handler)
    assert log.lines[0] == "the database does not answer (AdminShutdown); Earful waits for it and says so only once"
    assert log.lines[1:] == ["judge failed: the database said UniqueViolation", "the database answers again"]
    log.now = time.time() + LATE / 2
    log.say("%s failed: %s", logging.ERROR, "jobs", reason(psycopg.OperationalError("it waited too long")))
    assert len(log.lines) == 3, "what waited for it before is part of the same"
    log.now += LATE
    log.say("%s failed: %s", logging.ERROR, "judge", reason(psycopg.OperationalError()))
    assert len(log.lines) == 4, "the next time it is said again"
