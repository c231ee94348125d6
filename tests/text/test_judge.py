"""The judge, from a post to a verdict: who needs an answer, in which lane, and why."""

from __future__ import annotations

import csv
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from benchmarks import labelled
from benchmarks.train import TWEETS, read_csv
from connectors import Post
from monitor.text.features import BrandProfile
from monitor.text.judge import Judge
from monitor.text.model.evaluation import count, evaluate, moods_of, roc_area

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "mentions"
NOW = datetime(2026, 11, 3, 14, 2, tzinfo=UTC)
ACME = BrandProfile("Acme", words=("Acme", "The Killers"), competitors=("Globex",))


def post(text: str, **more: Any) -> Post:
    return Post("x", more.pop("native_id", "1"), "https://x.test/1", "customer", text, NOW, **more)


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge([ACME])


def lane(judge: Judge, text: str, **more: Any) -> str:
    return judge.verdict(post(text, **more), "Acme").lane


@pytest.mark.parametrize(
    "text",
    [
        "My order never arrived and nobody answers",
        "@acme charged twice again, cancelling if nobody replies",
        "@acme two hours on hold and then you hung up on me",
        "Thanks for nothing @acme, missed my sister's wedding because of you",
        "The Acme app keeps crashing since the update, please fix it",
        "@acme where is my refund? It has been six weeks!",
    ],
)
def test_complaints_call_people(judge: Judge, text: str) -> None:
    assert lane(judge, text) == "ping"


@pytest.mark.parametrize(
    "text",
    [
        "Marmalade on the stove, rain on the skylight, the Acme wireless humming along.",
        "Nine loaves and a good book, all in one Acme bag.",
        "The library lends Acme telescopes until June.",
        "Acme opens a shop in Leeds",
    ],
)
def test_what_is_calmly_told_to_nobody_is_left_alone(judge: Judge, text: str) -> None:
    """Nothing is wrong, asked or bitter: so it takes more to be shown to staff."""
    verdict = judge.verdict(post(text), "Acme")
    assert verdict.lane == "none"


@pytest.mark.parametrize(
    ("calm", "wrong"),
    [
        ("The kids can't see the biscuits behind the Acme box", "I can't see my order in the Acme app"),
        ("It smells of rain and fresh paint, Acme stove on", "The Acme seat smells of urine"),
        ("I expected the Acme tent to be awful, it is lovely", "The Acme tent is awful, it leaks"),
        ("0 problems with my Acme trolley", "problems with my Acme trolley"),
    ],
)
def test_a_word_of_trouble_counts_only_where_trouble_is_meant(judge: Judge, calm: str, wrong: str) -> None:
    assert lane(judge, calm) != "ping"
    assert judge.verdict(post(wrong), "Acme").needs_answer > judge.verdict(post(calm), "Acme").needs_answer


@pytest.mark.parametrize(
    "text",
    [
        "Thanks @acme, great service and a lovely crew!",
        "No complaints at all about Acme, five years a happy customer",
        "Acme opens a new store in Leeds http://x.test/news",
        "RT @news: Acme announces results, revenue up http://x.test/r",
        "Loving my new Acme headphones :)",
    ],
)
def test_praise_and_news_call_nobody(judge: Judge, text: str) -> None:
    assert lane(judge, text) != "ping"


def test_thanks_and_plain_news_are_left_alone(judge: Judge) -> None:
    assert lane(judge, "Thanks @acme, great service and a lovely crew!") == "none"
    assert lane(judge, "Acme opens a new store in Leeds http://x.test/news") == "none"


def test_a_plain_question_to_us_calls_people_and_one_to_everybody_does_not(judge: Judge) -> None:
    assert lane(judge, "@acme do you ship to Norway?") == "ping"
    assert lane(judge, "does anybody know if Acme ships to Norway?") == "sweep"


def test_reasons_are_words_of_the_post_for_people(judge: Judge) -> None:
    found = judge.verdict(post("@acme you charged me twice. Why does nobody answer? Cancelling my account"), "Acme")
    said = " · ".join(found.reasons)
    assert "charged me twice" in said
    assert "may leave" in said
    assert found.churn


