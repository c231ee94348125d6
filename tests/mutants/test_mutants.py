"""The machinery of `make mutants`: what it makes, what it leaves alone, and what it tells apart."""

from __future__ import annotations

import ast
import json
import time
from argparse import Namespace
from pathlib import Path

import pytest

from tests.house.reading import ROOT
from tests.mutants import walk as walking
from tests.mutants.making import drawn, mutants, mutated
from tests.mutants.walk import (
    PATIENCE,
    Ran,
    Seat,
    Walked,
    covering,
    equivalent,
    results,
    stands,
    targets,
    within_budget,
)

SOURCE = '''
"""Says 5 things."""
LIMIT: Literal[3] = 3

@dataclass(frozen=True)
class Line:
    """A line."""
    most: int = 7

def late(case, now: Annotated[int, 9] = 0) -> Literal[9]:
    """Whether it is late by 2."""
    log.info("case %s is late by %d", case.id, 12)
    told(case)
    if case.owner and not case.quiet:
        return f"{case.id + 1} is late"
    if now - case.due > LIMIT:
        raise ValueError(f"no {now}", 44)
    return "a" + case.words
'''


def changes(source: str = SOURCE) -> set[str]:
    return {each.change for each in mutants("a.py", source)}


def test_comparisons_numbers_words_of_logic_arithmetic_returns_and_calls_are_changed() -> None:
    assert {
        "3 -> 4",
        "7 -> 8",
        "0 -> 1",
        "told(case) -> pass",
        "case.owner and (not case.quiet) -> case.owner or not case.quiet",
        "not case.quiet -> case.quiet",
        "now - case.due > LIMIT -> now - case.due >= LIMIT",
        "now - case.due > LIMIT -> now - case.due <= LIMIT",
        "now - case.due -> now + case.due",
        "return 'a' + case.words -> return None",
    } <= changes()


def test_texts_types_decorators_and_what_is_logged_are_never_touched() -> None:
    touched = {each.partition(" -> ")[0] for each in changes()}
    assert not touched & {"9", "12", "44", "True", "1", "case.id + 1", "log.info('case %s is late by %d', case.id, 12)"}
    assert "'a' + case.words -> 'a' - case.words" not in changes()
    strings = [node.value for node in ast.walk(ast.parse(SOURCE)) if isinstance(node, ast.Constant)]
    kept = [each for each in strings if isinstance(each, str)]
    for each in mutants("a.py", SOURCE):
        if "return" not in each.change and "pass" not in each.change:
            tree = ast.walk(ast.parse(mutated(SOURCE, each)))
            now = [node.value for node in tree if isinstance(node, ast.Constant) and isinstance(node.value, str)]
            assert now == kept, each.change


def test_every_mutant_of_every_file_is_one_module_that_is_not_the_same() -> None:
    path = ROOT / "alerts/noise.py"
    source = path.read_text("utf-8")
    found = mutants("alerts/noise.py", source)
    whole = ast.unparse(ast.parse(source))
    assert len(found) > 40
    assert all(mutated(source, each).strip() not in {whole, ""} for each in found)
    assert len({each.id for each in found}) == len(found)


def test_a_draw_is_the_same_for_one_seed_and_hardly_changes_with_other_lines() -> None:
    found = mutants("a.py", SOURCE)
    assert drawn(found, 5, "x") == drawn(found[::-1], 5, "x")
    assert drawn(found, 5, "x") != drawn(found, 5, "y")
    lower = mutants("a.py", SOURCE.replace('"""Says', "import os\n" + '"""Says'))
    assert [each.id for each in drawn(lower, 5, "x")] == [each.id for each in drawn(found, 5, "x")]


