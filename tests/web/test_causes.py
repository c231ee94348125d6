"""The pages of causes and problems, and the cause of a case by one key."""

from __future__ import annotations

import re

from tests.helpers import DAY, LATE, count, post
from tests.web.office import Browser, Office
from tests.web.test_api import caller


def complaints(office: Office, *authors: str) -> None:
    office.take(*(post(LATE, author=author) for author in authors))


def id_of(page: str, name: str) -> str:
    found = re.search(rf'<a href="/causes/(\w+)">{name}</a>', page)
    assert found is not None
    return found[1]


def said(browser: Browser, path: str, fields: dict[str, str]) -> str:
    answer = browser.post(path, fields)
    assert answer.status_code == 303, answer.text
    return browser.get(answer.headers["location"]).text


def test_the_cause_of_a_case_is_set_by_a_key_and_its_number_and_undone(office: Office) -> None:
    complaints(office, "olga")
    staff = office.person("Olle")
    shown = staff.get("/cases/1").text
    assert 'data-key="c"' in shown
    assert ">Late or missing delivery</a>" in shown
    first = re.findall(r'<button name="cause" value="(\w+)"[^>]*>([^<]*)</button>', shown)
    assert first[0][1] == "Late or missing delivery", "the likeliest comes first: c, 1"
    wanted = next(value for value, name in first if name == "Broken or poor quality")
    assert "Done: cause Broken or poor quality." in said(staff, "/cases/1/cause", {"cause": wanted})
    assert '">Broken or poor quality</a>' in staff.get("/cases/1").text
    assert "Done: cause undone." in said(staff, "/cases/1/cause", {"verb": "undo"})
    assert "Done: no cause." in said(staff, "/cases/1/cause", {"verb": "none"})
    assert office.person("Vic", "viewer").post("/cases/1/cause", {"verb": "none"}).status_code == 403
    assert staff.post("/cases/1/cause", {}).status_code == 400


def test_the_list_shows_people_this_week_and_a_lead_changes_it(office: Office) -> None:
    complaints(office, "olga", "mira")
    lead = office.person("Ana", "lead")
    shown = lead.get("/causes").text
    late = id_of(shown, "Late or missing delivery")
    assert "None. A problem opens when three people write about the same cause." in shown
    assert "added" in said(lead, "/causes", {"verb": "add", "name": "Purple lids", "words": "purple lid*"})
    edited = {"verb": "edit", "name": "Parcels", "words": "parcel*\norder", "examples": "Where is it?", "team": "",
              "days": "9", "issue_url": "https://tracker.example/1"}  # fmt: skip
    assert "saved" in said(lead, f"/causes/{late}", edited)
    assert "https://tracker.example/1" in lead.get("/causes").text
    assert "write the issue" in said(lead, f"/causes/{late}", {**edited, "issue_url": "javascript:x"})
    assert "made of 2 posts" in said(
        lead, f"/causes/{late}", {"verb": "split", "new_name": "Orders", "new_words": "order"}
    )
    assert "undone: made Orders of a part" in said(lead, "/causes", {"verb": "undo"})
    refunds = id_of(lead.get("/causes").text, "Refunds")
    assert "merged" in said(lead, f"/causes/{refunds}", {"verb": "merge", "into": late})
    assert lead.get(f"/causes/{refunds}").status_code == 404
    staff = office.person("Olle")
    assert staff.post("/causes", {"verb": "undo"}).status_code == 403
    assert "Add a cause" not in staff.get("/causes").text


def test_a_problem_goes_from_its_first_post_to_the_last_person_told(office: Office) -> None:
    complaints(office, "olga", "mira", "kay")
    staff = office.person("Olle")
    assert '<a href="/problems/1">Late or missing delivery</a>' in staff.get("/causes").text
    assert staff.get("/problems/²").status_code == 404
    assert "mark it as fixed first" in said(staff, "/problems/1", {"verb": "told", "mention": "x"})
    assert "Olle owns it" in said(staff, "/problems/1", {"verb": "take"})
    shown = said(staff, "/problems/1", {"verb": "fixed"})
    assert "3 not told yet" in shown
    assert "Hello @olga, you told us about a problem (Late or missing delivery)" in shown
    for left in ("2 not told yet", "1 not told yet", "everybody has been told"):
        mention = re.findall(r'name="mention" value="(\w+)"><button name="verb" value="told">', shown)[0]
        shown = said(staff, "/problems/1", {"verb": "told", "mention": mention})
        assert left in shown
    assert "/problems/1" not in staff.get("/causes").text
    assert count(office.database, "problem_told") == 3
    assert "open again" in said(staff, "/problems/1", {"verb": "not_fixed"})
    assert staff.get("/problems/99").status_code == 404
    assert staff.get("/problems/x").status_code == 404


def test_a_case_says_how_often_its_problem_was_heard_before_and_since_when(office: Office) -> None:
    complaints(office, "olga", "mira", "kay")
    complaints(office, "zoe")
    staff = office.person("Olle")
    heard = r"</a>: reported 3 times before, first {} <time [^>]*>{}</time>, 3 unanswered"
    assert re.search(heard.format("at", r"\d\d:\d\d"), staff.get("/cases/4").text)
    office.clock.forward(2 * DAY)
    assert re.search(heard.format("on", r"\d+ \w{3} \d\d:\d\d"), office.person("Ida").get("/cases/4").text)


def test_words_of_customers_are_escaped(office: Office) -> None:
    for author in ("olga", "mira", "kay"):
        office.take(post(f"{LATE} <script>alert('{author}')</script>", author=author))
    staff = office.person("Olle")
    for path in ("/problems/1", "/causes", f"/causes/{id_of(staff.get('/causes').text, 'Late or missing delivery')}"):
        assert "<script>alert" not in staff.get(path).text


def test_programs_read_causes_and_problems(office: Office) -> None:
    complaints(office, "olga", "mira", "kay")
    client = caller(office, "viewer")
    told = client.get("/causes", params={"brand": "Acme"}).json()["causes"]
    late = next(each for each in told if each["name"] == "Late or missing delivery")
    assert (late["people"], late["people_last_week"]) == (3, 0)
    (problem,) = client.get("/problems").json()["problems"]
    assert (problem["name"], problem["people"], problem["owner"]) == ("Late or missing delivery", 3, "")


def test_a_post_that_has_a_title_and_no_text_is_shown_by_its_title(office: Office) -> None:
    office.take(*(post("", title=f"{LATE} {author}", author=author) for author in ("ann", "bo", "cyd")))
    staff = office.person("Olle")
    late = id_of(staff.get("/causes").text, "Late or missing delivery")
    for path in ("/problems/1", f"/causes/{late}"):
        shown = staff.get(path).text
        assert f"{LATE} ann" in shown, path
        assert "deleted by its author" not in shown, path
