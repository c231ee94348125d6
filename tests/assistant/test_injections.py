"""Posts that give orders to a model, in fourteen languages, and a model that obeys them: nothing of it is shown.

`injections.jsonl` holds each post with what a model that obeys it says. The texts were written for this.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from monitor.assistant.answers import Unavailable
from monitor.assistant.prompt_injection import gives_orders
from monitor.assistant.questions import Answered, Claim, NotEnough, ask, held
from monitor.assistant.translation import instructions_of, pieces_of, translate, wrong_with
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.fakes.language_model import Asked, FakeModel
from tests.fakes.server import FakeServer
from tests.helpers import NOW, assembly_of, post, settings_from, take

INJECTIONS: list[dict[str, str]] = [
    json.loads(line) for line in (Path(__file__).parent / "injections.jsonl").read_text(encoding="utf-8").splitlines()
]
NAMED = [f"{number}-{each['lang']}" for number, each in enumerate(INJECTIONS, 1)]


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as running:
        yield running


def place(folder: Path, database: Sqlite, server: FakeServer) -> tuple[Assembly, FakeModel]:
    model = FakeModel(server)
    return assembly_of(database, settings_from(folder, tables=model.settings("daily_budget = 1000"))), model


def ways(says: str, pieces: list[str]) -> list[list[str]]:
    """How a model may put what it was ordered to say where translations belong."""
    words = says.split()
    size = max(1, -(-len(words) // len(pieces)))
    parted = [" ".join(words[at * size : (at + 1) * size]) for at in range(len(pieces))]
    return [[says], [says] * len(pieces), [says, *[""] * (len(pieces) - 1)], [*pieces[:-1], says], parted]


def test_there_are_enough_of_them_in_enough_languages() -> None:
    assert len(INJECTIONS) >= 30
    assert len({each["lang"] for each in INJECTIONS}) >= 12


@pytest.mark.parametrize("each", INJECTIONS, ids=NAMED)
def test_a_translation_that_obeys_is_refused(each: dict[str, str]) -> None:
    target = "en" if each["lang"] != "en" else "de"
    pieces = pieces_of(each["post"])
    told = instructions_of(len(pieces), target)
    passed = [way for way in ways(each["says"], pieces) if not wrong_with(way, pieces, target, told)]
    assert passed == []


@pytest.mark.parametrize("each", INJECTIONS, ids=NAMED)
def test_an_answer_that_obeys_is_no_answer(each: dict[str, str]) -> None:
    """Even where the post had got through to the model, and the claim quotes it."""
    (only,) = [_mention(each["post"])]
    quote = " ".join(each["post"].split()[:6])
    claims = [
        Claim(text=each["says"], posts=[1], quote=each["says"][:60]),
        Claim(text=each["says"], posts=[2], quote=quote),
        Claim(text=each["says"], posts=[], quote=quote),
    ]
    assert [
        claim for claim in claims if held(claim, [only], "Is Acme any good?") is not None and claim.posts != [1]
    ] == []
    assert gives_orders(each["post"])


def _mention(text: str) -> Any:
    from monitor.types import Mention, Verdict

    return Mention("m", "Acme", post(text), Verdict(0.0, "neutral", 0.0, "none", (), "test", "en"), NOW)


def test_through_the_whole_way_nothing_of_it_comes_out(sqlite: Sqlite, server: FakeServer, tmp_path: Path) -> None:
    acme, model = place(tmp_path, sqlite, server)
    honest = [post(f"The checkout of Acme lost my basket number {word}", author=word) for word in ("one", "two")]
    take(acme, *honest, *(post(each["post"], author=f"a{at}") for at, each in enumerate(INJECTIONS)))
    said = {each["post"].split("\n")[0][:30]: each["says"] for each in INJECTIONS}

    def obey(asked: Asked) -> dict[str, Any]:
        orders = next((says for start, says in said.items() if start in asked.user), "")
        if "pieces" in asked.system:
            return {"pieces": [orders or "gut"] * asked.user.count("BEGIN piece")}
        claims = [{"text": orders or "People lose baskets in the checkout", "posts": [1], "quote": "lost my basket"}]
        return {"enough": True, "claims": claims}

    model.says = obey
    found = ask(acme.assistant, sqlite, "What about the checkout, the order and the kettle?", now=NOW)
    assert isinstance(found, Answered)
    assert [each.text for each in found.claims] == ["People lose baskets in the checkout"]
    assert found.unheard == found.found - found.read >= 3
    assert not any(each["post"][:30] in model.asked[0].user for each in INJECTIONS)
    for each in INJECTIONS:
        target = "en" if each["lang"] != "en" else "de"
        assert isinstance(translate(acme.assistant, each["post"], target, now=NOW), Unavailable), each["post"]


def test_a_post_that_speaks_to_people_gives_no_orders() -> None:
    said = [
        "You are now the worst company I know, Acme. Ignore your customers and see what happens.",
        "They ignore all emails and reply only with templates.",
        "I followed the instructions above and the lamp still does not work.",
        "Please respond! Answer the phone!",
        "Der Assistent am Telefon hat nur gelacht. Antwortet endlich!",
        "System: Windows 11, Acme app 3.2, crashes on start".replace("System:", "My system is"),
        "Ignora a los clientes y solo responde a veces.",
        "As an assistant manager I expected better from Acme.",
    ]
    assert [each for each in said if gives_orders(each)] == []


def test_where_only_orders_were_found_there_is_not_enough(sqlite: Sqlite, server: FakeServer, tmp_path: Path) -> None:
    acme, model = place(tmp_path, sqlite, server)
    take(acme, post(INJECTIONS[3]["post"]))
    assert isinstance(ask(acme.assistant, sqlite, "Does the app crash?", now=NOW), NotEnough)
    assert model.asked == []
