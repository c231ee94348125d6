"""VADER behind its guard: what it says, what it no longer falls for, and what it does not claim to know."""

from __future__ import annotations

import csv
import random
import statistics
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from monitor.text import sentiment
from monitor.text.sentiment import NEGATIVE_AT, POSITIVE_AT, Scorer, label_of

RATINGS = Path(__file__).parents[3] / "shared" / "data" / "mentions" / "vader_human_ratings.csv"
VADER = SentimentIntensityAnalyzer()
SCORER = Scorer()


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("My order never arrived and nobody answers", "negative"),
        ("The app keeps crashing, worst update so far", "negative"),
        ("another outage, third this week", "negative"),
        ("it was not very helpful", "negative"),
        ("isn’t good", "negative"),
        ("isn't good", "negative"),
        ("Thanks for nothing, Acme", "negative"),
        ("great, another outage. thanks", "negative"),
        ("No complaints at all", "positive"),
        ("Can’t complain about the delivery", "positive"),
        ("couldn't be happier with the new router", "positive"),
        ("I ❤️ this", "positive"),
        ("I ❤ this", "positive"),
        ("love it 👍🏽", "positive"),
        ("good😡😡😡😡", "negative"),
        ("#WorstService #NeverAgain", "negative"),
        ("s\u200bc\u200ba\u200bm", "negative"),
        ("ｔｅｒｒｉｂｌｅ", "negative"),
        ("bad &amp; slow", "negative"),
        ("The parcel is at the door", "neutral"),
        ("please help, which number do I call", "neutral"),
        ("PLEASE help which NUMBER do I call", "neutral"),
        ("@AcmeDie the parcel is here", "neutral"),
        ("look at https://example.org/terrible-awful-scam", "neutral"),
        ("", "neutral"),
    ],
)
def test_how_an_english_post_feels(text: str, label: str) -> None:
    assert SCORER.score(text, "en").label == label


@pytest.mark.parametrize("language", ["de", "fr", "it", "ja", "pt-BR", "zh"])
def test_other_languages_are_unknown_never_neutral(language: str) -> None:
    scored = SCORER.score("Das ist eine Katastrophe, terrible, bad, awful", language)
    assert (scored.label, scored.score, scored.words) == ("unknown", 0.0, ())


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("the app is dead", "negative"),
        ("horrible, useless", "negative"),
        ("great", "unknown"),
        ("die war bad", "unknown"),
        ("Paket kaputt", "unknown"),
        ("😡", "unknown"),
        ("", "unknown"),
    ],
)
def test_a_text_of_no_known_language_is_scored_only_when_it_sounds_english(text: str, label: str) -> None:
    assert SCORER.score(text, "und").label == label


@pytest.mark.parametrize(
    ("vader", "unhappy", "label"),
    [
        (0.6, 0.9, "negative"),  # a warm word, and somebody who is unhappy
        (-0.6, 0.1, "neutral"),  # a cross word, and nobody is
        (0.6, 0.1, "positive"),
        (0.0, 0.1, "neutral"),
        (0.0, 0.53, "negative"),
        (0.9, 0.5, "positive"),
    ],
)
def test_the_model_says_who_is_unhappy_and_vader_who_is_content(vader: float, unhappy: float, label: str) -> None:
    found = sentiment.mood_of(sentiment.Sentiment(vader, label_of(vader), ("word",)), unhappy)
    assert (found.label, found.words) == (label, ("word",))
    assert label_of(found.score) == label
    assert -1 <= found.score <= 1


def test_who_is_the_more_unhappy_has_the_lower_score_among_those_of_one_label() -> None:
    for vader in (-0.6, 0.0, 0.6):
        moods = [sentiment.mood_of(sentiment.Sentiment(vader, label_of(vader), ()), n / 20) for n in range(21)]
        scores = [each.score for each in moods]
        assert scores == sorted(scores, reverse=True)


