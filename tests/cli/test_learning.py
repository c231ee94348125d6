"""`earful model`, `mute`, `backtest` and `eval`, as a person calls them."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from monitor.cases.actions import say
from monitor.cli import app
from monitor.cli.base import Failed
from monitor.ingest.file_import import FileUnreadable
from monitor.learning import feedback
from monitor.settings.loading import load
from monitor.store.sqlite import Sqlite
from tests.helpers import ANGRY, MINUTE, assembly_of, post, settings_on, take


@pytest.fixture
def folder(tmp_path: Path, sqlite: Sqlite) -> Path:
    """Settings and a database with sixty answers about the sample brand, by two people."""
    file = settings_on(tmp_path, sqlite)
    now = datetime.now(UTC)
    acme = assembly_of(sqlite, load(file, {}))
    for words, verb in (("the coyote's Acme rocket failed again, awful chase", "dismiss"), (ANGRY, "take")):
        posts = [post(f"{words} ({n})", author=f"{verb}{n}", at=now - MINUTE) for n in range(30)]
        for n, case_id in enumerate(take(acme, *posts, now=now)):
            say(acme.database, acme.rules, case_id, verb, who=("ANA", "BEN")[n % 2], way="page", now=now)
    for n in range(3):
        (opened,) = take(
            acme, post(f"poor Acme coyote, failed again ({n})", author="bugs", thread_id=f"t{n}", at=now), now=now
        )
        say(acme.database, acme.rules, opened, "dismiss", who="ANA", way="page", now=now, detail={"why": "not_us"})
    feedback.learn(acme.database, acme.settings, acme.intake.judge, "Acme", now)
    return tmp_path


def call(folder: Path, *words: str) -> str:
    return done(folder, *words).stdout


def done(folder: Path, *words: str) -> Result:
    result = CliRunner().invoke(app, ["--settings", str(folder / "settings.toml"), *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def asked(folder: Path, *words: str) -> list[Any]:
    return [json.loads(line) for line in call(folder, *words, "--json").splitlines()]


def test_model_shows_what_was_learned_from_whom_and_by_which_words(folder: Path) -> None:
    told = call(folder, "model", "--brand", "Acme")
    assert "answers: 30 needed an answer, 30 not a complaint, 3 not us" in told
    assert "does it need an answer? used, from 63 answers of 2 people, 30 of them yes" in told
    assert re.search(r"area under ROC [01]\.\d{3} before, [01]\.\d{3} after", told)
    table = told.splitlines()
    head = next(place for place, line in enumerate(table) if "points to yes" in line)
    against = table[head].index("points to no")
    numbers = table[head + 1 : head + 6]
    assert all(re.match(r"  \S.*\+\d\.\d\d", line) for line in numbers)
    assert all(line[against:].strip() and line[against - 1] == " " for line in numbers), "columns stand in line"
    assert "coyotes" in told
    assert "suggested    author" in told
    assert "forum/bugs" in told

    found = asked(folder, "model")
    assert [(each["brand"], each["version"]) for each in found] == [("Acme", 1), ("Globex", None)]
    assert found[0]["complaint"]["answers"] == 63
    assert found[0]["complaint"]["heard"] > 0
    assert found[0]["waiting"] is False
    assert found[1]["complaint"] is None


def test_model_undo_and_learn_again(folder: Path) -> None:
    with pytest.raises(Failed, match="say which brand with --brand; the settings have: Acme, Globex"):
        done(folder, "model", "undo")
    assert "only the built-in judge is used" in call(folder, "model", "undo", "--brand", "Acme", "--as", "LEA")
    (after,) = asked(folder, "model", "--brand", "Acme")
    assert (after["version"], after["complaint"]) == (None, None)
    assert [each["by"] for each in after["left_out"]] == ["LEA"]
    assert "undone by LEA on 20" in call(folder, "model", "--brand", "Acme")
    assert "nothing has been learned" in call(folder, "model", "undo", "--brand", "Acme")
    assert "used, from" in call(folder, "model", "learn", "--brand", "Acme")
    (again,) = asked(folder, "model", "--brand", "Acme")
    assert (again["version"], again["left_out"]) == (2, [])


def test_explain_hears_what_was_taught(folder: Path) -> None:
    (told,) = asked(folder, "explain", "the coyote's Acme balloon failed again, awful", "--brand", "Acme")
    assert told["scorer"].endswith("learned/63)")
    assert "what your own answers taught" in {words for words, _ in told["voices"]}


def test_explain_says_in_a_sentence_what_becomes_of_a_text_and_why(folder: Path) -> None:
    (told,) = asked(folder, "explain", "@globex my parcel never arrived, where is it?", "--brand", "Globex")
    assert told["sentence"].startswith(
        "needs an answer because it reports a fault (never arrived, where is it), asks you a question and"
    )
    assert f"a ping from {told['ping_from']:.2f} on, this is {told['needs_answer']:.2f}" in told["sentence"]
    shown = " ".join(call(folder, "explain", "lovely walk along the harbour", "--brand", "Globex").split())
    assert shown.startswith(
        "Needs no answer, because nothing in it is asked of you, and nothing is wrong; the list from"
    )
    text = "tell me \x1b[31m[bold]why[/bold] the @globex shop never answers?"
    assert "\x1b[31m" not in call(folder, "explain", text, "--brand", "Globex")


def test_mutes_are_offered_accepted_added_listed_and_taken_back(folder: Path) -> None:
    (offer,) = asked(folder, "mute", "list")
    assert (offer["kind"], offer["value"], offer["offered"]) == ("author", "forum/bugs", True)
    assert "mute 1 is active" in call(folder, "mute", "accept", "1", "--as", "ANA")
    with pytest.raises(Failed, match="there is no suggestion number 1"):
        done(folder, "mute", "accept", "1")
    assert "domain spam.example is muted for every brand" in call(
        folder, "mute", "add", "domain", "https://www.Spam.example/x"
    )
    assert "is already muted" in call(folder, "mute", "add", "domain", "spam.example")
    call(folder, "mute", "add", "community", "forum/Cartoons", "--brand", "Acme")
    standing = [(each["brand"], each["kind"], each["value"]) for each in asked(folder, "mute", "list")]
    assert standing == [
        ("Acme", "author", "forum/bugs"), (None, "domain", "spam.example"), ("Acme", "community", "forum/cartoons"),
    ]  # fmt: skip
    assert call(folder, "mute", "list").count("active") == 3
    said = call(folder, "mute", "add", "contact", "forum/ana", "--brand", "Acme")
    assert said.startswith("forum/ana is not to be contacted about Acme; undo with: ")
    for number in ("1", "2", "3", "4"):
        call(folder, "mute", "undo", number)
    assert call(folder, "mute", "list") == "Nobody is muted. No suggestions.\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "person", "forum/olga"), "'person' cannot be muted; write one of: author, community, contact, domain"),
        (("add", "author", "olga"), 'write "source/name" with one of the sources: forum, chirp, news'),
        (("add", "author", "nowhere/olga"), 'write "source/name"'),
        (("add", "domain", "spam"), "'spam' is not a domain"),
        (("add", "domain", "a.example", "--brand", "Nobody"), "no brand named Nobody"),
        (("undo", "99"), "there is no mute number 99"),
    ],
)
def test_what_cannot_be_muted_is_refused_with_what_to_write(folder: Path, words: tuple[str, ...], said: str) -> None:
    with pytest.raises(Failed, match=re.escape(said)):
        done(folder, "mute", *words)


def test_backtest_names_the_other_settings_after_the_command(folder: Path) -> None:
    text = (folder / "settings.toml").read_text(encoding="utf-8")
    (folder / "new.toml").write_text(text.replace('"acme_staff"', '"acme_staff", "take4"'), encoding="utf-8")
    for option in ("--settings", "--settings-file"):
        (told,) = asked(folder, "backtest", "--days", "3", option, str(folder / "new.toml"))
        assert (told["days"], told["posts"], told["gained"], told["moved"]) == (3, 63, [], [])
        assert [(each["author"], each["answer"], each["why"]) for each in told["lost"]] == [
            ("take4", "yes", "an ignored author")
        ]
    shown = call(folder, "backtest", "--settings", str(folder / "new.toml"))
    assert "Lost: 1; of these, people answered: 1 needed an answer" in shown
    assert "take4 on forum  (needed an answer)" in shown
    with pytest.raises(Failed, match="is the file in use today"):
        done(folder, "backtest", "--settings", str(folder / "settings.toml"))


def test_eval_tells_the_figures_apart_and_finds_the_line(folder: Path) -> None:
    rows = [("en", "forum", ANGRY, "negative"), ("en", "chirp", "lovely day at the museum", "positive")] * 6
    rows += [
        ("de", "forum", "Meine Bestellung ist nie angekommen", "negative"),
        ("", "forum", "schön hier", "positive"),
    ]
    file = folder / "labelled.csv"
    lines = ["lang,place,text,label", *(",".join((a, b, f'"{c}"', d)) for a, b, c, d in rows)]
    file.write_text("\n".join(lines), encoding="utf-8")
    named = ("eval", str(file), "--language", "lang", "--source", "place", "--precision", "0.7", "--recall", "0.9")
    (told,) = asked(folder, *named)
    assert (told["n"], told["negatives"]) == (14, 7)
    assert {name: row["n"] for name, row in told["groups"]["language"].items()} == {"en": 12, "-": 1, "de": 1}
    assert {name: row["n"] for name, row in told["groups"]["source"].items()} == {"forum": 8, "chirp": 6}
    assert [(line["wanted"], line["at_least"]) for line in told["lines"]] == [("precision", 0.7), ("recall", 0.9)]
    assert all(line[line["wanted"]] >= line["at_least"] for line in told["lines"])
    shown = call(folder, *named)
    assert "by language" in shown
    assert "precision of at least 0.7: threshold 0." in shown
    (plain,) = asked(folder, "eval", str(file))
    assert (plain["lines"], plain["groups"]) == ([], {})
    with pytest.raises(FileUnreadable, match="--language tongue"):
        done(folder, "eval", str(file), "--language", "tongue")
    with pytest.raises(Failed, match="no row has 'angry' in column label"):
        done(folder, "eval", str(file), "--negative", "angry")
    with pytest.raises(Failed, match="not a file"):
        done(folder, "eval", str(folder))
    (learned,) = asked(folder, "eval", str(file), "--brand", "Acme")
    assert learned["n"] == 14
    with pytest.raises(Failed, match="no brand named Nobody"):
        done(folder, "eval", str(file), "--brand", "Nobody")


def test_eval_reports_three_grades_the_list_and_each_language(folder: Path) -> None:
    rows = [(ANGRY, "must", "en"), ("@acme do you ship to Norway?", " Must ", "en"), ("acme lol", "no", "en"),
            ("Acme app is a bit slow lately", "look", "en"), ("schönes Wetter in Kiel heute", "no", "de")]  # fmt: skip
    file = folder / "graded.jsonl"
    file.write_text("\n".join(json.dumps({"text": a, "label": b, "lang": c}) for a, b, c in rows), encoding="utf-8")
    (told,) = asked(folder, "eval", str(file), "--language", "lang")
    assert (told["n"], told["negatives"]) == (5, 3)
    assert {grade: row["n"] for grade, row in told["queue"]["grades"].items()} == {"must": 2, "look": 1, "no": 2}
    assert told["queue"]["grades"]["must"]["nowhere"] == 0
    assert told["queue"]["list"]["share"] == round(told["queue"]["list"]["n"] / 5, 4)
    assert set(told["queue"]["list"]["first_quarter"]) == {"n", "precision"}
    assert {language: row["n"] for language, row in told["languages"].items()} == {"en": 4, "de": 1}
    shown = call(folder, "eval", str(file))
    assert "of its first quarter" in shown
    assert all(grade in shown for grade in ("must", "look", "nowhere"))
    (strict,) = asked(folder, "eval", str(file), "--negative", "must")
    assert strict["negatives"] == 2
