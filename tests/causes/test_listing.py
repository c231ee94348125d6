"""Staff change a brand's list of causes, and take each change back."""

from __future__ import annotations

import pytest

from monitor.causes import listing, problems
from monitor.people.identity import of_page
from monitor.store import causes as store
from monitor.store import problems as kept
from monitor.store.database import stamp
from monitor.wiring import Assembly
from tests.helpers import DAY, LATE, NOW, count, post, take

ANA = of_page("Ana")


@pytest.fixture
def listed(acme: Assembly) -> Assembly:
    take(acme, post(LATE), post("Acme parcel with the red box never arrived", author="mira"))
    return acme


def ids(acme: Assembly) -> dict[str, str]:
    return {row["name"]: row["id"] for row in store.standing(acme.database, "Acme")}


def people(acme: Assembly) -> dict[str, int]:
    rows = store.counted(acme.database, NOW - 30 * DAY, NOW + DAY, "Acme")
    return {row["name"]: row["people"] for row in rows}


def test_a_new_cause_finds_posts_at_once_and_is_undone(listed: Assembly) -> None:
    database = listed.database
    with database.transaction():
        listing.add(database, "Acme", "  Purple   lids ", "purple lid*, violet", ANA, NOW)
    (case,) = take(listed, post("Acme the purple lids crack, terrible", author="kay"))
    assert store.of_cases(database, [case])[case][0]["name"] == "Purple lids"
    assert listing.undo(database, "Acme", NOW) == "added Purple lids"
    assert "Purple lids" not in ids(listed)
    assert case not in store.of_cases(database, [case]) or len(store.of_cases(database, [case])[case]) < 2


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"name": " "}, "needs a name"),
        ({"name": "refunds"}, "already"),
        ({"issue_url": "http://tracker.example/1"}, "address"),
        ({"issue_url": "javascript:alert(1)"}, "address"),
        ({"issue_url": "https://tracker.example/a b"}, "address"),
        ({"days": "0"}, "days"),
        ({"days": "many"}, "days"),
        ({"days": "²"}, "write a number of days"),
        ({"days": "9" * 5000}, "write a number of days"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_write(listed: Assembly, fields: dict[str, str], why: str) -> None:
    with pytest.raises(listing.NotPossible, match=why):
        listing.edit(listed.database, ids(listed)["Late or missing delivery"], fields, ANA, NOW)


def test_an_edit_is_kept_and_undone(listed: Assembly) -> None:
    cause = ids(listed)["Refunds"]
    fields = {"name": "Money back", "words": "refund*, money back", "team": "slack:#billing", "days": "10",
              "issue_url": "https://tracker.example/A-1", "examples": "Where is it?\n\nWhere is it?"}  # fmt: skip
    before = store.one(listed.database, cause)
    assert listing.edit(listed.database, cause, fields, ANA, NOW)
    assert not listing.edit(listed.database, cause, fields, ANA, NOW)
    row = store.one(listed.database, cause)
    assert row is not None
    assert (row["name"], row["words"], row["team"], row["days"]) == (
        "Money back", '["refund*", "money back"]', "slack:#billing", 10,
    )  # fmt: skip
    assert row["examples"] == '["Where is it?"]'
    listing.undo(listed.database, "Acme", NOW)
    assert dict(store.one(listed.database, cause) or {}) == dict(before or {})


def test_merged_causes_are_one_with_posts_words_and_problem_until_undone(listed: Assembly) -> None:
    database = listed.database
    late, refunds = ids(listed)["Late or missing delivery"], ids(listed)["Refunds"]
    opened = kept.open_(database, "Acme", late, stamp(NOW - DAY), 0, NOW)
    assert opened is not None
    before = people(listed)
    listing.merge(database, late, refunds, ANA, NOW)
    assert "Late or missing delivery" not in ids(listed)
    assert people(listed)["Refunds"] == 2
    assert kept.open_for(database, refunds) is not None
    (case,) = take(listed, post("Acme parcel never arrived again", author="kay"))
    assert store.of_cases(database, [case])[case][0]["name"] == "Refunds"
    listing.undo(database, "Acme", NOW)
    assert {name: people(listed)[name] for name in before} == before
    assert kept.open_for(database, late) is not None
    assert kept.open_for(database, refunds) is None


def test_two_open_problems_become_one_when_their_causes_do(listed: Assembly) -> None:
    database = listed.database
    late, refunds = ids(listed)["Late or missing delivery"], ids(listed)["Refunds"]
    kept.open_(database, "Acme", late, stamp(NOW - 2 * DAY), 0, NOW)
    kept.open_(database, "Acme", refunds, stamp(NOW - DAY), 0, NOW)
    listing.merge(database, late, refunds, ANA, NOW)
    (row,) = kept.counted(database)
    assert (row["cause_id"], row["first_at"]) == (refunds, stamp(NOW - 2 * DAY))
    with pytest.raises(listing.NotPossible):
        problems.fix(database, 1, ANA, NOW)
    listing.undo(database, "Acme", NOW)
    assert len(kept.counted(database)) == 2


def test_a_part_of_a_cause_becomes_one_of_its_own_until_undone(listed: Assembly) -> None:
    database = listed.database
    late = ids(listed)["Late or missing delivery"]
    new, moved = listing.split(database, late, "Red boxes", "red box*", ANA, NOW)
    assert moved == 1
    assert people(listed)["Red boxes"] == people(listed)["Late or missing delivery"] == 1
    assert listing.undo(database, "Acme", NOW) == "made Red boxes of a part"
    assert people(listed)["Late or missing delivery"] == 2
    assert store.one(database, new)["gone_at"]  # type: ignore[index]


def test_a_removed_cause_is_not_counted_until_undone(listed: Assembly) -> None:
    late = ids(listed)["Late or missing delivery"]
    listing.remove(listed.database, late, ANA, NOW)
    assert "Late or missing delivery" not in people(listed)
    with pytest.raises(listing.NotPossible):
        listing.merge(listed.database, ids(listed)["Refunds"], late, ANA, NOW)
    listing.undo(listed.database, "Acme", NOW)
    assert people(listed)["Late or missing delivery"] == 2


def test_nothing_is_left_to_undo_at_the_end(listed: Assembly) -> None:
    listing.dismiss(listed.database, "Acme", "purple lids", ANA, NOW)
    assert listing.undo(listed.database, "Acme", NOW) == "dismissed the proposal purple lids"
    assert listing.undo(listed.database, "Acme", NOW) == ""
    assert count(listed.database, "cause_changes", "undone_at <> ''") == 1
