"""What people rated in a span: answers to "would you recommend us" (NPS), to "how satisfied are you" (CSAT), and stars.

Scores are kept as stars from 1 to 5, and with them the scale they were given on. Of a scale of ten that loses nothing
that NPS needs: 9 and 10 are five stars, 7 and 8 four, 0 to 6 fewer (`connectors/inbound/posts.py`), and these are its
three groups: https://www.netpromotersystem.com/about/measuring-your-net-promoter-score/

CSAT is the share of the two best of five answers. A score belongs to a survey where its source is one ("inbound", with
the preset of a survey), or where it was given on a scale of ten; every other rating is a review's stars.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.reports.intervals import Interval, wilson
from monitor.settings.rules import Rules
from monitor.store import goodwill
from monitor.store.database import Database

FEW = 30  # fewer answers than this, and a figure says little
TEN = 10
PRESETS = frozenset({"survey", "typeform"})  # of kind "inbound"


@dataclass(frozen=True, slots=True)
class Nps:
    """`score` is the share of promoters less that of detractors, in points from -100 to 100."""

    source: str
    promoters: int
    passives: int
    detractors: int

    @property
    def n(self) -> int:
        """How many answered."""
        return self.promoters + self.passives + self.detractors

    @property
    def score(self) -> int:
        """The score, rounded."""
        return round(100 * (self.promoters - self.detractors) / self.n)

    @property
    def few(self) -> bool:
        """Whether so few answered that the score says little."""
        return self.n < FEW


@dataclass(frozen=True, slots=True)
class Csat:
    """`satisfied` of `n` gave one of the two best answers of five."""

    source: str
    satisfied: int
    n: int

    @property
    def share(self) -> float:
        """The share of the satisfied, 0 to 1."""
        return self.satisfied / self.n

    @property
    def interval(self) -> Interval | None:
        """Where that share lies, 19 times of 20."""
        return wilson(self.satisfied, self.n)

    @property
    def few(self) -> bool:
        """Whether so few answered that the share says little."""
        return self.n < FEW


@dataclass(frozen=True, slots=True)
class Stars:
    """Reviews of one source: how many gave one star, two, ... five. Halves count as the next whole star."""

    source: str
    counts: tuple[int, int, int, int, int]

    @property
    def n(self) -> int:
        """How many reviews."""
        return sum(self.counts)

    @property
    def mean(self) -> float:
        """The mean, 1 to 5."""
        return sum(stars * n for stars, n in enumerate(self.counts, 1)) / self.n

    @property
    def few(self) -> bool:
        """Whether there are so few that the mean says little."""
        return self.n < FEW


@dataclass(frozen=True, slots=True)
class Surveys:
    """The figures of a span, one of each kind for each source, in the order of the sources' names."""

    nps: tuple[Nps, ...] = ()
    csat: tuple[Csat, ...] = ()
    stars: tuple[Stars, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nobody rated anything."""
        return not (self.nps or self.csat or self.stars)


def of_span(database: Database, rules: Rules, since: datetime, until: datetime, brand: str = "") -> Surveys:
    """What was rated in a span, about one brand or all."""
    counts: dict[tuple[str, str], list[int]] = {}
    for row in goodwill.ratings(database, since, until, brand):
        kind = "nps" if row["out_of"] == TEN else "csat" if _asks(rules, row["source"]) else "stars"
        found = counts.setdefault((kind, row["source"]), [0] * 5)
        found[_star(float(row["rating"])) - 1] += int(row["n"])
    by_kind = {
        kind: [(source, found) for (each, source), found in counts.items() if each == kind]
        for kind in ("nps", "csat", "stars")
    }
    return Surveys(
        nps=tuple(_nps(source, found) for source, found in by_kind["nps"]),
        csat=tuple(Csat(source, found[3] + found[4], sum(found)) for source, found in by_kind["csat"]),
        stars=tuple(Stars(source, _five(found)) for source, found in by_kind["stars"]),
    )


def _asks(rules: Rules, source: str) -> bool:
    """Whether a source is a survey."""
    known = rules.sources.get(source)
    return known is not None and known.kind == "inbound" and getattr(known.options, "preset", "") in PRESETS


def _star(rating: float) -> int:
    return min(max(int(rating + 0.5), 1), 5)


def _nps(source: str, counts: Sequence[int]) -> Nps:
    return Nps(source, promoters=counts[4], passives=counts[3], detractors=sum(counts[:3]))


def _five(counts: Sequence[int]) -> tuple[int, int, int, int, int]:
    one, two, three, four, five = counts
    return one, two, three, four, five
