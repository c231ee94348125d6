"""The crash walk: a scripted run is killed at one point, started again, and the ledgers of the far sides are read.

Points are database writes and syncs (by strace's `inject`, which counts per thread: all SQL of the run happens on one)
and sends on sockets (counted inside the run, since every send happens on a thread of its own). Where strace is absent
or may not trace, the statements of the database are counted inside the run instead; which way was used is printed.

    python -m tests.crash.walk                 every point: about an hour
    python -m tests.crash.walk --every 7
    python -m tests.crash.walk --kind sends --at 23        one point again
    python -m tests.crash.walk --resume FOLDER             go on with a walk that was ended; it prints its folder
"""

from __future__ import annotations

import argparse
import atexit
import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from monitor.store import deliveries
from monitor.store.database import at
from monitor.store.mentions import mention_id, post_id
from monitor.store.schema import migrate
from monitor.store.sqlite import Sqlite
from tests.crash.installation import Installation, installation
from tests.crash.play import ANSWERED, ANSWERED_AT, DISMISSED, FIRST, NOW, POSTS, SECOND, STAFF, TAKEN

CHECKOUT = Path(__file__).parents[2]
LONGEST = 60  # seconds of one run
AT_ONCE = 2
UNHAPPY = tuple(author for author, _words in (*FIRST, *SECOND))


@dataclass(frozen=True)
class Point:
    """Where a run is killed: before the `at`-th of its `kind` ("sends", "statements", or the name of a system call)."""

    kind: str
    at: int
    variant: str = ""


@dataclass
class Walked:
    """What a walk found. `faults` are in words, each with its point; `beyond` counts points that no run reached.

    `slow` are points whose run did not end in time (a busy machine, or one that hangs). The next walk tries them again.
    """

    points: int = 0
    beyond: int = 0
    faults: list[str] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)

    def add(self, point: Point, found: list[str] | None, *, slow: str = "") -> None:
        """Count one point."""
        self.points += 1
        self.beyond += found is None
        self.faults += found or []
        if slow:
            self.slow.append(f"{point.kind} {point.at}: {slow}")


class Progress:
    """What was tried, a line a point in a file, so that a walk that was ended goes on where it was."""

    def __init__(self, file: Path | None = None) -> None:
        self.file = file
        self.done: dict[Point, tuple[list[str] | None, str]] = {}
        if file is not None and file.exists():
            for line in file.read_text("utf-8").splitlines():
                with contextlib.suppress(ValueError, KeyError, TypeError):  # the line that was being written
                    said = json.loads(line)
                    self.done[Point(**said["point"])] = (said["faults"], said["slow"])

    def keep(self, point: Point, found: list[str] | None, slow: str) -> None:
        """Write one point down. A slow one is tried again by the next walk."""
        if self.file is not None and not slow:
            with self.file.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"point": asdict(point), "faults": found, "slow": slow}) + "\n")


def can_trace() -> bool:
    """Whether strace is there and may trace here."""
    if shutil.which("strace") is None:
        return False
    tried = subprocess.run(["strace", "-qq", "-o", os.devnull, "true"], capture_output=True, check=False, timeout=20)
    return tried.returncode == 0


