"""What happens in the scripted run, and when. Nothing but values: the run itself imports this."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

# In the past, so that Slack's own clock is always later. A Wednesday, inside opening hours.
NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
PHASES = {  # what happens when; a phase ends when nothing is owed any more
    "posts": NOW,
    "more posts": NOW + timedelta(minutes=5),
    "taken": NOW + timedelta(minutes=10),
    "answered": NOW + timedelta(minutes=20),
    "reminders": NOW + timedelta(minutes=50),
    "backup": NOW + timedelta(minutes=70),
}
CARE, STAFF, BACKUP = "#care", "care@harbourtea.example", "ben@harbourtea.example"

CALM = "Harbour Tea opens at nine and the assam was lovely, thank you, number {}"
# (author, words): each complaint is known by its own word, so that a ledger can be searched for it.
FIRST = (
    ("olga", "Harbour Tea charged me twice, cancelling my subscription, the kettle word is ALBATROSS"),
    ("timo", "Harbour Tea lost my parcel and nobody replies, never again, the word is BARNACLE"),
    ("zara", "Harbour Tea sent mouldy leaves, terrible, no refund, switching to others, CORMORANT"),
)
SECOND = (
    ("yuri", "Harbour Tea support hung up on me, disgusting service, closing my account, DOGFISH"),
    ("nora", "Harbour Tea broke my teapot and ignores my mails, awful, never again, EELGRASS"),
)
WORDS = tuple(words.split()[-1] for _author, words in (*FIRST, *SECOND))
# Whose case is taken by a press that lies in the spool, answered by the brand's own account, and dismissed by a press
# that comes over Socket Mode, which Slack says again until it is acknowledged.
TAKEN, ANSWERED, DISMISSED = "timo", "olga", "yuri"
ANSWERED_AT = NOW + timedelta(minutes=18)


def hit(number: int, author: str, words: str, at: datetime, parent: int = 78) -> dict[str, Any]:
    """One comment as the search shows it."""
    return {
        "objectID": str(number),
        "created_at_i": int(at.timestamp()),
        "author": author,
        "comment_text": words,
        "story_id": number + 500_000,
        "parent_id": parent,
        "title": None,
        "url": None,
        "story_text": None,
        "points": None,
    }


def _posts(start: datetime, first: int, unhappy: tuple[tuple[str, str], ...], size: int) -> list[dict[str, Any]]:
    """So many posts, a minute apart and the newest first; the unhappy ones stand between the calm ones."""
    wanted = dict(zip(range(1, size, 3), unhappy, strict=False))
    return [
        hit(
            first + place,
            *wanted.get(place, (f"calm{first + place}", CALM.format(place))),
            start - timedelta(minutes=place),
        )
        for place in range(size)
    ]


EARLY = _posts(NOW - timedelta(minutes=1), 4000, FIRST, 9)
LATE = _posts(PHASES["more posts"] - timedelta(minutes=0, seconds=10), 5000, SECOND, 5)
for _place, _hit in enumerate(LATE):  # all of them after the first read
    _hit["created_at_i"] = int(PHASES["more posts"].timestamp()) - 10 * (_place + 1)
POSTS = {each["objectID"]: each for each in (*EARLY, *LATE)}
REPLY = hit(9000, "harbourtea", "We are sorry, the second charge is on its way back.", ANSWERED_AT, 0)
REPLY["parent_id"] = int(next(key for key, each in POSTS.items() if each["author"] == ANSWERED))
