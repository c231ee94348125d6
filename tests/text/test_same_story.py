"""Which posts are one more voice of a harm that is known, and which tell of another one."""

from __future__ import annotations

import pytest

from monitor.text.same_story import Harm, harm_told

FIRE = "Acme my charger caught fire last night, smoke everywhere"
LEAK = "Acme I can see other people's invoices in my account"


def told(text: str, language: str = "en", *reasons: str) -> Harm:
    return harm_told(text, language, reasons, ("Acme",))


@pytest.mark.parametrize(
    ("story", "voice", "language"),
    [
        (FIRE, "Acme same here, mine smokes too", "en"),
        (FIRE, "the Acme charger melted as well", "en"),
        (FIRE, "Acme charger melted on my desk this morning", "en"),
        (FIRE, "@acme your charging dock just burst into flames", "en"),
        (FIRE, "mine is smoking too @acme", "en"),
        (LEAK, "@acme me too, somebody else's invoices are in my account", "en"),
        ("Acme Ladegerät brennt, überall Rauch", "Acme bei mir auch, das Ladegerät raucht", "de"),
        ("Le chargeur Acme a pris feu, de la fumée partout", "Acme moi aussi, mon chargeur fume", "fr"),
    ],
)
def test_one_more_voice(story: str, voice: str, language: str) -> None:
    label = "a data leak or a break-in: x" if story == LEAK else "fire or smoke: x"
    assert told(voice, language).is_of(told(story, language, label))


@pytest.mark.parametrize(
    "other",
    [
        "Acme my charger does not charge any more, please help",  # the same thing, and no harm
        "Acme charger arrived two weeks late, awful",
        "@acme your toaster caught fire, do something",  # a fire of something else
        "Acme I can see other people's invoices in my account",  # another harm
        "the Acme app is down here too",
        "@acme same here",  # of what, nobody knows
        "Acme",
        "",
    ],
)
def test_another_matter(other: str) -> None:
    assert not told(other).is_of(told(FIRE, "en", "fire or smoke: caught fire"))


@pytest.mark.parametrize(
    ("one", "other", "language"),
    [
        ("Acme my charger caught fire in my kitchen", "Acme toaster caught fire in my kitchen", "en"),
        ("Acme my charger caught fire, my daughter saw it", "Acme lamp in flames, my daughter screamed", "en"),
        ("Acme kettle caught fire in the living room", "the Acme scooter burst into flames in our living room", "en"),
        ("Der Acme Toaster brennt in der Küche", "Acme Akku brennt in meiner Küche", "de"),
        ("Le chargeur Acme a pris feu dans la cuisine", "La bouilloire Acme a pris feu dans ma cuisine", "fr"),
        ("El cargador Acme se incendió en la cocina", "La tostadora Acme se incendió en mi cocina", "es"),
    ],
)
def test_a_room_or_a_family_makes_no_one_fire_of_two(one: str, other: str, language: str) -> None:
    """Everybody has a kitchen: the second person's fire called nobody."""
    label = "fire or smoke: caught fire"
    assert told(one, language, label).kinds
    assert not told(other, language, label).is_of(told(one, language, label))
    assert told(one, language, label).is_of(told(one, language, label))


@pytest.mark.parametrize(
    ("other", "language"),
    [
        ("My Acme toaster was too hot and caught fire", "en"),
        ("The Acme kettle caught fire, too bad your hotline is closed", "en"),
        ("Acme fridge is smoking, and your support is also useless", "en"),
        ("the Acme drill caught fire at the same time that my phone died", "en"),
        ("Acme dryer caught fire yesterday. Another customer lost.", "en"),
        ("Der Acme Toaster brennt, und die Hotline ist auch zu", "de"),
        ("Le grille-pain Acme a pris feu, et votre hotline est aussi nulle", "fr"),
        ("La tostadora Acme se incendió y tampoco contestan, también el chat falla", "es"),
    ],
)
def test_a_too_or_also_of_something_else_makes_no_fire_of_a_fire_of_another_thing(other: str, language: str) -> None:
    """They once made one story of two people's different fires, and the second called nobody."""
    story = told(FIRE, "en", "fire or smoke: caught fire")
    assert told(other, language, "fire or smoke: caught fire").kinds == story.kinds
    assert not told(other, language, "fire or smoke: caught fire").is_of(story)


@pytest.mark.parametrize(
    ("voice", "language"),
    [
        ("Acme, mine also caught fire", "en"),
        ("mine caught fire on me too, what now @acme", "en"),
        ("@acme mine is in flames as well", "en"),
        ("another one caught fire @acme", "en"),
        ("@acme meins raucht bei mir auch", "de"),
        ("@acme la mía también se incendió", "es"),
    ],
)
def test_a_too_of_the_harm_is_one_more_voice_whatever_it_happened_to(voice: str, language: str) -> None:
    assert told(voice, language, "fire or smoke: x").is_of(told(FIRE, "en", "fire or smoke: caught fire"))


def test_the_brands_own_name_and_words_of_every_day_are_nothing_in_common() -> None:
    assert not told("Acme toaster caught fire last night, please help").is_of(told(FIRE))


def test_a_story_grows_by_what_its_voices_tell() -> None:
    story = told(FIRE).with_more(told("Acme adapter went up in smoke, same charger"))
    assert told("the Acme adapter is smoking").is_of(story)
    assert not told("the Acme adapter is smoking").is_of(told(FIRE))


def test_a_text_of_any_length_is_read_up_to_a_bound() -> None:
    assert harm_told("smoke charger " * 100_000, "en").things == {"charg"}
