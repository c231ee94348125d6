"""Where judged posts belong: into a case that stands, into a new one and its story, or into none.

Everything here runs inside one short transaction: mention, case, log and what is to be told stand together, or not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from alerts import case_policy
from alerts.case import Case, Contact
from connectors import Post
from monitor.cases.brand_replies import decide_text, is_of_before, person_mark, settle
from monitor.cases.grouping import Stories
from monitor.cases.locks import story_locks
from monitor.cases.opening import NO_FIRST_READS, CaseOpener, Person
from monitor.cases.recording import Reply, record_reply
from monitor.settings.rules import Rules
from monitor.store import cases, forgotten, key_values, mentions, requeue
from monitor.store.database import Database, Row, instant, stamp
from monitor.text.similarity import passes_on
from monitor.types import Judged, Mention

SAME_EDIT = timedelta(hours=1)  # so long after an edit other words count as the same one, where no time of it is told


@dataclass
class IngestResult:
    """What an intake did. `flagged` counts new mentions that people are called for (lane "ping")."""

    seen: int = 0
    matched: int = 0
    new: int = 0
    flagged: int = 0
    forgotten: int = 0  # not taken in: their author was erased, or the network deleted them
    opened: list[str] = field(default_factory=list)

    def add(self, other: IngestResult) -> None:
        """Count another one in."""
        self.seen += other.seen
        self.matched += other.matched
        self.new += other.new
        self.flagged += other.flagged
        self.forgotten += other.forgotten
        self.opened += other.opened


class ReachesFurtherError(Exception):
    """What is to be stored changes what the locks of its transaction don't cover: it is to be stored alone."""


def _of(each: Judged) -> tuple[Contact, Person]:
    """What decides where a post belongs, and whose it is."""
    post = each.post
    thread = post.thread_id or post.native_id
    contact = Contact(each.brand, post.source, post.author, thread, post.posted_at, each.fingerprint)
    return contact, (each.brand, post.source, post.author)


def _next_words(each: Judged, standing: Row) -> Judged | None:
    """What an author's change of a post says to us, with its verdict; None where it says nothing new."""
    if each.post.rating is not None:
        return each
    # Where the network does not say that it was edited, another look at it may just show other words.
    told = each.post.edited_at is not None or (each.added is not None and each.added.critical)
    # Where there is no case although one was needed, there was a reason to tell nobody.
    said = each.added if (told if standing["case_id"] else standing["lane"] == "none") else None
    return replace(each, verdict=said) if said is not None and said.lane != "none" else None


def _is_new_edit(post: Post, row: Row, now: datetime) -> bool:
    """Whether a post's other words are of another edit than the last one that was seen.

    Where the network doesn't say when, the same words may come and go at each reading: two feeds of one site show an
    entry in part and as a whole.
    """
    last = instant(row["edited_at"])
    if last is None:
        return True
    return stamp(post.edited_at) > row["edited_at"] if post.edited_at else now - last > SAME_EDIT


