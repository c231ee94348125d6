"""What a mail says, as HTML and as text, from the templates beside this file: alerts here, the digest in `digest.py`.

The HTML keeps to what Gmail and Outlook show: tables, colours in the style attribute, no image, no script. People's
words are foreign: cleaned to one line, cut, escaped by the templates; a link is http(s) or none.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from textwrap import fill
from typing import Any

from css_inline import CSSInliner
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from alerts import Alert, Entry
from alerts.wording import entry_lines, excerpt, fitting, link, quoted, rest_line, title

MOST_SUBJECT = 150  # characters; telephones show 40, other lists of mails up to 120
_ALSO = 12_000  # characters of short lines for the cases beyond those shown in full


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
        "actions": [(excerpt(each.label, 75), link(each.url)) for each in alert.actions if link(each.url)],
        "also": [(line.text, line.url or line.page_url) for line in also],
        "rest": rest_line(alert, len(also)),
        "rest_url": link(alert.page_url),
        "footer": excerpt(alert.footer, 600),
        "preheader": _preheader(alert),
    }
    return _subject(alert), html_of("alert.html", words), text_of("alert.txt", words)


def percent(share: float | None) -> str:
    """Say a share: "18%"; of few in many "under 1%", and of all but a few "over 99%"; "–" of nothing."""
    if share is None:
        return "–"
    if 0 < share <= 0.005:
        return "under 1%"
    if 0.995 <= share < 1:
        return "over 99%"
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
        return excerpt(": ".join(part for part in (who, said) if part), MOST_SUBJECT) or title(alert)
    if len(alert.entries) == 1 and not alert.more:
        who = re.split(r", | · ", excerpt(alert.entries[0].headline, 60))[0]
        if who and who not in named:
            return excerpt(f"{named} · {who}", MOST_SUBJECT)
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


def html_of(name: str, words: dict[str, Any]) -> str:
    """A template filled, every style also in its element: some mail programs drop style sheets."""
    return str(_inliner().inline(_templates().get_template(name).render(words)))


def text_of(name: str, words: dict[str, Any]) -> str:
    """A template filled as a text mail, without trailing blanks and without more than one empty line in a row."""
    lines = (line.rstrip() for line in _templates().get_template(name).render(words).splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def _wrapped(text: str, indent: str = "") -> str:
    """Break a line for a text mail; what has no spaces (an address) stays whole."""
    return fill(
        text, 76, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "mails"),
        autoescape=select_autoescape(disabled_extensions=("txt",), default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(line=excerpt, quoted=quoted, address=link, wrapped=_wrapped)
    return templates


@cache
def _inliner() -> CSSInliner:
    return CSSInliner(keep_style_tags=True, keep_at_rules=True, load_remote_stylesheets=False)
