"""The model file: the same answers every time, and nothing but a sound file is believed."""

from __future__ import annotations

import hashlib
import json
import math
import zlib
from pathlib import Path
from typing import Any

import pytest

from monitor.text.complaint_signals import signal_names
from monitor.text.judge import MODEL_FILE, Judge
from monitor.text.model import linear

HEADER: dict[str, Any] = {
    "name": "tiny", "version": "1", "features": linear.FEATURES, "bits": 8, "scale": 0.01, "bias": -0.5, "slope": 1.0,
    "mood_scale": 0.1, "mood_bias": 0.25, "mood_slope": 2.0,
    "signals": [["question", 0.5, 0.5, 0.4, -0.3], ["link", 0.0, 1.0, -0.2, 0.0]],
    "thresholds": {"ping": 0.6, "ping_aside": 0.9, "sweep": 0.1},
}  # fmt: skip
NAMES = ("question", "link")


def place(words: str) -> int:
    return zlib.crc32(words.encode()) & 0xFF


def tiny(tmp_path: Path, **changes: Any) -> Path:
    weights = [0] * 256
    weights[place("late")] = 200
    weights[place("too late")] = 100
    moods = [0] * 256
    moods[place("late")] = -127
    moods[place("too")] = 30
    file = tmp_path / "tiny.model"
    linear.write(file, {**HEADER, **changes}, weights, moods)
    return file


def needs(model: linear.Model, tokens: tuple[str, ...], signals: dict[str, float]) -> float:
    return model.score(tokens, signals)[0]


def test_a_score_is_the_sum_that_one_does_by_hand(tmp_path: Path) -> None:
    model = linear.read(tiny(tmp_path), NAMES)
    # three places: "too", "late", "too late"; no question is one deviation below its mean
    expected = -0.5 + (2.0 + 1.0) / math.sqrt(3) - 0.4
    assert needs(model, ("too", "late"), {}) == pytest.approx(expected)
    assert needs(model, ("too", "late"), {"question": 1.0}) == pytest.approx(expected + 0.8)
    assert needs(model, (), {}) == pytest.approx(-0.9)


def test_the_mood_is_a_sum_of_its_own(tmp_path: Path) -> None:
    """Who asks need not be unhappy, and who is unhappy need not ask: neither sum says anything of the other."""
    model = linear.read(tiny(tmp_path), NAMES)
    expected = 2.0 * (0.25 + 0.1 * (30 - 127) / math.sqrt(3) + 0.3)
    assert model.score(("too", "late"), {})[1] == pytest.approx(expected)
    assert model.score(("too", "late"), {"question": 1.0})[1] == pytest.approx(expected - 1.2)
    assert model.score((), {})[1] == pytest.approx(1.1)


def test_a_long_word_is_heard_by_its_beginning_too(tmp_path: Path) -> None:
    weights = [0] * 256
    weights[place("^deliv")] = 100
    linear.write(tmp_path / "tiny.model", HEADER, weights, [0] * 256)
    model = linear.read(tmp_path / "tiny.model", NAMES)
    nothing = needs(model, (), {})
    assert needs(model, ("delivers",), {}) == pytest.approx(nothing + 1.0 / math.sqrt(2))
    assert needs(model, ("deliv",), {}) == pytest.approx(nothing), "a short word is its own beginning"
    assert ('"deliv…"', pytest.approx(1.0 / math.sqrt(2))) in model.contributions(("delivers",), {})


def test_a_signal_counts_for_at_most_four_deviations(tmp_path: Path) -> None:
    model = linear.read(tiny(tmp_path), NAMES)
    assert model.score((), {"question": 1e9}) == model.score((), {"question": 100.0})
    assert model.score((), {"unheard of": 5.0}) == model.score((), {})


def test_the_voices_of_a_score_sum_to_it(tmp_path: Path) -> None:
    model = linear.read(tiny(tmp_path), NAMES)
    voices = model.contributions(("too", "late"), {"question": 1.0})
    assert sum(weight for _, weight in voices) == pytest.approx(needs(model, ("too", "late"), {"question": 1.0}))
    assert voices[0][0] == '"late"'


def test_the_same_model_is_written_with_the_same_bytes(tmp_path: Path) -> None:
    first = tiny(tmp_path).read_bytes()
    assert tiny(tmp_path).read_bytes() == first