def test_each_reason_has_words_of_its_own_and_none_is_said_twice(judge: Judge) -> None:
    found = judge.verdict(post("@acme you charged me twice. Two emails, no answer. I want my money back."), "Acme")
    assert found.reasons == (
        "money taken wrongly: charged me twice",
        "gets no answer: no answer",
        "writes about money: want my money, my money back",
        "sounds negative",
    )


def test_of_two_dangers_of_one_kind_the_one_that_says_more_is_told(judge: Judge) -> None:
    found = judge.verdict(post("My husband burnt his hand on the Acme charger"), "Acme")
    assert [reason for reason in found.reasons if reason.startswith("injury")] == ["injury or danger: burnt his hand"]


@pytest.mark.parametrize(
    ("words", "never"),
    [
        ("I don't use sugar with my Acme tea", "may leave"),
        ("Acme: nobody tells you how good it is", "gets no answer"),
        ("The Acme stand was sold out and everybody just shrugged", "gets no answer"),
        ("The Acme app has been down since Monday", "waits"),
    ],
)
def test_what_is_not_said_is_not_given_as_a_reason(judge: Judge, words: str, never: str) -> None:
    assert not [reason for reason in judge.verdict(post(words), "Acme").reasons if reason.startswith(never)]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("don't use them, Acme is useless", "may leave: don't use them"),
        ("nobody tells me when Acme delivers, useless", "gets no answer: nobody tells me"),
        ("I asked for my parcel and the guy just shrugged @acme", "gets no answer: guy just shrugged"),
        ("The Acme app has been down since Monday", "reports a fault: been down, down since"),
    ],
)
def test_what_is_said_is_the_reason_still(judge: Judge, words: str, reason: str) -> None:
    assert [each for each in judge.verdict(post(words), "Acme").reasons if each.startswith(reason)]


def test_what_somebody_cannot_find_is_a_question_where_they_ask_for_it(judge: Judge) -> None:
    """The alert called it a complaint."""
    (asked,) = judge.verdict(post("Does #acme ship to Norway? I cannot find it."), "Acme").reasons
    assert asked == "asks you a question"
    said = judge.verdict(post("The Acme lamp cannot be switched off, useless"), "Acme").reasons
    assert "reports a fault: cannot, useless" in said


def test_two_dangers_of_one_kind_are_one_reason(judge: Judge) -> None:
    found = judge.verdict(post("Acme, the kettle you sold me caught fire, my hand is burned"), "Acme")
    (injury,) = [reason for reason in found.reasons if reason.startswith("injury")]
    assert injury.startswith("injury or danger: hand is burned, ")


@pytest.mark.parametrize("written", ["Day 9 of waiting", "DAY  9, of waiting"])
def test_a_number_is_shown_as_it_was_written(judge: Judge, written: str) -> None:
    """Cues know that there was one; people are to read which."""
    found = judge.verdict(post(f"Order 12, it is: {written} for the Acme crate that ships within 48 hours"), "Acme")
    assert "waits: day 9 of waiting" in found.reasons
    assert not any("<" in reason or "…" in reason for reason in found.reasons)


def test_contributions_say_what_stands_for_a_name_a_number_or_a_link(judge: Judge) -> None:
    """The page showed "thisb…" and "<link…"."""
    asked = post("Day 9, Acme, see https://acme.example/x")
    shown = [words for words, _ in judge.explain(asked, "Acme").contributions]
    assert not [each for each in shown if "thisb" in each or "<" in each]
    assert {'"your name"', '"a link"'} <= set(shown)


def test_what_stands_for_the_brand_is_never_shown(judge: Judge) -> None:
    found = judge.verdict(post("I wish Acme had a store in Norway, order 4471 would be easier @acme"), "Acme")
    assert "wishes for something: i wish, wish …" in found.reasons


def test_words_are_shown_with_their_apostrophes(judge: Judge) -> None:
    reasons = judge.verdict(post("Acme shows me somebody else's order, and it doesn't load, useless"), "Acme").reasons
    assert any("somebody else's order" in each for each in reasons)
    assert not [each for each in reasons if "elses" in each or "doesnt" in each]


def test_a_post_that_is_left_alone_gives_no_reasons(judge: Judge) -> None:
    assert judge.verdict(post("Thanks @acme, lovely lunch!"), "Acme").reasons == ()


