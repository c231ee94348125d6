"""Three people with one cause are a problem: opened once, told as loudly as is unusual, until the last is told."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from monitor.causes import listing, naming, problems
from monitor.notify.rendering import compose
from monitor.people.identity import of_page
from monitor.store import causes as store
from monitor.store import deliveries
from monitor.store import problems as kept
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.helpers import DAY, HOUR, LATE, NOW, Clock, assembly_of, count, messages, post, settings_from, take

ANA = of_page("Ana")


def write(acme: Assembly, *authors: str, at: datetime = NOW) -> None:
    """Each of them complains that their order is late, a minute before."""
    take(acme, *(post(LATE, author=author, at=at - timedelta(minutes=1)) for author in authors), now=at)


def told(acme: Assembly) -> list[tuple[str, bool]]:
    """What was told of problems, and whether at once."""
    rows = acme.database.rows("SELECT * FROM deliveries WHERE about LIKE 'notice:problem:%' ORDER BY created_at, id")
    found = [deliveries.of_row(row) for row in rows]
    return [(each.payload["title"], each.reason != deliveries.QUIET) for each in found]


def known_for_weeks(acme: Assembly) -> None:
    acme.database.run("INSERT INTO heard (brand, hour, source, n) VALUES ('Acme', '2025-11-01T00', 'forum', 1)")


def test_two_people_or_one_three_times_are_no_problem(acme: Assembly) -> None:
    write(acme, "olga", "olga", "olga", "mira")
    assert kept.counted(acme.database) == []
    assert told(acme) == []


def test_three_people_are_a_problem_and_it_is_opened_once(acme: Assembly) -> None:
    write(acme, "olga", "mira", "kay")
    write(acme, "ben")
    (row,) = kept.counted(acme.database, "Acme")
    assert (row["name"], row["people"], row["heard_before"]) == ("Late or missing delivery", 4, 4)
    assert told(acme) == [("Acme · Late or missing delivery: 3 people in 24 hours", False)]


def test_what_lies_behind_the_days_of_a_cause_does_not_count(acme: Assembly) -> None:
    write(acme, "olga", "mira", at=NOW - 20 * DAY)
    write(acme, "kay")
    assert kept.counted(acme.database) == []


def test_six_people_in_a_day_are_an_alert_while_no_habit_is_known(acme: Assembly) -> None:
    write(acme, *"abcdef")
    assert told(acme) == [("Acme · Late or missing delivery: 6 people in 24 hours", True)]


def test_a_problem_that_grows_above_its_habit_is_told_aloud_and_then_when_it_doubles(acme: Assembly) -> None:
    write(acme, *"abc")
    write(acme, *"de")
    write(acme, "f")
    write(acme, *"ghijk")
    write(acme, "l")
    assert told(acme) == [
        ("Acme · Late or missing delivery: 3 people in 24 hours", False),
        ("Acme · Late or missing delivery: 6 people in 24 hours, more than usual", True),
        ("Acme · Late or missing delivery: doubled to 12 people", True),
    ]


def test_people_are_counted_anew_only_where_so_many_posts_came_that_they_may_have_doubled(
    sqlite: Sqlite, tmp_path: Path
) -> None:
    acme = assembly_of(sqlite, settings_from(tmp_path))
    write(acme, *"abcdef")  # six are told aloud: told again at twelve
    counted: list[str] = []
    sqlite._connection().set_trace_callback(
        lambda statement: counted.append(statement) if "count(DISTINCT CASE WHEN m.repeats" in statement else None
    )
    for _ in range(5):
        write(acme, "a")
    assert len(counted) == 0, "six more posts are needed before there can be twelve people"
    write(acme, "g")
    assert len(counted) == 1, "they may be twelve now; they are seven"
    write(acme, *"hijk")
    assert len(counted) == 1
    write(acme, "l")
    sqlite._connection().set_trace_callback(None)
    assert told(acme)[-1] == ("Acme · Late or missing delivery: doubled to 12 people", True)


@pytest.mark.parametrize("by_hand", ["merged", "named"])
def test_posts_that_staff_bring_to_a_problem_count_at_once(acme: Assembly, by_hand: str) -> None:
    write(acme, *"abcdef")
    take(acme, *(post(f"@acme you charged me twice, again and again {n}", author=f"p{n}", at=NOW) for n in range(5)))
    ids = {row["name"]: row["id"] for row in store.standing(acme.database, "Acme")}
    late, charged = (next(key for name, key in ids.items() if word in name) for word in ("Late", "Charged"))
    with acme.database.transaction():
        if by_hand == "merged":
            listing.merge(acme.database, charged, late, ANA, NOW)
        else:
            for row in acme.database.rows("SELECT id FROM cases WHERE author LIKE 'p%' ORDER BY id"):
                naming.set_cause(acme.database, row["id"], "Acme", late, ANA, "page", NOW)
    write(acme, "g")
    assert told(acme)[-1] == ("Acme · Late or missing delivery: doubled to 12 people", True)


@pytest.mark.parametrize(("weekly", "loud"), [(0, True), (3, False)])
def test_habit_decides_how_loud(acme: Assembly, weekly: int, loud: bool) -> None:
    known_for_weeks(acme)
    for week in range(1, 9):
        write(acme, *(f"w{week}-{number}" for number in range(weekly)), at=NOW - timedelta(weeks=week))
    for row in kept.counted(acme.database):
        problems.fix(acme.database, row["id"], ANA, NOW - 8 * DAY)
    acme.database.run("DELETE FROM problems")
    acme.database.run("DELETE FROM deliveries")
    write(acme, *"abc")
    assert [each for _, each in told(acme)] == [loud]


def test_habit_is_counted_once_an_hour_and_the_people_of_a_day_only_where_so_many_posts_are_above_it(
    sqlite: Sqlite, tmp_path: Path
) -> None:
    """Nine counts of a day's people for each cause of each page of posts were most of what storing it took."""
    acme = assembly_of(sqlite, settings_from(tmp_path))
    known_for_weeks(acme)
    for week in range(1, 9):
        write(acme, *(f"w{week}-{number}" for number in range(9)), at=NOW - timedelta(weeks=week))
    acme.database.run("DELETE FROM problems")
    acme.database.run("DELETE FROM deliveries")
    write(acme, *"abc")
    counted: list[str] = []
    sqlite._connection().set_trace_callback(
        lambda statement: counted.append(statement) if "count(DISTINCT CASE WHEN m.repeats" in statement else None
    )
    write(acme, "d")
    write(acme, "e")
    assert counted == [], "nine are usual in this hour, and there are five posts"
    assert not any(aloud for _, aloud in told(acme))
    write(acme, *"fghijklmnop")
    assert any(aloud for _, aloud in told(acme))
    sqlite._connection().set_trace_callback(None)


