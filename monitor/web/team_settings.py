"""The desk: what a care lead changes without the engineer, with who and when, undo, and back to the file's value."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from alerts.case import PRIORITIES
from connectors.durations import span, span_text
from monitor.people.audit import Event
from monitor.reports import statistics
from monitor.settings import overrides
from monitor.settings.models import Block, Settings, Shift
from monitor.store import forgetting, key_values, web
from monitor.web.html import page
from monitor.web.identity import Refusal
from monitor.web.routing import RequestContext, get, post

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_BLOCK = re.compile(r"([a-z ,-]+?)\s+([0-9]{1,2}:[0-9]{2})\s*(?:-|–|to)\s*([0-9]{1,2}:[0-9]{2})")
MOST_LINES = 500


def days_words(days: tuple[str, ...]) -> str:
    """ "mon-fri", "sat, sun"."""
    numbers = sorted(DAYS.index(day) for day in days)
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(
        f"{DAYS[run[0]]}-{DAYS[run[-1]]}" if len(run) > 2 else ", ".join(DAYS[each] for each in run) for run in runs
    )


def block_words(block: Block | Shift) -> str:
    """ "mon-fri 09:00-17:00"."""
    return f"{days_words(block.days)} {block.start:%H:%M}-{block.end:%H:%M}"


def blocks_of(text: str) -> list[dict[str, Any]]:
    """Lines such as "mon-fri 09:00-17:00" as blocks; Refusal names the line that is none."""
    found = []
    for line in _lines(text.casefold()):
        match = _BLOCK.fullmatch(line)
        days: list[str] = []
        for part in match[1].replace(" ", "").split(",") if match else ():
            first, _, last = part.partition("-")
            if first not in DAYS or (last and last not in DAYS):
                match = None
                break
            start, end = DAYS.index(first), DAYS.index(last or first)
            days += DAYS[start : end + 1] if start <= end else (*DAYS[start:], *DAYS[: end + 1])
        if match is None or not days:
            raise Refusal(
                400, "That is not a valid block of hours", f"{line!r}: write mon-fri 09:00-17:00, one per line."
            )
        found.append({"days": list(dict.fromkeys(days)), "start": match[2], "end": match[3]})
    return found


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()][:MOST_LINES]


def fields_of(settings: Settings) -> dict[str, str]:
    """key -> what the form shows, from settings (the file's, or as they stand)."""
    found = {
        "desk.hours": "\n".join(block_words(block) for block in settings.desk.hours),
        "desk.holidays": "\n".join(day.isoformat() for day in settings.desk.holidays),
        "desk.targets": _targets_words(settings.desk.targets),
    }
    for person in settings.people:
        found[f"people.{person.name}.shifts"] = "\n".join(block_words(shift) for shift in person.shifts)
    for brand in settings.brands:
        found[f"brands.{brand.name}.ignore_authors"] = "\n".join(brand.ignore_authors)
        found[f"brands.{brand.name}.context"] = "\n".join(brand.context)
    return found


def _targets_words(targets: Any) -> str:
    return "\n".join(
        f"{name} {span_text(targets[name].first)} {span_text(targets[name].next)} {span_text(targets[name].resolve)}"
        for name in PRIORITIES
    )


def _targets_value(context: RequestContext) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in PRIORITIES:
        spans = {each: context.form.get(f"{name}.{each}") for each in ("first", "next", "resolve")}
        for each, text in spans.items():
            try:
                span(text)
            except ValueError as error:
                raise Refusal(400, "That is not a valid duration", f"{name}, {each}: {error}.") from None
        found[name] = spans
    return found


def _holidays(text: str) -> list[str]:
    found = []
    for line in _lines(text):
        try:
            found.append(date.fromisoformat(line).isoformat())
        except ValueError:
            raise Refusal(
                400, "That is not a valid date", f"{line!r}: write a date such as 2026-12-25, one per line."
            ) from None
    return found


def _value(context: RequestContext, key: str) -> Any:
    """What the form says of `key`, as the value that is kept."""
    typed = context.form.raw("value")[:50_000]
    readers: dict[str, Callable[[], Any]] = {
        "desk.hours": lambda: blocks_of(typed),
        "shifts": lambda: blocks_of(typed),
        "desk.holidays": lambda: _holidays(typed),
        "desk.targets": lambda: _targets_value(context),
        "ignore_authors": lambda: _lines(typed),
        "context": lambda: _lines(typed),
    }
    kind = key.rpartition(".")[2] if key.startswith(("people.", "brands.")) else key
    return readers[kind]()


@get("/desk")
def show_desk(context: RequestContext) -> Response:
    """Everything that can be changed here, as it stands, and who changed what."""
    changes = web.desk_values(context.database)
    file, stands = fields_of(context.assembly.written), fields_of(overrides.overlay(context.assembly.written, changes))
    return page(
        context, "desk.html", title="Desk", file=file, stands=stands, changed=set(changes), priorities=PRIORITIES,
        targets=overrides.overlay(context.assembly.written, changes).desk.targets, span_text=span_text,
        replies=overrides.replies(changes), replies_key=overrides.REPLIES, mutes=key_values.mutes(context.database),
        offered=key_values.mutes(context.database, offered=True), said=context.query("said"), names=label_of,
        changes=[(row, label_of(row["key"])) for row in web.desk_changes(context.database, limit=40)],
        erased=forgetting.noted(context.database, 20), mute_words=overrides.mute_words,
        people=[person.name for person in context.assembly.written.people],
        brands=[brand.name for brand in context.assembly.written.brands],
        load=_load(context), was=lambda key: _mark(changes.get(key, "")),
        letters=context.assembly.written.digest.to, ended=overrides.ended_letters(changes),
    )  # fmt: skip


def _load(context: RequestContext) -> tuple[statistics.Load, ...]:
    """How much work each person has: for leads, to share it out."""
    if not context.who.may("lead"):
        return ()
    return statistics.load(context.database, context.rules, context.now - timedelta(days=7), context.now)


def label_of(key: str) -> str:
    """What a key is called on the page."""
    plain = {
        "desk.hours": "opening hours", "desk.holidays": "holidays", "desk.targets": "targets",
        "alerts.quiet_start": "quiet hours begin", "alerts.quiet_end": "quiet hours end",
        overrides.REPLIES: "saved replies",
    }  # fmt: skip
    if key in plain:
        return plain[key]
    if key.startswith(overrides.LETTER):
        return f"weekly digest for {key.removeprefix(overrides.LETTER)}"
    _, _, rest = key.partition(".")
    name, _, field = rest.rpartition(".")
    words = {"shifts": "shifts of {}", "ignore_authors": "ignored authors of {}", "context": "context words of {}"}
    return words.get(field, "{}").format(name)


def _mark(kept: str) -> str:
    """What a form holds of the value that it was made from."""
    return sha256(kept.encode("utf-8", "replace")).hexdigest()[:16]


def _check_unchanged(context: RequestContext, key: str, before: str) -> None:
    """Refuse a form that was made from another value: it would undo what a colleague saved meanwhile."""
    was = context.form.get("was")
    if was and was != _mark(before):
        raise Refusal(
            409, "A colleague changed this meanwhile",
            f"Nothing was saved of yours. See who changed {label_of(key)} under Changes, compare, then save again.",
        )  # fmt: skip


def _back(said: str) -> Response:
    return RedirectResponse("/desk?" + urlencode({"said": said[:300]}), 303)


@post("/desk", role="lead")
def change_desk(context: RequestContext) -> Response:
    """Change one key, or go back to the file's value."""
    key = context.form.get("key")
    if key not in fields_of(context.assembly.written):
        raise Refusal(400, "That can't be changed here")
    before = web.desk_values(context.database).get(key, "")
    _check_unchanged(context, key, before)
    if context.form.get("verb") == "file":
        if not before:
            return _back(f"{label_of(key)}: already as in settings.toml.")
        _keep(context, key, "", before)
        return _back(f"{label_of(key)}: reset to settings.toml.")
    text = json.dumps(_value(context, key), ensure_ascii=False)
    try:
        overrides.read(key, text)
    except ValueError as error:
        raise Refusal(400, f"{label_of(key).capitalize()}: not valid", f"{error}.") from None
    if text == before:
        return _back(f"{label_of(key)}: nothing was changed.")
    _keep(context, key, text, before)
    return _back(f"{label_of(key)}: changed. It takes effect within a few seconds.")


def _keep(context: RequestContext, key: str, value: str, before: str) -> None:
    with context.database.transaction():
        web.add_desk_change(context.database, key, value, before, context.who.name, context.now)
        context.note(Event.SETTINGS, label_of(key), change="" if value else "reset")


@post("/desk/undo", role="lead")
def undo_change(context: RequestContext) -> Response:
    """Take one change back."""
    number = context.form.get("n")
    with context.database.transaction():
        row = web.undo_desk_change(context.database, int(number), context.now) if number.isdecimal() else None
        if row is not None:
            context.note(Event.SETTINGS, label_of(row["key"]), change="undone")
    if row is None:
        return _back("It was already undone.")
    return _back(f"{label_of(row['key'])}: undone.")


@post("/desk/replies", role="lead")
def change_replies(context: RequestContext) -> Response:
    """Keep the saved replies as they were written."""
    names, texts = context.form.all("name"), context.form.all("text")
    kept = [
        {"name": name.strip()[:80], "text": text.strip()[:5000]}
        for name, text in zip(names, texts, strict=False)
        if name.strip() and text.strip()
    ][:60]
    before = web.desk_values(context.database).get(overrides.REPLIES, "")
    _check_unchanged(context, overrides.REPLIES, before)
    value = "" if context.form.get("verb") == "file" else json.dumps(kept, ensure_ascii=False)
    if value != before:
        _keep(context, overrides.REPLIES, value, before)
    return _back("saved replies: changed.")


@post("/desk/mutes", role="lead")
def change_mutes(context: RequestContext) -> Response:
    """Mute an author, a domain or a thread; take a mute back; accept one that was offered."""
    verb, number = context.form.get("verb"), context.form.get("n")
    if verb in {"undo", "accept", "decline"} and number.isdecimal():
        with context.database.transaction():
            if verb == "accept":
                done = key_values.accept_mute(context.database, int(number), context.who.name, context.now)
            else:
                done = key_values.undo_mute(context.database, int(number), context.now)
            if done:
                context.note(Event.SETTINGS, "mutes", change=verb)
        words = {
            "undo": "Unmuted.",
            "accept": "Muted. Posts are stored, but nobody is alerted.",
            "decline": "Not muted. It will not be suggested again.",
        }[verb]
        return _back(words if done else "Someone else was faster; nothing was changed.")
    kind, value = context.form.get("kind"), context.form.get("value")[:300]
    if kind not in {"author", "contact", "domain", "thread"} or not value or (kind != "domain" and "/" not in value):
        raise Refusal(400, "That can't be muted", 'Write an author as "source/name", or a domain as "example.org".')
    with context.database.transaction():
        key_values.add_mute(context.database, context.form.get("brand"), kind, value, context.who.name, context.now)
        context.note(Event.SETTINGS, "mutes", change=f"{kind} added")  # not whom: people ask to be forgotten
    return _back(f"{value} is muted. Posts are stored, but nobody is alerted.")
