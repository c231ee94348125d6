"""The figures of Insights: worked out once, kept for long spans, and the way from each to its posts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from monitor.reports import insights
from monitor.reports.letter import week
from monitor.store import causes, incidents, key_values
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from tests.helpers import ANGRY, BROKEN, CALM, CHURN, DAY, HOUR, MINUTE, NOW, post, take
from tests.web.office import Office


@pytest.fixture
def acme(tmp_path: Path, database: Sqlite | Postgresql) -> Iterator[Office]:
    """Four people complain of crashes today, one did a month ago; two are leaving, once and twice."""
    made = Office(tmp_path, database)
    take(made.assembly, post(f"{BROKEN} 0", author="old", at=NOW - 31 * DAY), now=NOW - 31 * DAY)
    take(made.assembly, post(ANGRY, author="older", at=NOW - 70 * DAY), now=NOW - 70 * DAY)
    for n in range(4):
        take(made.assembly, post(f"{BROKEN} {n}", author=f"p{n}", at=NOW - n * HOUR - MINUTE), now=NOW - n * HOUR)
    for author, text in (("gone", CHURN), ("gone", f"{CHURN}!"), ("going", f"{CHURN}!!"), ("calm", CALM)):
        take(made.assembly, post(text, author=author, at=NOW - HOUR), now=NOW - HOUR)
    rows = database.rows("SELECT m.id, m.posted_at FROM mentions m JOIN posts p ON p.id = m.post_id "
                         "WHERE p.text LIKE 'Acme app crashes%'")  # fmt: skip
    with database.transaction():
        database.run("DELETE FROM caused")  # what was found by itself
        known = database.row("SELECT id FROM causes WHERE brand = 'Acme' AND lower(name) LIKE '%app%'")
        assert known is not None
        causes.put(database, [
            {"mention_id": row["id"], "cause_id": known["id"], "brand": "Acme", "posted_at": row["posted_at"],
             "place": 0, "by_staff": 0}
            for row in rows
        ])  # fmt: skip
        number = incidents.begin(database, NOW - HOUR, brand="Acme", kind="volume", start_at=NOW - 4 * HOUR,
                                 words=("app", "crashes"))  # fmt: skip
        incidents.join(database, number, [row["id"] for row in rows][1:], NOW)
        incidents.change(database, number, people=4, peak=2)
    yield made
    made.close()


def test_causes_incidents_and_who_leaves_are_counted_with_their_trend(acme: Office) -> None:
    found = insights.of(acme.database, acme.assembly.rules, acme.assembly.settings.zone, NOW, 30)
    (cause,) = found["causes"]
    assert (cause["name"], cause["people"], cause["before"]) == ("Website, app or service down", 4, 1)
    (incident,) = found["incidents"]
    assert (incident["words"], incident["people"], incident["end"]) == (cause["name"], 4, "") or (
        incident["words"], incident["people"], incident["end"]
    ) == ("crashes", 4, "")  # fmt: skip
    assert (found["leaving"]["people"], found["leaving"]["answered"]) == (2, 0)
    assert sum(bar[1] for bar in found["bars"]) == sum(place[1] for place in found["places"]) == 8
    assert json.loads(json.dumps(found))["places"] == [list(place) for place in found["places"]]
    other = insights.of(acme.database, acme.assembly.rules, acme.assembly.settings.zone, NOW, 30, "Globex")
    assert (other["causes"], other["incidents"], other["leaving"]["people"], other["turns"]) == ([], [], 0, 0)


def test_a_brand_that_came_lately_is_not_compared_with_the_time_before_it(acme: Office) -> None:
    """Acme is read for months, Globex since yesterday: that nobody wrote of it before is not known."""
    for n in range(3):
        words = BROKEN.replace("Acme", "Globex")
        take(acme.assembly, post(f"{words} {n}", author=f"g{n}", at=NOW - DAY + n * HOUR), now=NOW - DAY + n * HOUR)
    rules, zone = acme.assembly.rules, acme.assembly.settings.zone
    found = {brand: insights.of(acme.database, rules, zone, NOW, 30, brand)["causes"] for brand in ("Globex", "Acme")}
    assert {each["before"] for each in found["Globex"]} == {None}
    assert {each["before"] for each in found["Acme"]} == {1}


def test_each_figure_leads_to_its_posts(acme: Office) -> None:
    person = acme.person("Ana")
    page = person.get("/insights?days=30").text
    ways = {
        name: re.search(rf'href="([^"]*{name}=[^"]*)"', page) for name in ("cause", "incident", "leaving", "source")
    }
    listed = {name: person.get(way[1].replace("&amp;", "&")).text for name, way in ways.items() if way}
    counts = {name: text.count("data-case=") for name, text in listed.items()}
    assert counts == {"cause": 4, "incident": 4, "leaving": 3, "source": 8}
    assert "CANCELLING".casefold() in listed["leaving"].casefold()


def test_long_spans_are_kept_and_shown_from_what_is_kept(acme: Office) -> None:
    """One at a time, each anew after an hour; what nobody renews is shown no more."""
    database, rules = acme.database, acme.assembly.rules
    turns = 0
    while insights.keep_due(database, rules, NOW):
        turns += 1
    assert turns == 6, "two spans of all brands, and of each of two"
    assert not insights.keep_due(database, rules, NOW + 59 * MINUTE)
    take(acme.assembly, post(f"{CALM}, again", author="late", at=NOW), now=NOW)
    kept = insights.kept(database, 365, "", NOW + MINUTE)
    assert kept is not None
    assert sum(place[1] for place in kept["places"]) == 10
    assert insights.kept(database, 365, "", NOW + 23 * HOUR) == kept, "until it is made anew"
    assert insights.kept(database, 365, "", NOW + 25 * HOUR) is None
    assert insights.kept(database, 365, "", NOW - MINUTE) is None, "a clock that was ahead"
    assert insights.keep_due(database, rules, NOW + 61 * MINUTE)
    again = insights.kept(database, 365, "", NOW + 61 * MINUTE)
    assert again is not None
    assert sum(place[1] for place in again["places"]) == 11


def test_the_page_shows_what_is_kept_of_a_year(acme: Office) -> None:
    made = insights.of(acme.database, acme.assembly.rules, acme.assembly.settings.zone, NOW, 365)
    with acme.database.transaction():
        key_values.remember(acme.database, "insights:365:", json.dumps({**made, "turns": 4711}), NOW)
    person = acme.person("Ana")
    year, month = (person.get(f"/insights?days={days}").text for days in (365, 30))
    assert "of 4711 waiting cases answered" in year
    assert "As of <time" in year
    assert "4711" not in month
    assert "As of" not in month


def test_what_is_kept_is_counted_by_the_clocks_of_whoever_looks(acme: Office) -> None:
    """Hours of the day are theirs, as if it were worked out for them; the rest is what was kept."""
    rules, zone = acme.assembly.rules, ZoneInfo("Asia/Kolkata")
    sunday = NOW - 2 * DAY - 14 * HOUR  # there it is Monday, of the next week
    take(acme.assembly, post(CALM, author="late", at=sunday), now=sunday)
    made = insights.of(acme.database, rules, acme.assembly.settings.zone, NOW, 365)
    theirs = insights.of(acme.database, rules, zone, NOW, 365)
    shown = insights.by_clocks_of(acme.database, zone, {**made, "turns": 4711}, "")
    assert (shown["by_hour"], shown["bars"]) == (theirs["by_hour"], theirs["bars"])
    assert made["by_hour"] != theirs["by_hour"]
    assert made["bars"] != theirs["bars"]
    assert (shown["turns"], shown["weeks"]) == (4711, made["weeks"])


def test_a_phone_is_given_a_chart_that_it_can_show_whole(acme: Office) -> None:
    """Each chart twice, as wide as a screen and as narrow as a telephone; the style sheet shows one of the two."""
    page = acme.person("Ana").get("/insights?days=30").text
    assert page.count('class="chart wide" viewBox="0 0 960') == page.count('class="chart narrow" viewBox="0 0 360') >= 2
    for chart in re.findall(r'<svg class="chart narrow".*?</svg>', page, re.DOTALL):
        for x, width in re.findall(r'<rect class="\w+" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', chart):
            assert float(x) + float(width) <= 360
    assert timedelta(minutes=1) < insights.FRESH < insights.STALE


def test_what_the_digest_links_shows_the_figures_of_that_week_whenever_it_is_opened(acme: Office) -> None:
    """Seven days by the calendar begin and end elsewhere: the mail and what it linked disagreed."""
    until = NOW - 30 * MINUTE
    at_the_edge = until - 7 * DAY
    for author, moment in (("in", at_the_edge + HOUR), ("out", at_the_edge - HOUR)):
        take(acme.assembly, post(ANGRY, author=author, at=moment), now=moment)
    found = week.of(acme.database, acme.assembly.rules, until, acme.assembly.settings.zone)
    shown = insights.of(
        acme.database,
        acme.assembly.rules,
        acme.assembly.settings.zone,
        until,
        7,
        since=week.before(until, ZoneInfo("UTC")),
    )
    assert sum(bar[1] for bar in shown["bars"]) == found.volume.mentions
    assert shown["leaving"]["people"] == found.leaving.people
    acme.clock.forward(3 * DAY)
    page = acme.person("Ana", "admin").get(found.insights).text
    assert f"<b>{found.volume.mentions}</b><span>mentions since" in page
    assert "The week of a digest:" in page
    assert "&amp;to=" in page
    for wrong in ("never", "2026-03-04T10:00", (NOW + 9 * DAY).isoformat()):
        assert "The week of a digest:" not in acme.person("Bo", "admin").get("/insights", params={"until": wrong}).text


def test_the_page_says_shares_and_opening_hours_in_the_words_of_the_digest(acme: Office) -> None:
    """A day of opening hours was read as one on the calendar, and 999 of 1,000 in time as all of them."""
    rules, zone = acme.assembly.rules, acme.assembly.settings.zone
    made = insights.of(acme.database, rules, zone, NOW, 365)
    week_of = {
        "name": "2 Mar",
        "turns": 9,
        "answered": 9,
        "median": 30 * 3600.0,
        "p90": 40 * 3600.0,
        "in_target": 0.999,
    }
    shown = {**made, "median": 30 * 3600.0, "in_target": 0.999, "weeks": [week_of]}
    with acme.database.transaction():
        key_values.remember(acme.database, "insights:365:", json.dumps(shown), NOW)
    page = acme.person("Ana").get("/insights?days=365").text
    assert "<b>30 hours</b>" in page
    assert '<td class="num" data-name="90th percentile">40 hours</td>' in page
    assert "1 day" not in page
    assert page.count("over 99%") == 2
    assert "100%</b><span>answered" not in page


def test_where_clocks_stand_on_the_half_hour_no_mention_is_missing_from_the_chart(acme: Office) -> None:
    """In Kolkata a day begins at 18:30 UTC: what is counted by hours of UTC fell on the day before the chart."""
    zone = ZoneInfo("Asia/Kolkata")
    midnight = insights.midnight(NOW.astimezone(zone).date() - 6 * DAY, zone)
    take(acme.assembly, post(CALM, author="early", at=midnight + 10 * MINUTE), now=midnight + 10 * MINUTE)
    found = insights.of(acme.database, acme.assembly.rules, zone, NOW, 7)
    assert found["bars"][0][1] == 1
    assert sum(bar[1] for bar in found["bars"]) == sum(place[1] for place in found["places"])


def test_what_insights_leaves_out_is_counted_with_the_way_to_it(acme: Office) -> None:
    """A digest says "and 12 more" and leads here, where the thirteenth cause was nowhere."""
    rows = acme.database.rows("SELECT m.id, m.posted_at FROM mentions m JOIN posts p ON p.id = m.post_id "
                              "WHERE p.text LIKE 'Acme app crashes%' AND m.posted_at > '2026-03-01'")  # fmt: skip
    fresh = [
        {"id": f"c{n:02}", "brand": "Acme", "name": f"Trouble {n:02}", "words": (), "examples": ()} for n in range(14)
    ]
    with acme.database.transaction():
        causes.add(acme.database, [{**each, "days": 30} for each in fresh], NOW)
        causes.put(acme.database, [
            {"mention_id": row["id"], "cause_id": each["id"], "brand": "Acme", "posted_at": row["posted_at"],
             "place": 1, "by_staff": 0}
            for row in rows for each in fresh
        ])  # fmt: skip
        for n in range(14):
            number = incidents.begin(
                acme.database, NOW - HOUR, brand="Acme", kind="volume", start_at=NOW - n * HOUR - HOUR
            )
            incidents.change(acme.database, number, people=1, ended_at=NOW)
    page = acme.person("Ana").get("/insights?days=7").text
    assert page.count("Trouble ") == 12
    assert '<a href="/causes">and 3 more</a>' in page
    assert '<a href="/incidents">and 3 more</a>' in page