def test_what_is_counted_beside_it_holds_for_this_hour_and_the_next(acme: Assembly) -> None:
    """No page of posts waits for it: what was counted an hour ago is taken until the daemon has come round."""
    known_for_weeks(acme)
    for week in range(1, 9):
        write(acme, *(f"w{week}-{number}" for number in range(9)), at=NOW - timedelta(weeks=week))
    for table in ("problems", "deliveries", "facts"):
        acme.database.run(f"DELETE FROM {table}")
    write(acme, "a", "b")
    assert problems.count_habits(acme.database, NOW) == 0, "two posts in a day are of no problem"
    write(acme, "c")
    assert problems.count_habits(acme.database, NOW) == 0, "counted with the third post, as nobody had done it"
    assert problems.count_habits(acme.database, NOW + HOUR, stopping=lambda: True) == 0
    (counted,) = kept.usual(acme.database, [row["id"] for row in store.standing(acme.database)]).values()
    assert counted == ("2026-03-04T10", 9.0)
    acme.database.run("UPDATE facts SET value = '2026-03-04T10 400.0' WHERE key LIKE 'usual people%'")
    write(acme, *(f"h{number}" for number in range(30)), at=NOW + HOUR)
    assert not any(aloud for _, aloud in told(acme)), "four hundred were usual an hour ago"
    assert problems.count_habits(acme.database, NOW + HOUR) == 1
    assert problems.count_habits(acme.database, NOW + HOUR) == 0
    write(acme, "i", at=NOW + HOUR)
    assert any(aloud for _, aloud in told(acme)), "nine are"


