"""Asking the model: once for the same question, within a budget, in the right shape or not at all."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, Field

from monitor.assistant.answers import AT_ONCE, LONGEST, Answer, Assistant, Data, Unavailable
from monitor.assistant.blocks import Block
from monitor.assistant.redaction import People, people_of
from monitor.privacy.retention import retain
from monitor.store import assistant as store
from monitor.store import forgetting, web
from monitor.store.database import Database
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from tests.fakes.language_model import FakeModel, completion
from tests.fakes.server import FakeServer, Reply, Seen
from tests.helpers import DAY, HOUR, NOW, assembly_of, count, post, settings_from, take


class Said(BaseModel, extra="forbid"):
    text: str = Field(max_length=2_000_000)
    numbers: list[int] = []


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as running:
        yield running


def assistant_of(database: Database, folder: Path, model: FakeModel, more: str = "", **given: Any) -> Assistant:
    return Assistant(database, settings_from(folder, tables=model.settings(more), **given))


def ask(assistant: Assistant, text: str = "Where is my parcel?", **more: Any) -> Answer[Said] | Unavailable:
    data = Data((Block("post", text),), **{key: more.pop(key) for key in ("people", "posts", "cases") if key in more})
    return assistant.ask("test", "Say it in other words.", data, Said, **{"now": NOW, **more})


def why(found: Answer[Said] | Unavailable) -> str:
    assert isinstance(found, Unavailable), found
    assert found.words
    assert found.words[-1] != "."
    return found.why


def value(found: Answer[Said] | Unavailable) -> Said:
    assert isinstance(found, Answer), found
    return found.value


def test_without_an_address_nothing_is_asked(sqlite: Sqlite, tmp_path: Path) -> None:
    assistant = Assistant(sqlite, settings_from(tmp_path))
    assert not assistant.is_on
    assert why(ask(assistant)) == "off"
    assert count(sqlite, "assistant_days") == 0


def test_an_answer_of_the_right_shape_comes_back(server: FakeServer, database: Database, tmp_path: Path) -> None:
    model = FakeModel(server, {"text": "It has not come.", "numbers": [1, 2]})
    found = ask(assistant_of(database, tmp_path, model))
    assert value(found) == Said(text="It has not come.", numbers=[1, 2])
    (asked,) = model.asked
    assert asked.block("post") == "Where is my parcel?"
    assert "Say it in other words." in asked.system
    assert asked.body["model"] == "scripted"
    assert asked.body["max_tokens"] > 0
    assert asked.body["response_format"]["json_schema"]["schema"]["additionalProperties"] is False
    assert "maxLength" not in json.dumps(asked.body["response_format"])
    assert "authorization" not in asked.headers
    assert store.day(database, "2026-03-04") == store.Day(answers=1, tokens=100)


def test_the_key_goes_along_and_is_never_told(
    server: FakeServer, sqlite: Sqlite, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = FakeModel(server, Reply(401, json={"error": "no"}))
    assistant = assistant_of(
        sqlite, tmp_path, model, 'key = { env = "MODEL_KEY" }', environ={"MODEL_KEY": "canary-0123456789"}
    )
    with caplog.at_level(logging.DEBUG):
        found = ask(assistant, "A secret complaint.")
    assert why(found) == "refused"
    assert isinstance(found, Unavailable)
    assert "check key" in found.words
    assert model.asked[0].headers["authorization"] == "Bearer canary-0123456789"
    assert "canary" not in caplog.text + found.words
    assert "secret complaint" not in caplog.text


def test_the_same_question_is_asked_once(server: FakeServer, database: Database, tmp_path: Path) -> None:
    model = FakeModel(server, {"text": "It has not come."})
    assistant = assistant_of(database, tmp_path, model)
    first, second = ask(assistant), ask(assistant, now=NOW + HOUR)
    assert value(first) == value(second)
    assert isinstance(second, Answer)
    assert second.kept
    assert len(model.asked) == 1
    ask(assistant, "Another question")
    ask(assistant, again=1)
    assert len(model.asked) == 3
    assert model.asked[2].body["temperature"] > model.asked[0].body["temperature"]


def test_a_day_has_a_budget_that_outlives_the_process(server: FakeServer, database: Database, tmp_path: Path) -> None:
    model = FakeModel(server, {"text": "yes"})
    for number in range(2):
        value(ask(assistant_of(database, tmp_path, model, "daily_budget = 2"), f"question {number}"))
    assistant = assistant_of(database, tmp_path, model, "daily_budget = 2")
    assert why(ask(assistant, "question 2")) == "budget"
    assert value(ask(assistant, "question 1"))  # it was asked before: it costs nothing
    assert len(model.asked) == 2
    assert value(ask(assistant, "question 2", now=NOW + DAY))


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("hang", "slow"), ("drip", "slow"), ("drip-headers", "slow"), ("drop", "unreachable"), ("404", "refused"),
        ("429", "refused"), ("500", "refused"), ("301", "refused"), ("html", "unusable"), ("empty", "unusable"),
        ("truncated", "unusable"), ("cut", "unusable"),
    ],
)  # fmt: skip
def test_whatever_the_server_does_is_said_in_words(
    server: FakeServer, sqlite: Sqlite, tmp_path: Path, mode: str, expected: str
) -> None:
    model = FakeModel(server, {"text": "yes"})
    assistant = assistant_of(sqlite, tmp_path, model, 'deadline = "1s"')
    server.mode = mode
    found = ask(assistant)
    assert why(found) == expected
    assert isinstance(found, Unavailable)
    assert server.host not in found.words
    assert store.day(sqlite, "2026-03-04").failures == 1
    assert count(sqlite, "assistant_answers") == 0
    server.mode = "ok"
    assert value(ask(assistant)).text == "yes"


def test_a_server_that_is_not_there_costs_nothing_of_the_budget(sqlite: Sqlite, tmp_path: Path) -> None:
    with FakeServer() as gone:
        model = FakeModel(gone)
    assistant = assistant_of(sqlite, tmp_path, model, "daily_budget = 1")
    assert why(ask(assistant)) == "unreachable"
    assert why(ask(assistant)) == "unreachable"
    assert store.day(sqlite, "2026-03-04") == store.Day(answers=0, failures=2)


@pytest.mark.parametrize(
    "said",
    [
        "I'd rather chat.", '{"text": 5}', '{"text": "x", "more": 1}', '["text"]', "{}", '{"text": "Hi [PERSON_7]"}',
        '{"text": "x"} {"text": "y"}', '{"text": "x"', '{"text": null}',
    ],
)  # fmt: skip
def test_an_answer_of_another_shape_is_none(server: FakeServer, sqlite: Sqlite, tmp_path: Path, said: str) -> None:
    assert why(ask(assistant_of(sqlite, tmp_path, FakeModel(server, said)))) == "unusable"
    assert count(sqlite, "assistant_answers") == 0
    assert store.day(sqlite, "2026-03-04").failures == 1


@pytest.mark.parametrize(
    "said", ['```json\n{"text": "x"}\n```', '<think>They want {"text": "y"}</think>\n{"text": "x"}', ' {"text": "x"}\n']
)
def test_thoughts_and_a_fence_around_an_answer_are_taken_away(
    server: FakeServer, sqlite: Sqlite, tmp_path: Path, said: str
) -> None:
    assert value(ask(assistant_of(sqlite, tmp_path, FakeModel(server, said)))).text == "x"


def test_an_answer_that_was_cut_off_or_is_huge_is_none(server: FakeServer, sqlite: Sqlite, tmp_path: Path) -> None:
    model = FakeModel(server, Reply(json=completion({"text": "x"}, finish="length")))
    assistant = assistant_of(sqlite, tmp_path, model)
    assert why(ask(assistant)) == "unusable"
    model.says = {"text": "x" * 1_100_000}
    assert why(ask(assistant)) == "unusable"


def test_a_server_that_takes_no_schema_is_asked_once_more_without(
    server: FakeServer, sqlite: Sqlite, tmp_path: Path
) -> None:
    model = FakeModel(server, {"text": "yes"}, schemas=False)
    assert value(ask(assistant_of(sqlite, tmp_path, model))).text == "yes"
    first, second = model.asked
    assert "response_format" in first.body
    assert "response_format" not in second.body
    assert '"additionalProperties": false' in second.system
    assert store.day(sqlite, "2026-03-04").answers == 1


def test_a_server_that_refuses_a_long_text_is_understood(server: FakeServer, sqlite: Sqlite, tmp_path: Path) -> None:
    model = FakeModel(server, Reply(400, json={"error": "the request exceeds the available context size"}))
    found = ask(assistant_of(sqlite, tmp_path, model))
    assert why(found) == "refused"
    assert isinstance(found, Unavailable)
    assert "longer than the model can read" in found.words
    assert len(model.asked) == 2


def test_too_long_a_question_is_not_asked(server: FakeServer, sqlite: Sqlite, tmp_path: Path) -> None:
    model = FakeModel(server, {"text": "yes"})
    assert why(ask(assistant_of(sqlite, tmp_path, model), "long " * LONGEST)) == "long"
    assert model.asked == []


def test_people_are_taken_out_and_put_back_and_no_name_is_kept(
    server: FakeServer, database: Database, tmp_path: Path
) -> None:
    model = FakeModel(server, lambda asked: {"text": f"about: {asked.block('post')}"})
    assistant = assistant_of(database, tmp_path, model)
    text = "Olga Berg here, order 4711-22, write to olga@example.org. <b>Now</b>"
    people = People(("olga_b", "Olga Berg"))
    assert value(ask(assistant, text, people=people)).text == f"about: {text}"
    assert not any(known in model.asked[0].whole for known in ("Olga", "Berg", "4711", "example.org", "<b>"))
    row = database.row("SELECT body FROM assistant_answers")
    assert row is not None
    assert "Olga" not in row["body"]
    kept = ask(assistant, text, people=people)
    assert value(kept).text == f"about: {text}"
    assert len(model.asked) == 1


class Holding(FakeServer):
    """Takes every request, and answers when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.arrived, self.go_on = threading.Semaphore(0), threading.Event()

    def reply_to(self, seen: Seen) -> Reply:
        self.arrived.release()
        self.go_on.wait(20)
        return super().reply_to(seen)


