"""What the settings of several processes must agree on: a file says the same on each machine and in each run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from monitor.settings.agreement import agreement, differing
from monitor.settings.models import Settings
from tests.helpers import settings_from
from tests.house.reading import ROOT

KEY = b"k" * 32


@pytest.fixture
def plain(tmp_path: Path) -> Settings:
    return settings_from(tmp_path)


def said(settings: Settings) -> dict[str, str]:
    return agreement(settings, KEY)[0]


def elsewhere(tmp_path: Path, **written: str) -> Settings:
    folder = tmp_path / "elsewhere"
    folder.mkdir(exist_ok=True)
    return settings_from(folder, **written)  # type: ignore[arg-type]


def test_the_folder_of_the_file_changes_nothing(tmp_path: Path) -> None:
    source = '[[sources]]\nname = "sample"\nkind = "replay"\nfile = "posts.jsonl"\n'
    assert said(settings_from(tmp_path, sources=source)) == said(elsewhere(tmp_path, sources=source))


def test_each_table_is_named_as_it_is_written(plain: Settings, tmp_path: Path) -> None:
    other = elsewhere(
        tmp_path,
        earful='retention = "90d"',
        alerts="brief_over = 5",
        brands='trade = "travel"',
        tables='[[people]]\nname = "Ana"\n[judge]\nnegative_labels = ["bad"]\n',
    )
    assert differing(said(plain), said(other)) == ["[alerts]", "[[brands]]", "[earful]", "[judge]", "[[people]]"]
    assert differing(said(plain), said(plain)) == []


def test_no_order_of_a_set_changes_it(tmp_path: Path) -> None:
    """Python hashes text anew in each process."""
    settings = settings_from(
        tmp_path, brands="sentiment_words = { bad = -2.0, good = 2.0 }", alerts='critical_words = ["fire", "smoke"]'
    )
    code = (
        "import sys; from pathlib import Path; from monitor.settings.agreement import agreement\n"
        "from monitor.settings.loading import load\n"
        f"print(sorted(agreement(load(Path(sys.argv[1]), {{}}), {KEY!r})[0].items()))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(settings.file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert run.stdout.strip() == str(sorted(said(settings).items()))


def test_secrets_stand_apart_and_nothing_is_said_of_them_without_a_key(tmp_path: Path) -> None:
    def made(token: str) -> Settings:
        channel = '[[channels]]\nname = "console"\nkind = "console"\n[[channels]]\nname = "hook"\nkind = "webhook"\n'
        channel += 'url = { env = "HOOK" }\nsecret = { env = "SIGN" }\n'
        return settings_from(
            tmp_path, channels=channel, environ={"HOOK": f"https://hook.example/{token}", "SIGN": "s" * 16}
        )

    one, other = made("one"), made("other")
    assert said(one) == said(other)
    assert differing(agreement(one, KEY)[1], agreement(other, KEY)[1]) == ["[[channels]]"]
    assert agreement(one, KEY)[1] != agreement(one, b"another")[1]
    assert agreement(one, b"")[1] == {}
    assert said(one) != said(settings_from(tmp_path)), "that there is one is no secret"