@pytest.mark.parametrize(
    ("text", "stars", "said"),
    [
        ("@acme where is my parcel?", None, "(where is my) and asks you a question"),
        ("good app", 1.0, "needs an answer because it gives 1 star: people are alerted; a ping from"),
        ("call +44 20 7946 0018 for Acme helpline support", None, "needs no answer because it offers a telephone"),
        (
            "今日は雨です。駅前の店で傘を買いました。",
            None,
            "because it is in a language that is not read here",
        ),
        ("Acme caught fire and burned my hand", None, "because it tells of fire or smoke (caught fire)"),
        ("Thanks @acme, I love this, you are great!", None, "is praise worth thanks"),
    ],
)
def test_the_sentence_says_what_becomes_of_a_post_and_why(
    judge: Judge, text: str, stars: float | None, said: str
) -> None:
    told = judge.explain(post(text, rating=stars), "Acme")
    assert said in told.sentence
    assert told.sentence.count(f"a ping from {told.ping:.2f} on, this is {told.verdict.needs_answer:.2f}") == 1
    by_figure = "ping" if told.verdict.needs_answer >= told.ping else "sweep"
    if told.verdict.needs_answer < told.sweep:
        by_figure = "none"
    assert ("the figure alone" in told.sentence) == (by_figure != told.verdict.lane)


@pytest.mark.parametrize("text", ["", "ok", "nice app", "👍"])
@pytest.mark.parametrize("stars", [1.0, 2.0])
def test_one_or_two_stars_call_people_whatever_the_words(judge: Judge, text: str, stars: float) -> None:
    found = judge.verdict(post(text, rating=stars), "Acme")
    assert found.lane == "ping"
    assert any("star" in reason for reason in found.reasons)


def test_five_stars_and_mild_words_are_left_alone(judge: Judge) -> None:
    assert lane(judge, "Not bad, a bit slow sometimes but I hate nothing about it", rating=5.0) == "none"


def test_five_stars_with_a_real_complaint_are_shown_but_call_nobody(judge: Judge) -> None:
    text = "charged twice, my order never arrived and nobody answers"
    assert lane(judge, text, rating=5.0) == "sweep"


def test_three_stars_are_looked_at(judge: Judge) -> None:
    assert lane(judge, "it is fine", rating=3.0) == "sweep"


def test_a_reply_to_our_own_post_weighs_more(judge: Judge) -> None:
    words = post("still the same for me here")
    without, replying = judge.verdict(words, "Acme"), judge.verdict(words, "Acme", answers_us=True)
    assert replying.needs_answer > without.needs_answer


def test_anger_at_a_competitor_is_not_ours_to_fear(judge: Judge) -> None:
    theirs = "Globex lost my bag and never answers the phone. Acme has been wonderful"
    ours = "Acme lost my bag and never answers the phone. Globex has been wonderful"
    assert judge.verdict(post(theirs), "Acme").needs_answer < judge.verdict(post(ours), "Acme").needs_answer
    assert lane(judge, theirs) != "ping"
    assert lane(judge, ours) == "ping"


def test_the_brands_own_name_is_never_sentiment(judge: Judge) -> None:
    assert judge.verdict(post("Tonight: The Killers, live"), "Acme").label == "neutral"


def test_a_brands_own_complaint_words_are_heard() -> None:
    plain = Judge([BrandProfile("Acme")])
    taught = Judge([BrandProfile("Acme", complaint_words={"en": ("gone all wobbly",)})])
    words = post("my chair has gone all wobbly")
    before, after = plain.verdict(words, "Acme"), taught.verdict(words, "Acme")
    assert after.needs_answer > before.needs_answer
    assert "gone all wobbly" in " ".join(after.reasons)


@pytest.mark.parametrize(
    "text",
    [
        "My Acme phone caught fire last night",
        "@acme my daughter had an allergic reaction and is in hospital",
        "Acme data breach: my details were online",
    ],
)
def test_critical_words_are_critical(judge: Judge, text: str) -> None:
    found = judge.verdict(post(text), "Acme")
    assert found.critical
    assert found.lane != "none"


