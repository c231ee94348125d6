"""What is not as it should be with those who work on the database, and with what waits for them: in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from alerts.wording import count_words, span_words
from monitor.settings.agreement import differing
from monitor.store import unjudged, workers
from monitor.store.database import Database
from monitor.store.workers import APART, ROLES, Role, Worker

_UNDONE: dict[Role, str] = {
    "collect": "no source is read",
    "judge": "nothing is judged",
    "notify": "nobody is alerted",
    "page": "nobody serves the page",
}


def notes(database: Database) -> Iterator[str]:
    """What is not as it should be, each with what to do."""
    now = database.time()
    found = [each for each in workers.all_of(database) if not each.is_gone(now)]
    if said := _undone(found):
        yield said
    for each in found:
        if abs(each.skew) > APART:
            yield f"{skew_words(each.host, each.skew)}; set it right (NTP)"
        if other := differing(found[0].settings, each.settings):
            yield f"{named(each, found)} has other settings than {named(found[0], found)}, in {joined(other)}"
        elif other := differing(found[0].secrets, each.secrets):
            yield f"{named(each, found)} has other secrets than {named(found[0], found)}, in {joined(other)}"
    for aside in unjudged.aside(database):
        yield (
            f"{aside.source}: {count_words(aside.pages, 'page')} with {count_words(aside.posts, 'post')} could not be "
            f"judged ({aside.error}). Please report it; to try again: earful collect {aside.source}"
        )


def undone(database: Database) -> str:
    """What nobody does since no process that works has the role for it; "" where nothing is left, or nobody works."""
    now = database.time()
    return _undone([each for each in workers.all_of(database) if not each.is_gone(now)])


def _undone(found: Sequence[Worker]) -> str:
    missing = [role for role in ROLES if found and not any(role in each.roles for each in found)]
    if not missing:
        return ""
    what = f"no worker has the role{'s' if len(missing) > 1 else ''} {joined(missing)}"
    return f"{joined([_UNDONE[role] for role in missing])}: {what}. Start one: earful run --roles {','.join(missing)}"


def named(worker: Worker, among: Sequence[Worker]) -> str:
    """A worker by its host, and by its process where that host has several."""
    alone = sum(each.host == worker.host for each in among) == 1
    return worker.host if alone else f"{worker.host}, process {worker.pid}"


def joined(words: Sequence[str]) -> str:
    """Several words as one reads them: "a, b and c"."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def skew_words(host: str, skew: timedelta) -> str:
    """How a machine's clock stands."""
    seconds = round(abs(skew.total_seconds()))
    span = f"{seconds} seconds" if seconds < 120 else span_words(timedelta(seconds=seconds))
    return f"The clock of {host} is {span} {'ahead of' if skew > timedelta() else 'behind'} the database's"
