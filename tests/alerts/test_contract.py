"""One contract over all channels: what alerting may rely on, whichever way people are told. See `contracts.py`."""

from __future__ import annotations

import importlib
import io
import logging
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import BaseModel

from alerts import KINDS, Alert, ChannelError, Editor, Entry, Letter, Line, LooksUp, Receipt
from tests.alerts import contracts
from tests.alerts.contracts import FAULTS, ChannelContract, Fault, Stage
from tests.alerts.hostile import HOSTILE

ALERT = Alert(
    key="case:12/1",
    reason="opened",
    title="Harbour Tea: somebody waits for an answer",
    entries=(
        Entry(
            case_id="12",
            headline="@customer on X, third time in 30 days · posted 14:02",
            excerpt="Charged twice again, cancelling if nobody replies",
            facts=("says: cancelling", "3 Nov never answered"),
            url="https://social.example/customer/status/1",
            priority="urgent",
        ),
    ),
    mentions=("mention-1", "mention-2"),
    footer="target: 1 hour",
    thread="case:12",
    priority="urgent",
)
LETTER = Letter(
    key="digest:2026-W48/1",
    subject="Harbour Tea, week 48: 3 still wait",
    html="<p>Three people still wait for an answer.</p>",
    text="Three people still wait for an answer.\n",
)


def contract_of(kind: str) -> ChannelContract:
    """Find the entry of a kind by its file name."""
    try:
        module = importlib.import_module(f"tests.alerts.contract_{kind}")
    except ModuleNotFoundError as error:
        if error.name != f"tests.alerts.contract_{kind}":
            raise
        pytest.fail(
            f"alerts.KINDS has {kind!r}, but tests/alerts/contract_{kind}.py is missing. {contracts.__doc__}",
            pytrace=False,
        )
    contract: ChannelContract = module.CONTRACT
    return contract


@pytest.fixture(params=sorted(KINDS))
def contract(request: pytest.FixtureRequest) -> ChannelContract:
    found = contract_of(request.param)
    if found.needs:
        pytest.importorskip(
            found.needs, reason=f"NOT TESTED: the {found.kind} channel, for {found.needs} is not installed"
        )
    return found


@pytest.fixture
def stage(contract: ChannelContract, tmp_path: Path) -> Iterator[Stage]:
    with contract.open_stage(tmp_path) as opened:
        yield opened


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """Everything that a log file would hold at its most talkative. (caplog also reads loggers that print nothing.)"""
    root, written = logging.getLogger(), io.StringIO()
    handler, level = logging.StreamHandler(written), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield written
    root.removeHandler(handler)
    root.setLevel(level)


def deliver(stage: Stage, alert: Alert) -> Receipt:
    """Send as alerting does: once more, short and plain, when the first form is too large."""
    try:
        return stage.channel.send(alert, stage.target)
    except ChannelError as error:
        if not error.too_large:
            raise
        return stage.channel.send(alert, stage.target, plain=True)


def words(text: str) -> str:
    """Fold the places where a channel may break a line."""
    return re.sub(r"\s+", " ", text)


def test_every_kind_has_its_contract() -> None:
    for kind in KINDS:
        assert contract_of(kind).kind == kind


def test_a_kind_without_a_contract_is_told_the_recipe() -> None:
    with pytest.raises(pytest.fail.Exception, match="The recipe for a new channel"):
        contract_of("carrier_pigeon")


def test_settings_are_frozen_closed_and_explained(contract: ChannelContract) -> None:
    settings = importlib.import_module(KINDS[contract.kind].partition(":")[0]).Settings
    assert issubclass(settings, BaseModel)
    assert settings.model_config.get("frozen") is True
    assert settings.model_config.get("extra") == "forbid"
    unexplained = [name for name, field in settings.model_fields.items() if not field.description]
    assert unexplained == [], "every setting says in one line what it is for"


def test_an_alert_arrives_once_with_who_the_words_why_and_the_link(stage: Stage) -> None:
    stage.channel.send(ALERT, stage.target)
    (arrived,) = [words(text) for text in stage.arrived()]
    entry = ALERT.entries[0]
    for part in (entry.headline, entry.excerpt, *entry.facts, entry.url):
        assert part in arrived


def test_the_plain_form_still_says_who_and_where_to_answer(stage: Stage) -> None:
    stage.channel.send(ALERT, stage.target, plain=True)
    (arrived,) = [words(text) for text in stage.arrived()]
    assert "@customer on X" in arrived
    assert ALERT.entries[0].url in arrived


def test_a_brief_names_the_worst_lists_the_others_and_counts_the_rest(stage: Stage) -> None:
    entries = tuple(replace(ALERT.entries[0], case_id=str(n), headline=f"@worst{n} on X") for n in range(5))
    brief = replace(
        ALERT, entries=entries, also=(Line("@sixth on X: late"), Line("@seventh on X: broken")), more=997, kind="brief"
    )
    stage.channel.send(brief, stage.target)
    (arrived,) = [words(text) for text in stage.arrived()]
    for part in ("@worst0", "@worst4", "@sixth on X: late", "@seventh on X: broken", "995"):
        assert part in arrived


def test_a_letter_arrives(stage: Stage, contract: ChannelContract) -> None:
    stage.channel.send(LETTER, stage.target)
    (arrived,) = [words(text) for text in stage.arrived()]
    assert LETTER.subject in arrived
    if contract.letter_words:
        assert LETTER.text.strip() in arrived


