"""Causes with their trend and incidents, from the store to the words of the letter."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.notify import incident_messages
from monitor.reports import further_figures, share_of_voice
from monitor.reports.letter import contents, sentence, stories
from monitor.reports.letter.stories import Problem
from monitor.store import causes, incidents, key_values, mentions
from monitor.store.database import stamp
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.helpers import BROKEN, DAY, HOUR, INJURY, MINUTE, NOW, assembly_of, post, settings_from, take

WEEK = 7 * DAY


@pytest.fixture
def acme(database: Sqlite | Postgresql, tmp_path: Path) -> Assembly:
    """An installation that has run for a month, with the causes that its list begins with."""
    made = assembly_of(database, settings_from(tmp_path))
    with database.transaction():
        key_values.remember(database, "installed_at", (NOW - 30 * DAY).isoformat(), NOW - 30 * DAY)
    return made


def crashes(acme: Assembly) -> str:
    """One cause of the brand's list, under the name of these tests."""
    row = acme.database.row("SELECT id FROM causes WHERE brand = 'Acme' AND lower(name) LIKE '%app%'")
    assert row is not None
    causes.change(acme.database, row["id"], name="App crashes")
    return str(row["id"])


def wrote(acme: Assembly, people: int, ago: timedelta) -> None:
    """So many people write of the cause, and it is known that they do."""
    for number in range(people):
        at = NOW - ago + number * MINUTE
        take(acme, post(f"{BROKEN} {number}", author=f"p{ago.days}n{number}", at=at), now=at + MINUTE)
    with acme.database.transaction():
        for table in ("caused", "problem_told", "problems"):  # what was found by itself
            acme.database.run(f"DELETE FROM {table}")
        causes.put(acme.database, [
            {"mention_id": row["id"], "cause_id": crashes(acme), "brand": "Acme", "posted_at": row["posted_at"],
             "place": 0, "by_staff": 0}
            for row in acme.database.rows("SELECT id, posted_at FROM mentions WHERE brand = 'Acme'")
        ])  # fmt: skip


def told(acme: Assembly) -> tuple[str, dict[str, list[str]], list[str]]:
    """The sentence, the lines by heading, and the decisions of the letter."""
    view = contents.view(acme.database, acme.rules, NOW, brand="Acme")
    lines = {section.heading: [line.text for line in section.lines] for section in view.sections}
    return view.sentence, lines, [f"{line.text} {line.by}" for line in view.decisions]


def test_a_cause_that_doubled_is_in_the_sentence_with_its_trend_and_asks_who_fixes_it(acme: Assembly) -> None:
    wrote(acme, 4, 9 * DAY)
    wrote(acme, 8, 2 * DAY)
    said, lines, decisions = told(acme)
    assert said.startswith("App crashes doubled")
    assert lines["What keeps going wrong"] == ["App crashes: 8 people (4 the week before)."]
    asked = "Who fixes “App crashes”, and by when? 8 people this week, 4 the week before; no issue is linked."
    assert asked in decisions
    with acme.database.transaction():
        causes.change(acme.database, crashes(acme), issue_url="https://issues.example/7")
        acme.database.run(
            "INSERT INTO problems (cause_id, brand, opened_at, first_at) VALUES (:cause, 'Acme', :at, :at)",
            {"at": stamp(NOW - 9 * DAY), "cause": crashes(acme)},
        )
    _, lines, decisions = told(acme)
    assert lines["What keeps going wrong"] == ["App crashes: 8 people (4 the week before), since 23 Feb, issue linked."]
    assert not any("Who fixes" in each for each in decisions)


def test_two_people_are_no_problem_and_a_quote_of_it_names_nobody(acme: Assembly) -> None:
    wrote(acme, 2, 2 * DAY)
    assert "What keeps going wrong" not in told(acme)[1]
    wrote(acme, 3, DAY)
    view = contents.view(acme.database, acme.rules, NOW, brand="Acme")
    (section,) = [each for each in view.sections if each.heading == "What keeps going wrong"]
    assert section.lines[0].text.startswith("App crashes: 5 people")
    assert (section.lines[0].quote or "Acme app crashes").startswith("Acme app crashes")
    assert "p1n" not in str(section)


