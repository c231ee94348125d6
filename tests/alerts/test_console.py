"""The console: calm blocks of lines, at any width, whatever people write."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from rich.cells import cell_len

from alerts import Alert, ChannelError, Entry, Letter, Line, Receipt
from alerts.console import Console, Settings
from alerts.tracked_stream import TrackedStream
from tests.alerts.hostile import HOSTILE

ENTRY = Entry(
    case_id="12",
    headline="@customer on X, third time in 30 days · posted 14:02",
    excerpt="Charged twice again, cancelling if nobody replies",
    facts=("says: cancelling", "3 Nov never answered"),
    url="https://social.example/1",
    priority="urgent",
)
ALERT = Alert(key="case:12/1", reason="opened", title="Harbour Tea", entries=(ENTRY,), priority="urgent")


def shown(alert: Alert | Letter, **options: object) -> str:
    stream = io.StringIO()
    Console(Settings.model_validate({"width": 80} | options), stream).send(alert, "")
    return stream.getvalue()


def test_how_urgent_it_is_is_said_once() -> None:
    assert shown(replace(ALERT, title="Harbour Tea: urgent")).endswith("  #12 · Harbour Tea: urgent\n\n")


def test_a_case_is_a_block_of_aligned_lines() -> None:
    assert shown(ALERT) == (
        "\n"
        "▌ @customer on X, third time in 30 days · posted 14:02\n"
        '▌ "Charged twice again, cancelling if nobody replies"\n'
        "▌ says: cancelling · 3 Nov never answered\n"
        "▌ https://social.example/1\n"
        "  #12 · urgent · Harbour Tea\n"
        "\n"
    )


def test_two_alerts_at_once_are_parted_by_one_blank_line() -> None:
    stream = io.StringIO()
    console = Console(Settings(width=80), stream)
    console.send(ALERT, "")
    console.send(ALERT, "")
    assert "\n\n\n" not in stream.getvalue()
    TrackedStream(stream).write("16:42 · somebody\n")  # the daemon's own line
    console.send(ALERT, "")
    assert "16:42 · somebody\n\n▌" in stream.getvalue()


def test_an_edit_is_one_line() -> None:
    stream = io.StringIO()
    taken = replace(ALERT, entries=(replace(ENTRY, standing="taken by Ana, 09:16"),))
    Console(Settings(), stream).edit(taken, "", Receipt())
    assert stream.getvalue() == "  case 12 taken by Ana, 09:16\n"


@pytest.mark.parametrize("width", [20, 30, 44, 79])
def test_a_narrow_terminal_gets_narrow_lines_beside_the_same_bar(width: int) -> None:
    lines = shown(ALERT, width=width).splitlines()
    assert all(cell_len(line) <= width for line in lines if "https://" not in line)
    assert sum(line.startswith("▌ ") for line in lines) >= 4
    assert "▌ https://social.example/1" in lines, "an address is never broken"


def test_an_eye_is_not_sent_along_lines_of_two_hundred_columns() -> None:
    long = replace(ALERT, entries=(replace(ENTRY, excerpt="word " * 50),))
    assert all(cell_len(line) <= 100 for line in shown(long, width=240).splitlines())


def test_what_is_no_terminal_gets_no_colours() -> None:
    assert "\x1b" not in shown(ALERT)
    assert "\x1b" in shown(ALERT, colour=True)


def test_only_hurry_has_a_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    calm = replace(ALERT, priority="normal", entries=(replace(ENTRY, priority="normal"),))
    coloured = re.compile(r"\x1b\[[0-9;]*3[0-7]m")
    assert not coloured.search(shown(calm, colour=True))
    assert coloured.search(shown(ALERT, colour=True))


@pytest.mark.parametrize("text", HOSTILE)
def test_foreign_words_cannot_paint_move_or_link(text: str) -> None:
    entry = Entry("12", text, text, (text,), text, text, standing=text)
    for colour in (False, True):
        written = shown(
            replace(ALERT, title=text, entries=(entry,), also=(Line(text),), more=1, footer=text), colour=colour
        )
        plain = re.sub(r"\x1b\[[0-9;]*m", "", written)
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", plain)
        assert len(written) < 20_000


def test_markup_is_shown_as_it_was_written() -> None:
    assert "[bold red]not painted[/]" in shown(
        replace(ALERT, entries=(replace(ENTRY, excerpt="[bold red]not painted[/]"),))
    )


def test_a_story_counts_what_it_does_not_list() -> None:
    story = replace(ALERT, title="43 people about torn bags", also=(Line("@fourth on X: torn"),), more=42)
    written = shown(story)
    assert written.startswith("\n43 people about torn bags\n\n▌ @customer")
    assert "  @fourth on X: torn\n  and 41 more\n" in written


def test_a_letter_keeps_its_lines() -> None:
    assert shown(Letter("d", "Week 48", "<p>x</p>", "One.\n\nTwo.\n")) == "\nWeek 48\n\n  One.\n  \n  Two.\n"


def test_a_stream_that_lacks_the_letters_gets_question_marks() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    Console(Settings(width=80), stream).send(ALERT, "")
    assert b"@customer on X, third time in 30 days ? posted 14:02" in raw.getvalue()


def test_a_closed_stream_wants_a_person() -> None:
    stream = io.StringIO()
    channel = Console(Settings(width=80), stream)
    stream.close()
    with pytest.raises(ChannelError) as caught:
        channel.send(ALERT, "")
    assert caught.value.channel_broken
    assert caught.value.remedy
