"""Feeds that are named by their place: what address each stands for, and how a slip is told."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from connectors.http import hosts_written
from connectors.rss.connector import Settings
from connectors.rss.places import PLACES, address_of
from tests.house.reading import ROOT


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("medium:acme-air", "https://medium.com/feed/tag/acme-air"),
        ("Substack:acme", "https://acme.substack.com/feed"),
        ("devto:acme", "https://dev.to/feed/tag/acme"),
        ("lobsters:newest", "https://lobste.rs/newest.rss"),
        ("lobsters:t/rust", "https://lobste.rs/t/rust.rss"),
        ("alerts:012/345", "https://www.google.com/alerts/feeds/012/345"),
        ("status:status.acme.example", "https://status.acme.example/history.rss"),
        ("appstore:us/123", "https://itunes.apple.com/us/rss/customerreviews/id=123/sortBy=mostRecent/xml"),
        ("https://example.org/feed", "https://example.org/feed"),
        ("http://medium:80/feed", "http://medium:80/feed"),
    ],
)
def test_a_place_stands_for_its_address(written: str, address: str) -> None:
    assert Settings(feeds=(written,)).feeds == (address,)


@pytest.mark.parametrize(
    "written",
    ["medium:", "medium:a b", "substack:a.example/x", "alerts:mine", "status:https://a.example", "status:localhost",
     "appstore:123", "lobsters:../x", "medium:a/../../b"],
)  # fmt: skip
def test_what_is_no_name_there_is_refused_with_an_example(written: str) -> None:
    place = written.partition(":")[0]
    with pytest.raises(ValidationError, match=f'write it as "{place}:'):
        Settings(feeds=(written,))


def test_a_place_that_is_not_known_is_refused_with_those_that_are() -> None:
    with pytest.raises(ValidationError, match="medium, substack, devto"):
        Settings(feeds=("quora:acme",))


def test_every_place_has_a_sound_example_that_is_on_its_page() -> None:
    page = (ROOT / "docs/connect/feeds.md").read_text("utf-8")
    for name, place in PLACES.items():
        assert place.example.startswith(f"{name}:")
        address = address_of(place.example)
        assert address.startswith("https://")
        assert f"`{place.example}`" in page
        assert hosts_written(Settings(feeds=(place.example,)))
