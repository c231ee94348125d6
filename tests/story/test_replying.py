"""Answered from where people are: written in Slack, approved by a lead there, seen by the next read, counted once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from monitor.store import case_log, key_values, replies
from tests.fakes.language_model import FakeModel
from tests.fakes.mastodon import status
from tests.fakes.server import FakeServer, Reply, Seen
from tests.story.world import TABLES, World, labels, moment, world
from tests.world import ANA, BEN

SWITCHED_ON = TABLES.replace(
    "find_roots = true", 'find_roots = true\nreply = true\nreply_approval = true\nreply_token = {{ file = "token" }}'
).replace('slack = "U0BEN00001"', 'slack = "U0BEN00001"\nrole = "lead"')


class Ours:
    """The brand's account on the server that is read: what is posted there is shown to the next read."""

    def __init__(self, earful: World) -> None:
        self.earful = earful
        self.refuses: Reply | None = None
        self.writes = 0
        network = earful.far.network
        network.route("/api/v1/accounts/verify_credentials", {"id": "1", "acct": "harbourtea"})
        network.route("/api/v1/statuses", self._post)

    def _post(self, seen: Seen) -> Reply:
        self.writes += 1
        if self.refuses is not None:
            return self.refuses
        given = {name: values[0] for name, values in parse_qs(seen.body.decode()).items()}
        account = {"acct": "harbourtea", "username": "harbourtea", "display_name": "Harbour Tea"}
        made: dict[str, Any] = status(self.earful.now + timedelta(seconds=1), given["status"], 9_000, account=account)
        made |= {"in_reply_to_id": given["in_reply_to_id"]}
        self.earful.mastodon.accounts["harbourtea"][1].append(made)
        return Reply(json=made)


@pytest.fixture
def earful(tmp_path: Path) -> Iterator[World]:
    (tmp_path / "token").write_text("a-token-that-may-write-0123456789", "utf-8")
    (tmp_path / "token").chmod(0o600)
    with world(tmp_path, "sqlite:earful.sqlite", start="Fri 13:00", tables=SWITCHED_ON) as made:
        made.forgetful = True
        yield made


def write(earful: World, text: str, *, user: str, name: str) -> None:
    _envelope, acknowledged = earful.slack.write(text, user=user, name=name)
    assert acknowledged


def test_a_complaint_is_answered_from_slack_approved_by_a_lead_and_its_clock_stops_once(earful: World) -> None:
    ours = Ours(earful)
    complaint = earful.posts("olga", "#harbourtea never arrived, nobody answers. Cancelling my order.", at="Fri 13:05")
    earful.until("Fri 13:10")
    (message,) = earful.messages()
    assert labels(message) == ["I have it", "No answer needed", "Reply …", "Open"]
    olga = earful.case_of("olga")

    # Ana opens the window from the message: it shows what Olga wrote, who would post, and how much fits.
    earful.press(olga, "write", who="Ana")
    earful.until("Fri 13:11", step=timedelta(seconds=5))
    view = earful.slack.views[-1]
    assert "never arrived" in str(view["blocks"][0])
    box = view["blocks"][-1]
    assert box["label"]["text"] == "Post publicly as @harbourtea@127.0.0.1 on Mastodon"
    assert (box["element"]["max_length"], box["element"]["initial_value"]) == (500, "@olga@far.example ")
    assert view["submit"]["text"] == "Ask a lead"
    write(earful, "@olga@far.example Your parcel left today, it arrives on Monday.", user=ANA, name="ana")
    earful.until("Fri 13:12", step=timedelta(seconds=5))
    assert ours.writes == 0
    assert ("U0ANA00001", f"your reply to case {olga.id} waits for a lead") in earful.whispers()
    assert any("Ana's reply waits for your approval" in each for each in earful.thread())
    earful.scene()
    ours = Ours(earful)

    # Ben, a lead, opens it: Ana's text stands in his window. He changes a word and posts it.
    earful.press(olga, "write", who="Ben")
    earful.until("Fri 13:14", step=timedelta(seconds=5))
    view = earful.slack.views[-1]
    assert view["submit"]["text"] == "Post publicly"
    text = view["blocks"][-1]["element"]["initial_value"].replace("today", "this morning")
    earful.far.network.route(f"/api/v1/statuses/{complaint}", {"id": complaint, "visibility": "public"})
    write(earful, text, user=BEN, name="ben")
    earful.until("Fri 13:15", step=timedelta(seconds=5))
    assert ours.writes == 1
    answered = earful.case_of("olga")
    assert answered.answered_by == "Ben"
    assert answered.answered_at is not None
    assert moment("Fri 13:14") < answered.answered_at < moment("Fri 13:15:02")
    earful.scene()

    # The reads that follow see the same reply: nothing is answered twice, and nothing is written again.
    earful.until("Fri 13:40")
    after = earful.case_of("olga")
    assert (after.answered_at, after.answered_by) == (answered.answered_at, "Ben")
    assert [line.what for line in case_log.of_case(earful.database, olga.id)].count("answered") == 1
    assert len(key_values.own_posts_of_case(earful.database, olga.id)) == 1
    (row,) = replies.of_case(earful.database, olga.id)
    assert (row.state, row.writer, row.approver) == ("sent", "Ana", "Ben")
    assert ours.writes == 1


