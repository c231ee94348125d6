"""What staff teach: heard only when it has proved itself, bounded, the same whatever the order, and undoable."""

from __future__ import annotations

import csv
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors import Post
from monitor.text.features import BrandProfile
from monitor.text.judge import Judge
from monitor.text.model import training
from monitor.text.model.calibration import sigmoid
from monitor.text.model.evaluation import roc_area
from monitor.text.model.fitting import Case, Stands, cases_of, lines_of
from monitor.text.model.trained import UNHAPPY, Answer, Learned, Lesson, strongest_words
from monitor.types import Mention, Verdict

NOW = datetime(2026, 11, 3, 9, tzinfo=UTC)
SHARED = Path(__file__).resolve().parents[4] / "shared" / "data" / "mentions"

# A brand of kettles, whose customers complain in words that no shipped model knows.
COMPLAINTS = ("the lid wobbles", "it hums all night", "limescale after a day", "the spout dribbles")
CHATTER = ("new colour in the window", "tea with my sister", "saw the kettle advert", "polka dots on mine")
FILLER = ("today", "on Monday", "in the kitchen", "at my aunt's", "this week", "as I said", "for what it is worth")


def lesson(number: int, answer: Answer, text: str, by: str = "ana", odds: float = 0.0) -> Lesson:
    when = NOW + timedelta(hours=number)
    return Lesson(f"x:{number}", tuple(text.split()), {"length": 1.5}, odds, answer, by, when)


def kettles(number: int, seed: int = 1, share: float = 0.4, people: int = 3) -> list[Lesson]:
    chance = random.Random(seed)
    out = []
    for place in range(number):
        yes = chance.random() < share
        text = f"{chance.choice(COMPLAINTS if yes else CHATTER)} {chance.choice(FILLER)} {chance.choice(FILLER)}"
        odds = chance.gauss(0.0, 1.0)  # the shipped judge knows nothing of kettles
        out.append(lesson(place, "yes" if yes else "not_a_complaint", text, f"person{place % people}", odds))
    return out


def area(learned: Learned, lessons: list[Lesson]) -> float:
    odds = [learned.odds(each.odds, each.tokens, each.signals) for each in lessons]
    return roc_area([each.answer == "yes" for each in lessons], odds)


def test_two_hundred_answers_teach_a_brands_own_words() -> None:
    learned = training.learn(kettles(200))
    fresh = kettles(300, seed=2)
    assert learned.blend > 0
    assert not learned.figures.why_off
    assert area(Learned(), fresh) < 0.6
    assert area(learned, fresh) > 0.9


def test_staff_who_answer_by_the_mood_teach_that() -> None:
    """How unhappy the model finds a writer is known beside what a post needs: no word of it has to be learned anew."""

    def moody(number: int, seed: int) -> list[Lesson]:
        chance = random.Random(seed)
        found = []
        for place in range(number):
            mood = chance.gauss(0.0, 2.0)
            text = f"{chance.choice(CHATTER)} {chance.choice(FILLER)}"
            answer: Answer = "yes" if mood + chance.gauss(0.0, 0.5) > 0 else "not_a_complaint"
            each = lesson(place, answer, text, f"person{place % 3}", chance.gauss(0.0, 1.0))
            found.append(replace(each, signals={**each.signals, UNHAPPY: mood}))
        return found

    assert area(training.learn(moody(40, 1)), moody(300, 2)) > 0.9
    learned = training.learn(moody(200, 1))
    assert area(learned, moody(300, 2)) > 0.95
    assert all(UNHAPPY not in word for words in strongest_words(learned) for word, _ in words)


@pytest.mark.parametrize(("text", "language"), [("Der Wasserkocher ist kaputt", "de"), ("the kettle is broken", "en")])
def test_a_lesson_says_how_unhappy_a_writer_is_in_every_language(text: str, language: str) -> None:
    """Where no model tells the mood, what words and cues add up to stands for it: above all, not for "in between"."""
    judge = Judge([])
    calm = "Der Wasserkocher steht hier" if language == "de" else "the kettle stands here"
    worse, better = (
        judge.lesson(Post("x", "1", "", "a", each, NOW, lang=language), "", "yes", "ana", NOW).signals[UNHAPPY]
        for each in (text, calm)
    )
    assert worse > better
    assert better < -1.0


