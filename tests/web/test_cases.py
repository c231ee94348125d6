"""The inbox and the case: what stands first, what can be said, by whom, and what colleagues see meanwhile."""

from __future__ import annotations

import re
import threading
from datetime import timedelta

import httpx2
import pytest

from monitor.settings import overrides
from monitor.store import case_log, key_values, list_entries, web
from tests.helpers import ANGRY, ASKING, BROKEN, CHURN, HOUR, INJURY, LATE, MINUTE, NOW, case, lines, messages, post
from tests.web.office import Browser, Office


def order(text: str) -> list[str]:
    """The cases of a page, in its order."""
    return re.findall(r'<a class="says" href="/cases/(\d+)"', text)


def test_the_most_urgent_unanswered_case_stands_first_and_says_why(office: Office) -> None:
    (normal,) = office.take(post(BROKEN, author="bo"))
    (critical,) = office.take(post(INJURY, author="ike"))
    text = office.person("Ana").get("/").text
    assert order(text)[0] == critical
    assert order(text).index(critical) < order(text).index(normal)
    first = text.split('<ol class="cases">')[1].split("</li>")[0]
    assert "injur" in first
    assert "a critical word" not in first, "the words themselves say which"
    assert "30 minutes left" in first or "29 minutes left" in first


def test_reposts_stand_below_the_first_of_them_and_nobody_is_left_out(office: Office) -> None:
    text = "Acme charged me for the wrong box for the winter box and nobody at all answers my letters, I want my refund"
    first, *others = (office.take(post(text, author=f"a{n}", thread_id=f"t{n}"))[0] for n in range(5))
    (alone,) = office.take(post(BROKEN, author="bo"))
    shown = office.person("Ana").get("/").text
    assert sorted(order(shown)) == sorted([first, alone])
    assert "and 4 others say the same" in shown
    for each in others:
        assert f'name="case" value="{each}"' in shown


def test_do_not_contact_is_one_press_takes_the_reply_away_and_is_ended_by_a_lead(office: Office) -> None:
    (case_id,) = office.take(post(BROKEN, author="bo"))
    staff, lead = office.person("Olle"), office.person("Ana", "lead")
    assert "Write the reply" in staff.get(f"/cases/{case_id}").text
    assert staff.post(f"/cases/{case_id}/contact", {"verb": "set"}).status_code == 303
    shown = staff.get(f"/cases/{case_id}").text
    assert "Do not contact this author (Olle," in shown
    assert "Write the reply" not in shown
    assert "They may be contacted again" not in shown
    assert "set as not to be contacted by <strong>Olle</strong>" in re.sub(r"\s+", " ", shown)
    assert staff.post(f"/cases/{case_id}/contact", {"verb": "end"}).status_code == 403
    desk = lead.get("/desk").text
    assert "do not contact <strong>forum/bo</strong>" in desk
    assert "They may be contacted again" in lead.get(f"/cases/{case_id}").text
    assert lead.post(f"/cases/{case_id}/contact", {"verb": "end"}).status_code == 303
    assert "Write the reply" in staff.get(f"/cases/{case_id}").text
    (critical,) = office.take(post(INJURY, author="ike"))
    staff.post(f"/cases/{critical}/contact", {"verb": "set"})
    assert "Write the reply" in staff.get(f"/cases/{critical}").text, "whoever is in danger is written to"


def test_a_late_case_says_how_late_in_opening_hours(office: Office) -> None:
    office.take(post(CHURN, author="cy"))
    office.clock.forward(timedelta(days=2))
    text = office.person("Ana").get("/").text
    assert '<span class="late">' in text
    assert " late</span>" in text


def test_a_person_takes_answers_and_closes_and_takes_it_back(office: Office) -> None:
    (case_id,) = office.take(post())
    person = office.person("Olle")
    person.get(f"/cases/{case_id}")
    assert person.post(f"/cases/{case_id}", {"verb": "take"}).status_code == 303
    assert case(office.database, case_id).owner == "Olle"
    person.post(f"/cases/{case_id}", {"verb": "answered"})
    assert case(office.database, case_id).answered_by == "Olle"
    person.post(f"/cases/{case_id}", {"verb": "close", "outcome": "solved"})
    assert case(office.database, case_id).outcome == "solved"
    shown = person.get(f"/cases/{case_id}").text
    assert "Undo “closed”" in shown
    person.post(f"/cases/{case_id}", {"verb": "undo"})
    assert case(office.database, case_id).closed_at is None
    assert lines(office.database, case_id)[-4:] == ["take", "answered", "close", "undo"]


