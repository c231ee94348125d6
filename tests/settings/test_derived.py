"""What a settings file leaves out follows from the rest of it."""

from __future__ import annotations

from pathlib import Path

from monitor.settings import models
from tests.settings.test_loading import SECRET, SOUND, faults, read


def test_what_has_no_name_is_called_as_its_kind(tmp_path: Path) -> None:
    file = {"sources": [{"kind": "hackernews"}, {"name": "news", "kind": "rss"}], "channels": [{"kind": "console"}]}
    whole = read(tmp_path, SOUND | file)
    assert [source.name for source in whole.sources] == ["hackernews", "news"]
    assert [channel.name for channel in whole.channels] == ["console"]
    assert whole.where("sources[0].name") == "default"
    twice = SOUND | {"sources": [{"kind": "hackernews"}, {"kind": "hackernews"}]}
    assert faults(tmp_path, twice) == [
        'settings.toml:2: sources[1].name: found "hackernews" twice; each source needs its own name'
    ]


def test_the_only_channel_is_the_one_that_alerts_go_to(tmp_path: Path) -> None:
    hook = {"channels": [{"name": "desk", "kind": "console"}], "people": []}
    whole = read(tmp_path, SOUND | hook)
    assert (whole.alerts.notify, whole.operator) == (("desk",), ("desk",))
    assert whole.where("alerts.notify") == "default"
    slack = {"channels": [{"kind": "slack", "token": SECRET}], "people": []}  # which place in Slack nobody can know
    assert "alerts.notify[0]: found" in faults(tmp_path, SOUND | slack)[0]


def test_failing_sources_are_told_where_the_alerts_go_until_somebody_else_is_named(tmp_path: Path) -> None:
    two = {"channels": [{"kind": "console"}, {"name": "desk", "kind": "console"}]}
    assert read(tmp_path, SOUND | two | {"alerts": {"notify": ["desk"]}}).operator == ("desk",)
    named = two | {"alerts": {"notify": ["desk"]}, "earful": {"operator": ["console"]}}
    assert read(tmp_path, SOUND | named).operator == ("console",)
    assert read(tmp_path, SOUND | two | {"earful": {"operator": []}}).operator == ()


def test_a_feed_source_without_feeds_reads_the_news_which_needs_no_answer(tmp_path: Path) -> None:
    def source(**more: object) -> models.Source:
        return read(tmp_path, SOUND | {"sources": [{"name": "news", "kind": "rss", **more}]}).sources[0]

    assert not source().answerable
    assert source(answerable=True).answerable
    assert source(google_news=True).answerable  # as it always was
    assert source(feeds=["https://example.org/reviews.xml"]).answerable
