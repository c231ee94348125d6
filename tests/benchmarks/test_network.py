"""The network of `make bench` answers all that the real connector asks it: a daemon between them is left in peace."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks import live, siege
from benchmarks.network import API, Network
from connectors import Conversation
from connectors.hackernews import HackerNews, Settings
from connectors.http import Http
from monitor.settings.loading import load
from tests.connectors.contracts import first_request, walk
from tests.fakes.server import FakeServer


def test_what_was_written_is_read_stands_and_is_found_below_its_story() -> None:
    network = Network()
    now = datetime.now(UTC)
    with FakeServer() as server:
        network.serve(server)
        ids = network.write([f"Harbour Tea lost parcel {number}" for number in range(5)])
        reader = HackerNews(Settings(api_url=f"{server.url}{API}", page_size=1000), Http(trusted=[server.host]))
        request = replace(first_request("hn", ("Harbour Tea",)), now=now, since=now - timedelta(hours=1))
        read = [post for batch in walk(reader, request) for post in batch.posts]
        assert {post.native_id for post in read} == set(ids) == set(network.arrived)

        assert reader.refresh((*ids, "99"), request).deleted == ("99",)

        conversation = Conversation(read[0].thread_id, (), now - timedelta(hours=1))
        (below,) = reader.fetch_conversations((conversation,), request).posts
        assert below.native_id == read[0].native_id


def test_no_alert_of_the_live_part_is_beyond_the_hours_measure(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(live.SETTINGS.format(network="http://127.0.0.1:1", slack="http://127.0.0.1:2"), "utf-8")
    settings = load(file, {"SLACK_TOKEN": "xoxb-made-up", "SLACK_APP_TOKEN": "xapp-made-up"})
    told_one_by_one = max(live.CASES + live.PRESSES_IN_BURST, 2 * siege.COMPLAINTS)
    assert settings.alerts.messages_per_hour > told_one_by_one
