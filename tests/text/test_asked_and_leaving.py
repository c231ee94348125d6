"""Who leaves calls people, who asks is heard and is no praise, in every language that the judge has."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connectors import Post
from monitor.text.complaint_signals import LANGUAGES
from monitor.text.features import BrandProfile
from monitor.text.judge import Judge
from monitor.types import Verdict

JUDGE = Judge([BrandProfile("Acme", ("Acme",), competitors=("Globex",))])

LEAVING = {
    "en": """
        We are leaving Acme for Globex
        Moving everything to Globex this weekend, I am done with Acme
        Switching away from Acme after ten years
        cancelled my Acme subscription today
        That was my last order from Acme
        Going with Globex next time, Acme
        We've moved our team off Acme
        Goodbye Acme, hello Globex
        Acme, I cancelled. Enough.
        ditched Acme last week
        thinking of leaving Acme
        Ported my number to Globex, bye Acme
        Acme sent mouldy leaves, no refund, switching to others
        I am switching to somebody else, Acme
        Acme, we are switching to another internet provider
        Moving to a competitor after this, Acme
    """,
    "de": """
        Wir verlassen Acme und gehen zu Globex
        Ich wechsle von Acme zu Globex
        Abo bei Acme gekündigt
        Das war meine letzte Bestellung bei Acme
        Tschüss Acme, ab jetzt bestelle ich bei Globex
        Sind jetzt bei Globex, Acme kann mich mal
        Nach zehn Jahren weg von Acme
    """,
    "es": """
        Dejamos Acme y nos pasamos a Globex
        Me cambio de Acme a Globex
        He cancelado mi suscripción de Acme
        Fue mi último pedido en Acme
        Adiós Acme, me voy con Globex
        Me doy de baja de Acme
    """,
    "fr": """
        Nous quittons Acme pour Globex
        Je passe chez Globex, Acme c'est fini
        J'ai annulé mon abonnement Acme
        C'était ma dernière commande chez Acme
        Adieu Acme
        Je pars de chez Acme
    """,
    "it": """
        Lascio Acme e passo a Globex
        Abbiamo disdetto Acme
        Questo è stato il mio ultimo ordine da Acme
        Addio Acme
        Passiamo a Globex, basta Acme
        Ho cancellato l'abbonamento Acme
    """,
    "pt": """
        Estou saindo da Acme e indo para a Globex
        Cancelei a Acme hoje
        Foi meu último pedido na Acme
        Adeus Acme
        Mudei para a Globex, Acme nunca mais
        Troquei a Acme pela Globex
    """,
    "nl": """
        Wij verlaten Acme en gaan naar Globex
        Ik stap over van Acme naar Globex
        Abonnement bij Acme opgezegd
        Dat was mijn laatste bestelling bij Acme
        Vaarwel Acme
        Overgestapt naar Globex, Acme
    """,
}
STAYING = """
    the display switched to Spanish on my Acme tv
    My Acme switched to night mode
    Leaving the Acme store with a big smile
    Leaving Acme arena now, what a game
    Moving to Berlin, is there an Acme there?
    Just switched to Acme from Globex, love it
    Leaving Globex for Acme
    my last order arrived in two days, thanks Acme
    Goodbye summer, hello Acme pumpkin soup
    Last flight of the day with Acme, nice crew
    switch to the Acme channel now
    switching to another Acme colour today
    My Acme flight was moved to another airline terminal
