"""What is said of competitors: beside everything of ours, in no figure of ours, and forgotten like all the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connectors import Batch, Request
from monitor.cases import do_not_contact
from monitor.people.identity import of_name
from monitor.privacy import export, forgetting, retention
from monitor.reports import share_of_voice, statistics
from monitor.settings.competitors import sources_of
from monitor.settings.errors import SettingsError
from monitor.store import competitors, finding, mentions, pages, report_queries, sources
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.cli.program import earful
from tests.helpers import ANGRY, DAY, HOUR, LATE, NOW, assembly_of, case, count, messages, post, settings_from, take

NAMED = '[[competitors]]\nname = "Initech"\nquery = "initech"\n'
CURSED = "Initech charged me twice and nobody answers. This is terrible."
WARM = "I love my Initech stapler, thank you so much for making it! Best purchase I ever made, wonderful people."
SEEKING = "Looking for an alternative to Initech, any ideas?"
X = """
[[sources]]
name = "x"
kind = "x"
bearer_token = { env = "TOKEN" }
#COMPETITORS
[[sources]]
name = "reviews"
kind = "hackernews"
about = "Acme"
"""


def assembled(database: Sqlite | Postgresql, folder: Path, tables: str = NAMED, **more: Any) -> Assembly:
    return assembly_of(database, settings_from(folder, tables=tables, **more))


@pytest.fixture
def acme(database: Sqlite | Postgresql, tmp_path: Path) -> Assembly:
    """Acme's desk, whose settings name Initech as a competitor."""
    return assembled(database, tmp_path)


def figures(acme: Assembly) -> list[Any]:
    since, until = NOW - 7 * DAY, NOW + DAY
    return [
        report_queries.by_source(acme.database, since, until),
        mentions.counts(acme.database),
        statistics.of_span(acme.database, acme.rules, since, until),
        report_queries.first_mention_at(acme.database),
        [row["id"] for row in report_queries.voices(acme.database, since, until, praise=False, limit=9)],
        report_queries.count_unanswered(acme.database, since, until),
        [each.id for each in finding.find(acme.database, finding.Filter())],
        [each.id for each in finding.find(acme.database, finding.Filter(search="initech"))],
        count(acme.database, "cases"), count(acme.database, "stories"), count(acme.database, "heard"),
        len(messages(acme.database)),
    ]  # fmt: skip


def kept(acme: Assembly, kind: str = "all") -> list[str]:
    return [row["text"] for row in competitors.listed(acme.database, kind, ["Initech"])]


def test_until_one_is_named_nothing_of_them_is_kept(database: Sqlite | Postgresql, tmp_path: Path) -> None:
    acme = assembled(database, tmp_path, tables="")
    take(acme, post(CURSED), post(SEEKING))
    assert count(acme.database, "posts") == 0
    assert share_of_voice.of_span(acme.database, acme.rules, NOW - DAY, NOW) == share_of_voice.ShareOfVoice()


def test_no_figure_of_ours_counts_them_and_nobody_is_told(acme: Assembly) -> None:
    take(acme, post(ANGRY), post(LATE, author="mira"))
    before = figures(acme)
    for number in range(3):
        words = [f"{each} {number}" for each in (CURSED, WARM, SEEKING)]
        take(acme, *(post(each, author=f"p{number}{n}", ago=HOUR) for n, each in enumerate(words)))
    assert len(kept(acme)) == 9
    assert figures(acme) == before


def test_what_is_praised_cursed_and_asked_is_told_apart(acme: Assembly) -> None:
    take(acme, post(CURSED, author="a"), post(WARM, author="b"), post(SEEKING, author="c"))
    assert kept(acme, "cursed") == [CURSED]
    assert kept(acme, "praised") == [WARM]
    assert kept(acme, "leads") == [SEEKING]
    (lead,) = competitors.listed(acme.database, "leads", ["Initech"])
    with acme.database.transaction():
        assert competitors.done(acme.database, lead["post_id"], "Ana", NOW)
        assert not competitors.done(acme.database, lead["post_id"], "Ben", NOW)
    assert kept(acme, "leads") == []
    with acme.database.transaction():
        assert competitors.undone(acme.database, lead["post_id"])
    assert competitors.count_leads(acme.database, ["Initech"]) == (1, 1)
    assert competitors.count_leads(acme.database, ["Globex"]) == (0, 0)


