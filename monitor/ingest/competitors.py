"""What is said of competitors in the posts that are read anyway: judged, counted, listed. Nobody is ever alerted of it.

It goes beside the way of our own posts and shares none of it: no mention, no case, no story, no delivery. Left out is
what we wrote ourselves, what ignored authors wrote, what only a search found of somebody who does not want that (nobody
speaks to us there), what a person wrote who was erased, and what offers a number to call.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from connectors import Post
from monitor.settings import competitors as settings_of
from monitor.settings.rules import Rules
from monitor.store import competitors as store
from monitor.store import forgotten
from monitor.store.database import Database, stamp
from monitor.store.mentions import post_key, post_row
from monitor.text.judge import Judge, JudgeInput
from monitor.text.leads import is_lead
from monitor.text.query.matching import Query, brands_in
from monitor.text.query.subject import subject_of
from monitor.text.sanitize import tidy
from monitor.types import Verdict

_STAGE = "stage:"


@dataclass(frozen=True, slots=True)
class Said:
    """A post about a competitor, with its row."""

    post: Post
    row: Mapping[str, Any]


class Competitors:
    """Takes in what is said of competitors. One is made for a set of rules; without any it does nothing."""

    def __init__(self, database: Database, rules: Rules, queries: Mapping[str, Query]) -> None:
        self.database = database
        self.rules = rules
        self.queries = queries
        self._sources = frozenset(settings_of.sources_of(rules.settings))

    def hear(self, posts: Sequence[Post], judge: Judge, now: datetime) -> list[Said]:
        """What of these is about a competitor, judged as if it were ours. Writes nothing."""
        if not self.queries:
            return []
        asked = [
            JudgeInput(post, name, words)
            for post in (tidy(each, now) for each in posts)
            if post.source in self._sources and self._may_be_kept(post)
            for name, words in brands_in(subject_of(post), self.queries).items()
        ]
        if not asked:
            return []
        return [
            Said(each.post, self._row(each, verdict, now))
            for each, verdict in zip(asked, judge.verdicts(asked), strict=True)
            if "spam" not in verdict.tags
        ]

    def keep(self, said: Iterable[Said], now: datetime) -> None:
        """Keep it, each once, and nothing of who was erased. Inside a transaction, after our own mentions of these."""
        found = list(said)
        gone = forgotten.among(self.database, [each.post for each in found])
        found = [each for each in found if (each.post.source, each.post.native_id) not in gone]
        seen = stamp(now)
        # Of others' brands the network's whole answer is of no use: the words are enough.
        posts = {each.row["post_id"]: post_row(replace(each.post, raw=""), seen, each.row["post_id"]) for each in found}
        store.add(self.database, posts.values(), [each.row for each in found])

    def _may_be_kept(self, post: Post) -> bool:
        return not (post.unsearchable or self.rules.is_own(post) or self.rules.is_ignored(post))

    def _row(self, each: JudgeInput, verdict: Verdict, now: datetime) -> dict[str, Any]:
        post = each.post
        names = (each.brand, *self.queries[each.brand].names(each.brand))
        return {
            "post_id": post_key(self.database, post.source, post.native_id),
            "competitor": each.brand,
            "source": post.source,
            "author": post.author,
            "posted_at": stamp(post.posted_at),
            "seen_at": stamp(now),
            "label": verdict.label,
            "praise": int(verdict.praise),
            "topic": next((tag.removeprefix(_STAGE) for tag in verdict.tags if tag.startswith(_STAGE)), ""),
            "lead": int(is_lead(f"{post.title}\n{post.text}", names)),
        }
