"""What is said of one case: who writes, how it stands, why it is listed. Messages, pages and lists say the same."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from alerts import hours
from alerts.case import Case, never_answered
from alerts.wording import count_words, shown_words, span_words
from monitor.notify.said_once import say_the_same
from monitor.settings.rules import Rules
from monitor.store import mentions
from monitor.store.database import Row, at
from monitor.text.explanations import ASKS, LIKE_A_COMPLAINT
from monitor.types import Mention


def clock_words(rules: Rules, moment: datetime, now: datetime, zone: ZoneInfo | None = None) -> str:
    """ "14:02" today, "3 Nov 14:02" before, in the desk's zone or in that of a reader."""
    zone = zone or rules.settings.zone
    local, today = moment.astimezone(zone), now.astimezone(zone).date()
    return f"{local:%H:%M}" if local.date() == today else f"{local.day} {local:%b %H:%M}"


def shown_of(told: Sequence[Mention]) -> str:
    """What the posts of a case show beside their words: "2 pictures"."""
    own = [each.post for each in told if each.suppressed != mentions.SAME_TROUBLE]
    return shown_words(sum(post.pictures for post in own), sum(post.videos for post in own))


def same_trouble(told: Sequence[Mention]) -> int:
    """How many people said below a case no more than that it is the same for them."""
    return len({(each.post.source, each.post.author) for each in told if each.suppressed == mentions.SAME_TROUBLE})


def author_of(case: Case, rules: Rules) -> str:
    """How the author of a case is written: "@customer", "somebody", "@acme (not your account)"."""
    if not case.author:
        return "somebody"
    name = case.author if case.author.startswith(("@", "u/")) or " " in case.author else f"@{case.author}"
    warning = rules.name_warning(case.source, case.author)
    return f"{name} ({warning})" if warning else name


def words_of(mention: Mention) -> str:
    """What a list shows of a post: its words, its stars, or that they are gone (erased, too old, on hold)."""
    post = mention.post
    return post.text or post.title or stars_of(mention) or ("(no words)" if post.author or post.url else GONE)


def words_of_row(row: Row) -> str:
    """The same of a post as a row: text, title, rating, author and url."""
    return (
        row["text"] or row["title"] or _stars(row["rating"]) or ("(no words)" if row["author"] or row["url"] else GONE)
    )


def stars_of(mention: Mention) -> str:
    """The stars of a review in words; "" where there are none."""
    return _stars(mention.post.rating)


def _stars(rating: float | None) -> str:
    return f"{rating:g} of 5 stars, no words" if rating is not None else ""


def _needing(told: Sequence[Mention]) -> list[Mention]:
    return [mention for mention in told if mention.verdict.lane != "none"]


def worst_of(told: Sequence[Mention]) -> Mention | None:
    """The mention that a case is shown by: the one that most needs an answer."""
    return max(
        _needing(told) or told,
        key=lambda each: (each.verdict.critical, each.verdict.needs_answer, each.post.posted_at),
        default=None,
    )


def latest_of(told: Sequence[Mention]) -> Mention | None:
    """The newest mention of a case that needs an answer: what somebody who writes again has to say."""
    return max(_needing(told) or told, key=lambda each: each.post.posted_at, default=None)


def why_listed(mention: Mention) -> tuple[str, ...]:
    """Why a post stands in the list; before 0.2.0 some were stored without a reason."""
    return mention.verdict.reasons or (LIKE_A_COMPLAINT,)


def point_of(mention: Mention) -> tuple[str, ...]:
    """The words of a post that decided, as the reasons name them."""
    named = [reason.rpartition(": ")[2] for reason in mention.verdict.reasons if ": " in reason]
    named += [reason.partition("(")[2].rstrip(")") for reason in mention.verdict.reasons if reason.endswith(")")]
    return tuple(word for words in named for word in words.split(", ") if word)


def only_asks(told: Sequence[Mention]) -> bool:
    """Whether all that called for an answer is a question: nothing is wrong, so nobody should read "complaint"."""
    needing = _needing(told)
    return bool(needing) and all(mention.verdict.reasons == (ASKS,) for mention in needing)


