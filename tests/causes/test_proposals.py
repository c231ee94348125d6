"""What fits no cause is proposed by the words that several people share."""

from __future__ import annotations

from typing import Any

from monitor.causes import listing, proposals
from monitor.people.identity import of_page
from monitor.wiring import Assembly
from tests.helpers import DAY, NOW, post, take


def row(number: int, text: str, author: str = "") -> dict[str, Any]:
    return {"id": f"m{number}", "case_id": str(number), "person": f"forum/{author or f'a{number}'}",
            "text": text, "title": ""}  # fmt: skip


def test_words_that_three_people_share_are_proposed_once() -> None:
    rows = [row(n, f"the purple lids of batch {n} squeak") for n in range(4)]
    rows += [row(n, text) for n, text in enumerate(("one thing", "another matter", "quite unlike", "a third"), 10)]
    found = proposals.propose(rows)
    assert [(each.words, each.people) for each in found] == [("purple lids", 4)]
    assert len(found[0].cases) == 3


def test_one_person_four_times_is_no_proposal_nor_is_what_everybody_says() -> None:
    assert proposals.propose([row(n, "purple lids", "same") for n in range(4)]) == []
    assert proposals.propose([row(n, f"terrible {'abcdefgh'[n] * 5}") for n in range(8)]) == []


def test_words_that_say_nothing_name_no_cause() -> None:
    texts = (
        "it's nothing for {}, you don't",
        "it's more with {} and doesn't {}",
        "that's your {} which they don't have",
    )
    rows = [row(n, texts[n % 3].format("abcdefgh"[n] * 6, "hgfedcba"[n] * 5)) for n in range(8)]
    assert proposals.propose(rows + [row(n, "rain") for n in range(20, 50)]) == []


def test_a_dismissed_proposal_does_not_come_back(acme: Assembly) -> None:
    texts = [f"Acme these zibbel lids squeak terribly number {n}, awful" for n in range(4)]
    take(acme, *(post(text, author=f"a{n}") for n, text in enumerate(texts)))
    (first, *_) = proposals.proposals(acme.database, "Acme", NOW)
    assert first.people >= 3
    listing.dismiss(acme.database, "Acme", "zibbel lids squeak terribly number awful these", of_page("Ana"), NOW)
    assert proposals.proposals(acme.database, "Acme", NOW) == []
    assert proposals.proposals(acme.database, "Acme", NOW + 60 * DAY) == []
