"""What `earful init`, `make run BRAND=...` and `earful slack-manifest` write can be used as it is."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from datetime import time
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from alerts.apprise import Apprise
from alerts.slack.commands import NAME, SHORTCUT
from connectors.http import Http
from connectors.rss.connector import Rss
from monitor.cli import app
from monitor.settings.loading import load
from monitor.settings.models import Settings
from monitor.setup import commands as install
from monitor.setup.commands import TEAMS, InstallError, demo_settings, init, slack_manifest
from monitor.text.query.matching import brands_in
from monitor.text.query.parsing import parse
from monitor.text.query.subject import Subject

ROOT = Path(__file__).resolve().parents[2]


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


# --- make run ---------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not shutil.which("make"), reason="needs make")
def test_ctrl_c_at_make_run_is_no_error_and_a_query_keeps_its_quotation_marks(tmp_path: Path) -> None:
    program = tmp_path / "earful"
    program.write_text("#!/bin/sh\ntrap 'exit 0' INT\nprintf '%s\\n' \"$@\"\nwhile :; do sleep 0.05; done\n")
    program.chmod(0o700)
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a run in the background hands on "ignore"
    with subprocess.Popen(
        ["make", "-o", "setup", "run", f"EARFUL={program}", 'BRAND=acme OR "acme air" OR $$acme'],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env=environment,  # the make that runs the tests is none of its business
    ) as made:  # fmt: skip
        assert made.stdout is not None
        signal.signal(signal.SIGINT, before)
        heard = [made.stdout.readline().strip() for _ in range(3)]
        os.killpg(made.pid, signal.SIGINT)  # as a terminal does: to make and to all that it started
        try:
            _, said = made.communicate(timeout=30)
        finally:
            if made.poll() is None:
                os.killpg(made.pid, signal.SIGKILL)
    assert heard == ["demo", "--brand", 'acme OR "acme air" OR $acme']
    # GNU make's own race, where its child ends in the moment in which it is interrupted itself: nothing of ours.
    said = re.sub(r"make: \*\*\* (?:wait: No child processes\. +Stop\.|Waiting for unfinished jobs\.+)\n", "", said)
    assert said == ""


# --- earful init ------------------------------------------------------------------------------------------------------


def test_an_installation_listens_at_once_wherever_no_key_is_needed(tmp_path: Path) -> None:
    output = tmp_path / "care" / "acme.toml"
    init("Acme", output, zone="Europe/Berlin")
    whole = load(output, {})
    assert [source.kind for source in whole.sources] == ["hackernews", "mastodon", "bluesky", "rss"]
    assert all(source.enabled for source in whole.sources)
    assert [source.name for source in whole.sources if not source.answerable] == ["news"]
    assert [feed.url.partition("?")[0] for feed in Rss(whole.sources[3].options, Http())._feeds(("Acme",))] == [
        "https://news.google.com/rss/search"
    ]
    assert (whole.brands[0].name, whole.brands[0].query, whole.earful.zone) == ("Acme", "Acme", "Europe/Berlin")
    assert whole.database.url.get_secret_value() == f"sqlite:{tmp_path}/care/acme.sqlite".replace("acme.s", "earful.s")
    assert not whole.database.throwaway
    assert whole.warnings == ()


def test_an_installation_keeps_every_default_but_what_was_asked(tmp_path: Path) -> None:
    init("Acme", tmp_path / "a.toml", zone="UTC")
    whole = load(tmp_path / "a.toml", {})
    assert whole.alerts == Settings.model_fields["alerts"].default
    assert whole.operator == whole.alerts.notify
    assert whole.desk == Settings.model_fields["desk"].default


def test_an_answer_that_cannot_be_used_is_asked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slip in the last answer used to cost the first three: nothing was written, and all was asked anew."""
    output, standing = tmp_path / "a.toml", tmp_path / "old.toml"
    standing.write_text("", encoding="utf-8")
    monkeypatch.setenv("TZ", "UTC")  # a machine that says so may be anywhere: only then the zone is asked for
    typed = [
        "acme OR (",
        'acme OR "acme air"',
        str(standing),
        str(output),
        "Europe/Berln",
        "Europe/Berlin",
        "a dozen",
        "few",
        "9 to 5",
        "mon 10:00-16:00",
        "shipping",
        "travel",
    ]
    asked = CliRunner().invoke(app, ["init"], input="\n".join(typed) + "\n")
    assert asked.exit_code == 0, asked.output
    assert f"{standing} already exists and was not changed; name another file" in asked.output
    assert '"Europe/Berln" is not a time zone. Try "Europe/Berlin"' in asked.output
    assert '"a dozen" is none of these: write 1, few or shifts' in asked.output
    assert 'I can\'t read "9 to 5" as opening hours. Example: "mon-fri 09:00-17:00"' in asked.output
    whole = load(output, {})
    assert (whole.brands[0].query, whole.earful.zone) == ('acme OR "acme air"', "Europe/Berlin")
    assert whole.desk.hours[0].start == time(10)
    assert '"shipping" is none of these: write general, shop,' in asked.output
    assert whole.brands[0].trade == "travel"


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--zone", "Berlin"), '"Berlin" is not a time zone. Try "Europe/Berlin"'),
        (("--team", "5"), '"5" is none of these: write 1, few or shifts'),
        (("--hours", "9-5"), 'I can\'t read "9-5" as opening hours'),
        (("--trade", "shipping"), '"shipping" is none of these'),
        (("--output", "old.toml"), "old.toml already exists and was not changed"),
    ],
)
def test_a_wrong_option_is_said_before_anything_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: tuple[str, str], said: str
) -> None:
    (tmp_path / "old.toml").write_text("", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    asked = CliRunner().invoke(app, ["init", *option], input="acme\n")
    assert isinstance(asked.exception, InstallError)
    assert said in str(asked.exception)
    assert asked.output == ""


def test_what_is_written_is_private(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        init("Acme", tmp_path / "new" / "deep" / "a.toml")
    finally:
        os.umask(before)
    assert mode(tmp_path / "new" / "deep" / "a.toml") == 0o600
    assert mode(tmp_path / "new") == mode(tmp_path / "new" / "deep") == 0o700


def test_a_folder_that_stands_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    init("Acme", tmp_path)
    assert mode(tmp_path) == 0o755
    assert load(tmp_path / "settings.toml", {}).brands[0].name == "Acme"


def test_a_file_that_stands_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text("mine")
    with pytest.raises(InstallError, match="already exists and was not changed"):
        init("Acme", path)
    assert path.read_text() == "mine"


@pytest.mark.parametrize("brand", ["", "   ", "NOT acme", '"acme', "acme OR", "ac\udce9me", "a" * 3000])
def test_what_is_no_brand_is_refused_and_nothing_is_written(tmp_path: Path, brand: str) -> None:
    with pytest.raises(InstallError) as caught:
        init(brand, tmp_path / "new" / "a.toml")
    assert str(caught.value).isprintable()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        ({"zone": "Berlin"}, 'Try "Europe/Berlin"'),
        ({"hours": "always"}, 'Example: "mon-fri 09:00-17:00"'),
        ({"hours": "mon-fri 9-17"}, 'Example: "mon-fri 09:00-17:00"'),
        ({"name": "a:b"}, "up to 64 characters without a colon"),
    ],
)
def test_a_wrong_answer_says_how_to_write_it(tmp_path: Path, keywords: dict[str, str], said: str) -> None:
    with pytest.raises(InstallError, match=re.escape(said)):
        init("Acme", tmp_path / "a.toml", **keywords)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InstallError, match="can't write"):
        init("Acme", tmp_path / "file" / "a.toml")


