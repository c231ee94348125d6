"""What was forgotten for good, so that it does not come back: by reading, by a file, or out of an older copy.

Kept are hashes under a key: of a post's id, and of an author's id or name with the time until which what they wrote is
forgotten. The key is a file in the state folder and never in the database, so that who has the database alone cannot
ask it about anybody. The hashes stand in the table, and in a list beside the key: a copy that is put back knows nothing
of what was forgotten since it was made. Of several machines on one PostgreSQL each has a list with everything, and all
erase under one key.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from pathlib import Path

from connectors import Post
from connectors.text import bare_name
from monitor.store import key_values, workers
from monitor.store.database import Database, DatabaseUnusable, marks, stamp
from monitor.store.ownership import as_its_folder, replace_whole

log = logging.getLogger("earful.forgetting")

_READ, _KEYS = "erasures: list read", "erasures: keys"
_BATCH = 500
_KEY_FILE, _LIST_FILE = ".erasures-key", ".erasures"


@dataclass(frozen=True, slots=True)
class Entry:
    """One hash: of a "post", or of an "author" whose posts are forgotten that were written until `at`."""

    hash: str
    what: str
    key: str  # a mark of the key under which it was made
    at: str


def key_file(database: Database) -> Path | None:
    """Where the key lies."""
    return database.beside.with_name(database.beside.name + _KEY_FILE) if database.beside else None


def list_file(database: Database) -> Path | None:
    """Where the list lies."""
    return database.beside.with_name(database.beside.name + _LIST_FILE) if database.beside else None


def keys(database: Database) -> list[bytes]:
    """The keys of the state folder: ours, and those of other machines that somebody has put below it."""
    path = key_file(database)
    if path is None or not path.exists():
        return []
    try:
        lines = path.read_text("ascii").split()
        return [bytes.fromhex(line) for line in lines if line]
    except (OSError, ValueError) as error:
        raise DatabaseUnusable(
            f"{path}: not the key of erasures ({type(error).__name__}). Put the right file back; without it, "
            "nobody can tell who was erased"
        ) from None


def _sound_keys(database: Database) -> list[bytes]:
    """As `keys`, for whoever only asks: a key that cannot be read is said, and nothing waits for it."""
    try:
        return keys(database)
    except DatabaseUnusable as error:
        log.error("%s", error)
        return []


def _own_key(database: Database, now: datetime) -> bytes:
    """The first key; it is made when it is first needed."""
    found = keys(database)
    if found:
        return found[0]
    path = key_file(database)
    if path is None:
        raise DatabaseUnusable("no folder for the key of erasures; nothing was erased")
    key = secrets.token_bytes(32)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(key.hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        as_its_folder(path)
    except OSError as error:
        raise DatabaseUnusable(f"{path}: {error.strerror}; can't store the key of erasures there") from error
    key_values.remember(database, _KEYS, _marks([key]), now)
    return key


def own_key(database: Database) -> bytes:
    """The key under which this process erases; empty where none was made yet, or it cannot be read."""
    return next(iter(_sound_keys(database)), b"")


def make_key(database: Database, now: datetime) -> bytes:
    """As `own_key`, made if it is not there: several processes need the same before the first erasure.

    Empty, with the reason in the log, where it cannot be kept.
    """
    try:
        return _own_key(database, now)
    except DatabaseUnusable as error:
        log.warning("%s", error)
        return b""


def mark_of(key: bytes) -> str:
    """By which a key is known, and which tells nothing of it."""
    return blake2b(b"earful erasures", key=key, digest_size=6).hexdigest()


def _marks(known: Iterable[bytes]) -> str:
    return " ".join(sorted(mark_of(key) for key in known))


def _hash(key: bytes, what: str, source: str, value: str) -> str:
    text = "\0".join((what, source, value)).encode("utf-8", "replace")
    return blake2b(text, key=key, digest_size=20).hexdigest()


def row_id(key: bytes, post: str) -> str:
    """What stands in place of the id of a post that was erased. It is looked up nowhere: `among` knows the post."""
    return _hash(key, "row", "", post)


def _origin(database: Database, source: str) -> str:
    """The name that a source began with: what is forgotten stays so when it is renamed."""
    return database.id_names.get(f"source:{source}", source)


def note(database: Database, source: str, natives: Iterable[str], authors: Iterable[str], now: datetime) -> list[Entry]:
    """Keep that these are forgotten, inside the transaction that empties them; `write` the entries once it stands."""
    _be_understood(database)
    key, origin, at = _own_key(database, now), _origin(database, source), stamp(now)
    mark = mark_of(key)
    entries = [Entry(_hash(key, "post", origin, native), "post", mark, at) for native in natives if native]
    entries += [
        Entry(_hash(key, "author", origin, bare_name(one)), "author", mark, at) for one in authors if bare_name(one)
    ]
    _insert(database, entries)
    return entries


def note_posts(database: Database, posts: Sequence[str], now: datetime) -> list[Entry]:
    """As `note`, of posts by their ids here, for whoever has to forget them in any case.

    Nothing without a key, nor where others would not understand it: to them a post is known by its id alone.
    """
    key = b"" if _under_another_key(database) else own_key(database)
    entries = []
    for start in range(0, len(posts) if key else 0, _BATCH):
        clause, values = marks("p", posts[start : start + _BATCH])
        for row in database.rows(f"SELECT source, native_id FROM posts WHERE id IN {clause}", values):
            if row["native_id"]:
                hash_ = _hash(key, "post", _origin(database, row["source"]), row["native_id"])
                entries.append(Entry(hash_, "post", mark_of(key), stamp(now)))
    _insert(database, entries)
    return entries


def _be_understood(database: Database) -> None:
    """Raise where others work on this database who can't tell who is meant by what is erased under our key."""
    if other := _under_another_key(database):
        raise DatabaseUnusable(
            f"nothing was erased: {other.words}, works on this database under another key of erasures, and would "
            f"store it again. Copy the file *.erasures-key of its state folder to {key_file(database)}, or erase "
            "there"
        )


