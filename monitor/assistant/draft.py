"""Drafting a reply: from what the team knows, by the model, and shown only where our own checks let it pass.

A draft is asked for by a person, who reads it, changes it and posts it like any other text: nothing here posts. Where
the facts hold no next step it asks one question, or there is none. What other customers were told never leaves: it is
only compared here (`draft_checks`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from alerts.case import Case
from connectors import ConnectorError, Post
from connectors.text import clean
from monitor.assistant import facts as known
from monitor.assistant.answers import Answer, Assistant, Data, Unavailable
from monitor.assistant.blocks import Block
from monitor.assistant.draft_checks import RECENT, Given, Refusal, check
from monitor.assistant.facts import Fact
from monitor.replying.context import Replying, nobody_answers, parent_of, why_not
from monitor.settings.rules import Rules
from monitor.store import mentions
from monitor.store.database import Database
from monitor.text import draft_phrases
from monitor.text.language import UNKNOWN, detect, name_of

NOTHING_KNOWN = "no draft: nothing known that would help them, and no question that would"
_POST = 4_000  # characters of a post that are looked at
_TRIES = 2  # a draft that is refused is asked for once more, with what was wrong
_SHOWN = 3  # reasons that a person is told


class Written(BaseModel, extra="forbid"):
    """What must come back."""

    kind: Literal["step", "question", "nothing"]
    text: str = Field(max_length=4_000)


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft that passed: its text, and what its next step may rest on, in words for staff."""

    text: str
    rests_on: tuple[str, ...] = ()

    @property
    def origin(self) -> str:
        """One line that says what a person should hold against it."""
        if not self.rests_on:
            return "drafted by the assistant; no next step is known, so it asks"
        return f"drafted by the assistant from {', '.join(self.rests_on)}"


@dataclass(frozen=True, slots=True)
class NoDraft:
    """Why there is none, as one sentence for a person, without a full stop."""

    words: str


def draft_of(
    assistant: Assistant,
    replying: Replying,
    case: Case,
    *,
    name: str,
    now: datetime,
    limit: int | None = None,
    again: int = 0,
) -> Draft | NoDraft:
    """Draft a reply to a case, for `name` who will read and post it.

    It begins as the network needs it ("@ada "). `limit` is how many characters the network takes, where it can't be
    asked; `again` (1, 2, ...) asks for another one. Outside a transaction: it takes as long as the model, twice where
    its first try is refused.
    """
    database, rules = replying.database, replying.rules
    parent = parent_of(database, case)
    why = why_not(replying, case, parent) if replying.is_on(case.source) else nobody_answers(database, case)
    post = parent or next((each.post for each in reversed(mentions.of_case(database, case.id))), None)
    if why or post is None:
        return NoDraft(f"no draft: {why or 'there is no post left to answer'}")
    opening, limit = _place(replying, case, parent, limit, now)
    spoken = detect(f"{post.title}\n{post.text}"[:_POST], post.lang)
    if spoken not in draft_phrases.LANGUAGES and spoken != UNKNOWN:
        listed = ", ".join(name_of(each) for each in draft_phrases.LANGUAGES)
        return NoDraft(f"no draft: this post is in {name_of(spoken)}, and drafts can only be checked in {listed}")
    facts = known.of_case(database, case, post, name=name, now=now)
    given = _given(rules, database, case, post, spoken, facts, name, now, limit, opening)
    data = Data(
        (Block("post", f"{post.title}\n{post.text}".strip(), _POST), Block("facts", _listed(facts))),
        assistant.people_of([post], (name,)),
        (mentions.post_key(database, case.source, post.native_id),) if post.native_id else (),
        (case.id,),
    )
    asked = _instructions(rules, case, given)
    refused: tuple[Refusal, ...] = ()
    for _ in range(_TRIES):
        told = f"{asked}\n\n{_again(refused)}" if refused else asked
        found = assistant.ask("draft", told, data, Written, now=now, again=again)
        if isinstance(found, Unavailable):
            return NoDraft(f"no draft: {found.words}")
        text = _text(found, opening)
        if not text:
            return NoDraft(NOTHING_KNOWN)
        refused = check(text, given)
        if not refused:
            return Draft(f"{opening}{text}", tuple(dict.fromkeys(fact.label for fact in facts if fact.step)))
    reasons = "; ".join(dict.fromkeys(str(each) for each in refused[:_SHOWN]))
    return NoDraft(f"no draft: what the assistant wrote was refused, because {reasons}")