def test_only_so_many_are_asked_at_once(sqlite: Sqlite, tmp_path: Path) -> None:
    found: list[Answer[Said] | Unavailable] = []
    server = Holding()
    with server:
        assistant = assistant_of(sqlite, tmp_path, FakeModel(server, {"text": "yes"}))
        threads = [
            threading.Thread(target=lambda n=n: found.append(ask(assistant, f"question {n}"))) for n in range(AT_ONCE)
        ]
        for each in threads:
            each.start()
        for _ in threads:
            assert server.arrived.acquire(timeout=20)
        assert why(ask(assistant, "one too many")) == "busy"
        server.go_on.set()
        for each in threads:
            each.join(20)
        assert [value(each).text for each in found] == ["yes"] * AT_ONCE
        assert value(ask(assistant, "one too many")).text == "yes"


def test_an_answer_is_forgotten_with_its_posts_and_its_case(
    server: FakeServer, database: Sqlite | Postgresql, tmp_path: Path
) -> None:
    settings = settings_from(tmp_path, tables=FakeModel(server, {"text": "yes"}).settings())
    acme = assembly_of(database, settings)
    (first,) = take(acme, post(author="olga"))
    (second,) = take(acme, post("Acme is awful, my order never came", author="ben"))
    rows = {row["author"]: row["id"] for row in database.rows("SELECT id, author FROM posts")}
    assert value(ask(acme.assistant, "one", posts=(rows["olga"],)))
    assert value(ask(acme.assistant, "two", posts=(rows["ben"],), cases=(second,)))
    assert value(ask(acme.assistant, "three", cases=(second,)))
    assert count(database, "assistant_about") == 4
    with database.transaction():
        forgetting.forget(database, [rows["olga"]], (), NOW, "purged_at")
    assert count(database, "assistant_answers") == 2
    with database.transaction():
        forgetting.forget(database, (), [second], NOW, "purged_at")
    assert count(database, "assistant_answers") == 0
    assert count(database, "assistant_about") == 0
    assert first != second


