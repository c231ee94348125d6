"""Who looks for something else than a competitor; makers and lists of ten are none."""

from __future__ import annotations

import pytest

from monitor.text.leads import is_lead

NAMES = ("Globex", "globex cloud")


@pytest.mark.parametrize(
    "text",
    [
        "Looking for an alternative to Globex, preferably self-hosted",
        "Can anyone recommend a good alternative to @globex? Their prices doubled.",
        "any decent Globex alternatives out there?",
        "We're moving away from Globex after the outage. What do you use?",
        "So fed up with Globex Cloud. Any recommendations for a small team?",
        "what would you use instead of globex for invoices",
        "Ich suche eine Alternative zu Globex, kennt ihr was?",
        "Wir wollen weg von Globex. Empfehlungen?",
        "Je cherche une alternative à Globex pour mon asso",
        "Busco una alternativa a Globex, ¿alguna idea?",
        "Cerco un'alternativa a Globex, consigli?",
        "Procuro uma alternativa ao Globex",
        "Ik zoek een alternatief voor Globex",
    ],
)
def test_somebody_who_looks_for_something_else_is_a_lead(text: str) -> None:
    assert is_lead(text, NAMES)


@pytest.mark.parametrize(
    "text",
    [
        "Top 10 alternatives to Globex in 2026",
        "We built an open source alternative to Globex, try our free trial",
        "Acme is a great alternative to Globex",
        "Globex is down again, unbelievable",
        "I switched from Globex to Acme last year and never looked back",
        "Looking for an alternative to Initech",
        "I love Globex, what a great tool!",
        "Any chargers left at the Globex store? Anyone know?",
        "Alternative rock at the Globex arena tonight",
        "",
    ],
)
def test_what_only_names_a_competitor_or_sells_another_one_is_none(text: str) -> None:
    assert not is_lead(text, NAMES)


def test_without_a_name_nothing_is_a_lead_and_a_long_text_ends() -> None:
    assert not is_lead("Looking for an alternative to Globex", ())
    assert not is_lead("looking for " * 100_000, NAMES)
