"""Who is one person in figures, by the account where a network tells it, and who is none."""

from __future__ import annotations

from monitor.privacy import forgetting
from monitor.store.persons import person, voice
from monitor.wiring import Assembly
from tests.helpers import BROKEN, LATE, NOW, post, take


def counted(acme: Assembly) -> tuple[int, int]:
    """How many people wrote, and how many of them in words of their own."""
    row = acme.database.row(
        f"SELECT count(DISTINCT {person('a', 'b')}) AS people, count(DISTINCT {voice('a', 'b')}) AS voices "
        "FROM mentions a JOIN posts b ON b.id = a.post_id"
    )
    assert row is not None
    return row["people"], row["voices"]


def test_an_account_is_one_person_by_whatever_handle(acme: Assembly) -> None:
    take(acme, post(LATE, author="olga", author_id="7"), post(BROKEN, author="olga_new", author_id="7"))
    assert counted(acme) == (1, 1)
    take(acme, post(LATE, author="olga", author_id="8"), post(BROKEN, author="mira"), post(LATE, author="mira"))
    assert counted(acme) == (3, 3)


def test_the_same_handle_on_another_source_is_somebody_else(acme: Assembly) -> None:
    take(acme, post(LATE, author="olga"), post(BROKEN, author="olga", source="chirp"))
    assert counted(acme) == (2, 2)


def test_whoever_is_forgotten_is_counted_by_their_case(acme: Assembly) -> None:
    take(acme, post(LATE, author="olga"), post(BROKEN, author="mira"))
    take(acme, post(f"RT @mira {BROKEN}", author="kay"))
    assert counted(acme) == (3, 2)
    for name in ("olga", "mira"):
        forgetting.erase(acme.database, acme.rules, "forum", name, who="Ana", way="page", now=NOW)
    assert counted(acme) == (3, 2)
