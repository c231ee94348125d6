"""Noise: what one hour, one fire and one Monday sound like in the channel, and that nobody is left out of it."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import combinations
from pathlib import Path

from monitor.store import case_log, deliveries
from monitor.store.database import at
from monitor.text.similarity import alike, fingerprint
from tests.story.world import World, world

THINGS = ("kettle", "assam", "teapot", "voucher", "subscription", "parcel", "matcha", "gift box")
FAULTS = (
    "arrived smashed to pieces, awful packing",
    "has been missing since Thursday, useless tracking",
    "tastes of soap, disgusting",
    "was charged twice on my card, give me my money back",
    "leaks all over our kitchen, awful quality",
    "arrived open and half empty, this is a joke",
    "broke on its second day, rubbish",
    "never turned up and your shop ignores me, terrible",
)
PLACES = ("Leith", "Hull", "Bath", "Ely", "Ayr", "Wells", "York", "Truro", "Ripon", "Derby", "Fife")


def complaint(number: int) -> str:
    """A complaint in words of its own."""
    thing, fault = THINGS[number % 8], FAULTS[(number // 8 + number) % 8]
    return f"#harbourtea {thing} no. {number * 37 % 991} for {PLACES[number % 11]} {fault}"


def minute(number: float, day: str = "Wed", hour: int = 10) -> str:
    """So many minutes after that hour, as the world writes moments."""
    seconds = round(number * 60)
    return f"{day} {hour + seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def named(earful: World) -> set[str]:
    """The customers whom Slack has shown, wherever it was."""
    return {
        name for each in earful.slack.accepted for name in re.findall(r"(\w+)@far\.example", earful.slack.reads(each))
    }


def waits(earful: World) -> list[timedelta]:
    """How long each case took from its opening to the first message that spoke of it."""
    found = []
    for row in earful.database.rows("SELECT id, story_id, opened_at FROM cases WHERE lane = 'ping'"):
        sent = [
            each.sent_at
            for each in deliveries.of_cases(earful.database, {row["id"]: row["story_id"]})[row["id"]]
            if each.sent_at is not None
        ]
        assert sent, f"nobody was told of case {row['id']}"
        found.append(min(sent) - at(row["opened_at"]))
    return found


def test_the_complaints_of_these_stories_are_no_reposts_of_each_other() -> None:
    prints = [fingerprint(complaint(number)) for number in range(24)]
    assert not [pair for pair in combinations(prints, 2) if alike(*pair)]


def test_24_complaints_in_an_hour_are_six_messages_and_a_brief_each_half_hour(tmp_path: Path) -> None:
    with world(tmp_path, "sqlite:earful.sqlite", start="Wed 09:59") as earful:
        for number in range(24):
            earful.posts(f"cust{number}", complaint(number), at=minute(number * 2.5))
        earful.until("Wed 11:00", step=timedelta(minutes=1))
        own = [each for each in earful.messages() if " cases, " not in each["text"]]
        briefs = [each for each in earful.messages() if " cases, " in each["text"]]
        assert len(own) == 6
        assert 1 <= len(briefs) <= 2
        earful.until("Wed 11:40", step=timedelta(minutes=1))
        assert named(earful) == {f"cust{number}" for number in range(24)}
        assert max(waits(earful)) <= timedelta(minutes=36)


def test_twelve_complaints_in_six_minutes_are_six_messages_and_one_brief(tmp_path: Path) -> None:
    with world(tmp_path, "sqlite:earful.sqlite", start="Wed 09:59") as earful:
        for number in range(12):
            earful.posts(f"cust{number}", complaint(number), at=minute(number * 0.5))
        earful.until("Wed 10:20")
        assert len(earful.messages()) <= 7
        assert named(earful) == {f"cust{number}" for number in range(12)}


def test_another_customers_own_words_are_a_line_in_the_thread_and_the_same_words_only_an_edit(
    tmp_path: Path, database_url: str
) -> None:
    with world(tmp_path, database_url, start="Wed 09:59") as earful:
        words = "#harbourtea lost my parcel for the third time and nobody replies, terrible service"
        first = earful.posts("olga", words, at="Wed 10:00")
        earful.posts("echo", f"RT @olga: {words}", at="Wed 10:05", to=first)
        earful.until("Wed 10:12")
        assert len(earful.messages()) == 1
        assert earful.thread() == []
        assert "2 people, one story" in earful.reads("lost my parcel")
        earful.posts(
            "timo", "#harbourtea charged me twice for the same box, give me my money back", at="Wed 10:15", to=first
        )
        earful.until("Wed 10:20")
        assert len(earful.messages()) == 1
        (line,) = earful.thread()
        assert "timo@far.example" in line
        assert "charged me twice" in line


def test_400_people_about_one_fire_three_of_them_hurt_are_eight_messages_and_everybody_is_told_of(
    tmp_path: Path,
) -> None:
    with world(tmp_path, "sqlite:earful.sqlite", start="Wed 09:59") as earful:
        root = earful.posts("first", "#harbourtea kettle caught fire in my kitchen, unacceptable", at="Wed 10:00")
        hurt = {57: "burned my hand", 140: "I ended up in hospital", 333: "burned me badly, ambulance came"}
        for number in range(1, 400):
            words = f"{hurt[number]}, " if number in hurt else "same fire here, " if number % 3 else ""
            earful.posts(f"cust{number}", f"{complaint(number)}. {words}", at=minute(1 + number * 0.03), to=root)
        earful.until("Wed 10:16")
        told = earful.messages()
        assert len(told) <= 8, [each["text"] for each in told]
        loud = [each["text"] for each in told[1:] if "people write about this now" not in each["text"]]
        for number in hurt:
            assert [text for text in loud if f"@cust{number}@far.example" in text]
            own = earful.case_of(f"cust{number}")  # a case of their own, and somebody was called about it
            assert own.priority == "critical"
            assert any(line.detail.get("people") for line in case_log.of_case(earful.database, own.id))
        assert any(re.search(r"\b[1-4]\d\d people write about this now", earful.slack.reads(each)) for each in told)
        assert max(waits(earful)) <= timedelta(minutes=36)


def test_monday_morning_with_160_waiting_is_one_brief(tmp_path: Path, database_url: str) -> None:
    with world(tmp_path, database_url, start="+1 Mon 08:59") as earful:
        for number in range(160):
            earful.posts(f"cust{number}", complaint(number), at=minute(number * 5, "Sun", 17))
        earful.until("+1 Mon 09:15")
        (brief,) = earful.messages()
        assert brief["text"].startswith("160 cases, none taken")
