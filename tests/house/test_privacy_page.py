"""What docs/privacy.md has people write down is what the code keeps, and for as long as it does."""

from __future__ import annotations

import re

import connectors
from monitor.settings.models import Earful
from monitor.store.columns import TABLES
from tests.house.reading import ROOT, between

PAGE = (ROOT / "docs/privacy.md").read_text("utf-8")
RECORD = between("docs/privacy.md", "What is kept, where", "Recipients:")


def rows() -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in RECORD.splitlines() if "| `" in line]


def kept_of(table: str) -> str:
    (found,) = [row[2] for row in rows() if f"`{table}`" in row[1]]
    return found


def test_every_table_that_speaks_of_somebody_is_in_the_record() -> None:
    speaks = {name for name, held in TABLES.items() if held.personal or held.staff}
    named = {name for row in rows() for name in re.findall(r"`(\w+)`", row[1])}
    assert speaks - named == set()
    assert named - set(TABLES) == set(), "tables that are not there"


def test_the_spans_are_those_that_ship() -> None:
    earful = Earful()
    days = {"all": earful.retention.days, "x": connectors.RETENTION["x"].days, "audit": earful.audit_retention.days}
    assert f"{days['all']} days, {days['x']} days for X" in kept_of("posts")
    assert f"[{days['all']} days; posts of X {days['x']} days]" in PAGE
    assert kept_of("audit") == f"`audit_retention`: {days['audit']} days"
    assert TABLES["presses"].kept.startswith("30 days")
    assert kept_of("presses").startswith("30 days")


def test_the_four_pages_are_there() -> None:
    heads = re.findall(r"^## \d\. (.*)$", PAGE, re.MULTILINE)
    assert [head.split(" (")[0] for head in heads[:4]] == [
        "Record of processing", "Data protection assessment", "A page for a works council",
        "A notice for your own site",
    ]  # fmt: skip