@pytest.mark.parametrize(
    ("people", "before", "said"),
    [
        (8, 4, "app crashes doubled"),
        (12, 4, "app crashes tripled"),
        (40, 4, "app crashes up from 4 to 40 people"),
        (10, 7, "app crashes up from 7 to 10 people"),
    ],
)
def test_growth_is_said_in_words(people: int, before: int, said: str) -> None:
    problem = Problem("c", "App crashes", people, before, None)
    assert problem.growth
    assert sentence.grown(problem) == said


@pytest.mark.parametrize(("people", "before"), [(2, 1), (5, 0), (5, None), (5, 3), (5, 9)])
def test_small_or_unknown_growth_is_none(people: int, before: int | None) -> None:
    assert Problem("c", "App crashes", people, before, None).growth == ""


def test_an_incident_is_told_only_by_words_that_half_of_its_posts_say(acme: Assembly) -> None:
    said = ("login fails, barrow", "barrow login", "login broken", "cannot login", "nothing works")
    take(acme, *(post(f"Acme {text}, awful", author=f"c{n}", native_id=f"n{n}") for n, text in enumerate(said)))
    database = acme.database
    keys = [
        mentions.mention_key(database, "Acme", mentions.post_key(database, "forum", f"n{n}")) for n in range(len(said))
    ]
    words = ("login", "barrow")
    with database.transaction():
        row = incidents.begin(database, NOW, brand="Acme", kind="volume", start_at=NOW - HOUR, words=words, mentions=5)
        incidents.join(database, row, keys, NOW)
    (told_of,) = stories.outbreaks(database, NOW - DAY, NOW + DAY, "Acme")
    assert told_of.words == "login"
    kept = incidents.one(database, row)
    assert kept is not None
    assert "many say: login" in incident_messages.facts_of(database, acme.rules, kept, NOW)
    assert json.loads(kept["words"]) == list(words), "whoever says rarer ones joins it all the same"
    with database.transaction():
        incidents.change(database, row, words='["barrow"]')
    (told_of,) = stories.outbreaks(database, NOW - DAY, NOW + DAY, "Acme")
    assert told_of.words == ""


def test_an_incident_is_told_with_its_people_peak_reach_and_whether_we_spoke(acme: Assembly) -> None:
    with acme.database.transaction():
        began = {"brand": "Acme", "kind": "volume", "start_at": NOW - 2 * DAY}
        first = incidents.begin(acme.database, NOW - 2 * DAY, **began, words=("app", "down", "@lena.w"))
        incidents.change(
            acme.database, first, people=17, mentions=21, peak=9, reach=40_000, answered=12,
            ended_at=NOW - 2 * DAY + 4 * HOUR, said_publicly_at=NOW - 2 * DAY + HOUR,
        )  # fmt: skip
        second = incidents.begin(acme.database, NOW - HOUR, **{**began, "start_at": NOW - HOUR}, words=("fire",))
        incidents.change(acme.database, second, people=5, mentions=5, peak=12)
        old = incidents.begin(acme.database, NOW - 20 * DAY, **{**began, "start_at": NOW - 20 * DAY})
        incidents.change(acme.database, old, people=50, ended_at=NOW - 19 * DAY)
    said, lines, decisions = told(acme)
    assert said == "An incident is still open"
    assert lines["What happened"] == [
        "Mon 10:00 to 14:00: 17 people about app, down, [name], 9 posts in the busiest hour, reach 40,000; 12 of them "
        "answered, said publicly Mon 11:00.",
        "Wed 09:00 still open: 5 people about fire, 12 posts about Acme in the busiest hour; 0 of them answered, "
        "not said publicly.",
    ]
    assert decisions == ["Say publicly what happened? 5 people wrote about fire; no public post of ours was found."]


