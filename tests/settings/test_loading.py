"""A settings file is sound and whole, or every fault of it is said at once: where, what was found, what to write."""

from __future__ import annotations

import copy
import importlib.util
import json
import os
import typing
from collections.abc import Iterator
from datetime import date, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import annotated_types
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

import alerts
import connectors
from monitor.extras import how_to_install
from monitor.settings import models
from monitor.settings.errors import Fault, SettingsError, dotted
from monitor.settings.loading import EXTRAS, load
from monitor.settings.models import Settings
from monitor.settings.toml_lines import lines_of
from tests.helpers import settings_from

SOUND: dict[str, Any] = {
    "brands": [{"name": "Acme", "query": "acme"}],
    "sources": [{"name": "hn", "kind": "hackernews"}],
    "channels": [{"name": "console", "kind": "console"}],
    "people": [{"name": "Ana", "targets": ["console"]}],
}
ENVIRON = {"TOKEN": "a-secret-value-1234567890abcdef"}
SECRET = {"env": "TOKEN"}

# What a kind needs to be sound; a kind that needs nothing need not stand here.
NEEDED: dict[str, dict[str, Any]] = {
    "x": {"bearer_token": SECRET},
    "reddit": {"client_id": SECRET, "client_secret": SECRET},
    "rss": {"feeds": ["https://example.org/feed.xml"]},
    "inbound": {"secret": SECRET},
    "imap": {"host": "imap.example.org", "username": "me", "password": SECRET, "senders": ["a@example.org"]},
    "slack": {"token": SECRET},
    "email": {"host": "smtp.example.org", "sender": "earful@example.org"},
    "webhook": {"url": SECRET, "secret": SECRET},
    "apprise": {"url": SECRET},
    "teams": {"url": SECRET},
    "pager": {"routing_key": SECRET},
}
NEEDED_OF_TRACKERS: dict[str, dict[str, Any]] = {
    "github": {"repository": "acme/kettle", "token": SECRET},
    "jira": {"api_url": "https://acme.atlassian.net", "project": "KET", "token": SECRET},
}


def toml(value: object) -> str:
    """Write a value as TOML on one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(name)} = {toml(inner)}" for name, inner in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(toml(inner) for inner in value) + "]"
    if isinstance(value, date | time):
        return value.isoformat()
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def document(value: dict[str, Any]) -> str:
    return "".join(f"{json.dumps(name)} = {toml(inner)}\n" for name, inner in value.items())


def read(folder: Path, text: str | bytes | dict[str, Any]) -> Settings:
    path = folder / "settings.toml"
    text = document(text) if isinstance(text, dict) else text
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load(path, ENVIRON)


def faults(folder: Path, text: str | bytes | dict[str, Any]) -> list[str]:
    """Every fault as a line, the folder left out."""
    with pytest.raises(SettingsError) as caught:
        read(folder, text)
    assert str(caught.value) == "\n".join(str(fault) for fault in caught.value.faults)
    return [str(fault).replace(f"{folder}/", "") for fault in caught.value.faults]


def sound_with(*way: str | int, value: object) -> dict[str, Any]:
    """The sound document with one value set; tables and lists on the way are made."""
    whole = copy.deepcopy(SOUND)
    place: Any = whole
    for part, following in pairwise(way):
        if isinstance(place, list):
            place.extend({} for _ in range(len(place), int(part) + 1))
            place = place[int(part)]
        else:
            place = place.setdefault(part, [] if isinstance(following, int) else {})
    if isinstance(place, list):
        place[int(way[-1]) :] = [value]
    else:
        place[way[-1]] = value
    return whole


# --- Sound settings ---------------------------------------------------------------------------------------------------


def test_midnight_may_be_written_as_the_end_of_the_day(tmp_path: Path) -> None:
    block = {"days": ["mon"], "start": "09:00", "end": "24:00"}
    settings = read(tmp_path, sound_with("desk", "hours", value=[block]))
    assert settings.desk.hours[0].end == time()
    assert settings.warnings == ()
    assert 'found "24:30"' in faults(tmp_path, sound_with("desk", "hours", value=[{**block, "end": "24:30"}]))[0]


def test_a_desk_that_closes_for_the_last_minute_of_the_day_is_worth_a_look(tmp_path: Path) -> None:
    blocks = [{"days": ["mon"], "start": "00:00", "end": end} for end in ("17:00", "23:59")]
    (warning,) = read(tmp_path, sound_with("desk", "hours", value=blocks)).warnings
    assert warning == 'desk.hours[1] ends at 23:59, a minute before midnight. For midnight, write end = "00:00"'


@pytest.mark.parametrize(
    ("listen", "address"),
    [
        ("127.0.0.1:8400", "http://127.0.0.1:8400"),
        ("[::1]:8400", "http://[::1]:8400"),
        ("0.0.0.0:8400", "http://127.0.0.1:8400"),
        ("127.0.0.1:0", "http://127.0.0.1:8321"),
        ("10.0.0.7:8400", "http://10.0.0.7:8400"),
    ],
)
def test_links_lead_to_where_the_page_listens(tmp_path: Path, listen: str, address: str) -> None:
    """Another port alone used to leave every link, the one-time login among them, on the default's."""
    assert read(tmp_path, sound_with("earful", "page_listen", value=listen)).earful.page_url == address
    written = sound_with("earful", "page_listen", value=listen)
    written["earful"]["page_url"] = "https://earful.example.org"
    assert read(tmp_path, written).earful.page_url == "https://earful.example.org"


