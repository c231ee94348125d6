"""What people of thirteen trades write, in seven languages and more: what must be answered calls, chatter does not.

`benchmarks/labels/trades.tsv` was written for this before the words that find it. Half of its trades are only measured.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import labelled
from benchmarks.question import judged_trades
from monitor.text.explanations import NOT_GOOD
from monitor.text.features import BrandProfile
from monitor.text.judge import Judge, JudgeInput
from monitor.text.model.grades import queue_of, right
from tests.helpers import NOW, post

JUDGE = Judge([BrandProfile("Acme", ("Acme",))])


@pytest.mark.parametrize(("side", "called", "shown"), [("dev", 0.86, 0.89), ("aside", 0.78, 0.86)])
def test_what_must_be_answered_in_other_trades_is_found(side: str, called: float, shown: float) -> None:
    found = queue_of(judged_trades(side))
    must = found.placed["must"]
    assert must.ping >= called * must.posts
    assert must.posts - must.nowhere >= shown * must.posts
    assert right(found.pings) >= 0.94 * len(found.pings)


def test_the_trades_are_written_in_every_language_and_no_text_of_them_is_learned_from() -> None:
    rows = labelled.table(labelled.TRADES)
    assert len({row["text"] for row in rows}) == len(rows) > 500
    assert {row["grade"] for row in rows} == set(labelled.GRADES)
    assert {row["kind"] for row in rows} <= set(labelled.KINDS)
    assert {labelled.hash_of(row["text"]) for row in rows} <= labelled.never_trained()


TOLD_LINES = labelled.table(Path(__file__).parent / "told_lines.tsv")


@pytest.mark.parametrize(("half", "called", "wrongly"), [("tuned", 0.85, 0.16), ("kept", 0.68, 0.12)])
def test_troubles_told_afresh_call_and_talk_with_their_words_hardly_ever(
    half: str, called: float, wrongly: float
) -> None:
    """Written before anybody looked at what fires; nothing was tuned to the half that was kept."""
    lines = [line for line in TOLD_LINES if line["half"] == half]
    posts = [JudgeInput(post(line["text"], lang="en"), "Acme") for line in lines]
    placed = [(line["grade"], found.lane) for line, found in zip(lines, JUDGE.verdicts(posts), strict=True)]
    must = [lane for grade, lane in placed if grade == "must"]
    talk = [lane for grade, lane in placed if grade == "no"]
    assert must.count("ping") >= called * len(must) > 30
    assert talk.count("ping") <= wrongly * len(talk)


# Each line of trouble has one beside it with nearly the same words in which nothing is wrong.
TOLD = [
    ("Acme moved our flight to Monday and told nobody", "Acme moved its office to Monday Street"),
    ("no landline for 9 days, Acme", "no school for 9 days, hooray"),
    ("Acme still takes 29.90 off my account each month", "Acme still takes part in the fair each month"),
    ("the parcel has been in the Acme depot since Monday", "the choir has been in the Acme hall since Monday"),
    ("quoted 400 by Acme, bill says 1,150", "quoted Acme in class, bill says hi"),
    ("Acme closed my ticket as solved, nothing was solved", "Acme closed for lunch, everything was calm"),
    ("Acme wont let me export my boards", "my cat wont leave the Acme box"),
    ("the Acme engineer was due between 8 and 1, nobody came", "the Acme fair was loud and everybody came"),
    ("since the update Acme shows a blank page", "the Acme book has a blank page for notes"),
    ("Acme kept the deposit, says we smoked", "Acme kept the old logo, the designers said"),
    ("my card was eaten by an Acme machine, it kept my card", "my card from the Acme machine, ha, it rhymes"),
    (
        "three weeks for a refund, Acme asks for the same documents again",
        "three weeks of Acme sun, the same again please",
    ),
]


@pytest.mark.parametrize(("told", "calm"), TOLD)
def test_a_trouble_told_without_anger_calls_and_its_words_alone_do_not(told: str, calm: str) -> None:
    assert JUDGE.verdict(post(told, lang="en"), "Acme").lane == "ping"
    assert JUDGE.verdict(post(calm, lang="en"), "Acme").lane != "ping"


ELSEWHERE = [
    ("de", "Acme bucht weiter ab, obwohl wir im Mai gekündigt haben", "Acme baut weiter um, im Mai ist Eröffnung"),
    ("de", "Acme hat mir die Karte gesperrt, stehe in Lissabon", "Acme hat mir Lissabon gezeigt"),
    ("es", "Acme me ha cobrado dos veces la comisión", "Acme me ha mandado dos postales bonitas"),
    ("fr", "Virement bloqué depuis lundi chez Acme", "Marché ouvert en mai chez Acme"),
    ("it", "Acme mi ha bloccato il conto senza avvisare", "Acme mi ha mandato il catalogo"),
    ("pt", "Acme me cobrou uma fatura que já paguei", "Acme me mandou uma foto da praia"),
    ("nl", "Acme schrijft elke maand geld af terwijl ik gestopt ben", "Acme en ik fietsen elke maand"),
]


@pytest.mark.parametrize(("language", "told", "calm"), ELSEWHERE)
def test_so_it_is_in_other_languages(language: str, told: str, calm: str) -> None:
    assert JUDGE.verdict(post(told, lang=language), "Acme").lane == "ping"
    assert JUDGE.verdict(post(calm, lang=language), "Acme").lane != "ping"


def test_in_portuguese_no_is_in_the_and_turns_no_praise_round() -> None:
    found = JUDGE.verdict(post("a lhama da Acme no ônibus inteiro, amei", lang="pt"), "Acme")
    assert found.lane != "ping"
    assert NOT_GOOD not in found.reasons


@pytest.mark.parametrize(
    "text",
    [
        "@mia haha my Acme does that too",
        "@lindagr try turning it off, fixed my Acme",
        "@gwen Acme had that deal too i think",
    ],
)
def test_a_tip_to_somebody_else_is_listed_nowhere(text: str) -> None:
    assert JUDGE.verdict(post(text, lang="en"), "Acme").lane == "none"


def test_what_needs_us_least_is_left_out_of_the_list_and_harm_never() -> None:
    assert JUDGE.verdict(
        post("RT @lou: dull talk about Acme shares #acme #money http://x.test/1", lang="en"), "Acme"
    ).lane == ("none")
    assert JUDGE.verdict(
        post("RT @lou: the Acme heater caught fire in our hall http://x.test/1", lang="en"), "Acme"
    ).lane == ("ping")


def test_what_the_list_leaves_out_no_lesson_can_draw_a_line_by() -> None:
    """A post that is left out counts neither as listed before nor as listed after; whoever calls us does."""
    left_out = post("RT @lou: dull talk about Acme shares #acme #money http://x.test/1", lang="en")
    shown = post("the Acme app is a bit slow in the evening", lang="en")
    lessons = [JUDGE.lesson(each, "Acme", "yes", "ANA", NOW) for each in (left_out, shown)]
    assert lessons[0].sweep_at > 6 > lessons[1].sweep_at
