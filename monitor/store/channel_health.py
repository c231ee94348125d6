"""How channels and their targets stand. A row of `channels` is a channel, or one target of it ("slack:#care").

What concerns the key is the channel's: nothing gets through to anybody. Everything else is the target's alone, until a
silence of the whole channel shows that it is more than that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.store.database import Database, instant, stamp
from monitor.store.deliveries import QUIET


@dataclass(frozen=True, slots=True)
class Health:
    """How a channel or a target stands. `failing_since` is None while it works; `broken` wants a person."""

    name: str
    failures: int
    failing_since: datetime | None
    broken: bool
    error: str
    remedy: str
    next_try_at: datetime | None
    announced_at: datetime | None
    last_sent_at: datetime | None

    def held(self, now: datetime) -> bool:
        """Whether it is left alone for now."""
        return self.next_try_at is not None and self.next_try_at > now


class Standing:
    """One look at all of them."""

    def __init__(self, rows: dict[str, Health]) -> None:
        self._rows = rows

    def of(self, name: str) -> Health | None:
        """How a channel or a target stands; None for one that was never used."""
        return self._rows.get(name)

    def failing(self, name: str) -> bool:
        """Whether this very channel or target fails."""
        found = self._rows.get(name)
        return found is not None and found.failing_since is not None

    def held(self, target: str, now: datetime) -> bool:
        """Whether a target is left alone for now, by itself or with its whole channel."""
        return any((each := self._rows.get(name)) is not None and each.held(now) for name in (target, channel(target)))

    def down(self, name: str) -> Health | None:
        """How a channel stands through which nothing gets: its key is refused, or nobody was reached since one fails.

        A target that is broken by itself says nothing about the others.
        """
        own = self._rows.get(name)
        if own is not None and own.failing_since is not None:
            return own
        worked = own.last_sent_at if own is not None else None
        silent = [
            (each.failing_since, each)
            for each in self._rows.values()
            if channel(each.name) == name
            and each.failing_since is not None
            and not each.broken
            and (worked is None or worked < each.failing_since)
        ]
        return replace(min(silent, key=lambda pair: pair[0])[1], name=name) if silent else None

    def reachable(self, target: str) -> bool:
        """Whether nothing is known against a target, nor against its channel."""
        return not self.failing(target) and self.down(channel(target)) is None

    def out_of_reach(self, target: str, now: datetime, patience: timedelta) -> bool:
        """Whether a target, or its channel, is broken or has failed for longer than a hiccup may last."""
        found = [each for each in (self.of(target), self.down(channel(target))) if each is not None]
        return any(
            each.failing_since is not None and (each.broken or now - each.failing_since >= patience) for each in found
        )

    def failing_targets(self) -> list[Health]:
        """Targets that fail by themselves, by name."""
        return [
            each
            for name, each in sorted(self._rows.items())
            if each.failing_since is not None and ":" in name and self.down(channel(name)) is None
        ]

    def down_channels(self) -> list[Health]:
        """Channels through which nothing gets, by name."""
        names = sorted({channel(name) for name in self._rows})
        return [found for name in names if (found := self.down(name)) is not None]


def channel(target: str) -> str:
    """The channel of a target."""
    return target.partition(":")[0]


def owed(database: Database) -> dict[str, int]:
    """How many messages wait for each channel, without lines for the next list."""
    rows = database.rows(
        "SELECT channel, count(*) AS n FROM deliveries WHERE state IN ('pending', 'inflight', 'retry', 'unknown') "
        "AND NOT (state = 'pending' AND reason = :quiet) GROUP BY channel ORDER BY channel",
        {"quiet": QUIET},
    )
    return {row["channel"]: int(row["n"]) for row in rows}


def standing(database: Database) -> Standing:
    """How every channel and target stands that was ever used."""
    return Standing(
        {
            row["name"]: Health(
                row["name"],
                row["failures"],
                instant(row["failing_since"]),
                bool(row["broken"]),
                row["error"],
                row["remedy"],
                instant(row["next_try_at"]),
                instant(row["announced_at"]),
                instant(row["last_sent_at"]),
            )
            for row in database.rows("SELECT * FROM channels")
        }
    )


def worked(database: Database, target: str, now: datetime) -> None:
    """A message reached a target: whatever was wrong with it, and with its channel, is over."""
    database.run_many(
        "INSERT INTO channels (name, last_sent_at) VALUES (:name, :now) ON CONFLICT (name) DO UPDATE SET failures = 0, "
        "failing_since = '', broken = 0, error = '', remedy = '', next_try_at = '', announced_at = '', "
        "last_sent_at = excluded.last_sent_at",
        [{"name": name, "now": stamp(now)} for name in dict.fromkeys((target, channel(target)))],
    )


def failed(
    database: Database, name: str, now: datetime, error: str, remedy: str, next_try_at: datetime | None, *, broken: bool
) -> None:
    """A message did not go out, for a reason that concerns this target, or this whole channel."""
    database.run(
        "INSERT INTO channels (name, failures, failing_since, broken, error, remedy, next_try_at) "
        "VALUES (:name, 1, :now, :broken, :error, :remedy, :next) ON CONFLICT (name) DO UPDATE SET "
        "failures = channels.failures + 1, broken = excluded.broken, error = excluded.error, remedy = excluded.remedy, "
        "next_try_at = excluded.next_try_at, failing_since = CASE WHEN channels.failing_since = '' "
        "THEN excluded.failing_since ELSE channels.failing_since END",
        {
            "name": name,
            "now": stamp(now),
            "broken": int(broken),
            "error": error,
            "remedy": remedy,
            "next": stamp(next_try_at),
        },
    )


def announced(database: Database, name: str, now: datetime) -> None:
    """People were told that it fails."""
    database.run("UPDATE channels SET announced_at = :now WHERE name = :name", {"name": name, "now": stamp(now)})


def mended(database: Database) -> None:
    """Somebody changed settings or asked to try again: nothing is held back any more."""
    database.run("UPDATE channels SET broken = 0, next_try_at = ''")
