"""Nothing is forgotten: what is broken is mended or told within one run, and only then does anybody hear "all well"."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from connectors import Batch, Nonsense, Refused, Request
from monitor.cases import actions, escalation
from monitor.ingest import source_health
from monitor.notify import system_notices
from monitor.reports import digest
from monitor.service.watchdog import Audit
from monitor.store import channel_health, deliveries, key_values, sources
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.fakes.server import FakeServer
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
    Clock,
    assembly_of,
    case,
    deliver,
    messages,
    post,
    settings_from,
    take,
)
from tests.ingest.test_collector import Reading, Scripted, page
from tests.worker_rows import Crew

STAFF = '[[channels]]\nname = "console"\nkind = "console"\n[[channels]]\nname = "desk"\nkind = "console"\n'


@pytest.fixture
def acme(database: Sqlite | Postgresql, tmp_path: Path) -> Assembly:
    """The operator listens on "console", staff on "desk"; every source was read a minute ago."""
    alerts, letter = 'group_wait = "0s"\n', '[digest]\nto = ["console"]\n'
    settings = settings_from(tmp_path, channels=STAFF, notify=("desk",), alerts=alerts, tables=letter)
    made = assembly_of(database, settings)
    with database.transaction():
        for name in made.rules.sources:
            sources.succeeded(database, name, NOW - MINUTE, new=False)
            sources.set_due(database, name, "posts", NOW + 4 * MINUTE)
    return made


def audit(acme: Assembly, now: datetime = NOW) -> Audit:
    """One run at that moment, by a new auditor."""
    auditor = Audit(Clock(now))
    auditor.run(acme)
    return auditor


def told(database: Sqlite | Postgresql, target: str) -> list[str]:
    """What an operator or staff was told by notices, the oldest first; what was over before it was sent is not."""
    rows = database.rows(
        "SELECT * FROM deliveries WHERE about LIKE 'notice:%' AND error NOT LIKE '%was over%' ORDER BY created_at, id"
    )
    found = [deliveries.of_row(row) for row in rows]
    return [each.payload["title"] for each in found if each.target == target]


def break_rows(database: Sqlite | Postgresql, statement: str) -> None:
    """What no statement of ours does: somebody's hand, or a fault that nobody has thought of."""
    with database.transaction():
        assert database.run(statement) > 0


# Rows that were broken by hand


def test_a_case_that_nothing_would_remind_of_is_reminded_of_again(acme: Assembly) -> None:
    take(acme, post(CHURN, at=NOW - MINUTE))
    before = case(acme.database, "1").next_step_at
    assert before is not None
    break_rows(acme.database, "UPDATE cases SET next_step_at = ''")
    auditor = audit(acme)
    assert (auditor.findings, auditor.mended) == ((), 1)
    assert case(acme.database, "1").next_step_at == before
    assert audit(acme).mended == 0
    assert escalation.escalate(acme.database, acme.rules, before) == 1


@pytest.mark.parametrize(("words", "priority"), [(INJURY, "critical"), (CHURN, "urgent"), (ANGRY, "normal")])
def test_a_case_that_nobody_has_and_nothing_would_name_again_is_a_finding(
    acme: Assembly, words: str, priority: str
) -> None:
    """Its ladder is behind it, or it never had one; the auditor says so once, and gives it a step."""
    take(acme, post(words, at=NOW - MINUTE))
    assert case(acme.database, "1").priority == priority
    break_rows(acme.database, "UPDATE cases SET next_step_at = '', step = 9")
    auditor = audit(acme)
    assert auditor.findings == ("1 untaken case had no next step",)
    step = case(acme.database, "1").next_step_at
    assert step is not None
    assert step > NOW
    assert audit(acme).findings == ()


def test_praise_and_pauses_and_what_somebody_has_are_no_finding(acme: Assembly) -> None:
    take(acme, *(post(CHURN, author=f"c{n}", thread_id=f"t{n}", at=NOW - MINUTE) for n in range(4)))
    for number, verb in enumerate(("take", "answered", "snooze", "wait"), 1):
        detail = {"until": NOW + HOUR}
        actions.say(acme.database, acme.rules, str(number), verb, who="Ana", way="test", now=NOW, detail=detail)
    assert audit(acme).findings == ()


