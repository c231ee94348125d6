"""A database that is damaged or gone: it is told on every channel, once, without a database.

The outbox lies in the very file that is lost. So each channel is called directly, and whom it reached is written into
a file beside the database, so that a process that is started again and again says it once.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from alerts import Alert, Channel
from monitor.settings.models import Settings
from monitor.store.connect import reason
from monitor.store.sqlite import Sqlite
from monitor.timeouts import within
from monitor.wiring import channels_of

log = logging.getLogger("earful.daemon")

TOLD_WITHIN = 20.0  # seconds, for each target; they are told side by side
REMEDY = (
    "nothing is read and nobody is alerted until you act. Check the disk, restore the last backup "
    "(earful restore FILE) and start Earful again"
)


def mark_of(path: Path) -> Path:
    """Where it stands whom the damage of this database was told."""
    return path.with_name(f"{path.name}.damage-told")


def found(database: object) -> str:
    """What is wrong with the open file, in words; empty where nothing is, or where it is no file."""
    if not isinstance(database, Sqlite):
        return ""
    return f"is damaged ({database.damage})" if database.damage else database.lost()


def clear(database: object) -> str:
    """At a start: forget what was told, if the file is sound again; else what is wrong with it."""
    if not isinstance(database, Sqlite) or not mark_of(database.path).exists():
        return ""
    wrong = database.is_sound()
    if wrong:
        return f"is damaged ({wrong})"
    mark_of(database.path).unlink(missing_ok=True)
    log.warning("%s, reported damaged or gone, is fine; continuing with it", database.path)
    return ""


def tell(settings: Settings, path: Path, what: str, now: datetime) -> list[str]:
    """Tell everybody whom it was not told before; the targets that took it."""
    log.critical("%s %s; %s", path, what, REMEDY)
    before = _told(path)
    targets = [each for each in _targets(settings) if each not in before]
    if not targets:
        return []
    key = hashlib.sha256(f"{path}:{now:%Y-%m-%d}:{what}".encode("utf-8", "replace")).hexdigest()[:32]
    alert = Alert(
        key=key,
        reason="notice",
        title=f"Earful has stopped: its database {path.name} {what}",
        entries=(),
        footer=f"To do: {REMEDY}",
        thread="notice:damage",
        kind="notice",
        urgent=True,
    )
    channels = channels_of(settings)
    with ThreadPoolExecutor(min(len(targets), 16)) as pool:
        took = list(pool.map(lambda target: _send(channels, alert, target), targets))
    reached = [target for target, said in zip(targets, took, strict=True) if said]
    _write(path, [*before, *reached], what, now)
    return reached


def _targets(settings: Settings) -> list[str]:
    """The operator; and on channels that the operator does not use, whoever is told there first."""
    found = dict.fromkeys(settings.operator)
    used = {target.partition(":")[0] for target in found}
    for target in (*settings.alerts.fallback, *settings.alerts.notify):
        channel = target.partition(":")[0]
        if channel not in used:
            used.add(channel)
            found[target] = None
    return list(found)


def _send(channels: Mapping[str, Channel], alert: Alert, target: str) -> bool:
    name, _, where = target.partition(":")
    channel = channels.get(name)
    if channel is None:
        return False
    try:
        within(TOLD_WITHIN, lambda: channel.send(alert, where), f"damage-{name}")
    except Exception as error:  # noqa: BLE001 - one channel that fails must keep none of the others from it
        log.error("can't report the damage to %s: %s", name, reason(error))
        return False
    return True


def _told(path: Path) -> list[str]:
    try:
        said = json.loads(mark_of(path).read_text("utf-8"))
    except (OSError, ValueError):
        return []
    listed = said.get("told") if isinstance(said, dict) else None
    return [str(each) for each in listed] if isinstance(listed, list) else []


def _write(path: Path, told: list[str], what: str, now: datetime) -> None:
    try:
        opened = os.open(mark_of(path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(opened, "w", encoding="utf-8") as file:
            file.write(json.dumps({"told": told, "what": what, "at": now.isoformat()}))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        log.error("can't write %s (%s); the damage may be reported again", mark_of(path), reason(error))