def test_a_post_about_both_is_ours_and_theirs_and_is_seen_once_more_as_nothing_new(acme: Assembly) -> None:
    both = post("Initech was bad, but Acme charged me for the wrong box and nobody answers!", native_id="both")
    assert take(acme, both)
    assert take(acme, both) == []
    assert (count(acme.database, "posts"), count(acme.database, "mentions")) == (1, 1)
    assert len(kept(acme)) == 1


def test_anger_at_a_named_competitor_is_not_anger_at_us(acme: Assembly) -> None:
    (verdict,) = [each.verdict for each in acme.intake.judge_posts([post("Initech is terrible. I like Acme.")])]
    assert verdict.lane != "ping"
    assert "initech" in acme.judge._brands["Acme"].aim.competitors


@pytest.mark.parametrize(
    "fields",
    [{"author": "acme_care"}, {"author": "acme_staff"}, {"unsearchable": True}, {"source": "nowhere"}],
    ids=["our own", "ignored", "does not want to be found", "a source that is not read"],
)
def test_what_may_not_be_kept_is_not(acme: Assembly, fields: dict[str, Any]) -> None:
    take(acme, post(CURSED, **fields))
    assert kept(acme) == []


def test_whoever_is_not_to_be_contacted_is_no_lead_as_long_as_that_holds(acme: Assembly) -> None:
    (number,) = take(acme, post(ANGRY, author="olga"))
    take(acme, post(SEEKING, author="olga"))
    assert kept(acme, "leads") == [SEEKING]
    with acme.database.transaction():
        do_not_contact.set_for(acme.database, case(acme.database, number), of_name("Ana"), "test", NOW)
    assert (kept(acme, "leads"), competitors.count_leads(acme.database, ["Initech"]), len(kept(acme))) == (
        [],
        (0, 0),
        1,
    )
    with acme.database.transaction():
        do_not_contact.end_for(acme.database, case(acme.database, number), of_name("Ana"), "test", NOW)
    assert kept(acme, "leads") == [SEEKING]


# --- Sources ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "read"), [("", False), ("competitors = true\n", True), ("competitors = false\n", False)]
)
def test_what_costs_money_is_read_for_them_only_where_it_says_so(tmp_path: Path, said: str, read: bool) -> None:
    settings = settings_from(
        tmp_path, tables=NAMED, sources=X.replace("#COMPETITORS", said), environ={"TOKEN": "secret"}
    )
    assert ("x" in sources_of(settings)) is read
    assert "forum" in sources_of(settings)
    assert "reviews" not in sources_of(settings), "a place of our own says nothing of others"
    assert sources_of(settings_from(tmp_path)) == ()


class Asked:
    """A network that remembers by which words it was asked."""

    def __init__(self) -> None:
        self.terms: list[tuple[str, ...]] = []
        self.wanted: list[list[bool]] = []

    def fetch(self, request: Request) -> Batch:
        self.terms.append(request.terms)
        assert request.wants is not None
        self.wanted.append([request.wants(each) for each in ("ÀCME!", "an Initech", "nothing")])
        return Batch((post(CURSED, source=request.source, native_id="1"),), "1")