def template(folder: Path) -> Path:
    """A database with every table, to be copied for each point."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "template.sqlite"
    database = Sqlite(path)
    migrate(database, NOW)
    database.checkpoint()
    database.close()
    return path


def statements_with(folder: Path, words: str, variant: str) -> list[int]:
    """The numbers of the statements with these words in a whole run of a variant."""
    with installation(folder / f"find{variant}") as made:
        shutil.copyfile(template(folder), made.folder / "earful.sqlite")
        whole = run(made, None, variant, "--find", words)
        assert whole.returncode == 0, whole.stderr
        found: list[int] = json.loads(whole.stdout)["found"]
    return found


class Runner:
    """Starts scripted runs, one after the other, out of a process that has everything loaded. See `ready.py`."""

    def __init__(self) -> None:
        self._ready = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.ready"],
            cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        atexit.register(self.close)

    def close(self) -> None:
        """End it; a run that it has started ends by itself."""
        self._ready.kill()
        self._ready.wait()

    def run(self, made: Installation, words: Sequence[str], trace: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """One run, to its end; raises TimeoutExpired where it does not come."""
        files = {name: str(made.folder / name) for name in ("stdout", "stderr")}
        asked = {"words": [str(made.settings), *words], "trace": list(trace), "environ": dict(made.environ), **files}
        assert self._ready.stdin is not None
        self._ready.stdin.write(json.dumps(asked) + "\n")
        self._ready.stdin.flush()
        process = int(self._heard()["pid"])
        assert self._ready.stdout is not None
        late = not select.select([self._ready.stdout], [], [], LONGEST)[0]
        if late:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        code = int(self._heard()["code"])
        if late:
            raise subprocess.TimeoutExpired(list(words), LONGEST)
        said, wrong = (Path(files[name]).read_text("utf-8", "replace") for name in ("stdout", "stderr"))
        return subprocess.CompletedProcess(list(words), code, said, wrong)

    def _heard(self) -> dict[str, Any]:
        assert self._ready.stdout is not None
        heard: dict[str, Any] = json.loads(self._ready.stdout.readline())
        return heard


_idle: list[Runner] = []  # at most one for each thread that walks


def run(
    made: Installation, point: Point | None = None, variant: str = "", *more: str, trace: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """Start the scripted run, to be killed at a point."""
    words = [*more]
    if variant:
        words += ["--variant", variant]
    if point is not None and point.kind in {"sends", "statements"}:
        words += [f"--die-at-{point.kind[:-1]}", str(point.at)]
    elif point is not None:
        inject = f"inject={point.kind}:signal=SIGKILL:when={point.at}"
        trace = ["-o", os.devnull, "-e", f"trace={point.kind}", "-e", inject]
    try:
        runner = _idle.pop()
    except IndexError:
        runner = Runner()
    try:
        return runner.run(made, words, trace)
    finally:
        _idle.append(runner)


def count(folder: Path) -> dict[str, int]:
    """How many points of each kind a whole run has."""
    with installation(folder / "count") as made:
        shutil.copyfile(template(folder), made.folder / "earful.sqlite")
        whole = run(made)
        assert whole.returncode == 0, whole.stderr
        said = json.loads(whole.stdout)
        found: dict[str, int] = {"sends": said["sends"], "statements": said["statements"]}
    if can_trace():
        found.pop("statements")
        with installation(folder / "trace") as made:
            shutil.copyfile(folder / "template.sqlite", made.folder / "earful.sqlite")
            log = folder / "calls"
            calls = ["pwrite64", "fdatasync", "fsync"]
            traced = run(made, trace=["-o", str(log), "-e", f"trace={','.join(calls)}"])
            assert traced.returncode == 0, traced.stderr
        lines = log.read_text("utf-8").splitlines()
        found |= {call: n for call in calls if (n := sum(f" {call}(" in line for line in lines))}
    return found


def try_point(folder: Path, point: Point) -> list[str] | None:
    """Kill a run at this point and start it again; what is wrong then, in words. None: no run comes that far."""
    place = folder / f"{point.variant}{point.kind}{point.at}"
    shutil.rmtree(place, ignore_errors=True)  # of a walk that was ended there
    with installation(place) as made:
        shutil.copyfile(folder / "template.sqlite", made.folder / "earful.sqlite")
        killed = run(made, point, point.variant)
        if killed.returncode == 0:
            return None
        again = run(made, variant=point.variant)
        found = faults(made) if again.returncode == 0 else [f"the second start failed: {again.stderr[-600:]}"]
    if not found:
        shutil.rmtree(place)
    return [f"killed at {point.kind} {point.at}: {each}" for each in found]


def walk(
    folder: Path,
    points: Iterable[Point],
    *,
    enough: int = 0,
    progress: Progress | None = None,
    at_once: int = AT_ONCE,
) -> Walked:
    """Try points, a few at a time; stop early once `enough` faults were found (0: never).

    What `progress` knows of is not tried again.
    """
    template(folder)
    done, progress = Walked(), progress or Progress()
    waiting = []
    for point in points:
        if point in progress.done:
            found, slow = progress.done[point]
            done.add(point, found, slow=slow)
        else:
            waiting.append(point)
    with ThreadPoolExecutor(at_once) as pool:
        while waiting and not (enough and len(done.faults) >= enough):
            batch, waiting = waiting[: at_once * 2], waiting[at_once * 2 :]
            for point, (found, slow) in zip(batch, pool.map(partial(_timed, folder), batch), strict=True):
                done.add(point, found, slow=slow)
                progress.keep(point, found, slow)
    return done


def _timed(folder: Path, point: Point) -> tuple[list[str] | None, str]:
    """Try a point; one whose run does not end in time is a line in the report and ends nothing."""
    try:
        return try_point(folder, point), ""
    except subprocess.TimeoutExpired as error:
        return [], f"no end after {error.timeout:g} s"


# -- reading the ledgers ----------------------------------------------------------------------------------------------


def faults(made: Installation) -> list[str]:
    """What a finished run has lost, repeated or forgotten, in words."""
    database = Sqlite(made.folder / "earful.sqlite")
    try:
        return [
            *_lost(made, database),
            *_repeated(made),
            *_untrue(made, database),
            *_forgotten(database),
            *_not_shown(made, database),
            *([f"the database is damaged: {wrong}"] if (wrong := database.is_sound()) else []),
        ]
    finally:
        database.close()


def _id_of(author: str) -> str:
    native = next(key for key, post in POSTS.items() if post["author"] == author)
    return mention_id("Harbour Tea", post_id("hn", native))


def _lost(made: Installation, database: Sqlite) -> list[str]:
    stored = Counter(row["native_id"] for row in database.rows("SELECT native_id FROM posts"))
    mentions = database.row("SELECT count(*) AS n FROM mentions")
    found = [f"post {native} was lost" for native in POSTS if native not in stored]
    if mentions is None or mentions["n"] != len(POSTS):
        found.append(f"{mentions['n'] if mentions else 0} mentions instead of {len(POSTS)}")
    told = {
        mention
        for each in made.slack.accepted
        if "metadata" in each  # a word to the one who pressed has none
        for mention in each["metadata"]["event_payload"].get("mentions", ())
    }
    mailed = "\n".join(mail.text for mail in made.smtp.ledger if mail.recipient == STAFF)
    found += [f"Slack was never told of {author}" for author in UNHAPPY if _id_of(author) not in told]
    return found + [
        f"no mail was ever sent about {author}"
        for author, words in (*FIRST, *SECOND)
        if words.split()[-1] not in mailed
    ]


def _repeated(made: Installation) -> list[str]:
    """On Slack nothing is said twice; of mails at most the one that was in flight, under the same Message-ID."""
    posts = [each for each in made.slack.accepted if each["method"] == "chat.postMessage"]
    keys = Counter(each["metadata"]["event_payload"]["key"] for each in posts)
    found = [f"Slack was told {times} times under {key}" for key, times in keys.items() if times > 1]
    mails = Counter((mail.recipient, mail.message_id) for mail in made.smtp.ledger)
    extra = sum(times - 1 for times in mails.values())
    if extra > 1:
        found.append(f"{extra} mails were sent again")
    names: dict[tuple[str, str], set[str]] = {}
    for mail in made.smtp.ledger:
        names.setdefault((mail.recipient, mail.subject), set()).add(mail.message_id)
    return found + [f"one mail under {len(ids)} Message-IDs: {key}" for key, ids in names.items() if len(ids) > 1]


def _untrue(made: Installation, database: Sqlite) -> list[str]:
    """What the outbox says was sent must stand in the ledgers, and nothing may still be owed."""
    on_slack = {each["metadata"]["event_payload"]["key"] for each in made.slack.accepted if "metadata" in each}
    mailed = {mail.message_id for mail in made.smtp.ledger}
    found = []
    for row in database.rows("SELECT * FROM deliveries WHERE carrier = '' AND action = 'post'"):
        there = row["id"] in on_slack if row["channel"] == "slack" else row["receipt"] in mailed
        if row["state"] == "sent" and not there:
            found.append(f"{row['channel']}: {row['about']} is marked as sent and never was")
    rows = database.rows("SELECT * FROM deliveries WHERE state <> 'sent' AND carrier = ''")
    return found + [
        f"{row['channel']}: {row['about']} ended as {row['state']} ({row['error']})"
        for row in rows
        if not row["error"].startswith(deliveries.NOT_NEEDED)
    ]


def _forgotten(database: Sqlite) -> list[str]:
    """One press is one owner, one reply one answer, and each reminder comes once, only to those that wait."""
    found = []
    for author in UNHAPPY:
        rows = database.rows("SELECT * FROM cases WHERE author = :author", {"author": author})
        if len(rows) != 1:
            found.append(f"{author} has {len(rows)} cases")
            continue
        log = database.rows("SELECT what, detail FROM case_log WHERE case_id = :id ORDER BY n", {"id": rows[0]["id"]})
        told = Counter(row["what"] for row in log)
        steps = [json.loads(row["detail"])["step"] for row in log if row["what"] == "remind"]
        expected = [] if author in {TAKEN, ANSWERED, DISMISSED} else [1, 2]
        if steps != expected:
            found.append(f"{author} was reminded of at steps {steps} instead of {expected}")
        if told["take"] != (author == TAKEN) or rows[0]["owner"] != ("Ana" if author == TAKEN else ""):
            found.append(f"{author}: taken {told['take']} times, by {rows[0]['owner'] or 'nobody'}")
        if told["dismiss"] != (author == DISMISSED) or rows[0]["why"] != ("spam" if author == DISMISSED else ""):
            found.append(f"{author}: dismissed {told['dismiss']} times, as {rows[0]['why'] or 'nothing'}")
        if told["answered"] != (author == ANSWERED):
            found.append(f"{author}: answered {told['answered']} times")
        if author == ANSWERED and (not rows[0]["answered_at"] or at(rows[0]["answered_at"]) != ANSWERED_AT):
            found.append(f"{author}: answered at {rows[0]['answered_at'] or 'no time'}")
    return found


def _not_shown(made: Installation, database: Sqlite) -> list[str]:
    """The messages in the channel say at the end how the cases stand."""
    found = []
    shows = ((TAKEN, "taken by Ana, 10:10"), (ANSWERED, "answered 10:18"), (DISMISSED, "closed"))
    for author, words in shows:
        shown = [
            made.slack.reads(each)
            for each in made.slack.messages
            if not each.get("thread_ts") and _id_of(author) in each["metadata"]["event_payload"].get("mentions", ())
        ]
        if not shown or not any(words in each for each in shown):
            found.append(f"Slack does not show that {author}'s case is {words!r}")
    return found


# -- by hand ----------------------------------------------------------------------------------------------------------


def points_of(counts: dict[str, int], every: int, kinds: Sequence[str] = ()) -> list[Point]:
    """Every so-many-th point of each kind."""
    return [
        Point(kind, number)
        for kind, total in counts.items()
        if not kinds or kind in kinds
        for number in range(1, total + 1, every)
    ]


def main() -> None:
    """Walk, and say what was found."""
    parser = argparse.ArgumentParser(description="Kill a scripted run at each of its points, and read the ledgers.")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--kind", action="append", default=[])
    parser.add_argument("--at", type=int, default=0)
    parser.add_argument("--at-once", type=int, default=AT_ONCE, help="runs side by side")
    parser.add_argument("--resume", type=Path, help="the folder of a walk that was ended")
    given = parser.parse_args()
    folder = given.resume or Path(tempfile.mkdtemp(prefix="earful-walk-"))
    way = "strace" if can_trace() else "NO STRACE HERE: fail points at database statements inside the run"
    print(f"writes and syncs by {way}; sends by fail points inside the run", flush=True)
    for stale in ("count", "trace"):
        shutil.rmtree(folder / stale, ignore_errors=True)
    counts = count(folder)
    points = [Point(given.kind[0], given.at)] if given.at else points_of(counts, given.every, given.kind)
    progress = Progress(folder / "points.jsonl")
    left = sum(point not in progress.done for point in points)
    print(
        f"{counts}: {left} points, about {left * 2.6 / given.at_once / 60:.0f} minutes; "
        f"to go on after an end: --resume {folder}",
        flush=True,
    )
    started = time.monotonic()
    done = walk(folder, points, progress=progress, at_once=given.at_once)
    for each in done.faults:
        print(each, flush=True)
    for each in done.slow:
        print(f"slow: {each}", flush=True)
    summary = {"points": done.points, "beyond": done.beyond, "slow": len(done.slow), "faults": len(done.faults)}
    print(json.dumps({**summary, "seconds": round(time.monotonic() - started)}))
    if not done.faults and not done.slow:
        shutil.rmtree(folder)
    raise SystemExit(1 if done.faults else 0)


if __name__ == "__main__":
    main()
