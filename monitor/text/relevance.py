"""Is this post about us at all? For brands that are words: Target, Gap, Shell, Orange.

The query language goes first. What it lets through is weighed here by the words around the brand: those named in the
settings (`context`), and those learned from staff's answers ("not us" against everything else). Until something has
been learned, a post without any of the context words calls nobody: it goes into the list. Once it has, a post below
the line is stored and can be searched; nobody is told. Three times "not us" about one author, community or domain makes
an offer to mute it, which a person takes or leaves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Literal

from connectors import Post
from monitor.text.complaint_signals import tokens_of
from monitor.text.model.calibration import sigmoid
from monitor.text.model.fitting import cases_of, held_aside
from monitor.text.model.trained import Answer, Learned, Lesson
from monitor.text.model.training import learn, newest
from monitor.text.own_names import as_handle_alone
from monitor.text.query.matching import Query
from monitor.text.query.parsing import parse
from monitor.text.query.subject import Subject

RELEVANT_ODDS = 2.0  # before anything is learned: what the query lets through is about us
CONTEXT_ODDS = 1.5
LOST_AT_MOST = 0.02  # of the posts that were about us, held aside from learning
OFFER_AFTER = 3
NOT_ABOUT_US = "does not seem to be about us"
_LONGEST = 2000

_link = re.compile(r"https?://(?:www\.)?([^/\s?#:]+)", re.IGNORECASE)
_community = re.compile(r"reddit\.com/r/([A-Za-z0-9_]{2,30})", re.IGNORECASE)

MuteKind = Literal["author", "community", "domain"]


@dataclass(frozen=True, slots=True)
class Relevance:
    """How sure we are that a post is about the brand (0..1), whether it is kept, and why not in words."""

    share: float
    kept: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class MuteOffer:
    """Somebody or somewhere that was "not us" again and again: shown to a person, who mutes it or leaves it."""

    brand: str
    kind: MuteKind
    source: str
    value: str
    times: int


@dataclass(frozen=True, slots=True)
class NotUs:
    """One answer "not us": about which brand, which post, by whom."""

    brand: str
    post: Post
    by: str


def tokens_for(post: Post, language: str = "") -> tuple[str, ...]:
    """Return the words of a post, with where it stands as words of their own ("in:golf", "on:example.org")."""
    text = f"{post.title} {post.text}" if post.title else post.text
    tokens = tokens_of(text[:_LONGEST])
    if language:
        tokens.append(f"lang:{language}")
    tokens.extend(f"in:{community.lower()}" for community in communities_of(post))
    tokens.extend(f"on:{domain}" for domain in domains_of(post))
    return tuple(tokens)


def communities_of(post: Post) -> list[str]:
    """Return the communities a post stands in, as far as its address says (subreddits)."""
    return list(dict.fromkeys(_community.findall(post.url)))[:1]


def domains_of(post: Post) -> list[str]:
    """Return the domains that a post links to, at most three."""
    found = (domain.lower() for domain in _link.findall(post.text[:_LONGEST]))
    return list(dict.fromkeys(found))[:3]


def context_query(word: str) -> Query:
    """A context word as a query: found as a query's words are, a star and scripts without blanks too. QueryError."""
    plain = word.strip().replace('"', " ")
    return parse(plain if re.fullmatch(r"\w+\*", plain) else f'"{plain}"')


@lru_cache(maxsize=256)
def _queries(context: tuple[str, ...]) -> tuple[Query, ...]:
    return tuple(context_query(word) for word in context)


def names_context(post: Post, context: tuple[str, ...]) -> bool:
    """Whether a context word of the settings stands in a post, its title or the address where it stands."""
    if not context:
        return False
    subject = Subject(text=" ".join((post.text, *communities_of(post), *domains_of(post))), title=post.title)
    return any(query.match(subject) is not None for query in _queries(context))


