"""The words of every day in eight languages: a trouble told plainly calls people, and the same words about life do not.

Every text was written for this file, and each is judged with the network's word for its language.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connectors import Post
from monitor.text.features import BrandProfile
from monitor.text.judge import Judge

JUDGE = Judge([BrandProfile("Acme", ("Acme",))])
MOMENT = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


def lane_of(text: str, language: str) -> str:
    """Return the lane of one post."""
    return JUDGE.verdict(Post("x", "1", "", "someone", text, MOMENT, lang=language), "Acme").lane


CALLED = {
    "hi": """
        @acme chaar din se parcel atka hua hai, koi batata nahi kab aayega
        saman galat bheja aur ab phone kaat dete hain @acme
        @acme update ke baad app khulta hi nahi
        पार्सल की जगह खाली डिब्बा भेजा @acme
        @acme फोन काट देते हैं, पैसे अटके हैं
        @acme हेल्पलाइन बंद, रिफंड अटका हुआ है
        acme chhod diya, dusre bank mein khata khulwa liya
    """,
    "ar": """
        @acme الطلب جاني ناقص ومحدش عبرني
        المندوب ما جا والخدمة مقفلين @acme
        @acme خصمتوا القسط مرتين رجعوهم
        @acme التطبيق واقع من الصبح ومش قادر أدخل
        ألغيت اشتراكي @acme ورحت للمنافس
    """,
    "pt": """
        @acme o cartão foi recusado e o atendente desligou na minha cara
        abri protocolo na @acme há três semanas e nada
        @acme veio com a caixa riscada e faltando um cabo
        mudaram meu plano sem me avisar @acme
        encerrei a conta na Acme, fui embora pra outra operadora
    """,
    "de": """
        @acme der Fernseher stürzt ab, sobald ich umschalte, und im Chat antwortet nur der Bot
        Das Paket von Acme kam, aber die Hälfte fehlt
        Nach 12 Jahren gekündigt, danke für nichts @acme
    """,
    "es": """
        @acme la caldera no calienta y me contestáis con un audio
        el horno llegó rayado y la devolución la pago yo @acme
        Cerramos la cuenta en Acme, nos vamos a otra
    """,
    "fr": """
        @acme le four est arrivé cassé et il manque la grille
        résilié en mars, encore prélevé en mai @acme
        J'ai quitté Acme hier, direction la concurrence
    """,
    "it": """
        @acme la lavastoviglie perde acqua, tecnico fra tre settimane
        reso spedito a maggio, rimborso mai arrivato @acme
        Conto chiuso, passo alla concorrenza @acme
    """,
    "nl": """
        @acme de oven verwarmt niet en de monteur kwam gewoon niet
        twee keer afgeschreven en geld nooit terug gezien @acme
        Opgezegd na negen jaar, naar de concurrent @acme
    """,
}
SHOWN = {
    "hi": "@acme बिल ईमेल पर भेज दीजिए\n@acme kya Sunday ko delivery hoti hai?",
    "ar": "@acme ممكن تغيرون العنوان؟ شكرا\n@acme أول باص الساعة كام",
    "pt": "@acme podem me mandar a segunda via? obrigada!\n@acme vocês abrem no feriado?",
    "de": "@acme schickt mir bitte die Rechnung nochmal, danke!\n@acme gilt das Ticket auch im Bus?",
    "es": "@acme mandadme la factura porfa\n¿abrís el domingo? @acme",
    "fr": "@acme vous pouvez m'envoyer la facture ? merci !\n@acme le vélo est compris dans le prix",
    "it": "@acme mi mandate la ricevuta? grazie!\nsiete aperti a Natale? @acme",
    "nl": "@acme kunnen jullie de factuur mailen? dank!\n@acme mag de hond mee",
}
LEFT_ALONE = {
    "hi": "आज बारिश है, चाय और पकौड़े चाहिए\nmera phone gir gaya, ab naya lunga\nkal match dekhne kaun chal raha hai",
    "ar": "الجو حار والزحمة طويلة اليوم\nأمي طبخت اليوم والأكل يجنن\nعندي تذكرة زيادة لحفلة الخميس",
    "pt": "trânsito parado hoje, paciência\nvi o jogo com meu pai, que alegria\npartiu praia com a família",
    "de": "Heute Stau, aber der Podcast ist gut\nMorgen kommt der Klempner, endlich\nKuchen im Büro, wie schön",
    "es": "qué frío hoy, me quedo en casa\nmi gato duerme encima del router\nvendo bici casi nueva",
    "fr": "mon chat dort sur le radiateur\nje viens d'avoir mon permis\nvends deux places pour samedi",
    "it": "il gatto dorme sul modem\nche partita ieri sera\nvendo bici usata due volte",
    "nl": "de kat slaapt op de router\nwat een wedstrijd gisteren\nte koop: fiets, bijna nieuw",
}


def texts(of: dict[str, str]) -> list[tuple[str, str]]:
    """Return each text with its language."""
    return [(code, line.strip()) for code, lines in of.items() for line in lines.strip().splitlines()]


@pytest.mark.parametrize(("language", "text"), texts(CALLED))
def test_trouble_in_the_words_of_every_day_calls_people(language: str, text: str) -> None:
    assert lane_of(text, language) == "ping"


@pytest.mark.parametrize(("language", "text"), texts(SHOWN))
def test_what_is_asked_of_us_is_shown_and_is_no_praise(language: str, text: str) -> None:
    found = JUDGE.verdict(Post("x", "1", "", "someone", text, MOMENT, lang=language), "Acme")
    assert found.lane != "none"
    assert not found.praise


@pytest.mark.parametrize(("language", "text"), texts(LEFT_ALONE))
def test_life_in_the_same_words_calls_nobody(language: str, text: str) -> None:
    assert lane_of(text, language) != "ping"
