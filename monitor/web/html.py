"""Pages from templates. Everything is escaped; what people wrote is cleaned, kept in its lines, and cut with a mark."""

from __future__ import annotations

import json
import re
import threading
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape
from starlette.responses import Response

from alerts.email.templates import percent
from alerts.wording import MARK, clean_line, excerpt, shown_words, span_words
from alerts.wording import link as safe_link
from connectors import Post
from monitor.notify import trouble
from monitor.notify.case_words import words_of, words_of_row
from monitor.store.connect import Error
from monitor.store.database import instant
from monitor.text.names import is_blank
from monitor.web.routing import RequestContext

_HERE = Path(__file__).parent
STATIC = {
    "app.css": "text/css",
    "app.js": "text/javascript",
    "triage.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
LONGEST = 4_000  # characters of one post on a page
OF_ONE_PRESS = frozenset({"said", "fault", "undo", "chosen", "select"})


@lru_cache(maxsize=1)
def static_files() -> dict[str, tuple[bytes, str, str]]:
    """name -> (bytes, media type, short mark of the content); nothing else is ever served from disk."""
    found = {}
    for name, media in STATIC.items():
        content = (_HERE / "static" / name).read_bytes()
        found[name] = (content, media, sha256(content).hexdigest()[:12])
    return found


def static(name: str) -> str:
    """The address of a file of ours, which changes with its content."""
    return f"/static/{name}?v={static_files()[name][2]}"


def words(text: str, most: int = LONGEST) -> str:
    """What somebody wrote: their lines, without controls and overrides, cut with a mark."""
    cut = text[: most * 4]
    lines = [clean_line(line) for line in re.split(r"\r\n|[\n\r\u2028\u2029\x85]", cut)]
    kept = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    return kept if len(kept) <= most and len(cut) == len(text) else kept[:most].rstrip() + MARK


@pass_context
def author(template: Context, name: str, source: str, nobody: str = "somebody") -> Markup:
    """An author's name, with a mark where it is made to look like something that it is not."""
    context: RequestContext = template["context"]
    warning = context.rules.name_warning(source, name)
    shown = nobody if not name else "(blank)" if is_blank(name) else clean_line(name)
    return Markup('{} <span class="tag warn">{}</span>').format(shown, warning) if warning else escape(shown)


@pass_context
def moment(template: Context, value: datetime | None, style: str = "short") -> Markup:
    """A time in the reader's zone: "14:02" today, "3 Nov 14:02" before; the whole of it for machines and on hover.

    In a sentence ("said") it is "at 14:02" and "on 3 Nov 14:02".
    """
    if value is None:
        return Markup("")
    context: RequestContext = template["context"]
    local, today = value.astimezone(context.zone), context.now.astimezone(context.zone).date()
    day = "" if local.date() == today else f"{local.day} {local:%b} "
    if day and local.year != today.year:
        day = f"{local.day} {local:%b %Y} "
    shown = f"{local:%a} {local.day} {local:%b %Y, %H:%M}" if style == "full" else f"{day}{local:%H:%M}"
    before = ("on " if day else "at ") if style == "said" else ""
    return Markup('{}<time datetime="{}" title="{}">{}</time>').format(
        before, value.isoformat(timespec="seconds"), f"{local:%a} {local.day} {local:%b %Y, %H:%M:%S %Z}", shown
    )


@pass_context
def ago(template: Context, value: datetime | None) -> Markup:
    """ "5 minutes ago", with the moment itself on hover."""
    if value is None:
        return Markup("never")
    context: RequestContext = template["context"]
    local = value.astimezone(context.zone)
    return Markup('<time datetime="{}" title="{}">{} ago</time>').format(
        value.isoformat(timespec="seconds"), f"{local:%a} {local.day} {local:%b %Y, %H:%M:%S %Z}",
        span_words(context.now - value),
    )  # fmt: skip


def outward(url: str, text: str = "") -> Markup:
    """A link to elsewhere: http(s) only, shown in full unless `text` names it, telling that place nothing of us."""
    address = safe_link(url)
    if not address:
        return Markup("")
    return Markup('<a class="outward" href="{}" rel="noopener noreferrer" target="_blank">{}</a>').format(
        address, text or address
    )


def with_query(context: RequestContext, **changes: Any) -> str:
    """This address with some filters changed; an empty value takes a filter away.

    What the last press said, and what was selected then, is of this page only.
    """
    kept = {key: value for key, value in context.request.query_params.items() if key not in OF_ONE_PRESS}
    kept.update({key: str(value) for key, value in changes.items()})
    clean = {key: value[:500] for key, value in kept.items() if value}
    return context.request.url.path + ("?" + urlencode(clean) if clean else "")


def _shown(post: Post) -> str:
    """What a post shows beside its words: "2 pictures"."""
    return shown_words(post.pictures, post.videos)


def _from_json(text: str) -> dict[str, Any]:
    found = json.loads(text or "{}")
    return found if isinstance(found, dict) else {}


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The templates, autoescaped; a name that nobody gave is an error and not an empty place."""
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        words=words, line=clean_line, excerpt=excerpt, moment=moment, ago=ago, span=span_words, outward=outward,
        stamped=instant, author=author, safe_href=safe_link, fromjson=_from_json, shown=_shown, says=words_of,
        row_says=words_of_row, percent=percent,
    )  # fmt: skip
    made.globals.update(static=static, with_query=with_query, timedelta=timedelta, escape=escape, zip=zip)
    return made


def warm(stopping: threading.Event) -> None:
    """Compile every template, one after the other, as long as nobody stops the page."""
    for name in environment().list_templates():
        if stopping.is_set():
            return
        environment().get_template(name)


def page(context: RequestContext, template: str, *, title: str, status: int = 200, **values: Any) -> Response:
    """A page of ours. Nothing of it is kept by browsers or proxies."""
    text = environment().get_template(template).render(context=context, title=title, banner=_banner(context), **values)
    return html(text, status)


def _banner(context: RequestContext) -> list[str]:
    """What keeps people from being alerted, for whoever is logged in; a page of an error needs no database."""
    if context.identity is None:
        return []
    try:
        return trouble.lines(context.database, context.rules, context.now, context.zone)
    except Error:
        return []


def html(text: str, status: int = 200) -> Response:
    """HTML as a response that nobody keeps."""
    return Response(
        text.encode("utf-8", "replace"),
        status,
        {"cache-control": "no-store"},
        "text/html; charset=utf-8",
    )
