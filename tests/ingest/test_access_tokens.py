"""Signing in as a person: tokens that are good for one use, saved before they are used, by one process at a time."""

from __future__ import annotations

import json
import logging
import os
import select
import signal
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors import Account, ConnectorError, RateLimited, Refused
from connectors.http import Http
from connectors.oauth import Grant
from connectors.x.connector import X
from connectors.x.settings import SCOPES, Settings
from monitor.ingest.access_tokens import AccessTokens
from monitor.store.token_files import Held, TokenFile
from tests.connectors.contracts import NOW, first_request
from tests.fakes.server import Reply
from tests.fakes.x import FakeX

CLIENT = "M1M5R3BMVy13QmpScXkzTUt5OE46MTpjaQ"
OWN = "5001"
LATER = NOW + timedelta(hours=2)


@pytest.fixture
def x() -> Iterator[FakeX]:
    with FakeX(NOW) as server:
        server.users[OWN], server.me = "acme", OWN
        server.sign_in_people(CLIENT)
        yield server


def tokens_at(x: FakeX, folder: Path, *, seconds: float = 5.0) -> AccessTokens:
    """What the daemon has of a source, as it would make it anew after a start."""
    sign_in = Settings(client_id=CLIENT, api_url=x.url).sign_in
    assert sign_in is not None
    return AccessTokens("birds", sign_in, Http(trusted=[x.host], total_seconds=seconds), TokenFile(folder, "birds"))


def connected(x: FakeX, folder: Path) -> AccessTokens:
    tokens = tokens_at(x, folder)
    assert x.sign_ins is not None
    given: Any = x.sign_ins.give()
    tokens.keep(Grant(given["access_token"], given["refresh_token"], timedelta(hours=2), SCOPES), NOW)
    tokens.name(Account(OWN, "acme"), owns_app=True)
    return tokens


def later(x: FakeX, now: datetime = LATER) -> datetime:
    x.now = now
    return now


def reader(x: FakeX, tokens: AccessTokens, **changes: Any) -> X:
    made = X(Settings(client_id=CLIENT, api_url=x.url, monthly_budget=None, **changes), page_size=20)
    made.sign_in_with(tokens)
    return made


def held(tokens: AccessTokens) -> Held:
    found = tokens.file.read()
    assert found is not None
    return found


def test_a_token_that_is_good_is_used_without_asking(x: FakeX, tmp_path: Path) -> None:
    tokens = connected(x, tmp_path)
    assert tokens(NOW).token == held(tokens).access_token
    assert not x.ledger
    assert (tokens(NOW).account, tokens(NOW).owns_app) == (Account(OWN, "acme"), True)


def test_one_that_is_nearly_over_is_renewed_and_the_next_is_on_the_disk(x: FakeX, tmp_path: Path) -> None:
    tokens = connected(x, tmp_path)
    before = held(tokens)
    access = tokens(later(x, LATER - timedelta(minutes=4)))
    assert access.token != before.access_token
    after = held(tokens)
    assert (after.access_token, after.spent_at, after.account_id, after.owns_app) == (access.token, "", OWN, True)
    assert after.refresh_token != before.refresh_token
    assert b"client_secret" not in x.ledger[0].body
    for turn in range(1, 5):  # one after the other, each with the token of the one before
        tokens(later(x, LATER + turn * timedelta(hours=2)))
    assert x.sign_ins is not None
    assert x.sign_ins.renewals == 5


def test_file_and_folder_are_for_our_own_account_alone(x: FakeX, tmp_path: Path) -> None:
    folder = tmp_path / "tokens"
    folder.mkdir(mode=0o755)
    before = os.umask(0)
    try:
        tokens = connected(x, tmp_path)
        tokens(later(x))
    finally:
        os.umask(before)
    rights = {each.name: stat.S_IMODE(each.stat().st_mode) for each in [folder, *folder.iterdir()]}
    assert rights == {"tokens": 0o700, "birds.json": 0o600, "birds.lock": 0o600}
    assert not tokens.standing(LATER).wrong
    tokens.file.path.chmod(0o644)
    assert "chmod 600" in tokens.standing(LATER).words
    tokens(later(x, LATER + timedelta(hours=2)))
    assert stat.S_IMODE(tokens.file.path.stat().st_mode) == 0o600, "the next one is right again"


