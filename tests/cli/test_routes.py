"""Where a text would go; a month's report; what check warns of."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from monitor.cases import escalation
from monitor.cases.actions import say
from monitor.cli import app
from monitor.cli.base import Failed
from monitor.notify.order import hold
from monitor.settings.loading import load
from monitor.store.sqlite import Sqlite
from tests.fakes.server import FakeServer
from tests.helpers import (
    ANGRY,
    CALM,
    HOUR,
    INJURY,
    MINUTE,
    assembly_of,
    case,
    messages,
    post,
    settings_from,
    settings_on,
    take,
)

ROUTES = """
[[people]]
name = "Gerda"

[[alerts.routes]]
name = "german"
language = ["de"]
notify = ["console:germans"]
owner = "Gerda"

[[alerts.routes]]
name = "calm news"
source = ["chirp"]
notify = ["console:social"]
priority = "gentle"
"""


@pytest.fixture
def folder(tmp_path: Path, sqlite: Sqlite) -> Path:
    file = settings_on(tmp_path, sqlite)
    with file.open("a", encoding="utf-8") as settings:
        settings.write(ROUTES)
    return tmp_path


def call(folder: Path, *words: str) -> str:
    result = CliRunner().invoke(app, ["--settings", str(folder / "settings.toml"), *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_text_is_routed_as_its_case_would_be(folder: Path, sqlite: Sqlite) -> None:
    german = "Acme, meine Bestellung ist nie angekommen und niemand antwortet. Ich will mein Geld zurück!"
    told = call(folder, "route", "--text", german)
    assert "Acme: needs an answer: people are alerted" in told
    assert "german -> console:germans, owner Gerda" in told
    told = call(folder, "route", "--text", INJURY, "--source", "chirp")
    assert "  critical (" in told, "a rule never lowers what is critical"
    assert "calm news -> console:social" in told
    gentle = json.loads(call(folder, "route", "--text", ANGRY, "--source", "chirp", "--json"))
    assert (gentle["priority"], gentle["rule"], gentle["lane"]) == ("gentle", "calm news", "ping")
    assert "no case is opened" in call(folder, "route", "--text", CALM)
    now = datetime.now(UTC)
    acme = assembly_of(sqlite, load(folder / "settings.toml", {}))
    (opened,) = take(acme, post(german, at=now - MINUTE), now=now)
    (hurt, calm) = (
        take(acme, post(words, author=name, at=now - MINUTE, source="chirp", thread_id=name), now=now)[0]
        for name, words in (("ike", INJURY), ("ida", ANGRY))
    )
    assert [case(sqlite, each).priority for each in (hurt, calm)] == ["critical", "gentle"]
    assert "by today's settings: german -> console:germans, owner Gerda" in call(folder, "route", opened)


def test_what_cannot_be_routed_says_why(folder: Path) -> None:
    for words, said in (
        ((), "name a case, or a text"),
        (("1", "--text", ANGRY), "name a case, or a text"),
        (("--text", "something else"), "no query matches"),
        (("--text", ANGRY, "--source", "nowhere"), "write one of forum"),
        (("--text", ANGRY, "--brand", "Nobody"), "write one of Acme"),
    ):
        with pytest.raises(Failed, match=said):
            call(folder, "route", *words)


def test_a_month_is_reported_from_its_first_moment_to_its_last(folder: Path, sqlite: Sqlite) -> None:
    """One complaint in the last minute before the month, one in its first, one in its last, one after it."""
    text = (folder / "settings.toml").read_text(encoding="utf-8").replace('zone = "UTC"', 'zone = "Europe/Berlin"')
    (folder / "settings.toml").write_text(text, encoding="utf-8")
    acme = assembly_of(sqlite, load(folder / "settings.toml", {}))
    first, end = datetime(2026, 2, 28, 23, tzinfo=UTC), datetime(2026, 3, 31, 22, tzinfo=UTC)  # in Berlin, with DST
    for n, at in enumerate((first - MINUTE, first, end - MINUTE, end)):
        (opened,) = take(acme, post(ANGRY, author=f"olga{n}", at=at), now=at + MINUTE)
        say(sqlite, acme.rules, opened, "answered", who="Ana", way="page", now=at + (n + 2) * MINUTE)
    (told,) = [json.loads(line) for line in call(folder, "report", "--month", "2026-03", "--json").splitlines()]
    assert (told["month"], told["since"], told["until"]) == ("2026-03", first.isoformat(), end.isoformat())
    assert told["turns"] == 2
    assert call(folder, "report", "--month", "2026-03").startswith("March 2026: 2 waiting cases")
    assert call(folder, "report", "--month", "2026-01") == "No cases waited for an answer in January 2026.\n"
    for wrong in ("2026-13", "March", "2026-3", "9999-01"):
        with pytest.raises(Failed, match="--month"):
            call(folder, "report", "--month", wrong)


def test_check_warns_where_no_brand_has_accounts(folder: Path) -> None:
    file = folder / "settings.toml"
    assert "no brand has `accounts`" not in call(folder, "check")
    text = file.read_text(encoding="utf-8")
    for none in ("", "accounts = {}", "accounts = { forum = [] }"):
        file.write_text(text.replace('accounts = { forum = ["acme_care"], chirp = ["acme"] }', none), encoding="utf-8")
        said = call(folder, "check")
        assert "! no brand has `accounts`, so Earful can't see your public replies" in said
        assert 'accounts = { forum = ["you"] }' in said
        assert "ok settings.toml" in said


def test_an_imported_year_calls_nobody_unless_it_is_taken_as_fresh(folder: Path, sqlite: Sqlite) -> None:
    now = datetime.now(UTC)
    acme = assembly_of(sqlite, load(folder / "settings.toml", {}))
    old = [post(f"{ANGRY} ({n})", author=f"o{n}", at=now - timedelta(days=100 + n)) for n in range(3)]
    take(acme, *old, now=now)
    text = (folder / "settings.toml").read_text(encoding="utf-8")
    (folder / "new.toml").write_text(text.replace('"acme_staff"', '"acme_staff", "o1"'), encoding="utf-8")
    asked = ("backtest", "--days", "400", "--settings", str(folder / "new.toml"), "--json")
    today = json.loads(call(folder, *asked))
    assert (today["posts"], today["alerts"], today["lost"]) == (3, {"before": 0, "after": 0}, [])
    fresh = json.loads(call(folder, *asked, "--as-if-fresh"))
    assert (fresh["alerts"], [each["author"] for each in fresh["lost"]]) == ({"before": 3, "after": 2}, ["o1"])


def test_a_case_says_why_each_message_that_is_owed_has_not_left_yet(folder: Path, sqlite: Sqlite) -> None:
    """The measure says how a message would leave; what holds one back before it is asked used to be said nowhere."""
    now = datetime.now(UTC)
    text = (folder / "settings.toml").read_text(encoding="utf-8")
    days = '["mon", "tue", "wed", "thu", "fri", "sat", "sun"]'  # whenever this test runs
    always = f'[desk]\nhours = [{{ days = {days}, start = "00:00", end = "00:00" }}]\n[alerts]\n'
    (folder / "settings.toml").write_text(text.replace("[alerts]\n", always, 1), encoding="utf-8")
    acme = assembly_of(sqlite, load(folder / "settings.toml", {}))
    (opened,) = take(acme, post(INJURY, at=now - 6 * MINUTE), now=now - 6 * MINUTE)
    escalation.escalate(sqlite, acme.rules, now)
    (first,) = [row for row in messages(sqlite) if row.about.startswith("story:")]
    (step,) = [row for row in messages(sqlite) if row.about == f"case:{opened}"]
    assert step.target == first.target, "five minutes have passed: somebody is called"
    told = call(folder, "route", opened)
    assert f"pending for {first.target} (" in told
    assert "it goes out with the first message, still pending" in told
    sqlite.run("UPDATE deliveries SET state = 'inflight' WHERE id = :id", {"id": first.id})
    told = call(folder, "route", opened)
    assert "being sent" in told
    assert "the first message is being sent and comes first" in told
    sqlite.run("UPDATE deliveries SET state = 'unknown' WHERE id = :id", {"id": first.id})
    assert "it may have arrived; checking first" in call(folder, "route", opened)
    sqlite.run("UPDATE deliveries SET state = 'sent' WHERE id = :id", {"id": first.id})
    told = call(folder, "route", opened)
    assert "it is due now" in told
    assert "first message there" not in told
    sqlite.run("UPDATE deliveries SET state = 'retry', error = 'no\x1b[2Jsuch host' WHERE state = 'pending'")
    told = call(folder, "route", opened)
    assert "Earful will retry now (no" in told
    assert "\x1b" not in told
    assert "next step: " in told
    say(sqlite, acme.rules, opened, "answered", who="Ana", way="page", now=now)
    assert "pending for" not in call(folder, "route", opened)


def test_what_waits_for_the_end_of_quiet_hours_says_so(folder: Path, sqlite: Sqlite) -> None:
    now = datetime.now(UTC)
    text = (folder / "settings.toml").read_text(encoding="utf-8")
    later = f"{now + HOUR:%H:%M}"
    closed = (
        f'[desk]\nhours = [{{ days = ["{now + HOUR:%a}"], start = "{later}", end = "{later}" }}]\n[alerts]\n'.lower()
    )
    (folder / "settings.toml").write_text(text.replace("[alerts]\n", closed, 1), encoding="utf-8")
    acme = assembly_of(sqlite, load(folder / "settings.toml", {}))
    (opened,) = take(acme, post(ANGRY, at=now - MINUTE), now=now)
    (first,) = [row for row in messages(sqlite) if row.about.startswith("story:")]
    assert hold(sqlite, acme.rules, first, now) == "", "the console is no channel that pings"
    sqlite.run("UPDATE deliveries SET payload = :payload", {"payload": json.dumps({"ping": ["Gerda"]})})
    assert "waiting for the end of quiet hours" in call(folder, "route", opened)


def test_a_try_that_reaches_no_source_ends_as_a_fault_and_one_that_reaches_any_does_not(tmp_path: Path) -> None:
    with FakeServer() as network:
        network.route("/search_by_date", {"hits": [], "nbPages": 0})
        gone = 'kind = "hackernews"\napi_url = "http://127.0.0.1:1"'
        file = settings_from(tmp_path).file
        text = file.read_text(encoding="utf-8").replace('kind = "hackernews"', gone)
        file.write_text(text, encoding="utf-8")
        with pytest.raises(Failed, match="no source could be read"):
            call(tmp_path, "try")
        file.write_text(text.replace("http://127.0.0.1:1", network.url, 1), encoding="utf-8")
        assert "0 posts shown; nothing was stored" in call(tmp_path, "try")
