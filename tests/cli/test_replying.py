"""`earful case ID reply`: a person at a terminal types yes; without a terminal it only leaves a draft."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from monitor.store import cases, replies
from monitor.store.sqlite import Sqlite
from tests.cli.program import ROOT, Ran, earful
from tests.connectors.reply_contracts import CANARY
from tests.connectors.reply_mastodon import Server
from tests.fakes.language_model import FakeModel
from tests.fakes.server import FakeServer
from tests.helpers import assembly_of, take
from tests.replying.world import TEXT, complaint, settings

WITHIN = 60  # seconds


@dataclass
class Desk:
    """An installation on a file, one case in it, and its network."""

    file: Path
    database: Sqlite
    network: Server
    case_id: str

    def at_terminal(self, typed: str, *words: str) -> tuple[int, str]:
        """Run the command on a terminal of its own, with what a person types there; its code, and all it shows."""
        theirs, its = pty.openpty()
        called = [sys.executable, "-c", "from monitor.cli import main; main()", "--settings", str(self.file)]
        environ = {**os.environ, "REPLY_TOKEN": CANARY, "COLUMNS": "100"}
        program = subprocess.Popen(
            [*called, "case", self.case_id, "reply", *words],
            cwd=ROOT, env=environ, stdin=its, stdout=its, stderr=its, close_fds=True, start_new_session=True,
        )  # fmt: skip
        os.close(its)
        os.write(theirs, typed.encode())
        shown = bytearray()
        while True:
            try:
                piece = os.read(theirs, 4096)
            except OSError:  # the terminal has no other end any more
                break
            if not piece:
                break
            shown += piece
        code = program.wait(WITHIN)
        os.close(theirs)
        return code, shown.decode("utf-8", "replace")

    def without(self, *words: str) -> Ran:
        return earful(self.file, "case", self.case_id, "reply", *words, REPLY_TOKEN=CANARY)

    def rows(self) -> list[replies.ReplyRow]:
        return replies.of_case(self.database, self.case_id)


@pytest.fixture
def desk(tmp_path: Path, sqlite: Sqlite) -> Iterator[Desk]:
    with FakeServer() as server:
        network = Server(server)
        made = settings(tmp_path, server)
        text = made.file.read_text("utf-8").replace("sqlite:unused.sqlite", f"sqlite:{sqlite.path.name}")
        text = text.replace('kind = "hackernews"', f'kind = "hackernews"\napi_url = "{server.url}/hn"')
        made.file.write_text(text, "utf-8")
        (case_id,) = take(assembly_of(sqlite, made), complaint())
        yield Desk(made.file, sqlite, network, case_id)


def test_yes_at_a_terminal_posts_what_was_typed(desk: Desk) -> None:
    code, shown = desk.at_terminal("We have sent a new kettle.\n.\nyes\n", "--as", "Ana")
    assert code == 0, shown
    assert "Post publicly as @acme@127.0.0.1 on Mastodon? Type yes to post:" in shown
    assert complaint().url in shown, "the post that it answers"
    assert complaint().text[:30] in shown, "the conversation"
    assert desk.network.writes() == 1
    (row,) = desk.rows()
    assert (row.state, row.text) == ("sent", "@ada@far.example We have sent a new kettle.")
    case = cases.one(desk.database, desk.case_id)
    assert case is not None
    assert case.answered_by == "Ana"


def test_anything_but_yes_leaves_a_draft(desk: Desk) -> None:
    code, shown = desk.at_terminal("y\n", "--as", "Ana", "--text", TEXT)
    assert code == 0, shown
    assert "kept as a draft" in shown
    assert desk.network.writes() == 0
    assert [row.state for row in desk.rows()] == ["draft"]


def test_without_a_terminal_it_only_leaves_a_draft(desk: Desk) -> None:
    said = desk.without("--as", "Ana", "--text", TEXT)
    assert (said.returncode, desk.network.writes()) == (0, 0), said.stderr
    assert "nothing was posted" in said.stdout
    assert [(row.state, row.way) for row in desk.rows()] == [("draft", "command line")]


def test_a_draft_is_printed_and_kept_and_nothing_is_posted(desk: Desk) -> None:
    asks = "I'm sorry you were charged for the wrong box. Which box is yours?"
    with FakeServer() as server:
        model = FakeModel(server, {"kind": "question", "text": asks})
        desk.file.write_text(desk.file.read_text("utf-8") + model.settings(), "utf-8")
        said = earful(desk.file, "case", desk.case_id, "draft", "--as", "Ana", REPLY_TOKEN=CANARY)
        assert said.returncode == 0, said.stderr
        assert asks in said.stdout.replace("\n", " ")
        assert "no next step is known, so it asks" in said.stdout
        assert "nothing was posted" in said.stdout
        (row,) = desk.rows()
        assert (row.state, row.text, row.is_unchanged) == ("draft", f"@ada@far.example {asks}", True)
        assert desk.network.writes() == 0
        model.says = {"kind": "question", "text": asks.replace("yours", "right")}
        assert earful(desk.file, "case", desk.case_id, "draft", "--as", "Ana", REPLY_TOKEN=CANARY).returncode == 0
        assert "right" in desk.rows()[-1].text, "another one, and not the same again"
        nobody = earful(desk.file, "case", desk.case_id, "draft", REPLY_TOKEN=CANARY)
        assert (nobody.returncode != 0, "--as NAME" in nobody.stderr) == (True, True)


def test_without_an_assistant_there_is_no_draft_and_it_says_so(desk: Desk) -> None:
    said = earful(desk.file, "case", desk.case_id, "draft", "--as", "Ana", REPLY_TOKEN=CANARY)
    assert said.returncode != 0
    assert "no assistant is set up" in said.stderr.replace("\n", " ")
    assert desk.rows() == []


def test_there_is_no_option_that_says_yes(desk: Desk) -> None:
    said = earful(desk.file, "case", desk.case_id, "reply", "--as", "Ana", "--yes", REPLY_TOKEN=CANARY)
    assert said.returncode != 0
    assert desk.rows() == []


def test_check_online_says_who_would_post_and_posts_nothing(desk: Desk) -> None:
    said = earful(desk.file, "check", "--online", REPLY_TOKEN=CANARY)
    assert "social, replies" in said.stdout
    assert "replies are posted as @acme@127.0.0.1, when a person presses" in " ".join(said.stdout.split())
    assert desk.network.writes() == 0


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        ((), "name who replies"),
        (("--as", "Nobody"), "--as"),
        (("--as", "Vik"), "--as"),
    ],
)
def test_it_wants_a_person_who_may(desk: Desk, words: tuple[str, ...], wrong: str) -> None:
    said = earful(desk.file, "case", desk.case_id, "reply", "--text", TEXT, *words, REPLY_TOKEN=CANARY)
    assert said.returncode != 0
    assert wrong in said.stderr
    assert desk.rows() == []