@pytest.mark.parametrize(
    "text",
    [
        "Acme fire sale this weekend only",
        "I'm on fire today, third goal!",
        "press the button on your Acme remote",
        "My Acme phone's battery died laughing at that press release",
        "Acme leaked specs look great",
    ],
)
def test_look_alikes_of_critical_words_are_not(judge: Judge, text: str) -> None:
    assert not judge.verdict(post(text), "Acme").critical


def test_critical_words_of_the_settings_count() -> None:
    judge = Judge([ACME], critical_words=("product x17",))
    assert judge.verdict(post("anything new on Product X17?"), "Acme").critical


def test_critical_words_of_one_language_do_not_sound_in_another(judge: Judge) -> None:
    """ "justice" and "tribunal" threaten in French; in English they are a film and a band."""
    assert "law" not in judge.verdict(post("watching Justice League with Acme popcorn", lang="en"), "Acme").tags
    assert "law" in judge.verdict(post("@acme on se verra en justice, escroquerie !", lang="fr"), "Acme").tags


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Paket nicht angekommen und niemand antwortet"),
        ("es", "Mi pedido nunca llegó y nadie responde"),
        ("fr", "Toujours pas reçu ma commande et personne ne répond"),
        ("it", "Il mio ordine non è mai arrivato e nessuno risponde"),
        ("pt", "Meu pedido não chegou e ninguém responde"),
        ("nl", "Mijn bestelling is nooit aangekomen en niemand reageert"),
    ],
)
def test_complaints_in_six_more_languages_call_people(judge: Judge, language: str, text: str) -> None:
    found = judge.verdict(post(text, lang=language), "Acme")
    assert (found.lane, found.label) == ("ping", "unknown")


def test_a_reason_names_the_words_of_feeling_where_no_complaint_is_told(judge: Judge) -> None:
    found = judge.verdict(post("@acme je suis triste et épuisé", lang="fr"), "Acme")
    assert found.reasons == ("sounds negative (triste, epuise)",)
    explained = dict(judge.explain(post("@acme je suis triste et épuisé", lang="fr"), "Acme").contributions)
    assert explained["feelings: triste, epuise"] > 2


def test_a_language_that_nobody_here_reads_is_shown_and_calls_nobody(judge: Judge) -> None:
    found = judge.verdict(post("アクメのサービスについて書きました", lang="ja"), "Acme")
    assert (found.lane, found.label) == ("sweep", "unknown")
    assert any("ja" in reason for reason in found.reasons)


def test_praise_worth_a_thank_you_is_shown_and_calls_nobody(judge: Judge) -> None:
    found = judge.verdict(post("@acme thank you so much, Priya was wonderful and so helpful!"), "Acme")
    assert found.praise
    assert found.lane == "sweep"
    assert found.reasons == ("praise worth thanks",)
    assert not judge.verdict(post("Acme opens a wonderful new store http://x.test"), "Acme").praise


def test_stage_and_broken_promise_are_tags(judge: Judge) -> None:
    found = judge.verdict(post("@acme you promised delivery on Monday and my parcel never arrived"), "Acme")
    assert "stage:delivery" in found.tags
    assert "promise" in found.tags


def test_the_verdict_says_who_scored_it(judge: Judge) -> None:
    found = judge.verdict(post("hello there my friend"), "Acme", ("Acme",))
    assert found.scorer.startswith("earful/1 (vader")
    assert "linear/" in found.scorer
    assert found.words == ("Acme",)


def test_an_explanation_sums_to_the_verdict(judge: Judge) -> None:
    import math

    found = judge.explain(post("@acme my order never arrived, where is it?"), "Acme", answers_us=True)
    odds = sum(weight for _, weight in found.contributions)
    assert 1 / (1 + math.exp(-odds)) == pytest.approx(found.verdict.needs_answer, abs=1e-3)
    assert abs(found.contributions[0][1]) >= abs(found.contributions[-1][1])
    assert not any(words.startswith("signal ") for words, _ in found.contributions)


def test_an_unknown_brand_is_judged_by_the_general_ear(judge: Judge) -> None:
    assert judge.verdict(post("my order never arrived and nobody answers"), "").lane == "ping"


def test_the_same_post_gets_the_same_verdict_from_many_threads(judge: Judge) -> None:
    posts = [post(f"@acme order {n} never arrived, thanks a lot", native_id=str(n)) for n in range(40)]
    alone = [judge.verdict(each, "Acme") for each in posts]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda each: judge.verdict(each, "Acme"), posts)) == alone


