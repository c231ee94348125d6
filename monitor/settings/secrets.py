"""Fills a table of settings before it is checked: secrets from the environment or a file, paths from the file's folder.

It walks the model's own types, so every kind's `Settings` gets this without writing a line: a field of type SecretStr
is a secret; a field of type Path, or a text named `file`, is a path from the file's folder; "none" empties an
optional one.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from monitor.settings.environment import NAME as ENVIRONMENT_FILE
from monitor.settings.environment import is_exported
from monitor.settings.errors import Key, Problem, dotted, meant, shown

_LARGEST = 64 * 1024
_SET = "set it, or say where the secret is"
_HOW = 'write { env = "NAME" } or { file = "PATH" }'
# In place of a secret that is missing: long enough, and an address, so that nothing else is found wrong with it.
_NAMED = (
    f'write the name alone, such as {{ env = "SLACK_TOKEN" }}, and the secret into {ENVIRONMENT_FILE}: SLACK_TOKEN=...'
)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNREAD = SecretStr("https://secret.invalid/not-read")


@dataclass(slots=True)
class Filling:
    """What is needed to fill tables, and what was noticed on the way."""

    folder: Path
    environ: Mapping[str, str]
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    plain: frozenset[Key] = frozenset()  # secrets that may be in the file because they hold no password
    need_secrets: bool = True  # else one that is missing is no fault; the database's is always needed
    passed_over: bool = False  # a secret was missing, and nobody needs it now
    from_elsewhere: set[str] = field(default_factory=set)  # keys whose values came from the environment or a file
    unused: frozenset[Key] = frozenset()  # tables that are switched off: their secrets are never asked for

    def table(self, model: type[BaseModel], value: object, key: Key, also: tuple[str, ...] = ()) -> object:
        """Fill one table of `model`, note and leave out keys it does not know; `also` are keys known besides."""
        if not isinstance(value, dict):
            return value
        fields = {(entry.alias or name): entry for name, entry in model.model_fields.items()}
        filled: dict[str, object] = {}
        for name, given in value.items():
            if name in fields:
                filled[name] = self._field(fields[name], given, (*key, name))
            elif model.model_config.get("extra") == "forbid":
                self._note((*key, name), "an unknown key", meant(name, {*fields, *also}))
            else:
                filled[name] = given
        return filled

    def _field(self, entry: FieldInfo, value: object, key: Key) -> object:
        if key[-1] == "file" and entry.annotation is str and isinstance(value, str) and value not in (
            entry.default, *(entry.examples or ()),  # what ships under a name
        ):  # fmt: skip
            return str(self.folder / Path(value).expanduser())
        checked_by_its_own = any(type(part).__name__ == "BeforeValidator" for part in entry.metadata)
        return self._value(entry.annotation, value, key, loose=checked_by_its_own)

    def _value(self, kind: Any, value: object, key: Key, *, loose: bool = False) -> object:
        if typing.get_origin(kind) is typing.Annotated:
            inner, *parts = typing.get_args(kind)
            loose = loose or any(type(part).__name__ == "BeforeValidator" for part in parts)
            return self._value(inner, value, key, loose=loose)
        arms = typing.get_args(kind) if _is_union(kind) else (kind,)
        if value == "none" and type(None) in arms and str not in arms:
            return None  # TOML has no word for nothing
        if SecretStr in arms and not (isinstance(value, str) and str in arms):
            return self._secret(value, key)
        if str in arms and isinstance(value, dict) and set(value) in ({"env"}, {"file"}):
            return self._secret(value, key).get_secret_value()
        if Path in arms and isinstance(value, str):
            return self.folder / Path(value).expanduser()
        if not loose:
            self._check_plain(arms, value, key)
        for arm in arms:
            value = self._inside(arm, value, key)
        return value

    def _inside(self, kind: Any, value: object, key: Key) -> object:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return self.table(kind, value, key)
        origin, parts = typing.get_origin(kind), typing.get_args(kind)
        if origin in (list, tuple, set, frozenset) and parts and isinstance(value, list):
            return [self._value(parts[0], entry, (*key, at)) for at, entry in enumerate(value)]
        if origin is dict and isinstance(value, dict):
            return {name: self._value(parts[1], entry, (*key, name)) for name, entry in value.items()}
        return value

    def _check_plain(self, arms: tuple[Any, ...], value: object, key: Key) -> None:
        """TOML has types: "5" is no number and 1 is no truth, however willing a library is to read them so."""
        choices = [
            choice for arm in arms if typing.get_origin(arm) is typing.Literal for choice in typing.get_args(arm)
        ]
        if type(value) not in (str, bool, int, float) or type(value) in arms or Any in arms or value in choices:
            return
        if bool in arms:
            self._note(key, shown(value), "write true or false, without quotes")
        elif float in arms and type(value) is not int:
            self._note(key, shown(value), "write a number, without quotes")
        elif int in arms:
            self._note(key, shown(value), "write a whole number, without quotes")

    def _secret(self, value: object, key: Key) -> SecretStr:
        if isinstance(value, str) and key in self.plain:
            return SecretStr(value)
        if not isinstance(value, dict):
            found = "a secret in plain text" if isinstance(value, str) else shown(value)
            self._note(key, found, f"{_HOW}, so that this file is safe to share")
        elif len(value) != 1 or next(iter(value)) not in ("env", "file"):
            self._note(key, "a table", _HOW)
        elif not isinstance(next(iter(value.values())), str):
            self._note(key, shown(next(iter(value.values()))), _HOW)
        else:
            noted = len(self.problems)
            self.from_elsewhere.add(dotted(key))
            text = self._from_environment(value["env"], key) if "env" in value else self._from_file(value["file"], key)
            if not text and (key[:2] in self.unused or (not self.need_secrets and key[0] != "database")):
                del self.problems[noted:]
                self.passed_over = self.passed_over or key[:2] not in self.unused
            return SecretStr(text) if text else _UNREAD
        return _UNREAD

    def _from_environment(self, name: str, key: Key) -> str:
        # Most likely it is the secret itself: none of it is repeated.
        if name and name not in self.environ and not _VARIABLE.fullmatch(name):
            self._note(key, "a text that can't be the name of an environment variable", _NAMED)
            return ""
        text = self.environ.get(name, "").strip() if name else ""
        if not text:
            found = "an empty environment variable" if name in self.environ else "an environment variable that is unset"
            write = f"write {name}=... into {self.folder / ENVIRONMENT_FILE}, or set it" if name else _SET
            if name and is_exported(self.folder, name):
                write = f"write {name}=... into {self.folder / ENVIRONMENT_FILE} without export, as systemd reads it"
            self._note(key, f"{found}, {shown(name)}", write)
        return text

    def _from_file(self, name: str, key: Key) -> str:
        path = self.folder / Path(name)
        fault = f"the secret file {shown(name)}"
        try:
            with path.open("rb") as opened:
                data = opened.read(_LARGEST + 1)
            mode = path.stat().st_mode
            text = data.decode("utf-8-sig").strip()
        except FileNotFoundError:
            self._note(key, f"{fault}, which does not exist", "create it, or say where the secret is")
        except UnicodeDecodeError:
            self._note(key, f"{fault}, which is not text", "write the secret into it as UTF-8 text")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "invalid name"
            self._note(key, f"{fault}, which cannot be read ({reason})", "let the daemon's user read it")
        else:
            if not text:
                self._note(key, f"{fault}, which is empty", "write the secret into it")
            elif len(data) > _LARGEST:
                self._note(key, f"{fault}, which is larger than 64 kB", "keep only the secret in it")
            if mode & 0o004:
                open_to = f"is readable by everyone on this machine (mode {mode & 0o777:04o})"
                self.warnings.append(f"{dotted(key)}: {name} {open_to}; run: chmod 600 {name}")
            return text
        return ""

    def _note(self, key: Key, found: str, write: str) -> None:
        self.problems.append(Problem(key, found, write))


def _is_union(kind: Any) -> bool:
    return typing.get_origin(kind) in (typing.Union, types.UnionType)
