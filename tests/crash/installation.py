"""One small installation for the crash walk: its settings, and the far sides with their ledgers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from tests.crash.play import EARLY, LATE, NOW, REPLY
from tests.fakes.server import Seen
from tests.fakes.slack import FakeSlack
from tests.fakes.smtp import FakeSmtp
from tests.world import FarSide, far_side

TABLES = """
[[brands]]
name = "Harbour Tea"
query = '"Harbour Tea"'
accounts = {{ hn = ["harbourtea"] }}
[[sources]]
name = "hn"
kind = "hackernews"
api_url = "{network}/api/v1"
page_size = 6
overlap = "1s"
every = "4m"
own_every = "4m"
[[people]]
name = "Ana"
slack = "U0ANA00001"
shifts = [{{ days = ["sun"], start = "09:00", end = "17:00" }}]
[[people]]
name = "Ben"
slack = "U0BEN00001"
targets = ["email:ben@harbourtea.example"]
[alerts]
notify = ["slack:#care", "email:care@harbourtea.example"]
group_wait = "0s"
edit_every = "30s"
messages_per_hour = 50
"""


@dataclass
class Installation:
    """A folder with settings, and the far sides with their ledgers."""

    folder: Path
    settings: Path
    far: FarSide

    @property
    def slack(self) -> FakeSlack:
        """What staff were told in Slack."""
        return self.far.slack

    @property
    def smtp(self) -> FakeSmtp:
        """What staff were told by mail."""
        return self.far.smtp

    @property
    def environ(self) -> Mapping[str, str]:
        """The secrets."""
        return self.far.environ


def _search(folder: Path) -> Any:
    """Answer as the search does: newest first, within the window; what is not written yet is not shown."""

    def answer(seen: Seen) -> dict[str, Any]:
        now = int(datetime.fromisoformat((folder / "clock").read_text("utf-8")).timestamp())
        lowest, highest = 0, now
        for part in seen.one("numericFilters").split(","):
            if part.startswith("created_at_i>="):
                lowest = int(part.removeprefix("created_at_i>=")) - 1
            elif part.startswith("created_at_i>"):
                lowest = int(part.removeprefix("created_at_i>"))
            elif part.startswith("created_at_i<="):
                highest = min(highest, int(part.removeprefix("created_at_i<=")))
        hits = [REPLY] if "author_harbourtea" in seen.one("tags") else [*LATE, *EARLY]
        if "story_" in seen.one("tags"):  # a conversation
            story = int(seen.one("tags").rpartition("story_")[2])
            hits = [each for each in (REPLY, *LATE, *EARLY) if each["story_id"] == story]
        size, page = int(seen.one("hitsPerPage", "100")), int(seen.one("page", "0"))
        fitting = sorted(
            (each for each in hits if lowest < each["created_at_i"] <= highest), key=lambda each: -each["created_at_i"]
        )
        return {"hits": fitting[page * size : (page + 1) * size], "hitsPerPage": size, "page": page}

    return answer


def _presses(folder: Path, slack: FakeSlack) -> None:
    """Ben presses once the run says which button there is; Slack says it to every new connection until it is heard."""
    asked, heard = folder / "pressing", folder / "pressed"
    if asked.exists() and not heard.exists():
        case_id = asked.read_text("utf-8")
        _name, acknowledged = slack.press(
            case_id, "less", chosen="dismiss:spam", user="U0BEN00001", name="ben", envelope_id="envelope-2"
        )
        if acknowledged:
            heard.touch()


@contextmanager
def installation(folder: Path) -> Iterator[Installation]:
    """Make one in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "clock").write_text(NOW.isoformat(), "utf-8")
    with far_side() as far:
        far.network.route("/api/v1/search_by_date", _search(folder))
        far.slack.on_connect = partial(_presses, folder, far.slack)
        yield Installation(folder, far.settings(folder, TABLES), far)