def test_the_smallest_sound_file_has_every_default(tmp_path: Path) -> None:
    read_back = read(tmp_path, SOUND)
    assert read_back.file == tmp_path / "settings.toml"
    assert read_back.alerts == models.Alerts()
    assert read_back.desk == models.Desk()
    assert read_back.sources[0].every == timedelta(minutes=5)
    assert read_back.sources[0].options.page_size == 100
    assert read_back.warnings == ()


def test_a_source_table_is_parted_into_what_all_have_and_what_its_kind_has(tmp_path: Path) -> None:
    table = {"name": "hn", "kind": "hackernews", "every": "90s", "page_size": 20}
    source = read(tmp_path, SOUND | {"sources": [table]}).sources[0]
    assert (source.every, source.options.page_size) == (timedelta(seconds=90), 20)


def test_the_defaults_are_those_that_were_agreed() -> None:
    """Issue by issue these numbers have reasons, which stand in settings.toml; nobody changes them by accident."""
    rules, desk = models.Alerts(), models.Desk()
    steps = {name: [(step.after, *step.notify) for step in chain] for name, chain in rules.escalation.items()}
    assert steps == {
        "critical": [("5m", "next"), ("15m", "leads")],
        "urgent": [("75%", "channel"), ("100%", "next"), ("150%", "leads")],
        "normal": [],
        "gentle": [],
    }
    first = {name: targets.first for name, targets in desk.targets.items()}
    assert [first[name].total_seconds() / 3600 for name in alerts.case.PRIORITIES] == [0.5, 1, 4, 8]
    assert (rules.claim_expires["critical"], rules.claim_expires["normal"]) == (
        timedelta(minutes=30),
        timedelta(hours=2),
    )
    assert (rules.group_wait, rules.group_join, rules.edit_every) == (
        timedelta(seconds=60),
        timedelta(hours=24),
        timedelta(minutes=5),
    )
    assert (rules.quiet_start, rules.quiet_end, rules.normal_list_at) == (None, None, time(16))
    assert rules.sweep_at == (time(9), time(15))
    assert rules.mention_people == ("critical", "urgent")


def test_a_priority_that_the_file_leaves_out_keeps_its_default(tmp_path: Path) -> None:
    text = document(SOUND) + '[desk.targets.urgent]\nfirst = "2h"\n[alerts.escalation]\nurgent = []\n'
    whole = read(tmp_path, text)
    assert whole.desk.targets["urgent"].first == timedelta(hours=2)
    assert whole.desk.targets["urgent"].resolve == timedelta(hours=8)
    assert whole.desk.targets["critical"] == models.TARGETS["critical"]
    assert whole.alerts.escalation["urgent"] == ()
    assert whole.alerts.escalation["critical"] == models.ESCALATION["critical"]


def test_where_says_whether_a_value_came_from_the_file(tmp_path: Path) -> None:
    whole = read(tmp_path, document(SOUND) + '[alerts]\ngroup_wait = "10s"\n')
    assert whole.where("alerts.group_wait") == "file"
    assert whole.where("sources[0].kind") == "file"
    assert whole.where("alerts.edit_every") == "default"
    assert whole.where("sources[0].every") == "default"


def test_the_fingerprint_changes_with_the_file_and_only_then(tmp_path: Path) -> None:
    first, again = read(tmp_path, SOUND), read(tmp_path, SOUND)
    changed = read(tmp_path, document(SOUND) + "# a word\n")
    assert first.fingerprint == again.fingerprint != changed.fingerprint


def test_relative_names_stand_beside_the_file_wherever_the_daemon_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replay = {"name": "old", "kind": "replay", "file": "old/day.jsonl"}
    (tmp_path / "settings.toml").write_text(document(SOUND | {"sources": [replay], "database": {"url": "sqlite:x.db"}}))
    monkeypatch.chdir(tmp_path.parent)
    whole = load(Path(tmp_path.name) / "settings.toml", {})
    assert whole.database.url.get_secret_value() == f"sqlite:{tmp_path / 'x.db'}"
    assert whole.sources[0].options.file == str(tmp_path / "old/day.jsonl")


def test_the_bundled_sample_is_no_file_beside_the_settings(tmp_path: Path) -> None:
    replay = {"name": "day", "kind": "replay", "file": "sample"}
    assert read(tmp_path, SOUND | {"sources": [replay]}).sources[0].options.file == "sample"


def test_none_empties_an_optional_value(tmp_path: Path) -> None:
    assert read(tmp_path, SOUND | {"alerts": {"normal_list_at": "none"}}).alerts.normal_list_at is None


def test_a_byte_order_mark_and_carriage_returns_do_no_harm(tmp_path: Path) -> None:
    text = ("\ufeff" + document(SOUND) + '[alerts]\ngroup_wiat = "1s"\n').replace("\n", "\r\n")
    assert faults(tmp_path, text) == [
        'settings.toml:6: alerts.group_wiat: found an unknown key; did you mean "group_wait"?'
    ]


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("15m", 900), ("4 h", 14400), ("2d", 172800), ("1w", 604800), (" 5m ", 300)]
)
def test_a_span_is_a_number_and_a_unit(text: str, seconds: int) -> None:
    assert models.span(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["", "5", "m", "-5m", "5 minutes", "1.5h", "٣m", "5m\n5m", "9999999999s", 5, True, None]
)
def test_anything_else_is_no_span(text: object) -> None:
    with pytest.raises(ValueError, match="write a duration such as"):
        models.span(text)


def test_a_step_comes_after_a_share_of_the_target_or_after_a_span() -> None:
    assert models.step_after("75%", timedelta(hours=4)) == timedelta(hours=3)
    assert models.step_after("5m", timedelta(hours=4)) == timedelta(minutes=5)


# --- The file itself --------------------------------------------------------------------------------------------------


