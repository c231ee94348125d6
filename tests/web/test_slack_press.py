"""POST /slack/press: proved on the raw body, kept before it is answered, said once; everything else is refused."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import httpx2
import pytest

from monitor.notify.interactions import Interactions
from monitor.notify.listening import Listening
from monitor.notify.spool import Spool, spool_folder
from monitor.store import cases
from monitor.store.sqlite import Sqlite
from monitor.web.server import WebServer
from tests.fakes.slack import TOKEN, TRIGGER, FakeSlack, block_actions, view_submission
from tests.helpers import ANGRY, LATE, NOW, Clock, assembly_of, case, lines, post, settings_from, take

SECRET, TEAM = "8f742231b10e8888abcd99yyyzzz85a5", "T0CARE0001"
TABLE = """
[[channels]]
name = "care"
kind = "slack"
token = { env = "SLACK_TOKEN" }
signing_secret = { env = "SLACK_SIGNING" }
team = "T0CARE0001"
%s
"""


class Reached:
    """An installation that Slack reaches at a public address."""

    def __init__(self, folder: Path, database: Sqlite, more: str = "") -> None:
        self.clock = Clock()
        self.settings = settings_from(
            folder, channels=TABLE % more, notify=("care:#care",), operator=("care:#care",),
            earful='page_listen = "127.0.0.1:0"', environ={"SLACK_TOKEN": TOKEN, "SLACK_SIGNING": SECRET},
        )  # fmt: skip
        self.database = database
        self.assembly = assembly_of(database, self.settings)
        self.server = WebServer(lambda: self.assembly, self.clock)
        assert self.server.start()
        self.spool = Spool(spool_folder(self.settings))
        self.http = httpx2.Client(base_url=self.server.address, verify=False, timeout=10, trust_env=False)

    def body(self, case_id: str, verb: str = "take", team: str = TEAM, user: str = "U0ANA00001") -> bytes:
        return urlencode({"payload": json.dumps(block_actions(case_id, verb, user, "ana", team, "", None))}).encode()

    def signed(self, body: bytes, *, at: int | str | None = None, secret: str = SECRET) -> dict[str, str]:
        stamp = str(int(self.clock().timestamp()) if at is None else at)
        proof = hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
        return {
            "x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={proof}",
            "content-type": "application/x-www-form-urlencoded",
        }  # fmt: skip

    def press(self, body: bytes, headers: dict[str, str] | None = None) -> int:
        return self.http.post("/slack/press", content=body, headers=headers or self.signed(body)).status_code

    def waiting(self) -> int:
        return sum(1 for _ in self.spool.waiting())

    def work_off(self) -> int:
        rules = self.assembly.rules
        return Interactions(self.database, rules, self.spool, lambda _press, _words: None).work_off(self.clock())

    def close(self) -> None:
        self.http.close()
        self.server.stop()


@pytest.fixture
def reached(tmp_path: Path, sqlite: Sqlite) -> Iterator[Reached]:
    made = Reached(tmp_path, sqlite)
    yield made
    made.close()


def test_a_signed_press_is_kept_and_then_said_of_the_case(reached: Reached) -> None:
    (case_id,) = take(reached.assembly, post(ANGRY))
    assert reached.press(reached.body(case_id)) == 200
    assert reached.waiting() == 1
    assert case(reached.database, case_id).owner == "", "the request itself touches no case"
    assert reached.work_off() == 1
    assert case(reached.database, case_id).owner == "ana"
    assert reached.waiting() == 0


def test_a_case_is_handed_over_in_a_window_also_at_a_public_address(tmp_path: Path, sqlite: Sqlite) -> None:
    """The request is answered before the window is asked for: Slack waits three seconds for both."""
    with FakeSlack() as slack:
        made = Reached(tmp_path, sqlite, f'api_url = "{slack.api_url}"')
        try:
            (case_id,) = take(made.assembly, post(ANGRY))
            asked = block_actions(case_id, "more", "U0ANA00001", "ana", TEAM, "hand_over:to", None)
            assert made.press(urlencode({"payload": json.dumps({**asked, "trigger_id": TRIGGER})}).encode()) == 200
            for _ in range(100):
                if slack.views:
                    break
                threading.Event().wait(0.05)
            assert made.waiting() == 0
            sent = view_submission(slack.views[0], "U0BEN00001", "", "U0ANA00001", "ana") | {"team": {"id": TEAM}}
            sent["user"] |= {"team_id": TEAM}
            assert made.press(urlencode({"payload": json.dumps(sent)}).encode()) == 200
            listening = Listening(made.settings, made.assembly.alerting.channels, made.spool)
            assert listening.work_off(sqlite, made.assembly.rules, made.clock()) == 1
            found = case(sqlite, case_id)
            assert (found.owner, found.acknowledged_by) == ("Ana Example", "Ana Example"), "as Slack names that person"
        finally:
            made.close()


def test_the_same_press_told_again_is_said_once(reached: Reached) -> None:
    (case_id,) = take(reached.assembly, post(ANGRY))
    body = reached.body(case_id)
    assert [reached.press(body) for _ in range(5)] == [200] * 5
    reached.work_off()
    reached.clock.forward(timedelta(seconds=40))
    assert reached.press(body) == 200
    reached.work_off()
    assert lines(reached.database, case_id).count("take") == 1


def test_many_of_the_same_at_once_are_all_answered(reached: Reached) -> None:
    (case_id,) = take(reached.assembly, post(ANGRY))
    body, said = reached.body(case_id), []
    threads = [threading.Thread(target=lambda: said.append(httpx2.post(
        f"{reached.server.address}/slack/press", content=body, headers=reached.signed(body), verify=False,
        timeout=20).status_code
    )) for _ in range(12)]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert said == [200] * 12
    assert reached.waiting() == 1


def test_a_press_is_kept_while_the_database_is_locked(reached: Reached) -> None:
    (case_id,) = take(reached.assembly, post(ANGRY))
    holding, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with reached.database.transaction():
            holding.set()
            let_go.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    assert holding.wait(10)
    try:
        body = reached.body(case_id)
        answer = reached.http.post("/slack/press", content=body, headers=reached.signed(body), timeout=3)
        assert answer.status_code == 200
        assert reached.waiting() == 1
    finally:
        let_go.set()
        thread.join(20)


def test_what_is_not_proved_is_refused_and_nothing_is_kept(reached: Reached) -> None:
    (case_id,) = take(reached.assembly, post(ANGRY))
    body, now = reached.body(case_id), int(reached.clock().timestamp())
    good = reached.signed(body)
    for headers in (
        {},
        reached.signed(body, secret="another"),
        reached.signed(body + b"&x=1"),
        reached.signed(body, at=now - 301),
        reached.signed(body, at=now + 301),
        reached.signed(body, at="9" * 30),
        reached.signed(body, at="soon"),
        {**good, "x-slack-signature": good["x-slack-signature"][:-1]},
        {**good, "x-slack-signature": ""},
        {**good, "x-slack-request-timestamp": "-1"},
    ):
        assert reached.press(body, headers or {"x-nothing": "1"}) == 401
    recoded = body.replace(b"%7B", b"{", 1)
    assert reached.press(recoded, good) == 401, "the signature is of the bytes, not of their meaning"
    other = reached.body(case_id, team="T0OTHER001")
    assert reached.press(other) == 401
    assert reached.waiting() == 0


@pytest.mark.parametrize(
    "body", [b"", b"payload=", b"payload=%7B", b"payload=[]", b"a=1", b"\xff\xfe", b"payload=" + b"[" * 50_000]
)
def test_a_signed_body_that_makes_no_sense_breaks_nothing(reached: Reached, body: bytes) -> None:
    assert reached.press(body) in {200, 401}
    assert reached.waiting() == 0


def test_a_body_of_many_megabytes_is_not_read(reached: Reached) -> None:
    assert reached.press(b"payload=" + b"x" * 2_000_000) == 413


def test_without_a_signing_secret_nothing_is_believed(tmp_path: Path, sqlite: Sqlite) -> None:
    made = Reached(tmp_path, sqlite)
    try:
        made.assembly = assembly_of(sqlite, settings_from(tmp_path, earful='page_listen = "127.0.0.1:0"'))
        assert made.press(made.body("1")) == 401
        assert made.press(made.body("1"), made.signed(made.body("1"), secret="")) == 401
    finally:
        made.close()


def test_what_cannot_be_kept_is_not_acknowledged(reached: Reached) -> None:
    reached.spool.folder.parent.mkdir(parents=True, exist_ok=True)
    reached.spool.folder.write_text("a file stands where the folder should be")
    assert reached.press(reached.body("1")) == 503


def test_only_members_of_the_group_may_press_here_too(tmp_path: Path, sqlite: Sqlite) -> None:
    """Also without an app token: the way a press came in does not widen who may."""
    with FakeSlack() as slack:
        made = Reached(tmp_path, sqlite, f'may_press = "S0NOBODY01"\napi_url = "{slack.api_url}"')
        try:
            (case_id,) = take(made.assembly, post(ANGRY))
            assert made.press(made.body(case_id, user="U0STRANGER")) == 200
            Listening(made.settings, made.assembly.alerting.channels, made.spool).work_off(
                sqlite, made.assembly.rules, made.clock()
            )
            assert case(sqlite, case_id).owner == ""
            assert made.waiting() == 0
        finally:
            made.close()


def test_a_stranger_who_presses_all_solved_is_told_why_not_and_holds_nobody_up(tmp_path: Path, sqlite: Sqlite) -> None:
    """The refusal stood in the way of every press behind it."""
    made = Reached(tmp_path, sqlite, more='[[people]]\nname = "Ana"\nslack = "U0ANA00001"\n')
    try:
        (case_id,) = take(made.assembly, post(ANGRY, native_id="n", thread_id="n"))
        own = post("Please DM us your order number.", author="acme_care", parent_id="n", thread_id="n")
        with sqlite.transaction():
            made.assembly.answers.take([own], made.clock())
            cases.change(sqlite, case_id, owner="Ana", owner_id="settings:Ana")
        (other,) = take(made.assembly, post(LATE, author="mira", native_id="m", thread_id="m"))
        whispers: list[str] = []

        def worked_off() -> None:
            Interactions(
                sqlite, made.assembly.rules, made.spool, lambda _press, words: whispers.append(words)
            ).work_off(made.clock())

        for user, verb, about in (("U0STRANGE1", "all_solved", "settings:Ana"), ("U0ANA00001", "take", other)):
            assert made.press(made.body(about, verb, user=user)) == 200
        for _ in range(2):
            Interactions(
                sqlite, made.assembly.rules, made.spool, lambda _press, words: whispers.append(words)
            ).work_off(made.clock())
        assert "is not known here" in whispers[0]
        assert case(sqlite, case_id).closed_at is None
        assert case(sqlite, other).owner == "Ana"
        assert made.press(made.body("settings:Ana", "all_solved")) == 200
        worked_off()
        assert whispers[-1] == "1 closed as solved"
        assert (case(sqlite, case_id).outcome, case(sqlite, case_id).closed_by) == ("solved", "Ana")
    finally:
        made.close()


def test_a_guess_is_turned_from_slack_by_one_press(reached: Reached) -> None:
    (case_id,) = take(reached.assembly, post(ANGRY, native_id="n", thread_id="n"))
    own = post("We have refunded you.", author="acme_care", parent_id="n", thread_id="n", at=NOW)
    with reached.database.transaction():
        reached.assembly.answers.take([own], reached.clock())
    assert case(reached.database, case_id).answered_at == NOW
    assert reached.press(reached.body(case_id, "not_answered")) == 200
    reached.work_off()
    assert case(reached.database, case_id).answered_at is None
    assert lines(reached.database, case_id)[-1] == "not_answered"
