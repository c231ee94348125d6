"""What 200 answers of staff are worth: areas on posts that nobody has answered, before and after, on a new brand.

Of tweets staff answer what is negative; of written posts and of reviews, those that are never trained on, what needs an
answer.

Everything goes the real way: posts are taken in, what opened a case is answered with `monitor.cases.say`, a few quiet
posts a day are offered and answered too, and `monitor.learning.feedback` learns. The labelled data is not part of the
repository; without it this says so and ends well.

    python benchmarks/learning.py [folder of the data] [answers] [folder of an encoder, or "reader": see [judge]]
"""

from __future__ import annotations

import csv
import random
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import mean

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import labelled  # noqa: E402
from connectors import Post  # noqa: E402
from monitor.cases.actions import say  # noqa: E402
from monitor.learning import feedback  # noqa: E402
from monitor.settings.loading import load  # noqa: E402
from monitor.store import mentions  # noqa: E402
from monitor.text.model.evaluation import average_precision, count, roc_area  # noqa: E402
from monitor.wiring import Assembly, assemble, open_store  # noqa: E402

DATA = ROOT.parent / "shared" / "data" / "mentions"
NOW = datetime(2026, 3, 4, 8, 0, tzinfo=UTC)
# name, file, column of the words, of the label, the value that needs an answer
SETS = (
    ("airline", "airline.csv", "text", "airline_sentiment", "negative"),
    ("sanders", "sanders.csv", "TweetText", "Sentiment", "negative"),
    ("brands_32", "brands_32_relevance.csv", "text", "sentiment", "negative"),
    (
        "sxsw",
        "sxsw_brands.csv",
        "tweet_text",
        "is_there_an_emotion_directed_at_a_brand_or_product",
        "negative emotion",
    ),
)
SEEDS = (1, 2, 3)
A_DAY = 60  # posts that arrive on one day of the simulation
SETTINGS = """
[database]
url = "sqlite:learning.sqlite"
[[brands]]
name = "Brand"
query = "brand"
[[sources]]
name = "posts"
kind = "hackernews"
[[channels]]
name = "console"
kind = "console"
[alerts]
alert_not_older_than = "3650d"
[judge]
encoder = "{encoder}"
reader_teaches = {teaches}
"""


def read(path: Path, text: str, label: str, negative: str) -> list[tuple[str, bool]]:
    """The rows of a labelled file, whatever its encoding."""
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        rows = [row for row in csv.DictReader(file) if (row.get(text) or "").strip() and row.get(label)]
    return [(row[text], row[label].strip().casefold() == negative) for row in rows]


def question_sets() -> Iterator[tuple[str, list[tuple[str, bool]]]]:
    """The texts labelled with the question itself that no model was taught by, and whether they need an answer."""
    for name, every in (("written", labelled.written), ("reviews", labelled.drawn)):
        try:
            texts = [each for each in every() if each.held and each.language == "en" and each.dataset != "goemotions"]
        except labelled.DataAbsent as absent:
            print(f"\n{name}: NOT MEASURED, {absent}")
            continue
        yield f"{name}, by the question", [(each.text, each.grade != "no") for each in texts]


def sets(data: Path) -> Iterator[tuple[str, list[tuple[str, bool]]]]:
    """Each set that is here, with its texts."""
    for name, file, text, label, negative in SETS:
        if (data / file).is_file():
            yield name, read(data / file, text, label, negative)
        else:
            print(f"\n{name}: NOT MEASURED, {file} is not here")
    yield from question_sets()


def figures(assembly: Assembly, rest: list[tuple[str, bool]]) -> dict[str, float]:
    """How the judge as it stands does on the posts of the rest."""
    verdicts = [assembly.intake.judge.verdict(Post("posts", "-", "", "", text, NOW), "Brand") for text, _ in rest]
    labels, scores = [label for _, label in rest], [verdict.needs_answer for verdict in verdicts]
    ping = count(labels, [verdict.lane == "ping" for verdict in verdicts])
    both = count(labels, [verdict.lane != "none" for verdict in verdicts])
    return {
        "area": roc_area(labels, scores), "average precision": average_precision(labels, scores),
        "ping precision": ping.precision, "ping recall": ping.recall, "both lanes": both.recall,
        "sweep share": sum(verdict.lane == "sweep" for verdict in verdicts) / len(verdicts),
    }  # fmt: skip


