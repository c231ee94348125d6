"""The letter's lines below its decisions, each only where there is something to say, in the order that matters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote
from zoneinfo import ZoneInfo

from alerts.email.digest import Line, Section
from alerts.email.templates import percent
from alerts.wording import count_words, peak_words, span_words
from monitor.reports import formatting, outcomes, surveys
from monitor.reports.letter import quotes, stories
from monitor.reports.letter.health import day_of, moment_in
from monitor.reports.letter.week import Volume, Week
from monitor.reports.statistics import Figures, Spread
from monitor.settings.rules import Rules
from monitor.store import cases, incidents, mentions
from monitor.store.database import Database, Row, stamp
from monitor.types import Mention

MOST_OPEN = 3
MOST_QUOTES = 2
MOST_STORIES = 3  # incidents, causes, ratings
OPEN_WIDTH = 90  # characters of a quote beside a case or a cause
SMALL = 30  # fewer mentions than this, and a share says little


@dataclass(frozen=True, slots=True)
class About:
    """What the sections are made of. `shown` and `posts` gather which cases and posts are quoted."""

    database: Database
    rules: Rules
    week: Week
    page: str  # its address, "" where there is none
    zone: ZoneInfo
    speaks: tuple[str, ...]
    shown: set[str] = field(default_factory=set)
    posts: set[str] = field(default_factory=set)

    def way(self, path: str, seen: str) -> dict[str, str]:
        """Where something can be seen, and what that is called."""
        return {"url": self.page.rstrip("/") + path, "seen": seen} if self.page else {}

    def url(self, path: str) -> str:
        """The address of something, "" where there is no page."""
        return self.way(path, "").get("url", "")

    def case(self, case_id: str) -> dict[str, str]:
        """The way to a case."""
        return self.way(f"/cases/{case_id}", f"Case {case_id}") if case_id else {}


def of(about: About) -> tuple[Section, ...]:
    """All sections that have something to say."""
    made: tuple[Callable[[About], Section], ...] = (
        _happened, _open, _problems, _voices, _leaving, _numbers, _good, _voice, _rated, _not_seen, _accuracy, _stayed,
        _more,
    )  # fmt: skip
    return tuple(section for make in made if (section := make(about)).lines)


def _happened(about: About) -> Section:
    """Incidents: who wrote, how loud it was, whether they have an answer and whether we said so in public."""
    lines: list[Line] = []
    for each in about.week.outbreaks[:MOST_STORIES]:
        start, began = each.start.astimezone(about.zone), moment_in(each.start, about.week.since, about.zone)
        end = each.end.astimezone(about.zone) if each.end is not None else None
        until = (
            "still open" if end is None else f"to {end:%H:%M}" if end.date() == start.date() else f"to {end:%a %H:%M}"
        )
        reach = f", reach {each.reach:,}" if each.reach else ""
        what = "a critical story, " if each.critical else ""
        what += count_words(each.people, "person", "people") + (f" about {each.words}" if each.words else "")
        at_peak = peak_words(each.peak, each.mentions, each.brand)
        told = "not said publicly"
        if each.said_publicly is not None:
            told = f"said publicly {moment_in(each.said_publicly, about.week.since, about.zone)}"
        lines.append(
            Line(
                f"{began} {until}: {what}, {at_peak} in the busiest hour{reach}; "
                f"{each.answered:,} of them answered, {told}.",
                *_worst_of(about, each.id),
                **about.way(f"/incidents/{each.id}", f"Incident {each.id}"),
            )
        )
    more = len(about.week.outbreaks) - len(lines)
    return Section("What happened", tuple(lines), more, about.url(f"{about.week.insights}#incidents"), listed=True)


def _worst_of(about: About, incident: str) -> tuple[str, ...]:
    """The words of whoever it hit hardest, and who said them; nothing where no post of it stands."""
    for row in incidents.posts_of(about.database, incident, 1):
        about.posts.add(row["post_id"])
        said = quotes.words_of(about.rules, row, OPEN_WIDTH)
        return said, quotes.by_of(row["source"], row["language"], about.speaks)
    return ()


def _open(about: About) -> Section:
    """Critical and overdue cases: how long they wait, whether somebody has them, what they say."""
    week = about.week
    rows = week.open[:MOST_OPEN]
    told = mentions.of_cases(about.database, [row["id"] for row in rows])
    lines = []
    for row in rows:
        posts = told.get(row["id"], [])
        keys = {each.id: mentions.post_key(about.database, each.post.source, each.post.native_id) for each in posts}
        fresh = [each for each in posts if keys[each.id] not in about.posts]  # an incident may quote one already
        telling = _telling(fresh, cases.case_of(row).waits_since)
        about.shown.add(row["id"])
        about.posts.update(keys.values())
        kind = "Critical" if row["priority"] == "critical" else "Overdue"
        waits = span_words(week.until - cases.case_of(row).waits_since)
        said = by = ""
        if telling is not None:
            post = telling.post
            words = {"text": post.text or post.title, "title": "", "author": post.author, "source": post.source}
            said = quotes.words_of(about.rules, {**words, "author_name": post.author_name}, OPEN_WIDTH)
            by = quotes.by_of(post.source, telling.verdict.language, about.speaks)
        has = "taken" if row["owner"] else "nobody has taken it"
        if row["snoozed_until"] > stamp(week.until):
            has = "snoozed"
        elif row["waiting_until"] > stamp(week.until):
            has = "on hold"
        lines.append(Line(f"{kind}, waiting {waits}, {has}", said, by, **about.case(row["id"])))
    more = week.waiting["critical"] + week.waiting["overdue"] - len(lines)
    return Section(
        "Critical and overdue", tuple(lines), max(more, 0), about.url(week.of_brand("/?view=overdue")), listed=True
    )


def _telling(posts: Sequence[Mention], since: datetime) -> Mention | None:
    """Of a case's posts the one that made it urgent: the critical, else what called people in the wait under way.

    What somebody only adds ("thanks, waiting") is not what the case is about.
    """
    return max(
        posts,
        key=lambda each: (
            each.verdict.critical, each.flagged, each.post.posted_at >= since, each.verdict.order, each.post.posted_at,
        ),
        default=None,
    )  # fmt: skip


def _quoted(about: About, *, praise: bool, limit: int, cause: str = "") -> list[Line]:
    """What people said whose case is not quoted already."""
    found: list[tuple[Row, Line]] = quotes.quoted(
        about.database, about.rules, about.week.since, about.week.until, brand=about.week.brand, speaks=about.speaks,
        praise=praise, cause=cause, limit=limit + len(about.shown), link=lambda row: about.case(row["case_id"]),
    )  # fmt: skip
    fresh = [(row, line) for row, line in found if row["case_id"] not in about.shown][:limit]
    about.shown.update(row["case_id"] for row, _line in fresh if row["case_id"])
    about.posts.update(row["post_id"] for row, _line in fresh)
    return [line for _row, line in fresh]


def _problems(about: About) -> Section:
    """What keeps going wrong: people and trend of each cause, since when, and words of one of them."""
    week = about.week
    shown = [each for each in week.problems if each.people >= stories.FEWEST]
    lines: list[Line] = []
    for each in shown[:MOST_STORIES]:
        than = f" ({each.before:,} the week before)" if each.before is not None else ""
        since = ""
        if each.since is not None and each.since < week.since:
            since = f", since {day_of(each.since.astimezone(about.zone))}"
        state = ", fixed" if each.fixed else ", issue linked" if each.issue_url else ""
        lines.append(Line(
            f"{each.name}: {count_words(each.people, 'person', 'people')}{than}{since}{state}.",
            **(_words_about(about, each.cause) if not lines else {}),
        ))  # fmt: skip
    url = about.url(f"{about.week.insights}#causes")
    return Section("What keeps going wrong", tuple(lines), len(shown) - len(lines), url, listed=True)


def _words_about(about: About, cause: str) -> dict[str, str]:
    """A quote of the week about a cause, as fields of a line: of somebody who is not quoted yet, if there is one."""
    (line,) = _quoted(about, praise=False, limit=1, cause=cause)[:1] or (Line(""),)
    return {"quote": line.quote, "by": line.by, "url": line.url, "seen": line.seen}


def _voices(about: About) -> Section:
    """People's own words, where no cause or case gave any."""
    if len(about.shown) >= MOST_QUOTES:
        return Section("In their own words", ())
    return Section("In their own words", tuple(_quoted(about, praise=False, limit=MOST_QUOTES - len(about.shown))))


