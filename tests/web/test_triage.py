"""The inbox is worked row by row: views, marks of what is new, buttons, the next one, who has which case open."""

from __future__ import annotations

import html
import re
import threading
from datetime import timedelta

from monitor.cases.next_case import take_next
from monitor.people.identity import of_page
from monitor.store import cases, pages, read_marks
from monitor.store.database import stamp
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.web.presence import MOST, STAYS, Presence, words_of
from tests.helpers import ANGRY, BROKEN, HOUR, INJURY, NOW, case, lines, post
from tests.web.office import Browser, Office
from tests.web.test_cases import order


def angry(office: Office, many: int) -> list[str]:
    """So many cases that people are called for, each saying something of its own."""
    found = [office.take(post(f"{ANGRY} {n}", author=f"a{n}", thread_id=f"t{n}"))[0] for n in range(many)]
    office.database.run("UPDATE cases SET fingerprint = 0")
    return found


def heard(answer: Browser, office: Office, fields: dict[str, object]) -> str:
    """Press a button of the inbox; the page that comes back."""
    response = answer.post("/cases", fields)
    assert response.status_code == 303, response.text
    return answer.get(response.headers["location"]).text


def test_one_press_on_three_hundred_cases_says_what_it_left_and_undo_takes_back_exactly_those(office: Office) -> None:
    """The rest was left without a word, and what an address cannot hold was cut in the middle of a number."""
    (first,) = angry(office, 1)
    row = cases.row_of(office.database, first)
    assert row is not None
    same = {key: row[key] for key in cases.COLUMNS}
    ids = [str(number) for number in range(10_000, 10_300)]
    cases.add(office.database, ({**same, "id": each, "n": int(each)} for each in ["1006", *ids]))
    olle, pia = office.person("Olle"), office.person("Pia")
    pia.get("/")
    pia.post("/cases", {"one": "1006 take"})
    olle.get("/")
    shown = heard(olle, office, {"case": ids, "verb": "take"})
    assert "200 cases: yours now. 100 cases still selected: at most 200 at once." in shown
    mine = [each for each in ids if case(office.database, each).owner == "Olle"]
    assert mine == ids[:200]
    undo = re.search(r'<form [^>]*data-here-too>(.*?)value="undo"', shown, re.DOTALL)
    assert undo is not None
    offered = re.findall(r'name="case" value="([\d:]+)"', undo[1])
    assert [each.partition(":")[0] for each in offered] == mine
    olle.post("/cases", {"case": offered, "verb": "undo"})
    assert {case(office.database, each).owner for each in ids} == {""}
    assert case(office.database, "1006").owner == "Pia"


def test_views_are_addresses_with_counts(office: Office) -> None:
    mine, theirs, late, free = angry(office, 4)
    olle, pia = office.person("Olle"), office.person("Pia")
    for person, each in ((olle, mine), (pia, theirs)):
        person.get("/")
        person.post("/cases", {"one": f"{each} take"})
    office.database.run("UPDATE cases SET due_at = '2020-01-01T00:00:00.000000Z' WHERE id = :id", {"id": late})
    shown = olle.get("/").text
    counts = dict(re.findall(r'<a href="(/[^"]*)"[^>]*>\w+ <span>(\d+)</span></a>', shown))
    assert counts == {"/": "4", "/?view=mine": "1", "/?view=overdue": "1", "/?view=unassigned": "2"}
    assert order(olle.get("/?view=mine").text) == [mine]
    assert order(pia.get("/?view=mine").text) == [theirs]
    assert order(olle.get("/?view=overdue").text) == [late]
    assert set(order(olle.get("/?view=unassigned").text)) == {late, free}
    assert "<title>(2) Inbox · Earful</title>" in shown
    assert olle.get("/?view=nonsense").status_code == 404
    filtered = olle.get("/?view=mine&source=forum").text
    assert 'href="/?view=overdue&amp;source=forum"' in filtered, "a view keeps the filters"


