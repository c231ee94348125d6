"""Which entries of a feed are one post, whatever their ids say.

Programs give every entry the same guid, a new one at each request, none, or one with the headline in it. So an id is
one piece of evidence beside link, time, title, words and author, and what was decided once stays decided: the cursor
keeps, of each entry, the id that its post was given and digests of all that. Digests only: no words stay in a cursor
when a post is erased. Pure.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

MOST_KNOWN = 300  # entries that are remembered of one feed after they have left it
MOST_SHOWN = 500  # and of those that it shows
MOST_SHARED = 200
MOST_ALIKE = 50  # entries with one title, say, that are compared
# So many letters and digits of title or text are no accident when another entry has them too.
TELLING = 15

_TRACKING = re.compile(r"(?:^|&)(?:utm_\w+|fbclid|gclid|mc_cid|mc_eid|ref|source|cmpid|ns_\w+)=[^&]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sighting:
    """One entry as evidence: digests, empty where it says nothing. `native` is the id that its post was given."""

    native: str
    guid: str
    link: str
    path: str
    title: str
    words: str
    author: str
    date: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entry whose post is looked for: what it says, and the ids that its post would get."""

    sighting: Sighting
    by_guid: str
    by_content: str
    telling_title: bool
    telling_words: bool


@dataclass(slots=True)
class Memory:
    """What is remembered of one feed: its entries, the newest first, and the guids that more than one post bears."""

    known: list[Sighting] = field(default_factory=list)
    shared: list[str] = field(default_factory=list)

    @classmethod
    def load(cls, held: Any) -> Memory:
        """Read what `dump` wrote; what cannot be read counts as nothing."""
        try:
            known = [Sighting(*map(str, each)) for each in held["known"]]
            return cls(known[: MOST_SHOWN + MOST_KNOWN], [str(each) for each in held["shared"]][:MOST_SHARED])
        except (TypeError, KeyError, ValueError):
            return cls()

    def dump(self) -> dict[str, Any]:
        """Write it for the cursor."""
        return {"known": [astuple(each) for each in self.known], "shared": self.shared}

    def identify(self, candidates: Sequence[Candidate], elsewhere: Iterable[Sighting] = ()) -> list[str]:
        """Give each entry of one reading its post's id; entries that are one post get the same. Remembers them.

        `elsewhere` are the entries of the source's other feeds: an article may stand in several.
        """
        self._note_shared(candidates)
        found: dict[int, Sighting] = {}
        claimed: set[str] = set()

        def look(index: _Index, test: Callable[[Candidate, Sighting], bool], *, once: bool = False) -> None:
            for number, each in enumerate(candidates):
                if number in found:
                    continue
                known = index.first(each, test, claimed if once else ())
                if known:
                    found[number] = known
                    claimed.add(known.native)

        own = _Index(self.known)
        look(own, self._by_guid)
        look(_Index([*self.known, *elsewhere]), _identical)
        # What the feed no longer shows may have come back under another id.
        look(own, _renamed, once=True)
        return self._named(candidates, found)

    def _note_shared(self, candidates: Sequence[Candidate]) -> None:
        """Find the guids that stand for more than one post, in this reading or since the last."""
        known: dict[str, Sighting] = {each.guid: each for each in reversed(self.known) if each.guid}
        shown: dict[str, Sighting] = {}
        shared = dict.fromkeys(self.shared)
        for each in candidates:
            guid = each.sighting.guid
            if not guid or guid in shared:
                continue
            before = shown.setdefault(guid, each.sighting)
            # A feed shows an entry once: what stands beside it under its guid, and says something else, is another.
            another = before is not each.sighting and not _identical(each, before)
            if another or (guid in known and not _edited(each, known[guid])):
                shared = {guid: None, **shared}
        self.shared = list(shared)[:MOST_SHARED]

    def _by_guid(self, each: Candidate, known: Sighting) -> bool:
        return each.sighting.guid == known.guid and known.guid not in self.shared and _edited(each, known)

    def _named(self, candidates: Sequence[Candidate], found: Mapping[int, Sighting]) -> list[str]:
        now: dict[str, Sighting] = {}
        taken = {known.native for known in self.known} | {known.native for known in found.values()}
        seen = _Index(())
        names: list[str] = []
        for number, each in enumerate(candidates):
            known = found.get(number) or seen.first(each, _identical)
            native = known.native if known else self._new_name(each, taken)
            taken.add(native)
            names.append(native)
            sighting = replace(each.sighting, native=native)
            if native not in now:
                seen.add(sighting)
            now.setdefault(native, sighting)
        gone = [known for known in self.known if known.native not in now]
        self.known = [*list(now.values())[:MOST_SHOWN], *gone[:MOST_KNOWN]]
        return names

    def _new_name(self, each: Candidate, taken: set[str]) -> str:
        if each.by_guid and each.sighting.guid not in self.shared and each.by_guid not in taken:
            return each.by_guid
        if each.by_content not in taken:
            return each.by_content
        return f"{each.by_content}-{each.sighting.author}{each.sighting.words}"


