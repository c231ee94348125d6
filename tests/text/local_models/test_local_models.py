"""Models from a local folder, tiny real ones: what they are fed, what they say, and which they are."""

from __future__ import annotations

import json
import math
from array import array
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy
import pytest
from onnx import TensorProto, helper

from monitor.text.local_models.classifier import Classifier
from monitor.text.local_models.encoder import Encoder
from monitor.text.local_models.folder import LocalModelRefused
from tests.text.local_models.tiny_models import (
    HIDDEN,
    LABELS,
    LOOK_UP,
    MASKED,
    POINTER,
    SIZE,
    SUMMED,
    TABLE,
    WEIGHTS,
    WORDS,
    classifier_folder,
    encoder_folder,
    length_one,
    mean_of,
    odds_of,
    words_of,
    write_model,
    write_tokenizer,
)

# --- What a model says ------------------------------------------------------------------------------------------------


def test_a_sentence_is_the_mean_of_its_words_made_one_long(tmp_path: Path) -> None:
    encoder = Encoder(encoder_folder(tmp_path))
    texts = ["my order never arrived", "great", "nobody answers and nobody answers and my order late"]
    found = encoder.embed(texts)
    assert encoder.size == SIZE
    for text, row in zip(texts, found, strict=True):
        assert row.typecode == "f"
        numpy.testing.assert_allclose(row, mean_of(text), atol=1e-6)


def test_texts_come_back_in_the_order_in_which_they_were_given(tmp_path: Path) -> None:
    """More than one batch, of lengths that rise and fall: texts of a length are run together, and put back."""
    encoder = Encoder(encoder_folder(tmp_path))
    texts = [" ".join(WORDS[3 + (at + step) % 9] for step in range(1 + at * 7 % 30)) for at in range(75)]
    for text, row in zip(texts, encoder.embed(texts), strict=True):
        numpy.testing.assert_allclose(row, mean_of(text), atol=1e-6)
    assert encoder.embed([]) == []


def test_a_text_without_a_word_gets_zeros_and_disturbs_no_other(tmp_path: Path) -> None:
    encoder = Encoder(encoder_folder(tmp_path))
    nothing, blanks, late = encoder.embed(["", " \n\t", "late"])
    assert nothing == blanks == array("f", [0.0] * SIZE)
    numpy.testing.assert_allclose(late, mean_of("late"), atol=1e-6)


def test_a_sentence_that_the_graph_has_made_itself_is_taken(tmp_path: Path) -> None:
    folder = encoder_folder(
        tmp_path,
        nodes=[*SUMMED, helper.make_node("Identity", ["sum"], ["sentence_embedding"])],
        output=("sentence_embedding", ["batch", SIZE]),
    )
    (row,) = Encoder(folder).embed(["my order never arrived"])
    numpy.testing.assert_allclose(row, mean_of("my order never arrived"), atol=1e-6)


def test_an_output_of_another_name_is_taken_if_it_alone_has_figures_for_words(tmp_path: Path) -> None:
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["output_0"])]
    folder = encoder_folder(tmp_path, nodes=nodes, output=("output_0", ["batch", "sequence", SIZE]))
    numpy.testing.assert_allclose(Encoder(folder).embed(["late"])[0], mean_of("late"), atol=1e-6)