@pytest.mark.parametrize("name", ["../up", "a/b", "50%", "..", ".new"])
def test_a_name_of_a_source_leads_nowhere_else(tmp_path: Path, name: str) -> None:
    file = TokenFile(tmp_path, name)
    with file.locked(1):
        file.write(Held(CLIENT, "a", "b", ""))
    assert file.path.resolve().parent == (tmp_path / "tokens").resolve()
    assert file.read() == Held(CLIENT, "a", "b", "")


# --- killed in between -------------------------------------------------------------------------------------------


def killed(x: FakeX, folder: Path, point: str, number: int = 1) -> None:
    """Renew in a process that is killed at the `number`-th call of a function of `os`, or when X has just given."""
    child = os.fork()
    if child == 0:
        try:
            if point in ("fsync", "replace"):
                counted, real = iter(range(1, 100)), getattr(os, point)

                def call(*given: Any, **named: Any) -> Any:
                    if next(counted) == number:
                        os.kill(os.getpid(), signal.SIGKILL)
                    return real(*given, **named)

                setattr(os, point, call)
            tokens_at(x, folder)(LATER)
        finally:
            os._exit(3)
    _pid, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"{point} {number} was never reached"


@pytest.mark.parametrize(
    ("point", "number", "lost"),
    [
        ("fsync", 1, False),  # before it is written that the token is about to be spent
        ("replace", 1, False),
        ("fsync", 2, False),
        ("fsync", 3, True),  # X has given the next, and it is not on the disk
        ("replace", 2, True),
        ("fsync", 4, False),  # it is in its place; only the folder was not synced yet
    ],
)
def test_killed_at_each_point_nothing_is_lost_or_it_is_told_how_to_sign_in(
    x: FakeX, tmp_path: Path, point: str, number: int, *, lost: bool
) -> None:
    connected(x, tmp_path)
    later(x)
    killed(x, tmp_path, point, number)
    after = tokens_at(x, tmp_path)
    x.ledger.clear()
    if not lost:
        assert after(LATER).token
        assert x.sign_ins is not None
        assert x.sign_ins.knows(after(LATER).token)
        assert not held(after).spent_at
        assert not list((tmp_path / "tokens").glob(".*")), "no token lies about"
        return
    assert "a renewal was begun at" in after.standing(LATER).words
    with pytest.raises(Refused) as told:
        after(LATER)
    assert "its refresh token was used at 14:00 UTC on 2026-11-20, and the new one was never saved" in str(told.value)
    assert told.value.remedy == "Sign in again: earful connect birds"
    with pytest.raises(Refused, match="never saved"):
        tokens_at(x, tmp_path)(LATER)
    assert len(x.ledger) == 1, "X is not asked again and again"
    assert after.standing(LATER).wrong


def test_an_answer_that_is_cut_off_loses_the_sign_in_and_says_so(x: FakeX, tmp_path: Path) -> None:
    tokens = connected(x, tmp_path)
    x.misbehave("cut", at=1)
    with pytest.raises(ConnectorError) as first:
        tokens(later(x))
    assert not isinstance(first.value, Refused), "it may have been cut on the way to X"
    with pytest.raises(Refused, match="the new one was never saved"):
        tokens(LATER)


@pytest.mark.parametrize("mode", ["hang", "drop", "504"])
def test_what_never_reached_x_loses_nothing(x: FakeX, tmp_path: Path, mode: str) -> None:
    connected(x, tmp_path)
    tokens = tokens_at(x, tmp_path)
    impatient = tokens_at(x, tmp_path, seconds=0.2)
    x.misbehave(mode, at=1)
    with pytest.raises(ConnectorError):
        impatient(later(x))
    assert tokens(LATER).token


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_root_makes_belongs_to_whoever_the_folder_belongs_to(x: FakeX, tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, 12345)
    connected(x, tmp_path)(later(x))
    made = [tmp_path / "tokens", *(tmp_path / "tokens").iterdir()]
    assert {(each.stat().st_uid, each.stat().st_gid) for each in made} == {(12345, 12345)}


def test_a_process_that_is_killed_gives_its_lock_back(x: FakeX, tmp_path: Path) -> None:
    tokens = connected(x, tmp_path)
    child = os.fork()
    if child == 0:
        with tokens.file.locked(1):
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert tokens(later(x)).token


class Saying(TokenFile):
    """Says through a pipe that it is about to wait for the lock: the file was read before, and was not good."""

    pipe = -1

    def locked(self, seconds: float) -> AbstractContextManager[None]:
        os.write(self.pipe, b"!")
        return super().locked(seconds)


