"""What strangers write is printed as they wrote it: no command takes it for marks of its own, or ends at it."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.cli import main
from monitor.settings.loading import load
from monitor.store import sources
from monitor.store.sqlite import Sqlite
from tests.helpers import assembly_of, post, settings_from, take

MARKS = r"\[/x] [/] [bold]b[/bold] [link=http://e]l :smile: \\"
WORDS = f"Acme {MARKS} my order never arrived, awful service"
AUTHOR = r"o[/x]lga\\"


@pytest.fixture
def settings(tmp_path: Path, sqlite: Sqlite) -> Path:
    """Settings whose sources and posts are full of marks: one source is read by `earful try`."""
    now = datetime.now(UTC)
    (tmp_path / "day.jsonl").write_text(json.dumps({"id": "1", "text": WORDS, "author": AUTHOR, "at": "06:41"}) + "\n")
    odd = '[[sources]]\nname = "day[/x]"\nkind = "replay"\nfile = "day.jsonl"\nday_in = "at_once"\n'
    file = settings_from(tmp_path, sources=odd).file
    text = file.read_text().replace("sqlite:unused.sqlite", f"sqlite:{sqlite.path.name}")
    file.write_text(text.replace('kind = "hackernews"', 'kind = "hackernews"\nenabled = false'))
    taken = take(assembly_of(sqlite, load(file, {})), post(WORDS, author=AUTHOR, at=now), now=now)
    assert taken == ["1"]
    with sqlite.transaction():
        sources.failed(sqlite, "day[/x]", now, f"it said {MARKS}", f"read {MARKS}", refused=True)
    return file


def said(settings: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What a command prints, which ends well."""
    monkeypatch.setattr(sys, "argv", ["earful", "--settings", str(settings), *words])
    with pytest.raises(SystemExit) as ended:
        main()
    printed = capsys.readouterr()
    assert ended.value.code == 0, (words, printed.err)
    return printed.out


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("try",), WORDS[:60]),
        (("mentions",), r"\[/x] [/]"),
        (("cases",), r"o[/x]lga\\"),
        (("case", "1"), WORDS[:60]),
        (("explain", WORDS), ""),
        (("route", "--text", WORDS), ""),
        (("route", "1"), ""),
        (("status",), r"\[/x] [/] [bold]b[/bold]"),
        (("check", "--online"), "day[/x] works; 1 post"),
        (("user", "add", AUTHOR), r"o[/x]lga\\ is added"),
        (("user", "list"), ""),
        (("token", "list"), ""),
        (("mute", "add", "author", f"forum/{AUTHOR}"), ""),
        (("mute", "list"), ""),
        (("model",), ""),
        (("report",), ""),
        (("eval", "labelled.jsonl"), "Acme"),
        (("import", "labelled.jsonl", "--source", "s[/x]"), "1 read"),
    ],
    ids=lambda value: "-".join(value)[:20] if isinstance(value, tuple) else "",
)
def test_no_command_takes_what_strangers_write_for_marks(
    settings: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    shown: str,
) -> None:
    monkeypatch.chdir(settings.parent)
    Path("labelled.jsonl").write_text(json.dumps({"id": "9", "text": WORDS, "label": "negative"}) + "\n")
    assert shown in said(settings, monkeypatch, capsys, *words).replace("\n", " ").replace("  ", " ")
