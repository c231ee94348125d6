"""What is not as it should be with those who work: told by `earful status`, on the page, and by /ready."""

from __future__ import annotations

from datetime import timedelta

from monitor.reports.at_work import joined, notes, skew_words, undone
from monitor.store import unjudged
from monitor.store.sqlite import Sqlite
from monitor.store.unjudged import Page
from tests.helpers import ANGRY, NOW, post
from tests.worker_rows import Crew


def test_of_one_that_does_everything_there_is_nothing_to_say(crew: Crew, sqlite: Sqlite) -> None:
    crew.add("app")
    assert list(notes(crew.database)) == []
    assert undone(crew.database) == ""
    assert list(notes(sqlite)) == []
    assert undone(sqlite) == ""


def test_a_role_that_nobody_has_any_more_is_named_with_what_is_left_undone(crew: Crew) -> None:
    crew.add("app-1", "collect", "page")
    crew.add("app-2", "judge", unseen=timedelta(seconds=31))
    crew.add("app-3", "notify", alive=False)
    assert undone(crew.database) == (
        "nothing is judged and nobody is alerted: no worker has the roles judge and notify. "
        "Start one: earful run --roles judge,notify"
    )
    assert list(notes(crew.database)) == [undone(crew.database)]


def test_other_settings_other_secrets_and_a_clock_that_is_off_are_named(crew: Crew) -> None:
    crew.add("app-1")
    crew.add("app-2", settings="two")
    crew.add("app-2", secrets="two", skew=timedelta(seconds=-3))
    assert list(notes(crew.database)) == [
        "app-2, process 101 has other settings than app-1, in [[brands]]",
        "The clock of app-2 is 3 seconds behind the database's; set it right (NTP)",
        "app-2, process 102 has other secrets than app-1, in [[channels]]",
    ]


def test_pages_that_could_not_be_judged_are_named_with_what_to_do(crew: Crew) -> None:
    with crew.database.transaction():
        for error in ("KeyError", "KeyError", ""):
            unjudged.add(crew.database, "forum", Page((post(ANGRY), post(ANGRY))), NOW)
            claimed = unjudged.claim(crew.database, NOW, timedelta(minutes=1))
            assert claimed is not None
            if error:
                unjudged.set_aside(crew.database, claimed, error, NOW)
    assert list(notes(crew.database)) == [
        "forum: 2 pages with 4 posts could not be judged (KeyError). Please report it; to try again: "
        "earful collect forum"
    ]


def test_words() -> None:
    assert [joined(["a", "b", "c"][:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]
    assert skew_words("app", timedelta(minutes=3)) == "The clock of app is 3 minutes ahead of the database's"
    assert skew_words("app", timedelta(seconds=-2.4)) == "The clock of app is 2 seconds behind the database's"
