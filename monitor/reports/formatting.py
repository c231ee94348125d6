"""The report as it is said: in sentences, and as JSON for scripts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from alerts.wording import count_words, span_words
from monitor.reports.statistics import Aftermath, Figures, Report, Spread
from monitor.store import requeue
from monitor.store.database import Database
from monitor.text.complaint_signals import JUDGED

FEW = 10  # fewer than this, and a median says little
STAGES = {  # as programs know each stage by its JSON, and as people read it
    "lag": ("post to seen", "From post to found"),
    "alert_lag": ("seen to told", "From found to alerted"),
    "to_take_wall": ("told to taken", "From alerted to taken"),
    "after_taking": ("taken to answered", "From taken to answered"),
}
SPREADS = (
    "lag", "alert_lag", "to_take", "to_take_wall", "after_taking", "to_answer", "to_answer_wall", "to_resolve",
    "to_resolve_wall",
)  # fmt: skip


def aftermath_words(found: Aftermath, span: str = "") -> str:
    """ "Of 14 people whose case was closed, 6 wrote again, 4 of them more kindly."; "" where no case was closed."""
    if not found.people:
        return ""
    people = f"Of {count_words(found.people, 'person', 'people')} whose case was closed{span},"
    if not found.wrote:
        return f"{people} none has written again so far."
    few = " Too few to draw conclusions." if found.wrote < FEW else ""
    return f"{people} {found.wrote:,} wrote again, {found.kinder:,} of them more kindly.{few}"


def unjudged_words(database: Database, since: datetime, span: str) -> str:
    """What `unjudged` says of the posts written since then."""
    return unjudged(requeue.unjudged_languages(database, since, JUDGED), span)


def unjudged(found: Mapping[str, int], span: str) -> str:
    """ "31 posts of the week are in languages that are not judged here (ja 20, tr 11): ..."; "" if there are none."""
    if not found:
        return ""
    said = ", ".join(f"{language} {number:,}" for language, number in list(found.items())[:6])
    if sum(found.values()) == 1:
        (language,) = found
        return f"1 post of {span} in a language Earful can't judge ({language}): it is listed, and nobody is alerted."
    return (
        f"{count_words(sum(found.values()), 'post')} of {span} in languages Earful can't judge ({said}): "
        "they are listed, and nobody is alerted."
    )


def ended_words(found: Figures) -> str:
    """ "62 answered, 21 in private, 17 unanswered, of 100": how all ended that were due; "" where nothing was."""
    due = found.to_answer.due
    if not due:
        return ""
    private = f"{found.private:,} in private, " if found.private else ""
    return f"{due - found.private - found.never:,} answered, {private}{found.never:,} unanswered, of {due:,}"


def desk_words(span: timedelta) -> str:
    """Opening hours in words. A day of them would be read as a day on the calendar, so hours stay hours: "37 h 20"."""
    if span < timedelta(hours=24):
        return span_words(span)
    hour, rest = divmod(int(span.total_seconds()) // 60, 60)
    return f"{hour:,} h {rest:02}" if rest else f"{hour:,} hours"


def slowest(found: Figures) -> str:
    """The stage whose median is the longest, a key of STAGES; "" where nothing is known."""
    known = [(getattr(found, name).median, name) for name in STAGES if getattr(found, name).median is not None]
    return max(known, key=lambda each: each[0], default=(timedelta(0), ""))[1]


def as_json(found: Report) -> dict[str, object]:
    """The report for scripts; durations in seconds, shares from 0 to 1."""
    groups = ("source", "priority", "hour", "team")
    return {
        "cases": found.cases,
        "after_closing": {"people": found.after.people, "wrote": found.after.wrote, "kinder": found.after.kinder},
        **_json(found),
        "by": {
            name: {key: _json(each) for key, each in getattr(found, f"by_{name}").items()} for name in groups
        },
    }  # fmt: skip


def _json(found: Figures) -> dict[str, object]:
    return {
        "turns": found.turns, "again": found.again, "answered": found.answered,
        "private": found.private, "never": found.never, "backdated": found.backdated,
        "in_target": found.in_target, "slowest": STAGES[slow][0] if (slow := slowest(found)) else None,
        **{name: _seconds(getattr(found, name)) for name in (*SPREADS, "first_word")},
    }  # fmt: skip


def _seconds(found: Spread) -> dict[str, object]:
    return {
        "n": found.n,
        "median": found.median.total_seconds() if found.median is not None else None,
        "p90": found.p90.total_seconds() if found.p90 is not None else None,
        "within": found.within,
        "due": found.due,
    }
