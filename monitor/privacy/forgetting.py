"""Forgetting a person, a case or a post: the one way, whoever asks for it.

An erasure (`erase`), a network that says what was deleted (`deleted`) and retention (retention.py) all end in `forget`.
It empties the rows, closes what is left with nobody to answer, and has messages that can still be changed shown anew
without the words. Counts and times stay, so that past figures still add up. It is kept that somebody was erased, by
whom and when; not who it was: what is forgotten for good is known by a hash under a key.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from alerts.wording import count_words
from connectors.text import bare_name, clean
from monitor.cases import actions
from monitor.cases.brand_replies import person_mark
from monitor.people import audit
from monitor.people.identity import Actor, of_name
from monitor.privacy.person import stored_of
from monitor.settings.rules import Rules
from monitor.store import case_log, cases, deliveries, forgotten, holds, post_keys, to_forget, wiping
from monitor.store import forgetting as store
from monitor.store.database import Database, DatabaseUnusable

log = logging.getLogger("earful.forgetting")

STAYS = (
    "Mails already sent, and backups made before now, still contain their posts.",
    "What others wrote about them stays, and their future posts are found like anyone's.",
)


@dataclass(frozen=True, slots=True)
class Known:
    """What is stored of a person. `names` are the spellings; none, and the source knows nobody of that name."""

    source: str
    names: tuple[str, ...]
    posts: int
    cases: int
    open_cases: int
    mutes: tuple[int, ...]
    ignored: tuple[str, ...]  # brands whose settings name them
    held: tuple[str, ...] = ()  # their cases on hold: these wait for its end
    copies: tuple[str, ...] = ()  # files beside the database that Earful made by itself: they go as well
    left: tuple[str, ...] = ()  # those of them that could not be deleted

    @property
    def words(self) -> str:
        """ "3 posts, 2 cases (1 of them open)"."""
        still = f" ({self.open_cases} of them open)" if self.open_cases else ""
        return f"{count_words(self.posts, 'post')}, {count_words(self.cases, 'case')}{still}"

    @property
    def stays(self) -> tuple[str, ...]:
        """What goes on naming them, and what to do about it, in sentences."""
        mutes = (f"Mute {number} still names them: earful mute undo {number}" for number in self.mutes)
        brands = (
            f"The ignored authors of {name} still name them: see the settings, or the desk." for name in self.ignored
        )
        held = (
            f"Case {case} is on hold: its text is hidden, and erased when the hold ends. Whoever asked is notified."
            for case in self.held
        )
        left = (f"{name} could not be deleted and still contains their posts; delete it." for name in self.left)
        return (*held, *mutes, *brands, *left, *STAYS)

    @property
    def copies_words(self) -> str:
        """Which copies go as well, in a sentence; empty where there are none."""
        if not self.copies:
            return ""
        return f"Earful's own copies of the whole database are deleted too: {', '.join(self.copies)}."


def known(database: Database, rules: Rules, source: str, author: str) -> Known:
    """What would be erased. Nothing is changed."""
    person = stored_of(database, source, author)
    return _known(database, rules, source, person.names, person.posts, person.cases, person.held)


def _known(
    database: Database,
    rules: Rules,
    source: str,
    names: tuple[str, ...],
    posts: Sequence[str],
    theirs: Sequence[str],
    held: Mapping[str, tuple[list[str], list[str], list[str]]],
) -> Known:
    names = tuple(sorted({*names, *(name for each, _, _ in held.values() for name in each)}))
    bare = {bare_name(name) for name in names}
    ignored = tuple(
        brand.name for brand in rules.settings.brands if {bare_name(each) for each in brand.ignore_authors} & bare
    )
    mutes = tuple(to_forget.mutes_naming(database, source, names))
    still_open = to_forget.count_open(database, theirs)
    copies = tuple(database.copies()) if names else ()
    return Known(source, names, len(posts), len(theirs), still_open, mutes, ignored, tuple(held), copies)


def erase(
    database: Database,
    rules: Rules,
    source: str,
    author: str,
    *,
    who: Actor | str,
    way: str,
    now: datetime,
    address: str = "",
) -> Known:
    """Erase a person of a source, whole or not at all; what was known of them.

    Of whom nothing is known nothing is done: see `leave_out`.
    What they held is overwritten once `wiping.wipe` has run, by whoever erased or in the daemon.
    """
    actor = of_name(who) if isinstance(who, str) else who
    who = actor.name
    with database.transaction():
        person = stored_of(database, source, author)
        if person.is_unknown:
            return Known(source, (), 0, 0, 0, (), ())
        posts, theirs, held = person.posts, person.cases, person.held
        found = _known(database, rules, source, person.names, posts, theirs, held)
        names = found.names
        sealed: list[str] = []
        for case_id, (called, more, _ids) in held.items():
            sealed += more
            holds.ask(database, case_id, now, why="erasure", names=called, who=actor.name, who_id=actor.id, way=way)
        entries = forgotten.note(database, source, sealed, [*names, *person.accounts], now)
        for case_id in theirs:
            case = cases.one(database, case_id)
            if case is not None and case.closed_at is None:
                cases.change(database, case_id, closed_at=now, closed_by=who, outcome="deleted", next_step_at=None)
            case_log.note(database, case_id, now, "erased", who=who, way=way)
        entries += forget(database, posts, theirs, now, "purged_at", names=names, for_good=True)
        store.forget_name(database, source, names, [person_mark(source, name) for name in names])
        store.note(database, source, who, way, found.posts, found.cases, now)
        audit.note(
            database, audit.Event.ERASURE, now, who=actor, way=way, address=address, about=f"one person on {source}",
            posts=found.posts, cases=found.cases,
        )  # fmt: skip
        wiping.owe(database, now)
    forgotten.write(database, entries)
    return replace(found, left=delete_copies(database))


def leave_out(database: Database, source: str, author: str, now: datetime) -> bool:
    """Have nothing stored that somebody of whom nothing is stored has written until now; whether that was so.

    Their first post may be read, or judged, at this very moment: it stands nowhere yet, and would be stored after they
    were erased in vain.
    """
    with database.transaction():
        if not stored_of(database, source, author).is_unknown:
            return False
        entries = forgotten.note(database, source, (), [clean(author)], now)
    forgotten.write(database, entries)
    return True


def delete_copies(database: Database) -> tuple[str, ...]:
    """Delete the copies that Earful made by itself, since they hold who was erased; those that could not be deleted."""
    return tuple(database.delete_copies(database.copies()))


def deleted(database: Database, source: str, natives: Sequence[str], gone: Sequence[str], now: datetime) -> list[str]:
    """Forget what a network says is deleted: posts by their ids, accounts by theirs. The cases that spoke of them.

    A case with nothing left to answer is closed as such, and forgotten. Inside a transaction.
    """
    posts = to_forget.posts_by_native(database, source, natives)
    for case_id, theirs in holds.cases_of_sealed_posts(database, posts).items():
        holds.ask(database, case_id, now, why="deleted_at", posts=theirs, who="the network", who_id="", way="network")
        posts = [each for each in posts if each not in set(theirs)]
    accounts = []
    for account in gone:
        found = to_forget.posts_of_account(database, source, account)
        held = holds.posts_of_account(database, source, account)
        for case_id, theirs in held.items():
            holds.ask(
                database, case_id, now, why="deleted_at", posts=theirs, who="the network", who_id="", way="network"
            )
        posts += found
        accounts += [account] if found or held else []
    posts = list(dict.fromkeys(posts))
    if not posts and not accounts:
        return []
    entries, can_note = [], True
    try:
        entries = forgotten.note(database, source, (), accounts, now)
    except DatabaseUnusable as error:
        can_note = False
        log.error("erased what %s deleted; an older backup may bring it back: %s", source, error)
    theirs = to_forget.cases_of_posts(database, posts)
    entries += forget(database, posts, (), now, "deleted_at", for_good=can_note)
    forgotten.write(database, entries)
    close_what_is_left(database, theirs, now, "the network")
    return theirs


def close_what_is_left(database: Database, theirs: Sequence[str], now: datetime, who: str) -> None:
    """Close those of the cases that are open and have no post left to answer. Inside a transaction."""
    for case_id in to_forget.without_posts(database, theirs):
        case = cases.one(database, case_id)
        if case is not None and case.closed_at is None:
            actions.close_deleted(database, case, now, who)


def forget(
    database: Database,
    posts: Sequence[str],
    theirs: Sequence[str],
    now: datetime,
    why: store.Why,
    *,
    names: Sequence[str] = (),
    for_good: bool = False,
) -> list[forgotten.Entry]:
    """Empty these posts, these cases and every case of which nothing stands any more. Inside a transaction.

    Messages that show them are shown anew where their channel can change what it has said. What is forgotten `for_good`
    is known by a hash from now on, and by its id no more: the entries of the list, to be written once all of it stands.
    """
    entries = forgotten.note_posts(database, posts, now) if for_good else []
    shown = list(dict.fromkeys([*theirs, *to_forget.shown_in(database, posts)]))
    stories = [row["story_id"] for row in cases.rows_of(database, shown).values()]
    own = to_forget.cases_of_posts(database, posts)
    store.forget(database, posts, (), now, why, names=names)
    bare = [case for case in to_forget.without_posts(database, own) if case not in set(theirs)]
    store.forget(database, (), [*theirs, *bare], now, why, names=names)
    for message in deliveries.that_show(database, stories, shown):
        deliveries.queue_edit(
            database, message, now, now, deliveries.FORGOTTEN, urgent=why == "deleted_at" or bool(names)
        )
    if entries:
        post_keys.replace(database, posts)
    return entries