def _leaving(about: About) -> Section:
    week = about.week
    now = week.leaving
    if not now.people:
        return Section("Leaving", ())
    than = f" ({week.leaving_before.people:,} the week before)" if week.leaving_before is not None else ""
    why = ", ".join(name if now.people == 1 else f"{name} ({number:,})" for name, number in now.reasons)
    line = f"{count_words(now.people, 'person says', 'people say')} they are leaving{than}. "
    line += f"{'It is' if now.people == 1 else 'Most often'} about: {why}. " if why else ""
    if now.people == 1:
        line += "They have an answer." if now.answered else "They have no answer."
    else:
        line += f"{now.answered:,} of them {'has' if now.answered == 1 else 'have'} an answer."
    return Section("Leaving", (Line(line, **about.way(f"{week.insights}#leaving", "Insights")),))


def _numbers(about: About) -> Section:
    week = about.week
    lines = (*_volume(week), *_answers(week.figures, week.figures_before))
    return Section("The week in numbers", lines, url=about.url(about.week.insights))


def _volume(week: Week) -> tuple[Line, ...]:
    now, old = week.volume, week.volume_before
    if not now.mentions:
        return ()
    said = count_words(now.mentions, "mention")
    if old is not None:
        said += f" ({old.mentions:,} the week before)"
    elif week.first:
        young = week.installed is not None and week.installed >= week.since
        said += " (first week, nothing to compare yet)" if young else " (none before this week)"
    if now.share.value is not None:
        said += f", {percent(now.share.value)} negative of {now.share.base:,} judged{_than(old)}"
    small = now.mentions < SMALL
    return (Line(f"{said}.{' Small numbers: one person more or less changes these shares a lot.' if small else ''}"),)


