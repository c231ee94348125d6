"""One contract over all connectors: every kind in connectors.KINDS, whoever wrote it."""

from __future__ import annotations

import re
import threading
import traceback
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors import KINDS, ConnectorError, Nonsense, RateLimited, Refused
from tests.connectors.contracts import CANARY, NOW, Contract, again, contract_of, times_in, walk

PATIENCE = 1.0  # seconds: the deadline that the clients get
FUTURE = datetime(2036, 3, 4, tzinfo=UTC)
BOUND = 20.0  # seconds after which a read counts as hanging: far from the deadline on a busy machine too


@pytest.fixture(params=sorted(KINDS))
def contract(request: pytest.FixtureRequest) -> Contract:
    found = contract_of(request.param, KINDS)
    check = request.node.get_closest_marker("parametrize")
    name = request.node.originalname.rpartition("__")[2]
    names = [name] if check is None else [name, str(request.node.callspec.params.get("mode", name))]
    for each in names:
        if each in found.skip:
            pytest.skip(f"{request.param}: {found.skip[each]}")
    return found


@pytest.fixture
def server(contract: Contract) -> Iterator[Any]:
    with contract.server() as running:
        yield running


def test_every_post_is_plain_timed_and_linked__posts(contract: Contract, server: Any) -> None:
    """Times are aware UTC, ids are text, links are http(s), and no tag or entity is left."""
    contract.serve(server)
    batches = walk(contract.make(server, BOUND), contract.request)
    posts = [post for batch in batches for post in batch.posts]
    assert len(posts) >= 3
    assert len({post.native_id for post in posts}) >= 3
    for post in posts:
        assert post.source == contract.request.source
        assert post.native_id
        assert isinstance(post.native_id, str)
        assert all(
            isinstance(each, str) for each in (post.author, post.text, post.title, post.parent_id, post.thread_id)
        )
        assert post.posted_at.utcoffset() == timedelta(0)
        assert post.posted_at.tzinfo == UTC
        assert post.edited_at is None or post.edited_at.utcoffset() == timedelta(0)
        assert re.match(r"https?://[^\s<>|]+$", post.url)
        assert not re.search(r"</?[a-z]+[^>]*>|&(amp|lt|gt|quot|#\d+|#x[0-9a-f]+);", post.title + post.text)
        assert not re.search(r"[\ud800-\udfff\x00]", post.text + post.title + post.author + post.raw)
        assert len(post.raw.encode()) <= 65_536


def test_the_cursor_comes_back_and_makes_the_next_read_incremental__cursor(contract: Contract, server: Any) -> None:
    contract.serve(server)
    connector = contract.make(server, BOUND)
    batches = walk(connector, contract.request)
    assert len(batches) >= 2
    assert all(batch.cursor for batch in batches)
    asked = len(server.ledger)
    walk(connector, again(contract.request, batches[-1].cursor, timedelta(minutes=5)))
    assert contract.only_new(server.ledger[asked:])


def test_a_fresh_connector_goes_on_where_the_cursor_says__cursor(contract: Contract, server: Any) -> None:
    """The daemon was restarted in the middle of a walk: no post is lost, and the first page is not asked again."""
    contract.serve(server)
    whole = {post.native_id for batch in walk(contract.make(server, BOUND), contract.request) for post in batch.posts}
    with contract.server() as other:
        contract.serve(other)
        first = contract.make(other, BOUND).fetch(contract.request)
        assert not first.complete
        rest = walk(contract.make(other, BOUND), again(contract.request, first.cursor))
    assert {post.native_id for batch in [first, *rest] for post in batch.posts} == whole


def test_no_overlap_brings_what_the_first_look_back_left_out__look_back(contract: Contract, server: Any) -> None:
    """A source that begins with the last hour used to bring three days at its second read."""
    contract.serve(server)
    whole = walk(contract.make(server, BOUND), contract.request)
    times = sorted(post.posted_at for batch in whole for post in batch.posts)
    since = times[-1] - (times[-1] - times[0]) / 2
    with contract.server() as other:
        contract.serve(other)
        connector = contract.make(other, BOUND)
        batches = walk(connector, replace(contract.request, since=since))
        for days in (1, 2):
            later = again(contract.request, batches[-1].cursor, timedelta(days=days, minutes=1))
            batches += walk(connector, later)
    found = [post.posted_at for batch in batches for post in batch.posts]
    assert found
    assert min(found) >= since


