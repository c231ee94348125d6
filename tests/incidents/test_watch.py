"""What opens an incident and what does not: harm, causes, stars; fresh installs, new sources and late posts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.cases.actions import say
from monitor.incidents import acting
from monitor.incidents.watch import Watch
from monitor.people.actors import NotAllowed, NotPossible
from monitor.people.identity import of_mail, of_settings
from monitor.store import causes, incidents, mentions, volume
from monitor.store.database import stamp
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.helpers import DAY, HOUR, INJURY, MINUTE, NOW, assembly_of, messages, post, settings_from, take

Base = Sqlite | Postgresql
TWO_PEOPLE = '[[people]]\nname = "Ana"\n[[people]]\nname = "Ben"\n'
FIRE = "Acme kettle caught fire in my kitchen, unacceptable"


@pytest.fixture
def acme(database: Base, tmp_path: Path) -> Assembly:
    return assembly_of(database, settings_from(tmp_path))


@pytest.fixture
def small(sqlite: Sqlite, tmp_path: Path) -> Assembly:
    return assembly_of(sqlite, settings_from(tmp_path))


def crowd(many: int, source: str = "forum", **more: object) -> list[object]:
    """So many people who complain within half an hour."""
    return [
        post(f"Acme login fails with an error, terrible {number * 7919}", author=f"{source}{number}", source=source,
             ago=(number + 1) * 30 * MINUTE / many, **more)
        for number in range(many)
    ]  # fmt: skip


def days_of_one(acme: Assembly, days: int, source: str = "forum") -> None:
    """So many days in which somebody writes every three hours, read day by day."""
    for day in range(days, 0, -1):
        said = [
            post(f"Acme window in town {day} {hour}", author=f"{source}{day}x{hour}", source=source,
                 at=NOW - day * DAY + hour * HOUR)
            for hour in range(0, 24, 3)
        ]  # fmt: skip
        take(acme, *said, now=NOW - day * DAY + 22 * HOUR)


def kinds(acme: Assembly) -> list[str]:
    Watch(acme.database, acme.rules).look(NOW)
    return [row["kind"] for row in incidents.open_now(acme.database)]


def test_three_people_of_one_critical_story_open_an_incident_and_no_message_of_its_own(acme: Assembly) -> None:
    told = [FIRE, f"{FIRE}!!", "same here, my Acme kettle burned down too"]
    take(acme, *(post(words, author=f"c{number}") for number, words in enumerate(told[:2])))
    assert kinds(acme) == []
    take(acme, post(told[2], author="c2"))
    assert kinds(acme) == ["critical"]
    (row,) = incidents.open_now(acme.database)
    assert row["people"] == 3
    assert not [each for each in messages(acme.database) if each.about.startswith("incident:")]
    watch = Watch(acme.database, acme.rules)
    for case in incidents.cases_of(acme.database, row["id"]):
        say(acme.database, acme.rules, case, "answered", who="Ana", way="page", now=NOW, detail={})
    watch.look(NOW + MINUTE)
    assert incidents.open_now(acme.database) == [], "everybody has an answer"
    watch.look(NOW + 2 * MINUTE)
    assert incidents.open_now(acme.database) == [], "and one story has one incident"


def test_one_person_who_is_hurt_opens_one(acme: Assembly) -> None:
    take(acme, post(INJURY, author="mira"))
    assert kinds(acme) == ["critical"]


def test_an_incident_of_somebody_who_left_has_nobody_again(database: Base, tmp_path: Path) -> None:
    acme = assembly_of(database, settings_from(tmp_path, tables=TWO_PEOPLE))
    take(acme, post(INJURY, author="mira"))
    assert kinds(acme) == ["critical"]
    (row,) = incidents.open_now(database)
    acting.act(database, acme.rules, row["id"], "take", who=of_settings("Ana"), way="page", now=NOW)
    assert acting.owners_left(database, acme.rules, NOW) == 0
    rules = assembly_of(database, settings_from(tmp_path, tables=TWO_PEOPLE.replace("Ana", "Eva"))).rules
    assert [acting.owners_left(database, rules, NOW) for _ in range(2)] == [1, 0]
    assert acting.act(database, rules, row["id"], "take", who=of_settings("Ben"), way="page", now=NOW) == "taken by Ben"


def test_a_fresh_installation_has_none_whatever_its_first_read_brings(small: Assembly) -> None:
    take(small, *crowd(60))
    assert kinds(small) == []


def test_until_a_habit_is_known_eight_people_in_an_hour_are_one(acme: Assembly) -> None:
    assert volume.stars_by_day(acme.database, "Acme", NOW - DAY) == []
    days_of_one(acme, 4)
    take(acme, *crowd(7))
    assert kinds(acme) == []
    take(acme, *crowd(12)[7:])
    assert kinds(acme) != []


def test_reposts_of_one_post_are_no_crowd(small: Assembly) -> None:
    days_of_one(small, 4)
    words = "Acme login fails with an error, terrible"
    take(small, post(words, author="first", ago=31 * MINUTE))
    take(small, *(post(f"RT @first: {words}", author=f"fan{number}", ago=number * MINUTE) for number in range(1, 21)))
    calm = "Acme opens a shop in Leeds"
    take(small, *(post(f"RT @news: {calm}", author=f"reader{number}", ago=number * MINUTE) for number in range(1, 21)))
    assert kinds(small) == []
    take(small, *crowd(12)[:6])
    assert kinds(small) == [], "with the one who was repeated they are seven"
    take(small, *crowd(12)[6:7])
    assert kinds(small) != []


def test_reposts_make_no_critical_story_of_several_people(acme: Assembly) -> None:
    take(acme, post(FIRE, author="c0"), *(post(f"RT @c0: {FIRE}", author=f"fan{number}") for number in range(5)))
    assert kinds(acme) == []


def test_an_incident_of_hundreds_of_posts_begins_with_the_first_of_them_and_has_them_all(small: Assembly) -> None:
    days_of_one(small, 4)
    take(small, *crowd(520))
    kinds(small)
    (row,) = [each for each in incidents.open_now(small.database) if not each["cause_id"]]
    assert row["start_at"] == stamp(NOW - 30 * MINUTE)
    assert row["mentions"] == 520


def test_a_source_that_is_added_to_others_is_none(small: Assembly) -> None:
    days_of_one(small, 30)
    take(small, *crowd(60, "chirp"))
    assert kinds(small) == []


def test_posts_of_a_gap_that_come_late_count_where_they_were_written(small: Assembly) -> None:
    days_of_one(small, 30)
    late = [
        post(f"Acme login fails, terrible {number}", author=f"late{number}", ago=HOUR + number * 15 * MINUTE)
        for number in range(30)
    ]
    take(small, *late)
    assert kinds(small) == []


def test_what_leaps_in_one_cause_is_an_incident_of_that_cause_alone(small: Assembly) -> None:
    days_of_one(small, 30)
    database = small.database
    take(small, *crowd(20))
    found = {row["cause_id"] for row in database.rows("SELECT DISTINCT cause_id FROM caused")}
    assert found, "the outage has a cause that is known by name"
    old = database.rows("SELECT id, posted_at FROM mentions WHERE posted_at = :then", {"then": stamp(NOW - 28 * DAY)})
    of = {"brand": "Acme", "place": 1, "by_staff": 0, "mention_id": old[0]["id"], "posted_at": old[0]["posted_at"]}
    causes.put(database, [{**of, "cause_id": cause} for cause in found])  # causes have been told apart since then
    assert kinds(small) == ["cause"]
    (row,) = incidents.open_now(database)
    assert row["cause_id"] in found
    assert row["people"] == 20


def test_bad_reviews_of_a_day_open_one_and_people_take_it_and_end_it(small: Assembly) -> None:
    for day in range(10, 0, -1):
        then = NOW - day * DAY
        fine = [post(f"Acme app is fine {day} {one}", author=f"r{day}x{one}", rating=5.0, at=then) for one in range(4)]
        take(small, *fine, now=then + HOUR)
    take(small, *(post(f"Acme app logs me out {one * 7919}", author=f"bad{one}", rating=1.0,
                       at=NOW - timedelta(minutes=50 * one + 1)) for one in range(10)))  # fmt: skip
    assert "stars" in kinds(small)
    row = next(row for row in incidents.open_now(small.database) if row["kind"] == "stars")
    before = set(incidents.cases_of(small.database, row["id"]))
    (angry,) = take(small, post("Acme charged me for the wrong box, terrible", author="angry"))
    (worse,) = take(small, post("Acme app deletes my lists, awful", author="worse", rating=1.0))
    Watch(small.database, small.rules).look(NOW + MINUTE)
    after = set(incidents.cases_of(small.database, row["id"]))
    assert after - before == {worse}, "only bad reviews are of it"
    assert angry not in after

    def act(verb: str, **more: str) -> str:
        return acting.act(small.database, small.rules, row["id"], verb, who="Ana", way="cli", now=NOW, **more)

    assert act("take") == "taken by Ana"
    with pytest.raises(NotPossible, match="begins with https"):
        act("said", url="nowhere")
    with pytest.raises(NotPossible, match="on which source"):
        act("said", url="https://acme.example/status", source="nowhere")
    shared = of_mail("email:care@acme.example", "Ana")  # an address that several read proves none of them
    for verb in ("release", "end", "said"):
        with pytest.raises(NotAllowed):
            acting.act(small.database, small.rules, row["id"], verb, who=shared, way="mail link", now=NOW)
    assert act("end") == "ended"
    with pytest.raises(NotPossible, match="is over"):
        act("take")
    assert "wrote" in incidents.latest(small.database)[0]["summary"]


def test_what_is_said_of_it_joins_although_it_is_not_negative_and_other_things_stay_out(small: Assembly) -> None:
    days_of_one(small, 30)
    take(small, *crowd(20))
    calm = post(
        "Does the Acme login show you an error, too? Which number?", author="calm", ago=10 * MINUTE, native_id="calm"
    )
    other = post("Acme sent me a broken lamp, useless packing", author="other", ago=10 * MINUTE, native_id="other")
    take(small, calm, other)
    watch = Watch(small.database, small.rules)
    watch.look(NOW)
    (row,) = incidents.open_now(small.database)
    watch.look(NOW + MINUTE)
    found = {each["author"] for each in incidents.posts_of(small.database, row["id"])}
    assert "calm" in found
    assert "other" not in found


def test_what_is_said_of_it_joins_at_once_however_much_else_is_said(small: Assembly) -> None:
    """Two thousand posts of other things stood before it until they were an hour old."""
    days_of_one(small, 30)
    take(small, *crowd(20))
    watch = Watch(small.database, small.rules)
    watch.look(NOW)
    lamp = post("Acme lamps are in the shops again", author="lamp", native_id="lamp", at=NOW + MINUTE)
    take(small, lamp, now=NOW + MINUTE)
    (row,) = small.database.rows("SELECT * FROM mentions WHERE author = 'lamp'")
    more = [mentions.post_row(replace(lamp, native_id=f"lamp{number}"), stamp(NOW + MINUTE)) for number in range(2_000)]
    with small.database.transaction():
        mentions.add_posts(small.database, more)
        mentions.add_mentions(small.database, [{**row, "id": f"m{each['id']}", "post_id": each["id"]} for each in more])
    late = post("Acme login fails with an error, terrible", author="late", at=NOW + 5 * MINUTE)
    take(small, late, now=NOW + 5 * MINUTE)
    watch.look(NOW + 5 * MINUTE)
    (incident,) = incidents.open_now(small.database)
    assert "late" in {each["author"] for each in incidents.posts_of(small.database, incident["id"])}


def test_what_is_left_beside_an_open_incident_is_one_only_with_enough_people_of_its_own(small: Assembly) -> None:
    days_of_one(small, 30)
    take(small, *crowd(20))
    watch = Watch(small.database, small.rules)
    watch.look(NOW)
    lamps = [
        post(f"Acme sent me a broken lamp, useless packing {number * 7919}", author=f"lamp{number}", at=NOW + MINUTE)
        for number in range(40)
    ]
    take(small, *lamps[:7], now=NOW + MINUTE)
    watch.look(NOW + MINUTE)
    assert len(incidents.open_now(small.database)) == 1
    taken = incidents.counted(small.database, "1")["people"]
    assert taken == 20, "lamps are not of the outage"