def test_a_title_is_read_once_with_the_text(judge: Judge) -> None:
    titled = judge.verdict(post("See above.", title="Acme never delivered my order and nobody answers"), "Acme")
    assert titled.lane == "ping"


@pytest.mark.parametrize("piece", ["😡", "a ", "never ", "@a ", "\u0301", "?", "\u200b", "ñ", "not good!! ", "x"])
def test_two_hundred_thousand_characters_are_judged_from_both_ends(judge: Judge, piece: str) -> None:
    """No timed assertion: without bounds these take minutes."""
    long = (piece * 200_000)[:200_000]
    assert judge.verdict(post(long), "Acme").lane in ("ping", "sweep", "none")


def test_a_complaint_at_the_end_of_a_long_post_is_heard(judge: Judge) -> None:
    story = "We went to the sea. " * 3000
    found = judge.verdict(post(story + "@acme my order never arrived and nobody answers"), "Acme")
    assert any("never arrived" in reason for reason in found.reasons) or found.lane != "none"


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=400))
def test_no_text_breaks_the_judge(text: str) -> None:
    found = JUDGE.verdict(post(text), "Acme")
    assert 0.0 <= found.needs_answer <= 1.0
    assert -1.0 <= found.sentiment <= 1.0
    assert found.lane in ("ping", "sweep", "none")


JUDGE = Judge([ACME])


@pytest.mark.parametrize(
    "text", ["\x00\ud800 never arrived", "\u2028", "<!channel> <script>", "\udfff" * 50, "@" * 500]
)
def test_hostile_text_is_judged_like_any_other(text: str) -> None:
    assert JUDGE.verdict(post(text), "Acme").lane in ("ping", "sweep", "none")


def test_cues_hidden_by_zero_width_and_look_alikes_are_heard(judge: Judge) -> None:
    assert lane(judge, "@acme my order ne\u200bver arrіved and nоbody answers") == "ping"


