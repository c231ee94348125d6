"""Keys of a release ago are taken for one more, and whoever runs `check` is told what to write."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

import connectors
from connectors.old_keys import translated
from connectors.x.settings import Settings as X
from monitor.settings.loading import load
from monitor.settings.models import Settings
from tests.settings.test_loading import SECRET, SOUND, document, faults, read

NEEDED = {"imap": 4}  # a mailbox is a host, a login of two parts, and whose mails may be read: none can be known
REDDIT = {"name": "r", "kind": "reddit", "client_id": SECRET, "client_secret": SECRET}


def source(folder: Path, **table: Any) -> Settings:
    return read(folder, SOUND | {"sources": [{"name": "x", "kind": "x", "bearer_token": SECRET, **table}]})


def test_what_x_was_told_before_is_told_in_todays_words(tmp_path: Path) -> None:
    whole = source(
        tmp_path,
        search_suffix="lang:de",
        expand_authors=True,
        expand_media=True,
        post_price=0.01,
        owned_price=0.002,
        page_size=50,
        total_seconds=10.0,
    )
    options = whole.sources[0].options
    assert (options.search, options.search_suffix, options.expand) == ("lang:de", "lang:de", ("authors", "media"))
    assert (options.prices.post, options.prices.owned, options.prices.user) == (0.01, 0.002, 0.01)
    assert whole.warnings == (
        "x: search_suffix is accepted until the next release; write search = ...",
        'x: expand_authors is accepted until the next release; write expand = ["authors"]',
        'x: expand_media is accepted until the next release; write expand = ["media"]',
        "x: post_price is accepted until the next release; write prices = { post = ... }",
        "x: owned_price is accepted until the next release; write prices = { owned = ... }",
        "x: page_size is no longer needed; leave it out",
        "x: total_seconds is no longer needed; leave it out",
    )


@pytest.mark.parametrize(
    ("written", "searches", "suffix"),
    [
        ({}, True, "-is:retweet"),
        ({"search": False, "search_suffix": "lang:de"}, False, "-is:retweet"),
        ({"search": True, "search_suffix": "lang:de"}, True, "lang:de"),
        ({"search": "lang:fr", "search_suffix": "lang:de"}, True, "lang:fr"),
        ({"search_suffix": ""}, True, ""),
    ],
)
def test_a_search_that_was_switched_off_stays_off(
    tmp_path: Path, written: dict[str, Any], searches: bool, suffix: str
) -> None:
    options = source(tmp_path, **written).sources[0].options
    assert (options.searches, options.search_suffix) == (searches, suffix)


def test_what_reddit_was_told_before_is_told_in_todays_words(tmp_path: Path) -> None:
    old = {"search_in_subreddits": True, "subreddits": ["acme"], "oauth_url": "https://gate.example.org"}
    whole = read(tmp_path, SOUND | {"sources": [REDDIT | old]})
    options = whole.sources[0].options
    assert (options.search, options.api_url) == ("subreddits", "https://gate.example.org")
    assert len(whole.warnings) == 2
    off = read(tmp_path, SOUND | {"sources": [REDDIT | {"search_in_subreddits": False}]}).sources[0].options
    assert off.search is True


def test_a_key_whose_service_is_gone_is_told_of_and_taken(tmp_path: Path) -> None:
    rss = {"name": "feeds", "kind": "rss", "reddit_feed": SECRET}
    (tmp_path / "settings.toml").write_text(document(SOUND | {"sources": [rss]}), "utf-8")
    whole = load(tmp_path / "settings.toml", {"TOKEN": "https://www.reddit.com/.rss?feed=0123456789abcdef&user=u"})
    assert whole.warnings == ("feeds: reddit_feed: Leave it out: Reddit ended its feeds on 13 November 2026.",)
    assert whole.sources[0].answerable, "it does not turn into a search of Google News"


def test_a_wrong_value_of_an_old_key_is_refused_by_the_new_name(tmp_path: Path) -> None:
    file = SOUND | {"sources": [{"name": "x", "kind": "x", "bearer_token": SECRET, "post_price": "cheap"}]}
    (fault,) = faults(tmp_path, file)
    assert "sources[0].prices.post: found" in fault
    file = SOUND | {"sources": [{"name": "x", "kind": "x", "bearer_token": SECRET, "prices": 3, "post_price": 1.0}]}
    assert "sources[0].prices: found 3" in faults(tmp_path, file)[0]


def test_todays_words_stand() -> None:
    entry = {"prices": {"post": 1.0}, "post_price": 2.0, "expand": ["media"], "expand_authors": False}
    made, said = translated(entry, X.OLD_KEYS)
    assert made == {"prices": {"post": 1.0}, "expand": ["media"]}
    assert len(said) == 2
    assert X(bearer_token=SecretStr("t"), **made).expand == ("media",)


@pytest.mark.parametrize("kind", sorted(connectors.KINDS))
def test_a_kind_of_source_has_at_most_eight_keys_two_of_them_required(kind: str) -> None:
    """Whoever adds a ninth folds two, derives one, or finds that nobody would ever change it."""
    fields = importlib.import_module(connectors.KINDS[kind].partition(":")[0]).Settings.model_fields
    assert len(fields) <= 8, sorted(fields)
    assert sum(field.is_required() for field in fields.values()) <= NEEDED.get(kind, 2)
