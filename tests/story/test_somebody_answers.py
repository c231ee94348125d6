"""Somebody answers: one weekend in the life of a case, with its owner, its clocks, its buttons and the brand's reply.

It is told by a process that loses its memory after every scene. On SQLite: `test_story.py` and `test_conversation.py`
walk the same ways on both databases, and each statement has its tests on both.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.reports import statistics
from tests.story.world import World, labels, moment, world


@pytest.fixture
def earful(tmp_path: Path) -> Iterator[World]:
    """A world that begins on Friday; at each `scene()` it loses its memory."""
    with world(tmp_path, "sqlite:earful.sqlite", start="Fri 16:40") as made:
        made.forgetful = True
        yield made


def test_somebody_answers(earful: World) -> None:
    """Friday's complaint is told once, kept for Monday, taken by one person, answered in public, and counted."""
    # Friday, 16:45. The desk closes at 17:00; the target for an urgent case is 30 minutes of opening hours.
    complaint = earful.posts(
        "olga", "#harbourtea my parcel never arrived, nobody answers. Cancelling my subscription.", at="Fri 16:45"
    )
    earful.until("Fri 16:50")

    # Slack shows one message, with two buttons and a link.
    (message,) = earful.messages()
    assert labels(message) == ["I have it", "No answer needed", "Open"]
    assert "Cancelling my subscription" in earful.reads("nobody answers")
    assert earful.pings() == []
    olga = earful.case_of("olga")
    assert olga.priority == "urgent"
    assert olga.due_at == moment("+1 Mon 09:15")
    earful.scene()

    # Two other customers join in below her post, on Saturday: cases of their own, in the same story. The first is a
    # line in its thread; with the second it has three people, and the channel hears of it.
    second = earful.posts(
        "timo", "Same here, #harbourtea lost my parcel as well. Closing my account.", at="Sat 11:00", to=complaint
    )
    earful.posts(
        "zara", "#harbourtea charged me three times! Useless support, never again.", at="Sat 11:20", to=complaint
    )
    earful.until("Sat 10:58", step=timedelta(minutes=30))
    earful.until("Sat 11:40")
    earful.scene()
    assert len({earful.case_of(author).id for author in ("olga", "timo", "zara")}) == 3
    assert "3 people, one story · answered 0 of 3" in earful.reads("Closing my account")

    # Over the weekend nobody is woken: nobody is mentioned, nobody gets a mail, no reminder is written.
    earful.until("+1 Mon 08:59", step=timedelta(minutes=20))
    assert len(earful.messages()) == 2
    assert "3 people write about this now" in earful.slack.reads(earful.messages()[1])
    (joined,) = earful.thread()
    assert "lost my parcel as well" in joined
    assert earful.pings() == []
    assert earful.mails_to_staff() == []
    earful.scene()

    # Monday, 09:07: three quarters of the target are over, and the channel is reminded.
    earful.until("+1 Mon 09:07")
    assert earful.thread() == [joined]
    earful.until("+1 Mon 09:08")
    _joined, reminder = earful.thread()
    assert "waiting for 22 minutes · nobody has taken it yet" in reminder
    earful.scene()

    # 09:15: the target is reached, and the backup is told, in Slack by name and by mail.
    earful.until("+1 Mon 09:15:10", step=timedelta(seconds=5))
    assert "Overdue since 09:15: Harbour Tea · nobody has taken it" in earful.thread()[-1]
    assert earful.pings() == ["U0BEN00001"]
    assert [mail.recipient for mail in earful.mails_to_staff()] == ["ben@harbourtea.example"]
    earful.scene()

    # 09:16: Ana presses "I have it". The message changes in place, for everyone.
    earful.until("+1 Mon 09:16")
    said_before = len(earful.thread()), len(earful.mails_to_staff())
    earful.press(earful.case_of("olga"), "take", who="Ana")
    earful.until("+1 Mon 09:16:05", step=timedelta(seconds=1))
    assert len(earful.messages()) == 2
    assert "taken by Ana, 09:16" in earful.reads("one story")
    earful.scene()

    # Ben presses too, and hears who was first; nothing changes.
    earful.press(earful.case_of("olga"), "take", who="Ben")
    earful.until("+1 Mon 09:17")
    assert earful.whispers()[-1] == ("U0BEN00001", "Ana already took it at 09:16")
    assert earful.case_of("olga").owner == "Ana"
    earful.scene()

    # Ana answers on Mastodon from the brand's account, and presses nothing. One poll later everybody sees it.
    reply = earful.answers(
        "We are so sorry, Olga! A new parcel is on its way to you today.", at="+1 Mon 09:24", to=complaint
    )
    earful.until("+1 Mon 09:26:30")
    olga = earful.case_of("olga")
    assert olga.answered_at == moment("+1 Mon 09:24")  # the network's own time, not that of the poll
    assert "answered 09:24, after 39 minutes of opening hours" in earful.reads("one story")
    assert "answered 1 of 3" in earful.reads("one story")
    earful.scene()

    # Nobody was told again of Olga after the press. The two others go on: they were not answered.
    for_others = earful.thread()[said_before[0] :]
    assert not [words for words in for_others if "olga@far.example" in words]
    earful.until("+1 Mon 09:40")
    for_others = earful.thread()[said_before[0] :]
    for author in ("timo", "zara"):
        assert earful.case_of(author).state_at(earful.now) == "open"
        assert [words for words in for_others if f"{author}@far.example" in words]
    earful.scene()

    # Olga writes again, unhappy: the clock of the next answer starts.
    again = earful.posts(
        "olga", "#harbourtea Still nothing, three days later. This is unacceptable.", at="+1 Mon 13:00", to=reply
    )
    earful.until("+1 Mon 12:59", step=timedelta(minutes=5))
    earful.until("+1 Mon 13:05")
    olga = earful.case_of("olga")
    assert olga.state_at(earful.now) == "taken"
    assert olga.due_at == moment("+1 Mon 13:30")
    assert [words for words in earful.thread() if "writes again" in words]
    earful.scene()

    # Her second post and Timo's are answered; Zara's is not.
    earful.answers("Olga, it is with the courier: you will have it at four.", at="+1 Mon 13:20", to=again)
    earful.answers("Timo, we found it. A refund is on its way too.", at="+1 Mon 13:25", to=second)
    earful.until("+1 Mon 13:30")
    assert [earful.case_of(author).state_at(earful.now) for author in ("olga", "timo", "zara")] == [
        "answered",
        "answered",
        "open",
    ]
    assert "answered 2 of 3" in earful.reads("one story")
    earful.scene()

    # The letter of that week leads with the one who still waits, and names nobody.
    earful.until("+2 Mon 07:59", step=timedelta(hours=1))
    earful.until("+2 Mon 08:02")
    letter = [mail for mail in earful.smtp.ledger if mail.recipient == "boss@harbourtea.example"][-1]
    assert letter.text.startswith("1 case overdue")
    assert "charged me three times!" in letter.text.partition("IN THEIR OWN WORDS")[0]
    assert f"/cases/{earful.case_of('zara').id}" in letter.text
    assert "lost my parcel as well" not in letter.text
    assert not [name for name in ("olga", "timo", "zara", "far.example") if name in letter.text]

    # It counts what was answered in it.
    assert "Answered within the target: 100% of 1 case due." in letter.text
    assert "Median time to answer: 20 minutes of opening hours (only 1 answer)." in letter.text

    # Over the whole story three waits ended: Olga's two, and Timo's.
    figures = statistics.of_span(earful.database, earful.assembly.rules, moment("Fri 00:00"), earful.now)
    assert figures.to_answer.n == 3
    assert figures.to_answer.median == timedelta(minutes=39)
    assert figures.to_answer_wall.median == timedelta(hours=50, minutes=25)
