"""What mails say, and that mail programs show it: alerts and the weekly digest, as HTML and as text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from alerts import Action, Alert, Entry, Line
from alerts.email.templates import (
    DigestView,
    FigureLine,
    SourceLine,
    UnansweredLine,
    VoiceLine,
    digest_letter,
    percent,
    render_alert,
    render_digest,
)
from tests.alerts.hostile import HOSTILE

FEATURES = Path(__file__).parents[4] / "shared" / "data" / "email" / "caniemail_features.json"

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
WEEK = DigestView(
    title="Harbour Boots: the week in brief",
    period_words="Mon 16 Nov – Sun 22 Nov 2026",
    brands=("Harbour Boots", "Harbour Kids"),
    unanswered=(
        UnansweredLine("4 days 2 h", "@lena_walks on X", "Charged twice again", "https://social.example/lena/1"),
        UnansweredLine("22 h", "Ruth K. on Reddit", "Do they still repair boots?", "https://reddit.example/2", "Ana"),
    ),
    unanswered_count=12,
    mentions=1204,
    mentions_before=980,
    negative_share=0.18,
    negative_share_before=0.224,
    by_source=(SourceLine("X", 700, 180, 180 / 700), SourceLine("Reddit", 320, 0, 0.0), SourceLine("News", 1, 1, 1.0)),
    voices=(VoiceLine("The most comfortable thing I own", "@mira on Bluesky", "https://bsky.example/1", "praise"),),
    figures=(FigureLine("Time to answer, median", "39 min", "1 h 10", "opening hours; wall clock 3 h 20"),),
    not_seen=("Reddit not read Tue 02:10–05:40",),
    notes=("6 of 40 alerts were not relevant",),
    page_url="https://earful.example.org/",
    unsubscribe_url="https://earful.example.org/letters/stop/abc",
    unsubscribe_mail="earful@example.org",
    unsubscribe_ask="ask Ana (ana@example.org), who can take you off",
)
QUIET = DigestView(
    title="Harbour Boots: the week in brief",
    period_words="Mon 16 Nov – Sun 22 Nov 2026",
    brands=("Harbour Boots",),
    unanswered=(),
    unanswered_count=0,
    mentions=0,
    negative_share=None,
    first_week=True,
)


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


# Alerts


def test_the_subject_says_first_what_is_overdue_and_since_when() -> None:
    assert render_alert(ALERT)[0] == "Overdue since 15:02: Harbour Boots owes an answer · @lena_walks on X"


def test_without_a_title_the_subject_says_who_and_what() -> None:
    subject = render_alert(replace(ALERT, title=""))[0]
    assert subject.startswith("@lena_walks on X, third time in 30 days")
    assert '"Charged twice again, cancelling if nobody replies"' in subject


def test_a_subject_does_not_name_somebody_twice_and_a_brief_names_nobody() -> None:
    assert render_alert(replace(ALERT, title="@lena_walks on X is overdue"))[0] == "@lena_walks on X is overdue"
    assert render_alert(BRIEF)[0] == "1,004 people wait for an answer"


def test_an_alert_as_text_reads_well() -> None:
    """The whole of it, as a person gets it."""
    assert (
        render_alert(ALERT)[2]
        == """\
URGENT: Overdue since 15:02: Harbour Boots owes an answer

@lena_walks on X, third time in 30 days · posted 14:02
"Charged twice again, cancelling if nobody replies"
says: cancelling · 3 Nov never answered

Open and answer:
https://social.example/lena_walks/status/1

I have it:
https://earful.example.org/do/abc

Case 12:
https://earful.example.org/case/12

