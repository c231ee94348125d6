"""The Message-ID of a mail is that of the delivery and its revision: mail systems drop what reuses one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.alerting_helpers import Base, house
from tests.fakes.smtp import DROP, FakeSmtp
from tests.helpers import HOUR, MINUTE, NOW, Clock, deliver, messages, post, take

STORY = "Acme's kettle leaks hot water all over the table, what a terrible product"
SECOND = MINUTE / 60


def test_every_mail_of_a_growing_story_has_an_id_of_its_own_in_one_thread(
    database: Base, tmp_path: Path, mail: FakeSmtp
) -> None:
    """Each tells of another customer: dropped as a duplicate of the first, it would tell of nobody."""
    acme = house(database, tmp_path, mail=mail, notify=("mail:care@example.org",))
    clock = Clock(NOW)
    for number in range(4):
        take(acme, post(STORY, author=f"c{number}", thread_id="fire", at=clock()), now=clock())
        clock.forward(10 * MINUTE)
        deliver(acme, clock)
    for _ in range(4):
        deliver(acme, clock)
        clock.forward(HOUR)
    sent = [row for row in messages(database) if row.state == "sent"]
    assert len(sent) > 1
    assert len({each.message_id for each in mail.ledger}) == len(sent)
    assert {tuple(each.header("References")) for each in mail.ledger} != {()}
    assert len({tuple(each.header("References")) for each in mail.ledger}) == 1


@pytest.mark.parametrize("attempts", [1, 2])
def test_every_attempt_at_a_grown_story_is_the_same_mail(
    database: Base, tmp_path: Path, mail: FakeSmtp, attempts: int
) -> None:
    acme = house(database, tmp_path, mail=mail, notify=("mail:care@example.org",))
    clock = Clock(NOW)
    take(acme, post(STORY, author="first", thread_id="fire"), now=clock())
    clock.forward(10 * MINUTE)
    deliver(acme, clock)
    first = len(mail.ledger)
    mail.answer("DATA", *[DROP] * attempts)
    take(acme, post(STORY, author="second", thread_id="fire", at=clock()), now=clock())
    for _ in range(12):
        clock.forward(10 * MINUTE)
        deliver(acme, clock, SECOND)
    grown = mail.ledger[first:]
    assert len(grown) >= attempts + 1
    assert len({each.message_id for each in grown[: attempts + 1]}) == 1
    assert grown[0].message_id != mail.ledger[0].message_id
