"""Links in mails that act on one case: a GET shows a page with a button, only its POST acts.

Mail scanners open every link. The keys that sign stand in the database (so that the daemon, the page and the command
line share them, and a backup keeps links alive), two at a time: the current one and the one before.
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, cast
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from alerts.links import LIFE, Claim, LinkRefused, Signer
from alerts.wording import count_words
from monitor.cases import actions, verbs
from monitor.cases.own_lists import all_solved, sent_on_by
from monitor.notify import case_words, incident_messages, problem_messages
from monitor.people.actors import NotPossible, admit, refusal
from monitor.people.identity import NOBODY, Actor, Directory, of_mail, of_settings
from monitor.people.roles import RANK, UNPROVEN
from monitor.settings.models import Settings
from monitor.store import cases, key_values, mentions, web
from monitor.store.database import at, stamp
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.types import SignedLink
from monitor.web.html import page
from monitor.web.identity import Refusal
from monitor.web.routing import RequestContext, get, post

FACT = "link_keys"
LETTERS = "letters"  # the purpose of the link that ends somebody's letters
# Of the links that take what many cases share: the token names "incident:12" or "problem:4" instead of a case.
SHARED = {incident_messages.TAKE: "incident", problem_messages.TAKE: "problem"}
ALL_SOLVED = "all_solved"  # of the link that closes all that somebody sent on; its token names whose instead of a case
LETTERS_LIFE = timedelta(days=30)  # as long as a key is sure to live
ROTATE = timedelta(days=30)
# What a link for each purpose may do on its page.
PURPOSES = {
    "take": ("take", "dismiss", "undo"),
    "dismiss": ("dismiss", "take", "undo"),
    "morning": ("morning", "take", "undo"),
    "answered": ("answered", "undo"),
    "not_answered": ("not_answered", "undo"),
    "more": ("answered", "snooze", "wait", "release", "close", "undo"),
}


def signer_of(database: Sqlite | Postgresql, now: datetime) -> Signer:
    """The signer with the keys that live, made at the first call and renewed every thirty days.

    Call it outside a transaction.
    """
    kept = _read(key_values.fact(database, FACT))
    if kept is None or now - at(kept["since"]) > ROTATE:
        with database.transaction():
            kept = _read(key_values.fact(database, FACT))  # another process may have been quicker
            if kept is None or now - at(kept["since"]) > ROTATE:
                name = f"k{now:%Y%m%d%H%M%S}"
                before = {kept["current"]: kept["keys"][kept["current"]]} if kept else {}
                fresh = base64.b64encode(secrets.token_bytes(32)).decode()
                kept = {"current": name, "since": stamp(now), "keys": {**before, name: fresh}}
                key_values.remember(database, FACT, json.dumps(kept), now)
    return Signer({name: base64.b64decode(key) for name, key in kept["keys"].items()}, kept["current"])


def acts(settings: Settings, database: Sqlite | Postgresql, target: str, verb: str = "take") -> bool:
    """Whether a link to this target may hold a button: not where it reaches one person who may only look.

    What several people read proves none of them, and ends no case.
    """
    reader = admit(Directory(database, settings), of_mail(target), "mail link")
    return not refusal(reader, verb)


def _read(text: str) -> dict[str, Any] | None:
    return cast("dict[str, Any]", json.loads(text)) if text else None


def make(settings: Settings, database: Sqlite | Postgresql, clock: Callable[[], datetime]) -> SignedLink:
    """How messages link to what a person can do: (case id, target, verb) -> address, "" for a verb without a page.

    Safe inside a transaction: the keys are read, never made there.
    """
    signer_of(database, clock())
    base = settings.earful.page_url.rstrip("/")

    def link(case_id: str, target: str, purpose: str) -> str:
        kept = _read(key_values.fact(database, FACT))
        if purpose not in {*PURPOSES, *SHARED, LETTERS, ALL_SOLVED} or kept is None:
            return ""
        if purpose != LETTERS and not acts(settings, database, target, "close" if purpose == ALL_SOLVED else "take"):
            return ""
        keys = {name: base64.b64decode(key) for name, key in kept["keys"].items()}
        signer = Signer(keys, str(kept["current"]))
        if purpose == LETTERS:
            return f"{base}/letters/{signer.sign('', target[:300], purpose, clock() + LETTERS_LIFE)}"
        path = {ALL_SOLVED: "private", **{each: f"take/{what}" for each, what in SHARED.items()}}.get(
            purpose, f"act/{purpose}"
        )
        return f"{base}/{path}/{signer.sign(case_id, target[:200], purpose, clock() + LIFE)}"

    return link


def proof_of(token: str) -> str:
    """What the form on the page of a link holds, so that no other page can press its button."""
    return hmac.new(token.encode("utf-8", "replace"), b"earful form", sha256).hexdigest()


def claim_of(context: RequestContext, purpose: str = "") -> Claim:
    """What the link of this request says; every bad one gets the same page."""
    purpose = purpose or context.path("purpose")
    try:
        if purpose not in {*PURPOSES, *SHARED, ALL_SOLVED}:
            raise LinkRefused("wrong_purpose")
        return signer_of(context.database, context.now).read(context.path("token"), purpose, context.now)
    except LinkRefused as refused:
        raise Refusal(403, "This link does not work", str(refused)) from None


def check_proven(context: RequestContext) -> None:
    """Refuse a press that does not come from the link's own page."""
    if not hmac.compare_digest(context.form.get("proof").encode(), proof_of(context.path("token")).encode()):
        raise Refusal(403, "This page is incomplete", "Open the link again and press the button.")