class CaseAssigner:
    """One chunk of judged posts: looked up in a few queries, decided in memory, written at once."""

    def __init__(
        self,
        database: Database,
        rules: Rules,
        judged: list[Judged],
        now: datetime,
        taken: IngestResult,
        first_reads: Mapping[str, datetime] = NO_FIRST_READS,
        *,
        alone: bool = True,
    ) -> None:
        """Make it inside an open transaction; what comes of it is counted into `taken`.

        `alone`: nobody else writes now. Else the transaction holds the locks that `monitor.cases.locks` names.
        """
        self.database = database
        self.alone = alone
        self.rules = rules
        self.now = now
        self.taken = taken
        self.judged = judged
        self.mention_rows: list[dict[str, Any]] = []
        self.read_again: list[Judged] = []
        self.calling: set[str] = set()  # mentions that stand already, for which people are called
        self.stories = Stories(database)
        self.above: dict[tuple[str, str, str], list[Row]] = {}
        self.filing = CaseOpener(database, rules, self.stories, now, first_reads)

    def store(self) -> None:
        """Store what is new and let everything follow from it.

        Raises ReachesFurtherError, before anything is written, where that needs more than this transaction locks.
        """
        self._leave_out_forgotten()
        if not self.alone and self._own_replies_wait():
            raise ReachesFurtherError
        strangers = [each for each in self.judged if each.stranger]
        self.judged = [each for each in self.judged if not each.stranger]
        self._look_above([each for each in (*self.judged, *strangers) if each.joins])
        fresh, changed = self._store_posts()
        if fresh or changed:
            self._look_up([*fresh, *changed])
            for each in sorted([*fresh, *changed], key=lambda one: (one.post.posted_at, one.mention_id)):
                if each in changed:
                    self._place_again(each)
                else:
                    self._place(each)
        joined = self._same_for_strangers(strangers)
        if fresh or changed:
            self._write()
        elif joined:
            self.stories.touch()
        for each in self.read_again:
            self._answer_inside(each)
        for each, case_id in joined:
            self.taken.new += mentions.add_to_case(self.database, case_id, [each], self.now)

    def _leave_out_forgotten(self) -> None:
        """Who was erased does not come back, by whichever way."""
        gone = forgotten.among(self.database, [each.post for each in self.judged])
        if gone:
            self.judged = [each for each in self.judged if (each.post.source, each.post.native_id) not in gone]
            self.taken.forgotten += len(gone)

    def _look_above(self, joining: Sequence[Judged]) -> None:
        """Look up the open cases of conversations in which somebody says that it is the same for them."""
        threads: dict[str, list[str]] = {}
        for each in joining:
            threads.setdefault(each.post.source, []).append(each.post.thread_id)
        brands = sorted({each.brand for each in joining})
        for source, named in threads.items():
            for row in cases.in_threads(self.database, brands, source, list(dict.fromkeys(named))):
                if not row["closed_at"]:
                    self.above.setdefault((row["brand"], source, row["thread"]), []).append(row)

    def _case_above(self, each: Judged) -> Mapping[str, Any] | None:
        """Somebody else's open case below which a post says that it is the same: whom it answers, else the newest."""
        place = (each.brand, each.post.source, each.post.thread_id)
        new = [row for row in self.filing.new_cases.values() if (row["brand"], row["source"], row["thread"]) == place]
        rows = [row for row in (*self.above.get(place, ()), *new) if row["author"] != each.post.author]
        asked = [row for row in rows if row["author"].lstrip("@").casefold() == each.joins]
        return next(reversed(asked or rows), None)

    def _same_for_strangers(self, strangers: Sequence[Judged]) -> list[tuple[Judged, str]]:
        """Whoever has the same trouble as somebody else, without naming the brand, and the case that they belong to."""
        found = []
        for each in strangers:
            if (row := self._case_above(each)) is not None:
                self.stories.heard(row["story_id"], each.post.posted_at)
                found.append((each, str(row["id"])))
        return found

    def _own_replies_wait(self) -> bool:
        """Whether a reply of ours to one of these was read before: a machine's turns what was said on other sources."""
        natives: dict[str, set[str]] = {}
        threads: dict[str, set[str]] = {}
        for each in self.judged:
            natives.setdefault(each.post.source, set()).add(each.post.native_id)
            threads.setdefault(each.post.source, set()).add(each.post.thread_id or each.post.native_id)
        return any(
            key_values.unmatched_own_posts(self.database, source, sorted(natives[source]))
            or key_values.threads_with_unmatched(self.database, source, sorted(threads[source]))
            for source in natives
        )

    def store_standing(self) -> None:
        """Give mentions that stand already, and had no case, one of their own."""
        self._look_up(self.judged)
        for each in self.judged:
            contact, person = _of(each)
            if not self.filing.cases.get(person):
                case_id = self.filing.open(each, contact, person)
                repeats = each.mention_id in self.filing.repeating
                requeue.reconsider(self.database, each.mention_id, each.verdict, case_id, repeats=repeats)
        self._write()

    def _store_posts(self) -> tuple[list[Judged], list[Judged]]:
        """Insert posts that are new, refresh those that were edited; which mentions are new, and which were changed.

        What was changed is a word again, dated by its edit: a review as a whole, since who takes stars away waits anew;
        of another post what was added where it has a case, and where it has none what now needs one.
        """
        by_post = {each.post_id: each for each in self.judged}
        known = mentions.known_posts(self.database, list(by_post))
        seen = stamp(self.now)
        mentions.add_posts(
            self.database,
            [mentions.post_row(each.post, seen, key) for key, each in by_post.items() if key not in known],
        )
        edited: dict[str, datetime] = {}
        for key, row in known.items():
            post = by_post[key].post
            if row["deleted_at"] or row["purged_at"]:
                continue
            reworded = (post.text, post.title) != (row["text"], row["title"])
            if post.rating is not None and (reworded or post.rating != row["rating"]):
                # Some networks know only when a review was changed last: then that is its time.
                moved = post.posted_at if stamp(post.posted_at) > row["posted_at"] else None
                edited[key] = post.edited_at or moved or self.now
            elif reworded and _is_new_edit(post, row, self.now):
                edited[key] = post.edited_at or self.now
            if reworded or key in edited or post.replied_at is not None:
                changed_at = edited.get(key) or post.edited_at or (self.now if reworded else instant(row["edited_at"]))
                mentions.edit_post(self.database, mentions.post_row(replace(post, edited_at=changed_at), seen, key))
                self.read_again.append(by_post[key])
        gone = {key for key, row in known.items() if row["deleted_at"] or row["purged_at"]}
        again = [each.mention_id for each in self.judged if each.post_id in known]
        standing = mentions.known_mentions(self.database, again) if again else {}
        self.calling = {key for key, row in standing.items() if row["lane"] == "ping"}
        unique = {each.mention_id: each for each in self.judged}
        fresh = [each for key, each in unique.items() if key not in standing and each.post_id not in gone]
        changed = [
            replace(said, post=replace(each.post, posted_at=edited[each.post_id]))
            for key, each in unique.items()
            if key in standing and each.post_id in edited and (said := _next_words(each, standing[key])) is not None
        ]
        return fresh, changed

    def _answer_inside(self, each: Judged) -> None:
        """A review that was read before has been answered inside it since."""
        if each.post.replied_at is None:
            return
        for case_id in cases.of_posts(self.database, [each.post_id]).get(each.post_id, []):
            case = cases.one(self.database, case_id)
            if case is not None and case.closed_at is None:
                self._record_reply(case, each.post, to_praise=each.verdict.praise)

    def _record_reply(self, case: Case, post: Post, *, to_praise: bool) -> None:
        assert post.replied_at is not None
        if is_of_before(self.database, case, post.source, post.native_id, post.replied_at):
            return
        decided = decide_text(self.rules, post.reply_text, to_praise=to_praise)
        reply = Reply(decided.kind, decided.reason, post.replied_at, case.brand, post.url, post.reply_text)
        record_reply(self.database, self.rules, case, reply, self.now)

    def _look_up(self, fresh: list[Judged]) -> None:
        if not self.alone:
            locks = story_locks(fresh)
            self.database.lock(locks.alone, locks.shared)
        self.filing.look_up(fresh)
        needing = [each for each in fresh if each.needs_case]
        if needing:
            # Who has none gets one with their first words; whether further ones do shows later.
            new = [each for each in needing if not (each.joins or self.filing.cases.get(_of(each)[1]))]
            surely = len({each.post.author or each.mention_id for each in new})
            self.filing.numbers = cases.numbers(self.database, surely)
            self.stories.look_up(needing, self.rules.settings.alerts.group_join)

    def _place(self, each: Judged) -> None:
        """Put one new mention where it belongs: into a case that stands, into a new one, or into none."""
        post, (contact, person) = each.post, _of(each)
        case = None
        if post.author and not self.rules.is_own(post):
            self.filing.next_words(each, person)
            case = case_policy.joins(
                contact,
                self.filing.cases.get(person, ()),
                self._alike_if_flagged(each),
                self.rules.settings.alerts.group_join,
            )
        case_id = ""
        self.taken.new += 1
        if each.joins and case is None and (above := self._case_above(each)) is not None:
            self.mention_rows.append(self._same_trouble(each, above))
            return
        if each.verdict.lane == "ping":
            self.taken.flagged += 1
        if case is not None and not each.suppressed:
            case_id = case.id
            self.filing.attach(each, case, person)
        elif each.needs_case:
            case_id = self.filing.open(each, contact, person)
        mention = Mention(
            id=each.mention_id,
            brand=each.brand,
            post=post,
            verdict=each.verdict,
            seen_at=self.now,
            case_id=case_id,
            flagged=each.verdict.lane == "ping",
            suppressed=each.suppressed,
            # Only what has a case is compared with others; of the rest it is known where the post says so itself.
            repeats=each.mention_id in self.filing.repeating or (not case_id and passes_on(post.text or post.title)),
        )
        self.mention_rows.append(mentions.mention_row(mention, each.post_id))

    def _place_again(self, each: Judged) -> None:
        """What its author changed: the next word of their case, or the first of one where there was none."""
        contact, person = _of(each)
        case = case_policy.joins(
            contact,
            self.filing.cases.get(person, ()),
            self._alike_if_flagged(each),
            self.rules.settings.alerts.group_join,
        )
        case_id = case.id if case is not None else ""
        if case is not None and not each.suppressed:
            self.filing.attach(each, case, person, edited=True)
        elif each.needs_case:
            case_id = self.filing.open(each, contact, person)
        flagged = each.verdict.lane == "ping"
        if each.mention_id in self.calling and not flagged and each.post.rating is None:
            return  # what was said before still needs more than what was added
        self.taken.flagged += flagged
        mention = Mention(
            each.mention_id, each.brand, each.post, each.verdict, self.now, case_id, flagged, each.suppressed
        )
        requeue.judge_again(self.database, mentions.mention_row(mention, each.post_id))

    def _same_trouble(self, each: Judged, above: Mapping[str, Any]) -> dict[str, Any]:
        """Who names the brand and says no more than that it is the same counts in the story: no case of their own."""
        self.stories.grew(above["story_id"], each.post.posted_at)
        verdict = replace(each.verdict, lane="none")
        return mentions.mention_row(
            Mention(
                id=each.mention_id,
                brand=each.brand,
                post=each.post,
                verdict=verdict,
                seen_at=self.now,
                case_id=above["id"],
                suppressed=mentions.SAME_TROUBLE,
            ),
            each.post_id,
        )

    def _alike_if_flagged(self, each: Judged) -> case_policy.Alike:
        return self.rules.alike if each.needs_case else (lambda _one, _other: False)

    def _write(self) -> None:
        self.filing.write()
        mentions.add_mentions(self.database, self.mention_rows)
        self.taken.opened += self.filing.new_cases
        self._answers_seen_before()
        answered = [each for each in self.judged if each.post.replied_at is not None]
        for row in self.filing.new_cases.values() if answered else ():
            self._reply_inside(row, answered)

    def _answers_seen_before(self) -> None:
        """The brand's reply may have been read before the post that it answers: now it can be told what it is."""
        if not self.alone:
            return  # there is none (`_own_replies_wait`), and whoever stores one has the database alone
        natives: dict[str, list[str]] = {}
        placed = {row["id"] for row in self.mention_rows if row["case_id"]}
        for each in self.judged:
            if each.needs_case or each.mention_id in placed:
                natives.setdefault(each.post.source, []).append(each.post.native_id)
        for source, ids in natives.items():
            for own in key_values.unmatched_own_posts(self.database, source, ids):
                post = mentions.post_key(self.database, source, own["parent_id"])
                self._settle(own, cases.of_posts(self.database, [post]).get(post, []))
        threads: dict[str, list[str]] = {}
        for row in self.filing.new_cases.values():
            threads.setdefault(row["source"], []).append(row["thread"])
        spoken = {
            source: key_values.threads_with_unmatched(self.database, source, of) for source, of in threads.items()
        }
        for row in list(self.filing.new_cases.values()):
            mark = person_mark(row["source"], row["author"])
            if mark and row["thread"] in spoken[row["source"]]:
                for own in key_values.unmatched_own_posts_to(self.database, row["source"], mark, [row["thread"]]):
                    self._settle(own, [row["id"]])

    def _settle(self, own: Row, case_ids: Sequence[str]) -> None:
        """Settle an own post for the case that it speaks to: that of its brand, one that waits, the newest."""
        rows = [row for row in cases.rows_of(self.database, list(case_ids)).values() if not row["closed_at"]]
        rows.sort(key=lambda row: (not row["answered_at"], row["brand"] == own["brand"], row["n"]))
        if rows:
            settle(self.database, self.rules, own, cases.case_of(rows[-1]), self.now)

    def _reply_inside(self, row: Mapping[str, Any], answered: list[Judged]) -> None:
        for each in answered:
            if (
                each.post.replied_at is not None
                and each.post.author == row["author"]
                and (each.post.thread_id or each.post.native_id) == row["thread"]
            ):
                case = cases.one(self.database, row["id"])
                if case is not None and case.answered_at is None:
                    self._record_reply(case, each.post, to_praise=each.verdict.praise)
