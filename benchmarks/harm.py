"""The model that hears harm in unforeseen words: write it anew (`--train`), or print what it is worth.

What it is taught by: lines written for it (`harm_examples.txt`, and the pairs of `harm_pairs.txt` but for the trades
kept aside), the texts that people labelled (must, and safety or personal data, against all others), and what an encoder
says of the comments and reviews that may be trained on. The encoder does not ship; it knows words that stand in none of
the lines: of every word that the weights are for it says what it means, and words that mean the like weigh the like. No
text of `labelled.never_trained()` is in it. The line from which on it rings was chosen on the trades kept aside and on
real texts that it did not learn from, as `main` prints them.

`labels/harm_afresh.tsv` was written before the lines, by somebody who had not looked at the frames, and is only ever
measured; so are the tables in `tests/text`. `labels/harm_fresh.tsv` was written after all of them, by somebody who had
read neither lines nor frames, of three further trades; nobody who works on them reads it.

    python -m benchmarks.harm [--train]
"""

from __future__ import annotations

import random
import re
import sys
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import labelled, vectors  # sets the threads of numpy before it is imported
from benchmarks.regression import Dense, Floats, Rows, fit, stacked
from benchmarks.train import DATA, examples, expand
from connectors import Post
from monitor.text import likely_harm
from monitor.text.complaint_signals import BRAND, HEARD, tokens_of
from monitor.text.features import BrandProfile, bounded
from monitor.text.harm import parts_of
from monitor.text.judge import Judge, JudgeInput
from monitor.types import Verdict

import numpy as np  # isort: skip

ROOT = Path(__file__).resolve().parent.parent
LINES = Path(__file__).resolve().parent / "harm_examples.txt"
AFRESH = labelled.FOLDER / "harm_afresh.tsv"  # only measured
FRESH = labelled.FOLDER / "harm_fresh.tsv"  # only measured, and read by nobody who works on the rules or the model
CRITICAL = ROOT / "tests" / "text" / "critical_lines.tsv"  # only measured
PAIRS = LINES.with_name("harm_pairs.txt")
BITS = 16
EXPANSIONS = 8
EVERY = 2  # of comments and reviews every second one
DRAWN_SHARE, CALM_SHARE, TEACHER_REAL_SHARE = 0.3, 0.5, 0.05  # what one text weighs beside a line
REAL_SHARES = {"goemotions": 0.03, "google_play": 0.3}
MOST_SAID = {"google_play": 0.02}  # reviews of apps of banks: what the encoder takes for harm there is a lost login
PAIR_SHARES = (1.5, 3.0)  # what the harmless and the harmful line of a pair weigh, all its variants together
TEACHER_PENALTY, PENALTY = 1e-5, 1e-5
MEANINGS, MEANING_SCALE, FEWEST = 200, 3.0, 3  # numbers of a meaning, their size, and how often a word must stand
GATE = 0.75  # the share of comments and reviews of which only the words are looked at
LINE = 0.993  # the share of them that calls nobody
RINGS, DOUBT = 1.7, -3.0  # log odds: from here on it rings, below this no frame does (chosen on trades kept aside)
NAMES = f"{BRAND}|acme|oakmere|pinehall|planfold|gridnote|skyhop|airlark"
MOMENT = datetime(2026, 11, 22, 8, tzinfo=UTC)


@dataclass(frozen=True)
class Line:
    """A text and how far it tells of harm, with what it weighs."""

    text: str
    language: str
    target: float
    share: float = 1.0


def lines(path: Path = LINES) -> list[Line]:
    """Return every expanded line; the same file gives the same texts."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line[:2] not in ("+ ", "- "):
            continue
        sign, language, text = line.split(" ", 2)
        chance = random.Random(zlib.crc32(line.encode()))
        texts = dict.fromkeys(expand(text, chance) for _ in range(EXPANSIONS * 3))
        found += [Line(each, language, float(sign == "+")) for each in list(texts)[:EXPANSIONS]]
    return found


def is_aside(trade: str) -> bool:
    """Whether the pairs of a trade are never learned from: a fifth of the trades."""
    return zlib.crc32(trade.encode()) % 5 == 0


def pairs(*, aside: bool, path: Path = PAIRS) -> list[Line]:
    """Return the expanded pairs of the trades kept aside, or all others."""
    found = []
    kept = False
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("="):
            kept = not line.startswith("==") and is_aside(line.strip("= "))
        elif line[:2] in ("+ ", "- ") and kept == aside:
            sign, language, text = line.split(" ", 2)
            chance = random.Random(zlib.crc32(line.encode()))
            texts = list(dict.fromkeys(expand(text, chance) for _ in range(EXPANSIONS * 3)))[:EXPANSIONS]
            share = PAIR_SHARES[sign == "+"] / len(texts)
            found += [Line(each, language, float(sign == "+"), share) for each in texts]
    return found


def labelled_lines() -> list[Line]:
    """Return the texts that people labelled: a harm is a must that is about safety or personal data."""
    never = labelled.never_trained()
    return [
        Line(
            each.text,
            each.language,
            float(each.grade == "must" and each.kind in {"safety", "personal data"}),
            1.0 if each.dataset == "written" else DRAWN_SHARE,
        )
        for each in [*labelled.written(), *labelled.drawn(data=DATA)]
        if labelled.hash_of(each.text) not in never and (each.dataset == "written" or each.language == "en")
    ]


def calm_lines() -> list[Line]:
    """Return the judge's own examples of what is calm: stories, tips, jokes and questions with a brand in them."""
    return [Line(text, "en", 0.0, CALM_SHARE) for text, target, _ in examples() if target < 1]