def test_what_is_new_is_new_to_each_person_until_they_open_it_and_again_when_something_comes(office: Office) -> None:
    (case_id,) = office.take(post(ANGRY, author="ann", thread_id="t"))
    olle, pia, vic = office.person("Olle"), office.person("Pia"), office.person("Vic", "viewer")

    def is_new(person: Browser) -> bool:
        return "unread: " in person.get("/").text

    assert is_new(olle)
    olle.get(f"/cases/{case_id}", headers={"x-live": "1"})
    assert is_new(olle), "a page that follows by itself has read nothing"
    olle.get(f"/cases/{case_id}")
    assert not is_new(olle)
    assert is_new(pia)
    assert not is_new(vic), "viewers work on nothing"
    office.clock.forward(HOUR)
    office.take(post(f"{ANGRY} still nobody", author="ann", thread_id="t", native_id="more", at=office.clock()))
    assert is_new(olle)
    pia.post("/cases", {"one": f"{case_id} take"})
    assert not is_new(pia), "whoever acts on it knows it"


def test_marks_of_what_is_new_go_with_the_case(database: Sqlite | Postgresql) -> None:
    then = stamp(NOW - HOUR)
    rows = [
        cases.new_row(
            id=str(n), n=n, brand="Acme", source="forum", thread=f"t{n}", author="a", lane="ping", priority="urgent",
            opened_at=then, first_posted_at=then, last_posted_at=then, story_id=f"s{n}",
            closed_at="" if n < 700 else then,
        )
        for n in range(1, 703)
    ]  # fmt: skip
    ids = [row["id"] for row in rows]
    with database.transaction():
        database.run_many(
            "INSERT INTO stories (id, brand, source, thread, opened_at, last_at) "
            "VALUES (:story_id, :brand, :source, :thread, :opened_at, :opened_at)",
            [{key: row[key] for key in ("story_id", "brand", "source", "thread", "opened_at")} for row in rows],
        )
        cases.add(database, rows)
        read_marks.note(database, "page:Olle", ids, NOW)
        read_marks.note(database, "page:Olle", ids[:2], NOW)
    assert read_marks.new_to(database, "page:Olle", ids) == frozenset()
    assert read_marks.new_to(database, "page:Pia", ids) == frozenset(ids)
    with database.transaction():
        assert read_marks.drop_closed(database) == 3


def test_one_press_in_a_row_does_one_thing_and_keeps_what_is_selected(office: Office) -> None:
    one, two, three = angry(office, 3)
    olle = office.person("Olle")
    shown = olle.get("/").text
    for words in ("not about us", "not a complaint", "spam", "handled elsewhere"):
        assert words in shown
    shown = heard(olle, office, {"one": f"{one} dismiss spam", "case": [one, two]})
    assert (case(office.database, one).why, case(office.database, two).owner) == ("spam", "")
    assert f"Case {one}: closed by Olle: spam." in shown
    assert re.search(rf'value="{two}"[^>]* checked', shown)
    assert not re.search(rf'value="{three}"[^>]* checked', shown)
    shown = heard(olle, office, {"verb": "undo", "case": one})
    assert case(office.database, one).closed_at is None
    assert olle.post("/cases", {"one": f"{one} dismiss"}).status_code == 400
    assert olle.post("/cases", {"one": f"{one} erase all"}).status_code == 400
    heard(office.person("Pia"), office, {"one": f"{three} take"})
    assert "Pia has taken it meanwhile" in heard(olle, office, {"one": f"{three} dismiss spam free"})
    assert case(office.database, three).closed_at is None
    heard(olle, office, {"one": f"{three} dismiss spam"})
    assert case(office.database, three).why == "spam", "whoever sees that it is Pia's may"
    assert "no case nothing" in heard(olle, office, {"one": "nothing take"})
    vic = office.person("Vic", "viewer")
    assert "I have it" not in vic.get("/").text
    assert vic.post("/cases", {"one": f"{two} take"}).status_code == 403