def test_what_is_forgotten_while_it_is_asked_about_is_not_kept(
    server: FakeServer, sqlite: Sqlite, tmp_path: Path
) -> None:
    theirs: list[str] = []

    def says(_asked: object) -> dict[str, str]:
        with sqlite.transaction():  # somebody's erasure, while the model writes
            forgetting.forget(sqlite, theirs, (), NOW, "purged_at")
        return {"text": "Her parcel is late."}

    acme = assembly_of(sqlite, settings_from(tmp_path, tables=FakeModel(server, says).settings()))
    take(acme, post(author="olga"))
    theirs += [row["id"] for row in sqlite.rows("SELECT id FROM posts")]
    assert value(ask(acme.assistant, "one", posts=theirs)).text == "Her parcel is late."
    assert count(sqlite, "assistant_answers") == count(sqlite, "assistant_about") == 0


def test_an_answer_is_somebodys_if_it_speaks_of_nobody_else(database: Database) -> None:
    for mark, posts, cases in (("one", ["a"], ["1"]), ("two", ["a", "b"], []), ("three", [], ["1"])):
        store.expect(database, mark, "test", posts, cases, NOW)
        store.keep(database, mark, "{}", NOW)
    assert sorted(store.of_nobody_else(database, ["a"], ["1"])) == ["one", "three"]
    assert store.of_nobody_else(database, [], ["1"]) == ["three"]
    assert sorted(store.of_nobody_else(database, ["a", "b"], [])) == ["two"]


