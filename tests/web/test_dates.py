"""A date that cannot be is refused wherever it is sent, so that no page ends at it: also where the sun rises first."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.cases.actions import say
from monitor.cases.verbs import LONGEST_REST
from monitor.people.actors import NotPossible
from monitor.people.identity import of_page
from monitor.settings.errors import SettingsError
from monitor.store import cases, web
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.text.sanitize import tidy
from tests.helpers import MINUTE, NOW, post, settings_from
from tests.web.office import Office

EARLY = "Pacific/Kiritimati"  # fourteen hours before everybody
BEYOND = ("9999-12-31", "9999-12-31T23:59", "0001-01-01T00:00", "2100-01-02T00:00", "1999-12-01")


def test_no_moment_that_is_typed_ends_a_page(tmp_path: Path, database: Sqlite | Postgresql) -> None:
    office = Office(tmp_path, database)
    try:
        (case_id,) = office.take(post())
        nele = office.person("Nele", "lead")
        nele.post("/you", {"zone": EARLY})
        for typed in (*BEYOND, "2027-06-01T09:00", "9999-12-31T23:59-12:00"):
            for verb in ("snooze", "wait"):
                nele.get(f"/cases/{case_id}")
                answer = nele.post(f"/cases/{case_id}", {"verb": verb, "until_at": typed, "on": "the customer"})
                assert answer.status_code in {400, 409}, (verb, typed)
        for typed in BEYOND:
            for path in ("/mentions", "/mentions.csv", "/mentions.jsonl"):
                assert nele.get(f"{path}?to={typed}").status_code == 400, (path, typed)
                assert nele.get(f"{path}?from={typed}").status_code == 400, (path, typed)
            nele.get("/desk")
            assert nele.post("/desk", {"key": "desk.holidays", "value": typed}).status_code == 400, typed
        secret = "earful_a_token_that_snoozes"
        with database.transaction():
            web.add_token(database, secret, "robot", "api", office.clock(), role="admin", until=None)
        for typed in ("9999-12-31T23:59:00Z", "0001-01-01T00:00:00+14:00", "2027-06-01T09:00:00Z"):
            answer = nele.http.post(
                f"/api/v1/cases/{case_id}", json={"verb": "snooze", "until": typed},
                headers={"authorization": f"Bearer {secret}"},
            )  # fmt: skip
            assert answer.status_code in {400, 409}, (typed, answer.text)
        found = cases.one(database, case_id)
        assert found is not None
        assert found.snoozed_until is None
        for path in ("/", f"/cases/{case_id}", "/mentions", "/desk", "/insights"):
            assert nele.get(path).status_code == 200, path
    finally:
        office.close()


def test_a_day_on_which_clocks_change_is_filtered_whole_and_no_longer(tmp_path: Path, sqlite: Sqlite) -> None:
    office = Office(tmp_path, sqlite)
    try:
        late = datetime(2025, 10, 26, 22, 30, tzinfo=UTC)  # 23:30 in Berlin, on a day of 25 hours
        early = datetime(2025, 3, 30, 22, 30, tzinfo=UTC)  # 0:30 on 31 March, after a day of 23
        office.take(post("Acme late in October", at=late), post("Acme early in March", at=early))
        nele = office.person("Nele")
        nele.post("/you", {"zone": "Europe/Berlin"})
        assert "late in October" in nele.get("/mentions?from=2025-10-26&to=2025-10-26").text
        assert "early in March" not in nele.get("/mentions?from=2025-03-30&to=2025-03-30").text
        assert "early in March" in nele.get("/mentions?from=2025-03-31&to=2025-03-31").text
    finally:
        office.close()


def test_a_case_rests_for_a_year_at_most_however_it_is_said(office: Office) -> None:
    (case_id,) = office.take(post())
    rules, database = office.assembly.rules, office.database

    def snooze(until: object) -> None:
        say(database, rules, case_id, "snooze", who=of_page("Ana"), way="page", now=NOW, detail={"until": until})

    for until in (NOW + LONGEST_REST + MINUTE, datetime.max.replace(tzinfo=UTC), "9999-12-31T23:59:59+00:00"):
        with pytest.raises(NotPossible, match="a case can be paused for 366 days at most"):
            snooze(until)
    office.person("Ana")
    snooze(NOW + LONGEST_REST)
    found = cases.one(database, case_id)
    assert found is not None
    assert found.snoozed_until == NOW + LONGEST_REST


def test_what_a_network_dates_beyond_all_zones_is_taken_within_them() -> None:
    odd = post(at=datetime.max.replace(tzinfo=UTC), edited_at=datetime.max.replace(tzinfo=UTC),
               replied_at=datetime.min.replace(tzinfo=UTC))  # fmt: skip
    kept = tidy(odd, NOW)
    assert (kept.posted_at, kept.edited_at) == (NOW, NOW)
    assert kept.replied_at is not None
    for now in (NOW, None):
        kept = tidy(odd, now)
        for moment in (kept.posted_at, kept.edited_at, kept.replied_at):
            assert moment is not None
            assert 1970 <= moment.year <= 2100


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
def test_a_holiday_of_the_settings_is_bounded_too(tmp_path: Path, day: str) -> None:
    with pytest.raises(SettingsError, match="write a day between 2000 and 2100"):
        settings_from(tmp_path, tables=f"[desk]\nholidays = [{day}]\n")
