"""An alert in the fewest words."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts import Alert, Entry, Line, wording
from tests.alerts.hostile import HOSTILE

ENTRY = Entry(
    case_id="12",
    headline="@customer on X, third time in 30 days · posted 14:02",
    excerpt="Charged twice again, cancelling if nobody replies",
    facts=("says: cancelling", "3 Nov never answered"),
    url="https://social.example/1",
)


def test_a_case_is_told_in_three_lines() -> None:
    assert wording.entry_lines(ENTRY) == (
        "@customer on X, third time in 30 days · posted 14:02",
        '"Charged twice again, cancelling if nobody replies"',
        "says: cancelling · 3 Nov never answered",
    )


FAMILY, FLAG, THUMB = "👩\u200d👩\u200d👧", "🇩🇪", "👍🏽"


@pytest.mark.parametrize(
    ("text", "width", "cut"),
    [
        (f"hurra{FLAG}{FLAG}{FLAG}", 9, f"hurra{FLAG}…"),
        (f"hurra{FLAG}{FLAG}{FLAG}", 8, f"hurra{FLAG}…"),
        (f"hurra{FLAG}{FLAG}{FLAG}", 7, "hurra…"),
        (f"wir{FAMILY}{FAMILY}", 7, "wir…"),
        (f"wir{FAMILY}{FAMILY}", 9, f"wir{FAMILY}…"),
        (f"ja{THUMB}{THUMB}", 4, "ja…"),
        ("x" * 5 + "e\u0301" * 4, 7, "x" * 5 + "…"),
        ("नमस्ते" * 3, 6, "नमस्…"),
        (f"{FLAG}{FLAG}", 2, "…"),
    ],
)
def test_an_excerpt_takes_no_sign_apart(text: str, width: int, cut: str) -> None:
    assert wording.excerpt(text, width) == cut


@pytest.mark.parametrize(
    ("text", "width", "cut"),
    [
        ("short enough", 20, "short enough"),
        ("Charged twice again, cancelling", 24, "Charged twice again…"),
        ("unbreakableunbreakable", 10, "unbreakab…"),
        ("中文中文中文中文", 5, "中文中文…"),
        ("two  spaces\nand a line", 50, "two spaces and a line"),
        ("anything", 0, ""),
        ("", 10, ""),
    ],
)
def test_an_excerpt_is_cut_at_a_word_with_a_mark(text: str, width: int, cut: str) -> None:
    assert wording.excerpt(text, width) == cut


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (timedelta(seconds=-5), "less than a minute"),
        (timedelta(seconds=59), "less than a minute"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(minutes=39), "39 minutes"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(hours=2, minutes=10), "2 h 10"),
        (timedelta(hours=2, minutes=5), "2 h 05"),
        (timedelta(hours=24), "1 day"),
        (timedelta(days=3, hours=4, minutes=50), "3 days 4 h"),
    ],
)
def test_a_span_is_said_as_people_say_it(span: timedelta, said: str) -> None:
    assert wording.span_words(span) == said


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 replies"), (1, "1 reply"), (2, "2 replies"), (1204, "1,204 replies")]
)
def test_numbers_bring_their_plural(number: int, said: str) -> None:
    assert wording.count_words(number, "reply", "replies") == said


@pytest.mark.parametrize(
    ("given", "clean"),
    [
        ("a\x00b", "ab"),
        ("a\u2028b\u2029c\x85d", "a b c d"),
        ("\ud83d", "\ufffd"),
        ("\x1b[31mred\x1b[0m \x1b]0;title\x07", "red"),
        ("\u202eevil\u202c", "evil"),
        ("👨\u200d👩\u200d👧 می\u200cخواهم", "👨\u200d👩\u200d👧 می\u200cخواهم"),
        ("Tiếng Việt", "Tiếng Việt"),
        ("Z" + "\u0351" * 50, "Z" + "\u0351" * 3),
    ],
)
def test_a_line_is_cleaned_of_what_nobody_sees_or_wants(given: str, clean: str) -> None:
    assert wording.clean_line(given) == clean


@given(st.one_of(st.text(st.characters()), st.sampled_from(HOSTILE)), st.integers(0, 400))
def test_whatever_is_given_one_printable_line_of_that_width_comes_out(text: str, width: int) -> None:
    line = wording.excerpt(text, width)
    assert len(line) <= width
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]", line)
    assert wording.excerpt(line, width) == line


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("https://a.example/x?y=1&z=2#f", "https://a.example/x?y=1&z=2#f"),
        ("HTTP://a.example", "HTTP://a.example"),
        ("javascript:alert(1)", ""),
        ("https://", ""),
        ("//a.example", ""),
        ("https://a.example/<b>|x", "https://a.example/%3Cb%3E%7Cx"),
        ("https://a.example/a b", "https://a.example/a%20b"),
        ("https://a.example/" + "x" * 5_000, ""),
        ("", ""),
    ],
)
def test_only_addresses_of_the_web_are_links(given: str, shown: str) -> None:
    assert wording.link(given) == shown


def test_right_to_left_words_do_not_reorder_ours() -> None:
    assert wording.quoted("שלום", 50) == '"\u2068שלום\u2069"'


def test_the_rest_is_counted() -> None:
    alert = Alert(
        "k", "r", "43 people", (ENTRY,) * 2, more=41, also=(Line("@third: torn"), Line(""), Line("@fourth: torn"))
    )
    lines = wording.alert_lines(alert)
    assert lines[0] == "43 people"
    assert lines[-3:] == ["@third: torn", "@fourth: torn", "and 39 more"]


@pytest.mark.parametrize(
    ("what", "remedy", "said"),
    [
        ("no acme.example (DNS)", "check its name (DNS).", "no acme.example (DNS). Check its name (DNS)."),
        ("Slack: is_archived.", "`name` another one", "Slack: is_archived. `name` another one"),
        ("X has an internal error (503)", "", "X has an internal error (503)"),
    ],
)
def test_what_to_do_is_a_sentence_of_its_own(what: str, remedy: str, said: str) -> None:
    assert wording.with_remedy(what, remedy) == said


def test_one_case_needs_no_title_on_a_lock_screen() -> None:
    alone = Alert("k", "r", "Harbour Tea", (ENTRY,))
    assert wording.summary(alone).startswith("@customer on X")
    assert wording.summary(Alert("k", "r", "43 people", (ENTRY,), more=42)) == "43 people"
    assert wording.title(Alert("k", "r", "", ())) == "Earful"


LONG = "Hello dear team. I have been a customer of yours for eleven years now, and I am fond of your shop in Leith. "


def test_what_is_cut_keeps_the_words_that_decided() -> None:
    words = LONG + "Today you charged me twice. Please look into it, I would be glad to hear from you soon."
    assert (
        wording.around(words, ("charged me twice",), 60) == "…Today you charged me twice. Please look into it, I would…"
    )
    assert wording.around(words, ("customer",), 60) == wording.excerpt(words, 60)
    assert wording.around(words, ("refund",), 60) == wording.excerpt(words, 60)
    assert wording.around("Short, charged twice", ("charged twice",), 60) == "Short, charged twice"
    endless = "and then " * 40 + "my card was charged twice and nobody cares"
    assert "charged twice" in wording.around(endless, ("charged twice",), 60)


def test_what_is_cut_is_never_longer_than_asked() -> None:
    for width in range(1, 140):
        assert len(wording.around(LONG * 3 + "charged twice", ("charged twice",), width)) <= width


def test_a_line_of_a_list_carries_its_link_to_where_only_text_is_shown() -> None:
    also = (Line("#3 @third: torn", "https://far.example/3", "https://earful.example/cases/3", "3"), Line("#4 @fourth"))
    lines = wording.alert_lines(Alert("k", "r", "4 cases", (ENTRY,) * 2, more=2, also=also))
    assert "#3 @third: torn https://far.example/3" in lines
    assert "#4 @fourth" in lines
