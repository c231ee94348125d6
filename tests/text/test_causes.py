"""Which causes a post is of: by words, by examples, and by what staff said of others."""

from __future__ import annotations

import pytest

from benchmarks import causes as benchmark
from monitor.text.causes import MOST_LESSONS, Answer, Cause, Classifier, tokens_of

LIST = (
    Cause(
        "late", "Late delivery", ("deliver*", "lost * parcel", "late?", "配送"), ("My order never came to the door",)
    ),
    Cause("money", "Charged wrongly", ("charged twice", "bill*"), ()),
    Cause("rude", "Staff", ("rude",), ()),
)


@pytest.fixture
def plain() -> Classifier:
    return Classifier(LIST)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("@acme where is my DELIVERY", ("late",)),
        ("they lost my second parcel", ("late",)),
        ("they lost one two three four parcel", ()),
        ("You charged twice and the bill is wrong", ("money",)),
        ("charged once, twice nothing", ()),
        ("Das Paket: 配送が遅い", ("late",)),
        ("my order never came", ("late",)),  # like an example
        ("a late train", ("late",)),  # what only hints is enough where nothing speaks for another
        ("lovely window", ()),
        ("https://acme.example/bill @billing hello", ()),  # where and who, never what
    ],
)
def test_words_phrases_gaps_and_examples_speak_for_a_cause(
    plain: Classifier, text: str, found: tuple[str, ...]
) -> None:
    assert plain.of(text) == found


def test_a_post_has_two_causes_at_most_the_likelier_first(plain: Classifier) -> None:
    assert plain.of("rude driver, delivered late, you charged twice and billed me again") == ("money", "late")
    assert plain.of("rude. delivery bill") == ("rude", "late"), "of those that are as likely, what is said first"
    assert plain.of("bill, delivery, rude") == ("money", "late")


def test_what_only_hints_at_several_is_offered_and_not_put_on_the_post() -> None:
    two = Classifier((*LIST, Cause("queue", "Queues", ("waiting?", "counter"), ())))
    assert two.of("late, and waiting") == ()
    assert two.guesses("late, and waiting") == ("late", "queue")
    assert two.guesses("waiting, late") == ("queue", "late")
    assert two.of("late at the counter") == ("queue",), "a plain word is more than a hint"
    assert two.guesses("lovely window") == ()


def test_staff_who_say_none_of_these_outweigh_a_hint() -> None:
    taught = Classifier(LIST, [Answer(f"a late train number {number}", ()) for number in range(20)])
    assert taught.of("a late train") == ()


def test_what_staff_say_is_learned_and_none_of_these_too() -> None:
    texts = [f"the horse number {number} limps" for number in range(12)]
    taught = Classifier(LIST, [Answer(text, ("rude",)) for text in texts])
    assert taught.of("my horse limps") == ("rude",)
    assert Classifier(LIST).of("my horse limps") == ()
    moved = Classifier(LIST, [Answer(f"delivery of horse {number}", ()) for number in range(40)])
    assert moved.of("delivery of horse") == ()
    assert moved.of("the bill") == ("money",)


def test_what_was_said_of_a_cause_that_is_gone_teaches_nothing() -> None:
    taught = Classifier(LIST, [Answer("the horse limps", ("gone",))] * 20)
    assert taught.learned.answers == 0
    assert taught.of("the horse limps") == ()


def test_an_empty_list_finds_nothing() -> None:
    assert Classifier(()).of("delivery") == ()
    assert Classifier((), [Answer("a", ("b",))]).of("delivery") == ()
    assert Classifier((Cause("a", "a", ("*", "?", "", "**", "  ")),)).of("* ? anything") == ()


def test_only_the_newest_answers_teach() -> None:
    old = [Answer("the horse limps", ("rude",))] * 50
    new = [Answer("deliveries are fine", ())] * MOST_LESSONS
    assert Classifier(LIST, [*old, *new]).learned.answers == MOST_LESSONS


def test_of_a_hostile_text_only_pieces_are_read_and_few_gaps_tried() -> None:
    assert len(tokens_of("lost " * 200_000)) < 1000
    assert Classifier((Cause("a", "a", ("lost * my * bag",)),)).of("lost all of my own bag") == ("a",)
    assert Classifier((Cause("a", "a", ("lost * my * old * bag",)),)).of("lost all my own old bag") == ()


@pytest.mark.shared_data
def test_the_trade_list_fits_real_complaints() -> None:
    if not benchmark.DATA.exists():
        pytest.skip("the labelled posts are not beside the checkout")
    _, aside = benchmark.read(benchmark.DATA)
    found = benchmark.measure(aside)
    plain, alone = found["plain patterns"], found["on the post"]
    assert alone[0] >= 0.58
    assert alone[1] >= plain[1] + 0.03
    assert found["on the post, 200 corrections"][0] >= 0.63
