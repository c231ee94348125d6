"""README and the guides are what a newcomer believes: their settings, commands and links have to be true."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from monitor.cli import app
from monitor.settings.loading import load
from tests.house.reading import ROOT, blocks, tracked

PAGES = sorted(path.relative_to(ROOT).as_posix() for path in tracked() if path.suffix == ".md")
GUIDES = [page for page in PAGES if "/decisions/" not in page]
SETTINGS = [(page, text) for page in GUIDES for text in blocks(page, "toml")]
HEAD = {
    "brands": '[[brands]]\nname = "Acme"\nquery = "acme"\n',
    "sources": '[[sources]]\nname = "hackernews"\nkind = "hackernews"\n',
    "channels": '[[channels]]\nname = "console"\nkind = "console"\n',
}


@pytest.mark.parametrize(("page", "text"), SETTINGS, ids=[f"{page}-{n}" for n, (page, _) in enumerate(SETTINGS)])
def test_every_piece_of_settings_in_a_guide_loads(page: str, text: str, tmp_path: Path) -> None:
    """Each piece works as it stands, once what it does not speak of is there (a brand, a source, a channel)."""
    written = tomllib.loads(text)
    head = "".join(lines for table, lines in HEAD.items() if table not in written or table == "channels")
    # What a block says of its own brand's accounts is a source's name: those that it does not bring are added.
    brought = {source["name"] for source in written.get("sources", ())}
    named = {name for brand in written.get("brands", ()) for name in brand.get("accounts", ())}
    for name in sorted(named - brought):
        options = {
            "x": 'bearer_token = "k"\n'.replace('"k"', '{ env = "K" }'),
            "reddit": 'client_id = { env = "K" }\nclient_secret = { env = "K" }\n',
        }.get(name, "")
        head += f'[[sources]]\nname = "{name}"\nkind = "{name}"\n{options}'
    names = re.findall(r'env\s*=\s*"(\w+)"', text)
    values = dict.fromkeys([*names, "K"], "https://example.org/a-secret-of-16-letters")
    values |= {name: "postgresql://earful:secret@localhost/earful" for name in names if "DATABASE" in name}
    for name in re.findall(r'file\s*=\s*"([^"/]+)"', text):  # a key beside the settings
        (tmp_path / name).write_text("a secret of sixteen letters", encoding="utf-8")
        (tmp_path / name).chmod(0o600)
    path = tmp_path / "settings.toml"
    path.write_text(f"{head}\n{text}", encoding="utf-8")
    assert load(path, values).brands, page


@cache
def program() -> Any:
    """The whole command line, put together once: that takes longer than anything that is asked of it here."""
    return get_command(app)


def commands() -> dict[str, list[str]]:
    """Every command with its verbs below it, read from the program itself."""
    return {name: sorted(getattr(command, "commands", {})) for name, command in program().commands.items()}


def test_every_command_and_every_verb_below_one_is_on_the_page_of_commands() -> None:
    rows = (ROOT / "docs" / "commands.md").read_text("utf-8").splitlines()
    missing = []
    for name, parts in commands().items():
        told = " ".join(row for row in rows if re.match(rf"\| `earful {re.escape(name)}[ `]", row))
        missing += [name] if not told else []
        missing += [f"{name} {part}" for part in parts if not re.search(rf"\b{part}[ `]", told)]
    assert missing == []


def help_of(*words: str) -> str:
    """What `earful ... --help` prints."""
    command, context = program(), None
    for word in words:
        context = command.make_context(command.name, [], context, resilient_parsing=True)
        command = command.commands[word]
    return str(command.get_help(command.make_context(command.name, [], context, resilient_parsing=True)))


def test_every_command_says_in_its_help_what_it_does() -> None:
    for name, parts in commands().items():
        for words in [[name], *([name, part] for part in parts)]:
            assert re.search(r"\n +[A-Z][^\n]{15,}", help_of(*words)), words


def test_every_command_and_option_that_a_guide_shows_exists() -> None:
    """Whatever a person can paste is known to the program: the command, its verbs and each --option."""
    known = commands()
    helps = {name: help_of(name) for name in known}
    wrong = []
    for page in GUIDES:
        for line in (ROOT / page).read_text(encoding="utf-8").splitlines():
            for shown in re.findall(r"(?:^ {4}|`|&& |\| )(?:\.venv/bin/)?earful ([^`|&#]*)", line):
                words = shown.replace("[", "").replace("]", "").split()
                while words and words[0].startswith("--"):  # --settings FILE stands before the command
                    words = words[2:]
                if not words or words[0] == "COMMAND":
                    continue
                if words[0] not in known:
                    wrong.append(f"{page}: earful {shown}")
                    continue
                text = helps[words[0]]
                if known[words[0]] and len(words) > 1:
                    if words[1] not in known[words[0]]:
                        wrong.append(f"{page}: earful {shown}")
                    continue
                wrong += [
                    f"{page}: earful {shown}: {word}"
                    for word in words
                    if word.startswith("--") and word != "--help" and not re.search(rf"{re.escape(word)}\b", text)
                ]
    assert wrong == []


def test_every_make_target_that_a_guide_names_exists() -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(targets) == sorted(set(targets)), "make takes the last of two, with a warning to everybody"
    named = {
        (page, name)
        for page in GUIDES
        for name in re.findall(r"(?:`|^ {4}|&& )make ([a-z]+)", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert {name for _page, name in named} >= {"run", "test", "setup"}
    assert sorted(each for each in named if each[1] not in targets) == []


def test_every_link_between_the_pages_leads_somewhere() -> None:
    link = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")
    broken = [
        f"{page}: {target}"
        for page in PAGES
        for target in link.findall((ROOT / page).read_text(encoding="utf-8"))
        if not (ROOT / page).parent.joinpath(target).exists()
    ]
    assert broken == []


def test_every_file_that_a_page_names_is_there() -> None:
    """A page that names a file which has moved sends people astray."""
    named = re.compile(r"`((?:monitor|connectors|alerts|tests|docs|deploy|benchmarks)/[\w./-]+)`")
    missing = [
        f"{page}: {name}"
        for page in PAGES
        for name in named.findall((ROOT / page).read_text(encoding="utf-8"))
        if "example" not in name and not (ROOT / name).exists()
    ]
    assert missing == []


def test_a_newcomer_gets_from_init_to_backup_and_back(tmp_path: Path) -> None:
    """The README's way, with the sample day in place of the networks: every harmless command, one after another."""
    settings = tmp_path / "care" / "settings.toml"
    copy = tmp_path / "copy.sqlite"
    said = {}

    def earful(*words: str) -> None:
        ran = CliRunner().invoke(app, words, env={"EARFUL_SETTINGS": str(settings), "COLUMNS": "200"})
        assert ran.exit_code == 0, (words, ran.output[-2000:], ran.exception)
        assert ran.stdout.strip(), words
        said[words[0] if words[0] not in said else " ".join(words)] = ran.stdout

    earful("init", "--brand", "Trundlewick", "--output", str(settings), "--yes")
    text = settings.read_text(encoding="utf-8")
    replay = '[[sources]]\nname = "day"\nkind = "replay"\nday_in = "at_once"\n\n'
    settings.write_text(text[: text.index("[[sources]]")] + replay + text[text.index("[[channels]]") :], "utf-8")
    for words in (
        ["check"], ["try"], ["collect"], ["mentions", "--flagged", "--limit", "5"], ["cases"], ["case", "1"],
        ["case", "1", "take", "--as", "Ana"], ["case", "1", "undo", "--as", "Ana"], ["status"], ["digest"], ["report"],
        ["explain", "Trundlewick crashed again and nobody answers"], ["route", "1"], ["alert", "test"],
        ["alert", "resend"], ["service", "--user", "earful"], ["slack-manifest"], ["backup", str(copy)],
        ["restore", "--verify", str(copy)], ["restore", str(copy)], ["cases", "--json"],
    ):  # fmt: skip
        earful(*words)
    assert "1 brand, 1 source, 1 channel" in said["check"]
    assert re.search(r"day: \d{3} read", said["collect"])
    assert "case 1" in said["case"]
    assert "is fine" in said["restore"]
    assert copy.stat().st_mode & 0o777 == 0o600


def test_every_decision_stands_in_its_index_under_its_own_number() -> None:
    pages = sorted(path.name for path in (ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    numbers = [page[:3] for page in pages]
    assert sorted(set(numbers)) == numbers, "a number is given once; pages that are written side by side may leave gaps"
    listed = re.findall(r"\((\d{3}-[\w-]+\.md)\)", (ROOT / "docs" / "decisions" / "README.md").read_text("utf-8"))
    assert listed == pages
    for page in pages:
        text = (ROOT / "docs" / "decisions" / page).read_text("utf-8")
        assert text.startswith(f"# {page[:3]} "), page
        for heading in ("## Context", "## Decision", "## Why", "## What would change it"):
            assert heading in text, (page, heading)