def test_a_missing_file_is_one_fault_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path / "none.toml", {})
    assert str(caught.value) == (
        f"{tmp_path}/none.toml: found no such file; name it with --settings FILE, or create one with: earful init"
    )


def test_a_folder_in_place_of_the_file_is_one_fault(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="can't be read"):
        load(tmp_path, {})


def test_bad_syntax_names_the_line(tmp_path: Path) -> None:
    assert faults(tmp_path, '[earful]\nzone = "UTC"\nlog = text\n') == [
        "settings.toml:3: found invalid TOML at column 7 (invalid value); "
        'write key = "text", key = 5, key = ["a", "b"] or [table]'
    ]


def test_an_unclosed_text_names_the_end_of_the_file(tmp_path: Path) -> None:
    assert faults(tmp_path, 'a = 1\nb = """\nnever closed')[0].startswith("settings.toml:3: found invalid TOML")


SEVERAL = "found a table of which there may be several; use double brackets each time, such as [[sources]]"
QUOTED = (
    "found text after a closing quotation mark; if it belongs to the value, put the other kind around all of it: "
    '\'acme OR "acme air"\' or "Joe\'s"'
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[alerts]\n[desk]\n[alerts]\n", "3: found a table that already appears above; add its keys there"),
        (
            "[alerts]\nnotify = []\nnotify = []\n",
            "3: found a key that already appears in this table; keep one of them",
        ),
        ('[sources]\nkind = "rss"\n[sources]\n', f"3: {SEVERAL}"),
        ('[[sources]]\nkind = "rss"\n[sources]\n', f"3: {SEVERAL}"),
        ('[sources]\nkind = "rss"\n[[sources]]\n', f"3: {SEVERAL}"),
        ('[[brands]]\nquery = "acme OR "acme air""\n', f"2: {QUOTED}"),
        ("[[brands]]\nname = 'Joe's'\n", f"2: {QUOTED}"),
        ("[[brands]]\nname = “Acme”\n", '2: found a typographic quotation mark; use straight ones: "text"'),
    ],
)
def test_a_slip_that_python_tells_in_its_own_words_is_told_in_ours(tmp_path: Path, text: str, said: str) -> None:
    assert faults(tmp_path, text) == [f"settings.toml:{said}"]


def test_a_list_whose_only_part_is_wrong_is_not_called_empty_as_well(tmp_path: Path) -> None:
    wrong = sound_with("desk", "hours", value=[{"days": ["monday"], "start": "09:00", "end": "17:00"}])
    (fault,) = faults(tmp_path, wrong)
    assert "desk.hours[0].days[0]" in fault
    (empty,) = faults(tmp_path, sound_with("desk", "hours", value=[]))
    assert "desk.hours: found an empty list; write at least 1" in empty


def test_an_address_without_its_scheme_is_told_how_addresses_begin(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, sound_with("sources", 0, "api_url", value="127.0.0.1:8000/hn"))
    assert fault.endswith('found "127.0.0.1:8000/hn"; write an address such as "https://example.org"')


def test_bytes_that_are_not_utf8_name_the_line(tmp_path: Path) -> None:
    assert faults(tmp_path, b'a = 1\nb = "caf\xe9"\n') == [
        "settings.toml:2: found the byte 0xe9, which is not UTF-8; save it as UTF-8"
    ]


def test_ten_megabytes_are_refused_unread(tmp_path: Path) -> None:
    assert faults(tmp_path, b"#" * 10_000_000) == [
        "settings.toml: found more than 1 MB; keep only settings in this file"
    ]


@pytest.mark.parametrize(
    "text", ["a = " + "[" * 100_000, "a = " + "{a=" * 50_000, "a." * 30_000 + "a = 1", "\x00", "\n" * 9]
)
def test_a_file_made_to_hurt_is_a_fault(tmp_path: Path, text: str) -> None:
    assert faults(tmp_path, text)


def test_an_empty_file_says_everything_that_is_missing(tmp_path: Path) -> None:
    assert faults(tmp_path, "") == [
        "settings.toml: brands: found nothing; write at least one [[brands]] table with name and query",
        "settings.toml: sources: found nothing; write at least one [[sources]] table with name and kind",
        "settings.toml: channels: found nothing; write at least one [[channels]] table, "
        'such as name = "console" and kind = "console"',
        'settings.toml: alerts.notify[0]: found "console", which is not a channel or a person; '
        "add a [[channels]] table with that name",
    ]


# --- What people get wrong --------------------------------------------------------------------------------------------

WRONG = """\
[earful]
zone = "Berlin"
retantion = "1d"

[[brands]]
name = "Acme"
query = "NOT acme"

[[brands]]
name = "acme"
query = "acme"

[[sources]]
name = "hn"
kind = "hackrnews"
every = "5 minutes"

[[channels]]
name = "console"
kind = "console"

[alerts]
notify = ["consloe:#care", "Ana"]
messages_per_hour = 0
escalation.urgent = [
  { after = "75%", notify = ["channel"] },
  { after = "5m", notify = ["nxt"] },
]
"""


