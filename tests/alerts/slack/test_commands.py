"""/earful and the shortcut of a message: read as Slack's pages show them, and answered only where Slack is."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from alerts import ChannelError
from alerts.slack import commands
from alerts.slack.channel import SlackBot
from alerts.slack.payloads import PressRefused, press_from_http, read_press
from alerts.slack.settings import Settings
from monitor.notify import slack_commands
from tests.fakes.slack import FakeSlack

NOW = datetime(2026, 3, 4, 10, tzinfo=UTC)
# As https://docs.slack.dev/interactivity/implementing-slash-commands lists the fields.
ASKED = {
    "token": "gIkuvaNzQIHg97ATvDxqgjtO", "team_id": "T0001", "team_domain": "example", "channel_id": "C2147483705",
    "channel_name": "test", "user_id": "U2147483697", "user_name": "steve", "command": "/earful",
    "text": "case 12", "response_url": "https://hooks.slack.com/commands/1234/5678",
    "trigger_id": "13345224609.738474920.8088930838d88f008e0", "api_app_id": "A123456",
}  # fmt: skip
# As https://docs.slack.dev/reference/interaction-payloads/shortcuts-interaction-payload shows one.
CHOSEN: dict[str, Any] = {
    "token": "Nj2rfC2hU8mAfgaJLemZgO7H", "callback_id": "earful_make_case", "type": "message_action",
    "trigger_id": "13345224609.8534564800.6f8ab1f53e13d0cd15f96106292d5536",
    "response_url": "https://hooks.slack.com/app-actions/T0MJR11A4/21974584944/yk1S9ndf35Q1flupVG5JbpM6",
    "team": {"id": "T0MJRM1A7", "domain": "pandamonium"}, "channel": {"id": "D0LFFBKLZ", "name": "cats"},
    "user": {"id": "U0D15K92L", "name": "dr_maomao"},
    "message": {"type": "message", "user": "U0MJRG1AL", "ts": "1516229207.000133",
                "text": "A customer called: the kettle &amp; the cup are broken"},
}  # fmt: skip


def test_a_command_is_read_with_who_asks_and_where_they_are_answered() -> None:
    press = read_press(ASKED, "e1", "T0001")
    assert press is not None
    assert (press.verb, press.value, press.user_id, press.user_name) == ("command", "case 12", "U2147483697", "steve")
    assert (press.team_id, press.answer_url) == ("T0001", "https://hooks.slack.com/commands/1234/5678")
    assert read_press({**ASKED, "command": "/other"}, "e1") is None
    with pytest.raises(PressRefused, match="workspace"):
        read_press(ASKED, "e1", "T0OTHER")


def test_a_chosen_message_is_read_with_its_words_and_its_address() -> None:
    press = read_press(CHOSEN, "e1")
    assert press is not None
    assert (press.verb, press.note) == ("make_case", "A customer called: the kettle & the cup are broken")
    assert press.about == "https://pandamonium.slack.com/archives/D0LFFBKLZ/p1516229207000133"
    assert (press.channel, press.message_ts) == ("D0LFFBKLZ", "1516229207.000133")
    assert read_press({**CHOSEN, "callback_id": "another app's"}, "e1") is None
    linked = {**CHOSEN["message"], "text": "see <https://forum.example/t/7?a=1&amp;b=2|this one> by <@U1>"}
    press = read_press({**CHOSEN, "message": linked}, "e1")
    assert press is not None
    assert (press.note, press.about) == ("see this one by @U1", "https://forum.example/t/7?a=1&b=2")


@pytest.mark.parametrize("payload", [{**CHOSEN, "user": {"id": "<script>"}}, {**CHOSEN, "user": None}])
def test_whoever_is_nobody_is_refused(payload: dict[str, Any]) -> None:
    with pytest.raises(PressRefused, match="nobody"):
        read_press(payload, "e1")


@pytest.mark.parametrize("hollow", [{}, {"message": 5, "team": [], "channel": "C1"}, {"message": {"text": ["x"]}}])
def test_what_is_out_of_shape_leads_nowhere(hollow: dict[str, Any]) -> None:
    press = read_press(
        {"type": "message_action", "callback_id": "earful_make_case", "user": {"id": "U1A"}, **hollow}, ""
    )
    assert press is not None
    assert (press.note, press.about, press.answer_url) == ("", "", "")


def test_a_signed_command_is_proved_on_its_bytes_like_a_press() -> None:
    body, stamp = urlencode(ASKED).encode(), str(int(NOW.timestamp()))
    proof = hmac.new(b"secret", f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    headers = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={proof}"}
    press = press_from_http(headers, body, "secret", NOW)
    assert press is not None
    assert press.value == "case 12"
    with pytest.raises(PressRefused, match="signature"):
        press_from_http(headers, body + b"&text=mute", "secret", NOW)


def test_an_answer_goes_to_slack_and_nowhere_else() -> None:
    with FakeSlack() as slack:
        bot = SlackBot(Settings.model_validate({"token": slack.token, "api_url": slack.api_url}))
        bot.answer(slack.webhook_url, "3 cases waiting <!here>")
        (said,) = slack.accepted
        assert (said["response_type"], said["text"]) == ("ephemeral", "3 cases waiting &lt;!here&gt;")
        for url in (
            "https://evil.example/hook",
            "",
            "http://127.0.0.1:1/api/",
            "https://hooks.slack.com.evil.example/",
        ):
            with pytest.raises(ChannelError, match="no address"):
                bot.answer(url, "words")
        slack.misbehave("503")
        with pytest.raises(ChannelError):
            bot.answer(slack.webhook_url, "words")


def test_both_packages_call_the_two_by_the_same_names() -> None:
    assert (commands.COMMAND, commands.MAKE_CASE) == (slack_commands.COMMAND, slack_commands.MAKE_CASE)
    assert json.dumps(slack_commands.HELP).count("/earful") == 6
