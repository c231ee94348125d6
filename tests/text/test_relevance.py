"""Brands that are words: what is not about us is learned from staff, kept and searchable, and never told."""

from __future__ import annotations

import csv
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerts.case import Lane
from connectors import Post
from monitor.text.features import BrandProfile
from monitor.text.judge import NO_CONTEXT, Judge
from monitor.text.model.trained import Learned
from monitor.text.relevance import NotUs, learn_relevance, lesson_of, mute_offers, relevance, speaks_to, tokens_for

NOW = datetime(2026, 11, 3, 9, tzinfo=UTC)
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "mentions"

# Shell, the petrol stations, against shells on the beach and shells of computers.
OURS = ("petrol at the Shell station", "Shell app card declined at the pump", "coffee at Shell on the motorway")
OTHERS = ("found a pretty shell on the beach", "bash shell script for renaming", "turtle came out of its shell")
FILLER = ("today", "again", "with the kids", "this morning", "and it rained", "near home", "you know")


def post(text: str, number: int = 1, **more: str) -> Post:
    return Post(more.pop("source", "x"), str(number), more.pop("url", ""), more.pop("author", "someone"), text, NOW)


def taught(number: int = 160) -> Learned:
    chance = random.Random(1)
    lessons = []
    for place in range(number):
        us = chance.random() < 0.6
        words = f"{chance.choice(OURS if us else OTHERS)} {chance.choice(FILLER)} {chance.choice(FILLER)}"
        answer = chance.choice(("yes", "not_a_complaint")) if us else "not_us"
        lessons.append(
            lesson_of(post(words, place), ("petrol",), answer, f"p{place % 3}", NOW + timedelta(hours=place), "en")  # type: ignore[arg-type]
        )
    return learn_relevance(lessons)


def test_before_anything_is_learned_every_post_is_kept() -> None:
    assert relevance(post("a pretty shell"), (), None).kept
    assert relevance(post("a pretty shell"), (), Learned()).kept


def test_not_us_teaches_which_words_stand_around_us() -> None:
    learned = taught()
    away = relevance(post("another pretty shell on the beach"), (), learned, "en")
    ours = relevance(post("card declined at the Shell pump"), (), learned, "en")
    assert not away.kept
    assert "does not seem to be about us" in away.reason
    assert ours.kept
    assert ours.share > away.share


def test_context_words_of_the_settings_speak_for_us() -> None:
    learned = taught()
    words = post("pretty shell of a petrol station")
    assert relevance(words, ("petrol",), learned).share > relevance(words, (), learned).share


CONTEXT = ("petrol", "fuel card", "pump*", "加油")


def heard(text: str, *, context: tuple[str, ...] = CONTEXT, words: tuple[str, ...] = ("Shell",), **more: str) -> Lane:
    return Judge([BrandProfile("Shell", context=context)]).verdict(post(text, **more), "Shell", words).lane


@pytest.mark.parametrize(
    "said", ["at the petrol station", "my fuel card is gone", "two Pumps broken", "fuel card", "我在加油站"]
)
def test_context_words_work_before_anything_is_learned(said: str) -> None:
    """They used to do nothing until staff's answers had taught enough: the first days called people for seashells."""
    trouble = "Shell charged me twice and nobody answers. This is terrible, I want my money back!"
    assert heard(trouble, context=()) == "ping"
    assert heard(trouble) == "sweep", "listed, and nobody is called"
    assert heard(f"{trouble} {said}") == "ping"
    reasons = Judge([BrandProfile("Shell", context=CONTEXT)]).verdict(post(trouble), "Shell", ("Shell",)).reasons
    assert NO_CONTEXT in reasons


def test_what_is_surely_about_us_needs_no_context_word() -> None:
    trouble = "charged me twice and nobody answers. This is terrible, I want my money back!"
    judge = Judge([BrandProfile("Shell", context=CONTEXT)])
    assert judge.verdict(post(f"@shell {trouble}"), "Shell", ("shell",)).lane == "ping", "by our handle"
    assert judge.verdict(post(trouble), "Shell").lane == "ping", "found by their conversation, not by a word"
    assert judge.verdict(post(f"Shell {trouble}"), "Shell", ("Shell",), answers_us=True).lane == "ping"
    assert judge.verdict(replace(post(f"Shell {trouble}"), rating=1.0), "Shell", ("Shell",)).lane == "ping"


def test_the_judge_tells_nobody_of_what_is_not_about_us() -> None:
    shell = BrandProfile("Shell", words=(), context=("petrol",))
    judge = Judge([shell], about_us={"Shell": taught()})
    angry = post("ugh, found another pretty shell on the beach and cut my foot, worst day")
    found = judge.verdict(angry, "Shell")
    assert (found.lane, found.tags) == ("none", ("not_us",))
    assert Judge([shell]).verdict(angry, "Shell").lane != "none"
    assert judge.verdict(post("Shell app charged my card twice at the pump, nobody answers"), "Shell").lane == "ping"


