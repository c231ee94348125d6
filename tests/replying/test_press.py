"""The press: one person, one text, once; and the clock stops with the network's own time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.cases import do_not_contact
from monitor.cases.actions import say
from monitor.people.actors import NotAllowed, NotPossible
from monitor.people.identity import Actor, of_assistant, of_mail, of_page, of_settings, of_shell, of_token
from monitor.replying import drafts, looking_up, press
from monitor.replying.drafts import AsksAgain
from monitor.store import case_log, key_values
from monitor.store.postgresql import Postgresql
from tests.fakes.server import Reply
from tests.helpers import MINUTE, NOW, assembly_of, post, take
from tests.replying.world import TEXT, World, complaint, world


def test_a_press_posts_the_text_and_the_clock_stops_with_the_networks_time(both: World) -> None:
    pressed = both.press(both.draft())
    assert (pressed.state, len(both.network.posted)) == ("sent", 1)
    assert pressed.url == both.network.posted[0]["url"]
    case = both.case()
    assert case.answered_at == NOW + timedelta(seconds=2), "the network's own time, not ours"
    assert case.answered_by == "Ana"
    (line,) = [each for each in case_log.of_case(both.database, case.id) if each.what == "reply"]
    assert (line.who, line.detail["text"], line.detail["url"]) == ("Ana", TEXT, pressed.url)


def test_the_poll_that_sees_the_same_reply_answers_nothing_twice(both: World) -> None:
    row = both.post()
    before = both.log()
    own = post(TEXT, author="acme", source="social", native_id=row.native_id, parent_id=row.parent_id)
    with both.database.transaction():
        assert both.assembly.answers.take([own], NOW + MINUTE) == 0
    assert both.log() == before
    assert len(key_values.own_posts_of_case(both.database, both.case_id)) == 1


def test_a_poll_that_was_quicker_has_stopped_the_clock_already(here: World) -> None:
    """It reads our reply between the network's answer and our writing it down."""
    row = here.draft()
    number = len(here.network.server.ledger)

    def quick(seen: object) -> Reply:
        made = here.network._post(seen)  # type: ignore[arg-type]
        own = post(TEXT, author="acme", source="social", native_id=made.json["id"], parent_id=complaint().native_id)
        with here.database.transaction():
            here.assembly.answers.take([own], NOW)
        return made

    here.network.server.route("/api/v1/statuses", quick)
    assert here.press(row).state == "sent"
    assert len(here.network.server.ledger) > number
    assert here.log().count("answered") == 1


def test_a_search_that_brings_our_own_reply_back_opens_no_case(here: World) -> None:
    """Nobody listed the account under the brand's accounts, and the reply names the brand."""
    row = here.post("@ada@far.example Acme charged you twice, which is terrible. We never meant that.")
    own = post(row.text, author="acme@127.0.0.1", source="social", native_id=row.native_id, parent_id=row.parent_id)
    assert take(here.assembly, own, now=NOW + MINUTE) == []
    assert here.assembly.intake.take([own], NOW + MINUTE).matched == 0


def test_pressed_twice_it_is_one_reply(here: World) -> None:
    row = here.draft()
    here.press(row)
    with pytest.raises(NotPossible, match="already posted"):
        drafts.keep(here.replying, here.case_id, row.id, TEXT, who="Ana", way="page", now=NOW)
    with pytest.raises(NotPossible):
        here.press(row)
    again = here.draft()
    with pytest.raises(NotPossible, match="already posted this text"):
        here.press(again)
    assert len(here.network.posted) == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"mark": "0" * 64}, "text was changed"),
        ({"parent": "0" * 32}, "post you answer"),
        ({"account": "@somebody@else"}, "posted as @acme@127.0.0.1"),
        ({"said": 7}, "somebody answered"),
    ],
)
def test_what_changed_since_it_was_seen_is_asked_again(here: World, changes: dict[str, object], said: str) -> None:
    row = here.draft()
    with pytest.raises(AsksAgain, match=said):
        here.press(row, **changes)
    assert here.network.writes() == 0
    assert here.row(row.id).state == "draft"


def test_a_newer_post_of_the_customer_is_asked_about(here: World) -> None:
    row = here.draft()
    seen = here.seen(row)
    take(here.assembly, complaint(native_id="99", ago=MINUTE, thread_id=complaint().native_id), now=NOW)
    with pytest.raises(AsksAgain, match="newer one"):
        press.press(here.replying, row.id, seen, who="Ana", way="page", now=NOW)


