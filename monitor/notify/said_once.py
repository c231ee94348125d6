"""A list shows what is said in nearly the same words once, with how many more say it: a repost costs nobody a look.

Nobody is left out of the list: the others stand below the first on its page, and count in its heading.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from alerts.wording import count_words
from monitor.store.database import Row
from monitor.text.similarity import said_once


def shown_once(rows: Sequence[Row]) -> tuple[list[Row], Mapping[str, int]]:
    """Return the rows that are shown, in their order, and for each case how many others say the same below it."""
    groups = said_once([(row["story_id"], row["fingerprint"]) for row in rows])
    return [rows[head] for head, *_ in groups], {rows[head]["id"]: len(below) for head, *below in groups if below}


def say_the_same(others: int) -> str:
    """ "11 others say the same"; nothing of nobody."""
    return f"{count_words(others, 'other says', 'others say')} the same" if others else ""
