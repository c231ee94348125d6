"""A text that a model drafted is not posted to a third person within the hour, unless they are of one incident."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connectors import Post
from monitor.cases.actions import say
from monitor.people.actors import NotPossible
from monitor.replying import drafts
from monitor.store import incidents, mentions, replies
from monitor.store.replies import ReplyRow
from tests.connectors.reply_mastodon import PARENT
from tests.fakes.server import Reply, Seen
from tests.helpers import NOW, take
from tests.replying.world import World, complaint

SAME = "{name} I'm sorry your kettle came broken. Is it the glass or the base?"


def write(here: World, person: str, *, drafted: bool = True, text: str = SAME) -> ReplyRow:
    """Another person's complaint, and a draft for it in the same words."""
    here.network.server.route("/api/v1/statuses/*", lambda seen: _status(here, seen))
    if person != "ada":
        more = {"native_id": f"of-{person}", "url": f"https://far.example/{person}"}
        (here.case_id,) = take(here.assembly, _of(person, **more), now=here.clock())
    made = drafts.new_id()
    words = text.format(name=f"@{person}@far.example")
    return drafts.keep(
        here.replying, here.case_id, made, words, who="Ana", way="page", now=here.clock(), drafted=drafted
    )


def _of(person: str, **more: str) -> Post:
    return replace(complaint(), author=f"{person}@far.example", thread_id=person, **more)  # type: ignore[arg-type]


def _status(here: World, seen: Seen) -> Reply:
    """Everybody's post stands on the network."""
    wanted = seen.path.rpartition("/")[2]
    return Reply(json={**PARENT, "id": wanted}) if wanted.startswith("of-") else here.network._one(seen)


def test_the_third_person_within_an_hour_is_told_something_of_their_own(both: World) -> None:
    assert both.press(write(both, "ada")).state == "sent"
    assert both.press(write(both, "bo")).state == "sent"
    third = write(both, "cy")
    with pytest.raises(NotPossible, match=r"went to 2 other people within the hour \(cases 1, 2\): change it"):
        both.press(third)
    changed = drafts.keep(
        both.replying, both.case_id, third.id, "@cy@far.example Which kettle is it?", was=third.mark, who="Ana",
        way="page", now=both.clock(),
    )  # fmt: skip
    assert both.press(changed).state == "sent"


def test_an_hour_later_it_may_be_said_again(here: World) -> None:
    here.press(write(here, "ada"))
    here.press(write(here, "bo"))
    here.forward(61)
    assert here.press(write(here, "cy")).state == "sent"


def test_what_a_person_wrote_themselves_is_theirs_to_repeat(here: World) -> None:
    here.press(write(here, "ada"))
    here.press(write(here, "bo"))
    assert here.press(write(here, "cy", drafted=False)).state == "sent"


def test_the_same_person_is_no_other_one(here: World) -> None:
    here.press(write(here, "ada"))
    here.press(write(here, "bo"))
    say(here.database, here.assembly.rules, here.case_id, "close", who="Ana", way="page", now=here.clock(),
        detail={"outcome": "solved"})  # fmt: skip
    later = replace(_of("bo", native_id="of-bo-2", url="https://far.example/bo-2"), thread_id="another")
    (here.case_id,) = take(here.assembly, later, now=here.clock())
    row = drafts.keep(here.replying, here.case_id, drafts.new_id(), SAME.format(name="@bo@far.example"), who="Ana",
                      way="page", now=here.clock(), drafted=True)  # fmt: skip
    assert here.press(row).state == "sent"


def test_other_words_do_not_count(here: World) -> None:
    here.press(write(here, "ada"))
    here.press(write(here, "bo", text="{name} Which kettle is it, the red one?"))
    assert here.press(write(here, "cy")).state == "sent"


def test_within_one_incident_everybody_may_be_told_the_same(here: World) -> None:
    rows = [write(here, person) for person in ("ada", "bo", "cy")]
    keys = [each.id for row in rows for each in mentions.of_case(here.database, row.case_id)]
    with here.database.transaction():
        incident = incidents.begin(here.database, NOW, brand="Acme", kind="volume", start_at=NOW)
        incidents.join(here.database, incident, keys, NOW)
    for row in rows:
        here.case_id = row.case_id
        assert here.press(row).state == "sent"
    outside = write(here, "di")
    with pytest.raises(NotPossible, match="3 other people"):
        here.press(outside)


def test_what_was_drafted_stays_known_when_it_is_changed_and_is_counted(here: World) -> None:
    row = write(here, "ada")
    assert row.is_unchanged
    here.press(row)
    other = write(here, "bo", text="{name} Which kettle is it?")
    changed = drafts.keep(
        here.replying, here.case_id, other.id, "@bo@far.example Which one?", was=other.mark, who="Ana", way="page",
        now=here.clock(),
    )  # fmt: skip
    assert (changed.drafted != "", changed.is_unchanged) == (True, False)
    here.press(changed)
    here.press(write(here, "cy", drafted=False, text="{name} Hello, which one?"))
    span = (NOW.replace(hour=0), NOW.replace(hour=23))
    assert replies.from_drafts(here.database, *span) == (2, 1)
    replies.change(here.database, row.id, ("sent",), NOW, state="withdrawn")
    assert replies.from_drafts(here.database, *span) == (1, 0)
