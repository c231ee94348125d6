"""Erasures that a database does not know: made since the copy was that stands in its place, or on another machine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from alerts.wording import count_words
from monitor.privacy.forgetting import close_what_is_left, forget
from monitor.store import forgotten, to_forget, wiping
from monitor.store.database import Database


@dataclass(frozen=True, slots=True)
class Carried:
    """What was carried over: entries of the list that were new here, and posts that were forgotten once more."""

    entries: int
    posts: int
    without_key: int
    key: str

    @property
    def words(self) -> str:
        """In sentences, empty where there is nothing to say."""
        said = []
        if self.entries or self.posts:
            said.append(
                f"Carried over {count_words(self.entries, 'erasure')} made since then: "
                f"{count_words(self.posts, 'post')} erased again."
            )
        if self.without_key:
            said.append(key_missing(self.without_key, self.key))
        return " ".join(said)


def key_missing(count: int, key: str) -> str:
    """What it means that a key is missing, and what to do."""
    return (
        f"{count_words(count, 'erasure')} can't be read because their key is missing, so erased authors may be stored "
        f"again. Copy the file *.erasures-key from where the backup was made to {key} (if that file exists, add its "
        "line to it)."
    )


def carry_over(database: Database, now: datetime) -> Carried:
    """Forget here what was forgotten elsewhere. Cheap where nothing is new."""
    entries, look = forgotten.newly_listed(database, now)
    posts = 0
    for batch in forgotten.standing(database) if look else ():
        with database.transaction():
            theirs = to_forget.cases_of_posts(database, batch)
            forgotten.write(database, forget(database, batch, (), now, "purged_at", for_good=True))
            close_what_is_left(database, theirs, now, "Earful")
            wiping.owe(database, now)
        posts += len(batch)
    key = forgotten.key_file(database)
    return Carried(entries, posts, forgotten.without_key(database) if key else 0, str(key or ""))
