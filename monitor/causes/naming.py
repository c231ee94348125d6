"""Which causes a post is of, while it comes in; and what staff say of a case by hand, which teaches.

The words of a list are compiled once and kept until the list changes; what staff said is learned again when enough of
it is new. What was said of a case by hand holds for all that follows in it.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from monitor.causes import listing
from monitor.people.identity import Actor
from monitor.store import cause_answers, problems
from monitor.store import causes as store
from monitor.store.database import Database
from monitor.text.causes import MOST, Answer, Classifier
from monitor.text.trades import Trade
from monitor.types import Judged

LEARN_AGAIN = 20  # one in so many new answers, or one where there are few: learning takes up to two seconds


@dataclass(frozen=True, slots=True)
class _Known:
    """What stands of a brand: its words, and how many answers it was taught with."""

    classifier: Classifier
    answers: int


class Naming:
    """The causes of posts, for all brands of an installation. Used by several threads."""

    def __init__(self, database: Database, trades: Mapping[str, Trade]) -> None:
        """`trades` are the brands of settings, each with the trade whose list it begins with."""
        self.database = database
        self._trades = dict(trades)
        self._guard = threading.Lock()
        self._mark: tuple[str, ...] = ()
        self._begun: set[str] = set()
        self._known: dict[str, _Known] = {}

    def name(self, judged: Sequence[Judged], now: datetime) -> list[Judged]:
        """Say of those that need a case which causes they are of."""
        wanted = [each.needs_case and not each.verdict.praise for each in judged]
        if not any(wanted):
            return list(judged)
        self._look(now)
        return [
            replace(each, causes=self.of(each.brand, f"{each.post.title} {each.post.text}")) if named else each
            for each, named in zip(judged, wanted, strict=True)
        ]

    def of(self, brand: str, text: str) -> tuple[str, ...]:
        """The causes of a text about a brand."""
        return self._brand(brand).classifier.of(text)

    def guesses(self, brand: str, text: str, now: datetime) -> tuple[str, ...]:
        """The causes that somebody is offered for a text, the likeliest first."""
        self._look(now)
        return self._brand(brand).classifier.guesses(text)

    def _look(self, now: datetime) -> None:
        """Begin the lists that are missing, and forget what was compiled of lists that have changed since."""
        for brand, trade in self._trades.items():
            if brand not in self._begun:
                listing.begin(self.database, brand, trade, now)
                self._begun.add(brand)
        changes, undone, causes, answers, taken_back = store.mark(self.database).split(":")
        mark = (changes, undone, causes, taken_back)
        with self._guard:
            if mark != self._mark:
                self._mark, self._known = mark, {}
            elif self._known:
                upto = int(answers)
                self._known = {
                    brand: each
                    for brand, each in self._known.items()
                    if upto - each.answers <= each.classifier.learned.answers // LEARN_AGAIN
                }

    def _brand(self, brand: str) -> _Known:
        known = self._known.get(brand)
        if known is None:
            upto = int(store.mark(self.database).split(":")[3])
            rows = cause_answers.taught(self.database, brand)
            answers = [
                Answer(f"{row['title']} {row['text']}", tuple(json.loads(row["causes"]))) for row in reversed(rows)
            ]
            known = _Known(Classifier(listing.as_causes(store.standing(self.database, brand)), answers), upto)
            with self._guard:
                self._known[brand] = known
        return known


def put(database: Database, judged: Sequence[Judged]) -> Counter[str]:
    """Write down which causes the stored mentions of these are of; how many are of each. In the transaction of storing.

    What staff said of their case holds; whoever only says that it is the same is of the same causes.
    """
    wanted = {each.mention_id: each for each in judged if each.causes or each.joins or each.needs_case}
    rows = store.stored(database, list(wanted))
    cases = list({row["case_id"] for row in rows})
    said = {case: json.loads(causes) for case, causes in cause_answers.of_cases(database, cases).items()}
    same = [row["case_id"] for row in rows if row["same"]]
    above = {case: [each["id"] for each in theirs] for case, theirs in store.of_cases(database, same).items()}
    made = []
    for row in rows:
        case, by_staff = row["case_id"], row["case_id"] in said
        causes: Sequence[str] = (
            said[case] if by_staff else above.get(case, []) if row["same"] else wanted[row["id"]].causes
        )
        made += _rows(row["id"], row["brand"], row["posted_at"], causes, by_staff=by_staff)
    store.put(database, made)
    return Counter(each["cause_id"] for each in made)


def _rows(mention: str, brand: str, posted_at: str, causes: Sequence[str], *, by_staff: bool) -> list[dict[str, Any]]:
    return [
        {"mention_id": mention, "cause_id": cause, "brand": brand, "posted_at": posted_at, "place": place,
         "by_staff": int(by_staff)}
        for place, cause in enumerate(causes[:MOST])
    ]  # fmt: skip


# -- by hand ---------------------------------------------------------------------------------------------------------


def set_cause(database: Database, case: str, brand: str, cause: str, who: Actor, way: str, now: datetime) -> str:
    """Put a cause on a case, or take it off where it stands; "" takes off all. What was done, in words.

    Inside a transaction.
    """
    standing = [row["id"] for row in store.of_cases(database, [case]).get(case, [])]
    row = store.one(database, cause) if cause else None
    if cause and (row is None or row["brand"] != brand or row["gone_at"] or row["merged_into"]):
        raise listing.NotPossible("this cause is not on the list any more")
    if not cause:
        after: list[str] = []
    elif cause in standing:
        after = [each for each in standing if each != cause]
    else:
        automatic = cause_answers.of_case(database, case) is None
        after = [cause] if automatic else [*standing, cause][-MOST:]
    cause_answers.add(database, brand, case, after, standing, who.name, who.id, way, now)
    _apply(database, case, after, by_staff=True)
    if row is None:
        return "no cause"
    return f"cause {row['name']}" + (" removed" if cause in standing else "")


def undo_cause(database: Database, case: str, now: datetime) -> bool:
    """Take back what was said last of a case's causes; what stood there before stands again."""
    row = cause_answers.of_case(database, case)
    if row is None:
        return False
    cause_answers.undo(database, row["n"], now)
    _apply(database, case, json.loads(row["before"]), by_staff=cause_answers.of_case(database, case) is not None)
    return True


def _apply(database: Database, case: str, causes: Sequence[str], *, by_staff: bool) -> None:
    rows = store.mentions_in(database, case)
    problems.count_all_anew(database)
    store.clear(database, [row["id"] for row in rows])
    for row in rows:
        store.put(database, _rows(row["id"], row["brand"], row["posted_at"], causes, by_staff=by_staff))
