"""Problems: three people or more with one cause. Opened by themselves, told once, closed by the last who is told.

Habit decides only how loud. Above what the cause is used to at this hour of the week it is an alert, within it a line
in the next list and in the letter. Until 28 days of a brand are known, six people in a day are an alert. It is told
again when it has doubled, each quarter of a year in which it has not shrunk, and when it is back after "fixed".
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from alerts import hours
from alerts.wording import count_words
from monitor.causes.listing import NotPossible
from monitor.people.identity import Actor
from monitor.settings.rules import Rules
from monitor.store import causes as store
from monitor.store import deliveries, notices, problems
from monitor.store.database import Database, Row, at, stamp

PEOPLE = 3  # distinct authors within the cause's days make a problem
MANY = 6  # in a day are an alert while habits are not known
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
KNOWN = timedelta(days=28)
WEEKS = 8  # that make a habit
QUARTER = timedelta(days=91)
SHOWN = timedelta(days=30)  # so long its messages are kept true
GATHERED = timedelta(hours=1)  # an alert waits: its people are alerted for already, and it says all of them at once


def look(database: Database, rules: Rules, causes: Mapping[str, int], now: datetime) -> None:
    """Somebody wrote of these causes, so many posts each: open problems that are due, tell of those that have grown.

    In a transaction.

    Who counts the people of a cause counts those of everybody who stored before: the last of them sees all.
    """
    if not causes:
        return
    rows = store.some(database, causes)
    found: Counter[str] = Counter()
    for each, row in rows.items():
        found[row["merged_into"] or each] += causes[each]
    if missing := found.keys() - rows.keys():
        rows |= store.some(database, missing)
    database.lock(f"cause:{each}" for each in found)
    standing = problems.open_of(database, found)
    left = problems.posts_to_count(database, [each["n"] for each in standing.values()])
    later: dict[int, int] = {}
    for cause in sorted(found):
        if cause not in rows or rows[cause]["gone_at"]:
            continue
        problem = standing.get(cause)
        if problem is None:
            _open(database, rules, rows[cause], now)
        else:
            more = _grown(database, rules, rows[cause], problem, left.get(problem["n"], 0) - found[cause], now)
            later |= {problem["n"]: more} if more else {}
    problems.count_after(database, later, now)


def tick(database: Database, rules: Rules, now: datetime) -> None:
    """Tell again of what has not shrunk in a quarter of a year; once an hour is enough. In a transaction."""
    for problem in problems.standing(database):
        row = store.one(database, problem["cause_id"])
        told = problem["told_at"] or problem["opened_at"]
        if row is None or now - at(told) < QUARTER:
            continue
        last = problems.people(database, row["id"], stamp(now - QUARTER), stamp(now))
        before = problems.people(database, row["id"], stamp(now - 2 * QUARTER), stamp(now - QUARTER))
        if last >= max(before, PEOPLE):
            _tell(database, rules, row, problem, f"{_people(last)} in a quarter of a year, no fewer than before", now)


def _open(database: Database, rules: Rules, row: Row, now: datetime) -> None:
    fixed = problems.last_fixed(database, row["id"])
    since = stamp(now - timedelta(days=row["days"]))
    if fixed is not None:
        since = max(since, fixed["fixed_at"])
    found = problems.people(database, row["id"], since, stamp(now))
    if found < PEOPLE:
        return
    first = problems.first_post(database, row["id"], since)
    back = int(fixed["n"]) if fixed is not None else 0
    problem = problems.open_(database, row["brand"], row["id"], first, back, now)
    if problem is None:
        return
    days = max(1, math.ceil((now - at(first)) / DAY))
    within = "24 hours" if days == 1 else f"{days} days"
    words = f"{_people(found)} in {within}"
    if fixed is not None:
        words += f", back after it was fixed on {_day(rules, fixed['fixed_at'])}"
    _tell(database, rules, row, problem, words, now, quiet=fixed is None and not _is_loud(database, row, now))


def _grown(database: Database, rules: Rules, row: Row, problem: Row, left: int, now: datetime) -> int:
    """Further posts of an open problem: it may have doubled, or have come out of its habit.

    Counting its people reads all of its posts: what comes of a problem of many thousand would cost more with each post.
    So they are counted once as many posts have come as people are wanting. So many are `left`, and are returned; 0
    where that stands written.
    """
    loud = problem["loud"] == "alert"
    if not loud and _is_loud(database, row, now):
        today = problems.people(database, row["id"], stamp(now - DAY), stamp(now))
        _tell(database, rules, row, problem, f"{_people(today)} in 24 hours, more than usual", now)
        return 0
    if left > 0:
        return left
    found = problems.people(database, row["id"], _before(problem["first_at"]), stamp(now))
    left = 2 * problem["told_people"] - found
    if left <= 0:
        _tell(database, rules, row, problem, f"doubled to {_people(found)}", now, quiet=not loud)
    return max(0, left)


def _is_loud(database: Database, row: Row, now: datetime) -> bool:
    """Whether so many people in a day are more than this cause is used to at this hour of the week."""
    posts = problems.posts(database, row["id"], stamp(now - DAY), stamp(now))  # no fewer than people, and soon counted
    if posts < PEOPLE:
        return False
    known = store.known_since(database, row["brand"])
    if known is None or now - known < KNOWN:
        return posts >= MANY and problems.people(database, row["id"], stamp(now - DAY), stamp(now)) >= MANY
    mean = _usual(database, row["id"], known, now)
    most = mean + 2 * math.sqrt(mean)
    if posts <= most:
        return False
    today = problems.people(database, row["id"], stamp(now - DAY), stamp(now))
    return today >= PEOPLE and today > most


def _usual(database: Database, cause: str, known: datetime, now: datetime) -> float:
    """How many people write in a day that ends at this hour of the week, or did an hour ago: `count_habits` counts it.

    Where nobody does that, as while a file is imported, it is counted here once in two hours.
    """
    counted = problems.usual(database, [cause]).get(cause)
    if counted is not None and counted[0] in {_hour(now), _hour(now - HOUR)}:
        return counted[1]
    return _count_habit(database, cause, known, now)


def count_habits(database: Database, now: datetime, stopping: Callable[[], bool] = lambda: False) -> int:
    """Count anew, once an hour, how many people usually write of each cause of which some wrote within a day.

    It reads the posts of eight days, of a big cause very many: whoever stores finds it counted. How many were counted.
    """
    standing = store.standing(database)
    counted = problems.usual(database, [row["id"] for row in standing])
    done = 0
    for row in standing:
        cause = row["id"]
        if stopping():
            break
        if counted.get(cause, ("", 0.0))[0] == _hour(now):
            continue
        known = store.known_since(database, row["brand"])
        written = problems.posts(database, cause, stamp(now - DAY), stamp(now))
        if known is not None and now - known >= KNOWN and written >= PEOPLE:
            _count_habit(database, cause, known, now)
            done += 1
    return done


def _count_habit(database: Database, cause: str, known: datetime, now: datetime) -> float:
    weeks = min(WEEKS, (now - known).days // 7)
    ends = [now - timedelta(weeks=week) for week in range(1, weeks + 1)]
    counted = [problems.people(database, cause, stamp(end - DAY), stamp(end)) for end in ends]
    mean = sum(counted) / len(counted)
    problems.keep_usual(database, cause, _hour(now), mean, now)
    return mean


def _hour(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H}"


def _tell(
    database: Database, rules: Rules, row: Row, problem: Row, words: str, now: datetime, *, quiet: bool = False
) -> None:
    """One line to the cause's team, else to whoever is alerted: in opening hours, or in the next list.

    What was to be said of this problem and has not left yet is overtaken by it.
    """
    found = problems.people(database, row["id"], _before(problem["first_at"]), stamp(now))
    problems.change(
        database, problem["n"], loud=problem["loud"] or "brief" if quiet else "alert", told_at=now, told_people=found
    )
    problems.count_after(database, {problem["n"]: found}, now)
    address = f"{rules.settings.earful.page_url.rstrip('/')}/problems/{problem['n']}"
    title = f"{row['brand']} · {row['name']}: {words}"
    remedy = f"{'see who works on it' if problem['owner'] else 'name an owner'}: {address}"
    route = rules.settings.alerts.notify
    names = [row["team"]] if row["team"] else ["channel"]
    key = f"problem:{problem['n']}:"
    due = hours.next_opening(now + GATHERED, rules.opening)
    for row_before in notices.unsent(database, key):
        deliveries.drop_alone(database, row_before["id"], "a newer line says more")
        if row_before["reason"] != deliveries.QUIET:
            due, quiet = min(due, at(row_before["due_at"])), False
    due = now + 3650 * DAY if quiet else due  # a quiet one leaves in a list
    reason = deliveries.QUIET if quiet else "notice"
    targets = [each.target for each in rules.tell(names, route, now)]
    key = f"{key}{found}:{stamp(now)}"
    deliveries.queue(database, [deliveries.notice_row(key, each, title, remedy, now, due, reason) for each in targets])


def _people(count: int) -> str:
    return count_words(count, "person", "people")


def _before(moment: str) -> str:
    """Just before a moment that is kept: what follows asks for later ones only."""
    return stamp(at(moment) - timedelta(microseconds=1))


def _day(rules: Rules, moment: str) -> str:
    local = at(moment).astimezone(rules.settings.zone)
    return f"{local.day} {local:%b}"


# -- by hand ---------------------------------------------------------------------------------------------------------


def give(database: Database, problem: int, who: Actor, now: datetime) -> None:
    """Name its owner, or nobody. Inside a transaction, as all that follows."""
    _row(database, problem)
    problems.change(database, problem, owner=who.name, owner_id=who.id)
    shown_again(database, problem, now)


def shown_again(database: Database, problem: int, now: datetime) -> None:
    """Somebody has said something of it: show the messages anew in which it was told lately."""
    for root in notices.messages_of(database, f"problem:{problem}:", now - SHOWN):
        if root.state in {"sent", "inflight", "unknown"}:
            deliveries.queue_edit(database, root, now, now, "said of the problem", urgent=True)


def fix(database: Database, problem: int, who: Actor, now: datetime) -> None:
    """It is fixed: whoever it hit stays listed until told."""
    if _row(database, problem)["fixed_at"]:
        raise NotPossible("this problem is marked as fixed already")
    problems.change(database, problem, fixed_at=now, fixed_by=who.name)
    shown_again(database, problem, now)


def unfix(database: Database, problem: int, now: datetime) -> None:
    """It was not fixed after all; who was told meanwhile stays told."""
    row = _row(database, problem)
    if problems.open_for(database, row["cause_id"]) is not None:
        raise NotPossible("it is open again already, as a newer problem of this cause")
    problems.change(database, problem, fixed_at="", fixed_by="")
    shown_again(database, problem, now)


def tell(database: Database, problem: int, mention: str, who: Actor, now: datetime) -> None:
    """Somebody told this person that it is over."""
    if not _row(database, problem)["fixed_at"]:
        raise NotPossible("mark it as fixed first; then tell people")
    if not problems.tell(database, problem, mention, who.name, who.id, now):
        raise NotPossible("they have been told already, or their post is gone")


def _row(database: Database, problem: int) -> Row:
    row = problems.one(database, problem)
    if row is None or row["joined"]:
        raise NotPossible("there is no such problem")
    return row


# What somebody may write to those whom it hit: in the languages that the judge knows. They change it as they like.
_DRAFTS = {
    "de": "Hallo {name}, du hattest uns von einem Problem berichtet ({cause}). Es ist jetzt behoben. "
    "Entschuldige bitte den Ärger, und danke für den Hinweis!",
    "fr": "Bonjour {name}, vous nous aviez signalé un problème ({cause}). Il est maintenant résolu. "
    "Toutes nos excuses, et merci de nous l'avoir signalé !",
    "es": "Hola {name}, nos avisaste de un problema ({cause}). Ya está resuelto. "
    "Sentimos las molestias y gracias por avisarnos.",
    "it": "Ciao {name}, ci avevi segnalato un problema ({cause}). Ora è risolto. "
    "Ci scusiamo per il disagio e grazie per la segnalazione!",
    "pt": "Olá {name}, você nos avisou de um problema ({cause}). Ele já foi resolvido. "
    "Desculpe o transtorno e obrigado pelo aviso!",
    "nl": "Hallo {name}, je meldde ons een probleem ({cause}). Het is nu opgelost. "
    "Sorry voor het ongemak, en bedankt voor je melding!",
}
_DRAFT = (
    "Hello {name}, you told us about a problem ({cause}). It is fixed now. We are sorry for the trouble, and thank you "
    "for letting us know!"
)


def draft(person: Row, cause: str) -> str:
    """What to write to somebody whom a problem hit, in the language of their post where we have it."""
    author = person["author"]
    name = author if author.startswith(("@", "u/")) or " " in author else f"@{author}"
    return _DRAFTS.get(person["language"], _DRAFT).format(name=name, cause=cause)