def _than(old: Volume | None) -> str:
    if old is None or old.share.value is None:
        return ""
    return f" ({percent(old.share.value)} the week before)"


def _answers(now: Figures, old: Figures | None) -> tuple[Line, ...]:
    """First word and answer against the target and the week before, each share with what it is of."""
    lines = []
    first = _kept("First reply within the target", now.first_word, old.first_word if old else None)
    if first and (now.private or now.first_word.within != now.in_target):
        lines.append(Line(first))
    if answer := _kept("Answered within the target", now.to_answer, old.to_answer if old else None):
        ended = formatting.ended_words(now).rpartition(",")[0] if now.private or now.never else ""
        lines.append(Line(f"{answer[:-1]}; {ended}." if ended else answer))
    median = now.to_answer.median
    if median is not None:
        few = (
            f"only {count_words(now.to_answer.n, 'answer')}"
            if now.to_answer.n < formatting.FEW
            else (f"{now.to_answer.n:,} answers")
        )
        earlier = old.to_answer.median if old is not None else None
        than = f", {formatting.desk_words(earlier)} the week before" if earlier is not None else ""
        lines.append(Line(f"Median time to answer: {formatting.desk_words(median)} of opening hours ({few}{than})."))
    return tuple(lines)


def _kept(name: str, now: Spread, old: Spread | None) -> str:
    if now.within is None:
        return ""
    than = ""
    if old is not None and old.within is not None:
        than = f" (the week before: {percent(old.within)} of {old.due:,})"
    return f"{name}: {percent(now.within)} of {count_words(now.due, 'case')} due{than}."


