"""People who do not want this: left where they are when a search found them, heard when they speak to us."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.cases import do_not_contact
from monitor.ingest import wishes
from monitor.notify import rendering
from monitor.people.identity import of_settings
from monitor.store import forgetting, key_values, to_forget
from monitor.wiring import Assembly
from tests.alerting_helpers import Base
from tests.helpers import (
    ANGRY,
    ASKING,
    BROKEN,
    CHURN,
    HOUR,
    INJURY,
    NOW,
    assembly_of,
    case,
    lines,
    messages,
    post,
    settings_from,
    take,
)  # fmt: skip

LEAK = "You have leaked my data, Acme: my card details are on the web for everyone to see. Data breach!"
ANA = of_settings("Ana")


@pytest.fixture
def acme(database: Base, tmp_path: Path) -> Assembly:
    return assembly_of(database, settings_from(tmp_path, tables='[[people]]\nname = "Ana"\nemail = "a@example.org"\n'))


def posts(acme: Assembly) -> list[str]:
    return [row["text"] for row in acme.database.rows("SELECT text FROM posts ORDER BY posted_at, id")]


# -- found by searching ---------------------------------------------------------------------------------------------


def test_a_post_found_by_a_search_is_left_out_and_counted_once_and_not_stored(acme: Assembly) -> None:
    hidden = replace(post(ANGRY, author="shy"), unsearchable=True)
    known = post(BROKEN, author="open")
    for _ in range(3):  # reads overlap
        take(acme, hidden, known)
    assert posts(acme) == [BROKEN]
    assert wishes.left_out(acme.database, "forum") == (1, "2026-03-04")
    assert wishes.left_out(acme.database, "chirp") == (0, "")
    for table in ("mentions", "cases"):
        assert len(acme.database.rows(f"SELECT * FROM {table}")) == 1
    kept = json.dumps([dict(row) for row in acme.database.rows("SELECT key, value FROM facts")])
    assert "shy" not in kept
    assert hidden.native_id not in kept


def test_danger_of_somebody_who_does_not_want_to_be_found_is_no_exception(acme: Assembly) -> None:
    take(acme, replace(post(INJURY, author="shy"), unsearchable=True))
    assert posts(acme) == []


@pytest.mark.parametrize("how", ["named", "addressed", "reply", "own case"])
def test_whoever_speaks_to_us_is_heard_whatever_their_marks(acme: Assembly, how: str) -> None:
    said = post(f"{ANGRY} @acme_care" if how == "named" else ANGRY, author="shy", thread_id="t")
    if how == "addressed":
        said = replace(said, addressed=("acme_care",))
    if how == "reply":
        take(acme, post("How can we help?", author="acme_care", native_id="ours"))
        ours = {"source": "forum", "native_id": "ours", "brand": "Acme", "author": "acme_care", "thread_id": "t"}
        ours |= dict.fromkeys(("url", "text", "parent_id", "posted_at", "seen_at"), "")
        key_values.add_own_posts(acme.database, [ours])
        said = replace(said, parent_id="ours")
    if how == "own case":
        take(acme, post(BROKEN, author="shy", native_id="t", thread_id="t", at=NOW - HOUR), now=NOW - HOUR)
    take(acme, replace(said, unsearchable=True))
    assert said.text in posts(acme)
    assert wishes.left_out(acme.database, "forum") == (0, "")


# -- do not contact -------------------------------------------------------------------------------------------------


def quiet_about(acme: Assembly, author: str = "tom") -> str:
    """Somebody whose case is open, and who is not to be contacted from now on."""
    (first,) = take(acme, post(CHURN, author=author, thread_id="a"))
    with acme.database.transaction():
        assert do_not_contact.set_for(acme.database, case(acme.database, first), ANA, "page", NOW)
        assert not do_not_contact.set_for(acme.database, case(acme.database, first), ANA, "page", NOW)
    return first


def test_nobody_is_told_of_what_they_say_that_is_not_to_us(acme: Assembly) -> None:
    quiet_about(acme)
    before = len(messages(acme.database))
    assert take(acme, post(ANGRY, author="tom", thread_id="b", at=NOW + HOUR), now=NOW + HOUR) == []
    assert take(acme, post(ASKING, author="tom", thread_id="c", at=NOW + HOUR), now=NOW + HOUR) == []
    assert len(messages(acme.database)) == before
    assert ANGRY in posts(acme)  # stored, and searchable
    (row,) = acme.database.rows("SELECT suppressed FROM mentions WHERE suppressed <> '' AND lane = 'ping'")
    assert row["suppressed"] == do_not_contact.NOT_CONTACTED
    assert len(take(acme, post(ANGRY, author="another", thread_id="d", at=NOW + HOUR), now=NOW + HOUR)) == 1


@pytest.mark.parametrize("words", [INJURY, LEAK, f"{ANGRY} @acme_care"])
def test_danger_personal_data_and_what_is_said_to_us_always_pass(acme: Assembly, words: str) -> None:
    quiet_about(acme)
    assert len(take(acme, post(words, author="tom", thread_id="b", at=NOW + HOUR), now=NOW + HOUR)) == 1


def test_the_alert_of_what_passes_says_that_they_are_not_to_be_contacted(acme: Assembly) -> None:
    quiet_about(acme)
    take(acme, post(INJURY, author="tom", thread_id="b", at=NOW + HOUR), now=NOW + HOUR)
    row = messages(acme.database)[-1]
    alert = rendering.compose(acme.database, acme.rules, row, [row], NOW + HOUR).alert
    assert alert.entries[0].facts[0] == do_not_contact.NOT_CONTACTED


def test_words_alone_never_set_it(acme: Assembly) -> None:
    (first,) = take(acme, post(f"{CHURN} Do not contact me ever again!", author="tom"))
    assert do_not_contact.standing(acme.database, "forum", "tom") is None
    assert case(acme.database, first).lane == "ping"


def test_it_is_logged_listed_and_ended_by_one_press(acme: Assembly) -> None:
    first = quiet_about(acme)
    (row,) = key_values.mutes(acme.database)
    assert (row["kind"], row["value"], row["who"]) == ("contact", "forum/tom", "Ana")
    assert [line for line in lines(acme.database, first) if line == "do_not_contact"]
    noted = acme.database.rows("SELECT event, about, detail FROM audit ORDER BY n")
    assert [each["about"] for each in noted] == ["do not contact"]
    assert "tom" not in json.dumps([dict(each) for each in noted])
    with acme.database.transaction():
        assert do_not_contact.end_for(acme.database, case(acme.database, first), ANA, "page", NOW)
        assert not do_not_contact.end_for(acme.database, case(acme.database, first), ANA, "page", NOW)
    assert len(take(acme, post(ANGRY, author="tom", thread_id="b", at=NOW + HOUR), now=NOW + HOUR)) == 1


def test_whoever_erases_or_exports_is_told_of_the_entry(acme: Assembly) -> None:
    first = quiet_about(acme)
    (row,) = key_values.mutes(acme.database)
    assert to_forget.mutes_naming(acme.database, "forum", ["tom"]) == [row["n"]]
    with acme.database.transaction():
        do_not_contact.end_for(acme.database, case(acme.database, first), ANA, "page", NOW)
        forgetting.forget_name(acme.database, "forum", ["tom"])
    assert acme.database.rows("SELECT * FROM mutes") == []
