"""Slack, driven by the real slack_sdk against a loopback Slack that keeps Slack's limits."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from alerts import Action, Alert, ChannelError, Editor, Entry, Letter, Line, LooksUp
from alerts.slack import blocks
from alerts.slack.channel import Slack, SlackBot
from alerts.slack.settings import Settings
from tests.alerts.hostile import HOSTILE
from tests.fakes.slack import FakeSlack, _fault

ENTRY = Entry(
    case_id="12",
    headline="@customer on X, third time in 30 days · posted 14:02",
    excerpt="Charged twice again, cancelling if nobody replies",
    facts=("says: cancelling", "3 Nov never answered"),
    url="https://social.example/customer/status/1",
    priority="urgent",
)
ALERT = Alert(key="case:12/1", reason="opened", title="Harbour Tea", entries=(ENTRY,), mentions=("m1", "m2"))
OPEN = (Action("take", "I have it", "12"), Action("no_answer_needed", "No answer needed", "12"))
TAKEN = (Action("answered", "Answered", "12"), Action("more", "More", "12"))


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with FakeSlack() as running:
        yield running


def bot(slack: FakeSlack, **options: object) -> SlackBot:
    given = {"token": slack.token, "app_token": slack.app_token, "api_url": slack.api_url, "timeout": 1.0} | options
    channel = Slack(Settings.model_validate(given))
    assert isinstance(channel, SlackBot)
    return channel


def hook(slack: FakeSlack) -> Slack:
    return Slack(Settings(webhook_url=SecretStr(slack.webhook_url), timeout=1.0))


def recently() -> datetime:
    return datetime.now(UTC) - timedelta(seconds=30)


def test_a_case_reads_as_three_lines_and_a_link(slack: FakeSlack) -> None:
    bot(slack).send(ALERT, "#care")
    (message,) = slack.messages
    assert message["blocks"][0]["text"]["text"] == (
        "🟠 @customer on X, third time in 30 days · posted 14:02\n"
        '"Charged twice again, cancelling if nobody replies"\n'
        "says: cancelling · 3 Nov never answered"
    )
    assert message["blocks"][0]["accessory"]["url"] == ENTRY.url
    assert message["text"].startswith("@customer on X, third time in 30 days"), "what a notification shows"
    assert message["unfurl_links"] is False
    assert message["unfurl_media"] is False


def test_the_metadata_lists_the_mentions_it_speaks_of(slack: FakeSlack) -> None:
    bot(slack).send(replace(ALERT, revision=3), "#care")
    assert slack.messages[0]["metadata"] == {
        "event_type": "earful_alert",
        "event_payload": {"key": "case:12/1", "revision": 3, "mentions": ["m1", "m2"]},
    }


def test_metadata_that_grows_too_large_says_how_many_mentions_are_left_out(slack: FakeSlack) -> None:
    many = tuple(f"acme/x/{number:020d}" for number in range(5_000))
    bot(slack).send(replace(ALERT, mentions=many), "#care")
    said = slack.messages[0]["metadata"]["event_payload"]
    assert len(json.dumps(said)) <= blocks.METADATA
    assert said["mentions"] == list(many[: len(said["mentions"])])
    assert len(said["mentions"]) + said["left_out"] == 5_000


def test_an_open_case_can_be_taken_or_dismissed(slack: FakeSlack) -> None:
    actions = (*OPEN, Action("open", "Answer on X", "12", ENTRY.url))
    bot(slack).send(replace(ALERT, entries=(replace(ENTRY, actions=actions),)), "#care")
    (row,) = [block for block in slack.messages[0]["blocks"] if block["type"] == "actions"]
    take, dismiss, answer = row["elements"]
    assert (take["action_id"], take["value"], take["text"]["text"]) == ("earful:take", "12", "I have it")
    assert (dismiss["type"], dismiss["value"], dismiss["text"]["text"]) == ("button", "12", "No answer needed")
    assert (answer["text"]["text"], answer["url"]) == ("Answer on X", ENTRY.url)


def test_a_case_that_was_dismissed_asks_why_and_can_be_put_right(slack: FakeSlack) -> None:
    entry = replace(ENTRY, actions=(Action("why", "Why not?", "12"),), standing="closed by Ana: not a complaint")
    bot(slack).send(replace(ALERT, entries=(entry,)), "#care")
    (row,) = [block for block in slack.messages[0]["blocks"] if block["type"] == "actions"]
    values = [option["value"] for option in row["elements"][0]["options"]]
    assert values == [*(f"dismiss:{reason}|12" for reason, _ in blocks.REASONS), "undo:|12"]


def test_a_message_names_its_case_its_priority_and_its_page_once(slack: FakeSlack) -> None:
    entry = replace(ENTRY, page_url="https://earful.example/cases/12", actions=OPEN)
    bot(slack).send(replace(ALERT, entries=(entry,)), "#care")
    words = slack.reads(slack.messages[0])
    assert "<https://earful.example/cases/12|#12> · urgent · Harbour Tea" in words
    assert words.count("urgent") == 1
    bot(slack).send(replace(ALERT, title="Harbour Tea: urgent", entries=(entry,)), "#care")
    assert slack.reads(slack.messages[1]).count("urgent") == 1


def test_every_line_of_a_list_has_its_links_and_the_rest_leads_to_the_page(slack: FakeSlack) -> None:
    page = "https://earful.example/"
    entries = tuple(replace(ENTRY, case_id=str(n), page_url=f"{page}cases/{n}", actions=OPEN) for n in range(1, 6))
    also = tuple(
        Line(
            f"#{n} urgent · @customer{n} on mastodon: the parcel came smashed & <b>nobody</b> answers my mails",
            f"https://far.example/{n}",
            f"{page}cases/{n}",
            str(n),
        )
        for n in range(6, 86)
    )
    bot(slack).send(replace(ALERT, title="160 cases", entries=entries, also=also, more=155, page_url=page), "#care")
    text = "\n".join(
        block["text"]["text"]
        for block in slack.messages[0]["blocks"]
        if block["type"] == "section" and block["text"]["type"] == "mrkdwn"
    )
    lines = [line for line in text.splitlines() if "smashed" in line]
    assert len(lines) >= 15
    for n, line in enumerate(lines, 6):
        assert line.startswith(f"<{page}cases/{n}|#{n}> urgent · @customer{n}")
        assert line.endswith(f" · <https://far.example/{n}|Open>")
        assert "smashed &amp; &lt;b&gt;nobody&lt;/b&gt; answers" in line
    assert f"<{page}|and {160 - 5 - len(lines)} more>" in text
    named = {str(n) for n in range(1, 6)}
    assert named <= set(re.findall(r"cases/(\d+)\|#", json.dumps(slack.messages[0]["blocks"])))


def test_a_taken_case_offers_answered_and_more(slack: FakeSlack) -> None:
    bot(slack).send(replace(ALERT, entries=(replace(ENTRY, actions=TAKEN, standing="taken by Ana, 09:16"),)), "#care")
    (row,) = [block for block in slack.messages[0]["blocks"] if block["type"] == "actions"]
    answered, more, _link = row["elements"]
    assert answered["action_id"] == "earful:answered"
    values = [option["value"] for group in more["option_groups"] for option in group["options"]]
    assert {"snooze:1h|12", "waiting:customer|12", "hand_over:to|12", "release:|12"} <= set(values)


def test_verbs_with_a_value_gather_in_one_menu(slack: FakeSlack) -> None:
    actions = (Action("snooze:2h", "Snooze 2 hours", "12"), Action("wants:refund", "Wants a refund", "12"))
    bot(slack).send(replace(ALERT, entries=(replace(ENTRY, actions=actions),)), "#care")
    (row,) = [block for block in slack.messages[0]["blocks"] if block["type"] == "actions"]
    assert [option["value"] for option in row["elements"][0]["options"]] == ["snooze:2h|12", "wants:refund|12"]


def test_without_a_way_to_hear_presses_only_signed_links_become_buttons(slack: FakeSlack) -> None:
    actions = (Action("take", "I have it", "12", "https://earful.example/do/token"), OPEN[1])
    bot(slack, app_token=None).send(replace(ALERT, entries=(replace(ENTRY, actions=actions),)), "#care")
    (row,) = [block for block in slack.messages[0]["blocks"] if block["type"] == "actions"]
    assert [element.get("url") for element in row["elements"]] == ["https://earful.example/do/token", ENTRY.url]


def test_an_edit_replaces_the_message_for_everyone(slack: FakeSlack) -> None:
    channel = bot(slack)
    receipt = channel.send(ALERT, "#care")
    channel.edit(
        replace(ALERT, revision=1, entries=(replace(ENTRY, standing="taken by Ana, 09:16"),)), "#care", receipt
    )
    (message,) = slack.messages
    assert "taken by Ana, 09:16" in slack.reads(message)
    assert message["metadata"]["event_payload"]["revision"] == 1
    assert [line["method"] for line in slack.accepted] == ["chat.postMessage", "chat.update"]


def test_an_edit_that_is_too_large_is_made_short_at_once(slack: FakeSlack) -> None:
    channel = bot(slack)
    receipt = channel.send(ALERT, "#care")
    slack.misbehave("error:msg_blocks_too_long")
    channel.edit(replace(ALERT, revision=1), "#care", receipt)
    assert slack.messages[0]["blocks"] == []


def test_an_edit_of_a_message_that_is_gone_is_given_up(slack: FakeSlack) -> None:
    channel = bot(slack)
    receipt = channel.send(ALERT, "#care")
    slack.messages.clear()
    with pytest.raises(ChannelError) as caught:
        channel.edit(ALERT, "#care", receipt)
    assert (caught.value.permanent, caught.value.gone) == (True, True)


@pytest.mark.parametrize("code", ["edit_window_closed", "cant_update_message"])
def test_an_edit_that_slack_does_not_allow_leaves_a_message_that_says_what_was(slack: FakeSlack, code: str) -> None:
    channel = bot(slack)
    receipt = channel.send(ALERT, "#care")
    slack.misbehave(f"error:{code}")
    with pytest.raises(ChannelError) as caught:
        channel.edit(ALERT, "#care", receipt)
    assert (caught.value.permanent, caught.value.gone) == (True, False)


@pytest.mark.parametrize("code", ["invalid_blocks", "msg_blocks_too_long"])
def test_a_follow_up_whose_blocks_slack_refuses_is_said_plainly_in_the_thread(slack: FakeSlack, code: str) -> None:
    channel = bot(slack)
    receipt = channel.send(ALERT, "#care")
    slack.misbehave(f"error:{code}")
    channel.follow_up(replace(ALERT, key="case:12/2"), "#care", receipt)
    root, reply = slack.messages
    assert (reply["thread_ts"], reply.get("blocks")) == (root["ts"], None)
    assert ENTRY.excerpt in slack.reads(reply)


def test_a_follow_up_goes_into_the_thread_and_is_found_there(slack: FakeSlack) -> None:
    channel = bot(slack)
    receipt = channel.send(ALERT, "#care")
    reminder = replace(ALERT, key="case:12/2", title="Reminder")
    sent = channel.follow_up(reminder, "#care", receipt)
    assert slack.messages[1]["thread_ts"] == slack.messages[0]["ts"]
    assert channel.look_up("case:12/2", 0, "#care", recently(), within=receipt) == sent
    assert channel.look_up("case:12/3", 0, "#care", recently(), within=receipt) is None


def test_what_was_accepted_before_the_line_broke_is_found_by_a_fresh_process(slack: FakeSlack) -> None:
    """The case that must not be said twice: the old process is gone, and the channel is known only by its name."""
    slack.misbehave("drop")
    with pytest.raises(ChannelError) as caught:
        bot(slack).send(ALERT, "#care")
    assert caught.value.outcome_unknown
    fresh = bot(slack)
    found = fresh.look_up(ALERT.key, 0, "#care", recently())
    assert found is not None
    fresh.edit(replace(ALERT, revision=1), "#care", found)
    assert len(slack.messages) == 1


def test_what_never_left_is_not_found(slack: FakeSlack) -> None:
    slack.misbehave("lose")
    channel = bot(slack)
    with pytest.raises(ChannelError):
        channel.send(ALERT, "#care")
    assert channel.look_up(ALERT.key, 0, "#care", recently()) is None


def test_a_look_up_reads_every_page(slack: FakeSlack) -> None:
    slack.page_size = 3
    channel = bot(slack)
    receipt = channel.send(ALERT, "#care")
    for number in range(10):
        channel.send(replace(ALERT, key=f"other:{number}"), "#care")
    assert channel.look_up(ALERT.key, 0, "#care", recently()) == receipt
    assert sum(method == "conversations.history" for method, _ in slack.requests) == 4


def test_a_look_up_finds_a_message_to_one_person(slack: FakeSlack) -> None:
    channel = bot(slack)
    receipt = channel.send(ALERT, "@U0ANA00001")
    assert json.loads(receipt.reference)["channel"].startswith("D")
    assert bot(slack).look_up(ALERT.key, 0, "@U0ANA00001", recently()) == receipt


def test_an_older_revision_is_not_taken_for_a_newer_one(slack: FakeSlack) -> None:
    channel = bot(slack)
    channel.send(ALERT, "#care")
    assert channel.look_up(ALERT.key, 1, "#care", recently()) is None


def test_without_the_scope_a_look_up_is_unsure_and_leaves_the_channel_open() -> None:
    with FakeSlack(scopes=("chat:write",)) as slack:
        channel = bot(slack)
        channel.send(ALERT, "C0CARE0001")
        with pytest.raises(ChannelError) as caught:
            channel.look_up(ALERT.key, 0, "C0CARE0001", recently())
        assert caught.value.outcome_unknown
        assert not caught.value.channel_broken
        assert "channels:history" in caught.value.message
        assert "channels:history" in channel.check()


def test_a_look_up_that_cannot_see_our_metadata_is_unsure(slack: FakeSlack) -> None:
    """Slack leaves metadata out without a word: "not there" would then be a guess, and a guess repeats messages."""
    channel = bot(slack)
    channel.send(ALERT, "#care")
    slack.hide_metadata = True
    with pytest.raises(ChannelError) as caught:
        channel.look_up(ALERT.key, 0, "#care", recently())
    assert caught.value.outcome_unknown


@pytest.mark.parametrize(
    ("mode", "flag", "remedy"),
    [
        ("error:token_revoked", "channel_broken", "bot token"),
        ("error:account_inactive", "channel_broken", "bot token"),
        ("error:channel_not_found", "target_broken", "invite the bot"),
        ("error:not_in_channel", "target_broken", "invite the bot"),
        ("error:is_archived", "target_broken", "unarchive"),
        ("error:user_disabled", "target_broken", "someone else"),
        ("error:restricted_action", "target_broken", "admin"),
        ("error:missing_scope", "channel_broken", "scope"),
        ("error:invalid_blocks", "too_large", ""),
        ("error:msg_too_long", "too_large", ""),
        ("error:metadata_too_large", "too_large", ""),
        ("error:internal_error", "", ""),
        ("error:fatal_error", "", ""),
        ("error:service_unavailable", "", ""),
        ("error:an_error_of_next_year", "", ""),
        ("error:<b>not a code</b>", "", ""),
        ("500", "", ""),
        ("503", "", ""),
        ("504", "outcome_unknown", ""),
        ("html", "", ""),
        ("redirect", "", ""),
        ("nonsense", "", ""),
        ("truncated", "", ""),
        ("drip", "outcome_unknown", ""),
    ],
)
def test_each_refusal_has_its_meaning(slack: FakeSlack, mode: str, flag: str, remedy: str) -> None:
    slack.misbehave(mode)
    with pytest.raises(ChannelError) as caught:
        bot(slack).send(ALERT, "#care")
    error = caught.value
    names = ("permanent", "channel_broken", "target_broken", "outcome_unknown", "too_large")
    assert [name for name in names if getattr(error, name)] == ([flag] if flag else [])
    assert remedy in error.remedy
    assert "<" not in error.message


@pytest.mark.parametrize(
    ("mode", "seconds"),
    [("429:30", 30), ("429", 30), ("429:-5", 30), ("429:soon", 30), ("429:999999", 3600), ("error:ratelimited", 30)],
)
def test_asked_to_wait_it_says_how_long_within_reason(slack: FakeSlack, mode: str, seconds: float) -> None:
    slack.misbehave(mode)
    with pytest.raises(ChannelError) as caught:
        bot(slack).send(ALERT, "#care")
    assert caught.value.retry_after == seconds
    assert slack.accepted == []


def test_a_dead_connection_is_tried_once(slack: FakeSlack) -> None:
    """slack_sdk by itself posts again after a broken connection: that is how messages come twice."""
    slack.misbehave("drop")
    with pytest.raises(ChannelError):
        bot(slack).send(ALERT, "#care")
    assert len(slack.requests) == 1


def test_foreign_words_ping_nobody(slack: FakeSlack) -> None:
    text = "<!channel> <@U012AB3CD> <https://evil.example|bank>"
    entry = Entry("12", text, text, (text,), standing=text, actions=(Action("take", text, "12"),))
    channel = bot(slack)
    for plain in (False, True):
        alert = replace(ALERT, title=text, entries=(entry,), also=(Line(text),), more=1, footer=text, reason=text)
        channel.send(alert, "#care", plain=plain)
    channel.send(Letter("digest:1", text, text, text), "#care")
    hook(slack).send(ALERT, "")
    assert [slack.control_sequences(message) for message in slack.messages] == [[]] * 4


def test_only_configured_people_are_mentioned(slack: FakeSlack) -> None:
    ping = ("U012AB3CD", "@W012AB3CD", "S012AB3CD", "here", "<!channel>", "anna")
    bot(slack).send(replace(ALERT, ping=ping), "#care")
    assert set(slack.control_sequences(slack.messages[0])) == {
        "<@U012AB3CD>",
        "<@W012AB3CD>",
        "<!subteam^S012AB3CD>",
        "<!here>",
    }


def test_sixty_long_entries_fit_and_the_rest_is_counted(slack: FakeSlack) -> None:
    entries = tuple(replace(ENTRY, case_id=str(n), headline=f"@person{n} " + "&" * 200) for n in range(60))
    also = tuple(Line(f"@also{n}: " + "x" * 500) for n in range(500))
    bot(slack).send(replace(ALERT, entries=entries, also=also, more=10_000), "#care")
    read = slack.reads(slack.messages[0])
    assert "@person0" in read
    assert "more" in read
    assert slack.reads(slack.messages[0]).count("@person") >= 5


@settings(deadline=None)  # whoever shares this machine decides how long it takes
@given(st.sampled_from(HOSTILE), st.integers(1, 12), st.integers(0, 30), st.booleans())
def test_whatever_is_said_slack_would_take_it(text: str, entries: int, also: int, plain: bool) -> None:
    entry = Entry("12", text, text, (text, text), text, text, "critical", text, (*OPEN, Action("more", text, "12")))
    alert = Alert("k", text, text, (entry,) * entries, 9, (Line(text),) * also, (text[:90],) * 300, (text[:90],), text)
    made = blocks.message(alert, plain=plain)
    said = {"text": made.text, "blocks": made.blocks, "metadata": made.metadata}
    assert _fault(said) == ""
    assert len(json.dumps(made.blocks, ensure_ascii=False).encode()) <= 12_000


def test_the_naughty_strings_all_arrive(slack: FakeSlack) -> None:
    corpus = Path(__file__).parents[3].parent / "shared" / "data" / "hostile" / "naughty_strings.json"
    if not corpus.exists():
        pytest.skip("NOT TESTED: ../shared/data/hostile is not here")
    channel = bot(slack)
    strings = [text for text in _strings(json.loads(corpus.read_text("utf-8"))) if isinstance(text, str)]
    for start in range(0, len(strings), 5):
        entries = tuple(Entry(str(n), text, text, (text,)) for n, text in enumerate(strings[start : start + 5]))
        channel.send(replace(ALERT, entries=entries, title=strings[start]), "#care")
    assert len(slack.messages) == -(-len(strings) // 5)
    assert all(slack.control_sequences(message) == [] for message in slack.messages)


def _strings(thing: object) -> Iterator[object]:
    if isinstance(thing, dict):
        thing = list(thing.values())
    if isinstance(thing, list):
        for part in thing:
            yield from _strings(part)
    else:
        yield thing


def test_an_incoming_webhook_posts_and_says_what_it_cannot_do(slack: FakeSlack) -> None:
    channel = hook(slack)
    assert not isinstance(channel, Editor)
    assert not isinstance(channel, LooksUp)
    assert channel.send(ALERT, "").reference == ""
    said = channel.check()
    assert "not edit" in said
    assert len(slack.messages) == 1
    assert "Charged twice again" in slack.reads(slack.messages[0])


@pytest.mark.parametrize(
    ("mode", "flag"),
    [("429:7", ""), ("500", ""), ("html", ""), ("drop", "outcome_unknown"), ("hang", "outcome_unknown")],
)
def test_a_webhook_that_fails_is_told_apart(slack: FakeSlack, mode: str, flag: str) -> None:
    slack.misbehave(mode)
    with pytest.raises(ChannelError) as caught:
        hook(slack).send(ALERT, "")
    assert caught.value.outcome_unknown == (flag == "outcome_unknown")
    assert "fake-hook-secret" not in f"{caught.value!r} {caught.value.__context__!r}"


def test_a_revoked_webhook_wants_a_person(slack: FakeSlack) -> None:
    gone = Slack(Settings(webhook_url=SecretStr(slack.webhook_url.replace("/services/", "/gone/")), timeout=1.0))
    slack.misbehave("error:no_service")
    with pytest.raises(ChannelError) as caught:
        gone.send(ALERT, "")
    assert caught.value.message


def test_check_says_what_is_missing(slack: FakeSlack) -> None:
    assert bot(slack).check() == "connected to Harbour Tea as earful"
    assert "no app_token" in bot(slack, app_token=None).check()
    with pytest.raises(ChannelError, match="the buttons don't work: Slack: invalid_auth") as caught:
        bot(slack, app_token="xapp-revoked-secret").check()
    assert "connections:write" in caught.value.remedy
    with pytest.raises(ChannelError, match="another `team`") as caught:
        bot(slack, team="T0SOMEBODY").check()
    assert caught.value.remedy


def test_people_and_groups_can_be_asked_for(slack: FakeSlack) -> None:
    assert bot(slack).person("U0ANA00001") == "Ana Example"
    assert bot(slack).members("S0CARE0001") == {"U0ANA00001", "U0BEN00001"}


@pytest.mark.parametrize(
    ("given", "write"),
    [
        ({}, "write token = "),
        ({"token": "xoxb-secret", "webhook_url": "https://x"}, "keep either token or webhook_url"),
        ({"webhook_url": "hooks-secret"}, "webhook_url is not an http"),
    ],
)
def test_settings_that_cannot_work_are_refused_without_their_secrets(given: dict[str, str], write: str) -> None:
    with pytest.raises(ValidationError, match=write) as caught:
        Settings.model_validate(given)
    assert "secret" not in str(caught.value).replace("SecretStr", "")


def test_a_letter_becomes_its_subject_and_its_text(slack: FakeSlack) -> None:
    bot(slack).send(
        Letter("digest:1", "Week 48", "<p>long</p>", "First line\nSecond line\n" + "word " * 5_000), "#care"
    )
    read = slack.reads(slack.messages[0])
    assert read.startswith("Week 48\nFirst line\nSecond line")


def test_the_fake_remembers_over_a_restart(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    with FakeSlack(ledger=ledger) as slack:
        receipt = bot(slack).send(ALERT, "#care")
    with FakeSlack(ledger=ledger) as slack:
        assert bot(slack).look_up(ALERT.key, 0, "#care", recently()) == receipt
