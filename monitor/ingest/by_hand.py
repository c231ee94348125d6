"""A message in Slack that somebody makes a case of: what came by telephone, in a shop, or where Earful does not read.

It is taken in like any post, under the source "slack", without an author: whoever wrote the message is staff. What the
judge would leave alone is listed all the same, since a person said that it is a case. Said twice it is the same case.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from connectors import Post
from monitor.ingest.pipeline import Intake
from monitor.people.actors import NotPossible, require
from monitor.people.identity import Directory, of_slack
from monitor.store import mentions
from monitor.text.query.matching import brands_in
from monitor.text.query.subject import Subject

SOURCE = "slack"
REASON, TAG = "made a case by hand", "by_hand"


def make_case(intake: Intake, given: Mapping[str, Any], now: datetime) -> str:
    """Make a case of the message of a shortcut; what came of it, in words. Raises NotPossible, in words too."""
    database, settings = intake.database, intake.rules.settings
    who = of_slack(str(given.get("team_id", "")), str(given["user_id"]), str(given["user_name"]))
    require(Directory(database, settings), who, "slack", "take")
    text = str(given.get("note", ""))
    if not text:
        raise NotPossible("this message has no words to make a case of")
    native_id = f"{given['channel']}/{given['message_ts']}"
    brand = next(iter(brands_in(Subject(text), intake.queries)), settings.brands[0].name)
    post = Post(
        source=SOURCE,
        native_id=native_id,
        url=str(given.get("about", "")),
        author="",
        text=text,
        posted_at=_moment(str(given["message_ts"]), now),
    )
    key = mentions.mention_key(database, brand, mentions.post_key(database, SOURCE, native_id))
    before = mentions.one(database, key)
    intake.take([post], now, brand=brand)
    found = mentions.one(database, key)
    if found is None:
        raise NotPossible("this message was deleted here before; it is not taken in again")
    if not found.case_id:
        with database.transaction():
            intake.offer([found], REASON, TAG, now)
        found = mentions.one(database, key)
    if found is None or not found.case_id:
        raise NotPossible("no case could be made of this message")
    page = f"{settings.earful.page_url.rstrip('/')}/cases/{found.case_id}"
    if before is not None and before.case_id:
        return f"this message is case {found.case_id} already: {page}"
    return f"case {found.case_id} is open and unassigned: {page}"


def _moment(stamp: str, now: datetime) -> datetime:
    """When a message was written: Slack's time of it is seconds with a fraction, as text."""
    try:
        return min(datetime.fromtimestamp(float(stamp), UTC), now)
    except (ValueError, OverflowError, OSError):
        return now
