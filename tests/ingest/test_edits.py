"""Which words of an edited post are new."""

from __future__ import annotations

import pytest

from monitor.ingest.edits import words_added

BEFORE = "Bought a kettle today. It looks lovely!\nMore soon"


@pytest.mark.parametrize(
    ("after", "added"),
    [
        (BEFORE, ""),
        (BEFORE.upper(), ""),
        (BEFORE.replace("lovely", "lovley"), ""),
        ("It looks lovely! Bought a kettle today.", ""),
        ("", ""),
        (f"{BEFORE}\n\nEDIT: it leaks", "EDIT: it leaks"),
        (f"UPDATE: broken on day two. {BEFORE}", "UPDATE: broken on day two."),
        ("Sent it back. Where is my money?", "Sent it back.\nWhere is my money?"),
        ("ケトルを買った。水が漏れます。", "ケトルを買った。\n水が漏れます。"),
    ],
)
def test_only_new_sentences_are_new(after: str, added: str) -> None:
    assert words_added(BEFORE, after) == added


def test_a_text_of_any_length_is_compared_within_bounds() -> None:
    """A hundred sentences are compared with a hundred at most, and each by its beginning."""
    long = "\n".join(f"{number} {'word ' * 500}" for number in range(2_000))
    assert len(words_added("x" * 100_000, long).splitlines()) <= 100