def test_every_verb_of_a_case_has_its_button(office: Office) -> None:
    (case_id,) = office.take(post())
    person = office.person("Olle")
    said = {
        "wants": {"text": "her money back"}, "note": {"text": "called her"}, "snooze": {"until": "4h"},
        "wait": {"until": "1d", "on": "the bank"}, "assign": {"owner": "Ana"}, "release": {},
        "dismiss": {"why": "spam"}, "reopen": {},
    }  # fmt: skip
    for verb, fields in said.items():
        shown = person.get(f"/cases/{case_id}").text
        assert f'value="{verb}"' in shown, verb
        assert person.post(f"/cases/{case_id}", {"verb": verb, **fields}).status_code == 303, verb
    assert {"wants", "note", "snooze", "wait", "assign", "release", "dismiss", "reopen"} <= set(
        lines(office.database, case_id)
    )


def test_a_moment_is_read_in_the_readers_zone(office: Office) -> None:
    (case_id,) = office.take(post())
    person = office.person("Olle")
    person.post("/you", {"zone": "Europe/Berlin"})
    person.get(f"/cases/{case_id}")
    person.post(f"/cases/{case_id}", {"verb": "snooze", "until_at": "2026-03-05T09:30"})
    until = case(office.database, case_id).snoozed_until
    assert until is not None
    assert until.isoformat() == "2026-03-05T08:30:00+00:00"
    assert "5 Mar 09:30" in person.get(f"/cases/{case_id}").text


def test_what_a_press_says_is_by_the_readers_clock_as_all_else_on_the_page(office: Office) -> None:
    (first,) = office.take(post(ANGRY, author="ann"))
    (second,) = office.take(post(BROKEN, author="bo"))
    nele = office.person("Nele")
    nele.post("/you", {"zone": "Asia/Tokyo"})
    answer = nele.post(f"/cases/{first}", {"verb": "snooze", "until": "4h"}, follow_redirects=True)
    assert "Done: snoozed by Nele until 04 Mar 23:00." in answer.text
    assert "snoozed until 23:00" in answer.text
    nele.get("/")
    assert (
        f"Case {second}: taken by Nele, 19:00."
        in nele.post("/cases", {"one": f"{second} take"}, follow_redirects=True).text
    )
    told = [each.payload for each in messages(office.database)]
    assert "19:00" not in str(told), "the team reads the clock of the desk"


def test_who_comes_second_hears_who_was_first(office: Office) -> None:
    (case_id,) = office.take(post())
    first, second = office.person("Olle"), office.person("Pia")
    second.get(f"/cases/{case_id}")
    first.get(f"/cases/{case_id}")
    first.post(f"/cases/{case_id}", {"verb": "take"})
    answer = second.post(f"/cases/{case_id}", {"verb": "take"})
    assert "Olle already took it" in second.get(answer.headers["location"]).text
    assert case(office.database, case_id).owner == "Olle"


def test_two_people_who_press_at_once_make_one_owner(office: Office) -> None:
    ids = [office.take(post(f"{ANGRY} {n}", author=f"a{n}", thread_id=f"t{n}"))[0] for n in range(40)]
    people = [office.person(name) for name in ("Olle", "Pia")]
    start = threading.Barrier(2)

    def press(person: Browser) -> None:
        for each in ids:
            start.wait(20)
            person.http.post(f"/cases/{each}", data={"csrf": person.csrf, "verb": "take"})

    threads = [threading.Thread(target=press, args=(person,)) for person in people]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    for case_id in ids:
        assert case(office.database, case_id).owner in {"Olle", "Pia"}
        assert lines(office.database, case_id).count("take") == 1


