"""The ids of people. They are made in this file and nowhere else; names are shown, never compared.

An id says by which way somebody is known, and the key they have there:

    settings:Ana              a name of [[people]]
    page:Ana                  a user of the page
    slack:T024/U0G9           Slack's team and user
    mail:email:care@ex.org/Jo a mail's recipient, and the name given on its page
    token:5f3a                a token of the API, by the hash that is kept
    shell:ana                 the account that runs a command
    assistant:Ana's assistant an assistant, as it was started
    demo:You                  the visitor of the sample day
    name:Ana                  a name alone: from databases that kept no ids, or where nobody is listed yet

One person may be known by several. `Directory` says which of them are the same person.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from monitor.settings.errors import meant
from monitor.settings.models import Person, Settings
from monitor.store import people, web
from monitor.store.database import Database


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody of the staff: the id that is compared, and the name that is shown."""

    id: str
    name: str

    @property
    def kind(self) -> str:
        """By which way they are known: "settings", "page", "slack", ..."""
        return self.id.partition(":")[0]

    @property
    def key(self) -> str:
        """What they are called there."""
        return self.id.partition(":")[2]


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
        return {user.name: user for user in web.users(self._database) if user.disabled_at is None}

    @cached_property
    def _tokens(self) -> frozenset[str]:
        return frozenset(row["id"] for row in web.api_tokens(self._database))

    def resolve(self, actor: Actor) -> Actor:
        """The same person under the id that counts: that of settings where they stand there, then the page's."""
        key = actor.key
        match actor.kind:
            case "slack":
                user = key.partition("/")[2]
                found = next((each.name for each in self._people.values() if user and each.slack == user), "")
                return of_settings(found) if found else actor
            case "mail":
                found = self._by_recipient(key.rpartition("/")[0])
                return of_settings(found) if found else actor
            case "settings" | "page" | "name" | "shell":
                if key in self._people:
                    return of_settings(key)
                return of_page(key) if key in self._users else actor
            case _:
                return actor

    def _by_recipient(self, recipient: str) -> str:
        """The name of the one person whom this target reaches, "" where several read it."""
        address = recipient.partition(":")[2]
        for person in self._people.values():
            targets = {target.casefold() for target in person.targets}
            if recipient in targets or (person.email and person.email.casefold() == address):
                return person.name
        return ""

    def gone(self, actor: Actor) -> str:
        """Why somebody who was known is gone, "" for everybody else.

        An id of settings, of the page or of a token was made of an entry there; only where that has gone is the person
        gone. Whoever never stood in a list cannot have left it.
        """
        actor = self.resolve(actor)
        if actor.kind == "settings" and actor.key not in self._people:
            return f"{actor.name} is no longer in the settings"
        if actor.kind == "page" and actor.key not in self._users:
            return f"{actor.name} can no longer log in"
        if actor.kind == "token" and actor.key not in self._tokens:
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
        listed = self._people.get(actor.key) if actor.kind == "settings" else self._users.get(actor.key)
        return actor.kind in {"settings", "page"} and listed is not None and listed.role == "viewer"

    @property
    def is_empty(self) -> bool:
        """Whether neither settings nor the page know anybody yet: then every name is as good as another."""
        return not self._people and not self._users

    def find(self, who: str) -> Actor | None:
        """Somebody of the list, by id or by the name that it shows; None where nobody bears it."""
        if not who:
            return None
        for actor in self.everyone:
            if who in {actor.id, actor.name}:
                return self.resolve(actor)
        return of_name(who) if self.is_empty else None

    def nobody(self, who: str) -> str:
        """That nobody bears a name, with the names that come nearest."""
        names = [actor.name for actor in self.everyone]
        return f"nobody is called {who!r}: {meant(who, names, 'the people are ' + ', '.join(names))}"