def test_the_tests_that_run_the_line_are_run_and_the_nearest_first() -> None:
    of = "monitor/cases/late.py"
    mutant = next(each for each in mutants(of, SOURCE) if each.change == "not case.quiet -> case.quiet")
    line = frozenset({mutant.line})
    ran = {
        "tests/web/test_page.py::test_a": Ran(0.1, {of: line}),
        "tests/cases/test_other.py::test_b": Ran(2.0, {of: line}),
        "tests/cases/test_late.py::test_c": Ran(30.0, {of: line}),
        "tests/cases/test_late.py::test_d": Ran(1.0, {of: frozenset({mutant.line + 1})}),
    }
    found = covering(mutant, ran, SOURCE)
    assert [test[-1] for test in found] == ["c", "b", "a"]
    assert [test[-1] for test in within_budget(found, {**ran, found[1]: Ran(50.0, {})})] == ["c"]
    grouping = next(iter(mutants("monitor/cases/grouping.py", "def f(x):\n    return x\n")))
    ran = {
        "tests/cases/test_escalation.py::test_f": Ran(0.1, {grouping.path: frozenset({2})}),
        "tests/ingest/test_pipeline.py::test_g": Ran(9.0, {grouping.path: frozenset({2})}),
    }
    assert [test[-1] for test in covering(grouping, ran, "")] == ["g", "f"], "the file that the house tests name for it"
    limit = next(each for each in mutants(of, SOURCE) if each.change == "3 -> 4")
    reads = next(number for number, text in enumerate(SOURCE.splitlines(), 1) if "> LIMIT" in text)
    assert covering(limit, {"tests/x.py::e": Ran(1.0, {of: frozenset({reads})})}, SOURCE) == ["tests/x.py::e"]


SMALL = {
    "small.py": """
def down(n):
    while n > 0:
        n = n - 1
    return n

def unseen(n):
    return n < 3
""",
    "tests/test_small.py": """
from small import down, unseen

def test_down():
    assert down(2) == 0
    unseen(1)
""",
}


def test_what_is_noticed_what_is_not_and_what_never_ends(tmp_path: Path) -> None:
    """Mutants of a small package, in a seat of their own, as the walk tries them."""
    ours = {name: (ROOT / name).read_text("utf-8") for name in ("tests/mutants/__init__.py", "tests/mutants/seat.py")}
    for name, text in {"tests/__init__.py": "", **ours, **SMALL}.items():
        (tmp_path / "here" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "here" / name).write_text(text, "utf-8")
    by_change = {each.change: each for each in mutants("small.py", SMALL["small.py"])}
    test = "tests/test_small.py::test_down"
    ran = {test: Ran((1 - PATIENCE) / 10, {})}  # one second is its deadline
    expected = {
        "n > 0 -> n >= 0": "noticed",
        "n < 3 -> n >= 3": "survived",
        "n - 1 -> n + 1": "stuck",
        "return n -> return None": "noticed",
    }
    seat = Seat(tmp_path / "seat", tmp_path / "here", (tmp_path / "here").rglob("*.py"), ["json"])
    try:
        assert {each: seat.attempt(by_change[each], [test], ran)["outcome"] for each in expected} == expected
        assert (
            seat.attempt(by_change["return n -> return None"], [f"{test}_gone"], {f"{test}_gone": ran[test]})["outcome"]
            == "error"
        ), "what runs no test has shown nothing"
    finally:
        seat.close()
    assert (tmp_path / "here/small.py").read_text("utf-8") == SMALL["small.py"]


def test_a_walk_that_was_ended_goes_on_and_a_cut_line_is_no_result(tmp_path: Path) -> None:
    file = tmp_path / "kept.jsonl"
    first = {"id": "a", "outcome": "survived", "test": "", "seconds": 1.0}
    file.write_text("\n".join(map(json.dumps, [first, {**first, "outcome": "noticed"}])) + '\n{"id": "b", "outc')
    assert {id_: said["outcome"] for id_, said in results(file).items()} == {"a": "noticed"}
    assert list(walking.walk([], [], {}, time.monotonic(), file)) == []


def test_what_never_ended_counts_as_noticed_and_an_error_as_nothing() -> None:
    walked = Walked(4, {str(number): {"outcome": what} for number, what in enumerate(("noticed", "stuck", "survived"))})
    assert walked.share == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("outcome", "partly", "options", "stays"),
    [
        ("noticed", True, {}, True),
        ("stuck", False, {"again": True}, True),
        ("error", False, {}, False),
        ("survived", False, {}, True),
        ("survived", False, {"again": True}, False),
        ("survived", True, {}, False),
        ("survived", True, {"known": True}, True),
    ],
)
def test_what_survived_a_part_of_the_tests_is_tried_again_with_all_of_them(
    outcome: str, partly: bool, options: dict[str, bool], stays: bool
) -> None:
    given = Namespace(**{"again": False, "known": False, **options})
    assert stands({"outcome": outcome, "partly": partly}, given) is stays


def test_each_equivalent_mutant_still_exists_and_has_its_reason() -> None:
    every = {
        each.id
        for path in targets(ROOT)
        for each in mutants(path.relative_to(ROOT).as_posix(), path.read_text("utf-8"))
    }
    listed = equivalent()
    assert sorted(set(listed) - every) == []
    assert all(len(reason) > 20 for reason in listed.values())
