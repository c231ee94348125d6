"""What stands before every route: roles, forms' secrets, hosts, headers, bounds, the open demo."""

from __future__ import annotations

import re
import socket
import threading
import time
from pathlib import Path

import httpx2
import pytest

from monitor.store.sqlite import Sqlite
from monitor.web import pages_of
from monitor.web.identity import RANK, ROLES
from monitor.web.routing import ROUTES, Route
from monitor.web.security import hosts_of
from tests.helpers import lines, post, settings_from
from tests.web.office import Office

pages_of()
PAGES = [route for route in ROUTES if route.kind == "page"]


def named(route: Route) -> str:
    return f"{route.method} {route.path}"


def address_of(route: Route, case_id: str = "1") -> str:
    return re.sub(r"\{[a-z]+\}", {"/sources/{name}": "forum"}.get(route.path, case_id), route.path)


def test_nobody_reaches_a_page_without_a_login(office: Office) -> None:
    stranger = office.browser()
    for route in PAGES:
        stranger.get("/login")
        answer = stranger.get(address_of(route)) if route.method == "GET" else stranger.post(address_of(route))
        if route.method == "GET":
            assert answer.status_code == 303, named(route)
            assert answer.headers["location"].startswith("/login")
        else:
            assert answer.status_code == 401, named(route)


def test_every_route_serves_its_role_and_refuses_every_lower_one(office: Office) -> None:
    """All roles against all routes: below the least role 403 and nothing else, from it on never 403."""
    (case_id,) = office.take(post())
    wrong = []
    for role in ROLES:
        person = office.person(f"the {role}", role)
        for route in PAGES:
            if route.path in {"/logout", "/people", "/people/tokens"} and route.method == "POST" and role == "admin":
                continue
            if route.path == "/logout":
                continue
            person.get("/you")
            path = address_of(route, case_id)
            answer = person.get(path) if route.method == "GET" else person.post(path)
            allowed = RANK[role] >= RANK[route.role]
            if (answer.status_code == 403) is allowed or answer.status_code >= 500:
                wrong.append((role, named(route), answer.status_code))
    assert wrong == []