def test_several_cases_are_given_closed_and_taken_back_at_once(office: Office) -> None:
    ids = [office.take(post(text, author=f"a{n}"))[0] for n, text in enumerate((ANGRY, LATE, CHURN))]
    person = office.person("Olle")
    person.get("/?source=forum")
    answer = person.post("/cases", {"case": ids, "verb": "assign", "owner": "Ana", "back": "/?source=forum"})
    assert [case(office.database, each).owner for each in ids] == ["Ana"] * 3
    assert answer.headers["location"].startswith("/?source=forum&said=3+cases")
    shown = person.get(answer.headers["location"]).text
    assert "3 cases: assigned to their new owner." in shown
    person.post("/cases", {"case": ids, "verb": "undo", "back": "/"})
    assert [case(office.database, each).owner for each in ids] == [""] * 3
    person.get("/")
    person.post("/cases", {"case": ids[:2], "verb": "dismiss", "why": "not_us", "back": "//evil.example"})
    assert [case(office.database, each).why for each in ids] == ["not_us", "not_us", ""]


@pytest.mark.parametrize(("verb", "asked"), [("close", "Choose an outcome"), ("dismiss", "why it needs no answer")])
def test_how_a_case_ended_is_chosen_and_never_assumed(office: Office, verb: str, asked: str) -> None:
    """On the case, over several in the inbox, and on a mail's link: nothing is preselected, nothing changes without."""
    (case_id,) = office.take(post(ANGRY))
    person = office.person("Olle")
    shown = person.get(f"/cases/{case_id}").text
    assert not re.search(r'<input type="radio"[^>]* checked', shown)
    answer = person.post(f"/cases/{case_id}", {"verb": verb})
    assert answer.status_code == 409
    assert asked in answer.text
    person.get("/")
    answer = person.post("/cases", {"case": [case_id], "verb": verb, "back": "/"})
    assert "Nothing was changed. Choose" in person.get(answer.headers["location"]).text
    path = office.link(case_id, purpose="more" if verb == "close" else "dismiss")
    reader = office.browser()
    proof = reader.get(path).text.split('name="proof" value="')[1].split('"')[0]
    answer = reader.post(path, {"proof": proof, "verb": verb})
    assert answer.status_code == 400
    assert asked in answer.text
    assert case(office.database, case_id).closed_at is None


def test_muting_the_author_of_a_case_ends_telling_of_them(office: Office) -> None:
    (case_id,) = office.take(post(author="troll"))
    person = office.person("Olle")
    person.get("/")
    for _ in range(2):
        person.post("/cases", {"case": case_id, "verb": "mute", "back": "/"})
    assert [(row["kind"], row["value"], row["who"]) for row in key_values.mutes(office.database)] == [
        ("author", "forum/troll", "Olle")
    ]


def test_whoever_mutes_an_author_is_told_who_can_undo_it(office: Office) -> None:
    (case_id,) = office.take(post(author="troll"))
    for name, role, words in (("Olle", "staff", "A lead can undo this on Desk."), ("Lea", "lead", "Undo on Desk.")):
        person = office.person(name, role)
        person.get("/")
        answer = person.post("/cases", {"case": case_id, "verb": "mute", "back": "/"}, follow_redirects=True)
        assert f"1 author muted. Their posts are stored, but nobody is alerted. {words}" in answer.text


def test_filters_live_in_the_address_and_search_speaks_the_query_language(office: Office) -> None:
    (twice,) = office.take(post("Acme charged me for the wrong box, terrible", author="a"))
    (late,) = office.take(post("Acme my parcel never arrived, awful service", author="b", source="chirp"))
    person = office.person("Olle")
    assert order(person.get("/?source=chirp").text) == [late]
    assert order(person.get("/?q=charged").text) == [twice]
    assert order(person.get("/", params={"q": '"charged me" OR parcel*'}).text) in ([twice, late], [late, twice])
    assert order(person.get("/", params={"q": "acme NOT parcel"}).text) == [twice]
    assert order(person.get("/?q=nothinglikeit").text) == []
    assert order(person.get("/?priority=critical").text) == []
    assert 'value="charged"' in person.get("/?q=charged").text


def test_the_case_shows_what_was_said_what_happened_before_and_on_this_network_only(office: Office) -> None:
    (first,) = office.take(post("Acme lost my parcel, awful", author="olga", ago=3 * HOUR))
    (_other,) = office.take(post("Acme is terrible, my twin secret", author="olga", source="chirp"))
    (again,) = office.take(post("Acme charged me for the box, I want a refund", author="olga", thread_id="another"))
    text = office.person("Ana").get(f"/cases/{again}").text
    assert "Acme charged me for the box" in text
    assert f'<a href="/cases/{first}">' in text
    assert "never answered" in text
    assert "twin secret" not in text