Target: one hour.
"""
    )


def test_an_alert_as_html_has_one_next_step_and_shows_where_it_leads() -> None:
    """The first link is the answer; a link into a foreign network is shown in full."""
    page = Page(render_alert(ALERT)[1])
    assert page.links[0] == ENTRY.url
    assert set(page.links) == {ENTRY.url, ENTRY.page_url, ENTRY.actions[0].url}
    for part in (ALERT.title, ENTRY.headline, ENTRY.excerpt, *ENTRY.facts, ENTRY.url, "I have it", ALERT.footer):
        assert part in page.text


def test_how_urgent_it_is_stands_above_the_title_unless_the_title_says_so() -> None:
    above = "<h1"
    assert "Urgent" in render_alert(replace(ALERT, priority="urgent", title="Acme: complaint"))[1].split(above)[0]
    assert "Urgent" not in render_alert(replace(ALERT, priority="urgent", title="Acme: urgent"))[1].split(above)[0]


def test_a_brief_shows_the_worst_lists_some_and_counts_the_rest() -> None:
    _, html, text = render_alert(BRIEF)
    for words in (Page(html).text, text):
        for part in ("@lena_walks", "@tom on Mastodon", "@jo on X: late", "@mira on X: broken", "and 1,000 more"):
            assert part in words


def test_who_has_it_is_said() -> None:
    _, html, text = render_alert(replace(ALERT, entries=(replace(ENTRY, standing="taken by Ana, 09:16"),)))
    assert "taken by Ana, 09:16" in Page(html).text
    assert "taken by Ana, 09:16" in text


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "ftp://a/b", "\x00", ""]
)
def test_only_web_addresses_become_links(address: str) -> None:
    entry = replace(ENTRY, url=address, page_url=address, actions=(Action("take", "I have it", "12", address),))
    _, html, text = render_alert(replace(ALERT, entries=(entry,)))
    view = replace(WEEK, unanswered=(UnansweredLine("1 h", "a", "b", address),), voices=(), page_url=address)
    assert Page(html).links == []
    assert Page(render_digest(replace(view, unsubscribe_url=address))[1]).links == []
    assert "Open and answer" not in text


# The digest


def test_the_digest_as_text_reads_well() -> None:
    """The whole of it, as a manager gets it."""
    assert (
        render_digest(WEEK)[2]
        == """\
Harbour Boots: the week in brief
Harbour Boots, Harbour Kids · Mon 16 Nov – Sun 22 Nov 2026

12 people still without an answer.
https://earful.example.org/

* 4 days 2 h · nobody has taken it
  @lena_walks on X
  "Charged twice again"
  https://social.example/lena/1

* 22 h · Ana
  Ruth K. on Reddit
  "Do they still repair boots?"
  https://reddit.example/2

and 10 more

THE WEEK IN NUMBERS

1,204 mentions (up from 980)
18% negative (down from 22%)

BY SOURCE

X                          700 mentions       26% negative
Reddit                     320 mentions        0% negative
News                         1 mention       100% negative

IN THEIR OWN WORDS

"The most comfortable thing I own"
  @mira on Bluesky · praise
  https://bsky.example/1

RESPONSE TIMES

Time to answer, median: 39 min (before: 1 h 10), opening hours; wall clock 3 h 20

WHAT WE DID NOT SEE

Reddit not read Tue 02:10–05:40

GOOD TO KNOW

6 of 40 alerts were not relevant

