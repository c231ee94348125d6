"""One page of a walk over listings that show the newest first: what is the same for most networks, done once.

A connector says how a page is asked for and how one item becomes posts. Here malformed items are set aside one by one,
the floor is held, the walk turned, and a listing that is closed to us left out while the others go on (see pagination).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from connectors import Aside, Batch, ConnectorError, Gap, Nonsense, Post, Quota, Request, room
from connectors.answers import Answer, error_for
from connectors.http import Http, Params, host_of, json_of
from connectors.pagination import Walk, fingerprint, is_below, milliseconds, moment
from connectors.text import bare_name, raw_of

DEEP_EVERY = timedelta(days=1)
_NAMED = re.compile(r"@([\w.·-]{1,40}\w)")
MANY = 3  # so many malformed items and not one sound one are no accident: the format has changed
LONGEST_REST = timedelta(days=1)  # what is longer was written by a clock that was ahead


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of a listing, newest first: its items, and the token of the next page ("" where this was the last).

    `not_before` ends the reading for now, although nothing failed; the next page, or the next walk, waits until then.
    `partial`: the network says that not all of it is here, so that the next walk looks from the same moment again.
    """

    items: Sequence[object]
    next: str = ""
    quota: Quota | None = None
    not_before: datetime | None = None
    partial: bool = False


class Gone(Exception):
    """An item that says of itself that it was deleted; the message is its native id."""


PostsOf = Callable[[Any], Sequence[Post]]  # an item's posts, the listed one first; ValueError: malformed; Gone: deleted


@dataclass(frozen=True, slots=True)
class Sorted:
    """A page's items: their posts, those that are the items themselves, what was malformed, and what is deleted."""

    posts: tuple[Post, ...]
    heads: tuple[Post, ...]
    aside: tuple[Aside, ...]
    deleted: tuple[str, ...]


def sort_out(items: Sequence[object], posts_of: PostsOf, network: str) -> Sorted:
    """Read item by item. Nonsense where each of many is malformed: a field that was renamed must not look like silence.

    A few alone on a page are set aside: refusing them would hold the walk there for ever, with all lanes behind it.
    """
    posts: list[Post] = []
    heads: list[Post] = []
    aside: list[Aside] = []
    deleted: list[str] = []
    for item in items:
        try:
            found = posts_of(item)
        except Gone as gone:
            deleted.append(str(gone))
        except ValueError as error:
            aside.append(Aside(raw_of(item).encode(), str(error)))
        else:
            heads += found[:1]
            posts += found
    if len(aside) >= MANY and not posts and not deleted:
        raise Nonsense(
            f"{network}: none of {len(aside)} items could be read: {aside[0].reason}", "The service may have changed."
        )
    return Sorted(tuple(posts), tuple(heads), tuple(aside), tuple(deleted))


def by_name(posts: Sequence[Post]) -> list[Post]:
    """Let a post answer whom it names at its head ("@ana ..."), where a network hangs all under the first one.

    It answers what that person said last before it in the same thread; where they said nothing there, nothing changes.
    """
    latest: dict[tuple[str, str], Post] = {}
    found: list[Post] = []
    for post in sorted(posts, key=lambda one: one.posted_at):
        named = _NAMED.match(post.text)
        above = latest.get((post.thread_id, bare_name(named[1]))) if named else None
        found.append(replace(post, parent_id=above.native_id, parent_author=above.author) if above else post)
        latest[post.thread_id, bare_name(post.author)] = post
    return found


def overlap_of(walk: Walk, now: datetime, usual: timedelta, deep: timedelta) -> timedelta:
    """How far back a walk looks behind what is known: once a day `deep`, which is decided when it begins."""
    if not walk.todo:
        last = walk.extra.get("deep_at", 0)
        # A time that is still to come was written by a clock that was ahead.
        walk.extra["deep"] = not isinstance(last, int) or not timedelta() <= now - moment(last) < DEEP_EVERY
    return deep if walk.extra.get("deep") is True else usual


