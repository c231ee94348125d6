"""Teams: a card of links that it takes whatever stands in it, and what a workflow's refusals mean."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from alerts import Action, ChannelError, Line
from alerts.teams import LARGEST, Settings, Teams, card, size
from tests.alerts.contract_teams import TAKEN, read
from tests.alerts.test_contract import ALERT, LETTER
from tests.fakes.server import FakeServer, Reply

ENTRY = ALERT.entries[0]
PAGE = "https://earful.example/cases/12"


def as_teams_counts(made: dict[str, Any]) -> int:
    """A card as a text inside of a document: each of its quotes weighs two."""
    return len(json.dumps(json.dumps(made, ensure_ascii=False), ensure_ascii=False).encode())


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as running:
        running.route("/flow", Reply(202))
        yield running


@pytest.fixture
def teams(server: FakeServer) -> Teams:
    return Teams(Settings(url=SecretStr(f"{server.url}/flow?sig=abc"), timeout=1.0))


def test_one_case_has_its_words_and_links_to_the_post_the_page_and_what_can_be_pressed_there() -> None:
    acted = replace(
        ENTRY, page_url=PAGE, actions=(Action("take", "I have it", "12", f"{PAGE}/s/abc"), Action("more", "More", "12"))
    )
    made = card(replace(ALERT, entries=(acted,), ping=("Ana", "Ben"), footer="Overdue at 15:00"))
    assert read(made).splitlines()[:2] == ["For Ana, Ben ", f"{ENTRY.headline} "]
    (buttons,) = [block["actions"] for block in made["body"] if block["type"] == "ActionSet"]
    assert [(each["title"], each["url"]) for each in buttons] == [
        ("The post", ENTRY.url), ("Case 12", PAGE), ("I have it", f"{PAGE}/s/abc"),
    ]  # fmt: skip
    assert {each["type"] for each in buttons} == {"Action.OpenUrl"}, "nothing that a workflow could not answer"
    assert made["fallbackText"] == f'{ENTRY.headline}: "{ENTRY.excerpt}"'
    assert "Overdue at 15:00" in read(made)


def test_what_is_done_about_the_whole_is_a_link_below_it() -> None:
    actions = (Action("take", "I have it", "incident:1", f"{PAGE}/take"), Action("end", "It is over", "incident:1"))
    made = card(replace(ALERT, entries=(), also=(Line("23 people"),), actions=actions, page_url=PAGE))
    assert [(each["title"], each["url"]) for each in made["actions"]] == [
        ("I have it", f"{PAGE}/take"), ("Show all", PAGE),
    ]  # fmt: skip


def test_foreign_words_are_never_read_as_markup() -> None:
    """A TextBlock would make a link of the first, and of the second a headline."""
    for words in ("[your bank](https://evil.example)", "# Urgent **call** <at>everyone</at>"):
        made = card(replace(ALERT, entries=(replace(ENTRY, excerpt=words, headline=words),)))
        assert {block["type"] for block in made["body"]} == {"RichTextBlock", "ActionSet"}
        assert read(made).count(words) == 2
        assert "entities" not in made["msteams"], "nobody is rung by what a stranger wrote"


def test_several_cases_have_two_links_each_and_one_to_all() -> None:
    entries = tuple(
        replace(ENTRY, case_id=str(n), page_url=f"{PAGE}{n}", actions=(Action("take", "I have it", str(n), PAGE),))
        for n in range(3)
    )
    made = card(replace(ALERT, entries=entries, also=(Line("@six on X: late", page_url=f"{PAGE}6"),), page_url=PAGE))
    said = read(made)
    assert said.startswith(ALERT.title)
    assert "I have it" not in said
    assert f"@six on X: late {PAGE}6" in said
    assert [each["url"] for each in made["actions"]] == [PAGE]


@pytest.mark.parametrize("letter", ["a", '"', "é", "語", "🔥"])
def test_a_card_fits_whatever_its_letters_weigh_and_says_what_it_left_out(letter: str) -> None:
    long = replace(
        ENTRY, headline=letter * 400, excerpt=letter * 9_000, facts=(letter * 900,) * 9, url=PAGE + "x" * 1_900
    )
    many = replace(ALERT, entries=(long,) * 5, also=tuple(Line(letter * 300, PAGE) for _ in range(80)), more=90)
    made = card(many)
    assert size(made) <= LARGEST
    assert as_teams_counts(made) <= TAKEN
    shown = sum(block.get("separator", False) for block in made["body"])
    assert 1 <= shown <= 5
    assert shown == 5 or f"{95 - shown} more cases on the page" in read(made)
    assert letter * 50 in read(made)


def test_fewer_words_come_before_fewer_cases() -> None:
    long = replace(ENTRY, excerpt="語" * 900, facts=("語" * 190,))
    made = card(replace(ALERT, entries=(long,) * 5))
    assert sum(block.get("separator", False) for block in made["body"]) == 5
    assert size(made) <= LARGEST


def test_a_long_letter_is_cut_and_says_so(teams: Teams, server: FakeServer) -> None:
    for text in ("A line of the week.\n" * 2_000, '"' * 40_000):
        teams.send(replace(LETTER, text=text), "teams")
        made = server.ledger[-1].json["attachments"][0]["content"]
        assert as_teams_counts(made) <= TAKEN
        assert read(made).rstrip().endswith("…")


def test_check_posts_nothing_and_says_what_teams_cannot_do(teams: Teams, server: FakeServer) -> None:
    said = teams.check()
    assert server.ledger[-1].json == {"type": "message", "attachments": []}
    assert "can't edit" in said
    assert "links instead of buttons" in said


@pytest.mark.parametrize(
    ("answer", "flag"),
    [
        (Reply(400, json={"error": {"code": "WorkflowTriggerIsNotEnabled"}}), "channel_broken"),
        (Reply(400, json={"error": {"code": "TriggerInputSchemaMismatch"}}), "channel_broken"),
        (Reply(404, json={"error": {"code": "WorkflowNotFound"}}), "channel_broken"),
        (Reply(401, json={"error": {"code": "DirectApiAuthorizationRequired"}}), "channel_broken"),
        (Reply(302, headers={"location": "https://elsewhere.example"}), "channel_broken"),
        (Reply(400, json={"error": {"code": "InvalidRequestContent"}}), "permanent"),
        (Reply(400, json={"error": {"code": "InvalidTemplate", "message": "Workflow 'a', Trigger"}}), "permanent"),
        (Reply(400, json={"error": {"code": "BadRequest", "message": '"code": "WorkflowNotFound"'}}), "permanent"),
        (Reply(400, body=b"Workflow"), "permanent"),
        (Reply(504), "outcome_unknown"),
    ],
)
def test_what_a_refusal_means(teams: Teams, server: FakeServer, answer: Reply, flag: str) -> None:
    server.route("/flow", answer)
    with pytest.raises(ChannelError) as refused:
        teams.send(ALERT, "teams")
    flags = [name for name in ("channel_broken", "permanent", "outcome_unknown") if getattr(refused.value, name)]
    assert flags == [flag]
    assert bool(refused.value.remedy) == (flag == "channel_broken")


def test_too_many_messages_wait_as_long_as_is_asked(teams: Teams, server: FakeServer) -> None:
    server.route("/flow", Reply(429, headers={"retry-after": "17"}))
    with pytest.raises(ChannelError) as refused:
        teams.send(ALERT, "teams")
    assert refused.value.retry_after == 17.0


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://acme.webhook.office.com/webhookb2/abc", "Microsoft has ended"),
        ("https://outlook.office.com/webhook/abc", "Microsoft has ended"),
        ("acme.example/flow", "not an http"),
        ("https://acme.example/fl ow", "not an http"),
        ("https:///flow?sig=hidden", "not an http"),
    ],
)
def test_an_address_of_another_kind_is_refused_and_not_shown(url: str, why: str) -> None:
    with pytest.raises(ValidationError, match=why) as refused:
        Settings(url=SecretStr(url))
    assert "abc" not in str(refused.value)
    assert "hidden" not in str(refused.value)


def test_a_card_with_fewer_cases_counts_those_too_that_had_only_a_line() -> None:
    """It said "1 more case on the page" of fifty-six."""
    address = f"https://x.example/{'%E3%81%82' * 215}"
    entries = tuple(
        replace(
            ENTRY,
            case_id=str(n),
            headline="名" * 150,
            excerpt="語" * 280,
            facts=("理" * 199,) * 6,
            url=address,
            page_url=PAGE,
        )
        for n in range(5)
    )
    lines = tuple(Line(f"case {n}") for n in range(55))
    said = read(card(replace(ALERT, entries=entries, also=lines, more=55, page_url=PAGE)))
    shown = said.count("名" * 150)
    assert 0 < shown < 5
    assert f"{60 - shown} more cases on the page" in said