def test_steps_that_nobody_does_are_a_finding(acme: Assembly) -> None:
    take(acme, post(CHURN, at=NOW))
    late = "1 case should have had a reminder at least 15 minutes ago"
    assert late not in audit(acme, NOW + 60 * MINUTE).findings
    assert late in audit(acme, NOW + 61 * MINUTE).findings
    escalation.escalate(acme.database, acme.rules, NOW + 61 * MINUTE)
    assert late not in audit(acme, NOW + 61 * MINUTE).findings


def test_a_claim_that_nobody_would_ask_about_is_asked_about(acme: Assembly) -> None:
    take(acme, post(ANGRY, at=NOW - MINUTE))
    actions.say(acme.database, acme.rules, "1", "take", who="Ana", way="test", now=NOW)
    break_rows(acme.database, "UPDATE cases SET next_step_at = '', claim_expires_at = ''")
    assert audit(acme).mended == 1
    found = case(acme.database, "1")
    assert found.next_step_at == found.claim_expires_at == acme.rules.claim_expiry(found.priority, NOW)
    assert audit(acme).mended == 0


def test_a_case_without_a_message_is_told_after_all_and_once(acme: Assembly) -> None:
    take(acme, post(ANGRY, at=NOW - 5 * MINUTE), now=NOW - 5 * MINUTE)
    break_rows(acme.database, "DELETE FROM deliveries")
    assert audit(acme).mended == 1
    assert audit(acme, NOW + MINUTE).mended == 0
    assert [(each.about, each.target) for each in messages(acme.database)] == [("story:1", "desk")]
    clock = Clock(NOW)
    assert deliver(acme, clock) == 1
    assert messages(acme.database)[0].state == "sent"


def test_what_needs_no_message_gets_none(acme: Assembly) -> None:
    """A case that somebody has, one that was answered, one that is old, and one of a minute that is still to come."""
    take(acme, post(ANGRY, author="ann", at=NOW - 5 * MINUTE), now=NOW - 5 * MINUTE)
    take(acme, post(LATE, author="bob", at=NOW - 5 * MINUTE), now=NOW - 5 * MINUTE)
    take(acme, post(BROKEN, author="cem", at=NOW - 9 * DAY), now=NOW - 5 * MINUTE)
    take(acme, post(ANGRY, author="dora", at=NOW), now=NOW)
    actions.say(acme.database, acme.rules, "1", "take", who="Ana", way="test", now=NOW)
    actions.say(acme.database, acme.rules, "2", "answered", who="Ana", way="test", now=NOW)
    break_rows(acme.database, "DELETE FROM deliveries")
    assert audit(acme).mended == 0
    assert messages(acme.database) == []


def test_a_delivery_left_in_flight_is_taken_up_again(acme: Assembly) -> None:
    """For an hour, as after a crash that nobody noticed."""
    take(acme, post(ANGRY, at=NOW - MINUTE))
    break_rows(acme.database, "UPDATE deliveries SET state = 'inflight', lease_until = '2026-03-04T09:00:00.000000Z'")
    assert audit(acme).mended == 1
    assert messages(acme.database)[0].state == "unknown"
    deliver(acme, Clock(NOW))
    assert messages(acme.database)[0].state == "sent"


def test_a_message_for_a_channel_that_is_gone_is_told_to_the_operator(acme: Assembly) -> None:
    take(acme, post(ANGRY, at=NOW - MINUTE))
    break_rows(acme.database, "UPDATE deliveries SET channel = 'fax', target = 'fax:1'")
    auditor = audit(acme, NOW + HOUR)
    assert (auditor.findings, auditor.mended) == ((), 1)
    assert messages(acme.database)[0].state == "dead"
    words = "1 message for the channel fax can't be sent: it is not in the settings"
    assert told(acme.database, "console") == [words]
    audit(acme, NOW + HOUR + MINUTE)
    assert told(acme.database, "console") == [words]