def read_page(walk: Walk, request: Request, network: str, ask: Callable[[Walk], Listed], posts_of: PostsOf) -> Batch:
    """Read the page at which the walk stands (`walk.begin` was called), and move the walk on.

    A lane ends at its last page, at one that has come below the floor, or where the network repeats itself. A rest
    that was asked for with the last page of a walk is kept in the cursor: it must not make the next walk come sooner.
    """
    if not walk.lane:
        return Batch((), walk.dump(), notices=walk.notices())
    rests = walk.extra.pop("rests", 0)
    if isinstance(rests, int) and milliseconds(request.now) < rests <= milliseconds(request.now + LONGEST_REST):
        walk.extra["rests"] = rests
        return Batch((), walk.dump(), complete=False, not_before=moment(rests))
    floor = moment(walk.floor)
    try:
        listed = ask(walk)
    except ConnectorError as error:
        if not walk.shut(error, request.now):
            raise
        return Batch((), walk.dump(), not walk.lane, notices=walk.notices())
    found = sort_out(listed.items, posts_of, network)
    known = walk.note(((post.native_id, post.posted_at) for post in found.heads), request.now)
    if listed.partial:
        walk.newest = 0
    # A server that does not know the parameter of pages shows the first one for ever, under ever new numbers.
    looks = fingerprint(",".join([walk.lane, *(post.native_id for post in found.heads)])) if found.heads else ""
    repeated = bool(looks) and bool(walk.token) and walk.extra.get("page") == looks
    walk.extra["page"] = looks
    gaps: tuple[Gap, ...] = ()
    if known or not listed.next or is_below([post.posted_at for post in found.heads], floor):
        walk.close_lane()
    elif repeated or not walk.turn(listed.next):
        gaps = walk.stuck(network)
        walk.close_lane()
    if not walk.lane and walk.extra.pop("deep", False):
        walk.extra["deep_at"] = milliseconds(request.now)
    if not walk.lane and listed.not_before is not None:
        walk.extra["rests"] = milliseconds(listed.not_before)
    return Batch(
        tuple(post for post in found.posts if post.posted_at >= floor),
        walk.dump(),
        not walk.lane,
        listed.quota,
        found.deleted,
        found.aside,
        gaps,
        listed.not_before if walk.lane else None,
        walk.notices(),
    )


def get_object(
    http: Http,
    url: str,
    now: datetime,
    *,
    params: Params | None = None,
    headers: Mapping[str, str] | None = None,
    refusal: Callable[[Answer, Mapping[str, Any]], ConnectorError | None] = lambda _answer, _said: None,
) -> tuple[dict[str, Any], Answer]:
    """Read a JSON object. `refusal` may know an error of this network by its body, before the usual one by its status.

    The room of a large answer is held until it is read.
    """
    with room.answer():
        answer = http.get(url, params=params, headers={"Accept": "application/json", **(headers or {})})
        return object_of(answer, now, refusal), answer


def object_of(
    answer: Answer,
    now: datetime,
    refusal: Callable[[Answer, Mapping[str, Any]], ConnectorError | None] = lambda _answer, _said: None,
) -> dict[str, Any]:
    """Read an answer's JSON object, or raise the error that it is."""
    where = host_of(answer.url)
    if answer.status >= 400:
        error = refusal(answer, _said(answer)) or error_for(answer, where, now)
        assert error is not None
        raise error
    document = json_of(answer)
    if not isinstance(document, dict):
        raise Nonsense(f"{where} answered with something that is not an object", "Check api_url.")
    return document


def _said(answer: Answer) -> dict[str, Any]:
    """What the body of an error says, as an object; empty where it is none, or a long one."""
    if len(answer.body) > 100_000:
        return {}
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def list_of(document: Mapping[str, Any], name: str, where: str) -> list[Any]:
    """The list that an answer must hold."""
    found = document.get(name)
    if not isinstance(found, list):
        raise Nonsense(f"{where} answered without {name}", "Check api_url; Earful will retry.")
    return found


def part(holder: object, *names: str) -> dict[str, Any]:
    """An object inside of objects; empty where one of them is missing or is none."""
    for name in names:
        holder = holder.get(name) if isinstance(holder, Mapping) else None
    return holder if isinstance(holder, dict) else {}
