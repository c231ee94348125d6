"""Which alerts other settings would have made of the posts that are stored. Reads only: nothing is sent or kept.

Both sides are judged by today's judge, with what staff have taught it, so that only the settings differ. Posts that no
query has matched were never stored: a wider query can be seen to lose alerts, never to win new ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from monitor.ingest.pipeline import Intake
from monitor.store import key_values, requeue
from monitor.types import Judged, Mention

What = Literal["gained", "lost", "moved"]


@dataclass(frozen=True, slots=True)
class Change:
    """One alert that differs. `answer` is what staff said of the post last, "" where nobody did. `why` is in words."""

    what: What
    brand: str
    mention: Mention
    why: str
    answer: str


@dataclass
class Sums:
    """Alerts and sweep entries on both sides."""

    posts: int = 0
    alerts_before: int = 0
    alerts_after: int = 0
    sweep_before: int = 0
    sweep_after: int = 0
    changes: list[Change] = field(default_factory=list)

    def of(self, what: What) -> list[Change]:
        """The changes of one kind, in the order of their posts."""
        return [change for change in self.changes if change.what == what]


def backtest(
    before: Intake,
    after: Intake,
    since: datetime,
    until: datetime,
    each_page: Callable[[int], None] | None = None,
    *,
    as_if_fresh: bool = False,
) -> Sums:
    """Judge every stored mention written in a span under both sets of settings, and list the differences.

    `as_if_fresh`: as if each had been seen when it was written. Else what a file brought long after calls nobody.
    """
    database, sums = before.database, Sums()
    answers: dict[str, dict[str, str]] = {}
    seen: set[tuple[str, str]] = set()
    for page in _pages(before, since, until):
        fresh = {(each.post.source, each.post.native_id): each for each in page}
        fresh = {key: each for key, each in fresh.items() if key not in seen}
        seen.update(fresh)
        posts = [each.post for each in fresh.values()]
        sides = [_by_mention(side.judge_posts(posts)) for side in (before, after)]
        for key in dict.fromkeys([*sides[0], *sides[1]]):
            old, new = sides[0].get(key), sides[1].get(key)
            one = old or new
            assert one is not None
            mention = fresh[one.post.source, one.post.native_id]
            if one.brand not in answers:
                answers[one.brand] = key_values.last_answers(database, one.brand)
            if as_if_fresh:
                mention = replace(mention, seen_at=mention.post.posted_at)
            _compare(sums, mention, (before, old), (after, new), answers[one.brand].get(key, ""))
        sums.posts += len(posts)
        if each_page:
            each_page(len(page))
    return sums


def _pages(intake: Intake, since: datetime, until: datetime) -> Iterator[list[Mention]]:
    for brand in requeue.count(intake.database, since, until):
        yield from requeue.pages(intake.database, brand, since, until)


def _by_mention(judged: list[Judged]) -> dict[str, Judged]:
    return {each.mention_id: each for each in judged}


def _compare(
    sums: Sums, mention: Mention, before: tuple[Intake, Judged | None], after: tuple[Intake, Judged | None], answer: str
) -> None:
    (old_side, old), (new_side, new) = before, after
    was, now = _alerts(old_side, old, mention), _alerts(new_side, new, mention)
    sums.alerts_before += was
    sums.alerts_after += now
    sums.sweep_before += _sweeps(old)
    sums.sweep_after += _sweeps(new)
    one = new or old
    assert one is not None
    if was and not now:
        sums.changes.append(Change("lost", one.brand, mention, _why(new), answer))
    elif now and not was:
        assert new is not None
        why = " · ".join(new.verdict.reasons) + f" (was: {_why(old)})"
        sums.changes.append(Change("gained", one.brand, mention, why, answer))
    elif was and now:
        assert old is not None
        assert new is not None
        ways = [_way(side, each) for side, each in ((old_side, old), (new_side, new))]
        if ways[0] != ways[1]:
            sums.changes.append(Change("moved", one.brand, mention, f"{ways[0]} -> {ways[1]}", answer))


def _alerts(side: Intake, judged: Judged | None, mention: Mention) -> bool:
    """Whether people are called: not for what is ours, muted or for information, nor for what was old when it came."""
    return (
        judged is not None
        and judged.verdict.lane == "ping"
        and not judged.suppressed
        and mention.seen_at - mention.post.posted_at <= side.rules.settings.alerts.alert_not_older_than
    )


def _sweeps(judged: Judged | None) -> bool:
    return judged is not None and judged.verdict.lane == "sweep" and not judged.suppressed


def _why(judged: Judged | None) -> str:
    """Why nobody is called, in words."""
    if judged is None:
        return "not about the brand"
    if judged.suppressed:
        return judged.suppressed
    if judged.verdict.lane == "ping":
        return "too old when it was seen"
    lane = "only listed" if judged.verdict.lane == "sweep" else "quiet"
    return f"{lane}, {judged.verdict.needs_answer:.2f}"


def _way(side: Intake, judged: Judged) -> str:
    routed = side.rules.route(judged.post, judged.brand, judged.verdict)
    return ", ".join(routed.notify) + (f" as {routed.priority}" if routed.priority else "")