def answer(assembly: Assembly, stream: list[tuple[str, bool]], answers: int, chance: random.Random) -> int:
    """Let days go by until so many answers are given; how many posts had arrived by then."""
    said, arrived, now = 0, 0, NOW
    while said < answers and arrived < len(stream):
        day = stream[arrived : arrived + A_DAY]
        truth = {f"p{arrived + n}": label for n, (_, label) in enumerate(day)}
        posts = [Post("posts", f"p{arrived + n}", "", f"a{arrived + n}", text, now) for n, (text, _) in enumerate(day)]
        opened = assembly.intake.take(posts, now, brand="Brand").opened
        arrived += len(day)
        offered = feedback.offer_quiet(assembly.database, assembly.rules, assembly.intake, now + timedelta(hours=23))
        for case_id in [*offered, *opened][: answers - said]:
            (mention, *_) = mentions.of_case(assembly.database, case_id)
            verb = "take" if truth[mention.post.native_id] else "dismiss"
            who = chance.choice(("ANA", "BEN", "CLEO"))
            say(assembly.database, assembly.rules, case_id, verb, who=who, way="page", now=now)
            said += 1
        now += timedelta(days=1)
    return arrived


def measure(
    folder: Path, rows: list[tuple[str, bool]], answers: int, seed: int, encoder: str
) -> tuple[dict[str, float], ...]:
    """Figures before and after on the rows that never arrived, and what was learned."""
    chance = random.Random(seed)
    rows = list(dict(chance.sample(rows, len(rows))).items())  # each text once
    teaches = encoder == "reader"
    written = SETTINGS.replace("{encoder}", "none" if teaches else encoder).replace("{teaches}", str(teaches).lower())
    (folder / "settings.toml").write_text(written, encoding="utf-8")
    settings = load(folder / "settings.toml", {})
    database = open_store(settings, NOW)
    try:
        assembly = assemble(settings, database)
        arrived = answer(assembly, rows, answers, chance)
        rest = rows[max(arrived, len(rows) // 2) :]
        before = figures(assembly, rest)
        while assembly.teaching.due():
            assembly.teaching.work(lambda: NOW)
        learned = feedback.load(database, ["Brand"])["Brand"].complaint
        told = {"answers": learned.figures.answers, "yes": learned.figures.yes, "heard": learned.blend}
        return before, figures(assembly, rest), told
    finally:
        database.close()


def main() -> None:
    """Print one table a set."""
    data = Path(sys.argv[1]) if len(sys.argv) > 1 else DATA
    answers = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    named = sys.argv[3] if len(sys.argv) > 3 else "none"
    encoder = named if named in ("none", "reader") else str(Path(named).resolve())
    print(f"What {answers} answers of staff are worth (mean of {len(SEEDS)} draws; posts that nobody answered)")
    for name, rows in sets(data):
        runs = []
        for seed in SEEDS:
            with tempfile.TemporaryDirectory() as folder:
                runs.append(measure(Path(folder), rows, answers, seed, encoder))
        told = [run[2] for run in runs]
        given, yes = mean(each["answers"] for each in told), mean(each["yes"] for each in told)
        heard = sum(each["heard"] for each in told)
        print(f"\n{name}: {given:.0f} answers, {yes:.0f} of them yes; heard in {heard:.0f} of {len(told)} draws")
        for key in runs[0][0]:
            before, after = mean(run[0][key] for run in runs), mean(run[1][key] for run in runs)
            print(f"  {key:<18} {before:6.3f} -> {after:6.3f}   {after - before:+.3f}")


if __name__ == "__main__":
    main()
