"""What the form of an issue begins with names nobody, and leads to a page behind the login."""

from __future__ import annotations

import pytest

from monitor.cases import actions
from monitor.people.actors import NotPossible
from monitor.people.identity import of_settings
from monitor.privacy import forgetting, holds
from monitor.trackers import prefill
from monitor.trackers.clients import Subject
from tests.helpers import post, take
from tests.trackers.world import World

HOSTILE = (
    "@zara_9 here: Acme kettle burst, awful! Ask Zara Quinn, zara@quinn.example or +44 20 7946 0958, order AC-1234567, "
    "https://quinn.example/photo. @acme_care you never answer. <!-- --> ]]> @here"
)


def test_a_case_is_told_in_the_customers_words_without_the_customer(here: World) -> None:
    (number,) = take(here.assembly, post(HOSTILE, author="@zara_9", author_name="Zara Quinn"))
    actions.say(
        here.database, here.assembly.rules, number, "wants", who="Ana", way="page", now=here.clock(),
        detail={"text": "zara_9 wants a refund\nsoon"},
    )  # fmt: skip
    made = prefill.of(here.database, here.assembly.rules, Subject(case_id=number))
    whole = f"{made.title}\n{made.text}"
    for name in ("zara", "Zara", "Quinn", "quinn", "7946", "1234567", "photo", "@here"):
        assert name not in whole
    assert "@acme_care you never answer" in made.text, "our own account is nobody's name"
    assert "kettle burst" in made.text
    assert "What they want: [name] wants a refund soon" in made.text
    assert made.text.endswith(f"http://127.0.0.1:8321/cases/{number}")
    assert "A customer of Acme wrote on 4 Mar 2026 (forum):" in made.text
    assert all(line.startswith("> ") for line in made.text.splitlines() if "burst" in line)


def test_a_case_with_a_cause_is_titled_by_it(here: World) -> None:
    made = prefill.of(here.database, here.assembly.rules, Subject(case_id="2"))
    assert made.title == "Customer report: Late or missing delivery"
    (number,) = take(here.assembly, post("Acme zzz zzz qqq, awful awful " * 30, author="lou"))
    made = prefill.of(here.database, here.assembly.rules, Subject(case_id=number))
    assert made.title.startswith("Customer report: Acme zzz")
    assert len(made.title) <= prefill.TITLE


def test_a_problem_is_told_with_its_figures_and_three_voices(here: World) -> None:
    for author, words in (("kay2", "again"), ("lou", "a month late"), ("ann", "not even a letter")):
        take(here.assembly, post(f"Acme my order never arrived, {words}, awful service", author=author))
    made = prefill.of(here.database, here.assembly.rules, here.problem)
    assert made.title == "Late or missing delivery: 6 people since 4 Mar 2026"
    assert '6 people wrote about "Late or missing delivery" (Acme) since 4 Mar 2026.' in made.text
    assert sum(line.startswith("> ") for line in made.text.splitlines()) == prefill.VOICES
    for name in ("mira", "kay", "tom ", "1234567"):
        assert name not in made.text
    assert made.text.endswith("http://127.0.0.1:8321/problems/1")
    assert "answered" not in made.text, "how late we are is nobody's business in public"


def test_what_is_not_there_or_may_not_be_told_is_said(here: World) -> None:
    def why(subject: Subject) -> str:
        with pytest.raises(NotPossible) as raised:
            prefill.of(here.database, here.assembly.rules, subject)
        return str(raised.value)

    assert "there is no case 99" in why(Subject(case_id="99"))
    assert "no such problem" in why(Subject(problem=99))
    holds.hold(here.database, here.case_id, "a claim", 30, who=of_settings("Lea"), way="page", now=here.clock())
    assert "is on hold" in why(here.case)
    forgetting.erase(here.database, here.assembly.rules, "forum", "mira", who="Lea", way="page", now=here.clock())
    assert "was deleted" in why(Subject(case_id="2"))