def test_a_model_that_is_to_be_read_at_its_first_token_is_read_there(tmp_path: Path) -> None:
    folder = encoder_folder(tmp_path)
    (folder / "1_Pooling").mkdir()
    modes = {"word_embedding_dimension": SIZE, "pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(modes))
    (row,) = Encoder(folder).embed(["order never arrived"])
    numpy.testing.assert_allclose(row, mean_of("order"), atol=1e-6)


def test_the_odds_are_those_of_the_softmax(tmp_path: Path) -> None:
    classifier = Classifier(classifier_folder(tmp_path))
    texts = ["my order never arrived", "great", "late late and nobody answers"]
    assert classifier.labels == LABELS
    assert classifier.negative == ("negative",)
    assert classifier.odds(texts) == pytest.approx([odds_of(text) for text in texts], abs=1e-5)
    assert classifier.odds(["", "great"])[0] == 0.0


def test_as_sure_as_it_gets_is_still_a_number(tmp_path: Path) -> None:
    steep = {"weights": WEIGHTS * 1000}
    classifier = Classifier(classifier_folder(tmp_path, tables=steep))
    found = classifier.odds(["my order never arrived", "great", "late", "order", "answers"])
    assert {abs(odds) for odds in found} == {20.0}
    assert len(set(found)) == 2


@pytest.mark.parametrize(
    ("labels", "negative"),
    [
        (("NEGATIVE", "POSITIVE"), [0]),
        (("positive", "neg"), [1]),
        (("Very Negative", "Negative", "Neutral", "Positive", "Very Positive"), [0, 1]),
        (("1 star", "2 stars", "3 stars", "4 stars", "5 stars"), [0, 1]),
        (("LABEL_0", "LABEL_1", "LABEL_2"), [0]),
        (("other", "complaint"), [1]),
    ],
)
def test_labels_say_by_their_names_which_are_negative(
    tmp_path: Path, labels: tuple[str, ...], negative: list[int]
) -> None:
    weights = numpy.random.default_rng(6).normal(size=(SIZE, len(labels))).astype(numpy.float32)
    config = {"id2label": {str(at): label for at, label in enumerate(labels)}}
    classifier = Classifier(classifier_folder(tmp_path, config, labels=len(labels), tables={"weights": weights}))
    assert classifier.negative == tuple(labels[at] for at in negative)
    logits = TABLE[words_of("my order late")].sum(axis=0).astype(float) @ weights.astype(float)
    chance = sum(numpy.exp(logits)[at] for at in negative) / numpy.exp(logits).sum()
    assert classifier.odds(["my order late"]) == pytest.approx([math.log(chance / (1 - chance))], abs=1e-5)


def test_the_operator_can_say_which_labels_are_negative(tmp_path: Path) -> None:
    folder = classifier_folder(tmp_path, {"id2label": {"0": "calm", "1": "angry", "2": "sad"}})
    classifier = Classifier(folder, [" Angry", "SAD"])
    assert classifier.negative == ("angry", "sad")
    assert classifier.odds(["late"]) == pytest.approx([odds_of("late", (1, 2))], abs=1e-5)


# --- What a model is fed ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [TensorProto.INT64, TensorProto.INT32])
@pytest.mark.parametrize("inputs", [MASKED, (*MASKED, "token_type_ids"), ("input_ids",)])
def test_only_what_the_graph_declares_is_fed(tmp_path: Path, inputs: tuple[str, ...], kind: int) -> None:
    encoder = Encoder(encoder_folder(tmp_path, inputs=inputs, kind=kind))
    texts = ["my order never arrived", "great"]
    for text, row in zip(texts, encoder.embed(texts), strict=True):
        numpy.testing.assert_allclose(row, mean_of(text), atol=1e-6)


def test_a_text_is_cut_where_the_model_ends(tmp_path: Path) -> None:
    folder = encoder_folder(tmp_path)
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 5}')
    (row,) = Encoder(folder).embed(["my order never arrived late " + "great " * 50])
    numpy.testing.assert_allclose(row, mean_of("my order never arrived late"), atol=1e-6)


def test_a_text_has_512_tokens_at_most_whatever_its_files_say(tmp_path: Path) -> None:
    """Twenty such are more than one run may hold."""
    folder = encoder_folder(tmp_path)
    write_tokenizer(folder, longest=10_000)
    for row in Encoder(folder).embed(["late " * 512 + "great " * 88] * 20):
        numpy.testing.assert_allclose(row, mean_of("late"), atol=1e-5)


def placed_words(places: int) -> dict[str, Any]:
    """A graph that knows the place of each word, for rows of at most so many."""
    return {
        "nodes": [
            helper.make_node("Shape", ["input_ids"], ["shape"], start=1, end=2),
            helper.make_node("Squeeze", ["shape"], ["length"]),
            helper.make_node("Range", ["from", "length", "by"], ["counted"]),
            helper.make_node("Gather", ["places", "counted"], ["placed"]),
            helper.make_node("Gather", ["table", "input_ids"], ["words"]),
            helper.make_node("Add", ["words", "placed"], ["last_hidden_state"]),
        ],
        "tables": {
            "from": numpy.array(0),
            "by": numpy.array(1),
            "places": numpy.zeros((places, SIZE), dtype=numpy.float32),
        },
    }


@pytest.mark.parametrize(("kind", "said"), [("bert", 16), ("xlm-roberta", 18)])
def test_a_model_is_never_given_a_longer_row_than_it_knows(tmp_path: Path, kind: str, said: int) -> None:
    """Those of the family of RoBERTa count their places from 2."""
    folder = encoder_folder(tmp_path, **placed_words(16))
    (folder / "config.json").write_text(json.dumps({"model_type": kind, "max_position_embeddings": said}))
    (row,) = Encoder(folder).embed(["late " * 300])
    numpy.testing.assert_allclose(row, mean_of("late"), atol=1e-6)


def test_a_model_that_breaks_down_at_its_longest_row_is_refused_while_loading(tmp_path: Path) -> None:
    with pytest.raises(LocalModelRefused, match=r"tiny/model\.onnx: breaks down at 1 x 64 tokens.*max_position"):
        Encoder(encoder_folder(tmp_path, **placed_words(16)))


def test_a_special_token_that_somebody_types_is_only_what_was_typed(tmp_path: Path) -> None:
    (row,) = Encoder(encoder_folder(tmp_path)).embed(["[SEP]"])
    numpy.testing.assert_allclose(row, length_one(TABLE[1]), atol=1e-6)  # "[", "SEP", "]": three unknown words


QUANTISED = [
    helper.make_node("Gather", ["table", "input_ids"], ["words"]),
    helper.make_node("DynamicQuantizeLinear", ["words"], ["small", "scale", "zero"]),
    helper.make_node("DequantizeLinear", ["small", "scale", "zero"], ["last_hidden_state"]),
]
UNMASKED = [
    helper.make_node("Gather", ["table", "input_ids"], ["words"]),
    helper.make_node("ReduceMean", ["words"], ["sentence_embedding"], axes=[1], keepdims=0),
]


