"""From a post to a stored mention: is it about a brand, what does the judge think, and into the store with it.

Judging is pure and happens outside any transaction. Storing is one short transaction a chunk, which holds the mention,
its case, what is to be told, and (with the last chunk of a page) the cursor: all of it stands, or none. On PostgreSQL
several store at the same time: a transaction locks what its posts may join (monitor/cases/locks.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from connectors import Post
from monitor.cases.assignment import CaseAssigner, IngestResult, ReachesFurtherError
from monitor.cases.locks import locks_of
from monitor.cases.opening import NO_FIRST_READS
from monitor.causes import naming, problems
from monitor.causes.naming import Naming
from monitor.ingest import wishes
from monitor.ingest.competitors import Competitors, Said
from monitor.ingest.edits import words_added
from monitor.ingest.judge_processes import NOTHING_KNOWN, JudgeProcesses, Known, chunks_of
from monitor.ingest.replies import Replies, below_trouble
from monitor.settings.rules import Rules, domain_of
from monitor.store import key_values, mentions
from monitor.store import replies as written
from monitor.store.database import Database, Locks
from monitor.text.explanations import ASKS
from monitor.text.judge import Judge, JudgeInput
from monitor.text.query.matching import Query
from monitor.text.relevance import communities_of, domains_of
from monitor.text.same_trouble import only_same_trouble, says_same_trouble
from monitor.text.similarity import fingerprint
from monitor.types import Judged, Mention, Verdict

CHUNK = 1000
NO_STRANGERS: Mapping[int, str] = {}
NO_COMPETITORS: Mapping[str, Query] = {}


@dataclass(frozen=True, slots=True)
class _Chunk:
    """What became of a chunk of posts, ready to be stored."""

    seen: int
    judged: list[Judged]
    left_out: Mapping[str, int]
    others: Sequence[Said]
    first_reads: Mapping[str, datetime]

    @property
    def reaches_further(self) -> bool:
        """Whether it changes more than its own source and stories: a brief of all, our replies inside reviews."""
        return bool(self.first_reads) or any(each.post.replied_at is not None for each in self.judged)


class Intake:
    """Takes posts in. One is made for a set of rules, and may be used by several threads."""

    def __init__(
        self,
        database: Database,
        rules: Rules,
        judge: Judge,
        queries: Mapping[str, Query],
        competitors: Mapping[str, Query] = NO_COMPETITORS,
    ) -> None:
        self.database = database
        self.rules = rules
        self.judge = judge
        self.queries = queries
        self.competitors = Competitors(database, rules, competitors)
        self.causes = Naming(database, {brand.name: brand.trade for brand in rules.settings.brands})
        self._left_out = wishes.LeftOut()

    def take(
        self,
        posts: Iterable[Post],
        now: datetime,
        *,
        brand: str = "",
        last: Callable[[], None] | None = None,
        before_last: Callable[[], None] | None = None,
        each_chunk: Callable[[int], None] | None = None,
        first_reads: Mapping[str, datetime] = NO_FIRST_READS,
        alone: bool = False,
        ahead: JudgeProcesses | None = None,
    ) -> IngestResult:
        """Judge and store posts, in chunks. `last` runs inside the transaction of the last chunk (the cursor), and
        `before_last` inside that of each chunk before it.

        `brand` names the brand for posts of which somebody has already said what they are about. `first_reads` are
        the sources that were never read whole, with the moment when the brief of what they bring is due. `alone` keeps
        all other writers out: for a `last` that changes more than what is its posts' source's own. `ahead` are
        processes that judge posts before their turn has come.
        """
        total = IngestResult()
        for chunk, known, is_last in ahead.chunks(posts, CHUNK, now) if ahead else _unknown(chunks_of(posts, CHUNK)):
            within = last if is_last else before_last
            total.add(self._take_chunk(chunk, now, brand, within, first_reads, known, alone=alone))
            if each_chunk:
                each_chunk(len(chunk))
        return total

    def _take_chunk(
        self,
        posts: list[Post],
        now: datetime,
        brand: str,
        last: Callable[[], None] | None,
        first_reads: Mapping[str, datetime],
        known: Known,
        *,
        alone: bool,
    ) -> IngestResult:
        seen = len(posts)
        posts = self._without_ours(posts)
        unwilling: list[Post] = []
        judged = self.causes.name(self.judge_posts(posts, brand, now, left_out=unwilling, known=known), now)
        chunk = _Chunk(
            seen, judged, self._left_out.fresh(unwilling), self.competitors.hear(posts, self.judge, now), first_reads
        )
        locks = None
        if not (alone or self.database.one_writer or chunk.reaches_further):
            locks = locks_of((post.source for post in posts), judged)
        try:
            return self._store(chunk, now, last, locks)
        except ReachesFurtherError:
            return self._store(chunk, now, last, None)

    def _store(
        self, chunk: _Chunk, now: datetime, last: Callable[[], None] | None, locks: Locks | None
    ) -> IngestResult:
        """Store what was judged, in one transaction, with these locks or alone."""
        judged = chunk.judged
        taken = IngestResult(seen=chunk.seen, matched=len({each.post_id for each in judged}))
        if not (judged or chunk.left_out or chunk.others or last is not None):
            return taken
        with self.database.transaction(locks):
            wishes.count(self.database, chunk.left_out, now)
            if judged:
                alone = locks is None
                CaseAssigner(self.database, self.rules, judged, now, taken, chunk.first_reads, alone=alone).store()
                problems.look(self.database, self.rules, naming.put(self.database, judged), now)
            if chunk.others:
                self.competitors.keep(chunk.others, now)
            if last is not None:
                last()
        return taken

    def _without_ours(self, posts: list[Post]) -> list[Post]:
        """A search brings back what people posted from here, also where settings don't list the account."""
        natives: dict[str, list[str]] = {}
        for post in posts:
            source = self.rules.sources.get(post.source)
            if source is not None and source.reply:
                natives.setdefault(post.source, []).append(post.native_id)
        ours = {(name, each) for name, some in natives.items() for each in written.posted(self.database, name, some)}
        return [post for post in posts if (post.source, post.native_id) not in ours] if ours else posts

    def judge_posts(
        self,
        posts: Sequence[Post],
        brand: str = "",
        now: datetime | None = None,
        *,
        left_out: list[Post] | None = None,
        known: Known = NOTHING_KNOWN,
    ) -> list[Judged]:
        """Which of these are about a brand, and what the judge thinks of them. Reads the store, writes nothing.

        `left_out` is given those that a search found although their authors do not want that. `known` is what other
        processes found out of these posts.
        """
        ready = [known.safe(post, now) for post in posts]
        muted = {(row["brand"], row["kind"], row["value"]) for row in key_values.mutes(self.database)}
        found: list[dict[str, tuple[str, ...]]] = [
            {brand: ()} if brand else known.brands(post, self.queries) for post in ready
        ]
        ours = self._own_parents({(post.source, post.parent_id) for post in ready if post.parent_id})
        if not brand:
            self._follow_accounts(ready, found, ours)
        replies = Replies(self.database, self.rules, self.queries, ready)
        for index, post in enumerate(ready):
            if found[index] and not brand and wishes.stays_out(post, self.rules, ours, replies):
                found[index] = {}
                if left_out is not None:
                    left_out.append(post)
        named = [index for index, about in enumerate(found) if about]
        judged = dict(zip(named, self._judge(ready, found, named, muted, ours, replies, known), strict=True))
        # Who of this very batch gets a case: what they say next in that conversation need not name the brand.
        replies.learn(each for theirs in judged.values() for each in theirs)
        strangers = {} if brand else self._follow_conversations(ready, found, replies)
        followed = [
            index
            for index, about in enumerate(found)
            if about and (index not in judged or _changes(judged[index], ready[index], replies))
        ]
        judged |= zip(
            followed, self._judge(ready, found, followed, muted, ours, replies, known, strangers), strict=True
        )
        if stood := self._edited(ready, judged):
            before = [stood.get(index, post) for index, post in enumerate(ready)]
            older = self._judge(before, found, list(stood), muted, ours, replies, known, strangers)
            for index, theirs in zip(stood, older, strict=True):
                judged[index] = [
                    self._with_added(each, one, muted, known) for each, one in zip(judged[index], theirs, strict=True)
                ]
        return [each for index in sorted(judged) for each in judged[index] if _kept(each)]

    def _edited(self, posts: Sequence[Post], judged: Mapping[int, Sequence[Judged]]) -> dict[int, Post]:
        """Those of these posts that stand already in other words, as they stand; a review counts as a whole."""
        places = {theirs[0].post_id: index for index, theirs in judged.items() if theirs}
        found = {}
        for key, row in mentions.known_posts(self.database, list(places)).items():
            post = posts[places[key]]
            gone = row["deleted_at"] or row["purged_at"]
            if post.rating is None and not gone and (row["title"], row["text"]) != (post.title, post.text):
                found[places[key]] = replace(post, title=row["title"], text=row["text"])
        return found

    def _with_added(self, each: Judged, before: Judged, muted: set[tuple[str, str, str]], known: Known) -> Judged:
        """A post with what its edit says: all of it where that is graver now, else the words added, by themselves.

        Both are judged today: what the judge has learned since is no word of the author.
        """
        added, post = each.verdict, each.post
        if _gravity(added) <= _gravity(before.verdict):
            text = words_added(f"{before.post.title}\n{before.post.text}", f"{post.title}\n{post.text}")
            if not text:
                return each
            alone = replace(post, text=text, title="", parent_text="")
            (added,) = self.judge.verdicts([JudgeInput(alone, each.brand, each.verdict.words, follows=True)])
        if added.lane == "none" or each.verdict.lane != "none":
            return replace(each, added=added)
        suppressed = self._suppressed(post, each.brand, added, muted, to_us=True)
        return replace(each, added=added, suppressed=suppressed, fingerprint=known.fingerprint(post))

    def _judge(
        self,
        posts: Sequence[Post],
        found: Sequence[Mapping[str, tuple[str, ...]]],
        indexes: Sequence[int],
        muted: set[tuple[str, str, str]],
        ours: Mapping[tuple[str, str], str],
        replies: Replies,
        known: Known,
        strangers: Mapping[int, str] = NO_STRANGERS,
    ) -> list[list[Judged]]:
        """What the judge thinks of those of these posts that are about a brand, for each of its brands."""
        asked = []
        below = below_trouble(self.judge, self.queries, posts, found, indexes)
        to_us = {index: wishes.speaks_to_us(posts[index], self.rules, ours, replies) for index in indexes}
        for index in indexes:
            post = posts[index]
            own = replies.own_brands(post)
            for name, words in found[index].items():
                answers_us = (post.source, post.parent_id) in ours
                under = index in strangers or ((index, name) in below and not answers_us)
                asked.append((index, JudgeInput(post, name, words, answers_us, name in own, under)))
        by_index: dict[int, list[Judged]] = {index: [] for index in indexes}
        for (index, each), verdict in zip(asked, known.verdicts(self.judge, [one for _, one in asked]), strict=True):
            joins = strangers.get(index, "")
            if not joins and not each.follows:
                brand, person = replies.above(each.post)
                joins = person if brand == each.brand and only_same_trouble(each.post.text) else ""
            by_index[index].append(
                self._judged(
                    each.post, each.brand, verdict, muted, known, joins, stranger=index in strangers, to_us=to_us[index]
                )
            )
        return list(by_index.values())

    def _judged(
        self,
        post: Post,
        brand: str,
        verdict: Verdict,
        muted: set[tuple[str, str, str]],
        known: Known,
        joins: str = "",
        *,
        stranger: bool = False,
        to_us: bool = False,
    ) -> Judged:
        needed = verdict.lane != "none"
        if stranger and verdict.critical and verdict.lane == "ping":  # harm waits for nobody, whoever names the brand
            joins, stranger = "", False
        key = mentions.post_key(self.database, post.source, post.native_id)
        return Judged(
            post=post,
            post_id=key,
            mention_id=mentions.mention_key(self.database, brand, key),
            brand=brand,
            verdict=verdict,
            fingerprint=known.fingerprint(post) if needed else 0,
            suppressed=self._suppressed(post, brand, verdict, muted, to_us=to_us) if needed or joins else "",
            joins=joins,
            stranger=stranger,
        )

    def tellable(self, standing: Sequence[Mention]) -> list[Mention]:
        """Those of these stored mentions that may open a case by today's settings and mutes."""
        muted = {(row["brand"], row["kind"], row["value"]) for row in key_values.mutes(self.database)}
        return [
            each
            for each in standing
            if not each.case_id
            and not self._suppressed(
                each.post, each.brand, each.verdict, muted, to_us=bool(self.rules.accounts.spoken_to(each.post))
            )
        ]

    def offer(self, standing: Sequence[Mention], reason: str, tag: str, now: datetime) -> list[str]:
        """Open a sweep case for each of these stored, quiet mentions; nobody is called. The cases' ids.

        One whose author has an open case is left: it would move that case's clocks. Runs inside an open transaction.
        """
        judged = [
            Judged(
                post=each.post,
                post_id=mentions.post_key(self.database, each.post.source, each.post.native_id),
                mention_id=each.id,
                brand=each.brand,
                verdict=replace(each.verdict, lane="sweep", reasons=(reason,), tags=(tag,), praise=False),
                fingerprint=fingerprint(each.post.text or each.post.title),
                suppressed="",
            )
            for each in standing
        ]
        taken = IngestResult()
        CaseAssigner(self.database, self.rules, judged, now, taken).store_standing()
        return taken.opened

    def _follow_accounts(
        self,
        posts: Sequence[Post],
        found: Sequence[dict[str, tuple[str, ...]]],
        ours: Mapping[tuple[str, str], str],
    ) -> None:
        """What speaks to a brand's account, or answers its post, is about the brand whatever its words."""
        for post, about in zip(posts, found, strict=True):
            if self.rules.is_own(post):
                continue
            for name, how in self.rules.accounts.spoken_to(post).items():
                about.setdefault(name, (how,))
            answered = ours.get((post.source, post.parent_id), "")
            if answered in self.queries:
                about.setdefault(answered, ("a reply to us",))

    def _follow_conversations(
        self, posts: Sequence[Post], found: list[dict[str, tuple[str, ...]]], replies: Replies
    ) -> dict[int, str]:
        """A person who writes again in the conversation of their case need not name the brand again.

        Whoever else writes below an open complaint is returned, with whose that is: it is kept if it is the same
        trouble.
        """
        strangers = {}
        for index, (post, about) in enumerate(zip(posts, found, strict=True)):
            if about or not post.thread_id or self.rules.is_own(post):
                continue
            brands = replies.brands_of_author(post)
            if brands:
                found[index] = {brands[0]: ()}
                continue
            brand, person = replies.above(post)
            if brand:
                found[index] = {brand: ()}
                strangers[index] = person
        return strangers

    def _own_parents(self, parents: set[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """Which of these posts are our own, and which brand's."""
        by_source: dict[str, list[str]] = {}
        for source, parent in parents:
            by_source.setdefault(source, []).append(parent)
        return {
            (source, native): brand
            for source, natives in by_source.items()
            for native, brand in key_values.brands_of_own_posts(self.database, source, natives).items()
        }

    def _suppressed(  # noqa: PLR0911 - one reason after another
        self, post: Post, brand: str, verdict: Verdict, muted: set[tuple[str, str, str]], *, to_us: bool
    ) -> str:
        """Why a mention that may need an answer gets no case; empty when it gets one."""
        if self.rules.is_own(post):
            return "our own post"
        if self.rules.is_ignored(post):
            return "an ignored author"
        source = self.rules.sources.get(post.source)
        if source is not None and not source.answerable:
            return "for your information"
        if not muted:
            return ""
        if why := wishes.not_contacted(post, verdict, muted, to_us=to_us):
            return why
        keys = (
            ("author", f"{post.source}/{post.author}"),
            ("thread", f"{post.source}/{post.thread_id or post.native_id}"),
            ("domain", domain_of(post.url)),
            *(("domain", domain) for domain in domains_of(post)),
            *(("community", f"{post.source}/{community.lower()}") for community in communities_of(post)),
        )
        for kind, value in keys:
            if (brand, kind, value) in muted or ("", kind, value) in muted:
                return f"{kind} muted"
        return ""


def _unknown(chunks: Iterable[list[Post]]) -> Iterator[tuple[list[Post], Known, bool]]:
    """Chunks that nobody judges ahead, and whether each is the last; an empty one where there is none."""
    read = iter(chunks)
    chunk = next(read, [])
    for following in read:
        yield chunk, NOTHING_KNOWN, False
        chunk = following
    yield chunk, NOTHING_KNOWN, True


def _changes(judged: Sequence[Judged], post: Post, replies: Replies) -> bool:
    """Whether a post is judged again, now that it is known who gets a case in this very batch.

    It is theirs and needed nothing by itself, or it stands below theirs and says that it is the same.
    """
    if replies.has_learned(post) and not any(each.needs_case for each in judged):
        return True
    return bool(replies.above(post)[0] and only_same_trouble(post.text)) and not any(each.joins for each in judged)


def _gravity(verdict: Verdict) -> tuple[bool, int]:
    return verdict.critical and verdict.lane == "ping", ("none", "sweep", "ping").index(verdict.lane)


def _kept(each: Judged) -> bool:
    """Whether a post is kept: of a stranger below a complaint only what says that it is the same for them."""
    if not each.stranger:
        return True
    verdict = each.verdict
    tells = verdict.lane == "ping" and not verdict.praise and verdict.reasons[:1] != (ASKS,)
    return not each.suppressed and (tells or says_same_trouble(each.post.text))