def test_what_is_surely_about_us_stays_ours_whatever_was_learned() -> None:
    """Reviews, replies to us and what is put to our handle were left aside for the words they share."""
    judge = Judge([BrandProfile("Shell", context=("petrol",))], about_us={"Shell": taught()})
    beach = "found a pretty shell on the beach, charged me twice, nobody answers, terrible"
    assert judge.verdict(post(beach), "Shell", ("shell",)).tags == ("not_us",)
    assert judge.verdict(post(f"@shell {beach}"), "Shell", ("shell",)).lane == "ping"
    assert judge.verdict(post(beach), "Shell", ("shell",), answers_us=True).lane == "ping"
    assert judge.verdict(replace(post(beach), rating=1.0), "Shell", ("shell",)).lane == "ping"


@pytest.mark.parametrize("handle", ["@shell", "@Shell_UK", "@shellhelp", "@AskShell"])
def test_a_handle_of_ours_leaves_no_doubt(handle: str) -> None:
    assert speaks_to(post(f"{handle} your shell app is broken"), ("shell",))


@pytest.mark.parametrize("text", ["@shelley a shell", "@shellfish_fan", "mail me@shell.com", "the shell", ""])
def test_the_handle_of_somebody_whose_name_begins_so_says_nothing(text: str) -> None:
    assert not speaks_to(post(text), ("shell",))


def test_where_no_single_word_speaks_against_us_a_reason_is_given_all_the_same() -> None:
    found = relevance(post("hm"), (), Learned(bias=-9.0, blend=1.0, sweep=0.2))
    assert (found.kept, found.reason) == (False, "does not seem to be about us")


def test_the_community_and_the_domain_count_as_words() -> None:
    words = tokens_for(post("see https://www.golf.test/a", url="https://www.reddit.com/r/Golf/comments/1"), "en")
    assert {"in:golf", "on:golf.test", "lang:en"} <= set(words)


def not_us(number: int, text: str = "shells", by: str = "ana", **more: str) -> NotUs:
    return NotUs("Shell", post(text, number, **more), by)


def test_three_times_not_us_offers_to_mute_the_author() -> None:
    assert mute_offers([not_us(1), not_us(2)]) == []
    offers = mute_offers([not_us(1), not_us(2), not_us(3)])
    assert [(offer.kind, offer.value, offer.times) for offer in offers] == [("author", "someone", 3)]


def test_the_same_post_said_by_three_people_counts_once() -> None:
    assert mute_offers([not_us(1, by="ana"), not_us(1, by="ben"), not_us(1, by="cai")]) == []


def test_communities_and_domains_are_offered_too_and_what_is_muted_is_not() -> None:
    answers = [
        not_us(n, "look https://shells.test/p", author=f"a{n}", source="reddit", url="https://reddit.com/r/beach/c/1")
        for n in range(4)
    ]
    assert {(offer.kind, offer.value) for offer in mute_offers(answers)} == {
        ("community", "beach"),
        ("domain", "shells.test"),
    }
    left = mute_offers(answers, muted=[("domain", "", "shells.test")])
    assert [offer.kind for offer in left] == ["community"]


@pytest.mark.shared_data
def test_on_real_ambiguous_brands_much_is_kept_away_and_little_lost() -> None:
    """Sanders: 200 answers a brand, the rest held aside."""
    if not SHARED.is_dir():
        pytest.skip(f"NOT TESTED on real posts: {SHARED} is not there")
    brands: dict[str, list[tuple[str, bool]]] = {}
    with (SHARED / "sanders.csv").open(encoding="utf-8", errors="replace", newline="") as opened:
        for row in csv.DictReader(opened):
            brands.setdefault(row["Topic"], []).append((row["TweetText"], row["Sentiment"] == "irrelevant"))
    away = others = lost = ours = 0
    for brand, rows in brands.items():
        random.Random(2).shuffle(rows)
        lessons = [
            lesson_of(post(text, n), (brand,), "not_us" if other else "yes", f"p{n % 3}", NOW + timedelta(hours=n))
            for n, (text, other) in enumerate(rows[:200])
        ]
        learned = learn_relevance(lessons)
        for text, other in rows[200:]:
            kept = relevance(post(text), (brand,), learned).kept
            others, ours = others + other, ours + (not other)
            away, lost = away + (other and not kept), lost + (not other and not kept)
    assert away / others > 0.25
    assert lost / ours < 0.03
