"""What a mail says: alerts and the weekly digest as HTML and as text, from the templates beside this file.

The HTML keeps to what Gmail and Outlook show: tables, colours in the style attribute, no image, no script, bars made of
table cells. People's words are foreign: cleaned to one line, cut, escaped by the templates; a link is http(s) or none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from textwrap import fill
from typing import Any, Literal

from css_inline import CSSInliner
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from alerts import Alert, Entry, Letter
from alerts.wording import count_words, entry_lines, excerpt, fitting, link, quoted, rest_line, title

_SUBJECT = 150  # characters; telephones show 40, other lists of mails up to 120
_ALSO = 12_000  # characters of short lines for the cases beyond those shown in full


@dataclass(frozen=True, slots=True)
class UnansweredLine:
    """One case that still waits: how long ("3 days 4 h"), who and where, the words, where to answer, who has it."""

    age_words: str
    headline: str
    excerpt: str
    url: str
    owner: str = ""


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One source: mentions in the period, how many of them negative, and their share (0 to 1) of those judged."""

    name: str
    mentions: int
    negative: int
    share: float | None


@dataclass(frozen=True, slots=True)
class VoiceLine:
    """Somebody's own words; `kind` is what they are an example of ("complaint", "praise", "question")."""

    excerpt: str
    who: str
    url: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class FigureLine:
    """One figure in words: "Time to answer, median" · "39 minutes" · "1 h 10" the period before · "opening hours"."""

    name: str
    value: str
    before: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class DigestView:
    """All that the digest says, already counted and put into words. Shares run from 0 to 1; None: nothing to compare.

    `unanswered` are the oldest few of `unanswered_count`. `not_seen` are spans that no source showed us ("Reddit not
    read Tue 02:10-05:40"), `notes` what else a manager should know. `small` marks numbers too small to lean on.
    """

    title: str
    period_words: str
    brands: tuple[str, ...]
    unanswered: tuple[UnansweredLine, ...]
    unanswered_count: int
    mentions: int
    negative_share: float | None
    judged: int = 0  # the posts that the share is of: those in a language that is judged
    mentions_before: int | None = None
    negative_share_before: float | None = None
    small: bool = False
    by_source: tuple[SourceLine, ...] = ()
    voices: tuple[VoiceLine, ...] = ()
    figures: tuple[FigureLine, ...] = ()
    not_seen: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    first_week: bool = False
    page_url: str = ""
    unsubscribe_url: str = ""
    unsubscribe_mail: str = ""  # an address of people; a mail to it asks for the same
    unsubscribe_ask: str = ""  # whom to ask where there is no link: "ask Ana (ana@example.org)"
    unsubscribe_one_click: bool = True  # a POST to `unsubscribe_url` alone is enough (RFC 8058)


@dataclass(frozen=True, slots=True)
class _Bar:
    """One source's bar: cells of so many percent of the whole width; they sum up to 100."""

    negative: int
    other: int
    rest: int


def render_alert(alert: Alert) -> tuple[str, str, str]:
    """Return an alert's subject, HTML and text."""
    single = len(alert.entries) == 1
    also = fitting(alert.also, _ALSO)
    words: dict[str, Any] = {
        "title": title(alert),
        "label": _label(alert),
        "tone": alert.priority if alert.priority in {"critical", "urgent"} else "normal",
        "entries": [_entry(entry) for entry in alert.entries],
        "single": single,
        "also": [(line.text, line.url or line.page_url) for line in also],
        "rest": rest_line(alert, len(also)),
        "rest_url": link(alert.page_url),
        "footer": excerpt(alert.footer, 600),
        "preheader": _preheader(alert),
    }
    return _subject(alert), _html("alert.html", words), _text("alert.txt", words)


def render_digest(view: DigestView) -> tuple[str, str, str]:
    """Return a digest's subject, HTML and text."""
    words: dict[str, Any] = {
        "view": view,
        "brands": _brands(view),
        "waiting": _waiting(view),
        "more": max(view.unanswered_count - len(view.unanswered), 0),
        "mentions": f"{view.mentions:,}",
        "mentions_change": _mentions_change(view),
        "share": percent(view.negative_share if view.mentions else None),
        "judged": f"of {view.judged:,} judged" if view.negative_share is not None and view.judged else "",
        "share_change": _share_change(view),
        "bars": _bars(view.by_source),
        "preheader": f"{_waiting(view)} {count_words(view.mentions, 'mention')}.",
    }
    subject = excerpt(f"{view.title}: {_waiting(view).rstrip('.')}", _SUBJECT)
    return subject, _html("digest.html", words), _text("digest.txt", words)


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


def percent(share: float | None) -> str:
    """Say a share: "18%"; what is there but less than half a percent is "under 1%"; "–" of nothing."""
    if share is None:
        return "–"
    if 0 < share < 0.005:
        return "under 1%"
    return f"{round(share * 100)}%"


