"""What every connector promises, and how a kind says how to try it.

To bring a kind under the contract, write `tests/connectors/contract_<kind>.py` with one name in it, `CONTRACT`:

    CONTRACT = Contract(
        make=...,        # (server, seconds) -> connector. Every address is `server.url`; every secret holds CANARY;
                         #   every deadline of its client is `seconds`. For kinds over connectors.http:
                         #   Thing(Settings(api_url=server.url), Http(trusted=[server.host], total_seconds=seconds))
        request=...,     # the first Request: `source`, `terms`, cursor "", `now`, `since`
        serve=...,       # (server) -> None: route a walk of two pages or more, three posts or more in all. If the
                         #   network sends HTML, put a <p>, an <a href> and an &amp; into one post's text.
        spoil=...,       # (server) -> int: route one page with exactly one malformed item among at least five, and
                         #   give back how many good posts must come out
        ruin=...,        # (server) -> None: route one page of three items or more, each malformed (must be Nonsense)
        dated=...,       # (server, times) -> None: route one listing of sound posts, one dated at each of these times,
                         #   in the order in which they arrived
        only_new=...,    # (requests: list[Seen]) -> bool: do the requests of the next read carry the high water?
        skip={...},      # check -> why this kind has no such thing. Names of the checks: CHECKS below. Skips are shown.
        server=...,      # only if the network does not speak plain HTTP: a callable that gives a context manager with
                         #   the attributes `url`, `host`, `mode` (any of fakes.server.MODES, "429", "401", "500") and
                         #   `ledger`. FakeServer otherwise.
    )

`test_contract.py` finds the file by its name and runs every check over it. A kind that is in `connectors.KINDS` without
such a file fails, and the message says what to write.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors import Batch, Connector, Request
from tests.fakes.server import FakeServer, Seen

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
CANARY = "canary-7f3a9-secret"

CHECKS = {
    "posts": "times are aware UTC, ids are text, links are http(s), texts are plain",
    "cursor": "the cursor comes back and makes the next read incremental",
    "429": "429 is RateLimited, with a bounded time to come back",
    "401": "401 is Refused",
    "500": "500 is a ConnectorError that may pass",
    "hang": "a server that never answers is cut at the deadline",
    "drip": "a server that sends one byte a second is cut at the deadline",
    "drop": "a connection reset in the middle is a ConnectorError",
    "html": "a web page with status 200 is Nonsense",
    "empty": "an empty answer is Nonsense",
    "truncated": "half a document is Nonsense",
    "spoil": "one malformed item is set aside with its bytes, the others go on",
    "ruin": "a page of malformed items only is Nonsense",
    "look_back": "no overlap brings what the first look-back left out",
    "ahead": "no post that is dated ahead hides what comes after it, or puts its time into a cursor",
    "clock": "where most of a page is ahead it is our clock: told, and nothing is asked for more and more",
}


@dataclass(frozen=True)
class Contract:
    """How to try one kind; the fields are told at the top of this file."""

    make: Callable[[Any, float], Connector]
    request: Request
    serve: Callable[[Any], None]
    spoil: Callable[[Any], int]
    ruin: Callable[[Any], None]
    only_new: Callable[[Sequence[Seen]], bool]
    dated: Callable[[Any, Sequence[datetime]], None]
    skip: Mapping[str, str] = field(default_factory=dict)
    server: Callable[[], AbstractContextManager[Any]] = FakeServer


RECIPE = """
The kind "{kind}" stands in connectors.KINDS, but {what}.
A connector is one file and one line, and a contract that tries it:
  1. connectors/{kind}.py with `Settings` and a class with `fetch(request) -> Batch` (see connectors/__init__.py)
  2. its line in connectors.KINDS
  3. tests/connectors/contract_{kind}.py with `CONTRACT = Contract(...)` (see the top of tests/connectors/contracts.py)
"""


def contract_of(kind: str, kinds: Mapping[str, str]) -> Contract:
    """Find a kind's contract by its file's name, or fail with the recipe."""
    module, _, name = kinds[kind].partition(":")
    if importlib.util.find_spec(module) is None:
        raise AssertionError(RECIPE.format(kind=kind, what=f"there is no module {module}"))
    if not hasattr(importlib.import_module(module), name):
        raise AssertionError(RECIPE.format(kind=kind, what=f"{module} has no class {name}"))
    if importlib.util.find_spec(f"tests.connectors.contract_{kind}") is None:
        raise AssertionError(RECIPE.format(kind=kind, what=f"there is no tests/connectors/contract_{kind}.py"))
    found = importlib.import_module(f"tests.connectors.contract_{kind}").CONTRACT
    assert isinstance(found, Contract)
    unknown = set(found.skip) - set(CHECKS)
    assert not unknown, f"contract_{kind}.py skips checks that do not exist: {sorted(unknown)}"
    return found


def first_request(source: str, terms: tuple[str, ...] = ("Acme",), back: timedelta = timedelta(hours=24)) -> Request:
    """A source's very first read, at NOW."""
    return Request(source=source, terms=terms, cursor="", now=NOW, since=NOW - back)


def again(request: Request, cursor: str, later: timedelta = timedelta(0)) -> Request:
    """The same request, with the cursor that came back."""
    return replace(request, cursor=cursor, now=request.now + later)


def times_in(cursor: str) -> list[datetime]:
    """Every time that a cursor holds: numbers that count from 1970, in whatever unit, and ISO times."""
    found: list[datetime] = []
    todo: list[Any] = [json.loads(cursor)]
    while todo:
        each = todo.pop()
        if isinstance(each, dict | list):
            todo += list(each.values()) if isinstance(each, dict) else each
        elif isinstance(each, str):
            with contextlib.suppress(ValueError):
                at = datetime.fromisoformat(each)
                found.append(at if at.tzinfo else at.replace(tzinfo=UTC))
        elif isinstance(each, int | float):
            found += [datetime.fromtimestamp(each / unit, UTC) for unit in (1, 1e3, 1e6) if 1e9 <= each / unit < 10**10]
    return found


def walk(connector: Connector, request: Request, most: int = 30) -> list[Batch]:
    """Read page after page as the collector does, until the walk is whole."""
    batches: list[Batch] = []
    while len(batches) < most:
        batches.append(connector.fetch(request))
        if batches[-1].complete:
            return batches
        request = again(request, batches[-1].cursor)
    raise AssertionError(f"the walk is not whole after {most} pages")
