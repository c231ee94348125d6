"""Cases, mentions and sources as JSON values: what the API and the assistant's tools give away, in one place."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from alerts import hours
from alerts.case import Case
from monitor.notify import case_words, incident_messages, rendering
from monitor.reports import formatting, further_figures, statistics
from monitor.settings.models import Settings
from monitor.settings.rules import Rules
from monitor.store import case_log, cases, incidents, issues, key_values, mentions, pages, sources
from monitor.store.database import Database, Row, instant
from monitor.text.judge import Judge
from monitor.types import Mention
from monitor.web.mentions import as_row

mention = as_row  # a mention as flat values, the same as in an export


def moment(value: datetime | None) -> str | None:
    """A moment as ISO 8601 with its zone."""
    return value.isoformat() if value is not None else None


def explained(database: Database, judge: Judge, found: Mention) -> dict[str, Any]:
    """A mention with every contribution to its verdict, and what people said of it."""
    explanation = judge.explain(found.post, found.brand, found.verdict.words)
    return {
        **mention(found),
        "voices": [{"voice": name, "weight": round(weight, 4)} for name, weight in explanation.contributions],
        "said": [
            {"answer": row["answer"], "who": row["who"], "way": row["way"], "at": row["at"],
             "taken_back": bool(row["undone_at"])}
            for row in pages.labels_of_mention(database, found.id)
        ],
    }  # fmt: skip


def case(rules: Rules, row: Row, told: Sequence[Mention], now: datetime) -> dict[str, Any]:
    """A case as flat values, with the words that mattered most and the time left."""
    found = cases.case_of(row)
    worst = case_words.worst_of(told)
    state = found.state_at(now)
    left = None
    if found.due_at is not None and state not in {"answered", "closed"}:
        opening = rules.hours_for(found.priority)
        late = found.due_at <= now
        span = hours.elapsed(found.due_at, now, opening) if late else hours.elapsed(now, found.due_at, opening)
        left = round(span.total_seconds()) * (-1 if late else 1)
    return {
        "id": found.id,
        "brand": found.brand,
        "source": found.source,
        "author": found.author,
        "lane": found.lane,
        "priority": found.priority,
        "reasons": _reasons(found, worst),
        "need": round(row["need"] or 0.0, 4),
        "state": state,
        "says": (worst.post.text or worst.post.title)[:500] if worst else "",
        "url": worst.post.url if worst else "",
        "posts": row["mentions"],
        "language": row["language"],
        "owner": found.owner or None,
        "owner_id": found.owner_id or None,
        "opened_at": moment(found.opened_at),
        "posted_at": moment(found.first_posted_at),
        "due_at": moment(found.due_at),
        "seconds_left": left,
        "taken_at": moment(found.acknowledged_at),
        "answered_at": moment(found.answered_at),
        "answered_by": found.answered_by or None,
        "snoozed_until": moment(found.snoozed_until),
        "waiting_on": found.waiting_on or None,
        "waiting_until": moment(found.waiting_until),
        "wants": found.wants or None,
        "tags": list(found.own_tags),
        "closed_at": moment(found.closed_at),
        "closed_by": found.closed_by or None,
        "outcome": found.outcome or None,
        "why": found.why or None,
    }


def _reasons(found: Case, worst: Mention | None) -> list[str]:
    """Why a case is where it is; of an entry of the list what brought its post there, too."""
    if found.lane != "sweep" or worst is None:
        return list(found.priority_reasons)
    return list(dict.fromkeys([*case_words.why_listed(worst), *found.priority_reasons]))


def case_list(database: Database, rules: Rules, rows: Sequence[Row], now: datetime) -> list[dict[str, Any]]:
    """Rows of cases, in two queries for all of them."""
    told = mentions.of_cases(database, [row["id"] for row in rows])
    return [case(rules, row, told.get(row["id"], []), now) for row in rows]


def whole_case(database: Database, rules: Rules, row: Row, now: datetime) -> dict[str, Any]:
    """A case with its posts, our replies that were seen, its issues and its log; oldest first."""
    told = mentions.of_case(database, row["id"])
    earlier = rendering.history_of(database, [row], now).get(row["id"], [])
    return {
        **case(rules, row, told, now),
        "earlier_in_30_days": len(earlier),
        "mentions": [mention(each) for each in told],
        "replies": [
            {"author": own["author"], "text": own["text"], "url": own["url"], "posted_at": own["posted_at"],
             "automatic": bool(own["automatic"]), "sent_on": bool(own["sent_on"])}
            for own in key_values.own_posts_of_case(database, row["id"])
        ],
        "issues": [
            {"name": each.native_id, "url": each.url, "state": each.state, "closed_at": moment(each.closed_at)}
            for each in issues.about(database, row["id"]) if each.state in issues.THERE
        ],
        "log": [
            {"at": moment(line.at), "who": line.who, "way": line.way, "what": line.what,
             "taken_back": line.undone_at is not None,
             **({"text": str(line.detail["text"])}
                if line.what in {"note", "wants", "tag"} and "text" in line.detail else {})}
            for line in case_log.of_case(database, row["id"])
        ],
    }  # fmt: skip


def source_list(database: Database, settings: Settings, now: datetime) -> list[dict[str, Any]]:
    """Every source with how it stands."""
    known = sources.all_health(database)
    found = []
    for each in settings.sources:
        health = known.get(each.name)
        found.append(
            {
                "name": each.name,
                "kind": each.kind,
                "state": state_of(each.enabled, health),
                "last_read_at": moment(health.last_read_at) if health else None,
                "last_success_at": moment(health.last_success_at) if health else None,
                "failures": health.failures if health else 0,
                "error": (health.last_error or None) if health and health.failing_since else None,
                "remedy": (health.remedy or None) if health and health.failing_since else None,
                "quota_left": health.quota_remaining if health else None,
                "spent": health.spent_in(now) if health else 0.0,
            }
        )
    return found


def state_of(enabled: bool, health: sources.Health | None) -> str:
    """How a source stands, in a word."""
    if not enabled:
        return "off"
    if health is None:
        return "new"
    if health.paused_at is not None:
        return "paused"
    if health.refused:
        return "refused"
    if health.failing_since is not None:
        return "failing"
    return "reading" if health.last_success_at is not None else "new"


def span_report(
    database: Database, rules: Rules, since: datetime, until: datetime, seen: datetime | None = None
) -> dict[str, Any]:
    """The figures of a span, as they are known at `seen` (else at its end); durations in seconds."""
    found = statistics.of_span(database, rules, since, until, seen=seen)
    beside = further_figures.as_json(database, rules, since, until)
    return {"since": moment(since), "until": moment(until), **formatting.as_json(found), **beside}


def incident_list(database: Database, limit: int = 50) -> list[dict[str, Any]]:
    """Incidents, the open ones first, then the latest."""
    return [incident(database, row) for row in incidents.latest(database, limit)]


def incident(database: Database, row: Row) -> dict[str, Any]:
    """One incident; times as text, null where they are not set."""
    times = ("start_at", "peak_at", "ended_at", "said_publicly_at")
    plain = ("id", "brand", "kind", "peak", "people", "mentions", "reach", "answered", "summary")
    return {
        **{name: row[name] for name in plain},
        **{name: moment(instant(row[name])) for name in times},
        "name": incident_messages.name_of(database, row),
        "cause": row["cause_id"] or None,
        "words": incident_messages.told_words(database, row),
        "owner": row["owner"] or None,
        "said_url": row["said_url"] or None,
        "state": "over" if row["ended_at"] else "open",
    }
