"""Hostile words in every column that people or strangers fill, and in the address of every page: no script runs."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from connectors import Gap
from monitor.cases import actions
from monitor.people.identity import of_slack
from monitor.store import key_values, sources, web
from monitor.web import pages_of
from monitor.web.routing import ROUTES
from tests.browser.seat import Seat
from tests.helpers import LATE, post
from tests.web.office import Office

pages_of()
EVIL = (
    "<script>document.title='RAN'</script><img src=x onerror=\"document.title='RAN'\">"
    "\"'></textarea></title></select><svg onload=document.title='RAN'>javascript:alert(1)"
)


def fill(office: Office) -> dict[str, str]:
    """Every table that a page shows, filled with it; the ids that addresses need."""
    database, now = office.database, office.clock()
    (case_id,) = office.take(
        post(f"{LATE} {EVIL}", title=EVIL, author=f"a{EVIL}", author_name=EVIL, lang=EVIL[:20],
             url="javascript:alert(1)", thread_id=EVIL, parent_id=EVIL, native_id=EVIL, reply_text=EVIL, replied_at=now)
    )  # fmt: skip
    (other,) = office.take(post(f"{LATE} again {EVIL}", author="b", thread_id="t2"))

    def say(case: str, verb: str, **detail: Any) -> None:
        actions.say(database, office.assembly.rules, case, verb, who=EVIL, way="page", now=now, detail=detail)

    say(case_id, "note", text=EVIL)
    say(case_id, "wants", text=EVIL)
    say(case_id, "assign", owner=of_slack("T1", "U1", EVIL))  # whoever is in no list is called what Slack calls them
    say(other, "answered", url="javascript:alert(1)")
    say(other, "close", outcome="solved")
    with database.transaction():
        web.add_user(database, EVIL[:64], "staff", now)
        web.add_token(database, "secret", EVIL[:64], "api", now, role="viewer", until=None)
        for name in ("forum", "chirp"):
            sources.failed(database, name, now, EVIL, EVIL, refused=name == "chirp")
        sources.add_gaps(database, "forum", [Gap(now - timedelta(hours=2), now, EVIL)], now)
        key_values.add_mute(database, "Acme", "author", EVIL, EVIL, now)
        key_values.add_mute(database, "Acme", "words", EVIL, EVIL, now, offered=True)
        key_values.remember(database, "audit", EVIL, now)
        key_values.add_own_posts(
            database,
            [{"source": "forum", "native_id": "own1", "brand": "Acme", "author": EVIL, "url": "javascript:alert(1)",
              "text": EVIL, "parent_id": "", "thread_id": EVIL, "posted_at": f"{now:%Y-%m-%dT%H:%M:%S.000000Z}",
              "seen_at": f"{now:%Y-%m-%dT%H:%M:%S.000000Z}", "case_id": case_id, "automatic": 0, "sent_on": 0}],
        )  # fmt: skip
        (mention,) = database.rows("SELECT id FROM mentions WHERE case_id = :id", {"id": case_id})
        key_values.add_label(database, "Acme", mention["id"], "spam", EVIL, "page", now, who_id=f"page:{EVIL}")
    return {"case": case_id, "other": other, "mention": mention["id"]}


def addresses(ids: dict[str, str]) -> list[str]:
    """Every page that can be got, bare and with hostile filters."""
    evil = quote(EVIL)
    found = []
    for route in ROUTES:
        if route.method != "GET" or route.kind != "page" or re.search(r"\.(csv|jsonl)$", route.path):
            continue
        path = route.path.replace("{id}", ids["mention" if route.path.startswith("/mentions") else "case"])
        if "{" in path:
            continue
        found += [path, f"{path}?" + "&".join(f"{key}={evil}" for key in ("q", "said", "brand", "author", "undo"))]
        if path in {"/", "/mentions"}:
            found += [f"{path}?{key}={evil}" for key in ("q", "brand", "source", "state", "page", "from")]
    return [*found, f"/cases/{ids['other']}", f"/cases/{evil}", f"/{evil}", f"/login?next={evil}", f"/welcome/{evil}"]


def test_no_field_and_no_address_runs_a_script_on_any_page(chromium: Any, demo: Office) -> None:
    ids = fill(demo)
    seat = Seat(chromium, demo)
    outside: list[str] = []
    seat.page.on("request", lambda asked: None if asked.url.startswith(demo.address) else outside.append(asked.url))
    try:
        for path in addresses(ids):
            seat.page.goto(path, wait_until="load")
            assert seat.page.title() != "RAN", path
            bad = seat.page.evaluate(
                "[...document.querySelectorAll('*')].flatMap(each => [...each.attributes].filter(part =>"
                "part.name.startsWith('on') || /^\\s*(javascript|data):/i.test(part.value) &&"
                "['href', 'src', 'action', 'formaction'].includes(part.name)).map(part => part.name + part.value))"
            )
            assert bad == [], path
        assert outside == []
        ours = [each for each in seat.complaints if "Failed to load resource" not in each]  # the refusals asked for
        assert ours == []
    finally:
        seat.context.close()
