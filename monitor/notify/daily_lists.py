"""Lists of the day that name no case in full: an owner's own line, and what is in languages that nobody reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from alerts import Action, Alert, Entry, Line
from alerts.case import Case
from alerts.wording import count_words
from monitor.cases.own_lists import EVERYBODYS, NOBODYS, asked
from monitor.people.identity import settings_name
from monitor.settings.rules import Rules
from monitor.store import cases
from monitor.store.database import Database
from monitor.store.deliveries import Delivery
from monitor.text.language import name_of
from monitor.types import SignedLink

NO_OWNER = "without an owner"


def own_list(
    database: Database, rules: Rules, root: Delivery, now: datetime, link: SignedLink, revision: int
) -> tuple[Alert, tuple[Case, ...]]:
    """An owner's lines of the day, by how things stand now: what went on in private, and what takes too long."""
    page_url = rules.settings.earful.page_url.rstrip("/")
    ids = [*root.payload.get("sent_on", ()), *root.payload.get("late", ())]
    known = {case.id: case for case in map(cases.case_of, cases.rows_of(database, ids).values())}
    private = [case for case in known.values() if case.sent_on and case.state_at(now) == "answered"]
    late = [known[each] for each in root.payload.get("late", ()) if each in known]
    late = [case for case in late if case.closed_at is None and not (case.sent_on and case in private)]
    whose = EVERYBODYS if root.about.startswith("list:evening:") else str(root.payload.get("owner_id", "")) or NOBODYS
    name = _named_by(rules, root.target, whose, [*private, *late])
    entries = []
    if private:
        press = Action(
            "all_solved", "All solved", asked(whose, root.created_at), link(whose, root.target, "all_solved")
        )
        said = _of(name, private) if name else f"{len(private):,} you"
        entries.append(
            Entry("", f"{said} moved to private messages: solved, or still open?", "", (_numbers(private),),
                  page_url=f"{page_url}/?state=private", actions=(press,))
        )  # fmt: skip
    if late:
        headline = f"{_of(name, late) if name else f'{len(late):,}'} past the deadline for solving them"
        entries.append(Entry(late[0].id, headline, "", (_numbers(late),), page_url=f"{page_url}/cases/{late[0].id}"))
    title = f"Daily list: {'cases ' if name == NO_OWNER else ''}{name}" if name else "Your daily list"
    alert = Alert(
        key=root.id,
        reason=root.reason,
        title=title if entries else f"{title}: nothing left",
        entries=tuple(entries),
        thread=root.about,
        revision=revision,
        kind="brief",
    )
    return alert, tuple({case.id: case for case in [*private, *late]}.values())


def _named_by(rules: Rules, target: str, whose: str, found: Sequence[Case]) -> str:
    """Whose list it is, where others read it too or nobody has what it names; "" for "you"."""
    if whose == EVERYBODYS:
        return ""
    if whose == NOBODYS:
        return NO_OWNER
    readers = [person.name for person in rules.settings.people if target in rules.targets_of(person)]
    return "" if readers == [settings_name(whose)] else next((case.owner for case in found), settings_name(whose))


def _of(name: str, found: Sequence[Case]) -> str:
    """ "3 of Ana's cases", "1 case without an owner" """
    return f"{count_words(len(found), 'case')} {NO_OWNER}" if name == NO_OWNER else f"{len(found):,} of {name}'s cases"


def _numbers(found: Sequence[Case]) -> str:
    """ "#12, #15 and 4 more" """
    more = f" and {len(found) - 8:,} more" if len(found) > 8 else ""
    return ", ".join(f"#{case.id}" for case in found[:8]) + more


def by_language(
    database: Database, rules: Rules, root: Delivery, now: datetime, revision: int
) -> tuple[Alert, tuple[Case, ...]]:
    """What is in languages that nobody here reads: one line a language, for whoever knows somebody who does."""
    page_url = rules.settings.earful.page_url.rstrip("/")
    rows = cases.rows_of(database, root.payload.get("cases", ()))
    waiting = [(row["language"], case) for row in rows.values() if (case := cases.case_of(row)).state_at(now) == "open"]
    found = sorted(Counter(language for language, _ in waiting).items(), key=lambda each: (-each[1], each[0]))
    posts = count_words(len(waiting), "post")
    title = f"{posts} in languages that nobody here reads"
    if len(found) == 1:
        title = f"{posts} in {name_of(found[0][0])}, which nobody here reads"
    alert = Alert(
        key=root.id,
        reason=root.reason,
        title=title if found else "Languages that nobody here reads: nothing is left of it",
        entries=(),
        also=tuple(
            Line(f"{name_of(language)}: {count_words(many, 'post')}", f"{page_url}/?state=unread&language={language}")
            for language, many in found
        ),
        thread=root.about,
        revision=revision,
        kind="brief",
        page_url=f"{page_url}/?state=unread",
    )
    return alert, tuple(case for _, case in waiting)


def evening_title(found: Sequence[Case], now: datetime) -> str:
    """What one person's list of the day holds: "2 cases not taken yet, 5 posts that may need an answer"."""
    waiting = sum(1 for case in found if case.lane == "ping" and case.state_at(now) == "open")
    listed = sum(1 for case in found if case.lane != "ping" and case.state_at(now) not in {"answered", "closed"})
    parts = [f"{count_words(waiting, 'case')} not taken yet"] if waiting else []
    parts += [f"{count_words(listed, 'post')} that may need an answer"] if listed else []
    return ", ".join(parts) or "Your daily list"


def with_the_rest(
    database: Database, rules: Rules, root: Delivery, alert: Alert, now: datetime, link: SignedLink
) -> tuple[Alert, tuple[Case, ...]]:
    """One person's list with what a team's owners and leads are told apart, and the cases that this speaks of."""
    own, theirs = own_list(database, rules, root, now, link, alert.revision)
    foreign = replace(root, payload={"cases": root.payload.get("languages", ())})
    languages, unread = by_language(database, rules, foreign, now, alert.revision)
    whole = replace(alert, entries=(*alert.entries, *own.entries), also=(*alert.also, *languages.also))
    return whole, (*theirs, *unread)
