"""Drafting a reply: what the model is given, what becomes of what it says, and what is known of a case."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from connectors import Post
from monitor.assistant import draft, facts
from monitor.assistant.draft import NOTHING_KNOWN, Draft, NoDraft, draft_of
from monitor.cases.actions import say
from monitor.replying.context import parent_of
from monitor.store import cases, causes, incidents, key_values, mentions, problems, web
from monitor.store.database import stamp
from monitor.store.sqlite import Sqlite
from tests.connectors.reply_contracts import CANARY
from tests.connectors.reply_mastodon import Server
from tests.fakes.language_model import FakeModel
from tests.fakes.server import FakeServer, Reply
from tests.helpers import DAY, HOUR, MINUTE, NOW, assembly_of, post, settings_from, take
from tests.replying.world import PEOPLE, SOURCE, complaint

POST = "@acme my kettle arrived broken and nobody answers me. Terrible, I want it replaced. #acme"
SAVED = [
    {
        "name": "Broken kettle",
        "text": "{name}, a kettle that arrives broken is replaced: choose Replace in your orders.",
    }
]
STEP = "I'm sorry the kettle came broken. Choose Replace in your orders, and it is replaced."
ASKS = "I'm sorry your kettle came broken. Is it the glass or the base?"


@dataclass
class Desk:
    """One case of somebody whose kettle is broken, and a model that says what a test has scripted."""

    assembly: Any
    model: FakeModel
    network: Server
    case_id: str

    def case(self) -> cases.Case:
        found = cases.one(self.assembly.database, self.case_id)
        assert found is not None
        return found

    def draft(self, says: Any, **more: Any) -> Draft | NoDraft:
        self.model.says = {"kind": "step", "text": says} if isinstance(says, str) else says
        return draft_of(self.assembly.assistant, self.assembly.replying, self.case(), name="Ana", now=NOW, **more)

    def save(self, replies: list[dict[str, str]]) -> None:
        with self.assembly.database.transaction():
            web.add_desk_change(self.assembly.database, "saved_replies", json.dumps(replies), "", "Lea", NOW)


@pytest.fixture
def desk(tmp_path: Path, sqlite: Sqlite) -> Iterator[Desk]:
    with FakeServer() as server, FakeServer() as other:
        network, model = Server(server), FakeModel(other)
        tables = PEOPLE + model.settings()
        sources = SOURCE.format(url=server.url, more="")
        assembly = assembly_of(
            sqlite, settings_from(tmp_path, sources=sources, tables=tables, environ={"REPLY_TOKEN": CANARY})
        )
        (case_id,) = take(assembly, told(POST))
        yield Desk(assembly, model, network, case_id)


def told(text: str, **more: Any) -> Post:
    return replace(complaint(), text=text, **more)


def text_of(found: Draft | NoDraft) -> str:
    assert isinstance(found, Draft), found
    return found.text


def why(found: Draft | NoDraft) -> str:
    assert isinstance(found, NoDraft), found
    assert found.words[-1] != "."
    return found.words


def test_a_question_where_nothing_is_known_begins_as_the_network_needs_it(desk: Desk) -> None:
    found = desk.draft(ASKS)
    assert text_of(found) == f"@ada@far.example {ASKS}"
    assert isinstance(found, Draft)
    assert found.origin == "drafted by the assistant; no next step is known, so it asks"
    (asked,) = desk.model.asked
    assert "No repair is known" in asked.block("facts")
    assert "kettle arrived broken" in asked.block("post")
    assert "ada" not in asked.whole
    assert "Ana" not in asked.whole
    assert "ask exactly one question" in asked.system


def test_a_step_comes_from_a_saved_reply_about_the_same_matter(desk: Desk) -> None:
    wrong = told("@acme you charged me twice. Terrible, it's the wrong charge!")
    assert not [fact for fact in facts.of_case(desk.assembly.database, desk.case(), wrong, name="Ana", now=NOW)
                if fact.step], "replies that ship are examples"  # fmt: skip
    assert "no next step is known" in why(desk.draft(STEP))
    desk.save(SAVED)
    found = desk.draft(STEP)
    assert text_of(found) == f"@ada@far.example {STEP}"
    assert isinstance(found, Draft)
    assert found.origin == "drafted by the assistant from the saved reply “Broken kettle”"
    desk.save([{"name": "Wrong charge", "text": "{name}, we refund it today."}])
    assert not [fact for fact in facts.of_case(desk.assembly.database, desk.case(), told(POST), name="Ana", now=NOW)
                if fact.step]  # fmt: skip


def test_what_is_refused_is_asked_for_once_more_with_what_was_wrong_in_our_words(desk: Desk) -> None:
    said = iter([f"{ASKS} We will send you 50 euros.", ASKS])
    assert text_of(desk.draft(lambda _: {"kind": "question", "text": next(said)})).endswith(ASKS)
    first, second = desk.model.asked
    assert "was refused" not in first.system
    assert "it makes a promise your team hasn't made" in second.system
    assert "50 euros" not in second.whole


def test_what_is_refused_twice_is_not_shown_and_a_person_is_told_why(desk: Desk) -> None:
    words = why(desk.draft(f"{ASKS} We will send you 50 euros."))
    assert words.startswith("no draft: what the assistant wrote was refused, because it makes a promise")
    assert len(desk.model.asked) == 2


@pytest.mark.parametrize("says", [{"kind": "nothing", "text": ""}, {"kind": "question", "text": "  "}])
def test_a_model_may_say_that_it_knows_nothing(desk: Desk, says: dict[str, str]) -> None:
    assert why(desk.draft(says)) == NOTHING_KNOWN


@pytest.mark.parametrize(
    "says", ["Sure! Here it is.", {"text": ASKS}, {"kind": "step", "text": 5}, Reply(500), Reply(404)]
)
def test_a_model_that_answers_otherwise_is_no_draft(desk: Desk, says: Any) -> None:
    desk.model.says = says
    found = draft_of(desk.assembly.assistant, desk.assembly.replying, desk.case(), name="Ana", now=NOW)
    assert why(found).startswith("no draft: the assistant")


def test_a_closed_case_and_a_language_that_cannot_be_checked_are_not_asked_about(desk: Desk) -> None:
    assembly = desk.assembly
    say(assembly.database, assembly.rules, desk.case_id, "close", who="Ana", way="page", now=NOW,
        detail={"outcome": "solved"})  # fmt: skip
    assert "is closed" in why(desk.draft(ASKS))
    polish = "Czajnik @acme przyszedł zepsuty i nikt nie odpowiada. To okropne, chcę zwrotu pieniędzy! #acme"
    (other,) = take(assembly, told(polish, native_id="77", author="ola@far.example", lang="pl"))
    desk.case_id = other
    assert "this post is in Polish" in why(desk.draft(ASKS))
    assert desk.model.asked == []


def test_the_length_that_the_network_takes_counts_what_stands_before(desk: Desk) -> None:
    assert "the tone check says: too long" in why(desk.draft(f"{ASKS[:-1]} {'or so ' * 100}?"))
    assert f"at most {600 - len('@ada@far.example ')} characters" not in desk.model.asked[0].system
    assert f"and {600 - len('@ada@far.example ')} characters" in desk.model.asked[0].system


def test_another_draft_is_another_question_to_the_model(desk: Desk) -> None:
    assert text_of(desk.draft(ASKS)) == text_of(desk.draft(ASKS))
    assert len(desk.model.asked) == 1
    desk.draft(ASKS, again=1)
    assert len(desk.model.asked) == 2


def test_thanks_that_stood_in_a_recent_reply_are_refused_and_that_reply_never_leaves(desk: Desk) -> None:
    own = {"source": "social", "brand": "Acme", "author": "acme", "url": "", "thread_id": "t", "seen_at": stamp(NOW)}
    with desk.assembly.database.transaction():
        key_values.add_own_posts(
            desk.assembly.database,
            [{**own, "native_id": "o1", "parent_id": "p1", "posted_at": stamp(NOW - HOUR),
              "text": "@bo I'm sorry your kettle came broken, Bo Quartzlane."}],
        )  # fmt: skip
    assert "last ten replies" in why(desk.draft(ASKS))
    assert all("Quartzlane" not in asked.whole for asked in desk.model.asked)


def test_a_fix_counts_only_for_whoever_wrote_before_it(desk: Desk) -> None:
    database, case = desk.assembly.database, desk.case()
    parent = parent_of(database, case)
    assert parent is not None
    with database.transaction():
        causes.add(database, [{"id": "k1", "brand": "Acme", "name": "broken kettles"}], NOW - DAY)
        (row,) = causes.mentions_in(database, case.id)
        causes.clear(database, [row["id"]])
        causes.put(database, [{"mention_id": row["id"], "cause_id": "k1", "brand": "Acme", "place": 0,
                               "posted_at": stamp(parent.posted_at), "by_staff": 0}])  # fmt: skip

    def known() -> facts.Fact:
        return facts.of_case(database, case, parent, name="Ana", now=NOW)[0]

    assert known().text == "They write of “broken kettles”. No repair is known."
    with database.transaction():
        problem = problems.open_(database, "Acme", "k1", stamp(NOW - DAY), 0, NOW - DAY)
        assert problem is not None
        problems.change(database, problem["n"], fixed_at=parent.posted_at - MINUTE, fixed_by="Lea")
    assert known() == facts.Fact(
        "the cause “broken kettles”", "They write of “broken kettles”. An earlier repair may not hold."
    )
    fixed = "I'm sorry your kettle came broken. That problem has been fixed."
    assert "nothing known confirms" in why(desk.draft(fixed))
    with database.transaction():
        problems.change(database, problem["n"], fixed_at=parent.posted_at + MINUTE)
    assert known().step
    assert text_of(desk.draft(fixed, again=1)).endswith(fixed)


def test_whoever_is_known_is_taken_out_and_put_back(desk: Desk) -> None:
    named = told(
        f"{POST} Ada Quartz, your colleague Lea said so.", native_id="79", author="ada_q", author_name="Ada Quartz"
    )
    (desk.case_id,) = take(desk.assembly, named)
    desk.save([{"name": "Broken kettle", "text": "{name}, a kettle that arrives broken is replaced. {me}"}])
    found = text_of(desk.draft(lambda asked: {"kind": "step", "text": f"{_first(asked.block('facts'))}, {STEP}"}))
    assert found.startswith("@ada_q Ada, I'm sorry")
    for name in ("Ada", "Quartz", "Lea", "Ana"):
        assert name not in desk.model.asked[0].whole


def test_colleagues_whom_only_the_page_knows_are_taken_out_too(desk: Desk) -> None:
    with desk.assembly.database.transaction():
        web.add_user(desk.assembly.database, "Marlene", "staff", NOW)
    (desk.case_id,) = take(desk.assembly, told(f"{POST} Marlene said so.", native_id="80", author="ada_q"))
    desk.draft(ASKS)
    assert "said so" in desk.model.asked[0].whole
    assert "Marlene" not in desk.model.asked[0].whole


def _first(text: str) -> str:
    """The first placeholder of a person."""
    return text[text.index("[PERSON_") :].partition("]")[0] + "]"


def test_how_the_network_begins_a_reply_is_not_written_twice(desk: Desk) -> None:
    assert text_of(desk.draft(f"@ada@far.example {ASKS}")) == f"@ada@far.example {ASKS}"


def test_what_was_drafted_is_forgotten_with_the_post_and_the_case(desk: Desk) -> None:
    desk.draft(ASKS)
    rows = desk.assembly.database.rows("SELECT what FROM assistant_about ORDER BY what")
    assert [row["what"] for row in rows] == ["case", "post"]


def test_where_we_failed_a_draft_says_sorry(desk: Desk) -> None:
    asks = "Is it the glass or the base of the kettle?"
    assert text_of(desk.draft(asks)).endswith(asks)
    with desk.assembly.database.transaction():
        cases.change(desk.assembly.database, desk.case_id, priority="urgent")
    assert "does not say sorry" in why(desk.draft(asks, again=1))
    assert "say sorry once" in desk.model.asked[-1].system


def test_the_brand_s_voice_and_its_form_of_address_are_told_to_the_model(desk: Desk) -> None:
    said = iter(["Hast du den Beleg?", "Dein Kessel", "Haben Sie den Beleg?"])
    assert draft._form([*said], "de") == "familiar"
    assert draft._form(["Hast du den Beleg?", "Haben Sie den Beleg?"], "de") == ""
    assert draft._form([], "de") == ""
    settings = desk.assembly.rules.settings
    brands = tuple(each.model_copy(update={"voice": "short and dry"}) for each in settings.brands)
    rules = type(desk.assembly.rules)(settings.model_copy(update={"brands": brands}))
    spoken = replace(desk.assembly.replying, rules=rules)
    draft_of(desk.assembly.assistant, spoken, desk.case(), name="Ana", now=NOW)
    assert "How Acme speaks, in its own words: short and dry" in desk.model.asked[-1].system


def test_what_we_said_in_public_of_an_open_incident_holds_a_step(desk: Desk) -> None:
    database, case = desk.assembly.database, desk.case()
    own = {"source": "social", "brand": "Acme", "author": "acme", "parent_id": "", "seen_at": stamp(NOW)}
    with database.transaction():
        key_values.add_own_posts(
            database,
            [
                {**own, "native_id": number, "url": f"https://far.example/{number}", "posted_at": stamp(NOW),
                 "thread_id": "t", "text": text}
                for number, text in (("s0", "Our new teapot is here."), ("s1", "Kettles of May are replaced."))
            ],
        )  # fmt: skip
        incident = incidents.begin(database, NOW, brand="Acme", kind="volume", start_at=NOW - HOUR)
        incidents.join(database, incident, [each.id for each in mentions.of_case(database, case.id)], NOW)
        assert not _steps(desk)
        incidents.change(
            database, incident, said_publicly_at=NOW, said_url="https://far.example/s1", said_source="social"
        )
    assert _steps(desk) == [facts.Fact("your public statement", "Kettles of May are replaced.", step=True)]


def _steps(desk: Desk) -> list[facts.Fact]:
    return [
        each
        for each in facts.of_case(desk.assembly.database, desk.case(), told(POST), name="Ana", now=NOW)
        if each.step
    ]


def test_a_saved_reply_is_about_the_same_matter_by_its_name_or_twice_in_its_text(desk: Desk) -> None:
    for name, text, about in (
        ("A", "A kettle that arrived broken is replaced.", True),
        ("A", "A kettle needs water.", False),
        ("Kettles", "Choose Replace.", True),
    ):
        desk.save([{"name": name, "text": text}])
        assert bool(_steps(desk)) is about, (name, text)


def test_notes_for_colleagues_and_other_people_s_words_are_no_facts(desk: Desk) -> None:
    database, rules = desk.assembly.database, desk.assembly.rules
    for verb, detail in (
        ("note", {"text": "quartz note"}),
        ("wants", {"text": "quartz wish"}),
        ("tag", {"text": "quartz"}),
    ):
        say(database, rules, desk.case_id, verb, who="Ana", way="page", now=NOW, detail=detail)
    take(desk.assembly, post("quartz crystals", author="bo", source="social", thread_id="t1"))
    desk.draft(ASKS)
    assert all("quartz" not in asked.whole for asked in desk.model.asked)


def test_who_wrote_before_and_what_we_told_them_is_known(desk: Desk) -> None:
    database = desk.assembly.database
    say(database, desk.assembly.rules, desk.case_id, "close", who="Ana", way="page", now=NOW,
        detail={"outcome": "could_not_be_solved"})  # fmt: skip
    later = told(POST.replace("kettle", "second kettle"), native_id="78", posted_at=NOW + 9 * DAY, thread_id="other")
    (made,) = take(desk.assembly, later, now=NOW + 9 * DAY)
    case = cases.one(database, made)
    assert case is not None
    own = {"source": "social", "brand": "Acme", "author": "acme", "url": "", "thread_id": "t", "seen_at": stamp(NOW)}
    with database.transaction():
        key_values.add_own_posts(
            database, [{**own, "native_id": "o1", "parent_id": "78", "posted_at": stamp(NOW + HOUR), "case_id": case.id,
                        "text": "Which kettle is it?"},
                       {**own, "native_id": "o2", "parent_id": "78", "posted_at": stamp(NOW + HOUR), "case_id": case.id,
                        "text": "We are away.", "kind": "automatic"}],
        )  # fmt: skip
    first = cases.one(database, desk.case_id)
    assert first is not None
    assert not [
        each for each in facts.of_case(database, first, told(POST), name="Ana", now=NOW) if "complained" in each.text
    ]
    found = [fact.text for fact in facts.of_case(database, case, later, name="Ana", now=NOW + 9 * DAY)]
    assert found[-2:] == [
        "We told them before: Which kettle is it?",
        "They complained once before within 30 days.",
    ]
