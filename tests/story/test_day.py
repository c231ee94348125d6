"""A team's day and its nights, counted in noises: what each person's telephone, mail and Slack made them look at."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from pathlib import Path

from monitor.store import case_log, deliveries_owed
from tests.story.test_calling import CHURN
from tests.story.test_noise import FAULTS, complaint
from tests.story.world import TABLES, World, labels, world

LEAKED = FAULTS[5]  # critical by itself: a stranger's name on a parcel
CLEO, LEA = "U0CLEO0000", "U0LEA00000"
NAMES = {"U0ANA00001": "Ana", "U0BEN00001": "Ben", CLEO: "Cleo", LEA: "Lea"}
SETTLED = timedelta(minutes=1)
NIGHT = timedelta(minutes=14)
FOUR = """
[[people]]
name = "Ana"
slack = "U0ANA00001"
shifts = [{{ start = "09:00", end = "17:00" }}]

[[people]]
name = "Ben"
slack = "U0BEN00001"
shifts = [{{ start = "09:00", end = "17:00" }}]

[[people]]
name = "Cleo"
slack = "U0CLEO0000"
shifts = [{{ start = "09:00", end = "17:00" }}]

[[people]]
name = "Lea"
role = "lead"
slack = "U0LEA00000"
shifts = [{{ start = "09:00", end = "17:00" }}]
"""
TWO_ZONES = """
[[people]]
name = "Ana"
slack = "U0ANA00001"
zone = "Europe/Berlin"
shifts = [{{ start = "09:00", end = "17:00" }}]

[[people]]
name = "Cleo"
slack = "U0CLEO0000"
zone = "America/New_York"
shifts = [{{ start = "11:00", end = "18:00" }}]
"""
PHONE = """
[[people]]
name = "Ben"
slack = "U0BEN00001"
targets = ["phone:#ben"]

[[people]]
name = "Lea"
role = "lead"
slack = "U0LEA00000"

[[channels]]
name = "phone"
kind = "slack"
token = {{ env = "SLACK_TOKEN" }}
api_url = "{slack}"
wakes = true
"""
ALONE = """
[[people]]
name = "Ana"
slack = "U0ANA00001"

