"""Asking networks whether posts still stand: for those that tell of deletions only when they are asked.

Where it costs nothing all posts are asked after once a day. Where it costs money it takes a tenth of the source's
budget at most, spread over the month: posts of open cases first, each day; then what somebody is shown, exports, or is
about to be told in a letter; then the rest, once. The oldest question always comes first.
"""

from __future__ import annotations

import logging
from calendar import monthrange
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from connectors import Batch, ConnectorError, NoCredit, Nonsense, Post, RateLimited, Refused, Request, Unreached
from monitor.ingest import turns
from monitor.ingest.pipeline import Intake
from monitor.privacy import forgetting
from monitor.settings.models import Settings, Source
from monitor.store import asked, failures, key_values, mentions, sources
from monitor.store.connect import Error, is_of_all
from monitor.store.database import Database, Row, stamp
from monitor.store.leases import LeaseLostError
from monitor.text.sanitize import tidy
from monitor.timeouts import Overran

log = logging.getLogger("earful.asking")

EVERY = timedelta(hours=24)  # what the rules of X and Reddit leave
SHARE = 0.1  # of a source's monthly budget
AT_ONCE = 20  # posts in one question, where the connector does not say how many it takes
QUESTIONS = 10  # of one turn; the next comes in a quarter of an hour. Half as many where each post is a call
TURN = timedelta(seconds=30)  # meanwhile nothing new is read from the source
LEFT = 50  # calls that a turn leaves to reading, where the network counts them
SPENT = "asked-spent:{source}:{month}"
FAILED = "ask"  # the name under which questions that failed in a row are counted


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn brought: how many posts were asked after, and what stopped it."""

    asked: int
    error: str = ""


def take_turn(
    database: Database,
    intake: Intake,
    source: Source,
    connector: Any,
    request: Callable[[], Request],
    clock: Callable[[], datetime],
    mine: turns.Turn,
) -> Turn:
    """Ask after the posts of a source whose turn it is. Never raises for a bad source."""
    count, began = 0, clock()
    usual = int(getattr(connector, "asks_at_once", AT_ONCE))
    # One post that cannot be asked after, or too many for a slow network, is found by asking after fewer.
    failed = failures.standing(database, FAILED, source.name)
    at_once = max(usual >> min(failed, 10), 1)
    odd, words = list[str](), ""
    for _ in range(QUESTIONS if usual > AT_ONCE else QUESTIONS // 2):
        now = clock()
        if now - began >= TURN or not mine.goes_on():
            break
        most = min(at_once, affordable(database, source, connector, now))
        rows = _next(database, source.name, most + len(odd), now, once=bool(_price(connector))) if most else []
        rows = [row for row in rows if row["id"] not in odd][:most]
        if not rows:
            break
        ids = [row["id"] for row in rows]
        try:
            batch = _ask(source, connector, [row["native_id"] for row in rows], request(), mine)
        except Error:
            raise
        except Nonsense as error:  # it says nothing of these: the others need not wait for them
            log.warning("%s: it could not be asked what was deleted: %s", source.name, error)
            asked.note(database, ids, now)
            continue
        except Exception as error:  # noqa: BLE001 - a client library may raise anything; the others must not notice
            words = str(error) if isinstance(error, ConnectorError | Overran) else f"unexpected {type(error).__name__}"
            first = key_values.take_period(database, f"asking failed:{source.name}:{now:%Y-%m-%d}", now)
            level = logging.WARNING if first else logging.DEBUG  # a turn comes every quarter of an hour
            log.log(level, "%s: it could not be asked what was deleted: %s", source.name, words)
            if isinstance(error, RateLimited | Refused | NoCredit | Unreached):
                return Turn(count, words)
            with database.transaction():
                failures.one_more(database, FAILED, source.name, now)
            if len(rows) > 1 or odd:
                return Turn(count, words)
            odd = ids  # if the next one can be asked after, it is this post, which need not hold up all others
            continue
        if failed or odd:
            with database.transaction():
                failures.over(database, FAILED, source.name, now)
                if odd:
                    asked.note(database, odd, now)
        at_once, failed, odd = usual, 0, []
        _keep(database, intake, source, connector, rows, batch, mine, clock())
        count += len(rows)
        left = batch.quota.remaining if batch.quota is not None else None
        if batch.not_before is not None or (left is not None and left < LEFT):
            break
    return Turn(count, words if odd else "")


def _next(database: Database, source: str, most: int, now: datetime, *, once: bool) -> list[Row]:
    """The posts to ask after now, in their order."""
    before = now - EVERY
    found = {row["id"]: row for row in asked.of_open_cases(database, source, before, most)}
    if len(found) < most:
        found |= {row["id"]: row for row in asked.wanted(database, source, most)}
    if len(found) < most:
        found |= {row["id"]: row for row in asked.the_rest(database, source, before, most, once=once)}
    return list(found.values())[:most]


def _ask(source: Source, connector: Any, natives: Sequence[str], request: Request, mine: turns.Turn) -> Batch:
    look: Callable[[], Batch] = partial(connector.refresh, tuple(natives), request)
    return mine.read(source.deadline.total_seconds(), look, f"refresh-{source.name}")


def _keep(
    database: Database, intake: Intake, source: Source, connector: Any, rows: Sequence[Row], batch: Batch,
    mine: turns.Turn, now: datetime,
) -> None:  # fmt: skip
    def last() -> None:
        mine.prove()
        asked.note(database, [row["id"] for row in rows], now)
        for post in batch.posts:
            key = mentions.post_key(database, post.source, post.native_id)
            mentions.edit_post(database, mentions.post_row(tidy(post), stamp(now), key))
        if batch.deleted or batch.gone:
            forgetting.deleted(database, source.name, batch.deleted, batch.gone, now)
        if batch.quota is not None:
            sources.note_quota(database, source.name, batch.quota, now)
        price = _price(connector)
        if price:
            cost = batch.quota.cost if batch.quota is not None and batch.quota.cost else price * len(rows)
            fact = SPENT.format(source=source.name, month=f"{now:%Y-%m}")
            key_values.remember(database, fact, f"{spent_on_asking(database, source.name, now) + cost:.6f}", now)

    # What was changed is the next word of its author before it takes the place of what stands.
    try:
        intake.take(_changed(database, batch.posts), now, last=last, alone=True)
    except LeaseLostError:
        raise
    except Exception as error:  # whatever is wrong with one post, what was deleted goes
        if is_of_all(error):
            raise
        log.error("%s: what was edited could not be judged (%s); please report it", source.name, type(error).__name__)
        with database.transaction():
            last()


def _changed(database: Database, posts: Sequence[Post]) -> list[Post]:
    """Those of these posts that stand here with other words or stars."""
    keys = {mentions.post_key(database, post.source, post.native_id): tidy(post) for post in posts}
    standing = mentions.known_posts(database, list(keys))
    return [
        post
        for key, post in keys.items()
        if (row := standing.get(key)) is not None
        and (post.title, post.text, post.rating) != (row["title"], row["text"], row["rating"])
    ]


def _price(connector: Any) -> float:
    return float(getattr(connector, "asking_price", 0.0))


def affordable(database: Database, source: Source, connector: Any, now: datetime) -> int:
    """After how many posts may be asked now: any number where it costs nothing."""
    price = _price(connector)
    if not price:
        return 1_000_000
    budget = getattr(source.options, "monthly_budget", None)
    if budget is None:  # no bound: then a tenth of what reading has come to
        health = sources.health(database, source.name)
        budget = health.spent_in(now) if health is not None else 0.0
        part = 1.0
    else:
        part = now.day / monthrange(now.year, now.month)[1]
    left = float(budget) * SHARE * part - spent_on_asking(database, source.name, now)
    return max(int(left / price + 1e-6), 0)


def spent_on_asking(database: Database, source: str, now: datetime) -> float:
    """What asking what was deleted cost this month, in US dollars."""
    return float(key_values.fact(database, SPENT.format(source=source, month=f"{now:%Y-%m}")) or 0.0)


def show(database: Database, settings: Settings, shown: Sequence[str], now: datetime) -> int:
    """Somebody is shown these mentions, or soon will be: have their posts asked after at the next turn; how many."""
    return asked.want(database, shown, settings.asked_after(), now - EVERY, now)


def words(database: Database, settings: Settings, now: datetime) -> list[str]:
    """For people: of each source that can be asked, which share of its posts was read or asked after in a day."""
    found = asked.shares(database, now - EVERY)
    lines = []
    for name in settings.asked_after():
        standing, recent = found.get(name, (0, 0))
        if standing:
            share = recent / standing
            lines.append(f"{name}: {share:.0%} of {standing:,} posts read or asked after in the last 24 hours")
    return lines