def test_the_strongest_words_are_the_ones_that_were_taught() -> None:
    needs, left = strongest_words(training.learn(kettles(300)), 12)
    assert {"wobbles", "dribbles", "hums", "limescale"} & {word for word, _ in needs}
    assert {"advert", "sister", "colour", "dots"} & {word for words, _ in left for word in words.split()}
    assert all(weight > 0 for _, weight in needs)
    assert all(weight < 0 for _, weight in left)


def test_answers_that_follow_no_rule_are_not_heard() -> None:
    """Chance labels: whatever is learned from them does no better on answers held aside."""
    chance = random.Random(5)
    heard = 0
    for seed in range(6):
        lessons = [
            replace(each, answer=chance.choice(("yes", "not_a_complaint")), odds=0.0) for each in kettles(120, seed)
        ]
        heard += training.learn(lessons).blend > 0
    assert heard <= 1


def test_a_judge_that_is_already_right_is_left_alone_or_at_least_not_made_worse() -> None:
    lessons = [replace(each, odds=4.0 if each.answer == "yes" else -4.0) for each in kettles(200)]
    learned = training.learn(lessons)
    fresh = [replace(each, odds=4.0 if each.answer == "yes" else -4.0) for each in kettles(200, seed=9)]
    assert area(learned, fresh) > 0.99


def test_too_few_answers_and_one_kind_only_teach_nothing_and_say_why() -> None:
    assert "5 of 20 answers" in training.learn(kettles(5)).figures.why_off
    only_yes = [replace(each, answer="yes") for each in kettles(100)]
    learned = training.learn(only_yes)
    assert (learned.blend, learned.weights) == (0.0, {})
    assert "100 yes and 0 no" in learned.figures.why_off
    assert training.learn([]).blend == 0.0


def test_the_order_of_answers_does_not_matter() -> None:
    lessons = kettles(150)
    shuffled = lessons[:]
    random.Random(3).shuffle(shuffled)
    assert training.learn(shuffled) == training.learn(lessons)


def test_a_person_who_answers_again_replaces_the_earlier_answer() -> None:
    first = lesson(1, "yes", "the lid wobbles")
    second = replace(first, answer="not_a_complaint", at=first.at + timedelta(hours=1))
    assert [each.answer for each in training.newest([second, first])] == ["not_a_complaint"]


def test_people_who_contradict_each_other_teach_less() -> None:
    alone = cases_of([lesson(1, "yes", "the lid wobbles", "ana")])
    both = cases_of(
        [lesson(1, "yes", "the lid wobbles", "ana"), lesson(1, "not_a_complaint", "the lid wobbles", "ben")]
    )
    assert (alone[0].target, both[0].target) == (1.0, 0.5)
    assert both[0].weight < alone[0].weight


def test_ten_thousand_answers_that_contradict_each_other_are_sane() -> None:
    lessons = kettles(5_000, people=5)
    turned = [
        replace(each, by=f"{each.by} too", answer="not_a_complaint" if each.answer == "yes" else "yes")
        for each in lessons
    ]
    learned = training.learn([*lessons, *turned])
    assert learned.figures.answers == 10_000
    assert all(abs(weight) < 50 for weight in learned.weights.values())


def test_one_persons_spree_cannot_turn_what_the_others_taught() -> None:
    """Six hundred dismissals in one day, by one person, of just what three others call complaints."""
    team = kettles(240)
    spree = [
        replace(lesson(10_000 + n, "not_a_complaint", f"{COMPLAINTS[n % 4]} {FILLER[n % 7]}", "zoe"), at=NOW)
        for n in range(600)
    ]
    before = area(training.learn(team), kettles(300, seed=2))
    after = training.learn([*team, *spree])
    own = replace(after, blend=1.0)
    assert before > 0.9
    assert area(own, kettles(300, seed=2)) > 0.75


