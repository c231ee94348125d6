"""A case and a problem, and a tracker on loopback in which they can become issues."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from monitor.settings.models import Settings
from monitor.store import case_log, issues
from monitor.store.database import Database
from monitor.store.issues import IssueRow
from monitor.trackers import creating, following, prefill
from monitor.trackers.clients import Subject, Tracking
from monitor.trackers.creating import Pressed
from monitor.wiring import Assembly
from tests.fakes.server import FakeServer
from tests.fakes.trackers import EMAIL, SECRET, TOKEN, FakeGitHub, FakeJira
from tests.helpers import ANGRY, LATE, MINUTE, NOW, Clock, assembly_of, post, settings_from, take

PEOPLE = """
[[people]]
name = "Ana"
role = "staff"
targets = ["console:ana"]
[[people]]
name = "Lea"
role = "lead"
[[people]]
name = "Vik"
role = "viewer"
"""
GITHUB = """
[[trackers]]
name = "kettles"
kind = "github"
repository = "acme/kettle"
token = {{ env = "ISSUES_TOKEN" }}
webhook_secret = {{ env = "ISSUES_SECRET" }}
api_url = "{url}"
"""
JIRA = f"""
[[trackers]]
name = "kettles"
kind = "jira"
project = "KET"
email = "{EMAIL}"
token = {{{{ env = "ISSUES_TOKEN" }}}}
webhook_secret = {{{{ env = "ISSUES_SECRET" }}}}
api_url = "{{url}}"
"""
ENVIRON = {"ISSUES_TOKEN": TOKEN, "ISSUES_SECRET": SECRET}


def settings(folder: Path, server: FakeServer, table: str = GITHUB, earful: str = "") -> Settings:
    """Settings of Acme with the tracker "kettles"."""
    return settings_from(folder, tables=PEOPLE + table.format(url=server.url), earful=earful, environ=ENVIRON)


@dataclass
class World:
    """Everything around one case of an angry customer, and one problem of three others."""

    assembly: Assembly
    there: FakeGitHub | FakeJira
    clock: Clock
    case_id: str

    @property
    def case(self) -> Subject:
        return Subject(case_id=self.case_id)

    @property
    def problem(self) -> Subject:
        return Subject(problem=1)

    @property
    def tracking(self) -> Tracking:
        return self.assembly.tracking

    @property
    def database(self) -> Database:
        return self.assembly.database

    def press(self, subject: Subject | None = None, who: str = "Ana", issue_id: str = "", way: str = "page") -> Pressed:
        """Press with what the form proposes."""
        about = subject or self.case
        proposed = prefill.of(self.database, self.assembly.rules, about)
        return creating.create(
            self.tracking, about, issue_id or creating.new_id(), "kettles", proposed.title, proposed.text,
            who=who, way=way, now=self.clock(),
        )  # fmt: skip

    def rows(self, subject: Subject | None = None) -> list[IssueRow]:
        about = subject or self.case
        return issues.about(self.database, about.case_id, about.problem)

    def states(self, subject: Subject | None = None) -> list[str]:
        return [row.state for row in self.rows(subject)]

    def look(self) -> int:
        return following.look(self.tracking, self.clock())

    def forward(self, minutes: float) -> datetime:
        return self.clock.forward(minutes * MINUTE)

    def log(self) -> list[str]:
        return [line.what for line in case_log.of_case(self.database, self.case_id)]

    def told(self) -> list[tuple[str, str, str]]:
        """(target, title, remedy) of what was said of issues, the oldest first."""
        rows = self.database.rows(
            "SELECT * FROM deliveries WHERE about LIKE 'notice:issue:%' ORDER BY created_at, target"
        )
        said = [(row["target"], json.loads(row["payload"])) for row in rows]
        return [(target, each["title"], each["remedy"]) for target, each in said]


@contextmanager
def world(folder: Path, database: Database, table: str = GITHUB) -> Iterator[World]:
    """Make one on this database."""
    with FakeServer() as server:
        there: FakeGitHub | FakeJira = FakeGitHub(server) if table is GITHUB else FakeJira(server)
        assembly = assembly_of(database, settings(folder, server, table))  # type: ignore[arg-type]
        (case_id, *_) = take(assembly, post(ANGRY, author="@olga_k"))
        for name in ("mira", "kay", "tom"):
            take(assembly, post(f"{LATE}, {name} here, call +49 30 1234567", author=name))
        yield World(assembly, there, Clock(NOW), case_id)
