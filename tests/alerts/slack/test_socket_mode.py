"""Presses: over slack_sdk's own Socket Mode client against a loopback socket, and as signed requests."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.socket_mode.builtin.connection import Connection

from alerts import ChannelError
from alerts.slack import blocks
from alerts.slack.payloads import Press, PressRefused, press_from_http, read_press
from alerts.slack.settings import Settings
from alerts.slack.socket_mode import Presses
from tests.fakes.slack import TEAM, FakeSlack, block_actions, view_submission

NOW = datetime(2026, 11, 23, 9, 16, tzinfo=UTC)
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with FakeSlack() as running:
        yield running


class Spool:
    """Keeps presses as the daemon does, and can fail as a full disk does."""

    def __init__(self) -> None:
        self.kept: list[Press] = []
        self.fails = 0
        self.arrived = threading.Event()

    def __call__(self, press: Press) -> None:
        self.arrived.set()
        if self.fails:
            self.fails -= 1
            raise OSError(28, "No space left on device")
        self.kept.append(press)


@pytest.fixture
def spool(slack: FakeSlack) -> Iterator[Spool]:
    spool = Spool()
    presses = listener(slack)
    presses.start(spool)
    assert slack.connected()
    yield spool
    presses.stop()


def listener(slack: FakeSlack, **options: str) -> Presses:
    given = {"token": slack.token, "app_token": slack.app_token, "api_url": slack.api_url, "team": TEAM, "timeout": 2}
    return Presses(Settings.model_validate(given | options))


def test_a_press_is_kept_and_then_acknowledged(slack: FakeSlack, spool: Spool) -> None:
    envelope, acknowledged = slack.press("12", "take", name="ana")
    assert acknowledged
    assert spool.kept == [
        Press(
            case_id="12",
            verb="take",
            value="",
            user_id="U0ANA00001",
            user_name="ana",
            team_id=TEAM,
            channel="C0CARE0001",
            message_ts="1767225599.000200",
            at_text="1767225600.000100",
            envelope_id=envelope,
        )
    ]


def test_hanging_up_just_as_a_connection_begins_to_be_read_has_an_end(
    slack: FakeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """slack_sdk's reader says "not ended" as it begins. Said after "ended", closing waited for it without end."""
    begun, begins = threading.Event(), Connection.run_until_completion

    def begins_late(self: Connection, state: Any) -> None:
        begun.set()
        while self.is_active():  # until it was hung up
            threading.Event().wait(0.01)
        state.terminated = False
        begins(self, state)

    monkeypatch.setattr(Connection, "run_until_completion", begins_late)
    presses = listener(slack)
    presses.start(Spool())
    assert begun.wait(10)
    ending = threading.Thread(target=presses.stop, daemon=True)
    ending.start()
    ending.join(30)
    assert not ending.is_alive()


def test_a_choice_in_a_menu_brings_its_value(slack: FakeSlack, spool: Spool) -> None:
    slack.press("case|12", "no_answer_needed", chosen="no_answer_needed:not_us")
    slack.press("12", "more", chosen="snooze:1h")
    assert [(press.case_id, press.verb, press.value) for press in spool.kept] == [
        ("case|12", "no_answer_needed", "not_us"),
        ("12", "snooze", "1h"),
    ]


def opened(slack: FakeSlack) -> dict[str, Any]:
    """The window that a press opened; it comes a moment after the press was acknowledged."""
    for _ in range(100):
        if slack.views:
            return slack.views[-1]
        threading.Event().wait(0.05)
    raise AssertionError("no window was opened")


def test_handing_over_asks_whom_in_a_window_and_changes_nothing_yet(slack: FakeSlack, spool: Spool) -> None:
    _, acknowledged = slack.press("12", "more", chosen="hand_over:to")
    assert acknowledged
    view = opened(slack)
    assert view["title"]["text"] == "Hand over case 12"
    assert [block["element"]["type"] for block in view["blocks"]] == ["users_select", "plain_text_input"]
    assert spool.kept == []
    envelope, acknowledged = slack.submit("U0BEN00001", "calls back\nat ten", name="ana")
    assert acknowledged
    (press,) = spool.kept
    assert (press.case_id, press.verb, press.value, press.note) == ("12", "assign", "U0BEN00001", "calls back at ten")
    assert (press.user_id, press.channel, press.envelope_id) == ("U0ANA00001", "C0CARE0001", envelope)


def test_a_window_that_slack_does_not_open_is_told_to_who_pressed(slack: FakeSlack, spool: Spool) -> None:
    """Slack lets a press open one for three seconds."""
    _, acknowledged = slack.press("12", "more", chosen="hand_over:to", trigger="too-late")
    assert acknowledged
    for _ in range(100):
        if slack.accepted:
            break
        threading.Event().wait(0.05)
    (whisper,) = slack.accepted
    assert (whisper["method"], whisper["user"]) == ("chat.postEphemeral", "U0ANA00001")
    assert "nothing was changed" in whisper["text"]
    assert spool.kept == []


