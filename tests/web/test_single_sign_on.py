"""Logging in at a provider of sign-on, against one on this machine; and a proxy that names who is logged in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from monitor.store import audit, web
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.web import single_sign_on
from tests.fakes.oidc import CLIENT, SECRET, FakeProvider
from tests.helpers import MINUTE, post, settings_from
from tests.web.office import PASSWORD, PEOPLE, Browser, Office

GROUPS = '{ admin = ["earful-admins"], lead = ["leads"], staff = ["care"] }'


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    with FakeProvider() as made:
        yield made


def office_of(folder: Path, database: Sqlite | Postgresql, provider: FakeProvider, more: str = "") -> Office:
    tables = (
        f'{PEOPLE}\n[oidc]\nissuer = "{provider.issuer}"\nclient_id = "{CLIENT}"\n'
        f'client_secret = {{ file = "{folder / "secret"}" }}\nroles = {GROUPS}\n{more}'
    )
    (folder / "secret").write_text(SECRET)
    (folder / "secret").chmod(0o600)
    return Office(folder, database, tables=tables)


@pytest.fixture
def office(tmp_path: Path, database: Sqlite | Postgresql, provider: FakeProvider) -> Iterator[Office]:
    made = office_of(tmp_path, database, provider)
    yield made
    made.close()


def sign_in(
    office: Office, provider: FakeProvider, browser: Browser | None = None, **claims: object
) -> httpx2.Response:
    """Through the provider and back; what the page answers then."""
    browser = browser or office.browser()
    sent = browser.get("/login/provider?next=/mentions")
    assert sent.status_code == 303, sent.text
    return browser.get(provider.sign_in(sent.headers["location"], now=office.clock(), **claims))


def browser_is_in(answer: httpx2.Response) -> bool:
    return "earful_session" in answer.headers.get("set-cookie", "")


def test_somebody_comes_in_with_the_role_of_their_groups(office: Office, provider: FakeProvider) -> None:
    browser = office.browser()
    assert "Log in with single sign-on" in browser.get("/login").text
    answer = sign_in(office, provider, browser, name="Bea Berg", groups=["care", "leads", "other"])
    assert (answer.status_code, answer.headers["location"]) == (303, "/mentions")
    assert browser.get("/you").status_code == 200
    user = web.user(office.database, "Bea Berg")
    assert user is not None
    assert (user.role, user.password, user.subject) == ("lead", "", f"{provider.issuer} s1")
    asked = provider.asked[0]
    assert (asked["code_challenge_method"], asked["response_type"]) == ("S256", "code")
    assert sign_in(office, provider, name="Another Name", groups=["care"]).status_code == 303
    user = web.user(office.database, "Bea Berg")
    assert user is not None
    assert user.role == "staff", "the role is what the groups say at each login"
    assert web.user(office.database, "Another Name") is None, "who somebody is does not hang on their name"
    events = [(line.event, line.about) for line in audit.lines(office.database, audit.Filter(), 20)]
    assert ("role changed", "Bea Berg") in events
    assert ("user added", "Bea Berg") in events


def test_whoever_is_in_no_group_does_not_come_in(office: Office, provider: FakeProvider) -> None:
    for claims in ({}, {"groups": ["other"]}, {"groups": "elsewhere"}, {"groups": 7}, {"groups": [{"name": "care"}]}):
        answer = sign_in(office, provider, name="Eve", **claims)
        assert (answer.status_code, browser_is_in(answer)) == (403, False), claims
    refused = [line for line in audit.lines(office.database, audit.Filter(), 20) if line.event == "login refused"]
    assert len(refused) == 5
    assert web.users(office.database) == []


def test_a_name_alone_makes_nobody_a_colleague(office: Office, provider: FakeProvider) -> None:
    office.person("Ida", "admin")
    for name in ("Ida", "Ana"):  # a user of the page, and somebody of settings
        answer = sign_in(office, provider, name=name, groups=["care"])
        assert (answer.status_code, "someone else" in answer.text) == (403, True)
    for name in ("Аna", "lda", "I d a"):  # with a Cyrillic letter, with an l for the I
        answer = sign_in(office, provider, name=name, groups=["care"])
        assert (answer.status_code, "too similar" in answer.text) == (403, True), name
    claims = {"name": "A. Example", "email": "ANA@example.org", "groups": ["leads"]}
    assert sign_in(office, provider, **claims, sub="s2").status_code == 303
    assert web.user(office.database, "A. Example") is not None, "an address that is not verified is nobody's"
    assert sign_in(office, provider, **claims, email_verified=True, sub="s3").status_code == 303
    assert {user.name for user in web.users(office.database)} == {"Ida", "A. Example", "Ana"}
    assert sign_in(office, provider, **claims, email_verified=True, sub="s4").status_code == 403
    web.disable_user(office.database, "Ana", office.clock())
    assert sign_in(office, provider, name="x", groups=["leads"], sub="s3").status_code == 403


def test_what_the_provider_did_not_say_for_us_now_and_here_opens_nothing(
    office: Office, provider: FakeProvider
) -> None:
    good = {"name": "Bea", "groups": ["care"]}
    old = int((office.clock() - timedelta(hours=1)).timestamp())
    for wrong in (
        {"aud": "another"}, {"iss": "https://evil.example"}, {"nonce": "another"}, {"nonce": None}, {"exp": old},
        {"sub": None}, {"azp": "another"},
    ):  # fmt: skip
        assert sign_in(office, provider, **{**good, **wrong}).status_code == 502, wrong
    browser, other = office.browser(), office.browser()
    sent = browser.get("/login/provider")
    back = provider.sign_in(sent.headers["location"], now=office.clock(), **good)  # type: ignore[arg-type]
    assert other.get(back).status_code == 400, "another browser asked for it"
    assert browser.get(back.replace("state=", "state=x")).status_code == 400
    office.clock.forward(11 * MINUTE)
    assert browser.get(back).status_code == 400
    provider.forge()
    assert sign_in(office, provider, **good).status_code == 502, "signed with a shared secret"
    assert browser.get("/login/provider/back?error=access_denied").status_code == 400
    assert web.users(office.database) == []


def test_keys_that_changed_are_asked_for_again_and_a_provider_that_fails_is_told(
    office: Office, provider: FakeProvider
) -> None:
    assert sign_in(office, provider, name="Bea", groups=["care"]).status_code == 303
    provider.key = provider.signed_with = type(provider.key).generate_key("P-256", {"kid": "one", "alg": "ES256"})
    provider.server.mode = "500"
    browser = office.browser()
    office.clock.forward(timedelta(hours=2))
    answer = browser.get("/login/provider")
    assert (answer.status_code, "with your provider failed" in answer.text) == (502, True)
    provider.server.mode = "ok"
    assert sign_in(office, provider, name="Bea", groups=["care"]).status_code == 303
    assert office.person("Ida", "admin").get("/").status_code == 200, "the password works beside it"


def test_what_cannot_be_undone_asks_at_the_provider(office: Office, provider: FakeProvider) -> None:
    (case_id,) = office.take(post())
    admin = office.browser()
    boss = {"name": "Bo", "groups": ["earful-admins"]}
    sign_in(office, provider, admin, **boss)
    path = f"/cases/{case_id}/erase"
    assert admin.get(path).status_code == 200
    office.clock.forward(16 * MINUTE)
    assert admin.get(path).headers["location"].startswith("/again?next=")
    shown = admin.get(f"/again?next={path}").text
    assert 'name="password"' not in shown
    address = shown.split('href="/login/provider?again=1&amp;next=')[1].split('"')[0]

    def again(**claims: object) -> httpx2.Response:
        sent = admin.get(f"/login/provider?again=1&next={address}")
        back = provider.sign_in(sent.headers["location"], now=office.clock(), **{**boss, **claims})  # type: ignore[arg-type]
        assert (provider.asked[-1]["max_age"], provider.asked[-1]["prompt"]) == ("0", "login")
        return admin.get(back)

    assert again(sub="s2").status_code == 403, "somebody else logged in there"
    assert again(auth_time=int((office.clock() - 16 * MINUTE).timestamp())).status_code == 403, "it only remembered"
    assert again(auth_time=None).status_code == 403
    assert admin.get(path).status_code == 303
    assert again().headers["location"] == path
    assert admin.get(path).status_code == 200


def test_settings_that_name_no_provider_have_no_such_login(tmp_path: Path, sqlite: Sqlite) -> None:
    plain = Office(tmp_path, sqlite)
    try:
        assert plain.browser().get("/login/provider").status_code == 404
        assert "single sign-on" not in plain.browser().get("/login").text
        assert single_sign_on.provider_of(plain.settings) is None
    finally:
        plain.close()


def test_an_issuer_without_a_client_id_is_a_fault(tmp_path: Path) -> None:
    from monitor.settings.errors import SettingsError

    for wrong in ('issuer = "https://login.example.org"', 'issuer = "http://login.example.org"\nclient_id = "x"'):
        with pytest.raises(SettingsError, match="oidc"):
            settings_from(tmp_path, tables=f"[oidc]\n{wrong}\n")


HEADER = 'user_header = "X-Forwarded-User"\n'


@pytest.mark.parametrize(("trusted", "comes_in"), [('["127.0.0.1"]', True), ('["10.0.0.0/8"]', False), ("[]", False)])
def test_a_proxys_word_counts_from_trusted_proxies_only(
    tmp_path: Path, sqlite: Sqlite, trusted: str, comes_in: bool
) -> None:
    office = Office(tmp_path, sqlite, earful=f"{HEADER}trusted_proxies = {trusted}")
    try:
        web.add_user(sqlite, "Ida", "admin", office.clock())
        browser = office.browser()
        told = {"x-forwarded-user": "Ida"}
        assert browser.get("/people", headers=told).status_code == (200 if comes_in else 303)
        assert browser.get("/people", headers={"x-forwarded-user": "Eve"}).status_code == 303
        twice = httpx2.Headers([("x-forwarded-user", "Eve"), ("x-forwarded-user", "Ida")])
        assert browser.get("/people", headers=twice).status_code == 303
    finally:
        office.close()


def test_a_proxys_word_never_suffices_for_erasing_roles_and_tokens(tmp_path: Path, sqlite: Sqlite) -> None:
    office = Office(tmp_path, sqlite, earful=f'{HEADER}trusted_proxies = ["127.0.0.1"]')
    try:
        (case_id,) = office.take(post())
        office.person("Ida", "admin")
        told = {"x-forwarded-user": "Ida"}
        browser = office.browser()
        browser.get("/people", headers=told)
        for path, fields in (
            ("/people", {"verb": "add", "name": "Eve", "role": "admin"}),
            ("/people/tokens", {"name": "x", "role": "admin"}),
            (f"/cases/{case_id}/erase", {"sure": "yes"}),
        ):
            answer = browser.post(path, fields, headers=told)
            assert answer.headers["location"].startswith("/login?next="), path
        assert web.user(sqlite, "Eve") is None
        assert web.api_tokens(sqlite) == []
        browser.get("/login", headers=told)
        answer = browser.post("/login", {"name": "Ida", "password": PASSWORD}, headers=told)
        assert answer.status_code == 303, answer.text
        browser.get("/people", headers=told)
        assert browser.post("/people", {"verb": "add", "name": "Eve", "role": "staff"}, headers=told).status_code == 200
        eve = {"x-forwarded-user": "Eve"}
        assert browser.get("/people", headers=eve).status_code == 403, "who stands before the proxy now"
    finally:
        office.close()
