"""The ids of people. They are made in this file and nowhere else; names are shown, never compared.

An id says by which way somebody is known, and the key they have there:

    settings:Ana              a name of [[people]]
    page:Ana                  a user of the page
    slack:T024/U0G9           Slack's team and user
    mail:email:care@ex.org/Jo a mail's recipient, and the name given on its page
    pager:duty/PLH1HKV        a channel of kind "pager", and the id of somebody there
    token:5f3a                a token of the API, by the hash that is kept
    shell:ana                 the account that runs a command
    assistant:Ana's assistant an assistant, as it was started
    demo:You                  the visitor of the sample day
    name:Ana                  a name alone: from databases that kept no ids, or where nobody is listed yet

One person may be known by several. `Directory` says which of them are the same person.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Literal, cast

from alerts import hours
from monitor.people.roles import RANK, Role, lower
from monitor.people.slack_staff import Workspaces
from monitor.settings.errors import meant
from monitor.settings.models import Person, Settings
from monitor.store import people, web
from monitor.store.database import Database, Row

# How it is known that somebody is who they say they are. "claimed": they only say so. "stranger": the way is proven,
# and nobody here knows them.
Proof = Literal["", "itself", "login", "signature", "link", "token", "account", "list", "claimed", "stranger"]
UNPROVEN_MARK = ", unproven (shared address)"
PAGER_MARK = " (pager)"
STRANGER_MARK = " (Slack, not in people)"


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody of the staff: the id that is compared, and the name that is shown.

    Whoever acts was admitted (monitor/people/actors.py): then it is said by which way they came, how that was proven,
    and what their role is. Nobody else has a role.
    """

    id: str
    name: str
    way: str = field(default="", compare=False)
    proof: Proof = field(default="", compare=False)
    role: Role = field(default="nobody", compare=False)

    @property
    def kind(self) -> str:
        """By which way they are known: "settings", "page", "slack", ..."""
        return self.id.partition(":")[0]

    @property
    def key(self) -> str:
        """What they are called there."""
        return self.id.partition(":")[2]

    @property
    def teaches(self) -> bool:
        """Whether the judge learns from them: never from somebody whom nobody can name for sure."""
        return self.proof not in {"claimed", "stranger"}


NOBODY = Actor("", "")


def of_settings(name: str) -> Actor:
    """A person of [[people]]; without a name, nobody."""
    return Actor(f"settings:{name}", name) if name else NOBODY


def of_page(name: str) -> Actor:
    """A user of the page."""
    return Actor(f"page:{name}", name)


def of_slack(team: str, user: str, name: str = "") -> Actor:
    """Somebody in Slack, by team and user; `name` is what Slack calls them."""
    return Actor(f"slack:{team}/{user}", name or user)


def of_mail(recipient: str, name: str = "") -> Actor:
    """Whoever opened the link of a mail: its recipient ("email:care@example.org") and the name that they gave."""
    called = " ".join(name.replace("/", " ").split()).casefold()
    return Actor(f"mail:{recipient.casefold()}/{called}", name)


def of_pager(channel: str, user: str, name: str = "") -> Actor:
    """Somebody who is on call at a pager. Their name there is theirs to choose, so it says where it comes from."""
    return Actor(f"pager:{channel}/{user}", f"{name}{PAGER_MARK}" if name else "somebody at the pager")


def of_token(kept: str, name: str) -> Actor:
    """A program with a token of the API, by the id under which the token is kept."""
    return Actor(f"token:{kept}", name)


def of_shell(name: str) -> Actor:
    """The account that runs a command."""
    return Actor(f"shell:{name}", name)


def of_assistant(name: str) -> Actor:
    """An assistant that was started under this name."""
    return Actor(f"assistant:{name}", name)


def of_demo(name: str) -> Actor:
    """The visitor of the sample day's open page."""
    return Actor(f"demo:{name}", name)