def test_a_source_is_asked_for_their_words_and_the_cursor_moves_with_what_it_brought(
    database: Sqlite | Postgresql, tmp_path: Path
) -> None:
    acme = assembled(
        database, tmp_path, sources='[[sources]]\nname = "quiet"\nkind = "hackernews"\ncompetitors = false\n'
    )
    for name in ("forum", "quiet"):
        network = Asked()
        acme.collector.connectors[name] = network  # type: ignore[index]
        acme.collector.visit(name, "posts", lambda: NOW)
        assert ("initech" in network.terms[0]) is (name == "forum")
        assert network.wanted == [[True, name == "forum", False]]
    assert [row["source"] for row in competitors.listed(acme.database, "all", ["Initech"])] == ["forum"]
    health = sources.health(acme.database, "forum")
    assert health is not None
    assert (health.last_success_at, health.last_new_at) == (NOW, None), "it brought nothing about us"


# --- Share of voice ---------------------------------------------------------------------------------------------------


def test_the_share_is_of_what_was_read_in_the_same_places(database: Sqlite | Postgresql, tmp_path: Path) -> None:
    acme = assembled(database, tmp_path, sources='[[sources]]\nname = "ours"\nkind = "hackernews"\nabout = "Acme"\n')
    take(acme, post(ANGRY, author="a"), post("Acme again", author="b"), post("lovely", author="c", source="ours"))
    take(acme, post("I like globex", author="d"), post(CURSED, author="e"), post(CURSED, author="f", ago=8 * DAY))
    found = share_of_voice.of_span(acme.database, acme.rules, NOW - 7 * DAY, NOW)
    assert [(each.name, each.ours, each.share.part, each.share.base) for each in found.voices] == [
        ("Acme", True, 2, 4), ("Globex", True, 1, 4), ("Initech", False, 1, 4),
    ]  # fmt: skip
    assert (found.base, found.few, "ours" in found.sources) == (4, True, False)
    initech = found.voices[-1]
    assert (initech.negative.part, initech.negative.base, initech.praised) == (1, 1, 0)
    assert initech.topics == (("billing", 1),)
    assert initech.incomplete, "it was named in the middle of the span"
    later = share_of_voice.of_span(acme.database, acme.rules, NOW, NOW + DAY, "Acme")
    assert [(each.name, each.incomplete) for each in later.voices] == [("Acme", False), ("Initech", False)]


# --- Forgetting -------------------------------------------------------------------------------------------------------


def test_a_person_who_is_erased_is_erased_there_too_and_does_not_come_back(acme: Assembly) -> None:
    take(acme, post(CURSED, author="olga", native_id="1"), post(CURSED + " Really.", author="mira"))
    held = list(export.held_of(acme.database, "forum", "olga", NOW))
    assert [row["table"] for row in held] == ["person", "posts", "competitor_mentions"]
    forgetting.erase(acme.database, acme.rules, "forum", "olga", who="Ana", way="test", now=NOW)
    assert count(acme.database, "competitor_mentions", "author = 'olga'") == 0
    assert kept(acme) == [CURSED + " Really."]
    take(acme, post(CURSED, author="olga", native_id="1"))
    assert count(acme.database, "competitor_mentions", "author = 'olga'") == 0


def test_a_person_who_is_erased_while_their_post_is_judged_is_not_stored(acme: Assembly) -> None:
    take(acme, post(f"{CURSED} Really.", author="olga"))
    said = acme.intake.competitors.hear([post(CURSED, author="olga")], acme.judge, NOW)
    forgetting.erase(acme.database, acme.rules, "forum", "olga", who="Ana", way="test", now=NOW)
    with acme.database.transaction():
        acme.intake.competitors.keep(said, NOW)
    assert (len(said), kept(acme)) == (1, [])


def test_their_posts_are_kept_as_long_as_all_others(acme: Assembly) -> None:
    take(acme, post(CURSED, author="olga"))
    retention.retain(acme.database, acme.settings, NOW + 300 * DAY)
    assert len(kept(acme)) == 1
    assert retention.retain(acme.database, acme.settings, NOW + 366 * DAY) == 1
    assert (kept(acme), count(acme.database, "competitor_mentions", "author <> ''")) == ([], 0)


