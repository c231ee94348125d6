"""The outbox: what is to be told to whom, claimed by guarded updates, so that nothing is lost and little is repeated.

A row goes pending -> inflight -> sent, or -> retry, -> unknown (it may have arrived), -> dead. A row that travels in
another message (a brief) names it as its `carrier` and takes over its fate.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

from monitor.store.database import Database, Row, at, by_its_clock, encode, instant, marks, stamp

NOT_NEEDED = "not needed"  # begins the error of a row that an answer overtook: not a dead letter
QUIET = "for the daily list"  # the reason of a notice that makes no noise of its own: it travels in the next list
FORGOTTEN = "its words are forgotten"  # why a message is shown anew
_COLUMNS = (
    "id", "dedupe_key", "about", "story_id", "step", "reason", "channel", "target", "action", "revision", "payload",
    "priority", "urgent", "due_at", "created_at", "state", "thread_of",
)  # fmt: skip
_ADD = (
    f"INSERT INTO deliveries ({', '.join(_COLUMNS)}) VALUES ({', '.join(':' + column for column in _COLUMNS)}) "
    "ON CONFLICT DO NOTHING"
)
_DUE = "(due_at <= :now OR created_at > :now)"  # made in the future: the clock has stepped back since
_BELOW = "thread_of = :root AND thread_of <> ''"  # as the index says it
WAITING = "state IN ('pending', 'retry', 'unknown')"
REFUSED = f"(state = 'dead' AND error NOT LIKE '{NOT_NEEDED}%')"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One thing to be told to one target. `payload` is JSON: what the message spoke of when it was last claimed."""

    id: str
    about: str
    story_id: str
    step: int
    reason: str
    channel: str
    target: str
    action: str
    revision: int
    payload: dict[str, Any]
    priority: str
    urgent: bool
    due_at: datetime
    created_at: datetime
    attempts: int
    fence: int
    claimed_at: datetime | None
    state: str
    sent_at: datetime | None
    error: str
    receipt: str
    carrier: str
    thread_of: str
    plain: bool


def of_row(row: Row) -> Delivery:
    """A row of `deliveries` as a delivery."""
    return Delivery(
        id=row["id"],
        about=row["about"],
        story_id=row["story_id"],
        step=row["step"],
        reason=row["reason"],
        channel=row["channel"],
        target=row["target"],
        action=row["action"],
        revision=row["revision"],
        payload=json.loads(row["payload"] or "{}"),
        priority=row["priority"],
        urgent=bool(row["urgent"]),
        due_at=at(row["due_at"]),
        created_at=at(row["created_at"]),
        attempts=row["attempts"],
        fence=row["fence"],
        claimed_at=instant(row["claimed_at"]),
        state=row["state"],
        sent_at=instant(row["sent_at"]),
        error=row["error"],
        receipt=row["receipt"],
        carrier=row["carrier"],
        thread_of=row["thread_of"],
        plain=bool(row["plain"]),
    )


def new_row(
    *,
    about: str,
    target: str,
    now: datetime,
    due_at: datetime,
    reason: str,
    action: str = "post",
    story_id: str = "",
    step: int = 0,
    revision: int = 0,
    payload: Mapping[str, Any] | None = None,
    priority: str = "normal",
    urgent: bool = False,
    thread_of: str = "",
    key: str = "",
) -> dict[str, Any]:
    """A delivery as its row. The same (about, step, target, action, revision, key) is queued once, ever."""
    dedupe_key = "|".join((about, str(step), target, action, str(revision), key))
    return {
        "id": blake2b(dedupe_key.encode(), digest_size=10).hexdigest(),
        "dedupe_key": dedupe_key,
        "about": about,
        "story_id": story_id,
        "step": step,
        "reason": reason,
        "channel": target.partition(":")[0],
        "target": target,
        "action": action,
        "revision": revision,
        "payload": encode(payload) if payload else "{}",
        "priority": priority,
        "urgent": int(urgent),
        "due_at": stamp(due_at),
        "created_at": stamp(now),
        "state": "pending",
        "thread_of": thread_of,
    }