def _under_another_key(database: Database) -> workers.Worker | None:
    """One of those who work on this database under another key of erasures than ours."""
    if database.one_writer:
        return None
    key = own_key(database)
    ours = mark_of(key) if key else ""
    return next((each for each in workers.living(database) if each.key and each.key != ours), None)


def _insert(database: Database, entries: Iterable[Entry]) -> None:
    database.run_many(
        "INSERT INTO forgotten (hash, what, key_mark, at) VALUES (:hash, :what, :key, :at) "
        "ON CONFLICT (hash) DO UPDATE SET at = excluded.at WHERE forgotten.at < excluded.at",
        [{"hash": each.hash, "what": each.what, "key": each.key, "at": each.at} for each in entries],
    )


def write(database: Database, entries: Iterable[Entry]) -> None:
    """Add entries to the list beside the key. What cannot be written now is written at the next opening."""
    path = list_file(database)
    lines = "".join(json.dumps([each.hash, each.what, each.key, each.at]) + "\n" for each in entries)
    if path is None or not lines:
        return
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w", encoding="ascii") as file:
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())
        as_its_folder(path)
    except OSError as error:
        log.error(
            "%s: %s; erasures are recorded only in the database until this file can be written", path, error.strerror
        )


def _listed(database: Database) -> dict[str, Entry]:
    path = list_file(database)
    found: dict[str, Entry] = {}
    if path is None or not path.exists():
        return found
    for line in path.read_text("ascii", "replace").splitlines():
        try:
            entry = Entry(*map(str, json.loads(line)))
        except (ValueError, TypeError):
            continue  # the last line of a crash
        if entry.hash not in found or found[entry.hash].at < entry.at:
            found[entry.hash] = entry
    return found


def hand_over(source: Path, beside: Path) -> None:
    """Give the keys and the list that lie beside the file `source` to a database whose files lie beside `beside`.

    What stands there already stays. Raises OSError with the file that cannot be written.
    """
    for suffix in (_KEY_FILE, _LIST_FILE):
        given, path = (each.with_name(each.name + suffix) for each in (source, beside))
        if given == path or not given.exists():
            continue
        standing = path.read_text("ascii").splitlines() if path.exists() else []
        new = [line for line in given.read_text("ascii", "replace").splitlines() if line not in set(standing)]
        replace_whole(path, "".join(f"{line}\n" for line in [*standing, *new]), ".new")


