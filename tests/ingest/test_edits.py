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
    """Fifty sentences are compared with fifty at most, and each by its beginning."""
    before, after = ("\n".join(f"{word}{number} {word * 500}" for number in range(2_000)) for word in ("ab ", "ba "))
    assert len(words_added(before, after).splitlines()) <= 50