def with_checksum(rest: bytes) -> bytes:
    return f"{linear.MAGIC} {hashlib.sha256(rest).hexdigest()}\n".encode() + rest


def test_a_truncated_file_is_refused_by_name(tmp_path: Path) -> None:
    file = tiny(tmp_path)
    whole = file.read_bytes()
    for length in (0, 10, 60, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:length])
        with pytest.raises(linear.ModelRefused, match=r"tiny\.model"):
            linear.read(file, NAMES)


def test_one_changed_byte_is_refused(tmp_path: Path) -> None:
    file = tiny(tmp_path)
    raw = bytearray(file.read_bytes())
    raw[-5] ^= 1
    file.write_bytes(bytes(raw))
    with pytest.raises(linear.ModelRefused, match="checksum"):
        linear.read(file, NAMES)


def test_another_version_of_the_format_is_refused(tmp_path: Path) -> None:
    file = tiny(tmp_path)
    file.write_bytes(file.read_bytes().replace(b"EARFUL-LINEAR/3", b"EARFUL-LINEAR/9", 1))
    with pytest.raises(linear.ModelRefused, match="EARFUL-LINEAR/9"):
        linear.read(file, NAMES)


def test_another_feature_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(linear.ModelRefused, match="other-words/3"):
        linear.read(tiny(tmp_path, features="other-words/3"), NAMES)
    with pytest.raises(linear.ModelRefused, match="link"):
        linear.read(tiny(tmp_path), ("question",))


def test_weights_of_the_wrong_size_and_headers_of_nonsense_are_refused(tmp_path: Path) -> None:
    file = tiny(tmp_path, bits=9)
    with pytest.raises(linear.ModelRefused, match="9 bits"):
        linear.read(file, NAMES)
    for line in (b"{}", b"[]", b"no json", json.dumps({**HEADER, "bits": "x"}).encode(), b"null"):
        file.write_bytes(with_checksum(line + b"\nnot zlib"))
        with pytest.raises(linear.ModelRefused, match=r"tiny\.model"):
            linear.read(file, NAMES)


def test_places_that_name_weights_that_are_not_there_are_refused(tmp_path: Path) -> None:
    """A file that a checksum covers may be written wrongly all the same: nothing is read past its end."""
    file = tiny(tmp_path)
    line, _, packed = file.read_bytes().partition(b"\n")[2].partition(b"\n")
    unpacked = bytearray(zlib.decompress(packed))
    unpacked[-4:] = b"\xff\xff\xff\x7f"
    file.write_bytes(with_checksum(line + b"\n" + zlib.compress(bytes(unpacked))))
    with pytest.raises(linear.ModelRefused, match="names weights that it does not hold"):
        linear.read(file, NAMES)


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(linear.ModelRefused, match=r"gone\.model"):
        linear.read(tmp_path / "gone.model", NAMES)


def test_the_shipped_model_is_sound_and_small() -> None:
    model = linear.read(MODEL_FILE, ("feeling", "bad_feeling", *signal_names()))
    assert model.thresholds.sweep < model.thresholds.ping < model.thresholds.ping_aside
    assert MODEL_FILE.stat().st_size < 2_000_000


def test_a_judge_with_a_refused_model_says_so_and_the_rules_go_on(tmp_path: Path) -> None:
    from tests.text.test_judge import post

    file = tmp_path / "broken.model"
    file.write_bytes(b"not a model")
    judge = Judge([], model=file)
    assert "broken.model" in judge.trouble[0]
    found = judge.verdict(post("My order never arrived and nobody answers"), "")
    assert found.lane == "ping"
    assert "rules" in found.scorer
    assert judge.verdict(post("Thanks, lovely service, very happy!"), "").lane == "none"


def test_lines_move_together_in_log_odds_and_what_is_not_there_stays_so() -> None:
    lines = linear.Thresholds(ping=0.5, ping_aside=0.9, sweep=0.2, ping_told=0.75)
    moved = lines.moved(1.0, -1.0)
    assert moved.ping == pytest.approx(1 / (1 + math.exp(-1.0)))
    assert moved.ping_told == pytest.approx(3 * math.e / (3 * math.e + 1))
    assert moved.sweep == pytest.approx(0.25 / math.e / (1 + 0.25 / math.e))
    assert (moved.sweep_calm, moved.sweep_aside) == (0.0, 0.0)
    assert lines.moved(0.0, 0.0) == lines