def test_no_form_acts_without_its_secret(office: Office) -> None:
    (case_id,) = office.take(post())
    admin, other = office.person("Ida", "admin"), office.person("Olle", "admin")
    for route in PAGES:
        if route.method == "GET":
            continue
        path = address_of(route, case_id)
        for secret in ("", "wrong", admin.csrf + "x", other.csrf):
            answer = admin.http.post(path, data={"csrf": secret, "verb": "take"})
            assert answer.status_code == 403, named(route)
        for headers in ({"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}):
            answer = admin.http.post(path, data={"csrf": admin.csrf, "verb": "take"}, headers=headers)
            assert answer.status_code == 403, named(route)
    assert admin.get("/you").status_code == 200, "the session has ended"
    assert lines(office.database, case_id).count("take") == 0


def test_pages_are_served_to_our_own_host_only(office: Office) -> None:
    person = office.person("Ana", "lead")
    port = office.server.port
    assert person.get("/", headers={"host": f"localhost:{port}"}).status_code == 200
    for host in ("evil.example", f"evil.example:{port}", f"127.0.0.1:{port}.evil.example", ""):
        assert person.get("/", headers={"host": host}).status_code == 400, host
    assert office.browser().get("/health", headers={"host": "10.0.0.7"}).status_code == 200


def test_a_page_that_listens_everywhere_is_reached_by_this_machines_names_where_its_address_is_here(
    tmp_path: Path,
) -> None:
    """As in a container that is published on this machine only; with an address of its own, by that alone."""
    head = 'page_listen = "0.0.0.0:8321"\n'
    assert hosts_of(settings_from(tmp_path, earful=head), 8321) >= {"127.0.0.1:8321", "localhost:8321", "[::1]:8321"}
    outside = settings_from(tmp_path, earful=head + 'page_url = "https://care.example"\n')
    assert hosts_of(outside, 8321) == {"care.example"}


def test_every_answer_forbids_frames_sniffing_and_foreign_scripts(office: Office) -> None:
    person = office.person("Ana", "lead")
    answers = [person.get(path) for path in ("/", "/nothing", "/health", "/static/app.css", "/cases/999", "/login")]
    answers.append(person.get("/", headers={"host": "evil.example"}))
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
    assert person.get("/").headers["cache-control"] == "no-store"


def test_a_page_holds_no_style_or_script_of_its_own(demo: Office) -> None:
    """A strict policy would drop them, silently."""
    (case_id,) = demo.take(post())
    somebody = demo.browser()
    for path in ("/", f"/cases/{case_id}", "/mentions", "/insights", "/sources", "/desk", "/settings", "/people"):
        text = somebody.get(path).text
        assert not re.search(r"<script(?![^>]* src=)|<style|\son[a-z]+=|\sstyle=", text), path
        assert len(text.encode()) < 100_000


def test_the_demo_is_open_on_this_machine_and_through_nothing_else(demo: Office) -> None:
    somebody = demo.browser()
    assert somebody.get("/").status_code == 200
    for name in ("forwarded", "x-forwarded-for", "x-forwarded-host", "via"):
        assert somebody.get("/", headers={name: "for=1.2.3.4"}).status_code == 403
    assert somebody.get("/", headers={"host": "earful.example"}).status_code == 400


def test_a_demo_that_listens_to_the_world_asks_for_a_login(tmp_path: Path, sqlite: Sqlite) -> None:
    from monitor.web.server import WebServer
    from tests.helpers import Clock, assembly_of, settings_from

    settings = settings_from(tmp_path, earful='page_listen = "0.0.0.0:0"')
    assembly = assembly_of(sqlite, settings)
    assert not WebServer(lambda: assembly, Clock(), open_demo=True).open_demo


def test_the_open_demo_too_wants_the_secret_of_its_forms(demo: Office) -> None:
    (case_id,) = demo.take(post())
    stranger = demo.browser()
    assert stranger.http.post(f"/cases/{case_id}", data={"verb": "take"}).status_code == 403
    stranger.get("/")
    assert stranger.post(f"/cases/{case_id}", {"verb": "take"}).status_code == 303


def test_nothing_is_served_from_the_disk_but_our_own_few_files(office: Office) -> None:
    somebody = office.browser()
    for name in ("..%2fapp.py", "%2e%2e/app.py", "../app.py", "app.css%00", "%2fetc%2fpasswd", "....//app.py"):
        assert somebody.get(f"/static/{name}").status_code in {400, 404}, name


def test_more_than_a_megabyte_is_not_read(office: Office) -> None:
    person = office.person("Ana", "lead")
    assert person.post("/tone", {"reply": "x" * 1_100_000}).status_code == 413


def test_a_body_of_unknown_length_is_bounded_too(office: Office) -> None:
    person = office.person("Ana", "lead")
    parts = (b"x" * 50_000 for _ in range(40))
    assert person.http.post("/tone", content=parts).status_code == 413


def test_hundreds_of_sockets_that_say_nothing_hold_nobody_up(office: Office) -> None:
    """Half-open requests fill no thread: the next person is answered while they stand."""
    sockets = []
    try:
        for _ in range(400):
            made = socket.create_connection((office.server.host, office.server.port), timeout=5)
            made.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
            sockets.append(made)
        assert office.browser().get("/health").status_code == 200
        assert office.browser().get("/login").status_code == 200
    finally:
        for made in sockets:
            made.close()


def test_a_request_whose_headers_never_end_is_cut_off(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    from monitor.web import server

    monkeypatch.setattr(server, "HEADER_SECONDS", 0.2)
    with socket.create_connection((office.server.host, office.server.port), timeout=10) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\n")
        slow.settimeout(10)
        try:
            assert slow.recv(100) == b""
        except ConnectionResetError:
            pass


def test_headers_without_end_are_refused(office: Office) -> None:
    with socket.create_connection((office.server.host, office.server.port), timeout=10) as many:
        many.sendall(b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(10_000)))
        many.settimeout(10)
        try:
            said = many.recv(200)
        except ConnectionResetError:
            said = b""
    assert said == b"" or b" 400 " in said
    assert office.browser().get("/health").status_code == 200


def test_readiness_says_so_in_time_when_the_database_is_locked(office: Office) -> None:
    somebody = office.browser()
    assert somebody.get("/ready").status_code == 200
    holding, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with office.database.transaction():
            holding.set()
            let_go.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    holding.wait(5)
    try:
        answer = somebody.http.get("/ready", timeout=5)
        assert answer.status_code == 503
        assert "does not answer" in answer.text
        assert somebody.get("/health").status_code == 200
    finally:
        let_go.set()
        thread.join()
    deadline = time.monotonic() + 10
    while somebody.get("/ready").status_code != 200:
        assert time.monotonic() < deadline


def test_readiness_tells_what_the_auditor_found_and_that_it_stays_away(office: Office) -> None:
    from monitor.store import key_values
    from tests.helpers import MINUTE

    somebody = office.browser()
    key_values.remember(office.database, "audit", "", office.clock())
    assert somebody.get("/ready").status_code == 200
    key_values.remember(office.database, "audit", "3 flagged mentions have neither", office.clock())
    assert somebody.get("/ready").json() == {
        "ok": False,
        "fault": "the self-check found: 3 flagged mentions have neither",
    }
    key_values.remember(office.database, "audit", "", office.clock())
    office.clock.forward(10 * MINUTE)
    assert somebody.get("/ready").status_code == 503


def test_a_port_that_is_taken_stops_no_daemon(office: Office, tmp_path: Path) -> None:
    from monitor.web.server import WebServer

    other = WebServer(lambda: office.assembly, office.clock)
    other.port = office.server.port
    assert not other.start()
    other.stop()


def test_a_demo_takes_the_next_port_where_its_own_is_taken_and_an_installation_does_not(
    tmp_path: Path, sqlite: Sqlite, caplog: pytest.LogCaptureFixture
) -> None:
    from monitor.web.server import WebServer
    from tests.helpers import Clock, assembly_of, settings_from

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assembly = assembly_of(sqlite, settings_from(tmp_path, earful=f'page_listen = "127.0.0.1:{port}"'))
        assert not WebServer(lambda: assembly, Clock()).start()
        demo = WebServer(lambda: assembly, Clock(), open_demo=True)
        assert demo.start()
        try:
            assert port < demo.port < port + 20
            assert f"port {port} is taken: the page is at {demo.address}" in caplog.text
            assert httpx2.get(demo.address, verify=False, timeout=10).status_code == 200
        finally:
            demo.stop()