def test_five_in_a_hundred_are_learned_too() -> None:
    learned = training.learn(kettles(600, share=0.05))
    assert learned.blend > 0
    assert area(learned, kettles(600, seed=4, share=0.05)) > 0.85


def test_ten_thousand_answers_at_once_are_learned_and_bounded() -> None:
    chance = random.Random(1)
    lessons = [
        replace(each, tokens=(*each.tokens, *(f"word{chance.randrange(30_000)}" for _ in range(6))))
        for each in kettles(10_000)
    ]
    learned = training.learn(lessons)
    assert learned.figures.answers == 10_000
    assert len(learned.weights) <= 20_000
    assert area(learned, kettles(300, seed=2)) > 0.9


def answered(odds: float, needed: bool, number: int, own: float) -> tuple[Case, float]:
    """An answer about a post whose ping begins at 0 and whose list begins at -1, and what was learned of it."""
    return Case(str(number), [], odds, float(needed), 1.0, NOW, (), 0.0, -1.0), own


def moves(rows: list[tuple[Case, float]], stream: list[Stands]) -> tuple[float, float]:
    return lines_of([case for case, _ in rows], [own for _, own in rows], stream)


def came(odds: float, own: float) -> Stands:
    """A post of the stream, with the same lines."""
    return Stands((odds, odds + 1.0), (own, own + 1.0), sigmoid(own))


def test_as_many_are_called_for_as_before_and_no_more_listed_whatever_the_answers_were_about() -> None:
    # Learning has set everybody lower by one and a half: by the shipped lines, all that was listed would be lost.
    rows = [answered(0.5 - n / 100, n % 2 == 0, n, -1.0 - n / 100) for n in range(40)]
    stream = [came(1.0 - n / 50, -0.5 - n / 50) for n in range(200)]  # 51 pings, 50 in the list
    ping, sweep = moves(rows, stream)
    assert sum(each.after[0] >= ping for each in stream) in range(40, 52)
    assert sum(each.after[0] < ping and each.after[1] >= sweep for each in stream) in range(1, 50)


def test_fewer_are_called_for_and_listed_where_answers_held_aside_lose_nothing_by_it() -> None:
    """Half of the pings were wrong, and what was learned knows which: nobody is called for them any more."""
    rows = [answered(0.5, n % 2 == 0, n, 1.0 if n % 2 == 0 else -5.0) for n in range(40)]
    stream = [came(0.5, 1.0 if n % 2 == 0 else -5.0) for n in range(40)] + [
        came(-0.5, -3.0 - n / 20) for n in range(40)
    ]
    ping, sweep = moves(rows, stream)
    assert sum(each.after[0] >= ping for each in stream) <= 20
    assert sum(each.after[0] < ping and each.after[1] >= sweep for each in stream) <= 20
    assert all(own >= ping for case, own in rows if case.target == 1)


def test_without_a_stream_the_answers_stand_for_it_and_none_at_all_move_nothing_far() -> None:
    rows = [answered(0.5, True, n, -0.9) for n in range(20)] + [answered(-0.5, True, n, -1.9) for n in range(20, 40)]
    ping, sweep = moves(rows, [])
    assert -1.9 < ping <= -0.9
    assert -0.9 <= sweep <= 0.0
    assert moves(rows, [came(-9.0, -9.0)]) == (0.0, 0.0)  # nobody was called for, nothing listed


def test_quiet_answers_stand_for_all_that_was_quiet() -> None:
    """One quiet post that is needed stands for ten: a list that is short enough to lose it is no good."""
    rows = [answered(0.5, True, n, 0.5) for n in range(30)] + [answered(-0.5, True, n, -0.5) for n in range(30, 40)]
    rows += [answered(-2.0, n == 40, n, -0.9 if n == 40 else -2.0) for n in range(40, 44)]
    stream = [came(case.odds, own) for case, own in rows] + [came(-0.5, -0.4 - n / 50) for n in range(30)]
    _, sweep = moves(rows, stream)
    assert sweep <= -0.9 + 1.0