def test_where_no_words_are_known_the_mood_stays_unknown() -> None:
    assert sentiment.mood_of(sentiment.UNKNOWN, 0.99) == sentiment.UNKNOWN


def test_a_brands_own_name_is_no_sentiment() -> None:
    scorer = Scorer(brand_words=("The Killers", "Fire TV", "Best Buy", "Killers"))
    assert scorer.score("The Killers are at Best Buy tonight", "en").label == "neutral"
    assert scorer.score("THE KILLERS ARE IN TOWN", "en").score == 0.0
    assert scorer.score("Fire TV’s remote, and the Killers' new tour", "en").score == 0.0
    assert scorer.score("Fire TV is terrible", "en").words == ("terrible",)
    assert SCORER.score("The Killers are in town", "en").label == "negative"


def test_a_brand_adds_its_own_words() -> None:
    scorer = Scorer({"gate lottery": -3.0, "Turbulent": -2.0, "sick": 2.0, "meh": 0.0, "cheap": 99.0, "": 1.0})
    assert scorer.score("the gate lottery again", "en").words == ("gate lottery",)
    assert scorer.score("a turbulent week", "en").label == "negative"
    assert scorer.score("that is sick", "en").label == "positive"
    assert scorer.score("meh", "en").label == "neutral"
    assert scorer.score("cheap", "en").score == Scorer({"cheap": 4.0}).score("cheap", "en").score
    assert SCORER.score("the gate lottery again", "en").label == "neutral"


def test_the_words_that_decided_are_named_strongest_first() -> None:
    scored = SCORER.score("Nice seats but a HORRIBLE crew, late, slow, rude, dirty and not helpful, what a mess", "en")
    assert scored.label == "negative"
    assert scored.words[0] == "HORRIBLE"
    assert "not helpful" in scored.words
    assert "Nice" not in scored.words
    assert len(scored.words) == 5  # of six


@pytest.mark.parametrize(
    ("score", "label"),
    [(-0.05, "negative"), (-0.0499, "neutral"), (0.0, "neutral"), (0.0499, "neutral"), (0.05, "positive")],
)
def test_a_score_between_the_thresholds_is_neutral(score: float, label: str) -> None:
    assert label_of(score) == label
    assert (NEGATIVE_AT, POSITIVE_AT) == (-0.05, 0.05)


# Words on which VADER turns: lexicon, boosters, negations, "no", "least", "but", capitals, idioms, emoticons.
_TURNS = (
    "good", "bad", "GREAT", "horrible", "love", "hate", "smart", "lol", "very", "REALLY", "kinda", "kind", "of", "sort",
    "not", "never", "so", "this", "without", "doubt", "no", "or", "nor", "isn't", "least", "at", "but", "But", "the",
    "shit", "bomb", "bad ass", "yeah right", "bus", "stop", "to die for", "hand", "mouth", ":)", ":(", "day", "car",
    "nothing", "despite", "barely", "good,", "(bad)", "ok?!", "sux!!!", "why??", "x",
)  # fmt: skip


@given(st.lists(st.sampled_from(_TURNS), min_size=1, max_size=25))
def test_the_guard_gives_vaders_own_score_to_the_last_digit(words: list[str]) -> None:
    """With VADER's lexicon and none of ours, calling it by its parts changes nothing."""
    plain = Scorer()
    plain._analyzer.lexicon = plain._lexicon = dict(VADER.lexicon)
    plain._phrases = {}
    plain._triggers = frozenset()
    text = " ".join(words)
    assert plain.score(text, "en").score == VADER.polarity_scores(text)["compound"]


def test_a_brands_names_and_words_are_its_own_and_the_lexicon_is_one_for_all() -> None:
    before = Scorer()
    killers = Scorer({"lukewarm": -3.0}, ["The Killers", "bad seeds"])
    after = Scorer()
    for text in ("the killers played", "bad seeds played", "a lukewarm meal"):
        assert before.score(text, "en") == after.score(text, "en")
        assert killers.score(text, "en") != after.score(text, "en"), text
    assert before._lexicon is after._lexicon


