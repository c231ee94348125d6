"""Asking the model: once for the same question, within a day's budget, and with an answer of the right shape or none.

What is sent: our instructions, the rules of `blocks`, the schema, and the data without whom it knows (`redaction`).
What comes back is put back, checked by pydantic, and kept in the database for 30 days as it came, that is without
names; it is forgotten with the posts and cases that it was made of.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from connectors import Post
from monitor.assistant.blocks import RULES, Block, fenced, shortened
from monitor.assistant.client import Fault, NoAnswer, complete
from monitor.assistant.redaction import NOBODY, People, Redaction, left_over, people_of
from monitor.assistant.standing import day_of
from monitor.people.identity import Directory
from monitor.settings.models import Settings
from monitor.store import assistant as store
from monitor.store import web
from monitor.store.database import Database

log = logging.getLogger("earful.assistant")

LONGEST = 24_000  # characters of everything that is asked: about 8,000 tokens, which small models hold
AT_ONCE = 2  # questions at a time; a model on one machine answers them one after another anyway
T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Data:
    """What a question is about. The answer is forgotten with any of `posts` (their ids here) and `cases` (numbers)."""

    blocks: tuple[Block, ...]
    people: People = NOBODY
    posts: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What came back, of the shape that was asked for, with names put back. `kept`: it was asked before."""

    value: T
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Unavailable:
    """No answer; `words` say why, as one sentence for a person, without a full stop."""

    why: Literal["off", "busy", "budget", "long", "not asked"] | Fault
    words: str


@dataclass(frozen=True, slots=True)
class Question:
    """What is sent: our words, the blocks without whoever is known, and the mark by which the answer is kept."""

    task: str
    system: str
    blocks: tuple[Block, ...]
    redaction: Redaction
    mark: str
    again: int


_WORDS = {
    "unreachable": "the assistant can't be reached",
    "slow": "the assistant took too long",
    "refused": "the assistant's server refused the question",
    "unusable": "the assistant's answer could not be used",
}


class Assistant:
    """Asks the model of [assistant] in settings; every process that works on the database has one."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._turns = threading.BoundedSemaphore(AT_ONCE)

    @property
    def is_on(self) -> bool:
        """Whether settings name a model; without one nothing of it is shown."""
        return bool(self._settings.assistant.address)

    def people_of(self, posts: Iterable[Post] = (), names: Iterable[str] = ()) -> People:
        """Whom Earful knows that a text may name: everybody of ours, the authors of these posts, further names."""
        staff = [
            each.name.removesuffix(f" ({each.kind})") for each in Directory(self._database, self._settings).everyone
        ]
        staff += [user.name for user in web.users(self._database)]  # viewers too, who can't have a case
        return people_of(self._settings, posts, [*staff, *names])

    def ask(
        self, task: str, instructions: str, data: Data, schema: type[T], *, now: datetime, again: int = 0
    ) -> Answer[T] | Unavailable:
        """Ask `task` (a name, such as "translate") by these instructions; `schema` is what must come back.

        The same question gives the same answer without asking the model; `again` (1, 2, ...) asks for another one.
        Outside a transaction: it may take as long as `[assistant] deadline`. Never raises for what the server does.
        """
        question = self._question(task, instructions, data, schema, again)
        if isinstance(question, Unavailable):
            return question
        if (value := self._known(question, schema)) is not None:
            return Answer(value, kept=True)
        if not self._turns.acquire(blocking=False):
            return Unavailable("busy", "the assistant is busy with other questions; try again in a moment")
        try:
            return self._asked(question, data, schema, now)
        finally:
            self._turns.release()

    def kept(
        self, task: str, instructions: str, data: Data, schema: type[T], *, now: datetime, again: int = 0
    ) -> Answer[T] | Unavailable:
        """The same, but nothing is asked: what was answered before, or `why` "not asked"."""
        _ = now
        question = self._question(task, instructions, data, schema, again)
        if isinstance(question, Unavailable):
            return question
        value = self._known(question, schema)
        return (
            Answer(value, kept=True) if value is not None else Unavailable("not asked", "nobody has asked for it yet")
        )

    def _question(
        self, task: str, instructions: str, data: Data, schema: type[BaseModel], again: int
    ) -> Question | Unavailable:
        """What would be sent, without whoever is known."""
        settings = self._settings.assistant
        if not self.is_on:
            return Unavailable("off", "no assistant is set up; see [assistant] in the settings")
        redaction = Redaction(data.people)
        blocks = tuple(Block(each.name, shortened(redaction.out(each.text), each.most)) for each in data.blocks)
        if len(instructions) + sum(len(each.text) for each in blocks) > LONGEST:
            return Unavailable("long", f"this is too long for the assistant (over {LONGEST:,} characters)")
        shape = json.dumps(schema.model_json_schema(), sort_keys=True)
        system = f"{instructions}\n\n{RULES}\n\nThe JSON schema of your answer:\n{shape}"
        mark = _mark(settings.address, settings.model, task, system, repr(blocks), str(again))
        return Question(task, system, blocks, redaction, mark, again)

    def _known(self, question: Question, schema: type[T]) -> T | None:
        kept = store.kept(self._database, question.mark)
        return None if kept is None else _shaped(json.loads(kept), question.redaction, schema)

    def _asked(self, question: Question, data: Data, schema: type[T], now: datetime) -> Answer[T] | Unavailable:
        settings = self._settings.assistant
        day, task = day_of(self._settings, now), question.task
        with self._database.transaction():
            if not store.take(self._database, day, settings.daily_budget):
                return Unavailable(
                    "budget", f"today's {settings.daily_budget} answers of the assistant are used up; more tomorrow"
                )
            store.expect(self._database, question.mark, task, data.posts, data.cases, now)
        try:
            said = complete(
                settings, task, question.system, fenced(question.blocks), schema.model_json_schema(),
                again=question.again,
            )  # fmt: skip
        except NoAnswer as error:
            with self._database.transaction():
                store.count(self._database, day, failures=1, answers=0 if error.left else -1)
                store.expect_no_more(self._database, question.mark)
            log.warning("no answer for %s: %s", task, error.reason)
            return Unavailable(error.fault, f"{_WORDS[error.fault]}: {error.reason}")
        value = _shaped(said.said, question.redaction, schema)
        with self._database.transaction():
            store.count(self._database, day, tokens=said.tokens, failures=int(value is None))
            if value is None:
                store.expect_no_more(self._database, question.mark)
            else:
                store.keep(self._database, question.mark, json.dumps(said.said), now)
        if value is None:
            log.warning("no answer for %s: it is not of the shape that was asked for", task)
            return Unavailable("unusable", f"{_WORDS['unusable']}: it is not of the shape that was asked for")
        return Answer(value)


def _shaped(said: Any, redaction: Redaction, schema: type[T]) -> T | None:
    """The answer in its shape, with names put back; None for another shape, or a placeholder that we never made."""
    whole = redaction.back_in(said)
    if left_over(whole):
        return None
    try:
        return schema.model_validate(whole)
    except ValidationError:
        return None


def _mark(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()