def test_our_own_replies_stand_in_the_conversation_with_remarks_on_their_tone(office: Office) -> None:
    (case_id,) = office.take(post(CHURN, author="cy", native_id="root"))
    with office.database.transaction():
        key_values.add_own_posts(
            office.database,
            [{
                "source": "forum", "native_id": "r1", "brand": "Acme", "author": "acme_care",
                "url": "https://forum.example/r1",
                "text": "As per our policy you must fill out a form.", "parent_id": "root", "thread_id": "root",
                "posted_at": "2026-03-04T10:00:00.000000Z", "seen_at": "2026-03-04T10:00:00.000000Z",
                "case_id": case_id, "automatic": 0, "sent_on": 0,
            }],
        )  # fmt: skip
    text = office.person("Ana").get(f"/cases/{case_id}").text
    assert "As per our policy you must fill out a form." in text
    assert "hides behind a policy" in text
    assert "gives the customer homework" in text


def test_a_reply_is_helped_with_and_never_sent(office: Office) -> None:
    (case_id,) = office.take(post(CHURN, author="cy", author_name="Cyra Holm"))
    person = office.person("Olle")
    shown = person.get(f"/cases/{case_id}").text
    assert "Cyra, I&#39;m sorry" in shown
    before = lines(office.database, case_id)
    checked = person.post(f"/cases/{case_id}", {"verb": "tone", "reply": "You should have read the terms."})
    assert "blames" in checked.text
    quick = person.post("/tone", {"case": case_id, "reply": "You should have read the terms."}).json()
    assert "does not say sorry" in [each["kind"] for each in quick["remarks"]]
    assert lines(office.database, case_id) == before


def test_a_viewer_sees_everything_and_has_no_button(office: Office) -> None:
    (case_id,) = office.take(post())
    viewer = office.person("Vera", "viewer")
    for path in ("/", f"/cases/{case_id}", "/mentions", "/desk", "/sources"):
        text = viewer.get(path).text
        forms = [
            each for each in re.findall(r'<form[^>]*method="post"[^>]*action="([^"]*)"', text) if each != "/logout"
        ]
        assert forms == [], path


def test_a_correction_teaches_and_can_be_taken_back(office: Office) -> None:
    office.take(post("Walked past Acme today, lovely window"))
    (row,) = office.database.rows("SELECT id FROM mentions")
    person = office.person("Olle")
    person.get(f"/mentions/{row['id']}")
    person.post(f"/mentions/{row['id']}", {"answer": "not_us"})
    assert [each["answer"] for each in key_values.labels_of(office.database, "Acme")] == ["not_us"]
    shown = person.get(f"/mentions/{row['id']}").text
    assert "is not about us · Olle" in shown
    person.post(f"/mentions/{row['id']}", {"answer": "undo"})
    assert key_values.labels_of(office.database, "Acme") == []


def test_what_a_colleague_does_is_told_to_open_pages(office: Office) -> None:
    (case_id,) = office.take(post())
    reader, colleague = office.person("Ana"), office.person("Olle")
    with httpx2.stream(
        "GET", f"{office.address}/live", cookies=dict(reader.http.cookies), verify=False, timeout=httpx2.Timeout(15)
    ) as stream:
        assert stream.status_code == 200
        assert stream.headers["content-type"].startswith("text/event-stream")
        marks = (line for line in stream.iter_lines() if line.startswith("data: "))
        first = next(marks)
        colleague.get(f"/cases/{case_id}")
        colleague.post(f"/cases/{case_id}", {"verb": "take"})
        assert next(marks) != first
    assert office.browser().get("/live").status_code == 401


