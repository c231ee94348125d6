"""Links in mails that take an incident or a problem: as for a case, a GET shows a page, only its button acts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import Response

from alerts.links import Claim, LinkRefused
from monitor.cases.actions import Said
from monitor.causes import acting as of_problems
from monitor.incidents import acting as of_incidents
from monitor.notify import incident_messages
from monitor.people.actors import NotPossible, refusal
from monitor.people.identity import NOBODY
from monitor.store import incidents, problems
from monitor.store.database import Row
from monitor.web.html import page
from monitor.web.identity import Refusal
from monitor.web.links import (
    SHARED,
    check_proven,
    choice_of,
    claim_of,
    elsewhere,
    person_of,
    proof_of,
    proves_nobody,
    who_presses,
)
from monitor.web.routing import RequestContext, get, post

_PURPOSES = {what: purpose for purpose, what in SHARED.items()}
_ACTS: dict[str, Callable[..., Said]] = {"incident": of_incidents.act_within, "problem": of_problems.act_within}
VERBS = ("take", "release")


@dataclass(frozen=True, slots=True)
class _Subject:
    """What a link is about, as its page shows it. `over` says why it cannot be taken any more."""

    what: str
    number: str
    title: str
    facts: tuple[str, ...]
    owner: str
    over: str

    @property
    def address(self) -> str:
        return f"/{self.what}s/{self.number}"


def _claim(context: RequestContext) -> Claim:
    return claim_of(context, _PURPOSES.get(context.path("what"), "none"))


def _subject(context: RequestContext, claim: Claim) -> _Subject:
    what, _, number = claim.case_id.partition(":")
    made = None
    if what == context.path("what"):
        made = _incident(context, number) if what == "incident" else _problem(context, number)
    if made is None:
        raise Refusal(403, "This link does not work", str(LinkRefused("malformed")))
    return made


def _incident(context: RequestContext, number: str) -> _Subject | None:
    row = incidents.one(context.database, number)
    if row is None:
        return None
    facts = tuple(incident_messages.facts_of(context.database, context.rules, row, context.now, context.zone))
    title = f"Incident: {incident_messages.name_of(context.database, row)}"
    return _Subject("incident", number, title, facts, row["owner"], "It is over." if row["ended_at"] else "")


def _problem(context: RequestContext, number: str) -> _Subject | None:
    found = problems.counted(context.database, open_only=False)
    row: Row | None = next((each for each in found if str(each["id"]) == number), None)
    if row is None:
        return None
    people = f"{row['people']:,} {'person' if row['people'] == 1 else 'people'}"
    standing = f"taken by {row['owner']}" if row["owner"] else "nobody has taken it"
    over = "It is marked as fixed." if row["fixed_at"] else ""
    return _Subject("problem", number, f"{row['brand']}: {row['name']}", (people, standing), row["owner"], over)


def _show(context: RequestContext, claim: Claim, said: str = "", fault: str = "", status: int = 200) -> Response:
    person = person_of(context, claim.recipient)
    return page(
        context, "take.html", title=(subject := _subject(context, claim)).title, status=status, subject=subject,
        person=person.name, people=choice_of(context), may=person is NOBODY or not refusal(person, "take"),
        proof=proof_of(context.path("token")), said=said, fault=fault,
    )  # fmt: skip


@get("/take/{what}/{token}", role="nobody", kind="public")
def show_take(context: RequestContext) -> Response:
    """What is to be taken, with its button. Nothing happens yet, however often it is opened."""
    claim = _claim(context)
    subject = _subject(context, claim)
    return elsewhere(context, subject.address) if proves_nobody(context, claim) else _show(context, claim)


@post("/take/{what}/{token}", role="nobody", kind="public", before=_claim)
def use_take(context: RequestContext) -> Response:
    """Take it, or give it back."""
    claim = _claim(context)
    subject = _subject(context, claim)
    if proves_nobody(context, claim):
        return elsewhere(context, subject.address)
    check_proven(context)
    verb = context.form.get("verb") or "take"
    if verb not in VERBS:
        raise Refusal(403, "This link is not for that", f"Open the {subject.what} on the page.")
    person = who_presses(context, claim.recipient)
    if person is NOBODY:
        return _show(context, claim, fault="Choose your name, so that your colleagues know.", status=400)
    if why := refusal(person, verb):
        return _show(context, claim, fault=f"{why}.", status=403)
    try:
        with context.database.transaction():
            said = _ACTS[subject.what](
                context.database, context.rules, subject.number, verb, who=person, way="mail link", now=context.now
            )
    except NotPossible as error:
        return _show(context, claim, fault=f"{error}.", status=409)
    return _show(context, claim, said=said.text)