@pytest.mark.parametrize(
    "how",
    [
        {"nodes": QUANTISED, "tables": {"table": TABLE * numpy.linspace(0.2, 5, len(WORDS))[:, None]}},
        {"nodes": UNMASKED, "output": ("sentence_embedding", ["batch", SIZE]), "inputs": ("input_ids",)},
    ],
    ids=["quantised over the batch", "without a mask"],
)
def test_the_same_text_gives_the_same_figures_in_any_company(tmp_path: Path, how: dict[str, Any]) -> None:
    if "tables" in how:
        how["tables"]["table"] = how["tables"]["table"].astype(numpy.float32)
    encoder = Encoder(encoder_folder(tmp_path, **how))
    texts = ["my order", "late late late late late late", "great", "answers and nobody arrived"]
    assert encoder.embed(texts) == [encoder.embed([text])[0] for text in texts]


def test_two_threads_at_once_hear_what_one_alone_hears(tmp_path: Path) -> None:
    classifier = Classifier(classifier_folder(tmp_path))
    (tmp_path / "other").mkdir()
    encoder = Encoder(encoder_folder(tmp_path / "other"))
    texts = [" ".join(WORDS[3 + (at * step) % 9] for step in range(1 + at % 20)) for at in range(64)]
    odds, figures = classifier.odds(texts), encoder.embed(texts)
    with ThreadPoolExecutor(4) as threads:
        heard = [(threads.submit(classifier.odds, texts), threads.submit(encoder.embed, texts)) for _ in range(12)]
        for one, other in heard:
            assert one.result(60) == odds
            assert other.result(60) == figures


HOSTILE = {
    "a lone surrogate": "late \ud800 order",
    "nothing but surrogates": "\udfff" * 1000,
    "NUL": "late\0order",
    "200 kB of words": "late " * 40_000,
    "200 kB without a blank": "l" * 200_000,
    "200 kB of emoji": "\U0001f621" * 50_000,
    "line separators": "late\u2028\u2029order",
    "zero width and the right-to-left mark": "la\u200bte \u202eorder",
    "one letter under a thousand accents": "e" + "\u0301" * 1000,
    "special tokens": "[PAD]" * 500 + "[SEP]</s><s><|endoftext|>",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_text_is_too_hostile(tmp_path: Path, text: str) -> None:
    encoder = Encoder(encoder_folder(tmp_path))
    row, after = encoder.embed([text, "late"])
    assert len(row) == SIZE
    assert all(map(math.isfinite, row))
    numpy.testing.assert_allclose(after, mean_of("late"), atol=1e-6)
    (tmp_path / "judges").mkdir()
    (odds,) = Classifier(classifier_folder(tmp_path / "judges")).odds([text])
    assert -20 <= odds <= 20


def test_a_word_whose_figures_are_not_finite_says_nothing(tmp_path: Path) -> None:
    """Half-precision models overflow now and then: such a text is one without an answer, the others have theirs."""
    broken = TABLE.copy()
    broken[WORDS.index("great")] = numpy.nan
    encoder = Encoder(encoder_folder(tmp_path, tables={"table": broken}))
    row, late = encoder.embed(["great", "late"])
    assert row == array("f", [0.0] * SIZE)
    numpy.testing.assert_allclose(late, mean_of("late"), atol=1e-6)
    (tmp_path / "judges").mkdir()
    classifier = Classifier(classifier_folder(tmp_path / "judges", tables={"table": broken}))
    assert classifier.odds(["great", "late"]) == pytest.approx([0.0, odds_of("late")], abs=1e-5)


# --- Which model it is ------------------------------------------------------------------------------------------------


def test_the_name_says_which_model_it_is(tmp_path: Path) -> None:
    """Figures of two models must never be mixed: other weights, another tokenizer, other settings: another name."""
    folder = encoder_folder(tmp_path)
    first = Encoder(folder).name
    assert first.startswith("tiny@")
    assert len(first) == len("tiny@") + 12
    assert Encoder(folder).name == first
    (folder / "README.md").write_text("words about it")
    assert Encoder(folder).name == first
    write_tokenizer(folder, [*WORDS[:-2], "other", "late"])
    second = Encoder(folder).name
    write_model(folder, LOOK_UP, HIDDEN, tables={"table": TABLE * 2})
    third = Encoder(folder).name
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 5}')
    assert len({first, second, third, Encoder(folder).name}) == 4


def test_a_model_in_the_folder_onnx_is_found(tmp_path: Path) -> None:
    """As sentence-transformers and most published models have it."""
    folder = encoder_folder(tmp_path)
    (folder / "onnx").mkdir()
    (folder / "model.onnx").rename(folder / "onnx" / "model.onnx")
    numpy.testing.assert_allclose(Encoder(folder).embed(["late"])[0], mean_of("late"), atol=1e-6)
    (folder / "onnx" / "model.onnx").write_bytes(POINTER)
    with pytest.raises(LocalModelRefused, match=r"^tiny/onnx/model\.onnx: only a pointer of Git LFS"):
        Encoder(folder)
