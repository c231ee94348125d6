"""Proof of who somebody is: cookies, owners of tokens, passwords that nobody guesses, second factors, asking again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx2
import pyotp
import pytest
from starlette.requests import Request

from monitor.people.upgrade import TOKENS, end_old_tokens
from monitor.store import audit, key_values, web
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.web import auth, factor, passwords
from monitor.web.identity import FRESH, Refusal
from monitor.wiring import open_store
from tests.helpers import DAY, MINUTE, NOW, notices, post, settings_from
from tests.web.office import PASSWORD, Browser, Office


@pytest.fixture
def anywhere(tmp_path: Path, database: Sqlite | Postgresql) -> Iterator[Office]:
    made = Office(tmp_path, database)
    yield made
    made.close()


def asked(cookie: str) -> Request:
    headers = [(b"cookie", cookie.encode()), (b"host", b"earful.example")]
    return Request({"type": "http", "method": "GET", "path": "/", "headers": headers, "query_string": b""})


def test_by_https_only_the_prefixed_cookie_counts(sqlite: Sqlite, tmp_path: Path) -> None:
    """A plain cookie can be set by a neighbouring host, and beat the one that browsers guard."""
    office = Office(tmp_path, sqlite, earful='page_url = "https://earful.example"')
    try:
        web.add_user(sqlite, "Ana", "lead", NOW)
        web.add_user(sqlite, "Eve", "viewer", NOW)
        ana, eve = auth.new_session(sqlite, "Ana", NOW), auth.new_session(sqlite, "Eve", NOW)

        def who(cookie: str) -> str:
            found = office.server.context.authenticator.identity(
                asked(cookie), sqlite, office.settings, NOW, open_demo=False
            )
            return found.name if found is not None else ""

        assert who(f"earful_session={eve}; __Host-earful_session={ana}") == "Ana"
        assert who(f"earful_session={ana}") == ""
        plain = office.settings.model_copy(
            update={"earful": office.settings.earful.model_copy(update={"page_url": "http://earful.example"})}
        )
        assert auth.cookie_name(plain, auth.COOKIE) == "earful_session"
        login = httpx2.get(f"{office.address}/login", verify=False, timeout=10)
        assert login.headers["set-cookie"].startswith("__Host-earful_form=")
        assert "secure" in login.headers["set-cookie"].lower()
    finally:
        office.close()


def test_a_session_ends_after_fourteen_days_however_much_it_is_used(anywhere: Office) -> None:
    person = anywhere.person("Ana", "lead")
    anywhere.welcome("Ben")
    for _ in range(13):
        anywhere.clock.forward(DAY)
        assert person.get("/").status_code == 200
    anywhere.clock.forward(DAY)
    assert person.get("/").status_code == 303


def test_sessions_are_ended_one_by_one(anywhere: Office) -> None:
    first, second = anywhere.person("Ana", "lead"), anywhere.browser()
    other = anywhere.person("Ben", "staff")
    second.get("/login")
    assert second.post("/login", {"name": "Ana", "password": PASSWORD}).status_code == 303
    shown = first.get("/you").text
    assert "This browser" in shown
    (mark,) = {part.split('"')[0] for part in shown.split('name="end" value="')[1:]}
    other.get("/you")
    other.post("/you", {"end": mark})
    assert second.get("/").status_code == 200, "nobody ends a session of somebody else"
    first.post("/you", {"end": mark})
    assert (first.get("/").status_code, second.get("/").status_code) == (200, 303)


def call(office: Office, secret: str) -> int:
    return httpx2.get(
        f"{office.address}/api/v1/cases", headers={"authorization": f"Bearer {secret}"}, verify=False, timeout=10
    ).status_code


def made_token(office: Office, admin: Browser, **fields: str) -> str:
    admin.get("/people")
    shown = admin.post("/people/tokens", {"name": "helpdesk", "role": "staff", **fields}).text
    return shown.split("<code>")[1].split("</code>")[0]


def test_a_token_has_an_owner_and_ends_with_them(anywhere: Office) -> None:
    admin = anywhere.person("Ida", "admin")
    anywhere.person("Ben", "staff")
    mine, bens = made_token(anywhere, admin), made_token(anywhere, admin, owner="page:Ben")
    assert (call(anywhere, mine), call(anywhere, bens)) == (200, 200)
    assert {row["owner"] for row in web.api_tokens(anywhere.database)} == {"page:Ida", "page:Ben"}
    web.set_role(anywhere.database, "Ben", "viewer")
    said = httpx2.post(
        f"{anywhere.address}/api/v1/cases/1", json={"verb": "take"}, headers={"authorization": f"Bearer {bens}"},
        verify=False, timeout=10,
    )  # fmt: skip
    assert said.status_code == 403, "a token may no more than its owner"
    admin.get("/people")
    admin.post("/people", {"verb": "disable", "name": "Ben"})
    assert (call(anywhere, mine), call(anywhere, bens)) == (200, 401)
    admin.post("/people", {"verb": "enable", "name": "Ben"})
    assert call(anywhere, bens) == 401, "what has ended does not come back"
    for row in web.api_tokens(anywhere.database):
        assert row["expires_at"], "a token always ends"
    anywhere.clock.forward(timedelta(days=366))
    assert call(anywhere, mine) == 401


def test_a_token_of_somebody_who_left_the_settings_opens_nothing(tmp_path: Path, sqlite: Sqlite) -> None:
    office = Office(tmp_path, sqlite)
    try:
        web.add_token(sqlite, "of Ana", "x", "api", NOW, role="viewer", owner="settings:Ana")
        assert call(office, "of Ana") == 200
        from tests.helpers import assembly_of

        office.assembly = assembly_of(sqlite, settings_from(tmp_path, earful='page_listen = "127.0.0.1:0"'))
        assert call(office, "of Ana") == 401
    finally:
        office.close()


def test_older_tokens_belong_to_nobody_and_end_in_thirty_days(database: Sqlite | Postgresql, tmp_path: Path) -> None:
    database.run("DELETE FROM facts WHERE key = :key", {"key": TOKENS})
    web.add_token(database, "old", "old", "api", NOW, role="viewer", until=NOW + 3650 * DAY)
    database.run("UPDATE tokens SET expires_at = ''")
    assert end_old_tokens(database, NOW) == 1
    assert end_old_tokens(database, NOW + DAY) == 0
    (row,) = web.api_tokens(database)
    assert row["owner"] == "unknown"
    assert web.token(database, "old", "api", NOW + 29 * DAY) is not None
    assert web.token(database, "old", "api", NOW + 31 * DAY) is None


def test_admins_are_told_of_older_tokens(tmp_path: Path) -> None:
    settings = settings_from(tmp_path)
    file = settings.file
    file.write_text(file.read_text().replace("sqlite:unused.sqlite", f"sqlite:{tmp_path / 'old.sqlite'}"))
    from monitor.settings.loading import load

    settings = load(file, {})
    first = open_store(settings, NOW)
    first.run("DELETE FROM facts WHERE key = :key", {"key": TOKENS})
    web.add_token(first, "old", "old", "api", NOW, role="viewer")
    first.close()
    again = open_store(settings, NOW)
    assert notices(again) == ["1 API token without an owner will stop working on 03 Apr 2026"]
    assert key_values.fact(again, TOKENS) == "yes"
    again.close()


def test_what_cannot_be_undone_asks_again_who_it_is(anywhere: Office) -> None:
    (case_id,) = anywhere.take(post())
    admin = anywhere.person("Ida", "admin")
    anywhere.person("Ben", "staff")
    anywhere.clock.forward(FRESH + MINUTE)
    presses: list[tuple[str, dict[str, str], str]] = [
        ("/people", {"verb": "role", "name": "Ben", "role": "admin"}, "/people"),
        ("/people/tokens", {"name": "x", "role": "admin"}, "/people"),
        (f"/cases/{case_id}/erase", {"sure": "yes"}, f"/cases/{case_id}/erase"),
    ]
    for path, fields, back in presses:
        admin.get("/you")
        answer = admin.post(path, fields)
        assert answer.status_code == 303
        assert answer.headers["location"] == str(httpx2.URL("/again", params={"next": back}))
    assert admin.get(f"/cases/{case_id}/erase").status_code == 303
    assert web.user(anywhere.database, "Ben").role == "staff"  # type: ignore[union-attr]
    assert web.api_tokens(anywhere.database) == []
    assert admin.get("/people").status_code == 200, "looking asks for nothing"
    admin.get("/again?next=/people")
    assert admin.post("/again", {"next": "/people", "password": "not the one at all"}).status_code == 400
    answer = admin.post("/again", {"next": "https://evil.example/", "password": PASSWORD})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    admin.get("/people")
    assert admin.post("/people", presses[0][1]).status_code == 200
    assert web.user(anywhere.database, "Ben").role == "admin"  # type: ignore[union-attr]
    anywhere.clock.forward(FRESH + MINUTE)
    assert admin.post("/people", {"verb": "role", "name": "Ben", "role": "staff"}).status_code == 303


GUESSED = """eleven char|123456789012|password1234|Password12345!|qwertyuiop12|iloveyou1234|aaaaaaaaaaaaaaa|AcmeAcmeAcme
acme2026!acme|Acme-2026-Acme!|Ana Example1|ana.example.2026|letmeinletmein|ＡcmeＡcmeＡcme|Globex123456"""
OWN = f"""{PASSWORD}|correct horse battery staple|mein Hund frisst gern Käse|k7#qLw9!zR2v|我喜欢吃苹果和香蕉还有梨子吧
w{"xq7 " * 200}"""


@pytest.mark.parametrize("password", GUESSED.replace("\n", "|").split("|"))
def test_a_password_that_somebody_would_guess_is_refused(password: str) -> None:
    with pytest.raises(Refusal, match=r"easy to guess|too short"):
        passwords.check(password, name="Ana Example", brands=["Acme", "Globex"])


@pytest.mark.parametrize("password", OWN.replace("\n", "|").split("|"), ids=str.__len__)
def test_a_password_of_ones_own_is_taken(password: str) -> None:
    passwords.check(password, name="Ana Example", brands=["Acme", "Globex"])


def test_each_form_that_takes_a_new_password_refuses_a_common_one(office: Office) -> None:
    path = office.welcome("Ana", "lead")
    browser = office.browser()
    browser.get(path)
    answer = browser.post(path, {"password": "password1234", "again": "password1234"})
    assert (answer.status_code, "easy to guess" in answer.text) == (400, True)
    person = office.person("Ben", "staff")
    answer = person.post("/you", {"old": PASSWORD, "password": "acmeacmeacme"})
    assert (answer.status_code, "little more than your name" in answer.text) == (400, True)


def with_factor(office: Office, name: str, role: str) -> tuple[Browser, pyotp.TOTP, list[str]]:
    """Somebody who has set up a second factor, their app, and their recovery codes."""
    person = office.person(name, role)
    shown = person.get("/you/factor").text
    assert "<svg" in shown
    secret = shown.split('name="secret" value="')[1].split('"')[0]
    app = pyotp.TOTP(secret)
    assert person.post("/you/factor", {"verb": "begin", "secret": secret, "code": "000000"}).status_code == 400
    shown = person.post("/you/factor", {"verb": "begin", "secret": secret, "code": app.at(office.clock())}).text
    codes = [part.split("<")[0] for part in shown.split("<li><code>")[1:]]
    assert len(codes) == factor.RECOVERY_CODES
    return person, app, codes


def half(office: Office, name: str = "Ida") -> tuple[Browser, str]:
    """A login that waits for its code."""
    browser = office.browser()
    browser.get("/login")
    answer = browser.post("/login", {"name": name, "password": PASSWORD})
    assert (answer.status_code, "set-cookie" in answer.headers) == (200, False)
    assert browser.get("/").status_code == 303, "the password alone opens nothing"
    browser.csrf = answer.text.split('name="csrf" value="')[1].split('"')[0]
    return browser, answer.text.split('name="step" value="')[1].split('"')[0]


def test_a_second_factor_is_asked_for_and_each_code_works_once(anywhere: Office) -> None:
    _, app, codes = with_factor(anywhere, "Ida", "admin")
    anywhere.clock.forward(MINUTE)
    browser, step = half(anywhere)
    right = app.at(anywhere.clock())
    assert browser.post("/login/code", {"step": step, "code": "12"}).status_code == 403
    assert browser.post("/login/code", {"step": step, "code": right}).status_code == 303
    assert browser.get("/people").status_code == 200
    again, step = half(anywhere)
    assert again.post("/login/code", {"step": step, "code": right}).status_code == 403, "seen over a shoulder"
    assert again.post("/login/code", {"step": step, "code": codes[0].upper()}).status_code == 303
    last, step = half(anywhere)
    assert last.post("/login/code", {"step": step, "code": codes[0]}).status_code == 403
    events = [line.event for line in audit.lines(anywhere.database, audit.Filter(), 50)]
    assert "second factor changed" in events
    assert "login refused" in events


def test_guessing_codes_is_slowed_down_and_waits_only_minutes(office: Office) -> None:
    _, app, _codes = with_factor(office, "Ida", "admin")
    office.clock.forward(MINUTE)
    browser, step = half(office)
    said = [browser.post("/login/code", {"step": step, "code": f"00000{n}"}).status_code for n in range(6)]
    assert said == [403] * 5 + [429]
    assert browser.post("/login/code", {"step": step, "code": app.at(office.clock())}).status_code == 429
    office.clock.forward(16 * MINUTE)
    assert browser.post("/login/code", {"step": step, "code": app.at(office.clock())}).status_code == 403, "too late"


def test_a_link_for_a_new_password_does_not_pass_the_second_factor(office: Office) -> None:
    with_factor(office, "Ida", "admin")
    path = office.welcome("Ida", "admin")
    browser = office.browser()
    browser.get(path)
    answer = browser.post(path, {"password": PASSWORD + "!", "again": PASSWORD + "!"})
    assert "set-cookie" not in answer.headers
    assert "code of" in answer.text or "six digits" in answer.text
    assert browser.get("/").status_code == 303


def test_admins_are_held_at_the_set_up_where_settings_demand_a_second_factor(
    tmp_path: Path, database: Sqlite | Postgresql
) -> None:
    office = Office(tmp_path, database, earful="admin_factor = true")
    try:
        lead = office.person("Lea", "lead")
        assert lead.get("/").status_code == 200
        admin = office.person("Ida", "admin")
        for path in ("/", "/people", "/you", "/audit.csv"):
            answer = admin.get(path)
            assert (answer.status_code, answer.headers.get("location")) == (303, "/you/factor"), path
        answer = admin.post("/people", {"verb": "add", "name": "Eve", "role": "admin"})
        assert answer.headers["location"] == "/you/factor"
        person, _, _ = with_factor(office, "Ida", "admin")
        assert person.get("/people").status_code == 200
        person.get("/you/factor")
        assert person.post("/you/factor", {"verb": "end"}).status_code == 409
        person.get("/people")
        person.post("/people", {"verb": "factor", "name": "Ida"})
        assert person.get("/people").status_code == 303
    finally:
        office.close()
