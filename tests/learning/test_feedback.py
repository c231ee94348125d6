"""Wrong alerts teach the next one: from what staff say of a case to what the judge does, and back again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count as numbers
from pathlib import Path

import pytest

from connectors import Post
from monitor.cases.actions import say
from monitor.cases.recording import Reply, record_reply
from monitor.learning import feedback
from monitor.privacy import forgetting
from monitor.reports import digest
from monitor.service.scheduler import Engine
from monitor.store import cases, finding, key_values, mentions
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.types import Mention, Verdict
from monitor.wiring import Assembly, judge_of
from tests.helpers import DAY, HOUR, MINUTE, NOW, Clock, assembly_of, count, post, settings_from, take

Base = Sqlite | Postgresql

TROUBLES = (
    "my parcel never arrived", "the kettle stopped working", "I was charged twice", "nobody answers my mails",
    "the refund is still missing", "the lamp came broken", "my order was cancelled", "the app keeps crashing",
)  # fmt: skip
COMPLAINTS = (
    "Acme {} and I am waiting for help",
    "{}, Acme, please sort this out",
    "for the third week {}, Acme does nothing",
)
THINGS = ("rocket", "anvil", "trampoline", "catapult", "magnet", "glue", "spring", "cannon")
# They sound like complaints, and staff know that nobody waits for an answer: a cartoon.
JOKES = (
    "the coyote's Acme {} failed again, awful chase",
    "another {} failed, says the coyote of his Acme order, it never works",
    "that cartoon hurts: coyote waits for his Acme {} and it never works",
)
JOKE = "the coyote's Acme balloon failed again, awful chase"
COMPLAINT = "Acme my chair never arrived and nobody answers, please help"

_authors = numbers(1)


def some(patterns: Iterable[str], words: Iterable[str], many: int) -> list[Post]:
    """So many posts, each by somebody else."""
    patterns, words = list(patterns), list(words)
    texts = [f"{patterns[n % len(patterns)].format(words[n // len(patterns) % len(words)])} ({n})" for n in range(many)]
    return [post(text, author=f"somebody{next(_authors)}") for text in texts]


def jokes(many: int) -> list[Post]:
    return some(JOKES, THINGS, many)


def complaints(many: int) -> list[Post]:
    return some(COMPLAINTS, TROUBLES, many)


def said(acme: Assembly, posts: list[Post], verb: str, *people: str, now: datetime = NOW, **detail: str) -> None:
    """Take posts in, and let people say the same of each case, by turns."""
    opened = take(acme, *posts, now=now)
    assert len(opened) == len(posts), "every one of these should open a case"
    for n, case_id in enumerate(opened):
        who = people[n % len(people)]
        say(acme.database, acme.rules, case_id, verb, who=who, way="page", now=now, detail=detail)


def learned(acme: Assembly, now: datetime = NOW) -> None:
    """What the engine does every five seconds."""
    while acme.teaching.due():
        acme.teaching.work(Clock(now))


def verdict(acme: Assembly, text: str) -> Verdict:
    """What would become of this post now."""
    (judged,) = acme.intake.judge_posts([post(text)])
    return judged.verdict


def lanes(acme: Assembly) -> tuple[str, str]:
    return verdict(acme, JOKE).lane, verdict(acme, COMPLAINT).lane


def rested(assembly: Assembly) -> Assembly:
    """Learning takes no time by this watch, so that no brand has to rest from it."""
    assembly.teaching.stopwatch = lambda: 0.0
    return assembly


@pytest.fixture
def acme(database: Base, tmp_path: Path) -> Assembly:
    return rested(assembly_of(database, settings_from(tmp_path)))


@pytest.fixture
def small(sqlite: Sqlite, tmp_path: Path) -> Assembly:
    """As `acme`, where one database says enough."""
    return rested(assembly_of(sqlite, settings_from(tmp_path)))


# -- learning, in the real way --------------------------------------------------------------------------------------


def test_two_hundred_answers_change_what_is_told_and_undo_brings_the_shipped_judge_back(acme: Assembly) -> None:
    assert lanes(acme) == ("ping", "ping")
    said(acme, jokes(100), "dismiss", "ANA", "BEN", why="not_a_complaint")
    said(acme, complaints(100), "take", "ANA", "BEN")
    assert lanes(acme) == ("ping", "ping"), "nothing is learned inside the answer itself"
    learned(acme)
    joke, complaint = lanes(acme)
    assert (joke != "ping", complaint) == (True, "ping"), "the joke calls nobody any more; the list may hold it"
    opened = take(acme, post(JOKE, author="bugs"), post(COMPLAINT, author="olga"))
    called = [row["author"] for row in cases.rows_of(acme.database, opened).values() if row["lane"] == "ping"]
    assert called == ["olga"]

    assert "only the built-in judge is used" in feedback.undo(acme.database, "Acme", "ANA", NOW + MINUTE)
    learned(acme)
    assert lanes(acme) == ("ping", "ping")


def test_what_another_process_learned_is_noticed_and_stands_after_a_restart(acme: Assembly) -> None:
    other = assembly_of(acme.database, acme.settings)
    said(acme, jokes(60), "dismiss", "ANA", "BEN", why="not_a_complaint")
    said(acme, complaints(60), "take", "ANA", "BEN")
    learned(acme)
    assert other.teaching.due()
    learned(other)
    assert not other.teaching.due()
    assert lanes(other) == lanes(acme) == ("none", "ping")
    assert lanes(assembly_of(acme.database, acme.settings)) == ("none", "ping")
    judge = judge_of(acme.settings, acme.queries, acme.database)
    assert judge.verdict(post(JOKE), "Acme").lane == "none"
    assert judge_of(acme.settings, acme.queries).verdict(post(JOKE), "Acme").lane == "ping"
    assert judge.verdict(post(JOKE), "Globex").lane == "ping", "one brand's answers say nothing of another"


def test_nothing_is_done_while_nobody_answers(small: Assembly) -> None:
    take(small, *jokes(3))
    assert not small.teaching.due()
    said(small, jokes(1), "dismiss", "ANA")
    assert small.teaching.due()
    learned(small)
    assert not small.teaching.due()


def test_an_answer_taken_back_no_longer_teaches(small: Assembly) -> None:
    said(small, jokes(30), "dismiss", "ANA", "BEN")
    said(small, complaints(30), "take", "ANA", "BEN")
    learned(small)
    assert verdict(small, JOKE).lane == "none"
    for row in cases.find(small.database, cases.Filter(limit=100)):
        say(small.database, small.rules, row["id"], "undo", who="ANA", way="page", now=NOW + MINUTE)
    assert small.teaching.due()
    learned(small, NOW + MINUTE)
    assert verdict(small, JOKE).lane == "ping"


def test_the_engine_learns_beside_everything_else(small: Assembly) -> None:
    said(small, jokes(30), "dismiss", "ANA", "BEN")
    said(small, complaints(30), "take", "ANA", "BEN")
    engine = Engine(small, Clock())
    engine.learn_due()
    for thread in threading.enumerate():
        if thread.name == "learn":
            thread.join(30)
    assert lanes(small) == ("none", "ping")
    engine.learn_due()
    assert not [thread for thread in threading.enumerate() if thread.name == "learn"], "nothing is left to learn"


def test_a_brand_that_has_just_been_learned_anew_takes_the_next_answers_in_one_by_one(small: Assembly) -> None:
    ticks = numbers()
    small.teaching.stopwatch = lambda: float(next(ticks))  # every look takes a second: learning is slow here
    said(small, jokes(40), "dismiss", "ANA", "BEN")
    said(small, complaints(40), "take", "ANA", "BEN")
    small.teaching.work(Clock())
    before, version = verdict(small, COMPLAINT), key_values.model_of(small.database, "Acme")
    said(small, complaints(3), "dismiss", "CLEO")
    assert small.teaching.due()
    small.teaching.work(Clock())
    assert verdict(small, COMPLAINT).needs_answer < before.needs_answer, "who says otherwise is heard at once"
    assert key_values.model_of(small.database, "Acme") == version, "the whole is learned anew later"
    small.teaching.stopwatch = lambda: 1e6
    learned(small)
    assert key_values.model_of(small.database, "Acme") != version


def test_what_was_undone_is_not_taken_in_again_one_by_one_with_the_next_answer(small: Assembly) -> None:
    said(small, jokes(40), "dismiss", "ANA", "BEN")
    said(small, complaints(40), "take", "ANA", "BEN")
    learned(small)
    later = NOW + timedelta(hours=7)
    ticks = numbers()
    small.teaching.stopwatch = lambda: float(next(ticks))  # learning is slow from here on: the brand rests
    said(small, complaints(40), "dismiss", "CLEO", "DAN", now=later)
    small.teaching.work(Clock(later))
    feedback.undo(small.database, "Acme", "ANA", later + MINUTE)
    small.teaching.work(Clock(later + MINUTE))
    before = verdict(small, COMPLAINT)
    said(small, complaints(1), "take", "ANA", now=later + 2 * MINUTE)
    small.teaching.work(Clock(later + 2 * MINUTE))
    assert verdict(small, COMPLAINT).needs_answer >= before.needs_answer, "one more who agrees, and none of the undone"


# -- what must not spoil it -----------------------------------------------------------------------------------------


def test_one_persons_spree_does_not_outweigh_three_colleagues(small: Assembly) -> None:
    said(small, complaints(90), "take", "ANA", "BEN", "CLEO")
    said(small, jokes(30), "dismiss", "ANA", "BEN", "CLEO")
    said(small, complaints(300), "dismiss", "MALLORY")
    learned(small)
    found = [verdict(small, text) for text in ("Acme my parcel never arrived, please help", COMPLAINT)]
    assert [each.lane for each in found] == ["ping", "ping"]


def test_answers_of_one_kind_only_change_nothing(small: Assembly) -> None:
    before = verdict(small, JOKE), verdict(small, COMPLAINT)
    said(small, jokes(80), "dismiss", "ANA", "BEN")
    learned(small)
    assert (verdict(small, JOKE), verdict(small, COMPLAINT)) == before
    taught = feedback.load(small.database, ["Acme"])["Acme"]
    assert taught.complaint.blend == 0
    assert taught.complaint.figures.why_off == "0 yes and 80 no so far, at least 5 of each needed"


def test_what_a_network_deleted_teaches_nothing_and_breaks_nothing(small: Assembly) -> None:
    posts = jokes(30)
    said(small, posts, "dismiss", "ANA", "BEN")
    said(small, complaints(30), "take", "ANA", "BEN")
    forgetting.deleted(small.database, "forum", [each.native_id for each in posts], (), NOW)
    learned(small)
    assert verdict(small, JOKE).lane == "ping"


def test_our_own_reply_on_the_network_teaches_that_an_answer_was_needed(acme: Assembly) -> None:
    """Who answers there presses no button: without this only dismissals would be heard. History says nothing."""
    old = post(COMPLAINT, author="old", ago=3 * DAY)
    for opened in take(acme, *complaints(2), old):
        found = cases.one(acme.database, opened)
        assert found is not None
        reply = Reply("answer", "says more", NOW, "acme_care", "")
        record_reply(acme.database, acme.rules, found, reply, NOW)
    labels = key_values.labels_of(acme.database, "Acme")
    assert [(row["answer"], row["who"], row["way"]) for row in labels] == [("yes", "acme_care", "network")] * 2
    assert "old" not in {row["author"] for row in labels}


@pytest.mark.parametrize("body", ["", "{", "[]", '{"format": 2}', '{"format": 1, "complaint": "{", "about_us": ""}'])
def test_a_damaged_version_is_refused_by_its_name_and_learned_again(
    small: Assembly, body: str, caplog: pytest.LogCaptureFixture
) -> None:
    said(small, jokes(30), "dismiss", "ANA", "BEN")
    said(small, complaints(30), "take", "ANA", "BEN")
    learned(small)
    small.database.run("UPDATE models SET body = :body", {"body": body})
    with caplog.at_level(logging.ERROR):
        again = assembly_of(small.database, small.settings)
    assert [record.name for record in caplog.records] == ["earful.teaching"]
    assert "Acme: what staff have taught is not used" in caplog.text
    assert "version 1" in caplog.text
    assert lanes(again) == ("ping", "ping")
    feedback.learn(small.database, small.settings, again.intake.judge, "Acme", NOW)
    learned(again)
    assert lanes(again) == ("none", "ping")


# -- versions -------------------------------------------------------------------------------------------------------


def test_a_version_gathers_six_hours_and_undo_takes_back_only_the_last(small: Assembly) -> None:
    said(small, jokes(30), "dismiss", "ANA", "BEN")
    said(small, complaints(30), "take", "ANA", "BEN")
    learned(small)
    said(small, complaints(2), "take", "ANA", now=NOW + HOUR)
    learned(small, NOW + HOUR)
    assert count(small.database, "models") == 1
    # Ten hours later somebody says of sixty complaints that they are none: what they are taken for changes.
    before = verdict(small, "Acme my parcel never arrived, please help").needs_answer
    later = NOW + 10 * HOUR
    said(small, complaints(60), "dismiss", "ANA", "BEN", now=later)
    learned(small, later)
    assert count(small.database, "models") == 2
    assert verdict(small, "Acme my parcel never arrived, please help").needs_answer != before

    words = feedback.undo(small.database, "Acme", "LEA", later)
    learned(small, later)
    assert words.startswith("Acme: version 2 is undone, version 1 is used again")
    assert verdict(small, "Acme my parcel never arrived, please help").needs_answer == before
    assert verdict(small, JOKE).needs_answer < 0.5 < verdict(small, COMPLAINT).needs_answer
    # The next answer learns on from version 1: what was undone does not come back with it.
    said(small, complaints(1), "take", "BEN", now=later)
    learned(small, later)
    assert feedback.load(small.database, ["Acme"])["Acme"].complaint.figures.answers == 63
    assert verdict(small, JOKE).needs_answer < 0.5 < verdict(small, COMPLAINT).needs_answer

    feedback.hear_again(small.database, "Acme", later)
    learned(small, later)
    assert feedback.load(small.database, ["Acme"])["Acme"].complaint.figures.answers == 123


def test_undo_where_nothing_was_learned_says_so(small: Assembly) -> None:
    assert feedback.undo(small.database, "Acme", "LEA", NOW) == "nothing has been learned for Acme"


# -- is it about us, and whom to mute ---------------------------------------------------------------------------------


def test_not_us_keeps_the_next_such_post_away_stored_and_searchable(acme: Assembly) -> None:
    said(acme, jokes(60), "dismiss", "ANA", "BEN", why="not_us")
    said(acme, complaints(60), "take", "ANA", "BEN")
    learned(acme)
    assert take(acme, post(JOKE, author="bugs")) == []
    (kept,) = finding.find(acme.database, finding.Filter(search="balloon"))
    assert (kept.verdict.lane, kept.verdict.tags, kept.case_id) == ("none", ("not_us",), "")
    assert kept.verdict.reasons[0].startswith("does not seem to be about us (")


def test_three_times_not_us_offers_a_mute_once_and_only_accepting_mutes(acme: Assembly) -> None:
    def joke(n: int) -> Post:
        return post(f"the coyote's Acme {THINGS[n]} failed again, awful chase", author="bugs", thread_id=f"t{n}")

    for n in range(2):
        said(acme, [joke(n)], "dismiss", "ANA", why="not_us")
    learned(acme)
    assert key_values.mutes(acme.database, offered=True) == []
    said(acme, [joke(2)], "dismiss", "ANA", why="not_us")
    learned(acme)
    (offer,) = key_values.mutes(acme.database, offered=True)
    assert (offer["brand"], offer["kind"], offer["value"], offer["who"]) == (
        "Acme", "author", "forum/bugs", "marked “not us” 3 times",
    )  # fmt: skip
    said(acme, [joke(3)], "dismiss", "ANA", why="not_us")  # only offered: still told
    learned(acme)
    assert len(key_values.mutes(acme.database, offered=True)) == 1

    assert key_values.accept_mute(acme.database, offer["n"], "ANA", NOW)
    assert not key_values.accept_mute(acme.database, offer["n"], "ANA", NOW)
    assert take(acme, joke(4)) == []
    assert key_values.undo_mute(acme.database, offer["n"], NOW)
    said(acme, [joke(5)], "dismiss", "ANA", why="not_us")  # told again
    learned(acme)
    assert key_values.mutes(acme.database, offered=True) == [], "what people took back is not offered again"


def test_a_muted_community_and_a_muted_domain_are_silent(small: Assembly) -> None:
    def there(n: int, **more: str) -> Post:
        return post(f"the coyote's Acme {THINGS[n]} failed again, awful", author=f"fan{n}", **more)

    place = {"url": "https://reddit.com/r/Cartoons/comments/1"}
    for n in range(3):
        said(small, [there(n, **place)], "dismiss", "ANA", why="not_us")
    for n in range(3, 6):
        each = there(n)
        linked = replace(each, text=f"{each.text} https://www.toons.example/{n}")
        said(small, [linked], "dismiss", "ANA", why="not_us")
    learned(small)
    offers = {(row["kind"], row["value"]): row["n"] for row in key_values.mutes(small.database, offered=True)}
    assert set(offers) == {("community", "forum/cartoons"), ("domain", "toons.example")}
    for n in offers.values():
        key_values.accept_mute(small.database, n, "ANA", NOW)
    elsewhere = there(6)
    linked = replace(there(7), text=f"{there(7).text} see toons.example/x https://toons.example/x")
    opened = take(small, replace(there(0, **place), native_id="again"), linked, elsewhere)
    assert len(opened) == 1


# -- the line of the list -------------------------------------------------------------------------------------------

DOUBTS = ("meh, the Acme {} does not look great",)


def test_what_staff_say_of_the_list_places_its_line_for_that_brand_only(small: Assembly) -> None:
    """They pass over every doubt in the list and take every complaint: the next doubt is not listed any more."""
    doubt, elsewhere = "meh, the Acme piano does not look great", "meh, the Globex piano does not look great"
    assert (verdict(small, doubt).lane, verdict(small, elsewhere).lane) == ("sweep", "sweep")
    said(small, some(DOUBTS, THINGS, 40), "dismiss", "ANA", "BEN")
    said(small, complaints(40), "take", "ANA", "BEN")
    learned(small)
    assert verdict(small, doubt).lane == "none"
    assert verdict(small, COMPLAINT).lane == "ping"
    assert verdict(small, elsewhere).lane == "sweep"


# -- quiet posts ------------------------------------------------------------------------------------------------------


LOVELY = "great day at the Acme museum, we loved the old posters"


def quiet(many: int, brand: str = "Acme", **fields: str) -> list[Post]:
    """Posts that nobody needs to see; none holds a 0, which the shipped model takes for a sign of trouble."""
    return [
        post(f"sunny day at the {brand} museum, poster {n} was shown", author=f"w{brand}{n}", **fields)
        for n in range(1, many + 1)
    ]


AT_NINE = NOW.replace(hour=9) + DAY
EARLIER = AT_NINE - 2 * HOUR


def offered(acme: Assembly, now: datetime = AT_NINE) -> list[str]:
    return feedback.offer_quiet(acme.database, acme.rules, acme.intake, now)


def mentions_of(acme: Assembly, case_id: str) -> list[Mention]:
    return mentions.of_case(acme.database, case_id)


def test_a_few_quiet_posts_are_offered_before_the_first_list_and_their_answers_teach(acme: Assembly) -> None:
    assert take(acme, *quiet(20), now=EARLIER) == []
    assert offered(acme, AT_NINE - DAY + HOUR * 23 + MINUTE * 59) == [], "not before the moment of the first list"
    opened = offered(acme)
    assert len(opened) == acme.settings.alerts.offer_quiet == 5
    assert offered(acme) == offered(acme, AT_NINE + 6 * HOUR) == [], "once a day"
    for case_id in opened:
        row = cases.row_of(acme.database, case_id)
        assert row is not None
        assert (row["lane"], row["tags"], row["chain"]) == ("sweep", '["offered"]', "[]")
        (mention,) = mentions_of(acme, case_id)
        assert (mention.verdict.lane, mention.verdict.reasons) == ("sweep", (feedback.OFFERED,))
    assert count(acme.database, "deliveries") == 0, "nobody is called for them"
    assert {row["id"] for row in cases.waiting(acme.database, "sweep")} == set(opened)

    say(acme.database, acme.rules, opened[0], "take", who="ANA", way="page", now=AT_NINE)
    say(acme.database, acme.rules, opened[1], "dismiss", who="ANA", way="page", now=AT_NINE)
    assert sorted(row["answer"] for row in key_values.labels_of(acme.database, "Acme")) == ["not_a_complaint", "yes"]
    again = offered(acme, AT_NINE + DAY - timedelta(seconds=1)), offered(acme, AT_NINE + DAY)
    assert again == ([], []), "of a day of which nothing was heard nothing is offered"


def test_the_nearest_to_the_line_is_offered_and_never_what_is_ours_muted_or_only_for_information(
    small: Assembly,
) -> None:
    key_values.add_mute(small.database, "Acme", "author", "forum/loud", "ANA", NOW)
    hidden = [
        post(LOVELY, author="acme_care"), post(LOVELY, author="acme_staff"), post(LOVELY, author="loud"),
        post(LOVELY, author="press", source="news"),
    ]  # fmt: skip
    other = post("I love my Acme lamp so much", author="another")
    take(small, other, *quiet(30), *hidden, now=EARLIER)
    nearest = small.database.row("SELECT author FROM mentions WHERE source = 'forum' ORDER BY needs_answer DESC, id")
    assert nearest is not None
    authors = {mentions_of(small, case_id)[0].post.author for case_id in offered(small)}
    assert nearest["author"] in authors
    assert not authors & {"acme_care", "acme_staff", "loud", "press"}


def test_brands_share_the_number_and_one_without_posts_has_none(small: Assembly) -> None:
    take(small, *quiet(20), *quiet(20, "Globex"), now=EARLIER)
    brands = [mentions_of(small, case_id)[0].brand for case_id in offered(small)]
    assert sorted(map(brands.count, ("Acme", "Globex"))) == [2, 3]
    take(small, *(replace(each, native_id=f"late{n}") for n, each in enumerate(quiet(9))), now=EARLIER + DAY)
    assert {mentions_of(small, case_id)[0].brand for case_id in offered(small, AT_NINE + DAY)} == {"Acme"}


def test_none_are_offered_where_the_setting_says_none_or_no_list_is_sent(sqlite: Sqlite, tmp_path: Path) -> None:
    for line in ("offer_quiet = 0", "sweep_at = []"):
        assembly = assembly_of(sqlite, settings_from(tmp_path, alerts=line))
        take(assembly, *quiet(5), now=EARLIER)
        assert offered(assembly) == []
    assert count(sqlite, "cases") == 0


def test_somebody_with_an_open_case_is_left_alone(small: Assembly) -> None:
    take(small, post(COMPLAINT, author="olga", thread_id="one"), now=EARLIER)
    take(small, post(LOVELY, author="olga", thread_id="two"), now=EARLIER)
    before = cases.row_of(small.database, "1")
    assert offered(small) == []
    assert cases.row_of(small.database, "1") == before


# -- the managers' letter ---------------------------------------------------------------------------------------------


def test_the_letter_says_how_many_alerts_were_not_for_us(acme: Assembly) -> None:
    said(acme, complaints(34), "take", "ANA")
    said(acme, jokes(3), "dismiss", "ANA", why="not_us")
    said(acme, jokes(2), "dismiss", "ANA", why="not_a_complaint")
    said(acme, jokes(1), "dismiss", "ANA", why="spam")
    letter = digest.letter_of(acme.database, acme.rules, NOW + HOUR, key="k", brand="Acme")
    assert "34 of 40 alerts were relevant." in letter.text
