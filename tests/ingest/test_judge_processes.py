"""A file that is judged by processes beside ours gives what one process gives, whatever happens to any of them."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from benchmarks import made
from connectors import Post
from monitor.ingest import judge_processes
from monitor.ingest.judge_processes import LEAST, JudgeProcesses, processes_for
from monitor.store.database import Database
from monitor.store.sqlite import Sqlite
from monitor.text import judge as judging
from monitor.text import judge_process
from monitor.text.judge import Judge
from monitor.text.judge_process import Found
from monitor.text.query.matching import Query
from monitor.wiring import Assembly
from tests.helpers import NOW, assembly_of, settings_from

TABLES = ("posts", "mentions", "cases", "case_log", "stories", "deliveries", "heard", "caused", "problems")
HOSTILE = (
    "Acme \ud800 lost my parcel", "@acme \x00 nobody answers", "Acme " + "!?" * 3_000, "Acmé: c'est cassé, honteux",
    "アクメの充電器が燃えた Acme", "same here", "Acme https://example.org/a love it", "RT @ben: Acme charged me twice",
    "",
)  # fmt: skip


def posts(number: int = 2_300) -> list[Post]:
    """Complaints and other words, in conversations, some of them twice, some about nobody, some hostile."""
    texts = [text.replace(made.BRAND, "Acme") for text, _ in made.texts(number, unhappy=0.3)]
    made_of = []
    for place, text in enumerate(texts):
        post = Post("import", str(place % 2_290), "", f"a{place % 400}", text, NOW - timedelta(minutes=place))
        if place % 7 == 0:
            post = replace(post, text=HOSTILE[place // 7 % len(HOSTILE)], thread_id=str(place % 50), parent_id="3")
        if place % 11 == 0:
            post = replace(post, text="Nothing to do with anybody, just late", thread_id=str(place % 50))
        if place % 13 == 0:
            post = replace(post, rating=1.0, title="Stars for Acme")
        made_of.append(post)
    return made_of


def dump(database: Database) -> list[tuple[str, ...]]:
    """All that stands, by its keys."""
    return [tuple(map(str, row)) for table in TABLES for row in database.rows(f"SELECT * FROM {table} ORDER BY 1, 2")]


@pytest.fixture
def another(sqlite: Sqlite, tmp_path: Path) -> Assembly:
    """An installation in which nothing stands."""
    return assembly_of(sqlite, settings_from(tmp_path))


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> list[tuple[str, ...]]:
    """What one process makes of these posts."""
    folder = tmp_path_factory.mktemp("alone")
    shutil.copyfile(sqlite_template, folder / "alone.sqlite")
    database = Sqlite(folder / "alone.sqlite")
    alone = assembly_of(database, settings_from(folder))
    assert alone.intake.take(posts(), NOW).matched > 1_000
    found = dump(database)
    database.close()
    return found


def test_processes_give_what_one_gives(another: Assembly, expected: list[tuple[str, ...]]) -> None:
    with JudgeProcesses(another.intake.judge, another.queries, number=1) as processes:
        (one,) = processes.ids
        # Ctrl-C reaches it too, and is not for it.
        another.intake.take(posts(), NOW, ahead=processes, each_chunk=lambda _n: os.kill(one, signal.SIGINT))
        assert processes.goes_on
        assert processes.judged + processes.taken_back == len(posts()), "all is judged ahead"
        assert processes.judged >= 500, "what they have begun is theirs"
    assert dump(another.database) == expected
    with pytest.raises(ProcessLookupError):
        os.kill(one, 0)


def test_what_no_process_has_begun_is_judged_here_meanwhile(
    another: Assembly, expected: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    judged_here: list[int] = []

    def found_of(
        judge: Judge, queries: Mapping[str, Query], brand: str, some: Sequence[Post]
    ) -> list[dict[str, Found]]:
        judged_here.append(len(some))
        if len(judged_here) == 3:
            os.kill(one, signal.SIGCONT)
        return judge_process.found_of(judge, queries, brand, some)

    monkeypatch.setattr(judge_processes, "found_of", found_of)
    with JudgeProcesses(another.intake.judge, another.queries, number=1) as processes:
        (one,) = processes.ids
        os.kill(one, signal.SIGSTOP)  # until three batches are judged here, it does nothing
        another.intake.take(posts(), NOW, ahead=processes)
        assert processes.goes_on
        assert processes.taken_back == sum(judged_here) >= 750
        assert processes.judged >= 500, "what it has begun, and what is left to it, is its own"
    assert dump(another.database) == expected


def test_more_is_read_while_an_answer_is_not_there(another: Assembly) -> None:
    with JudgeProcesses(another.intake.judge, another.queries, number=1) as processes:
        (one,) = processes.ids
        os.kill(one, signal.SIGSTOP)
        taken: list[int] = []

        def read() -> Iterator[Post]:
            for place, post in enumerate(posts(2_300)):
                if place == judge_processes.FURTHEST * 100 - 1:  # it answers once so much is read, and not before
                    os.kill(one, signal.SIGCONT)
                taken.append(place)
                yield post

        chunks = processes.chunks(read(), 100, NOW)
        next(chunks)
        assert len(taken) == judge_processes.FURTHEST * 100, "as far as it may, and no further"
        rest = [is_last for _, _, is_last in chunks]
        assert processes.goes_on
    assert rest == [False] * 21 + [True]


@pytest.mark.parametrize("number", [0, 1])
def test_of_no_posts_the_last_step_is_done_too(another: Assembly, number: int) -> None:
    done: list[str] = []
    with JudgeProcesses(another.intake.judge, another.queries, number=number) as processes:
        another.intake.take([], NOW, ahead=processes, last=lambda: done.append("with processes"))
    another.intake.take([], NOW, last=lambda: done.append("alone"))
    assert done == ["with processes", "alone"]


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP])
def test_one_that_ends_or_is_silent_costs_nothing_but_time(
    another: Assembly, expected: list[tuple[str, ...]], end: signal.Signals, caplog: pytest.LogCaptureFixture
) -> None:
    with JudgeProcesses(another.intake.judge, another.queries, number=1, patience=2.0) as processes:
        (one,) = processes.ids

        def read() -> Iterator[Post]:
            for place, post in enumerate(posts()):
                if place == 1_600:  # the rest is not sent yet
                    os.kill(one, end)
                yield post

        another.intake.take(read(), NOW, ahead=processes)
        assert not processes.goes_on
    assert dump(another.database) == expected
    assert [each.message.partition(":")[0] for each in caplog.records] == [
        "judging in one process from here on; a process beside it is of no use"
    ]


def test_a_judge_that_is_another_one_is_not_asked(
    another: Assembly, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    damaged = tmp_path / "judge.model"
    damaged.write_bytes(judging.MODEL_FILE.read_bytes()[:-9])
    monkeypatch.setattr(judging, "MODEL_FILE", damaged)
    judge = judging.Judge(another.intake.judge.made_of[0])  # type: ignore[index]
    assert judge.trouble
    with JudgeProcesses(judge, another.queries, number=1) as processes:
        read = list(processes.chunks(posts(500), 100, NOW))
        assert (len(read), processes.goes_on, processes.judged) == (5, False, 0)
    assert "its judge is another one" in caplog.text


def test_all_are_about_the_brand_that_somebody_named(another: Assembly) -> None:
    words = [replace(post, text=post.text.replace("Acme", "They")) for post in posts(300)]
    with JudgeProcesses(another.intake.judge, another.queries, "Acme", number=1) as processes:
        taken = another.intake.take(words, NOW, brand="Acme", ahead=processes)
        assert taken.matched == len({post.native_id for post in words})
        assert processes.judged + processes.taken_back == len(words)


def test_small_files_and_one_core_are_for_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    assert processes_for(LEAST - 1) == 0
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: {0})
    assert processes_for(LEAST) == 0
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: {0, 1, 2, 3})
    assert processes_for(LEAST) == judge_processes.PROCESSES


def test_whoever_stops_in_the_middle_leaves_no_process(another: Assembly) -> None:
    processes = JudgeProcesses(another.intake.judge, another.queries, number=1)

    def read() -> Iterator[Post]:
        yield from posts(600)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), processes:
        another.intake.take(read(), NOW, ahead=processes)
    with pytest.raises(ProcessLookupError):
        os.kill(processes.ids[0], 0)