def facts_of(
    rules: Rules, row: Row, case: Case, worst: Mention | None, earlier: Sequence[Row], now: datetime, *, same: int = 0
) -> tuple[str, ...]:
    """Why this case is where it is, in at most six short facts."""
    facts = list((why_listed(worst) if case.lane == "sweep" else worst.verdict.reasons)[:3]) if worst else []
    starred = any(fact.endswith((" star", " stars")) for fact in facts)
    never = [each for each in earlier if never_answered(each["answered_at"], each["outcome"])]
    for reason in case.priority_reasons:
        if (reason == "a critical word" and facts) or (reason == "was not answered before" and never):
            continue  # the words themselves say which, and the day below says when
        if reason.startswith("says: ") and all(
            any(word in fact for fact in facts) for word in reason.removeprefix("says: ").split(", ")
        ):
            continue
        if any(fact.startswith(f"{reason}: ") for fact in facts):
            continue  # the same, with the words that it is known by
        if reason == "very negative" and any(fact.startswith("sounds negative") for fact in facts):
            facts = [fact.replace("sounds negative", "very negative") for fact in facts]
            continue
        facts.append("a review" if starred and reason.startswith("a review, ") else reason)
    if never:
        first = at(never[0]["first_posted_at"]).astimezone(rules.settings.zone)
        facts.append(f"earlier post never answered ({first.day} {first:%b})")
    if row["mentions"] > 1:
        facts.append(count_words(row["mentions"], "post"))
    if same:
        facts.append(say_the_same(same))
    if case.wants:
        facts.append(f"wants: {case.wants}")
    if case.due_at is not None and case.state_at(now) in {"open", "taken"}:
        late = case.due_at < now
        facts.append(f"{'was due' if late else 'answer by'} {clock_words(rules, case.due_at, now)}")
    return tuple(dict.fromkeys(facts))[:6]


def standing(rules: Rules, case: Case, now: datetime, zone: ZoneInfo | None = None) -> str:
    """How a case stands, in a few words: "taken by ANA, 09:16", "answered 09:24, after 39 minutes of opening hours"."""
    state = case.state_at(now)
    match state:
        case "answered":
            assert case.answered_at is not None
            taken = hours.elapsed(case.waits_since, case.answered_at, rules.hours_for(case.priority))
            unit = "" if case.priority in rules.settings.desk.around_the_clock else " of opening hours"
            verb = "moved to private messages" if case.sent_on else "answered"
            return f"{verb} {clock_words(rules, case.answered_at, now, zone)}, after {span_words(taken)}{unit}"
        case "closed":
            return _closed(case)
        case "taken":
            when = f", {clock_words(rules, case.acknowledged_at, now, zone)}" if case.acknowledged_at else ""
            first = f" · {_first_word(rules, case, now, zone)}" if case.held else ""
            offered = " · anyone may take it over" if case.offered_at is not None else ""
            return f"taken by {case.owner}{when}{first}{offered}"
        case "snoozed":
            assert case.snoozed_until is not None
            return f"snoozed until {clock_words(rules, case.snoozed_until, now, zone)}"
        case "waiting":
            assert case.waiting_until is not None
            return (
                f"waiting on {case.waiting_on or 'somebody'} until {clock_words(rules, case.waiting_until, now, zone)}"
            )
        case _:
            return _first_word(rules, case, now, zone) if case.held else ""


def _closed(case: Case) -> str:
    if case.outcome == "deleted":
        return f"closed: {gone_words(case)}"
    words = OUTCOME_WORDS.get(case.outcome) or (case.why or case.outcome).replace("_", " ")
    return f"closed by {case.closed_by}: {words}"


def gone_words(case: Case) -> str:
    """Why nothing is left of a case that was closed as deleted."""
    if case.closed_by in {"the network", "Earful"}:  # Earful finds after a restore what was deleted meanwhile
        return "the post was deleted"
    return f"its author was erased by {case.closed_by}"


def _first_word(rules: Rules, case: Case, now: datetime, zone: ZoneInfo | None) -> str:
    """ "first word 09:20, no answer yet": somebody has said that they look into it, and the person still waits."""
    assert case.first_word_at is not None
    return f"first reply {clock_words(rules, case.first_word_at, now, zone)}, no answer yet"


GONE = "(no longer shown)"
OUTCOME_WORDS = {"went_private": "moved to private messages, outcome unknown"}