def _good(about: About) -> Section:
    """Who deserves thanks, with the words of one of them, and who came back from anger."""
    found = about.week.goodwill
    lines = []
    if found.deserved:
        every = "" if found.deserved == 1 else "all "
        yet = f"{found.open:,} of them without a thank-you yet" if found.open else f"{every}thanked or closed"
        if found.open == found.deserved:
            yet = "not thanked yet" if found.open == 1 else "none of them thanked yet"
        way = about.way(about.week.of_brand("/mentions/thanks"), "See them") if found.open else {}
        lines.append(Line(f"{count_words(found.deserved, 'post')} of praise, {yet}.", **way))
        lines += _quoted(about, praise=True, limit=1)
    if found.came_back:
        people = count_words(len(found.came_back), "person", "people")
        lines.append(Line(f"{people} wrote kind words after we had answered their complaint."))
    return Section("Worth a thank-you", tuple(lines), url=about.url(about.week.of_brand("/mentions/thanks")))


def _voice(about: About) -> Section:
    """Our share of what is said, where both are read, and the people who look for an alternative to somebody else."""
    found = about.week.voice
    if not found.base:
        return Section("Share of voice", ())
    only = "only " if found.few else ""
    shares = ", ".join(f"{each.name} {percent(each.share.value)}" for each in found.voices)
    way = about.way("/mentions/competitors", "Competitors")
    lines = [Line(f"{shares} ({only}{count_words(found.base, 'mention')} where both are read).", **way)]
    if late := [each.name for each in found.voices if each.incomplete]:
        lines.append(Line(f"Part of the week only: {', '.join(late)}."))
    if found.leads:
        people = count_words(found.looking, "person looks", "people look")
        lines.append(Line(f"{people} for an alternative to a competitor."))
    return Section("Share of voice", tuple(lines))


def _rated(about: About) -> Section:
    """Surveys and stars, each with how many gave them; few of them are marked."""
    now = about.week.ratings
    old = about.week.ratings_before or surveys.Surveys()
    nps = {each.source: each for each in old.nps}
    csat = {each.source: each for each in old.csat}
    stars = {each.source: each for each in old.stars}
    lines = [
        *(
            _score(f"{each.source}: NPS {each.score}", each.n, few=each.few,
                   before=f"{nps[each.source].score}" if each.source in nps else "")
            for each in now.nps
        ),
        *(
            _score(f"{each.source}: {percent(each.share)} satisfied", each.n, few=each.few,
                   before=percent(csat[each.source].share) if each.source in csat else "")
            for each in now.csat
        ),
        *(
            _score(f"{each.source}: {each.mean:.1f} stars", each.n, few=each.few,
                   before=f"{stars[each.source].mean:.1f}" if each.source in stars else "")
            for each in now.stars
        ),
    ]  # fmt: skip
    url = about.url(about.week.insights)
    return Section("Surveys and reviews", tuple(lines[:MOST_STORIES]), max(len(lines) - MOST_STORIES, 0), url)


def _score(said: str, n: int, *, few: bool, before: str) -> Line:
    than = f", {before} the week before" if before else ""
    return Line(f"{said} ({'only ' if few else ''}{count_words(n, 'rating')}{than}).")


def _stayed(about: About) -> Section:
    """Whether customers who were answered stayed, once the operator has told of so many that it says something."""
    found = about.week.outcomes
    lines = outcomes.sentences(found) if found is not None and found.stands else []
    return Section("Did answered customers stay", tuple(Line(each) for each in lines))


def _not_seen(about: About) -> Section:
    week, way = about.week, about.way("/sources", "Sources")
    if week.not_seen:
        lines = tuple(Line(each) for each in week.not_seen[:3])
        return Section("What was not seen", lines, len(week.not_seen) - len(lines), way.get("url", ""))
    if week.volume.mentions:
        return Section("What was not seen", ())
    names = [name for name, source in about.rules.sources.items() if source.enabled]
    return Section("Sources", (Line(f"All sources were read: {', '.join(names)}.", **way),))


