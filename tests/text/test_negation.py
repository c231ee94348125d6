"""What a "not" takes back is no complaint, in every language that the judge has; and what it does not take back is one.

Every line was written for this file. A content person calls nobody; a cross one is never lost for a "not" in the text.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connectors import Post
from monitor.text.complaint_signals import BRAND, LANGUAGES, cues_for, signals_of
from monitor.text.features import BrandProfile
from monitor.text.judge import Judge

JUDGE = Judge([BrandProfile("Acme", ("Acme",))])

CONTENT = {
    "en": """
        In six years my Acme router has never crashed
        Acme has not lost a single parcel of mine
        Never had any trouble with the Acme app, not once
        Zero problems with Acme so far
        Not a single delay with Acme this year
        The Acme tent doesn't leak and the zip hasn't broken
        No bugs, no crashes, no lag: the new Acme release
        My Acme drill isn't broken after ten years of use
        Acme didn't lose my luggage, I take it all back
        I haven't experienced any errors with Acme
        Acme never overcharged me, never ignored me
        No hidden fees at Acme, no nonsense
        The Acme courier wasn't late even once
        Nothing was damaged, thank you Acme
        Nobody at Acme was rude to us
        Hardly any delays on Acme trains lately
        Acme support has never been unhelpful
        My Acme phone never overheats or freezes
        Haven't had one complaint about the Acme bikes
        Acme is not a scam, I got what I ordered
        Neither late nor damaged, well done Acme
        I don't get the Acme hate, works fine here
        Acme isn't that bad, really
        The Acme parcel did not arrive damaged
        Can't say I have ever had problems with Acme
        My Acme account was never hacked, never blocked
        There wasn't any delay at Acme today
        We have had no issues whatsoever with Acme
        Not disappointed with my Acme bag at all
        I've never regretted buying Acme
        Acme never once cancelled my train
        The update did not break anything, good job Acme
        The Acme hotel room wasn't dirty at all, quite the opposite
        Rarely a problem with Acme, and I order weekly
        Acme kettle, three years, no leaks, no faults
    """,
    "de": """
        Seit sechs Jahren kein einziger Ausfall bei Acme
        Mein Acme Router ist noch nie abgestürzt
        Bei Acme hatte ich noch nie Probleme
        Ich hatte mit Acme nie ein Problem
        Die Acme App hat keine Fehler, läuft super
        Keine Verspätung, kein Ärger: danke Acme
        Acme hat noch nie ein Paket verloren
        Ohne Verspätung angekommen mit Acme
        Das Paket von Acme war nicht beschädigt
        Acme hat mich nie enttäuscht
        Keine einzige Beschwerde über Acme
        Null Probleme mit Acme
        Acme ist kein Betrug, alles kam an
        Weder Verspätung noch Ausfall bei Acme diese Woche
        Der Acme Fahrer war nicht unfreundlich
        Mit Acme gab es bisher keine Störung
        Bei Acme wurde ich noch nie abgezockt
        Acme ist gar nicht so schlecht
        Keine versteckten Kosten bei Acme
        Mein Acme Rad war in fünf Jahren nie defekt
    """,
    "es": """
        Nunca he tenido problemas con Acme
        Acme nunca me ha fallado en diez años
        Ni un solo retraso con Acme este año
        Sin ningún problema con la app de Acme
        No he tenido ninguna queja de Acme
        La tienda de Acme no es una estafa, llegó todo
        Acme jamás perdió un paquete mío
        Cero retrasos con Acme
        Mi móvil Acme no se ha roto nunca
        Nada de retrasos ni problemas con Acme
        No hubo retraso con Acme hoy
        La aplicación de Acme no tiene errores
        Acme no me decepcionó
        Ninguna queja del servicio de Acme
        El pedido de Acme no llegó roto, todo perfecto
        Sin demoras y sin problemas, Acme
        Nunca me han cobrado dos veces en Acme
        La comida de Acme no estaba fría
    """,
    "fr": """
        Jamais eu de problème avec Acme
        Aucun retard avec Acme cette année
        Acme n'a jamais perdu mon colis
        Je n'ai jamais été déçue par Acme
        Pas une seule panne en cinq ans avec Acme
        Sans aucun retard, merci Acme
        Zéro bug dans l'appli Acme
        Acme n'est pas une arnaque, tout est arrivé
        Aucune plainte sur Acme
        Pas de panne ni de retard chez Acme
        Le livreur Acme n'était pas en retard
        Mon vélo Acme n'a jamais été en panne
        Rien de cassé dans le colis Acme
        Acme ne m'a jamais arnaqué
        Aucune mauvaise surprise avec Acme
        Je n'ai pas eu de souci avec Acme
        L'appli Acme ne plante jamais
        Le colis Acme n'est pas arrivé cassé
    """,
    "it": """
        Mai avuto un problema con Acme
        Acme non ha mai perso un mio pacco
        Nessun ritardo con Acme quest'anno
        Senza alcun problema con la app di Acme
        Acme non è una truffa, è arrivato tutto
        Mai un ritardo con Acme
        La mia lavatrice Acme non si è mai rotta
        Acme non mi ha mai deluso
        Zero ritardi con Acme
        Nessuna lamentela su Acme
        Niente ritardi e nessun problema, grazie Acme
        Il pacco Acme non era danneggiato
        Non ho avuto nessun guasto con Acme
        Con Acme non ho mai avuto disservizi
        Il corriere Acme non era in ritardo
        Nemmeno un errore nella fattura Acme
    """,
    "pt": """
        Nunca tive problema com a Acme
        A Acme nunca me decepcionou
        Nenhum atraso com a Acme este ano
        Sem nenhum problema no app da Acme
        A Acme não é golpe, chegou tudo
        O app da Acme nunca travou
        Zero atrasos com a Acme
        Nenhuma reclamação da Acme
        A Acme não perdeu nenhuma encomenda minha
        Não tive nenhum problema com a Acme
        Sem atraso e sem dor de cabeça com a Acme
        Minha geladeira Acme nunca quebrou
        A Acme nunca me cobrou duas vezes
        O pedido da Acme não veio quebrado
        Nem um erro na fatura da Acme
        O entregador da Acme não foi grosso
    """,
    "nl": """
        Nog nooit problemen gehad met Acme
        Acme heeft nog nooit een pakket verloren
        Geen enkele vertraging met Acme dit jaar
        Zonder problemen geleverd door Acme
        Nul storingen bij Acme
        Acme is geen oplichting, alles kwam aan
        Nooit een klacht over Acme
        De app van Acme crasht nooit
        Mijn fiets van Acme is nog nooit kapot gegaan
        Acme heeft mij nooit teleurgesteld
        Geen gedoe en geen vertraging, dank Acme
        Het pakket van Acme was niet beschadigd
        Met Acme heb ik nooit storing gehad
        Niets kapot in het pakket van Acme
        De bezorger van Acme was niet te laat
        Geen verborgen kosten bij Acme
    """,
}

CROSS = {
    "en": """
        Acme never fixed my broken screen and won't refund me
        I never had a problem with Acme until today, now my account is gone
        @acme please don't cancel my flight again
        Don't lose my luggage again @acme
        I have never seen such a terrible service, Acme
        My Acme app never stops crashing, fix it
        Not only did Acme lose my bag, they blamed me for it
        Acme flights are never without delays
        Acme has not refunded me and nobody answers
        No refund, no apology, no answer from Acme
        Acme never answers and the app crashes
        Why don't you fix the broken login, Acme?
        Acme doesn't care that my parcel was lost
        I can't believe Acme lost my parcel
        Never had a worse experience than with Acme
        No compensation from Acme after a cancelled flight
        Acme does not work, error 500 all day
        Nothing but problems with Acme
        It's not just the delay, Acme, nobody told us anything
        I don't want excuses Acme, I want my money back
    """,
    "de": """
        Ich hatte nie Probleme mit Acme, bis heute: Konto gesperrt
        Acme hat das kaputte Display nicht repariert und antwortet nicht
        Noch nie so einen schlechten Service erlebt wie bei Acme
        Kein Geld zurück von Acme, keine Antwort
        Nichts als Ärger mit Acme
        Warum könnt ihr den Fehler nicht beheben, Acme?
        Acme ist nie ohne Verspätung, eine Frechheit
        Acme meldet sich nicht, Paket verloren
    """,
    "es": """
        Nunca tuve problemas con Acme hasta hoy, me han bloqueado la cuenta
        Acme no arregla el error y nadie responde
        Nunca he visto un servicio tan malo como el de Acme
        Sin reembolso y sin respuesta de Acme
        Acme no funciona, error todo el día
        No me devuelven el dinero de un vuelo cancelado, Acme
    """,
    "fr": """
        Jamais eu de problème avec Acme jusqu'à aujourd'hui, compte bloqué
        Acme ne répond pas, colis perdu
        Je n'ai jamais vu un service aussi nul, Acme
        Pas de remboursement, aucune réponse d'Acme
        L'appli Acme ne marche pas, erreur toute la journée
        Acme n'est jamais sans retard, honteux
    """,
    "it": """
        Mai avuto problemi con Acme fino a oggi, account bloccato
        Acme non risponde, pacco perso
        Non ho mai visto un servizio così pessimo, Acme
        Nessun rimborso e nessuna risposta da Acme
        La app Acme non funziona, errore tutto il giorno
        Acme non risolve il problema e nessuno risponde
    """,
    "pt": """
        Nunca tive problemas com a Acme até hoje, conta bloqueada
        A Acme não responde, encomenda perdida
        Nunca vi um atendimento tão ruim como o da Acme
        Sem reembolso e sem resposta da Acme
        O app da Acme não funciona, erro o dia todo
        A Acme não resolve o problema e ninguém responde
    """,
    "nl": """
        Nooit problemen gehad met Acme tot vandaag, account geblokkeerd
        Acme reageert niet, pakket kwijt
        Nog nooit zo'n slechte service gehad als bij Acme
        Geen geld terug en geen antwoord van Acme
        De app van Acme werkt niet, de hele dag storing
        Acme lost het probleem niet op en niemand reageert
    """,
}


def lines(of: dict[str, str]) -> list[tuple[str, str]]:
    return [(code, line.strip()) for code, block in of.items() for line in block.strip().splitlines()]


def lane_of(text: str, language: str) -> str:
    moment = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
    return JUDGE.verdict(Post("x", "1", "", "someone", text, moment, lang=language), "Acme").lane


def complaints(text: str, language: str) -> list[str]:
    signals = signals_of(text.replace("Acme", BRAND), cues_for(language))
    return [cue.words for cue in signals.cues if cue.kind.weight >= 1.1]


def test_every_language_that_is_judged_has_lines_here() -> None:
    assert set(CONTENT) == set(CROSS) == set(LANGUAGES)


@pytest.mark.parametrize(("language", "text"), lines(CONTENT))
def test_what_is_denied_is_no_complaint_and_calls_nobody(language: str, text: str) -> None:
    assert complaints(text, language) == []
    assert lane_of(text, language) != "ping"


@pytest.mark.parametrize(("language", "text"), lines(CROSS))
def test_a_complaint_with_a_not_in_it_still_calls(language: str, text: str) -> None:
    assert lane_of(text, language) == "ping"
