"""An issue that is there already is linked by its address, and followed like one that was created here."""

from __future__ import annotations

from datetime import datetime

import pytest

from monitor.people.actors import NotAllowed, NotPossible
from monitor.store import audit, problems
from monitor.trackers import following, linking
from monitor.trackers.clients import Subject
from tests.trackers.world import World


def link(here: World, subject: Subject, number: int = 1, who: str = "Ana", way: str = "page", url: str = "") -> str:
    address = url or f"{here.there.server.url}/acme/kettle/issues/{number}"
    now: datetime = here.clock()
    return linking.link(here.tracking, subject, address, who=who, way=way, now=now)


def why(here: World, subject: Subject, **more: str) -> str:
    with pytest.raises(NotPossible) as raised:
        link(here, subject, **more)  # type: ignore[arg-type]
    return str(raised.value)


@pytest.fixture
def engineers(here: World) -> World:
    """They have an issue of their own."""
    here.there.issues.append(here.there.issue("Parcels get lost", "seen by us"))  # type: ignore[union-attr]
    return here


def test_a_problem_is_linked_and_fixed_when_that_issue_is_closed(engineers: World) -> None:
    assert link(engineers, engineers.problem) == "linked with acme/kettle#1"
    assert engineers.states(engineers.problem) == ["open"]
    (problem,) = problems.counted(engineers.database)
    assert problem["issue_url"] == "https://github.com/acme/kettle/issues/1"
    engineers.there.close()
    engineers.forward(61)
    engineers.look()
    (problem,) = problems.counted(engineers.database)
    assert (problem["fixed_by"], problem["untold"]) == ("acme/kettle#1", 3)
    assert engineers.there.writes() == 0


def test_the_audit_log_says_who_linked_and_unlinked_the_issue_of_a_problem(engineers: World) -> None:
    link(engineers, engineers.problem)
    (row,) = engineers.rows(engineers.problem)
    following.unlink(engineers.tracking, row.id, who="Lea", way="page", now=engineers.clock())
    lines = audit.lines(engineers.database, audit.Filter(), 50)
    told = [(each.event, each.who, each.way, each.about, dict(each.detail)) for each in lines]
    where = {"tracker": "kettles", "of": "problem 1"}
    assert told == [
        ("issue unlinked", "Lea", "page", "acme/kettle#1", where),
        ("issue linked", "Ana", "page", "acme/kettle#1", where),
    ]


def test_a_case_is_linked_and_its_log_says_so(engineers: World) -> None:
    link(engineers, engineers.case)
    assert engineers.log()[-1] == "issue linked"
    assert "there is an issue for case 1 already" in why(engineers, engineers.case)
    with pytest.raises(NotPossible, match="already has the issue acme/kettle#1"):
        engineers.press()


def test_what_is_none_of_ours_closed_or_not_to_be_seen_is_not_linked(engineers: World) -> None:
    assert "write the address of an issue in acme/kettle" in why(engineers, engineers.case, url="https://example.org/1")
    assert "acme/kettle#9 can't be seen there" in why(engineers, engineers.case, number=9)  # type: ignore[arg-type]
    engineers.there.close()
    assert "acme/kettle#1 is closed already" in why(engineers, engineers.case)
    engineers.there.server.mode = "500"
    assert "can't ask after acme/kettle#1: GitHub answered 500" in why(engineers, engineers.case)
    assert "there is no case 99" in why(engineers, Subject(case_id="99"))
    for who, way in (("Vik", "page"), ("Ana", "api")):
        with pytest.raises(NotAllowed):
            link(engineers, engineers.case, who=who, way=way)
    assert engineers.rows() == []


def test_what_is_unlinked_is_no_longer_the_issue_of_its_cause(engineers: World) -> None:
    """Its page went on to name it, and the next problem of the cause as well."""

    def linked() -> str:
        cause = engineers.database.row("SELECT issue_url FROM causes WHERE issue_url <> ''")
        return cause["issue_url"] if cause else ""

    link(engineers, engineers.problem)
    (row,) = engineers.rows(engineers.problem)
    assert linked() == row.url
    following.unlink(engineers.tracking, row.id, who="Lea", way="page", now=engineers.clock())
    assert linked() == ""


def test_whose_cause_has_another_issue_by_now_keeps_that(engineers: World) -> None:
    link(engineers, engineers.problem)
    (row,) = engineers.rows(engineers.problem)
    engineers.database.run("UPDATE causes SET issue_url = 'https://other.example/1' WHERE issue_url <> ''")
    following.unlink(engineers.tracking, row.id, who="Lea", way="page", now=engineers.clock())
    cause = engineers.database.row("SELECT issue_url FROM causes WHERE issue_url <> ''")
    assert cause is not None
    assert cause["issue_url"] == "https://other.example/1"
