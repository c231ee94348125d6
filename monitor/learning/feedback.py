"""What staff answer becomes what the judge knows: lessons, versions that can be undone, offers to mute, quiet posts.

Labels in the store are the truth; what was learned is a snapshot of them, one row a version and brand. A version
gathers the answers of six hours, so that undoing one takes back an afternoon and not a single answer. The answers of a
version that was undone stay in the store and are left out of learning until somebody asks for them again.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any, cast

from alerts import hours
from connectors import Post
from monitor.ingest.pipeline import Intake
from monitor.settings.models import Settings
from monitor.settings.rules import Rules
from monitor.store import key_values, requeue
from monitor.store.database import Database, Row, at
from monitor.store.leases import Leases
from monitor.text.judge import Judge
from monitor.text.model import training
from monitor.text.model.trained import Answer, Learned, Lesson
from monitor.text.relevance import MuteKind, NotUs, learn_relevance, lesson_of, mute_offers
from monitor.types import Mention

log = logging.getLogger("earful.teaching")

FORMAT = 1
VERSION_HOLDS = timedelta(hours=6)
REST = 9  # times as long as it took to learn everything anew: a tenth of one processor at most
MOST_AT_ONCE = 500  # answers taken in one by one while a brand rests
STREAM = 600  # last posts of a brand, by which its lines are drawn
NEAR = 200  # quiet posts of a brand that are looked at for an offer
LATE_OFFER = timedelta(hours=12)
DAY = timedelta(days=1)
LEARNS, LEARNS_FOR = "learn", timedelta(seconds=30)
OFFERED = "shown as a sample: Earful learns from your answer"


@dataclass(frozen=True, slots=True)
class Taught:
    """What one brand's staff have taught, of both questions: does it need an answer, and is it about us at all.

    `upto` is the number of the newest label that was heard.
    """

    complaint: Learned = field(default_factory=Learned)
    about_us: Learned = field(default_factory=Learned)
    upto: int = 0

    def to_json(self) -> str:
        """As text for the store; the same value gives the same text."""
        body = {"format": FORMAT, "complaint": self.complaint.to_json(), "about_us": self.about_us.to_json()}
        return json.dumps({**body, "upto": self.upto}, sort_keys=True)

    @staticmethod
    def from_json(text: str) -> Taught:
        """Read what `to_json` wrote; ValueError when it is damaged or of another format."""
        try:
            read: dict[str, Any] = json.loads(text)
            if read["format"] != FORMAT:
                raise ValueError(f"format {read['format']}, wanted {FORMAT}")
            return Taught(Learned.from_json(read["complaint"]), Learned.from_json(read["about_us"]), int(read["upto"]))
        except (KeyError, TypeError, RecursionError, json.JSONDecodeError) as error:
            raise ValueError(f"it cannot be read ({type(error).__name__})") from None


def load(database: Database, brands: Iterable[str]) -> dict[str, Taught]:
    """The newest version of each brand that stands. A damaged one is refused by its name; the shipped judge goes on."""
    found = {}
    for brand in brands:
        row = key_values.model_of(database, brand)
        if row is None:
            continue
        try:
            found[brand] = Taught.from_json(row["body"])
        except ValueError as error:
            log.error(
                "%s: what staff have taught is not used (version %s: %s). The built-in judge is used; "
                "to learn again from their answers: earful model learn --brand %s",
                brand, row["n"], error, brand,
            )  # fmt: skip
    return found


def learn(database: Database, settings: Settings, judge: Judge, brand: str, now: datetime) -> Taught | None:
    """Learn a brand anew from all its answers, keep it as a version, and offer mutes; what is known now.

    None when somebody undid a version meanwhile: then it is to be done again.
    """
    mark = _marks(database, judge).get(brand, "")
    ranges = left_out(database, brand)
    rows = [row for row in key_values.labels_of(database, brand) if not _is_left_out(row["n"], ranges)]
    words = [row for row in rows if row["text"] or row["title"]]
    stream = [judge.lesson(each.post, brand, "yes", "", each.seen_at) for each in requeue.last(database, brand, STREAM)]
    context = next((each.context for each in settings.brands if each.name == brand), ())
    taught = Taught(
        training.learn((lesson(judge, row) for row in words), judge.encoder, stream),
        learn_relevance(_about(row, context) for row in words),
        max((int(row["n"]) for row in rows), default=0),
    )
    with database.transaction():
        if left_out(database, brand) != ranges:
            return None
        _save(database, brand, taught, len(rows), now)
        _offer_mutes(database, brand, rows, now)
        key_values.remember(database, _mark_key(brand), mark, now)
    return taught


def lesson(judge: Judge, row: Row) -> Lesson:
    """One label as what it teaches about needing an answer."""
    return judge.lesson(_post(row), row["brand"], cast(Answer, row["answer"]), _person(row), at(row["at"]))


def _about(row: Row, context: tuple[str, ...]) -> Lesson:
    answer = cast(Answer, row["answer"])
    return lesson_of(_post(row), context, answer, _person(row), at(row["at"]), row["language"])


def _person(row: Row) -> str:
    """Who said it: people are counted by their ids. What was seen on the network has none, and counts by its name."""
    return str(row["who_id"] or row["who"])


def _post(row: Row) -> Post:
    return Post(
        source=row["source"],
        native_id=row["native_id"],
        url=row["url"],
        author=row["author"],
        text=row["text"],
        posted_at=at(row["posted_at"]),
        title=row["title"],
        lang=row["lang"],
        rating=row["rating"],
    )


def _save(database: Database, brand: str, taught: Taught, labels: int, now: datetime) -> None:
    """Keep a version where something has changed: within the newest while that is young, else as a new one."""
    standing = key_values.model_of(database, brand)
    if not labels and standing is None:
        return
    body = taught.to_json()
    if standing is not None and standing["body"] == body:
        return
    figures = json.dumps({"complaint": _figures(taught.complaint), "about_us": _figures(taught.about_us)})
    if standing is not None and timedelta(0) <= now - at(standing["at"]) < VERSION_HOLDS:
        key_values.replace_model(database, standing["n"], body, labels, figures)
    else:
        key_values.save_model(database, brand, body, labels, figures, now)
    key_values.count_teaching(database, now)


def _figures(learned: Learned) -> dict[str, Any]:
    figures = {each.name: getattr(learned.figures, each.name) for each in fields(learned.figures)}
    return {**figures, "blend": learned.blend}


def _offer_mutes(database: Database, brand: str, rows: Iterable[Row], now: datetime) -> None:
    """Offer what was "not us" three times; whatever was offered or muted once is not offered again."""
    known = key_values.known_mutes(database, brand)
    answers = [NotUs(brand, _post(row), _person(row)) for row in rows if row["answer"] == "not_us"]
    for offer in mute_offers(answers):
        value = mute_value(offer.kind, offer.source, offer.value)
        if (offer.kind, value) not in known:
            key_values.add_mute(
                database, brand, offer.kind, value, f"marked “not us” {offer.times} times", now, offered=True
            )


def mute_value(kind: MuteKind, source: str, value: str) -> str:
    """As mutes are stored: an author and a community belong to a source, a domain stands everywhere."""
    return value if kind == "domain" else f"{source}/{value}"


# -- versions -------------------------------------------------------------------------------------------------------


def undo(database: Database, brand: str, who: str, now: datetime) -> str:
    """Go back to the version before; what was answered since is left out of learning. Says what came of it."""
    with database.transaction():
        row = key_values.model_of(database, brand)
        if row is None:
            return f"nothing has been learned for {brand}"
        upto = _upto(row)
        key_values.undo_model(database, brand, now)
        before = key_values.model_of(database, brand)
        since = _upto(before) if before is not None else 0
        ranges = [*left_out(database, brand), {"after": since, "upto": upto, "by": who, "at": now.isoformat()}]
        key_values.remember(database, _left_out_key(brand), json.dumps(ranges), now)
        key_values.count_teaching(database, now)
    then = f"version {before['n']} is used again" if before is not None else "only the built-in judge is used"
    return f"{brand}: version {row['n']} is undone, {then}; earful model learn --brand {brand} uses its answers again"


def hear_again(database: Database, brand: str, now: datetime) -> None:
    """Let learning hear the answers of undone versions too."""
    with database.transaction():
        key_values.remember(database, _left_out_key(brand), "[]", now)
        key_values.remember(database, _mark_key(brand), "anew", now)


def left_out(database: Database, brand: str) -> list[dict[str, Any]]:
    """Which labels are not heard, by number: more than "after", up to "upto", with who undid them and when."""
    found: list[dict[str, Any]] = json.loads(key_values.fact(database, _left_out_key(brand), "[]"))
    return found


def waiting(database: Database, judge: Judge, brands: Iterable[str]) -> dict[str, str]:
    """Those brands with answers that nothing was learned from yet, by this judge: brand -> which answers stand."""
    marks = _marks(database, judge)
    return {
        brand: marks.get(brand, "")
        for brand in brands
        if marks.get(brand, "") != key_values.fact(database, _mark_key(brand))
    }


def _marks(database: Database, judge: Judge) -> dict[str, str]:
    """Another shipped model, as after an upgrade, is a reason to learn anew: lessons begin where it stands."""
    return {brand: f"{mark} {judge.scorer}" for brand, mark in key_values.label_marks(database).items()}


def revision(database: Database) -> int:
    """A number that grows whenever what was learned has changed, by whichever process."""
    return key_values.teaching(database)


def _upto(row: Row) -> int:
    try:
        return Taught.from_json(row["body"]).upto
    except ValueError:
        return 0  # damaged: nothing is left out, the answers are learned from again


def _is_left_out(number: int, ranges: list[dict[str, Any]]) -> bool:
    return any(each["after"] < number <= each["upto"] for each in ranges)


def _mark_key(brand: str) -> str:
    return f"teaching:mark:{brand}"


def _left_out_key(brand: str) -> str:
    return f"teaching:left_out:{brand}"


# -- while the daemon runs ------------------------------------------------------------------------------------------


class Teaching:
    """Keeps the judge of an intake in step with the answers. One thread at a time works in it; any may `follow`."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        intake: Intake,
        taught: Mapping[str, Taught],
        make_judge: Callable[[Mapping[str, Taught]], Judge],
        stopwatch: Callable[[], float] = time.monotonic,
        leases: Leases | None = None,
    ) -> None:
        self.database = database
        self.leases = leases or Leases(database)
        self.settings = settings
        self.intake = intake
        self._taught = dict(taught)
        self._make_judge = make_judge
        self.stopwatch = stopwatch
        self._revision = revision(database)
        self._guard = threading.Lock()
        self._brands = [brand.name for brand in settings.brands]
        self._rests_until: dict[str, float] = {}
        self._taken_in: dict[str, str] = {}

    def due(self) -> bool:
        """Whether there is anything to do: two small questions to the store."""
        return self.is_behind() or bool(self._waiting())

    def is_behind(self) -> bool:
        """Whether something was learned, or undone, by another process."""
        return revision(self.database) != self._revision

    def work(self, clock: Callable[[], datetime]) -> None:
        """Take in what was answered. A brand with very many answers is learned anew now and then, and added to between.

        `clock` is asked once for each brand: learning from ten thousand answers takes seconds. Of several processes one
        learns, as long as it lives: it knows what it took in, and when a brand has to rest. The others load it.
        """
        learns = self.leases.take(LEARNS, LEARNS_FOR) is not None
        for brand, mark in self._waiting().items() if learns else ():
            if self._rests(brand):
                self._add_to(brand, mark)
                continue
            started = self.stopwatch()
            learn(self.database, self.settings, self.intake.judge, brand, clock())
            ended = self.stopwatch()
            self._rests_until[brand] = ended + REST * (ended - started)
        self.follow()

    def follow(self) -> None:
        """Judge by what was learned by now, in whichever process: one small question, where nothing is new."""
        found = revision(self.database)
        with self._guard:
            if found == self._revision:
                return
            self._taught = load(self.database, self._brands)
            self._taken_in.clear()
            self.intake.judge = self._make_judge(self._taught)
            self._revision = found

    def _rests(self, brand: str) -> bool:
        return self.stopwatch() < self._rests_until.get(brand, 0.0)

    def _waiting(self) -> dict[str, str]:
        found = waiting(self.database, self.intake.judge, self._brands)
        return {
            brand: mark for brand, mark in found.items() if not self._rests(brand) or self._taken_in.get(brand) != mark
        }

    def _add_to(self, brand: str, mark: str) -> None:
        """One small step for each new answer, in memory; the next whole learning replaces it."""
        taught = self._taught.get(brand, Taught())
        self._taken_in[brand] = mark
        rows = key_values.labels_of(self.database, brand, MOST_AT_ONCE, after=taught.upto)
        complaint, ranges = taught.complaint, left_out(self.database, brand) if rows else []
        for row in rows:
            if (row["text"] or row["title"]) and not _is_left_out(row["n"], ranges):
                complaint = training.update(complaint, lesson(self.intake.judge, row))
        with self._guard:
            if rows and self._taught.get(brand, taught) is taught:  # else a whole learning has come meanwhile
                self._taught[brand] = replace(taught, complaint=complaint, upto=int(rows[-1]["n"]))
                self.intake.judge = self._make_judge(self._taught)


