"""Keys of a release ago that a kind of source still takes for one more: translated, with a word on what to write.

A kind's settings module has `OLD_KEYS`, old key -> where its value belongs now: "prices.post" is `post` in the table
`prices`, "expand+authors" adds "authors" to the list `expand` if the old value is true, "search" is another name, and
"search=subreddits" gives that key that value if the old one is true. "" means that nobody needs to set it any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel


def ended(options: type[BaseModel]) -> dict[str, str]:
    """The keys of a kind whose service is gone, each with a sentence on that: taken for one more release, never asked.

    Such a field has `json_schema_extra={"ended": True}`, and says in its description what has ended.
    """
    found = {}
    for name, each in options.model_fields.items():
        extra = each.json_schema_extra
        if isinstance(extra, dict) and extra.get("ended") is True:
            found[name] = each.description or ""
    return found


def translated(entry: Mapping[str, Any], old: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """A table in today's words, and a sentence for each old key that was in it.

    What the table says in today's words stands. A value of the wrong kind is handed on, so that it is refused by name.
    """
    made = {name: value for name, value in entry.items() if name not in old}
    said = []
    for name in (each for each in old if each in entry):
        place, value = old[name], entry[name]
        said.append(f"{name} is no longer needed; leave it out" if not place else _move(made, name, place, value))
    return made, said


def _move(made: dict[str, Any], name: str, place: str, value: Any) -> str:
    until = "is accepted until the next release; write"
    if "." in place:
        table, _, key = place.partition(".")
        inner = made.setdefault(table, {})
        if isinstance(inner, dict):
            made[table] = {key: value, **inner}
        return f"{name} {until} {table} = {{ {key} = ... }}"
    if "+" in place:
        listed, _, word = place.partition("+")
        had = made.get(listed, [])
        if value is True and isinstance(had, list) and word not in had:
            made[listed] = [*had, word]
        return f'{name} {until} {listed} = ["{word}"]'
    key, given, word = place.partition("=")
    if given:
        if value is True:
            made[key] = word
        return f'{name} {until} {key} = "{word}"'
    if made.get(key, True) is True:  # nothing, or only that it is on
        made[key] = value
    return f"{name} {until} {key} = ..."
