"""What a mail's subject says first, and what keeps the mails of a case together."""

from __future__ import annotations

from pathlib import Path

from monitor.cases import escalation
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from tests.fakes.smtp import FakeSmtp
from tests.helpers import CHURN, HOUR, MINUTE, NOW, Clock, assembly_of, case, deliver, post, settings_from, take


def test_a_reminder_says_first_what_is_overdue_and_since_when_and_stays_in_its_thread(
    database: Sqlite | Postgresql, tmp_path: Path, mail: FakeSmtp
) -> None:
    """Due at 11:00, after an hour; the moment is named, since a span would be another one in every mail."""
    channel = (
        f'[[channels]]\nname = "email"\nkind = "email"\nhost = "127.0.0.1"\nport = {mail.port}\nsecurity = "none"\n'
        'sender = "earful@acme.example"\n[[channels]]\nname = "console"\nkind = "console"\n'
    )
    steps = (
        'group_wait = "0s"\n[[alerts.escalation.urgent]]\nafter = "75%"\nnotify = ["channel"]\n'
        '[[alerts.escalation.urgent]]\nafter = "100%"\nnotify = ["channel"]\n'
        '[[alerts.escalation.urgent]]\nafter = "150%"\nnotify = ["channel"]\n'
    )
    acme = assembly_of(
        database, settings_from(tmp_path, channels=channel, notify=("email:care@acme.example",), alerts=steps)
    )
    take(acme, post(CHURN, author="olga", at=NOW))
    assert case(database, "1").due_at == NOW + HOUR
    clock = Clock(NOW)
    while clock() < NOW + 2 * HOUR:
        escalation.escalate(database, acme.rules, clock())
        deliver(acme, clock)
        clock.forward(MINUTE)
    subjects = [each.subject for each in mail.ledger]
    assert subjects[0].startswith("Acme: urgent")
    assert subjects[1].startswith("Acme: waiting for ")
    assert [subject.partition(": ")[0] for subject in subjects[2:]] == ["Overdue since 11:00"] * 2
    assert all(subject.endswith("@olga on forum") for subject in subjects)
    assert len({tuple(each.header("References")) for each in mail.ledger}) == 1
    assert len({each.message_id for each in mail.ledger}) == 4
