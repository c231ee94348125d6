"""A process that judges posts for another one: texts come in by standard input, verdicts go out by standard output.

It knows no database and no settings: what its judge is made of comes first (`Recipe`), then batches of posts, each with
its number. It ends when its input does, so it never outlives whoever started it.
"""

from __future__ import annotations

import gc
import marshal
import os
import pickle
import signal
import struct
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from operator import attrgetter
from typing import IO, Any

from connectors import Post
from connectors.values import value_class
from monitor.text.features import BrandProfile
from monitor.text.judge import Judge, JudgeInput
from monitor.text.model.trained import Learned
from monitor.text.query.matching import Queries, Query, brands_in
from monitor.text.query.subject import subject_of
from monitor.text.similarity import fingerprint
from monitor.types import Verdict

# What a judge and a query read of a post. Its times are not among them: what a post says does not depend on them.
_READ = (
    "source", "native_id", "url", "author", "author_name", "text", "title", "lang", "rating", "parent_id",
    "parent_author", "parent_text", "thread_id", "author_id", "addressed", "out_of",
)  # fmt: skip
_read = attrgetter(*_READ)
_values = attrgetter(*(each.name for each in fields(Verdict)))
_LENGTH = struct.Struct(">Q")
_NO_TIME = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a judge is made of, and the queries that say what a post is about; `brand`: all are about this one."""

    brands: tuple[BrandProfile, ...]
    critical_words: tuple[str, ...]
    learned: Mapping[str, Learned]
    about_us: Mapping[str, Learned]
    queries: Mapping[str, Query]
    brand: str = ""

    def judge(self) -> Judge:
        """The judge that is made of it."""
        return Judge(self.brands, self.critical_words, self.learned, about_us=self.about_us)


@value_class(frozen=True, slots=True)
class Found:
    """What a post is for a brand by itself, whatever it stands below: the query's words, verdict and fingerprint."""

    words: tuple[str, ...]
    verdict: Verdict
    fingerprint: int


def write_frame(to: IO[bytes], body: bytes) -> None:
    """Send one message. Raises OSError where nobody reads any more."""
    to.write(_LENGTH.pack(len(body)))
    to.write(body)
    to.flush()


def read_frame(of: IO[bytes]) -> bytes:
    """Receive one message; empty once whoever wrote has ended."""
    head = of.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return b""
    (length,) = _LENGTH.unpack(head)
    body = of.read(length)
    return body if len(body) == length else b""


def packed(posts: Sequence[Post]) -> bytes:
    """These posts, as far as they are judged."""
    return marshal.dumps([_read(post) for post in posts])


def found_in(answer: bytes) -> list[dict[str, Found]]:
    """What an answer says of each post, by brand; nothing of an empty one. ValueError where it is none."""
    said: Any = marshal.loads(answer) if answer else []  # noqa: S302 - by a process of our own
    if not isinstance(said, list):
        raise ValueError("no answer of a judging process")
    return [{brand: Found(words, Verdict(*values), mark) for brand, words, values, mark in each} for each in said]


def found_of(judge: Judge, queries: Mapping[str, Query], brand: str, posts: Sequence[Post]) -> list[dict[str, Found]]:
    """What each of these posts is by itself, by brand; `brand`: all are about this one."""
    asked = [
        (index, JudgeInput(post, name, words))
        for index, post in enumerate(posts)
        for name, words in ({brand: ()} if brand else brands_in(subject_of(post), queries)).items()
    ]
    found: list[dict[str, Found]] = [{} for _ in posts]
    for (index, each), verdict in zip(asked, judge.verdicts([one for _, one in asked]), strict=True):
        mark = fingerprint(each.post.text or each.post.title) if verdict.lane != "none" else 0
        found[index][each.brand] = Found(each.matched, verdict, mark)
    return found


def _answer(judge: Judge, recipe: Recipe, body: bytes) -> bytes:
    posts = [Post(posted_at=_NO_TIME, **dict(zip(_READ, each, strict=True))) for each in marshal.loads(body)]  # noqa: S302
    return marshal.dumps(
        [
            [(brand, one.words, _values(one.verdict), one.fingerprint) for brand, one in each.items()]
            for each in found_of(judge, recipe.queries, recipe.brand, posts)
        ]
    )


def main() -> None:
    """Judge until the input ends. A batch on which the judge breaks is answered with nothing."""
    gc.disable()  # what is made now lives as long as the process: a tenth of its start went into looking at it
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever started this one
    come, go = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    recipe: Recipe = pickle.loads(read_frame(come))  # noqa: S301 - of whoever started this process
    recipe = replace(recipe, queries=Queries(recipe.queries))
    judge = recipe.judge()
    judge.verdict(Post("", "", "", "", "-", _NO_TIME), "")  # in a language that nobody told: all words are read
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()
    write_frame(go, marshal.dumps((judge.scorer, judge.rules_scorer, judge.trouble)))
    while body := read_frame(come):
        number, body = body[: _LENGTH.size], body[_LENGTH.size :]
        try:
            answer = _answer(judge, recipe, body)
        except Exception:  # noqa: BLE001 - whoever asked judges them itself, and sees why
            answer = b""
        write_frame(go, number + answer)


if __name__ == "__main__":
    main()
