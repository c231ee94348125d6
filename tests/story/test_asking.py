"""Staff ask Earful in Slack, in a channel where it is no member, and make a case of what came by telephone."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.story.world import World, world


def told(earful: World) -> str:
    """A moment later: what the person who asked last was answered, and nobody else."""
    earful.now += timedelta(seconds=1)
    earful.tick()
    said = [each for each in earful.slack.accepted if each.get("response_type") == "ephemeral"][-1]
    return str(said["text"])


def test_a_case_is_asked_for_taken_and_made_in_slack(tmp_path: Path) -> None:
    with world(tmp_path, "sqlite:earful.sqlite", start="Mon 10:00") as earful:
        earful.posts("olga", "#harbourtea my parcel never arrived, nobody answers!", at="Mon 10:01")
        earful.until("Mon 10:04")
        number = earful.case_of("olga").id
        assert earful.slack.command("status")[1], "acknowledged before it is worked off"
        earful.forget()
        assert told(earful).startswith("1 case waiting")
        assert earful.slack.command(f"case {number} take")[1]
        assert told(earful).startswith(f"case {number}: ")
        assert earful.case_of("olga").owner == "Ana"

        words = "Customer on the phone: the Harbour Tea pot broke and cut her hand"
        message = {"text": words, "ts": f"{earful.now.timestamp():.6f}"}
        assert earful.slack.choose(message)[1]
        assert "is open and unassigned" in told(earful)
        earful.until("Mon 10:06")
        assert any("cut her hand" in earful.slack.reads(each) for each in earful.messages()), "and it is critical"
        assert earful.slack.choose(message)[1]
        assert "already" in told(earful)