def test_check_answers_in_one_line_and_tells_nobody(stage: Stage) -> None:
    said = stage.channel.check()
    assert said
    assert "\n" not in said
    assert stage.arrived() == []
    assert not any(secret in said for secret in stage.secrets)


FIELDS = ("headline", "excerpt", "facts", "title", "footer", "standing", "also", "url")
SHORT = tuple(text for text in HOSTILE if len(text) < 1_000)
LONG = tuple(text for text in HOSTILE if len(text) >= 1_000)  # what is too large is cut, and would hide the others


def test_hostile_text_in_any_field_is_delivered(stage: Stage) -> None:
    """NUL, lone surrogates, line separators, pings, markup, a megabyte: cleaned or cut, never undeliverable.

    Each short text comes once in each field, beside others in the other fields; each long one alone.
    """
    alerts = []
    for number in range(len(SHORT)):
        alert = ALERT
        for place, field in enumerate(FIELDS):
            alert = with_text(alert, field, SHORT[(number + place) % len(SHORT)])
        alerts.append(alert)
    alerts += [with_text(ALERT, field, text) for field in FIELDS for text in LONG]
    for number, alert in enumerate(alerts):
        deliver(stage, replace(alert, key=f"hostile:{number}"))
    arrived = stage.arrived()
    assert len(arrived) == len(alerts)
    for text in arrived:
        assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]", text)


def with_text(alert: Alert, field: str, text: str) -> Alert:
    """Put one hostile text into one field of an alert."""
    if field in {"title", "footer"}:
        return replace(alert, **{field: text})
    if field == "also":
        return replace(alert, also=(Line(text), Line(text)), more=2)
    value = (text, text) if field == "facts" else text
    return replace(alert, entries=(replace(alert.entries[0], **{field: value}),))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_told_as_what_it_is(
    stage: Stage, contract: ChannelContract, fault: Fault, logged: io.StringIO
) -> None:
    """Alerting decides by these flags alone whether to wait, look up, shorten, or call a person."""
    if fault in contract.cannot:
        assert contract.cannot[fault].strip()
        return
    stage.misbehave(fault)
    with pytest.raises(ChannelError) as caught:
        stage.channel.send(ALERT, stage.target)
    error = caught.value
    names = ("permanent", "channel_broken", "target_broken", "outcome_unknown", "too_large")
    flags = {name for name in names if getattr(error, name)}
    expected = {
        "refused": {"channel_broken"},
        "drops": {"outcome_unknown"},
        "hangs": {"outcome_unknown"},
        "too_large": {"too_large"},
    }
    assert flags == expected.get(fault, set()), error.message
    assert error.message
    if fault == "refused":
        assert error.remedy, "a person has to act: say what to do"
    causes = f"{error.__cause__!r} {error.__context__!r}"
    told = f"{error} {error!r} {error.remedy} {causes} {logged.getvalue()} {stage.channel!r}"
    for secret in stage.secrets:
        assert secret not in told
    assert ALERT.entries[0].excerpt not in f"{error} {error.remedy} {logged.getvalue()}"


def test_after_a_fault_the_next_message_goes_through(stage: Stage, contract: ChannelContract) -> None:
    if "busy" in contract.cannot:
        return
    stage.misbehave("busy")
    with pytest.raises(ChannelError):
        stage.channel.send(ALERT, stage.target)
    stage.channel.send(ALERT, stage.target)
    assert len(stage.arrived()) == 1


def test_threads_may_send_at_the_same_time(stage: Stage) -> None:
    failures: list[Exception] = []

    def send(number: int) -> None:
        try:
            entry = replace(ALERT.entries[0], headline=f"@number{number}. on X")
            stage.channel.send(replace(ALERT, key=f"case:{number}/1", entries=(entry,)), stage.target)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    arrived = stage.arrived()
    assert len(arrived) == 8
    for number in range(8):
        assert sum(f"@number{number}. on X" in words(text) for text in arrived) == 1


def test_the_pace_and_the_power_to_wake_are_stated(stage: Stage) -> None:
    assert stage.channel.seconds_between >= 0
    assert stage.channel.wakes in {True, False}


def test_an_editor_changes_its_message_in_place(stage: Stage) -> None:
    channel = stage.channel
    if not isinstance(channel, Editor):
        return
    receipt = channel.send(ALERT, stage.target)
    before = len(stage.arrived())
    taken = replace(ALERT, revision=1, entries=(replace(ALERT.entries[0], standing="taken by Ana, 09:16"),))
    again = channel.edit(taken, stage.target, receipt)
    assert again.reference
    arrived = stage.arrived()
    assert "taken by Ana, 09:16" in words(arrived[-1])
    if before == len(arrived):
        channel.follow_up(replace(ALERT, key="case:12/2"), stage.target, receipt)
        assert len(stage.arrived()) == before + 1


def test_a_look_up_finds_what_arrived_and_nothing_else(stage: Stage) -> None:
    channel = stage.channel
    if not isinstance(channel, LooksUp):
        return
    receipt = channel.send(ALERT, stage.target)
    since = datetime.now(UTC) - timedelta(minutes=1)
    found = channel.look_up(ALERT.key, 0, stage.target, since)
    assert found == receipt
    assert channel.look_up("case:13/1", 0, stage.target, since) is None
