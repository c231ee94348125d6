"""What no single table can know: names that must be unique, words that must name something, steps that must rise.

The checks read the file as it was parsed, so that they speak even while another table is broken.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import time, timedelta
from importlib.util import find_spec
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import alerts
import connectors
from monitor.extras import how_to_install
from monitor.settings.errors import Key, Problem, meant, nearest, one_of, shown
from monitor.settings.models import KEYWORDS, Settings, after, clock, step_after
from monitor.text.query.parsing import QueryError, parse
from monitor.text.relevance import context_query

_OFFSET = re.compile(r"[+-] ?\d|\d:\d")  # of a zone written as "GMT+1"; no place has one in its name
_LISTS = {
    "brands": "brand",
    "sources": "source",
    "channels": "channel",
    "people": "person",
    "competitors": "competitor",
    "trackers": "tracker",
}
_NEEDED = {
    "brands": "write at least one [[brands]] table with name and query",
    "sources": "write at least one [[sources]] table with name and kind",
    "channels": 'write at least one [[channels]] table, such as name = "console" and kind = "console"',
}


class Checks:
    """All checks across tables. `table` is the parsed file, `sound` holds those of its parts that are in order."""

    def __init__(self, table: dict[str, Any], sound: dict[str, Any]) -> None:
        self.table = table
        self.sound = sound
        self.problems: list[Problem] = []
        self.names = {plural: [name for _, name in self._named(plural)] for plural in _LISTS}

    def run(self) -> list[Problem]:
        """Return every problem found."""
        self._lists()
        self._zone()
        self._listen()
        self._database()
        self._oidc()
        self._queries()
        self._accounts()
        self._about()
        self._doors()
        self._targets()
        self._routes()
        self._people()
        self._steps()
        return self.problems

    def _note(self, key: Key, found: str, write: str) -> None:
        self.problems.append(Problem(key, found, write))

    def _entries(self, *way: str) -> Iterator[tuple[Key, dict[str, Any]]]:
        entries: Any = self.table
        for word in way:
            entries = entries.get(word) if isinstance(entries, dict) else None
        for at, entry in enumerate(entries if isinstance(entries, list) else ()):
            if isinstance(entry, dict):
                yield (*way, at), entry

    def _named(self, plural: str) -> Iterator[tuple[Key, str]]:
        for key, entry in self._entries(plural):
            if isinstance(entry.get("name"), str):
                yield (*key, "name"), entry["name"]

    def _given(self, *way: str) -> Any:
        """A value as it holds: from the file, or else the default. The second says which."""
        value: Any = self.table.get(way[0])
        if isinstance(value, dict) and way[1] in value:
            return value[way[1]]
        default: Any = Settings.model_fields[way[0]].default
        return list(getattr(default, way[1]) or ())

    def _lists(self) -> None:
        for plural, write in _NEEDED.items():
            if self.table.get(plural, []) == []:
                self._note((plural,), "nothing", write)
        for plural, single in _LISTS.items():
            seen: set[str] = set()
            for key, name in self._named(plural):
                if name.casefold() in seen:
                    self._note(key, f"{shown(name)} twice", f"each {single} needs its own name")
                seen.add(name.casefold())
            for key, entry in self._entries(plural):
                former = entry.get("was")
                for number, name in enumerate(former if isinstance(former, list) else ()):
                    if isinstance(name, str) and name.casefold() in seen:
                        found = f"{shown(name)}, which is or was the name of another {single}"
                        self._note((*key, "was", number), found, "write former names that are no longer in use")
                    seen.add(str(name).casefold())

    def _zone(self) -> None:
        self._zone_of(("earful", "zone"), self._in("earful", "zone"))
        for key, person in self._entries("people"):
            if person.get("zone"):
                self._zone_of((*key, "zone"), person["zone"])

    def _zone_of(self, key: Key, name: object) -> None:
        if not isinstance(name, str):
            return
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            if _OFFSET.search(name):
                write = 'write one by its place, such as "Europe/Berlin": an offset knows no summer time'
                self._note(key, f"an unknown zone, {shown(name)}", write)
                return
            # Etc/GMT+1 is an hour behind Greenwich, not ahead: nobody means it who has not written it out.
            zones = {zone for zone in available_timezones() if not _OFFSET.search(zone)}
            cities = {zone.rsplit("/", 1)[-1].casefold(): zone for zone in sorted(zones)}
            city = cities.get(name.rsplit("/", 1)[-1].strip().replace(" ", "_").casefold())
            write = f'did you mean "{city}"?' if city else meant(name, zones, 'write one such as "Europe/Berlin"')
            self._note(key, f"an unknown zone, {shown(name)}", write)

    def _listen(self) -> None:
        ports = {name: str(self._in("earful", name)).rpartition(":")[2] for name in ("page_listen", "metrics_listen")}
        for name, port in ports.items():
            if len(port) <= 5 and port.isdecimal() and int(port) > 65535:
                self._note(("earful", name), shown(self._in("earful", name)), "write a port up to 65535")
        page = "8321" if self._in("earful", "page_listen") is None else ports["page_listen"]
        if page == ports["metrics_listen"] != "0":
            self._note(("earful", "metrics_listen"), "the same port as the page", "write another port")

    def _database(self) -> None:
        database = self.sound.get("database")
        if database is None:
            return
        url = database.url.get_secret_value()
        if not url.startswith(("sqlite:", "postgresql://", "postgres://")) or url == "sqlite:":
            write = 'write "sqlite:FILE" or "postgresql://USER@HOST/NAME"'
            self._note(("database", "url"), "neither an SQLite file nor a PostgreSQL address", write)
        elif database.throwaway and not url.startswith("sqlite:"):
            self._note(
                ("database", "throwaway"), "true for a PostgreSQL database", "only an SQLite file can be throwaway"
            )

    def _oidc(self) -> None:
        oidc = self.sound.get("oidc")
        if oidc is not None and oidc.issuer and find_spec("authlib") is None:
            how = f"run: {how_to_install('oidc')}"
            self._note(("oidc", "issuer"), "a provider, but its library authlib is not installed", how)

    def _queries(self) -> None:
        brands = {name.casefold() for name in self.names["brands"]}
        for key, name in self._named("competitors"):
            if name.casefold() in brands:
                self._note(key, f"{shown(name)}, which is a brand of yours", "name each either brand or competitor")
        for key, brand in [*self._entries("brands"), *self._entries("competitors")]:
            if not isinstance(brand.get("query"), str):
                continue
            try:
                parse(brand["query"])
            except QueryError as error:
                self._note((*key, "query"), shown(brand["query"]), f"{error}")
            words = brand.get("context")
            for number, word in enumerate(words if isinstance(words, list) else ()):
                try:
                    context_query(word if isinstance(word, str) else "x")
                except QueryError as error:
                    self._note((*key, "context", number), shown(word), f"{error}")

    def _accounts(self) -> None:
        known = [*self.names["sources"], *connectors.KINDS]
        for key, brand in self._entries("brands"):
            accounts = brand.get("accounts")
            for name in accounts if isinstance(accounts, dict) else ():
                self._known(name, known, (*key, "accounts", name), "a source")

    def _about(self) -> None:
        for key, source in self._entries("sources"):
            if source.get("about"):
                self._known(source["about"], self.names["brands"], (*key, "about"), "a brand")

    def _doors(self) -> None:
        """A tracker's webhook comes in at /in/NAME, as do the posts of a source: what came there has one meaning."""
        doors = {each.get("name") for _, each in self._entries("sources") if each.get("kind") == "inbound"}
        for key, name in self._named("trackers"):
            if name in doors:
                self._note(key, f"{shown(name)}, which is the name of an inbound source", "give it another name")

    def _targets(self) -> None:
        for way in (("earful", "operator"), ("alerts", "notify"), ("alerts", "fallback"), ("digest", "to")):
            self._words(self._given(*way), way)
        if self._given("alerts", "notify") == []:
            self._note(("alerts", "notify"), "an empty list", 'write who is alerted, such as ["slack:#care"]')

    def _words(self, words: Any, key: Key, keywords: tuple[str, ...] = (), *, people: bool = True) -> None:
        for at, word in enumerate(words if isinstance(words, list) else ()):
            if isinstance(word, str):
                self._word(word, (*key, at), keywords, people=people)

    def _word(self, word: str, key: Key, keywords: tuple[str, ...], *, people: bool) -> None:
        channel, colon, address = word.partition(":")
        persons = self.names["people"] if people else []
        if channel in self.names["channels"]:
            self._address(word, channel, address, key)
            return
        if word in (*persons, *keywords):
            return
        found = f"{shown(word)}, which is not a channel" + (" or a person" if people else "")
        channels = self.names["channels"]
        near = nearest(channel, channels if colon else [*channels, *persons, *keywords])
        if near:
            # The address is repeated only where it was shown: it may be a secret that strayed here.
            rest = colon + address if f'"{word}"' == shown(word) else ""
            write = f"did you mean {one_of(name + rest for name in near)}?"
        elif colon and channel in alerts.KINDS:  # copied from a page of docs, without that page's [[channels]]
            write = f"add a [[channels]] table with kind = {one_of([channel])} and name = {one_of([channel])}"
        elif channels:
            write = f"write a target such as {one_of(channels[:3])}"
        else:
            write = "add a [[channels]] table with that name"
        self._note(key, found, write)

    def _address(self, word: str, channel: str, address: str, key: Key) -> None:
        """Of a target in a channel that would take anything and reach nobody: a place in Slack, somebody's mail."""
        for _, table in self._entries("channels"):
            if table.get("name") != channel:
                continue
            kind = table.get("kind")
            if kind == "slack" and "webhook_url" not in table and not re.match(r"#\S|@?[A-Z0-9]{6,}$", address.strip()):
                self._note(
                    key,
                    f"{shown(word)}, which is not a Slack channel or user",
                    f'write "{channel}:#care" or "{channel}:@U0123ABCD"',
                )
            elif kind == "webhook" and table.get("preset"):
                self._note(key, f"{shown(word)}, which makes tickets and alerts nobody", "write a channel people read")
            elif kind == "email" and not re.fullmatch(r"[^@\s]+@[^@\s]+", address.strip()):
                self._note(key, f"{shown(word)}, which is not a mail address", f'write "{channel}:care@example.org"')

    def _known(self, word: Any, known: Iterable[str], key: Key, what: str) -> None:
        names = list(known)
        if isinstance(word, str) and word not in names:
            self._note(key, f"{shown(word)}, which is not the name of {what}", meant(word, names))

    def _routes(self) -> None:
        for key, route in self._entries("alerts", "routes"):
            self._words(route.get("notify"), (*key, "notify"))
            for column, plural in (("source", "sources"), ("brand", "brands")):
                words = route.get(column)
                for at, word in enumerate(words if isinstance(words, list) else ()):
                    self._known(word, self.names[plural], (*key, column, at), f"a {_LISTS[plural]}")
            if route.get("owner"):
                self._known(route["owner"], self.names["people"], (*key, "owner"), "a person")

    def _people(self) -> None:
        for key, person in self._entries("people"):
            self._words(person.get("targets"), (*key, "targets"), people=False)
            if person.get("name") in KEYWORDS or person.get("name") in self.names["channels"]:
                self._note(
                    (*key, "name"), shown(person["name"]), "write another name; this one has a meaning in notify"
                )
            shifts = person.get("shifts")
            for at, shift in enumerate(shifts if isinstance(shifts, list) else ()):
                if isinstance(shift, dict):
                    self._shift((*key, "shifts", at), shift)

    def _shift(self, key: Key, shift: dict[str, Any]) -> None:
        try:
            start, end = clock(shift.get("start", "09:00")), clock(shift.get("end", "17:00"))
        except ValueError:
            return  # the shift's own table says so
        if end <= start and end != time():
            found = f'"{end:%H:%M}", which is not after the start at {start:%H:%M}'
            self._note((*key, "end"), found, "write a later end; split a night shift at midnight")

    def _steps(self) -> None:
        chains = self._in("alerts", "escalation")
        for priority in chains if isinstance(chains, dict) else ():
            before: timedelta | None = None
            for key, step in self._entries("alerts", "escalation", priority):
                self._words(step.get("notify"), (*key, "notify"), KEYWORDS)
                wait = self._wait(step.get("after"), priority)
                if wait is not None and before is not None and wait <= before:
                    found = f"{shown(step['after'])}, which is not later than the step before"
                    self._note((*key, "after"), found, "each step must come later than the one before")
                before = wait or before

    def _wait(self, text: object, priority: str) -> timedelta | None:
        """When a step comes, None where its own table has a fault."""
        desk = self.sound["desk"] or Settings.model_fields["desk"].default
        target = desk.targets.get(priority)
        try:
            return step_after(after(text), target.first) if target else None
        except ValueError:
            return None

    def _in(self, first: str, second: str) -> Any:
        """A value as the file gives it, None where it does not."""
        table = self.table.get(first)
        return table.get(second) if isinstance(table, dict) else None
