"""Models from a local folder: tiny real ones, built here with the onnx package and read by the code that reads all.

Their tables are random but fixed, so what each text must give is worked out by hand with numpy beside it.
"""

from __future__ import annotations

import json
import math
import sys
from array import array
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

from monitor.text.local.classifier import Classifier
from monitor.text.local.encoder import Encoder
from monitor.text.local.folder import LocalModelRefused

WORDS = ["[PAD]", "[UNK]", "[SEP]", "my", "order", "never", "arrived", "and", "nobody", "answers", "great", "late"]
SIZE = 6
TABLE = numpy.random.default_rng(4).normal(size=(len(WORDS), SIZE)).astype(numpy.float32)
LABELS = ("negative", "neutral", "positive")
WEIGHTS = numpy.random.default_rng(5).normal(size=(SIZE, len(LABELS))).astype(numpy.float32)
MODEL = {"model_type": "bert", "pad_token_id": 0, "id2label": dict(enumerate(LABELS))}
MASKED = ("input_ids", "attention_mask")


def words_of(text: str) -> list[int]:
    """Cut a text as the tiny tokenizer does, for texts of plain words."""
    return [WORDS.index(word) if word in WORDS else 1 for word in text.split()]


def write_tokenizer(folder: Path, words: Sequence[str] = WORDS, added: Sequence[str] = (), longest: int = 64) -> None:
    tokenizer = Tokenizer(models.WordLevel({word: at for at, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens([AddedToken(word, special=True) for word in ("[PAD]", "[UNK]", "[SEP]")])
    tokenizer.add_tokens(list(added))
    # As many of those in use are: padded to a fixed length, and cut short.
    tokenizer.enable_padding(length=32, pad_id=0, pad_token="[PAD]")
    tokenizer.enable_truncation(longest)
    tokenizer.save(str(folder / "tokenizer.json"))


def write_model(
    folder: Path,
    nodes: Sequence[onnx.NodeProto],
    output: tuple[str, Sequence[Any]],
    *,
    inputs: Sequence[str] = MASKED,
    kind: int = TensorProto.INT64,
    tables: dict[str, Any] | None = None,
) -> None:
    """Write a graph of these nodes; "table" holds the words' figures, "one" is the axis that the words stand on."""
    weights = {"table": TABLE, "weights": WEIGHTS, "one": numpy.array([1]), "two": numpy.array([2]), **(tables or {})}
    used = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        list(nodes),
        "tiny",
        [helper.make_tensor_value_info(name, kind, ["batch", "sequence"]) for name in inputs],
        [helper.make_tensor_value_info(output[0], TensorProto.FLOAT, output[1])],
        [numpy_helper.from_array(numpy.asarray(value), name) for name, value in weights.items() if name in used],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(folder / "model.onnx"))


HIDDEN = ("last_hidden_state", ["batch", "sequence", SIZE])
LOOK_UP = [helper.make_node("Gather", ["table", "input_ids"], ["last_hidden_state"])]
SUMMED = [
    helper.make_node("Gather", ["table", "input_ids"], ["words"]),
    helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
    helper.make_node("Unsqueeze", ["mask", "two"], ["deep"]),
    helper.make_node("Mul", ["words", "deep"], ["seen"]),
    helper.make_node("ReduceSum", ["seen", "one"], ["sum"], keepdims=0),
]
LOGITS = [*SUMMED, helper.make_node("MatMul", ["sum", "weights"], ["logits"])]


def make_folder(tmp_path: Path, config: dict[str, Any] | None = None, name: str = "tiny") -> Path:
    folder = tmp_path / name
    folder.mkdir()
    write_tokenizer(folder)
    (folder / "config.json").write_text(json.dumps(MODEL if config is None else config), encoding="utf-8")
    return folder


def encoder_folder(tmp_path: Path, **how: Any) -> Path:
    folder = make_folder(tmp_path)
    write_model(folder, how.pop("nodes", LOOK_UP), how.pop("output", HIDDEN), **how)
    return folder


def classifier_folder(tmp_path: Path, config: dict[str, Any] | None = None, **how: Any) -> Path:
    folder = make_folder(tmp_path, config)
    write_model(folder, LOGITS, ("logits", ["batch", how.pop("labels", len(LABELS))]), **how)
    return folder


def length_one(figures: Any) -> Any:
    return figures / numpy.linalg.norm(figures)


def mean_of(text: str) -> Any:
    return length_one(TABLE[words_of(text)].mean(axis=0))


def odds_of(text: str, negative: Sequence[int] = (0,)) -> float:
    """Log odds by the way that a text book takes: the softmax first."""
    logits = TABLE[words_of(text)].sum(axis=0).astype(float) @ WEIGHTS.astype(float)
    share = numpy.exp(logits) / numpy.exp(logits).sum()
    chance = sum(share[at] for at in negative)
    return math.log(chance / (1 - chance))


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


# --- What is refused --------------------------------------------------------------------------------------------------

POINTER = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:0000000000000000000000000000000000000000000000000000000000000000\nsize 22928619\n"
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
    assert said.endswith("run: pip install 'earful[onnx]'")
