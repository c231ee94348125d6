"""The shipped settings.toml: it plays the demo, names every option with its true default, and its examples load."""

from __future__ import annotations

import importlib
import json
import re
import tomllib
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

import alerts
import connectors
from monitor.settings import models
from monitor.settings.loading import EXTRAS, load
from monitor.settings.models import Settings
from monitor.settings.secrets import Filling
from monitor.text.query.matching import brands_in
from monitor.text.query.parsing import parse
from monitor.text.query.subject import Subject

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "settings.toml"
TEXT = SHIPPED.read_text(encoding="utf-8")
ENVIRON = {name: f"secret-of-{name.lower()}-0123456789" for name in re.findall(r'env = "(\w+)"', TEXT)} | {
    "EARFUL_DATABASE_URL": "postgresql://earful:password@localhost/earful",
    "WEBHOOK_URL": "https://helpdesk.example.org/hook",
    "TEAMS_URL": "https://example.org/workflows/0123?sig=abc",
    "APPRISE_URL": "ntfy://example.org/care",
}
_HEADER = re.compile(r"^(#?)(\[\[?)([a-z.]+)\]\]?")
_OVERRIDE = re.compile(r'^([a-z_.]+) += .*# demo; the default is (\[.*?\]|"[^"]*"|[^:\s]+)')
TABLES: dict[str, type[BaseModel]] = {
    "earful": models.Earful,
    "database": models.Database,
    "brands": models.Brand,
    "sources": models.Source,
    "channels": models.Channel,
    "competitors": models.Competitor,
    "trackers": models.Tracker,
    "people": models.Person,
    "alerts": models.Alerts,
    "alerts.routes": models.Route,
    "desk": models.Desk,
    "digest": models.Digest,
    "judge": models.Judge,
    "oidc": models.Oidc,
    "assistant": models.Assistant,
}

KINDS = {"sources": connectors.KINDS, "channels": alerts.KINDS, "trackers": connectors.TRACKERS}


@dataclass
class Section:
    """One table of the file: what it sets, what it says the defaults are, and its lines."""

    name: str
    example: bool
    lines: list[str] = field(default_factory=list)

    def _bare(self, signs: str) -> dict[str, Any]:
        marked = [line.removeprefix(signs) for line in self.lines if re.match(rf"{signs}[^\s#]", line)]
        return tomllib.loads("\n".join(line for line in marked if not line.startswith("[")))

    @property
    def sets(self) -> dict[str, Any]:
        text = self.lines if not self.example else [line[1:] for line in self.lines if line.startswith("#")]
        return tomllib.loads("\n".join(line for line in text if not _HEADER.match(line)))

    @property
    def defaults(self) -> dict[str, Any]:
        overridden = [_OVERRIDE.match(line) for line in self.lines]
        told = "\n".join(f"{found[1]} = {found[2]}" for found in overridden if found)
        return tomllib.loads(told) | self._bare("##" if self.example else "#")


def sections() -> list[Section]:
    found: list[Section] = []
    for line in TEXT.splitlines():
        header = _HEADER.match(line)
        if header:
            found.append(Section(header[3], bool(header[1])))
        elif found and found[-1].example and not line.startswith("#"):
            found.append(Section("", example=False))  # an example ends at its blank line
        if found:
            found[-1].lines.append(line)
    return [section for section in found if section.name]


SECTIONS = sections()
EXAMPLES = [
    section
    for section in SECTIONS
    if section.example and (section.sets.get("kind") not in EXTRAS or find_spec(EXTRAS[section.sets["kind"]]))
]


def models_of(section: Section) -> list[type[BaseModel]]:
    known = KINDS.get(section.name)
    kind = [importlib.import_module(known[section.sets["kind"]].partition(":")[0]).Settings] if known else []
    return [TABLES[section.name], *kind]


def test_the_shipped_file_loads_without_a_key_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shipped = load(SHIPPED, {})
    assert shipped.warnings == ()
    assert {source.kind for source in shipped.sources} == {"replay"}
    assert {channel.kind for channel in shipped.channels} == {"console"}
    assert shipped.database.url.get_secret_value() == f"sqlite:{ROOT}/var/demo/earful.sqlite"
    assert shipped.database.throwaway


def test_the_demo_shows_alerts_at_once_and_at_any_hour() -> None:
    shipped = load(SHIPPED, {})
    assert shipped.alerts.group_wait.total_seconds() <= 5
    assert all(source.every.total_seconds() <= 2 for source in shipped.sources)
    assert (shipped.digest.weekday, f"{shipped.digest.at:%H:%M}") == ("mon", "08:00")


def test_every_sample_post_is_caught_by_the_query_and_read_by_one_source() -> None:
    shipped = load(SHIPPED, {})
    query = {"brand": parse(shipped.brands[0].query)}
    posts = [json.loads(line) for line in (ROOT / "connectors/samples/day.jsonl").read_text("utf-8").splitlines()]
    theirs = [post for post in posts if not post.get("own")]
    missed = [
        post["id"]
        for post in theirs
        if not brands_in(Subject(post["text"], post.get("title", ""), post["author"], post["source"]), query)
    ]
    assert missed == []
    read = [network for source in shipped.sources for network in source.options.only]
    assert sorted(read) == sorted({post["source"] for post in posts})
    assert {post["author"] for post in posts if post.get("own")} == set(shipped.brands[0].accounts["chirp"])


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: f"{section.name}:{section.sets.get('name', '')}")
def test_every_default_that_the_file_tells_is_the_true_one(section: Section) -> None:
    fields = {name: found for model in models_of(section) for name, found in model.model_fields.items()}
    filling = Filling(ROOT, {}, plain=frozenset({("url",)}))
    assert section.defaults or section.example or section.sets
    for name, value in section.defaults.items():
        owner = next(model for model in models_of(section) if name in model.model_fields)
        needed = {key: given for key, given in section.sets.items() if key in owner.model_fields and key != name}
        filled = Filling(ROOT, ENVIRON).table(owner, needed, ())
        told = owner.model_validate({**filled, **filling.table(owner, {name: value}, ())})  # type: ignore[dict-item]
        true = fields[name].get_default(call_default_factory=True)
        assert getattr(told, name) == true, f"[{section.name}] {name}"
    assert filling.problems == []


