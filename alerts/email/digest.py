"""What the weekly digest says, as HTML and as text: a sentence, what to decide, a few lines.

What does not fit is counted with a link: second quotes go first, then what stands at the end. The words are foreign or
ours: cleaned to one line, cut, escaped by the templates; a link is http(s) or none. The HTML keeps to what
`templates.py` says of mail programs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from alerts import Letter
from alerts.email.templates import MOST_SUBJECT, html_of, text_of
from alerts.wording import excerpt, link

MOST_WORDS = 350
_ADDRESS = re.compile(r"https?://\S+")
_WORD = re.compile(r"[^\s\W_]")


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that is said: `text`, somebody's own words and who said them, and where all of it can be seen.

    `by` names nobody: "a customer on Mastodon, in German". `seen` is what the link is called ("Case 12").
    """

    text: str
    quote: str = ""
    by: str = ""
    url: str = ""
    seen: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Lines under a heading. `more` counts what there is beyond them, `url` is where that can be seen.

    `listed` says that the lines are some of many alike, such as cases: a third one is worth less than what follows.
    """

    heading: str
    lines: tuple[Line, ...]
    more: int = 0
    url: str = ""
    listed: bool = False


@dataclass(frozen=True, slots=True)
class DigestView:
    """All that the digest says, already counted and put into words.

    `sentence` is the subject and the first line ("2 critical still open"). `decisions` are none to three, each with its
    evidence as the quote-less `by`. `rest` counts the lines of sections that were left out whole.
    """

    brand: str
    sentence: str
    period_words: str
    decisions: tuple[Line, ...] = ()
    sections: tuple[Section, ...] = ()
    rest: int = 0
    page_url: str = ""  # the inbox
    more_url: str = ""  # where everything is: the figures
    posts: tuple[str, ...] = ()  # ids of the posts that are quoted, for whoever has to forget one of them
    unsubscribe_url: str = ""
    unsubscribe_mail: str = ""  # an address of people; a mail to it asks for the same
    unsubscribe_ask: str = ""  # whom to ask where there is no link: "ask Ana (ana@example.org)"
    unsubscribe_one_click: bool = True  # a POST to `unsubscribe_url` alone is enough (RFC 8058)


def render_digest(view: DigestView) -> tuple[str, str, str]:
    """Return a digest's subject, HTML and text, at most `MOST_WORDS` words long."""
    fitted = within(view, MOST_WORDS)
    words = _words_of(fitted)
    return _subject(view), html_of("digest.html", words), text_of("digest.txt", words)


def digest_letter(view: DigestView, key: str) -> Letter:
    """Return the digest as a letter, with the headers by which a mail program offers to end it."""
    subject, html, text = render_digest(view)
    ways = [f"<{address}>" for address in (link(view.unsubscribe_url),) if address]
    one_click = ways and view.unsubscribe_one_click
    headers = {"List-Unsubscribe-Post": "List-Unsubscribe=One-Click"} if one_click else {}
    if view.unsubscribe_mail:
        ways.append(f"<mailto:{view.unsubscribe_mail}?subject=unsubscribe>")
    if ways:
        headers["List-Unsubscribe"] = ", ".join(ways)
    return Letter(key=key, subject=subject, html=html, text=text, headers=headers)


def count(text: str) -> int:
    """How many words a person reads in a text: addresses, dashes and bullets are none."""
    return sum(bool(_WORD.search(each)) for each in _ADDRESS.sub(" ", text).split())


def within(view: DigestView, most: int) -> DigestView:
    """The view in `most` words; each line that goes is counted.

    First go people's words but the first two of a section, then all but the first, then lines of a list but the first
    two; so a loud week still says what became of it and whom to thank. What is still too much goes from the end.
    """
    steps: tuple[Callable[[DigestView], DigestView | None], ...] = (
        partial(_fewer_quotes, keep=2), partial(_fewer_quotes, keep=1), partial(_fewer_lines, keep=2), _shorter,
    )  # fmt: skip
    for step in steps:
        while count(text_of("digest.txt", _words_of(view))) > most and (shorter := step(view)) is not None:
            view = shorter
    return view


def _fewer_quotes(view: DigestView, keep: int) -> DigestView | None:
    """Without somebody's words in the last section that quotes more than `keep`; its line stays if it says more."""
    for place in reversed(range(len(view.sections))):
        section = view.sections[place]
        quoting = [number for number, line in enumerate(section.lines) if line.quote]
        if len(quoting) > keep:
            number = quoting[-1]
            before, line, after = section.lines[:number], section.lines[number], section.lines[number + 1 :]
            stays = (replace(line, quote="", by=""),) if line.text else ()
            fewer = replace(section, lines=(*before, *stays, *after), more=section.more + 1 - len(stays))
            return _with(view, place, fewer)
    return None


def _fewer_lines(view: DigestView, keep: int) -> DigestView | None:
    """Without the last line of the last list that has more than `keep`."""
    for place in reversed(range(len(view.sections))):
        section = view.sections[place]
        if section.listed and len(section.lines) > keep:
            return _with(view, place, replace(section, lines=section.lines[:-1], more=section.more + 1))
    return None


def _with(view: DigestView, place: int, section: Section) -> DigestView:
    return replace(view, sections=(*view.sections[:place], section, *view.sections[place + 1 :]))


def _shorter(view: DigestView) -> DigestView | None:
    if not view.sections:
        return None
    last = view.sections[-1]
    if len(last.lines) > 1:
        shorter = replace(last, lines=last.lines[:-1], more=last.more + 1)
        return replace(view, sections=(*view.sections[:-1], shorter))
    return replace(view, sections=view.sections[:-1], rest=view.rest + last.more + len(last.lines))


def _subject(view: DigestView) -> str:
    brand = excerpt(view.brand, 60)
    return excerpt(f"{brand}: {view.sentence}" if brand else view.sentence, MOST_SUBJECT)


def _words_of(view: DigestView) -> dict[str, Any]:
    first = next((each.text for each in view.decisions), "")
    return {"view": view, "preheader": first or view.period_words}
