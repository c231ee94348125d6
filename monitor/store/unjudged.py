"""Pages that were read and are not judged yet, each as it came: of a source its oldest, then the next.

A page is claimed for a while with a number of its own (the fence): whoever comes back after that finds it gone, or
claimed by somebody else, and stores nothing. One that nobody can judge is set aside, and the rest goes on.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any

from connectors import Post
from connectors.text import bare_name
from monitor.store.database import Database, Locks, Row, at, by_its_clock, instant, stamp

_TIMES = ("posted_at", "edited_at", "replied_at")
_NAMED = ("author", "author_name", "author_id")
_DEFAULTS = {each.name: each.default for each in fields(Post)}


@dataclass(frozen=True, slots=True)
class Page:
    """What one read of a source brought, as far as it has to be judged; `complete` ends a walk."""

    posts: tuple[Post, ...]
    deleted: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Claimed:
    """A page that is ours until its lease ends. `tries` failed; how its `claims` ended, with this one, nobody knows."""

    n: int
    source: str
    posts: int
    body: bytes
    fence: int
    claims: int
    tries: int

    def page(self) -> Page:
        """What it holds; what is raised where that can't be read is an error of any kind."""
        return _unpacked(self.body, self.source)


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many pages wait to be judged, with how many posts, and since when the oldest does."""

    pages: int = 0
    posts: int = 0
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Aside:
    """Pages of a source that nobody could judge, for one kind of error, and since when."""

    source: str
    error: str
    pages: int
    posts: int
    since: datetime


def add(database: Database, source: str, page: Page, now: datetime) -> None:
    """Keep a page. In the transaction that moves the cursor."""
    database.run(
        "INSERT INTO unjudged (source, at, posts, body) VALUES (:source, :now, :posts, :body)",
        {"source": source, "now": stamp(now), "posts": len(page.posts), "body": _packed(page)},
    )


def claim(database: Database, now: datetime, lease: timedelta, source: str = "") -> Claimed | None:
    """Take the oldest page of a source that nobody works on, of `source` or of any; None where there is none.

    Of several sources that of which the fewest pages wait: what somebody writes on a quiet one must not wait behind all
    that a loud one brought. For so long a `lease` by the database's clock.
    """
    of_one = "AND source = :source " if source else ""
    now = by_its_clock(database, now)
    # Of a claim that a failing server forgot, somebody else makes another: whoever is done first stores the page.
    with database.transaction(Locks(), durable=False):
        row = database.row(
            "UPDATE unjudged SET fence = fence + 1, claims = claims + 1, lease_until = :until WHERE n = (SELECT u.n "
            f"FROM unjudged u JOIN (SELECT min(n) AS n, count(*) AS pages FROM unjudged WHERE aside_at = '' {of_one}"
            "GROUP BY source) AS w ON w.n = u.n WHERE u.lease_until < :now ORDER BY w.pages, u.n LIMIT 1"
            f"{database.skip_locked('u')}) RETURNING n, source, posts, body, fence, claims, tries",
            {"now": stamp(now), "until": stamp(now + lease), "source": source},
        )
    if row is None:
        return None
    return Claimed(**{**row, "body": bytes(row["body"])})


def done(database: Database, claimed: Claimed) -> bool:
    """It is judged; False where it is not ours any more. In the transaction that stores what came of it."""
    return _of(database, "DELETE FROM unjudged", claimed)


def keep(database: Database, claimed: Claimed, now: datetime, lease: timedelta) -> bool:
    """It is being judged still, and ours for so long a `lease` from now; whether it was ours."""
    until = by_its_clock(database, now) + lease
    return _of(database, "UPDATE unjudged SET lease_until = :until", claimed, until=until)


def is_ours(database: Database, claimed: Claimed) -> bool:
    """Whether it is ours; to the end of the open transaction it stays so."""
    return _of(database, "UPDATE unjudged SET fence = fence", claimed)


def give_back(database: Database, claimed: Claimed) -> bool:
    """It could not be judged: that counts; whether it was still ours."""
    return _of(database, "UPDATE unjudged SET lease_until = '', claims = 0, tries = tries + 1", claimed)


def let_go(database: Database, claimed: Claimed, until: datetime) -> bool:
    """It was not judged, through no fault of its own, and rests `until` then; whether it was still ours."""
    until = by_its_clock(database, until)
    return _of(database, "UPDATE unjudged SET lease_until = :until, claims = 0", claimed, until=until)


def set_aside(database: Database, claimed: Claimed, error: str, now: datetime) -> bool:
    """Leave it out from now on; whether it was still ours."""
    return _of(
        database, "UPDATE unjudged SET lease_until = '', aside_at = :now, error = :error", claimed, now=now, error=error
    )


def _of(
    database: Database,
    statement: str,
    claimed: Claimed,
    *,
    now: datetime | None = None,
    until: datetime | None = None,
    error: str = "",
) -> bool:
    values = {"n": claimed.n, "fence": claimed.fence, "now": stamp(now), "until": stamp(until), "error": error}
    return database.run(f"{statement} WHERE n = :n AND fence = :fence AND aside_at = ''", values) == 1


def backlog(database: Database, source: str = "") -> Backlog:
    """What waits, of one source or of all; what was set aside does not."""
    of_one = "AND source = :source" if source else ""
    row = database.row(
        "SELECT count(*) AS pages, coalesce(sum(posts), 0) AS posts, min(at) AS since FROM unjudged "
        f"WHERE aside_at = '' {of_one}",
        {"source": source},
    )
    return Backlog(int(row["pages"]), int(row["posts"]), instant(row["since"] or "")) if row else Backlog()


def any_waits(database: Database) -> bool:
    """Whether any page waits: each judge asks twice a second, also where thousands do."""
    return database.row("SELECT 1 AS one FROM unjudged WHERE aside_at = '' LIMIT 1") is not None


def waiting(database: Database) -> dict[str, Backlog]:
    """What waits, by source."""
    rows = database.rows(
        "SELECT source, count(*) AS pages, sum(posts) AS posts, min(at) AS since FROM unjudged WHERE aside_at = '' "
        "GROUP BY source ORDER BY source"
    )
    return {row["source"]: Backlog(int(row["pages"]), int(row["posts"]), instant(row["since"])) for row in rows}


def aside(database: Database) -> list[Aside]:
    """What nobody could judge, by source and kind of error."""
    rows = database.rows(
        "SELECT source, error, count(*) AS pages, sum(posts) AS posts, min(aside_at) AS since FROM unjudged "
        "WHERE aside_at <> '' GROUP BY source, error ORDER BY source, error"
    )
    return [Aside(row["source"], row["error"], int(row["pages"]), int(row["posts"]), at(row["since"])) for row in rows]


def try_again(database: Database, source: str = "") -> int:
    """What was set aside waits again, of one source or of all; how many pages."""
    of_one = "AND source = :source" if source else ""
    return database.run(
        "UPDATE unjudged SET aside_at = '', error = '', lease_until = '', claims = 0, tries = 0, fence = fence + 1 "
        f"WHERE aside_at <> '' {of_one}",
        {"source": source},
    )


def trim(database: Database, source: str, before: datetime) -> None:
    """What nobody could judge is kept as long as its posts would be."""
    database.run("DELETE FROM unjudged WHERE source = :source AND at < :before", _before(source, before))


def _before(source: str, before: datetime) -> dict[str, str]:
    return {"source": source, "before": stamp(before)}


def forget(database: Database, source: str, names: Sequence[str], natives: Sequence[str] = ()) -> None:
    """What somebody wrote goes from every page; that others answered them stays without their name and words."""
    is_theirs = _theirs(names, natives)
    for row, page in _all(database, source):
        if page is None:  # nobody can say whose words it holds
            database.run("DELETE FROM unjudged WHERE n = :n", {"n": row["n"]})
            continue
        kept = tuple(_apart(post, names) for post in page.posts if not is_theirs(post))
        if kept != page.posts:
            database.run(
                "UPDATE unjudged SET body = :body, posts = :posts WHERE n = :n",
                {"n": row["n"], "posts": len(kept), "body": _packed(replace(page, posts=kept))},
            )


def of_person(database: Database, source: str, names: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    """Each post of theirs that waits, as what came; `n` and `at` are those of its page."""
    is_theirs = _theirs(names, ())
    for row, page in _all(database, source):
        for post in filter(is_theirs, page.posts if page else ()):
            yield {"n": row["n"], "at": row["at"], "source": source, "body": json.dumps(_as_json(post))}


def spellings(database: Database, source: str, name: str) -> set[str]:
    """How somebody of this name is written on the pages of a source."""
    bare = bare_name(name)
    pages = [page for _, page in _all(database, source) if page is not None]
    return {post.author for page in pages for post in page.posts if _is(post.author, bare)}


def _theirs(names: Sequence[str], natives: Sequence[str]) -> Callable[[Post], bool]:
    bare, ids = {bare_name(name) for name in names if name}, set(natives)
    return lambda post: post.native_id in ids or any(bare_name(getattr(post, each)) in bare for each in _NAMED)


def _is(author: str, bare: str) -> bool:
    return bool(author) and bare_name(author) == bare


def _apart(post: Post, names: Sequence[str]) -> Post:
    """A post that answers one of these, without what it shows of them."""
    answered = any(_is(post.parent_author, bare_name(name)) for name in names)
    return replace(post, parent_author="", parent_text="", raw="") if answered else post


def _all(database: Database, source: str) -> Iterator[tuple[Row, Page | None]]:
    """Every page of a source, one at a time: together they may be large. None for one that can't be read."""
    for each in database.rows("SELECT n FROM unjudged WHERE source = :source ORDER BY n", {"source": source}):
        row = database.row("SELECT * FROM unjudged WHERE n = :n", {"n": each["n"]})
        if row is not None:
            try:
                page = _unpacked(bytes(row["body"]), source)
            except (zlib.error, ValueError, KeyError, TypeError):
                page = None
            yield row, page


def _packed(page: Page) -> bytes:
    document = {
        "posts": [_as_json(post) for post in page.posts],
        "deleted": page.deleted,
        "gone": page.gone,
        "complete": page.complete,
    }
    return zlib.compress(json.dumps(document).encode())


def _unpacked(body: bytes, source: str) -> Page:
    document = json.loads(zlib.decompress(body))
    posts = tuple(_as_post(each, source) for each in document["posts"])
    return Page(posts, tuple(document["deleted"]), tuple(document["gone"]), document["complete"])


def _as_json(post: Post) -> dict[str, Any]:
    """What differs from an empty post; its source stands beside the page, and may be renamed while it waits."""
    found = {name: getattr(post, name) for name, default in _DEFAULTS.items() if getattr(post, name) != default}
    found.pop("source", None)
    return {name: stamp(value) if name in _TIMES else value for name, value in found.items()}


def _as_post(document: dict[str, Any], source: str) -> Post:
    ready: dict[str, Any] = {name: at(value) if name in _TIMES else value for name, value in document.items()}
    return Post(source=source, **{**ready, "addressed": tuple(ready.get("addressed", ()))})
