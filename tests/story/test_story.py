"""From post to digest: the product's main job, told once from beginning to end."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from monitor.store.mentions import mention_key, post_key
from tests.story.world import BRAND, labels, world


def test_an_unhappy_post_is_told_at_once_and_counted_on_monday(tmp_path: Path, database_url: str) -> None:
    """People write; Earful hears the unhappy ones, tells staff in Slack, and writes a letter to the managers."""
    with world(tmp_path, database_url, start="Wed 14:00") as earful:
        # It is Wednesday. Four people write about Harbour Tea.
        earful.posts("mira", "The new #harbourtea assam is lovely, best cup this year!", at="Wed 14:01")
        earful.posts("joon", "Anyone know the opening hours of #harbourtea in Leith?", at="Wed 14:01")
        unhappy = earful.posts(
            "olga", "#harbourtea charged me twice and nobody replies. Cancelling my subscription.", at="Wed 14:02"
        )
        earful.posts("paul", "What a wonderful cup of #harbourtea, thank you!", at="Wed 14:02")
        earful.until("Wed 14:05")

        # One of them is unhappy, and Slack has said so once: who, where, the words themselves, why, and one link.
        (alert,) = earful.messages()
        words = earful.slack.reads(alert)
        assert "@olga@far.example on mastodon" in words or "olga@far.example on mastodon" in words
        assert "charged me twice and nobody replies" in words
        assert "charged me twice · gets no answer: nobody replies · may leave: cancelling my" in words  # what decided
        assert f"https://far.example/@ada/{unhappy}" in words
        assert labels(alert) == ["I have it", "No answer needed", "Open"]

        # The alert lists the mention it speaks of, so that it can be found again if an answer of Slack's is lost.
        key = post_key(earful.database, "mastodon", unhappy)
        assert alert["metadata"]["event_payload"]["mentions"] == [mention_key(earful.database, BRAND, key)]

        # Reading the same pages again changes nothing: a post seen twice is kept once, and nobody is told twice.
        earful.until("Wed 14:20")
        assert len(earful.slack.accepted) == 1
        stored = earful.database.rows("SELECT author FROM posts ORDER BY author")
        assert [row["author"].partition("@")[0] for row in stored] == ["joon", "mira", "olga", "paul"]

        # Ana answers in public; Earful sees it at its next poll, and the message says so.
        earful.answers("We are sorry, Olga: the second charge is on its way back to you.", at="Wed 14:21", to=unhappy)
        earful.until("Wed 14:24")
        assert "answered 14:21, after 19 minutes of opening hours" in earful.reads("charged me twice")

        # A praise and a complaint later in the week; the complaint stays without an answer.
        earful.posts("zara", "Thank you #harbourtea, the parcel came in a day.", at="Thu 10:00")
        earful.posts(
            "timo", "#harbourtea sent me mouldy tea, disgusting. I am switching to somebody else.", at="Fri 16:50"
        )
        earful.until("Fri 16:50", step=timedelta(hours=1))
        earful.until("Fri 16:55")
        assert "answer by" in earful.reads("mouldy tea")
        earful.until("+1 Mon 08:05", step=timedelta(hours=1))

        # Monday, 08:00: one letter to the managers, with those who still wait first.
        letters = [mail for mail in earful.smtp.ledger if mail.recipient == "boss@harbourtea.example"]
        (letter,) = letters
        assert letter.header("Auto-Submitted") == ["auto-generated"]
        for part in (letter.text, letter.html):
            assert "mouldy tea" in part
            assert "timo" not in part
            assert "mouldy tea" in part
        assert letter.text.index("mouldy tea") < letter.text.index("charged me twice")
        assert "first week" in letter.text
        assert "19 min" in letter.text

        # Nothing is owed, and a second look on the same Monday writes no second letter.
        earful.until("+1 Mon 08:59", step=timedelta(minutes=5))
        assert len([mail for mail in earful.smtp.ledger if mail.recipient == "boss@harbourtea.example"]) == 1
