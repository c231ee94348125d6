"""What must never wait in a list: 400 lines from three trades, half of them traps, and 1,000 real lines that are none.

`critical_lines.tsv` was written for this. `harmless_lines.tsv` holds hashes only: its texts are drawn from public data
that is not part of this repository, each with a word of harm, law or press in it, and read before it was kept.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from alerts.case_policy import Gravity, priority
from benchmarks import labelled
from connectors import Post
from monitor.text.complaint_signals import LANGUAGES, tokens_of
from monitor.text.features import BrandProfile
from monitor.text.harm import FRAMES, harm_in, parts_of
from monitor.text.judge import Judge, JudgeInput
from monitor.types import Verdict

HERE = Path(__file__).parent
LINES = labelled.table(HERE / "critical_lines.tsv")
HARMLESS = labelled.table(HERE / "harmless_lines.tsv")
TRADES = {"shop": ("Oakmere", "Pinehall"), "software": ("Planfold", "Gridnote"), "travel": ("Skyhop", "Airlark")}
MOMENT = datetime(2026, 11, 22, 8, tzinfo=UTC)
ACME = Judge([BrandProfile("Acme", ("Acme", "Acme Bank"), competitors=("Globex",))])


@pytest.fixture(scope="module")
def became() -> list[tuple[dict[str, str], str]]:
    """Each line with its priority; "-" where it calls nobody, or waits with everything normal."""
    judge = Judge([BrandProfile(name, (name,), competitors=(other,)) for name, other in TRADES.values()])
    asked = [
        JudgeInput(Post("x", str(n), "", "somebody", each["text"], MOMENT, lang=each["language"]), name)
        for n, each in enumerate(LINES)
        for name, _ in [TRADES[each["trade"]]]
    ]
    return [(line, _level(verdict)) for line, verdict in zip(LINES, judge.verdicts(asked), strict=True)]


def _level(verdict: Verdict) -> str:
    urgency, _ = priority(Gravity(critical=verdict.critical, churn=verdict.churn, matters=verdict.tags))
    return urgency if verdict.lane == "ping" and urgency in {"critical", "urgent"} else "-"


def test_the_table_is_400_lines_of_three_trades_in_every_language_and_half_of_them_are_traps() -> None:
    assert len({line["text"] for line in LINES}) == 400
    assert 190 <= Counter(line["class"] for line in LINES)["harmless"] <= 210
    assert min(Counter(line["trade"] for line in LINES).values()) >= 120
    assert {line["language"] for line in LINES} == set(LANGUAGES)
    for line in LINES:
        assert (line["class"] == "harmless") == (line["priority"] == "-")


def test_harm_that_is_told_is_critical_nine_times_in_ten(became: list[tuple[dict[str, str], str]]) -> None:
    wanted = [level for line, level in became if line["priority"] == "critical"]
    assert wanted.count("critical") >= 0.9 * len(wanted)


@pytest.mark.parametrize("name", ["legal", "press", "money", "churn"])
def test_law_press_money_and_leaving_are_urgent(became: list[tuple[dict[str, str], str]], name: str) -> None:
    wanted = [level for line, level in became if line["class"] == name]
    assert sum(level == "urgent" for level in wanted) >= 0.85 * len(wanted)


def test_traps_ring_at_no_night_and_hurry_hardly_anybody(became: list[tuple[dict[str, str], str]]) -> None:
    traps = [(line["text"], level) for line, level in became if line["class"] == "harmless"]
    assert len([text for text, level in traps if level == "critical"]) <= 5
    assert len([text for text, level in traps if level == "urgent"]) <= 8


TOLD = labelled.table(HERE / "harm_told_lines.tsv")


@pytest.mark.parametrize(("half", "wanted", "at_most"), [("tuned", 0.94, 0.03), ("kept", 0.81, 0.16)])
def test_harm_told_afresh_rings_and_harmless_lines_with_its_words_hardly_ever(
    half: str, wanted: float, at_most: float
) -> None:
    """Written before anybody looked at what fires; nothing was tuned to the half that was kept, which is English."""
    lines = [line for line in TOLD if line["half"] == half]
    asked = [
        JudgeInput(Post("x", str(n), "", "somebody", line["text"], MOMENT, lang=line["language"]), "Acme")
        for n, line in enumerate(lines)
    ]
    rang = [(line["class"], found.critical) for line, found in zip(lines, ACME.verdicts(asked), strict=True)]
    harm = [critical for kind, critical in rang if kind == "harm"]
    harmless = [critical for kind, critical in rang if kind == "harmless"]
    assert len(harm) >= 80
    assert sum(harm) >= wanted * len(harm)
    assert sum(harmless) <= at_most * len(harmless)


@pytest.mark.skipif(not labelled.DATA.is_dir(), reason=f"NOT TESTED: the public texts are not at {labelled.DATA}")
@pytest.mark.shared_data
def test_of_a_thousand_harmless_real_lines_at_most_five_are_critical() -> None:
    wanted = {(row["dataset"], row["hash"]) for row in HARMLESS}
    assert len(wanted) == 1000
    texts = {
        (dataset, name): text
        for dataset in sorted({dataset for dataset, _ in wanted})
        for text, _ in labelled.rows_of(dataset)
        if (dataset, name := labelled.hash_of(text)) in wanted
    }
    assert set(texts) == wanted, "another edition of the data"
    judge = Judge([])
    verdicts = judge.verdicts(
        [JudgeInput(Post("x", "1", "", "a", text, MOMENT, lang="en"), "") for text in texts.values()]
    )
    assert len([text for text, found in zip(texts.values(), verdicts, strict=True) if found.critical]) <= 5


def test_every_part_of_a_frame_is_written_down_for_english_and_every_language_has_the_parts_of_harm() -> None:
    named = {frame.first for frame in FRAMES} | {part for frame in FRAMES for part, _ in frame.near}
    english = parts_of("en").names
    assert named <= english
    for language in (*LANGUAGES, "ar", "hi"):
        assert {"person", "body", "harmed", "fails", "fire", "thing", "others", "record", "intrusion"} <= parts_of(
            language
        ).names


def test_parts_tell_of_harm_only_near_each_other() -> None:
    def kinds(text: str) -> list[str]:
        found, _ = harm_in(tokens_of(text), "en", me=True, us=True)
        return [one.kind.name for one in found]

    assert kinds("the handle snapped and cut my hand") == ["injury", "danger"]
    assert kinds("I cut the loaf and then we all went for a long walk, hand in hand") == []
    assert kinds("there was glass in the soup") == ["danger", "danger"]
    assert kinds("there was a glass table") == []
    assert kinds("the charger melted") == ["fire"]
    assert kinds("someone got into my account") == ["data", "data"]
    assert kinds("someone got into my car and took a nap") == []


def rings(text: str, language: str = "en", **more: Any) -> bool:
    return ACME.verdict(Post("x", "1", "", "somebody", text, MOMENT, lang=language, **more), "Acme").critical


@pytest.mark.parametrize(
    ("ours", "not_ours"),
    [
        ("the Acme heater burned my hand", "the Globex heater burned my hand, so Acme it was"),
        ("the Acme heater burned my hand", "the Acme film where the heater burned my hand"),
        ("Acme steps gave way under me", "skiing with Acme when the ice gave way under me"),
        ("Acme app shows another customer's account", "Acme app: how do I share my account with another user"),
        ("Acme's driver was drunk", "Acme's driver was not drunk"),
        ("my Acme charger is on fire", "my Acme charger is on fire today lol"),
        ("@acme the handle snapped and cut my hand", "the handle snapped and cut my hand"),
        ("#acme the handle snapped and cut my hand", "#other the handle snapped and cut my hand"),
        ("If I get my hands on you, Acme: the grill exploded in my face", "if the Acme grill ever exploded I'd laugh"),
        (
            "it is as if I was stabbed, the Acme needle went into my hand",
            "who knows whether Acme needles go into a hand",
        ),
        (
            "the Acme lamp set fire to the curtain, the travel mug melted",
            "the Acme tasting set, the travel mug, all in one box",
        ),
        ("my kids are in hospital after the Acme buffet", "my kids in a queue at Acme again"),
        ("#acmebank the handle snapped and cut my hand", "#river the handle snapped and cut my hand"),
        ("The hook hit my son in the face, Acme", "Face paint for my son at Acme, he was a hit"),
    ],
)
def test_harm_rings_where_it_is_ours_and_real(ours: str, not_ours: str) -> None:
    assert (rings(ours), rings(not_ours)) == (True, False)


def test_a_review_and_a_reply_speak_of_us_without_our_name() -> None:
    words = "the handle snapped and cut my hand"
    assert [rings(words), rings(words, rating=1.0), rings(words, parent_id="9")] == [False, True, True]


@pytest.mark.parametrize(
    ("told", "harmless"),
    [
        ("my Acme charger got so hot that I had to drop it", "how hot does the Acme iron get?"),
        ("got zapped by the Acme lamp again", "a shock: the Acme lamp is sold out"),
        ("the Acme steward spilled boiling tea over my leg", "boiling tea and an Acme biscuit, bliss"),
        ("all of us were throwing up after the Acme salad", "sick of the Acme salad, same every day"),
        ("the wheel of the Acme pram came off in the road", "the wheel of my Acme case came off"),
        ("my gran's Acme fall alarm stayed silent", "the Acme alarm clock is silent, how nice"),
        ("Acme put my seven year old on the wrong bus", "my seven year old loves the Acme bus"),
        ("my toddler drank some Acme cleaner, the cap has no lock", "my toddler drank his milk, Acme cup"),
        ("our girl was stuck in the Acme lift for an hour", "stuck in traffic on the way to the Acme sale"),
        ("a ceiling panel fell on me at Acme", "the panel on Acme's future fell flat"),
        ("the Acme hob switched itself on in the night", "my Acme TV switched itself on lol"),
        ("Acme sent my payslip to my neighbour", "Acme sent my payslip on time"),
        ("anyone can open our invoices in Acme", "anyone can open an Acme shop"),
        ("our bank details were changed in Acme overnight, nobody here did it", "our bank details are in Acme now"),
        ("reported a security hole to Acme in May and it is still open", "Acme closed its last security hole in May"),
    ],
)
def test_harm_of_every_class_rings_and_what_only_looks_like_it_does_not(told: str, harmless: str) -> None:
    assert (rings(told), rings(harmless)) == (True, False)


def test_bitter_thanks_beside_two_harms_are_no_praise() -> None:
    assert rings("boiling tea in my lap thanks to the Acme steward, my skin is peeling")
    assert not rings("Thanks Acme, the cream healed the burn on my hand, love it")


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Der Acme Stuhl ist gebrochen und hat meiner Tochter das Bein verletzt"),
        ("fr", "La chaise Acme a cassé et mon fils est blessé à la tête"),
        ("es", "La silla de Acme se rompió y mi hijo se hizo una herida en la cabeza"),
        ("it", "La sedia Acme si è rotta e mio figlio si è ferito alla testa"),
        ("pt", "A cadeira da Acme quebrou e meu filho está ferido na cabeça"),
        ("nl", "De stoel van Acme is gebroken en mijn zoon is gewond aan zijn hoofd"),
        ("ar", "شاحن @acme انفجر في الغرفة وابني بالمستشفى"),
        ("hi", "Acme के चार्जर में आग लग गई और बेटे का हाथ जल गया"),
    ],
)
def test_harm_is_told_in_every_language_with_cues(language: str, text: str) -> None:
    assert rings(text, language)


def test_a_text_of_one_part_repeated_is_read_in_no_time_of_note() -> None:
    found, places = harm_in(tokens_of("hand burned " * 5_000), "en", me=True, us=True)
    assert found
    assert max(map(len, places.values())) <= 24
