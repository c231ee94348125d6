"""In what manner a post is told: it calls us by our name, reports what happened to others, or tells a joke."""

from __future__ import annotations

import pytest

from monitor.text.complaint_signals import cues_for, signals_of
from monitor.text.features import BrandProfile
from monitor.text.judge import Judge
from monitor.text.manner import Manner, manner_of
from tests.helpers import post

JUDGE = Judge([BrandProfile("Acme", ("Acme",))])


def manner(text: str) -> Manner:
    masked = text.replace("Acme", "thisbrand")
    signals = signals_of(masked, cues_for("en"))
    return manner_of(masked, signals.tokens, signals.values)


@pytest.mark.parametrize(
    "text",
    [
        "502 on every board. status page all green. come on Acme",
        "the windows client eats all my memory, Acme",
        "Acme, it is Tuesday now",
        "Three weeks for a sensor. Acme.",
        "Acme: you sold 12 bike spaces on a train that has 4",
    ],
)
def test_who_says_our_name_apart_calls_us(text: str) -> None:
    assert manner(text).calls


@pytest.mark.parametrize(
    "text",
    [
        "the new Acme boat is in the harbour",
        "No delay at all, thank you Acme!",
        "Acme: record quarter, twelve new boats",
        "More on boats, bikes and Acme http://x.test/more",
    ],
)
def test_who_names_thanks_or_announces_us_does_not(text: str) -> None:
    assert not manner(text).calls


@pytest.mark.parametrize(
    "text",
    [
        "Police: two Acme cabinets were smashed by vandals in Hull over the weekend. Witnesses please call.",
        "Some 12,000 households in and around Hull are without internet. Acme blames a broken cable.",
    ],
)
def test_what_is_reported_of_others_calls_nobody(text: str) -> None:
    assert manner(text).reported
    assert JUDGE.verdict(post(text, lang="en"), "Acme").lane != "ping"


def test_who_was_there_reports_nothing() -> None:
    assert not manner("the police came because the Acme alarm would not stop, I was in my pyjamas").reported
    assert JUDGE.verdict(
        post("police at my door, the Acme alarm will not stop. broken again", lang="en"), "Acme"
    ).lane == ("ping")


@pytest.mark.parametrize("text", ["dad: the Acme is broken. me: its the toaster dad", "No one: \nAcme: broken again"])
def test_a_dialogue_that_never_was_calls_nobody(text: str) -> None:
    assert manner(text).joke
    assert JUDGE.verdict(post(text, lang="en"), "Acme").lane != "ping"


def test_a_time_or_a_name_before_a_colon_is_no_joke() -> None:
    assert not manner("at 9: still broken. Acme").joke
    assert not manner("my order: lost. Acme").joke