def test_a_flagged_mention_without_a_case_is_found(acme: Assembly) -> None:
    take(acme, post(ANGRY, at=NOW - 2 * MINUTE), now=NOW - 2 * MINUTE)
    break_rows(acme.database, "UPDATE mentions SET case_id = ''")
    assert audit(acme).findings == ("1 flagged mentions have neither a case nor a reason for not having one",)
    assert (
        key_values.fact(acme.database, "audit")
        == "1 flagged mentions have neither a case nor a reason for not having one"
    )


def test_an_alert_that_reached_nobody_is_found_whatever_is_known_of_its_channel(acme: Assembly) -> None:
    take(acme, post(ANGRY, at=NOW - MINUTE))
    assert audit(acme, NOW + 14 * MINUTE).findings == ()
    (finding,) = audit(acme, NOW + 16 * MINUTE).findings
    assert finding == "1 alert has reached nobody since 2026-03-04 10:00 UTC"
    with acme.database.transaction():
        channel_health.failed(acme.database, "desk", NOW, "down", "wait", NOW + HOUR, broken=False)
    assert audit(acme, NOW + 16 * MINUTE).findings == (finding,)
    deliver(acme, Clock(NOW + 2 * HOUR))
    assert audit(acme, NOW + 2 * HOUR).findings == ()


def test_a_notice_that_nobody_sends_is_found_unless_its_channel_is_known_to_be_down(acme: Assembly) -> None:
    with acme.database.transaction():
        system_notices.queue_notice(acme.database, acme.rules, "x", "something", "", NOW)
    (finding,) = audit(acme, NOW + 16 * MINUTE).findings
    assert finding.startswith("a message has been waiting since 2026-03-04 10:00")
    with acme.database.transaction():
        channel_health.failed(acme.database, "console", NOW, "down", "wait", NOW + HOUR, broken=False)
    assert audit(acme, NOW + 16 * MINUTE).findings == ()


def test_a_source_that_nobody_reads_is_found(acme: Assembly) -> None:
    """Due for longer than five of its intervals, while the daemon ran; "news" is read every ten minutes."""
    auditor = Audit(clock := Clock(NOW))
    assert auditor.run(acme)
    with acme.database.transaction():
        sources.set_due(acme.database, "forum", "posts", NOW + 5 * HOUR)
        sources.set_due(acme.database, "chirp", "posts", NOW - 3 * DAY)  # due long before the daemon started
    clock.forward(26 * MINUTE)
    assert not auditor.run(acme)
    assert auditor.findings == ("chirp was due to be read at 2026-03-04 10:00 UTC, and is not known to be failing",)


# All well, said outside


def test_only_when_all_is_well_does_the_outside_watch_hear_of_it(sqlite: Sqlite, tmp_path: Path) -> None:
    """The dead-man address is silent while something is wrong, and hears again after."""
    with FakeServer() as outside:
        outside.route("/ping/secret", "ok")
        environ = {"DEAD_MAN": f"{outside.url}/ping/secret"}
        acme = assembly_of(
            sqlite, settings_from(tmp_path, earful='dead_man_url = { env = "DEAD_MAN" }', environ=environ)
        )
        take(acme, post(ANGRY, at=NOW - 2 * MINUTE), now=NOW - 2 * MINUTE)
        audit(acme)
        assert [each.path for each in outside.ledger] == ["/ping/secret"]
        break_rows(sqlite, "UPDATE mentions SET case_id = ''")
        audit(acme)
        assert len(outside.ledger) == 1
        break_rows(sqlite, "UPDATE mentions SET case_id = '1'")
        audit(acme)
        assert len(outside.ledger) == 2


