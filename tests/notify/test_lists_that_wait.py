"""Lists that wait for one target become one, and nothing that one of them says alone is lost."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from monitor.cases import handing_over, list_of_the_day
from monitor.cases.actions import say
from monitor.cases.own_lists import own_lists
from monitor.notify import rendering
from monitor.notify.system_notices import queue_notice
from monitor.store import cases
from monitor.wiring import Assembly
from tests.alerting_helpers import Base, distinct, house, posted
from tests.cases.test_list_of_the_day import JAPANESE
from tests.fakes.slack import FakeSlack
from tests.fakes.smtp import FakeSmtp
from tests.helpers import ANGRY, DAY, HOUR, NOW, Clock, deliver, messages, post, take

ANA = '[[people]]\nname = "Ana"\nslack = "U0ANA00001"\n'
BEN = '[[people]]\nname = "Ben"\nslack = "U0BEN00001"\n'
CEM = '[[people]]\nname = "Cem"\nslack = "U0CEM00001"\n'
ALONE = '[[people]]\nname = "Ana"\ntargets = ["slack:#care"]\n'
EVENING = NOW + 6 * HOUR  # an hour before the desk closes: the moment of one person's list


def close(slack: FakeSlack, name: str = "#care") -> None:
    slack.closed_channels[slack.channel_id(name)] = "is_archived"


def has_one(acme: Assembly, number: int, who: str, now: datetime = NOW) -> str:
    """A case that somebody took."""
    (made,) = take(acme, post(distinct(number), author=f"c{number}", thread_id=f"t{number}", at=now), now=now)
    say(acme.database, acme.rules, made, "take", who=who, way="web", now=now)
    return made


def later(slack: FakeSlack, before: int) -> list[str]:
    """What was posted since, as a reader sees it."""
    return [slack.reads(each) for each in posted(slack)[before:]]


def test_the_lines_of_several_owners_in_one_channel_all_arrive(
    database: Base, tmp_path: Path, slack: FakeSlack
) -> None:
    acme = house(database, tmp_path, slack, tables=ANA + BEN + CEM)
    for number, who in enumerate(("Ana", "Ben")):
        cases.change(database, has_one(acme, number, who), sent_on=1, answered_at=NOW)
    clock = Clock(NOW)
    deliver(acme, clock)
    before = len(posted(slack))
    clock.now = NOW + DAY - HOUR
    assert own_lists(database, acme.rules, clock()) == 2
    deliver(acme, clock)
    found = sorted(later(slack, before))
    assert [each.partition("\n")[0] for each in found] == [
        f"1 of {who}'s cases moved to private messages: solved, or still open?" for who in ("Ana", "Ben")
    ]
    assert ["#1" in found[0], "#2" in found[1]] == [True, True]


def test_what_two_leavers_have_is_offered_under_the_name_of_each(
    database: Base, tmp_path: Path, slack: FakeSlack
) -> None:
    acme = house(database, tmp_path, slack, tables=ANA + BEN + CEM)
    clock = Clock(NOW)
    has_one(acme, 1, "Ana"), has_one(acme, 2, "Ben")
    deliver(acme, clock)
    before = len(posted(slack))
    close(slack)
    for who in ("Ana", "Ben"):
        with database.transaction():
            handing_over.go_away(database, acme.rules, who, "mon", way="web", now=clock())
        deliver(acme, clock)
        clock.forward(HOUR)
    slack.closed_channels.clear()
    clock.forward(HOUR)
    deliver(acme, clock)
    found = later(slack, before)
    assert [text.count("to take over") for text in found if "Ana is away" in text] == [1]
    assert [text.count("to take over") for text in found if "Ben is away" in text] == [1]


def test_an_evening_list_that_could_not_leave_is_in_the_next_one_with_all_that_it_said(
    database: Base, tmp_path: Path, slack: FakeSlack
) -> None:
    acme = house(database, tmp_path, slack, tables=ALONE, operator=("slack:#care",))
    assert acme.rules.one_list
    close(slack)
    for day in range(3):
        clock = Clock(EVENING + day * DAY)
        far = post(JAPANESE, author=f"far{day}", thread_id=f"f{day}", lang="ja", at=clock() - HOUR)
        take(acme, far, now=clock() - HOUR)
        queue_notice(database, acme.rules, f"quiet{day}", f"source {day} works again", "", clock(), quiet=True)
        assert list_of_the_day.queue_lists(database, acme.rules, clock()) == 1
        deliver(acme, clock)
    slack.closed_channels.clear()
    deliver(acme, Clock(EVENING + 3 * DAY - 9 * HOUR))
    (text,) = later(slack, 0)
    assert "Japanese: 3 posts" in text
    assert [text.count(f"source {day} works again") for day in range(3)] == [1, 1, 1]


def test_a_list_whose_cases_are_still_to_be_told_says_the_rest(
    database: Base, tmp_path: Path, slack: FakeSlack
) -> None:
    acme = house(database, tmp_path, slack, tables=ANA + BEN, operator=("slack:#care",))
    close(slack)
    clock = Clock(NOW)
    take(acme, post(ANGRY))
    deliver(acme, clock)
    queue_notice(database, acme.rules, "quiet", "the forum works again", "", clock(), quiet=True)
    clock.now = NOW + 6 * HOUR
    assert list_of_the_day.queue_lists(database, acme.rules, clock()) == 1
    slack.closed_channels.clear()
    clock.forward(HOUR)
    deliver(acme, clock)
    first, listed = later(slack, 0)
    assert "charged me" in first
    assert "the forum works again" in listed
    assert "Every" not in listed
    assert "Nobody" not in listed


def test_an_owners_line_by_mail_speaks_to_them_and_leads_to_all_of_it_under_no_ones_number(
    database: Base, tmp_path: Path, mail: FakeSmtp
) -> None:
    people = '[[people]]\nname = "Ana"\nemail = "ana@example.org"\n' + BEN
    acme = house(database, tmp_path, None, mail, tables=people, notify=("console",))
    for number, owner in enumerate(("settings:Ana", "")):
        cases.change(database, has_one(acme, number, "Ana"), sent_on=1, answered_at=NOW, owner_id=owner)
    own_lists(database, acme.rules, NOW + DAY - HOUR)
    deliver(acme, Clock(NOW + DAY - HOUR))
    (sent,) = [each for each in mail.ledger if "private" in each.text]
    assert "1 you moved to private messages: solved, or still open?" in sent.text
    assert sent.text.splitlines()[-2:] == ["All of them:", "http://127.0.0.1:8321/?state=private"]
    (unowned,) = [row for row in messages(database) if row.payload.get("owner_id") == ""]
    alert = rendering.compose(database, acme.rules, unowned, [unowned], NOW + DAY).alert
    assert alert.entries[0].headline == "1 case without an owner moved to private messages: solved, or still open?"
    assert alert.title == "Daily list: cases without an owner"
