"""Every page can be read and worked by everybody: the real axe-core over each, and what axe does not ask.

axe comes out of a wheel (axe-playwright-python), so nothing is loaded from anywhere. Everything folded is opened first.
axe takes two seconds a page: a third of the pages has its turn each day, all of them with EARFUL_PAGES=all.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerts.email.templates import render_alert
from monitor.cases.actions import say
from monitor.causes import problems
from monitor.incidents.watch import Watch
from monitor.notify import incident_messages, rendering
from monitor.people.identity import of_page
from monitor.reports import digest
from monitor.settings import overrides
from monitor.store import deliveries, incidents, key_values, pages, web
from monitor.store import problems as kept
from monitor.web import links
from tests.browser.days import SampleDay
from tests.browser.seat import Seat
from tests.helpers import ANGRY, case, post
from tests.web.office import PASSWORD, Office

DESKTOP = {"width": 1280, "height": 900}
NARROW = {"width": 320, "height": 700}  # what a page at 400% zoom has left, and the smallest phone
# Off by default in axe, and worth asking: the size of what is pressed, and five rules that it calls experimental.
MORE = (
    "target-size", "focus-order-semantics", "label-content-name-mismatch", "p-as-heading", "table-fake-caption",
    "td-has-header",
)  # fmt: skip
# What axe does not ask: one first heading and not two, what each heading of a table heads, ids that stand twice, and
# whether the navigation says where one is, and whether the focus can be seen wherever it goes.
OURS = """(shown) => {
  const faults = [...document.querySelectorAll("th:not([scope])")].map((each) => `no scope: ${each.outerHTML}`);
  const heads = document.querySelectorAll("h1").length;
  if (heads !== 1) faults.push(`${heads} first headings`);
  const here = [...document.querySelectorAll("nav[aria-label=Main] [aria-current]")].map((each) => each.textContent);
  if (here.join() !== shown) faults.push(`the navigation says one is in ${here.join() || "no place"}`);
  for (const each of document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")) {
    if (!each.checkVisibility() || each.disabled || each.type === "hidden") continue;
    each.focus({ focusVisible: true });
    const line = getComputedStyle(each);
    if (document.activeElement !== each) faults.push(`no focus: ${each.outerHTML.slice(0, 120)}`);
    else if (line.outlineStyle === "none" || parseFloat(line.outlineWidth) < 2) {
      faults.push(`focus unseen: ${each.outerHTML.slice(0, 120)}`);
    }
  }
  document.activeElement.blur();
  const ids = [...document.querySelectorAll("[id]")].map((each) => each.id);
  faults.push(...ids.filter((each, place) => ids.indexOf(each) !== place).map((each) => `twice: ${each}`));
  return faults;
}"""


# Of rows that are built alike, tag by tag and class by class, one is enough: the twentieth has no colour of its own.
ALIKE = """() => {
  for (const list of document.querySelectorAll("ol, ul, tbody, select")) {
    const seen = new Set();
    for (const row of [...list.children]) {
      const made = [row, ...row.querySelectorAll("*")].map((each) => each.cloneNode(false).outerHTML.replace(
        /\\s(?!class|hidden|type|role|disabled)[\\w-]+="[^"]*"/g, "")).join("");
      if (seen.has(made)) row.remove();
      seen.add(made);
    }
  }
}"""


CUT = """() => [...document.querySelectorAll("nav.main a")]
  .filter((each) => each.getBoundingClientRect().right > innerWidth).map((each) => each.innerText)"""


def load_axe(page: Any) -> None:
    """Put axe into the page that is open; that takes as long as asking it."""
    from axe_playwright_python.sync_playwright import Axe

    page.evaluate(Axe().axe_script)


def axe(page: Any, *only: str) -> list[str]:
    """What axe finds on a page as it is shown, a line for each; by all rules, or `only` by these."""
    options: dict[str, Any] = {"resultTypes": ["violations"], "rules": {name: {"enabled": True} for name in MORE}}
    if only:
        options = {"resultTypes": ["violations"], "runOnly": {"type": "rule", "values": only}}
    found = page.evaluate("(options) => axe.run(options)", options)["violations"]
    return [f"{each['id']} ({each['impact']}): {node['html'][:200]}" for each in found for node in each["nodes"]]


def faults(seat: Seat, where: str) -> list[str]:
    """All faults of the page that is open: a phone in the dark, by all rules, and a desk in light.

    No colour hangs on the width, and a phone shows all that a desk shows: there only the colours are left to ask.
    """
    page = seat.page
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    found = page.evaluate(OURS, where)
    for size in (NARROW, DESKTOP):
        page.set_viewport_size(size)
        found += [f"{size['width']}: wider than the screen by {seat.wide()}"] * (seat.wide() > 0)
        found += [f"{size['width']}: {name} in the navigation is cut" for name in page.evaluate(CUT)]
    page.evaluate(ALIKE)
    load_axe(page)
    for size, scheme, only in ((NARROW, "dark", ()), (DESKTOP, "light", ("color-contrast",))):
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)
        found += [f"{size['width']} {scheme}: {each}" for each in axe(page, *only)]
    return list(dict.fromkeys(found))


def has_its_turn(place: int) -> bool:
    """Whether the page at this place of a list is looked at today."""
    if os.environ.get("EARFUL_PAGES") == "all":
        return True
    return (datetime.now(UTC).toordinal() + place) % 3 == 0


@pytest.fixture
def busy(day: SampleDay) -> dict[str, str]:
    """The sample day with something of everything; where each page stands, and its place in the navigation."""
    database, rules, now = day.database, day.assembly.rules, day.clock()

    def tell(case_id: str, verb: str, **detail: object) -> None:
        say(database, rules, case_id, verb, who="Mira", way="page", now=now, detail=detail)

    waiting = [row["id"] for row in pages.inbox(database, "waiting", pages.Inbox(), now)]
    tell(waiting[1], "take")
    tell(waiting[1], "note", text="called, no answer")
    tell(waiting[2], "snooze")
    tell(waiting[3], "answered")
    tell(waiting[4], "close", outcome="solved")
    for value, offered in (("chirp/a", True), ("chirp/b", True), ("forum/c", False)):
        key_values.add_mute(database, "Trundlewick", "author", value, "marked “not us” 3 times", now, offered=offered)
    with database.transaction():
        web.add_desk_change(database, "desk.holidays", '["2026-12-25"]', "", "Mira", now)
        web.add_user(database, "Jonas", "staff", now)
        web.add_token(database, "secret", "figures", "api", now, role="viewer", until=None)
    Watch(database, rules).look(now)
    (incident, *_) = incidents.open_now(database)
    (problem, fixed, *_) = kept.counted(database)
    with database.transaction():
        problems.fix(database, fixed["id"], of_page("Mira"), now)
    story = database.row("SELECT id FROM cases ORDER BY mentions DESC, n LIMIT 1")
    mention = database.row("SELECT id FROM mentions WHERE lane = 'ping' LIMIT 1")
    assert story is not None
    assert mention is not None
    return {
        "/": "Inbox", "/?said=Done&undo=1": "Inbox", "/?state=sweep": "Inbox", "/?state=closed": "Inbox",
        "/?q=%22": "Inbox", "/?q=nothing-like-it": "Inbox", f"/cases/{waiting[0]}": "Inbox",
        f"/cases/{waiting[1]}": "Inbox", f"/cases/{waiting[4]}": "Inbox", f"/cases/{story['id']}": "Inbox",
        f"/cases/{waiting[0]}/erase": "Inbox", "/mentions": "Mentions", f"/mentions/{mention['id']}": "Mentions",
        "/mentions/thanks": "Mentions", "/causes": "Causes", f"/causes/{problem['cause_id']}": "Causes",
        f"/problems/{problem['id']}": "Causes", f"/problems/{fixed['id']}": "Causes", "/incidents": "Insights",
        f"/incidents/{incident['id']}": "Insights",
        "/insights": "Insights", "/sources": "Sources", "/desk": "Desk", "/settings": "Settings", "/people": "People",
        "/you": "", "/nothing": "", "/cases/nothing": "Inbox",
    }  # fmt: skip


def test_axe_finds_nothing_on_any_page_of_the_day(chromium: Any, day: SampleDay, busy: dict[str, str]) -> None:
    """On a desk in light and on a phone in the dark, with all that is folded away open."""
    seat = Seat(chromium, day)
    found = {}
    try:
        for place, (path, where) in enumerate(busy.items()):
            if not has_its_turn(place):
                continue
            seat.page.goto(path, wait_until="load")
            if seen := faults(seat, where):
                found[path] = seen
    finally:
        seat.context.close()
    assert found == {}


def test_axe_finds_nothing_where_people_come_in_and_where_something_fails(
    chromium: Any, office: Office, seats: list[Seat]
) -> None:
    """Logging in and its faults, the first link, a mail's link, nothing heard yet, and each refusal."""
    found: dict[str, list[str]] = {}
    seats.append(seat := Seat(chromium, office))
    page = seat.page
    looked = []

    def look(name: str, where: str, status: int = 200) -> None:
        looked.append(name)
        if has_its_turn(len(looked)) and (seen := faults(seat, where)):
            found[name] = seen
        assert shown == status, name

    def go(path: str) -> int:
        answer = page.goto(path, wait_until="load")
        assert answer is not None
        return int(answer.status)

    def post_by_script(path: str, script: str) -> int:
        """Send the form of a page after a change that no person could make in it."""
        go(path)
        with page.expect_navigation() as gone:
            page.evaluate(script)
        return int(gone.value.status)

    shown = go("/login")
    look("login, nobody yet", "")
    shown = go(office.welcome("Vic", "viewer"))
    look("welcome", "")
    page.fill("#password", PASSWORD)
    page.fill("#again", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/")
    empty = {"/": "Inbox", "/mentions": "Mentions", "/insights": "Insights", "/you": "", "/desk": "Desk"}
    for path, where in empty.items():
        shown = go(path)
        look(f"{path}, nothing heard yet", where)
    shown = go("/people")
    look("403", "", 403)
    much = "document.querySelector('#zone').value = 'x'.repeat(1.2e6); document.querySelector('form.card').submit()"
    shown = post_by_script("/you", much)
    look("413", "", 413)
    office.database.run(
        "INSERT INTO desk_changes (key, value, before, who, at) VALUES (:key, 'no JSON', '', 'Ana', '2026-03-04')",
        {"key": overrides.REPLIES},
    )
    shown = go("/desk")
    look("500", "Desk", 500)
    (case_id,) = office.take(post(ANGRY))
    office.database.run("DELETE FROM desk_changes")
    with office.database.transaction():
        incidents.begin(office.database, office.clock(), brand="Acme", kind="volume", start_at=office.clock(), people=9)
    page.context.clear_cookies()
    shown = go(office.link("incident:1", purpose=incident_messages.TAKE))
    look("a mail's link to take an incident", "")
    for purpose in ("take", "dismiss", "more"):
        shown = go(office.link(case_id, purpose=purpose))
        look(f"a mail's link to {purpose}", "")
    page.click("button[value=answered]")
    page.wait_for_selector("text=Done")
    assert case(office.database, case_id).answered_by == "Ana"
    shown = 200
    look("a mail's link, used", "")
    shown = go("/act/take/nonsense")
    look("a mail's link that is none", "", 403)
    for attempt in range(6):
        go("/login")
        page.fill("#name", "Vic")
        page.fill("#password", "not the password")
        with page.expect_navigation() as gone:
            page.keyboard.press("Enter")
        shown = int(gone.value.status)
        if attempt == 0:
            look("login, wrong", "", 403)
    look("429", "", 429)
    assert found == {}


def test_what_axe_is_asked_is_really_asked(chromium: Any, demo: Office, seats: list[Seat]) -> None:
    """A page with one fault of each kind: were axe not running, or our own list, this would be silent."""
    seats.append(seat := Seat(chromium, demo))
    seat.page.goto("/sources", wait_until="load")
    seat.page.evaluate(
        """document.querySelector("main").insertAdjacentHTML("beforeend", `<h1>two</h1><h5>five</h5><img src="/x">
        <p id="main">pale</p><input><a href="/"></a><table><tr><th>a</th><td>b</td></tr></table>`);
        document.querySelector("p#main").style.color = "#ccc";
        document.querySelector("main form button").style.outline = "none";"""
    )
    found = "\n".join(faults(seat, "Desk"))
    for fault in (
        "heading-order", "image-alt", "color-contrast", "label (", "link-name", "no scope", "2 first headings",
        "one is in Sources", "twice: main", "focus unseen",
    ):  # fmt: skip
        assert fault in found, fault


def test_axe_finds_nothing_in_the_mails(chromium: Any, day: SampleDay) -> None:
    """An alert and the week's letter, in light and dark; a mail has no landmarks, and needs none."""
    database, rules = day.database, day.assembly.rules
    letter = digest.letter_of(database, rules, day.clock() + timedelta(hours=1), key="k")
    told = database.row("SELECT id FROM deliveries WHERE action = 'post' ORDER BY urgent DESC, id LIMIT 1")
    assert told is not None
    row = deliveries.one(database, told["id"])
    assert row is not None
    made = rendering.compose(
        database, rules, row, [row], day.clock(), link=links.make(rules.settings, database, day.clock)
    )
    seat = Seat(chromium, day)
    found = []
    try:
        for html in (letter.html, render_alert(made.alert)[1]):
            seat.page.set_content(html)
            load_axe(seat.page)
            for scheme in ("light", "dark"):
                seat.page.emulate_media(color_scheme=scheme)
                seen = axe(seat.page)
                found += [f"{scheme}: {each}" for each in seen if not each.startswith(("region", "landmark"))]
    finally:
        seat.context.close()
    assert found == []
