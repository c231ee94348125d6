"""How far two readers agree: the figure itself, what is listed, and what is said where nobody read twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import agreement, labelled


def test_kappa_is_agreement_beyond_chance() -> None:
    # The textbook's example: 20 times both yes, 15 times both no, 5 and 10 times of two minds.
    pairs = [("yes", "yes")] * 20 + [("yes", "no")] * 5 + [("no", "yes")] * 10 + [("no", "no")] * 15
    assert agreement.kappa(pairs) == pytest.approx(0.4)
    assert agreement.kappa(["ab", "ba"]) == pytest.approx(-1.0)
    assert agreement.kappa([("a", "a"), ("b", "b"), ("c", "c")]) == pytest.approx(1.0)
    assert agreement.kappa([("a", "a")] * 3) == 1.0
    with pytest.raises(ValueError, match="no labels"):
        agreement.kappa([])


def test_what_two_readers_see_differently_is_listed_by_its_hash(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = labelled.table(labelled.DRAWN)[:40]
    told = [[row["dataset"], row["hash"], row["grade"], row["kind"]] for row in drawn]
    was = told[7][2]
    told[7][2] = "look" if was != "look" else "no"
    told[9][3] = "press"  # another kind, the same grade: no disagreement to be listed
    one = labelled.written()[0]
    told.append(["written", labelled.hash_of(one.text), one.grade, one.kind])
    told.append(["airline", "0" * 16, "must", "complaint"])  # its text is not among ours any more
    second = tmp_path / "second.tsv"
    second.write_text(
        "\n".join("\t".join(row) for row in [["dataset", "hash", "grade", "kind"], *told]) + "\n", "utf-8"
    )

    agreement.main(second)

    lines = capsys.readouterr().out.splitlines()
    assert f"41 of {len(agreement.first_reader())} labelled texts were read twice" in lines
    assert any(line.startswith("1 labels of the second reader are of texts that have no label") for line in lines)
    assert next(line for line in lines if line.startswith("all grades")).startswith("all grades     n=  41 agreed 0.98")
    assert {line.split()[0] for line in lines if "kappa" in line} == {
        "all", *labelled.GRADES, "kinds", "written", *(row["dataset"] for row in drawn),
    }  # fmt: skip
    assert lines[lines.index("they differ about the grade of 1:") + 1 : -1] == [
        f"  {told[7][0]:12} {told[7][1]}  {was} {drawn[7]['kind']} / {told[7][2]} {told[7][3]}"
    ]


def test_where_nobody_read_twice_it_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    agreement.main(tmp_path / "second.tsv")
    assert "NOT MEASURED: there is no second.tsv" in capsys.readouterr().out


def test_how_writers_feel_was_read_twice_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = [each for each in labelled.written() if each.mood][:40]
    told = [each.mood for each in first]
    told[3] = "positive" if told[3] != "positive" else "neutral"
    second = tmp_path / "second_moods.tsv"
    names = [labelled.hash_of(each.text) for each in first]
    rows = [("hash", "mood"), *zip(names, told, strict=True), ("0" * 16, "mixed")]
    second.write_text("".join("\t".join(row) + "\n" for row in rows), "utf-8")
    agreement.moods(second)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("all moods      n=  40 agreed 0.97")
    assert [line.split()[0] for line in lines[2:-1]] == list(labelled.MOODS)


def test_the_days_that_were_read_twice_stand_by_themselves(capsys: pytest.CaptureFixture[str]) -> None:
    agreement.days()
    told = capsys.readouterr().out
    for day in labelled.DAYS[1:]:
        number = len(day.label_of())
        assert f"{day.name}, read twice by one reader:\n{number} of {number} labelled texts were read twice\n" in told
    assert not any(row["text"] in told for day in labelled.DAYS for row in day.rows() if len(row["text"]) > 12)