def test_all_faults_are_said_at_once_each_with_its_line(tmp_path: Path) -> None:
    found = faults(tmp_path, WRONG)
    assert found == [
        'settings.toml:2: earful.zone: found an unknown zone, "Berlin"; did you mean "Europe/Berlin"?',
        'settings.toml:3: earful.retantion: found an unknown key; did you mean "retention"?',
        'settings.toml:7: brands[0].query: found "NOT acme"; a post could match without any word of the query (at '
        "character 1): give every alternative a word that must stand in the post, such as acme -jobs",
        'settings.toml:10: brands[1].name: found "acme" twice; each brand needs its own name',
        'settings.toml:15: sources[0].kind: found an unknown kind, "hackrnews"; did you mean "hackernews"? '
        f"The kinds are {', '.join(json.dumps(kind) for kind in list(connectors.KINDS)[:-1])} or "
        f'"{list(connectors.KINDS)[-1]}"',
        'settings.toml:16: sources[0].every: found "5 minutes"; write a duration such as "5m"',
        'settings.toml:23: alerts.notify[0]: found "consloe:#care", which is not a channel or a person; '
        'did you mean "console:#care"?',
        'settings.toml:23: alerts.notify[1]: found "Ana", which is not a channel or a person; '
        'write a target such as "console"',
        "settings.toml:24: alerts.messages_per_hour: found 0; write 1 or more",
        'settings.toml:27: alerts.escalation.urgent[1].notify[0]: found "nxt", which is not a channel or a person; '
        'did you mean "next"?',
        'settings.toml:27: alerts.escalation.urgent[1].after: found "5m", which is not later than the step before; '
        "each step must come later than the one before",
    ]


ANA = SOUND["people"][0]


@pytest.mark.parametrize(
    ("way", "value", "said"),
    [
        (("brand",), [], 'brand: found an unknown key; did you mean "brands"?'),
        (("brands",), {"name": "a", "query": "a"}, "brands: found a table; write [[brands]], with double brackets"),
        (("sources",), [], "sources: found nothing; write at least one [[sources]] table with name and kind"),
        (("sources", 0, "name"), "a:b", 'sources[0].name: found "a:b"; write 1 to 64 characters that hold no colon and '
         "do not begin with a space"),
        (("sources", 1), {"name": "HN", "kind": "hackernews"}, 'sources[1].name: found "HN" twice; '
         "each source needs its own name"),
        (("sources", 0, "evry"), "5m", 'sources[0].evry: found an unknown key; did you mean "every"?'),
        (("sources", 0, "pagesize"), 5, 'sources[0].pagesize: found an unknown key; did you mean "page_size"?'),
        (("sources", 0, "kind"), 5, "sources[0].kind: found 5; write text in quotes"),
        (("brands", 0, "accounts"), {"hnn": ["acme"]}, 'brands[0].accounts.hnn: found "hnn", which is not the name of '
         'a source; did you mean "hn"?'),
        (("alerts", "notify"), [], 'alerts.notify: found an empty list; write who is alerted, such as ["slack:#care"]'),
        (("alerts", "notify"), "console", 'alerts.notify: found "console"; write a list such as ["one", "two"]'),
        (("people",), [ANA | {"zone": "Sydney"}], 'people[0].zone: found an unknown zone, "Sydney"; did you mean'),
        (("alerts", "quiet_start"), "8 pm", 'alerts.quiet_start: found "8 pm"; write a time of day such as "09:00"'),
        (("alerts", "mention_people"), ["urgnt"], 'alerts.mention_people[0]: found "urgnt"; write one of "critical", '
         '"urgent", "normal" or "gentle"'),
        (("alerts", "escalation"), {"urgent": [{"after": "soon", "notify": ["next"]}]}, "alerts.escalation.urgent[0]"
         '.after: found "soon"; write a share of the target such as "75%", or a duration such as "5m"'),
        (("alerts", "escalation"), {"urgent": [{"after": "75%", "notify": []}]}, "alerts.escalation.urgent[0].notify: "
         "found an empty list; write at least 1"),
        (("alerts", "routes", 0, "source"), ["hnn"], 'alerts.routes[0].source[0]: found "hnn", which is not the name '
         'of a source; did you mean "hn"?'),
        (("alerts", "routes", 0, "owner"), "Bo", 'alerts.routes[0].owner: found "Bo", which is not the name of a '
         'person; write one of "Ana"'),
        (("people",), [ANA | {"name": "next"}], 'people[0].name: found "next"; write another name; this one '
         "has a meaning in notify"),
        (("people",), [ANA | {"targets": ["Ana"]}], 'people[0].targets[0]: found "Ana", which is not a channel; '
         'write a target such as "console"'),
        (("people",), [ANA | {"shifts": [{"start": "22:00", "end": "06:00"}]}], "people[0].shifts[0].end: found "
         '"06:00", which is not after the start at 22:00; write a later end; split a night shift at midnight'),
        (("desk", "holidays"), ["Christmas"], 'desk.holidays[0]: found "Christmas"; write a day such as 2026-12-25'),
        (("desk", "hours"), [], "desk.hours: found an empty list; write at least 1"),
        (("desk", "targets"), {"urgent": {"first": "0s"}}, 'desk.targets.urgent.first: found "0s"; write 1s or more'),
        (("earful", "zone"), "Europe/Berln", 'earful.zone: found an unknown zone, "Europe/Berln"; '
         'did you mean "Europe/Berlin"'),
        (("earful", "zone"), "../../etc/passwd", 'earful.zone: found an unknown zone, "../../etc/passwd"; write one '
         'such as "Europe/Berlin"'),
        (("earful", "page_listen"), "[::]:70000", 'earful.page_listen: found "[::]:70000"; write a port up to 65535'),
        (("earful", "page_url"), "ftp://x", 'earful.page_url: found "ftp://x/…"; write an address such as '
         '"https://earful.example.org"'),
        (("database", "url"), "mysql://host/earful", "database.url: found neither an SQLite file nor a PostgreSQL "
         'address; write "sqlite:FILE" or "postgresql://USER@HOST/NAME"'),
        (("digest", "to"), ["mail:boss@example.org"], 'digest.to[0]: found "mail:boss@example.org", which is not a '
         'channel or a person; write a target such as "console"'),
        (("digest", "to"), ["email:boss@example.org"], 'digest.to[0]: found "email:boss@example.org", which is not a '
         'channel or a person; add a [[channels]] table with kind = "email" and name = "email"'),
    ],
)  # fmt: skip
def test_one_wrong_value_is_one_fault_in_these_words(
    tmp_path: Path, way: tuple[str | int, ...], value: object, said: str
) -> None:
    whole = sound_with(*way, value=value)
    found = [fault.partition(" ")[2] for fault in faults(tmp_path, whole)]
    assert len(found) == 1
    assert found[0].startswith(said)