@given(st.text(alphabet=st.characters(), max_size=300), st.sampled_from(["en", "und", "", "de", "en-GB", "??"]))
def test_no_text_makes_it_fail_or_leave_its_bounds(text: str, language: str) -> None:
    scored = SCORER.score(text, language)
    assert -1.0 <= scored.score <= 1.0
    assert scored.label in ("negative", "neutral", "positive", "unknown")
    assert scored.label == "unknown" or scored.label == label_of(scored.score)
    assert len(scored.words) <= 5
    assert all(word and len(word) <= 60 for word in scored.words)


@given(
    st.dictionaries(st.text(max_size=12), st.floats(allow_nan=True, allow_infinity=True), max_size=5),
    st.lists(st.text(max_size=12), max_size=5),
    st.text(max_size=60),
)
def test_no_words_from_the_settings_make_it_fail(extra: dict[str, float], brands: list[str], text: str) -> None:
    scored = Scorer(extra, brands).score(f"{text} {' '.join(extra)} {' '.join(brands)}", "en")
    assert -1.0 <= scored.score <= 1.0


@pytest.mark.parametrize(
    "text",
    [
        "😀😡" * 25_000,
        "😡" * 50_000,
        " ".join(f"w{number} good" for number in range(20_000)),
        " ".join(f"w{number} good but" for number in range(15_000)),
        "a" * 1_000_000,
        "not " * 50_000,
        "a" + "\u0301\u0323" * 50_000,
        "\ufdfa" * 60_000,
        "!?" * 100_000,
        "&amp;#39;" * 20_000,
        "\ud800" * 100_000,
    ],
)
def test_huge_texts_are_looked_at_in_a_bounded_number_of_words(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The work is counted, not timed: how many words VADER is asked about, and how many it is shown each time."""
    asked: list[int] = []
    real = SentimentIntensityAnalyzer.sentiment_valence

    def counting(self, valence, sentitext, item, i, sentiments):  # type: ignore[no-untyped-def]
        asked.append(len(sentitext.words_and_emoticons))
        return real(self, valence, sentitext, item, i, sentiments)

    monkeypatch.setattr(SentimentIntensityAnalyzer, "sentiment_valence", counting)
    SCORER.score(text, "en")
    assert len(asked) <= 6 * sentiment.MOST_WORDS
    assert max(asked, default=0) <= 6


def test_a_long_post_is_heard_at_its_beginning_and_its_end() -> None:
    filler = "the parcel is at the door " * 2_000
    assert SCORER.score(f"terrible {filler}", "en").label == "negative"
    assert SCORER.score(f"{filler} terrible", "en").words == ("terrible",)


def test_scorers_share_one_vader_and_not_their_words() -> None:
    """VADER's word files are read once; what one brand adds reaches no other, nor VADER itself."""
    before = dict(sentiment._vader().lexicon)
    scorers = [Scorer({f"word{number}": -3.0}) for number in range(5)]
    with ThreadPoolExecutor(5) as pool:
        labels = list(pool.map(lambda one: [one.score(f"word{n}", "en").label for n in range(5)], scorers))
    assert labels == [["negative" if n == mine else "neutral" for n in range(5)] for mine in range(5)]
    assert sentiment._vader().lexicon == before


@pytest.mark.shared_data
def test_it_agrees_with_people_as_well_as_plain_vader_does() -> None:
    """Two thousand tweets that twenty people rated each."""
    if not RATINGS.exists():
        pytest.skip(f"{RATINGS} is absent: the agreement with human ratings was not measured")
    with RATINGS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rows = random.Random(7).sample(rows, 1_000)
    people = [float(row["mean_human_rating_-4_4"]) for row in rows]
    plain = [VADER.polarity_scores(row["text"])["compound"] for row in rows]
    ours = [SCORER.score(row["text"], "en").score for row in rows]
    assert statistics.correlation(people, ours) >= statistics.correlation(people, plain) - 0.02
