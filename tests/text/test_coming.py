"""Who switches to us is no farewell, in any language; who switches away from us still is."""

from __future__ import annotations

import pytest

from monitor.text.features import BrandProfile
from monitor.text.judge import Judge
from monitor.types import Verdict
from tests.helpers import post

JUDGE = Judge([BrandProfile("Voltea", ("Voltea",), competitors=("Globex",))])


def verdict(text: str, language: str) -> Verdict:
    return JUDGE.verdict(post(text, lang=language), "Voltea")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("thinking of switching to Voltea", "en"),
        ("we are switching to Voltea", "en"),
        ("I'm switching to Voltea next month", "en"),
        ("Me cambio a Voltea", "es"),
        ("Estoy pensando en cambiarme a Voltea", "es"),
        ("Ik stap over naar Voltea", "nl"),
        ("Ik denk erover om naar Voltea te gaan", "nl"),
        ("Wir wechseln zu Voltea", "de"),
        ("Bin am Überlegen, zu Voltea zu wechseln", "de"),
        ("Je quitte EDF pour Voltea", "fr"),
        ("Je change d'opérateur pour passer chez Voltea", "fr"),
        ("Lascio Enel e passo a Voltea", "it"),
        ("Vou mudar para a Voltea", "pt"),
    ],
)
def test_who_comes_to_us_does_not_leave(text: str, language: str) -> None:
    """Each of them was told as "may leave", and most of them called people."""
    found = verdict(text, language)
    assert found.churn == ()
    assert found.lane != "ping"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("I'm switching from Voltea to Monzo", "en"),
        ("thinking of leaving Voltea", "en"),
        ("switching away from Voltea to Globex", "en"),
        ("cancelled my subscription to Voltea", "en"),
        ("I've said goodbye to Voltea, switching today", "en"),
        ("Me cambio de Voltea a otra", "es"),
        ("Me voy de Voltea", "es"),
        ("Ik stap over van Voltea naar een ander", "nl"),
        ("Ik denk erover om over te stappen, Voltea is te duur", "nl"),
        ("Wir wechseln von Voltea zu einem anderen", "de"),
        ("Je pars de chez Voltea", "fr"),
        ("Je quitte Voltea pour EDF", "fr"),
        ("Cambio operatore, Voltea è troppo cara", "it"),
    ],
)
def test_who_leaves_us_is_still_heard(text: str, language: str) -> None:
    assert verdict(text, language).churn