@pytest.mark.parametrize("zone", ["GMT+1", "UTC+1", "UTC+01:00", "+01:00", "GMT+2", "utc-5", "Etc/UTC+3", "GMT +1"])
def test_an_offset_is_answered_with_a_place_never_with_a_zone_of_the_other_sign(tmp_path: Path, zone: str) -> None:
    """Etc/GMT+1 lies an hour west of Greenwich: https://data.iana.org/time-zones/tzdb/etcetera"""
    (fault,) = faults(tmp_path, sound_with("earful", "zone", value=zone))
    assert f'found an unknown zone, "{zone}"; write one by its place, such as "Europe/Berlin": an offset' in fault


@pytest.mark.parametrize(
    "address", ["http://[::1", "https://[zz]", "https://:443", "https:///x", "https://a:port", "https://a:99999"]
)
@pytest.mark.parametrize(
    ("way", "table"),
    [
        (("earful", "page_url"), {}),
        (("earful", "dead_man_url"), {}),
        (("assistant", "address"), {"model": "m"}),
        (("oidc", "issuer"), {"client_id": "c"}),
        (("sources", 1, "api_url"), {"kind": "mastodon"}),
        (("sources", 1, "api_url"), {"kind": "bluesky"}),
        (("channels", 1, "api_url"), {"kind": "pager", "routing_key": SECRET}),
    ],
)
def test_an_address_that_leads_nowhere_is_a_fault(
    tmp_path: Path, way: tuple[str | int, ...], table: dict[str, Any], address: str
) -> None:
    (tmp_path / "address").write_text(address, encoding="utf-8")
    written = {"file": "address"} if way[-1] == "dead_man_url" else address
    (fault,) = faults(tmp_path, sound_with(*way[:-1], value=table | {str(way[-1]): written}))
    assert f"{dotted(way)}: found " in fault
    assert "://" in fault.rpartition("; write")[2]


@pytest.mark.parametrize("key", ["api_url", "appview_url"])
def test_a_host_alone_is_no_address(tmp_path: Path, key: str) -> None:
    (fault,) = faults(tmp_path, sound_with("sources", 1, value={"kind": "bluesky", key: "bsky.example.org"}))
    assert f'sources[1].{key}: found "bsky.example.org"; write its scheme, its host and' in fault


def test_a_person_and_every_keyword_may_be_told(tmp_path: Path) -> None:
    steps = [
        {"after": f"{number}m", "notify": [word]} for number, word in enumerate(("Ana", *models.KEYWORDS, "console:x"))
    ]
    whole = read(tmp_path, SOUND | {"alerts": {"notify": ["Ana"], "escalation": {"urgent": steps}}})
    assert len(whole.alerts.escalation["urgent"]) == len(steps)


def test_a_keyword_is_no_target_of_the_first_message(tmp_path: Path) -> None:
    assert faults(tmp_path, sound_with("alerts", "notify", value=["next"]))


def test_a_broken_table_does_not_hide_what_is_wrong_across_tables(tmp_path: Path) -> None:
    text = document(SOUND | {"sources": [{"name": "hn", "kind": "hackernews", "every": 5}]})
    text += '[alerts]\nbrief_over = "three"\nnotify = ["slack:#care"]\n'
    assert len(faults(tmp_path, text)) == 3