def test_what_was_selected_stays_selected_when_something_could_not_be_done(office: Office) -> None:
    one, two, three = angry(office, 3)
    olle = office.person("Olle")
    olle.get("/")
    shown = heard(olle, office, {"verb": "dismiss", "case": [one, two], "back": "/?view=unassigned"})
    assert "Choose a reason first" in shown
    assert re.findall(r'value="(\d+)"[^>]* checked', shown) == [one, two]
    assert 'href="/?view=unassigned" aria-current="page"' in shown
    heard(office.person("Pia"), office, {"one": f"{two} dismiss spam"})
    shown = heard(olle, office, {"verb": "take", "case": [one, two, three]})
    assert "2 cases: yours now. 1 case unchanged" in shown
    assert "chosen" not in re.findall(r'name="back" value="([^"]*)"', shown)[0], "it is said once"
    shown = olle.get("/?select=all").text
    assert len(re.findall(r" checked></label>", shown.partition("<dialog")[0])) == 2


def to_undo(shown: str) -> list[str]:
    """What the button *Undo* above the inbox speaks of."""
    return re.findall(r'type="hidden" name="case" value="([^"]*)"', shown)


def test_everything_that_one_press_did_is_undone_by_one_press_and_nothing_else(office: Office) -> None:
    ids = angry(office, 140)
    office.database.run("UPDATE cases SET fingerprint = n")
    olle, pia = office.person("Olle"), office.person("Pia")
    pia.get("/")
    heard(pia, office, {"one": f"{ids[0]} take"})
    heard(pia, office, {"one": f"{ids[9]} take"})
    olle.get("/")
    shown = heard(olle, office, {"verb": "snooze", "case": ids[10:]})
    assert "130 cases: snoozed for a day." in shown
    shown = heard(olle, office, {"verb": "undo", "case": to_undo(shown)})
    assert "130 cases: undone." in shown
    assert [each for each in ids if case(office.database, each).snoozed_until] == []
    assert (case(office.database, ids[0]).owner, case(office.database, ids[9]).owner) == ("Pia", "Pia")


def test_undo_takes_back_what_it_was_shown_for_and_nothing_that_came_since(office: Office) -> None:
    (case_id,) = angry(office, 1)
    olle, pia = office.person("Olle"), office.person("Pia")
    olle.get("/")
    shown = heard(olle, office, {"one": f"{case_id} take"})
    undo = re.findall(r'name="line" value="(\d+)"', olle.get(f"/cases/{case_id}").text)
    pia.get(f"/cases/{case_id}")
    pia.post(f"/cases/{case_id}", {"verb": "note", "text": "she called, and is furious"})
    assert "was changed since" in heard(olle, office, {"verb": "undo", "case": to_undo(shown)})
    assert "was changed since" in olle.post(f"/cases/{case_id}", {"verb": "undo", "line": undo}).text
    assert lines(office.database, case_id)[-2:] == ["take", "note"], "the note of a colleague was undone"
    undo = re.findall(r'name="line" value="(\d+)"', olle.get(f"/cases/{case_id}").text)
    olle.post(f"/cases/{case_id}", {"verb": "undo", "line": undo})
    assert "was changed since" in olle.post(f"/cases/{case_id}", {"verb": "undo", "line": undo}).text
    assert case(office.database, case_id).owner == "Olle", "pressed twice, it undid two things"


def test_what_a_press_said_stays_on_its_page(office: Office) -> None:
    angry(office, 60)
    olle = office.person("Olle")
    shown = olle.get("/?state=waiting&said=Case+1:+taken&undo=1:2&chosen=3").text
    (there,) = re.findall(r'href="([^"]*)" rel="next"', shown)
    assert there.startswith("/?state=waiting&amp;page=2&amp;after=")
    assert "said=" not in there
    assert "chosen=" not in there