def test_what_a_lead_changes_on_the_desk_holds_is_logged_and_goes_back(office: Office) -> None:
    lead = office.person("Lea", "lead")
    lead.get("/desk")
    answer = lead.post("/desk", {"key": "desk.hours", "value": "mon-fri 08:00-18:00\nsat 10:00-14:00"})
    assert answer.status_code == 303
    stands = overrides.overlay(office.settings, web.desk_values(office.database))
    assert [f"{block.start:%H}-{block.end:%H}" for block in stands.desk.hours] == ["08-18", "10-14"]
    (change,) = web.desk_changes(office.database)
    assert (change["who"], change["key"]) == ("Lea", "desk.hours")
    assert "mon-fri 08:00-18:00" in lead.get("/desk").text
    lead.post("/desk/undo", {"n": change["n"]})
    assert overrides.overlay(office.settings, web.desk_values(office.database)) == office.settings
    lead.get("/desk")
    lead.post("/desk", {"key": "desk.holidays", "value": "2026-12-25"})
    lead.post("/desk", {"key": "desk.holidays", "verb": "file", "value": ""})
    assert web.desk_values(office.database) == {}


def test_what_makes_no_sense_on_the_desk_is_refused_with_what_to_write(office: Office) -> None:
    lead = office.person("Lea", "lead")
    wrong = {
        "desk.hours": "whenever", "desk.holidays": "christmas", "alerts.quiet_start": "21:00",
        "people.Ana.shifts": "mon 9-17", "brands.Acme.query": "x", "database.url": "sqlite:/etc/passwd",
    }  # fmt: skip
    for key, value in wrong.items():
        lead.get("/desk")
        answer = lead.post("/desk", {"key": key, "value": value})
        assert answer.status_code == 400, key
    lead.get("/desk")
    assert lead.post("/desk", {"key": "desk.hours", "value": ""}).status_code == 400
    targets = {
        f"{name}.{each}": "1h"
        for name in ("critical", "urgent", "normal", "gentle")
        for each in ("first", "next", "resolve")
    }
    assert lead.post("/desk", {"key": "desk.targets", **targets, "urgent.first": "soon"}).status_code == 400
    assert web.desk_values(office.database) == {}
    assert lead.post("/desk", {"key": "desk.targets", **targets, "urgent.first": "45m"}).status_code == 303
    stands = overrides.overlay(office.settings, web.desk_values(office.database))
    assert stands.desk.targets["urgent"].first == 45 * MINUTE


def test_a_desk_value_of_somebody_who_left_the_file_is_passed_over(office: Office) -> None:
    with office.database.transaction():
        web.add_desk_change(office.database, "people.Nobody.shifts", '[{"days":["mon"]}]', "", "Lea", office.clock())
        web.add_desk_change(office.database, "desk.hours", "not json", "", "Lea", office.clock())
        web.add_desk_change(office.database, "alerts.quiet_end", '"07:00"', "", "Lea", office.clock())
    stands = overrides.overlay(office.settings, web.desk_values(office.database))
    assert stands.desk == office.settings.desk
    assert f"{stands.alerts.quiet_end:%H:%M}" == "07:00"


def test_saved_replies_are_the_desks(office: Office) -> None:
    (case_id,) = office.take(post(CHURN, author="cy"))
    lead = office.person("Lea", "lead")
    lead.get("/desk")
    lead.post("/desk/replies", {"name": ["Ours", ""], "text": ["Dear {name}, {me} of {brand} {other}", "dropped"]})
    assert "Dear @cy, Lea of Acme {other}" in lead.get(f"/cases/{case_id}").text
    assert [each.name for each in overrides.replies(web.desk_values(office.database))] == ["Ours"]


def test_of_two_leads_who_change_the_same_the_second_hears_of_the_first(office: Office) -> None:
    ana, lea = office.person("Ana", "lead"), office.person("Lea", "lead")

    def marks(shown: str) -> list[str]:
        return re.findall(r'name="was" value="(\w+)"', shown)

    seen, replies = marks(lea.get("/desk").text)[0], marks(lea.get("/desk").text)[-1]
    assert ana.post("/desk", {"key": "desk.hours", "value": "mon-sat 08:00-20:00", "was": seen}).status_code == 303
    refused = lea.post("/desk", {"key": "desk.hours", "value": "mon-fri 10:00-16:00", "was": seen})
    assert refused.status_code == 409
    assert "A colleague changed this meanwhile" in refused.text
    assert "mon-sat 08:00-20:00" in lea.get("/desk").text
    now = marks(lea.get("/desk").text)[0]
    assert lea.post("/desk", {"key": "desk.hours", "value": "mon-fri 10:00-16:00", "was": now}).status_code == 303
    mine = {"name": "Refund", "text": "You get it back."}
    assert ana.post("/desk/replies", {**mine, "was": replies}).status_code == 303
    assert lea.post("/desk/replies", {"name": "Late", "text": "Sorry.", "was": replies}).status_code == 409
    assert [each.name for each in overrides.replies(web.desk_values(office.database))] == ["Refund"]


