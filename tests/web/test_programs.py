"""What docs/programs.md has people copy to send posts, run as printed; and mentions sent to another installation."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest
from typer.testing import CliRunner

from monitor.cli import app
from monitor.store.sqlite import Sqlite
from monitor.web.server import WebServer
from monitor.wiring import open_store
from tests.helpers import HOUR, NOW, assembly_of, post, settings_from, settings_on, take
from tests.house.reading import ROOT

SECRET = "a-secret-that-both-sides-share"
DOOR = """
[[sources]]
name = "reviews"
kind = "inbound"
secret = { env = "REVIEWS_SECRET" }
about = "Acme"
"""
PRINTED = re.findall(
    r"<!-- door: run by tests/web/test_programs.py -->\n```(sh|python)\n(.*?)```",
    (ROOT / "docs/programs.md").read_text("utf-8"),
    re.DOTALL,
)


class Installation:
    """One with a door, by the real clock: what is printed signs with the real time."""

    def __init__(self, folder: Path) -> None:
        (folder / "there").mkdir()
        environ = {"REVIEWS_SECRET": SECRET}
        settings = settings_from(folder / "there", sources=DOOR, earful='page_listen = "127.0.0.1:0"', environ=environ)
        self.database = open_store(settings, NOW)
        self.assembly = assembly_of(self.database, settings)
        self.server = WebServer(lambda: self.assembly, lambda: datetime.now(UTC))
        assert self.server.start()

    def posts(self) -> list[tuple[object, ...]]:
        found = self.assembly.collector.visit("reviews", "posts", lambda: datetime.now(UTC))
        assert found is not None
        assert (found.error, found.aside) == ("", 0)
        rows = self.database.rows(
            "SELECT author, text, rating, posted_at, reply_text, replied_at, url FROM posts ORDER BY posted_at, author"
        )
        return [tuple(dict(row).values()) for row in rows]

    def close(self) -> None:
        self.server.stop()
        self.database.close()


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path)
    yield made
    made.close()


def test_both_examples_are_found() -> None:
    assert [language for language, _ in PRINTED] == ["sh", "python"]


@pytest.mark.parametrize(("language", "text"), PRINTED, ids=[language for language, _ in PRINTED])
def test_an_example_as_printed_brings_its_post(there: Installation, language: str, text: str) -> None:
    needed = ("bash", "curl", "openssl", "cut", "date") if language == "sh" else ()
    missing = [name for name in needed if shutil.which(name) is None]
    if missing:
        pytest.skip(f"NOT TESTED: the example for {language} in docs/programs.md, for there is no {missing[0]} here")
    command = ["bash", "-euc", text] if language == "sh" else [sys.executable, "-c", text]
    environ = {**os.environ, "EARFUL": there.server.address, "REVIEWS_SECRET": SECRET, "no_proxy": "*"}
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert json.loads(ran.stdout.replace("'", '"').replace("True", "true").replace("False", "false")) == {
        "accepted": True, "repeated": False,
    }  # fmt: skip
    (row,) = there.posts()
    assert (
        row[:3]
        == {"sh": ("Nadia", "Two weeks and no parcel.", 1.0), "python": ("Olga", "All well, thank you.", 5.0)}[language]
    )


def test_mentions_of_one_installation_come_to_another_as_they_are(
    there: Installation, tmp_path: Path, sqlite: Sqlite
) -> None:
    settings = settings_from(tmp_path)
    acme = assembly_of(sqlite, settings)
    take(
        acme,
        post("Acme never answers", author="olga", native_id="7", ago=HOUR),
        post("Acme's kettle leaks \u2603", author="mira", source="chirp", native_id="7", rating=2.0),
        post("Acme sent the wrong box", author="kim", reply_text="Sorry, it is on its way", replied_at=NOW),
    )
    printed = CliRunner().invoke(app, ["--settings", str(settings_on(tmp_path, sqlite)), "mentions", "--json"])
    assert printed.exit_code == 0
    body = printed.stdout.encode()
    stamp = str(int(datetime.now(UTC).timestamp()))
    proof = hmac.new(SECRET.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/x-ndjson", "Earful-Signature": f"t={stamp},v1={proof}"}
    answer = httpx2.post(f"{there.server.address}/in/reviews", content=body, headers=headers, verify=False, timeout=20)
    assert answer.status_code == 202
    rows = sqlite.rows(
        "SELECT author, text, rating, posted_at, reply_text, replied_at, url FROM posts ORDER BY posted_at, author"
    )
    assert there.posts() == [tuple(dict(row).values()) for row in rows]
    assert len(rows) == 3
