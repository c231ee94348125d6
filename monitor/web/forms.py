"""The fields of a posted form, as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class Form:
    """The fields of a posted form; a field may come several times."""

    def __init__(self, fields: Mapping[str, Sequence[str]] | None = None, body: bytes = b"") -> None:
        self._fields = fields or {}
        self.body = body

    def get(self, name: str, default: str = "") -> str:
        """The last value of a field, without white space around it."""
        found = self._fields.get(name)
        return found[-1].strip() if found else default

    def raw(self, name: str) -> str:
        """The last value of a field as it was typed (a password)."""
        found = self._fields.get(name)
        return found[-1] if found else ""

    def all(self, name: str) -> list[str]:
        """Every value of a field."""
        return list(self._fields.get(name, ()))
