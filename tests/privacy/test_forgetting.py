"""Erasing one person: what goes, what stays, and what is remembered of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors import Aside
from monitor.cases.actions import say
from monitor.privacy import forgetting
from monitor.store import cases, deliveries, finding, key_values, sources
from monitor.store import forgetting as store
from monitor.types import Judged
from monitor.wiring import Assembly
from tests.helpers import (
    ANGRY,
    BROKEN,
    CALM,
    HOUR,
    LATE,
    MINUTE,
    NOW,
    case,
    count,
    lines,
    post,
    take,
)

TABLES = ("posts", "mentions", "cases", "case_log", "own_posts", "mutes", "deliveries", "aside", "erasures", "labels")


def everything(acme: Assembly) -> str:
    """All that stands in all tables, as text."""
    rows = (row for name in TABLES for row in acme.database.rows(f"SELECT * FROM {name}"))
    return "\n".join(str(dict(row)) for row in rows)


def erase(acme: Assembly, author: str = "olga") -> forgetting.Known:
    return forgetting.erase(acme.database, acme.rules, "forum", author, who="Ana", way="command line", now=NOW + HOUR)


def settled(acme: Assembly) -> str:
    """Olga has written, staff have noted and answered, a letter has quoted her; Mira has written too."""
    (first,) = take(acme, post(ANGRY, native_id="a", author_name="Olga Petrova"))
    take(acme, post(LATE, native_id="c", author="mira"))
    take(acme, post(CALM, native_id="b", author="@Olga"))
    for verb, detail in (
        ("note", {"text": "olga called, her street is Elm Lane"}),
        ("wants", {"text": "olga wants 30 euro"}),
        ("wants", {"text": "olga wants 40 euro"}),
        ("answered", {"url": "https://forum.example/olga/1"}),
    ):
        say(acme.database, acme.rules, first, verb, who="Ben", way="page", now=NOW, detail=detail)
    stamped = acme.database.rows("SELECT posted_at FROM posts")[0]["posted_at"]
    key_values.add_own_posts(
        acme.database,
        [{"source": "forum", "native_id": "own", "brand": "Acme", "author": "acme", "url": "https://f.example/olga",
          "text": "@olga, sorry", "parent_id": "a", "thread_id": "t", "posted_at": stamped, "seen_at": stamped,
          "case_id": first, "automatic": 0, "sent_on": 0}],
    )  # fmt: skip
    key_values.add_mute(acme.database, "Acme", "author", "forum/olga", "marked “not us” 3 times", NOW, offered=True)
    sources.set_aside(acme.database, "forum", [Aside(b'{"by": "olga"}', "no date"), Aside(b"{}", "no date")], NOW)
    letter = {"subject": "The week", "html": "olga on forum", "text": "3 days, olga on forum", "headers": {}}
    deliveries.queue(
        acme.database,
        [deliveries.new_row(about="digest:2026-W47", target="console", now=NOW, due_at=NOW, reason="", payload=letter)],
    )
    acme.database.run("UPDATE deliveries SET state = 'sent' WHERE about LIKE 'digest:%'")
    return first


def test_nothing_that_names_the_person_is_left_in_any_table(acme: Assembly) -> None:
    settled(acme)
    assert "olga" in everything(acme).casefold()
    found = erase(acme)
    assert (found.posts, found.cases, set(found.names)) == (2, 1, {"olga", "@Olga"})
    left = everything(acme).casefold()
    assert "olga" not in left
    assert "elm lane" not in left
    assert "40 euro" not in left
    assert "charged" not in left
    assert count(acme.database, "aside") == 1


def test_others_and_the_figures_stay_as_they_were(acme: Assembly) -> None:
    settled(acme)
    posts, moments = count(acme.database, "posts"), acme.database.rows("SELECT posted_at FROM mentions ORDER BY id")
    erase(acme)
    assert count(acme.database, "posts") == posts
    assert acme.database.rows("SELECT posted_at FROM mentions ORDER BY id") == moments
    (mira,) = finding.find(acme.database, finding.Filter(author="mira"))
    assert mira.post.text == LATE


def test_open_cases_are_closed_and_their_messages_lose_the_words(acme: Assembly) -> None:
    (opened,) = take(acme, post(ANGRY))
    acme.database.run("UPDATE deliveries SET state = 'sent'")
    erase(acme)
    found = case(acme.database, opened)
    assert (found.outcome, found.closed_by, found.author) == ("deleted", "Ana", "")
    assert lines(acme.database, opened)[-1] == "erased"
    assert count(acme.database, "deliveries", "action = 'edit'") == 1


def test_that_it_was_done_is_kept_and_by_whom_and_when_and_not_who_it_was(acme: Assembly) -> None:
    settled(acme)
    erase(acme)
    (noted,) = store.noted(acme.database)
    assert (noted["source"], noted["who"], noted["way"], noted["posts"], noted["cases"]) == (
        "forum", "Ana", "command line", 2, 1,
    )  # fmt: skip
    assert noted["at"].startswith(f"{NOW + HOUR:%Y-%m-%dT%H}")


def test_what_was_erased_does_not_come_in_again_and_what_they_write_next_does(acme: Assembly) -> None:
    first = settled(acme)
    erase(acme)
    assert take(acme, post(ANGRY, native_id="a"), now=NOW + 2 * HOUR) == []
    (fresh,) = take(acme, post(BROKEN, native_id="new", at=NOW + 2 * HOUR), now=NOW + 2 * HOUR)
    assert fresh != first
    assert cases.row_of(acme.database, first)["mentions"] == 1


def test_nobody_of_that_name_is_nobody_and_nothing_is_noted(acme: Assembly) -> None:
    settled(acme)
    before = everything(acme)
    assert erase(acme, "nobody").names == ()
    assert erase(acme, "").names == ()
    assert everything(acme) == before


def test_a_standing_mute_and_the_settings_are_named_to_who_erases(acme: Assembly) -> None:
    settled(acme)
    key_values.add_mute(acme.database, "Acme", "author", "forum/olga", "Ana", NOW)
    found = forgetting.known(acme.database, acme.rules, "forum", "OLGA")
    number = key_values.mutes(acme.database)[0]["n"]
    assert any(f"earful mute undo {number}" in each for each in found.stays)
    erase(acme)
    assert [row["value"] for row in key_values.mutes(acme.database)] == ["forum/olga"]


@pytest.mark.parametrize("name", ["%", "_", "' OR 1=1 --", "olg", "*", "\x00", "\ud800", "x" * 100_000])
def test_a_hostile_or_partial_name_erases_nobody(acme: Assembly, name: str) -> None:
    settled(acme)
    assert erase(acme, name).names == ()
    assert json.dumps(everything(acme)).count("olga") > 5


def test_who_is_asked_for_while_their_first_post_is_being_judged_is_not_stored(
    acme: Assembly, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stood nowhere yet, so there was nothing to erase; and a moment later it was stored."""
    judged = acme.intake.judge_posts

    def and_erased(*given: Any, **more: Any) -> list[Judged]:
        found = judged(*given, **more)
        assert forgetting.leave_out(acme.database, "forum", "@Olga", NOW)
        return found

    monkeypatch.setattr(acme.intake, "judge_posts", and_erased)
    assert take(acme, post(ANGRY, author="olga"), post(BROKEN, author="mira")) != []
    assert [row["author"] for row in acme.database.rows("SELECT author FROM posts")] == ["mira"]


def test_of_whom_something_is_stored_everything_has_to_be_erased(acme: Assembly) -> None:
    take(acme, post(ANGRY, author="olga"))
    assert not forgetting.leave_out(acme.database, "forum", "olga", NOW)
    assert count(acme.database, "forgotten") == 0


def test_what_somebody_writes_after_they_were_left_out_is_found_like_anyones(acme: Assembly) -> None:
    assert forgetting.leave_out(acme.database, "forum", "olga", NOW - HOUR)
    assert take(acme, post(ANGRY, author="olga", at=NOW - HOUR)) == []
    assert take(acme, post(ANGRY, author="olga", at=NOW - MINUTE)) != []
