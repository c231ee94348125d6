"""Posts of a large file are judged ahead, by processes of their own, while this one stores those before them.

Judging takes as long as all else and knows no database, so on two cores an import takes little more than half its time.
While this process would wait for an answer, it judges what no other has begun. What comes of it is what one process
gives: whatever a post stands below is looked up here, when its turn has come, and where that changes how it is judged
it is judged again. If a process ends or is silent, this one judges the rest.
"""

from __future__ import annotations

import logging
import marshal
import os
import pickle
import struct
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Self

from connectors import Post
from monitor.text.judge import Judge, JudgeInput
from monitor.text.judge_process import Found, Recipe, found_in, found_of, packed, read_frame, write_frame
from monitor.text.query.matching import Query, brands_in
from monitor.text.query.subject import subject_of
from monitor.text.sanitize import tidy
from monitor.text.similarity import fingerprint
from monitor.types import Verdict

log = logging.getLogger("earful.import")

LEAST = 1_000_000  # bytes of a file; below, starting a process takes longer than it saves
PROCESSES = 2  # more than that wait for whoever stores
AHEAD = 4  # chunks that are read and judged beyond the one that is being stored
FURTHEST = 16  # chunks that are read at most, while no answer is there: reading has to be done anyway, judging here not
_BATCH = 250  # posts that are sent at once
_IN_HAND = 2  # batches of a process: the next lies there when it is done with one
_LEFT = 2  # batches of a process that nobody takes from it: work enough while this one stores a chunk
_PATIENCE = 60.0  # seconds without any answer; a batch takes a tenth of one
_NUMBER = struct.Struct(">Q")
_KEPT = (
    "PATH",
    "HOME",
    "LANG",
    "LC_",
    "PYTHON",
    "TMPDIR",
    "SYSTEMROOT",
)  # of the environment: no secret is among these


class Known:
    """What other processes found out of some posts; what they did not is worked out here, at each question.

    Posts are known by what they are, not by what is in them: whoever holds this holds them too.
    """

    def __init__(self, judge: Judge | None, read: Sequence[Post], safe: Sequence[Post], found: _FoundIn) -> None:
        """`read` are the posts as they came, `safe` the same made safe, `found` what each of them is by itself."""
        self._judge = judge
        self._posts = (read, safe)
        self._safe = {id(one): other for one, other in zip(read, safe, strict=True)}
        self._found = {id(post): each for post, each in zip(safe, found, strict=True)}

    def safe(self, post: Post, now: datetime | None) -> Post:
        """A post made safe."""
        return self._safe.get(id(post)) or tidy(post, now)

    def brands(self, post: Post, queries: Mapping[str, Query]) -> dict[str, tuple[str, ...]]:
        """Which brands a safe post is about, with the words that matched."""
        found = self._found.get(id(post))
        if found is None:
            return brands_in(subject_of(post), queries)
        return {brand: each.words for brand, each in found.items()}

    def verdicts(self, judge: Judge, asked: Sequence[JudgeInput]) -> list[Verdict]:
        """What this judge thinks of safe posts; one that is judged with what stands above it is judged here."""
        if not self._found or judge is not self._judge:
            return judge.verdicts(asked)
        found = [self._by_itself(each) for each in asked]
        rest = iter(judge.verdicts([each for each, one in zip(asked, found, strict=True) if one is None]))
        return [next(rest) if one is None else one.verdict for one in found]

    def _by_itself(self, asked: JudgeInput) -> Found | None:
        if asked.answers_us or asked.follows or asked.below:
            return None
        found = self._found.get(id(asked.post), {}).get(asked.brand)
        return found if found is not None and found.words == asked.matched else None

    def fingerprint(self, post: Post) -> int:
        """The fingerprint of a safe post's words."""
        known = (each.fingerprint for each in self._found.get(id(post), {}).values() if each.fingerprint)
        return next(known, 0) or fingerprint(post.text or post.title)


_FoundIn = Sequence[Mapping[str, Found]]
NOTHING_KNOWN = Known(None, (), (), ())


