"""Holding a case from its page: an admin's to do, and its words hidden from everybody else meanwhile."""

from __future__ import annotations

from tests.helpers import BROKEN, case, post
from tests.web.office import Office

WORD = "zanzibarquartz"


def test_an_admin_holds_a_case_and_the_others_see_no_words_until_it_ends(office: Office) -> None:
    (case_id,) = office.take(post(f"{BROKEN} {WORD}"))
    lead, admin = office.person("Ana", "lead"), office.person("Ida", "admin")
    assert WORD in lead.get(f"/cases/{case_id}").text
    assert f"/cases/{case_id}/hold" not in lead.get(f"/cases/{case_id}").text
    assert f'href="/cases/{case_id}/hold"' in admin.get(f"/cases/{case_id}").text
    admin.get(f"/cases/{case_id}/hold")
    assert admin.post(f"/cases/{case_id}/hold", {"ground": "", "days": "30"}).status_code == 400
    admin.get(f"/cases/{case_id}/hold")
    assert admin.post(f"/cases/{case_id}/hold", {"ground": "claim", "days": "9999999"}).status_code == 400
    admin.get(f"/cases/{case_id}/hold")
    answer = admin.post(f"/cases/{case_id}/hold", {"ground": "claim 12", "days": "30"})
    assert answer.headers["location"].startswith(f"/cases/{case_id}?said=on+hold+until")
    for path in ("/", f"/cases/{case_id}", "/mentions", "/mentions.jsonl", f"/mentions?q={WORD}"):
        assert f"{BROKEN} {WORD}" not in lead.get(path).text
    shown = lead.get(f"/cases/{case_id}").text
    assert "its text is hidden until then" in shown
    assert "claim 12" not in shown
    assert "claim 12" in admin.get(f"/cases/{case_id}/hold").text
    assert WORD in admin.get(f"/cases/{case_id}/held.jsonl").text
    admin.get(f"/cases/{case_id}/hold")
    admin.post(f"/cases/{case_id}/hold", {"end": "yes"})
    assert WORD in lead.get(f"/cases/{case_id}").text
    assert case(office.database, case_id).author == "olga"
    assert admin.get(f"/cases/{case_id}/held.jsonl").status_code == 404


def test_everything_held_of_an_author_is_an_admins_to_take(office: Office) -> None:
    (case_id,) = office.take(post(f"{BROKEN} {WORD}"))
    admin = office.person("Ida", "admin")
    assert WORD in admin.get(f"/cases/{case_id}/person.jsonl").text
    assert office.person("Ana", "lead").get(f"/cases/{case_id}/person.jsonl").status_code == 403