def of_name(name: str) -> Actor:
    """A name and no more; without one, nobody."""
    return Actor(f"name:{name}", name) if name else NOBODY


def settings_name(person_id: str) -> str:
    """The name in [[people]] that an id speaks of, "" for everybody else."""
    kind, _, key = person_id.partition(":")
    return key if kind == "settings" else ""


def slack_user(person_id: str) -> tuple[str, str]:
    """(team, user) of somebody who is known from Slack alone, else two empty texts."""
    kind, _, key = person_id.partition(":")
    team, _, user = key.partition("/")
    return (team, user) if kind == "slack" else ("", "")


class Directory:
    """Who there is: the one list of people, for the page, Slack, mails, the API and the commands alike."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._people: dict[str, Person] = {person.name: person for person in settings.people}

    @cached_property
    def _users(self) -> dict[str, web.User]:
        """The page's users who may log in."""
        return {name: user for name, user in self._logins.items() if user.disabled_at is None}

    @cached_property
    def _logins(self) -> dict[str, web.User]:
        """The page's users, those who are shut out among them."""
        return {user.name: user for user in web.users(self._database)}

    @cached_property
    def _tokens(self) -> dict[str, Row]:
        return {row["id"]: row for row in web.api_tokens(self._database)}

    @cached_property
    def slack(self) -> Workspaces:
        """Who belongs to us in Slack."""
        return Workspaces(self._database, self._settings)

    def resolve(self, actor: Actor) -> Actor:
        """The same person under the id that counts: that of settings where they stand there, then the page's."""
        key = actor.key
        match actor.kind:
            case "slack":
                team, _, user = key.partition("/")
                found = next((each.name for each in self._people.values() if user and each.slack == user), "")
                return self._as(actor, of_settings(found)) if found and self.slack.is_ours(team) else actor
            case "mail":
                found = self.recipient(key.rpartition("/")[0])
                return self._as(actor, of_settings(found)) if found else actor
            case "settings" | "page" | "name" | "shell":
                if key in self._people:
                    return self._as(actor, of_settings(key))
                return self._as(actor, of_page(key)) if key in self._users else actor
            case _:
                return actor

    @staticmethod
    def _as(actor: Actor, other: Actor) -> Actor:
        """The same person under another id and name."""
        return replace(actor, id=other.id, name=other.name)

    def recipient(self, recipient: str) -> str:
        """The name of the one person whom this target reaches, "" where nobody or several read it."""
        address, recipient = recipient.partition(":")[2].casefold(), recipient.casefold()
        found = [
            person.name
            for person in self._people.values()
            if recipient in {target.casefold() for target in person.targets}
            or (person.email and person.email.casefold() == address)
        ]
        return found[0] if len(found) == 1 else ""

    def role_of(self, actor: Actor) -> Role:  # noqa: PLR0911 - one line a kind
        """What somebody may do, whichever way they come; "nobody" for whoever is not known, or is shut out.

        Where a person has a login on the page, an admin sets their role there; else it is that of settings.
        """
        one = self.resolve(actor)
        match one.kind:
            case "settings" | "page":
                login, listed = self._logins.get(one.key), self._people.get(one.key)
                if login is not None and (login.disabled_at is not None or login.role not in RANK):
                    return "nobody"
                if login is not None:
                    return cast(Role, login.role)
                return listed.role if listed is not None else "nobody"
            case "token":
                row = self._tokens.get(one.key)
                if row is None or row["role"] not in RANK:
                    return "nobody"
                owner, role = row["owner"], cast(Role, row["role"])
                return role if owner in {"", web.UNKNOWN_OWNER} else lower(role, self.role_of(Actor(owner, "")))
            case "slack":
                return "staff" if self.slack.is_member(*slack_user(one.id)) else "nobody"
            case "assistant":
                served = self.resolve(of_name(one.key.removesuffix("'s assistant")))
                return lower("staff", self.role_of(served)) if served.kind != "name" else "staff"
            case "demo" | "shell":  # whoever runs commands holds the database anyway
                return "admin"
            case "name":  # where nobody is listed, every name is as good as another
                return "admin" if self.is_empty else "staff"
            case "mail" | "pager":
                return "staff"
            case _:
                return "nobody"

    def shown(self, actor: Actor) -> str:
        """The name under which somebody from Slack is shown: it says so where they are not known, or known by another.

        A name in Slack is whatever its bearer wrote: it never looks like the name of somebody who is listed here.
        """
        if actor.kind != "slack" or self.is_empty or actor.name.endswith(STRANGER_MARK):
            return actor.name
        if not self.slack.is_member(*slack_user(actor.id)):
            return f"{actor.name}{STRANGER_MARK}"
        listed = {name.casefold() for name in (*self._people, *self._logins)}
        return f"{actor.name} (Slack)" if actor.name.casefold() in listed else actor.name

    def gone(self, actor: Actor, opening: hours.OpeningHours | None = None, now: datetime | None = None) -> str:
        """Why somebody who was known is gone, "" for everybody else.

        An id of settings, of the page or of a token was made of an entry there; only where that has gone is the person
        gone. Whoever never stood in a list cannot have left it. Whoever left Slack's user group is gone from the next
        opening on.
        """
        actor = self.resolve(actor)
        if actor.kind == "slack" and opening is not None and now is not None:
            left = self.slack.left_at(*slack_user(actor.id))
            if left is not None and now >= hours.opens_after(left, opening):
                return f"{actor.name} is no longer in Slack's user group"
        if actor.kind == "settings" and actor.key not in self._people:
            return f"{actor.name} is no longer in the settings"
        if actor.kind == "settings" and self.role_of(actor) == "nobody":
            return f"{actor.name} can no longer log in"
        if actor.kind == "page" and actor.key not in self._users:
            return f"{actor.name} can no longer log in"
        if actor.kind == "token" and self.role_of(actor) == "nobody":
            return f"{actor.name}'s token was revoked"
        return ""

    @cached_property
    def everyone(self) -> tuple[Actor, ...]:
        """All who can have a case: settings, the page's users, then whoever has one. Each under a name of their own."""
        found: dict[str, Actor] = {}
        names: set[str] = set()
        for actor in self._listed():
            one = self.resolve(actor)
            if one.id in found or self._only_looks(one):
                continue
            shown = one.name if one.name.casefold() not in names else f"{one.name} ({one.kind})"
            names.add(shown.casefold())
            found[one.id] = Actor(one.id, shown)
        return tuple(found.values())

    def _listed(self) -> Iterator[Actor]:
        yield from (of_settings(name) for name in self._people)
        yield from (of_page(name) for name in self._users)
        yield from (Actor(row["owner_id"], row["owner"]) for row in people.owners(self._database))

    def _only_looks(self, actor: Actor) -> bool:
        """Whether somebody is a viewer."""
        return actor.kind in {"settings", "page"} and self.role_of(actor) == "viewer"

    @property
    def is_empty(self) -> bool:
        """Whether neither settings nor the page know anybody yet: then every name is as good as another."""
        return not self._people and not self._users and not self.slack.has_group

    def find(self, who: str) -> Actor | None:
        """Somebody of the list, by id or by the name that it shows; None where nobody bears it."""
        if not who:
            return None
        for actor in self.everyone:
            if who in {actor.id, actor.name}:
                return self.resolve(actor)
        return of_name(who) if self.is_empty else None

    def speaks(self, who: str) -> Actor | None:
        """Whoever speaks under this name: as `find`, and viewers too, who can be told that they may not."""
        listed = self.resolve(of_name(who))
        return listed if listed.kind in {"settings", "page"} else self.find(who)

    def nobody(self, who: str) -> str:
        """That nobody bears a name, with the names that come nearest."""
        names = [actor.name for actor in self.everyone]
        return f"there is nobody named {who!r}: {meant(who, names, 'the people are ' + ', '.join(names))}"
