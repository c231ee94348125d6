"""Whom a post is put to, and what it asks, decide its lane as much as its mood does."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors import Post
from monitor.text.features import BrandProfile, hear, prepare
from monitor.text.judge import Judge
from monitor.text.local_models.operator_models import NO_MODELS
from monitor.text.need import need_of

JUDGE = Judge([BrandProfile("Harbour Tea", ("Harbour Tea",), competitors=("Leafhouse",))])
MOMENT = datetime(2026, 11, 29, tzinfo=UTC)


def lane(text: str, **more: Any) -> str:
    found = JUDGE.verdict(Post("x", "1", "", "somebody", text, MOMENT, lang="en", **more), "Harbour Tea")
    return "praise" if found.praise else found.lane


@pytest.mark.parametrize(
    "text",
    [
        "When is the Harbour Tea shop in Leeds opening on Sundays?",
        "How long is the warranty on the Harbour Tea kettle, two or three years?",
        "any idea when the Harbour Tea sampler is back?",
        "Is the Harbour Tea lid safe for the dishwasher? The box says yes, the sheet says no",
    ],
)
def test_a_plain_question_that_names_us_calls(text: str) -> None:
    assert lane(text) == "ping"


@pytest.mark.parametrize(
    "text",
    [
        "Anyone know if the Harbour Tea lid fits the old kettle?",
        "Went over to Harbour Tea in spring. Would I go back to Harbour Tea again?",
        "Is it just me or is the Harbour Tea tin pretty?",
        "When will Harbour Tea open in Leeds? All we know: http://x.test/story",
        "How is the Harbour Tea stand? #teafair #friday",
    ],
)
def test_what_is_asked_of_everybody_or_of_oneself_calls_nobody(text: str) -> None:
    assert lane(text) != "ping"


@pytest.mark.parametrize(
    "text",
    [
        "where is the Harbour Tea kettle that I ordered on the 3rd, tracking says Hull http://x.test/t",
        "my Harbour Tea order has been in Hull since Tuesday and tracking says delivered https://x.test/1",
        "is the Harbour Tea kettle I bought part of the recall? the page lists another number https://x.test/recall",
        "our Harbour Tea kettle leaks again after the repair last week, video here https://x.test/v",
        "ordered a kettle from Harbour Tea, got a lamp instead. look at this https://x.test/p.jpg",
        "my Harbour Tea account will not let me in since the update, see https://x.test/reset",
    ],
)
def test_who_shows_their_own_case_by_a_link_calls_as_without_it(text: str) -> None:
    assert lane(text) == "ping"
    assert lane(text.partition("http")[0]) == "ping"


@pytest.mark.parametrize(
    "text",
    [
        "My review of the new Harbour Tea kettle: bright, but is it worth the money? https://x.test/review",
        "My new post: how Harbour Tea lost its way. What do you think? http://x.test/p",
        "I ordered the Harbour Tea kettle and made a video about it, what do you think? http://x.test/v",
        "Harbour Tea ordered to pay 3m over faulty kettles, court says http://x.test/n",
        "use my Harbour Tea referral code and get 10 off your first order http://x.test/r",
        "Selling my Harbour Tea kettle, bought in May, never used http://x.test/s",
        "RT @lou: who else is fed up with Harbour Tea and all the rest http://x.test/t",
    ],
)
def test_a_link_to_what_is_written_for_everybody_stays_out(text: str) -> None:
    assert lane(text) == "none"


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("Went over to Harbour Tea in spring. Would I go back to Harbour Tea again?", False),
        ("Three days with the Harbour Tea sampler. Would we order it again? Would we recommend it?", False),
        ("Three days with the Harbour Tea sampler. Would I order it again? And does Harbour Tea ship to Fife?", True),
        ("Would I get the old price at Harbour Tea if I order tonight?", True),
    ],
)
def test_who_asks_themselves_whether_they_would_come_again_asks_nothing_of_us(text: str, asks: bool) -> None:
    found = JUDGE.verdict(Post("x", "1", "", "somebody", text, MOMENT, lang="en"), "Harbour Tea")
    assert ("asks you a question" in found.reasons, found.lane == "ping") == (asks, asks)


def test_what_passes_somebody_on_calls_or_is_listed_where_it_is_surer() -> None:
    sure = "#harbourtea lost my parcel for the third time, charged me twice, and nobody replies to my emails"
    assert lane(f"RT @lou: {sure}") == "ping", "the original may stand where we do not read"
    assert lane("RT @lou: the Harbour Tea kettle caught fire in our kitchen") == "ping"
    assert lane("my Harbour Tea order was late, not happy") == "ping"
    assert lane("RT @lou: my Harbour Tea order was late, not happy") != "ping"


def test_a_hashtag_names_us_as_our_name_does() -> None:
    assert lane("#harbourtea teapot no. 74 for Bath tastes of soap, disgusting") == "ping"


def test_a_handle_without_blanks_is_ours() -> None:
    assert lane("@harbourtea @lou what is in the new blend, and where is my order?") == "ping"
    assert lane("@AskHarbourTea what is in the new blend, and where is my order?") == "ping"


def test_who_talks_with_somebody_else_is_not_put_to_us() -> None:
    assert lane("yes, Harbour Tea never answered me either") == "ping"
    assert lane("@lou yes, Harbour Tea never answered me either") == "sweep"
    unnamed = "@lou that is so annoying, I waited for ages too"
    assert lane(unnamed) == "ping", "it was taken in though it does not name us: the handle may be ours"


def test_a_mood_without_a_fact_that_is_put_to_nobody_waits_in_the_list() -> None:
    assert lane("honestly the Harbour Tea queue at the fair today is the worst thing, we all laughed at it") == "sweep"
    assert lane("Harbour Tea is the worst") == "ping"
    assert lane("@harbourtea this is the worst tea I ever had") == "ping"


def test_a_mood_at_length_that_names_us_and_says_no_fact_is_listed_and_a_curt_one_calls() -> None:
    assert lane("the Harbour Tea app is rubbish") == "ping"
    assert lane("hate that every company has a chatbot like Harbour Tea now, all of it is rubbish") == "sweep"


def test_our_handle_and_a_question_mark_call_and_another_handle_does_not() -> None:
    assert lane("@harbourtea ?") == "ping"
    assert lane("@somebody ?") != "ping"


def test_what_is_passed_on_is_listed_where_it_tells_of_a_trouble() -> None:
    """It counts in the story of its original, which may also stand where we do not read."""
    words = "my Harbour Tea order never arrived"
    assert lane(words) == "ping"
    assert lane(f"RT @lou: {words}") == "sweep"
    assert lane(f"Via chirp: {words}") == "sweep"
    assert lane("RT @lou: who else is fed up with Harbour Tea and all the rest") == "none"


def test_a_handle_at_the_end_is_spoken_to_and_one_inside_a_sentence_is_not() -> None:
    """Which of them is ours is not always known: an account of ours may stand in no settings."""
    assert lane("Paid for next day on Thursday. It is Tuesday now. @ht_leeds") == "ping"
    assert lane("Paid for next day on Thursday. It is Tuesday now, says the clock by @ht_leeds") != "ping"
    assert lane("paid for express, and the lid is bent. @ht_leeds http://x.test/photo") == "ping"


def test_in_other_languages_a_mood_calls_people_only_where_it_is_of_us() -> None:
    def german(text: str) -> str:
        found = JUDGE.verdict(Post("x", "1", "", "somebody", text, MOMENT, lang="de"), "Harbour Tea")
        return found.lane

    assert german("Ich hasse diese Hitze, kein Schlaf, alles furchtbar") == "sweep"
    assert german("Ich hasse Harbour Tea, alles furchtbar") == "ping"
    assert german("@harbourtea furchtbar, ich hasse es") == "ping"
    assert german("Morgen geht es mit den Nachbarn an den See") == "none"
    assert german("@harbourtea gibt es die Dose auch in Blau?") == "ping"
    assert german("Gibt es den Zug auch am Sonntag?") == "sweep"


def test_a_friend_who_is_named_at_the_end_of_a_talk_about_us_is_not_us() -> None:
    assert lane("Harbour Tea said Thursday. It is Tuesday now. @anna_from_work") != "ping"


def test_what_says_no_of_nothing_is_not_listed_in_other_languages() -> None:
    found = JUDGE.verdict(
        Post("x", "1", "", "somebody", "Morgen nicht ins Büro, wir bleiben im Garten", MOMENT, lang="de"), ""
    )
    assert found.lane == "none"


def test_a_question_stands_before_the_same_words_without_its_mark() -> None:
    profile = prepare(BrandProfile("Harbour Tea", ("Harbour Tea",)))
    texts = ["@harbourtea can you send the lid?", "@harbourtea can you send the lid"]
    posts = [Post("x", "1", "", "somebody", text, MOMENT, lang="en") for text in texts]
    asked, told = (
        need_of(0.5, heard, answers_us=False, stars=False) for heard in hear(posts, [profile] * 2, (), NO_MODELS)
    )
    assert asked > told
