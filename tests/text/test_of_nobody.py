"""In the languages that no model knows: what names nobody, what is felt about us in passing, what asks us at its end.

Every line was written for this file.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connectors import Post
from monitor.text.features import BrandProfile
from monitor.text.judge import Judge
from monitor.types import Verdict

MOMENT = datetime(2026, 11, 3, tzinfo=UTC)
JUDGE = Judge([BrandProfile("Orvana", ("Orvana",))])


def judged(text: str, language: str, brand: str = "Orvana", **more: str) -> Verdict:
    return JUDGE.verdict(Post("q", "1", "", "a", text, MOMENT, lang=language, **more), brand)


@pytest.mark.parametrize(
    ("language", "small_talk"),
    [
        ("de", "Ich hasse Montage"),
        ("fr", "quelle chaleur, je déteste ça"),
        ("it", "che palle questa pioggia"),
        ("es", "qué asco de lunes"),
        ("pt", "odeio acordar cedo"),
        ("nl", "ik haat regen"),
        ("hi", "aaj bahut bura din tha"),
    ],
)
def test_what_names_nobody_counts_for_less_where_it_is_known_whom_we_listen_for(language: str, small_talk: str) -> None:
    assert judged(small_talk, language).needs_answer < judged(small_talk, language, brand="").needs_answer
    reply = judged(small_talk, language, parent_id="7")
    assert reply.needs_answer == judged(small_talk, language, brand="").needs_answer, "it may well be about us"


def test_our_name_may_stand_in_letters_that_settings_do_not_tell() -> None:
    assert judged("اكره يوم الاحد", "ar").needs_answer == judged("اكره يوم الاحد", "ar", brand="").needs_answer


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Ohne Orvana wäre mein Sonntag halb so lang"),
        ("it", "senza Orvana la domenica dura la metà"),
        ("fr", "sans Orvana mon dimanche serait plus court"),
        ("pt", "sem Orvana meu domingo acaba antes"),
        ("nl", "zonder Orvana is mijn zondag korter"),
    ],
)
def test_small_words_say_little_of_a_company(language: str, text: str) -> None:
    assert judged(text, language).lane != "ping"
    assert judged(text, language).needs_answer < 0.5


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "wie komme ich an meine alten Belege @orvana"),
        ("it", "come cambio la sede del corso @orvana"),
        ("fr", "comment on change de casier @orvana"),
        ("es", "cómo cambio la fecha de la visita @orvana"),
        ("nl", "hoe wijzig ik mijn afspraak @orvana"),
        ("hi", "नाम कैसे बदलूँ कार्ड पर @orvana"),
    ],
)
def test_who_asks_before_our_handle_waits_for_an_answer(language: str, text: str) -> None:
    asked = judged(text, language)
    assert asked.lane == "ping"
    assert judged(text.replace("@orvana", "@marta"), language).needs_answer < asked.needs_answer


def test_as_ever_asks_nothing() -> None:
    assert judged("come sempre serata splendida @orvana", "it").lane != "ping"


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "der Reisverschluss der Orvana Jacke klemmt, Händler verweist an den Hersteller"),
        ("it", "la porta del forno Orvana traballa ancora dopo due tecnici"),
        ("fr", "le pied de la lampe Orvana bouge encore"),
        ("es", "la app de Orvana no reconoce mi carné"),
        ("pt", "a porta do armário Orvana continua solta"),
        ("nl", "mijn pasje van Orvana wordt niet herkend"),
    ],
)
def test_what_is_told_quietly_calls_people(language: str, text: str) -> None:
    assert judged(text, language).lane == "ping"


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Orvana ist super, ein dunkler Modus wäre noch schön"),
        ("it", "Orvana comoda, manca solo la ricerca"),
        ("fr", "Orvana est top, il manque juste la recherche"),
        ("es", "Orvana va bien, solo falta un buscador"),
        ("pt", "Orvana é ótimo, só falta a busca"),
        ("nl", "Orvana is fijn, alleen nog een zoekfunctie"),
        ("ar", "ياريت اورفانا Orvana يضيف بحث"),
        ("hi", "Orvana अच्छा है, खोज भी जोड़ दो"),
    ],
)
def test_a_wish_is_listed(language: str, text: str) -> None:
    assert judged(text, language).lane in {"sweep", "ping"}


def test_a_mere_feeling_about_us_calls_people_only_when_it_is_strong() -> None:
    assert judged("el anuncio de Orvana me hizo llorar en el metro", "es").lane == "sweep"
    assert judged("Orvana es una basura, qué vergüenza, qué asco de empresa", "es").lane == "ping"
