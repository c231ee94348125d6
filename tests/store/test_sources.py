"""Which sources are to be read now."""

from __future__ import annotations

from datetime import timedelta

from monitor.store import sources
from monitor.store.database import Database
from tests.helpers import NOW


def test_only_what_is_due_is_given_and_nothing_of_what_rests(database: Database) -> None:
    hour = timedelta(hours=1)
    for name in ("new", "later", "paused", "refused", "closed", "ahead", "own"):
        sources.know(database, name, "x", "mark")
        if name != "new":
            for what in ("posts", "own", "talk"):
                sources.set_due(database, name, what, NOW + hour)
    sources.pause(database, "paused", NOW, "Ana")
    sources.set_due(database, "paused", "posts", NOW - hour)
    sources.failed(database, "refused", NOW - 30 * hour, "no", "", refused=True)
    sources.set_due(database, "refused", "posts", NOW - hour)
    sources.failed(database, "closed", NOW - 25 * hour, "no", "", refused=True, closed=True)
    sources.set_due(database, "closed", "posts", NOW - hour)
    sources.succeeded(database, "ahead", NOW + hour, new=False)
    sources.set_due(database, "own", "own", NOW)
    due = sources.due(database, NOW, ["own", "later"], NOW - 24 * hour)
    assert due == [("ahead", True), ("closed", True), ("new", True), ("own", False)]
    assert sources.due(database, NOW, [], NOW - 26 * hour) == [("ahead", True), ("new", True)]
    assert sources.talk_due(database, NOW, ["new", "later", "paused", "refused"]) == ["new"]
    assert sources.talk_due(database, NOW + hour, ["new", "later", "paused", "refused"]) == ["later", "new"]
    assert sources.talk_due(database, NOW, []) == []