def test_saying_so_publicly_asks_where_in_a_window(slack: FakeSlack, spool: Spool) -> None:
    _, acknowledged = slack.press("incident:12", "said")
    assert acknowledged
    view = opened(slack)
    assert [block["element"]["type"] for block in view["blocks"]] == ["url_text_input"]
    assert spool.kept == []
    for url, kept in (("https://social.example/@acme/1", 1), ("javascript:alert(1)", 1), ("", 1)):
        sent = view_submission(view, "", "", "U0ANA00001", "ana")
        sent["view"]["state"] = {"values": {"said": {"url": {"type": "url_text_input", "value": url or None}}}}
        slack.interact(sent)
        assert len(spool.kept) == kept
    (press,) = spool.kept
    assert (press.case_id, press.verb, press.note) == ("incident:12", "said", "https://social.example/@acme/1")
    assert not press.asks_first


def test_letting_go_is_a_choice_of_its_own(slack: FakeSlack, spool: Spool) -> None:
    slack.press("12", "more", chosen="release:")
    assert [(press.verb, press.value) for press in spool.kept] == [("release", "")]


def sent_off(**changes: Any) -> dict[str, Any]:
    """What Slack tells of a window that was sent off, with other things in it."""
    payload = view_submission(blocks.hand_over("12", "C0CARE0001", "1.2"), "U0BEN00001", "", "U0ANA00001", "ana")
    payload["view"] |= changes
    return payload


@pytest.mark.parametrize(
    "changes",
    [
        {"private_metadata": "[" * 100_000},
        {"private_metadata": '{"case": ["12"]}'},
        {"private_metadata": ""},
        {"state": {"values": {"who": {"who": {"selected_user": None}}}}},
        {"state": {"values": {"who": {"who": {"selected_user": "<!channel>"}}}}},
        {"state": []},
    ],
)
def test_a_window_that_says_nothing_we_understand_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(PressRefused):
        read_press(sent_off(**changes), "e", TEAM)


def test_a_window_of_another_app_is_none_of_ours() -> None:
    assert read_press(sent_off(), "e", TEAM) is not None
    assert read_press(sent_off(callback_id="other"), "e", TEAM) is None
    with pytest.raises(PressRefused, match="workspace"):
        read_press(sent_off(), "e", "T0SOMEBODY")


def test_a_press_that_could_not_be_kept_is_not_acknowledged_and_comes_again(slack: FakeSlack, spool: Spool) -> None:
    spool.fails = 1
    envelope, acknowledged = slack.press("12", "take", wait=0.5)
    assert spool.arrived.is_set()
    assert not acknowledged
    _, acknowledged = slack.press("12", "take", envelope_id=envelope)
    assert acknowledged
    assert [press.envelope_id for press in spool.kept] == [envelope]


def test_an_envelope_that_comes_twice_is_kept_once_and_acknowledged_twice(slack: FakeSlack, spool: Spool) -> None:
    envelope, _ = slack.press("12", "take")
    _, again = slack.press("12", "take", envelope_id=envelope)
    assert again
    assert len(spool.kept) == 1
    assert slack.acknowledged == [envelope, envelope]


def test_another_workspace_is_not_heard_but_answered(slack: FakeSlack, spool: Spool) -> None:
    """Unanswered, Slack would send it again and again."""
    _, acknowledged = slack.press("12", "take", team="T0SOMEBODY")
    assert acknowledged
    assert spool.kept == []


@pytest.mark.parametrize("payload", [{}, {"type": "view_submission"}, {"type": "block_actions"}, {"actions": 7}])
def test_what_is_no_press_is_answered_and_forgotten(slack: FakeSlack, spool: Spool, payload: dict[str, object]) -> None:
    slack.deliver({"type": "interactive", "envelope_id": "odd", "payload": payload})
    _, acknowledged = slack.press("12", "take")
    assert acknowledged
    assert "odd" in slack.acknowledged
    assert len(spool.kept) == 1


def test_opening_the_link_is_no_press(slack: FakeSlack, spool: Spool) -> None:
    slack.press("12", "open")
    assert spool.kept == []


def test_when_slack_asks_to_reconnect_presses_are_heard_on_the_new_socket(slack: FakeSlack, spool: Spool) -> None:
    slack.deliver({"type": "disconnect", "reason": "refresh_requested"})
    for _ in range(50):
        if sum(method == "apps.connections.open" for method, _ in slack.requests) > 1:
            break
        spool.arrived.wait(0.1)
    _, acknowledged = slack.press("12", "take")
    assert acknowledged
    assert len(spool.kept) == 1