def person_of(context: RequestContext, recipient: str) -> Actor:
    """Whom this link was sent to; nobody for an address that several people read."""
    actor = admit(context.directory, of_mail(recipient), "mail link")
    return actor if actor.kind == "settings" else NOBODY


def choice_of(context: RequestContext) -> list[str]:
    """Who may be chosen at a shared address: the people of settings who answer. None listed: a name is typed."""
    roles = {person.name: context.directory.role_of(of_settings(person.name)) for person in context.settings.people}
    return [name for name, role in roles.items() if RANK[role] >= RANK["staff"]]


def who_presses(context: RequestContext, recipient: str) -> Actor:
    """Who presses: whom the link was sent to, else whoever of the people they say they are, unproven."""
    said = " ".join(context.form.get("who").split())[:64]
    actor = person_of(context, recipient)
    if actor is not NOBODY or not said:
        return actor
    choice = choice_of(context)
    return admit(context.directory, of_mail(recipient, said), "mail link") if said in choice or not choice else NOBODY


def proves_nobody(context: RequestContext, claim: Claim) -> bool:
    """Whether a link that several people read only leads to the page: people have logins, so they can prove it."""
    logins = any(user.disabled_at is None for user in web.users(context.database))
    return logins and person_of(context, claim.recipient) is NOBODY


def _opens_the_case(context: RequestContext, claim: Claim) -> Response | None:
    """Where several people read a link, and have logins, it only leads to the case."""
    if not proves_nobody(context, claim):
        return None
    return elsewhere(context, f"/cases/{claim.case_id}")


def elsewhere(context: RequestContext, there: str) -> Response:
    """Lead to a page for whoever is logged in; others log in first."""
    return RedirectResponse(there if context.identity else "/login?" + urlencode({"next": there}), 303)


def _may(context: RequestContext, claim: Claim) -> frozenset[str]:
    """The verbs whose buttons are shown."""
    person, asked = person_of(context, claim.recipient), frozenset(PURPOSES[claim.purpose])
    if person is NOBODY:
        return UNPROVEN
    return frozenset(verb for verb in asked if not refusal(person, verb))