def nameless(text: str) -> str:
    """Return a text without the names of its brands: who is spoken of says nothing."""
    return re.sub(r"\s+", " ", re.sub(rf"[@#]?\b(?:{NAMES})\b(?:['’]s)?", " ", text, flags=re.IGNORECASE)).strip()


def read(text: str) -> tuple[str, ...]:
    """Return the tokens of a text, with its brands as the judge writes them."""
    return tuple(tokens_of(bounded(re.sub(rf"(?<![\w@#])(?:{NAMES})(?!\w)", BRAND, text, flags=re.IGNORECASE))))


def rows_of(texts: Sequence[tuple[str, str]]) -> Rows:
    """Lay texts with their languages out as the model reads them: words, beginnings of words, parts of frames."""
    names = sorted(part_names())
    row: list[int] = []
    column: list[int] = []
    value: list[float] = []
    for place, (text, language) in enumerate(texts):
        tokens = read(text)
        words = sorted(likely_harm.words_of(tokens))
        for word in words:
            for at in likely_harm.places_of(word, BITS):
                row.append(place)
                column.append(at)
                value.append(len(words) ** -0.5)
        for part in parts_of(language if language in HEARD else "en").find(tokens, wholly=True):
            row.append(place)
            column.append((1 << BITS) + names.index(part))
            value.append(likely_harm.PART)
    shape = len(texts), (1 << BITS) + len(names)
    return Rows(np.array(row, np.int64), np.array(column, np.int64), np.array(value), *shape)


def part_names() -> frozenset[str]:
    """Return the parts of every language."""
    return frozenset(part for language in HEARD for part in parts_of(language).names)


@dataclass(frozen=True)
class Meanings:
    """What the encoder says that words mean, each as some numbers of which the first say most."""

    words: tuple[str, ...]
    many: tuple[int, ...]  # how often each was read
    values: Floats

    def rows_of(self, texts: Sequence[tuple[str, str]]) -> Floats:
        """Return what each text means by its words: the sum, weighed as the words themselves are."""
        place = {word: at for at, word in enumerate(self.words)}
        found = np.zeros((len(texts), self.values.shape[1]))
        for row, (text, _) in enumerate(texts):
            words = likely_harm.words_of(read(text))
            if known := sorted(place[each] for each in words if each in place):
                found[row] = self.values[known].sum(axis=0) * len(words) ** -0.5
        return found

    def poured(self, weights: Floats) -> Floats:
        """Return what these weights of meanings give each place of the table; words that share one, by how often."""
        at = np.array([likely_harm.places_of(word, BITS)[0] for word in self.words])
        many = np.array(self.many, float)
        given = np.bincount(at, weights=many * (self.values @ weights), minlength=1 << BITS)
        return given / np.maximum(np.bincount(at, weights=many, minlength=1 << BITS), 1.0)


def meanings_of(texts: Sequence[str]) -> Meanings:
    """Ask the encoder what each word means that stands often enough in these texts."""
    many = Counter(word for text in texts for word in likely_harm.words_of(read(text)))
    words = tuple(sorted(word for word, times in many.items() if times >= FEWEST))
    raw = vectors.encoded(words).astype(float)
    raw /= np.linalg.norm(raw, axis=1, keepdims=True) + 1e-9
    raw -= raw.mean(axis=0)
    _, _, axes = np.linalg.svd(raw[::FEWEST], full_matrices=False)
    return Meanings(words, tuple(many[word] for word in words), raw @ axes[:MEANINGS].T * MEANING_SCALE)


