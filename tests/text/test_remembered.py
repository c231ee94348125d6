"""What is found out of a word is worked out once, whatever texts come."""

from __future__ import annotations

from monitor.text.remembered import Remembered


def test_a_word_is_worked_out_once_and_the_memory_has_a_bound() -> None:
    asked: list[str] = []

    def find(word: str) -> int:
        asked.append(word)
        return len(word)

    lengths = Remembered(find, most=3, longest=5)
    assert list(map(lengths.__getitem__, ["one", "three", "one", "three"])) == [3, 5, 3, 5]
    assert asked == ["one", "three"]
    assert [lengths["endless"], lengths["endless"]] == [7, 7]
    assert asked[2:] == ["endless", "endless"]  # too long to be kept
    for word in ("a", "b", "c", "d"):
        lengths[word]
        assert len(lengths) <= 3
    assert lengths["d"] == 1
    assert asked[-1] == "d"
