"""No word is critical by itself: our product did the harm, or one of our customers suffers it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors import Post
from monitor.text.features import BrandProfile
from monitor.text.judge import Judge, JudgeInput
from monitor.text.likely_harm import HarmModel
from tests.helpers import post

JUDGE = Judge([BrandProfile("Acme", ("Acme",), competitors=("Globex",))])

HARM = {
    "en": """
        smoke coming out of the Acme heater
        Acme kettle gave me an electric shock
        The Acme charger exploded next to my bed
        found glass in my Acme yoghurt
        My acme account was hacked and they changed my email
        The Acme stroller folded and my son was injured
        got food poisoning from Acme sushi
        someone elses address on my Acme invoice
        Acme app shows me another customers orders
        Acme brake failed and I ended up in hospital
        acme toaster caught fire lol
        @acme your site has an sql injection, I tried to report it
    """,
    "de": """
        Acme Heizung hat Feuer gefangen
        Mein Sohn wurde durch das Acme Rad verletzt
    """,
    "es": "El cargador de Acme explotó y me quemó la mano",
    "fr": "Mon vélo Acme a pris feu dans le garage",
    "it": "Il caricatore Acme è esploso in camera mia",
    "pt": "A bateria da Acme pegou fogo na minha sala",
    "nl": "De accu van Acme is ontploft in mijn schuur",
}
TALK = {
    "en": """
        soon a lawyer! celebrating with acme cake
        a journalist recommended acme to me
        acme wifi is a data leak waiting to happen lol
        My sister is a lawyer at Acme and loves it
        working in the hospital, Acme soup kept me alive
        Acme data protection conference tomorrow
        Watching a crime show about fraud with Acme popcorn
        This Acme song is exploding on tiktok
        New vulnerability scanner by Acme released
        my injury kept me home, Acme series binge
        Acme wins lawsuit against Globex
        zero day until acme fest
        Police report: stolen car found near Acme
        Nobody was injured, well done Acme drivers
        There was no data breach at Acme, I asked
    """,
    "de": """
        Bald Anwalt! Acme Kuchen zur Feier
        Ein Journalist hat Acme empfohlen
        Acme spendet an das Krankenhaus
    """,
    "es": "Un periodista recomendó Acme",
    "fr": "Un journaliste m'a conseillé Acme",
    "it": "Acme vince in tribunale contro Globex",
    "pt": "O advogado da série usa um Acme",
    "nl": "Een advocaat in de familie, feest met Acme",
}


def lines(of: dict[str, str]) -> list[tuple[str, str]]:
    return [(code, line.strip()) for code, block in of.items() for line in block.strip().splitlines()]


def critical(text: str, language: str) -> bool:
    moment = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
    return JUDGE.verdict(Post("x", "1", "", "someone", text, moment, lang=language), "Acme").critical


@pytest.mark.parametrize(("language", "text"), lines(HARM))
def test_harm_that_happened_to_one_of_ours_is_critical(language: str, text: str) -> None:
    assert critical(text, language)


@pytest.mark.parametrize(("language", "text"), lines(TALK))
def test_a_word_that_only_names_a_matter_is_not(language: str, text: str) -> None:
    assert not critical(text, language)


MATTERS = {
    "law": """
        en @acme I will see you in court
        en @acme I am talking to my lawyer, expect a lawsuit
        en Filed a complaint about Acme with the ombudsman this morning
        de @acme ich gehe zum Anwalt, ihr habt mich betrogen
        fr @acme je vais porter plainte, escroquerie !
        es @acme mañana pongo la demanda
        it Acme, ho dato tutto in mano al mio avvocato
        pt @acme amanhã entro no juizado
        nl @acme mijn advocaat stuurt jullie maandag een brief
    """,
    "press": """
        en @acme I'm a reporter with the Post, writing a story about your refunds
        en Working on a piece about Acme, who can comment before six?
        de @acme Redaktion Abendkurier, an wen kann ich mich wenden?
        fr @acme je suis journaliste, qui contacter pour une réaction ?
        es @acme soy periodista, ¿con quién hablo?
        it @acme sono una giornalista, chi posso contattare?
        pt @acme sou jornalista, com quem posso falar?
        nl @acme ik ben journalist, wie kan ik spreken?
    """,
    "money": """
        en @acme unauthorised payments on my account, this is fraud
        en Acme took the 40 euros twice and I see no refund
        de @acme ihr habt doppelt abgebucht
        fr @acme vous m'avez débité deux fois
        es @acme me habéis cobrado dos veces
        it @acme mi avete addebitato due volte il canone
        pt @acme vocês me cobraram duas vezes
        nl @acme jullie hebben dubbel afgeschreven
    """,
}


@pytest.mark.parametrize(
    ("tag", "language", "text"),
    [(tag, *line.strip().split(" ", 1)) for tag, block in MATTERS.items() for line in block.strip().splitlines()],
)
def test_law_press_and_money_call_people_and_ring_at_no_night(tag: str, language: str, text: str) -> None:
    moment = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
    found = JUDGE.verdict(Post("x", "1", "", "someone", text, moment, lang=language), "Acme")
    assert (found.lane, found.critical) == ("ping", False)
    assert tag in found.tags


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("pt", "Meu advogado anda de Acme kkkkk que tempos"),
        ("en", "My lawyer has the same Acme sofa as me, awkward"),
        ("de", "Mein Anwalt hat jetzt auch den Acme Sessel"),
        ("fr", "mon avocat utilise Acme pour ses dossiers"),
        ("en", "a reporter at my old paper built their newsroom on Acme, neat read"),
    ],
)
def test_law_and_press_that_are_only_named_are_no_matter(language: str, text: str) -> None:
    moment = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
    found = JUDGE.verdict(Post("x", "1", "", "someone", text, moment, lang=language), "Acme")
    assert not {"law", "press"} & set(found.tags)


def test_what_is_looked_at_no_further_would_be_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most posts are left where no part of a harm begins and no word is near one: all else would say the same."""
    folder = Path(__file__).parent
    texts = [
        part
        for name in ("asked_lines.tsv", "critical_lines.tsv", "harmless_lines.tsv")
        for line in (folder / name).read_text(encoding="utf-8").splitlines()
        for part in line.split("\t")
        if " " in part
    ]
    posts = [
        Post("x", str(number), "", "someone", text, datetime(2026, 11, 22, tzinfo=UTC), lang=language)
        for number, text in enumerate(texts)
        for language in ("", "de", "pt")
    ]
    asked = [JudgeInput(post, "Acme") for post in posts]
    quick = JUDGE.verdicts(asked)
    monkeypatch.setattr(HarmModel, "is_far", lambda _model, _by_words: False)
    slow = JUDGE.verdicts(asked)
    assert quick == slow
    assert {verdict.critical for verdict in quick} == {True, False}


WEIGHTLESS = Judge([BrandProfile("Acme", ("Acme",))])


@pytest.mark.parametrize(
    "text",
    [
        "Acme support chat closed on me twice",
        "the Acme app locked up on me again",
        "Acme's website fell over while I was paying",
        "my Acme account got locked up on me",
        "Acme call dropped on me after an hour",
        "the Acme export just fell apart on me",
        "my Acme connection came apart on me",
    ],
)
def test_what_has_no_weight_hurts_nobody(text: str) -> None:
    """A chat that closed woke people at night as injury or danger."""
    assert not WEIGHTLESS.verdict(post(text, lang="en"), "Acme").critical


@pytest.mark.parametrize(
    "text",
    [
        "Acme bench closed on me and trapped my arm",
        "the Acme rack came down on me",
        "Acme wardrobe fell over on me",
        "Acme lift doors closed on me",
        "the Acme treadmill locked up on me and I went flying",
        "checked the Acme app while the shelf came down on me",
    ],
)
def test_what_has_weight_still_calls(text: str) -> None:
    assert WEIGHTLESS.verdict(post(text, lang="en"), "Acme").critical
