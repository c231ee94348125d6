"""Plain text out of hostile text: properties that hold for every input, and the examples that taught them."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.text import RAW_CAP, clean, parse_time, plain, raw_of, safe_url

ANY_TEXT = st.text(alphabet=st.characters(), max_size=300)  # surrogates and controls among them
MARKUP = st.lists(
    st.sampled_from(
        [
            "<",
            ">",
            "<p>",
            "</p>",
            "<br/>",
            "<a href='",
            "'",
            '"',
            "<!--",
            "-->",
            "<script>",
            "</script>",
            "<!",
            "&amp;",
            "&#0;",
            "&#xD800;",
            "&",
            "words",
            " ",
            "\n",
            "<pre>",
            "</pre>",
            "<![CDATA[",
            "]]>",
            "\ud800",
            "\x00",
            "\u2028",
        ]
    ),
    max_size=40,
).map("".join)


@given(ANY_TEXT | MARKUP)
@settings(deadline=None)
def test_clean_text_can_be_stored_and_shown_anywhere(text: str) -> None:
    """Valid UTF-8, NFC, no control character but tab and newline; and cleaning twice changes nothing."""
    done = clean(text)
    done.encode()
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]", done)
    assert unicodedata.is_normalized("NFC", done)
    assert clean(done) == done


@given(ANY_TEXT | MARKUP)
@settings(deadline=None)
def test_plain_text_is_clean_and_never_raises(text: str) -> None:
    done = plain(text)
    assert clean(done) == done
    assert done == done.strip()
    assert "\n\n\n" not in done or "<" not in text


@given(st.text(alphabet=st.characters(categories=["L", "N", "Zs"]), max_size=100))
@settings(deadline=None)
def test_words_survive_markup_around_them(words: str) -> None:
    """Whatever a person wrote comes out, in its order."""
    escaped = words.replace("&", "&amp;").replace("<", "&lt;")
    assert plain(f"<p>{escaped}</p>").split() == clean(words).split()


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("One<br>Two<br/>Three", "One\nTwo\nThree"),
        ('See <a href="https://e.org/?a=1&b=2" title="a>b">this page</a>!', "See this page!"),
        ('<a href="x"><span class="invisible">https://</span><span>e.org/a</span></a>', "https://e.org/a"),
        ("Fish &amp; chips &lt;3 &#8364;5", "Fish & chips <3 €5"),
        ("1 < 2 and 3 > 2 <b>yes</b>", "1 < 2 and 3 > 2 yes"),
        ("<script>alert(1)</script>ok<style>p{}</style><!-- no > --> yes", "ok yes"),
        ("<SCRIPT>never closed", ""),
        ("<pre>a\n  b</pre>", "a\nb"),
        ("plain\ntext stays\n\nas it is", "plain\ntext stays\n\nas it is"),
        ("<ul><li>a</li><li>b</li></ul>", "a\n\nb"),
        ("<td>a</td><td>b</td>", "a b"),
        ("\ud83d\ude00 \ud800", "😀 \ufffd"),
    ],
)
def test_markup_becomes_what_a_reader_sees(markup: str, expected: str) -> None:
    assert plain(markup) == expected


@pytest.mark.parametrize(
    "text",
    [
        "<" * 200_000,
        "<a '\"" * 40_000,
        "<!--" * 50_000,
        "<script>" * 25_000,
        "a" + "\u0301\u0316" * 100_000,
        "<br> " * 40_000,
        "&#" * 100_000,
        "</" * 100_000,
    ],
    ids=["brackets", "quotes", "comments", "scripts", "combining marks", "lines", "entities", "ends"],
)
def test_200_kb_of_anything_ends(text: str) -> None:
    """Each of these takes minutes where a search starts over at every character, or marks are sorted by insertion."""
    assert len(plain(text)) <= len(text)


def test_a_heap_of_combining_marks_is_cut_at_thirty() -> None:
    assert len(clean("z" + "\u0301" * 10_000 + "!")) <= 32


@given(st.datetimes(min_value=datetime(1980, 1, 1), max_value=datetime(2999, 1, 1)), st.integers(-14 * 60, 14 * 60))
def test_a_time_means_the_same_moment_in_every_zone(local: datetime, minutes: int) -> None:
    at = local.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=minutes)))
    assert parse_time(at.isoformat()) == at
    assert parse_time(at.strftime("%Y-%m-%d %H:%M:%S %z")) == at
    assert parse_time(at.timestamp()) == at
    found = parse_time(at.isoformat())
    assert found is not None
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    "missing", [0, 0.0, 1.5, 86_400, "1970-01-01T00:00:00Z", "1970-01-01", "Thu, 1 Jan 1970 00:00 GMT"]
)
def test_a_count_that_begins_at_nothing_is_a_missing_time(missing: object) -> None:
    assert parse_time(missing) is None


@given(ANY_TEXT | st.none() | st.booleans() | st.integers() | st.floats() | st.lists(st.text()) | st.binary())
def test_what_is_no_time_is_none_and_never_an_error(value: object) -> None:
    found = parse_time(value)
    assert found is None or (found.utcoffset() == timedelta(0) and 1971 <= found.year <= 9000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fri, 20 Nov 2026 09:00:00 GMT", datetime(2026, 11, 20, 9, tzinfo=UTC)),
        ("2015-02-24 11:35:52 -0800", datetime(2015, 2, 24, 19, 35, 52, tzinfo=UTC)),
        ("2026-11-20T09:00:00", datetime(2026, 11, 20, 9, tzinfo=UTC)),
        ("1795165200000", datetime(2026, 11, 20, 9, tzinfo=UTC)),
    ],
)
def test_the_times_that_networks_write_are_read(text: str, expected: datetime) -> None:
    assert parse_time(text) == expected


@given(ANY_TEXT | ANY_TEXT.map("https://".__add__) | ANY_TEXT.map("https://e.org/".__add__))
@settings(deadline=None)
def test_a_link_is_safe_or_empty(text: str) -> None:
    found = safe_url(text)
    assert found == "" or re.fullmatch(r"(?i)https?://[^\s<>|\"'`{}^]+", found)


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "//e.org",
        "https://user:word@e.org/",
        "https://",
        "https://e. org/a",
        "http://[::1",
        "data:text/html,x",
        "https://e.org:99999/",
        "https://e.org\\@evil.example/",
        17,
        None,
    ],
)
def test_what_is_no_web_link_is_empty(text: object) -> None:
    assert safe_url(text) == ""


def test_a_link_cannot_break_out_of_a_message() -> None:
    assert safe_url("https://e.org/a|b>c<d\"e'") == "https://e.org/a%7Cb%3Ec%3Cd%22e%27"


def test_raw_json_is_capped_and_valid() -> None:
    nested: list[object] = []
    for _ in range(100_000):
        nested = [nested]
    for value in ({"a": "\ud800"}, {"a": "ü" * 100_000}, nested, {"a": float("nan")}, {1: {2}}):
        assert len(raw_of(value).encode()) <= RAW_CAP