def test_an_app_token_that_is_refused_is_told_and_nothing_hammers(slack: FakeSlack) -> None:
    presses = listener(slack, app_token="xapp-revoked-secret")
    presses.start(Spool())
    try:
        for _ in range(50):
            if "invalid_auth" in presses.trouble:
                break
            threading.Event().wait(0.1)
        assert "invalid_auth" in presses.trouble
        assert "connections:write" in presses.trouble
        assert "secret" not in presses.trouble
        assert not presses.connected
        assert presses._client is not None
        with pytest.raises(ChannelError):  # as slack_sdk's monitor does every five seconds
            presses._client.issue_new_wss_url()
        assert len(slack.requests) == 1
    finally:
        presses.stop()


def test_starting_without_a_network_does_not_fail(slack: FakeSlack) -> None:
    slack.close()
    presses = listener(slack)
    presses.start(Spool())
    presses.stop()
    assert not presses.connected


def test_presses_want_an_app_token(slack: FakeSlack) -> None:
    with pytest.raises(ValueError, match="app_token"):
        Presses(Settings.model_validate({"token": "xoxb-1"}))


def signed(body: bytes, stamp: str = "", secret: str = SECRET) -> dict[str, str]:
    stamp = stamp or str(int(NOW.timestamp()))
    proof = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": "v0=" + proof}


def form(**options: str) -> bytes:
    payload = block_actions("12", "take", "U0ANA00001", "ana", options.get("team", TEAM), "", None)
    return urlencode({"payload": json.dumps(payload)}).encode()


def test_a_signed_request_is_a_press() -> None:
    press = press_from_http(signed(form()), form(), SECRET, NOW, TEAM)
    assert press is not None
    assert (press.case_id, press.verb, press.user_id) == ("12", "take", "U0ANA00001")
    again = press_from_http(signed(form(), str(int(NOW.timestamp()) + 60)), form(), SECRET, NOW, TEAM)
    assert again is not None
    assert again.envelope_id == press.envelope_id, "Slack's retry is the same press"


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (form(), {}),
        (form(), {"X-Slack-Request-Timestamp": str(int(NOW.timestamp())), "X-Slack-Signature": "v0=" + "0" * 64}),
        (form(), {**signed(form()), "X-Slack-Signature": "v0=\u00e9\ud800"}),
        (form(), signed(form(), secret="another-secret")),
        (form() + b"&x=1", signed(form())),
        (form(), signed(form(), str(int(NOW.timestamp()) - 301))),
        (form(), signed(form(), str(int(NOW.timestamp()) + 301))),
        (form(), signed(form(), "yesterday")),
        (form(), signed(form(), "1e9")),
        (form(), signed(form(), "-1")),
        (form(), signed(form(), "9" * 400)),
        (form(), signed(form(), "\u0661\u0662")),
        (form(team="T0SOMEBODY"), signed(form(team="T0SOMEBODY"))),
        (b"", signed(b"")),
        (b"payload=", signed(b"payload=")),
        (b"payload=%7B%7D&payload=%7B%7D", signed(b"payload=%7B%7D&payload=%7B%7D")),
        (b"\xff\xfe", signed(b"\xff\xfe")),
        (b"x" * 1_000_001, signed(b"x" * 1_000_001)),
        (b"payload=" + b"[" * 100_000, signed(b"payload=" + b"[" * 100_000)),
    ],
)
def test_a_request_that_is_not_slacks_is_refused(body: bytes, headers: dict[str, str]) -> None:
    with pytest.raises(PressRefused) as caught:
        press_from_http(headers, body, SECRET, NOW, TEAM)
    assert SECRET not in str(caught.value)


def test_without_a_signing_secret_nothing_is_believed() -> None:
    with pytest.raises(PressRefused):
        press_from_http(signed(form(), secret=""), form(), "", NOW, TEAM)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "type", "value"]), inner),
    max_leaves=8,
)


@given(
    st.fixed_dictionaries(
        {"type": st.just("block_actions")},
        optional={"actions": st.lists(ANYTHING, max_size=2), "user": ANYTHING, "team": ANYTHING, "container": ANYTHING},
    ),
    st.text(max_size=30),
    ANYTHING,
)
def test_any_shape_is_a_press_or_is_refused_and_never_breaks(
    payload: dict[str, object], action: str, value: object
) -> None:
    payload = {**payload, "actions": [{"action_id": f"earful:{action}", "value": value, "selected_option": value}]}
    try:
        press = read_press(payload, "e", "")
    except PressRefused:
        return
    assert press is None or (press.case_id and press.verb and press.user_id)
