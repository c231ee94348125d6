"""Six languages through the whole judge: what customers complain of or ask us calls people, courtesy does not.

Every text was written for this file. Each is judged with the network's word for its language, and most without it.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connectors import Post
from monitor.text.features import BrandProfile
from monitor.text.judge import Judge
from tests.helpers import post

LANGUAGES = ("de", "es", "fr", "it", "pt", "nl")
JUDGE = Judge([BrandProfile("Acme", ("Acme",))])


def lane_of(text: str, hint: str) -> str:
    """Return the lane of one post."""
    moment = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
    return JUDGE.verdict(Post("x", "1", "", "someone", text, moment, lang=hint), "Acme").lane


COMPLAINTS = {
    "de": """
        @acme mein Paket ist seit drei Wochen unterwegs und niemand meldet sich bei mir
        Acme hat mir schon wieder doppelt abgebucht, was soll das?
        Die Acme App stürzt ständig ab, so ein Schrott
        @acme ich warte seit Montag auf euren Rückruf, das ist eine Frechheit
        Acme Kundendienst ist nicht erreichbar, ich kündige jetzt
        Nie wieder Acme, der Drucker war nach zwei Tagen kaputt
        Von Acme bin ich nur noch enttäuscht, unfreundlich und überteuert
        @acme Flug gestrichen und keine Auskunft am Schalter, ein Saftladen
        Acme verlangt versteckte Kosten, das ist doch Abzocke
        Internet von Acme geht seit gestern nicht mehr
        Der Bote von Acme hat das Paket einfach über den Zaun geworfen
        @acme auf fünf Mails nur automatische Antworten bekommen
        Die Schuhe von Acme sind nach einem Monat auseinandergefallen
    """,
    "es": """
        @acme llevo tres semanas esperando mi pedido y nadie responde
        Acme me ha cobrado dos veces y no me devuelven el dinero
        La aplicación de Acme no funciona desde ayer, qué desastre
        @acme me habéis cancelado el vuelo sin avisar, es una vergüenza
        Nunca más compro en Acme, el peor servicio de mi vida
        Estoy harta de Acme, cada mes suben la factura
        Acme perdió mi maleta y me cuelgan el teléfono
        @acme exijo una solución, el paquete llegó roto
        Lo de Acme es una estafa, no lo compren
        qué asco de atención la de acme, unos maleducados
        El repartidor de Acme tiró el paquete por encima de la valla
        El técnico de Acme no se ha presentado por tercera vez
        Las zapatillas de Acme se han despegado en un mes
    """,
    "fr": """
        @acme toujours pas reçu mon colis et personne ne répond au téléphone
        Acme m'a prélevé deux fois, je veux être remboursé
        L'application Acme ne marche plus depuis la mise à jour
        @acme trois heures de retard et aucune explication, c'est honteux
        Je résilie mon abonnement Acme, j'en ai marre
        Service client Acme injoignable, vous vous moquez du monde
        Plus jamais Acme, une arnaque totale
        Acme a perdu ma valise et personne ne sait rien
        @acme votre livreur est un menteur, il n'est jamais passé
        Très déçue par Acme, la machine est déjà en panne
        Le livreur Acme a jeté le colis par-dessus la clôture
        @acme cinq mails et que des réponses automatiques
        Les chaussures Acme se sont décollées en un mois
    """,
    "it": """
        @acme il mio pacco non è mai arrivato e nessuno risponde
        Acme mi ha addebitato due volte la stessa fattura, voglio il rimborso
        L'app di Acme non funziona da tre giorni, che schifo
        @acme aspetto da ore al telefono, vergognatevi
        Mai più Acme, servizio pessimo e personale maleducato
        Sono stufa di Acme, disdico l'abbonamento
        Acme ha cancellato il volo senza preavviso, una truffa
        La lavatrice Acme è già rotta, che delusione
        @acme mi avete preso in giro, rivoglio i miei soldi
        Da stamattina senza internet, grazie di niente Acme
        Il corriere Acme ha lanciato il pacco oltre il cancello
        Il tecnico Acme non si è presentato per la terza volta
        Le scarpe Acme si sono scollate in un mese
    """,
    "pt": """
        @acme meu pedido não chegou e ninguém responde
        A Acme me cobrou duas vezes e não devolvem meu dinheiro
        O aplicativo da Acme parou de funcionar, que raiva
        @acme estou esperando há três semanas, isso é um descaso
        Nunca mais compro na Acme, pior atendimento que já vi
        Acme cancelou meu voo sem avisar, um absurdo
        Vou cancelar a Acme, cansei de ser enganado
        A encomenda da Acme veio quebrada e o suporte não resolve nada
        @acme cadê meu reembolso, já é a quarta vez que ligo
        a acme é uma vergonha, não recomendo a ninguém
        O entregador da Acme jogou o pacote por cima do muro
        O técnico da Acme não apareceu pela terceira vez
        Os sapatos da Acme descolaram em um mês
    """,
    "nl": """
        @acme mijn pakket is nog steeds niet bezorgd en niemand reageert
        Acme heeft twee keer afgeschreven, ik wil mijn geld terug
        De app van Acme crasht steeds, waardeloos
        @acme ik sta al een uur in de wacht, dit kan echt niet
        Nooit meer Acme, slechtste service ooit
        Ik ben Acme zo zat, ik ga mijn abonnement opzeggen
        Acme heeft mijn koffer kwijtgeraakt en belt niet terug
        @acme al drie dagen geen internet, wanneer wordt dit opgelost?
        De stofzuiger van Acme is na een week al kapot
        Acme zijn gewoon oplichters, raad ik iedereen af
        wat een onbeschofte medewerkers bij acme, schandalig
        Weer vertraging en geen enkele uitleg van Acme, om te huilen
        Koffie van Acme smaakt naar afwaswater
        Acme belooft alles en doet niets, altijd hetzelfde liedje
        @acme jullie monteur is weer niet komen opdagen
    """,
}

CALM = {
    "de": """
        @acme vielen Dank für die schnelle Hilfe gestern
        Der neue Staubsauger von Acme ist klasse, sehr zufrieden
        Wann macht die Filiale von Acme am Samstag auf?
        Guten Morgen liebes Team von Acme, einen schönen Tag euch
        Ich war gestern bei Acme und habe ein Regal gekauft
        Acme eröffnet im Frühjahr einen Laden in Leipzig
        Keine Beschwerden, bei Acme läuft alles einwandfrei
        Mein Paket von Acme ist endlich angekommen, freue mich
        Nicht schlecht, was Acme da gebaut hat
        Wie lange habe ich Garantie auf den Mixer von Acme?
        Unter welcher Nummer erreiche ich den Kundenservice von Acme?
    """,
    "es": """
        @acme muchas gracias por la ayuda de ayer
        La nueva aspiradora de Acme es genial, estoy encantada
        ¿A qué hora abre la tienda de Acme el sábado?
        ¿Me podrían decir dónde está el catálogo de Acme, por favor?
        Buenos días al equipo de Acme, que tengáis un buen día
        Ayer estuve en Acme y compré una estantería
        Acme abrirá en primavera una tienda en Sevilla
        Sin quejas, con Acme todo perfecto
        Por fin llegó mi pedido de Acme, qué ilusión
        No está nada mal lo que ha hecho Acme
        ¿Cuántos años de garantía tiene la batidora de Acme?
        ¿En qué número está el servicio al cliente de Acme?
        @acme hoy paso por vuestra tienda a las tres
    """,
    "fr": """
        @acme merci beaucoup pour votre aide hier
        Le nouvel aspirateur Acme est génial, je suis ravie
        À quelle heure ouvre le magasin Acme samedi ?
        Pourriez-vous me dire où trouver le catalogue Acme, s'il vous plaît ?
        Bonjour à toute l'équipe Acme, bonne journée à vous
        Hier je suis passé chez Acme et j'ai acheté une étagère
        Acme ouvrira au printemps un magasin à Lyon
        Rien à redire, chez Acme tout est parfait
        Mon colis Acme est enfin arrivé, je suis contente
        Pas mal du tout, ce que fait Acme
        Combien d'années de garantie pour le mixeur Acme ?
        Quel est le numéro du service client Acme ?
    """,
    "it": """
        @acme grazie mille per l'aiuto di ieri
        Il nuovo aspirapolvere Acme è fantastico, sono contentissima
        A che ora apre il negozio Acme sabato?
        Mi sapete dire dove trovo il catalogo Acme, per favore?
        Buongiorno a tutta la squadra di Acme, buona giornata
        Ieri sono passato da Acme e ho comprato uno scaffale
        Acme aprirà in primavera un negozio a Torino
        Nessuna lamentela, con Acme tutto perfetto
        Finalmente arrivato il mio pacco Acme, che bello
        Niente male quello che ha fatto Acme
        Quanti anni di garanzia ha il frullatore Acme?
        Qual è il numero del servizio clienti di Acme?
    """,
    "pt": """
        @acme muito obrigada pela ajuda de ontem
        O novo aspirador da Acme é ótimo, adorei
        A que horas abre a loja da Acme no sábado?
        Podem me dizer onde encontro o catálogo da Acme, por favor?
        Bom dia a toda a equipe da Acme, tenham um ótimo dia
        Ontem passei na Acme e comprei uma estante
        A Acme vai abrir uma loja em Curitiba na primavera
        Nenhuma reclamação, com a Acme deu tudo certo
        Meu pedido da Acme finalmente chegou, que alegria
        Nada mal o que a Acme fez
        Quantos anos de garantia tem o liquidificador da Acme?
        Qual é o número do atendimento da Acme?
    """,
    "nl": """
        @acme heel erg bedankt voor de hulp gisteren
        De nieuwe stofzuiger van Acme is geweldig, erg tevreden
        Hoe laat gaat de winkel van Acme zaterdag open?
        Goedemorgen team van Acme, fijne dag allemaal
        Gisteren was ik bij Acme en heb ik een kast gekocht
        Acme opent dit voorjaar een winkel in Utrecht
        Geen klachten, bij Acme loopt alles prima
        Mijn pakket van Acme is eindelijk binnen, heel blij
        Helemaal niet slecht wat Acme daar doet
        Hoeveel jaar garantie zit er op de blender van Acme?
        Wat is het nummer van de helpdesk van Acme?
    """,
}
ASKED = {
    "de": """
        @acme habt ihr den Mantel auch in Blau?
        Könnten Sie mir bitte sagen, wo ich den Acme Katalog finde?
        @acme kann ich die Jacke im Laden zurückgeben?
    """,
    "es": """
        @acme ¿tenéis el abrigo en azul?
        @acme ¿puedo devolver la chaqueta en la tienda?
        @acme ¿a qué hora abre mañana la tienda de mi barrio?
    """,
    "fr": """
        @acme avez-vous ce manteau en bleu ?
        @acme est-ce que je peux rendre la veste en magasin ?
    """,
    "it": """
        @acme avete il cappotto anche in blu?
        @acme posso restituire la giacca in negozio?
    """,
    "pt": """
        @acme vocês têm o casaco em azul?
        @acme posso devolver a jaqueta na loja?
    """,
    "nl": """
        @acme hebben jullie de jas ook in het blauw?
        Kunnen jullie me zeggen waar ik de catalogus van Acme vind, alsjeblieft?
        @acme kan ik de jas in de winkel teruggeven?
    """,
}


def texts(table: dict[str, str]) -> list[tuple[str, str]]:
    """Return language and text of every line."""
    return [(language, line.strip()) for language in LANGUAGES for line in table[language].strip().splitlines()]


@pytest.mark.parametrize(("language", "text"), texts(COMPLAINTS))
def test_what_customers_complain_of_calls_people(language: str, text: str) -> None:
    assert lane_of(text, language) == "ping"


@pytest.mark.parametrize(("language", "text"), texts(CALM))
def test_courtesy_praise_news_and_questions_without_our_handle_call_nobody(language: str, text: str) -> None:
    assert lane_of(text, language) != "ping"
    assert lane_of(text, "") != "ping"


@pytest.mark.parametrize(("language", "text"), texts(ASKED))
def test_a_plain_question_that_is_put_to_us_calls_people_as_in_english(language: str, text: str) -> None:
    """Somebody waits to hear whether the coat comes in blue."""
    assert lane_of(text, language) == "ping"


@pytest.mark.parametrize("language", LANGUAGES)
def test_most_complaints_call_people_where_the_network_does_not_tell_the_language(language: str) -> None:
    lanes = [lane_of(text, "") for told, text in texts(COMPLAINTS) if told == language]
    assert lanes.count("ping") >= 0.8 * len(lanes)


@pytest.mark.parametrize("language", LANGUAGES)
def test_two_hundred_thousand_characters_of_any_language_are_judged_from_both_ends(language: str) -> None:
    """What is read of it is bounded, and a complaint at the very end is still heard."""
    calm, angry = CALM[language].split("\n")[7].strip(), COMPLAINTS[language].split("\n")[1].strip()
    long = f"{calm}. " * (200_000 // (len(calm) + 2))
    assert lane_of(f"{long} {angry}", language) == lane_of(f"{long[:3_000]} {angry}", language)
    assert lane_of(COMPLAINTS[language] * 300, language) == "ping"


BITTER = Judge([BrandProfile("Voltea", ("Voltea",))])


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Super Service bei Voltea, mein Problem war in zehn Minuten gelöst, danke", "de"),
        ("Danke auch an die Monteure von Voltea", "de"),
        ("Wat een fijne service van Voltea, ik ben erg blij, dank jullie wel", "nl"),
        ("Bedankt hoor Voltea, snel geholpen", "nl"),
        ("Precies wat ik nodig had van Voltea", "nl"),
        ("Vraiment merci Voltea pour votre aide", "fr"),
        ("Quel service chez Voltea, bravo", "fr"),
        ("Ottimo lavoro Voltea, grazie", "it"),
        ("Grazie tante a Voltea per l'aiuto", "it"),
        ("Qué buen servicio el de Voltea, gracias", "es"),
        ("Belo serviço da Voltea, obrigada", "pt"),
    ],
)
def test_plain_praise_calls_nobody_and_complains_of_nothing(text: str, language: str) -> None:
    """Praise was taken for bitter thanks, and called people with "complains: super service"."""
    found = BITTER.verdict(post(text, lang=language), "Voltea")
    assert found.lane != "ping"
    assert not any(reason.startswith("complains") for reason in found.reasons)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Danke @Voltea, ihr seid super! Toller Support", "de"),
        ("Merci Voltea, service au top, je recommande", "fr"),
        ("@Voltea gracias, atención excelente", "es"),
        ("@Voltea grazie, siete fantastici", "it"),
        ("Obrigado Voltea, excelente atendimento, vocês me ajudaram muito", "pt"),
        ("Bedankt Voltea, geweldige service, jullie zijn top!", "nl"),
        ("@Voltea बहुत बढ़िया सर्विस, धन्यवाद आपका", "hi"),
    ],
)
def test_praise_worth_thanks_is_told_in_every_language_with_words_of_praise(text: str, language: str) -> None:
    found = BITTER.verdict(post(text, lang=language), "Voltea")
    assert (found.lane, found.praise, found.critical) == ("sweep", True, False)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("@Voltea danke", "de"),
        ("@Voltea toll, danke, aber mein Zug ist weg", "de"),
        ("@Voltea super, danke, ich warte seit drei Stunden", "de"),
        ("@Voltea nicht toll, danke", "de"),
        ("Bravo Voltea, merci pour le retard, génial", "fr"),
        ("@Voltea gracias, excelente, tres horas sin luz", "es"),
        ("Voltea opent een geweldige, mooie winkel in Utrecht", "nl"),
    ],
)
def test_thanks_alone_and_doubtful_praise_are_no_praise_worth_thanks(text: str, language: str) -> None:
    assert not BITTER.verdict(post(text, lang=language), "Voltea").praise


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Super Service Voltea, wieder kein Strom", "de"),
        ("Toll gemacht Voltea, jetzt geht gar nichts mehr", "de"),
        ("Fijne service Voltea, al drie weken geen reactie", "nl"),
        ("Quel service Voltea, toujours pas de réponse", "fr"),
        ("Bel servizio Voltea, tre ore senza luce", "it"),
        ("Qué buen servicio Voltea, tres horas sin luz", "es"),
        ("Belo serviço Voltea, três horas sem luz", "pt"),
    ],
)
def test_praise_beside_what_went_wrong_is_bitter(text: str, language: str) -> None:
    found = BITTER.verdict(post(text, lang=language), "Voltea")
    assert found.lane == "ping"
    assert any(reason.startswith("complains") for reason in found.reasons)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Voltea ne répond ni au téléphone ni aux mails", "fr"),
        ("Voltea no contesta al teléfono", "es"),
        ("Voltea no atiende el teléfono", "es"),
        ("Voltea neemt de telefoon niet op", "nl"),
        ("Bij Voltea neemt niemand op", "nl"),
    ],
)
def test_a_telephone_that_nobody_answers_is_heard(text: str, language: str) -> None:
    found = BITTER.verdict(post(text, lang=language), "Voltea")
    assert found.lane == "ping"
    assert any(reason.startswith("gets no answer") for reason in found.reasons)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("@Voltea mein Zähler qualmt, was soll ich tun?", "de"),
        ("@Voltea il contatore fuma, cosa devo fare?", "it"),
        ("@Voltea el contador echa humo", "es"),
        ("@Voltea le compteur fume", "fr"),
        ("@Voltea o medidor está pegando fogo", "pt"),
        ("@Voltea de meterkast rookt", "nl"),
        ("@Voltea my electricity meter is smoking", "en"),
        ("@Voltea mi hija está herida y nadie coge el teléfono", "es"),
        ("@Voltea hay humo en el cuarto de contadores y nadie coge el teléfono", "es"),
    ],
)
def test_what_hangs_on_the_wall_of_a_house_burns_in_every_language(text: str, language: str) -> None:
    assert BITTER.verdict(post(text, lang=language), "Voltea").critical


@pytest.mark.parametrize("text", ["@Voltea nadie coge el teléfono", "@Voltea llevo dos horas y nadie coge el teléfono"])
def test_a_telephone_that_nobody_answers_is_no_harm(text: str) -> None:
    found = BITTER.verdict(post(text, lang="es"), "Voltea")
    assert (found.lane, found.critical) == ("ping", False)
    assert not any("harm" in reason for reason in found.reasons)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("No puedo estar más contento con Voltea", "es"),
        ("Ik kan niet anders dan Voltea aanraden", "nl"),
        ("Can't thank the Voltea team enough", "en"),
        ("I cannot recommend Voltea enough", "en"),
        ("Voltea crew were lovely with my anxious son, cannot thank them enough", "en"),
        ("cant say enough good things about Voltea", "en"),
    ],
)
def test_who_cannot_but_praise_reports_no_fault(text: str, language: str) -> None:
    assert BITTER.verdict(post(text, lang=language), "Voltea").lane == "none"
