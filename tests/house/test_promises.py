"""What docs/guarantees.md and docs/operations.md say that Earful does: docs/promises.md names the test of each."""

from __future__ import annotations

import ast
import re
from functools import cache

from tests.house.reading import ROOT, between

PAGE = (ROOT / "docs/promises.md").read_text("utf-8")
TEST = re.compile(r"`([\w/]+\.py)::(\w+)`")
# What may stand between two things that are promised.
JOINS = re.compile(r"[\s,;:.]*")


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def entries(text: str) -> list[tuple[str, list[tuple[str, str]], bool]]:
    """(what is said, the tests that show it, whether it is advice), in the order of the page."""
    found = []
    for each in re.split(r"^- ", text, flags=re.MULTILINE)[1:]:
        said, *shown = each.split("\n  ")
        rest = "\n".join(shown)
        found.append((plain(said), TEST.findall(rest), "*advice*" in rest))
    return found


GUARANTEES = entries(between("docs/promises.md", "## guarantees.md", "## operations.md"))
OPERATIONS = PAGE[PAGE.index("## operations.md") :]


def test_every_word_that_is_promised_has_its_test_and_no_other_is_listed() -> None:
    promised = re.split(
        r"^\d+\. ", between("docs/guarantees.md", "# What", "It does **not** promise"), flags=re.MULTILINE
    )[1:]
    assert len(promised) == 14
    left = [plain(each) for each in promised]
    for said, tests, advice in GUARANTEES:
        assert tests, f"no test is named for: {said}"
        assert not advice, "a promise is no advice"
        (at,) = [number for number, text in enumerate(left) if said in text]
        left[at] = left[at].replace(said, "", 1)
    unshown = [text for text in left if not JOINS.fullmatch(text)]
    assert unshown == [], "name a test in docs/promises.md, or take it out of docs/guarantees.md"


def blocks(section: str) -> list[str]:
    """The paragraphs, rows of tables, items and commands of one section of operations.md."""
    found: list[str] = []
    for part in re.split(r"\n\s*\n", section.partition("\n")[2]):
        lines = [line for line in part.strip("\n").splitlines() if not line.startswith(("```", "<!--"))]
        if lines and lines[0].startswith("|"):
            found += [plain(line) for line in lines[2:]]
        elif lines and re.match(r"\d+\. |- ", lines[0]):
            found += [plain(each) for each in re.split(r"\n(?=\d+\. |- )", "\n".join(lines))]
        elif lines:
            found.append(plain("\n".join(lines)))
    return [each for each in found if each]


def test_every_paragraph_row_and_command_of_operations_has_its_test_or_is_advice() -> None:
    sections = dict(re.findall(r"^### (.*)\n((?:(?!^### ).*\n)*)", OPERATIONS + "\n", re.MULTILINE))
    page = re.split(r"^##? ", (ROOT / "docs/operations.md").read_text("utf-8"), flags=re.MULTILINE)[1:]
    assert list(sections) == [each.partition("\n")[0] for each in page]
    for section in page:
        head = section.partition("\n")[0]
        there = blocks(section)
        said = entries(sections[head])
        assert [one for one, tests, advice in said if bool(tests) == advice] == [], "name a test, or say *advice*"
        gone = [one for one, _, _ in said if not any(one in each for each in there)]
        assert gone == [], f"{head}: these words are not in docs/operations.md any more"
        untold = [each for each in there if not any(one in each for one, _, _ in said)]
        assert untold == [], f"{head}: name a test in docs/promises.md, or take it out"


@cache
def functions_of(file: str) -> frozenset[str]:
    path = ROOT / "tests" / file
    if not path.is_file():
        return frozenset()
    found = ast.parse(path.read_text("utf-8"))
    return frozenset(node.name for node in ast.walk(found) if isinstance(node, ast.FunctionDef))


def test_every_test_that_is_named_exists() -> None:
    named = TEST.findall(PAGE)
    assert len(named) > 120
    assert [f"{file}::{name}" for file, name in named if name not in functions_of(file)] == []
