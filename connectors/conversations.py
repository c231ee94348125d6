"""Conversations that are asked for one after the other: one that cannot be read hides none of the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from connectors import Closed, ConnectorError, Conversation, NoCredit, Post, RateLimited, Refused, Unreached

ENOUGH = 15.0  # seconds of one reading, which has a deadline that one slow call alone may come near to


@dataclass(frozen=True, slots=True)
class Read:
    """What was said, the threads that could not be read, and until when the network asks us to wait."""

    posts: tuple[Post, ...]
    unread: tuple[str, ...] = ()
    not_before: datetime | None = None


def one_by_one(
    conversations: Sequence[Conversation],
    read: Callable[[Conversation], Iterable[Post]],
    clock: Callable[[], float] = time.monotonic,
) -> Read:
    """Read each with `read`, which raises Closed for one that is gone: whether it is removed is for `refresh` to say.

    A limit ends it, or that it takes long, and what was read before is kept: the others come first the next time. What
    concerns the whole source, or all of them, is raised.
    """
    began = clock()
    posts: list[Post] = []
    unread: list[str] = []
    failure: ConnectorError | None = None
    for number, one in enumerate(conversations):
        if number > len(unread) and clock() - began >= ENOUGH:
            return Read(tuple(posts), (*unread, *(each.thread for each in conversations[number:])))
        try:
            posts += read(one)
        except Closed:
            continue
        except RateLimited as error:
            if number == len(unread):
                raise
            rest = (each.thread for each in conversations[number:])
            return Read(tuple(posts), (*unread, *rest), error.retry_at)
        except (Refused, NoCredit, Unreached):
            raise
        except ConnectorError as error:
            failure = error
            unread.append(one.thread)
    if failure is not None and len(unread) == len(conversations):
        raise failure
    return Read(tuple(posts), tuple(unread))