def test_a_lead_pauses_a_source_and_reads_it_now(office: Office) -> None:
    from monitor.store import sources

    lead = office.person("Lea", "lead")
    lead.get("/sources")
    lead.post("/sources/forum", {"verb": "pause"})
    paused = sources.health(office.database, "forum")
    assert paused is not None
    assert paused.paused_at == office.clock()
    lead.post("/sources/forum", {"verb": "resume"})
    lead.post("/sources/forum", {"verb": "read"})
    due = sources.health(office.database, "forum")
    assert due is not None
    assert (due.paused_at, due.next_due_at) == (None, office.clock())
    assert lead.post("/sources/nowhere", {"verb": "read"}).status_code == 404


def test_the_database_that_does_not_answer_is_said_calmly(office: Office) -> None:
    person = office.person("Ana")
    office.database.script(["ALTER TABLE cases RENAME TO elsewhere"])
    answer = person.get("/")
    assert answer.status_code == 503
    assert "The database does not answer" in answer.text
    assert "elsewhere" not in answer.text


def test_an_admin_erases_an_author_after_being_asked_once_more(office: Office) -> None:
    """The link stands on the author's card, for admins only; the record of it names who erased, and not whom."""
    (case_id,) = office.take(post(ANGRY, author_name="Olga Petrova"))
    office.take(post(BROKEN, author="bo"))
    assert f"/cases/{case_id}/erase" not in office.person("Ana", "lead").get(f"/cases/{case_id}").text
    admin = office.person("Root", "admin")
    assert f'href="/cases/{case_id}/erase"' in admin.get(f"/cases/{case_id}").text
    shown = admin.get(f"/cases/{case_id}/erase").text
    assert "1 post, 1 case (1 of them open)" in shown
    assert admin.post(f"/cases/{case_id}/erase").status_code == 400
    assert "olga" in admin.get(f"/cases/{case_id}").text
    admin.get(f"/cases/{case_id}/erase")
    answer = admin.post(f"/cases/{case_id}/erase", {"sure": "yes"})
    assert "Erased: 1 post, 1 case" in admin.get(answer.headers["location"]).text
    for path in (f"/cases/{case_id}", "/mentions", "/?state=closed", "/desk", "/insights"):
        text = admin.get(path).text.casefold()
        assert "olga" not in text, path
        assert "petrova" not in text, path
    assert "by Root" in admin.get("/desk").text
    shown = admin.get(f"/cases/{case_id}").text
    assert "closed: its author was erased by Root" in shown
    assert "(no longer shown)" in shown
    assert 'value="reopen"' not in shown
    assert "(no longer shown)" in admin.get("/mentions").text
    assert "stars" not in admin.get("/?state=closed").text + admin.get("/mentions").text
    assert admin.get(f"/cases/{case_id}/erase").status_code == 404, "there is nobody left to erase"


def test_an_offered_mute_is_taken_or_declined_with_one_press_and_can_be_taken_back(office: Office) -> None:
    """What, why, and the two answers in one line; what was declined is not offered again."""
    now = office.clock()
    key_values.add_mute(office.database, "Acme", "author", "forum/bugs", "marked “not us” 3 times", now, offered=True)
    key_values.add_mute(
        office.database, "Acme", "domain", "toons.example", "marked “not us” 4 times", now, offered=True
    )
    assert "verb" not in office.person("Vic", "viewer").get("/desk").text.split('id="offers"')[1].split("</section>")[0]
    lead = office.person("Ana", "lead")
    line = lead.get("/desk").text.split('id="offers"')[1].split("</li>")[0]
    assert re.search(r"The author <strong>forum/bugs</strong>.*marked “not us” 3 times", line)
    numbers = [row["n"] for row in key_values.mutes(office.database, offered=True)]
    answer = lead.post("/desk/mutes", {"verb": "accept", "n": numbers[0]})
    assert "Muted." in lead.get(answer.headers["location"]).text
    assert [(row["value"], row["who"]) for row in key_values.mutes(office.database)] == [("forum/bugs", "Ana")]
    answer = lead.post("/desk/mutes", {"verb": "decline", "n": numbers[1]})
    shown = lead.get(answer.headers["location"]).text
    assert "not be suggested again" in shown
    assert 'id="offers"' not in shown
    assert ("domain", "toons.example") in key_values.known_mutes(office.database, "Acme")
    lead.post("/desk/mutes", {"verb": "undo", "n": numbers[0]})
    assert key_values.mutes(office.database) == []
    answer = lead.post("/desk/mutes", {"verb": "accept", "n": numbers[0]})
    assert "Someone else was faster" in lead.get(answer.headers["location"]).text