# -- quiet posts ----------------------------------------------------------------------------------------------------


def offer_quiet(database: Database, rules: Rules, intake: Intake, now: datetime) -> list[str]:
    """Once a day, just before the first list, put a few quiet posts into it; the cases that this opened.

    Answers from alerts alone are a biased sample: what was never told is never corrected.
    """
    alerts = rules.settings.alerts
    if not alerts.offer_quiet or not alerts.sweep_at:
        return []
    period, moment = hours.daily_moment(now, min(alerts.sweep_at), rules.settings.zone)
    key = f"offer:{period[:10]}"
    if now - moment > LATE_OFFER or key_values.has_period(database, key):
        return []
    with database.transaction():
        if not key_values.take_period(database, key, now):
            return []
        chosen = _choose(database, rules, intake, now, alerts.offer_quiet)
        return intake.offer(chosen, OFFERED, "offered", now) if chosen else []


def _choose(database: Database, rules: Rules, intake: Intake, now: datetime, most: int) -> list[Mention]:
    """Each brand in turn gives one; which brand begins changes from day to day."""
    names = [brand.name for brand in rules.settings.brands]
    first = now.toordinal() % len(names)
    by_brand = []
    for name in (*names[first:], *names[:first]):
        standing = intake.tellable(requeue.quiet(database, name, now - DAY, NEAR))
        by_brand.append(training.quiet_candidates(standing, most))
    in_turn = (each for round_ in zip_longest(*by_brand) for each in round_ if each is not None)
    return [each for each, _ in zip(in_turn, range(most), strict=False)]