def notice_row(
    key: str,
    target: str,
    title: str,
    remedy: str,
    now: datetime,
    due_at: datetime | None = None,
    reason: str = "notice",
) -> dict[str, Any]:
    """What Earful says of itself or of somebody's access, to one target; once for each key."""
    return new_row(
        about=f"notice:{key}",
        target=target,
        now=now,
        due_at=due_at or now,
        reason=reason,
        payload={"title": title, "remedy": remedy},
    )


def queue(database: Database, rows: Iterable[Mapping[str, Any]]) -> None:
    """Put deliveries into the outbox; what is queued already is not queued again."""
    # In one order: two who queue the same never wait for each other.
    database.run_many(_ADD, sorted(rows, key=lambda row: row["dedupe_key"]))


def due_targets(database: Database, now: datetime) -> list[tuple[str, str]]:
    """(channel, target) pairs for which something is due."""
    return [
        (row["channel"], row["target"])
        for row in database.rows(
            f"SELECT DISTINCT channel, target FROM deliveries WHERE {WAITING} AND carrier = '' AND {_DUE}",
            {"now": stamp(now)},
        )
    ]


def due(
    database: Database, target: str, now: datetime, limit: int = 2000, *, with_retries: bool = False
) -> list[Delivery]:
    """What is due for a target: edits that people wait for and urgent things first, then the oldest, tried or not.

    `with_retries` adds what was tried and is to be tried again later: a target that was down gets all that it is owed.
    """
    due_now = f"({_DUE} OR state = 'retry')" if with_retries else _DUE
    return [
        of_row(row)
        for row in database.rows(
            f"SELECT * FROM deliveries WHERE {WAITING} AND carrier = '' AND target = :target AND {due_now} "
            "ORDER BY urgent DESC, CASE action WHEN 'edit' THEN 0 ELSE 1 END, "
            "CASE priority WHEN 'critical' THEN 0 WHEN 'urgent' THEN 1 WHEN 'normal' THEN 2 ELSE 3 END, "
            "created_at, due_at, id LIMIT :limit",
            {"target": target, "now": stamp(now), "limit": limit},
        )
    ]


def one(database: Database, delivery: str) -> Delivery | None:
    """One delivery by its id."""
    row = database.row("SELECT * FROM deliveries WHERE id = :id", {"id": delivery})
    return of_row(row) if row else None


def claim(
    database: Database, delivery: Delivery, now: datetime, lease_until: datetime, payload: Mapping[str, Any]
) -> int | None:
    """Mark in flight before the socket is touched; the fence to finish with, None if somebody else was quicker.

    `lease_until` is a time of the database's clock; the fence is the claim's owner: no two ever have the same.
    """
    fence = delivery.fence + 1
    changed = database.run(
        f"UPDATE deliveries SET state = 'inflight', fence = :fence, attempts = attempts + 1, claimed_at = :now, "
        "first_tried_at = CASE WHEN first_tried_at = '' THEN :now ELSE first_tried_at END, "
        f"lease_until = :lease, payload = :payload WHERE id = :id AND fence = :before AND {WAITING}",
        {
            "id": delivery.id,
            "fence": fence,
            "before": delivery.fence,
            "now": stamp(now),
            "lease": stamp(lease_until),
            "payload": encode(payload),
        },
    )
    return fence if changed == 1 else None


