"""A crowd at the login: it holds no page up, and locks no browser out that was let in before."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from monitor.web import hashing, pages_of
from monitor.web.hashing import Hashing
from monitor.web.identity import Refusal
from monitor.web.routing import ROUTES
from tests.web.office import PASSWORD, Browser, Office

WRONG = "wrong wrong wrong"


def tried(browser: Browser, name: str, password: str) -> int:
    browser.get("/login")
    return browser.post("/login", {"name": name, "password": password}).status_code


def test_one_client_waits_with_few_and_all_with_some_more() -> None:
    async def work() -> None:
        made, let_go = Hashing(), threading.Event()
        waiting = [
            asyncio.create_task(made.run(f"192.0.2.{number // hashing.OF_ONE}", let_go.wait))
            for number in range(hashing.MOST_WAITING - 1)
        ]
        await asyncio.sleep(0)
        with pytest.raises(Refusal) as of_one:
            await made.run("192.0.2.0", let_go.wait)
        waiting.append(asyncio.create_task(made.run("198.51.100.1", let_go.wait)))
        await asyncio.sleep(0)
        with pytest.raises(Refusal) as of_all:
            await made.run("198.51.100.2", let_go.wait)
        assert (of_one.value.status, of_all.value.status) == (429, 429)
        assert of_one.value.wait > 0
        let_go.set()
        await asyncio.gather(*waiting)
        assert made.waiting.total() == 0
        assert await made.run("192.0.2.0", lambda: "hashed") == "hashed"
        made.pool.shutdown()

    asyncio.run(work())


def test_pages_are_served_while_the_login_is_crowded(office: Office) -> None:
    """Every thread that hashes is held; one client's fifth login is told to come back, and its pages are served."""
    ana = office.person("Ana")
    made, let_go = office.server.context.hashing, threading.Event()
    held = [made.pool.submit(let_go.wait) for _ in range(hashing.THREADS)]
    crowd = [office.browser() for _ in range(hashing.OF_ONE)]
    try:
        with ThreadPoolExecutor(len(crowd)) as threads:
            logins = [threads.submit(tried, browser, "Ana", PASSWORD) for browser in crowd]
            deadline = time.monotonic() + 20
            while made.waiting.total() < len(crowd):
                assert time.monotonic() < deadline
                time.sleep(0.01)
            stranger = office.browser()
            stranger.get("/login")
            answer = stranger.post("/login", {"name": "Ana", "password": PASSWORD})
            assert (answer.status_code, int(answer.headers["retry-after"]) > 0) == (429, True)
            for path in ("/", "/health", "/login", "/you"):
                assert ana.get(path, follow_redirects=True).status_code == 200, path
            let_go.set()
            assert [login.result() for login in logins] == [303] * len(crowd)
    finally:
        let_go.set()
    assert all(each.result() for each in held)


def test_what_hashes_runs_apart() -> None:
    pages_of()
    assert {route.path for route in ROUTES if route.hashes} == {"/login", "/again", "/welcome/{token}", "/you"}


def test_a_household_counts_as_one_client(office: Office) -> None:
    guard = office.server.context.authenticator
    guard._by_address.most = 3
    now = office.clock()
    for number in range(3):
        with pytest.raises(Refusal) as told:
            guard.verify(office.database, f"nobody {number}", WRONG, f"2001:db8:1:2::{number}", now)
        assert told.value.status == 403
    with pytest.raises(Refusal) as told:
        guard.verify(office.database, "nobody", WRONG, "2001:db8:1:2:ffff::1", now)
    assert told.value.status == 429
    with pytest.raises(Refusal) as told:
        guard.verify(office.database, "nobody", WRONG, "2001:db8:1:3::1", now)
    assert told.value.status == 403


def test_guesses_at_ones_own_page_are_slowed_down_like_any(office: Office) -> None:
    ana = office.person("Ana")
    codes = []
    for old in (*[WRONG] * 6, PASSWORD):
        ana.get("/you")
        codes.append(ana.post("/you", {"old": old, "password": "another long sentence"}).status_code)
    assert codes == [400] * 5 + [429] * 2
    office.clock.forward(timedelta(minutes=16))
    ana.get("/you")
    assert ana.post("/you", {"old": PASSWORD, "password": "another long sentence"}).status_code == 303


def test_a_browser_that_was_let_in_before_is_not_locked_out_by_strangers(office: Office) -> None:
    guard = office.server.context.authenticator
    guard._by_name.most = guard._by_address.most = 4
    ana, olle, stranger = office.newcomer("Ana"), office.newcomer("Olle"), office.browser()
    for browser in (ana, olle):
        browser.get("/you")
        browser.post("/logout")
    assert [tried(stranger, "Ana", WRONG) for _ in range(5)] == [403] * 4 + [429]
    assert tried(stranger, "Ana", PASSWORD) == 429
    assert tried(olle, "Ana", PASSWORD) == 429, "Olle's browser is known for Olle"
    forged = office.browser()
    forged.http.cookies.set("earful_known", "abc." + "0" * 64)
    assert tried(forged, "Ana", PASSWORD) == 429
    assert tried(ana, "Ana", PASSWORD) == 303
    ana.get("/you")
    ana.post("/logout")
    assert [tried(ana, "Ana", WRONG) for _ in range(6)] == [403] * 5 + [429], "it is counted itself"
