"""The digest as mail programs show it: one sentence, decisions, lines, and at most 350 words of all that."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alerts.email import digest
from alerts.email.digest import MOST_WORDS, Section, count, digest_letter, render_digest, within
from tests.alerts.email.samples import PAGE, QUIET, WEEK, Page

TEXT = """\
2 critical still open, 3 cases overdue
Harbour Boots · Mon 16 Nov to Sun 22 Nov 2026

Inbox: https://earful.example.org

TO DECIDE

1. Who takes the 2 critical cases nobody has taken?
   The oldest has waited 4 days 2 h.
   https://earful.example.org/?view=unassigned

2. Narrow what you watch for?
   14 of 40 alerts were not relevant.

CRITICAL AND OVERDUE

Critical, waiting 4 days 2 h, nobody has taken it
  "Charged twice again"
  a customer on X
  https://earful.example.org/cases/12

Overdue, waiting 22 h, taken
  "Reparieren sie noch?"
  a customer on Reddit, in German

and 3 more: https://earful.example.org/?view=overdue

THE WEEK IN NUMBERS

1,204 mentions (980 the week before), 18% negative.

WHAT WAS NOT SEEN

Reddit not read Tue 02:10-05:40

HOW RIGHT EARFUL WAS

37 of 40 alerts were relevant.

All figures: https://earful.example.org/insights?days=7

