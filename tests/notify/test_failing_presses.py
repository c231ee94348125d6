"""A press that fails holds up no other, is tried ever more rarely, and comes to an end."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.slack.payloads import Press
from monitor.notify.interactions import Interactions
from monitor.notify.spool import ASIDE_FOR, GIVES_UP, LONGEST_WAIT, MOST_ASIDE, Spool
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.helpers import ANGRY, NOW, assembly_of, case, post, settings_from, take


@dataclass
class Desk:
    acme: Assembly
    spool: Spool
    said: list[str] = field(default_factory=list)

    def press(self, envelope: str, case_id: str = "1") -> Path:
        given = dict.fromkeys(("value", "channel", "message_ts", "at_text"), "")
        press = Press(case_id=case_id, verb="take", user_id="U1", user_name="ana", team_id="T1",
                      envelope_id=envelope, **given)  # fmt: skip
        self.spool.keep(press, "slack")
        (path,) = [path for path, kept in self.spool.waiting() if kept["envelope_id"] == envelope]
        return path

    def broken(self, envelope: str) -> Path:
        """One that was kept by another version, without what this one needs."""
        path = self.press(envelope)
        kept: dict[str, Any] = json.loads(path.read_text("utf-8"))
        del kept["user_name"]
        path.write_text(json.dumps(kept), "utf-8")
        return path

    def tries(self, now: datetime) -> bool:
        """Whether the one that fails was tried at a tick."""
        worked = Interactions(
            self.acme.database, self.acme.rules, self.spool, lambda _press, words: self.said.append(words)
        )
        try:
            worked.work_off(now)
        except KeyError:
            return True
        return False


@pytest.fixture
def desk(sqlite: Sqlite, tmp_path: Path) -> Desk:
    acme = assembly_of(sqlite, settings_from(tmp_path))
    take(acme, post(ANGRY))
    return Desk(acme, Spool(tmp_path / "presses"))


def test_it_holds_up_no_other(desk: Desk) -> None:
    first = desk.broken("e1")
    desk.press("e2")
    assert desk.tries(NOW)
    assert not desk.tries(NOW)
    assert case(desk.acme.database, "1").owner == "ana"
    assert first.exists()


def test_it_is_tried_ever_more_rarely(desk: Desk) -> None:
    desk.broken("e1")
    ticks = [NOW + timedelta(seconds=each / 4) for each in range(4 * 200)]
    tried = [(now - NOW).total_seconds() for now in ticks if desk.tries(now)]
    assert tried == [0, 1, 3, 7, 15, 31, 63, 123, 183]


def test_after_a_day_it_is_put_aside_and_whoever_pressed_is_told(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    path, now = desk.broken("e1"), NOW
    while now < NOW + GIVES_UP:
        desk.tries(now)
        now += LONGEST_WAIT * 60
    assert path.exists()
    assert desk.said == []
    assert desk.tries(now)
    assert not path.exists()
    assert path.with_suffix(".bad").exists()
    assert desk.said == ["this could not be done; use the web page, and tell whoever runs Earful"]
    assert "gave up on a press (take) after a day (KeyError); kept as" in caplog.text
    assert not desk.tries(now + GIVES_UP)


def test_one_that_can_be_done_at_last_is_done(desk: Desk) -> None:
    path = desk.broken("e1")
    whole = {**json.loads(path.read_text("utf-8")), "user_name": "ana"}
    assert desk.tries(NOW)
    path.write_text(json.dumps(whole), "utf-8")
    assert not desk.tries(NOW + LONGEST_WAIT)
    assert case(desk.acme.database, "1").owner == "ana"
    assert not path.exists()


def test_what_was_put_aside_is_kept_for_a_month_and_of_very_many_the_newest(desk: Desk, tmp_path: Path) -> None:
    folder, now = desk.spool.folder, NOW.timestamp()
    folder.mkdir(parents=True, exist_ok=True)

    def lie(name: str, age: timedelta) -> None:
        path = folder / name
        path.write_text("{}", "utf-8")
        os.utime(path, (now - age.total_seconds(),) * 2)

    lie("month.bad", ASIDE_FOR + timedelta(minutes=1))
    lie("week.bad", timedelta(days=7))
    lie("waits.json", timedelta(days=90))
    lie("half.partial", GIVES_UP + timedelta(minutes=1))
    lie("half-now.partial", timedelta())
    desk.spool.trim(NOW)
    assert sorted(path.name for path in folder.iterdir()) == ["half-now.partial", "waits.json", "week.bad"]
    for number in range(MOST_ASIDE):
        lie(f"{number}.bad", timedelta(days=1))
    desk.spool.trim(NOW)
    assert not (folder / "week.bad").exists()
    assert len(list(folder.glob("*.bad"))) == MOST_ASIDE
    Spool(tmp_path / "nowhere").trim(NOW)