def _place(
    replying: Replying, case: Case, parent: Post | None, limit: int | None, now: datetime
) -> tuple[str, int | None]:
    """What stands before a reply on this network, and how many characters it takes."""
    if parent is None or not replying.is_on(case.source):
        return "", limit
    try:
        longest = replying.writers.standing(case.source, now).longest
    except ConnectorError:  # the page says so beside the box
        return replying.writers.of(case.source).opening(parent), limit
    return replying.writers.of(case.source).opening(parent), longest


def _given(
    rules: Rules, database: Database, case: Case, post: Post, spoken: str, facts: Sequence[Fact], name: str,
    now: datetime, limit: int | None, opening: str,
) -> Given:  # fmt: skip
    recent = known.recent_replies(database, case.brand, now, RECENT)
    accounts = [
        account
        for brand in rules.settings.brands
        if brand.name == case.brand
        for theirs in brand.accounts.values()
        for account in theirs
    ]
    names = (post.author, post.author_name, *post.author_name.split(), case.brand, name, *accounts)
    return Given(
        post=f"{post.title}\n{post.text}"[:_POST].strip(),
        language=spoken,
        facts=tuple(fact.text for fact in facts),
        has_step=any(fact.step for fact in facts),
        told_elsewhere=any(fact.step and detect(fact.text) not in {spoken, UNKNOWN} for fact in facts),
        recent=recent,
        names=tuple(dict.fromkeys(each for each in names if each)),
        form=_form(recent, spoken),
        we_failed=case.priority in {"critical", "urgent"} and case.lane == "ping",
        limit=limit - len(opening) if limit is not None else None,
    )


def _form(recent: Sequence[str], language: str) -> str:
    """How the brand's last replies say "you", where they mostly say it in one way."""
    used = Counter(form for reply in recent for form in draft_phrases.form_of(reply, language))
    best = used.most_common(2)
    return best[0][0] if best and (len(best) == 1 or best[0][1] >= 2 * best[1][1]) else ""


def _listed(facts: Sequence[Fact]) -> str:
    return "\n".join(f"{number}. {fact.text}" for number, fact in enumerate(facts, 1)) or "Nothing is known."


def _instructions(rules: Rules, case: Case, given: Given) -> str:
    voice = next((brand.voice for brand in rules.settings.brands if brand.name == case.brand), "")
    theirs = draft_phrases.form_of(given.post, given.language)
    form = next(iter(theirs)) if len(theirs) == 1 else given.form
    spoken = name_of(given.language) if given.language != UNKNOWN else "the language of the post"
    sentences = max(len(draft_phrases.sentences(given.post)), 1) + 2
    step = (
        "Say the next step, from the facts alone."
        if given.has_step
        else "The facts hold no next step: ask exactly one question whose answer would help, and nothing else. If no "
        'question would help, answer with kind "nothing" and an empty text.'
    )
    lines = [
        f"Draft a public reply of {case.brand} to the post. Somebody of its team reads it, changes it and posts it.",
        f"Write in {spoken}, at most {sentences} short sentences" + (
            f" and {given.limit} characters." if given.limit is not None else "."
        ),
        "Name the one concrete thing that the person said, in their own words.",
        step,
        "Ask at most one question. Promise nothing: no refund, date, compensation or guarantee, nothing that somebody "
        "will do. Do not claim that anything was done, and give no reason, unless a fact says so. Give no link, "
        "address, account, number or name that no fact holds. Do not blame them, name no policy, and send them "
        "nowhere. No greeting that fits anybody, no thanks or apology that you would write to anybody else, no "
        "signature, nothing to fill in.",
    ]  # fmt: skip
    if given.we_failed:
        lines.append("Something went wrong here: say sorry once, plainly, in the first person.")
    if form:
        lines.append(f"Use the {form} form of address.")
    if voice:
        lines.append(f"How {case.brand} speaks, in its own words: {clean(voice)}")
    lines.append('Answer as {"kind": "step" or "question" or "nothing", "text": "..."}.')
    return "\n".join(lines)


def _again(refused: Sequence[Refusal]) -> str:
    """What was wrong, in our words alone: what the model wrote may hold what somebody made it write."""
    reasons = "; ".join(dict.fromkeys(each.words for each in refused))
    return f"Your last try was refused: {reasons}. Write another one without that."


def _text(found: Answer[Written], opening: str) -> str:
    if found.value.kind == "nothing":
        return ""
    text = clean(found.value.text).strip()
    return text.removeprefix(opening.strip()).lstrip(" ,:") if opening.strip() else text