def among(database: Database, posts: Sequence[Post]) -> set[tuple[str, str]]:
    """Which of these posts are forgotten: (source, the network's id)."""
    if not posts or database.row("SELECT 1 AS one FROM forgotten LIMIT 1") is None:
        return set()
    asked: dict[str, list[Post]] = {}
    for key in _sound_keys(database):
        for post in posts:
            origin = _origin(database, post.source)
            asked.setdefault(_hash(key, "post", origin, post.native_id), []).append(post)
            for author in {bare_name(post.author), bare_name(post.author_id)} - {""}:
                asked.setdefault(_hash(key, "author", origin, author), []).append(post)
    found = _entries(database, list(asked))
    return {
        (post.source, post.native_id)
        for hash_, (what, at) in found.items()
        for post in asked[hash_]
        if what == "post" or stamp(post.posted_at) <= at
    }


def _entries(database: Database, hashes: Sequence[str]) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for start in range(0, len(hashes), _BATCH):
        clause, values = marks("h", hashes[start : start + _BATCH])
        for row in database.rows(f"SELECT hash, what, at FROM forgotten WHERE hash IN {clause}", values):
            found[row["hash"]] = row["what"], row["at"]
    return found


def without_key(database: Database) -> int:
    """How many erasures were made under a key that is not in the state folder: nobody can tell whom they meant."""
    clause, values = marks("k", [mark_of(key) for key in _sound_keys(database)] or ["-"])
    row = database.row(f"SELECT count(*) AS n FROM forgotten WHERE key_mark NOT IN {clause}", values)
    return int(row["n"]) if row else 0


def newly_listed(database: Database, now: datetime) -> tuple[int, bool]:
    """Bring table and list together: (entries that this database did not know, whether its posts have to be looked at).

    That is so after a copy was put back, when a key has come along, and where another machine has erased.
    """
    path, alone = list_file(database), database.one_writer
    if path is None:
        return 0, False
    size = path.stat().st_size if path.exists() else 0
    present, kept = _marks(_sound_keys(database)), key_values.fact(database, _KEYS)
    if not alone:  # one machine may know a key that another does not: each is looked for once
        present = " ".join(sorted({*present.split(), *kept.split()}))
    other_keys = present != kept
    if alone and str(size) == key_values.fact(database, _READ, "0") and not other_keys:
        return 0, False
    listed = _listed(database)
    standing: Mapping[str, str] = {row["hash"]: row["at"] for row in database.rows("SELECT hash, at FROM forgotten")}
    new = [each for each in listed.values() if standing.get(each.hash, "") < each.at]
    missing = [
        Entry(row["hash"], row["what"], row["key_mark"], row["at"])
        for row in database.rows("SELECT * FROM forgotten")
        if row["hash"] not in listed or listed[row["hash"]].at < row["at"]
    ]
    write(database, missing)
    if alone or new or other_keys:
        with database.transaction():
            _insert(database, new)
            key_values.remember(database, _KEYS, present, now)
            key_values.remember(database, _READ, str(path.stat().st_size if path.exists() else 0), now)
    return len(new), bool(new) or other_keys


def standing(database: Database, only: Sequence[str] | None = None) -> Iterator[list[str]]:
    """The posts of this database that are forgotten elsewhere, in batches of ids; `only` among these."""
    last, chosen = 0, set(only or ())
    while rows := database.rows(
        "SELECT n, id, source, native_id, author, author_id, posted_at FROM posts WHERE n > :last AND native_id <> '' "
        "ORDER BY n LIMIT 2000",
        {"last": last},
    ):
        last = int(rows[-1]["n"])
        rows = [row for row in rows if only is None or row["id"] in chosen]
        ids = {(row["source"], row["native_id"]): row["id"] for row in rows}
        posts = [
            Post(
                row["source"], row["native_id"], "", row["author"], "", datetime.fromisoformat(row["posted_at"]),
                author_id=row["author_id"],
            )
            for row in rows
        ]  # fmt: skip
        found = [ids[each] for each in among(database, posts)]
        if found:
            yield found