def test_an_incident_that_began_before_the_week_is_told_with_its_day(acme: Assembly) -> None:
    """ "Thu 09:00 still open" is read as Thursday of this week."""
    with acme.database.transaction():
        began = NOW - 13 * DAY - HOUR
        old = incidents.begin(acme.database, began, brand="Acme", kind="volume", start_at=began, words=("fire",))
        incidents.change(acme.database, old, people=5, mentions=5, peak=5, said_publicly_at=began + DAY)
    assert told(acme)[1]["What happened"] == [
        "Thu 19 Feb 09:00 still open: 5 people about fire, 5 posts in the busiest hour; 0 of them answered, "
        "said publicly Fri 20 Feb 09:00.",
    ]


def test_an_incident_is_told_in_the_words_of_whoever_it_hit_hardest_and_names_nobody(acme: Assembly) -> None:
    take(acme, post(BROKEN, author="lena"), post(f"@mia_k look: {INJURY}", author="mia_k"), now=NOW - HOUR)
    found = acme.database.rows("SELECT id FROM mentions")
    with acme.database.transaction():
        fire = incidents.begin(acme.database, NOW - HOUR, brand="Acme", kind="volume", start_at=NOW - HOUR)
        incidents.change(acme.database, fire, people=2, peak=2)
        incidents.join(acme.database, fire, [row["id"] for row in found], NOW - HOUR)
    view = contents.view(acme.database, acme.rules, NOW, brand="Acme")
    (line,) = next(section.lines for section in view.sections if section.heading == "What happened")
    assert line.quote.startswith(f"[name] look: {INJURY[:20]}")
    assert line.by == "a customer on forum"
    assert (line.url, line.seen) == (f"{acme.settings.earful.page_url}/incidents/{fire}", f"Incident {fire}")


def test_the_share_of_what_is_said_stands_with_its_base_where_a_competitor_is_named(
    database: Sqlite | Postgresql, tmp_path: Path
) -> None:
    named = '[[competitors]]\nname = "Initech"\nquery = "initech"\n'
    acme = assembly_of(database, settings_from(tmp_path, tables=named))
    take(acme, post(BROKEN, author="a"), post("Initech, hm", author="b"), post("Globex", author="c"))
    take(acme, post("Looking for an alternative to Initech, any ideas?", author="d"))
    assert told(acme)[1]["Share of voice"] == [
        "Acme 33%, Initech 67% (only 3 mentions where both are read).",
        "Part of the week only: Initech.",
        "1 person looks for an alternative to a competitor.",
    ]
    plain = assembly_of(database, settings_from(tmp_path))
    assert "Share of voice" not in told(plain)[1]


def test_a_post_that_names_two_brands_is_a_mention_of_each_and_never_said_to_be_two_posts(
    database: Sqlite | Postgresql, tmp_path: Path
) -> None:
    named = '[[competitors]]\nname = "Initech"\nquery = "initech"\n'
    acme = assembly_of(database, settings_from(tmp_path, tables=named))
    take(acme, post("Acme, Globex or Initech? I cannot decide", author="a"))
    found = share_of_voice.of_span(database, acme.rules, NOW - DAY, NOW + DAY)
    assert ([each.mentions for each in found.voices], found.base) == ([1, 1, 1], 3)
    said = [*told(acme)[1]["Share of voice"], *further_figures.sentences(database, acme.rules, NOW - DAY, NOW + DAY)]
    assert "Acme 50%, Initech 50% (only 2 mentions where both are read)." in said
    assert "Share of voice: Acme 33%, Globex 33%, Initech 33%, of 3 mentions, too few to draw conclusions." in said
    assert "posts" not in " ".join(said)


def test_whoever_looks_for_an_alternative_to_two_competitors_is_one_person(
    database: Sqlite | Postgresql, tmp_path: Path
) -> None:
    named = "".join(f'[[competitors]]\nname = "{name}"\nquery = "{name}"\n' for name in ("Initech", "Hooli"))
    acme = assembly_of(database, settings_from(tmp_path, tables=named))
    for words in ("Initech or Hooli", "Initech"):
        take(acme, post(f"Looking for an alternative to {words}, any ideas?", author="d"))
    assert "1 person looks for an alternative to a competitor." in told(acme)[1]["Share of voice"]
