"""One contract over all trackers: every kind in connectors.TRACKERS."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from connectors import TRACKERS, ConnectorError, Refused
from connectors.http import Http
from connectors.trackers import Issue, Tracker, Unseen
from connectors.trackers.jira import document
from connectors.writing import NotWritten, Unsure
from tests.connectors.trackers import contract_github, contract_jira
from tests.connectors.trackers.contracts import KEY, NOW, TEXT, TITLE, TrackerContract
from tests.fakes.server import FakeServer, Reply
from tests.fakes.trackers import SECRET, TOKEN, FakeGitHub, FakeJira

PATIENCE, BOUND = 0.5, 20.0  # seconds: until a client gives up; where it is not to give up
LATER = NOW + timedelta(minutes=1)
CONTRACTS = {
    "github": contract_github.CONTRACT,
    "jira": contract_jira.CONTRACT,
    "jira data center": contract_jira.DATA_CENTER,
}


@dataclass
class Tried:
    """One tracker before its stand-in."""

    contract: TrackerContract
    there: FakeGitHub | FakeJira
    tracker: Tracker

    def create(self, key: str = KEY) -> Issue:
        return self.tracker.create(TITLE, TEXT, key, NOW)

    def look(self, key: str = KEY) -> Issue | None:
        return self.tracker.look_up(key, NOW, LATER)


@pytest.fixture(params=sorted(CONTRACTS))
def tried(request: pytest.FixtureRequest) -> Iterator[Tried]:
    contract = CONTRACTS[request.param]
    with FakeServer() as server:
        yield Tried(contract, contract.serve(server), contract.make(server, BOUND))


def test_every_kind_is_tried() -> None:
    assert {name.partition(" ")[0] for name in CONTRACTS} == set(TRACKERS)


def test_an_issue_is_created_once_with_title_text_and_its_name_and_address(tried: Tried) -> None:
    created = tried.create()
    assert (created.native_id, created.state) == (tried.contract.first, "open")
    assert created.url.startswith("http")
    assert len(tried.there.issues) == tried.there.writes() == 1
    ((title, text),) = tried.there.texts()
    assert title == TITLE
    for part in ("Ça bout trop", "<b>melts</b>", "never again & again", "https://earful.example/cases/12"):
        assert part in str(text)
    assert tried.create("ffeeddccbbaa9988").native_id != created.native_id


def test_it_is_found_again_by_its_mark_and_another_is_not_taken_for_it(tried: Tried) -> None:
    assert tried.look() is None
    created = tried.create()
    assert tried.look() == created
    assert tried.look("ffeeddccbbaa9988") is None
    assert tried.there.writes() == 1


def test_how_it_stands_is_asked(tried: Tried) -> None:
    created = tried.create()
    assert tried.tracker.ask(created.native_id, NOW).state == "open"
    tried.there.close()
    assert tried.tracker.ask(created.native_id, NOW).state == "fixed"
    how, said = tried.contract.declined
    tried.there.close(reason=how)
    shown = tried.tracker.ask(created.native_id, NOW)
    assert (shown.state, shown.said, shown.native_id) == ("declined", said, created.native_id)
    assert tried.look() == shown
    tried.there.reopen()
    assert tried.tracker.ask(created.native_id, NOW).state == "open"


def test_what_nobody_knows_the_meaning_of_is_no_fix(tried: Tried) -> None:
    created = tried.create()
    tried.there.close(reason="abandoned")
    assert tried.tracker.ask(created.native_id, NOW).state == "declined"


@pytest.mark.parametrize("mode", ["hang", "drop", "cut", "html", "empty", "ok"])
def test_what_was_taken_and_whose_answer_was_lost_is_unsure_and_can_be_looked_up(tried: Tried, mode: str) -> None:
    tried.there.accepts_but = mode
    with pytest.raises(Unsure):
        tried.contract.make(tried.there.server, PATIENCE).create(TITLE, TEXT, KEY, NOW)
    assert tried.there.writes() == len(tried.there.issues) == 1, "it was tried again blindly"
    found = tried.look()
    assert found is not None
    assert found.native_id == tried.contract.first


@pytest.mark.parametrize("status", [500, 503])
def test_a_fault_of_the_server_leaves_it_open(tried: Tried, status: int) -> None:
    tried.there.refuses = Reply(status, json={"message": "later"})
    with pytest.raises(Unsure):
        tried.create()
    assert tried.there.writes() == 1
    assert tried.look() is None


@pytest.mark.parametrize("refusal", ["expired", "forbidden", "invalid"])
def test_a_refusal_says_what_the_tracker_said_and_creates_nothing(tried: Tried, refusal: str) -> None:
    answer: Reply = getattr(tried.contract, refusal)
    tried.there.refuses = answer
    with pytest.raises(NotWritten) as raised:
        tried.create()
    assert str(answer.status) in raised.value.message
    assert words_in(answer.json)[-30:] in raised.value.message
    assert raised.value.remedy
    assert tried.there.issues == []


def words_in(shown: Any) -> str:
    if "message" in shown:
        return str(shown["message"])
    return str((shown["errorMessages"] or list(shown["errors"].values()))[0])


def test_too_many_requests_and_nobody_there_create_nothing(tried: Tried) -> None:
    tried.there.refuses = Reply(429, json={"message": "Too many requests"})
    with pytest.raises(NotWritten, match="429"):
        tried.create()
    with FakeServer() as closed:
        pass
    with pytest.raises(NotWritten, match="nothing was sent"):
        tried.contract.make(closed, BOUND).create(TITLE, TEXT, KEY, NOW)


def test_one_that_is_gone_is_unseen_and_a_fault_is_a_fault(tried: Tried) -> None:
    created = tried.create()
    tried.there.issues.clear()
    for native_id in (created.native_id, "", "../../user", "acme/kettle#x", "KET-1/../2"):
        with pytest.raises(Unseen):
            tried.tracker.ask(native_id, NOW)
    created = tried.create()
    for mode in ("500", "html", "empty", "truncated"):
        tried.there.server.mode = mode
        for call in (lambda: tried.tracker.ask(created.native_id, NOW), tried.look, lambda: tried.tracker.check(NOW)):
            with pytest.raises(ConnectorError):
                call()


def test_an_answer_of_another_shape_is_no_issue_and_not_none_found(tried: Tried) -> None:
    shapes: list[Any] = [[], {}, {"issues": 5}, {"issues": None}, {"state": "new"}, {"key": 5, "fields": None}, 5, None]
    for shown in shapes:
        tried.there.server.mode = Reply(json=shown) if shown is not None else "empty"
        with pytest.raises(ConnectorError):
            tried.tracker.ask(tried.contract.first, NOW)
        if shown != []:  # GitHub's list of nothing
            with pytest.raises(ConnectorError):
                tried.look()
        with pytest.raises(Unsure):
            tried.create()


def test_a_webhook_is_proved_by_its_signature_and_names_its_issue(tried: Tried) -> None:
    created = tried.create()
    body, headers = tried.there.webhook()
    proof = tried.tracker.proof
    assert proof.unproved(headers, NOW) == ""
    assert proof.proved(headers, body)
    assert tried.tracker.named(body).lower() == created.native_id.lower()
    assert not proof.proved(headers, body + b" ")
    (name,) = set(headers) - {"content-type"}
    assert proof.unproved({name: "sha256=short"}, NOW)
    assert not proof.proved({name: "sha256=" + "0" * 64}, body)
    for other in (b"", b"5", b"[]", b"\xff", b'{"issue": 5}', b'{"issue": {"key": "x/../y", "number": true}}'):
        assert tried.tracker.named(other) == ""
    assert tried.tracker.named(b'{"zen": "Keep it logically awesome.", "repository": {"full_name": "a/b"}}') == ""


def test_an_address_is_read_only_where_it_leads_to_an_issue_of_this_place(tried: Tried) -> None:
    created = tried.create()
    address = tried.contract.address.format(site=tried.there.server.url)
    for url in (address, f" {address}/ ", f"{address}?x=1", f"{address}#comment"):
        assert tried.tracker.name_of(url) == created.native_id
    wrong = [address.replace("127.0.0.1", "127.0.0.2"), address.replace("http", "ftp"), f"{address}/x", "", "x", "http://[",
             address.replace("kettle", "other").replace("KET", "OTHER"), address.replace("1", "x"), f"{address}\n"[:-2],
             tried.there.server.url, f"https://evil.example/{address}"]  # fmt: skip
    assert [url for url in wrong if tried.tracker.name_of(url)] == []


def test_check_says_where_issues_would_be_created_and_creates_none(tried: Tried) -> None:
    assert tried.there.place in tried.tracker.check(NOW)
    assert tried.there.writes() == 0


def test_no_secret_stands_in_an_error_or_in_what_is_shown(tried: Tried) -> None:
    assert TOKEN not in repr(vars(tried.tracker))
    assert SECRET not in repr(vars(tried.tracker))
    found: list[BaseException] = []
    for mode in ("401", "html", "drop"):
        tried.there.server.mode = mode
        for call in (lambda: tried.tracker.check(NOW), tried.create, tried.look):
            with pytest.raises(ConnectorError) as raised:
                call()
            found.append(raised.value)
    for error in found:
        told = "".join(traceback.format_exception(error)) + str(getattr(error, "remedy", ""))
        assert TOKEN not in told
        assert "Ça bout" not in told
        assert "kettle's lid" not in told


# -- one of them alone -----------------------------------------------------------------------------------------------


def test_github_is_searched_page_by_page_until_before_the_press() -> None:
    with FakeServer() as server:
        there = FakeGitHub(server)
        tracker = contract_github.make(server, BOUND)
        tracker.create(TITLE, TEXT, KEY, NOW)
        there.issues += [there.issue("another", "words") | {"number": 2 + n} for n in range(150)]
        found = tracker.look_up(KEY, NOW, LATER)
        assert found is not None
        assert found.native_id == "acme/kettle#1"
        assert sum(seen.path.endswith("/issues") and seen.method == "GET" for seen in server.ledger) == 2
        there.at = "2026-03-04T09:00:00Z"  # an hour before the press
        there.issues += [there.issue("older", "words") for _ in range(100)]
        asked = len(server.ledger)
        assert tracker.look_up("ffeeddccbbaa9988", NOW, LATER) is None
        assert len(server.ledger) == asked + 1
        there.at = "2026-03-04T10:00:01Z"
        there.issues += [there.issue("newer", "words") for _ in range(2_100)]
        with pytest.raises(ConnectorError, match="too many new issues"):
            tracker.look_up("ffeeddccbbaa9988", NOW, LATER)


def test_githubs_own_host_is_that_of_its_pages_and_not_of_its_api() -> None:
    settings = contract_github.Settings(repository="acme/kettle", token=SecretStr(TOKEN))
    tracker = contract_github.GitHubTracker(settings, Http())
    assert tracker.name_of("https://github.com/acme/kettle/issues/12") == "acme/kettle#12"
    assert tracker.name_of("https://api.github.com/acme/kettle/issues/12") == ""


def test_what_github_says_is_gone_is_unseen_and_a_repository_without_issues_is_said() -> None:
    with FakeServer() as server:
        there = FakeGitHub(server)
        tracker = contract_github.make(server, BOUND)
        server.route("/repos/acme/kettle/issues/7", Reply(410, json={"message": "This issue was deleted"}))
        with pytest.raises(Unseen):
            tracker.ask("acme/kettle#7", NOW)
        assert there.issues == []
        server.route("/repos/acme/kettle", {"private": True, "has_issues": True})
        assert tracker.check(NOW).endswith("only its members can read them")
        server.route("/repos/acme/kettle", {"private": True, "has_issues": False})
        with pytest.raises(ConnectorError, match="acme/kettle has no issues"):
            tracker.check(NOW)


def test_github_keeps_the_mark_out_of_sight() -> None:
    with FakeServer() as server:
        there = FakeGitHub(server)
        contract_github.make(server, BOUND).create(TITLE, TEXT, KEY, NOW)
        assert there.issues[0]["body"] == f"{TEXT}\n\n<!-- earful-{KEY} -->"


def test_what_is_quoted_on_github_calls_nobody_there() -> None:
    """The brand's account on another network may be a stranger's on GitHub; whom a person types, they mean."""
    with FakeServer() as server:
        there = FakeGitHub(server)
        contract_github.make(server, BOUND).create(
            TITLE, "For @bob\n\n> @acme help\n> now, @acme: https://a.example/@b", KEY, NOW
        )
        assert there.issues[0]["body"].startswith(
            "For @bob\n\n> @\u2060acme help\n> now, @\u2060acme: https://a.example/@b\n"
        )


@pytest.mark.parametrize("contract", [contract_jira.CONTRACT, contract_jira.DATA_CENTER], ids=["cloud", "data center"])
def test_an_expired_token_of_jira_is_refused_although_it_is_answered(contract: TrackerContract) -> None:
    """It is served with 200 and nothing in it: taken as "not there", the issue would be created twice."""
    with FakeServer() as server:
        there = contract.serve(server)
        tracker = contract.make(server, BOUND)
        created = tracker.create(TITLE, TEXT, KEY, NOW)
        assert isinstance(there, FakeJira)
        there.expired = True
        with pytest.raises(Refused, match="does not accept the token"):
            tracker.look_up(KEY, NOW, LATER)
        with pytest.raises(Refused, match="does not accept the token"):
            tracker.ask(created.native_id, NOW)


def test_a_text_for_jira_is_a_document_whose_words_order_nothing() -> None:
    made = document("One\ntwo https://a.example/x.\n\n> said\n> more\n\n\n[~admin] *bold* {noformat}")
    paragraph, quote, last = made["content"]
    assert [each["type"] for each in paragraph["content"]] == ["text", "hardBreak", "text", "text"]
    assert paragraph["content"][3]["marks"][0]["attrs"] == {"href": "https://a.example/x."}
    assert quote["type"] == "blockquote"
    assert [each.get("text") for each in quote["content"][0]["content"]] == ["said", None, "more"]
    assert last["content"] == [{"type": "text", "text": "[~admin] *bold* {noformat}"}]
    assert document("")["content"] == []
    with FakeServer() as server:
        there = FakeJira(server, cloud=False)
        contract_jira.make(server, BOUND, cloud=False).create(TITLE, "look [~admin]", KEY, NOW)
        assert there.texts() == [(TITLE, "look [ ~admin]")], "nobody is called by what a customer wrote"
