"""How far two readers agree about the labels: `make quality` prints it (or `python -m benchmarks.agreement`).

The second reader saw `docs/labelling.md` and the texts, never the first labels; what they wrote down stands in
`benchmarks/labels/second.tsv`. Cohen's kappa is the share of agreement beyond what chance would give: 1 is always,
0 is no more than by chance. A grade's own kappa asks only "is it this grade or not". Disagreements are listed by hash,
so that somebody can read them again; no text is printed. How writers feel was labelled and read again in the same
way (`second_moods.tsv`). The days but the sample stand by themselves: both readings of
each are of one reader who may remember the first, so their kappa is not that of two people.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import labelled  # noqa: E402

Name = tuple[str, str]  # data set (or "written"), hash
Label = tuple[str, str]  # grade, kind


def kappa(pairs: Iterable[tuple[str, str]]) -> float:
    """Return Cohen's kappa of two readers' words for the same things; 1.0 where both only ever said one word."""
    said = list(pairs)
    if not said:
        raise ValueError("kappa of no labels at all")
    agreed = sum(one == other for one, other in said) / len(said)
    first, second = Counter(one for one, _ in said), Counter(other for _, other in said)
    chance = sum(first[word] * second[word] for word in first) / len(said) ** 2
    return (agreed - chance) / (1 - chance) if chance < 1 else 1.0


def first_reader() -> dict[Name, Label]:
    """Return the labels that the judge is taught and measured by. No text is needed for it."""
    found = {
        (row["dataset"], row["hash"]): (row["grade"], row["kind"])
        for path in (labelled.DRAWN, labelled.MEASURED)
        for row in labelled.table(path)
    }
    for row in labelled.table(labelled.WRITTEN):
        found["written", labelled.hash_of(row["text"])] = (row["grade"], row["kind"])
    return found


def second_reader(path: Path = labelled.SECOND) -> dict[Name, Label]:
    """Return the second reader's labels."""
    return {(row["dataset"], row["hash"]): (row["grade"], row["kind"]) for row in labelled.table(path)}


def report(first: dict[Name, Label], second: dict[Name, Label]) -> list[str]:
    """Return the lines that are printed: the kappas, each set of texts, then every disagreement about a grade."""
    both = sorted(first.keys() & second.keys())
    lines = [f"{len(both)} of {len(first)} labelled texts were read twice"]
    if strangers := len(second.keys() - first.keys()):
        lines.append(f"{strangers} labels of the second reader are of texts that have no label any more: left out")
    if not both:
        return lines
    lines.append(f"{'all grades':14} {_told([(first[name][0], second[name][0]) for name in both])}")
    for grade in labelled.GRADES:
        asked = [(str(first[name][0] == grade), str(second[name][0] == grade)) for name in both]
        lines.append(f"{grade:14} {_told(asked)}")
    lines.append(f"{'kinds':14} {_told([(first[name][1], second[name][1]) for name in both])}")
    for dataset in sorted({dataset for dataset, _ in both}):
        some = [(first[name][0], second[name][0]) for name in both if name[0] == dataset]
        lines.append(f"{f'  {dataset}':14} {_told(some)}")
    differ = [name for name in both if first[name][0] != second[name][0]]
    lines.append(f"they differ about the grade of {len(differ)}:")
    lines += [
        f"  {dataset:12} {name}  {' '.join(first[dataset, name])} / {' '.join(second[dataset, name])}"
        for dataset, name in differ
    ]
    return lines


def _told(pairs: Sequence[tuple[str, str]]) -> str:
    agreed = sum(one == other for one, other in pairs)
    return f"n={len(pairs):4} agreed {agreed / len(pairs):.2f}, kappa {kappa(pairs):.2f}"


def day_read(path: Path, day: labelled.Day) -> dict[Name, Label]:
    """Return the labels of one reading of a day, by the name of the day and the id of the post."""
    return {(day.name, name): label for name, label in labelled.labels_by_id(path).items()}


def main(path: Path = labelled.SECOND) -> None:
    """Print how far the readers agree, or that nobody has read a second time."""
    print("Do two readers agree? Labels of the same texts, by the same guide.\n")
    if path.is_file():
        print("\n".join(report(first_reader(), second_reader(path))))
    else:
        print(f"NOT MEASURED: there is no {path.name}; nobody has read the texts a second time")
    print()


def moods(path: Path = labelled.SECOND_MOODS) -> None:
    """Print how far two readers agree about how writers feel."""
    first = {labelled.hash_of(row["text"]): row["mood"] for row in labelled.table(labelled.WRITTEN) if row["mood"]}
    second = {row["hash"]: row["mood"] for row in labelled.table(path)}
    both = [(first[name], mood) for name, mood in second.items() if name in first]
    print("How the writer feels, of the written texts that were read twice:")
    print(f"{'all moods':14} {_told(both)}")
    for mood in labelled.MOODS:
        print(f"{mood:14} {_told([(str(one == mood), str(other == mood)) for one, other in both])}")
    print()


def days() -> None:
    """Print how far the two readings of each day agree."""
    for day in labelled.DAYS:
        if day.second is not None:
            print(f"{day.name}, read twice by one reader:")
            print("\n".join(report(day_read(day.labels, day), day_read(day.second, day))))
            print()


if __name__ == "__main__":
    main()
    moods()
    days()