def carry(database: Database, carrier: str, deliveries: Sequence[str]) -> None:
    """These travel in the message of `carrier` from now on, and with them what was to travel in theirs."""
    for start in range(0, len(deliveries), 500):
        clause, values = marks("d", deliveries[start : start + 500])
        database.run(
            f"UPDATE deliveries SET carrier = :carrier WHERE carrier IN {clause} AND {WAITING}",
            {**values, "carrier": carrier},
        )
        database.run(
            f"UPDATE deliveries SET carrier = :carrier WHERE id IN {clause} AND {WAITING} AND carrier = ''",
            {**values, "carrier": carrier},
        )
        # What travelled in these until now travels with them.
        database.run(
            f"UPDATE deliveries SET carrier = :carrier WHERE carrier IN {clause} AND {WAITING}",
            {**values, "carrier": carrier},
        )


def carried_by(database: Database, carrier: str) -> list[Delivery]:
    """What travels in a message."""
    return [
        of_row(row)
        for row in database.rows(
            "SELECT * FROM deliveries WHERE carrier = :carrier ORDER BY created_at, id", {"carrier": carrier}
        )
    ]


def finish(database: Database, delivery: str, fence: int, state: str, **values: Any) -> bool:
    """Write down how an attempt ended, unless its fence is old (a sender that came back after its lease).

    Whoever comes back late and finds that nobody has claimed it anew knows better than that nobody knows.
    """
    ready = {key: stamp(value) if isinstance(value, datetime) else value for key, value in values.items()}
    extra = "".join(f", {key} = :{key}" for key in ready)
    changed = database.run(
        f"UPDATE deliveries SET state = :state, lease_until = ''{extra} "
        "WHERE id = :id AND fence = :fence AND state IN ('inflight', 'unknown')",
        {**ready, "state": state, "id": delivery, "fence": fence},
    )
    return changed == 1


def finish_carried(database: Database, deliveries: Sequence[str], state: str, now: datetime, error: str = "") -> None:
    """What travelled in a message shares its end."""
    for start in range(0, len(deliveries), 500):
        clause, values = marks("d", deliveries[start : start + 500])
        database.run(
            f"UPDATE deliveries SET state = :state, error = :error, attempts = attempts + 1, "
            f"sent_at = CASE WHEN :state = 'sent' THEN :now ELSE sent_at END WHERE id IN {clause} AND {WAITING}",
            {**values, "state": state, "now": stamp(now), "error": error},
        )


def drop(database: Database, delivery: str, why: str) -> None:
    """Not needed any more (somebody has answered in between), nor what was to travel in it; it is not a dead letter."""
    database.run(
        f"UPDATE deliveries SET state = 'dead', error = :error WHERE (id = :id OR carrier = :id) AND {WAITING}",
        {"id": delivery, "error": f"{NOT_NEEDED}: {why}"},
    )


def drop_alone(database: Database, delivery: str, why: str) -> None:
    """As `drop`, and what was to travel in it goes on by itself."""
    database.run(
        f"UPDATE deliveries SET carrier = '' WHERE carrier = :id AND {WAITING}",
        {"id": delivery},
    )
    drop(database, delivery, why)


def rewrite(database: Database, delivery: str, payload: Mapping[str, Any]) -> None:
    """A message that waits says more now."""
    database.run(
        f"UPDATE deliveries SET payload = :payload WHERE id = :id AND {WAITING}",
        {"id": delivery, "payload": encode(payload)},
    )


def recover(database: Database, now: datetime, *, all_of_them: bool) -> int:
    """What is in flight past its lease may have arrived, for its sender has died or hangs: it becomes unknown.

    `all_of_them`, whatever their leases: only for whoever starts as the only one that sends.
    """
    condition = "" if all_of_them else " AND lease_until < :over"
    return database.run(
        f"UPDATE deliveries SET state = 'unknown', due_at = :now, error = 'the sender stopped while it was in flight' "
        f"WHERE state = 'inflight'{condition}",
        {"now": stamp(now), "over": stamp(by_its_clock(database, now))},
    )