def test_the_next_page_begins_behind_the_last_case_that_was_seen_though_three_were_taken(office: Office) -> None:
    angry(office, 60)
    olle = office.person("Olle")
    first = olle.get("/?state=waiting").text
    (there,) = re.findall(r'href="([^"]*)" rel="next"', first)
    assert "1 to 50 of 60" in first
    seen = order(first)
    olle.post("/cases", {"verb": "take", "case": seen[:3]})
    second = olle.get(html.unescape(there)).text
    assert len({*seen, *order(second)}) == 60, "who turns the page does not see everybody"
    assert "48 to 57 of 57" in second
    assert len(order(olle.get("/?state=waiting&page=2").text)) == 7, "a link that was kept still leads there"
    assert len(order(olle.get("/?state=waiting&after=nothing").text)) == 50


def test_a_page_behind_which_all_were_taken_does_not_say_that_nobody_waits(office: Office) -> None:
    angry(office, 52)
    olle = office.person("Olle")
    (there,) = re.findall(r'href="([^"]*)" rel="next"', olle.get("/?state=waiting").text)
    olle.post("/cases", {"verb": "take", "case": order(olle.get(html.unescape(there)).text)})
    last = olle.get(html.unescape(there)).text
    assert "Nobody is waiting" not in last
    assert "Everything is answered" not in last
    assert "Nothing further down" in last


def test_a_tag_is_put_on_shown_filtered_by_and_taken_off_again(office: Office) -> None:
    one, two = angry(office, 2)
    olle = office.person("Olle")
    olle.get("/")
    shown = heard(olle, office, {"one": f"{one} tag", "tag": "  Billing_Bug! <b>"})
    assert f"Case {one}: tagged billing-bug-b by Olle." in shown
    heard(olle, office, {"one": f"{two} tag", "tag": "login"})
    assert order(olle.get("/?tag=login").text) == [two]
    assert order(olle.get("/?tag=Billing+bug+b").text) == [one]
    assert '<option value="login">' in olle.get(f"/cases/{one}").text, "a tag in use is offered again"
    heard(olle, office, {"one": f"{one} tag", "tag": "zoo"})
    heard(olle, office, {"one": f"{two} tag", "tag": "ant"})
    offered = re.findall('<option value="(ant|zoo)">', olle.get(f"/cases/{one}").text)
    assert offered == ["ant", "zoo"], "of as many cases, by their names"
    for each, tag in ((one, "zoo"), (two, "ant")):
        olle.post(f"/cases/{each}", {"verb": "tag", "tag": tag})
    olle.post(f"/cases/{one}", {"verb": "tag", "tag": "login"})
    assert case(office.database, one).own_tags == ("billing-bug-b", "login")
    heard(olle, office, {"verb": "undo", "case": one})
    olle.post(f"/cases/{one}", {"verb": "tag", "tag": "billing bug b"})
    assert case(office.database, one).own_tags == ()
    assert "a tag needs a word" in heard(olle, office, {"one": f"{one} tag", "tag": " _ "})
    for n in range(11):
        answer = olle.post(f"/cases/{one}", {"verb": "tag", "tag": f"t{n}"})
    assert "10 tags at most" in answer.text
    assert case(office.database, one).own_tags == tuple(f"t{n}" for n in range(10))


def test_show_keeps_every_filter_of_the_address(office: Office) -> None:
    """Also one that no list offers: a tag of closed cases alone, the only language, a source that left the settings."""
    (case_id,) = angry(office, 1)
    olle = office.person("Olle")
    olle.post(f"/cases/{case_id}", {"verb": "tag", "tag": "billing"})
    olle.post(f"/cases/{case_id}", {"verb": "close", "outcome": "solved"})
    for path, asked in (
        ("/", {"state": "closed", "tag": "billing", "source": "old", "language": "fi", "owner": "Una", "brand": "Was"}),
        ("/mentions", {"author": "a", "language": "fi", "lane": "ping", "source": "x", "cause": "c", "incident": "i"}),
    ):
        form = olle.get(path, params=asked).text.partition('role="search"')[2].partition("</form>")[0]
        for name, value in asked.items():
            field = re.search(rf'<select name="{name}">.*?</select>|<input[^>]* name="{name}"[^>]*>', form)
            assert field is not None, name
            assert re.search(rf'value="{value}"(?: selected|>)', field[0]), (path, name)