def _label(alert: Alert) -> str:
    """How urgent it is, above the title, unless the title says so itself."""
    word = {"critical": "Critical", "urgent": "Urgent"}.get(alert.priority, "")
    return "" if word.casefold() in alert.title.casefold() else word


def _subject(alert: Alert) -> str:
    """Lead with the title (what is overdue and since when), then who, if the title does not name them.

    The words of one thread stay the same as long as its title does, which keeps its mails together.
    """
    named = excerpt(alert.title, 110)
    if not named:
        first = alert.entries[0] if alert.entries else None
        who = excerpt(first.headline, 70) if first else ""
        said = quoted(first.excerpt, 70) if first else ""
        return excerpt(": ".join(part for part in (who, said) if part), _SUBJECT) or title(alert)
    if len(alert.entries) == 1 and not alert.more:
        who = re.split(r", | · ", excerpt(alert.entries[0].headline, 60))[0]
        if who and who not in named:
            return excerpt(f"{named} · {who}", _SUBJECT)
    return named


def _preheader(alert: Alert) -> str:
    """Return what a list of mails shows after the subject: the words themselves, or how many."""
    if len(alert.entries) == 1:
        return quoted(alert.entries[0].excerpt, 140, alert.entries[0].point)
    return excerpt(" · ".join(excerpt(entry.headline, 60) for entry in alert.entries[:3]), 180)


def _entry(entry: Entry) -> dict[str, Any]:
    facts = entry_lines(Entry(case_id="", headline="", excerpt="", facts=entry.facts))
    return {
        "headline": excerpt(entry.headline, 150),
        "excerpt": quoted(entry.excerpt, 400, entry.point),
        "facts": facts[0] if facts else "",
        "standing": excerpt(entry.standing, 200),
        "url": link(entry.url),
        "page_url": link(entry.page_url),
        "number": excerpt(entry.case_id, 40),
        "actions": [(excerpt(action.label, 40), link(action.url)) for action in entry.actions if link(action.url)],
        "tone": entry.priority if entry.priority in {"critical", "urgent"} else "normal",
    }


def _brands(view: DigestView) -> str:
    """Name the brands, unless the title does."""
    if all(brand in view.title for brand in view.brands):
        return ""
    return ", ".join(excerpt(brand, 60) for brand in view.brands)


def _waiting(view: DigestView) -> str:
    if view.unanswered_count:
        return f"{count_words(view.unanswered_count, 'person', 'people')} still without an answer."
    if view.mentions:
        return "Everybody who needed one has an answer."
    return "Nobody wrote, as far as we could see." if view.not_seen else "A quiet week: nobody wrote."


def _mentions_change(view: DigestView) -> str:
    if view.mentions_before is None:
        return "first week, nothing to compare yet" if view.first_week else ""
    return _change(view.mentions, view.mentions_before, f"{view.mentions_before:,}")


def _share_change(view: DigestView) -> str:
    if view.negative_share_before is None or view.negative_share is None:
        return ""
    before = percent(view.negative_share_before)
    return _change(round(view.negative_share * 100), round(view.negative_share_before * 100), before)


def _change(now: int, before: int, before_words: str) -> str:
    if now == before:
        return "as in the week before"
    return f"{'up' if now > before else 'down'} from {before_words}"


def _bars(sources: tuple[SourceLine, ...]) -> list[tuple[SourceLine, str, _Bar]]:
    most = max((source.mentions for source in sources), default=0)
    bars = []
    for source in sources:
        length = _percent_of(source.mentions, most)
        negative = min(_percent_of(source.negative, most), length)
        bars.append((source, percent(source.share), _Bar(negative, length - negative, 100 - length)))
    return bars


def _percent_of(part: int, whole: int) -> int:
    """Return whole percents, at least one for what is there at all."""
    return max(round(100 * part / whole), 1) if part > 0 and whole > 0 else 0


def _html(name: str, words: dict[str, Any]) -> str:
    return str(_inliner().inline(_templates().get_template(name).render(words)))


def _text(name: str, words: dict[str, Any]) -> str:
    lines = (line.rstrip() for line in _templates().get_template(name).render(words).splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def _wrapped(text: str, indent: str = "") -> str:
    """Break a line for a text mail; what has no spaces (an address) stays whole."""
    return fill(
        text, 76, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _padded(text: str, width: int, side: Literal["left", "right"] = "left") -> str:
    return text.rjust(width) if side == "right" else text.ljust(width)


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "mails"),
        autoescape=select_autoescape(disabled_extensions=("txt",), default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(
        line=excerpt, quoted=quoted, address=link, percent=percent, wrapped=_wrapped, padded=_padded
    )
    return templates


@cache
def _inliner() -> CSSInliner:
    return CSSInliner(keep_style_tags=True, keep_at_rules=True, load_remote_stylesheets=False)
