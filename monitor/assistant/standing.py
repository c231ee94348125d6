"""How the assistant is doing, in words: for `earful status`, `earful check --online` and programs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from monitor.assistant.client import NoAnswer, models
from monitor.settings.models import Settings
from monitor.store import assistant as store
from monitor.store.database import Database


def words(database: Database, settings: Settings, now: datetime) -> str:
    """One line: which model, where, and how much of today's budget is used; "" where there is none."""
    assistant = settings.assistant
    if not assistant.address:
        return ""
    today = _today(database, settings, now)
    where = f"on {assistant.elsewhere}: posts leave this machine" if assistant.elsewhere else "on this machine"
    failed = f", {today.failures:,} of them failed" if today.failures else ""
    used = f"{today.answers:,} of {assistant.daily_budget:,} answers today{failed}"
    return f"assistant: {assistant.model} {where}; {used}"


def as_json(database: Database, settings: Settings, now: datetime) -> dict[str, Any] | None:
    """The same for programs; None where there is no assistant."""
    assistant = settings.assistant
    if not assistant.address:
        return None
    today = _today(database, settings, now)
    return {
        "model": assistant.model,
        "elsewhere": assistant.elsewhere or None,
        "daily_budget": assistant.daily_budget,
        "answers_today": today.answers,
        "failures_today": today.failures,
        "tokens_today": today.tokens,
    }


def greet(settings: Settings) -> tuple[str, bool]:
    """Ask the server which models it has: what came of it in one line, and whether ours is among them."""
    assistant = settings.assistant
    try:
        known = models(assistant)
    except NoAnswer as error:
        return error.reason, False
    if {assistant.model, f"{assistant.model}:latest"} & set(known):  # Ollama names the tag that it takes by itself
        return f"works; {assistant.model} is there", True
    if len(known) == 1:  # llama.cpp has one model, and takes any name for it
        return f"works; its one model is {known[0][:100]}", True
    return f"its server doesn't list the model {assistant.model}; check model under [assistant]", False


def day_of(settings: Settings, now: datetime) -> str:
    """The day that counts against a budget, in the installation's zone."""
    return f"{now.astimezone(settings.zone):%Y-%m-%d}"


def _today(database: Database, settings: Settings, now: datetime) -> store.Day:
    return store.day(database, day_of(settings, now))
