"""A message in Slack becomes a case: once, listed whatever the judge thinks, called for where it is bad enough."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from monitor.ingest.by_hand import make_case
from monitor.people.actors import NotPossible
from monitor.privacy import forgetting
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.helpers import ANGRY, CALM, NOW, assembly_of, case, count, settings_from

PEOPLE = '[[people]]\nname = "Ana"\nslack = "U0ANA00001"\n'


@pytest.fixture
def acme(database: Sqlite | Postgresql, tmp_path: Path) -> Assembly:
    """A desk whose people are known in Slack."""
    return assembly_of(database, settings_from(tmp_path, tables=PEOPLE))


def chosen(note: str, **more: Any) -> dict[str, Any]:
    return {
        "user_id": "U0ANA00001", "user_name": "ana", "team_id": "T1", "channel": "C0CARE0001", "note": note,
        "message_ts": f"{NOW.timestamp() - 3600:.6f}", "about": "https://x.slack.com/archives/C0CARE0001/p1", **more,
    }  # fmt: skip


def test_what_the_judge_would_leave_alone_is_listed_all_the_same_and_once(acme: Assembly) -> None:
    said = make_case(acme.intake, chosen(f"Customer at the counter: {CALM}"), NOW)
    assert said == f"case 1 is open and unassigned: {acme.settings.earful.page_url}/cases/1"
    made = case(acme.database, "1")
    assert (made.source, made.author, made.brand, made.lane) == ("slack", "", "Acme", "sweep")
    (row,) = acme.database.rows("SELECT url, posted_at FROM posts")
    assert row["url"] == "https://x.slack.com/archives/C0CARE0001/p1"
    assert row["posted_at"] < f"{NOW:%Y-%m-%dT%H:%M}"
    again = make_case(acme.intake, chosen(f"Customer at the counter: {CALM}"), NOW)
    assert again.startswith("this message is case 1 already")
    assert (count(acme.database, "cases"), count(acme.database, "posts")) == (1, 1)


def test_what_is_bad_enough_calls_people_and_the_brand_is_the_one_that_is_named(acme: Assembly) -> None:
    make_case(acme.intake, chosen(ANGRY.replace("Acme", "Globex")), NOW)
    made = case(acme.database, "1")
    assert (made.brand, made.lane) == ("Globex", "ping")
    make_case(acme.intake, chosen("They called and are angry", message_ts="1"), NOW)
    assert case(acme.database, "2").brand == "Acme", "nobody is named: the first brand"


def test_an_empty_message_a_stranger_and_one_that_was_deleted_make_no_new_one(acme: Assembly) -> None:
    with pytest.raises(NotPossible, match="no words"):
        make_case(acme.intake, chosen(""), NOW)
    with pytest.raises(NotPossible, match="not known here"):
        make_case(acme.intake, chosen(ANGRY, user_id="U0OTHER001"), NOW)
    make_case(acme.intake, chosen(ANGRY), NOW)
    (row,) = acme.database.rows("SELECT native_id FROM posts")
    with acme.database.transaction():
        forgetting.deleted(acme.database, "slack", [row["native_id"]], [], NOW)
    with pytest.raises(NotPossible, match="deleted here before"):
        make_case(acme.intake, chosen(ANGRY), NOW)
    assert count(acme.database, "posts", "text <> ''") == 0, "what was deleted here does not come back"


def test_a_time_that_is_none_is_now(acme: Assembly) -> None:
    for stamp in ("", "x", "9" * 30, "nan"):
        assert "is open" in make_case(acme.intake, chosen(f"{ANGRY} {stamp}", message_ts=stamp), NOW)
