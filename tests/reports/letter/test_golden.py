"""Two letters as mail programs get them, byte for byte: a week in which much went wrong, and a quiet one.

Both were looked at as pictures: on a wide screen, on a phone, in dark mode, and with images off. Where one changes on
purpose, look at the new one (the failing test says where it lies) and copy it over the old.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.email.digest import MOST_WORDS
from alerts.email.digest import count as words_in
from connectors import Gap
from monitor.cases import actions
from monitor.reports import digest
from monitor.store import incidents, key_values, sources
from monitor.store.database import at
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.helpers import (
    ANGRY,
    BROKEN,
    CHURN,
    DAY,
    HOUR,
    INJURY,
    LATE,
    MINUTE,
    NOW,
    assembly_of,
    post,
    settings_from,
    take,
)

GOLDEN = Path(__file__).parent / "golden"
DOOR = '[[sources]]\nname = "survey"\nkind = "inbound"\ntoken = { env = "T" }\npreset = "survey"\nabout = "Acme"\n'
GERMAN = "Acme hat mir das falsche Paket geschickt und niemand antwortet. Furchtbarer Service!"
PRAISE = "I love Acme, wonderful people, thank you so much!"


@pytest.fixture
def acme(sqlite: Sqlite, tmp_path: Path) -> Assembly:
    """An installation that has run for a month, with a survey and a page that others reach."""
    made = assembly_of(sqlite, settings_from(
        tmp_path, sources=DOOR, earful='page_url = "https://earful.acme.example"\n',
        environ={"T": "a-token-for-those-who-cannot-sign"},
    ))  # fmt: skip
    with sqlite.transaction():
        key_values.remember(sqlite, "installed_at", (NOW - 30 * DAY).isoformat(), NOW - 30 * DAY)
    return made


def letter(acme: Assembly) -> tuple[str, str]:
    """The letter's HTML and text."""
    made = digest.letter_of(acme.database, acme.rules, NOW, key="k", brand="Acme")
    return made.html, made.text


def write(acme: Assembly, words: str, when: datetime, people: int = 1, **more: Any) -> list[str]:
    """So many people write the same in other words, ten minutes apart; the cases that this opens."""
    opened = []
    for number in range(people):
        posted = when + number * timedelta(minutes=10)
        name = f"{more.get('source', 'forum')}-{posted:%d%H%M}"
        said = f"{words} {'!' * number}".strip()
        opened += take(acme, post(said, author=name, native_id=name, at=posted, **more), now=posted + MINUTE)
    return opened


def busy(acme: Assembly) -> None:
    """A fire, an outage, late parcels; people who leave, people who are glad; a source that could not be read."""
    write(acme, BROKEN, NOW - 10 * DAY, 2)
    write(acme, "Acme has a shop in Leeds", NOW - 9 * DAY, 3)
    burnt = write(acme, INJURY, NOW - 2 * DAY - 8 * HOUR, 3, source="chirp", reach=30_000)
    down = write(acme, BROKEN, NOW - 3 * DAY, 6)
    late = write(acme, LATE, NOW - 2 * DAY, 5)
    gone = write(acme, CHURN, NOW - 5 * DAY, 4, source="chirp")
    write(acme, GERMAN, NOW - 2 * DAY + 2 * HOUR, 2, lang="de")
    write(acme, ANGRY, NOW - DAY, 3)
    for case in (*late[:3], *gone[:1]):
        opened = at(acme.database.rows("SELECT opened_at FROM cases WHERE id = :id", {"id": case})[0]["opened_at"])
        actions.say(acme.database, acme.rules, case, "answered", who="Ana", way="test", now=opened + 20 * MINUTE)
    actions.say(acme.database, acme.rules, down[0], "dismiss", who="Ana", way="test", now=NOW - 2 * DAY,
                detail={"why": "not_us"})  # fmt: skip
    write(acme, PRAISE, NOW - DAY, 4, source="chirp")
    take(acme, *(post("Acme", author="", source="survey", rating=stars) for stars in (5, 4, 2, 1)), now=NOW - HOUR)
    with acme.database.transaction():
        sources.add_gaps(acme.database, "forum", [Gap(NOW - 2 * DAY, NOW - 2 * DAY + HOUR, "503 from the server")], NOW)
        for kind, words, cases, since in (
            ("critical", ("hand", "kettle"), burnt, NOW - 2 * DAY - 8 * HOUR),
            ("volume", ("crashes",), down, NOW - 3 * DAY),
        ):
            began = incidents.begin(acme.database, since, brand="Acme", kind=kind, start_at=since, words=words)
            rows = [row for case in cases for row in acme.database.rows(
                "SELECT id FROM mentions WHERE case_id = :case", {"case": case}
            )]  # fmt: skip
            incidents.join(acme.database, began, [row["id"] for row in rows], NOW)
            incidents.change(acme.database, began, people=len(rows), mentions=len(rows), peak=len(rows), reach=90_000,
                             ended_at=since + 5 * HOUR)  # fmt: skip


@pytest.mark.parametrize("week", ["busy", "quiet"])
def test_the_letter_of_a_week_is_the_one_that_was_looked_at(week: str, acme: Assembly, tmp_path: Path) -> None:
    if week == "busy":
        busy(acme)
    html, text = letter(acme)
    (tmp_path / f"{week}.html").write_text(html, encoding="utf-8")
    (tmp_path / f"{week}.txt").write_text(text, encoding="utf-8")
    for made in (tmp_path / f"{week}.html", tmp_path / f"{week}.txt"):
        assert made.read_text(encoding="utf-8") == (GOLDEN / made.name).read_text(encoding="utf-8"), made
    assert words_in(text) <= MOST_WORDS


def test_a_week_in_which_much_went_wrong_still_says_whom_to_thank(acme: Assembly) -> None:
    """Its figures and its good side are worth more than a third quote of what went wrong."""
    busy(acme)
    _, text = letter(acme)
    assert words_in(text) > MOST_WORDS - 40, "so much that something had to go"
    assert "Answered within the target:" in text
    assert "4 posts of praise" in text