"""
ASKING = {
    "en": """
        @acme can you send me a receipt? thanks!
        Hi @acme, could I change my delivery address please? Love your shop!
        @acme do you ship to Norway? Thank you so much
        @acme great service last week! Could you tell me when you open on Sunday?
        @acme please cancel my order 123, thanks
        @acme is the blue one back in stock soon? x
        I need an invoice for my order @acme, thank you
        @acme how do I reset my password
    """,
    "de": """
        @acme könnt ihr mir bitte eine Rechnung schicken? Danke!
        Hallo @acme, wann macht ihr am Sonntag auf?
        Liefert Acme auch nach Österreich?
        Gibt es den Acme Wasserkocher auch in Rot?
        @acme bitte meine Adresse ändern, danke
        Wie kann ich bei Acme mein Passwort ändern?
        @acme habt ihr Größe 40 auf Lager?
        Kann man bei Acme mit Karte zahlen?
    """,
    "es": """
        @acme ¿me podéis enviar la factura? ¡Gracias!
        ¿Acme hace envíos a Canarias?
        @acme ¿a qué hora abren el domingo?
        ¿Cómo cambio mi contraseña en Acme?
        @acme necesito cambiar la dirección de mi pedido, gracias
        ¿Tienen talla 40 en Acme?
        ¿Se puede pagar con tarjeta en Acme?
        @acme por favor quiero una copia de mi contrato
    """,
    "fr": """
        @acme pouvez-vous m'envoyer la facture ? merci !
        Acme livre en Belgique ?
        @acme vous ouvrez à quelle heure dimanche ?
        Comment changer mon mot de passe chez Acme ?
        @acme je voudrais modifier mon adresse, merci
        Est-ce que la bouilloire Acme existe en rouge ?
        Peut-on payer par carte chez Acme ?
        @acme avez-vous la taille 40 en stock ?
    """,
    "it": """
        @acme potete mandarmi la fattura? grazie!
        Acme spedisce in Svizzera?
        @acme a che ora aprite domenica?
        Come cambio la password su Acme?
        @acme vorrei cambiare indirizzo di consegna, grazie
        Esiste il bollitore Acme in rosso?
        Si può pagare con carta da Acme?
        @acme avete la taglia 40?
    """,
    "pt": """
        @acme podem me enviar a nota fiscal? obrigada!
        A Acme entrega em Portugal?
        @acme que horas vocês abrem no domingo?
        Como troco minha senha na Acme?
        @acme preciso mudar o endereço do pedido, obrigado
        A chaleira Acme existe em vermelho?
        Dá para pagar com cartão na Acme?
        @acme vocês têm tamanho 40?
    """,
    "nl": """
        @acme kunnen jullie mij de factuur sturen? bedankt!
        Levert Acme ook in België?
        @acme hoe laat gaan jullie zondag open?
        Hoe wijzig ik mijn wachtwoord bij Acme?
        @acme ik wil graag mijn adres wijzigen, dank
        Is de Acme waterkoker er ook in rood?
        Kun je bij Acme met kaart betalen?
        @acme hebben jullie maat 40?
    """,
}
BITTER = """
    Thanks a lot, your update bricked my tv @acme
    Love how your app deleted my photos, thanks Acme
    Great, Acme, you drove over my bike. Amazing service!
    Thank you Acme for the flooded kitchen, love it
    @acme thanks for scratching my new car, wonderful job
    Awesome @acme, my cake arrived upside down, thank you!
"""


def lines(of: dict[str, str]) -> list[tuple[str, str]]:
    return [(code, line.strip()) for code, block in of.items() for line in block.strip().splitlines()]


def judged(text: str, language: str = "en") -> Verdict:
    moment = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
    return JUDGE.verdict(Post("x", "1", "", "someone", text.strip(), moment, lang=language), "Acme")


def test_every_language_that_is_judged_has_lines_here() -> None:
    assert set(LEAVING) == set(ASKING) == set(LANGUAGES)


@pytest.mark.parametrize(("language", "text"), lines(LEAVING))
def test_who_leaves_calls_people(language: str, text: str) -> None:
    found = judged(text, language)
    assert found.lane == "ping"
    assert found.churn


@pytest.mark.parametrize("text", STAYING.strip().splitlines())
def test_who_stays_or_comes_does_not(text: str) -> None:
    assert judged(text).lane != "ping"


@pytest.mark.parametrize(("language", "text"), lines(ASKING))
def test_who_asks_us_is_heard_and_is_no_praise(language: str, text: str) -> None:
    found = judged(text, language)
    assert (found.lane != "none", found.praise) == (True, False)


@pytest.mark.parametrize("text", BITTER.strip().splitlines())
def test_thanks_with_damage_in_them_are_shown_and_are_no_praise(text: str) -> None:
    found = judged(text)
    assert (found.lane != "none", found.praise) == (True, False)


def test_a_competitor_counts_both_ways() -> None:
    assert judged("switched to Globex yesterday, Acme").churn
    assert not judged("switched from Globex yesterday, hello Acme").churn


def test_who_sells_or_seeks_a_used_thing_of_ours_asks_nothing_of_us() -> None:
    asked = {"anybody selling a used Acme lamp?": False, "Anyone want our old Acme lamp? Free": False}
    asked |= {"anybody know where Acme is selling the new lamp?": True, "does Acme buy lamps back?": True}
    judge = Judge([BrandProfile("Acme", ("Acme",))])
    found = {
        text: judge.verdict(Post("x", "1", "", "a", text, datetime(2026, 11, 3, tzinfo=UTC)), "Acme").reasons
        for text in asked
    }
    assert {text: "asks you a question" in reasons for text, reasons in found.items()} == asked


def test_the_words_by_which_somebody_leaves_hold_nothing_that_stands_for_a_name() -> None:
    """An alert said "says: am leaving thisbrand"."""
    assert judged("I am leaving Acme too, cancelled my contract, worst").churn == (
        "am leaving …",
        "cancelled my contract",
    )
