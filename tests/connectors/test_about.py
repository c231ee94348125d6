"""What each kind says of itself is what its connector can do, and is known without loading it."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from datetime import date, datetime
from importlib import import_module
from pathlib import Path

import pytest

from connectors import KINDS
from connectors.about import About, about_of
from monitor.setup.kinds import all_kinds
from monitor.store.sqlite import Sqlite
from tests.helpers import NOW, assembly_of, settings_from
from tests.house.reading import ROOT


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_kind_says_is_what_its_connector_can_do(kind: str) -> None:
    about = about_of(kind)
    module, _, name = KINDS[kind].partition(":")
    loaded = import_module(module)
    connector = getattr(loaded, name)
    assert about.brought == hasattr(connector, "receive_from")
    shows_replies = any(hasattr(connector, each) for each in ("fetch_own", "fetch_conversations", "replies_inside"))
    assert about.own_replies == (shows_replies or about.brought)
    assert about.deletions == (hasattr(connector, "refresh") or about.brought)
    if (said := getattr(loaded, "ABOUT", None)) is not None:
        ours = {"own_replies": about.own_replies, "deletions": about.deletions, "brought": about.brought}
        assert about == replace(said, **ours), "it is read from the file as it is"
        required = [each for each, field in loaded.Settings.model_fields.items() if field.is_required()]
        assert bool(about.key) >= bool(required), "what must be had is named"
    assert re.match(r"https://[^\s]+$", about.key_from or "https://none")
    assert not about.page or (ROOT / "docs" / about.page).is_file()
    assert not about.seen_working or date.fromisoformat(about.seen_working) <= date(2100, 1, 1)
    for words in (about.reads, about.key, about.price, about.misses):
        assert words == words.strip().rstrip("."), "a part of a sentence"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in {"replay", "inbound"}])
def test_each_network_has_a_page_that_says_what_people_need_to_know(kind: str) -> None:
    page = about_of(kind).page
    text = (ROOT / "docs" / page).read_text("utf-8").casefold()
    for part in (("terms",), ("limits", "reaches back"), ("| earful says", "| error", "| you see"), ("tried",)):
        assert any(each in text for each in part), (page, part)
    assert f"| [`{kind}`](" in (ROOT / "docs" / "connect" / "README.md").read_text("utf-8")


def test_all_kinds_are_told_of_without_loading_one() -> None:
    line = (
        "import sys; from monitor.setup.kinds import all_kinds; found = all_kinds(None, {}); "
        "print(len(found), [name for name in ('tweepy', 'praw', 'feedparser', 'jmespath') if name in sys.modules])"
    )
    said = subprocess.run(
        [sys.executable, "-c", line], capture_output=True, text=True, check=True, timeout=60, cwd=ROOT
    )
    assert said.stdout.split(maxsplit=1) == [str(len(KINDS)), "[]\n"]


def test_a_kind_that_says_nothing_has_the_first_sentence_of_its_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a_forum.py").write_text('"""A forum, by its\nnewest posts.\n\nMore."""\n', "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert about_of("forum", {"forum": "a_forum:Forum"}) == About(reads="A forum, by its newest posts")


def test_those_without_a_key_come_first_and_each_says_when_it_worked_here(tmp_path: Path, sqlite: Sqlite) -> None:
    settings = settings_from(tmp_path)
    assembly_of(sqlite, settings)
    from monitor.store import sources

    with sqlite.transaction():
        sources.succeeded(sqlite, "chirp", NOW, new=True)
    found = {each.name: each for each in all_kinds(settings, sources.all_health(sqlite))}
    assert found["hackernews"].worked_at == NOW
    assert found["hackernews"].sources == ("forum", "chirp", "news")
    assert found["x"].worked_at is None
    names = list(found)
    assert names.index("bluesky") < names.index("x")


STAND_INS = """
[[sources]]
name = "stand-in"
kind = "discourse"
api_url = "http://127.0.0.1:9"
[[sources]]
name = "the day"
kind = "replay"
[[sources]]
name = "door"
kind = "inbound"
secret = { env = "DOOR" }
"""


def test_only_the_real_service_counts_as_seen_working(tmp_path: Path, sqlite: Sqlite) -> None:
    from monitor.store import sources

    settings = settings_from(tmp_path, sources=STAND_INS, environ={"DOOR": "a-secret-of-16-letters"})
    assembly_of(sqlite, settings)

    def found() -> dict[str, datetime | None]:
        return {each.name: each.worked_at for each in all_kinds(settings, sources.all_health(sqlite))}

    with sqlite.transaction():
        for name in ("stand-in", "the day", "door"):
            sources.succeeded(sqlite, name, NOW, new=name != "door")
    assert (found()["discourse"], found()["replay"]) == (None, None)
    assert found()["inbound"] is None, "a door works when somebody has sent something, not when it is looked into"
    with sqlite.transaction():
        sources.succeeded(sqlite, "door", NOW, new=True)
    assert found()["inbound"] == NOW
