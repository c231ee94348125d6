"""What a report says beside times: thanks, people who came back, ratings, our share of what is said, who stayed.

The letter has sentences of its own for these; here they are for `earful report`, for the API and for an assistant.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from alerts.email.templates import percent
from alerts.wording import count_words
from monitor.reports import goodwill, outcomes, share_of_voice, surveys
from monitor.settings.rules import Rules
from monitor.store import replies
from monitor.store.database import Database


def as_json(database: Database, rules: Rules, since: datetime, until: datetime) -> dict[str, Any]:
    """The figures of a span for programs. What was never measured is None."""
    good = goodwill.of_span(database, since, until, most=0)
    rated = surveys.of_span(database, rules, since, until)
    voice = share_of_voice.of_span(database, rules, since, until)
    stayed = outcomes.kept(database)
    posted, unchanged = replies.from_drafts(database, since, until)
    return {
        "thanks": {"deserved": good.deserved, "thanked": good.thanked, "open": good.open},
        "came_back": len(good.came_back),
        "ratings": {
            "nps": [
                {"source": each.source, "score": each.score, "n": each.n, "promoters": each.promoters,
                 "passives": each.passives, "detractors": each.detractors}
                for each in rated.nps
            ],
            "satisfied": [
                {"source": each.source, "share": each.share, "satisfied": each.satisfied, "n": each.n}
                for each in rated.csat
            ],
            "stars": [{"source": each.source, "mean": each.mean, "n": each.n} for each in rated.stars],
        },
        "share_of_voice": _voices(voice) if voice.voices else None,
        "drafts": {"posted": posted, "unchanged": unchanged},
        "outcomes": outcomes.as_json(stayed) if stayed is not None else None,
    }  # fmt: skip


def _voices(found: share_of_voice.ShareOfVoice) -> dict[str, Any]:
    return {
        "base": found.base, "sources": list(found.sources), "leads": found.leads,
        "brands": [
            {"name": each.name, "ours": each.ours, "posts": each.mentions, "share": each.share.value,
             "negative_share": each.negative.value, "judged": each.negative.base, "incomplete": each.incomplete}
            for each in found.voices
        ],
    }  # fmt: skip


def sentences(database: Database, rules: Rules, since: datetime, until: datetime) -> list[str]:
    """The same for people; nothing of what there is nothing to say of."""
    good = goodwill.of_span(database, since, until, most=0)
    lines = []
    if good.deserved:
        people = count_words(good.deserved, "person", "people")
        lines.append(f"{people} wrote praise worth a thank-you; {good.thanked or 'nobody'} got one.")
    if good.came_back:
        people = count_words(len(good.came_back), "person", "people")
        lines.append(f"{people} wrote kind words after you had answered their complaint.")
    lines += _rated(surveys.of_span(database, rules, since, until))
    voice = share_of_voice.of_span(database, rules, since, until)
    if voice.base:
        shares = ", ".join(f"{each.name} {percent(each.share.value)}" for each in voice.voices)
        lines.append(f"Share of voice: {shares}, of {count_words(voice.base, 'mention')}{_few(voice.few)}.")
    lines += drafted(database, since, until)
    stayed = outcomes.kept(database)
    return [*lines, *(outcomes.sentences(stayed) if stayed is not None and stayed.stands else ())]


def drafted(database: Database, since: datetime, until: datetime) -> list[str]:
    """How many of the assistant's drafts were posted as they were: many, and people may no longer read them."""
    posted, unchanged = replies.from_drafts(database, since, until)
    if not posted:
        return []
    began = f"{count_words(posted, 'reply', 'replies')} began as the assistant's draft"
    return [f"{began}; {unchanged or 'none'} ({percent(unchanged / posted)}) went out unchanged."]


def _rated(found: surveys.Surveys) -> list[str]:
    lines = [f"{each.source}: NPS {each.score:+d}, {_answers(each.n)}{_few(each.few)}." for each in found.nps]
    lines += [
        f"{each.source}: {percent(each.share)} satisfied, {_answers(each.n)}{_few(each.few)}." for each in found.csat
    ]
    return lines + [
        f"{each.source}: {each.mean:.1f} of 5 stars, {count_words(each.n, 'review')}{_few(each.few)}."
        for each in found.stars
    ]


def _answers(number: int) -> str:
    return count_words(number, "answer")


def _few(few: bool) -> str:
    return ", too few to draw conclusions" if few else ""