def test_with_the_setting_the_purpose_ends_and_what_was_kept_for_it_goes(acme: Assembly, tmp_path: Path) -> None:
    both = "Initech was bad, but Acme charged me for the wrong box and nobody answers!"
    take(acme, post(CURSED, author="olga"), post(both, author="mira"))
    assert retention.retain(acme.database, acme.settings, NOW + DAY) == 0
    assert retention.retain(acme.database, settings_from(tmp_path), NOW + DAY) == 1
    assert (kept(acme), count(acme.database, "posts", "purged_at <> ''")) == ([both], 1)


def test_what_the_network_deletes_is_forgotten_there_too(acme: Assembly) -> None:
    take(acme, post(CURSED, native_id="1"), post(WARM, native_id="2", author="mira", author_id="m-1"))
    with acme.database.transaction():
        forgetting.deleted(acme.database, "forum", ["1"], ["m-1"], NOW)
    assert kept(acme) == []


def test_the_conversation_of_a_case_shows_none_of_it(acme: Assembly) -> None:
    take(acme, post(ANGRY, native_id="root", thread_id="root"), post(CURSED, author="mira", thread_id="root"))
    assert [row["native_id"] for row in pages.thread(acme.database, "forum", "root", NOW)] == ["root"]


def test_of_their_posts_only_what_is_shown_is_stored(acme: Assembly) -> None:
    take(acme, post(CURSED, raw='{"all": "of it"}'))
    assert count(acme.database, "posts", "raw <> ''") == 0


# --- What is told of it -----------------------------------------------------------------------------------------------


def test_check_says_that_it_is_a_purpose_of_its_own_and_what_it_costs(tmp_path: Path) -> None:
    file = settings_from(tmp_path, tables=NAMED, sources=X, environ={"TOKEN": "secret"}).file
    said = " ".join(earful(file, "check", TOKEN="secret", COLUMNS="200").stdout.split())
    assert "posts about Initech are kept too (forum, chirp, news), to measure your share of what is said" in said
    assert "x is not searched for Initech; with competitors = true it is, at $0.005 a post" in said
    file.write_text(file.read_text().replace("#COMPETITORS", "competitors = true"))
    said = " ".join(earful(file, "check", TOKEN="secret", COLUMNS="200").stdout.split())
    assert "x is also searched for Initech: $0.005 a post, within the same budget" in said


def test_a_name_is_a_brand_or_a_competitor_and_its_query_must_be_sound(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        settings_from(tmp_path, tables=NAMED.replace("Initech", "acme") + NAMED.replace('"initech"', '"(initech"'))
    said = str(refused.value)
    assert 'competitors[0].name: found "acme", which is a brand of yours' in said
    assert 'competitors[1].query: found "(initech"' in said


def test_a_competitor_under_another_name_keeps_what_was_said_of_it(acme: Assembly, tmp_path: Path) -> None:
    take(acme, post("Anybody know an alternative to Initech? I am leaving them", author="olga"))
    before = count(acme.database, "competitor_mentions", "competitor = 'Initech'")
    assert before
    for _ in range(2):
        assembled(acme.database, tmp_path, NAMED.replace('"Initech"', '"Initrode"\nwas = ["Initech"]'))
    assert count(acme.database, "competitor_mentions", "competitor = 'Initrode'") == before
    assert count(acme.database, "competitor_mentions", "competitor = 'Initech'") == 0
    with acme.database.transaction():
        acme.database.run(
            "INSERT INTO competitor_mentions (post_id, competitor, source, author, posted_at, seen_at, label) "
            "SELECT post_id, 'Initech', source, author, posted_at, seen_at, label FROM competitor_mentions"
        )
        assert competitors.rename(acme.database, "Initech", "Initrode"), "came under both names: it is one history"
        assert not competitors.rename(acme.database, "Initech", "Initrode")
    assert count(acme.database, "competitor_mentions") == before
    twice = f'{NAMED}was = ["initech"]\n'
    with pytest.raises(SettingsError, match="is or was the name of another competitor"):
        settings_from(tmp_path, tables=twice)
