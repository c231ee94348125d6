"""What connectors notice about their source besides posts: told to the operator once while it lasts, and shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from monitor.store import key_values
from monitor.store.database import Database, at, stamp

TELL_AGAIN = timedelta(hours=23)  # once a day, whatever the minute of the read


def tell(
    database: Database,
    tell_operator: Callable[[str, str, str, datetime], None],
    source: str,
    what: str,
    notices: tuple[str, ...],
    whole: bool,
    now: datetime,
) -> None:
    """Tell the operator what the connector noticed: once while it lasts, and at most once a day.

    It is over when a whole walk brings it no more; told later, it is told anew. Inside a transaction, with the
    cursor: some connectors say a thing only when it begins.
    """
    fact = f"notices:{source}:{what}"
    kept = key_values.fact(database, fact)
    if not kept and not notices:
        return
    known: dict[str, Any] = json.loads(kept or '{"told": {}, "walk": []}')
    told, walk = known["told"], known["walk"]
    for notice in notices:
        mark = sha256(notice.encode("utf-8", "replace")).hexdigest()[:16]
        walk.append(mark)
        before = told.get(mark)
        if before is None or (before["over"] and now - at(before["at"]) >= TELL_AGAIN):
            told[mark] = {"at": stamp(now), "over": False, "said": notice}
            tell_operator(f"notice:{source}:{mark}:{stamp(now)}", f"{source}: {notice}", "", now)
    if whole:
        for mark, each in told.items():
            each["over"] = each["over"] or mark not in walk
        walk = []
    still = {mark: each for mark, each in told.items() if not each["over"] or now - at(each["at"]) < TELL_AGAIN}
    text = json.dumps({"told": still, "walk": sorted(set(walk))}) if still or walk else ""
    if text != kept:
        key_values.remember(database, fact, text, now)


def noticed(database: Database, source: str) -> list[str]:
    """What connectors noticed about a source and what still lasts, for people who look."""
    found: list[str] = []
    for what in ("posts", "own"):
        known = json.loads(key_values.fact(database, f"notices:{source}:{what}") or "{}")
        found += [each["said"] for each in known.get("told", {}).values() if not each["over"] and each.get("said")]
    return list(dict.fromkeys(found))
