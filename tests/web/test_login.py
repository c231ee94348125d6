"""Coming in: one-time links, passwords, sessions, how often one may guess."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.store import web
from monitor.store.sqlite import Sqlite
from monitor.web.auth import COOKIE, IDLE, WELCOME, Throttle, set_cookie
from monitor.web.login import own_address
from tests.helpers import NOW, Clock
from tests.web.office import PASSWORD, Office


def test_a_person_chooses_a_password_once_and_logs_in_with_it(office: Office) -> None:
    path = office.welcome("Ana", "lead")
    first = office.browser()
    assert first.get(path).status_code == 200
    assert first.get(path).status_code == 200, "looking must not use the link up"
    assert first.post(path, {"password": "short", "again": "short"}).status_code == 400
    assert first.post(path, {"password": PASSWORD, "again": PASSWORD + "!"}).status_code == 400
    assert first.post(path, {"password": PASSWORD, "again": PASSWORD}).status_code == 303
    assert first.get("/").status_code == 200
    second = office.browser()
    assert second.get(path).status_code == 403
    second.get("/login")
    answer = second.post("/login", {"name": "Ana", "password": PASSWORD})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert second.get("/").status_code == 200


def test_a_link_grows_old_and_a_newer_one_ends_it(office: Office) -> None:
    old = office.welcome("Ana")
    new = office.welcome("Ana")
    assert office.browser().get(old).status_code == 403
    assert office.browser().get(new).status_code == 200
    office.clock.forward(WELCOME)
    assert office.browser().get(new).status_code == 403
    assert office.browser().get("/welcome/" + "x" * 5000).status_code == 403


def test_the_answer_is_the_same_whether_name_or_password_is_wrong(office: Office) -> None:
    office.person("Ana")
    office.welcome("Uma")  # has not chosen a password
    answers = []
    for name in ("Ana", "Uma", "nobody", "", "x" * 500):
        somebody = office.browser()
        somebody.get("/login")
        answer = somebody.post("/login", {"name": name, "password": "wrong wrong wrong"})
        assert answer.status_code == 403
        answers.append(answer.text.split('role="alert">')[1].split("<")[0])
    assert len(set(answers)) == 1


def test_guessing_is_slowed_down_and_the_right_password_does_not_help_then(office: Office) -> None:
    office.person("Ana")
    guesser = office.browser()
    guesser.get("/login")
    codes = [guesser.post("/login", {"name": "Ana", "password": f"guess number {n}"}).status_code for n in range(7)]
    assert codes == [403] * 5 + [429] * 2
    blocked = guesser.post("/login", {"name": "Ana", "password": PASSWORD})
    assert blocked.status_code == 429
    assert int(blocked.headers["retry-after"]) > 0
    office.clock.forward(timedelta(minutes=16))
    assert guesser.post("/login", {"name": "Ana", "password": PASSWORD}).status_code == 303


def test_a_proxy_is_believed_only_where_settings_name_it(tmp_path: Path, sqlite: Sqlite) -> None:
    """Guesses through the named proxy count for who really asks; what a stranger claims of himself does not."""
    from starlette.requests import Request

    from monitor.web.security import client_of
    from tests.helpers import settings_from

    def asked(peer: str, forwarded: str) -> Request:
        headers = [(b"x-forwarded-for", forwarded.encode())]
        return Request({"type": "http", "headers": headers, "client": (peer, 1), "method": "GET", "path": "/"})

    trusting = settings_from(tmp_path, earful='trusted_proxies = ["10.0.0.0/8"]')
    assert client_of(asked("10.0.0.5", "198.51.100.7"), trusting) == "198.51.100.7"
    assert client_of(asked("10.0.0.5", "1.2.3.4, 198.51.100.7"), trusting) == "198.51.100.7"
    assert client_of(asked("10.0.0.5", "198.51.100.7, 10.0.0.9"), trusting) == "198.51.100.7"
    assert client_of(asked("203.0.113.9", "198.51.100.7"), trusting) == "203.0.113.9"
    assert client_of(asked("10.0.0.5", "nonsense"), trusting) == "10.0.0.5"
    plain = settings_from(tmp_path)
    assert client_of(asked("10.0.0.5", "198.51.100.7"), plain) == "10.0.0.5"


def test_the_throttle_forgets_the_longest_silent_and_stays_small() -> None:
    throttle, clock = Throttle(2, timedelta(minutes=5), keys=10), Clock()
    for number in range(1000):
        throttle.failed(f"key {number}", clock())
    assert throttle.wait("key 1", clock()) == timedelta(0)
    throttle.failed("key 999", clock())
    assert throttle.wait("key 999", clock()) == timedelta(minutes=5)
    assert len(throttle._failed) == 10


def test_the_cookie_is_kept_from_scripts_and_other_sites(office: Office) -> None:
    person = office.person("Ana")
    path = office.welcome("Ana")
    person.get(path)
    cookie = person.post(path, {"password": PASSWORD, "again": PASSWORD}).headers["set-cookie"].casefold()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


def test_behind_https_the_cookie_travels_by_nothing_else(office: Office) -> None:
    from starlette.responses import Response

    earful = office.settings.earful.model_copy(update={"page_url": "https://care.example.org"})
    answer = Response()
    set_cookie(answer, office.settings.model_copy(update={"earful": earful}), "secret")
    assert answer.headers["set-cookie"].startswith("__Host-earful_session=secret;")
    assert "Secure" in answer.headers["set-cookie"]


def test_a_session_that_was_planted_before_the_login_opens_nothing_after_it(office: Office) -> None:
    office.person("Ana")
    victim = office.browser()
    victim.http.cookies.set(COOKIE, "planted-by-somebody-else")
    victim.get("/login")
    victim.post("/login", {"name": "Ana", "password": PASSWORD})
    intruder = office.browser()
    intruder.http.cookies.set(COOKIE, "planted-by-somebody-else")
    assert intruder.get("/").status_code == 303


def test_sessions_are_kept_as_hashes_and_end_unused(office: Office) -> None:
    person = office.person("Ana")
    office.welcome("Ben")  # one person alone on this machine is not logged out
    secret = person.http.cookies[COOKIE]
    (row,) = office.database.rows("SELECT id FROM sessions")
    assert secret not in row["id"]
    office.clock.forward(IDLE - timedelta(hours=1))
    assert person.get("/").status_code == 200, "a session that is used lives on"
    office.clock.forward(IDLE - timedelta(hours=1))
    assert person.get("/").status_code == 200
    office.clock.forward(IDLE)
    assert person.get("/").status_code == 303


def test_logging_out_everywhere_ends_every_session(office: Office) -> None:
    here = office.person("Ana")
    there = office.browser()
    there.get("/login")
    there.post("/login", {"name": "Ana", "password": PASSWORD})
    assert there.get("/").status_code == 200
    here.get("/you")
    assert here.post("/logout", {"everywhere": "1"}).status_code == 303
    assert here.get("/").status_code == 303
    assert there.get("/").status_code == 303


def test_a_new_password_ends_the_other_sessions(office: Office) -> None:
    here = office.person("Ana")
    there = office.browser()
    there.get("/login")
    there.post("/login", {"name": "Ana", "password": PASSWORD})
    here.get("/you")
    assert here.post("/you", {"old": "not this one", "password": "another long sentence"}).status_code == 400
    here.get("/you")
    assert here.post("/you", {"old": PASSWORD, "password": "another long sentence"}).status_code == 303
    assert here.get("/").status_code == 200
    assert there.get("/").status_code == 303


def test_who_is_shut_out_is_out_at_once(office: Office) -> None:
    person, admin = office.person("Olle"), office.person("Ida", "admin")
    admin.get("/people")
    assert admin.post("/people", {"verb": "disable", "name": "Olle"}).status_code == 200
    assert person.get("/").status_code == 303
    person.get("/login")
    assert person.post("/login", {"name": "Olle", "password": PASSWORD}).status_code == 403


def test_nobody_can_shut_themselves_out_or_lower_themselves(office: Office) -> None:
    admin = office.person("Ida", "admin")
    for fields in ({"verb": "disable"}, {"verb": "role", "role": "viewer"}):
        admin.get("/people")
        assert admin.post("/people", {"name": "Ida", **fields}).status_code == 400
    assert admin.get("/people").status_code == 200


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "evil",
        "/login?next=/",
        "/a\r\nX: y",
    ],
)
def test_a_login_leads_nowhere_else(target: str) -> None:
    assert own_address(target) == "/"


def test_a_login_leads_back_to_where_somebody_wanted_to_go(office: Office) -> None:
    office.person("Ana")
    somebody = office.browser()
    answer = somebody.get("/cases/7?x=1")
    assert answer.headers["location"] == "/login?next=%2Fcases%2F7%3Fx%3D1"
    somebody.get(answer.headers["location"])
    done = somebody.post("/login", {"name": "Ana", "password": PASSWORD, "next": "/cases/7?x=1"})
    assert done.headers["location"] == "/cases/7?x=1"


def test_a_token_of_the_api_is_shown_once_and_kept_as_a_hash(office: Office) -> None:
    admin = office.person("Ida", "admin")
    admin.get("/people")
    shown = admin.post("/people/tokens", {"name": "reports", "role": "viewer"}).text
    secret = shown.split("<code>")[1].split("</code>")[0]
    assert secret.startswith("earful_")
    assert secret not in admin.get("/people").text
    (row,) = web.api_tokens(office.database)
    assert row["id"] == web.hashed(secret)
    assert web.token(office.database, secret, "api", NOW) is not None
    assert web.token(office.database, secret, "welcome", NOW) is None
    admin.post("/people/tokens", {"verb": "drop", "id": row["id"]})
    assert web.token(office.database, secret, "api", NOW) is None


def test_what_came_from_elsewhere_is_shown_nowhere(tmp_path: Path, sqlite: Sqlite) -> None:
    """Addresses hold keys: one from the environment or a file is "set", and of one in the clear its query is."""
    from monitor.web.routing import ROUTES

    file = tmp_path / "feed"
    file.write_text("https://canary.example/of-a-file")
    feeds = (
        '[[sources]]\nname = "feeds"\nkind = "rss"\nfeeds = [{ env = "FEED" }, { file = "feed" }, '
        '"https://u:canary@plain.example/feed?key=canary&page=2"]\n'
        '[[sources]]\nname = "toots"\nkind = "mastodon"\napi_url = { env = "SERVER" }\ntags = ["acme"]\n'
    )
    environ = {"FEED": "https://canary.example/of-the-environment", "SERVER": "https://canary.example"}
    office = Office(tmp_path, sqlite, tables=feeds, environ=environ)
    try:
        ida = office.person("Ida", "admin")
        text = ida.get("/settings").text
        assert re.search(
            r"sources\[\d\].feeds</code></td><td data-name=\"value\">set, set, https://\(set\)@plain", text
        )
        assert "plain.example/feed?(set)" in text
        shown = [ida.get(route.path).text for route in ROUTES if route.method == "GET" and "{" not in route.path]
        assert len(shown) > 15
        assert [each for each in shown if "canary" in each] == []
    finally:
        office.close()


def test_secrets_of_the_settings_are_never_shown(tmp_path: object, office: Office) -> None:
    from pydantic import SecretStr

    from monitor.web.people import values_of, words_of

    assert words_of(SecretStr("canary")) == "set"
    found = dict(values_of(office.settings))
    assert found["database.url"] == "set"
    assert "whole" not in found, "nobody can set it"
    assert "unused.sqlite" not in office.person("Lea", "lead").get("/settings").text
