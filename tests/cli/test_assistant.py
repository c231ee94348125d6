"""Asking and translating at a terminal, and what `status` and `check` say of the model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.cli.assistant import translate_case
from monitor.settings.loading import load
from monitor.store import key_values
from monitor.store.database import stamp
from monitor.store.sqlite import Sqlite
from tests.cli.program import Ran, earful
from tests.fakes.language_model import FakeModel
from tests.fakes.server import FakeServer, Reply
from tests.helpers import NOW, assembly_of, post, settings_on, take

GERMAN = "Acme hat mir das falsche Paket geschickt und seit Wochen antwortet niemand, das ist furchtbar."
ENGLISH = "Acme sent me the wrong parcel and nobody has answered for weeks, this is terrible."
CLAIM = {"text": "Parcels are wrong and nobody answers.", "posts": [1], "quote": "das falsche Paket geschickt"}


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as running:
        yield running


def installed(folder: Path, database: Sqlite, model: FakeModel) -> Path:
    file = settings_on(folder, database)
    file.write_text(file.read_text("utf-8") + model.settings(), "utf-8")
    take(assembly_of(database, load(file, {})), post(GERMAN, author="olga", url="https://forum.example/n1"))
    return file


def words(ran: Ran) -> str:
    """What was printed, however wide the terminal is."""
    return " ".join(ran.stdout.split())


def test_a_question_is_answered_with_its_posts(server: FakeServer, sqlite: Sqlite, tmp_path: Path) -> None:
    file = installed(tmp_path, sqlite, FakeModel(server, {"enough": True, "claims": [CLAIM]}))
    said = earful(file, "ask", "What about the Paket?", "--days", "3650")
    assert said.returncode == 0, said.stderr
    assert "Parcels are wrong and nobody answers." in said.stdout
    assert "olga on forum: “das falsche Paket geschickt”" in words(said)
    assert "https://forum.example/n1" in said.stdout
    assert "Written by the assistant from 1 of 1 matching post." in said.stdout
    told = json.loads(earful(file, "ask", "What about the Paket?", "--days", "3650", "--json").stdout)
    assert (told["enough"], told["claims"][0]["posts"][0]["author"]) == (True, "olga")
    assert len(server.ledger) == 1, "the same question is asked once"
    nothing = earful(file, "ask", "What about bicycles?")
    assert "Not enough: no posts of the last 90 days mention bicycles" in nothing.stdout


def test_a_case_is_translated(server: FakeServer, sqlite: Sqlite, tmp_path: Path) -> None:
    file = installed(tmp_path, sqlite, FakeModel(server, {"pieces": [ENGLISH]}))
    said = words(earful(file, "case", "1", "translate"))
    assert said.index(GERMAN) < said.index("in English, by the assistant:") < said.index(ENGLISH)
    assert "in English" not in earful(file, "case", "1", "translate", "--to", "de").stdout
    wrong = earful(file, "case", "1", "translate", "--to", "German!")
    assert (wrong.returncode, "write the code of a language" in wrong.stderr) == (1, True)
    assert "there is no case 9" in earful(file, "case", "9", "translate").stderr
    assert len(server.ledger) == 1


def test_our_reply_is_translated_without_whom_it_speaks_to(server: FakeServer, sqlite: Sqlite, tmp_path: Path) -> None:
    model = FakeModel(server, {"pieces": [ENGLISH]})
    acme = assembly_of(sqlite, load(installed(tmp_path, sqlite, model), {}))
    (case_id,) = take(
        acme, post(GERMAN.replace("Wochen", "Monaten"), author="tq", author_name="Tilda Quartz", native_id="p7")
    )
    reply = "Hallo Tilda, das falsche Paket tut uns leid, bitte senden Sie uns heute Ihre Bestellnummer."
    own = {"source": "forum", "native_id": "o7", "brand": "Acme", "author": "acme", "url": "", "text": reply,
           "thread_id": "", "parent_id": "p7", "posted_at": stamp(NOW), "seen_at": stamp(NOW)}  # fmt: skip
    with sqlite.transaction():
        key_values.add_own_posts(sqlite, [own])
        key_values.settle_own_post(sqlite, "forum", "o7", case=case_id, kind="answer", reason="")
    translate_case(acme, case_id, "en", NOW)
    assert "heute Ihre Bestellnummer" in model.asked[-1].whole
    assert all("Tilda" not in asked.whole for asked in model.asked)


def test_a_dead_model_is_said(server: FakeServer, sqlite: Sqlite, tmp_path: Path) -> None:
    file = installed(tmp_path, sqlite, FakeModel(server))
    server.mode = "500"
    for called in (("case", "1", "translate"), ("ask", "Paket?", "--days", "3650")):
        said = earful(file, *called)
        assert said.returncode == 1
        assert "the assistant's server refused the question: it answered 500" in said.stderr
    status = words(earful(file, "status"))
    assert "assistant: scripted on this machine; 2 of 200 answers today, 2 of them failed" in status


def test_without_a_model_both_say_where_it_is_set_up(sqlite: Sqlite, tmp_path: Path) -> None:
    file = settings_on(tmp_path, sqlite)
    take(assembly_of(sqlite, load(file, {})), post(GERMAN))
    assert "see [assistant] in the settings" in earful(file, "ask", "Paket?").stderr
    assert "see [assistant] in the settings" in earful(file, "case", "1", "translate").stderr
    assert "assistant" not in earful(file, "status").stdout
    assert json.loads(earful(file, "status", "--json").stdout)["assistant"] is None


def test_status_and_check_name_another_machine(server: FakeServer, sqlite: Sqlite, tmp_path: Path) -> None:
    model = FakeModel(server)
    model.address = "https://models.example.org/v1"
    file = installed(tmp_path, sqlite, model)
    assert "! assistant: scripted on models.example.org: posts leave this machine" in words(earful(file, "status"))
    told = json.loads(earful(file, "status", "--json").stdout)["assistant"]
    assert (told["elsewhere"], told["answers_today"], told["daily_budget"]) == ("models.example.org", 0, 200)
    assert "runs on models.example.org, not on this machine" in words(earful(file, "check"))


@pytest.mark.parametrize(
    ("listed", "code", "words"),
    [
        (["scripted", "other"], 0, "works; scripted is there"),
        (["scripted:latest", "other"], 0, "works; scripted is there"),
        (["models/one.gguf"], 0, "works; its one model is models/one.gguf"),
        (["other", "another"], 1, "its server doesn't list the model scripted"),
        ([], 1, "its server doesn't list the model scripted"),
        (None, 1, "it refused the key (401)"),
        ("nonsense", 1, "not a list of models"),
    ],
)
def test_check_online_asks_for_the_models(
    server: FakeServer, sqlite: Sqlite, tmp_path: Path, listed: list[str] | str | None, code: int, words: str
) -> None:
    from monitor.assistant.standing import greet

    model = FakeModel(server)
    data = {"object": "list", "data": [{"id": each} for each in listed] if isinstance(listed, list) else listed}
    server.route("/v1/models", Reply(401, json={}) if listed is None else Reply(json=data))
    said, good = greet(load(installed(tmp_path, sqlite, model), {}))
    assert words in said
    assert good == (code == 0)


def test_check_online_shows_it_beside_the_sources(server: FakeServer, sqlite: Sqlite, tmp_path: Path) -> None:
    file = installed(tmp_path, sqlite, FakeModel(server))
    text = file.read_text("utf-8").replace("every = ", "enabled = false\nevery = ")  # no source is asked here
    file.write_text(text, "utf-8")
    server.route("/v1/models", Reply(json={"data": [{"id": "scripted"}]}))
    found = earful(file, "check", "--online")
    assert "ok assistant works; scripted is there" in words(found)
    server.mode = "500"
    gone = earful(file, "check", "--online")
    assert (gone.returncode, "no assistant it answered 500" in words(gone)) == (1, True)