@lru_cache(maxsize=1024)
def _handles(words: tuple[str, ...]) -> re.Pattern[str] | None:
    return as_handle_alone(words)


def speaks_to(post: Post, words: tuple[str, ...]) -> bool:
    """Whether one of the words by which a post was found stands in it as a handle: "@shell", and not "@shelley"."""
    handle = _handles(words) if "@" in post.text else None
    return handle is not None and handle.search(post.text) is not None


def odds_before(post: Post, context: tuple[str, ...]) -> float:
    """Return the log odds of being about us before anything is learned; context words of the settings raise them."""
    return RELEVANT_ODDS + (CONTEXT_ODDS if names_context(post, context) else 0.0)


def lesson_of(
    post: Post, context: tuple[str, ...], answer: Answer, by: str, at: datetime, language: str = ""
) -> Lesson:
    """Return what an answer teaches about relevance: "not_us" against everything else that is about us."""
    tokens = tokens_for(post, language)
    key = f"{post.source}:{post.native_id}"
    about_us: Answer = "not_a_complaint" if answer == "not_us" else "yes"
    return Lesson(key, tokens, {}, odds_before(post, context), about_us, by, at)


def learn_relevance(lessons: Iterable[Lesson]) -> Learned:
    """Learn which words stand around us. The line (`sweep`) loses at most one in fifty of the posts that were ours."""
    kept = newest(lessons)
    learned = learn(kept)
    if not learned.blend:
        return learned
    cases = cases_of(kept)
    aside = held_aside(cases)
    ours = sorted(odds for case, odds in zip(cases, aside, strict=True) if case.target > 0.5)
    line = ours[int(len(ours) * LOST_AT_MOST)]
    share = sigmoid(line)
    return replace(learned, ping=None, sweep=round(min(0.5, share), 4))


def has_learned(learned: Learned | None) -> bool:
    """Whether staff's answers weigh here yet."""
    return learned is not None and bool(learned.blend) and learned.sweep is not None


def relevance(post: Post, context: tuple[str, ...], learned: Learned | None, language: str = "") -> Relevance:
    """Weigh one post. Without anything learned every post is kept: the query has already spoken."""
    if learned is None or not learned.blend or learned.sweep is None:
        return Relevance(1.0, kept=True)
    tokens = tokens_for(post, language)
    odds = learned.odds(odds_before(post, context), tokens, {})
    share = sigmoid(odds)
    if share >= learned.sweep:
        return Relevance(round(share, 4), kept=True)
    against = sorted((learned.weights.get(token, 0.0), token) for token in set(tokens))[:3]
    words = ", ".join(token for weight, token in against if weight < 0)
    return Relevance(round(share, 4), kept=False, reason=f"{NOT_ABOUT_US} ({words})" if words else NOT_ABOUT_US)


def mute_offers(answers: Iterable[NotUs], muted: Iterable[tuple[MuteKind, str, str]] = ()) -> list[MuteOffer]:
    """Return whom and what to offer for muting, the most frequent first. `muted`: (kind, source, value) already muted.

    Each post counts once, however many people said so; three posts make an offer.
    """
    known = set(muted)
    posts: dict[tuple[str, MuteKind, str, str], set[str]] = {}
    for answer in answers:
        post = answer.post
        places: list[tuple[MuteKind, str]] = [("author", post.author)] if post.author else []
        places.extend(("community", community.lower()) for community in communities_of(post))
        places.extend(("domain", domain) for domain in domains_of(post))
        for kind, value in places:
            source = "" if kind == "domain" else post.source
            if (kind, source, value) not in known:
                posts.setdefault((answer.brand, kind, source, value), set()).add(f"{post.source}:{post.native_id}")
    offers = [
        MuteOffer(brand, kind, source, value, len(keys))
        for (brand, kind, source, value), keys in posts.items()
        if len(keys) >= OFFER_AFTER
    ]
    return sorted(offers, key=lambda offer: (-offer.times, offer.brand, offer.kind, offer.value))
