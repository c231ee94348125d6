"""The mutant walk: 300 small faults, drawn by a fixed seed, each against the tests that run its line.

It says which of them no test noticed, and ends with 1 where fewer than 85 in a hundred were noticed.

    python -m tests.mutants.walk                   25 minutes at most; run it again and it goes on where it was
    python -m tests.mutants.walk --only escalation     the drawn ones of the files with that in their path
    python -m tests.mutants.walk --again           try those again that survived
    python -m tests.mutants.walk --known           only with the tests whose lines are known already
    python -m tests.mutants.walk --as-it-was       go on with the code as the walk before took it

Which lines a test runs, and what came of each mutant, is kept in var/mutants under the hash of the code and the tests.
Once anything is changed all are tried anew; a test that noticed a mutant before is run first, so that is quick.

No library does this: mutmut 3 knows a mutant's tests by the function and not by the line, leaves out what stands at a
module's top, and draws nothing by a seed; Cosmic Ray runs one command for every mutant and knows no coverage.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.house.reading import ROOT, tracked
from tests.house.test_architecture import WITHOUT_A_NAMESAKE
from tests.mutants.making import Mutant, drawn, mutants, mutated

SEED = "2026"
COUNT = 300
WANTED = 0.85
MINUTES = 25.0
AT_ONCE = 2
BATCH = 16  # files of tests that are read in one go
BUDGET = 20.0  # seconds of the processor for the tests of one mutant; the nearest come first
PATIENCE = (
    20.0  # seconds that a test may take beyond ten times its own, before its mutant counts as one that never ends
)
KEPT = ROOT / "var" / "mutants"
TREE = KEPT / "tree"  # a copy of the code as it was when the walk began; somebody may go on working in the checkout
EQUIVALENT = Path(__file__).with_name("equivalent.tsv")
POLICY = ("case", "case_policy", "hours", "ladder", "noise")
FOLDERS = ("monitor/cases", "monitor/notify", "monitor/reports")
# The tests that are about these folders. Those of a network, of a form of settings, of a process run them by the way.
TESTS = """
alerts/test_case_policy.py alerts/test_hours.py alerts/test_ladder.py alerts/test_links.py alerts/test_noise.py
alerts/test_wording.py cases/*.py cli/test_cases.py cli/test_routes.py ingest/test_conversations.py
ingest/test_pipeline.py learning/test_feedback.py monitor/test_privacy.py notify/*.py people/*.py reports/*.py
service/test_scheduler.py service/test_watchdog.py settings/test_rules.py story/*.py web/test_api.py web/test_cases.py
web/test_digest_links.py web/test_metrics.py web/test_slack_press.py
"""
WARM = ("tests.story.world", "tests.helpers", "tests.world", "monitor.web.app")  # import whatever tests need
ALONE = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")  # a library's own threads do not live through a fork


@dataclass(frozen=True)
class Ran:
    """One test: how long it took, and which lines of which file it ran."""

    seconds: float
    lines: Mapping[str, frozenset[int]]


@dataclass
class Walked:
    """What came of each mutant, by its id, and how many were to be tried."""

    of: int
    tried: dict[str, dict[str, Any]] = field(default_factory=dict)

    def count(self, *outcomes: str) -> int:
        """How many ended so."""
        return sum(each["outcome"] in outcomes for each in self.tried.values())

    @property
    def share(self) -> float:
        """Noticed, of those that were tried; one that made a test run for ever was noticed."""
        return self.count("noticed", "stuck") / max(1, len(self.tried))


# -- what is drawn ----------------------------------------------------------------------------------------------------


def targets(root: Path = TREE) -> list[Path]:
    """The files that mutants are made of."""
    found = [path for folder in FOLDERS for path in sorted((root / folder).glob("*.py"))]
    return found + [root / "alerts" / f"{name}.py" for name in POLICY]


def equivalent() -> dict[str, str]:
    """Mutants that no test can notice, each with the reason: id, file, change, reason."""
    rows = [line.split("\t") for line in EQUIVALENT.read_text("utf-8").splitlines() if line and line[0] != "#"]
    return {row[0]: row[-1] for row in rows}


def the_draw() -> list[Mutant]:
    """The mutants of this tree."""
    found = [each for path in targets() for each in mutants(path.relative_to(TREE).as_posix(), path.read_text("utf-8"))]
    left_out = equivalent()
    return drawn([each for each in found if each.id not in left_out], COUNT, SEED)


# -- which tests run a line -------------------------------------------------------------------------------------------


def covering(mutant: Mutant, ran: Mapping[str, Ran], source: str) -> list[str]:
    """The tests that run a mutant's line, the nearest first: its file's own, its folder's, the quickest."""
    lines = set(range(mutant.line, mutant.end + 1))
    if mutant.within.startswith("<"):  # it ran when the module was imported; whoever reads the name can notice
        name = mutant.within.strip("<>").rpartition(".")[2]
        lines |= {number for number, text in enumerate(source.splitlines(), 1) if name in text}
    found = [test for test, each in ran.items() if lines & each.lines.get(mutant.path, frozenset())]
    if not found and mutant.within.startswith("<"):
        found = [test for test, each in ran.items() if mutant.path in each.lines]
    folder, stem = Path(mutant.path).parent.name, Path(mutant.path).stem
    own = WITHOUT_A_NAMESAKE.get(mutant.path, f"test_{stem}.py")

    def nearness(test: str) -> tuple[int, float]:
        file = test.partition("::")[0]
        far = 0 if file.endswith(own) else 1 if Path(file).parent.name == folder else 2
        return far, ran[test].seconds

    return sorted(found, key=nearness)


def within_budget(tests: Iterable[str], ran: Mapping[str, Ran]) -> list[str]:
    """As many of them as one mutant is given time for."""
    chosen: list[str] = []
    left = BUDGET
    for test in tests:
        left -= ran[test].seconds
        if left < 0 and chosen:
            break
        chosen.append(test)
    return chosen


def hash_of(paths: Iterable[Path]) -> str:
    """One hash of what stands in files."""
    total = hashlib.sha256()
    for path in sorted(paths):
        total.update(f"{path.relative_to(TREE)}\0".encode() + path.read_bytes() + b"\0")
    return total.hexdigest()[:16]


def snapshot(folder: Path, root: Path, files: Iterable[Path]) -> None:
    """Copy files of a tree, and nothing else is left in the folder."""
    shutil.rmtree(folder, ignore_errors=True)
    for path in files:
        to = folder / path.relative_to(root)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, to)


def lines(every: Sequence[Path], console: Console, *, read: bool = True) -> dict[str, Ran]:
    """What each test runs: kept for each file of tests as long as it, the code and the tests' helpers stay.

    Without `read` only what is kept already.
    """
    files = [
        path
        for path in every
        if path.name.startswith("test_") and any(path.match(f"tests/{pattern}") for pattern in TESTS.split())
    ]
    base = [path for path in every if path.suffix == ".py" and not path.name.startswith("test_")]
    common = hash_of(path for path in base if "mutants" not in path.parts[len(TREE.parts) :])
    folder = KEPT / "lines"
    places = {path: folder / f"{hash_of([path])}-{common}.json" for path in files}
    missing = [path for path, place in places.items() if not place.exists()]
    if not read:
        places, missing = {path: place for path, place in places.items() if place.exists()}, []
    if missing:
        console.print(f"reading which lines {len(missing)} files of tests run, a few minutes; it is kept file by file")
        folder.mkdir(parents=True, exist_ok=True)
    for some in (missing[start : start + BATCH] for start in range(0, len(missing), BATCH)):
        found = _collect(some)
        for path in some:
            name = path.relative_to(TREE).as_posix()
            own = {test: each for test, each in found.items() if test.partition("::")[0] == name}
            places[path].write_text(json.dumps(own))
    ran: dict[str, Ran] = {}
    for place in places.values():
        for test, each in json.loads(place.read_text()).items():
            if not each["fit"]:
                continue
            ran[test] = Ran(each["seconds"], {file: frozenset(of) for file, of in each["lines"].items()})
    return ran


def _collect(files: Sequence[Path]) -> dict[str, dict[str, Any]]:
    """Run files of tests once, and read what each test ran."""
    out = KEPT / "collecting"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    of = [path.relative_to(TREE).as_posix() for path in targets()]
    given = {"PYTHONPATH": str(TREE), "EARFUL_LINES": str(out), "EARFUL_LINES_OF": json.dumps(of)}
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", str(AT_ONCE), "-p", "tests.mutants.lines",
         "-k", "not postgresql", f"--basetemp={out / 'tmp'}", *map(str, files)],
        cwd=TREE, env={**os.environ, **given},
        stdout=(out / "log").open("w"), check=False, timeout=MINUTES * 60,
    )  # fmt: skip
    told = [json.loads(line) for file in out.glob("*.jsonl") for line in file.read_text().splitlines()]
    if not told:
        raise SystemExit(f"no test was run; {out / 'log'} says why")
    shutil.rmtree(out / "tmp", ignore_errors=True)
    return {each.pop("test"): each for each in told}


# -- trying them ------------------------------------------------------------------------------------------------------


class Seat:
    """A copy of the tree, and the process in it that tries mutants."""

    def __init__(self, folder: Path, root: Path, files: Iterable[Path], warm: Sequence[str]) -> None:
        self._folder = folder
        self._number = 0
        snapshot(folder, root, files)
        alone = {**os.environ, **dict.fromkeys(ALONE, "1"), "PYTHONPATH": str(folder)}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.mutants.seat", *warm],
            cwd=folder, env=alone, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def attempt(self, mutant: Mutant, tests: Sequence[str], ran: Mapping[str, Ran]) -> dict[str, Any]:
        """What comes of one mutant."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        file = self._folder / mutant.path
        source = file.read_text("utf-8")
        seconds = {test: PATIENCE + 10 * ran[test].seconds for test in tests}
        task = {"tests": seconds, "deadline": 60 + 5 * sum(ran[test].seconds for test in tests)}
        self._put(file, mutated(source, mutant))
        try:
            self._process.stdin.write(json.dumps(task) + "\n")
            self._process.stdin.flush()
            answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        finally:
            self._put(file, source)
        return answer

    def _put(self, file: Path, source: str) -> None:
        """Write a module with a time of its own, or Python would take the compiled one that stands beside it."""
        self._number += 1
        file.write_text(source, "utf-8")
        os.utime(file, (self._number, self._number))

    def close(self) -> None:
        """End the process; the copy goes."""
        self._process.terminate()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


def results(file: Path) -> dict[str, dict[str, Any]]:
    """What was written down, the last word on each mutant; a line that was being written is left out."""
    found: dict[str, dict[str, Any]] = {}
    for line in file.read_text("utf-8").splitlines() if file.exists() else ():
        try:
            said = json.loads(line)
            found[said["id"]] = said
        except (ValueError, KeyError, TypeError):
            continue
    return found


def walk(
    todo: Sequence[Mutant],
    files: Sequence[Path],
    ran: Mapping[str, Ran],
    until: float,
    kept: Path,
    *,
    partly: bool = False,
) -> Iterator[dict[str, Any]]:
    """Try mutants, two at once, and write each down in `kept`, until all are or the time is over.

    `partly`: the lines of some tests are not known, so that a survivor has still to be tried with them.
    """
    before = {id_: said["test"] for file in kept.parent.glob("*.jsonl") for id_, said in results(file).items()}
    seats: SimpleQueue[Seat] = SimpleQueue()
    made = [Seat(KEPT / f"seat-{number}", TREE, files, WARM) for number in range(min(AT_ONCE, len(todo)))]
    for seat in made:
        seats.put(seat)

    def one(mutant: Mutant) -> dict[str, Any] | None:
        if time.monotonic() > until:
            return None
        every = covering(mutant, ran, (TREE / mutant.path).read_text("utf-8"))
        chosen = within_budget(sorted(every, key=lambda test: test != before.get(mutant.id)), ran)
        said = {"outcome": "survived", "test": "", "seconds": 0.0}
        if chosen:
            seat = seats.get()
            try:
                said = seat.attempt(mutant, chosen, ran)
            finally:
                seats.put(seat)
        return {"id": mutant.id, **said, "tests": len(chosen), "of": len(every), "partly": partly}

    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        with kept.open("a", encoding="utf-8") as file:
            for said in pool.map(one, todo):
                if said is not None:
                    file.write(json.dumps(said) + "\n")
                    file.flush()
                    yield said
    finally:  # also when somebody presses Ctrl-C: what is under way is given up, and nothing else begins
        pool.shutdown(wait=False, cancel_futures=True)
        for seat in made:
            seat.close()
        pool.shutdown()


# -- by hand ----------------------------------------------------------------------------------------------------------


def survivors(chosen: Sequence[Mutant], walked: Walked) -> Table:
    """Each mutant that nothing noticed: where, what, by how many of how many tests."""
    table = Table("where", "in", "change", "tests", title="not noticed", title_justify="left")
    for mutant in sorted(chosen, key=lambda each: (each.path, each.line)):
        said = walked.tried.get(mutant.id)
        if said is not None and said["outcome"] not in {"noticed", "stuck"}:
            tests = f"{said['tests']} of {said['of']}" if said["outcome"] == "survived" else said["outcome"]
            table.add_row(f"{mutant.path}:{mutant.line}", f"{mutant.within} {mutant.id}", mutant.change, tests)
    return table


def stands(said: Mapping[str, Any], given: argparse.Namespace) -> bool:
    """Whether what was written down of a mutant is not to be tried again."""
    if said["outcome"] == "survived":
        return not given.again and (given.known or not said.get("partly", False))
    return bool(said["outcome"] != "error")


def main() -> None:
    """Walk, and say what was found."""
    parser = argparse.ArgumentParser(description="Make small faults, and see whether a test notices.")
    parser.add_argument("--only", default="", help="those of the files with this in their path")
    parser.add_argument("--again", action="store_true", help="try those again that survived")
    parser.add_argument("--as-it-was", action="store_true", help="go on with the copy of the walk before")
    parser.add_argument("--known", action="store_true", help="with the tests whose lines are known already")
    parser.add_argument("--minutes", type=float, default=MINUTES)
    given = parser.parse_args()
    until = time.monotonic() + given.minutes * 60
    os.nice(1)
    console = Console()
    if not given.as_it_was:
        snapshot(TREE, ROOT, tracked())
    files = sorted(path for path in TREE.rglob("*") if path.is_file() and path.suffix != ".pyc")
    ran = lines(files, console, read=not given.known)
    kept = KEPT / f"{hash_of(path for path in files if path.suffix in {'.py', '.html', '.txt'})}.jsonl"
    chosen = [each for each in the_draw() if given.only in each.path]
    walked = Walked(len(chosen))
    ids = {each.id for each in chosen}
    walked.tried = {id_: said for id_, said in results(kept).items() if id_ in ids and stands(said, given)}
    todo = [each for each in chosen if each.id not in walked.tried]
    columns = (
        TextColumn("mutants"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=len(chosen), completed=len(walked.tried))
        for said in walk(todo, files, ran, until, kept, partly=given.known):
            walked.tried[said["id"]] = said
            bar.update(task, advance=1, description=f"{walked.count('survived')} not noticed")
    console.print(survivors(chosen, walked))
    told = Counter(said["outcome"] for said in walked.tried.values())
    console.print(
        f"{len(walked.tried)} of {walked.of} tried: {told['noticed'] + told['stuck']} noticed "
        f"({told['stuck']} of them never ended), {told['survived']} not, {told['error']} errors: {walked.share:.0%}"
    )
    if len(walked.tried) < walked.of:
        console.print("The time is over; run it again and it goes on.")
    raise SystemExit(0 if walked.share >= WANTED and not told["error"] else 1)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit(130) from None  # what was tried is written down: the next walk goes on
