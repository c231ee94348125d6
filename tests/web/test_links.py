"""Links in mails: a GET shows, only a POST acts; whatever is not ours opens nothing, and always says the same."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.cases.own_lists import NOBODYS, own_lists
from monitor.notify import rendering
from monitor.store import cases, key_values
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.web import links
from tests.helpers import ANGRY, DAY, HOUR, NOW, case, count, lines, messages, post
from tests.web.office import PEOPLE, Office


def opened(office: Office) -> str:
    (case_id,) = office.take(post())
    return case_id


def test_a_link_that_is_opened_acts_only_when_its_button_is_pressed(office: Office) -> None:
    case_id = opened(office)
    path = office.link(case_id)
    scanner = office.browser()
    for _ in range(20):
        assert scanner.get(path).status_code == 200
    assert scanner.http.head(path).status_code == 200
    assert case(office.database, case_id).owner == ""
    reader = office.browser()
    shown = reader.get(path).text
    assert "I have it" in shown
    proof = shown.split('name="proof" value="')[1].split('"')[0]
    answer = reader.post(path, {"proof": proof, "verb": "take"})
    assert answer.status_code == 200
    assert case(office.database, case_id).owner == "Ana"
    assert case(office.database, case_id).acknowledged_by == "Ana"
    assert reader.post(path, {"proof": proof, "verb": "take"}).status_code == 200
    assert lines(office.database, case_id).count("take") == 1, "a second press changes nothing"
    assert reader.post(path, {"proof": proof, "verb": "undo"}).status_code == 200
    assert case(office.database, case_id).owner == ""


def test_two_people_press_and_the_second_hears_who_was_first(office: Office) -> None:
    case_id = opened(office)
    answers = []
    for target, who in (("email:ana@example.org", ""), ("email:care@example.org", "Ana")):
        reader = office.browser()
        path = office.link(case_id, target)
        proof = reader.get(path).text.split('name="proof" value="')[1].split('"')[0]
        answers.append(reader.post(path, {"proof": proof, "verb": "take", "who": who}).text)
    assert case(office.database, case_id).owner == "Ana"
    assert "Ana already took it" in answers[1]


def test_a_shared_address_has_to_say_who_it_is(office: Office) -> None:
    case_id = opened(office)
    path = office.link(case_id, "email:care@example.org")
    reader = office.browser()
    proof = reader.get(path).text.split('name="proof" value="')[1].split('"')[0]
    assert reader.post(path, {"proof": proof, "verb": "take"}).status_code == 400
    assert case(office.database, case_id).owner == ""


def test_every_link_that_is_not_ours_gets_the_same_page_and_does_nothing(office: Office) -> None:
    case_id = opened(office)
    good = office.token(case_id, "email:ana@example.org", "take")
    bad = [
        f"/act/take/{good[:-1]}",
        f"/act/take/{good}x",
        f"/act/take/{good[:20]}{'A' if good[20] != 'A' else 'B'}{good[21:]}",
        f"/act/dismiss/{good}",
        f"/act/take/{office.token(case_id, 'email:ana@example.org', 'dismiss')}",
        f"/act/take/{office.token(case_id, 'email:ana@example.org', 'take', -DAY)}",
        f"/act/take/{office.token('999', 'email:ana@example.org', 'take')}",
        "/act/take/%C3%A9%00%FF",
        "/act/take/x",
        f"/act/take/{'A' * 20_000}",
        f"/act/destroy/{good}",
    ]
    pages = set()
    for path in bad:
        reader = office.browser()
        answer = reader.get(path)
        assert answer.status_code == 403, path[:60]
        pages.add(answer.text)
        reader.get("/login")
        assert reader.post(path, {"verb": "take", "proof": "x"}).status_code == 403
    assert len(pages) == 1
    assert case(office.database, case_id).owner == ""


def test_a_token_of_a_megabyte_is_refused_before_it_is_read(office: Office) -> None:
    with socket.create_connection((office.server.host, office.server.port), timeout=10) as line:
        said = b""
        try:
            line.sendall(b"GET /act/take/" + b"A" * 1_000_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
            said = line.recv(100)
        except (ConnectionResetError, BrokenPipeError):
            pass
    assert said == b"" or b" 400 " in said
    assert office.browser().get("/health").status_code == 200


def test_a_link_does_only_what_it_was_made_for(office: Office) -> None:
    case_id = opened(office)
    path = office.link(case_id, purpose="answered")
    reader = office.browser()
    proof = reader.get(path).text.split('name="proof" value="')[1].split('"')[0]
    for verb in ("close", "dismiss", "assign", "reopen", "note", ""):
        answer = reader.post(path, {"proof": proof, "verb": verb})
        assert answer.status_code == (200 if verb == "" else 403), verb
    assert case(office.database, case_id).answered_by == "Ana"


def test_a_form_from_elsewhere_does_not_press_the_button(office: Office) -> None:
    case_id = opened(office)
    path = office.link(case_id)
    reader = office.browser()
    proof = reader.get(path).text.split('name="proof" value="')[1].split('"')[0]
    elsewhere = office.browser()
    assert elsewhere.http.post(path, data={"verb": "take", "proof": proof}).status_code == 403
    assert reader.http.post(path, data={"verb": "take", "csrf": reader.csrf}).status_code == 403
    assert case(office.database, case_id).owner == ""


def test_keys_are_renewed_and_the_one_before_still_opens(office: Office) -> None:
    case_id = opened(office)
    old_path = office.link(case_id)
    before = key_values.fact(office.database, links.FACT)
    office.clock.forward(links.ROTATE - timedelta(days=1))
    late_path = office.link(case_id)
    office.clock.forward(timedelta(days=2))
    office.link(case_id)
    assert key_values.fact(office.database, links.FACT) != before
    assert office.browser().get(late_path).status_code == 200, "signed with the key before"
    assert office.browser().get(old_path).status_code == 403, "older than its seven days"
    assert len(links.signer_of(office.database, office.clock()).keys) == 2


def test_links_begin_with_the_address_of_the_settings_whatever_host_is_asked_for(office: Office) -> None:
    made = links.make(office.settings, office.database, office.clock)("1", "email:ana@example.org", "take")
    assert made.startswith("http://127.0.0.1:8321/act/take/")
    assert links.make(office.settings, office.database, office.clock)("1", "x", "anything") == ""


def test_links_can_be_made_inside_a_transaction(office: Office) -> None:
    link = links.make(office.settings, office.database, office.clock)
    with office.database.transaction():
        assert link("1", "email:ana@example.org", "take")


SHARED = "email:care@example.org"
VIC = '[[people]]\nname = "Vic"\nrole = "viewer"\nemail = "vic@example.org"\n'


def test_a_shared_address_lets_one_choose_a_person_who_may_not_end_anything(office: Office) -> None:
    """Whoever reads a shared address closed and taught under as many names as they liked."""
    case_id = opened(office)
    path = office.link(case_id, SHARED, "more")
    reader = office.browser()
    shown = reader.get(path).text
    proof = shown.split('name="proof" value="')[1].split('"')[0]
    assert "<option>Ana" in shown
    for verb in ("answered", "close", "release", "wait"):
        assert f'value="{verb}"' not in shown
        fields = {"proof": proof, "verb": verb, "who": "Ana", "outcome": "solved"}
        assert reader.post(path, fields).status_code == 403
    assert reader.post(path, {"proof": proof, "verb": "take", "who": "Nobody of ours"}).status_code == 400
    assert case(office.database, case_id).owner == ""
    assert reader.post(path, {"proof": proof, "verb": "take", "who": "Ana"}).status_code == 200
    assert reader.post(path, {"proof": proof, "verb": "note", "who": "Ana", "text": "called her"}).status_code == 200
    assert case(office.database, case_id).owner == "Ana, unproven (shared address)"
    assert lines(office.database, case_id)[-2:] == ["take", "note"]
    assert count(office.database, "labels") == 0


def test_a_shared_address_asks_for_the_login_where_people_have_one(office: Office) -> None:
    case_id = opened(office)
    ida = office.person("Ida", "admin")
    path = office.link(case_id, SHARED)
    stranger = office.browser()
    answer = stranger.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/login?next=%2Fcases%2F{case_id}")
    stranger.get("/login")
    assert stranger.post(path, {"verb": "take", "who": "Ana", "proof": "x"}).status_code == 303
    assert ida.get(path).headers["location"] == f"/cases/{case_id}"
    assert case(office.database, case_id).owner == ""


def test_somebody_who_is_logged_in_uses_the_link_of_a_mail_after_their_browser_was_closed(office: Office) -> None:
    """Cookies without an age go with the browser, also the one of forms that are posted before a login."""
    case_id = opened(office)
    ana = office.person("Ana", "lead")
    ana.http.cookies.delete("earful_form")
    path = office.link(case_id)
    proof = ana.get(path).text.split('name="proof" value="')[1].split('"')[0]
    assert ana.post(path, {"proof": proof, "verb": "take"}).status_code == 200
    assert case(office.database, case_id).owner == "Ana"


def test_a_viewer_gets_no_link_that_acts(tmp_path: Path, database: Sqlite | Postgresql) -> None:
    office = Office(tmp_path, database, tables=VIC)
    try:
        case_id = opened(office)
        make = links.make(office.settings, office.database, office.clock)
        assert [make(case_id, "email:vic@example.org", purpose) for purpose in links.PURPOSES] == [""] * 6
        path = f"/act/take/{office.token(case_id, 'email:vic@example.org', 'take')}"  # of a mail before Vic was one
        reader = office.browser()
        shown = reader.get(path)
        assert "can view this case" in shown.text
        assert "<button" not in shown.text.partition("<main")[2]
        proof = links.proof_of(path.rpartition("/")[2])
        answer = reader.post(path, {"proof": proof, "verb": "take"})
        assert (answer.status_code, case(office.database, case_id).owner) == (403, "")
    finally:
        office.close()


def sent_on(office: Office, *names: str, owner: str = "Ana") -> list[str]:
    """Cases of these people that our account has asked to go on in private."""
    for name in names:
        office.take(post(ANGRY, author=name, native_id=name, thread_id=name, at=NOW - HOUR))
        own = post("Please DM us your order number.", author="acme_care", parent_id=name, thread_id=name, at=NOW)
        with office.database.transaction():
            office.assembly.answers.take([own], NOW)
    found = [row["id"] for row in cases.sent_on(office.database)]
    with office.database.transaction():
        for each in found[-len(names) :]:
            cases.change(office.database, each, owner=owner, owner_id=f"settings:{owner}" if owner else "")
    return found[-len(names) :]


def proof_of(shown: str) -> str:
    return shown.split('name="proof" value="')[1].split('"', maxsplit=1)[0]


@pytest.fixture
def team(tmp_path: Path, sqlite: Sqlite) -> Iterator[Office]:
    """Two people who answer: one alone has everything in one list in the evening."""
    made = Office(tmp_path, sqlite, tables=f'{PEOPLE}\n[[people]]\nname = "Bea"\ntargets = ["console"]\n')
    yield made
    made.close()


def test_one_link_closes_all_that_its_reader_sent_on_and_only_when_it_is_pressed(team: Office) -> None:
    office = team
    mine = sent_on(office, "olga", "mira")
    (other,) = sent_on(office, "ike", owner="Bea")
    office.clock.forward(DAY)
    assert own_lists(office.database, office.assembly.rules, office.clock()) == 2
    row = next(each for each in messages(office.database) if each.payload.get("owner_id") == "settings:Ana")
    link = links.make(office.settings, office.database, office.clock)
    row = replace(row, target="email:ana@example.org")
    alert = rendering.compose(office.database, office.assembly.rules, row, [row], office.clock(), link=link).alert
    path = alert.entries[0].actions[0].url.removeprefix(office.settings.earful.page_url)
    assert path.startswith("/private/")
    reader = office.browser()
    shown = reader.get(path).text
    assert all(f"Case {each} " in shown for each in mine)
    assert f"Case {other} " not in shown
    for _ in range(3):
        assert office.browser().get(path).status_code == 200
    assert {case(office.database, each).state_at(office.clock()) for each in mine} == {"answered"}
    assert reader.http.post(path, data={"csrf": reader.csrf}).status_code == 403, "not from its own page"
    answer = reader.post(path, {"proof": proof_of(shown)})
    assert "2 cases closed as solved" in answer.text
    assert {(case(office.database, each).outcome, case(office.database, each).closed_by) for each in mine} == {
        ("solved", "Ana")
    }
    assert case(office.database, other).closed_at is None
    assert "None of them is open" in office.browser().get(path).text


def test_a_link_for_what_went_private_takes_no_case_and_no_other_opens_it(office: Office) -> None:
    (mine,) = sent_on(office, "olga")
    good = office.token("settings:Ana", "email:ana@example.org", links.ALL_SOLVED)
    assert office.browser().get(f"/act/take/{good}").status_code == 403
    assert office.browser().get(f"/act/all_solved/{good}").status_code == 403
    for bad in (office.token(mine, "email:ana@example.org", "take"), f"{good[:-1]}", "x", "%C3%A9%00"):
        assert office.browser().get(f"/private/{bad}").status_code == 403
    assert office.browser().get(f"/private/{good}").status_code == 200


def test_what_several_people_read_closes_nothing_that_went_private(office: Office) -> None:
    (lost,) = sent_on(office, "olga", owner="")
    make = links.make(office.settings, office.database, office.clock)
    assert make("settings:Ana", SHARED, links.ALL_SOLVED) == ""
    path = f"/private/{office.token(NOBODYS, SHARED, links.ALL_SOLVED)}"  # of a mail before others read that address
    reader = office.browser()
    answer = reader.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=%2F%3Fstate%3Dprivate")
    reader.get("/login")
    assert reader.post(path, {"proof": links.proof_of(path.rpartition("/")[2]), "who": "Ana"}).status_code == 303
    assert case(office.database, lost).closed_at is None


def test_what_nobody_has_is_closed_by_the_lead_who_was_asked(office: Office) -> None:
    (lost,) = sent_on(office, "olga", owner="")
    path = office.link(NOBODYS, "email:ana@example.org", links.ALL_SOLVED)
    reader = office.browser()
    assert reader.post(path, {"proof": proof_of(reader.get(path).text)}).status_code == 200
    assert (case(office.database, lost).outcome, case(office.database, lost).closed_by) == ("solved", "Ana")
