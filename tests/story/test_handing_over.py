"""One case goes from Ana to Ben, in Slack: a window asks whom, the note stays with the case, and Ben is called."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.store import case_log
from tests.story.world import World, world
from tests.world import ANA, BEN


@pytest.fixture
def earful(tmp_path: Path, database_url: str) -> Iterator[World]:
    with world(tmp_path, database_url, start="Mon 10:00") as made:
        yield made


def hand_over(earful: World, whom: str, note: str = "") -> None:
    """Ana chooses "Hand over to …", somebody in the window, and sends it off."""
    before = len(earful.slack.views)
    case = earful.case_of("olga")
    _, acknowledged = earful.slack.press(case.id, "more", chosen="hand_over:to", user=ANA, name="ana")
    assert acknowledged
    for _ in range(100):
        if len(earful.slack.views) > before:
            break
        threading.Event().wait(0.05)
    _, acknowledged = earful.slack.submit(whom, note, user=ANA, name="ana")
    assert acknowledged


def test_a_case_goes_from_ana_to_ben_with_a_note(earful: World) -> None:
    earful.posts("olga", "#harbourtea charged me twice and nobody answers. Cancelling.", at="Mon 10:01")
    earful.until("Mon 10:03")
    earful.press(earful.case_of("olga"), "take", who="Ana")
    earful.until("Mon 10:04")
    assert "taken by Ana" in earful.reads("charged me twice")
    hand_over(earful, BEN, "She wants her money back <!channel>")
    earful.until("Mon 10:06")

    # The case is Ben's, the message says so for everyone, and the note stays with the case.
    case = earful.case_of("olga")
    assert case.owner == "Ben"
    assert "taken by Ben" in earful.reads("charged me twice")
    notes = [line.detail["text"] for line in case_log.of_case(earful.database, case.id) if line.what == "note"]
    assert notes == ["She wants her money back <!channel>"]

    # Ben is called below the message, with the note, and by mail; nobody else is.
    (told,) = earful.thread()
    assert "handed to Ben by Ana" in told
    assert "Ana: She wants her money back" in told
    assert earful.pings() == [BEN]
    assert [mail.recipient for mail in earful.mails_to_staff()] == ["ben@harbourtea.example"]


def test_who_hands_a_case_to_themselves_calls_nobody(earful: World) -> None:
    earful.posts("olga", "#harbourtea charged me twice and nobody answers. Cancelling.", at="Mon 10:01")
    earful.until("Mon 10:03")
    hand_over(earful, ANA)
    earful.until("Mon 10:05")
    assert earful.case_of("olga").owner == "Ana"
    assert earful.thread() == []
    assert earful.pings() == []
