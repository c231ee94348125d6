"""One word of a lexicon in the many forms in which people write it."""

from __future__ import annotations

import pytest

from monitor.text.complaint_signals import tokens_of
from monitor.text.lexicon import feelings, words_of
from monitor.text.word_forms import FormRules, WordForms, rules_of


def odds(text: str, language: str) -> float:
    return feelings(tokens_of(text), language).odds


@pytest.mark.parametrize(
    ("language", "listed", "written"),
    [
        ("fr", "une arnaque", "l'arnaque"),
        ("it", "schifo", "schifooooo"),
        ("pt", "nojo", "nooojo"),
        ("es", "basura", "basuraaaa"),
        ("de", "super", "supeeeer"),
        ("hi", "bakwas", "bakwaaas"),
        ("hi", "ghatiya", "ghatiyaa"),
        ("hi", "zabardast", "jabardast"),
        ("hi", "घटिया", "घटियाँ"),
        ("ar", "زبالة", "زباله"),
        ("ar", "فاشل", "الفاشلين"),
        ("ar", "كذاب", "وكذابين"),
    ],
)
def test_a_word_is_felt_alike_in_all_its_forms(language: str, listed: str, written: str) -> None:
    assert odds(written, language) == odds(listed, language) != 0


@pytest.mark.parametrize(
    ("language", "word", "other"),
    [("hi", "sale", "saale"), ("it", "penna", "pena"), ("nl", "boom", "bom"), ("fr", "année", "ânes")],
)
def test_another_word_is_no_form_of_one_that_looks_alike(language: str, word: str, other: str) -> None:
    assert odds(word, language) == 0
    assert tokens_of(word) != tokens_of(other)


@pytest.mark.parametrize(
    ("language", "glad"),
    [("hi", "service accha hai"), ("hi", "सेवा अच्छी है"), ("de", "Das gefällt mir"), ("nl", "dat vind ik mooi")],
)
def test_a_negation_may_stand_behind_what_it_turns(language: str, glad: str) -> None:
    behind = {"hi": "nahi", "de": "nicht", "nl": "niet"}[language]
    words = glad.removesuffix(" hai").removesuffix(" है")
    assert odds(glad, language) < 0 < odds(f"{words} {behind}", language)


def test_a_negation_before_another_word_of_feeling_turns_that_one() -> None:
    both = odds("das ist wunderbar nicht hässlich", "de")
    assert both < 0


def test_a_word_that_is_known_as_it_is_written_stays_itself() -> None:
    known = {"arnaque", "larnaque", "belle"}
    forms = WordForms(FormRules(elided=("l",), endings=("s",), held="e"), known.__contains__, known)
    assert [forms.of[word] for word in ("larnaque", "arnaques", "belles", "bellle", "lion")] == [
        "larnaque", "arnaque", "belle", "bellle", "lion",
    ]  # fmt: skip


def test_letters_that_are_written_for_each_other_are_one_spelling() -> None:
    rules = rules_of({"alike": "aa a w v", "dropped": "h"})
    forms = WordForms(rules, {"bakvas"}.__contains__, ["bakvas"])
    assert {forms.of[word] for word in ("bakwas", "bakwaas", "bakwaash"[:-2] + "s", "bakvash")} == {"bakvas"}
    assert forms.of["bakra"] == "bakra"


def test_a_hostile_word_is_taken_apart_quickly_and_kept_by_nobody() -> None:
    forms = words_of("ar").forms
    long = "وال" * 4_000
    assert forms.of[long] == long
    assert long not in forms.of
