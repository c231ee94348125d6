"""What a manager has to decide this week: none to three things, each with its evidence. Pure.

A decision is something that nobody at the desk can do alone: who takes it, people or hours, a key, a rule. What is only
worth knowing is a line further down.
"""

from __future__ import annotations

from collections.abc import Iterator

from alerts.email.digest import Line
from alerts.email.templates import percent
from alerts.wording import count_words, span_words
from monitor.reports import formatting
from monitor.reports.letter.week import Week

MOST = 3
ENOUGH = 10  # cases or alerts, below which a share decides nothing
IN_TIME = 0.7  # the share of answers in time below which people or hours are a question
FELL = 0.15  # how much it may fall in a week before it is one
WRONG = 0.3  # the share of alerts that were not relevant above which the query is one
LEFT_ALONE = 3  # people who leave without an answer


def of(week: Week, page: str) -> tuple[Line, ...]:
    """The first few decisions, what is most urgent first; `page` is the page's address, "" where there is none."""
    return tuple(_all(week, page.rstrip("/")))[:MOST]


def _all(week: Week, page: str) -> Iterator[Line]:
    if week.waiting["untaken"]:
        n = week.waiting["untaken"]
        oldest = week.oldest_untaken
        yield Line(
            f"Who takes the {'critical case' if n == 1 else f'{n:,} critical cases'} nobody has taken?",
            by=f"{'It' if n == 1 else 'The oldest'} has waited {span_words(oldest)}." if oldest is not None else "",
            **_way(page, week.of_brand("/?view=unassigned"), "Unassigned cases"),
        )
    yield from _stories(week, page)
    answered = week.leaving.answered
    alone = week.leaving.people - answered
    if alone >= LEFT_ALONE:
        yield Line(
            f"Who calls back the {alone:,} people who say they are leaving and have no answer?",
            by=f"{answered:,} of {week.leaving.people:,} {'has' if answered == 1 else 'have'} one.{_about(week)}",
            **_way(page, week.insights, "Insights"),
        )
    yield from _staffing(week, page)
    for each in week.failing[:1]:
        days = (week.until - each.since).days
        if days >= 1:
            others = f" {len(week.failing) - 1} more can't be read either." if len(week.failing) > 1 else ""
            yield Line(
                f"Repair {each.source} or turn it off?",
                by=f"Not read for {count_words(days, 'day')}: complaints there are not seen.{others}",
                **_way(page, "/sources", "Sources"),
            )
    if week.acted >= ENOUGH and week.wrong / week.acted >= WRONG:
        yield Line(
            "Narrow what you watch for?",
            by=f"{week.wrong:,} of {week.acted:,} alerts were not relevant.",
            **_way(page, "/settings", "Settings"),
        )
    if week.offers:
        yield Line(
            f"Accept or decline {count_words(week.offers, 'suggested mute')}?",
            by="Your team marked posts of this kind “not us” again and again.",
            **_way(page, "/desk", "Desk"),
        )


def _stories(week: Week, page: str) -> Iterator[Line]:
    """What broke out without a public word, what grows without an owner outside the desk, a fix nobody tells of."""
    for each in week.outbreaks:
        if each.end is None and each.said_publicly is None:
            yield Line(
                "Say publicly what happened?",
                by=f"{count_words(each.people, 'person', 'people')} wrote{_of(each.words)}; "
                "no public post of ours was found.",
                **_way(page, week.of_brand("/"), "Inbox"),
            )
            break
    for problem in week.problems:
        if problem.growth and not problem.issue_url and not problem.fixed:
            yield Line(
                f"Who fixes “{problem.name}”, and by when?",
                by=f"{count_words(problem.people, 'person', 'people')} this week, {problem.before:,} the week before; "
                "no issue is linked.",
                **_way(page, week.insights, "Insights"),
            )
            break
    untold = [each for each in week.problems if each.fixed and each.untold]
    if untold:
        first = untold[0]
        yield Line(
            f"Who tells the {count_words(first.untold, 'person', 'people')} affected that “{first.name}” is fixed?",
            by="They wrote of it and have not been told.",
            **_way(page, week.insights, "Insights"),
        )


def _of(words: str) -> str:
    return f" about {words}" if words else ""


def _staffing(week: Week, page: str) -> Iterator[Line]:
    now, old = week.figures, week.figures_before
    if now.in_target is None or now.to_answer.due < ENOUGH:
        return
    earlier = old.in_target if old is not None and old.to_answer.due >= ENOUGH else None
    if now.in_target >= IN_TIME and (earlier is None or earlier - now.in_target < FELL):
        return
    than = f", {percent(earlier)} the week before" if earlier is not None else ""
    slow = formatting.slowest(now)
    stage = f" The slowest stage is {formatting.STAGES[slow][1].replace('From', 'from')}." if slow else ""
    yield Line(
        "More people, or other hours?",
        by=f"{percent(now.in_target)} of {now.to_answer.due:,} due answers were in time{than}.{stage}",
        **_way(page, week.of_brand("/insights?days=30"), "Insights"),
    )


def _about(week: Week) -> str:
    return f" Most often about: {week.leaving.reasons[0][0]}." if week.leaving.reasons else ""


def _way(page: str, path: str, seen: str) -> dict[str, str]:
    return {"url": page + path, "seen": seen} if page else {}
