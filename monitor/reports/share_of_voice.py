"""How much of what is said is said of us: our mentions against those of the competitors that settings name.

Counted is only what was read in the same places: the sources that are read for competitors. Places of our own, where
everybody speaks of us, would make every share look large. The base stands beside each share, and `incomplete` says of a
competitor that it was named only after the span began.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.reports.definitions import Share, negative_share
from monitor.reports.intervals import Interval, wilson
from monitor.settings.competitors import sources_of
from monitor.settings.rules import Rules
from monitor.store import competitors, report_queries
from monitor.store.database import Database, at

FEW = 30  # fewer mentions than this in all, and a share says little
FIRST_LOOK = timedelta(days=1)  # a source's first read reaches so far back
MOST_TOPICS = 3


@dataclass(frozen=True, slots=True)
class Voice:
    """What was said of one brand. `negative` of `judged` are negative; `topics` say what with, of competitors alone."""

    name: str
    ours: bool
    mentions: int
    share: Share
    negative: Share
    praised: int | None = None  # of ours it is not counted here
    leads: int = 0
    topics: tuple[tuple[str, int], ...] = ()
    incomplete: bool = False

    @property
    def interval(self) -> Interval | None:
        """Where the share lies, 19 times of 20."""
        return wilson(self.share.part, self.share.base)


@dataclass(frozen=True, slots=True)
class ShareOfVoice:
    """Ours first, then the competitors as settings name them; nothing at all where none is named.

    `base` is how many mentions were counted, on `sources`: a post that names two brands is one of each. `leads` is how
    many leads wait on the page now, of `looking` people: one lead may name two competitors, and one person write twice.
    """

    voices: tuple[Voice, ...] = ()
    sources: tuple[str, ...] = ()
    base: int = 0
    leads: int = 0
    looking: int = 0

    @property
    def few(self) -> bool:
        """Whether so little was counted that the shares say little."""
        return self.base < FEW


def of_span(database: Database, rules: Rules, since: datetime, until: datetime, brand: str = "") -> ShareOfVoice:
    """The shares of a span, of one brand of ours or of each, against all competitors."""
    names = [each.name for each in rules.settings.competitors]
    sources = sources_of(rules.settings)
    if not names or not sources:
        return ShareOfVoice()
    ours = {each.name: _ours(database, since, until, each.name, sources) for each in rules.settings.brands
            if brand in ("", each.name)}  # fmt: skip
    theirs = {row["competitor"]: row for row in competitors.counted(database, since, until, sources)}
    base = sum(counts[0] for counts in ours.values()) + sum(int(theirs[name]["n"]) for name in names if name in theirs)
    voices = [
        Voice(name, True, n, Share(n, base), negative_share(negative, judged))
        for name, (n, negative, judged) in ours.items()
    ]
    topics = competitors.topics(database, since, until, sources)
    first = competitors.first_seen(database)
    for name in names:
        row = theirs.get(name)
        n, negative, judged = (int(row[key]) for key in ("n", "negative", "known")) if row else (0, 0, 0)
        voices.append(
            Voice(
                name, False, n, Share(n, base), negative_share(negative, judged),
                praised=int(row["praised"]) if row else 0,
                leads=int(row["leads"]) if row else 0,
                topics=tuple((each["topic"], int(each["n"])) for each in topics if each["competitor"] == name)[
                    :MOST_TOPICS
                ],
                incomplete=name not in first or at(first[name]) > since + FIRST_LOOK,
            )
        )  # fmt: skip
    return ShareOfVoice(tuple(voices), sources, base, *competitors.count_leads(database, names))


def _ours(
    database: Database, since: datetime, until: datetime, brand: str, sources: tuple[str, ...]
) -> tuple[int, int, int]:
    rows = [row for row in report_queries.by_source(database, since, until, brand) if row["source"] in sources]
    n, negative, known = (sum(int(row[key]) for row in rows) for key in ("mentions", "negative", "known"))
    return n, negative, known
