"""Who somebody is: a name, the accounts that bear it, and what these wrote under others, on hold or not."""

from __future__ import annotations

import json

import pytest

from connectors import Aside
from monitor.people.identity import Actor
from monitor.privacy import export, forgetting, holds
from monitor.privacy.person import stored_of
from monitor.store import sources
from monitor.wiring import Assembly
from tests.helpers import BROKEN, DAY, HOUR, NOW, case, count, post, take

IDA = Actor("settings:Ida", "Ida")


def test_nothing_is_stored_of_a_name_that_nobody_bears(acme: Assembly) -> None:
    take(acme, post(BROKEN, author="mira"))
    assert stored_of(acme.database, "forum", "olga").is_unknown
    assert stored_of(acme.database, "forum", "@Mira").names == ("mira",)


@pytest.mark.parametrize("name", ["Ünal", "@ÉMILE", "Ольга Петрова"])
def test_a_name_is_found_in_large_and_small_letters_of_any_script(acme: Assembly, name: str) -> None:
    """SQLite makes no letters small but A to Z: whoever asked to be erased in small letters was nobody."""
    take(acme, post(BROKEN, author=name), post(BROKEN, author="Zoë"), post(BROKEN, author="mira"))
    for asked in (name.casefold(), name.swapcase(), name.removeprefix("@")):
        assert stored_of(acme.database, "forum", asked).names == (name,), asked


@pytest.mark.parametrize("ascii_alone", [False, True])
def test_what_could_not_be_read_goes_with_them_however_its_json_is_written(acme: Assembly, ascii_alone: bool) -> None:
    take(acme, post(BROKEN, author="Jürgen"))
    kept = [
        Aside(json.dumps({"by": name}, ensure_ascii=ascii_alone).encode(), "no date") for name in ("Jürgen", "Jörg")
    ]
    with acme.database.transaction():
        sources.set_aside(acme.database, "forum", kept, NOW)
    assert [row["table"] for row in export.held_of(acme.database, "forum", "Jürgen", NOW)].count("aside") == 1
    forgetting.erase(acme.database, acme.rules, "forum", "Jürgen", who=IDA, way="page", now=NOW)
    assert [bytes(row["raw"]) for row in acme.database.rows("SELECT raw FROM aside")] == [kept[1].raw]


@pytest.mark.parametrize("asked", ["olga", "olga2"])
def test_what_the_same_account_wrote_under_another_name_is_erased_on_hold_or_not(acme: Assembly, asked: str) -> None:
    (mine,) = take(acme, post(f"{BROKEN} quartzlane", native_id="a", author="olga", author_id="olga-id"))
    (later,) = take(acme, post(f"{BROKEN} quartzlane", native_id="b", author="olga2", author_id="olga-id"))
    holds.hold(acme.database, mine, "claim 12/2026", 30, who=IDA, way="page", now=NOW)
    told = {row["table"] for row in export.held_of(acme.database, "forum", asked, NOW)}
    assert {"posts", "sealed"} <= told
    found = forgetting.erase(acme.database, acme.rules, "forum", asked, who=IDA, way="page", now=NOW + HOUR)
    assert (found.held, found.posts) == ((mine,), 1)
    assert case(acme.database, later).author == ""
    holds.end(acme.database, mine, who=IDA, way="page", now=NOW + DAY)
    assert case(acme.database, mine).author == ""
    assert count(acme.database, "posts", "text LIKE '%quartzlane%'") == 0
