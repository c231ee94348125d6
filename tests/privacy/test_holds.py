"""A case on hold: nothing forgets it, nobody but admins sees its words, and what was asked for is done when it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from monitor.cli import app
from monitor.notify import hold_notices, rendering
from monitor.people.identity import Actor
from monitor.privacy import export, forgetting, holds, retention
from monitor.privacy.carrying_over import carry_over
from monitor.store import audit, cases, columns, deliveries, finding, forgotten, key_values, mentions, wiping
from monitor.store import holds as store
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.helpers import (
    BROKEN,
    DAY,
    HOUR,
    NOW,
    assembly_of,
    case,
    count,
    lines,
    notices,
    post,
    settings_from,
    settings_on,
    take,
)
from tests.privacy.test_what_is_left import PLANTED, WORD, dump, found_in, plant

IDA = Actor("settings:Ida", "Ida")


def hold(acme: Assembly, case_id: str, days: int = 30) -> None:
    holds.hold(acme.database, case_id, "claim 12/2026", days, who=IDA, way="page", now=NOW)


def tables(database: Sqlite | Postgresql, *, but: tuple[str, ...] = ()) -> dict[str, list[dict[str, object]]]:
    return {
        name: [dict(row) for row in database.rows(f"SELECT * FROM {name} ORDER BY 1, 2")]
        for name in columns.TABLES
        if name not in but
    }


OURS = ("holds", "sealed", "held_requests", "audit", "facts", "models", "aside", "mutes", "deliveries")
ASKED_AGAIN = ("assistant_answers", "assistant_about")  # of a language model, once the words are back


def erase(acme: Assembly) -> forgetting.Known:
    return forgetting.erase(
        acme.database, acme.rules, "forum", "olgapetrova", who=Actor("settings:Ben", "Ben"), way="page", now=NOW + HOUR
    )


def test_the_words_are_hidden_from_whatever_shows_or_searches_and_come_back_as_they_were(acme: Assembly) -> None:
    mine, other = plant(acme)
    before = tables(acme.database, but=OURS + ASKED_AGAIN)
    hold(acme, mine)
    shown = json.dumps(tables(acme.database, but=("sealed", "models", "aside", "deliveries", "stories")), default=str)
    assert found_in(shown.encode()) == []
    told = acme.database.rows("SELECT * FROM deliveries")
    assert found_in(json.dumps([dict(row) for row in told]).encode()) == []
    assert finding.find(acme.database, finding.Filter(search=WORD)) == []
    assert lines(acme.database, mine)[-1] == "hold"
    holds.end(acme.database, mine, who=IDA, way="page", now=NOW + DAY)
    after = tables(acme.database, but=OURS + ASKED_AGAIN)
    revisions = {"revision", "n"}
    for name in before:
        kept = [{k: v for k, v in row.items() if k not in revisions} for row in before[name]]
        now = [{k: v for k, v in row.items() if k not in revisions} for row in after[name]]
        assert [row for row in kept if row not in now] == [], name
    assert [each.post.author for each in finding.find(acme.database, finding.Filter(search=WORD))] == ["olgapetrova"]
    assert case(acme.database, other).author == "mira"


def test_a_letter_that_waits_is_written_once_more_without_what_is_held(acme: Assembly) -> None:
    mine, _other = plant(acme)
    acme.database.run("UPDATE deliveries SET state = 'retry' WHERE about LIKE 'digest:%'")
    key_values.take_period(acme.database, "digest:2026-W10:console", NOW)
    hold(acme, mine)
    assert count(acme.database, "deliveries", "about LIKE 'digest:%'") == 0
    assert not key_values.has_period(acme.database, "digest:2026-W10:console")


def test_neither_age_nor_a_reading_nor_a_network_nor_an_erasure_touches_what_is_held(acme: Assembly) -> None:
    mine, _other = plant(acme)
    hold(acme, mine, 90)
    sealed = store.sealed(acme.database, mine)
    retention.retain(acme.database, acme.settings, NOW + 400 * DAY)
    again = post(f"edited {WORD}", author="olgapetrova", native_id="olga-quartzlane", thread_id="quartzlane")
    take(acme, again, now=NOW + HOUR)
    with acme.database.transaction():
        forgetting.deleted(acme.database, "forum", ["olga-quartzlane"], ["olgapetrova-id"], NOW + HOUR)
        forgetting.deleted(acme.database, "forum", ["olga-quartzlane"], (), NOW + 2 * HOUR)
    found = erase(acme)
    assert (found.held, found.posts, found.names) == ((mine,), 0, ("olgapetrova",))
    assert f"Case {mine} is on hold" in found.stays[0]
    assert store.sealed(acme.database, mine) == sealed
    assert [row["why"] for row in store.asked_of(acme.database, mine)] == ["deleted_at", "erasure"]
    assert count(acme.database, "posts", f"text LIKE '%{WORD}%'") == 0
    fresh = post(BROKEN, author="olgapetrova", native_id="other", at=NOW)
    assert acme.intake.take([fresh], NOW + 2 * HOUR).forgotten == 1, "what was asked for holds for the rest at once"


@pytest.mark.parametrize("by", ["an admin", "its time"])
def test_what_was_asked_for_is_done_when_it_ends_and_who_asked_is_told(acme: Assembly, tmp_path: Path, by: str) -> None:
    mine, other = plant(acme)
    hold(acme, mine)
    erase(acme)
    assert holds.end_due(acme.database, NOW + 29 * DAY) == []
    made_since = tmp_path / "earful.sqlite.before-schema-99"
    made_since.write_text(WORD)
    end = NOW + 30 * DAY
    if by == "an admin":
        told = holds.end(acme.database, mine, who=IDA, way="page", now=end)
    else:
        told = holds.end_due(acme.database, end)
    assert [(each.who, "as you asked" in each.text) for each in told] == [("Ben", True)]
    hold_notices.tell(acme.database, acme.rules, told, end)
    assert any("as you asked (Ben)" in notice for notice in notices(acme.database))
    (row,) = [row for row in deliveries.due(acme.database, "console", end) if "(Ben)" in row.payload.get("title", "")]
    assert rendering.notice(row).footer == "", 'not "To do: nothing to do"'
    assert made_since.exists() != isinstance(acme.database, Sqlite), "a copy made meanwhile holds the words, too"
    made_since.unlink(missing_ok=True)
    assert case(acme.database, mine).author == ""
    assert case(acme.database, other).author == "mira"
    assert wiping.wipe(acme.database, end)
    acme.database.run("DELETE FROM aside")
    assert found_in(dump(acme.database, tmp_path)) == []
    assert store.of_case(acme.database, mine) is None


def test_a_deletion_that_waited_closes_the_case_at_the_end(acme: Assembly) -> None:
    (mine,) = take(acme, post(f"{BROKEN} {WORD}", native_id="a"))
    hold(acme, mine)
    with acme.database.transaction():
        forgetting.deleted(acme.database, "forum", ["a"], (), NOW)
    assert case(acme.database, mine).closed_at is None
    assert holds.end(acme.database, mine, who=IDA, way="page", now=NOW + DAY) == []
    found = case(acme.database, mine)
    assert (found.outcome, found.author) == ("deleted", "")
    assert count(acme.database, "posts", "deleted_at <> ''") == 1


def test_an_account_that_its_network_deleted_meanwhile_is_forgotten_at_the_end(acme: Assembly) -> None:
    (mine,) = take(acme, post(f"{BROKEN} {WORD}", native_id="a", author_id="olga-id"))
    hold(acme, mine)
    with acme.database.transaction():
        forgetting.deleted(acme.database, "forum", (), ["olga-id"], NOW)
    again = post(f"{BROKEN} again", native_id="b", author_id="olga-id", at=NOW)
    assert acme.intake.take([again], NOW + HOUR).forgotten == 1, "and of the account nothing more is stored"
    holds.end(acme.database, mine, who=IDA, way="page", now=NOW + DAY)
    assert case(acme.database, mine).outcome == "deleted"
    assert count(acme.database, "posts", f"text LIKE '%{WORD}%'") == 0


def test_an_older_copy_that_holds_what_was_erased_forgets_it_at_the_end(acme: Assembly) -> None:
    mine, _other = plant(acme)
    key = mentions.post_key(acme.database, "forum", "olga-quartzlane")
    hold(acme, mine)
    with acme.database.transaction():
        forgotten.note(acme.database, "forum", ["olga-quartzlane"], ["olgapetrova"], NOW + DAY)
    carry_over(acme.database, NOW + DAY)
    assert store.sealed(acme.database, mine)["posts"][key]["author"] == "olgapetrova"
    holds.end(acme.database, mine, who=IDA, way="page", now=NOW + 2 * DAY)
    assert case(acme.database, mine).author == ""


def test_a_hold_has_a_ground_and_ninety_days_and_is_put_on_again(acme: Assembly) -> None:
    mine, _other = plant(acme)
    for ground, days in (("", 30), ("  ", 30), ("claim", 91), ("claim", 0), ("claim", -5)):
        with pytest.raises(holds.NotHeld):
            holds.hold(acme.database, mine, ground, days, who=IDA, way="page", now=NOW)
    with pytest.raises(holds.NotHeld, match="there is no case"):
        holds.hold(acme.database, "99", "claim", 30, who=IDA, way="page", now=NOW)
    with pytest.raises(holds.NotHeld, match="is not on hold"):
        holds.end(acme.database, mine, who=IDA, way="page", now=NOW)
    hold(acme, mine, 90)
    sealed = store.sealed(acme.database, mine)
    holds.hold(acme.database, mine, "claim, second year", 90, who=IDA, way="page", now=NOW + 80 * DAY)
    assert holds.end_due(acme.database, NOW + 100 * DAY) == []
    assert store.sealed(acme.database, mine) == sealed, "it is not sealed twice"
    (line,) = holds.words_of(acme.database, mine, who=IDA, way="page", now=NOW)[:1]
    assert WORD in line
    logged = audit.lines(acme.database, audit.Filter(), 10)
    assert [row.event for row in logged] == ["hold", "hold", "hold"]
    assert found_in(str(logged).encode()) == []


def test_what_is_held_is_theirs_all_the_same_when_they_ask(acme: Assembly) -> None:
    mine, _other = plant(acme)
    hold(acme, mine)
    told = json.dumps(list(export.held_of(acme.database, "forum", "OlgaPetrova", NOW)), ensure_ascii=False)
    assert set(found_in(told.encode())) == set(PLANTED)


def test_what_staff_say_meanwhile_stays(acme: Assembly) -> None:
    mine, _other = plant(acme)
    hold(acme, mine)
    cases.change(acme.database, mine, wants="to wait")
    holds.end(acme.database, mine, who=IDA, way="page", now=NOW + DAY)
    found = case(acme.database, mine)
    assert (found.wants, found.author) == ("to wait", "olgapetrova")


def test_the_command_holds_lists_shows_and_ends(sqlite: Sqlite, tmp_path: Path) -> None:
    acme = assembly_of(sqlite, settings_from(tmp_path))
    file = settings_on(tmp_path, sqlite)
    (mine,) = take(acme, post(f"{BROKEN} {WORD}"))

    def call(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["--settings", str(file), "hold", *words])
        return result.exit_code, result.output if not result.exception else str(result.exception)

    assert call() == (0, "Nothing is on hold.\n")
    assert "a hold needs a ground" in call(mine)[1]
    assert "is on hold until" in call(mine, "--ground", "claim 12", "--days", "30")[1]
    assert json.loads(call("--json")[1])["ground"] == "claim 12"
    assert WORD in call(mine, "--show")[1]
    assert "has ended" in call(mine, "--end")[1]
    assert case(sqlite, mine).author == "olga"
