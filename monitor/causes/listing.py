"""A brand's list of causes: how it begins, and what staff do to it. Each change can be undone, the latest first.

A merged cause names the other; undoing makes it name nothing. Each change keeps what the rows held before.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from monitor.people.identity import Actor
from monitor.store import cause_changes, key_values, problems
from monitor.store import causes as store
from monitor.store.database import Database, Row, listed_in, stamp
from monitor.text.causes import MOST_WORDS, Cause, Classifier
from monitor.text.trades import Trade, seeds, words_of

MOST = 60  # causes of one brand
LONGEST_NAME = 60
LONGEST_WORD = 80
MOST_DAYS = 90


class NotPossible(Exception):
    """It cannot be done; the message says why and what to do instead."""


def begin(database: Database, brand: str, trade: Trade, now: datetime) -> bool:
    """Give a brand the list of its trade, once; another trade replaces a list that nobody has used or changed."""
    key = f"causes:{brand}"
    before = key_values.fact(database, key)
    if before == trade:
        return False
    with database.transaction():
        if store.is_used(database, brand) or cause_changes.last(database, brand) is not None:
            return False  # it is theirs by now
        store.drop(database, brand)
        store.add(
            database,
            [
                {"id": _id(brand, each.name), "brand": brand, "name": each.name, "words": each.words,
                 "examples": each.examples, "days": each.days}
                for each in seeds(trade)
            ],
            now,
        )  # fmt: skip
        key_values.remember(database, key, trade, now)
    return True


def _id(brand: str, name: str, more: str = "") -> str:
    return hashlib.sha256(f"{brand}\0{name}\0{more}".encode("utf-8", "replace")).hexdigest()[:12]


def as_causes(rows: Sequence[Row]) -> list[Cause]:
    """Rows of the list as what posts are held against."""
    return [Cause(row["id"], row["name"], listed_in(row["words"]), listed_in(row["examples"])) for row in rows]


# -- what staff do to it ---------------------------------------------------------------------------------------------


def add(database: Database, brand: str, name: str, words: str, who: Actor, now: datetime) -> str:
    """Put a new cause on the list; its id. Inside a transaction, as all that follows."""
    name = _named(database, brand, name)
    if len(store.standing(database, brand)) >= MOST:
        raise NotPossible(f"a brand has {MOST} causes at most; merge or remove one first")
    cause = _id(brand, name, stamp(now))
    store.add(database, [{"id": cause, "brand": brand, "name": name, "words": _words(words)}], now)
    _note(database, cause, brand, "add", {}, {"name": name}, who, now)
    return cause


def edit(database: Database, cause: str, fields: dict[str, str], who: Actor, now: datetime) -> bool:
    """Change name, words, examples, team, days or the linked issue; whether anything changed."""
    row = _standing(database, cause)
    new: dict[str, Any] = {}
    if "name" in fields and fields["name"].strip() != row["name"]:
        new["name"] = _named(database, row["brand"], fields["name"], but=cause)
    if "words" in fields:
        new["words"] = _words(fields["words"])
    if "examples" in fields:
        lines = (" ".join(line.split())[:300] for line in fields["examples"].splitlines())
        new["examples"] = tuple(line for line in dict.fromkeys(lines) if line)[:20]
    if "team" in fields:
        new["team"] = " ".join(fields["team"].split())[:100]
    if "issue_url" in fields:
        new["issue_url"] = _link(fields["issue_url"])
    if "days" in fields:
        new["days"] = _days(fields["days"])
    held: dict[str, Any] = {key: listed_in(row[key]) if key in {"words", "examples"} else row[key] for key in new}
    new = {key: value for key, value in new.items() if value != held[key]}
    if not new:
        return False
    store.change(database, cause, **new)
    what = "rename" if list(new) == ["name"] else "edit"
    _note(database, cause, row["brand"], what, {cause: {key: held[key] for key in new}}, new, who, now)
    return True


def merge(database: Database, cause: str, into: str, who: Actor, now: datetime) -> None:
    """Let one cause go into another of its brand: posts, words and an open problem go along."""
    row, other = _standing(database, cause), _standing(database, into)
    if cause == into or row["brand"] != other["brand"]:
        raise NotPossible("choose another cause of the same brand")
    before: dict[str, dict[str, Any]] = {into: {"words": listed_in(other["words"])}}
    for each in store.within(database, cause):
        held = store.one(database, each)
        before[each] = {"merged_into": held["merged_into"] if held else ""}
        store.change(database, each, merged_into=into)
    words = tuple(dict.fromkeys([*listed_in(other["words"]), *listed_in(row["words"])]))[:MOST_WORDS]
    store.change(database, into, words=words)
    moved = _merge_problems(database, cause, into)
    after = {"name": row["name"], "into": other["name"], "problems": moved}
    _note(database, cause, row["brand"], "merge", before, after, who, now)


def _merge_problems(database: Database, cause: str, into: str) -> dict[str, dict[str, Any]]:
    """An open problem of a merged cause becomes the other's, or a part of the one that is open there; what it held."""
    problems.count_all_anew(database)
    mine, theirs = problems.open_for(database, cause), problems.open_for(database, into)
    if mine is None:
        return {}
    if theirs is None:
        problems.change(database, mine["n"], cause_id=into)
        return {str(mine["n"]): {"cause_id": cause}}
    problems.change(database, mine["n"], joined=theirs["n"])
    first = min(mine["first_at"], theirs["first_at"])
    problems.change(database, theirs["n"], first_at=first)
    return {str(mine["n"]): {"joined": 0}, str(theirs["n"]): {"first_at": theirs["first_at"]}}