def test_an_extra_that_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library is looked for without being imported; here it is hidden from the search, as if never installed."""
    finder = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "apprise" else finder(name, *rest)
    )
    channel = {"name": "push", "kind": "apprise", **NEEDED["apprise"]}
    found = faults(tmp_path, SOUND | {"channels": [*SOUND["channels"], channel]})
    assert found == [
        'settings.toml:3: channels[1].kind: found "apprise", but its library apprise is not installed; '
        f"run: {how_to_install('apprise')}"
    ]


# --- Secrets ----------------------------------------------------------------------------------------------------------


def x_source(token: object) -> dict[str, Any]:
    return SOUND | {"sources": [{"name": "x", "kind": "x", "bearer_token": token}]}


def token_of(whole: Settings) -> str:
    return str(whole.sources[0].options.bearer_token.get_secret_value())


def test_a_secret_comes_from_the_environment(tmp_path: Path) -> None:
    whole = read(tmp_path, x_source(SECRET))
    assert token_of(whole) == ENVIRON["TOKEN"]
    assert ENVIRON["TOKEN"] not in repr(whole)


@pytest.mark.parametrize("data", [b"s3cret", b"s3cret\n", b"\xef\xbb\xbfs3cret\r\n", b"  s3cret \n\n"])
def test_a_secret_comes_from_a_file_beside_the_settings_without_its_line_end(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "token").write_bytes(data)
    (tmp_path / "token").chmod(0o600)
    whole = read(tmp_path, x_source({"file": "token"}))
    assert (token_of(whole), whole.warnings) == ("s3cret", ())


def test_a_secret_file_that_everybody_can_read_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret")
    (tmp_path / "token").chmod(0o644)
    assert read(tmp_path, x_source({"file": "token"})).warnings == (
        "sources[0].bearer_token: token is readable by everyone on this machine (mode 0644); run: chmod 600 token",
    )


@pytest.mark.parametrize(
    ("token", "said"),
    [
        (
            {"env": "NOBODY"},
            'found an environment variable that is unset, "NOBODY"; write NOBODY=... into ',
        ),
        (
            {"env": "xoxb-plain-text-9999"},
            "found a text that can't be the name of an environment variable; write the name alone, such as "
            '{ env = "SLACK_TOKEN" }, and the secret into earful.env: SLACK_TOKEN=...',
        ),
        ({"env": ""}, 'found an environment variable that is unset, ""; set it, or say where the secret is'),
        (
            {"file": "none"},
            'found the secret file "none", which does not exist; create it, or say where the secret is',
        ),
        ({"file": "empty"}, 'found the secret file "empty", which is empty; write the secret into it'),
        ({"file": "latin"}, 'found the secret file "latin", which is not text; write the secret into it as UTF-8 text'),
        ({"file": "."}, 'found the secret file ".", which cannot be read (Is a directory)'),
        ({"file": 5}, 'found 5; write { env = "NAME" } or { file = "PATH" }'),
        ({"path": "x"}, 'found a table; write { env = "NAME" } or { file = "PATH" }'),
        ({"env": "TOKEN", "file": "token"}, 'found a table; write { env = "NAME" } or { file = "PATH" }'),
        (5, 'found 5; write { env = "NAME" } or { file = "PATH" }'),
        ("xoxb-plain-text-9999", 'found a secret in plain text; write { env = "NAME" } or { file = "PATH" }'),
    ],
)
def test_a_secret_that_is_not_there_is_one_fault(tmp_path: Path, token: object, said: str) -> None:
    (tmp_path / "empty").write_text(" \n")
    (tmp_path / "latin").write_bytes(b"\xff\xfe")
    found = faults(tmp_path, x_source(token))
    assert len(found) == 1
    assert found[0].startswith(f"settings.toml:2: sources[0].bearer_token: {said}")


def test_no_fault_shows_what_may_be_a_secret(tmp_path: Path) -> None:
    """A token under a misspelt key, a webhook in place of a target, a password in an address."""
    text = document(
        SOUND
        | {
            "sources": [{"name": "x", "kind": "x", "bearer_tokn": "AAAAsecret1234567890secret"}],
            "database": {"url": "postgresql://earful:hunter2secret@db/earful"},
            "alerts": {
                "notify": ["https://hooks.example.org/T0secret", "xoxb-secret-1", "Zq8secret1234567890abcdefgh"]
            },
        }
    )
    found = faults(tmp_path, text)
    assert len(found) == 5
    assert not [line for line in found if "secret" in line.replace("a secret in plain text", "")]


@pytest.mark.parametrize("url", ["sqlite:a.db", "postgresql://db/earful", "postgresql://earful@db:5432/earful"])
def test_a_database_without_a_password_may_stand_in_the_file(tmp_path: Path, url: str) -> None:
    assert read(tmp_path, SOUND | {"database": {"url": url}})


@pytest.mark.parametrize("url", ["postgresql://earful:pw@db/earful", "postgresql://db/earful?password=pw"])
def test_a_database_password_may_not(tmp_path: Path, url: str) -> None:
    assert faults(tmp_path, SOUND | {"database": {"url": url}}) == [
        "settings.toml:5: database.url: found a secret in plain text; "
        'write { env = "NAME" } or { file = "PATH" }, so that this file is safe to share'
    ]


def test_a_database_address_may_be_a_secret(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(document(SOUND | {"database": {"url": {"env": "DB"}}}))
    whole = load(path, {"DB": "postgresql://earful:pw@db/earful"})
    assert whole.database.url.get_secret_value() == "postgresql://earful:pw@db/earful"


def test_a_model_of_ones_own_stands_beside_the_settings(tmp_path: Path) -> None:
    """Whether the folder can be used is found out when it is loaded: the rest must not wait for it."""
    judge = read(tmp_path, SOUND | {"judge": {"encoder": "models/mini", "classifier": "/srv/angry"}}).judge
    assert (judge.encoder, judge.classifier) == (tmp_path / "models" / "mini", Path("/srv/angry"))
    judge = read(tmp_path, SOUND | {"judge": {"encoder": "none", "negative_labels": ["angry"]}}).judge
    assert (judge.encoder, judge.classifier, judge.negative_labels) == (None, None, ("angry",))
    assert read(tmp_path, SOUND).judge == models.Judge()


@pytest.mark.parametrize("bad", [True, 5, 1.5, [], {}])
def test_a_folder_is_written_as_text(tmp_path: Path, bad: object) -> None:
    (found,) = faults(tmp_path, SOUND | {"judge": {"encoder": bad}})
    assert " judge.encoder: found " in found


def test_a_tracker_is_called_as_its_kind_and_never_as_a_door_for_posts(tmp_path: Path) -> None:
    tracker = {"kind": "github", **NEEDED_OF_TRACKERS["github"]}
    (read_back,) = read(tmp_path, SOUND | {"trackers": [tracker]}).trackers
    assert (read_back.name, read_back.options.repository) == ("github", "acme/kettle")
    assert "a-secret-value" not in repr(read_back)
    door = {"name": "github", "kind": "inbound", "secret": SECRET}
    (found,) = faults(tmp_path, SOUND | {"trackers": [tracker], "sources": [door]})
    assert "trackers[0].name: found " in found
    assert "the name of an inbound source; give it another name" in found
    (found,) = faults(tmp_path, SOUND | {"trackers": [tracker, {**tracker, "kind": "gitlab", "name": "other"}]})
    assert 'trackers[1].kind: found an unknown kind, "gitlab"' in found


# --- Every key, wrong in every way, from the models themselves --------------------------------------------------------

STEP = ("alerts", "escalation", "urgent", 0)
TABLES: dict[tuple[str | int, ...], tuple[type[BaseModel], dict[str, Any]]] = {
    ("earful",): (models.Earful, {}),
    ("database",): (models.Database, {}),
    ("brands", 0): (models.Brand, SOUND["brands"][0]),
    ("sources", 0): (models.Source, SOUND["sources"][0]),
    ("channels", 0): (models.Channel, SOUND["channels"][0]),
    ("people", 0): (models.Person, {"name": "Ana"}),
    ("people", 0, "shifts", 0): (models.Shift, {}),
    ("alerts",): (models.Alerts, {}),
    ("alerts", "routes", 0): (models.Route, {}),
    STEP: (models.StepSetting, {"after": "5m", "notify": ["next"]}),
    ("desk",): (models.Desk, {}),
    ("desk", "hours", 0): (models.Block, {"days": ["mon"], "start": "09:00", "end": "17:00"}),
    ("desk", "targets", "urgent"): (models.Targets, {"first": "1h", "next": "1h", "resolve": "8h"}),
    ("digest",): (models.Digest, {}),
    ("judge",): (models.Judge, {}),
    ("oidc",): (models.Oidc, {}),
}
BAD: dict[str, tuple[object, ...]] = {
    "text": (True, 5, 1.5, [], {}),
    "truth": (5, 1.5, "true", [], {}),
    "whole": (True, 1.5, "5", [], {}),
    "number": (True, "5", [], {}),
    "span": (True, 5, 1.5, "five minutes", "", [], {}),
    "clock": (True, 5, 1.5, "nine", "25:00", "", [], {}),
    "list": (True, 5, 1.5, "word", {}),
    "table": (True, 5, 1.5, "word", []),
    "secret": (True, 5, 1.5, "plain", "", [], {}, {"env": "NOBODY"}, {"file": "nothing"}),
    "choice": (True, 5, 1.5, "zzzz", "", [], {}),
}


def sort_of(annotation: Any) -> str:
    """What a person would call the values of a field; empty where this test does not know."""
    if typing.get_origin(annotation) is typing.Annotated:
        return sort_of(typing.get_args(annotation)[0])
    arms = [arm for arm in typing.get_args(annotation) if arm is not type(None)]
    if type(None) in typing.get_args(annotation):
        return sort_of(arms[0]) if len(arms) == 1 else ""
    origin = typing.get_origin(annotation)
    if origin is Literal:
        return "choice"
    if origin in (tuple, list, dict):
        return "table" if origin is dict else "list"
    plain = {str: "text", bool: "truth", int: "whole", float: "number", timedelta: "span", time: "clock"}
    return {SecretStr: "secret", **plain}.get(annotation, "")


def kinds() -> Iterator[tuple[tuple[str | int, ...], type[BaseModel], dict[str, Any]]]:
    for plural, known in (("sources", connectors.KINDS), ("channels", alerts.KINDS)):
        for kind, place in known.items():
            if kind in EXTRAS and importlib.util.find_spec(EXTRAS[kind]) is None:
                continue
            model = importlib.import_module(place.partition(":")[0]).Settings
            yield (plural, 1), model, {"name": "other", "kind": kind, **NEEDED.get(kind, {})}
    for kind, place in connectors.TRACKERS.items():
        model = importlib.import_module(place.partition(":")[0]).Settings
        yield ("trackers", 0), model, {"name": "other", "kind": kind, **NEEDED_OF_TRACKERS[kind]}


def every_table() -> Iterator[tuple[tuple[str | int, ...], type[BaseModel], dict[str, Any]]]:
    for way, (model, table) in TABLES.items():
        yield way, model, table
    yield from kinds()


def fields() -> Iterator[Any]:
    for way, model, table in every_table():
        for name, field in model.model_fields.items():
            if name not in {"options", "reply_options"}:
                label = f"{table.get('kind', '') if way[0] == 'trackers' or way[-1] == 1 else ''}{dotted((*way, name))}"
                yield pytest.param((*way, name), field, table, id=label)


FIELDS = list(fields())


@pytest.mark.parametrize(("way", "field", "table"), FIELDS)
def test_every_key_of_a_wrong_type_is_named(tmp_path: Path, way: Any, field: Any, table: dict[str, Any]) -> None:
    sort = sort_of(field.annotation)
    for bad in BAD.get(sort, ()):
        if bad == "" and sort == "choice" and "" in typing.get_args(field.annotation):
            continue
        if sort == "span" and bad == 5 and any(arm is int for arm in typing.get_args(field.annotation)):
            continue
        whole = sound_with(*way[:-1], value=table | {way[-1]: bad})
        found = faults(tmp_path, whole)
        key = dotted(way)
        assert [line for line in found if f" {key}: found " in line or f" {key}[" in line or f" {key}." in line], found
        assert '"plain"' not in "".join(found)


@pytest.mark.parametrize(("way", "field", "table"), FIELDS)
def test_every_key_misspelt_is_named_with_what_was_meant(
    tmp_path: Path, way: Any, field: Any, table: dict[str, Any]
) -> None:
    name = way[-1]
    wrong = name + "x"
    given_value = table.get(name, "word")
    whole = sound_with(
        *way[:-1], value={key: value for key, value in table.items() if key != name} | {wrong: given_value}
    )
    found = faults(tmp_path, whole)
    key = dotted((*way[:-1], wrong))
    line = next(line for line in found if f" {key}: found an unknown key; " in line)
    assert "did you mean " in line
    assert f'"{name}"' in line
    missing = [each for each in found if f" {dotted(way)}: found nothing; write {name} = ..." in each]
    assert len(missing) == (1 if field.is_required() and way[:2] != ("desk", "targets") else 0)


@pytest.mark.parametrize(("way", "field", "table"), FIELDS)
def test_every_bounded_number_and_span_out_of_its_range_is_named(
    tmp_path: Path, way: Any, field: Any, table: dict[str, Any]
) -> None:
    for bound in field.metadata:
        for edge, step in (("ge", -1), ("gt", 0), ("le", 1), ("lt", 0)):
            limit = getattr(bound, edge, None) if isinstance(bound, annotated_types.BaseMetadata) else None
            if isinstance(limit, timedelta):
                bad: object = "0s" if edge in ("ge", "gt") else "99999w"
            elif isinstance(limit, int | float):
                bad = type(limit)(limit + step)
                bad = bad if sort_of(field.annotation) == "number" or not isinstance(bad, float) else int(bad)
            else:
                continue
            found = faults(tmp_path, sound_with(*way[:-1], value=table | {way[-1]: bad}))
            assert [line for line in found if f" {dotted(way)}: found " in line and "; write " in line], found


# --- Nothing but SettingsError, whatever the file holds ---------------------------------------------------------------

KEYS = st.one_of(
    st.sampled_from([*Settings.model_fields, *(name for model, _ in TABLES.values() for name in model.model_fields)]),
    st.text(st.characters(blacklist_categories=["Cs"]), max_size=8),
)
VALUES = st.recursive(
    st.one_of(
        st.booleans(),
        st.integers(-(2**62), 2**62),
        st.floats(allow_nan=False, allow_infinity=False),
        st.sampled_from(
            ["console", "5m", "75%", "09:00", "hackernews", "x", "slack", "acme", "NOT a", "Europe", "none"]
        ),
        st.text(st.characters(blacklist_categories=["Cs"]), max_size=20),
        st.dates(),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def only_faults(folder: Path, text: str) -> None:
    found: Path | tuple[Fault, ...]
    try:
        found = read(folder, text).file
    except SettingsError as error:
        found = error.faults
    assert found
    for fault in found if isinstance(found, tuple) else ():
        assert str(fault).isprintable(), repr(str(fault))
        assert fault.found
        assert fault.write


@QUICK
@given(garbage=st.dictionaries(st.sampled_from([*Settings.model_fields, "zzz"]), VALUES, max_size=5))
def test_any_values_give_faults_and_never_a_traceback(tmp_path: Path, garbage: dict[str, Any]) -> None:
    only_faults(tmp_path, document(SOUND | garbage))


@QUICK
@given(table=st.dictionaries(KEYS, VALUES, max_size=6), where=st.sampled_from(list(TABLES)))
def test_any_table_gives_faults_and_never_a_traceback(tmp_path: Path, table: dict[str, Any], where: Any) -> None:
    only_faults(tmp_path, document(sound_with(*where, value=TABLES[where][1] | table)))


@QUICK
@given(data=st.data())
def test_any_text_gives_faults_and_never_a_traceback(tmp_path: Path, data: st.DataObject) -> None:
    """A sound file, cut and spliced with anything."""
    start = data.draw(st.integers(0, len(WRONG)))
    end = data.draw(st.integers(start, len(WRONG)))
    splice = data.draw(st.text(st.characters(blacklist_categories=["Cs"]), max_size=12))
    only_faults(tmp_path, WRONG[:start] + splice + WRONG[end:])


@QUICK
@given(data=st.binary(max_size=200))
def test_any_bytes_give_faults_and_never_a_traceback(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "settings.toml").write_bytes(data)
    with pytest.raises(SettingsError):
        load(tmp_path / "settings.toml", dict(os.environ))


# --- Line numbers -----------------------------------------------------------------------------------------------------


def test_every_key_knows_its_line_through_all_of_tomls_ways_of_writing() -> None:
    text = '''\
a = """
[not.a.table]
x = 1 \\""" still """"
b = [
  "one", # [nor = this]
  { c = 1, "d e" = [2,
    3] },
]
[t.u]
v.w = 'it''s'
[[s]]
k = 1
[[s]]
k = 2
[s.sub]
m = 1979-05-27 07:32:00
[[s.deep]]
n = 1
[[s.deep]]
"n.o" = 2
'''.replace("it''s", "its")
    lines = lines_of(text)
    expected = {
        ("a",): 1, ("b",): 4, ("b", 0): 5, ("b", 1): 6, ("b", 1, "c"): 6, ("b", 1, "d e"): 6, ("b", 1, "d e", 1): 7,
        ("t", "u"): 9, ("t", "u", "v", "w"): 10, ("s", 0): 11, ("s", 0, "k"): 12, ("s", 1): 13, ("s", 1, "k"): 14,
        ("s", 1, "sub", "m"): 16, ("s", 1, "deep", 0, "n"): 18, ("s", 1, "deep", 1, "n.o"): 20,
    }  # fmt: skip
    assert {key: lines.get(key) for key in expected} == expected


def test_a_target_that_would_reach_nobody_is_a_fault(tmp_path: Path) -> None:
    """Slack and mail need to know where; a channel of another kind may need no address."""
    channels = """
[[channels]]
name = "slack"
kind = "slack"
token = { env = "TOKEN" }
[[channels]]
name = "post"
kind = "email"
host = "smtp.example.org"
sender = "earful@example.org"
[[channels]]
name = "console"
kind = "console"
"""
    told = ("slack", "slack:", "slack:#care", "slack:@U0123ABCD", "slack:C0123ABCD", "post:ana", "post:ana@example.org")
    with pytest.raises(SettingsError) as refused:
        settings_from(tmp_path, channels=channels, notify=(*told, "console"), environ={"TOKEN": "xoxb-1"})
    said = "\n".join(map(str, refused.value.faults))
    assert said.count("is not a Slack channel or user") == 2
    assert said.count("is not a mail address") == 1
    assert len(refused.value.faults) == 3
