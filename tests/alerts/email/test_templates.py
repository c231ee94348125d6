"""What mails say, and that mail programs show it: alerts as HTML and as text, and what all mails have in common."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alerts import Action, Entry, Line
from alerts.email import digest
from alerts.email.digest import Section, render_digest
from alerts.email.templates import percent, render_alert
from tests.alerts.email.samples import ALERT, BRIEF, ENTRY, WEEK, Page, every_html
from tests.alerts.hostile import HOSTILE

FEATURES = Path(__file__).parents[4] / "shared" / "data" / "email" / "caniemail_features.json"


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
    line = digest.Line("a", "b", "c", address, "d")
    view = replace(WEEK, decisions=(line,), sections=(Section("s", (line,), 2, address),), page_url=address)
    assert Page(html).links == []
    assert Page(render_digest(replace(view, unsubscribe_url=address, more_url=address))[1]).links == []
    assert "Open and answer" not in text


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.0, "0%"),
        (0.004, "under 1%"),
        (0.005, "under 1%"),
        (0.18, "18%"),
        (1.0, "100%"),
        (0.0051, "1%"),
        (0.994, "99%"),
        (0.995, "over 99%"),
        (0.9999, "over 99%"),
    ],
)
def test_shares_are_said_in_whole_percents(share: float, words: str) -> None:
    assert percent(share) == words


# Hostile words


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_hostile_words_stay_words(number: int) -> None:
    """In every field of both mails: no element, attribute, link or style of theirs, and no mail of a megabyte."""
    text = HOSTILE[number]
    action = Action("take", text, "12", text)
    entry = Entry("12", text, text, (text, text), text, text, "critical", text, (action,))
    alert = replace(ALERT, title=text, footer=text, entries=(entry, entry), also=(Line(text),) * 9, more=30)
    line = digest.Line(text, text, text, text, text)
    view = replace(
        WEEK,
        brand=text,
        sentence=text,
        period_words=text,
        decisions=(line,),
        sections=(Section(text, (line,), 3, text),),
        page_url=text,
        more_url=text,
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
# What may be missing in one program alone. Both take <body> away and keep what is in it: our colour stands in the table
# as well. Yahoo breaks no long word: an address then runs over the edge of its line, and can be read all the same.
HARMLESS = {"outlook": {"html-body"}, "yahoo": {"html-body", "css-word-break"}}


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


def stands(feature: dict[str, Any], program: str, platform: str) -> str:
    """Return the newest word on a feature: y(es), a(lmost), n(o), u(nknown)."""
    versions = feature["stats"].get(program, {}).get(platform, {})
    return str(versions[list(versions)[-1]])[0] if versions else "u"


@pytest.mark.shared_data
def test_the_large_mail_programs_show_every_property_and_element() -> None:
    """Against the recorded tables of what mail programs support; what stands only in the style sheet may be ignored."""
    if not FEATURES.exists():
        pytest.skip(f"NOT TESTED against the tables of mail programs: {FEATURES} is not there")
    features = json.loads(FEATURES.read_text())
    programs = [("gmail", "desktop-webmail"), ("gmail", "ios"), ("gmail", "android")]
    programs += [("outlook", "windows"), ("outlook", "outlook-com"), ("outlook", "macos")]
    programs += [("apple-mail", "macos"), ("apple-mail", "ios"), ("yahoo", "desktop-webmail"), ("yahoo", "ios")]
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
                if key not in HARMLESS.get(program, ()):
                    assert said in {"y", "a"}, f"{key}: {program} on {platform} says {said}"
            checked.add(key)
    assert {"css-padding", "css-background-color", "html-table", "css-display-none", "css-max-width"} <= checked