def test_what_happened_is_told_in_words_and_what_was_taken_back_says_so(office: Office) -> None:
    (case_id,) = office.take(post(ANGRY))
    person = office.person("Olle")
    person.get(f"/cases/{case_id}")
    for fields in (
        {"verb": "assign", "owner": "Ana"}, {"verb": "note", "text": "called her"},
        {"verb": "dismiss", "why": "handled_elsewhere"}, {"verb": "undo"},
    ):  # fmt: skip
        person.post(f"/cases/{case_id}", fields)
        person.get(f"/cases/{case_id}")
    shown = person.get(f"/cases/{case_id}").text.split('<ol class="log">')[1].split("</ol>")[0]
    told = [" ".join(re.sub(r"<[^>]+>", " ", line).split()) for line in shown.split("</li>")[:-1]]
    assert [line.split(" ", 1)[1] for line in told] == [
        "opened",
        "assigned to Ana by Olle (page)",
        "note by Olle (page) called her",
        "no answer needed: handled elsewhere by Olle (page) (undone)",
        "“no answer needed” undone by Olle (page)",
    ]


def test_what_strangers_say_in_a_row_is_folded_and_nothing_is_left_out(office: Office) -> None:
    (case_id,) = office.take(post(ANGRY, thread_id="loud", native_id="first", at=office.clock() - HOUR))
    for n in range(5):
        at = office.clock() - HOUR + (n + 1) * MINUTE
        office.take(post(f"Acme is all right, says stranger {n}", author=f"s{n}", thread_id="loud", at=at))
    text = office.person("Olle").get(f"/cases/{case_id}").text
    folded = text.split('<li class="others">')[1].split("</details>")[0]
    assert "5 others wrote in this thread" in folded
    assert all(f"stranger {n}" in folded for n in range(5))
    assert "charged" not in folded


def test_of_a_long_conversation_what_was_written_next_to_the_case_is_shown(office: Office) -> None:
    """The first sixty posts of a thread were, however far before it."""
    begun = office.clock() - 6 * HOUR
    said = [
        post(f"Acme is all right, says stranger {n}.", author=f"s{n}", thread_id="long", at=begun + n * MINUTE)
        for n in range(200)
    ]
    office.take(*said)
    (case_id,) = office.take(post(ANGRY, thread_id="long", at=begun + 150 * MINUTE + timedelta(seconds=1)))
    text = office.person("Olle").get(f"/cases/{case_id}").text
    assert [n for n in range(200) if f"stranger {n}." in text] == list(range(122, 181))
    assert "Earful has 201 posts of this thread; those written next to this case are shown." in text


def test_a_conversation_that_is_shown_whole_says_nothing_of_posts_left_out(office: Office) -> None:
    (case_id,) = office.take(post(ANGRY, thread_id="short"))
    assert "of this thread; those" not in office.person("Olle").get(f"/cases/{case_id}").text


def test_a_line_says_each_reason_once(office: Office) -> None:
    """Who was never answered is told with the day alone, and the stars of a review once."""
    office.take(post(ANGRY, thread_id="t1", at=office.clock() - 48 * HOUR))
    office.clock.forward(HOUR)
    (second,) = office.take(post(BROKEN, thread_id="t2", rating=1.0, at=office.clock() - MINUTE))
    shown = office.person("Ana").get("/").text
    line = shown.split(f'data-case="{second}"')[1].split('<div class="why">')[1].split("</div>")[0]
    assert "2 times in 30 days" in line
    assert "never answered" in line
    assert "was not answered before" not in line
    assert line.count("star") == 1


