"""Who acts: the one place that says who somebody is, by which way they came, how that is proven, and what they may do.

The page, Slack, links in mails, the API, assistants and commands each know somebody by a key of their own
(monitor/people/identity.py). `admit` makes an actor of it: the person whom settings or the page know, with their role.
`refusal` says whether that actor may do a thing; whatever changes a case asks it, and so does what changes people.
`require` is both at once, and raises `NotAllowed`.
"""

from __future__ import annotations

from dataclasses import replace

from connectors.text import clean
from monitor.people.identity import UNPROVEN_MARK, Actor, Directory, Proof, of_name, settings_name, slack_user
from monitor.people.roles import RANK, UNPROVEN, Role, least

# By each way, how it is proven who comes by it.
PROOFS: dict[str, Proof] = {
    "page": "login",
    "slack": "signature",
    "mail link": "link",
    "pager": "signature",
    "api": "token",
    "mcp": "account",
    "command line": "account",
}
WAYS = tuple(PROOFS)
# By these ways a person comes who is known, and proves it; no program, no mail, no account of a machine is one.
PERSONS_WAYS = frozenset({"page", "slack", "command line"})
PERSONS_PROOFS = frozenset({"login", "signature", "account"})
PERSONS_KINDS = frozenset({"settings", "page", "slack", "demo"})
# What Earful does by itself, whichever way it names.
OURS = frozenset({"settings", "network", "intake", "escalation", "retention", "audit", "clock"})


class NotPossible(Exception):
    """What somebody asks for cannot be done; the message tells them why, and what to do instead."""


class NotAllowed(NotPossible):
    """Whoever asks may not, by any way."""


def admit(directory: Directory, who: Actor | str, way: str) -> Actor:
    """Somebody who comes by this way, as an actor. Whoever is not known is admitted as "nobody": they may do nothing.

    `who` is what the way knows of them, or a name out of our own code, which is looked up in the list of people.
    """
    if isinstance(who, str):
        name = clean(who)
        who = directory.speaks(name) or of_name(name)
    if not who.id and way in OURS:
        return replace(who, way=way, proof="itself", role="admin")
    given = Actor(clean(who.id), clean(who.name))
    one = directory.resolve(given)
    proof: Proof = PROOFS.get(way, "list")
    role = directory.role_of(one)
    name = one.name
    if one.kind == "slack":
        name, proof, role = _from_slack(directory, one, proof, role)
    elif given.kind == "mail" and one.kind == "mail":
        # An address that several read: nothing proves which of them it was.
        proof, name = "claimed", f"{name.removesuffix(UNPROVEN_MARK)}{UNPROVEN_MARK}"
    elif one.kind == "pager":  # the service is proven, but not which of our people that is
        proof = "claimed"
    return Actor(one.id, name, way, proof, role)


def _from_slack(directory: Directory, one: Actor, proof: Proof, role: Role) -> tuple[str, Proof, Role]:
    """The name, the proof and the role of somebody in Slack whom settings do not list."""
    slack, (team, user) = directory.slack, slack_user(one.id)
    if slack.is_member(team, user):
        return directory.shown(one), proof, role
    if not slack.is_ours(team):
        return directory.shown(one), "stranger", "nobody"
    if directory.is_empty:  # nobody is listed anywhere: everybody in the workspace is as good as another
        return directory.shown(one), proof, "staff"
    # Before settings list anybody of Slack its buttons would be dead; from then on whoever is not listed waits outside.
    may = slack.strangers_may or not (slack.lists_people or slack.has_group)
    return directory.shown(one), "stranger", "staff" if may else "nobody"


def refusal(actor: Actor, verb: str) -> str:
    """Why this actor may not do this, in words for them; "" where they may."""
    if actor.proof == "claimed" and verb not in UNPROVEN:
        return f"{actor.name} may take a case, snooze it and add notes; log in to do more"
    if RANK[actor.role] >= RANK[least(verb)]:
        return ""
    if actor.role == "nobody":
        return _unknown(actor)
    return f"{actor.name} is {_a(actor.role)}; this needs {least(verb)}"


def require(directory: Directory, who: Actor | str, way: str, verb: str) -> Actor:
    """Whoever comes by this way, as an actor who may do this; NotAllowed for everybody else."""
    actor = admit(directory, who, way)
    if why := refusal(actor, verb):
        raise NotAllowed(why)
    return actor


def is_person(actor: Actor) -> bool:
    """Whether this is a person who is known: only they can have anything written where others read it."""
    return actor.way in PERSONS_WAYS and actor.proof in PERSONS_PROOFS and actor.kind in PERSONS_KINDS


def _unknown(actor: Actor) -> str:
    _, user = slack_user(actor.id)
    if user:
        return (
            f'{actor.name} is not known here. Ask an admin to write slack = "{user}" into your [[people]] entry, or to '
            "add you to the user group of may_press"
        )
    if settings_name(actor.id) or actor.kind == "page":
        return f"{actor.name} no longer has access here; ask an admin"
    return f"{actor.name or 'whoever asks'} is not known here; ask an admin"


def _a(role: Role) -> str:
    return f"an {role}" if role == "admin" else f"a {role}" if role in {"viewer", "lead"} else role
