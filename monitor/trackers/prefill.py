"""What the form of an issue begins with: nobody is named in it, for a tracker may be public. A person reads it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from alerts.wording import clean_line, count_words, excerpt
from connectors import Post
from monitor.people.actors import NotPossible
from monitor.reports.letter.quotes import masked
from monitor.settings.rules import Rules
from monitor.store import cases, causes, holds, mentions, problems
from monitor.store.database import Database, Row, at
from monitor.trackers.clients import Subject, address_of

TITLE = 120  # characters
WORDS = 1_500  # of a case's post
VOICE = 280  # of each post that a problem quotes
VOICES = 3
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Prefill:
    """Title and text, as they are proposed."""

    title: str
    text: str


def of(database: Database, rules: Rules, subject: Subject) -> Prefill:
    """What to propose. Raises NotPossible, in words, where no issue can be made of it."""
    return _of_case(database, rules, subject) if subject.case_id else _of_problem(database, rules, subject)


def _of_case(database: Database, rules: Rules, subject: Subject) -> Prefill:
    case = cases.one(database, subject.case_id)
    if case is None:
        raise NotPossible(f"there is no case {clean_line(subject.case_id)}; earful cases lists all cases")
    if holds.of_case(database, case.id) is not None:
        raise NotPossible(f"case {case.id} is on hold; its text is hidden")
    told = [each.post for each in mentions.of_case(database, case.id) if each.post.text or each.post.title]
    if not told:
        raise NotPossible("the post was deleted, so there is nothing to make an issue of")
    first = told[0]
    words = _masked(rules, case.source, first.text or first.title, (first.author, first.author_name))
    about = [row["name"] for row in causes.of_cases(database, [case.id]).get(case.id, [])]
    name = " / ".join(about) or excerpt(words, TITLE - len(case.brand) - 20)
    day = _day(rules, first.posted_at)
    lines = [f"A customer of {case.brand} wrote on {day} ({case.source}):", _quote(excerpt_of(words, WORDS))]
    if case.wants:
        wants = _masked(rules, case.source, case.wants, (first.author, first.author_name))
        lines.append(f"What they want: {clean_line(wants)}")
    lines.append(f"The case (login required): {address_of(rules, subject)}")
    return Prefill(excerpt(f"Customer report: {name}", TITLE), "\n\n".join(lines))


def _of_problem(database: Database, rules: Rules, subject: Subject) -> Prefill:
    rows = problems.counted(database, open_only=False)
    row = next((each for each in rows if each["id"] == subject.problem), None)
    if row is None:
        raise NotPossible("there is no such problem")
    people = count_words(row["people"], "person", "people")
    since = _day(rules, at(row["first_at"]))
    said = f'{people} wrote about "{row["name"]}" ({row["brand"]}) since {since}.'
    voices = [_quote(words) for words in _voices(rules, problems.affected(database, row["id"]))]
    lines = [said, *(["Some of what they say:", *voices] if voices else [])]
    lines.append(f"The problem and its posts (login required): {address_of(rules, subject)}")
    return Prefill(excerpt(f"{row['name']}: {people} since {since}", TITLE), "\n\n".join(lines))


def _voices(rules: Rules, affected: list[Row]) -> list[str]:
    found: dict[str, None] = {}
    for each in affected:
        words = _masked(rules, each["source"], each["text"], (each["author"], each["author_name"]))
        if words.strip():
            found.setdefault(excerpt(words, VOICE))
        if len(found) == VOICES:
            break
    return list(found)


def _masked(rules: Rules, source: str, text: str, names: tuple[str, ...]) -> str:
    def ours(handle: str) -> bool:
        return rules.is_own(Post(source, "-", "", handle.lstrip("@/"), "", _ANY_TIME))

    return masked(text, names, ours)


def excerpt_of(text: str, width: int) -> str:
    """The beginning of a text with its lines as they were."""
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"


def _quote(text: str) -> str:
    return "\n".join(f"> {clean_line(line)}" for line in text.splitlines() if line.strip())


def _day(rules: Rules, moment: datetime) -> str:
    local = moment.astimezone(rules.settings.zone)
    return f"{local.day} {local:%b %Y}"
