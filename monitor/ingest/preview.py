"""What a query would catch now: the first page of a source, read beside the collector and never stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from connectors import Batch, Connector, Post, Request
from monitor.settings.models import Source
from monitor.text.query.matching import Query, brands_in, wanted_by
from monitor.text.query.subject import Subject

SEARCHES = 20  # of one source that a look at it asks at most: one for each brand, as a rule
LOOK_BACK = timedelta(hours=24)
PAGE = 20  # posts


@dataclass(frozen=True, slots=True)
class Caught:
    """A post that a brand's query catches, and the words by which."""

    source: str
    post: Post
    words: tuple[str, ...]


def first_page(
    connector: Connector,
    source: Source,
    queries: Mapping[str, Query],
    now: datetime,
    spent: float = 0.0,
    *,
    back: timedelta = LOOK_BACK,
) -> tuple[Batch, float]:
    """The first page with a post, and what it cost in US dollars; `spent` is what this month cost before,
    `back` how far it looks back.

    One search of several may fail alone: the last knows of all. Raises ConnectorError, as any read does.
    """
    terms = tuple(dict.fromkeys(term for query in queries.values() for term in query.terms()))
    request = Request(
        source.name, terms, "", now, now - back, allowance=PAGE, spent=spent, wants=wanted_by(queries.values())
    )
    batch = connector.fetch(request)
    cost = batch.quota.cost if batch.quota is not None else 0.0
    for _ in range(SEARCHES):
        if batch.posts or batch.complete or batch.not_before is not None:
            break
        batch = connector.fetch(replace(request, cursor=batch.cursor, spent=spent + cost))
        cost += batch.quota.cost if batch.quota is not None else 0.0
    return batch, cost


def caught(batch: Batch, queries: Mapping[str, Query]) -> list[Caught]:
    """The posts of a page that these queries catch."""
    found = []
    for post in batch.posts:
        matched = brands_in(Subject(post.text, post.title, post.author, post.source, post.lang, post.url), queries)
        if matched:
            words = tuple(word for of_brand in matched.values() for word in of_brand)
            found.append(Caught(post.source, post, words))
    return found
