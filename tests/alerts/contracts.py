"""What every channel must keep, as values: one entry a kind, taken in by `test_contract.py`.

The recipe for a new channel, three steps:

1. `alerts/<kind>.py` with `Settings` and the class, and its line in `alerts.KINDS`;
2. `tests/alerts/contract_<kind>.py` with one name, `CONTRACT = ChannelContract(...)`;
3. run `pytest tests/alerts/test_contract.py`: it finds the file by its name, nothing else has to be changed.

A contract opens a *stage*: the real channel, set up through its real `Settings`, sending to a stand-in that this test
started on 127.0.0.1 (a fake, never a mock). For example:

    @contextmanager
    def open_stage(folder: Path) -> Iterator[Stage]:
        with FakeCarrier() as carrier:                                   # a loopback server, port 0
            channel = Pigeon(Settings(api_url=carrier.url, token=SecretStr(SECRET), timeout=1.0))
            yield Stage(
                channel=channel,
                target="pigeon:#roof",
                arrived=lambda: [letter.text for letter in carrier.accepted],
                misbehave=carrier.next_answer,                           # called with one of the names in FAULTS
                secrets=(SECRET,),
            )

    CONTRACT = ChannelContract(kind="pigeon", open_stage=open_stage, cannot={"too_large": "a pigeon carries anything"})

`arrived()` gives, oldest first, the text a person would read of each message that has really arrived: decoded and
unescaped, a mail as its subject, a line end, and its plain part. A message that was edited is given as it stands now.
`misbehave(fault)` makes the very next thing that is sent meet that fault, and only that one:

    refused      the far side no longer takes our credentials          -> channel_broken, with a remedy
    busy         it asks us to come back later                          -> transient (no flag), retry_after if it said
    broken       it answers with an error of its own, or with nonsense  -> transient, and nothing has arrived
    down         connection refused                          -> transient: it cannot have arrived
    drops        it takes the message, and the line dies before a word  -> outcome_unknown
    hangs        it takes the message, and never says anything          -> outcome_unknown, by its own deadline
    too_large    it will not take a message of this size                -> too_large

A fault that a channel cannot meet stands in `cannot` with its reason; every other one is tested. Keep time limits in a
stage's settings short (a second), so that `hangs` is over soon. Set `letter_words` to False where a Letter arrives as
its subject only.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from alerts import Channel

Fault = Literal["refused", "busy", "broken", "down", "drops", "hangs", "too_large"]
FAULTS: tuple[Fault, ...] = get_args(Fault)


@dataclass(frozen=True)
class Stage:
    """A real channel in front of a stand-in; lives for one test."""

    channel: Channel
    target: str
    arrived: Callable[[], list[str]]
    misbehave: Callable[[Fault], None]
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True)
class ChannelContract:
    """How `test_contract.py` puts one kind on a stage, and which faults it cannot meet, each with the reason."""

    kind: str
    open_stage: Callable[[Path], AbstractContextManager[Stage]]
    cannot: dict[Fault, str] = field(default_factory=dict)
    letter_words: bool = True
    needs: str = ""  # a distribution that must be installed (an extra of ours); its tests are skipped loudly without it