@pytest.mark.parametrize(
    ("words", "query", "name"),
    [
        ("Firefox", "Firefox", "Firefox"),
        ("Acme Air", '"Acme Air"', "Acme Air"),
        ("  Acme   Air ", '"Acme Air"', "Acme Air"),
        ('acme OR "acme corp" NOT looney', 'acme OR "acme corp" NOT looney', "acme"),
        ('"Acme Air" -jobs', '"Acme Air" -jobs', "Acme Air"),
        ("NOT (jobs OR hiring) acme", "NOT (jobs OR hiring) acme", "acme"),
        ("author:bob acme", "author:bob acme", "acme"),
        ("=Target store", "=Target store", "Target"),
        ("trundle*", "trundle*", "trundle"),
        ("AT&T", "AT&T", "AT&T"),
        ("東京ガス", "東京ガス", "東京ガス"),
        ("O'Reilly", "O'Reilly", "O'Reilly"),
        ("“Acme Air”", '"Acme Air"', "Acme Air"),
        ('"Acme, Inc."', '"Acme, Inc."', "Acme, Inc"),
    ],
)
def test_a_word_a_name_and_a_query_are_each_understood(tmp_path: Path, words: str, query: str, name: str) -> None:
    init(words, tmp_path / "a.toml")
    brand = load(tmp_path / "a.toml", {}).brands[0]
    assert (brand.query, brand.name) == (query, name)