def test_an_answer_is_kept_for_thirty_days(server: FakeServer, sqlite: Sqlite, tmp_path: Path) -> None:
    settings = settings_from(tmp_path, tables=FakeModel(server, {"text": "yes"}).settings())
    value(ask(Assistant(sqlite, settings)))
    retain(sqlite, settings, NOW + store.KEPT)
    assert count(sqlite, "assistant_answers") == 1
    retain(sqlite, settings, NOW + store.KEPT + HOUR)
    assert count(sqlite, "assistant_answers") == 0


def test_whoever_is_known_to_the_page_is_known(sqlite: Sqlite, tmp_path: Path) -> None:
    with sqlite.transaction():
        web.add_user(sqlite, "Marlene", "staff", NOW)
        web.add_user(sqlite, "Vic", "viewer", NOW)
    assistant = Assistant(sqlite, settings_from(tmp_path, tables='[[people]]\nname = "Ana Ruiz"\n'))
    assert {"Marlene", "Vic", "Ana Ruiz", "olga", "Tom"} <= set(
        assistant.people_of([post(author="olga")], ["Tom"]).names
    )


def test_our_people_and_the_authors_are_known_and_the_brands_accounts_stay(tmp_path: Path) -> None:
    settings = settings_from(tmp_path, tables='[[people]]\nname = "Ana Ruiz"\nemail = "ana@acme.example"\n')
    posts = [post(author="olga", author_name="Olga Berg", parent_author="@acme_care"), post(author="u/ben")]
    people = people_of(settings, posts, ["Lea"])
    assert set(people.names) == {"Ana Ruiz", "ana@acme.example", "olga", "Olga Berg", "u/ben", "Lea"}
    assert {"acme_care", "acme"} <= people.kept
