"""A fault is one notice: when it makes a noise, how it ends, and which list tells the rest."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from connectors import Nonsense, Refused
from monitor.cases import list_of_the_day
from monitor.notify import rendering
from monitor.notify.system_notices import NO_LIST, patience, queue_notice, settle, tell_what_has_no_list
from monitor.store import notices
from monitor.store.database import at
from tests.alerting_helpers import Base, edited, house, posted
from tests.fakes.slack import FakeSlack
from tests.helpers import (
    ASKING,
    DAY,
    HOUR,
    MINUTE,
    NOW,
    Clock,
    assembly_of,
    deliver,
    messages,
    post,
    settings_from,
    take,
)
from tests.service.test_watchdog import Network, told

DOWN = Nonsense("503 from the server", remedy="wait")
FLAPPING = {"forum": (4, 6), "chirp": (4, 4), "gull": (6, 10)}  # hours that it is down, and up again
GULL = '[[sources]]\nname = "gull"\nkind = "hackernews"\nevery = "5m"\n'


def test_a_week_with_three_flapping_sources_makes_at_most_five_pushes(sqlite: Base, tmp_path: Path) -> None:
    """Each is down for a while and up again, all week, at its own pace; the lists of the day tell of it."""
    database = sqlite
    acme = assembly_of(database, settings_from(tmp_path, sources=GULL))
    network = Network(acme)
    for hour in range(0, 7 * 24, 2):
        if hour % 24 == 0:  # something that the lists name in any case
            take(acme, post(ASKING, author=f"a{hour}", at=network.clock()), now=network.clock())
        network.down = {name: DOWN for name, (down, up) in FLAPPING.items() if hour % (down + up) < down}
        network.round(forward=2 * HOUR - timedelta(seconds=5))
        list_of_the_day.queue_lists(database, acme.rules, network.clock())
        deliver(acme, network.clock)
    rows = database.rows("SELECT * FROM deliveries WHERE state = 'sent' AND action = 'post' AND carrier = ''")
    pushed = [row["about"] for row in rows if row["about"].startswith("notice:")]
    assert 1 <= len(pushed) <= 5, pushed
    lists = [row for row in messages(database) if row.about.startswith("list:sweep") and row.payload.get("system")]
    assert lists
    told = "".join(line for row in lists for line in row.payload["system"])
    assert all(f"{name} is working again" in told for name in FLAPPING)
    alert = rendering.compose(database, acme.rules, lists[0], [lists[0]], network.clock()).alert
    assert any(line.text.startswith("Earful: ") for line in alert.also)


def test_a_source_that_stays_away_is_pushed_after_half_an_hour_and_a_refused_key_at_once(
    database: Base, tmp_path: Path
) -> None:
    network = Network(assembly_of(database, settings_from(tmp_path)))
    network.round()
    network.down = {"forum": DOWN, "chirp": Refused("401: the key is wrong", remedy="make a new one")}
    for _ in range(3):
        network.round()
    rows = database.rows("SELECT about, due_at FROM deliveries WHERE about LIKE 'notice:failing:%'")
    due = {row["about"].split(":")[2]: at(row["due_at"]) for row in rows}
    began = at("2026-03-04T10:10:00.000000Z")
    assert due == {"forum": began + 30 * MINUTE, "chirp": began}


def test_each_push_of_a_week_makes_the_next_one_wait_longer(database: Base, tmp_path: Path) -> None:
    acme = assembly_of(database, settings_from(tmp_path))
    waits = []
    for number in range(4):
        waits.append(patience(database, "failing:forum:", NOW + number * HOUR))
        queue_notice(database, acme.rules, f"failing:forum:{number}", "down", "", NOW)
        queue_notice(database, acme.rules, f"failing:forums:{number}", "down", "", NOW)  # another one
        deliver(acme, Clock(NOW + number * HOUR))
    assert waits == [30 * MINUTE, 6 * HOUR, 2 * DAY, 2 * DAY]
    assert patience(database, "failing:forum:", NOW + 8 * DAY) == 30 * MINUTE


def test_the_message_itself_says_that_a_fault_is_over(sqlite: Base, tmp_path: Path) -> None:
    with FakeSlack() as slack:
        acme = house(sqlite, tmp_path, slack, operator=("slack:#ops",))
        clock = Clock(NOW)
        queue_notice(sqlite, acme.rules, "down:x", "x is down", "look", NOW)
        deliver(acme, clock)
        assert settle(sqlite, "down:x", "working again since 10:30", clock.forward(HOUR))
        deliver(acme, clock)
        assert len(posted(slack)) == 1
        (edit,) = edited(slack)
        assert "x is down · working again since 10:30" in slack.reads(edit)
        assert "To do" not in slack.reads(edit)


def test_what_was_over_before_it_left_is_told_to_nobody(database: Base, tmp_path: Path) -> None:
    acme = assembly_of(database, settings_from(tmp_path))
    queue_notice(database, acme.rules, "down:x", "x is down", "", NOW, due_at=NOW + HOUR)
    assert not settle(database, "down:x", "well", NOW + 10 * MINUTE)
    assert deliver(acme, Clock(NOW + 2 * HOUR)) == 0


def test_quiet_lines_wait_for_a_list_and_whoever_gets_none_has_them_in_one_notice(
    database: Base, tmp_path: Path
) -> None:
    acme = assembly_of(database, settings_from(tmp_path))
    for number in range(14):
        queue_notice(database, acme.rules, f"n{number}", f"thing {number}", "", NOW + number * MINUTE, quiet=True)
    assert deliver(acme, Clock(NOW + DAY)) == 0

    def look(now: datetime) -> list[str]:
        tell_what_has_no_list(database, acme.rules, now)
        return [title for title in told(database, "console") if title.startswith("Not urgent: ")]

    assert look(NOW + DAY) == []
    (line,) = look(NOW + NO_LIST)
    assert line.startswith("Not urgent: thing 0; thing 1")
    assert line.endswith("2 more: see earful status")
    assert notices.oldest_quiet(database, "console") is None
    assert len(look(NOW + 9 * DAY)) == 1
