"""Whose a post is, and whom it speaks to, by handles and by the ids behind them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connectors import Account
from monitor.settings.accounts import Accounts
from tests.helpers import post, settings_from

X = """
[[sources]]
name = "birds"
kind = "x"
bearer_token = { env = "TOKEN" }
mentions_of = ["globexhelp", "elsewhere"]
"""
BRAND = 'accounts = { forum = ["acme_care"], chirp = ["@Acme", "u/Acme_Air"], x = ["acmehelp"] }'


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    """Acme's on three sources, one of them named by its kind; two handles that only a source names."""
    settings = settings_from(tmp_path, sources=X, environ={"TOKEN": "t" * 30})
    text = settings.file.read_text("utf-8")
    old = next(line for line in text.splitlines() if line.startswith("accounts ="))
    settings.file.write_text(text.replace(old, BRAND), "utf-8")
    from monitor.settings.loading import load

    return Accounts(load(settings.file, {"TOKEN": "t" * 30}))


def test_a_kinds_name_stands_for_all_sources_of_that_kind(accounts: Accounts) -> None:
    assert accounts.own("birds") == ("acmehelp",)
    assert accounts.brand_of(post(source="birds", author="AcmeHelp")) == "Acme"
    assert accounts.brand_of(post(source="x", author="acmehelp")) == "", "there is no source of that name"


@pytest.mark.parametrize(
    ("author", "author_id", "ours"),
    [
        ("acmehelp", "", True), ("777", "777", True), ("777", "", True), ("new_name", "777", True),
        ("acmehelp", "778", False), ("778", "778", False),
    ],
)  # fmt: skip
def test_a_name_is_only_its_holders_once_the_id_is_known(
    accounts: Accounts, author: str, author_id: str, ours: bool
) -> None:
    accounts.learn("birds", {"acmehelp": Account("777", "acmehelp"), "acme_staff": Account("888", "acme_staff")})
    assert bool(accounts.brand_of(post(source="birds", author=author, author_id=author_id))) == ours
    staff = {"acmehelp": "acme_staff", "777": "888", "778": "889", "new_name": "new_name"}[author]
    theirs = {"777": "888", "778": "889"}.get(author_id, author_id)
    assert accounts.is_ignored(post(source="birds", author=staff, author_id=theirs)) == ours
    assert accounts.ids("birds") == {"acmehelp": "777"}


@pytest.mark.parametrize(
    ("source", "text", "more", "brand"),
    [
        ("chirp", "@acme hello", {}, "Acme"),
        ("chirp", "well @ACME, hello", {}, "Acme"),
        ("chirp", "(@acme)", {}, "Acme"),
        ("chirp", "@acme's fault. @acme!", {}, "Acme"),
        ("chirp", "u/acme_air and /u/Acme_Air", {}, "Acme"),
        ("chirp", "mail me@acme", {}, ""),
        ("chirp", "@acme.example", {}, ""),
        ("chirp", "@acme_airline @acme-air @acmee", {}, ""),
        ("chirp", "https://example.org/@acme", {}, ""),
        ("news", "@acme hello", {}, ""),
        ("birds", "@acmehelp hello", {}, "Acme"),
        ("birds", "hello", {"addressed": ("777",)}, "Acme"),
        ("birds", "hello", {"addressed": ("*", "4711")}, "Acme"),
        ("birds", "hello", {"addressed": ("4711",)}, ""),
        ("birds", "@globexhelp hello", {}, "Globex"),
        ("birds", "@elsewhere hello", {}, "Acme"),
    ],
)
def test_what_speaks_to_an_account_is_about_its_brand(
    accounts: Accounts, source: str, text: str, more: dict[str, Any], brand: str
) -> None:
    accounts.learn("birds", {"acmehelp": Account("777", "acmehelp")})
    assert list(accounts.spoken_to(post(text, source=source, **more))) == ([brand] if brand else [])