def processes_for(size: int) -> int:
    """How many processes judge a file of so many bytes; 0 where one process does all."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(PROCESSES, cores - 1) if size >= LEAST and sys.executable else 0


def chunks_of(posts: Iterable[Post], size: int) -> Iterator[list[Post]]:
    """So many posts at a time."""
    chunk: list[Post] = []
    for post in posts:
        chunk.append(post)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


@dataclass(frozen=True, slots=True)
class _Sent:
    """A chunk on its way: its posts as they were read and as they were made safe, and the numbers of its batches."""

    posts: list[Post]
    safe: list[Post]
    batches: Sequence[int]


class JudgeProcesses:
    """Some processes that judge for one judge; a context, in which they live. Used by one thread."""

    def __init__(
        self,
        judge: Judge,
        queries: Mapping[str, Query],
        brand: str = "",
        *,
        number: int,
        patience: float = _PATIENCE,
    ) -> None:
        """`brand` names the brand where somebody has already said what all posts are about; 0 processes do nothing.

        After `patience` seconds without an answer this process goes on without them.
        """
        self.judge = judge
        self._names = (judge.scorer, judge.rules_scorer, judge.trouble)
        # What an operator's own models are is not sent: they use all cores by themselves.
        made_of = judge.made_of
        self._recipe = Recipe(*made_of, dict(queries), brand) if made_of is not None else None
        self._queries, self._brand = queries, brand
        self._number = number if self._recipe is not None else 0
        self._processes: list[subprocess.Popen[bytes]] = []
        self._changed = threading.Condition()  # guards what follows, and says that some of it is another
        self._unbegun: dict[int, Sequence[Post]] = {}  # batches by number, the oldest first
        self._answers: dict[int, bytes] = {}
        self._trouble = ""
        self._found_here: dict[int, Sequence[Mapping[str, Found]]] = {}
        self._sent = 0
        self._all_sent = False
        self._patience = patience
        self.judged = 0  # posts, by the processes
        self.taken_back = 0  # posts, judged here meanwhile

    @property
    def ids(self) -> tuple[int, ...]:
        """Their process ids."""
        return tuple(process.pid for process in self._processes)

    @property
    def goes_on(self) -> bool:
        """Whether they judge: they were started, and nothing happened to any of them."""
        return bool(self._processes) and not self._trouble

    def __enter__(self) -> Self:
        environ = {name: value for name, value in os.environ.items() if name.startswith(_KEPT)}
        command = [sys.executable, "-P", "-m", "monitor.text.judge_process"]
        try:
            for _ in range(self._number):
                process = subprocess.Popen(  # noqa: S603 - this very Python, with a file of ours
                    command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
                )
                self._processes.append(process)
                room = threading.Semaphore(_IN_HAND)
                for work in (self._write, self._read):
                    threading.Thread(target=work, args=(process, room), daemon=True).start()
        except OSError as error:
            self._fail(f"it can't be started: {error.strerror}")
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        with self._changed:
            self._trouble = self._trouble or "ended"
            self._changed.notify_all()
        for process in self._processes:
            process.kill()  # it holds nothing that is not here too
            process.wait()

    def chunks(self, posts: Iterable[Post], size: int, now: datetime) -> Iterator[tuple[list[Post], Known, bool]]:
        """These posts in chunks, in order, each with what the processes say of it, and whether it is the last.

        Nothing is said where they don't go on. Of no posts at all there is one chunk, with none.
        """
        self._all_sent = False
        read = chunks_of(posts, size)
        sent = deque([self._send(next(read, []), now)])
        while sent:
            while not self._all_sent and (len(sent) <= AHEAD or self._may_read_on(sent)):
                chunk = next(read, None)
                if chunk is None:
                    self._all_sent = True
                else:
                    sent.append(self._send(chunk, now))
            first = sent.popleft()
            yield *self._known(first), self._all_sent and not sent

    def _may_read_on(self, sent: Sequence[_Sent]) -> bool:
        """Whether more is read before the first of these is asked for: it would be waited for, and there is room."""
        with self._changed:
            answered = all(number in self._answers or number in self._found_here for number in sent[0].batches)
            return len(sent) < FURTHEST and not (answered or self._trouble)

    def _send(self, posts: list[Post], now: datetime) -> _Sent:
        if not self.goes_on:
            return _Sent(posts, [], ())
        safe = [tidy(post, now) for post in posts]
        batches = []
        with self._changed:
            for start in range(0, len(safe), _BATCH):
                self._unbegun[self._sent] = safe[start : start + _BATCH]
                batches.append(self._sent)
                self._sent += 1
            self._changed.notify_all()
        return _Sent(posts, safe, batches)

    def _known(self, chunk: _Sent) -> tuple[list[Post], Known]:
        found: list[Mapping[str, Found]] = []
        for number in chunk.batches:
            if (theirs := self._found(number)) is None:
                return chunk.posts, NOTHING_KNOWN
            found += theirs
        return chunk.posts, Known(self.judge, chunk.posts, chunk.safe, found) if found else NOTHING_KNOWN

    def _found(self, number: int) -> Sequence[Mapping[str, Found]] | None:
        """What the posts of a batch are; None where that is to be found out by whoever asks.

        Until it is known, this process judges the oldest batches that no other has begun.
        """
        while number not in self._found_here:
            with self._changed:
                if number in self._answers:
                    found = found_in(self._answers.pop(number))
                    self.judged += len(found)
                    return found or None
                if self._trouble:
                    return None
                taken = self._take_back()
                if taken is None and not self._changed.wait(self._patience):
                    self._fail(f"it was silent for {self._patience:.0f} seconds")
            if taken is not None:
                other, posts = taken
                self._found_here[other] = found_of(self.judge, self._queries, self._brand, posts)
                self.taken_back += len(posts)
        return self._found_here.pop(number)

    def _take_back(self) -> tuple[int, Sequence[Post]] | None:
        """The oldest batch that no process has begun, unless they would soon have nothing to do."""
        left = 0 if self._all_sent else _LEFT * len(self._processes)
        return self._oldest() if len(self._unbegun) > left else None

    def _oldest(self) -> tuple[int, Sequence[Post]]:
        number = next(iter(self._unbegun))
        return number, self._unbegun.pop(number)

    def _fail(self, why: str) -> None:
        """From now on this process judges by itself."""
        with self._changed:
            if not self._trouble:
                self._trouble = why
                log.warning("judging in one process from here on; a process beside it is of no use: %s", why)
            self._changed.notify_all()

    def _next(self) -> tuple[int, Sequence[Post]] | None:
        """The next batch for a process, once there is one; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._unbegun or self._trouble)
            return None if self._trouble else self._oldest()

    def _write(self, process: subprocess.Popen[bytes], room: threading.Semaphore) -> None:
        """Send one process what its judge is made of, then batches, as long as it has room."""
        assert process.stdin is not None
        try:
            write_frame(process.stdin, pickle.dumps(self._recipe))
            while room.acquire() and (batch := self._next()) is not None:
                number, posts = batch
                write_frame(process.stdin, _NUMBER.pack(number) + packed(posts))
        except (OSError, ValueError):
            pass  # it has ended, and whoever reads from it says so

    def _read(self, process: subprocess.Popen[bytes], room: threading.Semaphore) -> None:
        """Take one process's answers; the first says by which judge."""
        assert process.stdout is not None
        names = read_frame(process.stdout)
        if names and marshal.loads(names) != self._names:  # noqa: S302 - by a process of our own
            self._fail("its judge is another one (was a file of the program changed?)")
            return
        while answer := read_frame(process.stdout):
            (number,) = _NUMBER.unpack(answer[: _NUMBER.size])
            with self._changed:
                self._answers[number] = answer[_NUMBER.size :]
                self._changed.notify_all()
            room.release()
        room.release()  # whoever writes to it waits for nothing any more
        if not self._trouble:
            self._fail(f"it ended (exit code {process.wait()})")