def test_two_processes_at_once_renew_once(x: FakeX, tmp_path: Path) -> None:
    """The second one has found the old token and waits while X answers the first."""
    tokens = connected(x, tmp_path)
    later(x)
    asking, asked = os.pipe()
    waits, waiting = os.pipe()

    def child(begin: int | None) -> int:
        number = os.fork()
        if number == 0:
            try:
                mine = tokens_at(x, tmp_path)
                if begin is not None:
                    os.read(begin, 1)
                    mine.file = Saying(tmp_path, "birds")
                    mine.file.pipe = waiting
                os._exit(0 if mine(LATER).token else 1)
            finally:
                os._exit(2)
        return number

    def answering() -> None:
        os.write(asked, b"!")
        select.select([waits], [], [], 10)

    assert x.sign_ins is not None
    x.sign_ins.before = answering
    children = [child(None), child(asking)]
    assert [os.waitstatus_to_exitcode(os.waitpid(each, 0)[1]) for each in children] == [0, 0]
    assert x.sign_ins.renewals == 1
    assert x.sign_ins.knows(tokens(LATER).token)
    assert select.select([waits], [], [], 0)[0], "the second one did wait"


def test_many_threads_at_once_renew_once(x: FakeX, tmp_path: Path) -> None:
    connected(x, tmp_path)
    later(x)
    with ThreadPoolExecutor(6) as pool:
        found = set(pool.map(lambda _: tokens_at(x, tmp_path)(LATER).token, range(6)))
    assert len(found) == 1
    assert x.sign_ins is not None
    assert x.sign_ins.renewals == 1


# --- what X says -------------------------------------------------------------------------------------------------


def test_a_consent_that_was_taken_back_is_told_and_not_asked_for_again(x: FakeX, tmp_path: Path) -> None:
    tokens = connected(x, tmp_path)
    assert x.sign_ins is not None
    x.sign_ins.revoke()
    for _ in range(3):
        with pytest.raises(Refused) as told:
            tokens(later(x))
    assert "X no longer accepts the sign-in" in told.value.message
    assert told.value.remedy == "Sign in again: earful connect birds"
    assert len(x.ledger) == 1
    assert tokens.standing(LATER).wrong


def test_the_standard_word_for_it_is_understood_too(x: FakeX, tmp_path: Path) -> None:
    tokens = connected(x, tmp_path)
    x.route("/2/oauth2/token", Reply(400, json={"error": "invalid_grant"}))
    with pytest.raises(Refused, match="no longer accepts"):
        tokens(later(x))


def test_a_permission_that_is_gone_is_named(x: FakeX, tmp_path: Path) -> None:
    tokens = connected(x, tmp_path)
    assert x.sign_ins is not None
    x.sign_ins.scopes = "users.read offline.access"
    for _ in range(2):
        with pytest.raises(Refused, match=r"^X no longer allows tweet\.read$"):
            tokens(later(x))
    assert len(x.ledger) == 1


def test_another_app_in_the_settings_is_told(x: FakeX, tmp_path: Path) -> None:
    tokens = connected(x, tmp_path)
    tokens.sign_in = replace(tokens.sign_in, client_id="other")
    with pytest.raises(Refused, match="is not the app"):
        tokens(NOW)
    assert not x.ledger


def test_nobody_has_signed_in(x: FakeX, tmp_path: Path) -> None:
    tokens = tokens_at(x, tmp_path)
    with pytest.raises(Refused) as told:
        reader(x, tokens).fetch(first_request("birds"))
    assert (told.value.message, told.value.remedy) == (
        "nobody has signed in at X",
        "Run: earful connect birds",
    )
    assert not (tmp_path / "tokens").exists()


@pytest.mark.parametrize("text", ["", "[]", "null", '{"client_id": 7}', '{"access_token"', "[" * 5000, "\xff\x00"])
def test_a_damaged_file_is_named(x: FakeX, tmp_path: Path, text: str) -> None:
    tokens = connected(x, tmp_path)
    tokens.file.path.write_text(text, "latin-1")
    with pytest.raises(Refused, match=r"birds\.json is damaged"):
        tokens(NOW)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(500, json={"title": "oops"}),
        Reply(503, body="<html>"),
        Reply(429, headers={"retry-after": "5"}),
        Reply(403, body="<html>blocked"),
        Reply(404, json={"error": "not found"}),
        Reply(400, body="<html>a proxy"),
        Reply(400, json=["invalid_grant"]),
        Reply(401, json={"error": {"deep": 1}}),
        Reply(302, headers={"location": "https://example.org/"}),
    ],
    ids=lambda reply: f"{reply.status} {str(reply.json or reply.body)[:20]}",
)
def test_what_says_nothing_of_the_token_ends_nothing(x: FakeX, tmp_path: Path, reply: Reply) -> None:
    tokens = connected(x, tmp_path)
    assert x.sign_ins is not None
    x.route("/2/oauth2/token", reply)
    with pytest.raises(ConnectorError) as told:
        tokens(later(x))
    assert not isinstance(told.value, Refused)
    assert isinstance(told.value, RateLimited) is (reply.status == 429)
    x.route("/2/oauth2/token", x.sign_ins.answer)
    assert tokens(LATER).token, "it goes on where it was"


