"""What a post answers: its author's own complaint, somebody else's, or neither; by what is stored and what came along.

A reply is judged with what stands above it. Who writes on in the conversation of their own case speaks to us, whether
or not the brand is named again. Who says below somebody's complaint that it is the same for them counts in the story.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from connectors import Post
from monitor.settings.rules import Rules
from monitor.store import cases, mentions
from monitor.store.database import Database, at
from monitor.text.judge import Judge, JudgeInput
from monitor.text.query.matching import Query, brands_in
from monitor.text.query.subject import Subject
from monitor.text.same_trouble import only_same_trouble
from monitor.types import Judged

ANYBODY = "*"  # below whose complaint a post stands, where the network does not say
_Talk = tuple[str, str]  # source and conversation


def thread_of(post: Post) -> str:
    """The conversation of a post: its own, where it begins one."""
    return post.thread_id or post.native_id


def person_of(author: str) -> str:
    """How authors of one conversation are compared."""
    return author.lstrip("@").casefold()


class Replies:
    """The conversations of one batch of posts, looked up in a few queries."""

    def __init__(self, database: Database, rules: Rules, brands: Collection[str], posts: Sequence[Post]) -> None:
        self._rules = rules
        # Of each conversation who has a case in it since when, for which brand, and whether that is open.
        self._people: dict[_Talk, dict[tuple[str, str], tuple[datetime, bool]]] = {}
        self._new: set[tuple[str, str, str]] = set()
        self._below: set[tuple[str, str]] = set()  # posts that belong to a case
        self._authors = {(post.source, post.native_id): post.author for post in posts}
        replies = [post for post in posts if post.parent_id or (post.thread_id and post.thread_id != post.native_id)]
        threads: dict[str, list[str]] = {}
        for post in replies:
            threads.setdefault(post.source, []).append(thread_of(post))
        for source, named in threads.items():
            for row in cases.in_threads(database, sorted(brands), source, list(dict.fromkeys(named))):
                since = at(row["first_posted_at"])
                self._add((source, row["thread"]), row["author"], row["brand"], since, is_open=not row["closed_at"])
        self._look_up_parents(database, [post for post in replies if (post.source, thread_of(post)) in self._people])

    def _look_up_parents(self, database: Database, replies: Sequence[Post]) -> None:
        """Whose stored posts these answer, and which of them belong to a case."""
        places = {
            mentions.post_key(database, post.source, post.parent_id): (post.source, post.parent_id)
            for post in replies
            if post.parent_id and (post.source, post.parent_id) not in self._authors
        }
        for key, (author, in_case) in mentions.authors_of(database, list(places)).items():
            self._authors[places[key]] = author
            if in_case:  # also of who only said that it is the same for them
                self._below.add(places[key])

    def _add(self, talk: _Talk, author: str, brand: str, since: datetime, *, is_open: bool) -> None:
        people = self._people.setdefault(talk, {})
        key = (person_of(author), brand)
        known = people.get(key)
        people[key] = (min(since, known[0]), is_open or known[1]) if known else (since, is_open)

    def learn(self, judged: Iterable[Judged]) -> None:
        """Take in the cases that posts of this very batch will have."""
        for each in judged:
            if each.needs_case and each.post.author and not (each.post.parent_id and only_same_trouble(each.post.text)):
                talk = (each.post.source, thread_of(each.post))
                self._add(talk, each.post.author, each.brand, each.post.posted_at, is_open=True)
                self._new.add((*talk, person_of(each.post.author)))

    def has_learned(self, post: Post) -> bool:
        """Whether its author has a case in this conversation since `learn`."""
        return (post.source, thread_of(post), person_of(post.author)) in self._new

    def own_brands(self, post: Post) -> tuple[str, ...]:
        """The brands about which the author has a case in this conversation, in which they write on: not to others."""
        if self._answers_another(post):
            return ()
        return self.brands_of_author(post)

    def brands_of_author(self, post: Post) -> tuple[str, ...]:
        """The brands about which the author has a case in this conversation, whomever they answer."""
        people = self._people.get((post.source, thread_of(post)))
        if not people:  # as in nearly every conversation
            return ()
        author = person_of(post.author)
        return tuple(
            brand for (who, brand), (since, _) in people.items() if author and who == author and since <= post.posted_at
        )

    def _answers_another(self, post: Post) -> bool:
        """Whether the parent is known to be of a third person: neither theirs nor ours."""
        parent = self._parent_of(post)
        return bool(parent) and person_of(parent) != person_of(post.author) and not self._is_ours(post, parent)

    def _parent_of(self, post: Post) -> str:
        """Who wrote what a post answers, as far as anybody says; empty where nobody does."""
        return post.parent_author or self._authors.get((post.source, post.parent_id), "")

    def _is_ours(self, post: Post, author: str) -> bool:
        return self._rules.is_own(replace(post, author=author.lstrip("@"), author_id=""))

    def above(self, post: Post) -> tuple[str, str]:
        """(brand, person) of the open complaint of somebody else below which a post stands; ("", "") of none.

        In a talk of many only what answers the complaint, what was said below it, or us, stands there.
        """
        people = self._people.get((post.source, thread_of(post)))
        if not people:
            return "", ""
        author = person_of(post.author)
        waiting = {who: brand for (who, brand), (_, is_open) in people.items() if is_open and who != author}
        if not waiting or not author or any(who == author for who, _ in people):
            return "", ""
        parent = self._parent_of(post)
        if person_of(parent) in waiting:
            return waiting[person_of(parent)], person_of(parent)
        first = next(iter(waiting.values()))
        if (parent and self._is_ours(post, parent)) or (post.source, post.parent_id) in self._below:
            return first, ANYBODY
        return (first, ANYBODY) if not post.parent_id and not parent else ("", "")


def below_trouble(
    judge: Judge,
    queries: Mapping[str, Query],
    posts: Sequence[Post],
    found: Sequence[Mapping[str, tuple[str, ...]]],
    indexes: Iterable[int],
) -> set[tuple[int, str]]:
    """Which of these posts answer somebody's complaint about the brand, as (place, brand).

    What they answer came along with them: it is judged as a post of its own would be, and neither stored nor told.
    """
    asked = []
    for index in indexes:
        if text := posts[index].parent_text:
            parent = replace(posts[index], text=text, title="", rating=None, parent_id="", parent_author="")
            named = brands_in(Subject(text=text), queries)
            asked += [((index, name), JudgeInput(parent, name)) for name in found[index] if name in named]
    verdicts = judge.verdicts([each for _, each in asked]) if asked else []
    return {place for (place, _), verdict in zip(asked, verdicts, strict=True) if verdict.lane == "ping"}