def _show(context: RequestContext, claim: Claim, said: str = "", fault: str = "", status: int = 200) -> Response:
    row = cases.row_of(context.database, claim.case_id)
    if row is None:
        raise Refusal(403, "This link does not work", str(LinkRefused("malformed")))
    case, told = cases.case_of(row), mentions.of_case(context.database, claim.case_id)
    return page(
        context,
        "act.html",
        title=f"Case {case.id}",
        status=status,
        case=case,
        told=told[-5:],
        why=case_words.facts_of(context.rules, row, case, case_words.worst_of(told), (), context.now),
        purpose=claim.purpose,
        person=person_of(context, claim.recipient).name,
        people=choice_of(context),
        may=_may(context, claim),
        proof=proof_of(context.path("token")),
        standing=case_words.standing(context.rules, case, context.now, context.zone),
        said=said,
        fault=fault,
    )


@get("/act/{purpose}/{token}", role="nobody", kind="public")
def show_link(context: RequestContext) -> Response:
    """What the link is about, with its buttons. Nothing happens yet, however often it is opened."""
    claim = claim_of(context)
    return _opens_the_case(context, claim) or _show(context, claim)


@post("/act/{purpose}/{token}", role="nobody", kind="public", before=claim_of)
def use_link(context: RequestContext) -> Response:
    """Do what the button says."""
    claim = claim_of(context)
    if (there := _opens_the_case(context, claim)) is not None:
        return there
    check_proven(context)
    verb = context.form.get("verb") or claim.purpose
    if verb not in PURPOSES[claim.purpose] and verb not in _may(context, claim):
        raise Refusal(403, "This link is not for that", "Open the case on the page.")
    person = who_presses(context, claim.recipient)
    if person is NOBODY:
        return _show(context, claim, fault="Choose your name, so that your colleagues know.", status=400)
    if why := refusal(person, verb):
        return _show(context, claim, fault=f"{why}.", status=403)
    if verb in {"close", "dismiss"} and not (
        context.form.get("outcome") if verb == "close" else context.form.get("why")
    ):
        what = "an outcome" if verb == "close" else "why it needs no answer"
        return _show(context, claim, fault=f"Choose {what}, then press again.", status=400)
    detail: dict[str, object] = {name: context.form.get(name)[:2000] for name in ("outcome", "why", "text")}
    if verb in {"snooze", "wait"}:
        hours = {"1": 1, "4": 4, "24": 24, "72": 72}.get(context.form.get("hours"), 1)
        detail = {"until": context.now + timedelta(hours=hours), "on": verbs.THE_CUSTOMER}
    try:
        said = actions.say(
            context.database, context.rules, claim.case_id, verb, who=person, way="mail link", now=context.now,
            detail={key: value for key, value in detail.items() if value},
        )  # fmt: skip
    except NotPossible as error:
        return _show(context, claim, fault=str(error), status=409)
    return _show(context, claim, said=said.text)


def _private(context: RequestContext) -> tuple[Claim, Actor, Response | None]:
    """The claim of a link to what went private, who reads it, and where else they are led if it proves nobody."""
    claim = claim_of(context, ALL_SOLVED)
    person = person_of(context, claim.recipient)
    if person is not NOBODY and not refusal(person, "close"):
        return claim, person, None
    return claim, person, elsewhere(context, "/?state=private")


def _show_private(context: RequestContext, claim: Claim, person: Actor, said: str = "") -> Response:
    return page(
        context,
        "private.html",
        title="Moved to private messages",
        cases=[cases.case_of(row) for row in sent_on_by(context.database, context.rules, claim.case_id)],
        person=person.name,
        proof=proof_of(context.path("token")),
        said=said,
    )


@get("/private/{token}", role="nobody", kind="public")
def show_private(context: RequestContext) -> Response:
    """The cases that somebody sent on, with one button. Nothing happens yet, however often it is opened."""
    claim, person, there = _private(context)
    return there or _show_private(context, claim, person)


@post("/private/{token}", role="nobody", kind="public")
def use_private(context: RequestContext) -> Response:
    """One press for all that somebody sent on: solved."""
    claim, person, there = _private(context)
    if there is not None:
        return there
    check_proven(context)
    with context.database.transaction():
        count = all_solved(context.database, context.rules, person, "mail link", context.now, owner_id=claim.case_id)
    return _show_private(context, claim, person, said=f"{count_words(count, 'case')} closed as solved")