def test_what_slack_says_again_and_what_the_network_refuses(earful: World) -> None:
    ours = Ours(earful)
    complaint = earful.posts("timo", "#harbourtea lost my parcel, awful, closing my account.", at="Fri 13:05")
    earful.until("Fri 13:10")
    timo = earful.case_of("timo")
    earful.far.network.route(f"/api/v1/statuses/{complaint}", {"id": complaint, "visibility": "public"})
    earful.press(timo, "write", who="Ben")
    earful.until("Fri 13:11", step=timedelta(seconds=5))
    ours.refuses = Reply(422, json={"error": "Validation failed: Text is spam"})
    write(earful, "@timo@far.example It is on its way.", user=BEN, name="ben")
    earful.until("Fri 13:12", step=timedelta(seconds=5))
    assert any("Text is spam" in words for _who, words in earful.whispers())
    ours.refuses = None
    for _ in range(2):  # pressed once more in the same window, and said by Slack once more
        write(earful, "@timo@far.example It is on its way.", user=BEN, name="ben")
        earful.until("Fri 13:14" if _ else "Fri 13:13", step=timedelta(seconds=5))
    assert ours.writes == 2, "one that was refused, one that was taken"
    assert earful.case_of("timo").answered_by == "Ben"


def test_whoever_is_no_person_of_ours_opens_no_window(earful: World) -> None:
    """Settings let anybody of the workspace press buttons here; posting in public is for people who are known."""
    Ours(earful)
    earful.posts("zara", "#harbourtea broke my teapot, awful, never again.", at="Fri 13:05")
    earful.until("Fri 13:10")
    zara = earful.case_of("zara")
    earful.press(zara, "write", who="Stranger")
    earful.until("Fri 13:11", step=timedelta(seconds=5))
    assert earful.slack.views == []
    ((_who, words),) = earful.whispers()
    assert "only people in [[people]]" in words
    assert replies.of_case(earful.database, zara.id) == []


def test_a_draft_is_written_into_the_window_changed_by_a_person_and_posted_once(tmp_path: Path) -> None:
    asks = "I'm sorry that your teapot arrived broken. Is it the lid or the pot?"
    (tmp_path / "token").write_text("a-token-that-may-write-0123456789", "utf-8")
    (tmp_path / "token").chmod(0o600)
    with FakeServer() as server:
        model = FakeModel(server, {"kind": "question", "text": asks})
        tables = SWITCHED_ON + model.settings()
        with world(tmp_path, "sqlite:earful.sqlite", start="Fri 13:00", tables=tables) as earful:
            earful.forgetful = True
            ours = Ours(earful)
            complaint = earful.posts(
                "olga", "#harbourtea my teapot arrived broken, awful, I want it replaced.", at="Fri 13:05"
            )
            earful.until("Fri 13:10")
            olga = earful.case_of("olga")
            earful.far.network.route(f"/api/v1/statuses/{complaint}", {"id": complaint, "visibility": "public"})
            earful.press(olga, "write", who="Ben")
            earful.until("Fri 13:11", step=timedelta(seconds=5))
            assert model.asked == []

            # Nothing that Ben wrote is replaced; an empty box is filled, under another id, so that Slack shows it.
            for text in ("my own words", ""):
                _envelope, acknowledged = earful.slack.draft(text, user=BEN, name="ben")
                assert acknowledged
                earful.until("Fri 13:12" if text else "Fri 13:13", step=timedelta(seconds=5))
                assert len(model.asked) == (0 if text else 1)
            first, writing, drafted = earful.slack.updates
            assert "The box isn't empty" in str(first["blocks"])
            assert "The assistant is writing" in str(writing["blocks"])
            assert "submit" not in writing, "what somebody types meanwhile would be lost: there is no box"
            assert [each["type"] for each in writing["blocks"] if each["type"] in {"input", "actions"}] == []
            box = drafted["blocks"][-1]
            assert box["element"]["initial_value"] == f"@olga@far.example {asks}"
            assert (first["blocks"][-1]["block_id"], box["block_id"]) == ("reply", "reply1")
            assert ours.writes == 0

            # A dead model changes nothing: the window says so, and what stands in it stays.
            model.says = Reply(500)
            earful.slack.draft(box["element"]["initial_value"], user=BEN, name="ben")
            earful.until("Fri 13:14", step=timedelta(seconds=5))
            last = earful.slack.updates[-1]
            assert "No draft: the assistant" in str(last["blocks"])
            again = last["blocks"][-1]
            assert (again["block_id"], again["element"]["initial_value"]) == ("reply1-", f"@olga@far.example {asks}")

            write(earful, f"@olga@far.example {asks} Ben", user=BEN, name="ben")
            earful.until("Fri 13:18", step=timedelta(seconds=30))
            assert earful.case_of("olga").answered_by == "Ben"
            assert ours.writes == 1
            (row,) = [each for each in replies.of_case(earful.database, olga.id) if each.state == "sent"]
            assert (row.text, row.drafted != "", row.is_unchanged) == (f"@olga@far.example {asks} Ben", True, False)
            (line,) = [each for each in case_log.of_case(earful.database, olga.id) if each.what == "reply"]
            assert line.detail["drafted"] == "changed"
