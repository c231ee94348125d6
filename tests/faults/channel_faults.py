"""Faults of the far sides that staff are told by: Slack and the mail server."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from datetime import timedelta

from monitor.notify.repeats import GAPS, MARK
from monitor.store.deliveries import NOT_NEEDED
from tests.fakes.smtp import DROP
from tests.faults.outside import LINK, Found, Outside

CARE, OPERATORS, OPS_MAIL = "slack:#care", "slack:#operators", "ops@harbourtea.example"
AUDITED = 45.0  # seconds in which the auditor comes at least once
MANY = 600  # more than any page of rows that the store reads at once


def bad_target(made: Outside) -> Found:
    """One Slack channel is archived: the other hears everything, and the dead one is told by name, elsewhere, once."""
    found = Found()
    made.tell(["slack:#archived", CARE], operator=[OPERATORS, f"email:{OPS_MAIL}"])
    slack = made.far.slack
    slack.closed_channels[slack.channel_id("#archived")] = "is_archived"
    daemon = made.begin()
    made.write(5)
    found.expect(made.until(lambda: made.told(made.shown("#care")) == 5, daemon), "the good channel was held back")

    def said() -> list[str]:
        return [each for each in made.shown("#operators") + made.mailed(OPS_MAIL) if "#archived" in each]

    found.expect(made.until(lambda: bool(said()), daemon), "nobody was told of the archived channel")
    found.expect(
        not any("slack has refused all messages" in each for each in said()), "all of Slack is said to be down"
    )
    found.expect(made.stop(daemon) == 0, "it did not stop well")
    for name, place in (("Slack", made.shown("#operators")), ("mail", made.mailed(OPS_MAIL))):
        telling = [
            each for each in place if "#archived" in each and ("has refused all messages" in each or "takes" in each)
        ]
        found.expect(len(telling) <= 1, f"the dead target was told {len(telling)} times by {name}")
    found.told = "operators, by name, once"
    return made.counted(found, made.shown("#care"))


def mail_ids(made: Outside) -> Found:
    """A mail server that drops what has an id it has seen: each message has its own, the same at every attempt."""
    found = Found()
    daemon = made.begin()
    made.far.smtp.answer("DATA", DROP)  # takes the first, and hangs up: it comes again
    made.write(3)
    found.expect(made.until(lambda: made.told(made.mailed()) == 3, daemon), "not all were mailed")
    story = "Harbour Tea charged me twice, cancelling my subscription, the kettle word is ALBATROSS"
    for _ in range(3):  # the first story grows, and is mailed again
        made.networks.write("hn", story)
        made.clock.forward(timedelta(minutes=20))
        mails = len(made.far.smtp.ledger)
        made.until(lambda mails=mails: len(made.far.smtp.ledger) > mails, daemon, 8)  # type: ignore[misc]
    found.expect(made.stop(daemon) == 0, "it did not stop well")
    said = defaultdict(set)
    for mail in made.far.smtp.ledger:
        said[mail.message_id].add((mail.recipient, LINK.sub("", mail.text).replace(MARK, "").strip()))
    found.lost = sum(len(texts) - 1 for texts in said.values())  # all but the first would have been dropped
    times = Counter(text for texts in said.values() for text in texts)
    found.doubled = sum(number - 1 for number in times.values())  # the same under two ids
    repeats = len(made.far.smtp.ledger) - len(said)
    found.expect(repeats >= 1, "no mail came again: nothing was tried")
    found.told = f"{len(said)} ids, {repeats} repeats under their own"
    return found


def channel_down(made: Outside) -> Found:
    """Slack is down and no fallback is named: the operator hears by mail, the alerts go there, the watch is silent."""
    found = Found()
    made.tell([CARE], operator=[f"email:{OPS_MAIL}"])
    daemon = made.begin()
    made.far.slack.mode = "503"
    made.write(3)
    made.until(lambda: made.ask("SELECT count(*) FROM deliveries WHERE attempts > 0") >= 3, daemon)
    made.clock.forward(timedelta(minutes=11))
    found.expect(
        made.until(
            lambda: any("slack has not accepted messages since" in each for each in made.mailed(OPS_MAIL)), daemon
        ),
        "the operator was not told of the channel",
    )
    found.expect(made.until(lambda: made.told(made.mailed()) == 3, daemon), "the alerts went nowhere else")
    found.expect("slack has been down since" in made.says("status"), "status does not say it")
    made.far.slack.mode = "ok"
    made.clock.forward(timedelta(minutes=40))
    made.write(1)
    found.expect(
        made.until(lambda: made.words(made.shown())[made.written[3]] == 1, daemon), "Slack was not tried again"
    )
    found.expect(made.stop(daemon) == 0, "it did not stop well")
    found.told = "operator by mail, status"
    found.lost = made.lost(made.shown() + made.mailed())
    found.doubled = made.doubled(made.shown("#care"))
    return found


def down_for_days(made: Outside) -> Found:
    """The only channel is down for 73 hours: the outside watch is not called, nothing dies, one brief on return."""
    found = Found()
    made.tell([CARE], operator=[OPERATORS])
    daemon = made.begin()
    made.far.slack.mode = "503"
    made.write(5)
    made.until(lambda: made.ask("SELECT count(*) FROM deliveries WHERE attempts > 0") >= 1, daemon)
    made.days_go_by(timedelta(hours=73), 10, daemon)
    found.expect(made.until(lambda: "reached nobody since" in made.log, daemon, AUDITED), "the auditor found nothing")
    alive = made.alive()
    found.expect("Nobody is being alerted" in made.says("status"), "status does not say that nobody is alerted")
    made.clock.forward(timedelta(minutes=40))
    time.sleep(AUDITED - 10)
    found.expect(made.alive() == alive, "the outside watch was told that all is well")
    dead = made.ask(f"SELECT count(*) FROM deliveries WHERE state = 'dead' AND error NOT LIKE '{NOT_NEEDED}%'")
    found.expect(dead == 0, f"{dead} messages are dead")
    made.far.slack.mode = "ok"
    made.clock.forward(timedelta(minutes=40))
    found.expect(made.until(lambda: made.told() == 5, daemon), "not all that is open was said on return")
    found.expect(made.stop(daemon) == 0, "it did not stop well")
    made.counted(found)
    found.told = f"status, outside watch; {len(made.shown('#care'))} messages on return"
    return found


def many_by_fallback(made: Outside) -> Found:
    """Six hundred alerts are owed by a channel that is down: each comes by the fallback."""
    found = Found()
    made.tell([CARE], fallback=["email:care@harbourtea.example"])
    made.change("messages_per_hour = 500", "messages_per_hour = 1000\nbrief_over = 1000")
    daemon = made.begin()
    made.far.slack.mode = "503"
    for _ in range(MANY):
        made.write_on("hn")
    made.until(lambda: made.ask("SELECT count(*) FROM mentions") >= MANY, daemon)
    made.until(lambda: "503" in made.log, daemon)
    made.clock.forward(timedelta(minutes=11))
    stories = made.ask("SELECT count(DISTINCT story_id) FROM cases")
    found.expect(stories > 500, f"there are {stories} stories, which is no more than one page of rows")
    owed = "SELECT count(DISTINCT about) FROM deliveries WHERE channel = 'email' AND about LIKE 'story:%'"
    made.until(lambda: made.ask(owed) >= stories and made.told(made.mailed()) > 5, daemon)
    found.expect(made.stop(daemon) == 0, "it did not stop well")
    found.lost = stories - made.ask(owed)  # to mail them all takes ten minutes
    found.doubled = made.doubled(made.mailed("care@harbourtea.example"))
    found.told = f"{len(made.far.smtp.ledger)} mails so far, the others are due"
    return found


def never_answers(made: Outside) -> Found:
    """Slack takes messages and never answers, its history hangs too: few repeats, ever further apart, and marked."""
    found = Found()
    made.change(
        'api_url = "http://' + made.far.slack.address, 'timeout = 1.0\napi_url = "http://' + made.far.slack.address
    )
    made.tell([CARE], operator=[f"email:{OPS_MAIL}"])
    daemon = made.begin()
    made.far.slack.mode = "hang"
    made.write(1)
    found.expect(made.until(lambda: made.told() == 1, daemon), "nothing was sent")
    made.days_go_by(timedelta(hours=24), 16, daemon, real=3.0)
    found.expect(made.stop(daemon) in {0, 75}, "it did not stop well")
    mark = made.written[0]
    copies = [each for each in made.shown("#care") if mark in each]
    unmarked = sum(MARK.split(":")[0] not in each for each in copies)
    most = 3 * (len(GAPS) + 1)  # the alert and its reminders
    found.expect(len(copies) <= most, f"the same came {len(copies)} times")
    found.lost, found.doubled = made.lost(), max(unmarked - 3, 0)
    found.told = f"{len(copies)} in Slack, {len(copies) - unmarked} marked as possibly repeated"
    return found
