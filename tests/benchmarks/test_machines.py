"""What docs/scale.md says of several judges is what the command prints, and what follows from it."""

from __future__ import annotations

import json
import re
from typing import Any

from benchmarks.machines import JUDGES, compared, limit, planned, texts
from tests.house.reading import ROOT

PAGE = (ROOT / "docs/scale.md").read_text("utf-8")
FIGURES: dict[str, Any] = json.loads(PAGE[PAGE.index("```json") + 7 : PAGE.rindex("```")])


def rows(columns: int) -> list[list[float]]:
    """The rows of the page's tables that hold so many figures and nothing else."""
    found = []
    for line in re.findall(r"^\| (\d.*) \|$", PAGE, re.MULTILINE):
        cells = [re.sub(r"[^\d.]", "", cell) for cell in line.split(" | ")]
        if len(cells) == columns:
            found.append([float(cell) for cell in cells])
    return found


def test_the_table_of_judges_is_what_the_command_printed() -> None:
    printed = [
        [
            number,
            FIGURES[f"judges_{number}"]["judge_cpu_us_per_post"],
            FIGURES[f"judges_{number}"]["postgresql_cpu_us_per_post"],
            round(100 * FIGURES[f"judges_{number}"]["lock_wait_share"], 1),
            FIGURES[f"judges_{number}"]["posts_per_second"],
        ]
        for number in JUDGES
    ]
    assert rows(5) == printed
    assert {name: FIGURES[name] for name in compared(FIGURES)} == compared(FIGURES)


def test_what_more_cores_would_do_follows_from_it() -> None:
    shown = {int(cores): (judges, posts) for cores, judges, posts in rows(3)}
    assert list(shown) == [4, 8, 16]
    for cores, (judges, posts) in shown.items():
        number, stored = planned(FIGURES, cores)
        assert (number, round(stored, -1)) == (judges, posts)
    assert f"With {limit(FIGURES)} judges the database is the limit" in PAGE


def test_its_complaints_have_few_words_in_common() -> None:
    found = list(texts(200))
    assert len(set(found)) == 200
    assert 10 <= sum(len(text.split()) > 20 for text in found) <= 60