def _accuracy(about: About) -> Section:
    week = about.week
    lines = []
    if week.alerts:
        lines.append(Line(_relevant(week)))
    if week.looked_at:
        lines.append(Line(
            f"Of {count_words(week.looked_at, 'quiet post')} your team looked at, {week.missed:,} should have been "
            f"{'an alert' if week.missed == 1 else 'alerts'}."
        ))  # fmt: skip
    return Section("How right Earful was", tuple(lines), url=about.url(about.week.insights))


def _relevant(week: Week) -> str:
    """How many alerts were right, of those that somebody acted on: of the others nobody has said so."""
    right, rest = week.acted - week.wrong, week.alerts - week.acted
    if not week.acted:
        which, it_was = ("the one alert", "it was") if rest == 1 else (f"any of the {rest:,} alerts", "they were")
        return f"Nobody has acted on {which} yet, so nobody knows whether {it_was} relevant."
    acted = " that somebody acted on" if rest else ""
    if week.acted == 1:
        said = f"The one alert{acted} was {'' if right else 'not '}relevant"
    elif right:
        said = f"{right:,} of {week.acted:,} alerts{acted} {'was' if right == 1 else 'were'} relevant"
    else:
        said = f"None of {week.acted:,} alerts{acted} was relevant"
    return f"{said}; nobody has acted on {rest:,} more." if rest else f"{said}."


def _more(about: About) -> Section:
    """What else a manager should know."""
    week = about.week
    lines = []
    if week.waiting["late"]:
        late = count_words(week.waiting["late"], "complaint was", "complaints were")
        are = "is" if week.waiting["late"] == 1 else "are"
        way = about.way(week.of_brand("/"), "Inbox")
        lines.append(Line(f"{late} found too late to alert anyone and {are} still open.", **way))
    if week.waiting["later"]:
        n, past = week.waiting["later"], week.waiting["later_late"]
        late = f", {past:,} of them past the target" if past else ""
        said = f"{count_words(n, 'case is', 'cases are')} snoozed or waiting on someone"
        said += ", past the target." if past == n == 1 else f"{late}."
        lines.append(Line(said, **about.way(week.of_brand("/?state=later"), "Snoozed or waiting")))
    if week.waiting["sweep"]:
        n = week.waiting["sweep"]
        are = "it is" if n == 1 else "they are"
        said = f"{count_words(n, 'more post')} may need an answer; {are} listed, and nobody is alerted."
        lines.append(Line(said, **about.way(week.of_brand("/?state=sweep"), "The list")))
    for name, n in week.unnamed[:MOST_STORIES]:
        waits, them = ("waits", "it") if n == 1 else ("wait", "them")
        said = f"{count_words(n, 'case')} of {name}, which the settings no longer name, still {waits}: "
        said += f'answer or close {them}, or, if the brand was renamed, have its new entry say was = ["{name}"].'
        lines.append(Line(said, **about.way(f"/?brand={quote(name)}", "Inbox")))
    if rest := sum(n for _name, n in week.unnamed[MOST_STORIES:]):
        lines.append(Line(f"{count_words(rest, 'more case waits', 'more cases wait')}, of other brands that are gone."))
    if week.unjudged:
        lines.append(Line(formatting.unjudged(week.unjudged, "the week")))
    if held := formatting.aftermath_words(week.aftermath, " in the last four weeks"):
        lines.append(Line(held))
    if week.installed is not None and not week.first:
        day = week.installed.astimezone(about.zone)
        since = f"{day:%a} {day_of(day)}"
        lines.append(Line(f"No comparison with the week before, which was incomplete: Earful started on {since}."))
    elif week.brand_since is not None:
        day = week.brand_since.astimezone(about.zone)
        none = f"nothing about {week.brand} was seen before {day:%a} {day_of(day)}"
        lines.append(Line(f"No comparison with the week before: {none}."))
    return Section("Good to know", tuple(lines), url=about.url(about.week.insights))
