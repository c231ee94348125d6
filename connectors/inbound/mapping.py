"""Values out of any JSON, by JMESPath (https://jmespath.org/specification.html), within bounds.

Whoever writes the settings writes the expressions, and strangers write what they read. So an expression has few parts
and none by which a small document could become a large value: it takes time in proportion to what it is given.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

Getter = Callable[[Any], Any]

LONGEST = 600  # characters of an expression
MOST_PARTS = 120
MOST_CHOSEN = 10  # values of a list that an expression makes; it makes one at most
_NAME = re.compile(r"\w+(?:[ -]+\w+)*")  # of a key: JMESPath would want quotes around "What happened"
_PARTS = frozenset(
    {
        "and_expression", "comparator", "current", "field", "filter_projection", "flatten", "function_expression",
        "identity", "index", "index_expression", "literal", "multi_select_list", "not_expression", "or_expression",
        "pipe", "projection", "slice", "subexpression", "value_projection",
    }
)  # fmt: skip
_FUNCTIONS = frozenset(
    {
        "abs", "avg", "ceil", "contains", "ends_with", "floor", "join", "keys", "length", "max", "min", "not_null",
        "reverse", "sort", "starts_with", "sum", "to_number", "to_string", "type", "values",
    }
)  # fmt: skip


class Unfit(ValueError):
    """The expression is none, or could take too long; the message says what to write instead."""


def compiled(expression: str) -> Getter:
    """What gives the value of an expression, or of a key with this name; None where there is none. Raises Unfit."""
    if len(expression) > LONGEST:
        raise Unfit(f"write at most {LONGEST} characters")
    if _NAME.fullmatch(expression):
        return first_of(expression)
    try:
        read = jmespath.compile(expression)
    except (JMESPathError, RecursionError, ValueError) as error:
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise Unfit(f"this is not JMESPath ({reason}); test it at jmespath.org") from None
    parts = list(_parts(read.parsed))
    if len(parts) > MOST_PARTS:
        raise Unfit(f"write an expression of at most {MOST_PARTS} parts")
    for part in parts:
        _check(part)
    if sum(part["type"] == "multi_select_list" for part in parts) > 1:
        raise Unfit("write at most one list of chosen values [a, b]")
    return partial(_value, read)


def _value(read: Any, document: Any) -> Any:
    """A document of another shape has no such value: what a number is asked to start with has none."""
    try:
        return read.search(document)
    except (JMESPathError, RecursionError, ValueError, TypeError, OverflowError):
        return None


def _parts(parsed: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    todo = [parsed]
    while todo:
        part = todo.pop()
        yield part
        todo += [each for each in part["children"] if isinstance(each, dict)]


def _check(part: Mapping[str, Any]) -> None:
    kind = part["type"]
    if kind == "function_expression" and part["value"] not in _FUNCTIONS:
        raise Unfit(f"{part['value']}() can't be used here; write one of {', '.join(sorted(_FUNCTIONS))}")
    if kind not in _PARTS:
        raise Unfit(f"{kind.replace('_', ' ')} can't be used here; write paths, filters and functions")
    if kind == "multi_select_list" and len(part["children"]) > MOST_CHOSEN:
        raise Unfit(f"choose at most {MOST_CHOSEN} values at a time")


def first_of(*names: str) -> Getter:
    """What gives the first of these keys that is there and not null: far quicker than an expression."""

    def get(document: Any) -> Any:
        if not isinstance(document, dict):
            return None
        return next((document[name] for name in names if document.get(name) is not None), None)

    return get