def messages_of_stories(database: Database, stories: Sequence[str], target: str = "") -> list[Delivery]:
    """The rows that told (or will tell) of these stories, everywhere or to one target, the oldest first."""
    found: list[Delivery] = []
    for start in range(0, len(stories), 500):
        clause, values = marks("s", stories[start : start + 500])
        found += [
            of_row(row)
            for row in database.rows(
                f"SELECT * FROM deliveries WHERE story_id IN {clause} AND action = 'post' "
                f"{'AND target = :target ' if target else ''}ORDER BY created_at, id",
                {**values, "target": target} if target else values,
            )
        ]
    return found


def that_show(database: Database, stories: Sequence[str], cases: Sequence[str]) -> list[Delivery]:
    """Every message that has left and shows one of these cases: of their stories, and lists in which they stand."""
    found: dict[str, Delivery] = {}
    for each in messages_of_stories(database, list(dict.fromkeys(stories))):
        found[each.carrier or each.id] = each
    carriers = by_ids(database, [key for key, each in found.items() if each.carrier])
    shown = {key: carriers.get(key, each) for key, each in found.items()}
    wanted = set(cases)
    lists = database.begins("about", "list:")
    for row in database.rows(f"SELECT * FROM deliveries WHERE {lists} AND action = 'post'"):
        payload = json.loads(row["payload"] or "{}")
        if wanted & {str(case) for name in ("cases", "told") for case in payload.get(name, ())}:
            shown[row["id"]] = of_row(row)
    left = [each for each in shown.values() if each.state in {"sent", "inflight", "unknown"}]
    return [each for each in left if not each.about.startswith(("notice:", "digest:"))]


def queue_edit(
    database: Database, root: Delivery, now: datetime, due_at: datetime, reason: str, *, urgent: bool = False
) -> None:
    """Have the message of `root` shown anew at `due_at`; an edit that waits already is brought forward instead."""
    waiting = database.row(
        f"SELECT id, due_at FROM deliveries WHERE {_BELOW} AND action = 'edit' AND {WAITING}",
        {"root": root.id},
    )
    if waiting is not None:
        if stamp(due_at) < waiting["due_at"]:
            database.run(
                "UPDATE deliveries SET due_at = :due, reason = :reason, urgent = :urgent WHERE id = :id",
                {"id": waiting["id"], "due": stamp(due_at), "reason": reason, "urgent": int(urgent)},
            )
        return
    row = database.row(
        f"SELECT coalesce(max(revision), 0) AS n FROM deliveries WHERE {_BELOW} AND action = 'edit'",
        {"root": root.id},
    )
    revision = (int(row["n"]) if row else 0) + 1
    queue(
        database,
        [
            new_row(
                about=f"message:{root.id}",
                target=root.target,
                now=now,
                due_at=due_at,
                reason=reason,
                action="edit",
                story_id=root.story_id,
                revision=revision,
                priority=root.priority,
                urgent=urgent,
                thread_of=root.id,
            )
        ],
    )


def last_edit_at(database: Database, root: str) -> datetime | None:
    """When a message was last changed."""
    row = database.row(
        f"SELECT max(sent_at) AS at FROM deliveries WHERE {_BELOW} AND action = 'edit' AND state = 'sent'",
        {"root": root},
    )
    return instant(row["at"] or "") if row else None


def last_brief(database: Database, target: str, since: datetime) -> Delivery | None:
    """The newest brief to a target that was made after `since`."""
    row = database.row(
        "SELECT * FROM deliveries WHERE target = :target AND about LIKE 'brief:%' AND created_at >= :since "
        "ORDER BY created_at DESC LIMIT 1",
        {"target": target, "since": stamp(since)},
    )
    return of_row(row) if row else None


