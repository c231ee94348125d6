"""Draw the texts that people label by `docs/labelling.md`, print them in batches, and write down what was said of them.

    python -m benchmarks.labelling show drawn 0 120          texts 0 to 119 of the draw, numbered
    python -m benchmarks.labelling take drawn labels.txt     labels such as "12mc" become benchmarks/labels/drawn.tsv
    python -m benchmarks.labelling show more 0 120           a second draw, of what the first has too little of
    python -m benchmarks.labelling show unsure 0 120         later ones, of what the judge was unsure of, and more

The draw is the same on every machine: texts are ordered by a hash of the seed and of their own, in strata. Reviews by
app, stars and length; comments that name a product, a company or a service first, then questions, then unhappy ones.
Words choose what is read, never what is said of it: the labels are a reader's.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

from benchmarks import labelled

SEED = "earful-labels-1"
# words of a review -> how many of them for each app and number of stars
LENGTHS = ((3, 5), (12, 17), (35, 20), (10_000, 12))
COMMENTS = {"names a product": 330, "asks": 130, "is unhappy": 110, "other": 90}
MORE = {"is Hindi": 100, "asks": 95}  # reviews of the second draw
MEASURED = {"airline": 300, "sanders": 250, "sxsw": 200}
_PRODUCTS = re.compile(
    r"\b(apps?|phone|iphone|android|amazon|google|uber|lyft|netflix|steam|xbox|playstation|ps4|nintendo|facebook|twitter"
    r"|youtube|apple|microsoft|walmart|target|costco|starbucks|mcdonald'?s|kfc|airline|flight|hotel|airbnb|bank|paypal"
    r"|visa|comcast|verizon|t-mobile|sprint|internet|wifi|delivery|ordered|refund|customer service|support|store"
    r"|company|product|brand|website|subscription|software|update|servers?|bug|tickets?|insurance|tesla|ford|honda|toyota"
    r"|samsung|sony|nvidia|amd|intel|disney|spotify|hulu|tinder|ebay|etsy|ikea|nike|adidas|restaurant|pizza|devs?|bethesda"
    r"|blizzard|riot|valve|ubisoft|epic|warranty|dealer|shipping|account|customers?)\b",
    re.IGNORECASE,
)
_UNHAPPY = {"anger", "annoyance", "disappointment", "disapproval", "disgust", "sadness", "confusion"}
# "must", "look", "no"; then the kinds in their order: complaint, question, request, churn, safety, personal data, ...
_LETTERS = {"m": "must", "l": "look", "n": "no"}
_KINDS = dict(zip("cqrhspjea-", labelled.KINDS, strict=True))


def _rank(name: str) -> str:
    return hashlib.sha256(f"{SEED}:{name}".encode()).hexdigest()


def _strata(dataset: str, key: Callable[[str, dict[str, str]], object]) -> dict[object, list[tuple[str, str]]]:
    """Return hash and text of every different text of a data set, by stratum, in the order of the draw."""
    found: dict[object, dict[str, str]] = defaultdict(dict)
    seen: set[str] = set()
    for text, row in labelled.rows_of(dataset):
        name = labelled.hash_of(text)
        if name not in seen:
            seen.add(name)
            found[key(text, row)][name] = text
    return {stratum: sorted(texts.items(), key=lambda each: _rank(each[0])) for stratum, texts in found.items()}


def _length(text: str) -> int:
    return next(place for place, (words, _) in enumerate(LENGTHS) if len(text.split()) <= words)


def _comment(text: str, row: dict[str, str]) -> str:
    if _PRODUCTS.search(text):
        return "names a product"
    if "?" in text:
        return "asks"
    return "is unhappy" if _UNHAPPY & set(row["emotions"].split("|")) else "other"


def _review(text: str) -> str:
    if labelled.language_of(text) == "hi":
        return "is Hindi"
    return "asks" if "?" in text else "other"


def draw() -> list[tuple[str, str, str]]:
    """Return dataset, hash and text of what is to be labelled for training, in the order in which it is read."""
    found = []
    reviews = _strata("google_play", lambda text, row: (row["file"], row["score"], _length(text)))
    for stratum, texts in reviews.items():
        assert isinstance(stratum, tuple)
        found += [("google_play", *each) for each in texts[: LENGTHS[stratum[2]][1]]]
    for stratum, texts in _strata("goemotions", _comment).items():
        found += [("goemotions", *each) for each in texts[: COMMENTS[str(stratum)]]]
    return sorted(found, key=lambda each: _rank(each[1]))


def draw_more() -> list[tuple[str, str, str]]:
    """Return what the first draw has too little of: reviews in Hindi, and reviews that ask."""
    first = {name for _, name, _ in draw()}
    found = []
    for stratum, texts in _strata("google_play", lambda text, _: _review(text)).items():
        left = [("google_play", *each) for each in texts if each[0] not in first]
        found += left[: MORE.get(str(stratum), 0)]
    return sorted(found, key=lambda each: _rank(each[1]))


def draw_unsure() -> list[tuple[str, str, str]]:
    """Return the later draws, as the file of labels has them: which texts they took depended on the judge of their day.

    They were comments that name a product or ask, and reviews, of which teacher and judge thought most differently, or
    which stood nearest the middle; then reviews in Hindi in Latin letters, that ask or praise and want something, whose
    stars and words disagree, and a few of each drawn blindly; in the fourth comments that name a company or a service,
    and English reviews of 5 to 28 words; in the fifth 11,400 reviews and 5,910 comments of what was left.
    """
    before = {name for _, name, _ in [*draw(), *draw_more()]}
    left = {row["hash"]: row["dataset"] for row in labelled.table(labelled.DRAWN) if row["hash"] not in before}
    found = {
        name: (dataset, name, text)
        for dataset in labelled.PERMITTED
        for text, _ in labelled.rows_of(dataset)
        if left.get(name := labelled.hash_of(text)) == dataset
    }
    return sorted(found.values(), key=lambda each: _rank(each[1]))


def draw_measured() -> list[tuple[str, str, str]]:
    """Return dataset, hash and text of what is labelled for measuring only: tweets, retweets of the same once."""
    found: list[tuple[str, str, str]] = []
    for dataset, wanted in MEASURED.items():
        for texts in _strata(dataset, lambda _, __: "").values():
            found += [(dataset, *each) for each in texts[:wanted]]
    return found


def labels_of(lines: Iterable[str]) -> dict[int, tuple[str, str]]:
    """Read what a reader wrote down: "12mc" is "text 12: must, complaint", "13-15n-" is three texts of no interest."""
    found: dict[int, tuple[str, str]] = {}
    for line in lines:
        for word in line.split():
            told = re.fullmatch(r"(\d+)(?:-(\d+))?([mln])([cqrhspjea-])", word)
            if told is None:
                raise ValueError(f"{word!r} is not a label such as 12mc")
            for number in range(int(told[1]), int(told[2] or told[1]) + 1):
                if number in found:
                    raise ValueError(f"text {number} is labelled twice")
                found[number] = (_LETTERS[told[3]], _KINDS[told[4]])
    return found


def write_down(chosen: list[tuple[str, str, str]], labels: dict[int, tuple[str, str]], path: Path) -> None:
    """Write the labels as they stand in the repository: no text, one line each, in the order of the hashes.

    What the file holds of texts of another draw stays.
    """
    if missing := [number for number in range(len(chosen)) if number not in labels]:
        raise ValueError(f"no label for {len(missing)} texts, the first of them {missing[:5]}")
    lines = [
        "\t".join((dataset, name, *labels[number], str(int(labelled.is_held(name)))))
        for number, (dataset, name, _) in enumerate(chosen)
    ]
    path.parent.mkdir(exist_ok=True)
    names = {name for _, name, _ in chosen}
    before = labelled.table(path) if path.exists() else []
    lines += ["\t".join(row.values()) for row in before if row["hash"] not in names]
    path.write_text("\n".join(["\t".join(labelled.DRAWN_COLUMNS), *sorted(lines)]) + "\n", encoding="utf-8")


def main(verb: str, which: str, *rest: str) -> None:
    """Show a batch of texts, or take the labels of all."""
    chosen = {"drawn": draw, "more": draw_more, "unsure": draw_unsure, "measured": draw_measured}[which]()
    if verb == "show":
        first, last = map(int, rest)
        for number, (dataset, _, text) in list(enumerate(chosen))[first:last]:
            print(number, dataset, " ".join(text.split()))
    else:
        labels = labels_of(Path(rest[0]).read_text(encoding="utf-8").splitlines())
        write_down(chosen, labels, labelled.MEASURED if which == "measured" else labelled.DRAWN)


if __name__ == "__main__":
    main(*sys.argv[1:])
