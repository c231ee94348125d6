"""Search in the words of stored posts: plain words by the index, the query language by the index and then exactly.

What the index finds for a query (any of its words) is looked through newest first, a bounded number of posts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from monitor.store import finding, pages
from monitor.store.database import Database, stamp
from monitor.text.query.matching import Query
from monitor.text.query.parsing import QueryError, parse
from monitor.text.query.subject import Subject
from monitor.types import Mention

_PLAIN = re.compile(r"[\w'’@#.+ ]+")
_OPERATOR = re.compile(r"\b(AND|OR|NOT|NEAR/\d+)\b")


@dataclass(frozen=True, slots=True)
class Search:
    """What somebody looks for. `fault` says why the query language could not read it; then it is plain words."""

    text: str = ""
    words: pages.Words = field(default_factory=pages.Words)
    query: Query | None = None
    fault: str = ""

    def fits(self, mention: Mention) -> bool:
        """Whether a mention that the index found really matches."""
        if self.query is None:
            return True
        post = mention.post
        subject = Subject(post.text, post.title, post.author, post.source, mention.verdict.language, post.url)
        return self.query.match(subject) is not None


def read(text: str) -> Search:
    """Read what was typed. Nothing typed is an error: at worst it finds nothing."""
    text = " ".join(text.split())[:300]
    if not text:
        return Search()
    if _PLAIN.fullmatch(text) and not _OPERATOR.search(text):
        return Search(text, pages.Words(plain=text))
    try:
        query = parse(text)
    except QueryError as error:
        return Search(text, pages.Words(plain=text), None, str(error))
    return Search(text, pages.Words(any_of=query.terms()), query)


def find(database: Database, wanted: finding.Filter, search: Search) -> finding.Found:
    """What the filters let through, newest first: by the index alone, or by a query that is matched exactly.

    A query looks through a bounded number of mentions before it says how far it came.
    """
    if search.query is None:
        return finding.look(database, wanted)
    looked_at = pages.candidates(database, search.words, with_case=False, wanted=wanted)
    rows = [each for each in looked_at if search.fits(each)]
    stopped = len(looked_at) == pages.CANDIDATES and len(rows) < wanted.limit
    reached = (stamp(looked_at[-1].post.posted_at), looked_at[-1].id) if stopped else None
    return finding.Found(rows[: wanted.limit], reached)


def case_ids(database: Database, search: Search) -> tuple[str, ...] | None:
    """The cases whose words match, the latest; None where nothing is looked for."""
    if search.query is None:
        return tuple(pages.found_cases(database, search.words)) if search.text else None
    found = (each.case_id for each in pages.candidates(database, search.words, with_case=True) if search.fits(each))
    return tuple(dict.fromkeys(found))