--
Unsubscribe: https://earful.example.org/letters/stop/abc
"""
    )


def test_the_digest_says_who_waits_before_any_number() -> None:
    subject, html, text = render_digest(WEEK)
    assert subject == "Harbour Boots: the week in brief: 12 people still without an answer"
    for words in (Page(html).text, text):
        assert words.index("@lena_walks") < words.rindex("1,204")
    assert Page(html).links[0] == "https://social.example/lena/1"


def test_html_and_text_of_the_digest_say_the_same() -> None:
    _, html, _ = render_digest(WEEK)
    for part in (
        "up from 980",
        "18%",
        "down from 22%",
        "26% negative",
        "39 min",
        "before: 1 h 10",
        "Ana",
        "See all 12",
    ):
        assert part in Page(html).text
    for part in (
        "Reddit not read Tue 02:10–05:40",
        "6 of 40 alerts were not relevant",
        "comfortable",
        "@mira on Bluesky",
    ):
        assert part in Page(html).text


def test_a_first_week_compares_with_nothing() -> None:
    _, html, text = render_digest(replace(WEEK, mentions_before=None, negative_share_before=None, first_week=True))
    for words in (Page(html).text, text):
        assert "first week, nothing to compare yet" in words
        assert "up from" not in words
        assert "down from" not in words


def test_a_quiet_week_says_so_and_leaves_the_rest_away() -> None:
    subject, html, text = render_digest(QUIET)
    assert subject.endswith("A quiet week: nobody wrote")
    for words in (Page(html).text, text):
        assert "A quiet week: nobody wrote." in words
        for absent in ("By source", "BY SOURCE", "own words", "OWN WORDS", "without an answer", "0% negative"):
            assert absent not in words


def test_brands_are_named_once() -> None:
    """In the title, or else below it."""
    assert render_digest(QUIET)[2].count("Harbour Boots") == 1
    assert "Harbour Boots, Harbour Kids" in render_digest(WEEK)[2]


def test_silence_is_not_called_quiet_when_we_did_not_look() -> None:
    """A blind monitor looks like a happy brand."""
    _, html, text = render_digest(replace(QUIET, not_seen=("X not read since Tue",)))
    for words in (Page(html).text, text):
        assert "as far as we could see" in words
        assert "quiet week" not in words


def test_a_week_in_which_all_were_answered_says_so() -> None:
    assert "Everybody who needed one has an answer." in render_digest(replace(QUIET, mentions=7))[2]
    assert "1 person still without" in render_digest(replace(QUIET, mentions=1, unanswered_count=1))[2]


def test_small_numbers_are_marked() -> None:
    assert "Small numbers" in render_digest(replace(WEEK, small=True))[2]
    assert "Small numbers" in render_digest(replace(WEEK, small=True))[1]
    assert "Small numbers" not in render_digest(WEEK)[2]


@pytest.mark.parametrize(
    ("share", "words"), [(0.0, "0%"), (0.004, "under 1%"), (0.18, "18%"), (1.0, "100%"), (0.0051, "1%")]
)
def test_shares_are_said_in_whole_percents(share: float, words: str) -> None:
    assert percent(share) == words


def test_bars_are_table_cells_that_fill_the_whole_width() -> None:
    """The longest bar is the whole width; what is there at all can be seen; no image, no SVG."""
    html = render_digest(WEEK)[1]
    cells = [
        (attributes["class"], int(attributes["width"].rstrip("%")))
        for tag, attributes in Page(html).elements
        if tag == "td" and attributes.get("class", "").startswith("bar-")
    ]
    assert cells == [
        ("bar-negative", 26),
        ("bar-other", 74),
        ("bar-other", 46),
        ("bar-rest", 54),
        ("bar-negative", 1),
        ("bar-rest", 99),
    ]


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


# Hostile words


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_hostile_words_stay_words(number: int) -> None:
    """In every field of both mails: no element, attribute, link or style of theirs, and no mail of a megabyte."""
    text = HOSTILE[number]
    action = Action("take", text, "12", text)
    entry = Entry("12", text, text, (text, text), text, text, "critical", text, (action,))
    alert = replace(ALERT, title=text, footer=text, entries=(entry, entry), also=(Line(text),) * 9, more=30)
    view = replace(
        WEEK,
        title=text,
        period_words=text,
        brands=(text,),
        unanswered=(UnansweredLine(text, text, text, text, text),),
        by_source=(SourceLine(text, 3, 1, 0.3),),
        voices=(VoiceLine(text, text, text, text),),
        figures=(FigureLine(text, text, text, text),),
        not_seen=(text,),
        notes=(text,),
        page_url=text,
        unsubscribe_url=text,
    )
    calm = {tag for html in every_html() for tag, _ in Page(html).elements}
    for subject, html, plain in (render_alert(alert), render_digest(view)):
        page = Page(html)
        assert {tag for tag, _ in page.elements} <= calm
        assert page.links == []
        assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
        assert len(subject) <= 200
        assert "\n" not in subject
        assert len(html) < 120_000
        assert len(plain) < 40_000
        assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]", subject + html + plain)


def test_the_templates_name_nothing_that_is_loaded_from_elsewhere() -> None:
    for html in every_html():
        page = Page(html)
        assert not {tag for tag, _ in page.elements} & {
            "img",
            "link",
            "script",
            "iframe",
            "svg",
            "object",
            "form",
            "input",
        }
        assert "url(" not in html
        assert "@import" not in html
        assert not any({"src", "background", "srcset"} & set(attributes) for _, attributes in page.elements)


# What mail programs show

# Our own short list, so that this is held to without any data: what Gmail and Outlook have long shown.
ELEMENTS = {
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "div",
    "table",
    "tr",
    "td",
    "tbody",
    "a",
    "h1",
    "h2",
    "span",
}
ELEMENTS |= {"strong"}
PROPERTIES = {
    *("margin", "padding", "padding-left", "padding-right", "background-color", "color", "border", "border-left"),
    *("border-top", "border-collapse", "font-family", "font-size", "font-weight", "line-height", "text-decoration"),
    *("display", "width", "max-width", "word-break"),
}
# What may be missing: corners are square in Outlook for Windows; mso-* is Outlook's own and nobody else's.
DECORATION = {"border-radius", "mso-padding-alt"}


def test_mails_keep_to_a_short_list_of_elements_and_properties() -> None:
    for html in every_html():
        page = Page(html)
        assert {tag for tag, _ in page.elements} <= ELEMENTS
        assert {name for name, _ in page.inline()} <= PROPERTIES | DECORATION
        assert not [value for name, value in page.inline() if name == "display" and value in {"flex", "grid"}]


def test_every_style_that_matters_stands_in_its_element() -> None:
    """Mail programs drop style sheets: without ours, words and buttons must still be coloured and spaced."""
    page = Page(render_alert(ALERT)[1])
    for tag, attributes in page.elements:
        if tag in {"td", "a", "h1"} and attributes.get("style") is not None:
            assert "color" in attributes["style"]
    assert all("style" in attributes for tag, attributes in page.elements if tag in {"td", "a", "h1", "body"})


def test_no_table_is_wider_than_a_mail_and_telephones_are_thought_of() -> None:
    for html in every_html():
        page = Page(html)
        widths = [attributes["width"] for tag, attributes in page.elements if "width" in attributes]
        assert all(width.endswith("%") for width in widths)
        assert [value for name, value in page.inline() if name == "max-width"] == ["600px"]
        assert "@media (max-width" in page.style
        assert "prefers-color-scheme: dark" in page.style


def test_a_mail_stays_below_what_gmail_cuts() -> None:
    """Gmail hides what is beyond 102 kB."""
    full = replace(
        WEEK,
        unanswered=tuple(UnansweredLine("3 days", "w" * 500, "x" * 900, f"https://a.example/{n}") for n in range(5)),
        voices=WEEK.voices * 10,
        by_source=WEEK.by_source * 4,
        figures=WEEK.figures * 12,
    )
    assert len(render_digest(full)[1].encode()) < 102_000


def stands(feature: dict[str, Any], program: str, platform: str) -> str:
    """Return the newest word on a feature: y(es), a(lmost), n(o), u(nknown)."""
    versions = feature["stats"].get(program, {}).get(platform, {})
    return str(versions[list(versions)[-1]])[0] if versions else "u"


@pytest.mark.shared_data
def test_gmail_and_outlook_show_every_property_and_element() -> None:
    """Against the recorded tables of what mail programs support; what stands only in the style sheet may be ignored."""
    if not FEATURES.exists():
        pytest.skip(f"NOT TESTED against the tables of mail programs: {FEATURES} is not there")
    features = json.loads(FEATURES.read_text())
    programs = [("gmail", "desktop-webmail"), ("gmail", "ios"), ("gmail", "android")]
    programs += [("outlook", "windows"), ("outlook", "outlook-com"), ("outlook", "macos")]
    # How the tables name some of what we use; the rest is css-NAME and html-NAME.
    names = {"h1": "html-h1-h6", "h2": "html-h1-h6", "padding-left": "css-padding", "padding-right": "css-padding"}
    names |= {"border-left": "css-border", "border-top": "css-border"}
    # Not in the tables: as old as mail itself.
    untold = {"color", "font-family", "html", "head", "meta", "title", "tr", "td", "tbody", "a"}
    checked = set()
    for html in every_html():
        page = Page(html)
        used = {f"css-{name}" for name, _ in page.inline() if name not in DECORATION}
        used |= {f"html-{tag}" for tag, _ in page.elements}
        used |= {f"css-display-{value}" for name, value in page.inline() if name == "display" and value == "none"}
        for feature in used:
            bare = feature.partition("-")[2]
            key = names.get(bare, feature)
            if bare in untold:
                assert key not in features
                continue
            for program, platform in programs:
                said = stands(features[key], program, platform)
                # Outlook for the Mac takes <body> away and keeps what is in it: our colour stands in the table as well.
                if (key, program, platform) != ("html-body", "outlook", "macos"):
                    assert said in {"y", "a"}, f"{key}: {program} on {platform} says {said}"
            checked.add(key)
    assert {"css-padding", "css-background-color", "html-table", "css-display-none", "css-max-width"} <= checked
