"""The world that the stories happen in: real settings, database, connectors and channels; the far side is on loopback.

Time is an argument. `World.until("Mon 09:07:30")` lets the clock run, and runs at each step every tick of the daemon
whose turn has come: the same list that its scheduler reads, so a tick that is new there runs here. `World.forget()`
throws everything away that the process knew, and makes it anew from the settings file and the database, as a start
after a crash does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from alerts.case import Case
from monitor.service.scheduler import Engine
from monitor.settings.loading import load
from monitor.store import cases, deliveries, key_values, sources
from monitor.wiring import assemble, know_sources, open_store
from tests.fakes.mastodon import FakeMastodon, status
from tests.fakes.smtp import Mail
from tests.world import ANA, BEN, FarSide, far_side

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)  # of the week in which the stories begin
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
BRAND = "Harbour Tea"
CARE = "#care"

TABLES = """
[[brands]]
name = "Harbour Tea"
query = '"Harbour Tea" OR harbourtea'
accounts = {{ mastodon = ["harbourtea"] }}

[[sources]]
name = "mastodon"
kind = "mastodon"
api_url = "{network}"
find_roots = true
every = "2m"
own_every = "2m"

[[people]]
name = "Ana"
slack = "U0ANA00001"
shifts = [{{ days = ["mon", "tue", "wed", "thu", "fri"], start = "12:00", end = "17:00" }}]

[[people]]
name = "Ben"
slack = "U0BEN00001"
email = "ben@harbourtea.example"

[alerts]
notify = ["slack:#care"]
group_wait = "30s"

[desk]
hours = [{{ days = ["mon", "tue", "wed", "thu", "fri"], start = "09:00", end = "17:00" }}]
targets.urgent = {{ first = "30m", next = "30m", resolve = "8h" }}

