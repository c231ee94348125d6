"""What is told of problems: all that wait for one target in one message, which loses none of them."""

from __future__ import annotations

from pathlib import Path

from monitor.notify.problem_messages import problem_message, together
from monitor.store import deliveries, incidents
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.alerting_helpers import house
from tests.fakes.smtp import FakeSmtp
from tests.helpers import BROKEN, HOUR, LATE, MINUTE, NOW, Clock, deliver, post, take

CHARGED = "Acme charged me twice for the same order, I want my money back"
SAID = (LATE, BROKEN, CHARGED)


def several(acme: Assembly, *said: str) -> None:
    """A loud problem for each of these, ten minutes apart."""
    for number, words in enumerate(said):
        now = NOW + number * 10 * MINUTE
        take(acme, *(post(f"{words} {each * 7919}", author=f"c{number}{each}", at=now) for each in range(6)), now=now)


def waiting(acme: Assembly) -> list[deliveries.Delivery]:
    rows = acme.database.rows("SELECT * FROM deliveries WHERE about LIKE 'notice:problem:%' AND state = 'pending'")
    return sorted(map(deliveries.of_row, rows), key=lambda row: row.due_at)


def test_what_is_due_within_the_hour_leaves_with_the_first(acme: Assembly) -> None:
    several(acme, *SAID)
    rows = waiting(acme)
    assert len(rows) == 3
    first = rows[0]
    left = together(acme.database, [first], first.target, first.due_at)
    assert left == [first]
    assert {each.id for each in deliveries.carried_by(acme.database, first.id)} == {row.id for row in rows} - {first.id}
    link = lambda about, target, purpose: f"https://x.example/{purpose}/{about}/{target}"  # noqa: E731
    carried = deliveries.carried_by(acme.database, first.id)
    alert = problem_message(acme.database, acme.rules, first, carried, link)
    assert alert.title == "3 problems, 3 not taken"
    assert [line.text.endswith("nobody has taken it") for line in alert.also] == [True] * 3
    assert [action.url.split("/")[3:5] for action in alert.actions] == [
        ["take_problem", f"problem:{number}"] for number in (1, 2, 3)
    ]


def test_one_alone_says_what_it_is_and_whose(acme: Assembly) -> None:
    several(acme, LATE)
    (row,) = waiting(acme)
    alert = problem_message(acme.database, acme.rules, row, [], lambda *_: "")
    assert alert.title == "Acme · Late or missing delivery: 6 people in 24 hours"
    assert [line.text for line in alert.also] == ["nobody has taken it"]
    assert [action.label for action in alert.actions] == ["I have it"]


def test_a_newer_word_of_the_first_takes_none_of_the_others_away(
    sqlite: Sqlite, tmp_path: Path, mail: FakeSmtp
) -> None:
    acme = house(sqlite, tmp_path, mail=mail, notify=("mail:care@example.org",))
    several(acme, LATE, BROKEN)
    rows = waiting(acme)
    together(sqlite, rows, rows[0].target, NOW + HOUR)  # as if the mail server had then been away
    later = NOW + 40 * MINUTE
    take(acme, *(post(f"{LATE} {each * 6571}", author=f"d{each}", at=later) for each in range(6)), now=later)
    deliver(acme, Clock(NOW + 2 * HOUR))
    told = [each for each in mail.ledger if "problem" in each.subject]
    assert [each.subject for each in told] == ["2 problems, 2 not taken"]
    assert "doubled to 12 people" in told[0].text
    assert "nobody has taken it" in told[0].text


def test_what_waits_for_the_list_or_for_an_incident_does_not_leave_with_it(acme: Assembly) -> None:
    several(acme, LATE, BROKEN)
    take(acme, *(post(f"{CHARGED} {each * 7919}", author=f"q{each}") for each in range(3)))
    first, second = [row for row in waiting(acme) if row.reason != deliveries.QUIET]
    (quiet,) = [row for row in waiting(acme) if row.reason == deliveries.QUIET]
    database = acme.database
    with database.transaction():
        incident = incidents.begin(database, NOW, brand="Acme", kind="negative", start_at=NOW)
        rows = database.rows("SELECT id FROM mentions WHERE author LIKE 'c1%'")
        incidents.join(database, incident, [row["id"] for row in rows], NOW)
    assert together(database, [first], first.target, first.due_at) == [first]
    assert deliveries.carried_by(database, first.id) == []
    assert together(database, [quiet], quiet.target, first.due_at) == [quiet], "nor does it begin one"
    assert deliveries.carried_by(database, quiet.id) == []
    incidents.change(database, incident, ended_at=NOW, ended_by="Ana")
    together(database, [first], first.target, first.due_at)
    assert [each.id for each in deliveries.carried_by(database, first.id)] == [second.id]
