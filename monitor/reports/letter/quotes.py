"""People's own words for a letter: the reader's languages first, nobody named, not even inside a quote.

What would lead to a person goes out of the words: handles, the author's own name, addresses, links, and long numbers
(of orders, of telephones). Our own accounts stay, for they name nobody else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime

from alerts.email.digest import Line
from alerts.wording import excerpt
from connectors import Post
from connectors.text import LETTER_OF_SPACED, SPACELESS
from monitor.settings.rules import Rules
from monitor.store import report_queries
from monitor.store.database import Database, Row
from monitor.text.language import UNKNOWN, name_of

MOST = 40  # candidates that are looked at for the few that are quoted
WIDTH = 110  # characters of a quote
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)
_W = LETTER_OF_SPACED
_LINK = re.compile(rf"(?<!{_W})(?i:https?://|www\.)\S+")
_MAIL = re.compile(rf"(?<!{_W})(?<![.+%@-])(?:{_W}|[.+%-]){{1,64}}@(?:{_W}|-){{1,63}}(?:\.(?:{_W}|-){{1,63}}){{1,5}}")
_HANDLE = re.compile(rf"(?<!{_W})(?<!\.)@[\w.\-]*\w(?:@[\w.\-]*\w)?|(?<!{_W})(?<!/)/?[uU]/[\w-]+")
_NUMBER = re.compile(
    rf"(?<!{_W})[+(#]?(?:[A-Z]{{1,4}}-?)?\d(?:[ ()./-]?\d){{4,}}(?!{_W})"
    rf"|(?<!{_W})(?<!\d[.,])#?(?!19|20)\d{{4}}(?!{_W}|[.,]\d)"  # of a ticket, and no year
)
_DENSE = re.compile(f"[{SPACELESS}]")
_SHORT = 3  # letters: a shorter name is too often an ordinary word; of Chinese, Japanese or Korean ones two


def masked(text: str, names: Iterable[str] = (), ours: Callable[[str], bool] = lambda _handle: False) -> str:
    """`text` without what leads to a person; `names` are the author's, `ours` says whether a handle is the brand's."""
    text = _HANDLE.sub(lambda found: found[0] if ours(found[0]) else "[name]", _LINK.sub("[link]", text))
    text = _NUMBER.sub("[number]", _MAIL.sub("[address]", text))
    for name in sorted(_parts(names), key=len, reverse=True):
        word = f"(?i:{re.escape(name)})"
        text = re.sub(word if _DENSE.search(name) else rf"(?<!{_W}){word}(?!{_W})", "[name]", text)
    return text


def _parts(names: Iterable[str]) -> set[str]:
    """A name whole, and each of its words that is long enough to be one."""
    found: set[str] = set()
    for name in names:
        bare = name.strip().lstrip("@")
        found |= {bare, *re.split(r"[\s_.\-@]+", bare)} if " " in bare else {bare}
    shortest = {each: _SHORT - 1 if _DENSE.search(each) else _SHORT for each in found}
    return {each for each in found if len(each) >= shortest[each] and not each.isdecimal()}


def words_of(rules: Rules, row: Row, width: int = WIDTH) -> str:
    """What a post says, masked and cut."""

    def ours(handle: str) -> bool:
        name = handle.lstrip("@/")
        return rules.is_own(Post(row["source"], "-", "", name, "", _ANY_TIME))

    said = masked(row["text"] or row["title"], (row["author"], row["author_name"]), ours)
    return excerpt(said.replace('"', "'"), width)  # ours are the outer marks


def by_of(source: str, language: str, speaks: Collection[str]) -> str:
    """Who said it, without saying who: "a customer on Mastodon, in German"."""
    foreign = language and language != UNKNOWN and language not in speaks
    return f"a customer on {source}" + (f", in {name_of(language)}" if foreign else "")


def in_order(rows: Sequence[Row], speaks: Collection[str]) -> list[Row]:
    """What the reader can read before what they cannot, and of each what has no answer yet; else the order stays."""
    readable = {*speaks, UNKNOWN, ""}
    return sorted(rows, key=lambda row: (row["language"] not in readable, bool(row["answered_at"])))


def quoted(
    database: Database,
    rules: Rules,
    since: datetime,
    until: datetime,
    *,
    brand: str,
    speaks: Collection[str],
    praise: bool,
    cause: str = "",
    limit: int,
    link: Callable[[Row], dict[str, str]],
) -> list[tuple[Row, Line]]:
    """What people said in a span, each person and each text once; what we say ourselves is no voice.

    `link` gives where it can be seen and what that is called, as fields of a line.
    """
    rows = report_queries.voices(database, since, until, praise=praise, limit=MOST, brand=brand, cause=cause)
    found: list[tuple[Row, Line]] = []
    seen: set[str] = set()
    for row in in_order(rows, speaks):
        words = words_of(rules, row)
        marks = {f"{row['source']}/{row['author']}" if row["author"] else "", words.casefold()[:60]} - {""}
        post = Post(row["source"], "-", "", row["author"], "", until)
        if len(found) == limit or not words or seen & marks or rules.is_own(post) or rules.is_ignored(post):
            continue
        seen |= marks
        found.append((row, Line("", words, by_of(row["source"], row["language"], speaks), **link(row))))
    return found