def test_a_stream_that_would_lose_more_below_the_lines_keeps_its_list() -> None:
    """Answers are about what was shown: that a shorter list loses nothing of them says little of the other posts."""
    rows = [answered(0.5, True, n, 0.5) for n in range(30)] + [answered(-0.5, True, n, -0.1) for n in range(30, 40)]
    rows += [answered(-2.0, False, n, -2.0) for n in range(40, 44)]
    stream = [came(case.odds, own) for case, own in rows] + [came(-0.5, -0.4 - n / 50) for n in range(30)]

    def listed(chance: float) -> int:
        posts = [replace(each, chance=0.9 if each.after[0] >= -0.1 else chance) for each in stream]
        ping, sweep = moves(rows, posts)
        return sum(each.after[0] < ping and each.after[1] >= sweep for each in posts)

    assert listed(0.0) < listed(0.3)


def test_it_is_kept_as_text_and_read_back_the_same() -> None:
    learned = training.learn(kettles(200))
    again = Learned.from_json(learned.to_json())
    assert again.to_json() == learned.to_json()
    assert again.figures == learned.figures
    each = kettles(1, seed=8)[0]
    assert again.odds(0.3, each.tokens, each.signals) == pytest.approx(
        learned.odds(0.3, each.tokens, each.signals), abs=1e-3
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        '{"format": 99}',
        '{"format": 1, "weights": 3}',
        "\x00",
        '{"format":1,"weights":{"a":"b"}}',
    ],
)
def test_damaged_text_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match="learn"):
        Learned.from_json(text)


def test_numbers_that_are_none_are_refused() -> None:
    text = training.learn(kettles(200)).to_json().replace('"bias": ', '"bias": NaN, "was": ', 1)
    with pytest.raises(ValueError, match="learn"):
        Learned.from_json(text)


def test_nothing_learned_changes_nothing() -> None:
    assert Learned().odds(0.7, ("a",), {"question": 1.0}) == 0.7


def test_one_more_answer_moves_a_post_like_it_at_once() -> None:
    learned = replace(training.learn(kettles(200)), blend=1.0)
    new = lesson(5_000, "yes", "the handle squeaks")
    before = learned.odds(0.0, new.tokens, new.signals)
    for _ in range(10):
        learned = training.update(learned, new)
    assert learned.odds(0.0, new.tokens, new.signals) > before
    assert learned.figures.answers == 210


def test_the_judge_hears_what_was_learned_for_that_brand_only() -> None:
    voices = [BrandProfile("Kettles"), BrandProfile("Pans")]
    plain = Judge(voices)
    chance = random.Random(2)
    taught = []
    for number in range(240):
        yes = number % 2 == 0
        text = f"{chance.choice(COMPLAINTS if yes else CHATTER)} {chance.choice(FILLER)}"
        post = Post("x", str(number), "", f"a{number}", text, NOW, lang="en")
        answer: Answer = "yes" if yes else "not_us"
        taught.append(plain.lesson(post, "Kettles", answer, f"person{number % 3}", NOW + timedelta(hours=number)))
    learned = training.learn(taught)
    judge = Judge(voices, learned={"Kettles": learned})
    post = Post("x", "new", "", "b", "again the spout dribbles", NOW, lang="en")
    assert judge.verdict(post, "Kettles").needs_answer > plain.verdict(post, "Kettles").needs_answer
    assert judge.verdict(post, "Pans") == plain.verdict(post, "Pans")
    assert "learned/240" in judge.verdict(post, "Kettles").scorer
    assert any("your own answers" in words for words, _ in judge.explain(post, "Kettles").contributions)


