"""Text made safe to store, to score, to compare and to show on one line."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.text import clean
from monitor.text.normalize import MARKS, fold, for_scoring, has_run, safe_line, windows

ANY = st.text(alphabet=st.characters(), max_size=200)  # lone surrogates and controls among them
BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("plain", "plain"),
        ("a\x00b\x1b[31mc\x7f\x9b", "ab[31mc"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("one\r\ntwo\rthree\u2028four\u2029five\x85six", "one\ntwo\nthree\nfour\nfive\nsix"),
        ("lone \ud83d half", "lone \ufffd half"),
        ("\ud83d\ude00", "😀"),
        ("e\u0301", "é"),
        ("e\x00\u0301", "é"),
    ],
)
def test_what_is_stored_has_no_controls_no_surrogates_and_is_composed(text: str, stored: str) -> None:
    assert clean(text) == stored


@given(ANY)
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert not any(unicodedata.category(letter) in ("Cs", "Cc") and letter not in "\t\n" for letter in once)
    once.encode("utf-8")  # whatever is stored can be written


def test_thousands_of_accents_on_one_letter_become_thirty() -> None:
    assert len(clean("a" + "\u0323\u0301" * 50_000)) <= 31


def test_every_combining_mark_that_python_knows_is_cut() -> None:
    """Marks that the table lacked would make normalising quadratic again."""
    known = re.compile(f"[{MARKS}]")
    for code in range(0x300, 0x10000):
        if unicodedata.combining(chr(code)):
            assert known.match(chr(code)), hex(code)
    for code in range(0x10000, 0x110000):
        if unicodedata.combining(chr(code)):
            assert len(clean("a" + chr(code) * 40)) <= 31, hex(code)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("ACME", "acme"),
        ("ＡＣＭＥ", "acme"),
        ("Ac\u200b\u2060me", "acme"),
        ("acmé", "acme"),
        ("Аcme", "acme"),  # Cyrillic first letter
        ("ΑCME", "acme"),  # Greek first letter
        ("𝐀𝐜𝐦𝐞", "acme"),
        ("ⓐcme", "acme"),
        ("acme’s", "acme's"),
        ("Straße", "strasse"),
        ("İstanbul", "istanbul"),
        ("Ørsted", "orsted"),
        ("Мосты", "мосты"),  # a Russian word stays itself
        ("Ελλάδα", "ελλαδα"),
    ],
)
def test_what_looks_the_same_compares_the_same(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(ANY)
def test_folding_raises_nothing_and_ends(text: str) -> None:
    assert fold(fold(text)) == fold(fold(fold(text)))


@pytest.mark.parametrize(
    ("text", "scored"),
    [
        ("isn’t “good”", 'isn\'t "good"'),
        ("@acme_help @a@b.social no", "no"),
        ("see https://acme.example/a?b#c and www.acme.example now", "see and now"),
        ("mail bob@acme.example", "mail bob@acme.example"),
        ("#AcmeFail #fail #ACMEFail #never_again", "Acme Fail fail ACME Fail never again"),
        ("bad &amp; sad &#39;ok&#39;", "bad & sad 'ok'"),
        ("soooooo baaaad", "sooo baaad"),
        ("no!!!!!!", "no!!!!!!"),
        ("😡😡😡😡😡😡", "😡 😡 😡"),
        ("bad😡bad", "bad 😡 bad"),
        ("I ❤\ufe0f it", "I ❤ it"),
        ("👍🏽👍🏿", "👍 👍"),
        ("ho\u200brr\u00adible", "horrible"),
        ("slow...terrible,really", "slow... terrible, really"),
        ("great—until now", "great - until now"),
        ("ｂａｄ", "bad"),
        ("ѕcаm", "scam"),
    ],
)
def test_what_is_scored_is_what_is_said(text: str, scored: str) -> None:
    assert " ".join(for_scoring(text).split()) == scored


@given(ANY)
def test_nothing_makes_the_scoring_copy_fail(text: str) -> None:
    assert isinstance(for_scoring(text), str)


def test_of_a_huge_text_only_windows_are_prepared() -> None:
    assert len(for_scoring("word " * 100_000)) < 7_000


@given(st.text(alphabet="ab \n", max_size=3_000), st.integers(50, 200), st.integers(1, 6))
def test_windows_are_bounded_and_keep_whole_words(text: str, size: int, most: int) -> None:
    pieces = windows(text, size, most)
    assert 1 <= len(pieces) <= most
    assert all(len(piece) <= size for piece in pieces)
    assert all(piece in text for piece in pieces)
    if len(text) <= size:
        assert pieces == (text,)


def test_windows_show_the_beginning_and_the_end() -> None:
    text = "first " + "middle " * 5_000 + "last"
    pieces = windows(text)
    assert len(pieces) == 6
    assert pieces[0].startswith("first")
    assert pieces[-1].endswith("last")
    assert all(word in ("first", "middle", "last") for piece in pieces for word in piece.split())


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("  two   blanks ", "two blanks"),
        ("title\r\nBcc: x@example.org", "title Bcc: x@example.org"),
        ("a\u2028b\x85c\td", "a b c d"),
        ("\x1b]0;owned\x07bell", "bell"),
        ("gpj.\u202eexe", "gpj.exe"),
        ("\u2066left\u2069", "left"),
        ("👩\u200d🚀 flies", "👩\u200d🚀 flies"),
    ],
)
def test_one_line_holds_no_controls_and_no_direction_marks(text: str, line: str) -> None:
    assert safe_line(text) == line


@given(ANY)
def test_whatever_comes_one_line_is_safe_and_cleaning_it_again_changes_nothing(text: str) -> None:
    line = safe_line(text)
    assert len(line.splitlines()) <= 1
    assert BIDI.search(line) is None
    assert not any(unicodedata.category(letter) in ("Cc", "Cs") for letter in line)
    assert safe_line(line) == line


@given(st.text(alphabet="aab\0 é日\ud800😀", max_size=12), st.integers(min_value=2, max_value=5))
def test_a_run_of_one_character_is_never_missed(text: str, length: int) -> None:
    """It may see one where there is none; in plain letters it sees only what is there."""
    stands = any(text[at] * length == text[at : at + length] for at in range(len(text)))
    assert has_run(text, length) or not stands
    if text.isascii() and "\0" not in text:
        assert has_run(text, length) == stands


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("late,again...and rude!no", "late, again... and rude! no"),
        ("late,,;again", "late,,; again"),
        ("Late.Again 3,5 OK,bye", "Late.Again 3,5 OK,bye"),
        ("nooooooo", "nooo"),
        ("nooooooo é", "nooo é"),
    ],
)
def test_glued_words_come_apart_and_stretched_ones_shrink(text: str, prepared: str) -> None:
    assert for_scoring(text) == prepared