[[people]]
name = "Lea"
role = "lead"
slack = "U0LEA00000"
shifts = [{{ days = ["sun"], start = "01:00", end = "02:00" }}]
"""


def tables(people: str, opens: str = "09:00", closes: str = "17:00") -> str:
    """The installation of the stories with these people, and a desk that is open between the two."""
    head, rest = TABLES[: TABLES.index("[[people]]")], TABLES[TABLES.index("[alerts]") :]
    return head + people + rest.replace('start = "09:00", end = "17:00"', f'start = "{opens}", end = "{closes}"')


def noises(earful: World) -> Counter[str]:
    """How often each person was made to look: mentioned in Slack, written to or rung at an address of their own."""
    found: Counter[str] = Counter()
    own = {earful.slack.channel_id("#ben"): "Ben"}
    for each in earful.slack.accepted:
        if each["method"] == "chat.postMessage":
            spoken = "".join(earful.slack.control_sequences(each))
            found.update(NAMES[user] for user in set(re.findall(r"<@(\w+)>", spoken)))
            found.update([own[each["channel"]]] if each["channel"] in own else [])
    found.update(mail.recipient for mail in earful.mails_to_staff())
    return found


def test_160_complaints_of_a_weekend_are_at_most_two_noises_for_each_of_four_people_by_ten(tmp_path: Path) -> None:
    with world(tmp_path, f"sqlite:{tmp_path}/earful.sqlite", "Fri 17:30", tables(FOUR)) as earful:
        earful.until("Fri 17:30")
        numbers = [number for number in range(200) if LEAKED not in complaint(number)][:160]
        for place, number in enumerate(numbers):
            day, hour = ("Sat", place // 4) if place < 96 else ("Sun", place // 4 - 24)
            earful.posts(f"cust{number}", complaint(number), at=f"{day} {hour:02}:{place % 4 * 15:02}")
        earful.trouble_expected = True  # four hours are a long step for the auditor
        earful.until("+1 Mon 08:50", step=timedelta(hours=4))
        earful.trouble_expected = False
        assert noises(earful) == {}
        earful.until("+1 Mon 09:59", step=3 * SETTLED)
        heard = noises(earful)
        assert set(heard) <= set(NAMES.values())
        assert max(heard.values()) <= 2, heard
        assert {"Ana", "Ben", "Cleo"} <= set(heard)  # and the work is shared


def test_two_lawyers_and_a_journalist_in_harmless_words_at_two_in_the_morning_ring_nothing(tmp_path: Path) -> None:
    with world(tmp_path, f"sqlite:{tmp_path}/earful.sqlite", "Tue 01:50", tables(PHONE)) as earful:
        earful.until("Tue 01:50")
        earful.posts(
            "law", "#harbourtea Our law firm acts for a customer of yours. Where may we write?", at="Tue 02:00"
        )
        earful.posts(
            "lex", "#harbourtea I am a solicitor for one of your customers, please name a contact", at="Tue 02:05"
        )
        earful.posts("press", "#harbourtea I'm a journalist with the Leith Courier, who can I talk to?", at="Tue 02:10")
        earful.until("Tue 08:59", step=NIGHT)
        assert earful.case_of("press").priority == "urgent"
        assert noises(earful) == {}
        assert any("journalist" in earful.slack.reads(each) for each in earful.messages())  # the record goes on
        earful.until("Tue 09:30", step=3 * SETTLED)
        assert noises(earful)["Lea"] >= 1  # by day the press is for the lead


def test_a_charger_that_burns_at_three_rings_until_somebody_says_it_can_wait_and_eight_begins_with_one_brief(
    tmp_path: Path,
) -> None:
    with world(tmp_path, f"sqlite:{tmp_path}/earful.sqlite", "Tue 02:50", tables(PHONE, "08:00")) as earful:
        earful.until("Tue 02:50")
        words = "#harbourtea your charger caught fire beside my bed, smoke everywhere, it burned my hand"
        earful.posts("olga", words, at="Tue 03:00")
        earful.posts("timo", CHURN, at="Tue 03:20")
        earful.until("Tue 03:08")
        assert noises(earful)["Ben"] == 1
        earful.press(earful.case_of("olga"), "morning", who="Ben")
        earful.until("Tue 07:59", step=NIGHT)
        assert noises(earful)["Ben"] == 1
        before = len(earful.messages()) + len(earful.thread())
        earful.until("Tue 08:10", step=SETTLED)
        assert len(earful.messages()) + len(earful.thread()) == before + 1
        assert earful.case_of("olga").state_at(earful.now) == "open"
        assert noises(earful)["Ben"] <= 3


def test_at_a_shifts_end_in_berlin_new_york_is_offered_all_of_it_in_one_message_and_takes_it_by_a_press(
    tmp_path: Path,
) -> None:
    with world(
        tmp_path, f"sqlite:{tmp_path}/earful.sqlite", "Tue 14:00", tables(TWO_ZONES, "08:00", "23:00")
    ) as earful:
        earful.until("Tue 14:00")
        for number, author in enumerate(("olga", "timo", "zara")):
            earful.posts(author, complaint(number), at="Tue 14:30")
        earful.until("Tue 14:35")
        for author in ("olga", "timo", "zara"):
            earful.press(earful.case_of(author), "take", who="Ana")
        earful.until("Tue 15:55", step=NIGHT)
        before, heard = len(earful.messages()), noises(earful)
        earful.until("Tue 16:05")  # 17:00 in Berlin, 11:00 in New York
        (offer,) = earful.messages()[before:]
        assert "Ana's shift is over: 3 open cases to take over" in earful.slack.reads(offer)
        assert noises(earful) - heard == {"Cleo": 1}
        assert labels(offer).count("I have it") == 3
        assert {earful.case_of(author).owner for author in ("olga", "timo", "zara")} == {"Ana"}
        earful.slack.press(earful.case_of("olga").id, "take", user=CLEO, name="cleo")
        earful.until("Tue 16:06")
        assert [earful.case_of(author).owner for author in ("olga", "timo", "zara")] == ["Cleo", "Ana", "Ana"]
        assert "2 open cases to take over" in earful.slack.reads(earful.messages()[before])


def test_with_the_only_person_away_clocks_run_the_lead_is_told_and_called_and_one_press_ends_it(tmp_path: Path) -> None:
    with world(tmp_path, f"sqlite:{tmp_path}/earful.sqlite", "Tue 09:50", tables(ALONE)) as earful:
        earful.posts("olga", CHURN, at="Tue 09:55")
        earful.until("Tue 10:00")
        opened = earful.case_of("olga")
        assert opened.priority == "urgent"
        earful.slack.press(opened.id, "more", chosen="away:tomorrow", user="U0ANA00001", name="ana")
        earful.until("Tue 10:01")
        assert [words for _, words in earful.whispers()] == ["Ana is away until Wed"]
        assert any("Nobody is on duty: Tue 10" in earful.slack.reads(each) for each in earful.messages())
        assert noises(earful) == {"Lea": 1}
        earful.until("Tue 10:30")
        assert noises(earful)["Ana"] == 0
        assert noises(earful)["Lea"] >= 2
        case = earful.case_of("olga")
        assert (case.due_at, case.state_at(earful.now)) == (opened.due_at, "open")
        assert [line for line in case_log.of_case(earful.database, case.id) if line.what == "remind"]
        earful.slack.press(opened.id, "more", chosen="back:", user="U0ANA00001", name="ana")
        earful.until("Tue 10:31")
        assert earful.whispers()[-1][1] == "Ana is back"
        assert deliveries_owed.dead(earful.database) == []