def test_what_is_off_is_not_heard_by_the_judge() -> None:
    off = replace(training.learn(kettles(200)), blend=0.0)
    post = Post("x", "new", "", "b", "the spout dribbles", NOW, lang="en")
    found = Judge([BrandProfile("K")], learned={"K": off}).verdict(post, "K")
    assert found == Judge([BrandProfile("K")]).verdict(post, "K")


def quiet(number: int, needs: float, lane: str = "none", author: str = "") -> Mention:
    verdict = Verdict(0.0, "neutral", needs, lane, (), "test", "en")  # type: ignore[arg-type]
    post = Post("x", str(number), "", author or f"author{number}", "text", NOW)
    return Mention(f"m{number}", "Acme", post, verdict, NOW)


def test_quiet_posts_near_the_line_are_offered_and_some_by_lot() -> None:
    mentions = [quiet(number, number / 1000) for number in range(90)] + [quiet(99, 0.9, "ping")]
    offered = training.quiet_candidates(mentions, 6)
    assert len(offered) == 6
    assert [mention.id for mention in offered[:3]] == ["m89", "m88", "m87"]
    assert all(mention.verdict.lane == "none" for mention in offered)
    assert training.quiet_candidates(reversed(mentions), 6) == offered


def test_one_loud_author_is_offered_once() -> None:
    mentions = [quiet(number, 0.09, author="same") for number in range(5)] + [quiet(7, 0.01)]
    assert len(training.quiet_candidates(mentions, 5)) == 2
    assert training.quiet_candidates([], 5) == []
    assert training.quiet_candidates(mentions, 0) == []


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("file", "text", "label", "negative", "least"),
    [
        ("sanders.csv", "TweetText", "Sentiment", "negative", 0.01),
        ("airline.csv", "text", "airline_sentiment", "negative", 0.0),
    ],
)
def test_two_hundred_answers_on_real_posts_do_not_make_it_worse(
    file: str, text: str, label: str, negative: str, least: float
) -> None:
    """Random answers on real data, the rest held aside: the area goes up on average."""
    if not SHARED.is_dir():
        pytest.skip(f"NOT TESTED on real posts: {SHARED} is not there")
    judge = Judge([])
    with (SHARED / file).open(encoding="utf-8", errors="replace", newline="") as opened:
        rows = [row for row in csv.DictReader(opened) if row[text]]
    random.Random(11).shuffle(rows)
    lessons = [
        judge.lesson(
            Post("x", str(place), "", "a", row[text], NOW, lang="en"),
            "",
            "yes" if row[label] == negative else "not_a_complaint",
            f"person{place % 4}",
            NOW + timedelta(hours=place % 300),
        )
        for place, row in enumerate(rows[:1400])
    ]
    learned = training.learn(lessons[:200])
    assert area(learned, lessons[200:]) >= area(Learned(), lessons[200:]) + least


@pytest.mark.parametrize("tells", [True, False])
def test_an_encoder_is_heard_where_answers_held_aside_lose_less_by_it(tells: bool) -> None:
    """Figures that say nothing of the answers cost more than they bring: then words alone are learned."""
    chance = random.Random(3)

    def seen(each: Lesson) -> Lesson:
        sign = (1.0 if each.answer == "yes" else -1.0) if tells else chance.choice((1.0, -1.0))
        figures = [chance.gauss(0.0, 1.0) for _ in range(40)]
        size = sum(value * value for value in figures) ** 0.5
        return replace(each, vector=(sign * 0.8, *(0.6 * value / size for value in figures)))

    learned = training.learn([seen(each) for each in kettles(200)], "an encoder")
    assert learned.blend
    assert (bool(learned.vector), learned.encoder) == ((True, "an encoder") if tells else (False, ""))
    fresh = [seen(each) for each in kettles(200, seed=4)]
    odds = [learned.odds(each.odds, each.tokens, each.signals, each.vector if tells else ()) for each in fresh]
    assert roc_area([each.answer == "yes" for each in fresh], odds) > 0.9
