"""Which of many words stand in a text: the automaton, and looking one by one, give the same answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import words
from connectors.words import FEW, Words

_letters = st.text(alphabet="abé日\U0001f525 '", max_size=5)
_some = st.lists(_letters, max_size=3 * FEW)


@given(_some, st.text(alphabet="abé日\U0001f525 '", max_size=60))
def test_every_word_that_stands_in_a_text_is_found_also_inside_others(some: list[str], text: str) -> None:
    looked = Words(some)
    assert {looked.words[number] for number in looked.numbers(text)} == {word for word in some if word and word in text}
    assert looked.any_in(text) is any(word in text for word in some if word)


def test_halves_of_surrogate_pairs_are_no_reason_to_fail() -> None:
    many = [f"word{number}" for number in range(FEW + 1)]
    assert Words(many).numbers("\ud800 word3") == {3}
    assert Words([*many, "\ud800"]).numbers("\ud800 word3") == {3, FEW + 1}


def test_without_the_library_the_answers_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    many = [f"word{number}" for number in range(40)]
    quick = Words(many)
    monkeypatch.setattr(words, "ahocorasick_rs", None)
    slow = Words(many)
    assert quick.numbers("word3 word39") == slow.numbers("word3 word39") == {3, 39}
    assert quick.any_in("word3") is slow.any_in("word3") is True