def test_two_who_ask_for_the_next_at_once_never_get_the_same(office: Office) -> None:
    ids = angry(office, 30)
    people = [office.person(name) for name in ("Olle", "Pia")]
    start, given = threading.Barrier(2), []

    def press(person: Browser) -> None:
        for _ in range(15):
            start.wait(20)
            answer = person.post("/next")
            given.append(answer.headers["location"].removeprefix("/cases/").partition("?")[0])

    for each in people:
        each.get("/")
    both = [threading.Thread(target=press, args=(each,)) for each in people]
    for each in both:
        each.start()
    for each in both:
        each.join(60)
    assert sorted(given) == sorted(ids)
    assert all(lines(office.database, each).count("take") == 1 for each in ids)


def test_the_next_is_the_most_urgent_that_nobody_has_in_a_language_that_one_speaks(office: Office) -> None:
    (normal,) = office.take(post(BROKEN, author="bo"))
    (critical,) = office.take(post(INJURY, author="ike"))
    (german,) = office.take(post(ANGRY, author="uta", thread_id="de"))
    office.database.run("UPDATE cases SET language = 'de' WHERE id = :id", {"id": german})
    office.database.run("UPDATE cases SET language = 'en' WHERE id <> :id", {"id": german})

    def take(*speaks: str) -> str:
        said = take_next(office.database, office.assembly.rules, of_page("Olle"), "page", office.clock(), {*speaks})
        return said.case.id if said.case is not None else said.text

    office.person("Olle")
    assert take("de") == german
    assert take("de") == "Nobody is waiting in a language you speak; 2 in others"
    office.database.run("UPDATE cases SET language = 'und' WHERE id = :id", {"id": normal})
    assert take("de") == normal, "nobody knows its language: it is everybody's"
    assert take() == critical
    assert take() == "Nobody is waiting"
    assert "Nobody is waiting." in office.person("Pia").get("/?said=Nobody+is+waiting.").text


def test_who_has_a_case_open_is_shown_to_others_and_not_to_themselves(office: Office) -> None:
    (case_id,) = angry(office, 1)
    olle, pia, vic = office.person("Olle"), office.person("Pia"), office.person("Vic", "viewer")
    vic.get(f"/cases/{case_id}")
    olle.get(f"/cases/{case_id}")
    assert "Olle has this open" in pia.get("/").text
    assert "has this open" not in olle.get("/").text
    assert "Vic" not in pia.get("/").text.replace("Olle has this open", "")
    pia.get(f"/cases/{case_id}", headers={"x-live": "1"})
    assert "Olle has this open" in pia.get(f"/cases/{case_id}").text
    office.clock.forward(STAYS - timedelta(seconds=1))
    assert "Olle has this open" in pia.get("/").text
    olle.post(f"/cases/{case_id}/here", {"gone": ""})
    office.clock.forward(timedelta(seconds=2))
    assert "Olle has this open" in pia.get("/").text
    assert olle.post(f"/cases/{case_id}/here", {"gone": "1"}).status_code == 204
    assert "Olle has this open" not in pia.get("/").text


def test_presence_is_bounded_and_told_in_a_few_words() -> None:
    presence = Presence()
    for n in range(MOST + 5):
        presence.come(str(n), "page:Olle", "Olle", NOW)
    assert len(presence.others("page:Pia", NOW)) == MOST
    assert presence.others("page:Pia", NOW + STAYS) == {}
    presence.go("1", "page:Pia")
    assert words_of(("Olle",)) == "Olle has this open"
    assert words_of(("Olle", "Pia")) == "Olle and Pia have this open"
    assert words_of(("Olle", "Pia", "Una", "Vic")) == "Olle, Pia and 2 more have this open"
    assert words_of(()) == ""


def test_views_are_counted_alike_on_both_databases(database: Sqlite | Postgresql) -> None:
    assert pages.views(database, pages.Inbox(), ("page:Olle",), NOW) == dict.fromkeys(pages.VIEWS, 0)
    assert pages.next_waiting(database, ("de", ""), NOW) is None
