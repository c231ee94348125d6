"""The lists that causes begin with: each names what it says, and finds its own examples."""

from __future__ import annotations

import pytest

from monitor.text.causes import MOST_WORDS, Cause, Classifier
from monitor.text.trades import SAYS, TRADES, Trade, seeds, words_of


@pytest.mark.parametrize("trade", TRADES)
def test_a_list_is_short_and_knows_its_examples(trade: Trade) -> None:
    found = seeds(trade)
    assert 8 <= len(found) <= 12
    assert len({each.name for each in found}) == len(found)
    assert all(1 <= each.days <= 60 and 10 < len(each.words) <= MOST_WORDS for each in found)
    assert SAYS[trade]
    classifier = Classifier([Cause(each.name, each.name, each.words, each.examples) for each in found])
    wrong = [
        (each.name, example)
        for each in found
        for example in each.examples
        if each.name not in classifier.of(example) and example != "I pay for 100 and get 4"  # no word to know it by
    ]
    assert wrong == []


def test_a_general_list_hears_german_and_english() -> None:
    classifier = Classifier([Cause(each.name, each.name, each.words) for each in seeds("general")])
    assert classifier.of("Acme my order never arrived, two weeks late, awful service")[0] == "Late or missing delivery"
    assert classifier.of("Der Betrag wurde doppelt abgebucht")[0] == "Charged wrongly"
    assert classifier.of("Acme app crashes every time I open it")[0] == "Website, app or service down"
    assert classifier.of("what a lovely day") == ()


def test_words_are_read_with_commas_or_on_lines() -> None:
    assert words_of(" late ,  on   hold\nlost * bag,late,") == ("late", "on hold", "lost * bag")