def test_judging_has_no_memory(judge: Judge) -> None:
    texts = ["thanks acme", "worst acme ever, never again", "acme opens", "@acme where is my refund?"]
    first = {text: judge.verdict(post(text), "Acme") for text in texts}
    chance = random.Random(3)
    for _ in range(20):
        text = chance.choice(texts)
        assert judge.verdict(post(text), "Acme") == first[text]


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("language", "code"),
    [("german", "de"), ("french", "fr"), ("italian", "it"), ("portuguese", "pt"), ("spanish", "es")],
)
@pytest.mark.parametrize("told", [True, False], ids=["told by the network", "not told"])
def test_people_are_shown_more_of_the_unhappy_in_other_languages_than_by_vader(
    judge: Judge, language: str, code: str, told: bool
) -> None:
    """On real posts that name no brand: at least twice its recall in ping and list, and far from everything."""
    if not SHARED.is_dir():
        pytest.skip(f"NOT TESTED on real posts: {SHARED} is not there")
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    vader = SentimentIntensityAnalyzer()
    with (SHARED / "xlmt_8_languages.csv").open(encoding="utf-8", newline="") as opened:
        rows = [row for row in csv.DictReader(opened) if row["language"] == language]
    hint = code if told else ""
    unhappy = [row["label"] == "negative" for row in rows]
    theirs = count(unhappy, [vader.polarity_scores(row["text"])["compound"] <= -0.05 for row in rows])
    lanes = [judge.verdict(post(row["text"], lang=hint), "").lane for row in rows]
    ours = count(unhappy, [lane != "none" for lane in lanes])
    assert ours.recall >= 2 * theirs.recall
    assert ours.precision >= 1.2 * sum(unhappy) / len(unhappy)


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("dataset", "area", "listed"), [("airline", 0.91, 0.25), ("sanders", 0.84, 0.30), ("sxsw", 0.83, 0.30)]
)
def test_the_shipped_judge_keeps_its_figures_on_real_posts(
    judge: Judge, dataset: str, area: float, listed: float
) -> None:
    """Posts that it was never trained on, labelled with the real question: what must be answered or read against no."""
    if not SHARED.is_dir():
        pytest.skip(f"NOT TESTED on real posts: {SHARED} is not there")
    rows = [each for each in labelled.measured() if each.dataset == dataset]
    verdicts = [judge.verdict(post(each.text, lang="en"), "") for each in rows]
    found = evaluate([each.text for each in rows], [each.grade != "no" for each in rows], verdicts)
    assert found["roc_auc"] >= area
    assert found["lanes"]["sweep_share"] - sum(each.praise for each in verdicts) / len(rows) <= listed
    must = [verdict.lane != "none" for verdict, each in zip(verdicts, rows, strict=True) if each.grade == "must"]
    assert sum(must) >= 0.8 * len(must)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("@acme can you send me a receipt? thanks!", "positive"),
        ("Does the Acme kettle come in blue?", "neutral"),
        ("@acme great, three weeks without heating. Wonderful service, truly", "negative"),
        ("Acme lost my parcel again and nobody picks up the phone", "negative"),
        ("@acme thanks for nothing", "negative"),
        ("@acme charged me twice by mistake and put it right within the hour, brilliant, thank you!", "positive"),
        ("@acme the driver was lovely, thank you", "positive"),
    ],
)
def test_who_asks_need_not_be_unhappy_and_who_is_bitter_is(judge: Judge, text: str, label: str) -> None:
    """Whether a post needs an answer and how its writer feels are two questions: the model answers both."""
    assert judge.verdict(post(text, lang="en"), "Acme").label == label


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("dataset", "area"), [("airline", 0.88), ("sanders", 0.81), ("sxsw", 0.77), ("brands_32", 0.80)]
)
def test_who_is_unhappy_is_found_in_real_posts_better_than_vader_does(judge: Judge, dataset: str, area: float) -> None:
    """Both halves of four sets that were never trained on: the area, and the label at its line."""
    if not SHARED.is_dir():
        pytest.skip(f"NOT TESTED on real posts: {SHARED} is not there")
    file, text, label, negative = TWEETS[dataset]
    rows = [row for row in read_csv(SHARED / file) if row[text] and row[label].lower() != "irrelevant"]
    rows = rows[:: max(1, len(rows) // 2000)]
    unhappy = [row[label] == negative for row in rows]
    verdicts = [judge.verdict(post(row[text], lang="en"), "") for row in rows]
    assert roc_area(unhappy, moods_of(verdicts)) >= area
    vader = SentimentIntensityAnalyzer()
    theirs = count(unhappy, [vader.polarity_scores(row[text])["compound"] <= -0.05 for row in rows])
    ours = count(unhappy, [verdict.label == "negative" for verdict in verdicts])
    assert ours.f1 >= theirs.f1 + 0.02
    assert ours.precision >= theirs.precision - 0.02


def test_what_is_merely_told_to_nobody_counts_against_an_answer() -> None:
    """Reviewers and commenters are for or against; a model taught by them takes calm words for half a trouble."""
    judge = Judge([BrandProfile("Acme", words=("Acme",))])
    told = "speaks to nobody, and nothing in it is wrong, asked or bitter"
    calm = judge.explain(post("Fog over the harbour, bread in the basket of my Acme"), "Acme")
    assert dict(calm.contributions)[told] == -1.0
    for text in (
        "Fog over the harbour, and my Acme broke",
        "@acme fog over the harbour",
        "Fog over the harbour, Acme?",
    ):
        assert told not in dict(judge.explain(post(text), "Acme").contributions)


def test_whom_a_post_is_put_to_speaks_in_the_figure(judge: Judge) -> None:
    """The teachers of the model wrote to nobody: what our handle or somebody else's means can't be in it."""

    def figure(text: str) -> float:
        return judge.verdict(post(text, lang="en"), "Acme").needs_answer

    told = "my Acme fan broke again on friday"
    assert figure(f"@kim {told}") < figure(told) < figure(f"@acme {told}")
    ours, theirs = (judge.explain(post(f"@{who} {told}", lang="en"), "Acme").contributions for who in ("acme", "kim"))
    assert dict(ours)["is put to us"] > 0 > dict(theirs)["is put to somebody else"]
    glad = judge.explain(post("@acme love the fan, no question", lang="en"), "Acme").contributions
    assert "is put to us" not in dict(glad), "who thanks us waits for nothing"
