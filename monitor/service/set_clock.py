"""A clock that is set from outside, for trials of a whole daemon: days that go by in seconds.

EARFUL_CLOCK in the environment names a file of one line, `MOMENT AT RATE`: at AT (seconds since 1970 by this machine's
clock) it is MOMENT, and from there time goes by RATE times as fast. Whoever sets it writes the file anew and renames it
into place. Without the variable, and no service has it, nothing here is looked at; with it the daemon says so, loudly,
since what is due, what is late and what is old enough to be removed all go by this clock.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitor.settings.errors import Fault, SettingsError

VARIABLE = "EARFUL_CLOCK"
_FILE = os.environ.get(VARIABLE, "")  # of this process's start: nobody turns it on later


def named() -> str:
    """The file that sets the clock; empty where nothing does."""
    return _FILE


def shown(real: datetime) -> datetime:
    """What the clock shows when it is `real` by this machine's."""
    return read(Path(_FILE), real) if _FILE else real


def read(file: Path, real: datetime) -> datetime:
    """What the clock in a file shows. Raises SettingsError where there is none: to guess a time would be worse."""
    try:
        moment, at, rate = file.read_text("ascii").split()
        began = datetime.fromisoformat(moment).astimezone(UTC)
        return began + timedelta(seconds=(real.timestamp() - float(at)) * float(rate))
    except (OSError, ValueError, TypeError, OverflowError) as error:
        found = f"no clock ({type(error).__name__})"
        raise SettingsError((Fault(VARIABLE, None, str(file), found, "unset it; it is for tests only"),)) from None