[digest]
to = ["email:boss@harbourtea.example"]
"""


def moment(words: str) -> datetime:
    """ "Fri 16:45" of the week in which a story begins; "+1 Mon 08:00" a week later. UTC."""
    weeks, words = (int(words[1]), words[3:]) if words.startswith("+") else (0, words)
    day, clock = words.split()
    hour, minute, second = (int(part) for part in f"{clock}:00:00".split(":")[:3])
    return MONDAY + timedelta(weeks=weeks, days=DAYS.index(day), hours=hour, minutes=minute, seconds=second)


class World:
    """One installation of Earful, the networks it reads and the people it tells."""

    def __init__(self, settings: Path, far: FarSide, start: str) -> None:
        self.file, self.far, self.slack, self.smtp = settings, far, far.slack, far.smtp
        self.mastodon = FakeMastodon(far.network)
        self.now = moment(start)
        self.mastodon.tags["harbourtea"] = []
        self.mastodon.accounts["harbourtea"] = ("1", [])
        self.forgetful = False
        self.trouble_expected = False
        self._said = 0
        self._coming: list[tuple[datetime, list[Any], dict[str, Any]]] = []
        self._begin()
        with self.database.transaction():
            key_values.remember(self.database, "installed_at", self.now.isoformat(), self.now)

    def _begin(self) -> None:
        settings = load(self.file, self.far.environ)
        self.database = open_store(settings, self.now)
        know_sources(self.database, settings)
        self.assembly = assemble(settings, self.database)
        with self.database.transaction():
            deliveries.recover(self.database, self.now, all_of_them=True)
        self.engine = Engine(self.assembly, self.clock, beside=False)
        self._ran: dict[str, datetime] = {}
        self.engine.listening.start()
        assert self.slack.connected(), "nobody listens to presses"

    def end(self) -> None:
        """Stop without finishing anything."""
        self.engine.listening.stop()
        self.database.close()

    def forget(self) -> None:
        """Throw away all that the process knows, and begin anew from what is on disk."""
        self.end()
        self._begin()

    def scene(self) -> None:
        """Between two scenes the process may lose all that it knew."""
        if self.forgetful:
            self.forget()

    # -- time ---------------------------------------------------------------------------------------------------

    def clock(self) -> datetime:
        """What time it is in this world."""
        return self.now

    def until(self, words: str, step: timedelta = timedelta(seconds=30)) -> None:
        """Let time pass until then, doing at every step what the daemon does at its ticks."""
        end = moment(words)
        assert end >= self.now, f"it is past {words} already"
        while True:
            self.tick()
            if self.now >= end:
                return
            self.now = min(self.now + step, end)

    def tick(self) -> None:
        """Everything that is due now. The auditor finds nothing, unless the story says that it may."""
        for each in [each for each in self._coming if each[0] <= self.now]:
            self._coming.remove(each)
            each[1].append(each[2])
        for tick in self.engine.ticks():
            before = self._ran.get(tick.name)
            if before is None or self.now - before >= timedelta(seconds=tick.seconds):
                self._ran[tick.name] = self.now
                tick.work()
        if not self.trouble_expected:
            failing = {each.name: each.last_error for each in sources.all_health(self.database).values()}
            assert not any(failing.values()), failing
            assert not self.engine.audit.findings, f"{self.now}: {self.engine.audit.findings}"

    # -- people -------------------------------------------------------------------------------------------------

    def posts(self, author: str, words: str, *, at: str, to: str = "") -> str:
        """Somebody writes on Mastodon at that moment, under the brand's tag; `to` is the post it answers. Its id."""
        account = {"acct": f"{author}@far.example", "username": author, "display_name": author.title()}
        return self._write(self.mastodon.tags["harbourtea"], words, at, to, account=account)

    def answers(self, words: str, *, at: str, to: str) -> str:
        """The brand answers a post from its own account."""
        account = {"acct": "harbourtea", "username": "harbourtea", "display_name": BRAND}
        return self._write(self.mastodon.accounts["harbourtea"][1], words, at, to, account=account)

    def _write(self, where: list[Any], words: str, at: str, to: str, **more: Any) -> str:
        self._said += 1
        made = status(moment(at), words, self._said, in_reply_to_id=to or None, **more)
        self._coming.append((moment(at), where, made))
        if to:
            self.mastodon.roots[made["id"]] = self.mastodon.roots.get(to, to)
        return str(made["id"])

    def press(self, case: Case, verb: str, *, who: str) -> None:
        """Somebody presses a button in Slack; it comes over the socket, and Slack hears that it was kept.

        Ana and Ben stand in the settings. Everybody else is a colleague whom only Slack knows.
        """
        user = {"Ana": ANA, "Ben": BEN}.get(who, f"U0{who.upper():0<8}")
        _envelope, acknowledged = self.slack.press(case.id, verb, user=user, name=who.lower())
        assert acknowledged, "Slack was not told that the press was kept"

    # -- what is there ------------------------------------------------------------------------------------------

    def case_of(self, author: str) -> Case:
        """The one case of a customer."""
        rows = self.database.rows(
            "SELECT id FROM cases WHERE author = :author ORDER BY n", {"author": f"{author}@far.example"}
        )
        assert len(rows) == 1, f"{author} has {len(rows)} cases"
        case = cases.one(self.database, rows[0]["id"])
        assert case is not None
        return case

    def messages(self) -> list[dict[str, Any]]:
        """What stands in #care, oldest first; what was said in a thread is not among it."""
        return [
            each
            for each in self.slack.messages
            if each["channel"] == self.slack.channel_id(CARE) and not each.get("thread_ts")
        ]

    def thread(self) -> list[str]:
        """What was said in the threads of #care, in words."""
        return [self.slack.reads(each) for each in self.slack.messages if each.get("thread_ts")]

    def pings(self) -> list[str]:
        """Who was mentioned in Slack, by their ids, in the order in which it happened."""
        found = [
            name
            for each in self.slack.accepted
            if each["method"] == "chat.postMessage"
            for sequence in self.slack.control_sequences(each)
            for name in re.findall(r"<@(\w+)>", sequence)
        ]
        return list(dict.fromkeys(found))

    def whispers(self) -> list[tuple[str, str]]:
        """What Slack showed to one person alone: (their id, the words)."""
        return [(each["user"], each["text"]) for each in self.slack.accepted if each["method"] == "chat.postEphemeral"]

    def mails_to_staff(self) -> list[Mail]:
        """Every mail but the managers' letter."""
        return [mail for mail in self.smtp.ledger if mail.recipient != "boss@harbourtea.example"]

    def reads(self, words: str) -> str:
        """What people read, as it stands now, in the first message of #care with these words."""
        found = [self.slack.reads(each) for each in self.messages()]
        return next(each for each in found if words in each)


def labels(message: dict[str, Any]) -> list[str]:
    """What can be pressed or opened below a message."""
    elements = [
        element
        for block in message["blocks"]
        for element in [*block.get("elements", ()), *([block["accessory"]] if "accessory" in block else ())]
    ]
    pressable = [each for each in elements if each.get("type") in {"button", "static_select"}]
    return [(each.get("text") or each["placeholder"])["text"] for each in pressable]


@contextmanager
def world(folder: Path, database: str, start: str, tables: str = TABLES) -> Iterator[World]:
    """A world that begins at `start`, on the database at that address, with these tables in its settings."""
    with far_side() as far:
        made = World(far.settings(folder, tables, database=database), far, start)
        try:
            yield made
        finally:
            made.end()