def test_a_fixed_problem_that_is_back_is_told_aloud(acme: Assembly) -> None:
    write(acme, *"abc")
    problems.fix(acme.database, 1, ANA, NOW + HOUR)
    write(acme, *"de", at=NOW + DAY)
    assert len(told(acme)) == 1, "three new people make it a problem again"
    write(acme, "f", at=NOW + 2 * DAY)
    assert told(acme)[-1] == (
        "Acme · Late or missing delivery: 3 people in 2 days, back after it was fixed on 4 Mar", True,
    )  # fmt: skip
    assert kept.one(acme.database, 2)["back_of"] == 1  # type: ignore[index]


def test_what_does_not_shrink_is_told_again_each_quarter(acme: Assembly) -> None:
    write(acme, *"abc")
    clock = Clock(NOW)
    for _ in range(3):
        clock.forward(50 * DAY)
        write(acme, *"abc", at=clock.now)
        with acme.database.transaction():
            problems.tick(acme.database, acme.rules, clock.now)
            problems.tick(acme.database, acme.rules, clock.now)
    said = [words for words, _ in told(acme) if "quarter" in words]
    assert said == ["Acme · Late or missing delivery: 3 people in a quarter of a year, no fewer than before"]


def test_the_cause_s_team_is_told(acme: Assembly) -> None:
    write(acme, "a")
    late = next(row["id"] for row in store.standing(acme.database, "Acme") if row["name"].startswith("Late"))
    listing.edit(acme.database, late, {"team": "console:billing"}, ANA, NOW)
    write(acme, *"bc")
    assert [
        row["target"] for row in acme.database.rows("SELECT target FROM deliveries WHERE about LIKE 'notice:%'")
    ] == ["console:billing"]


def test_whoever_it_hit_stays_listed_until_told(acme: Assembly) -> None:
    write(acme, *"abc")
    with pytest.raises(listing.NotPossible, match="mark it as fixed first"):
        problems.tell(acme.database, 1, "any", ANA, NOW)
    problems.give(acme.database, 1, ANA, NOW)
    problems.fix(acme.database, 1, ANA, NOW)
    with pytest.raises(listing.NotPossible, match="already"):
        problems.fix(acme.database, 1, ANA, NOW)
    for left in (2, 1, 0):
        (person, *_) = kept.affected(acme.database, 1)
        problems.tell(acme.database, 1, person["mention_id"], ANA, NOW)
        assert sum(not each["told_at"] for each in kept.affected(acme.database, 1)) == left
    assert kept.counted(acme.database) == []
    assert len(kept.counted(acme.database, open_only=False)) == 1
    problems.unfix(acme.database, 1, NOW)
    assert len(kept.counted(acme.database)) == 1


@pytest.mark.parametrize("earlier", [True, False])
def test_whoever_was_told_is_told_though_another_post_of_theirs_is_found_later(acme: Assembly, earlier: bool) -> None:
    """They were counted as not told and listed as told, or the other way round, and the problem never ended."""
    write(acme, "ben", at=NOW - 2 * HOUR)
    write(acme, "olga", "eve")
    fixed = NOW + 2 * DAY
    with acme.database.transaction():
        problems.fix(acme.database, 1, ANA, fixed)
        for person in kept.affected(acme.database, 1):
            problems.tell(acme.database, 1, person["mention_id"], ANA, fixed)
    write(acme, "olga", at=NOW + (-HOUR if earlier else HOUR))
    people = kept.affected(acme.database, 1)
    assert {each["author"]: each["told_by"] for each in people} == dict.fromkeys(("ben", "eve", "olga"), "Ana")
    assert kept.counted(acme.database, open_only=False)[0]["untold"] == 0
    assert kept.counted(acme.database) == kept.known(acme.database) == []


