"""The words of feeling of six languages: what they add up to, and that every one of them is heard."""

from __future__ import annotations

import tomllib

import pytest

from monitor.text import lexicon as module
from monitor.text.complaint_signals import cues_for, signals_of, tokens_of
from monitor.text.lexicon import LANGUAGES, NOTHING, feelings, told_by_words, words_of


def felt(text: str, language: str) -> float:
    """Return the odds of a text, its cues of complaint left out as the judge leaves them out."""
    signals = signals_of(text, cues_for(language))
    return feelings(signals.tokens, language, signals.cues).odds


@pytest.mark.parametrize(
    ("language", "sad", "glad"),
    [
        ("de", "Ich bin so traurig und müde", "Was für ein wunderschöner Sonntag"),
        ("es", "Qué pesadilla, llevo llorando toda la noche", "Qué día más precioso con mis amigos"),
        ("fr", "Quel cauchemar, je suis épuisé et triste", "Une journée magnifique avec mes amis"),
        ("it", "Che tristezza, sono stanca e arrabbiata", "Una giornata splendida con gli amici"),
        ("pt", "Que tristeza, estou exausto e doente", "Um dia maravilhoso com os amigos"),
        ("nl", "Wat verdrietig, ik ben doodmoe en bang", "Een prachtige dag met mijn vrienden"),
    ],
)
def test_sorrow_and_joy_are_told_apart_in_six_languages(language: str, sad: str, glad: str) -> None:
    assert felt(sad, language) > 1
    assert felt(glad, language) < -0.5


@pytest.mark.parametrize(
    ("language", "accented", "plain"),
    [
        ("de", "Ich bin wütend und müde", "Ich bin wutend und mude"),
        ("es", "Qué vergüenza, estúpidos", "que verguenza, estupidos"),
        ("fr", "Je suis dégoûté et énervé", "je suis degoute et enerve"),
        ("pt", "Que decepção, péssimo", "que decepcao, pessimo"),
    ],
)
def test_accents_may_be_left_away(language: str, accented: str, plain: str) -> None:
    assert feelings(tokens_of(accented), language).odds == feelings(tokens_of(plain), language).odds > 1


def test_joy_behind_a_not_is_its_opposite_and_sorrow_behind_one_is_hardly_anything() -> None:
    assert felt("Das Bild ist hübsch", "de") < 0 < felt("Das Bild ist nicht hübsch", "de")
    assert 0 <= felt("Ich bin nicht traurig", "de") < felt("Ich bin traurig", "de") / 2


def test_a_word_behind_an_elided_article_is_heard() -> None:
    assert felt("c'est l'angoisse", "fr") == felt("une angoisse", "fr") > 1
    assert felt("dell'odio", "it") == felt("odio", "it") > 1


def test_an_idiom_silences_the_words_inside_it() -> None:
    assert felt("no pasa nada", "es") == 0 < felt("nada", "es")


def test_what_is_heard_as_a_cue_is_not_felt_again() -> None:
    tokens = tokens_of("horrible servicio")
    signals = signals_of("horrible servicio", cues_for("es"))
    assert feelings(tokens, "es").odds > 0
    assert feelings(tokens, "es", signals.cues).odds == 0


def test_a_long_post_of_curses_is_worth_no_more_than_a_strong_one() -> None:
    assert felt("merda " * 500, "it") <= module._HIGHEST


def test_the_words_that_decided_are_told_the_strongest_first_and_unhappiness_is_kept_apart() -> None:
    found = feelings(tokens_of("ein müder, widerlicher, wunderschöner Tag mit Kuchen"), "de")
    assert found.words[0] == "widerlicher"
    assert found.unhappy
    assert not feelings(tokens_of("ein wunderschöner Tag"), "de").unhappy


def test_a_language_without_words_feels_nothing() -> None:
    assert feelings(["terrible"], "en") == NOTHING == feelings([], "ja")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("verdammte Scheiße!!!", "de"),
        ("lächerlich", "de"),
        ("to quase chorando", "pt"),
        ("ya no me llega nada y sigo aquí", "es"),
        ("ras le bol de ouf là", "fr"),
        ("ma che schifo questa", "it"),
        ("wat een kutzooi weer", "nl"),
        ("not yet", ""),
        ("great stuff thanks", ""),
        ("love it so much", ""),
        ("this is the worst", ""),
        ("horrible", ""),
        ("Acme", ""),
        ("😡😡", ""),
        ("", ""),
    ],
)
def test_a_short_post_shows_its_language_by_its_words_and_an_english_one_stays_unknown(
    text: str, language: str
) -> None:
    assert told_by_words(tokens_of(text)) == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_of_every_file_finds_itself_and_has_one_grade(language: str) -> None:
    """A stem of three letters or a sign in the wrong place would be dead weight that nobody notices."""
    words = words_of(language)
    tables = tomllib.loads((module._WORDS / f"feelings.{language}.toml").read_text(encoding="utf-8"))
    assert len(words.turning) >= 5
    assert len(words.telling) >= 50
    assert [name for name in tables if name not in ("not", "forms", "telling", "link", "laughter")] == [
        "awful", "bad", "uneasy", "pleasant", "good", "idle",
    ]  # fmt: skip
    grade_of: dict[tuple[str, ...], str] = {}
    for name, table in tables.items():
        if name in ("not", "forms", "telling"):
            continue
        for written in (*table.get("words", "").split(), *table.get("phrases", ())):
            said = tokens_of(" ".join(word.split("/")[0].rstrip("~") for word in written.split() if word != "*"))
            assert words.cues.find(said), (name, written)
            key = (*said, "~") if written.endswith("~") else tuple(said)
            assert grade_of.setdefault(key, name) == name, (written, grade_of[key], name)


def test_each_arabic_word_has_an_arabic_letter_so_that_without_one_the_list_need_not_be_read() -> None:
    tables = tomllib.loads((module._WORDS / "feelings.ar.toml").read_text(encoding="utf-8"))
    said = [
        word
        for table in tables.values()
        for text in (table.get("words", ""), *table.get("phrases", ()))
        for word in tokens_of(text)
    ]
    assert len(said) > 500
    assert [word for word in said if not module._arabic.search(word)] == []


def test_signs_of_feeling_are_heard_in_every_language_and_none_is_a_face_of_the_post() -> None:
    signs = tomllib.loads((module._WORDS / "feeling_signs.toml").read_text(encoding="utf-8"))
    faces = {name: signals_of(sign, cues_for("de")).values for name, table in signs.items() for sign in _of(table)}
    assert not any(values.get("happy_face") or values.get("sad_face") for values in faces.values())
    for language in LANGUAGES:
        assert feelings(tokens_of("🤬"), language).odds > 0 > feelings(tokens_of("🏆"), language).odds
    places = [sign for table in signs.values() for sign in _of(table)]
    assert len(set(places)) == len(places)


def _of(table: dict[str, str]) -> list[str]:
    return table.get("words", "").split()


def test_who_laughs_is_hardly_unhappy() -> None:
    assert 0 < felt("sto morendo, che schifo 😂", "it") < felt("sto morendo, che schifo", "it") / 2