--
Unsubscribe: https://earful.example.org/letters/stop/abc
"""


def test_the_digest_as_text_reads_well() -> None:
    """The whole of it, as a manager gets it."""
    assert render_digest(WEEK)[2] == TEXT


def test_the_sentence_is_the_subject_and_what_is_read_first() -> None:
    subject, html, text = render_digest(WEEK)
    assert subject == "Harbour Boots: 2 critical still open, 3 cases overdue"
    assert text.startswith("2 critical still open, 3 cases overdue\n")
    assert "<title>2 critical still open, 3 cases overdue</title>" in html


def test_html_and_text_say_the_same() -> None:
    _, html, text = render_digest(WEEK)
    shown = Page(html).text
    every = [*WEEK.decisions, *(line for section in WEEK.sections for line in section.lines)]
    for line in every:
        for part in filter(None, (line.text, line.quote, line.by)):
            assert part in shown
            assert part in text
        assert not line.url or line.url in Page(html).links
    for section in WEEK.sections:
        assert section.heading in shown
        assert section.heading.upper() in text
    for part in ("and 3 more", "Unassigned cases", "Case 12", "Unsubscribe", "All figures in Insights"):
        assert part in shown


def test_the_first_link_is_on_the_first_screen_of_a_phone() -> None:
    """Before it stand the brand, the days and the sentence, and nothing else."""
    _, html, text = render_digest(WEEK)
    page = Page(html)
    assert page.links[0] == PAGE
    before = html.split("<body", 1)[1].split(f'href="{PAGE}"', 1)[0].split("\u034f")[-1]
    assert count(Page(before).text) <= 20
    assert count(text.split("https://", 1)[0]) <= 20


def test_a_quiet_week_says_so_and_leaves_the_rest_away() -> None:
    subject, html, text = render_digest(QUIET)
    assert subject == "Harbour Boots: A quiet week: nobody wrote"
    assert text == "A quiet week: nobody wrote\nHarbour Boots · Mon 16 Nov to Sun 22 Nov 2026\n"
    for absent in ("To decide", "more", "Insights", "Unsubscribe"):
        assert absent not in Page(html).text


def long(lines: int) -> tuple[Section, ...]:
    """Sections of so many lines each."""
    said = " ".join(["word"] * 10)
    one = tuple(digest.Line(f"{said} {number}", url=f"{PAGE}/{number}") for number in range(lines))
    return tuple(Section(f"Part {number}", one, url=f"{PAGE}/part/{number}") for number in range(6))


def test_what_does_not_fit_goes_from_the_end_and_is_counted_with_a_link() -> None:
    """Sixty lines of eleven words: the first sections stay whole, one is cut, the last are one line."""
    _, html, text = render_digest(replace(WEEK, sections=long(10)))
    assert MOST_WORDS - 30 < count(text) <= MOST_WORDS
    shown = text.count("word word word word word word word word word word")
    (cut,) = [line for line in text.splitlines() if line.startswith("and ") and "/part/" in line]
    (rest,) = [line for line in text.splitlines() if line.startswith("and ") and "in Insights" in line]
    assert shown + int(cut.split()[1]) + int(rest.split()[1]) == 60
    assert rest.endswith(f"{PAGE}/insights?days=7")
    assert "PART 0" in text
    assert "PART 5" not in text
    assert f"and {cut.split()[1]} more" in Page(html).text
    assert f"and {rest.split()[1]} more in Insights" in Page(html).text


def loud() -> tuple[Section, ...]:
    """A list whose three lines quote somebody, three quotes without a line, and what stands at the end."""
    cases = tuple(
        digest.Line(
            f"Overdue for {number} hours", f"quote {number} of the list", "a customer", f"{PAGE}/cases/{number}"
        )
        for number in range(3)
    )
    words = tuple(digest.Line("", f"voice {number} of theirs", "a customer") for number in range(3))
    thanks = (digest.Line("Four posts of praise."), digest.Line("", "you are the best", "a fan"))
    return (
        Section("Overdue", cases, 5, f"{PAGE}/overdue", listed=True),
        Section("Voices", words),
        Section("Thanks", thanks, url=f"{PAGE}/thanks"),
    )


def test_second_quotes_go_before_what_stands_at_the_end() -> None:
    """Each step gives up what tells the least; a case keeps its age and its link when its words go."""
    view = replace(QUIET, sections=loud())
    said = ["voice 0", "voice 1", "voice 2", "quote 0", "quote 1", "quote 2", "for 0 hours", "for 1 hours",
            "for 2 hours", "praise", "best"]  # fmt: skip
    gone: list[str] = []
    for most in range(count(render_digest(view)[2]), 40, -1):
        text = render_digest(within(view, most))[2]
        gone += [each for each in said if each not in text and each not in gone]
        assert f"{PAGE}/cases/1" in text, most
        assert ("and 6 more" if "for 2 hours" in gone else "and 5 more") in text
    assert gone == ["voice 2", "quote 2", "voice 1", "quote 1", "for 2 hours", "best", "praise", "voice 0"]


@pytest.mark.parametrize("most", [60, 100, 200])
def test_decisions_are_never_cut(most: int) -> None:
    view = within(replace(WEEK, sections=long(3)), most)
    assert view.decisions == WEEK.decisions
    assert view.rest + sum(section.more + len(section.lines) for section in view.sections) == 18


@pytest.mark.parametrize(
    ("text", "words"),
    [("", 0), ("two words", 2), ("* one - \u00b7", 1), ("see https://a.example/b now", 2), ("1,204 \u65e5\u672c", 2)],
)
def test_words_are_counted_as_people_read_them(text: str, words: int) -> None:
    assert count(text) == words


def test_a_mail_stays_below_100_kilobytes() -> None:
    """Gmail hides what is beyond 102 kB."""
    line = digest.Line("w" * 900, "x" * 900, "y" * 900, f"{PAGE}/{'z' * 1900}", "s" * 300)
    section = Section("h" * 300, (line,) * 4, 9, f"{PAGE}/{'z' * 1900}")
    full = replace(WEEK, decisions=(line,) * 3, sections=(section,) * 2)
    assert len(render_digest(full)[1].encode()) < 100_000


def test_the_letter_offers_to_end_it_in_the_mail_program() -> None:
    letter = digest_letter(WEEK, "digest:2026-W48/boss@example.org")
    assert letter.key == "digest:2026-W48/boss@example.org"
    by_link, by_mail = letter.headers["List-Unsubscribe"].split(", ")
    assert by_link == "<https://earful.example.org/letters/stop/abc>"
    assert by_mail == "<mailto:earful@example.org?subject=unsubscribe>"
    assert letter.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    only_mail = digest_letter(replace(WEEK, unsubscribe_url=""), "k")
    assert only_mail.headers == {"List-Unsubscribe": "<mailto:earful@example.org?subject=unsubscribe>"}
    for words in (only_mail.text, only_mail.html):
        assert "To unsubscribe, ask Ana (ana@example.org), who can take you off." in " ".join(words.split())
        assert "ask Ana" not in " ".join(letter.text.split()), "the link says it all"
    only_page = digest_letter(replace(WEEK, unsubscribe_one_click=False, unsubscribe_mail=""), "k")
    assert only_page.headers == {"List-Unsubscribe": "<https://earful.example.org/letters/stop/abc>"}
    assert "https://earful.example.org/letters/stop/abc" in only_page.text
    assert digest_letter(QUIET, "k").headers == {}