def split(database: Database, cause: str, name: str, words: str, who: Actor, now: datetime) -> tuple[str, int]:
    """Make a cause of its own of those posts that hold these words; its id, and how many posts went along."""
    row = _standing(database, cause)
    wanted = _words(words)
    if not wanted:
        raise NotPossible("write the words by which the new cause is known")
    new = add(database, row["brand"], name, words, who, now)
    undone = cause_changes.last(database, row["brand"])
    assert undone is not None
    finder = Classifier([Cause(new, name, wanted)])
    moved = 0
    ids = store.within(database, cause)
    for rows in store.texts_of(database, cause):
        found = [each["id"] for each in rows if finder.guesses(f"{each['title']} {each['text']}")]
        for one in ids:
            store.move(database, one, new, found)
        moved += len(found)
    cause_changes.amend(database, undone["n"], "split", {"from": cause}, {"name": name, "posts": moved})
    return new, moved


def remove(database: Database, cause: str, who: Actor, now: datetime) -> None:
    """Take a cause off the list: no post is held against it any more, and what was counted of it is not shown."""
    row = _standing(database, cause)
    store.change(database, cause, gone_at=stamp(now))
    _note(database, cause, row["brand"], "remove", {cause: {"gone_at": ""}}, {"name": row["name"]}, who, now)


def dismiss(database: Database, brand: str, words: str, who: Actor, now: datetime) -> None:
    """A proposal is no cause: it is not proposed again."""
    _note(database, "", brand, "dismiss", {}, {"words": " ".join(words.split())[:LONGEST_WORD]}, who, now)


def undo(database: Database, brand: str, now: datetime) -> str:
    """Take back the latest change of a list that stands; in words, "" where there is none."""
    row = cause_changes.last(database, brand)
    if row is None:
        return ""
    before, after = json.loads(row["before"]), json.loads(row["after"])
    problems.count_all_anew(database)
    if row["what"] == "split":
        store.move(database, row["cause_id"], before["from"])
    if row["what"] in {"add", "split"}:
        store.change(database, row["cause_id"], gone_at=stamp(now))
    elif row["what"] != "dismiss":
        for cause, values in before.items():
            store.change(database, cause, **values)
    for problem, values in after.get("problems", {}).items() if isinstance(after, dict) else ():
        problems.change(database, int(problem), **values)
    cause_changes.undo(database, row["n"], now)
    return told(row)


SAID = {
    "add": "added {name}", "rename": "renamed to {name}", "edit": "edited", "merge": "merged {name} into {into}",
    "split": "made {name} of a part", "remove": "removed {name}", "dismiss": "dismissed the proposal {words}",
}  # fmt: skip


def told(change: Row) -> str:
    """A change of the list in a few words."""
    after = json.loads(change["after"])
    return SAID[change["what"]].format(**{"name": "", "into": "", "words": "", **after})


# -- helpers ---------------------------------------------------------------------------------------------------------


def _standing(database: Database, cause: str) -> Row:
    row = store.one(database, cause)
    if row is None or row["gone_at"] or row["merged_into"]:
        raise NotPossible("this cause is not on the list any more")
    return row


def _named(database: Database, brand: str, name: str, but: str = "") -> str:
    name = " ".join(name.split())[:LONGEST_NAME]
    if not name:
        raise NotPossible("a cause needs a name")
    if any(row["name"].casefold() == name.casefold() and row["id"] != but for row in store.standing(database, brand)):
        raise NotPossible(f"there is a cause named {name} already")
    return name


def _words(text: str) -> tuple[str, ...]:
    return tuple(word[:LONGEST_WORD] for word in words_of(text))[:MOST_WORDS]


def _link(text: str) -> str:
    text = text.strip()
    if not text:
        return ""
    try:
        read = urlsplit(text)
        usable = read.scheme == "https" and bool(read.hostname) and len(text) <= 500
    except ValueError:
        usable = False
    if not usable or re.search(r"\s", text):
        raise NotPossible("write the issue's address, such as https://tracker.example.org/browse/ABC-12")
    return text


def _days(text: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) < 5 and 1 <= int(text) <= MOST_DAYS):
        raise NotPossible(f"write a number of days from 1 to {MOST_DAYS}")
    return int(text)


def _note(
    database: Database, cause: str, brand: str, what: str, before: object, after: object, who: Actor, now: datetime
) -> None:
    cause_changes.add(database, brand, cause, what, before, after, who.name, who.id, now)