def test_every_option_stands_in_the_file() -> None:
    named: dict[type[BaseModel], set[str]] = {}
    for section in SECTIONS:
        for model in models_of(section):
            named.setdefault(model, set()).update({*section.sets, *section.defaults})
    for known in KINDS.values():
        for place in known.values():
            assert importlib.import_module(place.partition(":")[0]).Settings in named, place
    for table in TABLES.values():
        assert table in named
    # The kind's own table, tables of their own, and what is read for the last time.
    apart = {"options", "reply_options", "routes", "quiet_start", "quiet_end"}
    missing = {(model.__module__, *(set(model.model_fields) - apart - keys)) for model, keys in named.items()}
    assert [names for names in missing if len(names) > 1] == []


def test_every_key_of_a_writing_half_is_told_with_its_kind() -> None:
    for kind, place in connectors.WRITERS.items():
        fields = importlib.import_module(place.partition(":")[0]).ReplySettings.model_fields
        (section,) = [each for each in EXAMPLES if (each.name, each.sets.get("kind")) == ("sources", kind)]
        told = "\n".join(section.lines)
        assert [name for name in fields if f"### {name} = " not in told] == []
        assert "reply" not in section.sets, "switched on by nobody's hand"


def test_every_priority_has_its_chain_its_claim_and_its_targets_in_the_file() -> None:
    told = {name: section.defaults for section in SECTIONS for name in [section.name]}
    for table, key in (("alerts", "escalation"), ("alerts", "claim_expires"), ("desk", "targets")):
        assert sorted(told[table][key]) == sorted(alerts.case.PRIORITIES)


def test_what_is_set_otherwise_than_the_default_is_marked_as_the_demos() -> None:
    for section in SECTIONS:
        if section.example or section.name in ("brands", "channels"):
            continue
        for name in section.sets:
            line = next(line for line in section.lines if re.match(rf"{name}\s*=", line))
            assert "# demo" in line or name in ("name", "kind", "only", "answerable"), line


def test_every_option_has_its_line_of_comment() -> None:
    for section in SECTIONS:
        if section.name in ("people", "alerts.routes"):
            continue
        for number, line in enumerate(section.lines):
            option = re.match(r"#{0,2}([a-z_.]+) *= ", line)
            if option and option[1] not in ("name", "kind", "only"):
                own = " # " in line
                above = section.lines[number - 1].startswith("# ")
                assert own or above, line


@pytest.mark.parametrize("section", EXAMPLES, ids=lambda section: f"{section.name}:{section.sets.get('name', '')}")
def test_every_example_loads_once_its_signs_are_taken_away(tmp_path: Path, section: Section) -> None:
    whole = read_with(tmp_path, [section])
    if section.name in ("sources", "channels", "people", "trackers"):
        assert section.sets["name"] in [entry.name for entry in getattr(whole, section.name)]


def test_all_examples_load_together(tmp_path: Path) -> None:
    whole = read_with(tmp_path, EXAMPLES)
    assert {source.kind for source in whole.sources} == set(connectors.KINDS)
    assert {channel.kind for channel in whole.channels} | set(EXTRAS) == set(alerts.KINDS)
    assert {tracker.kind for tracker in whole.trackers} == set(connectors.TRACKERS)
    assert whole.database.url.get_secret_value().startswith("postgresql://")
    assert len(whole.people) == len(whole.alerts.routes) == 1


def read_with(folder: Path, examples: list[Section]) -> Settings:
    """The shipped file with these examples switched on as its head says: one # less on each line."""
    text = TEXT
    for section in examples:
        block = "\n".join(section.lines)
        assert block in text
        text = text.replace(block, "\n".join(line[1:] for line in section.lines))
        if section.name == "database":  # it stands in place of the table above it
            own = next(each for each in SECTIONS if each.name == "database" and not each.example)
            text = text.replace("\n".join(line for line in own.lines if line and not line.startswith("# ")), "")
    (folder / "settings.toml").write_text(text, encoding="utf-8")
    return load(folder / "settings.toml", ENVIRON)


def test_the_file_fits_a_screen() -> None:
    assert [line for line in TEXT.splitlines() if len(line) > 120] == []


def test_every_key_says_who_would_ever_change_it() -> None:
    """Each key stands below a line that says for whom it is; those of a source are for whoever connects it, if not."""
    for section in SECTIONS:
        if section.name not in ("earful", "alerts", "desk", "people", "sources"):
            continue
        whom = "whoever connects it" if section.name == "sources" else ""
        for line in section.lines[1:]:
            told = re.match(r"#{1,2} For ([a-z].*):$", line)
            whom = told[1] if told else whom
            if re.match(r"#{0,2}[a-z_]+(\.[a-z]+)? *= ", line):
                assert whom, f"[{section.name}] {line}"
