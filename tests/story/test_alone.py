"""One person alone through a week: every noise that their phone makes is counted."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from monitor.cases.actions import say
from monitor.store.database import at
from tests.story.test_noise import complaint
from tests.story.world import TABLES, World, world

ALONE = (
    TABLES.partition("[[people]]")[0]
    + """
[[people]]
name = "Ana"
targets = ["phone:@U0ANA00001"]

[[channels]]
name = "phone"
kind = "slack"
token = {{ env = "SLACK_TOKEN" }}
api_url = "{slack}"
wakes = true

[alerts]
notify = ["phone:@U0ANA00001"]

[desk]
hours = [{{ days = ["mon", "tue", "wed", "thu", "fri"], start = "09:00", end = "18:00" }}]
"""
)
LATE = "#harbourtea my parcel never arrived, nobody answers. Cancelling my subscription."
HOUR = timedelta(hours=1)


def noises(earful: World) -> list[str]:
    """When Ana's phone made a noise, and for what: each message that Slack took; an edit makes none."""
    rows = earful.database.rows(
        "SELECT sent_at, about, step FROM deliveries WHERE state = 'sent' AND action = 'post' AND carrier = '' "
        "AND channel = 'phone' ORDER BY sent_at"
    )
    phone = earful.slack.channel_id("U0ANA00001")
    posted = [each for each in earful.slack.messages if each["channel"] == phone]
    assert len(rows) == len(posted), "a message that Slack took is not in the outbox, or the other way round"
    kinds = {"story": "alert", "case": "alert"}
    found = []
    for row in rows:
        about = row["about"].split(":")
        kind = "reminder" if row["step"] else about[1] if about[0] == "list" else kinds.get(about[0], about[0])
        found.append(f"{at(row['sent_at']):%a %H:%M} {kind}")
    return found


def close(earful: World, author: str) -> None:
    """Ana settles a case on the page."""
    say(
        earful.database, earful.assembly.rules, earful.case_of(author).id, "close", who="Ana", way="web",
        now=earful.now, detail={"outcome": "solved"},
    )  # fmt: skip


def test_one_person_alone_through_a_week(tmp_path: Path) -> None:
    with world(tmp_path, f"sqlite:{tmp_path}/earful.sqlite", "Mon 08:55", ALONE) as earful:
        earful.until("Mon 09:00")

        # Monday: one alert, one reminder when the target of half an hour is reached, one list in the evening.
        earful.posts("olga", LATE, at="Mon 10:00")
        earful.until("Mon 11:05", step=timedelta(minutes=5))
        earful.until("Mon 16:55", step=HOUR)
        assert noises(earful) == ["Mon 10:05 alert", "Mon 11:00 reminder"]
        earful.until("Mon 17:00")
        assert noises(earful)[2:] == ["Mon 17:00 evening"]
        close(earful, "olga")
        earful.until("Tue 10:00", step=4 * HOUR)

        # Tuesday: three at once are one alert and one reminder; questions and thanks wait for the evening.
        before = len(noises(earful))
        for number, author in enumerate(("timo", "zara", "mira")):
            earful.posts(author, f"{complaint(number)}. Cancelling my subscription.", at="Tue 10:00")
        earful.posts("nils", "#harbourtea do you ship to Norway?", at="Tue 11:00")
        earful.posts("vera", "#harbourtea do you sell gift cards?", at="Tue 13:00")
        earful.until("Tue 11:15", step=timedelta(minutes=5))
        earful.until("Tue 17:00", step=HOUR)
        assert [each.partition(" ")[2][:2] for each in noises(earful)[before:]] == ["10", "11", "17"], noises(earful)
        told = earful.slack.reads(earful.slack.messages[-1])
        assert told.count("not taken yet") == 1
        assert "2 posts that may need an answer" in told
        for author in ("timo", "zara", "mira"):
            close(earful, author)

        # Wednesday: a day on which nothing waits is silent, but for what the list of yesterday named in vain.
        before = len(noises(earful))
        earful.until("Wed 20:00", step=HOUR)
        assert noises(earful)[before:] == ["Wed 17:00 evening"]

        # Friday night: what is critical calls until it is taken, four times a night at most.
        earful.until("Fri 20:55", step=4 * HOUR)
        before = len(noises(earful))
        earful.posts("lena", "#harbourtea you have leaked my data: my card details are on the web!", at="Fri 21:00")
        earful.until("Fri 22:30", step=timedelta(minutes=5))
        earful.until("Sat 07:45", step=HOUR)
        assert 2 <= len(noises(earful)) - before <= 5, noises(earful)[before:]
        close(earful, "lena")

        # Saturday: nobody is called outside the hours that Ana named, and Monday begins with one alert.
        before = len(noises(earful))
        earful.posts("bert", LATE, at="Sat 11:00")
        earful.until("+1 Mon 08:45", step=4 * HOUR)
        assert noises(earful)[before:] == []
        earful.until("+1 Mon 09:05", step=timedelta(minutes=5))
        assert [each.partition(" ")[2][:2] for each in noises(earful)[before:]] == ["09"]