def test_a_list_of_names_says_how_to_ask_for_any_of_them(tmp_path: Path) -> None:
    """It was taken for one name, which no post ever holds."""
    with pytest.raises(InstallError, match='write acme OR "acme air" OR globex; put a name'):
        init("acme, acme air, globex", tmp_path / "a.toml")


def test_a_name_of_two_words_does_not_match_the_words_apart() -> None:
    query = {"brand": parse(install.query_of("Acme Air"))}
    assert brands_in(Subject("acme air is late again"), query)
    assert not brands_in(Subject("the air at the acme works"), query)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.text(max_size=40), name=st.text(max_size=70))
def test_whatever_is_typed_the_file_loads_or_nothing_is_written(tmp_path: Path, words: str, name: str) -> None:
    path = tmp_path / "a.toml"
    path.unlink(missing_ok=True)
    refused = ""
    try:
        init(words, path, name=name)
    except InstallError as error:
        refused = str(error)
    assert path.exists() == (not refused)
    assert refused or load(path, {}).brands[0].query == install.query_of(words)


def test_opening_hours_have_blocks(tmp_path: Path) -> None:
    init("Acme", tmp_path / "a.toml", hours="Mon-Fri 09:00-12:30, mon-fri 13:30-18:00, sat 10:00 - 14:00")
    blocks = load(tmp_path / "a.toml", {}).desk.hours
    assert [(len(block.days), block.start, block.end) for block in blocks] == [
        (5, time(9), time(12, 30)),
        (5, time(13, 30), time(18)),
        (1, time(10), time(14)),
    ]


def test_the_report_says_which_sources_work_now_and_what_the_others_need(tmp_path: Path) -> None:
    report = init("Acme", tmp_path / "my care.toml")
    lines = dict(re.findall(r"^(Ready, no key|Need a key|No new keys)[^:]*: +(.*)$", report, re.MULTILINE))
    assert all(name in lines["Ready, no key"] for name in ("Hacker News", "Google News", "Mastodon", "Bluesky"))
    assert "X " in lines["Need a key"]
    assert "Reddit" in lines["No new keys"]
    assert all(len(line) <= 80 for line in report.splitlines() if str(tmp_path) not in line)
    assert f"earful --settings '{tmp_path}/my care.toml' run" in report


def test_an_installation_inside_the_checkout_is_warned_of(tmp_path: Path) -> None:
    assert "an upgrade could overwrite it" in init("Acme", tmp_path / "a.toml", checkout=tmp_path)
    assert "an upgrade could overwrite it" not in init("Acme", tmp_path / "b.toml")


