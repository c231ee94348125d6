"""Adds a source to a settings file: what there is to ask, the text of the table, and where it goes. Nothing here asks.

The file stays as it is but for the new lines, comments and all; secrets go into `earful.env` beside it.
"""

from __future__ import annotations

import importlib
import os
import re
import tempfile
import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import tomlkit
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from tomlkit.exceptions import TOMLKitError

import connectors
from connectors.durations import span_text
from connectors.old_keys import ended
from monitor.settings.environment import NAME as ENVIRONMENT_FILE
from monitor.settings.models import Source
from monitor.setup.commands import InstallError

_HEADER = re.compile(r"\s*\[\[?\s*([\w.-]+)")
_SHARED = ("about", "every", "answerable")  # of the keys that all kinds have, those that are worth a question
_TRUTH = {"yes": True, "y": True, "true": True, "no": False, "n": False, "false": False}


@dataclass(frozen=True, slots=True)
class Question:
    """One setting: what it is for, and what holds without an answer. `required`: nothing does."""

    name: str
    about: str
    default: str
    required: bool
    secret: bool
    kind: Any  # its type


def questions_of(kind: str) -> list[Question]:
    """The settings of a kind, those that must be answered first."""
    model = _settings_of(kind)
    gone = ended(model)
    found = [_question(name, entry) for name, entry in model.model_fields.items() if name not in gone]
    found.sort(key=lambda each: (not each.required, not each.secret, each.name.endswith("_url")))
    shared = {
        "about": "the brand that every post here is about, whatever its words",
        "every": "how often it is read",
        "answerable": "false: listed for your information, never a case",
    }
    rest = [_question(name, Source.model_fields[name], shared[name]) for name in _SHARED]
    return found + rest


def _settings_of(kind: str) -> type[BaseModel]:
    try:
        model: type[BaseModel] = importlib.import_module(connectors.KINDS[kind].partition(":")[0]).Settings
    except ImportError as error:
        raise InstallError(f'the library {error.name} of kind "{kind}" is not installed') from None
    return model


def _question(name: str, entry: FieldInfo, about: str = "") -> Question:
    required = entry.is_required()
    default = "" if required else _shown(entry.get_default(call_default_factory=True))
    return Question(
        name,
        (about or entry.description or "").rstrip("."),
        default,
        required,
        _is_secret(entry.annotation),
        entry.annotation,
    )


def _is_secret(kind: Any) -> bool:
    return kind is SecretStr or SecretStr in _arms(kind)


def _arms(kind: Any) -> tuple[Any, ...]:
    if typing.get_origin(kind) is typing.Annotated:
        return _arms(typing.get_args(kind)[0])
    return typing.get_args(kind) if typing.get_origin(kind) in (typing.Union, types.UnionType) else (kind,)


def _shown(value: object) -> str:
    if value is None or value in ("", (), {}):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return span_text(value) if isinstance(value, timedelta) else str(value)


def value_of(question: Question, text: str) -> Any:
    """An answer as TOML holds it; InstallError says what to write."""
    arms = [typing.get_origin(arm) or arm for arm in _arms(question.kind)]
    text = text.strip()
    if bool in arms:
        if text.casefold() not in _TRUTH:
            raise InstallError(f"{question.name}: write yes or no")
        return _TRUTH[text.casefold()]
    if dict in arms or text.startswith(("[", "{")):
        try:
            return tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            raise InstallError(
                f'{question.name}: write it as TOML, such as {{ id = "uuid" }} or ["one", "two"]'
            ) from None
    if tuple in arms or list in arms:
        return [part.strip() for part in text.split(",") if part.strip()]
    if str not in arms and (int in arms or float in arms):
        try:
            return int(text) if re.fullmatch(r"-?\d+", text) else float(text)
        except ValueError:
            raise InstallError(f"{question.name}: write a number") from None
    return text


def variable_of(source: str, question: str) -> str:
    """The name under which a secret of a source is kept: X_BEARER_TOKEN."""
    return re.sub(r"\W+", "_", f"{source}_{question}", flags=re.ASCII).strip("_").upper() or "SECRET"


def with_source(text: str, values: Mapping[str, Any]) -> str:
    """The text of a settings file with one more source behind the others; every other line stays as it is.

    A value {"env": NAME} is written as one. Raises InstallError where the file is none that can be added to.
    """
    table = tomlkit.table()
    width = max(map(len, values))
    for name, value in values.items():
        if isinstance(value, dict):
            inner = tomlkit.inline_table()
            inner.update(value)
            value = inner  # noqa: PLW2901 - the same value, in TOML's words
        table.add(name, value)
    block = "\n".join(f"{name:<{width}} = {_inline(value)}" for name, value in table.items())
    lines = text.split("\n")
    for at in (_behind_sources(lines), len(lines) - (not lines[-1])):  # where it belongs, else at the end of the file
        new = "\n".join([*lines[:at], "", "[[sources]]", block, *lines[at:]])
        if _adds(text, new, table.unwrap()):
            return new
    raise InstallError(
        f"the settings file can't be added to; run earful check, or add it by hand:\n\n[[sources]]\n{block}"
    )


def _adds(text: str, new: str, source: Mapping[str, Any]) -> bool:
    """Whether the new text says the same as the old one, and one source more."""
    try:
        before, after = tomlkit.parse(text).unwrap(), tomlkit.parse(new).unwrap()
    except TOMLKitError:
        return False
    return bool(after == {**before, "sources": [*before.get("sources", []), source]})


def _inline(value: Any) -> str:
    """A value as it is written behind its key."""
    said = value.as_string() if hasattr(value, "as_string") else str(value)
    return re.sub(r"^\{(.*)\}$", r"{ \1 }", said) if isinstance(value, dict) and value else said


def _behind_sources(lines: list[str]) -> int:
    """Behind which line the next source goes: the last of the last source, else the last of the file."""
    table, last = "", 0
    for number, line in enumerate(lines, start=1):
        header = _HEADER.match(line)
        table = header[1] if header else table
        if line.strip() and not line.lstrip().startswith("#") and table.split(".")[0] == "sources":
            last = number
    return last or len(lines) - (not lines[-1])


def with_secrets(text: str, secrets: Mapping[str, str]) -> str:
    """The text of `earful.env` with these names set, each on a line at its end; InstallError for what no line holds."""
    for name, value in secrets.items():
        if not value.isprintable():
            raise InstallError(f"{name}: a secret can't hold line breaks or control characters")
    lines = [f"{name}={_quoted(value)}\n" for name, value in secrets.items()]
    return text + ("\n" if text and not text.endswith("\n") else "") + "".join(lines)


def _quoted(value: str) -> str:
    """A value as systemd reads it from an EnvironmentFile: in double quotes where it holds a sign with a meaning."""
    if re.fullmatch(r"[\w@%+=:,./~-]+", value, re.ASCII):
        return value
    return '"' + re.sub(r'([\\"`$])', r"\\\1", value) + '"'


def write(path: Path, text: str, mode: int) -> None:
    """Put a file in place of another in one step, with its owner and mode, or make it with this mode."""
    try:
        found = path.stat() if path.exists() else None
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as opened:
            os.fchmod(handle, found.st_mode & 0o7777 if found else mode)
            if found and (found.st_uid, found.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(handle, found.st_uid, found.st_gid)
            opened.write(text)
            opened.flush()
            os.fsync(handle)
        os.replace(temporary, path)
    except OSError as error:
        raise InstallError(f"can't write {path} ({error.strerror})") from None


def environment_file(settings: Path) -> Path:
    """Where the secrets of a settings file are kept."""
    return settings.absolute().parent / ENVIRONMENT_FILE