@dataclass(frozen=True)
class Beside:
    """A sparse matrix and a dense one, of the same rows, beside each other."""

    sparse: Rows
    dense: Dense

    @property
    def height(self) -> int:
        """How many rows there are."""
        return self.sparse.height

    @property
    def width(self) -> int:
        """How many columns there are."""
        return self.sparse.width + self.dense.width

    def times(self, weights: Floats) -> Floats:
        """Return one number a row."""
        return self.sparse.times(weights[: self.sparse.width]) + self.dense.times(weights[self.sparse.width :])

    def back(self, rows: Floats) -> Floats:
        """Return one number a column."""
        return np.concatenate([self.sparse.back(rows), self.dense.back(rows)])


def train() -> None:
    """Let the encoder say of comments and reviews how likely they tell of harm; fit the small model to all of it."""
    own = [*pairs(aside=False), *lines(), *labelled_lines(), *calm_lines()]
    drawn = [(text, name) for name, texts in vectors.permitted(DATA).items() for text in texts][::EVERY]
    real = [text for text, _ in drawn]
    targets, shares = np.array([each.target for each in own]), np.array([each.share for each in own])
    own_vectors = vectors.encoded([nameless(each.text) for each in own]).astype(float)
    real_vectors = vectors.encoded(real).astype(float)
    weights, bias = fit(
        Dense(np.vstack([own_vectors, real_vectors])),
        np.concatenate([targets, np.zeros(len(real))]),
        TEACHER_PENALTY,
        np.concatenate([shares, np.full(len(real), TEACHER_REAL_SHARE)]),
    )
    said = 1 / (1 + np.exp(-(real_vectors @ weights + bias)))
    said = np.minimum(said, [MOST_SAID.get(name, 1.0) for _, name in drawn])
    texts = [[(each.text, each.language) for each in own], [(text, "en") for text in real]]
    meanings = meanings_of([text for some in texts for text, _ in some])
    laid = [rows_of(some) for some in texts]
    given, bias = fit(
        Beside(stacked(laid), Dense(np.vstack([meanings.rows_of(some) for some in texts]))),
        np.concatenate([targets, said]),
        PENALTY,
        np.concatenate([shares, [REAL_SHARES[name] for _, name in drawn]]),
    )
    given, meant = given[: laid[0].width], given[laid[0].width :]
    given[: 1 << BITS] += meanings.poured(meant)
    words = given.copy()
    words[1 << BITS :] = 0.0
    parts = dict(zip(sorted(part_names()), given[1 << BITS :].tolist(), strict=True))
    numbers = {
        "bias": bias,
        "gate": float(np.quantile(laid[1].times(words), GATE)),
        "line": float(np.quantile(laid[1].times(given) + bias, LINE)),
        "rings": RINGS,
        "doubt": DOUBT,
    }
    likely_harm.write(likely_harm.FILE, given[: 1 << BITS].tolist(), parts, numbers)
    print(
        f"{likely_harm.FILE.name}: {likely_harm.FILE.stat().st_size:,} bytes, {len(own):,} lines, {len(real):,} texts"
    )


def verdicts(rows: Sequence[dict[str, str]], name: str) -> list[Verdict]:
    """Judge lines with their language, for a brand of this name."""
    judge = Judge([BrandProfile(name, (name,), competitors=("Globex",))])
    return judge.verdicts(
        [
            JudgeInput(Post("x", str(n), "", "somebody", each["text"], MOMENT, lang=each["language"]), name)
            for n, each in enumerate(rows)
        ]
    )


def placed(verdict: Verdict) -> str:
    """Say where a post is found: "critical", or its lane."""
    return "critical" if verdict.critical and verdict.lane == "ping" else verdict.lane


def main() -> None:
    """Train, or print where harm and harmless lines are found that nothing was taught by."""
    if "--train" in sys.argv:
        train()
        likely_harm.shipped.cache_clear()
    print_places("Harm told afresh, measured and never tuned to", AFRESH)
    print_places("Harm of further trades, read by nobody who works on what finds it", FRESH)


def print_places(title: str, path: Path) -> None:
    """Print where the harm and the harmless lines of a table are found, in all and by language and trade."""
    rows = labelled.table(path)
    found = [placed(each) for each in verdicts(rows, "Acme")]
    print(f"{title}: critical, critical or pinged\n")
    for kind in ("harm", "harmless"):
        for key in ("language", "trade"):
            for value in (*([""] if key == "language" else []), *sorted({row[key] for row in rows})):
                of = [
                    each
                    for each, row in zip(found, rows, strict=True)
                    if row["class"] == kind and value in ("", row[key])
                ]
                many = Counter(of)
                critical, called = many["critical"] / len(of), (many["critical"] + many["ping"]) / len(of)
                print(f"{kind:8} {value or 'all':10} n={len(of):3} critical {critical:.2f} called {called:.2f}")
    print()


if __name__ == "__main__":
    main()