def test_the_lines_that_are_commented_out_load_once_they_have_their_secrets(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    init("Acme", path, team="shifts")
    text = path.read_text()
    environ = dict.fromkeys(re.findall(r'env = "(\w+)"', text), "value-of-a-secret")
    path.write_text(re.sub(r"^#(?=\S)", "", text, flags=re.MULTILINE))
    whole = load(path, environ)
    assert [channel.name for channel in whole.channels] == ["console", "slack"]
    assert [(person.name, len(person.shifts)) for person in whole.people] == [("Ana", 1)]
    assert whole.brands[0].accounts == {"mastodon": ("@you@example.social",)}


def test_the_file_has_at_most_25_lines_for_one_person_and_40_for_a_team(tmp_path: Path) -> None:
    """Counted with comments and blanks: every key that comes in pushes another one out."""
    lines: dict[tuple[str, bool], list[str]] = {}
    for team in dict.fromkeys(TEAMS.values()):
        for ntfy in (True, False):
            path = tmp_path / f"{team}{ntfy}" / "settings.toml"
            init("Acme", path, team=team, ntfy=ntfy, trade="travel", hours="mon-fri 09:00-12:30, sat 10:00-14:00")
            lines[team, ntfy] = path.read_text().splitlines()
    assert len(lines["1", True]) <= 25
    assert len(lines["1", False]) <= 25
    assert max(len(found) for (team, _), found in lines.items() if team != "1") <= 40


@pytest.mark.skipif(find_spec("apprise") is None, reason="needs the extra [apprise]")
def test_one_person_is_asked_when_they_may_be_called_and_is_told_on_their_phone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Europe/Lisbon")
    output = tmp_path / "care" / "settings.toml"
    typed = ["Acme", str(output), "1", "Ana: boss", "Ana", "mon-sat 10:00-20:00", "perhaps", "yes", ""]
    asked = CliRunner().invoke(app, ["init"], input="\n".join(typed) + "\n")
    assert asked.exit_code == 0, asked.output
    assert "When may I call you?" in asked.output
    assert "When is someone available" not in asked.output
    assert "time zone are you in" not in asked.output  # the machine knows
    topic = re.search(r"^  (earful-\S{20,})$", asked.output, re.MULTILINE)
    assert topic is not None
    secret = output.with_name("earful.env")
    assert mode(secret) == 0o600
    assert topic[1] not in output.read_text()
    whole = load(output, {})
    assert whole.earful.zone == "Europe/Lisbon"
    assert whole.channels[0].options.url.get_secret_value() == f"ntfys://ntfy.sh/{topic[1]}?priority=high"
    assert (whole.alerts.notify, whole.operator, whole.people[0].name) == (("ntfy",), ("ntfy",), "Ana")
    assert Apprise(whole.channels[0].options).check().startswith("the address is for Ntfy;")
    with pytest.raises(InstallError, match=r"earful\.env already exists"):
        init("Acme", output.with_name("other.toml"), team="1", ntfy=True)
    assert not output.with_name("other.toml").exists()


def test_secrets_that_are_there_already_cost_no_answers(tmp_path: Path) -> None:
    """They were refused only after the last question."""
    output, secret = tmp_path / "settings.toml", tmp_path / "earful.env"
    secret.write_text("TOKEN=1\n")
    given = ["init", "--brand", "Acme", "--output", str(output), "--team", "1", "--zone", "Europe/Lisbon"]
    asked = CliRunner().invoke(app, [*given, "--ntfy"], input="")
    assert f"{secret} already exists and was not changed" in str(asked.exception)
    assert asked.output == ""
    asked = CliRunner().invoke(app, given, input="Ana\n\nyes\nno\n\n")
    assert asked.exit_code == 0, asked.output
    assert f"{secret} already exists and was not changed; say no to ntfy (--no-ntfy), or name another" in asked.output
    assert load(output, {}).people[0].name == "Ana"
    assert secret.read_text() == "TOKEN=1\n"


def test_nothing_is_asked_with_yes(tmp_path: Path) -> None:
    output = tmp_path / "a.toml"
    for words in (["--team", "1"], ["--team", "shifts"], []):
        output.unlink(missing_ok=True)
        made = CliRunner().invoke(app, ["init", "--brand", "Acme", "--output", str(output), "--yes", *words], input="")
        assert made.exit_code == 0, made.output
        assert "?" not in made.output
        assert load(output, {}).brands[0].name == "Acme"


# --- make run BRAND=... -----------------------------------------------------------------------------------------------


def test_a_live_demo_has_a_database_of_its_own(tmp_path: Path) -> None:
    fox, bird = demo_settings("Firefox", tmp_path), demo_settings("Acme Air", tmp_path)
    assert (fox, bird) == (tmp_path / "var/firefox/settings.toml", tmp_path / "var/acme-air/settings.toml")
    urls = {load(path, {}).database.url.get_secret_value() for path in (fox, bird)}
    assert urls == {f"sqlite:{tmp_path}/var/firefox/earful.sqlite", f"sqlite:{tmp_path}/var/acme-air/earful.sqlite"}


def test_a_live_demo_can_be_started_again_and_another_query_is_another_demo(tmp_path: Path) -> None:
    first = demo_settings("acme", tmp_path)
    assert demo_settings("acme", tmp_path) == first
    assert demo_settings("acme -jobs", tmp_path) != first
    assert [path.name for path in first.parent.iterdir()] == ["settings.toml"]
    assert mode(first) == 0o600


def test_a_live_demo_shows_alerts_at_any_hour(tmp_path: Path) -> None:
    whole = load(demo_settings("Firefox", tmp_path), {})
    assert len(whole.desk.hours[0].days) == 7


@pytest.mark.parametrize("brand", ["../../etc/passwd", "東京ガス", "/", "a/b", "."])
def test_no_brand_leads_out_of_the_folder(tmp_path: Path, brand: str) -> None:
    try:
        path = demo_settings(brand, tmp_path)
    except InstallError:
        assert not (tmp_path / "var").exists()
    else:
        assert path.resolve().parent.parent == tmp_path / "var"
        assert load(path, {}).brands[0].query == install.query_of(brand)


# --- Slack ----------------------------------------------------------------------------------------------------------


def test_the_manifest_asks_for_exactly_what_is_used() -> None:
    """The methods are read from the channel's own code; what each needs stands at docs.slack.dev/reference/methods."""
    history = {"channels:history", "groups:history", "im:history"}
    needs = {
        "auth.test": set(),
        "chat.postEphemeral": {"chat:write"},
        "chat.postMessage": {"chat:write"},
        "chat.update": {"chat:write"},
        "conversations.history": history,
        "conversations.list": {"channels:read", "groups:read"},
        "conversations.open": {"im:write"},
        "conversations.replies": history,
        "usergroups.users.list": {"usergroups:read"},
        "users.info": {"users:read"},
    }
    code = "".join(file.read_text("utf-8") for file in (install.CHECKOUT / "alerts" / "slack").glob("*.py"))
    called = set(re.findall(r'"((?:auth|chat|conversations|usergroups|users)\.[A-Za-z.]+)"', code))
    assert called == set(needs)
    manifest = json.loads(slack_manifest())
    asked = manifest["oauth_config"]["scopes"]["bot"]
    # https://docs.slack.dev/reference/scopes/commands: for /earful and for the shortcut in a message's menu
    assert set(asked) == set().union(*needs.values()) | {"commands"}
    ((command,), (shortcut,)) = (manifest["features"][name] for name in ("slash_commands", "shortcuts"))
    assert (command["command"], shortcut["callback_id"], shortcut["type"]) == (NAME, SHORTCUT, "message")
    assert len(shortcut["name"]) <= 24
    assert len(asked) == len(set(asked))
    assert manifest["settings"]["socket_mode_enabled"] is True
    assert manifest["settings"]["interactivity"] == {"is_enabled": True}
    assert "connections:write" in install.SLACK_STEPS


def test_the_manifest_keeps_slacks_limits_and_names_the_page() -> None:
    about = json.loads(slack_manifest("https://earful.example.org"))["display_information"]
    assert len(about["name"]) <= 35
    assert len(about["description"]) <= 140
    assert 174 <= len(about["long_description"]) <= 4000
    assert "https://earful.example.org" in about["long_description"]
