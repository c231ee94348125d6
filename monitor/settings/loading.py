"""Reads settings.toml into the models of `models.py` and gathers every fault on the way."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import time
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr, ValidationError

import alerts
import connectors
from connectors.old_keys import ended, translated
from monitor.extras import how_to_install
from monitor.settings.addresses import leads_somewhere
from monitor.settings.checks import Checks
from monitor.settings.derived import completed
from monitor.settings.environment import with_secrets_file
from monitor.settings.errors import (
    Fault,
    Key,
    Problem,
    SettingsError,
    dotted,
    meant,
    nearest,
    one_of,
    placed,
    problems_of,
    shown,
)
from monitor.settings.models import (
    Alerts,
    Assistant,
    Brand,
    Channel,
    Competitor,
    Database,
    Desk,
    Digest,
    Earful,
    Judge,
    Oidc,
    Person,
    Settings,
    Source,
    Tracker,
)
from monitor.settings.secrets import Filling
from monitor.settings.toml_lines import lines_of

LARGEST = 1024 * 1024  # bytes of a settings file

# kinds whose library comes as an extra of the same name -> the library's module
EXTRAS = {"apprise": "apprise"}

_ENDLESS_KEY = re.compile(
    r"^[ \t\[]*(?:[A-Za-z0-9_-]+[ \t]*\.[ \t]*){100}", re.MULTILINE
)  # tomllib: minutes for 10,000


def load(path: Path, environ: Mapping[str, str], *, secrets: bool = True) -> Settings:
    """Read and check the settings at `path`; `{ env = ... }` is read from `environ`, then `earful.env`.

    Without `secrets` one that is missing is no fault (but the database's): for commands that speak to nobody outside.
    Raises SettingsError with every fault at once: missing files and secrets, syntax, unknown keys, wrong types, and
    words that name nothing. Nothing is opened but the file, the secret files and the modules of the kinds it names.
    """
    data = _read(path)
    table = _parse(path, data)
    reading = _Reading(path, table, with_secrets_file(path, environ), secrets=secrets)
    settings = reading.settings(hashlib.sha256(data).hexdigest())
    if settings is None:
        raise SettingsError(placed(reading.problems, path, lines_of(_text(path, data))))
    return settings


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as opened:
            data = opened.read(LARGEST + 1)
    except FileNotFoundError:
        found, write = "no such file", "name it with --settings FILE, or create one with: earful init"
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "invalid name"
        found, write = f"a file that can't be read ({reason})", "let this user read it, or name another file"
    else:
        if len(data) <= LARGEST:
            return data
        found, write = "more than 1 MB", "keep only settings in this file"
    raise SettingsError((Fault(str(path), None, "", found, write),))


def _text(path: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        fault = Fault(
            str(path), line, "", f"the byte 0x{data[error.start]:02x}, which is not UTF-8", "save it as UTF-8"
        )
        raise SettingsError((fault,)) from None


def _parse(path: Path, data: bytes) -> dict[str, Any]:
    text = _text(path, data)
    endless = _ENDLESS_KEY.search(text)
    if endless is not None:
        at = text.count("\n", 0, endless.start()) + 1
        raise SettingsError((Fault(str(path), at, "", "a key of a hundred parts", "write a short key"),))
    try:
        return tomllib.loads(text)
    except RecursionError:
        fault = Fault(str(path), None, "", "lists nested too deep", "write at most a few levels")
    except ValueError as error:
        where = re.search(r" \(at (?:line ([0-9]+), column ([0-9]+)|end of document)\)$", str(error))
        line = int(where[1]) if where and where[1] else text.count("\n") + 1 if where else None
        reason = str(error)[: where.start()] if where else str(error)
        column = f" at column {where[2]}" if where and where[2] else ""
        found = f"invalid TOML{column} ({reason[:1].lower()}{reason[1:120]})"
        write = 'write key = "text", key = 5, key = ["a", "b"] or [table]'
        written = text.split("\n")[line - 1] if line else ""
        for sign, said, instead in _SLIPS:
            if re.search(sign, f"{reason}\n{written}"):
                found, write = said, instead
                break
        fault = Fault(str(path), line, "", found, write)
    raise SettingsError((fault,))


_SLIPS = (  # what Python's reader says of a slip, or the line that it stumbles over; what people are told
    (
        r"^[Cc]annot .*\n\s*\[+\s*(?:brands|sources|channels|competitors|people|trackers)\s*\]",
        "a table of which there may be several",
        "use double brackets each time, such as [[sources]]",
    ),
    (
        r"^[Ee]xpected newline or end of document.*\n[^#\"'=]*= *[\"']",
        "text after a closing quotation mark",
        'if it belongs to the value, put the other kind around all of it: \'acme OR "acme air"\' or "Joe\'s"',
    ),
    (r"^[Cc]annot declare \(.*\) twice\n", "a table that already appears above", "add its keys there"),
    (r"^[Cc]annot overwrite a value\n", "a key that already appears in this table", "keep one of them"),
    (r"\n[^#\"']*= *[“”„‘’«»]", "a typographic quotation mark", 'use straight ones: "text"'),
)
_ADDRESSES = frozenset({"address", "issuer"})  # keys of an address that say so in another way than by "_url"
_PAGES, _STREAMS = frozenset({"http", "https"}), frozenset({"ws", "wss"})
_M = TypeVar("_M", bound=BaseModel)
_TABLES: dict[str, type[BaseModel]] = {
    "earful": Earful, "database": Database, "alerts": Alerts, "desk": Desk, "digest": Digest,
    "judge": Judge, "oidc": Oidc, "assistant": Assistant,
}  # fmt: skip
_LISTS: dict[str, type[BaseModel]] = {
    "brands": Brand,
    "sources": Source,
    "channels": Channel,
    "competitors": Competitor,
    "people": Person,
    "trackers": Tracker,
}

_KINDS: dict[str, Mapping[str, str]] = {
    "sources": connectors.KINDS, "channels": alerts.KINDS, "trackers": connectors.TRACKERS,
}  # fmt: skip


class _Reading:
    """One reading of one file: builds every part on its own, so that each can speak of its faults."""

    def __init__(self, path: Path, table: dict[str, Any], environ: Mapping[str, str], *, secrets: bool) -> None:
        self.path = path
        self.written = table
        self.table = completed(table)
        self.filling = Filling(path.absolute().parent, environ, need_secrets=secrets, unused=_disabled(table))
        self.problems = self.filling.problems

    def settings(self, fingerprint: str) -> Settings | None:
        known = [*_TABLES, *_LISTS]
        for name in self.table:
            if name not in known:
                self.problems.append(Problem((name,), "an unknown key", meant(name, known)))
        self._allow_a_plain_database()
        sound: dict[str, Any] = {
            name: self._one(model, self.table.get(name, {}), (name,)) for name, model in _TABLES.items()
        }
        sound |= {name: self._many(model, name) for name, model in _LISTS.items()}
        self.problems += Checks(self.table, sound).run()
        if self.problems:
            return None
        sound["database"] = self._whole_path(sound["database"])
        return Settings(
            file=self.path.absolute(),
            **sound,
            fingerprint=fingerprint,
            from_elsewhere=frozenset(self.filling.from_elsewhere),
            given=frozenset(_keys(self.written, ())),
            whole=not self.filling.passed_over,
            warnings=(*self.filling.warnings, *_almost_midnight(sound)),
        )

    def _one(self, model: type[_M], value: object, key: Key, also: tuple[str, ...] = ()) -> _M | None:
        noted = len(self.problems)
        filled = self.filling.table(model, value, key, also)
        sound = len(self.problems) == noted
        try:
            made = model.model_validate(filled)
        except ValidationError as error:
            # What is said of the table as a whole may come from the part that could not be filled.
            self.problems += [each for each in problems_of(error, key, filled) if sound or each.key != key]
            return None
        self.problems += _lead_nowhere(made, key, filled if isinstance(filled, dict) else {})
        return made

    def _many(self, model: type[BaseModel], name: str) -> tuple[Any, ...]:
        entries = self.table.get(name, [])
        if not isinstance(entries, list):
            self.problems.append(Problem((name,), shown(entries), f"write [[{name}]], with double brackets"))
            return ()
        kinds = _KINDS.get(name)
        return tuple(
            self._leaf(model, entry, (name, at), kinds)
            if kinds is not None and isinstance(entry, dict)
            else self._one(model, entry, (name, at))
            for at, entry in enumerate(entries)
        )

    def _leaf(self, model: type[BaseModel], entry: dict[str, Any], key: Key, kinds: Mapping[str, str]) -> Any:
        """A source or a channel: what all have in common, and its kind's own options."""
        shared = tuple(name for name in model.model_fields if name not in {"options", "reply_options"})
        common = self._one(model, {name: value for name, value in entry.items() if name in shared}, key)
        kind = entry.get("kind")
        if not isinstance(kind, str):  # the common part has said so
            for name in entry:
                if name not in shared and nearest(name, shared):
                    self.problems.append(Problem((*key, name), "an unknown key", meant(name, shared)))
            return None
        own = self._kind(kind, kinds, (*key, "kind"))
        if own is None:
            return None
        entry, reply = self._replies(entry, kind, own, key) if kinds is connectors.KINDS else (entry, None)
        entry, said = translated(entry, getattr(own, "OLD_KEYS", {}))
        said += [f"{name}: {why}" for name, why in ended(own).items() if name in entry]
        self.filling.warnings += [f"{entry.get('name', kind)}: {sentence}" for sentence in said]
        options = self._one(own, {name: value for name, value in entry.items() if name not in shared}, key, shared)
        if common is None:
            return None
        told: dict[str, Any] = {"options": options}
        if "answerable" not in entry and not getattr(options, "answerable", True):
            told["answerable"] = False
        if reply is not None:
            told["reply_options"] = reply
            self._apart(options, reply, key)
        return common.model_copy(update=told)

    def _replies(
        self, entry: dict[str, Any], kind: str, own: type[BaseModel], key: Key
    ) -> tuple[dict[str, Any], BaseModel | None]:
        """What the writing half of a source is given, and the rest. It is loaded where `reply = true` says so only."""
        apart = {"reply", "reply_approval", *own.model_fields}
        given = {name: value for name, value in entry.items() if name.startswith("reply_") and name not in apart}
        if entry.get("reply") is not True:
            if given and kind in connectors.WRITERS:  # kept for later, and not looked at
                entry = {name: value for name, value in entry.items() if name not in given}
            return entry, None
        if kind not in connectors.WRITERS:
            write = f"leave it out; the kinds that can reply are {one_of(connectors.WRITERS)}"
            self.problems.append(Problem((*key, "reply"), f'true, but Earful can\'t reply on "{kind}"', write))
            return entry, None
        module = importlib.import_module(connectors.WRITERS[kind].partition(":")[0])
        made = self._one(module.ReplySettings, given, key, tuple(apart))
        return {name: value for name, value in entry.items() if name not in given}, made

    def _apart(self, options: object, reply: BaseModel, key: Key) -> None:
        """Whoever may only read must not be able to write: the two halves share no secret."""
        reading = {each.get_secret_value() for each in vars(options).values() if isinstance(each, SecretStr)}
        for name, value in vars(reply).items():
            if isinstance(value, SecretStr) and value.get_secret_value() in reading and self.filling.need_secrets:
                write = "make one of its own for replies, with the right to write"
                self.problems.append(Problem((*key, name), "the same secret as for reading", write))

    def _kind(self, kind: str, kinds: Mapping[str, str], key: Key) -> type[BaseModel] | None:
        if kind not in kinds:
            near = meant(kind, kinds, " ").strip()
            write = f"{near} The kinds are {one_of(kinds)}".strip() if near else f"write one of {one_of(kinds)}"
            self.problems.append(Problem(key, f"an unknown kind, {shown(kind)}", write))
            return None
        try:
            if kind in EXTRAS and importlib.util.find_spec(EXTRAS[kind]) is None:
                raise ModuleNotFoundError(name=EXTRAS[kind])
            settings = importlib.import_module(kinds[kind].partition(":")[0]).Settings
        except ImportError as error:
            extra = f"run: {how_to_install(kind)}" if kind in EXTRAS else "run: make setup"
            self.problems.append(Problem(key, f'"{kind}", but its library {error.name} is not installed', extra))
            return None
        return cast(type[BaseModel], settings)

    def _allow_a_plain_database(self) -> None:
        """An address without a password is no secret, and neither is a file's name."""
        database = self.table.get("database")
        url = database.get("url") if isinstance(database, dict) else None
        if not isinstance(url, str):
            return
        try:
            password = urlsplit(url).password or "password" in urlsplit(url).query.casefold()
        except ValueError:
            password = None
        if not password:
            self.filling.plain = frozenset({("database", "url")})

    def _whole_path(self, database: Database) -> Database:
        """sqlite:NAME stands beside the settings file, wherever the daemon is started."""
        url = database.url.get_secret_value()
        name = url.removeprefix("sqlite:")
        if name in (url, ":memory:"):
            return database
        whole = (self.filling.folder / Path(name).expanduser()).resolve()
        return database.model_copy(update={"url": SecretStr(f"sqlite:{whole}")})


def _lead_nowhere(made: BaseModel, key: Key, written: Mapping[str, object]) -> Iterator[Problem]:
    """The addresses that a file writes in a table, known by the names of their keys, at which nobody can be reached."""
    for name, field in type(made).model_fields.items():
        if name not in written or not (name.endswith("_url") or name in _ADDRESSES):
            continue
        value = getattr(made, name)
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        usual = field.default if isinstance(field.default, str) and "://" in field.default else "https://example.org"
        if isinstance(text, str) and text and not leads_somewhere(text, _STREAMS if usual[:2] == "ws" else _PAGES):
            write = f'write its scheme, its host and, if it has a port, a number up to 65535, such as "{usual}"'
            yield Problem((*key, name), shown(value), write)


def _disabled(table: Mapping[str, Any]) -> frozenset[Key]:
    """The keys of sources that are switched off: nobody needs their secrets."""
    sources = table.get("sources")
    listed = sources if isinstance(sources, list) else []
    return frozenset(
        ("sources", at) for at, each in enumerate(listed) if isinstance(each, dict) and each.get("enabled") is False
    )


def _keys(value: object, key: Key) -> Iterator[str]:
    if key:
        yield dotted(key)
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _keys(inner, (*key, name))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _keys(inner, (*key, at))


def _almost_midnight(sound: dict[str, Any]) -> list[str]:
    """Hours that end at 23:59: the desk would close for a minute, and a clock would stop in it."""
    desk = sound.get("desk")
    blocks = [(f"desk.hours[{number}]", block) for number, block in enumerate(desk.hours if desk else ())]
    for person in sound.get("people") or ():
        blocks += [(f"shifts[{number}] of {person.name}", shift) for number, shift in enumerate(person.shifts)]
    return [
        f'{where} ends at 23:59, a minute before midnight. For midnight, write end = "00:00"'
        for where, block in blocks
        if block.end == time(23, 59)
    ]
