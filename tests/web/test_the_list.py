"""The list on the page and over the API: thirty open, how many there are, why each is there, and who has looked."""

from __future__ import annotations

import re

from monitor.store import key_values, list_entries, web
from tests.cases.test_list_of_the_day import MUST
from tests.helpers import ASKING, HOUR, post
from tests.web.office import Office

HOSTILE = "Acme </a><script>alert(1)</script> who has the manual of model"


def filled(office: Office, many: int) -> list[str]:
    return office.take(*(post(f"{HOSTILE} {n}?", author=f"c{n}", thread_id=f"t{n}") for n in range(many)))


def shown(text: str) -> list[str]:
    return re.findall(r'<li class="" data-case="(\d+)">', text)


def test_thirty_stand_open_the_heading_says_how_many_there_are_and_more_are_shown_below(office: Office) -> None:
    known = filled(office, 64)
    office.database.run("UPDATE cases SET fingerprint = 0")  # each says something of its own
    olle = office.person("Olle")
    first = olle.get("/?state=sweep").text
    assert ">64</span>" in first
    assert "34 further down" in first
    assert first.count("asks you a question") >= 30
    assert "<script>alert(1)" not in first
    more = olle.get("/?state=sweep&page=2").text
    assert shown(more)[:30] == shown(first)
    assert len(shown(more)) == 60
    whole = olle.get("/?state=sweep&page=3").text
    assert set(shown(whole)) == set(known)
    assert "Show more" not in whole
    assert olle.get("/?state=sweep&page=1900").status_code == 200


def test_what_needs_us_most_stands_first_on_the_page_and_over_the_api(office: Office) -> None:
    (mood,) = office.take(post("any of you folks seen the Acme ad? #tv", author="mood", thread_id="a"))
    (asks,) = office.take(post(MUST, author="asks", thread_id="b"))
    assert shown(office.person("Olle").get("/?state=sweep").text) == [asks, mood]
    with office.database.transaction():
        web.add_token(office.database, "earful_secret", "desk", "api", office.clock(), role="staff")
    head = {"authorization": "Bearer earful_secret"}
    pages = [
        office.browser().get(f"/api/v1/cases?state=sweep&limit=1&offset={offset}", headers=head).json()
        for offset in (0, 1)
    ]
    assert [(page["total"], page["cases"][0]["id"]) for page in pages] == [(2, asks), (2, mood)]
    assert pages[0]["cases"][0]["reasons"][0].startswith("wishes for something")
    assert pages[0]["cases"][0]["need"] > pages[1]["cases"][0]["need"] > 0


def test_a_page_that_follows_by_itself_and_a_viewer_have_not_looked_and_who_opens_a_case_has(office: Office) -> None:
    listed, opened, left = office.take(*(post(ASKING, author=f"c{n}", thread_id=f"t{n}") for n in range(3)))
    office.database.run("UPDATE cases SET fingerprint = 0")
    olle, vic = office.person("Olle"), office.person("Vic", "viewer")
    vic.get(f"/cases/{opened}")
    olle.get(f"/cases/{left}", headers={"x-live": "1"})
    olle.get("/?state=sweep", headers={"x-live": "1"})
    assert not [
        each for each in (listed, opened, left) if key_values.has_period(office.database, list_entries.LOOKED + each)
    ]
    olle.get(f"/cases/{opened}")
    assert key_values.has_period(office.database, list_entries.LOOKED + opened)
    assert [row["id"] for row in list_entries.to_list(office.database, office.clock() + HOUR)] == [listed, left]


def test_languages_that_nobody_reads_stand_apart_with_how_many_there_are(office: Office) -> None:
    (mine,) = office.take(post(ASKING, author="plain", thread_id="a"))
    rain = ("Acmeの傘を買いました。雨の日に使います。", "駅前のAcmeの店は今日休みです。明日また行きます。")
    theirs = office.take(*(post(text, author=text[:3], thread_id=text[:3], lang="ja") for text in rain))
    theirs += office.take(post("Купил чайник Acme, дождь идёт", author="r", thread_id="r", lang="ru"))
    olle = office.person("Olle")
    for path in ("/", "/?state=sweep"):
        text = olle.get(path).text
        assert "Japanese 2" in text
        assert "Russian 1" in text
    assert shown(olle.get("/?state=sweep").text) == [mine]
    assert set(shown(olle.get("/?state=unread").text)) == set(theirs)
    assert shown(olle.get("/?state=unread&language=ru").text) == theirs[-1:]
