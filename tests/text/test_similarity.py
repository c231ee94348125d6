"""Which posts say the same in nearly the same words."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.text.similarity import alike, bands, distance, fingerprint, passes_on, repeats, said_once

TEXT = "Acme Air lost my bag in Lisbon three days ago and the help line just hangs up on me every time I call"


SAME = [
    TEXT.upper(),
    f"RT @someone: {TEXT}",
    f"{TEXT} https://example.org/x",
    f"@acme_air {TEXT}!!! 😡😡",
    f"{TEXT} #fail #acmeair",
    f"{TEXT} via @somebody",
    f"{TEXT} (via Somebody Else)",
    f"{TEXT} — via Somebody Else",
    f"{TEXT} h/t Somebody Else",
    f"This. {TEXT}",
    f"So much this: {TEXT}",
    f"“{TEXT}”",
    TEXT.replace(" ", "  ").replace("Lisbon", "Lis\u200bbon"),
    TEXT[:85] + "…",
    TEXT.replace("three", "3"),
]


@pytest.mark.parametrize("other", SAME)
def test_reposts_quotes_and_cross_posts_are_alike(other: str) -> None:
    assert alike(fingerprint(TEXT), fingerprint(other))
    assert alike(fingerprint(other), fingerprint(TEXT))


def test_nearly_all_that_are_alike_share_a_band() -> None:
    """A band is looked up in an index; what shares none is alike but not found. At most one in ten may be lost so."""
    mine = bands(fingerprint(TEXT))
    missed = [other for other in SAME if not any(map(int.__eq__, mine, bands(fingerprint(other))))]
    assert len(missed) <= len(SAME) // 10


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (TEXT, "Acme Air lost my booking and the help line keeps me on hold every time I call them about it"),
        (TEXT, "Acme Air cancelled my flight from Lisbon three hours ago and nobody at the desk knows anything"),
        ("Acme charged me twice for my order", "Acme charged me the wrong price for my order"),
        ("the acme app keeps crashing on my phone", "the acme app keeps logging me out on my laptop"),
        ("worst service ever acme", "best service ever acme"),
        ("not the first time acme lost my order", "not the last time i write to acme"),
        ("thank you", "thank you so much"),
        ("acme sucks", "acme rocks"),
        ("Acme Air lost my bag via Amsterdam and nobody calls me", "Acme Air lost my bag via Lisbon, where is it now"),
        ("my parcel with Acme went via Leipzig and came broken", "my parcel with Acme went via Madrid, never arrived"),
    ],
)
def test_different_words_about_the_same_brand_are_not_alike(one: str, other: str) -> None:
    assert not alike(fingerprint(one), fingerprint(other))


def test_a_few_words_are_alike_only_when_they_are_equal() -> None:
    assert alike(fingerprint("Thank you!"), fingerprint("@acme thank you 😊"))
    assert not alike(fingerprint("thank you"), fingerprint("you thank"))
    assert not alike(fingerprint("acme down"), fingerprint("acme down again"))


def test_scripts_without_spaces_are_compared_by_letters() -> None:
    one = "アクメのアプリがまた落ちて注文できませんでした"
    assert alike(fingerprint(one), fingerprint(f"RT @bob: {one}！"))
    assert not alike(fingerprint(one), fingerprint("アクメの荷物がまだ届かないので電話しました"))


def test_what_says_nothing_is_like_nothing() -> None:
    assert fingerprint("") == fingerprint(" \n\u200b") == 0
    assert not alike(0, 0)
    assert fingerprint("https://example.org") != 0
    assert fingerprint("😡") != fingerprint("😀")


def test_a_fingerprint_is_the_same_in_every_process() -> None:
    """Fingerprints are stored: Python's own hash, which each process salts anew, would not do."""
    program = f"from monitor.text.similarity import fingerprint; print(fingerprint({TEXT!r}))"
    printed = {
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert printed == {str(fingerprint(TEXT))} == {"8356112632751021568"}


@given(st.text(alphabet=st.characters(), max_size=300))
def test_any_text_has_a_fingerprint_that_sqlite_can_hold(text: str) -> None:
    value = fingerprint(text)
    assert -(2**63) <= value < 2**63
    assert distance(value, value) == 0
    assert alike(value, value) is (value != 0)
    unsigned = value & (2**64 - 1)
    assert bands(value) == tuple(unsigned >> shift & 4095 for shift in (48, 32, 16, 0))


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1))
def test_distance_counts_the_differing_sixteenths(one: int, other: int) -> None:
    def parts(value: int) -> list[int]:
        return [value >> shift & 15 for shift in range(0, 64, 4)]

    expected = sum(mine != theirs for mine, theirs in zip(parts(one), parts(other), strict=True))
    assert distance(one, other) == distance(other, one) == expected


@pytest.mark.parametrize("filler", ["😀😡", "a", "w ", "RT ", "ア", "# ", " #a", " via", "\ud800", "a\u0301\u0323"])
def test_huge_texts_have_fingerprints_too(filler: str) -> None:
    assert fingerprint(filler * (200_000 // len(filler))) != 0


def test_what_says_the_same_in_one_story_stands_below_its_first_and_nobody_is_left_out() -> None:
    words = "The lift at the northern entrance of the station is out of order again"
    one, repost, other = (
        fingerprint(words),
        fingerprint(f"RT @ana: {words}"),
        fingerprint("where can I buy a day ticket?"),
    )
    assert said_once([("a", one), ("a", other), ("a", repost), ("b", repost), ("a", one)]) == [[0, 2, 4], [1], [3]]
    assert said_once([("a", 0), ("a", 0)]) == [[0], [1]]  # nothing was said, so nothing was said again


def test_a_copy_is_told_from_the_same_few_words() -> None:
    short = "Acme app is down again, nothing loads"
    long = "I ordered the lamp in March, was told Tuesday, then Friday, and today Acme says the order never existed"
    other = "I ordered the desk in March, was told Tuesday, then Friday, and today Acme says the order never existed"

    def again(text: str, first: str) -> bool:
        return repeats(text, fingerprint(text), fingerprint(first))

    assert not again(short, short), "two people may say so"
    assert again(f"RT @bob: {short}", short)
    assert again(f"{long} @acme https://example.org", long)
    assert not again(other, long), "one word makes it another story"
    assert not again("RT @bob: something else altogether about Acme", long)
    assert passes_on("RT @bob: so true")
    assert not passes_on("RT")
    assert not passes_on("Art is long")
