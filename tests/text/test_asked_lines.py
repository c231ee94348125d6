"""What is asked is heard in every language that has cues, whatever thanks are around it; so are Arabic and Hindi."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks.labelled import table
from connectors import Post
from monitor.text.complaint_signals import HEARD, LANGUAGES, cues_for, signals_of, tokens_of
from monitor.text.features import BrandProfile
from monitor.text.judge import Judge
from monitor.types import Verdict

JUDGE = Judge([BrandProfile("Acme", ("Acme",), competitors=("Globex",))])
LINES = table(Path(__file__).parent / "asked_lines.tsv")


def judged(text: str, language: str) -> Verdict:
    moment = datetime(2026, 11, 22, 8, tzinfo=UTC)
    return JUDGE.verdict(Post("x", "1", "", "somebody", text, moment, lang=language), "Acme")


def held(becomes: str, found: Verdict) -> bool:
    return {
        "heard": found.lane != "none" and not found.praise,
        "ping": found.lane == "ping",
        "calm": found.lane == "none" or found.praise,
        "praise": found.praise or found.lane == "none",
    }[becomes]


def test_lines_of_every_language_become_what_they_are() -> None:
    right: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for line in LINES:
        right[line["language"], line["becomes"]].append(held(line["becomes"], judged(line["text"], line["language"])))
    assert {language for language, _ in right} == set(HEARD)
    for what, each in right.items():
        assert sum(each) >= 0.85 * len(each) or len(each) - sum(each) == 1, what


@pytest.mark.parametrize("line", [line for line in LINES if line["becomes"] == "heard"], ids=lambda line: line["text"])
def test_what_is_asked_is_never_praise(line: dict[str, str]) -> None:
    assert not judged(line["text"], line["language"]).praise


def test_letters_of_arabic_and_hindi_make_whole_words_however_they_are_written() -> None:
    assert tokens_of("رُدّوا عليّا، أُريد إلى؟") == ["ردوا", "عليا", "اريد", "الي", "?"]
    assert tokens_of("मेरा ऑर्डर कहाँ है।") == ["मेरा", "ऑर्डर", "कहाँ", "है", "."]


@pytest.mark.parametrize(
    ("language", "text"), [("ar", "ما وصل طلبي وما أحد يرد"), ("hi", "मेरा ऑर्डर नहीं आया और कोई जवाब नहीं")]
)
def test_arabic_and_hindi_have_cues_and_kinds_with_english_names(language: str, text: str) -> None:
    values = signals_of(text, cues_for(language)).values
    assert {"not_arrived", "nobody_answers"} <= set(values)


def test_a_language_without_cues_is_shown_and_not_judged() -> None:
    found = judged("Zamówienie nie dotarło i nikt nie odpowiada", "pl")
    assert found.lane == "sweep"
    assert "not read here (pl)" in " ".join(found.reasons)
    assert set(LANGUAGES) < set(HEARD)
