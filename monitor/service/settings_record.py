"""Notes in the audit log that settings changed by their file, and which keys: at a reload, and at a start.

Who wrote the file is not known here. Values are never written: some are secrets, and some are people's names.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from monitor.people.audit import Event, note
from monitor.settings.models import Settings
from monitor.store import key_values
from monitor.store.database import Database

FACT = "settings_fingerprint"  # of the file as it was read last
_NOT_SAID = {"file", "fingerprint", "from_elsewhere", "given", "warnings", "whole"}


def changed_keys(before: Settings, after: Settings) -> list[str]:
    """The keys whose values are others, secrets too."""
    old, new = dict(_values(before, "")), dict(_values(after, ""))
    return sorted(key for key in {*old, *new} if old.get(key) != new.get(key))


def _values(table: BaseModel, prefix: str) -> Iterator[tuple[str, Any]]:
    for name in type(table).model_fields:
        if not prefix and name in _NOT_SAID:
            continue
        # A kind's own keys stand beside the common ones.
        key = prefix if name == "options" else f"{prefix}.{name}" if prefix else name
        value = getattr(table, name)
        if isinstance(value, BaseModel):
            yield from _values(value, key)
        elif isinstance(value, tuple) and value and all(isinstance(each, BaseModel) for each in value):
            for number, each in enumerate(value):
                yield from _values(each, f"{key}[{number}]")
        else:
            yield key, value


def note_settings(database: Database, after: Settings, now: datetime, before: Settings | None = None) -> None:
    """Write a line where settings are not what they were. Without `before`, at a start, the file alone is compared."""
    keys = changed_keys(before, after) if before is not None else []
    known = key_values.fact(database, FACT)
    if not keys and (before is not None or known in {"", after.fingerprint}):
        if known != after.fingerprint:
            key_values.remember(database, FACT, after.fingerprint, now)
        return
    key_values.remember(database, FACT, after.fingerprint, now)
    what = ", ".join(keys) if keys else "changed while the daemon was stopped"
    note(database, Event.SETTINGS, now, way="settings file", about=after.file.name, change=what)