def test_whoever_opens_the_list_has_looked_at_its_entries(office: Office) -> None:
    """Retention closes what somebody saw and left; a viewer takes nothing, and so only looks."""
    (entry,) = office.take(post(ASKING, author="lister"))
    seen = f"{list_entries.LOOKED}{entry}"
    office.person("Vic", "viewer").get("/?state=sweep")
    olle = office.person("Olle")
    olle.get("/")
    assert not key_values.has_period(office.database, seen)
    assert olle.get("/?state=sweep").status_code == 200
    assert key_values.has_period(office.database, seen)


DM = "We have refunded you today, it is on its way."


def replied(office: Office) -> str:
    """A case that our account has answered, as it seems."""
    (case_id,) = office.take(post(ANGRY, native_id="n", thread_id="n", at=NOW - HOUR))
    own = post(DM, author="acme_care", parent_id="n", thread_id="n", at=NOW - MINUTE)
    with office.database.transaction():
        office.assembly.answers.take([own], NOW)
    assert case(office.database, case_id).state_at(NOW) == "answered"
    return case_id


def test_a_reply_that_was_no_answer_is_turned_by_one_press_of_its_own_button(office: Office) -> None:
    case_id = replied(office)
    ana = office.person("Ana")
    shown = ana.get(f"/cases/{case_id}").text
    (reply,) = re.findall(r'name="reply" value="([^"]+)"', shown)
    assert "That was not an answer" in shown
    ana.post(f"/cases/{case_id}", {"verb": "not_answered", "reply": reply})
    found = case(office.database, case_id)
    assert found.answered_at is None
    assert found.due_at is not None
    assert found.due_at > NOW, "the next clock runs"
    shown = ana.get(f"/cases/{case_id}").text
    assert "That was the answer" in shown
    ana.post(f"/cases/{case_id}", {"verb": "answered", "reply": reply})
    assert case(office.database, case_id).answered_at == NOW - MINUTE, "with the network's own time"


def test_what_is_left_says_that_it_is_opening_hours(office: Office) -> None:
    """A span that the night stands still in is not what a watch shows."""
    (normal,) = office.take(post(ANGRY, at=NOW))
    (critical,) = office.take(post(INJURY, author="ike", thread_id="i", at=NOW))
    assert case(office.database, critical).priority == "critical"
    shown = office.person("Ana").get("/").text
    assert re.search(r"\d+ (?:hours?|minutes?)[^<]* of opening hours left", shown)
    (line,) = re.findall(rf"/cases/{critical}\b.*?</li>", shown, re.DOTALL)[:1]
    assert "minutes left" in line
    assert "opening hours" not in line, "around the clock there are none"
    assert normal in shown


def test_the_log_of_a_case_says_each_thing_once_in_the_order_in_which_it_happened(office: Office) -> None:
    (case_id,) = office.take(post())
    steps = (
        ("told", "slack:#care", {"action": "post"}), ("remind", "escalation", {"reason": "nobody has taken it yet"}),
        ("told", "slack:#care", {"action": "post"}), ("told", "slack:#care", {"action": "edit"}),
        ("remind", "escalation", {"reason": "nobody has taken it yet"}), ("told", "email:a@ex.org", {"action": "post"}),
        ("told", "slack:#care", {"action": "post"}), ("take", "page", {}), ("told", "slack:#care", {"action": "edit"}),
        ("remind", "escalation", {"reason": "taken by Olle, but not answered yet"}),
    )  # fmt: skip
    with office.database.transaction():
        for n, (what, way, detail) in enumerate(steps):
            who = "Olle" if what == "take" else ""
            case_log.note(office.database, case_id, office.clock() + n * MINUTE, what, who=who, way=way, **detail)
    log = office.person("Vic", "viewer").get(f"/cases/{case_id}").text.split('<ol class="log">')[1].split("</ol>")[0]
    said = [" ".join(re.sub(r"<[^>]+>", " ", each).split())[8:] for each in log.split("<li")[1:]]
    assert [each.replace(" ,", ",") for each in said] == [
        "opened", "alerted slack:#care, 3 times", "reminded: nobody has taken it yet, 2 times",
        "alerted email:a@ex.org", "taken by Olle (page)", "reminded: taken by Olle, but not answered yet",
    ]  # fmt: skip
