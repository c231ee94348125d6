"""`make pictures`: the README's pictures of inbox and case, from the sample day on a clock of its own, and of the
digest and Insights, from the sample weeks.

The day is played from seven in the morning to the middle of the afternoon within seconds; two people work meanwhile.
It needs the Chromium of the distribution (apt-get install chromium), or the one that EARFUL_CHROMIUM names.
"""

from __future__ import annotations

import io
import itertools
import os
import re
import shutil
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.progress import Bar
from monitor.cases import escalation
from monitor.cases.actions import say
from monitor.people.actors import NotPossible
from monitor.reports import digest
from monitor.service import sample_weeks
from monitor.settings.loading import load
from monitor.setup import commands
from monitor.store import cases, key_values, mentions, pages
from monitor.web.server import WebServer
from monitor.wiring import Assembly, assemble, know_sources, open_store

ROOT = Path(__file__).parent.parent
OUT = ROOT / "docs" / "pictures"
START = datetime(2026, 11, 17, 7, 0, tzinfo=UTC)
PLAYED = timedelta(hours=7, minutes=50)
AT_WORK = timedelta(hours=6, minutes=10)  # then they are at lunch, and the inbox fills
STEP = timedelta(minutes=4)
WEEKS_END = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)  # a Monday morning
PEOPLE = """
[[people]]
name = "Mira"
role = "lead"
[[people]]
name = "Jonas"
"""


class Clock:
    """The day's own clock."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        """The moment it is on that day."""
        return self.now


def main() -> None:
    """Play, look, write."""
    chromium = os.environ.get("EARFUL_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        sys.exit("no pictures: there is no Chromium here; apt-get install chromium")
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        clock = Clock()
        assembly = _assembled(Path(folder), clock)
        _play(assembly, clock)
        server = WebServer(lambda: assembly, clock, open_demo=True)
        if not server.start():
            sys.exit("no pictures: the page could not be served")
        try:
            _take(server.address, chromium, _worth_showing(assembly))
        finally:
            server.stop()
            assembly.database.close()
        _weeks(Path(folder), chromium)


def _weeks(folder: Path, chromium: str) -> None:
    """Two weeks to their end: the digest as a mail, and what Insights shows of them."""
    from playwright.sync_api import sync_playwright

    settings = load(commands.week_settings(folder), {})
    clock = Clock()
    clock.now = WEEKS_END
    database = open_store(settings, clock())
    know_sources(database, settings)
    assembly = assemble(settings, database)
    bar = Bar("playing two weeks", len(sample_weeks.moments(clock(), assembly)))
    turns = itertools.count(1)
    sample_weeks.play(assembly, clock(), io.StringIO(), lambda: bar.to(next(turns)))
    bar.end()
    letter = folder / "digest.html"
    letter.write_text(digest.letter_of(database, assembly.rules, clock(), key="picture").html, encoding="utf-8")
    server = WebServer(lambda: assembly, clock, open_demo=True)
    if not server.start():
        sys.exit("no pictures: the page could not be served")
    try:
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            for name, address, width, height, scheme in (
                ("digest", f"file://{letter}", 680, 1000, "light"),
                ("digest-phone", f"file://{letter}", 390, 780, "dark"),
                ("insights", f"{server.address}/insights?days=7", 1200, 1250, "light"),
                ("insights-phone", f"{server.address}/insights?days=7", 390, 1250, "dark"),
            ):
                page = browser.new_page(
                    viewport={"width": width, "height": height}, color_scheme=scheme, device_scale_factor=1.5
                )
                page.goto(address, wait_until="load")
                page.screenshot(path=OUT / f"{name}.png")
                page.close()
                print(OUT / f"{name}.png")
            browser.close()
    finally:
        server.stop()
        database.close()


def _assembled(folder: Path, clock: Clock) -> Assembly:
    text = (ROOT / "settings.toml").read_text(encoding="utf-8")
    text = text.replace("sqlite:var/demo/earful.sqlite", f"sqlite:{folder}/day.sqlite")
    text = text.replace('#page_listen     = "127.0.0.1:8321"', 'page_listen = "127.0.0.1:0"')
    text = re.sub(r'(?m)^kind +?= "replay"', 'kind = "replay"\nday_in = "9h"\nquick_start = 0', text)
    file = folder / "settings.toml"
    file.write_text(text + PEOPLE, encoding="utf-8")
    settings = load(file, {})
    database = open_store(settings, clock())
    know_sources(database, settings)
    return assemble(settings, database)


def _play(assembly: Assembly, clock: Clock) -> None:
    """The day in steps: read, tell nobody, and let two people work at the top of the inbox."""
    turn = 0
    while clock.now < START + PLAYED:
        for source in assembly.rules.sources:
            for what in ("posts", "own"):
                assembly.collector.visit(source, what, clock)
        escalation.escalate(assembly.database, assembly.rules, clock())
        turn += 1
        if turn % 4 == 0 and clock.now < START + AT_WORK:
            _work(assembly, clock, turn)
        clock.now += STEP
    case = cases.one(assembly.database, _worth_showing(assembly))
    if case is not None and case.state_at(clock()) == "open":
        _say(assembly, case.id, "note", "Jonas", clock, text="The workshop has found the second contract.")


def _work(assembly: Assembly, clock: Clock, turn: int) -> None:
    """Somebody takes what is most urgent; what they took before is answered, and then closed."""
    who = ("Mira", "Jonas")[turn // 4 % 2]
    for row in pages.inbox(assembly.database, "answered", pages.Inbox(), clock(), 2):
        _say(assembly, row["id"], "close", who, clock, outcome="solved")
    for row in pages.inbox(assembly.database, "taken", pages.Inbox(owner=who), clock(), 2):
        _say(assembly, row["id"], "answered", who, clock)
    for row in pages.inbox(assembly.database, "waiting", pages.Inbox(), clock(), 2):
        _say(assembly, row["id"], "take", who, clock)
    for row in pages.inbox(assembly.database, "sweep", pages.Inbox(), clock(), 5):
        _say(assembly, row["id"], "dismiss", who, clock, why="not_a_complaint")


def _say(assembly: Assembly, case_id: str, verb: str, who: str, clock: Clock, **detail: Any) -> None:
    try:
        say(assembly.database, assembly.rules, case_id, verb, who=who, way="page", now=clock(), detail=detail)
    except NotPossible:
        pass  # somebody was quicker, as on any day


def _worth_showing(assembly: Assembly) -> str:
    """The open conversation with the most words of both sides."""
    rows = assembly.database.rows("SELECT id FROM cases WHERE lane = 'ping' AND closed_at = '' ORDER BY n")
    ids = [row["id"] for row in rows]
    told = mentions.of_cases(assembly.database, ids)

    def words(each: str) -> tuple[int, int]:
        return len(key_values.own_posts_of_case(assembly.database, each)), len(told.get(each, []))

    return max(ids, key=words)


def _take(address: str, chromium: str, case_id: str) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, path, width, height, scheme in (
            ("inbox", "/", 1200, 820, "light"),
            ("inbox-phone", "/", 390, 780, "dark"),
            ("case", f"/cases/{case_id}", 1200, 980, "light"),
        ):
            page = browser.new_page(
                viewport={"width": width, "height": height}, color_scheme=scheme, device_scale_factor=1.5
            )
            page.goto(address + path, wait_until="load")
            if page.locator("[data-live-sign]").count():  # else some pictures show it and some do not
                page.wait_for_selector("[data-live-sign].on")
            page.screenshot(path=OUT / f"{name}.png")
            page.close()
            print(OUT / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