SPOILT: list[dict[str, Any]] = [
    {"access_token": None}, {"access_token": ""}, {"access_token": "a\r\nX-Evil: 1"}, {"access_token": "é"},
    {"access_token": "a" * 9000}, {"access_token": ["a"]}, {"refresh_token": 7}, {"refresh_token": "a b"},
]  # fmt: skip


@pytest.mark.parametrize("change", SPOILT, ids=lambda change: str(change)[:30])
def test_hostile_tokens_are_neither_kept_nor_sent(x: FakeX, tmp_path: Path, change: dict[str, Any]) -> None:
    tokens = connected(x, tmp_path)
    assert x.sign_ins is not None
    x.sign_ins.spoil = lambda body: {**body, **change}
    before = held(tokens)
    with pytest.raises(ConnectorError, match="without a usable"):
        tokens(later(x))
    assert held(tokens) == replace(before, spent_at=held(tokens).spent_at)


@pytest.mark.parametrize(
    "answer", [b"[1]", b"null", b'"x"', b"{", b"<html>", b"", b"[" * 9000, b'{"a":"' + b"a" * 200_000]
)
def test_an_answer_that_is_none_is_nonsense(x: FakeX, tmp_path: Path, answer: bytes) -> None:
    tokens = connected(x, tmp_path)
    x.route("/2/oauth2/token", Reply(body=answer, headers={"Content-Type": "application/json"}))
    with pytest.raises(ConnectorError) as told:
        tokens(later(x))
    assert not isinstance(told.value, Refused)


@pytest.mark.parametrize("lasts", [None, -5, 0, 10**12, "7200", 1.5, True, [1]])
def test_an_odd_end_is_taken_for_two_hours(x: FakeX, tmp_path: Path, lasts: Any) -> None:
    tokens = connected(x, tmp_path)
    assert x.sign_ins is not None
    x.sign_ins.spoil = lambda body: {**body, "expires_in": lasts}
    tokens(later(x))
    assert tokens.standing(LATER).ends_at == LATER + timedelta(hours=2)


def test_an_answer_without_a_new_one_to_renew_with_leaves_the_old(x: FakeX, tmp_path: Path) -> None:
    """RFC 6749, section 6: a server may go on with the same."""
    tokens = connected(x, tmp_path)
    assert x.sign_ins is not None
    x.sign_ins.spoil = lambda body: {name: value for name, value in body.items() if name != "refresh_token"}
    before = held(tokens).refresh_token
    tokens(later(x))
    assert held(tokens).refresh_token == before


def test_one_that_could_not_be_renewed_early_is_used_to_its_end(x: FakeX, tmp_path: Path) -> None:
    tokens = connected(x, tmp_path)
    x.route("/2/oauth2/token", Reply(503))
    early = later(x, LATER - timedelta(minutes=3))
    assert tokens(early).token == held(tokens).access_token
    with pytest.raises(ConnectorError):
        tokens(later(x))


def test_a_disk_that_takes_nothing_spends_nothing(x: FakeX, tmp_path: Path) -> None:
    tokens = connected(x, tmp_path)
    in_the_way = tokens.file.path.with_name(f".{tokens.file.path.name}.new")
    in_the_way.mkdir()
    with pytest.raises(ConnectorError, match=r"can't write .*birds\.json"):
        tokens(later(x))
    assert not x.ledger
    in_the_way.rmdir()
    assert tokens(LATER).token


# --- reading -----------------------------------------------------------------------------------------------------


def test_a_token_that_x_turns_down_is_renewed_once_and_the_read_goes_on(x: FakeX, tmp_path: Path) -> None:
    """Our clock may be behind: by it the token is good."""
    tokens = connected(x, tmp_path)
    assert x.sign_ins is not None
    x.post("Acme lost my parcel")
    x.sign_ins.end_access()
    connector = reader(x, tokens)
    assert len(connector.fetch(first_request("birds")).posts) == 1
    assert x.sign_ins.renewals == 1
    assert x.paths() == ["/2/tweets/search/recent", "/2/oauth2/token", "/2/tweets/search/recent"]
    connector.fetch(first_request("birds"))
    assert x.sign_ins.renewals == 1


