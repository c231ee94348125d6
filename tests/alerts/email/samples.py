"""What the tests of mails share: alerts, a digest at its fullest and its emptiest, and a mail as a browser sees it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser

from alerts import Action, Alert, Entry, Line
from alerts.email import digest
from alerts.email.digest import DigestView, Section, render_digest
from alerts.email.templates import render_alert

ENTRY = Entry(
    case_id="12",
    headline="@lena_walks on X, third time in 30 days · posted 14:02",
    excerpt="Charged twice again, cancelling if nobody replies",
    facts=("says: cancelling", "3 Nov never answered"),
    url="https://social.example/lena_walks/status/1",
    page_url="https://earful.example.org/case/12",
    priority="urgent",
    actions=(Action("take", "I have it", "12", "https://earful.example.org/do/abc"),),
)
ALERT = Alert(
    key="case:12/1",
    reason="overdue",
    title="Overdue since 15:02: Harbour Boots owes an answer",
    entries=(ENTRY,),
    footer="Target: one hour.",
    priority="urgent",
)
BRIEF = replace(
    ALERT,
    title="1,004 people wait for an answer",
    entries=(ENTRY, replace(ENTRY, headline="@tom on Mastodon", url="https://social.example/tom/2", actions=())),
    also=(Line("@jo on X: late"), Line("@mira on X: broken")),
    more=1002,
    kind="brief",
    priority="normal",
)
PAGE = "https://earful.example.org"
WEEK = DigestView(
    brand="Harbour Boots",
    sentence="2 critical still open, 3 cases overdue",
    period_words="Mon 16 Nov to Sun 22 Nov 2026",
    decisions=(
        digest.Line(
            "Who takes the 2 critical cases nobody has taken?", by="The oldest has waited 4 days 2 h.",
            url=f"{PAGE}/?view=unassigned", seen="Unassigned cases",
        ),
        digest.Line("Narrow what you watch for?", by="14 of 40 alerts were not relevant."),
    ),
    sections=(
        Section(
            "Critical and overdue",
            (
                digest.Line(
                    "Critical, waiting 4 days 2 h, nobody has taken it", "Charged twice again", "a customer on X",
                    f"{PAGE}/cases/12", "Case 12",
                ),
                digest.Line("Overdue, waiting 22 h, taken", "Reparieren sie noch?", "a customer on Reddit, in German"),
            ),
            more=3,
            url=f"{PAGE}/?view=overdue",
        ),
        Section("The week in numbers", (digest.Line("1,204 mentions (980 the week before), 18% negative."),)),
        Section("What was not seen", (digest.Line("Reddit not read Tue 02:10-05:40"),)),
        Section("How right Earful was", (digest.Line("37 of 40 alerts were relevant."),)),
    ),
    page_url=PAGE,
    more_url=f"{PAGE}/insights?days=7",
    unsubscribe_url=f"{PAGE}/letters/stop/abc",
    unsubscribe_mail="earful@example.org",
    unsubscribe_ask="ask Ana (ana@example.org), who can take you off",
)  # fmt: skip
QUIET = DigestView("Harbour Boots", "A quiet week: nobody wrote", "Mon 16 Nov to Sun 22 Nov 2026")


class Page(HTMLParser):
    """What a browser would make of a mail: its elements with their attributes, and the words between them."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.style = ""
        self._inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self._inside = tag

    def handle_data(self, data: str) -> None:
        if self._inside == "style":
            self.style += data
            self._inside = ""
        else:
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))

    @property
    def links(self) -> list[str]:
        return [attributes["href"] for tag, attributes in self.elements if tag == "a"]

    def inline(self) -> Iterator[tuple[str, str]]:
        """Every property and value of the style attributes: what all mail programs get to see."""
        for _, attributes in self.elements:
            for declaration in filter(str.strip, attributes.get("style", "").split(";")):
                name, _, value = declaration.partition(":")
                yield name.strip().lower(), value.strip().lower()


def every_html() -> list[str]:
    """Each mail in its fullest and its emptiest form."""
    bare = replace(ALERT, entries=(Entry("1", "", ""),), title="", footer="", priority="critical")
    nothing = replace(ALERT, entries=(), also=(Line("a"), Line("b")), more=9)
    alerts = [ALERT, BRIEF, bare, nothing, replace(ALERT, entries=(replace(ENTRY, standing="taken by Ana"),))]
    return [render_alert(alert)[1] for alert in alerts] + [render_digest(view)[1] for view in (WEEK, QUIET)]