@pytest.mark.parametrize("mode", ["429", "401", "500", "hang", "drip", "drop", "html", "empty", "truncated"])
def test_a_fault_of_the_network_is_the_right_error_without_a_secret(contract: Contract, server: Any, mode: str) -> None:
    """What goes wrong says where and what to do, and gives no key away, in no link of the exception's chain."""
    expected: type[ConnectorError] = {
        "429": RateLimited,
        "401": Refused,
        "html": Nonsense,
        "empty": Nonsense,
        "truncated": Nonsense,
    }.get(mode, ConnectorError)
    contract.serve(server)
    server.mode = mode
    error = _error_of(contract, server)
    assert isinstance(error, expected), f"{mode} gave {error!r}"
    if mode in {"500", "hang", "drip", "drop"}:
        assert not isinstance(error, Refused), "what passes by itself must not stop the source for good"
    if isinstance(error, RateLimited) and error.retry_at is not None:
        assert error.retry_at.utcoffset() == timedelta(0)
    told = error.message + error.remedy + "".join(traceback.format_exception(error))
    assert error.message
    assert CANARY not in told


def _error_of(contract: Contract, server: Any) -> BaseException | None:
    """Read once in a thread of its own, so that a connector that never comes back fails the test and not the run."""
    caught: list[BaseException] = []

    def read() -> None:
        try:
            walk(contract.make(server, PATIENCE), contract.request)
        except BaseException as error:
            caught.append(error)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(BOUND)
    assert not thread.is_alive(), "the read outlived its deadline"
    return caught[0] if caught else None


def test_one_malformed_item_is_set_aside_and_the_others_go_on__spoil(contract: Contract, server: Any) -> None:
    expected = contract.spoil(server)
    batches = walk(contract.make(server, BOUND), contract.request)
    aside = [each for batch in batches for each in batch.aside]
    assert sum(len(batch.posts) for batch in batches) == expected >= 4
    assert len(aside) == 1
    assert aside[0].raw
    assert isinstance(aside[0].raw, bytes)
    assert aside[0].reason


def test_a_page_of_malformed_items_only_is_nonsense__ruin(contract: Contract, server: Any) -> None:
    """A field that was renamed must not look like silence."""
    contract.ruin(server)
    with pytest.raises(Nonsense):
        walk(contract.make(server, BOUND), contract.request)


def test_a_post_dated_ahead_hides_nothing__ahead(contract: Contract, server: Any) -> None:
    """A post of 2036 among those of today: what is written after it is read all the same, at once."""
    before = [NOW - timedelta(minutes=minute) for minute in range(10, 0, -1)]
    contract.dated(server, [*before[:5], FUTURE, *before[5:]])
    first = walk(contract.make(server, BOUND), contract.request)
    assert all(at <= NOW + timedelta(minutes=2) for batch in first for at in times_in(batch.cursor))
    known = {post.native_id for batch in first for post in batch.posts}
    assert len(known) >= 10
    after = [NOW + timedelta(minutes=minute) for minute in range(1, 11)]
    contract.dated(server, [*before[:5], FUTURE, *before[5:], *after])
    later = again(contract.request, first[-1].cursor, timedelta(minutes=15))
    second = walk(contract.make(server, BOUND), later)
    new = {post.native_id for batch in second for post in batch.posts} - known
    assert len(new) == 10
    assert not [notice for batch in (*first, *second) for notice in batch.notices if "clock" in notice]
    assert all(at <= later.now + timedelta(minutes=2) for batch in second for at in times_in(batch.cursor))


def test_a_clock_that_is_behind_is_told__clock(contract: Contract, server: Any) -> None:
    times = [NOW + timedelta(hours=1, minutes=minute) for minute in range(10)]
    contract.dated(server, times)
    request, asked = contract.request, []
    for turn in range(4):
        before = len(server.ledger)
        batches = walk(contract.make(server, BOUND), again(request, request.cursor, timedelta(minutes=turn)))
        asked.append(len(server.ledger) - before)
        told = [notice for batch in batches for notice in batch.notices]
        assert turn or any("clock" in notice for notice in told)
        latest = NOW + timedelta(minutes=turn + 2)
        assert all(at <= latest for batch in batches for at in times_in(batch.cursor))
        request = again(request, batches[-1].cursor)
    assert asked[-1] <= asked[0]
    contract.dated(server, [*times, NOW + timedelta(hours=1, minutes=30)])
    right = again(request, request.cursor, timedelta(hours=2))
    found = {post.native_id for batch in walk(contract.make(server, BOUND), right) for post in batch.posts}
    assert found, "once the clock is set, what is new is found"


def test_a_kind_without_a_contract_fails_with_the_recipe() -> None:
    with pytest.raises(AssertionError, match=r"contract_nowhere\.py"):
        contract_of("nowhere", {"nowhere": "connectors.nowhere:Nowhere"})