def test_one_that_x_has_just_given_and_turns_down_is_told(x: FakeX, tmp_path: Path) -> None:
    tokens = connected(x, tmp_path)
    x.route("/2/tweets/search/recent", Reply(401, json={"title": "Unauthorized", "status": 401}))
    with pytest.raises(Refused) as told:
        reader(x, tokens).fetch(first_request("birds"))
    assert told.value.remedy == "Sign in again: earful connect birds"
    assert len(x.ledger) == 3


def test_a_403_says_where_to_look_and_how_to_sign_in(x: FakeX, tmp_path: Path) -> None:
    x.route("/2/tweets/search/recent", Reply(403, json={"title": "Forbidden", "status": 403}))
    with pytest.raises(Refused) as told:
        reader(x, connected(x, tmp_path)).fetch(first_request("birds"))
    assert "earful connect birds" in told.value.remedy


@pytest.mark.parametrize("drift", [timedelta(days=-400), timedelta(hours=-3), timedelta(hours=3), timedelta(days=400)])
def test_a_clock_that_is_wrong_costs_one_renewal_each_time_it_jumps(x: FakeX, tmp_path: Path, drift: timedelta) -> None:
    tokens = connected(x, tmp_path)
    assert x.sign_ins is not None
    for minute in range(0, 600, 30):  # ten hours of X's, by a clock that jumped at their beginning
        x.now = NOW + timedelta(minutes=minute)
        request = replace(first_request("birds"), now=x.now + drift, since=x.now + drift - timedelta(hours=1))
        reader(x, tokens, search=False).fetch_own((OWN,), request)
    assert x.sign_ins.renewals <= 6


@pytest.mark.parametrize(("owns", "owner", "price"), [(True, OWN, 0.001), (False, "", 0.005)])
def test_only_the_owner_of_the_app_reads_its_own_timeline_and_mentions_for_less(
    x: FakeX, tmp_path: Path, owner: str, price: float, *, owns: bool
) -> None:
    x.users["66"] = "other"
    x.app_owner = owner
    for number in range(10):
        x.post(f"@acme {number}")
        x.post(f"@other {number}")
        x.post(f"sorry {number}", author=OWN)
    tokens = connected(x, tmp_path)
    tokens.name(Account(OWN, "acme"), owns_app=owns)
    request = replace(first_request("birds"), accounts={"acme": OWN, "other": "66"})
    connector = reader(x, tokens, search=False, mentions_of=("acme", "other"))
    own = connector.fetch_own(("acme",), request)
    first = connector.fetch(request)
    second = connector.fetch(replace(request, cursor=first.cursor))
    costs = [batch.quota.cost for batch in (own, first, second) if batch.quota is not None]
    assert costs == [pytest.approx(10 * each) for each in (price, price, 0.005)], "the other account is not its own"
    assert sum(costs) == pytest.approx(x.bill)
    assert not [path for path in x.paths() if "/users/me" in path or "by/username" in path], "that would cost too"


def test_who_has_signed_in_is_asked_and_its_price_told(x: FakeX, tmp_path: Path) -> None:
    account, quota = reader(x, connected(x, tmp_path)).who(NOW)
    assert (account, quota.cost) == (Account(OWN, "acme"), pytest.approx(x.bill))
    x.route("/2/users/me", {"data": {"id": OWN, "username": "<b>\x1b[31m"}})
    assert reader(x, connected(x, tmp_path)).who(NOW)[0] == Account(OWN)


def test_no_token_is_shown_or_logged(x: FakeX, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    tokens = connected(x, tmp_path)
    access = tokens(later(x))
    batch = reader(x, tokens).fetch(replace(first_request("birds"), now=LATER))
    x.route("/2/oauth2/token", Reply(400, json={"error": "invalid_grant", "error_description": "refresh-CANARY-9"}))
    with pytest.raises(Refused) as told:
        tokens(LATER + timedelta(hours=3))
    shown = (access, held(tokens), batch, tokens.standing(LATER), str(told.value), told.value.remedy, caplog.text)
    assert "CANARY" not in repr(shown)
    assert "CANARY" in json.dumps(tokens.file.path.read_text()), "the canary is where it belongs"