class _Index:
    """Sightings by each of the things that two entries of one post have in common."""

    def __init__(self, sightings: Iterable[Sighting]) -> None:
        self._by: dict[tuple[str, str], list[Sighting]] = {}
        for each in sightings:
            self.add(each)

    def add(self, sighting: Sighting) -> None:
        for key in self._keys(sighting):
            held = self._by.setdefault(key, [])
            if len(held) < MOST_ALIKE:
                held.append(sighting)

    def first(
        self, each: Candidate, test: Callable[[Candidate, Sighting], bool], without: Container[str] = ()
    ) -> Sighting | None:
        """The first that the test calls the same post."""
        for key in self._keys(each.sighting):
            for known in self._by.get(key, ()):
                if known.native not in without and test(each, known):
                    return known
        return None

    @staticmethod
    def _keys(sighting: Sighting) -> list[tuple[str, str]]:
        keys = (("guid", sighting.guid), ("link", sighting.link), ("path", sighting.path), ("title", sighting.title))
        return [key for key in (*keys, ("words", sighting.words)) if key[1]]


def candidate(
    *, guid: str, by_guid: str, by_content: str, link: str, title: str, words: str, author: str, date: str, bare: bool
) -> Candidate:
    """Make an entry's evidence. `bare` says that its link is not its own (the site's, or that of many entries)."""
    own_link = "" if bare else _address(link)
    sighting = Sighting(
        "", _digest(guid), _digest(own_link), _digest(own_link.partition("?")[0].partition("#")[0]),
        _digest(_letters(title)), _digest(_letters(words)), _digest(_letters(author)), date,
    )  # fmt: skip
    return Candidate(sighting, by_guid, by_content, len(_letters(title)) >= TELLING, len(_letters(words)) >= TELLING)


def not_own_links(links: Sequence[str], site: str) -> set[str]:
    """The links that say nothing of the entry that has them: the site's own, and those that several entries have."""
    counted = Counter(links)
    several = {link for link, count in counted.items() if count > 1}
    return several | {link for link in counted if not _address(link) or _address(link) == _address(site)}


def _edited(each: Candidate, known: Sighting) -> bool:
    """Tell whether two entries with one guid are one post: not if author or time differ, unless all else agrees."""
    now = each.sighting
    title, words, link = _equal(now.title, known.title), _equal(now.words, known.words), _equal(now.link, known.link)
    if now.date and known.date and now.date == known.date:
        if _differ(now.author, known.author):
            return title and words and not _differ(now.link, known.link)
        return title or words or (_is_exact(now.date) and not _differ(now.link, known.link))
    if _differ(now.author, known.author):
        return False
    if not now.date and not known.date:
        return title or words
    return (title and (link or words or not (now.link or known.link))) or (words and link and each.telling_words)


def _identical(each: Candidate, known: Sighting) -> bool:
    """Tell whether two entries are one article under two guids: nothing differs but the guid, and it says enough."""
    now = each.sighting
    if now.date != known.date or _differ(now.author, known.author) or now.title != known.title:
        return False
    if now.words != known.words or not (now.title or now.words):
        return False
    if _equal(now.link, known.link):
        return True
    if _equal(now.guid, known.guid) and not _differ(now.link, known.link):
        return True
    told = bool(now.date) and (each.telling_title or each.telling_words)
    return told and (_equal(now.author, known.author) or (_equal(now.path, known.path) and _is_exact(now.date)))


def _renamed(each: Candidate, known: Sighting) -> bool:
    """Tell whether a new entry is one that has just left the feed, under another guid, link or title.

    Its guid says nothing here: one that it shares with others is no id.
    """
    now = each.sighting
    if _differ(now.author, known.author):
        return False
    title, words = _equal(now.title, known.title), _equal(now.words, known.words)
    dated = bool(now.date) and now.date == known.date
    moved = bool(now.date and known.date) and not dated
    two_guids = _differ(now.guid, known.guid)
    if _equal(now.link, known.link):
        same = words and (title or (each.telling_words and not two_guids))
        return (
            same
            or (dated and (title or words or _is_exact(now.date)))
            or (not moved and not two_guids and (title or words))
        )
    if _equal(now.path, known.path) and not moved:
        return (title or (words and each.telling_words)) if dated else title and words
    told = title and each.telling_title and (words or not now.words)
    return told and (dated or (not moved and words and each.telling_words))


def _is_exact(date: str) -> bool:
    """Tell whether a time names a moment, and not just a day or an hour that many posts share."""
    return int(date) % 3_600 != 0


def _equal(one: str, other: str) -> bool:
    return bool(one) and one == other


def _differ(one: str, other: str) -> bool:
    return bool(one and other) and one != other


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:10] if text else ""


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()


def _address(link: str) -> str:
    """An address as evidence, without what only says where a reader came from; empty for a site's front page."""
    try:
        parts = urlsplit(link)
    except ValueError:
        return ""
    query = _TRACKING.sub("", parts.query).lstrip("&")
    path = re.sub(r";[^/]*", "", parts.path).rstrip("/")
    if not path and not query:
        return ""
    host = (parts.hostname or "").removeprefix("www.")
    return f"{host}{path}" + (f"?{query}" if query else "") + (f"#{parts.fragment}" if parts.fragment else "")
