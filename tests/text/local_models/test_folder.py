"""Folders without a model that can be used: each is refused while it is loaded, by name, and says what to do."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
from onnx import TensorProto, helper

from monitor.text.local_models.classifier import Classifier
from monitor.text.local_models.encoder import Encoder
from monitor.text.local_models.folder import LocalModelRefused
from tests.text.local_models.tiny_models import (
    LABELS,
    MASKED,
    MODEL,
    POINTER,
    SIZE,
    TABLE,
    WEIGHTS,
    WORDS,
    classifier_folder,
    encoder_folder,
    mean_of,
    odds_of,
    write_tokenizer,
)


def refusal(make: Callable[[], object]) -> str:
    with pytest.raises(LocalModelRefused) as caught:
        make()
    said = str(caught.value)
    assert ": " in said
    assert "; " in said, "what to do is missing"
    assert "\n" not in said
    return said


def both(folder: Path) -> set[str]:
    """The same refusal, whatever the folder was to be."""
    said = {refusal(lambda: Encoder(folder)), refusal(lambda: Classifier(folder))}
    assert len(said) == 1, said
    return said


def test_a_folder_that_is_not_there_is_refused_by_its_whole_name(tmp_path: Path) -> None:
    assert both(tmp_path / "nowhere") == {f"{tmp_path}/nowhere: no such folder; write the folder that holds model.onnx"}
    (tmp_path / "file").write_text("x")
    assert "no such folder" in both(tmp_path / "file").pop()


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_file_that_is_missing_empty_or_a_pointer_is_named(tmp_path: Path, name: str) -> None:
    folder = classifier_folder(tmp_path)
    (folder / name).write_bytes(POINTER)
    assert len(POINTER) < 140
    assert both(folder) == {f"tiny/{name}: only a pointer of Git LFS, not the file itself; run there: git lfs pull"}
    (folder / name).write_bytes(b"")
    assert both(folder).pop().startswith(f"tiny/{name}: empty; ")
    (folder / name).unlink()
    assert both(folder).pop().startswith(f"tiny/{name}: no such file; ")
    (folder / name).mkdir()
    assert both(folder).pop().startswith(f"tiny/{name}: no such file; ")


def test_a_truncated_model_is_refused(tmp_path: Path) -> None:
    folder = encoder_folder(tmp_path)
    whole = (folder / "model.onnx").read_bytes()
    for length in (1, 10, len(whole) // 3, len(whole) // 2, len(whole) - 1):
        (folder / "model.onnx").write_bytes(whole[:length])
        said = refusal(lambda: Encoder(folder))
        assert said.startswith("tiny/model.onnx: is no model that can be loaded: truncated, or of a version"), said
    (folder / "model.onnx").write_bytes(b"this is no model\n" * 100)
    assert "is no model that can be loaded" in both(folder).pop()


@pytest.mark.parametrize("text", ["", "{}", "not JSON", '{"model": {"type": "WordLevel"}}', "[1, 2]", "\x00\xff"])
def test_a_tokenizer_that_cannot_be_read_is_refused(tmp_path: Path, text: str) -> None:
    folder = classifier_folder(tmp_path)
    (folder / "tokenizer.json").write_text(text, encoding="latin-1")
    assert refusal(lambda: Encoder(folder)).startswith("tiny/tokenizer.json: ")
    assert refusal(lambda: Classifier(folder)).startswith("tiny/tokenizer.json: ")


@pytest.mark.parametrize("text", ["not JSON", "[1, 2]", "[" * 100_000, "\x00\xff", "1" * 2_000_000])
@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json", "sentence_bert_config.json"])
def test_settings_of_a_model_that_cannot_be_read_are_refused(tmp_path: Path, name: str, text: str) -> None:
    folder = classifier_folder(tmp_path)
    (folder / name).write_text(text, encoding="latin-1")
    assert both(folder).pop().startswith(f"tiny/{name}: is not the JSON that was expected (")


def test_settings_with_strange_values_are_as_good_as_none(tmp_path: Path) -> None:
    folder = encoder_folder(tmp_path)
    strange = {"max_position_embeddings": -1, "pad_token_id": "x", "model_type": None}
    (folder / "config.json").write_text(json.dumps(strange))
    (folder / "tokenizer_config.json").write_text('{"model_max_length": 1e30}')
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": true}')
    numpy.testing.assert_allclose(Encoder(folder).embed(["late"])[0], mean_of("late"), atol=1e-6)


def test_a_tokenizer_of_another_model_is_refused(tmp_path: Path) -> None:
    """Its words have numbers that the model has no figures for; such a pair fails only at some texts."""
    folder = classifier_folder(tmp_path)
    write_tokenizer(folder, [*WORDS, *(f"word{number}" for number in range(50))])
    said = refusal(lambda: Classifier(folder))
    assert said.startswith("tiny/model.onnx: breaks down at 1 x 64 tokens")
    assert "from the same model" in said


def test_a_model_that_breaks_down_later_says_so_without_the_text(tmp_path: Path) -> None:
    folder = classifier_folder(tmp_path)
    write_tokenizer(folder, added=["secretword"])
    classifier = Classifier(folder)
    assert "secretword" not in refusal(lambda: classifier.odds(["my secretword"]))
    assert classifier.odds(["late"]) == pytest.approx([odds_of("late")], abs=1e-5)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({}, "no id2label with two labels or more"),
        ({"id2label": {"0": "negative"}}, "no id2label with two labels or more"),
        ({"id2label": ["negative", "positive", "neutral"]}, "no id2label with two labels or more"),
        ({"id2label": {"1": "negative", "2": "positive", "3": "x"}}, "id2label does not count from 0 to 2"),
        ({"id2label": {"0": 5, "1": "negative", "2": "x"}}, "id2label does not count from 0 to 2"),
        ({"id2label": {"0": "a", "1": "b", "2": "c"}}, 'of its labels "a", "b", "c" none would count as negative'),
        ({"id2label": {"0": "LABEL_0", "1": "LABEL_1"}}, 'of its labels "LABEL_0", "LABEL_1" none would count'),
        (MODEL | {"problem_type": "multi_label_classification"}, "its labels do not exclude each other"),
    ],
)
def test_a_classifier_whose_labels_say_nothing_is_refused(tmp_path: Path, config: dict[str, Any], said: str) -> None:
    folder = classifier_folder(tmp_path, config)
    assert refusal(lambda: Classifier(folder)).startswith(f"tiny/config.json: {said}")


def test_a_label_that_the_model_has_not_is_refused_with_those_it_has(tmp_path: Path) -> None:
    folder = classifier_folder(tmp_path)
    assert refusal(lambda: Classifier(folder, ["angry"])) == (
        'tiny/config.json: has no label "angry"; write some of "negative", "neutral", "positive" as negative_labels'
    )
    assert "all would count as negative" in refusal(lambda: Classifier(folder, LABELS))


def test_a_classifier_with_other_figures_than_labels_is_refused(tmp_path: Path) -> None:
    folder = classifier_folder(tmp_path, {"id2label": {"0": "negative", "1": "positive"}})
    assert "gives logits in the shape (1, 3), wanted (1, 2)" in refusal(lambda: Classifier(folder))


def test_an_encoder_is_no_classifier_and_a_classifier_no_encoder(tmp_path: Path) -> None:
    assert "gives last_hidden_state in the shape" in refusal(lambda: Classifier(encoder_folder(tmp_path)))
    (tmp_path / "judges").mkdir()
    said = refusal(lambda: Encoder(classifier_folder(tmp_path / "judges")))
    assert 'has the outputs "logits", none of which are sentences as figures' in said
    assert "--task feature-extraction" in said


def test_a_ready_sentence_of_another_shape_is_refused(tmp_path: Path) -> None:
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["sentence_embedding"])]
    folder = encoder_folder(tmp_path, nodes=nodes, output=("sentence_embedding", ["batch", "sequence", SIZE]))
    assert "gives sentence_embedding in the shape (1, " in refusal(lambda: Encoder(folder))


@pytest.mark.parametrize(
    ("inputs", "kind", "said"),
    [
        ((*MASKED, "pixel_values"), TensorProto.INT64, "asks for the input pixel_values"),
        (("attention_mask",), TensorProto.INT64, 'takes "attention_mask", not input_ids: no model of text'),
        (MASKED, TensorProto.FLOAT, "takes input_ids as tensor(float), wanted tensor(int64)"),
    ],
)
def test_a_graph_that_asks_for_other_things_is_refused(
    tmp_path: Path, inputs: tuple[str, ...], kind: int, said: str
) -> None:
    cast = [
        helper.make_node("Cast", [inputs[0]], ["whole"], to=TensorProto.INT64),
        helper.make_node("Gather", ["table", "whole"], ["last_hidden_state"]),
    ]
    folder = encoder_folder(tmp_path, nodes=cast, inputs=inputs, kind=kind)
    assert both(folder).pop().startswith(f"tiny/model.onnx: {said}")


def test_a_model_whose_figures_are_not_finite_is_refused(tmp_path: Path) -> None:
    folder = encoder_folder(tmp_path, tables={"table": TABLE * numpy.float32("nan")})
    assert "gives no finite figures for a sentence" in refusal(lambda: Encoder(folder))
    (tmp_path / "judges").mkdir()
    judges = classifier_folder(tmp_path / "judges", tables={"weights": WEIGHTS * numpy.float32("inf")})
    assert "gives figures that are not finite" in refusal(lambda: Classifier(judges))


def test_a_way_of_pooling_that_is_not_known_is_refused(tmp_path: Path) -> None:
    folder = encoder_folder(tmp_path)
    (folder / "1_Pooling").mkdir()
    modes = {"pooling_mode_max_tokens": True, "pooling_mode_mean_tokens": False}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(modes))
    assert refusal(lambda: Encoder(folder)).startswith("tiny/1_Pooling/config.json: asks for pooling_mode_max_tokens;")


@pytest.mark.parametrize("library", ["onnxruntime", "tokenizers", "numpy"])
def test_without_the_extra_it_is_said_which_one_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    said = both(tmp_path / "models").pop()
    assert said.startswith(f"{tmp_path}/models: {library} is not installed")
    assert said.endswith("run: .venv/bin/pip install -e '.[onnx]'")