def test_an_outside_address_that_does_not_answer_changes_nothing(
    sqlite: Sqlite, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is another's machine that is down; its address is a secret, also in the log."""
    with FakeServer() as outside:
        address = f"{outside.url}/ping/secret"
    environ = {"DEAD_MAN": address}
    acme = assembly_of(sqlite, settings_from(tmp_path, earful='dead_man_url = { env = "DEAD_MAN" }', environ=environ))
    assert Audit(Clock(NOW)).run(acme)
    assert "can't reach dead_man_url" in caplog.text
    assert "secret" not in caplog.text


def test_a_database_that_does_not_answer_is_not_well(sqlite: Sqlite, tmp_path: Path) -> None:
    acme = assembly_of(sqlite, settings_from(tmp_path))
    with sqlite.transaction():
        sqlite.script(["DROP TABLE mentions"])
    auditor = Audit(Clock(NOW))
    assert not auditor.run(acme)
    assert auditor.findings[0].startswith("the database does not answer")


# What is not heard


class Network(Reading):
    """Sources that can be switched off, read one after the other every few minutes, with an audit after each round."""

    def __init__(self, acme: Assembly) -> None:
        self.down: dict[str, Exception] = {}
        super().__init__(acme, **{name: Scripted(partial(self.answer, name)) for name in acme.rules.sources})
        self.auditor = Audit(self.clock)

    def answer(self, name: str, _request: Request) -> Batch:
        if name in self.down:
            raise self.down[name]
        return page()

    def round(self, *names: str, forward: timedelta = 5 * MINUTE) -> None:
        self.clock.forward(forward)
        for name in names or tuple(self.acme.rules.sources):
            self.visit(name)
        self.auditor.run(self.acme)

    @property
    def operator(self) -> list[str]:
        return told(self.database, "console")

    @property
    def staff(self) -> list[str]:
        return told(self.database, "desk")


BROKEN_DOWN = Nonsense("503 from the server", remedy="wait")


def test_staff_hear_one_line_of_a_source_that_fails_and_one_when_it_is_read_again(acme: Assembly) -> None:
    """The remedy is the operator's."""
    network = Network(acme)
    network.round()
    network.down["forum"] = BROKEN_DOWN
    network.round()
    assert (network.operator, network.staff) == ([], [])
    for _ in range(4):
        network.round()
    failing = "forum has not been read since 04 Mar 10:10 UTC: 503 from the server"
    assert (network.operator, network.staff) == ([failing], ["forum unread since 10:10"])
    assert deliver(acme, network.clock) == 0  # it may well be over soon
    network.round()
    network.round()
    assert deliver(acme, network.clock) == 2  # half an hour
    network.down.clear()
    network.round()
    network.round()
    assert network.operator == [f"{failing} · working again since 10:45 UTC", "forum is working again"]
    assert network.staff == ["forum unread since 10:10 · working again since 10:45", "forum is working again"]
    assert deliver(acme, network.clock) == 2
    rows = acme.database.rows("SELECT action, about, state FROM deliveries ORDER BY created_at, about")
    assert [row["state"] for row in rows if row["action"] == "edit"] == ["sent", "sent"]
    again = [row["state"] for row in rows if row["about"].startswith(("notice:mended:", "notice:staff:read:"))]
    assert again == ["pending", "pending"]  # a line in the next list


def test_staff_hear_of_each_source_once_a_day_at_most(acme: Assembly) -> None:
    """One that comes and goes all day, then the next morning."""
    network = Network(acme)
    network.round()
    for _ in range(3):
        network.down["forum"] = BROKEN_DOWN
        for _ in range(3):
            network.round()
        network.down.clear()
        network.round()
    assert network.staff == []  # it was over before anybody had to know
    network.round(forward=DAY)
    network.down["forum"] = BROKEN_DOWN
    for _ in range(3):
        network.round()
    (line,) = network.staff
    assert line.startswith("forum unread since 11:")


def test_a_source_that_cannot_be_answered_is_no_matter_of_staff(acme: Assembly) -> None:
    network = Network(acme)
    network.round()
    network.down["news"] = BROKEN_DOWN
    for _ in range(3):
        network.round()
    assert len(network.operator) == 1
    assert network.staff == []


def test_whoever_is_operator_and_staff_hears_it_once(database: Sqlite | Postgresql, tmp_path: Path) -> None:
    network = Network(assembly_of(database, settings_from(tmp_path)))
    network.round()
    network.down["forum"] = BROKEN_DOWN
    for _ in range(3):
        network.round()
    assert len(network.operator) == 1


def test_when_nothing_answers_it_is_said_once_that_we_are_offline(acme: Assembly) -> None:
    """Not once for each source; and once when it is over."""
    network = Network(acme)
    network.round()
    network.down = dict.fromkeys(acme.rules.sources, BROKEN_DOWN)
    for _ in range(7):
        network.round()
    assert deliver(acme, network.clock) == 2
    offline = "no source has answered since 04 Mar 10:10; this machine is probably offline"
    assert network.operator == [offline]
    assert network.staff == ["No source can be read since 10:10"]
    row = deliveries.of_row(acme.database.rows("SELECT * FROM deliveries WHERE target = 'console'")[0])
    assert "forum: 503 from the server" in row.payload["remedy"]
    network.down.clear()
    network.round()
    network.round()
    over = "working again since 10:45"
    assert network.operator == [f"{offline} · {over}", "sources answer again: back online"]
    assert network.staff == [f"No source can be read since 10:10 · {over}", "Sources are working again"]


def test_slow_sources_need_not_be_asked_to_know_that_we_are_offline(acme: Assembly) -> None:
    """The third is read once an hour only."""
    network = Network(acme)
    network.round()
    network.down = dict.fromkeys(acme.rules.sources, BROKEN_DOWN)
    for _ in range(3):
        network.round("forum", "chirp")
    assert [title.partition(":")[0] for title in network.operator] == ["no source has answered since 04 Mar 10"]


def test_what_goes_on_failing_when_the_others_answer_is_told_by_its_name(acme: Assembly) -> None:
    network = Network(acme)
    network.round()
    network.down = dict.fromkeys(acme.rules.sources, BROKEN_DOWN)
    network.round()
    network.round()
    network.down = {"chirp": BROKEN_DOWN}
    network.round()
    network.round()
    assert sorted(network.operator) == [
        "chirp has not been read since 04 Mar 10:10 UTC: 503 from the server",
        "sources answer again: back online",
    ]
    assert network.staff == ["chirp unread since 10:10"]


def test_a_source_that_has_long_been_failing_does_not_hide_that_we_are_offline(acme: Assembly) -> None:
    """And one that refuses our key is told of by itself, whatever the others do."""
    network = Network(acme)
    network.down["forum"] = Refused("401: the key is wrong", remedy="make a new one")
    network.round()
    network.round("chirp", "news")
    assert network.operator == ["forum has not been read since 04 Mar 10:05 UTC: 401: the key is wrong"]
    network.down.update(chirp=BROKEN_DOWN, news=BROKEN_DOWN)
    for _ in range(3):
        network.round("chirp", "news")
    assert len(network.operator) == 2
    assert network.operator[1].startswith("no source has answered since 04 Mar 10:15")


def test_two_that_break_while_a_third_answers_are_two_failures(acme: Assembly) -> None:
    network = Network(acme)
    network.round()
    network.down = {"chirp": BROKEN_DOWN, "forum": BROKEN_DOWN}
    for _ in range(3):
        network.round()
    assert [title.partition(" ")[0] for title in network.operator] == ["forum", "chirp"]


def test_a_source_far_quieter_than_its_habit_is_told_once_and_again_when_it_speaks(acme: Assembly) -> None:
    """It brings a post every ten minutes for hours, and then nothing, without any fault."""
    for number in range(40):
        at = NOW - 2 * DAY + number * 10 * MINUTE
        take(acme, post(f"Acme {number}", author=f"a{number}", at=at), now=at)
        with acme.database.transaction():
            sources.succeeded(acme.database, "forum", at, new=True)
    last = NOW - 2 * DAY + 39 * 10 * MINUTE
    audit(acme, last + 119 * MINUTE)
    assert told(acme.database, "console") == []
    for wait in (121, 140, 600):
        audit(acme, last + wait * MINUTE)
    quiet = "forum has had no new posts since 2 Mar 16:30, which is unusual for it"
    assert told(acme.database, "console") == [quiet]
    with acme.database.transaction():
        sources.succeeded(acme.database, "forum", last + 700 * MINUTE, new=True)
    for wait in (701, 702):
        audit(acme, last + wait * MINUTE)
    assert told(acme.database, "console") == [quiet, "forum has new posts again"]


def test_a_source_without_a_habit_is_not_called_quiet(acme: Assembly) -> None:
    """A handful of posts says nothing about how many there should be."""
    for number in range(5):
        take(acme, post(f"Acme {number}", author=f"a{number}"), now=NOW - DAY + number * MINUTE)
    with acme.database.transaction():
        sources.succeeded(acme.database, "forum", NOW - DAY, new=True)
    audit(acme, NOW + 3 * DAY)
    assert told(acme.database, "console") == []


def test_hours_in_which_the_daemon_did_not_run_stand_in_the_letter(acme: Assembly) -> None:
    audit(acme, NOW - DAY)
    audit(acme, NOW - DAY + MINUTE)
    audit(acme, NOW)
    audit(acme, NOW + MINUTE)
    letter = digest.letter_of(acme.database, acme.rules, NOW + HOUR, key="k")
    assert "every source not read Tue 10:01-Wed 10:00: Earful did not run; read again since" in " ".join(
        letter.text.split()
    )


def test_a_line_for_staff_by_mail_waits_until_the_desk_opens(sqlite: Sqlite, tmp_path: Path) -> None:
    mail = '[[channels]]\nname = "email"\nkind = "email"\nhost = "127.0.0.1"\nsender = "earful@acme.example"\n'
    acme = assembly_of(
        sqlite, settings_from(tmp_path, channels=STAFF + mail, notify=("desk", "email:care@acme.example"))
    )
    night = NOW.replace(hour=23)
    with sqlite.transaction():
        system_notices.tell_staff(sqlite, acme.rules, "staff:x", "forum unread since 22:50", night)
    due = {row["target"]: row["due_at"] for row in sqlite.rows("SELECT target, due_at FROM deliveries")}
    assert due["desk"].startswith("2026-03-04T23:00")
    assert due["email:care@acme.example"].startswith("2026-03-05T09:00")


def test_a_disk_that_fills_is_told_once_a_day(sqlite: Sqlite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The measure is moved above what is free on this machine: a disk cannot be filled for a test."""
    acme = assembly_of(sqlite, settings_from(tmp_path))
    audit(acme, NOW)
    before = len(told(sqlite, "console"))
    monkeypatch.setattr(source_health, "LITTLE_SPACE", 10**18)
    for now in (NOW + MINUTE, NOW + HOUR, NOW + DAY):
        audit(acme, now)
    assert len(told(sqlite, "console")) == before + 2
    assert told(sqlite, "console")[-1].endswith(f"MB free on the disk of {sqlite.path}")


def test_a_role_that_no_process_has_for_a_minute_is_a_finding_and_told_after_three(
    new_postgresql: str, tmp_path: Path
) -> None:
    """Before that one of them may be starting anew. Who looks may be another process each time."""
    database = Postgresql(new_postgresql)
    office = assembly_of(database, settings_from(tmp_path))
    crew = Crew(database)
    crew.add("app-1", "collect", "notify", "page")
    assert audit(office, NOW).findings == ()
    said = "nothing is judged: no worker has the role judge"
    assert audit(office, NOW + MINUTE).findings == (f"{said}. Start one: earful run --roles judge",)
    assert told(database, "console") == []
    audit(office, NOW + 3 * MINUTE)
    audit(office, NOW + 4 * MINUTE)
    assert told(database, "console") == [said.capitalize()]
    deliver(office, Clock(NOW + 4 * MINUTE))
    crew.add("app-2", "judge")
    assert audit(office, NOW + 5 * MINUTE).findings == ()
    assert told(database, "console") == [f"{said.capitalize()} · somebody does it again"]
    crew.close()
    database.close()