def test_a_draft_is_in_the_language_of_the_post() -> None:
    person = {"author": "olga", "language": "de"}
    assert problems.draft(person, "Refunds").startswith("Hallo @olga, du hattest")
    assert problems.draft({**person, "language": "sv"}, "Refunds").startswith("Hello @olga, you told us")


def test_of_a_removed_cause_nothing_is_told(acme: Assembly) -> None:
    write(acme, "a")
    late = next(row["id"] for row in store.standing(acme.database, "Acme") if row["name"].startswith("Late"))
    listing.remove(acme.database, late, ANA, NOW)
    problems.look(acme.database, acme.rules, {late: 1, "nothing": 1}, NOW)
    assert count(acme.database, "problems") == 0


def test_later_alerts_of_a_problem_say_what_was_heard_before(acme: Assembly) -> None:
    write(acme, *"abc", at=NOW - DAY)
    (case,) = take(acme, post("Acme why does my parcel with the lamp never arrive? awful", author="d"))
    root = next(each for each in reversed(messages(acme.database)) if each.about == f"story:{case}")
    alert = compose(acme.database, acme.rules, root, [root], NOW).alert
    assert alert.entries[0].facts[0] == (
        "Late or missing delivery: reported 3 times before, first on 3 Mar, 3 unanswered"
    )
    alert = compose(acme.database, acme.rules, root, [root], NOW - 20 * HOUR).alert
    assert "first at " in alert.entries[0].facts[0], "today has no date"
    first = next(each for each in messages(acme.database) if each.about == "story:1")
    assert "reported" not in str(compose(acme.database, acme.rules, first, [first], NOW).alert.entries[0].facts)


def test_what_stands_in_the_same_message_was_not_heard_before_it(acme: Assembly) -> None:
    write(acme, *"abc", at=NOW - DAY)
    cases = [
        *take(acme, post("Acme why does my parcel with the lamp never arrive? awful", author="d")),
        *take(acme, post("Still no delivery of the kettle from Acme, three weeks late, useless", author="e")),
    ]
    rows = [next(each for each in messages(acme.database) if each.about == f"story:{case}") for case in cases]
    alert = compose(acme.database, acme.rules, rows[0], rows, NOW).alert
    said = [fact for entry in alert.entries for fact in entry.facts if "reported" in fact]
    assert len(said) == 2
    assert all("reported 3 times before" in each for each in said), "of each other they are no news"


def test_a_repost_is_no_further_person(acme: Assembly) -> None:
    said = "Acme, my parcel with the lamp never arrived, you promised Tuesday, it is three weeks late, nobody answers"
    take(acme, post(said, author="olga"))
    take(acme, post(f"RT @olga: {said}", author="mira"), post(f"{said} https://example.org", author="kay"))
    assert kept.counted(acme.database) == []
    take(acme, post("Acme lost my delivery of books, a month late, awful", author="ben"), post(LATE, author="eve"))
    (row,) = kept.counted(acme.database)
    assert row["people"] == 3
    assert {each["author"] for each in kept.affected(acme.database, row["id"])} == {"olga", "ben", "eve"}


def test_the_same_few_words_are_no_repost_and_a_mark_says_that_they_are(acme: Assembly) -> None:
    write(acme, "olga", "mira")
    take(acme, post(f"RT @olga {LATE}", author="kay"))
    assert kept.counted(acme.database) == []
    write(acme, "ben")
    assert kept.counted(acme.database)[0]["people"] == 3
