"""Posts are given their causes as they come in; what staff say of a case holds, teaches, and can be undone."""

from __future__ import annotations

import pytest

from monitor.causes import listing, naming
from monitor.people.identity import of_page
from monitor.store import causes as store
from monitor.wiring import Assembly
from tests.helpers import BROKEN, CALM, LATE, NOW, THANKS, count, post, take

ANA = of_page("Ana")


def names(acme: Assembly, case: str) -> list[str]:
    return [row["name"] for row in store.of_cases(acme.database, [case]).get(case, [])]


def cause(acme: Assembly, name: str) -> str:
    return next(str(row["id"]) for row in store.standing(acme.database, "Acme") if row["name"] == name)


def say(acme: Assembly, case: str, name: str) -> str:
    chosen = cause(acme, name) if name else ""
    with acme.database.transaction():
        return naming.set_cause(acme.database, case, "Acme", chosen, ANA, "page", NOW)


def test_a_post_that_needs_an_answer_gets_its_causes_and_no_other(acme: Assembly) -> None:
    take(acme, post(LATE), post(CALM, author="mira"), post(THANKS, author="kay"))
    assert names(acme, "1")[0] == "Late or missing delivery"
    assert count(acme.database, "caused", "place > 1") == 0
    assert {
        row["case_id"]
        for row in acme.database.rows("SELECT m.case_id FROM caused x JOIN mentions m ON m.id = x.mention_id")
    } == {"1"}


def test_each_brand_begins_with_the_list_of_its_trade_once(acme: Assembly) -> None:
    take(acme, post(LATE))
    assert [row["name"] for row in store.standing(acme.database, "Acme")] == sorted(
        (row["name"] for row in store.standing(acme.database, "Acme")), key=str.lower
    )
    before = count(acme.database, "causes")
    take(acme, post(BROKEN, author="mira"))
    assert count(acme.database, "causes") == before
    assert not listing.begin(acme.database, "Acme", "travel", NOW), "a list in use stays"
    assert listing.begin(acme.database, "Globex", "travel", NOW)
    assert "Delays" in {row["name"] for row in store.standing(acme.database, "Globex")}


def test_what_staff_say_of_a_case_holds_for_what_follows(acme: Assembly) -> None:
    take(acme, post(LATE, thread_id="t"))
    assert say(acme, "1", "Staff behaviour") == "cause Staff behaviour"
    assert names(acme, "1") == ["Staff behaviour"]
    take(acme, post("Acme my parcel still never arrived, awful", thread_id="t"))
    assert count(acme.database, "mentions", "case_id = '1'") == 2
    assert names(acme, "1") == ["Staff behaviour"]
    assert say(acme, "1", "Refunds") == "cause Refunds"
    assert names(acme, "1") == ["Refunds", "Staff behaviour"] or names(acme, "1") == ["Staff behaviour", "Refunds"]
    assert say(acme, "1", "Staff behaviour") == "cause Staff behaviour removed"
    assert names(acme, "1") == ["Refunds"]
    assert say(acme, "1", "") == "no cause"
    assert names(acme, "1") == []


def test_what_was_said_of_a_case_is_undone_step_by_step(acme: Assembly) -> None:
    take(acme, post(LATE))
    first = names(acme, "1")
    say(acme, "1", "Staff behaviour")
    say(acme, "1", "")
    with acme.database.transaction():
        assert naming.undo_cause(acme.database, "1", NOW)
        assert names(acme, "1") == ["Staff behaviour"]
        assert naming.undo_cause(acme.database, "1", NOW)
        assert names(acme, "1") == first
        assert not naming.undo_cause(acme.database, "1", NOW)


def test_a_cause_of_another_brand_or_none_is_refused(acme: Assembly) -> None:
    take(acme, post(LATE), post("Globex lost my order, awful service", author="kay"))
    other = store.standing(acme.database, "Globex")[0]["id"]
    for wrong in (other, "nothing"):
        with pytest.raises(listing.NotPossible, match="not on the list"):
            naming.set_cause(acme.database, "1", "Acme", wrong, ANA, "page", NOW)


def test_staff_teach_which_words_speak_for_a_cause(acme: Assembly) -> None:
    texts = [f"Acme the zibbelwork of number {number} is terrible" for number in range(12)]
    take(acme, *(post(text, author=f"a{number}") for number, text in enumerate(texts)))
    for number in range(12):
        say(acme, str(number + 1), "Staff behaviour")
    (new,) = take(acme, post("Acme this zibbelwork is terrible again", author="new"))
    assert names(acme, new) == ["Staff behaviour"]


def test_whoever_says_that_it_is_the_same_is_of_the_same_cause(acme: Assembly) -> None:
    take(acme, post(LATE, native_id="a", thread_id="t"))
    take(acme, post("same here!", author="mira", thread_id="t", parent_id="a"))
    assert count(acme.database, "mentions", "case_id = '1'") == 2
    (row,) = store.counted(acme.database, NOW.replace(year=2025), NOW.replace(year=2027), "Acme")[:1]
    assert row["people"] == 2


def test_a_post_that_is_read_twice_is_counted_once(acme: Assembly) -> None:
    again = post(LATE, native_id="a")
    take(acme, again)
    take(acme, again)
    assert count(acme.database, "caused", "place = 0") == 1
