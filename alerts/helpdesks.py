"""A case as a ticket: what four helpdesks take when a ticket is made, in the shape that each documents. Pure.

Zendesk https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/#create-ticket
Freshdesk https://developers.freshdesk.com/api/#create_ticket
Zammad https://docs.zammad.org/en/latest/api/ticket/index.html#create
Chatwoot https://developers.chatwoot.com/api-reference/conversations/create-new-conversation

What strangers wrote is shown to whoever works there, so it is put into each as plain words: Freshdesk reads HTML,
Chatwoot Markdown. Where a helpdesk lets a message be internal it is: nothing of it is sent to anybody.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

from alerts import wording

Preset = Literal["zendesk", "freshdesk", "zammad", "chatwoot"]
Fields = Mapping[str, Any]

NEEDED: dict[Preset, tuple[str, ...]] = {
    "zendesk": (),
    "freshdesk": ("email",),
    "zammad": ("group", "customer_id"),
    "chatwoot": ("inbox_id", "contact_id", "source_id"),
}  # what a helpdesk demands of each ticket and nobody but its owner knows
_SUBJECT = 120  # characters; Zendesk takes 150
_WORDS = 10_000
_RANKS = ("critical", "urgent", "normal", "gentle")
_ZENDESK = dict(zip(_RANKS, ("urgent", "high", "normal", "low"), strict=True))
_FRESHDESK = dict(zip(_RANKS, (4, 3, 2, 1), strict=True))
_ZAMMAD = dict(zip(_RANKS, ("3 high", "3 high", "2 normal", "1 low"), strict=True))
_OPEN = 2  # Freshdesk's number for it
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+!|~])")


def needs_ticket(case: Mapping[str, object]) -> bool:
    """Whether a case is handed over: not one that was closed, or forgotten, before its turn came."""
    says_something = bool(case.get("author") or case.get("words"))
    return case.get("needs_answer") is True and case.get("state") != "closed" and says_something


def ticket_of(preset: Preset, case: Mapping[str, object], fields: Fields) -> dict[str, Any]:
    """The ticket that hands this case over; `fields` of the settings are laid over it."""
    return _TICKETS[preset](case, fields)


def _zendesk(case: Mapping[str, object], fields: Fields) -> dict[str, Any]:
    ticket = {
        "subject": _subject(case),
        "comment": {"body": "\n\n".join(_paragraphs(case)), "public": False},
        "priority": _ZENDESK[_priority(case)],
        "external_id": f"earful-{_said(case, 'id')}",
        "tags": ["earful"],
    }
    return {"ticket": _over(ticket, fields)}


def _freshdesk(case: Mapping[str, object], fields: Fields) -> dict[str, Any]:
    words = [html.escape(each).replace("\n", "<br>") for each in _paragraphs(case)]
    ticket = {
        "subject": _subject(case),
        "description": "".join(f"<p>{each}</p>" for each in words),
        "status": _OPEN,
        "priority": _FRESHDESK[_priority(case)],
        "tags": ["earful"],
    }
    return _over(ticket, fields)


def _zammad(case: Mapping[str, object], fields: Fields) -> dict[str, Any]:
    subject = _subject(case)
    article = {
        "subject": subject,
        "body": "\n\n".join(_paragraphs(case)),
        "content_type": "text/plain",
        "type": "note",
        "internal": True,
    }
    return _over({"title": subject, "priority": _ZAMMAD[_priority(case)], "article": article}, fields)


def _chatwoot(case: Mapping[str, object], fields: Fields) -> dict[str, Any]:
    words = [_MARKDOWN.sub(r"\\\1", each) for each in _paragraphs(case, links=False)]
    content = "\n\n".join([*words, *_links(case)])
    known = {"earful_case": _said(case, "id"), "earful_url": _address(case, "page_url")}
    return _over({"status": "open", "message": {"content": content}, "custom_attributes": known}, fields)


_TICKETS: dict[Preset, Callable[[Mapping[str, object], Fields], dict[str, Any]]] = {
    "zendesk": _zendesk,
    "freshdesk": _freshdesk,
    "zammad": _zammad,
    "chatwoot": _chatwoot,
}


def _subject(case: Mapping[str, object]) -> str:
    who = f"{_said(case, 'author') or 'somebody'} on {_said(case, 'source')}"
    return wording.excerpt(f"{_said(case, 'brand')}: {who}: {_said(case, 'words', 300)}", _SUBJECT)


def _paragraphs(case: Mapping[str, object], *, links: bool = True) -> list[str]:
    """Who wrote what where, until when it should be answered, and where to do so."""
    posted, due = _said(case, "posted_at")[:16].replace("T", " "), _said(case, "due_at")[:16].replace("T", " ")
    head = f"{_said(case, 'author') or 'Somebody'} wrote on {_said(case, 'source')}"
    words = _said(case, "words", _WORDS) or "(no words)"
    lines = [f"{head}, {posted} UTC:" if posted else f"{head}:", words]
    if due:
        lines.append(f"To be answered in public by {due} UTC.")
    return [*lines, *(_links(case) if links else ())]


def _links(case: Mapping[str, object]) -> list[str]:
    found = (("Post", _address(case, "post_url")), ("Case in Earful", _address(case, "page_url")))
    return [f"{name}: {address}" for name, address in found if address]


def _priority(case: Mapping[str, object]) -> str:
    found = str(case.get("priority", ""))
    return found if found in _RANKS else "normal"


def _said(case: Mapping[str, object], name: str, width: int = 200) -> str:
    return wording.excerpt(str(case.get(name) or ""), width)


def _address(case: Mapping[str, object], name: str) -> str:
    return wording.link(str(case.get(name) or ""))


def _over(ticket: Mapping[str, Any], fields: Fields) -> dict[str, Any]:
    """`fields` laid over a ticket: a table is merged with the table that stands there, all else takes its place."""
    merged = dict(ticket)
    for name, value in fields.items():
        below = merged.get(name)
        merged[name] = _over(below, value) if isinstance(below, dict) and isinstance(value, Mapping) else value
    return merged