def sent_since(
    database: Database, targets: Sequence[str], since: datetime, *, told_anew: Sequence[str] = ()
) -> dict[str, int]:
    """How many messages each of these targets has had since then, lines in the thread of a story not among them.

    `told_anew` are the channels that cannot edit: there a message that was to be changed is one more.
    """
    found: dict[str, int] = {}
    anew, channels = marks("c", told_anew) if told_anew else ("('')", {})
    for start in range(0, len(targets), 500):
        clause, values = marks("t", targets[start : start + 500])
        for row in database.rows(
            f"SELECT target, count(*) AS n FROM deliveries WHERE target IN {clause} AND carrier = '' "
            "AND sent_at >= :since AND about NOT LIKE 'lines:%' AND about NOT LIKE 'notice:%' "
            f"AND about NOT LIKE 'digest:%' AND (action = 'post' OR channel IN {anew}) GROUP BY target",
            {**values, **channels, "since": stamp(since)},
        ):
            found[row["target"]] = int(row["n"])
    return found


def by_ids(database: Database, ids: Sequence[str]) -> dict[str, Delivery]:
    """id -> delivery, for those that are there."""
    found: dict[str, Delivery] = {}
    wanted = list(dict.fromkeys(ids))
    for start in range(0, len(wanted), 500):
        clause, values = marks("d", wanted[start : start + 500])
        rows = database.rows(f"SELECT * FROM deliveries WHERE id IN {clause}", values)
        found.update({row["id"]: of_row(row) for row in rows})
    return found


def of_cases(database: Database, cases: Mapping[str, str]) -> dict[str, list[Delivery]]:
    """case id -> its deliveries, given case id -> story id: what told of the story, and what told of the case alone."""
    found: dict[str, list[Delivery]] = {case: [] for case in cases}
    by_story: dict[str, list[str]] = {}
    for case, story in cases.items():
        by_story.setdefault(story, []).append(case)
    for delivery in messages_of_stories(database, list(by_story)):
        about = delivery.about.partition(":")
        for case in by_story[delivery.story_id]:
            if about[0] == "story" or about[2] == case:
                found[case].append(delivery)
    return found


def release(database: Database, target: str, now: datetime) -> None:
    """A target works again: what was to be tried later is due now."""
    database.run(
        "UPDATE deliveries SET due_at = :now WHERE target = :target AND state = 'retry' AND due_at > :now",
        {"target": target, "now": stamp(now)},
    )


def put_off(database: Database, delivery: str, until: datetime) -> None:
    """Not now: due again then, and owed from then on only."""
    database.run(
        f"UPDATE deliveries SET due_at = :until, first_tried_at = '' WHERE id = :id AND {WAITING}",
        {"id": delivery, "until": stamp(until)},
    )


def first_read_ends(database: Database, source: str, due_at: datetime) -> None:
    """All that the first read of a source has brought is in its briefs: they leave then."""
    database.run(
        f"UPDATE deliveries SET due_at = :due WHERE {WAITING} AND about = 'brief:' || target || :mark",
        {"due": stamp(due_at), "mark": f":first:{source}"},
    )


def show_newer(database: Database, root: Delivery, now: datetime) -> None:
    """A message that was found again after a crash may be older than what it should say: have it shown anew."""
    queue_edit(database, root, now, now, "grown")


def about(database: Database, key: str) -> list[Delivery]:
    """Every delivery about one thing."""
    return [of_row(row) for row in database.rows("SELECT * FROM deliveries WHERE about = :about", {"about": key})]


def offers_naming(database: Database, case: str, since: datetime) -> list[Delivery]:
    """The messages since then that offered a case to whoever is on."""
    rows = database.rows(
        f"SELECT * FROM deliveries WHERE {database.begins('about', 'list:offer:')} AND action = 'post' "
        "AND created_at >= :since",
        {"since": stamp(since)},
    )
    return [each for each in map(of_row, rows) if case in each.payload.get("cases", ())]


def set_payload(database: Database, delivery: str, payload: Mapping[str, Any]) -> None:
    """Change what a message is to speak of."""
    database.run(
        "UPDATE deliveries SET payload = :payload WHERE id = :id", {"id": delivery, "payload": encode(payload)}
    )