def test_a_draft_that_somebody_else_changed_is_asked_about(here: World) -> None:
    row = here.draft()
    seen = here.seen(row)
    drafts.keep(here.replying, here.case_id, row.id, "Other words", was=row.mark, who="Lea", way="page", now=NOW)
    with pytest.raises(AsksAgain, match="text was changed"):
        press.press(here.replying, row.id, seen, who="Ana", way="page", now=NOW)
    with pytest.raises(AsksAgain, match="changed this draft"):
        drafts.keep(here.replying, here.case_id, row.id, "Mine", was=row.mark, who="Ana", way="page", now=NOW)


@pytest.mark.parametrize(
    ("who", "way"),
    [
        (of_token("abc", "robot"), "api"),
        (of_assistant("Ana's assistant"), "mcp"),
        (of_mail("console", "Ana"), "mail link"),
        (of_settings("Ana"), "mail link"),
        (of_settings("Ana"), "api"),
        (of_settings("Ana"), "escalation"),
        (Actor("", ""), "settings"),
        (Actor("", "Earful"), "retention"),
        (of_shell("root"), "command line"),
        (of_settings("Vik"), "page"),
        (of_settings("Nobody"), "page"),
        (of_page("Nobody"), "page"),
    ],
)
def test_nobody_but_a_known_person_by_a_known_way_posts(here: World, who: Actor, way: str) -> None:
    row = here.draft()
    with pytest.raises(NotAllowed):
        press.press(here.replying, row.id, here.seen(row), who=who, way=way, now=NOW)
    assert here.network.writes() == 0


def test_a_lead_approves_where_settings_say_so(led: World) -> None:
    row = led.draft()
    with pytest.raises(NotAllowed, match="needs lead"):
        led.press(row)
    drafts.ask_lead(led.replying, row.id, who="Ana", way="page", now=NOW)
    assert led.press(led.row(row.id), who="Lea").state == "sent"
    (line,) = [each for each in case_log.of_case(led.database, led.case_id) if each.what == "reply"]
    assert (line.who, line.detail["written_by"], line.detail["approved_by"]) == ("Lea", "Ana", "Lea")


def test_a_lead_says_why_not_and_the_writer_goes_on(led: World) -> None:
    row = drafts.ask_lead(led.replying, led.draft().id, who="Ana", way="page", now=NOW)
    with pytest.raises(NotAllowed):
        drafts.send_back(led.replying, row.id, "too stiff", who="Ana", way="page", now=NOW)
    with pytest.raises(NotPossible, match="say why"):
        drafts.send_back(led.replying, row.id, " ", who="Lea", way="page", now=NOW)
    back = drafts.send_back(led.replying, row.id, "too stiff", who="Lea", way="page", now=NOW)
    assert (back.state, back.note, back.writer) == ("draft", "too stiff", "Ana")


def test_a_refusal_tells_what_the_network_said_and_gives_the_text_back(here: World) -> None:
    here.network.refuses = Reply(422, json={"error": "Validation failed: Text is a duplicate"})
    row = here.draft()
    pressed = here.press(row)
    assert pressed.state == "refused"
    assert "Text is a duplicate" in pressed.words
    after = here.row(row.id)
    assert (after.state, after.text) == ("refused", TEXT)
    assert "Text is a duplicate" in after.note
    assert here.case().answered_at is None
    here.network.refuses = None
    assert here.press(after).state == "sent"


def test_too_long_a_text_never_leaves(here: World) -> None:
    with pytest.raises(NotPossible, match="takes at most 600"):
        here.press(here.draft("x" * 601))
    assert here.network.writes() == 0


@pytest.mark.parametrize("mode", ["drop", "html", "ok"])
def test_accepted_but_lost_is_looked_up_at_once_and_never_sent_again(here: World, mode: str) -> None:
    here.network.accepts_but = mode
    pressed = here.press(here.draft())
    assert pressed.state == "sent"
    assert here.network.writes() == 1
    assert here.case().answered_at == NOW + timedelta(seconds=2)


