"""Whether an outcome held: what somebody says first once their case was closed, better or not."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.cases.actions import say
from monitor.store import case_log, cases
from monitor.store.sqlite import Sqlite
from tests.helpers import AGAIN, ANGRY, HOUR, NOW, THANKS, assembly_of, post, settings_from, take


@pytest.mark.parametrize(
    ("before", "words", "better"),
    [
        (-0.9, THANKS, True),
        (0.99, THANKS, False),  # calm, and yet less kind than before
        (-1.0, AGAIN, False),  # less angry, and yet there is something to answer again
    ],
)
def test_next_words_are_better_only_if_kinder_and_with_nothing_to_answer(
    sqlite: Sqlite, tmp_path: Path, before: float, words: str, better: bool
) -> None:
    acme = assembly_of(sqlite, settings_from(tmp_path))
    (opened,) = take(acme, post(ANGRY, at=NOW))
    say(sqlite, acme.rules, opened, "close", who="Ana", way="page", now=NOW + HOUR, detail={"outcome": "solved"})
    with sqlite.transaction():
        cases.change(sqlite, opened, worst=before)
    for n in range(2):  # only their first words count
        take(acme, post(words, at=NOW + (2 + n) * HOUR, thread_id=f"t{n}"), now=NOW + (2 + n) * HOUR)
    said = [line.detail["better"] for line in case_log.of_case(sqlite, opened) if line.what == "next words"]
    assert said == [better]
