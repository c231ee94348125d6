"""What the settings of several processes on one database must agree on, as a hash for each table of the file.

Left out is what belongs to one machine: where its page listens, its folders, the address of the database. A key that
is left out and one that says the default are the same: so an older version agrees, which does not know a newer key.
Secrets are hashed apart and under a key: they are renewed machine by machine, and the database gives none away.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from monitor.settings.models import Settings

# Of one machine, or about the reading of the file: nobody else need have the same.
_OWN = {"file", "database", "fingerprint", "given", "from_elsewhere", "warnings", "whole"}
_OWN_OF_EARFUL = {"page_listen", "metrics_listen", "trusted_proxies", "log", "state_folder"}


def agreement(settings: Settings, key: bytes) -> tuple[dict[str, str], dict[str, str]]:
    """A hash for each table that says anything, and one for each table that has secrets; those need a `key`."""
    said, hidden = {}, {}
    for name in type(settings).model_fields:
        if name in _OWN:
            continue
        secrets: list[tuple[str, str]] = []
        form = _form(getattr(settings, name), name, secrets)
        if form not in ({}, []):
            said[name] = _hash(form, key)
        if secrets and key:
            hidden[name] = _hash(sorted(secrets), key)
    return said, hidden


def _hash(form: Any, key: bytes) -> str:
    text = json.dumps(form, sort_keys=True, ensure_ascii=False).encode("utf-8", "replace")
    return blake2b(text, key=key, digest_size=10).hexdigest()


def _form(value: Any, where: str, secrets: list[tuple[str, str]]) -> Any:  # noqa: PLR0911 - one for each sort
    """A value as JSON knows it, the same on each machine; secrets are put aside."""
    match value:
        case SecretStr():
            secrets.append((where, value.get_secret_value()))
            return "a secret"
        case BaseModel():
            return {name: _form(each, f"{where}.{name}", secrets) for name, each in _set(value, where)}
        case Mapping():
            return {str(name): _form(each, f"{where}.{name}", secrets) for name, each in value.items()}
        case tuple() | list():
            return [_form(each, f"{where}[{number}]", secrets) for number, each in enumerate(value)]
        case set() | frozenset():
            return sorted((_form(each, where, secrets) for each in value), key=str)
        case Path():
            return value.name  # its folder may be another one there
        case timedelta():
            return value.total_seconds()
        case datetime() | date() | time():
            return value.isoformat()
        case None | bool() | int() | float() | str():
            return Path(value).name if isinstance(value, str) and where.endswith(".file") else value
        case _:
            return str(value)


def _set(table: BaseModel, where: str) -> Iterator[tuple[str, Any]]:
    """The keys of a table that say something else than its defaults, and concern others."""
    for name, field in type(table).model_fields.items():
        value = getattr(table, name)
        if value != field.get_default(call_default_factory=True) and not (where == "earful" and name in _OWN_OF_EARFUL):
            yield name, value


def differing(ours: Mapping[str, str], theirs: Mapping[str, str]) -> list[str]:
    """The tables that are not the same, as they are written in the file."""
    names = sorted(name for name in {*ours, *theirs} if ours.get(name) != theirs.get(name))
    return [f"[[{name}]]" if _is_list(name) else f"[{name}]" for name in names]


def _is_list(name: str) -> bool:
    field = Settings.model_fields.get(name)
    return field is None or not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel))