def test_while_nobody_knows_no_other_reply_leaves(here: World) -> None:
    here.network.refuses = Reply(503, json={"error": "later"})
    row = here.draft()
    assert here.press(row).state == "unsure"
    assert here.row(row.id).state == "unsure"
    other = here.draft("Another text", who="Lea")
    with pytest.raises(NotPossible, match="may have been posted"):
        here.press(other, who="Lea")
    assert here.network.writes() == 1
    assert here.case().answered_at is None


def test_what_speaks_against_an_answer_stops_the_press(here: World) -> None:
    row = here.draft()
    with here.database.transaction():
        do_not_contact.set_for(here.database, here.case(), of_settings("Lea"), "page", NOW)
    with pytest.raises(NotPossible, match="not to be contacted"):
        here.press(row)
    with here.database.transaction():
        do_not_contact.end_for(here.database, here.case(), of_settings("Lea"), "page", NOW)
    detail = {"outcome": "solved"}
    say(here.database, here.assembly.rules, here.case_id, "close", who="Ana", way="page", now=NOW, detail=detail)
    with pytest.raises(NotPossible, match="reopen it first"):
        here.press(row)
    assert here.network.writes() == 0


def test_a_case_of_another_source_cannot_be_answered_from_here(here: World) -> None:
    (other,) = take(here.assembly, post(source="forum"))
    with pytest.raises(NotAllowed, match="replies are off for forum"):
        drafts.keep(here.replying, other, drafts.new_id(), TEXT, who="Ana", way="page", now=NOW)


def test_words_that_a_machine_might_say_are_a_persons_when_a_person_pressed(here: World) -> None:
    row = here.post("@ada@far.example Thank you for contacting us. We have received your message.")
    (own,) = key_values.own_posts_of_case(here.database, here.case_id)
    assert (row.state, own["kind"]) == ("sent", "holding")
    assert here.case().answered_at is None
    assert here.case().held


def test_proposing_leaves_a_draft_with_its_origin(here: World) -> None:
    row = drafts.propose(here.replying, here.case_id, TEXT, who="Ana", way="api", now=NOW)
    assert (row.state, row.way, row.text) == ("draft", "api", TEXT)
    assert "reply proposed" in here.log()
    assert here.press(row, who="Lea").state == "sent"


def test_a_case_takes_only_so_many_drafts(here: World) -> None:
    for _ in range(drafts.MOST_OPEN):
        here.draft()
    with pytest.raises(NotPossible, match="drafts already"):
        here.draft()


def test_a_press_that_stood_still_until_others_looked_sends_nothing(both: World) -> None:
    """Frozen between its mark and the network: another process has looked by now, and may have given it back."""
    row = both.draft()
    seen, waited = both.seen(row), iter([0.0])

    def steady() -> float:
        began = next(waited, None)
        if began is not None:
            return began
        assert looking_up.look(both.replying, NOW + press.SETTLES) == 1
        assert both.row(row.id).state == "unsure"
        return press.LEAVES_WITHIN.total_seconds()

    pressed = press.press(both.replying, row.id, seen, who="Ana", way="page", now=NOW, steady=steady)
    assert (pressed.state, "sent nothing" in pressed.words) == ("refused", True)
    assert (both.network.writes(), both.row(row.id).state) == (0, "refused")
    assert both.press(both.row(row.id)).state == "sent"


def test_the_databases_clock_says_when_a_press_is_over(new_postgresql: str, tmp_path: Path) -> None:
    """Ana's machine is ten minutes behind the other: its press is not over before it has begun."""
    behind = Postgresql(new_postgresql, machine=lambda: datetime.now(UTC) - 10 * MINUTE)
    right = Postgresql(new_postgresql)
    with world(tmp_path, behind) as here:
        other = assembly_of(right, here.assembly.settings)
        row = here.draft()
        seen, looked = here.seen(row), []

        def steady() -> float:
            if here.row(row.id).state == "inflight":
                looked.append(looking_up.look(other.replying, NOW + 10 * MINUTE))
            return 0.0

        pressed = press.press(here.replying, row.id, seen, who="Ana", way="page", now=NOW, steady=steady)
        assert (pressed.state, looked) == ("sent", [0])
        pressed_at = here.row(row.id).pressed_at
        assert pressed_at is not None
        assert abs(pressed_at - (NOW + 10 * MINUTE)) < MINUTE
    behind.close()
    right.close()
